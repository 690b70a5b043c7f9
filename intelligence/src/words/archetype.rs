//! Names for archetypes that the trade knows: champions, regulars slipping away, big first orders, bargain hunters.
//!
//! A name follows from the centre of the archetype's customers: how many orders they have, what they have spent
//! against the shop's others, and whether they are new, active, slipping or gone. `called` says how such
//! people are called. A finer archetype is called like the broader one with the rhythm behind it, unless its customers
//! are of another kind. Where two would have the same name, the larger one has it (of big spenders the one that spends
//! most), and the other says what sets it apart (`apart`). No two of a version are called alike, and the order in which
//! names are chosen depends on the numbers alone.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::apart::{Forms, apart};
use super::called::{Habit, State, Worth, called, called_hunters};
use super::plain::{distance, grouped, orders, pace, span};
use crate::archetypes::Level;
use crate::features::column;
use crate::matrix::Matrix;

/// No name has more words.
pub const MOST_WORDS: usize = 4;

/// The numbers of which an archetype's centre is made.
const USED: [&str; 15] = [
    "orders",
    "log_spend",
    "mean_order_value",
    "recency_days",
    "tenure_days",
    "overdue",
    "median_gap_days",
    "discounted_order_share",
    "order_momentum",
    "late_spend_share",
    "burstiness",
    "gap_trend",
    "weekend_share",
    "order_value_trend",
    "order_value_variation",
];

/// New is who has been there for no more days than this.
const NEW_DAYS: f64 = 90.0;
/// Of so many expected gaps without an order on: slipping, and gone.
const SLIPPING: f64 = 1.5;
const GONE: f64 = 4.0;
/// Nobody is gone who ordered within so many days, however busy the shop.
const GONE_DAYS: f64 = 120.0;
/// Where the mean rank of the archetype's spend begins to be high, and to be low.
const HIGH: f64 = 0.67;
const LOW: f64 = 0.4;
/// The same for what an order is worth: a basket that every fourth customer has is not called big.
const BIG: f64 = 0.75;
/// Mean rank of the order count from which on an archetype has many orders, in the shop's eyes.
const MANY: f64 = 0.88;
/// Mean rank of the share of discounted orders from which on the archetype hunts for bargains.
const BARGAINS: f64 = 0.7;

/// What is told of an archetype.
pub(crate) struct Named {
    /// At most four words.
    pub(crate) name: String,
    /// One sentence with the figures that are typical of its customers.
    pub(crate) description: String,
}

/// An archetype to be named.
pub(crate) struct Group {
    pub(crate) level: Level,
    /// The broader archetype that this one refines, by its place in the list.
    pub(crate) parent: Option<usize>,
    /// Its customers, by their places among those of `Ranks`.
    pub(crate) members: Vec<u32>,
}

/// The customers' numbers, and their ranks from 0 to 1 in every number that is used.
pub(crate) struct Ranks {
    /// By number, then by customer; NaN where a customer does not have it.
    values: Vec<Vec<f32>>,
    ranks: Vec<Vec<f32>>,
}

impl Ranks {
    /// Of these rows of the feature table.
    pub(crate) fn of(table: &Matrix, rows: &[usize]) -> Ranks {
        let values: Vec<Vec<f32>> = USED
            .iter()
            .map(|name| {
                let column = column(name).expect("a used number is a feature");
                rows.iter().map(|&row| table.row(row)[column]).collect()
            })
            .collect();
        let ranks = values.iter().map(|values| ranked(values)).collect();
        Ranks { values, ranks }
    }
}

/// The middle of the places that equal values share, over the number of values.
fn ranked(values: &[f32]) -> Vec<f32> {
    let mut order: Vec<usize> = (0..values.len()).filter(|&at| values[at].is_finite()).collect();
    order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]).then(a.cmp(&b)));
    let mut ranks = vec![f32::NAN; values.len()];
    let mut from = 0;
    while from < order.len() {
        let same = order[from..].iter().take_while(|&&at| values[at] == values[order[from]]).count();
        let middle = (from as f64 + same as f64 / 2.0) / order.len() as f64;
        for &at in &order[from..from + same] {
            ranks[at] = middle as f32;
        }
        from += same;
    }
    ranks
}

/// The centre of an archetype's customers.
pub(super) struct Centre {
    /// Medians and mean ranks in the order of `USED`; none where fewer than half of the customers have the number.
    medians: [Option<f64>; USED.len()],
    ranks: [Option<f64>; USED.len()],
}

impl Centre {
    fn of(all: &Ranks, members: &[u32]) -> Centre {
        let known = |numbers: &[f32]| -> Vec<f32> {
            let own = members.iter().filter_map(|&at| numbers.get(at as usize).copied());
            let own: Vec<f32> = own.filter(|value| value.is_finite()).collect();
            if own.len() * 2 >= members.len() { own } else { Vec::new() }
        };
        let median = |at: usize| {
            let mut own = known(&all.values[at]);
            own.sort_unstable_by(f32::total_cmp);
            own.get(own.len() / 2).map(|&value| f64::from(value))
        };
        let rank = |at: usize| {
            let own = known(&all.ranks[at]);
            let sum: f64 = own.iter().map(|&rank| f64::from(rank)).sum();
            (!own.is_empty()).then(|| sum / own.len() as f64)
        };
        Centre { medians: std::array::from_fn(median), ranks: std::array::from_fn(rank) }
    }

    fn median(&self, name: &str) -> Option<f64> {
        self.medians[place(name)]
    }

    /// The mean rank of a number among the shop's customers.
    pub(super) fn rank(&self, name: &str) -> Option<f64> {
        self.ranks[place(name)]
    }

    pub(super) fn state(&self) -> State {
        let overdue = self.median("overdue").unwrap_or(0.0);
        match self.median("tenure_days") {
            Some(tenure) if tenure <= NEW_DAYS => State::New,
            _ if overdue >= GONE && self.median("recency_days").is_some_and(|days| days >= GONE_DAYS) => {
                State::Gone
            }
            _ if overdue >= SLIPPING => State::Slipping,
            _ => State::Active,
        }
    }

    pub(super) fn habit(&self) -> Habit {
        let orders = self.median("orders").unwrap_or(1.0);
        match self.rank("orders").unwrap_or(0.5) {
            _ if orders < 1.5 => Habit::One,
            _ if orders < 3.5 => Habit::Few,
            rank if rank >= MANY => Habit::Many,
            _ => Habit::Several,
        }
    }

    fn worth(&self) -> Worth {
        // What few orders are worth says more of them than their sum.
        let number = match self.habit() {
            Habit::One | Habit::Few => "mean_order_value",
            Habit::Several | Habit::Many => "log_spend",
        };
        let low = if self.habit() == Habit::Many { HIGH } else { LOW };
        let high = match self.habit() {
            Habit::One | Habit::Few => BIG,
            Habit::Several => HIGH,
            Habit::Many => MANY,
        };
        match self.rank(number).unwrap_or(0.5) {
            rank if rank >= high => Worth::High,
            rank if rank < low => Worth::Low,
            _ => Worth::Middle,
        }
    }

    /// How their orders follow each other, in one or two words; one order follows nothing.
    fn rhythm(&self) -> Option<&'static str> {
        let gap = self.median("median_gap_days")?;
        match self.habit() {
            Habit::One => None,
            Habit::Few => Some(distance(gap)),
            Habit::Several | Habit::Many => Some(pace(gap)),
        }
    }

    fn hunts_bargains(&self) -> bool {
        self.rank("discounted_order_share").is_some_and(|rank| rank >= BARGAINS)
    }

    /// "Typically 12 orders worth 340 in all, one every three weeks, the last 20 days ago."
    fn description(&self) -> String {
        let count = self.median("orders").unwrap_or(1.0).round().max(1.0);
        let spend = self.median("log_spend").unwrap_or(0.0).clamp(0.0, 50.0).exp() - 1.0;
        let mut text = format!("Typically {} worth {}", orders(count as u32), grouped(spend));
        if count > 1.0 {
            text.push_str(" in all");
        }
        if let Some(gap) = self.median("median_gap_days").filter(|_| count > 2.0) {
            text.push_str(&format!(", one every {}", super::plain::every(gap)));
        }
        if let Some(recency) = self.median("recency_days") {
            let last = if count > 1.0 { ", the last " } else { ", " };
            let when = if recency < 0.5 { "today".to_owned() } else { format!("{} ago", span(recency)) };
            text.push_str(&format!("{last}{when}"));
        }
        text + "."
    }
}

fn place(name: &str) -> usize {
    USED.iter().position(|used| *used == name).expect("a number that is used")
}

/// Names and descriptions of a version's archetypes, in their order.
pub(crate) fn name_all(groups: &[Group], all: &Ranks) -> Vec<Named> {
    let centres: Vec<Centre> = groups.iter().map(|group| Centre::of(all, &group.members)).collect();
    // The broad ones first, because a finer one is called after its broader one; of a level the larger ones first.
    let mut order: Vec<usize> = (0..groups.len()).collect();
    let level = |at: usize| match groups[at].level {
        Level::L1 => 0,
        Level::Pair => 1,
        Level::Single => 2,
        Level::L2 => 3,
    };
    order.sort_by(|&one, &other| {
        let size = |at: usize| Reverse(groups[at].members.len());
        // Of those who spend much, who spends most.
        let spend = |at: usize| match centres[at].worth() {
            Worth::High => centres[at].rank("log_spend").unwrap_or(0.0),
            Worth::Middle | Worth::Low => 0.0,
        };
        (level(one).cmp(&level(other)))
            .then(spend(other).total_cmp(&spend(one)))
            .then_with(|| size(one).cmp(&size(other)).then(one.cmp(&other)))
    });
    let mut names: Vec<Option<String>> = vec![None; groups.len()];
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for (done, &at) in order.iter().enumerate() {
        // Who has the usual name already, to be set apart from.
        let usual = usual(&centres[at]);
        // What stands behind the comma is of the broader one alone.
        let parent = groups[at]
            .parent
            .filter(|&parent| self::usual(&centres[parent]) == usual)
            .and_then(|parent| names[parent].as_deref()?.split(", ").next());
        let rival = order[..done].iter().find(|&&other| usual == self::usual(&centres[other]));
        let candidates = candidates(&centres[at], parent, rival.map(|&other| &centres[other]));
        let fits = |name: &String| name.split(' ').count() <= MOST_WORDS && !taken.contains(name);
        let name = candidates.into_iter().find(fits).unwrap_or_else(|| numbered(usual, &taken));
        taken.insert(name.clone());
        names[at] = Some(name);
    }
    let named = |(name, centre): (Option<String>, &Centre)| Named {
        name: name.unwrap_or_default(),
        description: centre.description(),
    };
    names.into_iter().zip(&centres).map(named).collect()
}

fn usual(centre: &Centre) -> &'static str {
    if centre.hunts_bargains() {
        return called_hunters(centre.state(), centre.habit());
    }
    called(centre.state(), centre.habit(), centre.worth())[0]
}

/// Names that fit, the best first.
fn candidates(centre: &Centre, parent: Option<&str>, rival: Option<&Centre>) -> Vec<String> {
    let usual = usual(centre);
    let names = called(centre.state(), centre.habit(), centre.worth());
    let rhythm = centre.rhythm();
    let mut bases: Vec<&str> = Vec::with_capacity(4);
    for base in parent.into_iter().chain([usual]).chain(names) {
        // Two broader ones of a name differ by what stands behind it, so a base may come twice.
        if !bases.contains(&base) {
            bases.push(base);
        }
    }
    let mut found = Vec::new();
    if let (Some(parent), Some(rhythm)) = (parent, rhythm) {
        found.push(clauses(parent, &[rhythm]));
    }
    found.extend(bases.iter().map(|base| Some((*base).to_owned())));
    if let Some(rhythm) = rhythm {
        found.extend(bases.iter().map(|base| clauses(base, &[rhythm])));
    }
    let apart = apart(centre, rival);
    let with = |beside: &[&str], forms: Forms| {
        bases.iter().map(|base| with_one_of(base, beside, forms)).collect::<Vec<_>>()
    };
    found.extend(apart.iter().flat_map(|forms| with(&[], forms)));
    if let Some(rhythm) = rhythm {
        found.extend(apart.iter().flat_map(|forms| with(&[rhythm], forms)));
    }
    for (at, first) in apart.iter().enumerate() {
        for word in *first {
            found.extend(apart[at + 1..].iter().flat_map(|forms| with(&[*word], forms)));
        }
    }
    found.into_iter().flatten().collect()
}

/// A name with the best of these forms behind it that leaves it short enough.
fn with_one_of(base: &str, beside: &[&str], forms: Forms) -> Option<String> {
    let names = forms.iter().filter_map(|form| clauses(base, &[beside, &[*form][..]].concat()));
    names.into_iter().find(|name| name.split(' ').count() <= MOST_WORDS)
}

/// A name with words behind it; none where they say what it says already, or the opposite.
fn clauses(base: &str, words: &[&str]) -> Option<String> {
    let all = [&[base][..], words].concat();
    super::apart::agree(&all).then(|| all.join(", "))
}

/// When no word sets it apart: "Long gone, group 2".
fn numbered(usual: &str, taken: &BTreeSet<String>) -> String {
    let base = usual.split(' ').take(MOST_WORDS - 2).collect::<Vec<_>>().join(" ");
    let mut number = 2_u32;
    loop {
        let name = format!("{base}, group {number}");
        if !taken.contains(&name) {
            return name;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::COUNT;

    fn people(kinds: &[(usize, f64, f64, f64, f64)]) -> (Matrix, Vec<Group>) {
        let mut values = Vec::new();
        let mut groups = Vec::new();
        let mut next = 0_u32;
        for &(count, orders, value, overdue, tenure) in kinds {
            for _ in 0..count {
                let mut row = vec![f32::NAN; COUNT];
                let mut put = |name: &str, value: f64| row[column(name).expect("a feature")] = value as f32;
                put("orders", orders);
                put("mean_order_value", value);
                put("log_spend", (1.0 + orders * value).ln());
                put("overdue", overdue);
                put("tenure_days", tenure);
                put("recency_days", overdue * 30.0);
                if orders > 1.0 {
                    put("median_gap_days", 14.0);
                }
                values.extend(row);
            }
            groups.push(Group {
                level: Level::L1,
                parent: None,
                members: (next..next + count as u32).collect(),
            });
            next += count as u32;
        }
        (Matrix::from_values(COUNT, values), groups)
    }

    #[test]
    fn the_trade_knows_these_names() {
        let kinds = [
            (300, 1.0, 20.0, 6.0, 400.0),
            (100, 1.0, 90.0, 0.2, 20.0),
            (60, 2.0, 30.0, 2.0, 300.0),
            (40, 20.0, 80.0, 0.5, 500.0),
            (40, 20.0, 80.0, 5.0, 500.0),
            (40, 20.0, 80.0, 5.5, 500.0),
        ];
        let (table, mut groups) = people(&kinds);
        groups.push(Group { level: Level::L2, parent: Some(3), members: groups[3].members.clone() });
        // Of another kind than the broader one: called by what they are.
        groups.push(Group { level: Level::L2, parent: Some(3), members: groups[2].members.clone() });
        let rows: Vec<usize> = (0..table.rows()).collect();
        let named = name_all(&groups, &Ranks::of(&table, &rows));
        let names: Vec<&str> = named.iter().map(|named| named.name.as_str()).collect();
        assert_eq!(
            names[..5],
            ["One small basket", "Big first orders", "About to lapse", "Champions", "Lost champions"]
        );
        assert_eq!(names[6], "Champions, fortnightly");
        assert_ne!(names[5], names[4]);
        assert_eq!(names[7], "Losing interest");
        assert_eq!(named[0].description, "Typically 1 order worth 20, 6 months ago.");
        assert_eq!(
            named[3].description,
            "Typically 20 orders worth 1,600 in all, one every two weeks, the last 15 days ago."
        );
    }

    #[test]
    fn however_many_are_alike_no_two_have_one_name() {
        let (table, groups) = people(&[(5, 9.0, 20.0, 0.5, 400.0); 90]);
        let rows: Vec<usize> = (0..table.rows()).collect();
        let named = name_all(&groups, &Ranks::of(&table, &rows));
        let names: BTreeSet<&str> = named.iter().map(|named| named.name.as_str()).collect();
        assert_eq!(names.len(), groups.len());
        for name in names {
            assert!((1..=MOST_WORDS).contains(&name.split(' ').count()), "{name}");
        }
    }
}
