//! Which addresses a tenant may configure as an upstream: public https ones.
//!
//! This check reads the address as written; the HTTP client checks what a name resolves to when it connects.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

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
        Host::Ipv4(address) => is_private_address(IpAddr::V4(*address)),
        Host::Ipv6(address) => is_private_address(IpAddr::V6(*address)),
    }
}

/// Whether an address is anything but a public unicast one.
pub fn is_private_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => is_private_v6(address),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        // Shared address space of carriers, benchmarking, and protocol assignments.
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (b == 18 || b == 19))
        || (a == 192 && b == 0 && c == 0)
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    // An IPv4 address may be wrapped: mapped, compatible, NAT64 or 6to4.
    let [s0, s1, .., s6, s7] = address.segments();
    let wrapped = |high: u16, low: u16| {
        let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
        is_private_v4(Ipv4Addr::new(a, b, c, d))
    };
    if let Some(v4) = address.to_ipv4() {
        return is_private_v4(v4);
    }
    match s0 {
        0x64 if s1 == 0xff9b => wrapped(s6, s7),
        0x2002 => wrapped(s1, address.segments()[2]),
        // Only 2000::/3 is public, less the documentation range.
        0x2001 if s1 == 0xdb8 => true,
        _ => !(0x2000..0x4000).contains(&s0),
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
