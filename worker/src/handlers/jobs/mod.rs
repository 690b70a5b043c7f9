//! Handlers of the kinds of the operators and of the cluster itself.

use ::jobs::kinds;

::jobs::for_each_kind!(declare_handlers);
