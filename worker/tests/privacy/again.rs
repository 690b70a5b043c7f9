//! Somebody who was erased is named again: by a file, by the shop's system, by the help desk. Nobody brings them back, what
//! counts goes on counting, and who comes back by themselves is a customer as any other.

use chrono::{DateTime, Duration, Utc};
use database::Role;
use database::ids::TicketId;
use platform::directory::{self, Change, DirectoryError};
use platform::identities::erased;
use platform::orders::file;
use platform::orders::import::{self, Import, Next, Outcome};
use platform::orders::progress::Progress;
use platform::orders::reading::{Request as Form, Source};
use platform::orders::statement::Party;
use platform::shops::SHOPIFY;
use platform::shops::customers::{self, ShopCustomer};
use platform::shops::order::ShopOrder;
use platform::shops::shopify;
use platform::shops::store::{self, Heard};
use serde_json::{Value, json};
use support::gorgias::dedup::Identity;
use support::gorgias::delivery::{Body, parse_body};
use support::intake::{self, Intake};
use support::kinds::SettleTicket;
use support::privacy::requests::{self, Asked, Kind, State as Stage};
use uuid::Uuid;

use super::shop::{Shop, ZOE};

async fn without_zoe() -> (Shop, Uuid) {
    let shop = Shop::open().await;
    let asked =
        Asked { customer_id: Some(ZOE.customer.into()), email: None, verification: "she came".into() };
    let id = shop.asks(Kind::Erase, asked, false).await;
    shop.drain().await;
    assert_eq!(shop.request(id).await.state, Stage::Done);
    (shop, id)
}

async fn import(shop: &Shop, file: &str) -> Progress {
    let import = Import {
        id: Uuid::now_v7(),
        tenant: shop.tenant,
        source: "again.csv".to_owned(),
        size_bytes: None,
        fingerprint: None,
        is_current: false,
        newest_at: None,
        assumed_currency: None,
        batch_lines: 100,
        erasure_key: shop.app.erasure_key(shop.tenant),
    };
    let open = file::open(Source::Memory(file.as_bytes().into()), Form::new("EUR", Utc::now()));
    match import::run(&shop.app.db, &import, open, |_| Next::Continue).await.expect("imports") {
        Outcome::Finished(progress) => progress,
        Outcome::Stopped(_) => panic!("nobody stopped it"),
    }
}

fn day(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

const HEADER: &str =
    "order_id,customer_id,ordered_at,quantity,amount,customer_email,customer_phone,customer_name\n";

#[tokio::test]
async fn a_file_that_names_an_erased_customer_counts_without_them_by_whichever_of_their_names() {
    let (shop, request) = without_zoe().await;
    let long_ago = day(Utc::now() - Duration::days(30));
    let file = format!(
        "{HEADER}o-1,{id},{long_ago},1,10,,,\n\
         o-2,new-id,{long_ago},1,20,{shouted},,{name}\n\
         o-3,other-id,{long_ago},1,30,,{phone},{name}\n\
         o-4,{merged},{long_ago},1,40,,,\n\
         o-5,{email},{long_ago},1,50,,,\n\
         o-6,bb-1234,{long_ago},1,60,,,\n",
        id = ZOE.customer,
        merged = "zq-0815",
        shouted = "Zanzibara@Quokka.example",
        email = ZOE.email,
        phone = "0049 170 9999-111",
        name = "Zanzibara Quokka",
    );
    let progress = import(&shop, &file).await;
    assert_eq!(progress.orders_inserted, 6, "money is counted: {progress:?}");
    assert_eq!(progress.remarks.get("customer_erased"), Some(&5), "{:?}", progress.remarks);
    let left = shop.found(&ZOE.words()).await;
    assert!(left.is_empty(), "{left:#?}");
    let token = requests::token(request);
    let of_token =
        format!("select sum(amount)::bigint from platform.order_line where customer_id = '{token}'");
    assert_eq!(shop.number(&of_token).await, 100 + 150, "her former orders and these five");
    let strangers = "select count(*) from platform.customer where customer_id in ('new-id', 'other-id')";
    assert_eq!(shop.number(strangers).await, 0);

    // The same file again says nothing new, and an order that changed since stays without her.
    let again = import(&shop, &file).await;
    assert_eq!((again.orders_unchanged, again.orders_replaced), (6, 0), "{again:?}");
    let changed = import(&shop, &file.replace(",1,10,", ",1,11,")).await;
    assert_eq!(
        (changed.orders_replaced, changed.remarks.get("customer_erased")),
        (1, Some(&1)),
        "{changed:?}"
    );
    let left = shop.found(&ZOE.words()).await;
    assert!(left.is_empty(), "{left:#?}");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_kept_without_an_erased_customer() {
    let (shop, _) = without_zoe().await;
    let now = day(Utc::now());
    let file = format!(
        "{HEADER}o-1,bb-1234,{now},1,10,,,\n\
         o-2,bb-1234,{now},1,tenbucks,,,\n\
         o-3,{id},{now},1,tenbucks,{email},{phone},{name}\n\
         o-4,new-id,{now},1,tenbucks,{email},,{name}\n",
        id = ZOE.customer,
        email = ZOE.email,
        phone = "0049 170 9999-111",
        name = "Zanzibara Quokka",
    );
    import(&shop, &file).await;
    let mut tx = shop.app.db.tenant_tx(Role::Platform, shop.tenant).await.expect("begins");
    let notes: Vec<(String, String)> =
        sqlx::query_as("select message, raw from platform.import_note where import_id <> md5('import')::uuid order by line_number")
            .fetch_all(&mut *tx)
            .await
            .expect("notes");
    assert_eq!(notes.len(), 3, "{notes:?}");
    assert!(notes[0].1.contains("bb-1234"), "{notes:?}");
    for (message, raw) in &notes[1..] {
        assert!(message.contains("was erased") && raw.is_empty(), "{notes:?}");
    }
}

#[tokio::test]
async fn an_order_after_the_erasure_is_a_new_relation_and_what_was_before_stays_without_them() {
    let (shop, request) = without_zoe().await;
    shop.sql("update platform.erased_identity set erased_at = now() - interval '10 days'").await;
    let [before, after] = [30, 3].map(|days| day(Utc::now() - Duration::days(days)));
    let row = |order: &str, at: &str| format!("{order},{},{at},1,10,{},,\n", ZOE.customer, ZOE.email);
    let progress = import(&shop, &format!("{HEADER}{}{}", row("o-old", &before), row("o-new", &after))).await;
    assert_eq!(progress.remarks.get("customer_erased"), Some(&1), "{:?}", progress.remarks);
    let of = |order: &str| {
        format!(
            "select count(*) from platform.order where order_id = '{order}' and customer_id = '{}'",
            ZOE.customer
        )
    };
    assert_eq!((shop.number(&of("o-old")).await, shop.number(&of("o-new")).await), (0, 1));
    // From now on lists may name her, and old orders still do not.
    assert_eq!(stored(&shop, vec![customer(ZOE.customer, ZOE.email)]).await, 1);
    import(&shop, &format!("{HEADER}{}", row("o-older", &before))).await;
    assert_eq!(shop.number(&of("o-older")).await, 0);
    let token = requests::token(request);
    let older =
        format!("select count(*) from platform.order where order_id = 'o-older' and customer_id = '{token}'");
    assert_eq!(shop.number(&older).await, 1);
}

#[tokio::test]
async fn an_order_of_a_day_to_come_brings_nobody_back() {
    let (shop, request) = without_zoe().await;
    let row = |order: &str, at: DateTime<Utc>| {
        format!("{order},{},{},1,10,{},,\n", ZOE.customer, day(at), ZOE.email)
    };
    let to_come = row("o-1", Utc::now() + Duration::days(1));
    let progress = import(&shop, &format!("{HEADER}{to_come}")).await;
    assert_eq!(progress.orders_inserted, 1, "it counts: {progress:?}");
    assert_eq!(progress.remarks.get("customer_erased"), Some(&1), "{:?}", progress.remarks);
    let back = "select count(*) from platform.erased_identity where came_back_at is not null";
    assert_eq!(shop.number(back).await, 0);
    let token = requests::token(request);
    let of_token =
        format!("select count(*) from platform.order where order_id = 'o-1' and customer_id = '{token}'");
    assert_eq!(shop.number(&of_token).await, 1);
    let left = shop.found(&ZOE.words()).await;
    assert!(left.is_empty(), "{left:#?}");
    // A clock that is a little ahead is no time to come.
    shop.sql("update platform.erased_identity set erased_at = now() - interval '1 hour'").await;
    import(&shop, &format!("{HEADER}{}", row("o-2", Utc::now() + Duration::minutes(2)))).await;
    assert!(shop.number(back).await > 0);
}

fn customer(id: &str, email: &str) -> ShopCustomer {
    let party = Party { shop_id: Some(id.to_owned()), email: Some(email.to_owned()), ..Party::default() };
    ShopCustomer { id: id.to_owned(), party, changed_at: Utc::now() }
}

async fn stored(shop: &Shop, told: Vec<ShopCustomer>) -> usize {
    let mut tx = shop.app.db.tenant_tx(Role::Platform, shop.tenant).await.expect("begins");
    let key = shop.app.erasure_key(shop.tenant);
    let newer = customers::store(&mut tx, shop.tenant, SHOPIFY, &told, &key).await.expect("stored");
    tx.commit().await.expect("commits");
    newer
}

fn shop_order(number: u64, at: DateTime<Utc>) -> ShopOrder {
    let body = json!({
        "id": number, "name": format!("#{number}"), "created_at": at, "processed_at": at, "updated_at": at,
        "currency": "EUR", "financial_status": "paid", "email": ZOE.email,
        "customer": {"id": 4711, "email": ZOE.email, "first_name": "Zanzibara", "last_name": "Quokka"},
        "line_items": [{"id": 1, "title": "Lamp", "quantity": 1, "price": "20.00"}],
    });
    shopify::order_of_webhook(&body).expect("an order")
}

#[tokio::test]
async fn a_shop_that_tells_of_an_erased_customer_is_told_why_nothing_is_stored() {
    let (shop, _) = without_zoe().await;
    assert_eq!(stored(&shop, vec![customer("77", ZOE.email), customer("78", "else@x.example")]).await, 1);
    let mut tx = shop.app.db.tenant_tx(Role::Platform, shop.tenant).await.expect("begins");
    let erasure_key = shop.app.erasure_key(shop.tenant);
    let heard = Heard { at: Utc::now(), cause: Uuid::now_v7(), erasure_key };
    let orders = [shop_order(1001, Utc::now() - Duration::days(9))];
    let told = store::orders(&mut tx, shop.tenant, SHOPIFY, &orders, heard).await.expect("stored");
    assert_eq!((told.inserted, told.refused), (1, 0));
    let refused: Vec<(String, String)> =
        sqlx::query_as("select resource, reason from platform.shop_refusal order by resource")
            .fetch_all(&mut *tx)
            .await
            .expect("readable");
    let pair = |resource: &str| (resource.to_owned(), "customer_erased".to_owned());
    assert_eq!(refused, [pair("customers"), pair("orders")]);
    // Nor does a merge in the shop or a person at the desk bring her back by accident.
    let merged = customers::merged(&mut tx, shop.tenant, SHOPIFY, ("78", ZOE.customer), &erasure_key).await;
    assert!(!merged.expect("looked at"));
    let party = Party { email: Some(ZOE.email.to_owned()), ..Party::default() };
    let made = directory::create(&mut tx, shop.tenant, &party, &erasure_key).await;
    assert!(matches!(made, Err(DirectoryError::Erased(_))), "{made:?}");
    let change = Change { email: Some(Some(ZOE.email.to_owned())), ..Change::default() };
    let changed = directory::change(&mut tx, shop.tenant, "78", &change, &erasure_key).await;
    assert!(matches!(changed, Err(DirectoryError::Erased(_))), "{changed:?}");
    tx.commit().await.expect("commits");
    let left = shop.found(&ZOE.words()).await;
    assert!(left.is_empty(), "{left:#?}");

    // The shop says that she came back.
    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("begins");
    let freed =
        erased::came_back(&mut tx, shop.tenant, &erasure_key, std::iter::once(&party), Utc::now()).await;
    assert_eq!(freed.expect("noted"), 1);
    tx.commit().await.expect("commits");
    let mut tx = shop.app.db.tenant_tx(Role::Platform, shop.tenant).await.expect("begins");
    let made = directory::create(&mut tx, shop.tenant, &party, &erasure_key).await.expect("made");
    assert_eq!(made.email.as_deref(), Some(ZOE.email));
}

async fn told_by_desk(shop: &Shop, number: u64, messages: Value) -> TicketId {
    let body = json!({
        "id": number, "subject": "xylophonist asks", "status": "open", "channel": "email", "updated_datetime": Utc::now(),
        "customer": {"id": 719, "name": "Zanzibara Quokka", "email": ZOE.email}, "messages": messages,
    });
    let body = Body::of(body.to_string().as_bytes()).expect("JSON");
    let delivery = parse_body(&body).expect("it is read");
    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("begins");
    let intake = Intake {
        tenant: shop.tenant,
        identity: &Identity { key: Uuid::now_v7().to_string(), is_lasting: true },
        body: &body.json,
        delivery: &delivery,
        correlation_id: "c-1",
        trace_parent: None,
        replay_of: None,
        now: Utc::now(),
    };
    let (_, announcement) = intake::take_in_within(&mut tx, intake).await.expect("it is taken in");
    let ticket = sqlx::query_scalar("select id from support_app.ticket where external_id = $1")
        .bind(number.to_string())
        .fetch_one(&mut *tx)
        .await
        .expect("the ticket");
    tx.commit().await.expect("commits");
    shop.app.dispatch.announce(announcement);
    ticket
}

fn said(id: u64, at: DateTime<Utc>, text: &str) -> Value {
    json!({"id": id, "from_agent": false, "public": true, "channel": "email", "body_text": text, "sent_datetime": at,
           "created_datetime": at, "sender": {"name": "Zanzibara Quokka", "email": ZOE.email}})
}

#[tokio::test]
async fn a_help_desk_that_tells_of_an_old_ticket_tells_nothing_and_who_writes_again_is_heard() {
    let (shop, _) = without_zoe().await;
    let old = Utc::now() - Duration::days(40);
    let ticket = told_by_desk(&shop, 5001, json!([said(1, old, "xylophonist, long ago")])).await;
    shop.does(&SettleTicket { ticket_id: ticket.0 }).await;
    let left = shop.found(&ZOE.words()).await;
    assert!(left.is_empty(), "{left:#?}");
    let kept = format!("select count(*) from support_app.message where ticket_id = '{ticket}'");
    assert_eq!(shop.number(&kept).await, 1, "it is counted as before");

    // She writes in another one that is older than the erasure: only what she writes now is kept.
    let now = Utc::now() + Duration::seconds(1);
    let words = json!([said(2, old, "xylophonist, long ago"), said(3, now, "I am back")]);
    let ticket = told_by_desk(&shop, 5002, words).await;
    shop.does(&SettleTicket { ticket_id: ticket.0 }).await;
    let texts = |text: &str| {
        format!(
            "select count(*) from support_app.message where ticket_id = '{ticket}' and body_text like '%{text}%'"
        )
    };
    assert_eq!((shop.number(&texts("long ago")).await, shop.number(&texts("I am back")).await), (0, 1));
    let back = "select count(*) from platform.erased_identity where came_back_at is not null";
    assert_eq!(shop.number(back).await, 2, "by her address and by the help desk's own id");
    assert_eq!(stored(&shop, vec![customer(ZOE.email, ZOE.email)]).await, 1);
}

#[tokio::test]
async fn other_systems_are_told_once_and_by_what_names_nobody() {
    let (shop, request) = without_zoe().await;
    let told: Vec<(String, Value)> =
        sqlx::query_as("select subject, data from outbound.outbox where type = 'customer.erased'")
            .fetch_all(&mut shop.admin().await)
            .await
            .expect("the outbox");
    let [(subject, data)] = told.as_slice() else { panic!("{told:?}") };
    let token = requests::token(request);
    assert_eq!(
        (subject.as_str(), &data["customer_id"]),
        (format!("customer:{token}").as_str(), &json!(token))
    );
    assert_eq!(data["request_id"], json!(request));
    let kind = outbound::catalogue::find("customer.erased").expect("in the catalogue");
    assert_eq!(kind.misfit(data), None);
    // The anonymised id is the one that she had before, and leads to the token now.
    let id = data["anonymous_id"].as_str().expect("she was a customer").parse().expect("an anonymised id");
    let mut tx = shop.app.db.tenant_tx(Role::Platform, shop.tenant).await.expect("begins");
    let key = shop.app.anonymous_key(shop.tenant);
    let behind = platform::anonymous_ids::customer(&mut tx, &key, id).await.expect("looked up");
    assert_eq!(behind.as_deref(), Some(token.as_str()));
    drop(tx);
    // A job that is run again tells nothing.
    shop.does(&support::kinds::EraseCustomer { request_id: request }).await;
    assert_eq!(shop.number("select count(*) from outbound.outbox where type = 'customer.erased'").await, 1);
}
