//! What an operator may ask of the `api` program at a shell, read from its arguments.
//!
//! Written by hand: seven commands with a few `--name value` pairs need no library, and an error is one line
//! that says what to do. Secrets are never arguments, because every user of the machine can read those.

use std::collections::BTreeMap;

use accounts::api_keys::Scope;
use accounts::verify::Mode;

/// The commands, as shown by `api help`.
pub const USAGE: &str = "\
usage: api                     serve (settings from the environment: api settings)
       api create-tenant --slug SLUG --name NAME [--timezone ZONE]
       api create-key --tenant SLUG --scopes SCOPE,SCOPE [--name NAME] [--expires-days DAYS]
       api list-keys --tenant SLUG
       api revoke-key --prefix PREFIX
       api connect-gorgias --tenant SLUG --base-url URL --email ADDRESS --verify token|hmac [--allow-loopback]
           with GORGIAS_API_KEY and GORGIAS_WEBHOOK_SECRET in the environment, and during a change of secrets
           GORGIAS_WEBHOOK_SECRET_OLD as well
       api openapi             print the OpenAPI document
       api settings            print the settings, their defaults and meanings
All but the last two use DATABASE_URL; connect-gorgias also DESK_MASTER_KEY.";

/// A command with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Make a tenant.
    CreateTenant {
        /// Unique short name.
        slug: String,
        /// Name for people.
        name: String,
        /// IANA zone name.
        timezone: String,
    },
    /// Make an API key and print it.
    CreateKey {
        /// Slug of the tenant.
        tenant: String,
        /// Name for people.
        name: Option<String>,
        /// What the key may do.
        scopes: Vec<Scope>,
        /// When it stops working, in days from now.
        expires_days: Option<u32>,
    },
    /// Print a tenant's keys.
    ListKeys {
        /// Slug of the tenant.
        tenant: String,
    },
    /// End a key.
    RevokeKey {
        /// First part of its text, with or without `dsk_`.
        prefix: String,
    },
    /// Store how to reach a tenant's help desk.
    ConnectGorgias {
        /// Slug of the tenant.
        tenant: String,
        /// Base address of the API.
        base_url: String,
        /// The API user.
        email: String,
        /// How deliveries are verified.
        mode: Mode,
        /// Accept an address of this machine, for development.
        allow_loopback: bool,
    },
    /// Print the OpenAPI document.
    OpenApi,
    /// Print the settings.
    Settings,
    /// Print the usage.
    Help,
}

/// Why the arguments are no command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// The first word is no command.
    #[error("there is no command {0:?}; see: api help")]
    UnknownCommand(String),
    /// An option that the command does not have, or a word that is no option.
    #[error("{command} takes no {word:?}; see: api help")]
    UnknownOption {
        /// The command.
        command: String,
        /// The word.
        word: String,
    },
    /// An option without its value.
    #[error("--{0} needs a value after it")]
    NoValue(String),
    /// An option that is needed.
    #[error("{command} needs --{option}; see: api help")]
    Missing {
        /// The command.
        command: String,
        /// The option.
        option: &'static str,
    },
    /// A value that cannot be.
    #[error("--{option}: {problem}")]
    BadValue {
        /// The option.
        option: &'static str,
        /// What it should be.
        problem: String,
    },
}

/// Reads the arguments after the program's name. The first one is the command.
pub fn parse(arguments: &[String]) -> Result<Command, UsageError> {
    let (command, rest) = match arguments {
        [command, rest @ ..] => (command.as_str(), rest),
        [] => return Ok(Command::Help),
    };
    let mut options = Options::read(command, rest)?;
    let parsed = match command {
        "create-tenant" => Command::CreateTenant {
            slug: options.required("slug")?,
            name: options.required("name")?,
            timezone: options.take("timezone").unwrap_or_else(|| "UTC".to_owned()),
        },
        "create-key" => Command::CreateKey {
            tenant: options.required("tenant")?,
            name: options.take("name"),
            scopes: scopes(&options.required("scopes")?)?,
            expires_days: options.take("expires-days").map(|text| days(&text)).transpose()?,
        },
        "list-keys" => Command::ListKeys { tenant: options.required("tenant")? },
        "revoke-key" => Command::RevokeKey { prefix: options.required("prefix")? },
        "connect-gorgias" => Command::ConnectGorgias {
            tenant: options.required("tenant")?,
            base_url: options.required("base-url")?,
            email: options.required("email")?,
            mode: mode(&options.required("verify")?)?,
            allow_loopback: options.take("allow-loopback").is_some(),
        },
        "openapi" => Command::OpenApi,
        "settings" | "--settings" => Command::Settings,
        "help" | "--help" | "-h" => Command::Help,
        other => return Err(UsageError::UnknownCommand(other.to_owned())),
    };
    options.finish()?;
    Ok(parsed)
}

/// Options that stand alone.
const FLAGS: [&str; 1] = ["allow-loopback"];

struct Options {
    command: String,
    values: BTreeMap<String, String>,
}

impl Options {
    fn read(command: &str, words: &[String]) -> Result<Options, UsageError> {
        let mut values = BTreeMap::new();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let unknown = || UsageError::UnknownOption { command: command.to_owned(), word: word.clone() };
            let option = word.strip_prefix("--").filter(|option| !option.is_empty()).ok_or_else(unknown)?;
            let (option, value) = match option.split_once('=') {
                Some((option, value)) => (option, value.to_owned()),
                None if FLAGS.contains(&option) => (option, String::new()),
                None => {
                    let value = words.next().ok_or_else(|| UsageError::NoValue(option.to_owned()))?;
                    (option, value.clone())
                }
            };
            values.insert(option.to_owned(), value);
        }
        Ok(Options { command: command.to_owned(), values })
    }

    fn take(&mut self, option: &str) -> Option<String> {
        self.values.remove(option)
    }

    fn required(&mut self, option: &'static str) -> Result<String, UsageError> {
        self.take(option).ok_or_else(|| UsageError::Missing { command: self.command.clone(), option })
    }

    /// What nobody took is unknown.
    fn finish(self) -> Result<(), UsageError> {
        match self.values.into_keys().next() {
            None => Ok(()),
            Some(option) => {
                Err(UsageError::UnknownOption { command: self.command, word: format!("--{option}") })
            }
        }
    }
}

fn scopes(text: &str) -> Result<Vec<Scope>, UsageError> {
    text.split(',')
        .map(|name| name.trim().parse::<Scope>())
        .collect::<Result<_, _>>()
        .map_err(|error| UsageError::BadValue { option: "scopes", problem: error.to_string() })
}

fn days(text: &str) -> Result<u32, UsageError> {
    text.parse().ok().filter(|days| (1..=3_650).contains(days)).ok_or_else(|| UsageError::BadValue {
        option: "expires-days",
        problem: "must be a number of days from 1 to 3650".to_owned(),
    })
}

fn mode(text: &str) -> Result<Mode, UsageError> {
    match text {
        "token" => Ok(Mode::Token),
        "hmac" => Ok(Mode::Hmac),
        _ => Err(UsageError::BadValue {
            option: "verify",
            problem: "must be token (a shared secret in X-Webhook-Token) or hmac (X-Gorgias-Signature)"
                .to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, UsageError> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn commands_are_read() {
        assert_eq!(
            parsed("create-key --tenant demo --scopes jobs:read,operator --expires-days=30"),
            Ok(Command::CreateKey {
                tenant: "demo".to_owned(),
                name: None,
                scopes: vec![Scope::JobsRead, Scope::Operator],
                expires_days: Some(30),
            })
        );
        assert_eq!(
            parsed("connect-gorgias --tenant t --base-url u --email e@x --allow-loopback --verify hmac"),
            Ok(Command::ConnectGorgias {
                tenant: "t".to_owned(),
                base_url: "u".to_owned(),
                email: "e@x".to_owned(),
                mode: Mode::Hmac,
                allow_loopback: true,
            })
        );
    }

    #[test]
    fn errors_are_one_line_that_names_the_fault() {
        for (line, named) in [
            ("fly", "fly"),
            ("create-key --tenant demo", "--scopes"),
            ("create-key --tenant demo --scopes fly", "fly"),
            ("create-key --tenant demo --scopes operator --colour red", "--colour"),
            ("create-key --tenant", "--tenant"),
            ("create-key demo", "demo"),
            ("create-key --tenant demo --scopes operator --expires-days 0", "3650"),
            ("connect-gorgias --tenant t --base-url u --email e --verify none", "token"),
        ] {
            let error = parsed(line).expect_err(line).to_string();
            assert!(error.contains(named) && !error.contains('\n'), "{line}: {error}");
        }
    }
}
