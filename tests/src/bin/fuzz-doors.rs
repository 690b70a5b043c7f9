//! Millions of odd inputs for what reads texts of others: the webhook's reader with everything below it, the grammar of
//! segment rules, and what makes a draft of a model's answer. None may panic, none may take long, and memory must not grow.
//!
//! Inputs are made from a seed by changing what is right: bytes are flipped, pieces cut, doubled, put elsewhere, and
//! replaced by what is known to hurt. `--seed` repeats a run, `--inputs` says how many, `--only webhook|rules|answers`
//! which. An input that failed is kept in a file, whose name is printed with the number of the input and the seed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use marketing::segments::parse::parse as parse_rule;
use serde_json::Value;
use sha2::{Digest, Sha256};
use support::gorgias::{dedup, delivery, rules};
use upstreams::anthropic::{Completion, Ending, Usage, read_completion};
use upstreams::outgoing::objections;
use worker::draft::answer::{ACTIONS, TALKING_POINTS};
use worker::draft::policy::{KnownFacts, check};
use worker::draft::prompt::{INSIDE, prompt};
use worker::draft::{Author, Channel, Draft, DraftInput, Length, ThreadMessage, Tone, judge, style};

/// No input may take longer, whatever it is.
const SLOW: Duration = Duration::from_secs(1);

/// How often an input that took longer is read again: the machine may have stood still, an input that is slow stays so.
const AGAIN: usize = 4;

/// How often a run says how far it is.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// How much the process may grow after it has warmed up, in bytes.
const GROWTH: u64 = 64 << 20;

const DELIVERIES: [&str; 7] = [
    r#"{"ticket":{"id":4711,"subject":"Where is it?","status":"open","channel":"email","tags":["vip",{"name":"no-ai"}],"customer":{"id":9,"email":"a@b.example"},"messages":[{"id":1,"body_text":"x","created_datetime":"2026-11-20T10:00:00+0000"}]},"message":{"id":815,"from_agent":false,"body_text":"It broke \ud83d\ude00","sender":{"email":"a@b.example"}}}"#,
    r#"{"id":"e1","type":"ticket-updated","created_datetime":1795168800,"data":{"ticket":{"id":"4711.0","updated_datetime":"2026-11-20 10:00:00 UTC","messages_count":"2"}}}"#,
    r#"{"event":{"type":"ticket-message-created"},"ticket":{"id":1},"message":{"id":2,"body_html":"<p>My <b>lamp</b><br>broke</p><div class=\"gmail_quote\">On <blockquote type=cite>x</blockquote></div><style>p{}</style>"}}"#,
    r#"{"id":1,"meta":{"weight":1e400,"big":12345678901234567890123},"custom":[[[[[[[[[["deep"]]]]]]]]]]}"#,
    r#"{"event":"created","ticket":{"id":1.0,"messages":"","customer":"","spam":"no"},"message":"only a text"}"#,
    r#"["{\"ticket\":[{\"id\":1,\"messages\":{\"id\":2,\"body_text\":\"x\"}}]}"]"#,
    "v=1&payload=%7B%22id%22%3A1%2C%22messages%22%3A%5B%7B%22id%22%3A7%2C%22body_text%22%3A%22a+b%22%7D%5D%7D",
];

const RULES: [&str; 5] = [
    r#"total_order_value >= 500 and churn_risk in (high, critical)"#,
    r#"not (order_count < 3 or ltv is unknown) and email not in ("x@example.com", "y")"#,
    r#"in segment "A" and last_order_date < 1900-01-01"#,
    r#"days_since_last_order between 3 and 90 or shipping_state = "BÜCKEBURG""#,
    r#"((order_count = 1))"#,
];

const ANSWERS: [&str; 7] = [
    r#"{"model":"m","stop_reason":"tool_use","usage":{"input_tokens":5,"output_tokens":7},"content":[{"type":"text","text":"I will."},{"type":"tool_use","id":"t","name":"hand_over_draft","input":{"reply":"Hello Maya,\n\nthank you for writing. I am looking into it.\n\nKind regards,\nYour team","recommendation":{"priority":"High","actions":["Look.","Answer."],"talking_points":["One.","Two.","Three."],"warnings":[],"retention_probability":"0.7","revenue_at_risk":"12.50"}}}]}"#,
    r#"{"model":null,"stop_reason":"end_turn","content":[{"type":"text","text":"Sure.\n<reply>Hello Maya, I am looking into it.</reply>\n<recommendation>{\"priority\":\"low\",\"actions\":[\"a\",\"b\"],\"talking_points\":[\"c\",\"d\",\"e\"]}</recommendation>"}]}"#,
    r#"{"model":"m","stop_reason":"max_tokens","content":[{"type":"tool_use","name":"hand_over_draft","input":{"reply":"One."}},{"type":"tool_use","name":"hand_over_draft","input":{"reply":"Two."}}]}"#,
    r#"{"reply":"Hello Maya, your parcel 4711 left us on 12 March, it came to 12,50 EUR.","recommendation":"{\"priority\":\"urgent\",\"actions\":[\"a\",\"b\"],\"talking_points\":[\"c\",\"d\",\"e\"],\"retention_probability\":1e-9}"}"#,
    "I will put it inside <reply> tags.\n<reply>\nHello Maya,\nI am looking into it.\n</reply>\n<recommendation>\n```json\n{\"priority\": \"High\", \"actions\": [\"a\", \"b\"], \"talking_points\": [\"c\", \"d\", \"e\"]}\n```",
    "<reply>Guten Tag, ich sehe gerade nach, wo Ihre Lampe ist, und melde mich.</reply>",
    "<reply>We will refund 20 % by Friday, use SAVE20 or https://shop.example/1.</reply><reply>Dear [name], {{order}}</reply>",
];

/// Pieces that hurt readers of such texts.
const SHARP: [&str; 34] = [
    "\\u0000",
    "\\ud83d",
    "\\udc00",
    "\0",
    "\u{FEFF}",
    "1e999999999",
    "-",
    "[[[[[[[[[[",
    "{\"a\":",
    "]]]]",
    "\"",
    "\\",
    "null",
    "NaN",
    "9007199254740993",
    "<div style=\"display:none\">",
    "<!--",
    "<![CDATA[",
    "&#x110000;",
    "</",
    "<blockquote type=cite>",
    "data:image/png;base64,",
    "(",
    ")",
    " and ",
    " not ",
    "\"\"",
    "\u{1F4A5}",
    "<reply>",
    "</reply>",
    "<recommendation>",
    "[name]",
    "{{",
    "%",
];

struct Random(u64);

impl Random {
    /// Splitmix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap_or(0)
    }

    fn mutated(&mut self, seeds: &[&str]) -> Vec<u8> {
        let mut bytes = seeds[self.below(seeds.len())].as_bytes().to_vec();
        for _ in 0..=self.below(6) {
            let (from, to) = (self.below(bytes.len() + 1), self.below(bytes.len() + 1));
            let (from, to) = (from.min(to), from.max(to));
            match self.below(7) {
                0 => bytes.truncate(to),
                1 => drop(bytes.drain(from..to.min(from + 20))),
                2 => {
                    let piece = bytes[from..to].to_vec();
                    let at = self.below(bytes.len() + 1);
                    bytes.splice(at..at, piece);
                }
                3 if !bytes.is_empty() => {
                    let at = self.below(bytes.len());
                    bytes[at] ^= 1 << self.below(8);
                }
                4 => {
                    let times = [1, 1, 1, 2, 50, 2_000][self.below(6)];
                    let sharp = SHARP[self.below(SHARP.len())].repeat(times);
                    bytes.splice(from..from, sharp.into_bytes());
                }
                5 => {
                    let other = seeds[self.below(seeds.len())].as_bytes();
                    let cut = self.below(other.len());
                    bytes.splice(from..to, other[cut..].iter().copied());
                }
                _ => {
                    let junk: Vec<u8> = (0..self.below(12)).map(|_| self.next().to_le_bytes()[0]).collect();
                    bytes.splice(from..from, junk);
                }
            }
            bytes.truncate(200_000);
        }
        bytes
    }
}

/// Whether it was understood.
fn read_webhook(bytes: &[u8]) -> bool {
    let Ok(body) = delivery::Body::of(bytes) else { return false };
    serde_json::from_str::<&serde_json::value::RawValue>(body.json.get())
        .expect("a body that was read is JSON");
    let Ok(read) = delivery::parse_body(&body) else { return false };
    // A backslash and `u0000` behind it are words.
    let escapes = body.json.get().replace(r"\\", "");
    assert!(!read.ticket.id.is_empty() && !escapes.contains(r"\u0000"));
    assert!(read.messages().iter().all(|message| message.body_text.chars().count() <= 50_000));
    assert!(dedup::identity(&read, &Sha256::digest(bytes).into()).key.len() <= 200);
    rules::decide(&read);
    true
}

fn read_rule(bytes: &[u8]) -> bool {
    parse_rule(&String::from_utf8_lossy(bytes)).is_ok()
}

/// What the model was asked.
static ASKED: LazyLock<DraftInput> = LazyLock::new(|| DraftInput {
    shop_name: "Corner Shop".into(),
    subject: "My lamp".into(),
    channel: Channel::Email,
    tone: Tone::Friendly,
    length: Length::Medium,
    customer_name: Some("Maya Lind".into()),
    language: Some("en".into()),
    is_language_assumed: false,
    intent: None,
    messages: vec![ThreadMessage {
        author: Author::Customer,
        text: "Hello, where is my lamp? It has not arrived yet and I need it soon.".into(),
        at: chrono::DateTime::UNIX_EPOCH,
    }],
    customer: None,
    sharing: Vec::new(),
    articles: Vec::new(),
});

static FACTS: LazyLock<KnownFacts> = LazyLock::new(|| KnownFacts::of(&ASKED));

/// The name of the form that it was to fill in.
static FORM: LazyLock<String> = LazyLock::new(|| {
    let asked = prompt(&ASKED, &[]);
    asked.parts().tool.map(|tool| tool.name.to_owned()).unwrap_or_default()
});

/// Whether a draft was made: of the bytes as an answer of the upstream, as the text of one, or as its form.
fn read_answer(bytes: &[u8]) -> bool {
    let answer = |text: String, form: Option<Value>| Completion {
        text,
        form,
        ending: Ending::Complete,
        model: "m".to_owned(),
        usage: Usage::default(),
    };
    let whole = read_completion(bytes, Some(FORM.as_str())).ok();
    let text = answer(String::from_utf8_lossy(bytes).into_owned(), None);
    let form = serde_json::from_slice(bytes).ok().map(|form| answer(String::new(), Some(form)));
    let mut is_draft = false;
    for completion in [whole, Some(text), form].into_iter().flatten() {
        match judge::judge(&completion, &ASKED) {
            Ok(draft) => {
                keeps_the_rules(&draft);
                is_draft = true;
            }
            Err(faults) => assert!(!faults.is_empty(), "what is no draft has a fault"),
        }
    }
    is_draft
}

fn keeps_the_rules(draft: &Draft) {
    let most = style::style(ASKED.channel, ASKED.length).max_chars;
    assert!((1..=most).contains(&draft.reply.chars().count()));
    assert!(objections(&draft.reply, &INSIDE).is_empty() && check(&draft.reply, &FACTS).is_empty());
    if let Some(advice) = &draft.recommendation {
        assert!(ACTIONS.contains(&advice.actions.len()));
        assert!(TALKING_POINTS.contains(&advice.talking_points.len()));
        assert!(advice.retention_probability.is_none_or(|p| (0.01..=0.99).contains(&p)));
    }
}

fn resident_bytes() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("the kernel tells the size")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// Whether an input was understood, none when reading it panicked, and how long that took.
fn timed(read: fn(&[u8]) -> bool, bytes: &[u8]) -> (Option<bool>, Duration) {
    let began = Instant::now();
    let read = catch_unwind(AssertUnwindSafe(|| read(bytes)));
    (read.ok(), began.elapsed())
}

fn run(name: &str, seeds: &[&str], seed: u64, inputs: u64, read: fn(&[u8]) -> bool) -> anyhow::Result<()> {
    let mut random = Random(seed);
    let (mut understood, mut slowest, mut size_at_first) = (0_u64, Duration::ZERO, 0);
    let (started, mut told) = (Instant::now(), Instant::now());
    for input in 0..inputs {
        let bytes = random.mutated(seeds);
        let failed = |how: &str| -> anyhow::Result<()> {
            let file = std::env::temp_dir().join(format!("fuzz-{name}-{seed}-{input}"));
            std::fs::write(&file, &bytes)
                .with_context(|| format!("keeping the input in {}", file.display()))?;
            bail!("{name} {how} at input {input} of seed {seed}; it is in {}", file.display())
        };
        let (mut is_understood, mut took) = timed(read, &bytes);
        for _ in 0..AGAIN {
            if took > SLOW {
                let again = timed(read, &bytes);
                (is_understood, took) = (again.0, took.min(again.1));
            }
        }
        slowest = slowest.max(took);
        match is_understood {
            Some(is_understood) => understood += u64::from(is_understood),
            None => failed("panicked")?,
        }
        if took > SLOW {
            failed(&format!("took {took:?}"))?;
        }
        if input == inputs / 10 {
            size_at_first = resident_bytes()?;
        }
        if told.elapsed() > TOLD_EVERY {
            told = Instant::now();
            println!("{name}: {input} of {inputs} inputs after {:.0} s", started.elapsed().as_secs_f64());
        }
    }
    let growth = resident_bytes()?.saturating_sub(size_at_first);
    if growth > GROWTH {
        bail!("{name} grew by {growth} bytes after it had warmed up");
    }
    println!("figure: fuzz_{name}_inputs {inputs} inputs");
    println!("figure: fuzz_{name}_understood {understood} inputs");
    println!("figure: fuzz_{name}_panics 0 inputs");
    println!("figure: fuzz_{name}_slowest {:.1} ms", slowest.as_secs_f64() * 1e3);
    println!("figure: fuzz_{name}_growth {:.1} MB", growth as f64 / 1e6);
    println!("figure: fuzz_{name}_rate {:.0} inputs/s", inputs as f64 / started.elapsed().as_secs_f64());
    Ok(())
}

fn main() -> anyhow::Result<()> {
    const USAGE: &str = "usage: fuzz-doors [--inputs N] [--seed N] [--only webhook|rules|answers]";
    let (mut seed, mut inputs, mut only) = (1, 2_000_000, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().context(USAGE)?;
        match (argument.as_str(), value.as_str()) {
            ("--seed", value) => seed = value.parse().context(USAGE)?,
            ("--inputs", value) => inputs = value.parse().context(USAGE)?,
            ("--only", "webhook" | "rules" | "answers") => only = Some(value),
            _ => bail!(USAGE),
        }
    }
    if only.as_deref().is_none_or(|only| only == "webhook") {
        run("webhook", &DELIVERIES, seed, inputs, read_webhook)?;
    }
    if only.as_deref().is_none_or(|only| only == "rules") {
        run("rules", &RULES, seed, inputs, read_rule)?;
    }
    if only.as_deref().is_none_or(|only| only == "answers") {
        run("answers", &ANSWERS, seed, inputs, read_answer)?;
    }
    Ok(())
}
