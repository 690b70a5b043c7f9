//! Bearer tokens that another system issued (OAuth 2.1): the tenant's, where its people sign in by OpenID Connect.
//!
//! A token counts when the tenant's issuer signed it for this resource and its time has come and is not over; what it may
//! do is what its scopes say, of those that assistants can have. Keys are fetched through the house's way out and kept for
//! ten minutes; a signature by an unknown key fetches them again, once a minute at most. An issuer that two tenants have
//! tells nobody's tenant, so its tokens are refused.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use accounts::api_keys::Scope;
use accounts::people::oidc;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use database::ids::TenantId;
use database::{Db, DbError};
use openidconnect::core::{
    CoreGenderClaim, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm, CoreProviderMetadata,
};
use openidconnect::{
    AdditionalClaims, ClaimsVerificationError, ClientId, HttpRequest, IdToken, IssuerUrl, JsonWebTokenType,
    Nonce,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::routes::accounts::oidc::send;
use crate::web::auth::{Caller, Who};
use crate::web::people::People;

/// What assistants can have.
pub const SCOPES: [Scope; 3] = [Scope::IntelligenceRead, Scope::CustomersRead, Scope::SegmentsRead];

/// The longest token that is looked at, in bytes.
const MAX_TOKEN_BYTES: usize = 8_192;
/// How long keys are kept.
const KEPT: Duration = Duration::from_secs(600);
/// Keys and tenants are looked up again after this time at the earliest.
const AGAIN: Duration = Duration::from_secs(60);
/// Issuers that are remembered, known or not; beyond that the memory starts anew.
const MAX_REMEMBERED: usize = 1_000;
/// Issuers that are named to strangers.
const MAX_NAMED: i64 = 100;
/// Look-ups at once.
const AT_ONCE: usize = 4;
/// How far clocks may be apart, in seconds.
const LEEWAY_SECS: i64 = 60;

/// The issuers that tenants trust.
pub struct Issuers {
    db: Db,
    people: Arc<People>,
    remembered: Mutex<HashMap<String, Remembered>>,
    turns: Semaphore,
}

impl fmt::Debug for Issuers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Issuers")
    }
}

#[derive(Clone)]
struct Remembered {
    since: Instant,
    /// Nobody's, when none.
    issuer: Option<Arc<Issuer>>,
}

struct Issuer {
    tenant: TenantId,
    keys: CoreJsonWebKeySet,
}

/// Why a token lets nobody in.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It does not count.
    #[error("{0}")]
    Invalid(&'static str),
    /// It counts, and may do nothing here.
    #[error("the token has none of the scopes that are needed here")]
    Narrow,
    /// The issuer does not answer as it should.
    #[error("the issuer of the token does not answer as it should")]
    Unanswered,
    /// The database does not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Refused {
        Refused::Db(error.into())
    }
}

/// What a token says besides what every token says. Which of the names for scopes it has depends on the issuer.
#[derive(Debug, Serialize, Deserialize)]
struct Said {
    #[serde(default)]
    scope: Option<Scopes>,
    #[serde(default)]
    scp: Option<Scopes>,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    nbf: Option<f64>,
}

impl AdditionalClaims for Said {}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Scopes {
    /// Parted by blanks.
    Text(String),
    Many(Vec<String>),
}

type Token = IdToken<Said, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

impl Issuers {
    /// None is known yet.
    pub fn new(db: Db, people: Arc<People>) -> Issuers {
        Issuers { db, people, remembered: Mutex::default(), turns: Semaphore::new(AT_ONCE) }
    }

    /// Who calls with this token at this resource.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn caller(&self, token: &str, resource: &str) -> Result<Caller, Refused> {
        let named = issuer_of(token).ok_or(Refused::Invalid("it is no token of an issuer"))?;
        let token: Token = token.parse().map_err(|_| Refused::Invalid("it cannot be read"))?;
        let foreign = || Refused::Invalid("its issuer is no tenant's");
        let issuer = self.issuer(&named, KEPT).await?.ok_or_else(foreign)?;
        match check(&issuer, &named, &token, resource) {
            Err(Checked::Signature) => {
                // The issuer may have a new key.
                let issuer = self.issuer(&named, AGAIN).await?.ok_or_else(foreign)?;
                check(&issuer, &named, &token, resource).map_err(Refused::from)
            }
            checked => checked.map_err(Refused::from),
        }
    }

    /// Where tokens for this resource come from, for clients that have none.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn named(&self) -> Result<Vec<String>, DbError> {
        let mut tx = self.db.gateway_tx().await?;
        let named = oidc::issuers(&mut tx, MAX_NAMED).await?;
        tx.commit().await?;
        Ok(named)
    }

    /// The issuer as it was looked up no longer ago than this; none when it is nobody's.
    async fn issuer(&self, named: &str, at_most: Duration) -> Result<Option<Arc<Issuer>>, Refused> {
        if let Some(issuer) = self.recall(named, at_most) {
            return Ok(issuer);
        }
        let _turn = self.turns.acquire().await.map_err(|_| Refused::Unanswered)?;
        // Whoever waited finds what the one before looked up.
        if let Some(issuer) = self.recall(named, at_most.min(AGAIN)) {
            return Ok(issuer);
        }
        let since = Instant::now();
        let issuer = self.look_up(named).await?.map(Arc::new);
        let mut remembered = self.remembered.lock().expect("no holder of this lock panics");
        if remembered.len() >= MAX_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(named.to_owned(), Remembered { since, issuer: issuer.clone() });
        Ok(issuer)
    }

    fn recall(&self, named: &str, at_most: Duration) -> Option<Option<Arc<Issuer>>> {
        let remembered = self.remembered.lock().expect("no holder of this lock panics");
        let known = remembered.get(named)?;
        // A tenant that names its issuer now is let in within a minute.
        let at_most = if known.issuer.is_some() { at_most } else { AGAIN };
        (known.since.elapsed() < at_most).then(|| known.issuer.clone())
    }

    async fn look_up(&self, named: &str) -> Result<Option<Issuer>, Refused> {
        let mut tx = self.db.gateway_tx().await?;
        let tenants = oidc::tenants_of(&mut tx, named).await?;
        tx.commit().await?;
        let tenant = match tenants.as_slice() {
            [] => return Ok(None),
            [tenant] => *tenant,
            _ => {
                tracing::warn!("several tenants have the same issuer of tokens, so it tells nobody's tenant");
                return Ok(None);
            }
        };
        let identity = self.people.identity().ok_or(Refused::Unanswered)?;
        let http = |request: HttpRequest| send(identity.clone(), request);
        let url = IssuerUrl::new(named.to_owned()).map_err(|_| Refused::Unanswered)?;
        let metadata = CoreProviderMetadata::discover_async(url, &http).await.map_err(|error| {
            tracing::warn!(%error, "an issuer of tokens does not answer as it should");
            Refused::Unanswered
        })?;
        Ok(Some(Issuer { tenant, keys: metadata.jwks().clone() }))
    }
}

/// What is wrong with a token of a known issuer.
enum Checked {
    Signature,
    Refused(Refused),
}

impl From<Checked> for Refused {
    fn from(checked: Checked) -> Refused {
        match checked {
            Checked::Signature => Refused::Invalid("its signature is not its issuer's"),
            Checked::Refused(refused) => refused,
        }
    }
}

fn check(issuer: &Issuer, named: &str, token: &Token, resource: &str) -> Result<Caller, Checked> {
    let refused = |why| Checked::Refused(Refused::Invalid(why));
    let url = IssuerUrl::new(named.to_owned()).map_err(|_| refused("its issuer is no address"))?;
    let kinds = ["JWT", "at+jwt"].map(|kind| JsonWebTokenType::new(kind.to_owned()).normalize());
    let kinds = kinds.into_iter().filter_map(Result::ok);
    let verifier =
        CoreIdTokenVerifier::new_public_client(ClientId::new(resource.to_owned()), url, issuer.keys.clone())
            // Signatures by a key of the issuer's own; never by a secret, and never none.
            .set_allowed_algs([
                CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
                CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
                CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
                CoreJwsSigningAlgorithm::RsaSsaPssSha256,
                CoreJwsSigningAlgorithm::RsaSsaPssSha384,
                CoreJwsSigningAlgorithm::RsaSsaPssSha512,
                CoreJwsSigningAlgorithm::EcdsaP256Sha256,
                CoreJwsSigningAlgorithm::EcdsaP384Sha384,
                CoreJwsSigningAlgorithm::EdDsa,
            ])
            .set_allowed_jose_types(kinds)
            // A token for this resource and others is one for this resource.
            .set_other_audience_verifier_fn(|_| true);
    let claims = token.claims(&verifier, |_: Option<&Nonce>| Ok(())).map_err(|error| match error {
        ClaimsVerificationError::SignatureVerification(_) => Checked::Signature,
        ClaimsVerificationError::InvalidAudience(_) => refused("it is for another resource"),
        ClaimsVerificationError::Expired(_) => refused("its time is over"),
        _ => refused("its claims do not fit"),
    })?;
    let said = claims.additional_claims();
    let latest = (Utc::now().timestamp() + LEEWAY_SECS) as f64;
    if said.nbf.is_some_and(|from| from > latest) {
        return Err(refused("its time has not come"));
    }
    let scopes = scopes(said);
    if scopes.is_empty() {
        return Err(Checked::Refused(Refused::Narrow));
    }
    let client = claims
        .authorized_party()
        .map(|client| client.as_str())
        .or(said.client_id.as_deref())
        .unwrap_or_default();
    Ok(Caller {
        tenant: issuer.tenant,
        who: Who::Assistant(id(named, client, claims.subject().as_str())),
        scopes,
        name: if client.is_empty() { "assistant".to_owned() } else { client.chars().take(200).collect() },
    })
}

/// The scopes that a token has here. Issuers write them bare, behind the resource's address, or with a dot for the colon.
fn scopes(said: &Said) -> Vec<Scope> {
    let names = [&said.scope, &said.scp].into_iter().flatten().flat_map(|scopes| match scopes {
        Scopes::Text(text) => text.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
        Scopes::Many(many) => many.clone(),
    });
    let names: Vec<String> =
        names.map(|name| name.rsplit('/').next().unwrap_or_default().replace('.', ":")).collect();
    SCOPES.into_iter().filter(|scope| names.contains(&scope.to_string())).collect()
}

/// Who a subject of an issuer is to us, always the same.
fn id(issuer: &str, client: &str, subject: &str) -> Uuid {
    let mut digest = Sha256::new();
    for part in [issuer, client, subject] {
        digest.update(part.len().to_be_bytes());
        digest.update(part.as_bytes());
    }
    let digest = digest.finalize();
    Uuid::from_slice(&digest[..16]).expect("sixteen bytes")
}

/// The issuer that a token names, unproven.
fn issuer_of(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        iss: String,
    }
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let bytes = URL_SAFE_NO_PAD.decode(claims).ok()?;
    let claims: Claims = serde_json::from_slice(&bytes).ok()?;
    Some(claims.iss)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_in_every_spelling_and_never_more_than_assistants_can_have() {
        let said = |scope: Option<&str>, scp: Option<Vec<&str>>| Said {
            scope: scope.map(|text| Scopes::Text(text.to_owned())),
            scp: scp.map(|many| Scopes::Many(many.into_iter().map(str::to_owned).collect())),
            client_id: None,
            nbf: None,
        };
        let all = [Scope::IntelligenceRead, Scope::CustomersRead];
        assert_eq!(scopes(&said(Some("openid intelligence:read customers:read"), None)), all);
        assert_eq!(
            scopes(&said(None, Some(vec!["https://desk.example/mcp/customers.read", "intelligence.read"]))),
            all
        );
        assert!(scopes(&said(Some("operator settings:write intelligence:write"), None)).is_empty());
        assert!(scopes(&said(None, None)).is_empty());
    }

    #[test]
    fn an_issuer_is_read_out_of_tokens_alone() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"iss": "https://issuer.example"}"#);
        assert_eq!(issuer_of(&format!("a.{claims}.b")).as_deref(), Some("https://issuer.example"));
        for text in [String::new(), "a.b.c".to_owned(), format!("a.{claims}"), format!("a.{claims}.b.c")] {
            assert_eq!(issuer_of(&text), None, "{text}");
        }
        assert_eq!(issuer_of(&format!("a.{claims}.{}", "b".repeat(MAX_TOKEN_BYTES))), None);
    }
}
