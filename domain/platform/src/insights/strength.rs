//! A customer's place on an axis as it is stored: the segment, and how clearly the customer belongs to it.

/// How clearly a customer belongs to the segment that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// Neither of the others.
    Weak,
    /// Two segments share the customer.
    Balanced,
    /// One segment has it nearly alone.
    Strong,
}

impl Strength {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Strength::Weak => "weak",
            Strength::Balanced => "balanced",
            Strength::Strong => "strong",
        }
    }
}

/// Segment and strength out of an axis column, which holds segment x 4 + strength; none when it holds neither.
pub fn dominant(code: i16) -> Option<(usize, Strength)> {
    let strength = match code & 3 {
        0 => Strength::Weak,
        1 => Strength::Balanced,
        2 => Strength::Strong,
        _ => return None,
    };
    Some((usize::try_from(code >> 2).ok()?, strength))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_hold_segment_and_strength() {
        assert_eq!(dominant(0), Some((0, Strength::Weak)));
        assert_eq!(dominant(5), Some((1, Strength::Balanced)));
        assert_eq!(dominant(30), Some((7, Strength::Strong)));
        assert_eq!(dominant(3), None);
        assert_eq!(dominant(-4), None);
    }
}
