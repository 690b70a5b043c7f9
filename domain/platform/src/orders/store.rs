//! Writes what changes of orders: rows pass in Postgres' binary form through temporary tables, and what they replace is
//! kept for as long as the import may be taken back.

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::content::Content;
use super::state::{Before, Source, Told};
use super::statement::{Line, Payment, Statement};
use crate::copy::Rows;

/// What becomes of what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// There was nothing.
    Nothing,
    /// It makes room.
    Replaced,
    /// It stays, and lines are added.
    Added,
}

/// An order that changes.
#[derive(Debug)]
pub(super) struct Change<'c> {
    pub(super) order_id: &'c str,
    pub(super) customer_id: &'c str,
    pub(super) stated_customer: Option<&'c str>,
    /// Whether the customer is to be known; not who was erased.
    pub(super) is_named: bool,
    pub(super) parts: &'c [Told<'c>],
    pub(super) counts: bool,
    pub(super) content: Content,
    pub(super) kept: Kept,
    pub(super) before: Option<&'c Before>,
}

// Numbers as the tables have them, so that they are brought to their form once.
const ORDER_COLUMNS: &str = "order_id text, customer_id text, stated_customer text, placed_at timestamptz,
    paid_at timestamptz, fulfilled_at timestamptz, cancelled_at timestamptz, stated_at timestamptz, lines_key uuid,
    lines integer, sale_lines integer, sold numeric(18, 2), given_back numeric(18, 2), first_at timestamptz,
    last_at timestamptz, is_test boolean, counts boolean, payment text, currency text, content uuid, is_new boolean";
const LINE_COLUMNS: &str = "line_key uuid, order_id text, customer_id text, ordered_at timestamptz, product_id text, category text,
    quantity numeric(14, 3), amount numeric(14, 2), list_amount numeric(14, 2), currency text, is_return boolean,
    counts boolean, line_id text, title text";

/// Writes changes (platform role).
pub(super) async fn write(
    tx: &mut Tx,
    tenant: TenantId,
    source: &Source,
    changes: &[Change<'_>],
) -> Result<(), DbError> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut keys = Keys::new(Utc::now());
    let mut lines = Rows::new();
    let mut heads = Heads::default();
    // Lines go by customer, because so they come to neighbouring places of the index by customer; orders go as they came,
    // which mostly is the order of their ids.
    let mut by_customer: Vec<usize> = (0..changes.len()).collect();
    by_customer.sort_by_key(|place| changes[*place].customer_id);
    let mut written = vec![None; changes.len()];
    for place in by_customer {
        let change = &changes[place];
        let customer = match (change.kept, change.before) {
            (Kept::Added, Some(before)) => {
                let sums = write_lines(
                    &mut lines,
                    change,
                    before.lines_key,
                    before.lines,
                    &before.customer_id,
                    before.counts,
                );
                heads.added(before, sums.lines, before.content_and(change.parts));
                continue;
            }
            (Kept::Replaced, Some(before)) => {
                heads.replaced.push(change.order_id);
                heads.replaced_lines.extend(keys_of(std::iter::once((before.lines_key, before.lines))));
                change.customer_id
            }
            _ => {
                heads.inserted += 1;
                change.customer_id
            }
        };
        let base = keys.next();
        let sums = write_lines(&mut lines, change, base, 0, customer, change.counts);
        written[place] = Some((base, sums));
    }
    lines.into_temporary(tx, "order_line_batch", LINE_COLUMNS).await?;
    // Only now, so that not both are held at once.
    let mut orders = Rows::new();
    for (change, written) in changes.iter().zip(&written) {
        if let Some((base, sums)) = written {
            write_order(&mut orders, change, change.parts[0].statement, *base, sums);
        }
    }
    if heads.inserted > 0 || !heads.replaced.is_empty() {
        orders.into_temporary(tx, "order_batch", ORDER_COLUMNS).await?;
    }
    heads.write(tx, tenant, source).await?;
    sqlx::query(
        "insert into platform.order_line (tenant_id, line_key, order_id, customer_id, ordered_at, product_id, category,
             quantity, amount, list_amount, currency, is_return, counts, line_id, title)
         select $1, line_key, order_id, customer_id, ordered_at, product_id, category, quantity, amount, list_amount,
                currency, is_return, counts, line_id, title
         from order_line_batch",
    )
    .persistent(false)
    .bind(tenant)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The orders themselves, by what becomes of them.
#[derive(Default)]
struct Heads<'h> {
    inserted: usize,
    replaced: Vec<&'h str>,
    replaced_lines: Vec<Uuid>,
    added: (Vec<&'h str>, Vec<i32>, Vec<Option<Uuid>>),
}

impl<'h> Heads<'h> {
    fn added(&mut self, before: &'h Before, written: i32, content: Option<Content>) {
        self.added.0.push(&before.order_id);
        self.added.1.push(written);
        self.added.2.push(content.map(Uuid::from));
    }

    async fn write(&self, tx: &mut Tx, tenant: TenantId, source: &Source) -> Result<(), DbError> {
        if self.inserted > 0 {
            sqlx::query(
                "insert into platform.order (tenant_id, order_id, customer_id, stated_customer, placed_at, paid_at, fulfilled_at,
                     cancelled_at, stated_at, taken_at, lines_key, lines, sale_lines, sold, given_back, first_at, last_at, is_test,
                     counts, payment, currency, source, import_id, content)
                 select $1, order_id, customer_id, stated_customer, placed_at, paid_at, fulfilled_at, cancelled_at, stated_at,
                        $2, lines_key, lines, sale_lines, sold, given_back, first_at, last_at, is_test, counts, payment, currency,
                        $3, $4, content
                 from order_batch where is_new",
            )
            .persistent(false)
            .bind(tenant)
            .bind(source.taken_at)
            .bind(source.name)
            .bind(source.import)
            .execute(&mut **tx)
            .await?;
        }
        if !self.replaced.is_empty() {
            if let Some(import) = source.import {
                sqlx::query(include_str!("keep_prior.sql"))
                    .persistent(false)
                    .bind(tenant)
                    .bind(import)
                    .bind(&self.replaced)
                    .bind(&self.replaced_lines)
                    .execute(&mut **tx)
                    .await?;
            }
            delete_lines(tx, tenant, &self.replaced_lines).await?;
            sqlx::query(include_str!("replace_orders.sql"))
                .persistent(false)
                .bind(tenant)
                .bind(source.taken_at)
                .bind(source.name)
                .bind(source.import)
                .execute(&mut **tx)
                .await?;
        }
        let (ids, lines, contents) = &self.added;
        if !ids.is_empty() {
            sqlx::query(
                // What it amounts to in all is left to its lines.
                "update platform.order o set lines = o.lines + u.lines, sold = null, content = u.content
                 from unnest($2::text[], $3::integer[], $4::uuid[]) as u (order_id, lines, content)
                 where o.tenant_id = $1 and o.order_id = u.order_id",
            )
            .bind(tenant)
            .bind(ids)
            .bind(lines)
            .bind(contents)
            .execute(&mut **tx)
            .await?;
        }
        Ok(())
    }
}

/// So many lines are named in one statement.
const KEYS_AT_ONCE: usize = 50_000;

/// The keys of the lines of orders, by the beginnings and numbers that these have. Lines are always looked for by their
/// whole keys: how many a range of keys holds is nothing that Postgres knows, and it would rather read the whole table.
pub(super) fn keys_of(orders: impl Iterator<Item = (Uuid, i32)>) -> Vec<Uuid> {
    orders.flat_map(|(lines_key, lines)| (0..lines).map(move |number| line_key(lines_key, number))).collect()
}

/// Deletes lines.
pub(super) async fn delete_lines(tx: &mut Tx, tenant: TenantId, keys: &[Uuid]) -> Result<(), DbError> {
    for keys in keys.chunks(KEYS_AT_ONCE) {
        sqlx::query("delete from platform.order_line where tenant_id = $1 and line_key = any ($2)")
            .persistent(false)
            .bind(tenant)
            .bind(keys)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Says of lines whether they count.
pub(super) async fn count_lines(
    tx: &mut Tx,
    tenant: TenantId,
    keys: &[Uuid],
    counts: bool,
) -> Result<(), DbError> {
    for keys in keys.chunks(KEYS_AT_ONCE) {
        sqlx::query(
            "update platform.order_line set counts = $3 where tenant_id = $1 and line_key = any ($2)",
        )
        .persistent(false)
        .bind(tenant)
        .bind(keys)
        .bind(counts)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// Notes that orders were stated again later and say the same, so that what is older than that is known to be.
pub(super) async fn restate(
    tx: &mut Tx,
    tenant: TenantId,
    orders: &[(&str, Option<DateTime<Utc>>)],
) -> Result<(), DbError> {
    if orders.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update platform.order o set stated_at = u.stated_at
         from unnest($2::text[], $3::timestamptz[]) as u (order_id, stated_at)
         where o.tenant_id = $1 and o.order_id = u.order_id",
    )
    .bind(tenant)
    .bind(orders.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(orders.iter().map(|(_, at)| *at).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn write_order(rows: &mut Rows, change: &Change<'_>, first: &Statement, lines_key: Uuid, sums: &Sums) {
    let otherwise = |at: Option<DateTime<Utc>>| at.filter(|at| *at != first.placed_at);
    rows.row(21)
        .text(Some(change.order_id))
        .text(Some(change.customer_id))
        .text(change.stated_customer)
        .timestamp(first.placed_at)
        .timestamp_or_null(first.paid_at)
        .timestamp_or_null(first.fulfilled_at)
        .timestamp_or_null(first.cancelled_at)
        .timestamp_or_null(change.parts.iter().filter_map(|part| part.statement.stated_at).max())
        .uuid(Some(lines_key))
        .i32(Some(sums.lines))
        .i32(Some(sums.sale_lines))
        .numeric(sums.is_one_currency.then_some(sums.sold))
        .numeric(Some(sums.given_back))
        .timestamp_or_null(otherwise(sums.first_at))
        .timestamp_or_null(otherwise(sums.last_at))
        .bool(first.is_test)
        .bool(change.counts)
        .text(Some(first.payment.name()))
        .text(Some(&first.currency))
        .uuid(Some(change.content.into()))
        .bool(change.kept == Kept::Nothing);
}

/// What an order's lines amount to.
#[derive(Debug, Clone)]
struct Sums {
    lines: i32,
    sale_lines: i32,
    sold: Decimal,
    given_back: Decimal,
    first_at: Option<DateTime<Utc>>,
    last_at: Option<DateTime<Utc>>,
    is_one_currency: bool,
}

impl Sums {
    fn add(&mut self, line: &Line, at: DateTime<Utc>) {
        self.lines += 1;
        if line.is_return {
            self.given_back -= line.amount;
            return;
        }
        self.sale_lines += 1;
        self.sold += line.amount;
        self.first_at = Some(self.first_at.map_or(at, |first| first.min(at)));
        self.last_at = self.last_at.max(Some(at));
    }
}

/// Writes the lines of all parts, numbered from `number`; answers what they amount to.
fn write_lines(
    rows: &mut Rows,
    change: &Change<'_>,
    base: Uuid,
    number: i32,
    customer: &str,
    counts: bool,
) -> Sums {
    let first = change.parts[0].statement;
    let is_return_stated =
        change.parts.iter().any(|part| part.statement.lines.iter().any(|line| line.is_return));
    // All of it was given back, and the source does not say in lines what: it is what was bought.
    let is_taken_back = first.payment == Payment::Refunded && !is_return_stated;
    let mut sums = Sums {
        lines: 0,
        sale_lines: 0,
        sold: Decimal::ZERO,
        given_back: Decimal::ZERO,
        first_at: None,
        last_at: None,
        is_one_currency: change.parts.iter().all(|part| part.statement.currency == first.currency),
    };
    for part in change.parts {
        let statement = part.statement;
        for line in &statement.lines {
            let at = line.at.unwrap_or(statement.placed_at);
            let key = line_key(base, number + sums.lines);
            write_line(rows, change.order_id, customer, statement, line, (key, at, counts));
            sums.add(line, at);
            if is_taken_back {
                let back = Line { amount: -line.amount, list_amount: None, is_return: true, ..line.clone() };
                let at = statement.stated_at.map_or(at, |stated| stated.max(at));
                let key = line_key(base, number + sums.lines);
                write_line(rows, change.order_id, customer, statement, &back, (key, at, counts));
                sums.add(&back, at);
            }
        }
    }
    sums
}

fn write_line(
    rows: &mut Rows,
    order_id: &str,
    customer: &str,
    statement: &Statement,
    line: &Line,
    (key, at, counts): (Uuid, DateTime<Utc>, bool),
) {
    rows.row(14)
        .uuid(Some(key))
        .text(Some(order_id))
        .text(Some(customer))
        .timestamp(at)
        .text(line.product_id.as_deref())
        .text(line.category.as_deref())
        .numeric(Some(line.quantity))
        .numeric(Some(line.amount))
        .numeric(line.list_amount)
        .text(Some(&statement.currency))
        .bool(line.is_return)
        .bool(counts)
        .text(line.line_id.as_deref())
        .text(line.title.as_deref());
}

/// The key of a line by its number, as `platform.line_key_of`.
fn line_key(base: Uuid, number: i32) -> Uuid {
    Uuid::from_u128(base.as_u128() | number.unsigned_abs() as u128)
}

/// Gives each order the first 12 bytes of its lines' keys. They grow, so that the lines of a batch come to the end of the
/// primary key one after the other: in no order they would cost a third of an import's time.
struct Keys {
    next: u128,
}

impl Keys {
    fn new(now: DateTime<Utc>) -> Keys {
        let time = u128::from(now.timestamp_millis().unsigned_abs());
        Keys { next: time << 80 | u128::from(rand::random::<u16>()) << 64 }
    }

    fn next(&mut self) -> Uuid {
        let key = Uuid::from_u128(self.next);
        self.next += 1 << 32;
        key
    }
}
