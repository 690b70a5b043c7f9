//! Customers as people make them, when two do so at once.

#[path = "../../accounts/tests/world/mod.rs"]
mod world;

use std::pin::pin;

use database::{Role, Tx};
use platform::directory::{self, DirectoryError};
use platform::identities::erased::ErasureKey;
use platform::orders::statement::Party;
use world::{World, world};

async fn tx(world: &World) -> Tx {
    world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins")
}

fn party(id: Option<&str>, email: Option<&str>, name: &str) -> Party {
    Party {
        shop_id: id.map(str::to_owned),
        email: email.map(str::to_owned),
        name: Some(name.to_owned()),
        phone: None,
    }
}

/// Waits until a statement of this database waits for a lock.
async fn somebody_waits(world: &World) {
    let waits = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(world.db.pool()).await.expect("answers") {
        tokio::task::yield_now().await;
    }
}

/// Makes both at once, the second while the first is not committed; who is known for the second, and by what name.
async fn made_at_once(world: &World, one: &Party, other: &Party) -> (String, Option<String>) {
    let key = ErasureKey::of(&[7; 32], world.tenant);
    let mut first = tx(world).await;
    let made = directory::create(&mut first, world.tenant, one, &key).await.expect("made");
    let second = async {
        let mut tx = tx(world).await;
        let answer = directory::create(&mut tx, world.tenant, other, &key).await;
        tx.commit().await.expect("commits");
        answer
    };
    let mut second = pin!(second);
    tokio::select! {
        answer = &mut second => panic!("it did not wait: {answer:?}"),
        () = somebody_waits(world) => {}
    }
    first.commit().await.expect("commits");
    match second.await {
        Err(DirectoryError::Known(known)) => {
            assert_eq!(known, made.customer_id);
            let left = directory::get(&mut tx(world).await, &known).await.expect("readable").expect("known");
            (known, left.name)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn two_who_make_one_customer_at_once_make_one() {
    let world = world().await;
    let (ann, bea) = (Some("ann@example.com"), Some("Bea@example.com"));
    // By one address, with ids or without.
    let made = made_at_once(&world, &party(Some("1"), ann, "Ann"), &party(Some("2"), ann, "Anna")).await;
    assert_eq!(made, ("1".to_owned(), Some("Ann".to_owned())));
    let made = made_at_once(&world, &party(None, bea, "Bea"), &party(None, bea, "Beatrix")).await;
    assert_eq!(made.1.as_deref(), Some("Bea"));
    // By one id.
    let made = made_at_once(&world, &party(Some("7"), None, "Cleo"), &party(Some("7"), None, "Clea")).await;
    assert_eq!(made, ("7".to_owned(), Some("Cleo".to_owned())));
}
