//! Sends deliveries once more: each is a new delivery of the same event, under the same `webhook-id`, so a receiver that
//! has it already knows. Those that wait are not repeated, they will come.

use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use database::ids::TenantId;
use database::{DbError, Tx};
use jobs::{Announcement, NewJob, QueueError};

use super::end::{following, job_of};
use super::list::Filter;

/// Deliveries that one request repeats at most.
pub const MAX_AT_ONCE: i64 = 1_000;

/// How many deliveries a filter meets that can be repeated; more than [`MAX_AT_ONCE`] counts as one more (outbound role).
///
/// # Errors
/// The database failed.
pub async fn count(tx: &mut Tx, filter: &Filter) -> Result<i64, DbError> {
    let mut query = QueryBuilder::<Postgres>::new("select count(*) from (select ");
    push_repeatable(&mut query, filter);
    query.push(" limit ").push_bind(MAX_AT_ONCE + 1).push(") found");
    Ok(query.build_query_scalar().fetch_one(&mut **tx).await?)
}

/// Repeats what a filter meets, the oldest events first, at most [`MAX_AT_ONCE`]; how many they were, and what is to be
/// announced after the commit (outbound role).
///
/// # Errors
/// The ledger failed.
pub async fn by_filter(
    tx: &mut Tx,
    tenant: TenantId,
    filter: &Filter,
) -> Result<(usize, Announcement), QueueError> {
    let mut query = QueryBuilder::<Postgres>::new("select d.id ");
    push_repeatable(&mut query, filter);
    query.push(" order by d.seq, d.id limit ").push_bind(MAX_AT_ONCE);
    let ids: Vec<Uuid> = query.build_query_scalar().fetch_all(&mut **tx).await?;
    repeat(tx, tenant, &ids).await
}

/// Repeats one delivery; how many jobs that makes is no more than one (outbound role).
///
/// # Errors
/// The ledger failed.
pub async fn one(tx: &mut Tx, tenant: TenantId, id: Uuid) -> Result<(usize, Announcement), QueueError> {
    let mut query = QueryBuilder::<Postgres>::new("select d.id ");
    push_repeatable(&mut query, &Filter::default());
    query.push(" and d.id = ").push_bind(id);
    let ids: Vec<Uuid> = query.build_query_scalar().fetch_all(&mut **tx).await?;
    repeat(tx, tenant, &ids).await
}

/// Asks for the jobs of everything that waits for an endpoint that is active again (outbound role).
///
/// # Errors
/// The ledger failed.
pub async fn resume(tx: &mut Tx, tenant: TenantId, endpoint: Uuid) -> Result<Announcement, QueueError> {
    if let Some(first) = following(tx, endpoint).await.map_err(QueueError::Ledger)? {
        let (_, announcement) = jobs::enqueue(tx, &[job_of(tenant, first)?]).await?;
        return Ok(announcement);
    }
    // What is more than that is found by the pump when its time has passed by ten minutes.
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "update outbound.webhook_delivery set next_at = clock_timestamp()
         where id in (select id from outbound.webhook_delivery where endpoint_id = $1 and state = 'waiting'
                      order by seq, created_at limit 5000)
         returning id",
    )
    .bind(endpoint)
    .fetch_all(&mut **tx)
    .await?;
    let new: Vec<NewJob> = ids.iter().map(|id| job_of(tenant, *id)).collect::<Result<_, _>>()?;
    let (_, announcement) = jobs::enqueue(tx, &new).await?;
    Ok(announcement)
}

/// From where on: deliveries that are over, to endpoints that get events, and that are not repeated at this moment.
fn push_repeatable(query: &mut QueryBuilder<Postgres>, filter: &Filter) {
    query.push(
        "from outbound.webhook_delivery d join outbound.endpoint e on e.id = d.endpoint_id
         where d.tenant_id = (select shared.current_tenant()) and d.state <> 'waiting' and d.type <> 'webhook.test'
           and e.removed_at is null and e.state <> 'disabled'
           and not exists (select from outbound.webhook_delivery r
                           where r.endpoint_id = d.endpoint_id and r.event_id = d.event_id and r.state = 'waiting')",
    );
    filter.push(query);
}

async fn repeat(tx: &mut Tx, tenant: TenantId, ids: &[Uuid]) -> Result<(usize, Announcement), QueueError> {
    if ids.is_empty() {
        return Ok((0, Announcement::default()));
    }
    // As in `outbound.hand_out`: the order's lock first, and one job for an ordered endpoint, for what goes first.
    sqlx::query(
        "select from outbound.endpoint where ordered and id in (select endpoint_id from outbound.webhook_delivery where id = any($1))
         order by id for update",
    )
    .bind(ids)
    .execute(&mut **tx)
    .await?;
    let made: Vec<(Uuid, Uuid)> =
        sqlx::query_as(include_str!("replay.sql")).bind(ids).fetch_all(&mut **tx).await?;
    let count = made.len();
    let mut new = Vec::with_capacity(count);
    let mut ordered = Vec::new();
    for (delivery, endpoint) in made {
        match following(tx, endpoint).await.map_err(QueueError::Ledger)? {
            Some(_) if ordered.contains(&endpoint) => {}
            Some(first) => {
                ordered.push(endpoint);
                new.push(job_of(tenant, first)?);
            }
            None => new.push(job_of(tenant, delivery)?),
        }
    }
    let (_, announcement) = jobs::enqueue(tx, &new).await?;
    Ok((count, announcement))
}
