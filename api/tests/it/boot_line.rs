//! Wrong settings stop the process at boot with a line each that says which, and never a secret.

use std::process::Command;

const DATABASE: (&str, &str) = ("DATABASE_URL", "postgres://desk_api:hunter2@127.0.0.1/desk");
const REDIS: (&str, &str) = ("REDIS_URL", "redis://:hunter2@127.0.0.1:6379");
const KEY: (&str, &str) = ("DESK_MASTER_KEY", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");

fn stops_with(settings: &[(&str, &str)], named: &str) {
    stops_with_all(settings, &[named]);
}

/// Each of these begins a line of its own, in this order, and there is no other.
fn stops_with_all(settings: &[(&str, &str)], named: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_api"))
        .env_clear()
        .envs(settings.iter().copied())
        .output()
        .expect("the binary starts");
    let text = String::from_utf8(output.stderr).expect("the lines are text");
    assert_eq!(output.status.code(), Some(2), "{text}");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    assert_eq!(lines.len(), named.len(), "{named:?}: {text}");
    for (line, named) in lines.iter().zip(named) {
        assert!(line.starts_with(&format!("api: {named}")), "{named}: {text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_missing_or_wrong_setting_is_one_line_and_exit_code_2() {
    for url in ["mysql://hunter2", "postgres://u:hunter2@127.0.0.1/desk?sslmode=perhaps"] {
        stops_with(&[("DATABASE_URL", url), REDIS, KEY], "DATABASE_URL is set to a secret that does not fit");
    }
    stops_with(&[REDIS, KEY], "DATABASE_URL is not set");
    stops_with(&[DATABASE, KEY], "REDIS_URL is not set");
    stops_with(&[DATABASE, ("REDIS_URL", "hunter2"), KEY], "REDIS_URL is set to a secret that does not fit");
    stops_with(&[DATABASE, REDIS], "DESK_MASTER_KEY is not set");
    for (name, value, expected) in [
        ("DESK_ALLOW_LOOPBACK", "yes", "true or false"),
        ("DESK_PUBLIC_URL", "desk.example.com", "an origin such as https://desk.example.com"),
        ("DESK_REDIS_PREFIX", "desk\nwork", "a short name: letters, digits and _ - . :, 100 at most"),
        ("SHOPIFY_API_VERSION", "x", "a version such as 2026-07"),
        ("SHOPIFY_SCOPES", "a b,,", "words such as read_orders, separated by commas without blanks"),
        ("DESK_SLACK_URL", "slack", "a base URL like https://host/path, but it is not a URL"),
        (
            "SHOPIFY_BASE_URL",
            "http://127.0.0.1:9/shops",
            "a base URL like https://host/path, but the scheme must be https",
        ),
    ] {
        let shopify = [("SHOPIFY_CLIENT_ID", "app"), ("SHOPIFY_CLIENT_SECRET", "hunter2")];
        let said = format!("{name} is {value:?}; it should be {expected}\n");
        stops_with(&[DATABASE, REDIS, KEY, shopify[0], shopify[1], (name, value)], &said);
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    stops_with_all(&[], &["DATABASE_URL is not set", "REDIS_URL is not set", "DESK_MASTER_KEY is not set"]);
    let wrong = [
        ("DATABASE_URL", "mysql://hunter2"),
        ("DESK_RATE_AI_PER_MINUTE", "many"),
        ("DESK_BIND", "here"),
        ("SHOPIFY_CLIENT_SECRET", "hunter2"),
        ("SHOPIFY_CLIENT_SECRET_BEFORE", "hunter2"),
        ("DESK_LOG", "deskwork=loud"),
    ];
    stops_with_all(
        &[&[REDIS, KEY][..], &wrong].concat(),
        &[
            "DATABASE_URL is set to a secret that does not fit; it should be ",
            "DESK_RATE_AI_PER_MINUTE is \"many\"; it should be a whole number from 1 to 10000000\n",
            "DESK_BIND is \"here\"; it should be an address with a port, e.g. 127.0.0.1:8080\n",
            "SHOPIFY_CLIENT_SECRET is set and SHOPIFY_CLIENT_ID is not; set both or neither\n",
            "SHOPIFY_CLIENT_SECRET_BEFORE is set and SHOPIFY_CLIENT_ID is not; set both or neither\n",
            "DESK_LOG is \"deskwork=loud\"; it should be tracing directives, e.g. info,jobs=debug\n",
        ],
    );
}

#[test]
fn what_depends_on_a_wrong_setting_is_not_refused_by_it() {
    let connections = "DESK_DATABASE_CONNECTIONS is \"0\"; it should be a whole number from 1 to 1000\n";
    stops_with(&[DATABASE, REDIS, KEY, ("DESK_DATABASE_CONNECTIONS", "0")], connections);
    let slack = ("DESK_SLACK_URL", "http://127.0.0.1:9/api");
    let said = "DESK_ALLOW_LOOPBACK is \"yes\"; it should be true or false\n";
    stops_with(&[DATABASE, REDIS, KEY, slack, ("DESK_ALLOW_LOOPBACK", "yes")], said);
}

#[test]
fn a_secret_without_what_it_belongs_to_is_told() {
    for (name, needs) in [
        ("SHOPIFY_CLIENT_SECRET", "SHOPIFY_CLIENT_ID"),
        ("SHOPIFY_CLIENT_SECRET_BEFORE", "SHOPIFY_CLIENT_ID"),
        ("DESK_SLACK_CLIENT_SECRET", "DESK_SLACK_CLIENT_ID"),
        ("DESK_SLACK_SIGNING_SECRET", "DESK_SLACK_CLIENT_ID"),
    ] {
        let said = format!("{name} is set and {needs} is not; set both or neither\n");
        stops_with(&[DATABASE, REDIS, KEY, (name, "hunter2")], &said);
    }
}

#[tokio::test]
async fn the_master_key_of_another_system_is_told_like_a_wrong_setting() {
    let database = migrations::testing::fresh_database().await;
    let url = database.url_for("desk_api");
    let db = database::Db::connect(&url, 1).expect("a good URL");
    let ours = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".parse().expect("a key");
    assert!(accounts::master_key::is_of(&db, &ours).await.expect("the test server answers"));
    let root = std::env::temp_dir().join(format!("deskwork-api-key-{}", std::process::id()));
    let (imports, files) = (root.join("imports"), root.join("files"));
    let imports = ("DESK_IMPORT_DIR", imports.to_str().expect("a text"));
    let files = ("DESK_FILES_DIR", files.to_str().expect("a text"));
    let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
    let url = ("DATABASE_URL", url.as_str());
    let settings = [
        url,
        ("REDIS_URL", redis.as_str()),
        KEY,
        ("DESK_LOG", "off"),
        ("DESK_BIND", "127.0.0.1:0"),
        imports,
        files,
    ];
    let said = format!(
        "DESK_MASTER_KEY is set to a secret that does not fit; it should be {}\n",
        accounts::master_key::EXPECTED
    );
    stops_with(&settings, &said);
    std::fs::remove_dir_all(&root).expect("it is removed");
}

#[test]
fn what_cannot_be_used_is_told_like_a_wrong_setting() {
    const QUIET: (&str, &str) = ("DESK_LOG", "off");
    // Made here, so that no folder is made where the tests run.
    let root = std::env::temp_dir().join(format!("deskwork-api-boot-{}", std::process::id()));
    let (imports, files) = (root.join("imports"), root.join("files"));
    let imports = ("DESK_IMPORT_DIR", imports.to_str().expect("a text"));
    let files = ("DESK_FILES_DIR", files.to_str().expect("a text"));
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let taken_at = taken.local_addr().expect("an address").to_string();
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    for (name, value, how) in [
        ("DESK_IMPORT_DIR", here, "used as a folder"),
        ("DESK_FILES_DIR", here, "used as a folder"),
        ("DESK_BIND", taken_at.as_str(), "listened at"),
    ] {
        let said = format!("{name} is {value:?}, which cannot be {how}: ");
        stops_with(&[DATABASE, REDIS, KEY, QUIET, imports, files, (name, value)], &said);
    }
    std::fs::remove_dir_all(&root).expect("it is removed");
}
