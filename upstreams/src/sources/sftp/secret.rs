//! What `ssh` is given to sign in with, in a folder of its own that is removed when this is dropped.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use tokio::process::Command;
use uuid::Uuid;

use super::Remote;

/// Where the program finds the password that it asks for. It is in no file.
const ANSWER: &str = "DESK_SSH_ANSWER";
/// Says what it finds there.
const ASKED: &str = "#!/bin/sh\nprintf '%s\\n' \"$DESK_SSH_ANSWER\"\n";

/// The folder.
pub(super) struct Folder {
    path: PathBuf,
    /// None for a private key, which is in a file of the folder.
    password: Option<String>,
}

impl Folder {
    pub(super) fn with(remote: &Remote) -> io::Result<Folder> {
        let path = std::env::temp_dir().join(format!("deskwork-ssh-{}", Uuid::now_v7().simple()));
        DirBuilder::new().mode(0o700).create(&path)?;
        let is_key = remote.secret.trim_start().starts_with("-----BEGIN");
        let folder = Folder { path, password: (!is_key).then(|| remote.secret.clone()) };
        keep(&folder.known_hosts(), 0o600, &format!("source {}\n", remote.host_key))?;
        if is_key {
            // Its last line must end, however it was typed.
            let key = format!("{}\n", remote.secret.trim().replace("\r\n", "\n"));
            keep(&folder.path.join("key"), 0o600, &key)?;
        } else {
            keep(&folder.path.join("answer"), 0o700, ASKED)?;
        }
        Ok(folder)
    }

    pub(super) fn known_hosts(&self) -> PathBuf {
        self.path.join("known_hosts")
    }

    /// Tells the program how to sign in: by the key or by the password, and in no other way.
    pub(super) fn sign_in(&self, command: &mut Command) {
        let options: &[&str] = match &self.password {
            Some(password) => {
                command.env(ANSWER, password);
                command.env("SSH_ASKPASS", self.path.join("answer")).env("SSH_ASKPASS_REQUIRE", "force");
                &[
                    "PreferredAuthentications=password,keyboard-interactive",
                    "PubkeyAuthentication=no",
                    "NumberOfPasswordPrompts=1",
                ]
            }
            None => {
                command.arg("-i").arg(self.path.join("key"));
                &["PreferredAuthentications=publickey", "IdentitiesOnly=yes", "BatchMode=yes"]
            }
        };
        for option in options {
            command.args(["-o", option]);
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, "the folder of a sign-in could not be removed");
        }
    }
}

fn keep(path: &Path, mode: u32, text: &str) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn remote(secret: &str) -> Remote {
        Remote {
            host: "h".to_owned(),
            port: 22,
            user: "u".to_owned(),
            secret: secret.to_owned(),
            host_key: "ssh-ed25519 AAAA".to_owned(),
            path: "/f".to_owned(),
        }
    }

    #[test]
    fn a_key_is_for_this_process_alone_and_gone_afterwards_and_a_password_is_in_no_file() {
        let folder =
            Folder::with(&remote("-----BEGIN OPENSSH PRIVATE KEY-----\r\nx\r\n-----END")).expect("a folder");
        let path = folder.path.clone();
        let mode = |name: &str| fs::metadata(path.join(name)).expect(name).permissions().mode() & 0o777;
        assert_eq!((mode(""), mode("key"), mode("known_hosts")), (0o700, 0o600, 0o600));
        let key = fs::read_to_string(path.join("key")).expect("read");
        assert_eq!(key, "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END\n");
        drop(folder);
        assert!(!path.exists());
        let folder = Folder::with(&remote("pass'word")).expect("a folder");
        for entry in fs::read_dir(&folder.path).expect("a folder") {
            let text = fs::read_to_string(entry.expect("a file").path()).expect("read");
            assert!(!text.contains("pass'word"), "{text}");
        }
    }
}
