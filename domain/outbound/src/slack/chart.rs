//! The picture of a forecast, by its address. A chat shows pictures that it can fetch, without a key of ours; so the figures
//! lie in the address itself, sealed, and expire. Nothing is stored, and nobody reads or makes one without the master key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use accounts::seal::MasterKey;

/// How long an address leads to its picture: the chat keeps what it fetched.
const GOOD_FOR: TimeDelta = TimeDelta::days(7);

/// Months that are drawn at most, so that the address stays within what a chat takes.
const PAST: usize = 36;
const AHEAD: usize = 12;

/// What an address is sealed for.
const PURPOSE: &str = "slack-chart";

/// Characters of an address that is looked at.
const LONGEST: usize = 4_000;

/// A line of months, and the months ahead with the band in which they are expected. No month and no shop is named.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chart {
    /// Values of months that are over, the oldest first.
    pub past: Vec<f32>,
    /// Value, lower and upper bound of the months ahead.
    pub ahead: Vec<[f32; 3]>,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    until: i64,
    chart: Chart,
}

impl Chart {
    /// The months to draw, of which only the last and the next are taken; none when there is nothing to draw.
    pub fn of(past: &[f64], ahead: &[[f64; 3]]) -> Option<Chart> {
        let skipped = past.len().saturating_sub(PAST);
        let chart = Chart {
            past: past[skipped..].iter().map(|value| *value as f32).collect(),
            ahead: ahead.iter().take(AHEAD).map(|month| month.map(|value| value as f32)).collect(),
        };
        (chart.past.len() + chart.ahead.len() >= 2 && chart.values().all(f32::is_finite)).then_some(chart)
    }

    /// Every value in it.
    pub fn values(&self) -> impl Iterator<Item = f32> + '_ {
        self.past.iter().chain(self.ahead.iter().flatten()).copied()
    }

    /// Its figures as they stand in its address.
    pub fn token(&self, key: &MasterKey, now: DateTime<Utc>) -> String {
        let sealed = Sealed { until: (now + GOOD_FOR).timestamp(), chart: self.clone() };
        let plain = serde_json::to_vec(&sealed).expect("a chart is plain data");
        URL_SAFE_NO_PAD.encode(key.seal(PURPOSE, &plain))
    }

    /// The chart of an address; none when it expired or was not made here.
    pub fn open(key: &MasterKey, token: &str, now: DateTime<Utc>) -> Option<Chart> {
        if token.len() > LONGEST {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(token).ok()?;
        let plain = key.unseal(PURPOSE, &sealed).ok()?;
        let sealed: Sealed = serde_json::from_slice(&plain).ok()?;
        (now.timestamp() < sealed.until).then_some(sealed.chart)
    }
}

/// Where a chart is shown, below the desk's own address; only over TLS, or a chat does not fetch it.
pub fn address(public_url: Option<&str>, token: &str) -> Option<String> {
    let base = public_url.filter(|url| url.starts_with("https://"))?;
    Some(format!("{}/api/slack/chart?figures={token}", base.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> MasterKey {
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".parse().expect("32 bytes")
    }

    #[test]
    fn an_address_leads_to_its_chart_for_a_week_and_fits_into_a_message() {
        let now = Utc::now();
        let past: Vec<f64> = (0..60).map(|month| 1_234_567.89 + f64::from(month)).collect();
        let ahead: Vec<[f64; 3]> = (0..24).map(|_| [1_234_567.89, 1_034_567.89, 1_434_567.89]).collect();
        let chart = Chart::of(&past, &ahead).expect("a chart");
        assert_eq!((chart.past.len(), chart.ahead.len()), (36, 12));
        let token = chart.token(&key(), now);
        assert!(address(Some("https://desk.example.com/"), &token).is_some_and(|url| url.len() < 3_000));
        assert_eq!(Chart::open(&key(), &token, now + TimeDelta::days(6)), Some(chart));
        assert_eq!(Chart::open(&key(), &token, now + TimeDelta::days(8)), None);
        let other: MasterKey = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".parse().expect("32 bytes");
        assert_eq!(Chart::open(&other, &token, now), None);
        for wrong in ["", "x", "\u{e4}", &token[1..], &"A".repeat(5_000)] {
            assert_eq!(Chart::open(&key(), wrong, now), None);
        }
    }

    #[test]
    fn what_cannot_be_drawn_has_no_chart_and_what_cannot_be_fetched_no_address() {
        assert_eq!(Chart::of(&[1.0], &[]), None);
        assert_eq!(Chart::of(&[1.0, f64::NAN], &[]), None);
        assert_eq!(address(None, "t"), None);
        assert_eq!(address(Some("http://127.0.0.1:8080"), "t"), None);
    }
}
