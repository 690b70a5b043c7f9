//! Good customers who know one category only.

use std::collections::HashMap;

use super::b2b::Search;
use super::{AnalyticsError, Levels, MAX_ITEMS, Report, Standing, Target, rules, targets};
use database::Tx;

/// What the report means.
pub const DEFINITION: &str = "among the 500 highest spenders with three orders or more, the last within 180 days, and \
                              net spend among the highest fifth: those whose purchases are all of one category";

/// So many customers are looked at closely.
const CANDIDATES: u32 = 500;

/// The highest spenders first, at most `limit` (and [`MAX_ITEMS`]).
///
/// # Errors
/// The orders carry no categories, nobody has ordered, or the database does not answer.
pub async fn single_category(
    tx: &mut Tx,
    standing: &Standing,
    levels: &Levels,
    limit: u32,
) -> Result<Report<Search, Target>, AnalyticsError> {
    let mut report = every(tx, standing, levels).await?;
    report.items.truncate(limit.min(MAX_ITEMS) as usize);
    Ok(report)
}

/// All of them who were found.
///
/// # Errors
/// As [`single_category`].
pub async fn every(
    tx: &mut Tx,
    standing: &Standing,
    levels: &Levels,
) -> Result<Report<Search, Target>, AnalyticsError> {
    let candidates = targets::first(tx, standing, levels, &rules::EXPANSION, CANDIDATES).await?;
    let ids: Vec<&str> = candidates.iter().map(|customer| customer.customer_id.as_str()).collect();
    let bought: Vec<(String, i64, String)> = sqlx::query_as(
        "select customer_id, count(distinct category) as categories, min(category) as category
         from platform.order_line
         where tenant_id = $1 and customer_id = any ($2::text[]) and ordered_at < $3 and not is_return and counts is not false
         group by customer_id having count(category) > 0",
    )
    .bind(standing.tenant)
    .bind(ids)
    .bind(standing.end())
    .fetch_all(&mut **tx)
    .await?;
    let examined = candidates.len();
    if bought.is_empty() && examined > 0 {
        return Err(AnalyticsError::not_enough("the orders carry no categories"));
    }
    let single: HashMap<String, String> = bought
        .into_iter()
        .filter(|(_, categories, _)| *categories == 1)
        .map(|(customer_id, _, category)| (customer_id, category))
        .collect();
    let items: Vec<Target> = candidates
        .into_iter()
        .filter_map(|mut customer| {
            let category = single.get(&customer.customer_id)?;
            customer.reasons.push(format!("every purchase was in {category}"));
            Some(customer)
        })
        .collect();
    let figures = Search { examined, found: items.len() };
    Ok(Report { figures, items })
}
