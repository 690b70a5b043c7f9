//! What a source says of one order: the whole of it, as it stood when the source said so. Files and webhooks alike are
//! read into statements; what a statement does to the order that is stored is decided in one place, and not by whoever
//! read it.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

/// An order as one source states it. Texts are trimmed, without control characters, and within their bounds
/// ([`ID_LIMIT`], [`TEXT_LIMIT`], [`EMAIL_LIMIT`]); amounts have two decimals at most and quantities three.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The shop's number of the order; what it is known by.
    pub order_id: String,
    /// Who bought.
    pub customer: Party,
    /// When the order was placed.
    pub placed_at: DateTime<Utc>,
    /// When it was paid, if the source says.
    pub paid_at: Option<DateTime<Utc>>,
    /// When all of it was sent, if the source says.
    pub fulfilled_at: Option<DateTime<Utc>>,
    /// When it was cancelled, if it was.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// When the source last changed the order, by its own clock. Of two statements with such a time the later one holds.
    pub stated_at: Option<DateTime<Utc>>,
    /// Whether the shop only tried its till.
    pub is_test: bool,
    /// What was paid.
    pub payment: Payment,
    /// ISO 4217 code of all amounts.
    pub currency: String,
    /// Whether neither the source nor whoever asked for it says so. It changes no order whose currency is known.
    pub is_currency_assumed: bool,
    /// What was bought and given back.
    pub lines: Vec<Line>,
}

/// Characters of an order's, a customer's, a product's and a line's id.
pub const ID_LIMIT: usize = 128;
/// Characters of a name, a category and a title.
pub const TEXT_LIMIT: usize = 200;
/// Characters of an address.
pub const EMAIL_LIMIT: usize = 320;
/// Lines of one order. A source that states more is broken or hostile.
pub const LINES_LIMIT: usize = 20_000;

/// What a source knows a customer by; at least one of id, address and number is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Party {
    /// The shop's id, as the source writes it: what spreadsheets do to it (`17850.0`, `1.23E+11`) is seen here.
    pub shop_id: Option<String>,
    /// Address as written.
    pub email: Option<String>,
    /// Telephone number as written.
    pub phone: Option<String>,
    /// Name as written.
    pub name: Option<String>,
}

/// How far an order was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Payment {
    /// The order was placed, and the source does not say whether it was paid.
    #[default]
    Placed,
    /// The source says that it is not paid yet.
    Pending,
    /// The money is promised and not taken.
    Authorized,
    /// Paid.
    Paid,
    /// Paid in part.
    PartlyPaid,
    /// Paid, and a part was given back. The return is among the lines where the source states it.
    PartlyRefunded,
    /// Paid, and all was given back. The return is among the lines where the source states it; where there is none,
    /// the lines are taken back as they are.
    Refunded,
    /// The promise was taken back before any money came.
    Voided,
    /// The payment failed.
    Failed,
}

impl Payment {
    /// Its name, as it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Payment::Placed => "placed",
            Payment::Pending => "pending",
            Payment::Authorized => "authorized",
            Payment::Paid => "paid",
            Payment::PartlyPaid => "partly_paid",
            Payment::PartlyRefunded => "partly_refunded",
            Payment::Refunded => "refunded",
            Payment::Voided => "voided",
            Payment::Failed => "failed",
        }
    }
}

/// Some pieces of one product in an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The source's id of the line.
    pub line_id: Option<String>,
    /// The shop's id of the product.
    pub product_id: Option<String>,
    /// Its category.
    pub category: Option<String>,
    /// Its name.
    pub title: Option<String>,
    /// Pieces; negative where the source counts returned pieces so.
    pub quantity: Decimal,
    /// What was paid for them; negative for a return.
    pub amount: Decimal,
    /// What the list asks for them, before discounts.
    pub list_amount: Option<Decimal>,
    /// Whether it was given back.
    pub is_return: bool,
    /// When, if that is not when the order was placed (a later return).
    pub at: Option<DateTime<Utc>>,
}

/// A place in a file between two rows. Reading can go on there as if it had come from the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// In the reader's own terms: bytes of unpacked text, rows of a table; only the reader that gave it goes on by it.
    pub offset: u64,
    /// Number of the row that begins there, from 1.
    pub line: u64,
}

/// What a reader found next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// An order: all rows of one that stand together. Rows that stand apart come as several of these, with one order
    /// id, and are put together where they are stored.
    Order {
        /// What is stated.
        statement: Statement,
        /// Number of its first row, from 1.
        line: u64,
        /// Rows that it was read from.
        rows: u32,
        /// Whether it begins with the order's own data, in a file whose other rows have none of them.
        is_headed: bool,
        /// Whether a time of day stands with the day on which it was placed.
        has_time: bool,
        /// Where reading can go on after it.
        after: Place,
    },
    /// Something to tell of a row.
    Note {
        /// What.
        note: Note,
        /// Rows that were left out with it; 0 for a remark.
        rows: u32,
        /// Where reading can go on after it; none when that is said by the order that follows.
        after: Option<Place>,
    },
}

/// What is told of a row that was left out, or taken with a remark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Number of the row, from 1.
    pub line: u64,
    /// The column as the file names it, if it is about one.
    pub column: Option<String>,
    /// Whether the row was left out or taken.
    pub kind: NoteKind,
    /// The kind of fault in a few fixed words of snake case, by which notes are counted (`amount_unreadable`).
    pub reason: &'static str,
    /// What was seen, and what would be accepted.
    pub message: String,
    /// The row as it stands in the file, in part. It may hold personal data.
    pub raw: String,
}

/// Whether a row was left out or taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum NoteKind {
    /// Nothing of the row is stored.
    LeftOut,
    /// The row is stored, and something is to be said about it.
    Remark,
}

impl NoteKind {
    /// Its name, as it is stored.
    pub fn name(self) -> &'static str {
        match self {
            NoteKind::LeftOut => "left_out",
            NoteKind::Remark => "remark",
        }
    }
}
