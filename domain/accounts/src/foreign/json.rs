//! Makes of what a sender calls JSON a text that serde_json reads and Postgres stores, and says what was mended.
//!
//! Half of a surrogate pair, NUL, a number of a thousand digits or a nesting of a thousand levels somewhere in a body
//! is no reason to refuse a customer's message, and each of them makes a parser or `jsonb` refuse all of it. One pass,
//! without recursion: what is fine is copied as it stands, digits included; only what has no possible reading is an
//! error. Lists and objects deeper than [`MAX_DEPTH`] and texts longer than [`MAX_TEXT_BYTES`] are cut.

mod cleaner;

use cleaner::Cleaner;

/// The deepest nesting that is kept.
pub const MAX_DEPTH: usize = 64;

/// The longest text that is kept, in bytes.
pub const MAX_TEXT_BYTES: usize = 256 * 1024;

/// The longest number that stays a number, in digits; the largest exponent, too. A double has 309, Postgres 131,072.
const MAX_NUMBER: usize = 400;

/// At most so many repairs are told one by one.
const MAX_REPAIRS: usize = 20;

/// A text that is JSON, has no NUL and no half character, and what was mended in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cleaned {
    /// The JSON text, without blanks between its parts.
    pub text: String,
    /// What was mended, the first twenty.
    pub repairs: Vec<Repair>,
    /// How many more were.
    pub further: usize,
}

/// One thing that was mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// Where, for example `ticket.custom_fields[2].value`; `(body)` for the whole.
    pub place: String,
    /// What was wrong.
    pub fault: Fault,
}

/// What can be wrong with a text that is nearly JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Half of a surrogate pair, which is no character.
    HalfCharacter,
    /// A NUL character.
    Nul,
    /// Bytes that are no UTF-8.
    NoUtf8,
    /// A line end or tabulator within a text that was not escaped.
    LineEnd,
    /// Another control character.
    Control,
    /// A backslash that escapes nothing.
    Backslash,
    /// A number beyond all measure, or none at all.
    Number,
    /// A word that is not JSON, such as `None`.
    Word,
    /// Nothing where a value should be.
    NoValue,
    /// A comma without a field.
    Comma,
    /// A nesting deeper than [`MAX_DEPTH`].
    Depth,
    /// A text longer than [`MAX_TEXT_BYTES`].
    Length,
}

impl Fault {
    /// What was wrong, and what stands there now.
    pub fn mended(self) -> &'static str {
        match self {
            Fault::HalfCharacter => "half of a surrogate pair was replaced by U+FFFD",
            Fault::Nul => "a NUL character was left out",
            Fault::NoUtf8 => "bytes that are no UTF-8 were replaced by U+FFFD",
            Fault::LineEnd => "a line end or tabulator was not escaped",
            Fault::Control => "a control character was left out",
            Fault::Backslash => "a backslash that escapes nothing stands for itself",
            Fault::Number => "it is no number, or one beyond all measure; it was kept as a text",
            Fault::Word => "a word that is not JSON was read as what it means",
            Fault::NoValue => "there is no value; it counts as null",
            Fault::Comma => "a comma without a field was left out",
            Fault::Depth => "it is nested deeper than 64 levels; what lies deeper was left out",
            Fault::Length => "the text is longer than 256 KiB; its end was cut off",
        }
    }
}

/// Not JSON, and nothing that it could mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not JSON (line {line}, column {column})")]
pub struct NotJson {
    /// Line of the fault, from 1.
    pub line: usize,
    /// Column of the fault in bytes, from 1.
    pub column: usize,
}

/// Reads all of `input`.
///
/// # Errors
/// The place from which on nothing can be understood.
pub fn clean(input: &[u8]) -> Result<Cleaned, NotJson> {
    Cleaner::of(input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input)).clean()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;
    use serde_json::value::RawValue;

    use super::*;

    fn cleaned(input: impl AsRef<[u8]>) -> String {
        let cleaned = clean(input.as_ref()).expect("understood");
        serde_json::from_str::<&RawValue>(&cleaned.text).expect("JSON");
        cleaned.text
    }

    #[test]
    fn what_is_fine_stays_as_it_stands() {
        for text in [
            r#"{"id":9007199254740993,"w":4711.0,"e":1e400,"big":12345678901234567890123,"s":"\ud83d\ude00 \u00e9 \/"}"#,
            r#"[]"#,
            r#"{"a":[{},[],"",-0,1.5e-7,true,false,null]}"#,
            r#""text""#,
        ] {
            assert_eq!(clean(text.as_bytes()), Ok(Cleaned { text: text.to_owned(), ..Cleaned::default() }));
        }
        assert_eq!(cleaned(" { \"a\" :\n [ 1 , 2 ] } "), r#"{"a":[1,2]}"#);
        assert_eq!(cleaned("{\u{a0}\"a\":\u{200b}\u{2028}[1,\u{c}2]\u{feff}}"), r#"{"a":[1,2]}"#);
    }

    #[test]
    fn what_has_a_meaning_is_mended_and_told() {
        for (input, text, place) in [
            (r#"{"t":"It broke \ud83d"}"#, "{\"t\":\"It broke \u{FFFD}\"}", "t"),
            (r#"{"t":"\ude00x"}"#, "{\"t\":\"\u{FFFD}x\"}", "t"),
            (r#"{"t":"\ud83d\u0041"}"#, "{\"t\":\"\u{FFFD}\\u0041\"}", "t"),
            (r#"{"t":["a",{"b\ud83d":1}]}"#, "{\"t\":[\"a\",{\"b\u{FFFD}\":1}]}", "t[1]"),
            (r#"{"t":"a\u0000b"}"#, r#"{"t":"ab"}"#, "t"),
            ("{\"t\":\"a\nb\"}", r#"{"t":"a\nb"}"#, "t"),
            (r#"{"t":1e4000}"#, r#"{"t":"1e4000"}"#, "t"),
            (r#"{"t":007}"#, r#"{"t":"007"}"#, "t"),
            (r#"{"t":NaN,"u":-Infinity}"#, r#"{"t":null,"u":null}"#, "t"),
            (r#"{"t":True}"#, r#"{"t":true}"#, "t"),
            (r#"{"t":,"u":1}"#, r#"{"t":null,"u":1}"#, "t"),
            (r#"{"t":1,}"#, r#"{"t":1}"#, "t"),
            (r#"{"t":1,, ,"u":2}"#, r#"{"t":1,"u":2}"#, "t"),
            (r#"{,"t":1}"#, r#"{"t":1}"#, "(body)"),
            (r#"{"t":"C:\lamps\x, it\'s broken"}"#, r#"{"t":"C:\\lamps\\x, it's broken"}"#, "t"),
            (r#"{"t":"C:\users\u12"}"#, r#"{"t":"C:\\users\\u12"}"#, "t"),
        ] {
            let result = clean(input.as_bytes()).expect(input);
            assert_eq!(result.text, text, "{input}");
            assert_eq!(result.repairs[0].place, place, "{input}");
        }
        let latin = clean(b"{\"t\":\"caf\xe9\"}").expect("understood");
        assert_eq!(latin.text, "{\"t\":\"caf\u{FFFD}\"}");
    }

    #[test]
    fn what_means_nothing_is_refused_with_its_place() {
        for (input, line, column) in [
            ("", 1, 1),
            ("{", 1, 2),
            ("{\"a\":\n[1,\n x]}", 3, 2),
            ("{} {}", 1, 4),
            ("{\"a\" 1}", 1, 6),
            ("[1 2]", 1, 4),
            ("\"open", 1, 2),
        ] {
            assert_eq!(clean(input.as_bytes()), Err(NotJson { line, column }), "{input}");
        }
    }

    #[test]
    fn depth_and_length_have_bounds_and_cost_no_stack() {
        let deep = format!("{{\"a\":{}1{},\"b\":2}}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        let text = cleaned(deep);
        assert!(text.len() < 200 && text.ends_with(",\"b\":2}"), "{text}");
        let long = format!("[\"{}\",1]", "é\\n".repeat(300_000));
        let text = cleaned(long);
        assert!(text.len() <= MAX_TEXT_BYTES + 20 && text.ends_with("\",1]"));
    }

    #[test]
    fn many_faults_are_counted_and_not_listed() {
        let input = format!("[{}]", "\"\\ud83d\",".repeat(1000).trim_end_matches(','));
        let result = clean(input.as_bytes()).expect("understood");
        assert_eq!((result.repairs.len(), result.further), (20, 980));
    }

    proptest! {
        #[test]
        fn any_bytes_are_json_afterwards_or_refused(input in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(result) = clean(&input) {
                prop_assert!(serde_json::from_str::<&RawValue>(&result.text).is_ok(), "{}", result.text);
            }
        }

        #[test]
        fn what_looks_like_json_is_json_afterwards_or_refused(
            input in "[\\[\\]{}\",:\\\\ud83dDE0123456789+\\-.eEtrufalsn \\n\u{e9}]{0,80}"
        ) {
            if let Ok(result) = clean(input.as_bytes()) {
                prop_assert!(serde_json::from_str::<&RawValue>(&result.text).is_ok(), "{}", result.text);
                prop_assert_eq!(clean(result.text.as_bytes()).map(|again| again.text), Ok(result.text));
            }
        }

        #[test]
        fn json_means_the_same_afterwards(items in prop::collection::vec(("\\PC{0,12}", any::<f64>(), any::<i64>()), 0..6)) {
            let value: Value = items.iter().map(|(name, number, whole)| serde_json::json!({name: [number, whole, name]})).collect();
            let text = serde_json::to_string(&value).expect("JSON");
            let result = clean(text.as_bytes()).expect("understood");
            prop_assert_eq!(serde_json::from_str::<Value>(&result.text).expect("JSON"), value);
        }
    }
}
