//! Shopify's order export: a row a line item, the order's own fields on its first row only. A line has the price of one
//! piece before discounts; the order has its discount, its subtotal after it, and what was refunded.

use super::Meaning::{
    CancelledAt, Currency, CustomerEmail, CustomerName, CustomerPhone, FulfilledAt, LineDiscount, OrderDiscount, OrderId,
    OrderRefund, OrderSubtotal, OrderedAt, PaidAt, ProductId, Quantity, Status, Title, UnitPrice, IsTest, UpdatedAt,
};
use super::Profile;

pub(super) const ORDERS: Profile = Profile {
    name: "shopify_orders",
    title: "Shopify's order export",
    signature: &["name", "createdat", "lineitemquantity", "lineitemprice"],
    columns: &[
        ("name", OrderId),
        ("email", CustomerEmail),
        ("phone", CustomerPhone),
        ("billingphone", CustomerPhone),
        ("billingname", CustomerName),
        ("shippingname", CustomerName),
        ("financialstatus", Status),
        ("paidat", PaidAt),
        ("fulfilledat", FulfilledAt),
        ("createdat", OrderedAt),
        ("cancelledat", CancelledAt),
        ("updatedat", UpdatedAt),
        ("test", IsTest),
        ("currency", Currency),
        ("subtotal", OrderSubtotal),
        ("discountamount", OrderDiscount),
        ("refundedamount", OrderRefund),
        ("lineitemquantity", Quantity),
        ("lineitemname", Title),
        ("lineitemprice", UnitPrice),
        ("lineitemsku", ProductId),
        ("lineitemdiscount", LineDiscount),
    ],
    unused: &[
        "id", "acceptsmarketing", "fulfillmentstatus", "shipping", "taxes", "total", "discountcode", "shippingmethod",
        "lineitemcompareatprice", "lineitemrequiresshipping", "lineitemtaxable", "lineitemfulfillmentstatus",
        "billingstreet", "billingaddress1", "billingaddress2", "billingcompany", "billingcity", "billingzip",
        "billingprovince", "billingcountry", "shippingstreet", "shippingaddress1", "shippingaddress2",
        "shippingcompany", "shippingcity", "shippingzip", "shippingprovince", "shippingcountry", "shippingphone",
        "notes", "noteattributes", "paymentmethod", "paymentreference", "paymentreferences", "vendor",
        "outstandingbalance", "employee", "location", "deviceid", "tags", "risklevel", "source", "tax1name",
        "tax1value", "tax2name", "tax2value", "tax3name", "tax3value", "tax4name", "tax4value", "tax5name",
        "tax5value", "receiptnumber", "duties", "billingprovincename", "shippingprovincename", "paymentid",
        "paymenttermsname", "nextpaymentdueat",
    ],
    is_together: true,
    statuses: &[],
    is_amount_before_discount: false,
    no_products: &["tip"],
    dates: None,
};
