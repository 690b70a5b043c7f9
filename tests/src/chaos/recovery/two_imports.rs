//! Two imports of one tenant begin at once, on files that share half of their lines: both are done, each line is
//! there once, and other work does not wait for them.

use std::time::Duration;

use super::{enqueue, probes, until_done, workers};
use crate::{
    chaos::{
        imports::{DISTINCT, import_two},
        inflict::nobody_ended,
    },
    processes::Cluster,
    report::{self, Goal},
};

/// Jobs beside the imports.
const JOBS: usize = 40;

/// Imports. True when every goal is reached.
///
/// # Errors
/// An import or a job is not done in the end, or the cluster fails otherwise.
pub async fn run(cluster: &mut Cluster) -> anyhow::Result<bool> {
    workers(cluster, 2).await?;
    let imports = import_two(cluster, 0).await?;
    let beside = enqueue(&cluster.desk, &probes("beside-imports", JOBS, Duration::ZERO, true)).await?;
    until_done(&cluster.ledger, &beside).await?;
    until_done(&cluster.ledger, &imports).await?;
    nobody_ended(cluster)?;
    let lines: i64 =
        sqlx::query_scalar("select count(*) from platform.order_line").fetch_one(&cluster.ledger).await?;
    let again: i64 =
        sqlx::query_scalar("select count(*) from jobs.attempt where job_id = any ($1) or job_id = any ($2)")
            .bind(&imports[..])
            .bind(&beside)
            .fetch_one(&cluster.ledger)
            .await?;
    println!("two imports at once: {lines} lines of {DISTINCT}");
    let wrong = usize::try_from(lines)?.abs_diff(DISTINCT);
    let none = |name: &str, got: i64| -> anyhow::Result<bool> {
        Ok(report::goal(name, f64::from(i32::try_from(got)?), "count", Goal::AtMost(0.0)))
    };
    let goals = [
        none("recovery_imports_lines_wrong", i64::try_from(wrong)?)?,
        none("recovery_imports_attempts_failed", again)?,
    ];
    Ok(goals.iter().all(|reached| *reached))
}
