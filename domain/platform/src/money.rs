//! Amounts of money as people write them, with the decimals that their currency has; and which currencies there are.

use rust_decimal::Decimal;

/// Currencies that have no smaller unit (ISO 4217).
const WHOLE: [&str; 16] = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF",
    "XPF",
];

/// The money of ISO 4217's list one, in which goods are sold, by the alphabet: without funds, metals, and codes for tests
/// and for none.
const CURRENT: [&str; 155] = [
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BHD", "BIF", "BMD",
    "BND", "BOB", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CLP", "CNY", "COP", "CRC",
    "CUP", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL",
    "GHS", "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IQD", "IRR",
    "ISK", "JMD", "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KPW", "KRW", "KWD", "KYD", "KZT", "LAK", "LBP",
    "LKR", "LRD", "LSL", "LYD", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK",
    "MXN", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "OMR", "PAB", "PEN", "PGK", "PHP", "PKR",
    "PLN", "PYG", "QAR", "RON", "RSD", "RUB", "RWF", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE",
    "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TND", "TOP", "TRY", "TTD", "TWD",
    "TZS", "UAH", "UGX", "USD", "UYU", "UZS", "VED", "VES", "VND", "VUV", "WST", "XAF", "XCD", "XCG", "XOF",
    "XPF", "YER", "ZAR", "ZMW", "ZWG",
];

/// Money of its list three that was withdrawn since 2010: orders of those years are in it.
const WITHDRAWN: [&str; 14] =
    ["ANG", "BGN", "BYR", "CUC", "EEK", "HRK", "LTL", "LVL", "MRO", "SLL", "STD", "VEF", "ZMK", "ZWL"];

/// What is said of a text that is no currency.
pub const NO_CURRENCY: &str =
    "must be the code of a currency, three capital letters as in ISO 4217, e.g. EUR, USD or JPY";

/// Whether a text is the code of a currency, in capital letters.
pub fn is_currency(code: &str) -> bool {
    CURRENT.binary_search(&code).is_ok() || WITHDRAWN.contains(&code)
}

/// Whether amounts of a currency (ISO 4217, such as JPY) have no decimals.
pub fn is_whole(currency: &str) -> bool {
    WHOLE.contains(&currency)
}

/// An amount without its currency. Amounts are stored with two decimals; yen have none, unless a source stated some.
pub fn written(amount: Decimal, currency: &str) -> String {
    if is_whole(currency) && amount.fract().is_zero() {
        return amount.trunc().to_string();
    }
    format!("{amount:.2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_letters_alone_are_no_currency() {
        for code in ["EUR", "USD", "JPY", "KWD", "XOF", "HRK"] {
            assert!(is_currency(code), "{code}");
        }
        for code in ["ABC", "eur", "EU", "EURO", "", "XXX", "XTS", "XAU", "123"] {
            assert!(!is_currency(code), "{code}");
        }
        assert!(WHOLE.iter().all(|code| is_currency(code)));
        assert!(CURRENT.is_sorted());
    }

    #[test]
    fn an_amount_has_the_decimals_of_its_currency() {
        let written = |hundredths: i64, currency| written(Decimal::new(hundredths, 2), currency);
        assert_eq!(written(129_900, "EUR"), "1299.00");
        assert_eq!(written(129_900, "JPY"), "1299");
        assert_eq!(written(-129_900, "KRW"), "-1299");
        assert_eq!(written(129_950, "JPY"), "1299.50");
        assert_eq!(written(0, "JPY"), "0");
        assert_eq!(super::written(Decimal::new(125, 1), "EUR"), "12.50");
    }
}
