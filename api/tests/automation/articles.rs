//! Articles: drafts, versions, publishing, search, and what makes HTML safe.

use accounts::verify::Mode;
use serde_json::{Value, json};

use crate::desk::{call, neighbour, send};
use crate::shop::shop;

fn body(slug: &str, title: &str, text: &str, is_public: bool) -> Value {
    json!({"slug": slug, "category": "Orders", "is_public": is_public, "default_language": "en",
        "texts": {"en": {"title": title, "body": text}}})
}

#[tokio::test]
async fn an_article_is_found_once_it_is_published() {
    let shop = shop(Mode::Token).await;
    let made = send(
        &shop,
        "POST",
        "/api/articles",
        &body("returns", "Returning lamps", "You have **30 days** to return.", true),
    )
    .await;
    assert_eq!((made.status.as_u16(), &made.json["published_version"]), (201, &Value::Null), "{}", made.text);
    let path = format!("/api/articles/{}", made.field("id"));
    let found = async |q: &str| {
        let found = shop.get(&format!("/api/articles/search?q={q}")).await;
        assert_eq!(found.status, 200, "{}", found.text);
        found.json["items"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(found("lamp").await, 0, "a draft is not found");
    let published = send(&shop, "POST", &format!("{path}/publish"), &json!({})).await;
    assert_eq!(published.json["published_version"], 1, "{}", published.text);
    assert_eq!((found("lamp").await, found("return").await, found("shoe").await), (1, 1, 0));

    let changed = call(
        &shop,
        &shop.key,
        "PUT",
        &path,
        &body("returns", "Returning shoes", "x", true),
        &[("if-match", "\"1\"")],
    )
    .await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!((found("lamp").await, found("shoe").await), (1, 0), "what is published stays");
    send(&shop, "POST", &format!("{path}/publish"), &json!({})).await;
    assert_eq!((found("lamp").await, found("shoe").await), (0, 1));
    let back = send(&shop, "POST", &format!("{path}/publish"), &json!({"version": 1})).await;
    assert_eq!(
        (&back.json["version"], &back.json["published_version"]),
        (&json!(2), &json!(1)),
        "{}",
        back.text
    );
    let none = send(&shop, "POST", &format!("{path}/publish"), &json!({"version": 9})).await;
    assert_eq!((none.status.as_u16(), none.field("field")), (422, "version"), "{}", none.text);
    assert_eq!(shop.get(&format!("{path}/versions")).await.json["items"].as_array().map(Vec::len), Some(2));
    send(&shop, "POST", &format!("{path}/unpublish"), &Value::Null).await;
    assert_eq!(found("lamp").await, 0);
    let other = neighbour(&shop).await;
    assert_eq!(call(&shop, &other, "GET", &path, &Value::Null, &[]).await.status, 404);
    assert_eq!(send(&shop, "DELETE", &path, &Value::Null).await.status, 204);
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_html_does_nothing() {
    let shop = shop(Mode::Token).await;
    for (wish, field) in [
        (body("Returns!", "a", "b", true), "slug"),
        (body("a", " ", "b", true), "texts.en.title"),
        (body("a", "b", " ", true), "texts.en.body"),
        (
            json!({"slug": "a", "default_language": "de", "texts": {"en": {"title": "a", "body": "b"}}}),
            "default_language",
        ),
    ] {
        let refused = send(&shop, "POST", "/api/articles", &wish).await;
        assert_eq!((refused.status.as_u16(), refused.field("field")), (422, field), "{}", refused.text);
    }
    assert_eq!(send(&shop, "POST", "/api/articles", &body("a", "b", "c", true)).await.status, 201);
    let twice = send(&shop, "POST", "/api/articles", &body("a", "b", "c", true)).await;
    assert_eq!((twice.status.as_u16(), twice.field("field")), (422, "slug"), "{}", twice.text);
    let shown = send(
        &shop,
        "POST",
        "/api/articles/preview",
        &json!({"body": "<script>x</script>\n\n[a](javascript:x) *b*"}),
    )
    .await;
    let html = shown.field("html");
    assert!(
        !html.contains("<script") && !html.contains("javascript:") && html.contains("<em>b</em>"),
        "{html}"
    );
}

#[tokio::test]
async fn an_article_is_found_by_other_spellings_of_its_words() {
    let shop = shop(Mode::Token).await;
    for (slug, title, text) in [
        ("austria", "Versand nach Österreich", "Drei Tage."),
        ("sizes", "Die richtige Groesse", "Für Straßenschuhe."),
    ] {
        let made = send(&shop, "POST", "/api/articles", &body(slug, title, text, true)).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let path = format!("/api/articles/{}/publish", made.field("id"));
        assert_eq!(send(&shop, "POST", &path, &json!({})).await.status, 200);
    }
    for (typed, slug) in [
        ("oesterreich", Some("austria")),
        ("%C3%B6sterreich", Some("austria")),
        ("versand%20oesterr", Some("austria")),
        ("%22nach%20oesterreich%22", Some("austria")),
        ("gr%C3%B6sse", Some("sizes")),
        ("gr%C3%B6%C3%9Fe", Some("sizes")),
        ("strassenschuhe", Some("sizes")),
        // All words count, in whichever spelling.
        ("oesterreich%20groesse", None),
        ("osterreich", None),
    ] {
        let found = shop.get(&format!("/api/articles/search?q={typed}")).await;
        let slugs: Vec<&str> = found.json["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|item| item["slug"].as_str())
            .collect();
        assert_eq!(slugs, slug.into_iter().collect::<Vec<_>>(), "{typed}: {}", found.text);
    }
}
