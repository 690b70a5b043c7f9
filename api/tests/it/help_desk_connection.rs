//! The connection to the help desk: shown without its secrets, changed without sending those that stay.

use accounts::api_keys::Scope;
use accounts::integrations;
use accounts::verify::Mode;
use serde_json::json;

use crate::desk::{call, key, neighbour};
use crate::shop::{SECRET, Shop, shop};

const PATH: &str = "/api/gorgias/connection";

async fn stored(shop: &Shop) -> integrations::Gorgias {
    let key = &shop.state.settings.master_key;
    integrations::gorgias(&shop.state.db, key, shop.tenant).await.expect("opens").expect("one is connected")
}

#[tokio::test]
async fn it_is_shown_without_secrets_to_those_who_may() {
    let shop = shop(Mode::Hmac).await;
    let shown = shop.get(PATH).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    assert_eq!(
        shown.json,
        json!({
            "is_connected": true, "base_url": "http://127.0.0.1:9", "email": "desk@example.com",
            "verification": "hmac", "secrets": 1, "problem": null, "last_delivery_at": null,
        })
    );
    assert!(!shown.text.contains(SECRET) && !shown.text.contains("not used here"));
    let may_not = key(&shop, shop.tenant, &[Scope::JobsRead], None).await;
    assert_eq!(call(&shop, &may_not, "GET", PATH, "").await.status, 403);
    let may_read = key(&shop, shop.tenant, &[Scope::WebhooksRead], None).await;
    assert_eq!(call(&shop, &may_read, "GET", PATH, "").await.status, 200);
    let body = json!({ "base_url": "https://a.gorgias.com/api", "email": "a@b.example" }).to_string();
    assert_eq!(call(&shop, &may_read, "PUT", PATH, &body).await.status, 403);
    // Another tenant has none.
    let (other, _) = neighbour(&shop).await;
    let theirs = key(&shop, other, &[Scope::WebhooksRead, Scope::SettingsWrite], None).await;
    let none = call(&shop, &theirs, "GET", PATH, "").await;
    assert_eq!((&none.json["is_connected"], &none.json["base_url"]), (&false.into(), &json!(null)));
    let refused = call(&shop, &theirs, "PUT", PATH, &body).await;
    assert_eq!((refused.status.as_u16(), &refused.json["field"]), (422, &"api_key".into()));
}

#[tokio::test]
async fn what_is_left_out_stays_and_a_secret_is_replaced_without_a_gap() {
    let shop = shop(Mode::Token).await;
    // A real name, that leads nowhere: only public addresses are taken here.
    let moved = json!({
        "base_url": "https://shop.gorgias.com/api/", "email": "bot@shop.example", "api_key": "the key of the bot",
    });
    let saved = call(&shop, &shop.key, "PUT", PATH, &moved.to_string()).await;
    assert_eq!(saved.status, 200, "{}", saved.text);
    assert_eq!(stored(&shop).await.verification.map(|known| known.secrets), Some(vec![SECRET.to_owned()]));
    let mut next = json!({
        "base_url": "https://shop.gorgias.com/api", "email": "bot@shop.example",
        "verification": { "mode": "token", "secret": "a new secret of the shop", "keeps_before": true },
    });
    let saved = call(&shop, &shop.key, "PUT", PATH, &next.to_string()).await;
    assert_eq!((&saved.json["secrets"], saved.status.as_u16()), (&2.into(), 200), "{}", saved.text);
    let known = stored(&shop).await;
    assert_eq!(known.api_key, "the key of the bot");
    let secrets = known.verification.map(|known| known.secrets);
    assert_eq!(secrets, Some(vec!["a new secret of the shop".to_owned(), SECRET.to_owned()]));
    // A secret of another kind does not stay, and a key does not follow to another address.
    next["verification"]["mode"] = "hmac".into();
    let saved = call(&shop, &shop.key, "PUT", PATH, &next.to_string()).await;
    assert_eq!((&saved.json["secrets"], &saved.json["verification"]), (&1.into(), &"hmac".into()));
    next["base_url"] = "https://other.gorgias.com/api".into();
    let refused = call(&shop, &shop.key, "PUT", PATH, &next.to_string()).await;
    assert_eq!((refused.status.as_u16(), &refused.json["field"]), (422, &"api_key".into()));
    for (field, value, named) in [
        ("base_url", json!("http://10.0.0.1/api"), "base_url"),
        ("base_url", json!("https://127.0.0.1/api"), "base_url"),
        ("email", json!("nobody"), "email"),
        ("api_key", json!(""), "api_key"),
        ("verification", json!({ "mode": "token", "secret": "short" }), "verification.secrets"),
    ] {
        let mut bad = moved.clone();
        bad[field] = value;
        let refused = call(&shop, &shop.key, "PUT", PATH, &bad.to_string()).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json["field"]),
            (422, &named.into()),
            "{}",
            refused.text
        );
    }
    let trail = shop.get("/api/audit?action=integration.put&limit=10").await;
    assert_eq!(trail.json["items"].as_array().map(Vec::len), Some(3), "{}", trail.text);
    assert!(!trail.text.contains("a new secret") && !trail.text.contains("key of the bot"));
}
