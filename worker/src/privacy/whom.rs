//! Whom a request is about: everything that the shop and its tickets know them by.

use accounts::seal::MasterKey;
use accounts::tenant_keys::TenantKeyError;
use database::Tx;
use database::ids::TenantId;
use database::personal::Person;
use platform::personal::{self as shop, Known};
use support::privacy::find;
use support::privacy::requests::{self, Request};

use crate::outcome::Stop;

/// How often what is found is looked for with what was found.
const ROUNDS: usize = 3;

impl From<TenantKeyError> for Stop {
    fn from(error: TenantKeyError) -> Stop {
        match error {
            TenantKeyError::Db(error) => error.into(),
            error => Stop::fail("sealed", &error.to_string()),
        }
    }
}

/// The person, as an earlier attempt found them or as they are found now, and what is to be known of that (support role).
pub async fn of_request(
    tx: &mut Tx,
    master: &MasterKey,
    tenant: TenantId,
    request: &Request,
) -> Result<(Person, Vec<String>), Stop> {
    if let Some(person) = requests::person(tx, master, tenant, request).await? {
        return Ok((person, request.remarks.clone()));
    }
    let Some(asked) = requests::asked(tx, master, tenant, request).await? else {
        return Err(Stop::Cancel("the request does not say any more who asked".to_owned()));
    };
    let known = shop::find(tx, asked.customer_id.as_deref(), asked.email.as_deref()).await?;
    let is_nobody = matches!(known, Known::Nobody);
    let mut person = match known {
        Known::One(person) => *person,
        Known::Nobody => Person::default(),
        Known::Several(customers) => {
            let message = format!(
                "{} customers have the address; ask for one of them by the shop's id",
                customers.len()
            );
            return Err(Stop::fail("several_customers", &message));
        }
    };
    person.token = requests::token(request.id);
    let mut remarks = Vec::new();
    let mut new_emails: Vec<String> = asked.email.iter().map(|email| email.trim().to_lowercase()).collect();
    for _ in 0..ROUNDS {
        let of_others = shop::shared_with_others(tx, &new_emails, &person.customers).await?;
        for email in &new_emails {
            if of_others.contains(email) {
                remarks.push(
                    "an address in their tickets is another customer's too, so tickets that name nothing else stay"
                        .to_owned(),
                );
            } else {
                Person::learn(&mut person.emails, email);
            }
        }
        let found = find::tickets(tx, &mut person).await?;
        if found.is_cut {
            let message =
                format!("more than {} tickets name them, which is no single person", find::MOST_TICKETS);
            return Err(Stop::fail("too_many_tickets", &message));
        }
        new_emails = found.new_emails.into_iter().filter(|email| !of_others.contains(email)).collect();
        if new_emails.is_empty() {
            if !found.mentions.is_empty() {
                let some: Vec<String> = found.mentions.iter().take(20).map(ToString::to_string).collect();
                remarks.push(format!(
                    "{} tickets of others mention an address of theirs and stay as they are: {}",
                    found.mentions.len(),
                    some.join(", ")
                ));
            }
            break;
        }
    }
    if is_nobody && person.tickets.is_empty() {
        remarks.push(
            "no customer and no ticket is known by the id and the address that were given; compare them with what the person \
             told, because somebody known by others was not reached"
                .to_owned(),
        );
    }
    remarks.dedup();
    Ok((person, remarks))
}
