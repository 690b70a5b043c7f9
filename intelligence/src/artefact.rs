//! The frame around a stored model: what kind it is, how long, and a checksum, so that a damaged or foreign file is
//! an error before anything in it is believed.

use std::io::{Read, Write};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde::{Serialize, de::DeserializeOwned};
use xxhash_rust::xxh3::xxh3_64;

use crate::forest::Forest;

/// Why stored bytes are no usable model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArtefactError {
    /// Another kind of file, or another version of this kind.
    #[error("these bytes are no {expected} model of a version that this program reads")]
    Foreign {
        /// What should have been there.
        expected: &'static str,
    },
    /// Cut off or changed.
    #[error("the model is damaged: {0}")]
    Damaged(&'static str),
    /// Well stored, but what it says cannot be used.
    #[error("the model cannot be used: {0}")]
    Unusable(String),
}

/// What a model is stored as.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// First bytes of the file; the last is the version.
    pub(crate) magic: [u8; 8],
}

const HEADER: usize = 24;
/// No model is larger; a length beyond it is damage and must not become an allocation.
const LARGEST: u64 = 256 << 20;

/// The trees of a stored model; none when it has none.
pub(crate) fn forest(trees: &[String], names: &[&str]) -> Result<Option<Forest>, ArtefactError> {
    if trees.is_empty() {
        return Ok(None);
    }
    Forest::parse(trees, names).map(Some).map_err(|error| ArtefactError::Unusable(error.to_string()))
}

/// Magic, length of the text, checksum of what follows, and the compressed text.
pub(crate) fn seal(kind: Kind, model: &impl Serialize) -> Vec<u8> {
    let text = serde_json::to_vec(model).expect("a model has string keys and finite numbers");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(&text).expect("writing to memory does not fail");
    let packed = encoder.finish().expect("writing to memory does not fail");
    let mut bytes = Vec::with_capacity(HEADER + packed.len());
    bytes.extend(kind.magic);
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(xxh3_64(&packed).to_le_bytes());
    bytes.extend(packed);
    bytes
}

/// The model in these bytes, whose own numbers are still to be checked.
pub(crate) fn open<M: DeserializeOwned>(kind: Kind, bytes: &[u8]) -> Result<M, ArtefactError> {
    if bytes.get(..8) != Some(kind.magic.as_slice()) {
        return Err(ArtefactError::Foreign { expected: kind.name });
    }
    let number =
        |from: usize| bytes.get(from..from + 8).and_then(|part| part.try_into().ok()).map(u64::from_le_bytes);
    let (Some(length), Some(checksum)) = (number(8), number(16)) else {
        return Err(ArtefactError::Damaged("it is cut off"));
    };
    let packed = &bytes[HEADER..];
    if xxh3_64(packed) != checksum {
        return Err(ArtefactError::Damaged("the checksum differs"));
    }
    if length > LARGEST {
        return Err(ArtefactError::Damaged("it claims to be too long"));
    }
    let mut text = Vec::new();
    let read = GzDecoder::new(packed).take(length + 1).read_to_end(&mut text);
    if read.is_err() || text.len() as u64 != length {
        return Err(ArtefactError::Damaged("it does not unpack to its length"));
    }
    serde_json::from_slice(&text).map_err(|error| ArtefactError::Unusable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KIND: Kind = Kind { name: "test", magic: *b"testing\x01" };

    proptest! {
        #[test]
        fn any_change_is_noticed(at in 0usize..200, flip in 1u8..=255, cut in 0usize..200) {
            let model = vec![1.5f64; 40];
            let bytes = seal(KIND, &model);
            prop_assert_eq!(open::<Vec<f64>>(KIND, &bytes), Ok(model));
            let mut changed = bytes.clone();
            let at = at % changed.len();
            changed[at] ^= flip;
            prop_assert!(open::<Vec<f64>>(KIND, &changed).is_err());
            prop_assert!(open::<Vec<f64>>(KIND, &bytes[..cut % bytes.len()]).is_err());
        }
    }
}
