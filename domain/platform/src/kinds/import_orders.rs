//! Imports a shop's orders from a file: the daily sync that fills orders and profiles.

use std::collections::BTreeMap;
use std::path::{Component, Path};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::money::{NO_CURRENCY, is_currency};
use crate::orders::mapping::{MappingError, Stated, check_name};
use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject, Unfit};

/// The currency of amounts that name none where nobody stated one and the shop has no orders yet.
pub const ASSUMED_CURRENCY: &str = "USD";

/// Files that are read, and how they may be packed; a ZIP is looked into.
const FILES: [&str; 5] = [".csv", ".tsv", ".txt", ".xlsx", ".parquet"];
const PACKED: [&str; 5] = [".gz", ".zip", ".bz2", ".xz", ".zst"];
/// Bytes of a path.
const PATH_LIMIT: usize = 500;

/// Checks the form of a path below the import folder. Whether a file is there, and whose it is, is looked at elsewhere.
///
/// # Errors
/// The rule that it breaks.
pub fn check_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() || path.len() > PATH_LIMIT || path.contains('\0') {
        return Err("must have 1 to 500 bytes");
    }
    if !Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) {
        return Err("must be a path below the import folder, without .. and not absolute");
    }
    let lower = path.to_ascii_lowercase();
    let inner = PACKED.iter().find_map(|packed| lower.strip_suffix(packed)).unwrap_or(&lower);
    match FILES.iter().any(|file| inner.ends_with(file)) || lower.ends_with(".zip") {
        true => Ok(()),
        false => Err(
            "must end in .csv, .tsv, .txt, .xlsx or .parquet, perhaps with .gz, .zip, .bz2, .xz or .zst behind it",
        ),
    }
}

/// Import a file of the import folder, by name or by relative path.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportOrders {
    /// The file, relative to the import folder (`DESK_IMPORT_DIR`).
    pub path: String,
    /// The currency of amounts without one, an ISO 4217 code; when nobody stated it, that of most of the shop's orders, and
    /// [`ASSUMED_CURRENCY`] before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// How the file is read, as far as that is stated and not found from the file.
    #[serde(default, skip_serializing_if = "Stated::is_nothing")]
    pub stated: Stated,
    /// The name of a mapping of the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
}

/// What the import did, over all attempts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImportOrdersOutput {
    /// Lines read, the header excluded.
    pub lines: i64,
    /// Lines of orders that are new or were replaced.
    pub inserted: i64,
    /// Lines of orders that were there already, as they are or newer.
    pub duplicates: i64,
    /// Lines that were left out.
    pub rejected: i64,
    /// Orders that were not there before.
    #[serde(default)]
    pub orders_inserted: i64,
    /// Orders of which something else was stored.
    #[serde(default)]
    pub orders_replaced: i64,
    /// Orders that are stored as they are.
    #[serde(default)]
    pub orders_unchanged: i64,
    /// Orders of which something newer is stored.
    #[serde(default)]
    pub orders_older: i64,
    /// Lines that were left out, by reason.
    #[serde(default)]
    pub left_out: BTreeMap<String, u64>,
    /// Remarks on lines that were taken, by reason.
    #[serde(default)]
    pub remarks: BTreeMap<String, u64>,
    /// The export that the file's header shows.
    #[serde(default)]
    pub profile: String,
    /// Which column was read for what, by meaning.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
    /// Columns that were not understood, and so not read.
    #[serde(default)]
    pub unknown_columns: Vec<String>,
}

impl JobKind for ImportOrders {
    type Output = ImportOrdersOutput;
    const KIND: &'static str = "import_orders";
    // 2: `stated` and `mapping`, which older workers would refuse. 3: `currency` may be
    // missing, which then is told of as assumed; to them it was stated.
    const VERSION: i16 = 3;
    // A tenant's imports take turns anyway, because each derives profiles from all lines; waiting in the
    // queue they hold neither a slot nor a connection meanwhile.
    const KEY: Option<&'static str> = Some("tenant");
    const POLICY: Policy = Policy {
        // A queue of their own: an import may take an hour, and nobody's short work is to wait for its slot.
        queue: "imports",
        priority: Priority::Normal,
        max_attempts: 5,
        backoff: Backoff { base: Duration::from_secs(5), cap: Duration::from_secs(300) },
        deadline: Duration::from_secs(3600),
        key_limit: 1,
        access: Access::Tenant(Subject::Orders),
        rerun: Rerun::Never,
    };

    fn check(&self, _: DateTime<Utc>) -> Result<(), Unfit> {
        check_path(&self.path).map_err(|rule| Unfit::at("path", rule))?;
        if self.currency.as_deref().is_some_and(|code| !is_currency(code)) {
            return Err(Unfit::at("currency", NO_CURRENCY));
        }
        let stated = |error: MappingError| Unfit::at(format!("stated.{}", error.field), error.message);
        self.stated.check().map_err(stated)?;
        self.mapping.as_deref().map_or(Ok(()), check_name).map_err(|rule| Unfit::at("mapping", rule))
    }

    fn upgrade(version: i16, payload: Value) -> Result<Self, String> {
        match version {
            // The fields that came since have defaults.
            1 | 2 => serde_json::from_value(payload).map_err(|error| error.to_string()),
            _ => Err(format!(
                "version {version} of the payload is unknown, this code reads version {}",
                Self::VERSION
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_does_not_fit_is_named_whoever_asks() {
        let read = |payload: &str| {
            let payload: ImportOrders = serde_json::from_str(payload).expect(payload);
            payload.check(Utc::now())
        };
        for fits in [
            r#"{"path":"orders.csv"}"#,
            r#"{"path":"a/b.tsv.gz","currency":"EUR","mapping":"till-2.b"}"#,
            r#"{"path":"a.zip","stated":{"encoding":"windows-1252","separator":";","header":3,"profile":"shopify_orders","sheet":"S"}}"#,
        ] {
            assert_eq!(read(fits), Ok(()), "{fits}");
        }
        for (payload, field) in [
            (r#"{"path":""}"#, "path"),
            (r#"{"path":"../a.csv"}"#, "path"),
            (r#"{"path":"a.exe"}"#, "path"),
            (r#"{"path":"a.csv","currency":"ABC"}"#, "currency"),
            (r#"{"path":"a.csv","mapping":"a b"}"#, "mapping"),
            (r#"{"path":"a.csv","stated":{"encoding":"klingon"}}"#, "stated.encoding"),
            (r#"{"path":"a.csv","stated":{"separator":"x"}}"#, "stated.separator"),
            (r#"{"path":"a.csv","stated":{"header":0}}"#, "stated.header"),
            (r#"{"path":"a.csv","stated":{"sheet":""}}"#, "stated.sheet"),
            (r#"{"path":"a.csv","stated":{"profile":"etsy-of-mars"}}"#, "stated.profile"),
        ] {
            let unfit = read(payload).expect_err(payload);
            assert_eq!(unfit.field.as_deref(), Some(field), "{payload}");
        }
    }
}
