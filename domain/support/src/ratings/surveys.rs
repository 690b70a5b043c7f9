//! Ratings that the help desk's own surveys brought, read out of deliveries that are stored.

use chrono::{DateTime, Utc};
use serde_json::Value;

use database::ids::{TenantId, TicketId};
use database::{DbError, Tx};

use super::{NewRating, Score, Source, give};

/// The latest deliveries of a ticket that are looked at.
const DELIVERIES: i64 = 10;

/// Takes over what surveys in the latest deliveries of a ticket say (support role), and answers how many were new. Told
/// twice it is stored once. What is no score is left out: the delivery keeps it.
///
/// # Errors
/// The database failed.
pub async fn from_deliveries(
    tx: &mut Tx,
    tenant: TenantId,
    ticket: TicketId,
    now: DateTime<Utc>,
) -> Result<usize, DbError> {
    let mut new = 0;
    let surveys: Vec<Value> = sqlx::query_scalar(
        "select survey from (
             select coalesce(i.body #> '{ticket,satisfaction_survey}', i.body -> 'satisfaction_survey') as survey
             from support_app.inbox i where i.tenant_id = $1 and i.ticket_id = $2
             order by i.received_at desc, i.id desc limit $3) told
         where jsonb_typeof(survey) = 'object'",
    )
    .bind(tenant)
    .bind(ticket)
    .bind(DELIVERIES)
    .fetch_all(&mut **tx)
    .await?;
    for survey in surveys.iter().rev() {
        let Some((score, given_at)) = read(survey, now) else { continue };
        let external_id =
            survey.get("id").map(|id| id.to_string().trim_matches('"').chars().take(100).collect());
        let external_id: Option<String> = external_id;
        let rating = NewRating {
            ticket,
            score,
            comment: survey.get("body_text").and_then(Value::as_str),
            source: Source::Gorgias,
            by: "gorgias",
            external_id: external_id.as_deref(),
            given_at,
        };
        if is_told(tx, &rating).await? {
            continue;
        }
        give(tx, tenant, &rating).await?;
        new += 1;
    }
    Ok(new)
}

/// Whether the very same answer is stored, so that a delivery told again changes nothing and tells nobody.
async fn is_told(tx: &mut Tx, rating: &NewRating<'_>) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar(
        "select exists (select from support_app.rating
             where ticket_id = $1 and source = 'gorgias' and score = $2 and external_id is not distinct from $3)",
    )
    .bind(rating.ticket)
    .bind(rating.score.number())
    .bind(rating.external_id)
    .fetch_one(&mut **tx)
    .await?)
}

/// The score of a survey that was answered, and when; `now` stands in for a time that is missing.
fn read(survey: &Value, now: DateTime<Utc>) -> Option<(Score, DateTime<Utc>)> {
    let score = survey.get("score")?;
    let score = score.as_i64().or_else(|| score.as_str()?.trim().parse().ok())?;
    let score = Score::try_from(score).ok()?;
    let time = |field: &str| {
        let text = survey.get(field)?.as_str()?;
        let stated = DateTime::parse_from_rfc3339(text).map(|time| time.with_timezone(&Utc));
        // The help desk leaves the offset out and means UTC.
        stated.or_else(|_| format!("{text}Z").parse()).ok()
    };
    Some((score, time("scored_datetime").or_else(|| time("sent_datetime")).unwrap_or(now).min(now)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_an_answered_survey_with_a_whole_score_counts() {
        let now = "2026-11-28T12:00:00Z".parse().expect("a time");
        let told = |survey| read(&survey, now);
        let given = "2026-11-27T10:00:00.5Z".parse().expect("a time");
        let score = Score::try_from(4).expect("a score");
        assert_eq!(
            told(json!({"score": 4, "scored_datetime": "2026-11-27T10:00:00.5"})),
            Some((score, given))
        );
        assert_eq!(
            told(json!({"score": "4", "scored_datetime": "2099-01-01T00:00:00Z"})),
            Some((score, now))
        );
        for bad in [
            json!({}),
            json!({"score": null}),
            json!({"score": 0}),
            json!({"score": 6}),
            json!({"score": 4.5}),
        ] {
            assert_eq!(told(bad.clone()), None, "{bad}");
        }
    }
}
