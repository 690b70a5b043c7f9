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
