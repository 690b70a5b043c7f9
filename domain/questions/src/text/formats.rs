//! Numbers, amounts and days as people write them: 30,062.50 EUR, 27.1 %, 1 customer, 10 March 2026. The verifier reads
//! all of these back.

use chrono::NaiveDate;
use platform::{money, probability};
use serde_json::Value;

/// A whole number, its thousands apart.
pub fn whole(number: i64) -> String {
    grouped(&number.to_string())
}

/// So many of something: "1 customer", "1,250 customers".
pub fn count(number: i64, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{} {one}s", whole(number)),
    }
}

/// A number that is not whole, with as few places as tell it well.
pub fn number(value: f64) -> String {
    grouped(&rounded(value, 0))
}

/// So many days.
pub fn days(value: f64) -> String {
    let written = number(value);
    if written == "1" { "1 day".to_owned() } else { format!("{written} days") }
}

/// The last so many months.
pub fn last_months(months: u32) -> String {
    if months == 1 { "the last month".to_owned() } else { format!("the last {months} months") }
}

/// A share as a percentage, with one place, or more where one would say something else.
pub fn percent(share: f64) -> String {
    let percent = rounded(share * 100.0, 1);
    let percent = percent.strip_suffix(".0").unwrap_or(&percent);
    format!("{} %", grouped(percent))
}

/// A probability, which is never 0 or 100 %.
pub fn probability(probability: f64) -> String {
    probability::written(probability)
}

/// An amount, a number or a text, with the places of its currency and the currency itself where that is known.
pub fn money(amount: &Value, currency: Option<&str>) -> Option<String> {
    let value =
        amount.as_f64().or_else(|| amount.as_str()?.parse().ok()).filter(|value| value.is_finite())?;
    let is_whole = value.fract() == 0.0 && currency.is_some_and(money::is_whole);
    // A zero has no sign.
    let value = if value.abs() < 0.005 { 0.0 } else { value };
    let written = grouped(&if is_whole { format!("{value:.0}") } else { format!("{value:.2}") });
    Some(match currency {
        Some(currency) => format!("{written} {currency}"),
        None => written,
    })
}

/// A day: "10 March 2026".
pub fn day(day: NaiveDate) -> String {
    day.format("%-d %B %Y").to_string()
}

/// A month by one of its days: "March 2026".
pub fn month(day: NaiveDate) -> String {
    day.format("%B %Y").to_string()
}

/// Places are added until what is written differs by less than the verifier lets pass.
fn rounded(value: f64, places: usize) -> String {
    const MOST_PLACES: usize = 6;
    for places in places..MOST_PLACES {
        let written = format!("{value:.places$}");
        let read: f64 = written.parse().unwrap_or(0.0);
        if (read - value).abs() <= value.abs() * 0.04 {
            return written;
        }
    }
    format!("{value:.MOST_PLACES$}")
}

/// Commas between thousands.
fn grouped(written: &str) -> String {
    let (sign, digits) = match written.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", written),
    };
    let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
    let mut grouped = sign.to_owned();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if !places.is_empty() {
        grouped.push('.');
        grouped.push_str(places);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::verifier::known::Known;
    use crate::verifier::verify;

    #[test]
    fn they_are_written_as_people_do() {
        assert_eq!(
            [whole(0), whole(999), whole(1_250), whole(-1_234_567)],
            ["0", "999", "1,250", "-1,234,567"]
        );
        assert_eq!(
            [count(1, "customer"), count(2, "customer"), count(0, "order")],
            ["1 customer", "2 customers", "0 orders"]
        );
        assert_eq!(
            [percent(0.2714), percent(0.27), percent(0.0004), percent(12.5)],
            ["27.1 %", "27 %", "0.04 %", "1,250 %"]
        );
        assert_eq!(
            [probability(0.2714), probability(0.0001), probability(0.9999)],
            ["27.1 %", "under 0.1 %", "over 99.9 %"]
        );
        let eur = |amount: Value| money(&amount, Some("EUR")).expect("an amount");
        assert_eq!(
            [eur(json!("30062.5")), eur(json!(0.1)), eur(json!("-0.001"))],
            ["30,062.50 EUR", "0.10 EUR", "0.00 EUR"]
        );
        let jpy = |amount: Value| money(&amount, Some("JPY")).expect("an amount");
        assert_eq!(
            [jpy(json!("129900.00")), jpy(json!(0)), jpy(json!(1299.5))],
            ["129,900 JPY", "0 JPY", "1,299.50 JPY"]
        );
        assert_eq!((money(&json!("7"), None).as_deref(), money(&Value::Null, None)), (Some("7.00"), None));
        assert_eq!([number(3.4), number(1234.4), number(30.0)], ["3.4", "1,234", "30"]);
        assert_eq!(
            [days(1.0), days(30.44), last_months(1), last_months(3)],
            ["1 day", "30 days", "the last month", "the last 3 months"]
        );
        let on: NaiveDate = "2026-03-10".parse().expect("a day");
        assert_eq!([day(on), month(on)], ["10 March 2026", "March 2026"]);
    }

    proptest! {
        /// Whatever is told of a figure is found in it by the verifier, and nothing else is.
        #[test]
        fn the_verifier_reads_them_back(
            customers in 0_i64..100_000_000, cents in 1_i64..10_000_000_000, share in 0.0001_f64..3.0, gap in 0.1_f64..9_000.0,
            days_after in 0_i64..20_000,
        ) {
            let on = NaiveDate::from_ymd_opt(2000, 1, 1).expect("a day") + chrono::TimeDelta::days(days_after);
            let spend = format!("{}.{:02}", cents / 100, cents % 100);
            let mut known = Known::default();
            known.add(&json!({"customers": customers, "spend": spend, "share": share, "gap": gap, "last_order_on": on.to_string()}));
            let text = format!(
                "{} spent {}, {} of all, every {}, the last on {}, so in {}.",
                count(customers, "customer"),
                money(&json!(spend), Some("EUR")).expect("an amount"),
                percent(share),
                days(gap),
                day(on),
                month(on),
            );
            prop_assert_eq!(verify(&text, &known, &[]).text, text.clone());
            let other = NaiveDate::from_ymd_opt(1990, 5, 17).expect("a day");
            for wrong in [format!("It was on {}.", day(other)), format!("It was in {}.", month(other))] {
                prop_assert_eq!(verify(&wrong, &known, &[]).text, "");
            }
        }
    }
}
