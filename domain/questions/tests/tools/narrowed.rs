//! Lists that are narrowed down: by group, band, archetype and segment, with what each customer bought last, and withheld
//! where they, or what they leave over, are of too few customers.

use questions::desk::{Asker, ToolError};
use questions::policy::{self, Policy};
use questions::text;
use questions::tools::ToolAnswer;
use questions::verifier::known::Known;
use questions::verifier::verify;
use serde_json::{Value, json};

use crate::world::{ATTACK, World, publish, save_segment, world};

async fn risk(world: &World, filter: Value) -> ToolAnswer {
    world
        .ask("analyze_customers", json!({"analysis_type": "churn_risk", "filter_by": filter, "limit": 100}))
        .await
}

async fn tells_of_two(world: &World) {
    let mut tx = world.desk.db().tenant_tx(database::Role::Marketing, world.tenant).await.expect("begins");
    policy::write(&mut tx, world.tenant, &Policy { smallest_group: 2, ..Policy::default() }, "test")
        .await
        .expect("written");
    tx.commit().await.expect("commits");
}

#[tokio::test]
async fn vips_who_may_leave_have_what_they_bought_last() {
    let world = world().await;
    publish(&world).await;
    let answer = world
        .ask(
            "analyze_customers",
            json!({"analysis_type": "churn_risk", "filter_by": {"group": "vip"}, "with_last_order": true}),
        )
        .await;
    // The highest tenth of forty are the customers 36 to 40, by risk from the last.
    assert_eq!((answer.items.len(), &answer.items[0]["churn"]), (5, &json!(0.9756)), "{answer:?}");
    assert_eq!(answer.items[0]["last_order_on"], "2026-06-15");
    assert_eq!(answer.items[0]["last_order_value"], "10.40");
    assert_eq!(answer.items[0]["last_order_products"], json!(["odd"]));
    assert_eq!(answer.items[0]["last_order_categories"], json!([ATTACK]));
    assert_eq!(
        (&answer.figures["customers_about"], &answer.figures["of_customers_about"]),
        (&json!(5), &json!(40))
    );
    assert_eq!(answer.figures["filter_by"], json!({"group": "vip"}));
    assert!(
        answer.definition.contains("only those with net spend among the highest tenth"),
        "{}",
        answer.definition
    );
    assert!(answer.cost.rows_read > 0);
    let told = text::of(&answer);
    assert!(told.contains("who bought last on 15 June 2026 for 10.40 EUR"), "{told}");
    assert_eq!(verify(&told, &Known::of([&answer]), &[]).text, told);
    assert!(
        !told.contains("@example.com")
            && !serde_json::to_string(&answer).expect("JSON").contains("@example.com")
    );

    // A list by a rule, narrowed down by another: fourteen orders or more have the customers from 14 on.
    let loyal = world
        .ask("target_campaign", json!({"campaign_type": "loyalty", "filter_by": {"group": "vip"}}))
        .await;
    assert_eq!((loyal.items.len(), &loyal.figures["of_customers_about"]), (5, &json!(25)), "{loyal:?}");
    assert!(loyal.items[0]["reasons"][0].is_string());
    // Without a filter nothing of it is there.
    let all = world.ask("target_campaign", json!({"campaign_type": "loyalty"})).await;
    assert_eq!((all.figures.get("customers_about"), &all.figures["customers"]), (None, &json!(27)));
}

#[tokio::test]
async fn a_thin_list_and_what_it_would_leave_over_are_withheld() {
    let world = world().await;
    publish(&world).await;
    // Eight have a critical risk, five of them are VIPs: three would be told by the difference.
    for filter in [
        json!({"group": "vip", "churn_band": "critical"}),
        // Three of forty are of the archetype, so the others are all but three.
        json!({"archetype": "Few"}),
        json!({"archetype": "steady"}),
        json!({"segment": "Rare visitors"}),
        json!({"segment": "Regulars"}),
    ] {
        let answer = risk(&world, filter.clone()).await;
        assert!(!answer.available && answer.items.is_empty(), "{filter}: {answer:?}");
        assert_eq!((answer.figures.clone(), answer.withheld), (json!({}), 1), "{filter}");
        assert!(answer.reason.expect("a reason").contains("withheld"), "{filter}");
    }
    // Nobody fits, which tells of nobody.
    let none = risk(&world, json!({"group": "new", "archetype": "Steady"})).await;
    assert!(!none.available || none.items.is_empty(), "{none:?}");
    tells_of_two(&world).await;
    let steady = risk(&world, json!({"archetype": "steady"})).await;
    assert_eq!(
        (steady.items.len(), &steady.items[0]["archetype"]["name"]),
        (37, &json!("Steady")),
        "{steady:?}"
    );
    let regulars = risk(&world, json!({"segment": "purchase_frequency: regulars"})).await;
    assert_eq!(regulars.items.len(), 38);
    let critical = risk(&world, json!({"group": "vip", "churn_band": "critical"})).await;
    assert_eq!(
        (critical.items.len(), &critical.figures["churn_band"]),
        (5, &json!("critical")),
        "{critical:?}"
    );
    assert!(critical.figures.get("customers_by_band").is_none());
}

#[tokio::test]
async fn saved_segments_narrow_for_whoever_may_see_them() {
    let world = world().await;
    publish(&world).await;
    save_segment(&world, "Summer Buyers", true).await;
    save_segment(&world, "Never computed", false).await;
    let answer = risk(&world, json!({"segment": "summer buyers"})).await;
    assert_eq!((answer.items.len(), &answer.figures["of_customers_about"]), (20, &json!(40)), "{answer:?}");
    assert!(answer.caveats.iter().any(|caveat| caveat.contains("30 June 2026")), "{:?}", answer.caveats);
    let vips = risk(&world, json!({"segment": "Summer Buyers", "group": "vip"})).await;
    assert_eq!(vips.items.len(), 5);
    for (name, told) in [("Winter Buyers", "no segment of this name"), ("never computed", "not computed yet")]
    {
        let answer = risk(&world, json!({"segment": name})).await;
        assert!(!answer.available && answer.reason.clone().expect("a reason").contains(told), "{answer:?}");
    }
    let unknown = risk(&world, json!({"archetype": "Nobody"})).await;
    assert!(unknown.reason.expect("a reason").contains("no archetype of this name"));

    let arguments =
        json!({"analysis_type": "churn_risk", "filter_by": {"segment": "summer buyers"}, "limit": 100});
    let without = Asker { segments: false, ..world.asker() };
    let denied = world.try_ask(without, "analyze_customers", arguments.clone()).await;
    assert!(matches!(denied, Err(ToolError::Forbidden("segments:read"))), "{denied:?}");
    // Another shop has no such segment, whatever this one has.
    let stranger = Asker { tenant: world.other, ..world.asker() };
    let elsewhere = world.try_ask(stranger, "analyze_customers", arguments).await.expect("an answer");
    assert!(!elsewhere.available && elsewhere.items.is_empty(), "{elsewhere:?}");
    let last = json!({"analysis_type": "high_value", "with_last_order": true});
    let blind = Asker { customers: false, ..world.asker() };
    let denied = world.try_ask(blind, "analyze_customers", last).await;
    assert!(matches!(denied, Err(ToolError::Forbidden("customers:read"))), "{denied:?}");
}
