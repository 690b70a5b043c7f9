//! Writes what was computed of customers, under one generation.

use chrono::{DateTime, NaiveDate, Utc};
use database::{DbError, Tx};
use intelligence::axes::Strength;
use sqlx::Row;

use super::copy::Rows;
use super::knowledge::Knowledge;
use super::score::Scored;

/// Customers that pass through the temporary tables at once.
const PIECE: usize = 25_000;

const FACT_COLUMNS: &str = "customer_id text, orders integer, spend_cents bigint, first_order_on date, last_order_on date,
    purchase_frequency smallint, purchase_value smallint, category_exploration smallint, price_sensitivity smallint,
    purchase_cadence smallint, customer_maturity smallint, repurchase_behavior smallint, return_behavior smallint,
    archetype_l1 smallint, archetype_l2 smallint, marketing_opt_in boolean, churn real, ltv real, shipping_country text,
    shipping_state text";

const INSIGHT_COLUMNS: &str =
    "customer_id text, computed_at timestamptz, confidence text, who text, features bytea,
    memberships bytea, ltv_low real, ltv_high real, churn_reasons jsonb";

/// Writes these customers' rows. There must be none of theirs under the generation yet.
pub async fn customers(
    tx: &mut Tx,
    knowledge: &Knowledge,
    generation: i32,
    customers: &[Scored],
    computed_at: DateTime<Utc>,
) -> Result<(), DbError> {
    for piece in customers.chunks(PIECE) {
        let (facts, insights) = encode(knowledge, piece, computed_at);
        facts.into_temporary(tx, "customer_fact_in", FACT_COLUMNS).await?;
        sqlx::query(
            "insert into platform.customer_fact
                 (tenant_id, generation, customer_id, orders, spend_cents, first_order_on, last_order_on,
                  purchase_frequency, purchase_value, category_exploration, price_sensitivity, purchase_cadence,
                  customer_maturity, repurchase_behavior, return_behavior, archetype_l1, archetype_l2, marketing_opt_in,
                  churn, ltv, shipping_country, shipping_state)
             select shared.current_tenant(), $1, * from customer_fact_in",
        )
        .persistent(false)
        .bind(generation)
        .execute(&mut **tx)
        .await?;
        insights.into_temporary(tx, "customer_insight_in", INSIGHT_COLUMNS).await?;
        sqlx::query(
            "insert into platform.customer_insight
                 (tenant_id, generation, customer_id, computed_at, confidence, who, features, memberships, ltv_low,
                  ltv_high, churn_reasons)
             select shared.current_tenant(), $1, * from customer_insight_in",
        )
        .persistent(false)
        .bind(generation)
        .execute(&mut **tx)
        .await?;
        sqlx::query("truncate customer_fact_in, customer_insight_in").execute(&mut **tx).await?;
    }
    Ok(())
}

fn encode(knowledge: &Knowledge, customers: &[Scored], computed_at: DateTime<Utc>) -> (Rows, Rows) {
    let (mut facts, mut insights) = (Rows::new(), Rows::new());
    for scored in customers {
        let (first, last) = scored.ordered_on.unzip();
        let (orders, spend) =
            scored.summary.as_ref().map_or((0, 0.0), |summary| (summary.orders, summary.spend));
        let assignment = &scored.assignment;
        facts.row(20);
        facts.bytes(Some(scored.person.customer_id.as_bytes()));
        facts.i32(Some(i32::try_from(orders).unwrap_or(i32::MAX)));
        // The conversion saturates, and an absurd amount stays absurd.
        facts.i64(Some((spend * 100.0).round() as i64));
        facts.date(first).date(last);
        for (segment, strength) in assignment.dominant.iter().zip(&assignment.strength) {
            facts.i16(
                segment.zip(*strength).map(|(segment, strength)| i16::from(segment) * 4 + rank(strength)),
            );
        }
        let archetype = assignment.archetype.and_then(|index| i16::try_from(index).ok());
        facts.i16(archetype.map(|index| knowledge.broader_archetype(index))).i16(archetype);
        facts.bool(scored.person.is_opted_in);
        facts.f32(scored.predictions.churn);
        facts.f32(scored.predictions.ltv.map(|ltv| ltv.value));
        facts.bytes(scored.person.country.as_deref().map(str::as_bytes));
        facts.bytes(scored.person.state.as_deref().map(str::as_bytes));

        insights.row(9);
        insights.bytes(Some(scored.person.customer_id.as_bytes()));
        insights.timestamp(computed_at);
        insights.bytes(Some(knowledge.confidence_word(assignment.confidence).as_bytes()));
        insights.bytes(Some(knowledge.segmentation.name(assignment).as_bytes()));
        insights.bytes(Some(&scored.features));
        insights.bytes(Some(&knowledge.segmentation.pack(&assignment.vector)));
        insights
            .f32(scored.predictions.ltv.and_then(|ltv| ltv.low))
            .f32(scored.predictions.ltv.and_then(|ltv| ltv.high));
        insights.json(scored.predictions.reasons.as_deref());
    }
    (facts, insights)
}

/// How strength is stored beside the segment.
fn rank(strength: Strength) -> i16 {
    match strength {
        Strength::Weak => 0,
        Strength::Balanced => 1,
        Strength::Strong => 2,
    }
}

/// Removes the rows of named customers under a generation, before they are written anew.
pub async fn forget(tx: &mut Tx, generation: i32, customers: &[String]) -> Result<(), DbError> {
    for statement in [
        "delete from platform.customer_fact
         where tenant_id = shared.current_tenant() and generation = $1 and customer_id = any ($2)",
        "delete from platform.customer_insight
         where tenant_id = shared.current_tenant() and generation = $1 and customer_id = any ($2)",
    ] {
        sqlx::query(statement).bind(generation).bind(customers).execute(&mut **tx).await?;
    }
    Ok(())
}

/// What a run said of a customer before.
pub struct Before {
    /// The shop's id.
    pub customer_id: String,
    /// The packed memberships.
    pub memberships: Vec<u8>,
    /// The finest archetype.
    pub archetype: Option<i16>,
    /// The churn probability.
    pub churn: Option<f32>,
}

/// What the current run says of a range of customers, in the order of their ids, byte by byte.
pub async fn before(
    tx: &mut Tx,
    generation: i32,
    lower: Option<&str>,
    upper: Option<&str>,
) -> Result<Vec<Before>, DbError> {
    // The statistics of a generation that was written last night may still say that it is empty.
    sqlx::query("set local enable_nestloop = off").execute(&mut **tx).await?;
    let rows = sqlx::query(
        "select f.customer_id, i.memberships, f.archetype_l2, f.churn
         from platform.customer_fact f join platform.customer_insight i using (tenant_id, generation, customer_id)
         where f.generation = $1 and ($2::text is null or f.customer_id >= $2) and ($3::text is null or f.customer_id < $3)",
    )
    .persistent(false)
    .bind(generation)
    .bind(lower)
    .bind(upper)
    .fetch_all(&mut **tx)
    .await?;
    let mut before = rows
        .iter()
        .map(|row| {
            Ok(Before {
                customer_id: row.try_get("customer_id")?,
                memberships: row.try_get("memberships")?,
                archetype: row.try_get("archetype_l2")?,
                churn: row.try_get("churn")?,
            })
        })
        .collect::<Result<Vec<_>, sqlx::Error>>()?;
    before.sort_unstable_by(|a, b| a.customer_id.cmp(&b.customer_id));
    Ok(before)
}

/// A customer who changed from one run to the next.
pub struct Change {
    /// The shop's id.
    pub customer_id: String,
    /// How far, 0 to 1.
    pub drift: f32,
    /// From this archetype,
    pub archetype_from: Option<i16>,
    /// to this one.
    pub archetype_to: Option<i16>,
    /// From this probability,
    pub churn_from: Option<f32>,
    /// to this one.
    pub churn_to: Option<f32>,
}

/// Writes who changed in a run.
pub async fn changes(tx: &mut Tx, run: uuid::Uuid, on: NaiveDate, changes: &[Change]) -> Result<(), DbError> {
    for piece in changes.chunks(PIECE) {
        let mut rows = Rows::new();
        for change in piece {
            rows.row(6);
            rows.bytes(Some(change.customer_id.as_bytes())).f32(Some(change.drift));
            rows.i16(change.archetype_from)
                .i16(change.archetype_to)
                .f32(change.churn_from)
                .f32(change.churn_to);
        }
        rows.into_temporary(
            tx,
            "customer_change_in",
            "customer_id text, drift real, archetype_from smallint, archetype_to smallint, churn_from real, churn_to real",
        )
        .await?;
        sqlx::query(
            "insert into platform.customer_change
                 (tenant_id, customer_id, run_id, changed_on, drift, archetype_from, archetype_to, churn_from, churn_to)
             select shared.current_tenant(), customer_id, $1, $2, drift, archetype_from, archetype_to, churn_from, churn_to
             from customer_change_in",
        )
        .persistent(false)
        .bind(run)
        .bind(on)
        .execute(&mut **tx)
        .await?;
        sqlx::query("truncate customer_change_in").execute(&mut **tx).await?;
    }
    Ok(())
}
