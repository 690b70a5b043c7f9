//! Answers kept in memory under the version of the data that they were computed from. Whoever asks while one is being
//! computed waits for that one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Kept answers by key. Clones of an answer should be cheap.
#[derive(Debug)]
pub struct Memo<T> {
    slots: Mutex<HashMap<String, Slot<T>>>,
    capacity: usize,
    settle: Duration,
}

type Slot<T> = Arc<tokio::sync::Mutex<Option<Kept<T>>>>;

#[derive(Debug)]
struct Kept<T> {
    version: String,
    since: Instant,
    answer: T,
}

impl<T: Clone> Memo<T> {
    /// At most `capacity` answers; beyond that the memory starts anew. Where data change all the time, an answer is
    /// computed anew only once it is as old as `settle`.
    pub fn new(capacity: usize, settle: Duration) -> Memo<T> {
        Memo { slots: Mutex::default(), capacity, settle }
    }

    /// The answer under this key if it was computed from this version of the data (or a moment ago), else a new one.
    /// A failure is not kept.
    ///
    /// # Errors
    /// The computation failed.
    pub async fn get<E>(
        &self,
        key: String,
        version: &str,
        compute: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let slot = self.slot(key);
        let mut kept = slot.lock().await;
        if let Some(kept) = kept.as_ref()
            && (kept.version == version || kept.since.elapsed() < self.settle)
        {
            return Ok(kept.answer.clone());
        }
        let answer = compute.await?;
        *kept = Some(Kept { version: version.to_owned(), since: Instant::now(), answer: answer.clone() });
        Ok(answer)
    }

    /// Keeps an answer that was computed elsewhere.
    pub async fn put(&self, key: String, version: String, answer: T) {
        *self.slot(key).lock().await = Some(Kept { version, since: Instant::now(), answer });
    }

    fn slot(&self, key: String) -> Slot<T> {
        let mut slots = self.slots.lock().expect("no holder of this lock panics");
        if slots.len() >= self.capacity && !slots.contains_key(&key) {
            slots.clear();
        }
        slots.entry(key).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    async fn next(count: &AtomicU32) -> Result<u32, ()> {
        tokio::task::yield_now().await;
        Ok(count.fetch_add(1, Ordering::Relaxed))
    }

    #[tokio::test]
    async fn an_answer_lasts_as_long_as_its_version() {
        let (memo, count) = (Memo::new(2, Duration::ZERO), AtomicU32::new(0));
        let ask = async |key: &str, version| memo.get(key.to_owned(), version, next(&count)).await;
        assert_eq!(ask("a", "1").await, Ok(0));
        assert_eq!(ask("a", "1").await, Ok(0));
        assert_eq!(ask("a", "2").await, Ok(1));
        assert_eq!(ask("b", "2").await, Ok(2));
        // The third key makes the memory start anew.
        assert_eq!(ask("c", "2").await, Ok(3));
        assert_eq!(ask("a", "2").await, Ok(4));
    }

    #[tokio::test]
    async fn many_who_ask_at_once_cost_one_computation() {
        let (memo, count) = (Memo::new(2, Duration::ZERO), AtomicU32::new(0));
        let all =
            futures_util::future::join_all((0..50).map(|_| memo.get("a".to_owned(), "1", next(&count))))
                .await;
        assert!(all.iter().all(|answer| *answer == Ok(0)));
    }

    #[tokio::test]
    async fn a_failure_is_not_kept_and_an_answer_settles() {
        let (memo, count) = (Memo::new(2, Duration::from_secs(3600)), AtomicU32::new(0));
        assert_eq!(memo.get("a".to_owned(), "1", async { Err::<u32, ()>(()) }).await, Err(()));
        assert_eq!(memo.get("a".to_owned(), "1", next(&count)).await, Ok(0));
        assert_eq!(memo.get("a".to_owned(), "2", next(&count)).await, Ok(0));
    }
}
