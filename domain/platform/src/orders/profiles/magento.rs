//! The order grid of Magento and Adobe Commerce: a row an order, without its items. The subtotal is what the goods cost;
//! the grand totals have shipping and taxes as well. `Closed` is an order that was given back whole.

use super::Meaning::{
    Amount, Currency, CustomerEmail, CustomerName, OrderId, OrderRefund, OrderedAt, Status, UpdatedAt,
};
use super::{Profile, Status as State};

pub(super) const ORDERS: Profile = Profile {
    name: "magento_orders",
    title: "Magento's order grid",
    signature: &["id", "purchasedate", "grandtotalbase", "customeremail", "subtotal", "status"],
    columns: &[
        ("id", OrderId),
        ("purchasedate", OrderedAt),
        ("customeremail", CustomerEmail),
        ("customername", CustomerName),
        ("billtoname", CustomerName),
        ("status", Status),
        ("subtotal", Amount),
        ("totalrefunded", OrderRefund),
        ("ordercurrency", Currency),
        ("currency", Currency),
        ("updatedat", UpdatedAt),
    ],
    unused: &[
        "purchasepoint",
        "shiptoname",
        "grandtotalbase",
        "grandtotalpurchased",
        "billingaddress",
        "shippingaddress",
        "shippinginformation",
        "customergroup",
        "shippingandhandling",
        "paymentmethod",
        "signifydguaranteedecision",
        "allocatedsources",
        "pickuplocationcode",
        "braintreetransactionsource",
        "transactionsource",
    ],
    statuses: &[
        ("closed", State::Refunded),
        ("pendingpaypal", State::Pending),
        ("suspectedfraud", State::Failed),
    ],
    is_amount_before_discount: false,
    no_products: &[],
    guests: &["0"],
    dates: None,
    first_row: None,
};
