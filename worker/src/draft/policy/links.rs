//! Addresses in a text: links, sites that are named without a scheme, and addresses of mail.

/// The ends of names that people know for sites. A point without a space behind it makes no site of two sentences.
const ENDS: &[&str] = &[
    "com", "net", "org", "info", "io", "shop", "store", "online", "app", "eu", "de", "at", "ch", "fr", "es",
    "it", "nl", "be", "pt", "pl", "se", "dk", "no", "fi", "uk", "ie", "us", "ca", "au", "co", "me", "ly",
    "link", "page", "site", "example",
];

fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| {
        c.is_whitespace() || matches!(c, '"' | '(' | ')' | '<' | '>' | '[' | ']' | ',' | ';' | '|')
    })
}

/// A piece without the punctuation behind it.
fn trimmed(piece: &str) -> &str {
    piece.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '/')
}

/// The links of a text, in lower case.
pub(super) fn links(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '(' | ')' | '<' | '>' | '[' | ']'))
        .filter_map(|piece| {
            let lower = piece.to_lowercase();
            let start =
                lower.find("http://").or_else(|| lower.find("https://")).or_else(|| lower.find("www."))?;
            Some(trimmed(&lower[start..]).to_owned())
        })
}

/// The addresses of mail, in lower case.
pub(super) fn addresses(text: &str) -> impl Iterator<Item = String> + '_ {
    pieces(text).filter_map(|piece| {
        let piece = piece.to_lowercase();
        let address = piece.rsplit(':').next().unwrap_or_default();
        let address =
            trimmed(address).trim_start_matches(|c: char| !c.is_alphanumeric()).trim_end_matches('/');
        let (name, host) = address.split_once('@')?;
        let is_one = !name.is_empty() && host.contains('.') && !host.contains('@');
        is_one.then(|| address.to_owned())
    })
}

/// The sites that are named without a scheme (`track.example/1`), in lower case.
pub(super) fn bare(text: &str) -> impl Iterator<Item = String> + '_ {
    pieces(text).filter_map(|piece| {
        let is_other = piece.contains('@') || piece.contains("://") || piece.to_lowercase().contains("www.");
        let site = trimmed(piece).trim_start_matches(|c: char| !c.is_alphanumeric());
        let host = site.split(['/', ':', '?', '#']).next().unwrap_or_default();
        let (name, end) = host.rsplit_once('.')?;
        // `sent.It` is the end of a sentence and the beginning of another, and `3.5.no` no name.
        let is_name = name
            .split('.')
            .all(|label| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-'))
            && name.chars().any(char::is_alphabetic);
        (!is_other && is_name && name.len() >= 2 && ENDS.contains(&end)).then(|| site.to_lowercase())
    })
}

/// A link without what may be left out of it: the scheme, `www.`, and a slash at the end.
pub(super) fn plain(link: &str) -> &str {
    let link = link.trim_start_matches("https://").trim_start_matches("http://").trim_start_matches("www.");
    link.trim_end_matches('/')
}

/// Whether a link leads to a site that is named without its scheme: all of it, or its host alone.
pub(super) fn is_of(link: &str, site: &str) -> bool {
    let (link, site) = (plain(link), plain(site));
    link == site || link.split('/').next() == Some(site)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_and_addresses_are_told_from_words() {
        for (text, sites) in [
            ("Follow it at track.example/1, please.", vec!["track.example/1"]),
            ("(bit.ly/xyz) or Paket-Suche.de.", vec!["bit.ly/xyz", "paket-suche.de"]),
            ("It was sent.It left e.g. at 3.50 or 12.03.2026; z.B. am 5.de", vec![]),
            ("help@shop.example, https://shop.example, www.shop.example", vec![]),
        ] {
            assert_eq!(bare(text).collect::<Vec<_>>(), sites, "{text}");
        }
        let found: Vec<String> =
            addresses("Write to <Help@Shop.example>, mailto:b@c.example. Not @shop or a@b.").collect();
        assert_eq!(found, ["help@shop.example", "b@c.example"]);
        assert!(
            is_of("https://www.shop.example/a", "shop.example")
                && is_of("https://shop.example/a", "shop.example/a")
        );
        assert!(
            !is_of("https://shop.example/a", "shop.example/b")
                && !is_of("https://shop.example", "op.example")
        );
    }
}
