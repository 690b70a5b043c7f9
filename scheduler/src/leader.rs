//! Who leads. The leadership is a lease in the ledger that its holder renews; a holder that could not
//! renew it stops by its own monotonic clock, before anybody else can take it. Losing that race would
//! be harmless, only wasteful: everything the leader does may be done twice.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use jobs::{QueueError, Store, schedules, workers::SILENCE_SECS};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout_at},
};
use uuid::Uuid;

use crate::trouble::Trouble;

/// How long a lease holds, in seconds: the longest time without a leader after one died.
pub const TTL: Duration = Duration::from_secs(6);

/// How often the leader renews its lease, and how often the others try to take it.
pub const RENEW_EVERY: Duration = Duration::from_secs(2);

/// How long an answer may take before the question counts as failed.
const ANSWER_WITHIN: Duration = Duration::from_millis(1500);

/// Since when this process has heard from Postgres without a break. A leader counts workers out only
/// when it was there to hear them: after an outage of Postgres itself every worker would seem silent.
#[derive(Debug, Default)]
pub struct Contact {
    heard: Mutex<Option<Heard>>,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    first: Instant,
    last: Instant,
}

impl Contact {
    /// A break between two answers: more than two questions went unanswered, or this process stood still.
    const BREAK: Duration = Duration::from_secs(5);

    /// Postgres answered.
    pub fn hear(&self) {
        let now = Instant::now();
        let mut heard = self.heard.lock().expect("no holder of this lock panics");
        let first = heard.filter(|heard| now - heard.last <= Contact::BREAK).map_or(now, |heard| heard.first);
        *heard = Some(Heard { first, last: now });
    }

    /// Postgres did not answer.
    pub fn lose(&self) {
        *self.heard.lock().expect("no holder of this lock panics") = None;
    }

    /// Whether Postgres answered a moment ago.
    pub fn is_fresh(&self) -> bool {
        self.unbroken().is_some()
    }

    /// Whether a worker's silence can be told from an outage.
    pub fn can_judge_silence(&self) -> bool {
        let silence = Duration::from_secs(u64::from(SILENCE_SECS.unsigned_abs()));
        self.unbroken().is_some_and(|unbroken| unbroken >= silence)
    }

    fn unbroken(&self) -> Option<Duration> {
        let heard = (*self.heard.lock().expect("no holder of this lock panics"))?;
        let now = Instant::now();
        (now - heard.last <= Contact::BREAK).then(|| now - heard.first)
    }
}

/// One scheduler's part in the election.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Where the lease is.
    pub store: Store,
    /// Who asks; new for every start of a process.
    pub holder: Uuid,
    /// Told of every answer.
    pub contact: Arc<Contact>,
}

impl Candidate {
    /// Stands for election until it is dropped, and says in `leading` in which term it leads.
    pub(crate) async fn stand(self, leading: watch::Sender<Option<i64>>) {
        let mut trouble = Trouble::new("asking who leads");
        let mut held: Option<(i64, Instant)> = None;
        loop {
            let asked = Instant::now();
            held = held.filter(|(_, until)| asked < *until);
            publish(&leading, held);
            let deadline = held.map_or(asked + ANSWER_WITHIN, |(_, until)| until.min(asked + ANSWER_WITHIN));
            match timeout_at(deadline, self.ask()).await {
                Ok(answer) => {
                    let answered = trouble.note(answer);
                    match answered {
                        Some(term) => {
                            self.contact.hear();
                            // Counted from before the question, so it ends before the ledger's lease.
                            held = term.map(|term| (term, asked + TTL));
                        }
                        None => self.contact.lose(),
                    }
                }
                Err(_) => {
                    self.contact.lose();
                    tracing::warn!("the database did not say in time who leads");
                }
            }
            held = held.filter(|(_, until)| Instant::now() < *until);
            publish(&leading, held);
            let next = held.map_or(asked + RENEW_EVERY, |(_, until)| until.min(asked + RENEW_EVERY));
            sleep_until(next).await;
        }
    }

    /// Gives the leadership up, so that another takes it at once instead of after its time.
    pub(crate) async fn abdicate(&self) {
        let given_up = timeout_at(Instant::now() + ANSWER_WITHIN, async {
            let mut conn = self.store.pool().acquire().await?;
            schedules::abdicate(&mut conn, self.holder).await
        });
        if !matches!(given_up.await, Ok(Ok(()))) {
            tracing::warn!("the leadership could not be given up; it expires by itself");
        }
    }

    async fn ask(&self) -> Result<Option<i64>, QueueError> {
        let mut conn = self.store.pool().acquire().await?;
        let leadership = schedules::lead(&mut conn, self.holder, TTL.as_secs_f64()).await?;
        Ok(leadership.map(|leadership| leadership.term))
    }
}

fn publish(leading: &watch::Sender<Option<i64>>, held: Option<(i64, Instant)>) {
    let term = held.map(|(term, _)| term);
    leading.send_if_modified(|current| std::mem::replace(current, term) != term);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_is_judged_only_after_unbroken_contact() {
        let contact = Contact::default();
        assert!(!contact.is_fresh());
        for _ in 0..5 {
            contact.hear();
            assert!(!contact.can_judge_silence());
            tokio::time::advance(Duration::from_secs(2)).await;
        }
        contact.hear();
        assert!(contact.can_judge_silence());
        contact.lose();
        contact.hear();
        assert!(contact.is_fresh() && !contact.can_judge_silence());
        // A process that stood still did not hear the workers either.
        tokio::time::advance(Duration::from_secs(20)).await;
        assert!(!contact.is_fresh() && !contact.can_judge_silence());
        contact.hear();
        assert!(!contact.can_judge_silence());
    }
}
