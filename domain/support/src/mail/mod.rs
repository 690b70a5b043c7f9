//! Mail: the shop's mailboxes, what comes to them, and what leaves.
//!
//! A mail is stored as it came with the job that takes it in ([`inbound`]), so whoever hands it over is answered at once.
//! The job reads it ([`letter`]), which needs no database, finds the ticket it belongs to ([`thread`]) and adds it
//! ([`take`]). What a machine sent ([`machine`]) is kept and flagged: nothing answers it, and it reopens nothing.

pub mod acknowledge;
mod bounds;
mod closing;
pub mod header;
pub mod html;
pub mod inbound;
pub mod letter;
pub mod machine;
pub mod mailboxes;
mod mend;
pub mod outbound;
pub mod quotes;
pub mod report;
pub mod setting;
pub mod take;
pub mod thread;
pub mod way_out;

/// An address in the form in which addresses are compared: small letters, without space around it. None when it cannot
/// be one.
pub fn normal_address(text: &str) -> Option<String> {
    let address = text.trim().trim_matches(['<', '>']).to_lowercase();
    let (local, domain) = address.rsplit_once('@')?;
    let is_plain = |c: char| !c.is_control() && !c.is_whitespace() && !"<>,;\"()[]\\".contains(c);
    let is_one = !local.is_empty()
        && local.len() <= 64
        && (1..=255).contains(&domain.len())
        && address.chars().all(is_plain)
        && !local.contains('@')
        && !domain.starts_with('.')
        && !domain.ends_with('.');
    is_one.then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_in_one_form() {
        assert_eq!(normal_address(" Ann.Example@Shop.EXAMPLE ").as_deref(), Some("ann.example@shop.example"));
        assert_eq!(normal_address("<a+b@x.example>").as_deref(), Some("a+b@x.example"));
        for none in ["", "a", "@x", "a@", "a b@x", "a@x,b@y", "a@\0x", "a@b@c", "a@.x", "MAILER-DAEMON"] {
            assert_eq!(normal_address(none), None, "{none}");
        }
    }
}
