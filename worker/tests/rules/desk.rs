//! A desk with rules, and what these tests ask it.

use std::sync::Arc;

use chrono::Utc;
use database::ids::{TenantId, TicketId};
use database::{Db, Role};
use jobs::{JobKind, NewJob};
use migrations::testing::{TestDatabase, fresh_database};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use support::macros::store::Content;
use support::rules::spec::Spec;
use support::rules::store::{self, Stored};
use support::tickets::Acting;
use support::tickets::change::{Change, Customer, change};
use support::tickets::create::{NewTicket, create};
use support::tickets::message::{self, From};
use support::tickets::words::{Channel, Priority};
use upstreams::webhook::Webhooks;
use upstreams::{Breakers, Destinations};
use uuid::Uuid;
use worker::app::App;
use worker::handlers;
use worker::testing::{self, drain};

pub struct Desk {
    pub database: TestDatabase,
    pub url: String,
    pub app: Arc<App>,
    pub tenant: TenantId,
}

impl Desk {
    pub async fn open() -> Desk {
        boot::install_tls();
        let database = fresh_database().await;
        let url = database.url_for("desk_worker");
        let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
        let webhooks = Webhooks::new(Destinations::PublicOrLoopback, Breakers::default()).expect("a client");
        let app = Arc::new(App { webhooks, ..testing::app(&url, &redis) });
        let api = Db::connect(&database.url_for("desk_api"), 1).expect("the test database's URL");
        let mut tx = api.gateway_tx().await.expect("begins");
        let tenant = accounts::tenants::create(&mut tx, "shop", "Shop", "UTC").await.expect("a tenant").id;
        tx.commit().await.expect("commits");
        Desk { database, url, app, tenant }
    }

    pub async fn tx(&self) -> database::Tx {
        self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("begins")
    }

    pub fn acting(&self) -> Acting<'static> {
        Acting {
            tenant: self.tenant,
            actor: "key:test",
            agent: None,
            writer: Uuid::nil(),
            name: "test",
            correlation_id: "c-1",
            trace_parent: None,
            now: Utc::now(),
        }
    }

    /// A rule that is on.
    pub async fn rule(&self, body: Value) -> Stored {
        let spec: Spec = serde_json::from_value(body).expect("the form of a rule");
        let mut tx = self.tx().await;
        let made = store::create(&mut tx, self.tenant, &spec, "key:test", None).await.expect("made");
        let on = store::switch_on(&mut tx, self.tenant, made.id).await.expect("on");
        tx.commit().await.expect("commits");
        on
    }

    pub async fn saved_reply(&self, text: &str) -> Uuid {
        let content = Content {
            name: text.chars().take(100).collect(),
            folder: None,
            texts: [("en".to_owned(), text.to_owned())].into(),
            default_language: "en".to_owned(),
            actions: Vec::new(),
        };
        let mut tx = self.tx().await;
        let made =
            support::macros::store::create(&mut tx, self.tenant, &content, "key:test").await.expect("made");
        tx.commit().await.expect("commits");
        made.id
    }

    /// A customer writes; what follows is worked off.
    pub async fn ticket(&self, text: &str) -> TicketId {
        let ticket = self.ticket_of("ann@example.com", text).await;
        self.work_off().await;
        ticket
    }

    pub async fn ticket_of(&self, email: &str, text: &str) -> TicketId {
        let new = NewTicket {
            subject: Some("A question".to_owned()),
            channel: Channel::Email,
            priority: Priority::Normal,
            customer: Customer {
                email: Some(email.to_owned()),
                name: Some("Ann Lee".to_owned()),
                ..Customer::default()
            },
            tags: Vec::new(),
            department: None,
            skills: Vec::new(),
            language: None,
            custom: serde_json::Map::new(),
            message: Some((From::Customer, text.to_owned())),
        };
        let mut tx = self.tx().await;
        let made = create(&mut tx, &self.acting(), &new).await.expect("made");
        tx.commit().await.expect("commits");
        self.app.dispatch.announce(made.announcement);
        made.ticket
    }

    pub async fn change(&self, ticket: TicketId, wanted: Change) {
        let mut tx = self.tx().await;
        let (_, announcement) =
            change(&mut tx, &self.acting(), ticket, None, &wanted).await.expect("changed");
        tx.commit().await.expect("commits");
        self.app.dispatch.announce(announcement);
        self.work_off().await;
    }

    pub async fn hears(&self, ticket: TicketId, text: &str) {
        let mut tx = self.tx().await;
        let added = message::hear(&mut tx, &self.acting(), ticket, text, &[]).await.expect("heard");
        tx.commit().await.expect("commits");
        self.app.dispatch.announce(added.announcement);
        self.work_off().await;
    }

    pub async fn does<K: JobKind>(&self, payload: &K) {
        let mut conn = self.app.store.pool().acquire().await.expect("the ledger");
        let job = NewJob::of(self.tenant, payload).expect("a job");
        let (_, announcement) = jobs::enqueue_one(&mut conn, job).await.expect("enqueued");
        self.app.dispatch.announce(announcement);
        drop(conn);
        self.work_off().await;
    }

    pub async fn work_off(&self) {
        let queues = ["default", "profiles", "reading", "ai"];
        drain(&self.app.store, &self.app.dispatch, handlers::all(&self.app), &self.url, &queues)
            .await
            .expect("drained");
    }

    pub async fn admin(&self) -> PgConnection {
        PgConnection::connect(&self.database.admin_url).await.expect("connects")
    }

    pub async fn count(&self, what: &str) -> i64 {
        let statement = sqlx::AssertSqlSafe(format!("select count(*) from {what}"));
        sqlx::query_scalar(statement).fetch_one(&mut self.admin().await).await.expect("counted")
    }

    pub async fn seen(&self, ticket: TicketId) -> Value {
        sqlx::query_scalar("select to_jsonb(t) from support_app.ticket t where id = $1")
            .bind(ticket)
            .fetch_one(&mut self.admin().await)
            .await
            .expect("there is one")
    }

    /// The outcomes of a rule for a ticket, in order.
    pub async fn outcomes(&self, rule: Uuid, ticket: TicketId) -> Vec<String> {
        sqlx::query_scalar(
            "select outcome from support_app.rule_run where rule_id = $1 and ticket_id = $2 order by at",
        )
        .bind(rule)
        .bind(ticket)
        .fetch_all(&mut self.admin().await)
        .await
        .expect("read")
    }
}

pub fn adds(name: &str, event: &str, conditions: Value, tag: &str) -> Value {
    json!({"name": name, "event": event, "conditions": conditions, "actions": [{"do": "add_tags", "tags": [tag]}]})
}

pub fn says(words: &str) -> Value {
    json!({"all": [{"field": "message", "op": "contains", "value": [words]}]})
}

pub fn tagged(tag: &str) -> Value {
    json!({"all": [{"field": "tags", "op": "one_of", "value": [tag]}]})
}
