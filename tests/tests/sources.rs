//! A table of the tests' own Postgres as a source. The same expectations are held by a MariaDB in `make test-interop`.

use cluster::sources::server::Server;
use cluster::sources::tables;
use migrations::testing::{TestDatabase, empty_database};

/// A database that is no shop's.
async fn elsewhere() -> (TestDatabase, Server) {
    let database = empty_database().await;
    let server = Server::Postgres(database.admin_url.clone());
    (database, server)
}

#[tokio::test]
async fn a_table_is_read_and_read_again_where_it_changed() {
    let (_database, server) = elsewhere().await;
    tables::is_read_again_where_it_changed(&server).await.expect("it holds");
}

#[tokio::test]
async fn a_column_that_changed_or_vanished_stops_it_until_it_is_saved_again() {
    let (_database, server) = elsewhere().await;
    tables::stops_at_a_column_that_changed_or_vanished(&server).await.expect("it holds");
}

#[tokio::test]
async fn a_table_that_is_gone_is_told_by_its_name() {
    let (_database, server) = elsewhere().await;
    tables::tells_a_table_that_is_gone(&server).await.expect("it holds");
}

#[tokio::test]
async fn what_is_wrong_is_told_by_a_code() {
    let (database, server) = elsewhere().await;
    let stranger = Server::Postgres(database.url_for("desk_worker"));
    tables::tells_what_is_wrong(&server, &stranger).await.expect("it holds");
}
