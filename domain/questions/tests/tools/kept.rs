//! Answers that outlive a process: found by another, told with their age when the data have changed, computed anew meanwhile,
//! and gone when anybody is erased.

use std::time::Duration;

use chrono::TimeDelta;
use database::Role;
use questions::tools::{Call, ToolAnswer, usual};
use serde_json::json;
use sqlx::{Connection, PgConnection};

use crate::world::{World, desk, now, publish, world};

async fn asks(world: &World, after: TimeDelta) -> ToolAnswer {
    // A process of its own, which remembers nothing.
    let process = desk(world.desk.db().clone());
    let call = Call::parse("analyze_customers", &json!({"analysis_type": "high_value"})).expect("a call");
    process.call(world.asker(), &call, now() + after).await.expect("an answer")
}

async fn versions(world: &World) -> Vec<String> {
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    sqlx::query_scalar("select version from questions_app.report order by version")
        .fetch_all(&mut admin)
        .await
        .expect("read")
}

#[tokio::test]
async fn another_process_finds_an_answer_and_an_older_one_is_renewed() {
    let world = world().await;
    publish(&world).await;
    let first = asks(&world, TimeDelta::zero()).await;
    assert!(!first.cost.remembered && first.available, "{first:?}");
    let second = asks(&world, TimeDelta::minutes(1)).await;
    assert_eq!(
        (second.cost.remembered, second.computed_at, &second.items),
        (true, first.computed_at, &first.items)
    );

    // An order comes: the answer of before is told, as such, and another one is made.
    let old = versions(&world).await;
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    sqlx::query("update platform.current_run set facts_version = facts_version + 1 where tenant_id = $1")
        .bind(world.tenant)
        .execute(&mut admin)
        .await
        .expect("changed");
    let older = asks(&world, TimeDelta::hours(1)).await;
    assert_eq!(older.computed_at, first.computed_at);
    assert!(older.caveats.iter().any(|caveat| caveat.contains("have changed since")), "{:?}", older.caveats);
    let renewed = async {
        while versions(&world).await == old {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), renewed).await.expect("it is computed anew");

    // After more than a day it counts for nothing.
    sqlx::query("update questions_app.report set made_at = $1")
        .bind(now())
        .execute(&mut admin)
        .await
        .expect("aged");
    let late = asks(&world, TimeDelta::hours(27)).await;
    assert!(!late.cost.remembered, "{late:?}");
}

#[tokio::test]
async fn what_is_usual_is_prepared_and_goes_with_whoever_is_erased() {
    let world = world().await;
    publish(&world).await;
    let (mut prepared, mut available) = (0, 0);
    for call in usual::calls() {
        let made = world.desk.prepare(world.tenant, &call, now()).await.expect("an answer");
        prepared += 1;
        available += usize::from(made.available);
        assert!(!serde_json::to_string(made.as_ref()).expect("JSON").contains("@example.com"));
    }
    assert_eq!(versions(&world).await.len(), available, "of {prepared}");
    assert!(available > 20, "{available} of {prepared}");
    let remembered = asks(&world, TimeDelta::zero()).await;
    assert!(remembered.cost.remembered);

    let mut tx = world.desk.db().tenant_tx(Role::Marketing, world.tenant).await.expect("begins");
    let person = database::personal::Person::default();
    questions::personal::erase(&mut tx, &person, &mut Default::default()).await.expect("erased");
    tx.commit().await.expect("commits");
    assert_eq!(versions(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn suggestions_to_a_customer_rest_on_what_the_night_found_up_to_a_day_ago() {
    let world = world().await;
    publish(&world).await;
    assert!(world.desk.prepare_suggestions(world.tenant, now()).await.expect("found"));
    // What was kept can be told from what is found out now.
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    let told = sqlx::query("update questions_app.report set whole = jsonb_set(whole, '{orders}', '123456')")
        .execute(&mut admin)
        .await
        .expect("told");
    assert_eq!(told.rows_affected(), 1);
    let call = json!({"info_type": "recommendations", "customer_id": "person30@example.com"});
    let call = Call::parse("lookup_customer", &call).expect("a call");
    let orders = async |after: TimeDelta| {
        let process = desk(world.desk.db().clone());
        let answer = process.call(world.asker(), &call, now() + after).await.expect("an answer");
        answer.figures["orders"].clone()
    };
    assert_eq!(orders(TimeDelta::hours(20)).await, json!(123_456));
    let anew = orders(TimeDelta::hours(30)).await;
    assert!(anew.is_number() && anew != json!(123_456), "{anew}");
}

#[tokio::test]
async fn a_list_is_narrowed_down_to_a_group_by_the_levels_of_the_night() {
    let world = world().await;
    publish(&world).await;
    assert!(world.desk.prepare_levels(world.tenant, now()).await.expect("found"));
    // What was kept can be told from what is found out now: nobody has spent so much.
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    let told = sqlx::query(
        "update questions_app.report
         set whole = jsonb_set(whole, '{spend_cents}', (select jsonb_agg(9000000000000) from generate_series(1, 6)))",
    )
    .execute(&mut admin)
    .await
    .expect("told");
    assert_eq!(told.rows_affected(), 1);
    let call = json!({"analysis_type": "churn_risk", "filter_by": {"group": "vip"}});
    let call = Call::parse("analyze_customers", &call).expect("a call");
    let listed = async |after: TimeDelta| {
        sqlx::query("delete from questions_app.report where whole ? 'items'")
            .execute(&mut PgConnection::connect(&world.database.admin_url).await.expect("connects"))
            .await
            .expect("answers are forgotten");
        let process = desk(world.desk.db().clone());
        process.call(world.asker(), &call, now() + after).await.expect("an answer").items.len()
    };
    assert_eq!(listed(TimeDelta::hours(20)).await, 0);
    assert!(listed(TimeDelta::hours(30)).await > 0, "they are found out anew");
}
