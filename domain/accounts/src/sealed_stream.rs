//! Long values sealed piece by piece, so that neither who seals nor who opens holds them whole. Pieces know their place and
//! whether they are the last, so none can be left out, moved or added.
//!
//! Each is a byte (1: the last), four bytes of length, and what [`TenantKey::seal`] made of it.

use crate::seal::UnsealError;
use crate::tenant_keys::TenantKey;

/// Bytes of a piece before they are sealed.
pub const PIECE_BYTES: usize = 64 * 1024;
/// Before what is sealed.
const HEADER_BYTES: usize = 5;
/// The longest piece with what sealing adds.
const MOST_BYTES: usize = PIECE_BYTES + 1024;

fn owner_of(owner: &str, number: u64, is_last: u8) -> String {
    format!("{owner}:{number}:{is_last}")
}

/// Seals a value's pieces one after the other.
#[derive(Debug)]
pub struct Sealer {
    key: TenantKey,
    owner: String,
    number: u64,
}

impl Sealer {
    /// For a value of `owner`.
    pub fn new(key: TenantKey, owner: String) -> Sealer {
        Sealer { key, owner, number: 0 }
    }

    /// The next piece, of at most [`PIECE_BYTES`].
    pub fn piece(&mut self, plain: &[u8]) -> Vec<u8> {
        self.sealed(plain, 0)
    }

    /// The last piece; it may be empty.
    pub fn last(mut self, plain: &[u8]) -> Vec<u8> {
        self.sealed(plain, 1)
    }

    fn sealed(&mut self, plain: &[u8], is_last: u8) -> Vec<u8> {
        let sealed = self.key.seal(&owner_of(&self.owner, self.number, is_last), plain);
        self.number += 1;
        let length = u32::try_from(sealed.len()).expect("a piece is short");
        [&[is_last], length.to_be_bytes().as_slice(), &sealed].concat()
    }
}

/// Opens a value's pieces as they arrive, cut anywhere.
#[derive(Debug)]
pub struct Opener {
    key: TenantKey,
    owner: String,
    number: u64,
    waiting: Vec<u8>,
    is_over: bool,
}

impl Opener {
    /// For a value of `owner`.
    pub fn new(key: TenantKey, owner: String) -> Opener {
        Opener { key, owner, number: 0, waiting: Vec::new(), is_over: false }
    }

    /// What the pieces say that are complete with these bytes.
    ///
    /// # Errors
    /// They were not sealed so.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, UnsealError> {
        self.waiting.extend_from_slice(bytes);
        let (mut plain, mut at) = (Vec::new(), 0);
        while let Some((header, rest)) = self.waiting[at..].split_first_chunk::<HEADER_BYTES>() {
            let [is_last, length @ ..] = *header;
            let length = u32::from_be_bytes(length) as usize;
            if self.is_over || is_last > 1 || length > MOST_BYTES {
                return Err(UnsealError);
            }
            let Some(sealed) = rest.get(..length) else { break };
            plain.extend(self.key.open(&owner_of(&self.owner, self.number, is_last), sealed)?);
            self.number += 1;
            self.is_over = is_last == 1;
            at += HEADER_BYTES + length;
        }
        self.waiting.drain(..at);
        Ok(plain)
    }

    /// Whether the last piece came; without it something is missing.
    pub fn is_over(&self) -> bool {
        self.is_over && self.waiting.is_empty()
    }
}

/// What is sealed in the first piece of a stream that begins so, for [`crate::tenant_keys::of_value`]: it names the key.
pub fn first_sealed(start: &[u8]) -> &[u8] {
    start.get(HEADER_BYTES..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_whole_however_it_is_cut_and_nothing_can_be_taken_from_it() {
        let key = TenantKey::for_tests();
        let plain: Vec<u8> = (0..150_000_u32).map(|number| number as u8).collect();
        let mut sealer = Sealer::new(key.clone(), "archive".into());
        let mut pieces: Vec<Vec<u8>> = plain.chunks(PIECE_BYTES).map(|piece| sealer.piece(piece)).collect();
        pieces.push(sealer.last(b"end"));
        let open = |bytes: &[u8], cut: usize| {
            let mut opener = Opener::new(key.clone(), "archive".into());
            let mut all = Vec::new();
            for part in bytes.chunks(cut) {
                all.extend(opener.push(part)?);
            }
            Ok::<_, UnsealError>((all, opener.is_over()))
        };
        let whole = pieces.concat();
        for cut in [7, 65_536, 1_000_000] {
            let (all, is_over) = open(&whole, cut).expect("opens");
            assert!(is_over && all == [plain.as_slice(), b"end"].concat());
        }
        assert!(!open(&pieces[..pieces.len() - 1].concat(), 9_999).expect("opens").1, "the end is missing");
        assert!(open(&pieces[1..].concat(), 9_999).is_err(), "the beginning is missing");
        assert!(open(&[whole.as_slice(), &pieces[0]].concat(), 9_999).is_err(), "something was added");
        assert!(Opener::new(key, "another".into()).push(&whole).is_err());
    }
}
