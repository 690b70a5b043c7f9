//! Two files of orders of one tenant, imported at the same time; half of their lines are the same.

use std::{fmt::Write, time::Duration};

use anyhow::{Context, bail};
use reqwest::Method;
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use crate::processes::Cluster;

/// Lines of each file.
const LINES: usize = 400;

/// Lines that both files have.
const SHARED: usize = 200;

/// Lines that a pair of files brings.
pub const DISTINCT: usize = 2 * LINES - SHARED;

/// How long the api may take to acknowledge an import; other faults happen at the same time.
const GIVE_UP_AFTER: Duration = Duration::from_secs(120);

/// Writes the files of a pair and asks for both imports at once. `pair` makes their orders different from those
/// of other pairs.
///
/// # Errors
/// The files cannot be written, or the api refuses.
pub async fn import_two(cluster: &Cluster, pair: usize) -> anyhow::Result<[Uuid; 2]> {
    let (first, second) = (format!("pair-{pair}-a.csv"), format!("pair-{pair}-b.csv"));
    std::fs::write(cluster.imports().join(&first), csv(pair, 0))?;
    std::fs::write(cluster.imports().join(&second), csv(pair, LINES - SHARED))?;
    let (first, second) = tokio::try_join!(start(cluster, &first), start(cluster, &second))?;
    Ok([first, second])
}

fn csv(pair: usize, first: usize) -> String {
    let mut text = "customer_id,order_id,ordered_at,quantity,amount,currency\n".to_owned();
    for line in first..first + LINES {
        // Writing to a string does not fail.
        let _ = writeln!(text, "c{},o{pair}-{line},2026-01-{:02},1,9.99,USD", line % 40, line % 28 + 1);
    }
    text
}

/// Repeats the request under one key until it is acknowledged.
async fn start(cluster: &Cluster, path: &str) -> anyhow::Result<Uuid> {
    let (body, asked) = (json!({ "path": path }), Instant::now());
    loop {
        match cluster.desk.answer(Method::POST, "/api/orders/import", Some(&body), Some(path)).await {
            Ok(answer) => {
                let id = answer.body["job_id"].as_str().and_then(|id| id.parse().ok());
                return id.context("the answer names no job");
            }
            Err(error) if error.is_worth_repeating() => tokio::time::sleep(Duration::from_millis(200)).await,
            Err(error) => return Err(error.into()),
        }
        if asked.elapsed() > GIVE_UP_AFTER {
            bail!("an import was not acknowledged in {GIVE_UP_AFTER:?}");
        }
    }
}
