//! Whether anybody still waits for what a thread computes. Training takes minutes, and a thread cannot be ended from
//! outside: who starts the work gives it a flag, and the long steps look at it between two rounds.

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

thread_local! {
    static ASKED: RefCell<Option<Arc<AtomicBool>>> = const { RefCell::new(None) };
}

/// Does `work` on this thread; it ends early once the flag is set.
pub fn when_set<T>(flag: Arc<AtomicBool>, work: impl FnOnce() -> T) -> T {
    let before = ASKED.replace(Some(flag));
    let _restored = Restored(before);
    work()
}

/// Puts back what was there before, also after a panic.
struct Restored(Option<Arc<AtomicBool>>);

impl Drop for Restored {
    fn drop(&mut self) {
        ASKED.set(self.0.take());
    }
}

/// Whether this thread's work was asked to stop.
pub(crate) fn is_asked() -> bool {
    ASKED.with_borrow(|flag| flag.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_hears_its_own_flag_and_only_while_it_lasts() {
        let flag = Arc::new(AtomicBool::new(false));
        when_set(flag.clone(), || {
            assert!(!is_asked());
            flag.store(true, Ordering::Relaxed);
            assert!(is_asked());
            when_set(Arc::default(), || assert!(!is_asked(), "another's flag"));
            assert!(is_asked());
        });
        assert!(!is_asked());
    }
}
