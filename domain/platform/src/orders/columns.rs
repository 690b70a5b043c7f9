//! Which column of a purchase log means what. Names are matched without regard to case and punctuation, so
//! `CustomerID`, `customer_id` and `Customer Id` are the same.

use super::records::fields;

/// Why a file's first line is not a usable header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The file is empty.
    #[error("the file is empty; it should begin with a line of column names")]
    Empty,
    /// The first line is not text, too long, or has an open quote.
    #[error("the first line is not a readable line of column names")]
    Unreadable,
    /// A column is not there.
    #[error("there is no column for {0}")]
    Missing(&'static str),
    /// Two columns mean the same.
    #[error("there are two columns for {0}")]
    Twice(&'static str),
}

/// Positions of the columns in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    /// How many columns there are, known or not.
    pub(super) count: usize,
    pub(super) customer_id: usize,
    pub(super) order_id: usize,
    pub(super) ordered_at: usize,
    pub(super) product_id: Option<usize>,
    pub(super) category: Option<usize>,
    pub(super) quantity: Option<usize>,
    pub(super) amount: Amount,
    pub(super) list_amount: Option<usize>,
    pub(super) is_return: Option<usize>,
    pub(super) currency: Option<usize>,
    pub(super) email: Option<usize>,
    pub(super) name: Option<usize>,
}

/// Where a line's amount comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Amount {
    /// A column has it.
    Told(usize),
    /// Quantity times the price in this column.
    FromUnitPrice(usize),
}

/// Reads the header line.
pub(super) fn read_header(line: &str) -> Result<Columns, HeaderError> {
    let line = line.strip_prefix('\u{feff}').unwrap_or(line);
    let names: Vec<String> = fields(line)
        .iter()
        .map(|name| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase())
        .collect();
    let find = |meaning: &'static str, aliases: &[&str]| {
        let mut positions = names.iter().enumerate().filter(|(_, name)| aliases.contains(&name.as_str()));
        match (positions.next(), positions.next()) {
            (_, Some(_)) => Err(HeaderError::Twice(meaning)),
            (found, None) => Ok(found.map(|(position, _)| position)),
        }
    };
    let need = |meaning: &'static str, aliases: &[&str]| {
        find(meaning, aliases)?.ok_or(HeaderError::Missing(meaning))
    };

    let quantity = find("quantity", &["quantity", "qty"])?;
    let amount = match find("amount", &["amount", "linetotal", "lineamount"])? {
        Some(position) => Amount::Told(position),
        None => match find("unit price", &["unitprice", "price"])? {
            Some(position) if quantity.is_some() => Amount::FromUnitPrice(position),
            Some(_) => return Err(HeaderError::Missing("quantity")),
            None => return Err(HeaderError::Missing("amount")),
        },
    };
    Ok(Columns {
        count: names.len(),
        customer_id: need("customer_id", &["customerid", "customer"])?,
        order_id: need("order_id", &["orderid", "invoiceno", "invoice", "ordernumber"])?,
        ordered_at: need("ordered_at", &["orderedat", "orderdate", "invoicedate"])?,
        product_id: find("product_id", &["productid", "stockcode", "sku"])?,
        category: find("category", &["category"])?,
        quantity,
        amount,
        list_amount: find("list_amount", &["listamount"])?,
        is_return: find("is_return", &["isreturn"])?,
        currency: find("currency", &["currency"])?,
        email: find("customer_email", &["customeremail", "email"])?,
        name: find("customer_name", &["customername"])?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_logs_are_understood() {
        let cdnow = read_header("order_id,customer_id,order_date,quantity,amount").expect("readable");
        assert_eq!((cdnow.order_id, cdnow.customer_id, cdnow.amount), (0, 1, Amount::Told(4)));
        let retail = read_header(
            "\u{feff}InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
        )
        .expect("readable");
        assert_eq!((retail.count, retail.product_id, retail.amount), (8, Some(1), Amount::FromUnitPrice(5)));
    }

    #[test]
    fn what_is_missing_or_double_is_named() {
        assert_eq!(read_header("order_id,order_date,amount"), Err(HeaderError::Missing("customer_id")));
        assert_eq!(
            read_header("order_id,customer_id,order_date,price"),
            Err(HeaderError::Missing("quantity"))
        );
        assert_eq!(read_header("order_id,customer_id,order_date"), Err(HeaderError::Missing("amount")));
        assert_eq!(
            read_header("order_id,InvoiceNo,customer_id,order_date,amount"),
            Err(HeaderError::Twice("order_id"))
        );
    }
}
