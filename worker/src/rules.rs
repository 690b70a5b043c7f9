//! What rules of the support desk need of others: who is behind a ticket, and the last order.

use chrono::{DateTime, Utc};
use database::Tx;
use database::ids::{TenantId, TicketId};
use platform::customers::{self, Contact, Found};
use platform::insights::InsightError;
use platform::insights::brief;
use platform::insights::catalog::Catalogs;
use platform::{money, zone};
use support::macros::values::LastOrder;
use support::order::facts;
use support::rules::facts::Outside;
use support::rules::memory::Memory;

use crate::outcome::Stop;

/// Shared by all runs of a process.
#[derive(Debug, Default)]
pub struct Rules {
    catalogs: Catalogs,
    /// The rules in force.
    pub memory: Memory,
}

/// What is known of the customer behind a ticket.
#[derive(Debug, Default)]
pub struct Behind {
    /// For conditions.
    pub outside: Outside,
    /// For texts.
    pub order: Option<LastOrder>,
}

impl Rules {
    /// What is known of the customer behind a ticket (support role); nothing when several share the address.
    ///
    /// # Errors
    /// The database failed.
    pub async fn behind(&self, tx: &mut Tx, tenant: TenantId, ticket: TicketId) -> Result<Behind, Stop> {
        let Some(contact) = facts::of_ticket(tx, ticket).await? else { return Ok(Behind::default()) };
        let Found::One(customer) = customers::of_contact(tx, named(&contact)).await?.found else {
            return Ok(Behind::default());
        };
        let brief = match brief::of(tx, tenant, &self.catalogs, &customer).await {
            Ok(brief) => brief,
            Err(InsightError::Db(error)) => return Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, "rules are run without what is known of the customer");
                brief::Brief::default()
            }
        };
        let profile = customers::profile(tx, &customer, Utc::now(), 3).await?;
        let zone = zone::read(tx).await?;
        let last =
            profile.and_then(|profile| profile.recent_orders.into_iter().find(|order| !order.is_return));
        Ok(Behind {
            outside: outside(brief),
            order: last.map(|order| LastOrder {
                number: order.order_id,
                on: order.ordered_at.with_timezone(&zone).date_naive(),
                amount: money::written(order.amount, &order.currency),
                currency: order.currency,
            }),
        })
    }
    /// What was known of the customer behind a ticket at a moment (support role), and whether all of it is of then but the
    /// archetype, which is today's.
    ///
    /// # Errors
    /// The database failed.
    pub async fn behind_then(
        &self,
        tx: &mut Tx,
        tenant: TenantId,
        ticket: TicketId,
        at: DateTime<Utc>,
    ) -> Result<(Outside, bool), Stop> {
        let Some(contact) = facts::of_ticket(tx, ticket).await? else {
            return Ok((Outside::default(), true));
        };
        let Found::One(customer) = customers::of_contact(tx, named(&contact)).await?.found else {
            return Ok((Outside::default(), true));
        };
        match brief::then(tx, tenant, &self.catalogs, &customer, at).await {
            Ok(then) => Ok((outside(then.brief), then.is_band_of_then)),
            Err(InsightError::Db(error)) => Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, "a rule is tried without what is known of the customer");
                Ok((Outside::default(), false))
            }
        }
    }
}

/// What a ticket tells of its customer.
fn named(ticket: &facts::Behind) -> Contact<'_> {
    Contact {
        customer_id: ticket.customer_id.as_deref(),
        email: ticket.customer_email.as_deref(),
        desk_id: ticket.customer_external_id.as_deref(),
    }
}

fn outside(brief: brief::Brief) -> Outside {
    Outside {
        archetype: brief.archetype,
        churn_band: brief.churn_band.map(|band| band.name().to_owned()),
        spend: brief.spend.and_then(|spend| f64::try_from(spend).ok()),
        orders: brief.orders,
    }
}
