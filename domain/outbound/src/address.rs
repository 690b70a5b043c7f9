//! Where a tenant may have its events delivered: at an https address of the public internet. The address is read as
//! written here; what a name leads to is checked again by the client at the moment of each connection.

use accounts::base_url::{self, BaseUrlError, Loopback};
use url::Url;

/// Longest address, in characters.
pub const MAX_CHARS: usize = 2_000;

/// Checks an address and returns it as it will be called. Unlike the base of an API it may have a query, which is
/// where some receivers want their key.
///
/// # Errors
/// Which rule it breaks.
pub fn check(text: &str, loopback: Loopback) -> Result<String, BaseUrlError> {
    let url = Url::parse(text.trim()).map_err(|_| BaseUrlError::NotAUrl)?;
    if url.as_str().chars().count() > MAX_CHARS {
        return Err(BaseUrlError::NotAUrl);
    }
    if url.fragment().is_some() {
        return Err(BaseUrlError::Extras);
    }
    let mut bare = url.clone();
    bare.set_query(None);
    base_url::check(bare.as_str(), loopback)?;
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_https_addresses_are_taken() {
        let taken = |text: &str| check(text, Loopback::Refused);
        assert_eq!(
            taken(" https://hooks.example.com/a?key=1 "),
            Ok("https://hooks.example.com/a?key=1".to_owned())
        );
        for (text, why) in [
            ("http://hooks.example.com/", BaseUrlError::NotHttps),
            ("ftp://hooks.example.com/", BaseUrlError::NotHttps),
            ("https://10.0.0.1/", BaseUrlError::Private),
            ("https://169.254.169.254/latest/meta-data", BaseUrlError::Private),
            ("https://[::ffff:10.0.0.1]/", BaseUrlError::Private),
            ("https://0xa9fea9fe/", BaseUrlError::Private),
            ("https://2130706433/", BaseUrlError::Private),
            ("https://localhost/", BaseUrlError::Private),
            ("https://db.internal/", BaseUrlError::Private),
            ("https://user:secret@hooks.example.com/", BaseUrlError::Extras),
            ("https://hooks.example.com/#a", BaseUrlError::Extras),
            ("hooks.example.com", BaseUrlError::NotAUrl),
            ("", BaseUrlError::NotAUrl),
        ] {
            assert_eq!(taken(text), Err(why), "{text}");
        }
        assert!(check("http://127.0.0.1:9000/x?y", Loopback::Allowed).is_ok());
        assert_eq!(taken(&format!("https://a.example/{}", "x".repeat(2_000))), Err(BaseUrlError::NotAUrl));
    }
}
