//! Writes mails as the desk sends them into a folder, for other programs to read: `mail-samples FOLDER`. A `rsa.pem` and
//! an `ed25519.b64` in the folder are the keys that sign. What each should say stands beside it as JSON.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context, ensure};
use bytes::Bytes;
use serde_json::json;
use upstreams::Outgoing;
use upstreams::mail::compose::{self, Dkim, File, Letter, Person};
use upstreams::outgoing::Inside;

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

fn main() -> ExitCode {
    match write() {
        Ok(count) => {
            println!("figure: mail_samples {count} mails");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("mail-samples: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn write() -> anyhow::Result<usize> {
    let folder = PathBuf::from(std::env::args().nth(1).context("usage: mail-samples FOLDER")?);
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
                let name = format!("{text_number}-{subject_number}-{key_number}");
                let message_id = format!("sample-{name}@shop.example");
                let letter = Letter {
                    from: Person { address: "help@shop.example", name: Some("L\u{e4}mp \"Shop\", GmbH") },
                    to: Person { address: "ann@x.example", name: Some("Zo\u{eb}") },
                    subject,
                    message_id: &message_id,
                    in_reply_to: Some("reference-29.29@x.example"),
                    references: &references,
                    auto_submitted: has_file.then_some("auto-replied"),
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
                    "from_name": "L\u{e4}mp \"Shop\", GmbH", "subject": subject.replace("\r\n", " "),
                });
                std::fs::write(folder.join(format!("{name}.json")), expected.to_string())?;
                count += 1;
            }
        }
    }
    Ok(count)
}
