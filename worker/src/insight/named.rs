//! Computes a few customers anew with what the current run knows, and writes over their rows.

use chrono::{DateTime, NaiveDate, Utc};
use database::{Role, Tx};
use sqlx::Row;
use uuid::Uuid;

use super::orders::Selection;
use super::score::{self, Scored};
use super::write;
use crate::app::App;
use crate::context::Ctx;
use crate::outcome::Stop;

/// What was computed anew.
pub struct Recomputed {
    /// In the order of their ids; customers without orders are not among them.
    pub customers: Vec<Scored>,
    /// The generation whose rows were written.
    pub generation: i32,
    /// Lines read.
    pub lines: u64,
}

/// Computes these customers anew, reasons for their churn included.
///
/// # Errors
/// The tenant has no run yet, or the database failed.
pub async fn recompute(ctx: &Ctx, app: &App, customers: &[String]) -> Result<Recomputed, Stop> {
    // Once, nearly always: again only when another run is published between the two looks, and then that one counts.
    for _ in 0..5 {
        let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
        let current = current(&mut tx, false).await?;
        tx.commit().await?;
        // Outside the lock, because models of a new run are large.
        let knowledge = app.insight.of_run(&app.db, ctx.tenant, current.run).await?;

        let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
        // From here to the commit a tenant's customers take turns, so that of two computations of a customer the
        // one that saw more orders is the one that stays.
        let locked = self::current(&mut tx, true).await?;
        if locked.run != current.run {
            continue;
        }
        let until = last_day(&mut tx, &locked, customers).await?;
        let selection = Selection::Named(customers.to_vec());
        let Some(batch) = score::score(&mut tx, &knowledge, &selection, until, |_| true).await? else {
            return Err(Stop::Snooze(std::time::Duration::ZERO));
        };
        let batch = knowledge.explain_all(batch).await?;
        marketing::segments::changes::note(&mut tx, ctx.tenant, customers).await?;
        write::forget(&mut tx, locked.generation, customers).await?;
        write::customers(&mut tx, &knowledge, locked.generation, &batch.customers, Utc::now()).await?;
        sqlx::query("update platform.current_run set facts_version = facts_version + 1, changed_at = now()")
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        return Ok(Recomputed {
            customers: batch.customers,
            generation: locked.generation,
            lines: batch.lines,
        });
    }
    Err(Stop::retry("run_changed", "runs were published faster than the customer could be computed"))
}

struct Current {
    run: Uuid,
    generation: i32,
    as_of: NaiveDate,
    is_pinned: bool,
}

async fn current(tx: &mut Tx, is_locked: bool) -> Result<Current, Stop> {
    let statement = if is_locked {
        "select c.run_id, c.generation, r.as_of, r.pinned
         from platform.current_run c join platform.intelligence_run r on r.id = c.run_id for update of c"
    } else {
        "select c.run_id, c.generation, r.as_of, r.pinned
         from platform.current_run c join platform.intelligence_run r on r.id = c.run_id"
    };
    let Some(row) = sqlx::query(statement).fetch_optional(&mut **tx).await? else {
        return Err(Stop::Cancel(
            "the tenant has no published run yet; the next one includes the customer, and POST \
             /api/intelligence/evaluate starts one"
                .to_owned(),
        ));
    };
    Ok(Current {
        run: row.try_get("run_id")?,
        generation: row.try_get("generation")?,
        as_of: row.try_get("as_of")?,
        is_pinned: row.try_get("pinned")?,
    })
}

/// Today; for a run that looks back, its own day or that of the customers' last order, whichever is later.
async fn last_day(tx: &mut Tx, current: &Current, customers: &[String]) -> Result<NaiveDate, Stop> {
    let today = Utc::now().date_naive();
    if !current.is_pinned {
        return Ok(today);
    }
    let last: Option<DateTime<Utc>> = sqlx::query_scalar(
        "select max(last_order_at) from platform.customer_profile where customer_id = any ($1)",
    )
    .bind(customers)
    .fetch_one(&mut **tx)
    .await?;
    Ok(last.map_or(current.as_of, |last| last.date_naive().min(today).max(current.as_of)))
}
