//! The tables of features in docs/intelligence.md, written from the features' own names and meanings.

use std::fmt::Write;

use intelligence::features::{Axis, FEATURES, support};

/// Stands before the tables in the page,
pub const BEGIN: &str = "<!-- features: written by make figures -->";
/// and behind them.
pub const END: &str = "<!-- features: end -->";

/// Both tables, of the axes of purchases and of the axes of tickets.
pub fn tables() -> String {
    let mut out = String::new();
    let mut row = |cells: [&str; 3]| {
        writeln!(out, "| {} | {} | {} |", cells[0], cells[1], cells[2])
            .expect("writing to memory does not fail");
    };
    let named = |axis: &str| format!("`{axis}`");
    row(["Axis", "Feature", "Meaning"]);
    row(["---", "---", "---"]);
    for axis in Axis::ALL {
        for (at, feature) in FEATURES[axis.columns()].iter().enumerate() {
            let axis = if at == 0 { named(axis.name()) } else { String::new() };
            row([&axis, &named(feature.name), feature.meaning]);
        }
    }
    let mut before = "";
    row(["**of tickets**", "", ""]);
    for feature in &support::FEATURES {
        let axis = feature.axis.name();
        row([
            &if axis == before { String::new() } else { named(axis) },
            &named(feature.name),
            feature.meaning,
        ]);
        before = axis;
    }
    out
}

/// The page with the tables in their place; `None` if it does not say where that is.
pub fn replaced(page: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{}\n{END}{after}", tables()))
}
