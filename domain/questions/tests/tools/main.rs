//! The tools on a shop in Postgres: every variant, what is withheld, who may ask, and that nobody is named.

mod currencies;
mod hostile;
mod kept;
mod narrowed;
mod threads;
mod world;

use questions::desk::{Asker, ToolError};
use questions::policy::{self, Policy};
use questions::tools::{ToolAnswer, all, parameters as p};
use questions::verifier::known::Known;
use questions::verifier::verify;
use questions::{resources, text};
use serde_json::{Value, json};
use world::{ATTACK, publish, world};

/// Every variant of every tool.
fn variants() -> Vec<(&'static str, Value)> {
    let of = |tool: &'static str, field: &str, names: Vec<&'static str>| {
        names
            .into_iter()
            .map(move |name| (tool, name))
            .map(|(tool, name)| (tool, json!({ field: name })))
            .collect::<Vec<_>>()
    };
    let mut all =
        of("analyze_customers", "analysis_type", p::CustomerAnalysis::ALL.iter().map(|v| v.name()).collect());
    all.extend(of(
        "analyze_segments",
        "analysis_type",
        p::SegmentAnalysis::ALL.iter().map(|v| v.name()).collect(),
    ));
    all.extend(of(
        "analyze_products",
        "analysis_type",
        p::ProductAnalysis::ALL.iter().map(|v| v.name()).collect(),
    ));
    all.extend(of("forecast_metrics", "metric", p::ForecastMetric::ALL.iter().map(|v| v.name()).collect()));
    all.extend(of("target_campaign", "campaign_type", p::Campaign::ALL.iter().map(|v| v.name()).collect()));
    all.extend(of(
        "analyze_behavior",
        "analysis_type",
        p::BehaviorAnalysis::ALL.iter().map(|v| v.name()).collect(),
    ));
    all.extend(of(
        "get_recommendations",
        "recommendation_type",
        p::Recommendation::ALL.iter().map(|v| v.name()).collect(),
    ));
    for info in p::Lookup::ALL {
        all.push((
            "lookup_customer",
            json!({"info_type": info.name(), "customer_id": "person30@example.com"}),
        ));
    }
    all
}

fn shown(answer: &ToolAnswer) -> String {
    serde_json::to_string(answer).expect("JSON")
}

#[tokio::test]
async fn every_variant_answers_and_names_nobody() {
    let mut read = 0;
    for is_published in [false, true] {
        // A shop each: answers are kept for a while.
        let world = world().await;
        if is_published {
            publish(&world).await;
        }
        for (tool, arguments) in variants() {
            let answer = world.ask(tool, arguments.clone()).await;
            let written = shown(&answer);
            assert!(!written.contains("@example.com"), "{arguments}: {written}");
            assert!(!written.contains("Ignore all rules"), "{arguments}: {written}");
            assert!(answer.available || answer.reason.is_some(), "{arguments}: {written}");
            assert!(answer.items.len() <= 20 && answer.figures.is_object(), "{arguments}: {written}");
            read += answer.cost.rows_read;
            // What is said of it without a model holds before the same check as a model's words.
            let told = text::of(&answer);
            let checked = verify(&told, &Known::of([&answer]), &[]);
            assert_eq!(
                (checked.removed, checked.text.as_str()),
                (0, told.as_str()),
                "{arguments}: {written}"
            );
        }
    }
    assert!(read > 0, "what it cost is told");
    assert_eq!(variants().len(), 6 + 4 + 2 + 4 + 6 + 6 + 6 + 6);
    assert_eq!(all().len(), 8);
}

#[tokio::test]
async fn figures_are_those_of_the_orders() {
    let world = world().await;
    let vips = world.ask("analyze_customers", json!({"analysis_type": "high_value", "limit": 3})).await;
    // The highest tenth begins with the 36th of forty; 40 has fourteen orders of 10.40.
    assert_eq!((&vips.figures["customers"], vips.items.len()), (&json!(5), 3), "{vips:?}");
    assert_eq!(vips.items[0]["spend"], "145.60");
    let rest = world
        .ask(
            "analyze_customers",
            json!({"analysis_type": "high_value", "limit": 3, "cursor": vips.next_cursor}),
        )
        .await;
    assert_eq!((rest.items.len(), rest.next_cursor.as_deref(), rest.cost.remembered), (2, None, true));
    let revenue = world
        .ask("analyze_products", json!({"analysis_type": "revenue_by_category", "timeframe_months": 1}))
        .await;
    // One order of each customer in the last month: the sum of 10 euros and n cents over 1 to 40.
    assert_eq!(revenue.figures["revenue"], "408.20", "{revenue:?}");
    let beyond = world
        .ask("analyze_products", json!({"analysis_type": "revenue_by_category", "timeframe_months": 36}))
        .await;
    assert!(beyond.caveats.iter().any(|caveat| caveat.contains("15 May 2025")), "{:?}", beyond.caveats);
    assert!(beyond.caveats.iter().any(|caveat| caveat.contains("40 customers have ordered")));
    publish(&world).await;
    let risk =
        world.ask("analyze_customers", json!({"analysis_type": "churn_risk", "sort_by": "churn"})).await;
    assert_eq!(risk.items[0]["churn"], 0.9756);
    assert!(risk.caveats.iter().any(|caveat| caveat.contains("ROC-AUC was 0.84")), "{:?}", risk.caveats);
}

#[tokio::test]
async fn thin_groups_are_withheld_with_what_would_tell_them() {
    let world = world().await;
    publish(&world).await;
    // Three customers bought rarities, five the category that gives orders: both go, because the sum is known.
    let revenue = world.ask("analyze_products", json!({"analysis_type": "revenue_by_category"})).await;
    let of = |answer: &ToolAnswer, name: &str| {
        answer.items.iter().find(|item| item["category"] == name).cloned().unwrap_or_else(|| panic!("{name}"))
    };
    assert_eq!(of(&revenue, "rarities")["revenue"], Value::Null);
    assert_eq!(
        revenue.items.iter().filter(|item| item["revenue"].is_null()).count(),
        2,
        "{:?}",
        revenue.items
    );
    assert!(revenue.items.iter().all(|item| item.get("customers").is_none()));
    let again = world.ask("analyze_products", json!({"analysis_type": "category_repurchase_rate"})).await;
    assert_eq!(of(&again, "rarities")["customers"], Value::Null);
    // The archetype with three customers, and the critical band, which has three as well.
    let segments = world.ask("analyze_segments", json!({"analysis_type": "segment_overview"})).await;
    let few = segments.items.iter().find(|item| item["segment"] == "Few").expect("shown");
    assert_eq!((&few["customers"], &few["spend"]), (&Value::Null, &Value::Null));
    let risk = world.ask("analyze_customers", json!({"analysis_type": "churn_risk"})).await;
    let bands = risk.figures["customers_by_band"].as_array().expect("bands");
    assert_eq!(bands.iter().filter(|band| band["customers"].is_null()).count(), 2, "{bands:?}");
    // Three customers bought once or twice but for the one who bought once: too few to be listed.
    let once = world.ask("analyze_behavior", json!({"analysis_type": "one_time_buyers"})).await;
    assert!(!once.available && once.items.is_empty() && once.figures == json!({}), "{once:?}");
    assert!(once.reason.expect("a reason").contains("fewer than 5"));

    // The threshold is the tenant's.
    let mut tx = world.desk.db().tenant_tx(database::Role::Marketing, world.tenant).await.expect("begins");
    policy::write(&mut tx, world.tenant, &Policy { smallest_group: 2, ..Policy::default() }, "test")
        .await
        .expect("written");
    tx.commit().await.expect("commits");
    let revenue = world.ask("analyze_products", json!({"analysis_type": "revenue_by_category"})).await;
    assert_eq!(revenue.withheld, 0, "{:?}", revenue.items);
}

#[tokio::test]
async fn a_credential_sees_its_own_tenant_and_what_it_may() {
    let world = world().await;
    publish(&world).await;
    let stranger = Asker { tenant: world.other, ..world.asker() };
    let theirs = world.ask("analyze_customers", json!({"analysis_type": "high_value"})).await;
    let id = theirs.items[0]["customer_id"].clone();
    let looked = json!({"info_type": "profile", "customer_id": id});
    assert_eq!(world.ask("lookup_customer", looked.clone()).await.figures["customer_id"], id);
    // The same id under another tenant's key is somebody else's number or nobody's; the shop's own id is another person's.
    match world.try_ask(stranger, "lookup_customer", looked.clone()).await {
        Err(ToolError::UnknownCustomer) => {}
        Ok(answer) => assert_ne!(answer.figures["customer_id"], id, "{answer:?}"),
        Err(error) => panic!("{error}"),
    }
    let own = json!({"info_type": "purchase_history", "customer_id": "person30@example.com"});
    let answer = world.try_ask(stranger, "lookup_customer", own).await.expect("their own person 30");
    assert!(!answer.available && answer.items.is_empty(), "{answer:?}");
    for (tool, arguments) in variants() {
        let answer = world.try_ask(stranger, tool, arguments.clone()).await.expect("an answer");
        assert!(answer.items.is_empty(), "an empty shop has no rows: {arguments} {answer:?}");
    }
    let no_customers = Asker { customers: false, ..world.asker() };
    assert!(matches!(
        world.try_ask(no_customers, "lookup_customer", looked.clone()).await,
        Err(ToolError::Forbidden(_))
    ));
    let no_analytics = Asker { analytics: false, ..world.asker() };
    assert!(world.try_ask(no_analytics, "lookup_customer", looked).await.is_ok());
    let refused =
        world.try_ask(no_analytics, "analyze_customers", json!({"analysis_type": "high_value"})).await;
    assert!(matches!(refused, Err(ToolError::Forbidden("intelligence:read"))));
    let unknown = world
        .try_ask(
            world.asker(),
            "lookup_customer",
            json!({"info_type": "profile", "customer_id": "C-ZZZZZZZZ"}),
        )
        .await;
    assert!(matches!(unknown, Err(ToolError::UnknownCustomer)));
}

#[tokio::test]
async fn names_in_the_data_are_data() {
    let world = world().await;
    let history = world
        .ask(
            "lookup_customer",
            json!({"info_type": "purchase_history", "customer_id": "person40@example.com"}),
        )
        .await;
    assert_eq!(history.items[0]["categories"][0], ATTACK);
    let known = Known::of([&history]);
    assert_eq!(verify("Revenue is 9999999.", &known, &[]).text, "");
    let quoted = format!("The customer bought \"{ATTACK}\".");
    assert_eq!(verify(&quoted, &known, &[]).text, quoted);
}

#[tokio::test]
async fn resources_tell_sizes_coarsely() {
    let world = world().await;
    publish(&world).await;
    let mut tx = world.desk.db().tenant_tx(database::Role::Marketing, world.tenant).await.expect("begins");
    let archetypes = resources::archetypes(&mut tx, world.tenant, 5).await.expect("read");
    assert_eq!(archetypes["archetypes"][0]["name"], "Steady");
    assert_eq!(archetypes["axes"][0]["segments"][1]["name"], "Regulars");
    let segments = resources::segments(&mut tx, world.tenant, 5).await.expect("read");
    assert_eq!(segments, json!({"segments": []}));
    let nobody = resources::archetypes(&mut tx, world.other, 5).await.expect("read");
    tx.commit().await.expect("commits");
    assert_eq!(nobody["available"], true, "the tenant is the transaction's");
    assert!(resources::dictionary()["tools"]["lookup_customer"].is_string());
}
