//! Bodies of deliveries, sealed under the tenant's key when they are a day old. Until then they are read for surveys; after
//! that nobody looks into them but who shows one, or has it taken in once more. Those that were stored before stay readable.

use std::io::{Read, Write};

use accounts::seal::{MasterKey, UnsealError};
use accounts::tenant_keys::{self, TenantKeyError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Duration, Utc};
use database::Tx;
use database::ids::TenantId;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde_json::value::RawValue;
use sqlx::types::Json;
use uuid::Uuid;

/// Deliveries of one step.
pub const AT_ONCE: i64 = 200;
/// For so long their bodies lie open.
const OPEN_FOR_HOURS: i64 = 24;
/// The longest body that is opened: more than is ever taken in.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    sealed: String,
}

fn owner(delivery: Uuid) -> String {
    format!("delivery:{delivery}")
}

/// Seals some of the bodies that are old enough (support role); answers how many.
///
/// # Errors
/// The tenant's key does not open, or the database failed.
pub async fn step(
    tx: &mut Tx,
    master: &MasterKey,
    tenant: TenantId,
    now: DateTime<Utc>,
) -> Result<i64, TenantKeyError> {
    let rows: Vec<(Uuid, Json<Box<RawValue>>)> = sqlx::query_as(
        "select id, body from support_app.inbox
         where tenant_id = (select shared.current_tenant()) and sealed_at is null and received_at < $1
         order by received_at limit $2 for update skip locked",
    )
    .bind(now - Duration::hours(OPEN_FOR_HOURS))
    .bind(AT_ONCE)
    .fetch_all(&mut **tx)
    .await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let key = tenant_keys::current(tx, master, tenant).await?;
    let (mut ids, mut bodies) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    for (id, Json(body)) in rows {
        ids.push(id);
        // What was erased has nothing to hide.
        bodies.push(match body.get() {
            r#"{"erased": true}"# => Json(body.to_owned()),
            open => {
                let sealed =
                    Sealed { sealed: STANDARD.encode(key.seal(&owner(id), &packed(open.as_bytes()))) };
                Json(serde_json::value::to_raw_value(&sealed).expect("a text is serialisable"))
            }
        });
    }
    let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    sqlx::query(
        "update support_app.inbox i set body = n.body, sealed_at = $3
         from unnest($1::uuid[], $2::jsonb[]) n (id, body) where i.id = n.id",
    )
    .bind(ids)
    .bind(bodies)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(count)
}

/// A body in the clear; one that is not sealed is that (any role that may read the tenant's keys).
///
/// # Errors
/// The key was destroyed, or the value is damaged.
pub async fn open(
    tx: &mut Tx,
    master: &MasterKey,
    tenant: TenantId,
    delivery: Uuid,
    body: Box<RawValue>,
) -> Result<Box<RawValue>, TenantKeyError> {
    let Ok(Sealed { sealed }) = serde_json::from_str(body.get()) else { return Ok(body) };
    let sealed = STANDARD.decode(sealed).map_err(|_| UnsealError)?;
    let packed = tenant_keys::open(tx, master, tenant, &owner(delivery), &sealed).await?;
    let mut text = String::new();
    DeflateDecoder::new(packed.as_slice())
        .take(MOST_BYTES)
        .read_to_string(&mut text)
        .map_err(|_| UnsealError)?;
    Ok(RawValue::from_string(text).map_err(|_| UnsealError)?)
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes it")
}
