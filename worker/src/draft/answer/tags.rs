//! Finds the reply in a text: the part between `<reply>` and `</reply>`, when there is no doubt which that is.
//!
//! A model may talk before it answers, and may name the tag while it does ("I will put it inside `<reply>` tags."). So a
//! tag that opens counts for a mere mention when it stands within a line and no end follows before the next one. Any
//! other tag too many, before, inside or behind the reply, leaves open what was meant for whom: that is a fault, and
//! the model is asked again.

use crate::draft::fault::Fault;

const OPENING: &str = "<reply>";
const CLOSING: &str = "</reply>";

#[derive(Clone, Copy, PartialEq)]
enum Tag {
    Opening { begins_line: bool },
    Closing,
}

/// The reply, and the text behind it.
pub(super) fn reply_of(text: &str) -> Result<(&str, &str), Fault> {
    let tags = tags(text);
    let Some(end) = tags.iter().position(|(_, tag)| *tag == Tag::Closing) else { return Err(Fault::NoReply) };
    let Some(start) = end.checked_sub(1) else { return Err(Fault::NoReply) };
    let is_mention = |(_, tag): &(usize, Tag)| *tag == Tag::Opening { begins_line: false };
    if !tags[..start].iter().all(is_mention) || tags.len() > end + 1 {
        return Err(Fault::SeveralReplies);
    }
    let (from, to) = (tags[start].0 + OPENING.len(), tags[end].0);
    Ok((&text[from..to], &text[to + CLOSING.len()..]))
}

/// Every tag with its place, in any case of letters.
fn tags(text: &str) -> Vec<(usize, Tag)> {
    let is = |rest: &str, tag: &str| {
        rest.as_bytes().get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag.as_bytes()))
    };
    text.match_indices('<')
        .filter_map(|(at, _)| {
            let rest = &text[at..];
            if is(rest, OPENING) {
                let line = text[..at].rsplit('\n').next().unwrap_or("");
                Some((at, Tag::Opening { begins_line: line.trim().is_empty() }))
            } else {
                is(rest, CLOSING).then_some((at, Tag::Closing))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_that_is_only_talked_about_is_no_reply() {
        let text = "I will put it inside <reply> tags.\n<reply>Hello Maya, your lamp left us on Monday.</reply>\nrest";
        assert_eq!(reply_of(text), Ok(("Hello Maya, your lamp left us on Monday.", "\nrest")));
        assert_eq!(reply_of("Sure! <Reply>Hi.</REPLY>"), Ok(("Hi.", "")));
    }

    #[test]
    fn a_doubt_about_where_it_begins_or_ends_is_a_fault() {
        for text in [
            "<reply>Here is a draft: <reply>Hello.</reply>",
            "<reply>Here is a draft: <reply>Hello.</reply></reply>",
            "Sure: <reply>A draft: <reply>Hello.</reply></reply>",
            "<reply>One.</reply>\n<reply>Two.</reply>",
            "<reply>One.</reply> That was </reply>.",
            "<reply>\n<reply>\nHello.\n</reply>",
        ] {
            assert_eq!(reply_of(text), Err(Fault::SeveralReplies), "{text}");
        }
        for text in ["Hello.", "<reply>Hello.", "Hello.</reply>", "</reply><reply>Hello."] {
            assert_eq!(reply_of(text), Err(Fault::NoReply), "{text}");
        }
    }
}
