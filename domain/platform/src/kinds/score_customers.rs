//! Computes customers and writes what it found: a shard of a run, or a few named customers of the current run.

use std::time::Duration;

use chrono::{DateTime, Utc};
use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject, Unfit};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::customers;

/// Compute a shard of a run, or named customers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreCustomers {
    /// The run whose shard this is; none for named customers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<Uuid>,
    /// The shard's number.
    #[serde(default)]
    pub shard: i32,
    /// Named customers, at most 1000, computed with what the current run knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub customer_ids: Vec<String>,
}

impl ScoreCustomers {
    /// Most customers that may be named.
    pub const MAX_NAMED: usize = 1_000;
}

/// What was computed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ScoreCustomersOutput {
    /// Customers written.
    pub customers: i64,
    /// Order lines read.
    pub lines: i64,
}

impl JobKind for ScoreCustomers {
    type Output = ScoreCustomersOutput;
    const KIND: &'static str = "score_customers";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "intelligence",
        priority: Priority::Normal,
        max_attempts: 10,
        backoff: Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(120) },
        deadline: Duration::from_secs(900),
        key_limit: 1,
        access: Access::Tenant(Subject::Customers),
        rerun: Rerun::Never,
    };

    fn check(&self, _: DateTime<Utc>) -> Result<(), Unfit> {
        let named = &self.customer_ids;
        if self.run_id.is_some() {
            return match named.is_empty() {
                true => Ok(()),
                false => Err(Unfit::at("customer_ids", "must be left out where run_id names a run")),
            };
        }
        if !(1..=ScoreCustomers::MAX_NAMED).contains(&named.len()) {
            let many = ScoreCustomers::MAX_NAMED;
            return Err(Unfit::at("customer_ids", format!("must name 1 to {many} customers")));
        }
        match named.iter().position(|id| !customers::is_id(id)) {
            Some(place) => Err(Unfit::at(format!("customer_ids[{place}]"), customers::NO_ID)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_or_customers_are_named_and_not_both() {
        let field = |payload: &ScoreCustomers| payload.check(Utc::now()).map_err(|unfit| unfit.field);
        let named = |ids: &[&str]| ScoreCustomers {
            customer_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            ..ScoreCustomers::default()
        };
        let run = ScoreCustomers { run_id: Some(Uuid::nil()), ..ScoreCustomers::default() };
        assert_eq!(field(&run), Ok(()));
        assert_eq!(field(&named(&["7"])), Ok(()));
        for (payload, at_fault) in [
            (ScoreCustomers::default(), "customer_ids"),
            (ScoreCustomers { run_id: Some(Uuid::nil()), ..named(&["7"]) }, "customer_ids"),
            (named(&["7", ""]), "customer_ids[1]"),
            (named(&vec!["7"; ScoreCustomers::MAX_NAMED + 1]), "customer_ids"),
        ] {
            assert_eq!(field(&payload), Err(Some(at_fault.into())));
        }
    }
}
