//! The tags that a tenant's tickets have, with how many have each. In whatever case a tag is written, and however its letters
//! are composed, it is the same one: it is counted, found and given once (`support_app.tag_key` and `are_one`). Stored it is
//! as it is spelled, with composed letters (NFC), because a help desk's tags are its own, and what is written here follows
//! what most tickets have already.

use database::{DbError, Tx};
use sqlx::FromRow;
use unicode_normalization::UnicodeNormalization;

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Tag {
    /// Its name.
    pub tag: String,
    /// How many tickets have it.
    pub tickets: i64,
}

/// Tags in the order of their names, those that begin so in any spelling, from behind a name, at most `limit` (support role). Each
/// is spelled as most tickets have it.
///
/// # Errors
/// The database failed.
pub async fn list(
    tx: &mut Tx,
    beginning: &str,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Tag>, DbError> {
    Ok(sqlx::query_as(
        "select tag, tickets
         from (select (array_agg(c.tag order by c.tickets desc, c.tag collate \"C\"))[1] as tag,
                   sum(c.tickets)::bigint as tickets
               from support_app.counted_tags() c
               where starts_with(support_app.tag_key(c.tag), support_app.tag_key($1))
               group by support_app.tag_key(c.tag)) known
         where $2::text is null or tag collate \"C\" > $2
         order by tag collate \"C\" limit $3",
    )
    .bind(beginning)
    .bind(after)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// Whether two tags are one.
pub(crate) fn are_one(one: &str, other: &str) -> bool {
    one == other || key(one) == key(other)
}

/// By what tags are compared: the same as `support_app.tag_key`.
fn key(tag: &str) -> String {
    tag.nfc().collect::<String>().to_lowercase()
}

/// Tags with composed letters, of those that are one the first.
pub(crate) fn once(tags: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::with_capacity(tags.len());
    for tag in tags {
        if !kept.iter().any(|known| are_one(known, tag)) {
            kept.push(tag.nfc().collect());
        }
    }
    kept
}

/// Every spelling of a tag that tickets have, the most frequent first; the tag itself when none has it (support role).
///
/// # Errors
/// The database failed.
pub(super) async fn spellings(tx: &mut Tx, tag: &str) -> Result<Vec<String>, DbError> {
    let mut found: Vec<String> = sqlx::query_scalar(
        "select c.tag from support_app.counted_tags() c where support_app.tag_key(c.tag) = support_app.tag_key($1)
         order by c.tickets desc, c.tag collate \"C\"",
    )
    .bind(tag)
    .fetch_all(&mut **tx)
    .await?;
    if found.is_empty() {
        found.push(tag.nfc().collect());
    }
    Ok(found)
}

/// Tags as they are stored, each once: spelled as the ticket has them, and otherwise as most tickets have them (support role).
///
/// # Errors
/// The database failed.
pub(super) async fn spelled(tx: &mut Tx, own: &[String], tags: Vec<String>) -> Result<Vec<String>, DbError> {
    let mut spelled: Vec<String> = Vec::with_capacity(tags.len());
    for tag in tags {
        if spelled.iter().any(|known| are_one(known, &tag)) {
            continue;
        }
        let known = match own.iter().find(|own| are_one(own, &tag)) {
            Some(own) => own.clone(),
            None => spellings(tx, &tag).await?.swap_remove(0),
        };
        spelled.push(known);
    }
    Ok(spelled)
}

/// Adds changes since the last time to the counts (support role).
///
/// # Errors
/// The database failed.
pub async fn fold(tx: &mut Tx) -> Result<(), DbError> {
    sqlx::query("select support_app.fold_tags()").execute(&mut **tx).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_tag_are_one() {
        let tags = ["Sp\u{e4}ti", "VIP", "spa\u{308}ti", "vip", "Spa\u{308}ti 2"].map(str::to_owned);
        assert_eq!(once(&tags), ["Sp\u{e4}ti", "VIP", "Sp\u{e4}ti 2"]);
        assert!(are_one("e\u{301}clair", "\u{c9}CLAIR"));
        assert!(!are_one("eclair", "\u{c9}CLAIR"));
    }
}
