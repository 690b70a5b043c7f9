//! Reads sources on servers that others wrote: `sources PLAN`, where PLAN is a file that says where they are. It is made, and
//! the servers are started, by `tests/interop/sources`. `sources file` prints the file that a store is to have.

use std::process::ExitCode;

use anyhow::{Context, Result};
use cluster::sources::files::{self, Remote, Store};
use cluster::sources::server::{Mysql, Server};
use cluster::sources::{odd, tables};
use serde::Deserialize;

#[derive(Deserialize)]
struct Plan {
    mariadb: Mysql,
    s3: Store,
    /// By a private key.
    sshd: Remote,
    /// By a password.
    asyncssh: Remote,
}

#[tokio::main]
async fn main() -> ExitCode {
    let argument = std::env::args().nth(1);
    let ran = match argument.as_deref() {
        Some("file") => {
            print!("{}", files::first());
            Ok(())
        }
        Some(plan) => run(plan).await,
        None => Err(anyhow::anyhow!("usage: sources PLAN, or: sources file")),
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sources: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(plan: &str) -> Result<()> {
    let plan: Plan = serde_json::from_str(&std::fs::read_to_string(plan)?)?;
    let server = Server::Mysql(plan.mariadb);
    tables::is_read_again_where_it_changed(&server).await.context("a table that changes")?;
    tables::stops_at_a_column_that_changed_or_vanished(&server).await.context("a column that changes")?;
    tables::tells_a_table_that_is_gone(&server).await.context("a table that is gone")?;
    odd::values_are_read_or_refused(&server).await.context("odd values")?;
    odd::changes_go_by_a_key(&server).await.context("changes by a key")?;
    odd::orders_stand_together(&server).await.context("orders that look alike")?;
    odd::sign_ins_are_refused(&server).await.context("sign-ins")?;
    odd::sessions_only_read(&server).await.context("a session that only reads")?;
    println!("figure: sources_mariadb_expectations 8 held");
    let (rows, mib) = odd::a_large_table_passes_through(&server).await.context("a large table")?;
    println!("figure: sources_mariadb_large_table {rows} rows");
    println!("figure: sources_mariadb_memory_growth {mib} MiB");
    plan.s3.keeps_attachments().await.context("attachments in S3")?;
    plan.s3.is_a_source().await.context("a file in S3")?;
    println!("figure: sources_s3_expectations 2 held");
    plan.sshd.is_a_source(&plan.asyncssh.host_key()).await.context("a file at sshd")?;
    plan.asyncssh.is_a_source(&plan.sshd.host_key()).await.context("a file at asyncssh")?;
    println!("figure: sources_sftp_expectations 2 held");
    Ok(())
}
