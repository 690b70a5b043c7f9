//! How much of what matters (buyers, spend) is with the customers that a score puts first: the cumulative gains, whose
//! height over the diagonal is the lift.

use plotters::chart::{ChartBuilder, SeriesLabelPosition};
use plotters::element::PathElement;
use plotters::series::{DashedLineSeries, LineSeries};
use plotters::style::{Color, WHITE};

use crate::frame::{
    Align, Area, BLUE, DrawingError, GREEN, GREY, Head, INK, ORANGE, PALE, VERMILION, figure, text,
};

/// A score that orders customers.
#[derive(Clone, Debug)]
pub struct Ranking {
    /// Its name in the legend.
    pub name: String,
    /// One a customer, the highest first in line.
    pub scores: Vec<f64>,
}

/// The words of a figure.
#[derive(Clone, Copy, Debug)]
pub struct Axes<'a> {
    /// What the customers are ordered by.
    pub across: &'a str,
    /// What is gathered.
    pub up: &'a str,
}

/// Steps of the horizontal axis at which a curve is drawn.
const STEPS: usize = 200;
const ROOM: &str = "\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}";

/// The curves of some rankings, ours first, beside chance and foresight. The legend says what a fifth of the customers
/// holds.
pub fn draw(
    head: &Head,
    axes: Axes<'_>,
    rankings: &Result<Vec<Ranking>, String>,
    worth: &[f64],
) -> Result<String, DrawingError> {
    let curves = rankings.as_ref().map_err(Clone::clone).and_then(|rankings| {
        let curves: Option<Vec<(String, Vec<f64>)>> = rankings
            .iter()
            .map(|ranking| Some((ranking.name.clone(), curve(&ranking.scores, worth)?)))
            .collect();
        let best = curve(worth, worth);
        curves.zip(best).ok_or_else(|| "nobody purchased in the days that are looked at".to_owned())
    });
    let drawing = curves.map(|(curves, best)| move |area: &Area<'_>| draw_curves(area, axes, &curves, &best));
    figure(head, drawing)
}

fn draw_curves(
    area: &Area<'_>,
    axes: Axes<'_>,
    curves: &[(String, Vec<f64>)],
    best: &[f64],
) -> Result<(), DrawingError> {
    let mut chart = ChartBuilder::on(area)
        .margin_left(8)
        .margin_right(24)
        .margin_top(6)
        .margin_bottom(6)
        .y_label_area_size(64)
        .x_label_area_size(44)
        .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
    let percent = |share: &f64| format!("{:.0} %", share * 100.0);
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(PALE)
        .x_labels(11)
        .y_labels(11)
        .x_label_formatter(&percent)
        .y_label_formatter(&percent)
        .x_desc(axes.across)
        .y_desc(axes.up)
        .axis_desc_style(text(12, INK, Align::Centre).plain())
        .label_style(text(11, INK, Align::Centre).plain())
        .draw()?;
    let points = |curve: &[f64]| -> Vec<(f64, f64)> {
        curve.iter().enumerate().map(|(at, &height)| (at as f64 / STEPS as f64, height)).collect()
    };
    // without a font the legend's width is a guess, and too small; the hard spaces make room
    let legend = |name: &str, curve: &[f64]| format!("{name} ({:.1} %){ROOM}", curve[STEPS / 5] * 100.0);
    let reference = GREY.stroke_width(1);
    for ((name, curve), colour) in curves.iter().zip([BLUE, ORANGE, GREEN, VERMILION]) {
        let style = colour.stroke_width(if colour == BLUE { 3 } else { 2 });
        chart
            .draw_series(LineSeries::new(points(curve), style))?
            .label(legend(name, curve))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
    }
    // once more, above the others
    if let Some((_, ours)) = curves.first() {
        chart.draw_series(LineSeries::new(points(ours), BLUE.stroke_width(3)))?;
    }
    chart
        .draw_series(LineSeries::new(points(best), reference))?
        .label(legend("foresight", best))
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], reference));
    chart
        .draw_series(DashedLineSeries::new([(0.0, 0.0), (1.0, 1.0)], 5, 4, reference))?
        .label("chance, dashed (20.0 %)")
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], reference));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .margin(14)
        .background_style(WHITE.mix(0.9))
        .label_font(text(12, INK, Align::Legend).plain())
        .draw()
}

/// The share of all worth that is with the first i/`STEPS` of the customers, for i from 0; `None` when there is no
/// worth at all. Customers with equal scores share evenly, and a negative worth (more sent back than bought) is none.
pub fn curve(scores: &[f64], worth: &[f64]) -> Option<Vec<f64>> {
    let positive =
        |at: &usize| Some(worth[*at]).filter(|worth| worth.is_finite()).map_or(0.0, |worth| worth.max(0.0));
    let mut order: Vec<usize> = (0..worth.len()).collect();
    let total: f64 = order.iter().map(positive).sum();
    if total <= 0.0 || !total.is_finite() {
        return None;
    }
    order.sort_by(|&one, &other| scores[other].total_cmp(&scores[one]).then(one.cmp(&other)));
    let mut corners = vec![(0.0, 0.0)];
    let (mut customers, mut sum) = (0usize, 0.0);
    for tied in order.chunk_by(|&one, &other| scores[one] == scores[other]) {
        customers += tied.len();
        sum += tied.iter().map(positive).sum::<f64>();
        corners.push((customers as f64 / worth.len() as f64, sum / total));
    }
    let height = |x: f64| {
        let after = corners.partition_point(|corner| corner.0 < x).clamp(1, corners.len() - 1);
        let ((x0, y0), (x1, y1)) = (corners[after - 1], corners[after]);
        (y0 + (y1 - y0) * (x - x0) / (x1 - x0)).clamp(0.0, 1.0)
    };
    Some((0..=STEPS).map(|at| height(at as f64 / STEPS as f64)).collect())
}
