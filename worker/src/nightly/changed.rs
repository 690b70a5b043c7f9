//! What follows when customers' orders change: few are computed anew one by one and at once, many in batches, and very
//! many by a run of the whole tenant.

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};
use jobs::{JobId, NewJob};
use platform::kinds::{RecomputeProfile, ResegmentTenant, ScoreCustomers};
use platform::roster;

use crate::outcome::Stop;

/// Up to so many customers have a job each.
const ONE_BY_ONE: usize = 20;
/// Beyond so many the whole tenant is computed.
const MANY: usize = 5 * ScoreCustomers::MAX_NAMED;

/// Customers whose orders changed since then, or none when they are too many to name (platform role).
pub async fn since(tx: &mut Tx, since: DateTime<Utc>) -> Result<Option<Vec<String>>, DbError> {
    // One more than may be named tells whether there are more.
    let changed = roster::changed_since(tx, since, MANY as i64 + 1).await?;
    Ok((changed.len() <= MANY).then_some(changed))
}

/// The jobs that make what is known of these customers fresh; `None` stands for very many, or for some who may have no order
/// left: a run of the whole tenant.
pub fn follow_ups(tenant: TenantId, parent: JobId, changed: Option<&[String]>) -> Result<Vec<NewJob>, Stop> {
    let Some(changed) = changed else {
        let run = NewJob::of(tenant, &ResegmentTenant::default())?.with_dedup_key(ResegmentTenant::PLAIN)?;
        return Ok(vec![run.with_parent(parent)]);
    };
    if changed.len() <= ONE_BY_ONE {
        return changed
            .iter()
            .map(|customer_id| {
                let job = RecomputeProfile { customer_id: customer_id.clone() };
                let dedup_key = job.dedup_key();
                Ok(NewJob::of(tenant, &job)?.with_dedup_key(&dedup_key)?.with_parent(parent))
            })
            .collect();
    }
    changed
        .chunks(ScoreCustomers::MAX_NAMED)
        .map(|chunk| {
            let job = ScoreCustomers { customer_ids: chunk.to_vec(), ..ScoreCustomers::default() };
            Ok(NewJob::of(tenant, &job)?.with_parent(parent))
        })
        .collect()
}
