//! Faults on request: the next N calls of a route get a status, silence, a closed connection, or a delay,
//! before or after their effect took place.

use std::collections::VecDeque;
use std::future::Future;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

const MAX_RULES: usize = 1000;

/// What shall happen to which calls.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Prefix of the path, for example `/api/tickets`.
    pub route: String,
    /// The method; any when absent.
    #[serde(default)]
    pub method: Option<String>,
    /// How many calls it hits.
    pub count: u32,
    /// Before or after the effect.
    #[serde(default)]
    pub when: When,
    /// What happens.
    pub fault: Fault,
}

/// Whether the call's effect takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The fault comes instead of the effect.
    #[default]
    Before,
    /// The effect takes place, and the fault hides that.
    After,
}

/// A fault.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Answers with a status.
    Status {
        /// The HTTP status.
        status: u16,
        /// Value of a Retry-After header.
        #[serde(default)]
        retry_after: Option<String>,
        /// A JSON body.
        #[serde(default)]
        body: Option<serde_json::Value>,
    },
    /// Never answers.
    Hang,
    /// Answers properly, but not before the upstream is released.
    Hold,
    /// Closes the connection without an answer.
    Close,
    /// Answers properly, but late.
    Delay {
        /// How late, in milliseconds.
        ms: u64,
    },
    /// Answers properly and reports how full the rate bucket is.
    CallLimit {
        /// In the form `39/40`.
        report: String,
    },
}

/// Marks a response in whose place the connection is closed.
#[derive(Clone)]
pub(super) struct CloseConnection;

/// The rules that still have calls to hit, oldest first.
#[derive(Default)]
pub(super) struct Faults {
    rules: VecDeque<FaultRule>,
}

impl Faults {
    /// Adds a rule; beyond 1000 the oldest goes.
    pub(super) fn add(&mut self, rule: FaultRule) {
        if self.rules.len() >= MAX_RULES {
            self.rules.pop_front();
        }
        self.rules.push_back(rule);
    }

    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    /// The fault for a call, if one is due.
    pub(super) fn take(&mut self, method: &str, path: &str) -> Option<FaultRule> {
        self.rules.retain(|rule| rule.count > 0);
        let hits = |rule: &&mut FaultRule| {
            path.starts_with(&rule.route)
                && rule.method.as_deref().is_none_or(|m| m.eq_ignore_ascii_case(method))
        };
        let rule = self.rules.iter_mut().find(hits)?;
        rule.count -= 1;
        Some(rule.clone())
    }
}

impl FaultRule {
    /// Lets the fault happen; `effect` is the proper handling of the call, `released` is true from when on nothing is held.
    pub(super) async fn act(
        self,
        effect: impl Future<Output = Response>,
        mut released: watch::Receiver<bool>,
    ) -> Response {
        match self.fault {
            Fault::Hold => {
                // The other end lives as long as the upstream.
                let _ = released.wait_for(|released| *released).await;
                return effect.await;
            }
            Fault::Delay { ms } => {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                return effect.await;
            }
            Fault::CallLimit { report } => {
                let mut response = effect.await;
                if let Ok(report) = HeaderValue::from_str(&report) {
                    let name = HeaderName::from_static("x-gorgias-account-api-call-limit");
                    response.headers_mut().insert(name, report);
                }
                return response;
            }
            _ => {}
        }
        if self.when == When::After {
            drop(effect.await);
        }
        match self.fault {
            Fault::Status { status, retry_after, body } => status_response(status, retry_after, body),
            Fault::Hang => std::future::pending().await,
            Fault::Close => {
                let mut response = StatusCode::NO_CONTENT.into_response();
                response.extensions_mut().insert(CloseConnection);
                response
            }
            Fault::Hold | Fault::Delay { .. } | Fault::CallLimit { .. } => unreachable!("returned above"),
        }
    }
}

fn status_response(status: u16, retry_after: Option<String>, body: Option<serde_json::Value>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(body.unwrap_or_default())).into_response();
    if let Some(value) = retry_after.and_then(|text| HeaderValue::from_str(&text).ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}
