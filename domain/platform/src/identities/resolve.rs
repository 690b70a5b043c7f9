//! Whom a source speaks of: the customer under whom an order is stored.

use std::collections::HashMap;

use database::ids::TenantId;
use database::{DbError, Tx};

use super::normal::{self, Key, email, phone};
use crate::orders::statement::Party;

/// Finds the customers that keys name now (platform role), for those who are not simply the customer of that id: who
/// was merged, and who is known by an address or number that belongs to one customer of another id.
///
/// # Errors
/// The database failed.
pub async fn elsewhere<'k>(
    tx: &mut Tx,
    tenant: TenantId,
    keys: impl Iterator<Item = &'k Key>,
) -> Result<HashMap<Key, String>, DbError> {
    let kinds = kinds_known(tx, tenant).await?;
    let is_known = |kind: &str| kinds.iter().any(|known| known == kind);
    // Whoever was merged was so under an id, which may be an address as well.
    let may_be_elsewhere = |key: &&Key| is_known("shop") || is_known(kind(key));
    let mut keys: Vec<&Key> = keys.filter(may_be_elsewhere).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    keys.sort_unstable();
    keys.dedup();
    let found: Vec<(i64, String)> = sqlx::query_as(include_str!("elsewhere.sql"))
        .bind(tenant)
        .bind(keys.iter().map(|key| key.text()).collect::<Vec<_>>())
        .bind(keys.iter().map(|key| kind(key)).collect::<Vec<_>>())
        .fetch_all(&mut **tx)
        .await?;
    Ok(found
        .into_iter()
        .filter_map(|(place, customer)| {
            Some(((*keys.get(usize::try_from(place).ok()? - 1)?).clone(), customer))
        })
        .collect())
}

/// The kinds of identities that a tenant has: most shops have none by which somebody would be elsewhere, and are not asked for
/// each customer.
async fn kinds_known(tx: &mut Tx, tenant: TenantId) -> Result<Vec<String>, DbError> {
    Ok(sqlx::query_scalar(
        "select asked.kind from unnest('{shop,email,phone}'::text[]) as asked (kind)
         where exists (select from platform.customer_identity i where i.tenant_id = $1 and i.kind = asked.kind)",
    )
    .bind(tenant)
    .fetch_all(&mut **tx)
    .await?)
}

fn kind(key: &Key) -> &'static str {
    match key {
        Key::Shop(_) => "shop",
        Key::Email(_) => "email",
        Key::Phone(_) => "phone",
    }
}

/// Somebody who is to be known from now on.
#[derive(Debug, Clone, Copy)]
pub struct Person<'p> {
    /// Under whom orders are stored.
    pub customer_id: &'p str,
    /// What the source says of them.
    pub party: &'p Party,
}

/// The last that is said of a customer.
#[derive(Default)]
struct Known<'p> {
    email: Option<&'p str>,
    name: Option<&'p str>,
    phone: Option<&'p str>,
}

/// Makes customers known, with their addresses and numbers (platform role). Address and name follow the source where it
/// has them. Rows are locked in the order of their ids, so that two of these cannot wait for each other in a circle.
///
/// # Errors
/// The database failed.
pub async fn remember(tx: &mut Tx, tenant: TenantId, people: &[Person<'_>]) -> Result<(), DbError> {
    if people.is_empty() {
        return Ok(());
    }
    // The last word of a customer holds.
    let mut by_id: HashMap<&str, Known<'_>> = HashMap::new();
    let mut identities: Vec<(&'static str, String, &str, Option<String>)> = Vec::new();
    for person in people {
        let party = person.party;
        let known = by_id.entry(person.customer_id).or_default();
        known.email = party.email.as_deref().or(known.email);
        known.name = party.name.as_deref().or(known.name);
        known.phone = party.phone.as_deref().or(known.phone);
        let ways = [
            ("email", party.email.as_deref().and_then(email)),
            ("phone", party.phone.as_deref().and_then(phone)),
        ];
        for (kind, value) in ways {
            if let Some(value) = value.filter(|value| value != person.customer_id) {
                // Whoever was merged may be somebody again.
                let stated = normal::key(party).ok().map(|key| key.text().to_owned());
                let stated = stated.filter(|stated| stated != person.customer_id);
                identities.push((kind, value, person.customer_id, stated));
            }
        }
    }
    let mut rows: Vec<_> = by_id.into_iter().collect();
    rows.sort_unstable_by_key(|(id, _)| *id);
    sqlx::query(
        "insert into platform.customer as c (tenant_id, customer_id, email, name, phone)
         select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::text[])
         on conflict (tenant_id, customer_id) do update
             set email = coalesce(excluded.email, c.email), name = coalesce(excluded.name, c.name),
                 phone = coalesce(excluded.phone, c.phone)
             where (excluded.email is not null and excluded.email is distinct from c.email)
                or (excluded.name is not null and excluded.name is distinct from c.name)
                or (excluded.phone is not null and excluded.phone is distinct from c.phone)",
    )
    .bind(tenant)
    .bind(rows.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, known)| known.email).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, known)| known.name).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, known)| known.phone).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    if identities.is_empty() {
        return Ok(());
    }
    identities.sort_unstable();
    identities.dedup();
    sqlx::query(
        "insert into platform.customer_identity (tenant_id, kind, value, customer_id, stated_customer)
         select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::text[]) on conflict do nothing",
    )
    .bind(tenant)
    .bind(identities.iter().map(|(kind, ..)| *kind).collect::<Vec<_>>())
    .bind(identities.iter().map(|(_, value, ..)| value.as_str()).collect::<Vec<_>>())
    .bind(identities.iter().map(|(_, _, customer, _)| *customer).collect::<Vec<_>>())
    .bind(identities.iter().map(|(_, _, _, stated)| stated.as_deref()).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}
