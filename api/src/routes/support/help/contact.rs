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
use std::borrow::Cow;
use std::fmt::Write as _;
use support::articles::link::{BadToken, FormToken};
use support::articles::{deflection, search};
use support::tickets::change::Customer;
use support::tickets::create::{NewTicket, create};
use support::tickets::message::From;
use support::tickets::words::{Channel, Priority};
use support::tickets::{Acting, TicketError};
use uuid::Uuid;

use super::form::{Fields, parameter};
use super::html::{About, Kept, escaped, nowhere, page};
use super::{Asked, Shop, language, shop};
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
    let shop = match shop(&state, &slug).await? {
        Ok(shop) if shop.page.has_form => shop,
        Ok(_) => return Ok(nowhere()),
        Err(nowhere) => return Ok(nowhere),
    };
    let language = language(parameter(&uri, "lang").as_deref(), &shop.page);
    let token = FormToken { tenant: shop.tenant.id, id: Uuid::now_v7(), at: Utc::now() };
    let form = form(&slug, &token.token(&state.settings.master_key), &Question::default(), None, "Ask");
    let about = About { slug: &slug, page: &shop.page, language: &language, title: "Ask us" };
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
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let mut shop = match shop(&state, &slug).await? {
        Ok(shop) if shop.page.has_form => shop,
        Ok(_) => return Ok(nowhere()),
        Err(nowhere) => return Ok(nowhere),
    };
    let (looks, own) = (shop.page.clone(), shop.page.language.clone());
    let about = About { slug: &slug, page: &looks, language: &own, title: "Ask us" };
    let show = |status, content: &str| page(status, &about, content, Kept::Never, &headers);
    let Some(fields) = Fields::read(&body) else {
        return Ok(show(StatusCode::BAD_REQUEST, "<h1>That is too much</h1>"));
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
        show(StatusCode::BAD_REQUEST, &form(&slug, token, &question, Some(why), "Ask"))
    };
    let written = fields.text("token");
    let token = match FormToken::read(key, &written, Utc::now()) {
        Ok(token) if token.tenant == shop.tenant.id => token,
        Err(BadToken::TooFast) => {
            return Ok(again(&written, "That was fast. Please look at it again and send it."));
        }
        _ => return Ok(again(&fresh(), "The form was open for too long. Please send it again.")),
    };
    // Nobody sees this field, so only a program fills it in; it is told what a person would be.
    if !fields.text("website").is_empty() {
        return Ok(show(StatusCode::OK, THANKS));
    }
    if let Some(fault) = fault_of(&question) {
        return Ok(again(&written, &fault));
    }
    if fields.text("sure") != "1" {
        let text = format!("{} {}", question.subject, question.text);
        let found = search::for_text(&mut shop.tx, &text, Some(&own), true, SUGGESTED).await?;
        if !found.is_empty() {
            let ids: Vec<Uuid> = found.iter().map(|one| one.article_id).collect();
            deflection::shown(&mut shop.tx, shop.tenant.id, token.id, &ids).await?;
            shop.tx.commit().await?;
            let mut content = String::from("<h1>Does one of these help?</h1><ul>");
            for one in &found {
                let _ = write!(
                    content,
                    "<li><a href=\"/help/{slug}/a/{}?lang={}&amp;from={}\" target=\"_blank\" rel=\"noopener\">{}</a></li>",
                    one.slug,
                    one.language,
                    token.id,
                    escaped(&one.title)
                );
            }
            content.push_str("</ul>");
            content.push_str(&sure(&slug, &written, &question));
            return Ok(show(StatusCode::OK, &content));
        }
    }
    if asked.count(address.into(), ONE).is_err() {
        let why = "Too many questions came from your network. Please wait a minute and send it again.";
        return Ok(show(StatusCode::TOO_MANY_REQUESTS, &form(&slug, &written, &question, Some(why), "Ask")));
    }
    match open_ticket(&state, shop, token.id, &question).await? {
        Ok(()) => Ok(show(StatusCode::OK, THANKS)),
        Err(why) => Ok(again(&written, &why)),
    }
}

const THANKS: &str = "<h1>Thank you</h1><p>We have your question and will answer by mail.</p>";

/// Makes the ticket, once for a form; what does not fit is told.
async fn open_ticket(
    state: &AppState,
    mut shop: Shop,
    form: Uuid,
    question: &Question,
) -> Result<Result<(), String>, Problem> {
    let tenant = shop.tenant.id;
    if !deflection::claim(&mut shop.tx, tenant, form).await? {
        return Ok(Ok(()));
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
        Err(TicketError::Field { problem, .. }) => return Ok(Err(problem)),
        Err(error) => return Err(error.into()),
    };
    deflection::sent(&mut shop.tx, form, made.ticket).await?;
    erased::wrote(state, &mut shop.tx, tenant, Some(&question.email), acting.now).await?;
    state.db.commit(shop.tx).await?;
    state.dispatch.announce(made.announcement);
    Ok(Ok(()))
}

fn fault_of(question: &Question) -> Option<Cow<'static, str>> {
    match address::normal(&question.email) {
        // Nobody writes from within the house by this form.
        Ok(email) if email.rsplit_once('@').is_some_and(|(_, host)| host.contains('.')) => {
            text_fault_of(question).map(Cow::from)
        }
        Err(BadAddress::Undeliverable(fault)) => Some(
            format!("Please look at your e-mail address again: it {fault}, so no answer would reach you.")
                .into(),
        ),
        Ok(_) | Err(BadAddress::NotOne) => {
            Some("Please write your e-mail address, so that we can answer.".into())
        }
    }
}

fn text_fault_of(question: &Question) -> Option<&'static str> {
    if question.text.chars().filter(|c| c.is_alphanumeric()).count() < 2 {
        return Some("Please write your question.");
    }
    if question.text.chars().count() > TEXT_LIMIT {
        return Some("Please use at most 20,000 characters.");
    }
    if question.name.chars().count() > 200 || question.subject.chars().count() > 500 {
        return Some("Please use at most 200 characters for your name and 500 for the subject.");
    }
    None
}

fn form(slug: &str, token: &str, question: &Question, fault: Option<&str>, button: &str) -> String {
    let fault = fault.map(|fault| format!("<p role=\"alert\"><strong>{}</strong></p>", escaped(fault)));
    format!(
        "<h1>Ask us</h1>{}<form method=\"post\" action=\"/help/{slug}/contact\" accept-charset=\"utf-8\">\
         <input type=\"hidden\" name=\"token\" value=\"{}\">\
         <label for=\"name\">Your name</label><input id=\"name\" type=\"text\" name=\"name\" maxlength=\"200\" \
         autocomplete=\"name\" value=\"{}\">\
         <label for=\"email\">Your e-mail address</label><input id=\"email\" type=\"email\" name=\"email\" required \
         maxlength=\"320\" autocomplete=\"email\" value=\"{}\">\
         <label for=\"subject\">Subject</label><input id=\"subject\" type=\"text\" name=\"subject\" maxlength=\"500\" \
         value=\"{}\">\
         <p class=\"trap\" aria-hidden=\"true\"><label for=\"website\">Leave this empty</label>\
         <input id=\"website\" type=\"text\" name=\"website\" tabindex=\"-1\" autocomplete=\"off\"></p>\
         <label for=\"text\">Your question</label><textarea id=\"text\" name=\"text\" rows=\"8\" required \
         maxlength=\"{TEXT_LIMIT}\">{}</textarea><p><button type=\"submit\">{button}</button></p></form>",
        fault.unwrap_or_default(),
        escaped(token),
        escaped(&question.name),
        escaped(&question.email),
        escaped(&question.subject),
        escaped(&question.text)
    )
}

/// The same, hidden, with the button that sends it all the same.
fn sure(slug: &str, token: &str, question: &Question) -> String {
    let hidden = |name: &str, value: &str| {
        format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escaped(value))
    };
    format!(
        "<form method=\"post\" action=\"/help/{slug}/contact\" accept-charset=\"utf-8\">{}{}{}{}{}{}\
         <p><button type=\"submit\">No, send my question</button></p></form>",
        hidden("token", token),
        hidden("sure", "1"),
        hidden("name", &question.name),
        hidden("email", &question.email),
        hidden("subject", &question.subject),
        hidden("text", &question.text)
    )
}
