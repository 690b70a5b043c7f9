//! What machines tell of somebody who was erased: mails to them that came back, before and after, and what their own programs
//! answer. It is kept without a word; of others it stays as it came.

use chrono::Utc;
use database::Role;
use support::mail::inbound::{self, Arrival};
use support::privacy::requests::{Asked, Kind, State as Stage};
use uuid::Uuid;

use super::shop::{BOB, Person, Shop, ZOE};

async fn comes(shop: &Shop, raw: &str) -> Uuid {
    let mailbox = "select md5('mailbox')::uuid";
    let mailbox: Uuid = sqlx::query_scalar(mailbox).fetch_one(&mut shop.admin().await).await.expect("an id");
    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("begins");
    let arrival = Arrival {
        tenant: shop.tenant,
        mailbox,
        raw: raw.as_bytes(),
        envelope_from: None,
        came_by: "http",
        correlation_id: "c-1",
        trace_parent: None,
        now: Utc::now(),
    };
    let received = inbound::receive(&mut tx, arrival).await.expect("it is kept");
    tx.commit().await.expect("commits");
    shop.app.dispatch.announce(received.announcement);
    shop.drain().await;
    received.id
}

/// A mail server tells that a mail did not reach somebody, and quotes it.
fn report(id: &str, of: &Person) -> String {
    format!(
        "From: MAILER-DAEMON@mx.example\r\nMessage-ID: <{id}@mx.example>\r\nSubject: Undelivered: for {email}\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=r\r\n\r\n\
         --r\r\n\r\nSorry, nobody is there. You wrote: {word}\r\n\
         --r\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
         Final-Recipient: rfc822; {email}\r\nAction: failed\r\nStatus: 5.1.1\r\n\
         Diagnostic-Code: smtp; 550 {email} is unknown\r\n\
         --r\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <gone-{id}@shop.example>\r\nTo: {email}\r\n\r\n--r--\r\n",
        email = of.email,
        word = of.word,
    )
}

async fn is_erased(shop: &Shop) -> Vec<String> {
    let asked =
        Asked { customer_id: Some(ZOE.customer.into()), email: None, verification: "she came".into() };
    let id = shop.asks(Kind::Erase, asked, false).await;
    shop.drain().await;
    let request = shop.request(id).await;
    assert_eq!((request.state, request.error.as_deref()), (Stage::Done, None));
    request.remarks
}

/// What the ticket of a mail says, by the mail.
async fn said(shop: &Shop, mail: Uuid) -> (String, Option<String>, bool) {
    sqlx::query_as(
        "select m.body_text, t.subject, c.raw is not null
         from support_app.mail c join support_app.message m on m.id = c.message_row
         join support_app.ticket t on t.id = m.ticket_id where c.id = $1",
    )
    .bind(mail)
    .fetch_one(&mut shop.admin().await)
    .await
    .expect("it became a message")
}

#[tokio::test]
async fn a_mail_that_came_back_before_is_erased_with_whom_it_did_not_reach() {
    let shop = Shop::open().await;
    comes(&shop, &report("b1", &ZOE)).await;
    let of_bob = comes(&shop, &report("b2", &BOB)).await;
    let remarks = is_erased(&shop).await;
    let left = shop.found(&ZOE.words()).await;
    assert!(left.is_empty(), "{left:#?} {remarks:?}");
    let (text, subject, is_kept) = said(&shop, of_bob).await;
    assert!(text.contains(BOB.word) && subject.is_some() && is_kept, "{text}");
}

#[tokio::test]
async fn what_machines_tell_afterwards_is_kept_without_a_word() {
    let shop = Shop::open().await;
    is_erased(&shop).await;
    shop.sql(
        "insert into support_app.mail_thread (tenant_id, header_id, ticket_id)
         select tenant_id, sha256('ours@shop.example'), id from support_app.ticket where id = md5('zq-4711 t2')::uuid",
    )
    .await;
    let in_words = format!(
        "From: postmaster@mx.example\r\nMessage-ID: <b2@mx.example>\r\nSubject: failure\r\n\r\n\
         <{}>: no such user. You wrote: {}\r\n",
        ZOE.email, ZOE.word
    );
    let in_thread = format!(
        "From: helper@mx.example\r\nMessage-ID: <b3@mx.example>\r\nIn-Reply-To: <ours@shop.example>\r\n\
         Auto-Submitted: auto-replied\r\nSubject: {0}\r\n\r\n{0}\r\n",
        ZOE.word
    );
    let her_own = format!(
        "From: {name} <{email}>\r\nMessage-ID: <b4@{email}>\r\nAuto-Submitted: auto-replied\r\nSubject: {word} is away\r\n\
         Content-Type: multipart/mixed; boundary=r\r\n\r\n--r\r\n\r\nThe {word} is away.\r\n\
         --r\r\nContent-Type: application/x-card\r\nContent-Disposition: attachment; filename={word}.vcf\r\n\r\n{word}\r\n--r--\r\n",
        name = "Zanzibara Quokka",
        email = ZOE.email,
        word = ZOE.word,
    );
    for raw in [report("b1", &ZOE), in_words, in_thread, her_own] {
        let mail = comes(&shop, &raw).await;
        assert_eq!(said(&shop, mail).await, ("[erased]".to_owned(), None, false), "{raw}");
    }
    let mut left = shop.found(&ZOE.words()).await;
    // How many mails an address sent is counted until the flood is over, machine or not.
    left.remove("support_app.mail_sender.sender");
    assert!(left.is_empty(), "{left:#?}");
    let back = "select count(*) from platform.erased_identity where came_back_at is not null";
    assert_eq!(shop.number(back).await, 0, "machines bring nobody back");
    let of_bob = comes(&shop, &report("b5", &BOB)).await;
    let (text, subject, is_kept) = said(&shop, of_bob).await;
    assert!(text.contains(BOB.word) && subject.is_some() && is_kept, "{text}");
}
