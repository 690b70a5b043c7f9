//! Writes what a run or a single computation says of customers, under one generation. Rows are encoded where they are
//! computed and pass by COPY, see `copy.rs`.

use chrono::{DateTime, NaiveDate, Utc};
use database::{DbError, Tx};
use uuid::Uuid;

use super::catalog::AXES;
use crate::copy::Rows;

/// Rows that should pass through the temporary tables at once.
pub const PIECE: usize = 25_000;

const FACT_COLUMNS: &str = "customer_id text, orders integer, spend_cents bigint, first_order_on date, last_order_on date,
    purchase_frequency smallint, purchase_value smallint, category_exploration smallint, price_sensitivity smallint,
    purchase_cadence smallint, customer_maturity smallint, repurchase_behavior smallint, return_behavior smallint, communication smallint,
    problem_complexity smallint, loyalty smallint, feedback smallint, value_sensitivity smallint,
    archetype_l1 smallint, archetype_l2 smallint, marketing_opt_in boolean, churn real, ltv real, shipping_country text,
    shipping_state text";

const INSIGHT_COLUMNS: &str =
    "customer_id text, computed_at timestamptz, confidence text, who text, features bytea,
    memberships bytea, ltv_low real, ltv_high real, churn_reasons jsonb, places bytea";

/// What segments and lists look at, of a customer.
pub struct Fact<'a> {
    /// The shop's id.
    pub customer_id: &'a str,
    /// Orders that count.
    pub orders: i32,
    /// Money spent, in hundredths.
    pub spend_cents: i64,
    /// The day of the first and of the last order.
    pub ordered_on: Option<(NaiveDate, NaiveDate)>,
    /// Of each axis segment x 4 + strength, see [`super::strength::dominant`].
    pub axes: [Option<i16>; AXES.len()],
    /// The place of the broad and of the finest archetype in the catalogue.
    pub archetype: Option<(i16, i16)>,
    /// Whether they may be sent marketing.
    pub is_opted_in: bool,
    /// Probability of churn.
    pub churn: Option<f32>,
    /// Expected spend.
    pub ltv: Option<f32>,
    /// ISO 3166 code.
    pub country: Option<&'a str>,
    /// State or province.
    pub state: Option<&'a str>,
}

/// What is shown of a customer.
pub struct Insight<'a> {
    /// The shop's id.
    pub customer_id: &'a str,
    /// rule, low, medium or high.
    pub confidence: &'a str,
    /// Who they are, in one sentence.
    pub who: &'a str,
    /// The features, four bytes each; of those who have written in, also what their tickets say.
    pub features: &'a [u8],
    /// The packed memberships.
    pub memberships: &'a [u8],
    /// Less than this in one case of ten, and more than this in one case of ten.
    pub ltv_bounds: (Option<f32>, Option<f32>),
    /// Why the churn probability is what it is, as JSON.
    pub churn_reasons: Option<&'a str>,
    /// Where they stand among the others.
    pub places: &'a [u8],
}

/// Customers on their way into the tables; at most [`PIECE`] of them should go together. Each table is written in the
/// order in which its rows were added.
pub struct Piece {
    facts: Rows,
    insights: Rows,
    computed_at: DateTime<Utc>,
}

impl Piece {
    /// Nobody yet; all of them count as computed at this time.
    pub fn new(computed_at: DateTime<Utc>) -> Piece {
        Piece { facts: Rows::new(), insights: Rows::new(), computed_at }
    }

    /// Adds what segments and lists look at, of a customer.
    pub fn fact(&mut self, fact: &Fact<'_>) {
        let facts = &mut self.facts;
        let (first, last) = fact.ordered_on.unzip();
        facts.row(25);
        facts.bytes(Some(fact.customer_id.as_bytes()));
        facts.i32(Some(fact.orders)).i64(Some(fact.spend_cents)).date(first).date(last);
        for axis in fact.axes {
            facts.i16(axis);
        }
        let (broad, finest) = fact.archetype.unzip();
        facts.i16(broad).i16(finest).bool(fact.is_opted_in).f32(fact.churn).f32(fact.ltv);
        facts.bytes(fact.country.map(str::as_bytes)).bytes(fact.state.map(str::as_bytes));
    }

    /// Adds what is shown of a customer.
    pub fn insight(&mut self, insight: &Insight<'_>) {
        let insights = &mut self.insights;
        insights.row(10);
        insights.bytes(Some(insight.customer_id.as_bytes())).timestamp(self.computed_at);
        insights.bytes(Some(insight.confidence.as_bytes())).bytes(Some(insight.who.as_bytes()));
        insights.bytes(Some(insight.features)).bytes(Some(insight.memberships));
        insights.f32(insight.ltv_bounds.0).f32(insight.ltv_bounds.1).json(insight.churn_reasons);
        insights.bytes(Some(insight.places));
    }

    /// Writes the customers' rows under a generation (platform role). There must be none of theirs yet.
    ///
    /// # Errors
    /// The database failed.
    pub async fn write(self, tx: &mut Tx, generation: i32) -> Result<(), DbError> {
        self.facts.into_temporary(tx, "customer_fact_in", FACT_COLUMNS).await?;
        sqlx::query(
            "insert into platform.customer_fact
                 (tenant_id, generation, customer_id, orders, spend_cents, first_order_on, last_order_on,
                  purchase_frequency, purchase_value, category_exploration, price_sensitivity, purchase_cadence,
                  customer_maturity, repurchase_behavior, return_behavior, communication, problem_complexity, loyalty,
                  feedback, value_sensitivity, archetype_l1, archetype_l2, marketing_opt_in,
                  churn, ltv, shipping_country, shipping_state)
             select (select shared.current_tenant()), $1, * from customer_fact_in",
        )
        .persistent(false)
        .bind(generation)
        .execute(&mut **tx)
        .await?;
        self.insights.into_temporary(tx, "customer_insight_in", INSIGHT_COLUMNS).await?;
        sqlx::query(
            "insert into platform.customer_insight
                 (tenant_id, generation, customer_id, computed_at, confidence, who, features, memberships, ltv_low,
                  ltv_high, churn_reasons, places)
             select (select shared.current_tenant()), $1, * from customer_insight_in",
        )
        .persistent(false)
        .bind(generation)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}

/// Removes the rows of named customers under a generation, before they are written anew.
///
/// # Errors
/// The database failed.
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
#[derive(Debug, sqlx::FromRow)]
pub struct Before {
    /// The shop's id.
    pub customer_id: String,
    /// The packed memberships.
    pub memberships: Vec<u8>,
    /// The finest archetype.
    #[sqlx(rename = "archetype_l2")]
    pub archetype: Option<i16>,
    /// The churn probability.
    pub churn: Option<f32>,
}

/// What a generation says of a range of customers, in the order of their ids, byte by byte.
///
/// # Errors
/// The database failed.
pub async fn before(
    tx: &mut Tx,
    generation: i32,
    lower: Option<&str>,
    upper: Option<&str>,
) -> Result<Vec<Before>, DbError> {
    super::distrust_statistics(tx).await?;
    // The bounds are told of both tables: a planner that knows them of one goes through the whole of the other.
    let mut before: Vec<Before> = sqlx::query_as(
        "select f.customer_id, i.memberships, f.archetype_l2, f.churn
         from platform.customer_fact f join platform.customer_insight i using (tenant_id, generation, customer_id)
         where f.generation = $1 and ($2::text is null or f.customer_id >= $2) and ($3::text is null or f.customer_id < $3)
           and ($2::text is null or i.customer_id >= $2) and ($3::text is null or i.customer_id < $3)",
    )
    .persistent(false)
    .bind(generation)
    .bind(lower)
    .bind(upper)
    .fetch_all(&mut **tx)
    .await?;
    before.sort_unstable_by(|a, b| a.customer_id.cmp(&b.customer_id));
    Ok(before)
}

/// A customer who changed from one run to the next.
pub struct Moved {
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
///
/// # Errors
/// The database failed.
pub async fn moved(tx: &mut Tx, run: Uuid, on: NaiveDate, moved: &[Moved]) -> Result<(), DbError> {
    for piece in moved.chunks(PIECE) {
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
             select (select shared.current_tenant()), customer_id, $1, $2, drift, archetype_from, archetype_to, churn_from, churn_to
             from customer_change_in",
        )
        .persistent(false)
        .bind(run)
        .bind(on)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// Removes what changed before a day.
///
/// # Errors
/// The database failed.
pub async fn forget_moved_before(tx: &mut Tx, day: Option<NaiveDate>) -> Result<(), DbError> {
    sqlx::query("delete from platform.customer_change where changed_on < $1")
        .bind(day)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
