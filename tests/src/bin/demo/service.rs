//! The desk's part: somebody joins and signs in, is given the most urgent ticket, hears that its clock runs out, answers
//! with the draft, and is rated by the customer.

use std::time::Duration;

use anyhow::{Context, ensure};
use chrono::{TimeDelta, Utc};
use cluster::{
    processes::Cluster,
    upstream::{SeedCustomer, SeedMessage, SeedTicket},
};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::story::Story;

/// The person who answers; everybody may know the password of a demo.
pub const EMAIL: &str = "robin@shop.example";
/// Their password.
pub const PASSWORD: &str = "robin answers every letter";

const TICKET: u64 = 9005;
const CUSTOMER: &str = "customer-2@shop.example";
const QUESTION: &str = "My order should have been here on Friday and I need it tomorrow. Please help!";
/// The customer wrote so long ago: of the half hour within which the urgent are answered, more than four fifths are over.
const WROTE_AGO: TimeDelta = TimeDelta::minutes(26);

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Tells it.
pub async fn serve(story: &mut Story, cluster: &Cluster) -> anyhow::Result<()> {
    story.step("Robin joins the desk, is given an urgent ticket, answers it and is rated");
    let robin = join(story, cluster).await?;
    let mut events = robin.listen().await?;
    story.say("Robin's page listens to /api/events; the connection is what makes Robin present");
    let ticket = urgent_ticket(story, cluster, &mut events).await?;
    let assigned = events
        .next(|event| {
            event["kind"] == "ticket_update"
                && event["ticket_id"] == ticket
                && event["data"]["assignee_id"] == robin.id
        })
        .await
        .context("nobody was given the ticket")?;
    story.say(&format!("event {:<14} -> the ticket is Robin's, by automatic assignment", kind(&assigned)));
    let first = robin.get("/api/tickets?order=smart&limit=1").await?;
    ensure!(first["items"][0]["id"] == ticket, "the most urgent ticket does not come first: {first}");
    story.say("GET /api/tickets?order=smart            -> it comes before the four calm ones");
    answer(story, cluster, &robin, &mut events, &ticket).await?;
    rate(story, &robin, &ticket).await?;
    story.end_step("assigned, warned, drafted, answered, rated");
    Ok(())
}

/// Robin is invited, chooses a password, and signs in.
async fn join(story: &Story, cluster: &Cluster) -> anyhow::Result<Person> {
    let person = json!({ "name": "Robin Hale", "email": EMAIL, "role": "manager", "languages": ["en"] });
    let invited = cluster.desk.post("/api/agents", &person).await?.body;
    let token = invited["invitation"]["token"].as_str().context("the invitation has no token")?;
    let chosen = json!({ "token": token, "password": PASSWORD });
    cluster.desk.post("/api/auth/invitations/accept", &chosen).await?;
    let who = json!({
        "tenant": cluster.desk.credentials().tenant, "email": EMAIL, "password": PASSWORD,
    });
    let signed_in = cluster.desk.post("/api/auth/login", &who).await?.body;
    story.say(&format!(
        "Robin Hale was invited, chose a password and signed in as {}",
        signed_in["person"]["role"].as_str().unwrap_or_default()
    ));
    Ok(Person {
        http: Client::builder().no_proxy().build()?,
        base: cluster.desk.base().to_owned(),
        id: signed_in["person"]["id"].clone(),
        token: signed_in["access_token"].as_str().context("no access token")?.to_owned(),
    })
}

/// The help desk tells of an urgent ticket whose customer has waited; the clock's warning comes at once.
async fn urgent_ticket(story: &mut Story, cluster: &Cluster, events: &mut Events) -> anyhow::Result<Value> {
    let wrote_at = Utc::now() - WROTE_AGO;
    let seed = SeedTicket {
        subject: "Late, and I need it tomorrow".to_owned(),
        channel: "email".to_owned(),
        customer: SeedCustomer {
            name: "Iris Novak".to_owned(),
            email: CUSTOMER.to_owned(),
            external_id: Some("2".to_owned()),
        },
        messages: vec![SeedMessage { from_agent: false, text: QUESTION.to_owned(), at: Some(wrote_at) }],
    };
    cluster.upstream.seed_ticket(TICKET, seed);
    let message = json!({
        "id": TICKET * 10, "from_agent": false, "public": true, "channel": "email", "via": "email",
        "sender": { "name": "Iris Novak", "email": CUSTOMER }, "body_text": QUESTION, "created_datetime": wrote_at,
    });
    let body = json!({ "ticket": {
        "id": TICKET, "subject": "Late, and I need it tomorrow", "status": "open", "priority": "urgent",
        "channel": "email", "via": "email", "created_datetime": wrote_at,
        "customer": { "id": TICKET + 100_000, "external_id": "2", "name": "Iris Novak", "email": CUSTOMER },
        "messages": [message], "messages_count": 1,
    }});
    let delivery = cluster.desk.webhook(&body).await?;
    let job = delivery.job_id.context("no draft is written")?;
    let came = events
        .next(|event| event["kind"] == "new_ticket" && event["data"]["priority"] == "urgent")
        .await
        .context("no new ticket was told of")?;
    let ticket = came["ticket_id"].clone();
    story.say(&format!("event {:<14} -> an urgent ticket; its customer wrote 26 minutes ago", kind(&came)));
    let warned = events
        .next(|event| event["kind"] == "sla_warning" && event["ticket_id"] == ticket)
        .await
        .context("no warning came")?;
    story.say(&format!(
        "event {:<14} -> {}: four fifths of its time are over",
        kind(&warned),
        warned["data"]["clock"].as_str().unwrap_or("its clock")
    ));
    let drafted = cluster.desk.wait(job, LIMIT).await?;
    ensure!(drafted.state == "done", "the draft is {}", drafted.state);
    story.note_job(&format!("draft for ticket {TICKET}"), &drafted);
    Ok(ticket)
}

/// Robin opens the ticket and sends what was drafted; ten seconds later it is with the help desk.
async fn answer(
    story: &Story,
    cluster: &Cluster,
    robin: &Person,
    events: &mut Events,
    ticket: &Value,
) -> anyhow::Result<()> {
    let path = format!("/api/tickets/{}", ticket.as_str().unwrap_or_default());
    let opened = robin.get(&path).await?;
    let draft = opened["draft"]["reply"].as_str().context("the ticket has no draft")?;
    let blind = json!({ "text": draft, "last_seen_message_id": null });
    let refused = robin.send(Method::POST, &format!("{path}/messages"), Some(&blind)).await?;
    ensure!(
        refused.status() == 409,
        "a reply that has not seen the message was answered {}",
        refused.status()
    );
    story.say("a reply that names no message it has seen -> 409, its text is kept");
    let reply = json!({
        "text": draft, "last_seen_message_id": opened["last_message_id"], "status": "resolved",
    });
    let sent = robin.json(Method::POST, &format!("{path}/messages"), Some(&reply)).await?;
    story.say(&format!(
        "the draft is sent and the ticket resolved  -> {}",
        sent["delivery"].as_str().unwrap_or("?")
    ));
    events
        .next(|event| event["kind"] == "reply_sent" && event["ticket_id"] == *ticket)
        .await
        .context("the reply was not sent")?;
    arrived(cluster, draft).await?;
    story.say("ten seconds later, when nobody took it back -> with the help desk, once");
    Ok(())
}

/// Looks whether the reply is with the help desk, once.
async fn arrived(cluster: &Cluster, reply: &str) -> anyhow::Result<()> {
    let url = format!("{}/tickets/{TICKET}/messages", cluster.upstream.gorgias_base());
    let http = Client::builder().no_proxy().build()?;
    let request = http.get(&url).header("authorization", "Basic cmVhZGVy");
    let messages: Value = request.send().await?.json().await?;
    let is_it = |message: &&Value| {
        message["channel"] != "internal-note" && message["body_text"].as_str() == Some(reply)
    };
    let times = messages["data"].as_array().map_or(0, |all| all.iter().filter(is_it).count());
    ensure!(times == 1, "the help desk has the reply {times} times");
    Ok(())
}

/// The customer follows the link in the mail.
async fn rate(story: &Story, robin: &Person, ticket: &Value) -> anyhow::Result<()> {
    let path = format!("/api/tickets/{}/rating-link", ticket.as_str().unwrap_or_default());
    let link = robin.get(&path).await?;
    let url = format!("{}{}", robin.base, link["path"].as_str().context("the link has no path")?);
    let form = robin.http.post(url).header("content-type", "application/x-www-form-urlencoded");
    let answer = form.body("score=5&comment=Thank+you%2C+Robin%21").send().await?;
    ensure!(answer.status() == 200, "the rating was answered {}", answer.status());
    let report = robin.get("/api/reports/satisfaction").await?;
    story.say("Iris follows the signed link and gives 5 of 5; GET /api/reports/satisfaction counts it");
    ensure!(report.to_string().contains("\"answers\":1"), "the report does not count it: {report}");
    Ok(())
}

fn kind(event: &Value) -> &str {
    event["kind"].as_str().unwrap_or_default()
}

/// Somebody signed in.
struct Person {
    http: Client,
    base: String,
    id: Value,
    token: String,
}

impl Person {
    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Response> {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        Ok(request.send().await?)
    }

    async fn json(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let response = self.send(method, path, body).await?;
        let status = response.status();
        let body: Value = response.json().await?;
        ensure!(status.is_success(), "{path} was answered {status}: {body}");
        Ok(body)
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.json(Method::GET, path, None).await
    }

    async fn listen(&self) -> anyhow::Result<Events> {
        let response = self.send(Method::GET, "/api/events", None).await?;
        ensure!(response.status() == 200, "/api/events was answered {}", response.status());
        Ok(Events { response, text: String::new(), seen: Vec::new() })
    }
}

/// What a page hears.
struct Events {
    response: Response,
    text: String,
    /// Events that nobody has asked for yet: they come in the order in which they happen, not in that of the story.
    seen: Vec<Value>,
}

impl Events {
    /// The first event for which it holds, of those that came and those to come.
    async fn next(&mut self, is_it: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        if let Some(event) = self.seen.iter().find(|event| is_it(event)) {
            return Ok(event.clone());
        }
        timeout(LIMIT, async {
            loop {
                let event = self.read().await?;
                self.seen.push(event.clone());
                if is_it(&event) {
                    return Ok(event);
                }
            }
        })
        .await
        .context("it was waited for a minute")?
    }

    async fn read(&mut self) -> anyhow::Result<Value> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let event = block
                    .lines()
                    .find_map(|line| line.strip_prefix("data:"))
                    .map(str::trim)
                    .map(str::to_owned);
                self.text = rest.to_owned();
                if let Some(event) = event.and_then(|event| serde_json::from_str(&event).ok()) {
                    return Ok(event);
                }
                continue;
            }
            let chunk = self.response.chunk().await?.context("the stream has ended")?;
            self.text.push_str(&String::from_utf8_lossy(&chunk));
        }
    }
}
