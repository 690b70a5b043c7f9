//! Finds a text's character encoding and turns it into UTF-8.
//!
//! UTF-8 and UTF-16 prove themselves; what is neither is told by how its signs stand (`guess`), and is Windows-1252 unless it
//! is surely another one: that is what most spreadsheets on Windows write, and it gives every byte a meaning. Anything else
//! has to be stated.

mod guess;

use std::io::{self, Read};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::decisions::Found;
use crate::error::TableError;

/// An encoding and what it rests on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Detected {
    pub(crate) encoding: &'static Encoding,
    pub(crate) by: Found,
    /// Bytes of byte order marks at the beginning.
    pub(crate) mark: usize,
}

/// Whether an encoding of this name is known, as the Encoding Standard names them.
pub fn is_encoding(label: &str) -> bool {
    named(label).is_some()
}

fn named(label: &str) -> Option<&'static Encoding> {
    Encoding::for_label(label.as_bytes()).filter(|encoding| *encoding != encoding_rs::REPLACEMENT)
}

/// The encoding of a text from its beginning, or as stated.
pub(crate) fn detect(head: &[u8], stated: Option<&str>) -> Result<Detected, TableError> {
    if head.starts_with(&[0xff, 0xfe, 0, 0]) || head.starts_with(&[0, 0, 0xfe, 0xff]) {
        return Err(TableError::Unsupported(
            "the file is UTF-32, which is not read; save it as UTF-8".to_owned(),
        ));
    }
    let marked = Encoding::for_bom(head);
    if let Some(label) = stated {
        let encoding = named(label).ok_or_else(|| {
            TableError::Option(format!(
                "`encoding` is none that is known: {}; name one of the Encoding Standard, e.g. utf-8, windows-1252, utf-16le",
                label.chars().take(40).collect::<String>()
            ))
        })?;
        let mark = marked.filter(|(found, _)| *found == encoding).map_or(0, |(_, length)| length);
        return Ok(Detected { encoding, by: Found::Stated, mark });
    }
    if let Some((encoding, mut mark)) = marked {
        // Files that went through two programs have two marks.
        while encoding == UTF_8 && head[mark..].starts_with(b"\xef\xbb\xbf") {
            mark += 3;
        }
        return Ok(Detected { encoding, by: Found::Marked, mark });
    }
    let encoding = if let Some(utf_16) = by_zeros(head) {
        utf_16
    } else if is_mostly_utf_8(head) {
        UTF_8
    } else {
        guess::of(head)
    };
    Ok(Detected { encoding, by: Found::Content, mark: 0 })
}

/// UTF-16 without a mark: names of columns are mostly ASCII, and then every other byte is zero.
fn by_zeros(head: &[u8]) -> Option<&'static Encoding> {
    let beginning = &head[..head.len().min(4_096) & !1];
    let zeros = |parity: usize| beginning.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    let half = beginning.len() / 2;
    let (even, odd) = (zeros(0), zeros(1));
    if half < 2 {
        return None;
    }
    if odd * 10 >= half * 4 && even * 20 <= half {
        return Some(UTF_16LE);
    }
    (even * 10 >= half * 4 && odd * 20 <= half).then_some(UTF_16BE)
}

/// Whether what is beyond ASCII is UTF-8 rather than single bytes. A single broken byte does not make a file of UTF-8
/// another one; the cells that have it are read by themselves.
fn is_mostly_utf_8(head: &[u8]) -> bool {
    let mut rest = head;
    let (mut good, mut broken) = (0_usize, 0_usize);
    loop {
        match std::str::from_utf8(rest) {
            Ok(text) => {
                good += text.chars().filter(|sign| !sign.is_ascii()).count();
                break;
            }
            Err(error) => {
                let (valid, after) = rest.split_at(error.valid_up_to());
                good += std::str::from_utf8(valid)
                    .map_or(0, |text| text.chars().filter(|c| !c.is_ascii()).count());
                match error.error_len() {
                    Some(length) => {
                        broken += 1;
                        rest = &after[length..];
                    }
                    // The sample ends within a character.
                    None => break,
                }
            }
        }
    }
    broken == 0 || good > broken
}

/// UTF-8 from a text in another encoding. What cannot be decoded becomes U+FFFD.
pub(crate) struct Transcoder<R> {
    reader: R,
    decoder: Decoder,
    input: Vec<u8>,
    unread: std::ops::Range<usize>,
    output: String,
    told: usize,
    at_end: bool,
    /// The decoder has said its last; it must not be asked again.
    is_finished: bool,
}

impl<R: Read> Transcoder<R> {
    pub(crate) fn new(reader: R, encoding: &'static Encoding) -> Transcoder<R> {
        Transcoder {
            reader,
            decoder: encoding.new_decoder_without_bom_handling(),
            input: vec![0; 32 * 1024],
            unread: 0..0,
            output: String::with_capacity(96 * 1024),
            told: 0,
            at_end: false,
            is_finished: false,
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.output.clear();
        self.told = 0;
        while self.output.is_empty() && !self.is_finished {
            if self.unread.is_empty() && !self.at_end {
                let read = self.reader.read(&mut self.input)?;
                self.unread = 0..read;
                self.at_end = read == 0;
            }
            let input = &self.input[self.unread.clone()];
            let (result, read, _) = self.decoder.decode_to_string(input, &mut self.output, self.at_end);
            self.unread.start += read;
            self.is_finished = self.at_end && result == CoderResult::InputEmpty;
        }
        Ok(())
    }
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.told == self.output.len() && !self.is_finished {
            self.refill()?;
        }
        let rest = &self.output.as_bytes()[self.told..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.told += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::WINDOWS_1252;

    use super::*;

    fn found(bytes: &[u8]) -> (&'static str, usize) {
        let detected = detect(bytes, None).expect("readable");
        (detected.encoding.name(), detected.mark)
    }

    #[test]
    fn encodings_prove_themselves() {
        let wide = |text: &str, swap: bool| -> Vec<u8> {
            text.encode_utf16()
                .flat_map(|unit| if swap { unit.to_be_bytes() } else { unit.to_le_bytes() })
                .collect()
        };
        assert_eq!(found(b"a,b\n1,2\n"), ("UTF-8", 0));
        assert_eq!(found("a,Müller\n".as_bytes()), ("UTF-8", 0));
        assert_eq!(found(b"\xef\xbb\xbfa,b"), ("UTF-8", 3));
        assert_eq!(found(b"\xef\xbb\xbf\xef\xbb\xbfa,b"), ("UTF-8", 6));
        assert_eq!(found(b"a,caf\xe9\n"), ("windows-1252", 0));
        assert_eq!(found(&wide("order_id,Größe\n", false)), ("UTF-16LE", 0));
        assert_eq!(found(&wide("order_id,Größe\n", true)), ("UTF-16BE", 0));
        assert_eq!(found(&wide("\u{feff}order_id", false)), ("UTF-16LE", 2));
        // One broken byte among many good ones.
        assert_eq!(
            found("Müller, Jäger, Größe \u{20ac}".bytes().chain([0xe9, b',']).collect::<Vec<_>>().as_slice())
                .0,
            "UTF-8"
        );
        assert!(matches!(detect(&[0xff, 0xfe, 0, 0, b'a', 0, 0, 0], None), Err(TableError::Unsupported(_))));
        assert!(matches!(detect(b"a", Some("klingon")), Err(TableError::Option(_))));
        assert_eq!(detect(b"a", Some("Shift_JIS")).expect("known").encoding.name(), "Shift_JIS");
    }

    proptest::proptest! {
        #[test]
        fn a_text_comes_out_of_any_encoding(text in "[a-zé€ß0-9,\n]{0,300}", take in 1_usize..40) {
            for encoding in [UTF_16LE, UTF_16BE, WINDOWS_1252] {
                let bytes: Vec<u8> = if encoding == WINDOWS_1252 {
                    encoding.encode(&text).0.into_owned()
                } else {
                    text.encode_utf16().flat_map(|unit| if encoding == UTF_16BE { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
                };
                let mut transcoder = Transcoder::new(bytes.as_slice(), encoding);
                let mut out = Vec::new();
                let mut buffer = vec![0; take];
                loop {
                    let read = transcoder.read(&mut buffer).expect("readable");
                    if read == 0 { break; }
                    out.extend_from_slice(&buffer[..read]);
                }
                proptest::prop_assert_eq!(String::from_utf8(out).expect("UTF-8"), text.clone());
            }
        }
    }
}
