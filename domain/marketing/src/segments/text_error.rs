//! The error that points at a place in the text form of a rule.

/// How much of a line an error shows on either side of the place.
const CONTEXT: usize = 60;

/// A text that is no rule: where, and what was expected. Its text has the line with a caret below the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}\n{excerpt}")]
pub struct TextError {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong and what was expected.
    pub message: String,
    /// The line, or the part of it around the place, and a line with a caret.
    pub excerpt: String,
}

/// The error at a place, counted in characters from the start.
pub(super) fn at(source: &str, place: usize, message: impl Into<String>) -> TextError {
    let before: String = source.chars().take(place).collect();
    let line = before.matches('\n').count() + 1;
    let start_of_line = before.rfind('\n').map_or(0, |end| before[..=end].chars().count());
    let column = place - start_of_line;
    let text: Vec<char> = source.chars().skip(start_of_line).take_while(|c| *c != '\n').collect();
    let from = column.saturating_sub(CONTEXT);
    let shown: String =
        text.iter().skip(from).take(2 * CONTEXT).map(|c| if c.is_control() { ' ' } else { *c }).collect();
    let excerpt = format!("{shown}\n{}^", " ".repeat(column - from));
    TextError { line, column: column + 1, message: message.into(), excerpt }
}
