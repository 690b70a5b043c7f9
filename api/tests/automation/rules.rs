//! Rules over HTTP: writing, ordering, switching, versions, trials, and what is refused.

use accounts::verify::Mode;
use serde_json::{Value, json};

use crate::desk::{call, neighbour, send, ticket};
use crate::shop::{Shop, shop};

fn tags(name: &str, tag: &str) -> Value {
    json!({"name": name, "event": "message_received", "actions": [{"do": "add_tags", "tags": [tag]}]})
}

async fn made(shop: &Shop, body: &Value) -> String {
    let made = send(shop, "POST", "/api/rules", body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.field("id").to_owned()
}

#[tokio::test]
async fn rules_are_written_in_an_order_and_every_version_is_kept() {
    let shop = shop(Mode::Token).await;
    let (first, second) = (made(&shop, &tags("one", "a")).await, made(&shop, &tags("two", "b")).await);
    let path = format!("/api/rules/{first}");
    assert_eq!(shop.get(&path).await.json["is_on"], false, "a new rule is off");
    let ordered = send(&shop, "POST", "/api/rules/order", &json!({"rules": [second, first]})).await;
    assert_eq!(ordered.json["items"][0]["name"], "two", "{}", ordered.text);
    let half = send(&shop, "POST", "/api/rules/order", &json!({"rules": [second]})).await;
    assert_eq!((half.status.as_u16(), half.field("field")), (422, "rules"), "{}", half.text);

    let changed = call(&shop, &shop.key, "PUT", &path, &tags("one", "c"), &[("if-match", "\"1\"")]).await;
    assert_eq!((changed.status.as_u16(), &changed.json["version"]), (200, &json!(2)), "{}", changed.text);
    let stale = call(&shop, &shop.key, "PUT", &path, &tags("one", "d"), &[("if-match", "\"1\"")]).await;
    assert_eq!(stale.status, 412, "{}", stale.text);
    let versions = shop.get(&format!("{path}/versions")).await;
    assert_eq!(versions.json["items"][1]["spec"]["actions"][0]["tags"], json!(["a"]), "{}", versions.text);

    assert_eq!(send(&shop, "POST", &format!("{path}/on"), &Value::Null).await.json["is_on"], true);
    let (id, _) = ticket(&shop, "hello").await;
    assert_eq!(shop.count("support_app.rule_cause where event = 'message_received'").await, 1);
    assert_eq!(shop.count("jobs.live where kind = 'run_rules'").await, 1);
    let log = shop.get(&format!("/api/tickets/{id}/rule-runs")).await;
    assert_eq!((log.status.as_u16(), &log.json["items"][0]["done_at"]), (200, &Value::Null), "{}", log.text);
    assert_eq!(send(&shop, "POST", &format!("{path}/off"), &Value::Null).await.json["is_on"], false);
    ticket(&shop, "again").await;
    assert_eq!(shop.count("support_app.rule_cause").await, 1, "what no rule asks for is not noted");

    let other = neighbour(&shop).await;
    assert_eq!(call(&shop, &other, "GET", &path, &Value::Null, &[]).await.status, 404);
    assert_eq!(send(&shop, "DELETE", &path, &Value::Null).await.status, 204);
    assert_eq!(shop.get(&path).await.status, 404);
    // What it did stays in the log; of a rule that never was there is none.
    for log in ["runs", "calls"] {
        let path = format!("{path}/{log}");
        let kept = shop.get(&path).await;
        assert_eq!((kept.status.as_u16(), &kept.json["items"]), (200, &json!([])), "{}", kept.text);
        assert_eq!(call(&shop, &other, "GET", &path, &Value::Null, &[]).await.status, 404, "{log}");
        let never = shop.get(&format!("/api/rules/0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81/{log}")).await;
        assert_eq!(never.status, 404, "{}", never.text);
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_place() {
    let shop = shop(Mode::Token).await;
    let with = |key: &str, value: Value| {
        let mut body = tags("x", "a");
        body[key] = value;
        body
    };
    for (body, status, field) in [
        (with("event", json!("moon_rises")), 400, "event"),
        (
            with("conditions", json!({"all": [{"field": "shoe", "op": "is", "value": 1}]})),
            422,
            "conditions.all[0].field",
        ),
        (with("conditions", json!({"field": "custom.size", "op": "is", "value": "L"})), 422, "conditions"),
        (with("actions", json!([{"do": "fly"}])), 400, "actions[0]"),
        (
            with("actions", json!([{"do": "call_webhook", "url": "https://10.0.0.1/x"}])),
            422,
            "actions[0].url",
        ),
        (
            with("actions", json!([{"do": "call_webhook", "url": "http://shop.example/x"}])),
            422,
            "actions[0].url",
        ),
        (with("actions", json!([{"do": "assign_department", "department": "nobody"}])), 422, "actions"),
        (
            with(
                "actions",
                json!([{"do": "set_status", "status": "open"}, {"do": "set_status", "status": "closed"}]),
            ),
            422,
            "actions[1]",
        ),
        (with("hourly_budget", json!(0)), 422, "hourly_budget"),
    ] {
        let refused = send(&shop, "POST", "/api/rules", &body).await;
        assert_eq!(refused.status, status, "{}", refused.text);
        assert!(refused.field("field").starts_with(field), "{field}: {}", refused.text);
    }
    let words = shop.get("/api/rules/fields").await;
    assert!(words.json["fields"].as_array().is_some_and(|fields| fields.len() > 20), "{}", words.text);
}

#[tokio::test]
async fn a_trial_is_a_job_with_a_page_of_its_own() {
    let shop = shop(Mode::Token).await;
    let id = made(&shop, &tags("one", "a")).await;
    let path = format!("/api/rules/{id}/dry-run");
    let bad = send(&shop, "POST", &path, &json!({"days": 93})).await;
    assert_eq!((bad.status.as_u16(), bad.field("field")), (400, "days"), "{}", bad.text);
    let asked = send(&shop, "POST", &path, &json!({"days": 30, "rule": tags("other", "b")})).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    assert_eq!(shop.get(&format!("/api/jobs/{}", asked.field("job_id"))).await.field("kind"), "try_rule");
    let page = shop.get(&format!("/api/rules/{id}/dry-runs/{}", asked.field("dry_run_id"))).await;
    assert_eq!(
        (page.status.as_u16(), &page.json["dry_run"]["state"]),
        (200, &json!("waiting")),
        "{}",
        page.text
    );
    assert_eq!(page.json["dry_run"]["spec"]["name"], "other");
    assert_eq!(page.json["items"], json!([]));
    let other = made(&shop, &tags("two", "a")).await;
    let foreign = shop.get(&format!("/api/rules/{other}/dry-runs/{}", asked.field("dry_run_id"))).await;
    assert_eq!(foreign.status, 404, "{}", foreign.text);
}

#[tokio::test]
async fn what_a_condition_can_name_is_listed_with_the_shops_own_words() {
    let shop = shop(Mode::Token).await;
    let agent = json!({"name": "Ada", "email": "ada@example.com", "role": "agent", "departments": ["Billing"],
                       "skills": ["returns"]});
    assert_eq!(send(&shop, "POST", "/api/agents", &agent).await.status, 201);
    let size = json!({"label": "Size", "kind": "choice", "choices": ["S", "M"]});
    assert_eq!(send(&shop, "PUT", "/api/tickets/fields/size", &size).await.status, 200);
    let words = shop.get("/api/rules/fields").await;
    let values = &words.json["values"];
    assert_eq!(
        (&values["department"], &values["skills"]),
        (&json!(["billing"]), &json!(["returns"])),
        "{}",
        words.text
    );
    assert_eq!(
        words.json["own_fields"],
        json!([{"name": "custom.size", "label": "Size", "kind": "choice", "choices": ["S", "M"]}])
    );
    for op in words.json["comparisons"]["own"].as_array().expect("comparisons").clone() {
        let value = match op.as_str() {
            Some("is_set" | "is_not_set") => Value::Null,
            Some("one_of" | "none_of") => json!(["S"]),
            Some("at_least" | "at_most") => json!(1),
            _ => json!("S"),
        };
        let mut rule = tags("size", "a");
        rule["conditions"] = json!({"field": "custom.size", "op": op, "value": value});
        let made = send(&shop, "POST", "/api/rules", &rule).await;
        assert_eq!(made.status, 201, "{op}: {}", made.text);
    }
    // Each listed word is one that a rule can be written with.
    let fields = words.json["fields"].as_array().expect("fields");
    for (name, listed) in values.as_object().expect("values by field") {
        let field = fields.iter().find(|field| field["name"] == **name).expect("a field that there is");
        assert_eq!(field["choices"], json!([]), "{name} lists its words once");
        let mut rule = tags(name, "a");
        rule["conditions"] = json!({"field": name, "op": "one_of", "value": listed});
        assert_eq!(send(&shop, "POST", "/api/rules", &rule).await.status, 201, "{name}");
    }
}
