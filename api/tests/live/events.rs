//! The stream of events: its order, its gaps, its permissions.

use accounts::api_keys::{self, Scope};
use axum::body::{Body, BodyDataStream};
use axum::http::StatusCode;
use futures_util::StreamExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::shop::{Shop, open as open_tenant, request};
use crate::work::{agent, change, key_of, open, sign_in, ticket, ticket_of};

/// An open stream, read event by event.
struct Stream {
    body: BodyDataStream,
    text: String,
}

struct Sent {
    event: String,
    id: Option<i64>,
    data: Value,
}

impl Stream {
    async fn open(shop: &Shop, key: &str, query: &str, last: Option<&str>) -> Stream {
        Stream::open_as(shop, ("x-api-key", key), query, last).await
    }

    async fn open_as(shop: &Shop, who: (&str, &str), query: &str, last: Option<&str>) -> Stream {
        let mut asked = request("GET", &format!("/api/events{query}")).header(who.0, who.1);
        if let Some(last) = last {
            asked = asked.header("last-event-id", last);
        }
        let router = api::router(shop.state.clone());
        let response = router.oneshot(asked.body(Body::empty()).expect("a request")).await.expect("answers");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["cache-control"], "no-store, no-transform");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        Stream { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next event that is no comment.
    async fn next(&mut self) -> Sent {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let line = |name: &str| {
                    event
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .map(|value| value.trim().to_owned())
                };
                let sent = line("data:").map(|data| Sent {
                    event: line("event:").unwrap_or_default(),
                    id: line("id:").and_then(|id| id.parse().ok()),
                    data: serde_json::from_str(&data).expect("JSON"),
                });
                self.text = rest.to_owned();
                match sent {
                    Some(sent) => return sent,
                    None => continue,
                }
            }
            let chunk = self.body.next().await.expect("the stream goes on").expect("readable");
            self.text.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    }
}

#[tokio::test]
async fn events_come_in_order_and_a_client_goes_on_where_it_was() {
    let shop = open().await;
    let mut first = Stream::open(&shop, &shop.key, "?topics=new_ticket,ticket_update", None).await;
    let one = ticket(&shop).await;
    let came = first.next().await;
    assert_eq!(
        (came.event.as_str(), came.data["ticket_id"].as_str()),
        ("new_ticket", Some(&*one.to_string()))
    );
    assert!(!came.data.to_string().contains("secret"), "no text of people: {}", came.data);
    let seen = came.id.expect("a number");
    for priority in ["high", "urgent", "low"] {
        change(&shop, one, priority).await;
    }
    let mut numbers = Vec::new();
    for _ in 0..3 {
        numbers.push(first.next().await.id.expect("a number"));
    }
    assert_eq!(numbers, [seen + 1, seen + 2, seen + 3]);
    drop(first);

    // A client that was cut off after the first change is sent the two others, by either name, of any process.
    for (query, last) in [
        (format!("?after={}&topics=ticket_update", seen + 1), None),
        ("?topics=ticket_update".to_owned(), Some((seen + 1).to_string())),
    ] {
        let mut again = Stream::open(&shop, &shop.key, &query, last.as_deref()).await;
        let two = [again.next().await, again.next().await];
        assert_eq!(two.map(|sent| sent.id), [Some(seen + 2), Some(seen + 3)]);
        change(&shop, one, "normal").await;
        let live = again.next().await;
        assert!(live.id > Some(seen + 3) && live.data["data"]["priority"] == "normal", "{}", live.data);
        change(&shop, one, "low").await;
    }
}

#[tokio::test]
async fn a_gap_that_is_longer_than_what_is_kept_is_said() {
    let shop = open().await;
    let mut stream = Stream::open(&shop, &shop.key, "?after=0", None).await;
    let one = ticket(&shop).await;
    stream.next().await;
    change(&shop, one, "high").await;
    let newest = stream.next().await.id.expect("a number");
    let mut admin = shop.admin().await;
    sqlx::query("delete from support_app.event where seq <= 1").execute(&mut admin).await.expect("pruned");
    let mut late = Stream::open(&shop, &shop.key, "?after=0", None).await;
    let reset = late.next().await;
    assert_eq!((reset.event.as_str(), reset.id), ("reset", Some(newest)));
    let mut odd = Stream::open(&shop, &shop.key, "", Some("yesterday")).await;
    assert_eq!(odd.next().await.event, "reset");
    for query in ["?after=77777", "?after=x", "?after=-1", "?topics=secrets", "?colour=red"] {
        let answer = shop.get(&format!("/api/events{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}: {}", answer.text);
    }
}

#[tokio::test]
async fn each_client_is_told_what_it_may_see_of_its_own_tenant() {
    let shop = open().await;
    let (other, their_key) = open_tenant(&shop.state, "other", accounts::verify::Mode::Token).await;
    let mut theirs = Stream::open(&shop, &their_key, "", None).await;
    let (_, agents_only) = key_of(&shop, shop.tenant, &[Scope::AgentsRead]).await;
    let mut people = Stream::open(&shop, &agents_only, "", None).await;
    ticket(&shop).await;
    let ann = agent(&shop, "ann", 5).await;
    shop.post(&format!("/api/agents/{ann}/logout"), "{}").await;
    // That there is a new agent is told first.
    for availability in ["online", "offline"] {
        let status = people.next().await;
        assert_eq!(
            (status.event.as_str(), &status.data["data"]["availability"]),
            ("agent_status", &availability.into())
        );
    }
    let own = ticket_of(&shop, other).await;
    assert_eq!(theirs.next().await.data["ticket_id"], own.to_string());

    let denied = request("GET", "/api/events?topics=ticket_update").header("x-api-key", &agents_only);
    let denied = shop.send(denied.body(Body::empty()).expect("a request")).await;
    assert_eq!(denied.status, StatusCode::FORBIDDEN);
    let (_, nothing) = key_of(&shop, shop.tenant, &[Scope::OrdersWrite]).await;
    let denied = request("GET", "/api/events").header("x-api-key", &nothing);
    assert_eq!(shop.send(denied.body(Body::empty()).expect("a request")).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_stream_ends_with_its_key() {
    let shop = open().await;
    let (id, text) = key_of(&shop, shop.tenant, &[Scope::TicketsRead]).await;
    let mut stream = Stream::open(&shop, &text, "", None).await;
    let mut tx = shop.state.db.gateway_tx().await.expect("begins");
    assert!(api_keys::revoke(&mut tx, shop.tenant, id).await.expect("revoked"));
    tx.commit().await.expect("commits");
    let end = stream.next().await;
    assert_eq!(end.event, "end");
}

#[tokio::test]
async fn what_nobody_listened_to_is_numbered_and_pruned() {
    let shop = open().await;
    let one = ticket(&shop).await;
    change(&shop, one, "high").await;
    let mut admin = shop.admin().await;
    sqlx::query("select support_app.tend_events(100)").execute(&mut admin).await.expect("tended");
    assert_eq!(shop.count("support_app.event_pending").await, 0);
    let kept = shop.count("support_app.event").await;
    assert!(kept >= 2);
    sqlx::query("update support_app.event set at = at - interval '16 minutes'")
        .execute(&mut admin)
        .await
        .expect("aged");
    sqlx::query("select support_app.tend_events(1)").execute(&mut admin).await.expect("tended");
    assert_eq!(shop.count("support_app.event").await, kept - 1, "a bounded number at a time");
}

#[tokio::test]
async fn who_only_listens_is_not_at_the_desk() {
    let shop = open().await;
    let (ann, ben) = (agent(&shop, "ann", 5).await, agent(&shop, "ben", 5).await);
    let mut admin = shop.admin().await;
    sqlx::query("delete from support_app.presence_process").execute(&mut admin).await.expect("nobody");
    sqlx::query("update support_app.agent set is_present = false").execute(&mut admin).await.expect("away");
    let ((_, anns), (_, bens)) = (sign_in(&shop, ann, "ann").await, sign_in(&shop, ben, "ben").await);
    let bearers = [format!("Bearer {anns}"), format!("Bearer {bens}")];
    // Connections are noted in the order in which they come, so his would be known before hers.
    let listening =
        Stream::open_as(&shop, ("authorization", bearers[1].as_str()), "?there=false", None).await;
    let mut there =
        Stream::open_as(&shop, ("authorization", bearers[0].as_str()), "?topics=agent_status&after=0", None)
            .await;
    // What happened to them before, while nobody listened, is told first.
    let present = loop {
        there.next().await;
        let present: Vec<uuid::Uuid> =
            sqlx::query_scalar("select id from support_app.agent where is_present")
                .fetch_all(&mut admin)
                .await
                .expect("agents");
        if !present.is_empty() {
            break present;
        }
    };
    assert_eq!(present, [ann.0]);
    drop(listening);
    let odd = shop.get("/api/events?there=perhaps").await;
    assert_eq!((odd.status, odd.field("field")), (StatusCode::BAD_REQUEST, "there"));
}
