//! A TCP proxy between the programs and Postgres, for the faults of a network: the address moves to another
//! server, open connections go silent without a word (a host or a firewall that is gone), every answer comes
//! late. Programs cannot tell it from the real thing, because they only ever see sockets.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// Bytes that are passed on at once.
const CHUNK: usize = 64 * 1024;

/// A running proxy. Dropping it closes everything that goes through it.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub addr: SocketAddr,
    line: Arc<Line>,
    server: JoinHandle<()>,
}

/// What the connections share.
#[derive(Debug)]
struct Line {
    target: Mutex<SocketAddr>,
    rules: watch::Sender<Rules>,
    accepted: AtomicU64,
}

/// How connections are treated. They are numbered as they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rules {
    /// Connections with a smaller number pass nothing any more, and stay open.
    frozen_before: u64,
    /// Connections with a smaller number are closed.
    closed_before: u64,
    /// How late each answer comes.
    delay: Duration,
}

impl Proxy {
    /// Starts one on a loopback address.
    ///
    /// # Errors
    /// The address is taken.
    pub async fn start(listen: SocketAddr, target: SocketAddr) -> io::Result<Proxy> {
        let listener = TcpListener::bind(listen).await?;
        let addr = listener.local_addr()?;
        let line = Arc::new(Line {
            target: Mutex::new(target),
            rules: watch::channel(Rules::default()).0,
            accepted: AtomicU64::new(0),
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&line)));
        Ok(Proxy { addr, line, server })
    }

    /// A proxy on any free port.
    ///
    /// # Errors
    /// There is none.
    pub async fn anywhere(target: SocketAddr) -> io::Result<Proxy> {
        Proxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), target).await
    }

    /// New connections go there; those that are open stay where they are.
    pub fn move_to(&self, target: SocketAddr) {
        *self.line.target.lock().unwrap_or_else(PoisonError::into_inner) = target;
    }

    /// From now on the open connections pass nothing and stay open, as when a host is gone without a word.
    /// New ones are accepted and work. How many there were is known to whoever looks at [`Proxy::accepted`].
    pub fn freeze_open(&self) {
        let until = self.accepted();
        self.line.rules.send_modify(|rules| rules.frozen_before = until);
    }

    /// Closes what is frozen, on both sides, as a firewall does that answers in the end.
    pub fn close_frozen(&self) {
        self.line.rules.send_modify(|rules| rules.closed_before = rules.frozen_before);
    }

    /// Each answer comes so late; zero ends it.
    pub fn delay_answers(&self, delay: Duration) {
        self.line.rules.send_modify(|rules| rules.delay = delay);
    }

    /// Connections that were accepted so far.
    pub fn accepted(&self) -> u64 {
        self.line.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, line: Arc<Line>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    let number = line.accepted.fetch_add(1, Ordering::SeqCst);
                    connections.spawn(carry(client, number, Arc::clone(&line)));
                }
                // Out of file descriptors, most likely: give the open connections a moment to end.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection from its beginning to its end. The sockets belong to this function, so that a connection
/// that stops passing anything stays open.
async fn carry(mut client: TcpStream, number: u64, line: Arc<Line>) {
    let target = *line.target.lock().unwrap_or_else(PoisonError::into_inner);
    // A server that is not there shows itself by the client's connection being closed at once.
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let mut rules = line.rules.subscribe();
    let frozen = async { drop(rules.wait_for(|rules| number < rules.frozen_before).await) };
    tokio::select! {
        biased;
        () = frozen => {}
        _ = pass(&mut client, &mut server, line.rules.subscribe()) => return,
    }
    drop(rules.wait_for(|rules| number < rules.closed_before).await);
}

/// Passes on in both directions until one side ends.
async fn pass(
    client: &mut TcpStream,
    server: &mut TcpStream,
    rules: watch::Receiver<Rules>,
) -> io::Result<()> {
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let asked = AtomicBool::new(false);
    tokio::select! {
        ended = questions(from_client, to_server, &asked) => ended,
        ended = answers(from_server, to_client, &asked, &rules) => ended,
    }
}

async fn questions(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, asked: &AtomicBool) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = from.read(&mut chunk).await?;
        if read == 0 {
            return Ok(());
        }
        asked.store(true, Ordering::SeqCst);
        to.write_all(&chunk[..read]).await?;
    }
}

/// The first bytes after a question wait; the rest of the same answer follows without delay, so that a long
/// answer is not late many times over.
async fn answers(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    asked: &AtomicBool,
    rules: &watch::Receiver<Rules>,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = from.read(&mut chunk).await?;
        if read == 0 {
            return Ok(());
        }
        if asked.swap(false, Ordering::SeqCst) {
            let delay = rules.borrow().delay;
            // The delay is the fault itself.
            tokio::time::sleep(delay).await;
        }
        to.write_all(&chunk[..read]).await?;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, timeout};

    use super::*;

    /// A server that says everything back, with its own name first.
    async fn echo(name: &'static str) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut chunk = [0; 64];
                    while let Ok(read @ 1..) = stream.read(&mut chunk).await {
                        let said = [name.as_bytes(), &chunk[..read]].concat();
                        if stream.write_all(&said).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        addr
    }

    async fn ask(stream: &mut TcpStream) -> io::Result<String> {
        stream.write_all(b"?").await?;
        let mut chunk = [0; 64];
        let read = stream.read(&mut chunk).await?;
        Ok(String::from_utf8_lossy(&chunk[..read]).into_owned())
    }

    #[tokio::test]
    async fn what_is_frozen_stays_open_and_says_nothing_and_new_connections_work() {
        let proxy = Proxy::anywhere(echo("a").await).await.expect("a proxy");
        let mut old = TcpStream::connect(proxy.addr).await.expect("it listens");
        assert_eq!(ask(&mut old).await.expect("an answer"), "a?");
        proxy.freeze_open();
        proxy.move_to(echo("b").await);
        let mut new = TcpStream::connect(proxy.addr).await.expect("it listens");
        assert_eq!(ask(&mut new).await.expect("an answer"), "b?");
        // The new connection was asked after the old one, and nothing comes there: no end and no answer.
        assert!(timeout(Duration::from_millis(200), ask(&mut old)).await.is_err());
        proxy.close_frozen();
        let mut rest = [0; 1];
        let closed = old.read(&mut rest).await;
        assert!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
        assert_eq!(ask(&mut new).await.expect("an answer"), "b?");
    }

    #[tokio::test(start_paused = true)]
    async fn each_answer_is_late_by_the_delay() {
        let proxy = Proxy::anywhere(echo("a").await).await.expect("a proxy");
        let mut stream = TcpStream::connect(proxy.addr).await.expect("it listens");
        assert_eq!(ask(&mut stream).await.expect("an answer"), "a?");
        proxy.delay_answers(Duration::from_secs(2));
        let asked = Instant::now();
        for _ in 0..3 {
            assert_eq!(ask(&mut stream).await.expect("an answer"), "a?");
        }
        // The clock of this test moves only when everybody waits for it.
        assert!(asked.elapsed() >= Duration::from_secs(6), "{:?}", asked.elapsed());
    }
}
