//! A bucket of points, as Shopify keeps one for each app and shop: a query needs what it may cost, and gets back what it did not.

use std::time::Instant;

/// How many points there are.
pub(super) struct Bucket {
    available: f64,
    maximum: f64,
    per_second: f64,
    at: Instant,
}

impl Bucket {
    pub(super) fn new(per_second: f64) -> Bucket {
        let maximum = per_second * 20.0;
        Bucket { available: maximum, maximum, per_second, at: Instant::now() }
    }

    /// Takes what a query costs, if what it may cost is there.
    pub(super) fn take(&mut self, requested: f64, actual: f64) -> bool {
        let now = Instant::now();
        let came = now.duration_since(self.at).as_secs_f64() * self.per_second;
        self.available = (self.available + came).min(self.maximum);
        self.at = now;
        let is_enough = requested <= self.available;
        if is_enough {
            self.available -= actual;
        }
        is_enough
    }

    pub(super) fn status(&self) -> serde_json::Value {
        serde_json::json!({
            "maximumAvailable": self.maximum, "currentlyAvailable": self.available.floor(), "restoreRate": self.per_second,
        })
    }
}
