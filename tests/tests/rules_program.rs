//! The program of rules in its short form: what must be so holds; times are not judged here.

use cluster::load::Size;
use cluster::rules;

#[tokio::test(flavor = "multi_thread")]
async fn loops_end_and_trials_find_what_runs_did() {
    boot::install_tls();
    assert!(rules::measure(Size::Quick).await.expect("it is measured"));
}
