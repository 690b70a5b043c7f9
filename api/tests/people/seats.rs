//! People with passwords, signed in, without the cost of a real password.

use accounts::people::access_tokens::Claims;
use accounts::people::logins;
use accounts::people::permissions::Role;
use accounts::people::sessions::{self, Session};
use axum::body::Body;
use chrono::Utc;
use database::act_as;
use database::ids::{AgentId, TenantId};
use support::agents::{self, Attributes};

use crate::shop::{Answer, Shop, request};

/// A password that fits.
pub const PASSWORD: &str = "correct horse battery staple";

/// A person who is signed in.
pub struct Seat {
    pub agent: AgentId,
    pub session: Session,
    pub access: String,
}

/// Adds a person of this role to a tenant and signs them in.
pub async fn seat(shop: &Shop, tenant: TenantId, role: Role, email: &str) -> Seat {
    let (agent, now) = (AgentId::new(), Utc::now());
    let mut tx = shop.state.db.gateway_tx().await.expect("a transaction");
    logins::create(&mut tx, tenant, agent, "A person", email, role).await.expect("added");
    let session =
        sessions::begin(&mut tx, &shop.state.people.refresh, tenant, agent, now).await.expect("begun");
    act_as(&mut tx, database::Role::Support, Some(tenant)).await.expect("a role");
    let with = Attributes { name: Some("A person".to_owned()), ..Attributes::default() };
    agents::create(&mut tx, tenant, agent, email, &with, now).await.expect("added");
    tx.commit().await.expect("committed");
    let access = shop.state.people.access.make(Claims { agent, session: session.id, tenant }, now);
    Seat { agent, session, access }
}

/// Gives the person [`PASSWORD`].
pub async fn give_password(shop: &Shop, agent: AgentId) {
    let hash = accounts::people::passwords::hash(PASSWORD).await.expect("hashed");
    let mut tx = shop.state.db.gateway_tx().await.expect("a transaction");
    logins::set_password(&mut tx, agent, &hash, Utc::now()).await.expect("set");
    tx.commit().await.expect("committed");
}

/// Sends a request with a bearer's token; the body is JSON.
pub async fn call(shop: &Shop, token: &str, method: &str, path: &str, body: &str) -> Answer {
    let request = request(method, path)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    shop.send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

/// POSTs JSON without any credential.
pub async fn post(shop: &Shop, path: &str, body: &serde_json::Value) -> Answer {
    let request = request("POST", path).header("content-type", "application/json");
    shop.send(request.body(Body::from(body.to_string())).expect("a request")).await
}
