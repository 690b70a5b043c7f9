//! The table of names: what customers of each kind are called in the trade. docs/intelligence.md shows it.

/// Where customers stand with the shop.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    New,
    Active,
    Slipping,
    Gone,
}

/// How many orders they have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Habit {
    One,
    Few,
    Several,
    Many,
}

/// What they spend against the shop's others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Worth {
    Low,
    Middle,
    High,
}

/// What such customers are called, the usual name first.
#[rustfmt::skip]
pub(super) fn called(state: State, habit: Habit, worth: Worth) -> [&'static str; 2] {
    use Habit::{Few, Many, One, Several};
    use State::{Active, Gone, New, Slipping};
    use Worth::{High, Low, Middle};
    match (state, habit, worth) {
        (New, Many | Several, High) => ["Rising stars", "Big-spending newcomers"],
        (New, Many | Several, Middle) => ["Fast starters", "Keen newcomers"],
        (New, Many | Several, Low) => ["Keen small baskets", "Frequent small newcomers"],
        (New, Few, High) => ["Promising newcomers", "Big-basket newcomers"],
        (New, Few, Middle) => ["Returning newcomers", "Second-order newcomers"],
        (New, Few, Low) => ["Cautious newcomers", "Small-basket newcomers"],
        (New, One, High) => ["Big first orders", "Big-spending first-timers"],
        (New, One, Middle) => ["First-time buyers", "New faces"],
        (New, One, Low) => ["Small first orders", "Small trial orders"],
        (Active, Many, High) => ["Champions", "Valued regulars"],
        (Active, Many, Middle) => ["Loyal regulars", "Faithful regulars"],
        (Active, Many, Low) => ["Loyal small baskets", "Small-basket regulars"],
        (Active, Several, High) => ["Big spenders", "Good customers"],
        (Active, Several, Middle) => ["Steady customers", "Regulars"],
        (Active, Several, Low) => ["Thrifty regulars", "Careful regulars"],
        (Active, Few, High) => ["Occasional big baskets", "Occasional splurgers"],
        (Active, Few, Middle) => ["Occasional buyers", "Now-and-then buyers"],
        (Active, Few, Low) => ["Occasional small baskets", "Light buyers"],
        (Active, One, High) => ["Recent big baskets", "Recent big one-timers"],
        (Active, One, Middle) => ["Recent one-timers", "Recent single buyers"],
        (Active, One, Low) => ["Recent small baskets", "Recent small one-timers"],
        (Slipping, Many, High) => ["Champions slipping away", "Can't lose them"],
        (Slipping, Many, Middle) => ["Regulars slipping away", "Faithful but fading"],
        (Slipping, Many, Low) => ["Fading small regulars", "Small regulars slipping"],
        (Slipping, Several, High) => ["Big spenders cooling", "Big spenders fading"],
        (Slipping, Several, Middle) => ["Slipping away", "Fading customers"],
        (Slipping, Several, Low) => ["Thrifty and fading", "Thrifty buyers slipping"],
        (Slipping, Few, High) => ["Big baskets cooling", "Fading splurgers"],
        (Slipping, Few, Middle) => ["About to lapse", "Losing interest"],
        (Slipping, Few, Low) => ["Small baskets cooling", "Fading light buyers"],
        (Slipping, One, High) => ["Big one-timers slipping", "Big baskets, unrepeated"],
        (Slipping, One, Middle) => ["One-timers slipping away", "Second order overdue"],
        (Slipping, One, Low) => ["Small one-timers slipping", "Small baskets, unrepeated"],
        (Gone, Many, High) => ["Lost champions", "Valued regulars lost"],
        (Gone, Many, Middle) => ["Lost regulars", "Former regulars"],
        (Gone, Many, Low) => ["Lost small regulars", "Former small regulars"],
        (Gone, Several, High) => ["Lost big spenders", "Former big spenders"],
        (Gone, Several, Middle) => ["Lapsed customers", "Long-quiet customers"],
        (Gone, Several, Low) => ["Lapsed thrifty buyers", "Former thrifty buyers"],
        (Gone, Few, High) => ["Lost big baskets", "Former big baskets"],
        (Gone, Few, Middle) => ["Long gone", "Gone quiet"],
        (Gone, Few, Low) => ["Lapsed small baskets", "Former small baskets"],
        (Gone, One, High) => ["One big basket", "Big one-time buyers"],
        (Gone, One, Middle) => ["One-time buyers", "Never came back"],
        (Gone, One, Low) => ["One small basket", "Small one-time buyers"],
    }
}

/// What those among them are called who buy at a discount.
pub(super) fn called_hunters(state: State, habit: Habit) -> &'static str {
    match (state, habit) {
        (State::New, _) => "New bargain hunters",
        (State::Active, Habit::Many | Habit::Several) => "Bargain hunters",
        (State::Active, Habit::Few | Habit::One) => "Occasional bargain hunters",
        (State::Slipping, _) => "Fading bargain hunters",
        (State::Gone, _) => "Lost bargain hunters",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_page_has_every_usual_name() {
        use Worth::{High, Low, Middle};
        let page = include_str!("../../../docs/intelligence.md");
        for state in [State::New, State::Active, State::Slipping, State::Gone] {
            for habit in [Habit::One, Habit::Few, Habit::Several, Habit::Many] {
                let [high, middle, low] = [High, Middle, Low].map(|worth| called(state, habit, worth)[0]);
                let row = format!("| {high} | {middle} | {low} |");
                assert!(page.contains(&row), "docs/intelligence.md lacks {row}");
            }
        }
    }

    #[test]
    fn every_kind_of_customer_has_a_name_of_its_own() {
        use Worth::{High, Low, Middle};
        let mut names = BTreeSet::new();
        let mut all = 0;
        for state in [State::New, State::Active, State::Slipping, State::Gone] {
            for habit in [Habit::One, Habit::Few, Habit::Several, Habit::Many] {
                for worth in [Low, Middle, High] {
                    let called = called(state, habit, worth);
                    names.extend(called);
                    all += called.len();
                    assert!(called.iter().all(|name| name.split(' ').count() <= 3), "{called:?}");
                }
            }
        }
        // In the first ninety days many orders and several have the same names.
        assert_eq!(names.len(), all - 6);
    }
}
