//! Handshakes as clients send them: header by header what the official TypeScript and Python kits send in their examples of
//! remote servers, which the IDEs and chat assistants are built on.

use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::{Answer, Shop, request, with_customers};

/// A client with the headers that it always sends.
struct Client<'a> {
    shop: &'a Shop,
    agent: &'static str,
    session: Option<String>,
    revision: Option<&'static str>,
}

impl Client<'_> {
    async fn send(&self, method: &str, credential: Option<&str>, body: Option<Value>) -> Answer {
        let accepted =
            if method == "GET" { "text/event-stream" } else { "application/json, text/event-stream" };
        let mut sent = request(method, "/mcp")
            .header("host", "localhost:8080")
            .header("user-agent", self.agent)
            .header("accept", accepted)
            .header("accept-encoding", "gzip, deflate");
        if let Some(credential) = credential {
            sent = sent.header("authorization", format!("Bearer {credential}"));
        }
        if let Some(session) = &self.session {
            sent = sent.header("mcp-session-id", session);
        }
        if let Some(revision) = self.revision {
            sent = sent.header("mcp-protocol-version", revision);
        }
        let body = match body {
            Some(body) => {
                sent = sent.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.shop.send(sent.body(body).expect("a request")).await
    }

    async fn ask(&self, id: Value, method: &str, params: Option<Value>) -> Answer {
        let mut message = json!({"jsonrpc": "2.0", "id": id, "method": method});
        if let Some(params) = params {
            message["params"] = params;
        }
        let answer = self.send("POST", Some(&self.shop.key), Some(message)).await;
        assert_eq!((answer.status, &answer.json["id"]), (StatusCode::OK, &id), "{method}: {}", answer.text);
        answer
    }

    /// `initialize` and what follows it.
    async fn greet(&mut self, id: Value, params: Value, revision: &'static str) -> Answer {
        let hello = self.ask(id, "initialize", Some(params)).await;
        assert_eq!(hello.json["result"]["protocolVersion"], revision, "{}", hello.text);
        let session =
            hello.headers.get("mcp-session-id").map(|name| name.to_str().expect("a text").to_owned());
        self.session = Some(session.expect("clients tell their requests apart by it"));
        self.revision = Some(revision);
        let began = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let taken = self.send("POST", Some(&self.shop.key), Some(began)).await;
        assert_eq!((taken.status, taken.text.as_str()), (StatusCode::ACCEPTED, ""));
        hello
    }
}

#[tokio::test]
async fn a_chat_assistant_finds_the_way_in_and_calls_a_tool() {
    let shop = with_customers(&[]).await;
    let mut client = Client { shop: &shop, agent: "openai-mcp/1.0.0", session: None, revision: None };
    let hello = json!({
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "openai-mcp", "version": "1.0.0"},
    });
    // It comes without a credential first, and is told where to get one.
    let message = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello.clone()});
    let refused = client.send("POST", None, Some(message)).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let challenge = refused.headers["www-authenticate"].to_str().expect("a text");
    let (_, rest) = challenge.split_once("resource_metadata=\"").expect("where the metadata are");
    let place = rest.split('"').next().expect("an address");
    assert!(!challenge.contains("error="), "nothing was wrong with what did not come: {challenge}");
    let path = place.strip_prefix("http://localhost:8080").expect("the host that was asked");
    let asked = request("GET", path).header("host", "localhost:8080").body(Body::empty()).expect("a request");
    let metadata = shop.send(asked).await;
    assert_eq!(metadata.field("resource"), "http://localhost:8080/mcp", "{}", metadata.text);
    client.greet(json!(0), hello, "2025-06-18").await;
    let tools = client.ask(json!(1), "tools/list", Some(json!({"_meta": {"progressToken": 1}}))).await;
    for tool in tools.json["result"]["tools"].as_array().expect("tools") {
        assert_eq!(
            tool["annotations"]["readOnlyHint"], true,
            "such a client asks people before it calls others"
        );
    }
    let call = json!({
        "name": "analyze_products", "arguments": {"analysis_type": "revenue_by_category"}, "_meta": {"progressToken": 2},
    });
    let called = client.ask(json!(2), "tools/call", Some(call)).await;
    assert_eq!(called.json["result"]["structuredContent"]["tool"], "analyze_products", "{}", called.text);
}

#[tokio::test]
async fn an_ide_of_the_session_revision_looks_at_everything_and_takes_its_leave() {
    let shop = with_customers(&[]).await;
    let mut client = Client { shop: &shop, agent: "node", session: None, revision: None };
    let hello = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {"roots": {"listChanged": true}, "sampling": {}, "elicitation": {"form": {}, "url": {}}},
        "clientInfo": {"name": "Visual Studio Code", "version": "1.106.0"},
    });
    let hello = client.greet(json!(0), hello, "2025-11-25").await;
    let offered = &hello.json["result"]["capabilities"];
    assert!(
        offered["tools"].is_object() && offered["resources"].is_object() && offered["prompts"].is_object()
    );
    // It would listen for what the server says by itself; this one says nothing, and such clients go on.
    let listening = client.send("GET", Some(&shop.key), None).await;
    assert_eq!(listening.status, StatusCode::METHOD_NOT_ALLOWED);
    client.ask(json!(1), "ping", None).await;
    let tools = client.ask(json!(2), "tools/list", Some(json!({}))).await;
    assert_eq!(tools.json["result"]["tools"].as_array().map(Vec::len), Some(8));
    let resources = client.ask(json!(3), "resources/list", Some(json!({}))).await;
    assert_eq!(resources.json["result"]["resources"].as_array().map(Vec::len), Some(3));
    let templates = client.ask(json!(4), "resources/templates/list", Some(json!({}))).await;
    assert_eq!(templates.json["result"]["resourceTemplates"], json!([]), "{}", templates.text);
    let prompts = client.ask(json!(5), "prompts/list", Some(json!({}))).await;
    assert_eq!(prompts.json["result"]["prompts"].as_array().map(Vec::len), Some(4));
    let gone = client.send("DELETE", Some(&shop.key), None).await;
    assert_eq!(gone.status, StatusCode::METHOD_NOT_ALLOWED, "nothing is kept that could be ended");
    // Another process would answer as well: the name is a name and nothing more.
    client.session = Some("a name of another process".to_owned());
    client.ask(json!("six"), "tools/list", None).await;
}

#[tokio::test]
async fn a_client_of_both_revisions_asks_before_it_greets() {
    let shop = with_customers(&[]).await;
    let client =
        Client { shop: &shop, agent: "python-httpx2/0.2", session: None, revision: Some("2026-07-28") };
    let sent = request("POST", "/mcp")
        .header("host", "localhost:8080")
        .header("user-agent", client.agent)
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {}", shop.key))
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "server/discover");
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
        "io.modelcontextprotocol/clientInfo": {"name": "mcp", "version": "0.1.0"},
    });
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": meta}});
    let found = shop.send(sent.body(Body::from(message.to_string())).expect("a request")).await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.text);
    let versions = &found.json["result"]["supportedVersions"];
    assert!(versions.as_array().is_some_and(|known| known.contains(&json!("2026-07-28"))), "{}", found.text);
    assert!(found.headers.get("mcp-session-id").is_none(), "this revision has no sessions");
}
