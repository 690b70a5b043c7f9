//! A question in words: small letters, abbreviations in full, slips corrected, ids of customers taken out.

use platform::anonymous_ids::AnonymousId;

use super::{spelling, words};

/// Stands where a customer or a group of words was, so that the words around it make no group; nobody can type it.
pub const TAKEN: &str = "\u{2026}";

/// A question in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tokens {
    /// The words, as they are known where they are.
    pub words: Vec<String>,
    /// Customers who are named, in order, each once.
    pub customers: Vec<String>,
    /// Slips, each with the word that it was read as.
    pub slips: Vec<(String, &'static str)>,
    /// Whether a number has a minus before it.
    pub is_below_zero: bool,
}

/// Signs of currencies, with the words that they stand for.
const CURRENCIES: [(char, &str); 3] = [('\u{20ac}', "eur"), ('$', "usd"), ('\u{a3}', "gbp")];

/// Words of a question as they were typed, in small letters.
pub fn plain(question: &str) -> impl Iterator<Item = String> + '_ {
    question.split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '\u{2019}')).filter_map(|word| {
        let word = word.trim_matches(['\'', '\u{2019}']).to_lowercase();
        (!word.is_empty()).then_some(word)
    })
}

/// Reads the words of a question.
pub fn of(question: &str) -> Tokens {
    let mut tokens = Tokens::default();
    let is_shouted = !question.chars().any(char::is_lowercase);
    let (mut is_first, mut is_quoted) = (true, false);
    let mut typed = question.split_whitespace().peekable();
    while let Some(word) = typed.next() {
        tokens.is_below_zero |= has_minus(word);
        is_quoted |= word.starts_with(['"', '\u{201c}', '\u{201e}', '\u{ab}']);
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '#');
        // "C-0123ABCD's risk" names the customer.
        let bare =
            bare.strip_suffix("'s").or(bare.strip_suffix("\u{2019}s")).filter(|id| is_id(id)).unwrap_or(bare);
        if is_id(bare) {
            tokens.name(bare.to_uppercase());
            is_first = false;
            continue;
        }
        let small = bare.to_lowercase().replace(['\'', '\u{2019}'], "");
        // "customer 7041" names one by the shop's own id.
        if matches!(small.as_str(), "customer" | "client" | "buyer" | "cust") {
            let next = typed
                .peek()
                .map(|next| next.trim_matches(|c: char| !c.is_alphanumeric() && c != '#' && c != '-'));
            let next = next.map(|next| next.trim_start_matches('#'));
            let next =
                next.map(|next| next.strip_suffix("'s").or(next.strip_suffix("\u{2019}s")).unwrap_or(next));
            if let Some(id) = next.filter(|next| next.chars().any(|c| c.is_ascii_digit()) && !is_id(next)) {
                tokens.name(id.to_owned());
                typed.next();
                continue;
            }
        }
        // What begins with a capital inside of a sentence, or is quoted, may be a name.
        let may_be_name = is_quoted || (!is_first && !is_shouted && bare.starts_with(char::is_uppercase));
        let whole = if !is_shouted && matches!(bare, "US" | "U.S" | "U.S.A") { "usa" } else { whole(&small) };
        for part in whole
            .split(['-', '/', ',', '.', '_', '+', '&'])
            .flat_map(numbers_apart)
            .filter(|part| !part.is_empty())
        {
            tokens.take(part, may_be_name);
        }
        if word.contains('%') {
            tokens.words.push("percent".to_owned());
        }
        for (_, name) in CURRENCIES.iter().filter(|(sign, _)| word.contains(*sign)) {
            tokens.words.push((*name).to_owned());
        }
        is_first = word.ends_with(['.', '!', '?', ':', ';']);
        is_quoted &= !word
            .trim_end_matches(['.', '!', '?', ':', ';', ','])
            .ends_with(['"', '\u{201d}', '\u{201c}', '\u{bb}']);
    }
    tokens
}

impl Tokens {
    fn name(&mut self, id: String) {
        self.words.push(TAKEN.to_owned());
        if !self.customers.contains(&id) {
            self.customers.push(id);
        }
    }

    fn take(&mut self, part: &str, may_be_name: bool) {
        let part = words::in_full(part);
        // Nobody asks for three moths.
        let is_after_number = self.words.last().is_some_and(|before| before.parse::<u32>().is_ok());
        let slip = match part {
            "moth" | "moths" if is_after_number => Some("months"),
            _ => spelling::slip_of(part),
        };
        match slip.filter(|_| !may_be_name) {
            Some(known) => {
                self.slips.push((part.to_owned(), known));
                self.words.push(known.to_owned());
            }
            None => self.words.push(part.to_owned()),
        }
    }
}

fn is_id(word: &str) -> bool {
    word.parse::<AnonymousId>().is_ok()
}

/// Whether a number in the word has a minus before it, which is no hyphen: "-5", not "top-5".
fn has_minus(word: &str) -> bool {
    let chars: Vec<char> = word.chars().collect();
    (1..chars.len()).any(|place| {
        let before = place.checked_sub(2).map(|before| chars[before]);
        chars[place].is_ascii_digit()
            && matches!(chars[place - 1], '-' | '\u{2212}' | '\u{2013}')
            && before.is_none_or(|before| !before.is_alphanumeric())
    })
}

/// What has a sign in it and is one word.
fn whole(word: &str) -> &str {
    match word {
        "w/o" => "without",
        "e-mail" => "email",
        "e-mails" => "emails",
        "x-mas" => "xmas",
        "yoy" | "mom" => "compare",
        _ => word,
    }
}

/// A number and what is written together with it: "top10", "6m", "30d", "6months".
fn numbers_apart(word: &str) -> Vec<&str> {
    let before = word.find(|c: char| c.is_ascii_digit()).unwrap_or(word.len());
    let (head, rest) = word.split_at(before);
    let after = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, tail) = rest.split_at(after);
    let unit = match tail {
        "" => Some(""),
        "m" | "mo" | "mths" | "months" | "month" => Some("months"),
        "d" | "days" | "day" => Some("days"),
        "w" | "wks" | "weeks" | "week" => Some("weeks"),
        "q" | "quarters" => Some("quarters"),
        "y" | "yr" | "yrs" | "years" | "year" => Some("years"),
        _ => None,
    };
    match (head, digits, unit) {
        ("top", digits, Some("")) if !digits.is_empty() => vec!["top", digits],
        ("", digits, Some(unit)) if !digits.is_empty() && !unit.is_empty() => vec![digits, unit],
        _ => vec![word],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(question: &str) -> String {
        of(question).words.join(" ")
    }

    #[test]
    fn words_are_read_as_they_are_meant() {
        for (question, read) in [
            ("Wich custmers spend the moast??", "which customers spend the most"),
            ("top10 VIPs, last 6m", "top 10 vips last 6 months"),
            ("What's our revenue?", "whats our revenue"),
            ("one-time buyers w/o discount", "one time buyers without discount"),
            ("best customers in the US", "best customers in the usa"),
            ("tell us", "tell us"),
            ("WICH CUSTMERS", "which customers"),
            ("last 3 moths, moths", "last 3 months moths"),
            ("top 20% or 20 %", "top 20 percent or 20 percent"),
        ] {
            assert_eq!(words(question), read, "{question}");
        }
    }

    #[test]
    fn names_numbers_and_ids_are_left_alone() {
        let read =
            of("did Custmers buy \"custmers choice\" from C-0123ABCD, customer 7041 or customer #7041?");
        assert_eq!(
            read.words.join(" "),
            "did custmers buy custmers choice from \u{2026} \u{2026} or \u{2026}"
        );
        assert_eq!(read.customers, ["C-0123ABCD", "7041"]);
        assert!(read.slips.is_empty());
        assert_eq!(of("custmers").slips, [("custmers".to_owned(), "customers")]);
        assert!(of("top -5").is_below_zero && of("(\u{2212}3 months)").is_below_zero);
        assert!(!of("top-5 b2b 3-6 C-0123ABCD win-back").is_below_zero);
        assert_eq!(words("revenue 1,000.50 x100 b2b"), "revenue 1 000 50 x100 b2b");
    }
}
