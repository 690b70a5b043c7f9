//! What every Rust peer of the benchmark shares: the job, the proof that its
//! handler ran, and the command line that `bench.py` speaks.
//!
//! A handler run leaves two 24-byte records in `$REC/<pid>.rec`: sequence
//! (u64), CLOCK_MONOTONIC nanoseconds (u64), kind (u32), process (u32), all
//! little-endian. They are appended with one write when the handler ends.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

const ENQUEUE: u32 = 0;
const START: u32 = 1;
const END: u32 = 2;

/// A no-op job of about 200 bytes of JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Noop {
    /// Position of the job in its run, from 0.
    pub sequence: u64,
    /// Ballast that brings the JSON to about 200 bytes.
    pub padding: String,
}

impl Noop {
    /// The job with this position.
    pub fn new(sequence: u64) -> Self {
        Self { sequence, padding: "x".repeat(164) }
    }
}

/// What the benchmark asks a peer to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Run jobs until the process is told to stop.
    Work,
    /// Enqueue so many jobs, one call after the other.
    EnqueueSingly(u64),
    /// Enqueue so many jobs through the peer's bulk call.
    EnqueueInBulk(u64),
    /// Enqueue so many jobs, recording each call, with a pause after each.
    EnqueuePaced {
        /// How many jobs.
        count: u64,
        /// The pause in milliseconds.
        gap_ms: u64,
    },
}

impl Command {
    /// Reads `work`, `enqueue N [--bulk]` or `enqueue-paced N --gap-ms G`.
    ///
    /// # Errors
    /// The text says which forms exist.
    pub fn from_args() -> Result<Self, String> {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let number = |text: &str| text.parse::<u64>().map_err(|_| format!("not a number: {text}"));
        match words.as_slice() {
            ["work"] => Ok(Self::Work),
            ["enqueue", count] => Ok(Self::EnqueueSingly(number(count)?)),
            ["enqueue", count, "--bulk"] => Ok(Self::EnqueueInBulk(number(count)?)),
            ["enqueue-paced", count, "--gap-ms", gap] => {
                Ok(Self::EnqueuePaced { count: number(count)?, gap_ms: number(gap)? })
            }
            _ => Err("usage: work | enqueue N [--bulk] | enqueue-paced N --gap-ms G".to_owned()),
        }
    }
}

/// The handler: does nothing, and proves it.
///
/// # Errors
/// The record file cannot be written; the job must then count as failed.
pub fn run(job: &Noop) -> io::Result<()> {
    let start = entry(job.sequence, START);
    let end = entry(job.sequence, END);
    let mut both = [0; 48];
    both[..24].copy_from_slice(&start);
    both[24..].copy_from_slice(&end);
    append(&both)
}

/// Records that the enqueue call of this job begins now.
///
/// # Errors
/// The record file cannot be written.
pub fn enqueued(sequence: u64) -> io::Result<()> {
    append(&entry(sequence, ENQUEUE))
}

/// Prints how long an enqueue took, as the benchmark expects it.
pub fn report(seconds: f64) {
    println!("{{\"seconds\": {seconds}}}");
}

fn append(bytes: &[u8]) -> io::Result<()> {
    static FILE: OnceLock<File> = OnceLock::new();
    let mut file = match FILE.get() {
        Some(file) => file,
        None => {
            let folder = std::env::var("REC").map_err(|_| io::Error::other("REC is not set"))?;
            let path = format!("{folder}/{}.rec", std::process::id());
            let opened = OpenOptions::new().append(true).create(true).open(path)?;
            FILE.get_or_init(|| opened)
        }
    };
    file.write_all(bytes)
}

fn entry(sequence: u64, kind: u32) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&sequence.to_le_bytes());
    bytes[8..16].copy_from_slice(&monotonic_ns().to_le_bytes());
    bytes[16..20].copy_from_slice(&kind.to_le_bytes());
    bytes[20..].copy_from_slice(&std::process::id().to_le_bytes());
    bytes
}

fn monotonic_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a live timespec, and the clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
