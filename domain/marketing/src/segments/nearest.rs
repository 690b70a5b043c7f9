//! What somebody may have meant who wrote a name that does not exist.

use super::case::fold;

/// The nearest of some names to one that is not among them, when it is near enough to be meant.
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = fold(name);
    let near = names.into_iter().map(|known| (distance(&name, &fold(known)), known)).min();
    let (edits, known) = near?;
    let is_near = edits <= 1 + known.chars().count() / 3;
    is_near.then_some(known)
}

/// Levenshtein's distance: insertions, deletions and replacements that make one text of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = corner + usize::from(from != *to);
            corner = row[j + 1];
            row[j + 1] = replaced.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segments::field::Field;

    #[test]
    fn a_misspelt_name_has_a_nearest_one_and_a_foreign_one_has_none() {
        let fields: Vec<String> = Field::all().map(|field| field.to_string()).collect();
        let near = |name| nearest(name, fields.iter().map(String::as_str));
        assert_eq!(near("totl_order_value"), Some("total_order_value"));
        assert_eq!(near("Churn_Risk"), Some("churn_risk"));
        assert_eq!(near("segment.purchase_freqency"), Some("segment.purchase_frequency"));
        assert_eq!(near("weather"), None);
    }
}
