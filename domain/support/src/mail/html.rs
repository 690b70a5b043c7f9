//! The HTML of a mail made safe to show: no scripts, no styles, no forms, and no pictures, because those of strangers tell
//! their senders who looked and when. The files of a mail are beside it.

use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};

/// Longer HTML is left out; the text says the same.
pub const MAX_BYTES: usize = 256 * 1024;
/// HTML of more tags is left out: trees that are built of very many take very long.
const MAX_TAGS: usize = 20_000;
/// HTML that is nested deeper is left out.
const MAX_DEPTH: usize = 200;

static SAFE: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .rm_tags(["img", "map", "area"])
        .url_schemes(["http", "https", "mailto", "tel"].into())
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow"));
    builder
});

/// What of it may be shown; none when nothing is left, or when it is more than anybody wrote by hand.
pub fn sanitised(html: &str) -> Option<String> {
    if html.len() > MAX_BYTES || !is_modest(html.as_bytes()) {
        return None;
    }
    let safe = SAFE.clean(html).to_string();
    (!safe.trim().is_empty() && safe.len() <= 2 * MAX_BYTES).then_some(safe)
}

/// Few enough tags, nested no deeper than people write. Opened elements that are never closed count as nested, but for
/// those that contain nothing.
fn is_modest(html: &[u8]) -> bool {
    let (mut tags, mut depth) = (0_usize, 0_usize);
    let mut deepest = 0;
    for (at, pair) in html.windows(2).enumerate() {
        match pair {
            [b'<', b'/'] => depth = depth.saturating_sub(1),
            [b'<', next] if next.is_ascii_alphabetic() => {
                tags += 1;
                depth += usize::from(!contains_nothing(&html[at + 1..]));
            }
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    // `p`, `li` and their like are opened without being closed.
    tags <= MAX_TAGS && deepest <= MAX_DEPTH.max(tags / 2).min(MAX_DEPTH * 10)
}

/// Whether the tag that begins here has no end.
fn contains_nothing(tag: &[u8]) -> bool {
    let name = tag.split(|byte| !byte.is_ascii_alphanumeric()).next().unwrap_or_default();
    [&b"br"[..], b"hr", b"img", b"input", b"link", b"meta", b"col", b"wbr"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_runs_or_calls_home_is_taken_out() {
        let html = "<style>p{}</style><script>x()</script><p onclick='y()'>Hello <b>Ann</b> \
                    <a href='javascript:z()'>a</a><a href='https://x.example/'>b</a><img src='https://t.example/p.gif'>\
                    <form action='https://x.example'><input></form><svg onload='q()'></svg><iframe src='https://x'></iframe></p>";
        let safe = sanitised(html).expect("something is left");
        for gone in [
            "script",
            "onclick",
            "javascript",
            "<img",
            "style",
            "<form",
            "<input",
            "svg",
            "iframe",
            "t.example",
        ] {
            assert!(!safe.contains(gone), "{gone}: {safe}");
        }
        assert!(safe.contains("<b>Ann</b>") && safe.contains("https://x.example/"), "{safe}");
        assert_eq!(sanitised("<script>x()</script>"), None);
    }

    #[test]
    fn bombs_are_left_out() {
        assert_eq!(sanitised(&"<b>".repeat(85_000)), None);
        assert_eq!(sanitised(&"<div>".repeat(15_000)), None);
        assert_eq!(sanitised(&"<table><tr><td>".repeat(6_000)), None);
        assert_eq!(sanitised(&"x".repeat(MAX_BYTES + 1)), None);
        assert!(sanitised(&"line<br>".repeat(500)).is_some());
    }

    proptest! {
        #[test]
        fn what_is_safe_stays_as_it_is(pieces in proptest::collection::vec(
            prop_oneof!["<[a-z]{1,6}( [a-z]{1,5}='?[a-z:/]{0,9}'?)?>", "</[a-z]{1,6}>", "[a-z <>&\"']{0,10}"], 0..30,
        )) {
            if let Some(safe) = sanitised(&pieces.concat()) {
                prop_assert!(!safe.contains("<script") && !safe.contains(" on"));
                prop_assert_eq!(sanitised(&safe), Some(safe));
            }
        }
    }
}
