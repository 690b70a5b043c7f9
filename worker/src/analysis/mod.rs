//! Reading customers' messages: by the model when there is one ([`model`]), else by words ([`lexicon`]), which says so.
//!
//! Pure but for the call itself, which the handler makes.

pub mod language;
pub mod lexicon;
mod matters;
pub mod model;
mod moods;

/// So much of a message's beginning is read.
const HEAD_CHARS: usize = 6_000;
/// And so much of its end.
const TAIL_CHARS: usize = 2_000;

/// The part of a message that is read: all of it, or beginning and end of a very long one.
pub fn excerpt(text: &str) -> String {
    let length = text.chars().count();
    if length <= HEAD_CHARS + TAIL_CHARS {
        return text.to_owned();
    }
    let head = text.chars().take(HEAD_CHARS);
    let tail = text.chars().skip(length - TAIL_CHARS);
    head.chain("\n[...]\n".chars()).chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_megabyte_is_read_at_both_ends() {
        let text = format!("{}{}{}", "a".repeat(10), "b".repeat(1 << 20), "ü".repeat(10));
        let read = excerpt(&text);
        assert!(read.starts_with("aaaaaaaaaab") && read.ends_with("büüüüüüüüüü"));
        assert!(read.chars().count() < 8_100);
        assert_eq!(excerpt("short"), "short");
    }
}
