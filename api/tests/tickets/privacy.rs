//! What persons ask over HTTP: requests, redaction, retention, and the key that can be destroyed.

use accounts::api_keys::Scope;
use accounts::verify::Mode;
use axum::body::Body;
use database::Role;
use database::personal::{Person, Reached};
use platform::identities::erased::{ErasureKey, SECRET_LABEL};
use serde_json::{Value, json};
use support::privacy::tickets;

use crate::desk::{call, key, neighbour, send, ticket};
use crate::shop::{request, shop};

#[tokio::test]
async fn a_request_says_who_asks_and_until_when_and_names_nobody_in_the_trail() {
    let shop = shop(Mode::Token).await;
    let body =
        json!({"kind": "erase", "email": "ann@example.com", "verification": "she called from her number"});
    let made =
        call(&shop, &shop.key, "POST", "/api/privacy/requests", &body, &[("idempotency-key", "k1")]).await;
    assert_eq!(made.status, 202, "{}", made.text);
    assert!(!made.text.contains("ann@example.com"), "the answer is kept, so it names nobody: {}", made.text);
    let remark = made.json["remarks"][0].as_str().expect("it says why");
    assert!(remark.contains("was understood"), "{remark}");
    let again =
        call(&shop, &shop.key, "POST", "/api/privacy/requests", &body, &[("idempotency-key", "k1")]).await;
    assert_eq!((again.field("id"), shop.count("support_app.privacy_request").await), (made.field("id"), 1));

    let path = format!("/api/privacy/requests/{}", made.field("id"));
    let shown = shop.get(&path).await;
    assert_eq!((shown.field("email"), shown.field("state")), ("ann@example.com", "open"), "{}", shown.text);
    assert_eq!(shown.field("verification"), "she called from her number");
    let time = |name: &str| chrono::DateTime::parse_from_rfc3339(shown.field(name)).expect("a time");
    assert_eq!((time("due_at") - time("requested_at")).num_days(), 30);
    assert_eq!(
        shop.get("/api/privacy/requests?state=open").await.json["items"].as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(
        shop.get("/api/privacy/requests?state=done").await.json["items"].as_array().map(Vec::len),
        Some(0)
    );
    assert_eq!(shop.get(&format!("{path}/certificate")).await.status, 409);
    assert_eq!(shop.get(&format!("{path}/archive")).await.status, 404);

    // How far it is follows its job while that runs, and the request itself once it is done.
    let mut admin = shop.admin().await;
    assert_eq!(shown.json["steps"], json!({"done": 0, "total": 9}), "{}", shown.text);
    for (state, reported, done) in [("running", 4, 4), ("running", 9, 8), ("done", 0, 9)] {
        sqlx::query("update support_app.privacy_request set state = $1")
            .bind(state)
            .execute(&mut admin)
            .await
            .expect("as its job leaves it");
        sqlx::query("update jobs.live set progress = jsonb_build_object('done', $1::int, 'total', 9) where kind = 'erase_customer'")
            .bind(reported)
            .execute(&mut admin)
            .await
            .expect("as its job reports");
        let shown = shop.get(&path).await;
        assert_eq!(shown.json["steps"], json!({"done": done, "total": 9}), "{state}: {}", shown.text);
    }
    let listed = shop.get("/api/privacy/requests?state=done").await;
    assert_eq!(listed.json["items"][0]["steps"]["done"], 9, "{}", listed.text);
    let export = json!({"kind": "export", "email": "bea@example.com", "verification": "she called"});
    assert_eq!(send(&shop, "POST", "/api/privacy/requests", &export).await.json["steps"], Value::Null);
    sqlx::query("update support_app.privacy_request set state = 'open'")
        .execute(&mut admin)
        .await
        .expect("as it was");

    // In the database nobody can read it, and the trail names the request.
    let (open, in_trail): (i64, i64) = sqlx::query_as(
        "select (select count(*) from support_app.privacy_request r where encode(r.asked, 'escape') like '%ann@%'),
                (select count(*) from shared.audit a where a.action = 'privacy.request' and a.detail::text not like '%ann@%')",
    )
    .fetch_one(&mut admin)
    .await
    .expect("counted");
    assert_eq!((open, in_trail), (0, 2));

    for (body, field) in [
        (json!({"kind": "erase", "verification": "by mail"}), "customer_id"),
        (json!({"kind": "erase", "email": "nobody", "verification": "by mail"}), "email"),
        (json!({"kind": "erase", "email": "Ann <ann@example.com>", "verification": "by mail"}), "email"),
        (json!({"kind": "export", "email": "ann@example.com,", "verification": "by mail"}), "email"),
        (
            json!({"kind": "erase", "email": "ann@example.com, bea@example.com", "verification": "by mail"}),
            "email",
        ),
        (json!({"kind": "erase", "email": "a@example.com", "verification": " "}), "verification"),
        (json!({"kind": "forget", "email": "a@example.com", "verification": "by mail"}), "kind"),
        (
            json!({"kind": "export", "email": "a@example.com", "verification": "by mail", "in_help_desk": true}),
            "in_help_desk",
        ),
    ] {
        let refused = send(&shop, "POST", "/api/privacy/requests", &body).await;
        assert_eq!((refused.status.as_u16(), refused.field("field")), (400, field), "{}", refused.text);
    }
    let other = neighbour(&shop).await;
    assert_eq!(call(&shop, &other, "GET", &path, &Value::Null, &[]).await.status, 403);
    let reader = key(&shop, shop.tenant, &[Scope::PrivacyRead]).await;
    assert_eq!(call(&shop, &reader, "GET", &path, &Value::Null, &[]).await.status, 200);
    assert_eq!(call(&shop, &reader, "POST", "/api/privacy/requests", &body, &[]).await.status, 403);
}

#[tokio::test]
async fn an_id_and_an_address_of_two_people_are_no_request_and_each_alone_is_one() {
    let shop = shop(Mode::Token).await;
    for (id, email) in [("c-1", "ann@example.com"), ("c-2", "bob@example.com")] {
        let made = send(&shop, "POST", "/api/customers", &json!({"id": id, "email": email})).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    // Somebody whom the shop knows by a ticket alone, and a ticket of Ann's from another address.
    for customer in [json!({"email": "eve@example.com"}), json!({"id": "c-1", "email": "ann@work.example"})] {
        let body = json!({"customer": customer, "message": {"from": "customer", "text": "Hello"}});
        assert_eq!(send(&shop, "POST", "/api/tickets", &body).await.status, 201);
    }
    let asks = async |kind: &str, id: Option<&str>, email: Option<&str>| {
        let mut body = json!({"kind": kind, "verification": "she called"});
        for (name, value) in [("customer_id", id), ("email", email)] {
            if let Some(value) = value {
                body[name] = json!(value);
            }
        }
        send(&shop, "POST", "/api/privacy/requests", &body).await
    };
    for kind in ["erase", "export"] {
        for (id, email, whose) in [
            ("c-1", "Bob@Example.com", "the customer c-2's"),
            ("nobody", "bob@example.com", "the customer c-2's"),
            ("c-1", "eve@example.com", "nothing connects"),
        ] {
            let refused = asks(kind, Some(id), Some(email)).await;
            assert_eq!((refused.status.as_u16(), refused.field("field")), (422, "email"), "{}", refused.text);
            let detail = refused.field("detail");
            assert!(detail.contains(whose) && detail.contains("a request of its own"), "{detail}");
        }
    }
    assert_eq!(shop.count("support_app.privacy_request").await, 0);
    for (id, email) in [
        (Some("c-1"), None),
        (None, Some("eve@example.com")),
        (Some("c-1"), Some("Ann@Example.com")),
        (Some("c-1"), Some("ann@work.example")),
        (Some("c-1"), Some("never@written.example")),
    ] {
        let taken = asks("erase", id, email).await;
        assert_eq!(taken.status, 202, "{id:?} {email:?}: {}", taken.text);
    }
}

#[tokio::test]
async fn a_redacted_message_is_nowhere_also_in_a_closed_ticket_and_when_it_is_told_again() {
    let shop = shop(Mode::Token).await;
    let told = r#"{"ticket":{"id":5,"channel":"email","status":"open"},"message":{"id":9,"body_text":"my card is xylophone"}}"#;
    let delivered = shop.deliver(told).await;
    let id = delivered.field("ticket_id").to_owned();
    let path = format!("/api/tickets/{id}");
    send(&shop, "PATCH", &path, &json!({"status": "resolved"})).await;
    let mut admin = shop.admin().await;
    sqlx::query("update support_app.ticket set status = 'closed'").execute(&mut admin).await.expect("closed");
    sqlx::query(
        "insert into support_app.draft (id, tenant_id, ticket_id, message_count, job_id, tone, length, style, reply, drafter)
         select gen_random_uuid(), tenant_id, id, 1, gen_random_uuid(), 'friendly', 'short', 'email', 'your card xylophone', 'template'
         from support_app.ticket",
    )
    .execute(&mut admin)
    .await
    .expect("a draft");
    sqlx::query("select support_app.refresh_search(id) from support_app.ticket")
        .execute(&mut admin)
        .await
        .expect("words");
    assert_eq!(
        shop.get("/api/tickets/search?q=xylophone").await.json["items"].as_array().map(Vec::len),
        Some(1)
    );
    let message = shop.get(&format!("{path}/messages")).await.json["items"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();

    let weak = key(&shop, shop.tenant, &[Scope::TicketsWrite]).await;
    let redact = format!("/api/messages/{message}/redact");
    assert_eq!(call(&shop, &weak, "POST", &redact, &Value::Null, &[]).await.status, 403);
    let redacted = send(&shop, "POST", &redact, &Value::Null).await;
    assert_eq!(
        (redacted.status.as_u16(), redacted.field("ticket_id")),
        (200, id.as_str()),
        "{}",
        redacted.text
    );
    let again = send(&shop, "POST", &redact, &Value::Null).await;
    assert_eq!(again.field("redacted_at"), redacted.field("redacted_at"));

    assert!(!shop.get(&format!("{path}/messages")).await.text.contains("xylophone"));
    assert_eq!(
        shop.get("/api/tickets/search?q=xylophone").await.json["items"].as_array().map(Vec::len),
        Some(0)
    );
    // The help desk tells of it once more, in a delivery of another kind.
    let told = r#"{"id":"e2","type":"ticket-updated","data":{"ticket":{"id":5,"channel":"email","status":"closed"},"message":{"id":9,"body_text":"my card is xylophone"}}}"#;
    assert!(shop.deliver(told).await.status.is_success());
    assert!(!shop.get(&format!("{path}/messages")).await.text.contains("xylophone"));
    let left: i64 = sqlx::query_scalar(
        "select (select count(*) from support_app.message where body_text like '%xylophone%')
              + (select count(*) from support_app.draft where reply like '%xylophone%')
              + (select count(*) from support_app.inbox where body::text like '%xylophone%')",
    )
    .fetch_one(&mut admin)
    .await
    .expect("counted");
    assert_eq!(left, 0);
    assert_eq!(
        send(&shop, "POST", "/api/messages/0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81/redact", &Value::Null)
            .await
            .status,
        404
    );
    let other = neighbour(&shop).await;
    assert!(matches!(
        call(&shop, &other, "POST", &redact, &Value::Null, &[]).await.status.as_u16(),
        403 | 404
    ));
}

#[tokio::test]
async fn what_an_erased_person_wrote_is_not_found_in_the_ticket_in_which_theirs_goes_on() {
    let shop = shop(Mode::Token).await;
    let (hers, _) = ticket(&shop, "my xylophone is broken").await;
    let (his, _) = ticket(&shop, "my trombone is broken").await;
    let merged = send(&shop, "POST", &format!("/api/tickets/{hers}/merge"), &json!({"into": his})).await;
    assert_eq!(merged.status, 200, "{}", merged.text);
    sqlx::query("select support_app.refresh_search(id) from support_app.ticket")
        .execute(&mut shop.admin().await)
        .await
        .expect("words");
    let found = async |word: &str| -> Vec<String> {
        let page = shop.get(&format!("/api/tickets/search?q={word}")).await;
        let items = page.json["items"].as_array().expect("items");
        items.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)).collect()
    };
    assert!(found("xylophone").await.contains(&his), "it is found where it is");

    let person = Person { tickets: vec![hers.parse().expect("an id")], ..Person::default() };
    let mut tx = shop.state.db.tenant_tx(Role::Support, shop.tenant).await.expect("begins");
    tickets::erase(&mut tx, &person, &person.tickets, "job:erase_customer", &mut Reached::new())
        .await
        .expect("erased");
    tx.commit().await.expect("commits");
    assert!(found("xylophone").await.is_empty());
    assert!(found("trombone").await.contains(&his));
    let texts = shop.get(&format!("/api/tickets/{his}/messages")).await.text;
    assert!(texts.contains("trombone") && !texts.contains("xylophone"), "{texts}");
}

#[tokio::test]
async fn a_redacted_file_has_neither_bytes_nor_name() {
    let shop = shop(Mode::Token).await;
    let (id, first) = ticket(&shop, "hello").await;
    let upload = request("POST", "/api/tickets/attachments?name=passport.png").header("x-api-key", &shop.key);
    let file = shop.send(upload.body(Body::from("bytes of a passport")).expect("a request")).await;
    let reply =
        json!({"text": "see there", "last_seen_message_id": first, "attachment_ids": [file.field("id")]});
    assert_eq!(send(&shop, "POST", &format!("/api/tickets/{id}/messages"), &reply).await.status, 201);
    let path = format!("/api/tickets/attachments/{}", file.field("id"));
    assert_eq!(shop.get(&path).await.status, 200);
    let redacted = send(&shop, "POST", &format!("{path}/redact"), &Value::Null).await;
    assert_eq!(
        (redacted.status.as_u16(), redacted.field("ticket_id")),
        (200, id.as_str()),
        "{}",
        redacted.text
    );
    assert_eq!(send(&shop, "POST", &format!("{path}/redact"), &Value::Null).await.status, 200);
    assert_eq!(shop.get(&path).await.status, 404);
    let shown = shop.get(&format!("/api/tickets/{id}/messages")).await;
    assert_eq!(shown.json["items"][0]["attachments"][0]["name"], "[erased]", "{}", shown.text);
}

#[tokio::test]
async fn days_are_set_by_kind_and_the_keys_go_by_typed_words_alone() {
    let shop = shop(Mode::Token).await;
    let rules = shop.get("/api/privacy/retention").await;
    let of = |answer: &Value, kind: &str| {
        answer.as_array().expect("rules").iter().find(|rule| rule["kind"] == kind).expect(kind)["keep_days"]
            .clone()
    };
    assert_eq!((of(&rules.json, "tickets"), of(&rules.json, "archives")), (Value::Null, json!(30)));
    let set = send(&shop, "PUT", "/api/privacy/retention/tickets", &json!({"keep_days": 730})).await;
    assert_eq!((set.status.as_u16(), of(&set.json, "tickets")), (200, json!(730)), "{}", set.text);
    let set = send(&shop, "PUT", "/api/privacy/retention/tickets", &json!({"keep_days": null})).await;
    assert_eq!(of(&set.json, "tickets"), Value::Null);
    let refused = send(&shop, "PUT", "/api/privacy/retention/tickets", &json!({"keep_days": 0})).await;
    assert_eq!((refused.status.as_u16(), refused.field("field")), (400, "keep_days"));
    let unknown = send(&shop, "PUT", "/api/privacy/retention/logs", &json!({"keep_days": 1})).await;
    assert!(unknown.status == 404 && unknown.text.contains("deliveries"), "{}", unknown.text);

    let body = json!({"kind": "export", "customer_id": "c-1", "verification": "by mail"});
    let made = send(&shop, "POST", "/api/privacy/requests", &body).await;
    let path = format!("/api/privacy/requests/{}", made.field("id"));
    assert_eq!(shop.get(&path).await.field("customer_id"), "c-1");
    let wrong = send(&shop, "POST", "/api/privacy/keys/destroy", &json!({"confirm": "yes"})).await;
    assert_eq!((wrong.status.as_u16(), wrong.field("field")), (422, "confirm"), "{}", wrong.text);
    assert_eq!(shop.get("/api/privacy/keys").await.json["keys"][0]["destroyed_at"], Value::Null);
    let manager = key(&shop, shop.tenant, &[Scope::PrivacyRead, Scope::PrivacyWrite]).await;
    let confirmed = json!({"confirm": "destroy the keys of shop"});
    assert_eq!(call(&shop, &manager, "POST", "/api/privacy/keys/destroy", &confirmed, &[]).await.status, 403);
    let gone = send(&shop, "POST", "/api/privacy/keys/destroy", &confirmed).await;
    assert!(gone.status == 200 && gone.json["keys"][0]["destroyed_at"].is_string(), "{}", gone.text);
    let unreadable = shop.get(&path).await;
    assert!(unreadable.field("unreadable").contains("nobody can read it"), "{}", unreadable.text);
    assert_eq!(unreadable.json["customer_id"], Value::Null);
    // What is asked for from now on is readable: it has another key.
    let made = send(&shop, "POST", "/api/privacy/requests", &body).await;
    assert_eq!(
        shop.get(&format!("/api/privacy/requests/{}", made.field("id"))).await.field("customer_id"),
        "c-1"
    );
    assert_eq!(shop.get("/api/privacy/keys").await.json["keys"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn an_erased_customer_is_made_known_again_when_the_shop_says_that_they_came_back_and_not_before() {
    let shop = shop(Mode::Token).await;
    let zoe = json!({"id": "c-9", "email": "zoe@x.example"});
    assert_eq!(send(&shop, "POST", "/api/customers", &zoe).await.status, 201);
    let key = ErasureKey::of(&shop.state.settings.master_key.derive(SECRET_LABEL), shop.tenant);
    let person = Person {
        token: "erased-9".to_owned(),
        customers: vec!["c-9".to_owned()],
        emails: vec!["zoe@x.example".to_owned(), "zoe@work.example".to_owned()],
        ..Person::default()
    };
    let mut tx = shop.state.db.tenant_tx(Role::Platform, shop.tenant).await.expect("begins");
    platform::personal::erase(&mut tx, shop.tenant, &person, Some(&key), &mut Reached::new())
        .await
        .expect("erased");
    tx.commit().await.expect("commits");

    let refused = send(&shop, "POST", "/api/customers", &zoe).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert!(refused.field("detail").contains("/api/privacy/came-back"), "{}", refused.text);
    let imported = send(
        &shop,
        "POST",
        "/api/customers/import",
        &json!({"customers": [zoe, {"email": "ZOE@x.example"}, {"id": "c-10"}]}),
    )
    .await;
    assert_eq!(imported.json["created"], json!(["c-10"]), "{}", imported.text);
    assert_eq!(imported.json["refused"].as_array().map(Vec::len), Some(2), "{}", imported.text);

    // Nor does a ticket that an agent opens take her in, nor one that is changed to be about her.
    let about = json!({"customer": {"email": "Zoe@X.example"}, "message": {"text": "Hello Zoe"}});
    let (other, _) = ticket(&shop, "hello").await;
    let other = format!("/api/tickets/{other}");
    let changed = json!({"customer": {"email": "zoe@x.example"}});
    for (method, path, body) in [("POST", "/api/tickets", &about), ("PATCH", &*other, &changed)] {
        let refused = send(&shop, method, path, body).await;
        let why = (refused.status.as_u16(), refused.field("reason"), refused.field("field"));
        assert_eq!(why, (409, "customer_erased", "customer.email"), "{}", refused.text);
        assert!(refused.field("detail").contains("/api/privacy/came-back"), "{}", refused.text);
    }
    assert_eq!(shop.count("support_app.ticket where customer_email = 'zoe@x.example'").await, 0);
    // Who writes has come back by themselves, under the name that they use.
    let wrote = json!({
        "customer": {"email": "zoe@work.example"}, "message": {"from": "customer", "text": "It is me again"},
    });
    assert_eq!(send(&shop, "POST", "/api/tickets", &wrote).await.status, 201);
    let known = json!({"email": "zoe@work.example"});
    assert_eq!(send(&shop, "POST", "/api/customers", &known).await.status, 201);

    for (body, field) in [
        (json!({"verification": "she wrote"}), "customer_id"),
        (json!({"phone": "030 1234567", "verification": "she wrote"}), "customer_id"),
        (json!({"email": "zoe@x.example", "verification": "x"}), "verification"),
    ] {
        let bad = send(&shop, "POST", "/api/privacy/came-back", &body).await;
        assert_eq!((bad.status.as_u16(), bad.field("field")), (400, field), "{}", bad.text);
    }
    let nobody = json!({"email": "ann@x.example", "verification": "she wrote"});
    assert_eq!(send(&shop, "POST", "/api/privacy/came-back", &nobody).await.json["freed"], 0);
    let back =
        json!({"customer_id": "c-9", "email": "Zoe@X.example", "verification": "she opened an account"});
    assert_eq!(send(&shop, "POST", "/api/privacy/came-back", &back).await.json["freed"], 2);
    assert_eq!(send(&shop, "POST", "/api/privacy/came-back", &back).await.json["freed"], 0, "once");
    assert_eq!(send(&shop, "POST", "/api/customers", &zoe).await.status, 201);
    assert_eq!(send(&shop, "POST", "/api/tickets", &about).await.status, 201);
    let named: i64 = sqlx::query_scalar(
        "select count(*) from shared.audit where action = 'privacy.came_back' and detail::text like '%zoe%'",
    )
    .fetch_one(&mut shop.admin().await)
    .await
    .expect("the trail");
    assert_eq!(named, 0, "the trail names nobody");
}

#[tokio::test]
async fn nobody_is_answered_and_nothing_advised_in_a_ticket_whose_customer_was_erased() {
    let shop = shop(Mode::Token).await;
    let (id, first) = ticket(&shop, "hello").await;
    let path = format!("/api/tickets/{id}");
    let reply = json!({"text": "Hi", "last_seen_message_id": first});
    let sent = send(&shop, "POST", &format!("{path}/messages"), &reply).await.field("id").to_owned();
    let mut admin = shop.admin().await;
    for statement in [
        "insert into support_app.draft (id, tenant_id, ticket_id, message_count, job_id, tone, length, style, reply, drafter)
         select md5('draft')::uuid, tenant_id, id, 1, gen_random_uuid(), 'friendly', 'short', 'email', '[erased]', 'template'
         from support_app.ticket",
        "update support_app.ticket set erased_at = now()",
        "update support_app.message set delivery = 'failed' where from_agent",
        "delete from jobs.live",
    ] {
        sqlx::query(statement).execute(&mut admin).await.expect("as an erasure leaves it");
    }
    assert!(shop.get(&path).await.json["erased_at"].is_string());
    let draft: uuid::Uuid =
        sqlx::query_scalar("select md5('draft')::uuid").fetch_one(&mut admin).await.expect("an id");
    let (ai, drafts) = (format!("/api/ai/tickets/{id}"), format!("/api/ai/tickets/{id}/drafts"));
    for (method, path, body) in [
        ("POST", format!("{path}/messages"), json!({"text": "Hello?", "force": true})),
        ("POST", format!("{path}/messages"), json!({"from": "customer", "text": "Hello again"})),
        ("POST", format!("{path}/messages/{sent}/send-again"), Value::Null),
        ("GET", format!("{ai}/draft"), Value::Null),
        ("POST", format!("{ai}/draft"), json!({})),
        ("POST", drafts.clone(), json!({"variants": [{"tone": "friendly"}]})),
        ("PATCH", format!("{drafts}/{draft}"), json!({"reply": "Hello"})),
        ("POST", format!("{drafts}/{draft}/accept"), json!({"force": true})),
        ("POST", format!("{drafts}/{draft}/send"), json!({"force": true})),
        ("GET", format!("{ai}/recommend"), Value::Null),
        ("POST", "/api/ml/recommend/actions".to_owned(), json!({"ticket_id": id})),
        ("POST", "/api/ml/generate/draft".to_owned(), json!({"ticket_id": id})),
    ] {
        let refused = send(&shop, method, &path, &body).await;
        let why = (refused.status.as_u16(), refused.field("reason"));
        assert_eq!(why, (409, "customer_erased"), "{method} {path}: {}", refused.text);
        assert!(refused.field("detail").contains("was erased"), "{}", refused.text);
    }
    assert_eq!(shop.count("jobs.live").await, 0, "nothing is written or sent");
    // What colleagues have to say to each other they may.
    let note = send(&shop, "POST", &format!("{path}/notes"), &json!({"text": "erased on request"})).await;
    assert_eq!(note.status, 201, "{}", note.text);
}
