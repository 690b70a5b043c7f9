//! Stores what was read of a shop: orders by the one way in, with what the system's ids name and what could not be stored.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};
use uuid::Uuid;

use super::order::{Refused, ShopOrder};
use super::products;
use crate::identities::erased::ErasureKey;
use crate::identities::normal::{self, Id};
use crate::orders::state::{self, Source};
use crate::orders::statement::{Payment, Statement};

/// What came of orders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stored {
    /// Orders that were not there.
    pub inserted: i64,
    /// Orders of which something else was stored.
    pub replaced: i64,
    /// Orders that say what is stored.
    pub unchanged: i64,
    /// Orders of which something newer is stored.
    pub older: i64,
    /// Orders that cannot be stored.
    pub refused: i64,
}

impl Stored {
    /// Both together.
    pub fn add(&mut self, other: Stored) {
        self.inserted += other.inserted;
        self.replaced += other.replaced;
        self.unchanged += other.unchanged;
        self.older += other.older;
        self.refused += other.refused;
    }

    /// Whether anything is different from before.
    pub fn changed(&self) -> bool {
        self.inserted + self.replaced > 0
    }
}

/// When a word of the shop was heard, and what for.
#[derive(Debug, Clone, Copy)]
pub struct Heard {
    /// Decides between two words of which the shop says the same time of change.
    pub at: DateTime<Utc>,
    /// What profiles are derived for.
    pub cause: Uuid,
    /// Tells who was erased.
    pub erasure_key: ErasureKey,
}

/// Stores orders, each as a whole (platform role), and derives the profiles of their customers.
///
/// # Errors
/// The database failed.
pub async fn orders(
    tx: &mut Tx,
    tenant: TenantId,
    source: &'static str,
    orders: &[ShopOrder],
    heard: Heard,
) -> Result<Stored, DbError> {
    if orders.is_empty() {
        return Ok(Stored::default());
    }
    let ids: HashSet<String> = orders.iter().flat_map(ShopOrder::products).map(str::to_owned).collect();
    let products = products::known(tx, source, &ids.into_iter().collect::<Vec<_>>()).await?;
    let (mut statements, mut refused, mut refs) = (Vec::new(), Vec::new(), Vec::new());
    for order in orders {
        match order.statement(&products) {
            Ok(statement) => {
                let number = match normal::id(&statement.order_id) {
                    Some(Id::Exact(number)) => number,
                    _ => statement.order_id.clone(),
                };
                refs.push((order.id.as_str(), number, order.changed_at.unwrap_or(heard.at)));
                statements.push(statement);
            }
            Err(refusal) => refused.push(refusal),
        }
    }
    let (stored, unnamed) = state_all(tx, tenant, source, &statements, heard).await?;
    remember(tx, tenant, source, &refs).await?;
    refuse(tx, tenant, source, "orders", &refused, heard.at).await?;
    accept(tx, source, "orders", &refs.iter().map(|(id, _, _)| *id).collect::<Vec<_>>()).await?;
    let without: Vec<Refused> = refs
        .iter()
        .filter(|(_, number, _)| unnamed.contains(number))
        .map(|(id, _, _)| Refused {
            external_id: (*id).to_owned(),
            reason: CUSTOMER_ERASED,
            message: "the order's customer was erased after it was placed; it counts without them".to_owned(),
        })
        .collect();
    refuse(tx, tenant, source, "orders", &without, heard.at).await?;
    Ok(Stored { refused: refused.len() as i64, ..stored })
}

/// Why something is refused, or stored without a name.
pub(super) const CUSTOMER_ERASED: &str = "customer_erased";

/// Stores statements; answers also which orders are without their customers now.
async fn state_all(
    tx: &mut Tx,
    tenant: TenantId,
    source: &'static str,
    statements: &[Statement],
    heard: Heard,
) -> Result<(Stored, HashSet<String>), DbError> {
    let Heard { at, cause, erasure_key } = heard;
    let source = Source {
        name: source,
        import: None,
        taken_at: at,
        is_current: true,
        is_ahead: false,
        cause,
        erasure_key,
    };
    let stated = state::state(tx, tenant, &source, statements).await?;
    let stored = Stored {
        inserted: stated.counts.inserted,
        replaced: stated.counts.replaced,
        unchanged: stated.counts.unchanged,
        older: stated.counts.older,
        refused: 0,
    };
    Ok((stored, stated.unnamed.into_iter().collect()))
}

/// Takes an order out of what counts that the shop deleted (platform role): it stays as one that was taken back before it was
/// paid, with nothing in it. False when it is not known.
///
/// # Errors
/// The database failed.
pub async fn deleted(
    tx: &mut Tx,
    tenant: TenantId,
    source: &'static str,
    external_id: &str,
    heard: Heard,
) -> Result<bool, DbError> {
    let known: Option<(String, String, DateTime<Utc>, String)> = sqlx::query_as(
        "select o.order_id, coalesce(o.stated_customer, o.customer_id), o.placed_at, o.currency
         from platform.shop_ref r join platform.order o on o.tenant_id = r.tenant_id and o.order_id = r.internal_id
         where r.tenant_id = $1 and r.source = $2 and r.kind = 'order' and r.external_id = $3",
    )
    .bind(tenant)
    .bind(source)
    .bind(external_id)
    .fetch_optional(&mut **tx)
    .await?;
    let Some((order_id, customer, placed_at, currency)) = known else { return Ok(false) };
    let statement = Statement {
        order_id,
        customer: crate::orders::statement::Party { shop_id: Some(customer), ..Default::default() },
        placed_at,
        paid_at: None,
        fulfilled_at: None,
        cancelled_at: Some(heard.at),
        stated_at: Some(heard.at),
        is_test: false,
        payment: Payment::Voided,
        currency,
        is_currency_assumed: false,
        lines: Vec::new(),
    };
    state_all(tx, tenant, source, &[statement], heard).await?;
    Ok(true)
}

/// Remembers what the shop's ids of orders name.
async fn remember(
    tx: &mut Tx,
    tenant: TenantId,
    source: &str,
    refs: &[(&str, String, DateTime<Utc>)],
) -> Result<(), DbError> {
    let newest: HashMap<&str, (&str, DateTime<Utc>)> =
        refs.iter().map(|(id, number, at)| (*id, (number.as_str(), *at))).collect();
    let mut rows: Vec<_> = newest.into_iter().collect();
    rows.sort_unstable();
    sqlx::query(
        "insert into platform.shop_ref as r (tenant_id, source, kind, external_id, internal_id, stated_at)
         select $1, $2, 'order', * from unnest($3::text[], $4::text[], $5::timestamptz[])
         on conflict (tenant_id, source, kind, external_id) do update
             set internal_id = excluded.internal_id, stated_at = excluded.stated_at
             where r.stated_at < excluded.stated_at",
    )
    .bind(tenant)
    .bind(source)
    .bind(rows.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, (number, _))| *number).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, (_, at))| *at).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Notes what cannot be stored (platform role); of each the last word is kept.
///
/// # Errors
/// The database failed.
pub async fn refuse(
    tx: &mut Tx,
    tenant: TenantId,
    source: &str,
    resource: &str,
    refused: &[Refused],
    at: DateTime<Utc>,
) -> Result<(), DbError> {
    let last: HashMap<&str, &Refused> =
        refused.iter().map(|refusal| (refusal.external_id.as_str(), refusal)).collect();
    if last.is_empty() {
        return Ok(());
    }
    let mut rows: Vec<_> = last.into_values().collect();
    rows.sort_unstable_by(|one, other| one.external_id.cmp(&other.external_id));
    sqlx::query(
        "insert into platform.shop_refusal (tenant_id, source, resource, external_id, reason, message, at)
         select $1, $2, $3, u.*, $7 from unnest($4::text[], $5::text[], $6::text[]) as u
         on conflict (tenant_id, source, resource, external_id) do update
             set reason = excluded.reason, message = excluded.message, at = excluded.at",
    )
    .bind(tenant)
    .bind(source)
    .bind(resource)
    .bind(rows.iter().map(|refusal| refusal.external_id.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|refusal| refusal.reason).collect::<Vec<_>>())
    .bind(rows.iter().map(|refusal| refusal.message.as_str()).collect::<Vec<_>>())
    .bind(at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Forgets that something could not be stored, now that it was.
async fn accept(tx: &mut Tx, source: &str, resource: &str, ids: &[&str]) -> Result<(), DbError> {
    sqlx::query(
        "delete from platform.shop_refusal
         where tenant_id = (select shared.current_tenant()) and source = $1 and resource = $2 and external_id = any ($3)",
    )
    .bind(source)
    .bind(resource)
    .bind(ids)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
