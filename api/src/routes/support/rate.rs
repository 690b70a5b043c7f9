//! The page behind a rating link: the shop that asks, five buttons, a line for words, no script, nothing about the customer.
//! Looking at it does nothing, because programs that check mails for dangers look at every link.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use bytes::Bytes;
use chrono::Utc;
use database::{DbError, Role, Tx};
use support::analysis;
use support::customer_words::Words;
use support::order::place;
use support::ratings::link::{BadLink, Link};
use support::ratings::{self, COMMENT_CHARS, NewRating, Score, Source};
use support::rules::causes;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::help::html::{self, About, Kept, Looks, escaped};
use super::language;
use crate::state::AppState;
use crate::web::problem::Problem;

/// The routes of the page.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(page, submit))
}

/// The form of a rating link.
#[utoipa::path(
    get,
    path = "/r/{token}",
    tag = "ratings",
    security(()),
    params(("token" = String, Path, description = "as in GET /api/tickets/{id}/rating-link")),
    responses(
        (status = 200, description = "the form", body = String, content_type = "text/html"),
        (status = 404, description = "the link is not valid", body = String, content_type = "text/html"),
        (status = 410, description = "the link has expired", body = String, content_type = "text/html"),
    ),
)]
async fn page(
    State(state): State<AppState>,
    Path(token): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let link = match Link::read(&state.settings.master_key, &token, Utc::now()) {
        Ok(link) => link,
        Err(bad) => return Ok(refused(bad, &headers)),
    };
    let mut tx = state.db.tenant_tx(Role::Support, link.tenant).await?;
    let frame = Frame::of(&mut tx, link, &headers).await?;
    tx.commit().await?;
    let content = form(&token, frame.words, preselected(&uri), "", None);
    Ok(frame.page(StatusCode::OK, &content, &headers))
}

/// What stands around a page: the words of the language of its ticket's customer, as far as that is known, and the shop's
/// looks.
struct Frame {
    words: &'static Words,
    looks: Looks,
}

impl Frame {
    async fn of(tx: &mut Tx, link: Link, headers: &HeaderMap) -> Result<Frame, DbError> {
        let known = analysis::languages(tx, link.ticket).await?;
        let words = language::words(known.of_ticket.as_deref(), headers, known.of_shop.as_deref());
        let looks = html::looks(tx, link.tenant, words).await?;
        Ok(Frame { words, looks: looks.unwrap_or_else(|| Frame::of_nobody(words).looks) })
    }

    /// That of a link which names no shop.
    fn of_nobody(words: &'static Words) -> Frame {
        let page = html::plain(words.rating.title, words);
        Frame { words, looks: Looks { slug: String::new(), page } }
    }

    fn page(&self, status: StatusCode, content: &str, headers: &HeaderMap) -> Response {
        let (words, looks) = (self.words, &self.looks);
        let about = About { slug: &looks.slug, page: &looks.page, words, title: words.rating.title };
        html::page(status, &about, content, Kept::Never, headers)
    }

    fn refused(&self, bad: BadLink, headers: &HeaderMap) -> Response {
        let words = self.words;
        let (status, title, next) = match bad {
            BadLink::Invalid => (StatusCode::NOT_FOUND, words.rating.invalid, words.rating.invalid_next),
            BadLink::Expired => (StatusCode::GONE, words.link_expired, words.rating.expired),
        };
        self.page(status, &format!("<h1>{title}</h1><p>{next}</p>"), headers)
    }
}

/// The answer to a token that names nothing.
fn refused(bad: BadLink, headers: &HeaderMap) -> Response {
    Frame::of_nobody(language::words(None, headers, None)).refused(bad, headers)
}

/// A form of more bytes than this is not one of ours.
const FORM_BYTES: usize = 32 << 10;

/// Rate the ticket of a link. The newest rating of a resolution counts.
#[utoipa::path(
    post,
    path = "/r/{token}",
    tag = "ratings",
    security(()),
    params(("token" = String, Path, description = "as in GET /api/tickets/{id}/rating-link")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded",
        description = "score, 1 to 5, and comment, at most 2000 characters", example = "score=5&comment=Quick"),
    responses(
        (status = 200, description = "thanks", body = String, content_type = "text/html"),
        (status = 400, description = "the form again, with what is wrong", body = String, content_type = "text/html"),
        (status = 404, description = "the link is not valid", body = String, content_type = "text/html"),
        (status = 410, description = "the link has expired", body = String, content_type = "text/html"),
    ),
)]
async fn submit(
    State(state): State<AppState>,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let now = Utc::now();
    let link = match Link::read(&state.settings.master_key, &token, now) {
        Ok(link) => link,
        Err(bad) => return Ok(refused(bad, &headers)),
    };
    let mut tx = state.db.tenant_tx(Role::Support, link.tenant).await?;
    let frame = Frame::of(&mut tx, link, &headers).await?;
    let words = frame.words;
    // What was written is theirs, and stands in the form again.
    let again = |score, comment: &str, why: &str| {
        let content = form(&token, words, score, comment, Some(why));
        Ok(frame.page(StatusCode::BAD_REQUEST, &content, &headers))
    };
    if body.len() > FORM_BYTES {
        return again(None, "", words.too_long);
    }
    let Some(given) = Given::read(&body) else { return again(None, "", words.rating.choose) };
    let Ok(score) =
        given.score.parse::<i64>().map_err(|_| ()).and_then(|n| Score::try_from(n).map_err(|_| ()))
    else {
        return again(None, &given.comment, words.rating.choose);
    };
    if given.comment.chars().count() > COMMENT_CHARS {
        return again(Some(score.number()), &given.comment, &words.at_most(COMMENT_CHARS));
    }
    let rating = NewRating {
        ticket: link.ticket,
        score,
        comment: Some(&given.comment),
        source: Source::Link,
        by: "customer",
        external_id: None,
        given_at: now,
    };
    let stored = ratings::give(&mut tx, link.tenant, &rating).await?;
    let mut announcement = causes::enqueue(&mut tx, link.tenant, link.ticket).await?;
    if stored.is_some() {
        announcement.merge(jobs::enqueue_one(&mut tx, place::look_again(link.tenant, link.ticket)?).await?.1);
    }
    tx.commit().await?;
    state.dispatch.announce(announcement);
    if stored.is_none() {
        return Ok(frame.refused(BadLink::Invalid, &headers));
    }
    let thanks = format!("<h1>{}</h1><p>{}</p>", words.thanks, words.rating.given);
    Ok(frame.page(StatusCode::OK, &thanks, &headers))
}

/// What the form held; empty where it had nothing.
struct Given {
    score: String,
    comment: String,
}

impl Given {
    fn read(body: &[u8]) -> Option<Given> {
        let body = std::str::from_utf8(body).ok()?;
        // The same escapes as in a query, read by the same reader.
        let uri: Uri = format!("/?{}", body.replace(['\r', '\n', ' ', '#'], "+")).parse().ok()?;
        let axum::extract::Query(pairs) =
            axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri).ok()?;
        let field = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let comment: String = field("comment").unwrap_or_default().replace("\r\n", "\n");
        let visible = |c: &char| matches!(c, '\n' | '\t') || !c.is_control();
        Some(Given {
            score: field("score").unwrap_or_default().trim().to_owned(),
            comment: comment.chars().filter(visible).collect(),
        })
    }
}

/// The score that the link in the mail names: `?score=5`.
fn preselected(uri: &Uri) -> Option<i16> {
    let score = uri.query()?.strip_prefix("score=")?.parse::<i64>().ok()?;
    Score::try_from(score).ok().map(Score::number)
}

fn form(token: &str, words: &Words, chosen: Option<i16>, written: &str, fault: Option<&str>) -> String {
    let mut choices = String::new();
    for (score, meaning) in [5, 4, 3, 2, 1].into_iter().zip(words.rating.scores) {
        let checked = if chosen == Some(score) { " checked" } else { "" };
        choices += &format!(
            "<p><label><input type=\"radio\" name=\"score\" value=\"{score}\" required{checked}> {meaning}</label></p>"
        );
    }
    let fault =
        fault.map(|fault| format!("<p role=\"alert\"><strong>{fault}</strong></p>")).unwrap_or_default();
    let (question, comment) = (words.rating.question, words.rating.comment);
    let (answer, send, written) = (words.your_answer, words.send, escaped(written));
    // The token was read before, so it has only letters, digits, - and _.
    format!(
        "<h1>{question}</h1>{fault}<form method=\"post\" action=\"/r/{token}\" accept-charset=\"utf-8\">\
         <fieldset><legend>{answer}</legend>{choices}</fieldset>\
         <p><label for=\"comment\">{comment}</label><br>\
         <textarea id=\"comment\" name=\"comment\" rows=\"4\" cols=\"40\" maxlength=\"{COMMENT_CHARS}\">{written}</textarea></p>\
         <p><button type=\"submit\">{send}</button></p></form>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_with_its_escapes() {
        let given =
            Given::read("score=4&comment=Gut+gemacht%2C+%C3%A4+%26+b%00%0A!".as_bytes()).expect("a form");
        assert_eq!((given.score.as_str(), given.comment.as_str()), ("4", "Gut gemacht, ä & b\n!"));
        let without = Given::read(b"comment=x").expect("a form");
        assert_eq!((without.score.as_str(), without.comment.as_str()), ("", "x"));
        assert!(Given::read(&[0xff, 0xfe]).is_none());
    }
}
