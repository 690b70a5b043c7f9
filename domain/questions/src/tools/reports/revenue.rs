//! Revenue by category.

use database::Tx;
use platform::analytics::{AnalyticsError, Standing, categories};
use serde_json::json;

use super::{MOST, Raw};
use crate::tools::protect::Form;

/// Categories, without those that too few customers bought in: their revenue would be somebody's spend.
pub(super) async fn make(tx: &mut Tx, standing: &Standing, months: u32) -> Result<Raw, AnalyticsError> {
    let buyers = match categories::repurchase(tx, standing, months, MOST).await {
        Ok(report) => report.items,
        Err(AnalyticsError::NotEnough(_)) => Vec::new(),
        Err(error) => return Err(error),
    };
    let form = Form::Parts {
        of_group: &[
            "revenue",
            "share_of_revenue",
            "returned_value",
            "units",
            "lines",
            "revenue_before",
            "growth",
        ],
    };
    let mut raw = Raw::of(categories::revenue(tx, standing, months, MOST).await?, form, &[]);
    for item in &mut raw.items {
        let customers = match item["category"].as_str() {
            Some(name) => {
                buyers.iter().find(|buyer| buyer.category == name).map_or(0, |buyer| buyer.customers)
            }
            // Nobody is counted without a category; a customer has seldom more than a few lines.
            None => item["lines"].as_i64().unwrap_or(0) / 10,
        };
        // Of a category with revenue and no buyer in the list nothing is known: it counts as bought by one.
        item["customers"] = json!(customers.max(1));
    }
    raw.caveats.push("Customers of lines without a category are not counted but estimated.".to_owned());
    Ok(raw)
}
