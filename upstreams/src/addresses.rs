//! Which addresses this process may call.
//!
//! Base URLs come from tenants' settings, so a call could be aimed at the inside of our own network. The rule
//! is checked twice: on the URL, and on every address that its name resolves to, at the moment of connecting
//! (a name may point elsewhere than it did a second ago).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;

/// Where calls may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destinations {
    /// `https` to public addresses, and nothing else.
    PublicOnly,
    /// Also `http` and `https` to this very machine; for the demo and for tests.
    PublicOrLoopback,
}

/// A destination that the rule forbids; the text is the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Forbidden(pub &'static str);

const NOT_PUBLIC: Forbidden = Forbidden("it is not a public address");

impl Destinations {
    /// Checks scheme, credentials in the URL, and the host when it is a literal address.
    pub fn check_url(self, url: &Url) -> Result<(), Forbidden> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Forbidden("a URL must not carry a user name or password"));
        }
        let host = url.host_str().ok_or(Forbidden("it has no host"))?;
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
        match url.scheme() {
            "https" => {}
            "http" if self == Self::PublicOrLoopback => {
                if !literal.map_or_else(|| is_localhost(host), is_loopback) {
                    return Err(Forbidden("plain http is for loopback only"));
                }
            }
            _ => return Err(Forbidden("the scheme must be https")),
        }
        literal.map_or(Ok(()), |address| self.check_address(address))
    }

    fn check_address(self, address: IpAddr) -> Result<(), Forbidden> {
        let loopback_is_fine = self == Self::PublicOrLoopback && is_loopback(address);
        if is_public(address) || loopback_is_fine { Ok(()) } else { Err(NOT_PUBLIC) }
    }
}

/// The resolver given to the HTTP client: the system's answer, without the addresses that are forbidden.
#[derive(Debug, Clone, Copy)]
pub struct CheckedResolver(pub Destinations);

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let destinations = self.0;
        Box::pin(async move {
            let host = name.as_str();
            let found = tokio::net::lookup_host((host, 0)).await?;
            let allowed = allowed_addresses(destinations, host, found)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

fn allowed_addresses(
    destinations: Destinations,
    host: &str,
    found: impl Iterator<Item = SocketAddr>,
) -> Result<Vec<SocketAddr>, Forbidden> {
    let allowed: Vec<SocketAddr> = found
        .filter(|address| destinations.check_address(address.ip()).is_ok())
        .filter(|address| !is_localhost(host) || is_loopback(address.ip()))
        .collect();
    if allowed.is_empty() { Err(NOT_PUBLIC) } else { Ok(allowed) }
}

fn is_localhost(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost")
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Whether an address belongs to the public internet (IANA's special-purpose registries), the clouds' own
/// metadata addresses excluded.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19))
        || address == Ipv4Addr::new(168, 63, 129, 16);
    !special
}

/// Only global unicast (2000::/3) counts, less the ranges in it that tunnel or are for examples; NAT64 counts
/// as the address inside it.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let s = address.segments();
    if s[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        let [.., a, b, c, d] = address.octets();
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    let special = (s[0] == 0x2001 && (s[1] < 0x200 || s[1] == 0xdb8))
        || s[0] == 0x2002
        || (s[0] == 0x3fff && s[1] < 0x1000);
    s[0] & 0xe000 == 0x2000 && !special
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().expect("an address"))
    }

    #[test]
    fn inside_addresses_are_not_public() {
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.0.192",
            "198.18.0.1",
            "168.63.129.16",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a00:1::1",
            "2001:db8::1",
            "2001::1",
            "::10.0.0.1",
            "fec0::1",
        ] {
            assert!(!public(inside), "{inside}");
        }
        for outside in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "64:ff9b::101:101"] {
            assert!(public(outside), "{outside}");
        }
    }

    #[test]
    fn urls_are_https_or_explicit_loopback() {
        let check =
            |rule: Destinations, text: &str| rule.check_url(&Url::parse(text).expect("a URL")).is_ok();
        for rule in [Destinations::PublicOnly, Destinations::PublicOrLoopback] {
            assert!(check(rule, "https://shop.gorgias.com/api"));
            for bad in [
                "http://shop.gorgias.com",
                "ftp://shop.gorgias.com",
                "https://user:pw@shop.gorgias.com",
                "https://10.0.0.1",
                "http://10.0.0.1",
                "https://[fe80::1]/",
                "https://2130706433.example:1@10.1.1.1",
                "https://0xa9fea9fe/",
                "http://localhost.evil.example",
            ] {
                assert!(!check(rule, bad), "{bad}");
            }
        }
        for local in ["http://127.0.0.1:81", "http://[::1]:81", "http://localhost:81", "https://127.0.0.1"] {
            assert!(check(Destinations::PublicOrLoopback, local), "{local}");
        }
        for local in
            ["http://127.0.0.1:81", "https://127.0.0.1", "https://[::ffff:127.0.0.1]", "https://0x7f.1"]
        {
            assert!(!check(Destinations::PublicOnly, local), "{local}");
        }
    }

    #[test]
    fn resolved_addresses_are_checked() {
        let mixed =
            || ["10.0.0.1:0", "1.1.1.1:0"].map(|a| a.parse::<SocketAddr>().expect("address")).into_iter();
        let allowed =
            allowed_addresses(Destinations::PublicOnly, "a.example", mixed()).expect("one is public");
        assert_eq!(allowed, ["1.1.1.1:0".parse().expect("address")]);
        assert!(allowed_addresses(Destinations::PublicOrLoopback, "localhost", mixed()).is_err());
    }

    proptest! {
        /// A mapped address is exactly as public as the address inside it.
        #[test]
        fn mapping_hides_nothing(bits: u32) {
            let inner = Ipv4Addr::from(bits);
            prop_assert_eq!(is_public(IpAddr::V4(inner)), is_public(IpAddr::V6(inner.to_ipv6_mapped())));
        }
    }
}
