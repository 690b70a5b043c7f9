//! How many customers a rule holds for, by the quickest way that is right: a count that is known for this state of
//! the facts, the bit index, or a look at every row.

use chrono::{DateTime, NaiveDate, Utc};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Postgres, QueryBuilder};

use super::bits::expression::{Expression, compile};
use super::bits::{self, Header};
use super::changes;
use super::facts::{self, Facts};
use super::field::Field;
use super::json::to_json;
use super::resolve::{NameError, Names, Test, resolve};
use super::rule::Rule;
use super::scan::{asks_customer, asks_members, push_from};
use database::ids::TenantId;
use database::{Db, DbError, Role, Tx};

/// How many counts are kept for a tenant.
const KEPT_COUNTS: i64 = 1_000;

/// How many customers a sample has at most.
pub const SAMPLE: usize = 20;

/// How long a count may take.
const TIMEOUT: &str = "20s";

/// Why a rule was not counted.
#[derive(Debug, thiserror::Error)]
pub enum CountError {
    /// Nothing is known of the tenant's customers yet.
    #[error("no run has been published yet, so nothing is known of the customers")]
    NoFacts,
    /// The rule names something unknown.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for CountError {
    fn from(error: sqlx::Error) -> CountError {
        CountError::Db(error.into())
    }
}

/// A count and what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    /// Customers for whom the rule holds.
    pub customers: i64,
    /// Of so many.
    pub of: i64,
    /// How it was found.
    pub method: Method,
    /// The facts.
    pub facts: Facts,
    /// Some of the customers, by id; empty when none were asked for.
    pub sample: Vec<String>,
}

/// How a count was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// It was known.
    Cached,
    /// By the bit index.
    Index,
    /// By looking at every row.
    Scan,
}

impl Method {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Method::Cached => "cached",
            Method::Index => "index",
            Method::Scan => "scan",
        }
    }
}

/// What a request for a count wants beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The count alone.
    Count,
    /// The count, found anew even when it is known.
    Recount,
    /// Up to [`SAMPLE`] customers too.
    Sample,
}

/// Counts the tenant's customers for whom the rule holds.
///
/// # Errors
/// There are no facts, a name is unknown, or the database fails.
pub async fn count(
    db: &Db,
    tenant: TenantId,
    rule: &Rule,
    wanted: Wanted,
    now: DateTime<Utc>,
) -> Result<Counted, CountError> {
    let mut tx = db.tenant_tx(Role::Marketing, tenant).await?;
    steady(&mut tx).await?;
    let facts = facts::current(&mut tx, tenant).await?.ok_or(CountError::NoFacts)?;
    let of = facts::customers_now(&mut tx, &facts).await?;
    let today = facts::today(&mut tx, tenant, now).await?;
    let entry = Entry::of(rule, today);
    let known = match (&entry, wanted) {
        (Some(entry), Wanted::Count | Wanted::Sample) => entry.look_up(&mut tx, &facts).await?,
        _ => None,
    };
    if let (Some(customers), true) = (known, wanted == Wanted::Count || known == Some(0)) {
        tx.commit().await.map_err(DbError::from)?;
        return Ok(Counted { customers, of, method: Method::Cached, facts, sample: Vec::new() });
    }
    let test = resolve(rule, &names_for(&mut tx, &facts, rule).await?, today)?;
    let bits = by_bits(&mut tx, &facts, &test).await?;
    let (customers, method) = match (known, &bits) {
        (Some(customers), _) => (customers, Method::Cached),
        (None, Some((header, expression))) => {
            let indexed = count_bits(&mut tx, tenant, expression).await?;
            (indexed + changes::correction(&mut tx, &facts, header, &test).await?, Method::Index)
        }
        (None, None) => (count_rows(&mut tx, &facts, &test).await?, Method::Scan),
    };
    let sample = match wanted {
        Wanted::Sample if customers > 0 => sample(&mut tx, &facts, &test, bits.as_ref()).await?,
        _ => Vec::new(),
    };
    tx.commit().await.map_err(DbError::from)?;
    if let (Some(entry), None) = (entry, known) {
        entry.keep(db, &facts, customers).await?;
    }
    Ok(Counted { customers, of, method, facts, sample })
}

/// One state of the facts for the whole transaction, and a bound to its time.
pub(super) async fn steady(tx: &mut Tx) -> Result<(), DbError> {
    let sql =
        format!("set transaction isolation level repeatable read; set local statement_timeout = '{TIMEOUT}'");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut **tx).await?;
    Ok(())
}

/// The names that a rule needs; reading them costs nothing when it needs none.
pub(super) async fn names_for(tx: &mut Tx, facts: &Facts, rule: &Rule) -> Result<Names, DbError> {
    let asks_names = rule.asks(|field| matches!(field, Field::Segment(_) | Field::Archetype));
    if !asks_names && rule.segments().is_empty() {
        return Ok(Names::default());
    }
    facts::names(tx, facts.rows.tenant, facts.segmentation).await
}

/// The index and the rule as an expression over it, if both are there and fit.
async fn by_bits(tx: &mut Tx, facts: &Facts, test: &Test) -> Result<Option<(Header, Expression)>, DbError> {
    if asks_customer(test) || asks_members(test) {
        return Ok(None);
    }
    let Some(header) = bits::header(tx, facts.rows.tenant).await? else { return Ok(None) };
    if !changes::are_noted(tx, facts, &header).await? {
        return Ok(None);
    }
    let expression = compile(test, &header);
    Ok(expression.map(|expression| (header, expression)))
}

async fn count_bits(tx: &mut Tx, tenant: TenantId, expression: &Expression) -> Result<i64, DbError> {
    let counted = match expression {
        Expression::Fixed(false) => return Ok(0),
        Expression::Fixed(true) => "b.customers".to_owned(),
        other => format!("bit_count({})", other.sql()),
    };
    let sql = format!(
        "select coalesce(sum({counted}), 0)::bigint from marketing_app.fact_block b where b.tenant_id = $1"
    );
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false).bind(tenant).fetch_one(&mut **tx).await?)
}

async fn count_rows(tx: &mut Tx, facts: &Facts, test: &Test) -> Result<i64, DbError> {
    // Two processes look at a million rows in half the time; the planner's usual price of a second one assumes
    // that the question is asked all the time.
    sqlx::raw_sql(
        "set local max_parallel_workers_per_gather = 2; set local parallel_setup_cost = 100;
         set local parallel_tuple_cost = 0; set local work_mem = '64MB'",
    )
    .execute(&mut **tx)
    .await?;
    let mut query = QueryBuilder::new("select count(*)");
    push_from(&mut query, facts.rows, test);
    Ok(query.build_query_scalar().persistent(false).fetch_one(&mut **tx).await?)
}

/// Some of the customers, in the order of ids. With an index only blocks that had some when it was made are looked
/// at, and the rows that changed since.
async fn sample(
    tx: &mut Tx,
    facts: &Facts,
    test: &Test,
    bits: Option<&(Header, Expression)>,
) -> Result<Vec<String>, DbError> {
    let Some((header, expression)) = bits.filter(|(_, bits)| !matches!(bits, Expression::Fixed(_))) else {
        return some_of(tx, facts, test, None, SAMPLE).await;
    };
    let sql = format!(
        "select b.first_customer, b.last_customer, bit_count({}) as customers
         from marketing_app.fact_block b where b.tenant_id = $1 order by b.block",
        expression.sql()
    );
    let blocks: Vec<(String, String, i64)> = sqlx::query_as(AssertSqlSafe(sql))
        .persistent(false)
        .bind(facts.rows.tenant)
        .fetch_all(&mut **tx)
        .await?;
    let mut sample: Vec<String> = Vec::new();
    for (first, last, _) in blocks.iter().filter(|(_, _, customers)| *customers > 0) {
        let wanted = SAMPLE - sample.len();
        sample.extend(some_of(tx, facts, test, Some((first, last)), wanted).await?);
        if sample.len() >= SAMPLE {
            break;
        }
    }
    sample.extend(changes::matching(tx, facts, header, test, i64::try_from(SAMPLE).unwrap_or(0)).await?);
    sample.sort_unstable();
    sample.dedup();
    sample.truncate(SAMPLE);
    Ok(sample)
}

async fn some_of(
    tx: &mut Tx,
    facts: &Facts,
    test: &Test,
    ids: Option<(&str, &str)>,
    limit: usize,
) -> Result<Vec<String>, DbError> {
    let mut query: QueryBuilder<Postgres> = QueryBuilder::new("select f.customer_id");
    push_from(&mut query, facts.rows, test);
    if let Some((first, last)) = ids {
        query.push(" and f.customer_id between ").push_bind(first.to_owned());
        query.push(" and ").push_bind(last.to_owned());
    }
    query.push(" order by f.customer_id limit ").push_bind(i64::try_from(limit).unwrap_or(0));
    Ok(query.build_query_scalar().persistent(false).fetch_all(&mut **tx).await?)
}

/// A place for a known count: by rule, and by day where the rule looks at today.
struct Entry {
    rule_hash: Vec<u8>,
    day: Option<NaiveDate>,
}

impl Entry {
    /// None for rules that ask for more than the facts, whose version says nothing of the rest.
    fn of(rule: &Rule, today: NaiveDate) -> Option<Entry> {
        if rule.asks(|field| matches!(field, Field::Email | Field::Tags)) || !rule.segments().is_empty() {
            return None;
        }
        let day = rule.asks(|field| field == Field::DaysSinceLastOrder).then_some(today);
        Some(Entry { rule_hash: Sha256::digest(to_json(rule).to_string()).to_vec(), day })
    }

    async fn look_up(&self, tx: &mut Tx, facts: &Facts) -> Result<Option<i64>, DbError> {
        Ok(sqlx::query_scalar(
            "select customers from marketing_app.segment_count
             where tenant_id = $1 and rule_hash = $2 and run_id = $3 and facts_version = $4
               and day is not distinct from $5",
        )
        .bind(facts.rows.tenant)
        .bind(&self.rule_hash)
        .bind(facts.run)
        .bind(facts.version)
        .bind(self.day)
        .fetch_optional(&mut **tx)
        .await?)
    }

    /// In a transaction of its own: two requests that count the same rule must not make each other fail.
    async fn keep(&self, db: &Db, facts: &Facts, customers: i64) -> Result<(), DbError> {
        let mut tx = db.tenant_tx(Role::Marketing, facts.rows.tenant).await?;
        sqlx::query(
            "insert into marketing_app.segment_count (tenant_id, rule_hash, run_id, facts_version, day, customers)
             values ($1, $2, $3, $4, $5, $6)
             on conflict (tenant_id, rule_hash) do update
             set run_id = excluded.run_id, facts_version = excluded.facts_version, day = excluded.day,
                 customers = excluded.customers, counted_at = now()",
        )
        .bind(facts.rows.tenant)
        .bind(&self.rule_hash)
        .bind(facts.run)
        .bind(facts.version)
        .bind(self.day)
        .bind(customers)
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "delete from marketing_app.segment_count where tenant_id = $1 and rule_hash in (
                 select rule_hash from marketing_app.segment_count where tenant_id = $1
                 order by counted_at desc offset $2)",
        )
        .bind(facts.rows.tenant)
        .bind(KEPT_COUNTS)
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }
}
