//! Migrating: once and again, by several at a time, in several databases of one server.

use migrations::testing::{empty_database, fresh_database};
use migrations::{applied_version, apply, latest_version};
use sqlx::{Connection, PgConnection};

#[tokio::test]
async fn applying_twice_does_nothing_the_second_time() {
    let database = empty_database().await;
    let first = apply(&database.admin_url).await.expect("applies");
    assert_eq!((first.before, first.after), (0, latest_version()));
    assert!(first.steps.len() >= 5);
    let second = apply(&database.admin_url).await.expect("applies");
    assert_eq!((second.before, second.after, second.steps.len()), (latest_version(), latest_version(), 0));
}

#[tokio::test]
async fn concurrent_runs_are_safe_in_one_database_and_in_several() {
    let (one, two) = (empty_database().await, empty_database().await);
    let results = tokio::join!(
        apply(&one.admin_url),
        apply(&one.admin_url),
        apply(&one.admin_url),
        apply(&two.admin_url),
        apply(&two.admin_url),
    );
    for result in [results.0, results.1, results.2, results.3, results.4] {
        assert_eq!(result.expect("applies").after, latest_version());
    }
}

#[tokio::test]
async fn the_api_can_read_the_version_and_an_empty_database_has_none() {
    let database = fresh_database().await;
    let mut connection = PgConnection::connect(&database.url_for("desk_api")).await.expect("connects");
    let mut transaction = connection.begin().await.expect("begins");
    sqlx::query("set local role desk_gateway").execute(&mut *transaction).await.expect("is a member");
    assert_eq!(applied_version(&mut transaction).await.expect("readable"), latest_version());
    let empty = empty_database().await;
    let mut connection = PgConnection::connect(&empty.admin_url).await.expect("connects");
    assert_eq!(applied_version(&mut connection).await.expect("readable"), 0);
}
