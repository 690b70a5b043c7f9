//! What fails: which failures are tried again, when a client stops, and whom it leaves alone.

use std::time::Duration;

use cluster::upstream::Fault;
use reqwest::header::HeaderMap;
use serde_json::json;
use upstreams::{
    Breakers, CallContext, ClientError, Destinations, Outbound,
    breaker::BreakerSettings,
    error::{Effect, PauseReason, Trouble},
    gorgias::{Auth, Gorgias},
    http::RetryPolicy,
    webhook::Webhooks,
};

use crate::setup::{POLICY, TICKET, account, an_upstream, calls, context, fault, id, note, soon, status};

#[tokio::test]
async fn passing_failures_are_retried_and_lasting_ones_given_up() {
    for passing in [status(503), status(408), Fault::Close] {
        let upstream = an_upstream().await;
        let account = account(&upstream, POLICY);
        upstream.inject(fault("/api/tickets", 2, passing.clone()));
        account.get_ticket(&soon(), 1).await.expect("the third try succeeds");
        assert_eq!(calls(&upstream, TICKET), 3);
        upstream.inject(fault("/api/tickets", 3, passing));
        let error = account.get_ticket(&soon(), 1).await.expect_err("three tries fail");
        assert!(matches!(error, ClientError::Unavailable { .. }), "{error}");
    }
}

#[tokio::test]
async fn refusals_are_not_retried() {
    let upstream = an_upstream().await;
    let account = account(&upstream, POLICY);
    for (given, expected) in [
        (401, ClientError::Unauthorised { upstream: "gorgias", status: 401 }),
        (404, ClientError::Rejected { upstream: "gorgias", status: 404, code: "none".into() }),
        (409, ClientError::Rejected { upstream: "gorgias", status: 409, code: "none".into() }),
        (302, ClientError::Rejected { upstream: "gorgias", status: 302, code: "none".into() }),
    ] {
        upstream.inject(fault("/api/tickets", 1, status(given)));
        assert_eq!(account.get_ticket(&soon(), 1).await.expect_err("refused"), expected);
    }
    assert_eq!(calls(&upstream, TICKET), 4);
}

#[tokio::test]
async fn a_named_wait_that_does_not_fit_is_handed_back() {
    let upstream = an_upstream().await;
    // A process of its own each time: one that was told to wait does not call again.
    let account = || account(&upstream, POLICY);
    let busy = |status, wait: &str| Fault::Status { status, retry_after: Some(wait.into()), body: None };
    upstream.inject(fault("/api/tickets", 1, busy(429, "60")));
    assert_eq!(
        account().get_ticket(&soon(), 1).await.expect_err("a minute is too long to hold a slot"),
        ClientError::RetryAfter {
            upstream: "gorgias",
            after: Duration::from_secs(60),
            reason: PauseReason::RateLimited
        }
    );
    upstream.inject(fault("/api/tickets", 1, busy(503, "Fri, 01 Jan 2100 00:00:00 GMT")));
    let error = account().get_ticket(&soon(), 1).await.expect_err("decades are too long");
    assert_eq!(
        error,
        ClientError::RetryAfter {
            upstream: "gorgias",
            // So much is believed.
            after: Duration::from_secs(900),
            reason: PauseReason::AskedToWait
        }
    );
    upstream.inject(fault("/api/tickets", 1, busy(429, "60")));
    let patient = RetryPolicy { longest_named_wait: Duration::from_secs(120), ..POLICY };
    let error =
        self::account(&upstream, patient).get_ticket(&soon(), 1).await.expect_err("past the deadline");
    assert!(matches!(error, ClientError::RetryAfter { .. }), "{error}");
    assert_eq!(calls(&upstream, TICKET), 3);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_now_says_until_when() {
    let upstream = an_upstream().await;
    let reader =
        Outbound::new("files", Destinations::PublicOrLoopback, POLICY, Breakers::default()).expect("TLS");
    let url = reader.base_url(&format!("{}/tickets/1", upstream.gorgias_base())).expect("loopback");
    let after = Duration::from_secs(60);
    let wait = |reason| ClientError::RetryAfter { upstream: "files", after, reason };
    let busy =
        ClientError::Busy { upstream: "files", reason: PauseReason::RateLimited, effect: Effect::None };
    let down =
        ClientError::Unavailable { upstream: "files", cause: Trouble::Status(503), effect: Effect::None };
    for (status, retry_after, expected) in [
        (429, Some("60"), wait(PauseReason::RateLimited)),
        (503, Some("60"), wait(PauseReason::AskedToWait)),
        (429, None, busy),
        (503, None, down),
    ] {
        let answer = Fault::Status { status, retry_after: retry_after.map(str::to_owned), body: None };
        upstream.inject(fault("/api/tickets", 1, answer));
        let refused =
            reader.open(&soon(), url.clone(), HeaderMap::new()).await.map(|_| ()).expect_err("not now");
        assert_eq!(refused, expected, "{status} {retry_after:?}");
    }
    assert_eq!(calls(&upstream, TICKET), 4, "a file is asked for once");
}

#[tokio::test]
async fn silence_ends_with_the_try_or_the_deadline() {
    let upstream = an_upstream().await;
    upstream.inject(fault("/api/tickets", 1, Fault::Hang));
    // As many tries as it takes: on a machine that stands still the answer to the second may come too late as well.
    let impatient = RetryPolicy { attempt_timeout: Duration::from_secs(2), attempts: 20, ..POLICY };
    let long = context(Duration::from_secs(60));
    account(&upstream, impatient).get_ticket(&long, 1).await.expect("a later try is answered");
    assert!(calls(&upstream, TICKET) >= 2, "the first was not");
    loop {
        upstream.inject(fault("/api/tickets", 1, Fault::Hang));
        let short = context(Duration::from_secs(2));
        let error = account(&upstream, POLICY).get_ticket(&short, 1).await.expect_err("the deadline passes");
        let ClientError::Deadline { upstream: "gorgias", effect } = error else { panic!("{error}") };
        // None where the deadline passed before the request was sent.
        if effect == Effect::Possible {
            break;
        }
    }
}

#[tokio::test]
async fn nobody_listening_is_known_to_have_no_effect() {
    boot::install_tls();
    let gorgias =
        Gorgias::with_policy(Destinations::PublicOrLoopback, Breakers::default(), POLICY).expect("TLS");
    // A port that no other test is given meanwhile.
    let client = gorgias.account("http://127.0.0.1:9/api", &Auth::Bearer("t".into())).expect("loopback");
    let error =
        client.post_internal_note(&soon(), 1, &id("n"), &note("t")).await.expect_err("nobody is there");
    let expected =
        ClientError::Unavailable { upstream: "gorgias", cause: Trouble::NoConnection, effect: Effect::None };
    assert_eq!(error, expected);
}

#[tokio::test]
async fn a_broken_upstream_is_left_alone_by_every_client_of_the_process() {
    let upstream = an_upstream().await;
    upstream.inject(fault("/api", 100, status(500)));
    let settings = BreakerSettings { failures: 3, ..BreakerSettings::default() };
    let breakers = Breakers::new(settings);
    let make = || {
        Gorgias::with_policy(Destinations::PublicOrLoopback, breakers.clone(), POLICY)
            .expect("TLS")
            .account(&upstream.gorgias_base(), &Auth::Bearer("t".into()))
            .expect("loopback")
    };
    make().get_ticket(&soon(), 1).await.expect_err("three failures");
    let error = make().get_ticket(&soon(), 2).await.expect_err("the circuit is open");
    assert!(matches!(error, ClientError::RetryAfter { reason: PauseReason::CircuitOpen, .. }), "{error}");
    assert_eq!(calls(&upstream, TICKET), 3);
}

#[tokio::test]
async fn what_fails_for_one_tenant_opens_no_circuit_for_another() {
    let upstream = an_upstream().await;
    let breakers = Breakers::new(BreakerSettings { failures: 3, ..BreakerSettings::default() });
    let webhooks = Webhooks::new(Destinations::PublicOrLoopback, breakers).expect("TLS");
    upstream.inject(fault("/hooks/broken", 100, status(500)));
    let post = async |endpoint: &str| {
        let url = upstream.hook(endpoint);
        webhooks.post(&soon(), &url, endpoint, &[], b"{}".to_vec()).await
    };
    for _ in 0..3 {
        assert_eq!(post("broken").await.expect("an answer").status, 500);
    }
    let refused = post("broken").await.expect_err("its circuit is open");
    assert!(matches!(refused, ClientError::RetryAfter { reason: PauseReason::CircuitOpen, .. }), "{refused}");
    assert_eq!(post("healthy").await.expect("an answer").status, 204, "the same host");
}

#[tokio::test]
async fn inside_addresses_are_refused_even_behind_a_name() {
    let upstream = an_upstream().await;
    let gorgias = Gorgias::with_policy(Destinations::PublicOnly, Breakers::default(), POLICY).expect("TLS");
    let auth = Auth::Bearer("t".into());
    for base in
        [upstream.gorgias_base().as_str(), "https://169.254.169.254/api", "https://10.0.0.8", "nonsense"]
    {
        gorgias.account(base, &auth).expect_err(base);
    }
    let named = format!("https://localhost:{}/api", upstream.addr.port());
    let error = gorgias.account(&named, &auth).expect("a name passes").get_ticket(&soon(), 1).await;
    assert!(matches!(error, Err(ClientError::ForbiddenAddress { .. })), "{error:?}");
    assert!(upstream.recorded().totals.is_empty());
}

#[tokio::test]
async fn an_endless_answer_is_not_read() {
    let upstream = an_upstream().await;
    let body = Some(json!({"id": 1, "subject": "x".repeat(9 * 1024 * 1024)}));
    upstream.inject(fault("/api/tickets", 1, Fault::Status { status: 200, retry_after: None, body }));
    let error = account(&upstream, POLICY).get_ticket(&soon(), 1).await.expect_err("too long");
    assert!(matches!(error, ClientError::BadAnswer { .. }), "{error}");
}

#[tokio::test]
async fn the_trace_context_is_passed_on() {
    let upstream = an_upstream().await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let context = CallContext { traceparent: Some(trace.into()), ..soon() };
    account(&upstream, POLICY).get_ticket(&context, 1).await.expect("a ticket");
    assert_eq!(upstream.recorded().traceparents, [trace]);
}
