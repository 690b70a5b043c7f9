//! Names for segments, out of what sets them apart: "Very frequent buyers" reads better beside a ticket than
//! "segment 3", and comes from the same numbers every time.

use super::frame::Frame;
use crate::features::Axis;

/// How far from the shop's middle, in standard deviations, a segment has to be to be named after it.
const TYPICAL: f64 = 0.3;
/// From here on it is "very" so.
const VERY: f64 = 1.3;
/// Below this it is "fairly" so.
const FAIRLY: f64 = 0.6;

/// What a segment is called.
pub(crate) struct Words {
    pub(crate) name: String,
    pub(crate) trait_words: String,
    pub(crate) description: String,
}

/// Names for segments with these mean scaled features (by segment, in the order of the frame's parts). The segment
/// that stands out most chooses first; a trait that is taken is not given twice.
pub(crate) fn names(axis: Axis, profiles: &[Vec<f64>], frame: &Frame) -> Vec<Words> {
    let noun = NOUNS[axis as usize];
    if profiles.len() < 2 {
        let alone = || Words {
            name: "All customers".to_owned(),
            trait_words: String::new(),
            description: "The shop's customers do not differ enough here to be divided.".to_owned(),
        };
        return profiles.iter().map(|_| alone()).collect();
    }
    let mut order: Vec<usize> = (0..profiles.len()).collect();
    let peak = |segment: usize| profiles[segment].iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    order.sort_by(|&one, &other| peak(other).total_cmp(&peak(one)).then(one.cmp(&other)));
    let mut traits: Vec<String> = vec![String::new(); profiles.len()];
    for segment in order {
        let found = candidates(&profiles[segment], frame)
            .into_iter()
            .find(|candidate| !traits.contains(candidate))
            .unwrap_or_else(|| format!("other {}", segment + 1));
        traits[segment] = found;
    }
    traits
        .into_iter()
        .zip(profiles)
        .map(|(trait_words, profile)| Words {
            name: format!("{} {noun}", capital(&trait_words)),
            description: description(profile, frame),
            trait_words,
        })
        .collect()
}

/// Traits that fit a segment, the best first: its most extreme feature with its degree, then without, then the next
/// feature's, and at last degrees that fit less well but keep two names apart.
fn candidates(profile: &[f64], frame: &Frame) -> Vec<String> {
    let mut features: Vec<usize> = (0..profile.len()).collect();
    features
        .sort_by(|&one, &other| profile[other].abs().total_cmp(&profile[one].abs()).then(one.cmp(&other)));
    let word = |feature: usize| {
        let traits = &TRAITS[frame.parts[feature].column];
        if profile[feature] >= 0.0 { traits.high } else { traits.low }
    };
    let mut found = Vec::new();
    if features.first().is_none_or(|&first| profile[first].abs() < TYPICAL) {
        found.push("typical".to_owned());
    }
    for &feature in features.iter().filter(|&&feature| profile[feature].abs() >= TYPICAL) {
        let word = word(feature);
        match profile[feature].abs() {
            size if size >= VERY => found.extend([word.to_owned(), format!("very {word}")]),
            size if size >= FAIRLY => found.extend([word.to_owned(), format!("fairly {word}")]),
            _ => found.push(format!("fairly {word}")),
        }
    }
    found.push("typical".to_owned());
    found.extend(features.iter().flat_map(|&feature| {
        ["slightly", "rather", "fairly", "quite"].map(|degree| format!("{degree} {}", word(feature)))
    }));
    found
}

/// "Compared with the shop's other customers: much more orders in 90 days, fewer ...".
fn description(profile: &[f64], frame: &Frame) -> String {
    let mut features: Vec<usize> = (0..profile.len()).collect();
    features
        .sort_by(|&one, &other| profile[other].abs().total_cmp(&profile[one].abs()).then(one.cmp(&other)));
    let phrases: Vec<String> = features
        .into_iter()
        .filter(|&feature| profile[feature].abs() >= TYPICAL)
        .take(3)
        .map(|feature| {
            let degree = match profile[feature] {
                value if value >= VERY => "far above",
                value if value >= 0.0 => "above",
                value if value <= -VERY => "far below",
                _ => "below",
            };
            format!("{} {degree} average", TRAITS[frame.parts[feature].column].label)
        })
        .collect();
    if phrases.is_empty() {
        return "Close to the shop's average in everything measured here.".to_owned();
    }
    format!("Compared with the shop's other customers: {}.", phrases.join(", "))
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What the people of an axis are called, in the order of the axes.
const NOUNS: [&str; 8] =
    ["buyers", "spenders", "explorers", "shoppers", "rhythm", "customers", "rebuyers", "returners"];

/// What a high and a low value of a feature make of a customer, and what the feature is called in a sentence.
struct Traits {
    high: &'static str,
    low: &'static str,
    label: &'static str,
}

/// One line a column of the feature table.
const TRAITS: [Traits; 66] = {
    const fn of(high: &'static str, low: &'static str, label: &'static str) -> Traits {
        Traits { high, low, label }
    }
    [
        // purchase frequency
        of("frequent", "infrequent", "the number of orders"),
        of("often-returning", "seldom-returning", "the number of days with a purchase"),
        of("currently busy", "currently quiet", "orders in the last 30 days"),
        of("recently busy", "recently quiet", "orders in the last 90 days"),
        of("busy", "quiet", "orders in the last year"),
        of("fast-ordering", "slow-ordering", "the rate of purchase days"),
        of("active", "inactive", "recent activity"),
        of("constant", "sporadic", "the share of months with a purchase"),
        // purchase value
        of("big", "small", "total spend"),
        of("recently strong", "recently weak", "spend in the last 90 days"),
        of("strong", "weak", "spend in the last year"),
        of("large-order", "small-order", "the mean order value"),
        of("generous", "modest", "the median order value"),
        of("splurging", "cautious", "the largest order"),
        of("uneven", "even", "the variation of the order value"),
        of("growing", "shrinking", "the trend of the order value"),
        of("bulk", "few-item", "units per order"),
        // category exploration
        of("wide-ranging", "narrow", "the number of products"),
        of("many-category", "few-category", "the number of categories"),
        of("varied", "focused", "the spread over categories"),
        of("broad-taste", "single-taste", "the effective number of categories"),
        of("category-loyal", "category-mixing", "the top category's share"),
        of("novelty-seeking", "habitual", "the share of first-time products"),
        of("adventurous", "settled", "the share of first-time categories"),
        of("mixed-basket", "uniform-basket", "categories per order"),
        // price sensitivity
        of("discount-driven", "undiscounted", "the share of discounted orders"),
        of("deep-discount", "shallow-discount", "the discount on all purchases"),
        of("bargain-hunting", "bargain-shy", "the largest discount"),
        of("lately discounted", "lately undiscounted", "the discount of the last 90 days"),
        of("full-price", "part-price", "the share of spend at full price"),
        of("premium-paying", "low-paying", "the price paid against the product's median"),
        of("upmarket", "downmarket", "the price level within the category"),
        of("sale-timing", "sale-indifferent", "the shop's discounts on the days of purchase"),
        // purchase cadence
        of("slow", "quick", "the mean time between purchases"),
        of("long-gap", "short-gap", "the median time between purchases"),
        of("bursty", "steady", "the burstiness of purchases"),
        of("lately slow", "lately quick", "the last time between purchases"),
        of("slowing", "quickening", "the trend of the time between purchases"),
        of("weekend", "weekday", "the share of weekend purchases"),
        of("early-day", "late-day", "purchases in the first half of the day"),
        of("off-hours", "midday", "purchases at night"),
        of("seasonal", "year-round", "the seasonality of purchases"),
        // customer maturity
        of("long-standing", "newer", "the time since the first purchase"),
        of("long-absent", "recent", "the time since the last purchase"),
        of("faded", "present", "the share of the tenure since the last purchase"),
        of("overdue", "on-schedule", "the wait against the usual time between purchases"),
        of("surely active", "doubtfully active", "the probability of being active"),
        of("rising", "cooling", "the change of the order count"),
        of("late-returning", "early-returning", "the days to the second order"),
        of("late-blooming", "early-peaking", "the share of spend in the later half of the tenure"),
        // repurchase behaviour
        of("repeat-product", "one-time-product", "the share of products bought again"),
        of("replenishing", "non-replenishing", "the share of repeated lines"),
        of("staple-buying", "staple-free", "the share of spend on products bought before"),
        of("slow-restocking", "quick-restocking", "the time until the same product is bought again"),
        of("clockwork", "irregular", "the regularity of restocking"),
        of("same-basket", "changing-basket", "the likeness of the last two baskets"),
        of("single-product", "many-product", "the top product's share of spend"),
        of("concentrated", "spread-out", "the concentration of spend on products"),
        // return behaviour
        of("heavy", "light", "the returned share of spend"),
        of("frequent", "infrequent", "the share of returned lines"),
        of("habitual", "occasional", "the share of orders with a return"),
        of("past", "recent", "the days since the last return"),
        of("current", "lapsed", "the value returned in the last 90 days"),
        of("costly", "cheap", "the total value returned"),
        of("big-item", "small-item", "the largest return against the largest order"),
        of("increasing", "decreasing", "the recent change of the return rate"),
    ]
};
