//! Two fail-overs in small, as `make failover` runs them in full: the ones that stranded the queue for good.

use std::time::Duration;

use cluster::failover::{Fault, Options};

/// A failed run names the folder of its logs. How soon is for the program to say: here a queue that is stranded for
/// good is told from one that goes on, on a machine that does other things, too.
const SHORT: Options = Options { jobs: 900, dir: None, resumed_within: Duration::from_secs(60) };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_goes_silent_loses_nothing_and_holds_nobody_up() {
    assert!(Fault::SyncSilent.run(&SHORT).await.expect("the run comes to its end"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_lagging_standby_never_heard_of_leaves_no_job_behind() {
    assert!(Fault::AsyncLag.run(&SHORT).await.expect("the run comes to its end"));
}
