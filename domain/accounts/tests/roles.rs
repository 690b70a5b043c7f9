//! The database roles have exactly their grants, and row-level security hides other tenants' rows in every table
//! that has a tenant: both are read from the catalogue, so a new table is judged without editing this file.

mod world;

use std::collections::BTreeSet;

use accounts::tenants;
use database::{Db, DbError, Role};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use uuid::Uuid;
use world::{add_tenant, world};

const APPS: [&str; 4] = ["desk_platform", "desk_support", "desk_marketing", "desk_outbound"];
const LOGINS: [&str; 3] = ["desk_api", "desk_worker", "desk_scheduler"];

/// Tables outside a role's own schema on which it may do more than read, with the reason.
fn extra_rights(role: &str) -> &'static [(&'static str, &'static str)] {
    match role {
        // What is done is audited, and jobs are enqueued, in the transaction that does it. A job that waits and is
        // asked for again takes the newer payload; nothing else of it can be changed.
        "desk_support" => &[
            ("shared.audit", "INSERT"),
            ("jobs.live", "INSERT"),
            ("jobs.live", "UPDATE"),
            ("jobs.transition", "INSERT"),
            ("jobs.idempotency", "INSERT"),
            // One column: who was erased and writes to the desk came back by themselves, in the transaction that takes
            // the message in.
            ("platform.erased_identity", "UPDATE"),
        ],
        "desk_platform" | "desk_marketing" | "desk_outbound" => &[
            ("shared.audit", "INSERT"),
            ("jobs.live", "INSERT"),
            ("jobs.live", "UPDATE"),
            ("jobs.transition", "INSERT"),
            ("jobs.idempotency", "INSERT"),
        ],
        _ => &[],
    }
}

#[tokio::test]
async fn each_role_writes_its_own_schema_only() {
    let world = world().await;
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    let rows = sqlx::query(
        "select n.nspname || '.' || c.relname as name, n.nspname as schema, r.role, p.privilege
         from pg_class c join pg_namespace n on n.oid = c.relnamespace
         cross join unnest(array['desk_platform', 'desk_support', 'desk_marketing', 'desk_outbound', 'desk_queue',
                                 'desk_gateway',
                                 'desk_api', 'desk_worker', 'desk_scheduler']) as r (role)
         cross join unnest(array['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) as p (privilege)
         where n.nspname in ('shared', 'platform', 'support_app', 'marketing_app', 'outbound', 'questions_app', 'jobs',
                             'public')
           and c.relkind in ('r', 'p', 'v')
           and case when p.privilege in ('INSERT', 'UPDATE')
                    then has_any_column_privilege(r.role, c.oid, p.privilege)
                    else has_table_privilege(r.role, c.oid, p.privilege) end",
    )
    .fetch_all(&mut admin)
    .await
    .expect("the catalogue is readable");
    assert!(!rows.is_empty());
    for row in rows {
        let (name, schema): (String, String) = (row.get("name"), row.get("schema"));
        let (role, privilege): (String, String) = (row.get("role"), row.get("privilege"));
        let is_own = match role.as_str() {
            "desk_platform" => schema == "platform",
            "desk_support" => schema == "support_app",
            // Questions read what marketing reads, and are kept under the same role.
            "desk_marketing" => schema == "marketing_app" || schema == "questions_app",
            "desk_outbound" => schema == "outbound",
            "desk_queue" => schema == "jobs",
            // The gateway never deletes; keys are revoked and the trail stays.
            "desk_gateway" => schema == "shared" && matches!(privilege.as_str(), "INSERT" | "UPDATE"),
            _ => false,
        };
        let is_plain = matches!(privilege.as_str(), "INSERT" | "UPDATE" | "DELETE");
        let is_extra = extra_rights(&role).contains(&(name.as_str(), privilege.as_str()));
        assert!(is_plain && (is_own || is_extra), "{role} may {privilege} on {name}");
    }
}

#[tokio::test]
async fn each_role_can_do_its_work() {
    let world = world().await;
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    let can = async |admin: &mut PgConnection, role: &str, table: &str, privilege: &str| -> bool {
        sqlx::query_scalar("select has_table_privilege($1, $2, $3)")
            .bind(role)
            .bind(table)
            .bind(privilege)
            .fetch_one(admin)
            .await
            .expect("the names exist")
    };
    let table = [
        ("desk_platform", "platform.order_line", "SELECT,INSERT,UPDATE,DELETE"),
        ("desk_platform", "support_app.ticket", "SELECT"),
        ("desk_support", "support_app.ticket", "SELECT,INSERT,UPDATE,DELETE"),
        ("desk_support", "platform.customer_profile", "SELECT"),
        ("desk_marketing", "platform.customer_profile", "SELECT"),
        ("desk_queue", "jobs.live", "SELECT,INSERT,UPDATE,DELETE"),
        ("desk_gateway", "shared.api_key", "SELECT,INSERT"),
        ("desk_gateway", "public._sqlx_migrations", "SELECT"),
        ("desk_support", "jobs.live", "SELECT,INSERT"),
    ];
    for (role, name, privileges) in table {
        for privilege in privileges.split(',') {
            assert!(can(&mut admin, role, name, privilege).await, "{role} may not {privilege} on {name}");
        }
    }
    // Nobody reads credentials or the trail but the gateway.
    for role in APPS.into_iter().chain(["desk_queue"]).chain(LOGINS) {
        for name in ["shared.api_key", "shared.audit"] {
            assert!(!can(&mut admin, role, name, "SELECT").await, "{role} may read {name}");
        }
    }
    let memberships: Vec<(String, String)> = sqlx::query_as(
        "select l.rolname::text, g.rolname::text from pg_auth_members m
         join pg_roles l on l.oid = m.member join pg_roles g on g.oid = m.roleid
         where l.rolname like 'desk\\_%' order by 1, 2",
    )
    .fetch_all(&mut admin)
    .await
    .expect("the catalogue is readable");
    let of = |login: &str| -> BTreeSet<&str> {
        memberships.iter().filter(|(member, _)| member == login).map(|(_, group)| group.as_str()).collect()
    };
    let all = BTreeSet::from([
        "desk_gateway",
        "desk_marketing",
        "desk_outbound",
        "desk_platform",
        "desk_queue",
        "desk_support",
    ]);
    assert_eq!(of("desk_api"), all);
    assert_eq!(of("desk_worker"), all);
    assert_eq!(of("desk_scheduler"), BTreeSet::from(["desk_queue"]));
}

#[tokio::test]
async fn the_database_refuses_what_a_role_may_not_do() {
    let world = world().await;
    let attempts = [
        (Role::Platform, "insert into support_app.inbox select * from support_app.inbox"),
        (Role::Platform, "update shared.tenant set name = 'x'"),
        (Role::Support, "delete from platform.order_line"),
        (Role::Support, "update platform.customer set email = 'x'"),
        (Role::Support, "update jobs.live set state = 'ready'"),
        (Role::Support, "select secret_hash from shared.api_key"),
        (Role::Marketing, "delete from support_app.ticket"),
        (Role::Queue, "select * from support_app.message"),
        (Role::Queue, "update shared.tenant set name = 'x'"),
        (Role::Gateway, "delete from shared.audit"),
        (Role::Gateway, "update shared.api_key set scopes = '{operator}'"),
        (Role::Gateway, "select * from support_app.ticket"),
        (Role::Support, "create table support_app.mine (id int)"),
        (Role::Platform, "create table public.mine (id int)"),
    ];
    for (role, statement) in attempts {
        let mut tx = world.db.tenant_tx(role, world.tenant).await.expect("begins");
        let error = sqlx::query(statement).execute(&mut *tx).await.expect_err(statement);
        assert_eq!(
            error.as_database_error().and_then(|e| e.code()).as_deref(),
            Some("42501"),
            "{role:?}: {statement}"
        );
    }
    // Without a role there is no right at all, and the scheduler cannot take another.
    let error =
        sqlx::query("select * from shared.tenant").execute(world.db.pool()).await.expect_err("no rights");
    assert_eq!(error.as_database_error().and_then(|e| e.code()).as_deref(), Some("42501"));
    let scheduler = Db::connect(&world.database.url_for("desk_scheduler"), 1).expect("the URL is valid");
    assert!(matches!(scheduler.tenant_tx(Role::Support, world.tenant).await, Err(DbError::Other(_))));
    scheduler.queue_tx().await.expect("the scheduler is the queue");
}

/// The worker's login role may take the gateway's until the next release; what it could do
/// with it beyond reading tenants and their connections is refused by policies, in every table of the schema.
#[tokio::test]
async fn a_worker_makes_no_credentials_by_taking_the_gateways_role() {
    let world = world().await;
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    let tables: Vec<String> = sqlx::query_scalar(
        "select 'shared.' || relname from pg_class where relnamespace = 'shared'::regnamespace and relkind = 'r'
         order by 1",
    )
    .fetch_all(&mut admin)
    .await
    .expect("the catalogue is readable");
    assert!(tables.iter().any(|table| table == "shared.api_key"), "{tables:?}");
    sqlx::query("set session_replication_role = replica").execute(&mut admin).await.expect("a superuser");
    let worker = Db::connect(&world.database.url_for("desk_worker"), 1).expect("the URL is valid");
    for table in &tables {
        if table == "shared.tenant" {
            continue;
        }
        insert_sample(&mut admin, table, world.tenant.0).await;
    }
    for table in &tables {
        let mut tx = worker.gateway_tx().await.expect("begins");
        let copy = format!("insert into {table} select * from {table}");
        let seen: i64 = sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {table}")))
            .fetch_one(&mut *tx)
            .await
            .expect("readable");
        match table.as_str() {
            "shared.tenant" | "shared.integration" => {
                assert!(seen > 0, "workers of the version before read {table}");
                let error = sqlx::query(AssertSqlSafe(copy)).execute(&mut *tx).await.expect_err("refused");
                let code =
                    error.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned());
                assert_eq!(code.as_deref(), Some("42501"), "a worker writes {table}: {error}");
            }
            _ => assert_eq!(seen, 0, "a worker reads {table}"),
        }
    }
    let change = "update shared.integration set config = '{}'";
    let mut tx = worker.gateway_tx().await.expect("begins");
    let changed = sqlx::query(change).execute(&mut *tx).await.expect("answered").rows_affected();
    assert_eq!(changed, 0, "a worker changes how a tenant's help desk is reached");
    let mint = "insert into shared.api_key (id, tenant_id, name, prefix, secret_hash, scopes)
                select gen_random_uuid(), id, 'mine', '0123456789ab', sha256('x'), '{operator}' from shared.tenant";
    let error = sqlx::query(mint).execute(&mut *tx).await.expect_err("a worker made an operator's key");
    assert_eq!(error.as_database_error().and_then(|error| error.code()).as_deref(), Some("42501"));
    drop(tx);

    // What its handlers need of the schema it has as the role that does their work.
    let mut tx = worker.tenant_tx(Role::Support, world.tenant).await.expect("begins");
    assert!(tenants::get(&mut tx, world.tenant).await.expect("readable").is_some());
}

#[tokio::test]
async fn row_level_security_hides_other_tenants_everywhere() {
    let world = world().await;
    let other = add_tenant(&world.db, "other").await;
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    let tables = tenant_tables(&mut admin).await;
    for expected in ["platform.order_line", "support_app.ticket", "shared.api_key", "jobs.live"] {
        assert!(tables.contains(expected), "{expected} was not found in {tables:?}");
    }
    // Sample rows need not make sense: no foreign keys, no checks, a value of the right type in every column.
    sqlx::query("set session_replication_role = replica").execute(&mut admin).await.expect("a superuser");
    for table in &tables {
        let unprotected: bool =
            sqlx::query_scalar("select not relrowsecurity from pg_class where oid = $1::text::regclass")
                .bind(table)
                .fetch_one(&mut admin)
                .await
                .expect("the table exists");
        assert!(!unprotected, "{table} has no row-level security");
        for tenant in [world.tenant, other] {
            insert_sample(&mut admin, table, tenant.0).await;
        }
    }
    for role in [Role::Platform, Role::Support, Role::Marketing, Role::Outbound] {
        for table in &tables {
            let readable: bool = sqlx::query_scalar("select has_table_privilege($1, $2, 'SELECT')")
                .bind(role.name())
                .bind(table)
                .fetch_one(&mut admin)
                .await
                .expect("the names exist");
            if !readable {
                continue;
            }
            let mut tx = world.db.tenant_tx(role, world.tenant).await.expect("begins");
            let count = format!("select count(*) filter (where tenant_id = $1), count(*) from {table}");
            let (own, all): (i64, i64) = sqlx::query_as(AssertSqlSafe(count))
                .bind(world.tenant)
                .fetch_one(&mut *tx)
                .await
                .expect("readable");
            assert!(own >= 1, "{role:?} does not see its own rows of {table}");
            assert_eq!(own, all, "{role:?} sees other tenants' rows of {table}");
            drop(tx);

            let unset = format!("begin; set local role {}", role.name());
            let mut tx = world.db.pool().begin_with(AssertSqlSafe(unset)).await.expect("begins");
            let all: i64 = sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {table}")))
                .fetch_one(&mut *tx)
                .await
                .expect("readable");
            assert_eq!(all, 0, "{role:?} sees rows of {table} without a tenant");
            drop(tx);

            // Moving a row to another tenant, or touching another's, is refused or has no effect.
            let mut tx = world.db.tenant_tx(role, world.tenant).await.expect("begins");
            let steal = format!("update {table} set tenant_id = '{other}'");
            assert!(
                sqlx::query(AssertSqlSafe(steal)).execute(&mut *tx).await.is_err(),
                "{role:?} moves rows of {table}"
            );
        }
    }
    let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
    assert!(tenants::get(&mut tx, other).await.expect("readable").is_none());
    assert!(tenants::get(&mut tx, world.tenant).await.expect("readable").is_some());
}

/// Every table with a tenant, partitions not counted (nobody but the queue may touch those directly).
async fn tenant_tables(admin: &mut PgConnection) -> BTreeSet<String> {
    let names: Vec<String> = sqlx::query_scalar(
        "select t.table_schema || '.' || t.table_name
         from information_schema.columns c
         join information_schema.tables t using (table_schema, table_name)
         where c.column_name = 'tenant_id' and t.table_type = 'BASE TABLE'
           and t.table_schema not in ('pg_catalog', 'information_schema')
           and not (select relispartition from pg_class
                    where oid = format('%I.%I', t.table_schema, t.table_name)::regclass)",
    )
    .fetch_all(admin)
    .await
    .expect("the catalogue is readable");
    names.into_iter().collect()
}

async fn insert_sample(admin: &mut PgConnection, table: &str, tenant: Uuid) {
    let checks: Vec<String> = sqlx::query_scalar(
        "select conname::text from pg_constraint where conrelid = $1::text::regclass and contype = 'c' and conislocal",
    )
    .bind(table)
    .fetch_all(&mut *admin)
    .await
    .expect("the catalogue is readable");
    for check in checks {
        let drop = format!("alter table {table} drop constraint \"{check}\"");
        sqlx::query(AssertSqlSafe(drop)).execute(&mut *admin).await.expect("the constraint can be dropped");
    }
    let columns: Vec<(String, String, bool)> = sqlx::query_as(
        "select a.attname::text, format_type(a.atttypid, null), t.typtype = 'e'
         from pg_attribute a join pg_type t on t.oid = a.atttypid
         where a.attrelid = $1::text::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attidentity = ''",
    )
    .bind(table)
    .fetch_all(&mut *admin)
    .await
    .expect("the catalogue is readable");
    let names: Vec<String> = columns.iter().map(|(name, _, _)| format!("\"{name}\"")).collect();
    let values: Vec<String> = columns
        .iter()
        .map(|(name, kind, is_enum)| match (name.as_str(), kind.as_str()) {
            ("tenant_id", _) => format!("'{tenant}'"),
            (_, "uuid") => "gen_random_uuid()".to_owned(),
            (_, "text") => "gen_random_uuid()::text".to_owned(),
            (_, "timestamp with time zone") => "now()".to_owned(),
            (_, "jsonb") => "'{}'".to_owned(),
            (_, "boolean") => "false".to_owned(),
            (_, "bytea") => "sha256(gen_random_uuid()::text::bytea)".to_owned(),
            (_, "bigint" | "integer" | "smallint" | "numeric" | "double precision" | "real") => {
                "1".to_owned()
            }
            (_, "tsvector") => "''".to_owned(),
            (_, "date") => "current_date".to_owned(),
            (_, "bit varying") => "B'1'".to_owned(),
            (_, array) if array.ends_with("[]") => "'{}'".to_owned(),
            (_, kind) if *is_enum => format!("(enum_range(null::{kind}))[1]"),
            (name, kind) => panic!("{table}.{name} has type {kind}: say here what a sample of it is"),
        })
        .map(|value| if value == "'1'" { "1".to_owned() } else { value })
        .collect();
    // Unique numbers (a ticket's) are unique within a tenant, so a constant will do.
    let insert = format!("insert into {table} ({}) values ({})", names.join(", "), values.join(", "));
    sqlx::query(AssertSqlSafe(insert))
        .execute(&mut *admin)
        .await
        .unwrap_or_else(|error| panic!("{table}: {error}"));
}
