//! How Shopify proves what it sends: a query by `hmac` in hexadecimal, a webhook by a header in base64, both HMAC-SHA256
//! under the app's secret. While a secret is replaced, which takes Shopify up to an hour, two are accepted.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The app's secrets: the one that holds, and the one before while it is replaced. Printing them shows nothing.
#[derive(Clone)]
pub struct AppSecrets(Vec<String>);

impl std::fmt::Debug for AppSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AppSecrets").field(&self.0.len()).finish()
    }
}

impl AppSecrets {
    /// Of these, the ones that are not empty.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> AppSecrets {
        AppSecrets(secrets.into_iter().filter(|secret| !secret.is_empty()).collect())
    }

    /// Whether a webhook's body was signed by the app's shop. Each comparison takes the same time in any case.
    pub fn prove_body(&self, body: &[u8], header: &str) -> bool {
        let Ok(signature) = STANDARD.decode(header.trim()) else { return false };
        self.0.iter().any(|secret| mac(secret, body).verify_slice(&signature).is_ok())
    }

    /// Whether a query, as it came, was signed by Shopify.
    pub fn prove_query(&self, query: &str) -> bool {
        let pairs: Vec<(&str, &str)> =
            query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
        let mut signatures = pairs.iter().filter(|(name, _)| *name == "hmac");
        let (Some((_, signature)), None) = (signatures.next(), signatures.next()) else { return false };
        let Ok(signature) = hex::decode(signature) else { return false };
        let rest: Vec<(&str, &str)> =
            pairs.iter().copied().filter(|(name, _)| *name != "hmac" && *name != "signature").collect();
        // Libraries of Shopify's differ in whether values are signed as they are sent or as they are meant.
        let decoded = url::form_urlencoded::parse(query.as_bytes())
            .filter(|(name, _)| name != "hmac" && name != "signature")
            .map(|(name, value)| (escaped(&name).replace('=', "%3D"), escaped(&value)))
            .collect::<Vec<_>>();
        let sent = signed_text(rest.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        let meant = signed_text(decoded.into_iter());
        self.0.iter().any(|secret| {
            [&sent, &meant].iter().any(|text| mac(secret, text.as_bytes()).verify_slice(&signature).is_ok())
        })
    }
}

/// A value that cannot be taken for another parameter.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('&', "%26")
}

fn signed_text(pairs: impl Iterator<Item = (String, String)>) -> String {
    let mut pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={value}")).collect();
    pairs.sort_unstable();
    pairs.join("&")
}

/// The header that proves a body, for whoever plays Shopify.
pub fn sign_body(secret: &str, body: &[u8]) -> String {
    STANDARD.encode(mac(secret, body).finalize().into_bytes())
}

/// The `hmac` that proves a query without it, for whoever plays Shopify.
pub fn sign_query(secret: &str, query: &str) -> String {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let text = signed_text(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
    hex::encode(mac(secret, text.as_bytes()).finalize().into_bytes())
}

/// The domain of a shop, if it is one: what is called and redirected to must not be any other host.
pub fn shop_domain(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let name = text.strip_suffix(".myshopify.com")?;
    let is_name = (1..=60).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !name.starts_with('-');
    is_name.then_some(text)
}

fn mac(secret: &str, text: &[u8]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .expect("HMAC takes keys of any length")
        .chain_update(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const QUERY: &str = "code=0907a61c0c8d55e99db179b68161bc00&shop=some-shop.myshopify.com&state=0.6784241404160823&timestamp=1337178173";
    const HMAC: &str = "700e2dadb827fcc8609e9d5ce208b2e9cdaab9df07390d2cbca10d7c328fc4bf";

    #[test]
    fn the_published_query_is_proven_in_any_order_and_no_other() {
        let secrets = AppSecrets::new(["hush".to_owned()]);
        assert_eq!(sign_query("hush", QUERY), HMAC);
        assert!(secrets.prove_query(&format!("{QUERY}&hmac={HMAC}")));
        assert!(
            secrets.prove_query(&format!("hmac={HMAC}&timestamp=1337178173&{}", &QUERY[..QUERY.len() - 21]))
        );
        assert!(!secrets.prove_query(QUERY));
        assert!(!secrets.prove_query(&format!("{QUERY}&hmac={HMAC}&hmac={HMAC}")));
        assert!(!secrets.prove_query(&format!("{}&hmac={HMAC}", QUERY.replace("some-shop", "evil-shop"))));
        assert!(!AppSecrets::new(["other".to_owned()]).prove_query(&format!("{QUERY}&hmac={HMAC}")));
    }

    #[test]
    fn a_body_is_proven_by_either_secret() {
        let header = "plW8VGqq0nDMIEhDqaNNW99asdUCy7EIqLZVcQwtAZ0=";
        assert_eq!(sign_body("shop-secret", b"{\"id\":1}"), header);
        let both = AppSecrets::new(["new".to_owned(), "shop-secret".to_owned()]);
        assert!(both.prove_body(b"{\"id\":1}", header));
        assert!(!both.prove_body(b"{\"id\":2}", header));
        assert!(!both.prove_body(b"{\"id\":1}", ""));
        assert!(
            !AppSecrets::new([String::new()]).prove_body(b"", &sign_body("", b"")),
            "no secret proves nothing"
        );
    }

    #[test]
    fn only_shops_are_shops() {
        assert_eq!(shop_domain(" Some-Shop.myshopify.com").as_deref(), Some("some-shop.myshopify.com"));
        for bad in [
            "",
            ".myshopify.com",
            "shop.example.com",
            "a.b.myshopify.com",
            "shop.myshopify.com.evil.example",
            "evil.example/shop.myshopify.com",
            "evil.example#.myshopify.com",
            "-x.myshopify.com",
            "shop.myshopify.com/admin",
        ] {
            assert_eq!(shop_domain(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_signed_is_proven_and_a_changed_value_is_not(secret in "[a-z]{1,20}", name in "[a-z]{1,8}", value in "[a-zA-Z0-9 %&=+]{0,20}") {
            let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair(&name, &value).finish();
            let secrets = AppSecrets::new([secret.clone()]);
            let hmac = sign_query(&secret, &query);
            prop_assume!(name != "hmac" && name != "signature");
            let whole = format!("{query}&hmac={hmac}");
            let changed = format!("{query}x&hmac={hmac}");
            prop_assert!(secrets.prove_query(&whole));
            prop_assert!(!secrets.prove_query(&changed));
        }

        #[test]
        fn nothing_panics(query in ".{0,200}", header in ".{0,60}") {
            let secrets = AppSecrets::new(["s".to_owned()]);
            secrets.prove_query(&query);
            secrets.prove_body(query.as_bytes(), &header);
            let _ = shop_domain(&query);
        }
    }
}
