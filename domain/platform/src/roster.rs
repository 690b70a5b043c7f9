//! A tenant's customers as the intelligence needs them: how many there are, who they are, and whose orders changed.

use chrono::{DateTime, NaiveDate, Utc};
use database::{DbError, Tx};
use sqlx::FromRow;

use crate::orders::export::Selection;

/// What a tenant's orders amount to.
pub struct Extent {
    /// The currency that most lines are in; none without a line.
    pub currency: Option<String>,
    /// Customers with a line.
    pub customers: i64,
    /// Their lines, in all currencies.
    pub lines: i64,
}

/// Measures a tenant's orders by its customers' profiles, which is a hundredth of the work of counting lines.
///
/// # Errors
/// The database failed.
pub async fn extent(tx: &mut Tx) -> Result<Extent, DbError> {
    let by_currency: Vec<(String, i64, i64)> = sqlx::query_as(
        "select currency, count(*) as customers, coalesce(sum(lines), 0)::bigint as lines
         from platform.customer_profile group by currency order by lines desc, currency",
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(Extent {
        customers: by_currency.iter().map(|(_, customers, _)| customers).sum(),
        lines: by_currency.iter().map(|(_, _, lines)| lines).sum(),
        currency: by_currency.into_iter().next().map(|(currency, _, _)| currency),
    })
}

/// A customer as the shop knows them, beside their orders.
#[derive(Debug, FromRow)]
pub struct Person {
    /// The shop's id.
    pub customer_id: String,
    /// ISO 3166 code.
    #[sqlx(rename = "shipping_country")]
    pub country: Option<String>,
    /// State or province.
    #[sqlx(rename = "shipping_state")]
    pub state: Option<String>,
    /// Whether they may be sent marketing.
    #[sqlx(rename = "opt_in")]
    pub is_opted_in: bool,
}

/// The customers of a selection, in the order of their ids, byte by byte. A sample has no roster: all are answered.
///
/// # Errors
/// The database failed.
pub async fn people(tx: &mut Tx, selection: &Selection) -> Result<Vec<Person>, DbError> {
    let (lower, upper, named) = match selection {
        Selection::Sample(_) => (None, None, None),
        Selection::Range(lower, upper) => (lower.as_deref(), upper.as_deref(), None),
        Selection::Named(names) => (None, None, Some(names)),
    };
    // The bounds are told of both tables: a planner that knows them of one goes through the whole of the other.
    let mut people: Vec<Person> = sqlx::query_as(
        "select p.customer_id, c.shipping_country, c.shipping_state, coalesce(c.marketing_opt_in, false) as opt_in
         from platform.customer_profile p
         left join platform.customer c
             on c.tenant_id = p.tenant_id and c.customer_id = p.customer_id
                and ($1::text is null or c.customer_id >= $1) and ($2::text is null or c.customer_id < $2)
                and ($3::text[] is null or c.customer_id = any ($3))
         where ($1::text is null or p.customer_id >= $1) and ($2::text is null or p.customer_id < $2)
           and ($3::text[] is null or p.customer_id = any ($3))",
    )
    .persistent(false)
    .bind(lower)
    .bind(upper)
    .bind(named)
    .fetch_all(&mut **tx)
    .await?;
    people.sort_unstable_by(|a, b| a.customer_id.cmp(&b.customer_id));
    Ok(people)
}

/// The ids of a sample of the customers, chosen as [`Selection::Sample`] chooses them; ascending, byte by byte.
///
/// # Errors
/// The database failed.
pub async fn sample(tx: &mut Tx, one_in: i64) -> Result<Vec<String>, DbError> {
    let mut ids: Vec<String> = sqlx::query_scalar(
        "select customer_id from platform.customer_profile where mod(hashtextextended(customer_id, 0), $1) = 0",
    )
    .persistent(false)
    .bind(one_in)
    .fetch_all(&mut **tx)
    .await?;
    ids.sort_unstable();
    Ok(ids)
}

/// A moment by the transactions that were over: all before this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(i64);

/// The moment before whatever is read next.
///
/// # Errors
/// The database failed.
pub async fn moment(tx: &mut Tx) -> Result<Moment, DbError> {
    let first: i64 = sqlx::query_scalar("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        .fetch_one(&mut **tx)
        .await?;
    Ok(Moment(first))
}

/// Whether transactions that were not over at that moment have changed orders of a range of customers. Changes that
/// [`changed_since`] tells of since `since` do not count, nor those of more than a day before.
///
/// # Errors
/// The database failed.
pub async fn were_changing(
    tx: &mut Tx,
    (lower, upper): (Option<&str>, Option<&str>),
    Moment(first): Moment,
    since: DateTime<Utc>,
) -> Result<bool, DbError> {
    // A row says by which transaction it was written, in 32 bits that count round and round; ages are compared. The range is
    // what narrows it down, and not the index of times: a whole shop may have been imported today.
    Ok(sqlx::query_scalar(
        "select exists (
             select from platform.customer_profile
             where ($1::text is null or customer_id >= $1) and ($2::text is null or customer_id < $2)
               and (refreshed_at < $3 and refreshed_at >= $3 - interval '1 day') is true
               and age(xmin) <= age(($4::bigint % 4294967296)::text::xid))",
    )
    .persistent(false)
    .bind(lower)
    .bind(upper)
    .bind(since)
    .bind(first)
    .fetch_one(&mut **tx)
    .await?)
}

/// The first customers whose orders changed since then, at most `limit` (platform role).
///
/// # Errors
/// The database failed.
pub async fn changed_since(tx: &mut Tx, since: DateTime<Utc>, limit: i64) -> Result<Vec<String>, DbError> {
    Ok(sqlx::query_scalar(
        "select customer_id from platform.customer_profile where refreshed_at >= $1
         order by refreshed_at, customer_id limit $2",
    )
    .bind(since)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// When the last order of any of these customers was placed.
///
/// # Errors
/// The database failed.
pub async fn last_order_at(tx: &mut Tx, customers: &[String]) -> Result<Option<DateTime<Utc>>, DbError> {
    Ok(sqlx::query_scalar(
        "select max(last_order_at) from platform.customer_profile where customer_id = any ($1)",
    )
    .bind(customers)
    .fetch_one(&mut **tx)
    .await?)
}

/// Those of the customers who bought something within so many days after a day.
///
/// # Errors
/// The database failed.
pub async fn who_bought(
    tx: &mut Tx,
    customers: &[&str],
    after: NaiveDate,
    days: i32,
) -> Result<Vec<String>, DbError> {
    Ok(sqlx::query_scalar(
        "select distinct customer_id from platform.order_line
         where customer_id = any ($1) and not is_return and counts is not false
           and ordered_at >= ($2::date + 1)::timestamp at time zone (select platform.shop_zone()) and ordered_at < ($2::date + 1 + $3::int)::timestamp at time zone (select platform.shop_zone())",
    )
    .bind(customers)
    .bind(after)
    .bind(days)
    .fetch_all(&mut **tx)
    .await?)
}
