//! Places for connections: so many at once, and of those a share for each address, so that one client cannot hold all of them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places.
pub(super) struct Places {
    all: Arc<Semaphore>,
    taken: Arc<Taken>,
}

struct Taken {
    by_address: Mutex<HashMap<IpAddr, usize>>,
    most: usize,
}

/// A place of nobody yet.
pub(super) struct Place {
    permit: OwnedSemaphorePermit,
    taken: Arc<Taken>,
}

/// A place of an address, until it is dropped.
pub(super) struct Held {
    _permit: OwnedSemaphorePermit,
    taken: Arc<Taken>,
    address: IpAddr,
}

impl Places {
    /// `of_one` of them are an address's share.
    pub(super) fn new(all: usize, of_one: usize) -> Places {
        let taken = Taken { by_address: Mutex::default(), most: of_one };
        Places { all: Arc::new(Semaphore::new(all)), taken: Arc::new(taken) }
    }

    /// Waits for a place.
    pub(super) async fn any(&self) -> Place {
        let permit = Arc::clone(&self.all).acquire_owned().await.expect("it is never closed");
        Place { permit, taken: Arc::clone(&self.taken) }
    }
}

impl Place {
    /// Gives it to an address; none when that has its share.
    pub(super) fn of(self, address: IpAddr) -> Option<Held> {
        // One client is the same by both families.
        let address = address.to_canonical();
        let mut by_address = self.taken.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let count = by_address.entry(address).or_default();
        if *count >= self.taken.most {
            return None;
        }
        *count += 1;
        drop(by_address);
        Some(Held { _permit: self.permit, taken: self.taken, address })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut by_address = self.taken.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_has_its_share_and_others_theirs() {
        let places = Places::new(4, 2);
        let [one, other]: [IpAddr; 2] =
            ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().expect("an address"));
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().expect("an address");
        let first = places.any().await.of(one);
        assert!(first.is_some());
        let second = places.any().await.of(mapped);
        assert!(second.is_some() && places.any().await.of(one).is_none());
        let third = places.any().await.of(other);
        assert!(third.is_some());
        drop(first);
        assert!(places.any().await.of(mapped).is_some());
        drop((second, third));
        assert!(
            places.taken.by_address.lock().expect("not poisoned").is_empty(),
            "nothing is kept of who is gone"
        );
    }
}
