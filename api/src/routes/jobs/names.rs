//! Names of kinds and queues that a filter gives. A typing error would find nothing, and look as if nothing were there.

use std::collections::BTreeSet;

use crate::web::problem::Problem;

/// Passes on the name of a kind that there is.
///
/// # Errors
/// 400 naming the parameter and the kinds.
pub(super) fn kind(parameter: &'static str, name: Option<String>) -> Result<Option<String>, Problem> {
    known(parameter, name, "the kinds are", kinds::all().map(|info| info.kind).collect())
}

/// Passes on the name of a queue that there is.
///
/// # Errors
/// 400 naming the parameter and the queues.
pub(super) fn queue(parameter: &'static str, name: Option<String>) -> Result<Option<String>, Problem> {
    known(parameter, name, "the queues are", kinds::all().map(|info| info.policy.queue).collect())
}

fn known(
    parameter: &'static str,
    name: Option<String>,
    said: &str,
    names: BTreeSet<&'static str>,
) -> Result<Option<String>, Problem> {
    if name.as_deref().is_none_or(|name| names.contains(name)) {
        return Ok(name);
    }
    let names: Vec<&str> = names.into_iter().collect();
    Err(Problem::bad_request(parameter, format!("{said} {}", names.join(", "))))
}
