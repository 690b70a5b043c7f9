//! When a delivery is tried again: Standard Webhooks' delays, and how long what only waits may wait.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// The wait before each attempt; the first goes at once. They are spent by the endpoint's own faults alone.
pub const DELAYS: [Duration; 10] = [
    Duration::ZERO,
    Duration::from_secs(5),
    Duration::from_secs(5 * MINUTE),
    Duration::from_secs(30 * MINUTE),
    Duration::from_secs(2 * HOUR),
    Duration::from_secs(5 * HOUR),
    Duration::from_secs(10 * HOUR),
    Duration::from_secs(14 * HOUR),
    Duration::from_secs(20 * HOUR),
    Duration::from_secs(24 * HOUR),
];

/// What an endpoint that asks for time gets at most, from the first time it asks; then asking is a fault.
pub const LONGEST_WAIT: chrono::Duration = chrono::Duration::hours(24);

/// The wait before the next attempt after so many failed; none when all are spent.
pub fn next_delay(failed_attempts: usize) -> Option<Duration> {
    DELAYS.get(failed_attempts).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_attempts_within_about_three_days() {
        assert_eq!(next_delay(0), Some(Duration::ZERO));
        assert_eq!(next_delay(1), Some(Duration::from_secs(5)));
        assert_eq!(next_delay(9), Some(Duration::from_secs(86_400)));
        assert_eq!(next_delay(10), None);
        let all: Duration = DELAYS.iter().sum();
        assert_eq!(all.as_secs(), 5 + 35 * 60 + 75 * 3_600);
        assert!(DELAYS.is_sorted());
    }
}
