//! The sentences: for every feature what is told of a customer whom it draws away and of one whom it holds. What draws
//! away is told with what an agent can do about it. `{}` is the value in the feature's unit.

use std::cmp::Ordering;

use crate::features::column;

enum Unit {
    Count,
    Days,
    Money,
    /// Of a stored logarithm ln(1 + x).
    LogMoney,
    Percent,
    Probability,
    Number,
    /// Of a stored step of a logarithm: by how many per cent the next one is larger or smaller.
    Step,
}
use Unit::{Count, Days, LogMoney, Money, Number, Percent, Probability, Step};

/// A feature: its name, what it is about, its unit, and what is told of who leaves and of who stays.
type Entry = (&'static str, &'static str, Unit, &'static str, &'static str);

#[rustfmt::skip]
static ENTRIES: [Entry; 66] = [
    ("orders", "orders", Count, "Only {} so far", "{} so far, enough for a habit"),
    ("purchase_days", "orders", Count, "Has ordered on {} only", "Has ordered on {}"),
    ("orders_30d", "recent orders", Count, "Just {} in the last 30 days", "{} in the last 30 days"),
    ("orders_90d", "recent orders", Count, "Just {} in the last 90 days", "{} in the last 90 days"),
    ("orders_365d", "orders of the year", Count, "{} in the last year, few for this shop", "{} in the last year"),
    ("monthly_rate", "rate", Number, "Comes back {} times a month", "Comes back {} times a month"),
    ("recency_weighted_orders", "recent orders", Number, "Most of the orders are long ago", "Many of the orders are recent"),
    ("active_months_share", "rate", Percent, "Ordered in {} of the months since the first order", "Ordered in {} of the months since the first order"),
    ("log_spend", "spend", LogMoney, "Has spent {} in all", "Spend so far comes to {}"),
    ("spend_90d", "recent spend", Money, "Spent {} in the last 90 days", "Spent {} in the last 90 days"),
    ("spend_365d", "spend", Money, "Spent {} in the last year", "Spent {} in the last year"),
    ("mean_order_value", "order value", Money, "An order of theirs is worth about {}", "Orders are worth about {}"),
    ("median_order_value", "order value", Money, "Their usual order is worth {}", "The usual order is worth {}"),
    ("largest_order_value", "order value", Money, "Their largest order was {}", "The largest order was {}"),
    ("order_value_variation", "order value spread", Percent, "Their order values vary by {}", "Order values vary by {}"),
    ("order_value_trend", "order value trend", Step, "Their orders get {} from one to the next", "Each order is {} than the one before"),
    ("units_per_order", "units", Number, "Takes {} units an order", "An order has {} units"),
    ("distinct_products", "variety", Count, "Knows {} of the shop", "Has bought {}"),
    ("distinct_categories", "variety", Count, "Has bought from {}", "Has bought from {}"),
    ("category_entropy", "category mix", Number, "Keeps to few categories", "Buys across categories"),
    ("effective_categories", "category mix", Number, "Buys from about {} categories", "About {} categories matter to them"),
    ("top_category_share", "category mix", Percent, "Takes {} of all lines from one category", "One category has {} of their lines"),
    ("new_product_share_180d", "new products", Percent, "Tried something new in {} of the last half year's lines", "First tries make {} of the last half year's lines"),
    ("new_category_share_180d", "new products", Percent, "Went to a new category in {} of the last half year's lines", "New categories make {} of the last half year's lines"),
    ("categories_per_order", "category mix", Number, "Mixes {} categories in an order", "An order spans {} categories"),
    ("discounted_order_share", "discounts", Percent, "Bought {} of the orders at a discount", "Discounts were on {} of the orders"),
    ("discount_depth", "discounts", Percent, "Paid {} below list prices", "Prices paid were {} below list"),
    ("deepest_discount", "discounts", Percent, "Once had a discount of {}", "The deepest discount was {}"),
    ("discount_depth_90d", "discounts", Percent, "Lately paid {} below list prices", "Prices paid lately were {} below list"),
    ("full_price_spend_share", "discounts", Percent, "Paid the full price for {} of the spend", "Full prices make {} of the spend"),
    ("price_against_median", "price level", Percent, "Pays {} of a product's usual price", "Prices paid are {} of the usual ones"),
    ("price_percentile", "price level", Percent, "Chooses above {} of a category's prices", "Choices lie above {} of a category's prices"),
    ("sale_day_affinity", "discounts", Percent, "Shops when discounts are {} above the usual", "Discounts on their shopping days are {} above the usual"),
    ("mean_gap_days", "gaps", Days, "Leaves {} between orders on average", "Orders come {} apart on average"),
    ("median_gap_days", "gaps", Days, "Usually leaves {} between orders", "Orders usually come {} apart"),
    ("burstiness", "rhythm", Number, "Orders without a dependable rhythm", "Has a rhythm that lasts"),
    ("last_gap_days", "last gap", Days, "Waited {} before the latest order", "The latest order came {} after the one before"),
    ("gap_trend", "gap trend", Step, "Gaps between their orders get {} each time", "Each gap between orders is {} than the one before"),
    ("weekend_share", "time of week", Percent, "Orders at weekends {} of the time", "Weekends have {} of the orders"),
    ("hour_sine", "time of day", Number, "Shops at hours at which people here drift away", "Shops at hours at which people here stay"),
    ("hour_cosine", "time of day", Number, "Shops at hours at which people here drift away", "Shops at hours at which people here stay"),
    ("seasonality", "season", Percent, "Orders gather to {} in one season", "Buys in a season of their own, to {}"),
    ("tenure_days", "tenure", Days, "First ordered {} ago", "Has been a customer for {}"),
    ("recency_days", "recency", Days, "No order for {}", "Ordered {} ago"),
    ("recency_share", "recency", Percent, "Silent for {} of the time as a customer", "Silent for {} of the time as a customer"),
    ("overdue", "recency", Number, "Waits for {} times the expected gap already", "{} times the expected gap has passed"),
    ("alive_probability", "alive", Probability, "The rhythm of the purchases leaves {} that they still buy here", "The rhythm of the purchases gives {} that they still buy here"),
    ("order_momentum", "momentum", Number, "Orders have slowed against the quarter before", "Orders have held or grown against the quarter before"),
    ("days_to_second_order", "second order", Days, "Took {} to come back for a second order", "Came back for a second order after {}"),
    ("late_spend_share", "spend timing", Percent, "{} of the spend falls into the later half of their time here", "Later orders make {} of the spend"),
    ("repeated_product_share", "repurchase", Percent, "Ordered {} of the products again", "Products ordered again come to {}"),
    ("repeat_line_share", "repurchase", Percent, "Repeats {} of the lines", "Repeat purchases make {} of the lines"),
    ("repeat_spend_share", "repurchase", Percent, "Puts {} of the spend into repeat purchases", "Repeat purchases make {} of the spend"),
    ("product_gap_days", "product gap", Days, "Orders a product again after {}", "The same product comes again after {}"),
    ("product_gap_regularity", "product gap", Percent, "Restocks with a regularity of {}", "Restocking is regular to {}"),
    ("last_baskets_overlap", "baskets", Percent, "Kept {} of the products from one of the last two orders to the other", "The last two orders share {} of their products"),
    ("top_product_share", "concentration", Percent, "Spends {} on one product", "One product has {} of the spend"),
    ("product_concentration", "concentration", Percent, "Depends on few products, with a concentration of {}", "Spend lies on products with a concentration of {}"),
    ("return_value_rate", "returns", Percent, "Sends back {} of the value", "Returns come to {} of the value"),
    ("return_line_rate", "returns", Percent, "Sends back {} of the lines", "Returns come to {} of the lines"),
    ("return_order_rate", "returns", Percent, "Returns something from {} of the orders", "Returns follow {} of the orders"),
    ("days_since_return", "last return", Days, "Sent something back {} ago", "The last return was {} ago"),
    ("returned_value_90d", "returns", Money, "Sent back goods for {} in the last 90 days", "Returns of the last 90 days come to {}"),
    ("log_returned_value", "returns", LogMoney, "Has sent back goods for {} in all", "All returns come to {}"),
    ("largest_return_share", "returns", Percent, "Once sent back {} of the largest order", "The largest return was {} of the largest order"),
    ("return_rate_change", "return trend", Percent, "The rate of their returns changed by {} in half a year", "Returns changed by {} in half a year"),
];

/// What an agent can do where something draws a customer away. No two are alike, because of a customer several are
/// read one after the other.
#[rustfmt::skip]
static ACTS: [(&str, &str); 34] = [
    ("orders", "make the next one easy"),
    ("recent orders", "tell them what is new since"),
    ("orders of the year", "ask what they would come back for"),
    ("rate", "find an occasion that suits them"),
    ("spend", "point out what goes with what they have"),
    ("recent spend", "find out what they are missing"),
    ("order value", "keep suggestions at this price"),
    ("order value spread", "ask what each purchase is for"),
    ("order value trend", "ask whether their needs have changed"),
    ("units", "suggest the quantity they are used to"),
    ("variety", "introduce one more part of the range"),
    ("category mix", "show them the neighbouring shelf"),
    ("new products", "ask how the new choices worked out"),
    ("discounts", "mention an offer if one is running"),
    ("price level", "name alternatives at their price"),
    ("gaps", "remind them shortly before the next one is due"),
    ("rhythm", "ask when they will need more"),
    ("last gap", "ask what made the wait so long"),
    ("gap trend", "find out what slows them down"),
    ("time of week", "write on the days on which they shop"),
    ("time of day", "answer at their hours"),
    ("season", "get in touch before the season begins"),
    ("tenure", "thank them for being with us"),
    ("recency", "ask whether something kept them away"),
    ("alive", "give them a reason to reply"),
    ("momentum", "ask whether anything went wrong"),
    ("second order", "follow up on the latest purchase"),
    ("spend timing", "find out what they liked earlier"),
    ("repurchase", "ask how the products serve them"),
    ("product gap", "check whether they are running out"),
    ("baskets", "ask what they look for now"),
    ("concentration", "make sure that their favourite is available"),
    ("returns", "find out what did not fit"),
    ("last return", "ask whether the return went well"),
];
/// The same where returns have become more or fewer.
const RETURN_TREND: &str = "look at what came back and why";

/// What a feature of a row is about; of features about the same thing one is told. Several are missing for one reason.
pub(super) fn topic_of(name: &str, row: &[f32]) -> &'static str {
    let is_missing = column(name).and_then(|at| row.get(at)).is_none_or(|value| !value.is_finite());
    match topic(name) {
        "gaps" | "last gap" | "second order" if is_missing => "second order",
        "rhythm" | "gap trend" if is_missing => "rhythm",
        topic => topic,
    }
}

fn topic(name: &str) -> &'static str {
    ENTRIES.iter().find(|entry| entry.0 == name).map_or("", |entry| entry.1)
}

fn act(topic: &str) -> &'static str {
    ACTS.iter().find(|(of, _)| *of == topic).map_or(RETURN_TREND, |(_, act)| act)
}

/// The sentence for a feature of a row; none where there is nothing to say.
pub(super) fn sentence(name: &str, row: &[f32], leaving: bool) -> Option<String> {
    let fact = fact(name, row, leaving)?;
    Some(if leaving { format!("{fact}: {}", act(topic_of(name, row))) } else { fact })
}

fn fact(name: &str, row: &[f32], leaving: bool) -> Option<String> {
    let of = |name: &str| column(name).and_then(|at| row.get(at).copied()).filter(|value| value.is_finite());
    let (_, _, unit, draws_away, holds) = ENTRIES.iter().find(|entry| entry.0 == name)?;
    let Some(value) = of(name) else { return missing(name, leaving) };
    if let Some(fact) = special(name, value, &of, leaving) {
        return Some(fact);
    }
    let text = match unit {
        Count => count(name, value),
        Days => days(value),
        Money => money(f64::from(value)),
        LogMoney => money(f64::from(value).clamp(-50.0, 50.0).exp() - 1.0),
        Percent => percent(value),
        Probability => probability(value),
        Number => format!("{value:.1}"),
        Step => step(name, value),
    };
    Some((if leaving { draws_away } else { holds }).replace("{}", &text))
}

/// Where a plainer fact than the table's exists.
fn special(name: &str, value: f32, of: &dyn Fn(&str) -> Option<f32>, leaving: bool) -> Option<String> {
    let whole = value.round();
    match name {
        "recency_days" if leaving => {
            let gap = of("mean_gap_days").filter(|gap| *gap >= 0.5 && whole >= 1.0)?;
            Some(format!("No order for {}, against a usual {gap:.0}", days(value)))
        }
        "recency_days" if whole == 0.0 => Some("Ordered today".to_owned()),
        "orders" if leaving && whole == 1.0 => Some("Has ordered only once".to_owned()),
        "orders_30d" | "orders_90d" if whole == 0.0 => {
            let span = if name == "orders_30d" { "30" } else { "90" };
            Some(format!("No order in the last {span} days"))
        }
        "orders_365d" if whole == 0.0 => Some("No order in the last year".to_owned()),
        "spend_90d" if value == 0.0 => Some("Spent nothing in the last 90 days".to_owned()),
        "spend_365d" if value == 0.0 => Some("Spent nothing in the last year".to_owned()),
        "seasonality" if value >= 0.995 && leaving => {
            Some("All their orders fall into one season".to_owned())
        }
        "seasonality" if value >= 0.995 => Some("Always buys in the same season".to_owned()),
        "order_momentum" => {
            // The feature is ln((recent + 1/2) / (before + 1/2)).
            let recent = of("orders_90d").map(f32::round).filter(|recent| *recent >= 0.0)?;
            let before = ((recent + 0.5) / value.clamp(-20.0, 20.0).exp() - 0.5).round().max(0.0);
            if recent == 0.0 && before == 0.0 {
                return Some("No order in either of the last two quarters".to_owned());
            }
            let change = match recent.total_cmp(&before) {
                Ordering::Less => format!("down from {before:.0}"),
                Ordering::Equal => "as many as in the one before".to_owned(),
                Ordering::Greater => format!("up from {before:.0}"),
            };
            Some(format!("{} last quarter, {change}", count(name, recent)))
        }
        _ => None,
    }
}

/// A missing number is worth a sentence where it means that something has not happened yet.
fn missing(name: &str, leaving: bool) -> Option<String> {
    let what = match name {
        "mean_gap_days" | "median_gap_days" | "last_gap_days" | "days_to_second_order" => {
            if leaving {
                "Has not come back for a second order yet"
            } else {
                "The second order is still to come"
            }
        }
        "burstiness" | "gap_trend" => "Has too few orders to show a rhythm",
        "product_gap_days" | "product_gap_regularity" => "Has not ordered any product again",
        "days_since_return" => "Has never sent anything back",
        _ => return None,
    };
    Some(what.to_owned())
}

fn count(name: &str, value: f32) -> String {
    let noun = match name {
        "purchase_days" => ["day", "days"],
        "distinct_products" => ["product", "products"],
        "distinct_categories" => ["category", "categories"],
        _ => ["order", "orders"],
    };
    format!("{value:.0} {}", noun[usize::from(value.round() != 1.0)])
}

fn days(value: f32) -> String {
    format!("{value:.0} {}", if value.round() == 1.0 { "day" } else { "days" })
}

fn percent(value: f32) -> String {
    format!("{:.0} %", f64::from(value) * 100.0)
}

/// "12 % larger", "12 % smaller"; gaps are longer or shorter.
fn step(name: &str, value: f32) -> String {
    let change = (f64::from(value).clamp(-3.0, 3.0).exp() - 1.0) * 100.0;
    let words = if name == "gap_trend" { ["longer", "shorter"] } else { ["larger", "smaller"] };
    format!("{:.0} % {}", change.abs(), words[usize::from(change < 0.0)])
}

/// No number of purchases makes anything certain.
fn probability(value: f32) -> String {
    match value {
        _ if value < 0.01 => "less than 1 %".to_owned(),
        _ if value > 0.99 => "more than 99 %".to_owned(),
        _ => percent(value),
    }
}

fn money(value: f64) -> String {
    if value.abs() < 100.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_topic_has_an_act_of_its_own() {
        let topics: BTreeSet<&str> = ENTRIES.iter().map(|entry| entry.1).collect();
        let acts: BTreeSet<&str> = topics.iter().map(|topic| act(topic)).collect();
        assert_eq!(acts.len(), topics.len());
        assert!(ACTS.iter().all(|(topic, _)| topics.contains(topic)));
    }
}
