//! Reads objects by the names of their fields. A derived reader also takes a list, for the fields in the order of their
//! declaration, which nobody means and nothing promises: `["5001", 3]` would be an order. With [`ByName`] around the reader of the
//! text a list stands for a list alone, at every depth, and what is refused is told as any other value of a wrong kind.
//!
//! A part that is read twice (an enum without a tag, what is flattened into its surroundings, the fields of an enum with its
//! tag among them) is kept by serde between its two readings, in a type of its own that nothing can be put around: objects
//! within such a part could be written as lists still. No contract has one, and `api/tests/it/described.rs` looks that no body
//! that is described gets one.

use std::fmt::{self, Write};

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};

/// A JSON text, its objects read by the names of their fields.
///
/// # Errors
/// It is no JSON, or not of this form.
pub fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = T::deserialize(ByName(&mut reader))?;
    reader.end()?;
    Ok(value)
}

/// A part of a reader; whatever it hands on is in it too.
#[derive(Debug)]
pub struct ByName<T>(pub T);

/// The fields of an object. It takes no list: that is a visitor's own answer to what it does not know.
struct Fields<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Fields<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(ByName(map))
    }
}

/// Whether a visitor is of an enum that has its tag among its fields: serde reads one as anything, also from a list that
/// begins with the tag.
fn is_tagged_among_fields<'de, V: Visitor<'de>>(visitor: &V) -> bool {
    struct Beginning(bool);
    impl Write for Beginning {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 = text.starts_with("internally tagged enum");
            // Enough is known.
            Err(fmt::Error)
        }
    }
    let mut beginning = Beginning(false);
    let _ = write!(beginning, "{}", fmt::from_fn(|f| visitor.expecting(f)));
    beginning.0
}

macro_rules! asked {
    ($($method:ident($($name:ident: $type:ty),*);)*) => {
        $(fn $method<V: Visitor<'de>>(self, $($name: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method($($name,)* ByName(visitor))
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for ByName<D> {
    type Error = D::Error;

    asked! {
        deserialize_any(); deserialize_ignored_any(); deserialize_bool();
        deserialize_i8(); deserialize_i16(); deserialize_i32(); deserialize_i64(); deserialize_i128();
        deserialize_u8(); deserialize_u16(); deserialize_u32(); deserialize_u64(); deserialize_u128();
        deserialize_f32(); deserialize_f64(); deserialize_char(); deserialize_str(); deserialize_string();
        deserialize_bytes(); deserialize_byte_buf(); deserialize_option(); deserialize_unit();
        deserialize_unit_struct(name: &'static str); deserialize_newtype_struct(name: &'static str);
        deserialize_seq(); deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize); deserialize_map();
        deserialize_enum(name: &'static str, variants: &'static [&'static str]); deserialize_identifier();
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_struct(name, fields, Fields(visitor))
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

macro_rules! seen {
    ($($method:ident($($name:ident: $type:ty)?);)*) => {
        $(fn $method<E: Error>(self, $($name: $type)?) -> Result<V::Value, E> {
            self.0.$method($($name)?)
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for ByName<V> {
    type Value = V::Value;

    seen! {
        visit_bool(value: bool); visit_i8(value: i8); visit_i16(value: i16); visit_i32(value: i32); visit_i64(value: i64);
        visit_i128(value: i128); visit_u8(value: u8); visit_u16(value: u16); visit_u32(value: u32); visit_u64(value: u64);
        visit_u128(value: u128); visit_f32(value: f32); visit_f64(value: f64); visit_char(value: char);
        visit_str(value: &str); visit_borrowed_str(value: &'de str); visit_string(value: String);
        visit_bytes(value: &[u8]); visit_borrowed_bytes(value: &'de [u8]); visit_byte_buf(value: Vec<u8>);
        visit_none(); visit_unit();
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(ByName(value))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(ByName(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<V::Value, A::Error> {
        match is_tagged_among_fields(&self.0) {
            true => Err(A::Error::invalid_type(Unexpected::Seq, &self.0)),
            false => self.0.visit_seq(ByName(list)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(ByName(map))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, value: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(ByName(value))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for ByName<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(ByName(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for ByName<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(ByName(seed))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(ByName(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for ByName<A> {
    type Error = A::Error;
    type Variant = ByName<A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let (name, variant) = self.0.variant_seed(ByName(seed))?;
        Ok((name, ByName(variant)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for ByName<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.0.newtype_variant_seed(ByName(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.0.tuple_variant(len, ByName(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.0.struct_variant(fields, Fields(visitor))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for ByName<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(ByName(reader))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::{DateTime, Utc};
    use serde::Deserialize;
    use serde_json::Value;
    use serde_json::value::RawValue;
    use uuid::Uuid;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only reading it is tested")]
    struct Order {
        id: Uuid,
        at: Option<DateTime<Utc>>,
        #[serde(default)]
        lines: Vec<Line>,
        pair: Option<(u8, Line)>,
        by_name: Option<BTreeMap<String, Line>>,
        how: Option<How>,
        step: Option<Step>,
        steps: Option<Vec<Step>>,
        anything: Option<Value>,
        as_it_is: Option<Box<RawValue>>,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only reading it is tested")]
    struct Line {
        amount: u8,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    #[allow(dead_code, reason = "only reading it is tested")]
    enum How {
        Plain,
        Sized { bytes: u64 },
        One(Line),
        Two(u8, u8),
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "do", rename_all = "snake_case")]
    #[allow(dead_code, reason = "only reading it is tested")]
    enum Step {
        Wait { minutes: u8 },
        Tag { tags: Vec<String> },
    }

    fn read(more: &str) -> Result<Order, String> {
        let text = format!(r#"{{"id":"0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81"{more}}}"#);
        from_str(&text).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_a_list_is_read_as_one() {
        for fits in [
            "",
            r#","at":"2026-01-31T12:00:00Z","lines":[],"how":"plain""#,
            r#","lines":[{"amount":1},{"amount":2}]"#,
            r#","pair":[1,{"amount":2}],"by_name":{"a":{"amount":1}}"#,
            r#","how":{"sized":{"bytes":1}}"#,
            r#","how":{"one":{"amount":1}}"#,
            r#","how":{"two":[1,2]}"#,
            r#","step":{"do":"tag","tags":["a","b"]}"#,
            r#","steps":[{"do":"wait","minutes":1},{"tags":[],"do":"tag"}]"#,
            r#","anything":[1,[2,{"a":[]}]],"as_it_is":[1,[2,{"a":[]}]]"#,
        ] {
            assert!(read(fits).is_ok(), "{fits}: {:?}", read(fits));
        }
        let whole = read(r#","anything":[1,[2]],"as_it_is":[1, [2]]"#).expect("an order");
        assert_eq!(whole.anything, Some(serde_json::json!([1, [2]])));
        assert_eq!(whole.as_it_is.map(|raw| raw.get().to_owned()).as_deref(), Some("[1, [2]]"));
    }

    #[test]
    fn a_list_is_no_object_at_any_depth() {
        for (list, expected) in [
            (r#","lines":[[1]]"#, "struct Line"),
            (r#","lines":[{"amount":1},[2]]"#, "struct Line"),
            (r#","pair":[1,[2]]"#, "struct Line"),
            (r#","by_name":{"a":[1]}"#, "struct Line"),
            (r#","how":{"sized":[1]}"#, "struct variant How::Sized"),
            (r#","how":{"one":[1]}"#, "struct Line"),
            (r#","step":["wait",5]"#, "internally tagged enum Step"),
            (r#","steps":[["wait",5]]"#, "internally tagged enum Step"),
        ] {
            let error = read(list).expect_err(list);
            let told = format!("invalid type: sequence, expected {expected}");
            assert!(error.starts_with(&told), "{list}: {error}");
        }
        let error = from_str::<Line>("[1]").expect_err("a list").to_string();
        assert!(error.starts_with("invalid type: sequence, expected struct Line"), "{error}");
        assert!(serde_json::from_str::<Line>("[1]").is_ok(), "which is why this is here");
        assert!(from_str::<Line>(r#"{"amount":1} x"#).is_err());
    }
}
