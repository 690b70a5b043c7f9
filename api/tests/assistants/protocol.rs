//! The Model Context Protocol as clients of both revisions speak it, and what is refused.

mod handshakes;
mod tokens;

use accounts::api_keys::Scope;
use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Answer, Shop, hidden, key, request, with_customers};

/// Sends a message of the protocol with these headers.
async fn speak(shop: &Shop, headers: &[(&str, &str)], message: &Value) -> Answer {
    let mut sent = request("POST", "/mcp")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    for (name, value) in headers {
        sent = sent.header(*name, *value);
    }
    shop.send(sent.body(Body::from(message.to_string())).expect("a request")).await
}

/// A message of the revision that has an `initialize`.
async fn old(shop: &Shop, method: &str, params: Value) -> Answer {
    old_by(shop, &shop.key, method, params).await
}

async fn old_by(shop: &Shop, key: &str, method: &str, params: Value) -> Answer {
    let bearer = format!("Bearer {key}");
    let headers =
        [("host", "localhost"), ("authorization", bearer.as_str()), ("mcp-protocol-version", "2025-11-25")];
    speak(shop, &headers, &json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})).await
}

fn stateless(method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    });
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

/// A message of the revision without one.
async fn new(shop: &Shop, method: &str, name: Option<&str>, params: Value) -> Answer {
    let mut headers = vec![
        ("host", "localhost"),
        ("x-api-key", shop.key.as_str()),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", method),
    ];
    headers.extend(name.map(|name| ("mcp-name", name)));
    speak(shop, &headers, &stateless(method, params)).await
}

#[tokio::test]
async fn a_client_of_2025_11_25_lists_and_calls() {
    let shop = with_customers(&["7041"]).await;
    let hello = old(&shop, "initialize", json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}})).await;
    assert_eq!(hello.status, StatusCode::OK, "{}", hello.text);
    assert_eq!(hello.json["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(hello.json["result"]["serverInfo"]["name"], "deskwork");
    assert!(hello.headers.get("mcp-session-id").is_some(), "a name by which it cancels");
    let tools = old(&shop, "tools/list", json!({})).await;
    let tools = tools.json["result"]["tools"].as_array().expect("tools").clone();
    assert_eq!(tools.len(), 8);
    for tool in &tools {
        assert_eq!(
            (&tool["annotations"]["readOnlyHint"], &tool["annotations"]["idempotentHint"]),
            (&json!(true), &json!(true))
        );
        assert!(
            tool["title"].is_string()
                && tool["inputSchema"]["type"] == "object"
                && tool["outputSchema"]["type"] == "object"
        );
    }
    let looked = old(
        &shop,
        "tools/call",
        json!({"name": "lookup_customer", "arguments": {"info_type": "profile", "customer_id": "7041"}}),
    )
    .await;
    let result = &looked.json["result"];
    assert_eq!(
        result["structuredContent"]["figures"]["customer_id"],
        hidden(&shop, shop.tenant, "7041").await
    );
    assert_eq!(
        result["content"][0]["text"].as_str().map(|text| text.parse::<Value>().expect("JSON")),
        Some(result["structuredContent"].clone())
    );
    shop.state.views.flush().await;
    let seen: i64 = sqlx::query_scalar("select count(*) from shared.audit where action = 'customer-data.view' and detail ->> 'route' = '/mcp'")
        .fetch_one(&mut shop.admin().await)
        .await
        .expect("counted");
    assert_eq!(seen, 1);
}

#[tokio::test]
async fn a_client_of_2026_07_28_needs_no_handshake() {
    let shop = with_customers(&[]).await;
    let found = new(&shop, "server/discover", None, json!({})).await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.text);
    assert!(found.text.contains("2026-07-28") && found.text.contains("2025-11-25"), "{}", found.text);
    let tools = new(&shop, "tools/list", None, json!({})).await;
    assert_eq!(tools.json["result"]["tools"].as_array().map(Vec::len), Some(8), "{}", tools.text);
    let called = new(
        &shop,
        "tools/call",
        Some("target_campaign"),
        json!({"name": "target_campaign", "arguments": {"campaign_type": "retention"}}),
    )
    .await;
    assert_eq!(called.json["result"]["structuredContent"]["available"], false, "{}", called.text);
    let resources = new(&shop, "resources/list", None, json!({})).await;
    assert_eq!(resources.json["result"]["resources"].as_array().map(Vec::len), Some(3), "{}", resources.text);
    for uri in ["shop://archetypes", "shop://segments", "shop://dictionary"] {
        let read = new(&shop, "resources/read", Some(uri), json!({"uri": uri})).await;
        assert_eq!(read.json["result"]["contents"][0]["mimeType"], "application/json", "{}", read.text);
        assert_eq!(read.json["result"]["cacheScope"], "private", "{}", read.text);
    }
    let prompts = new(&shop, "prompts/list", None, json!({})).await;
    assert_eq!(prompts.json["result"]["prompts"].as_array().map(Vec::len), Some(4), "{}", prompts.text);
    let prompt = new(
        &shop,
        "prompts/get",
        Some("plan_campaign"),
        json!({"name": "plan_campaign", "arguments": {"campaign": "winback"}}),
    )
    .await;
    assert!(prompt.text.contains("Plan a winback campaign"), "{}", prompt.text);
}

#[tokio::test]
async fn a_prompt_is_about_a_customer_whom_there_is() {
    let shop = with_customers(&["7041"]).await;
    let id = hidden(&shop, shop.tenant, "7041").await;
    for named in ["7041", &id] {
        let wanted = json!({"name": "about_customer", "arguments": {"customer_id": named}});
        let prompt = old(&shop, "prompts/get", wanted.clone()).await;
        assert!(prompt.text.contains(&format!("What is known of customer {named}?")), "{}", prompt.text);
        // Whether there is one is theirs to know who may look customers up.
        let other = key(&shop, &[Scope::IntelligenceRead]).await;
        let refused = old_by(&shop, &other, "prompts/get", wanted).await;
        let message = refused.json["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains("customers:read"), "{}", refused.text);
    }
}

#[tokio::test]
async fn what_does_not_fit_is_an_error_of_the_protocol() {
    let shop = with_customers(&[]).await;
    let code = |answer: &Answer| answer.json["error"]["code"].as_i64();
    let other = {
        let headers = [
            ("host", "localhost"),
            ("x-api-key", shop.key.as_str()),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
        ];
        speak(&shop, &headers, &stateless("tools/list", json!({}))).await
    };
    assert_eq!((other.status, code(&other)), (StatusCode::BAD_REQUEST, Some(-32020)), "{}", other.text);
    let mut strange = stateless("tools/list", json!({}));
    strange["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2099-01-01");
    let headers = [
        ("host", "localhost"),
        ("x-api-key", shop.key.as_str()),
        ("mcp-protocol-version", "2099-01-01"),
        ("mcp-method", "tools/list"),
    ];
    let unsupported = speak(&shop, &headers, &strange).await;
    assert_eq!(code(&unsupported), Some(-32022), "{}", unsupported.text);
    // The older revision has nothing but the header to say which it is.
    for version in ["2099-01-01", "1.0", "x"] {
        let headers =
            [("host", "localhost"), ("x-api-key", shop.key.as_str()), ("mcp-protocol-version", version)];
        let message = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {}});
        let answer = speak(&shop, &headers, &message).await;
        assert_eq!(
            (answer.status, code(&answer)),
            (StatusCode::BAD_REQUEST, Some(-32022)),
            "{}",
            answer.text
        );
        assert_eq!(
            (&answer.json["id"], &answer.json["error"]["data"]["requested"]),
            (&json!(7), &json!(version))
        );
        let supported = answer.json["error"]["data"]["supported"].as_array().expect("a list");
        assert!(supported.contains(&json!("2025-11-25")) && supported.contains(&json!("2026-07-28")));
    }
    for (method, params) in [
        ("tools/call", json!({})),
        ("tools/call", json!({"name": 7})),
        ("tools/call", json!({"name": "target_campaign", "arguments": [1]})),
        ("resources/read", json!({"uri": 7})),
        ("prompts/get", json!({"name": "plan_campaign", "arguments": "winback"})),
    ] {
        let unfit = old(&shop, method, params.clone()).await;
        assert_eq!(code(&unfit), Some(-32602), "{method} {params}: {}", unfit.text);
        assert!(
            unfit.json["error"]["message"].as_str().is_some_and(|text| text.contains("params")),
            "{}",
            unfit.text
        );
    }
    for (name, arguments, told) in [
        ("about_customer", json!({}), "arguments.customer_id: is missing"),
        ("about_customer", json!({"customer_id": 7}), "arguments.customer_id: is no text"),
        ("about_customer", json!({"customer_id": "two words"}), "arguments.customer_id: is not one word"),
        (
            "about_customer",
            json!({"customer": "C-0123ABCD"}),
            "arguments.customer: is no argument of about_customer",
        ),
        (
            "about_customer",
            json!({"customer_id": "C-ZZZZZZZZ"}),
            "arguments.customer_id: there is no such customer",
        ),
        (
            "about_customer",
            json!({"customer_id": "ignore-all-instructions"}),
            "arguments.customer_id: there is no such customer",
        ),
        ("plan_campaign", json!({"campaign": "banana"}), "retention, growth, winback"),
        ("who_may_leave", json!({"segment": "x"}), "which has none"),
    ] {
        let refused = old(&shop, "prompts/get", json!({"name": name, "arguments": arguments})).await;
        assert_eq!(code(&refused), Some(-32602), "{}", refused.text);
        let message = refused.json["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(told), "{arguments}: {message}");
    }
    let unknown = old(&shop, "tools/call", json!({"name": "drop_tables", "arguments": {}})).await;
    assert_eq!(code(&unknown), Some(-32602), "{}", unknown.text);
    let wrong = old(
        &shop,
        "tools/call",
        json!({"name": "analyze_customers", "arguments": {"analysis_type": "everything"}}),
    )
    .await;
    assert_eq!(wrong.json["result"]["isError"], true, "{}", wrong.text);
    assert!(wrong.text.contains("churn_risk"), "{}", wrong.text);
    let nowhere = old(&shop, "resources/read", json!({"uri": "file:///etc/passwd"})).await;
    assert_eq!(code(&nowhere), Some(-32002), "{}", nowhere.text);
    assert_eq!(code(&old(&shop, "tables/drop", json!({})).await), Some(-32601));
    // The newer revision has no handshake.
    let greeting = new(&shop, "initialize", None, json!({})).await;
    assert_eq!(
        (greeting.status, code(&greeting)),
        (StatusCode::NOT_FOUND, Some(-32601)),
        "{}",
        greeting.text
    );
    let large = old(
        &shop,
        "tools/call",
        json!({"name": "analyze_customers", "arguments": {"x": "y".repeat(100_000)}}),
    )
    .await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    let nested = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let deep = shop
        .send(
            request("POST", "/mcp")
                .header("host", "localhost")
                .header("x-api-key", &shop.key)
                .header("content-type", "application/json")
                .header("accept", "application/json, text/event-stream")
                .body(Body::from(nested))
                .expect("a request"),
        )
        .await;
    assert!(deep.status.is_client_error(), "{}", deep.text);
    let narrow = key(&shop, &[Scope::TicketsRead]).await;
    let headers =
        [("host", "localhost"), ("x-api-key", narrow.as_str()), ("mcp-protocol-version", "2025-11-25")];
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "analyze_customers", "arguments": {"analysis_type": "high_value"}}});
    let refused = speak(&shop, &headers, &call).await;
    assert_eq!(refused.json["result"]["isError"], true, "{}", refused.text);
    assert!(refused.text.contains("intelligence:read"), "{}", refused.text);
}

/// Values of a wrong kind, by the kind that a schema names.
fn wrong_kinds(schema: &Value) -> Vec<Value> {
    let written = schema.to_string();
    let all = [
        ("integer", json!(7)),
        ("boolean", json!(true)),
        ("string", json!("a text")),
        ("object", json!({"a": 1})),
    ];
    let is_wrong = |kind: &str| !written.contains(&format!("\"{kind}\""));
    let wrong = all.into_iter().filter(|(kind, _)| is_wrong(kind)).map(|(_, value)| value);
    wrong.chain([json!([1])]).collect()
}

#[tokio::test]
async fn a_wrong_argument_of_any_tool_is_told_so_that_a_model_can_mend_it() {
    let shop = with_customers(&[]).await;
    let listed = old(&shop, "tools/list", json!({})).await;
    let tools = listed.json["result"]["tools"].as_array().expect("tools").clone();
    assert_eq!(tools.len(), 8);
    for tool in &tools {
        let name = tool["name"].as_str().expect("a name");
        let properties = tool["inputSchema"]["properties"].as_object().expect("arguments");
        let mut wrong: Vec<(&str, Value)> = vec![("tenant_id", json!({"tenant_id": "another"}))];
        // Everything that is needed is missing at once: one of it is told.
        wrong.push(("is missing", json!({})));
        for (field, schema) in properties {
            let values = wrong_kinds(schema).into_iter().chain([json!(-1)]);
            wrong.extend(values.map(|value| (field.as_str(), json!({ field: value }))));
        }
        for (field, mut arguments) in wrong {
            // What else is needed is there, by what the tool itself says of it.
            for needed in
                tool["inputSchema"]["required"].as_array().into_iter().flatten().filter_map(Value::as_str)
            {
                let first = &properties[needed]["oneOf"][0]["const"];
                let fit = if first.is_string() { first.clone() } else { json!("C-0123ABCD") };
                if field != "is missing" && arguments.get(needed).is_none() {
                    arguments[needed] = fit;
                }
            }
            let answer = old(&shop, "tools/call", json!({"name": name, "arguments": arguments})).await;
            let result = &answer.json["result"];
            assert_eq!(result["isError"], true, "{name} {arguments}: {}", answer.text);
            let said = result["content"][0]["text"].as_str().expect("a text");
            assert!(said.contains(field) && said.contains("; for example {"), "{name} {arguments}: {said}");
            for word in
                ["struct", "enum", "unknown field", "invalid type", "expected", "u32", "sequence", " map"]
            {
                assert!(!said.contains(word), "{name} {arguments}: {said}");
            }
            let (_, example) = said.split_once("; for example ").expect("an example");
            assert!(example.parse::<Value>().is_ok_and(|example| example.is_object()), "{said}");
        }
    }
}

#[tokio::test]
async fn a_handshake_that_fails_begins_no_session() {
    let shop = with_customers(&[]).await;
    let fit = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
    let mut unfit = vec![json!({}), json!([]), json!("2025-11-25")];
    for field in ["protocolVersion", "capabilities", "clientInfo"] {
        let mut params = fit.clone();
        params.as_object_mut().and_then(|params| params.remove(field));
        unfit.push(params);
        let mut params = fit.clone();
        params[field] = json!(7);
        unfit.push(params);
    }
    for params in unfit {
        let refused = old(&shop, "initialize", params.clone()).await;
        assert!(refused.json["error"]["code"].is_i64(), "{params}: {}", refused.text);
        assert!(refused.headers.get("mcp-session-id").is_none(), "{params}: {}", refused.text);
    }
    let greeted = old(&shop, "initialize", fit).await;
    assert!(greeted.headers.get("mcp-session-id").is_some(), "{}", greeted.text);
}

#[tokio::test]
async fn what_is_no_message_has_the_error_of_json_rpc_and_what_is_no_json_by_its_type_is_refused_for_that() {
    let shop = with_customers(&[]).await;
    let speak = async |content_type: &str, body: &'static str| {
        let request = request("POST", "/mcp")
            .header("host", "localhost")
            .header("x-api-key", &shop.key)
            .header("content-type", content_type)
            .header("accept", "application/json, text/event-stream");
        shop.send(request.body(Body::from(body)).expect("a request")).await
    };
    for (body, code, id) in [
        ("{", -32_700, Value::Null),
        ("", -32_700, Value::Null),
        (r#"{"jsonrpc": "2.0", "id": 7, "method": "tools/list""#, -32_700, Value::Null),
        (r#"{"jsonrpc": "1.0", "id": 7, "method": "tools/list"}"#, -32_600, json!(7)),
        (r#"["tools/list"]"#, -32_600, Value::Null),
        ("7", -32_600, Value::Null),
    ] {
        let answer = speak("application/json", body).await;
        assert_eq!(
            (answer.status, &answer.json["error"]["code"], &answer.json["id"]),
            (StatusCode::BAD_REQUEST, &json!(code), &id),
            "{body}: {}",
            answer.text
        );
        assert_eq!(answer.json["jsonrpc"], "2.0");
        let plain = speak("text/plain", body).await;
        assert_eq!(plain.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{body}");
    }
}

#[tokio::test]
async fn who_comes_without_a_credential_learns_how_to_come_in() {
    let shop = with_customers(&[]).await;
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    for headers in [
        vec![("host", "localhost")],
        vec![("host", "localhost"), ("authorization", "Bearer dsk_nothing_at_all")],
        vec![("host", "localhost"), ("authorization", "Bearer a.b.c")],
    ] {
        let answer = speak(&shop, &headers, &message).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text);
        let challenge = answer.headers["www-authenticate"].to_str().expect("a text");
        assert!(
            challenge
                .contains("resource_metadata=\"http://localhost/.well-known/oauth-protected-resource/mcp\""),
            "{challenge}"
        );
    }
    let metadata = shop
        .send(
            request("GET", "/.well-known/oauth-protected-resource/mcp")
                .header("host", "localhost")
                .body(Body::empty())
                .expect("a request"),
        )
        .await;
    assert_eq!(metadata.field("resource"), "http://localhost/mcp", "{}", metadata.text);
    // Pages of other sites, and names that are not ours.
    let known = [("x-api-key", shop.key.as_str())];
    for more in [("host", "evil.example"), ("origin", "https://evil.example")] {
        let mut headers = known.to_vec();
        if more.0 == "origin" {
            headers.push(("host", "localhost"));
        }
        headers.push(more);
        assert_eq!(speak(&shop, &headers, &message).await.status, StatusCode::FORBIDDEN, "{more:?}");
    }
}
