//! Whether two statements say the same of an order. Times count to the minute, because a spreadsheet that saves a file
//! again cuts them there; amounts count by value; titles and the customer's address and name do not count.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

use super::statement::{Line, Statement};
use crate::identities::normal::Key;

/// What an order says, as a number: that of its head and of each line, added up. So lines may come in any order and in
/// parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Content(u128);

impl Content {
    /// All that a statement says.
    pub(super) fn of(statement: &Statement, key: &Key) -> Content {
        let mut bytes = Vec::with_capacity(96);
        text(&mut bytes, Some(key.text()));
        text(&mut bytes, Some(&statement.currency));
        bytes.extend([u8::from(statement.is_test), statement.payment as u8]);
        minute(&mut bytes, Some(statement.placed_at));
        minute(&mut bytes, statement.paid_at);
        minute(&mut bytes, statement.fulfilled_at);
        minute(&mut bytes, statement.cancelled_at);
        let head = Content(xxh3_128(&bytes));
        statement.lines.iter().fold(head, |sum, line| sum.with(line, statement, &mut bytes))
    }

    /// With the lines of another part of the same order.
    pub(super) fn and_lines_of(self, part: &Statement) -> Content {
        let mut bytes = Vec::with_capacity(96);
        part.lines.iter().fold(self, |sum, line| sum.with(line, part, &mut bytes))
    }

    fn with(self, line: &Line, statement: &Statement, bytes: &mut Vec<u8>) -> Content {
        write_line(line, statement, bytes);
        Content(self.0.wrapping_add(xxh3_128(bytes)))
    }
}

/// What each line of a statement says, and the same with its id, if it has one.
pub(super) fn lines(statement: &Statement) -> impl Iterator<Item = (u128, Option<u128>)> {
    let mut bytes = Vec::with_capacity(96);
    statement.lines.iter().map(move |line| {
        write_line(line, statement, &mut bytes);
        let alike = xxh3_128(&bytes);
        let same = line.line_id.as_deref().map(|id| {
            text(&mut bytes, Some(id));
            xxh3_128(&bytes)
        });
        (alike, same)
    })
}

fn write_line(line: &Line, statement: &Statement, bytes: &mut Vec<u8>) {
    bytes.clear();
    text(bytes, line.product_id.as_deref());
    text(bytes, line.category.as_deref());
    number(bytes, Some(line.quantity));
    number(bytes, Some(line.amount));
    number(bytes, line.list_amount);
    bytes.push(u8::from(line.is_return));
    minute(bytes, Some(line.at.unwrap_or(statement.placed_at)));
}

impl From<Content> for Uuid {
    fn from(content: Content) -> Uuid {
        Uuid::from_u128(content.0)
    }
}

impl From<Uuid> for Content {
    fn from(stored: Uuid) -> Content {
        Content(stored.as_u128())
    }
}

fn text(bytes: &mut Vec<u8>, text: Option<&str>) {
    let text = text.unwrap_or_default();
    bytes.extend((text.len() as u32).to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn minute(bytes: &mut Vec<u8>, time: Option<DateTime<Utc>>) {
    bytes.extend(time.map_or(i64::MIN, |time| time.timestamp().div_euclid(60)).to_be_bytes());
}

fn number(bytes: &mut Vec<u8>, number: Option<Decimal>) {
    match number {
        Some(number) => bytes.extend(number.normalize().serialize()),
        None => bytes.push(0xff),
    }
}
