//! Stripe's charges: a row a payment, which stands for an order. What was given back is a column of its own.

use super::Meaning::{
    Amount, Currency, CustomerEmail, CustomerId, CustomerName, IsTest, OrderId, OrderRefund, OrderedAt, Status, Title,
};
use super::Profile;

pub(super) const CHARGES: Profile = Profile {
    name: "stripe_charges",
    title: "Stripe's charges",
    signature: &["id", "amount", "amountrefunded", "currency", "status", "captured"],
    columns: &[
        ("id", OrderId),
        ("customerid", CustomerId),
        ("customeremail", CustomerEmail),
        ("customername", CustomerName),
        ("cardname", CustomerName),
        ("createdutc", OrderedAt),
        ("createddateutc", OrderedAt),
        ("created", OrderedAt),
        ("status", Status),
        ("mode", IsTest),
        ("currency", Currency),
        ("amount", Amount),
        ("amountrefunded", OrderRefund),
        ("description", Title),
    ],
    unused: &[
        "sellermessage", "convertedamount", "convertedamountrefunded", "fee", "tax", "convertedcurrency",
        "statementdescriptor", "customerdescription", "captured", "cardid", "cardlast4", "cardbrand", "cardfunding",
        "cardexpmonth", "cardexpyear", "cardaddressline1", "cardaddressline2", "cardaddresscity", "cardaddressstate",
        "cardaddresscountry", "cardaddresszip", "cardissuecountry", "cardfingerprint", "cardcvcstatus",
        "cardavszipstatus", "cardavsline1status", "cardtokenizationmethod", "shippingname", "shippingaddressline1",
        "shippingaddressline2", "shippingaddresscity", "shippingaddressstate", "shippingaddresscountry",
        "shippingaddresspostalcode", "disputedamount", "disputedateutc", "disputeevidencedueutc", "disputereason",
        "disputestatus", "invoiceid", "invoicenumber", "paymentsourcetype", "destination", "transfer",
        "transfergroup", "paymentintentid", "refundeddateutc", "paymentmethodid", "declinereason", "istaxincluded",
        "transferredamount", "cardaddressavailable", "checkoutsessionid", "taxesonfee", "applicationfee",
        "applicationid", "interchangecosts", "merchantservicecharge", "username", "userid",
    ],
    is_together: true,
    statuses: &[],
    is_amount_before_discount: false,
    no_products: &[],
    dates: None,
};
