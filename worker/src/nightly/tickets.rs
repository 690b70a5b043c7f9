//! What customers' tickets say, from the support desk's rows to what the pure crate computes with.

use ::support::written::{self, Whose, Written};
use chrono::{Days, NaiveDate};
use database::ids::TenantId;
use database::{DbError, Role, Tx, act_as};
use intelligence::features::support::{self, SupportStats, Ticket};
use intelligence::lines::key;
use intelligence::matrix::Matrix;
use platform::zone;

use super::orders::Orders;

/// Channels in the order of their numbers; the last number stands for all others.
const CHANNELS: [&str; 6] = ["email", "sms", "phone", "chat", "whatsapp", "form"];

/// Tickets by customer.
#[derive(Default)]
pub struct Tickets {
    /// Ascending by customer, byte by byte.
    tickets: Vec<(String, Ticket)>,
}

impl Tickets {
    /// Those of the customers until the end of a day of the shop. The transaction has the platform's role before and
    /// after.
    ///
    /// # Errors
    /// The database failed.
    pub async fn read(
        tx: &mut Tx,
        tenant: TenantId,
        whose: Whose<'_>,
        until: NaiveDate,
    ) -> Result<Tickets, DbError> {
        let zone = zone::read(tx).await?;
        let end = zone::start_of(until.checked_add_days(Days::new(1)).unwrap_or(until), zone);
        act_as(tx, Role::Support, Some(tenant)).await?;
        let written = written::tickets(tx, whose, end, zone.name()).await?;
        act_as(tx, Role::Platform, Some(tenant)).await?;
        Ok(Tickets::of(written))
    }

    /// Those of a sample of the customers, at most about so many.
    ///
    /// # Errors
    /// The database failed.
    pub async fn sample(
        tx: &mut Tx,
        tenant: TenantId,
        one_in: i64,
        most: i64,
        until: NaiveDate,
    ) -> Result<Tickets, DbError> {
        act_as(tx, Role::Support, Some(tenant)).await?;
        let count = written::count(tx).await?;
        act_as(tx, Role::Platform, Some(tenant)).await?;
        if count == 0 {
            return Ok(Tickets::default());
        }
        // A multiple, so that nobody is among these and not among the customers whose orders were read.
        let one_in = one_in.max(1) * (count / one_in.max(1) / most + 1);
        Tickets::read(tx, tenant, Whose::Sample(one_in), until).await
    }

    fn of(written: Vec<Written>) -> Tickets {
        Tickets {
            tickets: written
                .into_iter()
                .map(|written| (written.customer_id.clone(), ticket(&written)))
                .collect(),
        }
    }

    /// The tickets of a customer.
    fn of_customer(&self, customer: &str) -> Vec<Ticket> {
        let from = self.tickets.partition_point(|(id, _)| id.as_str() < customer);
        let own = self.tickets[from..].iter().take_while(|(id, _)| id == customer);
        own.map(|(_, ticket)| *ticket).collect()
    }

    /// The numbers of the customers of these orders, a row each; none when nobody has written in.
    pub fn numbers(&self, orders: &Orders, statistics: &SupportStats, day: i32) -> Option<Matrix> {
        if self.tickets.is_empty() {
            return None;
        }
        let tickets: Vec<Vec<Ticket>> =
            orders.customers.iter().map(|customer| self.of_customer(customer)).collect();
        Some(support::table(&orders.lines, &tickets, statistics, day))
    }

    /// The shop's own rates.
    pub fn statistics(&self) -> SupportStats {
        let rated: Vec<f64> = self.tickets.iter().filter_map(|(_, ticket)| ticket.satisfaction).collect();
        let mean_satisfaction = (!rated.is_empty()).then(|| rated.iter().sum::<f64>() / rated.len() as f64);
        SupportStats { mean_satisfaction }
    }
}

fn ticket(written: &Written) -> Ticket {
    let channel = CHANNELS.iter().position(|channel| *channel == written.channel).unwrap_or(CHANNELS.len());
    let whole = |count: i32| u32::try_from(count).unwrap_or(0);
    Ticket {
        opened_minute: written.opened_minute,
        channel: u8::try_from(channel).unwrap_or(u8::MAX),
        topic: written.topic.as_deref().map_or(0, |topic| key(topic.as_bytes())),
        messages: whole(written.messages),
        asked: whole(written.asked),
        answered: whole(written.answered),
        reply_minutes: written.reply_minutes,
        reopened: written.reopened,
        escalated: written.escalated,
        complaint: written.complaint,
        satisfaction: written.satisfaction,
        sentiment: written.sentiment,
        asks_compensation: written.asks_compensation,
        mentions_price: written.mentions_price,
        asks_discount: written.asks_discount,
    }
}
