//! Customers with facts, in memory and in the database.

use chrono::{NaiveDate, TimeDelta, Utc};
use database::ids::TenantId;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::world::World;

pub const SEGMENTS: [&str; 3] = ["Weekly regulars", "Now and then", "Once"];
pub const ARCHETYPES: [(&str, u8); 5] =
    [("Loyal", 1), ("Newcomers", 1), ("Loyal bargain hunters", 2), ("Loyal full-price", 2), ("Fresh", 2)];

/// A customer; what is not known is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    pub id: String,
    pub orders: i32,
    pub spend_cents: i64,
    pub first: Option<NaiveDate>,
    pub last: Option<NaiveDate>,
    pub axes: [Option<i16>; 13],
    pub level1: Option<i16>,
    pub level2: Option<i16>,
    pub opt_in: bool,
    pub churn: Option<f32>,
    pub ltv: Option<f32>,
    pub country: Option<String>,
    pub state: Option<String>,
    /// Not in the shop's list of customers at all.
    pub listed: bool,
    pub email: Option<String>,
    pub tags: Vec<String>,
}

/// Today where the tests' tenants are.
pub fn today() -> NaiveDate {
    Utc::now().date_naive()
}

/// So many people, the same for the same seed. Values collide often, so that rules hit their bounds.
pub fn people(count: usize, seed: u64) -> Vec<Person> {
    let mut random = StdRng::seed_from_u64(seed);
    (0..count).map(|n| person(format!("c{n:05}"), &mut random)).collect()
}

pub fn person(id: String, random: &mut StdRng) -> Person {
    let first = today() - TimeDelta::days(random.random_range(0..900));
    let maybe = |random: &mut StdRng| random.random_bool(0.85);
    let pick = |random: &mut StdRng, of: &[&str]| of[random.random_range(0..of.len())].to_owned();
    let listed = maybe(random);
    Person {
        id,
        orders: random.random_range(0..8),
        spend_cents: [0, 4_999, 5_000, 50_000, 50_001, 123_456, -700][random.random_range(0..7)],
        first: maybe(random).then_some(first),
        last: maybe(random).then(|| first + TimeDelta::days(random.random_range(0..40))),
        axes: std::array::from_fn(|_| {
            maybe(random).then(|| random.random_range(0..3_i16) * 4 + random.random_range(0..3_i16))
        }),
        level1: maybe(random).then(|| random.random_range(0..2)),
        level2: random.random_bool(0.5).then(|| random.random_range(2..5)),
        opt_in: random.random_bool(0.5),
        churn: maybe(random).then(|| [0.0, 0.1, 0.3, 0.599, 0.6, 0.7, 0.8, 1.0][random.random_range(0..8)]),
        ltv: maybe(random).then(|| [0.0, 10.5, 99.99, 100.0, 2500.25][random.random_range(0..5)]),
        country: maybe(random).then(|| pick(random, &["US", "DE", "GB"])),
        state: maybe(random).then(|| {
            pick(
                random,
                &[
                    "CA",
                    "NY",
                    "Niedersachsen",
                    "ny",
                    "B\u{fc}ckeburg",
                    "B\u{dc}CKEBURG",
                    "\u{141}\u{f3}d\u{17a}",
                ],
            )
        }),
        email: (listed && maybe(random)).then(|| {
            pick(random, &["a@example.com", "B@Example.com", "c@shop.test", "ZO\u{cb}@\u{e9}t\u{e9}.test"])
        }),
        tags: if listed && maybe(random) {
            (0..random.random_range(0..3))
                .map(|_| pick(random, &["vip", "VIP", "press", "b2b", "Stra\u{df}e", "STRA\u{1e9e}E"]))
                .collect()
        } else {
            Vec::new()
        },
        listed,
    }
}

/// Publishes a run with these people for a tenant, as generation `generation`.
pub async fn publish(world: &World, tenant: TenantId, generation: i32, people: &[Person]) {
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    let (run, segmentation) = (Uuid::now_v7(), Uuid::now_v7());
    let segments: Vec<_> = SEGMENTS.iter().map(|name| json!({ "name": name })).collect();
    let axes: Vec<_> = (0..13).map(|_| json!({ "segments": segments })).collect();
    let archetypes: Vec<_> =
        ARCHETYPES.iter().map(|(name, level)| json!({"name": name, "level": level})).collect();
    sqlx::query("update platform.segmentation set state = 'retired' where tenant_id = $1")
        .bind(tenant)
        .execute(&mut admin)
        .await
        .expect("retires");
    sqlx::query(
        "insert into platform.segmentation (id, tenant_id, number, fitted_as_of, customers, model, catalog, report, reason)
         values ($1, $2, $3, current_date, 0, '', $4, '{}', 'test')",
    )
    .bind(segmentation)
    .bind(tenant)
    .bind(generation)
    .bind(json!({ "axes": axes, "archetypes": archetypes }))
    .execute(&mut admin)
    .await
    .expect("a segmentation");
    sqlx::query(
        "insert into platform.intelligence_run (id, tenant_id, generation, state, as_of, currency, segmentation_id, customers)
         values ($1, $2, $3, 'published', current_date, 'EUR', $4, $5)",
    )
    .bind(run)
    .bind(tenant)
    .bind(generation)
    .bind(segmentation)
    .bind(i64::try_from(people.len()).expect("few"))
    .execute(&mut admin)
    .await
    .expect("a run");
    for person in people {
        write(&mut admin, tenant, generation, person).await;
    }
    sqlx::query(
        "insert into platform.current_run (tenant_id, run_id, generation) values ($1, $2, $3)
         on conflict (tenant_id) do update set run_id = $2, generation = $3, facts_version = current_run.facts_version + 1",
    )
    .bind(tenant)
    .bind(run)
    .bind(generation)
    .execute(&mut admin)
    .await
    .expect("published");
    sqlx::query("delete from platform.customer_fact where tenant_id = $1 and generation <> $2")
        .bind(tenant)
        .bind(generation)
        .execute(&mut admin)
        .await
        .expect("old facts go");
}

/// Writes a person's facts, over those that are there.
pub async fn write(admin: &mut PgConnection, tenant: TenantId, generation: i32, person: &Person) {
    if person.listed {
        sqlx::query(
            "insert into platform.customer (tenant_id, customer_id, email, tags) values ($1, $2, $3, $4)
             on conflict (tenant_id, customer_id) do update set email = $3, tags = $4",
        )
        .bind(tenant)
        .bind(&person.id)
        .bind(&person.email)
        .bind(&person.tags)
        .execute(&mut *admin)
        .await
        .expect("a customer");
    } else {
        sqlx::query("delete from platform.customer where tenant_id = $1 and customer_id = $2")
            .bind(tenant)
            .bind(&person.id)
            .execute(&mut *admin)
            .await
            .expect("no customer");
    }
    let axis = |n: usize| person.axes[n];
    sqlx::query(
        "delete from platform.customer_fact where tenant_id = $1 and generation = $2 and customer_id = $3",
    )
    .bind(tenant)
    .bind(generation)
    .bind(&person.id)
    .execute(&mut *admin)
    .await
    .expect("room");
    sqlx::query(
        "insert into platform.customer_fact
             (tenant_id, generation, customer_id, orders, spend_cents, first_order_on, last_order_on,
              purchase_frequency, purchase_value, category_exploration, price_sensitivity, purchase_cadence,
              customer_maturity, repurchase_behavior, return_behavior, communication, problem_complexity, loyalty,
              feedback, value_sensitivity, archetype_l1, archetype_l2, marketing_opt_in,
              churn, ltv, shipping_country, shipping_state)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26,
                 $27)",
    )
    .bind(tenant)
    .bind(generation)
    .bind(&person.id)
    .bind(person.orders)
    .bind(person.spend_cents)
    .bind(person.first)
    .bind(person.last)
    .bind(axis(0))
    .bind(axis(1))
    .bind(axis(2))
    .bind(axis(3))
    .bind(axis(4))
    .bind(axis(5))
    .bind(axis(6))
    .bind(axis(7))
    .bind(axis(8))
    .bind(axis(9))
    .bind(axis(10))
    .bind(axis(11))
    .bind(axis(12))
    .bind(person.level1)
    .bind(person.level2)
    .bind(person.opt_in)
    .bind(person.churn)
    .bind(person.ltv)
    .bind(&person.country)
    .bind(&person.state)
    .execute(&mut *admin)
    .await
    .expect("facts");
}
