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
    assert_eq!(read("tool_use", "another").expect("an answer").ending, Ending::OtherTool);
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
    assert_eq!(read("pause_turn", text), Ok(Ending::CutOff));
    assert_eq!(read("end_turn", ""), Ok(Ending::Empty));
    assert_eq!(read("end_turn", r#"{"type":"text","text":" "}, null, 7"#), Ok(Ending::Empty));
    assert_eq!(read("model_context_window_exceeded", ""), Ok(Ending::CutOff));
    assert_eq!(read("tool_use", text), Ok(Ending::OtherTool));
}

#[test]
fn a_message_of_odd_shapes_is_an_answer_and_anything_else_is_none() {
    let read = |body: &str| read_completion(body.as_bytes(), Some("write"));
    for (body, ending) in [
        (r#"{"model":"m","stop_reason":"end_turn","content":null}"#, Ending::Empty),
        (r#"{"model":"m","stop_reason":"end_turn","content":"Hi."}"#, Ending::Empty),
        (r#"{"model":"m","stop_reason":"end_turn","content":{"type":"text","text":"Hi."}}"#, Ending::Empty),
        (r#"{"model":"m","stop_reason":null,"content":[{"type":"text","text":"Hi."}]}"#, Ending::CutOff),
        (r#"{"model":"m","stop_reason":7,"content":[{"type":"text","text":"Hi."}]}"#, Ending::CutOff),
        (r#"{"model":"m","stop_reason":"tool_use","content":[{"type":"tool_use"}]}"#, Ending::OtherTool),
    ] {
        assert_eq!(read(body).map(|completion| completion.ending), Ok(ending), "{body}");
    }
    for body in [
        "",
        "null",
        "[]",
        "7",
        "<html>Bad gateway</html>",
        r#"{"choices":[]}"#,
        r#"{"model":"m","content":[{"#,
    ] {
        assert!(matches!(read(body), Err(ClientError::BadAnswer { .. })), "{body}");
    }
}

#[test]
fn half_a_pair_becomes_one_that_says_that_something_is_missing() {
    let read = |text: &str| {
        let body = format!(
            r#"{{"model":"m","stop_reason":"end_turn","content":[{{"type":"text","text":"{text}"}}]}}"#
        );
        read_completion(body.as_bytes(), None).expect("an answer").text
    };
    for (written, text) in [
        (r"a\ud83db", "a\u{fffd}b"),
        (r"a\ude42", "a\u{fffd}"),
        (r"\ud83d\ud83d\ude42", "\u{fffd}\u{1f642}"),
        (r"\ud83d\ude42\ude42", "\u{1f642}\u{fffd}"),
        (r"\\ud83d \ud83d", "\\ud83d \u{fffd}"),
        (r"\ud83d\ude42", "\u{1f642}"),
    ] {
        assert_eq!(read(written), text, "{written}");
    }
}

#[test]
fn a_prompt_that_is_too_long_is_told_by_its_words() {
    let error = |message: &str| {
        format!(r#"{{"type":"error","error":{{"type":"invalid_request_error","message":"{message}"}}}}"#)
    };
    let too_long = Verdict::Refuse { code: PROMPT_TOO_LONG.into() };
    for message in [
        "prompt is too long: 208310 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 199000 + 1500 > 200000",
        "This model's maximum context length is 8192 tokens. Remove tools or messages.",
    ] {
        assert_eq!(judged(400, &error(message)), too_long, "{message}");
    }
    assert_eq!(judged(413, "<html>"), too_long);
    assert_eq!(judged(400, &error("tools: not permitted")), Verdict::Refuse { code: NO_TOOLS.into() });
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
