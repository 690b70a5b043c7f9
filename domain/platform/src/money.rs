//! Amounts of money as people write them: with the decimals that their currency has.

use rust_decimal::Decimal;

/// Currencies that have no smaller unit (ISO 4217).
const WHOLE: [&str; 16] = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF",
    "XPF",
];

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
