//! The tools of assistants over a shop of a million customers and ten million order lines: how long it takes to prepare the
//! usual answers as the night does, how long each variant takes when it is asked for the first time and when it is
//! remembered, how many rows it read, and how long the tools take while a night's run is at work. Asked as assistants do,
//! over the Model Context Protocol.
//!
//! Customers, lines and facts are written by SQL, the facts in the shape that a night run leaves behind.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use cluster::{
    load::{self, PATIENCE, Size},
    processes::{Cluster, Options},
    program,
    report::{Goal, Spread, count, figure, goal, ms, table},
};
use database::ids::TenantId;
use reqwest::Client;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

/// How often each variant is asked for once it is remembered.
const TIMES: usize = 20;

/// How long a job may take.
const LONGEST: Duration = Duration::from_secs(1_800);

/// Lines of a customer.
const LINES_EACH: i64 = 10;

/// A report goes through the shop's rows so often at most.
const PASSES: f64 = 4.0;

/// The tools about many customers, and the names of their variants.
const TOOLS: [(&str, &str, &[&str]); 7] = [
    (
        "analyze_customers",
        "analysis_type",
        &["churn_risk", "b2b_identification", "high_value", "behavioral", "product_affinity", "rfm_score"],
    ),
    (
        "analyze_segments",
        "analysis_type",
        &["segment_overview", "segment_growth", "seasonal_segments", "segment_comparison"],
    ),
    ("analyze_products", "analysis_type", &["revenue_by_category", "category_repurchase_rate"]),
    ("forecast_metrics", "metric", &["revenue", "customer_count", "average_ltv", "churn_rate"]),
    (
        "target_campaign",
        "campaign_type",
        &["retention", "growth", "winback", "seasonal", "loyalty", "acquisition"],
    ),
    (
        "analyze_behavior",
        "analysis_type",
        &[
            "one_time_buyers",
            "momentum_analysis",
            "declining_engagement",
            "behavior_change",
            "purchase_cadence",
            "discount_dependency",
        ],
    ),
    (
        "get_recommendations",
        "recommendation_type",
        &[
            "upsell_candidates",
            "cross_sell_opportunities",
            "expansion_targets",
            "winback_strategy",
            "retention_actions",
            "discount_strategy",
        ],
    ),
];

/// Lists that are narrowed down: one that is prepared, and ones that are not.
const NARROWED: [(&str, &str); 3] = [
    (
        "vips at risk, with last orders",
        r#"{"analysis_type": "churn_risk", "filter_by": {"group": "vip"}, "with_last_order": true}"#,
    ),
    ("loyal ones at risk", r#"{"analysis_type": "churn_risk", "filter_by": {"group": "loyal"}}"#),
    ("an archetype at risk", r#"{"analysis_type": "churn_risk", "filter_by": {"archetype": "Archetype 3"}}"#),
];

/// What is told of one customer.
const LOOKUPS: [&str; 6] =
    ["profile", "ltv_forecast", "churn_risk", "segment", "purchase_history", "recommendations"];

fn main() -> ExitCode {
    program::run("questions-tools", measure())
}

async fn measure() -> anyhow::Result<ExitCode> {
    let size = Size::from_arguments()?;
    let customers: i64 = size.pick(1_000_000, 20_000);
    let cluster = Cluster::start(Options { workers: 1, schedulers: 1, ..Options::default() }).await?;
    let tenant = load::tenant(&cluster).await?;
    let started = Instant::now();
    fill(&cluster.ledger, tenant, customers).await?;
    let lines: i64 = sqlx::query_scalar("select count(*) from platform.order_line where tenant_id = $1")
        .bind(tenant)
        .fetch_one(&cluster.ledger)
        .await?;
    println!(
        "{customers} customers and {lines} order lines, written by SQL in {:.0} s",
        started.elapsed().as_secs_f64()
    );
    let slug = &cluster.desk.credentials().tenant;
    let assistant = Assistant {
        http: Client::builder().no_proxy().timeout(PATIENCE).build()?,
        url: format!("{}/mcp", cluster.desk.base()),
        key: cluster.create_key(slug, "intelligence:read,customers:read").await?,
    };
    let prepared = ends(&cluster, &json!({"kind": "prepare_reports", "payload": {}})).await?;
    figure("questions_tools_prepared_in", prepared.as_secs_f64(), "s");
    let mut asked = Vec::new();
    for arguments in NARROWED {
        asked.push(
            assistant.measure("analyze_customers", arguments.0, &serde_json::from_str(arguments.1)?).await?,
        );
    }
    for (tool, field, variants) in TOOLS {
        for variant in variants {
            asked.push(assistant.measure(tool, variant, &json!({ field: variant })).await?);
        }
    }
    for (n, variant) in LOOKUPS.into_iter().enumerate() {
        let arguments = json!({"info_type": variant, "customer_id": format!("c{:09}", n + 1)});
        asked.push(assistant.measure("lookup_customer", variant, &arguments).await?);
    }
    tell(&asked, customers + lines);
    beside_a_night(&cluster, &assistant).await?;
    cluster.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Runs a job to its end; how long it took.
async fn ends(cluster: &Cluster, job: &Value) -> anyhow::Result<Duration> {
    let started = Instant::now();
    let job = cluster.desk.enqueue(job, None).await?;
    let ended = cluster.desk.wait(job.job_id, LONGEST).await?;
    ensure!(ended.state == "done", "{}: {}", ended.kind, ended.state);
    Ok(started.elapsed())
}

/// Asks the analyses, round by round, until a night's run is over, and after it as it was published.
async fn beside_a_night(cluster: &Cluster, assistant: &Assistant) -> anyhow::Result<()> {
    let night = cluster.desk.enqueue(&json!({"kind": "resegment_tenant", "payload": {}}), None).await?;
    let mut each = Vec::new();
    let started = Instant::now();
    let mut is_over = false;
    while !is_over && started.elapsed() < LONGEST {
        // The last round is of the run that has just been published.
        is_over = cluster.desk.job(night.job_id).await?.is_finished();
        for (tool, field, variants) in TOOLS.into_iter().filter(|(tool, ..)| tool.starts_with("analyze_")) {
            for variant in variants {
                each.push(assistant.call(tool, &json!({ field: variant })).await?.0);
            }
        }
    }
    ensure!(is_over, "the night's run came to no end");
    count("questions_tools_beside_night_asked", i64::try_from(each.len())?, "calls");
    let spread = Spread::of(each);
    goal("questions_tools_beside_night_p95", ms(spread.p95), "ms", Goal::AtMost(1_000.0));
    Ok(())
}

fn tell(asked: &[Asked], rows_of_shop: i64) {
    let rows: Vec<[String; 7]> = asked
        .iter()
        .map(|one| {
            [
                one.tool.to_owned(),
                one.variant.to_owned(),
                format!("{:.1}", ms(one.first)),
                format!("{:.1}", ms(one.warm.p50)),
                format!("{:.1}", ms(one.warm.p95)),
                one.rows_read.to_string(),
                one.reason.clone().unwrap_or_default().chars().take(50).collect(),
            ]
        })
        .collect();
    println!();
    table(["tool", "variant", "first ms", "warm p50", "p95 ms", "rows read", "no answer because"], &rows);
    println!();
    let first = Spread::of(asked.iter().map(|one| one.first).collect());
    let warm = Spread::of(asked.iter().flat_map(|one| one.each.iter().copied()).collect());
    let most = asked.iter().map(|one| one.rows_read).max().unwrap_or(0);
    count("questions_tools_answered", answered(asked), "variants");
    figure("questions_tools_first_p50", ms(first.p50), "ms");
    goal("questions_tools_first_p95", ms(first.p95), "ms", Goal::AtMost(300.0));
    goal("questions_tools_warm_p95", ms(warm.p95), "ms", Goal::AtMost(50.0));
    count("questions_tools_rows_read_most", most, "rows");
    let passes = most as f64 / rows_of_shop.max(1) as f64;
    goal("questions_tools_passes_most", passes, "passes", Goal::AtMost(PASSES));
}

fn answered(asked: &[Asked]) -> i64 {
    i64::try_from(asked.iter().filter(|one| one.reason.is_none()).count()).unwrap_or(i64::MAX)
}

/// One variant.
struct Asked {
    tool: &'static str,
    variant: &'static str,
    first: Duration,
    each: Vec<Duration>,
    warm: Spread,
    rows_read: i64,
    reason: Option<String>,
}

/// A client of the protocol that asks for no progress.
struct Assistant {
    http: Client,
    url: String,
    key: String,
}

impl Assistant {
    async fn measure(
        &self,
        tool: &'static str,
        variant: &'static str,
        arguments: &Value,
    ) -> anyhow::Result<Asked> {
        let (first, answered) = self.call(tool, arguments).await?;
        let answer = match answered {
            Ok(answer) => answer,
            // A report that takes too long for a client that hears nothing is one of the things to be seen.
            Err(why) => {
                let (each, warm) = (Vec::new(), Spread::default());
                return Ok(Asked { tool, variant, first, each, warm, rows_read: 0, reason: Some(why) });
            }
        };
        let mut each = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            each.push(self.call(tool, arguments).await?.0);
        }
        Ok(Asked {
            tool,
            variant,
            first,
            warm: Spread::of(each.clone()),
            each,
            rows_read: answer["cost"]["rows_read"].as_i64().context("what it read")?,
            reason: answer["reason"].as_str().map(str::to_owned),
        })
    }

    /// How long it took, and the answer or why the tool refused.
    async fn call(&self, tool: &str, arguments: &Value) -> anyhow::Result<(Duration, Result<Value, String>)> {
        let message = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments},
        });
        let started = Instant::now();
        let answer = self
            .http
            .post(&self.url)
            .bearer_auth(&self.key)
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .header("mcp-protocol-version", "2025-11-25")
            .body(message.to_string())
            .send()
            .await?;
        ensure!(answer.status().is_success(), "{tool} {arguments}: {}", answer.status());
        let document: Value = answer.json().await?;
        let took = started.elapsed();
        let result = &document["result"];
        if result["isError"] == true {
            let why = result["content"][0]["text"].as_str().unwrap_or("the tool refused");
            return Ok((took, Err(why.to_owned())));
        }
        ensure!(result["structuredContent"].is_object(), "{tool} {arguments}: {document}");
        Ok((took, Ok(result["structuredContent"].clone())))
    }
}

/// Customers, each with ten lines in five orders over two years, their profiles, and a published run.
async fn fill(owner: &PgPool, tenant: TenantId, customers: i64) -> anyhow::Result<()> {
    let statements = [
        "insert into platform.customer (tenant_id, customer_id)
         select $1, 'c' || lpad(n::text, 9, '0') from generate_series(1, $2) n",
        "insert into platform.order_line (tenant_id, line_key, order_id, customer_id, ordered_at, product_id, category,
                                          quantity, amount, list_amount, currency, is_return)
         select $1, gen_random_uuid(), 'o' || n || '-' || k / 2, 'c' || lpad(n::text, 9, '0'),
                now() - make_interval(days => 1 + (n * 31 + k / 2 * 137)::int % 729), 'p' || product, 'category ' || product % 40,
                1, price, price * (1 + (product % 3) * 0.1), 'USD', false
         from generate_series(1, $2) n, generate_series(0, $3 - 1) k,
              lateral (select floor(power(random(), 2) * 2000)::int as product, (5 + random() * 95)::numeric(14, 2) as price
                       where n + k > 0) r",
        "insert into platform.customer_profile (tenant_id, customer_id, orders, lines, spend, currency, returned_value,
                                                first_order_at, last_order_at)
         select $1, customer_id, count(distinct order_id), count(*), sum(amount), 'USD', 0, min(ordered_at), max(ordered_at)
         from platform.order_line where tenant_id = $1 and $2 > 0 and $3 > 0 group by customer_id",
    ];
    for statement in statements {
        let mut query = sqlx::query(statement).bind(tenant).bind(customers);
        if statement.contains("$3") {
            query = query.bind(LINES_EACH);
        }
        query.execute(owner).await?;
    }
    publish(owner, tenant, customers).await?;
    for part in ["customer", "order_line", "customer_profile", "customer_fact"] {
        sqlx::query(AssertSqlSafe(format!("vacuum (analyze) platform.{part}"))).execute(owner).await?;
    }
    Ok(())
}

/// A run with all customers, five segments an axis and twenty archetypes.
async fn publish(owner: &PgPool, tenant: TenantId, customers: i64) -> anyhow::Result<()> {
    let (run, segmentation) = (Uuid::now_v7(), Uuid::now_v7());
    let segments: Vec<Value> = (0..5)
        .map(|n| json!({"name": format!("Segment {n}"), "description": "as the load program made it"}))
        .collect();
    let axes: Vec<Value> = marketing::segments::field::Axis::ALL
        .iter()
        .enumerate()
        .map(|(n, axis)| json!({"name": axis.name(), "degenerate": null, "offset": n * 5, "segments": segments}))
        .collect();
    let archetypes: Vec<Value> = (0..20)
        .map(|n| {
            json!({
                "id": format!("{n:032x}"), "level": 1, "name": format!("Archetype {n}"), "parent": null,
                "support": customers / 20, "segments": {"purchase_frequency": "Segment 0"},
            })
        })
        .collect();
    sqlx::query(
        "insert into platform.segmentation (id, tenant_id, number, fitted_as_of, customers, model, catalog, report, reason)
         values ($1, $2, 1, current_date, $3, '', $4, '{}', 'load')",
    )
    .bind(segmentation)
    .bind(tenant)
    .bind(customers)
    .bind(json!({"features": [], "axes": axes, "archetypes": archetypes}))
    .execute(owner)
    .await?;
    let (low, medium, high) = (customers / 2, customers / 4, customers / 5);
    let bands =
        json!({"low": low, "medium": medium, "high": high, "critical": customers - low - medium - high});
    sqlx::query(
        "insert into platform.intelligence_run (id, tenant_id, generation, state, as_of, currency, segmentation_id, customers,
             published_at, report)
         values ($1, $2, 1, 'published', current_date, 'USD', $3, $4, now(), $5)",
    )
    .bind(run)
    .bind(tenant)
    .bind(segmentation)
    .bind(customers)
    .bind(json!({"customers": customers, "churn": {"customers": customers, "mean": 0.5, "bands": bands}}))
    .execute(owner)
    .await?;
    let axis = |name: &str| format!("(floor(random() * 5) * 4 + floor(random() * 3))::smallint as {name}");
    let values = marketing::segments::field::Axis::ALL.map(|one| axis(one.name())).join(", ");
    let names = marketing::segments::field::Axis::ALL.map(|axis| axis.name()).join(", ");
    let facts = format!(
        "insert into platform.customer_fact
             (tenant_id, generation, customer_id, orders, spend_cents, first_order_on, last_order_on, {names},
              archetype_l1, marketing_opt_in, churn, ltv)
         select $1, 1, customer_id, orders, (spend * 100)::bigint, first_order_at::date, last_order_at::date, {values},
                floor(random() * 20)::smallint, random() < 0.6, random()::real, (random() * random() * 1000)::real
         from platform.customer_profile where tenant_id = $1"
    );
    sqlx::query(AssertSqlSafe(facts)).bind(tenant).execute(owner).await?;
    sqlx::query("insert into platform.current_run (tenant_id, run_id, generation) values ($1, $2, 1)")
        .bind(tenant)
        .bind(run)
        .execute(owner)
        .await?;
    Ok(())
}
