//! Where the database holds what is known of a person, and how it is forgotten, counted and exported.
//!
//! Each owner of a schema lists its tables ([`Store`]); this module runs the lists. A test compares the lists with the
//! catalogue: a table, or a column that can hold words, which nobody named fails it. So a new table is reached by adding
//! one entry, and cannot be forgotten.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres};
use uuid::Uuid;

use crate::{DbError, Tx};

/// Everything that one person is known by.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// What stands for the shop's id of the customer afterwards. It names nobody.
    pub token: String,
    /// The shop's ids: the first is the customer, the others were merged into them.
    pub customers: Vec<String>,
    /// Addresses that are theirs alone, in small letters.
    pub emails: Vec<String>,
    /// Numbers, as normalised.
    pub phones: Vec<String>,
    /// The help desk's ids of the customer.
    pub desk_ids: Vec<String>,
    /// Names that were told.
    pub names: Vec<String>,
    /// Their tickets, by our ids.
    pub tickets: Vec<Uuid>,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person")
            .field("token", &self.token)
            .field("tickets", &self.tickets.len())
            .finish_non_exhaustive()
    }
}

impl Person {
    /// Patterns for `like` in small letters: addresses, numbers of seven digits or more, names of two words. Shorter words
    /// would be found in what others wrote.
    pub fn patterns(&self) -> Vec<String> {
        let phones =
            self.phones.iter().filter(|phone| phone.chars().filter(char::is_ascii_digit).count() >= 7);
        let names = self.names.iter().filter(|name| name.trim().contains(' ') && name.chars().count() >= 8);
        self.emails.iter().chain(phones).chain(names).map(|word| containing(&word.to_lowercase())).collect()
    }

    /// Adds a word to a list that it is not in yet.
    pub fn learn(list: &mut Vec<String>, word: &str) {
        if !word.trim().is_empty() && !list.iter().any(|known| known == word) {
            list.push(word.to_owned());
        }
    }
}

/// A pattern for `like` that finds this text anywhere.
pub fn containing(text: &str) -> String {
    let escaped: String = text
        .chars()
        .flat_map(|c| ['\\'].into_iter().filter(move |_| "\\%_".contains(c)).chain([c]))
        .collect();
    format!("%{escaped}%")
}

/// What a table holds of persons, and what becomes of it.
#[derive(Clone, Copy, Debug)]
pub struct Store {
    /// The table with its schema.
    pub table: &'static str,
    /// Which rows are a person's: a condition over `t`, with $1 their tickets, $2 the shop's ids, $3 addresses,
    /// $4 patterns of [`Person::patterns`], $5 the token, $6 names.
    pub rows: &'static str,
    /// What becomes of them.
    pub how: How,
    /// Columns that could hold words and hold none of a person.
    pub plain: &'static [&'static str],
    /// Whether a person who asks what is known of them gets these rows.
    pub exported: bool,
}

/// What becomes of a person's rows.
#[derive(Clone, Copy, Debug)]
pub enum How {
    /// These columns get these values; the rows stay, so that counts do.
    Set(&'static [(&'static str, &'static str)]),
    /// The rows go.
    Delete,
    /// A function of the owner's does it, in these columns.
    ByHand(&'static [&'static str]),
    /// There is nothing of a customer in it, for this reason.
    Nobody(&'static str),
}

impl Store {
    /// A table in which nothing is a customer's.
    pub const fn nobody(table: &'static str, reason: &'static str) -> Store {
        Store { table, rows: "false", how: How::Nobody(reason), plain: &[], exported: false }
    }

    /// A table whose rows go.
    pub const fn delete(table: &'static str, rows: &'static str) -> Store {
        Store { table, rows, how: How::Delete, plain: &[], exported: false }
    }

    /// The same, and a person who asks gets the rows.
    pub const fn export(self) -> Store {
        Store { exported: true, ..self }
    }

    /// Whether the entry says what becomes of this column.
    pub fn covers(&self, column: &str) -> bool {
        self.plain.contains(&column)
            || match self.how {
                How::Set(columns) => columns.iter().any(|(name, _)| *name == column),
                How::ByHand(columns) => columns.contains(&column),
                How::Delete | How::Nobody(_) => true,
            }
    }

    /// Which rows are a person's and not erased yet.
    fn left(&self) -> Option<String> {
        match self.how {
            How::Set(columns) => {
                let differs: Vec<String> = columns
                    .iter()
                    .map(|(name, value)| format!("t.{name} is distinct from {value}"))
                    .collect();
                Some(format!("({}) and ({})", self.rows, differs.join(" or ")))
            }
            How::Delete => Some(self.rows.to_owned()),
            How::ByHand(_) | How::Nobody(_) => None,
        }
    }
}

/// How many rows were reached, by table.
pub type Reached = BTreeMap<String, u64>;

/// Adds what was reached to what was before.
pub fn add(reached: &mut Reached, table: &str, rows: u64) {
    if rows > 0 {
        *reached.entry(table.to_owned()).or_default() += rows;
    }
}

/// Erases a person from these tables, in their order (the owner's role). What is erased already is not touched, so it may
/// be done again.
///
/// # Errors
/// The database failed.
pub async fn erase(
    tx: &mut Tx,
    stores: &[Store],
    person: &Person,
    reached: &mut Reached,
) -> Result<(), DbError> {
    for store in stores {
        let Some(left) = store.left() else { continue };
        let statement = match store.how {
            How::Set(columns) => {
                let values: Vec<String> =
                    columns.iter().map(|(name, value)| format!("{name} = {value}")).collect();
                format!("update {} t set {} where {left}", store.table, values.join(", "))
            }
            _ => format!("delete from {} t where {left}", store.table),
        };
        let done = bound(sqlx::query(AssertSqlSafe(statement)), person).execute(&mut **tx).await?;
        add(reached, store.table, done.rows_affected());
    }
    Ok(())
}

/// What an erasure has left in these tables, by table (the owner's role).
///
/// # Errors
/// The database failed.
pub async fn left(
    tx: &mut Tx,
    stores: &[Store],
    person: &Person,
    found: &mut Reached,
) -> Result<(), DbError> {
    use sqlx::Row;
    for store in stores {
        let Some(left) = store.left() else { continue };
        let statement = format!("select count(*) from {} t where {left}", store.table);
        let row = bound(sqlx::query(AssertSqlSafe(statement)), person).fetch_one(&mut **tx).await?;
        add(found, store.table, row.try_get::<i64, _>(0)?.unsigned_abs());
    }
    Ok(())
}

/// A person's rows of a table as JSON, at most `limit`, in the order of their ids (the owner's role).
///
/// # Errors
/// The database failed.
pub async fn export(
    tx: &mut Tx,
    store: &Store,
    person: &Person,
    limit: i64,
) -> Result<Vec<serde_json::Value>, DbError> {
    use sqlx::Row;
    let statement = format!(
        "select to_jsonb(t) - 'tenant_id' as entry from {} t where {} order by entry limit {limit}",
        store.table, store.rows
    );
    let rows = bound(sqlx::query(AssertSqlSafe(statement)), person).fetch_all(&mut **tx).await?;
    rows.iter().map(|row| row.try_get(0).map_err(DbError::from)).collect()
}

fn bound<'q>(query: Query<'q, Postgres, PgArguments>, person: &Person) -> Query<'q, Postgres, PgArguments> {
    query
        .bind(person.tickets.clone())
        .bind(person.customers.clone())
        .bind(person.emails.clone())
        .bind(person.patterns())
        .bind(person.token.clone())
        .bind(person.names.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_words_are_no_patterns_and_what_like_means_otherwise_is_escaped() {
        let person = Person {
            emails: vec!["a_b%c@example.com".into()],
            phones: vec!["123".into(), "+491701234567".into()],
            names: vec!["Ann".into(), "Ann Example".into()],
            ..Person::default()
        };
        assert_eq!(person.patterns(), ["%a\\_b\\%c@example.com%", "%+491701234567%", "%ann example%"]);
    }

    #[test]
    fn an_entry_says_what_becomes_of_a_column() {
        let store = Store {
            table: "s.t",
            rows: "t.ticket_id = any($1)",
            how: How::Set(&[("body", "''")]),
            plain: &["state"],
            exported: true,
        };
        assert!(store.covers("body") && store.covers("state") && !store.covers("subject"));
        assert_eq!(store.left().as_deref(), Some("(t.ticket_id = any($1)) and (t.body is distinct from '')"));
        assert!(Store::nobody("s.u", "settings").left().is_none());
    }
}
