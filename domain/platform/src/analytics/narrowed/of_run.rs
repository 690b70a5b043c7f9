//! Lists of the published run, narrowed down: who is at risk, and whose behaviour changed.

use chrono::NaiveDate;
use database::Tx;
use rust_decimal::Decimal;
use sqlx::FromRow;

use super::{Asked, Joined, Narrowed, Narrowing, beside, of_group};
use crate::analytics::{AnalyticsError, Levels, Standing};
use crate::insights::answer;
use crate::insights::catalog::Catalog;
use crate::insights::list::{ArchetypeName, Key, Listed, Sort};
use crate::probability;
use crate::risk::RiskBands;

/// Customers of the published run by what is to be expected of them, narrowed down. Levels are needed where a group is
/// asked for.
///
/// # Errors
/// No run was published, or the database does not answer.
pub async fn at_risk(
    tx: &mut Tx,
    standing: &Standing,
    levels: Option<&Levels>,
    catalog: Option<&Catalog>,
    narrowing: &Narrowing,
    sort: Sort,
    limit: u32,
) -> Result<Narrowed<Listed>, AnalyticsError> {
    standing.run()?;
    let (condition, order) = match sort {
        Sort::Churn => ("churn is not null", "churn desc"),
        Sort::Ltv => ("ltv is not null", "ltv desc"),
        Sort::Spend => ("true", "cents desc"),
        Sort::Drift => {
            let joined = drift(standing)?;
            let found: Narrowed<AtRisk> = beside(tx, standing, levels, narrowing, &joined, limit).await?;
            let items = found.items.into_iter().map(|row| row.listed(catalog, sort)).collect();
            return Ok(Narrowed { cells: found.cells, items });
        }
    };
    // The bounds of a rule are none here, and have to be named all the same.
    let asked = Asked {
        condition,
        order,
        bounds: [0, 0],
        of_group: of_group(narrowing, levels)?,
        narrowing,
        joined: None,
    };
    let cells = asked.cells(tx, standing).await?;
    let rows: Vec<AtRisk> = asked.first(tx, standing, limit).await?;
    Ok(Narrowed { cells, items: rows.into_iter().map(|row| row.listed(catalog, sort)).collect() })
}

/// The customers whose behaviour changed with the published run, narrowed down, those who moved furthest first. Levels are
/// needed where a group is asked for.
///
/// # Errors
/// No run was published, or the database does not answer.
pub async fn changed(
    tx: &mut Tx,
    standing: &Standing,
    levels: Option<&Levels>,
    narrowing: &Narrowing,
    limit: u32,
) -> Result<Narrowed<String>, AnalyticsError> {
    let joined = drift(standing)?;
    let found: Narrowed<Moved> = beside(tx, standing, levels, narrowing, &joined, limit).await?;
    let items = found.items.into_iter().map(|row| row.customer_id).collect();
    Ok(Narrowed { cells: found.cells, items })
}

/// How far customers moved with the published run.
fn drift(standing: &Standing) -> Result<Joined, AnalyticsError> {
    // The run is a number of ours and has no place among the parameters.
    let run = standing.run()?.id;
    Ok(Joined {
        sql: format!(
            "select customer_id, drift from platform.customer_change where tenant_id = $1 and run_id = '{run}'::uuid"
        ),
        condition: "drift is not null",
        order: "drift desc",
        times: None,
    })
}

/// A customer whose behaviour changed.
#[derive(FromRow)]
struct Moved {
    customer_id: String,
}

/// A customer as a list by risk reads them.
#[derive(FromRow)]
struct AtRisk {
    customer_id: String,
    orders: i32,
    cents: i64,
    last_on: Option<NaiveDate>,
    churn: Option<f32>,
    ltv: Option<f32>,
    archetype_l1: Option<i16>,
    archetype_l2: Option<i16>,
    /// Only where the list is sorted by it.
    #[sqlx(default)]
    drift: Option<f32>,
}

impl AtRisk {
    fn listed(self, catalog: Option<&Catalog>, sort: Sort) -> Listed {
        let churn = self.churn.filter(|churn| churn.is_finite());
        let archetype = catalog.and_then(|catalog| catalog.finest(self.archetype_l1, self.archetype_l2));
        Listed {
            archetype: archetype
                .map(|found| ArchetypeName { id: found.id.clone(), name: found.name.clone() }),
            churn: churn.and_then(probability::told),
            churn_band: churn.map(|churn| RiskBands::default().of(churn)),
            ltv: self.ltv.and_then(|ltv| answer::rounded(ltv, 2)),
            orders: self.orders,
            spend: Decimal::new(self.cents, 2),
            last_order_on: self.last_on,
            drift: self.drift.and_then(|drift| answer::rounded(drift, 4)),
            key: match sort {
                Sort::Ltv => Key::Real(self.ltv.unwrap_or_default()),
                Sort::Spend => Key::Cents(self.cents),
                Sort::Churn => Key::Real(churn.unwrap_or_default()),
                Sort::Drift => Key::Real(self.drift.unwrap_or_default()),
            },
            customer_id: self.customer_id,
        }
    }
}
