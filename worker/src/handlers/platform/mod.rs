//! Handlers of the kinds of the platform.

use ::platform::kinds;

::platform::for_each_kind!(declare_handlers);
