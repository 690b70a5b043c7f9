//! rusty-sidekiq as a peer: 20 workers in one process, one Redis list.
//!
//! It has no bulk call. Like Sidekiq it takes a job off Redis when it fetches
//! it, so nothing is left to acknowledge after the handler.

use std::error::Error;
use std::time::{Duration, Instant};

use record::{Command, Noop};
use sidekiq::{Processor, ProcessorConfig, RedisConnectionManager, Worker};

const WORKERS: usize = 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let command = Command::from_args()?;
    let connections = if command == Command::Work { WORKERS as u32 + 5 } else { 2 };
    let manager = RedisConnectionManager::new(std::env::var("REDIS_URL")?)?;
    let redis = bb8::Pool::builder().max_size(connections).build(manager).await?;

    match command {
        Command::Work => {
            let config = ProcessorConfig::default().num_workers(WORKERS);
            let mut processor = Processor::new(redis, vec!["default".to_owned()]).with_config(config);
            processor.register(RunNoop);
            processor.run().await;
        }
        Command::EnqueueSingly(count) => {
            let began = Instant::now();
            for sequence in 0..count {
                RunNoop::perform_async(&redis, Noop::new(sequence)).await?;
            }
            record::report(began.elapsed().as_secs_f64());
        }
        Command::EnqueueInBulk(_) => return Err("rusty-sidekiq has no bulk call".into()),
        Command::EnqueuePaced { count, gap_ms } => {
            for sequence in 0..count {
                record::enqueued(sequence)?;
                RunNoop::perform_async(&redis, Noop::new(sequence)).await?;
                tokio::time::sleep(Duration::from_millis(gap_ms)).await;
            }
        }
    }
    Ok(())
}

#[derive(Clone)]
struct RunNoop;

#[async_trait::async_trait]
impl Worker<Noop> for RunNoop {
    async fn perform(&self, job: Noop) -> sidekiq::Result<()> {
        record::run(&job).map_err(|error| sidekiq::Error::Message(error.to_string()))
    }
}
