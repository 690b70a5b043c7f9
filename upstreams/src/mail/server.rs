//! A server for mail: SMTP as a mail server or a program speaks it (RFC 5321), and LMTP, by which a mail server hands over
//! what is for this house (RFC 2033). Commands and the end of the mail are read by `smtp-proto`, which takes no line break
//! but the standard's own, so nobody smuggles a second mail behind a first. What is done with a mail is the [`Door`]'s.
//!
//! It is meant to stand behind a mail server on a private network: it knows no TLS and no sign-in, and whom it takes mail
//! for is what its door says. Places are few, so a client that is slow gives its place back: a command has a time to its end, a
//! mail another, and of one address there are as many connections as its share (`places.rs`).

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use smtp_proto::request::receiver::{DataReceiver, RequestReceiver};
use smtp_proto::{Error, Request};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::places::Places;

/// Commands since the last mail, after which a connection ends: more than a mail for the most recipients has.
const MOST_COMMANDS: usize = 400;
/// Recipients of one mail.
const MOST_RECIPIENTS: usize = 100;
/// Commands that mean nothing, after which a connection ends.
const MOST_ERRORS: usize = 20;
/// Bytes that are read at once.
const PIECE_BYTES: usize = 16 * 1024;

/// What is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// One answer a mail.
    Smtp,
    /// One answer a recipient.
    Lmtp,
}

/// How the server behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is spoken.
    pub protocol: Protocol,
    /// What it calls itself.
    pub name: String,
    /// The longest mail, in bytes.
    pub max_bytes: usize,
    /// Connections at once; more wait.
    pub connections: usize,
    /// Of those, how many may be of one address; more are told to come again.
    pub of_one_address: usize,
    /// How long a client may take to say a command to its end, or to hear an answer; how long it may say nothing within a mail.
    pub patience: Duration,
    /// How long a mail may take to its end.
    pub mail_time: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            protocol: Protocol::Smtp,
            name: "deskwork".to_owned(),
            max_bytes: 25 * 1024 * 1024,
            connections: 100,
            // What is in front of it may be one mail server alone; none opens so many by itself.
            of_one_address: 50,
            patience: Duration::from_secs(120),
            mail_time: Duration::from_secs(600),
        }
    }
}

/// A mail with its envelope.
#[derive(Debug, Clone)]
pub struct Handed {
    /// The sender; empty for reports.
    pub from: String,
    /// The recipients, all of which the door knows.
    pub to: Vec<String>,
    /// The mail.
    pub raw: Bytes,
}

/// What the door says to a recipient, or to a mail for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is taken.
    Taken,
    /// Not now; come again.
    Later(String),
    /// Never.
    Refused(String),
    /// The connection ends without a word; for tests of what senders do then.
    HangUp,
}

/// Takes mail.
pub trait Door: Send + Sync + 'static {
    /// Whether mail for an address is taken.
    fn knows(&self, address: String) -> BoxFuture<'_, Verdict>;

    /// Takes a mail: a verdict for each of its recipients, in their order.
    fn take(&self, mail: Handed) -> BoxFuture<'_, Vec<Verdict>>;
}

/// Serves until `stop` completes; then connections that are open may end their mail within the options' patience.
pub async fn serve(
    listener: TcpListener,
    options: Options,
    door: Arc<dyn Door>,
    stop: impl Future<Output = ()>,
) {
    let places = Places::new(options.connections, options.of_one_address);
    let options = Arc::new(options);
    let mut open = JoinSet::new();
    tokio::pin!(stop);
    loop {
        let place = tokio::select! {
            () = &mut stop => break,
            place = places.any() => place,
        };
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let _ = stream.set_nodelay(true);
                    let (options, door) = (Arc::clone(&options), Arc::clone(&door));
                    let place = place.of(peer.ip());
                    open.spawn(async move {
                        // A client that goes away is no news.
                        let _ = match place {
                            Some(_place) => converse(stream, &options, door.as_ref()).await,
                            None => send_away(stream, &options).await,
                        };
                    });
                }
                // Out of file descriptors, most likely: give the open connections a moment to end.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
        }
        while open.try_join_next().is_some() {}
    }
    open.shutdown().await;
}

/// Tells a client that its address has its share of the places. It fits into what a socket takes at once, so nobody is waited
/// for.
async fn send_away<S: AsyncWrite + Unpin>(mut stream: S, options: &Options) -> io::Result<()> {
    let line = format!("421 4.7.0 {} has too many connections of your address; come again\r\n", options.name);
    match tokio::time::timeout(options.patience, stream.write_all(line.as_bytes())).await {
        Ok(written) => written,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// One connection from its greeting to its end.
///
/// # Errors
/// The connection broke.
pub async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    options: &Options,
    door: &dyn Door,
) -> io::Result<()> {
    let mut talk = Talk { stream, options, door, said_hello: false, from: None, to: Vec::new(), errors: 0 };
    talk.say(&format!("220 {} ready", options.name)).await?;
    let mut commands = RequestReceiver::default();
    let mut buffer = vec![0; PIECE_BYTES];
    // What was said and not heard yet.
    let mut pending = Vec::new();
    let mut since_mail = 0;
    let mut until = Instant::now() + options.patience;
    loop {
        let mut bytes = pending.iter();
        let request = commands.ingest(&mut bytes).map(Request::into_owned);
        let rest = bytes.as_slice().to_vec();
        let next = match request {
            Ok(request) => talk.answer(request).await?,
            Err(Error::NeedsMoreData { .. }) => {
                let read = talk.read(&mut buffer, until, "421 4.4.2 your command took too long").await?;
                if read == 0 {
                    return Ok(());
                }
                pending = buffer[..read].to_vec();
                continue;
            }
            Err(error) => talk.wrong(&error).await?,
        };
        since_mail += 1;
        if since_mail > MOST_COMMANDS {
            return talk.say("421 4.7.0 too many commands without a mail").await;
        }
        pending = match next {
            Next::Command => rest,
            Next::End => return Ok(()),
            Next::Mail => match talk.take_mail(rest).await? {
                Some(rest) => {
                    since_mail = 0;
                    rest
                }
                None => return Ok(()),
            },
        };
        until = Instant::now() + options.patience;
    }
}

/// What comes next.
enum Next {
    Command,
    Mail,
    End,
}

struct Talk<'a, S> {
    stream: S,
    options: &'a Options,
    door: &'a dyn Door,
    said_hello: bool,
    from: Option<String>,
    to: Vec<String>,
    errors: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<'_, S> {
    /// Reads what comes until a moment; nothing when the connection ended, or had to be.
    async fn read(&mut self, buffer: &mut [u8], until: Instant, too_late: &str) -> io::Result<usize> {
        match tokio::time::timeout_at(until, self.stream.read(buffer)).await {
            Ok(read) => read,
            Err(_) => {
                self.say(too_late).await?;
                Ok(0)
            }
        }
    }

    async fn say(&mut self, line: &str) -> io::Result<()> {
        let text = format!("{line}\r\n");
        let writing = async {
            self.stream.write_all(text.as_bytes()).await?;
            self.stream.flush().await
        };
        match tokio::time::timeout(self.options.patience, writing).await {
            Ok(written) => written,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    async fn wrong(&mut self, error: &Error) -> io::Result<Next> {
        self.errors += 1;
        if self.errors > MOST_ERRORS {
            self.say("421 4.7.0 too many commands that mean nothing").await?;
            return Ok(Next::End);
        }
        let line = match error {
            Error::InvalidSenderAddress => "501 5.1.7 this is no address of a sender",
            Error::InvalidRecipientAddress => "501 5.1.3 this is no address of a recipient",
            Error::ResponseTooLong => "500 5.5.2 the line is too long",
            Error::SyntaxError { .. } | Error::InvalidParameter { .. } => {
                "501 5.5.4 the arguments do not fit"
            }
            Error::UnsupportedParameter { .. } => "555 5.5.4 this parameter is not known here",
            _ => "500 5.5.1 this command is not known here",
        };
        self.say(line).await?;
        Ok(Next::Command)
    }

    async fn answer(&mut self, request: Request<String>) -> io::Result<Next> {
        let is_lmtp = self.options.protocol == Protocol::Lmtp;
        match request {
            Request::Ehlo { .. } | Request::Helo { .. } if is_lmtp => {
                self.say("500 5.5.1 this is LMTP; say LHLO").await?;
            }
            Request::Lhlo { .. } if !is_lmtp => self.say("500 5.5.1 this is SMTP; say EHLO").await?,
            Request::Helo { .. } => {
                self.reset();
                self.said_hello = true;
                let line = format!("250 {}", self.options.name);
                self.say(&line).await?;
            }
            Request::Ehlo { .. } | Request::Lhlo { .. } => {
                self.reset();
                self.said_hello = true;
                let Options { name, max_bytes, .. } = self.options;
                let lines = format!(
                    "250-{name}\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE {max_bytes}"
                );
                self.say(&lines).await?;
            }
            Request::Mail { .. } if !self.said_hello => self.say("503 5.5.1 say hello first").await?,
            Request::Mail { from } if from.size > self.options.max_bytes => {
                let line = format!("552 5.3.4 a mail has at most {} bytes here", self.options.max_bytes);
                self.say(&line).await?;
            }
            Request::Mail { from } => {
                self.reset();
                self.from = Some(from.address);
                self.say("250 2.1.0 go on").await?;
            }
            Request::Rcpt { .. } if self.from.is_none() => self.say("503 5.5.1 say from whom first").await?,
            Request::Rcpt { .. } if self.to.len() >= MOST_RECIPIENTS => {
                self.say("452 4.5.3 send it to the others in another mail").await?;
            }
            Request::Rcpt { to } => match self.door.knows(to.address.clone()).await {
                Verdict::Taken => {
                    self.to.push(to.address);
                    self.say("250 2.1.5 go on").await?;
                }
                Verdict::Later(reason) => self.say(&format!("451 4.3.0 {}", one_line(&reason))).await?,
                Verdict::Refused(reason) => self.say(&format!("550 5.1.1 {}", one_line(&reason))).await?,
                Verdict::HangUp => return Ok(Next::End),
            },
            Request::Data if self.to.is_empty() => self.say("503 5.5.1 say to whom first").await?,
            Request::Data => {
                self.say("354 send it, and a dot on a line of its own").await?;
                return Ok(Next::Mail);
            }
            Request::Rset => {
                self.reset();
                self.say("250 2.0.0 forgotten").await?;
            }
            Request::Noop { .. } => self.say("250 2.0.0 nothing done").await?,
            Request::Vrfy { .. } => self.say("252 2.5.0 send it and see").await?,
            Request::Quit => {
                self.say("221 2.0.0 good bye").await?;
                return Ok(Next::End);
            }
            _ => self.say("502 5.5.1 this command is not offered here").await?,
        }
        Ok(Next::Command)
    }

    /// Reads the mail to its end and hands it over; what came behind it, or none when the connection ended.
    async fn take_mail(&mut self, mut came: Vec<u8>) -> io::Result<Option<Vec<u8>>> {
        let mut receiver = DataReceiver::new();
        let (mut mail, mut is_too_long) = (Vec::new(), false);
        let mut buffer = vec![0; PIECE_BYTES];
        let end = Instant::now() + self.options.mail_time;
        let rest = loop {
            let mut bytes = came.iter();
            if receiver.ingest(&mut bytes, &mut mail) {
                break bytes.as_slice().to_vec();
            }
            if mail.len() > self.options.max_bytes {
                // It is read to its end all the same, so that its sender hears why.
                is_too_long = true;
                mail.clear();
            }
            let until = end.min(Instant::now() + self.options.patience);
            let read = self.read(&mut buffer, until, "421 4.4.2 your mail took too long").await?;
            if read == 0 {
                return Ok(None);
            }
            came = buffer[..read].to_vec();
        };
        let (from, to) = (self.from.take().unwrap_or_default(), std::mem::take(&mut self.to));
        let verdicts = match is_too_long || mail.len() > self.options.max_bytes {
            true => {
                let reason = format!("a mail has at most {} bytes here", self.options.max_bytes);
                vec![Verdict::Refused(reason); to.len()]
            }
            false => self.door.take(Handed { from, to: to.clone(), raw: mail.into() }).await,
        };
        let answers = match self.options.protocol {
            Protocol::Lmtp => verdicts,
            Protocol::Smtp => vec![together(&verdicts)],
        };
        for verdict in answers {
            match verdict {
                Verdict::Taken => self.say("250 2.0.0 taken").await?,
                Verdict::Later(reason) => self.say(&format!("451 4.3.0 {}", one_line(&reason))).await?,
                Verdict::Refused(reason) => self.say(&format!("554 5.6.0 {}", one_line(&reason))).await?,
                Verdict::HangUp => return Ok(None),
            }
        }
        Ok(Some(rest))
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
    }
}

/// One answer for all recipients: when any must come again, all do, and those who have it know it by then.
fn together(verdicts: &[Verdict]) -> Verdict {
    let worst = |verdict: &&Verdict| match verdict {
        Verdict::HangUp => 3,
        Verdict::Later(_) => 2,
        Verdict::Taken => 1,
        Verdict::Refused(_) => 0,
    };
    verdicts.iter().max_by_key(worst).cloned().unwrap_or(Verdict::Later("nobody took it".to_owned()))
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() { c } else { ' ' }).take(400).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::io::{AsyncBufReadExt, BufReader};

    use super::*;

    #[derive(Default)]
    struct Room {
        mails: Mutex<Vec<Handed>>,
    }

    impl Door for Room {
        fn knows(&self, address: String) -> BoxFuture<'_, Verdict> {
            Box::pin(async move {
                match address.as_str() {
                    "help@shop.example" | "later@shop.example" => Verdict::Taken,
                    _ => Verdict::Refused("nobody of this name\r\n250 injected".to_owned()),
                }
            })
        }

        fn take(&self, mail: Handed) -> BoxFuture<'_, Vec<Verdict>> {
            Box::pin(async move {
                let verdicts = mail.to.iter().map(|to| match to.starts_with("later") {
                    true => Verdict::Later("not now".to_owned()),
                    false => Verdict::Taken,
                });
                let verdicts = verdicts.collect();
                self.mails.lock().expect("not poisoned").push(mail);
                verdicts
            })
        }
    }

    /// Says everything at once, as rude clients do, and hears what is answered.
    async fn talk(protocol: Protocol, said: &str) -> (Vec<String>, Vec<Handed>) {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let options =
            Options { protocol, max_bytes: 1_000, patience: Duration::from_secs(5), ..Options::default() };
        let room = Room::default();
        let (mut reader, mut writer) = tokio::io::split(ours);
        let said = said.as_bytes().to_vec();
        let client = async {
            let mut lines = BufReader::new(&mut reader).lines();
            let mut heard = Vec::new();
            // One command after the other, and the mail only when it is asked for.
            let mut steps = said.split(|byte| *byte == 0x1f);
            while let Ok(Some(line)) = lines.next_line().await {
                let is_last = line.as_bytes().get(3) == Some(&b' ');
                heard.push(line);
                if is_last
                    && let Some(step) = steps.next()
                    && writer.write_all(step).await.is_err()
                {
                    break;
                }
            }
            heard
        };
        let (ended, heard) = tokio::join!(converse(theirs, &options, &room), client);
        ended.expect("it ends in order");
        let mails = room.mails.lock().expect("not poisoned").clone();
        (heard, mails)
    }

    #[tokio::test]
    async fn a_mail_is_taken_by_both_protocols() {
        let dialogue = |hello: &str| {
            format!(
                "{hello} client\r\n\u{1f}MAIL FROM:<ann@x.example>\r\n\u{1f}RCPT TO:<help@shop.example>\r\n\u{1f}DATA\r\n\u{1f}\
                 Subject: x\r\n\r\n..a dot\r\nb\n.\nc\r\n.\r\n\u{1f}QUIT\r\n"
            )
        };
        for (protocol, hello) in [(Protocol::Smtp, "EHLO"), (Protocol::Lmtp, "LHLO")] {
            let (heard, mails) = talk(protocol, &dialogue(hello)).await;
            let [mail] = mails.as_slice() else { panic!("{heard:?}") };
            assert_eq!(
                (mail.from.as_str(), mail.to.as_slice()),
                ("ann@x.example", ["help@shop.example".to_owned()].as_slice())
            );
            // A bare line feed ends no mail.
            assert_eq!(&mail.raw[..], b"Subject: x\r\n\r\n.a dot\r\nb\n.\nc\r\n");
            assert!(heard.last().is_some_and(|line| line.starts_with("221")), "{heard:?}");
        }
        let (heard, mails) = talk(Protocol::Smtp, &dialogue("LHLO")).await;
        assert!(mails.is_empty() && heard[1].starts_with("500"), "{heard:?}");
    }

    #[tokio::test]
    async fn each_recipient_has_an_answer_and_unknown_ones_are_refused_in_one_line() {
        let said = "LHLO c\r\n\u{1f}MAIL FROM:<>\r\n\u{1f}RCPT TO:<help@shop.example>\r\n\u{1f}RCPT TO:<who@x.example>\r\n\u{1f}\
                    RCPT TO:<later@shop.example>\r\n\u{1f}DATA\r\n\u{1f}Subject: x\r\n\r\nx\r\n.\r\n";
        let quit = format!("{said}\u{1f}\u{1f}QUIT\r\n");
        let (heard, mails) = talk(Protocol::Lmtp, &quit).await;
        let codes: Vec<&str> = heard.iter().map(|line| &line[..3]).collect();
        assert!(codes.ends_with(&["354", "250", "451", "221"]), "{heard:?}");
        assert!(codes.contains(&"550") && !heard.iter().any(|line| line == "250 injected"), "{heard:?}");
        assert_eq!((mails.len(), mails[0].from.as_str(), mails[0].to.len()), (1, "", 2));
    }

    #[tokio::test]
    async fn what_is_too_long_or_out_of_order_is_refused() {
        let long = "x".repeat(2_000);
        let said = format!(
            "DATA\r\n\u{1f}EHLO c\r\n\u{1f}RCPT TO:<help@shop.example>\r\n\u{1f}MAIL FROM:<a@x.example> SIZE=5000\r\n\u{1f}\
             MAIL FROM:<a@x.example>\r\n\u{1f}RCPT TO:<help@shop.example>\r\n\u{1f}DATA\r\n\u{1f}{long}\r\n.\r\n\u{1f}BLAH\r\n\u{1f}QUIT\r\n"
        );
        let (heard, mails) = talk(Protocol::Smtp, &said).await;
        assert!(mails.is_empty());
        let codes: Vec<&str> =
            heard.iter().filter(|line| line.as_bytes()[3] == b' ').map(|line| &line[..3]).collect();
        assert_eq!(
            codes,
            ["220", "503", "250", "503", "552", "250", "250", "354", "554", "500", "221"],
            "{heard:?}"
        );
    }

    /// Says a byte a second, until nobody listens, and hears the last line that is answered. The clock stands still but for what
    /// is waited for.
    async fn drip(begun: &str, slow: &str) -> String {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let options = Options { max_bytes: 1_000_000, ..Options::default() };
        let (reader, mut writer) = tokio::io::split(ours);
        let mut lines = BufReader::new(reader).lines();
        let room = Room::default();
        let client = async {
            for step in begun.split_inclusive("\r\n") {
                while lines
                    .next_line()
                    .await
                    .expect("an answer")
                    .is_some_and(|line| line.as_bytes()[3] == b'-')
                {}
                writer.write_all(step.as_bytes()).await.expect("said");
            }
            let dripping = async {
                for byte in slow.as_bytes().iter().cycle() {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    if writer.write_all(&[*byte]).await.is_err() {
                        break;
                    }
                }
                // Whoever hears the end says so.
                std::future::pending::<()>().await;
            };
            let hearing = async {
                let mut last = String::new();
                while let Ok(Some(line)) = lines.next_line().await {
                    last = line;
                }
                last
            };
            tokio::select! {
                () = dripping => "it was not sent away".to_owned(),
                last = hearing => last,
            }
        };
        let (ended, last) = tokio::join!(converse(theirs, &options, &room), client);
        ended.expect("it ends in order");
        last
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_says_a_byte_a_second_gives_its_place_back() {
        let begun = "EHLO c\r\nMAIL FROM:<ann@x.example>\r\nRCPT TO:<help@shop.example>\r\nDATA\r\n";
        assert_eq!(drip("", "x").await, "421 4.4.2 your command took too long");
        assert_eq!(drip("EHLO c\r\n", "x").await, "421 4.4.2 your command took too long");
        assert_eq!(drip(begun, "x").await, "421 4.4.2 your mail took too long");
        // It says a whole command each time, and never a mail.
        assert_eq!(drip("EHLO c\r\n", "NOOP\r\n").await, "421 4.7.0 too many commands without a mail");
    }

    #[tokio::test]
    async fn one_address_cannot_hold_all_places() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        let options = Options { connections: 2, of_one_address: 1, ..Options::default() };
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(serve(listener, options, Arc::new(Room::default()), async move {
            let _ = stopped.await;
        }));
        let greeted = async || {
            let stream = tokio::net::TcpStream::connect(address).await.expect("connected");
            let mut lines = BufReader::new(stream).lines();
            let line = lines.next_line().await.expect("readable").expect("a greeting");
            (lines, line)
        };
        let (first, line) = greeted().await;
        assert!(line.starts_with("220"), "{line}");
        for _ in 0..5 {
            let (mut sent_away, line) = greeted().await;
            assert!(line.starts_with("421 4.7.0"), "{line}");
            assert_eq!(sent_away.next_line().await.expect("readable"), None, "it is over");
        }
        drop(first);
        // Its place is free as soon as the server has seen that it is gone.
        while !greeted().await.1.starts_with("220") {}
        drop(stop);
        serving.await.expect("it ends");
    }
}
