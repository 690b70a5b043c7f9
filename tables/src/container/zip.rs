//! A ZIP archive with one file in it, or a workbook, which is a ZIP archive as well.
//!
//! The crate reads the directory; the file's bytes are then streamed from their place by readers of our own, because
//! the crate's borrow the archive.

use std::io::{self, Read, Seek, SeekFrom, Take};

use flate2::Crc;
use zip::CompressionMethod;
use zip::read::ZipArchive;

use super::{Bytes, Unpacked, text};
use crate::decisions::Container;
use crate::error::TableError;

/// Files in an archive that are looked at.
const ENTRIES_LIMIT: usize = 10_000;

pub(super) fn open(file: Box<dyn Bytes>, is_beginning: bool) -> Result<Unpacked, TableError> {
    let mut archive = match ZipArchive::new(file) {
        Ok(archive) => archive,
        Err(zip::result::ZipError::Io(error)) if error.kind() != io::ErrorKind::UnexpectedEof => {
            return Err(error.into());
        }
        Err(_) if is_beginning => {
            return Err(TableError::Unsupported(
                "a ZIP archive or workbook has its directory at the end; send all of it".to_owned(),
            ));
        }
        Err(_) => return Err(TableError::CutOff { container: "ZIP", unpacked_bytes: 0 }),
    };
    if archive.len() > ENTRIES_LIMIT {
        return Err(TableError::Unsupported(format!(
            "the archive has more than {ENTRIES_LIMIT} files; it should have one"
        )));
    }
    if archive.index_for_name("xl/workbook.xml").is_some() {
        let mut file = archive.into_inner();
        file.seek(SeekFrom::Start(0))?;
        return Ok(Unpacked::Workbook(file));
    }
    for (part, what) in [
        ("xl/workbook.bin", "a binary workbook of Excel (.xlsb)"),
        ("content.xml", "an OpenDocument spreadsheet (.ods)"),
        ("Index/Document.iwa", "a spreadsheet of Numbers"),
        ("word/document.xml", "a document of Word (.docx)"),
        ("ppt/presentation.xml", "slides (.pptx)"),
    ] {
        if archive.index_for_name(part).is_some() {
            return Err(TableError::Unsupported(format!("the file is {what}; save it as .xlsx or CSV")));
        }
    }
    let index = only_file(&mut archive)?;
    let entry = archive.by_index_raw(index).map_err(|error| damaged(&error))?;
    let name = entry.name().map_err(|error| damaged(&error))?;
    let name: String = name.chars().filter(|sign| !sign.is_control()).take(200).collect();
    if entry.encrypted() {
        return Err(TableError::Unsupported(
            "the file in the archive has a password; pack it without".to_owned(),
        ));
    }
    let (start, packed, size, crc) =
        (entry.data_start(), entry.compressed_size(), entry.size(), entry.crc32());
    let start = start.ok_or_else(|| TableError::Damaged {
        container: "ZIP",
        unpacked_bytes: 0,
        fault: "the file has no place".to_owned(),
    })?;
    let method = match entry.compression() {
        CompressionMethod::Stored => Container::Plain,
        CompressionMethod::Deflated => Container::Zip,
        other => {
            return Err(TableError::Unsupported(format!(
                "the archive is packed by {other}, which is not read; pack it the usual way (deflate)"
            )));
        }
    };
    drop(entry);
    let mut file = archive.into_inner();
    file.seek(SeekFrom::Start(start))?;
    let Unpacked::Text { reader, consumed, .. } =
        text(Container::Zip, None, file.take(packed), Some(method), false)
    else {
        return Err(TableError::Empty);
    };
    let reader =
        Box::new(Checked { reader: reader.take(size + 1), crc: Crc::new(), expected: (crc, size), read: 0 });
    Ok(Unpacked::Text { container: Container::Zip, inside: Some(name), reader, consumed })
}

/// The one file that is meant; folders and what macOS adds are none.
fn only_file(archive: &mut ZipArchive<Box<dyn Bytes>>) -> Result<usize, TableError> {
    let mut names = Vec::new();
    for index in 0..archive.len() {
        let Some(Ok(name)) = archive.name_for_index(index) else { continue };
        let last = name.rsplit('/').next().unwrap_or_default();
        let is_noise = last.is_empty() || last.starts_with('.') || name.starts_with("__MACOSX/");
        if !is_noise {
            names.push((index, last.to_owned()));
        }
    }
    let shown = |names: &[(usize, String)]| {
        let some: Vec<&str> = names.iter().take(3).map(|(_, name)| name.as_str()).collect();
        format!("{}{}", some.join(", "), if names.len() > 3 { ", ..." } else { "" })
    };
    if !names.is_empty() && names.iter().all(|(_, name)| is_picture(name)) {
        return Err(TableError::Unsupported(format!(
            "the archive holds pictures ({}) and no table; export CSV or XLSX from the system that has the orders",
            shown(&names)
        )));
    }
    match names.as_slice() {
        [(index, _)] => Ok(*index),
        [] => Err(TableError::Unsupported("the archive has no file in it".to_owned())),
        several => Err(TableError::Unsupported(format!(
            "the archive has {} files ({}); send one at a time",
            several.len(),
            shown(several)
        ))),
    }
}

fn is_picture(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".jpg", ".jpeg", ".png", ".gif", ".heic", ".webp", ".tif", ".tiff", ".bmp", ".mp4", ".mov"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

fn damaged(error: &zip::result::ZipError) -> TableError {
    TableError::Damaged {
        container: "ZIP",
        unpacked_bytes: 0,
        fault: error.to_string().chars().take(120).collect(),
    }
}

/// Compares what came out with what the directory promised.
struct Checked<R> {
    reader: Take<R>,
    crc: Crc,
    expected: (u32, u64),
    read: u64,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.crc.update(&buffer[..read]);
        self.read += read as u64;
        if read > 0 || buffer.is_empty() {
            return Ok(read);
        }
        if self.read < self.expected.1 {
            return Err(TableError::CutOff { container: "ZIP", unpacked_bytes: self.read }.into());
        }
        if (self.crc.sum(), self.read) != self.expected {
            let fault = "the checksum is another one".to_owned();
            return Err(TableError::Damaged { container: "ZIP", unpacked_bytes: self.read, fault }.into());
        }
        Ok(0)
    }
}
