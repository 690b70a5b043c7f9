//! The words that the grammar knows: each stands for a concept, for a time, for what no tool has, or for nothing. A word
//! that is not known stays so, and a question with one is not answered.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::concepts::Concept;
use super::outside::{self, Topic};
use super::phrases::{AXES, PHRASES};
use crate::{countries, months};

/// What a known word is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Meaning {
    /// It is about something.
    About(Concept),
    /// It changes nothing.
    Nothing,
    /// It takes something out, which the tools cannot.
    Negation,
    /// A unit of time.
    Unit(Unit),
    /// A month by its name, 1 to 12.
    Month(u32),
    /// A day, a part of a day or a feast, by its name.
    Day,
    /// The present day, which says nothing where no time is looked at.
    Today,
    /// A number from two on.
    Number(u32),
    /// It makes a unit one of the past.
    Past,
    /// It makes a unit the one that is running.
    Running,
    /// A band of risk.
    Level(&'static str),
    /// A country by its name, as its code.
    Country(&'static str),
    /// Whoever lives in a country, as its code.
    OfCountry(&'static str),
    /// No tool has it.
    Outside(&'static Topic),
}

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Of so many months.
    Months(u32),
    /// Of so many days.
    Days(u32),
}

use Concept as C;

/// Words by concept, with spaces between.
const WORDS: &[(Concept, &str)] = &[
    (C::Acquire, "acquisition acquire acquiring lookalike lookalikes prospects prospect"),
    (C::Archetype, "archetype archetypes"),
    (C::Average, "average averages median"),
    (
        C::Behave,
        "behave behaves behaving behaved behavior behaviour behaviors behaviours behavioral behavioural habits",
    ),
    (C::Best, "best good top better biggest largest"),
    (C::Business, "business"),
    (
        C::Buy,
        "buy buys buying bought purchase purchases purchased purchasing order orders ordered ordering history shops",
    ),
    (C::Cadence, "cadence frequency interval intervals gap gaps rhythm"),
    (
        C::Campaign,
        "campaign campaigns mailing mailings newsletter newsletters target targets targeting targeted audience audiences",
    ),
    (C::Category, "category categories"),
    (C::Change, "changed change changes changing shifted"),
    (
        C::Company,
        "businesses b2b company companies corporate wholesale wholesaler wholesalers reseller resellers firm firms \
         organisation organisations organization organizations",
    ),
    (
        C::Compare,
        "compare compares compared comparison comparing versus vs differ differs difference differences different",
    ),
    (C::Count, "count number numbers"),
    (C::CrossSell, "crossselling crosssell crosssells crossell crosselling"),
    (
        C::Customer,
        "customer customers client clients buyer buyers shopper shoppers consumer consumers people folks anyone anybody \
         user users who whom whose whos",
    ),
    (C::Decline, "declining decline declined fading slowing disengaging disengaged"),
    (C::Depend, "depend depends dependent dependency dependence rely relies wait waits waiting"),
    (
        C::Discount,
        "discount discounts discounted coupon coupons voucher vouchers promo promos rebate rebates reduced bargain bargains",
    ),
    (C::Drift, "drift drifted"),
    (C::Expansion, "expansion introduce"),
    (
        C::Forecast,
        "forecast forecasts forecasted forecasting predict predicts predicted prediction predictions expect expects \
         expected projection projections projected outlook",
    ),
    (C::Future, "next coming upcoming ahead future"),
    (C::Gone, "lapsed inactive dormant former lost left churned"),
    (C::Grow, "grow grows growing growth grew"),
    (
        C::Leave,
        "churn churns churning churners leave leaves leaving quit quits quitting leavers lose loses losing risk risks risky \
         attrition",
    ),
    (C::Loyal, "loyalty loyal faithful"),
    (C::Ltv, "ltv clv lifetime worth"),
    (C::Momentum, "momentum"),
    (C::Money, "money cash"),
    (C::More, "more further continue"),
    (C::Most, "most mostly highest"),
    (C::New, "new newest newly newcomer newcomers"),
    (C::Once, "once onetime"),
    (C::Product, "product products item items article articles goods"),
    (C::Profile, "profile details info information summary"),
    (C::Pronoun, "he him his she her hers"),
    (C::Rate, "rate rates share percentage percent proportion"),
    (C::Recent, "lately recently recent"),
    (
        C::Recommend,
        "recommend recommends recommended recommendation recommendations suggest suggestion suggestions offer offers \
         advise advice actions ideas tips",
    ),
    (C::Repeat, "repeat returning"),
    (C::Repurchase, "repurchase repurchases repurchasing rebuy rebuys reorder reorders"),
    (C::Retain, "retention retain retaining keep keeping stay staying stop prevent"),
    (
        C::Revenue,
        "revenue revenues sales turnover income takings sell sells selling sold earn earns earned earning earnings",
    ),
    (C::Rfm, "rfm recency"),
    (C::Season, "season seasons seasonal seasonality"),
    (C::Segment, "segment segments segmentation group groups cluster clusters"),
    (
        C::Shrink,
        "shrink shrinks shrank shrinking down fall falls falling smaller decrease decreases decreasing drop drops dropping decreased \
         dropped fell",
    ),
    (C::Size, "size sizes large big overview"),
    (C::Spend, "spend spent spends spending pay pays paid paying"),
    (C::Strategy, "strategy strategies"),
    (C::They, "they them their theirs"),
    (C::Together, "together basket baskets pairs affinity combination combinations combine bundle bundles"),
    (C::Trend, "up rise rises rising risen bigger gaining increase increases increasing increased rose"),
    (C::Upsell, "upsell upselling upsells"),
    (C::Vip, "vip vips valuable"),
    (C::Why, "why because reason reasons cause causes"),
    (C::Will, "will gonna shall"),
    (C::Winback, "winback winbacks reactivate reactivation"),
];

const NOTHING: &str = "a able about actually all also alright am among an and any anything are as ask asking at \
    base basically be been being belong belonging belongs bit bring brings bringing brought by came can candidate candidates check come comes \
    could curious currently date dear develop did display do does doing during each far find first for from generate \
    generates get gets getting gimme give gives go going had has have having hello help here hey hi how i id im in interested into \
    is it its ive just kindly know let lets likely list look looking made make makes making many may maybe me mean \
    might mine much my need needs now of off often oh ok okay on ones or our ours over per perhaps plan planning please potential pretty \
    put question questions quick quickly r ranked ranking really regarding right same score scores scoring see seem seems \
    send set shop should show shows since so some sort sorted soon store such tell thanks thank that the then there theres \
    these thing things think this those through till time to too total understand upon us use using usual usually value \
    very view wanna want wants was wat way ways we webshop well were what whats when where which with within wonder \
    wondering would wow yeah yes yet you your yours opportunities opportunity out";

const NEGATIONS: &str = "not no never except excluding exclude excluded without unless neither nor dont wont isnt arent \
    cant cannot didnt doesnt havent hasnt wasnt werent wouldnt shouldnt only instead other others remaining rest none nobody \
    minus apart";

/// What people write in messages for a word that is known.
const ALIASES: &[(&str, &str)] = &[
    ("abt", "about"),
    ("avg", "average"),
    ("biz", "business"),
    ("cust", "customer"),
    ("custs", "customers"),
    ("loose", "lose"),
    ("mnth", "month"),
    ("mo", "month"),
    ("mos", "months"),
    ("mth", "month"),
    ("mths", "months"),
    ("n", "and"),
    ("pls", "please"),
    ("plz", "please"),
    ("ppl", "people"),
    ("qtr", "quarter"),
    ("r", "are"),
    ("rev", "revenue"),
    ("shud", "should"),
    ("thx", "thanks"),
    ("tmrw", "tomorrow"),
    ("u", "you"),
    ("ur", "your"),
    ("w", "with"),
    ("wat", "what"),
    ("wats", "whats"),
    ("wich", "which"),
    ("wk", "week"),
    ("wks", "weeks"),
    ("wot", "what"),
    ("yday", "yesterday"),
    ("yr", "year"),
    ("yrs", "years"),
];

const NUMBERS: [&str; 12] =
    ["", "", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"];

/// Months by their words: the name, and its first letters. May is a verb as well; times know where it is a month.
fn months() -> impl Iterator<Item = (u32, &'static str)> {
    (1..)
        .zip(months::NAMES)
        .filter(|(_, name)| *name != "may")
        .flat_map(|(number, name)| [(number, name), (number, &name[..months::SHORTEST])])
        .chain([(9, "sept")])
}

const DAYS: &str = "yesterday tomorrow tonight monday tuesday wednesday thursday friday saturday sunday weekend weekends \
    weekday weekdays hour hours hourly daily christmas xmas easter thanksgiving halloween";

static VOCABULARY: LazyLock<HashMap<&'static str, Meaning>> = LazyLock::new(|| {
    let mut known = HashMap::new();
    known.extend(NOTHING.split_whitespace().map(|word| (word, Meaning::Nothing)));
    known.extend(NEGATIONS.split_whitespace().map(|word| (word, Meaning::Negation)));
    for (concept, words) in WORDS {
        known.extend(words.split_whitespace().map(|word| (word, Meaning::About(*concept))));
    }
    for topic in outside::TOPICS {
        known.extend(topic.words.split_whitespace().map(|word| (word, Meaning::Outside(topic))));
    }
    for country in countries::ALL {
        let one_word = |words: &'static [&'static str]| words.iter().filter(|word| !word.contains(' '));
        known.extend(one_word(country.called).map(|word| (*word, Meaning::Country(country.code))));
        known.extend(one_word(country.of_it).map(|word| (*word, Meaning::OfCountry(country.code))));
    }
    for (words, unit) in [
        ("month months", Unit::Months(1)),
        ("quarter quarters", Unit::Months(3)),
        ("year years", Unit::Months(12)),
        ("day days", Unit::Days(1)),
        ("week weeks", Unit::Days(7)),
    ] {
        known.extend(words.split(' ').map(|word| (word, Meaning::Unit(unit))));
    }
    known.extend(months().map(|(number, word)| (word, Meaning::Month(number))));
    known.extend(DAYS.split_whitespace().map(|word| (word, Meaning::Day)));
    known.insert("today", Meaning::Today);
    for (number, word) in
        (0..).zip(NUMBERS).skip(2).chain([(12, "twelve"), (24, "twentyfour"), (20, "twenty")])
    {
        known.insert(word, Meaning::Number(number));
    }
    known.extend(["last", "past", "previous", "prior"].map(|word| (word, Meaning::Past)));
    known.extend(["current", "running", "ytd"].map(|word| (word, Meaning::Running)));
    known.extend(["low", "medium", "high", "critical"].map(|word| (word, Meaning::Level(word))));
    known
});

static PARTS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| parts_of_phrases().collect());

fn parts_of_phrases() -> impl Iterator<Item = &'static str> {
    let phrases = PHRASES.iter().map(|(phrase, _)| *phrase).chain(AXES.iter().map(|(phrase, _)| *phrase));
    let countries = countries::ALL.iter().flat_map(|country| country.called).copied();
    phrases.chain(countries).flat_map(|phrase| phrase.split(' '))
}

/// What a word means; none when it is not known, or means something inside of phrases alone.
pub fn meaning(word: &str) -> Option<Meaning> {
    VOCABULARY.get(word).copied()
}

/// Whether the word is known, by itself or inside of phrases.
pub fn is_known(word: &str) -> bool {
    VOCABULARY.contains_key(word) || PARTS.contains(word) || word == "half"
}

/// Every known word.
pub fn all() -> impl Iterator<Item = &'static str> {
    VOCABULARY.keys().copied().chain(PARTS.iter().copied().filter(|part| !VOCABULARY.contains_key(part)))
}

/// The word that an abbreviation stands for; itself when it is none.
pub fn in_full(word: &str) -> &str {
    ALIASES.iter().find(|(short, _)| *short == word).map_or(word, |(_, full)| *full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_has_two_meanings() {
        let mut seen: HashMap<&str, String> = HashMap::new();
        let mut take = |word: &'static str, what: String| {
            if let Some(other) = seen.insert(word, what.clone()) {
                panic!("{word} is {other} and {what}");
            }
        };
        for (concept, words) in WORDS {
            words.split_whitespace().for_each(|word| take(word, format!("{concept:?}")));
        }
        for topic in outside::TOPICS {
            topic.words.split_whitespace().for_each(|word| take(word, topic.says.to_owned()));
        }
        for (words, what) in [(NEGATIONS, "negation"), (DAYS, "day")] {
            words.split_whitespace().for_each(|word| take(word, what.to_owned()));
        }
        months().for_each(|(_, word)| take(word, "month".to_owned()));
        for country in countries::ALL {
            let words = country.called.iter().chain(country.of_it).filter(|word| !word.contains(' '));
            words.for_each(|word| take(word, country.name.to_owned()));
        }
        let nothing: HashSet<&str> = NOTHING.split_whitespace().collect();
        nothing.into_iter().for_each(|word| take(word, "nothing".to_owned()));
    }

    #[test]
    fn abbreviations_are_of_known_words_and_are_none_themselves() {
        for (short, full) in ALIASES {
            assert!(is_known(full), "{full}");
            assert!(!matches!(meaning(short), Some(Meaning::About(_))), "{short}");
        }
    }

    #[test]
    fn what_counts_in_phrases_alone_is_nothing_by_itself() {
        for word in ["again", "back", "than", "before", "less", "one"] {
            assert_eq!((meaning(word), is_known(word)), (None, true), "{word}");
        }
    }
}
