//! What we sign and write, for other people's code to check, and what they sign, for ours.
//!
//! `interop` prints a document: a webhook delivery and a request of Slack's with their signatures, messages for every kind
//! of event, and what a shop at Shopify signs. `interop check FILE` reads the same from others and says whether ours accepts
//! it, and refuses it changed.

use std::collections::HashMap;
use std::process::ExitCode;

use accounts::shopify::signature::{AppSecrets, shop_domain, sign_body, sign_query};
use anyhow::{Context, bail, ensure};
use chrono::Utc;
use outbound::catalogue;
use outbound::signature::{self, Secret};
use outbound::slack::alerts::{Message, Waiting};
use outbound::slack::signature as slack;
use serde::Deserialize;
use serde_json::{Value, json};
use upstreams::shopify::Tokens;
use uuid::Uuid;
use worker::slack::{alert, commands};

const SLACK_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

/// What others signed.
#[derive(Deserialize)]
struct Theirs {
    webhook: Webhook,
    svix: Webhook,
    slack: SlackRequest,
    shopify: Shopify,
}

#[derive(Deserialize)]
struct Webhook {
    secret: String,
    id: String,
    timestamp: String,
    signature: String,
    body: String,
}

#[derive(Deserialize)]
struct SlackRequest {
    secret: String,
    timestamp: String,
    signature: String,
    body: String,
}

#[derive(Deserialize)]
struct Shopify {
    secret: String,
    query: String,
    body: String,
    header: String,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => println!("{}", ours()),
        [word, file] if word == "check" => check(&std::fs::read_to_string(file).context("the file")?)?,
        _ => bail!("usage: interop [check FILE]"),
    }
    Ok(ExitCode::SUCCESS)
}

fn ours() -> Value {
    let now = Utc::now();
    let (old, new) = (Secret::generate(), Secret::generate());
    let body = catalogue::body("ticket.created", now, &json!({ "ticket_id": Uuid::nil(), "number": 7 }));
    let (id, timestamp) = ("msg_0199c0de7e1a7c518f3a2b9d5e6f7a81", now.timestamp());
    let request = "command=%2Ftickets&text=&team_id=T1";
    let names = HashMap::from([("text".to_owned(), "C-7K3M9Q2A".parse().expect("an id"))]);
    let waiting = |kind: &catalogue::EventKind| Waiting {
        id: Uuid::nil(),
        rule_id: Uuid::nil(),
        kind: kind.name.to_owned(),
        subject: "ticket:1".to_owned(),
        data: kind.example(),
        at: now,
        thread_ts: None,
    };
    let all: Vec<Waiting> = catalogue::EVENTS.iter().map(waiting).collect();
    let single = |alert: &Waiting| {
        alert::render(&Message::Single(alert.clone()), &names, Some("https://desk.example.com")).blocks
    };
    let mut messages: Vec<Vec<Value>> = all.iter().map(single).collect();
    messages.push(alert::render(&Message::Digest(all), &names, None).blocks);
    messages.push(commands::help().blocks);
    json!({
        "webhook": {
            // Both secrets have to verify while one replaces the other.
            "secrets": [old.reveal(), new.reveal()],
            "id": id,
            "timestamp": timestamp.to_string(),
            "signature": signature::sign(&[new, old], id, timestamp, &body),
            "body": String::from_utf8(body).expect("JSON is UTF-8"),
        },
        "slack": {
            "secret": SLACK_SECRET,
            "timestamp": timestamp.to_string(),
            "signature": slack::sign(SLACK_SECRET, &timestamp.to_string(), request.as_bytes()),
            "body": request,
        },
        "shopify": shopify(timestamp),
        "messages": messages,
    })
}

/// What a shop signs, as whoever plays one in our tests does, which domains are taken for a shop's, and what is read of the
/// answer that brings tokens.
fn shopify(timestamp: i64) -> Value {
    let secret = "hush-hush";
    let query = format!(
        "code=0907a61c0c8d55e99db179b68161bc00&host=YWRtaW4uc2hvcGlmeS5jb20vc3RvcmU%3D&shop=corner-records.myshopify.com&state=0.6784241404160823&timestamp={timestamp}"
    );
    let hmac = sign_query(secret, &query);
    let body = "{\"id\": 820982911946154508, \"note\": \"\u{e4}\"}";
    let shops = [
        "corner-records.myshopify.com",
        "Corner-Records.myshopify.com",
        " shop1.myshopify.com",
        "-shop.myshopify.com",
        "shop.myshopify.com.evil.example",
        "evil.example/shop.myshopify.com",
        "evil.example#.myshopify.com",
        "a.b.myshopify.com",
    ];
    let shops: Vec<Value> =
        shops.iter().map(|text| json!({ "text": text, "domain": shop_domain(text) })).collect();
    let answer = json!({
        "access_token": "shpat_1", "expires_in": 3600, "refresh_token": "shprt_1", "refresh_token_expires_in": 7_776_000,
        "scope": "read_orders,read_products",
    });
    let read: Tokens = serde_json::from_value(answer.clone()).expect("tokens");
    json!({
        "secret": secret,
        "version": "2026-07",
        "query": format!("{query}&hmac={hmac}"),
        "body": body,
        "header": sign_body(secret, body.as_bytes()),
        "shops": shops,
        "tokens": {
            "answer": answer,
            "access_token": read.access_token,
            "refresh_token": read.refresh_token,
            "scope": read.scope,
            "lifetime_secs": read.lifetime().map(|lifetime| lifetime.as_secs()),
        },
    })
}

fn check(text: &str) -> anyhow::Result<()> {
    let theirs: Theirs = serde_json::from_str(text).context("what others signed")?;
    let now = Utc::now().timestamp();
    for Webhook { secret, id, timestamp, signature, body } in [theirs.webhook, theirs.svix] {
        let secret = Secret::parse(&secret)?;
        let accepts =
            |body: &str| signature::verify(&secret, &id, &timestamp, &signature, body.as_bytes(), now);
        ensure!(accepts(&body), "a delivery that was signed by others is refused");
        ensure!(!accepts(&format!("{body} ")), "a delivery that was changed is accepted");
    }
    let SlackRequest { secret, timestamp, signature, body } = theirs.slack;
    let accepts = |body: &str| {
        slack::verify(&secret, Some(timestamp.as_bytes()), Some(signature.as_bytes()), body.as_bytes(), now)
            .is_ok()
    };
    ensure!(accepts(&body), "a request that was signed by others is refused");
    ensure!(!accepts(&format!("{body}&")), "a request that was changed is accepted");
    let Shopify { secret, query, body, header } = theirs.shopify;
    let secrets = AppSecrets::new([secret]);
    ensure!(secrets.prove_query(&query), "a query that Shopify's package signed is refused");
    ensure!(
        !secrets.prove_query(&query.replace("corner-records", "another-shop")),
        "a query that was changed is accepted"
    );
    ensure!(
        secrets.prove_body(body.as_bytes(), &header),
        "a webhook that Shopify's package signed is refused"
    );
    ensure!(
        !secrets.prove_body(format!("{body} ").as_bytes(), &header),
        "a webhook that was changed is accepted"
    );
    println!("interop: ours accepts what others sign, and nothing else");
    Ok(())
}
