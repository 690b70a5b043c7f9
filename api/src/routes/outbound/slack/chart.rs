//! The picture of a forecast for a chat, which fetches it without a key: its address holds the figures, sealed. Chats show
//! no SVG, so it is a PNG; without fonts, because the message says the figures beside it.

use std::io::Write;

use axum::extract::State;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use outbound::slack::chart::Chart;
use plotters::backend::BitMapBackend;
use plotters::chart::ChartBuilder;
use plotters::drawing::IntoDrawingArea;
use plotters::element::{PathElement, Polygon};
use plotters::style::{Color, RGBColor, WHITE};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(chart))
}

const WIDTH: u32 = 640;
const HEIGHT: u32 = 280;

/// What was, what is expected, and the lines behind.
const WAS: RGBColor = RGBColor(31, 41, 55);
const EXPECTED: RGBColor = RGBColor(37, 99, 235);
const GRID: RGBColor = RGBColor(226, 232, 240);
/// Lines behind, beside the lowest.
const GRID_LINES: u8 = 4;

/// A chart that an answer in Slack shows
///
/// The address comes from the answer and is good for a week.
#[utoipa::path(
    get,
    path = "/api/slack/chart",
    tag = "outbound",
    security(()),
    params(("figures" = String, Query, description = "from an answer in Slack")),
    responses(
        (status = 200, description = "a picture", body = Vec<u8>, content_type = "image/png"),
        (status = 400, description = "another parameter", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "it expired, or was not made here", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn chart(State(state): State<AppState>, uri: Uri) -> Result<Response, Problem> {
    let params = Params::of(&uri, &["figures"])?;
    let figures = params.all("figures").next().unwrap_or_default();
    let Some(chart) = Chart::open(&state.settings.master_key, figures, Utc::now()) else {
        return Err(Problem::not_found("there is no such chart, or its address has expired"));
    };
    let picture = picture(&chart).ok_or_else(|| {
        tracing::error!("a chart cannot be drawn");
        Problem::internal()
    })?;
    let headers = [(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "private, max-age=604800")];
    Ok((headers, picture).into_response())
}

/// Draws a chart as PNG.
fn picture(chart: &Chart) -> Option<Vec<u8>> {
    let mut pixels = vec![0; (WIDTH * HEIGHT * 3) as usize];
    draw(chart, &mut pixels).ok()?;
    png(WIDTH, HEIGHT, &pixels).ok()
}

type DrawError = Box<dyn std::error::Error>;

fn draw(chart: &Chart, pixels: &mut [u8]) -> Result<(), DrawError> {
    let (low, high) = chart
        .values()
        .map(f64::from)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    // From zero where that is near, so that a small change does not look like a large one.
    let low = if low > 0.0 && low < high * 0.6 { 0.0 } else { low };
    let room = ((high - low) * 0.05).max(high.abs() * 0.01).max(1e-6);
    let months = chart.past.len() + chart.ahead.len();
    let area = BitMapBackend::with_buffer(pixels, (WIDTH, HEIGHT)).into_drawing_area();
    area.fill(&WHITE)?;
    let (from, to) = (low - room, high + room);
    let mut drawn =
        ChartBuilder::on(&area).margin(12).build_cartesian_2d(0.0..(months - 1) as f64, from..to)?;
    for line in 0..=GRID_LINES {
        let at = from + (to - from) * f64::from(line) / f64::from(GRID_LINES);
        let ends = vec![(0.0, at), ((months - 1) as f64, at)];
        drawn.draw_series(std::iter::once(PathElement::new(ends, GRID)))?;
    }
    let past: Vec<(f64, f64)> =
        chart.past.iter().enumerate().map(|(month, value)| (month as f64, f64::from(*value))).collect();
    // What is expected begins where what was ends.
    let place = |month: usize| (chart.past.len() + month) as f64;
    let bound = |which: usize| {
        let ahead = chart.ahead.iter().enumerate();
        let ahead = ahead.map(move |(month, values)| (place(month), f64::from(values[which])));
        past.last().copied().into_iter().chain(ahead).collect::<Vec<(f64, f64)>>()
    };
    let mut band = bound(1);
    band.extend(bound(2).into_iter().rev());
    drawn.draw_series(std::iter::once(Polygon::new(band, EXPECTED.mix(0.18))))?;
    drawn.draw_series(std::iter::once(PathElement::new(bound(0), EXPECTED.stroke_width(2))))?;
    drawn.draw_series(std::iter::once(PathElement::new(past.clone(), WAS.stroke_width(2))))?;
    area.present()?;
    Ok(())
}

/// Writes pixels of three bytes as PNG: one stream of rows, each unfiltered. (The `png` crate needs a second miniz_oxide.)
fn png(width: u32, height: u32, pixels: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut rows = ZlibEncoder::new(Vec::new(), Compression::default());
    for row in pixels.chunks(width as usize * 3) {
        rows.write_all(&[0])?;
        rows.write_all(row)?;
    }
    let rows = rows.finish()?;
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    // Eight bits of red, green and blue; the usual packing and filters, not interlaced.
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes()[..], &[8, 2, 0, 0, 0]].concat();
    for (kind, data) in [(b"IHDR", &head), (b"IDAT", &rows), (b"IEND", &Vec::new())] {
        let length = u32::try_from(data.len()).map_err(std::io::Error::other)?;
        let mut sum = Crc::new();
        sum.update(kind);
        sum.update(data);
        file.extend_from_slice(&length.to_be_bytes());
        file.extend_from_slice(kind);
        file.extend_from_slice(data);
        file.extend_from_slice(&sum.sum().to_be_bytes());
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::ZlibDecoder;

    use super::*;

    /// The pixels of a picture, as somebody who knows the format reads them.
    fn read(file: &[u8]) -> Vec<u8> {
        assert_eq!(&file[..8], b"\x89PNG\r\n\x1a\n");
        let (mut at, mut packed) = (8, Vec::new());
        while at < file.len() {
            let number =
                |from: usize| u32::from_be_bytes(file[from..from + 4].try_into().expect("four bytes"));
            let length = number(at) as usize;
            let (kind, data) = (&file[at + 4..at + 8], &file[at + 8..at + 8 + length]);
            let mut sum = Crc::new();
            sum.update(&file[at + 4..at + 8 + length]);
            assert_eq!(sum.sum(), number(at + 8 + length), "the sum of {kind:?}");
            if kind == b"IHDR" {
                assert_eq!((number(at + 8), number(at + 12)), (WIDTH, HEIGHT));
            }
            if kind == b"IDAT" {
                packed.extend_from_slice(data);
            }
            at += 12 + length;
        }
        let mut rows = Vec::new();
        ZlibDecoder::new(packed.as_slice()).read_to_end(&mut rows).expect("a stream");
        let row = WIDTH as usize * 3 + 1;
        assert_eq!(rows.len(), row * HEIGHT as usize);
        rows.chunks(row).flat_map(|row| row[1..].iter().copied()).collect()
    }

    fn has(pixels: &[u8], colour: RGBColor) -> bool {
        pixels.chunks(3).any(|pixel| pixel == [colour.0, colour.1, colour.2])
    }

    #[test]
    fn a_chart_shows_what_was_and_what_is_expected() {
        let past: Vec<f64> = (0..24).map(|month| 1_000.0 + 100.0 * f64::from(month % 12)).collect();
        let ahead: Vec<[f64; 3]> =
            (0..6).map(|month| [1_500.0, 1_200.0 - f64::from(month), 1_900.0]).collect();
        let chart = Chart::of(&past, &ahead).expect("a chart");
        let pixels = read(&picture(&chart).expect("it is drawn"));
        assert!(has(&pixels, WAS) && has(&pixels, EXPECTED) && has(&pixels, GRID));
        let only_past = Chart::of(&past, &[]).expect("a chart");
        assert!(!has(&read(&picture(&only_past).expect("it is drawn")), EXPECTED));
    }

    #[test]
    fn flat_tiny_and_huge_lines_are_drawn() {
        for value in [0.0, 1.0, -5.0, 1e-30, 3e37] {
            let chart = Chart::of(&[value, value], &[[value, value, value]]).expect("a chart");
            assert!(has(&read(&picture(&chart).expect("it is drawn")), WAS), "{value}");
        }
    }
}
