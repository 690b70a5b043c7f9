//! One batch of an import in one transaction: lines, rejects, profiles and the checkpoint commit together, so a
//! crash at any moment loses nothing and counts nothing twice.

use std::fmt::Write;

use uuid::Uuid;

use super::line::OrderLine;
use super::progress::Progress;
use database::ids::TenantId;
use database::{Db, DbError, Role};

/// So many characters of a rejected line are kept.
const RAW_LIMIT: usize = 500;

/// A rejected line.
pub(super) struct Reject {
    pub(super) line: u64,
    pub(super) reason: String,
    pub(super) raw: String,
}

impl Reject {
    pub(super) fn new(line: u64, reason: String, raw: &[u8]) -> Reject {
        let raw = &raw[..raw.len().min(RAW_LIMIT * 4)];
        let raw = String::from_utf8_lossy(raw).chars().filter(|c| *c != '\0').take(RAW_LIMIT).collect();
        Reject { line, reason, raw }
    }
}

/// Lines that were read and not yet committed.
#[derive(Default)]
pub(super) struct Batch {
    /// Valid lines in the text format of COPY.
    copy: String,
    pub(super) valid: u64,
    pub(super) rejects: Vec<Reject>,
    /// Rejects beyond the number that is kept.
    pub(super) rejects_not_kept: u64,
}

impl Batch {
    pub(super) fn lines(&self) -> u64 {
        self.valid + self.rejected()
    }

    pub(super) fn rejected(&self) -> u64 {
        self.rejects.len() as u64 + self.rejects_not_kept
    }

    pub(super) fn add(&mut self, key: Uuid, line: &OrderLine) {
        self.valid += 1;
        let out = &mut self.copy;
        let _ = write!(out, "{key}\t");
        copy_text(out, Some(&line.order_id));
        copy_text(out, Some(&line.customer_id));
        let _ = write!(out, "{}\t", line.ordered_at.format("%Y-%m-%d %H:%M:%S%.6f+00"));
        copy_text(out, line.product_id.as_deref());
        copy_text(out, line.category.as_deref());
        let _ = write!(out, "{}\t{}\t", line.quantity, line.amount);
        match line.list_amount {
            Some(amount) => {
                let _ = write!(out, "{amount}\t");
            }
            None => out.push_str("\\N\t"),
        }
        copy_text(out, Some(&line.currency));
        out.push_str(if line.is_return { "t\t" } else { "f\t" });
        copy_text(out, line.email.as_deref());
        copy_text(out, line.name.as_deref());
        out.pop();
        out.push('\n');
    }
}

/// A field and its separator. Fields have no control characters, so the backslash alone needs escaping.
fn copy_text(out: &mut String, text: Option<&str>) {
    match text {
        None => out.push_str("\\N"),
        Some(text) if text.contains('\\') => out.push_str(&text.replace('\\', "\\\\")),
        Some(text) => out.push_str(text),
    }
    out.push('\t');
}

/// Commits a batch and moves the import's checkpoint from `from` to `to`, whose counters `to` has except for the
/// number inserted, which is returned; none when somebody else goes on with the import or it was cancelled, and then
/// nothing was changed.
pub(super) async fn commit(
    db: &Db,
    tenant: TenantId,
    import: Uuid,
    batch: &Batch,
    from: &Progress,
    to: &Progress,
) -> Result<Option<u64>, DbError> {
    let mut tx = db.tenant_tx(Role::Platform, tenant).await?;
    // Two imports of a tenant at once would each derive profiles without the other's lines; they take turns.
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('import:' || $1::text, 0))")
        .bind(tenant)
        .execute(&mut *tx)
        .await?;
    let mut inserted = 0;
    if batch.valid > 0 {
        sqlx::query(
            "create temporary table import_batch (line_key uuid, order_id text, customer_id text,
             ordered_at timestamptz, product_id text, category text, quantity numeric, amount numeric,
             list_amount numeric, currency text, is_return boolean, email text, name text) on commit drop",
        )
        .execute(&mut *tx)
        .await?;
        let mut copy = tx.copy_in_raw("copy import_batch from stdin").await?;
        copy.send(batch.copy.as_bytes()).await?;
        copy.finish().await?;
        // The plans depend on a table that is new each time, so they are not kept.
        let (added, customers): (i64, Vec<String>) = sqlx::query_as(include_str!("apply_batch.sql"))
            .persistent(false)
            .bind(tenant)
            .fetch_one(&mut *tx)
            .await?;
        inserted = added.unsigned_abs();
        if !customers.is_empty() {
            sqlx::query(include_str!("refresh_profiles.sql"))
                .bind(tenant)
                .bind(customers)
                .execute(&mut *tx)
                .await?;
        }
    }
    if !batch.rejects.is_empty() {
        sqlx::query(
            "insert into platform.import_reject (tenant_id, import_id, line_number, reason, raw)
             select $1, $2, * from unnest($3::bigint[], $4::text[], $5::text[])",
        )
        .bind(tenant)
        .bind(import)
        .bind(batch.rejects.iter().map(|reject| reject.line as i64).collect::<Vec<_>>())
        .bind(batch.rejects.iter().map(|reject| reject.reason.as_str()).collect::<Vec<_>>())
        .bind(batch.rejects.iter().map(|reject| reject.raw.as_str()).collect::<Vec<_>>())
        .execute(&mut *tx)
        .await?;
    }
    let moved = sqlx::query(
        "update platform.import_run
         set next_byte = $4, next_line = $5, lines_read = $6, inserted = inserted + $7,
             duplicates = duplicates + $8, rejected = $9, updated_at = now()
         where tenant_id = $1 and id = $2 and next_byte = $3 and state = 'running'",
    )
    .bind(tenant)
    .bind(import)
    .bind(from.next_byte as i64)
    .bind(to.next_byte as i64)
    .bind(to.next_line as i64)
    .bind(to.lines_read as i64)
    .bind(inserted as i64)
    .bind((batch.valid - inserted) as i64)
    .bind(to.rejected as i64)
    .execute(&mut *tx)
    .await?;
    if moved.rows_affected() != 1 {
        // Somebody else goes on with this import; what this transaction did is undone with it.
        return Ok(None);
    }
    tx.commit().await?;
    Ok(Some(inserted))
}
