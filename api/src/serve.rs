//! Connections of clients: accepted up to a bound, and given up when they do not say what they want.
//!
//! `axum::serve` waits for the head of a request for ever and accepts without a bound, so clients that open
//! connections and send nothing would pile up until the process has no file descriptor left. hyper itself knows
//! the time; this is the loop around it.

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{Request, body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use crate::settings::Patience;

/// After an error of the listener itself, such as too many open files, it is asked again after this time.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves until `ending` is cancelled, and then until the requests under way are answered.
pub async fn serve(listener: TcpListener, router: Router, patience: Patience, ending: CancellationToken) {
    let places = Arc::new(Semaphore::new(patience.connections));
    let connections = TaskTracker::new();
    loop {
        let (stream, address, place) = tokio::select! {
            () = ending.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let attended = attend(stream, address, router.clone(), patience.head, ending.clone());
        connections.spawn(async move {
            attended.await;
            metrics::gauge!("deskwork_http_connections").decrement(1.0);
            drop(place);
        });
    }
    // Whoever connects from now on is refused at once and finds another process.
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                metrics::gauge!("deskwork_http_connections").increment(1.0);
                return (stream, address, place);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// The client went away before it was accepted; the listener is well.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn attend(
    stream: TcpStream,
    address: SocketAddr,
    router: Router,
    head: Duration,
    ending: CancellationToken,
) {
    // Answers are small and written at once: waiting for more to send would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
    let service = ServiceExt::<Request<Body>>::map_request(router, move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(address));
        request.map(Body::new)
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
            // A WebSocket leaves here and lives on by itself; it has a bound of its own.
            .with_upgrades()
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = ending.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
