//! One file a kind, named like its contract. The table is made from the list of kinds, so a kind
//! without a handler does not compile.

use std::sync::Arc;

use crate::{app::App, runtime::Handlers};

macro_rules! declare_handlers {
    ($($module:ident: $kind:ident,)*) => {
        $(mod $module;)*

        /// The handlers of every kind.
        pub fn all(app: &Arc<App>) -> Handlers {
            Handlers::default()$(.with::<jobs::kinds::$kind, _, _, _>(app, $module::handle))*
        }
    };
}

jobs::for_each_kind!(declare_handlers);
