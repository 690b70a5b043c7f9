//! Who types, and who looks at which ticket: ids that the processes of the api tell each other by Redis and keep in memory
//! for seconds. Lost with Redis, and said again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use database::ids::{AgentId, TenantId};
use futures_util::StreamExt;
use jobs::Dispatch;
use support::live::topics::Topic;
use tokio::time::Instant;
use uuid::Uuid;

use super::hub::{Hub, Line};

/// How long somebody types who said so.
const TYPING: Duration = Duration::from_secs(6);

/// How long somebody looks at a ticket who said so; while their connection is open their process says it again.
const VIEWING: Duration = Duration::from_secs(45);
const SAY_AGAIN: Duration = Duration::from_secs(20);

/// How many pairs of ticket and agent a process remembers.
const MOST: usize = 100_000;

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Said {
    /// A process began and knows nobody: say again who looks at what.
    Anybody = 0,
    Types = 1,
    Looks = 2,
    Left = 3,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Pair {
    tenant: TenantId,
    ticket: Uuid,
    agent: AgentId,
}

#[derive(Debug, Clone, Copy, Default)]
struct Until {
    viewing: Option<Instant>,
    typing: Option<Instant>,
}

/// Somebody who looks at a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewer {
    /// Who.
    pub agent: AgentId,
    /// Whether they write at this moment.
    pub is_typing: bool,
}

/// What this process knows. Cheap to clone.
#[derive(Clone)]
pub struct Whispers {
    dispatch: Dispatch,
    known: Arc<Mutex<HashMap<Pair, Until>>>,
    /// Those of this process's own connections, with how many connections say so.
    own: Arc<Mutex<HashMap<Pair, usize>>>,
}

impl std::fmt::Debug for Whispers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Whispers").finish_non_exhaustive()
    }
}

/// An agent looks at a ticket for as long as this lives.
#[derive(Debug)]
pub struct Looking {
    whispers: Whispers,
    pair: Pair,
}

impl Looking {
    /// The ticket.
    pub fn ticket(&self) -> Uuid {
        self.pair.ticket
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        let mut own = lock(&self.whispers.own);
        let left = own.get_mut(&self.pair).map_or(0, |count| {
            *count = count.saturating_sub(1);
            *count
        });
        if left == 0 {
            own.remove(&self.pair);
            drop(own);
            self.whispers.say(Said::Left, self.pair);
        }
    }
}

impl Whispers {
    /// Starts listening.
    pub fn start(dispatch: Dispatch, hub: Hub) -> Whispers {
        let whispers = Whispers { dispatch, known: Arc::default(), own: Arc::default() };
        tokio::spawn(listen(whispers.clone(), hub.clone()));
        tokio::spawn(expire(whispers.clone(), hub));
        whispers
    }

    /// An agent begins to look at a ticket.
    pub fn looks(&self, tenant: TenantId, ticket: Uuid, agent: AgentId) -> Looking {
        let pair = Pair { tenant, ticket, agent };
        *lock(&self.own).entry(pair).or_default() += 1;
        self.say(Said::Looks, pair);
        Looking { whispers: self.clone(), pair }
    }

    /// An agent types.
    pub fn types(&self, tenant: TenantId, ticket: Uuid, agent: AgentId) {
        self.say(Said::Types, Pair { tenant, ticket, agent });
    }

    /// Who looks at a ticket, as far as this process was told.
    pub fn viewers(&self, tenant: TenantId, ticket: Uuid) -> Vec<Viewer> {
        let now = Instant::now();
        let known = lock(&self.known);
        let mut viewers: Vec<Viewer> = known
            .iter()
            .filter(|(pair, until)| {
                pair.tenant == tenant
                    && pair.ticket == ticket
                    && until.viewing.max(until.typing).is_some_and(|at| at > now)
            })
            .map(|(pair, until)| Viewer {
                agent: pair.agent,
                is_typing: until.typing.is_some_and(|at| at > now),
            })
            .collect();
        viewers.sort_by_key(|viewer| viewer.agent);
        viewers
    }

    fn say(&self, said: Said, pair: Pair) {
        self.dispatch.whisper(encode(said, pair));
    }

    fn say_all(&self) {
        let own: Vec<Pair> = lock(&self.own).keys().copied().collect();
        for pair in own {
            self.say(Said::Looks, pair);
        }
    }

    fn hear(&self, hub: &Hub, said: Said, pair: Pair) {
        let now = Instant::now();
        let mut known = lock(&self.known);
        if known.len() >= MOST && !known.contains_key(&pair) {
            return;
        }
        let is_on = |until: Option<Instant>| until.is_some_and(|at| at > now);
        let (topic, began) = match said {
            Said::Anybody => return,
            Said::Types => {
                let until = known.entry(pair).or_default();
                let before = is_on(until.typing);
                until.typing = Some(now + TYPING);
                (Topic::Typing, (!before).then_some(true))
            }
            Said::Looks => {
                let until = known.entry(pair).or_default();
                let before = is_on(until.viewing);
                until.viewing = Some(now + VIEWING);
                (Topic::Viewing, (!before).then_some(true))
            }
            Said::Left => (Topic::Viewing, known.remove(&pair).map(|_| false)),
        };
        drop(known);
        if let Some(began) = began {
            tell(hub, topic, pair, began);
        }
    }
}

fn tell(hub: &Hub, topic: Topic, pair: Pair, began: bool) {
    let state = if began { "began" } else { "ended" };
    hub.pass(pair.tenant, Line::passing(topic, pair.ticket, pair.agent, state));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder of this lock panics")
}

fn encode(said: Said, pair: Pair) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(49);
    bytes.push(said as u8);
    bytes.extend_from_slice(pair.tenant.0.as_bytes());
    bytes.extend_from_slice(pair.ticket.as_bytes());
    bytes.extend_from_slice(pair.agent.0.as_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<(Said, Pair)> {
    let (first, ids) = bytes.split_first()?;
    let said = match first {
        0 => Said::Anybody,
        1 => Said::Types,
        2 => Said::Looks,
        3 => Said::Left,
        _ => return None,
    };
    if ids.len() != 48 {
        return None;
    }
    let id = |place: usize| Uuid::from_slice(&ids[place * 16..(place + 1) * 16]).ok();
    Some((said, Pair { tenant: TenantId(id(0)?), ticket: id(1)?, agent: AgentId(id(2)?) }))
}

async fn listen(whispers: Whispers, hub: Hub) {
    loop {
        if let Ok(mut subscription) = whispers.dispatch.listen_whispers().await {
            let nobody =
                Pair { tenant: TenantId(Uuid::nil()), ticket: Uuid::nil(), agent: AgentId(Uuid::nil()) };
            whispers.say(Said::Anybody, nobody);
            let mut messages = subscription.on_message();
            while let Some(message) = messages.next().await {
                match decode(message.get_payload_bytes()) {
                    Some((Said::Anybody, _)) => whispers.say_all(),
                    Some((said, pair)) => whispers.hear(&hub, said, pair),
                    None => {}
                }
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Ends what nobody said again, and says again what this process's connections look at.
async fn expire(whispers: Whispers, hub: Hub) {
    let mut said_at = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = Instant::now();
        if now - said_at >= SAY_AGAIN {
            said_at = now;
            whispers.say_all();
        }
        let mut over = Vec::new();
        lock(&whispers.known).retain(|pair, until| {
            for (topic, until) in [(Topic::Typing, &mut until.typing), (Topic::Viewing, &mut until.viewing)] {
                if until.is_some_and(|at| at <= now) {
                    *until = None;
                    over.push((topic, *pair));
                }
            }
            until.typing.is_some() || until.viewing.is_some()
        });
        for (topic, pair) in over {
            tell(&hub, topic, pair, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_read_back_and_nothing_else_is() {
        let pair = Pair { tenant: TenantId::new(), ticket: Uuid::now_v7(), agent: AgentId::new() };
        for said in [Said::Anybody, Said::Types, Said::Looks, Said::Left] {
            assert_eq!(decode(&encode(said, pair)), Some((said, pair)));
        }
        for bad in [&[][..], &[1], &[9; 49], &[1; 48], &[1; 50]] {
            assert_eq!(decode(bad), None);
        }
    }
}
