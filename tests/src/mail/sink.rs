//! A mail server that records what it took, and misbehaves on request. It speaks with the code that the desk's own door
//! speaks with, so what it takes is what a strict server takes.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use upstreams::mail::server::{self, Door, Handed, Options, Verdict};

/// How it misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It takes no mail for the recipient, for good.
    RefuseRecipient,
    /// It takes no mail now.
    Later,
    /// It has read the mail, forgets it, and hangs up.
    HangUpBefore,
    /// It has taken the mail and hangs up before it says so.
    HangUpAfter,
}

/// A running server; it stops when this is dropped.
pub struct MailSink {
    /// Where it listens.
    pub addr: SocketAddr,
    sink: Arc<Sink>,
    server: JoinHandle<()>,
}

impl Drop for MailSink {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct Sink {
    state: Mutex<State>,
    count: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    mails: Vec<Handed>,
    faults: VecDeque<Fault>,
}

impl MailSink {
    /// Starts one on a free port.
    ///
    /// # Errors
    /// There is none.
    pub async fn start() -> io::Result<MailSink> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let sink = Arc::new(Sink { state: Mutex::default(), count: watch::Sender::new(0) });
        let door: Arc<dyn Door> = Arc::<Sink>::clone(&sink);
        let options = Options { connections: 500, of_one_address: 500, ..Options::default() };
        let server = tokio::spawn(server::serve(listener, options, door, std::future::pending()));
        Ok(MailSink { addr, sink, server })
    }

    /// What it took, in the order in which it did.
    pub fn mails(&self) -> Vec<Handed> {
        self.sink.lock().mails.clone()
    }

    /// How much it took.
    pub fn count(&self) -> usize {
        self.sink.lock().mails.len()
    }

    /// Waits until it took so many.
    pub async fn wait_for(&self, count: usize) {
        let mut changes = self.sink.count.subscribe();
        // The sender lives as long as this does.
        let _ = changes.wait_for(|taken| *taken >= count).await;
    }

    /// The next mails meet this, in their order.
    pub fn inject(&self, fault: Fault, count: usize) {
        self.sink.lock().faults.extend(std::iter::repeat_n(fault, count));
    }

    /// Lets it behave again.
    pub fn forgive(&self) {
        self.sink.lock().faults.clear();
    }
}

impl Sink {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, mail: Handed) {
        let count = {
            let mut state = self.lock();
            state.mails.push(mail);
            state.mails.len()
        };
        self.count.send_replace(count);
    }
}

impl Door for Sink {
    fn knows(&self, _: String) -> BoxFuture<'_, Verdict> {
        Box::pin(async move {
            let mut state = self.lock();
            match state.faults.front() {
                Some(Fault::RefuseRecipient) => {
                    state.faults.pop_front();
                    Verdict::Refused("nobody of this name".to_owned())
                }
                _ => Verdict::Taken,
            }
        })
    }

    fn take(&self, mail: Handed) -> BoxFuture<'_, Vec<Verdict>> {
        Box::pin(async move {
            let fault = self.lock().faults.pop_front();
            let verdict = match fault {
                Some(Fault::Later) => Verdict::Later("come again".to_owned()),
                Some(Fault::HangUpBefore) => Verdict::HangUp,
                Some(Fault::HangUpAfter) => {
                    self.keep(mail.clone());
                    Verdict::HangUp
                }
                Some(Fault::RefuseRecipient) | None => {
                    self.keep(mail.clone());
                    Verdict::Taken
                }
            };
            vec![verdict; mail.to.len()]
        })
    }
}
