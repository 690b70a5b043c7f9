//! What a tenant calls its archetypes: shown everywhere, one name for one archetype, known to segment rules, and taken
//! back again.

use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::insights::{ARCHETYPES, published, see};
use crate::shop::{Answer, Shop, request};

async fn call_it(shop: &Shop, archetype: &str, name: &str) -> Answer {
    let path = format!("/api/intelligence/archetypes/{archetype}/name");
    let request =
        request("PUT", &path).header("x-api-key", &shop.key).header("content-type", "application/json");
    shop.send(request.body(Body::from(json!({ "name": name }).to_string())).expect("a request")).await
}

async fn take_back(shop: &Shop, archetype: &str) -> Answer {
    let path = format!("/api/intelligence/archetypes/{archetype}/name");
    let request = request("DELETE", &path).header("x-api-key", &shop.key);
    shop.send(request.body(Body::empty()).expect("a request")).await
}

async fn archetype_of(shop: &Shop, customer: &str) -> Value {
    see(shop, &format!("/api/intelligence/customers/{customer}")).await.json["archetype"]["name"].clone()
}

#[tokio::test]
async fn a_name_is_shown_everywhere_and_taken_back() {
    let (shop, _) = published().await;
    let before = see(&shop, "/api/intelligence/customers/loyal").await.headers["etag"].clone();
    let given = call_it(&shop, ARCHETYPES[2], "  Our best   friends ").await;
    assert_eq!(given.status, StatusCode::OK, "{}", given.text);
    let shown = json!({"id": ARCHETYPES[2], "name": "Our best friends", "automatic_name": "Regulars with big baskets"});
    assert_eq!(given.json, shown);

    let loyal = see(&shop, "/api/intelligence/customers/loyal").await;
    assert_eq!(loyal.json["archetype"]["name"], "Our best friends");
    assert_ne!(loyal.headers["etag"], before, "whoever has the old name gets the new one");
    let one = see(&shop, &format!("/api/intelligence/archetypes/{}", ARCHETYPES[2])).await.json;
    assert_eq!(
        (&one["name"], &one["automatic_name"]),
        (&json!("Our best friends"), &json!("Regulars with big baskets"))
    );
    let list = see(&shop, "/api/intelligence/customers?sort=churn").await.json;
    assert!(list.to_string().contains("Our best friends"), "{list}");
    let flat = see(&shop, "/api/mcp/customer/loyal").await.json;
    assert_eq!(flat["archetype"], "Our best friends");
    let fields = see(&shop, "/api/segments/fields").await.text;
    assert!(fields.contains("Our best friends") && !fields.contains("Regulars with big baskets"), "{fields}");

    // Both names hold in a rule.
    for name in ["Our best friends", "regulars with big baskets"] {
        let body = json!({ "rule": format!("archetype = \"{name}\"") }).to_string();
        let preview = shop.post("/api/segments/preview", &body).await;
        assert_eq!(preview.status, StatusCode::OK, "{name}: {}", preview.text);
        assert_eq!(preview.json["customers"], 1, "{name}: {}", preview.text);
    }

    let back = take_back(&shop, ARCHETYPES[2]).await;
    assert_eq!((back.status, &back.json["name"]), (StatusCode::OK, &json!("Regulars with big baskets")));
    assert_eq!(archetype_of(&shop, "loyal").await, "Regulars with big baskets");
    let trail = see(&shop, "/api/audit").await.text;
    assert!(trail.contains("archetype.name") && trail.contains("archetype.unname"), "{trail}");
}

#[tokio::test]
async fn a_name_is_short_and_belongs_to_one() {
    let (shop, _) = published().await;
    for bad in ["", "   ", "one two three four five", "two\nlines", &"x".repeat(41)] {
        let refused = call_it(&shop, ARCHETYPES[0], bad).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{bad:?}");
        assert!(refused.text.contains("1 to 4 words"), "{}", refused.text);
    }
    let taken = call_it(&shop, ARCHETYPES[0], "occasional GUESTS").await;
    assert_eq!(taken.status, StatusCode::CONFLICT, "{}", taken.text);
    assert_eq!(call_it(&shop, ARCHETYPES[0], "Friends").await.status, StatusCode::OK);
    assert_eq!(call_it(&shop, ARCHETYPES[1], "friends").await.status, StatusCode::CONFLICT);
    // Its own name by rules may be given to no other, but the archetype itself may have it, and another capital.
    assert_eq!(call_it(&shop, ARCHETYPES[1], "Regulars").await.status, StatusCode::CONFLICT);
    assert_eq!(call_it(&shop, ARCHETYPES[0], "FRIENDS").await.status, StatusCode::OK);
    assert_eq!(
        call_it(&shop, "00000000000000000000000000000009", "Nobody").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(take_back(&shop, ARCHETYPES[1]).await.status, StatusCode::OK, "nothing to take back is fine");
}
