//! Advice by rules: from the ticket, its clocks, what its messages say, and what is known of the customer.

use chrono::{DateTime, Utc};
use support::recommendations::Case;

use crate::draft::answer::{ACTIONS, TALKING_POINTS};
use crate::draft::policy::{KnownFacts, honest_recommendation};
use crate::draft::{CustomerFacts, DraftInput, Priority, Recommendation};

/// From this probability on a customer is about to leave.
const LEAVING: f64 = 0.6;
/// Below this a customer is unhappy.
const UNHAPPY: f32 = 0.35;
/// Reasons for leaving that are warned of.
const MOST_REASONS: usize = 2;
/// Warnings at most.
pub const MOST_WARNINGS: usize = 5;

/// The advice; it keeps the promise policy, see [`honest_recommendation`].
pub fn advise(case: &Case, input: &DraftInput, now: DateTime<Utc>) -> Recommendation {
    let advice = Recommendation {
        priority: priority(case),
        actions: actions(case, input),
        talking_points: talking_points(case, input),
        warnings: warnings(case, input, now),
        retention_probability: retention(case),
        revenue_at_risk: revenue_at_risk_cents(case)
            .map(|cents| format!("{}.{:02}", cents / 100, cents % 100)),
    };
    let general = Recommendation {
        actions: general_actions(),
        talking_points: general_points(),
        warnings: Vec::new(),
        ..advice.clone()
    };
    // An order may be called like a code; then what names it stays out.
    let mut advice = honest_recommendation(advice, &KnownFacts::of(input)).unwrap_or(general);
    // Our own words on the customer hold figures and promise nobody anything.
    if let Some(words) = input.customer.as_ref().and_then(|customer| customer.words.as_ref()) {
        advice.talking_points.insert(0, words.summary());
        advice.talking_points.truncate(*TALKING_POINTS.end());
        if is_leaving(case) {
            let reasons = words.reasons.iter().take(MOST_REASONS);
            advice.warnings.extend(reasons.map(|reason| format!("{reason}.")));
            advice.warnings.truncate(MOST_WARNINGS);
        }
    }
    advice
}

/// Chance that the customer stays: what the model of churn leaves.
pub fn retention(case: &Case) -> Option<f64> {
    case.churn.filter(|churn| churn.is_finite()).map(|churn| (1.0 - churn).clamp(0.01, 0.99))
}

/// Expected spend within the horizon times the probability of leaving, in hundredths.
pub fn revenue_at_risk_cents(case: &Case) -> Option<i64> {
    let at_risk = case.ltv.filter(|ltv| (0.0..1e13).contains(ltv))? * case.churn?.clamp(0.0, 1.0);
    at_risk.is_finite().then(|| (at_risk * 100.0).round() as i64)
}

fn has(case: &Case, topic: &str) -> bool {
    case.topics.iter().any(|known| known == topic) || case.intent.as_deref() == Some(topic)
}

fn is_valuable(case: &Case) -> bool {
    matches!(case.customer_tier.as_deref(), Some("gold" | "platinum"))
}

fn is_leaving(case: &Case) -> bool {
    case.churn.is_some_and(|churn| churn >= LEAVING)
}

fn is_unhappy(case: &Case) -> bool {
    case.sentiment.is_some_and(|sentiment| sentiment < UNHAPPY)
}

/// Never below what the ticket has; urgent for what cannot wait.
fn priority(case: &Case) -> Priority {
    let own = match case.priority.as_str() {
        "urgent" => Priority::Urgent,
        "high" => Priority::High,
        "low" => Priority::Low,
        _ => Priority::Normal,
    };
    let is_breached = case.sla_state.as_deref() == Some("breached");
    let urgent = has(case, "legal") || (is_breached && (is_valuable(case) || is_unhappy(case)));
    let high = is_breached
        || case.sla_state.as_deref() == Some("at_risk")
        || (is_leaving(case) && (is_valuable(case) || is_unhappy(case)))
        || ["damaged", "defective", "wrong_item", "complaint", "cancellation"]
            .iter()
            .any(|topic| has(case, topic));
    match own {
        Priority::Urgent => own,
        _ if urgent => Priority::Urgent,
        Priority::High => own,
        _ if high => Priority::High,
        Priority::Low if case.intent.as_deref() != Some("thanks") && is_unhappy(case) => Priority::Normal,
        own => own,
    }
}

fn general_actions() -> Vec<String> {
    ["Find out what the customer needs.", "Read the whole conversation before you answer."]
        .map(String::from)
        .into()
}

fn actions(case: &Case, input: &DraftInput) -> Vec<String> {
    let specific = match case.intent.as_deref() {
        Some("damaged" | "defective") => "Ask for photos if there are none, and compare them with the order.",
        Some("wrong_item") => "Compare what arrived with what the order says.",
        Some("refund" | "return") => "Check the order and the return policy before you commit to anything.",
        Some("exchange") => "Check whether what is wanted in exchange is in stock.",
        Some("cancellation") => "Check whether the order has left the warehouse.",
        Some("order_status") => "Look the order up with the warehouse and the carrier.",
        Some("complaint") => "Read the earlier tickets of this customer.",
        Some("billing") => "Compare the payment with the order.",
        Some("account") => "Verify who is writing before you change anything in the account.",
        Some("product_question" | "discount") => "Look the product up in the catalogue.",
        Some("thanks") => "Close the ticket when nothing is open.",
        _ => "Find out what the customer needs.",
    };
    let mut actions = vec![specific.to_owned()];
    if has(case, "legal") {
        actions.push("Show the ticket to whoever decides about legal matters before you answer.".to_owned());
    }
    if case.asks_compensation == Some(true) {
        actions.push("Bring the wish for compensation to whoever may decide about it.".to_owned());
    }
    if is_leaving(case) && is_valuable(case) {
        actions.push("Answer in person and call if the customer likes calls.".to_owned());
    }
    if input.customer.is_none() {
        actions.push("Find out under which address the customer ordered.".to_owned());
    }
    if case.reopened_count > 1 {
        actions.push("Go through what was tried before, so that nothing is asked twice.".to_owned());
    }
    actions.truncate(*ACTIONS.end());
    if actions.len() < *ACTIONS.start() {
        actions.push("Read the whole conversation before you answer.".to_owned());
    }
    actions
}

fn general_points() -> Vec<String> {
    [
        "Say only what you have checked.",
        "Name the next step and who takes it.",
        "Say when you will write again only if you are sure of it.",
    ]
    .map(String::from)
    .into()
}

fn talking_points(case: &Case, input: &DraftInput) -> Vec<String> {
    let mut points = Vec::new();
    if is_unhappy(case) {
        points.push("The customer is unhappy: begin with what went wrong for them.".to_owned());
    }
    if let Some(intent) = case.intent.as_deref().filter(|intent| *intent != "other") {
        points.push(format!("The matter seems to be: {}.", intent.replace('_', " ")));
    }
    points.extend(input.customer.as_ref().filter(|customer| customer.words.is_none()).map(purchases));
    points.extend(general_points());
    points.truncate(*TALKING_POINTS.end());
    points
}

/// What the customer bought, where that is all that is known.
fn purchases(customer: &CustomerFacts) -> String {
    let orders =
        if customer.orders == 1 { "1 order".to_owned() } else { format!("{} orders", customer.orders) };
    format!("The purchase log shows {orders} worth {} {} in all.", customer.spend, customer.currency)
}

fn warnings(case: &Case, input: &DraftInput, now: DateTime<Utc>) -> Vec<String> {
    let mut warnings = Vec::new();
    match (case.sla_state.as_deref(), case.sla_due_at) {
        (Some("breached"), _) => warnings.push("A clock has run out.".to_owned()),
        (Some("at_risk"), Some(due)) if due > now => {
            warnings.push(format!("A clock runs out in {} minutes.", (due - now).num_minutes() + 1));
        }
        _ => {}
    }
    if is_leaving(case) {
        warnings.push("The customer is likely to leave; do not tell them that we think so.".to_owned());
    }
    if case.reopened_count > 1 {
        warnings.push(format!("The ticket was opened again {} times.", case.reopened_count));
    }
    if !input.sharing.is_empty() {
        warnings.push("Several customers share this address; check who is writing.".to_owned());
    } else if input.customer.is_none() {
        warnings.push("No orders were found under these contact details; check who is writing.".to_owned());
    }
    if case.unread > 0 {
        warnings.push(
            "A message has not been read for its mood yet, so mood and matter may be out of date.".to_owned(),
        );
    }
    warnings.truncate(MOST_WARNINGS);
    warnings
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::draft::template::tests::{an_input, known_words};

    fn case() -> Case {
        Case {
            basis: String::new(),
            status: "open".into(),
            priority: "normal".into(),
            sentiment: None,
            intent: None,
            topics: Vec::new(),
            asks_compensation: None,
            sla_state: None,
            sla_due_at: None,
            waiting_since: None,
            reopened_count: 0,
            customer_tier: None,
            known_customer: None,
            churn: None,
            ltv: None,
            unread: 0,
        }
    }

    fn now() -> DateTime<Utc> {
        "2026-11-28T12:00:00Z".parse().expect("a time")
    }

    #[test]
    fn what_is_at_stake_is_told_when_it_is_known() {
        let known =
            Case { churn: Some(0.75), ltv: Some(199.99), customer_tier: Some("gold".into()), ..case() };
        let advice = advise(&Case { sentiment: Some(0.1), ..known }, &an_input("Hello?"), now());
        assert_eq!(
            (advice.retention_probability, advice.revenue_at_risk.as_deref()),
            (Some(0.25), Some("149.99"))
        );
        assert_eq!(advice.priority, Priority::High);
        let unknown = advise(&case(), &an_input("Hello?"), now());
        assert_eq!((unknown.retention_probability, unknown.revenue_at_risk), (None, None));
    }

    #[test]
    fn who_the_customer_is_comes_in_the_words_of_the_profile() {
        let mut input = an_input("Hello?");
        let words = known_words();
        input.customer = Some(CustomerFacts {
            orders: 143,
            spend: "9120.00".into(),
            currency: "USD".into(),
            first_order_at: None,
            last_order_at: None,
            recency_days: None,
            mean_order_value: None,
            recent_orders: Vec::new(),
            words: Some(words.clone()),
        });
        let advice = advise(&Case { churn: Some(0.75), ..case() }, &input, now());
        assert!(advice.talking_points.contains(&words.summary()), "{:?}", advice.talking_points);
        for reason in &words.reasons {
            assert!(advice.warnings.contains(&format!("{reason}.")), "{:?}", advice.warnings);
        }
        let staying = advise(&Case { churn: Some(0.2), ..case() }, &input, now());
        assert!(!staying.warnings.iter().any(|warning| words.reasons.contains(warning)));
    }

    #[test]
    fn a_priority_is_never_lowered() {
        let told = |case: Case| advise(&case, &an_input("x"), now()).priority;
        assert_eq!(
            told(Case { priority: "urgent".into(), intent: Some("thanks".into()), ..case() }),
            Priority::Urgent
        );
        assert_eq!(told(Case { topics: vec!["legal".into()], ..case() }), Priority::Urgent);
        assert_eq!(told(Case { sla_state: Some("at_risk".into()), ..case() }), Priority::High);
        assert_eq!(told(Case { priority: "low".into(), ..case() }), Priority::Low);
    }

    proptest! {
        #[test]
        fn advice_is_within_its_bounds_and_promises_nothing(
            intent in prop::option::of(prop::sample::select(support::analysis::words::INTENTS)),
            topic in prop::sample::select(support::analysis::words::TOPICS),
            churn in prop::option::of(-1.0..2.0_f64), ltv in prop::option::of(-1e3..1e15_f64),
            sentiment in prop::option::of(0.0..1.0_f32), reopened in 0..5, compensation in prop::option::of(any::<bool>()),
            tier in prop::option::of(prop::sample::select(&["standard", "gold"][..])),
        ) {
            let input = an_input("I want a refund of 100 EUR now");
            let case = Case {
                intent: intent.map(str::to_owned), topics: vec![topic.to_owned()], churn, ltv, sentiment,
                reopened_count: reopened, asks_compensation: compensation, customer_tier: tier.map(str::to_owned),
                sla_state: Some("breached".into()), unread: 1, ..case()
            };
            let advice = advise(&case, &input, now());
            prop_assert!(ACTIONS.contains(&advice.actions.len()));
            prop_assert!(TALKING_POINTS.contains(&advice.talking_points.len()));
            prop_assert!(advice.warnings.len() <= MOST_WARNINGS);
            prop_assert!(advice.retention_probability.is_none_or(|p| (0.0..=1.0).contains(&p)));
            prop_assert!(honest_recommendation(advice, &KnownFacts::of(&input)).is_some());
        }
    }
}
