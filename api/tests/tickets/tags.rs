//! The tags that tickets have, with how many have each.

use accounts::verify::Mode;
use serde_json::{Value, json};

use crate::desk::{call, neighbour, send, ticket};
use crate::shop::shop;

#[tokio::test]
async fn tags_are_counted_as_tickets_get_and_lose_them() {
    let shop = shop(Mode::Token).await;
    for tags in [json!(["refund", "vip"]), json!(["refund", "Return", "refund"]), json!([])] {
        let (id, _) = ticket(&shop, "hello").await;
        let patched = send(&shop, "PATCH", &format!("/api/tickets/{id}"), &json!({ "tags": tags })).await;
        assert_eq!(patched.status, 200, "{}", patched.text);
        if tags == json!(["refund", "vip"]) {
            send(&shop, "PATCH", &format!("/api/tickets/{id}"), &json!({"tags": ["refund"]})).await;
        }
    }
    let all = shop.get("/api/tickets/tags").await;
    let expected = json!([{"tag": "Return", "tickets": 1}, {"tag": "refund", "tickets": 2}]);
    assert_eq!(all.json["items"], expected, "{}", all.text);
    // Added up, they are the same.
    let mut admin = shop.admin().await;
    sqlx::query("select set_config('desk.tenant_id', $1, false)")
        .bind(shop.tenant.to_string())
        .execute(&mut admin)
        .await
        .expect("set");
    sqlx::query("select support_app.fold_tags()").execute(&mut admin).await.expect("folded");
    assert_eq!(shop.get("/api/tickets/tags").await.json["items"], expected);
    assert_eq!(shop.count("support_app.tag_delta").await, 0);

    let some = shop.get("/api/tickets/tags?prefix=REF").await;
    assert_eq!(some.json["items"], json!([{"tag": "refund", "tickets": 2}]), "{}", some.text);
    let first = shop.get("/api/tickets/tags?limit=1").await;
    let cursor = first.field("next_cursor");
    let second = shop.get(&format!("/api/tickets/tags?limit=1&cursor={cursor}")).await;
    assert_eq!(
        (&second.json["items"][0]["tag"], &second.json["next_cursor"]),
        (&json!("refund"), &Value::Null)
    );
    let other = neighbour(&shop).await;
    assert_eq!(
        call(&shop, &other, "GET", "/api/tickets/tags", &Value::Null, &[]).await.json["items"],
        json!([])
    );
}

#[tokio::test]
async fn tickets_are_listed_by_tag_whatever_gave_it_to_them() {
    let shop = shop(Mode::Token).await;
    shop.deliver(r#"{"ticket":{"id":1,"tags":["hot"]},"message":{"id":10,"body_text":"a"}}"#).await;
    shop.deliver(r#"{"ticket":{"id":2,"tags":["cold"]},"message":{"id":20,"body_text":"b"}}"#).await;
    let made =
        json!({ "subject": "A", "tags": ["hot", "hot"], "message": {"from": "customer", "text": "c"} });
    let made = send(&shop, "POST", "/api/tickets", &made).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (patched, _) = ticket(&shop, "d").await;
    send(&shop, "PATCH", &format!("/api/tickets/{patched}"), &json!({ "tags": ["hot", "cold"] })).await;
    let mut admin = shop.admin().await;
    for (tag, many) in [("hot", 3), ("cold", 2), ("none", 0)] {
        for order in ["newest", "updated", "smart"] {
            let page = shop.get(&format!("/api/tickets?tag={tag}&order={order}")).await;
            let found = page.json["items"].as_array().map(Vec::len);
            assert_eq!(found, Some(many), "{tag} {order}: {}", page.text);
        }
    }
    send(&shop, "PATCH", &format!("/api/tickets/{patched}"), &json!({ "tags": [] })).await;
    let page = shop.get("/api/tickets?tag=hot&order=newest").await;
    assert_eq!(page.json["items"].as_array().map(Vec::len), Some(2), "{}", page.text);
    // Neither more rows than tags nor fewer.
    let missing = "select count(*) from (
             select tenant_id, unnest(tags) as tag, created_at, id from support_app.ticket
             except select tenant_id, tag, created_at, ticket_id from support_app.ticket_tag) missing";
    let missing: i64 = sqlx::query_scalar(missing).fetch_one(&mut admin).await.expect("readable");
    assert_eq!((missing, shop.count("support_app.ticket_tag").await), (0, 3));
}

#[tokio::test]
async fn a_tag_is_one_in_whatever_case_it_is_written() {
    let shop = shop(Mode::Token).await;
    let tags = async |id: &str| shop.get(&format!("/api/tickets/{id}")).await.json["tags"].clone();
    let mut made = Vec::new();
    for given in [json!(["VIP"]), json!(["vip", "Vip", "Späti"]), json!(["SPÄTI"])] {
        let (id, _) = ticket(&shop, "hello").await;
        let patched = send(&shop, "PATCH", &format!("/api/tickets/{id}"), &json!({ "tags": given })).await;
        assert_eq!(patched.status, 200, "{}", patched.text);
        made.push(id);
    }
    // As it was written first.
    assert_eq!(tags(&made[1]).await, json!(["VIP", "Späti"]));
    assert_eq!(tags(&made[2]).await, json!(["Späti"]));
    let path = format!("/api/tickets/{}", made[1]);
    send(&shop, "PATCH", &path, &json!({"add_tags": ["vip"]})).await;
    assert_eq!(tags(&made[1]).await, json!(["VIP", "Späti"]));
    send(&shop, "PATCH", &path, &json!({"remove_tags": ["SPÄTI"]})).await;
    assert_eq!(tags(&made[1]).await, json!(["VIP"]));
    // What a help desk tells is its own, and stays so; it is found and counted with the others.
    shop.deliver(r#"{"ticket":{"id":1,"tags":["vip"]},"message":{"id":10,"body_text":"a"}}"#).await;
    let all = shop.get("/api/tickets/tags").await;
    assert_eq!(
        all.json["items"],
        json!([{"tag": "Späti", "tickets": 1}, {"tag": "VIP", "tickets": 3}]),
        "{}",
        all.text
    );
    for tag in ["VIP", "vip", "vIP"] {
        for order in ["newest", "updated", "smart"] {
            let page = shop.get(&format!("/api/tickets?tag={tag}&order={order}")).await;
            assert_eq!(page.json["items"].as_array().map(Vec::len), Some(3), "{tag} {order}: {}", page.text);
        }
    }
    let told = shop.get("/api/tickets?tag=VIP&order=newest&limit=1").await;
    assert_eq!(told.json["items"][0]["tags"], json!(["vip"]), "{}", told.text);
}

#[tokio::test]
async fn a_tag_in_several_spellings_is_one_of_its_ticket() {
    let shop = shop(Mode::Token).await;
    let counted = async || shop.get("/api/tickets/tags").await.json["items"].clone();
    let tell = async |ticket: u32, message: u32, tags: &str| {
        let body = format!(
            r#"{{"ticket":{{"id":{ticket},"tags":{tags},"updated_datetime":"2026-11-28T10:00:{message}"}},"message":{{"id":{message},"body_text":"a"}}}}"#
        );
        let told = shop.deliver(&body).await.field("ticket_id").to_owned();
        shop.get(&format!("/api/tickets/{told}")).await.json["tags"].clone()
    };
    assert_eq!(tell(1, 10, r#"["Vip","VIP","vip"]"#).await, json!(["Vip"]));
    assert_eq!(counted().await, json!([{"tag": "Vip", "tickets": 1}]));
    // A letter with its accent is one letter, however it is composed.
    assert_eq!(tell(2, 20, r#"["Spa\u0308ti","Sp\u00e4ti","vip"]"#).await, json!(["Sp\u{e4}ti", "vip"]));
    let both = json!([{"tag": "Sp\u{e4}ti", "tickets": 1}, {"tag": "Vip", "tickets": 2}]);
    assert_eq!(counted().await, both);
    // One that was given here is theirs when they have it too.
    let (id, _) = ticket(&shop, "hello").await;
    send(&shop, "PATCH", &format!("/api/tickets/{id}"), &json!({"tags": ["spa\u{308}ti"]})).await;
    assert_eq!(shop.get(&format!("/api/tickets/{id}")).await.json["tags"], json!(["Sp\u{e4}ti"]));
    let told = shop.get("/api/tickets?tag=vip&order=newest&limit=1").await.json["items"][0].clone();
    let path = format!("/api/tickets/{}", told["id"].as_str().expect("an id"));
    send(&shop, "PATCH", &path, &json!({"add_tags": ["Late"]})).await;
    assert_eq!(tell(2, 21, r#"["Sp\u00e4ti","vip","LATE"]"#).await, json!(["Sp\u{e4}ti", "vip", "LATE"]));
    // Rows of before, which the owner wrote, count once as well.
    let mut admin = shop.admin().await;
    sqlx::query("update support_app.ticket set tags = '{late,Late,LATE}' where id = $1::uuid")
        .bind(&id)
        .execute(&mut admin)
        .await
        .expect("stored");
    let late = shop.get("/api/tickets/tags?prefix=la").await.json["items"].clone();
    assert_eq!(late[0]["tickets"], json!(2), "{late}");
}

#[tokio::test]
async fn a_filter_is_read_as_what_it_filters_by_is() {
    let shop = shop(Mode::Token).await;
    let (id, _) = ticket(&shop, "hello").await;
    let change = json!({"tags": ["Sp\u{e4}ti"], "department": "returns"});
    send(&shop, "PATCH", &format!("/api/tickets/{id}"), &change).await;
    for filter in [
        "tag=%20sp%C3%A4ti%20",
        "tag=SPA%CC%88TI",
        "department=%20returns",
        "customer_email=ann@example.com",
        "customer_email=%20Ann@Example.com%20",
        "customer_email=mailto:ann@example.com",
        "customer_email=Ann%20%3CANN@example.com%3E",
    ] {
        let page = shop.get(&format!("/api/tickets?{filter}")).await;
        assert_eq!(page.json["items"].as_array().map(Vec::len), Some(1), "{filter}: {}", page.text);
    }
    for filter in ["tag=%20", "customer_email=%20%20"] {
        let refused = shop.get(&format!("/api/tickets?{filter}")).await;
        let field = filter.split('=').next().expect("a name");
        assert_eq!((refused.status.as_u16(), refused.field("field")), (400, field), "{}", refused.text);
    }
}
