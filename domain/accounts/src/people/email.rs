//! E-mail addresses of people, in the one form in which they are stored and compared.

/// Not an address that a person can sign in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be one e-mail address of 3 to 320 characters, such as ada@example.com, without a name or comment"
)]
pub struct BadEmail;

/// The address without space around it, in lower case.
///
/// Mail servers may tell `Ada@` from `ada@`, but none that people use does, and a person must not be able to have two
/// logins by writing theirs differently. Quoted local parts and literal hosts are refused.
///
/// # Errors
/// It is no address.
pub fn normal(text: &str) -> Result<String, BadEmail> {
    let text = text.trim();
    let (local, host) = text.rsplit_once('@').ok_or(BadEmail)?;
    let is_part = |part: &str| {
        !part.is_empty()
            && !part.contains(|c: char| c.is_whitespace() || c.is_control() || "@<>()[]\\,;:\"".contains(c))
    };
    let is_host =
        host.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    let normal = text.to_lowercase();
    let has_odd_dots = local.split('.').any(str::is_empty);
    let fits = (3..=320).contains(&normal.chars().count());
    (is_part(local) && !has_odd_dots && is_part(host) && is_host && fits).then_some(normal).ok_or(BadEmail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_has_one_form() {
        for text in ["ada@example.com", " Ada@Example.COM\n", "ADA@EXAMPLE.com"] {
            assert_eq!(normal(text).as_deref(), Ok("ada@example.com"), "{text}");
        }
        assert_eq!(
            normal("jos\u{e9}+desk@b\u{fc}cher.example").as_deref(),
            Ok("jos\u{e9}+desk@b\u{fc}cher.example")
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(310));
        for text in [
            "",
            "@",
            "a@",
            "@b",
            "ada",
            "a@b@c.de",
            "Ada <ada@example.com>",
            "a b@example.com",
            "a@exa mple.com",
            "a..b@example.com",
            ".a@example.com",
            "a@.com",
            "a@example..com",
            "a@example.com.",
            "\"a b\"@example.com",
            "a@[127.0.0.1]",
            "a,b@example.com",
            "a\0b@example.com",
            "a@-b.com",
            long.as_str(),
        ] {
            assert_eq!(normal(text), Err(BadEmail), "{text}");
        }
    }
}
