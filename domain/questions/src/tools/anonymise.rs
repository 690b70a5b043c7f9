//! Takes the shop's ids of customers out of rows and puts anonymised ones in their place. Numbers of orders, by which a
//! person could be found elsewhere, are left out.

use std::collections::HashMap;

use database::{DbError, Tx};
use platform::anonymous_ids::{self, AnonymousId, Key};
use serde_json::Value;

const CUSTOMER: &str = "customer_id";
const LEFT_OUT: [&str; 3] = ["order_id", "email", "name_of_customer"];

/// Rows of customers under anonymised ids. A row of somebody whom the tenant does not know any more is left out.
///
/// # Errors
/// The database failed.
pub async fn rows(tx: &mut Tx, key: &Key, rows: Vec<Value>) -> Result<Vec<Value>, DbError> {
    let ids: Vec<String> =
        rows.iter().filter_map(|row| row.get(CUSTOMER)?.as_str().map(str::to_owned)).collect();
    let hidden = match ids.is_empty() {
        true => HashMap::new(),
        false => anonymous_ids::of_customers(tx, key, &ids).await?,
    };
    Ok(rows.into_iter().filter_map(|row| row_of(row, &hidden)).collect())
}

fn row_of(mut row: Value, hidden: &HashMap<String, AnonymousId>) -> Option<Value> {
    let fields = row.as_object_mut()?;
    for name in LEFT_OUT {
        fields.remove(name);
    }
    if let Some(id) = fields.get_mut(CUSTOMER) {
        *id = Value::String(hidden.get(id.as_str()?)?.to_string());
    }
    Some(row)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_id_of_the_shop_is_left() {
        let hidden = HashMap::from([("ann@example.com".to_owned(), "C-0123ABCD".parse().expect("an id"))]);
        let row = |id: &str| row_of(json!({"customer_id": id, "order_id": "o1", "spend": "3.00"}), &hidden);
        assert_eq!(row("ann@example.com"), Some(json!({"customer_id": "C-0123ABCD", "spend": "3.00"})));
        assert_eq!(row("bob@example.com"), None);
        assert_eq!(row_of(json!({"category": "tea"}), &hidden), Some(json!({"category": "tea"})));
    }
}
