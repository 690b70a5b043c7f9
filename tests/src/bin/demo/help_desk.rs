//! The help desk's part: customers write, signed webhooks arrive in every accepted form, drafts are
//! written and come back as internal notes.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use cluster::{
    desk::{Delivery, Job},
    processes::Cluster,
    upstream::{SeedCustomer, SeedMessage, SeedTicket},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::story::{Draft, Story};

/// How long a draft and its note may take.
const LIMIT: Duration = Duration::from_secs(60);

/// A ticket of the story: a customer of the purchase log, with a name that is made up, and a question.
struct Question {
    ticket: u64,
    customer: &'static str,
    name: &'static str,
    channel: &'static str,
    subject: &'static str,
    text: &'static str,
}

const QUESTIONS: [Question; 4] = [
    Question {
        ticket: 9001,
        customer: "22061",
        name: "Maya Lind",
        channel: "email",
        subject: "Where is my order?",
        text: "Hello, I ordered again two weeks ago and nothing has arrived yet. Where is my parcel?",
    },
    Question {
        ticket: 9002,
        customer: "12367",
        name: "Tom Becker",
        channel: "chat",
        subject: "One disc is broken",
        text: "Hi, one of the CDs arrived with a crack. Can I get my money back?",
    },
    Question {
        ticket: 9003,
        customer: "1",
        name: "Ana Costa",
        channel: "sms",
        subject: "Address",
        text: "I moved last week, can you change my delivery address?",
    },
    Question {
        ticket: 9004,
        customer: "19339",
        name: "Joe Park",
        channel: "email",
        subject: "Third time I write",
        text: "This is the third time I write to you. I am very disappointed and want to close my account!",
    },
];

/// A ticket for which a draft is under way.
pub struct Ticket {
    question: &'static Question,
    job: Uuid,
}

/// A draft that is there, and the job that posts it.
pub struct Drafted {
    question: &'static Question,
    draft: Uuid,
    note_job: Uuid,
}

/// Sends a webhook of each form, then what must not have an effect.
pub async fn webhooks(story: &mut Story, cluster: &Cluster) -> anyhow::Result<Vec<Ticket>> {
    story.step("Four customers write; the help desk sends a signed webhook of each form");
    let mut tickets = Vec::new();
    let mut first = None;
    for (question, form) in QUESTIONS.iter().zip(FORMS) {
        cluster.upstream.seed_ticket(question.ticket, question.seed());
        let body = (form.body)(question);
        let sent = Instant::now();
        let delivery = cluster.desk.webhook(&body).await?;
        let took = sent.elapsed();
        ensure!(delivery.decision == "queued", "ticket {} was {}", question.ticket, delivery.decision);
        let job = delivery.job_id.context("the delivery has no job")?;
        story.say(&format!("{:<38} -> 202 in {:.1} ms, job {job}", form.name, took.as_secs_f64() * 1_000.0));
        first.get_or_insert((body, delivery));
        tickets.push(Ticket { question, job });
    }
    let (body, delivery) = first.context("there is a first one")?;
    repeated(story, cluster, &body, &delivery).await?;
    forged(story, cluster, &body).await?;
    story.end_step("four drafts are queued, the repetition and the forgery changed nothing");
    Ok(tickets)
}

async fn repeated(story: &Story, cluster: &Cluster, body: &Value, first: &Delivery) -> anyhow::Result<()> {
    let secret = &cluster.desk.credentials().webhook_secret;
    let answer = cluster.desk.webhook_signed(body, secret).await?;
    ensure!(answer.status == 200, "the repetition was answered {} instead of 200", answer.status);
    let same = answer.body["delivery_id"] == json!(first.delivery_id)
        && answer.body["job_id"] == json!(first.job_id);
    ensure!(same, "the repetition was answered differently: {}", answer.body);
    story.say("the first one once more                -> 200, the same answer, no second job");
    Ok(())
}

async fn forged(story: &Story, cluster: &Cluster, body: &Value) -> anyhow::Result<()> {
    let before = deliveries(cluster).await?;
    let refused = cluster.desk.webhook_signed(body, "not the secret that was agreed on").await;
    let status = refused.err().and_then(|error| error.status());
    ensure!(
        status.is_some_and(|status| status == 401),
        "a wrong signature was answered {status:?} instead of 401"
    );
    ensure!(deliveries(cluster).await? == before, "a forged delivery was stored");
    story.say("a wrong signature                      -> 401, nothing stored");
    Ok(())
}

async fn deliveries(cluster: &Cluster) -> anyhow::Result<usize> {
    let page: Value = cluster.desk.get("/api/webhooks/deliveries?limit=100").await?;
    Ok(page["items"].as_array().map_or(0, Vec::len))
}

/// Waits for the drafts and reads them back as an agent's tool would.
pub async fn drafts(
    story: &mut Story,
    cluster: &Cluster,
    tickets: &[Ticket],
) -> anyhow::Result<Vec<Drafted>> {
    story.step("The workers read each thread and the customer's history, and draft replies");
    let mut drafted = Vec::new();
    for ticket in tickets {
        let question = ticket.question;
        let job = cluster.desk.wait(ticket.job, LIMIT).await?;
        ensure!(
            job.state == "done",
            "the draft for {} ended as {}: {:?}",
            question.ticket,
            job.state,
            job.error
        );
        let answer = cluster.desk.draft(&question.ticket.to_string()).await?;
        ensure!(answer.status == 200, "GET draft of {} answered {}", question.ticket, answer.status);
        let draft = answer.body;
        ensure!(
            draft["stale"] == false && draft["message_count"].as_i64() >= Some(1),
            "the draft is not fresh: {draft}"
        );
        let result = job.result.clone().unwrap_or_default();
        let id = |value: &Value| value.as_str().and_then(|id| id.parse::<Uuid>().ok());
        drafted.push(Drafted {
            question,
            draft: id(&draft["id"]).context("the draft has no id")?,
            note_job: id(&result["note_job_id"]).context("no note follows the draft")?,
        });
        let drafter = draft["drafter"].as_str().unwrap_or_default();
        story.say(&format!(
            "ticket {} (customer {}, {}): {drafter}, {}",
            question.ticket,
            question.customer,
            question.channel,
            lasted(&job)
        ));
        story.note_job(&format!("draft for ticket {}", question.ticket), &job);
        if story.draft.is_none() {
            story.draft = Some(Draft {
                ticket: question.ticket,
                question: question.text.to_owned(),
                reply: draft["reply"].as_str().unwrap_or_default().to_owned(),
                drafter: drafter.to_owned(),
                talking_points: texts(&draft["recommendation"]["talking_points"]),
            });
        }
    }
    story.end_step("four fresh drafts");
    Ok(drafted)
}

/// Waits for the notes, and plays the help desk's webhook about our own note.
pub async fn notes(story: &mut Story, cluster: &Cluster, drafted: &[Drafted]) -> anyhow::Result<()> {
    story.step("The drafts arrive at the help desk as internal notes, each once");
    for Drafted { question, draft, note_job } in drafted {
        let job = cluster.desk.wait(*note_job, LIMIT).await?;
        ensure!(
            job.state == "done",
            "the note for {} ended as {}: {:?}",
            question.ticket,
            job.state,
            job.error
        );
        let marker = format!("deskwork-draft-{draft}");
        let times = cluster.upstream.recorded().notes.get(&marker).copied().unwrap_or_default();
        ensure!(times == 1, "the help desk has the note {marker} {times} times");
        let result = job.result.clone().unwrap_or_default();
        let note = result["note_id"].as_str().unwrap_or_default();
        story.say(&format!("ticket {}: note {note}, marked {marker}", question.ticket));
        story.note_job(&format!("note for ticket {}", question.ticket), &job);
    }
    let first = drafted.first().context("there is a first one")?;
    own_note(story, cluster, first.question).await?;
    story.end_step("four notes, and our own note was not answered");
    Ok(())
}

/// The help desk tells us of every message, our own notes included.
async fn own_note(story: &Story, cluster: &Cluster, question: &Question) -> anyhow::Result<()> {
    let url = format!("{}/tickets/{}/messages", cluster.upstream.gorgias_base(), question.ticket);
    let http = reqwest::Client::builder().no_proxy().build()?;
    let messages: Value =
        http.get(url).header("authorization", "Basic cmVhZGVy").send().await?.json().await?;
    let note = messages["data"]
        .as_array()
        .and_then(|messages| messages.iter().find(|message| message["channel"] == "internal-note"));
    let note = note.context("the help desk has no note")?;
    story.say("the note, as the help desk has it:");
    for line in note["body_text"].as_str().unwrap_or_default().lines().take(6) {
        story.say(&format!("  | {line}"));
    }
    let body = json!({ "ticket": question.ticket_json(), "message": note });
    let delivery = cluster.desk.webhook(&body).await?;
    let reason = delivery.skip_reason.unwrap_or_default();
    ensure!(
        delivery.decision == "skipped" && reason == "internal_note",
        "our own note was {} {reason}",
        delivery.decision
    );
    let answer = cluster.desk.draft(&question.ticket.to_string()).await?;
    ensure!(answer.status == 200, "our own note made the draft stale");
    story.say("the webhook about our own note          -> skipped (internal_note), the draft stays fresh");
    Ok(())
}

/// A form that a webhook's body may have.
struct Form {
    name: &'static str,
    body: fn(&Question) -> Value,
}

const FORMS: [Form; 4] = [
    Form { name: "a bare ticket", body: |question| question.ticket_json() },
    Form {
        name: "{ticket, message}",
        body: |question| json!({ "ticket": question.ticket_json(), "message": question.message_json() }),
    },
    Form {
        name: "{id, type, data: {ticket}}",
        body: |question| {
            json!({
                "id": format!("event-{}", question.ticket), "type": "ticket-created",
                "data": { "ticket": question.ticket_json() },
            })
        },
    },
    Form {
        name: "{event: {type}, ticket, message}",
        body: |question| {
            json!({
                "event": { "id": format!("event-{}", question.ticket), "type": "ticket-message-created" },
                "ticket": question.ticket_json(), "message": question.message_json(),
            })
        },
    },
];

impl Question {
    fn ticket_json(&self) -> Value {
        json!({
            "id": self.ticket, "subject": self.subject, "status": "open", "channel": self.channel, "via": self.channel,
            "customer": {
                "id": self.ticket + 100_000, "external_id": self.customer, "name": self.name, "email": self.email(),
            },
            "messages": [self.message_json()],
            "messages_count": 1,
        })
    }

    fn message_json(&self) -> Value {
        json!({
            "id": self.ticket * 10, "from_agent": false, "public": true, "channel": self.channel, "via": self.channel,
            "sender": { "name": self.name, "email": self.email() }, "body_text": self.text,
        })
    }

    fn seed(&self) -> SeedTicket {
        SeedTicket {
            subject: self.subject.to_owned(),
            channel: self.channel.to_owned(),
            customer: SeedCustomer {
                name: self.name.to_owned(),
                email: self.email(),
                external_id: Some(self.customer.to_owned()),
            },
            messages: vec![SeedMessage { from_agent: false, text: self.text.to_owned(), at: None }],
        }
    }

    fn email(&self) -> String {
        format!("customer-{}@shop.example", self.customer)
    }
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn lasted(job: &Job) -> String {
    match job.finished_at {
        Some(end) => format!("{} ms after the webhook", (end - job.created_at).num_milliseconds()),
        None => "not finished".to_owned(),
    }
}
