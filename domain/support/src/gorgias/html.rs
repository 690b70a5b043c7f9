//! What a person wrote in a message that came as HTML alone: without style sheets, without what is not shown, and
//! without the history that mail programs append, as far as it can be told from their markup.
//!
//! A tokenizer reads the markup as browsers do. There is no tree and no recursion, so what mails contain cannot exhaust
//! anything.

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

/// The text of an HTML message, at most `limit` characters. When nothing is left without the history, the history is
/// what was written.
pub fn written(html: &str, limit: usize) -> String {
    let own = render(html, limit, Quotes::LeftOut);
    if own.is_empty() { render(html, limit, Quotes::Kept) } else { own }
}

/// All of it as text, the history too.
pub fn whole(html: &str, limit: usize) -> String {
    render(html, limit, Quotes::Kept)
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Quotes {
    #[default]
    LeftOut,
    Kept,
}

fn render(html: &str, limit: usize, quotes: Quotes) -> String {
    let mut page = Page { quotes, limit, ..Page::default() };
    let mut emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _: Span<()>| page.take(event));
    emitter.naively_switch_states(true);
    // The first thing that the page answers is that it is full, or that history begins.
    let _ = Tokenizer::new_with_emitter(html, emitter).next();
    page.text.trim().to_owned()
}

/// What was read so far.
#[derive(Default)]
struct Page {
    quotes: Quotes,
    limit: usize,
    chars: usize,
    text: String,
    /// The start tag that is being read.
    tag: Tag,
    attribute: Vec<u8>,
    /// The element whose content is not shown, and how many of its name are open within it.
    hidden: Option<(Vec<u8>, u32)>,
    in_pre: u32,
    /// What has to stand between the last text and the next.
    gap: Gap,
}

#[derive(Default)]
struct Tag {
    name: Vec<u8>,
    is_hidden: bool,
    /// Whatever follows is history.
    begins_history: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    Nothing,
    Blank,
    Line,
    Paragraph,
}

impl Page {
    /// Something when no more is wanted.
    fn take(&mut self, event: CallbackEvent<'_>) -> Option<()> {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                let is_hidden = matches!(name, b"style" | b"script" | b"title" | b"template" | b"noscript");
                self.tag = Tag { name: name.to_ascii_lowercase(), is_hidden, begins_history: false };
            }
            CallbackEvent::AttributeName { name } => self.attribute = name.to_ascii_lowercase(),
            CallbackEvent::AttributeValue { value } => self.attribute(&value.to_ascii_lowercase()),
            CallbackEvent::CloseStartTag { .. } => return self.start(),
            CallbackEvent::EndTag { name } => self.end(name),
            CallbackEvent::String { value } if self.hidden.is_none() => {
                return self.write(&String::from_utf8_lossy(value));
            }
            _ => {}
        }
        None
    }

    fn attribute(&mut self, value: &[u8]) {
        let has = |part: &[u8]| value.windows(part.len()).any(|window| window == part);
        let is_quote = match self.attribute.as_slice() {
            b"class" => [
                &b"gmail_quote"[..],
                b"yahoo_quoted",
                b"moz-cite-prefix",
                b"protonmail_quote",
                b"zmail_extra",
            ]
            .iter()
            .any(|class| has(class)),
            b"type" => self.tag.name == b"blockquote" && value == b"cite",
            b"id" => has(b"mail-editor-reference-message-container"),
            _ => false,
        };
        let begins_history = match self.attribute.as_slice() {
            b"id" => matches!(value, b"divrplyfwdmsg" | b"appendonsend"),
            // Outlook draws a line above the header of what it quotes.
            b"style" => self.tag.name == b"div" && has(b"border:none") && has(b"border-top:solid"),
            _ => false,
        };
        let is_invisible = self.attribute == b"style" && (has(b"display:none") || has(b"display: none"));
        self.tag.is_hidden |= is_invisible || (is_quote && self.quotes == Quotes::LeftOut);
        self.tag.begins_history |= begins_history && self.quotes == Quotes::LeftOut;
    }

    fn start(&mut self) -> Option<()> {
        let name = std::mem::take(&mut self.tag.name);
        if let Some((hidden, depth)) = &mut self.hidden {
            if *hidden == name {
                *depth += 1;
            }
            return None;
        }
        if self.tag.begins_history {
            return Some(());
        }
        if self.tag.is_hidden && !is_void(&name) {
            self.hidden = Some((name, 0));
            return None;
        }
        match name.as_slice() {
            b"br" => {
                self.gap = Gap::Nothing;
                self.trim_line();
                return self.push('\n');
            }
            b"pre" => {
                self.in_pre += 1;
                self.widen(Gap::Paragraph);
            }
            b"li" => {
                self.widen(Gap::Line);
                return self.write("- ");
            }
            b"td" | b"th" => self.widen(Gap::Blank),
            name => self.widen(gap_around(name)),
        }
        None
    }

    fn end(&mut self, name: &[u8]) {
        if let Some((hidden, depth)) = &mut self.hidden {
            if hidden.eq_ignore_ascii_case(name) {
                match depth.checked_sub(1) {
                    Some(left) => *depth = left,
                    None => self.hidden = None,
                }
            }
            return;
        }
        if name.eq_ignore_ascii_case(b"pre") {
            self.in_pre = self.in_pre.saturating_sub(1);
        }
        self.widen(gap_around(name));
    }

    fn widen(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    fn write(&mut self, text: &str) -> Option<()> {
        for c in text.chars() {
            let is_blank = c.is_whitespace() || c == '\u{200b}' || c == '\u{feff}';
            if is_blank && !(self.in_pre > 0 && c == '\n') {
                self.widen(Gap::Blank);
                continue;
            }
            self.close_gap();
            if self.push(c).is_some() {
                return Some(());
            }
        }
        None
    }

    /// Writes what has to stand before the next character.
    fn close_gap(&mut self) {
        let gap = std::mem::take(&mut self.gap);
        if self.text.is_empty() {
            return;
        }
        let lines = self.text.chars().rev().take_while(|c| *c == '\n').count();
        let wanted = match gap {
            Gap::Nothing => 0,
            Gap::Blank if lines == 0 => {
                self.push(' ');
                0
            }
            Gap::Blank => 0,
            Gap::Line => 1,
            Gap::Paragraph => 2,
        };
        for _ in lines..wanted {
            self.push('\n');
        }
    }

    fn push(&mut self, c: char) -> Option<()> {
        if self.chars >= self.limit {
            return Some(());
        }
        self.text.push(c);
        self.chars += 1;
        None
    }

    fn trim_line(&mut self) {
        let length = self.text.trim_end_matches(' ').len();
        self.text.truncate(length);
    }
}

fn is_void(name: &[u8]) -> bool {
    matches!(
        name,
        b"br" | b"img" | b"hr" | b"input" | b"meta" | b"link" | b"area" | b"base" | b"col" | b"wbr"
    )
}

fn gap_around(name: &[u8]) -> Gap {
    match name {
        b"p" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"blockquote" | b"pre" | b"ul" | b"ol"
        | b"table" => Gap::Paragraph,
        b"div" | b"tr" | b"li" | b"hr" | b"section" | b"article" | b"header" | b"footer" | b"dt" | b"dd"
        | b"form" => Gap::Line,
        b"td" | b"th" => Gap::Blank,
        _ => Gap::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_persons_words_are_left() {
        for (html, text) in [
            ("Hello <b>there</b>&nbsp;&amp; welcome", "Hello there & welcome"),
            ("<p>One</p><p>Two<br>Three</p>", "One\n\nTwo\nThree"),
            ("<div>One</div><div>Two</div>", "One\nTwo"),
            ("<style>p{color:red}</style><p>Only this</p><script>alert('<p>no</p>')</script>", "Only this"),
            ("<html><head><title>x</title></head><body>Body</body></html>", "Body"),
            ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
            ("<table><tr><td>Order</td><td>1001</td></tr><tr><td>x</td></tr></table>", "Order 1001\nx"),
            ("a &lt;b&gt; &#39;c&#x27; &euro;5", "a <b> 'c' €5"),
            ("<div style=\"display:none\">preheader</div>Hi", "Hi"),
            ("x<!-- comment -->y", "xy"),
            ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
            ("<pre>a\n  b</pre>", "a\nb"),
            ("", ""),
        ] {
            assert_eq!(written(html, 1_000), text, "{html}");
        }
    }

    #[test]
    fn the_history_that_mail_programs_append_is_left_out() {
        for html in [
            "<div>Thank you!</div><div class=\"gmail_quote\"><div>On Monday, Shop wrote:<br><blockquote>Hi</blockquote></div></div>",
            "<p>Thank you!</p><div class=\"moz-cite-prefix\">Am 1. schrieb Shop:</div><blockquote type=\"cite\"><p>Hi<blockquote>x</blockquote></p></blockquote>",
            "<div>Thank you!</div><div id=\"appendonsend\"></div><hr><div id=\"divRplyFwdMsg\"><b>From:</b> Shop</div><div>Hi</div>",
            "<p>Thank you!</p><div style=\"border:none;border-top:solid #E1E1E1 1.0pt\"><p>From: Shop</p></div><p>Hi</p>",
            "<div>Thank you!</div><div class='yahoo_quoted'>Hi</div>",
        ] {
            assert_eq!(written(html, 1_000), "Thank you!", "{html}");
        }
        assert_eq!(written("<blockquote type=cite>Only this came</blockquote>", 1_000), "Only this came");
    }

    #[test]
    fn length_and_depth_are_no_matter() {
        assert_eq!(written(&"<p>word".repeat(100_000), 50_000).chars().count(), 50_000);
        assert_eq!(written(&format!("{}deep", "<div>".repeat(200_000)), 50), "deep");
        assert_eq!(written(&"<blockquote type=cite>".repeat(100_000), 50), "");
    }

    proptest! {
        #[test]
        fn any_text_is_rendered(html in "[<>/a-p =\"'!-&;#\\n\u{e9}]{0,300}") {
            let _ = written(&html, 200);
        }
    }
}
