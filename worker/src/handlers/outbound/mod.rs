//! Handlers of what goes to other systems.

use ::outbound::kinds;

::outbound::for_each_kind!(declare_handlers);
