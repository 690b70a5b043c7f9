//! How many customers each archetype has, and how many of them purchased afterwards.

use intelligence::archetypes::Level;
use plotters::element::{Rectangle, Text};
use plotters::style::{Color, RGBColor};

use crate::frame::{
    Align, Area, BLUE, DrawingError, GREEN, GREY, Head, INK, ORANGE, VERMILION, figure, text, thousands,
    wrapped,
};

/// One archetype.
#[derive(Clone, Debug)]
pub struct Size {
    /// In words.
    pub name: String,
    /// What it rests on.
    pub level: Level,
    /// Customers who have it.
    pub customers: usize,
    /// Those of them who purchased in the days after; none if the data do not reach so far.
    pub purchased: Option<usize>,
}

/// Archetypes shown by name; the smaller ones are added up.
const SHOWN: usize = 14;
/// Where the bars begin and end, in pixels; the numbers stand behind them.
const BARS: (i32, i32) = (352, 580);
const TOP: i32 = 34;
const BOTTOM: i32 = 402;

/// The sizes of the archetypes of so many customers, the largest first.
pub fn draw(
    head: &Head,
    horizon: u32,
    sizes: &Result<Vec<Size>, String>,
    customers: usize,
) -> Result<String, DrawingError> {
    let draw = sizes.as_ref().map_err(Clone::clone).and_then(|sizes| match largest(sizes) {
        rows if rows.is_empty() || customers == 0 => Err("no archetype has enough customers".to_owned()),
        rows => Ok(move |area: &Area<'_>| bars(area, horizon, &rows, customers)),
    });
    figure(head, draw)
}

/// A bar: label, colour, customers, purchased.
struct Row {
    label: String,
    colour: RGBColor,
    customers: usize,
    purchased: Option<usize>,
}

/// The largest archetypes, and one row for all others.
fn largest(sizes: &[Size]) -> Vec<Row> {
    let mut sorted: Vec<&Size> = sizes.iter().filter(|size| size.customers > 0).collect();
    sorted.sort_by(|one, other| other.customers.cmp(&one.customers).then_with(|| one.name.cmp(&other.name)));
    let row = |size: &&Size| Row {
        label: size.name.clone(),
        colour: colour(size.level),
        customers: size.customers,
        purchased: size.purchased,
    };
    let shown = if sorted.len() > SHOWN + 1 { SHOWN } else { sorted.len() };
    let (named, rest) = sorted.split_at(shown);
    let mut rows: Vec<Row> = named.iter().map(row).collect();
    if !rest.is_empty() {
        rows.push(Row {
            label: format!("{} smaller archetypes together", rest.len()),
            colour: GREY,
            customers: rest.iter().map(|size| size.customers).sum(),
            purchased: rest.iter().map(|size| size.purchased).sum(),
        });
    }
    rows
}

fn bars(area: &Area<'_>, horizon: u32, rows: &[Row], customers: usize) -> Result<(), DrawingError> {
    legend(area)?;
    let most = rows.iter().map(|row| row.customers).max().unwrap_or(1).max(1);
    let pitch = ((BOTTOM - TOP) / rows.len() as i32).min(40);
    for (at, row) in rows.iter().enumerate() {
        let middle = TOP + pitch * at as i32 + pitch / 2;
        let half = (pitch * 2 / 5).max(1);
        let end = BARS.0 + ((BARS.1 - BARS.0) as usize * row.customers / most).max(1) as i32;
        area.draw(&Rectangle::new([(BARS.0, middle - half), (end, middle + half)], row.colour.filled()))?;
        let mut lines = wrapped(&row.label, 54);
        if lines.len() > 2 {
            lines.truncate(2);
            lines[1].push_str(" …");
        }
        let first = middle - 6 * (lines.len() as i32 - 1);
        for (line, words) in lines.into_iter().enumerate() {
            let at = (BARS.0 - 8, first + 12 * line as i32);
            area.draw(&Text::new(words, at, text(10, INK, Align::Right).plain()))?;
        }
        let share = row.customers as f64 / customers as f64 * 100.0;
        let bought = row.purchased.map(|purchased| purchased as f64 / row.customers.max(1) as f64 * 100.0);
        let bought = bought.map_or_else(String::new, |bought| format!(", {bought:.0} % purchased"));
        let numbers = format!("{} ({share:.1} %){bought}", thousands(row.customers));
        area.draw(&Text::new(numbers, (end + 6, middle), text(11, INK, Align::Left).plain()))?;
    }
    let what = format!("customers (share of all), and how many purchased in the {horizon} days after");
    area.draw(&Text::new(what, (BARS.0, BOTTOM + 18), text(11, INK, Align::Left).plain()))?;
    let archetype = "archetype";
    area.draw(&Text::new(archetype, (BARS.0 - 8, BOTTOM + 18), text(11, INK, Align::Right).plain()))
}

fn legend(area: &Area<'_>) -> Result<(), DrawingError> {
    let entries = [
        (Level::L2, 16, "frequency, value, maturity, cadence, price"),
        (Level::L1, 304, "frequency, value, maturity"),
        (Level::Pair, 496, "frequency, value"),
        (Level::Single, 630, "frequency"),
    ];
    for (level, x, words) in entries {
        area.draw(&Rectangle::new([(x, 10), (x + 12, 22)], colour(level).filled()))?;
        area.draw(&Text::new(words, (x + 18, 16), text(11, INK, Align::Left).plain()))?;
    }
    Ok(())
}

fn colour(level: Level) -> RGBColor {
    match level {
        Level::L2 => BLUE,
        Level::L1 => ORANGE,
        Level::Pair => GREEN,
        Level::Single => VERMILION,
    }
}
