//! Drafts and what the shop has written down: a draft has the public articles that fit, and names them with their version.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::Utc;
use database::ids::{TenantId, TicketId};
use database::{Db, Role};
use jobs::NewJob;
use migrations::testing::fresh_database;
use serde_json::{Map, json};
use support::articles::help::{self, HelpPage};
use support::articles::store::{self, Content, Text};
use support::kinds::DraftReply;
use support::tickets::Acting;
use support::tickets::change::Customer;
use support::tickets::create::{NewTicket, create};
use support::tickets::message::From;
use support::tickets::words::{Channel, Priority};
use uuid::Uuid;
use worker::handlers;
use worker::testing::{self, drain};

fn article(slug: &str, title: &str, body: &str, is_public: bool) -> Content {
    Content {
        slug: slug.to_owned(),
        category: None,
        is_public,
        texts: BTreeMap::from([("en".to_owned(), Text { title: title.to_owned(), body: body.to_owned() })]),
        default_language: "en".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_names_the_public_articles_that_it_had_with_their_version() {
    boot::install_tls();
    let database = fresh_database().await;
    let url = database.url_for("desk_worker");
    let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
    let app = Arc::new(testing::app(&url, &redis));
    let api = Db::connect(&database.url_for("desk_api"), 1).expect("the test database's URL");
    let mut tx = api.gateway_tx().await.expect("begins");
    let tenant: TenantId =
        accounts::tenants::create(&mut tx, "shop", "Shop", "UTC").await.expect("a tenant").id;
    tx.commit().await.expect("commits");

    let mut tx = app.db.tenant_tx(Role::Support, tenant).await.expect("begins");
    let fits = article("lamps", "Broken lamps", "A lamp that arrived broken is looked at first.", true);
    let fits = store::create(&mut tx, tenant, &fits, "key:test").await.expect("made");
    let better = article("lamps", "Broken lamps", "A lamp that arrived broken is replaced.", true);
    store::update(&mut tx, tenant, fits.id, None, &better, "key:test").await.expect("saved");
    let inside = article("margin", "Broken lamps, inside", "A lamp costs us two.", false);
    let inside = store::create(&mut tx, tenant, &inside, "key:test").await.expect("made");
    let other = article("shoes", "Shoes", "About sizes.", true);
    let other = store::create(&mut tx, tenant, &other, "key:test").await.expect("made");
    for id in [fits.id, inside.id, other.id] {
        store::publish(&mut tx, tenant, id, None).await.expect("published");
    }
    let new = NewTicket {
        subject: Some("My lamp".to_owned()),
        channel: Channel::Email,
        priority: Priority::Normal,
        customer: Customer { email: Some("ann@example.com".to_owned()), ..Customer::default() },
        tags: Vec::new(),
        department: None,
        skills: Vec::new(),
        language: None,
        custom: Map::new(),
        message: Some((From::Customer, "The lamps arrived broken.".to_owned())),
    };
    let acting = Acting {
        tenant,
        actor: "key:test",
        agent: None,
        writer: Uuid::nil(),
        name: "test",
        correlation_id: "c-1",
        trace_parent: None,
        now: Utc::now(),
    };
    let made = create(&mut tx, &acting, &new).await.expect("made");
    let again = DraftReply { ticket_id: made.ticket.0, tone: None, length: None, again: true };
    let (_, more) =
        jobs::enqueue_one(&mut tx, NewJob::of(tenant, &again).expect("a job")).await.expect("enqueued");
    tx.commit().await.expect("commits");
    app.dispatch.announce(made.announcement);
    app.dispatch.announce(more);
    drain(&app.store, &app.dispatch, handlers::all(&app), &url, &["default", "ai", "reading"])
        .await
        .expect("drained");

    let mut tx = app.db.tenant_tx(Role::Support, tenant).await.expect("begins");
    let draft = support::drafts::current(&mut tx, made.ticket).await.expect("read").expect("a draft");
    let facts = draft.recommendation.expect("its facts");
    let named = facts["articles"].as_array().expect("a list");
    assert_eq!(named.len(), 1, "{facts}");
    assert_eq!((&named[0]["id"], &named[0]["version"]), (&json!(fits.id), &json!(2)), "{facts}");
    // Without a model the draft answers with a sentence of it, and the agent is told of which article.
    assert_eq!(named[0]["used"], json!(true), "{facts}");
    assert!(draft.reply.contains("A lamp that arrived broken is replaced."), "{}", draft.reply);
    let remarks = facts["remarks"].to_string();
    assert!(remarks.contains("Broken lamps") && remarks.contains("a sentence of it"), "{facts}");

    // Of several the one that fits better.
    let care =
        article("care", "Caring for lamps", "A lamp that arrived dusty is wiped with a dry cloth.", true);
    let care = store::create(&mut tx, tenant, &care, "key:test").await.expect("made");
    store::publish(&mut tx, tenant, care.id, None).await.expect("published");
    let dusty = NewTicket {
        message: Some((From::Customer, "My lamp arrived dusty, how do I wipe it?".to_owned())),
        ..new.clone()
    };
    let made = create(&mut tx, &acting, &dusty).await.expect("made");
    tx.commit().await.expect("commits");
    app.dispatch.announce(made.announcement);
    drain(&app.store, &app.dispatch, handlers::all(&app), &url, &["default", "ai", "reading"])
        .await
        .expect("drained");
    let mut tx = app.db.tenant_tx(Role::Support, tenant).await.expect("begins");
    let draft = support::drafts::current(&mut tx, made.ticket).await.expect("read").expect("a draft");
    assert!(draft.reply.contains("A lamp that arrived dusty is wiped with a dry cloth."), "{}", draft.reply);
    let facts = draft.recommendation.expect("its facts");
    assert_eq!(
        (&facts["articles"][0]["id"], &facts["articles"][0]["used"]),
        (&json!(care.id), &json!(true)),
        "{facts}"
    );
    assert!(facts["remarks"].to_string().contains("Caring for lamps"), "{facts}");

    // Who writes German is answered in German, with what the shop has written down in German and with nothing else of it.
    let text = |title: &str, body: &str| Text { title: title.to_owned(), body: body.to_owned() };
    let descaling = Content {
        slug: "descaling".to_owned(),
        category: None,
        is_public: true,
        texts: BTreeMap::from([
            ("en".to_owned(), text("Kettle ECO", "To descale the kettle ECO, boil vinegar and water in it.")),
            (
                "de".to_owned(),
                text("Kocher ECO", "Zum Entkalken des Kochers ECO kocht man darin Essig mit Wasser auf."),
            ),
        ]),
        default_language: "en".to_owned(),
    };
    let made_of = store::create(&mut tx, tenant, &descaling, "key:test").await.expect("made");
    store::publish(&mut tx, tenant, made_of.id, None).await.expect("published");
    let asked = |subject: &str, text: &str, language: Option<&str>| NewTicket {
        subject: Some(subject.to_owned()),
        language: language.map(str::to_owned),
        message: Some((From::Customer, text.to_owned())),
        ..new.clone()
    };
    let tickets = [
        asked("ECO", "Guten Tag, wie mache ich das Entkalken bei meinem Kocher ECO am besten?", None),
        // Two words are told by the ticket, and a number of somebody who has not written before by the help page.
        asked("536365", "Mi pedido?", Some("es")),
        NewTicket {
            customer: Customer { email: Some("bea@example.com".to_owned()), ..Customer::default() },
            ..asked("536365", "536365???", None)
        },
    ];
    let mut made = Vec::new();
    for ticket in &tickets {
        made.push(create(&mut tx, &acting, ticket).await.expect("made"));
    }
    let page = HelpPage {
        is_on: false,
        title: "Help".to_owned(),
        colour: "#1f5eff".to_owned(),
        language: "nl".to_owned(),
        has_form: false,
        version: 1,
    };
    help::put(&mut tx, tenant, &page).await.expect("saved");
    tx.commit().await.expect("commits");
    let of: Vec<TicketId> = made.iter().map(|made| made.ticket).collect();
    for made in made {
        app.dispatch.announce(made.announcement);
    }
    drain(&app.store, &app.dispatch, handlers::all(&app), &url, &["default", "ai", "reading"])
        .await
        .expect("drained");
    let mut tx = app.db.tenant_tx(Role::Support, tenant).await.expect("begins");
    for (ticket, parts) in of.iter().zip([
        [
            "Guten Tag,",
            "Zum Entkalken des Kochers ECO kocht man darin Essig mit Wasser auf.",
            "Ihr Team von Shop",
        ],
        ["Hola:", "Estoy revisando su consulta", "El equipo de Shop"],
        ["Beste klant,", "Ik zoek het uit", "Het team van Shop"],
    ]) {
        let draft = support::drafts::current(&mut tx, *ticket).await.expect("read").expect("a draft");
        for part in parts {
            assert!(draft.reply.contains(part), "{part}: {}", draft.reply);
        }
        // What only the shop tells is remarked.
        let remarks = draft.recommendation.unwrap_or_default()["remarks"].to_string();
        assert_eq!(remarks.contains("not certain"), parts[0] == "Beste klant,", "{remarks}");
    }
}
