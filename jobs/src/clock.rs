//! Clocks that are wrong. What waits goes by the ledger's clock, so a process whose machine is minutes off delays
//! nothing; but its logs, the ids it makes and the signatures it checks go by its own. So it says so, and what to do.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use crate::{QueueError, Store};

/// How far off a clock is told of.
const WRONG: TimeDelta = TimeDelta::minutes(1);

/// How often a process compares its clock, and how soon again when the ledger did not answer.
const EVERY: Duration = Duration::from_secs(300);
const RETRY_EVERY: Duration = Duration::from_secs(10);

/// How far the ledger's clock is ahead of this machine's, up to half of the time that the answer took.
///
/// # Errors
/// The ledger failed.
pub async fn ahead(conn: &mut PgConnection) -> Result<TimeDelta, QueueError> {
    let asked = Utc::now();
    let there = now(conn).await?;
    let answered = Utc::now();
    Ok(there - (asked + (answered - asked) / 2))
}

/// The time by the ledger's clock, for whatever is forgotten by its age: a process that believes to be in another year
/// would forget everything.
///
/// # Errors
/// The ledger failed.
pub async fn now(conn: &mut PgConnection) -> Result<DateTime<Utc>, QueueError> {
    Ok(sqlx::query_scalar("select clock_timestamp()").fetch_one(conn).await?)
}

/// Compares this machine's clock with the ledger's until it is dropped; says once that it is wrong, and once that it is
/// right again.
pub async fn watch(store: Store) {
    let mut told = false;
    loop {
        let compared = store.answers(async { ahead(&mut *store.pool().acquire().await?).await }).await;
        let Ok(ahead) = compared else {
            // Whoever needs the ledger says that it is away.
            tokio::time::sleep(RETRY_EVERY).await;
            continue;
        };
        match advice(ahead) {
            Some(advice) if !std::mem::replace(&mut told, true) => tracing::warn!("{advice}"),
            None if std::mem::take(&mut told) => tracing::info!("this machine's clock is right again"),
            _ => {}
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// What an operator should do about a clock that the ledger's is so far ahead of; none when they agree.
pub fn advice(ahead: TimeDelta) -> Option<String> {
    if ahead.abs() < WRONG {
        return None;
    }
    let side = if ahead > TimeDelta::zero() { "behind" } else { "ahead of" };
    Some(format!(
        "this machine's clock is {} s {side} the database's: set it, for example by timedatectl set-ntp true; \
         delays, retries and schedules go by the database's meanwhile",
        ahead.num_seconds().abs()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_what_to_do_about_a_clock_ten_minutes_off() {
        let told = advice(TimeDelta::minutes(-10)).expect("it is wrong");
        assert!(told.contains("600 s ahead of") && told.contains("set-ntp"), "{told}");
        assert_eq!(told.lines().count(), 1);
        assert!(advice(TimeDelta::minutes(10)).is_some_and(|told| told.contains("600 s behind")));
        for right in [0, 59, -59] {
            assert_eq!(advice(TimeDelta::seconds(right)), None);
        }
    }
}
