//! The commands of the program, run as an operator runs them.

use std::process::{Command, Output};

use migrations::testing::{TestDatabase, fresh_database};

fn api(database: &TestDatabase, line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_api"))
        .args(line.split_whitespace())
        .env_clear()
        .env("DATABASE_URL", database.url_for("desk_api"))
        .env("DESK_MASTER_KEY", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=")
        .env("GORGIAS_API_KEY", "key of the desk")
        .env("GORGIAS_WEBHOOK_SECRET", "a secret of the shop")
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

#[tokio::test]
async fn a_first_tenant_and_key_are_made_listed_and_revoked() {
    let database = fresh_database().await;
    let done = |line: &str| {
        let output = api(&database, line);
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
        text(&output.stdout).trim().to_owned()
    };
    done("create-tenant --slug acme --name Acme --timezone Europe/Berlin");
    let key = done("create-key --tenant acme --name first --scopes jobs:read,ai:read --expires-days 30");
    let db = database::Db::connect(&database.url_for("desk_api"), 1).expect("a URL");
    let principal =
        accounts::api_keys::authenticate(&db, &key).await.expect("answered").expect("a valid key");
    assert_eq!(principal.name, "first");
    assert!(principal.expires_at.is_some());
    let prefix = key.split('_').nth(1).expect("a prefix").to_owned();
    let listed = done("list-keys --tenant acme");
    assert!(listed.contains(&prefix) && listed.contains("valid") && !listed.contains(&key), "{listed}");
    done(
        "connect-gorgias --tenant acme --base-url http://127.0.0.1:9/api --email e@x.example --verify hmac --allow-loopback",
    );
    done(&format!("revoke-key --prefix {prefix}"));
    assert_eq!(accounts::api_keys::authenticate(&db, &key).await.expect("answered"), None);
    assert!(done("list-keys --tenant acme").contains("revoked"));
}

#[tokio::test]
async fn errors_are_one_line_that_says_what_to_do() {
    let database = fresh_database().await;
    for (line, code, named) in [
        ("create-key --tenant nobody --scopes jobs:read", 1, "api create-tenant --slug nobody"),
        ("create-tenant --slug Bad_Slug --name x", 1, "slug"),
        ("create-tenant --slug a --name x --timezone Mars/Olympus", 1, "Europe/Berlin"),
        ("revoke-key --prefix 0123456789ab", 1, "list-keys"),
        ("create-key --tenant nobody --scopes fly", 2, "jobs:read"),
        ("fly", 2, "api --help"),
    ] {
        let output = api(&database, line);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}: {error}");
        assert!(error.contains(named) && error.trim_end().lines().count() == 1, "{line}: {error}");
        assert!(output.stdout.is_empty());
    }
}

#[tokio::test]
async fn nothing_is_sealed_or_signed_under_another_systems_master_key() {
    let database = fresh_database().await;
    let db = database::Db::connect(&database.url_for("desk_api"), 1).expect("a good URL");
    let ours = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".parse().expect("a key");
    assert!(accounts::master_key::is_of(&db, &ours).await.expect("the test server answers"));
    assert!(api(&database, "create-tenant --slug acme --name Acme").status.success());
    for line in [
        "connect-gorgias --tenant acme --base-url http://127.0.0.1:9/api --email e@x.example --verify hmac --allow-loopback",
        "create-agent --tenant acme --email robin@acme.example --role admin",
    ] {
        let output = api(&database, line);
        let error = text(&output.stderr);
        let said = "DESK_MASTER_KEY is set to a secret that does not fit; it should be the key under which";
        assert!(!output.status.success() && error.contains(said), "{line}: {error}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_secret_that_is_too_short_is_named_by_its_setting() {
    let line =
        "connect-gorgias --tenant acme --base-url https://acme.example/api --email e@x.example --verify hmac";
    for (name, other) in [
        ("GORGIAS_WEBHOOK_SECRET", "GORGIAS_WEBHOOK_SECRET_OLD"),
        ("GORGIAS_WEBHOOK_SECRET_OLD", "GORGIAS_WEBHOOK_SECRET"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_api"))
            .args(line.split_whitespace())
            .env_clear()
            .env("GORGIAS_API_KEY", "key of the desk")
            .env(name, "hunter2")
            .env(other, "a secret of the shop")
            .output()
            .expect("the program starts");
        let error = text(&output.stderr);
        let said = format!("{name} is set to a secret that does not fit; it should be ");
        assert!(!output.status.success() && error.contains(&said), "{error}");
        assert!(!error.contains("hunter2") && error.trim_end().lines().count() == 1, "{error}");
    }
}

#[test]
fn the_document_and_the_settings_need_no_settings() {
    let run = |argument: &str| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_api")).arg(argument).env_clear().output().expect("it starts");
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).to_owned()
    };
    let document: serde_json::Value = serde_json::from_str(&run("openapi")).expect("JSON");
    assert!(document["openapi"].as_str().expect("a version").starts_with("3.1"));
    for path in ["/api/gorgias/webhook", "/api/ai/tickets/{id}/draft", "/api/orders/import", "/health/ready"]
    {
        assert!(document["paths"].get(path).is_some(), "{path}");
    }
    assert!(run("settings").contains("DESK_RATE_WEBHOOKS_PER_MINUTE"));
}
