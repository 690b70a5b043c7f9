//! The figures of docs/ and the page around them: what is drawn from known numbers, what is said instead of a figure
//! that the data cannot fill, and that the page lists the features as they are and shows figures that exist.

#[path = "../examples/figures/archetypes.rs"]
mod archetypes;
#[path = "../examples/figures/calibration.rs"]
mod calibration;
#[path = "../examples/figures/frame.rs"]
mod frame;
#[path = "../examples/figures/gains.rs"]
mod gains;
#[path = "../examples/figures/profiles.rs"]
mod profiles;
#[path = "../examples/figures/reference.rs"]
mod reference;

use std::path::Path;
use std::slice;

use intelligence::archetypes::Level;
use intelligence::features::{Axis, COUNT, FEATURES, support};
use intelligence::matrix::Matrix;

use archetypes::Size;
use calibration::Probabilities;
use frame::Head;
use gains::Ranking;
use profiles::Divided;

fn docs() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"))
}

fn head() -> Head {
    Head {
        title: "Men & women <all>".to_owned(),
        caption: "4 customers of a.csv as of 1998-04-01".to_owned(),
    }
}

#[test]
fn the_page_lists_the_features_as_they_are() {
    let page = std::fs::read_to_string(docs().join("intelligence.md")).expect("the page");
    let written = reference::replaced(&page).expect("the page says where the features are");
    assert!(page == written, "run `make figures`: docs/intelligence.md lists other features");
    let names =
        FEATURES.iter().map(|feature| feature.name).chain(support::FEATURES.iter().map(|one| one.name));
    for name in names {
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
    }
    assert_eq!(reference::replaced("a page without the place"), None);
    assert!(
        !reference::tables().is_empty() && page.contains(reference::BEGIN) && page.contains(reference::END)
    );
}

#[test]
fn every_figure_of_the_page_is_there() {
    let page = std::fs::read_to_string(docs().join("intelligence.md")).expect("the page");
    let linked: Vec<&str> = page.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    let figures: Vec<&&str> = linked.iter().filter(|link| link.ends_with(".svg")).collect();
    assert!(figures.len() >= 12, "{figures:?}");
    for figure in figures {
        let svg =
            std::fs::read_to_string(docs().join(figure)).unwrap_or_else(|error| panic!("{figure}: {error}"));
        assert_sound(&svg);
    }
}

#[test]
fn what_the_data_cannot_fill_is_said() {
    let reason = "10 customers have bought; 500 are needed".to_owned();
    let axes = gains::Axes { across: "customers", up: "buyers" };
    let unknown = [1.0, 0.0];
    let rankings = Ok(vec![Ranking { name: "ours".to_owned(), scores: vec![0.1, 0.2] }]);
    let model = Ok(Probabilities { name: "ours".to_owned(), values: Vec::new() });
    let nobody = Divided {
        axis: Axis::PurchaseValue,
        names: &["all".to_owned()],
        features: &Matrix::missing(1, COUNT),
        dominant: &[None],
        later: &[],
        days: ["1998-01-01", "1998-04-01"],
    };
    let drawn = [
        gains::draw(&head(), axes, &Err(reason.clone()), &unknown),
        gains::draw(&head(), axes, &rankings, &[0.0, 0.0]),
        calibration::draw(&head(), 90, &Err(reason), &[], &[true]),
        calibration::draw(&head(), 90, &model, &[], &[]),
        profiles::draw(&head(), Err("no products".to_owned())),
        profiles::draw(&head(), Ok(nobody)),
        archetypes::draw(&head(), 90, &Err("8 customers".to_owned()), 8),
        archetypes::draw(&head(), 90, &Ok(Vec::new()), 0),
    ];
    for svg in drawn {
        let svg = svg.expect("a drawing");
        assert_sound(&svg);
        assert!(svg.contains("not enough data: "), "{svg}");
    }
}

#[test]
fn figures_are_the_same_every_time_and_say_what_they_show() {
    let churned: Vec<bool> = (0..400).map(|at| at % 5 != 0).collect();
    let values: Vec<f64> = (0..400).map(|at| f64::from(at) / 399.0).collect();
    let ours = Probabilities { name: "ours".to_owned(), values: values.clone() };
    let other = Probabilities { name: "theirs".to_owned(), values: values.iter().map(|p| 1.0 - p).collect() };
    let draw = || {
        calibration::draw(&head(), 90, &Ok(ours.clone()), slice::from_ref(&other), &churned)
            .expect("a drawing")
    };
    let svg = draw();
    assert_eq!(svg, draw());
    assert_sound(&svg);
    for words in
        ["within 90 days", "customers", "ours, with 95 % intervals", "theirs", "Men &amp; women &lt;all&gt;"]
    {
        assert!(svg.contains(words), "{words}");
    }
    let worth: Vec<f64> = churned.iter().map(|&churned| f64::from(u8::from(!churned))).collect();
    let rankings = Ok(vec![Ranking { name: "ours".to_owned(), scores: values }]);
    let svg =
        gains::draw(&head(), gains::Axes { across: "x", up: "y" }, &rankings, &worth).expect("a drawing");
    assert_sound(&svg);
    assert!(svg.contains("chance, dashed (20.0 %)") && svg.contains("foresight (100.0 %)"));
}

#[test]
fn gains_share_ties_evenly_and_know_no_negative_worth() {
    let worth = [3.0, 1.0, 0.0, 0.0];
    let flat = gains::curve(&[1.0; 4], &worth).expect("worth");
    let best = gains::curve(&worth, &worth).expect("worth");
    let at = |curve: &[f64], share: f64| curve[(share * (curve.len() - 1) as f64) as usize];
    for (share, expected) in [(0.0, 0.0), (0.25, 0.25), (0.5, 0.5), (1.0, 1.0)] {
        assert!((at(&flat, share) - expected).abs() < 1e-12);
    }
    for (share, expected) in [(0.0, 0.0), (0.125, 0.375), (0.25, 0.75), (0.5, 1.0), (1.0, 1.0)] {
        assert!((at(&best, share) - expected).abs() < 1e-12, "{share}");
    }
    assert_eq!(gains::curve(&[1.0, 2.0], &[-5.0, f64::NAN]), None);
    assert_eq!(gains::curve(&[], &[]), None);
}

#[test]
fn intervals_of_shares_are_wilsons() {
    // 8 of 10: 0.4902 to 0.9433 (Newcombe, Statistics in Medicine 17, 1998, method 3)
    let (low, high) = calibration::wilson(0.8, 10.0);
    assert!((low - 0.4902).abs() < 5e-5 && (high - 0.9433).abs() < 5e-5, "{low} {high}");
    assert_eq!(calibration::wilson(0.0, 5.0).0, 0.0);
}

#[test]
fn profiles_are_means_in_standard_deviations() {
    let mut features = Matrix::missing(5, COUNT);
    let first = Axis::PurchaseFrequency.columns().start;
    for (row, value) in [(0, 1.0), (1, 1.0), (2, 3.0), (3, 3.0)] {
        features.row_mut(row)[first] = value;
    }
    let names = ["Few orders".to_owned(), "Many orders".to_owned()];
    let dominant = [Some(0), Some(0), Some(1), Some(1), None];
    let divided = Divided {
        axis: Axis::PurchaseFrequency,
        names: &names,
        features: &features,
        dominant: &dominant,
        later: &[Some(0), None, None, None, None],
        days: ["1998-01-01", "1998-04-01"],
    };
    let profile = profiles::profile(&divided);
    assert_eq!(profiles::shares(divided.dominant, 2), [0.5, 0.5]);
    assert_eq!(profiles::shares(&[None], 2), [0.0, 0.0]);
    assert_eq!((profile[0][0], profile[1][0], profile[0][1]), (Some(-1.0), Some(1.0), None));
    let svg = profiles::draw(&head(), Ok(divided)).expect("a drawing");
    assert_sound(&svg);
    for words in ["-1.0", "+1.0", "50.0 %", "100.0 %", "missing", "purchase days", "standard deviations"] {
        assert!(svg.contains(words), "{words}");
    }
}

#[test]
fn small_archetypes_are_added_up() {
    let size = |at: usize| Size {
        name: format!("Archetype {at}"),
        level: [Level::L2, Level::L1, Level::Pair, Level::Single][at % 4],
        customers: 100 - at,
        purchased: Some(at),
    };
    let svg = archetypes::draw(&head(), 90, &Ok((0..30).map(size).collect()), 3000).expect("a drawing");
    assert_sound(&svg);
    assert!(
        svg.contains("16 smaller archetypes together") && svg.contains("100 (3.3 %), 0 % purchased"),
        "{svg}"
    );
}

/// A picture without a number that is none, and in colours, letters and size like all others.
fn assert_sound(svg: &str) {
    assert!(
        svg.starts_with("<svg width=\"800\" height=\"500\"") && svg.trim_end().ends_with("</svg>"),
        "{svg}"
    );
    assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{svg}");
    assert!(svg.contains("role=\"img\"") && svg.contains("<title>"), "{svg}");
}
