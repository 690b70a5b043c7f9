//! A short phrase for every axis: where the customer stands among the shop's others, in whole per cent. The places come
//! from the run; who stands in the middle of many equals is like most.

/// A phrase of an axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    /// In words.
    pub text: String,
    /// Customers below, in per cent.
    pub percentile: u8,
}

/// From this share of the customers on a phrase compares.
const NOTABLE: u8 = 50;
/// Stands in stored places for what is not known.
const UNKNOWN: u8 = u8::MAX;

/// What is said of who has more, of who has less (`{}` is the share of the customers), and of who is like most.
type Words = (&'static str, &'static str, &'static str);

/// In the order of the axes.
#[rustfmt::skip]
const PHRASES: [Words; 13] = [
    ("Has ordered more often than {} % of customers", "Has ordered less often than {} % of customers", "Has ordered as often as most customers"),
    ("Has spent more than {} % of customers", "Has spent less than {} % of customers", "Has spent as much as most customers"),
    ("Knows more products than {} % of customers", "Knows fewer products than {} % of customers", "Knows as many products as most customers"),
    ("Gets deeper discounts than {} % of customers", "Pays closer to list prices than {} % of customers", "Gets the discounts that most customers get"),
    ("Leaves longer gaps than {} % of customers", "Comes back sooner than {} % of customers", "Comes back as soon as most customers"),
    ("Has been away longer than {} % of customers", "Was here more recently than {} % of customers", "Was here as recently as most customers"),
    ("Buys the same again more than {} % of customers", "Buys the same again less than {} % of customers", "Buys the same again like most customers"),
    ("Sends back more than {} % of customers", "Sends back less than {} % of customers", "Sends back as much as most customers"),
    ("Answers slower than {} % of those who write", "Answers faster than {} % of those who write", "Answers as fast as most who write"),
    ("Needs more messages than {} % of those who write", "Needs fewer messages than {} % of those who write", "Needs as many messages as most who write"),
    ("Known for longer than {} % of those who write", "Known for shorter than {} % of those who write", "Known as long as most who write"),
    ("Sounds friendlier than {} % of those who write", "Sounds angrier than {} % of those who write", "Sounds like most who write"),
    ("Wants compensation more than {} % of those who write", "Wants compensation less than {} % of those who write", "Wants compensation as seldom as most who write"),
];

/// The phrase of the axis at a place in the order of axes, from what is stored of the customer: two bytes an axis.
pub fn of_axis(axis: usize, places: &[u8]) -> Option<Phrase> {
    let (more, less, alike) = PHRASES.get(axis)?;
    let [below, above] = places.as_chunks::<2>().0.get(axis).copied()?;
    if below == UNKNOWN || above == UNKNOWN {
        return None;
    }
    let text = match (below, above) {
        (below, above) if below >= NOTABLE && below >= above => more.replace("{}", &below.to_string()),
        (_, above) if above >= NOTABLE => less.replace("{}", &above.to_string()),
        _ => (*alike).to_owned(),
    };
    Some(Phrase { text, percentile: below })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::insights::catalog::AXES;

    #[test]
    fn every_place_on_every_axis_has_a_short_phrase_with_its_own_figure() {
        assert_eq!(PHRASES.len(), AXES.len());
        let mut seen = BTreeSet::new();
        for axis in 0..AXES.len() {
            for below in 0..=99_u8 {
                for above in 0..=99 - below {
                    let mut places = vec![UNKNOWN; AXES.len() * 2];
                    (places[2 * axis], places[2 * axis + 1]) = (below, above);
                    let phrase = of_axis(axis, &places).expect("a phrase");
                    assert_eq!(phrase.percentile, below);
                    assert!(
                        phrase.text.split(' ').count() <= 10 && phrase.text.len() <= 60,
                        "{}",
                        phrase.text
                    );
                    let told: Vec<u8> = phrase.text.split(' ').filter_map(|word| word.parse().ok()).collect();
                    match told[..] {
                        [] => assert!(below < NOTABLE && above < NOTABLE),
                        [figure] => assert!(figure >= NOTABLE && (figure == below || figure == above)),
                        _ => panic!("{}", phrase.text),
                    }
                    seen.insert((axis, phrase.text));
                }
            }
        }
        let texts: BTreeSet<&String> = seen.iter().map(|(_, text)| text).collect();
        assert_eq!(texts.len(), seen.len(), "no two axes have one phrase");
    }

    #[test]
    fn what_is_not_known_has_no_phrase() {
        assert_eq!(of_axis(0, &[]), None);
        assert_eq!(of_axis(0, &[UNKNOWN, UNKNOWN]), None);
        assert_eq!(of_axis(99, &[1, 2]), None);
    }
}
