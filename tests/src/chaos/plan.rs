//! Which faults a run has and when: a list in random order over the run, the same for the same seed.

use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A worker is killed and started anew at once.
    KillWorker,
    /// The scheduler that leads is killed and started anew at once.
    KillLeader,
    /// Redis loses all its data.
    WipeRedis,
    /// Redis is stopped and starts empty.
    RestartRedis,
    /// Redis stands still for this long.
    PauseRedis(Duration),
    /// Postgres is stopped at once and recovers from its log.
    RestartPostgres,
}

impl Fault {
    /// How a person calls it.
    pub fn name(self) -> &'static str {
        match self {
            Fault::KillWorker => "worker killed",
            Fault::KillLeader => "leading scheduler killed",
            Fault::WipeRedis => "redis wiped",
            Fault::RestartRedis => "redis restarted",
            Fault::PauseRedis(_) => "redis paused",
            Fault::RestartPostgres => "postgres restarted",
        }
    }
}

/// How often each fault happens.
#[derive(Clone, Copy, Debug)]
pub struct Amounts {
    /// Workers killed.
    pub worker_kills: usize,
    /// Leading schedulers killed.
    pub leader_kills: usize,
    /// Times that Redis is wiped.
    pub redis_wipes: usize,
    /// Times that Redis is restarted.
    pub redis_restarts: usize,
    /// How long Redis stands still, once.
    pub redis_pause: Duration,
    /// Times that Postgres is restarted.
    pub postgres_restarts: usize,
}

/// A fault, and the number of acknowledged jobs at which it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What happens.
    pub fault: Fault,
    /// When.
    pub at_acknowledged: usize,
}

/// The faults of a run of `jobs` jobs, the first to come first. They lie between a fortieth of the run
/// and nine tenths of it, so that none comes when nothing is left to be lost.
pub fn plan(amounts: &Amounts, jobs: usize, seed: u64) -> Vec<Planned> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut faults = Vec::new();
    for (fault, times) in [
        (Fault::KillWorker, amounts.worker_kills),
        (Fault::KillLeader, amounts.leader_kills),
        (Fault::WipeRedis, amounts.redis_wipes),
        (Fault::RestartRedis, amounts.redis_restarts),
        (Fault::PauseRedis(amounts.redis_pause), 1),
        (Fault::RestartPostgres, amounts.postgres_restarts),
    ] {
        faults.extend(std::iter::repeat_n(fault, times));
    }
    faults.shuffle(&mut random);
    let mut times: Vec<usize> =
        faults.iter().map(|_| random.random_range(jobs / 40..=jobs * 9 / 10)).collect();
    times.sort_unstable();
    faults.into_iter().zip(times).map(|(fault, at_acknowledged)| Planned { fault, at_acknowledged }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AMOUNTS: Amounts = Amounts {
        worker_kills: 20,
        leader_kills: 3,
        redis_wipes: 5,
        redis_restarts: 2,
        redis_pause: Duration::from_secs(5),
        postgres_restarts: 2,
    };

    #[test]
    fn a_plan_has_all_faults_in_the_order_of_their_time() {
        let planned = plan(&AMOUNTS, 20_000, 7);
        assert_eq!(planned.len(), 33);
        assert!(planned.is_sorted_by_key(|planned| planned.at_acknowledged));
        assert!(planned.iter().all(|planned| (500..=18_000).contains(&planned.at_acknowledged)));
        assert_eq!(planned.iter().filter(|planned| planned.fault == Fault::KillWorker).count(), 20);
    }

    #[test]
    fn a_seed_makes_the_same_plan_again() {
        assert_eq!(plan(&AMOUNTS, 20_000, 7), plan(&AMOUNTS, 20_000, 7));
        assert_ne!(plan(&AMOUNTS, 20_000, 7), plan(&AMOUNTS, 20_000, 8));
    }
}
