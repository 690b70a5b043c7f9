//! What an import would do with orders that are stored already as something else than its file says, told before anything is
//! stored. It is judged as an import judges it.

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};

use super::{Age, Before, Group, Stated, Told, Verdict, grouped, in_known_currency, replaced, stored};
use crate::orders::joined::Joined;
use crate::orders::preview::{Preview, Reason};

/// So many numbers of orders are named.
const ORDERS_NAMED: usize = 3;

/// Orders of one fate, and the line of the first one that has a number.
#[derive(Default)]
struct Fate<'g> {
    orders: Vec<&'g str>,
    line: Option<u64>,
}

impl<'g> Fate<'g> {
    fn add(&mut self, group: &'g Group<'_>) {
        self.orders.push(&group.order_id);
        self.line = self.line.or(group.parts.first().map(|part| part.line).filter(|line| *line > 0));
    }

    fn told(self, reason: &'static str, what: &str) -> Option<Reason> {
        let named = self.orders.iter().take(ORDERS_NAMED).copied().collect::<Vec<_>>().join(", ");
        let more = if self.orders.len() > ORDERS_NAMED { ", ..." } else { "" };
        (!self.orders.is_empty()).then(|| Reason {
            reason,
            rows: self.orders.len() as u64,
            line: self.line,
            column: None,
            message: format!("orders {named}{more} {what}"),
        })
    }
}

/// Remarks on the orders of a preview that an import would leave as they are stored, or put back to what they were once
/// (support or platform role).
///
/// # Errors
/// The database failed.
pub async fn remarks(tx: &mut Tx, tenant: TenantId, preview: &Preview) -> Result<Vec<Reason>, DbError> {
    let told: Vec<Told<'_>> = preview
        .stated
        .iter()
        .map(|(line, statement)| Told { statement, line: *line, is_headed: false })
        .collect();
    // What stands there once more the preview has left out.
    let groups = grouped(&told, &Joined::default(), &mut Stated::default());
    let stored = stored(tx, tenant, &groups).await?;
    if stored.is_empty() {
        return Ok(Vec::new());
    }
    let known = in_known_currency(&groups, &stored);
    let groups = replaced(groups, &known);
    let is_ahead = is_ahead(tx, tenant, preview.newest_at).await?;
    let age = Age { taken_at: Utc::now(), is_current: false, is_ahead };
    let (mut old, mut behind, mut put_back) = (Fate::default(), Fate::default(), Fate::default());
    for group in &groups {
        let (Some(first), Some(content)) = (group.parts.first(), group.content()) else { continue };
        let Some(before) = stored.get(group.order_id.as_str()) else { continue };
        let before: &Before = before;
        match before.compared(first.statement, age, content) {
            Verdict::Older if before.was(content) => old.add(group),
            Verdict::Older => behind.add(group),
            Verdict::Newer if before.was(content) => put_back.add(group),
            _ => {}
        }
    }
    let why_old = match preview.is_beginning {
        false => {
            "stand here as they were before something else was imported, and no order of the file was placed later than all that were imported before, so it counts as an old file: an import leaves these orders as they are stored. If the file is right, export it again with a newer order, or with a column `updated_at`"
        }
        true => {
            "stand here as they were before something else was imported: an import puts them back if the rest of the file has an order that was placed later than all that were imported before, and else leaves them as they are stored"
        }
    };
    Ok([
        old.told("stored_later", why_old),
        behind.told(
            "stored_further",
            "are stored as they were later, paid, cancelled or given back: an import leaves them as they are stored",
        ),
        put_back.told(
            "put_back",
            "stand here as they were before something else was imported, and the file has orders that were placed later than all that were imported before, so it is a newer one: an import puts these orders back",
        ),
    ]
    .into_iter()
    .flatten()
    .collect())
}

/// Whether an import of a file whose last order was placed then would be ahead, as `import/begin.sql` says of one.
async fn is_ahead(tx: &mut Tx, tenant: TenantId, newest_at: Option<DateTime<Utc>>) -> Result<bool, DbError> {
    let is_ahead: Option<bool> = sqlx::query_scalar(
        "select $2 > coalesce(
             (select max(greatest(r.newest_at, r.known_until)) from platform.import_run r
              where r.tenant_id = $1 and r.state <> 'undone'),
             (select max(o.placed_at) from platform.order o where o.tenant_id = $1))",
    )
    .bind(tenant)
    .bind(newest_at)
    .fetch_one(&mut **tx)
    .await?;
    Ok(is_ahead.unwrap_or(false))
}
