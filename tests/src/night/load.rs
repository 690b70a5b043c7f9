//! Writes a generated shop straight to Postgres, as years of imports would have left it: order lines lie in the order of
//! time, and profiles are what `domain/platform/src/orders/refresh_profiles.sql` derives from them.
//!
//! Indexes are dropped before and made again after, so a million customers take minutes and not an hour.

mod rows;

use std::sync::Arc;

use anyhow::Context;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use tokio::{sync::mpsc, task::JoinHandle};
use uuid::Uuid;

use super::shop::Shop;
use rows::Profile;

/// Tables that are written.
const TABLES: [&str; 3] = ["customer", "order_line", "customer_profile"];
/// Connections that write order lines at the same time, each a part of the years.
const WRITERS: usize = 2;
/// COPY data is sent in pieces of about this size.
const PIECE_BYTES: usize = 1 << 20;

/// A shop and the tenant whose it is.
pub struct Stock {
    /// The tenant, which exists.
    pub tenant: Uuid,
    /// Its customers and orders.
    pub shop: Arc<Shop>,
}

/// How much was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Customers of all shops.
    pub customers: u64,
    /// Their order lines.
    pub lines: u64,
}

/// A writer's lines and the profiles that follow from them.
type Writer = JoinHandle<anyhow::Result<(u64, Vec<Profile>)>>;

/// Writes shops into empty tables as their owner, makes the indexes again and brings statistics up to date.
///
/// # Errors
/// The database refused something, or a shop is there already.
pub async fn write(owner: &PgPool, shops: &[Stock]) -> anyhow::Result<Loaded> {
    let indexes = drop_indexes(owner).await?;
    let mut loaded = Loaded::default();
    for stock in shops {
        let (tenant, shop) = (stock.tenant, Arc::clone(&stock.shop));
        let customers = tokio::task::spawn_blocking(move || rows::Customers::of(&shop)).await?;
        loaded.customers +=
            copy(owner, rows::CUSTOMERS, move |pieces| customers.write(tenant, pieces)).await?;

        let mut writers: Vec<Writer> = Vec::new();
        let part = stock.shop.events.len().div_ceil(WRITERS).max(1);
        for first in (0..stock.shop.events.len()).step_by(part) {
            let (owner, shop) = (owner.clone(), Arc::clone(&stock.shop));
            let last = shop.events.len().min(first + part);
            writers.push(tokio::spawn(async move {
                let (give, profiles) = tokio::sync::oneshot::channel();
                let lines = copy(&owner, rows::LINES, move |pieces| {
                    // Nobody waits for the profiles any more when the copy has failed.
                    let _ = give.send(rows::write_lines(&shop, tenant, first..last, pieces));
                })
                .await?;
                Ok((lines, profiles.await.context("profiles of the lines")?))
            }));
        }
        let mut profiles = vec![Profile::default(); stock.shop.size.customers as usize];
        for writer in writers {
            let (lines, part) = writer.await??;
            loaded.lines += lines;
            profiles.iter_mut().zip(&part).for_each(|(all, part)| all.add(part));
        }
        copy(owner, rows::PROFILES, move |pieces| rows::write_profiles(tenant, &profiles, pieces)).await?;
    }
    make_indexes(owner, &indexes).await?;
    for table in TABLES {
        sqlx::query(AssertSqlSafe(format!("vacuum (analyze) platform.{table}"))).execute(owner).await?;
    }
    // What comes next does not have to write what was written here.
    sqlx::query("checkpoint").execute(owner).await?;
    Ok(loaded)
}

/// Runs a COPY whose pieces are made in a thread beside it. Answers the number of rows.
async fn copy(
    owner: &PgPool,
    statement: &'static str,
    make: impl FnOnce(&Pieces) + Send + 'static,
) -> anyhow::Result<u64> {
    let (give, mut take) = mpsc::channel(4);
    let maker = tokio::task::spawn_blocking(move || make(&Pieces { give }));
    let mut connection = owner.acquire().await?;
    let mut copy = connection.copy_in_raw(statement).await?;
    while let Some(piece) = take.recv().await {
        copy.send(String::as_bytes(&piece)).await?;
    }
    let rows = copy.finish().await?;
    maker.await?;
    Ok(rows)
}

/// Takes rows from a thread to the connection.
struct Pieces {
    give: mpsc::Sender<String>,
}

impl Pieces {
    /// Hands over what is there once it is worth it, or at the end.
    fn offer(&self, rows: &mut String, is_last: bool) {
        if is_last || rows.len() >= PIECE_BYTES {
            let piece = std::mem::replace(rows, String::with_capacity(PIECE_BYTES + 4_096));
            // The other side is gone when the database has failed, and says so itself.
            let _ = self.give.blocking_send(piece);
        }
    }
}

/// An index that is made again.
struct Index {
    table: &'static str,
    name: String,
    definition: String,
    is_primary: bool,
}

async fn drop_indexes(owner: &PgPool) -> anyhow::Result<Vec<Index>> {
    let mut indexes = Vec::new();
    for table in TABLES {
        let rows: Vec<(String, String, bool)> = sqlx::query_as(
            "select c.relname::text as name, pg_get_indexdef(c.oid) as definition, i.indisprimary as is_primary
             from pg_index i join pg_class c on c.oid = i.indexrelid
             where i.indrelid = ('platform.' || $1)::regclass order by 1",
        )
        .bind(table)
        .fetch_all(owner)
        .await?;
        for (name, definition, is_primary) in rows {
            let index = Index { table, name, definition, is_primary };
            let statement = if index.is_primary {
                format!("alter table platform.{table} drop constraint {}", index.name)
            } else {
                format!("drop index platform.{}", index.name)
            };
            sqlx::query(AssertSqlSafe(statement)).execute(owner).await?;
            indexes.push(index);
        }
    }
    Ok(indexes)
}

/// Makes indexes two at a time, and primary keys out of those that were.
async fn make_indexes(owner: &PgPool, indexes: &[Index]) -> anyhow::Result<()> {
    for pair in indexes.chunks(WRITERS) {
        let mut makers: Vec<JoinHandle<anyhow::Result<()>>> = Vec::new();
        for index in pair {
            let (owner, definition) = (owner.clone(), index.definition.clone());
            makers.push(tokio::spawn(async move {
                let mut connection = owner.acquire().await?;
                build(&mut connection, definition).await
            }));
        }
        for maker in makers {
            maker.await??;
        }
    }
    for index in indexes.iter().filter(|index| index.is_primary) {
        let Index { table, name, .. } = index;
        let statement =
            format!("alter table platform.{table} add constraint {name} primary key using index {name}");
        sqlx::query(AssertSqlSafe(statement)).execute(owner).await?;
    }
    Ok(())
}

async fn build(connection: &mut PgConnection, definition: String) -> anyhow::Result<()> {
    sqlx::query("set maintenance_work_mem = '512MB'").execute(&mut *connection).await?;
    sqlx::query(AssertSqlSafe(definition)).execute(&mut *connection).await?;
    sqlx::query("reset maintenance_work_mem").execute(&mut *connection).await?;
    Ok(())
}
