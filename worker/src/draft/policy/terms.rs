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

/// Words by which a sentence speaks of what is to come.
pub(super) const TO_COME: &[&str] = &[
    " will ", "'ll ", " won't ", " going to ", " shall ", " you get ", " you receive ", " can offer ", " offer you ",
    " give you ", " pay you ", " arrives ", " at the latest", " wird ", " werden ", " erhalten sie ", " erhältst ",
    " bekommen sie ", " bekommst ", " spätestens", " sera ", " serez ", " seront ", " recevrez ", " au plus tard",
    " será ", " serán ", " recibirá", " llegará", " a más tardar", " sarà ", " riceverà", " arriverà", " al più tardi",
];

/// Days by name, in the languages that replies are mostly in.
pub(super) const DAYS: &[&str] = &[
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "tomorrow", "montag", "dienstag",
    "mittwoch", "donnerstag", "freitag", "samstag", "sonnabend", "sonntag", "übermorgen", "lundi", "mardi", "mercredi",
    "jeudi", "vendredi", "samedi", "dimanche", "demain", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado",
    "domingo", "mañana", "lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica", "domani",
];

/// Beginnings of the months' names; the first three letters tell one from the other in these languages.
pub(super) const MONTHS: &[&str] = &[
    "january", "february", "march", "april", "june", "july", "august", "september", "october", "november", "december",
    "januar", "februar", "märz", "juni", "juli", "oktober", "dezember", "janvier", "février", "mars", "avril", "juin",
    "juillet", "août", "septembre", "octobre", "novembre", "décembre", "enero", "febrero", "marzo", "abril", "junio",
    "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre", "gennaio", "febbraio", "aprile", "giugno",
    "luglio", "settembre", "ottobre", "dicembre", "may", "mai", "mayo", "maggio",
];

/// Beginnings of units of time.
pub(super) const SPANS: &[&str] = &[
    "hour", "day", "week", "month", "stunde", "tag", "werktag", "arbeitstag", "woche", "monat", "heure", "jour",
    "semaine", "mois", "hora", "día", "semana", "mes", "giorn", "settiman", "ore",
];

/// Words between a number and its unit of time.
pub(super) const KINDS_OF_DAY: &[&str] = &["business", "working", "full", "jours", "ouvrés", "hábiles", "lavorativi"];

/// Currencies by code or word, as far as they are told apart from other words.
pub(super) const CURRENCIES: &[&str] = &[
    "eur", "euro", "euros", "usd", "dollar", "dollars", "gbp", "pound", "pounds", "chf", "franken", "cad", "aud", "sek",
    "nok", "dkk", "pln", "percent", "prozent",
];
