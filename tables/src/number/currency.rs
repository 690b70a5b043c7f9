//! Currencies as they stand in a cell beside an amount: by their codes and by their signs, of which some belong to several.

use super::is_blank;

/// What stands beside an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Money {
    /// This currency.
    Of([u8; 3]),
    /// One of those that have this sign.
    OneOf(SharedSign),
}

/// A sign that several currencies have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharedSign {
    /// `$`
    Dollar,
    /// The sign of yen and of yuan.
    Yen,
    /// `Rs`
    Rupee,
    /// `kr`
    Krone,
}

impl SharedSign {
    /// As it is written.
    pub fn written(self) -> &'static str {
        match self {
            SharedSign::Dollar => "$",
            SharedSign::Yen => "\u{a5}",
            SharedSign::Rupee => "Rs",
            SharedSign::Krone => "kr",
        }
    }

    /// Codes of the currencies that have it, those first that are meant most.
    pub fn codes(self) -> &'static [&'static str] {
        match self {
            SharedSign::Dollar => &[
                "USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "TWD", "ARS", "CLP", "COP", "UYU", "BRL",
                "BBD", "BMD", "BND", "BSD", "BZD", "CUP", "CVE", "DOP", "FJD", "GYD", "JMD", "KYD", "LRD",
                "NAD", "NIO", "SBD", "SRD", "TOP", "TTD", "WST", "XCD",
            ],
            SharedSign::Yen => &["JPY", "CNY"],
            SharedSign::Rupee => &["INR", "PKR", "LKR", "NPR", "MUR", "SCR"],
            SharedSign::Krone => &["SEK", "NOK", "DKK", "ISK", "CZK", "EEK"],
        }
    }

    /// The currency that it mostly is; none where no one is.
    pub fn usual(self) -> Option<&'static str> {
        self.codes().first().copied().filter(|_| self != SharedSign::Krone)
    }
}

const SIGNS: [(&str, Money); 36] = [
    ("US$", Money::Of(*b"USD")),
    ("CA$", Money::Of(*b"CAD")),
    ("NZ$", Money::Of(*b"NZD")),
    ("HK$", Money::Of(*b"HKD")),
    ("AU$", Money::Of(*b"AUD")),
    ("A$", Money::Of(*b"AUD")),
    ("C$", Money::Of(*b"CAD")),
    ("S$", Money::Of(*b"SGD")),
    ("R$", Money::Of(*b"BRL")),
    ("CHF", Money::Of(*b"CHF")),
    ("SFr.", Money::Of(*b"CHF")),
    ("Fr.", Money::Of(*b"CHF")),
    ("Euro", Money::Of(*b"EUR")),
    ("EURO", Money::Of(*b"EUR")),
    ("\u{20ac}", Money::Of(*b"EUR")),
    ("\u{a3}", Money::Of(*b"GBP")),
    ("\u{20b9}", Money::Of(*b"INR")),
    ("\u{20ba}", Money::Of(*b"TRY")),
    ("\u{20a9}", Money::Of(*b"KRW")),
    ("\u{20aa}", Money::Of(*b"ILS")),
    ("Ft", Money::Of(*b"HUF")),
    ("z\u{142}", Money::Of(*b"PLN")),
    ("K\u{10d}", Money::Of(*b"CZK")),
    ("\u{20bd}", Money::Of(*b"RUB")),
    ("\u{20b4}", Money::Of(*b"UAH")),
    ("\u{20ab}", Money::Of(*b"VND")),
    ("\u{20b1}", Money::Of(*b"PHP")),
    ("\u{e3f}", Money::Of(*b"THB")),
    ("\u{5186}", Money::Of(*b"JPY")),
    ("$", Money::OneOf(SharedSign::Dollar)),
    ("\u{a5}", Money::OneOf(SharedSign::Yen)),
    ("\u{ffe5}", Money::OneOf(SharedSign::Yen)),
    ("Rs.", Money::OneOf(SharedSign::Rupee)),
    ("Rs", Money::OneOf(SharedSign::Rupee)),
    ("kr.", Money::OneOf(SharedSign::Krone)),
    ("kr", Money::OneOf(SharedSign::Krone)),
];

/// The code of the currency that a cell names by its sign alone (`€`, `US$`); none where several have it.
pub fn currency_of(sign: &str) -> Option<[u8; 3]> {
    let (rest, found) = without_currency(sign.trim_matches(is_blank));
    match found {
        Some(Money::Of(code)) if rest.is_empty() => Some(code),
        _ => None,
    }
}

/// Takes a currency off either end, and says which, as far as that is told.
pub(super) fn without_currency(text: &str) -> (&str, Option<Money>) {
    for (sign, money) in SIGNS {
        if let Some(rest) = text.strip_prefix(sign).or_else(|| text.strip_suffix(sign)) {
            return (rest.trim_matches(is_blank), Some(money));
        }
    }
    let is_code = |code: &[u8]| code.iter().all(u8::is_ascii_uppercase);
    let bytes = text.as_bytes();
    if let Some((code, rest)) = bytes.split_first_chunk::<3>()
        && is_code(code)
        && rest.first().is_some_and(|byte| !byte.is_ascii_alphabetic())
    {
        return (text[3..].trim_matches(is_blank), Some(Money::Of(*code)));
    }
    if let Some((rest, code)) = bytes.split_last_chunk::<3>()
        && is_code(code)
        && rest.last().is_some_and(|byte| !byte.is_ascii_alphabetic())
    {
        return (text[..rest.len()].trim_matches(is_blank), Some(Money::Of(*code)));
    }
    (text, None)
}
