//! What a tenant allows: how small a group may be that is told of, what models may cost in a month, and how often one may
//! be asked for a question. A tenant that set nothing has the defaults.

use database::ids::TenantId;
use database::{DbError, Tx};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;

/// A tenant's policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Groups of fewer customers are withheld, 2 to 100.
    pub smallest_group: i32,
    /// Millionths of a US dollar that models may cost in a calendar month (UTC); none is no limit.
    pub monthly_micros: Option<i64>,
    /// From this share of it on, in percent, there are warnings.
    pub warn_percent: i32,
    /// How often the model may be asked for one question, 1 to 12.
    pub rounds: i32,
}

/// The largest monthly budget, a million dollars.
const MAX_MONTHLY_MICROS: i64 = 1_000_000_000_000;

impl Default for Policy {
    fn default() -> Policy {
        Policy { smallest_group: 5, monthly_micros: None, warn_percent: 80, rounds: 6 }
    }
}

impl Policy {
    /// Checks a policy that somebody wrote.
    ///
    /// # Errors
    /// The field and what is allowed.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let ranges = [
            ("smallest_group", i64::from(self.smallest_group), 2..=100, "must be 2 to 100"),
            (
                "monthly_micros",
                self.monthly_micros.unwrap_or(0),
                0..=MAX_MONTHLY_MICROS,
                "must be 0 to 1000000000000",
            ),
            ("warn_percent", i64::from(self.warn_percent), 1..=100, "must be 1 to 100"),
            ("rounds", i64::from(self.rounds), 1..=12, "must be 1 to 12"),
        ];
        for (field, value, range, allowed) in ranges {
            if !range.contains(&value) {
                return Err((field, allowed));
            }
        }
        Ok(())
    }
}

/// The tenant's policy (marketing role).
///
/// # Errors
/// The database failed.
pub async fn read(tx: &mut Tx) -> Result<Policy, DbError> {
    let stored: Option<Policy> = sqlx::query_as(
        "select smallest_group, monthly_micros, warn_percent, rounds from questions_app.policy
         where tenant_id = (select shared.current_tenant())",
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(stored.unwrap_or_default())
}

/// Replaces the tenant's policy, which was checked (marketing role).
///
/// # Errors
/// The database failed.
pub async fn write(tx: &mut Tx, tenant: TenantId, policy: &Policy, by: &str) -> Result<(), DbError> {
    sqlx::query(
        "insert into questions_app.policy (tenant_id, smallest_group, monthly_micros, warn_percent, rounds, updated_by)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (tenant_id) do update
         set smallest_group = excluded.smallest_group, monthly_micros = excluded.monthly_micros,
             warn_percent = excluded.warn_percent, rounds = excluded.rounds, updated_by = excluded.updated_by,
             updated_at = now()",
    )
    .bind(tenant)
    .bind(policy.smallest_group)
    .bind(policy.monthly_micros)
    .bind(policy.warn_percent)
    .bind(policy.rounds)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
