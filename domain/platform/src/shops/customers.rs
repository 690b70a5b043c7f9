//! Customers of a shop, with or without orders, and those who turned out to be one person.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};

use super::order::Refused;
use super::store as words;
use crate::identities::erased::{self, ErasureKey};
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

/// Makes customers known, unless something newer is known of them (platform role); how many were newer. Who was erased and did
/// not come back is refused, under the token that stands for them.
///
/// # Errors
/// The database failed.
pub async fn store(
    tx: &mut Tx,
    tenant: TenantId,
    source: &str,
    customers: &[ShopCustomer],
    key: &ErasureKey,
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
    let parties: Vec<Party> = newest.values().map(|customer| of_shop(customer)).collect();
    let erased = erased::among(tx, tenant, key, parties.iter()).await?;
    let (gone, all): (Vec<&ShopCustomer>, Vec<&ShopCustomer>) =
        newest.into_values().partition(|customer| erased.gone(&of_shop(customer)).is_some());
    let refused: Vec<Refused> = gone
        .into_iter()
        .filter_map(|customer| {
            Some(Refused {
                external_id: erased.gone(&of_shop(customer))?.token.clone(),
                reason: words::CUSTOMER_ERASED,
                message: "the customer was erased and did not come back since; nothing of them is stored"
                    .to_owned(),
            })
        })
        .collect();
    words::refuse(tx, tenant, source, "customers", &refused, Utc::now()).await?;
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

/// What a customer is known by, the system's id among it.
fn of_shop(customer: &ShopCustomer) -> Party {
    let shop_id = customer.party.shop_id.clone().or_else(|| Some(customer.id.clone()));
    Party { shop_id, ..customer.party.clone() }
}

/// Merges a customer into another, as the shop did (platform role). False when they are one already, or were merged
/// otherwise by people, whose word holds, or when one of them was erased.
///
/// # Errors
/// One of them is no single person, or the database failed.
pub async fn merged(
    tx: &mut Tx,
    tenant: TenantId,
    source: &str,
    (kept, gone): (&str, &str),
    key: &ErasureKey,
) -> Result<bool, MergeError> {
    for lane in 0..LANES {
        take_lane(tx, tenant, lane).await?;
    }
    let parties = [kept, gone].map(|id| Party { shop_id: Some(id.to_owned()), ..Party::default() });
    let keys = parties.each_ref().map(|party| normal::key(party).ok());
    let [Some(kept_key), Some(gone_key)] = &keys else { return Ok(false) };
    let erased = erased::among(tx, tenant, key, parties.iter()).await?;
    if parties.iter().any(|party| erased.gone(party).is_some()) {
        return Ok(false);
    }
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
