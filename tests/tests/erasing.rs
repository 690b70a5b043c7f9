//! The figure of erasure on a small tenant: a word is in many places before, and in none after.

use cluster::erasing;
use cluster::folder::Folder;
use cluster::servers::{Afterwards, Servers};

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_is_erased_and_the_money_stays() {
    boot::install_tls();
    let folder = Folder::temporary().expect("a folder");
    let servers = Servers::start(folder.path(), Afterwards::Remove).expect("they start");
    let erased = erasing::run(&servers, 2_000).await.expect("it ends");
    assert!(erased.places.0 >= 10, "{erased:?}");
    assert_eq!((erased.places.1, erased.money.0), (0, erased.money.1), "{erased:?}");
}
