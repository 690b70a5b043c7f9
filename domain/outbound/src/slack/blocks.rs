//! Messages in Slack's own form (Block Kit), within its limits: what is too long is cut where it would be refused as a
//! whole. Texts that are not ours are escaped, so that nobody is mentioned and nothing is linked by a ticket's words.

use serde_json::{Value, json};

/// Characters of a section.
const SECTION_CHARS: usize = 3_000;
/// Characters of a heading.
const HEADER_CHARS: usize = 150;
/// Characters of an address, and of what a picture shows in words.
const URL_CHARS: usize = 3_000;
const ALT_CHARS: usize = 2_000;
/// Characters on a button.
const BUTTON_CHARS: usize = 75;
/// Elements beside each other.
const ACTIONS: usize = 25;
/// Blocks of a message.
const BLOCKS: usize = 50;
/// Columns and rows of a table, so that it stays readable in a code block.
const TABLE_ROWS: usize = 30;
const CELL_CHARS: usize = 40;

/// A message that is being written.
#[derive(Debug, Clone, Default)]
pub struct Blocks(Vec<Value>);

/// A button.
#[derive(Debug, Clone)]
pub struct Button<'a> {
    /// What it says.
    pub label: &'a str,
    /// What is told when it is pressed.
    pub action: &'a str,
    /// Of what.
    pub value: &'a str,
    /// Where it leads instead.
    pub url: Option<&'a str>,
}

impl Blocks {
    /// A heading, in plain text.
    #[must_use]
    pub fn header(self, text: &str) -> Blocks {
        self.with(
            json!({ "type": "header", "text": { "type": "plain_text", "text": cut(text, HEADER_CHARS) } }),
        )
    }

    /// A paragraph in Slack's markup.
    #[must_use]
    pub fn section(self, markup: &str) -> Blocks {
        self.with(
            json!({ "type": "section", "text": { "type": "mrkdwn", "text": cut(markup, SECTION_CHARS) } }),
        )
    }

    /// Small print.
    #[must_use]
    pub fn context(self, markup: &str) -> Blocks {
        let element = json!({ "type": "mrkdwn", "text": cut(markup, SECTION_CHARS) });
        self.with(json!({ "type": "context", "elements": [element] }))
    }

    /// A picture that Slack fetches; one whose address is too long is left out.
    #[must_use]
    pub fn image(self, url: &str, says: &str) -> Blocks {
        if url.len() > URL_CHARS {
            return self;
        }
        self.with(json!({ "type": "image", "image_url": url, "alt_text": cut(says, ALT_CHARS) }))
    }

    /// Buttons beside each other.
    #[must_use]
    pub fn buttons(self, buttons: &[Button<'_>]) -> Blocks {
        if buttons.is_empty() {
            return self;
        }
        let elements: Vec<Value> = buttons.iter().take(ACTIONS).map(Button::element).collect();
        self.with(json!({ "type": "actions", "elements": elements }))
    }

    /// A table of text, in columns of equal width.
    #[must_use]
    pub fn table(self, head: &[&str], rows: &[Vec<String>]) -> Blocks {
        self.section(&table(head, rows))
    }

    /// The blocks, no more than a message may have.
    pub fn finish(mut self) -> Vec<Value> {
        self.0.truncate(BLOCKS);
        self.0
    }

    fn with(mut self, block: Value) -> Blocks {
        self.0.push(block);
        self
    }
}

impl Button<'_> {
    fn element(&self) -> Value {
        let mut element = json!({
            "type": "button",
            "text": { "type": "plain_text", "text": cut(self.label, BUTTON_CHARS) },
            "action_id": self.action,
            "value": cut(self.value, 2_000),
        });
        if let Some(url) = self.url.filter(|url| url.len() <= URL_CHARS) {
            element["url"] = url.into();
        }
        element
    }
}

/// A text that is nobody's markup.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Rows below a head as a code block, cut to what one section takes.
fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let cell = |text: &str| {
        let plain: String = text.chars().filter(|c| !c.is_control() && *c != '`').collect();
        cut(&plain, CELL_CHARS)
    };
    let shown: Vec<Vec<String>> = std::iter::once(head.iter().map(|text| cell(text)).collect())
        .chain(rows.iter().take(TABLE_ROWS).map(|row| row.iter().map(|text| cell(text)).collect()))
        .collect();
    let width = |column: usize| {
        shown
            .iter()
            .filter_map(|row: &Vec<String>| row.get(column))
            .map(|text| text.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::from("```\n");
    for row in &shown {
        let line: Vec<String> =
            row.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}")).collect();
        let line = escaped(line.join("  ").trim_end());
        // The fence has to close, or the rest of the message is code.
        if text.chars().count() + line.chars().count() > SECTION_CHARS - 20 {
            break;
        }
        text.push_str(&line);
        text.push('\n');
    }
    text.push_str("```");
    text
}

/// The beginning of a text, with a sign that there is more.
fn cut(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        // An empty text is refused.
        return if text.is_empty() { " ".to_owned() } else { text.to_owned() };
    }
    text.chars().take(chars - 1).chain(['\u{2026}']).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_table_has_columns() {
        let rows = vec![
            vec!["2026-12".to_owned(), "1,200.00".to_owned()],
            vec!["2027-01".to_owned(), "<!here>".to_owned()],
        ];
        let text = table(&["month", "revenue"], &rows);
        assert_eq!(text, "```\nmonth    revenue\n2026-12  1,200.00\n2027-01  &lt;!here&gt;\n```");
    }

    proptest! {
        /// Whatever is written, no part is longer than Slack takes.
        #[test]
        fn nothing_is_longer_than_is_taken(text in ".{0,4000}", cells in proptest::collection::vec(".{0,80}", 0..200), count in 0usize..80) {
            let button = Button { label: &text, action: "a", value: &text, url: None };
            let rows: Vec<Vec<String>> = cells.chunks(2).map(<[String]>::to_vec).collect();
            let mut blocks = Blocks::default()
                .header(&text)
                .table(&["a", "b"], &rows)
                .buttons(&vec![button; count]);
            for _ in 0..count {
                blocks = blocks.section(&text);
            }
            let blocks = blocks.finish();
            prop_assert!(blocks.len() <= 50);
            for block in &blocks {
                let chars = |value: &Value| value.as_str().map_or(0, |text| text.chars().count());
                match block["type"].as_str() {
                    Some("header") => prop_assert!((1..=150).contains(&chars(&block["text"]["text"]))),
                    Some("section") => prop_assert!((1..=3000).contains(&chars(&block["text"]["text"]))),
                    Some("actions") => {
                        let elements = block["elements"].as_array().expect("elements");
                        prop_assert!((1..=25).contains(&elements.len()));
                        for element in elements {
                            prop_assert!((1..=75).contains(&chars(&element["text"]["text"])));
                        }
                    }
                    other => prop_assert!(false, "{:?}", other),
                }
            }
        }
    }
}
