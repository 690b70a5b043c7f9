//! The erasure of one customer among many: a tenant that is written by SQL, the job as the worker runs it, and the search for
//! words in every column that the catalogue knows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chrono::Utc;
use database::ids::TenantId;
use database::{Db, Role};
use jobs::NewJob;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use support::kinds::EraseCustomer;
use support::privacy::requests::{self, Asked, Kind, NewRequest, State};
use upstreams::files::Files;
use uuid::Uuid;
use worker::app::App;
use worker::{handlers, testing};

use crate::folder::Folder;
use crate::servers::Servers;

/// Tickets of the customer who is erased.
pub const THEIRS: i64 = 100;

/// What only they wrote.
const WORDS: [&str; 4] = ["%zanzibara%", "%quokka%", "%xylophonist%", "%zq-4711%"];

/// What an erasure took and left.
#[derive(Clone, Copy, Debug)]
pub struct Erased {
    /// From the request to its certificate.
    pub took: Duration,
    /// Rows that were reached.
    pub rows: u64,
    /// Places where a word was before, and is after.
    pub places: (usize, usize),
    /// Orders and their money, before and after.
    pub money: (i64, i64),
}

/// Writes so many tickets and erases the customer.
///
/// # Errors
/// A server does not answer, or the erasure did not end.
pub async fn run(servers: &Servers, tickets: i64) -> anyhow::Result<Erased> {
    migrations::apply(&servers.admin_url).await?;
    let mut admin = PgConnection::connect(&servers.admin_url).await?;
    let tenant = TenantId(Uuid::now_v7());
    sqlx::query("insert into shared.tenant (id, slug, name) values ($1, 'shop', 'Shop')")
        .bind(tenant)
        .execute(&mut admin)
        .await?;
    write(&mut admin, tenant, tickets).await?;
    let before = places(&mut admin).await?;
    let money_before = money(&mut admin).await?;

    let url = servers.url_for("desk_worker")?;
    let folder = Folder::temporary().context("no temporary folder can be made")?;
    let app =
        App { files: Files::in_folder(folder.path().to_owned()), ..testing::app(&url, &servers.redis_url) };
    let app = Arc::new(app);
    let started = Instant::now();
    let id = ask(&app.db, &app, tenant).await?;
    testing::drain(&app.store, &app.dispatch, handlers::all(&app), &url, &["bulk"]).await?;
    let mut tx = app.db.tenant_tx(Role::Support, tenant).await?;
    let request = requests::get(&mut tx, id).await?.context("the request")?;
    tx.commit().await?;
    ensure!(request.state == State::Done, "the erasure is {:?}: {:?}", request.state, request.error);
    let took = started.elapsed();
    let theirs = request.reached.0.get("support_app.ticket").copied().unwrap_or_default();
    ensure!(theirs == THEIRS.unsigned_abs(), "{theirs} tickets were erased");
    Ok(Erased {
        took,
        rows: request.reached.0.values().sum(),
        places: (before, places(&mut admin).await?),
        money: (money_before, money(&mut admin).await?),
    })
}

async fn write(admin: &mut PgConnection, tenant: TenantId, tickets: i64) -> anyhow::Result<()> {
    const PIECE: i64 = 20_000;
    // History and events of what is written at once would only be in the way.
    sqlx::query("set session_replication_role = replica").execute(&mut *admin).await?;
    sqlx::query(
        "insert into platform.customer (tenant_id, customer_id, email, name)
         values ($1, 'zq-4711', 'zanzibara@quokka.example', 'Zanzibara Quokka')",
    )
    .bind(tenant)
    .execute(&mut *admin)
    .await?;
    for first in (1..=tickets).step_by(PIECE as usize) {
        sqlx::query(include_str!("seed.sql"))
            .bind(tenant)
            .bind(first)
            .bind((first + PIECE - 1).min(tickets))
            .bind(tickets / THEIRS)
            .execute(&mut *admin)
            .await
            .context("tickets")?;
    }
    sqlx::query("set session_replication_role = origin").execute(&mut *admin).await?;
    sqlx::query("analyze").execute(&mut *admin).await?;
    Ok(())
}

async fn ask(db: &Db, app: &App, tenant: TenantId) -> anyhow::Result<Uuid> {
    let id = Uuid::now_v7();
    let job = NewJob::of(tenant, &EraseCustomer { request_id: id })?;
    let asked = Asked { customer_id: Some("zq-4711".into()), email: None, verification: "by mail".into() };
    let new = NewRequest {
        id,
        kind: Kind::Erase,
        asked: &asked,
        in_help_desk: false,
        by: "key:figure",
        job_id: job.id(),
    };
    let mut tx = db.tenant_tx(Role::Support, tenant).await?;
    requests::create(&mut tx, &app.master_key, tenant, &new, Utc::now()).await?;
    let (_, announcement) = jobs::enqueue_one(&mut tx, job).await?;
    tx.commit().await?;
    app.dispatch.announce(announcement);
    Ok(id)
}

async fn money(admin: &mut PgConnection) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar("select (sum(amount) * 100)::bigint + count(*) from platform.order_line")
        .fetch_one(admin)
        .await?)
}

/// How many columns have one of the words in them, of all that there are.
async fn places(admin: &mut PgConnection) -> anyhow::Result<usize> {
    let columns: Vec<(String, String, bool)> = sqlx::query_as(
        "select format('%I.%I', n.nspname, c.relname), quote_ident(a.attname), t.typname = 'bytea'
         from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
         join pg_type t on t.oid = a.atttypid
         where c.relkind in ('r', 'm') and a.attnum > 0 and not a.attisdropped
           and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg_toast%'
           and t.typname in ('text', 'varchar', 'json', 'jsonb', 'bytea', 'tsvector', '_text', '_varchar', '_jsonb')",
    )
    .fetch_all(&mut *admin)
    .await?;
    let mut places = 0;
    for (table, column, is_bytes) in columns {
        let text = if is_bytes { format!("encode({column}, 'escape')") } else { format!("{column}::text") };
        let found: bool = sqlx::query_scalar(AssertSqlSafe(format!(
            "select exists (select from {table} where {text} ilike any($1))"
        )))
        .bind(WORDS.to_vec())
        .fetch_one(&mut *admin)
        .await?;
        places += usize::from(found);
    }
    Ok(places)
}
