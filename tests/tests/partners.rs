//! A small form of `make outbound`: nothing is lost beside endpoints that are dead and slow, and order is kept.

use std::time::Duration;

use cluster::load::partners::{self, Plan};
use cluster::processes::{Cluster, Options};

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_delivered_or_listed_as_failing() {
    boot::install_tls();
    let options = Options { workers: 2, schedulers: 1, ..Options::default() };
    let cluster = Cluster::start(options).await.expect("it starts");
    let plan = Plan {
        per_sec: 50,
        lasting: Duration::from_secs(4),
        endpoints: 10,
        dead: 1,
        slow: 1,
        slowness: Duration::from_millis(300),
        patience: Duration::from_secs(120),
    };
    let outcome = partners::run(&cluster, plan).await.expect("it works");
    cluster.stop().await;
    assert_eq!(outcome.events, 200);
    assert_eq!((outcome.lost, outcome.unheard, outcome.out_of_order), (0, 0, 0), "{outcome:?}");
    assert!(outcome.failed > 0, "the dead endpoint's deliveries are listed: {outcome:?}");
    assert_eq!(outcome.healthy.count, 160, "{outcome:?}");
}
