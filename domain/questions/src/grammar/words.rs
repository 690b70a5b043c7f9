//! The words that the grammar knows: each stands for a concept, or for nothing. A word that is mistyped is taken for the
//! known one that it can only be; a word that is not known stays so, and a question with one is not answered.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a word is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Concept {
    Acquire,
    Archetype,
    Band,
    Behave,
    Best,
    Business,
    Buy,
    Cadence,
    Campaign,
    Category,
    Change,
    Compare,
    Count,
    CrossSell,
    Customer,
    Decline,
    Depend,
    Discount,
    Drift,
    Expansion,
    Forecast,
    Future,
    Grow,
    Leave,
    Loyal,
    Ltv,
    Momentum,
    More,
    Once,
    Product,
    Profile,
    Pronoun,
    Rate,
    Recommend,
    Repurchase,
    Retain,
    Revenue,
    Rfm,
    Season,
    Segment,
    Size,
    Spend,
    Strategy,
    Together,
    Upsell,
    Vip,
    Winback,
}

/// Several concepts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Concepts(u64);

impl Concepts {
    /// These.
    pub fn of(concepts: &[Concept]) -> Concepts {
        concepts.iter().fold(Concepts(0), |all, concept| all.with(*concept))
    }

    /// With one more.
    pub fn with(self, concept: Concept) -> Concepts {
        Concepts(self.0 | 1 << concept as u8)
    }

    /// Without one.
    pub fn without(self, concept: Concept) -> Concepts {
        Concepts(self.0 & !(1 << concept as u8))
    }

    /// All of both.
    pub fn and(self, other: Concepts) -> Concepts {
        Concepts(self.0 | other.0)
    }

    /// Whether it is among them.
    pub fn has(self, concept: Concept) -> bool {
        self.0 & 1 << concept as u8 != 0
    }

    /// Whether any of the others is among them.
    pub fn meets(self, other: Concepts) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether all are among the others.
    pub fn is_within(self, other: Concepts) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// What a known word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// It is about something.
    About(Concept),
    /// It changes nothing.
    Nothing,
    /// It takes something out, which the tools cannot.
    Negation,
    /// A unit of time, in months; none for one that is too short.
    Unit(Option<u32>),
    /// A number from two on.
    Number(u32),
    /// It makes a unit one of the past.
    Past,
    /// A band of risk.
    Level(&'static str),
}

use Concept as C;

/// Words by concept, with spaces between.
const WORDS: &[(Concept, &str)] = &[
    (C::Acquire, "acquisition acquire acquiring lookalike lookalikes prospects"),
    (C::Archetype, "archetype archetypes"),
    (C::Behave, "behave behaves behavior behaviour behavioral behavioural"),
    (C::Best, "best good top better"),
    (
        C::Business,
        "business businesses b2b company companies corporate wholesale firm firms organisations organizations",
    ),
    (
        C::Buy,
        "buy buys buying bought purchase purchases purchased purchasing order orders ordered ordering history",
    ),
    (C::Cadence, "cadence frequency interval intervals gap gaps rhythm"),
    (
        C::Campaign,
        "campaign campaigns mailing mailings newsletter target targets targeting targeted audience",
    ),
    (C::Category, "category categories"),
    (C::Change, "changed change changes changing shifted"),
    (
        C::Compare,
        "compare compares compared comparison comparing versus vs differ differs difference differences",
    ),
    (C::Count, "count number"),
    (C::CrossSell, "crossselling crosssell crosssells"),
    (C::Customer, "customer customers client clients buyer buyers shopper shoppers people who whom whose"),
    (C::Decline, "declining decline fading slowing disengaging disengaged overdue"),
    (C::Depend, "depend depends dependent dependency dependence rely"),
    (C::Discount, "discount discounts discounted coupon coupons reduced"),
    (C::Drift, "drift drifted"),
    (C::Expansion, "expansion introduce"),
    (
        C::Forecast,
        "forecast forecasts forecasted predict predicted prediction expect expected projection outlook",
    ),
    (C::Future, "next coming upcoming ahead future"),
    (C::Grow, "grow grows growing growth grew shrink shrinks shrank shrinking"),
    (C::Leave, "churn churns churning churned leave leaves leaving lose losing loss risk risky attrition"),
    (C::Loyal, "loyalty loyal faithful"),
    (C::Ltv, "ltv clv lifetime worth"),
    (C::Momentum, "momentum gaining rising falling"),
    (C::More, "more further continue"),
    (C::Once, "once onetime"),
    (C::Product, "product products item items"),
    (C::Profile, "profile"),
    (C::Pronoun, "they them their he him his she her theirs"),
    (C::Rate, "rate rates share percentage"),
    (
        C::Recommend,
        "recommend recommends recommended recommendation recommendations suggest suggestion offer advise advice actions",
    ),
    (C::Repurchase, "repurchase repurchases repurchasing rebuy reorder"),
    (C::Retain, "retention retain retaining keep keeping"),
    (C::Revenue, "revenue sales turnover income sell sells selling sold"),
    (C::Rfm, "rfm recency"),
    (C::Season, "season seasons seasonal seasonality"),
    (C::Segment, "segment segments segmentation groups clusters"),
    (C::Size, "size sizes large big overview"),
    (C::Spend, "spend spent spends spending money"),
    (C::Strategy, "strategy strategies"),
    (C::Together, "together basket baskets pairs affinity combination combinations bundle bundles"),
    (C::Upsell, "upsell upselling upsells"),
    (C::Vip, "vip vips valuable"),
    (C::Winback, "winback winbacks lapsed inactive reactivate reactivation lost"),
];

const NOTHING: &str = "a about all also am an and any are as at average be been by can candidate candidates could currently \
    develop did do does doing during each find first for from get give go had has have how i in into is it its just know \
    let like likely list look looking make many may me mean might most much my need now of often on or opportunities \
    opportunity our out over per please pls plz potential r rank ranked right same score scores scoring see should show since \
    so some sort sorted tell than thanks that the then there these this those time to today u up us using usual usually \
    value want was wat we were what whats when where which will with within would you your";

const NEGATIONS: &str = "not no never except excluding exclude without but unless neither nor dont wont isnt arent cant \
    didnt doesnt only instead other others remaining rest";

/// Groups of words that are about something together; words in them as they are written here, with spaces between.
pub const PHRASES: &[(&str, Concept)] = &[
    ("quarter of the year", C::Season),
    ("quarters of the year", C::Season),
    ("time of the year", C::Season),
    ("time of year", C::Season),
    ("buy again", C::Repurchase),
    ("buys again", C::Repurchase),
    ("bought again", C::Repurchase),
    ("come back to", C::Repurchase),
    ("one time", C::Once),
    ("only once", C::Once),
    ("only one order", C::Once),
    ("single order", C::Once),
    ("high value", C::Vip),
    ("highest value", C::Vip),
    ("big spenders", C::Vip),
    ("biggest spenders", C::Vip),
    ("top spenders", C::Vip),
    ("spend most", C::Vip),
    ("spent most", C::Vip),
    ("spend the most", C::Vip),
    ("spent the most", C::Vip),
    ("cross sell", C::CrossSell),
    ("cross selling", C::CrossSell),
    ("up sell", C::Upsell),
    ("up selling", C::Upsell),
    ("win back", C::Winback),
    ("winning back", C::Winback),
    ("wins back", C::Winback),
    ("life time value", C::Ltv),
    ("expected spend", C::Ltv),
    ("how often", C::Cadence),
    ("days between", C::Cadence),
    ("days pass between", C::Cadence),
    ("less than usual", C::Decline),
    ("less often", C::Decline),
    ("later than usual", C::Decline),
    ("declining engagement", C::Decline),
    ("losing engagement", C::Decline),
    ("losing momentum", C::Momentum),
    ("last run", C::Change),
    ("how many", C::Count),
    ("another category", C::Expansion),
    ("second category", C::Expansion),
    ("only one category", C::Expansion),
    ("should we do", C::Recommend),
    ("list price", C::Discount),
    ("each other", C::Compare),
    ("side by side", C::Compare),
];

/// Axes by the words that people use.
pub const AXES: &[(&str, &str)] = &[
    ("purchase frequency", "purchase_frequency"),
    ("purchase value", "purchase_value"),
    ("category exploration", "category_exploration"),
    ("price sensitivity", "price_sensitivity"),
    ("purchase cadence", "purchase_cadence"),
    ("customer maturity", "customer_maturity"),
    ("repurchase behavior", "repurchase_behavior"),
    ("repurchase behaviour", "repurchase_behavior"),
    ("return behavior", "return_behavior"),
    ("return behaviour", "return_behavior"),
];

const NUMBERS: [&str; 12] =
    ["", "", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"];

static VOCABULARY: LazyLock<HashMap<&'static str, Meaning>> = LazyLock::new(|| {
    let mut known = HashMap::new();
    // What is about something goes last, so that it is not taken for nothing.
    for phrase in PHRASES.iter().map(|(phrase, _)| *phrase).chain(AXES.iter().map(|(phrase, _)| *phrase)) {
        known.extend(phrase.split(' ').map(|word| (word, Meaning::Nothing)));
    }
    known.extend(NOTHING.split_whitespace().map(|word| (word, Meaning::Nothing)));
    known.extend(NEGATIONS.split_whitespace().map(|word| (word, Meaning::Negation)));
    for (concept, words) in WORDS {
        known.extend(words.split(' ').map(|word| (word, Meaning::About(*concept))));
    }
    for (words, months) in [
        ("month months", Some(1)),
        ("quarter quarters", Some(3)),
        ("year years", Some(12)),
        ("week weeks day days", None),
    ] {
        known.extend(words.split(' ').map(|word| (word, Meaning::Unit(months))));
    }
    for (number, word) in
        (0..).zip(NUMBERS).skip(2).chain([(12, "twelve"), (24, "twentyfour"), (20, "twenty")])
    {
        known.insert(word, Meaning::Number(number));
    }
    for word in ["last", "past", "previous"] {
        known.insert(word, Meaning::Past);
    }
    for word in ["low", "medium", "high", "critical"] {
        known.insert(word, Meaning::Level(word));
    }
    // Parts of phrases that mean nothing by themselves, and may not be passed over.
    for word in [
        "again",
        "between",
        "engagement",
        "pass",
        "sensitivity",
        "exploration",
        "maturity",
        "return",
        "price",
        "side",
        "less",
        "later",
        "run",
        "second",
        "another",
        "back",
        "life",
        "highest",
        "biggest",
        "spenders",
        "winning",
        "wins",
        "win",
        "cross",
        "single",
        "one",
        "half",
    ] {
        known.remove(word);
    }
    known
});

/// Words that count inside of phrases alone.
pub fn is_part_of_phrase(word: &str) -> bool {
    let parts = PHRASES.iter().map(|(phrase, _)| *phrase).chain(AXES.iter().map(|(phrase, _)| *phrase));
    parts.flat_map(|phrase| phrase.split(' ')).any(|part| part == word)
}

/// What a word means; none when it is not known.
pub fn meaning(word: &str) -> Option<Meaning> {
    VOCABULARY.get(word).copied()
}

/// The word as it is known: itself, or the one that it is a slip of. None when it could be several things, or nothing.
pub fn known(word: &str) -> Option<&str> {
    if VOCABULARY.contains_key(word) || is_part_of_phrase(word) || word == "half" {
        return Some(word);
    }
    let slips = match word.chars().count() {
        0..=4 => return None,
        5..=7 => 1,
        _ => 2,
    };
    let mut best: Option<(usize, &'static str)> = None;
    let mut is_several = false;
    for candidate in VOCABULARY.keys().copied() {
        // People rarely mistype the first letter, and short words are close to too many others.
        if candidate.len() < 5 || candidate.chars().next() != word.chars().next() {
            continue;
        }
        let distance = distance(word, candidate);
        if distance > slips {
            continue;
        }
        match best {
            Some((closest, _)) if distance > closest => {}
            Some((closest, other)) if distance == closest => {
                is_several |= meaning(other) != meaning(candidate)
            }
            _ => {
                best = Some((distance, candidate));
                is_several = false;
            }
        }
    }
    best.filter(|_| !is_several).map(|(_, word)| word)
}

/// Insertions, deletions, replacements and swaps of neighbours from one word to another (Damerau 1964, in the form in
/// which no place is changed twice).
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows = vec![vec![0; other.len() + 1]; one.len() + 1];
    for (place, row) in rows.iter_mut().enumerate() {
        row[0] = place;
    }
    rows[0] = (0..=other.len()).collect();
    for a in 1..=one.len() {
        for b in 1..=other.len() {
            let replaced = rows[a - 1][b - 1] + usize::from(one[a - 1] != other[b - 1]);
            let mut least = replaced.min(rows[a - 1][b] + 1).min(rows[a][b - 1] + 1);
            if a > 1 && b > 1 && one[a - 1] == other[b - 2] && one[a - 2] == other[b - 1] {
                least = least.min(rows[a - 2][b - 2] + 1);
            }
            rows[a][b] = least;
        }
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_seen_through_and_other_words_are_not() {
        assert_eq!(known("catgory"), Some("category"));
        assert_eq!(known("bougth"), Some("bought"));
        assert_eq!(known("cusotmers"), Some("customers"));
        assert_eq!(known("revnue"), Some("revenue"));
        for strange in ["weather", "berlin", "tea", "march", "xyzzy", "germany", "shipping", "employees"] {
            assert_eq!(known(strange), None, "{strange}");
        }
        assert_eq!(distance("ab", "ba"), 1);
    }

    #[test]
    fn no_word_has_two_meanings() {
        let mut seen = HashMap::new();
        for (concept, words) in WORDS {
            for word in words.split(' ') {
                assert_eq!(seen.insert(word, *concept), None, "{word}");
                assert!(
                    !NOTHING.split_whitespace().any(|nothing| nothing == word),
                    "{word} is nothing as well"
                );
            }
        }
        assert!((Concept::Winback as u8) < 64);
    }
}
