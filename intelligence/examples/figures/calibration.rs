//! Whether a probability means what it says: predicted against realised churn, and how many customers stand behind
//! each point.

use intelligence::metrics::{CalibrationBin, calibration_bins};
use plotters::chart::{ChartBuilder, SeriesLabelPosition};
use plotters::element::{Circle, PathElement, Rectangle, Text};
use plotters::series::{DashedLineSeries, LineSeries};
use plotters::style::{Color, WHITE};

use crate::frame::{
    Align, Area, BLUE, DrawingError, GREEN, GREY, Head, INK, ORANGE, PALE, figure, text, thousands,
};

/// The probabilities of one model.
#[derive(Clone, Debug)]
pub struct Probabilities {
    /// Its name in the legend.
    pub name: String,
    /// One a customer.
    pub values: Vec<f64>,
}

/// Height of the upper of the two panels.
const UPPER: u32 = 300;
/// Room for the vertical axis's numbers and title.
const LEFT: u32 = 64;

/// The reliability diagram (Murphy and Winkler, "Reliability of Subjective Probability Forecasts of Precipitation and
/// Temperature", Applied Statistics 26, 1977) of ours, with Wilson's 95 % intervals, beside others, above the histogram
/// of our probabilities.
pub fn draw(
    head: &Head,
    horizon: u32,
    ours: &Result<Probabilities, String>,
    others: &[Probabilities],
    churned: &[bool],
) -> Result<String, DrawingError> {
    let draw = match ours {
        _ if churned.is_empty() => Err("there are no customers".to_owned()),
        Err(reason) => Err(reason.clone()),
        Ok(ours) => Ok(|area: &Area<'_>| {
            let bins = calibration_bins(&ours.values, churned);
            let (upper, lower) = area.split_vertically(UPPER);
            reliability(&upper, &ours.name, &bins, others, churned)?;
            histogram(&lower, horizon, &bins)
        }),
    };
    figure(head, draw)
}

fn reliability(
    area: &Area<'_>,
    name: &str,
    bins: &[CalibrationBin],
    others: &[Probabilities],
    churned: &[bool],
) -> Result<(), DrawingError> {
    let mut chart = ChartBuilder::on(area)
        .margin_left(8)
        .margin_right(24)
        .margin_top(6)
        .margin_bottom(4)
        .y_label_area_size(LEFT)
        .x_label_area_size(22)
        .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(PALE)
        .x_labels(11)
        .y_labels(6)
        .x_label_formatter(&percent)
        .y_label_formatter(&percent)
        .y_desc("share who did not purchase")
        .axis_desc_style(text(12, INK, Align::Centre).plain())
        .label_style(text(11, INK, Align::Centre).plain())
        .draw()?;
    chart
        .draw_series(DashedLineSeries::new([(0.0, 0.0), (1.0, 1.0)], 5, 4, GREY.stroke_width(1)))?
        .label("as predicted (dashed)")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], GREY.stroke_width(1)));
    let ours: Vec<(f64, f64)> = bins.iter().map(|bin| (bin.predicted, bin.realised)).collect();
    chart
        .draw_series(LineSeries::new(ours.iter().copied(), BLUE.stroke_width(3)))?
        .label(format!("{name}, with 95 % intervals"))
        .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], BLUE.stroke_width(3)));
    for (other, colour) in others.iter().zip([ORANGE, GREEN]) {
        let points: Vec<(f64, f64)> = calibration_bins(&other.values, churned)
            .iter()
            .map(|bin| (bin.predicted, bin.realised))
            .collect();
        chart
            .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?
            .label(other.name.as_str())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        let half = 0.006;
        chart.draw_series(points.iter().map(|&(x, y)| {
            // twice as high as wide, since the panel is twice as wide as high
            Rectangle::new(
                [(x - half / 2.0, y - half * 1.5), (x + half / 2.0, y + half * 1.5)],
                colour.filled(),
            )
        }))?;
    }
    // once more, above the others
    chart.draw_series(LineSeries::new(ours.iter().copied(), BLUE.stroke_width(3)))?;
    chart.draw_series(bins.iter().map(|bin| {
        let (low, high) = wilson(bin.realised, bin.customers as f64);
        PathElement::new([(bin.predicted, low), (bin.predicted, high)], BLUE.stroke_width(1))
    }))?;
    chart.draw_series(ours.into_iter().map(|point| Circle::new(point, 4, BLUE.filled())))?;
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .margin(10)
        .background_style(WHITE.mix(0.9))
        .label_font(text(12, INK, Align::Legend).plain())
        .draw()
}

fn histogram(area: &Area<'_>, horizon: u32, bins: &[CalibrationBin]) -> Result<(), DrawingError> {
    let most = bins.iter().map(|bin| bin.customers).max().unwrap_or(1).max(1) as f64;
    let mut chart = ChartBuilder::on(area)
        .margin_left(8)
        .margin_right(24)
        .margin_bottom(6)
        .y_label_area_size(LEFT)
        .x_label_area_size(40)
        .build_cartesian_2d(0.0..1.0, 0.0..most * 1.25)?;
    chart
        .configure_mesh()
        .disable_mesh()
        .x_labels(11)
        .y_labels(3)
        .x_label_formatter(&percent)
        .y_label_formatter(&|count| thousands(count.max(0.0).round() as usize))
        .x_desc(format!("predicted probability of no purchase within {horizon} days"))
        .y_desc("customers")
        .axis_desc_style(text(12, INK, Align::Centre).plain())
        .label_style(text(11, INK, Align::Centre).plain())
        .draw()?;
    chart.draw_series(bins.iter().map(|bin| {
        let (from, to) = (bin.from + 0.004, bin.from + 0.096);
        Rectangle::new([(from, 0.0), (to, bin.customers as f64)], BLUE.mix(0.55).filled())
    }))?;
    chart.draw_series(bins.iter().map(|bin| {
        let at = (bin.from + 0.05, bin.customers as f64 + most * 0.11);
        Text::new(thousands(bin.customers as usize), at, text(10, INK, Align::Centre).plain())
    }))?;
    Ok(())
}

/// The 95 % interval of a share (Wilson, "Probable Inference, the Law of Succession, and Statistical Inference",
/// Journal of the American Statistical Association 22, 1927).
pub fn wilson(share: f64, customers: f64) -> (f64, f64) {
    let z2 = 1.96 * 1.96;
    let middle = (share + z2 / (2.0 * customers)) / (1.0 + z2 / customers);
    let half = (z2 * (share * (1.0 - share) / customers + z2 / (4.0 * customers * customers))).sqrt()
        / (1.0 + z2 / customers);
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

fn percent(share: &f64) -> String {
    format!("{:.0} %", share * 100.0)
}
