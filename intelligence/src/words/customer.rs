//! A customer in one sentence with own figures: "143 orders since March 1997, usually every two weeks; spends more than
//! 98 % of customers; bought less last quarter: 5 orders, down from 9".

use std::cmp::Ordering;

use super::plain::{capital, every, month_of, orders, span};
use super::spread::Place;
use crate::features::known_column;

/// No sentence is longer.
pub const MOST_CHARACTERS: usize = 170;
/// From this share of the customers on a comparison is worth a clause.
const NOTABLE: u8 = 50;
/// "Last quarter" is so many days.
const QUARTER_DAYS: f64 = 90.0;
const YEAR_DAYS: f64 = 365.0;
/// Who has been quiet for so many usual gaps is late.
const LATE: f64 = 2.0;
/// From so many days on lateness is worth a word.
const LATE_DAYS: f64 = 5.0;
const ORDERS_90D: usize = known_column("orders_90d");
const ORDER_MOMENTUM: usize = known_column("order_momentum");
const PURCHASE_DAYS: usize = known_column("purchase_days");
const MEDIAN_GAP_DAYS: usize = known_column("median_gap_days");
const RECENCY_DAYS: usize = known_column("recency_days");
const TENURE_DAYS: usize = known_column("tenure_days");

/// What the sentence is made from.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Orders; pure returns are none.
    pub orders: u32,
    /// The day of the first order, since 1970-01-01; none without an order.
    pub first_day: Option<i32>,
    /// The features.
    pub row: &'a [f32],
    /// Where the customer's spend stands among the others'.
    pub spend: Option<Place>,
}

/// The sentence, without a full stop.
pub fn sentence(known: &Known<'_>) -> String {
    let Some(first_day) = known.first_day.filter(|_| known.orders > 0) else {
        return "No order yet".to_owned();
    };
    let spend = spend(known);
    let lately = lately(known, spend.as_deref().unwrap_or_default());
    let clauses = [Some(purchases(known, first_day)), spend, lately];
    capital(&clauses.into_iter().flatten().collect::<Vec<_>>().join("; "))
}

impl Known<'_> {
    fn feature(&self, column: usize) -> Option<f64> {
        let value = self.row.get(column).copied()?;
        value.is_finite().then_some(f64::from(value))
    }

    /// Orders of the last quarter and of the one before.
    fn quarters(&self) -> Option<(u32, u32)> {
        let recent = self.feature(ORDERS_90D)?;
        // The feature is ln((recent + 1/2) / (before + 1/2)).
        let before = ((recent + 0.5) / self.feature(ORDER_MOMENTUM)?.exp() - 0.5).round().max(0.0);
        Some((recent as u32, before as u32))
    }
}

fn purchases(known: &Known<'_>, first_day: i32) -> String {
    let (count, month) = (orders(known.orders), month_of(first_day));
    if known.orders == 1 {
        return format!("{count}, in {month}");
    }
    let days = known.feature(PURCHASE_DAYS).unwrap_or(1.0);
    let Some(gap) = known.feature(MEDIAN_GAP_DAYS).filter(|_| days >= 2.0) else {
        let both = if known.orders == 2 { "both" } else { "all" };
        return format!("{count}, {both} on one day in {month}");
    };
    match days {
        days if days < 3.0 && known.orders > 2 => {
            format!("{count} since {month}, on two days {} apart", span(gap))
        }
        days if days < 3.0 => format!("{count} since {month}, {} apart", span(gap)),
        // The middle of two gaps is their mean.
        days if days < 4.0 => format!("{count} since {month}, on average every {}", every(gap)),
        _ => format!("{count} since {month}, usually every {}", every(gap)),
    }
}

/// Who came once, or has stayed away for a year, has spent; the others spend.
fn spend(known: &Known<'_>) -> Option<String> {
    let place = known.spend?;
    let spends = known.orders > 1 && known.feature(RECENCY_DAYS)? <= YEAR_DAYS;
    let verb = if spends { "spends" } else { "spent" };
    Some(match place {
        Place { below, above } if below >= NOTABLE && below >= above => {
            format!("{verb} more than {below} % of customers")
        }
        Place { above, .. } if above >= NOTABLE => format!("{verb} less than {above} % of customers"),
        _ => format!("{verb} about as much as most"),
    })
}

/// What the last quarter was like, in other words than those of the clause about spend.
fn lately(known: &Known<'_>, spend: &str) -> Option<String> {
    let recency = known.feature(RECENCY_DAYS)?;
    let tenure = known.feature(TENURE_DAYS)?;
    let (recent, before) = known.quarters()?;
    if known.orders == 1 && recency >= QUARTER_DAYS {
        return Some(format!("has not come back in {}", span(recency)));
    }
    if recent == 0 && before == 0 {
        return Some(format!("no order for {}", span(recency)));
    }
    if recent == 0 {
        return Some(format!("nothing last quarter, {} in the one before", orders(before)));
    }
    let is_late = known
        .feature(MEDIAN_GAP_DAYS)
        .is_some_and(|gap| known.orders > 2 && recency >= LATE_DAYS && recency >= LATE * gap);
    if is_late {
        return Some(format!("quiet for {}, which is long for them", span(recency)));
    }
    if tenure < QUARTER_DAYS {
        return Some(match recency {
            recency if recency < 1.0 => "last here today".to_owned(),
            recency => format!("last here {} ago", span(recency)),
        });
    }
    let (change, direction) = match recent.cmp(&before) {
        Ordering::Equal if recent == 1 => return Some("1 order in each of the last two quarters".to_owned()),
        Ordering::Equal => return Some(format!("keeps pace with {} a quarter", orders(recent))),
        Ordering::Greater if before == 0 && recent == 1 => return Some("back again last quarter".to_owned()),
        Ordering::Greater if before == 0 => {
            return Some(format!("back again last quarter with {}", orders(recent)));
        }
        Ordering::Less if spend.contains(" less ") => ("slower", "down"),
        Ordering::Less => ("bought less", "down"),
        Ordering::Greater if spend.contains(" more ") => ("busier", "up"),
        Ordering::Greater => ("bought more", "up"),
    };
    Some(format!("{change} last quarter: {}, {direction} from {before}", orders(recent)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{COUNT, column};

    fn row(values: &[(&str, f64)]) -> Vec<f32> {
        let mut row = vec![f32::NAN; COUNT];
        for (name, value) in values {
            row[column(name).expect("a feature")] = *value as f32;
        }
        row
    }

    fn told(count: u32, first_day: i32, place: Option<(u8, u8)>, values: &[(&str, f64)]) -> String {
        let spend = place.map(|(below, above)| Place { below, above });
        sentence(&Known { orders: count, first_day: Some(first_day), row: &row(values), spend })
    }

    fn momentum(recent: f64, before: f64) -> (&'static str, f64) {
        ("order_momentum", ((recent + 0.5) / (before + 0.5)).ln())
    }

    #[test]
    fn a_regular_who_slows_down() {
        let values = [
            ("purchase_days", 120.0),
            ("median_gap_days", 14.0),
            ("recency_days", 10.0),
            ("tenure_days", 480.0),
            ("orders_90d", 5.0),
            momentum(5.0, 9.0),
        ];
        assert_eq!(
            told(143, 9_921, Some((98, 1)), &values),
            "143 orders since March 1997, usually every two weeks; spends more than 98 % of customers; bought less \
             last quarter: 5 orders, down from 9"
        );
    }

    #[test]
    fn who_came_once_or_never() {
        let values = [
            ("purchase_days", 1.0),
            ("recency_days", 425.0),
            ("tenure_days", 425.0),
            ("orders_90d", 0.0),
            momentum(0.0, 0.0),
        ];
        assert_eq!(
            told(1, 9_921, Some((10, 70)), &values),
            "1 order, in March 1997; spent less than 70 % of customers; has not come back in 14 months"
        );
        let nobody = Known { orders: 0, first_day: None, row: &row(&[]), spend: None };
        assert_eq!(sentence(&nobody), "No order yet");
    }

    #[test]
    fn a_newcomer_and_one_who_is_late() {
        let new = [
            ("purchase_days", 1.0),
            ("recency_days", 12.0),
            ("tenure_days", 12.0),
            ("orders_90d", 1.0),
            momentum(1.0, 0.0),
        ];
        assert_eq!(told(1, 20_000, None, &new), "1 order, in October 2024; last here 12 days ago");
        let late = [
            ("purchase_days", 9.0),
            ("median_gap_days", 10.0),
            ("recency_days", 40.0),
            ("tenure_days", 200.0),
            ("orders_90d", 4.0),
            momentum(4.0, 4.0),
        ];
        assert_eq!(
            told(9, 20_000, Some((40, 40)), &late),
            "9 orders since October 2024, usually every week; spends about as much as most; quiet for 6 weeks, which is \
             long for them"
        );
    }

    #[test]
    fn few_orders_are_told_as_few() {
        let mut values = vec![
            ("purchase_days", 1.0),
            ("recency_days", 200.0),
            ("tenure_days", 200.0),
            ("orders_90d", 0.0),
            momentum(0.0, 0.0),
        ];
        assert_eq!(
            told(2, 9_921, Some((60, 30)), &values),
            "2 orders, both on one day in March 1997; spends more than 60 % of customers; no order for 7 months"
        );
        values[0] = ("purchase_days", 2.0);
        values.push(("median_gap_days", 42.0));
        assert!(told(2, 9_921, None, &values).starts_with("2 orders since March 1997, 6 weeks apart; "));
        assert!(
            told(3, 9_921, None, &values)
                .starts_with("3 orders since March 1997, on two days 6 weeks apart; ")
        );
        values[0] = ("purchase_days", 3.0);
        assert!(
            told(3, 9_921, None, &values)
                .starts_with("3 orders since March 1997, on average every six weeks; ")
        );
    }

    #[test]
    fn what_the_last_quarter_was_like() {
        let ending = |recent: f64, before: f64| {
            let values = [
                ("purchase_days", 9.0),
                ("median_gap_days", 40.0),
                ("recency_days", 10.0),
                ("tenure_days", 400.0),
                ("orders_90d", recent),
                momentum(recent, before),
            ];
            let text = told(9, 9_921, None, &values);
            text.rsplit("; ").next().unwrap_or_default().to_owned()
        };
        assert_eq!(
            [(1.0, 1.0), (3.0, 3.0), (1.0, 0.0), (2.0, 0.0), (3.0, 2.0), (1.0, 4.0)]
                .map(|(r, b)| ending(r, b)),
            [
                "1 order in each of the last two quarters",
                "keeps pace with 3 orders a quarter",
                "back again last quarter",
                "back again last quarter with 2 orders",
                "bought more last quarter: 3 orders, up from 2",
                "bought less last quarter: 1 order, down from 4",
            ]
        );
    }
}
