//! What Redis did and holds, by its own statistics.

use std::collections::BTreeMap;

use redis::{RedisResult, aio::MultiplexedConnection, cmd};

/// A connection for looking at Redis.
pub struct Broker {
    connection: MultiplexedConnection,
}

/// How a command did since the statistics were reset.
#[derive(Clone, Copy, Debug, Default)]
pub struct CommandTimes {
    /// How often it ran.
    pub calls: u64,
    /// 99 of 100 calls kept Redis busy for at most so long, in milliseconds; waiting is not counted.
    pub p99_ms: f64,
}

impl Broker {
    /// Connects.
    ///
    /// # Errors
    /// Redis does not answer; the same for everything below.
    pub async fn connect(url: &str) -> RedisResult<Broker> {
        let connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
        Ok(Broker { connection })
    }

    /// Begins to count anew.
    ///
    /// # Errors
    /// Redis does not answer.
    pub async fn reset(&mut self) -> RedisResult<()> {
        cmd("CONFIG").arg("RESETSTAT").query_async(&mut self.connection).await
    }

    /// Memory in use, in megabytes of a million bytes.
    ///
    /// # Errors
    /// Redis does not answer.
    pub async fn used_memory_mb(&mut self) -> RedisResult<f64> {
        let memory = self.info("memory").await?;
        Ok(memory.get("used_memory").and_then(|bytes| bytes.parse::<f64>().ok()).unwrap_or(0.0) / 1e6)
    }

    /// Every command that ran since the last reset, by name, without the looks of this connection.
    ///
    /// # Errors
    /// Redis does not answer.
    pub async fn commands(&mut self) -> RedisResult<BTreeMap<String, CommandTimes>> {
        let counts = self.info("commandstats").await?;
        let latencies = self.info("latencystats").await?;
        let mut commands: BTreeMap<String, CommandTimes> = BTreeMap::new();
        for (name, content) in &counts {
            let Some(name) = name.strip_prefix("cmdstat_") else { continue };
            if matches!(name, "info" | "config|resetstat") {
                continue;
            }
            let calls = field(content, "calls").unwrap_or(0.0) as u64;
            let latency = latencies.get(&format!("latency_percentiles_usec_{name}"));
            let p99_ms = latency.and_then(|content| field(content, "p99")).unwrap_or(0.0) / 1e3;
            commands.insert(name.to_owned(), CommandTimes { calls, p99_ms });
        }
        Ok(commands)
    }

    async fn info(&mut self, section: &str) -> RedisResult<BTreeMap<String, String>> {
        let text: String = cmd("INFO").arg(section).query_async(&mut self.connection).await?;
        Ok(pairs(&text))
    }
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect()
}

/// The number after `name=` in `a=1,b=2.5`.
fn field(content: &str, name: &str) -> Option<f64> {
    content.split(',').find_map(|part| part.split_once('=').filter(|(key, _)| *key == name)?.1.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_read() {
        let text =
            "# Latencystats\r\nlatency_percentiles_usec_evalsha:p50=1.003,p99=1204.223,p99.9=2000.1\r\n";
        let content = &pairs(text)["latency_percentiles_usec_evalsha"];
        assert_eq!(field(content, "p99"), Some(1204.223));
        assert_eq!(field(content, "p90"), None);
    }
}
