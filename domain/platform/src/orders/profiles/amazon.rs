//! Amazon's order reports: tab-separated, a row an item, `item-price` for all pieces of it. The report of all orders says
//! nothing about buyers, so its orders are left out, with that reason; the report of new orders does.

use super::Meaning::{
    Amount, Currency, CustomerEmail, CustomerName, CustomerPhone, LineDiscount, LineId, OrderId, OrderedAt, PaidAt,
    ProductId, Quantity, Status, Title, UpdatedAt,
};
use super::{Profile, Status as State};

pub(super) const ORDERS: Profile = Profile {
    name: "amazon_orders",
    title: "Amazon's report of all orders",
    signature: &["amazonorderid", "purchasedate", "orderstatus", "quantity", "itemprice"],
    columns: &[
        ("amazonorderid", OrderId),
        ("buyeremail", CustomerEmail),
        ("buyername", CustomerName),
        ("buyerphonenumber", CustomerPhone),
        ("purchasedate", OrderedAt),
        ("lastupdateddate", UpdatedAt),
        ("orderstatus", Status),
        ("orderitemid", LineId),
        ("sku", ProductId),
        ("asin", ProductId),
        ("productname", Title),
        ("quantity", Quantity),
        ("currency", Currency),
        ("itemprice", Amount),
        ("itempromotiondiscount", LineDiscount),
    ],
    unused: &[
        "merchantorderid", "fulfillmentchannel", "saleschannel", "orderchannel", "url", "shipservicelevel", "itemstatus",
        "itemtax", "shippingprice", "shippingtax", "giftwrapprice", "giftwraptax", "shippromotiondiscount", "shipcity",
        "shipstate", "shippostalcode", "shipcountry", "promotionids", "isbusinessorder", "purchaseordernumber",
        "pricedesignation", "fulfilledby", "buyercompanyname", "buyercstname", "buyervat", "istransparency",
        "signatureconfirmationrecommended", "buyeridentificationnumber", "buyeridentificationtype",
    ],
    is_together: false,
    statuses: &STATES,
    is_amount_before_discount: true,
    no_products: &[],
    dates: None,
};

pub(super) const NEW_ORDERS: Profile = Profile {
    name: "amazon_new_orders",
    title: "Amazon's report of new orders",
    signature: &["orderid", "orderitemid", "purchasedate", "buyeremail", "quantitypurchased", "itemprice"],
    columns: &[
        ("orderid", OrderId),
        ("orderitemid", LineId),
        ("purchasedate", OrderedAt),
        ("paymentsdate", PaidAt),
        ("buyeremail", CustomerEmail),
        ("buyername", CustomerName),
        ("buyerphonenumber", CustomerPhone),
        ("sku", ProductId),
        ("productname", Title),
        ("quantitypurchased", Quantity),
        ("currency", Currency),
        ("itemprice", Amount),
        ("itempromotiondiscount", LineDiscount),
    ],
    unused: &[
        "itemtax", "shippingprice", "shippingtax", "shipservicelevel", "recipientname", "shipaddress1", "shipaddress2",
        "shipaddress3", "shipcity", "shipstate", "shippostalcode", "shipcountry", "shipphonenumber",
        "itempromotionid", "shippromotiondiscount", "shippromotionid", "deliverystartdate", "deliveryenddate",
        "deliverytimezone", "deliveryinstructions", "saleschannel", "isbusinessorder", "purchaseordernumber",
        "pricedesignation",
    ],
    is_together: false,
    statuses: &STATES,
    is_amount_before_discount: true,
    no_products: &[],
    dates: None,
};

const STATES: [(&str, State); 5] = [
    ("unshipped", State::Paid),
    ("shippeddeliveredtobuyer", State::Paid),
    ("shippedreturnedtoseller", State::Refunded),
    ("shippedreturningtoseller", State::Paid),
    ("pendingwaitingforpickup", State::Paid),
];
