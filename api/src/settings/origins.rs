//! Where people and programs come from, as operators write it: origins of web pages, and names of hosts.

use std::str::FromStr;

/// An origin as browsers write it: `https`, or `http` on this machine.
pub(super) struct Origin(pub(super) String);

/// It is none.
pub(super) struct NoOrigin;

impl FromStr for Origin {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Origin, NoOrigin> {
        let text = text.trim().trim_end_matches('/');
        let url = url::Url::parse(text).map_err(|_| NoOrigin)?;
        let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_local);
        // What is more than an origin (a path, a port that goes without saying) would never equal what browsers send.
        let is_exact = url.origin().ascii_serialization() == text && !text.contains('*');
        if is_safe && is_exact { Ok(Origin(text.to_owned())) } else { Err(NoOrigin) }
    }
}

/// Names of hosts, each perhaps with a port.
pub(super) struct Hosts(pub(super) Vec<String>);

impl FromStr for Hosts {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Hosts, NoOrigin> {
        let is_host = |host: &str| {
            let is_plain = host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c));
            is_plain && !host.is_empty() && host.len() <= 253
        };
        let hosts = text.split(',').map(str::trim).map(|host| is_host(host).then(|| host.to_owned()));
        hosts.collect::<Option<_>>().map(Hosts).ok_or(NoOrigin)
    }
}

/// Several of them, with commas between.
pub(super) struct Origins(pub(super) Vec<String>);

impl FromStr for Origins {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Origins, NoOrigin> {
        text.split(',')
            .map(|origin| origin.parse::<Origin>().map(|origin| origin.0))
            .collect::<Result<_, _>>()
            .map(Origins)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_origins_are_let_in() {
        let read = |text: &str| text.parse::<Origins>().ok().map(|origins| origins.0);
        assert_eq!(
            read("https://a.example, http://localhost:3000"),
            Some(vec!["https://a.example".to_owned(), "http://localhost:3000".to_owned()])
        );
        for bad in [
            "*",
            "null",
            "https://*.example",
            "http://a.example",
            "https://a.example/x",
            "a.example",
            ",",
            "https://a.example:443",
            "https://u@a.example",
            "https://a.example?x",
            "ftp://a.example",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
