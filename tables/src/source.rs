//! Where a file's bytes are. A file is opened more than once: to find its form, to look at its middle and end, and to be
//! read.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::container::{self, Bytes};

/// A file on the disk, or bytes in memory.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file on the disk.
    Path(PathBuf),
    /// Bytes in memory.
    Memory(Arc<[u8]>),
}

impl Source {
    pub(crate) fn open(&self) -> io::Result<Box<dyn Bytes>> {
        match self {
            Source::Path(path) => Ok(Box::new(File::open(path)?)),
            Source::Memory(bytes) => Ok(container::in_memory(Arc::clone(bytes))),
        }
    }

    /// Its size in bytes.
    pub fn size_bytes(&self) -> io::Result<u64> {
        match self {
            Source::Path(path) => Ok(std::fs::metadata(path)?.len()),
            Source::Memory(bytes) => Ok(bytes.len() as u64),
        }
    }
}
