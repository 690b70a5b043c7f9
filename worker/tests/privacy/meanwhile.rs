//! Somebody is written about while they are erased: what was begun before the end is erased too.

use database::{Db, Role};
use platform::identities::erased;
use support::privacy::requests::{Asked, Kind, State};

use super::shop::{Shop, ZOE};

fn zoe() -> Asked {
    Asked { customer_id: Some(ZOE.customer.into()), email: None, verification: "by mail".into() }
}

async fn is_done_and_nothing_is_left(shop: &Shop, request: uuid::Uuid) {
    let request = shop.request(request).await;
    assert_eq!((request.state, request.error.as_deref()), (State::Done, None), "{:?}", request.remarks);
    let left = shop.found(&ZOE.words()).await;
    assert!(left.is_empty(), "{left:#?}");
    let erased = "select count(*) from support_app.ticket where number > 9000 and erased_at is not null";
    assert_eq!(shop.number(erased).await, 2);
}

#[tokio::test]
async fn tickets_that_are_opened_behind_the_step_of_the_tickets_are_erased_too() {
    let shop = Shop::open().await;
    // The step of the orders is behind it; its transaction opens two, by the id and by an address.
    shop.sql(
        "create function public.opens_tickets() returns trigger language plpgsql security definer as $opens$
         begin
             insert into support_app.ticket (id, tenant_id, number, provider, external_id, subject, channel, source, status,
                 priority, customer_id, customer_email, customer_name)
             values (gen_random_uuid(), old.tenant_id, 9001, 'desk', 'meanwhile-1', 'xylophonist meanwhile', 'email', 'email',
                     'open', 'normal', old.customer_id, null, old.name),
                    (gen_random_uuid(), old.tenant_id, 9002, 'desk', 'meanwhile-2', 'xylophonist meanwhile', 'email', 'email',
                     'open', 'normal', null, 'zanzibara@quokka.example', old.name);
             return null;
         end
         $opens$",
    )
    .await;
    shop.sql(
        "create trigger opens_tickets after update on platform.customer for each row
         when (old.customer_id = 'zq-4711' and new.customer_id <> 'zq-4711') execute function public.opens_tickets()",
    )
    .await;
    let id = shop.asks(Kind::Erase, zoe(), false).await;
    shop.drain().await;
    assert_eq!(shop.number("select count(*) from support_app.ticket where number > 9000").await, 2, "opened");
    is_done_and_nothing_is_left(&shop, id).await;
}

#[tokio::test]
async fn an_erasure_waits_for_tickets_that_are_being_opened() {
    let shop = Shop::open().await;
    let other = Db::connect(&shop.database.url_for("desk_worker"), 1).expect("the test database's URL");
    let mut tx = other.tenant_tx(Role::Support, shop.tenant).await.expect("begins");
    erased::while_named(&mut tx, shop.tenant).await.expect("nobody is erased yet");
    sqlx::query(
        "insert into support_app.ticket (id, tenant_id, number, provider, external_id, subject, channel, source, status,
             priority, customer_id, customer_email)
         values (gen_random_uuid(), $1, 9001, 'desk', 'meanwhile-1', 'xylophonist meanwhile', 'email', 'email', 'open',
                 'normal', $2, null),
                (gen_random_uuid(), $1, 9002, 'desk', 'meanwhile-2', 'xylophonist meanwhile', 'email', 'email', 'open',
                 'normal', null, $3)",
    )
    .bind(shop.tenant)
    .bind(ZOE.customer)
    .bind(ZOE.email)
    .execute(&mut *tx)
    .await
    .expect("opened");
    let id = shop.asks(Kind::Erase, zoe(), false).await;
    let drained = shop.drain();
    tokio::pin!(drained);
    tokio::select! {
        () = &mut drained => panic!("it does not end before they are opened"),
        () = somebody_waits(&shop) => {}
    }
    tx.commit().await.expect("commits");
    drained.await;
    is_done_and_nothing_is_left(&shop, id).await;
}

async fn somebody_waits(shop: &Shop) {
    let waiting = "select count(*) from pg_locks l join pg_database d on d.oid = l.database
                   where d.datname = current_database() and l.locktype = 'advisory' and not l.granted";
    while shop.number(waiting).await == 0 {}
}
