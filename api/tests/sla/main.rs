//! Service levels over HTTP: policies and calendars, previews, clocks explained, lists and reports, and what is refused.

#[path = "../it/desk/mod.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod desk;
#[path = "../it/shop/mod.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod shop;

use accounts::api_keys::Scope;
use accounts::verify::Mode;
use axum::body::Body;
use axum::http::StatusCode;
use chrono::{DateTime, Duration, Utc};
use database::ids::TicketId;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use shop::{Answer, Shop, request, shop};

async fn send(shop: &Shop, method: &str, path: &str, body: &Value) -> Answer {
    desk::call(shop, &shop.key, method, path, &body.to_string()).await
}

fn nine_to_five() -> Value {
    let day = json!([["09:00", "17:00"]]);
    json!({ "name": "Shop", "zone": "Europe/Berlin", "week": { "mon": day, "tue": day, "wed": day, "thu": day, "fri": day } })
}

async fn calendar(shop: &Shop) -> Uuid {
    let made = send(shop, "POST", "/api/sla/calendars", &nine_to_five()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    made.json["calendar"]["id"].as_str().expect("an id").parse().expect("an id")
}

fn policy(minutes: i64, time: &str, calendar: Option<Uuid>) -> Value {
    json!({ "name": "All", "calendar_id": calendar,
            "targets": { "normal": { "first_response": { "minutes": minutes, "time": time } } } })
}

/// A ticket whose customer wrote so long ago.
async fn ticket(shop: &Shop, admin: &mut PgConnection, ago: Duration, replied: Option<Duration>) -> TicketId {
    let id = TicketId::new();
    let now = Utc::now();
    sqlx::query(
        "insert into support_app.ticket (id, tenant_id, number, provider, external_id, channel, source, status, priority,
                                         created_at)
         values ($1, $2, (random() * 1e9)::bigint, 'gorgias', $1::text, 'email', 'desk', 'open', 'normal', $3)",
    )
    .bind(id)
    .bind(shop.tenant)
    .bind(now - ago)
    .execute(&mut *admin)
    .await
    .expect("a ticket");
    let messages = [(false, Some(ago)), (true, replied)];
    for (from_agent, ago) in messages.into_iter().filter_map(|(from, ago)| Some((from, ago?))) {
        sqlx::query(
            "insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel,
                                              body_text, sent_at)
             values ($1, $2, $3, $1::text, $4, false, 'email', 'x', $5)",
        )
        .bind(Uuid::now_v7())
        .bind(shop.tenant)
        .bind(id)
        .bind(from_agent)
        .bind(now - ago)
        .execute(&mut *admin)
        .await
        .expect("a message");
    }
    let mut tx = shop.tx().await;
    support::settle::settle(&mut tx, shop.tenant, id, now).await.expect("settled").expect("a ticket");
    tx.commit().await.expect("committed");
    id
}

#[tokio::test]
async fn policies_are_made_changed_ordered_and_ended() {
    let shop = shop(Mode::Token).await;
    let calendar = calendar(&shop).await;
    let made = send(&shop, "POST", "/api/sla/policies", &policy(240, "business", Some(calendar))).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert!(made.json["recount_job_id"].is_string());
    let path = made.headers["location"].to_str().expect("a path").to_owned();
    let id = made.json["policy"]["id"].clone();
    assert_eq!(made.json["policy"]["pause_while_pending"], json!(["resolution", "first_resolution"]));

    let read = shop.get(&path).await;
    assert_eq!((read.status, read.headers["etag"].to_str().expect("a tag")), (StatusCode::OK, "\"v1\""));
    let stale = request("PATCH", &path).header("x-api-key", &shop.key).header("if-match", "\"v9\"");
    let stale = stale
        .header("content-type", "application/json")
        .body(Body::from("{\"name\":\"X\"}"))
        .expect("a request");
    assert_eq!(shop.send(stale).await.status, StatusCode::PRECONDITION_FAILED);
    let changed = send(&shop, "PATCH", &path, &json!({ "name": "Everybody" })).await;
    assert_eq!(
        (changed.status, &changed.json["policy"]["version"]),
        (StatusCode::OK, &json!(2)),
        "{}",
        changed.text
    );
    assert_eq!(changed.json["policy"]["targets"], made.json["policy"]["targets"]);

    let other = send(&shop, "POST", "/api/sla/policies", &policy(60, "calendar", None)).await;
    let other = other.json["policy"]["id"].clone();
    let ordered = send(&shop, "POST", "/api/sla/policies/order", &json!({ "policies": [other, id] })).await;
    assert_eq!(ordered.status, StatusCode::OK, "{}", ordered.text);
    let listed = shop.get("/api/sla/policies").await;
    assert_eq!(listed.json["items"][0]["id"], other);
    let ended = send(&shop, "DELETE", &path, &json!({})).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT, "{}", ended.text);
    assert_eq!(shop.get(&path).await.status, StatusCode::NOT_FOUND);
    // Whoever changes what is promised is on record, and one job brings all of it to the open tickets.
    let mut admin = shop.admin().await;
    let actions: Vec<String> =
        sqlx::query_scalar("select action from shared.audit where action like 'sla%' order by at, id")
            .fetch_all(&mut admin)
            .await
            .expect("the trail");
    assert_eq!(
        actions,
        [
            "sla_calendar.create",
            "sla_policy.create",
            "sla_policy.change",
            "sla_policy.create",
            "sla_policy.order",
            "sla_policy.end"
        ]
    );
    let jobs = shop.count("jobs.live where kind = 'recount_sla'").await;
    assert_eq!(jobs, 1);
}

#[tokio::test]
async fn what_cannot_be_promised_is_refused_with_what_can() {
    let shop = shop(Mode::Token).await;
    let calendar = calendar(&shop).await;
    let past = (Utc::now() - Duration::hours(1)).to_rfc3339();
    let mut begun = policy(60, "calendar", None);
    begun["valid_from"] = json!(past);
    let mut stranger = policy(60, "business", Some(Uuid::now_v7()));
    stranger["conditions"] = json!({});
    for (body, status, field, words) in [
        (policy(0, "calendar", None), 422, "targets.normal.first_response.minutes", "1 to 527040"),
        (policy(10 * 366 * 1440, "calendar", None), 422, "targets.normal.first_response.minutes", "366 days"),
        (
            policy(527_040, "business", Some(calendar)),
            422,
            "targets.normal.first_response",
            "within three years",
        ),
        (policy(60, "business", None), 422, "calendar_id", "calendar"),
        (stranger, 422, "calendar_id", "no such calendar"),
        (begun, 422, "valid_from", "past"),
        (json!({ "name": "", "targets": {} }), 422, "name", "1 to 100"),
        (json!({ "name": "X", "targets": {} }), 422, "targets", "at least one"),
        (json!({ "name": "X", "targets": { "great": {} } }), 400, "targets", "urgent"),
        (
            json!({ "name": "X", "targets": {}, "conditions": { "customer_tiers": ["best"] } }),
            422,
            "conditions.customer_tiers[0]",
            "platinum",
        ),
    ] {
        let refused = send(&shop, "POST", "/api/sla/policies", &body).await;
        assert_eq!(refused.status.as_u16(), status, "{body}: {}", refused.text);
        assert!(refused.field("field").starts_with(field), "{body}: {}", refused.text);
        assert!(refused.field("detail").contains(words), "{body}: {}", refused.text);
    }
    let zone = |zone: &str, week: Value| json!({ "name": "Other", "zone": zone, "week": week });
    for (body, field, words) in [
        (zone("Europe/Berlinn", json!({})), "zone", "Europe/Berlin"),
        (zone("UTC", json!({})), "week", "no minute"),
        (zone("UTC", json!({ "mon": [["17:00", "09:00"]] })), "week.mon[0]", "not after"),
        (zone("UTC", json!({ "mon": [["09:00", "12:00"], ["11:00", "13:00"]] })), "week.mon[1]", "overlaps"),
    ] {
        let refused = send(&shop, "POST", "/api/sla/calendars", &body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", refused.text);
        assert_eq!(refused.field("field"), field, "{}", refused.text);
        assert!(refused.field("detail").contains(words), "{}", refused.text);
    }
    let taken = send(&shop, "POST", "/api/sla/calendars", &nine_to_five()).await;
    assert_eq!(taken.status, StatusCode::CONFLICT, "{}", taken.text);
    for path in ["/api/sla/policies", "/api/sla/calendars", "/api/sla/tickets"] {
        let missing = shop.get(&format!("{path}/{}", Uuid::now_v7())).await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in [
        "/api/sla/breaches?kind=first",
        "/api/sla/dashboard?from=2026-02-30",
        "/api/sla/at-risk?cursor=eA",
        "/api/sla/dashboard?from=2020-01-01&to=2026-01-01",
        "/api/sla/clocks?agent=me",
    ] {
        assert_eq!(shop.get(path).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
    let key = desk::key(&shop, shop.tenant, &[Scope::SlaRead], None).await;
    let refused = desk::call(&shop, &key, "POST", "/api/sla/calendars", "{}").await;
    assert!(matches!(refused.status, StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST));
    assert_eq!(desk::call(&shop, &key, "GET", "/api/sla/dashboard", "").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_preview_says_when_samples_would_be_due_and_in_words() {
    let shop = shop(Mode::Token).await;
    let mut hours = nine_to_five();
    hours.as_object_mut().expect("an object").remove("name");
    let body = json!({
        "policy": { "name": "All", "targets": { "normal": { "resolution": { "minutes": 2880, "time": "business" } } },
                    "conditions": { "tags": ["vip"] } },
        "calendar": hours,
        "samples": [{ "at": "2026-12-07T10:00:00+01:00", "tags": ["VIP"] }, { "at": "2026-12-07T10:00:00+01:00" }]
    });
    let preview = send(&shop, "POST", "/api/sla/preview", &body).await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.text);
    let clock = &preview.json["samples"][0]["clocks"][0];
    assert_eq!(clock["due_at"], "2026-12-15T10:00:00+01:00", "{}", preview.text);
    assert_eq!(clock["words"], "48 h on 8 h x 5 days is 6 working days");
    assert_eq!(preview.json["samples"][1]["fits"], false);
    let refused =
        send(&shop, "POST", "/api/sla/preview", &json!({ "policy": policy(0, "calendar", None) })).await;
    assert_eq!(refused.field("field"), "policy.targets.normal.first_response.minutes");
}

#[tokio::test]
async fn a_reply_that_resolves_its_ticket_is_its_first_response() {
    let shop = shop(Mode::Token).await;
    let mut admin = shop.admin().await;
    let ticket = ticket(&shop, &mut admin, Duration::minutes(5), None).await;
    let seen: Uuid = sqlx::query_scalar("select id from support_app.message where ticket_id = $1")
        .bind(ticket)
        .fetch_one(&mut admin)
        .await
        .expect("the customer's message");
    let reply = json!({ "text": "It left on Monday.", "last_seen_message_id": seen, "status": "resolved" });
    let sent = send(&shop, "POST", &format!("/api/tickets/{ticket}/messages"), &reply).await;
    assert!(sent.status.is_success(), "{}", sent.text);
    let explained = shop.get(&format!("/api/sla/tickets/{ticket}")).await;
    let first = &explained.json["clocks"][0];
    assert_eq!(
        (&first["kind"], &first["verdict"], &first["ended_by"]),
        (&json!("first_response"), &json!("met"), &json!("reply")),
        "{}",
        explained.text
    );
}

#[tokio::test]
async fn clocks_are_explained_listed_and_counted() {
    let shop = shop(Mode::Token).await;
    let mut admin = shop.admin().await;
    // By default the first response of a normal ticket is due after 8 h, 80 % of which are 6.4 h.
    let risky = ticket(&shop, &mut admin, Duration::hours(7), None).await;
    let late = ticket(&shop, &mut admin, Duration::hours(9), None).await;
    let missed = ticket(&shop, &mut admin, Duration::hours(20), Some(Duration::hours(10))).await;
    let met = ticket(&shop, &mut admin, Duration::hours(20), Some(Duration::hours(19))).await;
    sqlx::query("update support_app.ticket set opened_by_agent = true where id = $1")
        .bind(ticket(&shop, &mut admin, Duration::hours(20), Some(Duration::hours(19))).await)
        .execute(&mut admin)
        .await
        .expect("changed");

    let explained = shop.get(&format!("/api/sla/tickets/{risky}")).await;
    assert_eq!(explained.status, StatusCode::OK, "{}", explained.text);
    let first = &explained.json["clocks"][0];
    assert_eq!(
        (first["kind"].as_str(), first["standing"].as_str()),
        (Some("first_response"), Some("at_risk"))
    );
    assert_eq!(first["intervals"][0]["spent"], "counted");
    let due: DateTime<Utc> = first["due_at"].as_str().expect("a time").parse().expect("a time");
    assert!(due > Utc::now());

    let at_risk = shop.get("/api/sla/at-risk").await;
    let ids = |answer: &Answer| -> Vec<Value> {
        let items = answer.json["items"].as_array().expect("items").iter();
        items.map(|item| item["ticket_id"].clone()).collect()
    };
    assert_eq!(ids(&at_risk), [json!(risky)], "{}", at_risk.text);
    let breaches = shop.get("/api/sla/breaches?kind=first_response").await;
    assert_eq!(ids(&breaches), [json!(late), json!(missed)], "{}", breaches.text);
    let why = &breaches.json["items"][1]["why"];
    assert!(why["words"].as_str().expect("words").contains("nobody had it for 10.0 h"), "{}", breaches.text);
    assert!((why["over_by_secs"].as_f64().expect("seconds") - 7_200.0).abs() < 5.0);
    let page = shop.get("/api/sla/breaches?kind=first_response&limit=1").await;
    let cursor = page.field("next_cursor").to_owned();
    let rest = shop.get(&format!("/api/sla/breaches?kind=first_response&limit=1&cursor={cursor}")).await;
    assert_eq!(ids(&rest), [json!(missed)]);

    let report = shop.get("/api/sla/dashboard").await;
    assert_eq!(report.status, StatusCode::OK, "{}", report.text);
    let groups = report.json["groups"].as_array().expect("groups");
    let all =
        groups.iter().find(|group| group["by"] == "all" && group["kind"] == "first_response").expect("all");
    assert_eq!(
        (&all["ended"], &all["met"], &all["missed"]),
        (&json!(2), &json!(1), &json!(1)),
        "{}",
        report.text
    );
    assert_eq!(all["compliance"], 0.5);
    assert!((all["calendar_median_secs"].as_f64().expect("a median") - 5.5 * 3_600.0).abs() < 5.0);
    assert!(all["business_median_secs"].is_null(), "no calendar is known");
    assert_eq!(report.json["breached_now"]["count"], 1);
    let last = report.json["backlog"].as_array().expect("days").last().expect("today").clone();
    assert_eq!(last["tickets"], 5);
    let from = all["rows"]["from"].as_str().expect("a time");
    let rows = shop.get(&format!("/api/sla/clocks?kind=first_response&verdict=met&from={from}")).await;
    assert_eq!(ids(&rows), [json!(met)], "{}", rows.text);
}

#[tokio::test]
async fn a_neighbour_sees_and_changes_nothing() {
    let shop = shop(Mode::Token).await;
    let mut admin = shop.admin().await;
    let calendar = calendar(&shop).await;
    let late = ticket(&shop, &mut admin, Duration::hours(9), None).await;
    let (tenant, _) = desk::neighbour(&shop).await;
    let key = desk::key(&shop, tenant, &[Scope::SlaRead, Scope::SlaWrite, Scope::ReportsRead], None).await;
    for path in [format!("/api/sla/tickets/{late}"), format!("/api/sla/calendars/{calendar}")] {
        assert_eq!(desk::call(&shop, &key, "GET", &path, "").await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let breaches = desk::call(&shop, &key, "GET", "/api/sla/breaches", "").await;
    assert_eq!(breaches.json["items"], json!([]));
    let body = policy(60, "business", Some(calendar)).to_string();
    let refused = desk::call(&shop, &key, "POST", "/api/sla/policies", &body).await;
    assert_eq!(refused.field("field"), "calendar_id", "{}", refused.text);
}
