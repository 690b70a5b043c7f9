//! The api's calls to Slack stand among the workers': the cluster makes so many at once for a workspace, whoever makes them.

use std::time::Duration;

use accounts::verify::Mode;
use api::settings::Settings;
use api::state::AppState;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use upstreams::error::PauseReason;
use upstreams::pacing::shared::Shared;
use upstreams::slack::Slack;
use upstreams::{Breakers, CallContext, ClientError, Destinations};

use crate::shop::shop;

/// However long Redis and this machine stand still, this is enough.
const WITHIN: Duration = Duration::from_secs(60);

/// Of a workspace, in the whole cluster.
const CALLS_AT_ONCE: usize = 4;

/// Slack, played on this machine, and its calls as they come: each is answered when it is let go.
async fn slow_slack() -> (String, mpsc::UnboundedReceiver<oneshot::Sender<()>>) {
    let (came, calls) = mpsc::unbounded_channel();
    let answer = move || {
        let came = came.clone();
        async move {
            let (let_go, goes) = oneshot::channel();
            let _ = came.send(let_go);
            let _ = goes.await;
            Json(json!({ "ok": true }))
        }
    };
    let played = Router::new().route("/auth.revoke", post(answer.clone())).route("/users.info", post(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, played).await });
    (base, calls)
}

fn context() -> CallContext {
    CallContext { deadline: Instant::now() + WITHIN, traceparent: None }
}

#[tokio::test]
async fn a_call_of_the_api_takes_one_of_the_places_that_workers_have() {
    let shop = shop(Mode::Token).await;
    let (base, mut calls) = slow_slack().await;
    let mut settings = Settings::clone(&shop.state.settings);
    settings.slack_url = base.clone();
    settings.people.allow_loopback = true;
    let telemetry = shop.state.telemetry.clone();
    let state = AppState::connect(settings, telemetry, CancellationToken::new()).expect("the settings fit");
    let pace = Shared::new(state.dispatch.prefix(), state.dispatch.runner()).with_patience(WITHIN);
    let worker = Slack::new(&base, Destinations::PublicOrLoopback, Breakers::default())
        .expect("a client")
        .sharing_pace(pace);
    let is_found = async {
        // Where Redis does not answer the api in its short time, the api counts by itself; then it is tried again, with a
        // workspace of which nobody has a place any more.
        for number in 0.. {
            let workspace = format!("workspace-{number}");
            let (api, of) = (state.slack.client().expect("a client"), workspace.clone());
            let revoked = tokio::spawn(async move { api.revoke(&context(), &of, "token").await });
            let mut held = vec![calls.recv().await.expect("the api calls")];
            let mut asked = JoinSet::new();
            for _ in 0..CALLS_AT_ONCE {
                let (worker, of) = (worker.clone(), workspace.clone());
                asked.spawn(async move { worker.email_of(&context(), &of, "token", "user").await });
            }
            let mut is_refused = false;
            while held.len() <= CALLS_AT_ONCE && !is_refused {
                tokio::select! {
                    call = calls.recv() => held.push(call.expect("a worker calls")),
                    Some(ended) = asked.join_next() => is_refused = matches!(
                        ended.expect("no panic"),
                        Err(ClientError::RetryAfter { reason: PauseReason::RateLimited, .. })
                    ),
                }
            }
            for call in held {
                let _ = call.send(());
            }
            if is_refused {
                return revoked.await.expect("no panic");
            }
        }
        unreachable!("it is tried until the time is over")
    };
    let revoked = tokio::time::timeout(WITHIN, is_found).await.expect("the api's call has a place");
    revoked.expect("Slack heard of it");
}
