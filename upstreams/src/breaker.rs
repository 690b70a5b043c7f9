//! Circuit breakers, one per upstream, host and (where a client says so) tenant, shared by the whole process.
//!
//! A host that keeps failing is left alone for a while instead of holding worker slots until they time out;
//! then a single probe decides whether calls may go again. The `recloser` crate was considered: it reads the
//! system clock itself, lets any number of calls through while half-open, and its refusal does not say when
//! to come back, which is exactly what a job needs in order to be rescheduled. So this is a small one of our
//! own, with the time passed in.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When a circuit opens and for how long.
#[derive(Debug, Clone, Copy)]
pub struct BreakerSettings {
    /// Failures within `window` that open the circuit; at least 1.
    pub failures: usize,
    /// The span in which failures are counted.
    pub window: Duration,
    /// How long an open circuit refuses calls.
    pub open_for: Duration,
    /// Hosts remembered at most; the longest untouched healthy ones are forgotten first.
    pub hosts: usize,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failures: 8, window: Duration::from_secs(30), open_for: Duration::from_secs(15), hosts: 4096 }
    }
}

/// All circuits of a process. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Breakers {
    settings: BreakerSettings,
    circuits: Arc<Mutex<HashMap<String, Circuit>>>,
}

impl Breakers {
    /// Starts with every circuit closed.
    pub fn new(settings: BreakerSettings) -> Self {
        Self { settings, circuits: Arc::default() }
    }

    /// Asks to call `host`. A permit must be told how the call ended; one that is dropped untold (the job was
    /// cancelled, say) counts for nothing. An error says how long the circuit stays shut.
    pub fn ask(&self, host: &str, now: Instant) -> Result<Permit, Duration> {
        let mut circuits = self.circuits.lock().unwrap_or_else(PoisonError::into_inner);
        if !circuits.contains_key(host) {
            if circuits.len() >= self.settings.hosts {
                forget_one(&mut circuits);
            }
            circuits.insert(host.to_owned(), Circuit::new(now));
        }
        let circuit = circuits.get_mut(host).expect("the circuit was inserted above");
        let round = circuit.ask(now)?;
        Ok(Permit { breakers: self.clone(), host: host.to_owned(), round, told: false })
    }

    fn tell(&self, host: &str, apply: impl FnOnce(&mut Circuit)) {
        let mut circuits = self.circuits.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(circuit) = circuits.get_mut(host) {
            apply(circuit);
        }
    }
}

impl Default for Breakers {
    fn default() -> Self {
        Self::new(BreakerSettings::default())
    }
}

/// Leave to make one call.
#[derive(Debug)]
#[must_use = "tell the permit how the call ended"]
pub struct Permit {
    breakers: Breakers,
    host: String,
    round: u64,
    told: bool,
}

impl Permit {
    /// The upstream works (a refusal of this very request included).
    pub fn succeeded(mut self) {
        self.told = true;
        self.breakers.tell(&self.host, |circuit| circuit.succeeded(self.round));
    }

    /// The upstream did not answer, or answered that it is broken.
    /// Answers whether its circuit opened by that.
    pub fn failed(mut self, now: Instant) -> bool {
        self.told = true;
        let settings = self.breakers.settings;
        let mut opened = false;
        self.breakers.tell(&self.host, |circuit| opened = circuit.failed(self.round, now, &settings));
        opened
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.told {
            self.breakers.tell(&self.host, |circuit| circuit.abandoned(self.round));
        }
    }
}

/// The longest untouched closed circuit goes; when all are open, the one that opens up soonest.
fn forget_one(circuits: &mut HashMap<String, Circuit>) {
    let rank = |circuit: &Circuit| (!matches!(circuit.state, State::Closed { .. }), circuit.touched);
    if let Some(host) = circuits.iter().min_by_key(|(_, circuit)| rank(circuit)).map(|(host, _)| host.clone())
    {
        circuits.remove(&host);
    }
}

/// One host's circuit. `round` grows with every change of state, so that a call which began before the
/// change cannot decide about what came after it.
#[derive(Debug)]
struct Circuit {
    state: State,
    round: u64,
    touched: Instant,
}

#[derive(Debug)]
enum State {
    Closed {
        failures: VecDeque<Instant>,
    },
    Open {
        until: Instant,
    },
    /// Of all calls one goes out as a probe.
    HalfOpen {
        probe_is_out: bool,
    },
}

/// What a caller is told while somebody else's probe is out.
const PROBE_PAUSE: Duration = Duration::from_secs(1);

impl Circuit {
    fn new(now: Instant) -> Self {
        Self { state: State::Closed { failures: VecDeque::new() }, round: 0, touched: now }
    }

    fn ask(&mut self, now: Instant) -> Result<u64, Duration> {
        self.touched = now;
        match &mut self.state {
            State::Closed { .. } => Ok(self.round),
            State::Open { until } if now < *until => Err(*until - now),
            State::Open { .. } => Ok(self.turn(State::HalfOpen { probe_is_out: true })),
            State::HalfOpen { probe_is_out: true } => Err(PROBE_PAUSE),
            State::HalfOpen { probe_is_out } => {
                *probe_is_out = true;
                Ok(self.round)
            }
        }
    }

    fn succeeded(&mut self, round: u64) {
        if round == self.round && matches!(self.state, State::HalfOpen { .. }) {
            self.turn(State::Closed { failures: VecDeque::new() });
        }
    }

    fn failed(&mut self, round: u64, now: Instant, settings: &BreakerSettings) -> bool {
        if round != self.round {
            return false;
        }
        let opens = match &mut self.state {
            State::Closed { failures } => {
                while failures.front().is_some_and(|at| now.duration_since(*at) > settings.window) {
                    failures.pop_front();
                }
                failures.push_back(now);
                failures.len() >= settings.failures.max(1)
            }
            State::HalfOpen { .. } => true,
            State::Open { .. } => false,
        };
        if opens {
            self.turn(State::Open { until: now + settings.open_for });
        }
        opens
    }

    fn abandoned(&mut self, round: u64) {
        if round == self.round
            && let State::HalfOpen { probe_is_out } = &mut self.state
        {
            *probe_is_out = false;
        }
    }

    fn turn(&mut self, state: State) -> u64 {
        self.state = state;
        self.round += 1;
        self.round
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SETTINGS: BreakerSettings = BreakerSettings {
        failures: 3,
        window: Duration::from_secs(10),
        open_for: Duration::from_secs(5),
        hosts: 2,
    };

    fn opened(breakers: &Breakers, now: Instant) {
        for _ in 0..3 {
            breakers.ask("a", now).expect("closed").failed(now);
        }
    }

    #[test]
    fn opens_after_failures_in_the_window_and_says_when_to_return() {
        let breakers = Breakers::new(SETTINGS);
        let now = Instant::now();
        opened(&breakers, now);
        let later = now + Duration::from_secs(2);
        assert_eq!(breakers.ask("a", later).err(), Some(Duration::from_secs(3)));
        assert!(breakers.ask("b", later).is_ok(), "hosts do not share a circuit");
    }

    #[test]
    fn failures_outside_the_window_do_not_add_up() {
        let breakers = Breakers::new(SETTINGS);
        let start = Instant::now();
        for n in 0..10 {
            let now = start + Duration::from_secs(6 * n);
            breakers.ask("a", now).expect("never three within ten seconds").failed(now);
        }
    }

    #[test]
    fn one_probe_decides() {
        let breakers = Breakers::new(SETTINGS);
        let now = Instant::now();
        opened(&breakers, now);
        let later = now + Duration::from_secs(5);
        let probe = breakers.ask("a", later).expect("the first after the pause is the probe");
        assert_eq!(breakers.ask("a", later).err(), Some(PROBE_PAUSE));
        probe.failed(later);
        assert_eq!(breakers.ask("a", later).err(), Some(Duration::from_secs(5)));
        let again = later + Duration::from_secs(5);
        breakers.ask("a", again).expect("second probe").succeeded();
        assert!(breakers.ask("a", again).is_ok());
    }

    #[test]
    fn a_dropped_probe_makes_room_for_another() {
        let breakers = Breakers::new(SETTINGS);
        let now = Instant::now();
        opened(&breakers, now);
        let later = now + Duration::from_secs(5);
        drop(breakers.ask("a", later).expect("probe"));
        assert!(breakers.ask("a", later).is_ok());
    }

    #[test]
    fn a_late_failure_from_before_does_not_reopen() {
        let breakers = Breakers::new(SETTINGS);
        let now = Instant::now();
        let slow = breakers.ask("a", now).expect("closed");
        opened(&breakers, now);
        let later = now + Duration::from_secs(5);
        breakers.ask("a", later).expect("probe").succeeded();
        slow.failed(later);
        assert!(breakers.ask("a", later).is_ok());
    }

    #[test]
    fn the_number_of_hosts_is_bounded() {
        let breakers = Breakers::new(SETTINGS);
        let now = Instant::now();
        opened(&breakers, now);
        for n in 0..50 {
            drop(breakers.ask(&format!("host-{n}"), now + Duration::from_millis(n)));
        }
        assert!(breakers.circuits.lock().expect("no panic inside").len() <= 2);
        assert!(breakers.ask("a", now).is_err(), "an open circuit outlives healthy ones");
    }

    proptest! {
        /// Whatever happens in whatever order, a circuit never refuses for longer than it opens for, and a
        /// success after the pause closes it.
        #[test]
        fn always_recovers(steps in proptest::collection::vec((0u8..4, 0u64..8000), 0..60)) {
            let breakers = Breakers::new(SETTINGS);
            let mut now = Instant::now();
            let mut held = Vec::new();
            for (step, wait_ms) in steps {
                now += Duration::from_millis(wait_ms);
                match breakers.ask("a", now) {
                    Err(after) => prop_assert!(after <= SETTINGS.open_for),
                    Ok(permit) => match step {
                        0 => permit.succeeded(),
                        1 => {
                            permit.failed(now);
                        }
                        2 => drop(permit),
                        _ => held.push(permit),
                    },
                }
            }
            drop(held);
            now += SETTINGS.open_for;
            let probe = breakers.ask("a", now);
            prop_assert!(probe.is_ok());
            probe.expect("checked above").succeeded();
            prop_assert!(breakers.ask("a", now).is_ok());
        }
    }
}
