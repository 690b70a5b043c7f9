//! Properties of a whole version, on a made-up shop: what must hold whatever the data are.

use std::collections::BTreeSet;

use super::*;
use crate::drift::movement;
use crate::features::COUNT;
use crate::random::SplitMix64;
use crate::words::MOST_WORDS;

/// A shop of three kinds of customers who differ in everything, some of whom are unknown on the cadence axis, and
/// without any data on prices.
fn shop(customers: usize) -> (Matrix, Vec<Facts>) {
    let mut random = SplitMix64::new(42);
    let mut values = Vec::with_capacity(customers * COUNT);
    let mut facts = Vec::new();
    for customer in 0..customers {
        let kind = customer % 3;
        let orders = [1, 3, 12][kind];
        let recency_days = Some(random.below(400) as u32);
        facts.push(Facts { orders, mean_order: Some(20.0 + random.uniform() * 90.0), recency_days });
        for column in 0..COUNT {
            let missing = Axis::PriceSensitivity.columns().contains(&column)
                || (Axis::PurchaseCadence.columns().contains(&column) && kind == 0);
            let place = [0.0, 2.0, 7.0][(kind + column / 20) % 3];
            let value = (place + random.uniform() * 1.5) as f32;
            values.push(if missing { f32::NAN } else { value });
        }
    }
    (Matrix::from_values(COUNT, values), facts)
}

fn fitted(features: &Matrix, facts: &[Facts]) -> (Segmentation, FitReport) {
    let fit = Fit {
        features,
        facts,
        week_before: Some(features),
        alive: None,
        tickets: None,
        tickets_week_before: None,
    };
    Segmentation::fit(&fit).expect("a shop that differs")
}

#[test]
fn three_kinds_of_customers_are_three_segments() {
    let (features, facts) = shop(900);
    let (version, report) = fitted(&features, &facts);
    let frequency = &version.axes[Axis::PurchaseFrequency as usize];
    assert_eq!((&frequency.state, frequency.segments.len()), (&State::Sound, 3));
    assert!(report.axes[0].stability.is_some_and(|found| found > 0.99));
    assert!(matches!(version.axes[Axis::PriceSensitivity as usize].state, State::NoData(_)));
    let assigned = version.assign_all(&features, &facts);
    for (customer, one) in assigned.iter().enumerate() {
        assert_eq!(one.dominant[0], assigned[customer % 3].dominant[0]);
        assert_eq!(one.dominant[Axis::PurchaseCadence as usize].is_none(), customer % 3 == 0);
        assert_eq!(one.rule.is_some(), facts[customer].orders < 3);
        assert_eq!(movement(&one.vector, &one.vector), Some(0.0));
    }
    assert_eq!(report.coverage.covered, 1.0);
    assert!(version.archetype(&assigned[2]).is_some_and(|found| !found.description.is_empty()));
}

/// What tickets say of the customers of `shop`: every second one has written in, some kindly and some not.
fn tickets(customers: usize) -> Matrix {
    let mut random = SplitMix64::new(11);
    let mut table = Matrix::missing(customers, support::COUNT);
    for customer in (0..customers).step_by(2) {
        let place = if customer % 4 == 0 { 0.0 } else { 5.0 };
        for value in table.row_mut(customer) {
            *value = (place + random.uniform()) as f32;
        }
    }
    table
}

#[test]
fn tickets_divide_who_has_written_in_and_change_nothing_else() {
    let (features, facts) = shop(900);
    let tickets = tickets(900);
    let (without, _) = fitted(&features, &facts);
    let fit = Fit {
        features: &features,
        facts: &facts,
        week_before: Some(&features),
        alive: None,
        tickets: Some(&tickets),
        tickets_week_before: Some(&tickets),
    };
    let (version, report) = Segmentation::fit(&fit).expect("a shop");
    assert_eq!((version.axes.len(), report.axes.len()), (AXES, AXES));
    assert_eq!(version.axes[..PURCHASE_AXES], without.axes[..PURCHASE_AXES]);
    let names: Vec<&str> = report.axes.iter().map(|axis| axis.axis.as_str()).collect();
    assert_eq!(names, axis_names().collect::<Vec<_>>());
    for axis in &version.axes[PURCHASE_AXES..] {
        assert_eq!((&axis.state, axis.segments.len()), (&State::Sound, 2));
    }
    assert!(without.axes[PURCHASE_AXES..].iter().all(|axis| matches!(&axis.state,
        State::NoData(reason) if reason == "0 customers have written in; 100 are needed")));

    let assigned = version.assign_all_with(&features, Some(&tickets), &facts);
    let plain = version.assign_all(&features, &facts);
    for (customer, one) in assigned.iter().enumerate() {
        assert_eq!(one.dominant[..PURCHASE_AXES], plain[customer].dominant[..PURCHASE_AXES]);
        assert_eq!(one.archetype, plain[customer].archetype);
        for at in PURCHASE_AXES..AXES {
            assert_eq!(one.dominant[at].is_some(), customer % 2 == 0);
            assert_eq!(one.strength[at].is_some(), customer % 2 == 0);
            assert_eq!(plain[customer].dominant[at], None);
            let total: u32 = one.vector.0[at].iter().map(|&share| u32::from(share)).sum();
            assert_eq!(total, if customer % 2 == 0 { 255 } else { 0 });
        }
        let of_four = |customer: usize| assigned[customer].dominant[PURCHASE_AXES];
        assert!(customer % 2 == 1 || of_four(customer) == of_four(customer % 4));
        let bytes = version.pack(&one.vector);
        assert_eq!(version.unpack(&bytes), Some(one.vector));
    }
    assert_ne!(assigned[0].dominant[PURCHASE_AXES], assigned[2].dominant[PURCHASE_AXES]);

    let few = tickets.select(&(0..900).map(|row| if row < 100 { row } else { 1 }).collect::<Vec<_>>());
    let (version, _) =
        Segmentation::fit(&Fit { tickets: Some(&few), tickets_week_before: None, ..fit }).expect("a shop");
    assert!(version.axes[PURCHASE_AXES..].iter().all(|axis| axis.segments.is_empty()), "50 are too few");
    let mismatch = Segmentation::fit(&Fit { tickets: Some(&tickets.select(&[0])), ..fit });
    assert!(matches!(mismatch, Err(CannotFit::Mismatch(_))));
}

#[test]
fn a_version_from_before_tickets_counted_is_read_as_it_is() {
    let (features, facts) = shop(600);
    let (mut version, _) = fitted(&features, &facts);
    version.axes.truncate(PURCHASE_AXES);
    let text = serde_json::to_string(&version).expect("plain data");
    let stored: Segmentation = serde_json::from_str(&text).expect("its own text");
    for one in stored.assign_all_with(&features, Some(&tickets(600)), &facts) {
        assert_eq!(one.dominant[PURCHASE_AXES..], [None; AXES - PURCHASE_AXES]);
        assert_eq!(stored.unpack(&stored.pack(&one.vector)), Some(one.vector));
    }
}

#[test]
fn names_are_two_to_four_words_and_no_two_alike() {
    let (features, facts) = shop(900);
    let (version, _) = fitted(&features, &facts);
    for axis in &version.axes {
        let names: BTreeSet<&str> = axis.segments.iter().map(|segment| segment.name.as_str()).collect();
        assert_eq!(names.len(), axis.segments.len());
        for name in names {
            assert!((2..=4).contains(&name.split(' ').count()), "{name}");
        }
    }
    let ids: BTreeSet<_> = version.archetypes.list.iter().map(|archetype| archetype.id).collect();
    let names: BTreeSet<_> = version.archetypes.list.iter().map(|archetype| &archetype.name).collect();
    assert_eq!((ids.len(), names.len()), (version.archetypes.list.len(), ids.len()));
    for name in names {
        assert!((1..=MOST_WORDS).contains(&name.split(' ').count()), "{name}");
    }
}

#[test]
fn a_fit_makes_the_same_bits_for_any_number_of_threads() {
    let (features, facts) = shop(600);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| fitted(&features, &facts))
    };
    let (one, report) = on(1);
    assert_eq!((one.clone(), report), on(3));
    let text = serde_json::to_string(&one).expect("plain data");
    let stored: Segmentation = serde_json::from_str(&text).expect("its own text");
    assert_eq!(stored, one);
    assert_eq!(stored.assign_all(&features, &facts), one.assign_all(&features, &facts));
}

#[test]
fn an_assignment_depends_on_nothing_but_the_customer() {
    let (features, facts) = shop(600);
    let (version, _) = fitted(&features, &facts);
    let together = version.assign_all(&features, &facts);
    let order: Vec<usize> = (0..600).rev().collect();
    let turned: Vec<Facts> = order.iter().map(|&row| facts[row]).collect();
    let mut reversed = version.assign_all(&features.select(&order), &turned);
    reversed.reverse();
    assert_eq!(reversed, together);
    for row in [0, 1, 299, 599] {
        assert_eq!(version.assign(features.row(row), &facts[row]), together[row]);
    }
}

#[test]
fn memberships_add_up_and_survive_storage() {
    let (features, facts) = shop(600);
    let (version, _) = fitted(&features, &facts);
    for one in version.assign_all(&features, &facts) {
        for (at, axis) in Axis::ALL.into_iter().enumerate() {
            let total: u32 = one.vector.0[at].iter().map(|&share| u32::from(share)).sum();
            assert_eq!(total, if one.dominant[at].is_some() { 255 } else { 0 });
            assert_eq!(one.vector.axis(axis).is_some(), one.strength[at].is_some());
        }
        let bytes = version.pack(&one.vector);
        assert_eq!((bytes.len(), version.unpack(&bytes)), (version.width(), Some(one.vector)));
        assert_eq!(version.unpack(&bytes[1..]), None);
        assert!(version.numbers(&one.vector).iter().all(|share| (0.0..=1.0).contains(share)));
    }
    assert_eq!(version.unpack(&vec![9; version.width()]), None);
}

#[test]
fn the_probability_of_being_active_has_no_say() {
    let (features, facts) = shop(600);
    let (version, _) = fitted(&features, &facts);
    let column = features::column(ALIVE).expect("the feature exists");
    let mut other = features.clone();
    for row in 0..600 {
        other.row_mut(row)[column] = row as f32;
    }
    assert_eq!(version.assign_all(&other, &facts), version.assign_all(&features, &facts));
    assert_eq!(fitted(&other, &facts).0, version);
}

#[test]
fn what_is_too_small_or_too_uniform_says_so() {
    let cannot = |features: &Matrix, facts: &[Facts]| {
        let fit =
            Fit { features, facts, week_before: None, alive: None, tickets: None, tickets_week_before: None };
        Segmentation::fit(&fit).expect_err("nothing to fit")
    };
    let (features, facts) = shop(10);
    assert_eq!(cannot(&features, &facts), CannotFit::TooFewCustomers { customers: 10 });
    assert_eq!(Rules::fit(&facts).segment(&facts[0]).orders, 1);
    let rules = Segmentation::by_rules_alone(&facts, None, "too small");
    let one = rules.assign(features.row(2), &facts[2]);
    assert_eq!((one.archetype, one.dominant, one.confidence), (None, [None; AXES], Confidence::Rule));
    let many = vec![facts[0]; 500];
    assert_eq!(cannot(&Matrix::missing(500, COUNT), &many), CannotFit::Alike);
    assert_eq!(cannot(&Matrix::from_values(COUNT, vec![4.0; 500 * COUNT]), &many), CannotFit::Alike);
    assert_eq!(cannot(&Matrix::missing(0, COUNT), &[]), CannotFit::TooFewCustomers { customers: 0 });
    assert!(matches!(cannot(&features, &many), CannotFit::Mismatch(_)));
    assert!(matches!(cannot(&Matrix::missing(500, 3), &many), CannotFit::Mismatch(_)));
}

#[test]
fn absurd_values_neither_panic_nor_leak() {
    let (mut features, facts) = shop(600);
    for row in (0..600).step_by(7) {
        let values = [f32::MAX, f32::MIN, 1e30, -1e14, f32::INFINITY, f32::NEG_INFINITY];
        for (column, value) in features.row_mut(row).iter_mut().enumerate() {
            *value = values[(row + column) % values.len()];
        }
    }
    let (version, _) = fitted(&features, &facts);
    for one in version.assign_all(&features, &facts) {
        assert!(version.numbers(&one.vector).iter().all(|share| share.is_finite()));
    }
    // A number that is not finite would be stored as nothing and not come back.
    let text = serde_json::to_string(&version).expect("plain data");
    assert_eq!(serde_json::from_str::<Segmentation>(&text).expect("its own text"), version);
}

#[test]
fn one_heap_is_called_degenerate() {
    let (mut features, facts) = shop(900);
    let mut random = SplitMix64::new(5);
    for row in 0..900 {
        for column in Axis::ReturnBehavior.columns() {
            features.row_mut(row)[column] = if row % 10 < 8 { 0.0 } else { 1.0 + random.uniform() as f32 };
        }
    }
    let (version, report) = fitted(&features, &facts);
    let returns = &version.axes[Axis::ReturnBehavior as usize];
    let State::Degenerate(reason) = &returns.state else { panic!("{returns:?}") };
    assert!(reason.contains("80 %"), "{reason}");
    assert_eq!(returns.segments.len(), report.axes[Axis::ReturnBehavior as usize].shares.len());
    assert_eq!(version.assign(&[f32::NAN; COUNT], &Facts::default()).dominant, [None; AXES]);
}

#[test]
fn people_who_would_wander_are_not_divided() {
    let (features, facts) = shop(900);
    let turned: Vec<usize> = (0..900).map(|row| (row + 1) % 900).collect();
    let before = features.select(&turned);
    let fit = Fit {
        features: &features,
        facts: &facts,
        week_before: Some(&before),
        alive: None,
        tickets: None,
        tickets_week_before: None,
    };
    let (version, report) = Segmentation::fit(&fit).expect("a shop");
    let frequency = &version.axes[Axis::PurchaseFrequency as usize];
    assert!(matches!(&frequency.state, State::Degenerate(reason) if reason.contains("within a week")));
    assert_eq!((frequency.segments.len(), report.axes[0].stability), (1, None));
    assert_eq!(frequency.segments[0].name, "All customers");
}
