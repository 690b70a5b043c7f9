//! Who was erased and is not to come back with a file or with another system's list.
//!
//! Of everything that an erased customer was known by a code is kept, HMAC-SHA256 under a key of the tenant's that is made of
//! the installation's master key: nobody learns from the code whom it is about, and whoever is named can be looked for.
//! An order from before the erasure is stored under the token that stands for them; a row that names them alone is refused.
//! Who comes back by themselves is known again: by an order that was placed after the erasure, by writing to the shop, or
//! because the shop says so ([`came_back`]). What lies before the erasure stays under the token then too.

use std::collections::HashMap;
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use database::ids::TenantId;
use database::personal;
use database::{DbError, Tx};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::normal::{self, Id};
use crate::orders::statement::Party;

/// What the secret is made of the master key for.
pub const SECRET_LABEL: &str = "codes of erased customers";

/// The key of one tenant's codes. Printing it for debugging shows nothing.
#[derive(Clone, Copy)]
pub struct ErasureKey([u8; 32]);

impl fmt::Debug for ErasureKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ErasureKey(hidden)")
    }
}

impl ErasureKey {
    /// The tenant's key under a secret of the installation that serves nothing else ([`SECRET_LABEL`]).
    pub fn of(secret: &[u8; 32], tenant: TenantId) -> ErasureKey {
        ErasureKey(hmac(secret).chain_update(tenant.0.as_bytes()).finalize().into_bytes().into())
    }

    fn code(&self, way: &Way) -> [u8; 32] {
        let text = hmac(&self.0).chain_update(way.kind.as_bytes()).chain_update([0_u8]);
        text.chain_update(way.value.as_bytes()).finalize().into_bytes().into()
    }
}

fn hmac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// A way to know somebody, as normalised.
#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Way {
    kind: &'static str,
    value: String,
}

/// The ways in which these words name somebody. An id that is an address is one, whoever says it.
fn ways<'w>(
    ids: impl IntoIterator<Item = &'w str>,
    emails: impl IntoIterator<Item = &'w str>,
    phones: impl IntoIterator<Item = &'w str>,
) -> Vec<Way> {
    let ids = ids.into_iter().filter_map(|text| match normal::id(text)? {
        Id::Exact(id) => Some(match normal::email(&id) {
            Some(address) if id.contains('@') => Way { kind: "email", value: address },
            _ => Way { kind: "shop", value: id },
        }),
        Id::Rounded(_) => None,
    });
    let emails =
        emails.into_iter().filter_map(|text| Some(Way { kind: "email", value: normal::email(text)? }));
    let phones =
        phones.into_iter().filter_map(|text| Some(Way { kind: "phone", value: normal::phone(text)? }));
    let mut ways: Vec<Way> = ids.chain(emails).chain(phones).collect();
    ways.sort_unstable();
    ways.dedup();
    ways
}

fn ways_of(party: &Party) -> Vec<Way> {
    ways(party.shop_id.as_deref(), party.email.as_deref(), party.phone.as_deref())
}

/// That somebody was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// What stands for them.
    pub token: String,
    /// When.
    pub erased_at: DateTime<Utc>,
    /// When they came back by themselves.
    pub came_back_at: Option<DateTime<Utc>>,
}

/// How far another system's clock may be ahead of ours; as much as signatures of webhooks are given.
const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(5);

impl Erasure {
    /// Whether what happened at `at` says nothing of a new relation, as it is `now`: it is from before the erasure; or from a
    /// time to come, which nobody has seen happen and which therefore brings nobody back.
    pub fn covers(&self, at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        at <= self.erased_at || (self.came_back_at.is_none() && at > now + CLOCK_SKEW)
    }
}

/// Who of those that a source names was erased.
#[derive(Debug)]
pub struct Erased {
    key: ErasureKey,
    found: HashMap<[u8; 32], Erasure>,
    /// When it was asked, by the database's clock.
    pub asked_at: DateTime<Utc>,
}

impl Erased {
    /// The erasure of whom this names, the last one if they were erased as several.
    pub fn of(&self, party: &Party) -> Option<&Erasure> {
        if self.found.is_empty() {
            return None;
        }
        let codes = ways_of(party).into_iter().map(|way| self.key.code(&way));
        codes.filter_map(|code| self.found.get(&code)).max_by_key(|erasure| erasure.erased_at)
    }

    /// The erasure of whom this names, unless they came back since.
    pub fn gone(&self, party: &Party) -> Option<&Erasure> {
        self.of(party).filter(|erasure| erasure.came_back_at.is_none())
    }
}

/// Looks for those who were erased (platform role). A tenant that erased nobody pays for one look by index.
///
/// # Errors
/// The database failed.
pub async fn among<'p>(
    tx: &mut Tx,
    tenant: TenantId,
    key: &ErasureKey,
    parties: impl Iterator<Item = &'p Party>,
) -> Result<Erased, DbError> {
    let nobody = Erased { key: *key, found: HashMap::new(), asked_at: DateTime::UNIX_EPOCH };
    if !any(tx, tenant).await? {
        return Ok(nobody);
    }
    let mut ways: Vec<Way> = parties.flat_map(ways_of).collect();
    ways.sort_unstable();
    ways.dedup();
    let codes: Vec<Vec<u8>> = ways.iter().map(|way| key.code(way).to_vec()).collect();
    type Row = (Vec<u8>, String, DateTime<Utc>, Option<DateTime<Utc>>, DateTime<Utc>);
    let rows: Vec<Row> = sqlx::query_as(
        "select mac, token, erased_at, came_back_at, clock_timestamp() from platform.erased_identity
         where tenant_id = $1 and kind in ('shop', 'email', 'phone') and mac = any ($2)",
    )
    .bind(tenant)
    .bind(codes)
    .fetch_all(&mut **tx)
    .await?;
    let asked_at = rows.first().map_or(nobody.asked_at, |(.., asked_at)| *asked_at);
    let found = rows.into_iter().filter_map(|(mac, token, erased_at, came_back_at, _)| {
        Some((mac.try_into().ok()?, Erasure { token, erased_at, came_back_at }))
    });
    Ok(Erased { found: found.collect(), asked_at, ..nobody })
}

/// Whether the tenant erased anybody (platform or support role).
///
/// # Errors
/// The database failed.
pub async fn any(tx: &mut Tx, tenant: TenantId) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar("select exists (select from platform.erased_identity where tenant_id = $1)")
        .bind(tenant)
        .fetch_one(&mut **tx)
        .await?)
}

/// The lock between those who name customers and those who erase one, by tenant.
const NAMES: &str = "hashtextextended('names:' || $1::text, 0)";

/// To be asked before a customer is named by a row that an erasure looks for once more (any role): until the end of the
/// transaction no erasure begins or ends. So what is written is seen by its last look, or it sees the codes.
///
/// # Errors
/// The database failed.
pub async fn while_named(tx: &mut Tx, tenant: TenantId) -> Result<(), DbError> {
    let statement = format!("select pg_advisory_xact_lock_shared({NAMES})");
    sqlx::query(sqlx::AssertSqlSafe(statement)).bind(tenant).execute(&mut **tx).await?;
    Ok(())
}

/// Waits for everybody who names a customer now, and keeps the others waiting until the end of the transaction (any role). To
/// be asked before the transaction holds anything else.
///
/// # Errors
/// The database failed.
pub async fn while_nobody_is_named(tx: &mut Tx, tenant: TenantId) -> Result<(), DbError> {
    let statement = format!("select pg_advisory_xact_lock({NAMES})");
    sqlx::query(sqlx::AssertSqlSafe(statement)).bind(tenant).execute(&mut **tx).await?;
    Ok(())
}

/// Keeps the codes of everything that a person is known by (platform role), with their erasure. Who is erased is refused from
/// then on, so it comes first, and again with what was learnt since.
///
/// # Errors
/// The database failed.
pub async fn keep(
    tx: &mut Tx,
    tenant: TenantId,
    key: &ErasureKey,
    person: &personal::Person,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let mut ways = ways(
        person.customers.iter().map(String::as_str),
        person.emails.iter().map(String::as_str),
        person.phones.iter().map(String::as_str),
    );
    ways.extend(person.desk_ids.iter().map(|id| Way { kind: "desk", value: id.clone() }));
    if ways.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into platform.erased_identity (tenant_id, kind, mac, token, erased_at)
         select $1, u.kind, u.mac, $4, $5 from unnest($2::text[], $3::bytea[]) as u (kind, mac)
         on conflict (tenant_id, mac) do update
             set token = excluded.token, erased_at = excluded.erased_at, came_back_at = null",
    )
    .bind(tenant)
    .bind(ways.iter().map(|way| way.kind).collect::<Vec<_>>())
    .bind(ways.iter().map(|way| key.code(way).to_vec()).collect::<Vec<_>>())
    .bind(&person.token)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Which rows of a file name somebody who was erased and did not come back, whatever their columns mean: any cell may be an
/// id, an address or a number (platform role).
///
/// # Errors
/// The database failed.
pub async fn named_in(
    tx: &mut Tx,
    tenant: TenantId,
    key: &ErasureKey,
    rows: &[&str],
) -> Result<Vec<bool>, DbError> {
    let rows: Vec<Vec<Party>> = rows.iter().map(|row| cells(row)).collect();
    let erased = among(tx, tenant, key, rows.iter().flatten()).await?;
    Ok(rows.iter().map(|row| row.iter().any(|party| erased.gone(party).is_some())).collect())
}

/// The cells of a row as it stands in a file, each as everything that somebody may be known by.
fn cells(row: &str) -> Vec<Party> {
    let bare = |cell: &str| cell.trim().trim_matches(['"', '\'']).trim().to_owned();
    let cells = row.split([',', ';', '\t', '|']).map(bare).filter(|cell| !cell.is_empty());
    cells
        .map(|cell| Party {
            shop_id: Some(cell.clone()),
            email: Some(cell.clone()),
            phone: Some(cell),
            ..Party::default()
        })
        .collect()
}

/// Notes that those came back who are named so (platform or support role): what is said of them from now on is a new
/// relation. Answers how many ways to know them were given free.
///
/// # Errors
/// The database failed.
pub async fn came_back<'p>(
    tx: &mut Tx,
    tenant: TenantId,
    key: &ErasureKey,
    parties: impl Iterator<Item = &'p Party>,
    now: DateTime<Utc>,
) -> Result<u64, DbError> {
    let mut ways: Vec<Way> = parties.flat_map(ways_of).collect();
    ways.sort_unstable();
    ways.dedup();
    free(tx, tenant, key, &ways, now).await
}

/// The same of whom a help desk's ticket names (support role).
///
/// # Errors
/// The database failed.
pub async fn came_back_at_desk(
    tx: &mut Tx,
    tenant: TenantId,
    key: &ErasureKey,
    desk_id: Option<&str>,
    email: Option<&str>,
    now: DateTime<Utc>,
) -> Result<u64, DbError> {
    free(tx, tenant, key, &ways_at_desk(desk_id, email), now).await
}

fn ways_at_desk(desk_id: Option<&str>, email: Option<&str>) -> Vec<Way> {
    let mut ways = ways(None, email, None);
    ways.extend(desk_id.map(|id| Way { kind: "desk", value: id.to_owned() }));
    ways
}

async fn free(
    tx: &mut Tx,
    tenant: TenantId,
    key: &ErasureKey,
    ways: &[Way],
    now: DateTime<Utc>,
) -> Result<u64, DbError> {
    if ways.is_empty() {
        return Ok(0);
    }
    let done = sqlx::query(
        "update platform.erased_identity set came_back_at = $3
         where tenant_id = $1 and mac = any ($2) and came_back_at is null and erased_at <= $3",
    )
    .bind(tenant)
    .bind(ways.iter().map(|way| key.code(way).to_vec()).collect::<Vec<_>>())
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// The erasure of whom a help desk's ticket names (support role): by the desk's own id of the customer, or an address.
///
/// # Errors
/// The database failed.
pub async fn of_desk(
    tx: &mut Tx,
    tenant: TenantId,
    key: &ErasureKey,
    desk_id: Option<&str>,
    email: Option<&str>,
) -> Result<Option<Erasure>, DbError> {
    let ways = ways_at_desk(desk_id, email);
    type Row = (String, DateTime<Utc>, Option<DateTime<Utc>>);
    let found: Option<Row> = sqlx::query_as(
        "select token, erased_at, came_back_at from platform.erased_identity where tenant_id = $1 and mac = any ($2)
         order by erased_at desc limit 1",
    )
    .bind(tenant)
    .bind(ways.iter().map(|way| key.code(way).to_vec()).collect::<Vec<_>>())
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.map(|(token, erased_at, came_back_at)| Erasure { token, erased_at, came_back_at }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_come_brings_nobody_back_but_for_a_clock_that_is_a_little_ahead() {
        let (erased_at, now) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + TimeDelta::days(10));
        let erasure = Erasure { token: "erased-1".to_owned(), erased_at, came_back_at: None };
        for (at, covered) in [
            (erased_at, true),
            (erased_at + TimeDelta::seconds(1), false),
            (now + TimeDelta::minutes(5), false),
            (now + TimeDelta::minutes(6), true),
            (now + TimeDelta::days(2), true),
        ] {
            assert_eq!(erasure.covers(at, now), covered, "{at}");
        }
        // Who is back already may order for a day to come.
        let back = Erasure { came_back_at: Some(now), ..erasure };
        assert!(!back.covers(now + TimeDelta::days(2), now));
    }

    #[test]
    fn a_code_is_of_one_tenant_and_one_way_however_it_is_written() {
        let [one, other] =
            [1, 2].map(|tenant| ErasureKey::of(&[7; 32], TenantId(uuid::Uuid::from_u128(tenant))));
        let party = |id: &str, email: &str, phone: &str| Party {
            shop_id: Some(id.to_owned()),
            email: Some(email.to_owned()),
            phone: Some(phone.to_owned()),
            name: None,
        };
        let codes = |key: &ErasureKey, party: &Party| {
            ways_of(party).iter().map(|way| key.code(way)).collect::<Vec<_>>()
        };
        let plain = party("17850", "ann@x.example", "+49301234567");
        let spelt = party("17850.0", " Ann <ANN@x.example> ", "0049 30 123-4567");
        assert_eq!(codes(&one, &plain), codes(&one, &spelt));
        assert_eq!(codes(&one, &plain).len(), 3);
        assert_ne!(codes(&one, &plain), codes(&other, &plain));
        // An address is the same one where a shop takes it for an id.
        assert_eq!(
            codes(&one, &party("Ann@x.example", "", "")),
            codes(&one, &party("", "ann@x.example", ""))
        );
        // The same text as an id and as an address of somebody else's kind is something else.
        assert_ne!(
            one.code(&Way { kind: "shop", value: "1".into() }),
            one.code(&Way { kind: "desk", value: "1".into() })
        );
        assert_eq!(format!("{one:?}"), "ErasureKey(hidden)");
    }
}
