//! The public help page: what it shows to whom, the form and what guards it, suggestions and whether they helped; and the
//! link by which a customer sees their own tickets.

use accounts::verify::Mode;
use axum::body::Body;
use chrono::{Duration, Utc};
use serde_json::json;
use support::articles::link::FormToken;
use uuid::Uuid;

use crate::desk::{send, ticket};
use crate::shop::{Answer, Shop, request, shop};

/// A shop with a help page in English.
pub async fn open() -> Shop {
    let shop = shop(Mode::Token).await;
    let looks = json!({"is_on": true, "title": "Help & more", "colour": "#aa3300", "language": "en", "has_form": true});
    assert_eq!(send(&shop, "PUT", "/api/help", &looks).await.status, 200);
    shop
}

/// An article that is published, in English.
pub async fn article(shop: &Shop, slug: &str, title: &str, text: &str, is_public: bool) -> String {
    let body = json!({"slug": slug, "is_public": is_public, "default_language": "en", "texts": {"en": {"title": title, "body": text}}});
    let made = send(shop, "POST", "/api/articles", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.field("id").to_owned();
    assert_eq!(send(shop, "POST", &format!("/api/articles/{id}/publish"), &json!({})).await.status, 200);
    id
}

async fn visit(shop: &Shop, path: &str) -> Answer {
    shop.send(request("GET", path).body(Body::empty()).expect("a request")).await
}

/// A form as a browser sends it.
pub async fn fill(shop: &Shop, path: &str, fields: &[(&str, &str)]) -> Answer {
    let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = request("POST", path).header("content-type", "application/x-www-form-urlencoded");
    shop.send(request.body(Body::from(body)).expect("a request")).await
}

/// A form that was handed out a minute ago.
pub fn token(shop: &Shop) -> (String, Uuid) {
    let form = FormToken { tenant: shop.tenant, id: Uuid::now_v7(), at: Utc::now() - Duration::minutes(1) };
    (form.token(&shop.state.settings.master_key), form.id)
}

#[tokio::test]
async fn the_page_shows_what_is_public_and_nothing_else() {
    let shop = open().await;
    article(&shop, "returns", "Returns <b>", "You have **30 days**.", true).await;
    article(&shop, "secret", "For colleagues", "The margin is high.", false).await;
    let page = visit(&shop, "/help/shop").await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains("Help &amp; more") && page.text.contains("#aa3300"), "{}", page.text);
    assert!(
        page.text.contains("Returns &lt;b&gt;") && !page.text.contains("For colleagues"),
        "{}",
        page.text
    );
    let policy = page.headers["content-security-policy"].to_str().expect("text");
    assert!(
        policy.contains("default-src 'none'")
            && policy.contains("style-src 'sha256-")
            && !policy.contains("unsafe"),
        "{policy}"
    );
    assert!(page.headers["cache-control"].to_str().expect("text").starts_with("public"));
    let known = request("GET", "/help/shop").header("if-none-match", page.headers["etag"].clone());
    assert_eq!(shop.send(known.body(Body::empty()).expect("a request")).await.status, 304);

    let read = visit(&shop, "/help/shop/a/returns?lang=de").await;
    assert!(read.status == 200 && read.text.contains("<strong>30 days</strong>"), "{}", read.text);
    for nowhere in
        ["/help/shop/a/secret", "/help/shop/a/none", "/help/nobody", "/help/sh%00op", "/help/shop/a/..%2f"]
    {
        let answer = visit(&shop, nowhere).await;
        assert!(answer.status == 404 || answer.status == 400, "{nowhere}: {}", answer.status);
    }
    let found = visit(&shop, "/help/shop?q=return").await;
    assert!(found.text.contains("1 found") && found.text.contains("/help/shop/a/returns"), "{}", found.text);
    assert!(visit(&shop, "/help/shop?q=margin").await.text.contains("0 found"));
    let odd = visit(&shop, "/help/shop?q=%3Cscript%3E").await;
    assert!(odd.status == 200 && !odd.text.contains("<script"), "{}", odd.text);
    let off = json!({"is_on": false, "title": "x", "colour": "#aa3300", "language": "en", "has_form": true});
    send(&shop, "PUT", "/api/help", &off).await;
    assert_eq!(visit(&shop, "/help/shop").await.status, 404);
}

#[tokio::test]
async fn a_question_meets_articles_first_and_becomes_one_ticket() {
    let shop = open().await;
    article(&shop, "returns", "Returning a lamp", "You have 30 days.", true).await;
    let path = "/help/shop/contact";
    assert!(visit(&shop, path).await.text.contains("name=\"token\""));
    let (written, form) = token(&shop);
    let fields = [
        ("token", written.as_str()),
        ("name", "Ann"),
        ("email", "mailto:Ann@Example.com"),
        ("text", "How do I return my lamps?"),
    ];
    let met = fill(&shop, path, &fields).await;
    assert_eq!(met.status, 200, "{}", met.text);
    assert!(met.text.contains("Returning a lamp") && met.text.contains("send my question"), "{}", met.text);
    assert_eq!(shop.count("support_app.ticket").await, 0);
    visit(&shop, &format!("/help/shop/a/returns?from={form}")).await;
    let report = shop.get("/api/articles/deflection?days=1").await;
    assert_eq!(
        (&report.json["shown"], &report.json["opened"], &report.json["sent"]),
        (&json!(1), &json!(1), &json!(0)),
        "{}",
        report.text
    );
    // An hour later without a question it counts.
    let mut admin = shop.admin().await;
    sqlx::query("update support_app.deflection set shown_at = shown_at - interval '2 hours'")
        .execute(&mut admin)
        .await
        .expect("time passes");
    assert_eq!(shop.get("/api/articles/deflection?days=1").await.json["deflected"], json!(1));

    let mut sure = fields.to_vec();
    sure.push(("sure", "1"));
    for _ in 0..2 {
        let sent = fill(&shop, path, &sure).await;
        assert!(sent.status == 200 && sent.text.contains("Thank you"), "{}", sent.text);
    }
    assert_eq!(
        shop.count("support_app.ticket where channel = 'form' and customer_email = 'ann@example.com'").await,
        1
    );
    let report = shop.get("/api/articles/deflection?days=1").await;
    assert_eq!((&report.json["sent"], &report.json["deflected"]), (&json!(1), &json!(0)), "{}", report.text);
}

#[tokio::test]
async fn programs_that_fill_in_forms_make_no_ticket() {
    let shop = open().await;
    let path = "/help/shop/contact";
    let now = FormToken { tenant: shop.tenant, id: Uuid::now_v7(), at: Utc::now() }
        .token(&shop.state.settings.master_key);
    let old = FormToken { tenant: shop.tenant, id: Uuid::now_v7(), at: Utc::now() - Duration::hours(5) }
        .token(&shop.state.settings.master_key);
    let (good, _) = token(&shop);
    let whole = |token: &str, more: (&'static str, &'static str)| {
        vec![
            ("token".to_owned(), token.to_owned()),
            ("email".to_owned(), "a@example.com".to_owned()),
            ("text".to_owned(), "Buy now".to_owned()),
            (more.0.to_owned(), more.1.to_owned()),
        ]
    };
    for (fields, status) in [
        (whole("", ("x", "")), 400),
        (whole("AAAA", ("x", "")), 400),
        (whole(&now, ("x", "")), 400),
        (whole(&old, ("x", "")), 400),
        (whole(&good, ("website", "https://spam.example")), 200),
    ] {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let answer = fill(&shop, path, &fields).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    let bad = fill(&shop, path, &[("token", &good), ("email", "no address"), ("text", "Hello")]).await;
    assert!(
        bad.status == 400 && bad.text.contains("e-mail address") && bad.text.contains("Hello"),
        "{}",
        bad.text
    );
    let dots = fill(&shop, path, &[("token", &good), ("email", "a..b@example.com"), ("text", "Hello")]).await;
    assert!(dots.status == 400 && dots.text.contains("two dots in a row before the @"), "{}", dots.text);
    assert_eq!(shop.count("support_app.ticket").await, 0);
    // An address may send a few a minute.
    let mut statuses = Vec::new();
    for _ in 0..7 {
        let (token, _) = token(&shop);
        statuses.push(
            fill(&shop, path, &[("token", &token), ("email", "a@example.com"), ("text", "Hello there")])
                .await
                .status
                .as_u16(),
        );
    }
    assert_eq!(statuses[..5], [200; 5]);
    assert!(statuses[5..].iter().all(|status| *status == 429), "{statuses:?}");
}

#[tokio::test]
async fn a_customer_sees_and_answers_their_own_tickets_by_a_link() {
    let shop = open().await;
    let (id, _) = ticket(&shop, "Where is my <lamp>?").await;
    let (other, _) = ticket(&shop, "Another of mine").await;
    let foreign = json!({"subject": "Of Bob", "customer": {"email": "bob@example.com"}, "message": {"from": "customer", "text": "secret of Bob"}});
    let foreign = send(&shop, "POST", "/api/tickets", &foreign).await;
    send(&shop, "POST", &format!("/api/tickets/{id}/notes"), &json!({"text": "she is difficult"})).await;
    let link = shop.get(&format!("/api/tickets/{id}/customer-link?days=1")).await;
    assert_eq!(link.status, 200, "{}", link.text);
    let path = link.field("path").to_owned();
    let page = visit(&shop, &path).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(
        page.text.contains("Where is my &lt;lamp&gt;?")
            && !page.text.contains("difficult")
            && !page.text.contains("Bob"),
        "{}",
        page.text
    );
    assert_eq!(page.headers["cache-control"], "no-store");
    let number = |answer: &Answer| answer.json["number"].to_string();
    let mine = number(&shop.get(&format!("/api/tickets/{other}")).await);
    let bobs = number(&shop.get(&format!("/api/tickets/{}", foreign.field("id"))).await);
    assert!(visit(&shop, &format!("{path}?ticket={mine}")).await.text.contains("Another of mine"));
    assert_eq!(visit(&shop, &format!("{path}?ticket={bobs}")).await.status, 404);
    let sent = fill(&shop, &path, &[("ticket", &mine), ("text", "Thanks!")]).await;
    assert!(sent.status == 200 && sent.text.contains("Thanks!"), "{}", sent.text);
    let messages = shop.get(&format!("/api/tickets/{other}/messages")).await;
    assert_eq!(
        (&messages.json["items"][0]["from"], &messages.json["items"][0]["text"]),
        (&json!("customer"), &json!("Thanks!"))
    );
    assert_eq!(fill(&shop, &path, &[("ticket", &bobs), ("text", "x")]).await.status, 404);
    assert_eq!(fill(&shop, &path, &[("ticket", &mine), ("text", " ")]).await.status, 400);
    for bad in ["/my/AAAA", "/my/x", &format!("{path}A")] {
        assert_eq!(visit(&shop, bad).await.status, 404, "{bad}");
    }
    // Once the ticket is another customer's, whoever has the link sees nothing, and least of all the other's tickets.
    let bob = json!({"customer": {"email": "bob@example.com"}});
    assert_eq!(send(&shop, "PATCH", &format!("/api/tickets/{id}"), &bob).await.status, 200);
    assert_eq!(visit(&shop, &path).await.status, 404);
    assert_eq!(fill(&shop, &path, &[("ticket", &bobs), ("text", "x")]).await.status, 404);
    let theirs = shop.get(&format!("/api/tickets/{id}/customer-link")).await.field("path").to_owned();
    assert!(visit(&shop, &format!("{theirs}?ticket={bobs}")).await.text.contains("secret of Bob"));
    let nobody = send(
        &shop,
        "POST",
        "/api/tickets",
        &json!({"subject": "x", "message": {"from": "customer", "text": "x"}}),
    )
    .await;
    let none = shop.get(&format!("/api/tickets/{}/customer-link", nobody.field("id"))).await;
    assert_eq!(none.status, 409, "{}", none.text);
}
