//! Bodies that were packed for the way: `Content-Encoding`, compared without case. What is counted against a limit is
//! what comes out, so that a small body cannot become a large one.

use std::io::{self, Write};

use axum::http::{HeaderMap, header};
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use crate::web::problem::Problem;

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// gzip, of one member or several.
    Gzip,
    /// zlib, or what some senders mean by `deflate`: the same without its header.
    Deflate,
}

impl Packing {
    /// What the headers say.
    ///
    /// # Errors
    /// 415 naming `Content-Encoding` when it is none of these, or several at once.
    pub fn of(headers: &HeaderMap) -> Result<Packing, Problem> {
        let mut packing = Packing::Plain;
        for value in headers.get_all(header::CONTENT_ENCODING) {
            for name in value.to_str().unwrap_or("?").split(',') {
                let next = match name.trim().to_ascii_lowercase().as_str() {
                    "" | "identity" => continue,
                    "gzip" | "x-gzip" => Packing::Gzip,
                    "deflate" => Packing::Deflate,
                    _ => return Err(unknown()),
                };
                if packing != Packing::Plain {
                    return Err(unknown());
                }
                packing = next;
            }
        }
        Ok(packing)
    }
}

fn unknown() -> Problem {
    Problem::unsupported_media_type("a body that is not packed, or packed once with gzip or deflate")
        .at("Content-Encoding")
}

/// Unpacks a body piece by piece.
#[derive(Debug)]
pub struct Unpacker {
    decoder: Decoder,
    limit_bytes: usize,
}

#[derive(Debug)]
enum Decoder {
    Plain(Bounded),
    Gzip(Box<MultiGzDecoder<Bounded>>),
    /// `deflate`, before its first byte came, which tells which of the two it is.
    Unknown(Bounded),
    Zlib(Box<ZlibDecoder<Bounded>>),
    Raw(Box<DeflateDecoder<Bounded>>),
}

/// What came out, and how much more may.
#[derive(Debug, Default)]
struct Bounded {
    bytes: Vec<u8>,
    left: usize,
    is_full: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.left {
            self.is_full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.left -= bytes.len();
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Unpacker {
    /// For a body of which at most `limit_bytes` may come out.
    pub fn new(packing: Packing, limit_bytes: usize) -> Unpacker {
        let out = Bounded { left: limit_bytes, ..Bounded::default() };
        let decoder = match packing {
            Packing::Plain => Decoder::Plain(out),
            Packing::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(out))),
            Packing::Deflate => Decoder::Unknown(out),
        };
        Unpacker { decoder, limit_bytes }
    }

    /// What comes out of the next piece.
    ///
    /// # Errors
    /// 413 when it is too much in all, 400 when it is not packed as the header says.
    pub fn unpack(&mut self, piece: &[u8]) -> Result<Vec<u8>, Problem> {
        if let Decoder::Unknown(out) = &mut self.decoder
            && let Some(first) = piece.first()
        {
            let out = std::mem::take(out);
            self.decoder = if first & 0x0f == 8 {
                Decoder::Zlib(Box::new(ZlibDecoder::new(out)))
            } else {
                Decoder::Raw(Box::new(DeflateDecoder::new(out)))
            };
        }
        let done = match &mut self.decoder {
            Decoder::Plain(out) | Decoder::Unknown(out) => out.write_all(piece),
            Decoder::Gzip(decoder) => decoder.write_all(piece).and_then(|()| decoder.flush()),
            Decoder::Zlib(decoder) => decoder.write_all(piece).and_then(|()| decoder.flush()),
            Decoder::Raw(decoder) => decoder.write_all(piece).and_then(|()| decoder.flush()),
        };
        self.told(done)
    }

    /// What comes out at the end.
    ///
    /// # Errors
    /// As for [`Unpacker::unpack`]; a body that was cut off is not packed as the header says.
    pub fn finish(mut self) -> Result<Vec<u8>, Problem> {
        let done = match &mut self.decoder {
            Decoder::Plain(_) | Decoder::Unknown(_) => Ok(()),
            Decoder::Gzip(decoder) => decoder.try_finish(),
            Decoder::Zlib(decoder) => decoder.try_finish(),
            Decoder::Raw(decoder) => decoder.try_finish(),
        };
        self.told(done)
    }

    fn told(&mut self, done: io::Result<()>) -> Result<Vec<u8>, Problem> {
        let limit_bytes = self.limit_bytes;
        let out = self.out();
        match done {
            Ok(()) => Ok(std::mem::take(&mut out.bytes)),
            Err(_) if out.is_full => Err(Problem::too_large("body", limit_bytes)),
            Err(_) => {
                Err(Problem::bad_request("Content-Encoding", "the body is not packed as this header says"))
            }
        }
    }

    fn out(&mut self) -> &mut Bounded {
        match &mut self.decoder {
            Decoder::Plain(out) | Decoder::Unknown(out) => out,
            Decoder::Gzip(decoder) => decoder.get_mut(),
            Decoder::Zlib(decoder) => decoder.get_mut(),
            Decoder::Raw(decoder) => decoder.get_mut(),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn packing(values: &[&'static str]) -> Result<Packing, Problem> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::CONTENT_ENCODING, value.parse().expect("a header value"));
        }
        Packing::of(&headers)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).expect("packed");
        encoder.finish().expect("packed")
    }

    fn unpack(packing: Packing, packed: &[u8], limit: usize) -> Result<Vec<u8>, Problem> {
        let mut unpacker = Unpacker::new(packing, limit);
        let mut plain = Vec::new();
        for piece in packed.chunks(7) {
            plain.extend(unpacker.unpack(piece)?);
        }
        plain.extend(unpacker.finish()?);
        Ok(plain)
    }

    #[test]
    fn names_compare_without_case_and_unknown_ones_are_refused() {
        for (values, expected) in [
            (&[][..], Packing::Plain),
            (&["identity"], Packing::Plain),
            (&["GZIP"], Packing::Gzip),
            (&["x-gzip"], Packing::Gzip),
            (&["identity", "gzip"], Packing::Gzip),
            (&["Deflate"], Packing::Deflate),
        ] {
            assert_eq!(packing(values), Ok(expected), "{values:?}");
        }
        for values in [&["br"][..], &["gzip, gzip"], &["gzip", "deflate"], &["zstd"]] {
            let problem = packing(values).expect_err("unknown");
            assert_eq!(problem.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
            assert_eq!(problem.field.as_deref(), Some("Content-Encoding"));
        }
    }

    #[test]
    fn what_was_packed_comes_out_in_every_way() {
        let text = b"It has been a week. ".repeat(50);
        let mut several = gzip(&text[..300]);
        several.extend(gzip(&text[300..]));
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(&text).expect("packed");
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
        raw.write_all(&text).expect("packed");
        for (packing, packed) in [
            (Packing::Plain, text.clone()),
            (Packing::Gzip, gzip(&text)),
            (Packing::Gzip, several),
            (Packing::Deflate, zlib.finish().expect("packed")),
            (Packing::Deflate, raw.finish().expect("packed")),
        ] {
            assert_eq!(unpack(packing, &packed, text.len()), Ok(text.clone()), "{packing:?}");
            let problem = unpack(packing, &packed, text.len() - 1).expect_err("one byte more than may be");
            assert_eq!(problem.status, StatusCode::PAYLOAD_TOO_LARGE);
        }
    }

    #[test]
    fn what_is_cut_off_or_not_packed_names_the_header() {
        let packed = gzip(b"It has been a week.");
        for bytes in [&packed[..packed.len() / 2], b"{\"ticket\":{\"id\":1}}"] {
            let problem = unpack(Packing::Gzip, bytes, 1_000).expect_err("not gzip");
            assert_eq!(problem.field.as_deref(), Some("Content-Encoding"));
        }
    }
}
