//! Which archetype of a new version stands for one of the old: the one in which at least half of the old one's customers
//! are, and of whose customers at least half were in the old one. What people attached to the old one may go over to it.

use std::collections::BTreeMap;

use crate::archetypes::Archetypes;
use crate::segmentation::Assignment;

/// By place in the old list the place in the new one, from the same customers under both versions. No two have the same
/// heir: the larger one has it.
pub fn heirs(
    old: &Archetypes,
    before: &[Assignment],
    new: &Archetypes,
    after: &[Assignment],
) -> BTreeMap<u16, u16> {
    let (mut sizes, mut grown) = (BTreeMap::<u16, u32>::new(), BTreeMap::<u16, u32>::new());
    let mut common = BTreeMap::<(u16, u16), u32>::new();
    for (one, other) in before.iter().zip(after) {
        let (one, other) = (old.all_of(&one.dominant), new.all_of(&other.dominant));
        for &from in &one {
            *sizes.entry(from).or_default() += 1;
            for &to in &other {
                *common.entry((from, to)).or_default() += 1;
            }
        }
        for to in other {
            *grown.entry(to).or_default() += 1;
        }
    }
    let mut pairs: Vec<((u16, u16), u32)> = common
        .into_iter()
        .filter(|((from, to), count)| count * 2 >= sizes[from] && count * 2 >= grown[to])
        .collect();
    let level = |archetypes: &Archetypes, at: u16| archetypes.list[usize::from(at)].level;
    // The most alike first: the largest common part, then the same level.
    pairs.sort_by_key(|&((from, to), count)| {
        let all = sizes[&from] + grown[&to] - count;
        (u64::from(all) * 1_000_000 / u64::from(count.max(1)), level(old, from) != level(new, to), from, to)
    });
    let mut found = BTreeMap::new();
    for ((from, to), _) in pairs {
        if !found.contains_key(&from) && !found.values().any(|heir| *heir == to) {
            found.insert(from, to);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archetypes::SIGNATURE;
    use crate::axes::AxisModel;
    use crate::cold_start::Confidence;
    use crate::features::COUNT;
    use crate::matrix::Matrix;
    use crate::segmentation::{AXES, Vector};
    use crate::words::Ranks;

    /// Customers by their segment of frequency, under a version of their own.
    fn version(number: u128, segments: &[u8]) -> (Archetypes, Vec<Assignment>) {
        let mut axes = vec![AxisModel::of_segments(0); AXES];
        axes[SIGNATURE[0] as usize] = AxisModel::of_segments(4);
        let dominants: Vec<[Option<u8>; AXES]> = segments
            .iter()
            .map(|&segment| {
                let mut dominant = [None; AXES];
                dominant[SIGNATURE[0] as usize] = Some(segment);
                dominant
            })
            .collect();
        let rows: Vec<usize> = (0..segments.len()).collect();
        let ranks = Ranks::of(&Matrix::missing(segments.len(), COUNT), &rows);
        let (archetypes, _) = Archetypes::fit(number, &axes, &dominants, &ranks);
        let assigned = dominants.into_iter().map(|dominant| Assignment {
            vector: Vector::default(),
            dominant,
            strength: [None; AXES],
            archetype: archetypes.find(&dominant),
            rule: None,
            confidence: Confidence::High,
        });
        let assigned = assigned.collect();
        (archetypes, assigned)
    }

    #[test]
    fn who_stays_together_has_an_heir() {
        let parts = |parts: &[(usize, u8)]| -> Vec<u8> {
            parts.iter().flat_map(|&(count, segment)| vec![segment; count]).collect()
        };
        // 100 become 90 and 10, who join 160 others; 200 fall apart into three.
        let (old, before) = version(1, &parts(&[(100, 0), (160, 1), (200, 2)]));
        let (new, after) = version(2, &parts(&[(90, 3), (10, 0), (160, 0), (70, 1), (70, 2), (60, 0)]));
        let found = heirs(&old, &before, &new, &after);
        let segment = |archetypes: &Archetypes, at: u16| archetypes.list[usize::from(at)].signature[0];
        let pairs: Vec<(u8, u8)> =
            found.into_iter().map(|(from, to)| (segment(&old, from), segment(&new, to))).collect();
        assert_eq!(pairs, [(0, 3), (1, 0)]);
        let (same, again) = version(1, &parts(&[(100, 0), (160, 1), (200, 2)]));
        assert_eq!(heirs(&old, &before, &same, &again), BTreeMap::from([(0, 0), (1, 1), (2, 2)]));
    }
}
