//! What a tenant says about files that no profile knows: which column means what, and how they are written. Saved under a
//! name, so that an import says `mapping=warehouse` and nothing more.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use tables::date::DateOrder;
use tables::number::DecimalMark;
use tables::plain_name;

use super::profiles::{Meaning, Status};
use super::reading::names;
use crate::money::{NO_CURRENCY, is_currency};
use database::ids::TenantId;
use database::{DbError, Tx};

/// Columns and words of a mapping.
pub const ENTRIES_LIMIT: usize = 200;
/// Characters of a column's name or a word.
pub const ENTRY_LIMIT: usize = 200;
/// Mappings of a tenant.
pub const MAPPINGS_LIMIT: i64 = 100;
/// Characters of a mapping's name.
pub const NAME_LIMIT: usize = 64;

/// The last line that may have the names of columns.
pub const HEADER_LIMIT: i64 = 1_000;
/// Characters of the name of a workbook's sheet.
const SHEET_LIMIT: usize = 100;

/// Checks what a mapping or a source is called.
///
/// # Errors
/// Says what a name is.
pub fn check_name(name: &str) -> Result<(), String> {
    let is_name = (1..=NAME_LIMIT).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    match is_name {
        true => Ok(()),
        false => Err(format!("must have 1 to {NAME_LIMIT} letters, digits, dots, dashes and underscores")),
    }
}

/// How a file is to be read, as far as it is stated. What is not is found from the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stated {
    /// Encoding, separator, header and sheet.
    #[serde(flatten)]
    pub table: tables::Options,
    /// What stands before decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<DecimalMark>,
    /// The order of dates that do not begin with the year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dates: Option<DateOrder>,
    /// The profile, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The zone of times without an offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<Tz>,
}

impl Stated {
    /// Checks what its types do not say.
    ///
    /// # Errors
    /// Names the field.
    pub fn check(&self) -> Result<(), MappingError> {
        let wrong = |field: &str| {
            let field = field.to_owned();
            move |message: String| MappingError { field, message }
        };
        if let Some(label) = &self.table.encoding {
            names::encoding(label).map_err(wrong("encoding"))?;
        }
        if let Some(sign) = self.table.separator {
            names::separator(sign.encode_utf8(&mut [0; 4])).map_err(wrong("separator"))?;
        }
        if self.table.header.is_some_and(|line| !(1..=HEADER_LIMIT.unsigned_abs()).contains(&line)) {
            return Err(wrong("header")(format!("must be a whole number from 1 to {HEADER_LIMIT}")));
        }
        let is_sheet = |name: &String| {
            (1..=SHEET_LIMIT).contains(&name.chars().count()) && !name.chars().any(char::is_control)
        };
        if self.table.sheet.as_ref().is_some_and(|name| !is_sheet(name)) {
            return Err(wrong("sheet")(format!("must have 1 to {SHEET_LIMIT} characters")));
        }
        if let Some(name) = &self.profile {
            names::profile(name).map_err(wrong("profile"))?;
        }
        Ok(())
    }

    /// Whether everything is to be found from the file.
    pub fn is_nothing(&self) -> bool {
        *self == Stated::default()
    }

    /// What is stated here, and where nothing is, what is stated there.
    pub fn or(self, other: &Stated) -> Stated {
        Stated {
            table: tables::Options {
                encoding: self.table.encoding.or_else(|| other.table.encoding.clone()),
                separator: self.table.separator.or(other.table.separator),
                header: self.table.header.or(other.table.header),
                sheet: self.table.sheet.or_else(|| other.table.sheet.clone()),
                known_names: Vec::new(),
                is_beginning: self.table.is_beginning,
            },
            decimal: self.decimal.or(other.decimal),
            dates: self.dates.or(other.dates),
            profile: self.profile.or_else(|| other.profile.clone()),
            zone: self.zone.or(other.zone),
        }
    }
}

/// Which columns of a file mean what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mapping {
    /// Meanings by the columns' names.
    pub columns: BTreeMap<String, Meaning>,
    /// What words of the status column say.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub statuses: BTreeMap<String, Status>,
    /// ISO 4217 code of orders that name no currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// How the files are written.
    #[serde(flatten)]
    pub stated: Stated,
}

/// What is wrong with a mapping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct MappingError {
    /// The field it is about.
    pub field: String,
    /// What, and what would be accepted.
    pub message: String,
}

impl Mapping {
    /// The words for states by their plain names.
    pub(super) fn plain_statuses(&self) -> Vec<(String, Status)> {
        self.statuses.iter().map(|(word, status)| (plain_name(word), *status)).collect()
    }

    /// Checks bounds, and that an order could be read by it.
    ///
    /// # Errors
    /// Names the field.
    pub fn check(&self) -> Result<(), MappingError> {
        let wrong = |field: &str, message: String| Err(MappingError { field: field.to_owned(), message });
        for (field, count) in [("columns", self.columns.len()), ("statuses", self.statuses.len())] {
            if count > ENTRIES_LIMIT {
                return wrong(field, format!("at most {ENTRIES_LIMIT} entries are taken"));
            }
        }
        for (field, name) in self
            .columns
            .keys()
            .map(|name| ("columns", name))
            .chain(self.statuses.keys().map(|name| ("statuses", name)))
        {
            if plain_name(name).is_empty()
                || name.chars().count() > ENTRY_LIMIT
                || name.chars().any(char::is_control)
            {
                return wrong(field, format!("`{}` is no name", name.chars().take(40).collect::<String>()));
            }
        }
        let mut meanings: Vec<Meaning> = self.columns.values().copied().collect();
        meanings.sort_unstable();
        if let Some(twice) = meanings.windows(2).find(|pair| pair[0] == pair[1]) {
            return wrong("columns", format!("two columns mean {}", twice[0].name()));
        }
        let has = |meaning: Meaning| meanings.contains(&meaning);
        let mut missing = Vec::new();
        if !has(Meaning::OrderId) {
            missing.push("order_id");
        }
        if !has(Meaning::OrderedAt) {
            missing.push("ordered_at");
        }
        let has_price = has(Meaning::UnitPrice) && has(Meaning::Quantity);
        if !(has(Meaning::Amount) || has_price || has(Meaning::OrderTotal)) {
            missing.push("amount (or unit_price and quantity, or order_total)");
        }
        if ![Meaning::CustomerId, Meaning::CustomerEmail, Meaning::CustomerPhone].into_iter().any(has) {
            missing.push("customer_id (or customer_email or customer_phone)");
        }
        if !missing.is_empty() {
            return wrong("columns", format!("no column means {}", missing.join(", ")));
        }
        if let Some(code) = &self.currency
            && !is_currency(code)
        {
            return wrong("currency", NO_CURRENCY.to_owned());
        }
        self.stated.check()
    }
}

/// A mapping as it is saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Saved {
    /// Its name.
    pub name: String,
    /// What it says.
    pub mapping: Mapping,
    /// When it was saved last.
    pub updated_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct Stored {
    name: String,
    mapping: sqlx::types::Json<Mapping>,
    updated_at: DateTime<Utc>,
}

impl From<Stored> for Saved {
    fn from(stored: Stored) -> Saved {
        Saved { name: stored.name, mapping: stored.mapping.0, updated_at: stored.updated_at }
    }
}

/// All mappings of the tenant by name (platform or support role).
pub async fn all(tx: &mut Tx) -> Result<Vec<Saved>, DbError> {
    let stored: Vec<Stored> = sqlx::query_as(
        "select name, mapping, updated_at from platform.import_mapping order by name limit $1",
    )
    .bind(MAPPINGS_LIMIT)
    .fetch_all(&mut **tx)
    .await?;
    Ok(stored.into_iter().map(Saved::from).collect())
}

/// The mapping of a name, if the tenant has it (platform or support role).
pub async fn find(tx: &mut Tx, name: &str) -> Result<Option<Saved>, DbError> {
    let stored: Option<Stored> =
        sqlx::query_as("select name, mapping, updated_at from platform.import_mapping where name = $1")
            .bind(name)
            .fetch_optional(&mut **tx)
            .await?;
    Ok(stored.map(Saved::from))
}

/// Saves a mapping under a name (platform or support role); false when the tenant has as many as it may.
pub async fn save(tx: &mut Tx, tenant: TenantId, name: &str, mapping: &Mapping) -> Result<bool, DbError> {
    let saved = sqlx::query(
        "insert into platform.import_mapping as m (tenant_id, name, mapping)
         select $1, $2, $3
         where exists (select from platform.import_mapping where name = $2)
            or (select count(*) from platform.import_mapping) < $4
         on conflict (tenant_id, name) do update set mapping = excluded.mapping, updated_at = now()",
    )
    .bind(tenant)
    .bind(name)
    .bind(sqlx::types::Json(mapping))
    .bind(MAPPINGS_LIMIT)
    .execute(&mut **tx)
    .await?;
    Ok(saved.rows_affected() == 1)
}

/// Deletes a mapping (platform or support role); false when there is none.
pub async fn delete(tx: &mut Tx, name: &str) -> Result<bool, DbError> {
    let deleted = sqlx::query("delete from platform.import_mapping where name = $1")
        .bind(name)
        .execute(&mut **tx)
        .await?;
    Ok(deleted.rows_affected() == 1)
}
