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
    /// Redis accepts no writes for this long, as a replica after a fail-over does.
    RedisReadOnly(Duration),
    /// Redis has no memory left for this long.
    RedisFull(Duration),
    /// Postgres is stopped at once and recovers from its log.
    RestartPostgres,
    /// All open connections to Postgres go silent and stay so; new ones work.
    BlackHole,
    /// Each answer of Postgres is two seconds late for this long.
    SlowPostgres(Duration),
    /// A worker starts anew with a clock an hour ahead, the leading scheduler with one an hour behind.
    SkewedClocks,
    /// Two imports of one tenant begin at once.
    TwoImports,
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
            Fault::RedisReadOnly(_) => "redis read-only",
            Fault::RedisFull(_) => "redis full",
            Fault::RestartPostgres => "postgres restarted",
            Fault::BlackHole => "open connections to postgres silent",
            Fault::SlowPostgres(_) => "postgres slow",
            Fault::SkewedClocks => "clocks an hour off",
            Fault::TwoImports => "two imports at once",
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
    /// How long Redis accepts no writes, once, and has no memory left, once.
    pub redis_refusal: Duration,
    /// Times that Postgres is restarted.
    pub postgres_restarts: usize,
    /// Times that all open connections to Postgres go silent.
    pub black_holes: usize,
    /// How long Postgres is slow, once.
    pub postgres_slow: Duration,
    /// Times that a worker and the leader get clocks that are an hour off.
    pub skewed_clocks: usize,
    /// Pairs of imports that begin at once.
    pub import_pairs: usize,
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
        (Fault::RedisReadOnly(amounts.redis_refusal), 1),
        (Fault::RedisFull(amounts.redis_refusal), 1),
        (Fault::RestartPostgres, amounts.postgres_restarts),
        (Fault::BlackHole, amounts.black_holes),
        (Fault::SlowPostgres(amounts.postgres_slow), 1),
        (Fault::SkewedClocks, amounts.skewed_clocks),
        (Fault::TwoImports, amounts.import_pairs),
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
        redis_refusal: Duration::from_secs(5),
        postgres_restarts: 2,
        black_holes: 2,
        postgres_slow: Duration::from_secs(10),
        skewed_clocks: 1,
        import_pairs: 2,
    };

    #[test]
    fn a_plan_has_all_faults_in_the_order_of_their_time() {
        let planned = plan(&AMOUNTS, 20_000, 7);
        assert_eq!(planned.len(), 41);
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
