//! A file by SFTP: the system's own `ssh` carries the bytes, under a host key that the tenant states, to the address that was
//! checked. What is said through it is in [`reader`].
//!
//! `ssh` takes a key or a password from files alone. They are in a folder that only this process may look into, and that is
//! gone as soon as the connection stands or has failed.

mod reader;
mod secret;

use std::io::Write;
use std::net::SocketAddr;
use std::process::Stdio;

use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::{timeout, timeout_at};

use self::reader::{Fault, Reader, Stat};
use self::secret::Folder;
use super::{MOST_BYTES, SILENT_FOR, SourceError};
use crate::http::CallContext;

/// What of the program's complaints is looked at.
const COMPLAINT_BYTES: u64 = 8 * 1024;

/// A file on a server. Printing it for debugging shows no secret.
pub struct Remote {
    /// Name or address of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who reads.
    pub user: String,
    /// The password, or a private key as OpenSSH writes it.
    pub secret: String,
    /// The server's public key, as in `known_hosts`, without a name.
    pub host_key: String,
    /// Where the file lies there.
    pub path: String,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("host", &self.host).finish_non_exhaustive()
    }
}

/// What is wrong with a host's key as it is stated, if anything is: it is a word for its type and the key in base64.
pub fn host_key_fault(text: &str) -> Option<&'static str> {
    const FORM: &str = "must be a public key as in known_hosts without the name, for example `ssh-ed25519 AAAA...`; \
                        `ssh-keyscan HOST` prints it";
    let is_type = |word: &str| {
        ["ssh-", "ecdsa-sha2-", "sk-"].iter().any(|start| word.starts_with(start))
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-@.".contains(&byte))
    };
    let is_key = |word: &str| {
        word.len() >= 40 && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
    };
    match text.split(' ').collect::<Vec<_>>()[..] {
        [kind, key] if is_type(kind) && is_key(key) && text.len() <= 4_000 => None,
        _ => Some(FORM),
    }
}

/// Reads a file into `sink`; its mark, or none when it has the mark that is known.
pub(super) async fn fetch(
    context: &CallContext,
    remote: &Remote,
    address: SocketAddr,
    known: Option<&str>,
    sink: &mut (impl Write + Send),
) -> Result<Option<String>, SourceError> {
    if let Some(fault) = host_key_fault(&remote.host_key) {
        return Err(SourceError::Unfit(format!("the host key {fault}")));
    }
    let folder = Folder::with(remote)?;
    let mut child = started(remote, address, &folder)?;
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(SourceError::Here("the program `ssh` has no ends to talk through"));
    };
    let begun = timeout_at(context.deadline, Reader::begin(stdout, stdin)).await;
    // Whoever is let in needs the secret no more, nor does who is not.
    drop(folder);
    let read = match begun {
        Err(_) => return Err(SourceError::Unreachable),
        Ok(Err(Fault::Ended)) => return Err(complaint(stderr, child).await),
        Ok(Err(fault)) => return Err(told(&fault)),
        Ok(Ok(reader)) => read(context, reader, remote, known, sink).await,
    };
    // Whatever it still wants to say: dropping it ends it.
    drop(child);
    read
}

async fn read(
    context: &CallContext,
    mut reader: Reader<ChildStdout, ChildStdin>,
    remote: &Remote,
    known: Option<&str>,
    sink: &mut (impl Write + Send),
) -> Result<Option<String>, SourceError> {
    let late = |_| SourceError::Silent;
    let open = timeout_at(context.deadline, reader.open(&remote.path)).await.map_err(late)?;
    let (handle, Stat { size, modified, is_file }) = open.map_err(|fault| told(&fault))?;
    if !is_file {
        return Err(SourceError::NotAFile);
    }
    let mark = format!("{size} {modified}");
    if known == Some(mark.as_str()) {
        return Ok(None);
    }
    if size > MOST_BYTES {
        return Err(SourceError::TooLarge);
    }
    let mut bytes = 0;
    loop {
        let piece = timeout(SILENT_FOR, reader.read(&handle, bytes)).await.map_err(late)?;
        let (piece, is_end) = piece.map_err(|fault| told(&fault))?;
        bytes += piece.len() as u64;
        if bytes > MOST_BYTES {
            return Err(SourceError::TooLarge);
        }
        sink.write_all(&piece)?;
        if is_end {
            break;
        }
    }
    if bytes != size {
        return Err(SourceError::FileChanged);
    }
    sink.flush()?;
    Ok(Some(mark))
}

/// The program, on its way to the server. Nothing of this machine's own settings is used.
fn started(remote: &Remote, address: SocketAddr, folder: &Folder) -> Result<Child, SourceError> {
    let mut command = Command::new("ssh");
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LC_ALL", "C");
    command.args(["-F", "none", "-T", "-p", &address.port().to_string(), "-l", &remote.user]);
    let known_hosts = format!("UserKnownHostsFile={}", folder.known_hosts().display());
    for option in [
        known_hosts.as_str(),
        "GlobalKnownHostsFile=none",
        "HostKeyAlias=source",
        "StrictHostKeyChecking=yes",
        "UpdateHostKeys=no",
        "CheckHostIP=no",
        "ConnectTimeout=15",
        "ServerAliveInterval=15",
        "ServerAliveCountMax=4",
        "ClearAllForwardings=yes",
        "ForwardAgent=no",
        "IdentityAgent=none",
        "ControlPath=none",
        "PermitLocalCommand=no",
        "EscapeChar=none",
        "LogLevel=ERROR",
    ] {
        command.args(["-o", option]);
    }
    folder.sign_in(&mut command);
    command.args(["-s", "--", &address.ip().to_string(), "sftp"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => SourceError::Here("the program `ssh` is not installed here"),
        _ => SourceError::Here("the program `ssh` cannot be started here"),
    })
}

/// Why the program ended before it was let in. Its words may hold names of the server's; only what they are about is told.
async fn complaint(stderr: ChildStderr, mut child: Child) -> SourceError {
    let mut words = Vec::new();
    let read = async {
        let _ = stderr.take(COMPLAINT_BYTES).read_to_end(&mut words).await;
        let _ = child.wait().await;
    };
    let _ = timeout(std::time::Duration::from_secs(5), read).await;
    meant(&String::from_utf8_lossy(&words))
}

/// What is said of something that takes a connection and does not greet as an SSH server does.
const NO_SSH: [&str; 5] = [
    "kex_exchange_identification",
    "during banner exchange",
    "Protocol major versions differ",
    "Bad remote protocol version",
    "No banner received",
];

fn meant(words: &str) -> SourceError {
    let says = |part: &str| words.contains(part);
    if says("Host key verification failed") || says("host key type found") {
        SourceError::HostKey
    } else if says("ssh_askpass") {
        SourceError::Here("no password can be handed over: the folder for temporary files takes no programs")
    } else if says("invalid format") || says("error in libcrypto") || says("incorrect passphrase") {
        SourceError::PrivateKey
    } else if says("Permission denied") || says("Too many authentication failures") {
        SourceError::SignIn
    } else if says("subsystem request failed") {
        SourceError::Unfit("the user may not use SFTP: let it be allowed there".to_owned())
    } else if says("Connection refused") {
        SourceError::ConnectionRefused
    } else if NO_SSH.iter().any(|part| says(part)) {
        SourceError::NotSsh
    } else {
        SourceError::Unreachable
    }
}

fn told(fault: &Fault) -> SourceError {
    match fault {
        Fault::Status(2) => SourceError::NoFile,
        Fault::Status(3) => SourceError::NotPermitted,
        // So some servers call a folder.
        Fault::Status(4) => SourceError::NotAFile,
        Fault::Status(code) => SourceError::Statement(code.to_string()),
        Fault::Ended => SourceError::Broken,
        Fault::Unexpected => SourceError::Odd,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[test]
    fn a_host_key_is_a_type_and_a_key_and_nothing_else() {
        let key = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
        assert_eq!(host_key_fault(&format!("ssh-ed25519 {key}")), None);
        for bad in [
            key.to_owned(),
            format!("host ssh-ed25519 {key}"),
            format!("ssh-ed25519 {key}\n* ssh-ed25519 {key}"),
            format!("ssh-ed25519 {key} me@here"),
            "ssh-ed25519 short".to_owned(),
            String::new(),
        ] {
            assert!(host_key_fault(&bad).is_some(), "{bad}");
        }
    }

    #[tokio::test]
    async fn what_is_no_ssh_server_is_told_so() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it has one");
        // As a mail server greets, and hangs up on what it does not know.
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.write_all(b"220 mail.example ESMTP\r\n").await;
                let _ = stream.read(&mut [0; 256]).await;
            }
        });
        let remote = Remote {
            host: "127.0.0.1".to_owned(),
            port: address.port(),
            user: "u".to_owned(),
            secret: "s".to_owned(),
            host_key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
                .to_owned(),
            path: "orders.csv".to_owned(),
        };
        let context = CallContext { deadline: tokio::time::Instant::now() + SILENT_FOR, traceparent: None };
        let fault = fetch(&context, &remote, address, None, &mut std::io::sink()).await.expect_err("no file");
        assert_eq!(fault.code(), "not_ssh", "{fault}");
    }

    #[test]
    fn what_the_program_says_is_told_without_its_words() {
        for (words, part) in [
            ("Host key verification failed.", "host key"),
            ("u@203.0.113.9: Permission denied (publickey,password).", "password or key"),
            ("Load key \"/tmp/x/key\": invalid format\r\nu@h: Permission denied (publickey).", "private key"),
            ("ssh: connect to host 203.0.113.9 port 22: Connection refused", "nothing answers"),
            ("subsystem request failed on channel 0", "SFTP"),
            ("kex_exchange_identification: Connection closed by remote host", "no SSH server"),
            ("kex_exchange_identification: banner line contains invalid characters", "no SSH server"),
            ("Connection timed out during banner exchange", "no SSH server"),
            ("Protocol major versions differ: 2 vs. 1", "no SSH server"),
            ("ssh: connect to host 203.0.113.9 port 22: Connection timed out", "no connection"),
        ] {
            let told = meant(words).to_string();
            assert!(told.contains(part) && !told.contains("203.0.113.9"), "{words}: {told}");
        }
    }
}
