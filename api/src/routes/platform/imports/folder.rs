//! The import folder. `tenants/{tenant id}/` holds what is one tenant's: its uploads, and what an operator put
//! there for it. Other files are offered to every tenant. `incoming/` holds uploads that are not complete.
//!
//! A path from outside never leaves the folder, neither by its words nor by a symbolic link.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use database::ids::TenantId;
use platform::kinds::import_orders::check_path;
use tokio::fs::{self, File};
use tokio::io::{AsyncWriteExt, BufWriter};
use uuid::Uuid;

/// What a process that was killed left of an upload is removed after this time.
const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The import folder as one tenant may use it.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    tenant: TenantId,
}

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Plain,
    /// By gzip.
    Gzip,
}

/// Why a file is not there.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The path breaks this rule.
    #[error("{0}")]
    BadPath(&'static str),
    /// There is no such file, or it is not this tenant's, or it lies elsewhere.
    #[error("there is no such file")]
    NoFile,
    /// No room.
    #[error("the disk is full")]
    Full,
    /// The file system failed.
    #[error("{0}")]
    Io(io::Error),
}

impl From<io::Error> for FolderError {
    fn from(error: io::Error) -> FolderError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FolderError::Full,
            io::ErrorKind::NotFound => FolderError::NoFile,
            _ => FolderError::Io(error),
        }
    }
}

impl Folder {
    /// The folder at `root`, which need not exist yet.
    pub fn new(root: &Path, tenant: TenantId) -> Folder {
        Folder { root: root.to_owned(), tenant }
    }

    /// The true path below the folder of a file that a caller names.
    ///
    /// # Errors
    /// The path is not of an acceptable form, or names nothing that the tenant may import.
    pub async fn find(&self, path: &str) -> Result<String, FolderError> {
        check_form(path)?;
        let root = fs::canonicalize(&self.root).await?;
        let file = fs::canonicalize(root.join(path)).await?;
        if !fs::metadata(&file).await?.is_file() {
            return Err(FolderError::NoFile);
        }
        let below = file.strip_prefix(&root).ok().and_then(Path::to_str).ok_or(FolderError::NoFile)?;
        check_form(below)?;
        let is_foreign =
            below.starts_with("tenants/") && !below.starts_with(&format!("tenants/{}/", self.tenant));
        if is_foreign || below.starts_with("incoming/") {
            return Err(FolderError::NoFile);
        }
        Ok(below.to_owned())
    }

    /// Begins an upload, of a file that its sender calls so.
    ///
    /// # Errors
    /// The file system failed.
    pub async fn receive(&self, form: Form, called: Option<&str>) -> Result<Incoming, FolderError> {
        let incoming = self.root.join("incoming");
        let complete = format!("tenants/{}", self.tenant);
        fs::create_dir_all(&incoming).await?;
        fs::create_dir_all(self.root.join(&complete)).await?;
        remove_abandoned(&incoming, SystemTime::now()).await;
        let name = Uuid::now_v7();
        // Two of one name are two files; what follows the id is for people, as what a file is is found from its bytes.
        let end = match (called.and_then(storable_name), form) {
            (Some(called), _) => format!("-{called}"),
            (None, Form::Plain) => ".csv".to_owned(),
            (None, Form::Gzip) => ".csv.gz".to_owned(),
        };
        let path = incoming.join(format!("{name}.part"));
        let file = File::options().write(true).create_new(true).open(&path).await?;
        Ok(Incoming {
            file: BufWriter::with_capacity(1 << 20, file),
            leftover: Leftover(Some(path)),
            root: self.root.clone(),
            complete: format!("{complete}/{name}{end}"),
        })
    }
}

/// An upload under way. Dropping it removes what there is of it.
#[derive(Debug)]
pub struct Incoming {
    file: BufWriter<File>,
    leftover: Leftover,
    root: PathBuf,
    complete: String,
}

impl Incoming {
    /// Adds what came.
    ///
    /// # Errors
    /// The file system failed.
    pub async fn write(&mut self, chunk: &[u8]) -> Result<(), FolderError> {
        Ok(self.file.write_all(chunk).await?)
    }

    /// What came so far, as a file that is there until this is dropped.
    ///
    /// # Errors
    /// The file system failed.
    pub async fn so_far(&mut self) -> Result<PathBuf, FolderError> {
        self.file.flush().await?;
        self.leftover.0.clone().ok_or(FolderError::NoFile)
    }

    /// Makes the file safe on disk, gives it to the tenant, and returns its path below the folder.
    ///
    /// # Errors
    /// The file system failed.
    pub async fn finish(&mut self) -> Result<String, FolderError> {
        self.file.flush().await?;
        self.file.get_ref().sync_all().await?;
        let to = self.root.join(&self.complete);
        if let Some(from) = &self.leftover.0 {
            fs::rename(from, &to).await?;
        }
        // The new name is safe when the folder that has it is.
        if let Some(parent) = to.parent() {
            File::open(parent).await?.sync_all().await?;
        }
        self.leftover.0 = Some(to);
        Ok(self.complete.clone())
    }

    /// Leaves the file where it is.
    pub fn keep(mut self) {
        self.leftover.0 = None;
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
            tracing::warn!(%error, "an incomplete upload could not be removed");
        }
    }
}

/// So many bytes of a name are kept: a file system takes 255, and an id stands before it.
const NAME_BYTES: usize = 200;

/// A name as a file may have it here: the last part of a path, of letters, digits and a few signs. None when nothing of it
/// is left.
fn storable_name(called: &str) -> Option<String> {
    let last = called.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    let mut name = String::new();
    for sign in last.chars() {
        let sign = if sign.is_alphanumeric() || " ._-()+,".contains(sign) { sign } else { '_' };
        if name.len() + sign.len_utf8() > NAME_BYTES {
            break;
        }
        name.push(sign);
    }
    let name = name.trim_matches([' ', '.']);
    if !name.chars().any(char::is_alphanumeric) {
        return None;
    }
    // So that it can be imported again by its path.
    Some(if check_form(name).is_ok() { name.to_owned() } else { format!("{name}.csv") })
}

fn check_form(path: &str) -> Result<(), FolderError> {
    check_path(path).map_err(FolderError::BadPath)
}

async fn remove_abandoned(incoming: &Path, now: SystemTime) {
    let Ok(mut entries) = fs::read_dir(incoming).await else { return };
    while let Ok(Some(entry)) = entries.next_entry().await {
        let Ok(metadata) = entry.metadata().await else { continue };
        let age = metadata.modified().ok().and_then(|at| now.duration_since(at).ok());
        if age.is_some_and(|age| age > ABANDONED_AFTER) {
            // Another process may have done so a moment ago.
            let _ = fs::remove_file(entry.path()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty_folder() -> PathBuf {
        let path = std::env::temp_dir().join(format!("deskwork-imports-{}", Uuid::now_v7()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        path
    }

    #[tokio::test]
    async fn a_path_never_leaves_the_folder_or_the_tenant() {
        let root = empty_folder();
        let (mine, other) = (TenantId::new(), TenantId::new());
        for path in [
            "shared.csv",
            &format!("tenants/{mine}/a.csv"),
            &format!("tenants/{other}/b.csv"),
            "incoming/c.csv",
        ] {
            let file = root.join(path);
            std::fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
            std::fs::write(file, "x").expect("a file");
        }
        std::os::unix::fs::symlink("/etc/passwd", root.join("out.csv")).expect("a link");
        std::os::unix::fs::symlink(root.join(format!("tenants/{other}/b.csv")), root.join("sly.csv"))
            .expect("a link");
        let folder = Folder::new(&root, mine);
        assert_eq!(folder.find("shared.csv").await.expect("offered to all"), "shared.csv");
        let own = format!("tenants/{mine}/a.csv");
        assert_eq!(folder.find(&own).await.expect("the tenant's own"), own);
        for refused in [&format!("tenants/{other}/b.csv"), "incoming/c.csv", "out.csv", "sly.csv", "none.csv"]
        {
            assert!(matches!(folder.find(refused).await, Err(FolderError::NoFile)), "{refused}");
        }
        for bad in ["", "/etc/passwd", "../x.csv", "a/../../x.csv", "./shared.csv", "shared.exe", "shared.gz"]
        {
            assert!(matches!(folder.find(bad).await, Err(FolderError::BadPath(_))), "{bad}");
        }
        std::fs::remove_dir_all(root).expect("removable");
    }

    #[test]
    fn a_name_is_kept_as_far_as_a_file_may_have_it() {
        let long = format!("{}.csv", "ü".repeat(300));
        for (called, kept) in [
            ("orders.csv", Some("orders.csv")),
            ("Bestellungen Oktober (2).xlsx", Some("Bestellungen Oktober (2).xlsx")),
            ("../../etc/passwd", Some("passwd.csv")),
            ("a\0b\n;c.csv", Some("a_b__c.csv")),
            ("..", None),
            ("", None),
            (" / ", None),
        ] {
            assert_eq!(storable_name(called).as_deref(), kept, "{called:?}");
        }
        let name = storable_name(&long).expect("a name");
        assert!(name.len() <= NAME_BYTES + ".csv".len() && name.ends_with(".csv"), "{name}");
    }

    #[tokio::test]
    async fn an_upload_is_there_when_finished_and_kept_and_gone_otherwise() {
        let root = empty_folder();
        let folder = Folder::new(&root, TenantId::new());
        for is_kept in [true, false] {
            let mut incoming = folder.receive(Form::Gzip, None).await.expect("a new file");
            incoming.write(b"hello").await.expect("written");
            let path = incoming.finish().await.expect("finished");
            assert!(path.ends_with(".csv.gz"), "{path}");
            assert_eq!(std::fs::read(root.join(&path)).expect("readable"), b"hello");
            if is_kept {
                incoming.keep();
            } else {
                drop(incoming);
            }
            assert_eq!(root.join(&path).exists(), is_kept);
        }
        let mut called =
            folder.receive(Form::Plain, Some("C:\\exports\\Orders.csv")).await.expect("a new file");
        let path = called.finish().await.expect("finished");
        assert!(path.ends_with("-Orders.csv"), "{path}");
        assert_eq!(folder.find(&path).await.expect("can be imported again"), path);
        drop(called);
        let unfinished = folder.receive(Form::Plain, None).await.expect("a new file");
        drop(unfinished);
        assert_eq!(std::fs::read_dir(root.join("incoming")).expect("readable").count(), 0);
        std::fs::remove_dir_all(root).expect("removable");
    }
}
