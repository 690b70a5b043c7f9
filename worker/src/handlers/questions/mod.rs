//! Handlers of the kinds of questions.

use ::questions::kinds;

::questions::for_each_kind!(declare_handlers);
