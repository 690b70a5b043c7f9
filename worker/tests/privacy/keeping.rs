//! Data whose time is over go by night, as much as the tenant says and no more.

use chrono::Utc;
use database::Role;
use database::ids::DeliveryId;
use support::inbox;
use support::kinds::ApplyRetention;
use support::privacy::requests::{Asked, Kind as Request};
use support::privacy::retention::{self, Kind};
use support::privacy::sealing;

use super::shop::{BOB, Shop, ZOE};

async fn keep(shop: &Shop, kind: Kind, days: i32) {
    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("begins");
    retention::set(&mut tx, shop.tenant, kind, Some(days), "key:test", Utc::now()).await.expect("set");
    tx.commit().await.expect("commits");
}

#[tokio::test]
async fn without_a_rule_everything_stays_and_with_one_what_is_older_goes() {
    let shop = Shop::open().await;
    let zoes_ticket = shop.id(&ZOE, "t1").await;
    shop.sql(&format!(
        "update support_app.ticket set closed_at = now() - interval '100 days' where id = '{zoes_ticket}'"
    ))
    .await;
    shop.sql(&format!("update support_app.inbox set received_at = now() - interval '100 days' where ticket_id = '{zoes_ticket}'"))
        .await;
    shop.sql(&format!("update support_app.draft set created_at = now() - interval '100 days' where ticket_id = '{zoes_ticket}'"))
        .await;
    let mut before = (shop.found(&ZOE.words()).await, shop.found(&BOB.words()).await);
    shop.does(&ApplyRetention {}).await;
    before.0.remove("support_app.inbox.body");
    assert_eq!((shop.found(&ZOE.words()).await, shop.found(&BOB.words()).await), before);

    // Old bodies lie under the tenant's key, and are the same when they are opened.
    assert_eq!(
        shop.number("select count(*) from support_app.inbox where sealed_at is not null and body ? 'sealed'")
            .await,
        1
    );
    let delivery = shop.id(&ZOE, "delivery").await;
    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("begins");
    let stored = inbox::get(&mut tx, DeliveryId(delivery)).await.expect("readable").expect("there");
    let body = stored.body.expect("a body").0;
    assert!(!body.get().contains(ZOE.word));
    let open =
        sealing::open(&mut tx, &shop.app.master_key, shop.tenant, delivery, body).await.expect("opens");
    assert!(open.get().contains(ZOE.word) && open.get().contains(ZOE.email), "{open}");
    tx.commit().await.expect("commits");

    keep(&shop, Kind::Deliveries, 90).await;
    keep(&shop, Kind::Drafts, 90).await;
    shop.does(&ApplyRetention {}).await;
    assert_eq!(shop.number("select count(*) from support_app.inbox").await, 1, "the other's");
    assert_eq!(shop.number("select count(*) from support_app.draft where reply = '[erased]'").await, 1);
    assert_eq!(shop.number("select count(*) from support_app.ticket where erased_at is not null").await, 0);

    keep(&shop, Kind::Tickets, 90).await;
    shop.does(&ApplyRetention {}).await;
    assert_eq!(shop.number("select count(*) from support_app.ticket where erased_at is not null").await, 1);
    let of_ticket = format!(
        "select count(*) from support_app.message where ticket_id = '{zoes_ticket}' and body_text <> '[erased]' and origin_ticket_id is null"
    );
    assert_eq!(shop.number(&of_ticket).await, 0);
    assert_eq!(
        shop.number("select count(*) from support_app.attachment where redacted_at is not null").await,
        1
    );
    let files = shop.found(&[ZOE.word.to_owned()]).await;
    assert!(!files.keys().any(|place| place.starts_with("file: ")), "{files:#?}");
    assert!(shop.found(&BOB.words()).await.keys().any(|place| place.starts_with("file: ")));
}

#[tokio::test]
async fn an_archive_goes_when_its_time_is_over_and_with_it_who_asked() {
    let shop = Shop::open().await;
    let asked = Asked { customer_id: Some(ZOE.customer.into()), email: None, verification: "by mail".into() };
    let id = shop.asks(Request::Export, asked, false).await;
    shop.drain().await;
    shop.does(&ApplyRetention {}).await;
    assert!(shop.request(id).await.archive_until.is_some());
    shop.sql("update support_app.privacy_request set archive_until = now() - interval '1 second'").await;
    shop.does(&ApplyRetention {}).await;
    let request = shop.request(id).await;
    assert!(request.archive_until.is_none() && request.asked.is_none() && request.person.is_none());
    let place = upstreams::files::Place { tenant: shop.tenant.0, id };
    assert!(matches!(shop.app.files.read(place).await, Err(upstreams::files::FilesError::Missing)));
}
