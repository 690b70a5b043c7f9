//! A tenant's API keys by the API: shown once, within what the caller may, and of use to nobody when revoked.

use accounts::api_keys::{self, Scope};
use accounts::people::permissions::Role;
use accounts::verify::Mode;
use axum::body::Body;

use crate::seats::{call, seat};
use crate::shop::{request, shop};

#[tokio::test]
async fn a_manager_makes_a_key_sees_it_once_and_revokes_it() {
    let shop = shop(Mode::Token).await;
    let manager = seat(&shop, shop.tenant, Role::Manager, "mo@example.com").await.access;
    let made =
        call(&shop, &manager, "POST", "/api/keys", r#"{"name":"till","scopes":["customers:read"]}"#).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (id, key) = (made.field("id").to_owned(), made.field("key").to_owned());
    let with_key = async |path: &str| {
        let request = request("GET", path).header("x-api-key", &key).body(Body::empty()).expect("a request");
        shop.send(request).await.status.as_u16()
    };
    assert_eq!((with_key("/api/customers").await, with_key("/api/keys").await), (200, 403));

    let listed = call(&shop, &manager, "GET", "/api/keys", "").await;
    assert!(listed.text.contains(&id) && !listed.text.contains(&key), "{}", listed.text);
    assert_eq!(call(&shop, &manager, "DELETE", &format!("/api/keys/{id}"), "").await.status, 204);
    assert_eq!(call(&shop, &manager, "DELETE", &format!("/api/keys/{id}"), "").await.status, 404);
    let listed = call(&shop, &manager, "GET", "/api/keys", "").await;
    let listed =
        listed.json["items"].as_array().expect("items").iter().find(|item| item["id"] == id.as_str());
    assert!(listed.expect("it is still listed")["revoked_at"].is_string());
}

#[tokio::test]
async fn nobody_gives_or_takes_what_they_do_not_have() {
    let shop = shop(Mode::Token).await;
    let manager = seat(&shop, shop.tenant, Role::Manager, "mo@example.com").await.access;
    let agent = seat(&shop, shop.tenant, Role::Agent, "al@example.com").await.access;
    for (token, body, status) in [
        (&agent, r#"{"name":"x","scopes":["tickets:read"]}"#, 403),
        (&manager, r#"{"name":"x","scopes":["tickets:read","audit:read"]}"#, 403),
        (&manager, r#"{"name":"x","scopes":["operator"]}"#, 403),
        (&manager, r#"{"name":"x","scopes":[]}"#, 400),
        (&manager, r#"{"name":" ","scopes":["tickets:read"]}"#, 400),
        (&manager, r#"{"name":"x","scopes":["tickets:read"],"expires_at":"2001-01-01T00:00:00Z"}"#, 400),
    ] {
        let answer = call(&shop, token, "POST", "/api/keys", body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
    }
    let mut tx = shop.state.db.gateway_tx().await.expect("a transaction");
    let above =
        api_keys::create(&mut tx, shop.tenant, "audit", &[Scope::AuditRead], None).await.expect("a key");
    tx.commit().await.expect("committed");
    let path = format!("/api/keys/{}", above.id);
    assert_eq!(call(&shop, &manager, "DELETE", &path, "").await.status, 403);
    let admin = seat(&shop, shop.tenant, Role::Admin, "ad@example.com").await.access;
    assert_eq!(call(&shop, &admin, "DELETE", &path, "").await.status, 204);
}
