//! A batch of what was read: stored in two lanes at once, each a transaction with its part of the checkpoint; then the
//! place where reading goes on is moved.

use std::collections::BTreeMap;

use database::{Db, DbError, Role, Tx};
use sqlx::types::Json;

use super::{Import, ImportError};
use crate::orders::{
    joined::{Evidence, Joined},
    progress::{self, Progress},
    seen::{Fresh, Seen},
    state::{self, Source, Told},
    statement::{Found, Note, Place, Statement},
};

/// Rows of an order that stand together.
struct Block {
    statement: Statement,
    /// The first of them.
    line: u64,
    is_headed: bool,
}

impl Block {
    fn told(&self) -> Told<'_> {
        Told { statement: &self.statement, line: self.line, is_headed: self.is_headed }
    }
}

/// What was read and is not committed.
#[derive(Default)]
pub(super) struct Batch {
    orders: Vec<Block>,
    notes: Vec<(Note, u32)>,
    pub(super) rows: u64,
    rejected: u64,
    /// Where reading goes on after it, and whether something came after that place.
    after: Option<Place>,
    is_open: bool,
}

impl Batch {
    pub(super) fn add(&mut self, found: Found) {
        let after = match found {
            Found::Order { statement, line, rows, is_headed, after, .. } => {
                self.rows += u64::from(rows);
                self.orders.push(Block { statement, line, is_headed });
                Some(after)
            }
            Found::Note { note, rows, after } => {
                self.rows += u64::from(rows);
                self.rejected += u64::from(rows);
                self.notes.push((note, rows));
                after
            }
        };
        self.is_open = after.is_none();
        self.after = after.or(self.after);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.orders.is_empty() && self.notes.is_empty()
    }

    /// Whether a checkpoint may stand after it.
    pub(super) fn is_complete(&self) -> bool {
        !self.is_open
    }
}

/// Stores a batch, which is not empty, and moves the checkpoint.
pub(super) async fn commit(
    db: &Db,
    import: &Import,
    source: &Source,
    batch: &Batch,
    progress: &mut Progress,
    seen: &mut Seen,
) -> Result<(), ImportError> {
    let last_line = batch.orders.last().map_or(0, |block| block.line);
    let blocks: Vec<Told<'_>> = batch.orders.iter().map(Block::told).collect();
    let joined = Joined::of(&blocks, Evidence::of(progress, batch.notes.iter().map(|(note, _)| note)));
    let told = (&blocks[..], &joined);
    // Each to its end, whatever becomes of the other: what it commits is known, and no connection is left in between.
    let (first, second) = tokio::join!(
        store_lane(db, import, source, told, 0, progress, seen),
        store_lane(db, import, source, told, 1, progress, seen),
    );
    let mut failed = None;
    for (lane, stored) in [first, second].into_iter().enumerate() {
        match stored {
            Ok(stored) => {
                progress.lanes[lane] = progress.lanes[lane].max(last_line);
                progress.add(stored.counts);
                seen.absorb(&stored.fresh);
                absorb(progress, stored.told);
            }
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    move_checkpoint(db, import, batch, progress).await
}

#[derive(Default)]
struct LaneStored {
    counts: state::Counts,
    told: progress::Told,
    fresh: Fresh,
}

/// Stores the orders of a lane's customers. Two lanes that want the same row in turn are a conflict, and the one that is
/// asked to try again does so.
async fn store_lane(
    db: &Db,
    import: &Import,
    source: &Source,
    (blocks, joined): (&[Told<'_>], &Joined),
    lane: usize,
    progress: &Progress,
    seen: &Seen,
) -> Result<LaneStored, ImportError> {
    const TRIES: u32 = 5;
    let last_line = blocks.last().map_or(0, |block| block.line);
    // An earlier try has committed it and did not live to move the checkpoint.
    if progress.lanes[lane] >= last_line {
        return Ok(LaneStored::default());
    }
    let told: Vec<Told<'_>> = blocks
        .iter()
        .filter(|block| block.line > progress.lanes[lane] && state::lane_of(block.statement) == lane)
        .copied()
        .collect();
    let mut tries = 0;
    loop {
        tries += 1;
        match try_lane(db, import, source, &told, (lane, last_line), progress, (joined, seen)).await {
            Err(ImportError::Db(DbError::Conflict(_) | DbError::Constraint { .. })) if tries < TRIES => {}
            stored => return stored,
        }
    }
}

async fn try_lane(
    db: &Db,
    import: &Import,
    source: &Source,
    told: &[Told<'_>],
    (lane, last_line): (usize, u64),
    progress: &Progress,
    (joined, seen): (&Joined, &Seen),
) -> Result<LaneStored, ImportError> {
    let mut tx = db.tenant_tx(Role::Platform, import.tenant).await?;
    do_not_wait_for_the_disk(&mut tx).await?;
    state::take_lane(&mut tx, import.tenant, lane).await?;
    let (stated, fresh) = state::apply(&mut tx, import.tenant, source, told, (joined, seen)).await?;
    let notes = stated.notes;
    // A row's last numbers are for what is found out here.
    let told = progress::keep_notes(
        &mut tx,
        import.tenant,
        &import.erasure_key,
        import.id,
        &notes,
        progress.notes,
        10 + 3 * lane as i64,
    )
    .await?;
    let counts = stated.counts;
    let moved = sqlx::query(include_str!("lane_done.sql"))
        .bind(import.id)
        .bind(lane as i32 + 1)
        .bind(progress.lanes[lane] as i64)
        .bind(last_line as i64)
        .bind([counts.lines, counts.lines_known, counts.lines_left_out])
        .bind([counts.inserted, counts.replaced, counts.unchanged, counts.older])
        .bind(Json(&told.left_out))
        .bind(Json(&told.remarks))
        .bind(told.kept as i64)
        .execute(&mut *tx)
        .await
        .map_err(DbError::from)?;
    if moved.rows_affected() != 1 {
        return Err(ImportError::Superseded);
    }
    tx.commit().await.map_err(DbError::from)?;
    Ok(LaneStored { counts, told, fresh })
}

/// Lets the next batch begin before this one is on the disk. Should Postgres crash meanwhile, it forgets the last transactions
/// as a whole and in their order, orders and checkpoint alike, and the import goes on before them. The end of the import
/// waits for the disk, and with it everything before.
async fn do_not_wait_for_the_disk(tx: &mut Tx) -> Result<(), DbError> {
    sqlx::query("set local synchronous_commit to off").execute(&mut **tx).await?;
    Ok(())
}

async fn move_checkpoint(
    db: &Db,
    import: &Import,
    batch: &Batch,
    progress: &mut Progress,
) -> Result<(), ImportError> {
    let to = batch.after.unwrap_or(Place { offset: progress.next_byte, line: progress.next_line });
    let mut tx = db.tenant_tx(Role::Platform, import.tenant).await?;
    do_not_wait_for_the_disk(&mut tx).await?;
    let told = progress::keep_notes(
        &mut tx,
        import.tenant,
        &import.erasure_key,
        import.id,
        &batch.notes,
        progress.notes,
        0,
    )
    .await?;
    let moved = sqlx::query(
        "update platform.import_run
         set next_byte = $3, next_line = $4, lines_read = lines_read + $5, rejected = rejected + $6,
             left_out = platform.add_counts(left_out, $7), remarks = platform.add_counts(remarks, $8), notes = notes + $9,
             newest_at = greatest(newest_at, $10), updated_at = now()
         where id = $1 and next_byte = $2 and state = 'running'",
    )
    .bind(import.id)
    .bind(progress.next_byte as i64)
    .bind(to.offset as i64)
    .bind(to.line as i64)
    .bind(batch.rows as i64)
    .bind(batch.rejected as i64)
    .bind(Json(&told.left_out))
    .bind(Json(&told.remarks))
    .bind(told.kept as i64)
    .bind(batch.orders.iter().map(|block| block.statement.placed_at).max())
    .execute(&mut *tx)
    .await
    .map_err(DbError::from)?;
    if moved.rows_affected() != 1 {
        return Err(ImportError::Superseded);
    }
    tx.commit().await.map_err(DbError::from)?;
    (progress.next_byte, progress.next_line) = (to.offset, to.line);
    progress.lines_read += batch.rows;
    progress.rejected += batch.rejected;
    absorb(progress, told);
    Ok(())
}

fn absorb(progress: &mut Progress, told: progress::Told) {
    let add = |to: &mut BTreeMap<String, u64>, from: BTreeMap<String, u64>| {
        for (reason, count) in from {
            *to.entry(reason).or_default() += count;
        }
    };
    add(&mut progress.left_out, told.left_out);
    add(&mut progress.remarks, told.remarks);
    progress.notes += told.kept;
}
