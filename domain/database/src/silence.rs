//! Finding connections that are dead without a word. A host, a balancer or a primary that stops answering sends
//! no RST, and sqlx opens sockets without keepalive, so a statement on such a connection waits for ever. Here every
//! answer has a time of its own; the first that does not come in it makes all older connections of the pool
//! suspect, because whatever happened to one has happened to its neighbours.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use futures_util::task::AtomicWaker;
use sqlx::{Connection, PgConnection};
use tokio::sync::watch;

/// Since when the connections of a pool that were made before are not trusted; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Mistrust {
    since: Arc<Mutex<Option<Instant>>>,
    /// When the server was last found silent.
    silence: Arc<watch::Sender<Option<tokio::time::Instant>>>,
}

/// How long a connection that is given back may take to answer, after the rollback of what was left open in it.
pub const RELEASE_WITHIN: Duration = Duration::from_secs(5);

impl Mistrust {
    /// From now on no connection is trusted that exists already.
    pub fn begin(&self) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether a connection of this age is trusted.
    pub fn trusts(&self, age: Duration) -> bool {
        let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_none_or(|since| since.elapsed() > age)
    }

    /// Waits for `work` on a connection of the pool as long as the server goes on answering: `longest` is the
    /// time for each answer, not for all of them. When none comes the older connections are mistrusted and `work`
    /// is dropped, whose connection then closes instead of going back to the pool. The statement is not
    /// cancelled: one that waits for a standby may still be committed.
    ///
    /// # Errors
    /// What `work` failed with, or that the server fell silent, as an I/O error of the kind `TimedOut`.
    pub async fn unless_silent<T, E: From<sqlx::Error>>(
        &self,
        longest: Duration,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let mut work = pin!(work);
        match until_silent(longest, work.as_mut()).await {
            Some(result) => result,
            None => {
                self.begin();
                self.silence.send_replace(Some(tokio::time::Instant::now()));
                Err(sqlx::Error::Io(silent(longest)).into())
            }
        }
    }

    /// Resolves when the server was found silent at this time or later, on whichever connection of the pool; not before
    /// that, so the caller says how long it waits. One that is given back dead is found within [`RELEASE_WITHIN`].
    pub async fn silence_since(&self, since: tokio::time::Instant) {
        let mut silence = self.silence.subscribe();
        if silence.wait_for(|found| found.is_some_and(|found| found >= since)).await.is_err() {
            // Nobody is left who could find it.
            std::future::pending().await
        }
    }

    /// Whether a connection that is given back may go on serving, for the pool's `after_release`. The pool itself
    /// would wait for the end of an abandoned transaction without a limit, and lose the connection's place.
    ///
    /// # Errors
    /// The connection is dead.
    pub async fn accepts_back(&self, conn: &mut PgConnection, age: Duration) -> Result<bool, sqlx::Error> {
        if !self.trusts(age) {
            return Ok(false);
        }
        // Whatever is left to be sent, such as the rollback of a transaction that was dropped, is sent here. The pool
        // itself asks as well, but without a limit, and keeps the connection's place meanwhile: a primary that fell
        // silent would empty the pool.
        self.unless_silent(RELEASE_WITHIN, conn.ping()).await?;
        Ok(true)
    }
}

/// Waits for `work` on one connection as long as the server answers within `longest` each time, for work that has
/// the transaction and not the pool. Dropped, the transaction is ended or its connection closed by the pool.
///
/// # Errors
/// As [`Mistrust::unless_silent`].
pub async fn unless_silent<T, E: From<sqlx::Error>>(
    longest: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    Mistrust::default().unless_silent(longest, work).await
}

/// Whether this is the silence that [`Mistrust::unless_silent`] found.
pub(super) fn is_silence(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut)
}

pub(super) fn silent(longest: Duration) -> std::io::Error {
    let text = format!("the server was silent for {} s", longest.as_secs_f64());
    std::io::Error::new(std::io::ErrorKind::TimedOut, text)
}

/// The output of `work`; none when nothing woke it for `longest`.
async fn until_silent<F: Future + Unpin>(longest: Duration, work: F) -> Option<F::Output> {
    let mut work = Listening::to(work);
    let mut heard = work.heard_at();
    let mut silence = pin!(tokio::time::sleep_until(heard + longest));
    poll_fn(move |cx| {
        if let Poll::Ready(output) = Pin::new(&mut work).poll(cx) {
            return Poll::Ready(Some(output));
        }
        if work.heard_at() != heard {
            heard = work.heard_at();
            silence.as_mut().reset(heard + longest);
        }
        silence.as_mut().poll(cx).map(|()| None)
    })
    .await
}

/// Work that waits for answers, and when the last one came. Whatever else wakes the task does not count, hence a waker of
/// its own.
#[derive(Debug)]
pub struct Listening<F> {
    work: F,
    heard: Arc<Heard>,
    waker: Waker,
    heard_at: tokio::time::Instant,
}

impl<F> Listening<F> {
    /// Listens to this work from now on.
    pub fn to(work: F) -> Listening<F> {
        let heard = Arc::new(Heard { news: AtomicBool::new(true), task: AtomicWaker::new() });
        let waker = Waker::from(heard.clone());
        Listening { work, heard, waker, heard_at: tokio::time::Instant::now() }
    }

    /// When something woke the work last: an answer, room to write, a time of its own that came.
    pub fn heard_at(&self) -> tokio::time::Instant {
        self.heard_at
    }
}

impl<F: Future + Unpin> Future for Listening<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        this.heard.task.register(cx.waker());
        if !this.heard.news.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        let polled = Pin::new(&mut this.work).poll(&mut Context::from_waker(&this.waker));
        this.heard_at = tokio::time::Instant::now();
        polled
    }
}

/// Notes that the work itself was woken: its socket has something to read, or room to write.
#[derive(Debug)]
struct Heard {
    news: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Heard {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.news.store(true, Ordering::Release);
        self.task.wake();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{sleep, timeout};

    use super::*;

    const LONGEST: Duration = Duration::from_secs(8);

    async fn answers(count: u32, each: Duration) -> Result<u32, sqlx::Error> {
        for _ in 0..count {
            sleep(each).await;
        }
        Ok(count)
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_is_for_each_answer() {
        let mistrust = Mistrust::default();
        let slow = mistrust.unless_silent(LONGEST, answers(20, Duration::from_secs(7))).await;
        assert_eq!(slow.expect("every answer came in its time"), 20);
        assert!(mistrust.trusts(Duration::from_secs(3600)));
        let silent = mistrust.unless_silent(LONGEST, answers(1, Duration::from_secs(9))).await;
        assert!(is_silence(&silent.expect_err("no answer came")));
        assert!(!mistrust.trusts(Duration::from_secs(3600)) && mistrust.trusts(Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn neighbours_that_keep_the_task_awake_are_no_answer() {
        let mistrust = Mistrust::default();
        let silent = mistrust.unless_silent::<(), sqlx::Error>(LONGEST, std::future::pending());
        let noise = answers(1000, Duration::from_secs(1));
        tokio::select! {
            result = silent => assert!(is_silence(&result.expect_err("no answer came"))),
            _ = noise => panic!("the silence was not found beside a busy neighbour"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_hears_of_a_silence_that_was_found_since_and_of_no_other() {
        let mistrust = Mistrust::default();
        let before = tokio::time::Instant::now();
        let silent = mistrust.unless_silent::<(), sqlx::Error>(LONGEST, std::future::pending()).await;
        assert!(is_silence(&silent.expect_err("no answer came")));
        timeout(LONGEST, mistrust.silence_since(before)).await.expect("it was found since");
        sleep(Duration::from_secs(1)).await;
        let after = tokio::time::Instant::now();
        // Other troubles of a connection are no silence.
        mistrust.begin();
        timeout(LONGEST, mistrust.silence_since(after)).await.expect_err("none was found since");
        // It is awaited, too.
        let found = mistrust.unless_silent::<(), sqlx::Error>(LONGEST, std::future::pending());
        let _ = futures_util::future::join(found, mistrust.silence_since(after)).await;
        assert!(after.elapsed() >= 2 * LONGEST);
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_heard_when_it_is_woken_itself() {
        let mut work = Listening::to(Box::pin(answers(3, Duration::from_secs(7))));
        let began = tokio::time::Instant::now();
        assert!(timeout(Duration::from_secs(10), &mut work).await.is_err(), "two answers are missing");
        let heard_after = work.heard_at() - began;
        assert!((7..10).contains(&heard_after.as_secs()), "{heard_after:?}");
        assert_eq!(work.await.expect("they come"), 3);
    }
}
