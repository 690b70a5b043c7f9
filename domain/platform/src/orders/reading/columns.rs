//! Which column of a file means what: by the profile that its header shows, or by a mapping.

use serde::Serialize;
use tables::{Row, plain_name};

use super::error::ReadError;
use super::unread::{self, Unread};
use crate::orders::mapping::Mapping;
use crate::orders::profiles::{self, Meaning, Profile};

/// A column and what was made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name, as written.
    pub name: String,
    /// What it means, if it is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meaning: Option<Meaning>,
    /// What became of it.
    pub role: Role,
}

/// What became of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It is read.
    Read,
    /// Another column that means the same is read.
    Doubled,
    /// It is known and of no use here.
    Unused,
    /// It was not understood.
    Unknown,
    /// It has no name.
    Unnamed,
}

const MEANINGS: usize = Meaning::OrderTotal as usize + 1;

/// Names by which some mean the sum of an order and others that of a line, by their plain forms.
const UNCLEAR_TOTALS: [&str; 12] = [
    "total",
    "totalamount",
    "totalprice",
    "gesamt",
    "gesamtpreis",
    "gesamtpreisbrutto",
    "gesamtbrutto",
    "summe",
    "montanttotal",
    "totalttc",
    "totalht",
    "warenwert",
];

/// Names by which some mean a customer's id and others the name, by their plain forms.
const UNCLEAR_CUSTOMERS: [&str; 7] = ["customer", "kunde", "client", "cliente", "kund", "klant", "klient"];
/// Names of discounts by which some mean a line's, others the order's or a percentage, by their plain forms.
const UNCLEAR_DISCOUNTS: [&str; 9] = [
    "discount",
    "discountamount",
    "rabatt",
    "rabattbetrag",
    "nachlass",
    "remise",
    "sconto",
    "descuento",
    "korting",
];

/// Names by which some mean how much was given back, and others whether or when, by their plain forms.
const UNCLEAR_REFUNDS: [&str; 8] = [
    "refund",
    "refunded",
    "erstattet",
    "erstattung",
    "rembours\u{e9}",
    "remboursement",
    "rimborsato",
    "reembolsado",
];

/// Names by which some mean the customer and others a product, by their plain forms.
const UNCLEAR_NAMES: [&str; 5] = ["name", "nom", "nombre", "nome", "\u{540d}\u{524d}"];

/// A row with so many names of columns is a line of them, if these are half of it.
const NAMES_ENOUGH: usize = 3;

/// The columns of a file.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    pub(super) profile: &'static Profile,
    pub(super) all: Vec<Column>,
    at: [Option<usize>; MEANINGS],
    /// Columns that say how far an order is, beside the first: one tells of its payment, another of the rest.
    pub(super) other_statuses: Vec<usize>,
    /// Whether the column of customers' ids may be one of names, which it is where these have addresses.
    pub(super) is_customer_unclear: bool,
    /// The column of ways of payment, by which a shop's tests are known.
    pub(super) payment_method: Option<usize>,
    /// Meanings whose column says by its name that its times are UTC.
    in_utc: Vec<Meaning>,
    /// Meanings whose column may say something else, by its name.
    unclear: Vec<Meaning>,
    /// Whether quantities are what is left after returns.
    pub(super) is_quantity_net: bool,
    /// Names that columns have in any export and in this file, plain and sorted.
    known_names: Vec<String>,
    /// Whether the column of orders' totals may be one of lines' amounts, by its name.
    pub(super) is_total_unclear: bool,
}

impl Columns {
    /// Makes sense of a header.
    pub(super) fn of(
        names: &[String],
        stated: Option<&str>,
        mapping: Option<&Mapping>,
    ) -> Result<Columns, ReadError> {
        let plain: Vec<String> = names.iter().map(|name| plain_name(name)).collect();
        let profile = match stated {
            Some(name) => profiles::named(name)
                .ok_or_else(|| ReadError::Option(format!("`profile` is none that is known: {name}")))?,
            None => profiles::recognise(&plain),
        };
        let mut columns = Columns {
            profile,
            all: names
                .iter()
                .zip(&plain)
                .map(|(name, plain)| {
                    let role = match plain.as_str() {
                        "" => Role::Unnamed,
                        plain if profile.unused.contains(&plain) => Role::Unused,
                        _ => Role::Unknown,
                    };
                    Column { name: name.clone(), meaning: None, role }
                })
                .collect(),
            at: [None; MEANINGS],
            other_statuses: Vec::new(),
            payment_method: plain.iter().position(|name| name == "paymentmethod"),
            in_utc: Vec::new(),
            unclear: Vec::new(),
            is_customer_unclear: false,
            is_quantity_net: false,
            known_names: profiles::known_names(),
            is_total_unclear: false,
        };
        columns.known_names.extend(plain.iter().filter(|name| !name.is_empty()).cloned());
        columns.known_names.sort_unstable();
        match mapping {
            Some(mapping) => columns.map(&plain, mapping)?,
            None => {
                columns.recognise(&plain)?;
                columns.take_name(&plain);
                columns.unclear = [
                    (Meaning::LineDiscount, &UNCLEAR_DISCOUNTS[..]),
                    (Meaning::OrderRefund, &UNCLEAR_REFUNDS[..]),
                ]
                .into_iter()
                .filter(|(meaning, names)| {
                    columns.index(*meaning).is_some_and(|index| names.contains(&plain[index].as_str()))
                })
                .map(|(meaning, _)| meaning)
                .collect();
            }
        }
        columns.in_utc = columns
            .all
            .iter()
            .zip(&plain)
            .filter(|(_, plain)| plain.ends_with("utc") || plain.ends_with("gmt"))
            .filter_map(|(column, _)| column.meaning.filter(|_| column.role == Role::Read))
            .collect();
        columns.complete()?;
        let is_called = |meaning, names: &[&str]| {
            mapping.is_none()
                && columns.index(meaning).is_some_and(|index| names.contains(&plain[index].as_str()))
        };
        let is_total_unclear = is_called(Meaning::OrderTotal, &UNCLEAR_TOTALS);
        let is_customer_unclear = is_called(Meaning::CustomerId, &UNCLEAR_CUSTOMERS)
            && columns.index(Meaning::CustomerEmail).is_some();
        let is_quantity_net = is_called(Meaning::Quantity, &["quantityrefund"]);
        columns.is_total_unclear = is_total_unclear;
        columns.is_customer_unclear = is_customer_unclear;
        columns.is_quantity_net = is_quantity_net;
        Ok(columns)
    }

    fn map(&mut self, plain: &[String], mapping: &Mapping) -> Result<(), ReadError> {
        for (name, meaning) in &mapping.columns {
            let wanted = plain_name(name);
            let mut found = plain.iter().enumerate().filter(|(_, plain)| **plain == wanted);
            let Some((index, _)) = found.next() else {
                return Err(ReadError::Mapping(format!(
                    "the mapping names the column `{name}`, which the file does not have"
                )));
            };
            if found.next().is_some() {
                return Err(ReadError::Twice(name.clone()));
            }
            self.take(index, *meaning);
        }
        Ok(())
    }

    /// By the profile's table, in its order: a name of our own goes before the names that others use for it.
    fn recognise(&mut self, plain: &[String]) -> Result<(), ReadError> {
        for (name, meaning) in self.profile.columns {
            for index in plain.iter().enumerate().filter(|(_, plain)| plain == name).map(|(index, _)| index) {
                let is_needed = matches!(
                    meaning,
                    Meaning::OrderId
                        | Meaning::CustomerId
                        | Meaning::OrderedAt
                        | Meaning::Quantity
                        | Meaning::Amount
                );
                // The same name twice: where the figures hang on it, the first is as wrong as the second.
                let is_same = self.at[*meaning as usize].is_some_and(|at| plain[at] == *name);
                if is_needed && is_same {
                    return Err(ReadError::Twice(self.all[index].name.clone()));
                }
                self.take(index, *meaning);
            }
        }
        Ok(())
    }

    fn take(&mut self, index: usize, meaning: Meaning) {
        let slot = &mut self.at[meaning as usize];
        let column = &mut self.all[index];
        column.meaning = Some(meaning);
        column.role = if slot.is_none() || meaning == Meaning::Status { Role::Read } else { Role::Doubled };
        if slot.is_some() && meaning == Meaning::Status {
            self.other_statuses.push(index);
        }
        slot.get_or_insert(index);
    }

    fn complete(&mut self) -> Result<(), ReadError> {
        let has = |meaning: Meaning| self.at[meaning as usize].is_some();
        let has_amounts = has(Meaning::Amount) || (has(Meaning::UnitPrice) && has(Meaning::Quantity));
        let mut what = Vec::new();
        if !has_amounts && !has(Meaning::OrderTotal) {
            if !has(Meaning::UnitPrice) {
                what.push("amount");
            } else if !has(Meaning::Quantity) {
                what.push("quantity");
            }
        }
        if ![Meaning::CustomerId, Meaning::CustomerEmail, Meaning::CustomerPhone, Meaning::CustomerName]
            .into_iter()
            .any(has)
        {
            what.push("customer_id");
        }
        if !has(Meaning::OrderId) {
            what.push("order_id");
        }
        if !has(Meaning::OrderedAt) {
            what.push("ordered_at");
        }
        if !what.is_empty() {
            let shown: Vec<&str> = self.all.iter().take(40).map(|column| column.name.as_str()).collect();
            return Err(ReadError::Missing {
                what,
                profile: self.profile.title,
                columns: shown.join(", ").chars().take(600).collect(),
                names: self.all.iter().map(|column| column.name.clone()).collect(),
            });
        }
        // A price beside the amount is not needed, nor the order's total where its lines have amounts, nor a price that
        // says nothing without a quantity where there is a total.
        let has_amount = has(Meaning::Amount);
        if has_amounts {
            self.leave(Meaning::OrderTotal);
        }
        if has_amount || !has_amounts {
            self.leave(Meaning::UnitPrice);
            // Whether it is in the amounts already nothing says.
            if self.is_unclear(Meaning::LineDiscount)
                && let Some(index) = self.at[Meaning::LineDiscount as usize].take()
            {
                (self.all[index].role, self.all[index].meaning) = (Role::Unknown, None);
                self.unclear.retain(|meaning| *meaning != Meaning::LineDiscount);
            }
        }
        Ok(())
    }

    /// A column `Name` beside the one of customers' addresses or ids is theirs, and not a product's; beside their first names it
    /// is the last ones, and the other way round.
    fn take_name(&mut self, plain: &[String]) {
        let has = |columns: &Columns, meaning: Meaning| columns.at[meaning as usize].is_some();
        if has(self, Meaning::CustomerName) || !self.profile.signature.is_empty() {
            return;
        }
        let meaning_at = |index: Option<usize>| index.and_then(|index| self.all.get(index)?.meaning);
        let is_theirs = |index: usize| {
            let beside = [meaning_at(index.checked_sub(1)), meaning_at(Some(index + 1))];
            let is_of = |kinds: &[Meaning]| beside.iter().flatten().any(|meaning| kinds.contains(meaning));
            let is_customers = is_of(&[
                Meaning::CustomerEmail,
                Meaning::CustomerId,
                Meaning::CustomerPhone,
                Meaning::FirstName,
                Meaning::LastName,
            ]);
            let is_products = is_of(&[
                Meaning::ProductId,
                Meaning::Category,
                Meaning::Quantity,
                Meaning::UnitPrice,
                Meaning::Amount,
                Meaning::LineId,
            ]);
            is_customers && (!is_products || has(self, Meaning::Title))
        };
        let found = (0..plain.len()).find(|index| {
            self.all[*index].role == Role::Unknown
                && UNCLEAR_NAMES.contains(&plain[*index].as_str())
                && is_theirs(*index)
        });
        let Some(index) = found else { return };
        let meaning = match (has(self, Meaning::FirstName), has(self, Meaning::LastName)) {
            (true, false) => Meaning::LastName,
            (false, true) => Meaning::FirstName,
            _ => Meaning::CustomerName,
        };
        self.take(index, meaning);
    }

    /// Whether times of this meaning are UTC where they name no offset.
    pub(super) fn is_in_utc(&self, meaning: Meaning) -> bool {
        self.in_utc.contains(&meaning)
    }

    /// Whether the column of this meaning may say something else, by its name.
    pub(super) fn is_unclear(&self, meaning: Meaning) -> bool {
        self.unclear.contains(&meaning)
    }

    /// Whether a column of states is about the payment alone, by its name.
    pub(super) fn is_of_payment(&self, index: usize) -> bool {
        const WORDS: [&str; 8] =
            ["pay", "zahl", "financ", "paiement", "pago", "pagamento", "betal", "p\u{142}atno"];
        let name = plain_name(&self.all[index].name);
        WORDS.iter().any(|word| name.contains(word)) || self.profile.name == "stripe_charges"
    }

    /// Columns that are not read, and look as if the figures hang on them.
    pub(super) fn unread(&self) -> Vec<(Unread, &Column)> {
        let unknown = self.all.iter().filter(|column| column.role == Role::Unknown);
        unknown.filter_map(|column| Some((unread::of(&column.name)?, column))).collect()
    }

    /// A meaning is of no use in this file.
    fn leave(&mut self, meaning: Meaning) {
        if let Some(index) = self.at[meaning as usize].take() {
            self.all[index].role = Role::Unused;
        }
    }

    /// Where a meaning is found.
    pub(super) fn index(&self, meaning: Meaning) -> Option<usize> {
        self.at[meaning as usize]
    }

    /// Whether a row, whose order is `id`, is the line of column names once more.
    pub(super) fn are_named_by(&self, row: &Row<'_>, id: &str) -> bool {
        let is_name = |index: usize| self.all[index].name == row.cell(index).trim();
        self.index(Meaning::OrderId).is_some_and(|index| self.all[index].name == id)
            && (0..self.all.len()).all(is_name)
    }

    /// Whether a row is a line of names of columns, of this file or of another export. What orders say has a figure in it.
    pub(super) fn is_header(&self, row: &Row<'_>) -> bool {
        let has_figures =
            row.cells().any(|cell| cell.trim_start().starts_with(|sign: char| sign.is_ascii_digit()));
        if has_figures {
            return false;
        }
        let (mut known, mut named) = (0, 0);
        for name in row.cells().map(plain_name).filter(|name| !name.is_empty()) {
            named += 1;
            known += usize::from(self.known_names.binary_search(&name).is_ok());
        }
        known >= NAMES_ENOUGH && known * 2 >= named
    }

    /// Whether a line of names has those of this file, each in its place.
    pub(super) fn are_those_of(&self, row: &Row<'_>) -> bool {
        let name =
            |index: usize| self.all.get(index).map_or_else(String::new, |column| plain_name(&column.name));
        (0..self.all.len().max(row.len())).all(|index| name(index) == plain_name(row.cell(index)))
    }

    /// Which columns have meanings of a kind.
    pub(super) fn indexes(&self, is_kind: impl Fn(Meaning) -> bool) -> Vec<usize> {
        self.all
            .iter()
            .enumerate()
            .filter(|(_, column)| column.role == Role::Read && column.meaning.is_some_and(&is_kind))
            .map(|(index, _)| index)
            .collect()
    }

    /// A column's name as the file writes it.
    pub(super) fn name(&self, meaning: Meaning) -> String {
        self.index(meaning).map_or_else(|| meaning.name().to_owned(), |index| self.all[index].name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(header: &str) -> Result<Columns, ReadError> {
        let names: Vec<String> = header.split(',').map(str::to_owned).collect();
        Columns::of(&names, None, None)
    }

    #[test]
    fn the_exact_name_wins_over_an_alias() {
        let found = columns(
            "Order ID,Order Number,Customer ID,Customer,Order Date,Quantity,Price,Unit Price,Email,Customer Email",
        )
        .expect("understood");
        let index = |meaning| found.index(meaning);
        assert_eq!(index(Meaning::OrderId), Some(0));
        assert_eq!(index(Meaning::CustomerId), Some(2));
        assert_eq!(index(Meaning::UnitPrice), Some(7));
        assert_eq!(index(Meaning::CustomerEmail), Some(9));
        let doubled: Vec<&str> = found
            .all
            .iter()
            .filter(|column| column.role == Role::Doubled)
            .map(|column| column.name.as_str())
            .collect();
        assert_eq!(doubled, ["Order Number", "Customer", "Price", "Email"]);
    }

    #[test]
    fn known_logs_are_understood() {
        assert_eq!(
            columns("order_id,customer_id,order_date,quantity,amount").expect("known").profile.name,
            "lines"
        );
        let retail =
            columns("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country");
        assert_eq!(retail.expect("known").profile.name, "online_retail");
    }

    #[test]
    fn what_is_missing_or_double_is_named() {
        let error = |header| columns(header).expect_err(header).to_string();
        assert!(error("order_id,order_date,amount").starts_with("there is no column for customer_id;"));
        assert!(
            error("order_id,customer_id,order_date,price").starts_with("there is no column for quantity;")
        );
        assert!(
            error("a,b,c").starts_with("there is no column for amount, customer_id, order_id, ordered_at;")
        );
        assert!(
            error("order_id,order_id,customer_id,order_date,amount")
                .starts_with("there are two columns `order_id`")
        );
        assert!(columns("order_id,customer_id,order_date,amount,email,email").is_ok());
    }

    #[test]
    fn a_total_is_read_where_nothing_says_what_lines_amount_to() {
        for (header, is_read, is_unclear) in [
            ("order_id,customer_id,order_date,total", true, true),
            ("order_id,customer_id,order_date,Order Total", true, false),
            ("Bestellnummer,Kunde,Datum,Gesamtbetrag", true, false),
            ("order_id,customer_id,order_date,price,total", true, true),
            ("order_id,customer_id,order_date,Total TTC", true, true),
            ("order_id,customer_id,order_date,amount,total", false, false),
            ("order_id,customer_id,order_date,quantity,price,total", false, false),
        ] {
            let found = columns(header).expect(header);
            assert_eq!(found.index(Meaning::OrderTotal).is_some(), is_read, "{header}");
            assert_eq!(found.is_total_unclear, is_unclear, "{header}");
            assert!(found.all.iter().all(|column| column.role != Role::Unknown), "{header}");
        }
    }
}
