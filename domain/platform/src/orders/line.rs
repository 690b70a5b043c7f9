//! One record as an order line, or the reason why it is none. Every field has bounds.

use std::borrow::Cow;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use rust_decimal::{Decimal, RoundingStrategy};

use super::columns::{Amount, Columns};

/// What a customer bought (or gave back) of one product in one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OrderLine {
    pub(super) order_id: String,
    pub(super) customer_id: String,
    pub(super) ordered_at: DateTime<Utc>,
    pub(super) product_id: Option<String>,
    pub(super) category: Option<String>,
    pub(super) quantity: Decimal,
    /// Negative for a return.
    pub(super) amount: Decimal,
    pub(super) list_amount: Option<Decimal>,
    pub(super) currency: String,
    pub(super) is_return: bool,
    pub(super) email: Option<String>,
    pub(super) name: Option<String>,
}

/// What a record is judged by besides its own fields.
pub(super) struct Rules<'a> {
    pub(super) columns: &'a Columns,
    /// ISO 4217 code of lines that name no currency.
    pub(super) currency: &'a str,
    /// Orders from more than two days after this are refused.
    pub(super) now: DateTime<Utc>,
}

/// Reads a record's fields.
pub(super) fn read(fields: &[Cow<'_, str>], rules: &Rules<'_>) -> Result<OrderLine, String> {
    let columns = rules.columns;
    if fields.len() != columns.count {
        return Err(format!("the line has {} fields and the header {}", fields.len(), columns.count));
    }
    let at = |position: usize| fields[position].trim();
    let optional = |position: Option<usize>| position.map(at).filter(|text| !text.is_empty());

    let customer_id = text("customer_id", at(columns.customer_id), 128)?;
    let order_id = text("order_id", at(columns.order_id), 128)?;
    let ordered_at = time(at(columns.ordered_at), rules.now)?;
    let quantity = match optional(columns.quantity) {
        Some(text) => number("quantity", text, 1_000_000, 3)?,
        None if columns.quantity.is_some() => return Err("quantity is missing".to_owned()),
        None => Decimal::ONE,
    };
    let amount = match columns.amount {
        Amount::Told(position) => number("amount", at(position), 10_000_000, 2)?,
        Amount::FromUnitPrice(position) => {
            let price = number("unit price", at(position), 10_000_000, 6)?;
            let amount = (quantity * price).round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
            if amount.abs() > Decimal::from(10_000_000) {
                return Err("quantity times unit price is out of range".to_owned());
            }
            amount
        }
    };
    let is_return = match optional(columns.is_return) {
        Some(text) => truth(text)?,
        // Invoices numbered C... are credit notes; a negative line takes something back.
        None => is_credit_note(&order_id) || quantity.is_sign_negative() || amount.is_sign_negative(),
    };
    let currency = match optional(columns.currency) {
        Some(code) => code.to_ascii_uppercase(),
        None => rules.currency.to_owned(),
    };
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err("currency is not a three-letter code".to_owned());
    }
    Ok(OrderLine {
        order_id,
        customer_id,
        ordered_at,
        product_id: optional(columns.product_id).map(|id| text("product_id", id, 128)).transpose()?,
        category: optional(columns.category).map(|name| text("category", name, 200)).transpose()?,
        quantity,
        amount: if is_return { -amount.abs() } else { amount },
        list_amount: optional(columns.list_amount)
            .map(|text| number("list_amount", text, 10_000_000, 2))
            .transpose()?,
        currency,
        is_return,
        email: optional(columns.email).map(|address| text("customer_email", address, 320)).transpose()?,
        name: optional(columns.name).map(|name| text("customer_name", name, 200)).transpose()?,
    })
}

fn text(field: &str, value: &str, limit: usize) -> Result<String, String> {
    if value.is_empty() {
        return Err(format!("{field} is missing"));
    }
    if value.chars().count() > limit {
        return Err(format!("{field} is longer than {limit} characters"));
    }
    if value.chars().any(char::is_control) {
        return Err(format!("{field} contains a control character"));
    }
    Ok(value.to_owned())
}

fn number(field: &str, text: &str, limit: i64, decimals: u32) -> Result<Decimal, String> {
    if text.is_empty() {
        return Err(format!("{field} is missing"));
    }
    let is_plain =
        text.len() <= 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+'));
    let number = if is_plain { Decimal::from_str(text).ok() } else { None };
    let number = number.ok_or_else(|| format!("{field} is not a plain decimal number"))?;
    if number.abs() > Decimal::from(limit) {
        return Err(format!("{field} is out of range (at most {limit})"));
    }
    Ok(number.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero))
}

/// Times without an offset count as UTC; dates without a time as midnight. With slashes the month comes first.
fn time(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    if text.is_empty() {
        return Err("ordered_at is missing".to_owned());
    }
    let time = parse_time(text).ok_or("ordered_at is not a date and time (as 2026-01-31T12:00:00Z)")?;
    if time.year() < 1990 || time > now + TimeDelta::days(2) {
        return Err("ordered_at is before 1990 or in the future".to_owned());
    }
    Ok(time)
}

fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    if text.len() > 40 {
        return None;
    }
    for format in
        ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S%.f"]
    {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
            return Some(time.and_utc());
        }
    }
    for format in ["%Y-%m-%d", "%Y%m%d", "%m/%d/%Y"] {
        if let Ok(date) = NaiveDate::parse_from_str(text, format) {
            return date.and_hms_opt(0, 0, 0).map(|time| time.and_utc());
        }
    }
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc())
}

fn truth(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" | "yes" => Ok(true),
        "false" | "f" | "0" | "no" => Ok(false),
        _ => Err("is_return is neither true nor false".to_owned()),
    }
}

fn is_credit_note(order_id: &str) -> bool {
    let digits = order_id.strip_prefix(['C', 'c']).unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::columns::read_header;
    use super::super::records::fields;
    use super::*;

    const RETAIL: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";
    const FULL: &str =
        "order_id,customer_id,ordered_at,quantity,amount,list_amount,is_return,currency,customer_email";

    fn parse(header: &str, record: &str) -> Result<OrderLine, String> {
        let columns = read_header(header).expect("a header");
        let now = "2026-11-21T00:00:00Z".parse().expect("a time");
        read(&fields(record), &Rules { columns: &columns, currency: "GBP", now })
    }

    #[test]
    fn a_sale_and_its_return() {
        let sale = parse(RETAIL, "536365,85123A,LIGHT,6,2010-12-01 08:26:00,2.55,17850.0,UK").expect("valid");
        assert_eq!((sale.customer_id.as_str(), sale.amount.to_string().as_str()), ("17850.0", "15.30"));
        assert!(!sale.is_return);
        let back = parse(RETAIL, "C536379,D,Discount,-1,12/1/2010 9:41,27.5,14527,UK").expect("valid");
        assert_eq!((back.is_return, back.amount.to_string().as_str()), (true, "-27.5"));
    }

    #[test]
    fn reasons_name_the_field() {
        let table = [
            ("1,c,2026-01-01,1,5", "fields"),
            ("1,,2026-01-01,1,5,,,,", "customer_id is missing"),
            (",c,2026-01-01,1,5,,,,", "order_id is missing"),
            ("1,c,yesterday,1,5,,,,", "ordered_at"),
            ("1,c,1889-01-01,1,5,,,,", "before 1990"),
            ("1,c,2036-01-01,1,5,,,,", "future"),
            ("1,c,2026-01-01,,5,,,,", "quantity is missing"),
            ("1,c,2026-01-01,NaN,5,,,,", "quantity is not"),
            ("1,c,2026-01-01,1,inf,,,,", "amount is not"),
            ("1,c,2026-01-01,1,1e9,,,,", "amount is not"),
            ("1,c,2026-01-01,1,99999999999,,,,", "amount is out of range"),
            ("1,c,2026-01-01,1,5,x,,,", "list_amount"),
            ("1,c,2026-01-01,1,5,,maybe,,", "is_return"),
            ("1,c,2026-01-01,1,5,,,EURO,", "currency"),
            ("1,c\u{1}d,2026-01-01,1,5,,,,", "customer_id contains"),
        ];
        for (record, expected) in table {
            let reason = parse(FULL, record).expect_err(record);
            assert!(reason.contains(expected), "{record}: {reason}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_line_or_a_reason(record in "\\PC{0,200}") {
            let _ = parse(FULL, &record);
        }

        #[test]
        fn any_fields_are_a_line_within_bounds_or_a_reason(cells in proptest::collection::vec("[0-9a-zA-Z.:/ +-]{0,25}", 9)) {
            if let Ok(line) = parse(FULL, &cells.join(",")) {
                prop_assert!(line.amount.abs() <= Decimal::from(10_000_000) && line.amount.scale() <= 2);
                prop_assert!(line.quantity.abs() <= Decimal::from(1_000_000) && line.quantity.scale() <= 3);
            }
        }
    }
}
