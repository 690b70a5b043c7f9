//! The form by which one asks. What is written is answered with articles first; sent again, it becomes a ticket.
//!
//! Against programs that fill in forms: the form carries a token that says when it was handed out and is proved by a key
//! of this desk, so none is sent that was not asked for a moment before; a field that nobody sees must stay empty; and an
//! address may send a few a minute. A form is one ticket: its token is its id.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use bytes::Bytes;
use chrono::Utc;
use database::address::{self, BadAddress, compared};
use serde_json::Map;
use std::fmt::Write as _;
use support::articles::link::{BadToken, FormToken};
use support::articles::{deflection, search};
use support::customer_words::Words;
use support::tickets::change::Customer;
use support::tickets::create::{NewTicket, create};
use support::tickets::message::From;
use support::tickets::words::{Channel, Priority};
use support::tickets::{Acting, TicketError};
use uuid::Uuid;

use super::form::Fields;
use super::html::{About, Kept, escaped, nowhere, page};
use super::{Asked, Reading, Shop, reading, shop};
use crate::routes::support::tickets::erased;
use crate::state::AppState;
use crate::web::correlation;
use crate::web::limiter::ONE;
use crate::web::problem::Problem;
use crate::web::sign_ins::Address;

/// Articles that are suggested before a question is sent.
const SUGGESTED: i64 = 3;
/// Characters of a question.
const TEXT_LIMIT: usize = 20_000;
/// Characters of a name, and of a subject, as the words for it say.
const NAME_LIMIT: usize = 200;
const SUBJECT_LIMIT: usize = 500;

/// What somebody filled in.
#[derive(Default)]
struct Question {
    name: String,
    email: String,
    subject: String,
    text: String,
}

/// The form.
#[utoipa::path(
    get,
    path = "/help/{shop}/contact",
    tag = "help page",
    security(()),
    params(
        ("shop" = String, Path, description = "the shop's slug"),
        ("lang" = Option<String>, Query, description = "ISO 639-1"),
    ),
    responses(
        (status = 200, description = "the form", body = String, content_type = "text/html"),
        (status = 404, description = "there is none", body = String, content_type = "text/html"),
    ),
)]
pub async fn blank(
    State(state): State<AppState>,
    Path(slug): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let shop = match shop(&state, &slug, &headers).await? {
        Ok(shop) if shop.page.has_form => shop,
        Ok(_) => return Ok(nowhere(&headers)),
        Err(nowhere) => return Ok(nowhere),
    };
    let reading = reading(&uri, &headers, &shop.page);
    let token = FormToken { tenant: shop.tenant.id, id: Uuid::now_v7(), at: Utc::now() };
    let form = form(&slug, &reading, &token.token(&state.settings.master_key), &Question::default(), None);
    let about = About { slug: &slug, page: &shop.page, words: reading.words, title: reading.words.ask_us };
    Ok(page(StatusCode::OK, &about, &form, Kept::Never, &headers))
}

/// Ask: the first time articles that may answer are shown; sent again it becomes a ticket.
#[utoipa::path(
    post,
    path = "/help/{shop}/contact",
    tag = "help page",
    security(()),
    params(("shop" = String, Path, description = "the shop's slug")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded",
        description = "token, name, email, subject, text, and sure=1 to send it", example = "email=ann%40example.com&text=Hello"),
    responses(
        (status = 200, description = "suggestions, or thanks", body = String, content_type = "text/html"),
        (status = 400, description = "the form again, with what is wrong", body = String, content_type = "text/html"),
        (status = 404, description = "there is none", body = String, content_type = "text/html"),
        (status = 429, description = "too many from one address", body = String, content_type = "text/html"),
    ),
)]
pub async fn submit(
    State(state): State<AppState>,
    Extension(asked): Extension<Asked>,
    address: Address,
    Path(slug): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let mut shop = match shop(&state, &slug, &headers).await? {
        Ok(shop) if shop.page.has_form => shop,
        Ok(_) => return Ok(nowhere(&headers)),
        Err(nowhere) => return Ok(nowhere),
    };
    let reading = reading(&uri, &headers, &shop.page);
    let words = reading.words;
    let looks = shop.page.clone();
    let about = About { slug: &slug, page: &looks, words, title: words.ask_us };
    let show = |status, content: &str| page(status, &about, content, Kept::Never, &headers);
    let Some(fields) = Fields::read(&body) else {
        return Ok(show(StatusCode::BAD_REQUEST, &format!("<h1>{}</h1>", words.too_long)));
    };
    let question = Question {
        name: fields.text("name").trim().to_owned(),
        email: compared(&fields.text("email")).unwrap_or_else(|| fields.text("email").trim().to_owned()),
        subject: fields.text("subject").trim().to_owned(),
        text: fields.text("text").trim().to_owned(),
    };
    let key = &state.settings.master_key;
    let fresh = || FormToken { tenant: shop.tenant.id, id: Uuid::now_v7(), at: Utc::now() }.token(key);
    let again = |token: &str, why: &str| {
        show(StatusCode::BAD_REQUEST, &form(&slug, &reading, token, &question, Some(why)))
    };
    let written = fields.text("token");
    let token = match FormToken::read(key, &written, Utc::now()) {
        Ok(token) if token.tenant == shop.tenant.id => token,
        Err(BadToken::TooFast) => return Ok(again(&written, words.form.too_fast)),
        _ => return Ok(again(&fresh(), words.form.too_late)),
    };
    // Nobody sees this field, so only a program fills it in; it is told what a person would be.
    if !fields.text("website").is_empty() {
        return Ok(show(StatusCode::OK, &thanks(words)));
    }
    if let Some(fault) = fault_of(&question, words) {
        return Ok(again(&written, &fault));
    }
    if fields.text("sure") != "1" {
        let text = format!("{} {}", question.subject, question.text);
        let found = search::for_text(&mut shop.tx, &text, Some(&reading.articles), true, SUGGESTED).await?;
        if !found.is_empty() {
            let ids: Vec<Uuid> = found.iter().map(|one| one.article_id).collect();
            deflection::shown(&mut shop.tx, shop.tenant.id, token.id, &ids).await?;
            shop.tx.commit().await?;
            let mut content = format!("<h1>{}</h1><ul>", words.form.suggested);
            for one in &found {
                let _ = write!(
                    content,
                    "<li><a href=\"/help/{slug}/a/{}?lang={}&amp;from={}\" target=\"_blank\" rel=\"noopener\">{}</a></li>",
                    one.slug,
                    reading.articles,
                    token.id,
                    escaped(&one.title)
                );
            }
            content.push_str("</ul>");
            content.push_str(&sure(&slug, &reading, &written, &question));
            return Ok(show(StatusCode::OK, &content));
        }
    }
    if asked.count(address.into(), ONE).is_err() {
        let why = Some(words.form.too_many);
        let content = form(&slug, &reading, &written, &question, why);
        return Ok(show(StatusCode::TOO_MANY_REQUESTS, &content));
    }
    match open_ticket(&state, shop, token.id, &question).await? {
        Opened::Yes => Ok(show(StatusCode::OK, &thanks(words))),
        Opened::DoesNotFit => Ok(again(&written, words.form.does_not_fit)),
    }
}

fn thanks(words: &Words) -> String {
    format!("<h1>{}</h1><p>{}</p>", words.thanks, words.form.received)
}

/// Whether a form became a ticket.
enum Opened {
    /// It did, now or before.
    Yes,
    /// Something of it does not fit a ticket.
    DoesNotFit,
}

/// Makes the ticket, once for a form.
async fn open_ticket(
    state: &AppState,
    mut shop: Shop,
    form: Uuid,
    question: &Question,
) -> Result<Opened, Problem> {
    let tenant = shop.tenant.id;
    if !deflection::claim(&mut shop.tx, tenant, form).await? {
        return Ok(Opened::Yes);
    }
    let actor = "form:help_page";
    let correlation_id = correlation::current();
    let trace_parent = boot::telemetry::trace_parent_of_current_span();
    let acting = Acting {
        tenant,
        actor,
        agent: None,
        writer: form,
        name: "help page",
        correlation_id: correlation_id.as_str(),
        trace_parent: trace_parent.as_deref(),
        now: Utc::now(),
    };
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let new = NewTicket {
        subject: some(&question.subject),
        channel: Channel::Form,
        priority: Priority::Normal,
        customer: Customer { id: None, email: Some(question.email.clone()), name: some(&question.name) },
        tags: Vec::new(),
        department: None,
        skills: Vec::new(),
        language: None,
        custom: Map::new(),
        message: Some((From::Customer, question.text.clone())),
    };
    let made = match create(&mut shop.tx, &acting, &new).await {
        Ok(made) => made,
        Err(TicketError::Field { .. }) => return Ok(Opened::DoesNotFit),
        Err(error) => return Err(error.into()),
    };
    deflection::sent(&mut shop.tx, form, made.ticket).await?;
    erased::wrote(state, &mut shop.tx, tenant, Some(&question.email), acting.now).await?;
    state.db.commit(shop.tx).await?;
    state.dispatch.announce(made.announcement);
    Ok(Opened::Yes)
}

/// What is wrong with it, in a sentence.
fn fault_of(question: &Question, words: &Words) -> Option<String> {
    if question.email.is_empty() {
        return Some(words.form.email_missing.to_owned());
    }
    match address::normal(&question.email) {
        // Nobody writes from within the house by this form.
        Ok(email) if email.rsplit_once('@').is_some_and(|(_, host)| host.contains('.')) => {
            text_fault_of(question, words)
        }
        Err(BadAddress::Undeliverable(flaw)) => Some(words.form.flawed(flaw)),
        Ok(_) | Err(BadAddress::NotOne) => Some(words.form.email_not_one.to_owned()),
    }
}

fn text_fault_of(question: &Question, words: &Words) -> Option<String> {
    if question.text.chars().filter(|c| c.is_alphanumeric()).count() < 2 {
        return Some(words.form.question_missing.to_owned());
    }
    if question.text.chars().count() > TEXT_LIMIT {
        return Some(words.at_most(TEXT_LIMIT));
    }
    if question.name.chars().count() > NAME_LIMIT || question.subject.chars().count() > SUBJECT_LIMIT {
        return Some(words.form.name_or_subject_long.to_owned());
    }
    None
}

/// The form as it was filled in. What it is answered with is read in the same language.
fn form(slug: &str, reading: &Reading, token: &str, question: &Question, fault: Option<&str>) -> String {
    let Reading { articles: language, words } = reading;
    let fault = fault.map(|fault| format!("<p role=\"alert\"><strong>{}</strong></p>", escaped(fault)));
    let own = &words.form;
    format!(
        "<h1>{}</h1>{}<form method=\"post\" action=\"/help/{slug}/contact?lang={language}\" accept-charset=\"utf-8\">\
         <input type=\"hidden\" name=\"token\" value=\"{}\">\
         <label for=\"name\">{}</label><input id=\"name\" type=\"text\" name=\"name\" maxlength=\"{NAME_LIMIT}\" \
         autocomplete=\"name\" value=\"{}\">\
         <label for=\"email\">{}</label><input id=\"email\" type=\"email\" name=\"email\" required \
         maxlength=\"320\" autocomplete=\"email\" value=\"{}\">\
         <label for=\"subject\">{}</label><input id=\"subject\" type=\"text\" name=\"subject\" \
         maxlength=\"{SUBJECT_LIMIT}\" value=\"{}\">\
         <p class=\"trap\" aria-hidden=\"true\"><label for=\"website\">{}</label>\
         <input id=\"website\" type=\"text\" name=\"website\" tabindex=\"-1\" autocomplete=\"off\"></p>\
         <label for=\"text\">{}</label><textarea id=\"text\" name=\"text\" rows=\"8\" required \
         maxlength=\"{TEXT_LIMIT}\">{}</textarea><p><button type=\"submit\">{}</button></p></form>",
        words.ask_us,
        fault.unwrap_or_default(),
        escaped(token),
        own.name,
        escaped(&question.name),
        own.email,
        escaped(&question.email),
        own.subject,
        escaped(&question.subject),
        own.leave_empty,
        own.question,
        escaped(&question.text),
        own.ask
    )
}

/// The same, hidden, with the button that sends it all the same.
fn sure(slug: &str, reading: &Reading, token: &str, question: &Question) -> String {
    let Reading { articles: language, words } = reading;
    let hidden = |name: &str, value: &str| {
        format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escaped(value))
    };
    format!(
        "<form method=\"post\" action=\"/help/{slug}/contact?lang={language}\" accept-charset=\"utf-8\">{}{}{}{}{}{}\
         <p><button type=\"submit\">{}</button></p></form>",
        hidden("token", token),
        hidden("sure", "1"),
        hidden("name", &question.name),
        hidden("email", &question.email),
        hidden("subject", &question.subject),
        hidden("text", &question.text),
        words.form.send_all_the_same
    )
}
