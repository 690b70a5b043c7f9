//! Macros as they are stored.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use super::variables;
use crate::rules::Fault;
use crate::rules::known;
use crate::rules::spec::{Action, MOST_ACTIONS};
use crate::rules::store::SaveError;
use crate::tickets::words::{self, REPLY_LIMIT};

/// Macros that a tenant may have.
const MOST_MACROS: i64 = 2_000;
/// Languages of one macro.
const MOST_LANGUAGES: usize = 20;

/// What a macro says and does.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// For people; each once without regard to case.
    pub name: String,
    /// Where it is listed.
    pub folder: Option<String>,
    /// By language (ISO 639-1).
    pub texts: BTreeMap<String, String>,
    /// The language of tickets whose own has no text.
    pub default_language: String,
    /// What happens to the ticket beside.
    pub actions: Vec<Action>,
}

/// A macro.
#[derive(Debug, Clone, FromRow)]
pub struct Macro {
    /// Its id.
    pub id: Uuid,
    /// What people call it; unique in its shop.
    pub name: String,
    /// Where it lies, if anywhere.
    pub folder: Option<String>,
    /// The reply by language, with variables in it.
    #[sqlx(json)]
    pub texts: BTreeMap<String, String>,
    /// The language for customers whose own has no text.
    pub default_language: String,
    /// What is done besides, in this order.
    #[sqlx(json)]
    pub actions: Vec<Action>,
    /// How often it was used.
    pub uses: i64,
    /// When last.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Grows with every change, and is its ETag.
    pub version: i64,
    /// Who changed it last, for people.
    pub changed_by: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

impl Macro {
    /// The text for a language, and which it is.
    pub fn text(&self, language: Option<&str>) -> (&str, &str) {
        let wanted = language.and_then(|language| self.texts.get_key_value(language));
        let found = wanted.or_else(|| self.texts.get_key_value(&self.default_language));
        found.map_or(("", ""), |(language, text)| (language.as_str(), text.as_str()))
    }
}

const COLUMNS: &str =
    "id, name, folder, texts, default_language, actions, uses, last_used_at, version, changed_by, created_at,
    updated_at";

/// Checks a macro, with what it names (support role).
///
/// # Errors
/// Names what cannot be.
pub async fn check(tx: &mut Tx, content: &Content) -> Result<(), SaveError> {
    let short = |field: &'static str, text: &str, limit| {
        words::short(field, text, limit)
            .map(drop)
            .map_err(|_| SaveError::Fault(Fault::at(field, format!("must have 1 to {limit} characters"))))
    };
    short("name", &content.name, 200)?;
    if let Some(folder) = &content.folder {
        short("folder", folder, 100)?;
    }
    if !(1..=MOST_LANGUAGES).contains(&content.texts.len()) {
        return Err(Fault::at("texts", format!("must have 1 to {MOST_LANGUAGES} languages")).into());
    }
    if !content.texts.contains_key(&content.default_language) {
        return Err(Fault::at("default_language", "must be one of the languages in texts").into());
    }
    for (language, text) in &content.texts {
        let at = format!("texts.{}", language.chars().take(8).collect::<String>());
        if !words::language(language).is_ok_and(|known| known == *language) {
            return Err(Fault::at(at, "must be two small letters such as en (ISO 639-1)").into());
        }
        if words::text("texts", text, REPLY_LIMIT).is_err() {
            return Err(Fault::at(at, format!("must have 1 to {REPLY_LIMIT} characters")).into());
        }
        variables::check(text, &at)?;
    }
    if content.actions.len() > MOST_ACTIONS {
        return Err(Fault::at("actions", format!("must be at most {MOST_ACTIONS}")).into());
    }
    for (place, action) in content.actions.iter().enumerate() {
        action.check(&format!("actions[{place}]"))?;
        if !action.is_for_macros() {
            return Err(Fault::at(
                format!("actions[{place}].do"),
                "is for rules; a macro has a text of its own",
            )
            .into());
        }
    }
    match known::known(tx).await?.fault_of(&content.actions) {
        Some(sentence) => Err(Fault::at("actions", sentence).into()),
        None => Ok(()),
    }
}

/// Which macros are asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted<'a> {
    /// In this folder.
    pub folder: Option<&'a str>,
    /// With these words in their name, folder or texts.
    pub words: Option<&'a str>,
    /// Behind this one: its name in small letters, and its id.
    pub after: Option<(String, Uuid)>,
}

/// Macros by name, at most `limit` (support role).
///
/// # Errors
/// The database failed.
pub async fn list(tx: &mut Tx, wanted: &Wanted<'_>, limit: i64) -> Result<Vec<Macro>, DbError> {
    let (name, id) = wanted.after.clone().unzip();
    // There are at most two thousand, so words are looked for one by one.
    let words: Option<Vec<String>> = wanted
        .words
        .map(|words| words.to_lowercase().split_whitespace().take(10).map(str::to_owned).collect());
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.macro m
         where tenant_id = shared.current_tenant() and archived_at is null
           and ($1::text is null or folder = $1)
           and ($2::text[] is null or not exists (
               select from unnest($2) w
               where strpos(lower(concat_ws(' ', m.name, m.folder, m.texts::text)), w) = 0))
           and ($3::text is null or (lower(name) collate \"C\", id) > ($3, $4))
         order by lower(name) collate \"C\", id limit $5"
    )))
    .bind(wanted.folder)
    .bind(words)
    .bind(name)
    .bind(id)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// A folder and how many macros it has.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, FromRow)]
pub struct Folder {
    /// Its name.
    pub name: String,
    /// Macros in it.
    pub macros: i64,
}

/// The folders by name (support role).
///
/// # Errors
/// The database failed.
pub async fn folders(tx: &mut Tx) -> Result<Vec<Folder>, DbError> {
    Ok(sqlx::query_as(
        "select folder as name, count(*) as macros from support_app.macro
         where tenant_id = shared.current_tenant() and archived_at is null and folder is not null
         group by folder order by folder",
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// A macro (support role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<Macro>, DbError> {
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.macro where id = $1 and archived_at is null"
    )))
    .bind(id)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Makes a macro (support role).
///
/// # Errors
/// It does not fit, there are too many, another has its name, or the database failed.
pub async fn create(tx: &mut Tx, tenant: TenantId, content: &Content, by: &str) -> Result<Macro, SaveError> {
    check(tx, content).await?;
    let count: i64 = sqlx::query_scalar(
        "select count(*) from support_app.macro where tenant_id = shared.current_tenant() and archived_at is null",
    )
    .fetch_one(&mut **tx)
    .await?;
    if count >= MOST_MACROS {
        return Err(Fault::at("macros", format!("there are {MOST_MACROS}, which is the most")).into());
    }
    let made = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "insert into support_app.macro (id, tenant_id, name, folder, texts, default_language, actions, changed_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8) returning {COLUMNS}"
    )))
    .bind(Uuid::now_v7())
    .bind(tenant)
    .bind(content.name.trim())
    .bind(content.folder.as_deref().map(str::trim))
    .bind(Json(&content.texts))
    .bind(&content.default_language)
    .bind(Json(&content.actions))
    .bind(by)
    .fetch_one(&mut **tx)
    .await;
    made.map_err(named)
}

/// Replaces what a macro says and does (support role). With `expected` only if that is its version.
///
/// # Errors
/// It does not fit, is not there or was changed meanwhile, or the database failed.
pub async fn update(
    tx: &mut Tx,
    id: Uuid,
    expected: Option<i64>,
    content: &Content,
    by: &str,
) -> Result<Macro, SaveError> {
    check(tx, content).await?;
    let changed: Result<Option<Macro>, sqlx::Error> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "update support_app.macro set name = $2, folder = $3, texts = $4, default_language = $5, actions = $6,
             changed_by = $7, version = version + 1, updated_at = now()
         where id = $1 and archived_at is null and ($8::bigint is null or version = $8) returning {COLUMNS}"
    )))
    .bind(id)
    .bind(content.name.trim())
    .bind(content.folder.as_deref().map(str::trim))
    .bind(Json(&content.texts))
    .bind(&content.default_language)
    .bind(Json(&content.actions))
    .bind(by)
    .bind(expected)
    .fetch_optional(&mut **tx)
    .await;
    match changed.map_err(named)? {
        Some(changed) => Ok(changed),
        None => Err(match get(tx, id).await? {
            Some(now) => SaveError::Changed(i32::try_from(now.version).unwrap_or(i32::MAX)),
            None => SaveError::Missing,
        }),
    }
}

fn named(error: sqlx::Error) -> SaveError {
    match DbError::from(error) {
        error if error.violates("macro_name_once") => Fault::at("name", "another macro has this name").into(),
        error => error.into(),
    }
}

/// Puts a macro away: rules that name it are flagged (support role). False when there is none.
///
/// # Errors
/// The database failed.
pub async fn archive(tx: &mut Tx, id: Uuid) -> Result<bool, DbError> {
    let done =
        sqlx::query("update support_app.macro set archived_at = now() where id = $1 and archived_at is null")
            .bind(id)
            .execute(&mut **tx)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Counts a use (support role).
pub(crate) async fn used(tx: &mut Tx, id: Uuid, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query("update support_app.macro set uses = uses + 1, last_used_at = $2 where id = $1")
        .bind(id)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
