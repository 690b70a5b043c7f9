//! Lists that are narrowed down: by group, band, archetype, segment and country, with what each customer bought last, and withheld
//! where they, or what they leave over, are of too few customers.

use database::Role;
use questions::desk::{Asker, ToolError};
use questions::policy::{self, Policy};
use questions::text;
use questions::tools::{Call, ToolAnswer, parameters as p};
use questions::verifier::known::Known;
use questions::verifier::verify;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

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

/// Customers 1 to 3 live in Switzerland, those up to the 20th in Austria, up to the 38th in Germany; of two it is not known.
async fn settle_down(world: &World) {
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    sqlx::query(
        "update platform.customer_fact
         set shipping_country = case when n <= 3 then 'CH' when n <= 20 then 'AT' when n <= 38 then 'DE' end
         from (select customer_id, substring(customer_id from '[0-9]+')::int as n from platform.customer_fact) as numbered
         where numbered.customer_id = customer_fact.customer_id and tenant_id = $1",
    )
    .bind(world.tenant)
    .execute(&mut admin)
    .await
    .expect("countries");
}

#[tokio::test]
async fn a_country_is_withheld_with_those_who_would_be_told_by_all_others() {
    let world = world().await;
    publish(&world).await;
    settle_down(&world).await;
    let german = risk(&world, json!({"country": "DE"})).await;
    assert_eq!(
        (german.items.len(), &german.figures["customers_about"], &german.figures["of_customers_about"]),
        (18, &json!(20), &json!(40)),
        "{german:?}"
    );
    assert!(german.definition.contains("shipping address in the country"), "{}", german.definition);
    assert!(german.caveats.iter().any(|caveat| caveat.contains("shipping address")), "{:?}", german.caveats);
    let told = text::of(&german);
    assert!(told.contains("The country is Germany."), "{told}");
    assert_eq!(verify(&told, &Known::of([&german]), &[]).text, told);
    // Three are Swiss, and of two nothing is known: five together. All others of the forty are told, so both are withheld.
    let austrian = risk(&world, json!({"country": "at"})).await;
    assert_eq!(austrian.items.len(), 17, "{austrian:?}");
    for filter in [
        json!({"country": "CH"}),
        // Of the five VIPs three are German.
        json!({"country": "DE", "group": "vip"}),
        // No Swiss one is steady: the two of whom nothing is known would be left over.
        json!({"country": "AT", "archetype": "Steady"}),
    ] {
        let answer = risk(&world, filter.clone()).await;
        assert!(!answer.available && answer.items.is_empty(), "{filter}: {answer:?}");
        assert_eq!((answer.figures.clone(), answer.withheld), (json!({}), 1), "{filter}");
    }
    // Where a country is too small by itself, the next smallest goes too.
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    sqlx::query("update platform.customer_fact set shipping_country = 'DE' where shipping_country is null and tenant_id = $1")
        .bind(world.tenant)
        .execute(&mut admin)
        .await
        .expect("known");
    for (country, customers) in [("CH", None), ("AT", None), ("DE", Some(20)), ("FR", Some(0))] {
        let arguments = json!({"analysis_type": "churn_risk", "filter_by": {"country": country}, "sort_by": "spend", "limit": 100});
        let answer = world.ask("analyze_customers", arguments).await;
        assert_eq!(answer.available.then_some(answer.items.len()), customers, "{country}: {answer:?}");
    }
}

#[tokio::test]
async fn countries_need_a_run_that_knows_them() {
    let world = world().await;
    let answer = world
        .ask("target_campaign", json!({"campaign_type": "loyalty", "filter_by": {"country": "DE"}}))
        .await;
    assert!(!answer.available && answer.items.is_empty(), "{answer:?}");
    assert!(answer.reason.expect("a reason").contains("no intelligence run"));
}

/// Customers 11 to 40 changed with the run, the later ones further.
async fn change(world: &World) {
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    sqlx::query(
        "insert into platform.customer_change (tenant_id, run_id, customer_id, changed_on, drift, archetype_from, archetype_to, churn_from, churn_to)
         select $1, '00000000-0000-7000-8000-000000000002', 'person' || n || '@example.com', date '2026-06-30', n / 100.0, 1, 0, 0.1, n / 41.0
         from generate_series(11, 40) n",
    )
    .bind(world.tenant)
    .execute(&mut admin)
    .await
    .expect("changes");
}

#[tokio::test]
async fn who_changed_is_narrowed_down_and_sorted_by_how_far() {
    let world = world().await;
    publish(&world).await;
    change(&world).await;
    let changed =
        json!({"analysis_type": "behavior_change", "filter_by": {"group": "vip"}, "with_last_order": true});
    let answer = world.ask("analyze_behavior", changed).await;
    assert_eq!(
        (answer.items.len(), &answer.figures["customers_about"], &answer.figures["of_customers_about"]),
        (5, &json!(5), &json!(30)),
        "{answer:?}"
    );
    let first = &answer.items[0];
    assert_eq!(
        (&first["drift"], &first["archetype_from"], &first["archetype_to"]),
        (&json!(0.4), &json!("Few"), &json!("Steady"))
    );
    assert_eq!(first["last_order_on"], "2026-06-15");
    assert_eq!(answer.items[4]["drift"], 0.36);
    assert!(!serde_json::to_string(&answer).expect("JSON").contains("@example.com"));
    let sorted = json!({"analysis_type": "churn_risk", "sort_by": "drift", "filter_by": {"group": "vip"}});
    let sorted = world.ask("analyze_customers", sorted).await;
    let drifts: Vec<&Value> = sorted.items.iter().map(|item| &item["drift"]).collect();
    assert_eq!(drifts, [0.4, 0.39, 0.38, 0.37, 0.36].map(|drift| json!(drift)).iter().collect::<Vec<_>>());
    assert_eq!(sorted.figures["of_customers_about"], 30);
    let told = text::of(&sorted);
    assert!(told.contains("listed by how far their behaviour moved"), "{told}");
    // Eight who changed have a critical risk, five of them are VIPs: the three others would be told.
    let thin = json!({"group": "vip", "churn_band": "critical"});
    for (tool, arguments) in [
        ("analyze_behavior", json!({"analysis_type": "behavior_change", "filter_by": thin})),
        ("analyze_customers", json!({"analysis_type": "churn_risk", "sort_by": "drift", "filter_by": thin})),
    ] {
        let answer = world.ask(tool, arguments).await;
        assert!(!answer.available && answer.items.is_empty() && answer.figures == json!({}), "{answer:?}");
    }
}

#[tokio::test]
async fn who_spends_more_or_buys_below_the_list_price_is_narrowed_down() {
    let world = world().await;
    publish(&world).await;
    // Whoever has six orders or more had three in each of both times: only the first five customers spend more than before.
    let all = world.ask("analyze_behavior", json!({"analysis_type": "momentum_analysis"})).await;
    let up = all.items.iter().filter(|item| item["direction"] == "up").count();
    let vips = json!({"analysis_type": "momentum_analysis", "filter_by": {"group": "vip"}});
    let vips = world.ask("analyze_behavior", vips).await;
    // Nobody of the VIPs moved.
    assert!(up == 5 && vips.items.is_empty() && vips.available, "{all:?} {vips:?}");
    assert_eq!(vips.figures["customers_about"], 0);
    assert!(text::of(&vips).contains("There are none."), "{}", text::of(&vips));

    // The customers from 21 on bought three things below their list price.
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    sqlx::query("update platform.order_line set list_amount = 2 * amount where substring(customer_id from '[0-9]+')::int > 20 and amount > 0")
        .execute(&mut admin)
        .await
        .expect("reduced");
    let dependent = json!({"analysis_type": "discount_dependency", "filter_by": {"group": "vip"}, "with_last_order": true});
    let dependent = world.ask("analyze_behavior", dependent).await;
    assert_eq!(
        (
            dependent.items.len(),
            &dependent.figures["customers_about"],
            &dependent.figures["of_customers_about"]
        ),
        (5, &json!(5), &json!(20)),
        "{dependent:?}"
    );
    let first = &dependent.items[0];
    assert_eq!(
        (&first["class"], &first["reduced_share"], &first["mean_reduction"]),
        (&json!("dependent"), &json!(1.0), &json!(0.5))
    );
    assert_eq!(first["last_order_on"], "2026-06-15");
}

#[tokio::test]
async fn how_often_a_part_orders_is_told_by_bands_that_tell_of_nobody() {
    let world = world().await;
    publish(&world).await;
    let cadence = async |filter: Value| {
        world.ask("analyze_behavior", json!({"analysis_type": "purchase_cadence", "filter_by": filter})).await
    };
    // The customers 21 to 40 have ten orders and more, a month apart.
    save_segment(&world, "Summer Buyers", true).await;
    let part = cadence(json!({"segment": "summer buyers"})).await;
    let of = |answer: &ToolAnswer, from: i64| {
        answer.items.iter().find(|item| item["from_days"] == from).cloned().unwrap_or_default()
    };
    assert_eq!(
        (&part.figures["customers_about"], &part.figures["of_customers_about"], &part.figures["with_more"]),
        (&json!(20), &json!(40), &json!(20)),
        "{part:?}"
    );
    // A month is 30 or 31 days in the mean, so all are of one band, and nineteen others with them.
    assert_eq!(
        (&of(&part, 15)["customers"], &of(&part, 31)["customers"]),
        (&json!(0), &json!(20)),
        "{part:?}"
    );
    assert_eq!((&of(&part, 31)["share"], &part.figures["median_days"]), (&json!(1.0), &json!(30.0)));
    let told = text::of(&part);
    assert!(
        told.contains("about 20 customers of about 40") && told.contains("about 20 more often"),
        "{told}"
    );
    assert_eq!(verify(&told, &Known::of([&part]), &[]).text, told);
    // All but the three with the fewest orders: who is left over would be told.
    let steady = cadence(json!({"archetype": "steady"})).await;
    assert!(!steady.available && steady.items.is_empty() && steady.figures == json!({}), "{steady:?}");
    let few = cadence(json!({"group": "new"})).await;
    assert!(!few.available && few.items.is_empty() && few.figures == json!({}), "three are new: {few:?}");
    let refused = world
        .try_ask(
            world.asker(),
            "analyze_behavior",
            json!({"analysis_type": "purchase_cadence", "with_last_order": true}),
        )
        .await;
    assert!(matches!(refused, Err(ToolError::Call(_))), "{refused:?}");
}

#[tokio::test]
async fn a_class_of_discounts_is_withheld_where_the_rest_of_it_is_of_few() {
    let world = world().await;
    publish(&world).await;
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    // The customers from 34 on bought everything below its list price, of whom 36 to 40 are VIPs.
    sqlx::query("update platform.order_line set list_amount = 2 * amount where substring(customer_id from '[0-9]+')::int > 33 and amount > 0")
        .execute(&mut admin)
        .await
        .expect("reduced");
    let strategy = async |filter: Value| {
        let arguments = json!({"recommendation_type": "discount_strategy", "filter_by": filter, "with_last_order": true, "limit": 100});
        world.ask("get_recommendations", arguments).await
    };
    save_segment(&world, "Summer Buyers", true).await;
    let part = strategy(json!({"segment": "summer buyers"})).await;
    let class = |answer: &ToolAnswer, name: &str| {
        let classes = answer.figures["classes"].as_array().cloned().unwrap_or_default();
        classes.into_iter().find(|class| class["class"] == name).unwrap_or_default()
    };
    // Of the twenty from 21 on seven depend on discounts, and nobody else does.
    assert_eq!(
        (&class(&part, "dependent")["customers"], &class(&part, "full_price")["customers"]),
        (&json!(5), &json!(15)),
        "{part:?}"
    );
    assert!(part.figures.get("lines").is_none() && part.items.len() == 20, "{part:?}");
    assert!(part.items.iter().all(|item| item["last_order_on"].is_string()), "{part:?}");
    assert!(!serde_json::to_string(&part).expect("JSON").contains("@example.com"));
    // Of the seven who depend five are VIPs: the two others would be told, and so would they by what is left.
    let vips = strategy(json!({"group": "vip"})).await;
    assert!(vips.available, "{vips:?}");
    assert_eq!(class(&vips, "dependent")["customers"], Value::Null, "{vips:?}");
    assert!(vips.items.is_empty() && vips.withheld > 0, "{vips:?}");
}

#[tokio::test]
async fn whom_a_season_concerns_is_narrowed_down() {
    let world = world().await;
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    // Nobody from 11 on has ordered since January; the window of a year ago has an order of each who has so many.
    sqlx::query("delete from platform.order_line where ordered_at > '2026-02-01' and substring(customer_id from '[0-9]+')::int > 10")
        .execute(&mut admin)
        .await
        .expect("deleted");
    let customers: Vec<String> = (1..=40).map(|n| format!("person{n}@example.com")).collect();
    let mut tx = world.desk.db().tenant_tx(Role::Platform, world.tenant).await.expect("begins");
    sqlx::query(include_str!("../../../platform/src/orders/refresh_profiles.sql"))
        .bind(world.tenant)
        .bind(&customers)
        .execute(&mut *tx)
        .await
        .expect("profiles");
    tx.commit().await.expect("commits");
    publish(&world).await;
    let seasonal = async |filter: Value| {
        let arguments =
            json!({"campaign_type": "seasonal", "filter_by": filter, "with_last_order": true, "limit": 100});
        world.ask("target_campaign", arguments).await
    };
    let all = world.ask("target_campaign", json!({"campaign_type": "seasonal", "limit": 100})).await;
    save_segment(&world, "Summer Buyers", true).await;
    let part = seasonal(json!({"segment": "summer buyers"})).await;
    assert_eq!((part.items.len(), &part.figures["customers_about"]), (20, &json!(20)), "{part:?}");
    assert!(all.items.len() >= 25, "{all:?}");
    let first = &part.items[0];
    assert_eq!(
        (&first["customer_id"], &first["reasons"]),
        (&all.items[0]["customer_id"], &all.items[0]["reasons"])
    );
    assert!(first["last_order_on"].is_string() && first["spend"].is_string(), "{first:?}");
    let told = text::of(&part);
    assert_eq!(verify(&told, &Known::of([&part]), &[]).text, told);
    let all_about = &part.figures["of_customers_about"];
    assert_eq!(
        all_about.as_i64(),
        Some((i64::try_from(all.items.len()).expect("few") + 2) / 5 * 5),
        "{all:?}"
    );
}

/// Twelve firms with eight orders each, on working days a month apart and twenty of a thing at once; the later ones pay more.
async fn open_firms(world: &World) {
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    for statement in [
        "insert into platform.customer (tenant_id, customer_id, email) select $1, 'firm' || n || '@example.com', 'firm' || n || '@example.com'
         from generate_series(1, 12) n",
        "insert into platform.order_line (tenant_id, line_key, order_id, customer_id, ordered_at, product_id, category, quantity,
                                          amount, list_amount, currency, is_return)
         select $1, gen_random_uuid(), 'f' || n || '-' || k, 'firm' || n || '@example.com',
                timestamptz '2026-06-17 12:00+00' - make_interval(days => k * 28), 'mug', 'cups', 20, 1000 + n, 1000 + n, 'EUR', false
         from generate_series(1, 12) n, generate_series(0, 7) k",
    ] {
        sqlx::query(statement).bind(world.tenant).execute(&mut admin).await.expect("firms");
    }
    let firms: Vec<String> = (1..=12).map(|n| format!("firm{n}@example.com")).collect();
    let mut tx = world.desk.db().tenant_tx(Role::Platform, world.tenant).await.expect("begins");
    sqlx::query(include_str!("../../../platform/src/orders/refresh_profiles.sql"))
        .bind(world.tenant)
        .bind(&firms)
        .execute(&mut *tx)
        .await
        .expect("profiles");
    tx.commit().await.expect("commits");
}

#[tokio::test]
async fn businesses_and_who_knows_one_category_are_narrowed_down() {
    let world = world().await;
    open_firms(&world).await;
    let all = world.ask("analyze_customers", json!({"analysis_type": "b2b_identification"})).await;
    assert_eq!(all.figures["found"], 12, "{all:?}");
    // The highest tenth of 52 begins with the 47th, which is the seventh firm.
    let vips = json!({"analysis_type": "b2b_identification", "filter_by": {"group": "vip"}, "with_last_order": true});
    let answer = world.ask("analyze_customers", vips).await;
    assert_eq!(
        (answer.items.len(), &answer.figures["customers_about"], &answer.figures["of_customers_about"]),
        (6, &json!(5), &json!(10)),
        "{answer:?}"
    );
    assert_eq!(
        (&answer.items[0]["spend"], &answer.items[0]["last_order_on"]),
        (&json!("8096.00"), &json!("2026-06-17"))
    );
    let told = text::of(&answer);
    assert_eq!(verify(&told, &Known::of([&answer]), &[]).text, told);
    // The other way round they are the same customers.
    let firms =
        json!({"analysis_type": "high_value", "filter_by": {"group": "business"}, "with_last_order": true});
    let firms = world.ask("analyze_customers", firms).await;
    let ids = |answer: &ToolAnswer| {
        let mut ids: Vec<String> = answer.items.iter().map(|item| item["customer_id"].to_string()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&firms), ids(&answer), "{firms:?}");
    assert!(firms.definition.contains("the signs of a business"), "{}", firms.definition);
    // One customer ordered once, and is no business: by what is left over that one would be told.
    let once = json!({"analysis_type": "one_time_buyers", "filter_by": {"group": "business"}});
    let once = world.ask("analyze_behavior", once).await;
    assert!(!once.available && once.items.is_empty() && once.figures == json!({}), "{once:?}");
    let single = json!({"recommendation_type": "expansion_targets", "filter_by": {"group": "vip"}});
    let single = world.ask("get_recommendations", single).await;
    // The highest fifth of all is nine firms and more: only firms are left, who buy cups alone.
    assert!(single.available && single.items.len() == 6, "{single:?}");
    assert_eq!(
        single.items[0]["reasons"].as_array().and_then(|reasons| reasons.last()),
        Some(&json!("every purchase was in cups"))
    );
}

#[tokio::test]
async fn every_list_that_can_be_narrowed_down_takes_a_group_and_the_others_say_which_can() {
    let world = world().await;
    publish(&world).await;
    settle_down(&world).await;
    let each = |tool: &'static str, field: &'static str, names: Vec<&'static str>| {
        names.into_iter().map(move |name| (tool, json!({ field: name }))).collect::<Vec<_>>()
    };
    let mut all = each(
        "analyze_customers",
        "analysis_type",
        p::CustomerAnalysis::ALL.iter().map(|v| v.name()).collect(),
    );
    all.extend(each("target_campaign", "campaign_type", p::Campaign::ALL.iter().map(|v| v.name()).collect()));
    all.extend(each(
        "analyze_behavior",
        "analysis_type",
        p::BehaviorAnalysis::ALL.iter().map(|v| v.name()).collect(),
    ));
    all.extend(each(
        "get_recommendations",
        "recommendation_type",
        p::Recommendation::ALL.iter().map(|v| v.name()).collect(),
    ));
    let mut narrowed = 0;
    for (tool, mut arguments) in all {
        let can = Call::parse(tool, &arguments).expect("a call").can_be_narrowed();
        let lists = Call::parse(tool, &arguments).expect("a call").lists_customers();
        if lists || !can {
            arguments["with_last_order"] = json!(true);
        }
        if can {
            for filter in [json!({"group": "vip"}), json!({"group": "business"}), json!({"country": "DE"})] {
                arguments["filter_by"] = filter;
                let answer = world.ask(tool, arguments.clone()).await;
                assert!(answer.available || answer.reason.is_some(), "{arguments}: {answer:?}");
                assert!(
                    !lists || answer.items.iter().all(|item| item["last_order_on"].is_string()),
                    "{arguments}: {answer:?}"
                );
                narrowed += 1;
            }
        } else {
            arguments["filter_by"] = json!({"group": "vip"});
            let refused = Call::parse(tool, &arguments).expect_err("no list of customers").to_string();
            for name in [
                "analyze_customers (churn_risk, high_value, b2b_identification)",
                "target_campaign, analyze_behavior and get_recommendations",
            ] {
                assert!(refused.contains(name), "{arguments}: {refused}");
            }
        }
    }
    assert_eq!(narrowed, 3 * (3 + 6 + 6 + 6));
}
