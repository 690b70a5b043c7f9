//! Whom a request is about: everything that the shop and its tickets know them by.

use accounts::seal::MasterKey;
use accounts::tenant_keys::TenantKeyError;
use database::ids::TenantId;
use database::personal::{self, Person, Reached};
use database::{Role, Tx, act_as};
use platform::identities::erased::{self, Erasure, ErasureKey};
use platform::orders::statement::Party;
use platform::personal::{self as shop, Known};
use support::privacy::requests::{self, Asked, Request, Whom};
use support::privacy::{elsewhere, find};

use crate::outcome::Stop;

/// How often what is found is looked for with what was found.
const ROUNDS: usize = 3;

/// What is to be known when nothing names whoever was asked for.
const NOBODY: &str = "no customer and no ticket is known by the id and the address that were given; compare them with what the person \
     told, because somebody known by others was not reached";

/// What is said when the address was not known as the customer's.
const ADDED: &str =
    "the address that was given was not known as the customer's; what names it alone counts as theirs";

/// What is said of tickets that stay.
const MENTIONS: &str = "tickets of others mention an address of theirs and stay as they are";

impl From<TenantKeyError> for Stop {
    fn from(error: TenantKeyError) -> Stop {
        match error {
            TenantKeyError::Db(error) => error.into(),
            error => Stop::fail("sealed", &error.to_string()),
        }
    }
}

/// Whom it is about, as an earlier attempt found them or as they are found now (support role).
pub async fn of_request(
    tx: &mut Tx,
    master: &MasterKey,
    tenant: TenantId,
    request: &Request,
) -> Result<Whom, Stop> {
    if let Some(whom) = requests::whom(tx, master, tenant, request).await? {
        return Ok(whom);
    }
    let Some(asked) = requests::asked(tx, master, tenant, request).await? else {
        return Err(Stop::Cancel("the request does not say any more who asked".to_owned()));
    };
    let (customer_id, email) = (asked.customer_id.as_deref(), asked.email.as_deref());
    let known = shop::find(tx, customer_id, email).await?;
    let is_customer = matches!(known, Known::One(_));
    let mut person = match known {
        Known::One(person) => *person,
        // Orders and tickets name customers of whom there is no row.
        Known::Nobody => {
            Person { customers: customer_id.map(str::to_owned).into_iter().collect(), ..Person::default() }
        }
        Known::Several(customers) => {
            let message = format!(
                "{} customers have the address; ask for one of them by the shop's id",
                customers.len()
            );
            return Err(Stop::fail("several_customers", &message));
        }
    };
    person.token = requests::token(request.id);
    let new_emails: Vec<String> = asked.email.iter().map(|email| email.trim().to_lowercase()).collect();
    let added = new_emails
        .first()
        .filter(|email| is_customer && customer_id.is_some() && !person.emails.contains(email));
    let added = added.cloned();
    let mut remarks = learn(tx, &mut person, new_emails).await?;
    if added.is_some_and(|email| person.emails.contains(&email)) {
        remarks.push(ADDED.to_owned());
    }
    if is_customer {
        return Ok(Whom { person, is_nobody: false, remarks });
    }
    let is_nobody = !is_anywhere(tx, tenant, &person).await?;
    if is_nobody {
        remarks.push(NOBODY.to_owned());
    }
    if let Some(erasure) = erased_before(tx, master, tenant, asked).await? {
        remarks.push(format!(
            "whoever had the id or the address was erased before, at {}, and is {} since",
            erasure.erased_at.to_rfc3339(),
            erasure.token
        ));
        // Who did not come back since is the same person: one token stands for them, wherever it is read.
        if erasure.came_back_at.is_none() {
            person.token = erasure.token;
        }
    }
    Ok(Whom { person, is_nobody, remarks })
}

/// The erasure of whoever was asked for, if there was one.
async fn erased_before(
    tx: &mut Tx,
    master: &MasterKey,
    tenant: TenantId,
    asked: Asked,
) -> Result<Option<Erasure>, Stop> {
    let key = ErasureKey::of(&master.derive(erased::SECRET_LABEL), tenant);
    let party = Party { shop_id: asked.customer_id, email: asked.email, ..Party::default() };
    let before = erased::among(tx, tenant, &key, std::iter::once(&party)).await?;
    Ok(before.of(&party).cloned())
}

/// Finds what names the person by now, with what was found before (support role).
pub async fn again(tx: &mut Tx, whom: &mut Whom) -> Result<(), Stop> {
    let told = learn(tx, &mut whom.person, Vec::new()).await?;
    if whom.is_nobody && !whom.person.tickets.is_empty() {
        whom.is_nobody = false;
        whom.remarks.retain(|remark| remark != NOBODY);
    }
    if told.iter().any(|remark| remark.contains(MENTIONS)) {
        whom.remarks.retain(|remark| !remark.contains(MENTIONS));
    }
    told.iter().for_each(|remark| Person::learn(&mut whom.remarks, remark));
    Ok(())
}

/// Whether any row of the desk's or the shop's names them (support role). Whom the shop itself asks for by law is known by that.
async fn is_anywhere(tx: &mut Tx, tenant: TenantId, person: &Person) -> Result<bool, Stop> {
    if !person.tickets.is_empty()
        || !find::mails(tx, person).await?.is_empty()
        || !elsewhere::some(tx, person, 1).await?.is_empty()
    {
        return Ok(true);
    }
    let mut rows = Reached::new();
    act_as(tx, Role::Platform, Some(tenant)).await?;
    personal::left(tx, shop::STORES, person, &mut rows).await?;
    act_as(tx, Role::Support, Some(tenant)).await?;
    Ok(!rows.is_empty())
}

/// Adds what tickets say of a person, and answers what is to be known of that.
async fn learn(tx: &mut Tx, person: &mut Person, mut new_emails: Vec<String>) -> Result<Vec<String>, Stop> {
    let mut remarks = Vec::new();
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
        let found = find::tickets(tx, person).await?;
        if found.is_cut {
            let message =
                format!("more than {} tickets name them, which is no single person", find::MOST_TICKETS);
            return Err(Stop::fail("too_many_tickets", &message));
        }
        new_emails = found.new_emails.into_iter().filter(|email| !of_others.contains(email)).collect();
        if new_emails.is_empty() {
            if !found.mentions.is_empty() {
                let some: Vec<String> = found.mentions.iter().take(20).map(ToString::to_string).collect();
                remarks.push(format!("{} {MENTIONS}: {}", found.mentions.len(), some.join(", ")));
            }
            break;
        }
    }
    remarks.dedup();
    Ok(remarks)
}
