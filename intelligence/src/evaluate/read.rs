//! Reads order lines from a CSV file, plain or compressed with gzip. A row that cannot be used is left out, counted
//! and shown with its reason; it never ends the reading and never becomes a zero.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    io::{self, Read},
    path::Path,
};

use flate2::read::MultiGzDecoder;

use super::{csv::Records, date};
use crate::lines::{Line, Lines, LinesBuilder, key};

/// The order lines of a file.
#[derive(Debug)]
pub struct OrderFile {
    /// Its usable lines.
    pub lines: Lines,
    /// Rows read, without the header.
    pub rows: usize,
    /// Rows left out.
    pub bad_rows: usize,
    /// The first of them: line number in the file and reason.
    pub examples: Vec<(usize, String)>,
    /// First and last day of an order, since 1970-01-01; none without a usable row.
    pub days: Option<(i32, i32)>,
    /// Rows that take goods back.
    pub returns: usize,
    /// Rows with a product.
    pub with_product: usize,
}

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file is not there, not readable or not gzip.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// A column without which nothing can be computed.
    #[error("the file has no column {0}; needed are customer_id, ordered_at (or order_date) and amount")]
    MissingColumn(&'static str),
}

/// Reads a file.
///
/// # Errors
/// It cannot be read, or lacks a needed column.
pub fn read_orders(path: &Path) -> Result<OrderFile, ReadError> {
    let fail = |source| ReadError::Io { path: path.display().to_string(), source };
    let mut bytes = fs::read(path).map_err(fail)?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut text = Vec::new();
        MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut text).map_err(fail)?;
        bytes = text;
    }
    parse_orders(&String::from_utf8_lossy(&bytes))
}

/// Reads the text of a file. Where there is no `is_return`, a line with a negative quantity or amount is a return.
///
/// # Errors
/// It lacks a needed column.
pub fn parse_orders(text: &str) -> Result<OrderFile, ReadError> {
    let mut records = Records::of(text);
    let header = records.next().map(|(_, fields)| fields).unwrap_or_default();
    let columns = Columns::of(&header)?;
    let mut builder = LinesBuilder::with_capacity(text.len() / 40);
    let mut customers: HashMap<String, u32> = HashMap::new();
    let mut file = Counts::default();
    for (line, fields) in records {
        file.rows += 1;
        match columns.line(&fields) {
            Ok((customer, row)) => {
                let next = customers.len() as u32;
                let customer = *customers.entry(customer.to_owned()).or_insert(next);
                let day = crate::lines::day_of(row.minute);
                let (first, last) = file.days.unwrap_or((day, day));
                file.days = Some((first.min(day), last.max(day)));
                file.returns += usize::from(row.is_return);
                file.with_product += usize::from(row.product != 0);
                builder.push(customer, row);
            }
            Err(reason) => {
                *file.reasons.entry(reason).or_default() += 1;
                file.bad_rows += 1;
                if file.reasons[reason] <= 3 {
                    file.examples.push((line, reason.to_owned()));
                }
            }
        }
    }
    Ok(OrderFile {
        lines: builder.finish(customers.len()),
        rows: file.rows,
        bad_rows: file.bad_rows,
        examples: file.examples,
        days: file.days,
        returns: file.returns,
        with_product: file.with_product,
    })
}

#[derive(Default)]
struct Counts {
    rows: usize,
    bad_rows: usize,
    reasons: BTreeMap<&'static str, usize>,
    examples: Vec<(usize, String)>,
    days: Option<(i32, i32)>,
    returns: usize,
    with_product: usize,
}

/// Where the columns stand.
struct Columns {
    customer: usize,
    at: usize,
    amount: usize,
    order: Option<usize>,
    product: Option<usize>,
    category: Option<usize>,
    quantity: Option<usize>,
    list_amount: Option<usize>,
    is_return: Option<usize>,
}

impl Columns {
    fn of(header: &[String]) -> Result<Columns, ReadError> {
        let names: Vec<String> =
            header.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_lowercase()).collect();
        let find = |name: &str| names.iter().position(|found| found == name);
        Ok(Columns {
            customer: find("customer_id").ok_or(ReadError::MissingColumn("customer_id"))?,
            at: find("ordered_at").or(find("order_date")).ok_or(ReadError::MissingColumn("ordered_at"))?,
            amount: find("amount").ok_or(ReadError::MissingColumn("amount"))?,
            order: find("order_id"),
            product: find("product_id"),
            category: find("category"),
            quantity: find("quantity"),
            list_amount: find("list_amount"),
            is_return: find("is_return"),
        })
    }

    fn line<'a>(&self, fields: &'a [String]) -> Result<(&'a str, Line), &'static str> {
        let text = |column: usize| fields.get(column).map(|field| field.trim()).unwrap_or_default();
        let optional = |column: Option<usize>| column.map(text).filter(|text| !text.is_empty());
        let hashed = |column: Option<usize>| optional(column).map_or(0, |text| key(text.as_bytes()));
        let number = |column: Option<usize>, reason| match optional(column) {
            None => Ok(f64::NAN),
            Some(text) => text.parse::<f64>().ok().filter(|value| value.is_finite()).ok_or(reason),
        };
        let customer = text(self.customer);
        if customer.is_empty() {
            return Err("no customer_id");
        }
        let minute = date::parse_minute(text(self.at)).ok_or("ordered_at is no date or time")?;
        let amount = number(Some(self.amount), "amount is no number")?;
        if amount.is_nan() {
            return Err("no amount");
        }
        let quantity = number(self.quantity, "quantity is no number")?;
        let list_amount = number(self.list_amount, "list_amount is no number")?;
        let is_return = match optional(self.is_return).map(str::to_lowercase).as_deref() {
            Some("true" | "t" | "1" | "yes" | "y") => true,
            Some("false" | "f" | "0" | "no" | "n") => false,
            Some(_) => return Err("is_return is neither true nor false"),
            None => quantity < 0.0 || amount < 0.0,
        };
        let line = Line {
            minute,
            order: hashed(self.order),
            product: hashed(self.product),
            category: hashed(self.category),
            quantity: if is_return { quantity.abs() } else { quantity } as f32,
            amount: if is_return { amount.abs() } else { amount },
            list_amount,
            is_return,
        };
        Ok((customer, line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_in_any_order_and_bad_rows_with_reasons() {
        let text = "\u{feff}amount,Order_Date,extra,customer_id,is_return\r\n\
                    10.5,1997-01-02,x,ann,\r\n\
                    ,1997-01-02,x,ann,\n\
                    3,yesterday,x,ann,false\n\
                    4,1997-03-02T10:00:00Z,\"x, \"\"y\"\"\",bob,TRUE\n\
                    nan,1997-03-02,x,bob,0\n\
                    5,1997-03-02,x,,0\n\
                    -2,1997-03-04,x,bob\n";
        let file = parse_orders(text).expect("a file");
        assert_eq!((file.rows, file.bad_rows, file.lines.len(), file.lines.customers()), (7, 4, 3, 2));
        assert_eq!(file.returns, 2);
        assert_eq!(file.examples[0], (3, "no amount".to_owned()));
        assert_eq!(file.examples[3], (7, "no customer_id".to_owned()));
        let last = file.days.expect("days").1;
        assert_eq!(date::name(last), "1997-03-04");
    }

    #[test]
    fn a_file_without_a_needed_column_or_rows() {
        assert!(matches!(parse_orders("a,b\n1,2\n"), Err(ReadError::MissingColumn("customer_id"))));
        let empty = parse_orders("customer_id,ordered_at,amount\n").expect("a file");
        assert_eq!((empty.rows, empty.days), (0, None));
    }
}
