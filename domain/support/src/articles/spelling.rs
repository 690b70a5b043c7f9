//! How else a word is spelled: by who has no umlauts on their keyboard, and in Switzerland, where nobody writes `ß`.

/// Two ways in which German writes the same.
const ALIKE: [(&str, &str); 4] = [("ae", "ä"), ("oe", "ö"), ("ue", "ü"), ("ss", "ß")];
/// Places of a word that are spelled in both ways; of more nobody writes a word in several.
const MOST_PLACES: usize = 4;

/// All spellings of a word in small letters, the one that was written first; 16 at most. Some are of no word, and find nothing.
pub fn all(word: &str) -> Vec<String> {
    let word = word.to_lowercase();
    let mut spelled = vec![String::with_capacity(word.len())];
    let (mut rest, mut places) = (word.as_str(), 0);
    while let Some(next) = rest.chars().next() {
        let both = ALIKE.iter().find_map(|(long, short)| {
            let (here, there) = if rest.starts_with(long) { (long, short) } else { (short, long) };
            rest.starts_with(here).then_some((*here, *there))
        });
        match both.filter(|_| places < MOST_PLACES) {
            Some((here, there)) => {
                places += 1;
                let otherwise: Vec<String> = spelled.iter().map(|begun| format!("{begun}{there}")).collect();
                spelled.iter_mut().for_each(|begun| begun.push_str(here));
                spelled.extend(otherwise);
                rest = &rest[here.len()..];
            }
            None => {
                spelled.iter_mut().for_each(|begun| begun.push(next));
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    spelled
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_word_has_its_other_spellings() {
        assert_eq!(all("Lampe"), ["lampe"]);
        assert_eq!(all("oesterreich"), ["oesterreich", "österreich"]);
        assert_eq!(all("Österreich"), ["österreich", "oesterreich"]);
        assert_eq!(all("grösse"), ["grösse", "groesse", "größe", "groeße"]);
        assert!(all("GROESSE").contains(&"größe".to_owned()));
        assert!(all("steuerschluessel").contains(&"steuerschlüssel".to_owned()));
        assert!(all("").iter().all(String::is_empty));
    }

    proptest! {
        #[test]
        fn the_word_itself_comes_first_and_none_twice(word in "\\PC{0,20}|[aeousß ]{0,40}") {
            let spelled = all(&word);
            prop_assert_eq!(&spelled[0], &word.to_lowercase());
            prop_assert!(spelled.len() <= 16);
            let apart: std::collections::HashSet<&String> = spelled.iter().collect();
            prop_assert_eq!(apart.len(), spelled.len());
        }
    }
}
