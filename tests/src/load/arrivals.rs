//! Requests at a fixed rate, whatever the answers do (an open loop), over connections that stay open. A
//! request's latency counts from the moment at which it should have been sent, so a server that stalls
//! cannot hide that by slowing down who asks.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use reqwest::{Client, RequestBuilder};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::report::Spread;

/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What came back.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// From the intended time of sending to the end of the answer.
    pub latency: Spread,
    /// How often which status came.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests without an answer.
    pub unanswered: u64,
}

impl Answers {
    /// Answers of success.
    pub fn accepted(&self) -> u64 {
        self.statuses.iter().filter(|(status, _)| (200..300).contains(*status)).map(|(_, count)| count).sum()
    }

    /// Everything else.
    pub fn errors(&self) -> u64 {
        self.statuses.values().sum::<u64>() - self.accepted() + self.unanswered
    }
}

#[derive(Default)]
struct Seen {
    latencies: Vec<Duration>,
    statuses: BTreeMap<u16, u64>,
    unanswered: u64,
}

/// A client for many requests at once.
///
/// # Errors
/// It cannot be built.
pub fn client() -> reqwest::Result<Client> {
    Client::builder().no_proxy().timeout(ANSWER_WITHIN).tcp_nodelay(true).build()
}

/// Sends `rate_per_sec` requests a second for that time and waits for all answers. The first request is
/// number 0.
pub async fn send(rate_per_sec: u32, lasting: Duration, request: impl Fn(u64) -> RequestBuilder) -> Answers {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let started = Instant::now();
    let gap = Duration::from_secs(1) / rate_per_sec;
    let mut under_way = JoinSet::new();
    for number in 0.. {
        let after = gap.mul_f64(number as f64);
        if after >= lasting {
            break;
        }
        let intended = started + after;
        let request = request(number);
        sleep_until(intended).await;
        under_way.spawn(ask(request, intended, seen.clone()));
        while under_way.try_join_next().is_some() {}
    }
    while under_way.join_next().await.is_some() {}
    let seen = std::mem::take(&mut *seen.lock().expect("no holder of this lock panics"));
    Answers { latency: Spread::of(seen.latencies), statuses: seen.statuses, unanswered: seen.unanswered }
}

async fn ask(request: RequestBuilder, intended: Instant, seen: Arc<Mutex<Seen>>) {
    let answer = async {
        let response = request.send().await?;
        let status = response.status().as_u16();
        response.bytes().await.map(|_| status)
    }
    .await;
    let took = intended.elapsed();
    let mut seen = seen.lock().expect("no holder of this lock panics");
    match answer {
        Ok(status) => {
            seen.latencies.push(took);
            *seen.statuses.entry(status).or_default() += 1;
        }
        Err(_) => seen.unanswered += 1,
    }
}
