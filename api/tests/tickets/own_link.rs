//! The link by which a customer sees their own tickets: what others wrote in them, and where it leads after a merge.

use accounts::verify::Mode;
use serde_json::{Value, json};

use crate::desk::{send, ticket};
use crate::shop::{Answer, Shop, shop};

/// A message that came by mail into a ticket.
async fn mail(shop: &Shop, ticket: &str, sender: &str, text: &str) {
    sqlx::query(
        "insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, sender_name,
             sender_email, mail_id, body_text, sent_at)
         select gen_random_uuid(), tenant_id, id, $3, false, false, 'email', 'Theodora Third', $2, gen_random_uuid(), $3,
             clock_timestamp()
         from support_app.ticket where id = $1::uuid",
    )
    .bind(ticket)
    .bind(sender)
    .bind(text)
    .execute(&mut shop.admin().await)
    .await
    .expect("it came");
}

async fn of(shop: &Shop, customer: &Value, text: Option<&str>) -> String {
    let message = text.map(|text| json!({"from": "customer", "text": text}));
    let body = json!({"subject": text, "customer": customer, "message": message});
    let made = send(shop, "POST", "/api/tickets", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.field("id").to_owned()
}

async fn link(shop: &Shop, ticket: &str) -> Answer {
    shop.get(&format!("/api/tickets/{ticket}/customer-link")).await
}

async fn known(shop: &Shop, id: &str, email: &str) {
    let made = send(shop, "POST", "/api/customers", &json!({"id": id, "email": email, "name": id})).await;
    assert_eq!(made.status, 201, "{}", made.text);
}

#[tokio::test]
async fn what_somebody_else_mailed_into_a_ticket_is_told_and_not_shown() {
    let shop = shop(Mode::Token).await;
    known(&shop, "c-1", "ann@example.com").await;
    sqlx::query("insert into platform.customer_identity (tenant_id, kind, value, customer_id) values ($1, 'email', 'ann@work.example', 'c-1')")
        .bind(shop.tenant)
        .execute(&mut shop.admin().await)
        .await
        .expect("another address of hers");
    let (id, _) = ticket(&shop, "where is my lamp").await;
    mail(&shop, &id, "third@party.example", "the glockenspiel is loud").await;
    mail(&shop, &id, "Ann@Example.com", "it came").await;
    mail(&shop, &id, "ann@work.example", "hers from work").await;
    let page = shop.get(link(&shop, &id).await.field("path")).await;
    assert_eq!(page.status, 200, "{}", page.text);
    for shown in ["where is my lamp", "it came", "hers from work", "<strong>Somebody else</strong>"] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    for hidden in ["glockenspiel", "party.example", "Theodora"] {
        assert!(!page.text.contains(hidden), "{hidden}: {}", page.text);
    }
    assert_eq!(page.text.matches("<strong>You</strong>").count(), 3, "{}", page.text);

    // Nor is it hers once whoever wrote it was erased.
    sqlx::query("update support_app.message set sender_email = null, sender_name = null, body_text = '[erased]' where sender_email like 'third@%'")
        .execute(&mut shop.admin().await)
        .await
        .expect("erased");
    let page = shop.get(link(&shop, &id).await.field("path")).await;
    assert_eq!(page.text.matches("<strong>You</strong>").count(), 3, "{}", page.text);

    // Who opened a ticket by mail and wants answers elsewhere is its customer.
    let id = of(&shop, &json!({"email": "bob@example.com"}), None).await;
    mail(&shop, &id, "bob@office.example", "asked at the office").await;
    mail(&shop, &id, "third@party.example", "and the trombone").await;
    let page = shop.get(link(&shop, &id).await.field("path")).await;
    assert!(page.text.contains("asked at the office") && !page.text.contains("trombone"), "{}", page.text);
}

#[tokio::test]
async fn the_link_of_a_ticket_that_was_merged_leads_to_where_it_went_if_that_is_the_same_customers() {
    let shop = shop(Mode::Token).await;
    known(&shop, "c-1", "ann@example.com").await;
    known(&shop, "c-2", "bob@example.com").await;
    let at_home = of(&shop, &json!({"id": "c-1", "email": "ann@example.com"}), Some("from home")).await;
    let at_work = of(&shop, &json!({"id": "c-1", "email": "office@example.com"}), Some("from work")).await;
    let colleague = of(&shop, &json!({"email": "office@example.com"}), Some("of a colleague")).await;
    let before = link(&shop, &at_home).await.field("path").to_owned();
    let merged =
        send(&shop, "POST", &format!("/api/tickets/{at_home}/merge"), &json!({"into": at_work})).await;
    assert_eq!(merged.status, 200, "{}", merged.text);
    let since = link(&shop, &at_home).await;
    assert_eq!(since.status, 200, "{}", since.text);
    for path in [before.as_str(), since.field("path")] {
        let page = shop.get(path).await;
        assert_eq!(page.status, 200, "{}", page.text);
        assert!(page.text.contains("from home") && page.text.contains("from work"), "{}", page.text);
        // Of the other address she sees what is known to be hers.
        assert!(!page.text.contains("of a colleague"), "{}", page.text);
    }
    let number = shop.get(&format!("/api/tickets/{colleague}")).await.json["number"].to_string();
    assert_eq!(shop.get(&format!("{before}?ticket={number}")).await.status, 404);

    // Another customer's is not hers to see, and hers is again when they are divided.
    let undone = format!("/api/tickets/{at_home}/merge/undo");
    assert_eq!(send(&shop, "POST", &undone, &Value::Null).await.status, 200);
    let bobs = of(&shop, &json!({"id": "c-2", "email": "bob@example.com"}), Some("secret of Bob")).await;
    let into = json!({"into": bobs, "confirm_other_customer": true});
    let merged = send(&shop, "POST", &format!("/api/tickets/{at_home}/merge"), &into).await;
    assert_eq!(merged.status, 200, "{}", merged.text);
    assert_eq!(shop.get(&before).await.status, 404);
    let refused = link(&shop, &at_home).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert!(refused.field("detail").contains("another customer"), "{}", refused.text);
    assert_eq!(send(&shop, "POST", &undone, &Value::Null).await.status, 200);
    let page = shop.get(&before).await;
    assert!(page.status == 200 && page.text.contains("from home"), "{}", page.text);
    assert!(!page.text.contains("secret of Bob") && !page.text.contains("from work"), "{}", page.text);
}
