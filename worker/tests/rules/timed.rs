//! Rules that wait: for a while after their cause, and for the next reply that a customer may have by itself.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use support::kinds::RunTimedRules;

use crate::desk::Desk;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timed_rule_is_due_to_the_second_and_looks_at_what_came_since() {
    let desk = Desk::open().await;
    let rule = desk
        .rule(json!({"name": "later", "event": "message_received", "after_minutes": 30,
            "unless": {"any": [{"field": "answered_since", "op": "is", "value": true}]},
            "actions": [{"do": "add_tags", "tags": ["unanswered"]}]}))
        .await;
    let ticket = desk.ticket("Hello").await;
    let mut admin = desk.admin().await;
    let (cause, at): (i64, DateTime<Utc>) =
        sqlx::query_as("select id, at from support_app.rule_cause where event = 'message_received'")
            .fetch_one(&mut admin)
            .await
            .expect("a cause");
    let due: DateTime<Utc> =
        sqlx::query_scalar("select due_at from jobs.live where kind = 'run_timed_rules'")
            .fetch_one(&mut admin)
            .await
            .expect("a job");
    assert_eq!(due, at + Duration::minutes(30));
    // Half an hour passes.
    for statement in [
        "update support_app.rule_cause set at = at - interval '31 minutes'",
        "update support_app.rule set on_since = on_since - interval '1 hour'",
    ] {
        sqlx::query(statement).execute(&mut admin).await.expect("time passes");
    }
    desk.does(&RunTimedRules { cause_id: cause, after_minutes: 30 }).await;
    assert_eq!(desk.outcomes(rule.id, ticket).await, ["fired"]);
    assert_eq!(desk.seen(ticket).await["tags"], json!(["unanswered"]));
    desk.does(&RunTimedRules { cause_id: cause, after_minutes: 30 }).await;
    assert_eq!(desk.outcomes(rule.id, ticket).await, ["fired"], "once for a cause");

    // Another one was answered meanwhile.
    let answered = desk.ticket("Hello again").await;
    sqlx::query("update support_app.rule_cause set at = at - interval '31 minutes' where ticket_id = $1")
        .bind(answered)
        .execute(&mut admin)
        .await
        .expect("time passes");
    sqlx::query(
        "insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, body_text, sent_at)
         values (gen_random_uuid(), $1, $2, 'a', true, false, 'email', 'Here I am', now() - interval '5 minutes')",
    )
    .bind(desk.tenant)
    .bind(answered)
    .execute(&mut admin)
    .await
    .expect("an answer");
    let cause: i64 = sqlx::query_scalar("select id from support_app.rule_cause where ticket_id = $1")
        .bind(answered)
        .fetch_one(&mut admin)
        .await
        .expect("a cause");
    desk.does(&RunTimedRules { cause_id: cause, after_minutes: 30 }).await;
    assert_eq!(desk.outcomes(rule.id, answered).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_has_one_automatic_reply_in_five_minutes_and_a_machine_none() {
    let desk = Desk::open().await;
    let saved =
        desk.saved_reply("Hello {{customer.first_name}}, we have your message {{ticket.number}}.").await;
    let rule = desk
        .rule(json!({"name": "receipt", "event": "ticket_created", "actions": [{"do": "reply", "macro_id": saved}]}))
        .await;
    let first = desk.ticket("one").await;
    let second = desk.ticket("two").await;
    let automatic = "support_app.message where from_agent and by_machine and not internal";
    assert_eq!(desk.count(automatic).await, 1);
    let seen = desk.seen(first).await;
    assert_eq!(seen["first_reply_at"], Value::Null, "a machine's reply is nobody's answer");
    assert!(!seen["waiting_since"].is_null());
    assert_eq!(desk.outcomes(rule.id, second).await, ["fired"]);
    let why: String = sqlx::query_scalar(
        "select done #>> '{0,result,not_sent}' from support_app.rule_run where ticket_id = $1",
    )
    .bind(second)
    .fetch_one(&mut desk.admin().await)
    .await
    .expect("a reason");
    assert!(why.contains("five minutes"), "{why}");
    let text: String = sqlx::query_scalar("select body_text from support_app.message where by_machine")
        .fetch_one(&mut desk.admin().await)
        .await
        .expect("the reply");
    assert!(text.starts_with("Hello Ann, we have your message "), "{text}");
    // The shop has no mailbox, and the one that was to leave says so.
    let unsent =
        "support_app.message where by_machine and delivery = 'failed' and not_sent_because = 'no_mailbox'";
    assert_eq!(desk.count(unsent).await, 1);
    assert_eq!(desk.count("support_app.macro where uses = 1").await, 1);
}
