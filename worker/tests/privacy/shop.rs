//! A tenant with two persons who are in every table, and the search for their words in all that there is.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;

use accounts::base_url::Loopback;
use accounts::integrations::{Gorgias, put_gorgias};
use chrono::Utc;
use database::ids::TenantId;
use database::{Db, Role};
use jobs::{JobKind, NewJob};
use migrations::testing::{TestDatabase, fresh_database};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use support::kinds::{EraseCustomer, ExportCustomer};
use support::privacy::requests::{self, Asked, Kind, NewRequest, Request};
use upstreams::files::{Files, Place};
use uuid::Uuid;
use worker::app::App;
use worker::handlers;
use worker::testing::{self, drain};

/// One who is in every table.
pub struct Person {
    pub customer: &'static str,
    merged: &'static str,
    name: &'static str,
    pub email: &'static str,
    shouted: &'static str,
    phone: &'static str,
    pub word: &'static str,
    number: &'static str,
}

pub const ZOE: Person = Person {
    customer: "zq-4711",
    merged: "zq-0815",
    name: "Zanzibara Quokka",
    email: "zanzibara@quokka.example",
    shouted: "Zanzibara@Quokka.example",
    phone: "+491709999111",
    word: "xylophonist",
    number: "71",
};

pub const BOB: Person = Person {
    customer: "bb-1234",
    merged: "bb-9876",
    name: "Bobward Neighbour",
    email: "bobward@neighbour.example",
    shouted: "bobward@neighbour.example",
    phone: "+491701111222",
    word: "trombonist",
    number: "42",
};

impl Person {
    /// Every word of theirs, in small letters.
    pub fn words(&self) -> Vec<String> {
        let name = self.name.to_lowercase();
        let mut words: Vec<String> = name.split(' ').map(str::to_owned).collect();
        words.extend([self.customer, self.merged, self.email, self.word].map(str::to_owned));
        words.push(self.phone.trim_start_matches('+').to_owned());
        words
    }

    fn sql(&self, text: &str, tenant: TenantId) -> String {
        [
            ("{T}", tenant.to_string().as_str()),
            ("{C}", self.customer),
            ("{M}", self.merged),
            ("{N}", self.name),
            ("{E}", self.email),
            ("{B}", self.shouted),
            ("{P}", self.phone),
            ("{W}", self.word),
            ("{S}", self.number),
        ]
        .iter()
        .fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}

pub struct Shop {
    pub database: TestDatabase,
    pub app: Arc<App>,
    pub tenant: TenantId,
    pub files: PathBuf,
}

impl Shop {
    /// With both persons in it.
    pub async fn open() -> Shop {
        Shop::open_with(|app| app).await
    }

    /// The same with other parts.
    pub async fn open_with(change: impl FnOnce(App) -> App) -> Shop {
        let shop = Shop::empty(change).await;
        let mut admin = shop.admin().await;
        let shared = include_str!("shared.sql").replace("{T}", &shop.tenant.to_string());
        sqlx::raw_sql(AssertSqlSafe(shared)).execute(&mut admin).await.expect("what they have in common");
        for person in [&ZOE, &BOB] {
            let rows = person.sql(include_str!("person.sql"), shop.tenant);
            sqlx::raw_sql(AssertSqlSafe(rows)).execute(&mut admin).await.expect("a person");
            shop.put_file(shop.id(person, "file").await, person.word.as_bytes()).await;
        }
        let together = include_str!("together.sql")
            .replace("{T}", &shop.tenant.to_string())
            .replace("{C1}", ZOE.customer)
            .replace("{C2}", BOB.customer)
            .replace("{W2}", BOB.word);
        sqlx::raw_sql(AssertSqlSafe(together)).execute(&mut admin).await.expect("what names both");
        shop
    }

    /// Without anybody.
    pub async fn empty(change: impl FnOnce(App) -> App) -> Shop {
        boot::install_tls();
        let database = fresh_database().await;
        let url = database.url_for("desk_worker");
        let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
        let files = database.folder().join("files");
        let app = App { files: Files::in_folder(files.clone()), ..testing::app(&url, &redis) };
        let app = Arc::new(change(app));
        let api = Db::connect(&database.url_for("desk_api"), 1).expect("the test database's URL");
        let mut tx = api.gateway_tx().await.expect("begins");
        let tenant = accounts::tenants::create(&mut tx, "shop", "Shop", "UTC").await.expect("a tenant").id;
        tx.commit().await.expect("commits");
        Shop { database, app, tenant, files }
    }

    /// Connects a help desk that is on this machine.
    pub async fn connect_help_desk(&self, base_url: &str) {
        let api = Db::connect(&self.database.url_for("desk_api"), 1).expect("the test database's URL");
        let mut tx = api.gateway_tx().await.expect("begins");
        let settings = Gorgias {
            base_url: base_url.to_owned(),
            email: "desk@shop.example".to_owned(),
            api_key: "secret".to_owned(),
            verification: None,
        };
        put_gorgias(&mut tx, &self.app.master_key, self.tenant, &settings, Loopback::Allowed)
            .await
            .expect("connected");
        tx.commit().await.expect("commits");
    }

    pub async fn admin(&self) -> PgConnection {
        PgConnection::connect(&self.database.admin_url).await.expect("the server answers")
    }

    /// The id of something of a person's, as `person.sql` makes it.
    pub async fn id(&self, person: &Person, what: &str) -> Uuid {
        let mut admin = self.admin().await;
        sqlx::query_scalar("select md5($1)::uuid")
            .bind(format!("{} {what}", person.customer))
            .fetch_one(&mut admin)
            .await
            .expect("an id")
    }

    pub async fn put_file(&self, id: Uuid, bytes: &[u8]) {
        let mut incoming = self.app.files.receive().await.expect("a file");
        incoming.write(bytes).await.expect("written");
        self.app.files.keep(incoming, Place { tenant: self.tenant.0, id }).await.expect("kept");
    }

    pub async fn sql(&self, statement: &str) -> u64 {
        let mut admin = self.admin().await;
        sqlx::query(AssertSqlSafe(statement.to_owned()))
            .execute(&mut admin)
            .await
            .expect("done")
            .rows_affected()
    }

    pub async fn number(&self, statement: &str) -> i64 {
        let mut admin = self.admin().await;
        sqlx::query_scalar(AssertSqlSafe(statement.to_owned())).fetch_one(&mut admin).await.expect("a number")
    }

    /// Takes a request in, as the route does.
    pub async fn asks(&self, kind: Kind, asked: Asked, in_help_desk: bool) -> Uuid {
        let id = Uuid::now_v7();
        let job = match kind {
            Kind::Export => NewJob::of(self.tenant, &ExportCustomer { request_id: id }),
            Kind::Erase => NewJob::of(self.tenant, &EraseCustomer { request_id: id }),
        }
        .expect("a small payload");
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("begins");
        let new = NewRequest { id, kind, asked: &asked, in_help_desk, by: "key:test", job_id: job.id() };
        requests::create(&mut tx, &self.app.master_key, self.tenant, &new, Utc::now()).await.expect("stored");
        let (_, announcement) = jobs::enqueue_one(&mut tx, job).await.expect("enqueued");
        tx.commit().await.expect("commits");
        self.app.dispatch.announce(announcement);
        id
    }

    pub async fn does<K: JobKind>(&self, payload: &K) {
        let mut conn = self.app.store.pool().acquire().await.expect("the ledger");
        let job = NewJob::of(self.tenant, payload).expect("a small payload");
        let (_, announcement) = jobs::enqueue_one(&mut conn, job).await.expect("the ledger takes it");
        drop(conn);
        self.app.dispatch.announce(announcement);
        self.drain().await;
    }

    pub async fn drain(&self) {
        let queues = ["bulk", "default", "reading", "profiles"];
        let url = self.database.url_for("desk_worker");
        drain(&self.app.store, &self.app.dispatch, handlers::all(&self.app), &url, &queues)
            .await
            .expect("drained");
    }

    pub async fn request(&self, id: Uuid) -> Request {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("begins");
        requests::get(&mut tx, id).await.expect("readable").expect("there")
    }

    /// Where any of the words is: in every column of every table that can hold one, in Redis, in the files. Tables come from
    /// the catalogue, so a new one is looked through as well.
    pub async fn found(&self, words: &[String]) -> BTreeMap<String, i64> {
        let mut admin = self.admin().await;
        let columns: Vec<(String, String, String)> = sqlx::query_as(
            "select format('%I.%I', n.nspname, c.relname), a.attname::text, t.typname::text
             from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
             join pg_type t on t.oid = a.atttypid
             where c.relkind in ('r', 'm') and a.attnum > 0 and not a.attisdropped
               and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg_toast%'
               and t.typname in ('text', 'varchar', 'bpchar', 'name', 'citext', 'json', 'jsonb', 'bytea', 'xml', 'tsvector',
                                 '_text', '_varchar', '_json', '_jsonb', '_bytea')",
        )
        .fetch_all(&mut admin)
        .await
        .expect("the catalogue is readable");
        assert!(columns.len() > 200, "the catalogue has {} columns of words", columns.len());
        let patterns: Vec<String> = words.iter().map(|word| format!("%{word}%")).collect();
        let mut found = BTreeMap::new();
        for (table, column, kind) in columns {
            let text = match kind.as_str() {
                "bytea" => format!("encode(\"{column}\", 'escape')"),
                _ => format!("\"{column}\"::text"),
            };
            let statement = format!("select count(*) from {table} where lower({text}) like any($1)");
            let rows: i64 = sqlx::query_scalar(AssertSqlSafe(statement))
                .bind(&patterns)
                .fetch_one(&mut admin)
                .await
                .unwrap_or_else(|error| panic!("{table}.{column}: {error}"));
            if rows > 0 {
                found.insert(format!("{table}.{column}"), rows);
            }
        }
        let redis = redis_contents(self.app.dispatch.prefix());
        for word in words.iter().filter(|word| redis.contains(word.as_str())) {
            found.insert(format!("redis: {word}"), 1);
        }
        for (path, text) in files_in(&self.files) {
            if words.iter().any(|word| text.contains(word.as_str())) {
                found.insert(format!("file: {}", path.display()), 1);
            }
        }
        found
    }
}

fn files_in(folder: &std::path::Path) -> Vec<(PathBuf, String)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries.map(|entry| entry.expect("an entry")) {
        if entry.path().is_dir() {
            files.extend(files_in(&entry.path()));
        } else {
            let bytes = std::fs::read(entry.path()).expect("readable");
            files.push((entry.path(), String::from_utf8_lossy(&bytes).to_lowercase()));
        }
    }
    files
}

/// Every key of this test in Redis with what it holds, as bytes that are read as text. What other tests have there is
/// theirs, and more than a server may be held up for.
fn redis_contents(prefix: &str) -> String {
    let url = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL");
    let address = url.trim_start_matches("redis://").split('/').next().expect("an address").to_owned();
    let address = address.rsplit('@').next().expect("an address").to_owned();
    let mut link = TcpStream::connect(address).expect("Redis answers");
    let script = "local all = {} for _, key in ipairs(redis.call('keys', ARGV[1])) do all[#all + 1] = key \
                  all[#all + 1] = redis.call('dump', key) or '' end return table.concat(all, ' ')";
    let keys = format!("*{prefix}*");
    let command = format!(
        "*4\r\n$4\r\nEVAL\r\n${}\r\n{script}\r\n$1\r\n0\r\n${}\r\n{keys}\r\n",
        script.len(),
        keys.len()
    );
    link.write_all(command.as_bytes()).expect("sent");
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n") {
        link.read_exact(&mut byte).expect("an answer");
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length: usize =
        head.trim().strip_prefix('$').and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{head}"));
    let mut body = vec![0; length];
    link.read_exact(&mut body).expect("an answer");
    String::from_utf8_lossy(&body).to_lowercase()
}
