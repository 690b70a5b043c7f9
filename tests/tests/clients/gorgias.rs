//! The client of the help desk: what it reads, and that a note is never written twice.

use cluster::upstream::{Fault, FaultRule, SeedCustomer, SeedMessage, SeedTicket, When};
use serde_json::json;
use upstreams::{
    ClientError,
    error::PauseReason,
    gorgias::{self, NoteOrigin},
};

use crate::setup::{POLICY, POST_NOTE, account, an_upstream, calls, fault, id, note, soon, status};

#[tokio::test]
async fn reads_a_ticket_and_its_newest_messages_in_order() {
    let upstream = an_upstream().await;
    let messages = (0..250).map(|n| SeedMessage { from_agent: n % 2 == 1, text: format!("m{n}"), at: None });
    let customer = SeedCustomer { name: "Ann".into(), email: "ann@shop.example".into(), external_id: None };
    upstream.seed_ticket(
        7,
        SeedTicket { subject: "Lamp".into(), channel: "chat".into(), customer, messages: messages.collect() },
    );
    let account = account(&upstream, POLICY);
    let ticket = account.get_ticket(&soon(), 7).await.expect("a ticket");
    assert_eq!(
        (ticket.id, ticket.subject.as_deref(), ticket.channel.as_deref()),
        (7, Some("Lamp"), Some("chat"))
    );
    let newest = account.list_messages(&soon(), 7, 150).await.expect("messages");
    let texts: Vec<_> = newest.iter().filter_map(|message| message.body_text.clone()).collect();
    assert_eq!(texts, (100..250).map(|n| format!("m{n}")).collect::<Vec<_>>());
    assert_eq!(calls(&upstream, "GET /api/messages"), 2);
}

#[tokio::test]
async fn long_messages_are_read_in_smaller_pages() {
    let upstream = an_upstream().await;
    let text = |n: usize| format!("m{n} {}", "x".repeat(120_000));
    let messages = (0..100).map(|n| SeedMessage { from_agent: false, text: text(n), at: None });
    let customer = SeedCustomer { name: "Ann".into(), email: "ann@shop.example".into(), external_id: None };
    let ticket =
        SeedTicket { subject: "Lamp".into(), channel: "chat".into(), customer, messages: messages.collect() };
    upstream.seed_ticket(7, ticket);
    let newest = account(&upstream, POLICY).list_messages(&soon(), 7, 30).await.expect("messages");
    // Of a text as much is kept as a draft can use.
    let names: Vec<_> =
        newest.iter().filter_map(|message| message.body_text.as_deref()?.split(' ').next()).collect();
    assert_eq!(names, (70..100).map(|n| format!("m{n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_nobody_needs_may_be_of_any_type() {
    let upstream = an_upstream().await;
    let body = Some(json!({"id": "7", "subject": 4711, "tags": [5, {"name": "vip"}], "customer": [],
        "updated_datetime": 1_795_168_800, "spam": "no", "custom": {"w": [[[[]]]]}}));
    upstream.inject(fault("/api/tickets", 1, Fault::Status { status: 200, retry_after: None, body }));
    let ticket = account(&upstream, POLICY).get_ticket(&soon(), 7).await.expect("a ticket");
    assert_eq!((ticket.id, ticket.subject.as_deref(), ticket.tags.len()), (7, Some("4711"), 1));
    assert_eq!(ticket.updated_datetime.map(|at| at.timestamp()), Some(1_795_168_800));
}

#[tokio::test]
async fn a_note_is_written_once_however_often_it_is_asked_for() {
    let upstream = an_upstream().await;
    let account = account(&upstream, POLICY);
    let first = account.ensure_internal_note(&soon(), 7, &id("n1"), &note("text")).await.expect("posted");
    let again = account.ensure_internal_note(&soon(), 7, &id("n1"), &note("text")).await.expect("found");
    assert_eq!((first.origin, again.origin), (NoteOrigin::Posted, NoteOrigin::Found));
    assert_eq!(first.message_id, again.message_id);
    assert_eq!(upstream.recorded().notes["n1"], 1);
    let messages = account.list_messages(&soon(), 7, 10).await.expect("messages");
    let note = messages.last().expect("the note is the newest");
    assert!(note.is_internal_note() && note.from_agent);
    assert_eq!(note.body_text.as_deref(), Some("text"));
}

#[tokio::test]
async fn a_note_whose_answer_got_lost_is_found_and_not_repeated() {
    for hidden in [Fault::Close, status(502), status(500)] {
        let upstream = an_upstream().await;
        let account = account(&upstream, POLICY);
        let rule =
            FaultRule { method: Some("POST".into()), when: When::After, ..fault("/api/tickets", 1, hidden) };
        upstream.inject(rule.clone());
        let found = account.ensure_internal_note(&soon(), 7, &id("n1"), &note("t")).await.expect("found");
        assert_eq!(found.origin, NoteOrigin::Found);
        upstream.inject(rule);
        let error =
            account.post_internal_note(&soon(), 7, &id("n2"), &note("t")).await.expect_err("unknown fate");
        assert!(error.may_have_taken_effect(), "{error}");
        assert_eq!(calls(&upstream, POST_NOTE), 2, "neither was sent again");
        assert!(upstream.recorded().duplicates.notes.is_empty());
    }
}

#[tokio::test]
async fn a_note_that_was_certainly_not_taken_is_sent_again() {
    let upstream = an_upstream().await;
    let no_wait = Fault::Status { status: 429, retry_after: Some("0".into()), body: None };
    upstream.inject(FaultRule { method: Some("POST".into()), ..fault("/api/tickets", 2, no_wait) });
    let account = account(&upstream, POLICY);
    account.post_internal_note(&soon(), 7, &id("n1"), &note("t")).await.expect("posted at the third try");
    assert_eq!(calls(&upstream, POST_NOTE), 3);
    assert_eq!(upstream.recorded().notes["n1"], 1);
}

#[tokio::test]
async fn a_wait_that_comes_with_a_servers_error_is_kept_for_a_note_too() {
    let upstream = an_upstream().await;
    let account = account(&upstream, POLICY);
    let down = Fault::Status { status: 503, retry_after: Some("60".into()), body: None };
    upstream.inject(FaultRule { method: Some("POST".into()), ..fault("/api/tickets", 1, down) });
    let error = account.post_internal_note(&soon(), 7, &id("n1"), &note("t")).await.expect_err("a minute");
    assert!(matches!(error, ClientError::RetryAfter { reason: PauseReason::AskedToWait, .. }), "{error}");
    assert!(error.may_have_taken_effect(), "look before posting again");
    assert_eq!(calls(&upstream, POST_NOTE), 1, "it was not sent again");
}

#[tokio::test]
async fn a_customer_is_found_by_address_and_forgotten_with_their_tickets() {
    let upstream = an_upstream().await;
    for (id, email) in [(41, "Zoe@X.example"), (42, "zoe@x.example"), (43, "bob@x.example")] {
        let customer = SeedCustomer { name: "Somebody".into(), email: email.into(), external_id: None };
        let ticket =
            SeedTicket { subject: "s".into(), channel: "email".into(), customer, messages: Vec::new() };
        upstream.seed_ticket(id, ticket);
    }
    let client = account(&upstream, POLICY);
    let found = client.customers_by_email(&soon(), "zoe@x.example").await.expect("a list");
    assert_eq!((found.ids.as_slice(), found.is_cut), ([41, 42].as_slice(), false));
    assert_eq!(client.customers_by_email(&soon(), "nobody@x.example").await.expect("a list").ids, [0_u64; 0]);
    let tickets = client.tickets_of_customer(&soon(), 42).await.expect("a list");
    assert_eq!(tickets.ids, [42]);
    for expected in [gorgias::Deletion::Done, gorgias::Deletion::WasGone] {
        assert_eq!(client.delete_ticket(&soon(), 42).await.expect("deleted"), expected);
        assert_eq!(client.delete_customer(&soon(), 42).await.expect("deleted"), expected);
    }
    assert_eq!(upstream.forgotten(), ["ticket 42", "customer 42"]);
    upstream.inject(fault("/api/customers", 1, status(403)));
    let refused = client.customers_by_email(&soon(), "zoe@x.example").await.expect_err("it may not");
    assert!(matches!(refused, ClientError::Unauthorised { status: 403, .. }), "{refused}");
}
