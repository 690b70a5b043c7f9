//! Settings come from environment variables and from nowhere else. Each process declares its settings
//! in one table, so `--settings` and the documents can list them; missing and unreadable ones stop
//! the process at boot with a line each that says which, and what it should look like ([`Faults`]).

use std::{fmt, fmt::Write as _, ops::RangeInclusive, str::FromStr, sync::OnceLock, time::Duration};

use crate::Faults;

/// A setting as it is declared and listed.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The environment variable.
    pub name: &'static str,
    /// What holds when it is not set: `None` when it must be set, `Some("")` when nothing then happens.
    pub default: Option<&'static str>,
    /// What it decides, with its unit.
    pub meaning: &'static str,
    /// Its value is never shown.
    pub secret: bool,
}

/// Why a process does not start. Shown as one line.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// It has no default and is not set.
    #[error("{name} is not set; it should be {expected}")]
    Missing {
        /// The environment variable.
        name: &'static str,
        /// What it should look like.
        expected: String,
    },
    /// It is set to something else than what is expected.
    #[error("{name} is {value:?}; it should be {expected}")]
    Invalid {
        /// The environment variable.
        name: &'static str,
        /// What it is set to, shortened.
        value: String,
        /// What it should look like.
        expected: String,
    },
    /// A secret that does not fit; its value is not shown.
    #[error("{name} is set to a secret that does not fit; it should be {expected}")]
    InvalidSecret {
        /// The environment variable.
        name: &'static str,
        /// What it should look like.
        expected: String,
    },
    /// It names a place that this process cannot use.
    #[error("{name} is {value:?}, which cannot be {how}: {problem}")]
    Unusable {
        /// The environment variable.
        name: &'static str,
        /// What it is set to, shortened.
        value: String,
        /// What was tried: `listened at`.
        how: &'static str,
        /// What the system says.
        problem: String,
    },
    /// A secret without the setting that it belongs to.
    #[error("{name} is set and {needs} is not; set both or neither")]
    Alone {
        /// The environment variable.
        name: &'static str,
        /// The one that is missing.
        needs: &'static str,
    },
}

/// A value that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The value itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Secret {
        Secret(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// A setting that must be set, and whose value may be shown.
///
/// # Errors
/// It is not set.
pub fn required(name: &'static str, expected: &str) -> Result<String, SettingError> {
    present(name, read(name), expected)
}

/// A setting with a default.
///
/// # Errors
/// It is set to something that `T` cannot be read from.
pub fn optional<T: FromStr>(name: &'static str, default: T, expected: &str) -> Result<T, SettingError> {
    Ok(maybe(name, expected)?.unwrap_or(default))
}

/// A setting without which something is simply off.
///
/// # Errors
/// It is set to something that `T` cannot be read from.
pub fn maybe<T: FromStr>(name: &'static str, expected: &str) -> Result<Option<T>, SettingError> {
    read(name).map(|value| parse(name, &value, expected)).transpose()
}

/// A secret that must be set.
///
/// # Errors
/// It is not set.
pub fn secret(name: &'static str, expected: &str) -> Result<Secret, SettingError> {
    present(name, read(name), expected).map(Secret)
}

/// A secret that must be set and that `read` can make something of.
///
/// # Errors
/// It is not set, or `read` makes nothing of it.
pub fn secret_as<T>(
    name: &'static str,
    expected: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, SettingError> {
    read(secret(name, expected)?.expose()).ok_or_else(|| invalid_secret(name, expected))
}

/// A secret that is a URL with one of the given schemes: its password is why it is secret.
///
/// # Errors
/// It is not set or begins otherwise.
pub fn secret_url(name: &'static str, schemes: &[&str], expected: &str) -> Result<Secret, SettingError> {
    let url = secret(name, expected)?;
    if has_scheme(url.expose(), schemes) { Ok(url) } else { Err(invalid_secret(name, expected)) }
}

/// A base URL that `check` lets through; what `check` says of another completes the message.
///
/// # Errors
/// It is set to one that does not pass. One that may have a password in it is not shown.
pub fn base_url<T, P: fmt::Display>(
    name: &'static str,
    check: impl FnOnce(&str) -> Result<T, P>,
) -> Result<Option<String>, SettingError> {
    read(name).map(|url| passed(name, url, check)).transpose()
}

/// A secret without which something is simply off.
pub fn maybe_secret(name: &'static str) -> Option<Secret> {
    read(name).map(Secret)
}

/// Refuses settings that mean nothing without `needs`, which is not set.
pub fn none_without(faults: &mut Faults, needs: &'static str, names: &[&'static str]) {
    for &name in names {
        faults.keep(alone(needs, name, read(name).is_some()));
    }
}

/// A text that `fits`.
///
/// # Errors
/// It is set to one that does not.
pub fn passing(
    name: &'static str,
    default: &str,
    fits: impl FnOnce(&str) -> bool,
    expected: &str,
) -> Result<String, SettingError> {
    let value = read(name).unwrap_or_else(|| default.to_owned());
    if fits(&value) { Ok(value) } else { Err(invalid(name, &value, expected)) }
}

/// A short name, of which others are made: letters, digits and a few signs.
///
/// # Errors
/// It has other characters, or too many.
pub fn short_name(
    name: &'static str,
    default: &str,
    signs: &str,
    most: usize,
) -> Result<String, SettingError> {
    named(name, read(name).unwrap_or_else(|| default.to_owned()), signs, most)
}

/// What the names of all keys and channels in Redis begin with, by `DESK_REDIS_PREFIX`.
///
/// # Errors
/// It is no short name.
pub fn redis_prefix() -> Result<String, SettingError> {
    short_name("DESK_REDIS_PREFIX", "deskwork", "_-.:", 100)
}

/// A duration in seconds, fractions allowed.
///
/// # Errors
/// It is not a number or not in the range, which is given in seconds.
pub fn duration_secs(
    name: &'static str,
    default_secs: f64,
    allowed_secs: RangeInclusive<f64>,
) -> Result<Duration, SettingError> {
    seconds(name, read(name), default_secs, allowed_secs)
}

/// A whole number in a range.
///
/// # Errors
/// It is not a whole number or not in the range.
pub fn number(name: &'static str, default: u64, allowed: RangeInclusive<u64>) -> Result<u64, SettingError> {
    whole(name, read(name), default, allowed)
}

/// A list, separated by commas; blanks around the elements and empty elements do not count.
///
/// # Errors
/// An element cannot be read.
pub fn list<T: FromStr>(name: &'static str, default: &str, expected: &str) -> Result<Vec<T>, SettingError> {
    elements(name, &read(name).unwrap_or_else(|| default.to_owned()), expected)
}

/// One of a few words, given with what each stands for.
///
/// # Errors
/// It is another word.
pub fn choice<T: Copy>(name: &'static str, default: T, words: &[(&str, T)]) -> Result<T, SettingError> {
    chosen(name, read(name), default, words)
}

/// The settings as a Markdown table, for `--settings` and for the documents.
pub fn table(settings: &[Setting]) -> String {
    let mut text = String::from("| Name | Default | Meaning |\n| --- | --- | --- |\n");
    for setting in settings {
        let default = match setting.default {
            None => "required".to_owned(),
            Some("") => "off".to_owned(),
            Some(value) => format!("`{value}`"),
        };
        let secret = if setting.secret { " (secret)" } else { "" };
        let _ = writeln!(text, "| `{}` | {default} | {}{secret} |", setting.name, setting.meaning);
    }
    text
}

/// An error for a rule that only the process itself can check, such as two settings that exclude
/// each other. Not for secrets.
pub fn invalid(name: &'static str, value: &str, expected: &str) -> SettingError {
    // A line break in a value must not break the one line of the message; {:?} escapes it.
    SettingError::Invalid { name, value: value.chars().take(100).collect(), expected: expected.to_owned() }
}

/// The same where what is wrong is known in words of its own, which `problem` is: `it must be a URL`.
pub fn unfit(name: &'static str, value: &str, problem: &str) -> SettingError {
    SettingError::Unusable {
        name,
        value: value.chars().take(100).collect(),
        how: "used",
        problem: problem.to_owned(),
    }
}

/// The same for a secret.
pub fn invalid_secret(name: &'static str, expected: &str) -> SettingError {
    SettingError::InvalidSecret { name, expected: expected.to_owned() }
}

/// The names in the table of the process that runs.
static DECLARED: OnceLock<Vec<&'static str>> = OnceLock::new();

/// From now on these settings are read and no others.
pub(crate) fn declare(settings: &[Setting]) {
    // A process runs once.
    let _ = DECLARED.set(settings.iter().map(|setting| setting.name).collect());
}

fn is_declared(name: &str, declared: Option<&Vec<&'static str>>) -> bool {
    declared.is_none_or(|declared| declared.contains(&name))
}

/// What is set, trimmed. A variable set to nothing counts as not set, as compose files write it.
///
/// # Panics
/// The process that runs does not list it: it would be in no document either.
fn read(name: &str) -> Option<String> {
    assert!(is_declared(name, DECLARED.get()), "{name} is read, and the process's table does not list it");
    let value = std::env::var(name).ok()?;
    Some(value.trim().to_owned()).filter(|value| !value.is_empty())
}

fn alone(needs: &'static str, name: &'static str, is_set: bool) -> Result<(), SettingError> {
    if is_set { Err(SettingError::Alone { name, needs }) } else { Ok(()) }
}

fn named(name: &'static str, value: String, signs: &str, most: usize) -> Result<String, SettingError> {
    let is_short = value.len() <= most;
    if is_short && value.chars().all(|c| c.is_ascii_alphanumeric() || signs.contains(c)) {
        return Ok(value);
    }
    let signs: Vec<String> = signs.chars().map(String::from).collect();
    let expected = format!("a short name: letters, digits and {}, {most} at most", signs.join(" "));
    Err(invalid(name, &value, &expected))
}

fn has_scheme(url: &str, schemes: &[&str]) -> bool {
    url.split_once("://").is_some_and(|(scheme, rest)| schemes.contains(&scheme) && !rest.is_empty())
}

fn present(name: &'static str, value: Option<String>, expected: &str) -> Result<String, SettingError> {
    value.ok_or_else(|| SettingError::Missing { name, expected: expected.to_owned() })
}

fn parse<T: FromStr>(name: &'static str, value: &str, expected: &str) -> Result<T, SettingError> {
    value.parse().map_err(|_| invalid(name, value, expected))
}

fn passed<T, P: fmt::Display>(
    name: &'static str,
    url: String,
    check: impl FnOnce(&str) -> Result<T, P>,
) -> Result<String, SettingError> {
    let Err(problem) = check(&url) else { return Ok(url) };
    let expected = format!("a base URL like https://host/path, but {problem}");
    Err(if url.contains('@') { invalid_secret(name, &expected) } else { invalid(name, &url, &expected) })
}

fn seconds(
    name: &'static str,
    value: Option<String>,
    default_secs: f64,
    allowed_secs: RangeInclusive<f64>,
) -> Result<Duration, SettingError> {
    let Some(value) = value else { return Ok(Duration::from_secs_f64(default_secs)) };
    let expected = format!("a number of seconds from {} to {}", allowed_secs.start(), allowed_secs.end());
    let secs: f64 = parse(name, &value, &expected)?;
    if !allowed_secs.contains(&secs) {
        return Err(invalid(name, &value, &expected));
    }
    Duration::try_from_secs_f64(secs).map_err(|_| invalid(name, &value, &expected))
}

fn whole(
    name: &'static str,
    value: Option<String>,
    default: u64,
    allowed: RangeInclusive<u64>,
) -> Result<u64, SettingError> {
    let Some(value) = value else { return Ok(default) };
    let expected = format!("a whole number from {} to {}", allowed.start(), allowed.end());
    let number = parse(name, &value, &expected)?;
    if allowed.contains(&number) { Ok(number) } else { Err(invalid(name, &value, &expected)) }
}

fn elements<T: FromStr>(name: &'static str, value: &str, expected: &str) -> Result<Vec<T>, SettingError> {
    value
        .split(',')
        .map(str::trim)
        .filter(|element| !element.is_empty())
        .map(|element| element.parse().map_err(|_| invalid(name, value, expected)))
        .collect()
}

fn chosen<T: Copy>(
    name: &'static str,
    value: Option<String>,
    default: T,
    words: &[(&str, T)],
) -> Result<T, SettingError> {
    let Some(value) = value else { return Ok(default) };
    words.iter().find(|(word, _)| *word == value).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        invalid(name, &value, &known.join(" or "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_table_of_a_process_does_not_list_is_not_read() {
        let declared = vec!["DESK_PORT"];
        assert!(is_declared("DESK_PORT", Some(&declared)) && !is_declared("DESK_PART", Some(&declared)));
        assert!(is_declared("DESK_PART", None), "commands and tests have no table");
    }

    #[test]
    fn an_error_is_one_line_that_names_the_setting_its_value_and_what_is_expected() {
        let error = parse::<u16>("DESK_PORT", "eighty\nfour", "a port number").expect_err("not a number");
        assert_eq!(error.to_string(), r#"DESK_PORT is "eighty\nfour"; it should be a port number"#);
        let error = present("DATABASE_URL", None, "postgres://user@host/name").expect_err("not set");
        assert_eq!(error.to_string(), "DATABASE_URL is not set; it should be postgres://user@host/name");
    }

    #[test]
    fn secrets_are_never_shown() {
        assert_eq!(format!("{:?}", Secret("hunter2".to_owned())), "[secret]");
        let error = invalid_secret("DESK_DATA_KEY", "64 hexadecimal digits");
        assert!(!error.to_string().contains("hunter2"));
        assert!(error.to_string().starts_with("DESK_DATA_KEY "));
    }

    #[test]
    fn a_url_needs_one_of_the_schemes() {
        assert!(has_scheme("postgres://desk_api@db/desk", &["postgres", "postgresql"]));
        for bad in ["mysql://db/desk", "postgres", "postgres://", "db:5432", ""] {
            assert!(!has_scheme(bad, &["postgres", "postgresql"]), "{bad}");
        }
    }

    #[test]
    fn a_base_url_is_checked_and_its_password_is_not_shown() {
        let check = |url: &str| if url.starts_with("https://desk") { Ok(()) } else { Err("it has no host") };
        let read = |url: &str| passed("X", url.to_owned(), check).map_err(|error| error.to_string());
        assert_eq!(read("https://desk.example"), Ok("https://desk.example".to_owned()));
        let said = r#"X is "https:///"; it should be a base URL like https://host/path, but it has no host"#;
        assert_eq!(read("https:///"), Err(said.to_owned()));
        let said = read("https://u:hunter2@").expect_err("no host");
        assert!(said.starts_with("X is set to a secret that does not fit") && !said.contains("hunter2"));
    }

    #[test]
    fn a_setting_that_means_nothing_alone_is_told_with_the_one_it_needs() {
        assert!(alone("APP_ID", "APP_KEY", false).is_ok());
        let error = alone("APP_ID", "APP_KEY", true).expect_err("alone").to_string();
        assert_eq!(error, "APP_KEY is set and APP_ID is not; set both or neither");
    }

    #[test]
    fn a_short_name_is_short_and_plain() {
        let read = |value: &str| named("X", value.to_owned(), "_-", 8);
        for good in ["desk", "desk_1-a"] {
            assert_eq!(read(good).ok().as_deref(), Some(good));
        }
        for bad in ["desk\nwork", "a b", "d\u{e9}sk", "ninechars"] {
            let error = read(bad).expect_err(bad).to_string();
            let said = format!("X is {bad:?}; it should be a short name: letters, digits and _ -, 8 at most");
            assert_eq!(error, said);
        }
    }

    #[test]
    fn seconds_have_a_default_a_range_and_fractions() {
        let read = |value: Option<&str>| seconds("X", value.map(str::to_owned), 5.0, 0.0..=60.0);
        assert_eq!(read(None).ok(), Some(Duration::from_secs(5)));
        assert_eq!(read(Some("0.25")).ok(), Some(Duration::from_millis(250)));
        for bad in ["61", "-1", "NaN", "inf", "five", "5s"] {
            assert!(read(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn whole_numbers_have_a_range() {
        assert_eq!(whole("X", None, 3, 1..=10).ok(), Some(3));
        assert_eq!(whole("X", Some("10".to_owned()), 3, 1..=10).ok(), Some(10));
        for bad in ["0", "11", "-1", "1.5", ""] {
            assert!(whole("X", Some(bad.to_owned()), 3, 1..=10).is_err(), "{bad}");
        }
    }

    #[test]
    fn lists_forgive_blanks_but_not_bad_elements() {
        assert_eq!(elements::<u8>("X", " 1, 2,,3 ", "numbers").ok(), Some(vec![1, 2, 3]));
        assert_eq!(elements::<u8>("X", "", "numbers").ok(), Some(vec![]));
        assert!(elements::<u8>("X", "1,two", "numbers").is_err());
    }

    #[test]
    fn a_choice_names_the_words() {
        let words = [("json", 1), ("text", 2)];
        assert_eq!(chosen("X", Some("text".to_owned()), 1, &words).ok(), Some(2));
        let error = chosen("X", Some("xml".to_owned()), 1, &words).expect_err("not a word");
        assert_eq!(error.to_string(), r#"X is "xml"; it should be json or text"#);
    }

    #[test]
    fn the_table_says_what_is_required_off_and_secret() {
        let table = table(&[
            Setting { name: "A", default: None, meaning: "what A does", secret: true },
            Setting { name: "B", default: Some(""), meaning: "what B does", secret: false },
            Setting { name: "C", default: Some("5"), meaning: "what C does", secret: false },
        ]);
        assert!(table.contains("| `A` | required | what A does (secret) |"), "{table}");
        assert!(table.contains("| `B` | off | what B does |"), "{table}");
        assert!(table.contains("| `C` | `5` | what C does |"), "{table}");
    }
}
