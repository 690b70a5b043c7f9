//! Erasing a person: no word of theirs is left anywhere, others are as before, and what is counted is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{delete, get};
use axum::{Json, Router};
use database::Role;
use serde_json::json;
use support::privacy::requests::{self, Asked, Kind, State as Stage};
use upstreams::gorgias::Gorgias;
use upstreams::http::RetryPolicy;
use upstreams::{Breakers, Destinations};
use worker::app::App;

use super::shop::{BOB, Shop, ZOE};

fn zoe() -> Asked {
    Asked {
        customer_id: Some(ZOE.customer.into()),
        email: None,
        verification: "she came with her passport".into(),
    }
}

/// What reports count, of orders, of the desk, of what is known.
async fn counts(shop: &Shop) -> BTreeMap<&'static str, i64> {
    let mut counts = BTreeMap::new();
    for (name, statement) in [
        ("orders", "select count(*) from platform.order"),
        ("revenue", "select (sum(amount) * 100)::bigint from platform.order_line"),
        ("buyers", "select count(distinct customer_id) from platform.order_line"),
        ("profiles", "select count(*) from platform.customer_profile"),
        ("spend", "select (sum(spend) * 100)::bigint from platform.customer_profile"),
        ("customers", "select count(*) from platform.customer where merged_into is null"),
        (
            "segment",
            "select count(distinct customer_id) from marketing_app.segment_member where customer_id not in ('zq-0815', 'bb-9876')",
        ),
        ("tickets", "select count(*) from support_app.ticket"),
        ("resolved", "select count(*) from support_app.ticket where resolved_at is not null"),
        ("messages", "select count(*) from support_app.message"),
        ("score", "select sum(score)::bigint from support_app.rating"),
        ("drafts", "select count(*) from support_app.draft"),
        ("deliveries", "select count(*) from support_app.inbox"),
        ("mails", "select count(*) from support_app.mail"),
        ("runs of rules", "select count(*) from support_app.rule_run where results @> '[{\"holds\": true}]'"),
        ("told", "select count(*) from outbound.event"),
        ("deliveries to endpoints", "select count(*) from outbound.webhook_delivery"),
        ("alerts", "select count(*) from outbound.alert"),
        ("asked for by law", "select count(*) from platform.shop_privacy_request"),
        (
            "jobs",
            "select count(*) from jobs.job where kind in ('draft_reply', 'send_reply', 'recompute_profile')",
        ),
    ] {
        counts.insert(name, shop.number(statement).await);
    }
    counts
}

#[tokio::test]
async fn no_word_of_an_erased_person_is_left_and_others_are_as_before() {
    let shop = Shop::open().await;
    let before = shop.found(&ZOE.words()).await;
    for place in [
        "support_app.inbox.body",
        "support_app.ticket_search.document",
        "jobs.live.payload",
        "jobs.dead.error",
        "jobs.idempotency.answer",
        "shared.audit.detail",
        "platform.profile_snapshot.customers",
        "marketing_app.fact_block.last_customer",
        "support_app.mail.raw",
        "support_app.mail.remarks",
        "support_app.mail_sender.sender",
        "support_app.mail_acknowledged.customer",
        "support_app.mailbox.last_error",
        "support_app.auto_reply.customer",
        "support_app.message.body_html",
        "support_app.message.stripped_text",
        "support_app.message.sender_email",
        "support_app.message.mail_message_id",
        "support_app.help_desk_base.tags",
        "support_app.help_desk_difference.theirs",
        "support_app.rule_cause.detail",
        "support_app.rule_run.results",
        "support_app.rule_run.problem",
        "support_app.rule_trial_hit.results",
        "support_app.rule_webhook.body",
        "outbound.outbox.data",
        "outbound.event.data",
        "outbound.attempt.response_body",
        "outbound.thread.subject",
        "platform.shop_event.body",
        "platform.shop_privacy_request.email",
        "platform.shop_ref.external_id",
        "questions_app.exchange.question",
        "questions_app.exchange.last_call",
    ] {
        assert!(before.contains_key(place), "{place} is seeded: {before:#?}");
    }
    assert!(before.keys().any(|place| place.starts_with("file: ")), "{before:#?}");
    let (mut counted, of_bob) = (counts(&shop).await, shop.found(&BOB.words()).await);
    // Her open ticket is closed.
    *counted.get_mut("resolved").expect("counted") += 1;

    let id = shop.asks(Kind::Erase, zoe(), false).await;
    shop.drain().await;
    let request = shop.request(id).await;
    assert_eq!((request.state, request.error.as_deref()), (Stage::Done, None), "{:?}", request.remarks);
    let left = shop.found(&ZOE.words()).await;
    assert!(left.is_empty(), "{left:#?}");

    assert_eq!(counts(&shop).await, counted);
    let of_bob_after = shop.found(&BOB.words()).await;
    // The index of facts is made anew by the next count, and the shard's bound was the other's.
    let differing: Vec<_> = of_bob
        .iter()
        .filter(|(place, rows)| {
            of_bob_after.get(*place) != Some(rows) && !place.starts_with("marketing_app.fact_block")
        })
        .collect();
    assert!(differing.is_empty(), "{differing:#?} of {of_bob_after:#?}");
    // Who wrote in a ticket of hers is found there still, she is not.
    assert_eq!(
        shop.number("select count(*) from support_app.message where body_text like 'a guest: %'").await,
        1
    );

    let token = requests::token(id);
    let renamed = format!("select count(*) from platform.order_line where customer_id = '{token}'");
    assert_eq!(shop.number(&renamed).await, 2);
    let certificate = request.certificate.expect("a certificate");
    assert_eq!((&certificate["subject"], &certificate["requested_by"]), (&token.into(), &"key:test".into()));
    assert_eq!(certificate["reached"]["support_app.message"], 9, "{certificate:#}");
    assert_eq!(certificate["reached"]["platform.order_line"], 2, "{certificate:#}");
    assert_eq!(certificate["reached"]["files"], 1, "{certificate:#}");
    assert_eq!(certificate["sha256"].as_str().map(str::len), Some(64));
    assert!(request.asked.is_none() && request.person.is_none());
    // What waited for her is over; what could not be answered any more is closed.
    assert_eq!(
        shop.number("select count(*) from jobs.live where queue = 'nowhere'").await,
        3,
        "the other's three"
    );
    assert_eq!(
        shop.number("select count(*) from support_app.ticket where status = 'open'").await,
        1,
        "the other's"
    );
}

#[tokio::test]
async fn tags_that_tell_who_somebody_is_go_however_they_are_written_and_others_stay() {
    let shop = Shop::open().await;
    for (of, tags) in [
        (
            "zq-4711 t2",
            "vip,Zanzibara Quokka,zanzibara-quokka,ZANZIBARA_QUOKKA_2024,re: zanzibara@quokka.example,zanzibara-quokka-example,\
             0170 999 91 11,0049-170-9999111,zq-4711,zebra,zanzibar,order 9111,Bobward Neighbour",
        ),
        ("bb-1234 t2", "vip,Bobward Neighbour"),
    ] {
        shop.sql(&format!(
            "update support_app.ticket set tags = string_to_array('{tags}', ',') where id = md5('{of}')::uuid"
        ))
        .await;
    }
    shop.asks(Kind::Erase, zoe(), false).await;
    shop.drain().await;
    let tags = |of: &'static str| {
        format!("select count(*) from support_app.ticket where id = md5('{of} t2')::uuid and tags = ")
    };
    for statement in [
        // What is another's name is no word of hers.
        tags("zq-4711") + "'{vip,zebra,zanzibar,\"order 9111\",\"Bobward Neighbour\"}'",
        tags("bb-1234") + "'{vip,\"Bobward Neighbour\"}'",
    ] {
        assert_eq!(shop.number(&statement).await, 1, "{statement}");
    }
    let left = shop.found(&ZOE.words()).await;
    assert!(left.is_empty(), "{left:#?}");
}

#[tokio::test]
async fn an_erasure_that_ended_in_the_middle_is_gone_on_with_and_ends_the_same() {
    let whole = Shop::open().await;
    let id = whole.asks(Kind::Erase, zoe(), false).await;
    whole.drain().await;
    let expected = whole.request(id).await.certificate.expect("a certificate");

    let shop = Shop::open().await;
    // A night run is cut at her id, so tickets and jobs are erased, and orders cannot be yet.
    shop.sql("update platform.intelligence_run set state = 'scoring'").await;
    let id = shop.asks(Kind::Erase, zoe(), false).await;
    shop.drain().await;
    assert_eq!(shop.request(id).await.state, Stage::Running);
    let half = shop.found(&ZOE.words()).await;
    assert!(half.keys().any(|place| place.starts_with("platform.order_line")), "{half:#?}");
    assert!(!half.keys().any(|place| place.starts_with("support_app.message")), "{half:#?}");
    assert!(!half.keys().any(|place| place.starts_with("support_app.privacy_request")), "sealed: {half:#?}");
    // Whoever names her is refused already.
    assert!(shop.number("select count(*) from platform.erased_identity where kind = 'email'").await > 0);

    shop.sql("update platform.intelligence_run set state = 'published'").await;
    // The worker that had begun is gone, and its job is due again.
    shop.sql("update jobs.live set due_at = now() where kind = 'erase_customer'").await;
    shop.drain().await;
    let left = shop.found(&ZOE.words()).await;
    assert!(left.is_empty(), "{left:#?}");
    let certificate = shop.request(id).await.certificate.expect("a certificate");
    assert_eq!(certificate["reached"], expected["reached"], "each row is counted once");

    // Once more changes nothing.
    shop.does(&support::kinds::EraseCustomer { request_id: id }).await;
    assert_eq!(shop.request(id).await.certificate, Some(certificate));
}

#[tokio::test]
async fn what_was_erased_does_not_come_back_when_it_is_told_again() {
    let shop = Shop::open().await;
    shop.asks(Kind::Erase, zoe(), false).await;
    shop.drain().await;
    let ticket = shop.id(&ZOE, "t1").await;
    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("begins");
    sqlx::query(
        "select support_app.take_in($1, jsonb_build_object('id', gen_random_uuid(), 'provider', 'gorgias', 'dedup_key', 'again',
             'decision', 'skipped', 'skip_reason', 'agent_spoke_last', 'correlation_id', 'c'),
             '{\"customer\": \"xylophonist\"}',
             jsonb_build_object('id', gen_random_uuid(), 'provider', 'gorgias', 'external_id', '711', 'subject', 'xylophonist asks',
                 'customer_email', $2::text, 'customer_name', 'Zanzibara Quokka',
                 'tags', jsonb_build_array('refund', 'call ' || $2::text)),
             jsonb_build_array(jsonb_build_object('id', gen_random_uuid(), 'external_id', 'm-again', 'from_agent', false,
                 'internal', false, 'channel', 'email', 'body_text', 'xylophonist', 'sent_at', now() - interval '2 hours')), null)",
    )
    .bind(shop.tenant)
    .bind(ZOE.email)
    .execute(&mut *tx)
    .await
    .expect("taken in");
    sqlx::query(
        "insert into support_app.help_desk_difference (tenant_id, ticket_id, field, ours, theirs, merged)
         values ($1, $2, 'tags', '[\"refund\"]', jsonb_build_array('refund', 'call ' || $3::text), '[\"refund\"]')",
    )
    .bind(shop.tenant)
    .bind(ticket)
    .bind(ZOE.email)
    .execute(&mut *tx)
    .await
    .expect("noted");
    tx.commit().await.expect("commits");
    assert_eq!(
        shop.number("select count(*) from support_app.help_desk_base where tags = '{refund}'").await,
        1,
        "the other's has their word too"
    );
    assert_eq!(shop.number("select count(*) from support_app.inbox where dedup_key = 'again'").await, 1);
    assert_eq!(
        shop.number(&format!("select count(*) from support_app.message where ticket_id = '{ticket}'")).await,
        4
    );
    let left = shop.found(&ZOE.words()).await;
    assert!(left.is_empty(), "{left:#?}");
}

#[tokio::test]
async fn what_the_help_desk_calls_an_erased_customer_is_kept_as_a_code_alone() {
    let shop = Shop::open().await;
    shop.sql(
        "insert into platform.customer_identity (tenant_id, kind, value, customer_id)
         select tenant_id, 'desk', 'd-731', customer_id from platform.customer where customer_id in ('zq-4711', 'bb-1234')
         union all
         select tenant_id, 'desk', 'd-732', customer_id from platform.customer where customer_id = 'zq-4711'",
    )
    .await;
    let id = shop.asks(Kind::Erase, zoe(), false).await;
    shop.drain().await;
    assert_eq!(shop.request(id).await.state, Stage::Done);
    let of_bob =
        "select count(*) from platform.customer_identity where kind = 'desk' and customer_id = 'bb-1234'";
    assert_eq!(shop.number("select count(*) from platform.customer_identity where kind = 'desk'").await, 1);
    assert_eq!(shop.number(of_bob).await, 1, "what the other is called stays");
    // The one of her ticket and the one that was noted; not the one that another customer has as well.
    assert_eq!(shop.number("select count(*) from platform.erased_identity where kind = 'desk'").await, 2);
}

#[tokio::test]
async fn an_address_of_several_is_nobody_and_an_unknown_one_erases_its_tickets() {
    let shop = Shop::open().await;
    shop.sql("insert into platform.customer_identity (tenant_id, kind, value, customer_id)
              select tenant_id, 'email', 'zanzibara@quokka.example', 'bb-1234' from platform.customer where customer_id = 'bb-1234'")
        .await;
    let asked = Asked { customer_id: None, email: Some(ZOE.email.into()), verification: "by mail".into() };
    let id = shop.asks(Kind::Erase, asked, false).await;
    shop.drain().await;
    let request = shop.request(id).await;
    assert_eq!(request.state, Stage::Failed);
    assert!(request.error.is_some_and(|error| error.contains("2 customers have the address")));
    assert!(shop.found(&ZOE.words()).await.contains_key("support_app.message.body_text"));

    // By her id she is erased, and tickets that name nothing but the shared address stay.
    let id = shop.asks(Kind::Erase, zoe(), false).await;
    shop.drain().await;
    let request = shop.request(id).await;
    assert_eq!(request.state, Stage::Done);
    assert!(
        request.remarks.iter().any(|remark| remark.contains("another customer's too")),
        "{:?}",
        request.remarks
    );
    assert_eq!(shop.number("select count(*) from support_app.ticket where erased_at is not null").await, 2);
}

/// A help desk that knows her by her address as another customer too, with a ticket that was never told here, and forgets
/// what it may.
#[derive(Clone, Default)]
struct Desk {
    done: Arc<Mutex<Vec<String>>>,
    /// What is refused, as `kind id`.
    forbidden: &'static str,
    /// Whether it answers nobody.
    is_away: Arc<AtomicBool>,
}

impl Desk {
    async fn start(&self) -> String {
        let remove = |kind: &'static str| {
            delete(move |State(desk): State<Desk>, Path(id): Path<String>| async move {
                let what = format!("{kind} {id}");
                if what == desk.forbidden {
                    return StatusCode::FORBIDDEN;
                }
                if what == "ticket 711" {
                    return StatusCode::NOT_FOUND;
                }
                desk.done.lock().expect("whole").push(what);
                StatusCode::NO_CONTENT
            })
        };
        let customers = |State(desk): State<Desk>, Query(query): Query<BTreeMap<String, String>>| async move {
            if desk.is_away.load(Ordering::Acquire) {
                return Err(StatusCode::SERVICE_UNAVAILABLE);
            }
            // An account that does not know the filter answers with everybody.
            let all = json!([
                {"id": 719, "email": ZOE.email.to_uppercase()},
                {"id": 720, "email": "else@x.example", "channels": [{"type": "email", "address": ZOE.email}]},
                {"id": 9, "email": BOB.email},
            ]);
            let is_asked = query.contains_key("email");
            Ok(Json(json!({"data": if is_asked { all } else { json!([]) }, "meta": {"next_cursor": null}})))
        };
        let tickets = |Query(query): Query<BTreeMap<String, String>>| async move {
            let all = json!([
                {"id": 800, "customer": {"id": 720}},
                {"id": 900, "customer": {"id": 9}},
            ]);
            let is_asked = query.get("customer_id").is_some_and(|id| id == "720");
            Json(json!({"data": if is_asked { all } else { json!([]) }, "meta": {"next_cursor": null}}))
        };
        let desk = Router::new()
            .route("/api/tickets", get(tickets))
            .route("/api/tickets/{id}", remove("ticket"))
            .route("/api/customers", get(customers))
            .route("/api/customers/{id}", remove("customer"))
            .with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}/api", listener.local_addr().expect("bound"));
        tokio::spawn(async move { axum::serve(listener, desk).await });
        base
    }

    fn done(&self) -> Vec<String> {
        self.done.lock().expect("whole").clone()
    }
}

async fn shop_with_help_desk() -> Shop {
    // Whoever is away is asked once an attempt.
    let policy = RetryPolicy { attempts: 1, ..Gorgias::POLICY };
    Shop::open_with(|app| App {
        gorgias: Gorgias::with_policy(Destinations::PublicOrLoopback, Breakers::default(), policy)
            .expect("a client"),
        ..app
    })
    .await
}

#[tokio::test]
async fn while_the_help_desk_is_away_the_certificate_says_what_is_still_to_be_done_and_then_that_it_is() {
    let desk = Desk::default();
    desk.is_away.store(true, Ordering::Release);
    let shop = shop_with_help_desk().await;
    shop.connect_help_desk(&desk.start().await).await;
    let id = shop.asks(Kind::Erase, zoe(), true).await;
    shop.drain().await;
    let request = shop.request(id).await;
    assert_eq!((request.state, request.help_desk_state.as_deref()), (Stage::Done, Some("queued")));
    let before = request.certificate.expect("a certificate");
    let told = &before["help_desk"];
    assert_eq!((&before["is_complete"], &told["state"]), (&json!(false), &json!("queued")), "{before:#}");
    assert!(told["what"].as_str().is_some_and(|what| what.starts_with("still to be done")), "{told:#}");
    let left = told["left"].as_array().expect("a list");
    assert!(left.iter().any(|left| left["what"] == "addresses"), "{told:#}");
    assert!(left.iter().all(|left| left["reason"] == "unavailable"), "{told:#}");
    assert_eq!(told["deleted"], json!({"addresses": 0, "customers": 0, "tickets": 0}), "{told:#}");

    desk.is_away.store(false, Ordering::Release);
    let waits = "update jobs.live set due_at = now() where kind = 'erase_in_help_desk'";
    assert_eq!(shop.sql(waits).await, 1);
    shop.drain().await;
    let request = shop.request(id).await;
    assert_eq!(request.help_desk_state.as_deref(), Some("done"));
    assert!(request.person.is_none(), "nothing of her is needed any more");
    let after = request.certificate.expect("a certificate");
    assert_eq!((&after["is_complete"], &after["help_desk"]["left"]), (&json!(true), &json!([])), "{after:#}");
    assert_ne!(before["sha256"], after["sha256"]);
    assert_eq!(desk.done(), ["ticket 800", "customer 719", "customer 720"]);
}

#[tokio::test]
async fn the_help_desk_forgets_whoever_has_her_addresses_too() {
    let desk = Desk::default();
    let shop = shop_with_help_desk().await;
    shop.connect_help_desk(&desk.start().await).await;
    let id = shop.asks(Kind::Erase, zoe(), true).await;
    shop.drain().await;
    let request = shop.request(id).await;
    assert_eq!(request.help_desk_state.as_deref(), Some("done"), "{:?}", request.certificate);
    assert!(request.person.is_none(), "nothing of her is needed any more");
    assert_eq!(desk.done(), ["ticket 800", "customer 719", "customer 720"], "and nobody else's");
    let told = request.certificate.expect("a certificate")["help_desk"].clone();
    let addresses = told["looked_for"]["addresses"].as_u64().expect("a number");
    assert!(addresses >= 1, "{told:#}");
    assert_eq!(told["looked_for"]["customers"], 1, "{told:#}");
    assert_eq!(told["found"], json!({"addresses": 0, "customers": 1, "tickets": 1}), "{told:#}");
    assert_eq!(told["deleted"], json!({"addresses": 0, "customers": 2, "tickets": 1}), "{told:#}");
    assert_eq!(told["was_gone"], json!({"addresses": 0, "customers": 0, "tickets": 1}), "{told:#}");
    assert_eq!(told["left"], json!([]), "{told:#}");
    let left = shop.found(&ZOE.words()).await;
    assert!(left.is_empty(), "{left:#?}");
}

#[tokio::test]
async fn what_the_help_desk_does_not_let_go_is_told_and_keeps_nothing_else() {
    let desk = Desk { forbidden: "customer 719", ..Desk::default() };
    let shop = shop_with_help_desk().await;
    shop.connect_help_desk(&desk.start().await).await;
    let id = shop.asks(Kind::Erase, zoe(), true).await;
    shop.drain().await;
    let request = shop.request(id).await;
    assert_eq!(request.help_desk_state.as_deref(), Some("failed"), "{:?}", request.certificate);
    assert_eq!(desk.done(), ["ticket 800", "customer 720"]);
    assert!(request.person.is_some(), "whoever retries it knows whom");
    let told = request.certificate.expect("a certificate")["help_desk"].clone();
    assert_eq!(told["left"][0]["what"], "customers", "{told:#}");
    assert_eq!((&told["left"][0]["count"], &told["left"][0]["reason"]), (&json!(1), &json!("forbidden")));

    // A shop that has none connected is told so, by what was not looked for.
    let shop = Shop::open().await;
    let id = shop.asks(Kind::Erase, zoe(), true).await;
    shop.drain().await;
    let request = shop.request(id).await;
    let told = request.certificate.expect("a certificate")["help_desk"].clone();
    assert_eq!(told["state"], "failed", "{told:#}");
    let left = told["left"].as_array().expect("a list");
    assert!(left.iter().all(|left| left["reason"] == "no_connection"), "{told:#}");
    assert!(left.iter().any(|left| left["what"] == "addresses"), "{told:#}");
}
