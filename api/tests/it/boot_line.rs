//! A wrong setting stops the process at boot with one line that says which, and never a secret.

use std::process::Command;

const DATABASE: (&str, &str) = ("DATABASE_URL", "postgres://desk_api:hunter2@127.0.0.1/desk");
const REDIS: (&str, &str) = ("REDIS_URL", "redis://:hunter2@127.0.0.1:6379");
const KEY: (&str, &str) = ("DESK_MASTER_KEY", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");

fn stops_with(settings: &[(&str, &str)], named: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_api"))
        .env_clear()
        .envs(settings.iter().copied())
        .output()
        .expect("the binary starts");
    let line = String::from_utf8(output.stderr).expect("the line is text");
    assert_eq!(output.status.code(), Some(2), "{line}");
    assert!(line.starts_with(&format!("api: {named}")) && line.lines().count() == 1, "{named}: {line}");
    assert!(!line.contains("hunter2"), "{line}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_missing_or_wrong_setting_is_one_line_and_exit_code_2() {
    stops_with(&[], "DATABASE_URL is not set");
    for url in ["mysql://hunter2", "postgres://u:hunter2@127.0.0.1/desk?sslmode=perhaps"] {
        stops_with(&[("DATABASE_URL", url)], "DATABASE_URL is set to a secret that does not fit");
    }
    stops_with(&[DATABASE], "REDIS_URL is not set");
    stops_with(&[DATABASE, ("REDIS_URL", "hunter2")], "REDIS_URL is set to a secret that does not fit");
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
