//! BigCommerce's order exports: a row an order, or a row a product when the template has the products' own columns.

use super::Meaning::{
    Amount, Currency, CustomerEmail, CustomerId, CustomerName, CustomerPhone, FulfilledAt, LineId,
    OrderDiscount, OrderId, OrderRefund, OrderSubtotal, OrderedAt, ProductId, Quantity, Status, Title,
    UnitPrice,
};
use super::Profile;

const UNUSED: &[&str] = &[
    "ordertime",
    "taxtotal",
    "shippingcostinctax",
    "shippingcostextax",
    "shippingcosttax",
    "shipmethod",
    "handlingcostinctax",
    "handlingcostextax",
    "storecreditredeemed",
    "giftcertificateamountredeemed",
    "giftcertificatecode",
    "giftcertificateexpirationdate",
    "couponcode",
    "ordertotalinctax",
    "ordertotalextax",
    "subtotalextax",
    "paymentmethod",
    "totalquantity",
    "totalshipped",
    "ordernotes",
    "customermessage",
    "billingname",
    "billingfirstname",
    "billinglastname",
    "billingcompany",
    "billingstreet1",
    "billingstreet2",
    "billingsuburb",
    "billingstate",
    "billingstateabbreviation",
    "billingzip",
    "billingcountry",
    "billingphone",
    "billingemail",
    "shippingname",
    "shippingfirstname",
    "shippinglastname",
    "shippingcompany",
    "shippingstreet1",
    "shippingstreet2",
    "shippingsuburb",
    "shippingstate",
    "shippingstateabbreviation",
    "shippingzip",
    "shippingcountry",
    "shippingphone",
    "shippingemail",
    "combinedproductweight",
    "productdetails",
    "unshippedproductdetails",
    "channelid",
    "channelname",
    "transactionid",
    "storecurrencycode",
    "peachtree",
    "productoptions",
    "producttype",
    "productcost",
    "productweight",
];

pub(super) const PRODUCTS: Profile = Profile {
    name: "bigcommerce_products",
    title: "BigCommerce's orders, a row a product",
    signature: &["orderid", "orderstatus", "orderdate", "productqty", "productunitprice"],
    columns: &[
        ("orderid", OrderId),
        ("customerid", CustomerId),
        ("customername", CustomerName),
        ("customeremail", CustomerEmail),
        ("customerphone", CustomerPhone),
        ("orderdate", OrderedAt),
        ("dateshipped", FulfilledAt),
        ("orderstatus", Status),
        ("ordercurrencycode", Currency),
        ("currencycode", Currency),
        ("subtotalinctax", OrderSubtotal),
        ("coupondiscount", OrderDiscount),
        ("refundamount", OrderRefund),
        ("orderproductid", LineId),
        ("productsku", ProductId),
        ("productid", ProductId),
        ("productname", Title),
        ("productqty", Quantity),
        ("producttotalprice", Amount),
        ("productunitprice", UnitPrice),
    ],
    unused: UNUSED,
    statuses: &[],
    is_amount_before_discount: false,
    no_products: &[],
    dates: None,
};

pub(super) const ORDERS: Profile = Profile {
    name: "bigcommerce_orders",
    title: "BigCommerce's orders, a row an order",
    signature: &["orderid", "orderstatus", "orderdate", "subtotalinctax", "ordertotalinctax"],
    columns: &[
        ("orderid", OrderId),
        ("customerid", CustomerId),
        ("customername", CustomerName),
        ("customeremail", CustomerEmail),
        ("customerphone", CustomerPhone),
        ("orderdate", OrderedAt),
        ("dateshipped", FulfilledAt),
        ("orderstatus", Status),
        ("ordercurrencycode", Currency),
        ("currencycode", Currency),
        ("subtotalinctax", Amount),
        ("refundamount", OrderRefund),
    ],
    unused: &UNUSED_OF_ORDERS,
    statuses: &[],
    is_amount_before_discount: false,
    no_products: &[],
    dates: None,
};

/// The discount is part of the subtotal where there are no products to share it among.
const UNUSED_OF_ORDERS: [&str; UNUSED.len() + 1] = {
    let mut all = ["coupondiscount"; UNUSED.len() + 1];
    let mut index = 0;
    while index < UNUSED.len() {
        all[index] = UNUSED[index];
        index += 1;
    }
    all
};
