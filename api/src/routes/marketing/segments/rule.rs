//! A rule as a request brings it, a text or a tree, and refusals that point at the place in it.

use marketing::segments::json::{self, from_json};
use marketing::segments::parse::parse;
use marketing::segments::resolve::NameError;
use marketing::segments::rule::Rule;
use marketing::segments::text::point_at;
use serde_json::Value;

use crate::web::problem::Problem;

/// A rule and how it was written.
pub(super) struct Written {
    /// The rule.
    pub(super) rule: Rule,
    source: Value,
}

impl Written {
    /// Reads a text or a tree.
    ///
    /// # Errors
    /// 400 with line, column and a caret, or with the path in the tree.
    pub(super) fn read(source: Value) -> Result<Written, Problem> {
        let rule = match &source {
            Value::String(text) => {
                parse(text).map_err(|error| Problem::bad_request("rule", error.to_string()))?
            }
            Value::Object(_) => from_json(&source)
                .map_err(|error| Problem::bad_request(within_rule(&error.path), error.message))?,
            _ => return Err(Problem::bad_request("rule", "must be a text or an object")),
        };
        Ok(Written { rule, source })
    }

    /// The refusal of a name that the tenant does not have.
    pub(super) fn unknown_name(&self, error: &NameError) -> Problem {
        match &self.source {
            Value::String(text) => {
                let pointed = point_at(text, &error.name, &error.message);
                let detail = pointed.map_or_else(|| error.message.clone(), |error| error.to_string());
                Problem::unprocessable("rule", detail)
            }
            tree => {
                let path = json::path_to(tree, &error.name).unwrap_or_default();
                Problem::unprocessable(within_rule(&path), error.message.clone())
            }
        }
    }
}

fn within_rule(path: &str) -> String {
    if path.is_empty() { "rule".to_owned() } else { format!("rule.{path}") }
}
