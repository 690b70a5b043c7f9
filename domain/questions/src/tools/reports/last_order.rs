//! What the customers of a list bought last, as columns of its rows.

use std::collections::HashMap;

use database::Tx;
use platform::analytics::last_orders::{self, LastOrder};
use platform::analytics::{AnalyticsError, Standing};
use serde_json::{Value, json};

use super::Raw;

/// Adds day, value, products and categories of the last order to each row of a customer.
///
/// # Errors
/// Nothing was ever ordered, or the database does not answer.
pub(super) async fn add(tx: &mut Tx, standing: &Standing, raw: &mut Raw) -> Result<(), AnalyticsError> {
    let customer = |row: &Value| row["customer_id"].as_str().map(str::to_owned);
    let customers: Vec<String> = raw.items.iter().filter_map(customer).collect();
    if customers.is_empty() {
        return Ok(());
    }
    let mut found: HashMap<String, LastOrder> = last_orders::of(tx, standing, &customers)
        .await?
        .into_iter()
        .map(|order| (order.customer_id.clone(), order))
        .collect();
    for row in &mut raw.items {
        let Some(order) = customer(row).and_then(|id| found.remove(&id)) else { continue };
        row["last_order_on"] = json!(order.ordered_on);
        row["last_order_value"] = json!(order.value);
        row["last_order_products"] = json!(order.products);
        row["last_order_categories"] = json!(order.categories);
    }
    Ok(())
}
