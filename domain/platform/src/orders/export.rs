//! Hands a tenant's order lines out of Postgres, one by one. COPY in binary form is the fastest way out, and a row is
//! decoded where it arrives, so nothing but what the caller keeps of it is ever held.

use std::time::Duration;

use chrono::NaiveDate;
use database::{DbError, Tx, unless_silent};
use futures_util::TryStreamExt;
use sqlx::Row;

/// Whose lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Those of about one customer in so many, chosen by a hash of the id; 1 is everybody.
    Sample(i64),
    /// Those of a range of customer ids: lower bound included, upper excluded, null is no bound.
    Range(Option<String>, Option<String>),
    /// Those of named customers.
    Named(Vec<String>),
}

/// An order line, as bytes where texts are only compared.
#[derive(Debug)]
pub struct ExportedLine<'b> {
    /// The shop's id of the customer.
    pub customer: &'b [u8],
    /// The shop's number of the order.
    pub order: &'b [u8],
    /// Minutes since 1970 on the shop's clock.
    pub minute: i32,
    /// The shop's id of the product.
    pub product: Option<&'b [u8]>,
    /// Its category.
    pub category: Option<&'b [u8]>,
    /// Pieces.
    pub quantity: f64,
    /// What was paid; negative for a return.
    pub amount: f64,
    /// What the list said.
    pub list_amount: Option<f64>,
    /// Whether it is a return.
    pub is_return: bool,
}

/// A row that is not what the statement promises; it would be a fault of this program.
#[derive(Debug, thiserror::Error)]
#[error("a copied row cannot be decoded: {0}")]
pub struct Garbled(pub &'static str);

impl From<Garbled> for DbError {
    fn from(error: Garbled) -> DbError {
        sqlx::Error::Decode(Box::new(error)).into()
    }
}

/// The longest pause between two rows: a sample passes over many lines without a word.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);

/// Lines between two looks whether to go on.
const LOOK_EVERY: u64 = 100_000;

/// Hands the lines of `selection` in `currency` up to the end of the day `until` to `take`, in no order (platform
/// role). `watch` is told how many lines were read and ends it by answering false. Answers whether all were read.
///
/// # Errors
/// The database failed, or `take` refused a line.
pub async fn export(
    tx: &mut Tx,
    selection: &Selection,
    currency: &str,
    until: NaiveDate,
    take: impl FnMut(ExportedLine<'_>) -> Result<(), Garbled>,
    watch: impl FnMut(u64) -> bool,
) -> Result<bool, DbError> {
    unless_silent(ANSWER_WITHIN, read(tx, selection, currency, until, take, watch)).await
}

async fn read(
    tx: &mut Tx,
    selection: &Selection,
    currency: &str,
    until: NaiveDate,
    mut take: impl FnMut(ExportedLine<'_>) -> Result<(), Garbled>,
    mut watch: impl FnMut(u64) -> bool,
) -> Result<bool, DbError> {
    let (lower, upper, named, one_in) = match selection {
        Selection::Sample(one_in) => (None, None, None, *one_in),
        Selection::Range(lower, upper) => (lower.as_deref(), upper.as_deref(), None, 1),
        Selection::Named(names) => (None, None, Some(names), 1),
    };
    // COPY takes no parameters, so they pass through settings of the transaction.
    let row = sqlx::query(
        "select set_config('desk.currency', $1, true), set_config('desk.until', $2, true),
                set_config('desk.lower', $3, true), set_config('desk.upper', $4, true),
                set_config('desk.named', $5::text[]::text, true), set_config('desk.one_in', $6, true),
                set_config('statement_timeout', '900s', true), set_config('enable_indexscan', $7, true),
                set_config('desk.zone', platform.shop_zone(), true)",
    )
    .bind(currency)
    .bind(until.succ_opt().unwrap_or(until).to_string())
    .bind(lower.unwrap_or_default())
    .bind(upper.unwrap_or_default())
    .bind(named.cloned().unwrap_or_default())
    .bind(one_in.to_string())
    // What reads most of a tenant's pages reads each of them once, which the planner cannot know of these settings.
    .bind(if matches!(selection, Selection::Sample(_)) { "off" } else { "on" })
    .fetch_one(&mut **tx)
    .await?;
    // Minutes are those of the shop's clock. In UTC, where most are, nothing is converted.
    let zone: String = row.try_get(8)?;
    let at = if zone == "UTC" {
        "ordered_at"
    } else {
        "ordered_at at time zone (select current_setting('desk.zone')) as ordered_at"
    };
    let chosen = match selection {
        Selection::Sample(1) | Selection::Range(None, None) => "",
        Selection::Sample(_) => {
            "and mod(hashtextextended(customer_id, 0), (select current_setting('desk.one_in')::bigint)) = 0"
        }
        Selection::Range(Some(_), None) => "and customer_id >= (select current_setting('desk.lower'))",
        Selection::Range(None, Some(_)) => "and customer_id < (select current_setting('desk.upper'))",
        Selection::Range(Some(_), Some(_)) => {
            "and customer_id >= (select current_setting('desk.lower'))
             and customer_id < (select current_setting('desk.upper'))"
        }
        Selection::Named(_) => "and customer_id = any ((select current_setting('desk.named'))::text[])",
    };
    // Row-level security adds the tenant, once for the statement and not for each row.
    let statement = format!(
        "copy (select customer_id, order_id, {at}, product_id, category, quantity, amount, list_amount, is_return
               from platform.order_line
               where currency = (select current_setting('desk.currency')) and counts is not false
                 and ordered_at < (select current_setting('desk.until')::date::timestamp at time zone current_setting('desk.zone')) {chosen})
         to stdout (format binary)"
    );
    let mut stream = tx.copy_out_raw(&statement).await?;
    let mut pending: Vec<u8> = Vec::new();
    let mut count = 0;
    let mut next_look = LOOK_EVERY;
    let mut header_is_read = false;
    while let Some(chunk) = stream.try_next().await? {
        // A message is usually exactly one row, but the protocol does not promise it.
        let mut bytes: &[u8] = if pending.is_empty() {
            &chunk
        } else {
            pending.extend_from_slice(&chunk);
            &pending
        };
        if !header_is_read && let Some(rest) = header(bytes)? {
            bytes = rest;
            header_is_read = true;
        }
        if header_is_read {
            while let Some((line, rest)) = first_line(bytes)? {
                take(line)?;
                count += 1;
                bytes = rest;
            }
        }
        pending = bytes.to_vec();
        if count >= next_look {
            next_look += LOOK_EVERY;
            if !watch(count) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// The first row of `bytes` and what follows it; none when the row is not complete or the end is reached.
fn first_line(bytes: &[u8]) -> Result<Option<(ExportedLine<'_>, &[u8])>, Garbled> {
    let mut fields = Fields { bytes };
    let Some(count) = fields.i16() else { return Ok(None) };
    if count == -1 {
        return Ok(None);
    }
    if count != 9 {
        return Err(Garbled("the number of fields"));
    }
    let mut values = [None; 9];
    for value in &mut values {
        let Some(read) = fields.value() else { return Ok(None) };
        *value = read;
    }
    let [customer, order, at, product, category, quantity, amount, list_amount, is_return] = values;
    let line = ExportedLine {
        customer: customer.ok_or(Garbled("customer_id"))?,
        order: order.ok_or(Garbled("order_id"))?,
        minute: at.and_then(minute).ok_or(Garbled("ordered_at"))?,
        product,
        category,
        quantity: quantity.and_then(numeric).ok_or(Garbled("quantity"))?,
        amount: amount.and_then(numeric).ok_or(Garbled("amount"))?,
        list_amount: list_amount.and_then(numeric),
        is_return: is_return.ok_or(Garbled("is_return"))? == [1],
    };
    Ok(Some((line, fields.bytes)))
}

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// What follows the header; none when it is not complete (PostgreSQL manual, COPY, "Binary Format").
fn header(bytes: &[u8]) -> Result<Option<&[u8]>, Garbled> {
    const FIXED: usize = SIGNATURE.len() + 8;
    if bytes.len() < FIXED {
        return Ok(None);
    }
    if !bytes.starts_with(SIGNATURE) {
        return Err(Garbled("the header"));
    }
    let extension = u32::from_be_bytes([bytes[15], bytes[16], bytes[17], bytes[18]]) as usize;
    Ok(bytes.get(FIXED + extension..))
}

struct Fields<'b> {
    bytes: &'b [u8],
}

impl<'b> Fields<'b> {
    fn i16(&mut self) -> Option<i16> {
        let (head, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some(i16::from_be_bytes(*head))
    }

    /// The next value, which may be null; none when it is not complete.
    fn value(&mut self) -> Option<Option<&'b [u8]>> {
        let (head, rest) = self.bytes.split_first_chunk()?;
        let length = i32::from_be_bytes(*head);
        let Ok(length) = usize::try_from(length) else {
            self.bytes = rest;
            return Some(None);
        };
        if rest.len() < length {
            return None;
        }
        let (value, rest) = rest.split_at(length);
        self.bytes = rest;
        Some(Some(value))
    }
}

/// Minutes since 1970 of a timestamp, which is sent as microseconds since 2000.
fn minute(bytes: &[u8]) -> Option<i32> {
    const FROM_1970_TO_2000: i64 = 10_957 * 1_440;
    let micros = i64::from_be_bytes(bytes.try_into().ok()?);
    i32::try_from(micros.div_euclid(60_000_000) + FROM_1970_TO_2000).ok()
}

/// A numeric, which is sent in digits to the base 10,000 (`numeric_send` of PostgreSQL's numeric.c). Exact to the last
/// bit that a double has, because the digits are one integer and the division is one.
fn numeric(bytes: &[u8]) -> Option<f64> {
    let (head, digits) = bytes.split_first_chunk::<8>()?;
    let weight = i32::from(i16::from_be_bytes([head[2], head[3]]));
    let is_negative = match u16::from_be_bytes([head[4], head[5]]) {
        0x0000 => false,
        0x4000 => true,
        _ => return None,
    };
    let digits = digits.as_chunks::<2>().0;
    let digits = &digits[..digits.len().min(9)];
    let exponent = weight - digits.len() as i32 + 1;
    // Four digits are what an amount has, and fit into what a processor reckons with.
    let integer = match digits.len() {
        0..=4 => {
            digits.iter().fold(0, |sum: u64, digit| sum * 10_000 + u64::from(u16::from_be_bytes(*digit)))
                as f64
        }
        _ => digits.iter().fold(0, |sum: i128, digit| sum * 10_000 + i128::from(u16::from_be_bytes(*digit)))
            as f64,
    };
    let scale = match exponent.abs() {
        0 => 1.0,
        1 => 1e4,
        far => 10_000f64.powi(far),
    };
    let value = if exponent < 0 { integer / scale } else { integer * scale };
    Some(if is_negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(weight: i16, sign: u16, scale: u16, digits: &[u16]) -> Vec<u8> {
        let mut bytes = (digits.len() as u16).to_be_bytes().to_vec();
        bytes.extend(weight.to_be_bytes());
        bytes.extend(sign.to_be_bytes());
        bytes.extend(scale.to_be_bytes());
        bytes.extend(digits.iter().flat_map(|digit| digit.to_be_bytes()));
        bytes
    }

    #[test]
    fn numerics_are_decoded_exactly() {
        assert_eq!(numeric(&sent(0, 0, 2, &[11, 7700])), Some(11.77));
        assert_eq!(numeric(&sent(0, 0x4000, 2, &[12])), Some(-12.0));
        assert_eq!(numeric(&sent(-1, 0, 2, &[500])), Some(0.05));
        assert_eq!(numeric(&sent(2, 0, 2, &[9999, 9999, 9999, 9900])), Some(999_999_999_999.99));
        assert_eq!(numeric(&sent(1, 0, 0, &[3])), Some(30_000.0));
        assert_eq!(numeric(&sent(0, 0, 2, &[])), Some(0.0));
        assert_eq!(numeric(&sent(3, 0, 2, &[1, 0, 0, 0, 5000])), Some(1_000_000_000_000.5));
        assert_eq!(numeric(&sent(0, 0xc000, 0, &[])), None, "NaN is no amount");
    }

    #[test]
    fn few_digits_and_many_are_the_same_number() {
        for weight in -4..=8_i16 {
            for digits in [&[7][..], &[7, 1], &[9999, 1, 2], &[9999, 9999, 9999, 9999]] {
                // Zeros behind change nothing, but the number of digits.
                let more: Vec<u16> = digits.iter().copied().chain([0; 5]).collect();
                let (few, many) = (numeric(&sent(weight, 0, 2, digits)), numeric(&sent(weight, 0, 2, &more)));
                let (few, many) = (few.expect("a number"), many.expect("a number"));
                assert!((few - many).abs() <= few * 1e-12, "{few} is not {many}");
            }
        }
    }

    #[test]
    fn a_timestamp_becomes_minutes() {
        assert_eq!(minute(&0i64.to_be_bytes()), Some(946_684_800 / 60));
        assert_eq!(minute(&(-1i64).to_be_bytes()), Some(946_684_800 / 60 - 1));
    }
}
