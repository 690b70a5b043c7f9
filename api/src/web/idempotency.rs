//! `Idempotency-Key`: a POST that is sent again, because its answer was lost, gets the first answer
//! and makes nothing new. The answer is kept in the transaction that does the work.

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use database::{Tx, ids::TenantId};
use jobs::idempotency;
use serde::{Deserialize, Serialize};

use crate::web::problem::Problem;

/// The header of a repeated answer.
pub static REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The caller's key, if it sent one, as a handler's argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(Option<String>);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<IdempotencyKey, Problem> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(IdempotencyKey(None)) };
        match value.to_str() {
            Ok(key) if (1..=200).contains(&key.len()) => Ok(IdempotencyKey(Some(key.to_owned()))),
            _ => Err(Problem::bad_request("Idempotency-Key", "must have 1 to 200 visible ASCII characters")),
        }
    }
}

/// An answer that can be kept and given again.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Where the thing it speaks of is.
    pub location: Option<String>,
    /// Its JSON body.
    pub body: serde_json::Value,
    /// It was given before.
    pub replayed: bool,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    location: Option<String>,
    body: serde_json::Value,
}

impl Answer {
    /// 200 with a body.
    pub fn ok<T: Serialize>(body: &T) -> Answer {
        Answer { status: StatusCode::OK, location: None, body: to_json(body), replayed: false }
    }

    /// 201 with a body, and where the thing is that was made.
    pub fn created<T: Serialize>(location: String, body: &T) -> Answer {
        Answer { status: StatusCode::CREATED, location: Some(location), body: to_json(body), replayed: false }
    }

    /// 202 with a body, and the job that is under way.
    pub fn accepted<T: Serialize>(job: jobs::JobId, body: &T) -> Answer {
        Answer {
            status: StatusCode::ACCEPTED,
            location: Some(format!("/api/jobs/{job}")),
            body: to_json(body),
            replayed: false,
        }
    }
}

fn to_json<T: Serialize>(body: &T) -> serde_json::Value {
    serde_json::to_value(body).expect("an answer is plain data")
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self.body)).into_response();
        let headers = response.headers_mut();
        if let Some(location) = self.location {
            let value = HeaderValue::from_str(&location).expect("a path made of ids is a header value");
            headers.insert(header::LOCATION, value);
        }
        if self.replayed {
            headers.insert(&REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

/// The answer that this key got before, if it did. A second request with the key waits here until
/// the first one's transaction is over. `digest` is the request's, see [`crate::web::body::Json`].
///
/// # Errors
/// 422 when the key came with another request before; the database failed.
pub async fn replay(
    tx: &mut Tx,
    tenant: TenantId,
    key: &IdempotencyKey,
    digest: &[u8; 32],
) -> Result<Option<Answer>, Problem> {
    let Some(key) = &key.0 else { return Ok(None) };
    let Some(given) = idempotency::find::<Kept>(tx, tenant.0, key).await? else { return Ok(None) };
    if given.request_hash != digest {
        return Err(Problem::unprocessable("Idempotency-Key", "the key came with another request before"));
    }
    let status = u16::try_from(given.status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    Ok(Some(Answer {
        status: status.unwrap_or(StatusCode::OK),
        location: given.answer.location,
        body: given.answer.body,
        replayed: true,
    }))
}

/// Keeps the answer for the key, if there is one, in the transaction that did the work.
///
/// # Errors
/// The database failed.
pub async fn keep(
    tx: &mut Tx,
    tenant: TenantId,
    key: &IdempotencyKey,
    digest: &[u8; 32],
    answer: &Answer,
) -> Result<(), Problem> {
    let Some(key) = &key.0 else { return Ok(()) };
    let status = i16::try_from(answer.status.as_u16()).expect("a status has three digits");
    let kept = Kept { location: answer.location.clone(), body: answer.body.clone() };
    Ok(idempotency::keep(tx, tenant.0, key, digest, status, &kept).await?)
}
