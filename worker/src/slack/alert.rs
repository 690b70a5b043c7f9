//! Events as messages for a channel: one with buttons for its ticket, several as a list.

use std::collections::HashMap;

use database::ids::TenantId;
use database::{DbError, Role, Tx, act_as};
use outbound::slack::alerts::{Message, Waiting};
use outbound::slack::blocks::{Blocks, Button, escaped};
use platform::anonymous_ids::{self, AnonymousId};

use super::Written;
use crate::app::App;

/// How long a ticket sleeps by the button.
pub const SNOOZE_HOURS: i64 = 4;

/// Writes a message (outbound role, in the tenant).
///
/// # Errors
/// The database failed.
pub async fn write(tx: &mut Tx, app: &App, tenant: TenantId, message: &Message) -> Result<Written, DbError> {
    let customer_of = |alert: &Waiting| alert.data["customer_id"].as_str().map(str::to_owned);
    let customers: Vec<String> = message.alerts().iter().filter_map(customer_of).collect();
    act_as(tx, Role::Platform, Some(tenant)).await?;
    let names = anonymous_ids::of_customers(tx, &app.desk.key(tenant), &customers).await?;
    act_as(tx, Role::Outbound, Some(tenant)).await?;
    Ok(render(message, &names, app.public_url.as_deref()))
}

/// The same with the names of customers that are given; who has none is not named.
pub fn render(message: &Message, names: &HashMap<String, AnonymousId>, public_url: Option<&str>) -> Written {
    match message {
        Message::Single(alert) => single(alert, names, public_url),
        Message::Digest(alerts) => digest(alerts, names),
    }
}

fn single(alert: &Waiting, names: &HashMap<String, AnonymousId>, public_url: Option<&str>) -> Written {
    let (title, detail) = words(alert, names);
    let mut blocks = Blocks::default().section(&format!("*{title}*\n{detail}"));
    let ticket = alert.data["ticket_id"].as_str();
    // Buttons stand at the message that begins the talk; what follows is read below it.
    if let (Some(ticket), None) = (ticket, &alert.thread_ts) {
        let url = public_url.map(|base| format!("{base}/desk?ticket={ticket}"));
        let button = |label, action| Button { label, action, value: ticket, url: None };
        let mut buttons = vec![button("Claim", "claim"), button("Snooze for 4 hours", "snooze")];
        if let Some(url) = &url {
            buttons.push(Button { url: Some(url), ..button("Open", "open") });
        }
        blocks = blocks.buttons(&buttons);
    }
    Written { text: format!("{title}: {detail}"), blocks: blocks.finish() }
}

fn digest(alerts: &[Waiting], names: &HashMap<String, AnonymousId>) -> Written {
    let title = format!("{} things happened", alerts.len());
    let mut blocks = Blocks::default().header(&title);
    for alert in alerts {
        let (title, detail) = words(alert, names);
        let at = alert.at.timestamp();
        let fallback = alert.at.format("%Y-%m-%d %H:%M UTC");
        blocks = blocks
            .section(&format!("<!date^{at}^{{date_short_pretty}} {{time}}|{fallback}> *{title}* {detail}"));
    }
    Written { text: title, blocks: blocks.finish() }
}

/// A title and what it is about, in Slack's markup.
fn words(alert: &Waiting, names: &HashMap<String, AnonymousId>) -> (String, String) {
    let data = &alert.data;
    let text = |name: &str| data[name].as_str().map(escaped);
    let ticket = || match (data["number"].as_i64(), text("ticket_id")) {
        (Some(number), _) => format!("ticket #{number}"),
        (None, Some(id)) => format!("ticket `{}`", id.chars().take(8).collect::<String>()),
        (None, None) => "a ticket".to_owned(),
    };
    let customer = || {
        let name = data["customer_id"].as_str().and_then(|id| names.get(id));
        name.map_or_else(|| "a customer".to_owned(), |name| format!("customer `{name}`"))
    };
    let or = |name: &str, otherwise: &str| text(name).unwrap_or_else(|| otherwise.to_owned());
    let (title, detail) = match alert.kind.as_str() {
        "ticket.created" => (
            "A ticket came",
            format!(
                "{}, {} priority, by {}",
                ticket(),
                or("priority", "normal"),
                or("channel", "an unknown way")
            ),
        ),
        "ticket.urgent" => (":rotating_light: A ticket is urgent", ticket()),
        "ticket.updated" => ("A ticket changed", format!("{}, {}", ticket(), or("status", "open"))),
        "ticket.status_changed" => {
            ("A ticket stands otherwise", format!("{} is {}", ticket(), or("status", "open")))
        }
        "ticket.rated" => ("A ticket was rated", format!("{}: {} of 5", ticket(), data["score"])),
        "message.received" => {
            ("A customer wrote", format!("{}, by {}", ticket(), or("channel", "an unknown way")))
        }
        "message.noted" => ("Somebody left a note", ticket()),
        "message.sent" => ("A reply went out", ticket()),
        "message.failed" => (":warning: A reply could not be sent", ticket()),
        "sla.at_risk" => (
            ":hourglass: A promise is at risk",
            format!(
                "{}: {} until {}",
                ticket(),
                or("clock", "a clock").replace('_', " "),
                or("due_at", "soon")
            ),
        ),
        "sla.breached" => (
            ":fire: A promise is broken",
            format!(
                "{}: {} was due {}",
                ticket(),
                or("clock", "a clock").replace('_', " "),
                or("due_at", "before")
            ),
        ),
        "assignment.changed" => ("A ticket has changed hands", ticket()),
        "customer.archetype_changed" => (
            "A customer behaves otherwise",
            format!("{} is now like: {}", customer(), or("to_name", "nobody else")),
        ),
        "customer.risk_band_changed" => (
            "A customer's risk of leaving changed",
            format!("{}: {} before, {} now", customer(), or("from", "unknown"), or("to", "unknown")),
        ),
        "customer.profile_changed" => {
            ("A customer has bought", format!("{}: {} orders", customer(), data["orders"]))
        }
        // The id that it tells stands for nobody any more, so it is of no use in a chat.
        "customer.erased" => ("A customer was erased", "at their request, everywhere".to_owned()),
        "segment.entered" => ("A customer came into a segment", customer()),
        "segment.left" => ("A customer left a segment", customer()),
        "job.dead" => (
            ":warning: A job failed for good",
            format!("`{}`: {}", or("kind", "unknown"), or("error_class", "unknown")),
        ),
        "import.finished" => (
            "An import is over",
            format!(
                "{}: {} lines stored, {} left out",
                or("state", "done"),
                data["lines_stored"],
                data["lines_rejected"]
            ),
        ),
        "webhook.test" => ("This is a test", "alerts of this rule come here".to_owned()),
        "endpoint.paused" => {
            (":warning: A webhook endpoint was paused", "everything sent there has failed".to_owned())
        }
        "endpoint.disabled" => {
            (":warning: A webhook endpoint was disabled", format!("reason: {}", or("reason", "unknown")))
        }
        kind => ("Something happened", escaped(kind)),
    };
    (title.to_owned(), detail)
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use outbound::catalogue;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn alert(kind: &str, data: serde_json::Value) -> Waiting {
        Waiting {
            id: Uuid::nil(),
            rule_id: Uuid::nil(),
            kind: kind.to_owned(),
            subject: "ticket:1".to_owned(),
            data,
            at: Utc::now(),
            thread_ts: None,
        }
    }

    #[test]
    fn every_kind_of_the_catalogue_has_words_of_its_own() {
        for kind in catalogue::EVENTS {
            let (title, _) = words(&alert(kind.name, kind.example()), &HashMap::new());
            assert_ne!(title, "Something happened", "{}", kind.name);
        }
    }

    #[test]
    fn customers_are_named_so_that_nobody_is() {
        let names = HashMap::from([("maya@shop.example".to_owned(), "C-7K3M9Q2A".parse().expect("an id"))]);
        let told =
            single(&alert("segment.entered", json!({ "customer_id": "maya@shop.example" })), &names, None);
        let all = serde_json::to_string(&told.blocks).expect("JSON") + &told.text;
        assert!(all.contains("C-7K3M9Q2A") && !all.contains("maya"), "{all}");
        let unknown = single(
            &alert("segment.left", json!({ "customer_id": "maya@shop.example" })),
            &HashMap::new(),
            None,
        );
        assert!(!unknown.text.contains("maya"));
    }

    #[test]
    fn buttons_stand_at_the_first_message_about_a_ticket() {
        let mut first =
            alert("ticket.urgent", json!({ "ticket_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81" }));
        let told = single(&first, &HashMap::new(), Some("https://desk.example.com"));
        assert_eq!(told.blocks[1]["elements"].as_array().map(Vec::len), Some(3));
        // Where the web app has a ticket.
        let open = "https://desk.example.com/desk?ticket=0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81";
        assert_eq!(told.blocks[1]["elements"][2]["url"], open);
        first.thread_ts = Some("1.2".to_owned());
        assert_eq!(single(&first, &HashMap::new(), None).blocks.len(), 1);
    }
}
