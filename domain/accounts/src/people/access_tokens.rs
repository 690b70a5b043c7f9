//! Access tokens: short-lived JWTs that say who calls and in which session, signed with HMAC-SHA256 under a key that
//! follows from the master key.
//!
//! They say nothing of what a person may do: that is looked up with the session, so a change of role or a revoked session
//! holds within the time that a look-up is believed, and no token has to be collected.

use chrono::{DateTime, TimeDelta, Utc};
use hmac::Mac;
use jsonwebtoken::crypto::{CryptoProvider, JwkUtils, JwtSigner, JwtVerifier};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::signature::{Error as SignatureError, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use database::ids::{AgentId, SessionId, TenantId};

use super::codes::CodeKey;
use crate::seal::MasterKey;

/// How long a token is valid.
pub const LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// How far the clocks of two processes may be apart, in seconds.
const LEEWAY_SECS: u64 = 5;

/// Longest token that is looked at, in bytes.
const MAX_BYTES: usize = 2_048;

const ISSUER: &str = "deskwork";
const AUDIENCE: &str = "deskwork-api";

/// Names the key, so that another one can follow while tokens of this one are still about.
const KEY_ID: &str = "access-1";

/// Who calls, as a token says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claims {
    /// The person.
    pub agent: AgentId,
    /// The sign-in.
    pub session: SessionId,
    /// The person's tenant.
    pub tenant: TenantId,
}

#[derive(Debug, Serialize, Deserialize)]
struct Written {
    iss: String,
    aud: String,
    sub: AgentId,
    sid: SessionId,
    tid: TenantId,
    iat: i64,
    exp: i64,
}

/// Makes and reads tokens.
#[derive(Clone)]
pub struct AccessTokens {
    sign: EncodingKey,
    read: DecodingKey,
    validation: Validation,
}

impl AccessTokens {
    /// Tokens under this master key.
    pub fn new(master: &MasterKey) -> AccessTokens {
        // Whoever comes second finds the same one.
        let _ = HMAC.install_default();
        let key = CodeKey::of(master, "access tokens");
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.leeway = LEEWAY_SECS;
        validation.validate_nbf = true;
        AccessTokens {
            sign: EncodingKey::from_secret(key.bytes()),
            read: DecodingKey::from_secret(key.bytes()),
            validation,
        }
    }

    /// A token that is valid from now on for [`LIFETIME`].
    pub fn make(&self, claims: Claims, now: DateTime<Utc>) -> String {
        let written = Written {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: claims.agent,
            sid: claims.session,
            tid: claims.tenant,
            iat: now.timestamp(),
            exp: (now + LIFETIME).timestamp(),
        };
        let header = Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::HS256) };
        encode(&header, &written, &self.sign).expect("claims are plain data")
    }

    /// Who calls, when the token is one of ours and valid by this machine's clock.
    pub fn read(&self, token: &str) -> Option<Claims> {
        if token.len() > MAX_BYTES {
            return None;
        }
        let read = decode::<Written>(token, &self.read, &self.validation).ok()?;
        if read.header.kid.as_deref() != Some(KEY_ID) {
            return None;
        }
        let Written { sub, sid, tid, .. } = read.claims;
        Some(Claims { agent: sub, session: sid, tenant: tid })
    }
}

impl std::fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccessTokens(hidden)")
    }
}

/// The one algorithm, over the HMAC that the workspace has; the crate's own providers would bring a second one and four
/// kinds of signatures that nobody here may use.
static HMAC: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| match algorithm {
        Algorithm::HS256 => Ok(Box::new(Sha256Mac(key.inner().to_vec()))),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    },
    verifier_factory: |algorithm, key| match algorithm {
        Algorithm::HS256 => Ok(Box::new(Sha256Mac(key.try_get_hmac_secret()?.to_vec()))),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    },
    jwk_utils: JwkUtils::new_unimplemented(),
};

struct Sha256Mac(Vec<u8>);

impl Sha256Mac {
    fn of(&self, message: &[u8]) -> hmac::Hmac<sha2::Sha256> {
        use hmac::KeyInit;
        let mut mac = hmac::Hmac::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(message);
        mac
    }
}

impl Signer<Vec<u8>> for Sha256Mac {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        Ok(self.of(message).finalize().into_bytes().to_vec())
    }
}

impl JwtSigner for Sha256Mac {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Verifier<Vec<u8>> for Sha256Mac {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        self.of(message).verify_slice(signature).map_err(|_| SignatureError::new())
    }
}

impl JwtVerifier for Sha256Mac {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;

    fn tokens(byte: u8) -> AccessTokens {
        let key = base64::engine::general_purpose::STANDARD.encode([byte; 32]);
        AccessTokens::new(&key.parse().expect("a master key"))
    }

    fn claims() -> Claims {
        Claims { agent: AgentId::new(), session: SessionId::new(), tenant: TenantId::new() }
    }

    /// A token with these parts, signed as ours are.
    fn forged(tokens: &AccessTokens, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = Sha256Mac(tokens.sign.inner().to_vec()).try_sign(message.as_bytes()).expect("signed");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    #[test]
    fn a_token_is_read_by_its_own_key_while_it_is_valid() {
        let (ours, claims, now) = (tokens(7), claims(), Utc::now());
        assert_eq!(ours.read(&ours.make(claims, now)), Some(claims));
        assert_eq!(tokens(8).read(&ours.make(claims, now)), None);
        assert_eq!(ours.read(&ours.make(claims, now - LIFETIME - TimeDelta::seconds(6))), None);
    }

    #[test]
    fn nothing_but_our_own_form_is_a_token() {
        let ours = tokens(7);
        let now = Utc::now().timestamp();
        let header = json!({"alg": "HS256", "typ": "JWT", "kid": KEY_ID});
        let good = json!({"iss": ISSUER, "aud": AUDIENCE, "sub": AgentId::new(), "sid": SessionId::new(),
            "tid": TenantId::new(), "iat": now, "exp": now + 60});
        assert!(ours.read(&forged(&ours, &header, &good)).is_some());
        for header in [
            json!({"alg": "none", "kid": KEY_ID}),
            json!({"alg": "HS512", "kid": KEY_ID}),
            json!({"alg": "RS256", "kid": KEY_ID}),
            json!({"alg": "HS256"}),
            json!({"alg": "HS256", "kid": "access-0"}),
        ] {
            assert_eq!(ours.read(&forged(&ours, &header, &good)), None, "{header}");
        }
        for (field, value) in [
            ("iss", json!("another")),
            ("aud", json!("deskwork-links")),
            ("aud", json!(null)),
            ("exp", json!(now - 60)),
            ("exp", json!("never")),
            ("exp", json!(null)),
            ("nbf", json!(now + 600)),
            ("sub", json!("x")),
            ("sid", json!(null)),
        ] {
            let mut claims = good.clone();
            claims[field] = value;
            assert_eq!(ours.read(&forged(&ours, &header, &claims)), None, "{field}");
        }
        let whole = forged(&ours, &header, &good);
        let unsigned = whole.rsplit_once('.').expect("three parts").0;
        for text in ["", ".", "..", "a.b.c", unsigned, &format!("{unsigned}."), &"x".repeat(5_000)] {
            assert_eq!(ours.read(text), None, "{text}");
        }
    }
}
