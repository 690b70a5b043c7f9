//! A country that a list is narrowed down to.

/// The code of a country, two capital letters as in ISO 3166.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Country([u8; 2]);

impl Country {
    /// The country of a code in small or capital letters; none when it is no code.
    pub fn of(code: &str) -> Option<Country> {
        match code.as_bytes() {
            [one, other] if one.is_ascii_alphabetic() && other.is_ascii_alphabetic() => {
                Some(Country([one.to_ascii_uppercase(), other.to_ascii_uppercase()]))
            }
            _ => None,
        }
    }

    /// The condition over the columns of [`crate::analytics::base`]. Two letters may stand in a statement.
    pub(super) fn condition(self) -> String {
        let [one, other] = self.0.map(char::from);
        format!("shipping_country = '{one}{other}'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_two_letters_and_nothing_else() {
        for (code, condition) in [("DE", "shipping_country = 'DE'"), ("at", "shipping_country = 'AT'")] {
            assert_eq!(Country::of(code).map(Country::condition).as_deref(), Some(condition));
        }
        for code in ["", "D", "DEU", "D'", "1E", "ÄT", "D ", "--"] {
            assert_eq!(Country::of(code), None, "{code}");
        }
    }
}
