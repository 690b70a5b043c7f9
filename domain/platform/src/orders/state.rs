//! What statements do to the orders that are stored: the one way in, for files and for whatever reads a shop's system.
//!
//! A newer statement replaces the older one, in whatever order they arrive. Newer is what the source changed later by its
//! own clock; where one of them names no such time, what was taken later: an import counts from its beginning. A statement
//! that says the same changes nothing. Rows of one file that speak of one order add up to one statement.
//!
//! A file of people may be an old one. Where it names no times, it is known to be old by what it says: what was replaced
//! before, or an order as it was before the shop said that it was paid, cancelled or refunded. What was replaced before is
//! news again in a file that has an order which was placed later than all that was stated until then: an order was put back
//! to what it was.

pub mod compared;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};
use sqlx::FromRow;
use uuid::Uuid;

use super::confirmed::Confirmed;
use super::content::Content;
use super::joined::{self, Joined, Stage};
use super::repeats::{self, Repeat};
use super::rule;
use super::seen::{Fresh, Seen};
use super::stale;
use super::statement::{Note, NoteKind, Payment, Statement};
use super::store::{self, Change, Kept};
use crate::identities::erased::{self, ErasureKey};
use crate::identities::normal::{self, Id, Key, Nobody};
use crate::identities::resolve::{self, Person};

/// Who states orders.
#[derive(Debug, Clone)]
pub struct Source {
    /// `file`, or the name of the shop system.
    pub name: &'static str,
    /// The import whose rows add up; none for a source that states an order as a whole each time.
    pub import: Option<Uuid>,
    /// When it was taken: when the import began, when the webhook came.
    pub taken_at: DateTime<Utc>,
    /// Whether it says how orders are now, as a shop's system does; a file of people may be an old one.
    pub is_current: bool,
    /// Whether it has an order that was placed later than all that was stated before, so that it is no old file.
    pub is_ahead: bool,
    /// What profiles are derived for; see [`stale`].
    pub cause: Uuid,
    /// Tells who was erased.
    pub erasure_key: ErasureKey,
}

impl Source {
    fn age(&self) -> Age {
        Age { taken_at: self.taken_at, is_current: self.is_current, is_ahead: self.is_ahead }
    }
}

/// What of a source says whether it is newer than what is stored.
#[derive(Debug, Clone, Copy)]
struct Age {
    taken_at: DateTime<Utc>,
    is_current: bool,
    is_ahead: bool,
}

/// What came of statements.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Orders that were not there.
    pub inserted: i64,
    /// Orders of which something else was stored.
    pub replaced: i64,
    /// Orders that say what is stored.
    pub unchanged: i64,
    /// Orders of which something newer is stored.
    pub older: i64,
    /// Lines of the orders that were inserted or replaced.
    pub lines: i64,
    /// Lines of the orders that were unchanged or older.
    pub lines_known: i64,
    /// Lines of orders that cannot be stored.
    pub lines_left_out: i64,
}

impl Counts {
    pub(super) fn add(&mut self, other: Counts) {
        self.inserted += other.inserted;
        self.replaced += other.replaced;
        self.unchanged += other.unchanged;
        self.older += other.older;
        self.lines += other.lines;
        self.lines_known += other.lines_known;
        self.lines_left_out += other.lines_left_out;
    }
}

/// What came of statements, and what is to be told of them.
#[derive(Debug, Default)]
pub struct Stated {
    /// How many.
    pub counts: Counts,
    /// What was left out or stored with a remark, and how many lines were left out with it.
    pub notes: Vec<(Note, u32)>,
    /// Orders that are stored without their customer, who was erased.
    pub unnamed: Vec<String>,
}

impl Stated {
    /// Tells of a further part of an order, if there is something to tell; a repeated one is left out.
    fn repeat(&mut self, repeat: Repeat, part: &Told<'_>, order_id: &str, first: Option<u64>) {
        let Some(note) = repeat.note(order_id, part.line, first) else { return };
        let left_out = if repeat.is_left_out() { part.statement.lines.len() } else { 0 };
        self.counts.lines_left_out += left_out as i64;
        self.notes.push((note, u32::try_from(left_out).unwrap_or(u32::MAX)));
    }
}

/// A statement and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'s> {
    pub(super) statement: &'s Statement,
    /// The row it begins in; 0 where there are no rows.
    pub(super) line: u64,
    /// As [`Found::Order`](super::statement::Found::Order) says.
    pub(super) is_headed: bool,
}

/// Stores what a shop's system says of its orders, each of them as a whole (platform role), and derives the profiles of
/// the customers. The last one of several statements of an order counts, unless an earlier one is newer.
///
/// # Errors
/// The database failed.
pub async fn state(
    tx: &mut Tx,
    tenant: TenantId,
    source: &Source,
    statements: &[Statement],
) -> Result<Stated, DbError> {
    for lane in 0..LANES {
        take_lane(tx, tenant, lane).await?;
    }
    let mut stated = Stated::default();
    // Statements of one order each see what the one before has stored.
    let mut rest: Vec<Told<'_>> =
        statements.iter().map(|statement| Told { statement, line: 0, is_headed: false }).collect();
    while !rest.is_empty() {
        let mut seen = HashSet::new();
        let (now, later): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|told| seen.insert(told.statement.order_id.as_str()));
        let (done, _) = apply(tx, tenant, source, &now, (&Joined::default(), &Seen::default())).await?;
        stated.counts.add(done.counts);
        stated.notes.extend(done.notes);
        stated.unnamed.extend(done.unnamed);
        rest = later;
    }
    stale::derive(tx, tenant, source.cause).await?;
    Ok(stated)
}

/// Customers are divided into so many lanes, in which batches of an import are stored beside each other.
pub(crate) const LANES: usize = 2;

/// Waits for everybody else who stores orders of this lane's customers, until the transaction ends.
pub(crate) async fn take_lane(tx: &mut Tx, tenant: TenantId, lane: usize) -> Result<(), DbError> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('orders:' || $1::text, $2))")
        .bind(tenant)
        .bind(lane as i64)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The lane of a statement: by its customer, so that two lanes rarely touch the same rows.
pub(super) fn lane_of(statement: &Statement) -> usize {
    let party = &statement.customer;
    let who = party.shop_id.as_ref().or(party.email.as_ref()).or(party.phone.as_ref());
    let hash = xxhash_rust::xxh3::xxh3_64(who.map_or(&[], |who| who.trim().as_bytes()));
    (hash % LANES as u64) as usize
}

/// An order of a batch with all its parts.
struct Group<'s> {
    order_id: String,
    key: Key,
    parts: Vec<Told<'s>>,
}

impl Group<'_> {
    /// All that its parts say.
    fn content(&self) -> Option<Content> {
        let (first, others) = self.parts.split_first()?;
        let content = Content::of(first.statement, &self.key);
        Some(others.iter().fold(content, |sum, part| sum.and_lines_of(part.statement)))
    }
}

/// Stores statements and notes whose profiles are stale, but for what the caller has `seen`; answers what it may add to that
/// when it has committed. What stands there once more, `joined` knows. The caller has the lanes.
pub(super) async fn apply(
    tx: &mut Tx,
    tenant: TenantId,
    source: &Source,
    told: &[Told<'_>],
    (joined, seen): (&Joined, &Seen),
) -> Result<(Stated, Fresh), DbError> {
    let (mut stated, mut fresh) = (Stated::default(), Fresh::default());
    let groups = grouped(told, joined, &mut stated);
    if groups.is_empty() {
        return Ok((stated, fresh));
    }
    let rule = rule::held(tx, tenant).await?;
    let stored = stored(tx, tenant, &groups).await?;
    let known = in_known_currency(&groups, &stored);
    let groups = replaced(groups, &known);
    let elsewhere = resolve::elsewhere(tx, tenant, groups.iter().map(|group| &group.key)).await?;
    let parties: Vec<_> =
        groups.iter().flat_map(|group| &group.parts).map(|part| &part.statement.customer).collect();
    let erased = erased::among(tx, tenant, &source.erasure_key, parties.into_iter()).await?;

    let further: Vec<(usize, &Before)> = groups
        .iter()
        .enumerate()
        .filter_map(|(place, group)| Some((place, stored.get(group.order_id.as_str())?)))
        .filter(|(_, before)| before.is_begun_by(source))
        .collect();
    let with_ids: Vec<(&Before, &[Told<'_>])> = further
        .iter()
        .map(|(place, before)| (*before, &groups[*place].parts[..]))
        .filter(|(_, parts)| repeats::have_ids(parts))
        .collect();
    let repeated = repeats::stored_already(tx, tenant, &with_ids).await?;
    let once_more = once_more(&groups, &further, &repeated, joined);

    let mut returned = Vec::new();
    let mut changes = Vec::with_capacity(groups.len());
    let mut restated = Vec::new();
    let mut confirmed = Confirmed::default();
    for (place, group) in groups.iter().enumerate() {
        let (Some(first), Some(content)) = (group.parts.first(), group.content()) else { continue };
        let lines = group.parts.iter().map(|part| part.statement.lines.len() as i64).sum::<i64>();
        let before = stored.get(group.order_id.as_str());
        let kept = match before.map_or(Verdict::New, |before| before.judge(first.statement, source, content))
        {
            Verdict::Same => {
                if let Some(before) = before {
                    confirmed.same(before, content, source);
                }
                if let Some(before) = before.filter(|before| before.stated_at < first.statement.stated_at) {
                    restated.push((before.order_id.as_str(), first.statement.stated_at));
                }
                stated.counts.unchanged += 1;
                stated.counts.lines_known += lines;
                continue;
            }
            Verdict::Older => {
                if let Some(before) = before.filter(|before| before.was(content)) {
                    confirmed.older(before, content);
                }
                stated.counts.older += 1;
                stated.counts.lines_known += lines;
                continue;
            }
            Verdict::New => Kept::Nothing,
            Verdict::Newer => Kept::Replaced,
            Verdict::Part if repeated.contains(group.order_id.as_str()) => {
                for part in &group.parts {
                    stated.repeat(Repeat::Block, part, &group.order_id, None);
                }
                continue;
            }
            Verdict::Part if once_more.contains(&place) => {
                stated.repeat(Repeat::Whole, first, &group.order_id, None);
                continue;
            }
            Verdict::Part if before.is_some_and(|before| before.is_restated_by(first)) => {
                let is_outdated =
                    before.is_some_and(|before| Stage::of(first.statement).is_before(before.stage()));
                if is_outdated {
                    for part in &group.parts {
                        stated.repeat(Repeat::Outdated, part, &group.order_id, None);
                    }
                    continue;
                }
                stated.repeat(Repeat::Anew, first, &group.order_id, None);
                Kept::Replaced
            }
            Verdict::Part => {
                // All that is stored of it, once more.
                if before.is_some_and(|before| before.says(content)) {
                    stated.repeat(Repeat::Alike, first, &group.order_id, None);
                }
                Kept::Added
            }
        };
        match kept {
            Kept::Nothing => stated.counts.inserted += 1,
            // The import has counted it.
            Kept::Replaced if before.is_some_and(|before| before.is_begun_by(source)) => {}
            Kept::Replaced => stated.counts.replaced += 1,
            Kept::Added => {}
        }
        stated.counts.lines += lines;
        // An order of before the erasure, or of a day to come, counts and names nobody; one of after it is a new relation.
        let erasure = group.parts.iter().find_map(|part| erased.of(&part.statement.customer));
        let gone = erasure.filter(|erasure| erasure.covers(first.statement.placed_at, erased.asked_at));
        if gone.is_some() {
            let message =
                format!("order {} is of a customer who was erased; it counts without them", group.order_id);
            stated.notes.push((note(first, NoteKind::Remark, "customer_erased", message), 0));
            stated.unnamed.push(group.order_id.clone());
        } else if erasure.is_some_and(|erasure| erasure.came_back_at.is_none()) {
            returned.extend(group.parts.iter().map(|part| &part.statement.customer));
        }
        let named = elsewhere.get(&group.key).map_or(group.key.text(), String::as_str);
        let customer = gone.map_or(named, |erasure| erasure.token.as_str());
        changes.push(Change {
            order_id: &group.order_id,
            customer_id: customer,
            stated_customer: (gone.is_none() && customer != group.key.text()).then(|| group.key.text()),
            is_named: gone.is_none(),
            parts: &group.parts,
            counts: rule.counts(first.statement),
            content,
            kept,
            before,
        });
    }
    erased::came_back(tx, tenant, &source.erasure_key, returned.into_iter(), source.taken_at).await?;
    let (mut people, mut stale) = (Vec::new(), Vec::new());
    for change in &changes {
        let party = &change.parts[0].statement.customer;
        if !change.is_named {
            stale.push(change.customer_id);
        } else if seen.is_new(&mut fresh, change.customer_id, party) {
            stale.push(change.customer_id);
            people.push(Person { customer_id: change.customer_id, party });
        }
        // Whose the order was.
        let before = change.before.map(|before| before.customer_id.as_str());
        stale.extend(before.filter(|before| *before != change.customer_id));
    }
    resolve::remember(tx, tenant, &people).await?;
    store::write(tx, tenant, source, &changes).await?;
    stale::mark(tx, tenant, source.cause, stale.into_iter()).await?;
    store::restate(tx, tenant, &restated).await?;
    confirmed.write(tx, tenant, source).await?;
    Ok((stated, fresh))
}

const ORDER_ROUNDED: &str = "the order's number is missing, or a program that took it for a quantity rounded it (as 1.23E+11); \
                             export it as text";
const CUSTOMER_ROUNDED: &str = "a program that took the customer's id for a quantity rounded it (as 1.23E+11), and there is \
                                no e-mail address; export it as text";
const CUSTOMER_MISSING: &str = "there is neither a customer's id nor an e-mail address nor a telephone number with its \
                                country";

/// What is stated of orders, by their places, of which nobody said the currency, in that of what is stored.
fn in_known_currency(
    groups: &[Group<'_>],
    stored: &HashMap<String, Before>,
) -> HashMap<usize, Vec<Statement>> {
    let is_other = |part: &Told<'_>, before: &Before| {
        part.statement.is_currency_assumed && part.statement.currency != before.currency
    };
    groups
        .iter()
        .enumerate()
        .filter_map(|(place, group)| Some((place, group, stored.get(group.order_id.as_str())?)))
        .filter(|(_, group, before)| group.parts.iter().any(|part| is_other(part, before)))
        .map(|(place, group, before)| {
            let statements = group.parts.iter().map(|part| {
                let mut statement = part.statement.clone();
                if is_other(part, before) {
                    statement.currency.clone_from(&before.currency);
                }
                statement
            });
            (place, statements.collect())
        })
        .collect()
}

/// The same orders, where others are given for their parts with these.
fn replaced<'s>(mut groups: Vec<Group<'s>>, others: &'s HashMap<usize, Vec<Statement>>) -> Vec<Group<'s>> {
    for (place, statements) in others {
        for (part, statement) in groups[*place].parts.iter_mut().zip(statements) {
            part.statement = statement;
        }
    }
    groups
}

/// Which orders, by their places, stand here once more after earlier batches of the same file: by what they say, where
/// no ids of lines tell it.
fn once_more(
    groups: &[Group<'_>],
    further: &[(usize, &Before)],
    repeated: &HashSet<&str>,
    joined: &Joined,
) -> HashSet<usize> {
    let again: Vec<(usize, Told<'_>)> = further
        .iter()
        .filter_map(|(place, before)| {
            let group = &groups[*place];
            let [block] = group.parts[..] else { return None };
            let is_said = group.content().is_some_and(|content| before.says(content));
            (is_said && !joined::has_line_ids(block.statement)).then_some((*place, block))
        })
        .collect();
    joined.once_more(&again, further.len().saturating_sub(again.len() + repeated.len()))
}

/// Puts the parts of each order together and leaves out what stands there once more, and what names no order or nobody.
fn grouped<'s>(told: &[Told<'s>], joined: &Joined, stated: &mut Stated) -> Vec<Group<'s>> {
    let mut groups: Vec<Group<'s>> = Vec::with_capacity(told.len());
    let mut places: HashMap<String, usize> = HashMap::with_capacity(told.len());
    for part in told {
        let statement = part.statement;
        let repeat = joined.repeat(part.line);
        if let Some((repeat, first)) = repeat.filter(|(repeat, _)| repeat.is_left_out()) {
            stated.repeat(repeat, part, &statement.order_id, Some(first));
            continue;
        }
        let order_id = match normal::id(&statement.order_id) {
            Some(Id::Exact(id)) => Some(id),
            _ => None,
        };
        if let Some(place) = order_id.as_ref().and_then(|id| places.get(id)) {
            let group = &mut groups[*place];
            if normal::key(&statement.customer).is_ok_and(|key| key != group.key) {
                let message = format!(
                    "rows of order {} name two customers; it counts for the first one, {}",
                    group.order_id,
                    group.key.text()
                );
                stated.notes.push((note(part, NoteKind::Remark, "order_of_two_customers", message), 0));
            }
            if let Some((repeat, first)) = repeat {
                stated.repeat(repeat, part, &group.order_id, Some(first));
            }
            group.parts.push(*part);
            continue;
        }
        let (reason, message) = match (order_id, normal::key(&statement.customer)) {
            (Some(order_id), Ok(key)) => {
                places.insert(order_id.clone(), groups.len());
                groups.push(Group { order_id, key, parts: vec![*part] });
                continue;
            }
            (None, _) => ("order_id_rounded", ORDER_ROUNDED),
            (_, Err(Nobody::Rounded)) => ("customer_id_rounded", CUSTOMER_ROUNDED),
            (_, Err(Nobody::Unnamed)) => ("customer_missing", CUSTOMER_MISSING),
        };
        let lines = statement.lines.len();
        stated.counts.lines_left_out += lines as i64;
        let note = note(part, NoteKind::LeftOut, reason, message.to_owned());
        stated.notes.push((note, u32::try_from(lines).unwrap_or(u32::MAX)));
    }
    groups
}

fn note(part: &Told<'_>, kind: NoteKind, reason: &'static str, message: String) -> Note {
    Note { line: part.line, column: None, kind, reason, message, raw: String::new() }
}

/// What is stored of an order, as far as a new statement is judged by it.
#[derive(Debug, FromRow)]
pub(super) struct Before {
    pub(super) order_id: String,
    pub(super) customer_id: String,
    currency: String,
    stated_at: Option<DateTime<Utc>>,
    taken_at: DateTime<Utc>,
    pub(super) counts: bool,
    pub(super) import_id: Option<Uuid>,
    payment: Payment,
    fulfilled_at: Option<DateTime<Utc>>,
    cancelled_at: Option<DateTime<Utc>>,
    content: Option<Uuid>,
    replaced: Option<Vec<Uuid>>,
    pub(super) lines_key: Uuid,
    pub(super) lines: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    New,
    /// It says what is stored.
    Same,
    Older,
    Newer,
    /// It is another part of what is stored.
    Part,
}

impl Before {
    fn judge(&self, statement: &Statement, source: &Source, content: Content) -> Verdict {
        if self.is_begun_by(source) {
            return Verdict::Part;
        }
        self.compared(statement, source.age(), content)
    }

    /// The same of what is no part.
    fn compared(&self, statement: &Statement, age: Age, content: Content) -> Verdict {
        if self.says(content) {
            return Verdict::Same;
        }
        let is_older = match (self.stated_at, statement.stated_at) {
            (Some(stored), Some(stated)) if stored != stated => stated < stored,
            (_, None) if !age.is_current && self.is_said_by_old(statement, age, content) => true,
            _ => age.taken_at < self.taken_at,
        };
        if is_older { Verdict::Older } else { Verdict::Newer }
    }

    /// Whether a file without times is an old one by what it says. One that is ahead of all others may put back what a
    /// file said, and not what the shop's own system did.
    fn is_said_by_old(&self, statement: &Statement, age: Age, content: Content) -> bool {
        let is_put_back = age.is_ahead && self.import_id.is_some();
        (self.was(content) && !is_put_back) || self.is_taken_back_by(statement)
    }

    /// Whether an earlier batch of the same import stored it. An import that began anew, on another file, has begun later: its
    /// orders are whole ones again.
    fn is_begun_by(&self, source: &Source) -> bool {
        source.import.is_some() && self.import_id == source.import && self.taken_at == source.taken_at
    }

    /// Whether a part of the same file is the order's own data once more. Only rows that have it say how far it was paid.
    fn is_restated_by(&self, part: &Told<'_>) -> bool {
        part.is_headed && self.payment != Payment::Placed
    }

    fn stage(&self) -> Stage {
        Stage {
            stated_at: self.stated_at,
            is_cancelled: self.cancelled_at.is_some(),
            is_sent: self.fulfilled_at.is_some(),
            payment: self.payment,
        }
    }

    /// Whether this is what is stored.
    fn says(&self, content: Content) -> bool {
        self.content.is_some_and(|stored| Content::from(stored) == content)
    }

    /// Whether this is what was stored before and made room.
    fn was(&self, content: Content) -> bool {
        self.replaced.iter().flatten().any(|replaced| Content::from(*replaced) == content)
    }

    /// Whether a statement without a time knows less of the order's way than one with a time said: orders are not
    /// uncancelled, and money that came or went back has done so.
    fn is_taken_back_by(&self, statement: &Statement) -> bool {
        let is_uncancelled = self.cancelled_at.is_some() && statement.cancelled_at.is_none();
        self.stated_at.is_some() && (is_uncancelled || steps(statement.payment) < steps(self.payment))
    }

    /// What is stored and a further part of it.
    pub(super) fn content_and(&self, parts: &[Told<'_>]) -> Option<Content> {
        let stored = Content::from(self.content?);
        Some(parts.iter().fold(stored, |sum, part| sum.and_lines_of(part.statement)))
    }
}

/// How many steps an order has gone on its way of payment.
pub(super) fn steps(payment: Payment) -> u8 {
    match payment {
        Payment::Placed => 0,
        Payment::Pending | Payment::Failed => 1,
        Payment::Authorized => 2,
        Payment::PartlyPaid => 3,
        Payment::Paid | Payment::Voided => 4,
        Payment::PartlyRefunded => 5,
        Payment::Refunded => 6,
    }
}

async fn stored(
    tx: &mut Tx,
    tenant: TenantId,
    groups: &[Group<'_>],
) -> Result<HashMap<String, Before>, DbError> {
    let ids: Vec<&str> = groups.iter().map(|group| group.order_id.as_str()).collect();
    let stored: Vec<Before> = sqlx::query_as(
        "select order_id, customer_id, currency, stated_at, taken_at, counts, import_id, payment, fulfilled_at, cancelled_at,
                content, replaced, lines_key, lines
         from platform.order where tenant_id = $1 and order_id = any ($2)",
    )
    .bind(tenant)
    .bind(ids)
    .fetch_all(&mut **tx)
    .await?;
    Ok(stored.into_iter().map(|before| (before.order_id.clone(), before)).collect())
}
