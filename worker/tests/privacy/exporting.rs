//! What is known of a person, as an archive that opens with the tenant's key alone.

use accounts::sealed_stream::{Opener, first_sealed};
use accounts::tenant_keys::{self, TenantKeyError};
use chrono::Utc;
use database::{Db, Role};
use futures_util::StreamExt;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::io::Read;
use support::privacy::requests::{self, Asked, Kind, State};
use upstreams::files::Place;
use uuid::Uuid;

use super::shop::{BOB, Shop, ZOE};

async fn sealed(shop: &Shop, request: Uuid) -> Vec<u8> {
    let mut reading =
        shop.app.files.read(Place { tenant: shop.tenant.0, id: request }).await.expect("an archive");
    let mut bytes = Vec::new();
    while let Some(piece) = reading.bytes.next().await {
        bytes.extend_from_slice(&piece.expect("readable"));
    }
    bytes
}

#[tokio::test]
async fn an_archive_has_what_is_known_and_nothing_of_others_and_opens_with_the_key_alone() {
    let shop = Shop::open().await;
    shop.sql(
        "insert into platform.customer_identity (tenant_id, kind, value, customer_id)
         select tenant_id, 'desk', 'd-731', customer_id from platform.customer where customer_id = 'zq-4711'",
    )
    .await;
    let asked = Asked { customer_id: None, email: Some(ZOE.email.into()), verification: "by mail".into() };
    let id = shop.asks(Kind::Export, asked, false).await;
    shop.drain().await;
    let request = shop.request(id).await;
    assert_eq!((request.state, request.error), (State::Done, None));
    let bytes = sealed(&shop, id).await;
    let in_files = shop.found(&[ZOE.email.to_owned()]).await;
    assert!(
        !in_files.keys().any(|place| place.starts_with("file: ")),
        "the archive is sealed: {in_files:#?}"
    );

    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("begins");
    let key = tenant_keys::of_value(&mut tx, &shop.app.master_key, shop.tenant, first_sealed(&bytes))
        .await
        .expect("the key");
    tx.commit().await.expect("commits");
    let mut opener = Opener::new(key, requests::archive_owner(id));
    let plain = opener.push(&bytes).expect("opens");
    assert!(opener.is_over());
    let certificate = request.certificate.expect("a certificate");
    assert_eq!(certificate["archive"]["sha256"], hex::encode(Sha256::digest(&plain)));
    assert_eq!(request.archive_bytes, i64::try_from(plain.len()).ok());

    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(plain)).expect("an archive");
    let mut read = |name: &str| {
        let mut text = String::new();
        zip.by_name(name)
            .unwrap_or_else(|error| panic!("{name}: {error}"))
            .read_to_string(&mut text)
            .expect("text");
        text
    };
    let page = read("index.html");
    assert!(page.contains(ZOE.word) && page.contains(ZOE.email), "{page}");
    let messages: Vec<Value> = serde_json::from_str(&read("data/support_app.message.json")).expect("JSON");
    assert_eq!(messages.len(), 9);
    let lines: Vec<Value> = serde_json::from_str(&read("data/platform.order_line.json")).expect("JSON");
    assert_eq!((lines.len(), &lines[0]["customer_id"]), (2, &ZOE.customer.into()));
    let person: Value = serde_json::from_str(&read("person.json")).expect("JSON");
    assert!(person["help_desk_ids"].as_array().is_some_and(|ids| ids.contains(&"d-731".into())), "{person}");
    let known: Vec<Value> =
        serde_json::from_str(&read("data/platform.customer_identity.json")).expect("JSON");
    assert!(known.iter().any(|known| known["value"] == "d-731" && known["kind"] == "desk"), "{known:?}");
    let file = shop.id(&ZOE, "file").await;
    assert_eq!(read(&format!("files/{file}-passport Zanzibara Quokka.png")), ZOE.word);
    let mail = shop.id(&ZOE, "mail").await;
    assert!(read(&format!("mails/{mail}.eml")).contains(ZOE.word));
    let aside = shop.id(&ZOE, "aside").await;
    assert!(read(&format!("mails/{aside}.eml")).contains(ZOE.word));
    let told: Vec<Value> = serde_json::from_str(&read("data/outbound.event.json")).expect("JSON");
    assert_eq!((told.len(), &told[0]["data"]["customer_id"]), (1, &ZOE.customer.into()));
    for name in zip.file_names().map(|name| name.expect("readable").into_owned()).collect::<Vec<_>>() {
        let mut bytes = Vec::new();
        zip.by_name(&name).expect("there").read_to_end(&mut bytes).expect("readable");
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        for word in BOB.words() {
            assert!(!text.contains(&word), "{name} has {word} of another");
        }
    }

    // The last resort.
    let gateway = Db::connect(&shop.database.url_for("desk_api"), 1).expect("the test database's URL");
    let mut tx = gateway.gateway_tx().await.expect("begins");
    assert_eq!(tenant_keys::destroy(&mut tx, shop.tenant, "key:test", Utc::now()).await.expect("done"), 1);
    tx.commit().await.expect("commits");
    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("begins");
    let gone = tenant_keys::of_value(&mut tx, &shop.app.master_key, shop.tenant, first_sealed(&bytes)).await;
    assert!(matches!(gone, Err(TenantKeyError::Destroyed(_))), "{gone:?}");
    let request = requests::get(&mut tx, id).await.expect("readable").expect("there");
    let who = requests::asked(&mut tx, &shop.app.master_key, shop.tenant, &request).await;
    assert!(matches!(who, Err(TenantKeyError::Destroyed(_))));
    // What is sealed from now on has another key.
    let next = tenant_keys::current(&mut tx, &shop.app.master_key, shop.tenant).await.expect("a key");
    let value = next.seal("x", b"hush");
    let opened = tenant_keys::open(&mut tx, &shop.app.master_key, shop.tenant, "x", &value).await;
    assert_eq!(opened.expect("opens"), b"hush");
}

#[tokio::test]
async fn an_erasure_takes_the_archives_of_the_person_along_and_who_asked_for_them() {
    let shop = Shop::open().await;
    let by_id =
        |id: &str| Asked { customer_id: Some(id.into()), email: None, verification: "by mail".into() };
    let by_address =
        Asked { customer_id: None, email: Some(ZOE.email.into()), verification: "by mail".into() };
    let (hers, bobs) = (
        shop.asks(Kind::Export, by_address, false).await,
        shop.asks(Kind::Export, by_id(BOB.customer), false).await,
    );
    shop.drain().await;
    for id in [hers, bobs] {
        assert!(!sealed(&shop, id).await.is_empty());
    }
    let erasure = shop.asks(Kind::Erase, by_id(ZOE.customer), false).await;
    shop.drain().await;
    let erased = shop.request(erasure).await;
    assert_eq!(erased.state, State::Done, "{:?}", erased.error);
    assert_eq!(erased.reached.0["support_app.privacy_request"], 1);
    let gone = shop.request(hers).await;
    assert_eq!((gone.state, gone.archive_until, gone.asked, gone.person), (State::Done, None, None, None));
    assert!(gone.certificate.is_some(), "what was done for her stays known, and names nobody");
    assert!(shop.app.files.read(Place { tenant: shop.tenant.0, id: hers }).await.is_err());
    let kept = shop.request(bobs).await;
    assert!(kept.archive_until.is_some() && kept.asked.is_some());
    assert!(!sealed(&shop, bobs).await.is_empty());
}

#[tokio::test]
async fn an_export_that_ends_behind_an_erasure_leaves_nothing_to_be_fetched() {
    let shop = Shop::open().await;
    let asked = Asked { customer_id: Some(ZOE.customer.into()), email: None, verification: "by mail".into() };
    let export = shop.asks(Kind::Export, asked.clone(), false).await;
    // It is not done when she is erased.
    shop.sql("update jobs.live set due_at = now() + interval '1 day', state = 'scheduled' where kind = 'export_customer'").await;
    let erasure = shop.asks(Kind::Erase, asked, false).await;
    shop.drain().await;
    assert_eq!(shop.request(erasure).await.state, State::Done);
    let over = shop.request(export).await;
    assert_eq!((over.state, over.asked, over.person, over.archive_until), (State::Failed, None, None, None));
    assert_eq!(over.error.as_deref(), Some("the person was erased before it was done"));
    assert_eq!(shop.number("select count(*) from jobs.live where kind = 'export_customer'").await, 0);
}
