//! Clocks that go wrong: a library of a few lines of C, built where it is needed, that moves one process's time
//! of day. The compiler is there wherever this workspace was built.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use tokio::process::Command;

/// How far a clock goes wrong, in seconds, ahead or behind.
pub const HOUR_SECS: i64 = 3_600;

/// Settings that move a process's clock by so many seconds. The library is put into `dir`.
///
/// # Errors
/// It cannot be compiled.
pub async fn skewed(dir: &Path, secs: i64) -> anyhow::Result<[(&'static str, String); 2]> {
    let library = library(dir).await?;
    Ok([("LD_PRELOAD", library.display().to_string()), ("DESK_TEST_SKEW_SECS", secs.to_string())])
}

async fn library(dir: &Path) -> anyhow::Result<PathBuf> {
    let (source, library) = (dir.join("skew.c"), dir.join("skew.so"));
    if library.exists() {
        return Ok(library);
    }
    std::fs::write(&source, include_str!("skew.c"))?;
    let output = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .kill_on_drop(true)
        .output()
        .await
        .context("cc cannot be run")?;
    ensure!(output.status.success(), "cc: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(library)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_believes_another_time() {
        let folder = crate::folder::Folder::temporary().expect("a folder");
        let settings = skewed(folder.path(), -10 * HOUR_SECS).await.expect("a library");
        let output = Command::new("date").arg("+%s").envs(settings).output().await.expect("date runs");
        let believed: i64 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number");
        let behind = chrono::Utc::now().timestamp() - believed;
        assert!((9 * HOUR_SECS..=11 * HOUR_SECS).contains(&behind), "{behind} s behind");
    }
}
