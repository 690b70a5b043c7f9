//! The shop's day: where an instant falls depends on where the shop is.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use database::{DbError, Tx};
use jobs::contract::Unfit;

/// Orders of an earlier day are not asked about.
pub const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a day");

/// The time zone of the transaction's tenant; UTC where its name is not known here (any app role).
///
/// # Errors
/// The database failed.
pub async fn read(tx: &mut Tx) -> Result<Tz, DbError> {
    let name: Option<String> = sqlx::query_scalar("select platform.shop_zone()").fetch_one(&mut **tx).await?;
    Ok(name.and_then(|name| name.parse().ok()).unwrap_or(Tz::UTC))
}

/// The day that it is where the shop is (any app role).
///
/// # Errors
/// The database failed.
pub async fn today(tx: &mut Tx, now: DateTime<Utc>) -> Result<NaiveDate, DbError> {
    Ok(now.with_timezone(&read(tx).await?).date_naive())
}

/// Checks the last day whose orders are to count, in the payload of a job that may begin at that time. Where the shop is, is
/// not known yet: it is that day, or the next, somewhere.
pub(crate) fn check_last_day(as_of: Option<NaiveDate>, at: DateTime<Utc>) -> Result<(), Unfit> {
    // No clock is further ahead.
    let latest = (at + TimeDelta::hours(14)).date_naive();
    match as_of {
        Some(day) if !(FIRST_DAY..=latest).contains(&day) => Err(Unfit::at(
            "as_of",
            format!("must be a day from {FIRST_DAY} until the one on which the job begins"),
        )),
        _ => Ok(()),
    }
}

/// The first moment of a day: midnight, or the end of the gap where clocks are put forward at midnight.
pub fn start_of(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    let local = |time| zone.from_local_datetime(&time).earliest();
    // No zone was ever put forward by more than a day.
    let first = (0..=24 * 4)
        .find_map(|quarters| local(midnight.checked_add_signed(TimeDelta::minutes(15 * quarters))?));
    first.map_or(DateTime::UNIX_EPOCH, |first| first.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_day_is_none_that_is_nowhere_yet() {
        let at = "2026-01-31T12:00:00Z".parse().expect("a time");
        let fits = |day: &str| check_last_day(Some(day.parse().expect("a day")), at).is_ok();
        assert!(check_last_day(None, at).is_ok());
        assert!(fits("1970-01-01") && fits("2026-01-31"));
        assert!(fits("2026-02-01"), "it is the first of February on Kiritimati");
        assert!(!fits("2026-02-02") && !fits("1969-12-31"));
    }

    #[test]
    fn a_day_begins_where_the_shop_is() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        let start = |text: &str, zone: Tz| start_of(day(text), zone).to_rfc3339();
        assert_eq!(start("2026-01-31", Tz::UTC), "2026-01-31T00:00:00+00:00");
        assert_eq!(start("2026-01-31", Tz::Europe__Berlin), "2026-01-30T23:00:00+00:00");
        assert_eq!(start("2026-07-01", Tz::America__New_York), "2026-07-01T04:00:00+00:00");
        // Clocks went from 23:59:59 to 01:00 there.
        assert_eq!(start("2018-11-04", Tz::America__Sao_Paulo), "2018-11-04T03:00:00+00:00");
    }
}
