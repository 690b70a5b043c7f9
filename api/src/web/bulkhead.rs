//! Places for reads that scan: whatever may hold a connection for seconds has to take one of a few first.
//!
//! All requests of a process share one pool. Without this, a handful of previews over a million customers would hold
//! every connection, and a webhook, which needs one for milliseconds, would be told to come back later.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::web::problem::Problem;

/// How long a request waits for a place. It holds nothing meanwhile, and the caller still waits for the scan itself.
const PATIENCE: Duration = Duration::from_secs(2);

/// The places of one process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bulkhead {
    places: Arc<Semaphore>,
    at_once: usize,
    patience: Duration,
}

/// A place, given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Bulkhead {
    /// So many places.
    pub fn new(at_once: usize) -> Bulkhead {
        Bulkhead { places: Arc::new(Semaphore::new(at_once)), at_once, patience: PATIENCE }
    }

    /// The same places, for a caller who waits for one that long.
    #[must_use]
    pub fn with_patience(&self, patience: Duration) -> Bulkhead {
        Bulkhead { patience, ..self.clone() }
    }

    /// Takes a place, for which it waits a moment.
    ///
    /// # Errors
    /// 503 with the time after which to try again: all places are taken.
    pub async fn enter(&self) -> Result<Place, Problem> {
        match tokio::time::timeout(self.patience, self.places.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Place { _permit: permit }),
            Ok(Err(_)) | Err(_) => {
                metrics::counter!("deskwork_scans_refused_total").increment(1);
                Err(Problem::scans_are_busy(self.at_once))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[tokio::test]
    async fn a_place_comes_free_when_its_holder_is_done() {
        let bulkhead = Bulkhead::new(1).with_patience(Duration::ZERO);
        let place = bulkhead.enter().await.expect("the first place");
        let refused = bulkhead.enter().await.expect_err("there is one place");
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(refused.retry_after_secs.is_some() && refused.detail.contains("scan"), "{refused:?}");
        drop(place);
        assert!(bulkhead.enter().await.is_ok());
    }
}
