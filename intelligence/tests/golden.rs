//! Every feature of a small shop against numbers computed independently: `golden/naive.py` is a second
//! implementation, straight from the definitions and without any code in common, that made `golden/expected.csv`.
//!
//! The shop has customers with one order, with returns only, with several orders a day, with orders after the
//! cut-off only, with coupons, unknown prices, quantities, products and categories, and orders across the cut-off.

use intelligence::bg_nbd::BgNbd;
use intelligence::features::{self, COUNT, FEATURES, TenantStats};
use intelligence::history;
use intelligence::lines::{Line, Lines, LinesBuilder, key};

const CUSTOMERS: usize = 12;
const UNTIL_DAY: i32 = 19_730;

fn lines() -> Lines {
    let mut builder = LinesBuilder::default();
    for row in include_str!("golden/lines.csv").lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let customer = cells[0][1..].parse().expect("a number");
        let id = |text: &str| if text.is_empty() { 0 } else { key(text.as_bytes()) };
        let number = |text: &str| if text.is_empty() { f64::NAN } else { text.parse().expect("a number") };
        let line = Line {
            minute: cells[2].parse().expect("a number"),
            order: id(cells[1]),
            product: id(cells[3]),
            category: id(cells[4]),
            quantity: number(cells[5]) as f32,
            amount: number(cells[6]),
            list_amount: number(cells[7]),
            is_return: cells[8] == "1",
        };
        builder.push(customer, line);
    }
    builder.finish(CUSTOMERS)
}

#[test]
fn every_feature_equals_the_independent_computation() {
    let lines = lines();
    let stats = TenantStats::of(&lines, UNTIL_DAY);
    let model = BgNbd { r: 0.2723, alpha: 5.9406, a: 0.4630, b: 1.9187 };
    let table = features::compute(&lines, &stats, Some(&model), UNTIL_DAY);
    let expected = include_str!("golden/expected.csv");
    assert_eq!((table.rows(), expected.lines().count()), (CUSTOMERS, CUSTOMERS));
    let mut compared = 0;
    for (customer, row) in expected.lines().enumerate() {
        let cells: Vec<&str> = row.split(',').skip(1).collect();
        assert_eq!(cells.len(), COUNT);
        for (column, cell) in cells.into_iter().enumerate() {
            let expected: Option<f64> = (!cell.is_empty()).then(|| cell.parse().expect("a number"));
            let found = table.get(customer, column).map(f64::from);
            let equal = match (found, expected) {
                (Some(found), Some(expected)) => {
                    (found - expected).abs() <= 2e-6 * expected.abs().max(found.abs()).max(0.1)
                }
                (found, expected) => found == expected,
            };
            assert!(equal, "{} of c{customer}: {found:?} for {expected:?}", FEATURES[column].name);
            compared += usize::from(found.is_some());
        }
    }
    assert!(compared > 500, "most features can be computed: {compared}");
}

#[test]
fn summaries_and_outcomes_agree_with_the_features() {
    let lines = lines();
    let stats = TenantStats::of(&lines, UNTIL_DAY);
    let table = features::compute(&lines, &stats, None, UNTIL_DAY);
    let column = |name| features::column(name).expect("a feature");
    let before = history::outcomes(&lines, UNTIL_DAY - 90, UNTIL_DAY);
    let after = history::outcomes(&lines, UNTIL_DAY, UNTIL_DAY + 90);
    for (customer, summary) in history::summaries(&lines, UNTIL_DAY).into_iter().enumerate() {
        let get = |name| table.get(customer, column(name)).map(f64::from);
        let Some(summary) = summary else {
            assert_eq!(get("orders"), None);
            continue;
        };
        assert_eq!(get("orders"), Some(f64::from(summary.orders)));
        assert_eq!(get("purchase_days"), Some(f64::from(summary.repeats) + 1.0));
        assert_eq!(get("tenure_days"), Some(f64::from(summary.tenure)));
        assert_eq!(get("recency_days"), Some(f64::from(summary.tenure - summary.last)));
        assert_eq!(get("spend_90d"), Some(f64::from(summary.spend_90 as f32)));
        assert_eq!(get("log_spend"), Some(f64::from(summary.spend.ln_1p() as f32)));
        assert_eq!(get("orders_90d"), Some(f64::from(before[customer].orders)));
        assert!((before[customer].spend - summary.spend_90).abs() < 1e-9);
        assert_eq!(summary.mean_repeat_value.is_some(), summary.repeats > 0);
    }
    let buyers: Vec<usize> = (0..CUSTOMERS).filter(|&customer| after[customer].orders > 0).collect();
    assert_eq!(buyers, [5, 8], "only they have an order that begins after the cut-off");
}

#[test]
fn a_feature_has_a_name_of_its_own_and_a_place_on_its_axis() {
    for (column, feature) in FEATURES.iter().enumerate() {
        assert_eq!(features::column(feature.name), Some(column));
        assert!(feature.axis.columns().contains(&column) && !feature.meaning.is_empty());
    }
}
