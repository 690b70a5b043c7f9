//! What an operator may ask of the `api` program at a shell.
//!
//! Secrets are never arguments, because every user of the machine can read those.

use accounts::api_keys::Scope;
use accounts::people::permissions::Role;
use accounts::verify::Mode;
use clap::{Parser, Subcommand};

use super::preview::PreviewArguments;

/// The program's arguments.
#[derive(Debug, Parser)]
#[command(
    name = "api",
    version,
    about = "Serves the API of Deskwork; with a command it does that instead.",
    after_help = "Everything but import, openapi, permissions and settings uses DATABASE_URL; create-agent and connect-gorgias also DESK_MASTER_KEY."
)]
pub struct Arguments {
    /// Print the settings, their defaults and meanings
    #[arg(long)]
    pub settings: bool,
    /// Without one it serves.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// A command with its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Make a tenant
    CreateTenant {
        /// Unique short name
        #[arg(long)]
        slug: String,
        /// Name for people
        #[arg(long)]
        name: String,
        /// IANA name of the time zone
        #[arg(long, default_value = "UTC")]
        timezone: String,
    },
    /// Make an API key and print it
    CreateKey {
        /// Slug of the tenant
        #[arg(long)]
        tenant: String,
        /// Name for people
        #[arg(long)]
        name: Option<String>,
        /// What the key may do, separated by commas
        #[arg(long, required = true, value_delimiter = ',', value_parser = scope, value_name = "SCOPE,SCOPE")]
        scopes: Vec<Scope>,
        /// After how many days it stops working
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3_650))]
        expires_days: Option<u32>,
    },
    /// Add a person who may sign in, for example a tenant's first admin
    ///
    /// Prints the token of an invitation, by which the person chooses a password; or reads a password from standard
    /// input. Uses DESK_MASTER_KEY, and DESK_PUBLIC_URL for a whole link.
    CreateAgent {
        /// Slug of the tenant
        #[arg(long)]
        tenant: String,
        /// The person's address
        #[arg(long, value_name = "ADDRESS")]
        email: String,
        /// The person's name; the address when missing
        #[arg(long)]
        name: Option<String>,
        /// viewer, agent, senior_agent, team_lead, manager or admin
        #[arg(long, value_parser = role)]
        role: Role,
        /// Read the password from standard input, one line
        #[arg(long)]
        password_stdin: bool,
    },
    /// Print what each role may do, as docs/permissions.md
    Permissions,
    /// Print a tenant's keys
    ListKeys {
        /// Slug of the tenant
        #[arg(long)]
        tenant: String,
    },
    /// End a key
    RevokeKey {
        /// First part of its text, with or without `dsk_`
        #[arg(long)]
        prefix: String,
    },
    /// Store how to reach a tenant's help desk
    ///
    /// The secrets come from the environment: GORGIAS_API_KEY, GORGIAS_WEBHOOK_SECRET, and during a change of
    /// secrets GORGIAS_WEBHOOK_SECRET_OLD as well.
    ConnectGorgias {
        /// Slug of the tenant
        #[arg(long)]
        tenant: String,
        /// Base address of the API
        #[arg(long, value_name = "URL")]
        base_url: String,
        /// The API user
        #[arg(long, value_name = "ADDRESS")]
        email: String,
        /// How deliveries are verified: token (a shared secret in X-Webhook-Token) or hmac (X-Gorgias-Signature)
        #[arg(long, value_name = "token|hmac", value_parser = mode)]
        verify: Mode,
        /// Accept an address of this machine, for development
        #[arg(long)]
        allow_loopback: bool,
    },
    /// Store where a tenant's people may sign in besides (OpenID Connect)
    ///
    /// The client's secret comes from the environment: OIDC_CLIENT_SECRET.
    ConnectOidc {
        /// Slug of the tenant
        #[arg(long)]
        tenant: String,
        /// The issuer's address, exactly as it writes it into its tokens
        #[arg(long, value_name = "URL")]
        issuer: String,
        /// Who this installation is to it
        #[arg(long, value_name = "ID")]
        client_id: String,
        /// The role of people who are not known yet; without it they are refused
        #[arg(long, value_parser = role, value_name = "ROLE")]
        creates: Option<Role>,
        /// Accept an address of this machine, for development
        #[arg(long)]
        allow_loopback: bool,
    },
    /// Show what an import would make of a file, without storing anything
    Import(PreviewArguments),
    /// Print the OpenAPI document
    Openapi,
    /// Print the settings, their defaults and meanings
    Settings,
}

fn scope(text: &str) -> Result<Scope, String> {
    text.trim().parse().map_err(|error: accounts::api_keys::UnknownScope| error.to_string())
}

fn role(text: &str) -> Result<Role, String> {
    text.trim().parse().map_err(|error: accounts::people::permissions::UnknownRole| error.to_string())
}

fn mode(text: &str) -> Result<Mode, String> {
    match text {
        "token" => Ok(Mode::Token),
        "hmac" => Ok(Mode::Hmac),
        _ => {
            Err("must be token (a shared secret in X-Webhook-Token) or hmac (X-Gorgias-Signature)".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Option<Command>, clap::Error> {
        let words = std::iter::once("api").chain(line.split_whitespace());
        Arguments::try_parse_from(words).map(|arguments| arguments.command)
    }

    #[test]
    fn commands_are_read() {
        assert_eq!(
            parsed("create-key --tenant demo --scopes jobs:read,operator --expires-days=30").expect("read"),
            Some(Command::CreateKey {
                tenant: "demo".to_owned(),
                name: None,
                scopes: vec![Scope::JobsRead, Scope::Operator],
                expires_days: Some(30),
            })
        );
        assert_eq!(
            parsed("connect-gorgias --tenant t --base-url u --email e@x --allow-loopback --verify hmac")
                .expect("read"),
            Some(Command::ConnectGorgias {
                tenant: "t".to_owned(),
                base_url: "u".to_owned(),
                email: "e@x".to_owned(),
                verify: Mode::Hmac,
                allow_loopback: true,
            })
        );
        assert_eq!(parsed("").expect("read"), None);
    }

    #[test]
    fn errors_are_one_line_that_names_the_fault() {
        for (line, named) in [
            ("fly", "fly"),
            ("create-key --tenant demo", "--scopes"),
            ("create-key --tenant demo --scopes fly", "fly"),
            ("create-key --tenant demo --scopes operator --colour red", "--colour"),
            ("create-agent --tenant demo --email a@b --role king", "senior_agent"),
            ("create-agent --tenant demo --email a@b", "--role"),
            ("create-key --tenant", "--tenant"),
            ("create-key demo", "demo"),
            ("create-key --tenant demo --scopes operator --expires-days 0", "3650"),
            ("connect-gorgias --tenant t --base-url u --email e --verify none", "token"),
            ("import", "--preview"),
            ("import --preview f.csv --decimal dot", "point"),
            ("import --preview f.csv --separator ab", "semicolon"),
        ] {
            let error = boot::arguments::one_line(&parsed(line).expect_err(line));
            assert!(error.contains(named) && !error.contains('\n'), "{line}: {error}");
        }
    }
}
