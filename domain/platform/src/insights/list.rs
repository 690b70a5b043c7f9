//! Customers of the current run by what they are and what is to be expected of them: the list of those most at risk,
//! of those who are worth most, of those who changed most.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;

use super::answer::rounded;
use super::catalog::{AXES, Catalog};
use super::current::Current;
use crate::probability;
use crate::risk::{RiskBand, RiskBands};
use database::{DbError, Tx};

/// What a list is sorted by; the greatest comes first. Customers without the value are not in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Probability of churn.
    Churn,
    /// Expected spend.
    Ltv,
    /// Money spent.
    Spend,
    /// How much the behaviour changed from the run before.
    Drift,
}

impl Sort {
    /// Every order.
    pub const ALL: [Sort; 4] = [Sort::Churn, Sort::Ltv, Sort::Spend, Sort::Drift];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Sort::Churn => "churn",
            Sort::Ltv => "ltv",
            Sort::Spend => "spend",
            Sort::Drift => "drift",
        }
    }

    fn column(self) -> &'static str {
        match self {
            Sort::Churn => "f.churn",
            Sort::Ltv => "f.ltv",
            Sort::Spend => "f.spend_cents",
            Sort::Drift => "c.drift",
        }
    }
}

/// Which customers are asked for; all conditions must hold.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Index and level of an archetype.
    pub archetype: Option<(i16, u8)>,
    /// Index of a segment by the place of its axis in [`AXES`].
    pub segments: Vec<(usize, i16)>,
    /// Band of churn.
    pub band: Option<RiskBand>,
    /// Least expected spend.
    pub min_ltv: Option<f32>,
}

/// Where a page goes on: the last item's value, as [`Listed::key`] says it, and its customer.
#[derive(Debug, Clone, PartialEq)]
pub struct After {
    /// The value.
    pub key: Key,
    /// The customer.
    pub customer_id: String,
}

/// A value that a list is sorted by, exactly as stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Key {
    /// Churn, expected spend or drift.
    Real(f32),
    /// Hundredths of money spent.
    Cents(i64),
}

/// A customer in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listed {
    /// The shop's id.
    pub customer_id: String,
    /// Id and name of the archetype; null when there is none.
    pub archetype: Option<ArchetypeName>,
    /// Probability of no order within the model's horizon; null when there is not enough data.
    pub churn: Option<f64>,
    /// The same in one word.
    pub churn_band: Option<RiskBand>,
    /// Expected spend within the model's horizon; null when there is not enough data.
    pub ltv: Option<f64>,
    /// Orders.
    pub orders: i32,
    /// Money spent, net of returns.
    pub spend: Decimal,
    /// Day of the last order.
    pub last_order_on: Option<NaiveDate>,
    /// How much the behaviour changed from the run before, 0 to 1; only in lists sorted by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<f64>,
    /// What the list is sorted by.
    #[serde(skip)]
    pub key: Key,
}

/// An archetype by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArchetypeName {
    /// 32 hexadecimal digits.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Customers of the current run, the greatest value first, at most `limit`.
///
/// # Errors
/// The database failed.
pub async fn list(
    tx: &mut Tx,
    current: &Current,
    catalog: Option<&Catalog>,
    filter: &Filter,
    sort: Sort,
    after: Option<&After>,
    limit: i64,
) -> Result<Vec<Listed>, DbError> {
    let mut query = select(current, filter, sort, after);
    query.push(format!(" order by {} desc, f.customer_id desc limit ", sort.column())).push_bind(limit);
    let stored: Vec<Stored> = query.build_query_as().fetch_all(&mut **tx).await?;
    Ok(stored.into_iter().map(|stored| stored.listed(catalog, sort)).collect())
}

fn select(current: &Current, filter: &Filter, sort: Sort, after: Option<&After>) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(
        "select f.customer_id, f.archetype_l1, f.archetype_l2, f.churn, f.ltv, f.orders, f.spend_cents, f.last_order_on",
    );
    query.push(if sort == Sort::Drift { ", c.drift" } else { ", null::real as drift" });
    query.push(" from platform.customer_fact f");
    if sort == Sort::Drift {
        query.push(
            " join platform.customer_change c on c.tenant_id = f.tenant_id and c.customer_id = f.customer_id and c.run_id = ",
        );
        query.push_bind::<Uuid>(current.run);
    }
    query
        .push(" where f.tenant_id = shared.current_tenant() and f.generation = ")
        .push_bind(current.generation);
    if let Some((archetype, level)) = filter.archetype {
        query
            .push(if level == 1 { " and f.archetype_l1 = " } else { " and f.archetype_l2 = " })
            .push_bind(archetype);
    }
    for (axis, segment) in &filter.segments {
        // The strength is in the two lowest bits.
        query.push(format!(" and f.{} between ", AXES[*axis])).push_bind(segment.saturating_mul(4));
        query.push(" and ").push_bind(segment.saturating_mul(4).saturating_add(3));
    }
    if let Some(band) = filter.band {
        let (from, below) = RiskBands::default().range(band);
        if let Some(from) = from {
            query.push(" and f.churn >= ").push_bind(from);
        }
        if let Some(below) = below {
            query.push(" and f.churn < ").push_bind(below);
        }
    }
    if let Some(min_ltv) = filter.min_ltv {
        query.push(" and f.ltv >= ").push_bind(min_ltv);
    }
    let column = sort.column();
    // Said on later pages too: an index of the customers who have the value serves only who asks for them.
    query.push(format!(" and {column} is not null"));
    if let Some(After { key, customer_id }) = after {
        query.push(format!(" and ({column}, f.customer_id) < ("));
        match key {
            Key::Real(value) => query.push_bind(*value),
            Key::Cents(value) => query.push_bind(*value),
        };
        query.push(", ").push_bind(customer_id.clone()).push(")");
    }
    query
}

/// A customer as stored.
#[derive(FromRow)]
struct Stored {
    customer_id: String,
    archetype_l1: Option<i16>,
    archetype_l2: Option<i16>,
    churn: Option<f32>,
    ltv: Option<f32>,
    orders: i32,
    spend_cents: i64,
    last_order_on: Option<NaiveDate>,
    drift: Option<f32>,
}

impl Stored {
    fn listed(self, catalog: Option<&Catalog>, sort: Sort) -> Listed {
        let archetype = catalog.and_then(|catalog| catalog.finest(self.archetype_l1, self.archetype_l2));
        let churn = self.churn.filter(|churn| churn.is_finite());
        Listed {
            customer_id: self.customer_id,
            archetype: archetype
                .map(|archetype| ArchetypeName { id: archetype.id.clone(), name: archetype.name.clone() }),
            churn: churn.and_then(probability::told),
            churn_band: churn.map(|churn| RiskBands::default().of(churn)),
            ltv: self.ltv.and_then(|ltv| rounded(ltv, 2)),
            orders: self.orders,
            spend: Decimal::new(self.spend_cents, 2),
            last_order_on: self.last_order_on,
            drift: self.drift.and_then(|drift| rounded(drift, 4)),
            key: match sort {
                Sort::Spend => Key::Cents(self.spend_cents),
                Sort::Churn => Key::Real(churn.unwrap_or_default()),
                Sort::Ltv => Key::Real(self.ltv.unwrap_or_default()),
                Sort::Drift => Key::Real(self.drift.unwrap_or_default()),
            },
        }
    }
}
