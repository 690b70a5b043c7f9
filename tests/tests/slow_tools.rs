//! Tools that take long, over the Model Context Protocol of a whole cluster: they are slow because the test holds the lock
//! of the table that they read.

use std::time::Duration;

use cluster::load;
use cluster::processes::{Cluster, Options};
use database::ids::TenantId;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::{PgPool, Postgres, Transaction};
use uuid::Uuid;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The step in which a report reads its own rows: it waits for its turn, reads what reports share, and then these.
const READS: f64 = 3.0;

/// Twenty customers with one order each.
const ROWS: [&str; 3] = [
    "insert into platform.customer (tenant_id, customer_id) select $1, 'p' || n from generate_series(1, 20) n",
    "insert into platform.customer_profile (tenant_id, customer_id, orders, lines, spend, currency, returned_value, first_order_at, last_order_at)
     select $1, 'p' || n, 1, 1, n * 10, 'EUR', 0, now() - interval '9 days', now() - interval '9 days' from generate_series(1, 20) n",
    "insert into platform.order_line (tenant_id, line_key, order_id, customer_id, ordered_at, product_id, category, quantity, amount, currency, is_return)
     select $1, gen_random_uuid(), 'o' || n, 'p' || n, now() - interval '9 days', 'x', 'tea', 1, n * 10, 'EUR', false from generate_series(1, 20) n",
];

/// A client of the protocol.
struct Assistant {
    http: Client,
    url: String,
    key: String,
    session: String,
}

impl Assistant {
    async fn connect(cluster: &Cluster) -> Assistant {
        let slug = &cluster.desk.credentials().tenant;
        let key = cluster.create_key(slug, "intelligence:read,customers:read").await.expect("a key");
        let http = Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
        let url = format!("{}/mcp", cluster.desk.base());
        let mut assistant = Assistant { http, url, key, session: String::new() };
        let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
        let answer = assistant
            .post(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}), None)
            .await;
        let session = answer.headers()["mcp-session-id"].to_str().expect("a text").to_owned();
        assistant.session = session;
        assistant
    }

    async fn post(&self, message: &Value, session: Option<&str>) -> Response {
        let mut sent = self
            .http
            .post(&self.url)
            .bearer_auth(&self.key)
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .header("mcp-protocol-version", "2025-11-25")
            .body(message.to_string());
        if let Some(session) = session {
            sent = sent.header("mcp-session-id", session);
        }
        sent.send().await.expect("the api answers")
    }

    /// Calls a report of its own for each number of months, and asks for progress.
    async fn call(&self, id: u32, months: u32) -> Answers {
        let message = json!({
            "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {
                "name": "analyze_products", "_meta": {"progressToken": format!("p{id}")},
                "arguments": {"analysis_type": "revenue_by_category", "timeframe_months": months},
            },
        });
        let response = self.post(&message, Some(&self.session)).await;
        assert_eq!(response.status(), StatusCode::OK);
        Answers { response, came: String::new(), progress: -1.0 }
    }

    async fn cancel(&self, id: u32, session: &str) {
        let message = json!({
            "jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id, "reason": "enough"},
        });
        let response = self.post(&message, Some(session)).await;
        assert_eq!(response.status(), StatusCode::ACCEPTED);
    }
}

/// What comes for a call: events, or one document.
struct Answers {
    response: Response,
    came: String,
    progress: f64,
}

impl Answers {
    async fn next(&mut self) -> Value {
        loop {
            if let Some((event, rest)) = self.came.split_once("\n\n") {
                let data: String = event.lines().filter_map(|line| line.strip_prefix("data:")).collect();
                self.came = rest.to_owned();
                if let Ok(message) = serde_json::from_str(data.trim()) {
                    return message;
                }
                continue;
            }
            let chunk = self.response.chunk().await.expect("the stream goes on");
            let chunk = chunk.unwrap_or_else(|| panic!("the stream ended without an answer: {}", self.came));
            self.came.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    }

    /// The next message that is no progress; progress grows.
    async fn last(&mut self) -> Value {
        loop {
            let message = self.next().await;
            if !self.is_progress(&message) {
                return message;
            }
        }
    }

    /// The answer of a call that may have ended before there was progress, and then is one document.
    async fn last_or_only(&mut self) -> Value {
        let kind = self.response.headers()["content-type"].to_str().expect("a text").to_owned();
        if !kind.starts_with("application/json") {
            return self.last().await;
        }
        let mut whole = Vec::new();
        while let Some(chunk) = self.response.chunk().await.expect("the document goes on") {
            whole.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&whole).expect("JSON")
    }

    /// Returns when the worker reads the table, which is locked.
    async fn until_it_reads(&mut self) {
        while self.progress < READS {
            let message = self.next().await;
            assert!(self.is_progress(&message), "{message}");
        }
    }

    fn is_progress(&mut self, message: &Value) -> bool {
        if message["method"] != "notifications/progress" {
            return false;
        }
        let progress = message["params"]["progress"].as_f64().expect("a number");
        assert!(progress > self.progress, "{message} after {}", self.progress);
        assert!(message["params"]["progressToken"].as_str().is_some_and(|token| token.starts_with('p')));
        assert!(message["params"]["message"].is_string() && message["params"]["total"].is_number());
        self.progress = progress;
        true
    }
}

async fn locked(owner: &PgPool) -> Transaction<'static, Postgres> {
    let mut lock = owner.begin().await.expect("begins");
    sqlx::query("lock table platform.order_line in access exclusive mode")
        .execute(&mut *lock)
        .await
        .expect("locked");
    lock
}

/// The job of the last call, and why it is to stop, if it is.
async fn last_job(owner: &PgPool) -> (Uuid, Option<String>) {
    sqlx::query_as("select id, cancel_reason from jobs.job where kind = 'call_tool' order by id desc limit 1")
        .fetch_one(owner)
        .await
        .expect("a job")
}

async fn kept(owner: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from questions_app.tool_call")
        .fetch_one(owner)
        .await
        .expect("counted")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_call_is_a_job_that_tells_its_progress_and_ends_with_its_client() {
    boot::install_tls();
    let options = Options { workers: 1, schedulers: 1, ..Options::default() };
    let cluster = Cluster::start(options).await.expect("it starts");
    let tenant: TenantId = load::tenant(&cluster).await.expect("the tenant");
    for rows in ROWS {
        sqlx::query(rows).bind(tenant).execute(&cluster.ledger).await.expect("rows");
    }
    let assistant = Assistant::connect(&cluster).await;

    // Its progress comes while the table is locked, and its answer when it is free.
    let lock = locked(&cluster.ledger).await;
    let mut answers = assistant.call(7, 6).await;
    answers.until_it_reads().await;
    lock.rollback().await.expect("unlocked");
    let answer = answers.last().await;
    let content = &answer["result"]["structuredContent"];
    assert_eq!((&answer["id"], &content["available"]), (&json!(7), &json!(true)), "{answer}");
    assert_eq!(content["cost"]["remembered"], false, "{answer}");
    assert_eq!(kept(&cluster.ledger).await, 0, "an answer that was handed over is not kept");
    // At once, unless the machine stands still for longer than a call may take before it becomes a job.
    let again = assistant.call(8, 6).await.last_or_only().await;
    let content = &again["result"]["structuredContent"];
    assert_eq!(
        (&content["cost"]["remembered"], &content["figures"]),
        (&json!(true), &answer["result"]["structuredContent"]["figures"])
    );

    // A client that cancels by the number of its request; another's number is another's.
    let lock = locked(&cluster.ledger).await;
    let mut answers = assistant.call(9, 5).await;
    answers.until_it_reads().await;
    assistant.cancel(9, "a session of somebody else").await;
    assistant.cancel(10, &assistant.session).await;
    let (job, reason) = last_job(&cluster.ledger).await;
    assert_eq!(reason, None, "only the client itself cancels");
    assistant.cancel(9, &assistant.session).await;
    let answer = answers.last().await;
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    assert!(answer.to_string().contains("cancelled"), "{answer}");
    assert_eq!(cluster.desk.wait(job, PATIENCE).await.expect("it ends").state, "cancelled");
    assert_eq!(kept(&cluster.ledger).await, 0);

    // One that cancelled before a job was at its call: none goes on for it.
    assistant.cancel(12, &assistant.session).await;
    let mut answers = assistant.call(12, 3).await;
    let answer = answers.last_or_only().await;
    assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!(12), &json!(true)), "{answer}");
    assert!(answer.to_string().contains("cancelled"), "{answer}");
    let (early, _) = last_job(&cluster.ledger).await;
    assert_ne!(early, job);
    assert_eq!(cluster.desk.wait(early, PATIENCE).await.expect("it ends").state, "cancelled");

    // A client that goes away.
    let mut answers = assistant.call(11, 4).await;
    answers.until_it_reads().await;
    drop(answers);
    let (gone, _) = last_job(&cluster.ledger).await;
    assert_ne!(gone, early);
    assert_eq!(cluster.desk.wait(gone, PATIENCE).await.expect("it ends").state, "cancelled");
    lock.rollback().await.expect("unlocked");
    cluster.stop().await;
}
