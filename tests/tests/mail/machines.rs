//! What machines and lists send is kept and answered by nobody, and machines that answer each other come to an end.

use std::sync::Arc;

use cluster::mail::MailSink;
use database::Role;
use support::tickets::state::Status;

use crate::shop::{Shop, header, mail, text_of};

#[tokio::test(flavor = "multi_thread")]
async fn machines_are_kept_and_flagged_and_change_nothing_and_a_report_marks_the_reply() {
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, Some("We have your mail.")).await;
    let first =
        shop.hands_in(&mail("Message-ID: <a1@x>\r\nSubject: Lamp\r\n", "Hello"), Some("ann@x.example")).await;
    shop.works().await;
    let ticket = shop.ticket_of(&first).await;
    // It was told at once that the mail came, as a machine does.
    let told = text_of(&sink.mails()[0].raw);
    assert_eq!(header(&told, "Auto-Submitted"), Some("auto-replied"));
    assert!(shop.whole(ticket).await.waiting_since.is_some(), "a machine's answer is none");
    let reply = shop.replies(ticket, "It left.", Some(Status::Resolved)).await;
    shop.works().await;
    assert_eq!((sink.count(), shop.whole(ticket).await.waiting_since), (2, None));
    let before = shop.whole(ticket).await;
    let ours = header(&text_of(&sink.mails()[1].raw), "Message-ID").expect("it has one").to_owned();

    for (number, head) in [
        format!("In-Reply-To: {ours}\r\nAuto-Submitted: auto-replied\r\n"),
        format!("In-Reply-To: {ours}\r\nReturn-Path: <>\r\n"),
        format!("References: {ours}\r\nX-Autoreply: yes\r\n"),
    ]
    .iter()
    .enumerate()
    {
        let raw = mail(&format!("Message-ID: <machine{number}@x>\r\nSubject: Away\r\n{head}"), "I am away.");
        let came = shop.hands_in(&raw, Some("ann@x.example")).await;
        shop.works().await;
        assert_eq!(shop.ticket_of(&came).await, ticket);
        assert!(shop.mail(came.id).await.machine.is_some());
    }
    let after = shop.whole(ticket).await;
    assert_eq!(after.ticket.status, "resolved");
    assert_eq!(after.ticket.message_count, before.ticket.message_count);
    assert_eq!(after.waiting_since, None);
    assert_eq!(sink.count(), 2, "nobody answers a machine");
    assert_eq!(shop.messages(ticket).await.iter().filter(|message| message.by_machine).count(), 4);

    // One that belongs to nothing is kept aside.
    let stray = shop
        .hands_in(
            &mail("Message-ID: <stray@x>\r\nSubject: News\r\nAuto-Submitted: auto-generated\r\n", "x"),
            None,
        )
        .await;
    shop.works().await;
    let aside = shop.whole(shop.ticket_of(&stray).await).await;
    assert!(aside.suspended_reason.is_some_and(|reason| reason.starts_with("machine mail")));
    assert!(aside.sla_due_at.is_none() && sink.count() == 2);

    let report = format!(
        "From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered\r\nMessage-ID: <dsn@mx>\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=r\r\n\r\n--r\r\n\r\nSorry.\r\n\
         --r\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; ann@x.example\r\n\
         Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 no such user\r\n\r\n\
         --r\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {ours}\r\nSubject: Re: Lamp\r\n\r\n--r--\r\n"
    );
    let report = shop.hands_in(report.as_bytes(), Some("")).await;
    shop.works().await;
    assert!(shop.mail(report.id).await.machine.is_some());
    let bounced = shop.message(ticket, reply).await;
    assert_eq!(bounced.delivery.as_deref(), Some("bounced"));
    assert!(bounced.error.is_some_and(|error| error.contains("550 no such user")));
    let whole = shop.whole(ticket).await;
    assert!(whole.waiting_since.is_some(), "its customer waits again");
    assert_eq!(whole.ticket.status, "resolved", "a machine opens nothing");
}

/// Everything that says of itself that no person waits for an answer: its name, its head, the sender of the envelope.
/// `From` is a person's unless the head has one.
const UNANSWERED: &[(&str, &str, &str)] = &[
    ("an answer by itself", "Auto-Submitted: auto-replied\r\n", "x"),
    ("made by a machine", "Auto-Submitted: auto-generated\r\n", "x"),
    ("a notice", "Auto-Submitted: auto-notified; owner-email=a@b\r\n", "x"),
    ("an old vacation program", "Precedence: auto_reply\r\n", "x"),
    ("an old answering program", "X-Autoreply: yes\r\n", "x"),
    ("another one", "X-Autorespond: yes\r\n", "x"),
    ("without an address to return to", "Return-Path: <>\r\n", "x"),
    ("by an empty envelope", "", ""),
    ("a mail server", "From: Mail System <MAILER-DAEMON@mx.example>\r\n", "x"),
    ("a postmaster", "From: postmaster@mx.example\r\n", "x"),
    ("our own address", "From: help@shop.example\r\n", "x"),
    ("a report", "Content-Type: multipart/report; report-type=delivery-status; boundary=r\r\n", "x"),
    (
        "that a mail was read",
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=r\r\n",
        "x",
    ),
    ("bulk", "Precedence: bulk\r\n", "x"),
    ("a list, by precedence", "Precedence: list\r\n", "x"),
    ("junk", "Precedence: junk\r\n", "x"),
    ("a list, by id", "List-Id: Lamps <lamps.x.example>\r\n", "x"),
    ("a newsletter", "List-Unsubscribe: <https://x.example/u/1>\r\n", "x"),
    ("a newsletter of one click", "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", "x"),
    ("a list, by its post", "List-Post: <mailto:lamps@x.example>\r\n", "x"),
    ("sent for others", "Feedback-ID: 1:campaign:shop:sender\r\n", "x"),
    ("that asks for none", "X-Auto-Response-Suppress: All\r\n", "x"),
    ("that asks for none of some kinds", "X-Auto-Response-Suppress: OOF, AutoReply\r\n", "x"),
    ("nobody reads answers", "From: no-reply@x.example\r\n", "x"),
    ("a list's owner", "From: owner-lamps@x.example\r\n", "x"),
    ("a list's commands", "From: lamps-request@x.example\r\n", "x"),
];

/// One mail of each kind, each from another address; answers how many there are.
async fn each_unanswered(shop: &Shop, round: &str) -> usize {
    for (number, (_, head, envelope)) in UNANSWERED.iter().enumerate() {
        let person = format!("person{number}@x.example");
        let from = if head.starts_with("From:") { String::new() } else { format!("From: {person}\r\n") };
        let raw = format!(
            "{from}{head}To: help@shop.example\r\nSubject: Hello {number}\r\nMessage-ID: <{round}-{number}@x>\r\n\r\nHello\r\n"
        );
        let envelope = if envelope.is_empty() { "" } else { &person };
        shop.hands_in(raw.as_bytes(), Some(envelope)).await;
    }
    shop.works().await;
    UNANSWERED.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_kind_of_machine_and_bulk_mail_gets_an_answer_by_itself_neither_at_once_nor_by_a_rule() {
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, None).await;
    let content = support::macros::store::Content {
        name: "Received".to_owned(),
        folder: None,
        texts: [("en".to_owned(), "We have your message.".to_owned())].into(),
        default_language: "en".to_owned(),
        actions: Vec::new(),
    };
    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("the database");
    let saved = support::macros::store::create(&mut tx, shop.tenant, &content, "key:test").await;
    let saved = saved.expect("made").id;
    for event in ["ticket_created", "message_received", "ticket_updated", "tag_added"] {
        let rule = serde_json::json!({
            "name": event, "event": event,
            "actions": [{"do": "add_tags", "tags": [format!("by-{event}")]}, {"do": "reply", "macro_id": saved}],
        });
        let rule = serde_json::from_value(rule).expect("the form of a rule");
        let made = support::rules::store::create(&mut tx, shop.tenant, &rule, "key:test", None).await;
        support::rules::store::switch_on(&mut tx, shop.tenant, made.expect("made").id).await.expect("on");
    }
    tx.commit().await.expect("the database");
    let came = each_unanswered(&shop, "rules").await;
    let kinds: Vec<&str> = UNANSWERED.iter().map(|(name, ..)| *name).collect();
    let answered: Vec<String> = sink.mails().iter().flat_map(|sent| sent.to.clone()).collect();
    assert!(answered.is_empty(), "{answered:?} of {kinds:?}");
    let mut owner = shop.owner().await;
    // Rules do run for what people sent to many; it is the reply that is held back, with the reason.
    let held: Vec<String> = sqlx::query_scalar(
        "select a #>> '{result,not_sent}' from support_app.rule_run r cross join jsonb_array_elements(r.done) a
         where a ->> 'do' = 'reply' and r.event = 'message_received'",
    )
    .fetch_all(&mut owner)
    .await
    .expect("the owner may");
    let to_many =
        UNANSWERED.len() - UNANSWERED.iter().position(|(name, ..)| *name == "bulk").expect("it is one");
    assert_eq!(held.len(), to_many, "{held:?}");
    assert!(held.iter().all(|why| why.contains("went to many")), "{held:?}");
    let told: i64 = sqlx::query_scalar("select count(*) from support_app.mail where state = 'taken'")
        .fetch_one(&mut owner)
        .await
        .expect("the owner may");
    assert_eq!(usize::try_from(told), Ok(came), "nothing is lost");

    // A person who writes to nobody else is answered, and once.
    shop.hands_in(&mail("Message-ID: <plain@x>\r\nSubject: Lamp\r\n", "Hello"), Some("ann@x.example")).await;
    shop.works().await;
    assert_eq!(sink.mails().iter().flat_map(|sent| sent.to.clone()).collect::<Vec<_>>(), ["ann@x.example"]);
    assert_eq!(header(&text_of(&sink.mails()[0].raw), "Auto-Submitted"), Some("auto-replied"));

    // What is told at once that a mail came follows the same.
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, Some("We have your mail.")).await;
    each_unanswered(&shop, "told").await;
    assert_eq!(sink.count(), 0);
    shop.hands_in(&mail("Message-ID: <plain@x>\r\nSubject: Lamp\r\n", "Hello"), Some("ann@x.example")).await;
    shop.works().await;
    assert_eq!(sink.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_would_come_to_the_shop_itself_goes_to_who_wrote() {
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, None).await;
    let raw =
        mail("Message-ID: <a1@x>\r\nReply-To: Lamp Shop <Help@Shop.example>\r\nSubject: Lamp\r\n", "Hello");
    let came = shop.hands_in(&raw, Some("ann@x.example")).await;
    let raw = mail("Message-ID: <a2@x>\r\nReply-To: <ann@home.example>\r\nSubject: Lamp\r\n", "Hello");
    let elsewhere = shop.hands_in(&raw, Some("ann@x.example")).await;
    let raw = b"From: help@shop.example\r\nTo: help@shop.example\r\nMessage-ID: <a3@x>\r\nReply-To: <help@shop.example>\r\nSubject: Own\r\n\r\nx\r\n";
    let own = shop.hands_in(raw, Some("help@shop.example")).await;
    shop.works().await;
    for (mail, customer) in [(came, "ann@x.example"), (elsewhere, "ann@home.example")] {
        let whole = shop.whole(shop.ticket_of(&mail).await).await;
        assert_eq!(whole.ticket.customer_email.as_deref(), Some(customer));
        assert_eq!(whole.suspended_reason, None);
    }
    let whole = shop.whole(shop.ticket_of(&own).await).await;
    assert!(whole.suspended_reason.is_some_and(|reason| reason.contains("mailbox of the shop")));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_desks_that_answer_by_themselves_answer_each_other_once_at_most() {
    let (sink_a, sink_b) =
        (MailSink::start().await.expect("a port"), MailSink::start().await.expect("a port"));
    let a = Shop::open(&sink_a, Some("A has your mail.")).await;
    let b = Shop::on(Arc::clone(&a.database), "desk@b.example", &sink_b, Some("B has your mail.")).await;
    // Somebody writes to A in B's name.
    let raw = "From: desk@b.example\r\nTo: help@shop.example\r\nMessage-ID: <s@b>\r\nSubject: Hello\r\n\r\nHello\r\n";
    a.hands_in(raw.as_bytes(), Some("desk@b.example")).await;
    let (mut from_a, mut from_b) = (0, 0);
    for round in 0..6 {
        a.works().await;
        for sent in &sink_a.mails()[from_a..] {
            // From the third round on the wires lose what says that a machine wrote it.
            b.hands_in(&stripped(&sent.raw, round), Some(&sent.from)).await;
        }
        from_a = sink_a.count();
        b.works().await;
        for sent in &sink_b.mails()[from_b..] {
            a.hands_in(&stripped(&sent.raw, round), Some(&sent.from)).await;
        }
        from_b = sink_b.count();
    }
    assert_eq!((from_a, from_b), (1, 0), "A told B that the mail came, and B told nobody anything");

    // The same when no word in the mails says that machines wrote them.
    let raw = raw.replace("<s@b>", "<s2@b>").replace("desk@b.example\r\nTo", "other@b.example\r\nTo");
    a.hands_in(raw.as_bytes(), Some("other@b.example")).await;
    for _ in 0..6 {
        a.works().await;
        for sent in &sink_a.mails()[from_a..] {
            b.hands_in(&stripped(&sent.raw, 9), Some(&sent.from)).await;
        }
        from_a = sink_a.count();
        b.works().await;
        for sent in &sink_b.mails()[from_b..] {
            a.hands_in(&stripped(&sent.raw, 9), Some(&sent.from)).await;
        }
        from_b = sink_b.count();
    }
    assert!(from_a <= 2 && from_b <= 1, "{from_a} {from_b}");
}

fn stripped(raw: &[u8], round: usize) -> Vec<u8> {
    let text = text_of(raw);
    let kept = text.lines().filter(|line| {
        round < 3 || !(line.starts_with("Auto-Submitted") || line.starts_with("X-Auto-Response-Suppress"))
    });
    kept.collect::<Vec<_>>().join("\r\n").into_bytes()
}
