//! Etsy's list of sold items: a row an item, with the price of one piece and what was taken off the row. Buyers have names
//! of their own at Etsy, by which they are known, and no addresses.

use super::Meaning::{
    Currency, CustomerId, CustomerName, FulfilledAt, LineDiscount, LineId, OrderId, OrderedAt, PaidAt,
    ProductId, Quantity, Title, UnitPrice,
};
use super::Profile;

pub(super) const ITEMS: Profile = Profile {
    name: "etsy_items",
    title: "Etsy's list of sold items",
    signature: &["saledate", "itemname", "buyer", "quantity", "price", "transactionid", "orderid"],
    columns: &[
        ("orderid", OrderId),
        ("buyer", CustomerId),
        ("shipname", CustomerName),
        ("saledate", OrderedAt),
        ("datepaid", PaidAt),
        ("dateshipped", FulfilledAt),
        ("transactionid", LineId),
        ("sku", ProductId),
        ("listingid", ProductId),
        ("itemname", Title),
        ("quantity", Quantity),
        ("price", UnitPrice),
        ("discountamount", LineDiscount),
        ("currency", Currency),
    ],
    unused: &[
        "couponcode",
        "coupondetails",
        "shippingdiscount",
        "ordershipping",
        "ordersalestax",
        "itemtotal",
        "shipaddress1",
        "shipaddress2",
        "shipcity",
        "shipstate",
        "shipzipcode",
        "shipcountry",
        "variations",
        "ordertype",
        "listingstype",
        "paymenttype",
        "inpersondiscount",
        "inpersonlocation",
        "vatpaidbybuyer",
    ],
    statuses: &[],
    is_amount_before_discount: false,
    no_products: &[],
    guests: &[],
    dates: None,
    first_row: None,
};
