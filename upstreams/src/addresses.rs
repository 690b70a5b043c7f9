//! Which addresses this process may call.
//!
//! Base URLs come from tenants' settings, so a call could be aimed at the inside of our own network. The rule
//! is checked twice: on the URL, and on every address that its name resolves to, at the moment of connecting
//! (a name may point elsewhere than it did a second ago).

use std::net::{IpAddr, SocketAddr};

use accounts::public_address::is_public;
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
    /// Reads a base URL that may be called.
    ///
    /// # Errors
    /// It is no URL, or one that the rule forbids.
    pub fn base_url(self, text: &str) -> Result<Url, Forbidden> {
        let url = Url::parse(text.trim()).map_err(|_| Forbidden("it is not a URL"))?;
        self.check_url(&url)?;
        Ok(url)
    }

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

/// Of the addresses that a name leads to, those that may be called.
pub(crate) fn allowed_addresses(
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

#[cfg(test)]
mod tests {
    use accounts::base_url::{self, Loopback};
    use proptest::prelude::*;

    use super::*;

    /// Whether a tenant may configure the address, and whether it would then be called.
    fn accepted_and_called(address: IpAddr) -> (bool, bool) {
        let url = match address {
            IpAddr::V4(address) => format!("https://{address}/api"),
            IpAddr::V6(address) => format!("https://[{address}]/api"),
        };
        let accepted = base_url::check(&url, Loopback::Refused).is_ok();
        let url = Url::parse(&url).expect("a URL");
        (accepted, Destinations::PublicOnly.check_url(&url).is_ok())
    }

    #[test]
    fn what_may_be_configured_may_be_called_and_nothing_else() {
        for inside in
            ["10.1.2.3", "168.63.129.16", "192.88.99.1", "::1.1.1.1", "2002:101:101::1", "2001::1", "3fff::1"]
        {
            assert_eq!(accepted_and_called(inside.parse().expect(inside)), (false, false), "{inside}");
        }
        for outside in ["1.1.1.1", "2606:4700:4700::1111", "64:ff9b::101:101"] {
            assert_eq!(accepted_and_called(outside.parse().expect(outside)), (true, true), "{outside}");
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
        #[test]
        fn settings_and_calls_agree_about_any_address(v4: u32, v6: u128, global in 0x2000u128..0x4000) {
            let global = (global << 112) | (v6 >> 16);
            let nat64 = (0x64ff9b_u128 << 96) | u128::from(v4);
            for address in [
                IpAddr::V4(v4.into()),
                IpAddr::V6(v6.into()),
                IpAddr::V6(global.into()),
                IpAddr::V6(nat64.into()),
            ] {
                let (accepted, called) = accepted_and_called(address);
                prop_assert_eq!(accepted, called, "{}", address);
            }
        }
    }
}
