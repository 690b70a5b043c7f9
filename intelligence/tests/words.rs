//! The words about customers and archetypes, over the real purchases of `data/`: their length, that nothing is said
//! twice, and that every number agrees with the data. `--no-capture` prints fifty of them to be read aloud.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use intelligence::archetypes::Level;
use intelligence::cold_start::Facts;
use intelligence::evaluate::date;
use intelligence::evaluate::read::read_orders;
use intelligence::features::{self, Axis, FEATURES, TenantStats, column};
use intelligence::history;
use intelligence::lines::Lines;
use intelligence::reasons::reasons;
use intelligence::segmentation::{Fit, Segmentation};
use intelligence::snapshot::{Snapshot, alive_model};
use intelligence::words::{Known, MOST_CHARACTERS, MOST_WORDS, Spread, sentence};

/// Words of degree that no text may have twice.
const DEGREES: [&str; 16] = [
    "more", "less", "most", "usually", "usual", "about", "last", "long", "longer", "only", "just", "lately",
    "often", "recently", "quickly", "mostly",
];
/// The adverbs among them: no two reasons of a customer have the same, although both may speak of a last order.
const ADVERBS: [&str; 7] = ["usually", "only", "just", "lately", "often", "recently", "mostly"];

struct Shop {
    lines: Lines,
    now: Snapshot,
    spread: Spread,
    told: Vec<String>,
}

fn shop(day: &str) -> Shop {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/cdnow.csv.gz");
    let lines = read_orders(&file).expect("the purchases").lines;
    let day = date::parse_day(day).expect("a day");
    let now = Snapshot::take(&lines, day, 90);
    let spread = Spread::of(&now.features, None);
    let told = (0..now.customers.len())
        .map(|at| {
            let (summary, row) = (&now.summaries[at], now.features.row(at));
            let spend = spread.places(row, None)[Axis::PurchaseValue as usize];
            let first_day = Some(day - summary.tenure as i32);
            sentence(&Known { orders: summary.orders, first_day, row, spend })
        })
        .collect();
    Shop { lines, now, spread, told }
}

fn words(text: &str) -> Vec<String> {
    let plain = text.to_lowercase();
    plain.split(|letter: char| !letter.is_alphanumeric() && letter != '-').map(str::to_owned).collect()
}

/// Nothing is said twice, and nobody is a thing.
fn assert_readable(text: &str) {
    assert_said_once(text, &DEGREES);
}

fn assert_said_once(text: &str, once: &[&str]) {
    let words = words(text);
    for degree in once {
        assert!(words.iter().filter(|word| word == degree).count() <= 1, "{degree:?} twice: {text}");
    }
    let clauses: Vec<&str> = text.split([';', ',', ':']).map(str::trim).collect();
    assert_eq!(clauses.iter().collect::<BTreeSet<_>>().len(), clauses.len(), "a clause twice: {text}");
    assert!(!words.iter().any(|word| matches!(word.as_str(), "it" | "its" | "nan" | "inf")), "{text}");
    assert!(!text.contains("  ") && !text.contains(" ;") && !text.ends_with([';', ',', ' ']), "{text}");
}

/// A size, a rhythm or a direction is said once: who is slipping away is not rising, and nobody orders monthly and
/// quarterly.
fn assert_names_no_opposites(name: &str) {
    let sizes = ["big", "small", "big-basket", "small-basket", "bigger", "smaller", "thrifty"];
    let rhythms = [
        "weekly",
        "fortnightly",
        "monthly",
        "two-monthly",
        "quarterly",
        "half-yearly",
        "yearly",
        "apart",
        "slower",
        "quicker",
    ];
    let directions = ["slipping", "fading", "cooling", "rising"];
    for kinds in [&sizes[..], &rhythms, &directions] {
        let said: Vec<String> =
            words(name).into_iter().filter(|word| kinds.contains(&word.as_str())).collect();
        assert!(said.len() <= 1, "{said:?}: {name}");
    }
}

/// The numbers that stand before a word.
fn before<'a>(text: &'a str, word: &str) -> impl Iterator<Item = f64> + use<'a> {
    let parts: Vec<&str> = text.split(' ').collect();
    let word = word.to_owned();
    let found: Vec<f64> = parts
        .windows(2)
        .filter(|pair| pair[1].trim_end_matches([';', ',', ':']) == word)
        .filter_map(|pair| pair[0].replace(',', "").parse().ok())
        .collect();
    found.into_iter()
}

#[test]
fn a_customer_has_one_short_sentence_whose_numbers_agree_with_the_data() {
    for day in ["1997-05-15", "1997-12-31", "1998-06-30"] {
        let shop = shop(day);
        let now = &shop.now;
        let recent = history::outcomes(&shop.lines, now.day - 90, now.day);
        let earlier = history::outcomes(&shop.lines, now.day - 180, now.day - 90);
        let customers = now.customers.len() as f64;
        let spends: Vec<f32> = {
            let at = column("log_spend").expect("a feature");
            let mut spends: Vec<f32> =
                (0..now.customers.len()).map(|row| now.features.row(row)[at]).collect();
            spends.sort_unstable_by(f32::total_cmp);
            spends
        };
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, told) in shop.told.iter().enumerate() {
            assert_readable(told);
            assert!(told.chars().count() <= MOST_CHARACTERS, "{told}");
            let summary = &now.summaries[at];
            let row = now.features.row(at);
            let feature = |name: &str| row[column(name).expect("a feature")];
            // The first number is that of all orders.
            let count: f64 = told
                .split(' ')
                .next()
                .and_then(|count| count.replace(',', "").parse().ok())
                .expect("a count");
            assert_eq!(count as u32, summary.orders, "{told}");
            let first = date::name(now.day - summary.tenure as i32);
            let month = ["January", "February", "March"][first[5..7].parse::<usize>().expect("a month") - 1];
            assert!(told.contains(&format!("{month} {}", &first[..4])), "{first}: {told}");
            // No claim about others is larger than the truth.
            if let Some(percent) = before(told, "%").next() {
                let own = feature("log_spend");
                let smaller = spends.partition_point(|spend| *spend < own) as f64 / customers * 100.0;
                let greater =
                    100.0 - spends.partition_point(|spend| *spend <= own) as f64 / customers * 100.0;
                let truth = if told.contains(" more than ") { smaller } else { greater };
                assert!(
                    percent >= 50.0 && percent <= truth && percent + 2.1 > truth.min(99.0),
                    "{truth}: {told}"
                );
            }
            // Who came once, or a year ago, has spent.
            let recency = summary.tenure - summary.last;
            let spends = summary.orders > 1 && recency <= 365;
            assert_eq!(told.contains("; spends "), spends, "{told}");
            assert_eq!(told.contains("; spent "), !spends, "{told}");
            assert_eq!(
                told.contains(" on one day in "),
                summary.orders > 1 && feature("purchase_days") == 1.0,
                "{told}"
            );
            // What the last quarters were like.
            let quarters =
                (recent[now.customers[at] as usize].orders, earlier[now.customers[at] as usize].orders);
            let clause = told.rsplit("; ").next().expect("a clause");
            let kind = match clause {
                clause if clause.starts_with("no order for") => {
                    assert_eq!(quarters.0, 0, "{told}");
                    assert!(recency >= 90 && summary.orders > 1, "{told}");
                    "no order"
                }
                clause if clause.starts_with("has not come back in") => {
                    assert!(recency >= 90 && summary.orders == 1, "{told}");
                    "once"
                }
                clause if clause.starts_with("nothing last quarter") => {
                    assert_eq!(
                        (0, before(clause, "order").chain(before(clause, "orders")).next()),
                        (quarters.0, Some(f64::from(quarters.1))),
                        "{told}"
                    );
                    "nothing"
                }
                clause if clause.starts_with("quiet for") => {
                    assert!(f64::from(recency) >= 2.0 * f64::from(feature("median_gap_days")), "{told}");
                    "late"
                }
                clause if clause.starts_with("last here") => {
                    assert!(summary.tenure < 90, "{told}");
                    "new"
                }
                clause if clause.starts_with("keeps pace") => {
                    assert!(quarters.0 == quarters.1 && quarters.0 > 1, "{told}");
                    "steady"
                }
                clause if clause.starts_with("1 order in each") => {
                    assert_eq!(quarters, (1, 1), "{told}");
                    "steady"
                }
                clause if clause.starts_with("back again") => {
                    assert!(quarters.0 > 0 && quarters.1 == 0, "{told}");
                    "back"
                }
                clause if clause.contains(" last quarter: ") => {
                    let is_less = clause.starts_with("slower") || clause.starts_with("bought less");
                    assert_eq!(is_less, quarters.0 < quarters.1, "{told}");
                    assert_eq!(clause.contains(", down from "), is_less, "{told}");
                    let figures = (
                        before(clause, "order").chain(before(clause, "orders")).next(),
                        clause.rsplit(' ').next(),
                    );
                    assert_eq!(
                        figures,
                        (Some(f64::from(quarters.0)), Some(&*quarters.1.to_string())),
                        "{told}"
                    );
                    "changed"
                }
                clause => panic!("{clause}: {told}"),
            };
            *kinds.entry(kind).or_default() += 1;
        }
        assert!(kinds.len() >= 3, "{kinds:?}");
        let distinct: BTreeSet<&String> = shop.told.iter().collect();
        println!("{day}: {kinds:?}, {} of {} sentences differ", distinct.len(), shop.told.len());
        let step = (shop.told.len() / 17).max(1);
        for told in shop.told.iter().step_by(step) {
            println!("  {told}");
        }
    }
}

#[test]
fn archetypes_have_names_of_the_trade_and_figures_of_their_customers() {
    for day in ["1997-05-15", "1998-04-01"] {
        let shop = shop(day);
        let now = &shop.now;
        let rows: Vec<usize> = now.customers.iter().map(|&at| at as usize).collect();
        let alive = alive_model(&now.purchases);
        let week = now.day - 7;
        let before_week =
            features::compute(&shop.lines, &TenantStats::of(&shop.lines, week), alive.as_ref(), week);
        let before_week = before_week.select(&rows);
        let facts: Vec<Facts> = now.summaries.iter().map(Facts::from).collect();
        let fit = || {
            let fit = Fit {
                features: &now.features,
                facts: &facts,
                week_before: Some(&before_week),
                alive,
                tickets: None,
                tickets_week_before: None,
            };
            Segmentation::fit(&fit).expect("a shop that differs").0
        };
        let version = fit();
        assert_eq!(version, fit(), "the same data have the same words");
        let list = &version.archetypes.list;
        assert!(list.len() >= 8, "{}", list.len());
        let names: BTreeSet<String> = list.iter().map(|archetype| archetype.name.to_lowercase()).collect();
        assert_eq!(names.len(), list.len(), "no two are called alike");
        let assigned = version.assign_all(&now.features, &facts);
        for (at, archetype) in list.iter().enumerate() {
            let name = &archetype.name;
            assert!((1..=MOST_WORDS).contains(&name.split(' ').count()), "{name}");
            assert!(name.chars().count() <= 40, "{name}");
            assert_readable(name);
            assert_readable(&archetype.description);
            assert!(!name.contains("group"), "the words suffice for this shop: {name}");
            assert_names_no_opposites(name);
            // The middle customer of the signature has as many orders as the description says.
            let mut orders: Vec<u32> = (0..assigned.len())
                .filter(|&row| version.archetypes.all_of(&assigned[row].dominant).contains(&(at as u16)))
                .map(|row| now.summaries[row].orders)
                .collect();
            orders.sort_unstable();
            let told = before(&archetype.description, "order")
                .chain(before(&archetype.description, "orders"))
                .next();
            assert_eq!(told, Some(f64::from(orders[orders.len() / 2])), "{}", archetype.description);
        }
        println!("{day}");
        for archetype in list {
            println!(
                "  {:?} {:>6} {} | {}",
                archetype.level, archetype.support, archetype.name, archetype.description
            );
        }
        let finer = list.iter().filter(|archetype| archetype.level == Level::L2).count();
        println!("  {finer} finer ones");
        for axis in &version.axes {
            for segment in &axis.segments {
                assert_readable(&segment.description);
                println!("  {} | {}", segment.name, segment.description);
            }
        }
        for axis in 0..shop.spread.places(now.features.row(0), None).len() {
            let known = (0..now.customers.len())
                .filter(|&row| shop.spread.places(now.features.row(row), None)[axis].is_some());
            println!("  places on axis {axis}: {}", known.count());
        }
    }
}

#[test]
fn reasons_say_nothing_twice_and_what_to_do() {
    let shop = shop("1998-04-01");
    let now = &shop.now;
    for (at, row) in (0..now.customers.len()).map(|at| (at, now.features.row(at))).step_by(7) {
        // Whatever the model finds, these are what it may say of real people.
        let parts: Vec<f64> =
            (0..FEATURES.len()).map(|column| ((at * 31 + column * 17) % 101) as f64 / 50.0 - 0.8).collect();
        let found = reasons(row, &parts);
        let text = found.iter().map(|reason| reason.sentence.as_str()).collect::<Vec<_>>().join("; ");
        assert_said_once(&text, &ADVERBS);
        for reason in &found {
            assert!(reason.sentence.chars().count() <= 140, "{}", reason.sentence);
            assert_eq!(reason.contribution > 0.0, reason.sentence.contains(": "), "{}", reason.sentence);
        }
        if at % 1000 == 0 {
            for reason in found {
                println!("  {}", reason.sentence);
            }
            println!();
        }
    }
}
