//! A tenant's order lines as columns. A line becomes part of them where it arrives, so no more than the columns
//! themselves is ever held.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use chrono::NaiveDate;
use database::ids::TenantId;
use database::{DbError, Tx};
use intelligence::lines::{Line, Lines, LinesBuilder, key};
use platform::orders::export::{self, ExportedLine, Garbled, Selection};
use rayon::prelude::*;

/// Lines in columns, and whose they are.
pub struct Orders {
    /// Customer `i` of the lines is `customers[i]`; ascending, byte by byte.
    pub customers: Vec<String>,
    /// The lines.
    pub lines: Lines,
}

impl Orders {
    /// The orders of those of these customers who have any, as if only theirs had been read. The ids are ascending, byte
    /// by byte.
    pub fn of<'a>(&self, ids: impl Iterator<Item = &'a str>) -> Orders {
        let (mut places, mut next) = (Vec::new(), 0);
        for id in ids {
            // Of a range of customers it is nearly always the next one.
            if self.customers.get(next).is_some_and(|customer| customer.as_str() < id) {
                next += self.customers[next..].partition_point(|customer| customer.as_str() < id);
            }
            if self.customers.get(next).is_some_and(|customer| customer == id) {
                places.push(next);
                next += 1;
            }
        }
        let customers = places.iter().map(|&place| self.customers[place].clone()).collect();
        Orders { customers, lines: self.lines.select(&places) }
    }
}

/// Which order lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrdersKey {
    /// Whose.
    pub tenant: TenantId,
    /// Of one customer in so many.
    pub one_in: i64,
    /// The currency of the lines.
    pub currency: String,
    /// The last day that counts.
    pub until: NaiveDate,
}

/// Loads the lines in `currency` up to the end of the day `until` (UTC), as the platform role. `expected` lines are
/// made room for; `watch` is told the lines read so far now and then, and ends the loading by answering false.
///
/// # Errors
/// The database failed; `Ok(None)` when `watch` ended it.
pub async fn load(
    tx: &mut Tx,
    selection: &Selection,
    currency: &str,
    until: NaiveDate,
    expected: usize,
    watch: impl FnMut(u64) -> bool,
) -> Result<Option<Orders>, DbError> {
    let mut collector = Collector::with_capacity(expected);
    if !export::export(tx, selection, currency, until, |line| collector.take(&line), watch).await? {
        return Ok(None);
    }
    // Sorting is work for all cores, and long enough to keep away from the threads that wait for the network.
    let orders = tokio::task::spawn_blocking(move || collector.finish())
        .await
        .map_err(|_| DbError::from(Garbled("sorting the lines panicked")))?;
    Ok(Some(orders))
}

struct Collector {
    builder: LinesBuilder,
    index: HashMap<u64, u32, BuildHasherDefault<Identity>>,
    /// The key and the place of the last line's customer: the lines of an order come together.
    last: Option<(u64, u32)>,
    customers: Vec<String>,
}

impl Collector {
    fn with_capacity(lines: usize) -> Collector {
        Collector {
            builder: LinesBuilder::with_capacity(lines),
            index: HashMap::default(),
            last: None,
            customers: Vec::new(),
        }
    }

    /// Keeps what computing needs of a line: texts are told apart by hashes, customers by the place of their id.
    fn take(&mut self, line: &ExportedLine<'_>) -> Result<(), Garbled> {
        let customer = key(line.customer);
        let index = match self.last.filter(|(last, _)| *last == customer) {
            Some((_, index)) => index,
            None => self.place(customer, line.customer)?,
        };
        self.last = Some((customer, index));
        let line = Line {
            minute: line.minute,
            order: key(line.order),
            product: line.product.map_or(0, key),
            category: line.category.map_or(0, key),
            quantity: line.quantity as f32,
            amount: line.amount,
            list_amount: line.list_amount.unwrap_or(f64::NAN),
            is_return: line.is_return,
        };
        self.builder.push(index, line);
        Ok(())
    }

    /// The place of a customer with this key, who may be new.
    fn place(&mut self, customer: u64, id: &[u8]) -> Result<u32, Garbled> {
        let next =
            u32::try_from(self.customers.len()).map_err(|_| Garbled("more than 4 billion customers"))?;
        let index = *self.index.entry(customer).or_insert(next);
        if index == next {
            let name = std::str::from_utf8(id).map_err(|_| Garbled("customer_id"))?;
            self.customers.push(name.to_owned());
        }
        Ok(index)
    }

    /// Customers in the order of their ids, whatever order the rows came in.
    fn finish(self) -> Orders {
        let Collector { mut builder, index, customers, .. } = self;
        drop(index);
        let order = in_order(&customers);
        let mut rank = vec![0u32; order.len()];
        for (place, &customer) in order.iter().enumerate() {
            rank[customer as usize] = place as u32;
        }
        builder.renumber(&rank);
        let lines = builder.finish(customers.len());
        let mut names: Vec<Option<String>> = customers.into_iter().map(Some).collect();
        let customers = order.iter().filter_map(|&customer| names[customer as usize].take()).collect();
        Orders { customers, lines }
    }
}

/// The places of ids in their order, byte by byte.
fn in_order(ids: &[String]) -> Vec<u32> {
    // A shop's ids begin alike and end differently. Where they part eight bytes tell nearly all of them apart, and are
    // compared without a look at the ids, which lie all over the memory.
    let common = ids
        .first()
        .map_or(0, |first| ids.iter().map(|id| alike(first.as_bytes(), id.as_bytes())).min().unwrap_or(0));
    let mut order: Vec<(u64, u32)> =
        ids.iter().map(|id| bytes_from(id.as_bytes(), common)).zip(0..).collect();
    order.par_sort_unstable_by(|(bytes, a), (others, b)| {
        bytes.cmp(others).then_with(|| ids[*a as usize].cmp(&ids[*b as usize]))
    });
    order.into_iter().map(|(_, place)| place).collect()
}

/// How many bytes two ids have in common from their begin on.
fn alike(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

/// Eight bytes of an id from a place on as a number that is ordered as they are; zeros where the id ends before.
fn bytes_from(id: &[u8], from: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(id.iter().skip(from)).for_each(|(byte, own)| *byte = *own);
    u64::from_be_bytes(bytes)
}

/// Keys are hashes already.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(customers: &[&str]) -> Orders {
        let mut collector = Collector::with_capacity(0);
        for (place, customer) in customers.iter().enumerate() {
            let line = ExportedLine {
                customer: customer.as_bytes(),
                order: b"1",
                minute: place as i32,
                product: Some(customer.as_bytes()),
                category: None,
                quantity: 1.0,
                amount: 2.0,
                list_amount: None,
                is_return: false,
            };
            collector.take(&line).expect("a line");
        }
        collector.finish()
    }

    #[test]
    fn ids_are_ordered_as_texts_are() {
        let ids = [
            "C0000000012",
            "C00000000",
            "C0000000012\0",
            "C0000000002",
            "C000000000",
            "C00000000123",
            "C00000000é",
        ];
        for count in 0..=ids.len() {
            let ids: Vec<String> = ids[..count].iter().map(|id| (*id).to_owned()).collect();
            let mut expected: Vec<u32> = (0..ids.len() as u32).collect();
            expected.sort_by_key(|place| &ids[*place as usize]);
            assert_eq!(in_order(&ids), expected);
        }
        let unlike = ["b", "", "a", "é", "aa"].map(str::to_owned);
        assert_eq!(in_order(&unlike), [1, 2, 4, 0, 3]);
    }

    #[test]
    fn lines_that_come_together_and_apart_are_the_same_customers() {
        let orders = collected(&["b", "b", "a", "b", "a", "a", "b"]);
        assert_eq!(orders.customers, ["a", "b"]);
        assert_eq!((orders.lines.of(0).len(), orders.lines.of(1).len()), (3, 4));
    }

    #[test]
    fn some_customers_orders_are_as_if_only_theirs_had_been_read() {
        let all = collected(&["d", "a", "g", "b", "e"]);
        for ids in [&["a", "b", "c", "d", "e", "g"][..], &["b", "e"], &["c", "f", "h"], &[], &["0", "g", "z"]]
        {
            let own = all.of(ids.iter().copied());
            let expected: Vec<&str> = ids.iter().copied().filter(|id| "abdeg".contains(id)).collect();
            assert_eq!(own.customers, expected);
            let minutes: Vec<i32> =
                expected.iter().map(|id| "dagbe".find(id).expect("one of them") as i32).collect();
            assert_eq!(own.lines.minutes(), minutes);
        }
    }
}
