//! The metrics of the process itself, read from /proc when someone asks. They are written by hand
//! because the recorder's counters are whole numbers and CPU time is not.

use std::fmt::Write as _;

/// Linux reports CPU time to programs in hundredths of a second on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// Appends what can be read; where there is no /proc nothing is appended.
pub(super) fn append(text: &mut String) {
    if let Some(bytes) = resident_bytes(&read("status")) {
        line(
            text,
            "process_resident_memory_bytes",
            "gauge",
            "Resident memory of the process.",
            &bytes.to_string(),
        );
    }
    if let Some(secs) = cpu_secs(&read("stat")) {
        line(
            text,
            "process_cpu_seconds_total",
            "counter",
            "CPU time that the process used.",
            &format!("{secs:.2}"),
        );
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        let count = open.count().to_string();
        line(text, "process_open_fds", "gauge", "Open file descriptors of the process.", &count);
    }
}

fn line(text: &mut String, name: &str, kind: &str, help: &str, value: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
}

fn read(name: &str) -> String {
    std::fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default()
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// User and system time are the 14th and 15th field. The second is the program's name in brackets,
/// which may itself contain blanks and brackets, so counting starts behind the last bracket.
fn cpu_secs(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    #[expect(clippy::cast_precision_loss, reason = "ticks of a process stay far below 2^52")]
    Some((user + system) as f64 / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_memory_and_cpu_time() {
        assert_eq!(resident_bytes("VmPeak:\t  9 kB\nVmRSS:\t    1234 kB\n"), Some(1234 * 1024));
        let stat = "7 (a) odd (name) S 1 7 7 0 -1 4194304 1 0 0 0 150 50 0 0 20 0 1 0 100 1 1";
        assert_eq!(cpu_secs(stat), Some(2.0));
        assert_eq!(resident_bytes(""), None);
        assert_eq!(cpu_secs("garbage"), None);
    }
}
