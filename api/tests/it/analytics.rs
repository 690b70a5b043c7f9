//! Analytics as a marketer's program asks for them: every report on a handful of orders that can be reckoned by hand.

use crate::desk::call;
use crate::shop::{Answer, Shop, open, request, shop};
use accounts::api_keys::Scope;
use accounts::verify::Mode;
use axum::body::Body;
use axum::http::StatusCode;
use chrono::{Days, Utc};
use database::{Role, Tx};
use platform::analytics::forecasts::{self, Ahead, Forecast, Metric, NO_METHOD, Past};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

/// customer, order, day, product, category, amount, list amount, whether it came back; all but f in euros.
const LINES: &str = "
    a a1 2026-01-10 green tea 100 100 no
    a a2 2026-03-10 green tea 100 100 no
    a a3 2026-05-10 mocha coffee 120 120 no
    b b1 2026-06-01 green tea 50 100 no
    b b2 2026-06-10 black tea 50 100 no
    b b3 2026-06-20 black tea 40 80 no
    c c1 2025-05-20 mocha coffee 300 - no
    d d1 2025-07-10 green tea 80 - no
    e e1 2026-04-01 mug cups 30 - no
    e e2 2026-04-05 mug cups -30 - yes
    f f1 2026-06-01 mug cups 999 - no
    g g1 2025-10-01 mug cups 10 - no
    g g2 2025-10-11 mug cups 10 - no
    g g3 2025-10-21 mug cups 10 - no";

const PROFILES: &str = include_str!("../../../domain/platform/src/orders/refresh_profiles.sql");

async fn platform(shop: &Shop) -> Tx {
    shop.state.db.tenant_tx(Role::Platform, shop.tenant).await.expect("a transaction")
}

/// The lines above with their profiles.
async fn put_orders(shop: &Shop) {
    let mut tx = platform(shop).await;
    for line in LINES.trim().lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [customer, order, day, product, category, amount, listed, came_back] = fields[..] else {
            panic!("{line}");
        };
        let currency = if customer == "f" { "GBP" } else { "EUR" };
        let listed = if listed == "-" { "null" } else { listed };
        let statement = format!(
            "insert into platform.order_line (tenant_id, line_key, order_id, customer_id, ordered_at, product_id,
                                              category, quantity, amount, list_amount, currency, is_return)
             values ($1, gen_random_uuid(), '{order}', '{customer}', '{day} 12:00:00+00', '{product}', '{category}',
                     1, {amount}, {listed}, '{currency}', {})",
            came_back == "yes"
        );
        sqlx::query(AssertSqlSafe(statement)).bind(shop.tenant).execute(&mut *tx).await.expect("a line");
    }
    refresh(shop, &mut tx).await;
    tx.commit().await.expect("committed");
}

/// Customers and profiles of whoever has lines.
async fn refresh(shop: &Shop, tx: &mut Tx) {
    let customers: Vec<String> = sqlx::query_scalar("select distinct customer_id from platform.order_line")
        .fetch_all(&mut **tx)
        .await
        .expect("customers");
    sqlx::query("insert into platform.customer (tenant_id, customer_id) select $1, unnest($2::text[])")
        .bind(shop.tenant)
        .bind(&customers)
        .execute(&mut **tx)
        .await
        .expect("customers");
    sqlx::query(PROFILES).bind(shop.tenant).bind(&customers).execute(&mut **tx).await.expect("profiles");
}

/// A published run as of 30 June 2026 with facts of the customers in euros.
async fn put_run(shop: &Shop) {
    let (run, segmentation) = (Uuid::now_v7(), Uuid::now_v7());
    let catalog = json!({
        "axes": [
            { "name": "purchase_frequency", "degenerate": null,
              "segments": [{ "name": "Rare visitors" }, { "name": "Regulars" }] },
            { "name": "return_behavior", "degenerate": "nobody returns anything", "segments": [] },
        ],
        "archetypes": [{ "name": "Rare", "level": 1 }, { "name": "Regular", "level": 2 }],
    });
    let mut tx = platform(shop).await;
    let run_statement = "
        with version as (
            insert into platform.segmentation (id, tenant_id, number, fitted_as_of, customers, model, catalog, report,
                                               reason)
            values ($3, $1, 1, '2026-06-30', 6, '', $4, '{}', 'first')),
        run as (
            insert into platform.intelligence_run (id, tenant_id, generation, state, as_of, pinned, currency,
                                                   segmentation_id, published_at)
            values ($2, $1, 1, 'published', '2026-06-30', true, 'EUR', $3, now()) returning id)
        insert into platform.current_run (tenant_id, run_id, generation) select $1, id, 1 from run";
    let facts = "
        insert into platform.customer_fact
            (tenant_id, generation, customer_id, orders, spend_cents, first_order_on, last_order_on,
             purchase_frequency, archetype_l1, archetype_l2, marketing_opt_in, churn, ltv)
        select $1, 1, p.customer_id, orders, (spend * 100)::bigint, first_order_at::date, last_order_at::date,
               case when orders >= 3 then 6 else 1 end, 0, case when orders >= 3 then 1 end,
               p.customer_id in ('a', 'c'), k.churn, nullif(10.0, 10 * (p.customer_id = 'e')::int)
        from platform.customer_profile p
        join (values ('a', 0.2), ('b', 0.1), ('c', 0.9), ('d', 0.9), ('e', 0.7), ('g', 0.85)) as k (id, churn)
          on k.id = p.customer_id";
    let changes = "
        insert into platform.customer_change
            (tenant_id, customer_id, run_id, changed_on, drift, archetype_from, archetype_to, churn_from, churn_to)
        values ($1, 'd', $2, '2026-06-30', 0.5, 1, 0, 0.2, 0.9), ($1, 'b', $2, '2026-06-30', 0.3, 0, 1, 0.7, 0.1)";
    sqlx::query(run_statement)
        .bind(shop.tenant)
        .bind(run)
        .bind(segmentation)
        .bind(catalog)
        .execute(&mut *tx)
        .await
        .expect("a run");
    sqlx::query(facts).bind(shop.tenant).execute(&mut *tx).await.expect("facts");
    sqlx::query(changes).bind(shop.tenant).bind(run).execute(&mut *tx).await.expect("changes");
    tx.commit().await.expect("committed");
}

/// A report that is available.
async fn report(shop: &Shop, path: &str) -> Value {
    let answer = shop.get(&format!("/api/analytics/{path}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    assert_eq!(answer.json["available"], true, "{path}: {}", answer.text);
    answer.json
}

fn column<'a>(report: &'a Value, name: &str) -> Vec<&'a Value> {
    report["items"].as_array().expect("items").iter().map(|item| &item[name]).collect()
}

#[tokio::test]
async fn products_and_behaviour_by_hand() {
    let shop = shop(Mode::Token).await;
    put_orders(&shop).await;
    put_run(&shop).await;

    let revenue = report(&shop, "products/revenue-by-category").await;
    assert_eq!((&revenue["as_of"], &revenue["currency"]), (&json!("2026-06-30"), &json!("EUR")));
    let expected = json!({ "revenue": "570.00", "revenue_before": "300.00", "growth": 0.9, "lines": 12, "categories": 3 });
    assert_eq!(revenue["figures"], expected);
    assert_eq!(column(&revenue, "category"), ["tea", "coffee", "cups"]);
    assert_eq!(column(&revenue, "revenue"), ["420.00", "120.00", "30.00"]);
    assert_eq!(column(&revenue, "share_of_revenue"), [0.7368, 0.2105, 0.0526]);
    assert_eq!(column(&revenue, "growth"), [&json!(null), &json!(-0.6), &json!(null)]);
    assert_eq!(column(&revenue, "returned_value")[2], "30.00");
    assert_eq!(column(&revenue, "units")[2], "4");
    let short = report(&shop, "products/revenue-by-category?timeframe_months=1&limit=1").await;
    assert_eq!((&short["figures"]["revenue"], &short["timeframe_months"]), (&json!("140.00"), &json!(1)));

    let repurchase = report(&shop, "products/repurchase").await;
    assert_eq!(column(&repurchase, "category"), ["tea", "cups", "coffee"]);
    assert_eq!(column(&repurchase, "rate"), [0.6667, 0.5, 0.0]);
    assert_eq!(column(&repurchase, "mean_span_days")[0], 39.0);
    assert_eq!(column(&repurchase, "share_of_spend")[0], 0.8095);

    let once = report(&shop, "behavior/one-time-buyers").await;
    let expected = json!({
        "customers": 3, "share_of_customers": 0.5, "spend": "380.00", "share_of_spend": 0.4368, "reachable": 1,
    });
    assert_eq!(once["figures"], expected);
    assert_eq!(column(&once, "customer_id"), ["c", "d", "e"]);
    assert_eq!(once["items"][0]["reasons"], json!(["one order of 300.00 EUR, 406 days ago"]));

    let momentum = report(&shop, "behavior/momentum").await;
    let expected = json!({
        "revenue": "230.00", "revenue_before": "230.00", "growth": 0.0, "active_customers": 2,
        "active_customers_before": 2, "rising": 1, "falling": 2,
    });
    assert_eq!(momentum["figures"], expected);
    assert_eq!(column(&momentum, "customer_id"), ["b", "a", "e"]);
    assert_eq!(column(&momentum, "change"), ["140.00", "-80.00", "-60.00"]);

    let declining = report(&shop, "behavior/declining").await;
    assert_eq!(column(&declining, "customer_id"), ["g"]);
    assert_eq!(
        declining["items"][0]["reasons"][0],
        "252 days since the last order, 10 days between orders before"
    );

    let cadence = report(&shop, "behavior/cadence").await;
    let expected = json!({
        "with_one_order": 3, "with_more": 3, "repeat_share": 0.5, "quarter_days": 9.8, "median_days": 10.0,
        "three_quarters_days": 35.0,
    });
    assert_eq!(cadence["figures"], expected);
    assert_eq!(column(&cadence, "customers"), [0, 2, 0, 1, 0, 0, 0, 0]);
    assert_eq!((&cadence["items"][1]["from_days"], &cadence["items"][1]["to_days"]), (&json!(8), &json!(14)));

    let discounts = report(&shop, "behavior/discount-dependency").await;
    let figures = &discounts["figures"];
    assert_eq!((&figures["lines"], &figures["reduced_share_of_lines"]), (&json!(6), &json!(0.5)));
    assert_eq!(figures["reduced_share_of_revenue"], 0.3043);
    assert_eq!(figures["mean_reduction"], 0.2333);
    assert_eq!(column(&discounts, "customer_id"), ["b"]);
    assert_eq!(column(&discounts, "mean_reduction"), [0.5]);
    let strategy = report(&shop, "recommendations/discount-strategy").await;
    assert_eq!(column(&strategy, "class"), ["dependent", "full_price"]);

    let change = report(&shop, "behavior/change").await;
    let expected = json!({ "customers": 2, "archetype_changed": 2, "risk_rose": 1, "risk_fell": 1 });
    assert_eq!(change["figures"], expected);
    assert_eq!(change["items"][0]["archetype_from"], "Regular");
    assert_eq!(change["items"][0]["risk_to"], "critical");
}

#[tokio::test]
async fn customers_segments_and_campaigns_by_hand() {
    let shop = shop(Mode::Token).await;
    put_orders(&shop).await;
    put_run(&shop).await;

    let best = report(&shop, "customers/high-value").await;
    assert_eq!(column(&best, "customer_id"), ["a"]);
    assert_eq!(best["items"][0]["mean_order_value"], "106.66");
    assert_eq!(best["items"][0]["churn_probability"], 0.2);

    let rfm = report(&shop, "customers/rfm").await;
    assert_eq!(rfm["figures"]["frequency_bounds"], json!([1, 1, 3, 3]));
    assert_eq!(rfm["figures"]["money_bounds"], json!(["30.00", "80.00", "140.00", "300.00"]));
    let cell = |r: i32, f: i32, m: i32| json!({ "recency": r, "frequency": f, "money": m });
    let cells: Vec<Value> = rfm["figures"]["cells"]
        .as_array()
        .expect("cells")
        .iter()
        .map(|found| json!({ "recency": found["recency"], "frequency": found["frequency"], "money": found["money"] }))
        .collect();
    let expected = [cell(5, 3, 3), cell(4, 3, 5), cell(3, 1, 1), cell(2, 3, 1), cell(1, 1, 4), cell(1, 1, 2)];
    assert_eq!(cells, expected);
    let classes: Vec<(&str, i64)> = rfm["items"]
        .as_array()
        .expect("classes")
        .iter()
        .map(|class| {
            (class["class"].as_str().expect("a name"), class["customers"].as_i64().expect("a count"))
        })
        .collect();
    let expected = [
        ("champions", 0),
        ("loyal", 2),
        ("new_or_promising", 0),
        ("cooling", 1),
        ("at_risk", 1),
        ("hibernating", 2),
    ];
    assert_eq!(classes, expected);

    let overview = report(&shop, "segments/overview").await;
    assert_eq!(overview["figures"]["customers"], 6);
    assert_eq!(overview["figures"]["degenerate_axes"]["return_behavior"], "nobody returns anything");
    let regulars = &overview["items"][1];
    assert_eq!((&regulars["segment"], &regulars["strong"]), (&json!("Regulars"), &json!(3)));
    assert_eq!((&regulars["spend"], &regulars["mean_order_value"]), (&json!("490.00"), &json!(54.44)));
    assert_eq!(regulars["mean_churn_probability"], 0.3833);
    assert_eq!(overview["items"].as_array().expect("items").last().expect("one")["axis"], "archetype");

    let comparison = report(&shop, "segments/comparison?axis=purchase_frequency&limit=2").await;
    assert_eq!(comparison["items"][1]["spend_index"], 1.1264);
    let by_archetype = report(&shop, "segments/comparison").await;
    assert_eq!(column(&by_archetype, "segment"), ["Rare", "Regular"]);

    let growth = report(&shop, "segments/growth").await;
    assert_eq!(growth["figures"], json!({ "runs": 1, "moves": 2, "won": 1, "won_before": 2 }));
    assert_eq!(column(&growth, "archetype"), ["Regular", "Rare"]);
    assert_eq!(column(&growth, "entered"), [1, 1]);
    assert_eq!(column(&growth, "won"), [1, 0]);

    let seasonal = report(&shop, "segments/seasonal").await;
    assert_eq!(seasonal["figures"]["full_months"], 14);
    assert_eq!(seasonal["figures"]["month_index"][4], 3.267);
    assert_eq!(seasonal["figures"]["revenue"], "900.00");
    assert_eq!(column(&seasonal, "customers"), [0, 0, 0, 0]);

    for (campaign, customers) in [
        ("campaigns/retention", &["g"][..]),
        ("campaigns/growth", &[]),
        ("campaigns/winback", &["c", "d"]),
        ("campaigns/seasonal", &["d"]),
        ("campaigns/loyalty", &[]),
        ("campaigns/acquisition", &["a"]),
        ("recommendations/upsell", &[]),
        ("recommendations/winback", &["c", "d"]),
        ("recommendations/retention", &["g"]),
    ] {
        let found = report(&shop, campaign).await;
        assert_eq!(column(&found, "customer_id"), customers, "{campaign}: {found}");
        assert_eq!(found["figures"]["customers"], customers.len(), "{campaign}");
    }
    let season = report(&shop, "campaigns/seasonal").await;
    assert_eq!(season["items"][0]["reasons"], json!(["spent 80.00 EUR at this time a year ago"]));
    let retention = report(&shop, "recommendations/retention").await;
    assert_eq!(retention["items"][0]["reasons"][0], "85 % likely not to order again");
    assert!(!retention.to_string().to_lowercase().contains("coupon"));
}

/// A business that orders paper every four weeks, and customers who buy bread and butter, or milk; no run.
const GROCER: &str = "
    with wednesday as (select date_trunc('week', now())::date - 5 as day),
    lines as (
        select 'acme' as customer, 'p' || n as number, day - 28 * n as day, 'paper' as product, 'office' as category,
               20 as quantity, 500 as amount from wednesday, generate_series(0, 9) as n
        union all
        select 'c' || n, 'o' || n, day - 14, 'bread', 'food', 1, 10 from wednesday, generate_series(1, 10) as n
        union all
        select 'c' || n, 'o' || n, day - 14, 'butter', 'food', 1, 10
        from wednesday, generate_series(1, 12) as n where n not in (9, 10)
        union all
        select 'c' || n, 'o' || n, day - 14, 'milk', 'food', 1, 10 from wednesday, generate_series(13, 22) as n)
    insert into platform.order_line (tenant_id, line_key, order_id, customer_id, ordered_at, product_id, category,
                                     quantity, amount, currency, is_return)
    select $1, gen_random_uuid(), number, customer, day + interval '12 hours', product, category, quantity, amount,
           'EUR', false from lines";

#[tokio::test]
async fn what_goes_together_and_who_looks_like_a_business() {
    let shop = shop(Mode::Token).await;
    let mut tx = platform(&shop).await;
    sqlx::query(GROCER).bind(shop.tenant).execute(&mut *tx).await.expect("lines");
    refresh(&shop, &mut tx).await;
    tx.commit().await.expect("committed");

    let affinity = report(&shop, "products/affinity").await;
    let expected = json!({ "by": "product", "orders": 32, "sampled_share": 1.0, "rules": 2 });
    assert_eq!(affinity["figures"], expected);
    let expected = json!({ "item": "bread", "with": "butter", "orders": 8, "support": 0.25, "confidence": 0.8, "lift": 2.56 });
    assert_eq!(affinity["items"][0], expected);

    let cross_sell = report(&shop, "recommendations/cross-sell").await;
    assert_eq!(column(&cross_sell, "customer_id"), ["c10", "c11", "c12", "c9"]);
    assert_eq!(column(&cross_sell, "with"), ["butter", "bread", "bread", "butter"]);
    // Without a run nobody knows of consent or risk.
    assert_eq!(cross_sell["items"][0]["marketing_opt_in"], json!(null));

    let businesses = report(&shop, "customers/b2b").await;
    assert_eq!(businesses["figures"], json!({ "examined": 1, "found": 1 }));
    let acme = &businesses["items"][0];
    assert_eq!(acme["signs"], json!(["large", "regular", "bulk", "working_days"]));
    assert_eq!((&acme["units_per_line"], &acme["gap_variation"]), (&json!(20.0), &json!(0.0)));
    let expansion = report(&shop, "recommendations/expansion").await;
    assert_eq!(column(&expansion, "customer_id"), ["acme"]);
    assert_eq!(expansion["items"][0]["reasons"][2], "every purchase was in office");

    let scores = shop.get("/api/analytics/campaigns/retention").await;
    assert_eq!((&scores.json["available"], scores.status), (&json!(false), StatusCode::OK));
    assert!(scores.field("reason").contains("no intelligence run"), "{}", scores.text);

    let next = shop.get("/api/customers/c9/recommendations").await;
    assert_eq!(next.json["items"][0]["item"], "butter", "{}", next.text);
    assert_eq!(next.json["items"][0]["kind"], "with");
    let acme = shop.get("/api/customers/acme/recommendations").await;
    assert_eq!((acme.status, &acme.json["items"]), (StatusCode::OK, &json!([])), "{}", acme.text);
    let by_category = shop.get("/api/customers/c9/recommendations?by=category").await;
    assert_eq!((by_category.status, &by_category.json["available"]), (StatusCode::OK, &json!(true)));

    let first = shop.get("/api/customers/acme/purchases?limit=6").await;
    assert_eq!(first.json["items"][0]["order_id"], "p0", "{}", first.text);
    assert_eq!(first.json["items"][0]["products"], json!(["paper"]));
    let rest = shop
        .get(&format!("/api/customers/acme/purchases?limit=6&cursor={}", first.field("next_cursor")))
        .await;
    let numbers: Vec<&Value> = column(&rest.json, "order_id");
    assert_eq!(numbers, ["p6", "p7", "p8", "p9"]);
    assert_eq!(rest.json["next_cursor"], json!(null));
    assert_eq!(shop.get("/api/customers/nobody/purchases").await.status, 404);
    assert_eq!(shop.get("/api/customers/nobody/recommendations").await.status, 404);
}

async fn get_as(shop: &Shop, key: &str, path: &str) -> Answer {
    call(shop, key, "GET", path, "").await
}

const EVERY_REPORT: [&str; 28] = [
    "products/revenue-by-category",
    "products/repurchase",
    "products/affinity",
    "behavior/one-time-buyers",
    "behavior/momentum",
    "behavior/declining",
    "behavior/cadence",
    "behavior/discount-dependency",
    "behavior/change",
    "customers/high-value",
    "customers/rfm",
    "customers/b2b",
    "segments/overview",
    "segments/growth",
    "segments/seasonal",
    "segments/comparison",
    "campaigns/retention",
    "campaigns/growth",
    "campaigns/winback",
    "campaigns/seasonal",
    "campaigns/loyalty",
    "campaigns/acquisition",
    "recommendations/upsell",
    "recommendations/cross-sell",
    "recommendations/expansion",
    "recommendations/winback",
    "recommendations/retention",
    "recommendations/discount-strategy",
];

#[tokio::test]
async fn another_tenant_sees_nothing_and_is_told_why() {
    let shop = shop(Mode::Token).await;
    put_orders(&shop).await;
    put_run(&shop).await;
    let (_, other) = open(&shop.state, "other", Mode::Token).await;
    for path in EVERY_REPORT {
        let answer = get_as(&shop, &other, &format!("/api/analytics/{path}")).await;
        assert_eq!((answer.status, &answer.json["available"]), (StatusCode::OK, &json!(false)), "{path}");
        assert_eq!((&answer.json["items"], &answer.json["figures"]), (&json!([]), &json!(null)), "{path}");
        assert!(!answer.field("reason").is_empty(), "{path}");
    }
    assert_eq!(get_as(&shop, &other, "/api/customers/a/purchases").await.status, 404);
    assert_eq!(get_as(&shop, &other, "/api/customers/a/recommendations").await.status, 404);
    let unscoped = crate::desk::key(&shop, shop.tenant, &[Scope::JobsRead], None).await;
    for path in ["analytics/customers/rfm", "analytics/forecasts/revenue", "customers/a/purchases"] {
        assert_eq!(get_as(&shop, &unscoped, &format!("/api/{path}")).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn a_report_is_kept_and_a_known_one_is_not_sent_again() {
    let shop = shop(Mode::Token).await;
    put_orders(&shop).await;
    let path = "/api/analytics/customers/high-value";
    let (first, second) = (shop.get(path).await, shop.get(path).await);
    assert_eq!(first.field("computed_at"), second.field("computed_at"));
    let known =
        request("GET", path).header("x-api-key", &shop.key).header("if-none-match", &first.headers["etag"]);
    let known = shop.send(known.body(Body::empty()).expect("a request")).await;
    assert_eq!((known.status, known.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
}

#[tokio::test]
async fn bad_parameters_are_named() {
    let shop = shop(Mode::Token).await;
    for (path, status, field) in [
        ("analytics/products/nonsense", 404, ""),
        ("analytics/behavior/rfm", 404, ""),
        ("analytics/customers/rfm?limit=0", 400, "limit"),
        ("analytics/customers/rfm?limit=101", 400, "limit"),
        ("analytics/customers/rfm?timeframe_months=3", 400, "timeframe_months"),
        ("analytics/products/repurchase?timeframe_months=37", 400, "timeframe_months"),
        ("analytics/products/repurchase?timeframe_months=many", 400, "timeframe_months"),
        ("analytics/products/affinity?by=colour", 400, "by"),
        ("analytics/segments/comparison?axis=colour", 400, "axis"),
        ("analytics/segments/overview?colour=red", 400, "colour"),
        ("analytics/forecasts/weather", 404, ""),
        ("analytics/forecasts/revenue?months=0", 400, "months"),
        ("analytics/forecasts/revenue?months=25", 400, "months"),
        ("customers/a/purchases?cursor=nonsense", 400, "cursor"),
        ("customers/a/purchases?cursor=bm90LWEtcGxhY2U", 400, "cursor"),
        ("customers/a/recommendations?by=colour", 400, "by"),
        ("customers/a/recommendations?limit=1000", 400, "limit"),
    ] {
        let answer = shop.get(&format!("/api/{path}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.field("field")),
            (status, field),
            "{path}: {}",
            answer.text
        );
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
}

async fn store(shop: &Shop, forecast: &Forecast) {
    let mut tx = platform(shop).await;
    forecasts::store(&mut tx, shop.tenant, forecast).await.expect("stored");
    tx.commit().await.expect("committed");
}

#[tokio::test]
async fn a_forecast_of_today_is_answered_and_any_other_is_asked_for_once() {
    let shop = shop(Mode::Token).await;
    let path = "/api/analytics/forecasts/revenue?months=2";
    let waiting = shop.get(path).await;
    assert_eq!(waiting.status, StatusCode::ACCEPTED, "{}", waiting.text);
    assert_eq!(waiting.headers["location"], format!("/api/jobs/{}", waiting.field("job_id")));
    let again = shop.get("/api/analytics/forecasts/churn_rate").await;
    assert_eq!(again.field("job_id"), waiting.field("job_id"));

    let today = Utc::now().date_naive();
    let month = |number: u32| chrono::NaiveDate::from_ymd_opt(2026, number, 1).expect("a day");
    let point = |number| Ahead { month: month(number), value: 10.0, low: 8.0, high: 12.0 };
    let mut forecast = Forecast {
        metric: Metric::Revenue,
        made_on: today - Days::new(1),
        method: "theta".to_owned(),
        backtest: json!({ "currency": "EUR", "scores": [{ "method": "theta", "mase": 0.5 }] }),
        history: vec![Past { month: month(1), value: 9.0 }],
        points: vec![point(2), point(3), point(4)],
        job: Uuid::now_v7(),
    };
    store(&shop, &forecast).await;
    let stale = shop.get(path).await;
    assert_eq!(
        (stale.status, &stale.json["stale_forecast"]["method"]),
        (StatusCode::ACCEPTED, &json!("theta"))
    );

    forecast.made_on = today;
    store(&shop, &forecast).await;
    let fresh = shop.get(path).await;
    assert_eq!(fresh.status, StatusCode::OK, "{}", fresh.text);
    assert_eq!((&fresh.json["available"], &fresh.json["currency"]), (&json!(true), &json!("EUR")));
    assert_eq!(fresh.json["points"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        fresh.json["points"][0],
        json!({ "month": "2026-02-01", "value": 10.0, "low": 8.0, "high": 12.0 })
    );
    assert_eq!(fresh.json["backtest"][0]["mase"], 0.5);
    let known =
        request("GET", path).header("x-api-key", &shop.key).header("if-none-match", &fresh.headers["etag"]);
    assert_eq!(
        shop.send(known.body(Body::empty()).expect("a request")).await.status,
        StatusCode::NOT_MODIFIED
    );

    forecast.method = NO_METHOD.to_owned();
    forecast.backtest = json!({ "reason": "not enough data: 3 full months, a forecast needs at least 6" });
    forecast.points.clear();
    store(&shop, &forecast).await;
    let nothing = shop.get(path).await;
    assert_eq!((nothing.status, &nothing.json["available"]), (StatusCode::OK, &json!(false)));
    assert!(nothing.field("reason").starts_with("not enough data"), "{}", nothing.text);
    let (_, other) = open(&shop.state, "other", Mode::Token).await;
    assert_eq!(get_as(&shop, &other, path).await.status, StatusCode::ACCEPTED);
}
