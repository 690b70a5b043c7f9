//! What is known of a customer in words, for notes, drafts and advice: the same words as in the API.

use database::Tx;
use database::ids::TenantId;
use platform::insights::InsightError;
use platform::insights::catalog::Catalogs;
use platform::insights::customer;
use serde_json::Value;

use crate::draft::CustomerWords;
use crate::outcome::Stop;

/// Reasons for leaving that are told.
const REASONS: usize = 3;

/// Who the customer is and what draws them away; none when nothing was computed of them (support role).
///
/// # Errors
/// The database failed. A catalogue that cannot be read leaves the archetype out.
pub async fn words(tx: &mut Tx, tenant: TenantId, customer_id: &str) -> Result<Option<CustomerWords>, Stop> {
    let Some(customer) = customer::find(tx, customer_id).await? else { return Ok(None) };
    let catalog = match customer.run.as_ref().and_then(|run| run.segmentation) {
        None => None,
        Some(segmentation) => match Catalogs::default().get(tx, tenant, segmentation).await {
            Ok(catalog) => catalog,
            Err(InsightError::Db(error)) => return Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, "the customer's archetype is left out");
                None
            }
        },
    };
    let profile = customer.profile(catalog.as_deref());
    let Some(who) = profile.who else { return Ok(None) };
    Ok(Some(CustomerWords {
        archetype: profile.archetype.known().map(|archetype| archetype.name.clone()),
        who,
        reasons: profile
            .churn
            .known()
            .and_then(|churn| churn.reasons.as_ref())
            .map(leaving)
            .unwrap_or_default(),
    }))
}

/// The sentences of what draws the customer away.
fn leaving(reasons: &Value) -> Vec<String> {
    let reasons = reasons.as_array().into_iter().flatten();
    reasons
        .filter(|reason| reason["contribution"].as_f64().is_some_and(|part| part > 0.0))
        .filter_map(|reason| reason["sentence"].as_str())
        .take(REASONS)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_draws_away_is_told() {
        let reasons = json!([
            {"contribution": 0.9, "sentence": "a"}, {"contribution": -0.5, "sentence": "b"}, "an old form",
            {"contribution": 0.3, "sentence": "c"}, {"contribution": 0.2, "sentence": "d"}, {"contribution": 0.1, "sentence": "e"}
        ]);
        assert_eq!(leaving(&reasons), ["a", "c", "d"]);
        assert_eq!(leaving(&json!(["The last order is 12 days old."])), Vec::<String>::new());
    }
}
