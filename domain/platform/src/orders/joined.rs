//! Whether rows of an order that stand apart in one file are parts of it, or the order once more.
//!
//! A file in the order of products has the parts of an order far from each other, and they add up. One that was joined of
//! exports which overlap has orders twice, and they count once. Both are seen by what stands there:
//!
//! - Lines with ids are known by them, whatever else is true.
//! - A block that says, as a whole and with the same head, what the order said before is a repetition when it has several
//!   lines that differ, or the order's own data in a file whose other rows have none of it.
//! - A single line that is alike may be bought twice. It is a repetition when more orders stand there once more than in
//!   parts, and besides the names of the columns stand in between, or its neighbours are those that it had the first time,
//!   or the import has found many before.
//!
//! An order's own data once more, with other words, is the order of another day. One of the two counts: the one that is
//! further on its way, and else the later one.
//!
//! What cannot be decided is added up and told.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use xxhash_rust::xxh3::xxh3_64;

use super::content::{self, Content};
use super::progress::Progress;
use super::repeats::{Earlier, HEADER_REPEATED, IN_TWO_PLACES, REPEATED_BLOCK, REPEATED_ORDER, Repeat};
use super::state::{Told, steps};
use super::statement::{Note, Payment, Statement};
use crate::identities::normal::{self, Id, Key};

/// Single lines are repetitions when so many neighbours are neighbours again.
const RUN: usize = 3;
/// Neighbours may have orders between them that were edited since: as many as the first time, and fewer than this.
const GAP: usize = 3;
/// Where an order stood that an earlier batch stored is not known. So many have to follow each other then.
const LONG_RUN: usize = 20;
/// An import that was in doubt so often is no joined file, but one in an order of its own.
const DOUBTS: u64 = 10;

/// What is known of a file when a batch of it is looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    /// Lines of the batch in which the names of the columns stand once more.
    headers: Vec<u64>,
    /// Whether they stood once more in an earlier batch.
    has_earlier_header: bool,
    /// Whether many orders were left out as repetitions.
    is_joined: bool,
    /// Whether many were in doubt.
    is_doubtful: bool,
}

impl Evidence {
    /// Of what an import has come to, and the notes of its next batch.
    pub(super) fn of<'n>(progress: &Progress, notes: impl Iterator<Item = &'n Note>) -> Evidence {
        let left_out = |reason: &str| progress.left_out.get(reason).copied().unwrap_or_default();
        let repeated = left_out(REPEATED_BLOCK) + left_out(REPEATED_ORDER);
        let doubts = progress.remarks.get(IN_TWO_PLACES).copied().unwrap_or_default();
        let is_joined = repeated >= LONG_RUN as u64 && repeated > doubts.saturating_mul(9);
        Evidence {
            headers: notes.filter(|note| note.reason == HEADER_REPEATED).map(|note| note.line).collect(),
            has_earlier_header: left_out(HEADER_REPEATED) > 0,
            is_joined,
            is_doubtful: doubts >= DOUBTS && !is_joined,
        }
    }

    fn has_header_between(&self, first: u64, line: u64) -> bool {
        self.headers.iter().any(|header| first < *header && *header < line)
    }

    fn has_header_before(&self, line: u64) -> bool {
        self.has_earlier_header || self.headers.iter().any(|header| *header < line)
    }
}

/// What the further blocks of a batch's orders are.
#[derive(Debug, Default)]
pub(super) struct Joined {
    evidence: Evidence,
    /// By the line in which a block begins; with the line of the order's first one, or of the one that counts instead.
    further: HashMap<u64, (Repeat, u64)>,
}

impl Joined {
    /// Looks at the blocks of a batch, in the order of the file.
    pub(super) fn of(blocks: &[Told<'_>], evidence: Evidence) -> Joined {
        let mut firsts: HashMap<u64, usize> = HashMap::with_capacity(blocks.len());
        let mut places = Vec::new();
        for (place, block) in blocks.iter().enumerate() {
            match firsts.entry(number_of(&block.statement.order_id)) {
                Entry::Vacant(entry) => {
                    entry.insert(place);
                }
                Entry::Occupied(entry) => places.push((*entry.get(), place)),
            }
        }
        let mut orders: HashMap<usize, Order> = HashMap::new();
        let mut again = Vec::new();
        let count = places.len();
        let mut further = HashMap::with_capacity(count);
        for (number, (first, place)) in places.into_iter().enumerate() {
            let order = orders.entry(first).or_insert_with(|| Order::begun_by(&blocks[first], first));
            let is_beside = order.last + 1 == place;
            let (repeat, is_open) = order.add(&blocks[place], place);
            if repeat == Repeat::Anew {
                let outdated = order.begin_anew(&blocks[place], place);
                further
                    .extend(outdated.into_iter().map(|line| (line, (Repeat::Outdated, blocks[place].line))));
                continue;
            }
            further.insert(blocks[place].line, (repeat, order.line()));
            if is_open || matches!(repeat, Repeat::Block | Repeat::Whole) {
                again.push(Again { first, place, number, is_open, is_beside });
            }
        }
        if again.len() > count - again.len() {
            for chain in again.chunk_by(Again::is_followed_by) {
                if let [first, .., last] = chain
                    && chain.len() >= RUN
                {
                    // What stands among repetitions and differs was edited.
                    for block in &blocks[first.place..=last.place] {
                        if let Some((repeat @ (Repeat::New | Repeat::Alike), _)) =
                            further.get_mut(&block.line)
                        {
                            *repeat = Repeat::Restated;
                        }
                    }
                }
                for block in chain.iter().filter(|block| block.is_open) {
                    let (first, line) = (blocks[block.first].line, blocks[block.place].line);
                    let is_behind_header = !block.is_beside && evidence.has_header_between(first, line);
                    if chain.len() >= RUN || evidence.is_joined || is_behind_header {
                        further.insert(line, (Repeat::Whole, first));
                    }
                }
            }
        }
        Joined { evidence, further }
    }

    /// What the block is that begins in this line, and in which line the order's first one begins; none for the one that the
    /// order begins with.
    pub(super) fn repeat(&self, line: u64) -> Option<(Repeat, u64)> {
        self.further.get(&line).copied()
    }

    /// Which of these blocks, by their places among the batch's orders, are repetitions: each says all that earlier batches
    /// stored of its order. Of so many other orders further parts came.
    pub(super) fn once_more(&self, again: &[(usize, Told<'_>)], apart: usize) -> HashSet<usize> {
        let runs = again.chunk_by(|(place, _), (next, _)| place + 1 == *next).map(<[_]>::len);
        let is_run = !self.evidence.is_doubtful && runs.max().unwrap_or_default() >= LONG_RUN;
        let is_known = again.len() > apart && (is_run || self.evidence.is_joined);
        let is_behind_header =
            |block: &Told<'_>| again.len() > apart && self.evidence.has_header_before(block.line);
        again
            .iter()
            .filter(|(_, block)| is_known || is_certain(block) || is_behind_header(block))
            .map(|(place, _)| *place)
            .collect()
    }
}

/// A block that says what its order said before.
struct Again {
    /// Place of the order's first block among all.
    first: usize,
    place: usize,
    /// How many further blocks, of whatever order, stand before it.
    number: usize,
    /// Whether it may be bought twice as well.
    is_open: bool,
    /// Whether nothing stands between it and the order's block before.
    is_beside: bool,
}

impl Again {
    /// Whether another one stands behind this as it did the first time, and no order between them stands there first.
    fn is_followed_by(&self, next: &Again) -> bool {
        let gap = next.place - self.place;
        gap <= GAP && next.number - self.number == gap && next.first.checked_sub(self.first) == Some(gap)
    }
}

/// What the blocks of an order say.
struct Order {
    /// Whose it is and when it was placed; none when it names nobody and is left out.
    head: Option<(Key, DateTime<Utc>)>,
    /// What each of them says.
    blocks: Vec<Content>,
    /// What those amount to that are no repetitions.
    whole: Option<Content>,
    lines: Earlier,
    /// How far it is by what counts.
    stage: Stage,
    is_headed: bool,
    /// Lines in which the blocks begin that count.
    begins: Vec<u64>,
    /// Place of the last one.
    last: usize,
}

/// How far an order is on its way, by what one statement says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stage {
    pub(super) stated_at: Option<DateTime<Utc>>,
    pub(super) is_cancelled: bool,
    pub(super) is_sent: bool,
    pub(super) payment: Payment,
}

impl Stage {
    pub(super) fn of(statement: &Statement) -> Stage {
        Stage {
            stated_at: statement.stated_at,
            is_cancelled: statement.cancelled_at.is_some(),
            is_sent: statement.fulfilled_at.is_some(),
            payment: statement.payment,
        }
    }

    /// Whether it is of an earlier day than another, wherever it stands: by the source's own times, or because orders are not
    /// uncancelled, money that came or went back has done so, and what was sent is under way.
    pub(super) fn is_before(self, other: Stage) -> bool {
        match (self.stated_at, other.stated_at) {
            (Some(one), Some(other)) if one != other => one < other,
            _ => {
                let is_unpaid = self.payment != Payment::Placed && steps(self.payment) < steps(other.payment);
                let is_as_far = self.is_cancelled == other.is_cancelled && self.payment == other.payment;
                let is_unsent = is_as_far && other.is_sent && !self.is_sent;
                (other.is_cancelled && !self.is_cancelled) || is_unpaid || is_unsent
            }
        }
    }
}

impl Order {
    fn begun_by(block: &Told<'_>, place: usize) -> Order {
        let statement = block.statement;
        let key = normal::key(&statement.customer).ok();
        let content = key.as_ref().map(|key| Content::of(statement, key));
        let mut lines = Earlier::default();
        lines.add(statement);
        Order {
            head: key.map(|key| (key, statement.placed_at)),
            blocks: content.into_iter().collect(),
            whole: content,
            lines,
            stage: Stage::of(statement),
            is_headed: block.is_headed,
            begins: vec![block.line],
            last: place,
        }
    }

    /// The line in which it begins.
    fn line(&self) -> u64 {
        self.begins.first().copied().unwrap_or_default()
    }

    /// Counts as this block says; answers the lines of what counted before.
    fn begin_anew(&mut self, block: &Told<'_>, place: usize) -> Vec<u64> {
        std::mem::replace(self, Order::begun_by(block, place)).begins
    }

    /// What a further block is, and whether that is open.
    fn add(&mut self, block: &Told<'_>, place: usize) -> (Repeat, bool) {
        let statement = block.statement;
        let Ok(key) = normal::key(&statement.customer) else { return (Repeat::New, false) };
        let Some((first_key, placed_at)) = &self.head else {
            let begins = self.begin_anew(block, place);
            self.begins.splice(0..0, begins);
            return (Repeat::New, false);
        };
        let is_same_order = *first_key == key && is_same_minute(*placed_at, statement.placed_at);
        let alike = self.lines.add(statement);
        self.last = place;
        if alike == Repeat::Block {
            return (Repeat::Block, false);
        }
        let content = Content::of(statement, &key);
        let is_said = self.whole == Some(content) || self.blocks.contains(&content);
        if is_said && !has_line_ids(statement) {
            if is_certain(block) {
                return (Repeat::Whole, false);
            }
            self.begins.push(block.line);
            return (alike, true);
        }
        if self.is_headed && block.is_headed && is_same_order {
            let is_outdated = Stage::of(statement).is_before(self.stage);
            return (if is_outdated { Repeat::Outdated } else { Repeat::Anew }, false);
        }
        self.begins.push(block.line);
        self.blocks.push(content);
        self.whole = self.whole.map(|whole| whole.and_lines_of(statement));
        self.is_headed |= block.is_headed;
        (alike, false)
    }
}

/// Whether a block that says what its order said before is a repetition by itself.
fn is_certain(block: &Told<'_>) -> bool {
    let mut lines = content::lines(block.statement).map(|(alike, _)| alike);
    let first = lines.next();
    block.is_headed || lines.any(|line| Some(line) != first)
}

/// Whether a line of a statement has an id: it is known by that.
pub(super) fn has_line_ids(statement: &Statement) -> bool {
    statement.lines.iter().any(|line| line.line_id.is_some())
}

fn is_same_minute(one: DateTime<Utc>, other: DateTime<Utc>) -> bool {
    one.timestamp().div_euclid(60) == other.timestamp().div_euclid(60)
}

/// An order as a number: two of a batch that are one by chance differ in what they say.
fn number_of(order_id: &str) -> u64 {
    // Mostly it stands there as it is known.
    let is_plain = order_id
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'#' | b'_' | b'/'));
    if !is_plain && let Some(Id::Exact(id)) = normal::id(order_id) {
        return xxh3_64(id.as_bytes());
    }
    xxh3_64(order_id.as_bytes())
}
