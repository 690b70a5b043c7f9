//! What these tests add to a shop: agents, tickets, keys, and the process behind a real listener.

use accounts::api_keys::{self, Scope};
use accounts::people::access_tokens::Claims;
use accounts::people::{logins, permissions, sessions};
use accounts::verify::Mode;
use api::settings::Patience;
use axum::body::Body;
use chrono::Utc;
use database::ids::{AgentId, KeyId, SessionId, TenantId, TicketId};
use database::{Role, Tx};
use support::{events, settle};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::shop::{Answer, Shop, request, shop};

pub async fn open() -> Shop {
    shop(Mode::Token).await
}

pub async fn agent(shop: &Shop, name: &str, capacity: i32) -> AgentId {
    agent_of(shop, shop.tenant, name, capacity).await
}

pub async fn agent_of(shop: &Shop, tenant: TenantId, name: &str, capacity: i32) -> AgentId {
    let id = AgentId::new();
    // In one statement with a connection to another process, so that this one does not find them gone.
    sqlx::query(
        "with agent as (
             insert into support_app.agent (id, tenant_id, name, email, capacity, is_present)
             values ($1, $2, $3, $3 || '@example.com', $4, true)
         ), process as (
             insert into support_app.presence_process (id, alive_until)
             values (gen_random_uuid(), now() + interval '1 hour') returning id
         )
         insert into support_app.presence (process_id, agent_id, tenant_id) select id, $1, $2 from process",
    )
    .bind(id)
    .bind(tenant)
    .bind(name)
    .bind(capacity)
    .execute(&mut shop.admin().await)
    .await
    .expect("an agent");
    id
}

pub async fn ticket(shop: &Shop) -> TicketId {
    ticket_of(shop, shop.tenant).await
}

pub async fn ticket_of(shop: &Shop, tenant: TenantId) -> TicketId {
    let id = TicketId::new();
    let mut tx = shop.state.db.tenant_tx(Role::Support, tenant).await.expect("begins");
    sqlx::query(
        "insert into support_app.ticket (id, tenant_id, number, provider, external_id, subject, channel, source, status, priority)
         values ($1, $2, support_app.next_ticket_number(), 'desk', $1::text, 'a secret subject', 'email', 'email', 'open', 'normal')",
    )
    .bind(id)
    .bind(tenant)
    .execute(&mut *tx)
    .await
    .expect("a ticket");
    tx.commit().await.expect("commits");
    id
}

/// Changes a ticket as a route does.
pub async fn change(shop: &Shop, ticket: TicketId, priority: &str) {
    let mut tx: Tx = shop.tx().await;
    events::acting(&mut tx, "key:test", None).await.expect("acts");
    sqlx::query("update support_app.ticket set priority = $2 where id = $1")
        .bind(ticket)
        .bind(priority)
        .execute(&mut *tx)
        .await
        .expect("changed");
    settle::settle(&mut tx, shop.tenant, ticket, chrono::Utc::now()).await.expect("settles");
    tx.commit().await.expect("commits");
}

pub async fn key_of(shop: &Shop, tenant: TenantId, scopes: &[Scope]) -> (KeyId, String) {
    let mut tx = shop.state.db.gateway_tx().await.expect("begins");
    let key = api_keys::create(&mut tx, tenant, "test", scopes, None).await.expect("a key");
    tx.commit().await.expect("commits");
    (key.id, key.text.reveal().to_owned())
}

pub async fn post_with(shop: &Shop, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request =
        request("POST", path).header("x-api-key", &shop.key).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    shop.send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

/// The process behind a real listener; ends with the token.
pub async fn listen(shop: &Shop) -> (String, CancellationToken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let ending = CancellationToken::new();
    let router = api::router(shop.state.clone());
    tokio::spawn(api::serve::serve(listener, router, Patience::default(), ending.clone()));
    (address, ending)
}

/// Signs an agent in: the session, and the access token.
pub async fn sign_in(shop: &Shop, agent: AgentId, name: &str) -> (SessionId, String) {
    let now = Utc::now();
    let people = &shop.state.people;
    let mut tx = shop.state.db.gateway_tx().await.expect("begins");
    let email = format!("{name}@example.com");
    logins::create(&mut tx, shop.tenant, agent, name, &email, permissions::Role::Agent)
        .await
        .expect("a login");
    let session =
        sessions::begin(&mut tx, &people.refresh, shop.tenant, agent, now).await.expect("a session");
    tx.commit().await.expect("commits");
    let claims = Claims { agent, session: session.id, tenant: shop.tenant };
    (session.id, people.access.make(claims, now))
}
