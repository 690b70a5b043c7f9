//! Who a customer is, in one id and a few words: the dominant segments of the most telling axes together.
//!
//! A tuple over all axes is noise: most tuples have a handful of customers and another sample would not have them. So
//! two levels with a floor of support, and a customer whose tuple is too rare goes by its parent. The fine picture,
//! all memberships on all axes, is the vector that is stored beside the archetype; it is no id.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::axes::AxisModel;
use crate::features::Axis;
use crate::segmentation::AXES;
use crate::words::{Group, Ranks, name_all};

/// The axes of a signature: the first three make L1, all five L2.
pub const SIGNATURE: [Axis; 5] = [
    Axis::PurchaseFrequency,
    Axis::PurchaseValue,
    Axis::CustomerMaturity,
    Axis::PurchaseCadence,
    Axis::PriceSensitivity,
];
/// An archetype has at least this many customers,
const LEAST_CUSTOMERS: u64 = 50;
/// and one customer in so many.
const LEAST_SHARE: u64 = 500;
/// Stands in a signature for an axis that is not part of the level, or on which the customer is unknown.
const NONE: u8 = u8::MAX;

/// How much of the signature an archetype rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Level {
    /// Frequency, value, maturity, cadence and price sensitivity.
    L2,
    /// Frequency, value and maturity.
    L1,
    /// Frequency and value: the parent of an L1 that is too rare.
    Pair,
    /// Frequency: the parent of a pair that is too rare.
    Single,
}

impl Level {
    const ALL: [Level; 4] = [Level::L2, Level::L1, Level::Pair, Level::Single];

    /// How many axes of the signature it has.
    const fn axes(self) -> usize {
        match self {
            Level::L2 => 5,
            Level::L1 => 3,
            Level::Pair => 2,
            Level::Single => 1,
        }
    }
}

/// The id of an archetype: the same in every process for the same signature and version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArchetypeId(pub u128);

/// One archetype of a version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Archetype {
    /// Hash of version, level and signature.
    pub id: ArchetypeId,
    /// What it rests on.
    pub level: Level,
    /// Dominant segments on the axes of `SIGNATURE`; 255 where there is none.
    pub signature: [u8; 5],
    /// What the trade calls such customers: at most four words, unique within the version.
    pub name: String,
    /// One sentence with what is typical of them.
    #[serde(default)]
    pub description: String,
    /// Customers of this signature when the version was fitted.
    pub support: u64,
    /// Those of them that have no archetype of a finer level.
    pub customers: u64,
}

/// The archetypes of a version, ordered by level and signature.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Archetypes {
    /// All of them.
    pub list: Vec<Archetype>,
    /// Whether cadence or price sensitivity divide this shop's customers, so that there is an L2.
    has_l2: bool,
}

/// How many customers the archetypes cover.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Customers with an order.
    pub customers: u64,
    /// Archetypes that customers have, by level, the finest first.
    pub archetypes: [u64; 4],
    /// Share of the customers whose archetype is of the level.
    pub shares: [f64; 4],
    /// Share with an L1 archetype of enough support, whether or not a finer one is used.
    pub l1: f64,
    /// Share with any archetype after back-off.
    pub covered: f64,
}

impl Archetypes {
    /// The archetypes of customers with these dominant segments, by axis in the order of `axis_names`, and these
    /// numbers; customers without an order are to be left out.
    pub(crate) fn fit(
        version: u128,
        axes: &[AxisModel],
        dominants: &[[Option<u8>; AXES]],
        ranks: &Ranks,
    ) -> (Archetypes, Coverage) {
        let divides = |axis: Axis| axes[axis as usize].segments.len() > 1;
        let has_l2 = SIGNATURE[3..].iter().any(|&axis| divides(axis));
        let mut support: BTreeMap<(Level, [u8; 5]), u64> = BTreeMap::new();
        for dominant in dominants {
            for level in Level::ALL {
                if let Some(signature) = signature(dominant, level, has_l2) {
                    *support.entry((level, signature)).or_default() += 1;
                }
            }
        }
        let floor = LEAST_CUSTOMERS.max((dominants.len() as u64).div_ceil(LEAST_SHARE));
        support.retain(|_, count| *count >= floor);
        let list = support
            .into_iter()
            .map(|((level, signature), support)| Archetype {
                id: id(version, level, &signature),
                level,
                signature,
                name: String::new(),
                description: String::new(),
                support,
                customers: 0,
            })
            .collect();
        let mut archetypes = Archetypes { list, has_l2 };
        let coverage = archetypes.count(dominants);
        // A parent whose customers all have something finer is nobody's archetype; an L1 stays, because its L2s are
        // read as parts of it.
        archetypes.list.retain(|archetype| archetype.customers > 0 || archetype.level == Level::L1);
        archetypes.name(dominants, ranks);
        (archetypes, coverage)
    }

    /// Gives every archetype its name, from all customers of its signature.
    fn name(&mut self, dominants: &[[Option<u8>; AXES]], ranks: &Ranks) {
        let mut groups: Vec<Group> = self
            .list
            .iter()
            .map(|archetype| Group {
                level: archetype.level,
                parent: self.broader(archetype),
                members: Vec::with_capacity(archetype.support as usize),
            })
            .collect();
        for (customer, dominant) in (0..).zip(dominants) {
            for level in Level::ALL {
                if let Some(at) = self.at(dominant, level) {
                    groups[usize::from(at)].members.push(customer);
                }
            }
        }
        for (archetype, named) in self.list.iter_mut().zip(name_all(&groups, ranks)) {
            archetype.name = named.name;
            archetype.description = named.description;
        }
    }

    /// The place of the L1 that an L2 refines; none for the others.
    pub fn broader(&self, archetype: &Archetype) -> Option<usize> {
        if archetype.level != Level::L2 {
            return None;
        }
        self.list
            .iter()
            .position(|other| other.level == Level::L1 && other.signature[..3] == archetype.signature[..3])
    }

    /// The place in `list` of the finest archetype that fits, if any does.
    pub fn find(&self, dominant: &[Option<u8>; AXES]) -> Option<u16> {
        Level::ALL.into_iter().find_map(|level| self.at(dominant, level))
    }

    /// Every archetype that fits, the finest first.
    pub fn all_of(&self, dominant: &[Option<u8>; AXES]) -> Vec<u16> {
        Level::ALL.into_iter().filter_map(|level| self.at(dominant, level)).collect()
    }

    fn at(&self, dominant: &[Option<u8>; AXES], level: Level) -> Option<u16> {
        let signature = signature(dominant, level, self.has_l2)?;
        let found = self
            .list
            .binary_search_by_key(&(level, signature), |archetype| (archetype.level, archetype.signature));
        found.ok().and_then(|index| u16::try_from(index).ok())
    }

    /// Counts every archetype's customers, and how many have which level.
    fn count(&mut self, dominants: &[[Option<u8>; AXES]]) -> Coverage {
        let mut by_level = [0_u64; 4];
        let mut l1 = 0_u64;
        for dominant in dominants {
            l1 += u64::from(self.at(dominant, Level::L1).is_some());
            if let Some(index) = self.find(dominant) {
                let archetype = &mut self.list[usize::from(index)];
                archetype.customers += 1;
                by_level[archetype.level as usize] += 1;
            }
        }
        let all = dominants.len().max(1) as f64;
        let mut archetypes = [0; 4];
        for archetype in self.list.iter().filter(|archetype| archetype.customers > 0) {
            archetypes[archetype.level as usize] += 1;
        }
        Coverage {
            customers: dominants.len() as u64,
            archetypes,
            shares: by_level.map(|count| count as f64 / all),
            l1: l1 as f64 / all,
            covered: by_level.iter().sum::<u64>() as f64 / all,
        }
    }
}

/// The signature of a level; `None` when the customer is unknown on what the level adds.
fn signature(dominant: &[Option<u8>; AXES], level: Level, has_l2: bool) -> Option<[u8; 5]> {
    let mut signature = [NONE; 5];
    for (slot, axis) in signature.iter_mut().zip(&SIGNATURE[..level.axes()]) {
        *slot = dominant[*axis as usize].unwrap_or(NONE);
    }
    let added = match level {
        Level::L2 if !has_l2 => return None,
        Level::L2 => &signature[3..],
        Level::L1 => &signature[2..3],
        Level::Pair => &signature[1..2],
        Level::Single => &signature[..1],
    };
    added.iter().any(|&segment| segment != NONE).then_some(signature)
}

/// 128 bits of XXH3 over version, level and signature: with a few hundred archetypes a version a collision is out of
/// the question, and nothing depends on the process.
fn id(version: u128, level: Level, signature: &[u8; 5]) -> ArchetypeId {
    let mut bytes = [0_u8; 22];
    bytes[..16].copy_from_slice(&version.to_be_bytes());
    bytes[16] = level as u8;
    bytes[17..].copy_from_slice(signature);
    ArchetypeId(xxh3_128(&bytes))
}

impl std::fmt::Display for ArchetypeId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

impl Serialize for ArchetypeId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ArchetypeId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<ArchetypeId, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map(ArchetypeId).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::COUNT;
    use crate::matrix::Matrix;

    #[test]
    fn ids_are_the_same_in_every_process() {
        assert_eq!(id(1, Level::L1, &[0, 1, 2, NONE, NONE]).to_string(), "3213be595512c36d6eac39c28343967b");
        assert_ne!(id(1, Level::L1, &[0, 1, 2, NONE, NONE]), id(2, Level::L1, &[0, 1, 2, NONE, NONE]));
        assert_ne!(id(1, Level::L2, &[0, 1, 2, NONE, NONE]), id(1, Level::L1, &[0, 1, 2, NONE, NONE]));
    }

    #[test]
    fn what_is_too_rare_goes_by_its_parent() {
        let mut axes = vec![AxisModel::of_segments(0); AXES];
        for axis in &SIGNATURE[..3] {
            axes[*axis as usize] = AxisModel::of_segments(2);
        }
        let customer = |frequency, value, maturity| {
            let mut dominant = [None; AXES];
            dominant[Axis::PurchaseFrequency as usize] = Some(frequency);
            dominant[Axis::PurchaseValue as usize] = Some(value);
            dominant[Axis::CustomerMaturity as usize] = Some(maturity);
            dominant
        };
        let shop: Vec<_> = [
            (60, customer(0, 0, 0)),
            (49, customer(0, 0, 1)),
            (70, customer(1, 1, 1)),
            (3, customer(0, 1, 1)),
        ]
        .into_iter()
        .flat_map(|(count, dominant)| vec![dominant; count])
        .collect();
        let rows: Vec<usize> = (0..shop.len()).collect();
        let ranks = Ranks::of(&Matrix::missing(shop.len(), COUNT), &rows);
        let (archetypes, coverage) = Archetypes::fit(1, &axes, &shop, &ranks);
        let level = |dominant| archetypes.find(&dominant).map(|at| archetypes.list[usize::from(at)].level);
        assert_eq!(level(customer(0, 0, 0)), Some(Level::L1));
        assert_eq!(level(customer(0, 0, 1)), Some(Level::Pair));
        assert_eq!(level(customer(1, 1, 1)), Some(Level::L1));
        assert_eq!(level(customer(0, 1, 1)), Some(Level::Single));
        assert_eq!(level([None; AXES]), None);
        assert_eq!(coverage.archetypes, [0, 2, 1, 1]);
        assert!((coverage.l1 - 130.0 / 182.0).abs() < 1e-12 && coverage.covered == 1.0);
    }
}
