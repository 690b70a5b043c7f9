//! Which articles a draft used: those of which it has several words in a row. What was given and not used is told too, and
//! told apart.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::input::KnownArticle;

/// So many words in a row are no coincidence.
const RUN: usize = 5;

/// The articles that the drafter had, each with whether the reply uses it, as they are kept beside a draft.
pub fn cited(reply: &str, articles: &[KnownArticle]) -> Vec<Value> {
    let reply = words(reply);
    let runs: HashSet<&[String]> = reply.windows(RUN).collect();
    articles
        .iter()
        .map(|article| {
            let theirs = words(&article.text);
            let is_used = theirs.windows(RUN).any(|run| runs.contains(run));
            json!({"id": article.id, "version": article.version, "title": article.title, "used": is_used})
        })
        .collect()
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_words_in_a_row_are_a_use() {
        let article = |text: &str| KnownArticle {
            id: uuid::Uuid::nil(),
            version: 3,
            language: "en".to_owned(),
            title: "Returns".to_owned(),
            text: text.to_owned(),
        };
        let articles =
            [article("You can send it back within 30 days."), article("We ship on Mondays and Fridays.")];
        let found = cited("Hello Ann, you can SEND it back within 30 days!", &articles);
        assert_eq!((&found[0]["used"], &found[1]["used"]), (&json!(true), &json!(false)));
        assert_eq!(found[0]["version"], json!(3));
        assert!(cited("", &[]).is_empty());
    }
}
