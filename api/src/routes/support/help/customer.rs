//! A signed link by which a customer sees and answers their own tickets without signing in: those with the address of the
//! ticket that the link was made for. Notes, drafts and everything else of the desk stay inside.

use accounts::api_keys::Scope;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use bytes::Bytes;
use chrono::{DateTime, Duration, DurationRound, SecondsFormat, Utc};
use chrono_tz::Tz;
use database::ids::{MessageId, TicketId};
use database::{Role, Tx};
use platform::customers::{self as shop_customers, Found};
use platform::zone;
use serde::Serialize;
use std::collections::HashMap;
use std::fmt::Write as _;
use support::analysis;
use support::articles::customers::{self, FromElsewhere, Home, Own};
use support::articles::link::{BadToken, CustomerLink};
use support::customer_words::Words;
use support::tickets::message::{self, Which};
use support::tickets::{Acting, TicketError};
use utoipa::ToSchema;

use super::Asked;
use super::form::{Fields, parameter};
use super::html::{About, Kept, Looks, escaped, looks, nowhere, page as whole, plain};
use crate::routes::support::drafts::find;
use crate::routes::support::language;
use crate::routes::support::ratings::origin;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::correlation;
use crate::web::limiter::ONE;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;
use crate::web::sign_ins::Address;

/// Tickets and messages that one page shows.
const SHOWN: i64 = 50;
/// Characters of an answer.
const TEXT_LIMIT: usize = 20_000;

/// A link for the customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerLinkView {
    /// The address to put into a mail. Its host is the one that this request was sent to.
    url: String,
    /// The same without the host, for desks behind another name.
    path: String,
    /// Until when it works.
    until: DateTime<Utc>,
}

/// A link by which the customer of a ticket sees and answers their own tickets without signing in.
#[utoipa::path(
    get,
    path = "/api/tickets/{id}/customer-link",
    tag = "tickets",
    params(
        ("id" = String, Path, description = "our ticket id, or the help desk's"),
        ("days" = Option<i64>, Query, description = "how long it works, 1 to 90; 30 when missing"),
    ),
    responses(
        (status = 200, description = "the link; whoever has it sees the public messages of all tickets with this customer's address, until this ticket is another customer's; a ticket that was merged leads to the one in which it goes on", body = CustomerLinkView),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "nobody's address is known, or the ticket goes on in one of another customer", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn link(
    State(state): State<AppState>,
    caller: Caller,
    Path(reference): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<axum::Json<CustomerLinkView>, Problem> {
    caller.require(Scope::TicketsWrite)?;
    let days = Params::of(&uri, &["days"])?.number("days")?.unwrap_or(30);
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let ticket = find(&mut tx, &reference).await?;
    let home = customers::home(&mut tx, ticket.id).await?;
    tx.commit().await?;
    let is_theirs = home.as_ref().is_none_or(|home| home.is_theirs);
    let Some(email) = home.and_then(|home| home.address) else {
        return Err(Problem::conflict(
            "the ticket has no address of a customer, so there is nobody to give a link to",
        ));
    };
    if !is_theirs {
        return Err(Problem::conflict(
            "the ticket was merged into one of another customer, which is not theirs to see; take the merge back, or make a \
             link of another ticket of theirs",
        ));
    }
    let until = Utc::now() + Duration::days(days);
    // Whole seconds, as in the token.
    let until = until.duration_trunc(Duration::seconds(1)).unwrap_or(until);
    let key = &state.settings.master_key;
    let token = CustomerLink::of(key, caller.tenant, ticket.id, &email, until).token(key);
    let path = format!("/my/{token}");
    Ok(axum::Json(CustomerLinkView { url: format!("{}{path}", origin(&headers)), path, until }))
}

/// Whose tickets a link shows, in a transaction of the tenant.
struct Reader {
    link: CustomerLink,
    looks: Looks,
    own: Vec<Own>,
    words: &'static Words,
    /// Where the shop is, in whose time its customers read.
    zone: Tz,
    tx: Tx,
}

/// What a link shows, else the answer that it shows nothing; `headers` are the request's.
async fn reader(
    state: &AppState,
    token: &str,
    headers: &HeaderMap,
) -> Result<Result<Reader, Response>, Problem> {
    let link = match CustomerLink::read(&state.settings.master_key, token, Utc::now()) {
        Ok(link) => link,
        Err(bad) => return Ok(Err(refused(bad, headers))),
    };
    let mut tx = state.db.tenant_tx(Role::Support, link.tenant).await?;
    let invalid = || Ok(Err(refused(BadToken::Invalid, headers)));
    let home = customers::home(&mut tx, link.ticket).await?.filter(|home| home.is_theirs);
    let Some(Home { ticket, address: Some(address), .. }) = home else { return invalid() };
    if !link.is_for(&state.settings.master_key, &address) {
        return invalid();
    }
    let own = customers::own(&mut tx, ticket, &address, SHOWN).await?;
    let known = analysis::languages(&mut tx, ticket).await?;
    let words = language::words(known.of_ticket.as_deref(), headers, known.of_shop.as_deref());
    let looks = looks(&mut tx, link.tenant, words).await?;
    let (Some(looks), false) = (looks, own.is_empty()) else { return invalid() };
    let zone = zone::read(&mut tx).await?;
    Ok(Ok(Reader { link, looks, own, words, zone, tx }))
}

/// Why a link shows nothing, and what to do about it.
fn refused(bad: BadToken, headers: &HeaderMap) -> Response {
    let words = language::words(None, headers, None);
    let looks = plain(words.own.questions, words);
    let about = About { slug: "", page: &looks, words, title: words.own.questions };
    let (status, title, next) = match bad {
        BadToken::Expired => (StatusCode::GONE, words.link_expired, words.own.expired),
        BadToken::Invalid | BadToken::TooFast => {
            (StatusCode::NOT_FOUND, words.rating.invalid, words.rating.invalid_next)
        }
    };
    whole(status, &about, &format!("<h1>{title}</h1><p>{next}</p>"), Kept::Never, headers)
}

/// A customer's own tickets, and one of them with its messages.
#[utoipa::path(
    get,
    path = "/my/{token}",
    tag = "help page",
    security(()),
    params(
        ("token" = String, Path, description = "as in GET /api/tickets/{id}/customer-link"),
        ("ticket" = Option<i64>, Query, description = "the number of the one that is shown; the link's own when missing"),
    ),
    responses(
        (status = 200, description = "the page", body = String, content_type = "text/html"),
        (status = 404, description = "the link is not valid", body = String, content_type = "text/html"),
        (status = 410, description = "the link has expired", body = String, content_type = "text/html"),
    ),
)]
pub async fn page(
    State(state): State<AppState>,
    Path(token): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let reader = match reader(&state, &token, &headers).await? {
        Ok(reader) => reader,
        Err(answer) => return Ok(answer),
    };
    let wanted = parameter(&uri, "ticket").and_then(|number| number.parse::<i64>().ok());
    shown(reader, &token, wanted, None, StatusCode::OK, &headers).await
}

async fn shown(
    mut reader: Reader,
    token: &str,
    wanted: Option<i64>,
    fault: Option<&str>,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    // The link's own comes first.
    let chosen = reader.own.iter().find(|one| match wanted {
        Some(number) => one.number == number,
        None => true,
    });
    let Some(chosen) = chosen.cloned() else { return Ok(nowhere(headers)) };
    let mut messages = message::list(&mut reader.tx, chosen.id, Which::Public, None, SHOWN).await?;
    let ids: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
    let of_others = customers::of_others(&mut reader.tx, &ids).await?;
    messages.retain(|message| !of_others.contains(&message.id));
    let by_others = by_others(&mut reader.tx, &ids).await?;
    reader.tx.commit().await?;
    let (words, own) = (reader.words, &reader.words.own);
    let title = chosen.subject.clone().unwrap_or_else(|| (own.numbered)(chosen.number));
    let mut content = format!("<h1>{}</h1>", escaped(&title));
    if let Some(fault) = fault {
        let _ = write!(content, "<p role=\"alert\"><strong>{}</strong></p>", escaped(fault));
    }
    for one in messages.iter().rev() {
        // What machines sent for them, and what has not left, is none of the conversation.
        let has_left = !one.from_agent || matches!(one.delivery.as_deref(), None | Some("sent"));
        if !has_left || (one.by_machine && !one.from_agent) {
            continue;
        }
        let (who, text) = match one.from_agent {
            true => (reader.looks.page.title.as_str(), one.body_text.as_str()),
            // That it came is the customer's to know, since the shop may answer it here; its words and whence it came are its
            // writer's.
            false if by_others.contains(&one.id) => (own.somebody_else, own.not_shown),
            false => (own.you, one.body_text.as_str()),
        };
        let _ = write!(
            content,
            "<section class=\"from\"><strong>{}</strong> <time datetime=\"{}\">{}</time>\n{}</section>",
            escaped(who),
            one.sent_at.to_rfc3339_opts(SecondsFormat::Secs, true),
            words.time(one.sent_at.with_timezone(&reader.zone)),
            escaped(text)
        );
    }
    // The token was read before, so it has only letters, digits, - and _.
    let _ = write!(
        content,
        "<form method=\"post\" action=\"/my/{token}\" accept-charset=\"utf-8\">\
         <input type=\"hidden\" name=\"ticket\" value=\"{}\"><label for=\"text\">{}</label>\
         <textarea id=\"text\" name=\"text\" rows=\"6\" required maxlength=\"{TEXT_LIMIT}\"></textarea>\
         <p><button type=\"submit\">{}</button></p></form><h2>{}</h2><ul>",
        chosen.number, words.your_answer, words.send, own.questions
    );
    for one in &reader.own {
        let subject = one.subject.clone().unwrap_or_else(|| (own.numbered)(one.number));
        let status = own.status(one.status);
        let _ = write!(
            content,
            "<li><a href=\"/my/{token}?ticket={}\">{}</a> ({status})</li>",
            one.number,
            escaped(&subject)
        );
    }
    content.push_str("</ul>");
    let about = About { slug: &reader.looks.slug, page: &reader.looks.page, words, title: &title };
    Ok(whole(status, &about, &content, Kept::Never, headers))
}

/// Those of these messages that somebody else than the customer sent by mail. An address that the shop knows as this customer's is
/// theirs too.
async fn by_others(tx: &mut Tx, messages: &[MessageId]) -> Result<Vec<MessageId>, Problem> {
    let mut known: HashMap<(String, Option<String>), bool> = HashMap::new();
    let mut others = Vec::new();
    for FromElsewhere { message, sender, customer } in customers::from_elsewhere(tx, messages).await? {
        let is_theirs = match (known.get(&(sender.clone(), customer.clone())), &customer) {
            (Some(is_theirs), _) => *is_theirs,
            (None, None) => false,
            (None, Some(customer)) => {
                let found = shop_customers::find(tx, None, Some(&sender)).await?;
                found == shop_customers::find(tx, Some(customer), None).await? && found != Found::Nobody
            }
        };
        known.insert((sender, customer), is_theirs);
        if !is_theirs {
            others.push(message);
        }
    }
    Ok(others)
}

/// Answer one of one's own tickets. A final one is followed by a new one.
#[utoipa::path(
    post,
    path = "/my/{token}",
    tag = "help page",
    security(()),
    params(("token" = String, Path, description = "as in GET /api/tickets/{id}/customer-link")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded",
        description = "ticket, its number, and text", example = "ticket=7&text=Thanks"),
    responses(
        (status = 200, description = "the page with the answer", body = String, content_type = "text/html"),
        (status = 400, description = "the page, with what is wrong", body = String, content_type = "text/html"),
        (status = 404, description = "the link is not valid", body = String, content_type = "text/html"),
        (status = 410, description = "the link has expired", body = String, content_type = "text/html"),
        (status = 429, description = "too many from one address", body = String, content_type = "text/html"),
    ),
)]
pub async fn answer(
    State(state): State<AppState>,
    Extension(asked): Extension<Asked>,
    address: Address,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let mut reader = match reader(&state, &token, &headers).await? {
        Ok(reader) => reader,
        Err(answer) => return Ok(answer),
    };
    let words = reader.words;
    let Some(fields) = Fields::read(&body) else {
        return shown(reader, &token, None, Some(words.too_long), StatusCode::BAD_REQUEST, &headers).await;
    };
    let number = fields.text("ticket").parse::<i64>().ok();
    let text = fields.text("text");
    let Some(ticket) = reader.own.iter().find(|one| Some(one.number) == number).map(|one| one.id) else {
        return Ok(nowhere(&headers));
    };
    if text.chars().count() > TEXT_LIMIT {
        let why = words.at_most(TEXT_LIMIT);
        return shown(reader, &token, number, Some(&why), StatusCode::BAD_REQUEST, &headers).await;
    }
    if asked.count(address.into(), ONE).is_err() {
        let why = words.own.too_many;
        return shown(reader, &token, number, Some(why), StatusCode::TOO_MANY_REQUESTS, &headers).await;
    }
    let heard = hear(&mut reader, ticket, &text).await?;
    match heard {
        Some((in_ticket, announcement)) => {
            state.db.commit(reader.tx).await?;
            state.dispatch.announce(announcement);
            let reader = match self::reader(&state, &token, &headers).await? {
                Ok(reader) => reader,
                Err(answer) => return Ok(answer),
            };
            let number = reader.own.iter().find(|one| one.id == in_ticket).map(|one| one.number);
            shown(reader, &token, number, None, StatusCode::OK, &headers).await
        }
        None => {
            let why = Some(words.own.empty);
            shown(reader, &token, number, why, StatusCode::BAD_REQUEST, &headers).await
        }
    }
}

/// Adds what the customer wrote; none when that is nothing.
async fn hear(
    reader: &mut Reader,
    ticket: TicketId,
    text: &str,
) -> Result<Option<(TicketId, jobs::Announcement)>, Problem> {
    let correlation_id = correlation::current();
    let trace_parent = boot::telemetry::trace_parent_of_current_span();
    let acting = Acting {
        tenant: reader.link.tenant,
        actor: "customer",
        agent: None,
        writer: reader.link.ticket.0,
        name: "customer",
        correlation_id: correlation_id.as_str(),
        trace_parent: trace_parent.as_deref(),
        now: Utc::now(),
    };
    match message::hear(&mut reader.tx, &acting, ticket, text, &[]).await {
        Ok(added) => Ok(Some((added.ticket, added.announcement))),
        Err(TicketError::Field { .. } | TicketError::TooLong { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
