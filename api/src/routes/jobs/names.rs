//! Names of kinds and queues in a filter that found nothing. A typing error would look as if nothing were there. What is found
//! has its name, whether or not this program knows it: of a kind that no program runs any more jobs may be left.

use std::collections::BTreeSet;

use crate::web::problem::Problem;

/// Refuses names that there are not, for a filter that found nothing.
///
/// # Errors
/// 400 naming the parameter, `kind` or `queue`, and the names that there are.
pub(super) fn check(kind: Option<&str>, queue: Option<&str>) -> Result<(), Problem> {
    known("kind", kind, "the kinds are", || kinds::all().map(|info| info.kind).collect())?;
    known("queue", queue, "the queues are", || kinds::all().map(|info| info.policy.queue).collect())
}

fn known(
    parameter: &'static str,
    name: Option<&str>,
    said: &str,
    names: impl Fn() -> BTreeSet<&'static str>,
) -> Result<(), Problem> {
    let Some(name) = name else { return Ok(()) };
    let names = names();
    if names.contains(name) {
        return Ok(());
    }
    let names: Vec<&str> = names.into_iter().collect();
    Err(Problem::bad_request(parameter, format!("{said} {}", names.join(", "))))
}
