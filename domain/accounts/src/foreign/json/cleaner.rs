//! The pass over the bytes: a reader that keeps what is open in a list of its own instead of the stack, and writes as it
//! goes.

use std::ops::Range;

use super::{Cleaned, Fault, MAX_DEPTH, MAX_NUMBER, MAX_REPAIRS, MAX_TEXT_BYTES, NotJson, Repair};

/// A list or an object whose end has not come yet.
enum Open {
    /// With the name of the field that is being read, as it stands in the output.
    Object(Range<usize>),
    /// With the number of the item that is being read.
    List(usize),
}

pub(super) struct Cleaner<'a> {
    input: &'a [u8],
    at: usize,
    out: String,
    open: Vec<Open>,
    repairs: Vec<Repair>,
    further: usize,
}

impl Cleaner<'_> {
    pub(super) fn of(input: &[u8]) -> Cleaner<'_> {
        let out = String::with_capacity(input.len());
        Cleaner { input, at: 0, out, open: Vec::new(), repairs: Vec::new(), further: 0 }
    }

    pub(super) fn clean(mut self) -> Result<Cleaned, NotJson> {
        match self.document() {
            Some(()) => Ok(Cleaned { text: self.out, repairs: self.repairs, further: self.further }),
            None => Err(self.fault()),
        }
    }

    /// None when it stopped at something that is not JSON.
    fn document(&mut self) -> Option<()> {
        self.value()?;
        loop {
            let next = self.next_visible();
            match (self.open.last_mut(), next) {
                (None, None) => return Some(()),
                (Some(Open::List(item)), Some(b',')) => {
                    *item += 1;
                    self.punctuation(',');
                    self.value()?;
                }
                (Some(Open::Object(_)), Some(b',')) => {
                    self.at += 1;
                    if matches!(self.next_visible(), Some(b'}' | b',')) {
                        self.note(Fault::Comma);
                        continue;
                    }
                    self.out.push(',');
                    self.name()?;
                    self.value()?;
                }
                (Some(Open::List(_)), Some(b']')) => self.close(']'),
                (Some(Open::Object(_)), Some(b'}')) => self.close('}'),
                _ => return None,
            }
        }
    }

    fn close(&mut self, mark: char) {
        self.punctuation(mark);
        self.open.pop();
    }

    fn punctuation(&mut self, mark: char) {
        self.at += 1;
        self.out.push(mark);
    }

    /// A value, or the beginning of one: of what it opens the first value is read as well.
    fn value(&mut self) -> Option<()> {
        loop {
            match self.next_visible()? {
                b'{' | b'[' if self.open.len() >= MAX_DEPTH => {
                    self.note(Fault::Depth);
                    self.skip()?;
                    self.out.push_str("null");
                    return Some(());
                }
                b'{' => {
                    self.punctuation('{');
                    while self.next_visible()? == b',' {
                        self.note(Fault::Comma);
                        self.at += 1;
                    }
                    if self.next_visible()? == b'}' {
                        self.punctuation('}');
                        return Some(());
                    }
                    self.open.push(Open::Object(0..0));
                    self.name()?;
                }
                b'[' => {
                    self.punctuation('[');
                    if self.next_visible()? == b']' {
                        self.punctuation(']');
                        return Some(());
                    }
                    self.open.push(Open::List(0));
                }
                b'"' => return self.text(),
                b'-' | b'+' | b'.' | b'0'..=b'9' => return self.number(),
                // What a template leaves of `"count": {{nothing}}`.
                b',' | b'}' | b']' if !self.open.is_empty() => {
                    self.note(Fault::NoValue);
                    self.out.push_str("null");
                    return Some(());
                }
                byte if byte.is_ascii_alphabetic() => return self.word(),
                _ => return None,
            }
        }
    }

    /// The name of a field, with its colon.
    fn name(&mut self) -> Option<()> {
        if self.next_visible()? != b'"' {
            return None;
        }
        // What is wrong with a name is told of the object.
        if let Some(Open::Object(current)) = self.open.last_mut() {
            *current = 0..0;
        }
        let from = self.out.len();
        self.text()?;
        let name = from + 1..self.out.len() - 1;
        if let Some(Open::Object(current)) = self.open.last_mut() {
            *current = name;
        }
        if self.next_visible()? != b':' {
            return None;
        }
        self.punctuation(':');
        Some(())
    }

    /// A text; `at` is on its first quotation mark.
    fn text(&mut self) -> Option<()> {
        self.punctuation('"');
        let limit = self.out.len() + MAX_TEXT_BYTES;
        let mut is_cut = false;
        loop {
            let rest = &self.input[self.at..];
            let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
            let run = &rest[..length];
            self.at += length;
            if length > 0 && !is_cut {
                is_cut = self.run(run, limit);
            }
            let length_before = self.out.len();
            match self.input[self.at] {
                b'"' => break,
                b'\\' => self.escape()?,
                byte => self.control(byte),
            }
            if is_cut {
                self.out.truncate(length_before);
            } else {
                is_cut = self.out.len() > limit;
            }
        }
        if is_cut {
            self.note(Fault::Length);
        }
        self.punctuation('"');
        Some(())
    }

    /// Characters that stand for themselves; whether they were too many.
    fn run(&mut self, run: &[u8], limit: usize) -> bool {
        match std::str::from_utf8(run) {
            Ok(text) => self.out.push_str(text),
            Err(_) => {
                self.note(Fault::NoUtf8);
                self.out.push_str(&String::from_utf8_lossy(run));
            }
        }
        if self.out.len() <= limit {
            return false;
        }
        self.out.truncate(self.out.floor_char_boundary(limit));
        true
    }

    /// A backslash and what belongs to it.
    fn escape(&mut self) -> Option<()> {
        let from = self.at;
        let kind = *self.input.get(from + 1)?;
        self.at += 2;
        match kind {
            b'u' => {}
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {
                self.copy_escape(from);
                return Some(());
            }
            _ => {
                self.bare_backslash(from);
                return Some(());
            }
        }
        let Some(unit) = self.code_unit() else {
            self.bare_backslash(from);
            return Some(());
        };
        match unit {
            0 => self.note(Fault::Nul),
            0xD800..=0xDBFF => {
                let second = self.at;
                let is_pair = self.input[second..].starts_with(b"\\u") && {
                    self.at += 2;
                    self.code_unit().is_some_and(|unit| (0xDC00..=0xDFFF).contains(&unit))
                };
                if is_pair {
                    self.copy_escape(from);
                } else {
                    self.at = second;
                    self.half_a_character();
                }
            }
            0xDC00..=0xDFFF => self.half_a_character(),
            _ => self.copy_escape(from),
        }
        Some(())
    }

    /// A backslash at `from` that escapes nothing, as after a template that puts in what somebody wrote as it is. Before an
    /// apostrophe it is a mark of other languages.
    fn bare_backslash(&mut self, from: usize) {
        self.note(Fault::Backslash);
        self.at = from + 1;
        if self.input.get(self.at) != Some(&b'\'') {
            self.out.push_str("\\\\");
        }
    }

    fn half_a_character(&mut self) {
        self.note(Fault::HalfCharacter);
        self.out.push(char::REPLACEMENT_CHARACTER);
    }

    /// What was read since `from` is ASCII and stays as it is.
    fn copy_escape(&mut self, from: usize) {
        self.out.extend(self.input[from..self.at].iter().map(|byte| char::from(*byte)));
    }

    /// Four hexadecimal digits.
    fn code_unit(&mut self) -> Option<u32> {
        let digits = self.input.get(self.at..self.at + 4)?;
        let unit =
            digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))?;
        self.at += 4;
        Some(unit)
    }

    /// A control character that stands in a text as it is, as after a template that does not escape.
    fn control(&mut self, byte: u8) {
        self.at += 1;
        match byte {
            b'\n' => self.out.push_str("\\n"),
            b'\r' => self.out.push_str("\\r"),
            b'\t' => self.out.push_str("\\t"),
            _ => return self.note(Fault::Control),
        }
        self.note(Fault::LineEnd);
    }

    fn number(&mut self) -> Option<()> {
        let rest = &self.input[self.at..];
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        let digits = &rest[..length];
        if digits == b"-" && rest[1..].starts_with(b"Infinity") {
            self.at += 1;
            return self.word();
        }
        self.at += length;
        let kept = &digits[..digits.len().min(MAX_NUMBER)];
        let kept = kept.iter().map(|byte| char::from(*byte));
        if is_number(digits) {
            self.out.extend(kept);
        } else {
            self.note(Fault::Number);
            self.out.push('"');
            self.out.extend(kept);
            self.out.push('"');
        }
        Some(())
    }

    /// `true`, `false`, `null`, and what programs write instead.
    fn word(&mut self) -> Option<()> {
        let rest = &self.input[self.at..];
        let length = rest.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (word, is_json) = match &rest[..length] {
            b"true" => ("true", true),
            b"false" => ("false", true),
            b"null" => ("null", true),
            b"True" | b"TRUE" => ("true", false),
            b"False" | b"FALSE" => ("false", false),
            b"None" | b"NULL" | b"nil" | b"undefined" | b"NaN" | b"Infinity" => ("null", false),
            _ => return None,
        };
        self.at += length;
        self.out.push_str(word);
        if !is_json {
            self.note(Fault::Word);
        }
        Some(())
    }

    /// Passes over a list or an object, whatever is in it.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            let byte = *self.input.get(self.at)?;
            self.at += 1;
            match byte {
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth == 1 => return Some(()),
                b'}' | b']' => depth -= 1,
                b'"' => loop {
                    let byte = *self.input.get(self.at)?;
                    self.at += if byte == b'\\' { 2 } else { 1 };
                    if byte == b'"' {
                        break;
                    }
                },
                _ => {}
            }
        }
    }

    fn next_visible(&mut self) -> Option<u8> {
        while let Some(&byte) = self.input.get(self.at) {
            self.at += match byte {
                b' ' | b'\n' | b'\r' | b'\t' => 1,
                0x0B | 0x0C | 0xC2 | 0xE2 | 0xEF => match odd_blank(&self.input[self.at..]) {
                    0 => return Some(byte),
                    length => length,
                },
                _ => return Some(byte),
            };
        }
        None
    }

    fn note(&mut self, fault: Fault) {
        if self.repairs.len() >= MAX_REPAIRS {
            self.further += 1;
            return;
        }
        let place = self.place();
        let repair = Repair { place, fault };
        // The same fault over and over in one text is one fault.
        if self.repairs.last() != Some(&repair) {
            self.repairs.push(repair);
        }
    }

    /// Where the reader is.
    fn place(&self) -> String {
        let mut place = String::new();
        for open in &self.open {
            match open {
                Open::Object(name) if name.is_empty() => {}
                Open::Object(name) => {
                    if !place.is_empty() {
                        place.push('.');
                    }
                    place.extend(self.out.get(name.clone()).unwrap_or_default().chars().take(60));
                }
                Open::List(item) => place.push_str(&format!("[{item}]")),
            }
            if place.len() > 200 {
                place.push_str("...");
                break;
            }
        }
        if place.is_empty() { "(body)".to_owned() } else { place }
    }

    fn fault(&self) -> NotJson {
        let before = &self.input[..self.at.min(self.input.len())];
        let line_from = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        NotJson { line, column: before.len() - line_from + 1 }
    }
}

/// How many bytes at the beginning are a blank that JSON does not know, as come along when a template is copied from a
/// page: vertical tabulator, form feed, no-break space, blanks of no width, marks of lines and of the order of bytes.
fn odd_blank(rest: &[u8]) -> usize {
    const BLANKS: [&[u8]; 7] =
        [b"\x0B", b"\x0C", b"\xC2\xA0", b"\xE2\x80\x8B", b"\xE2\x80\xA8", b"\xE2\x80\xAF", b"\xEF\xBB\xBF"];
    BLANKS.iter().find(|blank| rest.starts_with(blank)).map_or(0, |blank| blank.len())
}

/// A number of JSON whose size everybody can live with.
fn is_number(digits: &[u8]) -> bool {
    let count = |from: &[u8]| from.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = digits.strip_prefix(b"-").unwrap_or(digits);
    let whole = count(rest);
    let mut is_sane = whole > 0 && (whole == 1 || rest[0] != b'0') && digits.len() <= MAX_NUMBER;
    let mut rest = &rest[whole..];
    if let [b'.', fraction @ ..] = rest {
        let length = count(fraction);
        is_sane &= length > 0;
        rest = &fraction[length..];
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = exponent.strip_prefix(b"-").or(exponent.strip_prefix(b"+")).unwrap_or(exponent);
        let length = count(exponent);
        let size = exponent[..length]
            .iter()
            .fold(0_usize, |size, digit| size.saturating_mul(10).saturating_add(usize::from(digit - b'0')));
        is_sane &= length > 0 && size <= MAX_NUMBER;
        rest = &exponent[length..];
    }
    is_sane && rest.is_empty()
}
