//! Computes a few customers anew with what the current run knows, and writes over their rows.

use chrono::{NaiveDate, Utc};
use database::{Db, Role, Tx};
use platform::insights::write;
use platform::orders::export::Selection;
use platform::runs::published::{self, Published};
use platform::{roster, zone};

use super::explain;
use super::knowledge::Library;
use super::rows;
use super::score::{self, Scored};
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
pub async fn recompute(
    ctx: &Ctx,
    db: &Db,
    library: &Library,
    customers: &[String],
) -> Result<Recomputed, Stop> {
    // Once, nearly always: again only when another run is published between the two looks, and then that one counts.
    for _ in 0..5 {
        let mut tx = db.tenant_tx(Role::Platform, ctx.tenant).await?;
        let current = published::find(&mut tx).await?.ok_or_else(nothing_published)?;
        tx.commit().await?;
        // Outside the lock, because models of a new run are large.
        let knowledge = library.of_run(db, ctx.tenant, current.run).await?;

        let mut tx = db.tenant_tx(Role::Platform, ctx.tenant).await?;
        // From here to the commit a tenant's customers take turns, so that of two computations of a customer the
        // one that saw more orders is the one that stays.
        let locked = published::lock(&mut tx).await?.ok_or_else(nothing_published)?;
        if locked.run != current.run {
            continue;
        }
        let until = last_day(&mut tx, &locked, customers).await?;
        let selection = Selection::Named(customers.to_vec());
        let scored = score::score(&mut tx, ctx.tenant, &knowledge, &selection, until, None, |_| true).await?;
        let Some(batch) = scored else {
            return Err(Stop::Snooze(std::time::Duration::ZERO));
        };
        let batch = explain::all(&knowledge, batch).await?;
        marketing::segments::changes::note(&mut tx, ctx.tenant, customers).await?;
        write::forget(&mut tx, locked.generation, customers).await?;
        rows::write(&mut tx, &knowledge, locked.generation, &batch.customers, Utc::now()).await?;
        published::note_change(&mut tx).await?;
        tx.commit().await?;
        return Ok(Recomputed {
            customers: batch.customers,
            generation: locked.generation,
            lines: batch.lines,
        });
    }
    Err(Stop::retry("run_changed", "runs were published faster than the customer could be computed"))
}

/// Why nobody can be computed anew.
fn nothing_published() -> Stop {
    Stop::Cancel(
        "the tenant has no published run yet; the next one includes the customer, and POST \
         /api/intelligence/evaluate starts one"
            .to_owned(),
    )
}

/// Today; for a run that looks back, its own day or that of the customers' last order, whichever is later.
async fn last_day(tx: &mut Tx, current: &Published, customers: &[String]) -> Result<NaiveDate, Stop> {
    let zone = zone::read(tx).await?;
    let today = Utc::now().with_timezone(&zone).date_naive();
    if !current.is_pinned {
        return Ok(today);
    }
    let last = roster::last_order_at(tx, customers).await?;
    Ok(last
        .map_or(current.as_of, |last| last.with_timezone(&zone).date_naive().min(today).max(current.as_of)))
}
