//! Sends a mail by SMTP. The server's name comes from a tenant's settings, so its addresses are checked as those of any
//! other upstream are. What is told of a failure is what matters: whether the mail certainly did not leave, or whether
//! nobody knows.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};

use super::compose::{self, Letter};
use super::error::SendError;
use crate::addresses::Destinations;
use crate::breaker::Breakers;

/// How long a server may take to be reached and to let us in.
const CONNECT_WITHIN: Duration = Duration::from_secs(15);

/// How a connection is kept private.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// From its first byte on, usually on port 465.
    Tls,
    /// After STARTTLS, usually on port 587; without it nothing is said.
    StartTls,
    /// Not at all; only to this very machine.
    Plain,
}

/// A server and who signs in there.
#[derive(Clone)]
pub struct Account {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept private.
    pub security: Security,
    /// Name and password, if it asks for them.
    pub login: Option<(String, String)>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

/// The way out for mail, of one process.
#[derive(Debug, Clone)]
pub struct Post {
    destinations: Destinations,
    breakers: Breakers,
    name: ClientId,
}

impl Post {
    /// A way out that goes where `destinations` lets it.
    pub fn new(destinations: Destinations, breakers: Breakers) -> Post {
        Post { destinations, breakers, name: ClientId::default() }
    }

    /// Sends a mail; `within` is for all of it.
    ///
    /// # Errors
    /// It did not leave, or nobody knows.
    pub async fn send(
        &self,
        account: &Account,
        letter: &Letter<'_>,
        within: Duration,
    ) -> Result<(), SendError> {
        let message = compose::write(letter)?;
        let host = format!("{}:{}", account.host, account.port);
        let permit = self.breakers.ask(&host, Instant::now()).map_err(SendError::Open)?;
        let ended = self.hand_over(account, message.envelope(), &message.formatted(), within).await;
        match &ended {
            Err(SendError::Later(_) | SendError::Unsure(_)) => _ = permit.failed(Instant::now()),
            Err(SendError::Forbidden(_)) => drop(permit),
            _ => permit.succeeded(),
        }
        let outcome = match &ended {
            Ok(()) => "sent",
            Err(SendError::Unsure(_)) => "unsure",
            Err(SendError::Refused { .. }) => "refused",
            Err(_) => "failed",
        };
        metrics::counter!("deskwork_mails_sent_total", "outcome" => outcome).increment(1);
        ended
    }

    async fn hand_over(
        &self,
        account: &Account,
        envelope: &lettre::address::Envelope,
        mail: &[u8],
        within: Duration,
    ) -> Result<(), SendError> {
        let started = Instant::now();
        let open = async {
            let mut connection = self.connect(account).await?;
            self.begin(&mut connection, envelope, mail).await?;
            Ok(connection)
        };
        let late = || SendError::Later("it took too long".to_owned());
        let mut connection = tokio::time::timeout(within, open).await.map_err(|_| late())??;
        let left = within.saturating_sub(started.elapsed()).max(Duration::from_secs(1));
        // From the first byte of it on the server may take it, whatever becomes of its answer.
        match tokio::time::timeout(left, connection.message(mail)).await {
            Ok(Ok(_)) => {
                // Whether it hears the farewell changes nothing.
                let _ = tokio::time::timeout(Duration::from_secs(1), connection.quit()).await;
                Ok(())
            }
            Ok(Err(error)) => match error.status() {
                Some(_) => Err(refusal("the mail", &error)),
                None => Err(SendError::Unsure("the connection broke".to_owned())),
            },
            Err(_) => Err(SendError::Unsure("it took too long".to_owned())),
        }
    }

    async fn connect(&self, account: &Account) -> Result<AsyncSmtpConnection, SendError> {
        let addresses = self.addresses(account).await?;
        let tls = match account.security {
            Security::Plain => None,
            Security::Tls | Security::StartTls => {
                let parameters = TlsParameters::new(account.host.clone());
                Some(parameters.map_err(|_| SendError::Unfit("the mail server's name is none".to_owned()))?)
            }
        };
        let from_start = tls.clone().filter(|_| account.security == Security::Tls);
        let connecting = AsyncSmtpConnection::connect_tokio1(
            addresses.as_slice(),
            Some(CONNECT_WITHIN),
            &self.name,
            from_start,
            None,
        );
        let mut connection = connecting.await.map_err(|error| before("it cannot be reached", &error))?;
        if let Some(parameters) = tls.filter(|_| account.security == Security::StartTls) {
            connection
                .starttls(parameters, &self.name)
                .await
                .map_err(|error| before("it offers no STARTTLS that works", &error))?;
        }
        if let Some((name, password)) = &account.login {
            let credentials = Credentials::new(name.clone(), password.clone());
            let ways = [Mechanism::Plain, Mechanism::Login];
            // Somebody has to change the settings; the mail waits for that.
            let refused = |error| before("it does not take the name and password of the mailbox", &error);
            connection.auth(&ways, &credentials).await.map_err(refused)?;
        }
        Ok(connection)
    }

    /// Everything before the mail itself: nothing has left when it fails.
    async fn begin(
        &self,
        connection: &mut AsyncSmtpConnection,
        envelope: &lettre::address::Envelope,
        mail: &[u8],
    ) -> Result<(), SendError> {
        let mut options = Vec::new();
        let is_plain = envelope
            .from()
            .into_iter()
            .chain(envelope.to())
            .all(|address| AsRef::<str>::as_ref(address).is_ascii());
        if !is_plain {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                let what = "the address has letters that the mail server does not know (SMTPUTF8)";
                return Err(SendError::Unfit(what.to_owned()));
            }
            options.push(MailParameter::SmtpUtfEight);
        }
        if !mail.is_ascii() && connection.server_info().supports_feature(Extension::EightBitMime) {
            options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let from = Mail::new(envelope.from().cloned(), options);
        connection.command(from).await.map_err(|error| refusal("the sender", &error))?;
        for to in envelope.to() {
            let to = Rcpt::new(to.clone(), Vec::new());
            connection.command(to).await.map_err(|error| refusal("the recipient", &error))?;
        }
        connection.command(Data).await.map_err(|error| refusal("the mail", &error))?;
        Ok(())
    }

    async fn addresses(&self, account: &Account) -> Result<Vec<SocketAddr>, SendError> {
        let found = tokio::net::lookup_host((account.host.as_str(), account.port)).await;
        let found = found.map_err(|_| SendError::Later("its name leads nowhere".to_owned()))?;
        let allowed = crate::addresses::allowed_addresses(self.destinations, &account.host, found)
            .map_err(|forbidden| SendError::Forbidden(forbidden.0))?;
        let is_here = |address: &SocketAddr| address.ip().to_canonical().is_loopback();
        if account.security == Security::Plain && !allowed.iter().all(is_here) {
            return Err(SendError::Forbidden("without TLS only this very machine may be called"));
        }
        Ok(allowed)
    }
}

/// A failure before anything of the mail was handed over.
fn before(what: &str, error: &lettre::transport::smtp::Error) -> SendError {
    match error.status() {
        Some(code) => SendError::Later(format!("{what} ({code})")),
        None => SendError::Later(what.to_owned()),
    }
}

fn refusal(what: &'static str, error: &lettre::transport::smtp::Error) -> SendError {
    match error.status() {
        Some(code) if error.is_permanent() => SendError::Refused { what, code: u16::from(code) },
        Some(code) => SendError::Later(format!("it refused {what} for now ({code})")),
        None => SendError::Later(format!("the connection broke at {what}")),
    }
}
