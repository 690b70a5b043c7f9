//! The table of the settings: what operators read, and the README lists.

use boot::Setting;

/// Every setting of the process's own.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "DATABASE_URL",
        default: None,
        meaning: "Postgres, under the login role of this process: `postgres://desk_api@host:5432/desk`",
        secret: true,
    },
    Setting {
        name: "REDIS_URL",
        default: None,
        meaning: "Redis: `redis://host:6379/0`, `rediss://` with TLS, `redis+sentinel://` or `redis+cluster://`",
        secret: true,
    },
    Setting {
        name: "DESK_REDIS_PREFIX",
        default: Some("deskwork"),
        meaning: "what the names of all keys in Redis begin with; the same for every process of a cluster",
        secret: false,
    },
    Setting {
        name: "DESK_MASTER_KEY",
        default: None,
        meaning: "the key that stored secrets are sealed under: 32 bytes in base64",
        secret: true,
    },
    Setting {
        name: "DESK_BIND",
        default: Some("127.0.0.1:8080"),
        meaning: "the address and port to listen on",
        secret: false,
    },
    Setting {
        name: "DESK_DATABASE_CONNECTIONS",
        default: Some("16"),
        meaning: "how many connections to Postgres the process opens at most",
        secret: false,
    },
    Setting {
        name: "DESK_IMPORT_DIR",
        default: Some("./.local/imports"),
        meaning: "the folder of files to import, shared with the workers",
        secret: false,
    },
    Setting {
        name: "DESK_IMPORT_MAX_BYTES",
        default: Some("1073741824"),
        meaning: "the largest upload, in bytes",
        secret: false,
    },
    Setting {
        name: "DESK_FILES_DIR",
        default: Some("./.local/files"),
        meaning: "the folder of files that come with messages, shared by all processes of this kind; with a store that speaks S3 it holds only what is arriving",
        secret: false,
    },
    Setting {
        name: "DESK_ATTACHMENT_MAX_BYTES",
        default: Some("26214400"),
        meaning: "the largest file that comes with a message, in bytes",
        secret: false,
    },
    Setting {
        name: "DESK_MAIL_MAX_BYTES",
        default: Some("26214400"),
        meaning: "the longest mail that may be handed in, in bytes",
        secret: false,
    },
    Setting {
        name: "DESK_FILES_S3_ENDPOINT",
        default: Some(""),
        meaning: "a store that speaks S3, for files instead of the folder: `https://s3.eu-central-1.amazonaws.com`",
        secret: false,
    },
    Setting {
        name: "DESK_FILES_S3_REGION",
        default: Some("us-east-1"),
        meaning: "its region",
        secret: false,
    },
    Setting {
        name: "DESK_FILES_S3_BUCKET",
        default: Some(""),
        meaning: "its bucket; needed with an endpoint",
        secret: false,
    },
    Setting {
        name: "DESK_FILES_S3_ACCESS_KEY",
        default: Some(""),
        meaning: "the public part of its key; needed with an endpoint",
        secret: false,
    },
    Setting {
        name: "DESK_FILES_S3_SECRET_KEY",
        default: Some(""),
        meaning: "the secret part of its key; needed with an endpoint",
        secret: true,
    },
    Setting {
        name: "DESK_RATE_GENERAL_PER_MINUTE",
        default: Some("6000"),
        meaning: "requests that a key may make in a minute",
        secret: false,
    },
    Setting {
        name: "DESK_RATE_WEBHOOKS_PER_MINUTE",
        default: Some("60000"),
        meaning: "webhook deliveries that a key may make in a minute",
        secret: false,
    },
    Setting {
        name: "DESK_RATE_AI_PER_MINUTE",
        default: Some("300"),
        meaning: "requests for drafts that a key may make in a minute",
        secret: false,
    },
    Setting {
        name: "DESK_RATE_SEGMENTS_PER_MINUTE",
        default: Some("120"),
        meaning: "previews and evaluations of segments that a key may ask for in a minute",
        secret: false,
    },
    Setting {
        name: "DESK_SCANS_AT_ONCE",
        default: Some("4"),
        meaning: "reads that scan (previews of segments, analytics, lists of customers) which run at once; less than DESK_DATABASE_CONNECTIONS",
        secret: false,
    },
    Setting {
        name: "DESK_MAX_CONNECTIONS",
        default: Some("4096"),
        meaning: "connections of clients held at once; more wait until one ends",
        secret: false,
    },
    Setting {
        name: "DESK_HEAD_TIMEOUT_SECS",
        default: Some("65"),
        meaning: "how long a client may take to send the head of a request, and how long a connection may sit idle; longer than a balancer keeps its idle connections",
        secret: false,
    },
    Setting {
        name: "DESK_BODY_TIMEOUT_SECS",
        default: Some("30"),
        meaning: "how long the body of a request may send nothing",
        secret: false,
    },
    Setting {
        name: "DESK_REQUEST_TIMEOUT_SECS",
        default: Some("120"),
        meaning: "how long a request may take until its answer begins; more than the 60 s that ?wait= may ask for",
        secret: false,
    },
    Setting {
        name: "DESK_UPLOAD_TIMEOUT_SECS",
        default: Some("3600"),
        meaning: "the same for an upload of orders",
        secret: false,
    },
    Setting {
        name: "DESK_PUBLIC_URL",
        default: Some(""),
        meaning: "where people reach this installation, e.g. https://desk.example.com: links to choose a password and the return from another system's sign-in are made of it",
        secret: false,
    },
    Setting {
        name: "DESK_SLACK_CLIENT_ID",
        default: Some(""),
        meaning: "the Slack app of this installation; without it nothing is connected to Slack",
        secret: false,
    },
    Setting {
        name: "DESK_SLACK_CLIENT_SECRET",
        default: Some(""),
        meaning: "its secret; needed with DESK_SLACK_CLIENT_ID",
        secret: true,
    },
    Setting {
        name: "DESK_SLACK_SIGNING_SECRET",
        default: Some(""),
        meaning: "what Slack signs its requests with; needed with DESK_SLACK_CLIENT_ID",
        secret: true,
    },
    Setting {
        name: "DESK_SLACK_URL",
        default: Some("https://slack.com/api"),
        meaning: "base URL of Slack's Web API",
        secret: false,
    },
    Setting {
        name: "DESK_CORS_ORIGINS",
        default: Some(""),
        meaning: "origins of other web applications that may call with a person's cookie, separated by commas, e.g. https://desk.example.com; none by default",
        secret: false,
    },
    Setting {
        name: "DESK_MCP_HOSTS",
        default: Some(""),
        meaning: "names under which clients of the Model Context Protocol may reach /mcp, besides this machine and DESK_PUBLIC_URL, separated by commas, e.g. desk.example.com",
        secret: false,
    },
    Setting {
        name: "DESK_ALLOW_LOOPBACK",
        default: Some("false"),
        meaning: "whether tenants' systems may be on this machine, for development",
        secret: false,
    },
    Setting {
        name: "DESK_RATE_SIGN_INS_PER_MINUTE",
        default: Some("120"),
        meaning: "tries to sign in, and requests for and uses of links, that one network address may make in a minute; one account may be tried a twelfth of it",
        secret: false,
    },
    Setting {
        name: "SHOPIFY_CLIENT_ID",
        default: Some(""),
        meaning: "the app's public name at Shopify; without it no shop is connected",
        secret: false,
    },
    Setting {
        name: "SHOPIFY_CLIENT_SECRET",
        default: Some(""),
        meaning: "the app's secret, which signs webhooks and installs; needed with its name",
        secret: true,
    },
    Setting {
        name: "SHOPIFY_CLIENT_SECRET_BEFORE",
        default: Some(""),
        meaning: "the secret that is being replaced, which Shopify signs with for up to an hour more",
        secret: true,
    },
    Setting {
        name: "SHOPIFY_SCOPES",
        default: Some("read_all_orders,read_orders,read_customers,read_products"),
        meaning: "what a shop's owner is asked to agree to, separated by commas",
        secret: false,
    },
    Setting {
        name: "SHOPIFY_API_VERSION",
        default: Some("2026-07"),
        meaning: "version of Shopify's Admin API",
        secret: false,
    },
    Setting {
        name: "SHOPIFY_BASE_URL",
        default: Some(""),
        meaning: "where every shop is called instead of at its own domain, for tests: BASE/SHOP",
        secret: false,
    },
];

#[cfg(test)]
mod tests {
    use boot::env;

    use super::*;

    #[test]
    fn the_readme_lists_them() {
        let readme = include_str!("../../../README.md");
        assert!(readme.contains(&env::table(SETTINGS)), "take it from: target/debug/api --settings");
    }
}
