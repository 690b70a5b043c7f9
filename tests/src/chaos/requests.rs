//! What the feed sends: probes one by one and in batches, and webhooks of tickets that nobody sent before.
//! The mix is the same for the same seed.

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

/// A request that enqueues.
#[derive(Clone, Debug)]
pub enum Request {
    /// One probe.
    Single(Probe),
    /// Several probes that are enqueued together or not at all.
    Batch(Vec<Probe>),
    /// A customer's message in a new ticket of this number.
    Webhook(u64),
}

/// A probe with a name of its own.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Its number in the run.
    pub number: u64,
    /// What it does.
    pub work: Work,
}

/// What a probe does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Nothing.
    Nothing,
    /// One effect at the recording upstream.
    Effect,
    /// Waits so many milliseconds.
    Sleep(u64),
    /// Fails its first attempt.
    FailOnce,
}

/// Attempts of a probe: far more than faults can cost, so that no probe runs out of them.
const MAX_ATTEMPTS: u8 = 20;

/// The largest batch.
const BATCH: usize = 40;

impl Probe {
    /// What it is called in the payload and at the upstream.
    pub fn name(&self) -> String {
        format!("chaos-{}", self.number)
    }

    /// The body that enqueues it.
    pub fn body(&self) -> Value {
        let mut payload = json!({ "name": self.name() });
        match self.work {
            Work::Nothing => {}
            Work::Effect => payload["effect"] = true.into(),
            Work::Sleep(ms) => payload["sleep_ms"] = ms.into(),
            Work::FailOnce => payload["fail_attempts"] = 1.into(),
        }
        json!({ "kind": "probe", "payload": payload, "max_attempts": MAX_ATTEMPTS })
    }
}

/// The body of a webhook.
pub fn webhook_body(ticket: u64) -> Value {
    json!({
        "ticket": {
            "id": ticket, "subject": "Where is my order?", "channel": "email", "via": "email", "status": "open",
            "customer": { "id": ticket, "name": "Sam Example", "email": format!("customer-{ticket}@shop.example") },
        },
        "message": {
            "id": ticket, "from_agent": false, "public": true, "channel": "email", "via": "email",
            "body_text": "It has been a week. Where is it?",
        },
    })
}

/// An endless sequence of requests.
pub struct Requests {
    random: StdRng,
    next_number: u64,
}

impl Requests {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Requests {
        Requests { random: StdRng::seed_from_u64(seed), next_number: 1 }
    }

    /// The next one, with at most `most` jobs.
    pub fn next(&mut self, most: usize) -> Request {
        match self.random.random_range(0..100) {
            0..40 => Request::Webhook(self.number()),
            40..70 => Request::Single(self.probe()),
            _ => {
                let size = self.random.random_range(2..=BATCH).min(most.max(1));
                Request::Batch((0..size).map(|_| self.probe()).collect())
            }
        }
    }

    fn probe(&mut self) -> Probe {
        let work = match self.random.random_range(0..100) {
            0..15 => Work::Effect,
            15..28 => Work::Sleep(self.random.random_range(20..300)),
            // Long enough to be in flight at more than one kill.
            28..30 => Work::Sleep(self.random.random_range(1_000..4_000)),
            30..40 => Work::FailOnce,
            _ => Work::Nothing,
        };
        Probe { number: self.number(), work }
    }

    fn number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_number_comes_twice_and_every_kind_of_work_comes() {
        let mut requests = Requests::new(3);
        let (mut numbers, mut webhooks, mut works) = (HashSet::new(), 0, HashSet::new());
        for _ in 0..500 {
            let probes = match requests.next(1000) {
                Request::Webhook(number) => {
                    webhooks += 1;
                    assert!(numbers.insert(number));
                    Vec::new()
                }
                Request::Single(probe) => vec![probe],
                Request::Batch(probes) => probes,
            };
            for probe in probes {
                assert!(numbers.insert(probe.number));
                works.insert(std::mem::discriminant(&probe.work));
            }
        }
        assert_eq!(works.len(), 4);
        assert!(webhooks > 100, "{webhooks}");
    }
}
