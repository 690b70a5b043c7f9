//! Every event that other systems may be told of: its name, version and fields. What is served, documented and checked
//! in tests is made of this one list. A field that is added keeps an event's version; one that goes or means something
//! else is a new version, and so is said a release before.
//!
//! Events hold ids, numbers, times and words of fixed lists. Whoever wants the text of a message reads it with a key.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventKind {
    /// Its name, `AREA.WHAT_HAPPENED`.
    pub name: &'static str,
    /// The version of its fields.
    pub version: u16,
    /// When it is told.
    pub description: &'static str,
    /// What it holds.
    pub fields: &'static [Field],
}

/// A field of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What values it has.
    pub form: Form,
    /// Whether it may be null.
    pub nullable: bool,
    /// What it says.
    pub description: &'static str,
}

/// What values a field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One of ours.
    Uuid,
    /// An id of the shop's, or a word.
    Text,
    /// An amount of money as a decimal.
    Amount,
    /// A whole number.
    Integer,
    /// A time as in RFC 3339.
    Time,
    /// Yes or no.
    Boolean,
    /// Names of fields.
    Names,
    /// One of these.
    Word(&'static [&'static str]),
}

const fn field(name: &'static str, form: Form, description: &'static str) -> Field {
    Field { name, form, nullable: false, description }
}

const fn maybe(name: &'static str, form: Form, description: &'static str) -> Field {
    Field { name, form, nullable: true, description }
}

const STATUSES: &[&str] = &["open", "pending", "resolved", "closed"];
const PRIORITIES: &[&str] = &["low", "normal", "high", "urgent"];
const BANDS: &[&str] = &["low", "medium", "high", "critical"];

const TICKET: Field = field("ticket_id", Form::Uuid, "the ticket, as in GET /api/tickets/{id}");
const MESSAGE: Field = field("message_id", Form::Uuid, "the message");
const VERSION: Field = field("version", Form::Integer, "grows with each change of the ticket");
const STATUS: Field = field("status", Form::Word(STATUSES), "how it stands");
const PRIORITY: Field = field("priority", Form::Word(PRIORITIES), "how urgent it is");
const CUSTOMER: Field = field("customer_id", Form::Text, "the shop's own id of the customer");
const CLOCK: [Field; 4] = [
    TICKET,
    field("number", Form::Integer, "the number of the ticket for people"),
    field("clock", Form::Text, "first_response, next_response, resolution or first_resolution"),
    field("due_at", Form::Time, "when the time is over"),
];
const OF_MESSAGE: [Field; 4] = [
    TICKET,
    MESSAGE,
    field("channel", Form::Text, "through what, such as email"),
    field("by_machine", Form::Boolean, "whether a machine wrote it, such as a notice of absence"),
];
const OF_SEGMENT: [Field; 3] = [
    field("segment_id", Form::Uuid, "the segment, as in GET /api/segments/{id}"),
    CUSTOMER,
    field("evaluation_id", Form::Uuid, "the evaluation that found it"),
];
const OF_ENDPOINT: [Field; 2] = [
    field("endpoint_id", Form::Uuid, "the endpoint, as in GET /api/outbound/endpoints/{id}"),
    field("reason", Form::Word(&["failing", "gone", "by_owner"]), "why"),
];

/// Every kind, by name.
pub const EVENTS: &[EventKind] = &[
    EventKind {
        name: "assignment.changed",
        version: 1,
        description: "A ticket is somebody else's, nobody's, or was accepted.",
        fields: &[TICKET, maybe("assignee_id", Form::Uuid, "whose it is now"), VERSION],
    },
    EventKind {
        name: "customer.archetype_changed",
        version: 1,
        description: "A customer behaves like other customers than before.",
        fields: &[
            CUSTOMER,
            field("run_id", Form::Uuid, "the run that found it"),
            maybe("from", Form::Text, "the archetype before, 32 hexadecimal digits"),
            maybe("to", Form::Text, "the archetype now"),
            maybe("to_name", Form::Text, "its name"),
        ],
    },
    EventKind {
        name: "customer.erased",
        version: 1,
        description: "A customer was erased at their request. Nothing in it names them.",
        fields: &[
            field(
                "customer_id",
                Form::Text,
                "what stands for them from now on, in events that were not delivered yet too",
            ),
            maybe(
                "anonymous_id",
                Form::Text,
                "the anonymised id that answers of the desk's tools named them by",
            ),
            field("request_id", Form::Uuid, "the request, as in GET /api/privacy/requests/{id}"),
            field("erased_at", Form::Time, "when it was done"),
        ],
    },
    EventKind {
        name: "customer.profile_changed",
        version: 1,
        description: "What a customer has bought is another sum than before.",
        fields: &[
            CUSTOMER,
            field("orders", Form::Integer, "orders that count"),
            field("spend", Form::Amount, "net of returns"),
            field("currency", Form::Text, "ISO 4217 code"),
            maybe("last_order_at", Form::Time, "when the newest order was made"),
        ],
    },
    EventKind {
        name: "customer.risk_band_changed",
        version: 1,
        description: "A customer is more or less likely to leave than before.",
        fields: &[
            CUSTOMER,
            field("run_id", Form::Uuid, "the run that found it"),
            maybe("from", Form::Word(BANDS), "the band before"),
            maybe("to", Form::Word(BANDS), "the band now"),
        ],
    },
    EventKind {
        name: "endpoint.disabled",
        version: 1,
        description: "An endpoint gets nothing any more: it answered 410, or its owner ended it.",
        fields: &OF_ENDPOINT,
    },
    EventKind {
        name: "endpoint.paused",
        version: 1,
        description: "An endpoint gets nothing until somebody resumes it, because it keeps failing.",
        fields: &OF_ENDPOINT,
    },
    EventKind {
        name: "import.finished",
        version: 1,
        description: "An import of orders is over.",
        fields: &[
            field("import_id", Form::Uuid, "the import"),
            field("state", Form::Word(&["done", "cancelled", "failed", "undone"]), "how it ended"),
            field("lines_read", Form::Integer, "lines of the file that were read"),
            field("lines_stored", Form::Integer, "lines that are stored"),
            field("lines_known", Form::Integer, "lines that were stored before"),
            field("lines_rejected", Form::Integer, "lines that were left out"),
            field("orders_stored", Form::Integer, "orders that are new"),
            field("orders_replaced", Form::Integer, "orders that say something else now"),
        ],
    },
    EventKind {
        name: "job.dead",
        version: 1,
        description: "A job failed for good. Not told of the jobs that tell of events.",
        fields: &[
            field("job_id", Form::Uuid, "the job, as in GET /api/jobs/{id}"),
            field("kind", Form::Text, "what it was to do"),
            field("queue", Form::Text, "where it was"),
            field("error_class", Form::Text, "what failed, in a word"),
            field("attempts", Form::Integer, "how often it was tried"),
        ],
    },
    EventKind {
        name: "message.failed",
        version: 1,
        description: "A reply could not be sent.",
        fields: &[TICKET, MESSAGE],
    },
    EventKind {
        name: "message.noted",
        version: 1,
        description: "Somebody left an internal note.",
        fields: &OF_MESSAGE,
    },
    EventKind { name: "message.received", version: 1, description: "A customer wrote.", fields: &OF_MESSAGE },
    EventKind {
        name: "message.sent",
        version: 1,
        description: "A reply went out.",
        fields: &[TICKET, MESSAGE],
    },
    EventKind {
        name: "segment.entered",
        version: 1,
        description: "A customer matches a segment's rule and did not before.",
        fields: &OF_SEGMENT,
    },
    EventKind {
        name: "segment.left",
        version: 1,
        description: "A customer matches a segment's rule no longer.",
        fields: &OF_SEGMENT,
    },
    EventKind {
        name: "sla.at_risk",
        version: 1,
        description: "Four fifths of a promised time are over.",
        fields: &CLOCK,
    },
    EventKind { name: "sla.breached", version: 1, description: "A promised time is over.", fields: &CLOCK },
    EventKind {
        name: "ticket.created",
        version: 1,
        description: "A ticket came.",
        fields: &[
            TICKET,
            VERSION,
            field("number", Form::Integer, "its number for people"),
            STATUS,
            PRIORITY,
            field("channel", Form::Text, "through what it came, such as email"),
        ],
    },
    EventKind {
        name: "ticket.rated",
        version: 1,
        description: "A customer said how a ticket was resolved.",
        fields: &[
            TICKET,
            field("score", Form::Integer, "1 to 5"),
            field("source", Form::Text, "how it came, such as link"),
        ],
    },
    EventKind {
        name: "ticket.status_changed",
        version: 1,
        description: "A ticket stands otherwise than before.",
        fields: &[TICKET, STATUS, VERSION],
    },
    EventKind {
        name: "ticket.updated",
        version: 1,
        description: "Something of a ticket changed: its fields, or the number of its messages.",
        fields: &[
            TICKET,
            VERSION,
            field("changed", Form::Names, "names of what changed"),
            STATUS,
            PRIORITY,
            maybe("assignee_id", Form::Uuid, "whose it is"),
            field("message_count", Form::Integer, "messages that customers see"),
        ],
    },
    EventKind {
        name: "ticket.urgent",
        version: 1,
        description: "A ticket came as urgent, or has become so.",
        fields: &[TICKET, VERSION, STATUS],
    },
    EventKind {
        name: TEST,
        version: 1,
        description: "Asked for by an endpoint's owner to see whether it works; nobody subscribes to it.",
        fields: &[field("endpoint_id", Form::Uuid, "the endpoint")],
    },
];

/// The event that tries an endpoint.
pub const TEST: &str = "webhook.test";

/// The kind of that name.
pub fn find(name: &str) -> Option<&'static EventKind> {
    EVENTS.iter().find(|kind| kind.name == name)
}

/// Whether a text subscribes to something: a kind by name, an area as `ticket.*`, or everything as `*`.
pub fn is_pattern(text: &str) -> bool {
    if text == "*" {
        return true;
    }
    match text.strip_suffix(".*") {
        Some(area) => EVENTS.iter().any(|kind| area_of(kind.name) == area && kind.name != TEST),
        None => text != TEST && find(text).is_some(),
    }
}

/// Everything that [`is_pattern`] takes, for refusals.
pub fn patterns() -> Vec<String> {
    let mut all = vec!["*".to_owned()];
    for kind in EVENTS.iter().filter(|kind| kind.name != TEST) {
        let area = format!("{}.*", area_of(kind.name));
        if !all.contains(&area) {
            all.push(area);
        }
        all.push(kind.name.to_owned());
    }
    all
}

fn area_of(name: &str) -> &str {
    name.split('.').next().unwrap_or_default()
}

/// What is sent of an event: the same bytes whenever it is made.
pub fn body(name: &str, at: DateTime<Utc>, data: &Value) -> Vec<u8> {
    let version = find(name).map_or(1, |kind| kind.version);
    let timestamp = at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let body = json!({ "type": name, "version": version, "timestamp": timestamp, "data": data });
    serde_json::to_vec(&body).expect("an event is plain data")
}

impl EventKind {
    /// JSON Schema (draft 2020-12) of what is sent.
    pub fn schema(&self) -> Value {
        let fields: Map<String, Value> =
            self.fields.iter().map(|field| (field.name.to_owned(), field.schema())).collect();
        let names: Vec<&str> = self.fields.iter().map(|field| field.name).collect();
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.name,
            "description": self.description,
            "type": "object",
            "required": ["type", "version", "timestamp", "data"],
            "properties": {
                "type": { "const": self.name },
                "version": { "const": self.version },
                "timestamp": { "type": "string", "format": "date-time" },
                "data": { "type": "object", "required": names, "properties": fields },
            },
        })
    }

    /// An event of the kind, made up.
    pub fn example(&self) -> Value {
        let data: Map<String, Value> =
            self.fields.iter().map(|field| (field.name.to_owned(), field.example())).collect();
        Value::Object(data)
    }

    /// What of `data` is not as the fields say: for tests of what is really told.
    pub fn misfit(&self, data: &Value) -> Option<String> {
        let Some(data) = data.as_object() else { return Some("it is no object".to_owned()) };
        for field in self.fields {
            match data.get(field.name) {
                None => return Some(format!("{} is missing", field.name)),
                Some(Value::Null) if field.nullable => {}
                Some(value) if field.form.fits(value) => {}
                Some(value) => return Some(format!("{} is {value}", field.name)),
            }
        }
        let known = |name: &String| self.fields.iter().any(|field| field.name == name);
        data.keys().find(|name| !known(name)).map(|name| format!("{name} is not in the catalogue"))
    }
}

impl Field {
    fn schema(&self) -> Value {
        let mut schema = self.form.schema();
        if self.nullable {
            match schema.get("enum").cloned() {
                Some(Value::Array(mut words)) => {
                    words.push(Value::Null);
                    schema = json!({ "enum": words });
                }
                _ => schema["type"] = json!([schema["type"], "null"]),
            }
        }
        schema["description"] = self.description.into();
        schema
    }

    fn example(&self) -> Value {
        match self.form {
            Form::Uuid => json!("0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81"),
            Form::Text => json!("text"),
            Form::Amount => json!("129.90"),
            Form::Integer => json!(1),
            Form::Time => json!("2026-11-28T12:00:00Z"),
            Form::Boolean => json!(false),
            Form::Names => json!(["status"]),
            Form::Word(words) => json!(words[0]),
        }
    }
}

impl Form {
    fn schema(self) -> Value {
        match self {
            Form::Uuid => json!({ "type": "string", "format": "uuid" }),
            Form::Text => json!({ "type": "string" }),
            Form::Amount => json!({ "type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?$" }),
            Form::Integer => json!({ "type": "integer" }),
            Form::Time => json!({ "type": "string", "format": "date-time" }),
            Form::Boolean => json!({ "type": "boolean" }),
            Form::Names => json!({ "type": "array", "items": { "type": "string" } }),
            Form::Word(words) => json!({ "enum": words }),
        }
    }

    fn fits(self, value: &Value) -> bool {
        match self {
            Form::Uuid => value.as_str().is_some_and(|text| text.parse::<uuid::Uuid>().is_ok()),
            Form::Text => value.is_string(),
            Form::Amount => value.as_str().is_some_and(|text| text.parse::<f64>().is_ok()),
            Form::Integer => value.is_i64(),
            Form::Time => value.as_str().is_some_and(|text| DateTime::parse_from_rfc3339(text).is_ok()),
            Form::Boolean => value.is_boolean(),
            Form::Names => value.as_array().is_some_and(|names| names.iter().all(Value::is_string)),
            Form::Word(words) => value.as_str().is_some_and(|text| words.contains(&text)),
        }
    }

    fn words(self) -> String {
        match self {
            Form::Uuid => "UUID".to_owned(),
            Form::Text => "text".to_owned(),
            Form::Amount => "decimal as text".to_owned(),
            Form::Integer => "whole number".to_owned(),
            Form::Time => "time".to_owned(),
            Form::Boolean => "true or false".to_owned(),
            Form::Names => "list of names".to_owned(),
            Form::Word(words) => words.join(", "),
        }
    }
}

/// The catalogue as a document in Markdown, the second half of `docs/webhooks.md`.
pub fn document() -> String {
    let mut text = String::new();
    for kind in EVENTS {
        let _ = write!(text, "### `{}`, version {}\n\n{}\n\n", kind.name, kind.version, kind.description);
        text.push_str("| Field | Value | Meaning |\n| --- | --- | --- |\n");
        for field in kind.fields {
            let null = if field.nullable { ", or null" } else { "" };
            let _ =
                writeln!(text, "| `{}` | {}{null} | {} |", field.name, field.form.words(), field.description);
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_named_once_and_fits_its_own_example() {
        assert!(EVENTS.is_sorted_by(|a, b| a.name < b.name), "by name");
        for kind in EVENTS {
            assert_eq!(kind.misfit(&kind.example()), None, "{}", kind.name);
            assert_eq!(find(kind.name), Some(kind));
            assert_eq!(is_pattern(kind.name), kind.name != TEST);
        }
        for text in patterns() {
            assert!(is_pattern(&text), "{text}");
        }
        for bad in ["", "ticket", "ticket.", "ticket.*.*", "*.*", "ticket.eaten", TEST, "webhook.*"] {
            assert!(!is_pattern(bad), "{bad}");
        }
    }

    #[test]
    fn the_same_event_has_the_same_bytes() {
        let at = DateTime::from_timestamp(1_700_000_000, 123_000).expect("a time");
        let sent = body("ticket.urgent", at, &json!({ "version": 2, "ticket_id": "x" }));
        let again = body(
            "ticket.urgent",
            at,
            &serde_json::from_str(r#"{"ticket_id":"x","version":2}"#).expect("JSON"),
        );
        assert_eq!(sent, again);
        let text = String::from_utf8(sent).expect("UTF-8");
        assert!(text.contains(r#""timestamp":"2023-11-14T22:13:20.000123Z""#), "{text}");
    }
}
