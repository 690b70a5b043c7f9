//! `?fields=a,b`: only these fields of the answer.

use serde::Serialize;

use crate::web::{problem::Problem, query::Params};

/// Which fields are asked for; all when none is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    names: Vec<String>,
}

impl Fields {
    /// Reads the parameter `fields`, a list with commas.
    ///
    /// # Errors
    /// 400 when one is empty or not among `known`.
    pub fn of(params: &Params, known: &[&str]) -> Result<Fields, Problem> {
        let names: Vec<String> = params.list("fields")?.into_iter().map(str::to_owned).collect();
        if names.iter().any(|name| !known.contains(&name.as_str())) {
            return Err(Problem::bad_request("fields", format!("the fields are {}", known.join(", "))));
        }
        Ok(Fields { names })
    }

    /// Whether the field is asked for by name.
    pub fn names(&self, field: &str) -> bool {
        self.names.iter().any(|name| name == field)
    }

    /// The document's JSON with the fields that are asked for.
    pub fn json<T: Serialize>(&self, document: &T) -> Vec<u8> {
        let written = if self.names.is_empty() {
            serde_json::to_vec(document)
        } else {
            serde_json::to_vec(&self.value(document))
        };
        written.expect("an answer is plain data")
    }

    /// The same as a value.
    pub fn value<T: Serialize>(&self, document: &T) -> serde_json::Value {
        let mut value = serde_json::to_value(document).expect("an answer is plain data");
        if let Some(object) = value.as_object_mut().filter(|_| !self.names.is_empty()) {
            object.retain(|name, _| self.names(name));
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_asked_for_is_written() {
        let params = |query| Params::parse(query, &["fields"]).expect("known");
        let some = Fields::of(&params("fields=a,%20c"), &["a", "b", "c"]).expect("known fields");
        assert_eq!(some.json(&json!({"a": 1, "b": 2, "c": 3})), br#"{"a":1,"c":3}"#);
        let all = Fields::of(&params(""), &["a"]).expect("no fields");
        assert_eq!(all.json(&json!({"a": 1})), br#"{"a":1}"#);
        let problem = Fields::of(&params("fields=x"), &["a"]).expect_err("unknown");
        assert_eq!(problem.field.as_deref(), Some("fields"));
    }
}
