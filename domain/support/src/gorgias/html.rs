//! What a person wrote in a message that came as HTML alone: without style sheets, without what is not shown, and
//! without the history that mail programs append, as far as it can be told from their markup. Where a link leads stands
//! behind its words, once: "here" alone tells nobody anything.
//!
//! A tokenizer reads the markup as browsers do. There is no tree and no recursion, so what mails contain cannot exhaust
//! anything. Which of the quotations are history is looked at when all is read (`history`): only what nothing follows
//! can be, since somebody has answered below anything else.

use std::collections::HashSet;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

use super::history::{self, Conversation};
use crate::mail::signature;

/// The most characters of a link that are shown.
const LINK_CHARS: usize = 200;

/// The text of an HTML message, at most `limit` characters. When nothing is left without the history, the history is
/// what was written; and when all of it is said to be invisible, an element was not closed.
pub fn written(html: &str, limit: usize) -> String {
    own(html, limit, None).text
}

/// What a person wrote, and whether there was history that is left out.
pub(super) struct Own {
    pub(super) text: String,
    pub(super) has_history: bool,
}

/// The same as [`written`] of a message whose conversation is known: a header that mail programs write above what they
/// quote stands above what is forwarded, too.
pub(super) fn own(html: &str, limit: usize, conversation: Option<&Conversation<'_>>) -> Own {
    let page = render(html, limit, Shown::Visible);
    let (end, name) = page.own_end(conversation);
    let (own, behind) = page.text.split_at_checked(end).unwrap_or((page.text.as_str(), ""));
    match own.trim() {
        "" => Own { text: whole(html, limit), has_history: false },
        own if name.is_empty() => Own { text: own.to_owned(), has_history: !behind.trim().is_empty() },
        own => Own { text: format!("{own}\n\n{name}").chars().take(limit).collect(), has_history: true },
    }
}

/// Whether a text that should be plain is HTML after all: it begins and ends with a tag, and HTML begins with that one.
pub fn is_markup(text: &str) -> bool {
    const FIRST: [&str; 14] = [
        "doctype", "html", "head", "body", "meta", "style", "div", "p", "span", "table", "br", "font", "ul",
        "ol",
    ];
    let text = text.trim();
    let Some(tag) = text.strip_prefix('<').filter(|_| text.ends_with('>')) else { return false };
    let tag = tag.trim_start_matches('!');
    let name = tag.find(|c: char| !c.is_ascii_alphanumeric()).map_or(tag, |end| &tag[..end]);
    FIRST.iter().any(|first| name.eq_ignore_ascii_case(first))
}

/// All of it as text, the history too.
pub fn whole(html: &str, limit: usize) -> String {
    let text = |shown| render(html, limit, shown).text.trim().to_owned();
    let visible = text(Shown::Visible);
    if visible.is_empty() { text(Shown::All) } else { visible }
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Shown {
    #[default]
    Visible,
    /// With what a style says is not shown, too.
    All,
}

fn render(html: &str, limit: usize, shown: Shown) -> Page {
    let mut page = Page { shown, limit, ..Page::default() };
    let mut emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _: Span<()>| page.take(event));
    emitter.naively_switch_states(true);
    // The first thing that the page answers is that it is full.
    let _ = Tokenizer::new_with_emitter(html, emitter).next();
    page.close_link();
    page.close_quotation();
    page
}

/// What was read so far.
#[derive(Default)]
struct Page {
    shown: Shown,
    limit: usize,
    chars: usize,
    text: String,
    /// The start tag that is being read.
    tag: Tag,
    attribute: Vec<u8>,
    /// The element whose content is not shown.
    hidden: Option<Hidden>,
    /// The quotation that is being read, the outermost.
    quotation: Option<Quotation>,
    /// Those that were, in their order.
    quoted: Vec<Quoted>,
    in_pre: u32,
    /// The link whose words are being read.
    link: Option<Link>,
    /// Where links lead that were read.
    leads: HashSet<String>,
    /// What has to stand between the last text and the next.
    gap: Gap,
}

/// An element whose content is not shown.
struct Hidden {
    name: Vec<u8>,
    /// How many of its name are open within it.
    depth: u32,
}

/// An element of what a mail program quotes.
struct Quotation {
    /// Empty for what has no end: a header, and all that follows it.
    name: Vec<u8>,
    /// How many of its name are open within it.
    depth: u32,
    /// Whether it is over with the first quotation in it: somebody may have answered below that.
    until_quoted: bool,
    /// How many quotations are open within it.
    quotations: u32,
    kind: history::Kind,
    /// Where it begins in the text.
    from: usize,
}

/// Where a quotation stands in the text.
struct Quoted {
    kind: history::Kind,
    from: usize,
    to: usize,
}

struct Link {
    leads_to: String,
    /// Where its words begin in the text.
    from: usize,
}

#[derive(Default)]
struct Tag {
    name: Vec<u8>,
    /// Where it leads, if it is a link that somebody can follow.
    leads_to: Option<String>,
    is_hidden: bool,
    /// What it quotes, if it does.
    quotes: Option<history::Kind>,
    /// It holds who wrote when, what is quoted, and perhaps answers in between.
    holds_quotations: bool,
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
                self.tag = Tag { name: name.to_ascii_lowercase(), is_hidden, ..Tag::default() };
            }
            CallbackEvent::AttributeName { name } => {
                self.attribute = name.to_ascii_lowercase();
                self.tag.is_hidden |= self.attribute == b"hidden" && self.shown != Shown::All;
            }
            CallbackEvent::AttributeValue { value } => {
                if self.tag.name == b"a" && self.attribute == b"href" {
                    self.tag.leads_to = leads_to(&String::from_utf8_lossy(value));
                }
                self.attribute(&value.to_ascii_lowercase());
            }
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
        let is_class = self.attribute == b"class";
        let quotes = match self.attribute.as_slice() {
            // Who writes a mail quotes something by such an element alone; what programs append is within another one.
            b"class" if self.tag.name == b"blockquote" && has(b"gmail_quote") => Some(history::Kind::Passage),
            b"class" => [
                &b"gmail_quote"[..],
                b"yahoo_quoted",
                b"moz-cite-prefix",
                b"protonmail_quote",
                b"zmail_extra",
            ]
            .iter()
            .any(|class| has(class))
            .then_some(history::Kind::Appended),
            b"type" if self.tag.name == b"blockquote" && value == b"cite" => Some(history::Kind::Appended),
            b"id" if has(b"mail-editor-reference-message-container") => Some(history::Kind::Appended),
            b"id" if matches!(value, b"divrplyfwdmsg" | b"appendonsend") => Some(history::Kind::BelowHeader),
            _ => None,
        };
        let is_style = self.attribute == b"style";
        let style: Vec<u8> = match is_style {
            true => value.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect(),
            false => Vec::new(),
        };
        let styled = |part: &[u8]| style.windows(part.len()).any(|window| window == part);
        // Outlook draws a line above the header of what it quotes.
        let is_lined = self.tag.name == b"div" && styled(b"border:none") && styled(b"border-top:solid");
        let is_invisible = is_style
            && self.shown != Shown::All
            && [&b"display:none"[..], b"visibility:hidden"].iter().any(|part| styled(part));
        self.tag.is_hidden |= is_invisible;
        self.tag.quotes = quotes.or(is_lined.then_some(history::Kind::BelowHeader)).or(self.tag.quotes);
        self.tag.holds_quotations |= self.tag.name == b"div" && is_class && has(b"gmail_quote");
    }

    fn start(&mut self) -> Option<()> {
        let name = std::mem::take(&mut self.tag.name);
        if let Some(hidden) = &mut self.hidden {
            hidden.depth += u32::from(hidden.name == name);
            return None;
        }
        if self.tag.is_hidden && !is_void(&name) {
            self.hidden = Some(Hidden { name, depth: 0 });
            return None;
        }
        self.open_quotation(&name);
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
            b"a" => {
                // The one before it was not closed.
                self.close_link();
                let from = self.text.len();
                self.link = self.tag.leads_to.take().map(|leads_to| Link { leads_to, from });
            }
            name => self.widen(gap_around(name)),
        }
        None
    }

    fn end(&mut self, name: &[u8]) {
        if let Some(hidden) = &mut self.hidden {
            let is_its_own = hidden.name.eq_ignore_ascii_case(name);
            let is_over = is_its_own && hidden.depth == 0;
            hidden.depth = hidden.depth.saturating_sub(u32::from(is_its_own));
            if is_over {
                self.hidden = None;
            }
            return;
        }
        self.end_quotation(name);
        if name.eq_ignore_ascii_case(b"pre") {
            self.in_pre = self.in_pre.saturating_sub(1);
        }
        if name.eq_ignore_ascii_case(b"a") {
            self.close_link();
        }
        self.widen(gap_around(name));
    }

    fn open_quotation(&mut self, name: &[u8]) {
        if let Some(open) = &mut self.quotation {
            open.depth += u32::from(open.name == name);
            open.quotations += u32::from(name == b"blockquote");
            return;
        }
        let Some(kind) = self.tag.quotes.filter(|_| !is_void(name)) else { return };
        self.close_link();
        let has_end = kind != history::Kind::BelowHeader;
        self.quotation = Some(Quotation {
            name: if has_end { name.to_vec() } else { Vec::new() },
            depth: 0,
            until_quoted: has_end && self.tag.holds_quotations,
            quotations: 0,
            kind,
            from: self.text.trim_end().len(),
        });
    }

    fn end_quotation(&mut self, name: &[u8]) {
        let Some(open) = &mut self.quotation else { return };
        let is_quotation = name.eq_ignore_ascii_case(b"blockquote");
        let is_last_quotation = is_quotation && open.quotations == 1;
        open.quotations = open.quotations.saturating_sub(u32::from(is_quotation));
        let is_its_own = open.name.eq_ignore_ascii_case(name);
        let is_over = (is_its_own && open.depth == 0) || (open.until_quoted && is_last_quotation);
        open.depth = open.depth.saturating_sub(u32::from(is_its_own));
        if is_over {
            self.close_quotation();
        }
    }

    fn close_quotation(&mut self) {
        // Links are written out first, so that nothing is put into the text before a place that is noted.
        if self.quotation.is_some() {
            self.close_link();
        }
        if let Some(Quotation { kind, from, .. }) = self.quotation.take() {
            self.quoted.push(Quoted { kind, from, to: self.text.trim_end().len() });
        }
    }

    /// Where in the text the history begins that is the last thing in it, its end when there is none; and the name that stands
    /// below: a signature there answers nothing.
    fn own_end(&self, conversation: Option<&Conversation<'_>>) -> (usize, String) {
        let part = |from: usize, to: usize| self.text.get(from..to).unwrap_or_default();
        let mut end = self.text.len();
        let mut name = String::new();
        for quoted in self.quoted.iter().rev() {
            let behind = part(quoted.to, end);
            let mut is_last = behind.trim().is_empty();
            if !is_last
                && end == self.text.len()
                && let Some(below) = signature::name_below(behind)
            {
                (is_last, name) = (true, below);
            }
            let (before, within) = (part(0, quoted.from), part(quoted.from, quoted.to));
            if !is_last || !history::is_history(quoted.kind, before, within, conversation) {
                break;
            }
            end = quoted.from;
        }
        if end == self.text.len() { (end, String::new()) } else { (end, name) }
    }

    fn widen(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    fn write(&mut self, text: &str) -> Option<()> {
        // A soft hyphen says where a word may be broken, and is no part of it.
        for c in text.chars().filter(|c| *c != '\u{ad}') {
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

    /// Writes where the link leads whose words were read, unless they say so themselves or it was said before. One without words
    /// is a picture, or one that nobody was to see.
    fn close_link(&mut self) {
        let Some(Link { leads_to, from }) = self.link.take() else { return };
        let words = self.text.get(from..).unwrap_or_default().trim();
        if words.is_empty() {
            return;
        }
        let is_said = words.contains(&leads_to) || bare(words) == bare(&leads_to);
        let behind = format!(" ({leads_to})");
        let chars = behind.chars().count();
        if self.leads.insert(leads_to) && !is_said && self.chars + chars <= self.limit {
            self.text.insert_str(self.text.trim_end().len(), &behind);
            self.chars += chars;
        }
    }

    fn trim_line(&mut self) {
        let length = self.text.trim_end_matches(' ').len();
        self.text.truncate(length);
    }
}

/// Where a link leads, when it is a page or an address of mail, and none at which mail is ordered off.
fn leads_to(href: &str) -> Option<String> {
    // Browsers leave line breaks out.
    let href: String = href.trim().chars().filter(|c| !c.is_control()).collect();
    let begins =
        |scheme: &str| href.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    if begins("mailto:") {
        let address = href["mailto:".len()..].split('?').next().unwrap_or_default().trim();
        let is_one = address.contains('@') && address.chars().count() <= LINK_CHARS;
        return is_one.then(|| address.to_owned());
    }
    if !(begins("https://") || begins("http://")) || href.to_ascii_lowercase().contains("unsubscribe") {
        return None;
    }
    let href = href.replace(' ', "%20");
    let is_short = |text: &str| text.chars().count() <= LINK_CHARS;
    if is_short(&href) {
        return Some(href);
    }
    // What is behind a question mark is long for machines.
    Some(match href.split_once(['?', '#']) {
        Some((page, _)) if is_short(page) => format!("{page}?\u{2026}"),
        _ => href.chars().take(LINK_CHARS).chain(['\u{2026}']).collect(),
    })
}

/// An address without what people leave out of it.
fn bare(address: &str) -> String {
    let small = address.trim().to_lowercase();
    let schemes = ["https://", "http://", "mailto:"];
    let rest = schemes.iter().find_map(|scheme| small.strip_prefix(scheme)).unwrap_or(&small);
    rest.strip_prefix("www.").unwrap_or(rest).trim_end_matches('/').to_owned()
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
            ("<div style=\"color:#fff; DISPLAY : none\">preheader</div>Hi", "Hi"),
            ("<span hidden>preheader</span>Hi", "Hi"),
            ("a<span style='visibility: hidden'>x</span>b", "ab"),
            ("My Liefer&shy;ung is late", "My Lieferung is late"),
            ("<div style=\"display:none\"><p>My lamp broke", "My lamp broke"),
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
    fn a_signature_below_the_history_answers_nothing() {
        let quoted = "<div>Thank you!</div><div class=\"gmail_quote\"><div>On Monday, Shop wrote:<br><blockquote>Hi</blockquote></div></div>";
        for (below, text) in [
            ("<div>Sent from my iPhone</div>", "Thank you!"),
            ("<div>Maya Lind</div>", "Thank you!\n\nMaya Lind"),
            ("<p>Maya</p><p>Von meinem iPhone gesendet</p>", "Thank you!\n\nMaya"),
        ] {
            let own = own(&format!("{quoted}{below}"), 1_000, None);
            assert_eq!((own.text.as_str(), own.has_history), (text, true), "{below}");
        }
        let answered = written(&format!("{quoted}<div>Order 536365</div>"), 1_000);
        assert!(answered.contains("Hi") && answered.ends_with("Order 536365"), "{answered}");
        // Where nothing else was written it is all there is.
        let alone = "<blockquote type=cite>Hi</blockquote><div>Maya</div>";
        assert_eq!(written(alone, 1_000), "Hi\n\nMaya");
    }

    #[test]
    fn answers_between_quotations_are_the_persons_words() {
        let html = "<div>See below.</div><div class=\"gmail_quote\"><div class=\"gmail_attr\">On Monday, Shop wrote:</div>\
            <blockquote class=\"gmail_quote\"><div>Which lamp is it? <blockquote>Hi</blockquote></div></blockquote>\
            <div>The red one.</div><blockquote class=\"gmail_quote\">And when?</blockquote><div>On Friday.</div></div>";
        assert_eq!(
            written(html, 1_000),
            "See below.\nOn Monday, Shop wrote:\n\nWhich lamp is it?\n\nHi\n\nThe red one.\n\nAnd when?\n\nOn Friday."
        );
        let html = "<p>The label says</p><blockquote class=\"gmail_quote\">Fragile</blockquote><p>and it broke.</p>\
            <div class=\"gmail_quote\"><div class=\"gmail_attr\">On Monday, Shop wrote:</div><blockquote>Hi</blockquote></div>";
        assert_eq!(written(html, 1_000), "The label says\n\nFragile\n\nand it broke.");
        let html = "<div>DHL says:</div><blockquote class=\"gmail_quote\">It is lost</blockquote>";
        assert_eq!(written(html, 1_000), "DHL says:\n\nIt is lost");
        let html = "<div>Yes</div>Am 1.11.2026 schrieb Shop:<blockquote class=\"gmail_quote\">Is it lost?</blockquote>";
        assert_eq!(written(html, 1_000), "Yes\nAm 1.11.2026 schrieb Shop:");
    }

    #[test]
    fn what_is_forwarded_is_what_the_customer_sends() {
        for html in [
            "<div dir=\"ltr\">see below<br><div class=\"gmail_quote\"><div class=\"gmail_attr\">---------- Forwarded message ---------<br>From: DHL</div>could not be delivered 0034</div></div>",
            "<div>see below</div><blockquote type=\"cite\"><div>Begin forwarded message:</div><div>From: DHL</div>could not be delivered 0034</blockquote>",
            "<div>see below</div><div>Anfang der weitergeleiteten Nachricht:</div><br><blockquote type=\"cite\"><div>Von: DHL</div>could not be delivered 0034</blockquote>",
            "<p>see below</p><div class=\"yahoo_quoted\">----- Weitergeleitete Nachricht -----<br>Von: DHL<br>could not be delivered 0034</div>",
        ] {
            let text = written(html, 1_000);
            assert!(text.starts_with("see below") && text.ends_with("could not be delivered 0034"), "{text}");
        }
        let header = |begin: &str, from: &str, subject: &str| {
            format!(
                "<p>see below</p>{begin}<p><b>Von:</b> {from}<br><b>Gesendet:</b> Montag<br><b>An:</b> Maya<br>\
                 <b>Betreff:</b> {subject}</p></div><p>could not be delivered 0034</p>"
            )
        };
        let conversation =
            Conversation { subjects: vec!["AW: My lamp"], ours: vec!["help@shop.example".to_owned()] };
        let forwarding = Conversation { subjects: vec!["WG: Ihr Paket"], ours: Vec::new() };
        for begin in
            ["<div style=\"border:none;border-top:solid #E1E1E1 1.0pt\">", "<div id=\"divRplyFwdMsg\">"]
        {
            for (from, subject, around, is_kept) in [
                ("DHL &lt;no@dhl.example&gt;", "Ihr Paket", &conversation, true),
                ("DHL", "Ihr Paket", &conversation, true),
                ("DHL", "Ihr Paket", &forwarding, true),
                ("Shop &lt;Help@shop.example&gt;", "Order 7", &conversation, false),
                ("Shop", "RE: my lamp", &conversation, false),
            ] {
                let own = own(&header(begin, from, subject), 1_000, Some(around));
                assert_eq!(own.text.ends_with("could not be delivered 0034"), is_kept, "{}", own.text);
                assert_eq!((own.text.starts_with("see below"), own.has_history), (true, !is_kept));
            }
        }
    }

    #[test]
    fn where_a_link_leads_stands_behind_its_words() {
        let long = format!("<a href='https://click.example/ls?to={}'>One</a>", "x".repeat(300));
        let longer = format!("https://click.example/{}", "x".repeat(300));
        for (html, text) in [
            (
                "See <a href=\"https://Shop.example/a?b=1&amp;c=2\">here</a>.",
                "See here (https://Shop.example/a?b=1&c=2).",
            ),
            (
                "<a HREF='mailto:help@shop.example?subject=Lamp'>Write us </a>now",
                "Write us (help@shop.example) now",
            ),
            ("<a href=\"https://www.shop.example/\">shop.example</a> x", "shop.example x"),
            ("<a href=\"mailto:Ann@x.example\">ann@x.example</a>", "ann@x.example"),
            (
                "<a href=\"https://evil.example\">https://bank.example</a>",
                "https://bank.example (https://evil.example)",
            ),
            (
                "<a href='https://x.example/1'>One</a> <a href='https://x.example/1'>again</a> <a href='https://x.example/2'>Two</a>",
                "One (https://x.example/1) again Two (https://x.example/2)",
            ),
            ("A <a href='https://x.example/1'>page: https://x.example/1</a>", "A page: https://x.example/1"),
            ("Hi<a href='https://t.example/p'><img src='https://t.example/p.gif'></a> Ann", "Hi Ann"),
            ("<a href='https://t.example/p' style='display:none'>x</a>Hi", "Hi"),
            (
                "<a href='#top'>Up</a> <a href='javascript:x()'>go</a> <a href='tel:1'>call</a> <a>no</a>",
                "Up go call no",
            ),
            ("<a href='https://x.example/Unsubscribe?u=1'>Unsubscribe</a>", "Unsubscribe"),
            (
                "<p><a href='https://x.example'><div>Track</div></a></p><p>Bye</p>",
                "Track (https://x.example)\n\nBye",
            ),
            ("<a href='https://x.example/1'>One<br></a>Two", "One (https://x.example/1)\nTwo"),
            (
                "<a href='https://x.example/1'>One <a href='https://x.example/2'>Two",
                "One (https://x.example/1) Two (https://x.example/2)",
            ),
            ("<a href='https://x.example/a\n b'>One</a>", "One (https://x.example/a%20b)"),
            (long.as_str(), "One (https://click.example/ls?\u{2026})"),
            (
                format!("<a href='{longer}'>One</a>").as_str(),
                format!("One ({}\u{2026})", &longer[..LINK_CHARS]).as_str(),
            ),
        ] {
            assert_eq!(written(html, 1_000), text, "{html}");
        }
        assert_eq!(written("<a href='https://x.example'>here</a> and more", 10), "here and m");
        // Also where all of it is read, with the history.
        let html =
            "<p>Thanks!</p><blockquote type=cite>See <a href='https://x.example'>here</a></blockquote>";
        assert_eq!(written(html, 100), "Thanks!");
        assert_eq!(whole(html, 100), "Thanks!\n\nSee here (https://x.example)");
    }

    #[test]
    fn a_text_that_is_markup_begins_and_ends_as_such() {
        for text in
            ["<p>My lamp</p>", " <!DOCTYPE html><html>x</html>", "<DIV class=x>y</DIV>\n", "<br>a<br/>"]
        {
            assert!(is_markup(text), "{text}");
        }
        for text in
            ["", "<", "5 < 6 > 4", "<3 you>", "<maya@example.com>", "<p> is what I see", "<product>", "> a"]
        {
            assert!(!is_markup(text), "{text}");
        }
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
            prop_assert!(written(&html, 50).chars().count() <= 50);
        }

        #[test]
        fn links_of_any_kind_are_read(
            pieces in proptest::collection::vec(
                prop_oneof![
                    Just("<a href='https://x.example/\u{e9}'>"), Just("<a href=mailto:a@b>"), Just("<A HREF>"), Just("</a>"),
                    Just("<br>"), Just("<p>"), Just(" "), Just("\u{65e5}"), Just("<pre>\n"), Just("<b hidden>"), Just("</b>"),
                ],
                0..30,
            ),
            limit in 0_usize..80,
        ) {
            let text = written(&pieces.concat(), limit);
            prop_assert!(text.chars().count() <= limit);
            prop_assert!(text.matches("(a@b)").count() <= 1);
        }
    }
}
