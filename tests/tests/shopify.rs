//! A shop read by whole clusters: through kills of workers, calls that go wrong, and webhooks that are lost, twice or late, the
//! tables say in the end what the shop says; and pages are asked for within the shop's allowance.

use std::time::Duration;

use cluster::shopify::Manners;
use cluster::shopify::show::{self, Size};

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_equal_the_shop_whatever_goes_wrong() {
    boot::install_tls();
    let manners = Manners { faults_per_thousand: 40, token_secs: 305, ..Manners::default() };
    let size = Size {
        orders: 600,
        changes: 150,
        kills: 2,
        manners,
        workers: 1,
        paged: false,
        limit: Duration::from_secs(240),
    };
    let seen = show::run(size).await.expect("it ends");
    assert_eq!(seen.differences, Vec::<String>::new());
    assert!(seen.expected > 500 && seen.delivered.lost > 0, "{seen:?}");
    assert_eq!((seen.delivered.refused, seen.dead), (0, 0), "{seen:?}");
    assert!(seen.heard.faults > 0 && seen.heard.bulks >= 2, "{:?}", seen.heard);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_reading_by_pages_stays_within_the_allowance() {
    boot::install_tls();
    let manners = Manners { points_per_second: 100.0, ..Manners::default() };
    let size = Size {
        orders: 1_200,
        changes: 0,
        kills: 0,
        manners,
        workers: 2,
        paged: true,
        limit: Duration::from_secs(240),
    };
    let seen = show::run(size).await.expect("it ends");
    assert_eq!(seen.differences, Vec::<String>::new());
    assert_eq!((seen.heard.throttled, seen.heard.bulks), (0, 0), "{:?}", seen.heard);
}
