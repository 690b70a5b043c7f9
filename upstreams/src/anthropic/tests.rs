//! What is asked of the model and what its answers are taken for, without a connection.

use reqwest::StatusCode;

use super::*;

fn judged(status: u16, body: &str) -> Verdict {
    judge(&Answer {
        status: StatusCode::from_u16(status).expect("a status"),
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    })
}

#[test]
fn errors_are_told_apart() {
    let limit = r#"{"type":"error","error":{"type":"rate_limit_error","message":"","details":{"error_code":"enforced_spend_limit_reached"}}}"#;
    assert_eq!(judged(429, limit), Verdict::SpendLimit);
    let workspace = r#"{"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits."}}"#;
    assert_eq!(judged(400, workspace), Verdict::SpendLimit);
    for status in [408, 409, 500, 503] {
        assert_eq!(judged(status, "not json"), Verdict::Again, "{status}");
    }
    for status in [429, 529] {
        assert_eq!(judged(status, "not json"), Verdict::Busy, "{status}");
    }
    assert_eq!(judged(401, "{}"), Verdict::Unauthorised);
    let invalid = r#"{"type":"error","error":{"type":"invalid_request_error","message":"temperature"}}"#;
    assert_eq!(judged(400, invalid), Verdict::Refuse { code: "invalid_request_error".into() });
}

#[test]
fn an_overload_is_one_whatever_status_it_comes_with() {
    let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let limited = r#"{"error":{"type":"rate_limit_error","message":"slow"}}"#;
    for status in [200, 400, 429, 500, 503, 529] {
        assert_eq!(judged(status, overloaded), Verdict::Busy, "{status}");
        assert_eq!(judged(status, limited), Verdict::Busy, "{status}");
    }
    let error = |kind: &str| format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"m"}}}}"#);
    assert_eq!(judged(200, &error("api_error")), Verdict::Again);
    assert_eq!(judged(200, &error("permission_error")), Verdict::Unauthorised);
    assert_eq!(judged(200, &error("odd_error")), Verdict::Refuse { code: "odd_error".into() });
    assert_eq!(judged(200, r#"{"model":"m","content":[]}"#), Verdict::Accept);
}

#[test]
fn a_filled_in_form_is_found_and_nothing_else_is_taken_for_one() {
    let read = |reason: &str, name: &str| {
        let body = format!(
            r#"{{"model":"m","stop_reason":"{reason}","content":[{{"type":"text","text":"I will."}},
                {{"type":"tool_use","id":"t","name":"{name}","input":{{"reply":"Hi."}}}}]}}"#
        );
        read_completion(body.as_bytes(), Some("write"))
    };
    for reason in ["tool_use", "end_turn"] {
        let completion = read(reason, "write").expect("an answer");
        assert_eq!((completion.ending, completion.form), (Ending::Complete, Some(json!({"reply": "Hi."}))));
    }
    assert_eq!(read("max_tokens", "write").expect("an answer").ending, Ending::CutOff);
    assert!(read("tool_use", "another").is_err());
    assert_eq!(read("end_turn", "another").expect("an answer").form, None);
}

#[test]
fn what_stands_around_an_answer_costs_nobody_the_answer() {
    let text = r#""content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":null},{"type":"text","text":"Hi."}]"#;
    for around in [
        r#""model":null,"usage":null"#,
        r#""usage":{"input_tokens":null,"output_tokens":-1}"#,
        r#""model":["m"],"usage":"many""#,
    ] {
        let body = format!(r#"{{{around},"stop_reason":"end_turn",{text}}}"#);
        let completion = read_completion(body.as_bytes(), None).expect("an answer");
        assert_eq!((completion.text.as_str(), completion.model.as_str()), ("Hi.", "unknown"), "{around}");
        assert_eq!(completion.usage, Usage::default(), "{around}");
    }
    let long = format!(r#"{{"model":"{}","stop_reason":"end_turn",{text}}}"#, "m".repeat(5_000));
    assert_eq!(read_completion(long.as_bytes(), None).expect("an answer").model.len(), 100);
}

#[test]
fn several_forms_are_told_as_several() {
    let form = |reply: &str| {
        format!(r#"{{"type":"tool_use","id":"t","name":"write","input":{{"reply":"{reply}"}}}}"#)
    };
    let body =
        format!(r#"{{"model":"m","stop_reason":"tool_use","content":[{},{}]}}"#, form("One."), form("Two."));
    let completion = read_completion(body.as_bytes(), Some("write")).expect("an answer");
    assert_eq!(completion.form, Some(json!([{"reply": "One."}, {"reply": "Two."}])));
}

#[test]
fn a_form_is_asked_for_by_name() {
    let schema = json!({"type": "object"});
    let tool = Tool { name: "write", description: "d", schema: &schema };
    let prompt = Prompt { fixed_system: "a", varying_system: "b", user: "c", tool: Some(tool) };
    let body = request_body("model", 900, prompt);
    assert_eq!(body["tools"][0]["input_schema"], schema);
    assert_eq!(
        (&body["tool_choice"]["type"], &body["tool_choice"]["name"]),
        (&json!("tool"), &json!("write"))
    );
    assert_eq!(request_body("model", 900, Prompt { tool: None, ..prompt })["tools"], Value::Null);
}

#[test]
fn endings_are_told_apart() {
    let read = |reason: &str, content: &str| {
        let body = format!(r#"{{"model":"m","content":[{content}],"stop_reason":"{reason}"}}"#);
        read_completion(body.as_bytes(), None).map(|completion| completion.ending)
    };
    let text = r#"{"type":"text","text":"hello"}"#;
    assert_eq!(read("end_turn", text), Ok(Ending::Complete));
    assert_eq!(read("max_tokens", text), Ok(Ending::CutOff));
    assert_eq!(read("model_context_window_exceeded", text), Ok(Ending::CutOff));
    assert_eq!(read("refusal", ""), Ok(Ending::Refused));
    assert!(read("end_turn", "").is_err());
    assert!(read("tool_use", text).is_err());
    assert!(read_completion(b"[]", None).is_err());
}

#[test]
fn the_request_has_one_cache_breakpoint_and_no_sampling() {
    let prompt = Prompt { fixed_system: "a", varying_system: "b", user: "c", tool: None };
    let body = request_body("model", 900, prompt).to_string();
    assert_eq!(body.matches("cache_control").count(), 1);
    for refused in ["temperature", "top_p", "top_k"] {
        assert!(!body.contains(refused));
    }
}
