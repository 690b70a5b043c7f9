//! Which segments name which: a rule may ask whether a customer is in another segment.

use std::collections::{BTreeMap, BTreeSet};

use database::ids::{SegmentId, TenantId};
use database::{DbError, Tx};

/// A segment and those that its rule names.
pub type Referring = (SegmentId, Vec<SegmentId>);

/// The segments that are not archived, in levels: those of a level refer to earlier levels only (marketing role).
pub async fn levels(tx: &mut Tx, tenant: TenantId) -> Result<Vec<Vec<Referring>>, DbError> {
    let ids: Vec<SegmentId> = sqlx::query_scalar(
        "select id from marketing_app.segment where tenant_id = $1 and archived_at is null order by id",
    )
    .bind(tenant)
    .fetch_all(&mut **tx)
    .await?;
    let edges = edges(tx, tenant).await?;
    let mut left: BTreeSet<SegmentId> = ids.into_iter().collect();
    let mut levels = Vec::new();
    while !left.is_empty() {
        let waits = |id: &SegmentId| edges.get(id).is_some_and(|to| to.iter().any(|to| left.contains(to)));
        let ready: Vec<SegmentId> = left.iter().filter(|id| !waits(id)).copied().collect();
        // Circles are refused when a rule is stored; one that came about in another way must not hang this.
        let level = if ready.is_empty() { left.iter().copied().collect() } else { ready };
        level.iter().for_each(|id| {
            left.remove(id);
        });
        let to = |id: &SegmentId| edges.get(id).into_iter().flatten().copied().collect();
        levels.push(level.iter().map(|id| (*id, to(id))).collect());
    }
    Ok(levels)
}

/// Stores what a segment names (marketing role).
pub(super) async fn write_references(
    tx: &mut Tx,
    tenant: TenantId,
    id: SegmentId,
    to: &BTreeSet<SegmentId>,
) -> Result<(), DbError> {
    sqlx::query(
        "insert into marketing_app.segment_reference (tenant_id, segment_id, refers_to) select $1, $2, unnest($3::uuid[])",
    )
    .bind(tenant)
    .bind(id)
    .bind(to.iter().copied().collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What each segment names (marketing role).
pub(super) async fn edges(
    tx: &mut Tx,
    tenant: TenantId,
) -> Result<BTreeMap<SegmentId, BTreeSet<SegmentId>>, DbError> {
    let rows: Vec<(SegmentId, SegmentId)> = sqlx::query_as(
        "select segment_id, refers_to from marketing_app.segment_reference where tenant_id = $1",
    )
    .bind(tenant)
    .fetch_all(&mut **tx)
    .await?;
    let mut edges: BTreeMap<SegmentId, BTreeSet<SegmentId>> = BTreeMap::new();
    for (from, to) in rows {
        edges.entry(from).or_default().insert(to);
    }
    Ok(edges)
}

/// A way from a segment back to itself, with it at both ends.
pub(super) fn circle(
    edges: &BTreeMap<SegmentId, BTreeSet<SegmentId>>,
    start: SegmentId,
) -> Option<Vec<SegmentId>> {
    let mut seen = BTreeSet::new();
    let mut ways = vec![vec![start]];
    while let Some(way) = ways.pop() {
        let next = way.last().and_then(|last| edges.get(last)).into_iter().flatten();
        for to in next {
            let onwards = || way.iter().copied().chain([*to]).collect::<Vec<_>>();
            if *to == start {
                return Some(onwards());
            }
            if seen.insert(*to) {
                ways.push(onwards());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_found_with_its_way_and_a_diamond_is_none() {
        let [a, b, c, d] = [0; 4].map(|_| SegmentId::new());
        let to = |ids: &[SegmentId]| ids.iter().copied().collect::<BTreeSet<_>>();
        let mut edges = BTreeMap::from([(a, to(&[b, c])), (b, to(&[d])), (c, to(&[d]))]);
        assert_eq!(circle(&edges, a), None);
        edges.insert(d, to(&[a]));
        let way = circle(&edges, a).expect("a circle");
        assert_eq!((way.first(), way.last(), way.len()), (Some(&a), Some(&a), 4));
        assert_eq!(circle(&BTreeMap::from([(a, to(&[a]))]), a), Some(vec![a, a]));
    }
}
