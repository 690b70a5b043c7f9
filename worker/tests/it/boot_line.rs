//! Wrong settings stop the process at boot with a line each that says which, and never a secret.

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
    stops_with_all(settings, &[named]);
}

/// Each of these begins a line of its own, in this order, and there is no other.
fn stops_with_all(settings: &[(&str, &str)], named: &[&str]) {
    let output = worker(settings, &[]);
    let text = String::from_utf8(output.stderr).expect("the lines are text");
    assert_eq!(output.status.code(), Some(2), "{text}");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    assert_eq!(lines.len(), named.len(), "{named:?}: {text}");
    for (line, named) in lines.iter().zip(named) {
        assert!(line.starts_with(&format!("worker: {named}")), "{named}: {text}");
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
fn all_that_is_wrong_is_told_at_once() {
    stops_with_all(&[], &["DATABASE_URL is not set", "REDIS_URL is not set", "DESK_MASTER_KEY is not set"]);
    let wrong = [
        ("DESK_LOG_FORMAT", "xml"),
        ("DESK_GRACE_SECS", "601"),
        ("REDIS_URL", "hunter2"),
        ("DESK_QUEUES", "ai=0"),
        ("SHOPIFY_CLIENT_ID", "app"),
        ("SHOPIFY_API_VERSION", "x"),
    ];
    stops_with_all(
        &[&[DATABASE, KEY][..], &wrong].concat(),
        &[
            "REDIS_URL is set to a secret that does not fit; it should be ",
            "DESK_QUEUES is \"ai=0\"; it should be like ai=4,default=16, slots from 1 to 10000\n",
            "DESK_GRACE_SECS is \"601\"; it should be a number of seconds from 0 to 600\n",
            "SHOPIFY_CLIENT_SECRET is not set; it should be ",
            "SHOPIFY_API_VERSION is \"x\"; it should be a version such as 2026-07\n",
            "DESK_LOG_FORMAT is \"xml\"; it should be json or text\n",
        ],
    );
}

#[test]
fn what_depends_on_a_wrong_setting_is_not_refused_by_it() {
    let slack = ("DESK_SLACK_URL", "http://127.0.0.1:9/api");
    let said = "DESK_ALLOW_LOOPBACK is \"yes\"; it should be true or false\n";
    stops_with(&[DATABASE, REDIS, KEY, slack, ("DESK_ALLOW_LOOPBACK", "yes")], said);
}

#[tokio::test]
async fn the_master_key_of_another_system_is_told_like_a_wrong_setting() {
    let database = migrations::testing::fresh_database().await;
    let url = database.url_for("desk_worker");
    let db = database::Db::connect(&url, 1).expect("a good URL");
    let ours = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".parse().expect("a key");
    assert!(accounts::master_key::is_of(&db, &ours).await.expect("the test server answers"));
    let root = std::env::temp_dir().join(format!("deskwork-worker-key-{}", std::process::id()));
    let (imports, files) = (root.join("imports"), root.join("files"));
    let imports = ("DESK_IMPORT_DIR", imports.to_str().expect("a text"));
    let files = ("DESK_FILES_DIR", files.to_str().expect("a text"));
    let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
    let url = ("DATABASE_URL", url.as_str());
    let settings = [url, ("REDIS_URL", redis.as_str()), KEY, ("DESK_LOG", "off"), imports, files];
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
