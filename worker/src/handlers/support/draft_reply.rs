//! Drafts a reply: gathers the thread and what the orders say about the customer, has it written by
//! the model or by the built-in drafter, holds it to the promise policy, and stores it with the
//! message count that it belongs to.

use std::{borrow::Cow, sync::Arc, time::Duration};

use accounts::{
    integrations::{self, IntegrationError},
    tenants,
};
use chrono::{DateTime, Utc};
use database::{
    Role, Tx,
    ids::{TenantId, TicketId},
};
use jobs::{NewJob, ledger::Failure};
use platform::customers::{self, Contact, Found, Profile};
use platform::{money, zone};
use serde_json::Value;
use support::kinds::{DraftReply, PostInternalNote, draft_reply::DraftReplyOutput};
use support::{
    analysis,
    articles::search,
    drafts::{
        self, NewDraft, apart,
        wanted::{self, Standing, Unwanted},
    },
    events,
    gorgias::{PROVIDER, html, is_machine},
    tickets::{self, Message, NewMessage, Ticket},
};
use tokio::time::Instant;

use questions::usage::Feature;

use crate::{
    ai,
    app::App,
    context::Ctx,
    draft::{
        Author, Channel, CustomerFacts, Draft, DraftInput, Drafter, KnownArticle, RecentOrder, ThreadMessage,
        cite,
        fault::Fault,
        judge,
        language::{self, Chosen},
        prompt, style, template,
    },
    nightly::known,
    outcome::{Outcome, Stop, done, done_then},
};
use upstreams::{CallContext, ClientError, anthropic, gorgias};

/// Messages that a drafter sees.
const THREAD: u32 = 20;

/// The longest message that is kept of what the help desk is asked for, in characters.
const MESSAGE_CHARS: usize = 50_000;

/// Articles that a drafter sees.
const ARTICLES: i64 = 3;

/// Orders that a drafter sees.
const ORDERS: u32 = 5;

/// A little less than the kind's deadline, so that the clients give up in order.
const CALL_TIME: Duration = Duration::from_secs(50);

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: DraftReply) -> Outcome<DraftReplyOutput> {
    let call = CallContext { deadline: Instant::now() + CALL_TIME, traceparent: ctx.trace_parent.clone() };
    let ticket_id = TicketId(job.ticket_id);
    let began = Utc::now();

    let Some(Looked { ticket, standing, existing, help_desk, thread }) = look(&ctx, &app, ticket_id).await?
    else {
        return Err(Stop::Cancel("the ticket is gone".to_owned()));
    };
    // An earlier attempt of this job stored its draft, or a fresh one is there already.
    if let Some(draft) = existing.filter(|draft| draft.job == ctx.job_id || !(job.again || draft.stale)) {
        let output = output_of(&draft, None);
        return if draft.job == ctx.job_id {
            finish(&ctx, draft, &standing, help_desk.is_some())
        } else {
            done(output)
        };
    }
    // What somebody asks for by hand is written whatever the ticket is.
    if !job.again {
        standing.awaits_answer().map_err(not_written)?;
    }
    ctx.progress(1, Some(3), "gathering the thread and the customer's orders");
    let (thread, message_count, standing) =
        whole(&ctx, &app, &call, help_desk.as_ref(), &ticket, thread, standing).await?;
    if !standing.has_words() {
        return Err(not_written(Unwanted::NoWords));
    }
    if !job.again {
        standing.awaits_answer().map_err(not_written)?;
    }
    let input = input_of(&ctx, &app, &job, &ticket, thread).await?;

    ctx.progress(2, Some(3), "writing");
    // Without a model there is no budget to be asked.
    let model = match &app.anthropic {
        Some(_) => ai::allowed(&app, ctx.tenant).await?.client,
        None => None,
    };
    let (draft, usage) = match model {
        Some(model) => write_by_model(&ctx, &app, model, &call, &input).await?,
        None => (template::draft(&input), None),
    };
    ctx.progress(3, Some(3), "storing");
    let recommendation = advice_of(&draft, &input);
    // Not one of the few connections for steps: the answer is paid for, and must not wait behind a flood, nor be lost.
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    if !apart::is_whole(&mut tx, ticket_id, began).await? {
        let reason = "its messages went to another ticket by a merge, or to their own by the end of one, while it was drafted";
        return Err(Stop::Cancel(reason.to_owned()));
    }
    let stored = drafts::store(
        &mut tx,
        ctx.tenant,
        &NewDraft {
            ticket: ticket_id,
            message_count,
            job: ctx.job_id,
            tone: word(&input.tone).as_str(),
            length: word(&input.length).as_str(),
            style: style_of(input.channel),
            reply: &draft.reply,
            recommendation: Some(&recommendation),
            drafter: word(&draft.drafter).as_str(),
            model: draft.model.as_deref(),
            usage: usage.as_ref(),
        },
    )
    .await?;
    // The ticket is held, so this is how it stands when the draft is stored.
    let standing = wanted::standing(&mut tx, ticket_id).await?.unwrap_or(standing);
    events::job_done(&mut tx, ctx.tenant, Some(ticket_id), "draft_reply", ctx.job_id).await?;
    tx.commit().await?;
    finish(&ctx, stored, &standing, help_desk.is_some())
}

fn not_written(why: Unwanted) -> Stop {
    Stop::Cancel(format!("no draft is written: {why}"))
}

/// The account's client, if the tenant connected a help desk.
pub(super) async fn gorgias_of(app: &App, tenant: TenantId) -> Result<Option<gorgias::Client>, Stop> {
    client_of(app, integrations::gorgias(&app.db, &app.master_key, tenant).await)
}

/// The same within a transaction (support role).
pub(super) async fn gorgias_in(
    app: &App,
    tx: &mut Tx,
    tenant: TenantId,
) -> Result<Option<gorgias::Client>, Stop> {
    client_of(app, integrations::gorgias_in(tx, &app.master_key, tenant).await)
}

fn client_of(
    app: &App,
    settings: Result<Option<integrations::Gorgias>, IntegrationError>,
) -> Result<Option<gorgias::Client>, Stop> {
    let settings = settings.map_err(|error| match error {
        IntegrationError::Db(error) => error.into(),
        other => Stop::fail("integration", &other.to_string()),
    })?;
    let Some(settings) = settings else { return Ok(None) };
    let auth = gorgias::Auth::ApiKey { email: settings.email, key: settings.api_key };
    let client = app.gorgias.account(&settings.base_url, &auth);
    client.map(Some).map_err(|error| Stop::fail("integration", &error.to_string()))
}

/// A stored draft in the form in which a note is rendered.
pub(super) fn stored_as_draft(stored: &drafts::Draft) -> Draft {
    let advice = stored.recommendation.clone().unwrap_or_default();
    Draft {
        reply: stored.reply.clone(),
        sms_parts: if stored.style == "sms" { style::sms_parts(&stored.reply) } else { Vec::new() },
        recommendation: serde_json::from_value(advice.clone()).ok(),
        drafter: if stored.drafter == "anthropic" { Drafter::Anthropic } else { Drafter::Template },
        model: stored.model.clone(),
        customer: lines_of(&advice, "customer"),
        remarks: lines_of(&advice, "remarks"),
    }
}

fn lines_of(advice: &Value, name: &str) -> Vec<String> {
    advice.get(name).and_then(|lines| serde_json::from_value(lines.clone()).ok()).unwrap_or_default()
}

/// The recommendation, the remarks, and the articles with their versions, as they are stored and shown.
fn advice_of(draft: &Draft, input: &DraftInput) -> Value {
    let mut advice = serde_json::to_value(&draft.recommendation).unwrap_or_default();
    if !advice.is_object() {
        advice = serde_json::json!({});
    }
    advice["customer"] = serde_json::json!(draft.customer);
    advice["remarks"] = serde_json::json!(draft.remarks);
    advice["articles"] = cite::cited(&draft.reply, &input.articles).into();
    advice
}

/// What a draft begins with, read in one transaction.
struct Looked {
    ticket: Ticket,
    /// What decides whether it gets a draft.
    standing: Standing,
    /// The draft of this very job, or else the current one.
    existing: Option<drafts::Draft>,
    /// None also for a ticket that lives here alone, or came from elsewhere: it has no place there for a note.
    help_desk: Option<gorgias::Client>,
    /// The messages that are stored.
    thread: Vec<Message>,
}

async fn look(ctx: &Ctx, app: &App, ticket: TicketId) -> Result<Option<Looked>, Stop> {
    let mut tx = app.steps.tenant_tx(Role::Support, ctx.tenant).await?;
    let Some(ticket) = tickets::get(&mut tx, ticket).await? else { return Ok(None) };
    let ticket = ticket.of_somebody().map_err(|erased| Stop::Cancel(erased.to_string()))?;
    let Some(standing) = wanted::standing(&mut tx, ticket.id).await? else { return Ok(None) };
    let own = drafts::by_job(&mut tx, ctx.tenant, ctx.job_id).await?;
    let existing = match own {
        Some(own) => Some(own),
        None => drafts::current(&mut tx, ticket.id).await?,
    };
    let help_desk = match ticket.provider == PROVIDER {
        true => gorgias_in(app, &mut tx, ctx.tenant).await?,
        false => None,
    };
    let thread = tickets::thread(&mut tx, ticket.id, THREAD).await?;
    tx.commit().await?;
    Ok(Some(Looked { ticket, standing, existing, help_desk, thread }))
}

/// The whole thread, with its count of messages and how the ticket stands by them: when the help desk counts more messages
/// than are stored, or none of those has a text of the customer's, it is asked for them first.
async fn whole(
    ctx: &Ctx,
    app: &App,
    call: &CallContext,
    help_desk: Option<&gorgias::Client>,
    ticket: &Ticket,
    stored: Vec<Message>,
    standing: Standing,
) -> Result<(Vec<Message>, i32, Standing), Stop> {
    let known = i32::try_from(stored.len()).unwrap_or(i32::MAX);
    let has_text = standing.has_text();
    let complete = has_text && (known >= ticket.message_count || stored.len() >= THREAD as usize);
    let (Some(client), Ok(number), false) = (help_desk, ticket.external_id.parse::<u64>(), complete) else {
        return Ok((stored, ticket.message_count, standing));
    };
    let missing = match client.list_messages(call, number, THREAD as usize).await {
        Ok(messages) => messages,
        // Nothing is there to be fetched.
        Err(ClientError::Rejected { status: 404, .. }) if !has_text => {
            return Ok((stored, ticket.message_count, standing));
        }
        Err(error) if !has_text => return Err(error.into()),
        Err(error) => {
            tracing::warn!(%error, "drafting from the messages that are stored");
            return Ok((stored, ticket.message_count, standing));
        }
    };
    let now = Utc::now();
    let messages = told_messages(missing, now);
    let mut tx = app.steps.tenant_tx(Role::Support, ctx.tenant).await?;
    let message_count = tickets::store_messages(&mut tx, ctx.tenant, ticket.id, &messages, None).await?;
    let thread = tickets::thread(&mut tx, ticket.id, THREAD).await?;
    let standing = wanted::standing(&mut tx, ticket.id).await?.unwrap_or(standing);
    tx.commit().await?;
    Ok((thread, message_count, standing))
}

/// Messages of the help desk in the form in which they are stored.
pub(super) fn told_messages(messages: Vec<gorgias::Message>, now: DateTime<Utc>) -> Vec<NewMessage> {
    messages
        .into_iter()
        .map(|message| NewMessage {
            external_id: message.id.to_string(),
            from_agent: message.from_agent,
            internal: message.is_internal_note(),
            by_machine: is_by_machine(&message),
            channel: message.channel.unwrap_or_else(|| "unknown".to_owned()),
            sender_name: message.sender.and_then(|sender| sender.name),
            body_text: text_of(message.stripped_text, message.body_text, message.body_html),
            sent_at: message.sent_datetime.or(message.created_datetime).unwrap_or(now),
        })
        .collect()
}

/// Whether a rule of the help desk or a bot sent it: "we got your mail" answers nobody.
fn is_by_machine(message: &gorgias::Message) -> bool {
    let sender = message.sender.as_ref().and_then(|sender| sender.name.as_deref());
    let is_named = || [message.via.as_deref(), sender].into_iter().flatten().any(is_machine);
    message.from_agent && !message.is_internal_note() && (message.rule_id.is_some() || is_named())
}

/// What was written: the text without what it quotes, else the whole text, else what is left of the HTML.
fn text_of(stripped: Option<String>, text: Option<String>, html: Option<String>) -> String {
    let plain = [stripped, text].into_iter().flatten().find(|text| !text.trim().is_empty());
    plain.or_else(|| html.map(|html| html::written(&html, MESSAGE_CHARS))).unwrap_or_default()
}

/// What a drafter may use of a ticket and its customer.
pub(super) async fn input_of(
    ctx: &Ctx,
    app: &App,
    job: &DraftReply,
    ticket: &Ticket,
    thread: Vec<Message>,
) -> Result<DraftInput, Stop> {
    let mut tx = app.steps.tenant_tx(Role::Support, ctx.tenant).await?;
    let contact = Contact {
        customer_id: ticket.customer_id.as_deref(),
        email: ticket.customer_email.as_deref(),
        desk_id: ticket.customer_external_id.as_deref(),
    };
    let (customer, sharing) = match customers::of_contact(&mut tx, contact).await?.found {
        Found::One(customer) => {
            let profile = customers::profile(&mut tx, &customer, Utc::now(), ORDERS).await?;
            let words = known::words(&mut tx, ctx.tenant, &customer).await?;
            let zone = zone::read(&mut tx).await?;
            let shown = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local().and_utc();
            (profile.map(|profile| CustomerFacts { words, ..facts_of(profile, shown) }), Vec::new())
        }
        Found::Several(customers) => (None, customers),
        Found::Nobody => (None, Vec::new()),
    };
    let shop = tenants::get(&mut tx, ctx.tenant).await?;
    let mut messages: Vec<ThreadMessage> = thread
        .into_iter()
        .map(|message| ThreadMessage {
            author: if message.from_agent { Author::Agent } else { Author::Customer },
            text: message.body_text,
            at: message.sent_at,
        })
        .collect();
    say_subject(&mut messages, ticket.subject.as_deref().unwrap_or_default());
    let Chosen { language, is_assumed } = language_of(&mut tx, ticket, &messages).await?;
    let intent = analysis::latest_intent(&mut tx, ticket.id).await?;
    let articles = articles_for(&mut tx, ticket, &messages, language.as_deref()).await?;
    tx.commit().await?;
    let channel = Channel::from_source(&ticket.source);
    Ok(DraftInput {
        shop_name: shop.map(|shop| shop.name).unwrap_or_default(),
        subject: ticket.subject.clone().unwrap_or_default(),
        channel,
        tone: job.tone.as_deref().and_then(parse_word).unwrap_or_default(),
        length: job.length.as_deref().and_then(parse_word).unwrap_or_default(),
        customer_name: ticket.customer_name.clone(),
        language,
        is_language_assumed: is_assumed,
        intent,
        messages,
        customer,
        sharing,
        articles,
    })
}

/// A customer of whom no text is known said what the subject says.
fn say_subject(messages: &mut [ThreadMessage], subject: &str) {
    let has_text = |message: &ThreadMessage| !message.text.trim().is_empty();
    if messages.iter().any(|message| message.author == Author::Customer && has_text(message)) {
        return;
    }
    if let Some(last) = messages.iter_mut().rev().find(|message| message.author == Author::Customer) {
        subject.trim().clone_into(&mut last.text);
    }
}

/// The language that the customer should be answered in; only what the messages do not tell is asked for.
async fn language_of(tx: &mut Tx, ticket: &Ticket, messages: &[ThreadMessage]) -> Result<Chosen, Stop> {
    if let Some(told) = language::told(messages) {
        return Ok(Chosen { language: Some(told.to_owned()), is_assumed: false });
    }
    let known = analysis::languages(tx, ticket.id).await?;
    let habits = analysis::habits(tx, ticket.id).await?;
    Ok(language::likely(messages, ticket.subject.as_deref().unwrap_or_default(), known, habits))
}

/// What the shop has published for customers that fits what one wrote last. What is for colleagues alone is not given to
/// a drafter: its words would stand in a text for a customer.
async fn articles_for(
    tx: &mut Tx,
    ticket: &Ticket,
    messages: &[ThreadMessage],
    language: Option<&str>,
) -> Result<Vec<KnownArticle>, Stop> {
    let last = messages.iter().rev().find(|message| message.author == Author::Customer);
    let last = last.map(|message| message.text.as_str());
    let text = format!("{} {}", ticket.subject.as_deref().unwrap_or_default(), last.unwrap_or_default());
    let found = search::for_text(tx, &text, language, true, ARTICLES).await?;
    let known = |one: search::Found| KnownArticle {
        id: one.article_id,
        version: one.version,
        language: one.language,
        title: one.title,
        text: one.plain,
    };
    Ok(found.into_iter().map(known).collect())
}

/// A profile in words and figures; a customer is told of the days that the shop's clock showed, which `shown` knows.
fn facts_of(profile: Profile, shown: impl Fn(DateTime<Utc>) -> DateTime<Utc>) -> CustomerFacts {
    CustomerFacts {
        orders: u32::try_from(profile.orders).unwrap_or(0),
        spend: money::written(profile.spend, &profile.currency),
        first_order_at: profile.first_order_at.map(&shown),
        last_order_at: profile.last_order_at.map(&shown),
        recency_days: profile.recency_days.and_then(|days| u32::try_from(days).ok()),
        mean_order_value: profile.mean_order_value.map(|value| money::written(value, &profile.currency)),
        recent_orders: profile
            .recent_orders
            .into_iter()
            .filter(|order| !order.is_return)
            .map(|order| RecentOrder {
                amount: money::written(order.amount, &order.currency),
                currency: Some(order.currency).filter(|currency| *currency != profile.currency),
                order_id: order.order_id,
                at: shown(order.ordered_at),
            })
            .collect(),
        currency: profile.currency,
        words: None,
    }
}

/// So long a model that cannot be reached is waited for, what it names itself included; an agent who would wait for longer is
/// served better by the built-in drafter, and at once.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// Asks the model; once more, with the faults named, when its answer has any, and with less to read when it was too much;
/// then the built-in drafter writes and says why. It also writes for a model that nobody could reach for a while, and for
/// one that does not take the request at all: an agent waits for a draft, and not for what somebody has to set right.
async fn write_by_model(
    ctx: &Ctx,
    app: &App,
    model: &anthropic::Client,
    call: &CallContext,
    input: &DraftInput,
) -> Result<(Draft, Option<Value>), Stop> {
    const ASKED_AT_MOST: usize = 2;
    let (mut faults, mut used) = (Vec::new(), anthropic::Usage::default());
    let mut shown = Cow::Borrowed(input);
    for _ in 0..ASKED_AT_MOST {
        let completion = match model.complete(call, prompt::prompt(&shown, &faults).parts()).await {
            Ok(completion) => completion,
            Err(error) if error.is_prompt_too_long() => {
                tracing::info!("the conversation is too long for the model and is shortened");
                shown = Cow::Owned(prompt::shortened(input));
                faults = vec![Fault::PromptTooLong];
                continue;
            }
            Err(ClientError::BadAnswer { problem, .. }) => {
                tracing::info!(problem, "what came back is no answer of a model");
                faults = vec![Fault::Unreadable(problem)];
                continue;
            }
            Err(error) => {
                let why = despite(error, ctx.waited())?;
                return Ok((judge::without(input, why), paid(used)));
            }
        };
        ai::record(app, ctx.tenant, Feature::DraftReply, &completion.model, completion.usage).await;
        used = used.and(completion.usage);
        match judge::judge(&completion, input) {
            Ok(draft) => return Ok((draft, Some(usage_of(used)))),
            Err(found) => {
                tracing::info!(faults = ?found, "the model's answer cannot be used");
                faults = found;
            }
        }
    }
    Ok((judge::instead(input, &faults), paid(used)))
}

/// Why the built-in drafter writes now, in words for an agent.
///
/// # Errors
/// The model may be back soon, so the job waits without counting an attempt.
fn despite(error: ClientError, waited: Duration) -> Result<&'static str, Stop> {
    let message = error.to_string();
    let wait =
        |class: &str, after: Option<Duration>| Stop::Wait { failure: Failure::new(class, &message), after };
    let may_be_back = match &error {
        ClientError::RetryAfter { after, .. } => Some(wait("upstream_busy", Some(*after))),
        ClientError::Busy { .. } => Some(wait("upstream_busy", None)),
        ClientError::Unavailable { .. } | ClientError::Deadline { .. } => {
            Some(wait("upstream_unavailable", None))
        }
        _ => None,
    };
    let why = match (may_be_back, &error) {
        (Some(stop), ClientError::RetryAfter { after, .. }) if waited + *after < PATIENCE => {
            return Err(stop);
        }
        (Some(_), ClientError::RetryAfter { .. }) => "it cannot be called for some minutes",
        (Some(stop), _) if waited < PATIENCE => return Err(stop),
        (Some(_), _) => "it has not been reached for a while",
        (None, ClientError::NoModel { .. }) => "there is none of the name that is set (ANTHROPIC_MODEL)",
        (None, ClientError::Unauthorised { .. }) => "it does not accept our key (ANTHROPIC_API_KEY)",
        (None, ClientError::SpendLimit { .. }) => "its account has reached its spend limit",
        (None, _) => "it did not take the request",
    };
    tracing::warn!(%error, "the model does not draft; the built-in drafter does");
    Ok(why)
}

/// What was used, if anything was.
fn paid(used: anthropic::Usage) -> Option<Value> {
    (used != anthropic::Usage::default()).then(|| usage_of(used))
}

fn usage_of(used: anthropic::Usage) -> Value {
    serde_json::json!({
        "input_tokens": used.input_tokens,
        "output_tokens": used.output_tokens,
        "cache_read_input_tokens": used.cache_read_input_tokens,
    })
}

/// The result; when the ticket lives in a help desk that is connected, the note follows, unless its moment is over: then the
/// draft is stored and says why nobody sees it there.
fn finish(
    ctx: &Ctx,
    draft: drafts::Draft,
    standing: &Standing,
    connected: bool,
) -> Outcome<DraftReplyOutput> {
    if !connected || draft.posted_at.is_some() {
        return done(output_of(&draft, None));
    }
    if let Some(why) = past(&draft, standing) {
        return done(DraftReplyOutput { not_posted: Some(why), ..output_of(&draft, None) });
    }
    let note = NewJob::of(ctx.tenant, &PostInternalNote { draft_id: draft.id.0 })?
        .with_dedup_key(&draft.id.to_string())?
        .with_cause(&ctx.correlation_id, ctx.trace_parent.as_deref(), "job")
        .with_parent(ctx.job_id);
    let output = output_of(&draft, Some(note.id()));
    done_then(output, vec![note])
}

/// Why a draft's moment is over: then it is not posted into the help desk.
pub(super) fn past(draft: &drafts::Draft, standing: &Standing) -> Option<String> {
    if draft.stale {
        return Some("the draft is stale: the ticket has newer messages".to_owned());
    }
    standing.takes_drafts().err().map(|why| why.to_string())
}

fn output_of(draft: &drafts::Draft, note_job_id: Option<uuid::Uuid>) -> DraftReplyOutput {
    DraftReplyOutput {
        draft_id: draft.id.0,
        message_count: draft.message_count,
        drafter: draft.drafter.clone(),
        model: draft.model.clone(),
        reply: draft.reply.clone(),
        recommendation: draft.recommendation.clone().unwrap_or_default(),
        note_job_id,
        not_posted: None,
    }
}

fn style_of(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "sms",
        Channel::Chat | Channel::Whatsapp => "chat",
        Channel::Phone | Channel::RingCentral => "phone",
        Channel::Email | Channel::Form | Channel::Other => "email",
    }
}

/// The wire name of a value with one.
fn word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn parse_word<T: serde::de::DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(Value::String(word.to_owned())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::{Length, Tone};

    #[test]
    fn a_model_that_may_come_back_is_waited_for_and_nothing_else_is() {
        use upstreams::error::{Effect, PauseReason, Trouble};
        let (upstream, effect, after) = ("anthropic", Effect::None, Duration::from_secs(60));
        let passing = [
            ClientError::RetryAfter { upstream, after, reason: PauseReason::RateLimited },
            ClientError::Busy { upstream, reason: PauseReason::Overloaded, effect },
            ClientError::Unavailable { upstream, cause: Trouble::Status(503), effect },
            ClientError::Deadline { upstream, effect },
        ];
        for error in passing {
            let stop = despite(error.clone(), Duration::ZERO).expect_err("it waits");
            assert!(
                matches!(stop, Stop::Wait { after, .. } if after.is_none_or(|after| after <= PATIENCE)),
                "{error}"
            );
            assert!(despite(error.clone(), PATIENCE).is_ok(), "{error}");
        }
        let (after, reason) = (PATIENCE, PauseReason::RateLimited);
        for error in [
            // An agent would wait for too long.
            ClientError::RetryAfter { upstream, after, reason },
            ClientError::NoModel { upstream, model: "m".to_owned() },
            ClientError::Unauthorised { upstream, status: 401 },
            ClientError::SpendLimit { upstream },
            ClientError::Rejected { upstream, status: 400, code: "invalid_request_error".to_owned() },
        ] {
            assert!(despite(error.clone(), Duration::ZERO).is_ok(), "{error}");
        }
    }

    #[test]
    fn a_customer_without_a_text_said_the_subject() {
        use Author::{Agent, Customer};
        let said = |texts: &[(Author, &str)]| {
            let mut messages: Vec<ThreadMessage> = texts
                .iter()
                .map(|(author, text)| ThreadMessage {
                    author: *author,
                    text: (*text).to_owned(),
                    at: DateTime::UNIX_EPOCH,
                })
                .collect();
            say_subject(&mut messages, " Order 536365? ");
            messages.into_iter().map(|message| message.text).collect::<Vec<_>>()
        };
        assert_eq!(said(&[(Customer, ""), (Customer, " "), (Agent, "")]), ["", "Order 536365?", ""]);
        assert_eq!(said(&[(Customer, "Hello"), (Customer, "")]), ["Hello", ""]);
        assert_eq!(said(&[(Agent, "Hello")]), ["Hello"]);
    }

    #[test]
    fn what_a_rule_or_a_bot_sent_is_by_a_machine() {
        for (message, is_machine) in [
            (r#"{"id": 1, "from_agent": true, "via": "rule", "sender": null}"#, true),
            (r#"{"id": 1, "from_agent": true, "via": "email", "rule_id": 12}"#, true),
            (r#"{"id": 1, "from_agent": true, "via": "api", "sender": {"name": "Gorgias Bot"}}"#, true),
            (
                r#"{"id": 1, "from_agent": true, "via": "helpdesk", "rule_id": null, "sender": {"name": "Ann"}}"#,
                false,
            ),
            (r#"{"id": 1, "from_agent": false, "via": "rule"}"#, false),
            (r#"{"id": 1, "from_agent": true, "via": "rule", "channel": "internal-note"}"#, false),
        ] {
            let read: gorgias::Message = serde_json::from_str(message).expect("a message");
            assert_eq!(
                told_messages(vec![read], DateTime::UNIX_EPOCH)[0].by_machine,
                is_machine,
                "{message}"
            );
        }
    }

    #[test]
    fn wire_names_go_both_ways() {
        assert_eq!(word(&Tone::Apologetic), "apologetic");
        assert_eq!(parse_word::<Tone>("apologetic"), Some(Tone::Apologetic));
        assert_eq!(parse_word::<Length>("long"), Some(Length::Long));
        assert_eq!(parse_word::<Tone>("rude"), None);
    }
}
