//! What the parameters of queries and paths may be. The door checks queries by it ([`crate::web::parameters`]), so a route
//! states no range of its own. A parameter that is not named here is a text of at most [`MAX_TEXT`] characters, or what its type
//! says. All that an operation takes fits into one address ([`crate::web::door::MAX_ADDRESS_BYTES`]), also when every character
//! is percent-encoded: a character of a text takes twelve bytes then, one of ASCII three.

use platform::analytics::{MAX_ITEMS, segments};
use platform::insights::list::Sort;
use platform::orders::mapping::HEADER_LIMIT;
use platform::risk::RiskBand;
use support::sla::policy::{ClockKind, Priority};
use support::tickets::list::Order;
use support::tickets::search;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{Object, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};

use crate::routes::platform::analytics;
use crate::web::door::{MAX_PART, MAX_VALUE};
use crate::web::page::{MAX_CURSOR, MAX_LIMIT};
use crate::web::parameters::Form;

/// The longest text of a parameter of a query, where nothing else is said, in characters.
const MAX_TEXT: usize = 500;

/// The longest of words that name something, such as a channel or a column's separator, in characters.
const MAX_WORD: usize = 100;

/// The longest list with commas, in characters.
const MAX_LIST: usize = 2_000;

/// Describes a parameter of the operations of a path.
pub(super) fn describe(path: &str, parameter: &mut Parameter) {
    let pattern = pattern(path, parameter);
    let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema else { return };
    if let Some(pattern) = pattern {
        schema.pattern = Some(pattern.to_owned());
    }
    let form = match parameter.parameter_in {
        ParameterIn::Query => of_query(path, &parameter.name).or_else(|| open_text(schema, MAX_TEXT)),
        ParameterIn::Path => of_path(path, &parameter.name).or_else(|| open_text(schema, MAX_PART)),
        ParameterIn::Header | ParameterIn::Cookie | ParameterIn::QueryString => None,
    };
    if let Some(form) = form {
        form.describe(schema);
    }
}

/// What a text must look like, where that is known; its route checks it.
fn pattern(path: &str, parameter: &Parameter) -> Option<&'static str> {
    let is_of_agent = path.starts_with("/api/agents/{id}/");
    match (&*parameter.name, &parameter.parameter_in) {
        ("Idempotency-Key", ParameterIn::Header) => Some(r"^[\x20-\x7E]{1,200}$"),
        ("id", ParameterIn::Path) if is_of_agent => Some(ID_OR_ME),
        ("assignee", ParameterIn::Query) if path == "/api/tickets" => Some(ID_OR_ME),
        _ => None,
    }
}

/// An agent's id, or the caller's own.
const ID_OR_ME: &str = "^(me|[0-9A-Fa-f-]{32,36})$";

/// A text of any length is one of a bounded length.
fn open_text(schema: &Object, most_chars: usize) -> Option<Form> {
    let is_text = schema.schema_type == SchemaType::Type(Type::String);
    (is_text && Form::of(schema).is_none()).then_some(Form::Text(most_chars))
}

fn words(words: impl IntoIterator<Item = &'static str>) -> Form {
    Form::Word(words.into_iter().map(Into::into).collect())
}

fn of_query(path: &str, name: &str) -> Option<Form> {
    let begins = |start: &str| path.starts_with(start);
    let is_for_people = ["/help/", "/my/", "/r/"].into_iter().any(begins);
    Some(match name {
        // Other systems send back what they like: tokens, and why there is none, in people's words.
        "error_description" if path.ends_with("/callback") => Form::Text(1_000),
        "code" if path.ends_with("/callback") => Form::Ascii(4_000),
        "state" if path.ends_with("/callback") => Form::Ascii(2_000),
        "error" | "iss" | "session_state" | "scope" | "shop" | "hmac" if path.ends_with("/callback") => {
            Form::Ascii(1_000)
        }
        // Pages that anybody opens take whatever is in their address.
        "q" if is_for_people => Form::Text(2_000),
        "lang" | "from" if is_for_people => Form::Text(MAX_TEXT),
        "figures" => Form::Ascii(MAX_VALUE),
        "q" if path == "/api/tickets/search" => Form::Text(search::TEXT_LIMIT),
        // Lists with commas.
        "fields" | "topics" => Form::Ascii(MAX_LIST),
        "state" if path == "/api/jobs" => Form::Ascii(MAX_LIST),
        "status" | "priority" if path == "/api/tickets" => Form::Ascii(MAX_LIST),
        "cursor" => Form::Ascii(MAX_CURSOR),
        // A name of something that there are few of.
        "channel" | "department" if path == "/api/tickets" => Form::Text(MAX_WORD),
        "currency" | "encoding" | "separator" | "decimal" | "dates" | "zone" | "mapping" | "part"
            if begins("/api/orders/import") =>
        {
            Form::Text(MAX_WORD)
        }
        name if name.starts_with("segment.") => Form::Text(MAX_WORD),
        // An id, or a word for one.
        "assignee" if path == "/api/tickets" => Form::Text(MAX_WORD),
        "tenant_id" if path != "/api/admin/audit" => Form::Text(MAX_WORD),

        "limit" if begins("/api/analytics/") || path.ends_with("/recommendations") => {
            Form::Whole(1, i64::from(MAX_ITEMS))
        }
        "limit" => Form::Whole(1, MAX_LIMIT),
        "timeframe_months" => Form::Whole(1, 36),
        "months" if begins("/api/analytics/forecasts/") => Form::Whole(1, 24),
        "days" if begins("/api/tickets/") => Form::Whole(1, 90),
        "days" => Form::Whole(1, 366),
        "after" => Form::Whole(0, i64::MAX),
        "header" if begins("/api/orders/import") => Form::Whole(1, HEADER_LIMIT),
        "orders" if begins("/api/orders/import") => Form::Whole(0, 100),
        "ticket" if begins("/my/") => Form::Whole(0, i64::MAX),
        "min_ltv" => Form::Real(-1e15, 1e15),

        "from" | "to" if path == "/api/sla/dashboard" => Form::Day,
        "from" | "to" | "created_from" | "created_to" | "died_from" | "died_to" | "updated_since" => {
            Form::Time
        }

        "until" if path == "/api/jobs/{id}" => words(["finished", "change"]),
        "decision" if path == "/api/webhooks/deliveries" => words(["queued", "skipped"]),
        "order" if path == "/api/tickets" => words(Order::ALL.map(Order::name)),
        "sla_state" => words(["within_sla", "at_risk", "breached"]),
        "aside" => words(["spam", "suspended", "archived"]),
        "kind" if begins("/api/sla/") => words(ClockKind::ALL.map(ClockKind::name)),
        "verdict" if begins("/api/sla/") => words(["met", "missed", "cancelled", "none"]),
        "state" if begins("/api/sla/") => words(["running", "paused", "ended"]),
        "priority" if begins("/api/sla/") => words(Priority::ALL.map(Priority::name)),
        "by" if begins("/api/analytics/") || begins("/api/customers/") => words(["product", "category"]),
        "axis" if begins("/api/analytics/") => words(segments::axes()),
        "churn_band" => words(RiskBand::ALL.map(RiskBand::name)),
        "sort" if path == "/api/intelligence/customers" => words(Sort::ALL.map(Sort::name)),
        "band" if begins("/api/intelligence/runs/") => words(["up", "down"]),
        "target" if path == "/api/intelligence/models" => words(["churn", "ltv"]),
        _ => return None,
    })
}

fn of_path(path: &str, name: &str) -> Option<Form> {
    let ids = ["/api/intelligence/models/", "/api/intelligence/runs/", "/api/intelligence/segmentations/"];
    if name == "id" && ids.iter().any(|start| path.starts_with(start)) {
        return Some(Form::Id);
    }
    let rest = path.strip_prefix("/api/analytics/")?;
    let (group, _) = rest.split_once('/')?;
    (name == "report").then(|| words(analytics::reports(group)))
}

#[cfg(test)]
mod tests {
    use platform::orders::statement::{ID_LIMIT, TEXT_LIMIT};

    use super::*;
    use crate::web::page::cursor;

    #[test]
    fn the_longest_cursor_of_a_list_is_taken() {
        let (name, id) = ("\u{1F4A5}".repeat(TEXT_LIMIT), "\u{1F4A5}".repeat(ID_LIMIT));
        let longest = cursor("/api/customers", &format!("{name}\n{id}"));
        assert!(longest.len() <= MAX_CURSOR, "{} characters", longest.len());
    }
}
