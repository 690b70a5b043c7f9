//! Segment rules over a million customers: counts by looking at every row, by the bit index and from what is known,
//! previews through the api, the evaluation of a segment of four hundred thousand, and its pages. Another tenant of
//! a quarter of a million lies beside.
//!
//! The facts are written by SQL in the shape that a night run leaves behind.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::Utc;
use cluster::{
    desk::Desk,
    load::{self, PATIENCE, Size},
    processes::{Cluster, Options},
    program,
    report::{Goal, Spread, figure, goal, ms, table},
};
use database::{Db, ids::TenantId};
use marketing::segments::{
    count::{Method, Wanted, count},
    parse::parse,
    rule::Rule,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

/// How often each thing is measured.
const TIMES: usize = 20;

/// Rules as marketers write them.
const RULES: [(&str, &str); 6] = [
    (
        "valuable and leaving",
        "total_order_value >= 500 and (churn_risk in (high, critical) or not marketing_opt_in = true) \
         and segment.purchase_frequency = \"Segment 2\" strong",
    ),
    (
        "recent in one country",
        "days_since_last_order <= 30 and shipping_country = US and marketing_opt_in = true",
    ),
    ("lapsed buyers", "order_count >= 3 and days_since_last_order between 180 and 365"),
    ("most valuable", "ltv >= 300 and churn_probability < 0.3"),
    (
        "new ones",
        "first_order_date >= 2026-01-01 and order_count = 1 and shipping_state in (\"CA\", \"NY\", \"TX\")",
    ),
    (
        "by behaviour",
        "(archetype in (\"Archetype 3\", \"Archetype 4\") or segment.price_sensitivity != \"Segment 1\") \
         and strength.purchase_cadence >= balanced and ltv is known",
    ),
];

fn main() -> ExitCode {
    program::run("segments", measure())
}

async fn measure() -> anyhow::Result<ExitCode> {
    let size = Size::from_arguments()?;
    let (customers, beside) = (size.pick(1_000_000, 100_000), size.pick(250_000, 60_000));
    let cluster = Cluster::start(Options { workers: 1, schedulers: 1, ..Options::default() }).await?;
    let tenant = load::tenant(&cluster).await?;
    let neighbour = cluster.create_tenant("beside").await?;
    println!("{customers} customers, written by SQL, and {beside} of another tenant");
    publish(&cluster.ledger, tenant, customers).await?;
    publish(&cluster.ledger, TenantId(neighbour.credentials().tenant_id), beside).await?;
    sqlx::query("vacuum (analyze) platform.customer_fact").execute(&cluster.ledger).await?;

    let db = Db::connect(&cluster.servers.url_for("desk_api")?, 4)?;
    let rules = RULES
        .iter()
        .map(|(name, text)| Ok((*name, parse(text).with_context(|| format!("the rule {name}"))?)))
        .collect::<anyhow::Result<Vec<(&str, Rule)>>>()?;
    let scanned = times(&db, tenant, &rules, Wanted::Recount, Method::Scan).await?;
    let build = job(&cluster.desk, json!({"kind": "evaluate_all_segments"})).await?;
    job(&neighbour, json!({"kind": "evaluate_all_segments"})).await?;
    let indexed = times(&db, tenant, &rules, Wanted::Recount, Method::Index).await?;
    for (scanned, indexed) in scanned.iter().zip(&indexed) {
        ensure!(scanned.customers == indexed.customers, "two ways of counting, two counts");
    }
    let known = times(&db, tenant, &rules, Wanted::Count, Method::Cached).await?;
    let previewed = previews(&cluster.desk).await?;

    println!();
    let rows: Vec<[String; 8]> = rules
        .iter()
        .enumerate()
        .map(|(n, (name, _))| {
            let cell = |duration| format!("{:.1}", ms(duration));
            let (scan, index, known) = (scanned[n].spread, indexed[n].spread, known[n].spread);
            [
                (*name).to_owned(),
                scanned[n].customers.to_string(),
                cell(scan.p50),
                cell(scan.p99),
                cell(index.p50),
                cell(index.p99),
                cell(known.p50),
                cell(known.p99),
            ]
        })
        .collect();
    table(["rule", "customers", "rows p50", "p99 ms", "index p50", "p99 ms", "known p50", "p99 ms"], &rows);

    let segment = evaluation(&cluster.desk, customers).await?;
    let worst = |counts: &[Counts], of: fn(&Spread) -> Duration| {
        counts.iter().map(|count| ms(of(&count.spread))).fold(0.0, f64::max)
    };
    println!();
    figure("segments_count_rows_worst_p50", worst(&scanned, |spread| spread.p50), "ms");
    figure("segments_index_build", build.as_secs_f64(), "s");
    goal("segments_count_index_worst_p50", worst(&indexed, |spread| spread.p50), "ms", Goal::AtMost(50.0));
    goal("segments_count_index_worst_p99", worst(&indexed, |spread| spread.p99), "ms", Goal::AtMost(50.0));
    goal("segments_count_known_worst_p99", worst(&known, |spread| spread.p99), "ms", Goal::AtMost(5.0));
    figure("segments_preview_api_p50", ms(previewed.p50), "ms");
    figure("segments_preview_api_p99", ms(previewed.p99), "ms");
    goal("segments_evaluate_400k", segment.evaluated.as_secs_f64(), "s", Goal::AtMost(5.0));
    figure("segments_evaluate_again", segment.again.as_secs_f64(), "s");
    goal("segments_members_first_page_p99", ms(segment.first_page.p99), "ms", Goal::AtMost(20.0));
    goal("segments_members_deep_page_p99", ms(segment.deep_page.p99), "ms", Goal::AtMost(20.0));
    cluster.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// A run with so many customers, written as the owner.
async fn publish(owner: &PgPool, tenant: TenantId, customers: i64) -> anyhow::Result<()> {
    let (run, segmentation) = (Uuid::now_v7(), Uuid::now_v7());
    let named = |what: &str, count: usize| {
        (0..count).map(|n| json!({"name": format!("{what} {n}"), "level": 1})).collect::<Vec<_>>()
    };
    let axes: Vec<Value> = (0..13).map(|_| json!({"segments": named("Segment", 5)})).collect();
    sqlx::query(
        "insert into platform.segmentation (id, tenant_id, number, fitted_as_of, customers, model, catalog, report, reason)
         values ($1, $2, 1, current_date, $3, '', $4, '{}', 'load')",
    )
    .bind(segmentation)
    .bind(tenant)
    .bind(customers)
    .bind(json!({"axes": axes, "archetypes": named("Archetype", 20)}))
    .execute(owner)
    .await?;
    sqlx::query(
        "insert into platform.intelligence_run (id, tenant_id, generation, state, as_of, currency, segmentation_id, customers)
         values ($1, $2, 1, 'published', current_date, 'USD', $3, $4)",
    )
    .bind(run)
    .bind(tenant)
    .bind(segmentation)
    .bind(customers)
    .execute(owner)
    .await?;
    let axis = |name: &str| {
        format!(
            "case when random() < 0.95 then (floor(random() * 5) * 4 + floor(random() * 3))::smallint end as {name}"
        )
    };
    let axes = marketing::segments::field::Axis::ALL.map(|one| axis(one.name())).join(", ");
    let names = marketing::segments::field::Axis::ALL.map(|axis| axis.name()).join(", ");
    let fill = format!(
        "insert into platform.customer_fact
             (tenant_id, generation, customer_id, orders, spend_cents, first_order_on, last_order_on, {names},
              archetype_l1, marketing_opt_in, churn, ltv, shipping_country, shipping_state)
         select $1, 1, 'c' || lpad(n::text, 9, '0'), n_orders, (n_orders * (1000 + random() * 9000))::bigint,
                current_date - 700 - floor(random() * 300)::int, current_date - floor(power(random(), 2) * 700)::int, {axes},
                floor(random() * 20)::smallint, random() < 0.6, case when random() < 0.95 then random()::real end,
                case when random() < 0.95 then (random() * random() * 1000)::real end,
                (array['US', 'US', 'US', 'DE', 'GB', 'FR'])[1 + floor(random() * 6)::int],
                (array['CA', 'NY', 'TX', 'WA', null])[1 + floor(random() * 5)::int]
         from (select n, 1 + floor(power(random(), 3) * 30)::int as n_orders from generate_series(1, $2) n) s"
    );
    sqlx::query(AssertSqlSafe(fill)).bind(tenant).bind(customers).execute(owner).await?;
    sqlx::query("insert into platform.current_run (tenant_id, run_id, generation) values ($1, $2, 1)")
        .bind(tenant)
        .bind(run)
        .execute(owner)
        .await?;
    Ok(())
}

struct Counts {
    customers: i64,
    spread: Spread,
}

/// Counts every rule, after one time that is not measured.
async fn times(
    db: &Db,
    tenant: TenantId,
    rules: &[(&str, Rule)],
    wanted: Wanted,
    expected: Method,
) -> anyhow::Result<Vec<Counts>> {
    let mut all = Vec::new();
    for (name, rule) in rules {
        let mut customers = count(db, tenant, rule, wanted, Utc::now()).await?.customers;
        let mut times = Vec::new();
        for _ in 0..TIMES {
            let started = Instant::now();
            let counted = count(db, tenant, rule, wanted, Utc::now()).await?;
            times.push(started.elapsed());
            ensure!(counted.method == expected, "{name} was counted by {}", counted.method.name());
            customers = counted.customers;
        }
        all.push(Counts { customers, spread: Spread::of(times) });
    }
    Ok(all)
}

/// Rules that nobody tried before, with samples, through the api.
async fn previews(desk: &Desk) -> anyhow::Result<Spread> {
    let mut times = Vec::new();
    for n in 0..TIMES {
        let rule = format!(
            "total_order_value >= {} and days_since_last_order < 90 and churn_risk >= medium",
            100 + n
        );
        let started = Instant::now();
        let answer = desk.post("/api/segments/preview", &json!({ "rule": rule })).await?;
        times.push(started.elapsed());
        ensure!(answer.body["method"] == "index", "a preview was made by {}", answer.body["method"]);
    }
    Ok(Spread::of(times))
}

/// Enqueues a job and waits for its end.
async fn job(desk: &Desk, job: Value) -> anyhow::Result<Duration> {
    let started = Instant::now();
    let enqueued = desk.enqueue(&job, None).await?;
    let ended = desk.wait(enqueued.job_id, PATIENCE).await?;
    ensure!(ended.state == "done", "{job} ended as {}", ended.state);
    Ok(started.elapsed())
}

struct Evaluated {
    evaluated: Duration,
    again: Duration,
    first_page: Spread,
    deep_page: Spread,
}

/// A segment of two fifths of the customers: made, evaluated, evaluated again, and read.
async fn evaluation(desk: &Desk, customers: i64) -> anyhow::Result<Evaluated> {
    let rule = "marketing_opt_in = true and churn_probability between 0.15 and 0.85";
    let made = desk.post("/api/segments", &json!({"name": "Large", "rule": rule})).await?;
    let path = format!("/api/segments/{}", made.body["id"].as_str().context("the segment's id")?);
    let first: Uuid =
        serde_json::from_value(made.body["evaluation_job_id"].clone()).context("its evaluation")?;
    let took = async |id: Uuid| -> anyhow::Result<Duration> {
        let ended = desk.wait(id, PATIENCE).await?;
        ensure!(ended.state == "done", "an evaluation ended as {}", ended.state);
        let seen: Value = desk.get(&path).await?;
        let took = seen["last_evaluation"]["took_ms"].as_u64().context("its time")?;
        println!("{} members after {took} ms", seen["members"]);
        Ok(Duration::from_millis(took))
    };
    println!();
    let evaluated = took(first).await?;
    let asked = desk.post(&format!("{path}/evaluate"), &json!({})).await?;
    let again = took(serde_json::from_value(asked.body["job_id"].clone()).context("its job")?).await?;
    // As the list's own cursors are: the mark of its path, and the key.
    let mark = hex::encode(&Sha256::digest(format!("{path}/members"))[..4]);
    let middle = URL_SAFE_NO_PAD.encode(format!("{mark}\nc{:09}", customers / 2));
    let first_page = page(desk, &format!("{path}/members?limit=100")).await?;
    let deep_page = page(desk, &format!("{path}/members?limit=100&cursor={middle}")).await?;
    Ok(Evaluated { evaluated, again, first_page, deep_page })
}

async fn page(desk: &Desk, path: &str) -> anyhow::Result<Spread> {
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let started = Instant::now();
        let page: Value = desk.get(path).await?;
        times.push(started.elapsed());
        ensure!(page["items"].as_array().map(Vec::len) == Some(100), "{path} answered no full page");
    }
    Ok(Spread::of(times))
}
