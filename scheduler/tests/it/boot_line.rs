//! Wrong settings stop the process at boot with a line each that says which, and never a secret.

use std::process::{Command, Output};

fn scheduler(settings: &[(&str, &str)], arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scheduler"))
        .env_clear()
        .envs(settings.iter().copied())
        .args(arguments)
        .output()
        .expect("the binary starts")
}

#[test]
fn each_wrong_setting_is_one_line_and_the_exit_code_is_2() {
    const DATABASE: (&str, &str) = ("DATABASE_URL", "postgres://desk_scheduler:hunter2@127.0.0.1/desk");
    const REDIS: (&str, &str) = ("REDIS_URL", "redis://:hunter2@127.0.0.1:6379");
    for (settings, named) in [
        (&[DATABASE][..], &["REDIS_URL is not set"][..]),
        (&[REDIS][..], &["DATABASE_URL is not set"][..]),
        (
            &[REDIS, ("DATABASE_URL", "mysql://hunter2")][..],
            &["DATABASE_URL is set to a secret that does not fit"][..],
        ),
        (
            &[REDIS, ("DATABASE_URL", "postgres://u:hunter2@127.0.0.1/desk?sslmode=perhaps")][..],
            &["DATABASE_URL is set to a secret that does not fit"][..],
        ),
        (&[DATABASE, ("REDIS_URL", "hunter2")][..], &["REDIS_URL is set to a secret that does not fit"][..]),
        (&[DATABASE, REDIS, ("DESK_OPS_BIND", "here")][..], &["DESK_OPS_BIND is \"here\""][..]),
        (
            &[DATABASE, REDIS, ("DESK_LOG_FORMAT", "xml")][..],
            &["DESK_LOG_FORMAT is \"xml\"; it should be json or text"][..],
        ),
        (&[][..], &["REDIS_URL is not set", "DATABASE_URL is not set"][..]),
        (
            &[("DATABASE_URL", "mysql://hunter2"), ("DESK_OPS_BIND", "here"), ("DESK_LOG_FORMAT", "xml")][..],
            &[
                "REDIS_URL is not set",
                "DATABASE_URL is set to a secret that does not fit",
                "DESK_OPS_BIND is \"here\"",
                "DESK_LOG_FORMAT is \"xml\"",
            ][..],
        ),
    ] {
        let output = scheduler(settings, &[]);
        let text = String::from_utf8(output.stderr).expect("the lines are text");
        assert_eq!(output.status.code(), Some(2), "{text}");
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        assert_eq!(lines.len(), named.len(), "{named:?}: {text}");
        for (line, named) in lines.iter().zip(named) {
            assert!(line.starts_with(&format!("scheduler: {named}")), "{named}: {text}");
        }
        assert!(!text.contains("hunter2"), "{text}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn an_address_that_another_process_has_is_told_like_a_wrong_setting() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let bind = taken.local_addr().expect("an address").to_string();
    let settings = [
        ("DATABASE_URL", "postgres://desk_scheduler:hunter2@127.0.0.1/desk"),
        ("REDIS_URL", "redis://:hunter2@127.0.0.1:6379"),
        ("DESK_LOG", "off"),
        ("DESK_OPS_BIND", bind.as_str()),
    ];
    let output = scheduler(&settings, &[]);
    let line = String::from_utf8(output.stderr).expect("the line is text");
    assert_eq!(output.status.code(), Some(2), "{line}");
    let said = format!("scheduler: DESK_OPS_BIND is {bind:?}, which cannot be listened at: ");
    assert!(line.starts_with(&said) && line.lines().count() == 1, "{line}");
    assert!(output.stdout.is_empty());
}

#[test]
fn the_settings_are_listed() {
    let output = scheduler(&[], &["--settings"]);
    let table = String::from_utf8(output.stdout).expect("the table is text");
    assert!(output.status.success());
    for name in ["DATABASE_URL", "REDIS_URL", "DESK_REDIS_PREFIX", "DESK_OPS_BIND", "DESK_LOG"] {
        assert!(table.contains(&format!("| `{name}` |")), "{table}");
    }
}
