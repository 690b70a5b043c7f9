//! Forms as browsers send them.

use axum::http::Uri;

/// A form of more bytes than this is not one of ours.
pub const FORM_BYTES: usize = 256 << 10;

/// The fields of a form.
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads a body; none when it is no form.
    pub fn read(body: &[u8]) -> Option<Fields> {
        if body.len() > FORM_BYTES {
            return None;
        }
        let pairs = url::form_urlencoded::parse(body).into_owned().collect();
        Some(Fields(pairs))
    }

    /// A field without what nobody can see; empty when it is missing.
    pub fn text(&self, name: &str) -> String {
        let value = self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value);
        value.replace("\r\n", "\n").chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect()
    }
}

/// A parameter of an address.
pub fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query()?;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.chars().filter(|c| !c.is_control()).take(400).collect())
}
