//! Half-written texts and merges: they go with their ticket into the other one, and back with the end of the merge. What was
//! sent or thrown away meanwhile stays so. What was changed so that nobody can tell the two texts apart stays where it is, and
//! its writer has back what they had written.

use database::ids::{MessageId, TicketId};
use database::{DbError, Tx};
use sqlx::FromRow;
use uuid::Uuid;

/// What stands between two texts that became one.
const BETWEEN: &str = "\n\n";

/// The texts of a ticket that is merged go on in the other one, behind what their writers have there (support role).
pub(in crate::tickets) async fn follow(tx: &mut Tx, from: TicketId, to: TicketId) -> Result<(), DbError> {
    sqlx::query(include_str!("follow.sql")).bind(from).bind(to).execute(&mut **tx).await?;
    sqlx::query("delete from support_app.reply_text where ticket_id = $1")
        .bind(from)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// A part of a text, and the text that it is in.
#[derive(FromRow)]
struct Part {
    writer_id: Uuid,
    body_text: String,
    last_seen_message_id: Option<MessageId>,
    whole: String,
    whole_seen: Option<MessageId>,
    /// It is all that there is, and nothing came to it from elsewhere.
    is_all: bool,
}

/// The texts that had come from a ticket go back to it (support role). `family` is that ticket and those that had gone into it
/// before; `way` are the tickets through which it had gone, the one in which the texts are at the end.
pub(in crate::tickets) async fn go_back(
    tx: &mut Tx,
    from: TicketId,
    to: TicketId,
    family: &[TicketId],
    way: &[TicketId],
) -> Result<(), DbError> {
    let parts: Vec<Part> = sqlx::query_as(
        "select p.writer_id, p.body_text, p.last_seen_message_id, r.body_text as whole,
                r.last_seen_message_id as whole_seen,
                p.is_all and not exists (
                    select from support_app.reply_text_part o
                    where o.ticket_id = p.ticket_id and o.writer_id = p.writer_id and o.origin_ticket_id <> all($3)
                ) as is_all
         from support_app.reply_text_part p
         join support_app.reply_text r on r.ticket_id = p.ticket_id and r.writer_id = p.writer_id
         where p.ticket_id = $1 and p.origin_ticket_id = $2 order by p.writer_id for update of r",
    )
    .bind(from)
    .bind(to)
    .bind(family)
    .fetch_all(&mut **tx)
    .await?;
    for part in parts {
        let (back, seen, rest) = match without(&part.whole, &part.body_text) {
            Some(rest) => {
                (&part.body_text, part.last_seen_message_id, Some(rest).filter(|rest| !rest.is_empty()))
            }
            // They had nothing else there, so what they made of it is what they are writing.
            None if part.is_all => (&part.whole, part.whole_seen, None),
            None => (&part.body_text, part.last_seen_message_id, Some(part.whole.clone())),
        };
        give(tx, from, to, part.writer_id, back, seen).await?;
        sqlx::query(
            "update support_app.reply_text_part set ticket_id = $3
             where ticket_id = $1 and writer_id = $2 and origin_ticket_id = any($4) and origin_ticket_id <> $3",
        )
        .bind(from)
        .bind(part.writer_id)
        .bind(to)
        .bind(family)
        .execute(&mut **tx)
        .await?;
        leave(tx, from, to, part.writer_id, rest.as_deref()).await?;
        cut(tx, from, part.writer_id, &part.body_text, way).await?;
    }
    Ok(())
}

/// Gives a writer their text back.
async fn give(
    tx: &mut Tx,
    from: TicketId,
    to: TicketId,
    writer: Uuid,
    text: &str,
    seen: Option<MessageId>,
) -> Result<(), DbError> {
    sqlx::query(
        "insert into support_app.reply_text as r
             (tenant_id, ticket_id, writer_id, body_text, last_seen_message_id, version)
         select tenant_id, $2, writer_id, $4, $5, version + 1 from support_app.reply_text
         where ticket_id = $1 and writer_id = $3
         on conflict (ticket_id, writer_id) do update set
             body_text = r.body_text || $6 || excluded.body_text, version = r.version + 1, updated_at = now()",
    )
    .bind(from)
    .bind(to)
    .bind(writer)
    .bind(text)
    .bind(seen)
    .bind(BETWEEN)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What is left in the other ticket, without the part that went; nothing is no text.
async fn leave(
    tx: &mut Tx,
    ticket: TicketId,
    origin: TicketId,
    writer: Uuid,
    rest: Option<&str>,
) -> Result<(), DbError> {
    let Some(rest) = rest else {
        sqlx::query("delete from support_app.reply_text where ticket_id = $1 and writer_id = $2")
            .bind(ticket)
            .bind(writer)
            .execute(&mut **tx)
            .await?;
        return Ok(());
    };
    sqlx::query(
        "update support_app.reply_text set body_text = $3, version = version + 1, updated_at = now()
         where ticket_id = $1 and writer_id = $2 and body_text <> $3",
    )
    .bind(ticket)
    .bind(writer)
    .bind(rest)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "delete from support_app.reply_text_part where ticket_id = $1 and writer_id = $2 and origin_ticket_id = $3",
    )
    .bind(ticket)
    .bind(writer)
    .bind(origin)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A part is in those of the tickets through which it came, too.
async fn cut(
    tx: &mut Tx,
    ticket: TicketId,
    writer: Uuid,
    part: &str,
    way: &[TicketId],
) -> Result<(), DbError> {
    let wholes: Vec<(TicketId, String)> = sqlx::query_as(
        "select origin_ticket_id, body_text from support_app.reply_text_part
         where ticket_id = $1 and writer_id = $2 and origin_ticket_id = any($3)",
    )
    .bind(ticket)
    .bind(writer)
    .bind(way)
    .fetch_all(&mut **tx)
    .await?;
    for (origin, whole) in wholes {
        let Some(rest) = without(&whole, part) else { continue };
        sqlx::query(
            "update support_app.reply_text_part set body_text = $4
             where ticket_id = $1 and writer_id = $2 and origin_ticket_id = $3",
        )
        .bind(ticket)
        .bind(writer)
        .bind(origin)
        .bind(rest)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// A text without a part that stands in it as it was written; none when it does not.
fn without(whole: &str, part: &str) -> Option<String> {
    if whole == part {
        return Some(String::new());
    }
    if let Some(before) = whole.strip_suffix(part).and_then(|before| before.strip_suffix(BETWEEN)) {
        return Some(before.to_owned());
    }
    if let Some(after) = whole.strip_prefix(part).and_then(|after| after.strip_prefix(BETWEEN)) {
        return Some(after.to_owned());
    }
    let (before, after) = whole.split_once(&format!("{BETWEEN}{part}{BETWEEN}"))?;
    Some(format!("{before}{BETWEEN}{after}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_part_is_found_where_it_stands_alone() {
        for (whole, part, rest) in [
            ("a", "a", Some("")),
            ("a\n\nb", "b", Some("a")),
            ("a\n\nb", "a", Some("b")),
            ("a\n\nb\n\nc", "b", Some("a\n\nc")),
            ("a\n\nbb", "b", None),
            ("a b", "b", None),
            ("a", "b", None),
        ] {
            assert_eq!(without(whole, part).as_deref(), rest, "{whole} {part}");
        }
    }

    proptest! {
        #[test]
        fn what_was_put_behind_a_text_comes_off_again(own in "[a-c\n]{0,9}", part in "[a-c\n]{1,9}") {
            let rest = without(&format!("{own}{BETWEEN}{part}"), &part);
            prop_assert!(rest.is_some());
            if !own.contains(&part) && !part.contains('\n') && !own.ends_with('\n') {
                prop_assert_eq!(rest, Some(own));
            }
        }
    }
}
