//! A wrong setting stops the process at boot with one line that says which, and never a secret.

use std::process::{Command, Output};

const DATABASE: (&str, &str) = ("DATABASE_URL", "postgres://desk_worker:hunter2@127.0.0.1/desk");
const REDIS: (&str, &str) = ("REDIS_URL", "redis://:hunter2@127.0.0.1:6379");
const KEY: (&str, &str) = ("DESK_MASTER_KEY", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");

fn worker(settings: &[(&str, &str)], arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_worker"))
        .env_clear()
        .envs(settings.iter().copied())
        .args(arguments)
        .output()
        .expect("the binary starts")
}

fn stops_with(settings: &[(&str, &str)], named: &str) {
    let output = worker(settings, &[]);
    let line = String::from_utf8(output.stderr).expect("the line is text");
    assert_eq!(output.status.code(), Some(2), "{line}");
    assert!(line.starts_with(&format!("worker: {named}")) && line.lines().count() == 1, "{named}: {line}");
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
    stops_with(
        &[DATABASE, REDIS, ("DESK_MASTER_KEY", "hunter2")],
        "DESK_MASTER_KEY is set to a secret that does not fit",
    );
    for (name, value, expected) in [
        ("DESK_QUEUES", "ai=0", "like ai=4,default=16, slots from 1 to 10000"),
        ("DESK_QUEUES", "ai=4,ai=5", "like ai=4,default=16, slots from 1 to 10000"),
        ("DESK_DATABASE_CONNECTIONS", "0", "a whole number from 1 to 1000"),
        ("DESK_DATABASE_CONNECTIONS", "1001", "a whole number from 1 to 1000"),
        ("DESK_REDIS_PREFIX", "desk\nwork", "a short name: letters, digits and _ - . :, 100 at most"),
        ("DESK_WORKER_NAME", "a b", "a short name: letters, digits and _ - ., 100 at most"),
        ("DESK_GRACE_SECS", "601", "a number of seconds from 0 to 600"),
        ("DESK_NICE", "20", "a whole number from 0 to 19"),
        ("DESK_ALLOW_LOOPBACK", "yes", "true or false"),
        ("DESK_OPS_BIND", "here", "an address with a port, e.g. 127.0.0.1:9100"),
        ("DESK_MAIL_PROTOCOL", "http", "lmtp or smtp"),
        ("DESK_PUBLIC_URL", "desk.example.com", "an origin such as https://desk.example.com"),
        ("DESK_PUBLIC_URL", "https://desk.example.com/desk", "an origin such as https://desk.example.com"),
        ("ANTHROPIC_PRICE_INPUT", "cheap", "US dollars such as 1 or 0.25, 0 to 10000"),
    ] {
        let said = format!("{name} is {value:?}; it should be {expected}\n");
        stops_with(&[DATABASE, REDIS, KEY, (name, value)], &said);
    }
}

#[test]
fn what_cannot_be_used_is_told_like_a_wrong_setting() {
    const QUIET: (&str, &str) = ("DESK_LOG", "off");
    // Made here, so that no folder is made where the tests run.
    let root = std::env::temp_dir().join(format!("deskwork-worker-boot-{}", std::process::id()));
    let (imports, files) = (root.join("imports"), root.join("files"));
    let imports = ("DESK_IMPORT_DIR", imports.to_str().expect("a text"));
    let files = ("DESK_FILES_DIR", files.to_str().expect("a text"));
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let taken_at = taken.local_addr().expect("an address").to_string();
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let usual = [DATABASE, REDIS, KEY, QUIET, imports, files];
    for (name, value, how) in [
        ("DESK_IMPORT_DIR", here, "which cannot be used as a folder: "),
        ("DESK_FILES_DIR", here, "which cannot be used as a folder: "),
        ("DESK_OPS_BIND", taken_at.as_str(), "which cannot be listened at: "),
        ("DESK_MAIL_BIND", taken_at.as_str(), "which cannot be listened at: "),
        ("DESK_QUEUES", "ai=4,nope=3", "which cannot be used: there is no queue nope; there are ai, "),
    ] {
        let said = format!("{name} is {value:?}, {how}");
        stops_with(&[&usual[..], &[(name, value)]].concat(), &said);
    }
    std::fs::remove_dir_all(&root).expect("it is removed");
}

#[test]
fn settings_that_belong_together_are_set_together() {
    stops_with(
        &[DATABASE, REDIS, KEY, ("SHOPIFY_CLIENT_SECRET", "hunter2")],
        "SHOPIFY_CLIENT_SECRET is set and SHOPIFY_CLIENT_ID is not; set both or neither",
    );
    let shopify = [("SHOPIFY_CLIENT_ID", "app"), ("SHOPIFY_CLIENT_SECRET", "hunter2")];
    let version = ("SHOPIFY_API_VERSION", "x");
    stops_with(
        &[DATABASE, REDIS, KEY, shopify[0], shopify[1], version],
        "SHOPIFY_API_VERSION is \"x\"; it should be a version such as 2026-07",
    );
    let s3 = [("DESK_FILES_S3_ENDPOINT", "ftp://x"), ("DESK_FILES_S3_BUCKET", "desk")];
    let key = [("DESK_FILES_S3_ACCESS_KEY", "a"), ("DESK_FILES_S3_SECRET_KEY", "hunter2")];
    stops_with(
        &[&[DATABASE, REDIS, KEY][..], &s3, &key].concat(),
        "DESK_FILES_S3_ENDPOINT is \"ftp://x\", which cannot be used: it must be an http or https URL",
    );
}

#[test]
fn a_base_url_that_no_client_would_call_is_told_like_any_other_setting() {
    const ANTHROPIC: (&str, &str) = ("ANTHROPIC_API_KEY", "hunter2");
    const CLIENT: (&str, &str) = ("SHOPIFY_CLIENT_ID", "app");
    const SECRET: (&str, &str) = ("SHOPIFY_CLIENT_SECRET", "hunter2");
    for (name, url, problem) in [
        ("ANTHROPIC_BASE_URL", "api.anthropic.com", "it is not a URL"),
        ("ANTHROPIC_BASE_URL", "http://api.anthropic.com", "the scheme must be https"),
        ("SHOPIFY_BASE_URL", "https://10.0.0.1/shops", "it is not a public address"),
        ("DESK_SLACK_URL", "http://127.0.0.1:9/api", "the scheme must be https"),
        ("DESK_PROBE_URL", "http://192.0.2.1", "plain http is for loopback only"),
    ] {
        let said =
            format!("{name} is {url:?}; it should be a base URL like https://host/path, but {problem}\n");
        stops_with(&[DATABASE, REDIS, KEY, ANTHROPIC, CLIENT, SECRET, (name, url)], &said);
    }
    let with_password = ("DESK_SLACK_URL", "https://u:hunter2@slack.com/api");
    stops_with(&[DATABASE, REDIS, KEY, with_password], "DESK_SLACK_URL is set to a secret that does not fit");
    let no_header = [DATABASE, REDIS, KEY, ANTHROPIC, ("ANTHROPIC_VERSION", "heute\u{fc}")];
    stops_with(&no_header, "ANTHROPIC_VERSION is ");
    let no_header = [DATABASE, REDIS, KEY, ("ANTHROPIC_API_KEY", "hunter2\u{fc}")];
    stops_with(&no_header, "ANTHROPIC_API_KEY is set to a secret that does not fit");
}

#[test]
fn the_settings_are_listed_and_need_none() {
    let output = worker(&[], &["--settings"]);
    let table = String::from_utf8(output.stdout).expect("the table is text");
    assert!(output.status.success());
    for setting in worker::settings::SETTINGS {
        assert!(table.contains(&format!("| `{}` |", setting.name)), "{}: {table}", setting.name);
    }
}
