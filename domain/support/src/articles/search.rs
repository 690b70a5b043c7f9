//! Finding what is published: by what somebody typed, and by what a customer wrote.

use database::{DbError, Tx};
use serde::Serialize;
use sqlx::FromRow;
use uuid::Uuid;

use super::spelling;
use crate::tickets::TicketError;
use crate::tickets::search::{Query, parse};
use crate::tickets::setting;

/// Words of a customer's text that are looked for.
const MOST_WORDS: usize = 40;
/// Letters of a word that is looked for.
const WORD_FROM: usize = 4;

/// A page that was found.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct Found {
    /// The article.
    pub article_id: Uuid,
    /// The language of the page.
    pub language: String,
    /// The version that is published.
    pub version: i32,
    /// The article's name in addresses.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// The beginning of its text.
    pub plain: String,
    /// How well it fits.
    pub score: f32,
}

/// Pages with all of the words, each also as it is spelled otherwise (support role).
///
/// # Errors
/// There is too little or too much to look for, or the database failed.
pub async fn typed(
    tx: &mut Tx,
    text: &str,
    language: Option<&str>,
    public_only: bool,
    limit: i64,
) -> Result<Vec<Found>, TicketError> {
    let query: Query = parse(text)?;
    let languages = setting::get(tx).await?.search_languages;
    let (terms, kinds) = query.parts();
    // Each spelling with the place of the word that it is one of.
    let mut places: Vec<i32> = Vec::new();
    let mut written: Vec<String> = Vec::new();
    let mut ways: Vec<&str> = Vec::new();
    for (place, (term, kind)) in (0..).zip(terms.iter().zip(kinds)) {
        for spelling in spelling::all(term) {
            places.push(place);
            written.push(spelling);
            ways.push(kind);
        }
    }
    Ok(sqlx::query_as(
        "with spelled as (
             select w.place, support_app.search_query(array[w.term], array[w.kind], $4) as q
             from unnest($1::integer[], $2::text[], $3::text[]) as w (place, term, kind)
         ), words as (
             -- Any of a word's spellings. One without any says nothing.
             select string_agg('(' || q::text || ')', ' | ') as q from spelled where numnode(q) > 0 group by place
         ), query as (
             select string_agg('(' || q || ')', ' & ')::tsquery as q from words
         )
         select s.* from query cross join lateral support_app.search_pages(q, $5, $6, $7) s where q is not null",
    )
    .bind(places)
    .bind(written)
    .bind(ways)
    .bind(&languages)
    .bind(language)
    .bind(public_only)
    .bind(i32::try_from(limit).unwrap_or(20))
    .fetch_all(&mut **tx)
    .await?)
}

/// Pages with any of the words of what a customer wrote, in any spelling, the best first (support role).
///
/// # Errors
/// The database failed.
pub async fn for_text(
    tx: &mut Tx,
    text: &str,
    language: Option<&str>,
    public_only: bool,
    limit: i64,
) -> Result<Vec<Found>, DbError> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        let word = word.to_lowercase();
        if word.chars().count() >= WORD_FROM && word.len() <= 60 && !words.contains(&word) {
            words.push(word);
        }
        if words.len() == MOST_WORDS {
            break;
        }
    }
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let words: Vec<String> = words.iter().flat_map(|word| spelling::all(word)).collect();
    Ok(sqlx::query_as(
        "with languages as (
             select coalesce((select s.search_languages from support_app.ticket_setting s
                              where s.tenant_id = shared.current_tenant()), '{english}') as names
         ), looked_for as (
             -- Not read at all where nothing is published: to read a message's words costs more than all else here.
             select array(select plainto_tsquery(n::regconfig, w) from unnest(names) n) as read,
                    plainto_tsquery('simple', w) as written
             from languages cross join unnest($1::text[]) w
             where exists (select from support_app.article_page p where p.tenant_id = (select shared.current_tenant()))
         ), parts as (
             -- A word that says nothing in one of the shop's languages is not looked for as it stands either.
             select unnest(f.written || f.read) as part
             from looked_for f where not exists (select from unnest(f.read) r where numnode(r) = 0)
         ), query as (
             -- Any of them: what numnode calls empty was a word that says nothing.
             select string_agg(part::text, ' | ')::tsquery as q from parts where numnode(part) > 0
         )
         select s.* from query cross join lateral support_app.search_pages(q, $2, $3, $4) s where q is not null",
    )
    .bind(&words)
    .bind(language)
    .bind(public_only)
    .bind(i32::try_from(limit).unwrap_or(5))
    .fetch_all(&mut **tx)
    .await?)
}
