//! A customer's tier: the one definition, by the share of the tenant's customers that are worth less.

use serde::{Deserialize, Serialize};

/// How much a customer is worth among the tenant's; a greater tier is worth more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Tier {
    /// Below the first bound.
    Standard,
    /// From the first bound.
    Silver,
    /// From the second bound.
    Gold,
    /// From the third bound.
    Platinum,
}

/// Where tiers begin when the tenant says nothing else: the upper half, fifth and twentieth of its customers.
pub const DEFAULT_BOUNDS: [f64; 3] = [0.5, 0.8, 0.95];

impl Tier {
    /// The tier of a customer who is worth more than this share of the others; `bounds` ascend.
    pub fn of(share: f64, bounds: [f64; 3]) -> Tier {
        let [silver, gold, platinum] = bounds;
        if share >= platinum {
            Tier::Platinum
        } else if share >= gold {
            Tier::Gold
        } else if share >= silver {
            Tier::Silver
        } else {
            Tier::Standard
        }
    }

    /// The tier's word.
    pub const fn name(self) -> &'static str {
        match self {
            Tier::Standard => "standard",
            Tier::Silver => "silver",
            Tier::Gold => "gold",
            Tier::Platinum => "platinum",
        }
    }
}
