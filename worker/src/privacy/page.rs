//! The page of an archive that people read: who it is about, and every ticket with its conversation. Text of persons is
//! escaped, and nothing in it runs.

use chrono::{DateTime, Utc};
use database::personal::Person;
use serde_json::Value;

/// The beginning of the page.
pub fn head(person: &Person, now: DateTime<Utc>) -> Vec<u8> {
    let list = |title: &str, words: &[String]| match words {
        [] => String::new(),
        words => format!("<dt>{title}</dt><dd>{}</dd>", escaped(&words.join(", "))),
    };
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>What is known of you</title>\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <style>body{{font:16px/1.5 sans-serif;max-width:50em;margin:2em auto}}article{{border-top:1px solid;padding:1em 0}}\
         pre{{white-space:pre-wrap;font:inherit;margin:0 0 1em}}.meta{{color:#555;font-size:.9em}}</style></head><body>\
         <h1>What is known of you</h1><p class=\"meta\">As of {}. Everything is in <code>data/</code> for programs to read, \
         files are in <code>files/</code>, mails as they came in <code>mails/</code>.</p><dl>{}{}{}{}</dl><h2>Conversations</h2>\n",
        now.format("%Y-%m-%d %H:%M UTC"),
        list("Names", &person.names),
        list("Addresses", &person.emails),
        list("Numbers", &person.phones),
        list("Customer ids", &person.customers),
    )
    .into_bytes()
}

/// Tickets with their messages, oldest first.
pub fn tickets(tickets: &[Value], messages: &[Value], files: &[Value]) -> Vec<u8> {
    let mut page = String::new();
    let mut tickets: Vec<&Value> = tickets.iter().collect();
    tickets.sort_by_key(|ticket| text(&ticket["created_at"]));
    for ticket in tickets {
        page.push_str(&format!(
            "<article><h3>#{} {}</h3><p class=\"meta\">{} &middot; {} &middot; {}</p>\n",
            ticket["number"],
            escaped(&text(&ticket["subject"])),
            escaped(&text(&ticket["created_at"])),
            escaped(&text(&ticket["channel"])),
            escaped(&text(&ticket["status"])),
        ));
        let mut own: Vec<&Value> =
            messages.iter().filter(|message| message["ticket_id"] == ticket["id"]).collect();
        own.sort_by_key(|message| text(&message["sent_at"]));
        for message in own {
            let who = match (&message["internal"], &message["from_agent"]) {
                (Value::Bool(true), _) => "note of the shop",
                (_, Value::Bool(true)) => "the shop",
                _ => "you",
            };
            page.push_str(&format!(
                "<p class=\"meta\">{}, {who}</p><pre>{}</pre>\n",
                escaped(&text(&message["sent_at"])),
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

    use super::*;

    #[test]
    fn what_people_wrote_is_text_in_the_page() {
        let ticket = json!({"id": "t", "number": 7, "subject": "<b>", "created_at": "2026", "channel": "email", "status": "open"});
        let message = json!({"ticket_id": "t", "sent_at": "2026", "internal": false, "from_agent": false,
            "body_text": "<script>alert('x')</script>"});
        let page = String::from_utf8(tickets(&[ticket], &[message], &[])).expect("text");
        assert!(page.contains("#7 &lt;b&gt;") && page.contains("&lt;script&gt;alert(&#39;x&#39;)"), "{page}");
        assert!(!page.contains("<script>"));
    }
}
