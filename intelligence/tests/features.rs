//! What must hold for any orders: the order of input, the other customers in a batch and everything after the cut-off
//! change no bit, and no input whatever makes a panic or an infinite value.

use intelligence::bg_nbd::BgNbd;
use intelligence::features::{self, TenantStats};
use intelligence::history;
use intelligence::lines::{Line, Lines, LinesBuilder};
use intelligence::matrix::Matrix;
use proptest::prelude::*;

const CUSTOMERS: usize = 6;
const UNTIL_DAY: i32 = 19_400;
const MODEL: BgNbd = BgNbd { r: 0.2723, alpha: 5.9406, a: 0.4630, b: 1.9187 };

fn lines(pushes: &[(u32, Line)]) -> Lines {
    let mut builder = LinesBuilder::default();
    for &(customer, line) in pushes {
        builder.push(customer, line);
    }
    builder.finish(CUSTOMERS)
}

fn features_of(pushes: &[(u32, Line)], until_day: i32) -> (TenantStats, Matrix) {
    let lines = lines(pushes);
    let stats = TenantStats::of(&lines, until_day);
    let table = features::compute(&lines, &stats, Some(&MODEL), until_day);
    (stats, table)
}

fn bits(table: &Matrix) -> Vec<u32> {
    table.values().iter().map(|value| value.to_bits()).collect()
}

/// A line such as a shop has, on a day from 18,900 to 19,500.
fn usual() -> impl Strategy<Value = (u32, Line)> {
    let ids = (0..CUSTOMERS as u32, 1_u64..9, 0_u64..7, 0_u64..4);
    let numbers = (18_900..19_500_i32, 0..1440_i32, 1_u8..4, 0_u32..10_000, 0_u32..3);
    (ids, numbers, any::<bool>(), 0_u8..8).prop_map(
        |((customer, order, product, category), (day, minute, quantity, cents, sale), listed, back)| {
            let amount = f64::from(cents) / 100.0;
            let line = Line {
                minute: day * 1440 + minute,
                order: order * 1000 + u64::from(customer),
                product,
                category,
                quantity: f32::from(quantity),
                amount,
                list_amount: if listed { amount * (1.0 + f64::from(sale) / 4.0) } else { f64::NAN },
                is_return: back == 0,
            };
            (customer, line)
        },
    )
}

/// Any line at all.
fn absurd() -> impl Strategy<Value = (u32, Line)> {
    let amount = || {
        prop_oneof![any::<f64>(), Just(1e14), Just(-1e14), Just(0.0), Just(f64::NAN), Just(5e-324), -9.0..9.0]
    };
    let minute = prop_oneof![any::<i32>(), Just(i32::MIN), Just(i32::MAX), 27_900_000..28_000_000_i32];
    let ids = (0..CUSTOMERS as u32, 0_u64..5, 0_u64..5, 0_u64..3);
    (ids, minute, any::<f32>(), amount(), amount(), any::<bool>()).prop_map(
        |((customer, order, product, category), minute, quantity, amount, list_amount, is_return)| {
            (customer, Line { minute, order, product, category, quantity, amount, list_amount, is_return })
        },
    )
}

fn assert_finite(table: &Matrix) {
    assert!(table.values().iter().all(|value| !value.is_infinite()));
    assert!(table.values().iter().all(|value| value.to_bits() != (-0.0_f32).to_bits()), "no negative zero");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn the_order_of_input_changes_nothing(
        (sorted, shuffled) in prop::collection::vec(usual(), 0..120)
            .prop_flat_map(|pushes| (Just(pushes.clone()), Just(pushes).prop_shuffle()))
    ) {
        let (stats, table) = features_of(&sorted, UNTIL_DAY);
        let (other_stats, other_table) = features_of(&shuffled, UNTIL_DAY);
        prop_assert_eq!(stats, other_stats);
        prop_assert_eq!(bits(&table), bits(&other_table));
        prop_assert_eq!(
            history::summaries(&lines(&sorted), UNTIL_DAY),
            history::summaries(&lines(&shuffled), UNTIL_DAY)
        );
    }

    #[test]
    fn a_customer_alone_has_the_same_features(pushes in prop::collection::vec(usual(), 1..120)) {
        let (stats, table) = features_of(&pushes, UNTIL_DAY);
        let stored = serde_json::to_string(&stats).expect("JSON");
        let stats: TenantStats = serde_json::from_str(&stored).expect("JSON");
        for customer in 0..CUSTOMERS {
            let own: Vec<(u32, Line)> =
                pushes.iter().filter(|push| push.0 == customer as u32).map(|push| (0, push.1)).collect();
            let alone = features::compute(&lines(&own), &stats, Some(&MODEL), UNTIL_DAY);
            let row: Vec<u32> = table.row(customer).iter().map(|value| value.to_bits()).collect();
            let alone: Vec<u32> = alone.row(0).iter().map(|value| value.to_bits()).collect();
            prop_assert_eq!(row, alone);
        }
    }

    #[test]
    fn nothing_after_the_cut_off_changes_anything(
        pushes in prop::collection::vec(usual(), 0..120),
        later in prop::collection::vec(absurd(), 0..20),
    ) {
        let last = (UNTIL_DAY + 1) * 1440 - 1;
        let (before, _): (Vec<_>, Vec<_>) = pushes.iter().copied().partition(|push| push.1.minute <= last);
        let mut with_later = pushes.clone();
        with_later.extend(later.into_iter().map(|(customer, mut line)| {
            line.minute = line.minute.max(last + 1);
            line.order = line.order * 1000 + u64::from(customer);
            (customer, line)
        }));
        let (stats, table) = features_of(&before, UNTIL_DAY);
        for other in [&pushes, &with_later] {
            let (other_stats, other_table) = features_of(other, UNTIL_DAY);
            prop_assert_eq!(&stats, &other_stats);
            prop_assert_eq!(bits(&table), bits(&other_table));
            prop_assert_eq!(
                history::summaries(&lines(&before), UNTIL_DAY),
                history::summaries(&lines(other), UNTIL_DAY)
            );
        }
    }

    #[test]
    fn absurd_input_makes_no_panic_and_no_infinity(
        pushes in prop::collection::vec(absurd(), 0..60),
        until_day in prop_oneof![Just(UNTIL_DAY), any::<i32>()],
    ) {
        let (stats, table) = features_of(&pushes, until_day);
        assert_finite(&table);
        let stored = serde_json::to_string(&stats).expect("JSON");
        let stored: TenantStats = serde_json::from_str(&stored).expect("JSON");
        prop_assert_eq!(stats, stored);
        for summary in history::summaries(&lines(&pushes), until_day).into_iter().flatten() {
            prop_assert!(summary.spend.is_finite() && summary.last <= summary.tenure);
        }
        history::outcomes(&lines(&pushes), until_day.saturating_sub(90), until_day);
    }
}

fn line(day: i32, order: u64, amount: f64) -> Line {
    let minute = day * 1440;
    Line {
        minute,
        order,
        product: 1,
        category: 1,
        quantity: 1.0,
        amount,
        list_amount: amount,
        is_return: false,
    }
}

#[test]
fn without_lines_there_is_nothing() {
    let (stats, table) = features_of(&[], UNTIL_DAY);
    assert_eq!(table.rows(), CUSTOMERS);
    assert!(table.values().iter().all(|value| value.is_nan()));
    assert_eq!((stats.mean_order_value, stats.return_rate, stats.hours_known), (None, None, false));
    let nobody = LinesBuilder::default().finish(0);
    assert_eq!(features::compute(&nobody, &stats, None, UNTIL_DAY).rows(), 0);
}

#[test]
fn who_only_returns_has_no_features_but_counts_for_the_tenant() {
    let back = Line { is_return: true, ..line(19_000, 9, 30.0) };
    let (stats, table) = features_of(&[(0, back), (1, line(19_000, 1, 60.0))], UNTIL_DAY);
    assert!(table.row(0).iter().all(|value| value.is_nan()));
    assert_eq!(stats.return_rate, Some(0.5));
    assert_eq!(history::summaries(&lines(&[(0, back)]), UNTIL_DAY), vec![None; CUSTOMERS]);
}

#[test]
fn equal_customers_have_equal_rows() {
    let pushes: Vec<(u32, Line)> = (0..CUSTOMERS as u32)
        .flat_map(|customer| (0..3).map(move |at| (customer, line(19_000 + 10 * at, at as u64, 5.0))))
        .collect();
    let (_, table) = features_of(&pushes, UNTIL_DAY);
    for customer in 1..CUSTOMERS {
        assert_eq!(bits(&table.select(&[0])), bits(&table.select(&[customer])));
    }
    assert_finite(&table);
}

#[test]
fn a_line_without_an_amount_is_rejected_and_counted() {
    let mut builder = LinesBuilder::default();
    builder.push(0, line(19_000, 1, f64::NAN));
    builder.push(0, line(19_000, 1, 2.0));
    assert_eq!(builder.rejected(), 1);
    assert_eq!(builder.finish(1).len(), 1);
}

#[test]
fn what_a_shop_does_not_record_is_missing() {
    let dates_only: Vec<(u32, Line)> = (0..4)
        .map(|at| {
            (0, Line { list_amount: f64::NAN, product: 0, category: 0, ..line(19_000 + at, at as u64, 5.0) })
        })
        .collect();
    let (_, table) = features_of(&dates_only, UNTIL_DAY);
    for name in ["hour_sine", "discount_depth", "distinct_products", "category_entropy", "return_order_rate"]
    {
        assert_eq!(table.get(0, features::column(name).expect("a feature")), None, "{name}");
    }
}
