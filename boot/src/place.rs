//! The places on this machine that settings name: addresses to listen at and folders. Whether they can be used is only
//! known when they are tried, at boot, and one that cannot is told like any other wrong setting.

use std::{fs, io, net::SocketAddr, path::Path};

use tokio::net::TcpListener;

use crate::SettingError;

/// Listens at the address that a setting names.
///
/// # Errors
/// Another process has it, or it is none of this machine.
pub async fn listen(name: &'static str, bind: SocketAddr) -> Result<TcpListener, SettingError> {
    TcpListener::bind(bind).await.map_err(|error| unusable(name, &bind.to_string(), "listened at", &error))
}

/// Makes the folder that a setting names, unless it is there.
///
/// # Errors
/// It is no folder, or cannot be made.
pub fn folder(name: &'static str, folder: &Path) -> Result<(), SettingError> {
    let looked_at = fs::create_dir_all(folder).and_then(|()| fs::read_dir(folder));
    match looked_at {
        Ok(_) => Ok(()),
        Err(error) => Err(unusable(name, &folder.to_string_lossy(), "used as a folder", &error)),
    }
}

/// The same for a folder in which the process writes.
///
/// # Errors
/// It is no folder, cannot be made, or nothing can be written there.
pub fn folder_to_write(name: &'static str, folder: &Path) -> Result<(), SettingError> {
    self::folder(name, folder)?;
    let trial = folder.join(format!(".trial-{}", std::process::id()));
    fs::write(&trial, b"")
        .map_err(|error| unusable(name, &folder.to_string_lossy(), "written to", &error))?;
    // Another process of this number, in a container of its own, may have been faster.
    let _ = fs::remove_file(&trial);
    Ok(())
}

fn unusable(name: &'static str, value: &str, how: &'static str, error: &io::Error) -> SettingError {
    SettingError::Unusable { name, value: value.chars().take(200).collect(), how, problem: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_another_has_is_told_with_its_setting() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let bind = taken.local_addr().expect("an address");
        let error = listen("DESK_BIND", bind).await.expect_err("it is taken").to_string();
        let said = format!("DESK_BIND is {:?}, which cannot be listened at: ", bind.to_string());
        assert!(error.starts_with(&said) && !error.contains('\n'), "{error}");
        drop(taken);
        assert!(listen("DESK_BIND", ([127, 0, 0, 1], 0).into()).await.is_ok());
    }

    #[test]
    fn a_folder_is_made_and_what_cannot_be_one_is_told_with_its_setting() {
        let root = std::env::temp_dir().join(format!("deskwork-boot-{}", std::process::id()));
        let wanted = root.join("a/b");
        folder_to_write("DESK_FILES_DIR", &wanted).expect("it is made");
        folder_to_write("DESK_FILES_DIR", &wanted).expect("it is there");
        assert_eq!(fs::read_dir(&wanted).expect("a folder").count(), 0, "nothing is left in it");
        let file = root.join("file");
        fs::write(&file, b"x").expect("a file");
        for bad in [file.clone(), file.join("below")] {
            for error in [folder("X", &bad), folder_to_write("X", &bad)] {
                let error = error.expect_err("no folder").to_string();
                let said = format!("X is {:?}, which cannot be used as a folder: ", bad.to_string_lossy());
                assert!(error.starts_with(&said) && !error.contains('\n'), "{error}");
            }
        }
        fs::remove_dir_all(&root).expect("it is removed");
    }
}
