//! A proxy before Postgres that counts what a client sends and can lose one answer.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// What was sent since the last reset.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// Statements to be parsed.
    pub parsed: u64,
    /// Prepared statements to be executed: a round trip each.
    pub executed: u64,
    /// Statements as plain text: a round trip each.
    pub simple: u64,
}

#[derive(Default)]
struct Counts {
    parsed: AtomicU64,
    executed: AtomicU64,
    simple: AtomicU64,
    lose_next: AtomicBool,
    losing: AtomicBool,
    lost: AtomicBool,
}

pub struct Wire {
    url: String,
    counts: Arc<Counts>,
}

impl Wire {
    /// A proxy before the server of this URL.
    pub async fn before(url: &str) -> Wire {
        let server = PgConnectOptions::from_str(url).expect("a Postgres URL");
        let address = format!("{}:{}", server.get_host(), server.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let counts = Arc::<Counts>::default();
        let shared = counts.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&address).await.expect("the test server answers");
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(requests(from_client, to_server, shared.clone()));
                tokio::spawn(answers(from_server, to_client, shared.clone()));
            }
        });
        let url = server.host("127.0.0.1").port(port).to_url_lossy().to_string();
        Wire { url, counts }
    }

    pub fn url(&self) -> String {
        self.url.clone()
    }

    pub fn reset(&self) {
        for count in [&self.counts.parsed, &self.counts.executed, &self.counts.simple] {
            count.store(0, Ordering::SeqCst);
        }
    }

    pub fn sent(&self) -> Sent {
        let read = |count: &AtomicU64| count.load(Ordering::SeqCst);
        Sent {
            parsed: read(&self.counts.parsed),
            executed: read(&self.counts.executed),
            simple: read(&self.counts.simple),
        }
    }

    /// The server's answer to the next statement ends the connection instead of reaching the client. What the pool asks
    /// when a connection comes back is no statement, and is answered.
    pub fn lose_the_next_answer(&self) {
        self.counts.lose_next.store(true, Ordering::SeqCst);
    }

    pub fn has_lost(&self) -> bool {
        self.counts.lost.load(Ordering::SeqCst)
    }
}

/// Counts complete messages. Before the first one with a type come those of the start-up, which have none.
async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, counts: Arc<Counts>) {
    let (mut buffer, mut started, mut chunk) = (Vec::new(), false, [0; 16 * 1024]);
    while let Ok(size @ 1..) = from.read(&mut chunk).await {
        buffer.extend_from_slice(&chunk[..size]);
        loop {
            let header = if started { 1 } else { 0 };
            let Some(length) = buffer.get(header..header + 4) else { break };
            let length = header + u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
            if buffer.len() < length {
                break;
            }
            let message: Vec<u8> = buffer.drain(..length).collect();
            if !started {
                // The version's first half tells a start-up from a question about encryption.
                started = message[4..6] == [0, 3];
                continue;
            }
            if matches!(message[0], b'E' | b'Q') && counts.lose_next.swap(false, Ordering::SeqCst) {
                counts.losing.store(true, Ordering::SeqCst);
            }
            match message[0] {
                b'P' => counts.parsed.fetch_add(1, Ordering::SeqCst),
                b'E' => counts.executed.fetch_add(1, Ordering::SeqCst),
                b'Q' => counts.simple.fetch_add(1, Ordering::SeqCst),
                _ => 0,
            };
        }
        if to.write_all(&chunk[..size]).await.is_err() {
            return;
        }
    }
}

async fn answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, counts: Arc<Counts>) {
    let mut chunk = [0; 16 * 1024];
    while let Ok(size @ 1..) = from.read(&mut chunk).await {
        if counts.losing.swap(false, Ordering::SeqCst) {
            counts.lost.store(true, Ordering::SeqCst);
            return;
        }
        if to.write_all(&chunk[..size]).await.is_err() {
            return;
        }
    }
}
