//! What is derived of a ticket and stands in its row, so that lists and the order find it by an index.
//!
//! The row stands in some thirty indexes, each of which gets an entry whenever it is written. So the steps of
//! [`crate::settle`] hand on what they find, and one statement stores all of it, where it says something else.

use std::sync::LazyLock;

use database::{DbError, Tx};
use serde::Serialize;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use crate::analysis::Said;
use crate::order::facts::Known;
use crate::order::place::Place;
use crate::settle::Spoken;
use crate::sla::store::Due;

/// New values of a ticket's columns, by their names. What is none stays as it is stored.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Derived {
    /// Who is behind it.
    #[serde(flatten)]
    pub(crate) known: Option<Known>,
    /// Who wrote when.
    #[serde(flatten)]
    pub(crate) spoken: Option<Spoken>,
    /// Its clocks.
    #[serde(flatten)]
    pub(crate) due: Option<Due>,
    /// What its messages say.
    #[serde(flatten)]
    pub(crate) said: Option<Said>,
    /// Its place in the order.
    #[serde(flatten)]
    pub(crate) place: Option<Place>,
}

/// The statement that stores all of it.
const WHOLE: &str = include_str!("derived.sql");

/// The same but for the language, which stays as it is but once in a ticket's life. Of these columns it alone has triggers
/// that are asked about each row, by texts that take Postgres longer to read than the row takes to be written.
static LANGUAGE_STAYS: LazyLock<String> = LazyLock::new(|| WHOLE.replace(SET_LANGUAGE, ""));

/// What sets the language in [`WHOLE`].
const SET_LANGUAGE: &str = "    language = n.language,\n";

/// A row that said something else.
#[derive(Debug, FromRow)]
pub(crate) struct Written {
    /// Whether it has another place in the order than before.
    pub(crate) has_moved: bool,
    /// The ticket's version as it is now.
    pub(crate) version: i64,
}

/// Stores what was derived of tickets that are held (support role); answers those whose rows were written for it.
///
/// # Errors
/// The database failed.
pub(crate) async fn write(tx: &mut Tx, derived: &[(Uuid, Derived)]) -> Result<Vec<Written>, DbError> {
    if derived.is_empty() {
        return Ok(Vec::new());
    }
    let (ids, told): (Vec<Uuid>, Vec<Json<&Derived>>) =
        derived.iter().map(|(ticket, derived)| (*ticket, Json(derived))).unzip();
    let is_news = |derived: &Derived| derived.said.as_ref().is_some_and(|said| said.is_language_news);
    let statement = match derived.iter().any(|(_, derived)| is_news(derived)) {
        true => WHOLE,
        false => LANGUAGE_STAYS.as_str(),
    };
    Ok(sqlx::query_as(statement).bind(ids).bind(told).fetch_all(&mut **tx).await?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use migrations::testing::fresh_database;
    use sqlx::{Connection, PgConnection};

    use super::*;

    #[test]
    fn a_language_that_stays_is_not_set() {
        assert_eq!(WHOLE.matches(SET_LANGUAGE).count(), 1);
        assert!(!LANGUAGE_STAYS.contains("language = n.language"));
        assert!(LANGUAGE_STAYS.contains("n.language"), "it is compared all the same");
    }

    /// The columns that the triggers of a ticket are called for, where they are named, and those that their conditions
    /// compare; the same, or a change would go unseen.
    #[tokio::test]
    async fn triggers_for_columns_are_called_for_all_that_they_compare() {
        let database = fresh_database().await;
        let mut admin = PgConnection::connect(&database.admin_url).await.expect("connects");
        let triggers: Vec<(String, Vec<String>, Vec<String>)> = sqlx::query_as(
            "select g.tgname::text,
                    array(select a.attname::text from pg_attribute a
                          where a.attrelid = g.tgrelid and a.attnum = any (g.tgattr)),
                    array(select distinct m[1] from regexp_matches(pg_get_triggerdef(g.oid), '\\mold\\.(\\w+)', 'gi') m)
             from pg_trigger g
             where g.tgrelid = 'support_app.ticket'::regclass and cardinality(g.tgattr::smallint[]) > 0",
        )
        .fetch_all(&mut admin)
        .await
        .expect("read");
        assert!(triggers.len() >= 4, "{triggers:?}");
        for (trigger, called_for, compared) in &triggers {
            let [called_for, compared] =
                [called_for, compared].map(|names| names.iter().collect::<BTreeSet<_>>());
            assert_eq!(called_for, compared, "{trigger}");
            // All of them stay uncalled while what was derived is stored, but for the language.
            let set = |column: &str| LANGUAGE_STAYS.contains(&format!(" {column} = n."));
            assert!(!called_for.iter().any(|column| set(column)), "{trigger}");
        }
    }
}
