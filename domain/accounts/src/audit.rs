//! The audit trail: who did what to what, written in the transaction that does it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;
use uuid::Uuid;

use database::ids::TenantId;
use database::{Db, DbError, Tx};

/// Something worth a line in the trail. No personal data: ids and counts only.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// The tenant concerned; none for what concerns the whole cluster (gateway role only).
    pub tenant: Option<TenantId>,
    /// Who: for example `key:0192...` or `scheduler`.
    pub actor: &'a str,
    /// What was done: for example `dead.retry`.
    pub action: &'a str,
    /// To what: for example `job:0192...`.
    pub subject: &'a str,
    /// Particulars, such as a filter and how many rows it matched.
    pub detail: serde_json::Value,
    /// The request's correlation id.
    pub correlation_id: Option<&'a str>,
}

/// Writes one line (any role but the queue's; see [`database::act_as`] to combine with queue statements).
pub async fn record(tx: &mut Tx, event: &Event<'_>) -> Result<(), DbError> {
    sqlx::query(
        "insert into shared.audit (id, tenant_id, actor, action, subject, detail, correlation_id)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(Uuid::now_v7())
    .bind(event.tenant)
    .bind(event.actor)
    .bind(event.action)
    .bind(event.subject)
    .bind(&event.detail)
    .bind(event.correlation_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Somebody looked at a customer's data. No personal data: ids and counts only.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The tenant.
    pub tenant: TenantId,
    /// Who.
    pub actor: String,
    /// What was looked at: for example `ticket.view`.
    pub action: &'static str,
    /// Which: for example `ticket:0192...`.
    pub subject: String,
    /// Particulars, such as the ids that a list showed.
    pub detail: serde_json::Value,
    /// The request's correlation id.
    pub correlation_id: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Writes who looked at what, in one statement.
///
/// # Errors
/// The database failed, and nothing was written.
pub async fn record_views(db: &Db, views: &[View]) -> Result<(), DbError> {
    if views.is_empty() {
        return Ok(());
    }
    let mut tx = db.gateway_tx().await?;
    sqlx::query(
        "insert into shared.audit (id, tenant_id, actor, action, subject, detail, correlation_id, at)
         select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::text[],
                              $8::timestamptz[])",
    )
    .bind(views.iter().map(|_| Uuid::now_v7()).collect::<Vec<_>>())
    .bind(views.iter().map(|view| view.tenant.0).collect::<Vec<_>>())
    .bind(views.iter().map(|view| view.actor.as_str()).collect::<Vec<_>>())
    .bind(views.iter().map(|view| view.action).collect::<Vec<_>>())
    .bind(views.iter().map(|view| view.subject.as_str()).collect::<Vec<_>>())
    .bind(views.iter().map(|view| sqlx::types::Json(&view.detail)).collect::<Vec<_>>())
    .bind(views.iter().map(|view| view.correlation_id.as_str()).collect::<Vec<_>>())
    .bind(views.iter().map(|view| view.at).collect::<Vec<_>>())
    .execute(&mut *tx)
    .await?;
    db.commit(tx).await
}

/// Which lines of the trail are asked for; what is missing restricts nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Who.
    pub actor: Option<String>,
    /// What was done.
    pub action: Option<String>,
    /// To what.
    pub subject: Option<String>,
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub to: Option<DateTime<Utc>>,
    /// Without those that tell who looked at what: each page of a list writes one.
    pub without_looks: bool,
}

/// Newest lines first that fit the filter, from before `(at, id)` of a former page's last line, at most `limit`; of one
/// tenant or of all (gateway role). Each filter has an index, so that it does not matter how long the trail is.
///
/// # Errors
/// The database failed.
pub async fn search(
    tx: &mut Tx,
    tenant: Option<TenantId>,
    filter: &Filter,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: u32,
) -> Result<Vec<Entry>, DbError> {
    let is_look = filter.action.as_deref().map(|action| action.ends_with(LOOK));
    if filter.without_looks && is_look == Some(true) {
        return Ok(Vec::new());
    }
    let lines = Lines { filter, without_looks: filter.without_looks && is_look.is_none(), before, limit };
    let mut query: sqlx::QueryBuilder<sqlx::Postgres> = sqlx::QueryBuilder::new("");
    let is_narrow = filter.actor.is_some() || filter.action.is_some() || filter.subject.is_some();
    match tenant {
        Some(tenant) => {
            query
                .push("select ")
                .push(COLUMNS)
                .push(" from shared.audit where tenant_id = ")
                .push_bind(tenant);
            lines.narrow(&mut query);
        }
        None if is_narrow => {
            // The indexes for these begin with the tenant: a step in one for each, and one for what concerns no tenant.
            query.push("select * from ((select found.* from shared.tenant t cross join lateral (select ");
            query.push(COLUMNS).push(" from shared.audit where tenant_id = t.id");
            lines.narrow(&mut query);
            query.push(") found) union all (select ").push(COLUMNS);
            query.push(" from shared.audit where tenant_id is null");
            lines.narrow(&mut query);
            query.push(")) every order by at desc, id desc limit ").push_bind(i64::from(limit));
        }
        None => {
            query.push("select ").push(COLUMNS).push(" from shared.audit where true");
            lines.narrow(&mut query);
        }
    }
    Ok(query.build_query_as().fetch_all(&mut **tx).await?)
}

/// How the actions of whoever looks at something end; the index `audit_acts_by_time` names it too.
const LOOK: &str = ".view";

const COLUMNS: &str = "id, tenant_id, actor, action, subject, detail, correlation_id, at";

/// Which lines a statement reads, in which order, and how many.
struct Lines<'a> {
    filter: &'a Filter,
    without_looks: bool,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: u32,
}

impl Lines<'_> {
    /// Goes on with a statement that has a condition already.
    fn narrow(&self, query: &mut sqlx::QueryBuilder<sqlx::Postgres>) {
        let filter = self.filter;
        for (column, value) in
            [("actor", &filter.actor), ("action", &filter.action), ("subject", &filter.subject)]
        {
            if let Some(value) = value {
                query.push(format!(" and {column} = ")).push_bind(value.clone());
            }
        }
        if self.without_looks {
            query.push(" and action not like '%.view'");
        }
        if let Some(from) = filter.from {
            query.push(" and at >= ").push_bind(from);
        }
        if let Some(to) = filter.to {
            query.push(" and at < ").push_bind(to);
        }
        if let Some((at, id)) = self.before {
            query.push(" and (at, id) < (").push_bind(at).push(", ").push_bind(id).push(")");
        }
        query.push(" order by at desc, id desc limit ").push_bind(i64::from(self.limit));
    }
}

/// A line of the trail.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct Entry {
    /// Identity, and with `at` the position in the list.
    pub id: Uuid,
    /// The tenant concerned, if one.
    #[sqlx(rename = "tenant_id")]
    pub tenant: Option<TenantId>,
    /// Who.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
    /// Particulars.
    pub detail: serde_json::Value,
    /// The request's correlation id.
    pub correlation_id: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}
