//! Tickets found by words, phrases, number and address; and what is no search.

use accounts::verify::Mode;
use serde_json::{Value, json};

use crate::desk::{call, neighbour, send, ticket};
use crate::shop::{Answer, Shop, shop};

async fn find(shop: &Shop, q: &str) -> Answer {
    let escaped: String = q.bytes().map(|byte| format!("%{byte:02x}")).collect();
    shop.get(&format!("/api/tickets/search?q={escaped}")).await
}

fn ids(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["items"].as_array().expect("items").iter().filter_map(|item| item["id"].as_str()).collect()
}

#[tokio::test]
async fn words_in_any_form_phrases_numbers_and_addresses_are_found() {
    let shop = shop(Mode::Token).await;
    let languages =
        json!({"final_after_days": 7, "undo_secs": 10, "search_languages": ["english", "german"]});
    assert_eq!(send(&shop, "PUT", "/api/tickets/settings", &languages).await.status, 200);
    let (lamp, _) =
        ticket(&shop, "My lamps arrived broken, the O'Brien set from the garden collection.").await;
    let (parcel, _) =
        ticket(&shop, "Das Paket mit den Häusern wurde nie geliefert. 100% sure \\ 'quoted'").await;
    for (q, found) in [
        ("lamp", vec![&lamp]),
        ("LAMPS broken", vec![&lamp]),
        ("arriv", vec![&lamp]),
        ("gard", vec![&lamp]),
        ("o'brien", vec![&lamp]),
        ("\"garden collection\"", vec![&lamp]),
        ("\"collection garden\"", vec![]),
        ("haus", vec![&parcel]),
        ("geliefert paket", vec![&parcel]),
        ("'quoted' \\", vec![&parcel]),
        ("lamp paket", vec![]),
        ("question", vec![&parcel, &lamp]),
        ("ann@example.com", vec![&parcel, &lamp]),
        ("Ann", vec![&parcel, &lamp]),
    ] {
        let answer = find(&shop, q).await;
        assert_eq!(ids(&answer), found.into_iter().map(String::as_str).collect::<Vec<_>>(), "{q}");
    }
    let number = shop.get(&format!("/api/tickets/{lamp}")).await.json["number"].clone();
    for q in [format!("#{number}"), number.to_string()] {
        let answer = find(&shop, &q).await;
        assert_eq!(
            (ids(&answer)[0], &answer.json["items"][0]["is_exact"]),
            (lamp.as_str(), &json!(true)),
            "{q}"
        );
    }
    // A tag and a note are found once they are there, and what was changed no longer under its old name.
    send(
        &shop,
        "PATCH",
        &format!("/api/tickets/{lamp}"),
        &json!({"add_tags": ["fragile"], "subject": "Splinters"}),
    )
    .await;
    assert_eq!(ids(&find(&shop, "fragile splinter").await), [lamp.as_str()]);
    assert_eq!(ids(&find(&shop, "question").await), [parcel.as_str()]);

    let other = neighbour(&shop).await;
    let nothing = call(&shop, &other, "GET", "/api/tickets/search?q=lamp", &Value::Null, &[]).await;
    assert_eq!(nothing.json["items"], json!([]), "{}", nothing.text);
    let nothing =
        call(&shop, &other, "GET", "/api/tickets/search?q=ann@example.com", &Value::Null, &[]).await;
    assert_eq!(nothing.json["items"], json!([]), "{}", nothing.text);
    let tenant = format!("tenant={}", shop.tenant);
    assert_eq!(ids(&find(&shop, &tenant).await), Vec::<&str>::new());
}

#[tokio::test]
async fn pages_of_a_search_lead_through_everything_once() {
    let shop = shop(Mode::Token).await;
    let mut made = Vec::new();
    for number in 0..5 {
        made.insert(0, ticket(&shop, &format!("a teapot, number {number}")).await.0);
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = shop.get(&format!("/api/tickets/search?q=teapots&limit=2{cursor}")).await;
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        let Some(next) = page.json["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, made);
}

#[tokio::test]
async fn what_is_no_search_is_refused_with_what_is_one() {
    let shop = shop(Mode::Token).await;
    ticket(&shop, "hello").await;
    let thousand = "word ".repeat(1_000);
    let many = "ab ".repeat(30);
    for q in ["", "a", "?!", "#", thousand.trim(), many.trim()] {
        let refused = find(&shop, q).await;
        assert_eq!((refused.status.as_u16(), refused.field("field")), (400, "q"), "{q} {}", refused.text);
    }
    assert_eq!(shop.get("/api/tickets/search").await.field("field"), "q");
    for q in [
        "& | ! <-> :*",
        "'; drop table x; --",
        "a:b",
        "\u{1f4a5} hello",
        "the",
        "it's (or) isn't",
        "hello\u{0301}",
    ] {
        let answer = find(&shop, q).await;
        assert!([200, 400].contains(&answer.status.as_u16()), "{q} {}", answer.text);
    }
}
