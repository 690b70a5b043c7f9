//! The words that the promise policy reacts to, in the normalised form (lower case, a space before the
//! beginning of a word). English is covered by phrases; of other languages only the main nouns are known, so
//! there every mention counts.

/// How we rate a customer; never for the customer's eyes.
pub(super) const RATINGS: &[&str] = &[
    " churn",
    "lifetime value",
    " ltv ",
    " ltv,",
    " ltv.",
    "retention probability",
    "risk score",
    "revenue at risk",
];

/// Money or goods given back.
pub(super) const REFUNDS: &[&str] = &[
    " refund",
    " reimburs",
    "money back",
    " compensat",
    "chargeback",
    "credit your",
    "credit to your",
    "store credit",
    "replacement for free",
    "rückerstatt",
    "erstatten",
    "rembours",
    "reembols",
    "rimbors",
    "terugbetal",
];

/// Something cheaper or free.
pub(super) const DISCOUNTS: &[&str] = &[
    " discount",
    "% off",
    " percent off",
    " coupon",
    " voucher",
    "promo code",
    "promotional code",
    "gift card",
    "price reduction",
    "reduced price",
    "half price",
    "free shipping",
    "free gift",
    "free of charge",
    "complimentary",
    " rebate",
    " rabatt",
    "gutschein",
    " remise ",
    "descuento",
    "desconto",
    " sconto",
    "korting",
];

/// Phrases in which the words are harmless: they name the customer's request, they grant nothing.
pub(super) const NEUTRAL: &[&str] = &[
    " refund request",
    " refund question",
    " refund policy",
    " about a refund",
    " about the refund",
    " about your refund",
    " asked for a refund",
    " asking for a refund",
    " requested a refund",
    " discount request",
    " discount question",
    " about a discount",
    " about the discount",
    " asked for a discount",
    " asking for a discount",
];

/// Words that take a mention back.
pub(super) const HEDGES: &[&str] =
    &[" cannot ", " can't ", " can not ", " unable to ", " not able to ", " whether "];

/// Words that grant what the same sentence mentions, hedged or not.
pub(super) const COMMITMENTS: &[&str] = &[
    " will refund",
    "'ll refund",
    " be refunded",
    " been refunded",
    " have refunded",
    " issued",
    " approved",
    " granted",
    " processed",
    " on its way",
    " on the way",
    " will give",
    "'ll give",
    " will apply",
    "'ll apply",
    " have applied",
    " been applied",
    " will receive",
    "'ll receive",
    " will get",
    "'ll get",
    " to offer you",
    " will offer",
    "'ll offer",
    " will credit",
    "'ll credit",
    " will send you a",
    "'ll send you a",
];

/// Beginnings that make a promise of the term right behind them, line breaks or not.
pub(super) const REFUSED_ANYWHERE: &[&str] = &[
    " will",
    "'ll",
    " will give you a",
    "'ll give you a",
    " will offer you a",
    "'ll offer you a",
    " have issued a",
];
