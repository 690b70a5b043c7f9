//! apalis 1.0 with its stock Redis storage as a peer: polled every 50 ms in
//! batches of 100, handlers spawned on the runtime.
//!
//! A plain worker would look at most every ten seconds or so, because pushed
//! jobs land in the scheduled set and nobody is told. Its promotion of due jobs
//! also fails above about 7,990 of them, so the benchmark moves a larger
//! backlog to the active list itself before the worker starts.

use std::error::Error;
use std::time::{Duration, Instant};

use apalis::prelude::*;
use apalis_redis::{Config, RedisStorage};
use record::{Command, Noop};

const BATCH: usize = 100;
const BULK: u64 = 500;
const POLL: Duration = Duration::from_millis(50);
const QUEUE: &str = "bench";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let command = Command::from_args()?;
    let connection = apalis_redis::connect(std::env::var("REDIS_URL")?).await?;
    let config = Config::default().queue(QUEUE).batch_size(BATCH);
    let mut storage: RedisStorage<Noop> = RedisStorage::new(connection).with_config(config);

    match command {
        Command::Work => {
            WorkerBuilder::new("bench-worker")
                .backend(storage.poll_with_interval(POLL))
                .parallelize(tokio::spawn)
                .build(run_noop)
                .run()
                .await?;
        }
        Command::EnqueueSingly(count) => {
            let began = Instant::now();
            for sequence in 0..count {
                storage.push(Noop::new(sequence)).await?;
            }
            record::report(began.elapsed().as_secs_f64());
        }
        Command::EnqueueInBulk(count) => {
            let began = Instant::now();
            for first in (0..count).step_by(BULK as usize) {
                let last = count.min(first + BULK);
                storage.push_bulk((first..last).map(Noop::new).collect()).await?;
            }
            record::report(began.elapsed().as_secs_f64());
        }
        Command::EnqueuePaced { count, gap_ms } => {
            for sequence in 0..count {
                record::enqueued(sequence)?;
                storage.push(Noop::new(sequence)).await?;
                tokio::time::sleep(Duration::from_millis(gap_ms)).await;
            }
        }
    }
    Ok(())
}

async fn run_noop(job: Noop) -> Result<(), BoxDynError> {
    Ok(record::run(&job)?)
}
