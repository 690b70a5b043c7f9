//! Values that several jobs want at the same time: made once, and kept only as long as one of them uses it.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Values in use, by key.
pub struct Shared<K, V> {
    places: Mutex<Vec<(K, Place<V>)>>,
}

/// Held while the value is made, so that whoever else wants it waits for it.
type Place<V> = Arc<tokio::sync::Mutex<Weak<V>>>;

impl<K, V> Default for Shared<K, V> {
    fn default() -> Shared<K, V> {
        Shared { places: Mutex::default() }
    }
}

impl<K: PartialEq, V> Shared<K, V> {
    /// The value that somebody uses at the moment, or a new one. It is as old as the job that had it made.
    ///
    /// # Errors
    /// What `make` says; `Ok(None)` where it was made to stop.
    pub async fn get<E, F: Future<Output = Result<Option<V>, E>>>(
        &self,
        key: K,
        make: impl FnOnce() -> F,
    ) -> Result<Option<Arc<V>>, E> {
        let place = self.place(key);
        let mut kept = place.lock().await;
        if let Some(value) = kept.upgrade() {
            return Ok(Some(value));
        }
        let Some(value) = make().await?.map(Arc::new) else { return Ok(None) };
        *kept = Arc::downgrade(&value);
        Ok(Some(value))
    }

    fn place(&self, key: K) -> Place<V> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        // One that nobody makes, waits for or uses is forgotten.
        places.retain(|(_, place)| {
            Arc::strong_count(place) > 1 || place.try_lock().is_ok_and(|value| value.strong_count() > 0)
        });
        if let Some((_, place)) = places.iter().find(|(known, _)| *known == key) {
            return place.clone();
        }
        let place = Place::default();
        places.push((key, place.clone()));
        place
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use super::*;

    #[tokio::test]
    async fn made_once_while_used_and_again_afterwards() {
        let shared: Shared<u8, String> = Shared::default();
        let made = AtomicU32::new(0);
        let make = || async {
            made.fetch_add(1, Relaxed);
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(Some("value".to_owned()))
        };
        let (left, right) = tokio::join!(shared.get(1, make), shared.get(1, make));
        let (left, right) = (left.expect("no error"), right.expect("no error"));
        assert!(left.is_some() && left == right);
        assert_eq!(made.load(Relaxed), 1);
        drop((left, right));
        assert!(shared.get(1, make).await.expect("no error").is_some());
        assert_eq!(made.load(Relaxed), 2);
        assert_eq!(shared.places.lock().expect("no panic").len(), 1);
    }

    #[tokio::test]
    async fn who_waited_for_one_that_stopped_makes_it() {
        let shared: Shared<u8, u8> = Shared::default();
        let stopped = || async {
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(None)
        };
        let made = || async { Ok::<_, Infallible>(Some(7)) };
        let (first, second) = tokio::join!(shared.get(1, stopped), shared.get(1, made));
        assert_eq!(first, Ok::<_, Infallible>(None));
        assert_eq!(second.expect("no error").as_deref(), Some(&7));
    }
}
