//! What is wrong with a call's arguments, said by the tool's own schema: which argument, what is allowed, and a call that
//! fits. A reader of JSON says it in the words of its types, by which neither a person nor a model can mend a call.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::call::Call;

/// Characters of a name that is none that are repeated.
const NAME_CHARS: usize = 40;

/// An argument that does not fit: which, and what is allowed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unfit {
    /// Its name, with the names of the objects that it is in.
    pub(super) field: String,
    /// What is allowed.
    pub(super) problem: String,
}

/// The schemas of the tools, by their names.
static SCHEMAS: LazyLock<Vec<(&'static str, Value)>> =
    LazyLock::new(|| super::all().into_iter().map(|tool| (tool.name, Value::Object(tool.input))).collect());

/// The first thing that does not fit; none when all of it does, or there is no such tool.
pub(super) fn unfit(tool: &str, arguments: &Value) -> Option<Unfit> {
    let schema = schema(tool)?;
    match arguments {
        Value::Object(given) => of_object("", schema, given),
        other => Some(Unfit { field: "arguments".to_owned(), problem: must_be(schema, other) }),
    }
}

/// Arguments with this one in them that fit, as close to those that were given as may be; none where there are none.
pub(super) fn example(tool: &str, field: &str, arguments: &Value) -> Option<String> {
    let schema = schema(tool)?;
    let properties = schema["properties"].as_object()?;
    let mut least = Map::new();
    for name in required(schema) {
        least.insert(name.to_owned(), sample(name, &properties[name]));
    }
    let (main, variants) = required(schema)
        .find_map(|name| Some((name, names(&properties[name]))).filter(|(_, names)| !names.is_empty()))?;
    let wanted =
        field.split('.').next().filter(|name| properties.contains_key(*name) && !least.contains_key(*name));
    if let Some(name) = wanted {
        let whole = sample(name, &properties[name]);
        let part =
            field.split_once('.').map(|(_, part)| (part, &resolved(&properties[name])["properties"][part]));
        let value = match part {
            Some((part, node)) if node.is_object() => json!({ part: sample(part, node) }),
            _ => whole,
        };
        least.insert(name.to_owned(), value);
    }
    let given = arguments[main].as_str();
    let closest = given.filter(|given| variants.contains(given)).into_iter().chain(variants.iter().copied());
    for variant in closest {
        least.insert(main.to_owned(), json!(variant));
        let arguments = Value::Object(least.clone());
        if Call::read(tool, &arguments).is_ok() {
            return Some(arguments.to_string());
        }
    }
    None
}

fn schema(tool: &str) -> Option<&'static Value> {
    SCHEMAS.iter().find(|(name, _)| *name == tool).map(|(_, schema)| schema)
}

fn of_object(within: &str, schema: &Value, given: &Map<String, Value>) -> Option<Unfit> {
    let properties = schema["properties"].as_object()?;
    let named = |name: &str| format!("{within}{name}");
    if let Some(unknown) = given.keys().find(|name| !properties.contains_key(*name)) {
        let shown: String = unknown.chars().filter(|c| !c.is_control()).take(NAME_CHARS).collect();
        let known: Vec<&str> = properties.keys().map(String::as_str).collect();
        let problem = format!("there is no argument of this name here; there are {}", known.join(", "));
        return Some(Unfit { field: named(&shown), problem });
    }
    if let Some(missing) = required(schema).find(|name| !given.contains_key(*name)) {
        let problem = format!("is missing; it must be {}", allowed(&properties[missing]));
        return Some(Unfit { field: named(missing), problem });
    }
    given.iter().find_map(|(name, value)| of_value(&named(name), &properties[name], value))
}

fn of_value(field: &str, node: &Value, value: &Value) -> Option<Unfit> {
    if value.is_null() && may_be_nothing(node) {
        return None;
    }
    let resolved = resolved(node);
    let variants = names(node);
    let fits = match (kind(resolved), value) {
        _ if !variants.is_empty() => value.as_str().is_some_and(|name| variants.contains(&name)),
        ("object", Value::Object(given)) => return of_object(&format!("{field}."), resolved, given),
        ("integer", Value::Number(_)) => {
            let (least, most) = range(resolved);
            value.as_u64().is_some_and(|number| (least..=most).contains(&number))
        }
        ("boolean", Value::Bool(_)) => true,
        ("string", Value::String(text)) => {
            let (least, most) = length(resolved);
            (least..=most).contains(&(text.chars().count() as u64))
        }
        _ => false,
    };
    (!fits).then(|| Unfit { field: field.to_owned(), problem: must_be(node, value) })
}

/// What an argument must be, and what it is when that is of another kind.
fn must_be(node: &Value, value: &Value) -> String {
    let is = match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    let wanted = match kind(resolved(node)) {
        "integer" => "a number",
        "boolean" => "true or false",
        "object" => "an object",
        _ => "a text",
    };
    match is == wanted {
        true => format!("must be {}", allowed(node)),
        false => format!("must be {}, not {is}", allowed(node)),
    }
}

/// What is allowed, in words.
fn allowed(node: &Value) -> String {
    let variants = names(node);
    if !variants.is_empty() {
        return format!("one of {}", variants.join(", "));
    }
    let node = resolved(node);
    match kind(node) {
        "integer" => {
            let (least, most) = range(node);
            format!("a whole number from {least} to {most}")
        }
        "boolean" => "true or false".to_owned(),
        "object" => {
            let known: Vec<&str> =
                node["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
            format!("an object with {}", known.join(", "))
        }
        _ => match length(node) {
            (0, most) => format!("a text of at most {most} characters"),
            (least, most) if least == most => format!("a text of {most} characters"),
            (least, most) => format!("a text of {least} to {most} characters"),
        },
    }
}

fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// What may be left out is described as itself or nothing.
fn resolved(node: &Value) -> &Value {
    let mut any = node["anyOf"].as_array().into_iter().flatten();
    any.find(|one| one["type"] != "null").unwrap_or(node)
}

fn may_be_nothing(node: &Value) -> bool {
    let is_null = |one: &Value| one["type"] == "null";
    node["anyOf"].as_array().into_iter().flatten().any(is_null)
        || node["type"].as_array().into_iter().flatten().any(|kind| kind == "null")
}

fn kind(node: &Value) -> &str {
    let of_list = || node["type"].as_array()?.iter().filter_map(Value::as_str).find(|kind| *kind != "null");
    node["type"].as_str().or_else(of_list).unwrap_or_default()
}

/// The names that an argument can have; none where it is no name of a list.
fn names(node: &Value) -> Vec<&str> {
    let node = resolved(node);
    let each = node["oneOf"].as_array().into_iter().flatten().filter_map(|one| one["const"].as_str());
    let listed = node["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    each.chain(listed).collect()
}

fn range(node: &Value) -> (u64, u64) {
    let bound = |name: &str| node[name].as_f64().map(|bound| bound as u64);
    (bound("minimum").unwrap_or(0), bound("maximum").unwrap_or(u64::MAX))
}

fn length(node: &Value) -> (u64, u64) {
    let bound = |name: &str| node[name].as_f64().map(|bound| bound as u64);
    (bound("minLength").unwrap_or(0), bound("maxLength").unwrap_or(u64::MAX))
}

/// A value that fits, such as people send.
fn sample(name: &str, node: &Value) -> Value {
    if let Some(first) = names(node).first() {
        return json!(first);
    }
    let node = resolved(node);
    match kind(node) {
        "integer" => json!(range(node).1.min(12)),
        "boolean" => json!(true),
        "object" => {
            let named = node["properties"]
                .as_object()
                .into_iter()
                .flatten()
                .find(|(_, node)| !names(node).is_empty());
            named.map_or_else(|| json!({}), |(name, node)| json!({ name: sample(name, node) }))
        }
        _ => json!(match name {
            "customer_id" => "C-0123ABCD",
            "cursor" => "at-20",
            "axis" => "purchase_frequency",
            "country" => "DE",
            _ => "Regulars",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::{self, CallError};

    /// Words of a reader of JSON, of its types and of ours.
    const NOT_FOR_PEOPLE: [&str; 16] = [
        "struct",
        "enum",
        "variant ",
        "unknown variant",
        "unknown field",
        "invalid type",
        "invalid value",
        "expected",
        "u32",
        "bool",
        "map",
        "sequence",
        "AnalyzeCustomers",
        "CustomerFilter",
        "Option",
        "line 1",
    ];

    /// Refuses the arguments; what is said names the field and has a call that fits.
    fn refused(tool: &str, field: &str, arguments: &Value) -> String {
        let Err(error) = Call::parse(tool, arguments) else { panic!("{tool} {arguments} was taken") };
        let said = error.to_string();
        for word in NOT_FOR_PEOPLE {
            assert!(!said.contains(word), "{word} in: {said}");
        }
        let CallError::Parameter { field: named, example, .. } = error else {
            panic!("{tool} {arguments}: {said}")
        };
        assert_eq!(named, field, "{tool} {arguments}: {said}");
        let example = example.unwrap_or_else(|| panic!("{tool} {arguments}: {said}"));
        let fits = example.parse::<Value>().expect("JSON");
        assert!(Call::parse(tool, &fits).is_ok(), "{tool}: {said}");
        assert!(said.contains(&example), "{said}");
        said
    }

    /// Values of every kind but the one that is allowed.
    fn others(node: &Value) -> Vec<Value> {
        let all = [json!(true), json!(7), json!(1.5), json!("a text"), json!([1]), json!({"a": 1})];
        let is_fit = |value: &Value| match kind(resolved(node)) {
            "integer" => value.is_u64(),
            "boolean" => value.is_boolean(),
            "object" => value.is_object(),
            _ => value.is_string(),
        };
        all.into_iter().filter(|value| !is_fit(value)).collect()
    }

    /// The wrong values of one argument, each beside what is else needed.
    fn try_values(tool: &str, fit: &Value, path: &[&str], node: &Value) {
        let field = path.join(".");
        let with = |value: Value| {
            let mut arguments = fit.clone();
            match path {
                [name] => arguments[*name] = value,
                [name, part] => arguments[*name] = json!({ *part: value }),
                _ => panic!("{path:?}"),
            }
            arguments
        };
        for other in others(node) {
            let said = refused(tool, &field, &with(other));
            assert!(said.contains("must be "), "{said}");
        }
        if !names(node).is_empty() {
            let said = refused(tool, &field, &with(json!("something else")));
            assert!(names(node).iter().all(|name| said.contains(name)), "{said}");
        } else if kind(resolved(node)) == "integer" {
            let (least, most) = range(resolved(node));
            assert!((least, most) != (0, u64::MAX), "{tool} {field} has bounds");
            for number in [json!(0), json!(-1), json!(most + 1), json!(u64::MAX)] {
                refused(tool, &field, &with(number));
            }
        } else if kind(resolved(node)) == "string" {
            let most = usize::try_from(length(resolved(node)).1).expect("a bound");
            refused(tool, &field, &with(json!("x".repeat(most + 1))));
        }
    }

    #[test]
    fn every_wrong_argument_of_every_tool_is_named_with_what_is_allowed() {
        for tool in tools::all() {
            let schema = Value::Object(tool.input.clone());
            let properties = schema["properties"].as_object().expect("arguments");
            let fit: Value = example(tool.name, "", &json!({})).expect("a call").parse().expect("JSON");
            assert!(Call::parse(tool.name, &fit).is_ok(), "{fit}");
            for missing in required(&schema) {
                let mut less = fit.clone();
                less.as_object_mut().and_then(|less| less.remove(missing));
                let said = refused(tool.name, missing, &less);
                assert!(said.contains("is missing; it must be "), "{said}");
                let mut nothing = fit.clone();
                nothing[missing] = Value::Null;
                refused(tool.name, missing, &nothing);
            }
            let mut more = fit.clone();
            more["tenant_id"] = json!("another");
            let said = refused(tool.name, "tenant_id", &more);
            assert!(properties.keys().all(|name| said.contains(name)), "{said}");
            for other in [json!([1]), json!("text"), json!(7), json!(true)] {
                assert!(refused(tool.name, "arguments", &other).contains("must be an object with "));
            }
            for (name, node) in properties {
                try_values(tool.name, &fit, &[name], node);
                let parts = resolved(node)["properties"].as_object();
                for (part, node) in parts.into_iter().flatten() {
                    try_values(tool.name, &fit, &[name, part], node);
                }
                if parts.is_some() {
                    let mut strange = fit.clone();
                    strange[name] = json!({ "city": "Berlin" });
                    refused(tool.name, &format!("{name}.city"), &strange);
                }
            }
        }
    }

    #[test]
    fn an_example_keeps_the_variant_that_was_asked_for() {
        let said = refused("analyze_customers", "limit", &json!({"analysis_type": "rfm_score", "limit": 0}));
        assert!(said.ends_with(r#"for example {"analysis_type":"rfm_score","limit":12}"#), "{said}");
        let said =
            refused("analyze_customers", "by", &json!({"analysis_type": "rfm_score", "by": "product"}));
        assert!(said.contains("product_affinity"), "{said}");
    }

    #[test]
    fn what_fits_has_no_fault() {
        for call in tools::usual::calls() {
            assert_eq!(unfit(call.tool(), &call.arguments()), None);
        }
        let nothing = json!({"analysis_type": "churn_risk", "limit": null, "filter_by": {"group": null}});
        assert_eq!(unfit("analyze_customers", &nothing), None);
        assert!(Call::parse("analyze_customers", &nothing).is_ok());
    }
}
