//! Names for the segments of an axis, out of what sets them apart: "Buying this quarter" reads better beside a ticket
//! than "segment 3", and comes from the same numbers every time.

use super::frame::Frame;

/// How far from the shop's middle, in standard deviations, a segment has to be to be named after it.
const TYPICAL: f64 = 0.3;
/// Numbers that a description speaks of.
const DESCRIBED: usize = 3;
/// What a segment is called that is nowhere far from the middle.
const MIDDLE: &str = "Average customers";

/// What a segment is called.
pub(crate) struct Words {
    pub(crate) name: String,
    pub(crate) description: String,
}

/// Names for segments with these mean scaled features (by segment, in the order of the frame's parts). The segment
/// that stands out most chooses first; a name that is taken is not given twice.
pub(crate) fn names(traits: &[Traits], profiles: &[Vec<f64>], frame: &Frame) -> Vec<Words> {
    if profiles.len() < 2 {
        let alone = || Words {
            name: "All customers".to_owned(),
            description: "The shop's customers do not differ enough here to be divided.".to_owned(),
        };
        return profiles.iter().map(|_| alone()).collect();
    }
    let mut order: Vec<usize> = (0..profiles.len()).collect();
    let peak = |segment: usize| profiles[segment].iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    order.sort_by(|&one, &other| peak(other).total_cmp(&peak(one)).then(one.cmp(&other)));
    let mut names: Vec<String> = vec![String::new(); profiles.len()];
    for segment in order {
        let found =
            candidates(traits, &profiles[segment], frame).into_iter().find(|name| !names.contains(name));
        names[segment] = found.unwrap_or_else(|| format!("Further customers {}", segment + 1));
    }
    names
        .into_iter()
        .zip(profiles)
        .map(|(name, profile)| Words { name, description: description(traits, profile, frame) })
        .collect()
}

/// The places of the features in a profile, the one that is farthest from the middle first.
fn farthest_first(profile: &[f64]) -> Vec<usize> {
    let mut features: Vec<usize> = (0..profile.len()).collect();
    features
        .sort_by(|&one, &other| profile[other].abs().total_cmp(&profile[one].abs()).then(one.cmp(&other)));
    features
}

/// Names that fit a segment, the best first: after its most extreme number, then after the next.
fn candidates(traits: &[Traits], profile: &[f64], frame: &Frame) -> Vec<String> {
    let name = |feature: usize| {
        let traits = &traits[frame.parts[feature].column];
        (if profile[feature] >= 0.0 { traits.high } else { traits.low }).to_owned()
    };
    let features = farthest_first(profile);
    let (far, near): (Vec<usize>, Vec<usize>) =
        features.into_iter().partition(|&feature| profile[feature].abs() >= TYPICAL);
    let mut found: Vec<String> = far.into_iter().map(name).collect();
    found.push(MIDDLE.to_owned());
    found.extend(near.into_iter().map(name));
    found
}

/// "Above the shop's average in orders and total spend, below in days since the last order."
fn description(traits: &[Traits], profile: &[f64], frame: &Frame) -> String {
    let told: Vec<usize> = farthest_first(profile)
        .into_iter()
        .filter(|&feature| profile[feature].abs() >= TYPICAL)
        .take(DESCRIBED)
        .collect();
    let labels = |above: bool| {
        let labels = told.iter().filter(|&&feature| (profile[feature] >= 0.0) == above);
        listed(&labels.map(|&feature| traits[frame.parts[feature].column].label).collect::<Vec<_>>())
    };
    match (labels(true), labels(false)) {
        (None, None) => "Close to the shop's average in everything measured here.".to_owned(),
        (Some(above), None) => format!("Above the shop's average in {above}."),
        (None, Some(below)) => format!("Below the shop's average in {below}."),
        (Some(above), Some(below)) => format!("Above the shop's average in {above}, below in {below}."),
    }
}

/// "orders, spend and recency".
fn listed(labels: &[&str]) -> Option<String> {
    let (last, others) = labels.split_last()?;
    Some(if others.is_empty() { (*last).to_owned() } else { format!("{} and {last}", others.join(", ")) })
}

/// What people with a high and with a low value of a feature are called, and what the feature is called in a sentence.
pub(crate) struct Traits {
    high: &'static str,
    low: &'static str,
    label: &'static str,
}

const fn of(high: &'static str, low: &'static str, label: &'static str) -> Traits {
    Traits { high, low, label }
}

/// One line a number of the tickets.
pub(crate) static OF_TICKETS: [Traits; 22] = [
    // communication
    of("Many-channel writers", "One-channel writers", "channels used"),
    of("Faithful to one channel", "Changing channels", "tickets by one channel"),
    of("Morning writers", "Evening writers", "tickets in the first half of the day"),
    of("Night writers", "Midday writers", "tickets at night"),
    of("Slow to answer", "Quick to answer", "time to answer"),
    // problem complexity
    of("Many tickets an order", "Few tickets an order", "tickets an order"),
    of("Long conversations", "Short conversations", "messages a ticket"),
    of("Problems that return", "Problems solved once", "tickets opened again"),
    of("Often escalated", "Seldom escalated", "escalated tickets"),
    of("Many topics", "Few topics", "different topics"),
    // loyalty
    of("Buying more lately", "Buying less lately", "recent change of orders"),
    of("Coming ever later", "Coming ever sooner", "trend of the time between orders"),
    of("Known for long", "Known for short", "time since first heard of"),
    of("Buying after tickets", "Leaving after tickets", "orders after a ticket"),
    // feedback
    of("Satisfied customers", "Dissatisfied customers", "satisfaction"),
    of("Friendly writers", "Angry writers", "mood"),
    of("Mood improving", "Mood worsening", "trend of the mood"),
    of("Answering questions", "Leaving questions open", "answered questions"),
    of("Complaining customers", "Hardly complaining", "complaints"),
    // value sensitivity
    of("Asking for compensation", "Never asking compensation", "wishes for compensation"),
    of("Speaking of prices", "Silent about prices", "mentions of prices"),
    of("Asking for discounts", "Never asking discounts", "wishes for a discount"),
];

/// One line a column of the feature table.
pub(crate) static OF_PURCHASES: [Traits; 66] = {
    [
        // purchase frequency
        of("Frequent buyers", "Rare buyers", "orders"),
        of("Many shopping days", "Few shopping days", "days with an order"),
        of("Buying this month", "Quiet this month", "orders in 30 days"),
        of("Buying this quarter", "Quiet this quarter", "orders in 90 days"),
        of("Buying this year", "Quiet this year", "orders in a year"),
        of("Fast reorderers", "Slow reorderers", "rate of purchase days"),
        of("Active buyers", "Inactive buyers", "recent activity"),
        of("Ordering most months", "Ordering few months", "months with an order"),
        // purchase value
        of("Big spenders", "Small spenders", "total spend"),
        of("Spending this quarter", "Spending little lately", "spend in 90 days"),
        of("Spending this year", "Spending little this year", "spend in a year"),
        of("Large orders", "Small orders", "mean order value"),
        of("Large usual orders", "Small usual orders", "usual order value"),
        of("Splurging customers", "Never splurging", "largest order"),
        of("Uneven orders", "Even orders", "spread of order values"),
        of("Growing orders", "Shrinking orders", "trend of order values"),
        of("Bulk buyers", "Few-item buyers", "units an order"),
        // category exploration
        of("Wide choosers", "Narrow choosers", "different products"),
        of("Many-category buyers", "Few-category buyers", "different categories"),
        of("Varied choosers", "Focused choosers", "spread over categories"),
        of("Broad taste", "Single taste", "categories that count"),
        of("One-category buyers", "Category mixers", "the top category's share"),
        of("Novelty seekers", "Creatures of habit", "first-time products"),
        of("Category explorers", "Settled in categories", "first-time categories"),
        of("Mixed baskets", "Uniform baskets", "categories an order"),
        // price sensitivity
        of("Discount buyers", "Buyers without discounts", "discounted orders"),
        of("Deep-discount buyers", "Small-discount buyers", "discount on all purchases"),
        of("Bargain hunters", "Never big bargains", "largest discount"),
        of("Lately on discount", "Lately without discount", "discount of the last 90 days"),
        of("Full-price buyers", "Reduced-price buyers", "spend at full price"),
        of("Paying above usual", "Paying below usual", "price against the usual one"),
        of("Upmarket buyers", "Downmarket buyers", "price level in a category"),
        of("Sale-day shoppers", "Any-day shoppers", "shopping on sale days"),
        // purchase cadence
        of("Slow rhythm", "Quick rhythm", "mean time between orders"),
        of("Usually long away", "Usually soon back", "usual time between orders"),
        of("Buying in bursts", "Steady rhythm", "bursts of orders"),
        of("Slow to come back", "Quick to come back", "time before the latest order"),
        of("Slowing rhythm", "Quickening rhythm", "trend of the time between orders"),
        of("Weekend shoppers", "Weekday shoppers", "orders at weekends"),
        of("Early-day shoppers", "Late-day shoppers", "orders in the first half of the day"),
        of("Night shoppers", "Midday shoppers", "orders at night"),
        of("Seasonal shoppers", "Year-round shoppers", "orders in one season"),
        // customer maturity
        of("Longstanding customers", "Newer customers", "time since the first order"),
        of("Long absent", "Seen lately", "time since the last order"),
        of("Faded customers", "Present customers", "share of their time spent away"),
        of("Overdue customers", "Customers on schedule", "wait against the usual gap"),
        of("Surely active", "Doubtfully active", "probability of being active"),
        of("Rising customers", "Cooling customers", "growth in orders"),
        of("Late second order", "Early second order", "time to the second order"),
        of("Late bloomers", "Early peakers", "spend in later orders"),
        // repurchase behaviour
        of("Product repeaters", "One-time choosers", "products bought again"),
        of("Replenishing customers", "Hardly replenishing", "repeated lines"),
        of("Staple buyers", "Hardly any staples", "spend on known products"),
        of("Slow restockers", "Quick restockers", "time until a product is bought again"),
        of("Clockwork restockers", "Irregular restockers", "regularity of restocking"),
        of("Same basket again", "Changing baskets", "likeness of the last two baskets"),
        of("One-product buyers", "Many-product buyers", "the top product's share"),
        of("Concentrated spend", "Spread-out spend", "concentration on few products"),
        // return behaviour
        of("Heavy returners", "Light returners", "returned share of spend"),
        of("Frequent returners", "Rare returners", "returned lines"),
        of("Habitual returners", "Occasional returners", "orders with a return"),
        of("Returns long ago", "Recent returns", "days since the last return"),
        of("Returning goods lately", "No returns lately", "value returned in the last 90 days"),
        of("Costly returns", "Cheap returns", "total value returned"),
        of("Big-item returns", "Small-item returns", "largest return against the largest order"),
        of("Returning more", "Returning less", "recent change of returns"),
    ]
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_name_stands_for_one_thing_and_is_short() {
        let all = || OF_PURCHASES.iter().chain(&OF_TICKETS);
        let names: Vec<&str> = all().flat_map(|traits| [traits.high, traits.low]).collect();
        for name in &names {
            assert!((2..=4).contains(&name.split(' ').count()), "{name}");
        }
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        for table in [OF_PURCHASES.as_slice(), OF_TICKETS.as_slice()] {
            let labels: BTreeSet<&str> = table.iter().map(|traits| traits.label).collect();
            assert_eq!(labels.len(), table.len());
        }
    }
}
