//! The range of a number in a body, as the API's own description states it. A reader knows the range of the type alone, which
//! says nothing to somebody whose number is beyond both: the smaller one is what they need.

use std::sync::LazyLock;

use axum::http::Method;
use serde_json::Value;

/// The description. It is made when the first number is refused.
static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&crate::openapi_json()).expect("a document is JSON"));

/// The range of the field of the body of a request, if the description states both ends.
pub fn of(method: &Method, path: &str, field: &str) -> Option<String> {
    let operation = &DESCRIPTION["paths"][path][method.as_str().to_ascii_lowercase()];
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    // `jobs[2].delay_ms` leads through the list's items.
    let mut steps = field.split(['.', '[']).filter(|step| !step.is_empty());
    let number = steps.try_fold(body, part)?;
    // One that may be null is an alternative.
    let alternatives = number["oneOf"].as_array().into_iter().flatten();
    let mut numbers = std::iter::once(number).chain(alternatives);
    numbers.find_map(|number| {
        let (least, most) = (number["minimum"].as_i64()?, number["maximum"].as_i64()?);
        Some(format!("a whole number from {least} to {most}"))
    })
}

/// The schema of a field or an item, through whatever the schema is made of.
fn part<'a>(schema: &'a Value, step: &str) -> Option<&'a Value> {
    if let Some(name) = schema["$ref"].as_str() {
        return part(DESCRIPTION.pointer(name.strip_prefix('#')?)?, step);
    }
    let own = match step.ends_with(']') {
        true => schema.get("items"),
        false => schema["properties"].get(step),
    };
    own.or_else(|| {
        let made_of = ["oneOf", "anyOf", "allOf"].iter().filter_map(|of| schema[of].as_array()).flatten();
        made_of.into_iter().find_map(|one| part(one, step))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_found_wherever_the_field_is() {
        for (method, path, field, range) in [
            (Method::PUT, "/api/admin/kinds/{kind}/limit", "max_running", Some("1 to 100000")),
            (Method::PUT, "/api/admin/queues/{queue}/concurrency", "slots", Some("0 to 10000")),
            (Method::POST, "/api/jobs", "max_attempts", Some("1 to 100")),
            (Method::POST, "/api/jobs/batch", "jobs[7].max_attempts", Some("1 to 100")),
            (Method::POST, "/api/jobs", "kind", None),
            (Method::POST, "/api/jobs", "nothing", None),
            (Method::POST, "/nowhere", "max_attempts", None),
        ] {
            let expected = range.map(|range| format!("a whole number from {range}"));
            assert_eq!(of(&method, path, field), expected, "{path} {field}");
        }
    }
}
