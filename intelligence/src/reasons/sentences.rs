//! The sentences: for every feature one for a customer whom it draws away and one for a customer whom it holds.
//! `{}` is the value in the feature's unit.

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
}
use Unit::{Count, Days, LogMoney, Money, Number, Percent, Probability};

/// A feature: its name, what it is about, its unit, and the sentences for leaving and for staying.
type Entry = (&'static str, &'static str, Unit, &'static str, &'static str);

#[rustfmt::skip]
static ENTRIES: [Entry; 66] = [
    ("orders", "orders", Count, "Only {} so far, too few for a habit", "{} so far, enough to make a habit"),
    ("purchase_days", "orders", Count, "Has ordered on {} only", "Has ordered on {}"),
    ("orders_30d", "recent orders", Count, "{} in the last 30 days, few for this shop", "{} in the last 30 days"),
    ("orders_90d", "recent orders", Count, "{} in the last 90 days, few for this shop", "{} in the last 90 days"),
    ("orders_365d", "orders", Count, "{} in the last year, few for this shop", "{} in the last year"),
    ("monthly_rate", "rate", Number, "Comes back only {} times a month", "Comes back {} times a month"),
    ("recency_weighted_orders", "recent orders", Number, "Most orders are long ago (recent orders weigh {})", "Orders are many and recent (they weigh {})"),
    ("active_months_share", "rate", Percent, "Ordered in only {} of the months since the first order", "Ordered in {} of the months since the first order"),
    ("log_spend", "spend", LogMoney, "Has spent {} in all, which here goes with leaving", "Has spent {} in all, which here goes with staying"),
    ("spend_90d", "recent spend", Money, "Only {} was spent in the last 90 days", "{} was spent in the last 90 days"),
    ("spend_365d", "spend", Money, "Only {} was spent in the last year", "{} was spent in the last year"),
    ("mean_order_value", "order value", Money, "An order is worth about {}, which here goes with leaving", "An order is worth about {}, which here goes with staying"),
    ("median_order_value", "order value", Money, "A typical order is worth {}, which here goes with leaving", "A typical order is worth {}, which here goes with staying"),
    ("largest_order_value", "order value", Money, "The largest order was {}, which here goes with leaving", "The largest order was {}, which here goes with staying"),
    ("order_value_variation", "order value spread", Percent, "Order values differ by {} of their mean, which here goes with leaving", "Order values differ by {} of their mean, which here goes with staying"),
    ("order_value_trend", "order value trend", Number, "The orders' values change by {} on a log scale from one to the next, which here goes with leaving", "The orders' values change by {} on a log scale from one to the next, which here goes with staying"),
    ("units_per_order", "units", Number, "{} units in an order, which here goes with leaving", "{} units in an order, which here goes with staying"),
    ("distinct_products", "variety", Count, "Knows only {} of the shop", "Has bought {}"),
    ("distinct_categories", "variety", Count, "Has bought from only {}", "Has bought from {}"),
    ("category_entropy", "category mix", Number, "Keeps to few categories (entropy {})", "Buys across categories (entropy {})"),
    ("effective_categories", "category mix", Number, "Buys from effectively {} categories, which here goes with leaving", "Buys from effectively {} categories, which here goes with staying"),
    ("top_category_share", "category mix", Percent, "{} of all lines are from one category, which here goes with leaving", "{} of all lines are from one category, which here goes with staying"),
    ("new_product_share_180d", "new products", Percent, "{} of the last half year's lines were first tries, which here goes with leaving", "{} of the last half year's lines were first tries, which here goes with staying"),
    ("new_category_share_180d", "new products", Percent, "{} of the last half year's lines were from new categories, which here goes with leaving", "{} of the last half year's lines were from new categories, which here goes with staying"),
    ("categories_per_order", "category mix", Number, "{} categories in an order, which here goes with leaving", "{} categories in an order, which here goes with staying"),
    ("discounted_order_share", "discounts", Percent, "{} of the orders had a discount, which here goes with leaving", "{} of the orders had a discount, which here goes with staying"),
    ("discount_depth", "discounts", Percent, "Paid {} below list prices, which here goes with leaving", "Paid {} below list prices, which here goes with staying"),
    ("deepest_discount", "discounts", Percent, "Once had a discount of {}, which here goes with leaving", "Once had a discount of {}, which here goes with staying"),
    ("discount_depth_90d", "discounts", Percent, "Paid {} below list prices in the last 90 days, which here goes with leaving", "Paid {} below list prices in the last 90 days, which here goes with staying"),
    ("full_price_spend_share", "discounts", Percent, "{} of the spend was at full price, which here goes with leaving", "{} of the spend was at full price, which here goes with staying"),
    ("price_against_median", "price level", Percent, "Pays {} of the usual price of a product, which here goes with leaving", "Pays {} of the usual price of a product, which here goes with staying"),
    ("price_percentile", "price level", Percent, "Buys above {} of a category's prices, which here goes with leaving", "Buys above {} of a category's prices, which here goes with staying"),
    ("sale_day_affinity", "discounts", Percent, "Discounts on the days of purchase are {} above the usual, which here goes with leaving", "Discounts on the days of purchase are {} above the usual, which here goes with staying"),
    ("mean_gap_days", "gaps", Days, "Orders are {} apart on average, which here goes with leaving", "Orders are {} apart on average, which here goes with staying"),
    ("median_gap_days", "gaps", Days, "Orders are usually {} apart, which here goes with leaving", "Orders are usually {} apart, which here goes with staying"),
    ("burstiness", "rhythm", Number, "The rhythm of the orders (burstiness {}) goes with leaving here", "The rhythm of the orders (burstiness {}) goes with staying here"),
    ("last_gap_days", "last gap", Days, "The last two orders were {} apart, which here goes with leaving", "The last two orders were {} apart, which here goes with staying"),
    ("gap_trend", "gap trend", Number, "The gaps between orders change by {} on a log scale, which here goes with leaving", "The gaps between orders change by {} on a log scale, which here goes with staying"),
    ("weekend_share", "time of week", Percent, "Orders at the weekend with a share of {}, which here goes with leaving", "Orders at the weekend with a share of {}, which here goes with staying"),
    ("hour_sine", "time of day", Number, "The time of day of the orders goes with leaving here", "The time of day of the orders goes with staying here"),
    ("hour_cosine", "time of day", Number, "The time of day of the orders goes with leaving here", "The time of day of the orders goes with staying here"),
    ("seasonality", "season", Percent, "Orders gather {} in one season of the year, which here goes with leaving", "Orders gather {} in one season of the year, which here goes with staying"),
    ("tenure_days", "tenure", Days, "First ordered {} ago, which here goes with leaving", "First ordered {} ago, which here goes with staying"),
    ("recency_days", "recency", Days, "No order for {}", "Ordered only {} ago"),
    ("recency_share", "recency", Percent, "{} of the time as a customer has passed since the last order", "Only {} of the time as a customer has passed since the last order"),
    ("overdue", "recency", Number, "The time since the last order is {} times the expected gap", "The time since the last order is only {} times the expected gap"),
    ("alive_probability", "alive", Probability, "The rhythm of the purchases gives {} that this customer is still active", "The rhythm of the purchases gives {} that this customer is active"),
    ("order_momentum", "momentum", Number, "Orders have slowed against the quarter before ({} on a log scale)", "Orders have held or grown against the quarter before ({} on a log scale)"),
    ("days_to_second_order", "second order", Days, "Took {} to come back for a second order, which here goes with leaving", "Came back for a second order after {}"),
    ("late_spend_share", "spend timing", Percent, "Only {} of the spend is from the later half of the time as a customer", "{} of the spend is from the later half of the time as a customer"),
    ("repeated_product_share", "repurchase", Percent, "{} of the products were ordered again, which here goes with leaving", "{} of the products were ordered again, which here goes with staying"),
    ("repeat_line_share", "repurchase", Percent, "{} of the lines are repeat purchases, which here goes with leaving", "{} of the lines are repeat purchases, which here goes with staying"),
    ("repeat_spend_share", "repurchase", Percent, "{} of the spend is on repeat purchases, which here goes with leaving", "{} of the spend is on repeat purchases, which here goes with staying"),
    ("product_gap_days", "product gap", Days, "A product is ordered again after {}, which here goes with leaving", "A product is ordered again after {}, which here goes with staying"),
    ("product_gap_regularity", "product gap", Percent, "Repurchases are regular to {}, which here goes with leaving", "Repurchases are regular to {}, which here goes with staying"),
    ("last_baskets_overlap", "baskets", Percent, "The last two orders share {} of their products, which here goes with leaving", "The last two orders share {} of their products, which here goes with staying"),
    ("top_product_share", "concentration", Percent, "{} of the spend is on one product, which here goes with leaving", "{} of the spend is on one product, which here goes with staying"),
    ("product_concentration", "concentration", Percent, "Spend is concentrated on few products ({}), which here goes with leaving", "Spend is spread over products (concentration {}), which here goes with staying"),
    ("return_value_rate", "returns", Percent, "Sends back {} of the value, which here goes with leaving", "Sends back {} of the value, which here goes with staying"),
    ("return_line_rate", "returns", Percent, "Sends back {} of the lines, which here goes with leaving", "Sends back {} of the lines, which here goes with staying"),
    ("return_order_rate", "returns", Percent, "There are returns for {} of the orders, which here goes with leaving", "There are returns for {} of the orders, which here goes with staying"),
    ("days_since_return", "last return", Days, "The last return was {} ago, which here goes with leaving", "The last return was {} ago, which here goes with staying"),
    ("returned_value_90d", "returns", Money, "Sent back goods for {} in the last 90 days, which here goes with leaving", "Sent back goods for {} in the last 90 days, which here goes with staying"),
    ("log_returned_value", "returns", LogMoney, "Has sent back goods for {} in all, which here goes with leaving", "Has sent back goods for {} in all, which here goes with staying"),
    ("largest_return_share", "returns", Percent, "The largest return was {} of the largest order, which here goes with leaving", "The largest return was {} of the largest order, which here goes with staying"),
    ("return_rate_change", "return trend", Percent, "The rate of returns changed by {} in half a year, which here goes with leaving", "The rate of returns changed by {} in half a year, which here goes with staying"),
];

/// What a feature is about; of features about the same thing one is told.
pub(super) fn topic(name: &str) -> &'static str {
    ENTRIES.iter().find(|entry| entry.0 == name).map_or("", |entry| entry.1)
}

/// The sentence for a feature of a row; none where there is nothing to say.
pub(super) fn sentence(name: &str, row: &[f32], leaving: bool) -> Option<String> {
    let of = |name: &str| column(name).and_then(|at| row.get(at).copied()).filter(|value| value.is_finite());
    let (_, _, unit, draws_away, holds) = ENTRIES.iter().find(|entry| entry.0 == name)?;
    let Some(value) = of(name) else { return missing(name, leaving) };
    if let Some(sentence) = special(name, value, of("mean_gap_days"), leaving) {
        return Some(sentence);
    }
    let text = match unit {
        Count => count(name, value),
        Days => days(value),
        Money => money(f64::from(value)),
        LogMoney => money(f64::from(value).clamp(-50.0, 50.0).exp() - 1.0),
        Percent => format!("{:.0} %", f64::from(value) * 100.0),
        Probability => probability(value),
        Number => format!("{value:.1}"),
    };
    Some((if leaving { draws_away } else { holds }).replace("{}", &text))
}

/// Where a plainer sentence than the table's exists.
fn special(name: &str, value: f32, gap: Option<f32>, leaving: bool) -> Option<String> {
    let whole = value.round();
    match (name, gap) {
        ("recency_days", Some(gap)) if leaving && gap >= 0.5 => {
            Some(format!("No order for {}; this customer usually orders every {gap:.0}", days(value)))
        }
        ("recency_days", _) if whole == 0.0 => {
            Some(if leaving { "Ordered today, and mostly just once" } else { "Ordered today" }.to_owned())
        }
        ("orders", _) if leaving && whole == 1.0 => Some("Has ordered only once".to_owned()),
        ("orders_30d" | "orders_90d", _) if whole == 0.0 => {
            let span = if name == "orders_30d" { "30" } else { "90" };
            let more = if leaving { "" } else { ", which here goes with staying" };
            Some(format!("No order in the last {span} days{more}"))
        }
        ("spend_90d", _) if value == 0.0 => {
            let more = if leaving { "" } else { ", which here goes with staying" };
            Some(format!("Nothing was spent in the last 90 days{more}"))
        }
        _ => None,
    }
}

/// A missing number is worth a sentence where it means that something has not happened yet.
fn missing(name: &str, leaving: bool) -> Option<String> {
    let what = match name {
        "mean_gap_days" | "median_gap_days" | "last_gap_days" | "days_to_second_order" => {
            "Has not come back for a second order yet"
        }
        "burstiness" | "gap_trend" => "Has too few orders to show a rhythm",
        "product_gap_days" | "product_gap_regularity" => "Has not ordered any product again",
        "days_since_return" => "Has never sent anything back",
        _ => return None,
    };
    Some(format!("{what}, which here goes with {}", if leaving { "leaving" } else { "staying" }))
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

/// No number of purchases makes anything certain.
fn probability(value: f32) -> String {
    match value {
        _ if value < 0.01 => "less than 1 %".to_owned(),
        _ if value > 0.99 => "more than 99 %".to_owned(),
        _ => format!("{:.0} %", f64::from(value) * 100.0),
    }
}

fn money(value: f64) -> String {
    if value.abs() < 100.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}
