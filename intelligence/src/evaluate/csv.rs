//! Splits comma-separated text into records as RFC 4180 describes: quoted fields may hold commas, quotes and lines.

/// The records of a text with the line each begins on; empty lines are skipped.
pub(super) struct Records<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    line: usize,
}

impl<'a> Records<'a> {
    pub(super) fn of(text: &'a str) -> Records<'a> {
        Records { rest: text.chars().peekable(), line: 1 }
    }
}

impl Iterator for Records<'_> {
    type Item = (usize, Vec<String>);

    fn next(&mut self) -> Option<(usize, Vec<String>)> {
        loop {
            self.rest.peek()?;
            let start = self.line;
            let fields = self.record();
            if fields.len() > 1 || !fields[0].is_empty() {
                return Some((start, fields));
            }
        }
    }
}

impl Records<'_> {
    fn record(&mut self) -> Vec<String> {
        let mut fields = vec![String::new()];
        let (mut quoted, mut fresh) = (false, true);
        while let Some(character) = self.rest.next() {
            self.line += usize::from(character == '\n');
            let field = fields.last_mut().expect("there is always one");
            match character {
                '"' if quoted && self.rest.peek() == Some(&'"') => {
                    self.rest.next();
                    field.push('"');
                }
                '"' if quoted => quoted = false,
                '"' if fresh => {
                    quoted = true;
                    fresh = false;
                }
                _ if quoted => field.push(character),
                ',' => {
                    fields.push(String::new());
                    fresh = true;
                }
                '\n' => break,
                '\r' if self.rest.peek() == Some(&'\n') || self.rest.peek().is_none() => {}
                _ => {
                    field.push(character);
                    fresh = false;
                }
            }
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quotes_and_lines() {
        let records: Vec<_> = Records::of("a,\"b,\n\"\"c\"\"\"\r\n\n,\nlast").collect();
        let fields = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(records[0], (1, fields(&["a", "b,\n\"c\""])));
        assert_eq!(records[1], (4, fields(&["", ""])));
        assert_eq!(records[2], (5, fields(&["last"])));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(rows in prop::collection::vec(prop::collection::vec("[a-c,\"\n\r ]{0,5}", 2..4), 0..6)) {
            let quote = |field: &String| format!("\"{}\"", field.replace('"', "\"\""));
            let text: String = rows.iter().map(|row| row.iter().map(quote).collect::<Vec<_>>().join(",") + "\n").collect();
            let read: Vec<Vec<String>> = Records::of(&text).map(|(_, fields)| fields).collect();
            prop_assert_eq!(read, rows);
        }

        #[test]
        fn any_text_ends(text in "[a\",\n\r]{0,40}") {
            prop_assert!(Records::of(&text).count() <= text.len());
        }
    }
}
