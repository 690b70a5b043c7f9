//! The built-in drafter's advice for the agent: what the facts say, and nothing estimated.

use super::intent::{Intent, is_pressing};
use super::languages::Language;
use crate::analysis::lexicon::speaks_of_law;
use crate::draft::input::{CustomerFacts, DraftInput, Priority, Recommendation};
use crate::draft::policy::{KnownFacts, honest_recommendation};
use crate::draft::words::sentences;

/// Puts together a recommendation; chance and revenue stay empty, since nothing here can estimate them.
pub fn recommendation(
    input: &DraftInput,
    intent: Intent,
    heard_in: Option<&'static Language>,
    facts: &KnownFacts,
) -> Recommendation {
    let advice = Recommendation {
        priority: priority(intent, is_pressing(input.last_customer_text(), heard_in)),
        actions: actions(intent),
        talking_points: talking_points(input, intent),
        warnings: warnings(input),
        retention_probability: None,
        revenue_at_risk: None,
    };
    // Facts from a purchase log can read like a promise (an order called SAVE20); then they stay out.
    let without_facts =
        Recommendation { talking_points: general_points(intent), warnings: Vec::new(), ..advice.clone() };
    honest_recommendation(advice, facts).unwrap_or(without_facts)
}

fn priority(intent: Intent, pressing: bool) -> Priority {
    match intent {
        _ if pressing => Priority::Urgent,
        Intent::DamagedOrWrong | Intent::Cancellation | Intent::Complaint => Priority::High,
        Intent::Thanks => Priority::Low,
        _ => Priority::Normal,
    }
}

fn actions(intent: Intent) -> Vec<String> {
    let specific = match intent {
        Intent::DamagedOrWrong => "Ask for photos if there are none, and compare them with the order.",
        Intent::RefundOrReturn => "Check the order and the return policy before you commit to anything.",
        Intent::Cancellation => "Check whether the order has left the warehouse.",
        Intent::WhereIsMyOrder => "Look the order up with the warehouse and the carrier.",
        Intent::Complaint => "Read the earlier tickets of this customer.",
        Intent::ProductQuestion => "Look the product up in the catalogue.",
        Intent::Thanks => "Close the ticket when nothing is open.",
        Intent::Other => "Find out what the customer needs.",
    };
    [specific, "Read the whole conversation, then adapt the draft before you send it."]
        .map(String::from)
        .into()
}

fn general_points(intent: Intent) -> Vec<String> {
    vec![
        format!("The latest message seems to be about {}.", intent.label()),
        "Say only what you have checked.".to_owned(),
        "Name the next step and who takes it.".to_owned(),
    ]
}

fn talking_points(input: &DraftInput, intent: Intent) -> Vec<String> {
    let mut points = general_points(intent);
    // Who the customer is stands beside the draft, where it is known.
    points.extend(input.customer.as_ref().filter(|customer| customer.words.is_none()).map(purchases));
    points
}

fn purchases(customer: &CustomerFacts) -> String {
    let orders =
        if customer.orders == 1 { "1 order".to_owned() } else { format!("{} orders", customer.orders) };
    let latest = customer
        .last_order_at
        .map_or_else(String::new, |at| format!(", the latest on {}", at.format("%-d %B %Y")));
    format!("The purchase log shows {orders} worth {} {} in all{latest}.", customer.spend, customer.currency)
}

fn warnings(input: &DraftInput) -> Vec<String> {
    let mut warnings = Vec::new();
    if !input.sharing.is_empty() {
        warnings.push(format!(
            "Several customers share this address ({}), so no orders are shown; check who is writing, and merge them if they \
             are one person.",
            input.sharing.join(", ")
        ));
    } else if input.customer.is_none() {
        warnings.push("No orders were found under these contact details; check who is writing.".to_owned());
    }
    if speaks_of_law(input.last_customer_text()) {
        warnings.push("The customer speaks of legal steps; let somebody answer who may decide.".to_owned());
    }
    if sentences(input.last_customer_text()).len() > 8 {
        warnings.push("The message is long and may raise more than one matter.".to_owned());
    }
    warnings
}
