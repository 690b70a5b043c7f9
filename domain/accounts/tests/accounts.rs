//! Tenants, API keys, integration settings and the audit trail against a real database.

mod world;

use accounts::api_keys::{self, Scope};
use accounts::audit;
use accounts::base_url::Loopback;
use accounts::integrations::{self, Gorgias, IntegrationError};
use accounts::master_key;
use accounts::seal::MasterKey;
use accounts::tenant_keys;
use accounts::tenants::{self, CreateTenantError};
use accounts::verify::{Mode, Verification};
use chrono::{TimeDelta, Utc};
use database::{Db, DbError, Role, Tx, act_as};
use sqlx::Connection;
use world::{add_tenant, world};

const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

#[tokio::test]
async fn a_key_authenticates_until_it_is_revoked_or_expired() {
    let world = world().await;
    let mut tx = world.db.gateway_tx().await.expect("begins");
    let scopes = [Scope::WebhooksWrite, Scope::JobsRead];
    let key = api_keys::create(&mut tx, world.tenant, "help desk", &scopes, None).await.expect("created");
    let past = Utc::now() - TimeDelta::seconds(1);
    let expired = api_keys::create(&mut tx, world.tenant, "old", &scopes, Some(past)).await.expect("created");
    tx.commit().await.expect("commits");

    let principal =
        api_keys::authenticate(&world.db, key.text.reveal()).await.expect("answers").expect("valid");
    assert_eq!(
        (principal.tenant, principal.key_id, principal.name.as_str()),
        (world.tenant, key.id, "help desk")
    );
    assert_eq!(principal.scopes, scopes);
    assert_eq!(api_keys::authenticate(&world.db, expired.text.reveal()).await.expect("answers"), None);
    let mut other_secret = key.text.reveal().to_owned();
    let last = if other_secret.ends_with('A') { "B" } else { "A" };
    other_secret.replace_range(other_secret.len() - 1.., last);
    assert_eq!(api_keys::authenticate(&world.db, &other_secret).await.expect("answers"), None);
    assert_eq!(api_keys::authenticate(&world.db, "nonsense").await.expect("answers"), None);
    assert!(!format!("{key:?}").contains(key.text.reveal()));

    let used = |tx| async move {
        let mut tx: database::Tx = tx;
        api_keys::list(&mut tx, world.tenant, None, 10).await.expect("lists")[0].last_used_at
    };
    let first_use = used(world.db.gateway_tx().await.expect("begins")).await;
    assert!(first_use.is_some());
    api_keys::authenticate(&world.db, key.text.reveal()).await.expect("answers").expect("valid");
    assert_eq!(
        used(world.db.gateway_tx().await.expect("begins")).await,
        first_use,
        "noted once a minute at most"
    );

    let other = add_tenant(&world.db, "other").await;
    let mut tx = world.db.gateway_tx().await.expect("begins");
    assert!(!api_keys::revoke(&mut tx, other, key.id).await.expect("answers"), "not this tenant's key");
    assert!(api_keys::revoke(&mut tx, world.tenant, key.id).await.expect("answers"));
    tx.commit().await.expect("commits");
    assert_eq!(api_keys::authenticate(&world.db, key.text.reveal()).await.expect("answers"), None);
}

#[tokio::test]
async fn tenants_have_unique_well_formed_slugs() {
    let world = world().await;
    for (slug, name) in [("shop", "x"), ("Bad Slug", "x"), ("fine", "")] {
        let mut tx = world.db.gateway_tx().await.expect("begins");
        let error = tenants::create(&mut tx, slug, name, "UTC").await.expect_err("refused");
        let expected = match slug {
            "shop" => matches!(error, CreateTenantError::SlugTaken),
            "fine" => matches!(error, CreateTenantError::BadName),
            _ => matches!(error, CreateTenantError::BadSlug),
        };
        assert!(expected, "{slug}: {error}");
    }
    let mut tx = world.db.gateway_tx().await.expect("begins");
    let found = tenants::find_by_slug(&mut tx, "shop").await.expect("answers").expect("exists");
    assert_eq!(found.id, world.tenant);
    assert_eq!(tenants::list(&mut tx, None, 10).await.expect("answers").len(), 1);
    assert!(tenants::list(&mut tx, Some("shop"), 10).await.expect("answers").is_empty());
}

#[tokio::test]
async fn help_desk_settings_are_sealed_and_checked() {
    let world = world().await;
    let key: MasterKey = MASTER_KEY.parse().expect("a key");
    assert_eq!(integrations::gorgias(&world.db, &key, world.tenant).await.expect("answers"), None);
    let settings = Gorgias {
        base_url: "https://shop.gorgias.com/api".to_owned(),
        email: "bot@shop.example".to_owned(),
        api_key: "very-secret-api-key".to_owned(),
        verification: Some(Verification {
            mode: Mode::Hmac,
            secrets: vec!["a-long-enough-secret".to_owned()],
        }),
    };
    let mut tx = world.db.gateway_tx().await.expect("begins");
    integrations::put_gorgias(&mut tx, &key, world.tenant, &settings, Loopback::Refused)
        .await
        .expect("stored");
    integrations::put_gorgias(&mut tx, &key, world.tenant, &settings, Loopback::Refused)
        .await
        .expect("replaced");
    let raw: String =
        sqlx::query_scalar("select i::text || encode(sealed_secrets, 'escape') from shared.integration i")
            .fetch_one(&mut *tx)
            .await
            .expect("readable");
    assert!(!raw.contains("secret-api") && !raw.contains("long-enough"));
    tx.commit().await.expect("commits");
    let read = integrations::gorgias(&world.db, &key, world.tenant).await.expect("opens").expect("exists");
    assert_eq!(read, settings);
    assert!(!format!("{read:?}").contains("very-secret") && !format!("{read:?}").contains("long-enough"));

    let wrong_key: MasterKey = MASTER_KEY.replace('A', "B").parse().expect("a key");
    let error = integrations::gorgias(&world.db, &wrong_key, world.tenant).await.expect_err("does not open");
    assert!(matches!(error, IntegrationError::Unseal(_)));
    let private = Gorgias { base_url: "https://10.0.0.1".to_owned(), ..settings.clone() };
    let short = Gorgias {
        verification: Some(Verification { mode: Mode::Token, secrets: vec!["short".to_owned()] }),
        ..settings
    };
    let mut tx = world.db.gateway_tx().await.expect("begins");
    for (bad, field) in [(private, "base_url"), (short, "verification.secrets")] {
        let error = integrations::put_gorgias(&mut tx, &key, world.tenant, &bad, Loopback::Refused).await;
        assert!(error.expect_err("refused").to_string().starts_with(field));
    }
}

#[tokio::test]
async fn the_trail_is_written_by_apps_and_read_page_by_page() {
    let world = world().await;
    for number in 0..5 {
        let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
        let event = audit::Event {
            tenant: Some(world.tenant),
            actor: "key:1",
            action: "dead.retry",
            subject: &format!("job:{number}"),
            detail: serde_json::json!({"matched": number}),
            correlation_id: Some("c-1"),
        };
        audit::record(&mut tx, &event).await.expect("recorded");
        tx.commit().await.expect("commits");
    }
    let other = add_tenant(&world.db, "other").await;
    let mut tx = world.db.tenant_tx(Role::Support, other).await.expect("begins");
    let foreign = audit::Event {
        tenant: Some(world.tenant),
        actor: "a",
        action: "b",
        subject: "c",
        detail: serde_json::Value::Null,
        correlation_id: None,
    };
    assert!(audit::record(&mut tx, &foreign).await.is_err(), "not in another tenant's name");

    let mut tx = world.db.queue_tx().await.expect("begins");
    act_as(&mut tx, Role::Gateway, None).await.expect("changes role");
    let first =
        audit::search(&mut tx, Some(world.tenant), &audit::Filter::default(), None, 3).await.expect("lists");
    let last = first.last().expect("three lines");
    let rest = audit::search(&mut tx, None, &audit::Filter::default(), Some((last.at, last.id)), 10)
        .await
        .expect("lists");
    let subjects: Vec<_> = first.iter().chain(&rest).map(|entry| entry.subject.as_str()).collect();
    assert_eq!(subjects, ["job:4", "job:3", "job:2", "job:1", "job:0"]);
}

/// How many lines of the trail the transaction has read, in whatever way.
async fn lines_read(tx: &mut Tx) -> i64 {
    sqlx::query_scalar(
        "select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables
         where relid = 'shared.audit'::regclass",
    )
    .fetch_one(&mut **tx)
    .await
    .expect("the statistics are readable")
}

#[tokio::test]
async fn a_search_of_the_trail_reads_what_it_finds_however_much_was_looked_at_since() {
    let world = world().await;
    let mut admin = sqlx::PgConnection::connect(&world.database.admin_url).await.expect("connects");
    for statement in [
        // Three acts long ago, one of them on the whole cluster, and then people who look.
        "insert into shared.audit (id, tenant_id, actor, action, subject, at)
         select gen_random_uuid(), case when n < 3 then t.id end, 'key:few', 'queue.pause', 'queue:ai',
             now() - interval '1 year' + n * interval '1 second'
         from shared.tenant t cross join generate_series(1, 3) n",
        "insert into shared.audit (id, tenant_id, actor, action, subject, at)
         select gen_random_uuid(), t.id, 'agent:' || n % 7, 'customer-data.view', 'ticket:' || n % 1000,
             now() - n * interval '1 second'
         from shared.tenant t cross join generate_series(1, 20000) n",
        "analyze shared.audit",
    ] {
        sqlx::query(statement).execute(&mut admin).await.expect("the owner may");
    }
    let text = |text: &str| Some(text.to_owned());
    let none = audit::Filter::default();
    let filters = [
        audit::Filter { actor: text("key:few"), ..none.clone() },
        audit::Filter { action: text("queue.pause"), ..none.clone() },
        audit::Filter { subject: text("queue:ai"), ..none.clone() },
        audit::Filter { without_looks: true, ..none.clone() },
        audit::Filter { actor: text("key:few"), without_looks: true, ..none },
    ];
    let mut tx = world.db.gateway_tx().await.expect("begins");
    for filter in &filters {
        for (tenant, found) in [(None, 3), (Some(world.tenant), 2)] {
            let before = lines_read(&mut tx).await;
            let lines = audit::search(&mut tx, tenant, filter, None, 50).await.expect("lists");
            let read = lines_read(&mut tx).await - before;
            assert_eq!(lines.len(), found, "{filter:?} of {tenant:?}");
            assert!(lines.is_sorted_by(|one, next| one.at > next.at), "newest first");
            assert!(read < 100, "{filter:?} of {tenant:?} reads {read} lines");
            let first = (lines[0].at, lines[0].id);
            let rest = audit::search(&mut tx, tenant, filter, Some(first), 1).await.expect("lists");
            assert_eq!(rest, lines[1..2]);
        }
    }
    let looks =
        audit::Filter { action: text("customer-data.view"), without_looks: true, ..audit::Filter::default() };
    assert!(audit::search(&mut tx, None, &looks, None, 50).await.expect("lists").is_empty());
}

#[tokio::test]
async fn an_unreachable_database_is_told_apart() {
    // Nobody listens there, and no other test is given the port.
    let db = Db::connect("postgres://nobody@127.0.0.1:9/none", 1).expect("lazy");
    let error = db.ping().await.expect_err("nobody listens");
    assert!(error.is_unavailable(), "{error}");
    assert!(matches!(Db::connect("not a url", 1), Err(DbError::Other(_))));
}

#[tokio::test]
async fn connections_that_died_while_idle_go_unnoticed() {
    let world = world().await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(world.db.gateway_tx().await.expect("begins"));
    }
    for tx in held {
        tx.rollback().await.expect("rolls back");
    }
    let mut admin =
        <sqlx::PgConnection as sqlx::Connection>::connect(&world.database.admin_url).await.expect("connects");
    let ended: i64 = sqlx::query_scalar(
        "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity
         where usename = 'desk_api' and datname = current_database()",
    )
    .fetch_one(&mut admin)
    .await
    .expect("a superuser");
    assert!(ended >= 1);
    world.db.ping().await.expect("a new connection is made");
}

#[tokio::test]
async fn another_systems_master_key_is_found_out_by_the_first_that_was_used() {
    let world = world().await;
    let ours: MasterKey = MASTER_KEY.parse().expect("a key");
    let other: MasterKey = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=".parse().expect("a key");
    for (key, is_right) in [(&ours, true), (&ours, true), (&other, false), (&ours, true)] {
        assert_eq!(master_key::is_of(&world.db, key).await.expect("answers"), is_right);
    }
    let worker = Db::connect(&world.database.url_for("desk_worker"), 1).expect("the URL is valid");
    assert!(!master_key::is_of(&worker, &other).await.expect("a worker may ask too"));
}

#[tokio::test]
async fn a_secret_of_before_finds_another_master_key_out() {
    let world = world().await;
    let ours: MasterKey = MASTER_KEY.parse().expect("a key");
    let other: MasterKey = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=".parse().expect("a key");
    let tenant = world.tenant;
    let mut tx = world.db.gateway_tx().await.expect("begins");
    sqlx::query(
        "insert into shared.integration (tenant_id, provider, sealed_secrets) values ($1, 'gorgias', $2)",
    )
    .bind(tenant)
    .bind(ours.seal(&format!("{tenant}:gorgias"), b"hush"))
    .execute(&mut *tx)
    .await
    .expect("the gateway may");
    tx.commit().await.expect("commits");
    for (key, is_right) in [(&other, false), (&ours, true), (&other, false)] {
        assert_eq!(master_key::is_of(&world.db, key).await.expect("answers"), is_right);
    }
}

#[tokio::test]
async fn keys_of_tenants_tell_another_master_key_and_one_that_opens_anything_is_right() {
    let world = world().await;
    let ours: MasterKey = MASTER_KEY.parse().expect("a key");
    let other: MasterKey = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=".parse().expect("a key");
    let lost: MasterKey = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=".parse().expect("a key");
    let tenant = world.tenant;
    // There is no credential, and words lie under a key of the tenant's.
    let mut tx = world.db.tenant_tx(Role::Support, tenant).await.expect("begins");
    tenant_keys::current(&mut tx, &ours, tenant).await.expect("it is made");
    tx.commit().await.expect("commits");
    assert!(!master_key::is_of(&world.db, &other).await.expect("answers"));
    // A newer credential is left of a key that was lost.
    let mut tx = world.db.gateway_tx().await.expect("begins");
    sqlx::query(
        "insert into shared.integration (tenant_id, provider, sealed_secrets) values ($1, 'gorgias', $2)",
    )
    .bind(tenant)
    .bind(lost.seal(&format!("{tenant}:gorgias"), b"hush"))
    .execute(&mut *tx)
    .await
    .expect("the gateway may");
    tx.commit().await.expect("commits");
    for (key, is_right) in [(&other, false), (&ours, true), (&lost, false), (&ours, true)] {
        assert_eq!(master_key::is_of(&world.db, key).await.expect("answers"), is_right);
    }
}
