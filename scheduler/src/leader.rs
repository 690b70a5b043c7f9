//! Who leads. The leadership is a lease in the ledger that its holder renews; a holder that could not
//! renew it stops by its own monotonic clock, before anybody else can take it. Losing that race would
//! be harmless, only wasteful: everything the leader does may be done twice.

use std::{
    collections::VecDeque,
    io::ErrorKind,
    sync::{Arc, Mutex},
    time::Duration,
};

use jobs::{QueueError, schedules, workers::SILENCE_SECS};
use sqlx::{ConnectOptions, PgConnection, postgres::PgConnectOptions};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::trouble::Trouble;

/// The times of the leadership.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    /// How long it holds: the longest time without a leader after one died.
    pub holds: Duration,
    /// How often the leader renews it, and how often the others try to take it.
    pub renewed_every: Duration,
    /// How long an answer may take before the question counts as failed and its connection as dead. What is left of the
    /// lease is enough to ask again on another; a slow ledger, which needs two seconds, costs no leadership.
    pub answered_within: Duration,
}

impl Default for Lease {
    /// As every scheduler has them.
    fn default() -> Lease {
        Lease {
            holds: Duration::from_secs(6),
            renewed_every: Duration::from_secs(2),
            answered_within: Duration::from_secs(3),
        }
    }
}

/// When Postgres answered this process. A leader counts workers out only for silence that it was there to hear:
/// after an outage of Postgres itself every worker would seem silent.
#[derive(Debug, Default)]
pub struct Contact {
    /// The latest answers, the oldest first; more than enough to reach back over a worker's silence.
    heard: Mutex<VecDeque<Instant>>,
}

impl Contact {
    /// Two answers further apart than this have an outage between them, or this process stood still. It is long
    /// enough for a question that was answered late and short enough that a worker, which tries every second,
    /// is not counted out for an outage that nobody noticed.
    const GAP: Duration = Duration::from_secs(4);

    /// After an outage a living worker is heard within this time: a second until its next try, five for a
    /// connection that says nothing, one for the beat.
    const RETURN: Duration = Duration::from_secs(7);

    /// How many answers are kept.
    const KEPT: usize = 64;

    /// Postgres answered, and could have taken a heartbeat.
    pub fn hear(&self) {
        let mut heard = self.heard.lock().expect("no holder of this lock panics");
        if heard.len() == Contact::KEPT {
            heard.pop_front();
        }
        heard.push_back(Instant::now());
    }

    /// Whether Postgres answered a moment ago.
    pub fn is_fresh(&self) -> bool {
        let heard = self.heard.lock().expect("no holder of this lock panics");
        heard.back().is_some_and(|last| last.elapsed() <= Duration::from_secs(5))
    }

    /// How old a worker's last beat must be for the worker to count as silent; none when that cannot be told
    /// now. It is [`SILENCE_SECS`], and the time in which Postgres could not be heard on top.
    pub fn silence(&self) -> Option<Duration> {
        let heard = self.heard.lock().expect("no holder of this lock panics");
        let now = Instant::now();
        let mut missing = Duration::from_secs(u64::from(SILENCE_SECS.unsigned_abs()));
        let mut later = now;
        for earlier in heard.iter().rev() {
            let stretch = later - *earlier;
            if stretch > Contact::GAP {
                // Deaf, so it counts for nothing; and who was hidden by it may not have come back yet.
                if now - later < Contact::RETURN {
                    return None;
                }
            } else if stretch >= missing {
                return Some(now - later + missing);
            } else {
                missing -= stretch;
            }
            later = *earlier;
        }
        None
    }
}

/// One scheduler's part in the election, on a connection of its own: it never waits for the duties.
#[derive(Clone, Debug)]
pub struct Candidate {
    options: PgConnectOptions,
    holder: Uuid,
    lease: Lease,
    contact: Arc<Contact>,
}

impl Candidate {
    /// A candidate, new for every start of a process.
    ///
    /// # Errors
    /// The URL cannot be read.
    pub fn new(database_url: &str, lease: Lease, contact: Arc<Contact>) -> Result<Candidate, QueueError> {
        // A lease of six seconds is worth nothing on a standby, so it does not wait for one.
        let options = jobs::store::connect_options(database_url)?.options([("synchronous_commit", "local")]);
        Ok(Candidate { options, holder: Uuid::now_v7(), lease, contact })
    }

    /// Stands for election until `resigns` is cancelled, and says in `leading` in which term it leads. A question that is
    /// under way then is answered first: it could take the leadership after it was given up.
    pub(crate) async fn stand(self, leading: watch::Sender<Option<i64>>, resigns: CancellationToken) {
        let (lease, contact) = (self.lease, self.contact.clone());
        hold(lease, &contact, &leading, Ledger { candidate: self, conn: None }, &resigns).await;
    }

    /// Gives the leadership up, so that another takes it at once instead of after its time.
    pub(crate) async fn abdicate(&self) {
        let given_up = timeout_at(Instant::now() + self.lease.answered_within, async {
            schedules::abdicate(&mut self.options.connect().await?, self.holder).await
        });
        if !matches!(given_up.await, Ok(Ok(()))) {
            tracing::warn!("the leadership could not be given up; it expires by itself");
        }
    }
}

/// Who knows who leads.
trait Electorate {
    /// Takes the leadership or renews it: the term, none while another leads.
    fn ask(&mut self) -> impl Future<Output = Result<Option<i64>, QueueError>> + Send;
}

/// The ledger, asked by a candidate.
struct Ledger {
    candidate: Candidate,
    conn: Option<PgConnection>,
}

impl Electorate for Ledger {
    async fn ask(&mut self) -> Result<Option<i64>, QueueError> {
        let Candidate { options, holder, lease, .. } = &self.candidate;
        // After a question without an answer it may be dead, so the next one is asked on another.
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => options.connect().await?,
        };
        let leadership = schedules::lead(&mut conn, *holder, lease.holds.as_secs_f64()).await?;
        self.conn = Some(conn);
        Ok(leadership.map(|leadership| leadership.term))
    }
}

/// Asks again and again until `resigns` is cancelled, and says in `leading` which term is held.
async fn hold(
    lease: Lease,
    contact: &Contact,
    leading: &watch::Sender<Option<i64>>,
    mut electorate: impl Electorate,
    resigns: &CancellationToken,
) {
    let mut trouble = Trouble::new("asking who leads");
    let mut held: Option<(i64, Instant)> = None;
    loop {
        let asked = Instant::now();
        held = held.filter(|(_, until)| asked < *until);
        publish(leading, held);
        let latest = asked + lease.answered_within;
        let deadline = held.map_or(latest, |(_, until)| until.min(latest));
        let answer = timeout_at(deadline, electorate.ask()).await.unwrap_or_else(|_| {
            Err(sqlx::Error::Io(std::io::Error::new(ErrorKind::TimedOut, "no answer in time")).into())
        });
        if answer.is_ok() {
            contact.hear();
        }
        if let Some(term) = trouble.note(answer) {
            // Counted from before the question, so it ends before the ledger's lease.
            held = term.map(|term| (term, asked + lease.holds));
        }
        held = held.filter(|(_, until)| Instant::now() < *until);
        publish(leading, held);
        let renewal = asked + lease.renewed_every;
        let next = sleep_until(held.map_or(renewal, |(_, until)| until.min(renewal)));
        if resigns.run_until_cancelled(next).await.is_none() {
            return;
        }
    }
}

fn publish(leading: &watch::Sender<Option<i64>>, held: Option<(i64, Instant)>) {
    let term = held.map(|(term, _)| term);
    leading.send_if_modified(|current| std::mem::replace(current, term) != term);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A ledger that needs so long for everything.
    struct Slow(Duration);

    impl Electorate for Slow {
        async fn ask(&mut self) -> Result<Option<i64>, QueueError> {
            tokio::time::sleep(self.0).await;
            Ok(Some(1))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_ledger_that_needs_two_seconds_costs_no_leadership_and_a_silent_one_gives_none() {
        for (needs, leads) in [(2 * SECOND, true), (4 * SECOND, false)] {
            let (leading, mut seen) = watch::channel(None);
            let holding = tokio::spawn(async move {
                let never = CancellationToken::new();
                hold(Lease::default(), &Contact::default(), &leading, Slow(needs), &never).await;
            });
            let taken = tokio::time::timeout(60 * SECOND, seen.wait_for(Option::is_some)).await;
            assert_eq!(taken.is_ok(), leads, "{needs:?}");
            drop(taken);
            let lost = tokio::time::timeout(3_600 * SECOND, seen.wait_for(Option::is_none)).await;
            assert_eq!(lost.is_err(), leads, "{needs:?}");
            holding.abort();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_resigns_hears_the_answer_to_the_last_question() {
        let (leading, mut seen) = watch::channel(None);
        let resigns = CancellationToken::new();
        resigns.cancel();
        hold(Lease::default(), &Contact::default(), &leading, Slow(SECOND), &resigns).await;
        assert_eq!(*seen.borrow_and_update(), Some(1), "it was asked, so it may be held");
    }

    async fn hear_every(contact: &Contact, pause: Duration, times: u32) {
        for _ in 0..times {
            tokio::time::advance(pause).await;
            contact.hear();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_judged_by_what_was_heard() {
        let contact = Contact::default();
        assert!(!contact.is_fresh());
        contact.hear();
        hear_every(&contact, 2 * SECOND, 4).await;
        assert!(contact.is_fresh());
        assert_eq!(contact.silence(), None, "it has not listened long enough");
        hear_every(&contact, 2 * SECOND, 1).await;
        assert_eq!(contact.silence(), Some(10 * SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_answer_changes_nothing() {
        let contact = Contact::default();
        hear_every(&contact, 2 * SECOND, 5).await;
        // Later than a question may take: it failed, and the next was answered.
        hear_every(&contact, Duration::from_millis(3_900), 1).await;
        assert_eq!(contact.silence(), Some(10 * SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_counts_no_living_worker_out() {
        let contact = Contact::default();
        hear_every(&contact, 2 * SECOND, 10).await;
        hear_every(&contact, 30 * SECOND, 1).await;
        for _ in 0..6 {
            assert_eq!(contact.silence(), None, "living workers may not be back yet");
            hear_every(&contact, SECOND, 1).await;
        }
        hear_every(&contact, SECOND, 1).await;
        // Three seconds before the outage and seven after it: who was silent in all of them is gone.
        assert_eq!(contact.silence(), Some(40 * SECOND));
        hear_every(&contact, SECOND, 3).await;
        assert_eq!(contact.silence(), Some(10 * SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_stood_still_heard_nobody() {
        let contact = Contact::default();
        hear_every(&contact, 2 * SECOND, 10).await;
        tokio::time::advance(20 * SECOND).await;
        assert!(!contact.is_fresh());
        assert_eq!(contact.silence(), None);
    }
}
