//! Writes mails as the desk sends them into a folder, for other programs to read: `mail-samples FOLDER`. A `rsa.pem` and
//! an `ed25519.b64` in the folder are the keys that sign. What each should say stands beside it as JSON.
//!
//! `mail-samples send PLAN` sends one to each mail server of a plan on this machine, and prints what became of each.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use upstreams::mail::compose::{self, Dkim, File, Letter, Person};
use upstreams::mail::{Account, Post, Security, SendError};
use upstreams::outgoing::Inside;
use upstreams::{Breakers, Destinations, Outgoing, Subject};

const TEXTS: [&str; 6] = [
    "Hello Ann,\n\nyour lamp left us on Monday.\n\nKind regards",
    "Gr\u{fc}\u{df}e aus K\u{f6}ln, \u{65e5}\u{672c} und \u{1f4a5}",
    ".\n..\n.dots at the beginning of lines\n",
    "From here on a line that is very long: LONG",
    "trailing blanks   \nand tabs\t\n\n\n\nand empty lines",
    "=3D is no equals sign, and neither is =",
];

const SUBJECTS: [&str; 3] = [
    "Re: Lamp",
    "Re: Gr\u{fc}\u{df}e \u{1f4a5} und noch viel mehr davon in einer Zeile, die lang ist",
    "Re: a\r\nBcc: b",
];

/// What the desk sends: its name, what it says of whoever wrote it, whether it belongs to a thread.
const KINDS: [(&str, Option<&str>, bool); 5] = [
    ("reply", None, true),
    ("automatic reply", Some("auto-replied"), true),
    ("receipt", Some("auto-replied"), true),
    ("link", Some("auto-generated"), false),
    ("first mail", None, false),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let done = match (arguments.next(), arguments.next()) {
        (Some(word), Some(plan)) if word == "send" => send(Path::new(&plan)),
        (Some(folder), None) => write(Path::new(&folder)),
        _ => Err(anyhow::anyhow!("usage: mail-samples FOLDER, or mail-samples send PLAN")),
    };
    match done {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("mail-samples: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A mail server of a plan.
#[derive(Deserialize)]
struct Server {
    name: String,
    port: u16,
    security: String,
    login: Option<(String, String)>,
}

fn send(plan: &Path) -> anyhow::Result<String> {
    boot::install_tls();
    let servers: Vec<Server> = serde_json::from_slice(&std::fs::read(plan).context("the plan")?)?;
    let body = Outgoing::pass(TEXTS[0], "<p>Hello</p>", &Inside { tags: &[], instructions: &[] })?;
    let subject = Subject::repeated("Re: Lamp");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut answers = BTreeMap::new();
    for server in servers {
        let security = match server.security.as_str() {
            "tls" => Security::Tls,
            "starttls" => Security::StartTls,
            other => anyhow::bail!("{other}: tls or starttls"),
        };
        let account =
            Account { host: "localhost".to_owned(), port: server.port, security, login: server.login };
        let letter = Letter {
            from: Person { address: "help@shop.example", name: Some("Shop") },
            to: Person { address: "ann@x.example", name: None },
            subject: &subject,
            message_id: "sent@shop.example",
            in_reply_to: None,
            references: &[],
            auto_submitted: None,
            body: &body,
            files: &[],
            dkim: None,
            at: SystemTime::now(),
        };
        // One way out each, so that no server is left alone for what another one did.
        let post = Post::new(Destinations::PublicOrLoopback, Breakers::default());
        let sent = runtime.block_on(post.send(&account, &letter, Duration::from_secs(20)));
        let answer = match sent {
            Ok(()) => "sent".to_owned(),
            Err(error @ SendError::Later(_)) => format!("later: {error}"),
            Err(error @ SendError::Refused { .. }) => format!("refused: {error}"),
            Err(error) => format!("otherwise: {error}"),
        };
        answers.insert(server.name, answer);
    }
    Ok(serde_json::to_string(&answers)?)
}

fn write(folder: &Path) -> anyhow::Result<String> {
    let key = |name: &str, selector: &str| -> anyhow::Result<Dkim> {
        let key = std::fs::read_to_string(folder.join(name)).with_context(|| format!("the key {name}"))?;
        ensure!(compose::check_key(&key).is_ok(), "{name} is no key that signs");
        Ok(Dkim { domain: "shop.example".to_owned(), selector: selector.to_owned(), key })
    };
    let keys = [None, Some(key("rsa.pem", "rsa")?), Some(key("ed25519.b64", "ed")?)];
    let files = [File {
        name: "L\u{e4}mp \u{2713}.pdf".into(),
        content_type: "application/pdf".into(),
        bytes: Bytes::from_static(b"%PDF\x00\xff\r\n.\r\n"),
    }];
    let references: Vec<String> =
        (0..30).map(|number| format!("reference-{number}.{number}@x.example")).collect();
    let mut count = 0;
    for (text_number, text) in TEXTS.iter().enumerate() {
        let text = text.replace("LONG", &"word ".repeat(400));
        let html = format!("<p>{}</p>", text.replace('<', "&lt;").replace('\n', "<br>"));
        let body = Outgoing::pass(&text, &html, &Inside { tags: &[], instructions: &[] })?;
        for (subject_number, subject) in SUBJECTS.iter().enumerate() {
            for (key_number, dkim) in keys.iter().enumerate() {
                let has_file = (text_number + subject_number) % 2 == 0;
                let (kind, auto_submitted, is_of_thread) =
                    KINDS[(text_number + 2 * subject_number) % KINDS.len()];
                let references = if is_of_thread { &references[..] } else { &[] };
                let name = format!("{text_number}-{subject_number}-{key_number}");
                let message_id = format!("sample-{name}@shop.example");
                let letter = Letter {
                    from: Person { address: "help@shop.example", name: Some("L\u{e4}mp \"Shop\", GmbH") },
                    to: Person { address: "ann@x.example", name: Some("Zo\u{eb}") },
                    subject: &Subject::repeated(subject),
                    message_id: &message_id,
                    in_reply_to: references.last().map(String::as_str),
                    references,
                    auto_submitted,
                    body: &body,
                    files: if has_file { &files } else { &[] },
                    dkim: dkim.as_ref(),
                    at: SystemTime::now(),
                };
                let mail = compose::write(&letter)?.formatted();
                std::fs::write(folder.join(format!("{name}.eml")), mail)?;
                let expected = json!({
                    "text": body.text(), "html": body.html(), "message_id": format!("<{message_id}>"),
                    "references": references.len(), "is_signed": dkim.is_some(), "has_file": has_file,
                    "kind": kind, "auto_submitted": auto_submitted,
                    "from_name": "L\u{e4}mp \"Shop\", GmbH", "subject": subject.replace("\r\n", " "),
                });
                std::fs::write(folder.join(format!("{name}.json")), expected.to_string())?;
                count += 1;
            }
        }
    }
    Ok(format!("figure: mail_samples {count} mails"))
}
