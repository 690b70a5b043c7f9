//! What the support desk does with what was found of customers: their unfinished tickets get another place.

use database::Role;
use jobs::NewJob;
use support::kinds::RefreshRank;
use support::order::facts;

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::Stop;

/// Beyond so many customers with tickets all tickets are placed anew.
const ONE_BY_ONE: usize = 20;

/// The jobs that place the tickets of these customers anew; none for those without a ticket.
///
/// # Errors
/// The database failed.
pub async fn follow_ups(ctx: &Ctx, app: &App, customers: &[String]) -> Result<Vec<NewJob>, Stop> {
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let writing = facts::with_tickets(&mut tx, customers).await?;
    tx.commit().await?;
    if writing.len() > ONE_BY_ONE {
        let job = NewJob::of(ctx.tenant, &RefreshRank::default())?.with_dedup_key(RefreshRank::ALL)?;
        return Ok(vec![job.with_parent(ctx.job_id)]);
    }
    writing
        .into_iter()
        .map(|customer_id| {
            let job = RefreshRank { customer_id: Some(customer_id), ..RefreshRank::default() };
            Ok(NewJob::of(ctx.tenant, &job)?.with_parent(ctx.job_id))
        })
        .collect()
}
