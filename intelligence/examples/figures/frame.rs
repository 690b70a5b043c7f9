//! What every figure has in common: its size, its head with sample and date, colours that colour-blind people tell
//! apart, and what is shown instead of a figure that the data cannot fill.

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::Text;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontFamily, FontStyle, RGBColor, TextStyle, WHITE};

/// Width and height in pixels.
pub const SIZE: (u32, u32) = (800, 500);
/// The height of the head.
const HEAD: u32 = 64;

// The palette of Okabe and Ito ("Color Universal Design", 2008).
pub const BLUE: RGBColor = RGBColor(0, 114, 178);
pub const ORANGE: RGBColor = RGBColor(230, 159, 0);
pub const GREEN: RGBColor = RGBColor(0, 158, 115);
pub const VERMILION: RGBColor = RGBColor(213, 94, 0);
pub const INK: RGBColor = RGBColor(34, 34, 34);
pub const GREY: RGBColor = RGBColor(110, 110, 110);
pub const PALE: RGBColor = RGBColor(222, 222, 222);

/// Where a figure is drawn.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// What went wrong in drawing; writing into memory does not fail, but plotters' signatures say it may.
pub type DrawingError = DrawingAreaErrorKind<std::io::Error>;

/// The head of a figure.
#[derive(Clone, Debug)]
pub struct Head {
    /// What the figure shows.
    pub title: String,
    /// Of whom and when: sample size, dates, what the numbers mean.
    pub caption: String,
}

/// A figure as SVG, or the reason in its place.
pub fn figure(
    head: &Head,
    draw: Result<impl FnOnce(&Area<'_>) -> Result<(), DrawingError>, String>,
) -> Result<String, DrawingError> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let (top, body) = root.split_vertically(HEAD);
        top.draw(&Text::new(head.title.as_str(), (16, 22), text(18, INK, Align::Left).bold()))?;
        for (line, words) in wrapped(&head.caption, 125).into_iter().take(2).enumerate() {
            top.draw(&Text::new(words, (16, 42 + 14 * line as i32), text(11, GREY, Align::Left).plain()))?;
        }
        match draw {
            Ok(draw) => draw(&body)?,
            Err(reason) => empty(&body, &reason)?,
        }
        root.present()?;
    }
    Ok(described(&svg, head))
}

/// Where a text hangs on its point; vertically it is centred but in a legend.
#[derive(Clone, Copy, Debug)]
pub enum Align {
    Left,
    Centre,
    Right,
    Legend,
}

/// A text style before it is decided whether it is bold.
#[derive(Clone, Copy)]
pub struct Style {
    pixels: u32,
    colour: RGBColor,
    align: Align,
}

/// Text of this height in pixels.
pub fn text(pixels: u32, colour: RGBColor, align: Align) -> Style {
    Style { pixels, colour, align }
}

impl Style {
    /// Ordinary weight.
    pub fn plain(self) -> TextStyle<'static> {
        self.of(FontStyle::Normal)
    }

    /// Heavy weight.
    pub fn bold(self) -> TextStyle<'static> {
        self.of(FontStyle::Bold)
    }

    fn of(self, weight: FontStyle) -> TextStyle<'static> {
        let pos = match self.align {
            Align::Left => Pos::new(HPos::Left, VPos::Center),
            Align::Centre => Pos::new(HPos::Center, VPos::Center),
            Align::Right => Pos::new(HPos::Right, VPos::Center),
            Align::Legend => Pos::new(HPos::Left, VPos::Top),
        };
        // the SVG backend divides a font's size by 1.24
        let font = (FontFamily::SansSerif, f64::from(self.pixels) * 1.24, weight);
        let color = self.colour.to_backend_color();
        TextStyle { color, pos, ..TextStyle::from(font) }
    }
}

/// The words in lines of at most so many characters; a longer word has a line of its own.
pub fn wrapped(words: &str, characters: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= characters => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// 23570 as "23,570".
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn empty(area: &Area<'_>, reason: &str) -> Result<(), DrawingError> {
    let (width, height) = area.dim_in_pixel();
    let lines = wrapped(&format!("not enough data: {reason}"), 80);
    for (line, words) in lines.into_iter().enumerate() {
        let at = (width as i32 / 2, height as i32 / 2 - 30 + 22 * line as i32);
        area.draw(&Text::new(words, at, text(15, INK, Align::Centre).plain()))?;
    }
    Ok(())
}

/// The picture with its head as a text that screen readers speak.
fn described(svg: &str, head: &Head) -> String {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let (open, rest) = svg.split_once('>').unwrap_or((svg, ""));
    let (title, caption) = (escaped(&head.title), escaped(&head.caption));
    format!("{open} role=\"img\">\n<title>{title}</title>\n<desc>{caption}</desc>{rest}")
}
