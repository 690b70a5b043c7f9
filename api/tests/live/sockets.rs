//! WebSockets: events, what a client may say, and what becomes of what it may not.

use accounts::api_keys::{self, Scope};
use database::ids::AgentId;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::shop::request;
use crate::work::{agent, agent_of, change, key_of, listen, open, sign_in, ticket};

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn open(address: &str, agent: &str, query: &str, key: &str) -> Result<Client, u16> {
        let url = format!("ws://{address}/ws/agent/{agent}{query}");
        let mut request = url.into_client_request().expect("a request");
        match key.starts_with("dsk_") {
            true => request.headers_mut().insert("x-api-key", key.parse().expect("a header")),
            false => {
                let bearer = format!("Bearer {key}").parse().expect("a header");
                request.headers_mut().insert("authorization", bearer)
            }
        };
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Client(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("no connection: {error}"),
        }
    }

    async fn say(&mut self, message: Message) {
        self.0.send(message).await.expect("sent");
    }

    /// The next document; a close frame is its code.
    async fn next(&mut self) -> Result<Value, CloseFrame> {
        loop {
            match self.0.next().await.expect("goes on").expect("readable") {
                Message::Text(text) => return Ok(serde_json::from_str(text.as_str()).expect("JSON")),
                Message::Close(frame) => return Err(frame.expect("a reason")),
                _ => {}
            }
        }
    }

    async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let document = self.next().await.expect("no end");
            if document["kind"] == kind || document["type"] == kind {
                return document;
            }
        }
    }
}

#[tokio::test]
async fn a_client_is_told_and_comes_back_where_it_was() {
    let shop = open().await;
    let ann = agent(&shop, "ann", 5).await;
    let (address, ending) = listen(&shop).await;
    let mut client = Client::open(&address, &ann.to_string(), "", &shop.key).await.expect("connected");
    assert_eq!(client.next_of("hello").await["agent_id"], ann.to_string());
    let one = ticket(&shop).await;
    let seen = client.next_of("new_ticket").await["id"].as_i64().expect("a number");
    client.0.close(None).await.expect("closed");
    change(&shop, one, "high").await;
    let query = format!("?after={seen}");
    let mut client = Client::open(&address, &ann.to_string(), &query, &shop.key).await.expect("connected");
    assert_eq!(client.next_of("ticket_update").await["data"]["priority"], "high");

    // When the process ends, it says so, and another one goes on.
    shop.state.ending.cancel();
    ending.cancel();
    let end = loop {
        match client.next().await {
            Ok(_) => {}
            Err(frame) => break frame,
        }
    };
    assert_eq!(u16::from(end.code), 1012);
}

#[tokio::test]
async fn what_cannot_be_read_is_answered_and_the_connection_stays() {
    let shop = open().await;
    let ann = agent(&shop, "ann", 5).await;
    let (address, _ending) = listen(&shop).await;
    let mut client = Client::open(&address, &ann.to_string(), "", &shop.key).await.expect("connected");
    client.next_of("hello").await;
    for bad in [
        Message::text("{"),
        Message::text("[1]"),
        Message::text(r#"{"type":"shout"}"#),
        Message::text(r#"{"type":"ack","id":99999}"#),
        Message::text("x".repeat(1_000_000)),
        Message::binary(vec![0, 159, 146, 150]),
        Message::text(json!({ "type": "viewing", "ticket_id": ann }).to_string()),
    ] {
        client.say(bad).await;
        let answer = client.next_of("error").await;
        assert!(answer["allowed"].is_array(), "{answer}");
    }
    client.say(Message::text(r#"{"type":"ping"}"#)).await;
    client.next_of("pong").await;
    // More than are heard even of who takes half a minute to say them.
    for _ in 0..400 {
        client.say(Message::text(r#"{"type":"ping"}"#)).await;
    }
    let answer = client.next_of("error").await;
    assert!(answer["detail"].as_str().expect("words").contains("too many"), "{answer}");
}

#[tokio::test]
async fn only_the_agent_and_who_leads_them_connect() {
    let shop = open().await;
    let ann = agent(&shop, "ann", 5).await;
    let (other, their_key) = crate::shop::open(&shop.state, "other", accounts::verify::Mode::Token).await;
    let stranger = agent_of(&shop, other, "x", 5).await;
    let (address, _ending) = listen(&shop).await;
    let (id, reader) = key_of(&shop, shop.tenant, &[Scope::TicketsRead]).await;
    let open = async |agent: &str, query: &str, key: &str| {
        Client::open(&address, agent, query, key).await.map(|_| ())
    };
    let ann_id = ann.to_string();
    assert_eq!(open(&ann_id, "", &reader).await, Err(403));
    assert_eq!(open(&ann_id, "", &their_key).await, Err(404));
    assert_eq!(open(&stranger.to_string(), "", &shop.key).await, Err(404));
    assert_eq!(open(&AgentId::new().to_string(), "", &shop.key).await, Err(404));
    assert_eq!(open(&ann_id, "?after=99999", &shop.key).await, Err(400));
    assert_eq!(open(&ann_id, "?after=x", &shop.key).await, Err(400));
    assert_eq!(open("x", "", &shop.key).await, Err(400));
    assert_eq!(open(&ann_id, "", "dsk_none").await, Err(401));
    assert_eq!(shop.get(&format!("/ws/agent/{ann}")).await.status, 400, "no WebSocket");

    let (manager, text) = key_of(&shop, shop.tenant, &[Scope::TicketsRead, Scope::TicketsAssign]).await;
    let mut client = Client::open(&address, &ann_id, "", &text).await.expect("connected");
    client.next_of("hello").await;
    let mut tx = shop.state.db.gateway_tx().await.expect("begins");
    for key in [id, manager] {
        api_keys::revoke(&mut tx, shop.tenant, key).await.expect("revoked");
    }
    tx.commit().await.expect("commits");
    let end = loop {
        if let Err(frame) = client.next().await {
            break frame;
        }
    };
    assert_eq!(u16::from(end.code), 4401);
}

#[tokio::test]
async fn presence_is_the_union_of_connections_and_leaves_a_persons_word_alone() {
    let shop = open().await;
    let ann = agent(&shop, "ann", 5).await;
    let mut admin = shop.admin().await;
    sqlx::query("delete from support_app.presence_process").execute(&mut admin).await.expect("nobody");
    sqlx::query("update support_app.agent set is_present = false, availability = 'busy'")
        .execute(&mut admin)
        .await
        .expect("away");
    let processes = [uuid::Uuid::now_v7(), uuid::Uuid::now_v7()];
    let owner = sqlx::PgPool::connect(shop.admin_url()).await.expect("the server answers");
    // What happened before is in the same transaction: this test's own process looks as well, every ten seconds.
    let after = async |before: &'static str, process: uuid::Uuid, came: &[_], went: &[_]| {
        let mut tx = owner.begin().await.expect("begins");
        sqlx::query(before).execute(&mut *tx).await.expect("the owner may");
        let moved = support::live::presence::keep(&mut tx, process, came, went, true).await.expect("kept");
        tx.commit().await.expect("commits");
        moved.iter().map(|moved| (moved.agent_id, moved.is_present)).collect::<Vec<_>>()
    };
    let keep = async |process, came: &[_], went: &[_]| after("select", process, came, went).await;
    let came = [(ann, shop.tenant)];
    assert_eq!(keep(processes[0], &came, &[]).await, [(ann, true)]);
    assert_eq!(keep(processes[1], &came, &[]).await, []);
    assert_eq!(keep(processes[0], &[], &[ann]).await, []);
    assert_eq!(keep(processes[1], &[], &[ann]).await, [], "for a minute they may come back");
    let later = "update support_app.presence set gone_at = gone_at - interval '61 seconds'";
    assert_eq!(after(later, processes[0], &[], &[]).await, [(ann, false)]);
    let availability: String = sqlx::query_scalar("select availability from support_app.agent")
        .fetch_one(&mut admin)
        .await
        .expect("an agent");
    assert_eq!(availability, "busy");

    // A process that died takes its connections with it.
    assert_eq!(keep(processes[1], &came, &[]).await, [(ann, true)]);
    let dead = "update support_app.presence_process set alive_until = now() - interval '61 seconds'
                where id = (select process_id from support_app.presence where gone_at is null)";
    assert_eq!(after(dead, processes[0], &[], &[]).await, [(ann, false)]);
}

#[tokio::test]
async fn who_types_and_looks_is_told_over_redis_and_forgotten() {
    let shop = open().await;
    let ann = agent(&shop, "ann", 5).await;
    let one = ticket(&shop).await;
    let (address, _ending) = listen(&shop).await;
    let mut client = Client::open(&address, &ann.to_string(), "?topics=typing,viewing", &shop.key)
        .await
        .expect("connected");
    client.next_of("hello").await;
    let whispers = &shop.state.live.whispers;
    // Should the subscription begin only now, it asks who looks at what, and this is said again.
    let looking = whispers.looks(shop.tenant, one.0, ann);
    let began = client.next_of("viewing").await;
    assert_eq!((&began["data"]["state"], &began["ticket_id"]), (&json!("began"), &json!(one)));
    let viewers = shop.get(&format!("/api/tickets/{one}/viewers")).await;
    assert_eq!(viewers.json["items"], json!([{ "agent_id": ann, "is_typing": false }]));
    whispers.types(shop.tenant, one.0, ann);
    assert_eq!(client.next_of("typing").await["agent_id"], ann.to_string());
    drop(looking);
    let ended = client.next_of("viewing").await;
    assert_eq!(ended["data"]["state"], "ended");
    assert_eq!(shop.get(&format!("/api/tickets/{one}/viewers")).await.json["items"], json!([]));
    assert_eq!(shop.get(&format!("/api/tickets/{ann}/viewers")).await.status, 404);
}

#[tokio::test]
async fn an_agent_is_there_while_connected_and_is_cut_off_when_signed_out() {
    let shop = open().await;
    let (ann, one) = (agent(&shop, "ann", 5).await, ticket(&shop).await);
    let mut admin = shop.admin().await;
    sqlx::query("delete from support_app.presence_process").execute(&mut admin).await.expect("nobody");
    sqlx::query("update support_app.agent set is_present = false").execute(&mut admin).await.expect("away");
    let (session, token) = sign_in(&shop, ann, "ann").await;
    let (address, _ending) = listen(&shop).await;
    let mut client = Client::open(&address, "me", "", &token).await.expect("connected");
    client.next_of("hello").await;
    // What happened to the agent before, while nobody listened, is told first.
    loop {
        let there = client.next_of("agent_status").await;
        assert_eq!(there["agent_id"], json!(ann));
        // Who arrives gets what waits.
        if shop.count("jobs.live where kind = 'drain_waiting'").await == 1 {
            assert_eq!(there["data"]["is_present"], json!(true));
            break;
        }
    }

    client.say(Message::text(r#"{"type":"availability","value":"busy"}"#)).await;
    let busy = client.next_of("agent_status").await;
    assert_eq!((&busy["data"]["availability"], &busy["data"]["is_present"]), (&json!("busy"), &json!(true)));
    client.say(Message::text(json!({ "type": "viewing", "ticket_id": one }).to_string())).await;
    assert_eq!(client.next_of("viewing").await["ticket_id"], json!(one));

    let claim = request("POST", &format!("/api/tickets/{one}/claim"))
        .header("authorization", format!("Bearer {token}"));
    let claim = shop.send(claim.body(axum::body::Body::empty()).expect("a request")).await;
    assert_eq!((claim.status.as_u16(), claim.field("agent_id")), (200, &*ann.to_string()), "{}", claim.text);
    let update = client.next_of("ticket_update").await;
    assert_eq!(update["data"]["assignee_id"], json!(ann));

    let mut tx = shop.state.db.gateway_tx().await.expect("begins");
    accounts::people::sessions::end(&mut tx, session, "signed out", chrono::Utc::now()).await.expect("ended");
    tx.commit().await.expect("commits");
    let end = loop {
        if let Err(frame) = client.next().await {
            break frame;
        }
    };
    assert_eq!(u16::from(end.code), 4401);
}
