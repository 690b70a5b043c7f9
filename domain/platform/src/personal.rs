//! What schema `platform` holds of customers. What statistics count stays, under a token that names nobody: orders and
//! their money, what the current run says, changes, snapshots. The rest goes.

use chrono::Utc;
use database::ids::TenantId;
use database::personal::{self, How, Person, Reached, Store};
use database::{DbError, Tx};

use crate::identities::erased::{self, ErasureKey};
use crate::identities::normal;
use crate::orders::state::{LANES, take_lane};

/// Rows of the customer themselves; those of whoever was merged into them come second and go.
const MAIN: &str = "t.customer_id = ($2::text[])[1]";
const MERGED: &str = "t.customer_id = any(($2::text[])[2:])";
/// The same where keys begin with the generation of a run.
const MAIN_OF_RUNS: &str = "t.generation = any(array(select r.generation from platform.intelligence_run r)) \
    and t.customer_id = ($2::text[])[1]";
const MERGED_OF_RUNS: &str = "t.generation = any(array(select r.generation from platform.intelligence_run r)) \
    and t.customer_id = any(($2::text[])[2:])";
const RENAMED: How = How::Set(&[("customer_id", "$5")]);
/// What a shop told of them and nobody applied yet. What it asks for by law is done first.
const TOLD: &str = "t.body is not null and t.topic not in ('customers/data_request', 'customers/redact', 'shop/redact') \
    and (lower(t.body::text) like any($4) or t.body #>> '{customer,id}' = any($2) \
        or t.topic like 'customers/%' and t.body ->> 'id' = any($2) \
        or substring(t.body ->> 'admin_graphql_api_customer_kept_id' from '[^/]+$') = any($2) \
        or substring(t.body ->> 'admin_graphql_api_customer_deleted_id' from '[^/]+$') = any($2))";

/// Every table of the schema, in the order in which it is erased.
pub static STORES: &[Store] = &[
    // What is known of them is the same under another name; whoever was merged into them is only a name.
    Store::delete("platform.customer_fact", MERGED_OF_RUNS),
    Store {
        table: "platform.customer_fact",
        rows: MAIN_OF_RUNS,
        how: RENAMED,
        plain: &["shipping_country", "shipping_state"],
        exported: true,
    },
    Store::delete("platform.customer_insight", MERGED_OF_RUNS),
    Store {
        table: "platform.customer_insight",
        rows: MAIN_OF_RUNS,
        how: RENAMED,
        plain: &["confidence", "who", "features", "memberships", "churn_reasons", "places"],
        exported: true,
    },
    Store::delete("platform.customer_change", MERGED),
    Store { table: "platform.customer_change", rows: MAIN, how: RENAMED, plain: &[], exported: true },
    Store::delete("platform.customer_profile", MERGED),
    Store {
        table: "platform.customer_profile",
        rows: MAIN,
        how: RENAMED,
        plain: &["currency"],
        exported: true,
    },
    Store {
        table: "platform.profile_snapshot",
        rows: "false",
        how: How::ByHand(&["first_customer", "last_customer", "customers"]),
        plain: &["grain", "memberships"],
        exported: false,
    },
    Store::delete("platform.fact_change", "t.customer_id = any($2)"),
    Store::delete("platform.stale_profile", "t.customer_id = any($2)"),
    Store::delete("platform.customer_identity", "t.customer_id = any($2)").export(),
    Store::delete("platform.customer_merge", "t.kept = any($2) or t.merged = any($2)").export(),
    Store {
        table: "platform.order",
        rows: "t.customer_id = any($2) or t.stated_customer = any($2)",
        how: How::Set(&[
            ("customer_id", "case when t.customer_id = any($2) then $5 else t.customer_id end"),
            ("stated_customer", "null"),
        ]),
        plain: &["order_id", "payment", "currency", "source"],
        exported: true,
    },
    Store {
        table: "platform.order_line",
        rows: "t.customer_id = any($2)",
        how: RENAMED,
        plain: &["order_id", "product_id", "category", "currency", "line_id", "title"],
        exported: true,
    },
    Store {
        table: "platform.order_prior",
        rows: "t.header ->> 'customer_id' = any($2) or t.header ->> 'stated_customer' = any($2)",
        how: How::Set(&[
            ("header", "t.header || jsonb_build_object('customer_id', $5::text, 'stated_customer', null)"),
            (
                "lines",
                "(select coalesce(jsonb_agg(case when l ->> 'customer_id' = any($2) \
                  then l || jsonb_build_object('customer_id', $5::text) else l end order by n), '[]') \
                  from jsonb_array_elements(t.lines) with ordinality as x (l, n))",
            ),
        ]),
        plain: &["order_id"],
        exported: true,
    },
    Store::delete("platform.customer", MERGED).export(),
    Store {
        table: "platform.customer",
        rows: MAIN,
        how: How::Set(&[
            ("customer_id", "$5"),
            ("email", "null"),
            ("name", "null"),
            ("phone", "null"),
            ("tags", "'{}'::text[]"),
            ("marketing_opt_in", "false"),
            ("merged_into", "null"),
        ]),
        // Statistics count countries and states.
        plain: &["shipping_country", "shipping_state"],
        exported: true,
    },
    Store {
        table: "platform.import_reject",
        rows: "false",
        how: How::ByHand(&["raw", "reason"]),
        plain: &[],
        exported: false,
    },
    Store {
        table: "platform.import_note",
        rows: "false",
        how: How::ByHand(&["raw", "message"]),
        plain: &["kind", "reason", "column_name"],
        exported: false,
    },
    Store {
        table: "platform.intelligence_shard",
        rows: "false",
        how: How::ByHand(&["lower", "upper"]),
        plain: &["summary"],
        exported: false,
    },
    Store {
        table: "platform.shop_event",
        rows: TOLD,
        how: How::Set(&[
            ("body", "null"),
            ("state", "'ignored'"),
            ("reason", "'what it is about was erased'"),
            ("applied_at", "coalesce(t.applied_at, now())"),
        ]),
        plain: &["source", "topic", "event_id"],
        exported: true,
    },
    Store {
        table: "platform.shop_privacy_request",
        rows: "t.customer_id = any($2) or lower(t.email) = any($3)",
        how: How::Set(&[
            ("customer_id", "case when t.customer_id is not null then $5::text end"),
            ("email", "null"),
        ]),
        plain: &["source", "topic", "event_id", "orders", "state"],
        exported: true,
    },
    Store::delete(
        "platform.shop_ref",
        "t.kind = 'customer' and (t.external_id = any($2) or t.internal_id = any($2))",
    ),
    Store::nobody("platform.shop_refusal", "ids of orders and tokens, with reasons of a fixed list"),
    Store::nobody("platform.erased_identity", "codes that nobody can read, and tokens"),
    Store::nobody("platform.shop_product", "products"),
    Store::nobody("platform.shop_health", "connections of the shop"),
    Store::nobody("platform.shop_sync", "places in lists of the shop's, and counts"),
    Store::nobody("platform.shop_synced", "times"),
    Store::nobody("platform.order_source", "addresses of the shop's own systems"),
    Store::nobody("platform.archetype_name", "names of groups"),
    Store::nobody("platform.import_run", "names of files, counts and a currency"),
    Store::nobody("platform.order_confirmed", "ids of orders, and codes that nobody can read"),
    Store::nobody("platform.import_mapping", "columns of the shop's files"),
    Store::nobody("platform.revenue_rule", "a setting"),
    Store::nobody("platform.segmentation", "centres and names of groups"),
    Store::nobody("platform.model", "what was learnt of all customers; trees and numbers, no rows"),
    Store::nobody("platform.intelligence_run", "sums over all customers"),
    Store::nobody("platform.current_run", "a pointer"),
    Store::nobody("platform.drift_report", "sums over all customers"),
    Store::nobody("platform.forecast", "sums over all customers"),
];

/// What was found of whoever is asked for.
#[derive(Debug)]
pub enum Known {
    /// The shop knows nobody of that name; there may be tickets all the same, or orders that name somebody of whom there is
    /// no row.
    Nobody,
    /// One person.
    One(Box<Person>),
    /// Several customers share the address: they are to be told apart by the shop's ids.
    Several(Vec<String>),
}

/// Everything that the shop knows the customer by (platform or support role): who was merged into them, and what they are
/// reached by. Addresses that another customer has as well are left out, for what is found by them may be the other's.
///
/// # Errors
/// The database failed.
pub async fn find(tx: &mut Tx, customer_id: Option<&str>, email: Option<&str>) -> Result<Known, DbError> {
    let address = email.map(|email| normal::email(email).unwrap_or_else(|| email.trim().to_lowercase()));
    let mut main: Vec<String> = match customer_id {
        Some(id) => {
            sqlx::query_scalar(
                "select coalesce(merged_into, customer_id) from platform.customer where customer_id = $1",
            )
            .bind(id)
            .fetch_all(&mut **tx)
            .await?
        }
        None => {
            sqlx::query_scalar(include_str!("find_by_email.sql")).bind(&address).fetch_all(&mut **tx).await?
        }
    };
    if main.len() > 1 {
        return Ok(Known::Several(main));
    }
    let is_row = !main.is_empty();
    if !is_row {
        let Some(id) = customer_id else { return Ok(Known::Nobody) };
        main.push(id.to_owned());
    }
    let row: Words =
        sqlx::query_as(include_str!("personal_words.sql")).bind(&main[0]).fetch_one(&mut **tx).await?;
    if !is_row && row.is_empty() {
        return Ok(Known::Nobody);
    }
    let mut person = Person { customers: main, ..Person::default() };
    for id in &row.merged {
        Person::learn(&mut person.customers, id);
    }
    for word in &row.emails {
        Person::learn(&mut person.emails, &word.to_lowercase());
    }
    for (list, words) in [
        (&mut person.phones, &row.phones),
        (&mut person.desk_ids, &row.desk_ids),
        (&mut person.names, &row.names),
    ] {
        words.iter().for_each(|word| Person::learn(list, word));
    }
    Ok(Known::One(Box::new(person)))
}

#[derive(sqlx::FromRow)]
struct Words {
    merged: Vec<String>,
    emails: Vec<String>,
    phones: Vec<String>,
    desk_ids: Vec<String>,
    names: Vec<String>,
}

impl Words {
    fn is_empty(&self) -> bool {
        [&self.merged, &self.emails, &self.phones, &self.desk_ids, &self.names]
            .iter()
            .all(|words| words.is_empty())
    }
}

/// Which of these addresses another customer has as well (platform or support role).
///
/// # Errors
/// The database failed.
pub async fn shared_with_others(
    tx: &mut Tx,
    emails: &[String],
    customers: &[String],
) -> Result<Vec<String>, DbError> {
    Ok(sqlx::query_scalar(
        "select distinct i.value from platform.customer_identity i
         where i.tenant_id = (select shared.current_tenant()) and i.kind in ('email', 'shop') and i.value = any($1)
           and i.customer_id <> all($2)
         union
         select c.address from platform.customers_by_address($1) c where c.customer_id <> all($2)",
    )
    .bind(emails)
    .bind(customers)
    .fetch_all(&mut **tx)
    .await?)
}

/// Why a person cannot be erased now.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The run that is under way is cut at their id.
    #[error(
        "the run of customer intelligence that is under way is cut at this customer; it goes on after the run"
    )]
    RunUnderWay,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for EraseError {
    fn from(error: sqlx::Error) -> EraseError {
        EraseError::Db(error.into())
    }
}

/// Erases a person in this schema (platform role), while nobody stores orders, and keeps what tells when they are named
/// again; without a key nothing is kept, for names that nobody had.
///
/// # Errors
/// Why not now.
pub async fn erase(
    tx: &mut Tx,
    tenant: TenantId,
    person: &Person,
    key: Option<&ErasureKey>,
    reached: &mut Reached,
) -> Result<(), EraseError> {
    for lane in 0..LANES {
        take_lane(tx, tenant, lane).await?;
    }
    let is_cut_here: bool = sqlx::query_scalar(
        "select exists (select from platform.intelligence_run r join platform.intelligence_shard s on s.run_id = r.id
             where r.state in ('preparing', 'scoring') and (s.lower = any($1) or s.upper = any($1)))",
    )
    .bind(&person.customers)
    .fetch_one(&mut **tx)
    .await?;
    if is_cut_here {
        return Err(EraseError::RunUnderWay);
    }
    let before = reached.get("platform.customer_fact").copied();
    personal::erase(tx, STORES, person, reached).await?;
    if reached.get("platform.customer_fact").copied() != before {
        // Whoever keeps counts or an index of the facts makes them anew.
        sqlx::query("update platform.current_run set facts_version = facts_version + 1, changed_at = now()")
            .execute(&mut **tx)
            .await?;
    }
    if let Some(key) = key {
        erased::keep(tx, tenant, key, person, Utc::now()).await?;
    }
    by_hand(tx, person, reached).await
}

async fn by_hand(tx: &mut Tx, person: &Person, reached: &mut Reached) -> Result<(), EraseError> {
    const SHARDS: &str = "update platform.intelligence_shard s set
             lower = case when lower = any($1) then $2 else lower end,
             upper = case when upper = any($1) then $2 else upper end
         where lower = any($1) or upper = any($1)";
    let shards = sqlx::query(SHARDS).bind(&person.customers).bind(&person.token).execute(&mut **tx).await?;
    personal::add(reached, "platform.intelligence_shard", shards.rows_affected());
    let packed = sqlx::query(include_str!("personal_snapshots.sql"))
        .bind(&person.customers)
        .bind(&person.token)
        .execute(&mut **tx)
        .await?;
    personal::add(reached, "platform.profile_snapshot", packed.rows_affected());
    // A row of a file tells of the person when it has one of their words, or an id of theirs between separators.
    let ids: Vec<String> = person.customers.iter().map(|id| escaped(id)).collect();
    let between = (!ids.is_empty()).then(|| format!("(^|[,;|\\t\"' ])({})($|[,;|\\t\"' ])", ids.join("|")));
    for (table, columns) in [
        ("platform.import_reject", "raw = '[erased]', reason = '[erased]'"),
        ("platform.import_note", "raw = '[erased]', message = '[erased]'"),
    ] {
        let statement = format!(
            "update {table} t set {columns} where tenant_id = (select shared.current_tenant())
             and (lower(t.raw) like any($1) or t.raw ~ $2)"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(person.patterns())
            .bind(&between)
            .execute(&mut **tx)
            .await?;
        personal::add(reached, table, rows.rows_affected());
    }
    Ok(())
}

/// A text for a regular expression that finds nothing but it.
fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| (!c.is_alphanumeric()).then_some('\\').into_iter().chain([c])).collect()
}
