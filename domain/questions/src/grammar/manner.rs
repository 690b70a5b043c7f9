//! How a question asks. What it is about says which tool knows of it; how it asks says whether the tool tells what is wanted:
//! "where are our VIPs from" is about VIPs, and a list of them is no answer to it.

use super::concepts::{Concept, Concepts};
use super::intents::{self, Rule};
use super::outside::{self, Gap};
use super::tokens::TAKEN;
use super::words::{self, Meaning};

/// How a question asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Manner {
    /// What it asks for by its first words, where that is not who or which.
    begins: Begins,
    /// Whether it says "by" or "sort", so that what stands beside the risk of leaving is an order.
    says_by: bool,
    /// Whether it says "did", which no campaign that is planned has yet.
    says_did: bool,
    /// Whether something grows in it, which is no campaign for growth.
    grows: bool,
}

/// What a question asks for by its first words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Begins {
    /// Anything.
    #[default]
    Else,
    /// "Where".
    Where,
    /// "When".
    When,
    /// "How are", "how do": how something is, or comes about.
    How,
    /// "What do", "what is": the object of what somebody does.
    WhatDo,
    /// "Did", "do", "has": whether it is so.
    Whether,
}

const AUXILIARIES: [&str; 18] = [
    "is", "are", "was", "were", "do", "does", "did", "has", "have", "had", "will", "would", "can", "could",
    "may", "might", "should", "shall",
];

/// Reads the words of a question from its beginning on, without what was taken for groups of words that mean something.
pub fn of(begun: &[String], tokens: &[String]) -> Manner {
    let first = begun.first().map(String::as_str).unwrap_or_default();
    let is_auxiliary = |word: Option<&String>| word.is_some_and(|word| AUXILIARIES.contains(&word.as_str()));
    let begins = match first {
        // "Where can I see our VIPs" wants to see them.
        "where" | "wheres" if !begun.iter().take(4).any(|word| matches!(word.as_str(), "see" | "find")) => {
            Begins::Where
        }
        "when" | "whens" => Begins::When,
        "hows" => Begins::How,
        "how" if is_auxiliary(begun.get(1)) => Begins::How,
        "what" if is_auxiliary(begun.get(1)) => Begins::WhatDo,
        "do" | "does" | "did" | "has" | "have" | "was" | "were" => Begins::Whether,
        _ => Begins::Else,
    };
    let about = |word: &String, concept| words::meaning(word) == Some(Meaning::About(concept));
    Manner {
        begins,
        says_by: tokens.iter().any(|token| matches!(token.as_str(), "by" | "sort" | "sorted" | "ranked")),
        says_did: tokens.iter().any(|token| token == "did"),
        // "Whom should we target to grow" is; "is our audience growing" is not.
        grows: tokens.windows(2).any(|pair| {
            let is_growing = about(&pair[1], Concept::Grow) && pair[1] != "growth" && pair[0] != "to";
            is_growing || (about(&pair[0], Concept::Campaign) && pair[1] == "growth")
        }),
    }
}

/// Whether words tell somebody to do something with a customer: "send them a mail", "give VIPs a discount".
pub fn is_order(begun: &[String]) -> bool {
    const POLITE: [&str; 9] = ["please", "can", "could", "would", "you", "kindly", "now", "lets", "just"];
    let mut words = begun.iter().map(String::as_str).skip_while(|word| POLITE.contains(word));
    let (first, next) = (words.next(), words.next());
    let is_for_us = matches!(next, Some("me" | "us"));
    let is_of_discount =
        || begun.iter().any(|word| words::meaning(word) == Some(Meaning::About(Concept::Discount)));
    match first {
        Some("send") => !is_for_us,
        Some("give") => !is_for_us && is_of_discount(),
        _ => false,
    }
}

/// Whether words ask who left: "did any VIPs leave", but not "what did customers who may leave buy".
pub fn asks_who_left(tokens: &[String]) -> bool {
    let Some(did) = tokens.iter().position(|token| token == "did") else { return false };
    let after = &tokens[did + 1..];
    let Some(leave) = after.iter().position(|token| matches!(token.as_str(), "leave" | "churn" | "quit"))
    else {
        return false;
    };
    after[..leave].iter().all(|token| {
        let is_whom = matches!(
            words::meaning(token),
            Some(Meaning::About(
                Concept::Customer
                    | Concept::Vip
                    | Concept::Loyal
                    | Concept::New
                    | Concept::Best
                    | Concept::Once
                    | Concept::Company
                    | Concept::Most
                    | Concept::Pronoun
                    | Concept::They
            ))
        );
        (is_whom && !token.starts_with("who"))
            || token == TAKEN
            || matches!(token.as_str(), "any" | "our" | "the" | "my" | "of" | "all" | "many")
    })
}

/// What is said where a rule is about the right thing and tells something else of it.
pub fn misfit(manner: Manner, about: Concepts, rule: &Rule) -> Option<&'static Gap> {
    let is_group = intents::is_group(rule.tool, rule.variant);
    let is_campaign = rule.tool == "target_campaign";
    match manner.begins {
        Begins::Where if rule.variant != "cross_sell_opportunities" => Some(&outside::WHERE),
        Begins::When if !matches!(rule.variant, "purchase_history" | "seasonal_segments") => {
            Some(&outside::WHEN)
        }
        Begins::How if is_group || is_campaign => Some(&outside::HOW),
        Begins::WhatDo if is_group && about.has(Concept::Buy) => Some(&outside::BOUGHT),
        Begins::Whether if is_campaign && about.has(Concept::Campaign) => Some(&outside::RESULTS),
        _ if is_campaign && manner.says_did && !about.has(Concept::LastOrder) => Some(&outside::RESULTS),
        _ if is_campaign && rule.variant == "growth" && manner.grows => Some(&outside::RESULTS),
        _ => None,
    }
}

/// Whether money beside the risk of leaving is what the list is sorted by, rather than what is asked for.
pub fn is_order_of_risk(manner: Manner) -> bool {
    manner.says_by
}
