//! Who wrote a message: people by name and address, and which side they are on. A template that does not say whether an
//! agent wrote says it by other means, most of the time.

use database::address::compared;

use super::fields::{Object, Plain, is_one_placeholder, plain};
use super::message::Around;
use super::remarks::Remarks;

/// Fields of a message that are true for an agent's, or have the name of a side.
const FLAGS: [&str; 5] = ["from_agent", "fromAgent", "is_from_agent", "is_agent", "isAgent"];
/// Fields that may have the name of a side.
const SIDES: [&str; 8] =
    ["author_type", "authorType", "sender_type", "senderType", "direction", "message_type", "role", "type"];
const PERSON: &[&str] = &["name", "email", "address"];
const OF_PERSON: &[&str] = &["is_agent", "isAgent", "type", "role"];
/// What a writer may be called a machine in.
const WRITER: &[&str] = &["name", "type", "role"];

/// Names of what writes without a person, in small letters and without marks.
const MACHINES: [&str; 14] = [
    "rule",
    "rules",
    "automation",
    "automations",
    "automated",
    "automatic",
    "autoresponder",
    "autoresponse",
    "autoreply",
    "autoreplied",
    "workflow",
    "bot",
    "chatbot",
    "gorgiasbot",
];

const MISSING: &str = "is missing; the message was read as the customer's";
const BY_ADDRESS: &str = "is missing; the message was read as an agent's by its addresses";

/// The people whom a message names.
#[derive(Default)]
pub(super) struct People {
    /// The sender's name.
    pub(super) name: Option<String>,
    /// The sender's address.
    pub(super) address: Option<String>,
    /// To whom it was sent, as far as it is one.
    pub(super) receivers: Vec<String>,
}

/// Who wrote to whom. `source` has them too.
pub(super) fn read_people(
    message: &Object<'_>,
    source: Option<&Object<'_>>,
    remarks: &mut Remarks,
) -> People {
    let sender = read_person(message, "sender", remarks);
    let from = source.map(|source| read_person(source, "from", remarks)).unwrap_or_default();
    // Nothing depends on them but who is who, so nothing is said of what they are instead.
    let mut ignored = Remarks::default();
    let to = source.map(|source| read_person(source, "to", &mut ignored)).unwrap_or_default();
    let receivers = [read_person(message, "receiver", &mut ignored).1, to.1];
    People {
        name: sender.0.or(from.0),
        address: sender.1.or(from.1),
        receivers: receivers.into_iter().flatten().collect(),
    }
}

/// Whether an agent wrote it. What is only guessed is told.
pub(super) fn is_by_agent(
    message: &Object<'_>,
    people: &People,
    around: &Around,
    has_text: bool,
    remarks: &mut Remarks,
) -> bool {
    for name in FLAGS {
        if let Some(told) = side_at(message, name).or_else(|| message.flag(name, remarks)) {
            return told;
        }
    }
    if let Some(told) = SIDES.iter().find_map(|name| side_at(message, name)) {
        return told;
    }
    for field in ["sender", "author"] {
        let person = message.value(field).and_then(|raw| Object::of(message.path(field), raw, OF_PERSON));
        let told = person.and_then(|person| {
            let flag = |name| person.flag(name, &mut Remarks::default());
            let flag = flag("is_agent").or_else(|| flag("isAgent"));
            flag.or_else(|| ["type", "role"].iter().find_map(|name| side_at(&person, name)))
        });
        if let Some(told) = told {
            return told;
        }
    }
    // What a rule sends, the shop sends.
    if is_by_machine(message, None) {
        return true;
    }
    // What was written in the help desk itself.
    if matches!(message.value("via").and_then(plain), Some(Plain::Text(via)) if via.trim().eq_ignore_ascii_case("helpdesk"))
    {
        return true;
    }
    let (sender, customer) = (people.address.as_ref(), around.customer.as_ref());
    if sender.is_some() && sender == customer {
        return false;
    }
    let is_to_customer = customer.is_some_and(|customer| people.receivers.contains(customer));
    let by_agent = sender.is_some() && (is_to_customer || sender == around.assignee.as_ref());
    if has_text {
        remarks.add_once(message.path("from_agent"), if by_agent { BY_ADDRESS } else { MISSING });
    }
    by_agent
}

/// Whether a rule, an automatic answer or a bot wrote what the shop's side is said to have written.
pub(super) fn is_by_machine(message: &Object<'_>, source_type: Option<&str>) -> bool {
    let says = |holder: &Object<'_>, name: &str| match holder.value(name).and_then(plain) {
        Some(Plain::Text(word)) => is_machine(&word),
        _ => false,
    };
    let rule = message.id("rule_id", &mut Remarks::default());
    if rule.is_some_and(|rule| rule.parse::<u64>().is_ok_and(|rule| rule > 0))
        || source_type.is_some_and(is_machine)
        || says(message, "via")
        || says(message, "source")
        || SIDES.iter().any(|name| says(message, name))
    {
        return true;
    }
    ["sender", "author"].iter().any(|field| {
        says(message, field) || {
            let person = message.value(field).and_then(|raw| Object::of(message.path(field), raw, WRITER));
            person.is_some_and(|person| WRITER.iter().any(|name| says(&person, name)))
        }
    })
}

/// Whether a word is the name of what writes without a person: `rule`, `auto-responder`, `bot`.
pub fn is_machine(word: &str) -> bool {
    let letters: String = word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    MACHINES.contains(&letters.as_str())
}

/// Whether a field has the name of the shop's side; none when it has neither's.
fn side_at(holder: &Object<'_>, name: &str) -> Option<bool> {
    let Some(Plain::Text(word)) = holder.value(name).and_then(plain) else { return None };
    match word.trim().to_lowercase().as_str() {
        "agent" | "staff" | "admin" | "operator" | "teammate" | "employee" | "support" | "helpdesk"
        | "outbound" | "outgoing" | "out" => Some(true),
        "customer" | "client" | "visitor" | "contact" | "end_user" | "end-user" | "enduser" | "requester"
        | "shopper" | "inbound" | "incoming" | "in" => Some(false),
        _ => None,
    }
}

/// Name and address of whom a field names, as an object or by the address alone.
fn read_person(holder: &Object<'_>, field: &str, remarks: &mut Remarks) -> (Option<String>, Option<String>) {
    if let Some(address) = address_alone(holder, field, remarks) {
        return (None, Some(address));
    }
    let Some(person) = holder.object(field, PERSON, remarks) else { return (None, None) };
    let email = person.filled("email", 320, remarks).or_else(|| person.filled("address", 320, remarks));
    let email = email.map(|text| address(&text)).filter(|email| email.contains('@'));
    (person.filled("name", 200, remarks), email)
}

/// The address that a template wrote where an object belongs.
pub(super) fn address_alone(holder: &Object<'_>, field: &str, remarks: &mut Remarks) -> Option<String> {
    let Some(Plain::Text(text)) = holder.value(field).and_then(plain) else { return None };
    if text.trim_start().starts_with(['{', '[']) || is_one_placeholder(&text) {
        return None;
    }
    let address = compared(&text)?;
    remarks.add(holder.path(field), "is a text instead of an object; it was read as an address");
    Some(address)
}

/// Whatever a help desk calls an address stays; a link to one, or a name around it, goes.
pub(super) fn address(text: &str) -> String {
    compared(text).unwrap_or_else(|| text.to_lowercase())
}
