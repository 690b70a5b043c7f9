//! A delivery on its way in: checked, unpacked, decoded and relieved of its pictures piece by piece, so that of a mail of
//! megabytes only the words are ever in memory.

use std::time::Duration;

use accounts::verify::Proof;
use axum::body::Body;
use axum::http::{HeaderMap, header};
use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::pictures::PictureCutter;
use crate::web::body;
use crate::web::packing::{Packing, Unpacker};
use crate::web::problem::Problem;

/// The largest body that a help desk may send, in bytes, before and after unpacking.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

/// A body with more words than this needs one of the places for large ones.
const LARGE_BYTES: usize = 512 * 1024;

/// How many large bodies are in memory at once.
const LARGE_AT_ONCE: usize = 8;

/// How long a large body waits for a place.
const WAIT: Duration = Duration::from_secs(5);

/// The places for large bodies, of one process.
#[derive(Debug)]
pub(super) struct Places(Semaphore);

impl Default for Places {
    fn default() -> Places {
        Places(Semaphore::new(LARGE_AT_ONCE))
    }
}

/// A body that came in whole.
#[derive(Debug)]
pub(super) struct Arrival<'a> {
    /// What it says, in UTF-8 as far as the sender knows how.
    pub(super) text: Vec<u8>,
    /// SHA-256 of what was unpacked.
    pub(super) sha256: [u8; 32],
    /// How many pictures were cut out, and how many bytes they had.
    pub(super) pictures: Option<(usize, usize)>,
    /// The place that a large one takes, as long as it is looked at.
    _place: Option<SemaphorePermit<'a>>,
}

/// Reads a body to its end; `proof` sees every byte as it was sent, and as it was unpacked.
///
/// # Errors
/// 413 when more than 8 MiB come or come out, 415 for a packing, a charset or a type that nothing can be made of, 400
/// and 408 as for any body.
pub(super) async fn read<'a>(
    headers: &HeaderMap,
    sent: Body,
    proof: &mut Proof,
    places: &'a Places,
) -> Result<Arrival<'a>, Problem> {
    let packing = Packing::of(headers)?;
    let mut charset = Charset::of(headers)?;
    let mut unpacker = Unpacker::new(packing, MAX_BODY_BYTES);
    let mut sha256 = Sha256::new();
    let mut cutter = PictureCutter::default();
    let (mut text, mut place, mut left) = (Vec::new(), None, MAX_BODY_BYTES);
    let mut pieces = sent.into_data_stream();
    loop {
        let piece = pieces.next().await.transpose().map_err(|error| body::broken(&error))?;
        let is_over = piece.is_none();
        let plain = match piece {
            Some(piece) => {
                left = left
                    .checked_sub(piece.len())
                    .ok_or_else(|| Problem::too_large("body", MAX_BODY_BYTES))?;
                proof.sent(&piece);
                unpacker.unpack(&piece)?
            }
            None => std::mem::replace(&mut unpacker, Unpacker::new(Packing::Plain, 0)).finish()?,
        };
        if packing != Packing::Plain {
            proof.unpacked(&plain);
        }
        sha256.update(&plain);
        charset.decode(&plain, is_over, |decoded| cutter.pass(decoded, &mut text));
        if place.is_none() && text.len() > LARGE_BYTES {
            place = Some(wait_for_place(places).await?);
        }
        if is_over {
            break;
        }
    }
    let pictures = Some((cutter.pictures, cutter.bytes)).filter(|(pictures, _)| *pictures > 0);
    Ok(Arrival { text, sha256: sha256.finalize().into(), pictures, _place: place })
}

async fn wait_for_place(places: &Places) -> Result<SemaphorePermit<'_>, Problem> {
    match tokio::time::timeout(WAIT, places.0.acquire()).await {
        Ok(Ok(place)) => Ok(place),
        _ => Err(Problem::unavailable()),
    }
}

/// Turns text of another charset into UTF-8.
enum Charset {
    /// Not known before the first bytes came.
    Unsaid,
    /// Nothing to do; what is no UTF-8 is mended by the reader.
    Utf8,
    Other(Box<Decoder>),
}

impl Charset {
    /// What the type says. A help desk may send its JSON under any name that is not plainly another thing.
    fn of(headers: &HeaderMap) -> Result<Charset, Problem> {
        let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(Charset::Unsaid) };
        let value = value.to_str().unwrap_or("?").to_ascii_lowercase();
        let mut parts = value.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        let is_fine = essence.starts_with("text/")
            || essence.ends_with("+json")
            || matches!(
                essence,
                "" | "application/json"
                    | "application/x-www-form-urlencoded"
                    | "application/octet-stream"
                    | "application/javascript"
            );
        if !is_fine {
            return Err(Problem::unsupported_media_type("application/json"));
        }
        let Some(label) = parts.find_map(|part| part.strip_prefix("charset=")) else {
            return Ok(Charset::Unsaid);
        };
        match Encoding::for_label(label.trim_matches(['"', '\'']).as_bytes()) {
            Some(encoding) if encoding == UTF_8 => Ok(Charset::Utf8),
            Some(encoding) => Ok(Charset::Other(Box::new(encoding.new_decoder()))),
            None => Err(Problem::unsupported_media_type(
                "application/json with a charset that is known, best UTF-8",
            )),
        }
    }

    fn decode(&mut self, bytes: &[u8], is_over: bool, mut pass: impl FnMut(&[u8])) {
        if matches!(self, Charset::Unsaid) && !bytes.is_empty() {
            // JSON begins with ASCII, so the first two bytes tell UTF-16.
            *self = match bytes {
                [0xFF, 0xFE, ..] | [b'{' | b'[', 0, ..] => Charset::Other(Box::new(UTF_16LE.new_decoder())),
                [0xFE, 0xFF, ..] | [0, b'{' | b'[', ..] => Charset::Other(Box::new(UTF_16BE.new_decoder())),
                _ => Charset::Utf8,
            };
        }
        let Charset::Other(decoder) = self else { return pass(bytes) };
        let mut rest = bytes;
        let mut decoded = [0; 4096];
        loop {
            let (result, read, written, _) = decoder.decode_to_utf8(rest, &mut decoded, is_over);
            pass(&decoded[..written]);
            rest = &rest[read..];
            if result == CoderResult::InputEmpty {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(content_type: Option<&'static str>, bytes: &[u8]) -> String {
        let mut headers = HeaderMap::new();
        if let Some(value) = content_type {
            headers.insert(header::CONTENT_TYPE, value.parse().expect("a header value"));
        }
        let mut charset = Charset::of(&headers).expect("understood");
        let mut text = Vec::new();
        for piece in bytes.chunks(3) {
            charset.decode(piece, false, |decoded| text.extend_from_slice(decoded));
        }
        charset.decode(&[], true, |decoded| text.extend_from_slice(decoded));
        String::from_utf8(text).expect("UTF-8")
    }

    #[test]
    fn charsets_are_understood_by_header_and_by_look() {
        let text = "{\"t\":\"Café 💥\"}";
        let utf16 = |encode: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(encode).collect::<Vec<u8>>();
        let json = Some("application/json");
        assert_eq!(decoded(json, text.as_bytes()), text);
        assert_eq!(decoded(None, &utf16(u16::to_le_bytes)), text);
        assert_eq!(decoded(json, &utf16(u16::to_be_bytes)), text);
        assert_eq!(decoded(Some("application/json; charset=utf-16le"), &utf16(u16::to_le_bytes)), text);
        assert_eq!(
            decoded(Some("text/plain; charset=\"ISO-8859-1\""), b"{\"t\":\"Caf\xe9\"}"),
            "{\"t\":\"Café\"}"
        );
    }

    #[test]
    fn what_is_plainly_no_json_is_refused_by_its_type() {
        for value in
            ["image/png", "multipart/form-data; boundary=x", "application/xml", "application/json; charset=x"]
        {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, value.parse().expect("a header value"));
            let problem = Charset::of(&headers).err().expect(value);
            assert_eq!((problem.status.as_u16(), problem.field.as_deref()), (415, Some("Content-Type")));
        }
    }
}
