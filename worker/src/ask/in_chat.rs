//! Answers to questions in plain words that were asked in chat: the text, the first rows as a table, how it was computed
//! and what to bear in mind. A question goes on from those that the same person asked in the same thread.

use std::time::Duration;

use chrono::Utc;
use database::Role;
use outbound::slack::blocks::{Blocks, escaped};
use questions::answer::{Answer, Outcome};
use questions::conversations::{self, LONGEST_QUESTION, NewInThread};
use questions::desk::Asker;
use questions::text::formats;
use serde_json::Value;
use uuid::Uuid;

use super::Question;
use crate::app::App;
use crate::context::Ctx;
use crate::outcome::Stop;
use crate::slack::Written;

/// A little less than the deadline of the kind that answers in chat, with time left to post the answer.
const CALL_TIME: Duration = Duration::from_secs(35);
/// Rows and columns of the table.
const ROWS: usize = 10;
const COLUMNS: usize = 5;
/// Caveats that are told.
const CAVEATS: usize = 4;

/// Fields of rows that are shown, the most telling first, with the heads of their columns.
const FIELDS: [(&str, &str); 20] = [
    ("customer_id", "Customer"),
    ("month", "Month"),
    ("category", "Category"),
    ("item", "Item"),
    ("with", "With"),
    ("axis", "Axis"),
    ("segment", "Segment"),
    ("archetype", "Archetype"),
    ("class", "Class"),
    ("churn", "Risk"),
    ("churn_probability", "Risk"),
    ("last_order_on", "Last order"),
    ("last_order_value", "Its value"),
    ("last_order_products", "Bought"),
    ("value", "Expected"),
    ("revenue", "Revenue"),
    ("customers", "Customers"),
    ("rate", "Rate"),
    ("spend", "Spent"),
    ("orders", "Orders"),
];

/// Questions before it that a model is shown.
const EARLIER: i64 = 6;
/// What everybody of a connected workspace may see.
const SCOPES: [&str; 3] = ["intelligence:read", "customers:read", "segments:read"];

/// Where a question was asked, and by whom.
#[derive(Debug)]
pub struct Place {
    /// The person, as no other place names anybody.
    asked_by: String,
    /// The thread; the channel itself where there is none, and for messages to the bot alone, however they are answered.
    thread: String,
}

impl Place {
    /// A place by the chat's own ids; `thread` is the message that a thread begins with.
    pub fn of(workspace: Uuid, user: &str, channel: &str, thread: Option<&str>) -> Place {
        // Slack's ids of conversations with one person begin with D.
        let thread = thread.filter(|_| !channel.starts_with('D'));
        let short = |text: &str| text.chars().take(90).collect::<String>();
        let thread = match thread {
            Some(thread) => format!("{} {}", short(channel), short(thread)),
            None => short(channel),
        };
        // Who is not named goes on from nothing.
        let user = if user.is_empty() { Uuid::now_v7().to_string() } else { short(user) };
        Place { asked_by: format!("slack:{workspace}:{user}"), thread }
    }
}

/// Whether a conversation goes on there, so that a single word may be a question.
///
/// # Errors
/// The database does not answer.
pub async fn is_going_on(ctx: &Ctx, app: &App, place: &Place) -> Result<bool, Stop> {
    let mut tx = app.db.tenant_tx(Role::Marketing, ctx.tenant).await?;
    let is_going_on = conversations::is_going_on(&mut tx, &place.asked_by, &place.thread, Utc::now()).await?;
    tx.commit().await?;
    Ok(is_going_on)
}

/// Answers a question of somebody of a connected workspace. They see what the commands of the chat show: customers by names
/// that tell nothing of them.
///
/// # Errors
/// The database does not answer, the model asks to wait, or too many ask at once; the question is gone with somebody whom it
/// was about.
pub async fn answer(ctx: &Ctx, app: &App, place: &Place, text: &str) -> Result<Written, Stop> {
    // Slack writes these three characters as entities.
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let text: String = text.chars().take(LONGEST_QUESTION).collect();
    let new = NewInThread {
        // A run that follows another one finds the question of that.
        id: ctx.job_id,
        thread: &place.thread,
        asked_by: &place.asked_by,
        question: &text,
        scopes: &SCOPES.map(str::to_owned),
    };
    let mut tx = app.db.tenant_tx(Role::Marketing, ctx.tenant).await?;
    let exchange = conversations::ask_in_thread(&mut tx, ctx.tenant, &new, Utc::now()).await?;
    let earlier = conversations::before(&mut tx, &exchange, EARLIER).await?;
    tx.commit().await?;
    if let Some(answer) = &exchange.answer {
        return Ok(written(answer));
    }
    let asker = Asker::new(ctx.tenant, |scope| SCOPES.contains(&scope));
    let question = Question { asker, text: &text, earlier: &earlier, within: CALL_TIME };
    let answered = super::answer(ctx, app, &question).await?;
    let mut tx = app.db.tenant_tx(Role::Marketing, ctx.tenant).await?;
    let last = answered.last_call.as_ref();
    let is_there = conversations::answer(&mut tx, exchange.id, &answered.answer, last, Utc::now()).await?;
    tx.commit().await?;
    if !is_there {
        return Err(Stop::Cancel("the question is gone".to_owned()));
    }
    Ok(written(&answered.answer))
}

fn written(answer: &Answer) -> Written {
    let mut blocks = Blocks::default().section(&escaped(&answer.text));
    let currency = answer.calls.iter().rev().find_map(|call| call.currency.as_deref());
    let fields: Vec<(&str, &str)> = FIELDS
        .into_iter()
        .filter(|(field, _)| {
            answer.rows.iter().any(|row| row.get(field).is_some_and(|value| !value.is_null()))
        })
        .take(COLUMNS)
        .collect();
    if !fields.is_empty() {
        let head: Vec<&str> = fields.iter().map(|(_, head)| *head).collect();
        let rows: Vec<Vec<String>> = answer
            .rows
            .iter()
            .take(ROWS)
            .map(|row| fields.iter().map(|(field, _)| cell(field, row.get(field), currency)).collect())
            .collect();
        blocks = blocks.table(&head, &rows);
    }
    if !answer.suggestions.is_empty() {
        let lines: Vec<String> =
            answer.suggestions.iter().map(|question| format!("\u{2022} {}", escaped(question))).collect();
        let head = if answer.outcome == Outcome::Asks { "Do you mean" } else { "What can be asked" };
        blocks = blocks.section(&format!("*{head}*\n{}", lines.join("\n")));
    }
    let mut small: Vec<String> = Vec::new();
    for call in &answer.calls {
        let variant = ["analysis_type", "metric", "campaign_type", "info_type", "recommendation_type"]
            .into_iter()
            .find_map(|field| call.arguments.get(field)?.as_str());
        small.push(format!("{} {}, as of {}", call.tool, variant.unwrap_or_default(), call.as_of));
    }
    small.extend(answer.caveats.iter().take(CAVEATS).cloned());
    if !small.is_empty() {
        blocks = blocks.context(&escaped(&small.join("\n")));
    }
    let notice = answer.text.lines().next().unwrap_or_default().chars().take(150).collect();
    Written { text: notice, blocks: blocks.finish() }
}

/// A value in a few characters.
fn cell(field: &str, value: Option<&Value>, currency: Option<&str>) -> String {
    match (field, value) {
        ("churn" | "churn_probability", Some(Value::Number(share))) => {
            return formats::probability(share.as_f64().unwrap_or_default());
        }
        ("rate", Some(Value::Number(share))) => return formats::percent(share.as_f64().unwrap_or_default()),
        ("spend" | "revenue" | "last_order_value", Some(amount)) if !amount.is_null() => {
            return formats::money(amount, currency).unwrap_or_default();
        }
        _ => {}
    }
    match value {
        None | Some(Value::Null) => "\u{2013}".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(all)) => {
            let texts: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
            texts.join(", ")
        }
        Some(Value::Object(fields)) => {
            fields.get("name").and_then(Value::as_str).unwrap_or_default().to_owned()
        }
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use questions::answer::without_call;
    use serde_json::json;

    use super::*;

    fn shown(answer: &Answer) -> String {
        serde_json::to_string(&written(answer).blocks).expect("JSON")
    }

    #[test]
    fn an_answer_has_its_table_and_its_small_print() {
        let mut answer =
            without_call(Outcome::Answered, "C-0123ABCD may <leave>.".to_owned(), Vec::new(), "grammar");
        answer.rows = vec![json!({
            "customer_id": "C-0123ABCD", "churn": 0.71, "archetype": {"id": "0", "name": "Steady"},
            "last_order_on": "2026-03-10", "last_order_value": null, "last_order_products": ["green", "mug"],
        })];
        answer.caveats = vec!["Chance plays a part.".to_owned()];
        let shown = shown(&answer);
        for part in [
            "may &lt;leave&gt;.",
            "Customer",
            "C-0123ABCD",
            "Steady",
            "71 %",
            "2026-03-10",
            "green, mug",
            "Chance",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(!shown.contains("Its value"), "a column of nothing: {shown}");
        for (churn, told) in
            [(0.0001, "under 0.1 %"), (0.004, "0.4 %"), (0.996, "99.6 %"), (0.9999, "over 99.9 %")]
        {
            answer.rows[0]["churn"] = json!(churn);
            let shown = self::shown(&answer);
            assert!(shown.contains(told) && !shown.contains("\"0 %") && !shown.contains("100 %"), "{shown}");
        }
    }

    #[test]
    fn a_place_is_a_thread_and_a_person() {
        let at = |user: &str, channel: &str, thread: Option<&str>| {
            let place = Place::of(Uuid::nil(), user, channel, thread);
            (place.asked_by, place.thread)
        };
        assert_eq!(at("U1", "C1", Some("1.2")), at("U1", "C1", Some("1.2")));
        assert_ne!(at("U1", "C1", Some("1.2")), at("U2", "C1", Some("1.2")));
        assert_ne!(at("U1", "C1", Some("1.2")), at("U1", "C1", Some("1.3")));
        assert_ne!(at("U1", "C1", Some("1.2")), at("U1", "C1", None));
        assert_ne!(at("", "C1", Some("1.2")), at("", "C1", Some("1.2")));
        // The bot answers below each message to it; they are one conversation.
        assert_eq!(at("U1", "D1", Some("1.2")), at("U1", "D1", Some("1.3")));
    }

    #[test]
    fn what_is_asked_back_has_what_could_be_asked() {
        let answer = without_call(
            Outcome::Asks,
            "Which one?".to_owned(),
            vec!["Who may leave?".to_owned()],
            "grammar",
        );
        assert!(shown(&answer).contains("Do you mean") && shown(&answer).contains("Who may leave?"));
    }
}
