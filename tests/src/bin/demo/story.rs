//! How the demo speaks: numbered steps with times, and beside them the processes' log lines.

use std::{
    io::IsTerminal,
    sync::OnceLock,
    time::{Duration, Instant},
};

use cluster::desk::Job;
use uuid::Uuid;

/// What happened so far.
pub struct Story {
    began: Instant,
    step_began: Instant,
    steps: usize,
    title: String,
    /// Each step with the time that it took.
    pub times: Vec<(String, Duration)>,
    /// Jobs worth a line in the report.
    pub jobs: Vec<Row>,
    /// The draft to show.
    pub draft: Option<Draft>,
}

/// A job in the report.
pub struct Row {
    /// What it was for.
    pub what: String,
    /// The job.
    pub id: Uuid,
    /// How it ended.
    pub state: String,
    /// How many attempts it took.
    pub attempts: i16,
    /// From its creation to its end.
    pub took: Duration,
}

/// A draft in the report.
pub struct Draft {
    /// The ticket, as the help desk calls it.
    pub ticket: u64,
    /// What the customer wrote.
    pub question: String,
    /// The suggested reply.
    pub reply: String,
    /// `anthropic` or `template`.
    pub drafter: String,
    /// What an agent should know.
    pub talking_points: Vec<String>,
}

impl Story {
    /// Begins now.
    pub fn begin() -> Story {
        let now = Instant::now();
        Story {
            began: now,
            step_began: now,
            steps: 0,
            title: String::new(),
            times: Vec::new(),
            jobs: Vec::new(),
            draft: None,
        }
    }

    /// Begins a step.
    pub fn step(&mut self, title: &str) {
        self.steps += 1;
        self.title = title.to_owned();
        self.step_began = Instant::now();
        println!("\n{}", bold(&format!("{}. {title}", self.steps)));
    }

    /// A line of the step that is told.
    pub fn say(&self, text: &str) {
        println!("   {text}");
    }

    /// Ends a step with what was shown by it.
    pub fn end_step(&mut self, shown: &str) {
        let took = self.step_began.elapsed();
        println!("   {} {shown} ({:.1} s)", green("ok"), took.as_secs_f64());
        self.times.push((self.title.clone(), took));
    }

    /// How long the story has lasted.
    pub fn lasted(&self) -> Duration {
        self.began.elapsed()
    }

    /// Notes a job for the report.
    pub fn note_job(&mut self, what: &str, job: &Job) {
        let took = job.finished_at.map(|end| end - job.created_at).and_then(|took| took.to_std().ok());
        self.jobs.push(Row {
            what: what.to_owned(),
            id: job.id,
            state: job.state.clone(),
            attempts: job.attempt,
            took: took.unwrap_or_default(),
        });
    }
}

/// Longest log line that is shown; the whole of it is in the log file.
const LINE_CHARS: usize = 150;

/// Shows a process's log line: its time of day, who wrote it, and what, without the rest of the date.
pub fn show_log_line(process: &str, line: &str) {
    let (time, said) = match line.split_once("Z ") {
        Some((stamp, said)) if stamp.len() > 19 && stamp.as_bytes()[10] == b'T' => {
            (&stamp[11..19], said.trim_start())
        }
        _ => ("        ", line),
    };
    let (level, said) = match said.split_once(' ') {
        Some((level @ ("ERROR" | "WARN"), said)) => (format!("{level} "), said),
        Some(("INFO", said)) => (String::new(), said),
        _ => (String::new(), said),
    };
    let mut text = format!("{time} {process:<11} | {level}{}", without_place(said));
    if let Some((end, _)) = text.char_indices().nth(LINE_CHARS) {
        text.truncate(end);
        text.push_str(" ...");
    }
    println!("{}", dim(&text));
}

/// A message without the span and the module that it comes from: `job: worker::runtime: failed` says `failed`.
fn without_place(mut said: &str) -> &str {
    while let Some((place, rest)) = said.split_once(": ") {
        if place.is_empty() || !place.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':')) {
            break;
        }
        said = rest;
    }
    said
}

/// An address as it may be shown.
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.split_once('@') {
        Some((user, place)) => format!("{scheme}://{}@{place}", user.split(':').next().unwrap_or_default()),
        None => url.to_owned(),
    }
}

/// Emphasised, at a terminal.
pub fn bold(text: &str) -> String {
    styled("1", text)
}

fn green(text: &str) -> String {
    styled("32", text)
}

fn dim(text: &str) -> String {
    styled("2", text)
}

fn styled(code: &str, text: &str) -> String {
    static IS_TERMINAL: OnceLock<bool> = OnceLock::new();
    if *IS_TERMINAL.get_or_init(|| std::io::stdout().is_terminal()) {
        return format!("\x1b[{code}m{text}\x1b[0m");
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_shown_without_its_place() {
        assert_eq!(
            without_place("job: worker::runtime::executor: failed for good x=1"),
            "failed for good x=1"
        );
        assert_eq!(without_place("the ledger is away: refused"), "the ledger is away: refused");
    }

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_password("postgres://me:hush@host:5432/desk"), "postgres://me@host:5432/desk");
        assert_eq!(without_password("redis://:hush@host:6379/0"), "redis://@host:6379/0");
        assert_eq!(without_password("redis://host:6379/0"), "redis://host:6379/0");
    }
}
