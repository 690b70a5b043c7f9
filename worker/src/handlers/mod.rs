//! One file a kind, named like its contract and in the folder of the same owner. The tables are made from the owners'
//! lists of kinds, so a kind without a handler does not compile.

use std::sync::Arc;

use crate::{app::App, runtime::Handlers};

/// Declares the handler modules of an owner, and `add`, which puts them into the table. The caller has the owner's
/// `kinds` in scope.
macro_rules! declare_handlers {
    ($($module:ident: $kind:ident,)*) => {
        $(mod $module;)*

        /// Adds the handlers of this owner's kinds.
        pub(super) fn add(handlers: crate::runtime::Handlers, app: &std::sync::Arc<crate::app::App>) -> crate::runtime::Handlers {
            handlers$(.with::<kinds::$kind, _, _, _>(app, $module::handle))*
        }
    };
}

mod jobs;
mod marketing;
mod outbound;
mod platform;
mod questions;
mod support;

/// The handlers of every kind.
pub fn all(app: &Arc<App>) -> Handlers {
    [jobs::add, platform::add, support::add, marketing::add, outbound::add, questions::add]
        .into_iter()
        .fold(Handlers::default(), |handlers, add| add(handlers, app))
        .asking([&app.db, &app.steps])
}
