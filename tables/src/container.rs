//! Takes the packing off a file: what comes out is text, a workbook or Parquet.
//!
//! Everything is a stream, nothing is unpacked whole. Files that were packed one by one and then joined are one file,
//! whichever packer made them. What comes out is bounded, because a few kilobytes can unpack to terabytes.

mod gzip;
mod zip;

use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::decisions::Container;
use crate::error::TableError;

/// A file's bytes.
pub trait Bytes: Read + Seek + Send {}

impl<T: Read + Seek + Send> Bytes for T {}

/// What an unpacker may remember, for xz in KiB and for Zstandard as a power of two. `xz -7` and `zstd -19` stay within;
/// `xz -9` and `zstd --long` ask for more memory than an import has.
const WINDOW_LIMIT_KB: u32 = 18 * 1024;
const WINDOW_LIMIT_LOG: u32 = 24;
/// So much may always come out.
const FREE_BYTES: u64 = 256 * 1024 * 1024;
/// Beyond that, so many times what went in.
const RATIO_LIMIT: u64 = 1_000;
/// And never more than this.
const UNPACKED_LIMIT: u64 = 1024 * 1024 * 1024 * 1024;

/// A file with its packing off.
pub(crate) enum Unpacked {
    Text {
        container: Container,
        inside: Option<String>,
        reader: Box<dyn Read + Send>,
        consumed: Arc<AtomicU64>,
    },
    Workbook(Box<dyn Bytes>),
    /// Read from its end, so by its own reader.
    Parquet,
}

/// Finds the packing and takes it off.
pub(crate) fn open(mut file: Box<dyn Bytes>, is_beginning: bool) -> Result<Unpacked, TableError> {
    let mut magic = Vec::with_capacity(64);
    file.seek(SeekFrom::Start(0))?;
    (&mut file).take(64).read_to_end(&mut magic)?;
    file.seek(SeekFrom::Start(0))?;
    let container = match magic.as_slice() {
        [] => return Err(TableError::Empty),
        [0x1f, 0x8b, ..] => Container::Gzip,
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Container::Zip,
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Container::Bzip2,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Container::Xz,
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Container::Zstd,
        [b'P', b'A', b'R', b'1', ..] => return Ok(Unpacked::Parquet),
        _ => match unsupported(&magic) {
            Some(reason) => return Err(TableError::Unsupported(reason.to_owned())),
            None => Container::Plain,
        },
    };
    if container == Container::Zip {
        return zip::open(file, is_beginning);
    }
    Ok(text(container, None, file, None, is_beginning))
}

/// Why a file that begins so is not read: formats that people send and that are none of a table. Blanks and a mark of byte
/// order may stand before those that are texts.
pub(crate) fn unsupported(magic: &[u8]) -> Option<&'static str> {
    Some(match magic.strip_prefix(b"\xef\xbb\xbf").unwrap_or(magic).trim_ascii_start() {
        [0x89, b'P', b'N', b'G', ..]
        | [0xff, 0xd8, 0xff, ..]
        | [b'G', b'I', b'F', b'8', ..]
        | [b'I', b'I', b'*', 0, ..]
        | [b'M', b'M', 0, b'*', ..]
        | [b'R', b'I', b'F', b'F', ..] => {
            "the file is a picture (or a film), whatever it is called; export CSV or XLSX from the system that has the orders"
        }
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => {
            "the file is a picture or a film of a telephone (HEIC, MP4), whatever it is called; export CSV or XLSX from the system that has the orders"
        }
        [b'{', b'\\', b'r', b't', b'f', ..] => {
            "the file is a text with its looks (RTF); save the table as .xlsx or CSV"
        }
        [0xd0, 0xcf, 0x11, 0xe0, ..] => {
            "the file is a workbook of Excel 97-2003 (.xls) or has a password; save it as .xlsx or CSV"
        }
        [b'%', b'P', b'D', b'F', ..] => "the file is a PDF; export CSV or XLSX instead",
        [b'7', b'z', 0xbc, 0xaf, ..] => {
            "the file is a 7z archive; pack it with ZIP, gzip, xz, bzip2 or Zstandard"
        }
        [b'R', b'a', b'r', b'!', ..] => {
            "the file is a RAR archive; pack it with ZIP, gzip, xz, bzip2 or Zstandard"
        }
        [0x04, 0x22, 0x4d, 0x18, ..] => {
            "the file is packed with LZ4; pack it with ZIP, gzip, xz, bzip2 or Zstandard"
        }
        [b'<', b'!', b'D' | b'd' | b'-', ..]
        | [b'<', b'h' | b'H', b't' | b'T' | b'e' | b'E', b'm' | b'M' | b'a' | b'A', ..]
        | [b'<', b'b' | b'B', b'o' | b'O', b'd' | b'D', ..]
        | [b'<', b's' | b'S', b'c' | b'C', b'r' | b'R', ..]
        | [b'<', b'm' | b'M', b'e' | b'E', b't' | b'T', ..]
        | [b'<', b'd' | b'D', b'i' | b'I', b'v' | b'V', ..]
        | [b'<', b'p' | b'P', b'>' | b' ', ..] => {
            "the file is a web page, perhaps of a login that has expired; download the export again"
        }
        [b'<', b't' | b'T', b'a' | b'A', b'b' | b'B', ..] => {
            "the file is a web page with a table, whatever it is called; save it as .xlsx or CSV"
        }
        [b'<', b'?', b'x' | b'X', b'm' | b'M', ..] => {
            "the file is XML, perhaps a spreadsheet of Excel 2003; save it as .xlsx or CSV"
        }
        [b'{', b'"' | b' ' | b'\n' | b'\r', ..] | [b'[', b'{' | b' ' | b'\n' | b'\r', ..] => {
            "the file is JSON; export CSV, XLSX or Parquet instead"
        }
        _ => return None,
    })
}

/// Whether what should be a text holds signs that no text has, as pictures and programs do.
pub(crate) fn is_no_text(head: &[u8]) -> bool {
    let head = &head[..head.len().min(16 * 1024)];
    let is_strange = |byte: &&u8| matches!(**byte, 0..=8 | 0x0e..=0x19 | 0x1c..=0x1f);
    let strange = head.iter().filter(is_strange).count();
    strange > 8 && strange * 100 > head.len()
}

/// What was packed by gzip once more inside of its packing, as tools do that pack what is packed.
pub(crate) fn unpacked_again(
    packed: Box<dyn Read + Send>,
    consumed: Arc<AtomicU64>,
    is_beginning: bool,
) -> Box<dyn Read + Send> {
    let reader = gzip::Members::new(BufReader::with_capacity(64 * 1024, packed));
    Box::new(Guarded { reader, container: Container::Gzip, unpacked: 0, consumed, is_beginning, ended: None })
}

/// Whether a text begins as what gzip writes.
pub(crate) fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(&[0x1f, 0x8b, 8])
}

/// Whether it is a tar archive, which has no sign at its beginning.
pub(crate) fn is_tar(head: &[u8]) -> bool {
    head.get(257..262).is_some_and(|name| name == b"ustar")
}

/// A stream of text out of a container; `method` tells what is inside of a ZIP archive.
fn text(
    container: Container,
    inside: Option<String>,
    file: impl Read + Send + 'static,
    method: Option<Container>,
    is_beginning: bool,
) -> Unpacked {
    let consumed = Arc::new(AtomicU64::new(0));
    let input =
        BufReader::with_capacity(64 * 1024, Counted { reader: file, consumed: Arc::clone(&consumed) });
    let plain: Box<dyn Read + Send> = match method.unwrap_or(container) {
        Container::Gzip => Box::new(gzip::Members::new(input)),
        Container::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(input)),
        Container::Xz => Box::new(Later::Waiting(Some(Packed::Xz(input)))),
        Container::Zstd => Box::new(Later::Waiting(Some(Packed::Zstd(input)))),
        Container::Zip => Box::new(flate2::bufread::DeflateDecoder::new(input)),
        Container::Plain | Container::Xlsx | Container::Parquet => Box::new(input),
    };
    let reader: Box<dyn Read + Send> = if container == Container::Plain {
        plain
    } else {
        let consumed = Arc::clone(&consumed);
        Box::new(Guarded { reader: plain, container, unpacked: 0, consumed, is_beginning, ended: None })
    };
    Unpacked::Text { container, inside, reader, consumed }
}

/// Counts what is taken from the file, for progress and against bombs.
struct Counted<R> {
    reader: R,
    consumed: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.consumed.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Unpackers that look at the file when they are made: their errors belong to the first read.
enum Packed<R> {
    Xz(R),
    Zstd(R),
}

enum Later<R: io::BufRead + Send> {
    Waiting(Option<Packed<R>>),
    Open(Box<dyn Read + Send>),
}

impl<R: io::BufRead + Send + 'static> Read for Later<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Later::Waiting(packed) = self {
            let reader: Box<dyn Read + Send> = match packed.take() {
                Some(Packed::Xz(input)) => {
                    Box::new(lzma_rust2::XzReader::new_mem_limit(input, true, WINDOW_LIMIT_KB))
                }
                Some(Packed::Zstd(input)) => {
                    let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
                    decoder.window_log_max(WINDOW_LIMIT_LOG)?;
                    Box::new(decoder)
                }
                None => return Ok(0),
            };
            *self = Later::Open(reader);
        }
        match self {
            Later::Open(reader) => reader.read(buffer),
            Later::Waiting(_) => Ok(0),
        }
    }
}

/// Bounds what comes out, and says how far it got when no more does.
struct Guarded<R> {
    reader: R,
    container: Container,
    unpacked: u64,
    consumed: Arc<AtomicU64>,
    /// Only the beginning of the file is given: that it is cut off says nothing.
    is_beginning: bool,
    /// Why nothing more comes; an unpacker that has failed is not asked again.
    ended: Option<Ended>,
}

#[derive(Debug, Clone)]
enum Ended {
    CutOff,
    Damaged(String),
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(ended) = &self.ended {
            return self.tell(ended);
        }
        let read = loop {
            match self.reader.read(buffer) {
                Ok(read) => break read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.fault(error),
            }
        };
        self.unpacked += read as u64;
        let consumed = self.consumed.load(Ordering::Relaxed);
        if self.unpacked > UNPACKED_LIMIT {
            return Err(TableError::TooLarge { limit: "1 TiB".to_owned() }.into());
        }
        if self.unpacked > FREE_BYTES && self.unpacked / RATIO_LIMIT > consumed {
            return Err(TableError::TooLarge { limit: format!("{RATIO_LIMIT} times its size") }.into());
        }
        Ok(read)
    }
}

impl<R> Guarded<R> {
    fn fault(&mut self, error: io::Error) -> io::Result<usize> {
        let error = match error.downcast::<TableError>() {
            Ok(ours) => return Err(ours.into()),
            Err(error) => error,
        };
        if error.raw_os_error().is_some() {
            return Err(error);
        }
        let ended = match error.kind() {
            io::ErrorKind::UnexpectedEof => Ended::CutOff,
            _ => Ended::Damaged(error.to_string().chars().take(120).collect()),
        };
        let told = self.tell(&ended);
        self.ended = Some(ended);
        told
    }

    fn tell(&self, ended: &Ended) -> io::Result<usize> {
        let (container, unpacked_bytes) = (self.container.name(), self.unpacked);
        Err(match ended {
            Ended::CutOff if self.is_beginning => return Ok(0),
            Ended::CutOff => TableError::CutOff { container, unpacked_bytes },
            Ended::Damaged(fault) => TableError::Damaged { container, unpacked_bytes, fault: fault.clone() },
        }
        .into())
    }
}

/// Bytes in memory, e.g. the body of a request.
pub(crate) fn in_memory(bytes: Arc<[u8]>) -> Box<dyn Bytes> {
    Box::new(Cursor::new(Shared(bytes)))
}

struct Shared(Arc<[u8]>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
