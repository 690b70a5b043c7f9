//! TLS with a database: to other machines always, and checked as a browser does, by authority and name; on this machine where it
//! is offered, with whatever certificate is there.

use std::sync::{Arc, LazyLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Cut, Stream};

/// The system's authorities.
static CHECKED: LazyLock<Option<Arc<ClientConfig>>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    checked(roots)
});
static UNCHECKED: LazyLock<Option<Arc<ClientConfig>>> =
    LazyLock::new(|| Some(config(Arc::new(Anybody(Arc::new(ring::default_provider()))))));

/// How a connection is encrypted.
#[derive(Clone)]
pub(in crate::sources) struct Tls {
    /// None where there are no authorities.
    config: Option<Arc<ClientConfig>>,
    name: Option<ServerName<'static>>,
    /// Whether it goes on in clear where the server has no TLS.
    pub(super) is_optional: bool,
}

impl Tls {
    /// To a server of this name; one that is this very machine may do without.
    pub(in crate::sources) fn to(host: &str, is_here: bool) -> Tls {
        let name = ServerName::try_from(host.to_owned()).ok();
        let config = if is_here { UNCHECKED.clone() } else { CHECKED.clone() };
        Tls { config, name, is_optional: is_here }
    }

    /// To a server of this name, whose certificate is of one of these authorities.
    #[cfg(test)]
    pub(in crate::sources) fn by(roots: RootCertStore, host: &str) -> Tls {
        Tls { config: checked(roots), name: ServerName::try_from(host.to_owned()).ok(), is_optional: false }
    }

    /// Encrypts a connection.
    pub(super) async fn over(&self, server: TcpStream) -> Result<Box<dyn Stream>, Cut> {
        let (Some(config), Some(name)) = (&self.config, &self.name) else {
            return Err(Cut::Certificate);
        };
        let secured = TlsConnector::from(Arc::clone(config)).connect(name.clone(), server).await;
        match secured {
            Ok(secured) => Ok(Box::new(secured)),
            Err(error) => Err(match error.get_ref().and_then(|cause| cause.downcast_ref::<Error>()) {
                Some(Error::InvalidCertificate(_)) => Cut::Certificate,
                Some(_) => Cut::NoTls,
                None => Cut::Gone,
            }),
        }
    }
}

fn checked(roots: RootCertStore) -> Option<Arc<ClientConfig>> {
    let provider = Arc::new(ring::default_provider());
    Some(config(WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().ok()?))
}

fn config(verifier: Arc<dyn ServerCertVerifier>) -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has the ciphers of these versions")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Arc::new(config)
}

/// Takes any certificate, of a server on this machine: nobody is in between.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
