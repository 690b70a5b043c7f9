//! The rate and the number of calls at once, kept to by processes together and by one alone.

use std::sync::Arc;
use std::time::Duration;

use cluster::upstream::{Fault, Upstream};
use redis::{AsyncConnectionConfig, Client};
use tokio::time::Instant;
use upstreams::{
    Breakers, ClientError, Destinations,
    concurrency::Concurrency,
    error::PauseReason,
    gorgias::{self, Auth, Gorgias},
    pacing::{
        Allowance, Pacer,
        shared::{Run, Shared},
        used_of_limit,
    },
};

use crate::setup::{POLICY, TICKET, account, an_upstream, calls, context, fault, soon};

#[tokio::test]
async fn calls_slow_down_before_the_allowance_is_used_up() {
    let upstream = an_upstream().await;
    let account = account(&upstream, POLICY);
    // So full that it takes minutes to drain, however long the machine stands still before the next call.
    upstream.inject(fault("/api/tickets", 1, Fault::CallLimit { report: "400/40".into() }));
    account.get_ticket(&soon(), 1).await.expect("a ticket");
    let error = account.get_ticket(&context(Duration::from_secs(1)), 1).await.expect_err("seconds to wait");
    assert!(matches!(error, ClientError::RetryAfter { reason: PauseReason::RateLimited, .. }), "{error}");
    assert_eq!(calls(&upstream, TICKET), 1);
}

/// The buckets of a prefix, as a process shares them. However long Redis and this machine stand still, its answer is
/// waited for: a process that keeps to its own buckets meanwhile is another test's.
fn shared(redis: &str, prefix: &str) -> Shared {
    let client = Client::open(redis).expect("a URL");
    let run: Run = Arc::new(move |command| {
        let client = client.clone();
        Box::pin(async move {
            let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
            let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
            command.query_async(&mut connection).await
        })
    });
    Shared::new(prefix, run).with_patience(Duration::from_secs(60))
}

/// The client of one process, which shares the buckets of a prefix with others.
fn process(upstream: &Upstream, redis: &str, prefix: &str) -> gorgias::Client {
    Gorgias::with_policy(Destinations::PublicOrLoopback, Breakers::default(), POLICY)
        .expect("TLS")
        .sharing_pace(shared(redis, prefix))
        .account(&upstream.gorgias_base(), &Auth::Bearer("t".into()))
        .expect("loopback")
}

fn test_redis() -> String {
    std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL names a private test server; `make test` sets it")
}

/// How many of 20 calls in turns went through; the others were told when to come back.
async fn calls_through(clients: &[&gorgias::Client]) -> usize {
    let mut through = 0;
    for number in 0..20 {
        match clients[number % clients.len()].get_ticket(&soon(), 1).await {
            Ok(_) => through += 1,
            Err(ClientError::RetryAfter { reason: PauseReason::RateLimited, after, .. }) => {
                assert!(after > Duration::from_secs(1), "a shorter wait is waited for");
            }
            Err(error) => panic!("{error}"),
        }
    }
    through
}

/// Of a bucket of 10 that drains in 20 s, 8 are ours.
const SMALL_BUCKET: &str = "0/10";

/// What is ours of the small bucket in this time.
fn allowed_since(started: Instant) -> usize {
    8 + (started.elapsed().as_secs_f64() * 10.0 / 20.0).ceil() as usize
}

#[tokio::test]
async fn two_processes_together_keep_to_the_allowance() {
    let upstream = an_upstream().await;
    upstream.inject(fault("/api/tickets", 1000, Fault::CallLimit { report: SMALL_BUCKET.into() }));
    let prefix = format!("pace-{}", uuid::Uuid::now_v7());
    let (one, other) =
        (process(&upstream, &test_redis(), &prefix), process(&upstream, &test_redis(), &prefix));
    let started = Instant::now();
    one.get_ticket(&soon(), 1).await.expect("nothing is known yet; the answer tells");
    let through = calls_through(&[&one, &other]).await;
    assert!((8..=allowed_since(started)).contains(&through), "{through} of 20 calls");
    assert_eq!(calls(&upstream, TICKET), 1 + through as u64, "what was put off was not sent");
}

#[tokio::test]
async fn without_redis_each_process_keeps_to_the_allowance_by_itself() {
    let upstream = an_upstream().await;
    upstream.inject(fault("/api/tickets", 1000, Fault::CallLimit { report: SMALL_BUCKET.into() }));
    let nobody = "redis://127.0.0.1:1/";
    for process in [process(&upstream, nobody, "a"), process(&upstream, nobody, "a")] {
        let started = Instant::now();
        process.get_ticket(&soon(), 1).await.expect("nothing is known yet; the answer tells");
        let through = calls_through(&[&process]).await;
        assert!((8..=allowed_since(started)).contains(&through), "{through} of 20 calls");
    }
}

#[tokio::test]
async fn a_wait_that_one_process_is_told_holds_for_all() {
    let upstream = an_upstream().await;
    let prefix = format!("pace-{}", uuid::Uuid::now_v7());
    let (one, other) =
        (process(&upstream, &test_redis(), &prefix), process(&upstream, &test_redis(), &prefix));
    let busy = Fault::Status { status: 429, retry_after: Some("600".into()), body: None };
    upstream.inject(fault("/api/tickets", 1, busy));
    one.get_ticket(&soon(), 1).await.expect_err("ten minutes");
    for process in [&one, &other] {
        let error = process.get_ticket(&soon(), 1).await.expect_err("still waiting");
        let ClientError::RetryAfter { after, reason: PauseReason::RateLimited, .. } = error else {
            panic!("{error}")
        };
        // It looks again before the end of what was said.
        assert!((300..600).contains(&after.as_secs()), "{after:?}");
    }
    assert_eq!(calls(&upstream, TICKET), 1);
}

#[tokio::test]
async fn a_pause_of_what_all_tenants_share_is_told_to_operators_and_seconds_are_no_news() {
    let allowance = Allowance { window: Duration::from_secs(60), share: 1.0, assumed: 0.0 };
    let shared = shared(&test_redis(), &format!("pace-{}", uuid::Uuid::now_v7()));
    let tenants = Pacer::new("gorgias", allowance, |_| None).shared_by(shared.clone());
    let everybodys = Pacer::new("anthropic", allowance, |_| None).of_everybody().shared_by(shared.clone());
    tenants.empty("shop", Duration::from_secs(900)).await;
    everybodys.empty("api", Duration::from_secs(5)).await;
    for upstream in ["gorgias", "anthropic"] {
        assert_eq!(shared.left_alone_for(upstream).await, None, "{upstream}");
    }
    everybodys.empty("api", Duration::from_secs(900)).await;
    let left = shared.left_alone_for("anthropic").await.expect("a quarter of an hour");
    assert!(left <= Duration::from_secs(900), "{left:?}");
}

#[tokio::test]
async fn a_bucket_in_redis_and_one_in_the_process_are_the_same_bucket() {
    // So slow that the time which this test takes makes no difference.
    let allowance = Allowance { window: Duration::from_secs(10_000), share: 0.8, assumed: 0.0 };
    let report = |headers: &reqwest::header::HeaderMap| used_of_limit(headers.get("x-limit")?.to_str().ok()?);
    let local = Pacer::new("gorgias", allowance, report);
    let buckets = shared(&test_redis(), &format!("pace-{}", uuid::Uuid::now_v7()));
    let shared = Pacer::new("gorgias", allowance, report).shared_by(buckets);
    let mut seen = Vec::new();
    for pacer in [&local, &shared] {
        let note = async |text: &'static str| {
            let value = reqwest::header::HeaderValue::from_static(text);
            let name = reqwest::header::HeaderName::from_static("x-limit");
            pacer.note("a", &[(name, value)].into_iter().collect()).await;
        };
        let mut waits = Vec::new();
        let mut book = async |longest: u64| {
            let booked = pacer.book("a", Duration::from_secs(longest)).await;
            let tens = |wait: Duration| (wait.as_secs_f64() / 10.0).round() as u64;
            waits.push(booked.map(tens).map_err(tens));
        };
        book(0).await;
        note("6/10").await;
        for longest in [0, 0, 0, 1_500, 1_500, 5_000] {
            book(longest).await;
        }
        note("1/10").await;
        book(0).await;
        pacer.empty("a", Duration::from_secs(4_000)).await;
        for longest in [0, 60_000, 60_000] {
            book(longest).await;
        }
        note("9/20").await;
        book(0).await;
        seen.push(waits);
    }
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0].contains(&Ok(0)) && seen[0].iter().any(|wait| matches!(wait, Err(1..))), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_together_make_so_many_calls_at_once() {
    let prefix = format!("places-{}", uuid::Uuid::now_v7());
    let places =
        || Concurrency::new("test", 2, Duration::from_secs(600)).shared_by(shared(&test_redis(), &prefix));
    let (one, other) = (places(), places());
    let first = one.enter("shop").await.expect("a place");
    let second = other.enter("shop").await.expect("a place");
    assert!(one.enter("shop").await.is_none() && other.enter("shop").await.is_none());
    assert!(one.enter("another shop").await.is_some());
    drop(first);
    // It is given back behind the caller's back, a moment later.
    let again = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            if let Some(place) = other.enter("shop").await {
                return place;
            }
            tokio::task::yield_now().await;
        }
    });
    drop(again.await.expect("the place is free again"));
    drop(second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_whose_holder_died_is_free_when_its_time_is_over() {
    let shared = shared(&test_redis(), &format!("places-{}", uuid::Uuid::now_v7()));
    let longest = Duration::from_millis(200);
    let died = Concurrency::new("test", 1, longest).shared_by(shared.clone());
    // A process that died leaves no word.
    std::mem::forget(died.enter("shop").await.expect("a place"));
    let other = Concurrency::new("test", 1, longest).shared_by(shared);
    let again = tokio::time::timeout(Duration::from_secs(20), async {
        while other.enter("shop").await.is_none() {
            tokio::task::yield_now().await;
        }
    });
    again.await.expect("its time is over");
}
