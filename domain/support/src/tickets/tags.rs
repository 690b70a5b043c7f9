//! The tags that a tenant's tickets have, with how many have each. In whatever case a tag is written it is the same one: it
//! is counted, found and given once. Stored it is as it is spelled, because a help desk's tags are its own, and what is
//! written here follows what most tickets have already.

use database::{DbError, Tx};
use sqlx::FromRow;

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Tag {
    /// Its name.
    pub tag: String,
    /// How many tickets have it.
    pub tickets: i64,
}

/// Tags in the order of their names, those that begin so in any case, from behind a name, at most `limit` (support role). Each
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
               from support_app.counted_tags() c where starts_with(lower(c.tag), lower($1)) group by lower(c.tag)) known
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
    one == other || one.to_lowercase() == other.to_lowercase()
}

/// Every spelling of a tag that tickets have, the most frequent first; the tag itself when none has it (support role).
///
/// # Errors
/// The database failed.
pub(super) async fn spellings(tx: &mut Tx, tag: &str) -> Result<Vec<String>, DbError> {
    let mut found: Vec<String> = sqlx::query_scalar(
        "select c.tag from support_app.counted_tags() c where lower(c.tag) = lower($1)
         order by c.tickets desc, c.tag collate \"C\"",
    )
    .bind(tag)
    .fetch_all(&mut **tx)
    .await?;
    if found.is_empty() {
        found.push(tag.to_owned());
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
