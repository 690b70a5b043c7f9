//! What customers' tickets say, from rows made by hand, as of a moment.

#[path = "../../accounts/tests/world/mod.rs"]
mod world;

use chrono::{DateTime, TimeZone, Utc};
use database::Role;
use sqlx::{Connection, PgConnection};
use support::written::{self, Whose, Written};
use uuid::Uuid;
use world::{World, world};

fn at(minutes: i64) -> DateTime<Utc> {
    Utc.timestamp_opt(1_790_000_040 + minutes * 60, 0).single().expect("a time")
}

struct Desk {
    world: World,
    admin: PgConnection,
    tickets: i64,
}

impl Desk {
    async fn open() -> Desk {
        let world = world().await;
        let admin = PgConnection::connect(&world.database.admin_url).await.expect("the server answers");
        Desk { world, admin, tickets: 0 }
    }

    async fn ticket(&mut self, customer: &str, channel: &str, opened: i64) -> Uuid {
        let id = Uuid::now_v7();
        self.tickets += 1;
        sqlx::query(
            "insert into support_app.ticket (id, tenant_id, number, provider, external_id, channel, source, status,
                 priority, known_customer, created_at)
             values ($1, $2, $6, 'desk', $1::text, $3, $3, 'open', 'normal', $4, $5)",
        )
        .bind(id)
        .bind(self.world.tenant)
        .bind(channel)
        .bind(customer)
        .bind(at(opened))
        .bind(self.tickets)
        .execute(&mut self.admin)
        .await
        .expect("a ticket");
        id
    }

    /// A message; of a customer with what was read out of it.
    async fn says(
        &mut self,
        ticket: Uuid,
        minute: i64,
        agent: bool,
        text: &str,
        read: Option<(f32, &str, bool)>,
    ) {
        let id = Uuid::now_v7();
        sqlx::query(
            "insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel,
                 body_text, sent_at)
             values ($1, $2, $3, $1::text, $4, false, 'email', $5, $6)",
        )
        .bind(id)
        .bind(self.world.tenant)
        .bind(ticket)
        .bind(agent)
        .bind(text)
        .bind(at(minute))
        .execute(&mut self.admin)
        .await
        .expect("a message");
        if let Some((sentiment, topic, asks_compensation)) = read {
            sqlx::query(
                "insert into support_app.message_analysis
                     (message_id, tenant_id, analysed_at, analysed_by, sentiment, intent, topics, asks_compensation)
                 values ($1, $2, $3, 'lexicon', $4, $5, array[$5], $6)
                 on conflict (message_id) do update set analysed_at = excluded.analysed_at,
                     analysed_by = excluded.analysed_by, sentiment = excluded.sentiment, intent = excluded.intent,
                     topics = excluded.topics, asks_compensation = excluded.asks_compensation",
            )
            .bind(id)
            .bind(self.world.tenant)
            .bind(at(minute))
            .bind(sentiment)
            .bind(topic)
            .bind(asks_compensation)
            .execute(&mut self.admin)
            .await
            .expect("a reading");
        }
    }

    async fn rated(&mut self, ticket: Uuid, resolution: i32, score: i16, minute: i64) {
        sqlx::query(
            "insert into support_app.rating (id, tenant_id, ticket_id, resolution, score, source, given_by, given_at)
             values ($1, $2, $3, $4, $5, 'api', 'test', $6)",
        )
        .bind(Uuid::now_v7())
        .bind(self.world.tenant)
        .bind(ticket)
        .bind(resolution)
        .bind(score)
        .bind(at(minute))
        .execute(&mut self.admin)
        .await
        .expect("a rating");
    }

    async fn written(&self, whose: Whose<'_>, before: i64, zone: &str) -> Vec<Written> {
        let mut tx = self.world.db.tenant_tx(Role::Support, self.world.tenant).await.expect("begins");
        written::tickets(&mut tx, whose, at(before), zone).await.expect("rows")
    }
}

#[tokio::test]
async fn a_ticket_says_what_its_messages_say_until_the_moment() {
    let mut desk = Desk::open().await;
    let first = desk.ticket("ann", "email", 0).await;
    desk.says(first, 0, false, "It broke. I want something for it.", Some((0.2, "complaint", true))).await;
    desk.says(first, 10, true, "When did you buy it?", None).await;
    desk.says(first, 40, false, "In May.", Some((0.5, "order_status", false))).await;
    desk.says(first, 50, true, "Thanks. Shall we send another?", None).await;
    desk.says(first, 60, true, "Are you there?", None).await;
    desk.rated(first, 1, 2, 70).await;
    desk.rated(first, 2, 5, 80).await;
    // What comes after the moment does not count.
    desk.says(first, 200, false, "Yes.", Some((0.9, "thanks", false))).await;
    desk.rated(first, 3, 1, 300).await;
    let second = desk.ticket("bob", "fax", 5).await;
    desk.ticket("ann", "chat", 150).await;

    let found = desk.written(Whose::Sample(1), 100, "Asia/Kolkata").await;
    let minutes = (at(0).timestamp() / 60) as i32 + 330;
    let ann = Written {
        customer_id: "ann".into(),
        opened_minute: minutes,
        channel: "email".into(),
        topic: Some("complaint".into()),
        messages: 5,
        asked: 3,
        answered: 1,
        reply_minutes: Some(30.0),
        sentiment: found[0].sentiment,
        satisfaction: Some(1.0),
        reopened: false,
        escalated: false,
        complaint: true,
        asks_compensation: true,
        mentions_price: false,
        asks_discount: false,
    };
    assert!(found[0].sentiment.is_some_and(|mood| (mood - 0.35).abs() < 1e-6), "{:?}", found[0].sentiment);
    assert_eq!(found[0], ann);
    let bob = &found[1];
    assert_eq!((bob.channel.as_str(), bob.messages, bob.sentiment, bob.satisfaction), ("fax", 0, None, None));
    assert_eq!((bob.opened_minute, found.len()), (minutes + 5, 2));

    let later = desk.written(Whose::Sample(1), 400, "Asia/Kolkata").await;
    assert_eq!(
        (later.len(), later[0].messages, later[0].answered, later[0].satisfaction),
        (3, 6, 2, Some(0.0))
    );
    // Spam says nothing of a customer, and neither does what was merged into another ticket.
    sqlx::query("update support_app.ticket set is_spam = true where id = $1")
        .bind(second)
        .execute(&mut desk.admin)
        .await
        .expect("spam");
    assert_eq!(desk.written(Whose::Sample(1), 100, "UTC").await.len(), 1);
}

#[tokio::test]
async fn customers_are_chosen_by_range_and_by_name() {
    let mut desk = Desk::open().await;
    for customer in ["a", "b", "c", "d"] {
        desk.ticket(customer, "email", 0).await;
    }
    let ids = |written: Vec<Written>| -> String { written.into_iter().map(|one| one.customer_id).collect() };
    assert_eq!(ids(desk.written(Whose::Range(Some("b"), Some("d")), 10, "UTC").await), "bc");
    assert_eq!(ids(desk.written(Whose::Range(None, Some("b")), 10, "UTC").await), "a");
    assert_eq!(ids(desk.written(Whose::Named(&["d".into(), "nobody".into()]), 10, "UTC").await), "d");
    assert_eq!(ids(desk.written(Whose::Sample(1), 0, "UTC").await), "", "none was open before");
    let mut tx = desk.world.db.tenant_tx(Role::Support, desk.world.tenant).await.expect("begins");
    assert_eq!(written::count(&mut tx).await.expect("counted"), 4);
}
