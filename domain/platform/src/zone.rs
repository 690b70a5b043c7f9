//! The shop's day: where an instant falls depends on where the shop is.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use database::{DbError, Tx};

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
