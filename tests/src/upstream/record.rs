//! What arrived: calls by route, notes by external id, effects by key.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde::{Deserialize, Serialize};

const MAX_KEYS: usize = 1_000_000;
const MAX_TRACES: usize = 100;

/// A report of what arrived.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Calls by method and route, those included that met a fault.
    pub totals: BTreeMap<String, u64>,
    /// Notes by external id.
    pub notes: BTreeMap<String, u64>,
    /// Effects by key.
    pub effects: BTreeMap<String, u64>,
    /// What came more than once.
    pub duplicates: Duplicates,
    /// Notes and effects that were not counted, because a million keys were known already.
    pub uncounted: u64,
    /// The trace contexts of the latest 100 calls that had one.
    pub traceparents: Vec<String>,
}

/// Keys that came more than once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicates {
    /// External ids of notes.
    pub notes: Vec<String>,
    /// Keys of effects.
    pub effects: Vec<String>,
}

#[derive(Default)]
pub(super) struct Record {
    totals: BTreeMap<String, u64>,
    notes: HashMap<String, u64>,
    effects: HashMap<String, u64>,
    uncounted: u64,
    traceparents: VecDeque<String>,
}

impl Record {
    pub(super) fn call(&mut self, route: &str, traceparent: Option<&str>) {
        *self.totals.entry(route.to_owned()).or_default() += 1;
        if let Some(traceparent) = traceparent {
            if self.traceparents.len() >= MAX_TRACES {
                self.traceparents.pop_front();
            }
            self.traceparents.push_back(traceparent.to_owned());
        }
    }

    pub(super) fn note(&mut self, external_id: &str) {
        count(&mut self.notes, external_id, &mut self.uncounted);
    }

    /// Counts an effect and says how often its key has come by now.
    pub(super) fn effect(&mut self, key: &str) -> u64 {
        count(&mut self.effects, key, &mut self.uncounted)
    }

    /// How often an effect has come.
    pub(super) fn times(&self, key: &str) -> u64 {
        self.effects.get(key).copied().unwrap_or(0)
    }

    pub(super) fn report(&self) -> Recorded {
        Recorded {
            totals: self.totals.clone(),
            notes: sorted(&self.notes),
            effects: sorted(&self.effects),
            duplicates: Duplicates { notes: repeated(&self.notes), effects: repeated(&self.effects) },
            uncounted: self.uncounted,
            traceparents: self.traceparents.iter().cloned().collect(),
        }
    }
}

fn count(counts: &mut HashMap<String, u64>, key: &str, uncounted: &mut u64) -> u64 {
    if counts.len() >= MAX_KEYS && !counts.contains_key(key) {
        *uncounted += 1;
        return 0;
    }
    let times = counts.entry(key.to_owned()).or_default();
    *times += 1;
    *times
}

fn sorted(counts: &HashMap<String, u64>) -> BTreeMap<String, u64> {
    counts.iter().map(|(key, times)| (key.clone(), *times)).collect()
}

fn repeated(counts: &HashMap<String, u64>) -> Vec<String> {
    let mut keys: Vec<String> =
        counts.iter().filter(|(_, times)| **times > 1).map(|(key, _)| key.clone()).collect();
    keys.sort_unstable();
    keys
}
