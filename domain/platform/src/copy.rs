//! Rows in the binary form of COPY, and the way of a batch of them into a table that has row-level security: COPY does
//! not write into such a table, so a batch passes through a temporary one.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use database::{DbError, Tx, unless_silent};
use rust_decimal::Decimal;
use uuid::Uuid;

/// Encoded rows of one table.
pub struct Rows {
    bytes: Vec<u8>,
}

/// How long Postgres may take for each answer: a little longer than its own limit for a statement.
const ANSWER_WITHIN: Duration = Duration::from_secs(70);

/// COPY data is sent in pieces of at most this size, of which the connection keeps a copy.
const PIECE_BYTES: usize = 256 << 10;

impl Rows {
    /// No rows yet.
    pub fn new() -> Rows {
        let mut bytes = b"PGCOPY\n\xff\r\n\0".to_vec();
        bytes.extend([0; 8]);
        Rows { bytes }
    }

    /// Begins a row of so many values, which follow.
    pub fn row(&mut self, values: i16) -> &mut Rows {
        self.bytes.extend(values.to_be_bytes());
        self
    }

    /// A null.
    pub fn null(&mut self) -> &mut Rows {
        self.bytes.extend((-1i32).to_be_bytes());
        self
    }

    /// A `smallint`.
    pub fn i16(&mut self, value: Option<i16>) -> &mut Rows {
        self.fixed(value.map(i16::to_be_bytes))
    }

    /// An `integer`.
    pub fn i32(&mut self, value: Option<i32>) -> &mut Rows {
        self.fixed(value.map(i32::to_be_bytes))
    }

    /// A `bigint`.
    pub fn i64(&mut self, value: Option<i64>) -> &mut Rows {
        self.fixed(value.map(i64::to_be_bytes))
    }

    /// A `real`; what is no number is null.
    pub fn f32(&mut self, value: Option<f32>) -> &mut Rows {
        self.fixed(value.filter(|value| value.is_finite()).map(f32::to_be_bytes))
    }

    /// A `boolean`.
    pub fn bool(&mut self, value: bool) -> &mut Rows {
        self.fixed(Some([u8::from(value)]))
    }

    /// A `date`, sent as days since 2000.
    pub fn date(&mut self, value: Option<NaiveDate>) -> &mut Rows {
        const DAYS_FROM_1970_TO_2000: i32 = 10_957;
        self.i32(value.map(|date| date.to_epoch_days() - DAYS_FROM_1970_TO_2000))
    }

    /// A `timestamptz`, sent as microseconds since 2000.
    pub fn timestamp(&mut self, value: DateTime<Utc>) -> &mut Rows {
        const MICROS_FROM_1970_TO_2000: i64 = 946_684_800_000_000;
        self.i64(Some(value.timestamp_micros() - MICROS_FROM_1970_TO_2000))
    }

    /// A `text` or `bytea`.
    pub fn bytes(&mut self, value: Option<&[u8]>) -> &mut Rows {
        let Some(value) = value else { return self.null() };
        self.bytes.extend((value.len() as i32).to_be_bytes());
        self.bytes.extend_from_slice(value);
        self
    }

    /// A `text`.
    pub fn text(&mut self, value: Option<&str>) -> &mut Rows {
        self.bytes(value.map(str::as_bytes))
    }

    /// A `uuid`.
    pub fn uuid(&mut self, value: Option<Uuid>) -> &mut Rows {
        self.fixed(value.map(Uuid::into_bytes))
    }

    /// A `timestamptz` that may be missing.
    pub fn timestamp_or_null(&mut self, value: Option<DateTime<Utc>>) -> &mut Rows {
        match value {
            Some(value) => self.timestamp(value),
            None => self.null(),
        }
    }

    /// A `numeric`, which is sent in digits to the base 10,000 (`numeric_recv` of PostgreSQL's numeric.c).
    pub fn numeric(&mut self, value: Option<Decimal>) -> &mut Rows {
        let Some(value) = value else { return self.null() };
        let (sign, scale) = (if value.is_sign_negative() { 0x4000u16 } else { 0 }, value.scale());
        // The fraction is filled up to whole digits; a Decimal has 96 bits, so three more places fit into 128.
        let places = scale.div_ceil(4);
        let mut rest = value.mantissa().unsigned_abs() * 10u128.pow(places * 4 - scale);
        let mut digits = [0u16; 10];
        let mut first = digits.len();
        while rest > 0 {
            first -= 1;
            digits[first] = (rest % 10_000) as u16;
            rest /= 10_000;
        }
        let count = digits.len() - first;
        let weight = count as i16 - 1 - places as i16;
        self.bytes.extend((8 + 2 * count as i32).to_be_bytes());
        self.bytes.extend((count as u16).to_be_bytes());
        self.bytes.extend((if count == 0 { 0 } else { weight }).to_be_bytes());
        self.bytes.extend(sign.to_be_bytes());
        self.bytes.extend((scale as u16).to_be_bytes());
        for digit in &digits[first..] {
            self.bytes.extend(digit.to_be_bytes());
        }
        self
    }

    /// A `jsonb`, which is a version byte and the text.
    pub fn json(&mut self, value: Option<&str>) -> &mut Rows {
        let Some(value) = value else { return self.null() };
        self.bytes.extend((value.len() as i32 + 1).to_be_bytes());
        self.bytes.push(1);
        self.bytes.extend_from_slice(value.as_bytes());
        self
    }

    fn fixed<const N: usize>(&mut self, value: Option<[u8; N]>) -> &mut Rows {
        match value {
            Some(value) => {
                self.bytes.extend((N as i32).to_be_bytes());
                self.bytes.extend(value);
            }
            None => {
                self.null();
            }
        }
        self
    }

    /// Copies the rows into a temporary table, which holds these and no others until the transaction ends: what an
    /// earlier batch of it left there goes. The table itself stays with the connection, so that computing one customer
    /// does not make and drop a table each time. `columns` are names and types, as in CREATE TABLE.
    ///
    /// # Errors
    /// The database failed, or does not take the rows.
    pub async fn into_temporary(
        self,
        tx: &mut Tx,
        table: &'static str,
        columns: &'static str,
    ) -> Result<(), DbError> {
        unless_silent(ANSWER_WITHIN, self.copy(tx, table, columns)).await
    }

    async fn copy(mut self, tx: &mut Tx, table: &'static str, columns: &'static str) -> Result<(), DbError> {
        self.bytes.extend((-1i16).to_be_bytes());
        // One round trip: it is on the way of every single order.
        let empty = format!(
            "set local client_min_messages = warning;
             create temporary table if not exists {table} ({columns}) on commit delete rows;
             delete from {table}"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(empty)).execute(&mut **tx).await?;
        let mut copy = tx.copy_in_raw(&format!("copy {table} from stdin (format binary)")).await?;
        for piece in self.bytes.chunks(PIECE_BYTES) {
            copy.send(piece).await?;
        }
        copy.finish().await?;
        Ok(())
    }
}
