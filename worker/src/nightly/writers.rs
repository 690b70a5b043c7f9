//! What follows for a customer when their tickets say something new: they are computed anew, as after an order.

use database::Tx;
use database::ids::TicketId;
use jobs::NewJob;
use platform::insights::standing;
use support::order::facts;

use super::changed;
use crate::context::Ctx;
use crate::outcome::Stop;

/// The job that computes the customer behind a ticket anew (support role); none when nobody is known to be behind it, and
/// for who has no row in the current run: those have no order, or there was no run yet.
///
/// # Errors
/// The database failed.
pub async fn follow_up(tx: &mut Tx, ctx: &Ctx, ticket: TicketId) -> Result<Vec<NewJob>, Stop> {
    let behind = facts::of_ticket(tx, ticket).await?;
    follow_up_of(tx, ctx, behind.and_then(|behind| behind.known_customer)).await
}

/// The same for the customer who is known to be behind it.
///
/// # Errors
/// The database failed.
pub async fn follow_up_of(tx: &mut Tx, ctx: &Ctx, customer: Option<String>) -> Result<Vec<NewJob>, Stop> {
    let Some(customer) = customer else { return Ok(Vec::new()) };
    let customers = [customer];
    if standing::of(tx, &customers).await?.is_empty() {
        return Ok(Vec::new());
    }
    changed::follow_ups(ctx.tenant, ctx.job_id, Some(&customers))
}
