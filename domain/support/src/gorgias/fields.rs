//! Single fields out of a JSON body whose author we do not control. What is missing is none. What does not fit is none
//! too, with a remark that names the field: the account's owner writes the template, and nobody's message is lost for
//! the type of a field that it can do without.

use std::collections::BTreeMap;
use std::fmt;

pub(super) use accounts::foreign::value::{Plain, plain, whole};
use accounts::foreign::{json, time};
use chrono::{DateTime, Utc};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::remarks::Remarks;

/// One object of a body and the path to it. Only the fields that are known by name are kept, so that an object of a
/// million fields costs no memory.
pub(super) struct Object<'a> {
    path: String,
    names: &'static [&'static str],
    values: Vec<Option<&'a RawValue>>,
}

impl<'a> Object<'a> {
    /// The fields called `names` of an object; none when it is none.
    pub(super) fn of(
        path: impl Into<String>,
        raw: &'a RawValue,
        names: &'static [&'static str],
    ) -> Option<Object<'a>> {
        let values = Fields(names).deserialize(&mut serde_json::Deserializer::from_str(raw.get())).ok()?;
        Some(Object { path: path.into(), names, values })
    }

    pub(super) fn value(&self, name: &str) -> Option<&'a RawValue> {
        let place = self.names.iter().position(|known| *known == name);
        debug_assert!(place.is_some(), "{name} is not among the names that were asked for");
        self.values[place?].filter(|value| value.get() != "null")
    }

    /// Whether it says that there is nothing, which is something else than not to say.
    pub(super) fn is_null(&self, name: &str) -> bool {
        let place = self.names.iter().position(|known| *known == name);
        place.and_then(|place| self.values[place]).is_some_and(|value| value.get() == "null")
    }

    pub(super) fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// An object within this one.
    pub(super) fn object(
        &self,
        name: &str,
        names: &'static [&'static str],
        remarks: &mut Remarks,
    ) -> Option<Object<'a>> {
        let raw = self.value(name)?;
        let object = Object::or_only(self.path(name), raw, names, remarks);
        // A template leaves an empty text of what is not there.
        if object.is_none() && raw.get() != "\"\"" {
            remarks.add(self.path(name), "is not an object; it was left out");
        }
        object
    }

    /// An object, or the only one of a list: some programs make lists of everything.
    pub(super) fn or_only(
        path: String,
        raw: &'a RawValue,
        names: &'static [&'static str],
        remarks: &mut Remarks,
    ) -> Option<Object<'a>> {
        if let Some(object) = Object::of(path.as_str(), raw, names) {
            return Some(object);
        }
        let items =
            (Items { most: 2 }).deserialize(&mut serde_json::Deserializer::from_str(raw.get())).ok()?;
        let [(_, only)] = items.as_slice() else { return None };
        let object = Object::of(path.as_str(), only, names)?;
        remarks.add(path, "is a list of one; its only item was read");
        Some(object)
    }

    /// Whether a time, or a plain yes, says that something happened. What can be understood as neither counts as absent.
    pub(super) fn happened(&self, name: &str, remarks: &mut Remarks) -> bool {
        let Some(value) = self.value(name).and_then(plain) else { return false };
        let happened = match &value {
            Plain::Flag(flag) => Some(*flag),
            Plain::Text(text) if is_nothing(text) => return false,
            Plain::Text(text) => truth(text).or_else(|| time::of_text(text).map(|_| true)),
            Plain::Number(digits) => truth(digits).or_else(|| time::of_number(digits).map(|_| true)),
            Plain::List | Plain::Object => None,
        };
        if happened.is_none() {
            remarks.add(self.path(name), "is no date and time that can be understood; it was left out");
        }
        happened.unwrap_or(false)
    }

    /// An id: a whole number or a text of 1-255 characters. A number keeps all its digits, and `4711.0` is 4711. A
    /// placeholder that nobody filled in would be one and the same id for everything.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn required_id(&self, name: &str) -> Result<Option<String>, &'static str> {
        let id = match self.value(name).and_then(plain) {
            None => return Ok(None),
            Some(Plain::Number(digits)) => whole(digits).ok_or("must be a whole number or a text")?,
            // It would be one and the same id for everything, too.
            Some(Plain::Text(text)) if is_nothing(&text) && !text.trim().is_empty() => return Ok(None),
            Some(Plain::Text(text)) => {
                let text = text.trim();
                let is_number = text.contains('.') && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
                is_number.then(|| whole(text)).flatten().unwrap_or_else(|| text.to_owned())
            }
            Some(_) => return Err("must be a whole number or a text"),
        };
        if id.is_empty() || id.chars().count() > 255 {
            return Err("must have 1-255 characters");
        }
        if is_placeholder(&id) {
            return Err(UNFILLED);
        }
        Ok(Some(id))
    }

    /// The same of a field that may be missing. Templates render a missing id as an empty text.
    pub(super) fn id(&self, name: &str, remarks: &mut Remarks) -> Option<String> {
        if self.value(name).is_some_and(|raw| raw.get() == "\"\"") {
            return None;
        }
        self.required_id(name).unwrap_or_else(|problem| {
            remarks.add(self.path(name), format!("{problem}; it was left out"));
            None
        })
    }

    /// A text, cut to `limit` characters. Empty counts as missing. A number is the text of its digits.
    pub(super) fn text(&self, name: &str, limit: usize, remarks: &mut Remarks) -> Option<String> {
        let text = match self.value(name).and_then(plain)? {
            Plain::Text(text) => text,
            Plain::Number(digits) => {
                remarks.add(self.path(name), "is a number; it was read as a text");
                digits.to_owned()
            }
            _ => {
                remarks.add(self.path(name), "is not a text; it was left out");
                return None;
            }
        };
        let text = text.trim();
        match text.char_indices().nth(limit) {
            Some((end, _)) => {
                remarks
                    .add(self.path(name), format!("is longer than {limit} characters; its end was left out"));
                Some(text[..end].to_owned())
            }
            None => Some(text.to_owned()).filter(|text| !text.is_empty()),
        }
    }

    /// The same, unless it is nothing but a placeholder that nobody filled in, or a word for nothing: that would be
    /// everybody's.
    pub(super) fn filled(&self, name: &str, limit: usize, remarks: &mut Remarks) -> Option<String> {
        let text = self.text(name, limit, remarks)?;
        if is_nothing(&text) {
            return None;
        }
        if is_one_placeholder(&text) {
            remarks.add(self.path(name), format!("{UNFILLED}; it was left out"));
            return None;
        }
        Some(text)
    }

    /// A truth value; templates often render it as text or number.
    pub(super) fn flag(&self, name: &str, remarks: &mut Remarks) -> Option<bool> {
        let flag = match self.value(name).and_then(plain)? {
            Plain::Flag(flag) => Some(flag),
            Plain::Number(digits) => truth(digits),
            Plain::Text(text) if is_nothing(&text) => return None,
            Plain::Text(text) => truth(&text),
            Plain::List | Plain::Object => None,
        };
        if flag.is_none() {
            remarks.add(self.path(name), "is neither true nor false; it was left out");
        }
        flag
    }

    /// A count of 0 to 1,000,000; templates often render it as text.
    pub(super) fn count(&self, name: &str, remarks: &mut Remarks) -> Option<i32> {
        let count = match self.value(name).and_then(plain)? {
            Plain::Number(digits) => whole(digits),
            Plain::Text(text) if is_nothing(&text) => return None,
            Plain::Text(text) => whole(text.trim()),
            _ => None,
        };
        let count =
            count.and_then(|digits| digits.parse().ok()).filter(|count| (0..=1_000_000).contains(count));
        if count.is_none() {
            remarks.add(self.path(name), "is not a whole number from 0 to 1000000; it was left out");
        }
        count
    }

    /// A point in time, in any form that [`time`] knows.
    pub(super) fn time(&self, name: &str, remarks: &mut Remarks) -> Option<DateTime<Utc>> {
        let time = match self.value(name).and_then(plain)? {
            Plain::Text(text) if is_nothing(&text) => return None,
            Plain::Text(text) if is_one_placeholder(&text) => {
                remarks.add(self.path(name), format!("{UNFILLED}; it was left out"));
                return None;
            }
            Plain::Text(text) => time::of_text(&text),
            Plain::Number(digits) => time::of_number(digits),
            _ => None,
        };
        if time.is_none() {
            remarks.add(self.path(name), "is no date and time that can be understood; it was left out");
        }
        time
    }
}

/// The last `most` items of a list at `path`, each with its number.
pub(super) fn last_items<'r>(
    path: &str,
    raw: &'r RawValue,
    most: usize,
    remarks: &mut Remarks,
) -> Option<Vec<(usize, &'r RawValue)>> {
    match (Items { most }).deserialize(&mut serde_json::Deserializer::from_str(raw.get())) {
        Ok(items) => {
            if let Some((first, _)) = items.first().filter(|(first, _)| *first > 0) {
                let problem = format!("has more than {most} items; the first {first} were left out");
                remarks.add(path.to_owned(), problem);
            }
            Some(items)
        }
        Err(_) if raw.get().starts_with('{') => {
            if let Some(mut numbered) = numbered_items(raw) {
                remarks.add(
                    path.to_owned(),
                    "is an object instead of a list; its items were read by their numbers",
                );
                numbered.drain(..numbered.len().saturating_sub(most));
                return Some(numbered);
            }
            remarks.add(path.to_owned(), "is an object instead of a list; it was read as its only item");
            Some(vec![(0, raw)])
        }
        Err(_) => {
            if raw.get() != "\"\"" {
                remarks.add(path.to_owned(), "is not a list; it was left out");
            }
            None
        }
    }
}

/// The items of a list that came as an object of numbers: `{"0": ..., "1": ...}`.
fn numbered_items(raw: &RawValue) -> Option<Vec<(usize, &RawValue)>> {
    let items: BTreeMap<u32, &RawValue> = serde_json::from_str(raw.get()).ok()?;
    let items: Option<Vec<_>> =
        items.into_iter().map(|(number, item)| Some((usize::try_from(number).ok()?, item))).collect();
    items.filter(|items| !items.is_empty())
}

/// Of what kind a value is, as is said of one that does not fit.
pub(super) fn seen(raw: &RawValue) -> &'static str {
    match plain(raw) {
        None => "is null",
        Some(Plain::Flag(_)) => "is true or false",
        Some(Plain::Number(digits)) if whole(digits).is_none() => "is a number with a fraction",
        Some(Plain::Number(_)) => "is a number",
        Some(Plain::Text(text)) if text.trim().is_empty() => "is an empty text",
        Some(Plain::Text(_)) => "is a text",
        Some(Plain::List) => "is a list",
        Some(Plain::Object) => "is an object",
    }
}

/// What is said of JSON that came as a text.
pub(super) const IN_A_TEXT: &str = "is JSON within a text; it was read as what it says";

/// The object or list that a text is, where one belongs: some programs write as a text what they put into another
/// document.
pub(super) fn within_text(raw: &RawValue) -> Option<Box<RawValue>> {
    let Some(Plain::Text(text)) = plain(raw) else { return None };
    let text = text.trim();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    RawValue::from_string(json::clean(text.as_bytes()).ok()?.text).ok()
}

/// What a text or a number says to a question of yes or no.
fn truth(written: &str) -> Option<bool> {
    match written.trim().to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" => Some(true),
        "false" | "f" | "no" | "n" | "off" => Some(false),
        other => match whole(other).as_deref() {
            Some("1") => Some(true),
            Some("0") => Some(false),
            _ => None,
        },
    }
}

/// Whether a text is what programs write where they have nothing.
pub(super) fn is_nothing(text: &str) -> bool {
    matches!(
        text.trim(),
        "" | "null"
            | "NULL"
            | "(null)"
            | "nil"
            | "<nil>"
            | "None"
            | "NaN"
            | "nan"
            | "undefined"
            | "<no value>"
            | "[object Object]"
    )
}

/// What is said of a placeholder.
pub(super) const UNFILLED: &str = "is a placeholder that was not filled in: in the help desk's settings of this webhook \
                                   write the variable as the help desk names it, and for an event that has one";
/// What stands around the name of a variable, and nowhere else.
const AMONG: [(&str, &str); 5] = [("{{", "}}"), ("${", "}"), ("{%", "%}"), ("<%", "%>"), ("[[", "]]")];
/// How many of them nobody writes into a subject; `[[Complaint]]` is somebody's label.
const OF_PROGRAMS: usize = 4;
/// What does so only when nothing stands beside it.
const AROUND: [(&str, &str); 2] = [("{", "}"), ("%", "%")];

/// Whether a text is what a template says where a value belongs, for example `{{ticket.id}}` or `${ticket.id}`. Angle
/// brackets alone are none: ids of mails have them.
fn is_placeholder(text: &str) -> bool {
    AMONG.iter().any(|(open, close)| text.split_once(open).is_some_and(|(_, rest)| rest.contains(close)))
        || AROUND.iter().any(|pair| within(text, pair).is_some_and(|name| !name.is_empty()))
}

/// Whether a text is one placeholder and nothing else. People write brackets too, so what is within these must look like
/// a variable's name: a letter first, and one word, behind which a template may say more after a `|`.
pub(super) fn is_one_placeholder(text: &str) -> bool {
    let text = text.trim();
    is_placeholder(text) && AMONG.iter().chain(&AROUND).any(|pair| within(text, pair).is_some_and(is_name))
}

/// The same of a subject, in which shops and customers have labels of their own.
pub(super) fn is_variable(text: &str) -> bool {
    let text = text.trim();
    AMONG[..OF_PROGRAMS].iter().any(|pair| within(text, pair).is_some_and(is_name))
}

fn is_name(name: &str) -> bool {
    let name = name.trim_start_matches('=').split('|').next().unwrap_or_default().trim();
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-[]".contains(c))
}

fn within<'t>(text: &'t str, (open, close): &(&str, &str)) -> Option<&'t str> {
    text.strip_prefix(open)?.strip_suffix(close)
}

/// Picks the fields of these names out of an object, the last of each.
struct Fields(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Fields {
    type Value = Vec<Option<&'de RawValue>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields {
    type Value = Vec<Option<&'de RawValue>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = vec![None; self.0.len()];
        while let Some(place) = map.next_key_seed(Place(self.0))? {
            match place {
                Some(place) => values[place] = Some(map.next_value()?),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(values)
    }
}

/// Which of the names a field has.
struct Place(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Place {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Place {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|known| *known == name))
    }
}

/// Picks the last items out of a list.
struct Items {
    most: usize,
}

impl<'de> DeserializeSeed<'de> for Items {
    type Value = Vec<(usize, &'de RawValue)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items {
    type Value = Vec<(usize, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut last = std::collections::VecDeque::new();
        let mut index = 0;
        while let Some(item) = seq.next_element()? {
            if last.len() == self.most {
                last.pop_front();
            }
            last.push_back((index, item));
            index += 1;
        }
        Ok(last.into())
    }
}
