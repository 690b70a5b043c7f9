//! A trial on the past finds what a run did, and says what is not known any more.

use chrono::{Duration, Utc};
use serde_json::{Value, json};
use support::kinds::TryRule;
use support::rules::store::Stored;
use support::rules::trial::{self, Wish};
use support::tickets::change::Change;
use support::tickets::words::Priority;
use uuid::Uuid;

use crate::desk::{Desk, adds, says};

/// What a rule did for real, by ticket and moment.
async fn real(desk: &Desk, rule: Uuid) -> Vec<(Uuid, String)> {
    sqlx::query_as(
        "select r.ticket_id, r.results::text from support_app.rule_run r
         where r.rule_id = $1 and r.outcome = 'fired' order by r.cause_id",
    )
    .bind(rule)
    .fetch_all(&mut desk.admin().await)
    .await
    .expect("read")
}

/// What a trial finds that it would have done.
async fn tried(desk: &Desk, rule: &Stored) -> Vec<(Uuid, String)> {
    let id = Uuid::now_v7();
    let mut tx = desk.tx().await;
    let until = Utc::now();
    let wish = Wish {
        id,
        rule: rule.id,
        spec: &rule.spec,
        from: until - Duration::days(1),
        until,
        by: "key:test",
        job: Uuid::now_v7(),
    };
    trial::ask(&mut tx, desk.tenant, &wish).await.expect("asked");
    tx.commit().await.expect("commits");
    desk.does(&TryRule { trial_id: id }).await;
    let over: Value = sqlx::query_scalar("select to_jsonb(t) from support_app.rule_trial t where id = $1")
        .bind(id)
        .fetch_one(&mut desk.admin().await)
        .await
        .expect("the trial");
    assert_eq!(over["state"], "done", "{over}");
    sqlx::query_as(
        "select ticket_id, results::text from support_app.rule_trial_hit where trial_id = $1 order by seq",
    )
    .bind(id)
    .fetch_all(&mut desk.admin().await)
    .await
    .expect("the hits")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_on_the_past_finds_what_the_run_did() {
    let desk = Desk::open().await;
    let high = json!({"all": [{"field": "priority", "op": "is", "value": "high"}]});
    let rules = [
        desk.rule(json!({"name": "vip", "event": "message_received", "conditions": says("vip"),
            "actions": [{"do": "set_priority", "priority": "high"}, {"do": "add_tags", "tags": ["vip"]}]}))
            .await,
        desk.rule(adds("of the first", "message_received", high, "behind")).await,
        desk.rule(adds("new", "ticket_created", says("help"), "help")).await,
        desk.rule(adds(
            "chained",
            "tag_added",
            json!({"all": [{"field": "added_tags", "op": "one_of", "value": ["vip"]}]}),
            "chained",
        ))
        .await,
        desk.rule(adds(
            "closed",
            "ticket_updated",
            json!({"all": [
            {"field": "changed", "op": "one_of", "value": ["status"]},
            {"field": "status", "op": "is", "value": "pending"}]}),
            "waits",
        ))
        .await,
    ];
    let mut tickets = Vec::new();
    for text in ["help, I am a vip", "nothing", "VIP", "help"] {
        tickets.push(desk.ticket(text).await);
    }
    desk.hears(tickets[1], "a vip after all").await;
    desk.hears(tickets[0], "nothing new").await;
    let pending = Change { status: Some(support::tickets::state::Status::Pending), ..Change::default() };
    desk.change(tickets[3], pending.clone()).await;
    // What changed afterwards is not what was.
    for ticket in &tickets {
        let low = Change { priority: Some(Priority::Low), tags: Some(Vec::new()), ..Change::default() };
        desk.change(*ticket, low).await;
    }
    let mut fired = 0;
    for rule in &rules {
        let (done, found) = (real(&desk, rule.id).await, tried(&desk, rule).await);
        assert!(!done.is_empty(), "{} fired", rule.spec.name);
        assert_eq!(done, found, "{}", rule.spec.name);
        fired += done.len();
    }
    assert_eq!(fired, 3 + 4 + 2 + 3 + 1);
    assert_eq!(desk.count("jobs.dead").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_counts_what_had_been_bought_until_then_and_says_what_is_not_known() {
    let desk = Desk::open().await;
    let spent = |least: i64, name: &str| {
        let field = json!({"all": [{"field": "spend", "op": "at_least", "value": least}]});
        adds(name, "message_received", field, name)
    };
    let (much, little) = (desk.rule(spent(50, "much")).await, desk.rule(spent(40, "little")).await);
    let leaves = json!({"any": [{"field": "churn_band", "op": "is", "value": "high"},
                                {"field": "customer_archetype", "op": "is_set"}]});
    let leaves = desk.rule(adds("leaves", "message_received", leaves, "leaves")).await;
    let ticket = desk.ticket("hello").await;
    let mut admin = desk.admin().await;
    // Bought before the message, and since.
    for statement in [
        "insert into platform.customer (tenant_id, customer_id, email) values ('{T}', 'c-1', 'ann@example.com')",
        "insert into platform.customer_identity (tenant_id, kind, value, customer_id)
         values ('{T}', 'email', 'ann@example.com', 'c-1')",
        "insert into platform.order_line (tenant_id, line_key, order_id, customer_id, ordered_at, quantity, amount, currency,
             is_return, counts)
         values ('{T}', gen_random_uuid(), 'o-1', 'c-1', now() - interval '9 days', 1, 40, 'EUR', false, true),
                ('{T}', gen_random_uuid(), 'o-2', 'c-1', now() + interval '1 hour', 1, 60, 'EUR', false, true)",
        "insert into platform.customer_profile (tenant_id, customer_id, orders, lines, spend, currency, returned_value)
         values ('{T}', 'c-1', 2, 2, 100, 'EUR', 0)",
    ] {
        let statement = statement.replace("{T}", &desk.tenant.to_string());
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut admin).await.expect("bought");
    }
    assert_eq!(tried(&desk, &much).await, [], "today she has spent more");
    assert_eq!(tried(&desk, &little).await.iter().map(|(ticket, _)| *ticket).collect::<Vec<_>>(), [ticket.0]);
    tried(&desk, &leaves).await;
    let remarks: Vec<Vec<String>> =
        sqlx::query_scalar("select remarks from support_app.rule_trial order by created_at, id")
            .fetch_all(&mut admin)
            .await
            .expect("the trials");
    assert_eq!(remarks.iter().map(Vec::len).collect::<Vec<_>>(), [0, 0, 2], "{remarks:?}");
    assert!(remarks[2].iter().any(|remark| remark.contains("churn_band")), "{remarks:?}");

    // A tier is part of the ticket's history, so it is the one of then.
    sqlx::query("update support_app.ticket set customer_tier = 'gold' where id = $1")
        .bind(ticket)
        .execute(&mut admin)
        .await
        .expect("she is one of the best now");
    let gold = json!({"all": [{"field": "customer_tier", "op": "is", "value": "gold"}]});
    let gold = desk.rule(adds("gold", "message_received", gold, "gold")).await;
    assert_eq!(tried(&desk, &gold).await, []);
}
