//! The trail: who looked at whose data, read by admins, changed by nobody.

use accounts::people::permissions::Role;
use accounts::verify::Mode;
use sqlx::Connection;

use crate::seats::{call, seat};
use crate::shop::shop;

#[tokio::test]
async fn whoever_looks_at_a_customers_data_is_written_down() {
    let shop = shop(Mode::Token).await;
    let delivery = r#"{"ticket":{"id":1,"channel":"email"},"message":{"id":1,"body_text":"x"}}"#;
    assert!(shop.deliver(delivery).await.status.is_success());
    let admin = seat(&shop, shop.tenant, Role::Admin, "admin@example.com").await;
    let agent = seat(&shop, shop.tenant, Role::Agent, "agent@example.com").await;
    let list = call(&shop, &agent.access, "GET", "/api/tickets", "").await;
    let id = list.json["items"][0]["id"].as_str().expect("a ticket").to_owned();
    assert_eq!(call(&shop, &agent.access, "GET", &format!("/api/tickets/{id}"), "").await.status, 200);
    // What was refused showed nothing, and settings tell of nobody.
    let unknown = "/api/tickets/0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81";
    assert_eq!(call(&shop, &agent.access, "GET", unknown, "").await.status, 404);
    assert_eq!(call(&shop, &agent.access, "GET", "/api/tickets/fields", "").await.status, 200);
    shop.state.views.flush().await;

    assert_eq!(call(&shop, &agent.access, "GET", "/api/audit", "").await.status, 403);
    let path = format!("/api/audit?actor=agent:{}", agent.agent);
    let trail = call(&shop, &admin.access, "GET", &path, "").await;
    let mut seen: Vec<(&str, &str)> = trail.json["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|line| {
            (line["action"].as_str().expect("an action"), line["subject"].as_str().expect("a subject"))
        })
        .collect();
    seen.sort_unstable();
    let ticket = format!("ticket:{id}");
    assert_eq!(
        seen,
        [("customer-data.view", ticket.as_str()), ("customer-data.view", "tickets")],
        "{}",
        trail.text
    );
}

#[tokio::test]
async fn nobody_changes_the_trail() {
    let shop = shop(Mode::Token).await;
    let mut admin = sqlx::PgConnection::connect(shop.admin_url()).await.expect("connects");
    let may: Vec<(String, String)> = sqlx::query_as(
        "select r.rolname::text, p.name from pg_roles r
         cross join unnest(array['UPDATE', 'DELETE', 'TRUNCATE']) as p (name)
         where r.rolname like 'desk\\_%' and (has_table_privilege(r.oid, 'shared.audit', p.name)
            or (p.name = 'UPDATE' and has_any_column_privilege(r.oid, 'shared.audit', 'UPDATE')))",
    )
    .fetch_all(&mut admin)
    .await
    .expect("the catalogue is readable");
    assert!(may.is_empty(), "{may:?}");
}
