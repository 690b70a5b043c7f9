//! Where a cluster keeps its data and logs: a folder that the caller names and that stays, or one below
//! the system's temporary folder that goes with its owner unless somebody wants to read its logs.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A folder, and whether it stays.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    stays: bool,
}

impl Folder {
    /// A folder with a name of its caller's choice; it stays.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn named(path: &Path) -> io::Result<Folder> {
        fs::create_dir_all(path)?;
        Ok(Folder { path: path.canonicalize()?, stays: true })
    }

    /// A new folder that is removed when this is dropped.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn temporary() -> io::Result<Folder> {
        let path = std::env::temp_dir().join(format!("deskwork-{}", uuid::Uuid::now_v7().simple()));
        fs::create_dir(&path)?;
        Ok(Folder { path, stays: false })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it outlives this.
    pub fn stays(&self) -> bool {
        self.stays
    }

    /// From now on it stays.
    pub fn keep(&mut self) {
        self.stays = true;
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.stays {
            // What cannot be removed is left to the system's own cleaning of temporary files.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
