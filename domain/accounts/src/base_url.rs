//! Which addresses a tenant may configure as an upstream: public https ones.
//!
//! This check reads the address as written; the HTTP client checks what a name resolves to when it connects.

use std::net::IpAddr;

use url::{Host, Url};

use crate::public_address::is_public;

/// Whether addresses of this machine are accepted (for development and tests), also without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loopback {
    /// Only public addresses.
    Refused,
    /// Loopback as well.
    Allowed,
}

/// Why an address is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Not an absolute URL.
    #[error("the address is not a URL")]
    NotAUrl,
    /// Neither https nor (where allowed) http to this machine.
    #[error("the address must begin with https://")]
    NotHttps,
    /// User, password, query or fragment are part of it.
    #[error("the address must not contain a user, password, query or fragment")]
    Extras,
    /// Points into a private network or at this machine.
    #[error("the address points into a private network")]
    Private,
}

/// Checks an upstream's base address and returns it without a trailing slash.
pub fn check(text: &str, loopback: Loopback) -> Result<String, BaseUrlError> {
    let url = Url::parse(text).map_err(|_| BaseUrlError::NotAUrl)?;
    let host = url.host().ok_or(BaseUrlError::NotAUrl)?;
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(BaseUrlError::Extras);
    }
    let is_loopback = loopback == Loopback::Allowed && is_loopback(&host);
    if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback) {
        return Err(BaseUrlError::NotHttps);
    }
    if !is_loopback && is_private(&host) {
        return Err(BaseUrlError::Private);
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

fn is_private(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            let ends = |suffix: &str| name.ends_with(suffix);
            // A name without a dot is a machine of the local network.
            !name.contains('.') || ends(".localhost") || ends(".local") || ends(".internal") || ends(".lan")
        }
        Host::Ipv4(address) => !is_public(IpAddr::V4(*address)),
        Host::Ipv6(address) => !is_public(IpAddr::V6(*address)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_by_table() {
        use BaseUrlError::*;
        let table = [
            ("https://shop.gorgias.com/api/", Ok("https://shop.gorgias.com/api")),
            ("https://8.8.8.8", Ok("https://8.8.8.8")),
            ("shop.gorgias.com", Err(NotAUrl)),
            ("http://shop.gorgias.com", Err(NotHttps)),
            ("ftp://shop.gorgias.com", Err(NotHttps)),
            ("http://127.0.0.1:9", Err(NotHttps)),
            ("https://127.0.0.1", Err(Private)),
            ("https://10.1.2.3", Err(Private)),
            ("https://169.254.169.254/latest", Err(Private)),
            ("https://100.64.0.1", Err(Private)),
            ("https://0x7f000001", Err(Private)),
            ("https://[::1]", Err(Private)),
            ("https://[::ffff:10.0.0.1]", Err(Private)),
            ("https://[64:ff9b::a00:1]", Err(Private)),
            ("https://[fd00::1]", Err(Private)),
            ("https://metadata.google.internal", Err(Private)),
            ("https://intranet", Err(Private)),
            ("https://localhost", Err(Private)),
            ("https://user:pass@shop.gorgias.com", Err(Extras)),
            ("https://shop.gorgias.com?x=1", Err(Extras)),
        ];
        for (text, expected) in table {
            assert_eq!(check(text, Loopback::Refused).as_deref(), expected.as_deref(), "{text}");
        }
        assert_eq!(check("http://127.0.0.1:9/", Loopback::Allowed).as_deref(), Ok("http://127.0.0.1:9"));
        assert_eq!(check("http://10.0.0.1", Loopback::Allowed), Err(NotHttps));
        assert_eq!(check("https://10.0.0.1", Loopback::Allowed), Err(Private));
    }
}
