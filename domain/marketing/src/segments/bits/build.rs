//! Makes the bit index of a tenant anew from its current facts, in one transaction: readers see the old index until
//! the new one is complete.

use std::collections::BTreeMap;
use std::time::Instant;

use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Row};

use super::super::changes;
use super::super::column::{Column, Storage, day_key, real_key};
use super::super::facts::{self, Facts};
use super::super::scan::Rows;
use super::varbit::Bits;
use super::{Layout, MANY_CHANGES, header, known_vector, vector};
use database::ids::TenantId;
use database::{Db, DbError, Role, Tx};

/// How many different texts a column may have; with more it is not indexed.
const MAX_TEXTS: usize = 4_096;

/// The most bits that a column may have; with more it is not indexed.
const MAX_BITS: u32 = 48;

/// How an index is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// With fewer customers none is made.
    pub at_least: i64,
    /// Customers of a block.
    pub block: usize,
}

impl Default for Options {
    /// From 50,000 customers on: looking at fewer rows is quick enough. With blocks of 65,536, whose vectors have
    /// 8 KiB each.
    fn default() -> Options {
        Options { at_least: 50_000, block: 65_536 }
    }
}

/// What became of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Built {
    /// It was made, for so many customers.
    Made(i64),
    /// The one that is there is recent enough.
    UpToDate,
    /// The tenant is too small to need one, or has no facts.
    NotNeeded,
}

/// Makes the tenant's index when it is missing, of an older run, or much was changed since. `after_block` hears of
/// customers done and of all.
pub async fn refresh(
    db: &Db,
    tenant: TenantId,
    options: Options,
    mut after_block: impl FnMut(i64, i64),
) -> Result<Built, DbError> {
    let started = Instant::now();
    let mut tx = db.tenant_tx(Role::Marketing, tenant).await?;
    sqlx::query("set transaction isolation level repeatable read").execute(&mut *tx).await?;
    let Some(facts) =
        facts::current(&mut tx, tenant).await?.filter(|facts| facts.customers >= options.at_least)
    else {
        return Ok(Built::NotNeeded);
    };
    if let Some(header) = header(&mut tx, tenant).await? {
        let is_recent = facts.version - header.version <= MANY_CHANGES;
        if is_recent && changes::are_noted(&mut tx, &facts, &header).await? {
            return Ok(Built::UpToDate);
        }
    }
    let columns = layouts(&mut tx, facts.rows).await?;
    for statement in [
        "delete from marketing_app.fact_bits where tenant_id = $1",
        "delete from marketing_app.fact_block where tenant_id = $1",
        "delete from marketing_app.fact_index where tenant_id = $1",
    ] {
        sqlx::query(statement).bind(tenant).execute(&mut *tx).await?;
    }
    let customers = write_blocks(&mut tx, &facts, &columns, options.block, &mut after_block).await?;
    let named: BTreeMap<&str, &Layout> =
        columns.iter().map(|(column, layout)| (column.name(), layout)).collect();
    sqlx::query(
        "insert into marketing_app.fact_index (tenant_id, run_id, generation, facts_version, customers, columns, took_ms)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(tenant)
    .bind(facts.run)
    .bind(facts.rows.generation)
    .bind(facts.version)
    .bind(customers)
    .bind(Json(named))
    .bind(i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX))
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Built::Made(customers))
}

/// The layout of every column that can be indexed.
async fn layouts(tx: &mut Tx, rows: Rows) -> Result<Vec<(Column, Layout)>, DbError> {
    let mut sql = "select 1".to_owned();
    for column in Column::all().filter(|column| column.storage() != Storage::Text) {
        let name = column.name();
        let value =
            if column.storage() == Storage::Boolean { format!("{name}::integer") } else { name.to_owned() };
        sql += &format!(
            ", min({value}) as {name}_low, max({value}) as {name}_high, count({name}) < count(*) as {name}_missing"
        );
    }
    sql += " from platform.customer_fact where tenant_id = $1 and generation = $2";
    let row =
        sqlx::query(AssertSqlSafe(sql)).bind(rows.tenant).bind(rows.generation).fetch_one(&mut **tx).await?;
    let mut layouts = Vec::new();
    for column in Column::all() {
        let layout = match column.storage() {
            Storage::Text => texts(tx, rows, column).await?,
            _ => numbers(&row, column)?,
        };
        layouts.extend(layout.map(|layout| (column, layout)));
    }
    Ok(layouts)
}

fn numbers(row: &PgRow, column: Column) -> Result<Option<Layout>, DbError> {
    let name = column.name();
    let low = key(row, format!("{name}_low").as_str(), column.storage(), true)?;
    let high = key(row, format!("{name}_high").as_str(), column.storage(), true)?;
    let has_missing: bool = row.try_get(format!("{name}_missing").as_str())?;
    let (lowest, highest) = (low.unwrap_or(0), high.unwrap_or(0));
    let Some(span) = highest.checked_sub(lowest) else { return Ok(None) };
    let bits = i64::BITS - span.leading_zeros();
    if bits > MAX_BITS {
        return Ok(None);
    }
    Ok(Some(Layout { lowest, bits: i16::try_from(bits).unwrap_or_default(), has_missing, texts: Vec::new() }))
}

async fn texts(tx: &mut Tx, rows: Rows, column: Column) -> Result<Option<Layout>, DbError> {
    let name = column.name();
    let sql = format!(
        "select {name} collate \"C\" from platform.customer_fact where tenant_id = $1 and generation = $2
         group by 1 order by 1 limit {}",
        MAX_TEXTS + 2
    );
    let found: Vec<Option<String>> = sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(rows.tenant)
        .bind(rows.generation)
        .fetch_all(&mut **tx)
        .await?;
    let has_missing = found.iter().any(Option::is_none) || found.len() > MAX_TEXTS;
    let texts: Vec<String> = found.into_iter().flatten().collect();
    if texts.len() > MAX_TEXTS {
        return Ok(None);
    }
    let bits = usize::BITS - texts.len().saturating_sub(1).leading_zeros();
    Ok(Some(Layout { lowest: 0, bits: i16::try_from(bits).unwrap_or_default(), has_missing, texts }))
}

async fn write_blocks(
    tx: &mut Tx,
    facts: &Facts,
    columns: &[(Column, Layout)],
    block_size: usize,
    after_block: &mut impl FnMut(i64, i64),
) -> Result<i64, DbError> {
    let names: Vec<&str> = columns.iter().map(|(column, _)| column.name()).collect();
    let sql = format!(
        "select customer_id, {} from platform.customer_fact
         where tenant_id = $1 and generation = $2 and customer_id > $3 order by customer_id limit {block_size}",
        names.join(", ")
    );
    let (mut after, mut done) = (String::new(), 0_i64);
    for block in 0_i32.. {
        let rows = sqlx::query(AssertSqlSafe(sql.as_str()))
            .bind(facts.rows.tenant)
            .bind(facts.rows.generation)
            .bind(&after)
            .fetch_all(&mut **tx)
            .await?;
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { break };
        let last_id: String = last.try_get(0)?;
        sqlx::query("insert into marketing_app.fact_block values ($1, $2, $3, $4, $5)")
            .bind(facts.rows.tenant)
            .bind(block)
            .bind(first.try_get::<&str, _>(0)?)
            .bind(&last_id)
            .bind(i32::try_from(rows.len()).unwrap_or(i32::MAX))
            .execute(&mut **tx)
            .await?;
        let (numbers, bits): (Vec<i16>, Vec<Bits>) = vectors(&rows, columns)?.into_iter().unzip();
        sqlx::query(
            "insert into marketing_app.fact_bits (tenant_id, vector, block, bits)
             select $1, v.vector, $2, v.bits from unnest($3::smallint[], $4::varbit[]) v (vector, bits)",
        )
        .bind(facts.rows.tenant)
        .bind(block)
        .bind(numbers)
        .bind(bits)
        .execute(&mut **tx)
        .await?;
        done += i64::try_from(rows.len()).unwrap_or(0);
        after_block(done, facts.customers);
        if rows.len() < block_size {
            break;
        }
        after = last_id;
    }
    Ok(done)
}

/// The vectors of a block's rows.
fn vectors(rows: &[PgRow], columns: &[(Column, Layout)]) -> Result<Vec<(i16, Bits)>, DbError> {
    let mut vectors = Vec::new();
    for (place, (column, layout)) in columns.iter().enumerate() {
        let mut slices = vec![Bits::zeros(rows.len()); usize::try_from(layout.bits).unwrap_or(0)];
        let mut known = Bits::zeros(rows.len());
        for (n, row) in rows.iter().enumerate() {
            let key = match column.storage() {
                Storage::Text => text_key(row.try_get(place + 1)?, layout),
                storage => key(row, place + 1, storage, false)?,
            };
            let Some(key) = key else { continue };
            known.set(n);
            let mut left = key.saturating_sub(layout.lowest).max(0);
            while left != 0 {
                let slice = left.trailing_zeros() as usize;
                if let Some(slice) = slices.get_mut(slice) {
                    slice.set(n);
                }
                left &= left - 1;
            }
        }
        let numbered = slices.into_iter().enumerate();
        vectors.extend(numbered.map(|(n, bits)| (vector(*column, i16::try_from(n).unwrap_or(0)), bits)));
        if layout.has_missing {
            vectors.push((known_vector(*column), known));
        }
    }
    Ok(vectors)
}

fn text_key(text: Option<&str>, layout: &Layout) -> Option<i64> {
    let text = text?;
    let place = layout.texts.binary_search_by(|known| known.as_str().cmp(text)).ok()?;
    i64::try_from(place).ok()
}

/// The key of a value in a row. Flags are numbers where they were aggregated.
fn key<I: sqlx::ColumnIndex<PgRow>>(
    row: &PgRow,
    index: I,
    storage: Storage,
    is_aggregate: bool,
) -> Result<Option<i64>, DbError> {
    Ok(match storage {
        Storage::BigInt => row.try_get::<Option<i64>, _>(index)?,
        Storage::Integer => row.try_get::<Option<i32>, _>(index)?.map(i64::from),
        Storage::SmallInt => row.try_get::<Option<i16>, _>(index)?.map(i64::from),
        Storage::Date => row.try_get::<Option<chrono::NaiveDate>, _>(index)?.map(day_key),
        Storage::Real => row.try_get::<Option<f32>, _>(index)?.map(real_key),
        Storage::Boolean if is_aggregate => row.try_get::<Option<i32>, _>(index)?.map(i64::from),
        Storage::Boolean => row.try_get::<Option<bool>, _>(index)?.map(i64::from),
        Storage::Text => None,
    })
}
