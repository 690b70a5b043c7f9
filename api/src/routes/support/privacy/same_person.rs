//! Whether the id and the address of a request are one person's. An erasure cannot be taken back, and an archive goes to
//! whoever asked, so what is known of two people is never taken together because of a slip.

use database::Tx;
use database::personal::Person;
use platform::identities::normal;
use platform::personal::{self as shop, Known};
use serde_json::json;
use support::privacy::find;
use support::privacy::requests::Asked;

use crate::web::problem::Problem;

/// Of so many who share an address not everybody was looked at.
const MOST_SHARING: usize = 10;

/// Refuses an address that somebody else has than the customer of the id (support role). One of which nobody knows anything
/// is what the person told of themselves.
pub(super) async fn check(tx: &mut Tx, asked: &Asked) -> Result<(), Problem> {
    let (Some(id), Some(email)) = (&asked.customer_id, &asked.email) else { return Ok(()) };
    let address = normal::email(email).unwrap_or_else(|| email.trim().to_lowercase());
    let mut named = match shop::find(tx, Some(id), None).await? {
        Known::One(person) => *person,
        Known::Nobody | Known::Several(_) => Person { customers: vec![id.clone()], ..Person::default() },
    };
    let owners = match shop::find(tx, None, Some(&address)).await? {
        Known::One(person) => person.customers,
        Known::Several(customers) => customers,
        Known::Nobody => Vec::new(),
    };
    let is_theirs = owners.iter().any(|owner| named.customers.contains(owner));
    if is_theirs || owners.len() >= MOST_SHARING {
        return Ok(());
    }
    if let Some(owner) = owners.first() {
        return Err(
            refusal(&format!("the address is the customer {owner}'s")).with("customers", json!(owners))
        );
    }
    if named.emails.is_empty() || named.emails.contains(&address) {
        return Ok(());
    }
    let theirs = find::tickets(tx, &mut named).await?;
    let mut writer = Person { emails: vec![address.clone()], ..Person::default() };
    find::tickets(tx, &mut writer).await?;
    let is_strange = writer.tickets.iter().any(|ticket| !named.tickets.contains(ticket));
    if is_strange && !theirs.new_emails.contains(&address) {
        return Err(refusal("the address stands in tickets that nothing connects with the customer"));
    }
    Ok(())
}

fn refusal(whose: &str) -> Problem {
    Problem::unprocessable(
        "email",
        format!(
            "{whose}, so the id and the address seem to be of different people; compare them with what the person told. When \
             both are meant, ask for each by a request of its own: one with customer_id alone, one with email alone"
        ),
    )
}
