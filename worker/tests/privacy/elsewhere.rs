//! Somebody who answered a mail of another's ticket, and is known by the address of that mail alone: told what is known of them,
//! and forgotten. What the ticket's own customer wrote stays.

use std::collections::BTreeMap;

use support::privacy::requests::{Asked, Kind, State};

use super::shop::{BOB, Shop};

const EMAIL: &str = "third@party.example";
const WORD: &str = "glockenspiel";

async fn shop_with_a_third() -> Shop {
    let shop = Shop::open().await;
    for statement in [
        "insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, sender_name,
             sender_email, mail_id, body_text, sent_at)
         select md5('third')::uuid, tenant_id, id, 'third', false, false, 'email', 'Third Party', 'third@party.example',
                md5('third mail')::uuid, 'the glockenspiel is loud', now()
         from support_app.ticket where id = md5('bb-1234 t2')::uuid",
        "insert into support_app.mail (id, tenant_id, mailbox_id, identity, sender, envelope_from, came_by, size_bytes, raw, state,
             ticket_id, message_row, received_at, taken_at)
         select md5('third mail')::uuid, tenant_id, id, decode(md5('third'), 'hex'), 'third@party.example', 'third@party.example',
                'lmtp', 40, convert_to('From: third@party.example' || chr(10) || chr(10) || 'the glockenspiel is loud', 'UTF8'),
                'taken', md5('bb-1234 t2')::uuid, md5('third')::uuid, now(), now()
         from support_app.mailbox where id = md5('mailbox')::uuid",
        "insert into support_app.attachment (id, tenant_id, ticket_id, message_id, name, content_type, size_bytes, sha256, uploaded_by)
         select md5('third file')::uuid, tenant_id, id, md5('third')::uuid, 'glockenspiel.png', 'image/png', 4, '\\x01', 'key:x'
         from support_app.ticket where id = md5('bb-1234 t2')::uuid",
        "select support_app.refresh_search(md5('bb-1234 t2')::uuid)",
    ] {
        shop.sql(statement).await;
    }
    let file: uuid::Uuid = sqlx::query_scalar("select md5('third file')::uuid")
        .fetch_one(&mut shop.admin().await)
        .await
        .expect("an id");
    shop.put_file(file, WORD.as_bytes()).await;
    shop
}

fn asked() -> Asked {
    Asked { customer_id: None, email: Some(EMAIL.into()), verification: "by mail".into() }
}

async fn in_tickets(shop: &Shop, words: &[String]) -> BTreeMap<String, i64> {
    let mut found = shop.found(words).await;
    found.retain(|place, _| place.starts_with("support_app."));
    found
}

#[tokio::test]
async fn who_wrote_by_mail_into_a_ticket_of_another_is_erased_there_and_the_other_stays() {
    let shop = shop_with_a_third().await;
    let theirs = [EMAIL.to_owned(), WORD.to_owned(), "third party".to_owned()];
    let before = shop.found(&theirs).await;
    for place in [
        "support_app.message.body_text",
        "support_app.message.sender_email",
        "support_app.message.sender_name",
        "support_app.mail.raw",
        "support_app.mail.sender",
        "support_app.attachment.name",
        "support_app.ticket_search.document",
    ] {
        assert!(before.contains_key(place), "{place} is seeded: {before:#?}");
    }
    assert!(before.keys().any(|place| place.starts_with("file: ")), "{before:#?}");
    let of_bob = in_tickets(&shop, &BOB.words()).await;

    let id = shop.asks(Kind::Erase, asked(), false).await;
    shop.drain().await;
    let request = shop.request(id).await;
    assert_eq!((request.state, request.error.as_deref()), (State::Done, None));
    assert!(!request.is_nobody, "{:?}", request.remarks);
    assert_eq!(
        (request.reached.0.get("support_app.message"), request.reached.0.get("files")),
        (Some(&1), Some(&1))
    );
    let left = shop.found(&theirs).await;
    assert!(left.is_empty(), "{left:#?}");
    assert_eq!(in_tickets(&shop, &BOB.words()).await, of_bob);
    assert_eq!(
        shop.number("select count(*) from support_app.message where id = md5('third')::uuid and body_text = '[erased]'").await,
        1
    );
}

#[tokio::test]
async fn who_wrote_by_mail_into_a_ticket_of_another_is_told_what_they_wrote() {
    let shop = shop_with_a_third().await;
    let id = shop.asks(Kind::Export, asked(), false).await;
    shop.drain().await;
    let request = shop.request(id).await;
    assert_eq!((request.state, request.error.as_deref()), (State::Done, None));
    assert!(!request.is_nobody, "{:?}", request.remarks);
    assert_eq!(request.reached.0.get("support_app.message"), Some(&1), "{:?}", request.reached);
}
