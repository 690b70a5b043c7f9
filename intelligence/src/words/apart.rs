//! The words that set an archetype apart from a larger one of the same name. Each has its place: nobody is "lost" and
//! "rising", no newcomer is "longstanding", and what a name says already is not said behind it again.

use super::archetype::Centre;
use super::called::{Habit, State};

/// A number, what is said of more of it, and what of less; each first as people say it, then in one word where four
/// words allow no more.
type Difference = (&'static str, Forms, Forms);

/// Ways of saying the same, the best first.
pub(super) type Forms = &'static [&'static str];

static DIFFERENCES: [Difference; 13] = [
    ("mean_order_value", &["bigger baskets"], &["smaller baskets"]),
    ("orders", &["more orders"], &["fewer orders"]),
    ("recency_days", &["longer away"], &["seen lately"]),
    ("recency_days", &["longer gone"], &["recently gone"]),
    ("tenure_days", &["joined earlier", "longstanding"], &["joined later", "newer"]),
    ("tenure_days", &["joined earlier", "earlier"], &["joined later", "later"]),
    ("median_gap_days", &["slow reorders", "slower"], &["quick reorders", "quicker"]),
    ("burstiness", &["in bursts"], &["steady"]),
    ("order_momentum", &["rising"], &["cooling"]),
    ("late_spend_share", &["late-blooming"], &["early-peaking"]),
    ("order_value_trend", &["trading up"], &["trading down"]),
    ("weekend_share", &["at weekends", "weekend"], &["on weekdays", "weekday"]),
    ("order_value_variation", &["mixed baskets"], &["even baskets"]),
];

/// Words of a name, of which no two clauses have one of the same line: they say the same, or the opposite.
#[rustfmt::skip]
const SAME: [&[&str]; 8] = [
    // size
    &["big", "small", "big-basket", "small-basket", "big-spending", "basket", "baskets", "spenders", "splurgers", "thrifty",
      "careful", "light"],
    // rhythm
    &["slow", "slower", "quick", "quicker", "reorders", "apart", "daily", "twice-weekly", "weekly", "fortnightly", "monthly",
      "two-monthly", "quarterly", "half-yearly", "yearly"],
    // regularity
    &["bursts", "steady", "regulars", "faithful", "loyal"],
    // direction
    &["rising", "cooling", "fading", "slipping", "starters", "stars", "late-blooming", "early-peaking"],
    // how many orders
    &["more", "fewer", "one-time", "one-timers", "occasional"],
    // where they are
    &["away", "lately", "gone", "never", "quiet", "lost", "former", "lapsed", "recent", "returning"],
    // how long they have been there
    &["longstanding", "newer", "joined", "earlier", "later", "newcomers", "new", "first-time", "first"],
    // when
    &["weekends", "weekdays", "weekend", "weekday"],
];

/// What sets a centre apart from its rival, or from the shop's middle, the most telling first.
pub(super) fn apart(centre: &Centre, rival: Option<&Centre>) -> Vec<Forms> {
    let mut words: Vec<(f64, Forms)> = DIFFERENCES
        .iter()
        .filter(|(number, more, _)| is_fitting(number, more, centre.state(), centre.habit()))
        .filter_map(|(number, more, less)| {
            let other = rival.map_or(Some(0.5), |rival| rival.rank(number))?;
            let difference = centre.rank(number)? - other;
            Some((difference.abs(), if difference >= 0.0 { *more } else { *less }))
        })
        .collect();
    words.sort_by(|one, other| other.0.total_cmp(&one.0));
    words.into_iter().map(|(_, forms)| forms).collect()
}

/// Whether a number says something of customers in this state and with so many orders.
fn is_fitting(number: &str, more: Forms, state: State, habit: Habit) -> bool {
    let has_rhythm = matches!(habit, Habit::Several | Habit::Many);
    match number {
        "burstiness" => has_rhythm,
        "order_momentum" => has_rhythm && state == State::Active,
        "orders" | "median_gap_days" | "late_spend_share" | "order_value_trend" | "order_value_variation" => {
            habit != Habit::One
        }
        "recency_days" => (state == State::Gone) == more.contains(&"longer gone"),
        // Who came once, or is gone, is not longstanding.
        "tenure_days" => {
            let is_past = state == State::Gone || habit == Habit::One;
            state != State::New && is_past == more.contains(&"earlier")
        }
        _ => true,
    }
}

/// Whether the clauses of a name go together.
pub(super) fn agree(clauses: &[&str]) -> bool {
    let words: Vec<Vec<String>> = clauses
        .iter()
        .map(|clause| clause.to_lowercase().split([' ', ',']).map(str::to_owned).collect())
        .collect();
    let speaks = |clause: &[String], of: &[&str]| clause.iter().any(|word| of.contains(&word.as_str()));
    SAME.iter().all(|of| words.iter().filter(|clause| speaks(clause, of)).count() <= 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_nothing_twice_and_no_opposites() {
        for faulty in [
            ["Big first orders", "smaller baskets"],
            ["Long gone", "seen lately"],
            ["Promising newcomers", "newer"],
            ["Steady customers", "in bursts"],
            ["Big spenders, quarterly", "monthly"],
            ["Fading customers", "rising"],
            ["Never came back", "recently gone"],
        ] {
            assert!(!agree(&faulty), "{faulty:?}");
        }
        for sound in
            [["Champions", "monthly"], ["One-time buyers", "bigger baskets"], ["Slipping away", "yearly"]]
        {
            assert!(agree(&sound), "{sound:?}");
        }
    }

    #[test]
    fn every_word_that_sets_apart_is_known_to_what_may_not_stand_together_or_stands_alone() {
        for (number, more, less) in &DIFFERENCES {
            for word in more.iter().chain(*less) {
                let known = SAME.iter().any(|of| word.split(' ').any(|word| of.contains(&word)));
                assert!(known || *number == "order_value_trend", "{word}");
            }
        }
    }
}
