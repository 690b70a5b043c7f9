//! Purchase cadence: how many days pass between a customer's orders.

use serde::Serialize;
use sqlx::AssertSqlSafe;

use super::narrowed::{self, Class, Division, Narrowing};
use super::{AnalyticsError, Levels, Report, Standing, base, cents, money, rounded, share_of_count};
use database::Tx;
use rust_decimal::Decimal;

/// What the report means.
pub const DEFINITION: &str = "mean days between a customer's orders, (last - first) / (orders - 1), of customers with \
                              two orders or more";

/// The first day of every band but the first; a gap is rounded up to whole days.
const BAND_STARTS: [i32; 7] = [8, 15, 31, 61, 91, 181, 366];

/// Figures about all customers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cadence {
    /// Customers with one order, who have no cadence.
    pub with_one_order: i64,
    /// Customers with more.
    pub with_more: i64,
    /// Their share of all.
    pub repeat_share: Option<f64>,
    /// A quarter of them has this mean gap or a shorter one, in days.
    pub quarter_days: Option<f64>,
    /// Half of them.
    pub median_days: Option<f64>,
    /// Three quarters.
    pub three_quarters_days: Option<f64>,
}

/// Customers whose mean gap lies in a band.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Band {
    /// From so many days.
    pub from_days: i32,
    /// To so many days; none is no bound.
    pub to_days: Option<i32>,
    /// Customers.
    pub customers: i64,
    /// Of those with two orders or more.
    pub share: Option<f64>,
    /// What they spent.
    pub spend: Decimal,
}

/// The distribution of mean gaps, all bands from the shortest.
///
/// # Errors
/// Nobody has ordered, or the database does not answer.
pub async fn cadence(tx: &mut Tx, standing: &Standing) -> Result<Report<Cadence, Band>, AnalyticsError> {
    let base = base::sql(standing);
    let statement = format!(
        "select count(*) filter (where gap is null) as single, count(gap) as more,
                percentile_cont(array[0.25, 0.5, 0.75]) within group (order by gap) as quarters from {base} as b"
    );
    let (with_one_order, with_more, quarters): (i64, i64, Option<Vec<Option<f64>>>) =
        base::bind(sqlx::query_as(AssertSqlSafe(statement)), standing)?.fetch_one(&mut **tx).await?;
    if with_one_order + with_more == 0 {
        return Err(AnalyticsError::not_enough("nobody has ordered yet"));
    }
    let statement = format!(
        "select width_bucket(ceil(gap)::int, $4::int[]) as band, count(*) as customers, sum(cents) as spend
         from {base} as b where gap is not null group by 1"
    );
    let query = base::bind(sqlx::query_as(AssertSqlSafe(statement)), standing)?;
    let bands: Vec<(i32, i64, Option<Decimal>)> =
        query.bind(BAND_STARTS.to_vec()).fetch_all(&mut **tx).await?;
    let mut items = empty_bands(with_more);
    for (band, customers, spend) in bands {
        if let Some(item) = usize::try_from(band).ok().and_then(|band| items.get_mut(band)) {
            item.customers = customers;
            item.share = share_of_count(customers, with_more);
            item.spend = cents(spend);
        }
    }
    Ok(Report { figures: figures(with_one_order, with_more, quarters.as_deref(), 1), items })
}

/// The same of a part of the customers. The classes are the bands by their places, and [`SINGLE`]. Levels are needed where a
/// group is asked for.
///
/// # Errors
/// Nobody has ordered, there is no run that knows what is asked for, or the database does not answer.
pub async fn part(
    tx: &mut Tx,
    standing: &Standing,
    levels: Option<&Levels>,
    narrowing: &Narrowing,
) -> Result<(Vec<Class>, Report<Cadence, Band>), AnalyticsError> {
    let starts: Vec<String> = BAND_STARTS.iter().map(i32::to_string).collect();
    let class =
        format!("coalesce(width_bucket(ceil(gap)::int, array[{}])::text, '{SINGLE}')", starts.join(", "));
    let division = Division {
        joined: None,
        class: &class,
        beginning: "select percentile_cont(array[0.25, 0.5, 0.75]) within group (order by gap) as quarters",
        end: "limit $14",
        limit: 1,
    };
    let (classes, quarters): (_, Vec<Quarters>) =
        narrowed::classed(tx, standing, levels, narrowing, &division).await?;
    // Customers and what they spent, of those for whom all conditions hold.
    let of_class = |name: &str| {
        let cells = classes.iter().filter(|class| class.name == name).flat_map(|class| &class.cells);
        cells
            .filter(|cell| cell.fits())
            .fold((0, 0), |(customers, spend), cell| (customers + cell.customers, spend + cell.spend_cents))
    };
    let sizes: Vec<(i64, i64)> = (0..=BAND_STARTS.len()).map(|band| of_class(&band.to_string())).collect();
    let with_more = sizes.iter().map(|(customers, _)| customers).sum();
    let mut items = empty_bands(with_more);
    for (item, (customers, spend_cents)) in items.iter_mut().zip(sizes) {
        item.customers = customers;
        item.share = share_of_count(customers, with_more);
        item.spend = money(Decimal::from(spend_cents));
    }
    let quarters = quarters.into_iter().next().and_then(|(quarters,)| quarters);
    // Of a part whole days say enough.
    let figures = figures(of_class(SINGLE).0, with_more, quarters.as_deref(), 0);
    Ok((classes, Report { figures, items }))
}

/// The class of customers who have no cadence.
pub const SINGLE: &str = "single";

/// The mean gaps of a quarter, half and three quarters of the customers.
type Quarters = (Option<Vec<Option<f64>>>,);

fn empty_bands(with_more: i64) -> Vec<Band> {
    (0..=BAND_STARTS.len())
        .map(|band| Band {
            from_days: band.checked_sub(1).map_or(0, |before| BAND_STARTS[before]),
            to_days: BAND_STARTS.get(band).map(|next| next - 1),
            customers: 0,
            share: share_of_count(0, with_more),
            spend: Decimal::ZERO,
        })
        .collect()
}

fn figures(with_one_order: i64, with_more: i64, quarters: Option<&[Option<f64>]>, places: i32) -> Cadence {
    let quarter = |index: usize| quarters?.get(index).copied().flatten().map(|days| rounded(days, places));
    Cadence {
        with_one_order,
        with_more,
        repeat_share: share_of_count(with_more, with_one_order + with_more),
        quarter_days: quarter(0),
        median_days: quarter(1),
        three_quarters_days: quarter(2),
    }
}
