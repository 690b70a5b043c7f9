//! Mail from end to end: what comes becomes tickets and threads, what machines send is kept and answered by nobody, what
//! leaves is threaded, sent once, and known to have come back; against a mail server that records and misbehaves.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use cluster::mail::{Fault, MailSink, generator};
use database::ids::{MessageId, TenantId, TicketId};
use database::{Db, Role};
use jobs::NewJob;
use migrations::testing::{TestDatabase, fresh_database};
use sqlx::{Connection, PgConnection};
use support::kinds::SendLink;
use support::kinds::send_link::LinkMail;
use support::mail::inbound::{self, Arrival, Received};
use support::mail::mailboxes::{self, Mailbox, Smtp, Wanted};
use support::mail::way_out::Missing;
use support::mail::{outbound, setting};
use support::tickets::message::{self, Stored, Which};
use support::tickets::reply::{self, NewReply, Replied};
use support::tickets::state::Status;
use support::tickets::{Acting, TicketError, attachments, full, send_again};
use tokio_util::sync::CancellationToken;
use upstreams::mail::server::Protocol;
use upstreams::mail::{Account, Letter, Person, Post, Security, SendError};
use upstreams::outgoing::Inside;
use upstreams::{Breakers, Destinations, Outgoing};
use uuid::Uuid;
use worker::app::App;
use worker::handlers;
use worker::mail_door::{self, MailDoor};
use worker::testing::{self, drain};

/// A shop with a mailbox, behind a mail server that records.
struct Shop {
    database: Arc<TestDatabase>,
    url: String,
    app: Arc<App>,
    tenant: TenantId,
    mailbox: Mailbox,
    writer: Uuid,
}

impl Shop {
    async fn open(sink: &MailSink, acknowledgement: Option<&str>) -> Shop {
        boot::install_tls();
        Shop::on(Arc::new(fresh_database().await), "help@shop.example", sink, acknowledgement).await
    }

    /// A shop of that address, beside others on the same database.
    async fn on(
        database: Arc<TestDatabase>,
        address: &str,
        sink: &MailSink,
        acknowledgement: Option<&str>,
    ) -> Shop {
        let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
        let url = database.url_for("desk_worker");
        let app = Arc::new(testing::app(&url, &redis));
        let api = Db::connect(&database.url_for("desk_api"), 1).expect("the test database's URL");
        let slug = format!("shop-{}", Uuid::now_v7().simple());
        let mut tx = api.gateway_tx().await.expect("the database");
        let tenant = accounts::tenants::create(&mut tx, &slug, "Shop", "UTC").await.expect("a tenant").id;
        tx.commit().await.expect("the database");
        let wanted = Wanted {
            address: address.to_owned(),
            display_name: Some("Lamp Shop".to_owned()),
            is_default: true,
            smtp: Some(Smtp {
                host: "127.0.0.1".to_owned(),
                port: sink.addr.port().into(),
                security: "plain".to_owned(),
                username: None,
                password: None,
            }),
            dkim: None,
            acknowledgement: acknowledgement.map(str::to_owned),
        };
        let mut tx = app.db.tenant_tx(Role::Support, tenant).await.expect("the database");
        let (mailbox, _) =
            mailboxes::create(&mut tx, &app.master_key, tenant, &wanted).await.expect("a mailbox");
        tx.commit().await.expect("the database");
        Shop { database, url, app, tenant, mailbox, writer: Uuid::now_v7() }
    }

    fn acting(&self) -> Acting<'_> {
        Acting {
            tenant: self.tenant,
            actor: "key:test",
            agent: None,
            writer: self.writer,
            name: "Bea",
            correlation_id: "c-1",
            trace_parent: None,
            now: Utc::now(),
        }
    }

    async fn hands_in(&self, raw: &[u8], envelope_from: Option<&str>) -> Received {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        let arrival = Arrival {
            tenant: self.tenant,
            mailbox: self.mailbox.id,
            raw,
            envelope_from,
            came_by: "http",
            correlation_id: "c-1",
            trace_parent: None,
            now: Utc::now(),
        };
        let mut received = inbound::receive(&mut tx, arrival).await.expect("it is kept");
        tx.commit().await.expect("the database");
        self.app.dispatch.announce(std::mem::take(&mut received.announcement));
        received
    }

    /// Works everything off that is due, after the time in which replies can be taken back.
    async fn works(&self) {
        let mut owner = self.owner().await;
        for statement in [
            "update support_app.message set send_at = now() where send_at > now()",
            "update jobs.live set due_at = now() where state in ('scheduled', 'retrying') and kind = 'send_reply'",
        ] {
            sqlx::query(statement).execute(&mut owner).await.expect("the owner may");
        }
        let queues = ["ai", "default", "profiles", "reading"];
        drain(&self.app.store, &self.app.dispatch, handlers::all(&self.app), &self.url, &queues)
            .await
            .expect("the drain");
    }

    async fn owner(&self) -> PgConnection {
        PgConnection::connect(&self.database.admin_url).await.expect("the server answers")
    }

    async fn mail(&self, id: Uuid) -> inbound::Mail {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        inbound::get(&mut tx, id).await.expect("the database").expect("the mail")
    }

    async fn ticket_of(&self, mail: &Received) -> TicketId {
        self.mail(mail.id).await.ticket_id.expect("it was taken in")
    }

    async fn whole(&self, ticket: TicketId) -> full::Whole {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        full::whole(&mut tx, ticket).await.expect("the database").expect("the ticket")
    }

    async fn messages(&self, ticket: TicketId) -> Vec<Stored> {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        let mut found = message::list(&mut tx, ticket, Which::Public, None, 100).await.expect("the database");
        found.reverse();
        found
    }

    async fn message(&self, ticket: TicketId, message: MessageId) -> Stored {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        message::get(&mut tx, ticket, message).await.expect("the database").expect("the message")
    }

    async fn replies(&self, ticket: TicketId, text: &str, status: Option<Status>) -> MessageId {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        let new = NewReply { text, last_seen: None, force: true, send_at: None, status, attachments: &[] };
        let Replied::Queued { message, announcement, .. } =
            reply::reply(&mut tx, &self.acting(), ticket, &new).await.expect("it is taken")
        else {
            panic!("forced replies are taken")
        };
        tx.commit().await.expect("the database");
        self.app.dispatch.announce(announcement);
        message.id
    }
}

fn mail(head: &str, text: &str) -> Vec<u8> {
    format!("From: Ann <ann@x.example>\r\nTo: help@shop.example\r\n{head}\r\n{text}\r\n").into_bytes()
}

fn text_of(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw).into_owned()
}

fn header<'a>(mail: &'a str, name: &str) -> Option<&'a str> {
    mail.lines()
        .take_while(|line| !line.is_empty())
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_becomes_a_ticket_and_the_answers_are_one_thread() {
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, None).await;
    let raw = mail(
        "Message-ID: <a1@x.example>\r\nSubject: Lamp\r\nContent-Type: multipart/mixed; boundary=b\r\n",
        "--b\r\nContent-Type: text/html\r\n\r\n<p>Where is it?</p><script>x()</script>\r\n--b\r\nContent-Type: image/svg+xml\r\n\
         Content-Disposition: attachment; filename=\"a.png\"\r\n\r\n<svg onload='x()'/>\r\n--b--",
    );
    let first = shop.hands_in(&raw, Some("ann@x.example")).await;
    let again = shop.hands_in(&raw, Some("ann@x.example")).await;
    assert!(first.is_new && !again.is_new && first.id == again.id);
    shop.works().await;
    let ticket = shop.ticket_of(&first).await;
    let whole = shop.whole(ticket).await;
    assert_eq!(whole.ticket.subject.as_deref(), Some("Lamp"));
    assert_eq!(
        (whole.ticket.customer_email.as_deref(), whole.ticket.message_count),
        (Some("ann@x.example"), 1)
    );
    let [came] = shop.messages(ticket).await.try_into().expect("one message");
    assert_eq!(
        (came.body_text.as_str(), came.sender_email.as_deref()),
        ("Where is it?", Some("ann@x.example"))
    );
    assert_eq!(came.body_html.as_deref().map(str::trim), Some("<p>Where is it?</p>"));
    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("the database");
    let files = attachments::of_messages(&mut tx, &[came.id]).await.expect("the database");
    tx.commit().await.expect("the database");
    // It says that it is a picture, and is something that runs.
    assert_eq!((files.len(), files[0].content_type.as_str()), (1, "application/octet-stream"));

    let reply = shop.replies(ticket, "It left on Monday.", Some(Status::Pending)).await;
    shop.works().await;
    assert_eq!(shop.message(ticket, reply).await.delivery.as_deref(), Some("sent"));
    let [sent] = sink.mails().try_into().expect("one mail");
    assert_eq!(
        (sent.from.as_str(), sent.to.as_slice()),
        ("help@shop.example", ["ann@x.example".to_owned()].as_slice())
    );
    let text = text_of(&sent.raw);
    assert_eq!(header(&text, "In-Reply-To"), Some("<a1@x.example>"));
    assert_eq!(header(&text, "Subject"), Some("Re: Lamp"));
    assert_eq!(header(&text, "Auto-Submitted"), None);
    let id = header(&text, "Message-ID").expect("it has one").to_owned();

    // An answer that names ours alone, and quotes it.
    let head = format!("Message-ID: <a2@x.example>\r\nSubject: Something else\r\nIn-Reply-To: {id}\r\n");
    let answer = mail(&head, "Thanks!\r\n\r\nOn Monday, Lamp Shop wrote:\r\n> It left on Monday.");
    let second = shop.hands_in(&answer, Some("ann@x.example")).await;
    shop.works().await;
    assert_eq!(shop.ticket_of(&second).await, ticket);
    let messages = shop.messages(ticket).await;
    assert_eq!(messages.last().and_then(|last| last.stripped_text.as_deref()), Some("Thanks!"));
    let whole = shop.whole(ticket).await;
    assert_eq!((whole.ticket.status.as_str(), whole.ticket.message_count), ("open", 3));
    shop.works().await;
    assert_eq!(sink.count(), 1, "nothing is sent twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_of_a_thread_find_each_other_in_any_order_and_numbers_count_from_its_people_alone() {
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, None).await;
    let third = mail("Message-ID: <t3@x>\r\nSubject: Re: T\r\nIn-Reply-To: <t2@x>\r\n", "third");
    let first = mail("Message-ID: <t1@x>\r\nSubject: T\r\n", "first");
    let second = mail("Message-ID: <t2@x>\r\nSubject: Re: T\r\nIn-Reply-To: <t1@x>\r\n", "second");
    let mut tickets = Vec::new();
    for raw in [third, first, second] {
        let received = shop.hands_in(&raw, None).await;
        shop.works().await;
        tickets.push(received);
    }
    let last = shop.ticket_of(&tickets[2]).await;
    assert_eq!(shop.messages(last).await.len(), 3, "the mail that links two tickets joins them");
    let number = shop.whole(last).await.ticket.number;
    let by_number = mail(&format!("Message-ID: <n1@x>\r\nSubject: About #{number}\r\n"), "mine");
    let mine = shop.hands_in(&by_number, None).await;
    let stranger = text_of(&by_number).replace("ann@x.example", "eve@x.example").replace("n1@x", "n2@x");
    let theirs = shop.hands_in(stranger.as_bytes(), None).await;
    shop.works().await;
    assert_eq!(shop.ticket_of(&mine).await, last);
    assert_ne!(shop.ticket_of(&theirs).await, last);
}

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
    sink.inject(Fault::Later, 1);
    let later = shop.replies(ticket, "Later.", None).await;
    shop.works().await;
    assert_eq!(shop.message(ticket, later).await.delivery.as_deref(), Some("queued"));
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
            subject: "Lamp",
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

#[tokio::test(flavor = "multi_thread")]
async fn mails_of_every_shape_come_to_the_threads_that_they_belong_to() {
    let sink = MailSink::start().await.expect("a free port");
    let shop = Shop::open(&sink, Some("We have your mail.")).await;
    let mails = generator::mails(11, 120, "help@shop.example");
    let mut received = Vec::new();
    for mail in &mails {
        received.push(shop.hands_in(&mail.raw, Some(&mail.envelope_from)).await);
    }
    shop.works().await;
    let mut of_thread = std::collections::HashMap::new();
    for (mail, received) in mails.iter().zip(&received) {
        let taken = shop.mail(received.id).await;
        assert_eq!(taken.state, "taken", "{}", text_of(&mail.raw));
        assert_eq!(taken.machine.is_some(), mail.kind.is_machine(), "{}", text_of(&mail.raw));
        let ticket = taken.ticket_id.expect("a ticket");
        let current = shop.whole(ticket).await.merged_into.unwrap_or(ticket);
        assert_eq!(*of_thread.entry(mail.thread).or_insert(current), current, "{}", text_of(&mail.raw));
        let message = MessageId(taken.message_row.expect("a message"));
        let stored = shop.message(current, message).await;
        assert!(stored.body_text.contains(&mail.word), "{:?} in {}", mail.word, stored.body_text);
        assert!(!stored.body_text.contains("color:red"));
    }
    let tickets: std::collections::HashSet<_> = of_thread.values().collect();
    assert_eq!(tickets.len(), of_thread.len(), "no two threads are one ticket");
    // Each person was told once; of a list at most those who answered before its mail was read.
    let openings = mails.iter().filter(|mail| mail.kind == generator::Kind::Opening).count();
    let told: std::collections::HashSet<_> = sink.mails().into_iter().flat_map(|sent| sent.to).collect();
    assert_eq!(sink.count(), told.len());
    assert!((openings..=of_thread.len()).contains(&told.len()), "{} of {openings}", told.len());
    assert!(!told.iter().any(|to| to.contains("daemon")));
}
