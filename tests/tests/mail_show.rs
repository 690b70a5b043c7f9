//! The short form of `make mail`: whole processes, killed while mail comes and goes.

use cluster::load::Size;
use cluster::mail::show;

#[tokio::test(flavor = "multi_thread")]
async fn mail_survives_floods_kills_and_desks_that_answer_by_themselves() {
    let seen = show::run(Size::Quick).await.expect("it runs to its end");
    assert!(seen.answers_of_desks.iter().all(|answers| *answers <= 1), "{seen:?}");
    assert!(
        seen.flood_suspended == seen.flood_mails - 20 && seen.flood_recovered == seen.flood_suspended,
        "{seen:?}"
    );
    assert_eq!((seen.shapes_astray, seen.threads_joined, seen.machine_answers), (0, 0, 0), "{seen:?}");
    assert_eq!((seen.came_lost, seen.came_twice), (0, 0), "{seen:?}");
    assert_eq!((seen.left_twice, seen.left_lost, seen.left_untold), (0, 0, 0), "{seen:?}");
    assert!(seen.kills > 0 && seen.left == seen.came, "{seen:?}");
}
