//! What can be held of the words without knowing the languages.

use std::collections::HashMap;

use super::*;
use crate::draft::words::normalised;

/// Every list of a language with its name; a list that is added is looked at as well.
fn lists(terms: &Terms) -> [(&'static str, Words); 19] {
    let Terms {
        ratings,
        refunds,
        discounts,
        neutral,
        hedges,
        commitments,
        replacements,
        sending,
        denials,
        between,
        refused_anywhere,
        to_come,
        days,
        spans,
        kinds_of_day,
        currencies,
        codes,
        orders,
        parcels,
    } = *terms;
    [
        ("ratings", ratings),
        ("refunds", refunds),
        ("discounts", discounts),
        ("neutral", neutral),
        ("hedges", hedges),
        ("commitments", commitments),
        ("replacements", replacements),
        ("sending", sending),
        ("denials", denials),
        ("between", between),
        ("refused_anywhere", refused_anywhere),
        ("to_come", to_come),
        ("days", days),
        ("spans", spans),
        ("kinds_of_day", kinds_of_day),
        ("currencies", currencies),
        ("codes", codes),
        ("orders", orders),
        ("parcels", parcels),
    ]
}

#[test]
fn words_are_as_texts_are_compared() {
    for (list, words) in ALL.iter().flat_map(|terms| lists(terms)) {
        for word in words {
            assert!(normalised(word).contains(word), "{list}: {word:?} is found in no text");
        }
    }
}

#[test]
fn a_word_stands_once() {
    let mut found: HashMap<(&str, &str), usize> = HashMap::new();
    for (list, words) in ALL.iter().flat_map(|terms| lists(terms)) {
        for word in words {
            *found.entry((list, *word)).or_default() += 1;
        }
    }
    found.retain(|_, times| *times > 1);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_neutral_phrase_has_a_word_to_take_out() {
    let kinds: [Kind; 3] = [|terms| terms.refunds, |terms| terms.discounts, |terms| terms.replacements];
    let is_promise = |phrase: &str| kinds.iter().any(|kind| says(phrase, *kind));
    for phrase in all(|terms| terms.neutral) {
        assert!(is_promise(&normalised(phrase)), "{phrase:?} would pass without being listed");
    }
}

#[test]
fn every_language_knows_what_must_not_be_promised() {
    for terms in ALL {
        let Terms {
            ratings,
            refunds,
            discounts,
            neutral,
            hedges,
            commitments,
            replacements,
            sending,
            denials,
            ..
        } = *terms;
        for words in
            [ratings, refunds, discounts, neutral, hedges, commitments, replacements, sending, denials]
        {
            assert!(!words.is_empty(), "one is missing beside {:?}", terms.to_come);
        }
    }
}
