//! A shop for tests: a database and a Redis prefix of its own, a tenant with a connected help desk, a key, and
//! the router, asked in-process.

// Every test program takes what it needs of this.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use accounts::api_keys::{self, Scope};
use accounts::base_url::Loopback;
use accounts::integrations::{self, Gorgias};
use accounts::tenants;
use accounts::verify::{Mode, Verification, sign};
use api::settings::{Patience, Settings};
use api::state::AppState;
use api::web::limits::Rates;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use boot::{Secret, Telemetry};
use database::ids::TenantId;
use database::{Db, Role, Tx};
use migrations::testing::{TestDatabase, fresh_database};
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;

/// The secret of every shop's webhooks.
pub const SECRET: &str = "a secret of the shop";

/// A shop with everything around it.
pub struct Shop {
    /// The process's state, as handlers see it.
    pub state: AppState,
    /// The tenant.
    pub tenant: TenantId,
    /// A key with every scope but the operator's.
    pub key: String,
    router: Router,
    database: TestDatabase,
    imports: PathBuf,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; null when it is no JSON.
    pub json: Value,
    /// Its body as text.
    pub text: String,
}

impl Answer {
    /// A field of the body as text; empty when there is none.
    pub fn field(&self, name: &str) -> &str {
        self.json[name].as_str().unwrap_or_default()
    }
}

/// A shop whose webhooks are verified in this way.
pub async fn shop(mode: Mode) -> Shop {
    let many = NonZeroU32::new(100_000).expect("not zero");
    let rates = Rates {
        general_per_minute: many,
        webhooks_per_minute: many,
        ai_per_minute: many,
        segments_per_minute: many,
    };
    shop_with(mode, rates, &redis_url()).await
}

/// The same with other limits and another Redis.
pub async fn shop_with(mode: Mode, rates: Rates, redis_url: &str) -> Shop {
    boot::install_tls();
    let database = fresh_database().await;
    let imports = database.folder();
    let settings = Settings {
        database_url: Secret::from(database.url_for("desk_api")),
        redis_url: Secret::from(redis_url.to_owned()),
        redis_prefix: format!("test-{}", Uuid::now_v7()),
        master_key: "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=".parse().expect("a master key"),
        bind: ([127, 0, 0, 1], 0).into(),
        database_connections: 4,
        import_dir: imports.clone(),
        import_max_bytes: 1_000_000,
        files_dir: imports.join("files"),
        files_s3: None,
        attachment_max_bytes: 100_000,
        mail_max_bytes: 200_000,
        rates,
        scans_at_once: 2,
        // No worker takes over what a machine that does other things as well has not done in time.
        patience: Patience { tool: Duration::from_secs(100), ..Patience::default() },
        people: Default::default(),
        shopify: None,
        shopify_secret_before: None,
        mcp_hosts: Vec::new(),
        slack: None,
        slack_url: "https://slack.invalid/api".to_owned(),
    };
    let telemetry = Telemetry::start("api-test").expect("telemetry starts");
    let state = AppState::connect(settings, telemetry, CancellationToken::new()).expect("the settings fit");
    let (tenant, key) = open(&state, "shop", mode).await;
    Shop { router: api::router(state.clone()), state, tenant, key, database, imports }
}

/// The test server.
pub fn redis_url() -> String {
    std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL names a private test server; `make test` sets it")
}

/// Makes a tenant with a connected help desk and a key.
pub async fn open(state: &AppState, slug: &str, mode: Mode) -> (TenantId, String) {
    let mut tx = state.db.gateway_tx().await.expect("a transaction");
    let tenant = tenants::create(&mut tx, slug, "A shop", "UTC").await.expect("a tenant").id;
    let scopes = Scope::ALL.map(|scope| if scope == Scope::Operator { Scope::JobsRead } else { scope });
    let key = api_keys::create(&mut tx, tenant, "test", &scopes, None).await.expect("a key");
    let settings = Gorgias {
        base_url: "http://127.0.0.1:9".to_owned(),
        email: "desk@example.com".to_owned(),
        api_key: "not used here".to_owned(),
        verification: Some(Verification { mode, secrets: vec![SECRET.to_owned()] }),
    };
    integrations::put_gorgias(&mut tx, &state.settings.master_key, tenant, &settings, Loopback::Allowed)
        .await
        .expect("stored");
    tx.commit().await.expect("committed");
    (tenant, key.text.reveal().to_owned())
}

impl Shop {
    /// Sends a request.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        send(&self.router, request).await
    }

    /// GET with the shop's key.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(request("GET", path).header("x-api-key", &self.key).body(Body::empty()).expect("a request"))
            .await
    }

    /// POST of JSON with the shop's key.
    pub async fn post(&self, path: &str, body: &str) -> Answer {
        let request =
            request("POST", path).header("x-api-key", &self.key).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_owned())).expect("a request")).await
    }

    /// Delivers a webhook as the help desk does, by slug and token.
    pub async fn deliver(&self, body: &str) -> Answer {
        let request = request("POST", "/api/gorgias/webhook")
            .header("x-webhook-tenant", "shop")
            .header("x-webhook-token", SECRET);
        self.send(request.body(Body::from(body.to_owned())).expect("a request")).await
    }

    /// Delivers a webhook with the body's signature.
    pub async fn deliver_signed(&self, body: &str, secret: &str) -> Answer {
        let request = request("POST", "/api/gorgias/webhook")
            .header("x-webhook-tenant", "shop")
            .header("x-gorgias-signature", sign(secret, body.as_bytes()));
        self.send(request.body(Body::from(body.to_owned())).expect("a request")).await
    }

    /// A connection of the superuser's.
    pub async fn admin(&self) -> PgConnection {
        PgConnection::connect(&self.database.admin_url).await.expect("the server answers")
    }

    /// How many rows a table has, seen by the superuser.
    pub async fn count(&self, table: &'static str) -> i64 {
        let mut connection =
            PgConnection::connect(&self.database.admin_url).await.expect("the server answers");
        let statement = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        sqlx::query_scalar(statement).fetch_one(&mut connection).await.expect("countable")
    }

    /// What a waiting job carries.
    pub async fn payload(&self, job: &str) -> Value {
        let mut connection =
            PgConnection::connect(&self.database.admin_url).await.expect("the server answers");
        sqlx::query_scalar("select payload from jobs.live where id = $1")
            .bind(job.parse::<Uuid>().expect("an id"))
            .fetch_one(&mut connection)
            .await
            .expect("a waiting job")
    }

    /// A transaction in the shop's tenant.
    pub async fn tx(&self) -> Tx {
        self.state.db.tenant_tx(Role::Support, self.tenant).await.expect("a transaction")
    }

    /// Ends a job as if a worker had.
    pub async fn end_job(&self, job: Uuid) {
        let mut connection = self.state.store.pool().acquire().await.expect("a connection");
        let done = jobs::read::cancel(&mut connection, None, job, "over").await.expect("cancelled");
        assert_eq!(done, jobs::read::Cancelled::Now);
    }

    /// The database, as the server's superuser.
    pub fn admin_url(&self) -> &str {
        &self.database.admin_url
    }

    /// The folder of imports.
    pub fn imports(&self) -> &PathBuf {
        &self.imports
    }

    /// Sends a request to the same process, if its database were not there.
    pub async fn send_without_database(&self, request: Request<Body>) -> Answer {
        let db = Db::connect("postgres://desk_api@127.0.0.1:9/desk", 1).expect("a URL");
        send(&api::router(AppState { db, ..self.state.clone() }), request).await
    }
}

/// Sends a request to a router, and reads the answer to its end.
pub async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.expect("the router cannot fail");
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, 64 << 20).await.expect("a body");
    Answer {
        status: parts.status,
        headers: parts.headers,
        json: serde_json::from_slice(&bytes).unwrap_or_default(),
        text: String::from_utf8_lossy(&bytes).into_owned(),
    }
}

/// The beginning of a request.
pub fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path)
}
