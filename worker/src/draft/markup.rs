//! Markup in a reply, which is sent as plain text: the customer would read the marks.

/// Whether a text holds tags of HTML, their entities, or marks of Markdown.
pub fn has_markup(reply: &str) -> bool {
    let is_fence = |line: &str| ["```", "~~~", "\"\"\"", "'''"].iter().any(|fence| line.starts_with(fence));
    let is_heading = |line: &str| {
        let text = line.trim_start_matches('#');
        (1..=6).contains(&(line.len() - text.len())) && text.starts_with(' ')
    };
    let is_table = |line: &str| line.starts_with("|-") || line.starts_with("|:") || line.starts_with("| -");
    let is_bold = |line: &str| {
        let inside = |part: &str| part.contains(char::is_alphabetic) && part.trim() == part;
        line.matches("**").count() >= 2 && line.split("**").skip(1).step_by(2).any(inside)
    };
    has_tag(reply)
        || ["&amp;", "&lt;", "&gt;", "&nbsp;", "&quot;", "&#39;"].iter().any(|entity| reply.contains(entity))
        || reply
            .lines()
            .map(str::trim_start)
            .any(|line| is_fence(line) || is_heading(line) || is_table(line) || is_bold(line))
}

/// A tag of HTML, whichever; an address between angle brackets is none.
fn has_tag(reply: &str) -> bool {
    reply.match_indices('<').any(|(at, _)| {
        let Some((tag, _)) = reply[at + 1..].split_once('>') else { return false };
        let name = tag.strip_prefix('/').unwrap_or(tag);
        let name = name.split([' ', '/']).next().unwrap_or_default();
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric());
        is_name && TAGS.contains(&name.to_ascii_lowercase().as_str())
    })
}

/// The tags that models write.
const TAGS: &[&str] = &[
    "a",
    "b",
    "blockquote",
    "body",
    "br",
    "center",
    "div",
    "em",
    "font",
    "h1",
    "h2",
    "h3",
    "hr",
    "html",
    "i",
    "img",
    "li",
    "ol",
    "p",
    "span",
    "strong",
    "table",
    "u",
    "ul",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::template::tests::every_sentence;

    #[test]
    fn markup_is_found_and_plain_text_passes() {
        for reply in [
            "<p>Hello Maya,</p><p>your lamp left us.</p>",
            "Hello Maya,<br>your lamp left us.",
            "Hello <STRONG>Maya</STRONG>.",
            "<a href=\"https://shop.example\">Here</a>",
            "# Hello Maya\n\nYour lamp left us.",
            "Hello Maya, please **look** at it.",
            "| Lamp | Day |\n|---|---|\n| 1 | 2 |",
            "Lamps &amp; bulbs",
            "```\nHello Maya, your lamp left us.\n```",
            "~~~text\nHello Maya.\n~~~",
            "\"\"\"\nHello Maya.\n\"\"\"",
        ] {
            assert!(has_markup(reply), "{reply}");
        }
        let replies = [
            "Hello Maya,\n\nyour lamp left us on Monday. <3",
            "It is 2 < 3 and 4 > 1, and the box is marked <fragile>.",
            "Write to <help@shop.example> or see <https://shop.example/a>.",
            "#1234 is your order, and #sale is over.",
            "- one\n- two\n* three\n1. four",
            "Rated 5** by some and AT&T by others; 2 ** 3.",
        ];
        for reply in replies.map(str::to_owned).into_iter().chain(every_sentence()) {
            assert!(!has_markup(&reply), "{reply}");
        }
    }
}
