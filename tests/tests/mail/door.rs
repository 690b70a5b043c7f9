//! The door: floods, what cannot be read, and mail that a mail server hands over.

use std::time::Duration;

use cluster::mail::MailSink;
use database::Role;
use support::mail::{inbound, setting};
use tokio_util::sync::CancellationToken;
use upstreams::mail::server::Protocol;
use upstreams::mail::{Account, Letter, Person, Post, Security, SendError};
use upstreams::outgoing::Inside;
use upstreams::{Breakers, Destinations, Outgoing, Subject};
use worker::mail_door::{self, MailDoor};

use crate::shop::{Shop, mail, text_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_suspended_with_its_reason_and_let_in_when_it_is_wanted() {
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, None).await;
    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("the database");
    let wanted = setting::MailSetting { flood_limit: 5, flood_window_secs: 600, version: 0 };
    setting::put(&mut tx, shop.tenant, &wanted, None).await.expect("it fits");
    tx.commit().await.expect("the database");
    let mut suspended = 0;
    for number in 0..20 {
        let raw = mail(&format!("Message-ID: <f{number}@x>\r\nSubject: Flood\r\n"), "again");
        let received = shop.hands_in(&raw, None).await;
        suspended += usize::from(received.state == "suspended");
        assert_eq!(received.reason.is_some(), received.state == "suspended");
    }
    let other = text_of(&mail("Message-ID: <calm@x>\r\nSubject: Calm\r\n", "hello")).replace("ann@", "bob@");
    assert_eq!(shop.hands_in(other.as_bytes(), None).await.state, "waiting", "others are heard");
    shop.works().await;
    assert_eq!(suspended, 15);
    let count = async |what: &str| -> i64 {
        let mut owner = shop.owner().await;
        let statement = sqlx::AssertSqlSafe(format!("select count(*) from {what}"));
        sqlx::query_scalar(statement).fetch_one(&mut owner).await.expect("counted")
    };
    assert_eq!(count("support_app.ticket").await, 6);
    assert_eq!(count("support_app.event_pending where kind = 'mail_suspended'").await, 1);
    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("the database");
    let (recovered, announcement) =
        inbound::recover_sender(&mut tx, shop.tenant, "ann@x.example", None).await.expect("the database");
    tx.commit().await.expect("the database");
    shop.app.dispatch.announce(announcement);
    assert_eq!(recovered, 15);
    shop.works().await;
    assert_eq!(count("support_app.ticket").await, 21);
    assert_eq!(count("support_app.mail where state <> 'taken'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_kept_with_a_sentence() {
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, None).await;
    let nobody = shop.hands_in(b"Subject: x\r\nMessage-ID: <n@x>\r\n\r\nhello", None).await;
    shop.works().await;
    let mail = shop.mail(nobody.id).await;
    assert_eq!(mail.state, "unreadable");
    assert!(
        mail.reason.is_some_and(|reason| reason.contains("nobody"))
            && mail.has_raw
            && mail.ticket_id.is_none()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_hands_mail_over_at_the_door() {
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, None).await;
    let door = MailDoor { bind: ([127, 0, 0, 1], 0).into(), protocol: Protocol::Smtp, max_bytes: 10_000 };
    let stop = CancellationToken::new();
    let addr = mail_door::start(door, &shop.app, stop.clone()).await.expect("it opens");
    let post = Post::new(Destinations::PublicOrLoopback, Breakers::default());
    let account =
        Account { host: "127.0.0.1".to_owned(), port: addr.port(), security: Security::Plain, login: None };
    let send = async |to: &str, text: &str| {
        let body = Outgoing::pass(text, text, &Inside { tags: &[], instructions: &[] }).expect("it passes");
        let letter = Letter {
            from: Person { address: "ann@x.example", name: Some("Ann") },
            to: Person { address: to, name: None },
            subject: &Subject::repeated("Lamp"),
            message_id: "door@x.example",
            in_reply_to: None,
            references: &[],
            auto_submitted: None,
            body: &body,
            files: &[],
            dkim: None,
            at: std::time::SystemTime::UNIX_EPOCH,
        };
        post.send(&account, &letter, Duration::from_secs(20)).await
    };
    assert_eq!(send("HELP@shop.example", "Hello").await, Ok(()));
    assert!(matches!(send("who@shop.example", "Hello").await, Err(SendError::Refused { code: 550, .. })));
    assert!(matches!(
        send("help@shop.example", &"long ".repeat(3_000)).await,
        Err(SendError::Refused { .. })
    ));
    shop.works().await;
    let mut owner = shop.owner().await;
    let taken: Vec<(String, String)> = sqlx::query_as("select state, came_by from support_app.mail")
        .fetch_all(&mut owner)
        .await
        .expect("read");
    assert_eq!(taken, [("taken".to_owned(), "smtp".to_owned())]);
    stop.cancel();
}
