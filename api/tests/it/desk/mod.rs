//! What the tests of jobs and operations add to a shop: more keys, and a worker's part played through
//! the ledger itself.

// Every test program takes what it needs of this.

use accounts::{
    api_keys::{self, Scope},
    tenants,
};
use axum::body::Body;
use chrono::{DateTime, Utc};
use database::ids::TenantId;
use jobs::{
    JobId,
    ledger::{Completion, Ending, Failure, claim, complete},
};
use serde_json::{Value, value::to_raw_value};
use uuid::Uuid;

use super::shop::{Answer, Shop, request};

/// A key of the tenant.
pub async fn key(
    shop: &Shop,
    tenant: TenantId,
    scopes: &[Scope],
    expires_at: Option<DateTime<Utc>>,
) -> String {
    let mut tx = shop.state.db.gateway_tx().await.expect("a transaction");
    let key = api_keys::create(&mut tx, tenant, "test", scopes, expires_at).await.expect("a key");
    tx.commit().await.expect("committed");
    key.text.reveal().to_owned()
}

/// An operator's key of the shop's tenant.
pub async fn operator(shop: &Shop) -> String {
    key(shop, shop.tenant, &[Scope::Operator], None).await
}

/// A second tenant with a key for jobs and drafts.
pub async fn neighbour(shop: &Shop) -> (TenantId, String) {
    let mut tx = shop.state.db.gateway_tx().await.expect("a transaction");
    let tenant = tenants::create(&mut tx, "neighbour", "Neighbour", "UTC").await.expect("a tenant").id;
    tx.commit().await.expect("committed");
    let scopes = [Scope::JobsRead, Scope::JobsWrite, Scope::AiRead, Scope::AiWrite];
    (tenant, key(shop, tenant, &scopes, None).await)
}

/// Sends a request with a key; the body is JSON unless it is empty.
pub async fn call(shop: &Shop, key: &str, method: &str, path: &str, body: &str) -> Answer {
    let request = request(method, path).header("x-api-key", key).header("content-type", "application/json");
    shop.send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

/// Enqueues a job that a tenant may enqueue, and says its id.
pub async fn enqueue(shop: &Shop, key: &str) -> JobId {
    let answer = call(shop, key, "POST", "/api/jobs", &new_job()).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    id(&answer, "job_id")
}

/// The body of a request for a job that a tenant may enqueue.
pub fn new_job() -> String {
    format!(r#"{{"kind": "draft_reply", "payload": {{"ticket_id": "{}"}}}}"#, Uuid::now_v7())
}

/// An id out of an answer.
pub fn id(answer: &Answer, field: &str) -> Uuid {
    answer.field(field).parse().unwrap_or_else(|_| panic!("{field} is an id: {}", answer.text))
}

/// Runs a job to this end, as a worker would.
pub async fn finish(shop: &Shop, id: JobId, ending: Ending) {
    let worker = Uuid::now_v7();
    let mut connection = shop.state.store.pool().acquire().await.expect("a connection");
    let claimed = claim(&mut connection, worker, &[id], &[]).await.expect("claimed");
    let mut batch = [Completion::of(claimed.first().expect("the job was ready"), ending)];
    let completed = complete(&mut connection, worker, &mut batch).await.expect("completed");
    assert!(completed.written.contains(&id));
    shop.state.dispatch.tell(&completed.events);
}

/// Success with a result.
pub fn done(result: &Value) -> Ending {
    Ending::Done { result: Some(to_raw_value(result).expect("JSON")), then: Vec::new() }
}

/// Failure for good.
pub fn dead(class: &str, message: &str) -> Ending {
    Ending::Dead { failure: Failure::new(class, message) }
}
