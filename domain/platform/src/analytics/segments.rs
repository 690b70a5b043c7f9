//! Segments and archetypes of the published run: how large they are, how they differ, how they grow.

use std::collections::{BTreeMap, HashMap};

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::{AssertSqlSafe, FromRow};

use super::catalog::Catalog;
use super::{
    AnalyticsError, MAX_ITEMS, Report, Standing, cents, finite, number, rounded, share, share_of_count,
    share_of_money,
};
use crate::insights::catalog::AXES;
use database::Tx;

/// What [`overview`] means.
pub const OVERVIEW: &str = "customers of the published run by segment on each axis; strength is strong when the \
                            membership is above 0.7";

/// What [`comparison`] means.
pub const COMPARISON: &str = "the groups of one axis, or the archetypes, side by side; an index is the group's figure \
                              over the figure of all customers";

/// What [`growth`] means.
pub const GROWTH: &str = "archetypes: customers now, customers won in the last 90 days and in the 90 before, and those \
                          who came from or went to another archetype in the runs of this time that used the same \
                          segmentation";

/// The whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Whole {
    /// Customers in the run.
    pub customers: i64,
    /// What they spent.
    pub spend: Decimal,
    /// Mean orders a customer.
    pub mean_orders: Option<f64>,
    /// Net spend an order.
    pub mean_order_value: Option<f64>,
    /// Mean days since the last order.
    pub mean_days_since_last_order: Option<f64>,
    /// Mean probability of no further order, of those whose it is known.
    pub mean_churn_probability: Option<f64>,
    /// Mean expected spend, of those whose it is known.
    pub mean_expected_spend: Option<f64>,
    /// Axes that say nothing about these customers, with the reason.
    pub degenerate_axes: BTreeMap<String, String>,
}

/// The customers of one segment or archetype.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// The axis, or `archetype`.
    pub axis: String,
    /// The segment or archetype; none for customers whom the axis says nothing about.
    pub segment: Option<String>,
    /// Customers.
    pub customers: i64,
    /// Of all in the run.
    pub share_of_customers: Option<f64>,
    /// Those whose membership is strong; none for archetypes.
    pub strong: Option<i64>,
    /// What they spent.
    pub spend: Decimal,
    /// Of what all spent.
    pub share_of_spend: Option<f64>,
    /// Mean orders a customer.
    pub mean_orders: Option<f64>,
    /// Net spend an order.
    pub mean_order_value: Option<f64>,
    /// Mean days since the last order.
    pub mean_days_since_last_order: Option<f64>,
    /// Mean probability of no further order, of those whose it is known.
    pub mean_churn_probability: Option<f64>,
    /// Mean expected spend, of those whose it is known.
    pub mean_expected_spend: Option<f64>,
}

/// All segments of all axes and the archetypes, the axes in their order, the largest segment first.
///
/// # Errors
/// No run was published, or the database does not answer.
pub async fn overview(tx: &mut Tx, standing: &Standing) -> Result<Report<Whole, Group>, AnalyticsError> {
    let catalog = Catalog::read(tx, standing).await?;
    let whole = whole(tx, standing, &catalog).await?;
    let mut items = Vec::new();
    for axis in catalog.axes().chain([ARCHETYPE]) {
        items.extend(groups(tx, standing, &catalog, &whole, axis).await?);
    }
    Ok(Report { figures: whole, items })
}

/// The name for archetypes where an axis is meant.
pub const ARCHETYPE: &str = "archetype";

/// Whether groups by this name exist.
pub fn is_axis(name: &str) -> bool {
    name == ARCHETYPE || AXES.contains(&name)
}

/// The names for [`is_axis`].
pub fn axes() -> impl Iterator<Item = &'static str> {
    [ARCHETYPE].into_iter().chain(AXES)
}

/// A group beside the whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// The group.
    #[serde(flatten)]
    pub group: Group,
    /// Its spend a customer over that of all.
    pub spend_index: Option<f64>,
    /// Its orders a customer over those of all.
    pub orders_index: Option<f64>,
    /// Its net spend an order over that of all.
    pub order_value_index: Option<f64>,
    /// Its mean probability of no further order over that of all.
    pub churn_index: Option<f64>,
}

/// The groups of an axis (see [`is_axis`]) beside the whole, the largest first, at most `limit`.
///
/// # Errors
/// No run was published, or the database does not answer.
pub async fn comparison(
    tx: &mut Tx,
    standing: &Standing,
    axis: &str,
    limit: u32,
) -> Result<Report<Whole, Compared>, AnalyticsError> {
    let catalog = Catalog::read(tx, standing).await?;
    let whole = whole(tx, standing, &catalog).await?;
    let index = |own: Option<f64>, all: Option<f64>| share(own?, all?);
    let spend_each =
        |spend: Decimal, customers: i64| (customers > 0).then(|| number(spend) / customers as f64);
    let groups = groups(tx, standing, &catalog, &whole, axis).await?;
    let items = groups
        .into_iter()
        .take(limit.min(MAX_ITEMS) as usize)
        .map(|group| Compared {
            spend_index: index(
                spend_each(group.spend, group.customers),
                spend_each(whole.spend, whole.customers),
            ),
            orders_index: index(group.mean_orders, whole.mean_orders),
            order_value_index: index(group.mean_order_value, whole.mean_order_value),
            churn_index: index(group.mean_churn_probability, whole.mean_churn_probability),
            group,
        })
        .collect();
    Ok(Report { figures: whole, items })
}

/// What is summed up of a group; the parameters are 1 tenant, 2 generation, 3 last day.
const SUMS: &str = "count(*) as customers, sum(spend_cents) as spend, sum(orders)::bigint as orders,
    avg(greatest($3::date - last_order_on, 0))::float8 as days, avg(churn)::float8 as churn, avg(ltv)::float8 as ltv";

/// The sums as they are read.
#[derive(FromRow)]
struct Sums {
    customers: i64,
    spend: Option<Decimal>,
    orders: Option<i64>,
    days: Option<f64>,
    churn: Option<f64>,
    ltv: Option<f64>,
}

/// The sums of a group; its place in the catalogue, and how many belong to it strongly.
#[derive(FromRow)]
struct SumsOfGroup {
    place: Option<i32>,
    strong: Option<i64>,
    #[sqlx(flatten)]
    sums: Sums,
}

async fn whole(tx: &mut Tx, standing: &Standing, catalog: &Catalog) -> Result<Whole, AnalyticsError> {
    let statement =
        format!("select {SUMS} from platform.customer_fact where tenant_id = $1 and generation = $2");
    let sums: Sums = sqlx::query_as(AssertSqlSafe(statement))
        .bind(standing.tenant)
        .bind(standing.run()?.generation)
        .bind(standing.as_of)
        .fetch_one(&mut **tx)
        .await?;
    let (customers, spend, orders) = (sums.customers, cents(sums.spend), sums.orders.unwrap_or(0));
    Ok(Whole {
        customers,
        spend,
        mean_orders: share_of_count(orders, customers),
        mean_order_value: share(number(spend), orders as f64).map(|value| rounded(value, 2)),
        mean_days_since_last_order: finite(sums.days, 1),
        mean_churn_probability: finite(sums.churn, 4),
        mean_expected_spend: finite(sums.ltv, 2),
        degenerate_axes: catalog
            .axes
            .iter()
            .filter_map(|axis| Some((axis.name.clone(), axis.degenerate.clone()?)))
            .collect(),
    })
}

/// The groups of an axis, the largest first.
async fn groups(
    tx: &mut Tx,
    standing: &Standing,
    catalog: &Catalog,
    whole: &Whole,
    axis: &str,
) -> Result<Vec<Group>, AnalyticsError> {
    // The text of the statement comes from these words and from nowhere else.
    let (group, strong) = match AXES.into_iter().find(|known| *known == axis) {
        Some(column) => (format!("({column} / 4)::int"), format!("count(*) filter (where {column} % 4 = 2)")),
        None => ("coalesce(archetype_l2, archetype_l1)::int".to_owned(), "null::bigint".to_owned()),
    };
    let statement = format!(
        "select {group} as place, {strong} as strong, {SUMS}
         from platform.customer_fact where tenant_id = $1 and generation = $2 group by 1 order by customers desc, 1"
    );
    let sums: Vec<SumsOfGroup> = sqlx::query_as(AssertSqlSafe(statement))
        .bind(standing.tenant)
        .bind(standing.run()?.generation)
        .bind(standing.as_of)
        .fetch_all(&mut **tx)
        .await?;
    Ok(sums.into_iter().map(|sums| group_of(sums, catalog, whole, axis)).collect())
}

fn group_of(of_group: SumsOfGroup, catalog: &Catalog, whole: &Whole, axis: &str) -> Group {
    let SumsOfGroup { place, strong, sums } = of_group;
    let names = match catalog.axis(axis) {
        Some(axis) => &axis.segments,
        None => &catalog.archetypes,
    };
    let segment = place.map(|place| {
        let named = usize::try_from(place).ok().and_then(|place| names.get(place));
        named.map_or_else(|| format!("number {place}"), |named| named.name.clone())
    });
    let (customers, spend, orders) = (sums.customers, cents(sums.spend), sums.orders.unwrap_or(0));
    Group {
        axis: axis.to_owned(),
        segment,
        customers,
        share_of_customers: share_of_count(customers, whole.customers),
        strong,
        spend,
        share_of_spend: share_of_money(spend, whole.spend),
        mean_orders: share_of_count(orders, customers),
        mean_order_value: share(number(spend), orders as f64).map(|value| rounded(value, 2)),
        mean_days_since_last_order: finite(sums.days, 1),
        mean_churn_probability: finite(sums.churn, 4),
        mean_expected_spend: finite(sums.ltv, 2),
    }
}

/// Growth over all archetypes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Growth {
    /// Runs that were compared.
    pub runs: i64,
    /// Changes of archetype in them.
    pub moves: i64,
    /// Customers won in the last 90 days.
    pub won: i64,
    /// Customers won in the 90 days before.
    pub won_before: i64,
}

/// One archetype's growth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Growing {
    /// The archetype; none for customers without one.
    pub archetype: Option<String>,
    /// Its level: 2 has more detail than 1.
    pub level: Option<u8>,
    /// Customers now.
    pub customers: i64,
    /// Customers won in the last 90 days.
    pub won: i64,
    /// Customers won in the 90 days before.
    pub won_before: i64,
    /// Came from another archetype.
    pub entered: i64,
    /// Went to another archetype.
    pub left: i64,
    /// Entered less left.
    pub net: i64,
}

/// How archetypes grew over the last `months`, the greatest net growth first, at most `limit`.
///
/// # Errors
/// No run was published, or the database does not answer.
pub async fn growth(
    tx: &mut Tx,
    standing: &Standing,
    months: u32,
    limit: u32,
) -> Result<Report<Growth, Growing>, AnalyticsError> {
    let catalog = Catalog::read(tx, standing).await?;
    let run = standing.run()?;
    let back = |days| standing.as_of.checked_sub_days(Days::new(days)).unwrap_or(NaiveDate::MIN);
    let counted: Vec<(Option<i16>, i64, i64, i64)> = sqlx::query_as(
        "select coalesce(archetype_l2, archetype_l1) as archetype, count(*) as customers,
                count(*) filter (where first_order_on > $3) as won,
                count(*) filter (where first_order_on > $4 and first_order_on <= $3) as won_before
         from platform.customer_fact where tenant_id = $1 and generation = $2 group by 1",
    )
    .bind(standing.tenant)
    .bind(run.generation)
    .bind(back(90))
    .bind(back(180))
    .fetch_all(&mut **tx)
    .await?;
    let mut by_archetype: HashMap<Option<i16>, Growing> = HashMap::new();
    let mut figures = Growth { runs: 0, moves: 0, won: 0, won_before: 0 };
    for (archetype, customers, won, won_before) in counted {
        let growing = of_archetype(&mut by_archetype, &catalog, archetype);
        growing.customers = customers;
        growing.won = won;
        growing.won_before = won_before;
        figures.won += won;
        figures.won_before += won_before;
    }
    let since = standing.day_months_before(months);
    let runs: Vec<uuid::Uuid> = sqlx::query_scalar(
        "select id from platform.intelligence_run
         where tenant_id = $1 and segmentation_id = $2 and as_of >= $3 and published_at is not null",
    )
    .bind(standing.tenant)
    .bind(run.segmentation)
    .bind(since)
    .fetch_all(&mut **tx)
    .await?;
    figures.runs = i64::try_from(runs.len()).unwrap_or(i64::MAX);
    let moves: Vec<(Option<i16>, Option<i16>, i64)> = sqlx::query_as(
        "select archetype_from, archetype_to, count(*) as customers from platform.customer_change
         where tenant_id = $1 and run_id = any ($2) and archetype_from is distinct from archetype_to group by 1, 2",
    )
    .bind(standing.tenant)
    .bind(runs)
    .fetch_all(&mut **tx)
    .await?;
    for (from, to, customers) in moves {
        of_archetype(&mut by_archetype, &catalog, from).left += customers;
        of_archetype(&mut by_archetype, &catalog, to).entered += customers;
        figures.moves += customers;
    }
    let mut items: Vec<Growing> = by_archetype.into_values().collect();
    for growing in &mut items {
        growing.net = growing.entered - growing.left;
    }
    items.sort_by(|one, other| {
        let grown = |growing: &Growing| (growing.net, growing.won, growing.customers);
        grown(other).cmp(&grown(one)).then_with(|| one.archetype.cmp(&other.archetype))
    });
    items.truncate(limit.min(MAX_ITEMS) as usize);
    Ok(Report { figures, items })
}

fn of_archetype<'a>(
    all: &'a mut HashMap<Option<i16>, Growing>,
    catalog: &Catalog,
    index: Option<i16>,
) -> &'a mut Growing {
    all.entry(index).or_insert_with(|| {
        let named = index.and_then(|index| catalog.archetypes.get(usize::try_from(index).ok()?));
        Growing {
            archetype: index
                .map(|index| named.map_or_else(|| format!("number {index}"), |named| named.name.clone())),
            level: named.and_then(|named| named.level),
            customers: 0,
            won: 0,
            won_before: 0,
            entered: 0,
            left: 0,
            net: 0,
        }
    })
}
