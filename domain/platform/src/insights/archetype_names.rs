//! What a tenant calls its archetypes. A name belongs to an archetype of a version; a new version takes it over where the
//! same customers are found together again (the worker says which, see [`take_over`]).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use uuid::Uuid;

use super::catalog::Catalog;
use database::{DbError, Tx};

/// A name has at most so many words,
pub const MOST_WORDS: usize = 4;
/// and so many characters.
pub const MOST_CHARACTERS: usize = 40;

/// Why an archetype is not called so.
#[derive(Debug, thiserror::Error)]
pub enum NameError {
    /// It is no name.
    #[error(
        "must have 1 to {MOST_WORDS} words and at most {MOST_CHARACTERS} characters, without line breaks"
    )]
    Unfit,
    /// Another one is called so.
    #[error(
        "another archetype of this version is called {0:?}; choose another name or rename that one first"
    )]
    Taken(String),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// A name as it is kept: blanks are single and stand only between words.
///
/// # Errors
/// It is no name.
pub fn checked(name: &str) -> Result<String, NameError> {
    let words: Vec<&str> = name.split(' ').filter(|word| !word.is_empty()).collect();
    let name = words.join(" ");
    let fits = (1..=MOST_WORDS).contains(&words.len())
        && name.chars().count() <= MOST_CHARACTERS
        && !name.chars().any(|letter| letter.is_control() || (letter != ' ' && letter.is_whitespace()));
    if fits { Ok(name) } else { Err(NameError::Unfit) }
}

#[derive(FromRow)]
struct Given {
    archetype_id: String,
    name: String,
}

/// The names that the tenant gave in a version, by the archetypes' ids (platform, support or marketing role).
///
/// # Errors
/// The database failed.
pub async fn given(tx: &mut Tx, segmentation: Uuid) -> Result<BTreeMap<String, String>, DbError> {
    let given: Vec<Given> = sqlx::query_as(
        "select archetype_id, name from platform.archetype_name
         where tenant_id = shared.current_tenant() and segmentation_id = $1",
    )
    .bind(segmentation)
    .fetch_all(&mut **tx)
    .await?;
    Ok(given.into_iter().map(|given| (given.archetype_id, given.name)).collect())
}

/// Calls an archetype of the catalogue so (platform role). The name was [`checked`].
///
/// # Errors
/// Another one is called so, or the database failed.
pub async fn give(
    tx: &mut Tx,
    segmentation: Uuid,
    catalog: &Catalog,
    archetype: &str,
    name: &str,
    now: DateTime<Utc>,
) -> Result<(), NameError> {
    let taken = catalog.archetypes.iter().any(|other| {
        let automatic = other.automatic_name.as_deref().unwrap_or(&other.name);
        other.id != archetype && [automatic, &*other.name].iter().any(|own| is_same(own, name))
    });
    if taken {
        return Err(NameError::Taken(name.to_owned()));
    }
    let given = sqlx::query(
        "insert into platform.archetype_name (tenant_id, segmentation_id, archetype_id, name, named_at)
         values (shared.current_tenant(), $1, $2, $3, $4)
         on conflict (tenant_id, segmentation_id, archetype_id)
         do update set name = excluded.name, named_at = excluded.named_at, taken_from = null",
    )
    .bind(segmentation)
    .bind(archetype)
    .bind(name)
    .bind(now)
    .execute(&mut **tx)
    .await;
    match given.map_err(DbError::from) {
        Ok(_) => Ok(()),
        Err(error) if error.violates("archetype_name_once") => Err(NameError::Taken(name.to_owned())),
        Err(error) => Err(NameError::Db(error)),
    }
}

/// Whether two names are one to a reader.
pub fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Gives an archetype back the name that was chosen by rules (platform role).
///
/// # Errors
/// The database failed.
pub async fn take_back(tx: &mut Tx, segmentation: Uuid, archetype: &str) -> Result<(), DbError> {
    sqlx::query(
        "delete from platform.archetype_name
         where tenant_id = shared.current_tenant() and segmentation_id = $1 and archetype_id = $2",
    )
    .bind(segmentation)
    .bind(archetype)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes names over into a new version: archetype of the new one, and name (platform role).
///
/// # Errors
/// The database failed.
pub async fn take_over(
    tx: &mut Tx,
    from: Uuid,
    to: Uuid,
    names: &[(String, String)],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let (archetypes, names): (Vec<&str>, Vec<&str>) =
        names.iter().map(|(archetype, name)| (archetype.as_str(), name.as_str())).unzip();
    sqlx::query(
        "insert into platform.archetype_name (tenant_id, segmentation_id, archetype_id, name, named_at, taken_from)
         select shared.current_tenant(), $1, archetype, name, $4, $5 from unnest($2::text[], $3::text[]) as n (archetype, name)
         on conflict do nothing",
    )
    .bind(to)
    .bind(archetypes)
    .bind(names)
    .bind(now)
    .bind(from)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_few_words() {
        assert_eq!(checked("  Our   best friends ").ok().as_deref(), Some("Our best friends"));
        for bad in ["", "   ", "one two three four five", "a\nb", "a\u{a0}b", &"x".repeat(41)] {
            assert!(matches!(checked(bad), Err(NameError::Unfit)), "{bad:?}");
        }
        assert!(is_same("Champions", "CHAMPIONS") && !is_same("Champions", "Champion"));
    }
}
