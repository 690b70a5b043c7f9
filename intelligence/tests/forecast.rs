//! Forecasts of real monthly revenue: the CDNOW customers in `data/`, who were all won in the first three months.

use std::io::{BufRead, BufReader};

use flate2::read::GzDecoder;
use intelligence::forecast::{Limits, Method, forecast};

/// Revenue of each month from January 1997 to June 1998.
fn monthly_revenue() -> Vec<f64> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/cdnow.csv.gz");
    let file = std::fs::File::open(path).expect("the data of the demo");
    let mut months = vec![0.0; 18];
    for line in BufReader::new(GzDecoder::new(file)).lines().skip(1) {
        let line = line.expect("text");
        let fields: Vec<&str> = line.split(',').collect();
        let year: usize = fields[2][..4].parse().expect("a year");
        let month: usize = fields[2][5..7].parse().expect("a month");
        months[(year - 1997) * 12 + month - 1] += fields[4].parse::<f64>().expect("an amount");
    }
    months
}

#[test]
fn what_followed_lies_in_the_interval_more_often_than_not() {
    let months = monthly_revenue();
    let (mut inside, mut all) = (0, 0);
    for origin in 9..months.len() {
        let found = forecast(&months[..origin], 3, Limits::POSITIVE).expect("enough months");
        for (point, actual) in found.points.iter().zip(&months[origin..]) {
            all += 1;
            inside += u32::from((point.low..=point.high).contains(actual));
        }
    }
    assert!(inside * 10 >= all * 6, "{inside} of {all}");
}

/// Nothing beats the last value on these months, whose level fell to a third in the fourth and then stayed; the error
/// was reckoned independently.
#[test]
fn the_last_value_wins_where_the_level_just_moves_about() {
    let found = forecast(&monthly_revenue(), 6, Limits::POSITIVE).expect("enough months");
    assert_eq!(found.method, Method::Naive);
    assert!((found.backtest[0].mase - 0.599_981).abs() < 1e-6, "{:?}", found.backtest[0]);
    assert!(found.backtest.windows(2).all(|pair| pair[0].mase <= pair[1].mase));
    // A season needs two years of history.
    assert!(found.backtest.iter().all(|score| score.method != Method::SeasonalNaive));
}
