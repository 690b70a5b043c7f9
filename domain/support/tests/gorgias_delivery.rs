//! Property and example tests of the webhook parser: four shapes, one meaning; no input makes it panic.

use proptest::prelude::*;
use serde_json::{Value, json};
use support::gorgias::delivery::{Customer, Delivery, DeliveryError, Message, Priority, Status, parse};
use support::gorgias::{dedup, rules};

fn parse_value(body: &Value) -> Result<Delivery, DeliveryError> {
    parse(body.to_string().as_bytes())
}

fn ticket() -> Value {
    json!({
        "id": 4711, "subject": "Where is my order?", "status": "open", "priority": "critical", "channel": "email",
        "via": "email", "spam": false, "trashed_datetime": null, "messages_count": 2,
        "customer": {"id": 9, "external_id": "17850", "email": "Ann@Example.com", "firstname": "Ann", "lastname": "Lee"},
        "tags": [{"id": 1, "name": "vip"}, "late"],
        "created_datetime": "2026-11-01T10:00:00+00:00", "updated_datetime": "2026-11-02T10:00:00.123456",
        "unknown": {"deeply": ["nested"]},
        "messages": [
            {"id": 1, "channel": "email", "from_agent": false, "body_text": "Hello", "created_datetime": "2026-11-01T10:00:00Z"},
            {"id": "2", "channel": "internal-note", "from_agent": true, "body_text": "note", "created_datetime": "2026-11-01T11:00:00Z"}
        ]
    })
}

#[test]
fn a_bare_ticket_is_read_completely() {
    let delivery = parse_value(&ticket()).expect("parses");
    let ticket = &delivery.ticket;
    assert_eq!(
        (ticket.id.as_str(), ticket.status, ticket.priority),
        ("4711", Some(Status::Open), Some(Priority::Urgent))
    );
    assert_eq!(ticket.customer.external_id.as_deref(), Some("17850"));
    assert_eq!(ticket.customer.email.as_deref(), Some("ann@example.com"));
    assert_eq!(ticket.customer.name.as_deref(), Some("Ann Lee"));
    assert_eq!(ticket.tags, Some(vec!["vip".to_owned(), "late".to_owned()]));
    assert_eq!(delivery.remarks, []);
    assert_eq!(ticket.message_count, Some(2));
    assert!(ticket.messages[1].internal && !ticket.messages[0].internal);
    assert_eq!(
        ticket.updated_at.map(|time| time.to_rfc3339()),
        Some("2026-11-02T10:00:00.123456+00:00".to_owned())
    );
    assert!(!ticket.deleted && !ticket.spam);
    assert_eq!((delivery.event_id, delivery.event_type), (None, None));
}

#[test]
fn what_a_rule_or_a_bot_sent_is_by_a_machine_of_the_shop() {
    let read = |fields: Value| {
        let mut message = json!({"id": 2, "channel": "email", "body_text": "We got your message."});
        message.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        let delivery = parse_value(&json!({"ticket": {"id": 1}, "message": message})).expect("parses");
        let message = delivery.message.expect("has a message");
        (message.from_agent, message.by_machine)
    };
    for fields in [
        json!({"from_agent": true, "via": "rule", "sender": null}),
        json!({"from_agent": true, "via": "email", "rule_id": 12}),
        json!({"from_agent": true, "rule_id": "12"}),
        json!({"from_agent": true, "source": {"type": "auto-responder"}}),
        json!({"from_agent": true, "sender": {"name": "Helper", "type": "bot"}}),
        json!({"from_agent": true, "sender": {"name": "Gorgias Bot", "email": "bot@shop.example"}}),
        json!({"from_agent": true, "author_type": "automation"}),
        // Whose it is need not be said.
        json!({"via": "Rule"}),
    ] {
        assert_eq!(read(fields.clone()), (true, true), "{fields}");
    }
    for (fields, from_agent) in [
        (json!({"from_agent": true, "via": "helpdesk", "rule_id": null, "sender": {"name": "Ann"}}), true),
        (json!({"from_agent": true, "rule_id": "{{message.rule_id}}"}), true),
        (json!({"from_agent": true, "rule_id": 0}), true),
        (json!({"from_agent": false, "via": "rule"}), false),
        (json!({"from_agent": false, "sender": {"name": "Bot"}}), false),
        (json!({"from_agent": true, "via": "rule", "channel": "internal-note"}), true),
    ] {
        assert_eq!(read(fields.clone()), (from_agent, false), "{fields}");
    }
}

#[test]
fn the_four_shapes_tell_the_same_ticket() {
    let message = json!({"id": 77, "channel": "email", "from_agent": false, "body_text": "again"});
    let shapes = [
        ticket(),
        json!({"ticket": ticket(), "message": message}),
        json!({"id": "ev1", "type": "ticket-updated", "object_id": 4711, "object_type": "ticket",
               "created_datetime": "2026-11-02T10:00:00Z", "data": {"ticket": ticket()}}),
        json!({"event": {"type": "ticket-message-created"}, "ticket": ticket(), "message": message}),
        json!({"event": {"id": 5, "type": "ticket-created"}, "data": {"ticket": ticket(), "message": message}}),
        {
            let mut bare = ticket();
            bare["event"] = json!({"type": "ticket-created"});
            bare
        },
    ];
    let read: Vec<Delivery> = shapes.iter().map(|shape| parse_value(shape).expect("parses")).collect();
    for delivery in &read {
        assert_eq!(delivery.ticket, read[0].ticket);
    }
    let events: Vec<_> = read.iter().map(|d| (d.event_id.as_deref(), d.event_type.as_deref())).collect();
    assert_eq!(
        events,
        [
            (None, None),
            (None, None),
            (Some("ev1"), Some("ticket-updated")),
            (None, Some("ticket-message-created")),
            (Some("5"), Some("ticket-created")),
            (None, Some("ticket-created")),
        ]
    );
    assert_eq!(read[4].message.as_ref().map(|message| message.id.as_str()), Some("77"));
}

#[test]
fn errors_name_the_field() {
    let table = [
        ("[]", "(body)"),
        ("{}", "id"),
        (r#"{"ticket":{}}"#, "ticket.id"),
        (r#"{"ticket":7}"#, "ticket"),
        (r#"{"id":1,"type":"x","data":{}}"#, "data.ticket"),
        (r#"{"message":{"id":1}}"#, "ticket"),
        (r#"{"ticket":{"id":1},"message":{}}"#, "message.body_text"),
        (r#"{"ticket":{"id":1},"message":{"id":2,"body_text":{"html":"x"}}}"#, "message.body_text"),
        (r#"{"ticket":{"id":true}}"#, "ticket.id"),
        (r#"{"ticket":{"id":1.5}}"#, "ticket.id"),
        (r#"{"ticket":{"id":""}}"#, "ticket.id"),
    ];
    for (body, field) in table {
        let error = parse(body.as_bytes()).expect_err(body);
        assert_eq!(error.field(), Some(field), "{body}: {error}");
    }
    assert!(matches!(parse(b"{\"id\":"), Err(DeliveryError::NotJson { line: 1, .. })));
    // What was seen, where, and what is accepted.
    for (body, told) in [
        (r#"{"ticket":[1,2]}"#, "the field ticket is a list, and must be an object"),
        (
            r#"{"ticket":{"id":true}}"#,
            "the field ticket.id is true or false, and must be a whole number or a text",
        ),
        (
            r#"{"ticket":{"id":1.5}}"#,
            "the field ticket.id is a number with a fraction, and must be a whole number or a text",
        ),
        (r#"{"ticket":{"id":""}}"#, "the field ticket.id is an empty text, and must have 1-255 characters"),
        (
            r#"{"ticket":{"id":1},"message":{"id":2,"body_text":[]}}"#,
            "the field message.body_text is a list, and must be a text",
        ),
    ] {
        assert_eq!(parse(body.as_bytes()).expect_err(body).to_string(), told);
    }
}

#[test]
fn a_placeholder_that_nobody_filled_in_is_no_id() {
    for id in [
        "{{ticket.id}}",
        " {{ ticket.id }} ",
        "T-{{ticket.id}}",
        "${ticket.id}",
        "{% id %}",
        "<%= id %>",
        "{id}",
        "%id%",
    ] {
        let error = parse_value(&json!({"ticket": {"id": id}})).expect_err(id);
        assert_eq!(error.field(), Some("ticket.id"), "{id}");
        assert!(error.to_string().contains("settings"), "it says where to mend that: {error}");
        assert!(!error.to_string().contains(id.trim()), "it repeats nothing of the body: {error}");
    }
    for id in ["4711", "T-{1", "a%b", "<1@example.com>", "100%"] {
        assert_eq!(parse_value(&json!({"ticket": {"id": id}})).expect(id).ticket.id, id);
    }
    // An id that can be done without is left out: a message is known by its text then.
    let body = json!({"ticket": {"id": 1}, "message": {"id": "{{message.id}}", "body_text": "Hello?"}});
    let delivery = parse_value(&body).expect("parses");
    assert!(delivery.message.expect("a message").id.starts_with("text:"));
    assert!(delivery.remarks.iter().any(|remark| remark.field == "message.id"));
}

#[test]
fn a_placeholder_that_nobody_filled_in_is_nobodys_address_name_tag_or_text() {
    let body = json!({
        "ticket": {
            "id": 1,
            "customer": {"id": 2, "email": "{{ticket.customer.email}}", "name": "{{ ticket.customer.name }}"},
            "tags": ["late", "{{ticket.tags[0].name}}"],
        },
        "message": {
            "id": 3,
            "body_text": "{{message.body_text}}",
            "body_html": "<p>{{message.body_html}}</p>",
            "sender": {"email": "${message.sender.email}", "name": "{% name %}"},
        },
    });
    let delivery = parse_value(&body).expect("parses");
    let customer = &delivery.ticket.customer;
    assert_eq!((customer.id.as_deref(), &customer.email, &customer.name), (Some("2"), &None, &None));
    assert_eq!(delivery.ticket.tags, Some(vec!["late".to_owned()]));
    let message = delivery.message.as_ref().expect("a message");
    assert_eq!((message.body_text.as_str(), &message.sender_email, &message.sender_name), ("", &None, &None));
    assert_eq!(delivery.writer(), None);
    let told: Vec<&str> = delivery.remarks.iter().map(|remark| remark.field.as_ref()).collect();
    for field in [
        "ticket.customer.email",
        "ticket.customer.name",
        "ticket.tags",
        "message.body_text",
        "message.body_html",
        "message.sender.email",
        "message.sender.name",
    ] {
        assert!(told.contains(&field), "{field}: {told:?}");
    }
    // Another text is taken; tags of which none was filled in are not said to be none.
    let body = json!({
        "ticket": {"id": 1, "tags": "{{ ticket.tags | join: \", \" }}"},
        "message": {"id": 3, "body_text": "{{message.body_text}}", "body_html": "<p>My lamp</p>"},
    });
    let delivery = parse_value(&body).expect("parses");
    assert_eq!(
        (delivery.ticket.tags, delivery.message.expect("a message").body_text.as_str()),
        (None, "My lamp")
    );
}

#[test]
fn what_people_write_in_brackets_is_their_text() {
    for text in [
        "I got a mail that says {{first_name}}",
        "{{first_name}} and {{last_name}}",
        "[[see the picture, please]]",
        "{\"order\": 4711}",
        "{ where is my lamp? }",
        "100%",
        "%",
        "{}",
    ] {
        let body = json!({
            "ticket": {"id": 1, "customer": {"name": text}, "tags": [text]},
            "message": {"id": 2, "body_text": text},
        });
        let delivery = parse_value(&body).expect(text);
        assert_eq!(delivery.message.map(|message| message.body_text).as_deref(), Some(text));
        assert_eq!(delivery.ticket.customer.name.as_deref(), Some(text));
        assert_eq!(delivery.ticket.tags, Some(vec![text.to_owned()]));
    }
}

#[test]
fn a_text_that_is_null_is_no_text() {
    let read =
        |message: Value| parse_value(&json!({"ticket": {"id": 1}, "message": message})).expect("parses");
    let html =
        read(json!({"id": 2, "body_text": null, "stripped_text": null, "body_html": "<p>My lamp</p>"}));
    assert_eq!(html.message.expect("a message").body_text, "My lamp");
    let none = read(json!({"id": 2, "body_text": null})).message.expect("a message");
    assert_eq!((none.id.as_str(), none.body_text.as_str()), ("2", ""));
    let nothing = read(json!({"from_agent": false, "body_text": null}));
    assert_eq!(nothing.message, None);
    assert!(nothing.remarks.iter().any(|remark| remark.field == "message"), "{:?}", nothing.remarks);
}

#[test]
fn a_word_for_nothing_gives_way_to_a_text_and_is_one_when_it_stands_alone() {
    for word in ["null", "None", "undefined", "<no value>"] {
        let mut body = json!({"ticket": {"id": 1},
            "message": {"id": 2, "body_text": word, "stripped_text": word, "body_html": "<p>My lamp</p>"}});
        let delivery = parse_value(&body).expect("parses");
        assert_eq!(delivery.message.expect("a message").body_text, "My lamp", "{word}");
        assert!(delivery.remarks.iter().any(|remark| remark.field == "message.body_text"), "{word}");
        body["message"]["body_html"] = json!("");
        assert_eq!(parse_value(&body).expect("parses").message.expect("a message").body_text, word);
    }
}

#[test]
fn a_text_that_was_not_filled_in_is_said_to_be_so() {
    let body = json!({"ticket": {"id": 1}, "message": {"body_text": "{{message.body_text}}"}});
    let error = parse_value(&body).expect_err("there is nothing to read");
    assert_eq!(error.field(), Some("message.body_text"));
    assert!(error.to_string().contains("placeholder"), "{error}");
}

#[test]
fn what_does_not_fit_and_is_not_needed_is_left_out_and_told() {
    let table = [
        (r#"{"ticket":{"id":1,"subject":[]}}"#, "ticket.subject"),
        (r#"{"ticket":{"id":1,"subject":4711}}"#, "ticket.subject"),
        (r#"{"ticket":{"id":1,"messages":[{"id":1},{"id":true}]}}"#, "ticket.messages[1].id"),
        (r#"{"ticket":{"id":1,"messages":[{"id":1},7]}}"#, "ticket.messages[1]"),
        (r#"{"ticket":{"id":1,"messages":{"id":1}}}"#, "ticket.messages"),
        (r#"{"ticket":{"id":1,"updated_datetime":"soon"}}"#, "ticket.updated_datetime"),
        (r#"{"ticket":{"id":1,"created_datetime":false}}"#, "ticket.created_datetime"),
        (r#"{"ticket":{"id":1,"customer":[]}}"#, "ticket.customer"),
        (r#"{"ticket":{"id":1,"customer":{"id":false}}}"#, "ticket.customer.id"),
        (r#"{"ticket":{"id":1,"tags":[5]}}"#, "ticket.tags[0]"),
        (r#"{"ticket":{"id":1,"messages_count":-1}}"#, "ticket.messages_count"),
        (r#"{"ticket":{"id":1,"spam":"perhaps"}}"#, "ticket.spam"),
        (r#"{"event":7,"ticket":{"id":1}}"#, "event"),
        (r#"{"ticket":{"id":1},"message":false}"#, "message"),
        (r#"{"ticket":{"id":1},"message":{"body_text":"no id"}}"#, "message.id"),
        (
            r#"{"ticket":{"id":1},"message":{"id":2,"body_text":[],"body_html":"<p>x</p>"}}"#,
            "message.body_text",
        ),
        ("{\"ticket\":{\"id\":1,\"custom\":\"\\ud83d\"}}", "ticket.custom"),
        (r#"{"ticket":{"id":1,"w":1e4000}}"#, "ticket.w"),
    ];
    for (body, field) in table {
        let delivery = parse(body.as_bytes()).expect(body);
        assert_eq!(delivery.ticket.id, "1", "{body}");
        assert_eq!(delivery.remarks.first().map(|remark| &*remark.field), Some(field), "{body}");
    }
    // What came as another kind of container says the same.
    for (body, field) in [
        (r#"{"ticket":{"id":1,"messages":{"id":7,"body_text":"Hello?"}}}"#, "ticket.messages"),
        (r#"{"ticket":[{"id":1,"messages":[{"id":7,"body_text":"Hello?"}]}]}"#, "ticket"),
        (r#"[{"ticket":{"id":1,"messages":[{"id":7,"body_text":"Hello?"}]}}]"#, "(body)"),
        (r#""{\"ticket\":{\"id\":1,\"messages\":[{\"id\":7,\"body_text\":\"Hello?\"}]}}""#, "(body)"),
        (
            "payload=%7B%22id%22%3A1%2C%22messages%22%3A%5B%7B%22id%22%3A7%2C%22body_text%22%3A%22Hello%3F%22%7D%5D%7D",
            "(body)",
        ),
    ] {
        let delivery = parse(body.as_bytes()).expect(body);
        assert_eq!((delivery.ticket.id.as_str(), &*delivery.remarks[0].field), ("1", field), "{body}");
        assert_eq!(delivery.ticket.messages[0].body_text, "Hello?", "{body}");
    }
    let customer =
        parse(br#"{"id":1,"customer":[{"email":"ann@example.com"}]}"#).expect("understood").ticket.customer;
    assert_eq!(customer.email.as_deref(), Some("ann@example.com"));
    // Templates render what is missing as an empty text, which is no fault.
    let empty = r#"{"ticket":{"id":1,"messages":"","customer":"","subject":"","tags":"","created_datetime":"",
        "messages_count":"","trashed_datetime":"","spam":""},"message":""}"#;
    let delivery = parse(empty.as_bytes()).expect("understood");
    assert_eq!((delivery.remarks, delivery.ticket.deleted, delivery.message), (vec![], false, None));
}

#[test]
fn times_are_understood_in_every_dress() {
    let moment = Some(1_795_168_800);
    for time in [
        r#""2026-11-20T10:00:00Z""#,
        "1795168800",
        "\"1795168800\"",
        "1795168800000",
        r#""2026-11-20T10:00:00+0000""#,
        r#""2026-11-20 10:00:00 UTC""#,
    ] {
        let body = format!(
            r#"{{"ticket":{{"id":1,"created_datetime":{time}}},"message":{{"id":2,"created_datetime":{time},"body_text":"x"}}}}"#
        );
        let delivery = parse(body.as_bytes()).expect(&body);
        assert_eq!(delivery.ticket.created_at.map(|at| at.timestamp()), moment, "{time}");
        assert_eq!(
            delivery.message.and_then(|message| message.sent_at).map(|at| at.timestamp()),
            moment,
            "{time}"
        );
    }
    for time in ["\"\"", "false", "{}", "0", "\"0000-00-00 00:00:00\""] {
        let body = format!(
            r#"{{"ticket":{{"id":1,"created_datetime":{time}}},"message":{{"id":2,"body_text":"x"}}}}"#
        );
        assert_eq!(parse(body.as_bytes()).expect(&body).ticket.created_at, None, "{time}");
    }
}

#[test]
fn numbers_keep_their_digits_and_absurd_ones_cost_nothing() {
    let id = |written: &str| {
        let body =
            format!(r#"{{"ticket":{{"id":{written},"meta":{{"weight":1e400}}}},"message":{{"id":815.0}}}}"#);
        let delivery = parse(body.as_bytes()).expect(&body);
        assert_eq!(delivery.message.expect("a message").id, "815");
        delivery.ticket.id
    };
    assert_eq!(id("9007199254740992"), "9007199254740992");
    assert_eq!(id("9007199254740993"), "9007199254740993");
    assert_eq!(id("12345678901234567890123"), "12345678901234567890123");
    assert_eq!(
        (id("4711.0"), id("\"4711.0\""), id("\"4711\"")),
        ("4711".into(), "4711".into(), "4711".into())
    );
    let deep = format!(r#"{{"ticket":{{"id":1,"custom":{}{}}}}}"#, "[".repeat(200), "]".repeat(200));
    assert_eq!(parse(deep.as_bytes()).expect("depth that nobody reads").ticket.id, "1");
    assert_eq!(parse(br#"{"ticket":{"id":1,"id":2}}"#).expect("the last counts").ticket.id, "2");
}

#[test]
fn html_alone_is_read_as_what_was_written() {
    let html =
        "<style>p{}</style><p>My lamp<br>is broken</p><div class=\\\"gmail_quote\\\">On Monday ...</div>";
    let body = format!(
        r#"{{"ticket":{{"id":1}},"message":{{"id":2,"body_text":"","body_html":"{}"}}}}"#,
        html.replace("\\\\", "\\")
    );
    let delivery = parse(body.as_bytes()).expect(&body);
    assert_eq!(delivery.message.expect("a message").body_text, "My lamp\nis broken");
}

/// What a delivery of this body tells, as it is compared: ids and texts of its messages, oldest first.
fn said(body: &Value) -> Vec<(String, String)> {
    let delivery = parse_value(body).expect("parses");
    let said = |message: &Message| (message.id.clone(), message.body_text.clone());
    delivery.messages().into_iter().map(said).collect()
}

#[test]
fn what_was_put_in_as_a_text_is_read_as_what_it_says() {
    let message = json!({"id": 7, "from_agent": false, "body_text": "Hello?"});
    let inner = json!({"id": 1, "tags": "[\"vip\",\"no-ai\"]", "customer": json!({"email": "ann@example.com"}).to_string(),
        "messages": json!([message]).to_string()});
    for (body, place) in [
        (json!({"ticket": inner.to_string()}), "ticket"),
        (json!({"event": "created", "data": json!({"ticket": inner}).to_string()}), "data"),
        (inner.clone(), "customer"),
    ] {
        let delivery = parse_value(&body).expect("parses");
        assert_eq!(delivery.ticket.id, "1");
        assert_eq!(delivery.ticket.tags, Some(vec!["vip".to_owned(), "no-ai".to_owned()]));
        assert_eq!(delivery.ticket.customer.email.as_deref(), Some("ann@example.com"));
        assert_eq!(said(&body), [("7".to_owned(), "Hello?".to_owned())]);
        assert!(delivery.remarks.iter().any(|remark| remark.field == place), "{:?}", delivery.remarks);
    }
    let body = json!({"ticket": {"id": 1}, "message": message.to_string()});
    assert_eq!(said(&body), [("7".to_owned(), "Hello?".to_owned())]);
}

#[test]
fn no_message_is_lost_for_where_it_stands_or_for_its_id() {
    let hello = |id: u8| json!({"id": id, "body_text": format!("Hello {id}")});
    let two = [("1".to_owned(), "Hello 1".to_owned()), ("2".to_owned(), "Hello 2".to_owned())];
    for body in [
        json!({"ticket": {"id": 1}, "messages": [hello(1), hello(2)]}),
        json!({"ticket": {"id": 1}, "message": [hello(1), hello(2)]}),
        json!({"event": {"type": "t"}, "data": {"ticket": {"id": 1}, "messages": [hello(1), hello(2)]}}),
        json!({"ticket": {"id": 1, "messages": [hello(1), {"id": 2}]}, "message": hello(2)}),
        json!({"ticket": {"id": 1, "messages": [hello(1), hello(2), hello(1), {"id": 2, "body_text": ""}]}}),
    ] {
        assert_eq!(said(&body), two, "{body}");
    }
    // One id for all, and none that is one.
    for id in [json!(7), json!("null"), json!("undefined"), json!("<no value>")] {
        let body = json!({"ticket": {"id": 1, "messages": [
            {"id": id, "body_text": "Hello?"}, {"id": id, "body_text": "Are you there?"}, {"id": id, "body_text": "Hello?"}]}});
        let texts: Vec<String> = said(&body).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["Hello?", "Are you there?"], "{id}");
    }
    // One id for the ticket's message and the one concerned; a help desk's two forms of one message are one.
    for (text, texts) in
        [("Are you there?", vec!["Hello?", "Are you there?"]), ("hello\n> How can we help?", vec!["Hello?"])]
    {
        let body = json!({"ticket": {"id": 1, "messages": [{"id": 7, "body_text": "Hello?"}]},
            "message": {"id": 7, "body_text": text}});
        let kept: Vec<String> = said(&body).into_iter().map(|(_, text)| text).collect();
        assert_eq!(kept, texts);
        let told = parse_value(&body).expect("parses").remarks;
        assert_eq!(told.iter().any(|remark| remark.field == "message.id"), texts.len() == 2, "{told:?}");
    }
    let many: Vec<Value> = (0..=200).map(|id| json!({"id": id, "body_text": "x"})).collect();
    let delivery = parse_value(&json!({"id": 1, "messages": many})).expect("parses");
    assert_eq!(delivery.ticket.messages.len(), 200);
    assert_eq!(delivery.remarks.first().map(|remark| &*remark.field), Some("messages"));
}

#[test]
fn the_same_text_at_another_time_of_one_list_is_another_message() {
    let hello = |id: Value, hour: u8| json!({"id": id, "body_text": "Hello?", "created_datetime": format!("2026-11-20T{hour}:00:00Z")});
    for id in [Value::Null, json!(7)] {
        let body = json!({"id": 1, "messages": [hello(id.clone(), 10), hello(id.clone(), 11), hello(id.clone(), 11)]});
        let told = said(&body);
        assert_eq!(told.len(), 2, "{told:?}");
        assert_ne!(told[0].0, told[1].0);
        assert_eq!(told, said(&body), "they are known again");
    }
    // A message that the ticket tells of with its id, and the delivery without.
    let body = json!({"ticket": {"id": 1, "messages": [{"id": 7, "body_text": "Hello?"}]}, "message": {"body_text": "Hello?"}});
    assert_eq!(said(&body), [("7".to_owned(), "Hello?".to_owned())]);
    // A list that came as an object of numbers.
    let body = json!({"id": 1, "messages": {"0": {"id": 1, "body_text": "One"}, "1": {"id": 2, "body_text": "Two"}}});
    assert_eq!(said(&body).len(), 2);
}

#[test]
fn a_text_under_another_name_or_in_another_place_is_read_and_told() {
    for (message, place) in [
        (json!({"id": 1, "body": "My lamp broke"}), "message.body"),
        (json!({"id": 1, "text": "My lamp broke"}), "message.text"),
        (json!({"id": 1, "content": "<p>My lamp broke</p>"}), "message.content"),
        (json!({"id": 1, "bodyText": "My lamp broke"}), "message.bodyText"),
        (json!({"id": 1, "body_text": null, "message": "My lamp broke"}), "message.message"),
        (json!("My lamp broke"), "message"),
    ] {
        let body = json!({"ticket": {"id": 1}, "message": message});
        let delivery = parse_value(&body).expect("parses");
        assert_eq!(delivery.message.as_ref().expect("a message").body_text, "My lamp broke", "{body}");
        assert!(delivery.remarks.iter().any(|remark| remark.field == place), "{:?}", delivery.remarks);
    }
    for (body, place) in [
        (json!({"id": 1, "subject": "s", "body_text": "My lamp broke"}), "(body)"),
        (json!({"ticket": {"id": 1, "body_text": "My lamp broke"}}), "ticket"),
        (json!({"ticket": {"id": 1}, "body_text": "My lamp broke"}), "(body)"),
    ] {
        let delivery = parse_value(&body).expect("parses");
        assert_eq!(delivery.messages()[0].body_text, "My lamp broke", "{body}");
        assert!(delivery.remarks.iter().any(|remark| remark.field == place), "{:?}", delivery.remarks);
    }
    // The usual names come first, and a message that says nothing says so.
    let delivery = parse_value(&json!({"ticket": {"id": 1, "body_text": "of the ticket"},
        "message": {"id": 1, "body": "other", "body_text": "My lamp broke"}}))
    .expect("parses");
    assert_eq!(delivery.messages().len(), 1);
    assert_eq!(delivery.messages()[0].body_text, "My lamp broke");
    for message in
        [json!({"id": 1}), json!({"id": 1, "words": "My lamp broke"}), json!({"id": 1, "body_text": ""})]
    {
        let delivery = parse_value(&json!({"ticket": {"id": 1}, "message": message})).expect("parses");
        let told = |remark: &&support::gorgias::remarks::Remark| remark.field == "message";
        let problem = &delivery.remarks.iter().find(told).expect("a remark").problem;
        assert!(problem.contains("no text") && problem.contains("body_text"), "{problem}");
    }
}

#[test]
fn who_spoke_is_told_by_other_means_than_from_agent() {
    let customer = "maya@example.com";
    let desk = json!({"email": "desk@example.com"});
    for (by_agent, is_guessed, more) in [
        (true, false, json!({"fromAgent": true})),
        (true, false, json!({"from_agent": "agent"})),
        (false, false, json!({"from_agent": "customer", "sender": desk, "receiver": {"email": customer}})),
        (true, false, json!({"is_agent": "1"})),
        (true, false, json!({"author_type": "Agent"})),
        (true, false, json!({"direction": "outbound"})),
        (true, false, json!({"via": "helpdesk"})),
        (true, false, json!({"sender": {"type": "agent", "email": "x@example.com"}})),
        (true, false, json!({"author": {"role": "staff"}})),
        (true, true, json!({"sender": desk, "receiver": {"email": "Maya@example.com"}})),
        (
            true,
            true,
            json!({"source": {"type": "email", "from": {"address": "desk@example.com"}, "to": [{"address": customer}]}}),
        ),
        (true, true, json!({"sender": {"email": "bea@example.com"}})),
        (false, false, json!({"sender": {"email": customer}})),
        (false, true, json!({"sender": {"email": "other@example.com"}})),
        (false, true, json!({})),
    ] {
        let mut message = json!({"id": 1, "body_text": "Hello"});
        let fields = more.as_object().expect("an object").clone();
        message.as_object_mut().expect("an object").extend(fields);
        let ticket =
            json!({"id": 1, "customer": {"email": customer}, "assignee_user": {"email": "bea@example.com"}});
        let delivery = parse_value(&json!({"ticket": ticket, "message": message})).expect("parses");
        assert_eq!(delivery.message.expect("a message").from_agent, by_agent, "{more}");
        let is_told = delivery.remarks.iter().any(|remark| remark.field == "message.from_agent");
        assert_eq!(is_told, is_guessed, "{more}: {:?}", delivery.remarks);
    }
}

#[test]
fn a_subject_that_was_not_filled_in_is_none_and_a_label_is_one() {
    for subject in ["{{ticket.subject}}", "null", "${subject}", "undefined"] {
        let delivery = parse_value(&json!({"ticket": {"id": 1, "subject": subject}})).expect("parses");
        assert_eq!(delivery.ticket.subject, None, "{subject}");
        assert_eq!(delivery.remarks.first().map(|remark| &*remark.field), Some("ticket.subject"));
    }
    for subject in ["[[Complaint]]", "%SALE%", "{{name}}, where is it?", "Null and void"] {
        let delivery = parse_value(&json!({"ticket": {"id": 1, "subject": subject}})).expect("parses");
        assert_eq!(delivery.ticket.subject.as_deref(), Some(subject));
        assert_eq!(delivery.remarks, []);
    }
}

#[test]
fn tags_that_decide_are_kept_among_however_many() {
    let mut tags: Vec<String> = (0..150).map(|number| format!("t{number}")).collect();
    tags.insert(0, "No-AI".to_owned());
    for tags in [json!(tags), json!(tags.join(","))] {
        let delivery = parse_value(&json!({"id": 1, "tags": tags})).expect("parses");
        let kept = delivery.ticket.tags.as_ref().expect("tags");
        assert_eq!((kept.len(), kept[0].as_str(), kept[99].as_str()), (100, "No-AI", "t149"));
        assert_eq!(
            delivery.remarks.first().map(|remark| &*remark.problem),
            Some("has more than 100 items; 51 were left out")
        );
        assert_eq!(rules::decide(&delivery), rules::Decision::Skip(rules::SkipReason::HumanOnly));
    }
}

#[test]
fn what_is_forwarded_in_html_is_kept_and_history_is_told() {
    let written = |subject: &str, html: &str| {
        let body = json!({"ticket": {"id": 1, "subject": subject, "customer": {"email": "c@example.com"}},
            "message": {"id": 1, "from_agent": false, "body_html": html, "receiver": {"email": "help@shop.example"}}});
        let delivery = parse_value(&body).expect("parses");
        let is_told = delivery.remarks.iter().any(|remark| remark.field == "message.body_html");
        (delivery.message.expect("a message").body_text, is_told)
    };
    let outlook = |from: &str, subject: &str| {
        format!(
            "<p>see below</p><div style=\"border:none;border-top:solid #E1E1E1 1.0pt\"><p><b>From:</b> {from}<br>\
             <b>Sent:</b> Monday<br><b>To:</b> Maya<br><b>Subject:</b> {subject}</p></div><p>could not be delivered</p>"
        )
    };
    for (subject, html, is_kept) in [
        ("s", outlook("DHL &lt;no@dhl.example&gt;", "Parcel"), true),
        ("FW: Parcel", outlook("DHL", "Parcel"), true),
        ("My lamp", outlook("Shop &lt;help@shop.example&gt;", "Order 7"), false),
        ("My lamp", outlook("Shop", "RE: My lamp"), false),
    ] {
        let (text, is_told) = written(subject, &html);
        assert_eq!((text.contains("could not be delivered"), is_told), (is_kept, !is_kept), "{text}");
    }
    let gmail = |line: &str| {
        format!(
            "<div>see below</div><div class=\"gmail_quote\"><div class=\"gmail_attr\">{line}</div>could not be delivered</div>"
        )
    };
    let forwarded = written("s", &gmail("---------- Forwarded message ---------"));
    assert!(forwarded.0.ends_with("could not be delivered") && !forwarded.1, "{forwarded:?}");
    assert_eq!(written("s", &gmail("On Monday, Shop wrote:")), ("see below".to_owned(), true));
}

#[test]
fn files_that_are_left_out_are_told_and_a_time_of_closing_closes() {
    let body = json!({"ticket": {"id": 1, "closed_datetime": "2026-11-20T10:00:00Z"},
        "message": {"id": 1, "from_agent": false, "body_text": "See the picture", "attachments": [{"url": "https://x.example/1"}],
            "created_datetime": "{{message.created_datetime}}"}});
    let delivery = parse_value(&body).expect("parses");
    assert_eq!(delivery.ticket.status, Some(Status::Closed));
    let told = |field: &str| {
        delivery.remarks.iter().find(|remark| remark.field == field).map(|remark| &*remark.problem)
    };
    assert!(
        told("message.attachments").is_some_and(|problem| problem.contains("files")),
        "{:?}",
        delivery.remarks
    );
    assert!(told("message.created_datetime").is_some_and(|problem| problem.contains("placeholder")));
}

#[test]
fn people_are_found_where_an_object_belongs_and_beside_the_ticket() {
    let maya = Some("maya.lind@example.com");
    let shop = json!({"email": "no-reply@corner-shop.example"});
    for message in [
        json!({"id": 1, "body_text": "x", "sender": "maya.lind@example.com"}),
        json!({"id": 1, "body_text": "x", "sender": {"email": "Maya Lind <Maya.Lind@example.com>"}}),
        json!({"id": 1, "body_text": "x", "source": {"type": "email", "from": "Maya <maya.lind@example.com>"}}),
        json!({"id": 1, "body_text": "x", "source": {"from": [{"address": "maya.lind@example.com"}]}}),
        json!({"id": 1, "body_text": "x", "sender": "Maya", "source": {"from": {"address": "maya.lind@example.com"}}}),
    ] {
        let body = json!({"ticket": {"id": 1, "channel": "email", "customer": shop}, "message": message});
        let delivery = parse_value(&body).expect("parses");
        assert_eq!(delivery.writer(), maya, "{body}");
        assert!(matches!(rules::decide(&delivery), rules::Decision::Draft { .. }), "{body}");
    }
    for body in [
        json!({"ticket": {"id": 1, "customer": "maya.lind@example.com"}}),
        json!({"ticket": {"id": 1}, "customer": {"email": "maya.lind@example.com"}}),
        json!({"ticket": {"id": 1, "customer": "null"}, "customer": {"email": "maya.lind@example.com", "name": "None"}}),
    ] {
        let customer = parse_value(&body).expect("parses").ticket.customer;
        assert_eq!((customer.email.as_deref(), customer.name), (maya, None), "{body}");
    }
    let number = parse_value(&json!({"ticket": {"id": 1, "customer": 9.0}})).expect("parses");
    assert_eq!(number.ticket.customer.id.as_deref(), Some("9"));
    assert_eq!(number.remarks.first().map(|remark| &*remark.field), Some("ticket.customer"));
}

#[test]
fn what_says_nothing_changes_nothing() {
    for nothing in [
        "null",
        "None",
        "undefined",
        "{{ticket.trashed_datetime}}",
        "0000-00-00 00:00:00",
        "false",
        "0",
        "soon",
    ] {
        let body = json!({"ticket": {"id": 1, "trashed_datetime": nothing, "deleted_datetime": [], "spam": "null",
            "status": "{{ticket.status}}", "priority": "undefined", "channel": "null"}});
        let ticket = parse_value(&body).expect("parses").ticket;
        assert_eq!((ticket.deleted, ticket.spam), (false, false), "{nothing}");
        assert_eq!((ticket.status, ticket.priority, ticket.channel), (None, None, None), "{nothing}");
    }
    for deleted in
        [json!(true), json!(1.0), json!("yes"), json!(1_795_168_800), json!("2026-11-20 10:00:00 UTC")]
    {
        assert!(
            parse_value(&json!({"id": 1, "trashed_datetime": deleted})).expect("parses").ticket.deleted,
            "{deleted}"
        );
    }
    for (written, by_agent) in
        [(json!(1.0), true), (json!("Y"), true), (json!("off"), false), (json!("None"), false)]
    {
        let body =
            json!({"ticket": {"id": 1}, "message": {"id": 2, "from_agent": written, "body_text": "x"}});
        assert_eq!(
            parse_value(&body).expect("parses").message.expect("a message").from_agent,
            by_agent,
            "{written}"
        );
    }
    // Nobody's id is a word for nothing.
    for id in ["null", "undefined", "None", "[object Object]"] {
        assert_eq!(parse_value(&json!({"ticket": {"id": id}})).expect_err(id).field(), Some("ticket.id"));
        let body = json!({"event": {"id": id}, "ticket": {"id": 1, "customer": {"id": id, "external_id": id, "email": id}}});
        let delivery = parse_value(&body).expect("parses");
        assert_eq!((delivery.event_id, delivery.ticket.customer), (None, Customer::default()), "{id}");
    }
}

#[test]
fn a_template_that_escapes_nothing_loses_no_message() {
    for (body, text) in [
        (
            r#"{"ticket":{"id":1,, "subject":"x"},"message":{"id":2,"body_text":"It\'s at C:\lamps"}}"#,
            "It's at C:\\lamps",
        ),
        (
            "{\u{a0}\"ticket\":\u{a0}{\"id\":1},\"message\":{\"id\":2,\"body_text\":\"two\nlines\"}}",
            "two\nlines",
        ),
        (
            r#"{"ticket":{"id":1},"message":{"id":2,"body_text":"<div>My lamp<br>broke</div>"}}"#,
            "My lamp\nbroke",
        ),
        (r#"{"ticket":{"id":1},"message":{"id":2,"body_text":false,"stripped_text":"My lamp"}}"#, "My lamp"),
    ] {
        let delivery = parse(body.as_bytes()).expect(body);
        assert_eq!(delivery.message.expect("a message").body_text, text, "{body}");
    }
}

/// JSON that resembles a delivery: our field names with values of any kind.
fn resembling() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "id",
        "ticket",
        "message",
        "event",
        "data",
        "type",
        "messages",
        "customer",
        "tags",
        "status",
        "channel",
        "name",
        "email",
        "from_agent",
        "created_datetime",
        "source",
        "sender",
        "body_text",
        "body_html",
        "meta",
        "spam",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        Just(Value::from("2026-01-01T00:00:00Z")),
    ];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(names.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn bytes_are_a_delivery_or_an_error(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&body);
    }

    #[test]
    fn json_is_a_delivery_or_an_error_that_names_a_field(body in resembling()) {
        match parse_value(&body) {
            Ok(delivery) => {
                prop_assert!(!delivery.ticket.id.is_empty());
                let raw = serde_json::to_vec(&body).expect("serialisable");
                let sha256 = sha2::Digest::finalize(sha2::Digest::chain_update(sha2::Sha256::default(), &raw));
                prop_assert!(dedup::identity(&delivery, &sha256.into()).key.len() <= 200);
                rules::decide(&delivery);
            }
            Err(error) => prop_assert!(error.field().is_some_and(|field| !field.is_empty())),
        }
    }

    #[test]
    fn any_text_survives_in_subject_and_body(subject in "\\PC{1,100}", text in "\\PC{1,100}") {
        let body = json!({"ticket": {"id": 1, "subject": subject}, "message": {"id": 2, "body_text": text}});
        let delivery = parse_value(&body).expect("parses");
        prop_assert_eq!(delivery.ticket.subject.unwrap_or_default(), subject.trim());
        prop_assert_eq!(delivery.message.expect("has a message").body_text, text.trim());
    }
}
