//! Markdown as HTML that is safe to show: rendered by pulldown-cmark, made safe by ammonia with a list of our own. Links
//! lead to https, http and mail alone; pictures and styles are left out, so a page loads nothing from elsewhere.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::Builder;
use pulldown_cmark::{Event, Options, Parser, TagEnd, html};

/// Characters of an article in one language.
pub const BODY_LIMIT: usize = 100_000;

static SAFE: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let tags: HashSet<&str> = [
        "a",
        "blockquote",
        "br",
        "code",
        "del",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "strong",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ]
    .into();
    let mut builder = Builder::default();
    builder
        .tags(tags)
        .generic_attributes(HashSet::new())
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href", "title"])),
            ("ol", HashSet::from(["start"])),
        ]))
        .url_schemes(HashSet::from(["https", "http", "mailto"]))
        .link_rel(Some("noopener noreferrer nofollow"));
    builder
});

fn parser(markdown: &str) -> Parser<'_> {
    Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH)
}

/// The HTML of a text.
pub fn html_of(markdown: &str) -> String {
    let mut written = String::with_capacity(markdown.len() * 3 / 2);
    // HTML that somebody wrote is shown as what they wrote, and does nothing.
    let events = parser(markdown).map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        other => other,
    });
    html::push_html(&mut written, events);
    SAFE.clean(&written).to_string()
}

/// The words of a text, without its marks.
pub fn plain_of(markdown: &str) -> String {
    let mut plain = String::with_capacity(markdown.len());
    for event in parser(markdown) {
        match event {
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                plain.push_str(&text);
            }
            Event::SoftBreak | Event::HardBreak => plain.push(' '),
            Event::End(
                TagEnd::Paragraph
                | TagEnd::Heading(_)
                | TagEnd::Item
                | TagEnd::TableRow
                | TagEnd::TableHead
                | TagEnd::CodeBlock,
            ) => plain.push('\n'),
            Event::End(TagEnd::TableCell) => plain.push(' '),
            _ => {}
        }
    }
    plain.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_is_shown_and_does_nothing() {
        let html = html_of(
            "# Returns\n\n<script>alert(1)</script>\n\n**30 days**, see [here](https://shop.example/r) or \
             [there](javascript:alert(1)).\n\n![x](https://evil.example/x.png)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
        );
        assert!(html.contains("<h1>Returns</h1>") && html.contains("<strong>30 days</strong>"), "{html}");
        assert!(html.contains("&lt;script&gt;") && !html.contains("<script"), "{html}");
        assert!(html.contains("href=\"https://shop.example/r\"") && !html.contains("javascript:"), "{html}");
        assert!(!html.contains("<img") && html.contains("<td>1</td>"), "{html}");
        assert_eq!(plain_of("# A\n\nb *c*\nd `e`\n"), "A\nb c d e");
    }

    proptest! {
        #[test]
        fn no_text_makes_a_tag_that_acts(text in "(<[a-z/ =\"':;()]{0,12}>?|[\\PC]{0,6}|\\[x\\]\\([a-z:/.]{0,12}\\)){0,12}") {
            let html = html_of(&text).to_lowercase();
            for bad in ["<script", "<img", "<style", "<iframe", "<svg", "href=\"javascript", "href=\"data"] {
                prop_assert!(!html.contains(bad), "{}", html);
            }
        }
    }
}
