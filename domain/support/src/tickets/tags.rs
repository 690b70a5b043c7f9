//! The tags that a tenant's tickets have, with how many have each.

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

/// Tags in the order of their names, those that begin so in any case, from behind a name, at most `limit` (support role).
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
        "select tag, sum(tickets)::bigint as tickets
         from (select tag, tickets from support_app.tag_count where tenant_id = (select shared.current_tenant())
               union all
               select tag, delta from support_app.tag_delta where tenant_id = (select shared.current_tenant())) counted
         where starts_with(lower(tag), lower($1)) and ($2::text is null or tag collate \"C\" > $2)
         group by tag having sum(tickets) > 0
         order by tag collate \"C\" limit $3",
    )
    .bind(beginning)
    .bind(after)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// Adds changes since the last time to the counts (support role).
///
/// # Errors
/// The database failed.
pub async fn fold(tx: &mut Tx) -> Result<(), DbError> {
    sqlx::query("select support_app.fold_tags()").execute(&mut **tx).await?;
    Ok(())
}
