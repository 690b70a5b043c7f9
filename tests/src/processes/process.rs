//! One child process. A thread of its own starts it, waits for it and tells everybody when it has ended.
//!
//! The thread looks before it reaps, and reaps under a lock that signalling takes too: a signal never
//! reaches a stranger who was given the same pid. The kernel kills the child when that thread ends,
//! so that nothing survives this process, not even its own kill -9.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::Duration,
};

use nix::{
    errno::Errno,
    sys::{
        signal::{Signal, kill},
        wait::{Id, WaitPidFlag, waitid},
    },
    unistd::Pid,
};
use tokio::sync::watch;

/// Where log lines of processes go.
#[derive(Clone, Copy, Debug)]
pub enum Logs {
    /// Into a file for each process.
    File,
    /// There too, and each line with the process's name to a function.
    FileAnd(fn(&str, &str)),
}

/// Whether a signal found its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signalled {
    /// It was sent.
    Sent,
    /// The process had ended.
    Gone,
}

/// A child process; it is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    /// What it is called in this cluster, for example `worker-1`.
    pub name: String,
    /// Its pid, also after its end.
    pub pid: u32,
    /// Where it serves metrics and health, if on a port of its own.
    pub ops: Option<SocketAddr>,
    /// Its log.
    pub log: PathBuf,
    reaped: Arc<Mutex<bool>>,
    ended: watch::Receiver<Option<ExitStatus>>,
}

impl Process {
    /// Starts a program with these settings and nothing else of our environment that matters to it.
    ///
    /// # Errors
    /// It cannot be run or its log cannot be written.
    pub fn spawn(
        name: &str,
        program: &Path,
        settings: Vec<(String, String)>,
        log: PathBuf,
        logs: Logs,
        ops: Option<SocketAddr>,
    ) -> io::Result<Process> {
        let mut command = command(program);
        command.env_clear().envs(settings).stdin(Stdio::null());
        for name in ["PATH", "HOME", "TZ", "RUST_BACKTRACE", "RUST_LIB_BACKTRACE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        let file = OpenOptions::new().create(true).append(true).open(&log)?;
        direct(&mut command, name, file, logs)?;

        let reaped = Arc::new(Mutex::new(false));
        let (tell_end, ended) = watch::channel(None);
        let (tell_start, started) = mpsc::channel();
        let in_thread = Arc::clone(&reaped);
        thread::Builder::new().name(name.chars().take(15).collect()).spawn(move || {
            let child = command.spawn();
            // The command holds the writing end of the child's pipe.
            drop(command);
            match child {
                Ok(child) => {
                    let _ = tell_start.send(Ok(child.id()));
                    watch_over(child, &in_thread, &tell_end);
                }
                Err(error) => drop(tell_start.send(Err(error))),
            }
        })?;
        let pid = started.recv().map_err(io::Error::other)??;
        Ok(Process { name: name.to_owned(), pid, ops, log, reaped, ended })
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Signalled {
        let reaped = lock(&self.reaped);
        if *reaped || kill(pid(self.pid), signal).is_err() {
            return Signalled::Gone;
        }
        Signalled::Sent
    }

    /// Kills it (-9) and waits for its end.
    pub async fn kill(&self) -> ExitStatus {
        self.signal(Signal::SIGKILL);
        self.wait().await
    }

    /// Asks it to end in order (SIGTERM).
    pub fn terminate(&self) -> Signalled {
        self.signal(Signal::SIGTERM)
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// The thread that watches over it is gone, which it cannot be before the end of the process.
    pub async fn wait(&self) -> ExitStatus {
        let mut ended = self.ended.clone();
        let status = ended.wait_for(Option::is_some).await.expect("its thread tells the end");
        status.expect("waited for")
    }

    /// How it ended, if it has.
    pub fn ended(&self) -> Option<ExitStatus> {
        *self.ended.borrow()
    }

    /// Its metrics, if it serves any and answers within two seconds.
    pub async fn metrics(&self) -> Option<String> {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build().ok()?;
        let answer = http.get(format!("http://{}/metrics", self.ops?)).send().await.ok()?;
        answer.text().await.ok()
    }

    /// Resident memory in bytes, while it runs.
    pub fn resident_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
    }

    /// The last line of its log.
    pub fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        log.lines().last().unwrap_or("its log is empty").to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.signal(Signal::SIGKILL) == Signalled::Sent {
            // Nobody is left who could; the thread reaps within moments.
            while self.ended().is_none() && self.ended.has_changed().is_ok() {
                thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// The folder of the programs: where this one is, or above when this one is a test.
///
/// # Errors
/// The programs are not there.
pub(super) fn programs() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.ancestors().skip(1).find(|folder| !folder.ends_with("deps")).unwrap_or(Path::new("."));
    for program in ["api", "worker", "scheduler"] {
        anyhow::ensure!(
            folder.join(program).is_file(),
            "{} is missing; run: make build",
            folder.join(program).display()
        );
    }
    Ok(folder.to_owned())
}

/// With `setpriv`, which every Debian and Ubuntu has, the kernel kills the child when the thread that
/// started it ends; without it the child is only killed when we get to do so. `setsid` gives it a session of its own,
/// as service managers do: an interrupt from the terminal is ours alone, and the kernel, which shares the processor
/// among sessions, does not weigh a whole cluster like a single connection of Postgres.
fn command(program: &Path) -> Command {
    const SETPRIV: &str = "/usr/bin/setpriv";
    const SETSID: &str = "/usr/bin/setsid";
    if !Path::new(SETPRIV).exists() || !Path::new(SETSID).exists() {
        let mut command = Command::new(program);
        command.process_group(0);
        return command;
    }
    let mut command = Command::new(SETPRIV);
    command.args(["--pdeathsig", "KILL", "--", SETSID]).arg(program);
    command
}

fn direct(command: &mut Command, name: &str, mut file: File, logs: Logs) -> io::Result<()> {
    match logs {
        Logs::File => {
            command.stdout(file.try_clone()?).stderr(file);
        }
        Logs::FileAnd(show) => {
            let (reader, writer) = io::pipe()?;
            command.stdout(writer.try_clone()?).stderr(writer);
            let name = name.to_owned();
            thread::Builder::new().name("log".to_owned()).spawn(move || {
                for line in BufReader::new(reader).lines() {
                    let Ok(line) = line else { continue };
                    let _ = writeln!(file, "{line}");
                    show(&name, &line);
                }
            })?;
        }
    }
    Ok(())
}

fn watch_over(mut child: Child, reaped: &Mutex<bool>, tell_end: &watch::Sender<Option<ExitStatus>>) {
    let id = || Id::Pid(pid(child.id()));
    while waitid(id(), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) == Err(Errno::EINTR) {}
    let mut reaped = lock(reaped);
    *reaped = true;
    let status = child.wait();
    drop(reaped);
    // A status can only be missing when somebody else reaped the child, and nobody else knows it.
    tell_end.send_replace(Some(status.unwrap_or_default()));
}

fn pid(id: u32) -> Pid {
    Pid::from_raw(id.cast_signed())
}

fn lock(mutex: &Mutex<bool>) -> MutexGuard<'_, bool> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;
    use crate::folder::Folder;

    /// A process that runs the script, and the folder of its log.
    fn shell(script: &str) -> (Process, Folder) {
        let folder = Folder::temporary().expect("a folder");
        let log = folder.path().join("shell.log");
        let settings = vec![("SCRIPT".to_owned(), script.to_owned())];
        // A program without arguments: the shell reads its script from a file.
        let file = log.with_extension("sh");
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("a script");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&file, mode).expect("runnable");
        let process = Process::spawn("shell", &file, settings, log, Logs::File, None).expect("it starts");
        (process, folder)
    }

    #[tokio::test]
    async fn an_end_is_told_to_everybody_and_signals_come_too_late_then() {
        let (process, _folder) = shell("echo so long; exit 3");
        assert_eq!(process.wait().await.code(), Some(3));
        assert_eq!(process.wait().await.code(), Some(3));
        assert_eq!(process.last_words(), "so long");
        assert_eq!(process.terminate(), Signalled::Gone);
    }

    #[tokio::test]
    async fn kill_ends_what_does_not_want_to_end() {
        let (process, _folder) = shell("trap '' TERM; exec sleep 600");
        assert_eq!(process.ended(), None);
        assert_eq!(process.kill().await.signal(), Some(9));
    }

    #[tokio::test]
    async fn dropping_kills() {
        let (process, _folder) = shell("exec sleep 600");
        let ended = process.ended.clone();
        drop(process);
        assert_eq!(ended.borrow().and_then(|status| status.signal()), Some(9));
    }
}
