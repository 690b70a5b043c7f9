//! The page of an archive that people read: who it is about, and every ticket with its conversation, in the person's language.
//! Text of persons is escaped, and nothing in it runs.

use chrono::{DateTime, Utc};
use database::personal::Person;
use serde_json::Value;
use support::customer_words::Words;
use support::tickets::state::Status;

/// The beginning of the page.
pub fn head(person: &Person, words: &Words, now: DateTime<Utc>) -> Vec<u8> {
    let own = &words.archive;
    let list = |title: &str, words: &[String]| match words {
        [] => String::new(),
        words => format!("<dt>{title}</dt><dd>{}</dd>", escaped(&words.join(", "))),
    };
    format!(
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <style>body{{font:16px/1.5 sans-serif;max-width:50em;margin:2em auto}}article{{border-top:1px solid;padding:1em 0}}\
         pre{{white-space:pre-wrap;font:inherit;margin:0 0 1em}}.meta{{color:#555;font-size:.9em}}</style></head><body>\
         <h1>{title}</h1><p class=\"meta\">{} {}</p><dl>{}{}{}{}</dl><h2>{}</h2>\n",
        words.code,
        (own.as_of)(&words.time(now)),
        (own.contents)(["<code>data/</code>", "<code>files/</code>", "<code>mails/</code>"]),
        list(own.names, &person.names),
        list(own.addresses, &person.emails),
        list(own.numbers, &person.phones),
        list(own.customer_ids, &person.customers),
        own.conversations,
        title = own.title,
    )
    .into_bytes()
}

/// Tickets with their messages, oldest first.
pub fn tickets(words: &Words, tickets: &[Value], messages: &[Value], files: &[Value]) -> Vec<u8> {
    let own = &words.archive;
    let mut page = String::new();
    let mut tickets: Vec<&Value> = tickets.iter().collect();
    tickets.sort_by_key(|ticket| text(&ticket["created_at"]));
    for ticket in tickets {
        page.push_str(&format!(
            "<article><h3>#{} {}</h3><p class=\"meta\">{} &middot; {} &middot; {}</p>\n",
            ticket["number"],
            escaped(&text(&ticket["subject"])),
            escaped(&time(words, &ticket["created_at"])),
            escaped(&text(&ticket["channel"])),
            escaped(&status(words, &ticket["status"])),
        ));
        let mut of_ticket: Vec<&Value> =
            messages.iter().filter(|message| message["ticket_id"] == ticket["id"]).collect();
        of_ticket.sort_by_key(|message| text(&message["sent_at"]));
        for message in of_ticket {
            let who = match (&message["internal"], &message["from_agent"]) {
                (Value::Bool(true), _) => own.note,
                (_, Value::Bool(true)) => own.shop,
                _ => own.you,
            };
            page.push_str(&format!(
                "<p class=\"meta\">{}, {who}</p><pre>{}</pre>\n",
                escaped(&time(words, &message["sent_at"])),
                escaped(&text(&message["body_text"])),
            ));
        }
        for file in files.iter().filter(|file| file["ticket_id"] == ticket["id"]) {
            let path = escaped(&file_path(file));
            page.push_str(&format!("<p><a href=\"{path}\">{path}</a></p>\n"));
        }
        page.push_str("</article>\n");
    }
    page.into_bytes()
}

/// The end of it.
pub fn foot() -> Vec<u8> {
    b"</body></html>\n".to_vec()
}

/// Where a file lies in the archive. Its name was made harmless when it came.
pub fn file_path(file: &Value) -> String {
    format!("files/{}-{}", text(&file["id"]), text(&file["name"]).replace(['/', '\\'], "_"))
}

/// A time as the language writes it; what is none, as it stands.
fn time(words: &Words, value: &Value) -> String {
    let text = text(value);
    text.parse::<DateTime<Utc>>().map(|at| words.time(at)).unwrap_or(text)
}

/// Where a ticket stands; what is no status of ours, as it stands.
fn status(words: &Words, value: &Value) -> String {
    let text = text(value);
    Status::parse(&text).map(|status| words.own.status(status).to_owned()).unwrap_or(text)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use support::customer_words::{self, ENGLISH};

    use super::*;

    #[test]
    fn what_people_wrote_is_text_in_the_page() {
        let ticket = json!({"id": "t", "number": 7, "subject": "<b>", "created_at": "2026", "channel": "email", "status": "open"});
        let message = json!({"ticket_id": "t", "sent_at": "2026", "internal": false, "from_agent": false,
            "body_text": "<script>alert('x')</script>"});
        let page = String::from_utf8(tickets(&ENGLISH, &[ticket], &[message], &[])).expect("text");
        assert!(page.contains("#7 &lt;b&gt;") && page.contains("&lt;script&gt;alert(&#39;x&#39;)"), "{page}");
        assert!(!page.contains("<script>"));
    }

    #[test]
    fn the_page_is_in_the_person_s_language() {
        let german = customer_words::of("de").expect("German");
        let person = Person { emails: vec!["ann&@x.example".into()], ..Person::default() };
        let head = String::from_utf8(head(&person, german, DateTime::UNIX_EPOCH)).expect("text");
        for shown in [
            "<html lang=\"de\">",
            "<h1>Was über Sie bekannt ist</h1>",
            "Stand: 01.01.1970, 00:00 UTC.",
            "<code>files/</code>",
            "<dt>E-Mail-Adressen</dt><dd>ann&amp;@x.example</dd>",
        ] {
            assert!(head.contains(shown), "{shown}: {head}");
        }
        let ticket = json!({"id": "t", "number": 7, "subject": "x", "created_at": "2026-03-01T14:05:00+00:00",
            "channel": "email", "status": "resolved"});
        let said = |internal, from_agent| {
            json!({"ticket_id": "t", "sent_at": "2026-03-01T14:05:00.123+00:00", "internal": internal,
                "from_agent": from_agent, "body_text": "x"})
        };
        let messages = [said(false, false), said(false, true), said(true, true)];
        let page = String::from_utf8(tickets(german, &[ticket], &messages, &[])).expect("text");
        for shown in [
            "01.03.2026, 14:05 UTC &middot; email &middot; gelöst",
            "01.03.2026, 14:05 UTC, Sie<",
            ", der Shop<",
            ", Notiz des Shops<",
        ] {
            assert!(page.contains(shown), "{shown}: {page}");
        }
    }
}
