//! The span of time that a report is about.

use chrono::{DateTime, Duration, Utc};

use crate::web::problem::Problem;
use crate::web::query::Params;

/// The span of a report, a year at most.
pub(super) fn span(params: &Params) -> Result<(DateTime<Utc>, DateTime<Utc>), Problem> {
    const MOST_DAYS: i64 = 366;
    let to = params.time("to")?.unwrap_or_else(Utc::now);
    let from = match params.time("from")? {
        Some(from) => from,
        None => to.checked_sub_signed(Duration::days(30)).unwrap_or(to),
    };
    if from >= to || to - from > Duration::days(MOST_DAYS) {
        return Err(Problem::bad_request("from", format!("must lie before `to`, at most {MOST_DAYS} days")));
    }
    Ok((from, to))
}
