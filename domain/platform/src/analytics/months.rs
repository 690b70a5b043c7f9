//! The tenant's months, from the first order to the last full month: what forecasts are made from.

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

use super::{AnalyticsError, Standing, number};
use database::Tx;

/// A full month.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Month {
    /// Its first day.
    pub month: NaiveDate,
    /// Net revenue in the tenant's main currency.
    pub revenue: f64,
    /// Customers with an order that is no return.
    pub customers: i64,
    /// Net revenue so far over customers so far.
    pub average_ltv: f64,
    /// Of the customers who at the month's beginning had ordered within three months, the share whose third month
    /// without an order this was; none where nobody had, and for the first three months.
    pub churn_rate: Option<f64>,
}

/// Reads them; one pass over order lines.
///
/// # Errors
/// Nothing was ever ordered, or not in the last three full months; or the database does not answer.
pub async fn months(tx: &mut Tx, standing: &Standing) -> Result<Vec<Month>, AnalyticsError> {
    let counted: Vec<(i32, Decimal, i64, i64, i64, i64, i64)> = sqlx::query_as(include_str!("months.sql"))
        .bind(standing.tenant)
        .bind(standing.currency()?)
        .bind(standing.end())
        .fetch_all(&mut **tx)
        .await?;
    let known: Vec<Counted> = counted
        .into_iter()
        .map(|(month, revenue, customers, first_timers, one, two, three)| Counted {
            month,
            revenue: number(revenue),
            customers,
            first_timers,
            after: [one, two, three],
        })
        .collect();
    // The month after the last day is the first that is not over.
    let end = standing.end_day();
    let months = complete(&known, number_of(end));
    if months.iter().rev().take(3).all(|month| month.customers == 0) {
        return Err(AnalyticsError::not_enough("nothing was ordered in the last three full months"));
    }
    Ok(months)
}

/// A month as it was counted.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    month: i32,
    revenue: f64,
    customers: i64,
    first_timers: i64,
    /// Customers whose next month with an order was the first, second or third after this one.
    after: [i64; 3],
}

/// Every month from the first to the one before `end`, months without orders included.
fn complete(known: &[Counted], end: i32) -> Vec<Month> {
    let Some(first) = known.first().map(|counted| counted.month) else { return Vec::new() };
    let (mut rest, mut all): (_, Vec<Counted>) = (known.iter().peekable(), Vec::new());
    for month in first..end {
        let counted = rest.next_if(|counted| counted.month == month).copied();
        all.push(counted.unwrap_or(Counted { month, ..Counted::default() }));
    }
    let (mut revenue, mut customers) = (0.0, 0);
    all.iter()
        .enumerate()
        .map(|(index, counted)| {
            revenue += counted.revenue;
            customers += counted.first_timers;
            Month {
                month: first_day(counted.month),
                revenue: counted.revenue,
                customers: counted.customers,
                average_ltv: if customers > 0 { revenue / customers as f64 } else { 0.0 },
                churn_rate: index.checked_sub(3).and_then(|from| churn_rate(&all[from..index])),
            }
        })
        .collect()
}

/// The share that lapses in the month after these three.
fn churn_rate(before: &[Counted]) -> Option<f64> {
    // Whose latest order lies in the first of them, the second, the third: who came back later is left out there.
    let [third, second, last] = before else { return None };
    let silent_for_two = third.customers - third.after[0] - third.after[1];
    let silent_for_one = second.customers - second.after[0];
    let active = silent_for_two + silent_for_one + last.customers;
    let lapsed = silent_for_two - third.after[2];
    (active > 0).then(|| lapsed as f64 / active as f64)
}

fn number_of(day: NaiveDate) -> i32 {
    day.year() * 12 + i32::try_from(day.month0()).unwrap_or(0)
}

fn first_day(month: i32) -> NaiveDate {
    let month_of_year = u32::try_from(month.rem_euclid(12)).unwrap_or(0) + 1;
    NaiveDate::from_ymd_opt(month.div_euclid(12), month_of_year, 1).unwrap_or(NaiveDate::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn churn_by_hand() {
        // Month 0: a, b, c; a returns in month 1, b in month 3, c never. Month 1: a. Month 2: d. Month 3: b.
        let counted = |month, customers, first_timers, after| Counted {
            month,
            revenue: 10.0,
            customers,
            first_timers,
            after,
        };
        let known = [
            counted(24_300, 3, 3, [1, 0, 1]),
            counted(24_301, 1, 0, [0, 0, 0]),
            counted(24_302, 1, 1, [0, 0, 0]),
            counted(24_303, 1, 0, [0, 0, 0]),
        ];
        let months = complete(&known, 24_305);
        assert_eq!(months.len(), 5);
        assert_eq!(months[0].month, NaiveDate::from_ymd_opt(2025, 1, 1).expect("a day"));
        assert_eq!(months[2].churn_rate, None);
        // Active at the beginning of month 3: a (month 1), b and c (month 0), d (month 2); c lapses.
        assert_eq!(months[3].churn_rate, Some(0.25));
        // Of month 4: a (month 1), d (month 2), b (month 3); a lapses. Nobody bought in it.
        assert_eq!(months[4].churn_rate, Some(1.0 / 3.0));
        assert_eq!((months[4].customers, months[4].average_ltv), (0, 10.0));
    }
}
