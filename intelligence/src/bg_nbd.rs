//! The BG/NBD model of repeat purchases (Fader, Hardie and Lee, "Counting Your Customers the Easy Way", Marketing
//! Science 24(2), 2005): customers buy at a steady rate until, after some purchase, they leave for good.

use serde::{Deserialize, Serialize};

/// The model's four parameters; times are in days.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BgNbd {
    /// Shape of the purchase rate's gamma distribution.
    pub r: f64,
    /// Its scale, in days.
    pub alpha: f64,
    /// First parameter of the drop-out probability's beta distribution.
    pub a: f64,
    /// Second parameter.
    pub b: f64,
}

impl BgNbd {
    /// The probability that a customer is still there: `repeats` repeat purchase days, the last of them `last` days
    /// after the first, observed for `tenure` days (equation for P(alive), Fader, Hardie and Lee 2008).
    pub fn alive(&self, repeats: f64, last: f64, tenure: f64) -> f64 {
        if repeats <= 0.0 {
            return 1.0;
        }
        let odds = (self.a / (self.b + repeats - 1.0)).ln()
            + (self.r + repeats) * ((self.alpha + tenure) / (self.alpha + last)).ln();
        1.0 / (1.0 + odds.exp())
    }
}
