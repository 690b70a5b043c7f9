//! Requests about names that nobody has: they say so, and nothing is kept of the names.

use support::privacy::requests::{self, Asked, Kind, State};

use super::shop::{Shop, ZOE};

fn asked(customer_id: Option<&str>, email: Option<&str>) -> Asked {
    Asked {
        customer_id: customer_id.map(str::to_owned),
        email: email.map(str::to_owned),
        verification: "by mail".into(),
    }
}

const CODES: &str = "select count(*) from platform.erased_identity";

#[tokio::test]
async fn names_that_nobody_has_are_told_and_not_kept() {
    let shop = Shop::open().await;
    for kind in [Kind::Export, Kind::Erase] {
        for who in [
            asked(Some("ZQ-4711"), None),
            asked(None, Some("nobody@x.example")),
            // Hers, and not what was asked for first.
            asked(Some("ZQ-4711"), Some(ZOE.email)),
        ] {
            let id = shop.asks(kind, who.clone(), false).await;
            shop.drain().await;
            let request = shop.request(id).await;
            let remarks = &request.remarks;
            assert_eq!(request.state, State::Done, "{remarks:?}");
            assert!(
                remarks.iter().any(|remark| remark.starts_with("no customer and no ticket is known")),
                "{kind:?}: {remarks:?}"
            );
            let certificate = request.certificate.expect("a certificate");
            assert_eq!(certificate["remarks"].as_array().map(Vec::len), Some(remarks.len()));
        }
    }
    assert_eq!(shop.number(CODES).await, 0);
    assert!(shop.found(&ZOE.words()).await.contains_key("support_app.message.body_text"), "she is there");
}

#[tokio::test]
async fn who_is_known_by_an_order_alone_is_known() {
    let shop = Shop::open().await;
    shop.sql(
        "update platform.order set stated_customer = 'only-ordered'
         where order_id = (select min(order_id) from platform.order where customer_id = 'zq-4711')",
    )
    .await;
    let id = shop.asks(Kind::Erase, asked(Some("only-ordered"), None), false).await;
    shop.drain().await;
    let request = shop.request(id).await;
    assert_eq!((request.state, request.remarks), (State::Done, Vec::new()));
    assert_eq!(shop.number(CODES).await, 1);
}

#[tokio::test]
async fn who_is_erased_already_is_not_erased_again_under_another_token() {
    let shop = Shop::open().await;
    let first = shop.asks(Kind::Erase, asked(Some(ZOE.customer), None), false).await;
    shop.drain().await;
    let token = requests::token(first);
    let of_first = format!(
        "select (extract(epoch from max(erased_at)) * 1000)::bigint + count(*) from platform.erased_identity where token = '{token}'"
    );
    let (before, codes) = (shop.number(&of_first).await, shop.number(CODES).await);
    let again = shop.asks(Kind::Erase, asked(Some(ZOE.customer), None), false).await;
    shop.drain().await;
    let request = shop.request(again).await;
    assert_eq!(request.state, State::Done);
    assert!(
        request.remarks.iter().any(|remark| remark.contains("was erased before") && remark.contains(&token)),
        "{:?}",
        request.remarks
    );
    assert_eq!((shop.number(&of_first).await, shop.number(CODES).await), (before, codes));
    assert!(request.is_nobody);
    assert_eq!(request.certificate.expect("a certificate")["subject"], token.as_str());
}
