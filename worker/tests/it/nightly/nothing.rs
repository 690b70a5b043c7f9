//! Shops from whose orders nothing can be learned: one customer, one day, nobody who leaves, nothing but returns. What
//! cannot be computed is absent with its reason; nothing is certain, and no job dies of it.

use chrono::{DateTime, TimeDelta, Utc};
use jobs::State;
use platform::kinds::{ResegmentTenant, TrainChurn, TrainLtv};
use sqlx::{Connection, PgConnection};

use super::shop::Shop;

const HEADER: &str = "order_id,customer_id,ordered_at,quantity,amount,currency\n";

/// So many customers, each with these days (before now) and amounts.
fn log(customers: usize, orders: &[(i64, &str)], now: DateTime<Utc>) -> String {
    let mut text = HEADER.to_owned();
    for customer in 0..customers {
        for (number, (days_ago, amount)) in orders.iter().enumerate() {
            let at = (now - TimeDelta::days(*days_ago)).format("%Y-%m-%dT%H:%M:%SZ");
            text += &format!("{customer}-{number},c{customer},{at},1,{amount},EUR\n");
        }
    }
    text
}

/// A run with training, and training asked for by itself.
async fn learns(what: &str, text: &str) -> Shop {
    let shop = Shop::open().await;
    shop.import(text.as_bytes()).await;
    let run = shop.run(&ResegmentTenant { train: true, ..ResegmentTenant::default() }).await;
    assert_eq!(run.state, State::Done, "{what}: {:?}", run.error);
    for trained in [shop.run(&TrainChurn::default()).await, shop.run(&TrainLtv::default()).await] {
        assert_eq!(trained.state, State::Done, "{what}: {:?}", trained.error);
    }
    let mut admin = PgConnection::connect(&shop.database.admin_url).await.expect("the server answers");
    let dead: i64 =
        sqlx::query_scalar("select count(*) from jobs.dead").fetch_one(&mut admin).await.expect("countable");
    assert_eq!(dead, 0, "{what}");
    let certain = "select count(*) from platform.customer_fact f left join platform.customer_insight i
                       using (tenant_id, generation, customer_id)
                   where f.churn <= 0 or f.churn >= 1 or f.churn = 'nan' or f.ltv < 0 or f.ltv = 'nan'
                      or f.ltv = 'infinity' or i.ltv_low = 'nan' or i.ltv_high = 'nan'";
    assert_eq!(shop.count(certain).await, 0, "{what}");
    assert!(shop.count("select count(*) from platform.customer_fact").await > 0, "{what}");
    shop
}

/// Customers of whom a probability of leaving is told.
const TOLD: &str = "select count(*) from platform.customer_fact where churn is not null";

#[tokio::test]
async fn one_customer_and_returns_alone_say_nothing() {
    let now = Utc::now();
    for (what, text) in [
        ("one customer", log(1, &[(40, "10"), (10, "10")], now)),
        ("only returns", log(60, &[(40, "-10"), (10, "-5")], now)),
        ("every amount zero", log(60, &[(400, "0"), (200, "0"), (10, "0")], now)),
    ] {
        let shop = learns(what, &text).await;
        if what != "every amount zero" {
            assert_eq!(shop.count(TOLD).await, 0, "{what}");
        }
    }
}

#[tokio::test]
async fn nobody_who_was_gone_for_years_is_called_alive() {
    let shop = learns("one order three years ago", &log(200, &[(1_100, "25")], Utc::now())).await;
    assert_eq!(shop.count("select count(*) from platform.customer_fact where churn < 0.5").await, 0);
}

#[tokio::test]
async fn one_day_and_one_class_are_no_stack_trace() {
    let now = Utc::now();
    learns("everything on one day", &log(200, &[(90, "10"); 12], now)).await;
    let every_day: Vec<(i64, &str)> = (0..90).map(|day| (day, "10")).collect();
    learns("nobody leaves", &log(60, &every_day, now)).await;
}

#[tokio::test]
async fn the_bounds_of_how_many_are_enough_and_orders_of_tomorrow() {
    let now = Utc::now();
    for customers in [49, 50] {
        learns("a bound", &log(customers, &[(300, "10"), (200, "12"), (30, "9")], now)).await;
    }
    learns("tomorrow", &log(60, &[(300, "10"), (100, "10"), (-1, "10")], now)).await;
}
