//! Clients that say nothing, slowly, over real connections, or say it at length; and those who wait for good reason.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::desk::{call, enqueue};
use crate::shop::{Shop, shop};
use accounts::verify::Mode;
use api::settings::{Patience, Settings};
use api::state::AppState;
use api::web::door::MAX_ADDRESS_BYTES;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Short enough for a test, and long enough for an honest request on a busy machine.
const SHORT: Duration = Duration::from_secs(2);

struct Server {
    address: SocketAddr,
    ending: CancellationToken,
    serving: JoinHandle<()>,
}

impl Server {
    async fn start(shop: &Shop, patience: Patience) -> Server {
        let settings = Settings { patience, ..Settings::clone(&shop.state.settings) };
        let state = AppState { settings: Arc::new(settings), ..shop.state.clone() };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let ending = CancellationToken::new();
        let serving = tokio::spawn(api::serve::serve(listener, api::router(state), patience, ending.clone()));
        Server { address, ending, serving }
    }

    /// A connection on which this was sent.
    async fn connect(&self, text: &str) -> TcpStream {
        let mut connection = TcpStream::connect(self.address).await.expect("connects");
        connection.write_all(text.as_bytes()).await.expect("sent");
        connection
    }

    /// Returns when the server has closed a connection that sat idle: then the time for heads has passed.
    async fn until_idle_connections_end(&self) {
        to_end(self.connect("").await).await;
    }
}

async fn to_end(mut connection: TcpStream) -> String {
    let mut text = String::new();
    connection.read_to_string(&mut text).await.expect("text, and an orderly end");
    text
}

/// Reads until the text has come.
async fn until(connection: &mut TcpStream, text: &str) -> String {
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(text) {
        let read = connection.read_buf(&mut seen).await.expect("readable");
        assert_ne!(read, 0, "{text} did not come: {}", String::from_utf8_lossy(&seen));
    }
    String::from_utf8_lossy(&seen).into_owned()
}

fn get(path: &str, key: &str, connection: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: desk\r\nX-API-Key: {key}\r\nConnection: {connection}\r\n\r\n")
}

fn post(path: &str, key: &str, content_type: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: desk\r\nX-API-Key: {key}\r\nContent-Type: {content_type}\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    )
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_its_connection() {
    let shop = shop(Mode::Token).await;
    let server = Server::start(&shop, Patience { head: SHORT, ..Patience::default() }).await;
    let half = server.connect("GET /api/jobs HTTP/1.1\r\nHost: desk\r\nX-API-").await;
    let said = to_end(half).await;
    assert!(!said.contains("200 OK"), "{said}");
    let whole = server.connect(&get("/health/live", "", "close")).await;
    assert!(to_end(whole).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn the_longest_address_that_is_described_reaches_its_route() {
    let shop = shop(Mode::Token).await;
    let server = Server::start(&shop, Patience::default()).await;
    let start = "/api/jobs?cursor=";
    let address = format!("{start}{}", "x".repeat(MAX_ADDRESS_BYTES - start.len()));
    let said = to_end(server.connect(&get(&address, &shop.key, "close")).await).await;
    assert!(said.starts_with("HTTP/1.1 400") && said.contains("\"field\":\"cursor\""), "{said}");
}

/// Which of them would count is how one request is smuggled behind another.
#[tokio::test]
async fn two_lengths_that_differ_are_refused_and_end_the_connection() {
    let shop = shop(Mode::Token).await;
    let server = Server::start(&shop, Patience::default()).await;
    let head = format!("POST /api/jobs HTTP/1.1\r\nHost: desk\r\nX-API-Key: {}\r\n", shop.key);
    let two = server.connect(&format!("{head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n")).await;
    let said = to_end(two).await;
    assert!(said.starts_with("HTTP/1.1 400"), "{said}");
    assert_eq!(shop.count("jobs.live").await, 0);
}

#[tokio::test]
async fn a_body_that_stops_coming_is_refused() {
    let shop = shop(Mode::Token).await;
    let server = Server::start(&shop, Patience { body: SHORT, ..Patience::default() }).await;
    for (path, content_type) in
        [("/api/segments/preview", "application/json"), ("/api/orders/import", "text/csv")]
    {
        // With the head, so that the server does not close a connection on which something is under way.
        let stalled = server.connect(&(post(path, &shop.key, content_type, 100) + "{")).await;
        let said = to_end(stalled).await;
        assert!(said.starts_with("HTTP/1.1 408"), "{path}: {said}");
        assert!(said.contains("urn:deskwork:problem:request-timeout"), "{path}: {said}");
    }
    assert_eq!(shop.count("jobs.live").await, 0);
}

#[tokio::test]
async fn more_connections_than_there_are_places_wait_for_one() {
    let shop = shop(Mode::Token).await;
    let server = Server::start(&shop, Patience { connections: 1, ..Patience::default() }).await;
    let ask = get("/health/live", "", "keep-alive");
    let mut first = server.connect(&ask).await;
    until(&mut first, "ok\"}").await;
    let second = server.connect(&get("/health/live", "", "close")).await;
    // Whatever the first one asks meanwhile is answered, and the second one is not.
    for _ in 0..20 {
        first.write_all(ask.as_bytes()).await.expect("sent");
        until(&mut first, "ok\"}").await;
    }
    let error = second.try_read(&mut [0; 1]).expect_err("answered beyond the bound");
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    drop(first);
    assert!(to_end(second).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn who_waits_for_a_job_is_no_slow_client() {
    let shop = shop(Mode::Token).await;
    let patience = Patience { head: SHORT, body: SHORT, ..Patience::default() };
    let server = Server::start(&shop, patience).await;
    let job = enqueue(&shop, &shop.key).await;
    let waiting = server.connect(&get(&format!("/api/jobs/{job}?wait=30"), &shop.key, "close")).await;
    let mut stream = server.connect(&get(&format!("/api/jobs/{job}/events"), &shop.key, "close")).await;
    until(&mut stream, "event: state").await;
    server.until_idle_connections_end().await;
    let cancelled = call(&shop, &shop.key, "POST", &format!("/api/jobs/{job}/cancel"), "").await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text);
    let answer = to_end(waiting).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("cancelled"), "{answer}");
    assert!(until(&mut stream, "cancelled").await.contains("event: state"));
}

#[tokio::test]
async fn an_upload_may_take_longer_than_a_request() {
    let shop = shop(Mode::Token).await;
    let patience = Patience { head: SHORT, request: SHORT, ..Patience::default() };
    let server = Server::start(&shop, patience).await;
    let csv = "customer_id,order_id,ordered_at,quantity,amount\n1,o1,2026-01-01,1,9.99\n";
    let (begin, rest) = csv.split_at(20);
    let mut upload =
        server.connect(&post("/api/orders/import?currency=EUR", &shop.key, "text/csv", csv.len())).await;
    upload.write_all(begin.as_bytes()).await.expect("sent");
    // A request that began later is given up meanwhile.
    let late = server.connect(&post("/api/segments/preview", &shop.key, "application/json", 100)).await;
    assert!(to_end(late).await.starts_with("HTTP/1.1 503"));
    upload.write_all(rest.as_bytes()).await.expect("sent");
    let answer = to_end(upload).await;
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_the_end() {
    let shop = shop(Mode::Token).await;
    let server = Server::start(&shop, Patience::default()).await;
    let mut idle = server.connect(&get("/health/live", "", "keep-alive")).await;
    until(&mut idle, "ok\"}").await;
    server.ending.cancel();
    server.serving.await.expect("the server ends");
    assert_eq!(to_end(idle).await, "");
}
