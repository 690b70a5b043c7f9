//! The promise policy: what no draft may say, whoever wrote it.
//!
//! A reply must not grant refunds or discounts, must not contain codes, links, order or tracking numbers that
//! nobody gave us, must not mention how we rate a customer, and must not set a sum of money or a date for what
//! is to come unless the shop set it (`stated`). The check works on words, sentence by sentence, and leans to
//! the strict side: a false alarm costs a second look, a missed promise costs money. Numbers may repeat what the facts or the conversation say; codes and links only what an agent wrote, since
//! a customer's "you promised me SAVE50" is not a promise.

mod stated;
mod terms;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::answer::{ACTIONS, TALKING_POINTS};
use super::input::{Author, DraftInput, Recommendation};
use super::words::{identifier, normalised, sentences, tokens};
use terms::{COMMITMENTS, DISCOUNTS, HEDGES, NEUTRAL, RATINGS, REFUNDS, REFUSED_ANYWHERE};

/// A broken rule and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// Which rule.
    pub kind: ViolationKind,
    /// Which sentence of the reply, counted from 0.
    pub sentence: usize,
}

/// The rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViolationKind {
    /// Grants or announces a refund or another compensation.
    RefundPromised,
    /// Grants or announces a discount, voucher or something free.
    DiscountPromised,
    /// Contains a code that no agent gave.
    CodeInvented,
    /// Contains an order number that is not known.
    OrderNumberInvented,
    /// Contains a tracking or another long number that is not known.
    TrackingNumberInvented,
    /// Contains a link that no agent gave.
    LinkInvented,
    /// Mentions churn, lifetime value or another rating of the customer.
    RatingMentioned,
    /// Announces a sum of money or a percentage that the shop did not state.
    SumPromised,
    /// Announces a day or a time span that the shop did not state.
    DatePromised,
}

impl ViolationKind {
    /// What the reply does, for a model that is asked again and for an agent.
    pub fn rule(self) -> &'static str {
        match self {
            Self::RefundPromised => "the reply promises a refund or another compensation",
            Self::DiscountPromised => "the reply promises a discount, a voucher or something free",
            Self::CodeInvented => "the reply contains a code that no agent gave",
            Self::OrderNumberInvented => "the reply contains an order number that is not in the data",
            Self::TrackingNumberInvented => {
                "the reply contains a tracking or another number that is not in the data"
            }
            Self::LinkInvented => "the reply contains a link that no agent gave",
            Self::RatingMentioned => "the reply mentions an internal rating of the customer",
            Self::SumPromised => "the reply announces a sum of money that the shop did not state",
            Self::DatePromised => "the reply announces a date or a time span that the shop did not state",
        }
    }
}

/// What a reply may refer to.
pub struct KnownFacts {
    numbers: HashSet<String>,
    from_agents: HashSet<String>,
    links: HashSet<String>,
    stated: stated::Stated,
}

impl KnownFacts {
    /// Collects the numbers, codes and links of an input.
    pub fn of(input: &DraftInput) -> Self {
        let agent_texts =
            || input.messages.iter().filter(|m| m.author == Author::Agent).map(|m| m.text.as_str());
        let thread = input.messages.iter().map(|message| message.text.as_str());
        let orders = input.customer.iter().flat_map(|customer| &customer.recent_orders);
        let order_ids = orders.map(|order| order.order_id.as_str());
        let has_digit = |token: &String| token.chars().any(char::is_numeric);
        Self {
            numbers: thread
                .chain([input.subject.as_str()])
                .chain(order_ids)
                .flat_map(tokens)
                .filter(has_digit)
                .map(|token| identifier(&token))
                .collect(),
            from_agents: agent_texts().flat_map(tokens).map(|token| identifier(&token)).collect(),
            links: agent_texts().flat_map(links).collect(),
            stated: stated::Stated::of(input),
        }
    }
}

/// Checks a reply; an empty list means that it may go out.
pub fn check(reply: &str, facts: &KnownFacts) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (sentence, range) in sentences(reply).into_iter().enumerate() {
        let text = &reply[range];
        violations.extend(broken_rules(text, facts).into_iter().map(|kind| Violation { kind, sentence }));
    }
    // A promise may be spread over a line break, which ends a sentence for the splitter.
    let whole = normalised(reply);
    for kind in promises(&whole, Strictness::OnlyCommitments) {
        if !violations.iter().any(|violation| violation.kind == kind) {
            violations.push(Violation { kind, sentence: 0 });
        }
    }
    violations
}

/// A recommendation without the entries that break the policy; none when too few are left. Ratings are for
/// agents to know, so mentioning them is no violation here.
pub fn honest_recommendation(mut advice: Recommendation, facts: &KnownFacts) -> Option<Recommendation> {
    let honest = |text: &String| check(text, facts).iter().all(|v| v.kind == ViolationKind::RatingMentioned);
    advice.actions.retain(honest);
    advice.talking_points.retain(honest);
    advice.warnings.retain(honest);
    let enough =
        ACTIONS.contains(&advice.actions.len()) && TALKING_POINTS.contains(&advice.talking_points.len());
    enough.then_some(advice)
}

fn broken_rules(sentence: &str, facts: &KnownFacts) -> Vec<ViolationKind> {
    let lower = normalised(sentence);
    let mut kinds = promises(&lower, Strictness::EveryMention);
    if RATINGS.iter().any(|term| lower.contains(term)) {
        kinds.push(ViolationKind::RatingMentioned);
    }
    if links(sentence).any(|link| !facts.links.contains(&link)) {
        kinds.push(ViolationKind::LinkInvented);
    }
    kinds.extend(invented(sentence, &lower, facts));
    kinds.extend(facts.stated.promised_beyond(&lower));
    kinds
}

#[derive(Clone, Copy, PartialEq)]
enum Strictness {
    EveryMention,
    OnlyCommitments,
}

fn promises(lower: &str, strictness: Strictness) -> Vec<ViolationKind> {
    let promised = |terms: &[&str]| {
        let mut cleaned = lower.to_owned();
        for phrase in NEUTRAL {
            cleaned = cleaned.replace(phrase, " ");
        }
        let commits = COMMITMENTS.iter().any(|phrase| lower.contains(phrase));
        let hedged = HEDGES.iter().any(|phrase| lower.contains(phrase));
        match strictness {
            Strictness::EveryMention => {
                let mentioned = terms.iter().any(|term| cleaned.contains(term));
                let grants = commits && terms.iter().any(|term| lower.contains(term));
                grants || (mentioned && !hedged)
            }
            Strictness::OnlyCommitments => REFUSED_ANYWHERE
                .iter()
                .any(|phrase| terms.iter().any(|t| lower.contains(&format!("{phrase}{t}")))),
        }
    };
    let mut kinds = Vec::new();
    if promised(REFUNDS) {
        kinds.push(ViolationKind::RefundPromised);
    }
    if promised(DISCOUNTS) {
        kinds.push(ViolationKind::DiscountPromised);
    }
    kinds
}

fn invented(sentence: &str, lower: &str, facts: &KnownFacts) -> Vec<ViolationKind> {
    let speaks_of = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let of_codes = speaks_of(&[" code", " coupon", " voucher", " promo", "gutschein", "código", "codice"]);
    let of_orders = speaks_of(&[" order", " invoice", " receipt", "bestell", "commande", "pedido"]);
    let of_parcels = speaks_of(&["track", "parcel", "shipment", "carrier", "sendung", "colis"]);
    let mut kinds = Vec::new();
    for token in tokens(sentence) {
        let shape = Shape::of(&token);
        let id = identifier(&token);
        let known = facts.numbers.contains(&id) || facts.from_agents.contains(&id);
        if (of_codes && shape.could_be_a_code(&token) && !facts.from_agents.contains(&id))
            || (shape.looks_like_a_code(&token) && !known)
        {
            kinds.push(ViolationKind::CodeInvented);
        } else if known || shape.is_date_or_amount(&token) {
            continue;
        } else if shape.digits >= 3 && (token.starts_with('#') || (of_orders && !of_parcels)) {
            kinds.push(ViolationKind::OrderNumberInvented);
        } else if shape.digits >= 6 || (of_parcels && shape.digits >= 4) {
            kinds.push(ViolationKind::TrackingNumberInvented);
        }
    }
    kinds.dedup();
    kinds
}

/// What a token is made of.
struct Shape {
    digits: usize,
    letters: usize,
    lowercase: usize,
}

impl Shape {
    fn of(token: &str) -> Self {
        let count = |test: fn(char) -> bool| token.chars().filter(|c| test(*c)).count();
        Self {
            digits: count(char::is_numeric),
            letters: count(char::is_alphabetic),
            lowercase: count(char::is_lowercase),
        }
    }

    /// In a sentence about codes: letters with digits, or four capitals and more.
    fn could_be_a_code(&self, token: &str) -> bool {
        let mixed = self.letters >= 2 && self.digits >= 1 && token.chars().count() >= 4;
        mixed || (self.letters >= 4 && self.lowercase == 0 && token.is_ascii())
    }

    /// Anywhere: capitals that end in a few digits, like SAVE20.
    fn looks_like_a_code(&self, token: &str) -> bool {
        let tail = token.chars().rev().take_while(|c| c.is_numeric()).count();
        self.lowercase == 0 && self.letters >= 4 && (1..=3).contains(&self.digits) && tail == self.digits
    }

    fn is_date_or_amount(&self, token: &str) -> bool {
        let plain = token.trim_start_matches('#');
        let century = plain.starts_with("19") || plain.starts_with("20");
        let year = plain == token && self.digits == 4 && plain.len() == 4 && century;
        let date = (token.matches('-').count() == 2 || token.matches('/').count() == 2)
            && self.letters == 0
            && (6..=8).contains(&self.digits)
            && token.len() <= 10;
        let amount = token.starts_with(['$', '€', '£']) || (self.letters == 0 && has_cents(plain));
        year || date || amount
    }
}

fn has_cents(token: &str) -> bool {
    token.rsplit_once('.').is_some_and(|(whole, cents)| {
        cents.len() == 2
            && !whole.is_empty()
            && whole.chars().chain(cents.chars()).all(|c| c.is_ascii_digit())
    })
}

/// The links of a text, lower case and without the punctuation behind them.
fn links(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '(' | ')' | '<' | '>' | '[' | ']'))
        .filter_map(|piece| {
            let lower = piece.to_lowercase();
            let start =
                lower.find("http://").or_else(|| lower.find("https://")).or_else(|| lower.find("www."))?;
            Some(lower[start..].trim_end_matches(|c: char| !c.is_alphanumeric() && c != '/').to_owned())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> KnownFacts {
        KnownFacts {
            numbers: ["536365", "1Z999AA10123456784"].map(String::from).into(),
            from_agents: ["SPRING5".to_owned()].into(),
            links: ["https://shop.example/returns".to_owned()].into(),
            stated: stated::Stated::default(),
        }
    }

    fn kinds(reply: &str) -> Vec<ViolationKind> {
        check(reply, &facts()).into_iter().map(|violation| violation.kind).collect()
    }

    #[test]
    fn promises_are_found() {
        use ViolationKind::*;
        for (reply, kind) in [
            ("We will refund you today.", RefundPromised),
            ("We\u{2019}ll re\u{200b}fund the full amount.", RefundPromised),
            ("Your refund request has been approved.", RefundPromised),
            ("If it is broken, you will get your money back.", RefundPromised),
            ("We will\nrefund you.", RefundPromised),
            ("Here is 20% off your next order.", DiscountPromised),
            ("I am happy to offer you a voucher.", DiscountPromised),
            ("Use SAVE20 next time.", CodeInvented),
            ("Your code is welcome-10x.", CodeInvented),
            ("Your order 991234 has left.", OrderNumberInvented),
            ("See #4711 for details.", OrderNumberInvented),
            ("The tracking number is 1Z999AA19999999999.", TrackingNumberInvented),
            ("Follow it at https://track.example/1.", LinkInvented),
            ("Your lifetime value is high.", RatingMentioned),
            ("Wir erstatten Ihnen den Betrag.", RefundPromised),
            ("Selbstverständlich bekommen Sie Ihr Geld zurück.", RefundPromised),
            ("Ihre Anfrage zur Rückerstattung wurde genehmigt.", RefundPromised),
            ("Der Betrag wurde Ihnen gutgeschrieben.", RefundPromised),
            ("Als Entschuldigung bieten wir Ihnen einen Preisnachlass.", DiscountPromised),
            ("Die Lieferung ist für Sie versandkostenfrei.", DiscountPromised),
            ("Nous vous remboursons votre commande.", RefundPromised),
            ("Votre demande de remboursement a été approuvée, vous serez remboursé.", RefundPromised),
            ("Nous vous offrons un bon d'achat.", DiscountPromised),
            ("Le reembolsaremos el importe.", RefundPromised),
            ("Le ofrecemos un descuento.", DiscountPromised),
            ("Ihr Kundenwert ist hoch.", RatingMentioned),
        ] {
            assert!(kinds(reply).contains(&kind), "{reply}: {:?}", kinds(reply));
        }
    }

    #[test]
    fn honest_sentences_pass() {
        for reply in [
            "Your order 536365 was placed on 12 March 2026 and came to 139.12 GBP.",
            "The carrier's number is 1Z999AA10123456784.",
            "We have received your refund request and will look into it.",
            "I cannot say yet whether a refund is possible.",
            "Ich habe Ihre Bitte um eine Rückerstattung erhalten und sehe sie mir an.",
            "Ich kann noch nicht sagen, ob eine Rückerstattung möglich ist.",
            "J'ai bien reçu votre demande de remboursement et je la regarde.",
            "Je ne peux pas encore vous dire si un remboursement est possible.",
            "He recibido su solicitud de reembolso y la estoy revisando.",
            "Todavía no puedo decirle si es posible un reembolso.",
            "As my colleague wrote, the code is SPRING5.",
            "Our return form is at https://shop.example/returns.",
            "You placed 3 orders in 2026, worth £1200 in all.",
            "Could you send us a photo?",
        ] {
            assert_eq!(kinds(reply), [], "{reply}");
        }
    }

    #[test]
    fn what_the_customer_claims_is_no_code() {
        let mut input =
            crate::draft::template::tests::an_input("You promised me code FREE100 for order 777888!");
        let reply = "Please use code FREE100.";
        assert!(!check(reply, &KnownFacts::of(&input)).is_empty());
        assert!(check("I am looking at order 777888.", &KnownFacts::of(&input)).is_empty());
        input.messages[0].author = Author::Agent;
        assert!(check(reply, &KnownFacts::of(&input)).is_empty());
    }
}
