//! Finding somebody by an address, and deleting their tickets and themselves.

use reqwest::Method;

use super::{Client, PAGE_SIZE, Ticket, wire};
use crate::error::ClientError;
use crate::http::{CallContext, Repeat, Request, url_under};

/// At most so many pages are read of the customers of an address, and of the tickets of a customer.
const MAX_FOUND_PAGES: usize = 10;

/// What was found of somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// The account's ids.
    pub ids: Vec<u64>,
    /// There are more pages than are read.
    pub is_cut: bool,
}

/// What became of a thing that was to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// It was there, and is not any more.
    Done,
    /// It was not there any more.
    WasGone,
}

impl Client {
    /// The account's ids of the customers who are reached at this address. That the list can be asked for one address is
    /// what accounts do and not what their facts say, so each customer of the answer is looked at: of an account that
    /// answers with everybody, those beyond the pages that are read are told of as cut off.
    pub async fn customers_by_email(
        &self,
        context: &CallContext,
        email: &str,
    ) -> Result<Listed, ClientError> {
        let mut listed = Listed::default();
        let mut cursor: Option<String> = None;
        for _ in 0..MAX_FOUND_PAGES {
            let mut url = url_under(&self.base, &["customers"]);
            url.query_pairs_mut()
                .append_pair("email", email)
                .append_pair("limit", &PAGE_SIZE.to_string())
                .extend_pairs(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let page: wire::CustomerPage = self.get(context, url).await?;
            listed.ids.extend(page.data.iter().filter(|one| one.has(email)).map(|one| one.id));
            cursor = page.meta.next_cursor;
            if cursor.is_none() {
                return Ok(listed);
            }
        }
        Ok(Listed { is_cut: true, ..listed })
    }

    /// The account's ids of a customer's tickets, looked at one by one for the same reason.
    pub async fn tickets_of_customer(
        &self,
        context: &CallContext,
        customer_id: u64,
    ) -> Result<Listed, ClientError> {
        let mut listed = Listed::default();
        let mut cursor: Option<String> = None;
        for _ in 0..MAX_FOUND_PAGES {
            let mut url = url_under(&self.base, &["tickets"]);
            url.query_pairs_mut()
                .append_pair("customer_id", &customer_id.to_string())
                .append_pair("limit", &PAGE_SIZE.to_string())
                .extend_pairs(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let page: wire::TicketPage = self.get(context, url).await?;
            let is_theirs =
                |ticket: &&Ticket| ticket.customer.as_ref().is_some_and(|one| one.id == Some(customer_id));
            listed.ids.extend(page.data.iter().filter(is_theirs).map(|ticket| ticket.id));
            cursor = page.meta.next_cursor;
            if cursor.is_none() {
                return Ok(listed);
            }
        }
        Ok(Listed { is_cut: true, ..listed })
    }

    /// Deletes a ticket with its messages, for good.
    pub async fn delete_ticket(
        &self,
        context: &CallContext,
        ticket_id: u64,
    ) -> Result<Deletion, ClientError> {
        self.delete(context, &["tickets", &ticket_id.to_string()]).await
    }

    /// Deletes a customer. Whether an account keeps their tickets then is not documented, so these go first; one that was
    /// merged into another is not there any more.
    pub async fn delete_customer(
        &self,
        context: &CallContext,
        customer_id: u64,
    ) -> Result<Deletion, ClientError> {
        self.delete(context, &["customers", &customer_id.to_string()]).await
    }

    async fn delete(&self, context: &CallContext, path: &[&str]) -> Result<Deletion, ClientError> {
        let request = Request {
            method: Method::DELETE,
            url: url_under(&self.base, path),
            headers: self.headers(),
            body: None,
            repeat: Repeat::Always,
        };
        match self.send(context, &request).await {
            Ok(_) => Ok(Deletion::Done),
            Err(ClientError::Rejected { status: 301 | 404 | 410, .. }) => Ok(Deletion::WasGone),
            Err(error) => Err(error),
        }
    }
}
