//! One order while its rows are read: fields that some rows leave blank are filled from the others, and what the file
//! says of the order as a whole (a discount, a refund) is put to its lines at the end.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::cells::{Cells, Written, Wrong, to_cents};
use crate::orders::profiles::{Meaning, Status};
use crate::orders::statement::{Line, Party, Payment, Statement};

#[derive(Debug, Default)]
pub(super) struct Order {
    pub(super) id: String,
    pub(super) customer: Party,
    first_name: Option<String>,
    last_name: Option<String>,
    placed_at: Option<DateTime<Utc>>,
    /// Whether a time of day stood with it.
    pub(super) has_time: bool,
    paid_at: Option<DateTime<Utc>>,
    fulfilled_at: Option<DateTime<Utc>>,
    cancelled_at: Option<DateTime<Utc>>,
    stated_at: Option<DateTime<Utc>>,
    is_test: bool,
    /// Where a column says yes or no instead of a time.
    is_cancelled: bool,
    is_paid: Option<bool>,
    /// Whether a word says that it was sent.
    is_sent: bool,
    status: Option<Status>,
    currency: Option<[u8; 3]>,
    pub(super) lines: Vec<Line>,
    line_discounts: Decimal,
    /// Whether lines say themselves what was given back of them.
    has_line_refunds: bool,
    /// Whether rows were left out that are no products and are in the subtotal.
    has_no_products: bool,
    discount: Option<Decimal>,
    subtotal: Option<Decimal>,
    refund: Option<Decimal>,
    /// What the rows say of the whole order, where nothing says it of its lines: one for each line.
    totals: Vec<Option<Decimal>>,
    /// Whether that may be what lines amount to.
    is_total_unclear: bool,
    /// Whether all of it was given back, where a column says yes instead of how much.
    is_refunded: bool,
    /// Where the currency is that of a sign which several have.
    by_sign: Option<Meaning>,
}

/// A word for the state of an order is not known.
pub(super) const STATUS_UNKNOWN: &str = "status_unknown";
/// Whether lines amount to what the order is said to is asked at each row, and of more lines than these no more.
const LINES_ADDED: usize = 1_000;
/// So many characters of what stands in a cell are told.
pub(super) const WORD_SHOWN: usize = 60;

/// Something to say of a row that was taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Remark {
    pub(super) reason: &'static str,
    pub(super) column: Meaning,
    pub(super) message: String,
}

impl Order {
    pub(super) fn new(id: &str) -> Order {
        Order { id: id.to_owned(), ..Order::default() }
    }

    /// Adds a row.
    pub(super) fn add(&mut self, cells: &Cells<'_, '_>, remarks: &mut Vec<Remark>) -> Result<(), Wrong> {
        self.add_customer(cells)?;
        if self.lines.is_empty()
            && let Some(text) = cells.no_email()
        {
            let seen: String = text.chars().take(WORD_SHOWN).collect();
            remarks.push(Remark {
                reason: "address_unreadable",
                column: Meaning::CustomerEmail,
                message: format!(
                    "`{seen}` is no e-mail address, as name@example.com is, and counts as not there"
                ),
            });
        }
        let currency = cells.currency()?;
        if let (Some(known), Some(other)) = (self.currency, currency)
            && known != other
        {
            return Err(Wrong {
                reason: "other_currency",
                column: Some(Meaning::Currency),
                message: format!(
                    "the row is in {} and its order in {}; an order has one currency",
                    code(other),
                    code(known)
                ),
            });
        }
        fill(&mut self.currency, currency);
        if self.placed_at.is_none()
            && let Some((time, has_time)) = cells.moment(Meaning::OrderedAt)?
        {
            (self.placed_at, self.has_time) = (Some(time), has_time);
        }
        match cells.whether(Meaning::CancelledAt) {
            Some(is_cancelled) => self.is_cancelled |= is_cancelled,
            None if cells.is_called_cancelled() => self.is_cancelled = true,
            None if self.cancelled_at.is_none() => {
                self.cancelled_at = cells.time(Meaning::CancelledAt)?;
            }
            None => {}
        }
        let is_paid = cells.whether(Meaning::PaidAt);
        fill(&mut self.is_paid, is_paid);
        for (slot, meaning) in [
            (&mut self.paid_at, Meaning::PaidAt),
            (&mut self.fulfilled_at, Meaning::FulfilledAt),
            (&mut self.stated_at, Meaning::UpdatedAt),
        ] {
            if meaning == Meaning::PaidAt && is_paid.is_some() {
                continue;
            }
            match cells.time(meaning) {
                Ok(time) => fill(slot, time),
                // Nothing hangs on it but precision.
                Err(wrong) => remarks.push(Remark {
                    reason: wrong.reason,
                    column: meaning,
                    message: format!("{}; it counts as not there", wrong.message),
                }),
            }
        }
        self.is_test |= cells.truth(Meaning::IsTest)?.unwrap_or(false) || cells.is_test_payment();
        if self.status.is_none() {
            self.is_sent |= cells.is_sent();
            match cells.status() {
                None => {}
                Some(Ok(status)) => self.status = Some(status),
                Some(Err(word)) => {
                    self.status = Some(Status::Placed);
                    let word: String = word.chars().take(WORD_SHOWN).collect();
                    remarks.push(Remark {
                        reason: STATUS_UNKNOWN,
                        column: Meaning::Status,
                        message: format!("the status `{word}` is not known; the order counts as placed, and whether it was paid as not told"),
                    });
                }
            }
        }
        for (slot, meaning) in [
            (&mut self.discount, Meaning::OrderDiscount),
            (&mut self.subtotal, Meaning::OrderSubtotal),
            (&mut self.refund, Meaning::OrderRefund),
        ] {
            if slot.is_some() {
                continue;
            }
            if meaning == Meaning::OrderRefund
                && let Some(is_refunded) = cells.word_of_truth(meaning)
            {
                self.is_refunded |= is_refunded;
                continue;
            }
            if meaning == Meaning::OrderRefund
                && cells.columns.is_unclear(meaning)
                && cells.text(meaning) == Some("1")
            {
                remarks.push(Remark {
                    reason: "refund_of_one",
                    column: meaning,
                    message: "`1` is taken as an amount that was given back; if it means that all was, a mapping may leave the column out, and name one of words as `status`".to_owned(),
                });
            }
            match cells.money(meaning, self.currency) {
                Ok(written) => *slot = written.map(|written| written.value.abs()),
                // By its name alone it may be something else.
                Err(wrong) if cells.columns.is_unclear(meaning) => {
                    remarks.push(uncounted(wrong, meaning));
                }
                Err(wrong) => return Err(wrong),
            }
        }
        let before = self.by_sign;
        self.add_line(cells, remarks)?;
        if before.is_none()
            && let (Some(column), Some(currency)) = (self.by_sign, self.currency)
        {
            remarks.push(Remark {
                reason: "currency_of_sign",
                column,
                message: format!(
                    "the amounts stand with a sign that several currencies have; they are taken as {}; if they are in another one, state it by the parameter `currency`",
                    code(currency)
                ),
            });
        }
        Ok(())
    }

    fn add_customer(&mut self, cells: &Cells<'_, '_>) -> Result<(), Wrong> {
        let customer = &mut self.customer;
        if customer.shop_id.is_none() {
            customer.shop_id = cells.id(Meaning::CustomerId)?.map(str::to_owned);
        }
        if customer.email.is_none() {
            customer.email = cells.email().map(str::to_owned);
        }
        if customer.phone.is_none() {
            customer.phone = cells.phone().map(str::to_owned);
        }
        if customer.name.is_none() {
            customer.name = cells.customer_name();
        }
        if self.first_name.is_none() {
            self.first_name = cells.label(Meaning::FirstName);
        }
        if self.last_name.is_none() {
            self.last_name = cells.label(Meaning::LastName);
        }
        Ok(())
    }

    fn add_line(&mut self, cells: &Cells<'_, '_>, remarks: &mut Vec<Remark>) -> Result<(), Wrong> {
        let has = |meaning| cells.columns.index(meaning).is_some();
        let quantity = match cells.quantity()? {
            Some(quantity) => quantity,
            None if has(Meaning::Quantity) => return Err(missing(Meaning::Quantity)),
            None => Decimal::ONE,
        };
        let discount = match self.money(cells, Meaning::LineDiscount) {
            Err(wrong) if cells.columns.is_unclear(Meaning::LineDiscount) => {
                remarks.push(uncounted(wrong, Meaning::LineDiscount));
                None
            }
            read => read?,
        };
        let discount = discount.unwrap_or_default().abs();
        let mut list_amount = self.money(cells, Meaning::ListAmount)?.map(to_cents);
        let amount = if has(Meaning::Amount) {
            let amount = self.money(cells, Meaning::Amount)?.ok_or_else(|| missing(Meaning::Amount))?;
            if amount.normalize().scale() > 2 && cells.has_three_decimals(self.currency) {
                remarks.push(Remark {
                    reason: "amount_rounded",
                    column: Meaning::Amount,
                    message: "amounts are kept to two decimals; this one was rounded".to_owned(),
                });
            }
            let off = if cells.columns.profile.is_amount_before_discount { discount } else { Decimal::ZERO };
            less(amount, off)
        } else if has(Meaning::OrderTotal) {
            let total = self.money(cells, Meaning::OrderTotal)?.map(to_cents);
            self.totals.push(total);
            self.is_total_unclear = cells.columns.is_total_unclear;
            // It is put to the lines when all of them are known.
            total.unwrap_or_default()
        } else {
            let price = self.money(cells, Meaning::UnitPrice)?.ok_or_else(|| missing(Meaning::UnitPrice))?;
            let before = quantity * price;
            if discount > Decimal::ZERO && list_amount.is_none() {
                list_amount = Some(to_cents(before));
            }
            let after = less(before, discount);
            self.line_discounts += (before - after).max(Decimal::ZERO);
            after
        };
        let amount = to_cents(amount);
        if amount.abs() > Decimal::from(10_000_000) {
            return Err(Wrong {
                reason: "number_out_of_range",
                column: Some(Meaning::UnitPrice),
                message: "quantity times unit price is out of range".to_owned(),
            });
        }
        let title = cells.label(Meaning::Title);
        let no_products = cells.columns.profile.no_products;
        let is_none = |title: &str| no_products.contains(&tables::plain_name(title).as_str());
        if !no_products.is_empty() && title.as_deref().is_some_and(is_none) {
            self.has_no_products = true;
            remarks.push(Remark {
                reason: "tip",
                column: Meaning::Title,
                message: "a tip is no product; it was left out of the order's lines".to_owned(),
            });
            return Ok(());
        }
        let is_return = match cells.truth(Meaning::IsReturn)? {
            Some(told) => told,
            // A negative line takes something back. The order's number says nothing: shops have orders C1001.
            None => {
                quantity.is_sign_negative() && !quantity.is_zero()
                    || amount.is_sign_negative() && !amount.is_zero()
            }
        };
        let line = Line {
            line_id: cells.id(Meaning::LineId)?.map(str::to_owned),
            product_id: cells.id(Meaning::ProductId)?.map(str::to_owned),
            category: cells.label(Meaning::Category),
            title,
            quantity,
            amount: if is_return { -amount.abs() } else { amount },
            list_amount,
            is_return,
            at: if is_return { cells.time(Meaning::ReturnedAt)? } else { None },
        };
        let refund = self.money(cells, Meaning::LineRefund)?.map(|refund| to_cents(refund.abs()).min(amount));
        // Of a line whose amount is not known yet nothing can go back.
        let may_go_back = !is_return && self.totals.is_empty();
        let is_given_back = cells.columns.is_quantity_net && quantity.is_zero();
        self.has_line_refunds |= is_given_back || refund.is_some_and(|refund| refund > Decimal::ZERO);
        let back = refund.filter(|refund| *refund > Decimal::ZERO && may_go_back).map(|refund| Line {
            line_id: line.line_id.as_ref().map(|id| format!("{id} refund")),
            list_amount: None,
            quantity: Decimal::ZERO,
            amount: -refund,
            is_return: true,
            at: cells.time(Meaning::ReturnedAt).ok().flatten(),
            ..line.clone()
        });
        self.lines.push(line);
        self.lines.extend(back);
        Ok(())
    }

    fn money(&mut self, cells: &Cells<'_, '_>, meaning: Meaning) -> Result<Option<Decimal>, Wrong> {
        let Some(Written { value, currency, is_by_sign, .. }) = cells.money(meaning, self.currency)? else {
            return Ok(None);
        };
        if is_by_sign {
            self.by_sign.get_or_insert(meaning);
        }
        // `12.50 EUR` in a file without a column for currencies says it as well.
        fill(&mut self.currency, currency);
        Ok(Some(value))
    }

    /// The order as a whole, when all its rows were read.
    pub(super) fn finish(mut self, currency: &str, is_currency_assumed: bool) -> Result<Statement, Wrong> {
        if self.customer.shop_id.is_none() && self.customer.email.is_none() && self.customer.phone.is_none() {
            return Err(Wrong {
                reason: "customer_missing",
                column: Some(Meaning::CustomerId),
                message: "customer_id is missing".to_owned(),
            });
        }
        let placed_at = self.placed_at.ok_or_else(|| missing(Meaning::OrderedAt))?;
        if self.totals.is_empty() {
            self.share_discount();
        } else {
            self.share_total()?;
        }
        self.give_back();
        // Orders wait by the thousand until they are stored.
        self.lines.shrink_to_fit();
        let name = match (self.first_name.take(), self.last_name.take()) {
            (Some(first), Some(last)) => Some(format!("{first} {last}")),
            (one, other) => one.or(other),
        };
        let cancelled_at = match (self.cancelled_at, self.status) {
            (None, Some(Status::Cancelled)) => Some(self.stated_at.unwrap_or(placed_at)),
            (None, _) if self.is_cancelled => Some(self.stated_at.unwrap_or(placed_at)),
            (told, _) => told,
        };
        // When it was sent such a word does not say; not before it was last changed, or placed.
        let sent_at = self.is_sent.then(|| self.stated_at.unwrap_or(placed_at));
        let payment = match self.status {
            _ if self.is_refunded => Payment::Refunded,
            // That it is new, or on its way, does not say that it was paid, where a column of its own says that it was not.
            Some(Status::Placed | Status::Paid) if self.is_paid == Some(false) => Payment::Pending,
            Some(status) => status.payment(),
            // A time of payment says that it was paid.
            None if self.paid_at.is_some() || self.is_paid == Some(true) => Payment::Paid,
            None if self.is_paid == Some(false) => Payment::Pending,
            None => Payment::Placed,
        };
        Ok(Statement {
            order_id: self.id,
            customer: Party { name: self.customer.name.or(name), ..self.customer },
            placed_at,
            paid_at: self.paid_at,
            fulfilled_at: self.fulfilled_at.or(sent_at),
            cancelled_at,
            stated_at: self.stated_at,
            is_test: self.is_test,
            payment,
            is_currency_assumed: is_currency_assumed && self.currency.is_none(),
            currency: self.currency.map_or_else(|| currency.to_owned(), code),
            lines: self.lines,
        })
    }

    /// Whether its lines amount to what the order is said to: none of them is missing.
    pub(super) fn is_whole(&self) -> bool {
        let subtotal = self.subtotal.map(to_cents).filter(|subtotal| *subtotal > Decimal::ZERO);
        let Some(subtotal) = subtotal.filter(|_| self.lines.len() <= LINES_ADDED) else { return false };
        let off = self.sold() - subtotal;
        let discount = to_cents(self.discount.unwrap_or_default());
        off == discount || off == discount - to_cents(self.line_discounts)
    }

    /// Whether a row with the order's own data is one more line of it, where somebody filled blank cells with what stands
    /// above them: it says the same of the order, whose subtotal has room for it.
    pub(super) fn is_filled_down_by(&self, cells: &Cells<'_, '_>) -> bool {
        let subtotal = self.subtotal.map(to_cents).filter(|_| self.lines.len() <= LINES_ADDED);
        let Some(subtotal) = subtotal else { return false };
        let money = |meaning| {
            let written = cells.money(meaning, self.currency).ok().flatten();
            written.map(|written| to_cents(written.value.abs()))
        };
        let quantity = cells.quantity().ok().flatten().unwrap_or(Decimal::ONE);
        let Some(price) = money(Meaning::UnitPrice) else { return false };
        let worth = self.sold() + to_cents(quantity * price);
        money(Meaning::OrderSubtotal) == Some(subtotal)
            && cells.status().and_then(Result::ok) == self.status
            && worth <= subtotal + to_cents(self.discount.unwrap_or_default())
    }

    /// What its lines amount to and its subtotal, where lines are missing.
    pub(super) fn lacks(&self) -> Option<(Decimal, Decimal)> {
        let (sold, subtotal) = (self.sold(), to_cents(self.subtotal?));
        (sold < subtotal && !self.has_no_products).then_some((sold, subtotal))
    }

    /// Whether no row names a currency.
    pub(super) fn has_no_currency(&self) -> bool {
        self.currency.is_none()
    }

    /// What was paid for the order is put to its lines by their pieces. Discounts are in it already.
    fn share_total(&mut self) -> Result<(), Wrong> {
        let wrong = |reason: &'static str, message: String| {
            Err(Wrong { reason, column: Some(Meaning::OrderTotal), message })
        };
        let mut stated = self.totals.iter().flatten();
        let Some(total) = stated.next().copied() else { return Err(missing(Meaning::OrderTotal)) };
        let others = stated.clone().count();
        let is_one = stated.all(|other| *other == total);
        if !is_one && self.is_total_unclear && self.totals.iter().all(Option::is_some) {
            // Of each line its own: that is what they amount to.
            return Ok(());
        }
        if !is_one {
            return wrong(
                "totals_differ",
                "rows of the order have several totals; state by a mapping which column is the `amount` of a line".to_owned(),
            );
        }
        if others > 0 && self.is_total_unclear {
            return wrong(
                "total_ambiguous",
                format!(
                    "the same total, {total}, stands in each row of the order: it may be the order's or each line's; state by a mapping whether the column is `order_total` or `amount`"
                ),
            );
        }
        let is_return =
            (total.is_sign_negative() && !total.is_zero()) || self.lines.iter().all(|line| line.is_return);
        let total = if is_return { -total.abs() } else { total };
        let weight = |line: &Line| if line.quantity > Decimal::ZERO { line.quantity } else { Decimal::ONE };
        let whole: Decimal = self.lines.iter().map(weight).sum();
        let (mut left, last) = (total, self.lines.len().saturating_sub(1));
        for (index, line) in self.lines.iter_mut().enumerate() {
            let share = if index == last { left } else { to_cents(total * weight(line) / whole) };
            left -= share;
            (line.amount, line.is_return) = (share, is_return);
        }
        Ok(())
    }

    fn sold(&self) -> Decimal {
        self.lines.iter().filter(|line| !line.is_return).map(|line| line.amount).sum()
    }

    /// What was taken off the whole order is taken off its lines in their proportion. The subtotal says it best; without
    /// one it is the discount, as far as lines do not have it already.
    fn share_discount(&mut self) {
        let sold = self.sold();
        let off = match (self.subtotal, self.discount) {
            (Some(subtotal), Some(discount)) => (sold - to_cents(subtotal)).min(to_cents(discount)),
            (Some(subtotal), None) => sold - to_cents(subtotal),
            (None, Some(discount)) => to_cents(discount) - to_cents(self.line_discounts),
            (None, None) => return,
        };
        if off <= Decimal::ZERO || sold <= Decimal::ZERO {
            return;
        }
        let off = off.min(sold);
        let mut left = off;
        let last = self.lines.iter().rposition(|line| !line.is_return && line.amount > Decimal::ZERO);
        for (index, line) in self.lines.iter_mut().enumerate() {
            if line.is_return || line.amount <= Decimal::ZERO {
                continue;
            }
            let share = if Some(index) == last { left } else { to_cents(off * line.amount / sold) };
            let share = share.min(line.amount);
            line.list_amount.get_or_insert(line.amount);
            line.amount -= share;
            left -= share;
        }
    }

    /// A refund of the order is a return of its own, because the file does not say of which line. Of shipping and taxes
    /// that are in it nothing was counted, so no more goes back than was sold. Lines that say it themselves know it better.
    fn give_back(&mut self) {
        let Some(refund) = self.refund.map(to_cents).filter(|_| !self.has_line_refunds) else { return };
        let worth: Decimal = self.lines.iter().map(|line| line.amount).sum();
        let amount = refund.min(worth);
        if amount <= Decimal::ZERO {
            return;
        }
        self.lines.push(Line {
            line_id: Some("refund".to_owned()),
            product_id: None,
            category: None,
            title: None,
            quantity: Decimal::ZERO,
            amount: -amount,
            list_amount: None,
            is_return: true,
            at: None,
        });
    }
}

/// What is left of a line's worth after a discount, of a return as well: no more goes off than it is worth, because less
/// than nothing would be a return.
fn less(worth: Decimal, discount: Decimal) -> Decimal {
    if worth.is_sign_negative() { worth + discount.min(-worth) } else { worth - discount.min(worth) }
}

/// What cannot be read, and is of no such weight that the row is left out.
fn uncounted(wrong: Wrong, column: Meaning) -> Remark {
    let message = format!("{}; it counts as not there", wrong.message);
    Remark { reason: wrong.reason, column, message }
}

fn code(currency: [u8; 3]) -> String {
    currency.map(char::from).iter().collect()
}

fn missing(meaning: Meaning) -> Wrong {
    Wrong { reason: "cell_missing", column: Some(meaning), message: format!("{} is missing", meaning.name()) }
}

fn fill<T>(slot: &mut Option<T>, value: Option<T>) {
    if slot.is_none() {
        *slot = value;
    }
}
