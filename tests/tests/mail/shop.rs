//! A shop with a mailbox, and what these tests ask it.

use std::sync::Arc;

use chrono::Utc;
use cluster::mail::MailSink;
use database::ids::{MessageId, TenantId, TicketId};
use database::{Db, Role};
use migrations::testing::{TestDatabase, fresh_database};
use sqlx::{Connection, PgConnection};
use support::mail::inbound::{self, Arrival, Received};
use support::mail::mailboxes::{self, Mailbox, Smtp, Wanted};
use support::tickets::message::{self, Stored, Which};
use support::tickets::reply::{self, NewReply, Replied};
use support::tickets::state::Status;
use support::tickets::{Acting, full};
use uuid::Uuid;
use worker::app::App;
use worker::handlers;
use worker::testing::{self, drain};

/// A shop with a mailbox, behind a mail server that records.
pub struct Shop {
    pub database: Arc<TestDatabase>,
    pub url: String,
    pub app: Arc<App>,
    pub tenant: TenantId,
    pub mailbox: Mailbox,
    pub writer: Uuid,
}

impl Shop {
    pub async fn open(sink: &MailSink, acknowledgement: Option<&str>) -> Shop {
        boot::install_tls();
        Shop::on(Arc::new(fresh_database().await), "help@shop.example", sink, acknowledgement).await
    }

    /// A shop of that address, beside others on the same database.
    pub async fn on(
        database: Arc<TestDatabase>,
        address: &str,
        sink: &MailSink,
        acknowledgement: Option<&str>,
    ) -> Shop {
        let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
        let url = database.url_for("desk_worker");
        let app = Arc::new(testing::app(&url, &redis));
        let api = Db::connect(&database.url_for("desk_api"), 1).expect("the test database's URL");
        let slug = format!("shop-{}", Uuid::now_v7().simple());
        let mut tx = api.gateway_tx().await.expect("the database");
        let tenant = accounts::tenants::create(&mut tx, &slug, "Shop", "UTC").await.expect("a tenant").id;
        tx.commit().await.expect("the database");
        let wanted = Wanted {
            address: address.to_owned(),
            display_name: Some("Lamp Shop".to_owned()),
            is_default: true,
            smtp: Some(Smtp {
                host: "127.0.0.1".to_owned(),
                port: sink.addr.port().into(),
                security: "plain".to_owned(),
                username: None,
                password: None,
            }),
            dkim: None,
            acknowledgement: acknowledgement.map(str::to_owned),
        };
        let mut tx = app.db.tenant_tx(Role::Support, tenant).await.expect("the database");
        let (mailbox, _) =
            mailboxes::create(&mut tx, &app.master_key, tenant, &wanted).await.expect("a mailbox");
        tx.commit().await.expect("the database");
        Shop { database, url, app, tenant, mailbox, writer: Uuid::now_v7() }
    }

    pub fn acting(&self) -> Acting<'_> {
        Acting {
            tenant: self.tenant,
            actor: "key:test",
            agent: None,
            writer: self.writer,
            name: "Bea",
            correlation_id: "c-1",
            trace_parent: None,
            now: Utc::now(),
        }
    }

    pub async fn hands_in(&self, raw: &[u8], envelope_from: Option<&str>) -> Received {
        self.hands_to(self.mailbox.id, raw, envelope_from).await
    }

    pub async fn hands_to(&self, mailbox: Uuid, raw: &[u8], envelope_from: Option<&str>) -> Received {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        let arrival = Arrival {
            tenant: self.tenant,
            mailbox,
            raw,
            envelope_from,
            came_by: "http",
            correlation_id: "c-1",
            trace_parent: None,
            now: Utc::now(),
        };
        let mut received = inbound::receive(&mut tx, arrival).await.expect("it is kept");
        tx.commit().await.expect("the database");
        self.app.dispatch.announce(std::mem::take(&mut received.announcement));
        received
    }

    /// Works everything off that is due, after the time in which replies can be taken back.
    pub async fn works(&self) {
        let mut owner = self.owner().await;
        for statement in [
            "update support_app.message set send_at = now() where send_at > now()",
            "update jobs.live set due_at = now() where state in ('scheduled', 'retrying') and kind = 'send_reply'",
        ] {
            sqlx::query(statement).execute(&mut owner).await.expect("the owner may");
        }
        let queues = ["ai", "default", "profiles", "reading"];
        drain(&self.app.store, &self.app.dispatch, handlers::all(&self.app), &self.url, &queues)
            .await
            .expect("the drain");
    }

    pub async fn owner(&self) -> PgConnection {
        PgConnection::connect(&self.database.admin_url).await.expect("the server answers")
    }

    pub async fn mail(&self, id: Uuid) -> inbound::Mail {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        inbound::get(&mut tx, id).await.expect("the database").expect("the mail")
    }

    pub async fn ticket_of(&self, mail: &Received) -> TicketId {
        self.mail(mail.id).await.ticket_id.expect("it was taken in")
    }

    pub async fn whole(&self, ticket: TicketId) -> full::Whole {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        full::whole(&mut tx, ticket).await.expect("the database").expect("the ticket")
    }

    pub async fn messages(&self, ticket: TicketId) -> Vec<Stored> {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        let mut found = message::list(&mut tx, ticket, Which::Public, None, 100).await.expect("the database");
        found.reverse();
        found
    }

    pub async fn message(&self, ticket: TicketId, message: MessageId) -> Stored {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        message::get(&mut tx, ticket, message).await.expect("the database").expect("the message")
    }

    pub async fn replies(&self, ticket: TicketId, text: &str, status: Option<Status>) -> MessageId {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        let new = NewReply { text, last_seen: None, force: true, send_at: None, status, attachments: &[] };
        let Replied::Queued { message, announcement, .. } =
            reply::reply(&mut tx, &self.acting(), ticket, &new).await.expect("it is taken")
        else {
            panic!("forced replies are taken")
        };
        tx.commit().await.expect("the database");
        self.app.dispatch.announce(announcement);
        message.id
    }
}

pub fn mail(head: &str, text: &str) -> Vec<u8> {
    format!("From: Ann <ann@x.example>\r\nTo: help@shop.example\r\n{head}\r\n{text}\r\n").into_bytes()
}

pub fn text_of(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw).into_owned()
}

pub fn header<'a>(mail: &'a str, name: &str) -> Option<&'a str> {
    mail.lines()
        .take_while(|line| !line.is_empty())
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}
