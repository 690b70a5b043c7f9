//! Countries as people name them, for questions and answers. Any other can be asked for by its code.

/// A country.
#[derive(Debug)]
pub struct Country {
    /// Its code as in ISO 3166.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What people write for it, in small letters.
    pub called: &'static [&'static str],
    /// What they write before whoever lives there.
    pub of_it: &'static [&'static str],
}

const fn country(
    code: &'static str,
    name: &'static str,
    called: &'static [&'static str],
    of_it: &'static [&'static str],
) -> Country {
    Country { code, name, called, of_it }
}

/// The countries that questions can name.
pub static ALL: &[Country] = &[
    country("DE", "Germany", &["germany", "deutschland"], &["german"]),
    country("AT", "Austria", &["austria"], &["austrian"]),
    country("CH", "Switzerland", &["switzerland"], &["swiss"]),
    country("FR", "France", &["france"], &["french"]),
    country("GB", "the United Kingdom", &["uk", "united kingdom", "britain", "great britain"], &["british"]),
    country("IE", "Ireland", &["ireland"], &["irish"]),
    country("US", "the United States", &["usa", "united states"], &["american"]),
    country("CA", "Canada", &["canada"], &["canadian"]),
    country("AU", "Australia", &["australia"], &["australian"]),
    country("NZ", "New Zealand", &["new zealand"], &[]),
    country("ES", "Spain", &["spain"], &["spanish"]),
    country("PT", "Portugal", &["portugal"], &["portuguese"]),
    country("IT", "Italy", &["italy"], &["italian"]),
    country("NL", "the Netherlands", &["netherlands", "holland"], &["dutch"]),
    country("BE", "Belgium", &["belgium"], &["belgian"]),
    country("LU", "Luxembourg", &["luxembourg"], &[]),
    country("PL", "Poland", &["poland"], &["polish"]),
    country("CZ", "Czechia", &["czechia", "czech republic"], &["czech"]),
    country("DK", "Denmark", &["denmark"], &["danish"]),
    country("SE", "Sweden", &["sweden"], &["swedish"]),
    country("NO", "Norway", &["norway"], &["norwegian"]),
    country("FI", "Finland", &["finland"], &["finnish"]),
    country("GR", "Greece", &["greece"], &["greek"]),
    country("CN", "China", &["china"], &["chinese"]),
    country("JP", "Japan", &["japan"], &["japanese"]),
];

/// The name of a country by its code; none when it is not among [`ALL`].
pub fn name(code: &str) -> Option<&'static str> {
    ALL.iter().find(|country| country.code.eq_ignore_ascii_case(code)).map(|country| country.name)
}

#[cfg(test)]
mod tests {
    use platform::analytics::narrowed;

    use super::*;

    #[test]
    fn every_country_has_a_code_and_words_of_its_own() {
        let mut words: Vec<&str> =
            ALL.iter().flat_map(|country| country.called.iter().chain(country.of_it)).copied().collect();
        let all = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), all);
        for country in ALL {
            assert!(narrowed::Country::of(country.code).is_some(), "{}", country.code);
            assert_eq!(name(&country.code.to_lowercase()), Some(country.name));
        }
        assert_eq!(name("XX"), None);
    }
}
