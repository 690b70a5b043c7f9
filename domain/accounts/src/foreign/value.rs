//! A single value of a document that another system wrote, as far as it has to be looked at to know what is meant.

use serde_json::value::RawValue;

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plain<'a> {
    /// `true` or `false`.
    Flag(bool),
    /// A number, by its digits as they stand.
    Number(&'a str),
    /// A text.
    Text(String),
    /// A list.
    List,
    /// An object.
    Object,
}

/// What a value is; none for null.
pub fn plain(raw: &RawValue) -> Option<Plain<'_>> {
    let text = raw.get();
    match text.as_bytes().first()? {
        b'n' => None,
        b't' => Some(Plain::Flag(true)),
        b'f' => Some(Plain::Flag(false)),
        b'"' => serde_json::from_str(text).ok().map(Plain::Text),
        b'[' => Some(Plain::List),
        b'{' => Some(Plain::Object),
        _ => Some(Plain::Number(text)),
    }
}

/// The digits of a whole number, however it is written: `4711`, `4711.0`, `4.711e3`.
pub fn whole(number: &str) -> Option<String> {
    let (sign, rest) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (before, behind) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let behind = behind.trim_end_matches('0');
    let shift = exponent.parse::<i64>().ok()? - i64::try_from(behind.len()).ok()?;
    let mut digits = format!("{before}{behind}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match shift {
        0..=255 => digits.extend(std::iter::repeat_n('0', usize::try_from(shift).ok()?)),
        -255..0 => {
            for _ in shift..0 {
                digits = digits.strip_suffix('0')?.to_owned();
            }
        }
        _ => return None,
    }
    let digits = digits.trim_start_matches('0');
    Some(if digits.is_empty() { "0".to_owned() } else { format!("{sign}{digits}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_keep_their_digits_however_they_are_written() {
        for (written, digits) in [
            ("4711", Some("4711")),
            ("4711.0", Some("4711")),
            ("4711.000", Some("4711")),
            ("4.711e3", Some("4711")),
            ("4711000E-3", Some("4711")),
            ("9007199254740993", Some("9007199254740993")),
            ("12345678901234567890123", Some("12345678901234567890123")),
            ("-7", Some("-7")),
            ("-0", Some("0")),
            ("0", Some("0")),
            ("1.5", None),
            ("1e-1", None),
            ("1e400", None),
            ("", None),
            (".", None),
            ("x", None),
        ] {
            assert_eq!(whole(written).as_deref(), digits, "{written}");
        }
    }
}
