//! All memberships of a customer on all axes, in as few bytes as the database should hold for a million of them.

use serde::{Deserialize, Serialize};

use crate::axes::MAX_SEGMENTS;
use crate::features::Axis;
use crate::features::support::SupportAxis;

/// How many axes there are of purchases.
pub const PURCHASE_AXES: usize = Axis::ALL.len();
/// How many axes a vector has: those of purchases, then those of tickets.
pub const AXES: usize = PURCHASE_AXES + SupportAxis::ALL.len();

/// The names of all axes in the order of a vector.
pub fn axis_names() -> impl Iterator<Item = &'static str> {
    Axis::ALL.iter().map(|axis| axis.name()).chain(SupportAxis::ALL.iter().map(|axis| axis.name()))
}

/// Memberships by axis (in the order of `axis_names`) and segment, in 255ths that add up to 255 on every axis on which
/// the customer is known and are all 0 on the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Vector(pub [[u8; MAX_SEGMENTS]; AXES]);

impl Vector {
    /// The memberships on an axis, adding up to 1; `None` when the customer is unknown there.
    pub fn axis(&self, axis: Axis) -> Option<[f32; MAX_SEGMENTS]> {
        let shares = self.0[axis as usize];
        shares.iter().any(|&share| share > 0).then(|| shares.map(|share| f32::from(share) / 255.0))
    }
}
