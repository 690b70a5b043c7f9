//! Sources before they are saved: what columns a place has, what a source would bring, and whose password opens it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use accounts::api_keys::Scope;
use accounts::verify::Mode;
use api::settings::{People, Settings};
use api::state::AppState;
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use serde_json::{Value, json};
use sqlx::Connection;
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;

use crate::desk::key;
use crate::shop::{Answer, Shop, request, send, shop};

const FILE: &str = "Beleg;Kunde;Datum;Umsatz;Leer\n1;c1;2026-10-03;1299,00;\n2;c2;2026-10-13;12,50;\n";

struct Door {
    shop: Shop,
    router: Router,
    file: String,
    asked: Arc<AtomicUsize>,
}

/// A process that may call this machine, where a file is served.
async fn door() -> Door {
    boot::install_tls();
    let shop = shop(Mode::Token).await;
    let settings = Settings {
        people: People { allow_loopback: true, ..People::default() },
        ..(*shop.state.settings).clone()
    };
    let telemetry = shop.state.telemetry.clone();
    let state = AppState::connect(settings, telemetry, CancellationToken::new()).expect("the settings fit");
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let served = Router::new().route(
        "/orders.csv",
        get(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            async { FILE }
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let file = format!("http://{}/orders.csv", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, served).await });
    Door { router: api::router(state), shop, file, asked }
}

impl Door {
    async fn ask(&self, method: &str, path: &str, key: &str, body: &Value) -> Answer {
        let request =
            request(method, path).header("x-api-key", key).header("content-type", "application/json");
        send(&self.router, request.body(Body::from(body.to_string())).expect("a request")).await
    }

    /// The test's own server as a source.
    async fn table(&self) -> Value {
        let mut admin = sqlx::PgConnection::connect(self.shop.admin_url()).await.expect("the server answers");
        sqlx::raw_sql(
            "create schema sales;
             create table sales.line (number text, who text, at timestamptz, total numeric(12,2));
             insert into sales.line values ('A-1', 'c1', '2026-10-01 10:00+02', 10.50)",
        )
        .execute(&mut admin)
        .await
        .expect("a table");
        let options: PgConnectOptions = self.shop.admin_url().parse().expect("a URL");
        json!({
            "kind": "postgres", "host": "127.0.0.1", "port": options.get_port(), "database": options.get_database(),
            "user": options.get_username(), "table": "sales.line",
        })
    }
}

#[tokio::test]
async fn the_columns_of_a_file_are_shown_with_a_first_cell() {
    let door = door().await;
    let look = json!({ "place": { "kind": "file", "url": door.file } });
    let shown = door.ask("POST", "/api/orders/sources/columns", &door.shop.key, &look).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    let names: Vec<(&str, Option<&str>)> = shown.json["columns"]
        .as_array()
        .expect("columns")
        .iter()
        .map(|column| (column["name"].as_str().unwrap_or_default(), column["first"].as_str()))
        .collect();
    assert_eq!(
        names,
        [
            ("Beleg", Some("1")),
            ("Kunde", Some("c1")),
            ("Datum", Some("2026-10-03")),
            ("Umsatz", Some("1299,00")),
            ("Leer", None)
        ]
    );
    let asked = door.asked.load(Ordering::SeqCst);
    let may_not = key(&door.shop, door.shop.tenant, &[Scope::OrdersWrite], None).await;
    assert_eq!(door.ask("POST", "/api/orders/sources/columns", &may_not, &look).await.status, 403);
    assert_eq!(door.asked.load(Ordering::SeqCst), asked, "nothing is called for who may not");
    // The shop's own process may not call this machine.
    let refused = door.shop.post("/api/orders/sources/columns", &look.to_string()).await;
    assert_eq!((refused.status.as_u16(), &refused.json["field"]), (422, &"place".into()), "{}", refused.text);
    let gone = json!({ "place": { "kind": "file", "url": door.file.replace("orders", "none") } });
    let refused = door.ask("POST", "/api/orders/sources/columns", &door.shop.key, &gone).await;
    assert_eq!((refused.status.as_u16(), &refused.json["field"]), (422, &"place".into()), "{}", refused.text);
}

#[tokio::test]
async fn a_table_is_looked_at_mapped_previewed_saved_and_looked_at_again_without_its_password() {
    let door = door().await;
    let (place, mine) = (door.table().await, door.shop.key.clone());
    let look = json!({ "place": place, "password": "whatever trust takes" });
    let shown = door.ask("POST", "/api/orders/sources/columns", &mine, &look).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    let kinds: Vec<(&str, &str)> = shown.json["columns"]
        .as_array()
        .expect("columns")
        .iter()
        .filter_map(|column| Some((column["name"].as_str()?, column["kind"].as_str()?)))
        .collect();
    assert_eq!(kinds.len(), 4, "{}", shown.text);
    assert!(kinds.iter().any(|(name, kind)| *name == "at" && kind.contains("time")), "{kinds:?}");
    let mapping = json!({ "columns": {
        "number": "order_id", "who": "customer_id", "at": "ordered_at", "total": "amount" } });
    let path = "/api/orders/import/mappings/lines";
    let form = json!({
        "place": place, "mapping": "lines", "draft": mapping, "currency": "EUR", "password": "whatever trust takes",
    });
    // What columns mean comes with it, and is not stored by a preview.
    let bare = json!({ "place": place, "mapping": "lines", "currency": "EUR" });
    let without = door.ask("PUT", "/api/orders/sources/shop-db", &mine, &bare).await;
    assert_eq!(
        (without.status.as_u16(), &without.json["field"]),
        (422, &"mapping".into()),
        "{}",
        without.text
    );
    let preview = door.ask("POST", "/api/orders/sources/preview", &mine, &form).await;
    assert_eq!((preview.status.as_u16(), &preview.json["orders"]), (200, &1.into()), "{}", preview.text);
    assert_eq!(door.ask("GET", path, &mine, &json!(null)).await.status, 404);
    let unmapped = key(&door.shop, door.shop.tenant, &[Scope::SettingsWrite], None).await;
    assert_eq!(door.ask("PUT", "/api/orders/sources/shop-db", &unmapped, &form).await.status, 403);
    assert_eq!(door.ask("PUT", "/api/orders/sources/shop-db", &mine, &form).await.status, 204);
    assert_eq!(door.ask("GET", path, &mine, &json!(null)).await.json["mapping"], mapping);
    // Changed later, the password is not sent again; for a name that is none there is none.
    let again = json!({ "place": place, "mapping": "lines", "currency": "USD" });
    for path in ["/api/orders/sources/preview?saved_as=shop-db", "/api/orders/sources/preview?saved_as=other"]
    {
        assert_eq!(door.ask("POST", path, &mine, &again).await.status, 200, "{path}");
    }
    let listed = door.ask("GET", "/api/orders/sources", &mine, &json!(null)).await;
    assert_eq!(listed.json["items"][0]["name"], "shop-db", "{}", listed.text);
    assert!(!listed.text.contains("whatever trust takes"));
    let bad = door.ask("POST", "/api/orders/sources/preview?saved_as=a%20b", &mine, &again).await;
    assert_eq!((bad.status.as_u16(), &bad.json["field"]), (400, &"name".into()), "{}", bad.text);
}

#[tokio::test]
async fn what_is_wrong_with_a_place_is_said_with_what_to_do_and_a_code() {
    let door = door().await;
    let place = door.table().await;
    for (field, value, code) in [
        ("port", json!(1), "connection_refused"),
        ("database", json!("nothing"), "no_database"),
        ("table", json!("sales.nothing"), "no_table"),
    ] {
        let mut wrong = place.clone();
        wrong[field] = value;
        let look = json!({ "place": wrong });
        let refused = door.ask("POST", "/api/orders/sources/columns", &door.shop.key, &look).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json["field"]),
            (422, &"place".into()),
            "{}",
            refused.text
        );
        let told = refused.json["detail"].as_str().unwrap_or_default();
        assert!(told.ends_with(&format!("(code {code})")), "{told}");
    }
    let other = json!({ "place": { "kind": "sqlserver", "host": "db.shop.example" } });
    let refused = door.ask("POST", "/api/orders/sources/columns", &door.shop.key, &other).await;
    assert!(refused.status.is_client_error(), "{}", refused.text);
    assert!(refused.text.contains("SQL Server and Azure SQL are not read"), "{}", refused.text);
    let listed = door.ask("GET", "/api/orders/sources", &door.shop.key, &json!(null)).await;
    assert!(listed.json["zone"].is_string(), "{}", listed.text);
}
