//! How much processor time other machines on the same host took from this one while something was measured. A virtual
//! machine whose host is busy stands still without knowing it; the kernel counts that time as stolen. A figure that was
//! taken meanwhile says something about the neighbours.

use crate::report::count;

/// Above this share of all processor time a round is not to be trusted. What a quiet host takes is well below a
/// hundredth.
const TRUSTED_SHARE: f64 = 0.02;

/// Measures from where it is made until it is asked.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    before: Times,
}

/// Clock ticks since the machine was started.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Times {
    stolen: u64,
    all: u64,
}

impl Watch {
    /// Begins.
    pub fn start() -> Watch {
        Watch { before: now() }
    }

    /// The stolen share of all processor time since then, from 0 to 1.
    pub fn share(self) -> f64 {
        share(self.before, now())
    }
}

/// Says of each round how much was stolen, and how many rounds are therefore not to be trusted.
pub fn tell(name: &str, shares: &[f64]) {
    for (round, share) in shares.iter().enumerate().filter(|(_, share)| **share > TRUSTED_SHARE) {
        println!(
            "round {}: other machines took {:.1} % of the processor time, too much to trust its figures",
            round + 1,
            share * 100.0
        );
    }
    let untrusted = shares.iter().filter(|share| **share > TRUSTED_SHARE).count();
    count(&format!("{name}_rounds_untrusted"), i64::try_from(untrusted).unwrap_or(i64::MAX), "rounds");
}

fn now() -> Times {
    // Where there is no such file, nothing is known to be stolen.
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    text.lines().next().map(times).unwrap_or_default()
}

/// Reads `cpu user nice system idle iowait irq softirq steal guest guest_nice`; guests are part of user and nice already.
fn times(line: &str) -> Times {
    let fields: Vec<u64> =
        line.split_whitespace().skip(1).take(8).map(|field| field.parse().unwrap_or(0)).collect();
    Times { stolen: fields.get(7).copied().unwrap_or(0), all: fields.iter().sum() }
}

fn share(before: Times, after: Times) -> f64 {
    let passed = after.all.saturating_sub(before.all);
    if passed == 0 {
        return 0.0;
    }
    after.stolen.saturating_sub(before.stolen) as f64 / passed as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stolen_between_two_looks_is_a_share_of_all_time() {
        let before = times("cpu  100 0 50 800 10 0 5 35 7 0");
        assert_eq!(before, Times { stolen: 35, all: 1000 });
        let after = times("cpu  150 0 50 840 10 0 5 45 9 0");
        assert!((share(before, after) - 0.1).abs() < 1e-9);
        assert_eq!(share(after, after), 0.0);
        assert_eq!(times("cpu  1 2 3"), Times { stolen: 0, all: 6 });
        assert!((0.0..=1.0).contains(&Watch::start().share()));
    }
}
