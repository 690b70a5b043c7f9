//! A proxy before the test server that can fall silent as a lost host does: what is open stays open and says
//! nothing more, without RST or FIN. Killing a server shows none of that, because its sockets are reset.

use std::{net::SocketAddr, str::FromStr, time::Duration};

use sqlx::{ConnectOptions, postgres::PgConnectOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// The proxy; it ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    accepting: JoinHandle<()>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// Connections with a lower number are silent for ever.
    silent_below: u64,
    /// New connections are accepted and say nothing.
    silent: bool,
    /// How many connections there were.
    accepted: u64,
    /// How long every answer of the server is kept back.
    delay: Duration,
}

impl Proxy {
    /// A proxy before the server of this URL, which must be reached by TCP.
    pub async fn before(url: &str) -> Proxy {
        let server = PgConnectOptions::from_str(url).expect("a Postgres URL");
        let server = format!("{}:{}", server.get_host(), server.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let state = watch::Sender::new(State::default());
        let accepting = tokio::spawn(accept(listener, server, state.clone()));
        Proxy { address, state, accepting }
    }

    /// The URL by which the same database is reached through the proxy.
    pub fn url(&self, url: &str) -> String {
        let options = PgConnectOptions::from_str(url).expect("a Postgres URL");
        options.host("127.0.0.1").port(self.address.port()).to_url_lossy().to_string()
    }

    /// All open connections fall silent for ever; new ones work.
    pub fn freeze_open(&self) {
        self.state.send_modify(|state| state.silent_below = state.accepted);
    }

    /// All connections fall silent, and new ones are made and say nothing, until [`Proxy::thaw`]: those that
    /// were silent stay so.
    pub fn freeze(&self) {
        self.state.send_modify(|state| {
            state.silent = true;
            state.silent_below = u64::MAX;
        });
    }

    /// New connections work again.
    pub fn thaw(&self) {
        self.state.send_modify(|state| {
            state.silent = false;
            state.silent_below = state.accepted;
        });
    }

    /// Keeps every answer back for so long.
    pub fn delay(&self, delay: Duration) {
        self.state.send_modify(|state| state.delay = delay);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, server: String, state: watch::Sender<State>) {
    loop {
        let Ok((client, _)) = listener.accept().await else { return };
        let mut number = 0;
        state.send_modify(|state| {
            number = state.accepted;
            state.accepted += 1;
        });
        let (server, state) = (server.clone(), state.subscribe());
        tokio::spawn(async move {
            let Ok(upstream) = TcpStream::connect(server).await else { return };
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = upstream.into_split();
            let there = pass(number, from_client, to_server, state.clone(), false);
            let back = pass(number, from_server, to_client, state, true);
            // When one side closes, both sockets are closed with it.
            tokio::select! {
                () = there => {}
                () = back => {}
            }
        });
    }
}

/// Resolves when the connection is to say nothing more.
async fn falls_silent(number: u64, state: &mut watch::Receiver<State>) {
    let silent = state.wait_for(|state| number < state.silent_below || state.silent).await.is_ok();
    if !silent {
        // The proxy is gone, and with it whoever might want that.
        std::future::pending().await
    }
}

/// Passes bytes on, until one side closes or the connection falls silent; then it stays open.
async fn pass(
    number: u64,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<State>,
    delayed: bool,
) {
    let mut bytes = vec![0; 64 << 10];
    loop {
        let read = tokio::select! {
            biased;
            () = falls_silent(number, &mut state) => return std::future::pending().await,
            read = from.read(&mut bytes) => read,
        };
        let Ok(length @ 1..) = read else { return };
        let delay = state.borrow().delay;
        if delayed && !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}
