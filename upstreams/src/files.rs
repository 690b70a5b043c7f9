//! Where the bytes of files lie: a folder, or a store that speaks S3, behind one interface. A file is known by ids alone, so
//! no name from outside becomes a path. Bytes that arrive go to a file of their own first, and into the store when all of
//! them are there and somebody wants them.

mod s3;

use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::{self, BoxStream, StreamExt};
use thiserror::Error;
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufWriter};
use uuid::Uuid;

pub use s3::{S3, S3Settings};

/// What a process that was killed left of an upload is removed after this time.
const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);
/// Bytes that are read at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Why a file is not kept or not there.
#[derive(Debug, Error)]
pub enum FilesError {
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// No room.
    #[error("the disk is full")]
    Full,
    /// The file system failed.
    #[error("the file system failed: {0}")]
    Io(io::Error),
    /// The store failed, or refused.
    #[error("the store of files failed: {0}")]
    Store(String),
}

impl From<io::Error> for FilesError {
    fn from(error: io::Error) -> FilesError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FilesError::Full,
            io::ErrorKind::NotFound => FilesError::Missing,
            _ => FilesError::Io(error),
        }
    }
}

impl FilesError {
    /// What it is when something was to be written: a folder or a bucket that is not there is a store that failed, and no file
    /// that is missing.
    fn of_writing(error: FilesError) -> FilesError {
        match error {
            FilesError::Missing => FilesError::Store("its folder or bucket is not there".to_owned()),
            other => other,
        }
    }
}

/// A file's place in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Whose it is.
    pub tenant: Uuid,
    /// The file.
    pub id: Uuid,
}

impl Place {
    fn path(self) -> String {
        format!("{}/{}", self.tenant, self.id)
    }
}

/// The store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Files {
    /// Bytes that arrive, and in a store of folders all others.
    folder: PathBuf,
    s3: Option<S3>,
}

/// A stored file as it is read.
pub struct Reading {
    /// How long it is, if the store says.
    pub size_bytes: Option<u64>,
    /// Its bytes.
    pub bytes: BoxStream<'static, Result<Bytes, io::Error>>,
}

impl Files {
    /// A folder, which need not exist yet.
    pub fn in_folder(folder: PathBuf) -> Files {
        Files { folder, s3: None }
    }

    /// A store that speaks S3; what arrives is held in the folder until it is complete.
    pub fn in_s3(folder: PathBuf, s3: S3) -> Files {
        Files { folder, s3: Some(s3) }
    }

    /// Begins to take a file in.
    ///
    /// # Errors
    /// The file system failed.
    pub async fn receive(&self) -> Result<Incoming, FilesError> {
        self.begin().await.map_err(FilesError::of_writing)
    }

    async fn begin(&self) -> Result<Incoming, FilesError> {
        let incoming = self.folder.join("incoming");
        fs::create_dir_all(&incoming).await?;
        remove_abandoned(&incoming, SystemTime::now()).await;
        let path = incoming.join(format!("{}.part", Uuid::now_v7()));
        let file = File::options().write(true).create_new(true).open(&path).await?;
        Ok(Incoming {
            file: BufWriter::with_capacity(PIECE_BYTES, file),
            leftover: Leftover(Some(path)),
            size: 0,
        })
    }

    /// Puts a file that is complete into its place.
    ///
    /// # Errors
    /// The file system or the store failed; then it is not there.
    pub async fn keep(&self, incoming: Incoming, place: Place) -> Result<(), FilesError> {
        self.move_in(incoming, place).await.map_err(FilesError::of_writing)
    }

    async fn move_in(&self, mut incoming: Incoming, place: Place) -> Result<(), FilesError> {
        incoming.file.flush().await?;
        incoming.file.get_ref().sync_all().await?;
        let Some(from) = incoming.leftover.0.clone() else { return Err(FilesError::Missing) };
        if let Some(s3) = &self.s3 {
            return s3.put(&place.path(), &from, incoming.size).await;
        }
        let to = self.folder.join(place.path());
        let parent = self.folder.join(place.tenant.to_string());
        fs::create_dir_all(&parent).await?;
        fs::rename(&from, &to).await?;
        incoming.leftover.0 = None;
        // The new name is safe when the folder that has it is.
        File::open(parent).await?.sync_all().await?;
        Ok(())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// There is none, or the file system or the store failed.
    pub async fn read(&self, place: Place) -> Result<Reading, FilesError> {
        if let Some(s3) = &self.s3 {
            return s3.get(&place.path()).await;
        }
        let file = File::open(self.folder.join(place.path())).await?;
        let size_bytes = Some(file.metadata().await?.len());
        Ok(Reading { size_bytes, bytes: pieces(file).boxed() })
    }

    /// Reads a file as a whole, when it has at most so many bytes.
    ///
    /// # Errors
    /// There is none, it is longer, or the file system or the store failed.
    pub async fn read_whole(&self, place: Place, limit_bytes: usize) -> Result<Bytes, FilesError> {
        let mut pieces = self.read(place).await?.bytes;
        let mut whole = Vec::new();
        while let Some(piece) = pieces.next().await {
            whole.extend_from_slice(&piece?);
            if whole.len() > limit_bytes {
                return Err(FilesError::Store("the file is longer than it was".to_owned()));
            }
        }
        Ok(whole.into())
    }

    /// Removes a file; one that is not there is none any more.
    ///
    /// # Errors
    /// The file system or the store failed.
    pub async fn remove(&self, place: Place) -> Result<(), FilesError> {
        if let Some(s3) = &self.s3 {
            return s3.delete(&place.path()).await;
        }
        match fs::remove_file(self.folder.join(place.path())).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// A file's bytes, piece by piece.
pub(crate) fn pieces(file: File) -> impl Stream<Item = Result<Bytes, io::Error>> + Send + 'static {
    stream::try_unfold(file, |mut file| async move {
        let mut piece = vec![0; PIECE_BYTES];
        let read = file.read(&mut piece).await?;
        piece.truncate(read);
        Ok((read > 0).then(|| (Bytes::from(piece), file)))
    })
}

/// A file that arrives. Dropping it removes what there is of it.
#[derive(Debug)]
pub struct Incoming {
    file: BufWriter<File>,
    leftover: Leftover,
    size: u64,
}

impl Incoming {
    /// Adds what came.
    ///
    /// # Errors
    /// The file system failed.
    pub async fn write(&mut self, piece: &[u8]) -> Result<(), FilesError> {
        self.size += piece.len() as u64;
        Ok(self.file.write_all(piece).await?)
    }

    /// How many bytes came.
    pub fn size_bytes(&self) -> u64 {
        self.size
    }
}

/// A file that is removed unless someone wants it.
#[derive(Debug)]
struct Leftover(Option<PathBuf>);

impl Drop for Leftover {
    fn drop(&mut self) {
        if let Some(path) = &self.0
            && let Err(error) = std::fs::remove_file(path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "an incomplete file could not be removed");
        }
    }
}

async fn remove_abandoned(incoming: &std::path::Path, now: SystemTime) {
    let Ok(mut entries) = fs::read_dir(incoming).await else { return };
    while let Ok(Some(entry)) = entries.next_entry().await {
        let modified = entry.metadata().await.and_then(|metadata| metadata.modified());
        let is_old = modified.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age > ABANDONED_AFTER));
        if is_old {
            // Another process may have removed it.
            let _ = fs::remove_file(entry.path()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;

    use super::*;

    #[tokio::test]
    async fn a_file_is_kept_read_and_removed_and_an_incomplete_one_leaves_nothing() {
        let root = std::env::temp_dir().join(format!("deskwork-files-{}", Uuid::now_v7()));
        let files = Files::in_folder(root.clone());
        let place = Place { tenant: Uuid::now_v7(), id: Uuid::now_v7() };
        let mut incoming = files.receive().await.expect("a file");
        incoming.write(b"hello ").await.expect("written");
        incoming.write(b"you").await.expect("written");
        assert_eq!(incoming.size_bytes(), 9);
        files.keep(incoming, place).await.expect("kept");
        let reading = files.read(place).await.expect("there");
        assert_eq!(reading.size_bytes, Some(9));
        let bytes: Vec<Bytes> = reading.bytes.try_collect().await.expect("read");
        assert_eq!(bytes.concat(), b"hello you");
        assert!(matches!(files.read(Place { id: Uuid::now_v7(), ..place }).await, Err(FilesError::Missing)));
        drop(files.receive().await.expect("a file"));
        assert_eq!(std::fs::read_dir(root.join("incoming")).expect("a folder").count(), 0);
        files.remove(place).await.expect("removed");
        files.remove(place).await.expect("removed before");
        assert!(matches!(files.read(place).await, Err(FilesError::Missing)));
        std::fs::remove_dir_all(root).expect("removed");
    }

    #[tokio::test]
    async fn a_store_that_takes_nothing_has_failed_and_misses_no_file() {
        let root = std::env::temp_dir().join(format!("deskwork-files-{}", Uuid::now_v7()));
        let files = Files::in_folder(root.clone());
        let incoming = files.receive().await.expect("a file");
        // Somebody takes the folder away meanwhile.
        std::fs::remove_dir_all(&root).expect("removed");
        let place = Place { tenant: Uuid::now_v7(), id: Uuid::now_v7() };
        let kept = files.keep(incoming, place).await;
        assert!(matches!(kept, Err(FilesError::Store(_))), "{kept:?}");
        std::fs::remove_dir_all(&root).expect("removed");
        // Nobody makes a folder there.
        let nowhere = Files::in_folder("/proc/deskwork".into());
        let received = nowhere.receive().await;
        assert!(matches!(received, Err(FilesError::Store(_) | FilesError::Io(_))), "{received:?}");
    }
}
