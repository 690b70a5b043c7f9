//! Withholds what would tell of too few customers, by the form that a report has. What is withheld is null, and counted.

use serde_json::{Value, json};

use crate::withhold;

/// The form of a report, which says what its counts are counts of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Rows are single customers, all of whom (or the first hundred) are shown. Fields of the figures that count or sum
    /// the same customers are named; a report of too few is withheld as a whole.
    People {
        /// The field of the figures that counts them; none when the rows are all there are.
        counted_by: Option<&'static str>,
    },
    /// Rows are groups that divide a whole, or several wholes by the field `axis`.
    Parts {
        /// Figures of a group that tell its size or, with a size that is known, could: withheld with it.
        of_group: &'static [&'static str],
    },
    /// Rows are groups that may share customers, or whose counts depend on the time that was asked for: small ones are
    /// withheld, the others' counts are rounded to multiples of the threshold.
    Overlapping {
        /// The field that counts a group.
        counted_by: &'static str,
        /// Other counts of customers in the group.
        counts: &'static [&'static str],
        /// What is withheld with the group.
        of_group: &'static [&'static str],
        /// Sums over customers, told to three digits, because counts beside them are rounded too.
        sums: &'static [&'static str],
    },
    /// Rows are single customers of a list that is narrowed down; whether it may be shown is found out before.
    Narrowed,
    /// Nothing in it counts customers.
    Plain,
}

/// What is left of a report, and why there is none if so.
#[derive(Debug, Clone, PartialEq)]
pub struct Protected {
    /// What holds for the whole.
    pub figures: Value,
    /// Rows.
    pub items: Vec<Value>,
    /// Groups and figures that are withheld.
    pub withheld: u32,
    /// Why all of it is.
    pub refused: Option<String>,
}

/// Withholds what is of fewer customers than `smallest`. `counts` are fields of the figures that count customers.
pub fn protect(
    form: Form,
    mut figures: Value,
    mut items: Vec<Value>,
    counts: &[&str],
    smallest: i64,
) -> Protected {
    let mut withheld = 0;
    if let Form::People { counted_by } = form {
        let counted = counted_by.and_then(|field| figures.get(field)?.as_i64());
        let size = counted.unwrap_or_else(|| i64::try_from(items.len()).unwrap_or(i64::MAX));
        if withhold::is_small(size, smallest) {
            return Protected {
                figures: json!({}),
                items: Vec::new(),
                withheld: 1,
                refused: Some(format!(
                    "fewer than {smallest} customers: withheld, so that nobody can be told"
                )),
            };
        }
    }
    for field in counts {
        withheld += clear_small(&mut figures, field, smallest);
    }
    match form {
        Form::People { .. } | Form::Narrowed | Form::Plain => {}
        Form::Parts { of_group } => withheld += protect_parts(&mut items, of_group, smallest),
        Form::Overlapping { counted_by, counts, of_group, sums } => {
            for item in &mut items {
                if withhold::is_small(number(item, counted_by), smallest) {
                    clear(item, of_group.iter().chain(counts).chain([&counted_by]).chain(sums));
                    withheld += 1;
                    continue;
                }
                let small: u32 = counts.iter().map(|field| clear_small(item, field, smallest)).sum();
                if small > 0 {
                    // A rate would tell the count that is withheld.
                    clear(item, of_group.iter());
                    withheld += small;
                }
                for field in counts.iter().chain([&counted_by]) {
                    if let Some(count) = item.get(*field).and_then(Value::as_i64) {
                        item[*field] = json!(withhold::coarse(count, smallest));
                    }
                }
                for field in sums {
                    if let Some(sum) = amount(item, field) {
                        item[*field] = json!(three_digits(sum));
                    }
                }
            }
        }
    }
    Protected { figures, items, withheld, refused: None }
}

/// Withholds small groups of a list in the figures that divides a whole; the others' counts become coarse if need be.
pub fn protect_groups(figures: &mut Value, (list, is_coarse): (&str, bool), smallest: i64) -> u32 {
    let Some(groups) = figures.get_mut(list).and_then(Value::as_array_mut) else { return 0 };
    let withheld = protect_parts(groups, &["share_of_customers", "paid"], smallest);
    for group in groups.iter_mut().filter(|_| is_coarse) {
        if let Some(customers) = group.get("customers").and_then(Value::as_i64) {
            group["customers"] = json!(withhold::coarse(customers, smallest));
        }
    }
    withheld
}

/// Withholds the values of months with too few customers, and leaves out how many there were.
pub fn protect_months(figures: &mut Value, smallest: i64) -> u32 {
    let Some(months) = figures.get_mut("history").and_then(Value::as_array_mut) else { return 0 };
    let mut withheld = 0;
    for month in months {
        let customers = number(month, "customers");
        if withhold::is_small(customers, smallest) {
            month["value"] = Value::Null;
            withheld += 1;
        }
        month.as_object_mut().and_then(|month| month.remove("customers"));
    }
    withheld
}

/// Groups of the same axis divide the same whole.
fn protect_parts(items: &mut [Value], of_group: &[&str], smallest: i64) -> u32 {
    let axis_of = |item: &Value| item.get("axis").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut axes: Vec<String> = items.iter().map(axis_of).collect();
    axes.dedup();
    let mut withheld = 0;
    for axis in axes {
        let places: Vec<usize> = (0..items.len()).filter(|place| axis_of(&items[*place]) == axis).collect();
        let sizes: Vec<i64> = places.iter().map(|place| number(&items[*place], "customers")).collect();
        for (place, is_withheld) in places.iter().zip(withhold::of_a_whole(&sizes, smallest)) {
            let item = &mut items[*place];
            if is_withheld {
                clear(item, of_group.iter().chain([&"customers", &"strong"]));
                withheld += 1;
            } else if let Some(strong) = item.get("strong").and_then(Value::as_i64)
                && !withhold::may_tell_part(strong, number(item, "customers"), smallest)
            {
                item["strong"] = Value::Null;
                withheld += 1;
            }
        }
    }
    withheld
}

pub(super) fn clear<'a>(item: &mut Value, fields: impl Iterator<Item = &'a &'a str>) {
    for field in fields {
        if let Some(value) = item.get_mut(*field) {
            *value = Value::Null;
        }
    }
    item["withheld"] = json!(true);
}

fn clear_small(of: &mut Value, field: &str, smallest: i64) -> u32 {
    match of.get_mut(field) {
        Some(value) if value.as_i64().is_some_and(|count| withhold::is_small(count.abs(), smallest)) => {
            *value = Value::Null;
            1
        }
        _ => 0,
    }
}

fn number(item: &Value, field: &str) -> i64 {
    item.get(field).and_then(Value::as_i64).unwrap_or_default()
}

/// A number, or an amount that is written as a text.
pub fn amount(of: &Value, field: &str) -> Option<f64> {
    let value = of.get(field)?;
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// A sum to three digits.
pub fn three_digits(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10_f64.powi(2 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_people_are_not_listed() {
        let people = |count: i64, rows: usize| {
            let items = (0..rows).map(|row| json!({"customer_id": row})).collect();
            protect(
                Form::People { counted_by: Some("customers") },
                json!({"customers": count}),
                items,
                &[],
                5,
            )
        };
        assert!(people(4, 4).refused.is_some_and(|reason| reason.contains("fewer than 5")));
        assert_eq!((people(5, 5).refused, people(0, 0).refused), (None, None));
        assert_eq!(people(4, 4).items.len(), 0);
        let uncounted = protect(Form::People { counted_by: None }, Value::Null, vec![json!({}); 3], &[], 5);
        assert!(uncounted.refused.is_some());
    }

    #[test]
    fn groups_of_each_axis_are_looked_at_by_themselves() {
        let group = |axis: &str, customers: i64| json!({"axis": axis, "customers": customers, "spend": "9.00", "strong": customers - 2});
        let items = vec![group("a", 3), group("a", 50), group("a", 20), group("b", 40), group("b", 33)];
        let done = protect(Form::Parts { of_group: &["spend"] }, json!({"customers": 73}), items, &[], 5);
        let sizes: Vec<&Value> = done.items.iter().map(|item| &item["customers"]).collect();
        assert_eq!(sizes, [&Value::Null, &json!(50), &Value::Null, &json!(40), &json!(33)]);
        assert_eq!((&done.items[2]["spend"], &done.items[1]["spend"]), (&Value::Null, &json!("9.00")));
        // All but two are strong: the two would be told.
        assert_eq!(done.items[3]["strong"], Value::Null);
    }

    #[test]
    fn counts_over_times_are_coarse() {
        let form = Form::Overlapping {
            counted_by: "customers",
            counts: &["again"],
            of_group: &["rate"],
            sums: &["spend"],
        };
        let items = vec![
            json!({"customers": 103, "again": 3, "rate": 0.03, "spend": "12345.67"}),
            json!({"customers": 4, "again": 0, "rate": 0.0, "spend": "10"}),
        ];
        let done = protect(form, json!({"won": 2, "all": 10}), items, &["won", "all"], 5);
        assert_eq!(done.items[0]["customers"], 105);
        assert_eq!((&done.items[0]["again"], &done.items[0]["spend"]), (&Value::Null, &json!(12300.0)));
        assert_eq!((&done.items[1]["customers"], &done.items[1]["spend"]), (&Value::Null, &Value::Null));
        assert_eq!((done.figures, done.withheld), (json!({"won": null, "all": 10}), 3));
    }
}
