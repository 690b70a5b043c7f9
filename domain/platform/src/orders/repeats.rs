//! Orders that stand in two places of one file: what is told of it, and lines that are known by their ids. Which further
//! block of an order is what, is decided in [`joined`](super::joined).

use std::collections::{HashMap, HashSet};

use database::ids::TenantId;
use database::{DbError, Tx};
use rust_decimal::Decimal;
use sqlx::FromRow;

use super::content;
use super::state::{Before, Told};
use super::statement::{Line, Note, NoteKind, Statement};
use super::store;

/// The line of column names stands there once more.
pub(super) const HEADER_REPEATED: &str = "header_repeated";
/// Lines that are alike stand apart, and were added up.
pub(super) const IN_TWO_PLACES: &str = "order_in_two_places";
/// An order stands there again and says something else.
pub(super) const STATED_TWICE: &str = "order_stated_twice";
/// Lines stand there once more, by their ids.
pub(super) const REPEATED_BLOCK: &str = "repeated_block";
/// An order stands there once more.
pub(super) const REPEATED_ORDER: &str = "repeated_order";

/// What a further block of an order's rows is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// None of its lines stood there before.
    New,
    /// A line that says the same stood there before.
    Alike,
    /// The order stands there again and says something else; both are added up.
    Restated,
    /// The order's own data stands there again and says something else: it counts, and what stood there before does not.
    Anew,
    /// What counts stands elsewhere, and says something else.
    Outdated,
    /// Each line stood there before, under the same id.
    Block,
    /// All of it stood there before, and the file shows that it is a repetition.
    Whole,
}

impl Repeat {
    /// Whether the block counts no more.
    pub(super) fn is_left_out(self) -> bool {
        matches!(self, Repeat::Block | Repeat::Whole | Repeat::Outdated)
    }

    /// What is to be told of the block that begins in a line; the order's first one began in another, if that is known.
    pub(super) fn note(self, order_id: &str, line: u64, first: Option<u64>) -> Option<Note> {
        let order: String = order_id.chars().take(60).collect();
        let first = first.map_or_else(|| "far above".to_owned(), |first| format!("from line {first}"));
        let (kind, reason, message) = match self {
            Repeat::New => return None,
            Repeat::Alike => (
                NoteKind::Remark,
                IN_TWO_PLACES,
                format!(
                    "order {order} stands in two places of the file ({first} and from line {line}) with lines that are alike, and they are added up; if the file was joined from files that overlap, import these one by one, or remove what is there twice, and import it again"
                ),
            ),
            Repeat::Restated => (
                NoteKind::Remark,
                STATED_TWICE,
                format!(
                    "order {order} stands in two places of the file ({first} and from line {line}) and does not say the same, as in exports of two days that were joined; both are added up, so keep the newer rows alone, or import the exports one by one, the newest last"
                ),
            ),
            Repeat::Anew => (
                NoteKind::Remark,
                STATED_TWICE,
                format!(
                    "order {order} stands in two places of the file ({first} and from line {line}) and does not say the same, as in exports of two days that were joined; what stands from line {line} counts"
                ),
            ),
            Repeat::Outdated => (
                NoteKind::LeftOut,
                STATED_TWICE,
                format!(
                    "order {order} stands in two places of the file ({first} and from line {line}) and does not say the same, as in exports of two days that were joined; what stands {first} counts"
                ),
            ),
            Repeat::Whole => (
                NoteKind::LeftOut,
                REPEATED_ORDER,
                format!(
                    "order {order} stands there once more and says the same ({first} and from line {line}), as in files that were joined and overlap; it counts once"
                ),
            ),
            Repeat::Block => (
                NoteKind::LeftOut,
                REPEATED_BLOCK,
                format!(
                    "order {order} stands there once more with the same ids of lines, as in files that were joined and overlap; it counts once"
                ),
            ),
        };
        Some(Note { line, column: None, kind, reason, message, raw: String::new() })
    }
}

/// The lines of an order that stood there so far, as hashes, and their ids.
#[derive(Debug, Clone, Default)]
pub(super) struct Earlier {
    alike: HashSet<u128>,
    same: HashSet<u128>,
}

impl Earlier {
    /// Says what a block is, and adds its lines.
    pub(super) fn add(&mut self, block: &Statement) -> Repeat {
        let is_first = self.alike.is_empty();
        let (mut has_alike, mut is_block) = (false, true);
        let hashes: Vec<(u128, Option<u128>)> = content::lines(block).collect();
        for (alike, same) in &hashes {
            has_alike |= self.alike.contains(alike);
            is_block &= same.is_some_and(|same| self.same.contains(&same));
        }
        for (alike, same) in hashes {
            self.alike.insert(alike);
            self.same.extend(same);
        }
        match (is_first, is_block, has_alike) {
            (false, true, _) => Repeat::Block,
            (false, false, true) => Repeat::Alike,
            _ => Repeat::New,
        }
    }
}

/// A line that is stored, as far as it is told from others.
#[derive(FromRow)]
struct Stored {
    order_id: String,
    line_id: Option<String>,
    quantity: Decimal,
    amount: Decimal,
    is_return: bool,
}

/// Whether all lines of some parts of an order have ids.
pub(super) fn have_ids(parts: &[Told<'_>]) -> bool {
    parts.iter().flat_map(|part| &part.statement.lines).all(|line| line.line_id.is_some())
}

/// The orders of which all these lines are stored already, by their ids: earlier batches of the same file had them.
pub(super) async fn stored_already<'o>(
    tx: &mut Tx,
    tenant: TenantId,
    orders: &[(&'o Before, &[Told<'_>])],
) -> Result<HashSet<&'o str>, DbError> {
    if orders.is_empty() {
        return Ok(HashSet::new());
    }
    let keys = store::keys_of(orders.iter().map(|(before, _)| (before.lines_key, before.lines)));
    let lines: Vec<Stored> = sqlx::query_as(
        "select order_id, line_id, quantity, amount, is_return from platform.order_line
         where tenant_id = $1 and line_key = any ($2)",
    )
    .persistent(false)
    .bind(tenant)
    .bind(&keys)
    .fetch_all(&mut **tx)
    .await?;
    let mut stored: HashMap<&str, HashSet<(&str, Decimal, Decimal, bool)>> = HashMap::new();
    for line in &lines {
        let of_order = stored.entry(&line.order_id).or_default();
        of_order.extend(line.line_id.as_deref().map(|id| (id, line.quantity, line.amount, line.is_return)));
    }
    let is_stored = |order: &str, line: &Line| {
        let id = line.line_id.as_deref().unwrap_or_default();
        let known = stored.get(order);
        known.is_some_and(|known| known.contains(&(id, line.quantity, line.amount, line.is_return)))
    };
    Ok(orders
        .iter()
        .filter(|(before, parts)| {
            let mut lines = parts.iter().flat_map(|part| &part.statement.lines);
            lines.all(|line| is_stored(&before.order_id, line))
        })
        .map(|(before, _)| before.order_id.as_str())
        .collect())
}
