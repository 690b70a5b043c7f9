//! Files that come with messages and notes: what they are, and which message they belong to. Where their bytes lie is the
//! caller's; here are their rows.

use chrono::{DateTime, Duration, Utc};
use database::ids::{MessageId, TenantId, TicketId};
use database::{DbError, Tx};
use sqlx::FromRow;
use uuid::Uuid;

use super::error::TicketError;

/// Files of one message.
pub const MOST_OF_A_MESSAGE: usize = 20;
/// How many bytes of a file say what it is.
pub const SNIFFED_BYTES: usize = 512;
/// A file that nobody sent along for so long is removed.
const LEFT_FOR_HOURS: i64 = 24;
/// Files that are removed at once.
const REMOVED_AT_ONCE: i64 = 20;
/// Characters of a name.
const NAME_LIMIT: usize = 200;

/// A file.
#[derive(Clone, PartialEq, Eq, FromRow)]
pub struct Attachment {
    /// Identity.
    pub id: Uuid,
    /// The ticket that it is in.
    pub ticket_id: Option<TicketId>,
    /// The message that it came with.
    pub message_id: Option<MessageId>,
    /// Its name.
    pub name: String,
    /// What it is, by its first bytes.
    pub content_type: String,
    /// How long it is.
    pub size_bytes: i64,
    /// When it came.
    pub created_at: DateTime<Utc>,
}

impl std::fmt::Debug for Attachment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attachment").field("id", &self.id).finish_non_exhaustive()
    }
}

const COLUMNS: &str = "id, ticket_id, message_id, name, content_type, size_bytes, created_at";

/// A file that was taken in.
#[derive(Debug)]
pub struct NewAttachment<'a> {
    /// Identity.
    pub id: Uuid,
    /// Its name, made harmless by [`harmless_name`].
    pub name: &'a str,
    /// What it is, by [`sniff`].
    pub content_type: &'a str,
    /// How long it is.
    pub size_bytes: i64,
    /// Of its bytes.
    pub sha256: &'a [u8],
    /// Who sent it: `agent:ID`, `key:ID` or `mail:ID`.
    pub uploaded_by: &'a str,
}

/// Notes a file that belongs to no message yet (support role).
///
/// # Errors
/// The database failed.
pub async fn add(tx: &mut Tx, tenant: TenantId, new: &NewAttachment<'_>) -> Result<Attachment, DbError> {
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "insert into support_app.attachment (id, tenant_id, name, content_type, size_bytes, sha256, uploaded_by)
         values ($1, $2, $3, $4, $5, $6, $7) returning {COLUMNS}"
    )))
    .bind(new.id)
    .bind(tenant)
    .bind(new.name)
    .bind(new.content_type)
    .bind(new.size_bytes)
    .bind(new.sha256)
    .bind(new.uploaded_by)
    .fetch_one(&mut **tx)
    .await?)
}

/// Notes a file that came with a message; the same once more changes nothing (support role).
pub(crate) async fn add_to(
    tx: &mut Tx,
    tenant: TenantId,
    ticket: TicketId,
    message: MessageId,
    new: &NewAttachment<'_>,
) -> Result<(), DbError> {
    sqlx::query(
        "insert into support_app.attachment
             (id, tenant_id, ticket_id, message_id, name, content_type, size_bytes, sha256, uploaded_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (id) do nothing",
    )
    .bind(new.id)
    .bind(tenant)
    .bind(ticket)
    .bind(message)
    .bind(new.name)
    .bind(new.content_type)
    .bind(new.size_bytes)
    .bind(new.sha256)
    .bind(new.uploaded_by)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Gives files to a message (support role). They must be the writer's own and belong to none yet.
///
/// # Errors
/// One of them is not, or the database failed.
pub(crate) async fn link(
    tx: &mut Tx,
    actor: &str,
    ticket: TicketId,
    message: MessageId,
    files: &[Uuid],
) -> Result<(), TicketError> {
    if files.is_empty() {
        return Ok(());
    }
    let mut files = files.to_vec();
    files.sort_unstable();
    files.dedup();
    if files.len() > MOST_OF_A_MESSAGE {
        let problem = format!("must name at most {MOST_OF_A_MESSAGE} files");
        return Err(TicketError::field("attachment_ids", problem));
    }
    let linked = sqlx::query(
        "update support_app.attachment set ticket_id = $1, message_id = $2
         where id = any($3) and uploaded_by = $4 and message_id is null",
    )
    .bind(ticket)
    .bind(message)
    .bind(&files)
    .bind(actor)
    .execute(&mut **tx)
    .await?;
    if linked.rows_affected() != files.len() as u64 {
        let problem = "must name files that you have uploaded and that belong to no message yet";
        return Err(TicketError::field("attachment_ids", problem));
    }
    Ok(())
}

/// A file (support role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<Attachment>, DbError> {
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.attachment where id = $1"
    )))
    .bind(id)
    .fetch_optional(&mut **tx)
    .await?)
}

/// The files of messages, oldest first (support role).
///
/// # Errors
/// The database failed.
pub async fn of_messages(tx: &mut Tx, messages: &[MessageId]) -> Result<Vec<Attachment>, DbError> {
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from support_app.attachment where message_id = any($1) order by created_at, id"
    )))
    .bind(messages)
    .fetch_all(&mut **tx)
    .await?)
}

/// Forgets some of the files that nobody sent along for a day, and says which, so that their bytes can go (support role).
///
/// # Errors
/// The database failed.
pub async fn forget_left(tx: &mut Tx, now: DateTime<Utc>) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar(
        "delete from support_app.attachment where id in (
             select id from support_app.attachment
             where tenant_id = (select shared.current_tenant()) and message_id is null and created_at < $1
             order by created_at limit $2 for update skip locked
         ) returning id",
    )
    .bind(now - Duration::hours(LEFT_FOR_HOURS))
    .bind(REMOVED_AT_ONCE)
    .fetch_all(&mut **tx)
    .await?)
}

/// A name without folders, control characters and quotes; `file` when nothing is left.
pub fn harmless_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let turns = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    let plain: String = last
        .chars()
        .filter(|c| !c.is_control() && !turns(*c) && !"\"<>|:*?".contains(*c))
        .take(NAME_LIMIT)
        .collect();
    let plain = plain.trim().trim_matches('.').trim();
    if plain.is_empty() { "file".to_owned() } else { plain.to_owned() }
}

/// What a file is, by its first bytes ([`SNIFFED_BYTES`]). What a browser might run or draw with scripts in it (HTML, SVG,
/// XML) and what is not known is `application/octet-stream`.
pub fn sniff(bytes: &[u8]) -> &'static str {
    const MAGIC: [(&[u8], &str); 14] = [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"BM", "image/bmp"),
        (b"II*\0", "image/tiff"),
        (b"MM\0*", "image/tiff"),
        (b"%PDF-", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        (b"\x1f\x8b", "application/gzip"),
        (b"OggS", "audio/ogg"),
        (b"ID3", "audio/mpeg"),
        (b"fLaC", "audio/flac"),
        (b"\x1aE\xdf\xa3", "video/webm"),
    ];
    let at = |start: usize, part: &[u8]| bytes.get(start..start + part.len()) == Some(part);
    if at(0, b"RIFF") && at(8, b"WEBP") {
        return "image/webp";
    }
    if at(0, b"RIFF") && at(8, b"WAVE") {
        return "audio/wav";
    }
    if at(4, b"ftyp") {
        return match bytes.get(8..12) {
            Some(b"heic" | b"heix" | b"mif1") => "image/heic",
            Some(b"M4A ") => "audio/mp4",
            _ => "video/mp4",
        };
    }
    if let Some((_, kind)) = MAGIC.into_iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return kind;
    }
    if is_text(bytes) { "text/plain" } else { "application/octet-stream" }
}

/// Text without markup. The last letter may be cut in two.
fn is_text(bytes: &[u8]) -> bool {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    let is_plain = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    let start = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    !start.is_empty() && !start.starts_with('<') && text.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn files_are_what_their_first_bytes_say() {
        for (bytes, kind) in [
            (&b"\x89PNG\r\n\x1a\n...."[..], "image/png"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
            (b"%PDF-1.7", "application/pdf"),
            (b"PK\x03\x04\x14\0", "application/zip"),
            (b"\0\0\0\x18ftypmp42", "video/mp4"),
            ("Hällo".as_bytes(), "text/plain"),
            (&"Hällo".as_bytes()[..2], "text/plain"),
            (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "application/octet-stream"),
            (b"\xef\xbb\xbf <!doctype html><script>", "application/octet-stream"),
            (b"<?xml version='1.0'?><svg/>", "application/octet-stream"),
            (b"MZ\x90\0", "application/octet-stream"),
            (b"", "application/octet-stream"),
        ] {
            assert_eq!(sniff(bytes), kind, "{bytes:?}");
        }
    }

    #[test]
    fn names_lead_nowhere() {
        assert_eq!(harmless_name("../../etc/passwd"), "passwd");
        assert_eq!(harmless_name("C:\\x\\photo 1.png"), "photo 1.png");
        assert_eq!(harmless_name("a\r\nb\"c\u{202e}gpj.exe"), "abcgpj.exe");
        assert_eq!(harmless_name("…\0"), "…");
        for nothing in ["", "..", "/", " . "] {
            assert_eq!(harmless_name(nothing), "file", "{nothing}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_something_and_any_name_is_one(bytes in proptest::collection::vec(any::<u8>(), 0..64), name in "\\PC{0,300}") {
            prop_assert!(sniff(&bytes).contains('/'));
            let name = harmless_name(&name);
            prop_assert!(!name.is_empty() && name.chars().count() <= NAME_LIMIT && !name.contains(['/', '\\', '"']));
        }
    }
}
