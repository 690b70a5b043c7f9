//! `api import --preview FILE`: what an import would make of a file, printed. It needs no database.

use std::path::PathBuf;

use chrono::Utc;
use chrono_tz::Tz;
use clap::Args;
use platform::money::{NO_CURRENCY, is_currency};
use platform::orders::mapping::Stated;
use platform::orders::preview::{self, Preview, Reason};
use platform::orders::reading::{
    DateOrder, DecimalMark, ReadError, Request, Role, Source, TableOptions, names,
};
use platform::orders::rule::RevenueRule;

/// The file and what is stated of it.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct PreviewArguments {
    /// Show what an import would make of this file; nothing is stored
    #[arg(long, value_name = "FILE", required = true)]
    pub preview: PathBuf,
    /// ISO 4217 code of amounts without a currency; USD when it is not given
    #[arg(long, value_parser = currency)]
    pub currency: Option<String>,
    /// Its encoding, e.g. windows-1252
    #[arg(long, value_parser = names::encoding)]
    pub encoding: Option<String>,
    /// comma, semicolon, tab, pipe or one character
    #[arg(long, value_parser = names::separator)]
    pub separator: Option<char>,
    /// Number of the line of column names
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub header: Option<u64>,
    /// The sheet of a workbook
    #[arg(long)]
    pub sheet: Option<String>,
    /// point or comma
    #[arg(long, value_parser = names::decimal)]
    pub decimal: Option<DecimalMark>,
    /// day_first, month_first or year_first
    #[arg(long, value_parser = names::dates)]
    pub dates: Option<DateOrder>,
    /// The export, when its header does not show it
    #[arg(long)]
    pub profile: Option<String>,
    /// Time zone of times without an offset
    #[arg(long, default_value = "UTC", value_parser = names::zone)]
    pub zone: Tz,
    /// Orders to show
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub orders: u32,
}

fn currency(text: &str) -> Result<String, String> {
    if is_currency(text) { Ok(text.to_owned()) } else { Err(NO_CURRENCY.to_owned()) }
}

/// Looks at the file and gives the lines to print.
///
/// # Errors
/// Why the file cannot be read as orders.
pub fn run(arguments: PreviewArguments) -> Result<String, ReadError> {
    let stated = Stated {
        table: TableOptions {
            encoding: arguments.encoding,
            separator: arguments.separator,
            header: arguments.header,
            sheet: arguments.sheet,
            ..TableOptions::default()
        },
        decimal: arguments.decimal,
        dates: arguments.dates,
        profile: arguments.profile,
        zone: None,
    };
    let request = Request {
        stated,
        is_currency_assumed: arguments.currency.is_none(),
        zone: arguments.zone,
        ..Request::new(arguments.currency.as_deref().unwrap_or("USD"), Utc::now())
    };
    let source = Source::Path(arguments.preview);
    let preview = preview::preview(&source, &request, RevenueRule::default(), arguments.orders as usize)?;
    Ok(shown(&preview))
}

fn shown(preview: &Preview) -> String {
    let understood = &preview.understood;
    let mut lines = vec![format!("profile: {} ({})", understood.profile, understood.profile_title)];
    let mut say = |name: &str, value: Result<serde_json::Value, serde_json::Error>| {
        if let Ok(serde_json::Value::Object(fields)) = value {
            let told =
                fields.iter().filter(|(name, _)| *name != "columns").map(|(name, value)| match value {
                    serde_json::Value::String(text) => format!("{name} {text:?}"),
                    other => format!("{name} {other}"),
                });
            lines.push(format!("{name}: {}", told.collect::<Vec<_>>().join(", ")));
        }
    };
    say("file", serde_json::to_value(&understood.file));
    say("forms", serde_json::to_value(&understood.forms));
    for column in &understood.columns {
        let what = match (column.role, column.meaning) {
            (Role::Read, Some(meaning)) => meaning.name().to_owned(),
            (Role::Doubled, Some(meaning)) => format!("not read: another column means {}", meaning.name()),
            (Role::Unknown, _) => "not understood".to_owned(),
            _ => "not needed".to_owned(),
        };
        lines.push(format!("column {:?}: {what}", column.name));
    }
    let part = if preview.is_whole { "in all" } else { "looked at: the beginning, the middle and the end" };
    lines.push(format!("{} rows {part}; {} orders", preview.rows, preview.orders));
    for (code, worth) in &preview.worth {
        lines.push(format!("worth: {worth} {code}, sales less returns, whatever was paid"));
    }
    for (code, revenue) in &preview.revenue {
        let counted = preview.orders_counted;
        let of = if preview.revenue.len() > 1 { " in all currencies" } else { "" };
        lines.push(format!("revenue: {revenue} {code} of {counted} orders{of}, if what was paid counts"));
    }
    for sample in &preview.sample {
        let order = &sample.statement;
        let worth: rust_decimal::Decimal = order.lines.iter().map(|line| line.amount).sum();
        let who = [&order.customer.shop_id, &order.customer.email, &order.customer.phone];
        let who = who.into_iter().flatten().next().map_or("nobody", String::as_str);
        lines.push(format!(
            "line {}: order {} by {who} at {}, {:?}{}{}, {} lines, {worth} {}",
            sample.line,
            order.order_id,
            sample.ordered_at,
            order.payment,
            if order.cancelled_at.is_some() { ", cancelled" } else { "" },
            if order.is_test { ", a test" } else { "" },
            order.lines.len(),
            order.currency
        ));
    }
    lines.extend(preview.left_out.iter().map(|reason| about("left out", reason)));
    lines.extend(preview.remarks.iter().map(|reason| about("remark", reason)));
    lines.extend(preview.problem.iter().map(|problem| format!("problem: {problem}")));
    lines.join("\n")
}

fn about(what: &str, reason: &Reason) -> String {
    let place = reason.line.map_or_else(|| "far inside".to_owned(), |line| format!("line {line}"));
    let column = reason.column.as_ref().map(|column| format!(", column {column:?}")).unwrap_or_default();
    format!("{what}: {} rows by {} (first: {place}{column}): {}", reason.rows, reason.reason, reason.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_shown_in_lines() {
        let path = std::env::temp_dir().join(format!("deskwork-preview-{}.csv", uuid::Uuid::now_v7()));
        let text =
            "order_id;customer_id;ordered_at;amount;note\n1;c1;13.10.2026;1.299,00;\n2;c2;14.10.2026;ten;\n";
        std::fs::write(&path, text).expect("writable");
        let arguments = PreviewArguments {
            preview: path.clone(),
            currency: Some("EUR".to_owned()),
            encoding: None,
            separator: None,
            header: None,
            sheet: None,
            decimal: None,
            dates: None,
            profile: None,
            zone: Tz::UTC,
            orders: 3,
        };
        let shown = run(arguments).expect("understood");
        std::fs::remove_file(&path).expect("removable");
        for line in [
            "profile: lines (order lines by our own column names)",
            "column \"note\": not understood",
            "2 rows in all; 1 orders",
            "worth: 1299.00 EUR, sales less returns, whatever was paid",
            "revenue: 1299.00 EUR of 1 orders, if what was paid counts",
            "line 2: order 1 by c1 at 2026-10-13, Placed, 1 lines, 1299.00 EUR",
            "left out: 1 rows by number_unreadable (first: line 3, column \"amount\"): amount is not a number",
        ] {
            assert!(shown.lines().any(|said| said == line), "{line}:\n{shown}");
        }
    }
}
