//! Counts by every way against the plain reading: each field with each operator, random trees, before an index,
//! with one, and after changes of single rows; what invalidates a count; what other tenants see.

use std::collections::BTreeMap;

use chrono::{TimeDelta, Utc};
use database::Role;
use database::ids::TenantId;
use marketing::segments::bits::build::{Built, Options, refresh};
use marketing::segments::changes;
use marketing::segments::count::{CountError, Counted, Method, Wanted, count};
use marketing::segments::field::{Field, Kind};
use marketing::segments::operator::{Operator, Wants};
use marketing::segments::parse::parse;
use marketing::segments::rule::{Condition, Literal, Rule};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rust_decimal::Decimal;
use sqlx::{Connection, PgConnection};

use crate::people::{ARCHETYPES, Person, SEGMENTS, people, person, publish, today, write};
use crate::reading::holds;
use crate::world::{World, add_tenant, world};

const SMALL: Options = Options { at_least: 0, block: 64 };

/// Literals that lie on and beside the people's values.
fn literals(field: Field) -> Vec<Literal> {
    let numbers = |texts: &[&str]| {
        let number = |text: &&str| Literal::Number(Decimal::from_str_exact(text).expect("a number"));
        texts.iter().map(number).collect::<Vec<_>>()
    };
    let texts =
        |texts: &[&str]| texts.iter().map(|text| Literal::Text((*text).to_owned())).collect::<Vec<_>>();
    match field {
        Field::TotalOrderValue => {
            numbers(&["-7", "0", "49.99", "49.995", "50", "500", "1234.56", "99999999"])
        }
        Field::OrderCount => numbers(&["-1", "0", "1", "3", "7", "9000000000"]),
        Field::DaysSinceLastOrder => numbers(&["-3", "0", "30", "365", "900", "99999999999"]),
        Field::ChurnProbability => numbers(&["0", "0.1", "0.3", "0.6", "0.65", "0.8", "1"]),
        Field::Ltv => numbers(&["0", "10.5", "99.99", "100", "2500.25", "1000000"]),
        Field::LastOrderDate | Field::FirstOrderDate => {
            [-1, 0, 30, 365].map(|days| Literal::Date(today() - TimeDelta::days(days))).to_vec()
        }
        Field::ShippingState => texts(&[
            "CA",
            "b\u{dc}ckeBURG",
            "ny",
            "NIEDER",
            "sachsen",
            "\u{dc}CKE",
            "\u{142}\u{d3}d\u{179}",
            "TX",
        ]),
        Field::ShippingCountry => texts(&["US", "de", "FR"]),
        Field::Email => texts(&[
            "b@example.com",
            "zo\u{eb}@\u{c9}T\u{c9}.TEST",
            "A@",
            "example",
            ".test",
            "\u{c9}t\u{c9}",
            "nobody",
        ]),
        Field::Tags => texts(&["vip", "stra\u{df}E", "PRESS", "b2b", "none"]),
        Field::Segment(_) => texts(&SEGMENTS),
        Field::Archetype => texts(&ARCHETYPES.map(|(name, _)| name)),
        _ => match field.kind() {
            Kind::Word(words) => texts(words),
            _ => vec![Literal::Flag(true), Literal::Flag(false)],
        },
    }
}

fn condition() -> impl Strategy<Value = Rule> {
    prop::sample::select(Field::all().collect::<Vec<_>>())
        .prop_flat_map(|field| (Just(field), prop::sample::select(field.kind().operators().to_vec())))
        .prop_flat_map(|(field, operator)| {
            let count = match operator.wants() {
                Wants::Nothing => 0..=0,
                Wants::One => 1..=1,
                Wants::Two => 2..=2,
                Wants::Many => 1..=3,
            };
            (Just(field), Just(operator), prop::collection::vec(prop::sample::select(literals(field)), count))
        })
        .prop_filter_map("bounds in order", |(field, operator, values)| {
            Condition::new(field, operator, &values).ok().map(Rule::Is)
        })
}

fn rules() -> impl Strategy<Value = Rule> {
    condition().prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Rule::All),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Rule::Any),
            inner.prop_map(|part| Rule::Not(Box::new(part))),
        ]
    })
}

async fn counted(world: &World, tenant: TenantId, rule: &Rule, wanted: Wanted) -> Counted {
    count(&world.db, tenant, rule, wanted, Utc::now()).await.expect("counted")
}

/// A count is what the plain reading says, and so is a sample.
async fn agree(world: &World, people: &BTreeMap<String, Person>, rule: &Rule, expected: Method) {
    let matching = counts(world, people, rule, expected).await;
    let sample = counted(world, world.tenant, rule, Wanted::Sample).await.sample;
    assert_eq!(sample.len(), matching.len().min(20), "{rule}");
    assert!(sample.iter().all(|id| matching.contains(&id.as_str())), "{rule}");
}

/// A count is what the plain reading says.
async fn counts<'a>(
    world: &World,
    people: &'a BTreeMap<String, Person>,
    rule: &Rule,
    expected: Method,
) -> Vec<&'a str> {
    let matching: Vec<&str> =
        people.values().filter(|person| holds(rule, person)).map(|person| person.id.as_str()).collect();
    let found = counted(world, world.tenant, rule, Wanted::Recount).await;
    assert_eq!(found.customers, i64::try_from(matching.len()).expect("few"), "{rule}");
    let by_bits = !rule.asks(|field| matches!(field, Field::Email | Field::Tags));
    assert_eq!(found.method, if by_bits { expected } else { Method::Scan }, "{rule}");
    matching
}

/// Every field with every operator, and random trees.
fn all_agree(
    runtime: &tokio::runtime::Runtime,
    world: &World,
    people: &BTreeMap<String, Person>,
    expected: Method,
) {
    for field in Field::all() {
        for operator in field.kind().operators() {
            let all = literals(field);
            let values: Vec<Vec<Literal>> = match operator.wants() {
                Wants::Nothing => vec![Vec::new()],
                Wants::One => all.into_iter().map(|value| vec![value]).collect(),
                Wants::Two => all.windows(2).map(<[Literal]>::to_vec).collect(),
                Wants::Many => vec![all[..2].to_vec()],
            };
            for (n, values) in values.into_iter().enumerate() {
                // Bounds in the wrong order are no rule.
                let Ok(condition) = Condition::new(field, *operator, &values) else { continue };
                runtime.block_on(counts(world, people, &Rule::Is(condition.clone()), expected));
                if n == 0 {
                    let negated = Rule::Not(Box::new(Rule::Is(condition)));
                    runtime.block_on(counts(world, people, &negated, expected));
                }
            }
        }
    }
    let mut runner = TestRunner::new(Config { cases: 100, failure_persistence: None, ..Config::default() });
    runner
        .run(&rules(), |rule| {
            runtime.block_on(agree(world, people, &rule, expected));
            Ok(())
        })
        .expect("rules count what they say");
}

fn by_id(people: Vec<Person>) -> BTreeMap<String, Person> {
    people.into_iter().map(|person| (person.id.clone(), person)).collect()
}

#[test]
fn every_way_of_counting_says_what_the_rule_says() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (world, mut known) = runtime.block_on(async {
        let (world, people) = (world().await, people(300, 1));
        publish(&world, world.tenant, 1, &people).await;
        (world, by_id(people))
    });
    all_agree(&runtime, &world, &known, Method::Scan);
    let built = runtime.block_on(refresh(&world.db, world.tenant, SMALL, |_, _| {})).expect("built");
    assert_eq!(built, Built::Made(300));
    all_agree(&runtime, &world, &known, Method::Index);
    runtime.block_on(change_some(&world, &mut known));
    all_agree(&runtime, &world, &known, Method::Index);
}

/// Brings some rows up to date, some of them twice, and adds new customers, as one order does.
async fn change_some(world: &World, known: &mut BTreeMap<String, Person>) {
    let mut random = StdRng::seed_from_u64(7);
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    for id in ["c00003", "c00100", "c00003", "c00299", "new1", "aaa", "new1"] {
        change(world, &mut admin, known, person(id.to_owned(), &mut random), Noted::Yes).await;
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Noted {
    Yes,
    No,
}

async fn change(
    world: &World,
    admin: &mut PgConnection,
    known: &mut BTreeMap<String, Person>,
    person: Person,
    noted: Noted,
) {
    if noted == Noted::Yes {
        let mut tx = world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins");
        changes::note(&mut tx, world.tenant, std::slice::from_ref(&person.id)).await.expect("noted");
        tx.commit().await.expect("commits");
    }
    write(admin, world.tenant, 1, &person).await;
    sqlx::query("update platform.current_run set facts_version = facts_version + 1 where tenant_id = $1")
        .bind(world.tenant)
        .execute(admin)
        .await
        .expect("a new version");
    known.insert(person.id.clone(), person);
}

#[tokio::test]
async fn a_count_is_known_until_the_facts_change_and_changes_that_were_not_noted_are_noticed() {
    let (world, people) = (world().await, people(200, 2));
    publish(&world, world.tenant, 1, &people).await;
    let mut known = by_id(people);
    let rule = parse("order_count >= 3 and days_since_last_order < 400").expect("a rule");
    let method = async |wanted| counted(&world, world.tenant, &rule, wanted).await.method;
    assert_eq!(method(Wanted::Count).await, Method::Scan);
    assert_eq!(method(Wanted::Count).await, Method::Cached);
    // Another day, another count, for a rule that looks at today.
    let tomorrow =
        count(&world.db, world.tenant, &rule, Wanted::Count, Utc::now() + TimeDelta::days(1)).await;
    assert_eq!(tomorrow.expect("counted").method, Method::Scan);

    refresh(&world.db, world.tenant, SMALL, |_, _| {}).await.expect("built");
    let again = refresh(&world.db, world.tenant, SMALL, |_, _| {}).await.expect("looked");
    assert_eq!(again, Built::UpToDate);
    assert_eq!(method(Wanted::Recount).await, Method::Index);
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    let mut random = StdRng::seed_from_u64(3);
    // Who was heard of since the run is among whom the rule was asked of, once.
    let of = async || counted(&world, world.tenant, &rule, Wanted::Recount).await.of;
    assert_eq!(of().await, 200);
    for _ in 0..2 {
        change(&world, &mut admin, &mut known, person("new1".to_owned(), &mut random), Noted::Yes).await;
        assert_eq!(of().await, 201);
    }
    change(&world, &mut admin, &mut known, person("c00007".to_owned(), &mut random), Noted::Yes).await;
    assert_eq!(method(Wanted::Count).await, Method::Index);
    assert_eq!(method(Wanted::Count).await, Method::Cached);
    change(&world, &mut admin, &mut known, person("c00008".to_owned(), &mut random), Noted::No).await;
    assert_eq!(method(Wanted::Count).await, Method::Scan);
    agree(&world, &known, &rule, Method::Scan).await;

    // A new run makes both the counts and the index old.
    let others = crate::people::people(90, 5);
    publish(&world, world.tenant, 2, &others).await;
    let others = by_id(others);
    agree(&world, &others, &rule, Method::Scan).await;
    let built = refresh(&world.db, world.tenant, SMALL, |_, _| {}).await.expect("built");
    assert_eq!(built, Built::Made(90));
    agree(&world, &others, &rule, Method::Index).await;
}

#[tokio::test]
async fn rules_about_labels_are_counted_anew_and_unknown_names_are_named() {
    let (world, people) = (world().await, people(50, 4));
    publish(&world, world.tenant, 1, &people).await;
    let labels = parse("tags has vip").expect("a rule");
    for _ in 0..2 {
        assert_eq!(counted(&world, world.tenant, &labels, Wanted::Count).await.method, Method::Scan);
    }
    let error = async |text: &str| {
        let rule = parse(text).expect("a rule");
        count(&world.db, world.tenant, &rule, Wanted::Count, Utc::now())
            .await
            .expect_err("unknown")
            .to_string()
    };
    let segment = error("segment.purchase_value = \"Wekly regulars\"").await;
    assert!(
        segment.contains("did you mean \"Weekly regulars\"?") && segment.contains("\"Once\""),
        "{segment}"
    );
    assert!(error("archetype in (\"Loyal\", \"Nobody\")").await.contains("no archetype named \"Nobody\""));
    assert!(error("in segment \"VIP\"").await.contains("there are none yet"));
}

#[tokio::test]
async fn a_tenant_counts_its_own_customers_only() {
    let world = world().await;
    let other = add_tenant(&world.db, "other").await;
    let everybody = parse("order_count >= 0").expect("a rule");
    let nothing = count(&world.db, other, &everybody, Wanted::Count, Utc::now()).await;
    assert!(matches!(nothing, Err(CountError::NoFacts)));
    publish(&world, world.tenant, 1, &people(80, 1)).await;
    publish(&world, other, 1, &people(30, 2)).await;
    for index in [false, true] {
        if index {
            refresh(&world.db, world.tenant, SMALL, |_, _| {}).await.expect("built");
            refresh(&world.db, other, SMALL, |_, _| {}).await.expect("built");
        }
        assert_eq!(counted(&world, world.tenant, &everybody, Wanted::Recount).await.customers, 80);
        assert_eq!(counted(&world, other, &everybody, Wanted::Recount).await.customers, 30);
    }
    // Even a statement that forgets the tenant sees one tenant's rows.
    let mut tx = world.db.tenant_tx(Role::Marketing, other).await.expect("begins");
    for (table, rows) in
        [("platform.customer_fact", 30_i64), ("marketing_app.fact_index", 1), ("marketing_app.segment", 0)]
    {
        let sql = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        let seen: i64 = sqlx::query_scalar(sql).fetch_one(&mut *tx).await.expect("countable");
        assert_eq!(seen, rows, "{table}");
    }
    assert_eq!(Operator::ALL.len(), 17);
}
