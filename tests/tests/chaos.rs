//! The chaos run in its short form, as `make chaos` runs it in full.

use cluster::chaos::{self, Options};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_is_done_twice() {
    // A failure names the seed; `make chaos ARGS="--short --seed N"` repeats the run.
    let options = Options::short(rand::random::<u32>().into());
    println!("seed {}", options.seed);
    let outcome = chaos::run(&options).await.expect("the run comes to its end");
    let (verdict, dead) = (&outcome.verdict, &outcome.dead.others);
    assert!(
        outcome.holds(),
        "seed {}: {verdict:#?}, dead: {dead:#?}, logs in {:?}",
        options.seed,
        outcome.kept
    );
    assert_eq!(outcome.acknowledged.jobs.len(), options.jobs);
    assert_eq!(outcome.inflicted.worker_kills, 4);
}
