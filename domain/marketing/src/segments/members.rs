//! Who is in a segment, as of its last evaluation, and who came and went.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::FromRow;
use uuid::Uuid;

use database::ids::{SegmentId, TenantId};
use database::{DbError, Tx};

/// The statement that lists who is in a segment as `member`, for others' statements to narrow by; the segment's id follows.
pub const OF_SEGMENT: &str =
    "select m.customer_id as member from marketing_app.segment_member m where m.segment_id =";

/// A member with the current facts, which may be newer than the evaluation. No name and no address: those are for
/// whoever may read customers.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The shop's id.
    pub customer: String,
    /// When the customer became a member.
    pub entered_at: DateTime<Utc>,
    /// Orders that are not returns; none when nothing is known any more.
    pub orders: Option<i32>,
    /// Money spent, net of returns.
    pub spend: Option<Decimal>,
    /// Day of the last order.
    pub last_order_on: Option<NaiveDate>,
    /// Probability of no further order within the horizon.
    pub churn: Option<f32>,
    /// Expected spend within the horizon.
    pub ltv: Option<f32>,
}

/// Members by id, after the one given (marketing role).
pub async fn list(
    tx: &mut Tx,
    tenant: TenantId,
    segment: SegmentId,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Member>, DbError> {
    let stored: Vec<Stored> = sqlx::query_as(
        "select m.customer_id, m.entered_at, f.orders, f.spend_cents, f.last_order_on, f.churn, f.ltv
         from (select customer_id, entered_at from marketing_app.segment_member
               where segment_id = $2 and customer_id > $3 order by customer_id limit $4) m
         left join platform.current_run r on r.tenant_id = $1
         left join platform.customer_fact f on f.tenant_id = $1 and f.generation = r.generation
             and f.customer_id = m.customer_id
         order by m.customer_id",
    )
    .bind(tenant)
    .bind(segment)
    .bind(after.unwrap_or_default())
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?;
    let member = |stored: Stored| Member {
        customer: stored.customer_id,
        entered_at: stored.entered_at,
        orders: stored.orders,
        spend: stored.spend_cents.map(|cents| Decimal::new(cents, 2)),
        last_order_on: stored.last_order_on,
        churn: stored.churn,
        ltv: stored.ltv,
    };
    Ok(stored.into_iter().map(member).collect())
}

/// A member as stored; the facts are missing when nothing is known any more.
#[derive(FromRow)]
struct Stored {
    customer_id: String,
    entered_at: DateTime<Utc>,
    orders: Option<i32>,
    spend_cents: Option<i64>,
    last_order_on: Option<NaiveDate>,
    churn: Option<f32>,
    ltv: Option<f32>,
}

/// Somebody who came or went.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Change {
    /// The evaluation that found it.
    #[sqlx(rename = "evaluation_id")]
    pub evaluation: Uuid,
    /// When that evaluation began.
    #[sqlx(rename = "started_at")]
    pub at: DateTime<Utc>,
    /// The shop's id.
    #[sqlx(rename = "customer_id")]
    pub customer: String,
    /// Came, or went.
    pub entered: bool,
}

/// Changes, by evaluation from the latest and then by id, before the one given (marketing role).
pub async fn changes(
    tx: &mut Tx,
    segment: SegmentId,
    before: Option<(Uuid, &str)>,
    limit: i64,
) -> Result<Vec<Change>, DbError> {
    Ok(sqlx::query_as(
        "select c.evaluation_id, e.started_at, c.customer_id, c.entered
         from (select * from marketing_app.segment_change
               where segment_id = $1 and ($2::uuid is null or (evaluation_id, customer_id) < ($2, $3))
               order by evaluation_id desc, customer_id desc limit $4) c
         join marketing_app.segment_evaluation e on e.id = c.evaluation_id
         order by c.evaluation_id desc, c.customer_id desc",
    )
    .bind(segment)
    .bind(before.map(|(evaluation, _)| evaluation))
    .bind(before.map(|(_, customer)| customer))
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}
