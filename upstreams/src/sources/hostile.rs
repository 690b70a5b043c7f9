//! Servers that send more than anybody can keep, and what a source says of them: each speaks just enough of its protocol to be
//! asked, and then announces too much, goes on without end, or answers what makes the library panic.

mod mysql;
mod postgres;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::relay::Tls;
use super::{Database, Opened, SourceError, System, Wanted, opened};
use crate::breaker::BreakerSettings;
use crate::sources::{FileAt, Sources};
use crate::{Breakers, CallContext, Destinations};

/// The name that the certificate of these servers is for.
const NAME: &str = "db.shop.example";
const PASSWORD: &str = "it's secret";

trait End: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> End for S {}

/// A port of this machine, whose one visitor is served like this.
async fn serving<F: Future<Output = Option<()>> + Send + 'static>(
    serve: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let (end, _) = listener.accept().await.ok()?;
        serve(end).await
    });
    address
}

/// Sends the same again and again, until nobody takes it.
async fn flood(end: &mut (impl End + ?Sized), bytes: &[u8]) -> Option<()> {
    loop {
        end.write_all(bytes).await.ok()?;
    }
}

fn database(system: System) -> Database {
    Database {
        system,
        host: NAME.to_owned(),
        port: 0,
        database: "shop".to_owned(),
        user: "reader".to_owned(),
        password: PASSWORD.to_owned(),
    }
}

/// As for a server on this machine: with TLS or without.
fn anyhow() -> Tls {
    Tls::to(NAME, true)
}

/// As for a server elsewhere, of whose authority this machine knows.
fn strictly(name: &str) -> Tls {
    let mut roots = RootCertStore::empty();
    roots.add(certificate(include_bytes!("hostile/authority.pem"))).expect("an authority");
    Tls::by(roots, name)
}

fn certificate(pem: &'static [u8]) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem).expect("a certificate")
}

async fn encrypted(end: TcpStream) -> Option<Box<dyn End>> {
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("hostile/server.key")).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate(include_bytes!("hostile/server.pem"))], key)
        .expect("a certificate with its key");
    let end = TlsAcceptor::from(Arc::new(config)).accept(end).await.ok()?;
    Some(Box::new(end))
}

/// What came of reading the columns, and the bytes that came for it.
async fn columns(
    opened: Result<Opened, SourceError>,
) -> (Result<BTreeMap<String, String>, SourceError>, u64) {
    let mut opened = opened.expect("it lets us in");
    let columns = opened.columns("line").await;
    (columns, opened.relay.received())
}

/// What came of reading at most so many rows, and the bytes that came for it.
async fn rows(opened: Result<Opened, SourceError>, limit: Option<u32>) -> (SourceError, u64) {
    let mut opened = opened.expect("it lets us in");
    let (columns, kinds) = (["a".to_owned()], BTreeMap::from([("a".to_owned(), "text".to_owned())]));
    let wanted =
        Wanted { table: "line", columns: &columns, kinds: &kinds, order_id: "a", since: None, limit };
    let copied = opened.copy(&wanted, &mut std::io::sink()).await;
    (copied.expect_err("it is not read"), opened.relay.received())
}

#[tokio::test]
async fn an_answer_by_http_that_never_ends_is_not_waited_for() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sources = Sources::new(Destinations::PublicOrLoopback, Breakers::new(BreakerSettings::default()))
        .expect("the client");
    for (begins, goes_on, code) in [
        // An error is told by its status; what it says is not read.
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 9999999999\r\n\r\n", "so sorry", "status_404"),
        ("HTTP/1.1 200 OK\r\n", "x-more: and more\r\n", "connection_broken"),
        (
            "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n",
            "",
            "status_302",
        ),
    ] {
        let address = serving(move |mut end| async move {
            // It was asked; or nobody is there any more.
            if end.read(&mut [0; 1024]).await.ok()? == 0 {
                return None;
            }
            end.write_all(begins.as_bytes()).await.ok()?;
            if goes_on.is_empty() { Some(()) } else { flood(&mut end, goes_on.as_bytes()).await }
        })
        .await;
        let context = CallContext {
            deadline: tokio::time::Instant::now() + std::time::Duration::from_secs(20),
            traceparent: None,
        };
        let file = FileAt::Url(format!("http://{address}/orders.csv"));
        let mut kept = Vec::new();
        let fault = sources.fetch(&context, &file, None, &mut kept).await.expect_err("it is not read");
        assert_eq!(fault.code(), code, "{fault}");
        assert!(kept.is_empty());
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_of_no_name_is_told_so() {
    // A port that no other test is given meanwhile.
    let address = SocketAddr::from(([127, 0, 0, 1], 9));
    for system in [System::Postgres, System::Mysql] {
        let fault = opened(&database(system), address, anyhow()).await.expect_err("nothing is there");
        assert_eq!(fault.code(), "connection_refused", "{fault}");
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sources = Sources::new(Destinations::PublicOnly, Breakers::new(BreakerSettings::default()))
        .expect("the client");
    let inside = Database { host: "127.0.0.1".to_owned(), port: 5432, ..database(System::Postgres) };
    let fault = sources.open(&inside).await.expect_err("it is inside");
    assert_eq!(fault.code(), "private_address", "{fault}");
    // No name has a part of so many letters, so nobody has to be asked.
    let nowhere = Database { host: format!("{}.example", "a".repeat(64)), ..inside };
    let fault = sources.open(&nowhere).await.expect_err("there is no such name");
    assert_eq!(fault.code(), "host_unknown", "{fault}");
}
