//! The language of the pages that customers see: theirs as far as it is known, else one that their browser asks for, else the
//! shop's, else English. Whatever the browser says, they answer, and nothing of anybody's text becomes markup.

use accounts::verify::Mode;
use axum::body::Body;
use axum::http::HeaderValue;
use chrono::{DateTime, Duration, Utc};
use database::ids::{MessageId, TenantId, TicketId};
use serde_json::json;
use support::analysis::{self, Languages, Reader, Reading};
use support::articles::link::CustomerLink;
use support::ratings::link::Link;
use uuid::Uuid;

use crate::desk::{send, ticket};
use crate::help::{article, fill, open, token};
use crate::shop::{Answer, Shop, request, shop};

/// A page as a browser asks for it that has this in `Accept-Language`; without the header when it is none.
async fn visit(shop: &Shop, path: &str, languages: Option<&[u8]>) -> Answer {
    let mut builder = request("GET", path);
    if let Some(languages) = languages {
        builder =
            builder.header("accept-language", HeaderValue::from_bytes(languages).expect("a header value"));
    }
    shop.send(builder.body(Body::empty()).expect("a request")).await
}

fn is_in(page: &Answer, language: &str) {
    assert!(page.text.contains(&format!("<html lang=\"{language}\">")), "{language}: {}", page.text);
    assert_eq!(page.headers["vary"], "accept-language", "{:?}", page.headers);
}

/// What somebody said of the ticket's language.
async fn speaks(shop: &Shop, ticket: &str, language: &str) {
    let told = send(shop, "PATCH", &format!("/api/tickets/{ticket}"), &json!({"language": language})).await;
    assert_eq!(told.status, 200, "{}", told.text);
}

async fn page_of_shop(shop: &Shop, language: &str) {
    let looks =
        json!({"is_on": true, "title": "Help", "colour": "#aa3300", "language": language, "has_form": true});
    assert_eq!(send(shop, "PUT", "/api/help", &looks).await.status, 200);
}

#[tokio::test]
async fn a_rating_page_is_in_the_language_of_its_ticket() {
    let shop = shop(Mode::Token).await;
    let (id, message) = ticket(&shop, "536365?").await;
    let path = shop.get(&format!("/api/tickets/{id}/rating-link?days=2")).await.field("path").to_owned();
    is_in(&visit(&shop, &path, None).await, "en");
    is_in(&visit(&shop, &path, Some(b"fi, sv;q=0.5, nl;q=0.7")).await, "nl");
    page_of_shop(&shop, "fr").await;
    is_in(&visit(&shop, &path, None).await, "fr");

    speaks(&shop, &id, "de").await;
    let page = visit(&shop, &path, Some(b"nl")).await;
    is_in(&page, "de");
    assert!(page.text.contains("Wie war unsere Hilfe?") && page.text.contains("Sehr gut"), "{}", page.text);
    assert_eq!(page.headers["cache-control"], "no-store");
    let bad = fill(&shop, &path, &[("score", "6")]).await;
    assert!(bad.status == 400 && bad.text.contains("eine der fünf Antworten"), "{}", bad.text);
    // The page says whose it is, and keeps what was written.
    assert!(
        page.text.contains("<a href=\"/help/shop\">Help</a>") && page.text.contains("#aa3300"),
        "{}",
        page.text
    );
    let none = fill(&shop, &path, &[("comment", "Alles \"gut\" </textarea><b>")]).await;
    let kept = "maxlength=\"2000\">Alles &quot;gut&quot; &lt;/textarea&gt;&lt;b&gt;</textarea>";
    assert!(none.status == 400 && none.text.contains(kept), "{}", none.text);
    let comment = "x".repeat(2_001);
    let long = fill(&shop, &path, &[("score", "5"), ("comment", &comment)]).await;
    assert!(long.status == 400 && long.text.contains("höchstens 2000 Zeichen"), "{}", long.text);
    let thanks = fill(&shop, &path, &[("score", "5")]).await;
    assert!(thanks.status == 200 && thanks.text.contains("<h1>Vielen Dank</h1>"), "{}", thanks.text);
    is_in(&thanks, "de");

    // What somebody said of the ticket counts more than what one message was read to be in.
    let reading = Reading { language: Some("it".to_owned()), ..Reading::default() };
    let reader = Reader { name: "lexicon", model: None, remark: None };
    let mut tx = shop.tx().await;
    let message = MessageId(message.parse().expect("an id"));
    analysis::store(&mut tx, shop.tenant, message, &reading, &reader, Utc::now()).await.expect("stored");
    let tickets = [id.parse::<Uuid>().expect("an id")];
    let of_person = analysis::languages_of_person(&mut tx, &tickets).await.expect("readable");
    assert_eq!(of_person, Languages { of_ticket: Some("de".to_owned()), of_shop: Some("fr".to_owned()) });
    assert_eq!(analysis::languages_of_person(&mut tx, &[]).await.expect("readable").words().code, "fr");
    tx.commit().await.expect("committed");
    is_in(&visit(&shop, &path, Some(b"nl")).await, "de");
    let unsaid = send(&shop, "PATCH", &format!("/api/tickets/{id}"), &json!({"language": null})).await;
    assert_eq!(unsaid.status, 200, "{}", unsaid.text);
    is_in(&visit(&shop, &path, Some(b"nl")).await, "it");
    // Nor does one later message say more than the first words, which the ticket kept.
    let more = json!({"from": "customer", "text": "536366?"});
    let later = send(&shop, "POST", &format!("/api/tickets/{id}/messages"), &more).await;
    assert_eq!(later.status, 201, "{}", later.text);
    let later = MessageId(later.field("id").parse().expect("an id"));
    let reading = Reading { language: Some("sv".to_owned()), ..Reading::default() };
    let mut tx = shop.tx().await;
    analysis::store(&mut tx, shop.tenant, later, &reading, &reader, Utc::now()).await.expect("stored");
    tx.commit().await.expect("committed");
    is_in(&visit(&shop, &path, Some(b"nl")).await, "it");

    // Whose language nobody knows is asked in that of their browser.
    let ticket = TicketId(id.parse().expect("an id"));
    let key = &shop.state.settings.master_key;
    let old = Link { tenant: shop.tenant, ticket, until: Utc::now() - Duration::seconds(5) }.token(key);
    let of_nobody =
        Link { tenant: TenantId::new(), ticket, until: Utc::now() + Duration::hours(1) }.token(key);
    for (path, status, words) in [
        ("/r/x".to_owned(), 404, "Dieser Link ist nicht gültig"),
        (format!("/r/{old}"), 410, "Dieser Link ist abgelaufen"),
        (format!("/r/{of_nobody}"), 200, "Wie war unsere Hilfe?"),
    ] {
        let page = visit(&shop, &path, Some(b"de-AT")).await;
        assert!(page.status == status && page.text.contains(words), "{path}: {}", page.text);
        is_in(&page, "de");
        is_in(&visit(&shop, &path, None).await, "en");
    }
}

#[tokio::test]
async fn a_customer_s_own_page_is_in_their_language_and_their_words_stay_text() {
    let shop = shop(Mode::Token).await;
    let body = json!({
        "customer": {"email": "ann@example.com", "name": "Ann"}, "language": "de",
        "message": {"from": "customer", "text": "<b>Wo</b> ist mein \"Paket\"?"},
    });
    let made = send(&shop, "POST", "/api/tickets", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.field("id").to_owned();
    let path = shop.get(&format!("/api/tickets/{id}/customer-link")).await.field("path").to_owned();
    let number = shop.get(&format!("/api/tickets/{id}")).await.json["number"].to_string();
    let page = visit(&shop, &path, Some(b"fr")).await;
    assert_eq!(page.status, 200, "{}", page.text);
    is_in(&page, "de");
    let title = format!("<h1>Frage {number}</h1>");
    let day = Utc::now().format("%d.%m.").to_string();
    let before = (Utc::now() - Duration::days(1)).format("%d.%m.").to_string();
    for shown in
        [title.as_str(), "<strong>Sie</strong>", "Ihre Antwort", "(offen)", "&lt;b&gt;Wo&lt;/b&gt; ist"]
    {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    assert!(page.text.contains(&day) || page.text.contains(&before), "{}", page.text);
    assert!(page.text.contains("<time datetime=\"") && !page.text.contains("<b>"), "{}", page.text);
    // Times are those of the shop's clocks.
    let zone = "update shared.tenant set timezone = 'Asia/Tokyo' where id = $1";
    sqlx::query(zone).bind(shop.tenant.0).execute(&mut shop.admin().await).await.expect("a zone");
    let at = shop.get(&format!("/api/tickets/{id}/messages")).await.json["items"][0]["sent_at"].clone();
    let at: DateTime<Utc> = serde_json::from_value(at).expect("a time");
    let there = at.with_timezone(&chrono_tz::Asia::Tokyo).format("%d.%m.%Y, %H:%M JST").to_string();
    let page = visit(&shop, &path, None).await;
    assert!(page.text.contains(&there), "{there}: {}", page.text);
    let empty = fill(&shop, &path, &[("ticket", &number), ("text", " ")]).await;
    assert!(empty.status == 400 && empty.text.contains("Bitte schreiben Sie etwas."), "{}", empty.text);
    let long = "x".repeat(20_001);
    let long = fill(&shop, &path, &[("ticket", &number), ("text", &long)]).await;
    assert!(long.status == 400 && long.text.contains("höchstens 20.000 Zeichen"), "{}", long.text);
    let sent = fill(&shop, &path, &[("ticket", &number), ("text", "</section><script>x</script>")]).await;
    assert!(sent.status == 200 && sent.text.contains("&lt;script&gt;"), "{}", sent.text);
    assert!(!sent.text.contains("<script"), "{}", sent.text);

    // A language that there are no words in leaves it to the browser.
    speaks(&shop, &id, "fi").await;
    is_in(&visit(&shop, &path, Some(b"pt-BR,pt;q=0.9,en;q=0.5")).await, "pt");
    is_in(&visit(&shop, &path, None).await, "en");
    let key = &shop.state.settings.master_key;
    let ticket = TicketId(id.parse().expect("an id"));
    let until = Utc::now() - Duration::seconds(5);
    let old = CustomerLink::of(key, shop.tenant, ticket, "ann@example.com", until).token(key);
    let page = visit(&shop, &format!("/my/{old}"), Some(b"da")).await;
    assert!(page.status == 410 && page.text.contains("Linket er udløbet"), "{}", page.text);
    let page = visit(&shop, "/my/x", Some(b"es")).await;
    assert!(page.status == 404 && page.text.contains("Este enlace no es válido"), "{}", page.text);
}

#[tokio::test]
async fn the_help_page_is_in_the_language_that_is_asked_for() {
    let shop = open().await;
    article(&shop, "returns", "Returns", "You have 30 days.", true).await;
    let english = visit(&shop, "/help/shop", None).await;
    is_in(&english, "en");
    let german = visit(&shop, "/help/shop", Some(b"de-AT,de;q=0.9,en;q=0.8")).await;
    is_in(&german, "de");
    for shown in [">Suche<", ">Fragen Sie uns<", "/help/shop/a/returns?lang=de", "/help/shop/contact?lang=de"]
    {
        assert!(german.text.contains(shown), "{shown}: {}", german.text);
    }
    // What is kept of one language answers nobody who asks for another.
    let again = |tag: &HeaderValue, languages: &str| {
        let request = request("GET", "/help/shop").header("if-none-match", tag.clone());
        request.header("accept-language", languages).body(Body::empty()).expect("a request")
    };
    assert_eq!(shop.send(again(&german.headers["etag"], "de")).await.status, 304);
    assert_eq!(shop.send(again(&english.headers["etag"], "de")).await.status, 200);

    let found = visit(&shop, "/help/shop?q=return&lang=de", None).await;
    assert!(found.text.contains("1 Treffer"), "{}", found.text);
    let read = visit(&shop, "/help/shop/a/returns", Some(b"de")).await;
    is_in(&read, "de");
    assert!(read.text.contains("<article lang=\"en\">") && read.text.contains("30 days"), "{}", read.text);
    is_in(&visit(&shop, "/help/shop?lang=fr", Some(b"de")).await, "fr");
    is_in(&visit(&shop, "/help/shop?lang=fi", Some(b"de")).await, "de");
    is_in(&visit(&shop, "/help/shop?lang=%3Cb%3E", Some(b"de")).await, "de");
    is_in(&visit(&shop, "/help/shop", Some(b"fi,ja;q=0.5")).await, "en");
    page_of_shop(&shop, "sv").await;
    is_in(&visit(&shop, "/help/shop", Some(b"fi")).await, "sv");
    let nowhere = visit(&shop, "/help/nobody", Some(b"pl")).await;
    assert!(nowhere.status == 404 && nowhere.text.contains("Nie ma takiej strony"), "{}", nowhere.text);
    is_in(&nowhere, "pl");
}

#[tokio::test]
async fn the_form_goes_on_in_the_language_that_it_was_opened_in() {
    let shop = open().await;
    article(&shop, "returns", "Returning a lamp", "You have 30 days.", true).await;
    let blank = visit(&shop, "/help/shop/contact", Some(b"de")).await;
    is_in(&blank, "de");
    let path = "/help/shop/contact?lang=de";
    assert!(blank.text.contains("Ihre Frage") && blank.text.contains(path), "{}", blank.text);
    let (written, _) = token(&shop);
    let with = |email: &'static str, text: &'static str| {
        vec![
            ("token", written.as_str()),
            ("name", "\"><img src=x>"),
            ("email", email),
            ("subject", "<i>"),
            ("text", text),
        ]
    };
    for (email, text, sentence) in [
        ("a..b@example.com", "<script>x</script>", "vor dem @ stehen zwei Punkte hintereinander"),
        ("", "<script>x</script>", "Bitte geben Sie Ihre E-Mail-Adresse an"),
        ("kein at", "<script>x</script>", "Wir brauchen genau eine"),
        ("a@example.com, b@example.com", "<script>x</script>", "Wir brauchen genau eine"),
        ("a@example.com", "<", "Bitte schreiben Sie Ihre Frage."),
    ] {
        let again = fill(&shop, path, &with(email, text)).await;
        assert!(again.status == 400 && again.text.contains(sentence), "{sentence}: {}", again.text);
        is_in(&again, "de");
        for markup in ["<script", "<img", "<i>"] {
            assert!(!again.text.contains(markup), "{markup}: {}", again.text);
        }
    }
    let old = fill(&shop, path, &[("token", "AAAA"), ("email", "a@example.com"), ("text", "Hallo")]).await;
    assert!(old.status == 400 && old.text.contains("zu lange offen"), "{}", old.text);
    let question = with("a@example.com", "return my lamps <script>x</script>");
    let met = fill(&shop, path, &question).await;
    assert!(met.status == 200 && met.text.contains("Hilft Ihnen einer dieser Artikel?"), "{}", met.text);
    assert!(met.text.contains("Nein, meine Frage senden") && met.text.contains(path), "{}", met.text);
    assert!(!met.text.contains("<script") && !met.text.contains("<img"), "{}", met.text);
    let mut sure = question;
    sure.push(("sure", "1"));
    let thanks = fill(&shop, path, &sure).await;
    assert!(
        thanks.status == 200 && thanks.text.contains("Ihre Frage ist bei uns angekommen"),
        "{}",
        thanks.text
    );
    assert_eq!(shop.count("support_app.ticket").await, 1);
}

#[tokio::test]
async fn whatever_a_browser_asks_for_it_has_a_page() {
    let shop = open().await;
    let (id, _) = ticket(&shop, "536365?").await;
    let own = shop.get(&format!("/api/tickets/{id}/customer-link")).await.field("path").to_owned();
    let rating = shop.get(&format!("/api/tickets/{id}/rating-link?days=2")).await.field("path").to_owned();
    let long = "fi,".repeat(5_000);
    let deep = ";".repeat(5_000);
    for languages in [
        b"".as_slice(),
        b"*",
        b",",
        b";q=1",
        b"de;q=abc",
        b"de;q=9",
        b"\xff\xfe",
        b"<script>",
        b"d\"e",
        long.as_bytes(),
        deep.as_bytes(),
    ] {
        for path in [own.as_str(), rating.as_str(), "/help/shop", "/help/shop/contact"] {
            let page = visit(&shop, path, Some(languages)).await;
            assert_eq!(page.status, 200, "{path} {languages:?}: {}", page.text);
            is_in(&page, "en");
            assert!(!page.text.contains("<script"), "{}", page.text);
        }
    }
}

#[tokio::test]
async fn what_is_refused_before_a_page_is_a_page_for_people_and_a_document_for_programs() {
    let shop = open().await;
    let (id, _) = ticket(&shop, "536365?").await;
    let link = shop.get(&format!("/api/tickets/{id}/customer-link")).await;
    let own = link.field("path").to_owned();
    assert!(link.field("url").starts_with("http") && link.field("url").ends_with(&own), "{}", link.text);
    let asking = |method: &str, path: &str, accept: &str| {
        let builder = request(method, path).header("accept", accept).header("accept-language", "de");
        builder.body(Body::empty()).expect("a request")
    };
    let nix = format!("{own}?ticket=nix");
    for (method, path, status) in [
        ("GET", "/help/shop?q=%00", 400),
        ("GET", "/help/shop?q=%ff", 400),
        ("GET", "/help/shop/nix", 404),
        ("PUT", "/help/shop/contact", 405),
        ("GET", nix.as_str(), 400),
        ("GET", "/r/a/b", 404),
    ] {
        for accept in ["text/html,application/xhtml+xml,*/*;q=0.8", "*/*"] {
            let page = shop.send(asking(method, path, accept)).await;
            assert_eq!(page.status, status, "{path}: {}", page.text);
            assert!(page.text.contains("<h1>Diese Seite gibt es nicht</h1>"), "{path}: {}", page.text);
            is_in(&page, "de");
        }
        let document = shop.send(asking(method, path, "application/json")).await;
        assert_eq!(document.status, status, "{path}: {}", document.text);
        assert_eq!(document.headers["content-type"], "application/problem+json", "{path}");
    }
    // The web app's own addresses are its own.
    let api = shop.send(asking("GET", "/api/nix", "*/*")).await;
    assert_eq!(
        (api.status.as_u16(), &api.headers["content-type"]),
        (404, &HeaderValue::from_static("application/problem+json"))
    );
}
