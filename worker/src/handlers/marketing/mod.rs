//! Handlers of the kinds of marketing.

use ::marketing::kinds;

::marketing::for_each_kind!(declare_handlers);
