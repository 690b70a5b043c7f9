//! What stands between the library that speaks with a database and the server: it looks at each message's length before the
//! library does, and cuts the connection where more is announced, or comes, than is kept in memory.
//!
//! The library takes a message's word for its length. Of Postgres it reserves up to 4 GiB for one, and inside TLS it also writes
//! zeros over them; of MySQL it reserves room for as many columns as are announced. Five bytes of a strange server would
//! end a process. So nothing reaches the library that was not looked at. Lengths cannot be seen inside TLS, therefore it
//! ends here, and the library talks in clear to a port of this machine that takes one connection.

mod mysql;
mod postgres;
mod tls;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(super) use self::tls::Tls;
use super::{CONNECT_WITHIN, Database, SourceError, System};

/// The longest message: a row.
pub(super) const MESSAGE_BYTES: usize = 16 << 20;
/// What may come between two requests.
pub(super) const PAGE_BYTES: u64 = 64 << 20;
/// How that is told.
pub(super) const PAGE_TOLD: &str = "more than 64 MiB for one page";
/// The longest message that is no row: an error, the columns' names.
const PLAIN_BYTES: usize = 1 << 20;
/// What is passed on at once.
const PIECE_BYTES: usize = 16 * 1024;

/// Why the connection was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// A message is too long.
    Message,
    /// Too much came for one request.
    Page,
    /// It does not speak as such a server does.
    Odd,
    /// It has no TLS.
    NoTls,
    /// Its certificate is not good.
    Certificate,
    /// The server is gone.
    Gone,
}

/// The way of one connection. It ends when this is dropped.
pub(super) struct Relay {
    port: u16,
    told: Arc<Told>,
    task: JoinHandle<()>,
}

/// What both ends of it know.
#[derive(Debug, Default)]
struct Told {
    cut: OnceLock<Cut>,
    /// Rows come without end, each of which leaves memory before the next.
    is_stream: AtomicBool,
    received: AtomicU64,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay").field("told", &self.told).finish_non_exhaustive()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Relay {
    /// Connects to the server.
    pub(super) async fn open(
        database: &Database,
        address: SocketAddr,
        tls: Tls,
    ) -> Result<Relay, SourceError> {
        let server = timeout(CONNECT_WITHIN, TcpStream::connect(address))
            .await
            .map_err(|_| SourceError::Unreachable)?
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::ConnectionRefused => SourceError::ConnectionRefused,
                _ => SourceError::Unreachable,
            })?;
        let here = |_| SourceError::Here("no port of this machine could be taken");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(here)?;
        let port = listener.local_addr().map_err(here)?.port();
        let told = Arc::new(Told::default());
        let (system, password) = (database.system, database.password.clone());
        let task = tokio::spawn(run(listener, server, (system, tls, password), Arc::clone(&told)));
        Ok(Relay { port, told, task })
    }

    /// Where the library connects, on this machine.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Says that the rows of the next answer are taken one by one, so that their sum has no bound.
    pub(super) fn expect_stream(&self) {
        self.told.is_stream.store(true, Ordering::Relaxed);
    }

    /// What came from the server, in bytes.
    #[cfg(test)]
    pub(super) fn received(&self) -> u64 {
        self.told.received.load(Ordering::Relaxed)
    }

    /// Why the connection was cut, if it was.
    pub(super) fn fault(&self) -> Option<SourceError> {
        Some(match self.told.cut.get()? {
            Cut::Message => {
                SourceError::TooMuch("a row of more than 16 MiB, or another answer of more than 1 MiB")
            }
            Cut::Page => SourceError::TooMuch(PAGE_TOLD),
            Cut::Odd => SourceError::Odd,
            Cut::NoTls => SourceError::NoTls,
            Cut::Certificate => SourceError::Certificate,
            Cut::Gone => return None,
        })
    }
}

/// Both directions of a connection to a server.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Looks at what a server sends.
trait Watch {
    /// The library asks something.
    fn asked(&mut self);
    /// These bytes come next.
    fn answered(&mut self, bytes: &[u8]) -> Result<(), Cut>;
}

async fn run(
    listener: TcpListener,
    server: TcpStream,
    (system, tls, password): (System, Tls, String),
    told: Arc<Told>,
) {
    let Ok(Ok((mut client, _))) = timeout(CONNECT_WITHIN, listener.accept()).await else {
        return;
    };
    drop(listener);
    // Questions are short and waited for.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let carried = match system {
        System::Postgres => over_postgres(&mut client, server, &tls, &told).await,
        System::Mysql => over_mysql(&mut client, server, (&tls, &password), &told).await,
    };
    // That the server is gone the library sees for itself, behind what the server said last.
    if let Err(cut) = carried
        && cut != Cut::Gone
    {
        let _ = told.cut.set(cut);
    }
    // The library's end is closed behind this, so that whoever sees it closed finds out why.
    drop(client);
}

async fn over_postgres(client: &mut TcpStream, server: TcpStream, tls: &Tls, told: &Told) -> Result<(), Cut> {
    let mut server = postgres::secured(server, tls).await?;
    carry(client, &mut server, &mut postgres::Watcher::default(), told).await
}

async fn over_mysql(
    client: &mut TcpStream,
    server: TcpStream,
    (tls, password): (&Tls, &str),
    told: &Told,
) -> Result<(), Cut> {
    let Some((mut server, mut watcher)) = mysql::signed_in(client, server, tls, password).await? else {
        return Ok(());
    };
    carry(client, &mut server, &mut watcher, told).await
}

/// Passes on what both say, until one of them ends it.
async fn carry(
    client: &mut TcpStream,
    server: &mut (impl Stream + ?Sized),
    watcher: &mut impl Watch,
    told: &Told,
) -> Result<(), Cut> {
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let (mut question, mut answer) = (vec![0; PIECE_BYTES], vec![0; PIECE_BYTES]);
    let mut page = 0;
    loop {
        tokio::select! {
            read = from_client.read(&mut question) => {
                let Some(bytes) = read.ok().filter(|length| *length > 0).map(|length| &question[..length]) else {
                    return Ok(());
                };
                watcher.asked();
                page = 0;
                to_server.write_all(bytes).await.map_err(|_| Cut::Gone)?;
                to_server.flush().await.map_err(|_| Cut::Gone)?;
            }
            read = from_server.read(&mut answer) => {
                let Some(bytes) = read.ok().filter(|length| *length > 0).map(|length| &answer[..length]) else {
                    return Err(Cut::Gone);
                };
                page += bytes.len() as u64;
                told.received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                watcher.answered(bytes)?;
                if page > PAGE_BYTES && !told.is_stream.load(Ordering::Relaxed) {
                    return Err(Cut::Page);
                }
                if to_client.write_all(bytes).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
}
