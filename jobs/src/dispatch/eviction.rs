//! A Redis that evicts keys when its memory is full forgets the order of waiting jobs, whole queues at once, and says
//! nothing. No job is lost by it, for the ledger has them all; but they wait until somebody offers them again. So it is
//! said at boot, and wherever somebody asks how the process is, what to do about it.

use std::time::Duration;

use redis::{RedisResult, Value, cmd};

use super::{Dispatch, Link};

/// How often a process that starts asks a Redis that is away.
const ASK_EVERY: Duration = Duration::from_secs(5);

impl Dispatch {
    /// What an operator should do about a Redis that evicts; none when it does not.
    ///
    /// # Errors
    /// Redis is away, or does not tell.
    pub async fn eviction_advice(&self, link: &mut Link) -> RedisResult<Option<String>> {
        // INFO is allowed where CONFIG is not, as on most hosted servers.
        let told: Value = cmd("INFO").arg("memory").query_async(&mut link.connection).await?;
        Ok(advice(&told))
    }
}

/// Says it once, as soon as Redis answers.
pub(super) async fn tell_at_boot(dispatch: Dispatch) {
    loop {
        let asked = async {
            let mut link = dispatch.link().await?;
            dispatch.eviction_advice(&mut link).await
        };
        match asked.await {
            Ok(advice) => {
                if let Some(advice) = advice {
                    tracing::warn!("{advice}");
                }
                return;
            }
            Err(error) if error.is_io_error() || error.is_timeout() || error.is_connection_refusal() => {
                tokio::time::sleep(ASK_EVERY).await;
            }
            Err(error) => {
                tracing::debug!(%error, "redis does not tell whether it evicts");
                return;
            }
        }
    }
}

fn advice(told: &Value) -> Option<String> {
    let mut texts = Vec::new();
    collect(told, &mut texts);
    let policy = texts
        .iter()
        .flat_map(|text| text.lines())
        .filter_map(|line| line.strip_prefix("maxmemory_policy:"))
        .map(str::trim)
        .find(|policy| *policy != "noeviction")?;
    Some(format!(
        "redis drops the order of waiting jobs when its memory is full (maxmemory-policy is {policy}): \
         run CONFIG SET maxmemory-policy noeviction and set the same in its configuration"
    ))
}

/// The texts in an answer: a cluster answers with one for each node.
fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::BulkString(bytes) => texts.push(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Map(pairs) => pairs.iter().for_each(|(_, item)| collect(item, texts)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_node_that_evicts_is_enough() {
        let node =
            |policy: &str| Value::BulkString(format!("# Memory\r\nmaxmemory_policy:{policy}\r\n").into());
        assert_eq!(advice(&node("noeviction")), None);
        assert_eq!(advice(&Value::Nil), None);
        let nodes =
            Value::Map(vec![(Value::Int(1), node("noeviction")), (Value::Int(2), node("allkeys-lru"))]);
        assert!(advice(&nodes).is_some_and(|advice| advice.contains("is allkeys-lru")));
    }
}
