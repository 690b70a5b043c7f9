//! A delivery that came wrapped in something else: as JSON within a JSON text, as the field of a form, as a list of one.
//! Tools between a help desk and us do that to it; what was sent is in it all the same.

use std::borrow::Cow;

use accounts::foreign::json::{self, Cleaned, NotJson};
use serde_json::value::RawValue;

/// What the wrapping is called in a remark.
const IN_A_TEXT: &str = "is JSON within a text; it was read as what it says";
const IN_A_FORM: &str = "is a form with JSON in one of its fields; that was read";
const IN_A_LIST: &str = "is a list of one; its only item was read";

/// The document out of what came, and what it was wrapped in.
///
/// # Errors
/// It is not JSON, and nothing that JSON could be made of.
pub(super) fn unwrapped(bytes: &[u8]) -> Result<(Cleaned, Vec<&'static str>), NotJson> {
    if let Some(Ok((document, mut told))) = long_text(bytes).map(|text| unwrapped(text.as_bytes())) {
        told.insert(0, IN_A_TEXT);
        return Ok((document, told));
    }
    let mut told = Vec::new();
    let mut document = match json::clean(bytes) {
        Ok(document) => document,
        Err(error) => {
            let field = of_form(bytes).and_then(|field| json::clean(field.as_bytes()).ok());
            told.push(IN_A_FORM);
            field.ok_or(error)?
        }
    };
    // A text in a list, or a list in a text: each is taken off once.
    for _ in 0..2 {
        let Some((inner, wrapping)) = within(&document.text) else { break };
        told.push(wrapping);
        document = Cleaned { text: inner.text, ..document };
        document.repairs.extend(inner.repairs);
    }
    Ok((document, told))
}

/// What a text says that is longer than what is kept of one, if it may be JSON: of that no end must be cut off.
fn long_text(bytes: &[u8]) -> Option<String> {
    if bytes.len() <= json::MAX_TEXT_BYTES || bytes.trim_ascii_start().first() != Some(&b'"') {
        return None;
    }
    let text: String = serde_json::from_slice(bytes).ok()?;
    text.trim_start().starts_with(['{', '[', '"']).then_some(text)
}

/// What a text says that is JSON itself, or the only item of a list.
fn within(document: &str) -> Option<(Cleaned, &'static str)> {
    match document.as_bytes().first()? {
        b'"' => {
            let text: String = serde_json::from_str(document).ok()?;
            let inner = json::clean(text.as_bytes()).ok()?;
            inner.text.starts_with(['{', '[']).then_some((inner, IN_A_TEXT))
        }
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(document).ok()?;
            let [item] = items.as_slice() else { return None };
            let inner = Cleaned { text: item.get().to_owned(), ..Cleaned::default() };
            inner.text.starts_with(['{', '"']).then_some((inner, IN_A_LIST))
        }
        _ => None,
    }
}

/// The first field of a form that begins as JSON does, as `payload=%7B%22ticket%22...`.
fn of_form(body: &[u8]) -> Option<String> {
    let body = std::str::from_utf8(body).ok()?.trim();
    // A form has no blanks and no quotes of its own, so nothing that is nearly JSON is taken for one.
    if !body.contains('=') || body.contains([' ', '"', '{', '\n']) {
        return None;
    }
    body.split('&').filter_map(|field| field.split_once('=')).find_map(|(_, value)| {
        let text = decoded(value)?;
        text.trim_start().starts_with(['{', '"']).then(|| text.into_owned())
    })
}

fn decoded(value: &str) -> Option<Cow<'_, str>> {
    if !value.contains(['%', '+']) {
        return Some(Cow::Borrowed(value));
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (digits, behind) = after.split_at_checked(2)?;
                bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
                rest = behind;
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> (String, Vec<&'static str>) {
        let (document, told) = unwrapped(bytes).expect("understood");
        (document.text, told)
    }

    #[test]
    fn each_wrapping_is_taken_off_and_told() {
        let plain = r#"{"ticket":{"id":1,"subject":"a + b & c"}}"#;
        let text = serde_json::to_string(plain).expect("JSON");
        let form: String = plain.bytes().map(|byte| format!("%{byte:02X}")).collect();
        assert_eq!(read(plain.as_bytes()), (plain.to_owned(), vec![]));
        assert_eq!(read(format!("\u{feff}{plain}").as_bytes()), (plain.to_owned(), vec![]));
        assert_eq!(read(text.as_bytes()), (plain.to_owned(), vec![IN_A_TEXT]));
        assert_eq!(read(format!("[{plain}]").as_bytes()), (plain.to_owned(), vec![IN_A_LIST]));
        assert_eq!(read(format!("[{text}]").as_bytes()), (plain.to_owned(), vec![IN_A_LIST, IN_A_TEXT]));
        assert_eq!(read(format!("v=1&payload={form}").as_bytes()), (plain.to_owned(), vec![IN_A_FORM]));
        assert_eq!(read(b"payload=%7B%22id%22%3A1%2C%22t%22%3A%22a+b%22%7D").0, r#"{"id":1,"t":"a b"}"#);
    }

    #[test]
    fn a_long_document_within_a_text_keeps_its_end() {
        let messages = format!(r#"{{"body_text":"{}"}},"#, "word ".repeat(2_000)).repeat(40);
        let plain = format!(r#"{{"ticket":{{"id":1,"messages":[{}]}}}}"#, messages.trim_end_matches(','));
        let text = serde_json::to_string(&plain).expect("JSON");
        assert!(text.len() > json::MAX_TEXT_BYTES);
        assert_eq!(read(text.as_bytes()), (plain, vec![IN_A_TEXT]));
    }

    #[test]
    fn what_is_no_wrapping_stays_what_it_is() {
        for text in [r#""hello""#, "[]", r#"[{"id":1},{"id":2}]"#, "[1]", "7"] {
            assert_eq!(read(text.as_bytes()), (text.to_owned(), vec![]));
        }
        for text in ["", "payload=hello", "payload=%7B%2", "a=b", "%7B"] {
            assert!(unwrapped(text.as_bytes()).is_err(), "{text}");
        }
        // The place of the fault is that of the body, not of a form that it is not.
        assert_eq!(unwrapped(b"{\"a\" 1}").err(), Some(NotJson { line: 1, column: 6 }));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_document_or_a_fault(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            if let Ok((document, _)) = unwrapped(&bytes) {
                prop_assert!(serde_json::from_str::<&RawValue>(&document.text).is_ok());
            }
        }

        #[test]
        fn what_looks_like_a_form_is_one_or_none(text in "[a-z=&%+0-9A-F\\[\\]\"{}]{0,60}") {
            let _ = unwrapped(text.as_bytes());
        }
    }
}
