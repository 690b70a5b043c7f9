//! Fields of tickets that a tenant adds: their definitions, and whether a value fits.

use chrono::{DateTime, NaiveDate, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::FromRow;

use super::error::TicketError;

/// Fields that a tenant may have.
const MOST_FIELDS: usize = 100;
/// Characters of a text.
const TEXT_LIMIT: usize = 2_000;

/// What values a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Kind {
    /// A text of at most 2,000 characters.
    Text,
    /// A finite number.
    Number,
    /// True or false.
    Boolean,
    /// A day, as 2026-01-31.
    Date,
    /// One of the choices.
    Choice,
}

/// A field.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Field {
    /// Its name in `custom`.
    pub key: String,
    /// Its name for people.
    pub label: String,
    /// What values it takes.
    pub kind: Kind,
    /// Of a choice.
    pub choices: Vec<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// It takes no new values since then.
    pub archived_at: Option<DateTime<Utc>>,
}

/// The tenant's fields by key (support role).
///
/// # Errors
/// The database failed.
pub async fn list(tx: &mut Tx) -> Result<Vec<Field>, DbError> {
    Ok(sqlx::query_as(
        "select key, label, kind, choices, created_at, archived_at from support_app.custom_field
         where tenant_id = (select shared.current_tenant()) order by key",
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Makes or changes a field (support role). Its kind stays what it was: values that are there would not fit.
///
/// # Errors
/// A value does not fit, or the database failed.
pub async fn put(
    tx: &mut Tx,
    tenant: TenantId,
    key: &str,
    label: &str,
    kind: Kind,
    choices: &[String],
) -> Result<Field, TicketError> {
    check(key, label, kind, choices)?;
    let known = list(tx).await?;
    match known.iter().find(|field| field.key == key) {
        Some(field) if field.kind != kind => {
            return Err(TicketError::field("kind", "cannot be changed; make a field of another key"));
        }
        None if known.len() >= MOST_FIELDS => {
            return Err(TicketError::Conflict(format!("there are {MOST_FIELDS} fields, which is the most")));
        }
        _ => {}
    }
    Ok(sqlx::query_as(
        "insert into support_app.custom_field (tenant_id, key, label, kind, choices) values ($1, $2, $3, $4, $5)
         on conflict (tenant_id, key) do update set
             label = excluded.label, choices = excluded.choices, archived_at = null
         returning key, label, kind, choices, created_at, archived_at",
    )
    .bind(tenant)
    .bind(key)
    .bind(label)
    .bind(kind)
    .bind(choices)
    .fetch_one(&mut **tx)
    .await?)
}

/// Archives a field: it takes no new values (support role). False when there is none.
///
/// # Errors
/// The database failed.
pub async fn archive(tx: &mut Tx, key: &str) -> Result<bool, DbError> {
    if key.contains('\0') {
        return Ok(false);
    }
    let done = sqlx::query(
        "update support_app.custom_field set archived_at = coalesce(archived_at, now())
         where tenant_id = (select shared.current_tenant()) and key = $1",
    )
    .bind(key)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

fn check(key: &str, label: &str, kind: Kind, choices: &[String]) -> Result<(), TicketError> {
    let mut letters = key.bytes();
    let starts_well = letters.next().is_some_and(|first| first.is_ascii_lowercase());
    let goes_on = letters.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !(starts_well && goes_on && key.len() <= 64) {
        return Err(TicketError::field("key", "must be 1 to 64 of a-z, 0-9 and _, beginning with a letter"));
    }
    if !(1..=200).contains(&label.chars().count()) || label.contains('\0') {
        return Err(TicketError::field("label", "must have 1 to 200 characters"));
    }
    let are_fit = choices.len() <= 200
        && choices.iter().all(|choice| (1..=200).contains(&choice.chars().count()) && !choice.contains('\0'));
    if (kind == Kind::Choice) == choices.is_empty() || !are_fit {
        return Err(TicketError::field(
            "choices",
            "a choice has 1 to 200 of them of 1 to 200 characters, others none",
        ));
    }
    Ok(())
}

/// What the ticket's fields are after these changes; null takes a value away.
///
/// # Errors
/// Names the field that is unknown or whose value does not fit.
pub fn changed(
    fields: &[Field],
    known: &Map<String, Value>,
    changes: &Map<String, Value>,
) -> Result<Map<String, Value>, TicketError> {
    let mut after = known.clone();
    for (key, value) in changes {
        let field = fields.iter().find(|field| field.key == *key);
        if value.is_null() && (field.is_some() || known.contains_key(key)) {
            after.remove(key);
            continue;
        }
        let Some(field) = field.filter(|field| field.archived_at.is_none()) else {
            let known: Vec<&str> = fields
                .iter()
                .filter(|field| field.archived_at.is_none())
                .map(|field| field.key.as_str())
                .collect();
            let problem = match known.as_slice() {
                [] => "the shop has no such field; it has none at all".to_owned(),
                known => format!("the shop has no such field; it has {}", known.join(", ")),
            };
            return Err(TicketError::field(named(key), problem));
        };
        after.insert(key.clone(), fitting(field, value)?);
    }
    Ok(after)
}

fn named(key: &str) -> String {
    format!("custom.{}", key.chars().filter(|c| !c.is_control()).take(64).collect::<String>())
}

fn fitting(field: &Field, value: &Value) -> Result<Value, TicketError> {
    let fits = match (field.kind, value) {
        (Kind::Text, Value::String(text)) => text.chars().count() <= TEXT_LIMIT && !text.contains('\0'),
        (Kind::Number, Value::Number(number)) => number.as_f64().is_some_and(f64::is_finite),
        (Kind::Boolean, Value::Bool(_)) => true,
        (Kind::Date, Value::String(text)) => text.len() == 10 && text.parse::<NaiveDate>().is_ok(),
        (Kind::Choice, Value::String(text)) => field.choices.contains(text),
        _ => false,
    };
    if fits {
        return Ok(value.clone());
    }
    let problem = match field.kind {
        Kind::Text => format!("must be a text of at most {TEXT_LIMIT} characters"),
        Kind::Number => "must be a number".to_owned(),
        Kind::Boolean => "must be true or false".to_owned(),
        Kind::Date => "must be a day such as 2026-01-31".to_owned(),
        Kind::Choice => format!("must be one of {}", field.choices.join(", ")),
    };
    Err(TicketError::field(named(&field.key), problem))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(key: &str, kind: Kind, choices: &[&str]) -> Field {
        Field {
            key: key.to_owned(),
            label: key.to_owned(),
            kind,
            choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
            created_at: DateTime::UNIX_EPOCH,
            archived_at: None,
        }
    }

    #[test]
    fn values_fit_their_field_or_are_named() {
        let fields = [
            field("note", Kind::Text, &[]),
            field("amount", Kind::Number, &[]),
            field("vip", Kind::Boolean, &[]),
            field("due", Kind::Date, &[]),
            field("size", Kind::Choice, &["s", "m"]),
        ];
        let object = |value: Value| value.as_object().cloned().unwrap_or_default();
        let known = object(json!({"vip": true, "note": "x"}));
        let good = object(json!({"note": null, "amount": 1.5, "due": "2026-02-28", "size": "m"}));
        let after = changed(&fields, &known, &good).expect("they fit");
        assert_eq!(
            Value::Object(after),
            json!({"vip": true, "amount": 1.5, "due": "2026-02-28", "size": "m"})
        );
        for (bad, name) in [
            (json!({"note": 1}), "custom.note"),
            (json!({"amount": "1"}), "custom.amount"),
            (json!({"vip": "yes"}), "custom.vip"),
            (json!({"due": "2026-02-30"}), "custom.due"),
            (json!({"size": "xl"}), "custom.size"),
            (json!({"colour": "red"}), "custom.colour"),
            (json!({"colour": null}), "custom.colour"),
        ] {
            match changed(&fields, &known, &object(bad)) {
                Err(TicketError::Field { field, .. }) => assert_eq!(field, name),
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}
