//! Customers of a shop, with or without orders, and those who turned out to be one person.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};

use crate::identities::merge::{self, MergeError};
use crate::identities::normal::{self, Key};
use crate::identities::resolve::{self, Person};
use crate::orders::state::{LANES, take_lane};
use crate::orders::statement::Party;

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopCustomer {
    /// The system's id.
    pub id: String,
    /// What they are known by.
    pub party: Party,
    /// When the system changed them last.
    pub changed_at: DateTime<Utc>,
}

/// Makes customers known, unless something newer is known of them (platform role); how many were newer.
///
/// # Errors
/// The database failed.
pub async fn store(
    tx: &mut Tx,
    tenant: TenantId,
    source: &str,
    customers: &[ShopCustomer],
) -> Result<usize, DbError> {
    if customers.is_empty() {
        return Ok(0);
    }
    // Whoever stores orders makes customers known too, in this order of locks.
    for lane in 0..LANES {
        take_lane(tx, tenant, lane).await?;
    }
    let mut newest: HashMap<&str, &ShopCustomer> = HashMap::new();
    for customer in customers {
        let known = newest.entry(&customer.id).or_insert(customer);
        if known.changed_at <= customer.changed_at {
            *known = customer;
        }
    }
    let all: Vec<&ShopCustomer> = newest.into_values().collect();
    let newer: Vec<String> = sqlx::query_scalar(
        "insert into platform.shop_ref as r (tenant_id, source, kind, external_id, internal_id, stated_at)
         select $1, $2, 'customer', u.id, u.id, u.stated_at from unnest($3::text[], $4::timestamptz[]) as u (id, stated_at)
         order by u.id
         on conflict (tenant_id, source, kind, external_id) do update set stated_at = excluded.stated_at
             where r.stated_at < excluded.stated_at
         returning external_id",
    )
    .bind(tenant)
    .bind(source)
    .bind(all.iter().map(|customer| customer.id.as_str()).collect::<Vec<_>>())
    .bind(all.iter().map(|customer| customer.changed_at).collect::<Vec<_>>())
    .fetch_all(&mut **tx)
    .await?;
    let told: Vec<(&ShopCustomer, Key)> = all
        .into_iter()
        .filter(|customer| newer.contains(&customer.id))
        .filter_map(|customer| Some((customer, normal::key(&customer.party).ok()?)))
        .collect();
    let elsewhere = resolve::elsewhere(tx, tenant, told.iter().map(|(_, key)| key)).await?;
    let people: Vec<Person<'_>> = told
        .iter()
        .map(|(customer, key)| Person {
            customer_id: elsewhere.get(key).map_or(key.text(), String::as_str),
            party: &customer.party,
        })
        .collect();
    resolve::remember(tx, tenant, &people).await?;
    Ok(newer.len())
}

/// Merges a customer into another, as the shop did (platform role). False when they are one already, or were merged
/// otherwise by people, whose word holds.
///
/// # Errors
/// One of them is no single person, or the database failed.
pub async fn merged(
    tx: &mut Tx,
    tenant: TenantId,
    source: &str,
    (kept, gone): (&str, &str),
) -> Result<bool, MergeError> {
    for lane in 0..LANES {
        take_lane(tx, tenant, lane).await?;
    }
    let parties = [kept, gone].map(|id| Party { shop_id: Some(id.to_owned()), ..Party::default() });
    let keys = parties.each_ref().map(|party| normal::key(party).ok());
    let [Some(kept_key), Some(gone_key)] = &keys else { return Ok(false) };
    let elsewhere = resolve::elsewhere(tx, tenant, [kept_key, gone_key].into_iter()).await?;
    let who = |key: &Key| elsewhere.get(key).cloned().unwrap_or_else(|| key.text().to_owned());
    let (kept_now, gone_now) = (who(kept_key), who(gone_key));
    if kept_now == gone_now {
        return Ok(false);
    }
    let people = [
        Person { customer_id: &kept_now, party: &parties[0] },
        Person { customer_id: &gone_now, party: &parties[1] },
    ];
    resolve::remember(tx, tenant, &people).await?;
    match merge::merge(tx, tenant, &kept_now, &gone_now, source).await {
        Ok(_) => Ok(true),
        Err(MergeError::Merged(..) | MergeError::Same) => Ok(false),
        Err(error) => Err(error),
    }
}
