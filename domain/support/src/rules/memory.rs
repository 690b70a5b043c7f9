//! Rules in force, as this process read them last. Each run needs all of a tenant's; they change seldom, and two hundred of
//! them cost more to fetch and read than to hold against a ticket. Each run asks, in one statement, whether they are still
//! the same rows and whether what they name is still there, so none is ever older than the run that uses it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use database::Tx;
use database::ids::TenantId;
use sqlx::FromRow;

use super::decide::Rule;
use super::known::Known;
use super::store;
use crate::tickets::TicketError;

/// Tenants that are remembered; then it begins anew.
const MOST_TENANTS: usize = 1_000;

/// What a process remembers.
#[derive(Debug, Default)]
pub struct Memory(Mutex<HashMap<TenantId, Remembered>>);

#[derive(Debug, Clone)]
struct Remembered {
    stands: Stands,
    rules: Arc<Vec<Rule>>,
}

/// What the rules are made of: their rows, by id and by the transaction that wrote each last, and what they may name.
#[derive(Debug, Clone, PartialEq, FromRow)]
struct Stands {
    rows: String,
    #[sqlx(flatten)]
    known: Known,
}

impl Memory {
    /// The rules in force in their order (support role), as [`store::in_force`] answers them.
    ///
    /// # Errors
    /// The database failed.
    pub async fn in_force(&self, tx: &mut Tx, tenant: TenantId) -> Result<Arc<Vec<Rule>>, TicketError> {
        let stands: Stands = sqlx::query_as(concat!(
            "select coalesce((select md5(string_agg(r.id::text || r.xmin::text, ',' order by r.id)) from support_app.rule r
                              where r.tenant_id = shared.current_tenant() and r.archived_at is null and r.is_on), '') as rows,
                 k.*
             from (",
            include_str!("known.sql"),
            ") k"
        ))
        .fetch_one(&mut **tx)
        .await?;
        if let Some(known) = self.remembered(tenant).filter(|known| known.stands == stands) {
            return Ok(known.rules);
        }
        // A rule that changes between the two statements is read as it is now, and the next run reads it again.
        let rules = Arc::new(store::in_force_with(tx, None, &stands.known).await?);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_TENANTS && !all.contains_key(&tenant) {
            all.clear();
        }
        all.insert(tenant, Remembered { stands, rules: Arc::clone(&rules) });
        Ok(rules)
    }

    fn remembered(&self, tenant: TenantId) -> Option<Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&tenant).cloned()
    }
}
