//! What of a table is read, by a mapping, and how its lines are written; and what a table must still have to be read again.

use std::collections::BTreeMap;

use tables::date::DateOrder;
use tables::number::DecimalMark;
use tables::plain_name;

use crate::orders::Meaning;
use crate::orders::mapping::{Mapping, Stated};

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
                "the column `{name}` of the mapping is not in the table; there are {}: change the mapping (code column_gone)",
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
                "the column `{name}` is not there any more; there are {}: change the mapping or the table, and save the source again (code column_gone)",
                there.join(", ")
            ));
        };
        if let Some(was) = before.get(name).filter(|was| *was != kind) {
            return Some(format!(
                "the column `{name}` was of type {was} and is of type {kind}: look at the preview, and save the source again (code column_changed)"
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
