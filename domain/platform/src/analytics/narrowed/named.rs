//! A list that was made otherwise, narrowed down: every customer of it is named, and each is asked which conditions hold.

use std::collections::HashSet;

use database::Tx;
use sqlx::{AssertSqlSafe, FromRow};

use super::{Asked, Cell, Narrowing, band_starts, of_group};
use crate::analytics::{AnalyticsError, Levels, Standing};

/// Which customers of a list that was made otherwise, all of whom are named, all conditions hold for.
///
/// # Errors
/// Nobody has ordered, there is no run that knows what is asked for, or the database does not answer.
pub async fn of_named(
    tx: &mut Tx,
    standing: &Standing,
    levels: &Levels,
    narrowing: &Narrowing,
    customers: &[String],
) -> Result<(Vec<Cell>, HashSet<String>), AnalyticsError> {
    let asked = Asked {
        condition: "b.customer_id = any ($14::text[])",
        order: "",
        bounds: [0, 0],
        of_group: of_group(narrowing, Some(levels))?,
        narrowing,
        joined: None,
    };
    let from = asked.from(standing)?;
    let country = match narrowing.country {
        Some(_) => "coalesce(shipping_country, '')",
        None => "''::text",
    };
    let statement = format!(
        "select b.customer_id, {country} as country, in_group, in_band, in_archetype, in_segment, in_country, cents,
                coalesce(opt_in, false) as opt_in,
                width_bucket(churn, $15::real[]) as bucket
         {from}"
    );
    let query = asked.bind(sqlx::query_as(AssertSqlSafe(statement)), standing)?;
    let found: Vec<Named> = query.bind(customers).bind(band_starts()).fetch_all(&mut **tx).await?;
    let mut cells: Vec<Cell> = Vec::new();
    let mut held = HashSet::new();
    for customer in found {
        let Named { in_group, in_band, in_archetype, in_segment, in_country, country, .. } = customer;
        let holds = [in_group, in_band, in_archetype, in_segment, in_country];
        let is_of = |cell: &Cell| cell.holds == holds && cell.country == country;
        let place = cells.iter().position(is_of).unwrap_or_else(|| {
            cells.push(Cell { holds, country, customers: 0, spend_cents: 0, reachable: 0, bands: [0; 4] });
            cells.len() - 1
        });
        let cell = &mut cells[place];
        cell.customers += 1;
        cell.spend_cents = cell.spend_cents.saturating_add(customer.cents);
        cell.reachable += i64::from(customer.opt_in);
        let bucket = customer.bucket.and_then(|bucket| usize::try_from(bucket).ok());
        if let Some(band) = bucket.and_then(|bucket| cell.bands.get_mut(bucket)) {
            *band += 1;
        }
        if cell.fits() {
            held.insert(customer.customer_id);
        }
    }
    Ok((cells, held))
}

/// A customer who is named, with which conditions hold.
#[derive(FromRow)]
struct Named {
    customer_id: String,
    in_group: bool,
    in_band: bool,
    in_archetype: bool,
    in_segment: bool,
    in_country: bool,
    country: String,
    cents: i64,
    opt_in: bool,
    bucket: Option<i32>,
}
