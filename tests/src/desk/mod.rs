//! A client of the api as its users would write one: enqueue, wait, signed webhooks, drafts, and what
//! operators do.
//!
//! Nothing is repeated in secret: whoever must be sure that a request arrived repeats it with the same
//! idempotency key, and [`DeskError::is_worth_repeating`] says when that makes sense.

mod documents;

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, Method, StatusCode, header};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::time::Instant;
use uuid::Uuid;

pub use documents::{Answer, Delivery, DeskError, Enqueued, Job};

/// How long any answer may take; longer than the longest wait that the api offers.
const ANSWER_WITHIN: Duration = Duration::from_secs(75);

/// A key, and the secret that webhooks are signed with.
#[derive(Clone)]
pub struct Credentials {
    /// The tenant's slug.
    pub tenant: String,
    /// The tenant's id.
    pub tenant_id: Uuid,
    /// The API key.
    pub key: String,
    /// The webhook secret.
    pub webhook_secret: String,
}

/// The client. Clones share their connections.
#[derive(Clone)]
pub struct Desk {
    http: Client,
    base: String,
    credentials: Credentials,
}

impl Desk {
    /// A client of the api at `base`, for example `http://127.0.0.1:8080`.
    ///
    /// # Panics
    /// TLS cannot be set up; [`boot::install_tls`] comes first.
    pub fn new(base: &str, credentials: Credentials) -> Desk {
        boot::install_tls();
        let http = Client::builder()
            .no_proxy()
            .timeout(ANSWER_WITHIN)
            .pool_idle_timeout(Duration::from_secs(30))
            .tcp_nodelay(true)
            .build()
            .expect("a client without certificates or proxies can be built");
        Desk { http, base: base.trim_end_matches('/').to_owned(), credentials }
    }

    /// The same client with another key.
    pub fn with_key(&self, key: &str) -> Desk {
        let mut other = self.clone();
        other.credentials.key = key.to_owned();
        other
    }

    /// Where the api is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The tenant, the key and the secret that it uses.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Enqueues `{kind, payload, ...}`.
    ///
    /// # Errors
    /// As for every call: no answer, a refusal, or an answer in another form.
    pub async fn enqueue(&self, job: &Value, idempotency_key: Option<&str>) -> Result<Enqueued, DeskError> {
        self.call(Method::POST, "/api/jobs", Some(job), idempotency_key).await
    }

    /// Enqueues up to 1,000 jobs, all or none.
    ///
    /// # Errors
    /// See [`Desk::enqueue`].
    pub async fn batch(
        &self,
        jobs: &[Value],
        idempotency_key: Option<&str>,
    ) -> Result<Vec<Enqueued>, DeskError> {
        #[derive(Deserialize)]
        struct Batch {
            jobs: Vec<Enqueued>,
        }
        let body = json!({ "jobs": jobs });
        let batch: Batch = self.call(Method::POST, "/api/jobs/batch", Some(&body), idempotency_key).await?;
        Ok(batch.jobs)
    }

    /// A job as it is now.
    ///
    /// # Errors
    /// See [`Desk::enqueue`].
    pub async fn job(&self, id: Uuid) -> Result<Job, DeskError> {
        self.get(&format!("/api/jobs/{id}")).await
    }

    /// A job once it has ended, however it ended.
    ///
    /// # Errors
    /// It has not within `limit`; or see [`Desk::enqueue`].
    pub async fn wait(&self, id: Uuid, limit: Duration) -> Result<Job, DeskError> {
        let started = Instant::now();
        loop {
            let left = limit.saturating_sub(started.elapsed());
            let secs = left.as_secs_f64().min(30.0);
            let job: Job = self.get(&format!("/api/jobs/{id}?wait={secs:.3}")).await?;
            if job.is_finished() {
                return Ok(job);
            }
            if left.is_zero() {
                return Err(DeskError::StillUnderWay { id, state: job.state, waited: limit });
            }
        }
    }

    /// A job at its next change of state or progress since `known` (an ETag), with its new ETag. Without one
    /// the answer comes at once; without a change it comes after 30 s and has no job.
    ///
    /// # Errors
    /// See [`Desk::enqueue`].
    pub async fn next_change(
        &self,
        id: Uuid,
        known: Option<&str>,
    ) -> Result<(Option<Job>, Option<String>), DeskError> {
        let path = format!("/api/jobs/{id}?wait=30&until=change");
        // The api answers at once when the ETag is not the current one, and none is called that.
        let known = known.unwrap_or("\"none\"");
        let request = self.request(Method::GET, &path).header(header::IF_NONE_MATCH, known);
        let answer = self.send(format!("GET {path}"), request).await?;
        let etag = answer.headers.get(header::ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned);
        if answer.status == StatusCode::NOT_MODIFIED {
            return Ok((None, etag));
        }
        Ok((Some(understood(&format!("GET {path}"), answer.body)?), etag))
    }

    /// Sends a delivery in the help desk's name, signed.
    ///
    /// # Errors
    /// See [`Desk::enqueue`].
    pub async fn webhook(&self, body: &Value) -> Result<Delivery, DeskError> {
        let answer = self.webhook_signed(body, &self.credentials.webhook_secret).await?;
        understood("POST /api/gorgias/webhook", answer.body)
    }

    /// Sends a delivery signed with a secret of the caller's choice, and gives the whole answer.
    ///
    /// # Errors
    /// See [`Desk::enqueue`].
    pub async fn webhook_signed(&self, body: &Value, secret: &str) -> Result<Answer, DeskError> {
        let raw = body.to_string();
        let request = self
            .http
            .post(format!("{}/api/gorgias/webhook", self.base))
            .header("x-webhook-tenant", &self.credentials.tenant)
            .header("x-gorgias-signature", signature(secret, raw.as_bytes()))
            .header(header::CONTENT_TYPE, "application/json")
            .body(raw);
        self.send("POST /api/gorgias/webhook".to_owned(), request).await
    }

    /// The draft for a ticket (our id or the help desk's): 200 with the draft, or 202 with the job that
    /// makes one.
    ///
    /// # Errors
    /// See [`Desk::enqueue`].
    pub async fn draft(&self, ticket: &str) -> Result<Answer, DeskError> {
        self.answer(Method::GET, &format!("/api/ai/tickets/{ticket}/draft"), None, None).await
    }

    /// The causes behind dead jobs; `query` is what follows `?`, for example `kind=probe`.
    ///
    /// # Errors
    /// See [`Desk::enqueue`].
    pub async fn dead_groups(&self, query: &str) -> Result<Value, DeskError> {
        self.get(&format!("/api/admin/dead-letters/groups?{query}")).await
    }

    /// Retries dead jobs: `{filter | ids | all, dry_run, canary, reason}`.
    ///
    /// # Errors
    /// See [`Desk::enqueue`].
    pub async fn retry_dead(&self, order: &Value) -> Result<Answer, DeskError> {
        self.answer(Method::POST, "/api/admin/dead-letters/retry", Some(order), None).await
    }

    /// The queues with depth, age and rates.
    ///
    /// # Errors
    /// See [`Desk::enqueue`].
    pub async fn queues(&self) -> Result<Value, DeskError> {
        self.get("/api/admin/queues").await
    }

    /// The workers and what they run.
    ///
    /// # Errors
    /// See [`Desk::enqueue`].
    pub async fn workers(&self) -> Result<Value, DeskError> {
        self.get("/api/admin/workers").await
    }

    /// Reads anything.
    ///
    /// # Errors
    /// See [`Desk::enqueue`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, DeskError> {
        self.call(Method::GET, path, None, None).await
    }

    /// Sends anything.
    ///
    /// # Errors
    /// See [`Desk::enqueue`].
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer, DeskError> {
        self.answer(Method::POST, path, Some(body), None).await
    }

    /// Any call whose answer has a known form.
    ///
    /// # Errors
    /// See [`Desk::enqueue`].
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        idempotency_key: Option<&str>,
    ) -> Result<T, DeskError> {
        let call = format!("{method} {path}");
        let answer = self.answer(method, path, body, idempotency_key).await?;
        understood(&call, answer.body)
    }

    /// Any call; success in whatever form.
    ///
    /// # Errors
    /// See [`Desk::enqueue`].
    pub async fn answer(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        idempotency_key: Option<&str>,
    ) -> Result<Answer, DeskError> {
        let call = format!("{method} {path}");
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        self.send(call, request).await
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).header("x-api-key", &self.credentials.key)
    }

    async fn send(&self, call: String, request: reqwest::RequestBuilder) -> Result<Answer, DeskError> {
        let no_answer = |call: String, source| DeskError::NoAnswer { call, source };
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Err(no_answer(call, error)),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let text = match response.text().await {
            Ok(text) => text,
            Err(error) => return Err(no_answer(call, error)),
        };
        let body = serde_json::from_str(&text).unwrap_or(if text.is_empty() {
            Value::Null
        } else {
            Value::String(text)
        });
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(Answer { status, headers, body });
        }
        let seconds = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Err(DeskError::Refused { call, status, problem: body, retry_after: seconds.map(Duration::from_secs) })
    }
}

/// The value of `X-Gorgias-Signature`.
pub fn signature(secret: &str, raw: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key may have any length");
    mac.update(raw);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

fn understood<T: DeserializeOwned>(call: &str, body: Value) -> Result<T, DeskError> {
    serde_json::from_value(body).map_err(|source| DeskError::NotUnderstood { call: call.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_published_one() {
        // RFC 4231, test case 2.
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signature("Jefe", b"what do ya want for nothing?"), expected);
    }
}
