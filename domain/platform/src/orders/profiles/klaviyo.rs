//! Klaviyo's events, as its metric exports have them: a row an event, known by its id, with the order's value.

use super::Meaning::{Amount, Currency, CustomerEmail, CustomerId, CustomerName, CustomerPhone, FirstName, LastName, OrderId, OrderedAt, Title};
use super::Profile;

pub(super) const EVENTS: Profile = Profile {
    name: "klaviyo_events",
    title: "Klaviyo's orders placed",
    signature: &["email", "eventid", "value"],
    columns: &[
        ("orderid", OrderId),
        ("eventid", OrderId),
        ("profileid", CustomerId),
        ("personid", CustomerId),
        ("email", CustomerEmail),
        ("phonenumber", CustomerPhone),
        ("phone", CustomerPhone),
        ("name", CustomerName),
        ("firstname", FirstName),
        ("lastname", LastName),
        ("timestamp", OrderedAt),
        ("eventtime", OrderedAt),
        ("eventdate", OrderedAt),
        ("datetime", OrderedAt),
        ("date", OrderedAt),
        ("currency", Currency),
        ("valuecurrency", Currency),
        ("currencycode", Currency),
        ("itemnames", Title),
        ("items", Title),
        ("value", Amount),
    ],
    unused: &[
        "event", "eventname", "metric", "metricname", "metricid", "flow", "campaign", "message", "uuid", "extra", "url",
        "collections", "itemcount", "brands", "categories", "discountcode", "discountvalue", "sourcename", "tags",
    ],
    is_together: true,
    statuses: &[],
    is_amount_before_discount: false,
    no_products: &[],
    dates: None,
};
