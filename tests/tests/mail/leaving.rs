//! What leaves: replies without a way out or with an open fate, and links of people.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use cluster::mail::{Fault, MailSink};
use database::Role;
use jobs::NewJob;
use support::kinds::SendLink;
use support::kinds::send_link::LinkMail;
use support::mail::mailboxes::{self, Smtp, Wanted};
use support::mail::outbound;
use support::mail::way_out::Missing;
use support::tickets::change::Customer;
use support::tickets::create::{self, NewTicket};
use support::tickets::message::From;
use support::tickets::words::{Channel, Priority};
use support::tickets::{TicketError, send_again};
use uuid::Uuid;

use crate::shop::{Shop, header, mail, text_of};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_mailbox_a_reply_is_not_sent_says_so_and_is_sent_once_there_is_one() {
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, None).await;
    let came = shop.hands_in(&mail("Message-ID: <a1@x>\r\nSubject: Lamp\r\n", "Hello"), None).await;
    shop.works().await;
    let ticket = shop.ticket_of(&came).await;
    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("the database");
    mailboxes::disable(&mut tx, shop.mailbox.id, Utc::now()).await.expect("it was there");
    tx.commit().await.expect("the database");

    let reply = shop.replies(ticket, "It left on Monday.", None).await;
    let waits = shop.message(ticket, reply).await;
    assert_eq!(waits.not_sent_because.as_deref(), Some("no_mailbox"), "it says so at once");
    shop.works().await;
    let failed = shop.message(ticket, reply).await;
    assert_eq!(
        (failed.delivery.as_deref(), failed.not_sent_because.as_deref(), failed.body_text.as_str()),
        (Some("failed"), Some("no_mailbox"), "It left on Monday.")
    );
    assert!(failed.error.is_some_and(|error| error.starts_with("not sent: the shop has no mailbox")));
    assert!(shop.whole(ticket).await.waiting_since.is_some(), "the customer waits as before");
    // Its job is over and none of its attempts was a fault of anybody's.
    let mut owner = shop.owner().await;
    let (dead, attempts): (i64, i64) = sqlx::query_as(
        "select (select count(*) from jobs.dead), (select count(*) from jobs.attempt where kind = 'send_reply')",
    )
    .fetch_one(&mut owner)
    .await
    .expect("the owner may");
    assert_eq!((dead, attempts), (0, 0));

    let again = async || {
        let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("the database");
        let told = send_again::send_again(&mut tx, &shop.acting(), ticket, reply).await;
        if told.is_ok() {
            tx.commit().await.expect("the database");
        }
        told.map(|(stored, _, announcement)| {
            shop.app.dispatch.announce(announcement);
            stored
        })
    };
    let refused = again().await.expect_err("there is still none");
    assert!(matches!(refused, TicketError::Lacks(Missing::Mailbox)), "{refused}");
    let wanted = Wanted {
        address: "help@shop.example".to_owned(),
        display_name: None,
        is_default: true,
        smtp: None,
        dkim: None,
        acknowledgement: None,
    };
    let with_server = Wanted {
        smtp: Some(Smtp {
            host: "127.0.0.1".to_owned(),
            port: sink.addr.port().into(),
            security: "plain".to_owned(),
            username: None,
            password: None,
        }),
        ..wanted.clone()
    };
    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("the database");
    let (mailbox, _) =
        mailboxes::create(&mut tx, &shop.app.master_key, shop.tenant, &wanted).await.expect("a mailbox");
    tx.commit().await.expect("the database");
    let refused = again().await.expect_err("nothing leaves from it");
    assert!(matches!(refused, TicketError::Lacks(Missing::MailServer)), "{refused}");
    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("the database");
    mailboxes::put(&mut tx, &shop.app.master_key, mailbox.id, &with_server, None).await.expect("it has one");
    tx.commit().await.expect("the database");

    let queued = again().await.expect("it can leave");
    assert_eq!(
        (queued.delivery.as_deref(), queued.error, queued.not_sent_because),
        (Some("queued"), None, None)
    );
    shop.works().await;
    assert_eq!(shop.message(ticket, reply).await.delivery.as_deref(), Some("sent"));
    let [sent] = sink.mails().try_into().expect("one mail");
    assert!(text_of(&sent.raw).contains("It left on Monday."));
    assert_eq!(shop.whole(ticket).await.waiting_since, None);
    assert!(matches!(again().await, Err(TicketError::Conflict(_))), "it has left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_of_ours_with_a_placeholder_does_not_leave_and_the_customers_own_does() {
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, None).await;
    let head = "Message-ID: <a1@x>\r\nSubject: [EXTERNAL] {{lamp}}\r\n";
    let came = shop.hands_in(&mail(head, "Hello"), None).await;
    shop.works().await;
    shop.replies(shop.ticket_of(&came).await, "It left on Monday.", None).await;
    shop.works().await;
    let [sent] = sink.mails().try_into().expect("one mail");
    assert_eq!(header(&text_of(&sent.raw), "Subject"), Some("Re: [EXTERNAL] {{lamp}}"));

    let writes = async |subject: &str| {
        let new = NewTicket {
            subject: Some(subject.to_owned()),
            channel: Channel::Email,
            priority: Priority::Normal,
            customer: Customer { email: Some("bea@x.example".to_owned()), ..Customer::default() },
            tags: Vec::new(),
            department: None,
            skills: Vec::new(),
            language: None,
            custom: serde_json::Map::new(),
            message: Some((From::Agent, "Your lamp is here.".to_owned())),
        };
        let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("the database");
        let made = create::create(&mut tx, &shop.acting(), &new).await.expect("made");
        tx.commit().await.expect("the database");
        shop.app.dispatch.announce(made.announcement);
        shop.works().await;
        shop.message(made.ticket, made.message.expect("its message")).await
    };
    let refused = writes("About your order, [name]").await;
    assert_eq!(refused.delivery.as_deref(), Some("failed"));
    let error = refused.error.expect("it says why");
    assert!(error.contains("subject") && error.contains("placeholder"), "{error}");
    assert_eq!(sink.count(), 1);
    assert_eq!(writes("About your order").await.delivery.as_deref(), Some("sent"));
    assert_eq!(sink.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_whose_fate_nobody_knows_is_listed_and_sent_again_only_when_a_person_says_so() {
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, None).await;
    let came = shop.hands_in(&mail("Message-ID: <a1@x>\r\nSubject: Lamp\r\n", "Hello"), None).await;
    shop.works().await;
    let ticket = shop.ticket_of(&came).await;
    sink.inject(Fault::HangUpAfter, 1);
    let lost = shop.replies(ticket, "Perhaps.", None).await;
    shop.works().await;
    shop.works().await;
    assert_eq!((sink.count(), shop.message(ticket, lost).await.delivery.as_deref()), (1, Some("unsure")));
    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("the database");
    let listed = outbound::unsure(&mut tx, None, 10).await.expect("the database");
    assert_eq!(listed.iter().map(|reply| reply.id).collect::<Vec<_>>(), [lost]);
    let (.., announcement) =
        outbound::decide(&mut tx, &shop.acting(), lost, false).await.expect("it is decided");
    tx.commit().await.expect("the database");
    shop.app.dispatch.announce(announcement);
    shop.works().await;
    assert_eq!((sink.count(), shop.message(ticket, lost).await.delivery.as_deref()), (2, Some("sent")));
    let ids: Vec<String> = sink
        .mails()
        .iter()
        .filter_map(|sent| header(&text_of(&sent.raw), "Message-ID").map(str::to_owned))
        .collect();
    assert_eq!(ids[0], ids[1], "whoever has the first knows the second");

    // What certainly did not leave is tried again by itself, and what is refused for good says so.
    sink.inject(Fault::Later, 100);
    let later = shop.replies(ticket, "Later.", None).await;
    shop.works().await;
    assert_eq!(shop.message(ticket, later).await.delivery.as_deref(), Some("queued"));
    sink.forgive();
    shop.works().await;
    assert_eq!((sink.count(), shop.message(ticket, later).await.delivery.as_deref()), (3, Some("sent")));
    sink.inject(Fault::RefuseRecipient, 1);
    let refused = shop.replies(ticket, "Refused.", None).await;
    shop.works().await;
    let refused = shop.message(ticket, refused).await;
    assert_eq!(refused.delivery.as_deref(), Some("failed"));
    assert!(refused.error.is_some_and(|error| error.contains("refused the recipient (550)")));
    assert_eq!(sink.count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_of_people_go_out_sealed_and_once() {
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, None).await;
    let mail = LinkMail {
        address: "ada@shop.example".to_owned(),
        name: "Ada".to_owned(),
        is_invitation: true,
        link: "https://desk.example/invitation#dsl_secret".to_owned(),
    };
    let plain = serde_json::to_vec(&mail).expect("plain data");
    let sealed = STANDARD.encode(shop.app.master_key.seal(&SendLink::owner(shop.tenant), &plain));
    let link_id = Uuid::now_v7();
    for _ in 0..2 {
        let job = NewJob::of(shop.tenant, &SendLink { link_id, sealed: sealed.clone() }).expect("a job");
        let mut conn = shop.app.store.pool().acquire().await.expect("the ledger");
        let (_, announcement) = jobs::enqueue(&mut conn, &[job]).await.expect("enqueued");
        drop(conn);
        shop.app.dispatch.announce(announcement);
        shop.works().await;
    }
    let [sent] = sink.mails().try_into().expect("one mail, whoever asks again");
    let text = text_of(&sent.raw);
    assert_eq!(sent.to, ["ada@shop.example"]);
    assert_eq!(header(&text, "Auto-Submitted"), Some("auto-generated"));
    assert!(text.contains("dsl_secret"), "{text}");
    let mut owner = shop.owner().await;
    let told: bool =
        sqlx::query_scalar("select exists (select from jobs.job where payload::text like '%dsl_secret%')")
            .fetch_one(&mut owner)
            .await
            .expect("read");
    assert!(!told, "no link that opens anything is in the ledger");
}
