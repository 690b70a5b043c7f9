//! Handlers of the kinds of the support desk.

use ::support::kinds;

::support::for_each_kind!(declare_handlers);
