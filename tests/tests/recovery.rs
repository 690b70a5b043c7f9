//! Two parts of `make recovery`, for what they wait for: jobs of a worker that was killed run again, all beside each
//! other, and two imports of one tenant end. How soon is for the program to say.

use cluster::chaos::recovery::{QUEUES, kill, two_imports};
use cluster::processes::{Cluster, Options};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_worker_ran_runs_again_at_once_and_imports_beside_each_other_end() {
    let options = Options { workers: 0, queues: QUEUES.to_owned(), proxied: true, ..Options::default() };
    let mut cluster = Cluster::start(options).await.expect("it starts");
    // Whether its goal for the time was reached is not looked at; that all fifty run at the same time is.
    let _ = kill::run(&mut cluster, 1).await.expect("all of them run again");
    // These goals are counts.
    assert!(
        two_imports::run(&mut cluster).await.expect("both end"),
        "lines are missing, twice or were tried twice"
    );
    cluster.stop().await;
}
