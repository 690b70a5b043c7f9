//! Finding connections that are dead without a word. A host, a balancer or a primary that stops answering sends
//! no RST, and sqlx opens sockets without keepalive, so a statement on such a connection waits for ever. Here every
//! answer has a time of its own; the first that does not come in it makes all older connections of the pool
//! suspect, because whatever happened to one has happened to its neighbours.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Poll, Wake, Waker},
    time::{Duration, Instant},
};

use futures_util::task::AtomicWaker;
use sqlx::{Connection, PgConnection};
use tokio::time::sleep;

/// Since when the connections of a pool that were made before are not trusted; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Mistrust {
    since: Arc<Mutex<Option<Instant>>>,
}

/// How long a connection that is given back may take to answer, after the rollback of what was left open in it.
const RELEASE_WITHIN: Duration = Duration::from_secs(5);

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
                Err(sqlx::Error::Io(silent(longest)).into())
            }
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

/// The output of `work`; none when nothing woke it for `longest`. Whatever else wakes the task does not count,
/// hence a waker of its own.
async fn until_silent<F: Future + Unpin>(longest: Duration, mut work: F) -> Option<F::Output> {
    let heard = Arc::new(Heard { news: AtomicBool::new(true), task: AtomicWaker::new() });
    let waker = Waker::from(heard.clone());
    let mut silence = pin!(sleep(longest));
    poll_fn(move |cx| {
        heard.task.register(cx.waker());
        if heard.news.swap(false, Ordering::AcqRel) {
            if let Poll::Ready(output) = pin!(&mut work).poll(&mut std::task::Context::from_waker(&waker)) {
                return Poll::Ready(Some(output));
            }
            silence.as_mut().reset(tokio::time::Instant::now() + longest);
        }
        silence.as_mut().poll(cx).map(|()| None)
    })
    .await
}

/// Notes that the work itself was woken: its socket has something to read, or room to write.
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
}
