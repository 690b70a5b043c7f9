//! Looking for tickets by words, phrases, number and address. What is found comes newest first: whoever searches a desk
//! looks for what happened lately. The words of tickets are kept by `support_app.refresh_search`.

use chrono::{DateTime, Utc};
use database::ids::TicketId;
use database::{DbError, Tx};
use sqlx::FromRow;

use super::error::TicketError;
use super::full::Whole;
use super::setting;

/// Terms of a search; more narrow nothing down that these do not.
const MOST_TERMS: usize = 24;
/// Characters of a search.
pub const TEXT_LIMIT: usize = 400;
/// Letters from which on a last word may be the beginning of one: shorter beginnings are those of too many.
const PREFIX_FROM: usize = 3;
/// Tickets of an address that are shown before what the words find.
const MOST_EXACT: i64 = 20;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    terms: Vec<String>,
    kinds: Vec<&'static str>,
    /// A ticket's number, when nothing else is asked for.
    number: Option<i64>,
    /// An address, when nothing else is asked for.
    email: Option<String>,
}

/// Reads what somebody typed: words, `"phrases"`, the last word perhaps unfinished.
///
/// # Errors
/// There is too little or too much of it.
pub fn parse(text: &str) -> Result<Query, TicketError> {
    let is_word_over = text.ends_with(char::is_whitespace);
    let text = text.trim();
    let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
    if letters < 2 && !text.strip_prefix('#').unwrap_or(text).chars().all(|c| c.is_ascii_digit())
        || letters == 0
    {
        return Err(TicketError::field("q", "must have at least two letters or digits"));
    }
    if text.chars().count() > TEXT_LIMIT {
        let problem = format!("must have at most {TEXT_LIMIT} characters and {MOST_TERMS} words");
        return Err(TicketError::field("q", problem));
    }
    let mut query = Query::default();
    let mut pieces = text.split('"').enumerate().peekable();
    while let Some((place, piece)) = pieces.next() {
        let is_closed = pieces.peek().is_some();
        if place % 2 == 1 && is_closed {
            query.add(piece.trim(), "phrase");
            continue;
        }
        for word in piece.split_whitespace() {
            query.add(word, "word");
        }
        // What was typed last, with nothing behind it, may go on.
        if !is_closed && !is_word_over {
            query.mark_unfinished();
        }
    }
    if query.terms.len() > MOST_TERMS {
        let problem =
            format!("must have at most {MOST_TERMS} words or phrases; these are {}", query.terms.len());
        return Err(TicketError::field("q", problem));
    }
    if let [only] = query.terms.as_slice() {
        let digits = only.strip_prefix('#').unwrap_or(only);
        query.number = digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()));
        query.email = only.contains('@').then(|| only.to_lowercase());
    }
    Ok(query)
}

impl Query {
    /// The terms and what each is, for `support_app.search_query`.
    pub(crate) fn parts(&self) -> (&[String], &[&'static str]) {
        (&self.terms, &self.kinds)
    }

    fn add(&mut self, term: &str, kind: &'static str) {
        if term.chars().any(char::is_alphanumeric) {
            self.terms.push(term.to_owned());
            self.kinds.push(kind);
        }
    }

    fn mark_unfinished(&mut self) {
        if let (Some(term), Some(kind)) = (self.terms.last(), self.kinds.last_mut())
            && *kind == "word"
            && term.chars().filter(|c| c.is_alphanumeric()).count() >= PREFIX_FROM
        {
            *kind = "prefix";
        }
    }
}

/// A ticket that was found.
#[derive(Debug, Clone, FromRow)]
pub struct Hit {
    /// The ticket.
    #[sqlx(flatten)]
    pub whole: Whole,
    /// Its place in the list.
    pub found_at: DateTime<Utc>,
    /// Whether number or address are the very ones that were asked for.
    pub is_exact: bool,
}

/// What matches, newest first, from behind a place, at most `limit` (support role). Number and address come first, on
/// the first page.
///
/// # Errors
/// No word is left that could be looked for, or the database failed.
pub async fn search(
    tx: &mut Tx,
    query: &Query,
    before: Option<(DateTime<Utc>, TicketId)>,
    limit: i64,
) -> Result<Vec<Hit>, TicketError> {
    let mut hits = match before {
        None => exact(tx, query).await?,
        Some(_) => Vec::new(),
    };
    let languages = setting::get(tx).await?.search_languages;
    let (at, id) = before.unzip();
    let found: Vec<Hit> = sqlx::query_as(
        "select t.*, support_app.reply_fault(t.id) as reply_fault, f.at as found_at, false as is_exact
         from support_app.search_tickets(support_app.search_query($1, $2, $3), $4, $5, $6::integer) f
         join support_app.ticket t on t.id = f.ticket_id
         order by f.at desc, f.ticket_id desc",
    )
    .bind(&query.terms)
    .bind(&query.kinds)
    .bind(&languages)
    .bind(at)
    .bind(id)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?;
    for hit in found {
        if !hits.iter().any(|known| known.whole.ticket.id == hit.whole.ticket.id) {
            hits.push(hit);
        }
    }
    Ok(hits)
}

async fn exact(tx: &mut Tx, query: &Query) -> Result<Vec<Hit>, DbError> {
    let mut hits: Vec<Hit> = Vec::new();
    if let Some(number) = query.number {
        hits = sqlx::query_as(
            "select t.*, support_app.reply_fault(t.id) as reply_fault, t.created_at as found_at, true as is_exact
             from support_app.ticket t
             where t.tenant_id = (select shared.current_tenant()) and t.number = $1",
        )
        .bind(number)
        .fetch_all(&mut **tx)
        .await?;
    }
    if let Some(email) = &query.email {
        hits = sqlx::query_as(
            "select t.*, support_app.reply_fault(t.id) as reply_fault, t.created_at as found_at, true as is_exact
             from support_app.ticket t
             where t.tenant_id = (select shared.current_tenant()) and t.customer_email = $1
             order by t.created_at desc, t.id desc limit $2",
        )
        .bind(email)
        .bind(MOST_EXACT)
        .fetch_all(&mut **tx)
        .await?;
    }
    Ok(hits)
}

/// Brings a ticket's words up to date, if they changed (support role).
///
/// # Errors
/// The database failed.
pub(crate) async fn refresh(tx: &mut Tx, ticket: TicketId) -> Result<(), DbError> {
    sqlx::query("select support_app.refresh_search($1)").bind(ticket).execute(&mut **tx).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(String, &'static str)> {
        let query = parse(text).expect(text);
        query.terms.into_iter().zip(query.kinds).collect()
    }

    #[test]
    fn words_phrases_and_beginnings_are_told_apart() {
        let term = |text: &str, kind| (text.to_owned(), kind);
        assert_eq!(read("lost parcel"), [term("lost", "word"), term("parcel", "prefix")]);
        assert_eq!(read("lost parcel "), [term("lost", "word"), term("parcel", "word")]);
        assert_eq!(read("\"lost parcel\" no"), [term("lost parcel", "phrase"), term("no", "word")]);
        assert_eq!(read("an \"open end"), [term("an", "word"), term("open", "word"), term("end", "prefix")]);
        assert_eq!(parse("#12").expect("a number").number, Some(12));
        assert_eq!(parse("7").expect("a number").number, Some(7));
        assert_eq!(parse("Ann@Example.com").expect("an address").email.as_deref(), Some("ann@example.com"));
    }

    #[test]
    fn too_little_and_too_much_is_refused_with_what_is_allowed() {
        let long = "x".repeat(TEXT_LIMIT + 1);
        let many = "ab ".repeat(MOST_TERMS + 1);
        let thousand = "word ".repeat(1_000);
        for text in ["", "a", "?!", "\"", "#", &long, &many, &thousand] {
            assert!(matches!(parse(text), Err(TicketError::Field { .. })), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_typed_has_few_terms_with_letters(text in "\\PC{0,60}|[a\" #@]{0,40}") {
            if let Ok(query) = parse(&text) {
                prop_assert!(query.terms.len() <= MOST_TERMS && query.terms.len() == query.kinds.len());
                prop_assert!(query.terms.iter().all(|term| term.chars().any(char::is_alphanumeric)));
            }
        }
    }
}
