//! The cells of one row by what they mean, each with its bounds. What is wrong with one is said with its column.

use chrono::{DateTime, Datelike, LocalResult, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use rust_decimal::{Decimal, RoundingStrategy};
use tables::date;
use tables::number::{self, DecimalMark, NumberForm, SharedSign};
use tables::{Row, plain_name};

use super::columns::Columns;
use super::forms::Forms;
use crate::money::{self, NO_CURRENCY};
use crate::orders::profiles::{DONE, Meaning, SENT, STATUSES, Status};
use crate::orders::statement::{EMAIL_LIMIT, ID_LIMIT, TEXT_LIMIT};

/// What programs and people write for a customer whom they do not know, by its plain name; signs alone have none.
const NOBODY: [&str; 14] = [
    "",
    "na",
    "nan",
    "nil",
    "null",
    "none",
    "undefined",
    "unknown",
    "unbekannt",
    "guest",
    "gast",
    "invitado",
    "anonymous",
    "anonym",
];

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Of the kinds by which rows are counted.
    pub(super) reason: &'static str,
    pub(super) column: Option<Meaning>,
    pub(super) message: String,
}

impl Wrong {
    fn new(reason: &'static str, column: Meaning, message: String) -> Wrong {
        Wrong { reason, column: Some(column), message }
    }
}

/// What cells are read by besides what they say.
#[derive(Clone)]
pub(super) struct Rules {
    pub(super) forms: Forms,
    /// ISO 4217 code of orders that name no currency.
    pub(super) currency: String,
    /// The zone of times without an offset.
    pub(super) zone: Tz,
    /// Orders from more than two days after this are refused.
    pub(super) now: DateTime<Utc>,
    /// Whether nobody stated that.
    pub(super) is_currency_assumed: bool,
    /// Words for states that a mapping explains, by their plain names.
    pub(super) statuses: Vec<(String, Status)>,
}

/// A number, and the currency that stands in its cell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    pub(super) value: Decimal,
    pub(super) currency: Option<[u8; 3]>,
    /// The sign that it stands with, where several currencies have it.
    sign: Option<SharedSign>,
    /// Whether the currency is taken from that sign, though it is not the only one that has it.
    pub(super) is_by_sign: bool,
}

pub(super) struct Cells<'a, 's> {
    pub(super) row: &'s Row<'a>,
    pub(super) columns: &'s Columns,
    pub(super) rules: &'s Rules,
}

impl<'a> Cells<'a, '_> {
    /// A cell without blanks and invisible marks around it and without what spreadsheets put around ids (`="0815"`,
    /// `'0815`), or quotes that a blank before them kept from being read as such; none when it is empty or there is no
    /// such column.
    pub(super) fn text(&self, meaning: Meaning) -> Option<&'a str> {
        self.text_at(self.columns.index(meaning)?)
    }

    fn text_at(&self, index: usize) -> Option<&'a str> {
        let text = without_marks(self.row.cell(index).trim());
        let text = match text.as_bytes() {
            [b'=', b'"', .., b'"'] if text.len() > 3 => text[2..text.len() - 1].trim(),
            [b'\'', _, ..] => text[1..].trim(),
            [b'"', inner @ .., b'"'] if !inner.contains(&b'"') => text[1..text.len() - 1].trim(),
            _ => text,
        };
        (!text.is_empty()).then_some(text)
    }

    fn is_typed(&self, meaning: Meaning) -> bool {
        self.columns.index(meaning).is_some_and(|index| self.row.is_typed(index))
    }

    /// An id: as it is, within bounds. Programs that take ids for numbers write 17850.0.
    pub(super) fn id(&self, meaning: Meaning) -> Result<Option<&'a str>, Wrong> {
        let Some(text) = self.text(meaning) else { return Ok(None) };
        let name = meaning.name();
        if text.starts_with('#') && is_fault(text) {
            // Many would be one order, or one customer.
            return if meaning == Meaning::OrderId {
                Err(Wrong::new(
                    "id_lost",
                    meaning,
                    format!(
                        "{name} is `{text}`: a spreadsheet could not show or compute the id; mend the column and export again"
                    ),
                ))
            } else {
                Ok(None)
            };
        }
        if text.len() > ID_LIMIT && text.chars().count() > ID_LIMIT {
            return Err(Wrong::new(
                "text_too_long",
                meaning,
                format!("{name} is longer than {ID_LIMIT} characters"),
            ));
        }
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f || byte >= 0x80)
            && text.chars().any(char::is_control)
        {
            return Err(Wrong::new(
                "control_character",
                meaning,
                format!("{name} contains a control character"),
            ));
        }
        // A customer's id is told as it is written: what spreadsheets do to it is seen where customers are known by it.
        if meaning == Meaning::CustomerId {
            return Ok(Some(text).filter(|text| !self.is_nobody(text) && !self.is_name(text)));
        }
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(whole) = text.strip_suffix(".0")
            && digits(whole)
        {
            return Ok(Some(whole));
        }
        if let Some((mantissa, power)) = text.split_once("E+").or_else(|| text.split_once("e+"))
            && digits(power)
            && digits(&mantissa.replacen(['.', ','], "", 1))
        {
            return Err(Wrong::new(
                "id_shortened",
                meaning,
                format!(
                    "{name} is `{text}`: a spreadsheet has rounded the id, and its digits are lost; format the column as text and export again"
                ),
            ));
        }
        Ok(Some(text))
    }

    /// Whether an id of a customer says that there is none. Whoever ordered as a guest would be one person otherwise, and
    /// the best customer of all.
    fn is_nobody(&self, id: &str) -> bool {
        let number = id.strip_suffix(".0").unwrap_or(id);
        // Shop systems number from 1; where there are addresses 0 and -1 stand for a guest in any file.
        let is_no_number = number == "-1" || number.bytes().all(|byte| byte == b'0');
        self.columns.profile.guests.contains(&number)
            || (is_no_number && self.columns.index(Meaning::CustomerEmail).is_some())
            || (id.len() <= 12
                && !id.bytes().any(|byte| byte.is_ascii_digit())
                && NOBODY.contains(&plain_name(id).as_str()))
    }

    /// Whether what stands in a column like `Customer` is a name: two of one name would be one customer otherwise, and an
    /// address is there to know them by.
    fn is_name(&self, text: &str) -> bool {
        self.columns.is_customer_unclear
            && !text.bytes().any(|byte| byte.is_ascii_digit() || byte == b'@')
            && self.email().is_some()
    }

    /// The customer's name, wherever it stands.
    pub(super) fn customer_name(&self) -> Option<String> {
        self.label(Meaning::CustomerName).or_else(|| {
            let is_name = self.text(Meaning::CustomerId).is_some_and(|text| self.is_name(text));
            self.label(Meaning::CustomerId).filter(|_| is_name)
        })
    }

    /// A name or title: what is too long is cut, line ends become blanks. Nobody is known by it.
    pub(super) fn label(&self, meaning: Meaning) -> Option<String> {
        let text = self.text(meaning)?;
        if text.len() <= TEXT_LIMIT && !text.bytes().any(|byte| !(b' '..0x7f).contains(&byte)) {
            return Some(text.to_owned());
        }
        let clean: String =
            text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).take(TEXT_LIMIT).collect();
        let clean = clean.trim();
        (!clean.is_empty()).then(|| clean.to_owned())
    }

    /// An address, perhaps as `Name <address>` or as a link; what is none (`n/a`, `-`) is not there.
    pub(super) fn email(&self) -> Option<&'a str> {
        let text = self.text(Meaning::CustomerEmail)?;
        let text = match text.strip_suffix('>').and_then(|rest| rest.rsplit_once('<')) {
            Some((_, address)) => address.trim(),
            None => text,
        };
        let text = text.strip_prefix("mailto:").unwrap_or(text);
        let (local, domain) = text.rsplit_once('@')?;
        let is_one = !local.is_empty()
            && !domain.is_empty()
            && text.chars().count() <= EMAIL_LIMIT
            && !text
                .chars()
                .any(|sign| sign.is_control() || sign.is_whitespace() || "<>()\",;".contains(sign));
        is_one.then_some(text)
    }

    /// What stands where an address is expected and is none, if it is not said that there is none.
    pub(super) fn no_email(&self) -> Option<&'a str> {
        let text = self.text(Meaning::CustomerEmail).filter(|_| self.email().is_none())?;
        let is_word = text.chars().any(char::is_alphabetic);
        (is_word && !NOBODY.contains(&plain_name(text).as_str())).then_some(text)
    }

    /// A telephone number; at least some digits of one.
    pub(super) fn phone(&self) -> Option<&'a str> {
        let text = self.text(Meaning::CustomerPhone)?;
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        (digits >= 5 && text.len() <= 40 && !text.chars().any(char::is_control)).then_some(text)
    }

    /// The code in the column of currencies, in capitals.
    pub(super) fn currency(&self) -> Result<Option<[u8; 3]>, Wrong> {
        let Some(text) = self.text(Meaning::Currency) else { return Ok(None) };
        let code =
            <[u8; 3]>::try_from(text.as_bytes()).map(|code| code.map(|byte| byte.to_ascii_uppercase()));
        match code {
            Ok(code) if is_currency(code) => Ok(Some(code)),
            _ if number::currency_of(text).is_some() => Ok(number::currency_of(text)),
            _ => {
                let seen: String = text.chars().take(20).collect();
                Err(no_currency(Meaning::Currency, format!("currency is `{seen}`")))
            }
        }
    }

    /// Whether the payment was one of a shop's tests: Shopify's bogus gateway is there for nothing else.
    pub(super) fn is_test_payment(&self) -> bool {
        let method = self.columns.payment_method.and_then(|index| self.text_at(index));
        method.is_some_and(|method| method.to_ascii_lowercase().contains("bogus"))
    }

    /// Yes or no in words, where an amount may stand as well.
    pub(super) fn word_of_truth(&self, meaning: Meaning) -> Option<bool> {
        self.text(meaning).filter(|text| text.chars().any(char::is_alphabetic)).and_then(yes_or_no)
    }

    /// Yes or no.
    pub(super) fn truth(&self, meaning: Meaning) -> Result<Option<bool>, Wrong> {
        let Some(text) = self.text(meaning) else { return Ok(None) };
        let neither =
            || Wrong::new("not_yes_or_no", meaning, format!("{} is neither yes nor no", meaning.name()));
        yes_or_no(text).map(Some).ok_or_else(neither)
    }

    /// The same in a column of times, where many write whether and not when; or how much, of which nothing is no.
    pub(super) fn whether(&self, meaning: Meaning) -> Option<bool> {
        let text = self.text(meaning)?;
        yes_or_no(text).or_else(|| is_nothing(text).then_some(false))
    }

    /// How far the order is; the word itself when it is not known. What one column calls cancelled or given back is so,
    /// whatever another says of its payment.
    pub(super) fn status(&self) -> Option<Result<Status, &'a str>> {
        let first = self.text(Meaning::Status).map(|text| self.status_of(text));
        let others = self.columns.other_statuses.iter().filter_map(|index| self.text_at(*index));
        others.map(|text| self.status_of(text)).fold(first, |status, other| match (status, other) {
            (None, _) | (_, Ok(Status::Cancelled)) => Some(other),
            (Some(Ok(Status::Cancelled | Status::PartlyRefunded)), _) => status,
            (_, Ok(Status::Refunded)) => Some(other),
            _ => status,
        })
    }

    /// Whether the word for cancelled stands where a time is expected.
    pub(super) fn is_called_cancelled(&self) -> bool {
        self.text(Meaning::CancelledAt).is_some_and(|text| {
            text.chars().any(char::is_alphabetic) && self.status_of(text) == Ok(Status::Cancelled)
        })
    }

    /// Whether a word for the order's state says that it was sent.
    pub(super) fn is_sent(&self) -> bool {
        let columns = self.columns.index(Meaning::Status).into_iter();
        columns.chain(self.columns.other_statuses.iter().copied()).any(|index| {
            let Some(text) = self.text_at(index) else { return false };
            let plain = plain_name(text);
            let word = plain.strip_prefix("wc").unwrap_or(&plain);
            SENT.contains(&word) || (DONE.contains(&word) && !self.columns.is_of_payment(index))
        })
    }

    fn status_of(&self, text: &'a str) -> Result<Status, &'a str> {
        let plain = plain_name(text);
        // Woo's own tables write `wc-completed`.
        let short = plain.strip_prefix("wc").unwrap_or(&plain);
        let of = |word: &str| {
            let stated =
                self.rules.statuses.iter().find(|(known, _)| known == word).map(|(_, status)| *status);
            let listed = |list: &[(&str, Status)]| {
                list.iter().find(|(known, _)| *known == word).map(|(_, status)| *status)
            };
            stated.or_else(|| listed(self.columns.profile.statuses)).or_else(|| listed(STATUSES))
        };
        of(&plain).or_else(|| of(short)).ok_or(text)
    }

    pub(super) fn quantity(&self) -> Result<Option<Decimal>, Wrong> {
        let Some(Written { value: number, .. }) = self.number(Meaning::Quantity)? else { return Ok(None) };
        bounded(Meaning::Quantity, number, 1_000_000)?;
        Ok(Some(number.round_dp_with_strategy(3, RoundingStrategy::MidpointAwayFromZero)))
    }

    /// An amount of money, not rounded, and the currency that is written with it.
    pub(super) fn money(
        &self,
        meaning: Meaning,
        currency: Option<[u8; 3]>,
    ) -> Result<Option<Written>, Wrong> {
        let Some(number) = self.number(meaning)? else { return Ok(None) };
        bounded(meaning, number.value, 10_000_000)?;
        let code = |code: [u8; 3]| code.map(char::from).iter().collect::<String>();
        if let Some(written) = number.currency.filter(|written| !is_currency(*written)) {
            let said = format!("{} is written with `{}`", meaning.name(), code(written));
            return Err(no_currency(meaning, said));
        }
        if let (Some(written), Some(currency)) = (number.currency, currency)
            && written != currency
        {
            return Err(Wrong::new(
                "other_currency",
                meaning,
                format!(
                    "{} is written in {} in an order in {}",
                    meaning.name(),
                    code(written),
                    code(currency)
                ),
            ));
        }
        match number.sign {
            Some(sign) => self.by_sign(meaning, number, sign, currency).map(Some),
            None => Ok(Some(number)),
        }
    }

    /// An amount with a sign that several currencies have: the order's is one of them, or else the row is wrong. Where nobody
    /// said in which currency orders are, it is the one that is mostly meant.
    fn by_sign(
        &self,
        meaning: Meaning,
        number: Written,
        sign: SharedSign,
        currency: Option<[u8; 3]>,
    ) -> Result<Written, Wrong> {
        let code = currency.or_else(|| self.rules.currency.as_bytes().try_into().ok());
        let code =
            code.map(|code: [u8; 3]| code.map(char::from).iter().collect::<String>()).unwrap_or_default();
        if sign.codes().contains(&code.as_str()) {
            return Ok(number);
        }
        let usual = sign.usual().and_then(|usual| <[u8; 3]>::try_from(usual.as_bytes()).ok());
        if let Some(usual) = usual.filter(|_| currency.is_none() && self.rules.is_currency_assumed) {
            return Ok(Written { currency: Some(usual), is_by_sign: true, ..number });
        }
        let (name, seen) = (meaning.name(), sign.written());
        let some = sign.codes().iter().take(3).copied().collect::<Vec<_>>().join(", ");
        let message = match currency {
            Some(_) => format!("{name} is written with `{seen}` in an order in {code}"),
            None => format!(
                "{name} is written with `{seen}`, and orders that name no currency are taken as {code}; state another `currency` ({some} and others have that sign)"
            ),
        };
        Err(Wrong::new("other_currency", meaning, message))
    }

    fn number(&self, meaning: Meaning) -> Result<Option<Written>, Wrong> {
        let Some(text) = self.text(meaning) else { return Ok(None) };
        let is_typed = self.is_typed(meaning);
        let form = if is_typed { NumberForm::Mark(DecimalMark::Point) } else { self.rules.forms.numbers };
        let number = number::parse(text, form).map_err(|error| {
            let reason = match error {
                number::NumberError::Open => "number_ambiguous",
                number::NumberError::OtherForm => "number_of_other_form",
                _ => "number_unreadable",
            };
            Wrong::new(reason, meaning, format!("{} {error}", meaning.name()))
        })?;
        let has_three =
            || number.currency.is_some_and(has_three_decimals) || has_three_decimals(self.own_currency());
        // The price of a piece may well be finer than what is paid in the end.
        let is_paid = meaning.is_money() && meaning != Meaning::UnitPrice;
        if number.is_like_thousands
            && is_paid
            && !is_typed
            && !self.rules.forms.has_small_decimals
            && !has_three()
        {
            return Err(Wrong::new(
                "number_ambiguous",
                meaning,
                format!(
                    "{} has three decimals, which no other amount of the file has, or a group of thousands; state `decimal`",
                    meaning.name()
                ),
            ));
        }
        let (value, currency, sign) = (number.value, number.currency, number.sign);
        Ok(Some(Written { value, currency, sign, is_by_sign: false }))
    }

    /// Whether amounts of the row's currency have three decimals, of which two are kept.
    pub(super) fn has_three_decimals(&self, currency: Option<[u8; 3]>) -> bool {
        has_three_decimals(currency.unwrap_or_else(|| self.own_currency()))
    }

    fn own_currency(&self) -> [u8; 3] {
        let own = self.currency().ok().flatten();
        own.or_else(|| self.rules.currency.as_bytes().try_into().ok()).unwrap_or(*b"XXX")
    }

    /// A time; none when the cell is empty. Databases write zeros for a time that is not there.
    pub(super) fn time(&self, meaning: Meaning) -> Result<Option<DateTime<Utc>>, Wrong> {
        Ok(self.moment(meaning)?.map(|(time, _)| time))
    }

    /// The same, and whether a time of day is written; workbooks write midnight for a day.
    pub(super) fn moment(&self, meaning: Meaning) -> Result<Option<(DateTime<Utc>, bool)>, Wrong> {
        let Some(text) = self.text(meaning) else { return Ok(None) };
        if text.starts_with("0000-00-00") || text == "-" {
            return Ok(None);
        }
        let order = if self.is_typed(meaning) { None } else { self.rules.forms.dates };
        let moment = date::parse(text, order).map_err(|error| {
            let reason = match error {
                date::DateError::Open => "date_ambiguous",
                date::DateError::OtherOrder => "date_of_other_order",
                _ => "date_unreadable",
            };
            Wrong::new(reason, meaning, format!("{} {error}", meaning.name()))
        })?;
        let time = match moment.offset_secs {
            Some(secs) => (moment.local - TimeDelta::seconds(secs.into())).and_utc(),
            None if self.columns.is_in_utc(meaning) => moment.local.and_utc(),
            None => in_zone(moment.local, self.rules.zone),
        };
        if time.year() < 1990 || time > self.rules.now + TimeDelta::days(2) {
            return Err(Wrong::new(
                "date_out_of_range",
                meaning,
                format!("{} is before 1990 or in the future", meaning.name()),
            ));
        }
        let is_a_day = self.is_typed(meaning) && moment.local.time() == NaiveTime::MIN;
        Ok(Some((time, moment.has_time && !is_a_day)))
    }
}

/// Nothing, written as an amount: `0,00`. A day of zeros has more marks.
fn is_nothing(text: &str) -> bool {
    text.starts_with('0')
        && text.bytes().all(|byte| matches!(byte, b'0' | b'.' | b','))
        && text.matches(['.', ',']).count() <= 1
}

/// Yes or no, in a word that is short.
fn yes_or_no(text: &str) -> Option<bool> {
    if text.len() > 12 {
        return None;
    }
    match plain_name(text).as_str() {
        "true" | "t" | "yes" | "y" | "1" | "test" | "return" | "j" | "ja" | "wahr" | "oui" | "vrai"
        | "s\u{ed}" | "si" | "verdadero" | "x" => Some(true),
        "false" | "f" | "no" | "n" | "0" | "live" | "sale" | "nein" | "falsch" | "non" | "faux" | "falso" => {
            Some(false)
        }
        _ => None,
    }
}

/// A time on the shop's clock. Of an hour that is there twice the first is meant; one that is not there is taken for the
/// hour after it.
fn in_zone(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    if zone == Tz::UTC {
        return local.and_utc();
    }
    match zone.from_local_datetime(&local) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => time.to_utc(),
        LocalResult::None => match zone.from_local_datetime(&(local + TimeDelta::hours(1))) {
            LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => time.to_utc(),
            LocalResult::None => local.and_utc(),
        },
    }
}

/// Takes off what nobody sees at either end: marks of the direction of writing, joiners, and marks of byte order.
fn without_marks(text: &str) -> &str {
    let is_plain = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii);
    if is_plain(text.as_bytes().first()) && is_plain(text.as_bytes().last()) {
        return text;
    }
    text.trim_matches(|sign: char| {
        sign.is_whitespace()
            || matches!(sign, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    })
}

/// Whether a spreadsheet shows a fault instead of what was there: `#####` in a column that is too narrow, `#REF!`, `#N/A`,
/// in the words of any language.
fn is_fault(text: &str) -> bool {
    let inner = text.strip_prefix('#').unwrap_or(text);
    let is_word = |word: &str| word.chars().all(|sign| sign.is_uppercase() || matches!(sign, '/' | '0'));
    let is_exclaimed = inner.strip_suffix(['!', '?']).is_some_and(|word| !word.is_empty() && is_word(word));
    let is_hidden = !inner.is_empty() && inner.bytes().all(|byte| byte == b'#');
    is_exclaimed || is_hidden || matches!(inner, "N/A" | "NV" | "N/D" | "I/T")
}

fn bounded(meaning: Meaning, number: Decimal, limit: i64) -> Result<(), Wrong> {
    if number.abs() <= Decimal::from(limit) {
        return Ok(());
    }
    Err(Wrong::new(
        "number_out_of_range",
        meaning,
        format!("{} is out of range (at most {limit})", meaning.name()),
    ))
}

fn is_currency(code: [u8; 3]) -> bool {
    std::str::from_utf8(&code).is_ok_and(money::is_currency)
}

/// What looks like the code of a currency and is none; `said` is where it stands.
fn no_currency(meaning: Meaning, said: String) -> Wrong {
    let message = format!("{said}, which ISO 4217 does not have; it {NO_CURRENCY}");
    Wrong::new("bad_currency", meaning, message)
}

/// Currencies whose amounts have three decimals.
fn has_three_decimals(currency: [u8; 3]) -> bool {
    matches!(&currency, b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND")
}

/// Money to two decimals, as it is stored.
pub(super) fn to_cents(number: Decimal) -> Decimal {
    number.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}
