//! Online Retail and Online Retail II, the logs of a gift wholesaler that many programs are tried with. Credit notes have
//! numbers with a C and negative quantities; it is the quantity that says so, because shops have orders of such numbers.

use super::Meaning::{CustomerId, OrderId, OrderedAt, ProductId, Quantity, Title, UnitPrice};
use super::Profile;

pub(super) const LOG: Profile = Profile {
    name: "online_retail",
    title: "Online Retail, a wholesaler's log",
    signature: &["stockcode", "invoicedate", "customerid", "quantity"],
    columns: &[
        ("invoiceno", OrderId),
        ("invoice", OrderId),
        ("stockcode", ProductId),
        ("description", Title),
        ("quantity", Quantity),
        ("invoicedate", OrderedAt),
        ("unitprice", UnitPrice),
        ("price", UnitPrice),
        ("customerid", CustomerId),
    ],
    unused: &["country"],
    statuses: &[],
    is_amount_before_discount: false,
    no_products: &[],
    guests: &[],
    dates: None,
    first_row: None,
};
