//! Exports that shops have, by their columns: one table a file, in which each column that the system writes has a
//! meaning or is known to be of no use here. Which profile a file has is seen from its header.
//!
//! A profile says nothing in code: what follows from the meanings (a price times a quantity, a discount shared among the
//! lines, a refund as a return) is the same for all, in `reading`.

mod amazon;
mod bigcommerce;
mod canonical;
mod etsy;
mod klaviyo;
mod magento;
mod online_retail;
mod shopify;
mod squarespace;
mod stripe;
mod woocommerce;

use serde::{Deserialize, Serialize};
use tables::date::DateOrder;

use super::statement::Payment;

/// What a column of an export says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// What the shop calls the order.
    OrderId,
    /// The shop's id of the customer.
    CustomerId,
    /// The customer's address.
    CustomerEmail,
    /// The customer's telephone number.
    CustomerPhone,
    /// The customer's name.
    CustomerName,
    /// The first half of it.
    FirstName,
    /// The other half.
    LastName,
    /// When the order was placed.
    OrderedAt,
    /// When it was paid.
    PaidAt,
    /// When it was sent.
    FulfilledAt,
    /// When it was cancelled.
    CancelledAt,
    /// When the source last changed it.
    UpdatedAt,
    /// How far it is: paid, cancelled, refunded and so on.
    Status,
    /// Whether the shop only tried its till.
    IsTest,
    /// ISO 4217 code of the amounts.
    Currency,
    /// The source's id of the line.
    LineId,
    /// The shop's id of the product.
    ProductId,
    /// The product's category.
    Category,
    /// The product's name.
    Title,
    /// Pieces.
    Quantity,
    /// What was paid for all pieces of the line.
    Amount,
    /// What was asked for one piece.
    UnitPrice,
    /// What the list asks for all pieces.
    ListAmount,
    /// What was taken off the line's price.
    LineDiscount,
    /// What was given back of the line's price, without a sign.
    LineRefund,
    /// Whether the line is a return.
    IsReturn,
    /// When it was returned.
    ReturnedAt,
    /// The lines' worth of the whole order after discounts.
    OrderSubtotal,
    /// What was taken off the whole order.
    OrderDiscount,
    /// What was given back of the whole order, without a sign.
    OrderRefund,
    /// What was paid for the whole order, where nothing says it of its lines.
    OrderTotal,
}

impl Meaning {
    /// Its name, as in mappings and answers.
    pub fn name(self) -> &'static str {
        match self {
            Meaning::OrderId => "order_id",
            Meaning::CustomerId => "customer_id",
            Meaning::CustomerEmail => "customer_email",
            Meaning::CustomerPhone => "customer_phone",
            Meaning::CustomerName => "customer_name",
            Meaning::FirstName => "first_name",
            Meaning::LastName => "last_name",
            Meaning::OrderedAt => "ordered_at",
            Meaning::PaidAt => "paid_at",
            Meaning::FulfilledAt => "fulfilled_at",
            Meaning::CancelledAt => "cancelled_at",
            Meaning::UpdatedAt => "updated_at",
            Meaning::Status => "status",
            Meaning::IsTest => "is_test",
            Meaning::Currency => "currency",
            Meaning::LineId => "line_id",
            Meaning::ProductId => "product_id",
            Meaning::Category => "category",
            Meaning::Title => "title",
            Meaning::Quantity => "quantity",
            Meaning::Amount => "amount",
            Meaning::UnitPrice => "unit_price",
            Meaning::ListAmount => "list_amount",
            Meaning::LineDiscount => "line_discount",
            Meaning::LineRefund => "line_refund",
            Meaning::IsReturn => "is_return",
            Meaning::ReturnedAt => "returned_at",
            Meaning::OrderSubtotal => "order_subtotal",
            Meaning::OrderDiscount => "order_discount",
            Meaning::OrderRefund => "order_refund",
            Meaning::OrderTotal => "order_total",
        }
    }

    /// Whether its cells are amounts of money.
    pub(super) fn is_money(self) -> bool {
        matches!(
            self,
            Meaning::Amount
                | Meaning::UnitPrice
                | Meaning::ListAmount
                | Meaning::LineDiscount
                | Meaning::LineRefund
                | Meaning::OrderSubtotal
                | Meaning::OrderDiscount
                | Meaning::OrderRefund
                | Meaning::OrderTotal
        )
    }

    /// Whether its cells are dates.
    pub(super) fn is_date(self) -> bool {
        matches!(
            self,
            Meaning::OrderedAt
                | Meaning::PaidAt
                | Meaning::FulfilledAt
                | Meaning::CancelledAt
                | Meaning::UpdatedAt
                | Meaning::ReturnedAt
        )
    }
}

/// An export that is known.
#[derive(Debug)]
pub(super) struct Profile {
    /// Its name, as in answers.
    pub(super) name: &'static str,
    /// What it is, for people.
    pub(super) title: &'static str,
    /// Columns that tell it from others, by their plain names: all are there.
    pub(super) signature: &'static [&'static str],
    /// What columns mean, by their plain names; of several with one meaning the first that is there holds.
    pub(super) columns: &'static [(&'static str, Meaning)],
    /// Columns that the system writes and that are of no use here.
    pub(super) unused: &'static [&'static str],
    /// What words mean here that mean something else elsewhere.
    pub(super) statuses: &'static [(&'static str, Status)],
    /// Whether the line's discount is still to be taken off its amount.
    pub(super) is_amount_before_discount: bool,
    /// Products that are none, by their plain names: tips.
    pub(super) no_products: &'static [&'static str],
    /// Ids of customers that mean whoever ordered without an account.
    pub(super) guests: &'static [&'static str],
    /// The order in which this system writes dates that begin with no year.
    pub(super) dates: Option<DateOrder>,
    /// What the first row of an order says and its other rows leave blank.
    pub(super) first_row: Option<Meaning>,
}

/// How far an order is, as one word of its source says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Ordered; nothing is said about money.
    Placed,
    /// Not paid yet.
    Pending,
    /// Promised.
    Authorized,
    /// Paid.
    Paid,
    /// Paid in part.
    PartlyPaid,
    /// Paid, and a part given back.
    PartlyRefunded,
    /// Paid, and all given back.
    Refunded,
    /// The promise was taken back.
    Voided,
    /// The payment failed.
    Failed,
    /// Cancelled, whatever was paid.
    Cancelled,
}

impl Status {
    /// The payment that goes with it.
    pub(super) fn payment(self) -> Payment {
        match self {
            Status::Placed | Status::Cancelled => Payment::Placed,
            Status::Pending => Payment::Pending,
            Status::Authorized => Payment::Authorized,
            Status::Paid => Payment::Paid,
            Status::PartlyPaid => Payment::PartlyPaid,
            Status::PartlyRefunded => Payment::PartlyRefunded,
            Status::Refunded => Payment::Refunded,
            Status::Voided => Payment::Voided,
            Status::Failed => Payment::Failed,
        }
    }
}

/// Words for states of an order that shops use, by their plain names.
pub(super) const STATUSES: &[(&str, Status)] = &[
    ("placed", Status::Placed),
    ("ordered", Status::Placed),
    ("new", Status::Placed),
    ("pending", Status::Pending),
    ("pendingpayment", Status::Pending),
    ("awaitingpayment", Status::Pending),
    ("onhold", Status::Pending),
    ("holded", Status::Pending),
    ("paymentreview", Status::Pending),
    ("unpaid", Status::Pending),
    ("open", Status::Pending),
    ("offen", Status::Pending),
    ("incomplete", Status::Pending),
    ("draft", Status::Pending),
    ("checkoutdraft", Status::Pending),
    ("manualverificationrequired", Status::Pending),
    ("authorized", Status::Authorized),
    ("authorised", Status::Authorized),
    ("uncaptured", Status::Authorized),
    ("paid", Status::Paid),
    ("bezahlt", Status::Paid),
    ("complete", Status::Paid),
    ("completed", Status::Paid),
    ("abgeschlossen", Status::Paid),
    ("processing", Status::Paid),
    ("succeeded", Status::Paid),
    ("captured", Status::Paid),
    ("awaitingfulfillment", Status::Paid),
    ("awaitingshipment", Status::Paid),
    ("awaitingpickup", Status::Paid),
    ("partiallyshipped", Status::Paid),
    ("shipped", Status::Paid),
    ("delivered", Status::Paid),
    ("fulfilled", Status::Paid),
    ("closed", Status::Paid),
    ("partiallypaid", Status::PartlyPaid),
    ("partlypaid", Status::PartlyPaid),
    ("partiallyrefunded", Status::PartlyRefunded),
    ("partlyrefunded", Status::PartlyRefunded),
    ("partialrefund", Status::PartlyRefunded),
    ("refunded", Status::Refunded),
    ("returned", Status::Refunded),
    ("erstattet", Status::Refunded),
    ("chargeback", Status::Refunded),
    ("disputelost", Status::Refunded),
    ("void", Status::Voided),
    ("voided", Status::Voided),
    ("expired", Status::Voided),
    ("failed", Status::Failed),
    ("declined", Status::Failed),
    ("paymentfailed", Status::Failed),
    ("fehlgeschlagen", Status::Failed),
    ("fraud", Status::Failed),
    ("cancelled", Status::Cancelled),
    ("canceled", Status::Cancelled),
    ("storniert", Status::Cancelled),
    ("trash", Status::Cancelled),
    ("ausstehend", Status::Pending),
    ("unbezahlt", Status::Pending),
    ("zahlungausstehend", Status::Pending),
    ("vorgemerkt", Status::Pending),
    ("inwartestellung", Status::Pending),
    ("enattente", Status::Pending),
    ("pendiente", Status::Pending),
    ("autorisiert", Status::Authorized),
    ("autoris\u{e9}", Status::Authorized),
    ("inbearbeitung", Status::Paid),
    ("versendet", Status::Paid),
    ("versandt", Status::Paid),
    ("geliefert", Status::Paid),
    ("zugestellt", Status::Paid),
    ("komplettbezahlt", Status::Paid),
    ("pay\u{e9}", Status::Paid),
    ("pay\u{e9}e", Status::Paid),
    ("encours", Status::Paid),
    ("exp\u{e9}di\u{e9}e", Status::Paid),
    ("livr\u{e9}e", Status::Paid),
    ("termin\u{e9}e", Status::Paid),
    ("pagado", Status::Paid),
    ("enviado", Status::Paid),
    ("completado", Status::Paid),
    ("teilweisebezahlt", Status::PartlyPaid),
    ("teilbezahlt", Status::PartlyPaid),
    ("teilweiseerstattet", Status::PartlyRefunded),
    ("teilerstattet", Status::PartlyRefunded),
    ("partiellementrembours\u{e9}", Status::PartlyRefunded),
    ("zur\u{fc}ckerstattet", Status::Refunded),
    ("r\u{fc}ckerstattet", Status::Refunded),
    ("retourniert", Status::Refunded),
    ("rembours\u{e9}", Status::Refunded),
    ("rembours\u{e9}e", Status::Refunded),
    ("reembolsado", Status::Refunded),
    ("abgelehnt", Status::Failed),
    ("\u{e9}chou\u{e9}e", Status::Failed),
    ("fallido", Status::Failed),
    ("abgebrochen", Status::Cancelled),
    ("annul\u{e9}", Status::Cancelled),
    ("annul\u{e9}e", Status::Cancelled),
    ("cancelado", Status::Cancelled),
    ("annullato", Status::Cancelled),
    ("betalt", Status::Paid),
    ("gennemf\u{f8}rt", Status::Paid),
    ("fullf\u{f8}rt", Status::Paid),
    ("fuldf\u{f8}rt", Status::Paid),
    ("afsendt", Status::Paid),
    ("leveret", Status::Paid),
    ("afventer", Status::Pending),
    ("ubetalt", Status::Pending),
    ("annulleret", Status::Cancelled),
    ("kansellert", Status::Cancelled),
    ("refunderet", Status::Refunded),
    ("refundert", Status::Refunded),
    ("betald", Status::Paid),
    ("slutf\u{f6}rd", Status::Paid),
    ("skickad", Status::Paid),
    ("levererad", Status::Paid),
    ("obetald", Status::Pending),
    ("v\u{e4}ntar", Status::Pending),
    ("annullerad", Status::Cancelled),
    ("avbruten", Status::Cancelled),
    ("makulerad", Status::Cancelled),
    ("\u{e5}terbetald", Status::Refunded),
    ("betaald", Status::Paid),
    ("voltooid", Status::Paid),
    ("afgerond", Status::Paid),
    ("verzonden", Status::Paid),
    ("geleverd", Status::Paid),
    ("openstaand", Status::Pending),
    ("geannuleerd", Status::Cancelled),
    ("terugbetaald", Status::Refunded),
    ("mislukt", Status::Failed),
    ("pagato", Status::Paid),
    ("completato", Status::Paid),
    ("spedito", Status::Paid),
    ("consegnato", Status::Paid),
    ("inattesa", Status::Pending),
    ("rimborsato", Status::Refunded),
    ("fallito", Status::Failed),
    ("nowe", Status::Placed),
    ("oczekuj\u{105}ce", Status::Pending),
    ("oczekujenap\u{142}atno\u{15b}\u{107}", Status::Pending),
    ("oczekiwanienap\u{142}atno\u{15b}\u{107}", Status::Pending),
    ("nieop\u{142}acone", Status::Pending),
    ("niezap\u{142}acone", Status::Pending),
    ("op\u{142}acone", Status::Paid),
    ("zap\u{142}acone", Status::Paid),
    ("wtrakcierealizacji", Status::Paid),
    ("wrealizacji", Status::Paid),
    ("zrealizowane", Status::Paid),
    ("zako\u{144}czone", Status::Paid),
    ("wys\u{142}ane", Status::Paid),
    ("dostarczone", Status::Paid),
    ("zwr\u{f3}cone", Status::Refunded),
    ("zwrot", Status::Refunded),
    ("cz\u{119}\u{15b}ciowozwr\u{f3}cone", Status::PartlyRefunded),
    ("nieudane", Status::Failed),
    ("anulowane", Status::Cancelled),
    ("anulowano", Status::Cancelled),
    ("anulowany", Status::Cancelled),
    ("zur\u{fc}ckgegeben", Status::Refunded),
    ("zur\u{fc}ckgesendet", Status::Refunded),
    ("zur\u{fc}ckgeschickt", Status::Refunded),
    ("retoure", Status::Refunded),
    ("r\u{fc}cksendung", Status::Refunded),
    ("teilretoure", Status::PartlyRefunded),
    ("teilweiseretourniert", Status::PartlyRefunded),
    ("teilweisezur\u{fc}ckgegeben", Status::PartlyRefunded),
    ("\u{652f}\u{6255}\u{6e08}", Status::Paid),
    ("\u{652f}\u{6255}\u{3044}\u{6e08}\u{307f}", Status::Paid),
    ("\u{767a}\u{9001}\u{6e08}\u{307f}", Status::Paid),
    ("\u{5b8c}\u{4e86}", Status::Paid),
    ("\u{672a}\u{6255}\u{3044}", Status::Pending),
    ("\u{30ad}\u{30e3}\u{30f3}\u{30bb}\u{30eb}", Status::Cancelled),
    ("\u{8fd4}\u{91d1}\u{6e08}\u{307f}", Status::Refunded),
    ("storno", Status::Cancelled),
    ("annulliert", Status::Cancelled),
    ("widerrufen", Status::Cancelled),
    ("gel\u{f6}scht", Status::Cancelled),
    ("annullata", Status::Cancelled),
    ("annullati", Status::Cancelled),
    ("cancelada", Status::Cancelled),
    ("anulado", Status::Cancelled),
    ("anulada", Status::Cancelled),
    ("abandonn\u{e9}e", Status::Cancelled),
    ("\u{53d6}\u{6d88}", Status::Cancelled),
    ("\u{53d6}\u{308a}\u{6d88}\u{3057}", Status::Cancelled),
    ("\u{30ad}\u{30e3}\u{30f3}\u{30bb}\u{30eb}\u{6e08}\u{307f}", Status::Cancelled),
    ("\u{30ad}\u{30e3}\u{30f3}\u{30bb}\u{30eb}\u{6e08}", Status::Cancelled),
    ("\u{6ce8}\u{6587}\u{53d6}\u{6d88}", Status::Cancelled),
    ("nichtbezahlt", Status::Pending),
    ("wartetaufzahlung", Status::Pending),
    ("offenerechnung", Status::Pending),
    ("enattentedepaiement", Status::Pending),
    ("attentedepaiement", Status::Pending),
    ("nonpay\u{e9}", Status::Pending),
    ("nonpay\u{e9}e", Status::Pending),
    ("impay\u{e9}", Status::Pending),
    ("impay\u{e9}e", Status::Pending),
    ("nopagado", Status::Pending),
    ("pendientedepago", Status::Pending),
    ("enespera", Status::Pending),
    ("inattesadipagamento", Status::Pending),
    ("nonpagato", Status::Pending),
    ("\u{672a}\u{5165}\u{91d1}", Status::Pending),
    ("\u{5165}\u{91d1}\u{5f85}\u{3061}", Status::Pending),
    ("\u{5165}\u{91d1}\u{5f85}", Status::Pending),
    ("\u{652f}\u{6255}\u{5f85}\u{3061}", Status::Pending),
    ("neu", Status::Placed),
    ("bestellt", Status::Placed),
    ("eingegangen", Status::Placed),
    ("nouvelle", Status::Placed),
    ("nouveau", Status::Placed),
    ("nuevo", Status::Placed),
    ("nuova", Status::Placed),
    ("nuovo", Status::Placed),
    ("\u{65b0}\u{898f}\u{53d7}\u{4ed8}", Status::Placed),
    ("\u{65b0}\u{898f}", Status::Placed),
    ("\u{53d7}\u{4ed8}", Status::Placed),
    ("\u{6ce8}\u{6587}\u{53d7}\u{4ed8}", Status::Placed),
    ("bezahltundversendet", Status::Paid),
    ("erledigt", Status::Paid),
    ("ausgeliefert", Status::Paid),
    ("fertig", Status::Paid),
    ("pay\u{e9}etexp\u{e9}di\u{e9}", Status::Paid),
    ("r\u{e9}gl\u{e9}", Status::Paid),
    ("r\u{e9}gl\u{e9}e", Status::Paid),
    ("exp\u{e9}di\u{e9}", Status::Paid),
    ("livr\u{e9}", Status::Paid),
    ("termin\u{e9}", Status::Paid),
    ("terminada", Status::Paid),
    ("terminado", Status::Paid),
    ("entregado", Status::Paid),
    ("entregada", Status::Paid),
    ("enviada", Status::Paid),
    ("pagada", Status::Paid),
    ("completada", Status::Paid),
    ("enproceso", Status::Paid),
    ("procesando", Status::Paid),
    ("preparaci\u{f3}n", Status::Paid),
    ("encoursdepr\u{e9}paration", Status::Paid),
    ("encoursdetraitement", Status::Paid),
    ("encourspr\u{e9}paration", Status::Paid),
    ("pagata", Status::Paid),
    ("spedita", Status::Paid),
    ("consegnata", Status::Paid),
    ("completata", Status::Paid),
    ("inlavorazione", Status::Paid),
    ("evaso", Status::Paid),
    ("evasa", Status::Paid),
    ("\u{5165}\u{91d1}\u{6e08}\u{307f}", Status::Paid),
    ("\u{5165}\u{91d1}\u{6e08}", Status::Paid),
    ("\u{652f}\u{6255}\u{6e08}\u{307f}", Status::Paid),
    ("\u{6c7a}\u{6e08}\u{5b8c}\u{4e86}", Status::Paid),
    ("\u{767a}\u{9001}\u{6e08}", Status::Paid),
    ("\u{51fa}\u{8377}\u{6e08}\u{307f}", Status::Paid),
    ("\u{51fa}\u{8377}\u{6e08}", Status::Paid),
    ("\u{914d}\u{9001}\u{6e08}\u{307f}", Status::Paid),
    ("\u{914d}\u{9054}\u{5b8c}\u{4e86}", Status::Paid),
    ("\u{5bfe}\u{5fdc}\u{6e08}\u{307f}", Status::Paid),
    ("\u{51e6}\u{7406}\u{4e2d}", Status::Paid),
    ("\u{6e96}\u{5099}\u{4e2d}", Status::Paid),
    ("erstattetundretourniert", Status::Refunded),
    ("gutgeschrieben", Status::Refunded),
    ("gutschrift", Status::Refunded),
    ("reembolsada", Status::Refunded),
    ("rimborsata", Status::Refunded),
    ("devuelto", Status::Refunded),
    ("devuelta", Status::Refunded),
    ("reso", Status::Refunded),
    ("restituito", Status::Refunded),
    ("retourn\u{e9}e", Status::Refunded),
    ("retourn\u{e9}", Status::Refunded),
    ("\u{8fd4}\u{54c1}", Status::Refunded),
    ("\u{8fd4}\u{54c1}\u{6e08}\u{307f}", Status::Refunded),
    ("\u{8fd4}\u{54c1}\u{6e08}", Status::Refunded),
    ("\u{8fd4}\u{91d1}\u{6e08}", Status::Refunded),
    ("\u{8fd4}\u{91d1}", Status::Refunded),
    ("partiellementrembours\u{e9}e", Status::PartlyRefunded),
    ("parcialmentereembolsado", Status::PartlyRefunded),
    ("parzialmenterimborsato", Status::PartlyRefunded),
    ("\u{4e00}\u{90e8}\u{8fd4}\u{91d1}", Status::PartlyRefunded),
    ("\u{e9}chou\u{e9}", Status::Failed),
    ("fallida", Status::Failed),
    ("fallita", Status::Failed),
    ("rechazado", Status::Failed),
    ("rifiutato", Status::Failed),
    ("refus\u{e9}", Status::Failed),
    ("refus\u{e9}e", Status::Failed),
    ("verschickt", Status::Paid),
];

/// Those of them that say that the goods are on their way or there.
pub(super) const SENT: &[&str] = &[
    "verschickt",
    "shipped",
    "delivered",
    "fulfilled",
    "versendet",
    "versandt",
    "geliefert",
    "zugestellt",
    "ausgeliefert",
    "bezahltundversendet",
    "exp\u{e9}di\u{e9}",
    "exp\u{e9}di\u{e9}e",
    "livr\u{e9}",
    "livr\u{e9}e",
    "pay\u{e9}etexp\u{e9}di\u{e9}",
    "enviado",
    "enviada",
    "entregado",
    "entregada",
    "spedito",
    "spedita",
    "consegnato",
    "consegnata",
    "evaso",
    "evasa",
    "afsendt",
    "leveret",
    "skickad",
    "levererad",
    "verzonden",
    "geleverd",
    "wys\u{142}ane",
    "dostarczone",
    "\u{767a}\u{9001}\u{6e08}\u{307f}",
    "\u{767a}\u{9001}\u{6e08}",
    "\u{51fa}\u{8377}\u{6e08}\u{307f}",
    "\u{51fa}\u{8377}\u{6e08}",
    "\u{914d}\u{9001}\u{6e08}\u{307f}",
    "\u{914d}\u{9054}\u{5b8c}\u{4e86}",
];

/// Those that say that nothing is left to do: where the state is that of the order and not of its payment, it was sent.
pub(super) const DONE: &[&str] = &[
    "complete",
    "completed",
    "abgeschlossen",
    "erledigt",
    "termin\u{e9}e",
    "termin\u{e9}",
    "completado",
    "completada",
    "completato",
    "completata",
    "fullf\u{f8}rt",
    "gennemf\u{f8}rt",
    "slutf\u{f6}rd",
    "voltooid",
    "afgerond",
    "zrealizowane",
    "zako\u{144}czone",
    "\u{5b8c}\u{4e86}",
    "\u{5bfe}\u{5fdc}\u{6e08}\u{307f}",
];

/// All profiles. The columns of our own come last: they have no signature and take what no other profile does.
pub(super) const ALL: &[&Profile] = &[
    &shopify::ORDERS,
    &squarespace::ORDERS,
    &woocommerce::ITEMS,
    &woocommerce::ADVANCED,
    &woocommerce::ANALYTICS,
    &magento::ORDERS,
    &bigcommerce::PRODUCTS,
    &bigcommerce::ORDERS,
    &amazon::ORDERS,
    &amazon::NEW_ORDERS,
    &etsy::ITEMS,
    &stripe::CHARGES,
    &klaviyo::EVENTS,
    &online_retail::LOG,
    &canonical::LINES,
];

/// The profile of a header, by the plain names in it: the one whose signature tells most.
pub(super) fn recognise(names: &[String]) -> &'static Profile {
    let has = |name: &&'static str| names.iter().any(|known| known == name);
    ALL.iter()
        .filter(|profile| profile.signature.iter().all(has))
        .rev()
        .max_by_key(|profile| profile.signature.len())
        .copied()
        .unwrap_or(&canonical::LINES)
}

/// The profile of this name.
pub(super) fn named(name: &str) -> Option<&'static Profile> {
    ALL.iter().find(|profile| profile.name == name).copied()
}

/// Every name that a column may have, sorted: what a line of column names is known by.
pub(super) fn known_names() -> Vec<String> {
    let mut names: Vec<String> = ALL
        .iter()
        .flat_map(|profile| {
            profile.columns.iter().map(|(name, _)| *name).chain(profile.unused.iter().copied())
        })
        .map(str::to_owned)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use tables::plain_name;

    use super::*;

    #[test]
    fn tables_hold_plain_names_and_no_column_twice() {
        for profile in ALL {
            let mut names: Vec<&str> =
                profile.columns.iter().map(|(name, _)| *name).chain(profile.unused.iter().copied()).collect();
            for name in names.iter().chain(profile.signature).chain(profile.no_products) {
                assert_eq!(*name, plain_name(name), "{}", profile.name);
            }
            for name in profile.signature {
                assert!(names.contains(name), "{}: {name} has no meaning", profile.name);
            }
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            assert_eq!(count, names.len(), "{} has a column twice", profile.name);
        }
        for (name, _) in STATUSES {
            assert_eq!(*name, plain_name(name));
        }
        let known: std::collections::HashSet<&str> = STATUSES.iter().map(|(name, _)| *name).collect();
        assert_eq!(known.len(), STATUSES.len(), "a word has one meaning");
        for word in SENT.iter().chain(DONE) {
            assert!(known.contains(word), "{word}");
        }
    }

    #[test]
    fn meanings_have_the_names_that_are_written() {
        for profile in ALL {
            for (_, meaning) in profile.columns {
                let written = serde_json::to_value(meaning).expect("a name");
                assert_eq!(written, meaning.name());
            }
        }
    }
}
