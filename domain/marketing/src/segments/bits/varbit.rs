//! Bit strings as Postgres wants them: the first customer is the highest bit of the first byte.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo};
use sqlx::{Encode, Postgres, Type};

/// A bit for each customer of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    length: usize,
}

impl Bits {
    pub(super) fn zeros(length: usize) -> Bits {
        Bits { bytes: vec![0; length.div_ceil(8)], length }
    }

    pub(super) fn set(&mut self, place: usize) {
        self.bytes[place / 8] |= 0x80 >> (place % 8);
    }
}

impl Type<Postgres> for Bits {
    fn type_info() -> PgTypeInfo {
        // varbit, in every Postgres
        PgTypeInfo::with_oid(Oid(1562))
    }
}

impl PgHasArrayType for Bits {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1563))
    }
}

impl Encode<'_, Postgres> for Bits {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend(i32::try_from(self.length)?.to_be_bytes());
        buffer.extend(&self.bytes);
        Ok(IsNull::No)
    }

    fn size_hint(&self) -> usize {
        4 + self.bytes.len()
    }
}
