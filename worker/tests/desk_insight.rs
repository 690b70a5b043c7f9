//! The desk's insight as jobs make it: messages read, tickets placed, ratings taken over, advice given; with a model that
//! is not there.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use database::ids::{TenantId, TicketId};
use database::{Db, Role};
use jobs::{JobKind, NewJob};
use migrations::testing::{TestDatabase, fresh_database};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use support::kinds::{RecommendActions, RefreshRank, SettleTicket};
use support::{analysis, recommendations, tickets};
use upstreams::gorgias::Gorgias;
use upstreams::http::RetryPolicy;
use upstreams::{Breakers, Destinations, anthropic};
use uuid::Uuid;
use worker::app::App;
use worker::handlers;
use worker::testing::{self, drain};

struct Desk {
    database: TestDatabase,
    url: String,
    app: Arc<App>,
    tenant: TenantId,
}

const POLICY: RetryPolicy = RetryPolicy {
    attempts: 1,
    first_delay: Duration::from_millis(1),
    longest_delay: Duration::from_millis(2),
    attempt_timeout: Duration::from_secs(20),
    longest_named_wait: Duration::from_millis(10),
};

impl Desk {
    /// With a model at this address, if any.
    async fn open(model: Option<String>) -> Desk {
        boot::install_tls();
        let database = fresh_database().await;
        let url = database.url_for("desk_worker");
        let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
        let (destinations, breakers) = (Destinations::PublicOrLoopback, Breakers::default());
        let client = model.map(|base| {
            let settings = anthropic::Settings {
                base,
                key: "sk-test".into(),
                model: "claude-haiku-4-5".into(),
                version: "2026-10-21".into(),
                max_tokens: 1024,
            };
            anthropic::Client::with_policy(&settings, destinations, breakers.clone(), POLICY)
                .expect("settings")
        });
        let app = Arc::new(App {
            gorgias: Gorgias::with_policy(destinations, breakers, POLICY).expect("a client"),
            anthropic: client,
            ..testing::app(&url, &redis)
        });
        let api = Db::connect(&database.url_for("desk_api"), 1).expect("the test database's URL");
        let mut tx = api.gateway_tx().await.expect("the database");
        let tenant = accounts::tenants::create(&mut tx, "shop", "Shop", "UTC").await.expect("a tenant").id;
        tx.commit().await.expect("the database");
        Desk { database, url, app, tenant }
    }

    async fn admin(&self) -> PgConnection {
        PgConnection::connect(&self.database.admin_url).await.expect("the server answers")
    }

    /// A ticket with one message of a customer, whose settling is asked for.
    async fn hears(&self, number: i64, text: &str) -> TicketId {
        let id = TicketId::new();
        let mut admin = self.admin().await;
        sqlx::query(
            "insert into support_app.ticket (id, tenant_id, number, provider, external_id, channel, source, status, priority,
                 message_count, last_message_at)
             values ($1, $2, $3, 'gorgias', $3::text, 'email', 'email', 'open', 'normal', 1, now())",
        )
        .bind(id)
        .bind(self.tenant)
        .bind(number)
        .execute(&mut admin)
        .await
        .expect("inserted");
        self.adds(id, text, false).await;
        id
    }

    async fn adds(&self, ticket: TicketId, text: &str, by_machine: bool) {
        sqlx::query(
            "insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel,
                 body_text, sent_at, by_machine)
             values ($1, $2, $3, $1::text, false, false, 'email', $4, now(), $5)",
        )
        .bind(Uuid::now_v7())
        .bind(self.tenant)
        .bind(ticket)
        .bind(text)
        .bind(by_machine)
        .execute(&mut self.admin().await)
        .await
        .expect("inserted");
    }

    async fn does<K: JobKind>(&self, payload: &K) {
        let mut conn = self.app.store.pool().acquire().await.expect("the ledger");
        let job = NewJob::of(self.tenant, payload).expect("a small payload");
        let (_, announcement) = jobs::enqueue_one(&mut conn, job).await.expect("the ledger takes it");
        self.app.dispatch.announce(announcement);
        drop(conn);
        drain(
            &self.app.store,
            &self.app.dispatch,
            handlers::all(&self.app),
            &self.url,
            &["default", "profiles", "reading", "ai"],
        )
        .await
        .expect("the drain");
    }

    async fn ticket(&self, id: TicketId) -> Value {
        sqlx::query_scalar("select to_jsonb(t) from support_app.ticket t where id = $1")
            .bind(id)
            .fetch_one(&mut self.admin().await)
            .await
            .expect("there is one")
    }

    async fn dead(&self) -> i64 {
        sqlx::query_scalar("select count(*) from jobs.dead")
            .fetch_one(&mut self.admin().await)
            .await
            .expect("counted")
    }
}

#[tokio::test]
async fn a_message_is_read_by_words_and_moves_its_ticket() {
    let desk = Desk::open(None).await;
    let angry = desk.hears(1, "The lamp arrived broken. This is unacceptable, I want my money back!!").await;
    desk.adds(angry, "I am out of office. Terrible, horrible.", true).await;
    let calm = desk.hears(2, "Thank you, the lamp is great").await;
    let emoji = desk.hears(3, "🚀🚀🚀").await;
    let huge = desk.hears(4, &"wo ist meine Bestellung? ".repeat(40_000)).await;
    for ticket in [angry, calm, emoji, huge] {
        desk.does(&SettleTicket { ticket_id: ticket.0 }).await;
    }
    assert_eq!(desk.dead().await, 0);
    let (angry_row, calm_row, emoji_row) =
        (desk.ticket(angry).await, desk.ticket(calm).await, desk.ticket(emoji).await);
    assert!(angry_row["sentiment"].as_f64().expect("read") < 0.3, "{angry_row}");
    assert!(calm_row["sentiment"].as_f64().expect("read") > 0.7);
    assert_eq!((&angry_row["intent"], &angry_row["asks_compensation"]), (&json!("damaged"), &json!(true)));
    assert_eq!((&angry_row["language"], &emoji_row["language"]), (&json!("en"), &Value::Null));
    assert_eq!((&emoji_row["sentiment"], &emoji_row["intent"]), (&Value::Null, &json!("other")));
    assert_eq!(desk.ticket(huge).await["intent"], "order_status");
    assert!(angry_row["rank"].as_f64() > calm_row["rank"].as_f64());
    let mut tx = desk.app.db.tenant_tx(Role::Support, desk.tenant).await.expect("begins");
    let readings = analysis::of_ticket(&mut tx, angry).await.expect("read");
    tx.commit().await.expect("commits");
    assert_eq!(readings.len(), 1, "what a machine wrote is not read");
    assert_eq!(readings[0].analysed_by.as_deref(), Some("lexicon"));

    // Settling again asks for nothing again.
    let before: i64 = sqlx::query_scalar("select count(*) from jobs.finished where kind = 'analyze_message'")
        .fetch_one(&mut desk.admin().await)
        .await
        .expect("counted");
    desk.does(&SettleTicket { ticket_id: angry.0 }).await;
    let after: i64 = sqlx::query_scalar("select count(*) from jobs.finished where kind = 'analyze_message'")
        .fetch_one(&mut desk.admin().await)
        .await
        .expect("counted");
    assert_eq!((before, after), (4, 4));
}

#[tokio::test]
async fn a_subject_says_what_thanks_are_for_and_other_tickets_which_language_is_usual() {
    let desk = Desk::open(None).await;
    let asking = desk.hears(1, "Bitte um Antwort. Danke!").await;
    for number in [2, 3, 4] {
        desk.hears(number, "???").await;
    }
    let of_ann = desk.hears(5, "???").await;
    for number in 6..14 {
        desk.hears(number, "???").await;
    }
    for statement in [
        "update support_app.ticket set subject = 'Wo ist mein Paket?' where number = 1",
        "update support_app.ticket set language = 'de' where number in (2, 3) or number > 5",
        "update support_app.ticket set customer_email = 'ann@example.com', language = 'pl' where number = 4",
        "update support_app.ticket set customer_email = 'ann@example.com' where number = 5",
    ] {
        let done = sqlx::query(statement).execute(&mut desk.admin().await).await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    let mut tx = desk.app.db.tenant_tx(Role::Support, desk.tenant).await.expect("begins");
    let habits = |of_customer: Option<&str>| analysis::Habits {
        of_customer: of_customer.map(str::to_owned),
        of_shop: Some("de".to_owned()),
    };
    assert_eq!(analysis::habits(&mut tx, asking).await.expect("read"), habits(None));
    assert_eq!(analysis::habits(&mut tx, of_ann).await.expect("read"), habits(Some("pl")));
    tx.commit().await.expect("commits");
    // What few tickets have in common is chance.
    let fewer = "update support_app.ticket set language = null where number > 10";
    sqlx::query(fewer).execute(&mut desk.admin().await).await.expect("fewer with a language");
    let mut tx = desk.app.db.tenant_tx(Role::Support, desk.tenant).await.expect("begins");
    assert_eq!(analysis::habits(&mut tx, asking).await.expect("read"), analysis::Habits::default());
    assert_eq!(analysis::habits(&mut tx, TicketId::new()).await.expect("read"), analysis::Habits::default());
    assert_eq!(analysis::latest_intent(&mut tx, asking).await.expect("read"), None, "nobody has read it yet");
    tx.commit().await.expect("commits");

    desk.does(&SettleTicket { ticket_id: asking.0 }).await;
    assert_eq!(desk.ticket(asking).await["intent"], "order_status");
    let mut tx = desk.app.db.tenant_tx(Role::Support, desk.tenant).await.expect("begins");
    let intent = analysis::latest_intent(&mut tx, asking).await.expect("read");
    assert_eq!(intent.as_deref(), Some("order_status"));
    tx.commit().await.expect("commits");
}

#[tokio::test]
async fn what_is_known_of_a_customer_comes_onto_their_tickets() {
    let desk = Desk::open(None).await;
    let id = desk.hears(1, "Hello?").await;
    let mut admin = desk.admin().await;
    for statement in [
        "insert into platform.customer (tenant_id, customer_id, email) select id, '7041', 'ann@example.com' from shared.tenant",
        "insert into platform.intelligence_run (id, tenant_id, generation, as_of, state)
         select gen_random_uuid(), id, 1, '2026-11-01', 'published' from shared.tenant",
        "insert into platform.current_run (tenant_id, run_id, generation)
         select tenant_id, id, 1 from platform.intelligence_run",
        "insert into platform.customer_fact (tenant_id, generation, customer_id, orders, spend_cents, marketing_opt_in, churn, ltv)
         select t.id, 1, case n when 100 then '7041' else 'c' || n end, 3, 100, false, n / 100.0, n
         from shared.tenant t, generate_series(0, 100) n",
        "update support_app.ticket set customer_id = '7041'",
    ] {
        sqlx::query(statement).execute(&mut admin).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    desk.does(&SettleTicket { ticket_id: id.0 }).await;
    // Before the base is known nobody can say how much the customer is worth among the others.
    assert_eq!(desk.ticket(id).await["known_customer"], "7041");
    let looks: i64 = sqlx::query_scalar("select count(*) from jobs.job where kind = 'refresh_rank'")
        .fetch_one(&mut admin)
        .await
        .expect("counted");
    assert_eq!(looks, 0, "what settles a ticket has looked its customer up");
    desk.does(&RefreshRank::default()).await;
    assert_eq!(desk.dead().await, 0);
    let row = desk.ticket(id).await;
    assert_eq!(row["customer_tier"], "platinum", "{row}");
    assert_eq!(
        (&row["customer_facts"]["churn"], &row["rank_terms"]["churn"]["known"]),
        (&json!(1.0), &json!(true))
    );
    let median: f32 = sqlx::query_scalar("select churn_median from support_app.order_base")
        .fetch_one(&mut admin)
        .await
        .expect("one");
    assert_eq!(median, 0.5);
    sqlx::query("update platform.customer_fact set churn = 0 where customer_id = '7041'")
        .execute(&mut admin)
        .await
        .expect("updated");
    desk.does(&RefreshRank { customer_id: Some("7041".into()), ..RefreshRank::default() }).await;
    assert_eq!(desk.ticket(id).await["customer_facts"]["churn"], 0.0);
}

#[tokio::test]
async fn whom_an_address_names_is_known_by_the_help_desks_id_from_then_on() {
    let desk = Desk::open(None).await;
    let mut admin = desk.admin().await;
    sqlx::query(
        "insert into platform.customer (tenant_id, customer_id, email)
         select t.id, c.id, c.email from shared.tenant t, (values ('7041', 'ann@example.com'), ('7042', 'bea@example.com')) c (id, email)",
    )
    .execute(&mut admin)
    .await
    .expect("inserted");
    // Who is behind a ticket that tells this address and this id of the help desk's.
    let behind = async |number: i64, email: Option<&str>, desk_id: Option<&str>| {
        let mut admin = desk.admin().await;
        let known: Option<TicketId> =
            sqlx::query_scalar("select id from support_app.ticket where number = $1")
                .bind(number)
                .fetch_optional(&mut admin)
                .await
                .expect("read");
        let id = match known {
            Some(id) => id,
            None => desk.hears(number, "Hello?").await,
        };
        sqlx::query(
            "update support_app.ticket set customer_email = $2, customer_external_id = $3 where id = $1",
        )
        .bind(id)
        .bind(email)
        .bind(desk_id)
        .execute(&mut admin)
        .await
        .expect("updated");
        desk.does(&SettleTicket { ticket_id: id.0 }).await;
        let customer = desk.ticket(id).await["known_customer"].as_str().map(str::to_owned);
        let noted: Vec<(String, String)> = sqlx::query_as(
            "select value, customer_id from platform.customer_identity where kind = 'desk' order by value, customer_id",
        )
        .fetch_all(&mut admin)
        .await
        .expect("read");
        (customer, noted)
    };
    let is = |customer: Option<&str>, noted: &[&str]| {
        let noted: Vec<_> = noted.iter().map(|id| ("55".to_owned(), (*id).to_owned())).collect();
        (customer.map(str::to_owned), noted)
    };
    assert_eq!(behind(1, None, None).await, is(None, &[]));
    assert_eq!(behind(2, None, Some("55")).await, is(None, &[]));
    assert_eq!(behind(3, Some("Ann@Example.com"), Some("55")).await, is(Some("7041"), &["7041"]));
    // Her next ticket by chat, and one from an address that nobody knows.
    assert_eq!(behind(4, None, Some("55")).await, is(Some("7041"), &["7041"]));
    assert_eq!(behind(5, Some("ann@work.example"), Some("55")).await, is(Some("7041"), &["7041"]));
    // A ticket that tells the id only now is looked up for it.
    assert_eq!(behind(1, None, Some("55")).await, is(Some("7041"), &["7041"]));
    // What two are called names neither of them.
    assert_eq!(behind(6, Some("bea@example.com"), Some("55")).await, is(Some("7042"), &["7041", "7042"]));
    assert_eq!(behind(7, None, Some("55")).await, is(None, &["7041", "7042"]));
    assert_eq!(behind(8, Some("ann@example.com"), Some("55")).await, is(Some("7041"), &["7041", "7042"]));
    // They are hers wherever her tickets are asked for, and she is found by what the help desk calls her.
    let mut tx = desk.app.db.tenant_tx(Role::Support, desk.tenant).await.expect("begins");
    let hers = tickets::list::of_customer(&mut tx, "7041", &[], false, None, 10).await.expect("read");
    let ids: Vec<Option<&str>> = hers.iter().map(|whole| whole.ticket.shops_customer()).collect();
    assert_eq!(ids, [Some("7041"); 5], "tickets 1, 3, 4, 5 and 8");
    let found = platform::directory::exact(&mut tx, "55").await.expect("read");
    let ids: Vec<&str> = found.iter().map(|customer| customer.customer_id.as_str()).collect();
    assert_eq!(ids, ["7041", "7042"]);
    drop(tx);
    assert_eq!(desk.dead().await, 0);
}

#[tokio::test]
async fn a_survey_of_the_help_desk_is_a_rating_once() {
    let desk = Desk::open(None).await;
    let id = desk.hears(1, "Hello?").await;
    for (key, score) in [("one", json!(4.5)), ("two", json!(5)), ("three", json!(5))] {
        let body = json!({"ticket": {"id": 1, "satisfaction_survey": {"id": 3, "score": score, "body_text": "fine",
            "scored_datetime": "2026-11-20T10:00:00"}}});
        sqlx::query(
            "insert into support_app.inbox (id, tenant_id, provider, dedup_key, body, decision, skip_reason, ticket_id)
             values ($1, $2, 'gorgias', $3, $4, 'skipped', 'test', $5)",
        )
        .bind(Uuid::now_v7())
        .bind(desk.tenant)
        .bind(key)
        .bind(body)
        .bind(id)
        .execute(&mut desk.admin().await)
        .await
        .expect("inserted");
        desk.does(&SettleTicket { ticket_id: id.0 }).await;
    }
    let ratings: Vec<(i16, Option<String>)> = sqlx::query_as("select score, comment from support_app.rating")
        .fetch_all(&mut desk.admin().await)
        .await
        .expect("read");
    assert_eq!(ratings, [(5, Some("fine".to_owned()))]);
    let told: i64 = sqlx::query_scalar(
        "select (select count(*) from support_app.event_pending where kind = 'ticket_rated')
              + (select count(*) from support_app.event where kind = 'ticket_rated')",
    )
    .fetch_one(&mut desk.admin().await)
    .await
    .expect("counted");
    assert_eq!(told, 1);
}

#[tokio::test]
async fn advice_is_current_until_something_changes() {
    let desk = Desk::open(None).await;
    let id = desk.hears(1, "Cancel my order, you are a scam, my lawyer will write").await;
    desk.does(&SettleTicket { ticket_id: id.0 }).await;
    desk.does(&RecommendActions { ticket_id: id.0 }).await;
    let current = async || {
        let mut tx = desk.app.db.tenant_tx(Role::Support, desk.tenant).await.expect("begins");
        recommendations::current(&mut tx, id).await.expect("read").expect("there is one")
    };
    let advice = current().await;
    assert_eq!((advice.stale, advice.priority.as_str(), advice.made_by.as_str()), (false, "urgent", "rules"));
    assert!((2..=4).contains(&advice.actions.len()) && (3..=5).contains(&advice.talking_points.len()));
    assert_eq!((advice.retention_probability, advice.revenue_at_risk), (None, None));
    sqlx::query(
        "update support_app.ticket set customer_facts = '{\"churn\": 0.8, \"ltv\": 100}' where id = $1",
    )
    .bind(id)
    .execute(&mut desk.admin().await)
    .await
    .expect("updated");
    assert!(current().await.stale);
    desk.does(&RecommendActions { ticket_id: id.0 }).await;
    let advice = current().await;
    assert_eq!((advice.stale, advice.revenue_at_risk.as_deref()), (false, Some("80.00")));
    assert_eq!(desk.dead().await, 0);
}

#[tokio::test]
async fn a_model_that_is_not_there_stops_nothing() {
    // Nobody listens there, and no test can.
    let desk = Desk::open(Some("http://127.0.0.1:9".to_owned())).await;
    let id = desk.hears(1, "Where is my order?").await;
    desk.does(&SettleTicket { ticket_id: id.0 }).await;
    let (state, attempts): (String, i16) =
        sqlx::query_as("select state::text, attempt from jobs.live where kind = 'analyze_message'")
            .fetch_one(&mut desk.admin().await)
            .await
            .expect("it waits");
    assert_eq!((state.as_str(), attempts), ("scheduled", 0));
    let row = desk.ticket(id).await;
    assert_eq!((&row["sentiment"], &row["status"]), (&Value::Null, &json!("open")));
    assert!(row["rank_terms"]["sentiment"]["points"] == 0.0, "{row}");
    let mut tx = desk.app.db.tenant_tx(Role::Support, desk.tenant).await.expect("begins");
    assert!(analysis::of_ticket(&mut tx, id).await.expect("read")[0].analysed_at.is_none());
    tx.commit().await.expect("commits");
    desk.does(&RecommendActions { ticket_id: id.0 }).await;
    let mut tx = desk.app.db.tenant_tx(Role::Support, desk.tenant).await.expect("begins");
    let advice = recommendations::current(&mut tx, id).await.expect("read").expect("there is one");
    assert_eq!((advice.made_by.as_str(), advice.remarks.len()), ("rules", 1));
    assert!(
        advice.warnings.iter().any(|warning| warning.contains("has not been read")),
        "it says what is pending"
    );
}

#[tokio::test]
async fn the_model_reads_and_what_cannot_be_used_is_read_by_words() {
    for (answer, by, intent) in [
        (
            json!({"sentiment": 0.1, "intent": "refund", "language": "de", "topics": ["refund"], "asks_compensation": true}),
            "anthropic",
            "refund",
        ),
        (json!({"sentiment": 7, "intent": "refund"}), "lexicon", "order_status"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let body =
            json!({"model": "m", "stop_reason": "tool_use", "usage": {"input_tokens": 1, "output_tokens": 1},
            "content": [{"type": "tool_use", "id": "t", "name": "hand_over_reading", "input": answer}]})
            .to_string();
        // One request, one answer.
        let server = std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().expect("a caller");
            let mut asked = Vec::new();
            let mut piece = [0; 65_536];
            while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
                let read = socket.read(&mut piece).expect("a request");
                asked.extend_from_slice(&piece[..read]);
            }
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
            write!(socket, "{head}content-length: {}\r\n\r\n{body}", body.len()).expect("an answer");
            // Whatever is left of the request.
            let _ = socket.read(&mut piece);
        });
        let desk = Desk::open(Some(format!("http://{address}"))).await;
        let id = desk.hears(1, "Where is my order?").await;
        desk.does(&SettleTicket { ticket_id: id.0 }).await;
        server.join().expect("it answered");
        let row = desk.ticket(id).await;
        assert_eq!(row["intent"], intent, "{row}");
        let mut tx = desk.app.db.tenant_tx(Role::Support, desk.tenant).await.expect("begins");
        let reading = analysis::of_ticket(&mut tx, id).await.expect("read").remove(0);
        assert_eq!(reading.analysed_by.as_deref(), Some(by));
        assert_eq!(reading.remark.is_some(), by == "lexicon");
        assert!(reading.analysed_at.is_some_and(|at| at <= Utc::now()));
    }
}
