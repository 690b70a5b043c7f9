//! The diagram of states in ARCHITECTURE.md is what jobs do: every move it draws is made here, and the books have
//! recorded those moves and no others.

use std::{collections::BTreeSet, time::Duration};

use crate::ledger::{Ledger, dead, done};
use chrono::{TimeDelta, Utc};
use jobs::{
    JobId, NewJob, State,
    dead::{self, DeadFilter},
    kinds::Probe,
    ledger::{Ending, Failure},
    read::{self, Cancelled},
    sweep,
};
use serde_json::json;

/// A move; none is where a job comes from.
type Move = (Option<State>, State);

const MAP: &str = include_str!("../../../ARCHITECTURE.md");

/// The arrows of the diagram, but for those to its end: history that is pruned.
fn drawn() -> BTreeSet<String> {
    let diagram = MAP.split("```mermaid\nstateDiagram-v2\n").nth(1).expect("a diagram");
    let diagram = diagram.split("```").next().expect("its end");
    let state = |name: &str| (name != "[*]").then(|| State::parse(name).expect("a state's name"));
    diagram
        .lines()
        .filter(|line| !line.trim().is_empty())
        .filter_map(|line| {
            let (from, rest) = line.split_once("-->").expect("an arrow");
            let to = state(rest.split(':').next().expect("a target").trim())?;
            Some(name_of(&(state(from.trim()), to)))
        })
        .collect()
}

fn name_of((from, to): &Move) -> String {
    format!("{} -> {to}", from.map_or("nothing", State::as_str))
}

struct Life {
    ledger: Ledger,
    worker: uuid::Uuid,
}

impl Life {
    async fn job(&self) -> JobId {
        self.ledger.ask(&self.probe()).await.id
    }

    fn probe(&self) -> NewJob {
        NewJob::of(self.ledger.tenant, &Probe::default()).expect("a small payload")
    }

    /// A job that ran and ended so.
    async fn ended(&self, ending: Ending, state: State) -> JobId {
        let id = self.job().await;
        let running = self.ledger.claim_one(self.worker, id).await;
        self.ledger.end(&running, ending).await;
        assert_eq!(self.ledger.state(id).await, state);
        id
    }

    async fn cancel(&self, id: JobId) {
        let mut conn = self.ledger.conn().await;
        let cancelled = read::cancel(&mut conn, None, id, "no").await.expect("the ledger");
        assert_eq!(cancelled, Cancelled::Now);
    }

    async fn promote(&self, id: JobId) {
        let promoted = sweep::promote_due(&mut *self.ledger.conn().await, 10).await.expect("the ledger");
        assert_eq!(promoted.iter().map(|offer| offer.id).collect::<Vec<_>>(), [id]);
    }
}

fn retry(delay: Duration) -> Ending {
    Ending::Retry { failure: Failure::new("test", "not yet"), delay }
}

#[tokio::test]
async fn jobs_move_as_the_diagram_says() {
    const HOUR: Duration = Duration::from_secs(3600);
    let ledger = Ledger::open().await;
    let worker = ledger.worker().await;
    let life = Life { ledger, worker };

    life.ended(done(&json!(1)), State::Done).await;
    life.ended(Ending::Cancelled { reason: "gone".to_owned() }, State::Cancelled).await;
    let handed_back = life.ended(Ending::HandedBack, State::Ready).await;
    life.cancel(handed_back).await;

    let later = life.probe().with_run_at(Utc::now() + TimeDelta::hours(1));
    life.cancel(life.ledger.ask(&later).await.id).await;
    let snoozed = life.ended(Ending::Snooze { delay: Duration::ZERO }, State::Scheduled).await;
    life.promote(snoozed).await;
    let retrying = life.ended(retry(HOUR), State::Retrying).await;
    life.cancel(retrying).await;
    let retrying = life.ended(retry(Duration::ZERO), State::Retrying).await;
    life.promote(retrying).await;

    let mut conn = life.ledger.conn().await;
    let died = life.ended(dead(), State::Dead).await;
    let filter = DeadFilter { ids: vec![died], ..DeadFilter::default() };
    dead::discard(&mut conn, &filter, "no use", 10).await.expect("the ledger");
    assert_eq!(life.ledger.state(died).await, State::Cancelled);
    let died = life.ended(dead(), State::Dead).await;
    let filter = DeadFilter { ids: vec![died], ..DeadFilter::default() };
    let _ = dead::retry(&mut conn, &filter, 10).await.expect("the ledger");
    assert_eq!(life.ledger.state(died).await, State::Ready);

    // Out of attempts, it is buried when its worker is lost.
    let doomed = life.ledger.worker().await;
    let last = life.ledger.ask(&life.probe().with_max_attempts(1)).await.id;
    life.ledger.claim_one(doomed, last).await;
    life.ledger.lose(doomed).await;
    assert_eq!(life.ledger.state(last).await, State::Dead);

    let recorded: Vec<(Option<String>, String)> = sqlx::query_as(
        "select distinct from_state::text, to_state::text from jobs.transition where to_state is not null",
    )
    .fetch_all(&mut *conn)
    .await
    .expect("the ledger");
    let state = |name: &str| State::parse(name).expect("a state's name");
    let recorded: BTreeSet<String> =
        recorded.iter().map(|(from, to)| name_of(&(from.as_deref().map(state), state(to)))).collect();
    assert_eq!(recorded, drawn());
    life.ledger.assert_books_balance().await;
}
