//! One request and its answer on the wire, without anything that decides whether it is worth it.

use std::error::Error as _;

use reqwest::header::{HeaderName, HeaderValue};

use super::{Answer, CallContext, MAX_BODY_BYTES, Outbound, Request};
use crate::addresses::Forbidden;

/// Why no answer came.
pub(super) enum ExchangeError {
    Forbidden(Forbidden),
    NoConnection,
    Broken,
    TooLarge,
}

impl ExchangeError {
    pub(super) fn of(error: &reqwest::Error) -> Self {
        let mut source = error.source();
        while let Some(inner) = source {
            if let Some(forbidden) = inner.downcast_ref::<Forbidden>() {
                return Self::Forbidden(*forbidden);
            }
            source = inner.source();
        }
        if error.is_connect() { Self::NoConnection } else { Self::Broken }
    }
}

impl Outbound {
    /// Sends it once and reads the answer, within the bounds of its length.
    pub(super) async fn exchange(
        &self,
        context: &CallContext,
        request: &Request,
    ) -> Result<Answer, ExchangeError> {
        let mut builder =
            self.http.request(request.method.clone(), request.url.clone()).headers(request.headers.clone());
        if let Some(traceparent) =
            context.traceparent.as_deref().and_then(|text| HeaderValue::from_str(text).ok())
        {
            builder = builder.header(HeaderName::from_static("traceparent"), traceparent);
        }
        if let Some(body) = &request.body {
            if !request.headers.contains_key(reqwest::header::CONTENT_TYPE) {
                builder = builder.header(reqwest::header::CONTENT_TYPE, "application/json");
            }
            builder = builder.body(body.clone());
        }
        let mut response = builder.send().await.map_err(|error| ExchangeError::of(&error))?;
        let is_cut = self.read_bytes.is_some();
        if !is_cut && response.content_length().is_some_and(|length| length > MAX_BODY_BYTES as u64) {
            return Err(ExchangeError::TooLarge);
        }
        let most = self.read_bytes.unwrap_or(MAX_BODY_BYTES);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| ExchangeError::of(&error))? {
            if body.len() + chunk.len() > most {
                if is_cut {
                    body.extend_from_slice(&chunk[..most - body.len()]);
                    break;
                }
                return Err(ExchangeError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let headers = std::mem::take(response.headers_mut());
        Ok(Answer { status: response.status(), headers, body: body.into() })
    }
}
