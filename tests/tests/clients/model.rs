//! The client of the Messages API: prompts, answers and the model's errors.

use std::time::Duration;

use cluster::upstream::Fault;
use serde_json::json;
use upstreams::{
    ClientError,
    anthropic::{self, Ending, Prompt},
    error::{Effect, PauseReason},
};
use worker::draft::{
    Author, Channel, DraftInput, Drafter, Length, ThreadMessage, Tone, judge,
    policy::{KnownFacts, check},
    prompt, style,
};

use crate::setup::{MODEL, POLICY, PROMPT, an_upstream, calls, fault, model, soon, status};

#[tokio::test]
async fn a_prompt_becomes_a_draft_that_keeps_policy_and_style() {
    let upstream = an_upstream().await;
    let model = model(&upstream, POLICY);
    for channel in [Channel::Email, Channel::Sms, Channel::Phone] {
        let message = ThreadMessage {
            author: Author::Customer,
            text: "Where is my order?".into(),
            at: chrono::Utc::now(),
        };
        let input = DraftInput {
            sharing: Vec::new(),
            articles: Vec::new(),
            shop_name: "Hartley Gifts".into(),
            subject: "Order".into(),
            channel,
            tone: Tone::Friendly,
            length: Length::Medium,
            customer_name: None,
            language: None,
            is_language_assumed: false,
            intent: None,
            messages: vec![message],
            customer: None,
        };
        let asked = prompt::prompt(&input, &[]);
        let with_form = model.complete(&soon(), asked.parts()).await.expect("a completion");
        assert!(with_form.form.is_some() && with_form.text.is_empty(), "the reply is a field");
        let as_text = Prompt { tool: None, ..asked.parts() };
        let as_text = model.complete(&soon(), as_text).await.expect("a completion");
        assert!(as_text.form.is_none());
        for completion in [with_form, as_text] {
            assert_eq!(completion.ending, Ending::Complete);
            assert!(completion.usage.output_tokens > 0);
            let draft = judge::judge(&completion, &input).expect("a draft");
            assert_eq!(draft.drafter, Drafter::Anthropic);
            assert_eq!(style::style(channel, Length::Medium).problems(&draft.reply), []);
            assert_eq!(check(&draft.reply, &KnownFacts::of(&input)), []);
            draft.recommendation.expect("a recommendation");
        }
    }
}

#[tokio::test]
async fn a_server_without_forms_is_asked_for_a_text() {
    let upstream = an_upstream().await;
    let model = model(&upstream, POLICY);
    let message = "tools: extra inputs are not permitted";
    let body = Some(json!({"type": "error", "error": {"type": "invalid_request_error", "message": message}}));
    upstream.inject(fault("/v1", 1, Fault::Status { status: 400, retry_after: None, body }));
    let schema = json!({"type": "object"});
    let tool = Some(anthropic::Tool { name: "write", description: "d", schema: &schema });
    let answer = model.complete(&soon(), Prompt { tool, ..PROMPT }).await.expect("an answer");
    assert!(answer.form.is_none() && answer.text.contains("<reply>"));
    assert_eq!(calls(&upstream, MODEL), 2);
}

#[tokio::test]
async fn a_lack_of_room_is_told_from_a_failure() {
    let upstream = an_upstream().await;
    let overloaded = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    for (status, body, reason, effect) in [
        (529, None, PauseReason::Overloaded, Effect::Possible),
        (429, None, PauseReason::RateLimited, Effect::None),
        (400, Some(overloaded.clone()), PauseReason::Overloaded, Effect::None),
        (200, Some(overloaded.clone()), PauseReason::Overloaded, Effect::None),
        (500, Some(overloaded), PauseReason::Overloaded, Effect::Possible),
    ] {
        let model = model(&upstream, POLICY);
        upstream.inject(fault("/v1", 2, Fault::Status { status, retry_after: None, body: body.clone() }));
        model.complete(&soon(), PROMPT).await.expect("the third try is answered");
        upstream.inject(fault("/v1", 3, Fault::Status { status, retry_after: None, body: body.clone() }));
        let error = model.complete(&soon(), PROMPT).await.expect_err("three tries");
        assert_eq!(error, ClientError::Busy { upstream: "anthropic", reason, effect }, "{status}");
        upstream.inject(fault("/v1", 1, Fault::Status { status, retry_after: Some("60".into()), body }));
        let error = model.complete(&soon(), PROMPT).await.expect_err("a minute");
        let after = Duration::from_secs(60);
        assert_eq!(error, ClientError::RetryAfter { upstream: "anthropic", after, reason }, "{status}");
    }
}

#[tokio::test]
async fn the_models_errors_are_told_apart() {
    let upstream = an_upstream().await;
    let model = model(&upstream, POLICY);
    let error_body = |kind: &str, code: Option<&str>| {
        Some(
            json!({"type": "error", "error": {"type": kind, "message": "", "details": {"error_code": code}}}),
        )
    };
    for passing in [409, 429, 529] {
        upstream.inject(fault("/v1", 1, status(passing)));
        model.complete(&soon(), PROMPT).await.expect("the second try succeeds");
    }
    assert_eq!(calls(&upstream, MODEL), 6);
    let body = error_body("rate_limit_error", Some("enforced_spend_limit_reached"));
    upstream.inject(fault("/v1", 1, Fault::Status { status: 429, retry_after: None, body }));
    let error = model.complete(&soon(), PROMPT).await.expect_err("the limit is reached");
    assert_eq!(error, ClientError::SpendLimit { upstream: "anthropic" });
    let body = error_body("not_found_error", None);
    upstream.inject(fault("/v1", 1, Fault::Status { status: 404, retry_after: None, body }));
    assert_eq!(
        model.complete(&soon(), PROMPT).await.expect_err("no such model"),
        ClientError::NoModel { upstream: "anthropic", model: "claude-haiku-4-5".into() }
    );
    assert_eq!(calls(&upstream, MODEL), 8, "neither was tried again");
    let body = Some(json!({"model": "m", "content": [], "stop_reason": "refusal"}));
    upstream.inject(fault("/v1", 1, Fault::Status { status: 200, retry_after: None, body }));
    assert_eq!(model.complete(&soon(), PROMPT).await.expect("an answer").ending, Ending::Refused);
}
