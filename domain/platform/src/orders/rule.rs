//! Which orders are revenue: a rule of each tenant. What was cancelled, failed or only tried never is.

use database::ids::TenantId;
use database::{Db, DbError, Role, Tx};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use uuid::Uuid;

use super::stale;
use super::state::{LANES, take_lane};
use super::statement::{Payment, Statement};
use super::store;

/// What makes an order revenue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum RevenueRule {
    /// That it was paid, or that its source does not say whether it was.
    #[default]
    Paid,
    /// That all of it was sent: its source says when, or calls it shipped, delivered or the like.
    Fulfilled,
    /// That it was placed.
    Placed,
}

impl RevenueRule {
    /// Whether an order counts; the same as `platform.order_counts`, which a test compares.
    pub fn counts(self, order: &Statement) -> bool {
        let is_void = matches!(order.payment, Payment::Voided | Payment::Failed);
        if order.is_test || order.cancelled_at.is_some() || is_void {
            return false;
        }
        match self {
            RevenueRule::Placed => true,
            RevenueRule::Fulfilled => order.fulfilled_at.is_some(),
            RevenueRule::Paid => !matches!(order.payment, Payment::Pending | Payment::Authorized),
        }
    }
}

/// A tenant's rule as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Stored {
    /// The rule.
    pub rule: RevenueRule,
    /// Grows with each change.
    pub version: i64,
    /// The version that all orders are counted by.
    pub applied: i64,
}

/// The tenant's rule (platform, support or marketing role).
///
/// # Errors
/// The database failed.
pub async fn read(tx: &mut Tx) -> Result<Stored, DbError> {
    let stored = sqlx::query_as(
        "select rule, version, applied from platform.revenue_rule where tenant_id = (select shared.current_tenant())",
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(stored.unwrap_or(Stored { rule: RevenueRule::default(), version: 0, applied: 0 }))
}

/// The tenant's rule, which does not change until this transaction ends (platform role): whoever changes it waits, and
/// counts the orders of this transaction anew afterwards.
pub(super) async fn held(tx: &mut Tx, tenant: TenantId) -> Result<RevenueRule, DbError> {
    let statement = "select rule from platform.revenue_rule where tenant_id = $1 for share";
    if let Some(rule) = sqlx::query_scalar(statement).bind(tenant).fetch_optional(&mut **tx).await? {
        return Ok(rule);
    }
    // Where there is no row there is nothing to hold.
    sqlx::query("insert into platform.revenue_rule (tenant_id) values ($1) on conflict do nothing")
        .bind(tenant)
        .execute(&mut **tx)
        .await?;
    Ok(sqlx::query_scalar(statement).bind(tenant).fetch_one(&mut **tx).await?)
}

/// Orders that are counted anew in one transaction.
const STEP: i64 = 5_000;

/// Changes the tenant's rule (platform role); answers its version, which [`recount`] brings the orders up to. None when it
/// is the rule already.
///
/// # Errors
/// The database failed.
pub async fn change(
    tx: &mut Tx,
    tenant: TenantId,
    rule: RevenueRule,
    by: &str,
) -> Result<Option<i64>, DbError> {
    sqlx::query("insert into platform.revenue_rule (tenant_id) values ($1) on conflict do nothing")
        .bind(tenant)
        .execute(&mut **tx)
        .await?;
    Ok(sqlx::query_scalar(
        "update platform.revenue_rule set rule = $2, version = version + 1, changed_by = $3, changed_at = now()
         where tenant_id = $1 and rule <> $2 returning version",
    )
    .bind(tenant)
    .bind(rule)
    .bind(by)
    .fetch_optional(&mut **tx)
    .await?)
}

/// What changed of the next orders.
#[derive(FromRow)]
struct Recounted {
    last: Option<String>,
    customers: Vec<String>,
    keys: Vec<Uuid>,
    lines: Vec<i32>,
    counts: Vec<bool>,
}

/// Counts all of a tenant's orders by the rule of this moment, in steps, and derives the profiles of those whose orders
/// changed. It may be ended and begun again. Answers how many orders count otherwise than before.
///
/// # Errors
/// The database failed.
pub async fn recount(db: &Db, tenant: TenantId, cause: Uuid) -> Result<u64, DbError> {
    let mut tx = db.tenant_tx(Role::Platform, tenant).await?;
    let version = read(&mut tx).await?.version;
    tx.commit().await?;
    let mut after = Some(String::new());
    let mut changed = 0;
    while let Some(last) = &after {
        let mut tx = db.tenant_tx(Role::Platform, tenant).await?;
        for lane in 0..LANES {
            take_lane(&mut tx, tenant, lane).await?;
        }
        let step: Recounted = sqlx::query_as(include_str!("recount.sql"))
            .persistent(false)
            .bind(tenant)
            .bind(last)
            .bind(STEP)
            .fetch_one(&mut *tx)
            .await?;
        for counts in [true, false] {
            let orders = step.keys.iter().zip(&step.lines).zip(&step.counts);
            let chosen = orders.filter(|(_, now)| **now == counts).map(|((key, lines), _)| (*key, *lines));
            store::count_lines(&mut tx, tenant, &store::keys_of(chosen), counts).await?;
        }
        changed += step.customers.len() as u64;
        stale::mark(&mut tx, tenant, cause, step.customers.iter().map(String::as_str)).await?;
        tx.commit().await?;
        after = step.last;
    }
    stale::derive_all(db, tenant, cause).await?;
    let mut tx = db.tenant_tx(Role::Platform, tenant).await?;
    // A rule that changed meanwhile has a recount of its own to come.
    sqlx::query("update platform.revenue_rule set applied = greatest(applied, $2) where tenant_id = $1")
        .bind(tenant)
        .bind(version)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(changed)
}
