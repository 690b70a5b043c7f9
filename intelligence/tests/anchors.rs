//! The purchase models against published fits on real purchases (the CDNOW customers in `data/`).

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
};

use flate2::read::GzDecoder;
use intelligence::{
    bg_nbd::{BgNbd, Observation},
    gamma_gamma::GammaGamma,
};

/// Days since 1997-01-01 of CDNOW's dates (1997 and 1998 are no leap years).
fn day(date: &str) -> u32 {
    let number = |range: std::ops::Range<usize>| date[range].parse::<u32>().expect("digits");
    let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    (number(0..4) - 1997) * 365 + before[number(5..7) as usize - 1] + number(8..10) - 1
}

/// For every customer the value of each purchase day up to and including `until`.
fn purchase_days(until: u32) -> BTreeMap<u32, BTreeMap<u32, f64>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/cdnow.csv.gz");
    let file = std::fs::File::open(path).expect("the data of the demo");
    let mut customers: BTreeMap<u32, BTreeMap<u32, f64>> = BTreeMap::new();
    for line in BufReader::new(GzDecoder::new(file)).lines().skip(1) {
        let line = line.expect("text");
        let fields: Vec<&str> = line.split(',').collect();
        let day = day(fields[2]);
        if day <= until {
            let days = customers.entry(fields[1].parse().expect("a number")).or_default();
            *days.entry(day).or_default() += fields[4].parse::<f64>().expect("an amount");
        }
    }
    customers
}

fn observations(customers: &BTreeMap<u32, BTreeMap<u32, f64>>, until: u32) -> Vec<Observation> {
    customers
        .values()
        .map(|days| {
            let (first, last) = (days.keys().next().expect("a day"), days.keys().last().expect("a day"));
            Observation { repeats: days.len() as u32 - 1, last: last - first, tenure: until - first }
        })
        .collect()
}

fn near(found: f64, expected: f64, tolerance: f64) {
    assert!((found / expected - 1.0).abs() < tolerance, "{found} is not {expected}");
}

#[test]
fn bg_nbd_and_gamma_gamma_on_all_customers() {
    let until = day("1998-04-01");
    let customers = purchase_days(until);
    let rows = observations(&customers, until);
    assert_eq!(rows.len(), 23_570);
    let BgNbd { r, alpha, a, b } = BgNbd::fit(rows).expect("a fit").model;
    near(r, 0.2723, 1e-3);
    near(alpha / 7.0, 5.9406, 1e-3);
    near(a, 0.4630, 1e-3);
    near(b, 1.9187, 1e-3);

    // the mean value of a repeat purchase day, of those who came back; purchases of nothing are no purchases here
    let repeats: Vec<(f64, f64)> = customers
        .values()
        .map(|days| days.values().copied().filter(|value| *value > 0.0).collect::<Vec<f64>>())
        .filter(|values| values.len() > 1)
        .map(|values| {
            let count = (values.len() - 1) as f64;
            (count, values[1..].iter().sum::<f64>() / count)
        })
        .collect();
    let GammaGamma { p, q, gamma } = GammaGamma::fit(&repeats).expect("a fit");
    near(p, 5.034, 2e-3);
    near(q, 3.918, 2e-3);
    near(gamma, 21.114, 2e-3);
}
