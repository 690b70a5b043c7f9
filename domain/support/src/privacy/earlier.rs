//! Requests that a person made before they were erased: an archive of everything about them, and who asked. Both are sealed, so
//! they are found by opening what says who asked.

use accounts::seal::MasterKey;
use accounts::tenant_keys::TenantKeyError;
use database::ids::TenantId;
use database::personal::Person;
use database::{DbError, Tx};
use uuid::Uuid;

use super::requests::{self, Asked, Kind, Request};

/// Where requests are.
pub const ROWS: &str = "support_app.privacy_request";
/// Requests that are looked through at once.
const AT_ONCE: i64 = 500;

/// A person's requests but `own` that still say who asked, or what they are known by: exports, and erasures that failed
/// (support role).
///
/// # Errors
/// The database failed.
pub async fn of_person(
    tx: &mut Tx,
    master: &MasterKey,
    tenant: TenantId,
    person: &Person,
    own: Uuid,
) -> Result<Vec<Request>, TenantKeyError> {
    let (mut theirs, mut before) = (Vec::new(), Uuid::max());
    loop {
        let candidates = candidates(tx, own, before).await?;
        let Some(last) = candidates.last() else { return Ok(theirs) };
        before = last.id;
        for request in candidates {
            let asked = opened(requests::asked(tx, master, tenant, &request).await)?;
            let known = opened(requests::whom(tx, master, tenant, &request).await)?;
            let is_theirs = asked.is_some_and(|asked| asks(person, &asked))
                || known.is_some_and(|known| is_same(person, &known.person));
            if is_theirs {
                theirs.push(request);
            }
        }
    }
}

/// Those that can be opened, the newest first: of a month, but for failed ones.
async fn candidates(tx: &mut Tx, own: Uuid, before: Uuid) -> Result<Vec<Request>, DbError> {
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {} from support_app.privacy_request
         where tenant_id = (select shared.current_tenant()) and id <> $1 and id < $2
           and (asked is not null or person is not null) and (kind = 'export' or state = 'failed')
         order by id desc limit $3",
        requests::COLUMNS
    )))
    .bind(own)
    .bind(before)
    .bind(AT_ONCE)
    .fetch_all(&mut **tx)
    .await?)
}

/// What nobody can open any more names nobody.
fn opened<T>(found: Result<Option<T>, TenantKeyError>) -> Result<Option<T>, TenantKeyError> {
    match found {
        Err(TenantKeyError::Destroyed(_) | TenantKeyError::Unseal(_)) => Ok(None),
        found => found,
    }
}

fn asks(person: &Person, asked: &Asked) -> bool {
    asked.customer_id.as_ref().is_some_and(|id| person.customers.contains(id))
        || asked.email.as_deref().is_some_and(|email| has_address(person, email))
}

fn is_same(person: &Person, known: &Person) -> bool {
    known.customers.iter().any(|id| person.customers.contains(id))
        || known.emails.iter().any(|email| has_address(person, email))
}

fn has_address(person: &Person, email: &str) -> bool {
    person.emails.iter().any(|known| known.eq_ignore_ascii_case(email.trim()))
}

/// Forgets who asked, once the bytes of their archives are gone (support role). What was not done yet has failed. Answers how
/// many there were.
///
/// # Errors
/// The database failed.
pub async fn forget(tx: &mut Tx, requests: &[Request]) -> Result<u64, DbError> {
    let ids: Vec<Uuid> = requests.iter().map(|request| request.id).collect();
    let done = sqlx::query(
        "update support_app.privacy_request set archive_until = null, archive_bytes = null, asked = null, person = null,
             error = case when state = 'done' then error else 'the person was erased before it was done' end,
             state = case when state = 'done' then state else 'failed' end,
             finished_at = coalesce(finished_at, now())
         where id = any($1)",
    )
    .bind(ids)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// The ids of those whose job makes an archive, by which it is found.
pub fn exports(requests: &[Request]) -> Vec<Uuid> {
    requests.iter().filter(|request| request.kind == Kind::Export).map(|request| request.id).collect()
}
