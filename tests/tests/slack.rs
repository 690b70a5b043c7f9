//! Alerts into a Slack that misbehaves, and answers to what is asked there.

use std::sync::Arc;

use chrono::{Timelike, Utc};
use chrono_tz::Tz;
use cluster::upstream::{self, Fault, FaultRule, Upstream, When};
use database::ids::TenantId;
use database::{Db, Role};
use jobs::NewJob;
use migrations::testing::{TestDatabase, fresh_database};
use outbound::kinds::AnswerSlack;
use outbound::kinds::answer_slack::Asked;
use outbound::pump::channel_job;
use outbound::slack::alerts;
use outbound::slack::chart::Chart;
use outbound::slack::rules::{self, Wanted};
use outbound::slack::workspaces::{self, Installed};
use outbound::tell::tell;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use upstreams::pacing::shared::Shared;
use upstreams::slack::Slack;
use upstreams::{Breakers, Destinations};
use uuid::Uuid;
use worker::app::App;
use worker::testing::{self, drain};
use worker::{handlers, outbox};

struct World {
    database: TestDatabase,
    url: String,
    upstream: Upstream,
    app: Arc<App>,
    tenant: TenantId,
    workspace: Uuid,
}

impl World {
    async fn open() -> World {
        World::open_at(None).await
    }

    /// A desk that is reached at this address.
    async fn open_at(public_url: Option<&str>) -> World {
        boot::install_tls();
        let database = fresh_database().await;
        let upstream = upstream::start(([127, 0, 0, 1], 0).into()).await.expect("a free port");
        let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
        let url = database.url_for("desk_worker");
        let app = testing::app(&url, &redis);
        let slack = Slack::new(&upstream.slack_base(), Destinations::PublicOrLoopback, Breakers::default())
            .expect("a client")
            .sharing_pace(Shared::new(app.dispatch.prefix(), app.dispatch.runner()));
        let app = Arc::new(App { slack, public_url: public_url.map(str::to_owned), ..app });
        let api = Db::connect(&database.url_for("desk_api"), 1).expect("the test database's URL");
        let mut tx = api.gateway_tx().await.expect("the database");
        let tenant =
            accounts::tenants::create(&mut tx, "shop", "Lamp Shop", "UTC").await.expect("a tenant").id;
        tx.commit().await.expect("the database");
        let workspace = connect(&app, tenant).await;
        World { database, url, upstream, app, tenant, workspace }
    }

    async fn rule(&self, channel: &str, quiet: Option<(i16, i16)>, digest_minutes: i16) {
        let wanted = Wanted {
            workspace_id: self.workspace,
            channel: channel.to_owned(),
            events: vec!["*".to_owned()],
            is_on: true,
            quiet,
            timezone: Tz::UTC,
            digest_minutes,
        };
        let mut tx = self.app.db.tenant_tx(Role::Outbound, self.tenant).await.expect("the database");
        rules::create(&mut tx, self.tenant, &wanted, "key:test")
            .await
            .expect("the database")
            .expect("a rule");
        tx.commit().await.expect("the database");
    }

    async fn tries_the_rule(&self) {
        let mut tx = self.app.db.tenant_tx(Role::Outbound, self.tenant).await.expect("the database");
        let rule = rules::list(&mut tx).await.expect("the database").remove(0);
        rules::test(&mut tx, self.tenant, &rule).await.expect("the database");
        let job = channel_job(self.tenant, self.workspace, &rule.channel).expect("a job");
        let (_, announcement) = jobs::enqueue_one(&mut tx, job).await.expect("the ledger");
        tx.commit().await.expect("the database");
        self.app.dispatch.announce(announcement);
        self.works().await;
    }

    async fn happens(&self, kind: &str, subject: &str, data: Value) {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        tell(&mut tx, kind, subject, &data).await.expect("told");
        tx.commit().await.expect("the database");
    }

    /// Tickets with these numbers come.
    async fn tickets_come(&self, numbers: std::ops::RangeInclusive<i64>) {
        for number in numbers {
            let data = json!({ "ticket_id": Uuid::from_u128(number.unsigned_abs().into()), "version": 1, "number": number,
                               "status": "open", "priority": "normal", "channel": "email" });
            self.happens("ticket.created", &format!("ticket:{number}"), data).await;
        }
    }

    /// Everything that is to be done is done, however often it has to be put off: time does not matter here.
    async fn works(&self) {
        outbox::hand_out(&self.app.store, &self.app.dispatch).await.expect("handed out");
        let mut admin = self.admin().await;
        for _ in 0..1_000 {
            let handlers = handlers::all(&self.app);
            drain(&self.app.store, &self.app.dispatch, handlers, &self.url, &["outbound"])
                .await
                .expect("the queue");
            let hurried = sqlx::query(
                "update jobs.live set due_at = now(), run_at = now() where due_at < now() + interval '10 minutes'",
            )
            .execute(&mut admin)
            .await
            .expect("the ledger");
            if hurried.rows_affected() == 0 {
                return;
            }
        }
    }

    async fn asks(&self, name: &str, text: &str) -> Value {
        let url = format!("{}/respond", self.upstream.slack_base());
        let asked = Asked::Command { name: name.to_owned(), text: text.to_owned(), thread_ts: None };
        self.does(asked, Some(&url)).await;
        self.upstream.slack_answers().pop().expect("an answer")
    }

    async fn does(&self, asked: Asked, response_url: Option<&str>) {
        let key = &self.app.master_key;
        let job = AnswerSlack {
            workspace_id: self.workspace,
            asked,
            sealed_response_url: response_url
                .map(|url| AnswerSlack::seal(key, self.tenant, self.workspace, url)),
            user_id: "BEA".to_owned(),
            channel: "D1".to_owned(),
        };
        self.is_asked(&job).await;
    }

    /// What is answered to words of somebody to the bot.
    async fn says(&self, user: &str, channel: &str, thread: &str, words: &str) -> String {
        let (name, text) = words.split_once(' ').unwrap_or((words, ""));
        let asked = Asked::Command {
            name: name.to_owned(),
            text: text.to_owned(),
            thread_ts: Some(thread.to_owned()),
        };
        let job = AnswerSlack {
            workspace_id: self.workspace,
            asked,
            sealed_response_url: None,
            user_id: user.to_owned(),
            channel: channel.to_owned(),
        };
        self.is_asked(&job).await;
        self.upstream.slack_messages().pop().expect("an answer").call["blocks"].to_string()
    }

    async fn is_asked(&self, job: &AnswerSlack) {
        let mut conn = self.app.store.pool().acquire().await.expect("the ledger");
        let new = NewJob::of(self.tenant, job).expect("a payload");
        let (_, announcement) = jobs::enqueue_one(&mut conn, new).await.expect("the ledger");
        self.app.dispatch.announce(announcement);
        self.works().await;
    }

    async fn states(&self) -> Vec<String> {
        let mut tx = self.app.db.tenant_tx(Role::Outbound, self.tenant).await.expect("the database");
        let all = alerts::list(&mut tx, None, 1_000).await.expect("the database");
        all.into_iter().rev().map(|alert| alert.state).collect()
    }

    fn misbehaves(&self, count: u32, when: When, fault: Fault) {
        let route = "/slack/chat.postMessage".to_owned();
        self.upstream.inject(FaultRule { route, method: None, count, when, fault });
    }

    /// What each message says, in the order in which they came.
    fn texts(&self) -> Vec<String> {
        let text =
            |message: upstream::SlackMessage| message.call["text"].as_str().unwrap_or_default().to_owned();
        self.upstream.slack_messages().into_iter().map(text).collect()
    }

    async fn admin(&self) -> PgConnection {
        PgConnection::connect(&self.database.admin_url).await.expect("the server answers")
    }
}

async fn connect(app: &App, tenant: TenantId) -> Uuid {
    let installed = Installed {
        token: "xoxb-a-token",
        team_id: "T1",
        team_name: "Lamp Shop",
        app_id: "A1",
        bot_user_id: "U0BOT",
        scopes: &[],
        by: "key:test",
    };
    let mut tx = app.db.tenant_tx(Role::Outbound, tenant).await.expect("the database");
    let id = workspaces::connect(&mut tx, &app.master_key, tenant, &installed).await.expect("connected");
    tx.commit().await.expect("the database");
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn each_alert_is_seen_once_and_in_order_whatever_becomes_of_the_calls() {
    let world = World::open().await;
    world.rule("C1", None, 0).await;
    let status = |status, retry_after: Option<&str>| Fault::Status {
        status,
        retry_after: retry_after.map(str::to_owned),
        body: Some(json!({ "ok": false })),
    };
    world.misbehaves(1, When::Before, status(429, Some("0")));
    world.misbehaves(1, When::After, status(500, None));
    world.misbehaves(3, When::Before, status(429, None));
    world.misbehaves(1, When::After, Fault::Close);
    world.misbehaves(1, When::Before, status(200, None));
    world.tickets_come(1..=1).await;
    world.works().await;
    world.tickets_come(2..=4).await;
    world.works().await;
    let told: Vec<String> = world.texts();
    let numbers: Vec<bool> =
        (1..=4).map(|n| told.iter().filter(|text| text.contains(&format!("#{n},"))).count() <= 1).collect();
    assert!(numbers.iter().all(|once| *once), "{told:?}");
    // One was refused with `ok: false` and no word why: it is listed as failed and the others went on.
    let states = world.states().await;
    assert_eq!(states.iter().filter(|state| *state == "failed").count(), 1, "{states:?}");
    assert_eq!(told.len(), 3, "{told:?}");
    let mut sorted = told.clone();
    sorted.sort();
    assert_eq!(told, sorted, "in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_goes_below_what_began() {
    let world = World::open().await;
    world.rule("C1", None, 0).await;
    let ticket = json!({ "ticket_id": Uuid::from_u128(1), "version": 1, "status": "open" });
    world.happens("ticket.urgent", "ticket:1", ticket.clone()).await;
    world.happens("ticket.status_changed", "ticket:1", ticket.clone()).await;
    world.happens("ticket.urgent", "ticket:2", ticket).await;
    world.works().await;
    let messages = world.upstream.slack_messages();
    let threads: Vec<&Value> = messages.iter().map(|message| &message.call["thread_ts"]).collect();
    assert_eq!(threads, [&Value::Null, &json!(messages[0].ts), &Value::Null]);
    let buttons = |place: usize| messages[place].call["blocks"].as_array().map(Vec::len);
    assert_eq!((buttons(0), buttons(1)), (Some(2), Some(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_hours_and_digests_gather() {
    let world = World::open().await;
    let now = Utc::now();
    let minute = i16::try_from(now.hour() * 60 + now.minute()).expect("a minute of the day");
    // Quiet from two hours ago until in two hours.
    let quiet = ((minute + 1_440 - 120) % 1_440, (minute + 120) % 1_440);
    world.rule("C1", Some(quiet), 0).await;
    world.tickets_come(1..=5).await;
    world.works().await;
    assert_eq!(world.texts(), [] as [String; 0]);
    world.tries_the_rule().await;
    assert_eq!(world.texts().len(), 1, "a test is told at once");
    let mut admin = world.admin().await;
    let due: chrono::DateTime<Utc> =
        sqlx::query_scalar("select due_at from jobs.live where kind = 'send_slack_alert'")
            .fetch_one(&mut admin)
            .await
            .expect("one job waits for the end of the quiet hours");
    assert!((due - Utc::now()).num_minutes() >= 118, "{due}");
    // As if they had come three hours ago, one hour before the quiet hours ended then.
    sqlx::query("update outbound.event set at = at - interval '25 hours'")
        .execute(&mut admin)
        .await
        .expect("updated");
    sqlx::query("update outbound.alert_rule set quiet_from = $1, quiet_to = $2")
        .bind((minute + 1_440 - 300) % 1_440)
        .bind((minute + 1_440 - 30) % 1_440)
        .execute(&mut admin)
        .await
        .expect("updated");
    sqlx::query("update jobs.live set due_at = now(), run_at = now()")
        .execute(&mut admin)
        .await
        .expect("the ledger");
    world.works().await;
    let messages = world.upstream.slack_messages();
    assert_eq!(messages.len(), 2, "told together");
    assert_eq!(messages[1].call["blocks"].as_array().map(Vec::len), Some(6), "a heading and five lines");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_taken_ends_the_connection_and_alerts_wait_for_another() {
    let world = World::open().await;
    world.rule("C1", None, 0).await;
    world.upstream.slack_refuses(Some("token_revoked"));
    world.tickets_come(1..=2).await;
    world.works().await;
    let mut tx = world.app.db.tenant_tx(Role::Outbound, world.tenant).await.expect("the database");
    let known = workspaces::list(&mut tx).await.expect("the database");
    tx.commit().await.expect("the database");
    assert_eq!((known[0].state.as_str(), known[0].waiting), ("revoked", 2));
    world.upstream.slack_refuses(None);
    assert_eq!(connect(&world.app, world.tenant).await, world.workspace, "the same workspace");
    world.tickets_come(3..=3).await;
    world.works().await;
    assert_eq!(world.states().await, ["sent", "sent", "sent"]);
    assert_eq!(world.texts().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_are_answered_without_a_name_of_a_customer() {
    let world = World::open().await;
    let mut admin = world.admin().await;
    sqlx::query(
        "insert into platform.customer (tenant_id, customer_id, email, name) values ($1, 'maya@shop.example', 'maya@shop.example', 'Maya')",
    )
    .bind(world.tenant)
    .execute(&mut admin)
    .await
    .expect("a customer");
    let answer = world.asks("churn-check", "maya@shop.example").await;
    let text = answer.to_string();
    assert!(!text.to_lowercase().contains("maya"), "{text}");
    let name = text.split("Customer ").nth(1).and_then(|rest| rest.get(..10)).expect("a name").to_owned();
    assert!(name.parse::<platform::anonymous_ids::AnonymousId>().is_ok(), "{name}");
    let again = world.asks("churn-check", &name.to_lowercase()).await;
    assert_eq!(again["text"], answer["text"], "the name leads to the same customer");

    assert!(
        world.asks("churn-check", "C-00000000").await["text"]
            .as_str()
            .is_some_and(|text| text.contains("No such"))
    );
    assert_eq!(world.asks("segment-info", "").await["text"], "Nothing was computed yet");
    assert_eq!(world.asks("forecast", "happiness 3").await["text"], "Which metric?");
    assert_eq!(world.asks("forecast", "revenue 3").await["text"], "There is no forecast yet");
    assert_eq!(world.asks("tickets", "").await["text"], "No ticket waits");
    assert_eq!(world.asks("dance", "").await["text"], "What can be asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_in_plain_words_is_answered_with_its_table() {
    let world = World::open().await;
    sixty_mayas(&world).await;
    // By the command, and as words to the bot, of which the first stands where a command would.
    for (name, text) in [("ask", "What did our VIPs buy last?"), ("what", "did our vips buy last?")] {
        let answer = world.asks(name, text).await.to_string();
        assert!(!answer.to_lowercase().contains("maya"), "{answer}");
        for part in
            ["highest tenth", "Customer", "600.00 EUR", "green &lt;tea&gt;", "analyze_customers high_value"]
        {
            assert!(answer.contains(part), "{part}: {answer}");
        }
    }
    let declined = world.asks("ask", "how many customers from Berlin?").await.to_string();
    assert!(declined.contains("towns, regions and whole continents are not known"), "{declined}");
    assert!(declined.contains("What can be asked"), "{declined}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_goes_on_in_its_thread_for_whoever_asked() {
    let world = World::open().await;
    sixty_mayas(&world).await;
    let last = "what did they buy last?";
    let first = world.says("U1", "C1", "1.1", "who are our vips?").await;
    assert!(first.contains("highest tenth") && !first.contains("green &lt;tea&gt;"), "{first}");
    // Somebody else's question in the thread, and one in another thread, have nothing before them.
    for (user, channel, thread) in [("U2", "C1", "1.1"), ("U1", "C1", "2.2"), ("U1", "C2", "1.1")] {
        let alone = world.says(user, channel, thread, last).await;
        assert!(alone.contains("Do you mean") && !alone.contains("green &lt;tea&gt;"), "{alone}");
    }
    let bought = world.says("U1", "C1", "1.1", last).await;
    assert!(bought.contains("green &lt;tea&gt;") && !bought.to_lowercase().contains("maya"), "{bought}");
    // A single word goes on there, and is no question where nobody asked.
    let more = world.says("U1", "C1", "1.1", "more").await;
    assert!(more.contains("analyze_customers high_value") && more.contains("The list is over"), "{more}");
    assert!(world.says("U1", "C9", "9.9", "more").await.contains("a question in plain words"));
    // What somebody says to the bot alone is one conversation, though each answer goes below its message.
    world.says("U1", "D1", "5.1", "who are our vips?").await;
    assert!(world.says("U1", "D1", "5.2", last).await.contains("green &lt;tea&gt;"));
    let mut admin = world.admin().await;
    let conversations: Vec<(String, String, i64)> = sqlx::query_as(
        "select split_part(c.asked_by, ':', 3), c.thread, count(*)
         from questions_app.conversation c join questions_app.exchange e on e.conversation_id = c.id group by 1, 2 order by 1, 2",
    )
    .fetch_all(&mut admin)
    .await
    .expect("the conversations");
    let known: Vec<(&str, &str, i64)> =
        conversations.iter().map(|(user, thread, count)| (user.as_str(), thread.as_str(), *count)).collect();
    assert_eq!(
        known,
        [("U1", "C1 1.1", 3), ("U1", "C1 2.2", 1), ("U1", "C2 1.1", 1), ("U1", "D1", 2), ("U2", "C1 1.1", 1)]
    );
    // A day later nothing of it is there.
    sqlx::query("update questions_app.conversation set expires_at = now() - interval '1 second'")
        .execute(&mut admin)
        .await
        .expect("expired");
    let later = world.says("U1", "C1", "1.1", last).await;
    assert!(later.contains("Do you mean") && !later.contains("green &lt;tea&gt;"), "{later}");
}

/// Sixty customers who ordered once each.
async fn sixty_mayas(world: &World) {
    let mut admin = world.admin().await;
    for statement in [
        "insert into platform.customer (tenant_id, customer_id, email, name)
         select $1, 'maya' || n || '@shop.example', 'maya' || n || '@shop.example', 'Maya ' || n from generate_series(1, 60) n",
        "insert into platform.customer_profile (tenant_id, customer_id, orders, lines, spend, currency, returned_value, first_order_at, last_order_at)
         select $1, 'maya' || n || '@shop.example', 1, 1, n * 10, 'EUR', 0, now() - interval '9 days', now() - interval '9 days' from generate_series(1, 60) n",
        "insert into platform.order_line (tenant_id, line_key, order_id, customer_id, ordered_at, product_id, category, quantity, amount, currency, is_return)
         select $1, gen_random_uuid(), 'o' || n, 'maya' || n || '@shop.example', now() - interval '9 days', 'green <tea>', 'tea', 1, n * 10, 'EUR', false from generate_series(1, 60) n",
    ] {
        sqlx::query(statement).bind(world.tenant).execute(&mut admin).await.expect("rows");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forecast_has_a_picture_unless_slack_cannot_fetch_it() {
    let world = World::open_at(Some("https://desk.example.com")).await;
    let month = |number: u32| format!("{}-{:02}-01", 2024 + number / 12, number % 12 + 1);
    let history: Vec<Value> =
        (0..24).map(|number| json!({ "month": month(number), "value": 1_000 + number })).collect();
    let points: Vec<Value> = (24..30)
        .map(|number| json!({ "month": month(number), "value": 1_500, "low": 1_200, "high": 1_900 }))
        .collect();
    sqlx::query(
        "insert into platform.forecast (tenant_id, metric, made_on, method, backtest, history, points, job_id)
         values ($1, 'revenue', '2026-01-02', 'seasonal', '{\"currency\": \"EUR\"}', $2, $3, $1)",
    )
    .bind(world.tenant)
    .bind(Value::from(history))
    .bind(Value::from(points))
    .execute(&mut world.admin().await)
    .await
    .expect("a forecast");
    let picture = |answer: &Value| {
        let blocks = answer["blocks"].as_array().expect("blocks").clone();
        blocks.into_iter().find(|block| block["type"] == "image")
    };
    let answer = world.asks("forecast", "revenue 3").await;
    let shown = picture(&answer).expect("a picture");
    let address = shown["image_url"].as_str().expect("an address");
    let token = address.strip_prefix("https://desk.example.com/api/slack/chart?figures=").expect("ours");
    let chart = Chart::open(&world.app.master_key, token, Utc::now()).expect("a chart");
    assert_eq!((chart.past.len(), chart.ahead.len()), (24, 3));
    assert_eq!(chart.ahead[0], [1_500.0, 1_200.0, 1_900.0]);

    let fault = Fault::Status { status: 400, retry_after: None, body: None };
    let route = "/slack/respond".to_owned();
    world.upstream.inject(FaultRule { route, method: None, count: 1, when: When::Before, fault });
    let answer = world.asks("forecast", "revenue 3").await;
    assert!(picture(&answer).is_none(), "{answer}");
    assert!(answer.to_string().contains("1500.00"), "the figures are there all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_home_tab_and_an_answer_that_comes_too_late() {
    let world = World::open().await;
    world.does(Asked::Home {}, None).await;
    assert_eq!(world.upstream.slack_homes()[0]["user_id"], "BEA");
    let fault = Fault::Status { status: 404, retry_after: None, body: None };
    let route = "/slack/respond".to_owned();
    world.upstream.inject(FaultRule { route, method: None, count: 1, when: When::Before, fault });
    let url = format!("{}/respond", world.upstream.slack_base());
    let asked = Asked::Command { name: "tickets".to_owned(), text: String::new(), thread_ts: None };
    world.does(asked, Some(&url)).await;
    let mut admin = world.admin().await;
    let answered: Vec<bool> = sqlx::query_scalar(
        "select (result ->> 'answered')::boolean from jobs.finished where kind = 'answer_slack' order by finished_at",
    )
    .fetch_all(&mut admin)
    .await
    .expect("the ledger");
    assert_eq!(answered, [true, false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_is_pressed_by_an_agent_of_the_desk_and_by_nobody_else() {
    let world = World::open().await;
    let mut admin = world.admin().await;
    let ticket = Uuid::now_v7();
    sqlx::query(
        "insert into support_app.ticket (id, tenant_id, number, provider, external_id, channel, source, status, priority)
         values ($1, $2, 1, 'desk', 'x', 'email', 'email', 'open', 'normal')",
    )
    .bind(ticket)
    .bind(world.tenant)
    .execute(&mut admin)
    .await
    .expect("a ticket");
    let press = async |action: &str| {
        let url = format!("{}/respond", world.upstream.slack_base());
        let asked =
            Asked::Button { action: action.to_owned(), ticket_id: ticket, message_ts: "1.2".to_owned() };
        world.does(asked, Some(&url)).await;
        world.upstream.slack_answers().pop().expect("an answer")["text"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(press("claim").await.contains("no agent"));
    sqlx::query("insert into support_app.agent (id, tenant_id, name, email) values ($1, $2, 'Bea', 'Bea@Shop.example')")
        .bind(Uuid::now_v7())
        .bind(world.tenant)
        .execute(&mut admin)
        .await
        .expect("an agent");
    assert_eq!(press("claim").await, "The ticket is yours.");
    assert_eq!(press("snooze").await, "The ticket sleeps for 4 hours.");
    let (owned, sleeps): (bool, bool) =
        sqlx::query_as("select assignee_id is not null, snoozed_until is not null from support_app.ticket")
            .fetch_one(&mut admin)
            .await
            .expect("the ticket");
    assert!(owned && sleeps);
    // Whoever looks on at the desk changes nothing by a button either.
    sqlx::query(
        "insert into shared.login (id, tenant_id, name, email, role)
         select id, tenant_id, name, lower(email), 'viewer' from support_app.agent",
    )
    .execute(&mut admin)
    .await
    .expect("a login");
    for action in ["claim", "snooze"] {
        let told = press(action).await;
        assert!(told.contains("You look on"), "{told}");
    }
}
