//! Who forgot the password asks for a link by themselves: it goes by mail, is good once, and ends every session.

use std::sync::Arc;
use std::time::Duration;

use accounts::people::links::{self, Purpose};
use accounts::people::permissions::Role;
use accounts::people::sessions::{self, Refreshed};
use accounts::verify::Mode;
use api::settings::People;
use api::state::AppState;
use axum::Router;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use support::kinds::SendLink;
use support::kinds::send_link::LinkMail;

use crate::seats::{give_password, seat};
use crate::shop::{self, Answer, Shop, request, shop};

/// The shop's process, reached at an address that people know.
fn reached(shop: &Shop) -> Router {
    let mut settings = (*shop.state.settings).clone();
    settings.people = People { public_url: Some("https://desk.example.com".to_owned()), ..settings.people };
    api::router(AppState { settings: Arc::new(settings), ..shop.state.clone() })
}

async fn post(router: &Router, path: &str, body: &Value) -> Answer {
    let request = request("POST", path).header("content-type", "application/json");
    shop::send(router, request.body(Body::from(body.to_string())).expect("a request")).await
}

/// The link of the only mail that is on its way, as the person reads it.
async fn mailed(shop: &Shop) -> LinkMail {
    let mut admin = shop.admin().await;
    let found = async {
        loop {
            // What is done behind the answer runs while this one asks.
            let payload: Option<Value> =
                sqlx::query_scalar("select payload from jobs.live where kind = 'send_link'")
                    .fetch_optional(&mut admin)
                    .await
                    .expect("countable");
            if let Some(payload) = payload {
                break payload;
            }
        }
    };
    let payload = tokio::time::timeout(Duration::from_secs(60), found).await.expect("a mail");
    assert!(!payload.to_string().contains("ada@"), "neither address nor link stands in the ledger");
    let sealed = STANDARD.decode(payload["sealed"].as_str().expect("a text")).expect("base64");
    let key = &shop.state.settings.master_key;
    let plain = key.unseal(&SendLink::owner(shop.tenant), &sealed).expect("sealed for the tenant");
    serde_json::from_slice(&plain).expect("a mail")
}

#[tokio::test]
async fn a_link_goes_by_mail_is_good_once_and_ends_every_session() {
    let shop = shop(Mode::Token).await;
    let router = reached(&shop);
    let ada = seat(&shop, shop.tenant, Role::Agent, "ada@example.com").await;
    give_password(&shop, ada.agent).await;
    let mailbox = json!({
        "address": "help@shop.example", "display_name": "Shop", "is_default": true,
        "smtp": {"host": "smtp.shop.example", "port": 465, "security": "tls", "username": "help", "password": "hush"},
    });
    let made = shop.post("/api/mailboxes", &mailbox.to_string()).await;
    assert_eq!(made.status, 201, "{}", made.text);

    let forgot = async |email: &str| {
        post(&router, "/api/auth/password/forgot", &json!({"tenant": "shop", "email": email})).await
    };
    let (stranger, known) = (forgot("nobody@example.com").await, forgot("ADA@example.com").await);
    assert_eq!((stranger.status.as_u16(), known.status.as_u16()), (202, 202));
    assert_eq!(stranger.text, known.text, "whether somebody exists is told to nobody");

    let mail = mailed(&shop).await;
    assert_eq!((mail.address.as_str(), mail.is_invitation), ("ada@example.com", false));
    let token = mail.link.strip_prefix("https://desk.example.com/reset#").expect("the page that it leads to");
    let chosen = json!({"token": token, "password": "purple monkey dishwasher"});
    let reset = post(&router, "/api/auth/password/reset", &chosen).await;
    assert_eq!(reset.status, 204, "{}", reset.text);
    assert_eq!(post(&router, "/api/auth/password/reset", &chosen).await.status, 401, "it works once");

    let mut tx = shop.state.db.gateway_tx().await.expect("a transaction");
    let refresh = ada.session.refresh.reveal();
    let over =
        sessions::refresh(&mut tx, &shop.state.people.refresh, refresh, Utc::now()).await.expect("asked");
    assert!(matches!(over, Refreshed::Refused), "{over:?}");
    assert_eq!(shop.count("jobs.live where kind = 'send_link'").await, 1, "a stranger gets no mail");
}

#[tokio::test]
async fn nobodys_mailbox_is_filled_by_asking_again_and_again() {
    let shop = shop(Mode::Token).await;
    let ada = seat(&shop, shop.tenant, Role::Agent, "ada@example.com").await;
    let now = Utc::now();
    let mut tx = shop.state.db.gateway_tx().await.expect("a transaction");
    for _ in 0..links::OPEN_OF_ONES_OWN {
        assert!(links::may_ask(&mut tx, ada.agent, now).await.expect("asked"));
        links::add(&mut tx, shop.tenant, ada.agent, Purpose::Reset, None, now).await.expect("a link");
    }
    assert!(!links::may_ask(&mut tx, ada.agent, now).await.expect("asked"));
    let later = now + Purpose::Reset.lifetime() + TimeDelta::seconds(1);
    assert!(links::may_ask(&mut tx, ada.agent, later).await.expect("asked"), "when they are too old");
    links::spend_all(&mut tx, ada.agent, now).await.expect("spent");
    assert!(links::may_ask(&mut tx, ada.agent, now).await.expect("asked"), "when one of them was used");
}
