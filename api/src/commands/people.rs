//! `api create-agent`: a person by command, which is how a tenant gets its first admin.

use std::io::Read;

use accounts::base_url::Loopback;
use accounts::people::links::{self, LinkTokens, Purpose};
use accounts::people::logins::{self, LoginError};
use accounts::people::oidc::{self, Oidc};
use accounts::people::passwords;
use accounts::people::permissions::Role;
use boot::env;
use chrono::Utc;
use database::act_as;
use database::ids::AgentId;
use serde_json::json;
use support::agents::{self, Attributes};

use super::{CommandError, database, find_tenant, master_key, record};

/// Who is to be added.
pub struct NewPerson {
    pub tenant: String,
    pub email: String,
    pub name: Option<String>,
    pub role: Role,
    pub password_stdin: bool,
}

pub async fn create(new: &NewPerson) -> Result<(), CommandError> {
    let email = database::address::normal(&new.email)
        .map_err(|error| CommandError::Person("email", error.to_string()))?;
    let name = new.name.as_deref().unwrap_or(&email).trim().to_owned();
    let hash = if new.password_stdin {
        let hash = passwords::hash(&password()?).await;
        Some(hash.map_err(|error| CommandError::Person("password-stdin", error.to_string()))?)
    } else {
        None
    };
    let db = database()?;
    let tokens = LinkTokens::new(&master_key(&db).await?);
    let (agent, now) = (AgentId::new(), Utc::now());
    let mut tx = db.gateway_tx().await?;
    let tenant = find_tenant(&mut tx, &new.tenant).await?;
    logins::create(&mut tx, tenant.id, agent, &name, &email, new.role).await.map_err(
        |error| match error {
            LoginError::Db(error) => error.into(),
            LoginError::BadName => CommandError::Person("name", error.to_string()),
            error => CommandError::Person("email", error.to_string()),
        },
    )?;
    let link = match &hash {
        Some(hash) => {
            logins::set_password(&mut tx, agent, hash, now).await?;
            None
        }
        None => {
            Some(links::make(&mut tx, tenant.id, agent, Purpose::Invitation, Some("command"), now).await?)
        }
    };
    act_as(&mut tx, database::Role::Support, Some(tenant.id)).await?;
    let with = Attributes {
        name: Some(name),
        seniority: Some(new.role.seniority()),
        accepts_new: Some(new.role != Role::Viewer),
        ..Attributes::default()
    };
    agents::create(&mut tx, tenant.id, agent, &email, &with, now).await?;
    act_as(&mut tx, database::Role::Gateway, None).await?;
    let subject = format!("agent:{agent}");
    record(&mut tx, tenant.id, "agent.create", &subject, json!({ "role": new.role })).await?;
    tx.commit().await?;
    match link {
        None => {
            println!("{agent}");
            eprintln!("{} {email} may sign in to {}", new.role, new.tenant);
        }
        Some(link) => {
            let token = tokens.text(link.id);
            let base = env::maybe::<String>("DESK_PUBLIC_URL", "https://desk.example.com")?;
            println!(
                "{}",
                base.map_or(token.clone(), |base| format!(
                    "{}/invitation#{token}",
                    base.trim_end_matches('/')
                ))
            );
            eprintln!(
                "this invitation is shown once and good for 7 days: choose a password with POST /api/auth/invitations/accept"
            );
        }
    }
    Ok(())
}

/// Stores where a tenant's people may sign in besides.
pub async fn connect_oidc(slug: &str, settings: &Oidc, loopback: Loopback) -> Result<(), CommandError> {
    let db = database()?;
    let master_key = master_key(&db).await?;
    let mut tx = db.gateway_tx().await?;
    let tenant = find_tenant(&mut tx, slug).await?;
    oidc::put(&mut tx, &master_key, tenant.id, settings, loopback).await?;
    let detail = json!({ "issuer": settings.issuer, "creates": settings.creates });
    record(&mut tx, tenant.id, "integration.put", "integration:oidc", detail).await?;
    tx.commit().await?;
    eprintln!(
        "connected; people sign in at /api/auth/oidc/{slug}/start, and DESK_PUBLIC_URL/api/auth/oidc/callback is to be allowed there"
    );
    Ok(())
}

/// One line of standard input, without its end.
fn password() -> Result<String, CommandError> {
    let mut text = String::new();
    let mut input = std::io::stdin().take(passwords::MAX_BYTES as u64 + 3);
    input.read_to_string(&mut text).map_err(|_| {
        CommandError::Person("password-stdin", "standard input must be a password in UTF-8".to_owned())
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
