//! The page behind a rating link: five buttons, a line for words, no script, nothing about the customer. Looking at it
//! does nothing, because programs that check mails for dangers look at every link.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::Utc;
use database::Role;
use support::order::place;
use support::ratings::link::{BadLink, Link};
use support::ratings::{self, COMMENT_CHARS, NewRating, Score, Source};
use support::rules::causes;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

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
async fn page(State(state): State<AppState>, Path(token): Path<String>, uri: Uri) -> Response {
    match Link::read(&state.settings.master_key, &token, Utc::now()) {
        Ok(_) => html(StatusCode::OK, &form(&token, preselected(&uri), None)),
        Err(bad) => refused(bad),
    }
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
    body: Bytes,
) -> Result<Response, Problem> {
    let now = Utc::now();
    let link = match Link::read(&state.settings.master_key, &token, now) {
        Ok(link) => link,
        Err(bad) => return Ok(refused(bad)),
    };
    let again = |score, why: &str| Ok(html(StatusCode::BAD_REQUEST, &form(&token, score, Some(why))));
    if body.len() > FORM_BYTES {
        return again(None, "That is too long.");
    }
    let Some(given) = Given::read(&body) else { return again(None, "Please choose one of the five.") };
    let Ok(score) =
        given.score.parse::<i64>().map_err(|_| ()).and_then(|n| Score::try_from(n).map_err(|_| ()))
    else {
        return again(None, "Please choose one of the five.");
    };
    if given.comment.chars().count() > COMMENT_CHARS {
        return again(Some(score.number()), "Please use at most 2000 characters.");
    }
    let mut tx = state.db.tenant_tx(Role::Support, link.tenant).await?;
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
        return Ok(refused(BadLink::Invalid));
    }
    Ok(html(StatusCode::OK, "<h1>Thank you</h1><p>Your answer is with us. You may close this page.</p>"))
}

/// What the form held.
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
        let comment: String = field("comment").unwrap_or_default();
        let visible = |c: &char| matches!(c, '\n' | '\t') || !c.is_control();
        Some(Given {
            score: field("score")?.trim().to_owned(),
            comment: comment.chars().filter(visible).collect(),
        })
    }
}

/// The score that the link in the mail names: `?score=5`.
fn preselected(uri: &Uri) -> Option<i16> {
    let score = uri.query()?.strip_prefix("score=")?.parse::<i64>().ok()?;
    Score::try_from(score).ok().map(Score::number)
}

fn form(token: &str, chosen: Option<i16>, fault: Option<&str>) -> String {
    const WORDS: [(i16, &str); 5] =
        [(5, "Very good"), (4, "Good"), (3, "Fair"), (2, "Poor"), (1, "Very poor")];
    let mut choices = String::new();
    for (score, words) in WORDS {
        let checked = if chosen == Some(score) { " checked" } else { "" };
        choices += &format!(
            "<p><label><input type=\"radio\" name=\"score\" value=\"{score}\" required{checked}> {words}</label></p>"
        );
    }
    let fault =
        fault.map(|fault| format!("<p role=\"alert\"><strong>{fault}</strong></p>")).unwrap_or_default();
    // The token was read before, so it has only letters, digits, - and _.
    format!(
        "<h1>How was our help?</h1>{fault}<form method=\"post\" action=\"/r/{token}\" accept-charset=\"utf-8\">\
         <fieldset><legend>Your answer</legend>{choices}</fieldset>\
         <p><label for=\"comment\">Anything to add? (optional)</label><br>\
         <textarea id=\"comment\" name=\"comment\" rows=\"4\" cols=\"40\" maxlength=\"{COMMENT_CHARS}\"></textarea></p>\
         <p><button type=\"submit\">Send</button></p></form>"
    )
}

fn refused(bad: BadLink) -> Response {
    match bad {
        BadLink::Invalid => html(
            StatusCode::NOT_FOUND,
            "<h1>This link is not valid</h1><p>Please use the link in our mail as it is.</p>",
        ),
        BadLink::Expired => {
            html(StatusCode::GONE, "<h1>This link has expired</h1><p>Thank you for wanting to answer.</p>")
        }
    }
}

fn html(status: StatusCode, content: &str) -> Response {
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"robots\" content=\"noindex\">\
         <title>Your rating</title></head><body>{content}</body></html>"
    );
    let mut response = (status, page).into_response();
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_with_its_escapes() {
        let given =
            Given::read("score=4&comment=Gut+gemacht%2C+%C3%A4+%26+b%00%0A!".as_bytes()).expect("a form");
        assert_eq!((given.score.as_str(), given.comment.as_str()), ("4", "Gut gemacht, ä & b\n!"));
        assert!(Given::read(b"comment=x").is_none());
        assert!(Given::read(&[0xff, 0xfe]).is_none());
    }
}
