//! The shape of a contract: its fields with their types, found by asking the type what it would read. A test compares it
//! with the shape that is recorded beside the contract, so that nobody changes one without raising its version: a worker
//! of the release before puts a payload of a newer version off, and can only do so when the version says that it is one.

use std::cell::RefCell;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};

/// Deeper than this a type is not followed; one that contains itself ends here.
const MAX_DEPTH: usize = 8;

/// A line for each field: its path and what it is, `?` before what may be null.
pub fn of<T: DeserializeOwned>() -> String {
    let mut lines = Vec::new();
    explore::<T>(&mut Vec::new(), &mut lines);
    lines.join("\n")
}

/// The way to a part of a type.
#[derive(Clone, Copy)]
enum Step {
    Field(&'static str),
    /// Of a list, or of a map whatever the name.
    Item,
    Variant(&'static str),
}

/// What stands at the end of the way.
enum Found {
    Leaf(&'static str),
    Struct(&'static [&'static str]),
    List,
    Map,
    Enum(&'static [&'static str]),
}

fn explore<T: DeserializeOwned>(way: &mut Vec<Step>, lines: &mut Vec<String>) {
    let look = Look { found: RefCell::new(None), optional: RefCell::new(false) };
    // It stops with an error as soon as it knows.
    let _ = T::deserialize(At { way, look: &look });
    let optional = if look.optional.into_inner() { "?" } else { "" };
    let Some(found) = look.found.into_inner() else { return };
    let place = told(way);
    let steps: Vec<Step> = match found {
        Found::Leaf(kind) => return lines.push(format!("{place}: {optional}{kind}")),
        _ if way.len() >= MAX_DEPTH => return lines.push(format!("{place}: {optional}...")),
        Found::Struct(fields) => {
            lines.push(format!("{place}: {optional}object"));
            fields.iter().map(|field| Step::Field(field)).collect()
        }
        Found::List => vec![Step::Item],
        Found::Map => {
            lines.push(format!("{place}: {optional}map"));
            vec![Step::Item]
        }
        Found::Enum(variants) => {
            lines.push(format!("{place}: {optional}one of {}", variants.join(", ")));
            variants.iter().map(|variant| Step::Variant(variant)).collect()
        }
    };
    for step in steps {
        way.push(step);
        explore::<T>(way, lines);
        way.pop();
    }
}

fn told(way: &[Step]) -> String {
    let mut place = "payload".to_owned();
    for step in way {
        match step {
            Step::Field(name) => place.push_str(&format!(".{name}")),
            Step::Item => place.push_str("[]"),
            Step::Variant(name) => place.push_str(&format!("({name})")),
        }
    }
    place
}

struct Look {
    found: RefCell<Option<Found>>,
    optional: RefCell<bool>,
}

/// A deserializer that leads a type along the way and notes what it asks for at its end.
#[derive(Clone, Copy)]
struct At<'a> {
    way: &'a [Step],
    look: &'a Look,
}

/// Enough is known.
#[derive(Debug)]
struct Stop;

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("enough is known")
    }
}

impl std::error::Error for Stop {}

impl de::Error for Stop {
    fn custom<T: fmt::Display>(_: T) -> Stop {
        Stop
    }
}

impl<'a> At<'a> {
    fn found<V>(self, found: Found) -> Result<V, Stop> {
        if self.way.is_empty() {
            *self.look.found.borrow_mut() = Some(found);
        }
        Err(Stop)
    }

    fn next(self) -> Option<(Step, At<'a>)> {
        let (step, way) = self.way.split_first()?;
        Some((*step, At { way, look: self.look }))
    }
}

macro_rules! leaves {
    ($($method:ident: $name:literal,)*) => {
        $(fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
            self.found(Found::Leaf($name))
        })*
    };
}

impl<'de> Deserializer<'de> for At<'_> {
    type Error = Stop;

    leaves! {
        deserialize_any: "anything", deserialize_ignored_any: "anything", deserialize_bool: "truth value",
        deserialize_i8: "i8", deserialize_i16: "i16", deserialize_i32: "i32", deserialize_i64: "i64",
        deserialize_i128: "i128", deserialize_u8: "u8", deserialize_u16: "u16", deserialize_u32: "u32",
        deserialize_u64: "u64", deserialize_u128: "u128", deserialize_f32: "f32", deserialize_f64: "f64",
        deserialize_char: "character", deserialize_str: "text", deserialize_string: "text",
        deserialize_identifier: "text", deserialize_bytes: "bytes", deserialize_byte_buf: "bytes",
        deserialize_unit: "nothing",
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        if self.way.is_empty() {
            *self.look.optional.borrow_mut() = true;
        }
        visitor.visit_some(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match self.next() {
            Some((_, at)) => visitor.visit_seq(at),
            None => self.found(Found::List),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match self.next() {
            Some((_, at)) => visitor.visit_map(Entry { name: Some("any"), at }),
            None => self.found(Found::Map),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        match self.next() {
            Some((Step::Field(name), at)) => visitor.visit_map(Entry { name: Some(name), at }),
            Some(_) => Err(Stop),
            None => self.found(Found::Struct(fields)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        match self.next() {
            Some((Step::Variant(name), at)) => visitor.visit_enum(OneVariant { name, at }),
            Some(_) => Err(Stop),
            None => self.found(Found::Enum(variants)),
        }
    }
}

impl<'de> SeqAccess<'de> for At<'_> {
    type Error = Stop;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Stop> {
        seed.deserialize(*self).map(Some)
    }
}

struct Entry<'a> {
    name: Option<&'static str>,
    at: At<'a>,
}

impl<'de> MapAccess<'de> for Entry<'_> {
    type Error = Stop;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Stop> {
        let Some(name) = self.name.take() else { return Ok(None) };
        let name: StrDeserializer<'_, Stop> = name.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Stop> {
        seed.deserialize(self.at)
    }
}

struct OneVariant<'a> {
    name: &'static str,
    at: At<'a>,
}

impl<'de, 'a> EnumAccess<'de> for OneVariant<'a> {
    type Error = Stop;
    type Variant = At<'a>;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, At<'a>), Stop> {
        let name: StrDeserializer<'_, Stop> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self.at))
    }
}

impl<'de> VariantAccess<'de> for At<'_> {
    type Error = Stop;

    // The list of names says all about it.
    fn unit_variant(self) -> Result<(), Stop> {
        Err(Stop)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Stop> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.deserialize_struct("", fields, visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::{DateTime, Utc};
    use serde::Deserialize;
    use serde_json::Value;
    use uuid::Uuid;

    use super::*;

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its shape is looked at")]
    struct Whole {
        id: Uuid,
        at: Option<DateTime<Utc>>,
        #[serde(default)]
        parts: Vec<Part>,
        names: BTreeMap<String, i16>,
        kind: Kind,
        more: Value,
    }

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its shape is looked at")]
    struct Part {
        size: Option<u32>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    #[allow(dead_code, reason = "only its shape is looked at")]
    enum Kind {
        Plain,
        Sized { bytes: u64 },
    }

    #[test]
    fn every_field_is_found_with_its_type() {
        let shape = "payload: object\npayload.id: text\npayload.at: ?text\npayload.parts[]: object\n\
            payload.parts[].size: ?u32\npayload.names: map\npayload.names[]: i16\n\
            payload.kind: one of plain, sized\npayload.kind(sized): object\npayload.kind(sized).bytes: u64\n\
            payload.more: anything";
        assert_eq!(of::<Whole>(), shape);
    }
}
