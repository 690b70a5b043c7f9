//! Where a tenant's orders lie elsewhere, and how they are read: a table of a Postgres database, or a file at an address. What
//! columns mean says a mapping ([`crate::orders::mapping`]); what is read goes through an import, whose report says what was
//! added, changed and left out.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use sqlx::types::Json;
use tables::date::DateOrder;
use tables::number::DecimalMark;
use tables::plain_name;
use uuid::Uuid;

use crate::orders::Meaning;
use crate::orders::mapping::{Mapping, Stated};

/// Sources of a tenant.
pub const SOURCES_LIMIT: i64 = 20;

/// Where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Place {
    /// A table or view of a Postgres database.
    Postgres {
        /// Name or address of the server.
        host: String,
        /// Its port.
        port: u16,
        /// The database.
        database: String,
        /// Who reads; a role that may do nothing else is best.
        user: String,
        /// The table, with its schema if it has one.
        table: String,
        /// The column that grows with each change: a time of change, or a number. None reads everything each time.
        changes: Option<String>,
    },
    /// A file at an address: CSV, a workbook or Parquet, packed or not, as for an import.
    File {
        /// The address, by https.
        url: String,
    },
}

/// How it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where.
    pub place: Place,
    /// The tenant's mapping, by name.
    pub mapping: String,
    /// ISO 4217 code of orders that name no currency.
    pub currency: String,
}

/// A source as it stands.
#[derive(Debug, Clone, FromRow)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// How it is read.
    pub config: Json<Config>,
    /// The password, sealed.
    pub sealed_secrets: Vec<u8>,
    /// The types of its columns.
    pub columns: Json<BTreeMap<String, String>>,
    /// Up to where it was read.
    pub read_until: Option<String>,
    /// Why it is not read any more.
    pub problem: Option<String>,
    /// The last reading.
    pub last_job: Option<Uuid>,
    /// When it ended.
    pub last_at: Option<DateTime<Utc>>,
    /// When it was saved.
    pub updated_at: DateTime<Utc>,
}

const COLUMNS: &str =
    "name, config, sealed_secrets, columns, read_until, problem, last_job, last_at, updated_at";

/// The tenant's sources by name (platform role).
///
/// # Errors
/// The database failed.
pub async fn all(tx: &mut Tx) -> Result<Vec<Source>, DbError> {
    let select = format!("select {COLUMNS} from platform.order_source order by name limit $1");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(select)).bind(SOURCES_LIMIT).fetch_all(&mut **tx).await?)
}

/// The source of a name (platform role).
///
/// # Errors
/// The database failed.
pub async fn find(tx: &mut Tx, name: &str) -> Result<Option<Source>, DbError> {
    let select = format!("select {COLUMNS} from platform.order_source where name = $1");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(select)).bind(name).fetch_optional(&mut **tx).await?)
}

/// Saves a source (platform role); it is read from its beginning again. False when the tenant has as many as it may.
///
/// # Errors
/// The database failed.
pub async fn save(
    tx: &mut Tx,
    tenant: TenantId,
    name: &str,
    (config, sealed): (&Config, &[u8]),
    columns: &BTreeMap<String, String>,
) -> Result<bool, DbError> {
    let saved = sqlx::query(
        "insert into platform.order_source (tenant_id, name, config, sealed_secrets, columns)
         select $1, $2, $3, $4, $5
         where exists (select from platform.order_source where name = $2)
            or (select count(*) from platform.order_source) < $6
         on conflict (tenant_id, name) do update
             set config = excluded.config, sealed_secrets = excluded.sealed_secrets, columns = excluded.columns,
                 read_until = null, problem = null, updated_at = now()",
    )
    .bind(tenant)
    .bind(name)
    .bind(Json(config))
    .bind(sealed)
    .bind(Json(columns))
    .bind(SOURCES_LIMIT)
    .execute(&mut **tx)
    .await?;
    Ok(saved.rows_affected() == 1)
}

/// Deletes a source (platform role); orders that came from it stay. False when there is none.
///
/// # Errors
/// The database failed.
pub async fn delete(tx: &mut Tx, name: &str) -> Result<bool, DbError> {
    let deleted = sqlx::query("delete from platform.order_source where name = $1")
        .bind(name)
        .execute(&mut **tx)
        .await?;
    Ok(deleted.rows_affected() == 1)
}

/// Notes how a reading ended (platform role): up to where it came, or why the source is not read any more. A source that was
/// saved again meanwhile is another one.
///
/// # Errors
/// The database failed.
pub async fn ended(
    tx: &mut Tx,
    source: &Source,
    job: Uuid,
    came: Result<Option<&str>, &str>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query(
        "update platform.order_source
         set read_until = coalesce($3, read_until), problem = $4, last_job = $5, last_at = $6
         where name = $1 and updated_at = $2",
    )
    .bind(&source.name)
    .bind(source.updated_at)
    .bind(came.ok().flatten())
    .bind(came.err())
    .bind(job)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What of a table is read, by a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The columns, as their database names them.
    pub columns: Vec<String>,
    /// The one of the orders' numbers.
    pub order_id: String,
}

/// Finds the columns of a table that a mapping names.
///
/// # Errors
/// Says which are not there.
pub fn plan(mapping: &Mapping, columns: &BTreeMap<String, String>) -> Result<Plan, String> {
    let mut plan = Plan { columns: Vec::new(), order_id: String::new() };
    for (name, meaning) in &mapping.columns {
        let found = columns
            .get_key_value(name)
            .map(|(found, _)| found)
            .or_else(|| columns.keys().find(|column| plain_name(column) == plain_name(name)));
        let Some(found) = found else {
            let there: Vec<&str> = columns.keys().take(20).map(String::as_str).collect();
            return Err(format!(
                "the column `{name}` of the mapping is not in the table; there are {}",
                there.join(", ")
            ));
        };
        if *meaning == Meaning::OrderId {
            plan.order_id.clone_from(found);
        }
        if !plan.columns.contains(found) {
            plan.columns.push(found.clone());
        }
    }
    if plan.order_id.is_empty() {
        return Err("no column of the mapping means order_id".to_owned());
    }
    Ok(plan)
}

/// How the lines are written that a table is read into: nothing is left to be found out.
pub fn stated() -> Stated {
    Stated {
        table: tables::Options {
            encoding: Some("utf-8".to_owned()),
            separator: Some(','),
            header: Some(1),
            ..tables::Options::default()
        },
        decimal: Some(DecimalMark::Point),
        dates: Some(DateOrder::YearFirst),
        ..Stated::default()
    }
}

/// What is different between the columns that a mapping reads as they were and as they are, in a sentence; none when nothing is.
pub fn difference<'c>(
    needed: impl Iterator<Item = &'c str>,
    before: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
) -> Option<String> {
    for name in needed {
        let Some(kind) = now.get(name) else {
            let there: Vec<&str> = now.keys().take(20).map(String::as_str).collect();
            return Some(format!(
                "the column `{name}` is not there any more; there are {}; change the mapping or the table, and save the source again",
                there.join(", ")
            ));
        };
        if let Some(was) = before.get(name).filter(|was| *was != kind) {
            return Some(format!(
                "the column `{name}` was of type {was} and is of type {kind}; look at the preview, and save the source again"
            ));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_that_vanished_or_changed_is_told() {
        let of = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect()
        };
        let before = of(&[("id", "integer"), ("total", "numeric"), ("note", "text")]);
        let told = |now: &[(&str, &str)]| difference(["id", "total"].into_iter(), &before, &of(now));
        assert_eq!(told(&[("id", "integer"), ("total", "numeric")]), None, "what is not read may go");
        assert!(told(&[("id", "integer")]).is_some_and(|told| told.contains("`total` is not there")));
        let changed = told(&[("id", "integer"), ("total", "text")]);
        assert!(changed.is_some_and(|told| told.contains("was of type numeric and is of type text")));
    }
}
