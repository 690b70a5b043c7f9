//! What happens is looked at once, in the listed order; chains end, budgets hold, machines cause nothing.

use database::ids::TicketId;
use serde_json::{Value, json};
use support::rules::spec::Spec;
use support::rules::store;
use support::tickets::change::Change;
use support::tickets::words::Priority;
use uuid::Uuid;

use crate::desk::{Desk, adds, says, tagged};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_run_once_in_their_order_and_say_why() {
    let desk = Desk::open().await;
    let early = desk.rule(adds("early", "message_received", tagged("refund"), "early")).await;
    let refund = desk.rule(adds("refund", "message_received", says("refund"), "refund")).await;
    let behind = desk
        .rule(json!({
            "name": "behind", "event": "message_received", "conditions": tagged("refund"),
            "actions": [{"do": "set_priority", "priority": "high"}, {"do": "note", "text": "{{customer.first_name}} {{ticket.number}}"}],
        }))
        .await;
    let other = desk.rule(adds("other", "message_received", says("exchange"), "other")).await;
    let ticket = desk.ticket("A refund, please.").await;
    let seen = desk.seen(ticket).await;
    assert_eq!((&seen["tags"], &seen["priority"]), (&json!(["refund"]), &json!("high")));
    assert_eq!(
        desk.outcomes(early.id, ticket).await,
        [""; 0],
        "what a later rule did is none of its business"
    );
    assert_eq!(desk.outcomes(refund.id, ticket).await, ["fired"]);
    assert_eq!(desk.outcomes(behind.id, ticket).await, ["fired"]);
    assert_eq!(desk.count("support_app.message where internal and body_text like 'Ann %'").await, 1);
    let mut tx = desk.tx().await;
    let runs = support::rules::runs::of_rule(&mut tx, refund.id, None, 10).await.expect("read");
    assert_eq!(runs[0].results[0]["was"], json!(["refund"]));
    assert_eq!(runs[0].done[0]["do"], "add_tags");
    let log = support::rules::runs::of_ticket(&mut tx, ticket, None, 10).await.expect("read");
    let of_message = log.iter().find(|looked| looked.event == "message_received").expect("it was looked at");
    let evaluated = of_message.evaluated.as_ref().and_then(Value::as_array).expect("a list");
    assert_eq!(evaluated.len(), 4);
    let not = evaluated.iter().find(|one| one["rule"] == json!(other.id)).expect("it was looked at too");
    assert_eq!((&not["fired"], &not["conditions"]), (&json!(false), &json!("0")));
    drop(tx);
    assert_eq!(desk.count("jobs.dead").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_rule_does_is_looked_at_by_later_rules_only() {
    let desk = Desk::open().await;
    let before = desk.rule(adds("before", "tag_added", json!({"all": []}), "before")).await;
    let added = |tag: &str| json!({"all": [{"field": "added_tags", "op": "one_of", "value": [tag]}]});
    let ping = desk
        .rule(json!({"name": "ping", "event": "tag_added", "conditions": added("ping"),
            "actions": [{"do": "remove_tags", "tags": ["ping"]}, {"do": "add_tags", "tags": ["pong"]}]}))
        .await;
    let pong = desk
        .rule(json!({"name": "pong", "event": "tag_added", "conditions": added("pong"),
            "actions": [{"do": "remove_tags", "tags": ["pong"]}, {"do": "add_tags", "tags": ["ping"]}]}))
        .await;
    let ticket = desk.ticket("Hello").await;
    desk.change(ticket, Change { add_tags: vec!["ping".to_owned()], ..Change::default() }).await;
    assert_eq!(desk.outcomes(ping.id, ticket).await, ["fired"]);
    assert_eq!(desk.outcomes(pong.id, ticket).await, ["fired"]);
    assert_eq!(desk.outcomes(before.id, ticket).await, ["fired"], "of the first tag, and of no rule's");
    assert_eq!(desk.seen(ticket).await["tags"], json!(["before", "ping"]));
    assert_eq!(desk.count("support_app.rule_cause where done_at is null").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_that_fires_too_often_is_switched_off_and_its_owner_told() {
    let desk = Desk::open().await;
    let rule = desk
        .rule(json!({"name": "wild", "event": "message_received", "hourly_budget": 3,
            "actions": [{"do": "notify"}]}))
        .await;
    let ticket = desk.ticket("one").await;
    for text in ["two", "three", "four", "five"] {
        desk.hears(ticket, text).await;
    }
    assert_eq!(desk.outcomes(rule.id, ticket).await, ["fired", "fired", "fired", "over_budget"]);
    let mut tx = desk.tx().await;
    let off = store::get(&mut tx, rule.id).await.expect("read").expect("there");
    assert!(!off.is_on);
    let reason = off.off_reason.expect("a reason");
    assert!(reason.contains("3 times within an hour") && reason.contains("switch it on again"), "{reason}");
    let told = "(select kind from support_app.event_pending union all select kind from support_app.event) e
                where kind = 'rule_switched_off'";
    assert_eq!(desk.count(told).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machines_cause_nothing() {
    let desk = Desk::open().await;
    let rule = desk.rule(adds("all", "message_received", json!({"all": []}), "seen")).await;
    let created = desk.rule(adds("new", "ticket_created", json!({"all": []}), "new")).await;
    let id = TicketId::new();
    sqlx::query(
        "with ticket as (insert into support_app.ticket (id, tenant_id, number, provider, external_id, channel, source, status,
                             priority) values ($1, $2, 77, 'desk', $1::text, 'email', 'email', 'open', 'normal'))
         insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, body_text,
             sent_at, by_machine)
         values (gen_random_uuid(), $2, $1, 'm', false, false, 'email', 'Out of office', now(), true)",
    )
    .bind(id)
    .bind(desk.tenant)
    .execute(&mut desk.admin().await)
    .await
    .expect("a machine's ticket");
    desk.change(id, Change { priority: Some(Priority::High), ..Change::default() }).await;
    assert_eq!(desk.outcomes(rule.id, id).await, [""; 0]);
    assert_eq!(desk.outcomes(created.id, id).await, [""; 0]);
    assert_eq!(desk.count("support_app.rule_cause where skipped = 'a machine sent the message'").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_names_what_is_gone_is_flagged_and_what_fails_is_undone() {
    let desk = Desk::open().await;
    let saved = desk.saved_reply("Hello {{order.number}}").await;
    let replies = desk
        .rule(json!({"name": "reply", "event": "ticket_created",
            "actions": [{"do": "add_tags", "tags": ["half"]}, {"do": "reply", "macro_id": saved}]}))
        .await;
    let after = desk.rule(adds("after", "ticket_created", json!({"all": []}), "after")).await;
    let ticket = desk.ticket("no orders").await;
    assert_eq!(desk.outcomes(replies.id, ticket).await, ["failed"]);
    assert_eq!(desk.outcomes(after.id, ticket).await, ["fired"]);
    assert_eq!(desk.seen(ticket).await["tags"], json!(["after"]), "nothing of what failed is left");
    let mut tx = desk.tx().await;
    let runs = support::rules::runs::of_rule(&mut tx, replies.id, None, 1).await.expect("read");
    let problem = runs[0].problem.clone().expect("a reason");
    assert!(problem.contains("order.number"), "{problem}");
    assert!(support::macros::store::archive(&mut tx, saved).await.expect("put away"));
    tx.commit().await.expect("commits");
    let next = desk.ticket("another").await;
    assert_eq!(desk.outcomes(replies.id, next).await, [""; 0]);
    let mut tx = desk.tx().await;
    let flagged = store::get(&mut tx, replies.id).await.expect("read").expect("there");
    let sentence = flagged.invalid_reason.expect("a sentence");
    assert!(sentence.contains("was put away; name another one"), "{sentence}");
    assert!(store::switch_on(&mut tx, desk.tenant, replies.id).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_condition_on_an_agent_or_archetype_that_is_gone_is_flagged_as_an_action_is() {
    let desk = Desk::open().await;
    let mut admin = desk.admin().await;
    let agent = Uuid::now_v7();
    sqlx::query(
        "insert into support_app.agent (id, tenant_id, name, email) values ($1, $2, 'Bea', 'bea@x.example')",
    )
    .bind(agent)
    .bind(desk.tenant)
    .execute(&mut admin)
    .await
    .expect("an agent");
    sqlx::query(
        "insert into platform.segmentation (id, tenant_id, number, fitted_as_of, customers, model, catalog, report, reason)
         values (gen_random_uuid(), $1, 1, '2026-06-01', 10, '', '{\"archetypes\": [{\"id\": \"a1\"}]}', '{}', 'first')",
    )
    .bind(desk.tenant)
    .execute(&mut admin)
    .await
    .expect("a segmentation");
    let asks = |name: &str, field: &str, value: &str| {
        // Any ticket meets it: what is flagged is what would fire.
        let conditions = json!({"all": [{"field": field, "op": "is_not", "value": value}]});
        adds(name, "ticket_created", conditions, name)
    };
    let of_agent = desk.rule(asks("agent", "assignee", &agent.to_string())).await;
    let of_archetype = desk.rule(asks("archetype", "customer_archetype", "A1")).await;
    let first = desk.ticket("hello").await;
    assert_eq!(desk.seen(first).await["tags"], json!(["agent", "archetype"]));

    for gone in [
        "update support_app.agent set disabled_at = now()",
        "update platform.segmentation set state = 'retired'",
    ] {
        sqlx::query(gone).execute(&mut admin).await.expect("gone");
    }
    let second = desk.ticket("again").await;
    assert_eq!(desk.seen(second).await["tags"], json!([]));
    let mut tx = desk.tx().await;
    for (rule, part) in [(of_agent, "was disabled; name another one"), (of_archetype, "no archetype a1")] {
        let flagged = store::get(&mut tx, rule.id).await.expect("read").expect("there");
        let sentence = flagged.invalid_reason.expect("a sentence");
        assert!(sentence.contains(part), "{sentence}");
        assert!(store::switch_on(&mut tx, desk.tenant, rule.id).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_that_changed_is_run_as_it_is_now_and_not_as_it_was_remembered() {
    let desk = Desk::open().await;
    let rule = desk.rule(adds("first", "ticket_created", says("help"), "first")).await;
    let ticket = desk.ticket("help").await;
    assert_eq!(desk.seen(ticket).await["tags"], json!(["first"]));
    let spec: Spec =
        serde_json::from_value(adds("second", "ticket_created", says("help"), "second")).expect("a rule");
    let mut tx = desk.tx().await;
    store::update(&mut tx, desk.tenant, rule.id, None, &spec, "key:test").await.expect("changed");
    tx.commit().await.expect("commits");
    let ticket = desk.ticket("help").await;
    assert_eq!(desk.seen(ticket).await["tags"], json!(["second"]));
    let more = desk.rule(adds("more", "ticket_created", says("help"), "more")).await;
    let ticket = desk.ticket("help").await;
    assert_eq!(desk.seen(ticket).await["tags"], json!(["second", "more"]));
    let mut tx = desk.tx().await;
    store::switch_off(&mut tx, more.id).await.expect("off");
    tx.commit().await.expect("commits");
    let ticket = desk.ticket("help").await;
    assert_eq!(desk.seen(ticket).await["tags"], json!(["second"]));
}
