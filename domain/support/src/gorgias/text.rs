//! The text of a message, under whichever name the template's author gave it. What is under none of the names that a
//! help desk uses is told, and a text is never dropped without a word.

use super::fields::{Object, Plain, UNFILLED, is_nothing, is_one_placeholder, plain, seen};
use super::history::Conversation;
use super::html;
use super::remarks::Remarks;

/// The longest message text kept, in characters.
pub(super) const BODY_LIMIT: usize = 50_000;
/// Where a message's text is looked for, one after the other.
pub(super) const TEXTS: [&str; 3] = ["body_text", "stripped_text", "body_html"];
/// Where it is looked for when it is in none of these: names that other programs use.
pub(super) const OTHER_TEXTS: [&str; 8] =
    ["body", "text", "content", "bodyText", "strippedText", "message", "bodyHtml", "html"];
const HTML: [&str; 3] = ["body_html", "bodyHtml", "html"];

/// What stands where a text should, when there is no other.
#[derive(Default)]
pub(super) struct NotRead {
    /// The place of what is of a type that no text has, with what it is.
    pub(super) unreadable: Option<(String, &'static str)>,
    /// The place of a placeholder.
    pub(super) unfilled: Option<String>,
}

/// What was written: the plain text, else what is left of the HTML. A word that programs write where they have nothing gives
/// way to any other text; alone it may be what somebody wrote. `names` are those of [`TEXTS`] and [`OTHER_TEXTS`] that the
/// object may have.
pub(super) fn read_text(
    message: &Object<'_>,
    names: impl IntoIterator<Item = &'static str>,
    conversation: &Conversation<'_>,
    remarks: &mut Remarks,
) -> (String, NotRead) {
    let mut not_read = NotRead::default();
    let mut nothing = None;
    for name in names {
        let is_usual = TEXTS.contains(&name);
        let value = message.value(name).and_then(plain);
        // Some programs say so of what they do not have.
        if is_usual && value == Some(Plain::Flag(false)) {
            remarks.add(message.path(name), "is not a text; it was read as none");
            continue;
        }
        if let Some(raw) = message.value(name)
            && matches!(value, Some(Plain::Flag(_) | Plain::List | Plain::Object))
        {
            if is_usual {
                not_read.unreadable.get_or_insert_with(|| (message.path(name), seen(raw)));
            }
            continue;
        }
        let is_html = HTML.contains(&name);
        let limit = if is_html { usize::MAX } else { BODY_LIMIT };
        let Some(text) = message.text(name, limit, remarks) else { continue };
        let escaped = if is_html { None } else { unescaped(&text) };
        if escaped.is_some() {
            remarks.add(message.path(name), "was escaped for HTML; it was read as what it says");
        }
        let text = escaped.unwrap_or(text);
        let (text, has_history) = if is_html || html::is_markup(&text) {
            let own = html::own(&text, BODY_LIMIT, Some(conversation));
            (own.text, own.has_history)
        } else {
            (text, false)
        };
        if text.is_empty() {
            continue;
        }
        if is_one_placeholder(&text) {
            remarks.add(message.path(name), format!("{UNFILLED}; it was read as no text"));
            not_read.unfilled.get_or_insert_with(|| message.path(name));
            continue;
        }
        if is_nothing(&text) {
            nothing.get_or_insert_with(|| (message.path(name), text));
            continue;
        }
        if let Some((field, _)) = nothing {
            remarks.add(field, "is a word for nothing; another text was taken");
        }
        if let Some((field, _)) = not_read.unreadable {
            remarks.add(field, "is not a text; another one was taken");
        }
        if !is_usual {
            remarks.add(message.path(name), "was read as the message's text, whose name is body_text");
        }
        if has_history {
            remarks.add_once(message.path(name), "what the mail quotes of the conversation was left out");
        }
        return (text, NotRead::default());
    }
    match nothing {
        Some((_, word)) => (word, NotRead::default()),
        None => (String::new(), not_read),
    }
}

/// What a template's filter for HTML writes, behind the `&`, and what it stands for.
const ESCAPED: [(&str, &str); 10] = [
    ("amp;", "&"),
    ("lt;", "<"),
    ("gt;", ">"),
    ("quot;", "\""),
    ("#34;", "\""),
    ("#39;", "'"),
    ("#039;", "'"),
    ("#x27;", "'"),
    ("apos;", "'"),
    ("nbsp;", " "),
];

/// What a plain text says that was escaped as if it were put into HTML: one in which nothing stands that would have been
/// escaped, and whose every `&` begins what such a filter writes.
fn unescaped(text: &str) -> Option<String> {
    if text.contains(['<', '>', '"']) {
        return None;
    }
    let (first, rest) = text.split_once('&')?;
    let mut plain = first.to_owned();
    for part in rest.split('&') {
        let (name, meaning) = ESCAPED.iter().find(|(name, _)| part.starts_with(name))?;
        plain.push_str(meaning);
        plain.push_str(&part[name.len()..]);
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_escaped_as_a_whole_is_read_and_nothing_else() {
        for (text, plain) in [
            ("I&#39;m &quot;here&quot; &amp; there", "I'm \"here\" & there"),
            ("&lt;p&gt;My lamp&lt;/p&gt;", "<p>My lamp</p>"),
        ] {
            assert_eq!(unescaped(text).as_deref(), Some(plain));
        }
        for text in ["My lamp", "Lamps & more", "\"&amp;\" is what I see", "a &amp b", "&lt;b> & c", "&"] {
            assert_eq!(unescaped(text), None, "{text}");
        }
    }
}
