//! Reports that divide customers into classes, narrowed down to a part of them: how often they order, and at which prices they
//! buy. Each class is held to the rules of a list that is narrowed down, so that a class of the part tells of nobody either.

use database::Tx;
use platform::analytics::narrowed::{Cell, Class, Narrowing};
use platform::analytics::{AnalyticsError, Levels, Standing, cadence, discounts};
use serde_json::{Value, json};

use super::{MOST, ONE_ORDER, Raw};
use crate::tools::narrow;
use crate::tools::protect::{amount, clear, three_digits};
use crate::withhold;

/// The classes of a part, and which groups of the report tell of them.
#[derive(Debug)]
pub struct Divided {
    /// The list of the figures that has the groups, beside rows of customers by `class`; none when the rows are the groups.
    list: Option<&'static str>,
    /// The class of each group, in their order.
    of_group: Vec<String>,
    /// All classes that there are.
    classes: Vec<Class>,
}

/// How often the customers of a part order.
///
/// # Errors
/// The data say nothing about it, or the database does not answer.
pub(super) async fn cadence(
    tx: &mut Tx,
    standing: &Standing,
    levels: Option<&Levels>,
    narrowing: &Narrowing,
) -> Result<Raw, AnalyticsError> {
    let (classes, report) = cadence::part(tx, standing, levels, narrowing).await?;
    if classes.is_empty() {
        return Err(AnalyticsError::NotEnough("nobody has ordered yet".to_owned()));
    }
    let mut of_group: Vec<String> = (0..report.items.len()).map(|band| band.to_string()).collect();
    of_group.push(cadence::SINGLE.to_owned());
    let mut raw = Raw::of(report, super::PARTS, &[]);
    raw.items.push(json!({"class": ONE_ORDER, "customers": raw.figures["with_one_order"]}));
    // Bands of nobody say nothing.
    if classes.iter().all(|class| narrow::fitting(&class.cells) == 0) {
        raw.items.clear();
    }
    Ok(of_part(raw, Divided { list: None, of_group, classes }))
}

/// At which prices the customers of a part buy.
///
/// # Errors
/// As [`cadence`].
pub(super) async fn discounts(
    tx: &mut Tx,
    standing: &Standing,
    levels: Option<&Levels>,
    narrowing: &Narrowing,
    months: u32,
) -> Result<Raw, AnalyticsError> {
    let (classes, report) =
        discounts::part_of_every_class(tx, standing, levels, narrowing, months, MOST).await?;
    if classes.is_empty() {
        let reason = "no purchase in this time carries a list price";
        return Err(AnalyticsError::NotEnough(reason.to_owned()));
    }
    let of_group = report.figures.classes.iter().map(|class| class.class.clone()).collect();
    let mut raw = Raw::of(report, super::ALL_SHOWN, &[]);
    // Beside counts that are rough, exact lines and shares would not be.
    raw.figures.as_object_mut().and_then(|figures| figures.remove("lines"));
    for share in ["reduced_share_of_lines", "reduced_share_of_revenue", "mean_reduction"] {
        raw.figures[share] = raw.figures[share].as_f64().map_or(Value::Null, |share| json!(percent(share)));
    }
    Ok(of_part(raw, Divided { list: Some("classes"), of_group, classes }))
}

fn of_part(raw: Raw, divided: Divided) -> Raw {
    let cells: Vec<Cell> = divided.classes.iter().flat_map(|class| class.cells.clone()).collect();
    let groups = Some(("customers_by_band", true));
    Raw { cells: Some(cells), classes: Some(divided), groups, form: super::Form::Narrowed, ..raw }
}

impl Divided {
    /// Withholds the classes that are too small, or that leave too few of a wider list over, with what would tell of them; what
    /// is told of the others becomes rough. How many groups are withheld.
    pub(crate) fn protect(&self, figures: &mut Value, items: &mut Vec<Value>, smallest: i64) -> u32 {
        let sizes: Vec<i64> = self.classes.iter().map(|class| narrow::fitting(&class.cells)).collect();
        // A class of nobody tells of nobody; where it leaves few over, the wider class is as small and withheld itself.
        let unfit =
            |class: &Class| narrow::fitting(&class.cells) > 0 && !narrow::may_be_told(&class.cells, smallest);
        let unfit = self.classes.iter().map(unfit).collect();
        let withheld = withhold::with_others(&sizes, unfit, smallest);
        let is_withheld = |name: &str| {
            let place = self.classes.iter().position(|class| class.name == name);
            place.is_some_and(|place| withheld[place])
        };
        // Shares are of those who have what the classes are of: with one order alone there is no cadence.
        let have_it = self.classes.iter().zip(&sizes).filter(|(class, _)| class.name != cadence::SINGLE);
        let whole = withhold::coarse(have_it.map(|(_, size)| size).sum(), smallest);
        let groups = match self.list {
            Some(list) => figures.get_mut(list).and_then(Value::as_array_mut),
            None => Some(&mut *items),
        };
        let mut count = 0;
        for (group, name) in groups.into_iter().flatten().zip(&self.of_group) {
            if is_withheld(name) {
                clear(group, ["customers", "share", "share_of_customers", "spend", "paid"].iter());
                count += 1;
                continue;
            }
            let customers =
                group["customers"].as_i64().map(|customers| withhold::coarse(customers, smallest));
            group["customers"] = json!(customers);
            for share in ["share", "share_of_customers"] {
                if group.get(share).is_some() {
                    let of = customers.filter(|_| whole > 0).map(|customers| customers as f64 / whole as f64);
                    group[share] = json!(of.map(percent));
                }
            }
            for sum in ["spend", "paid"] {
                if let Some(value) = amount(group, sum) {
                    group[sum] = json!(three_digits(value));
                }
            }
        }
        if self.list.is_some() {
            items.retain(|row| !row["class"].as_str().is_some_and(is_withheld));
        }
        count
    }
}

/// What is told of how often a part orders, made rough; the days are withheld where they are of too few.
pub(crate) fn rough_cadence(figures: &mut Value, smallest: i64) {
    let rough = |field: &str| figures[field].as_i64().map(|count| withhold::coarse(count, smallest));
    let (single, more) = (rough("with_one_order"), rough("with_more"));
    let whole = single.unwrap_or(0) + more.unwrap_or(0);
    figures["with_one_order"] = json!(single);
    figures["repeat_share"] =
        json!(more.filter(|_| whole > 0).map(|more| percent(more as f64 / whole as f64)));
    figures["with_more"] = json!(more);
}

/// A share in whole percents.
fn percent(share: f64) -> f64 {
    (share * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A class with so many customers who fit, and so many who are not in the group.
    fn class(name: &str, fitting: i64, others: i64) -> Class {
        let cell = |is_in_group, customers| Cell {
            holds: [is_in_group, true, true, true, true],
            country: String::new(),
            customers,
            spend_cents: 0,
            reachable: 0,
            bands: [0; 4],
        };
        let cells = vec![cell(true, fitting), cell(false, others)];
        Class { name: name.to_owned(), cells }
    }

    fn divided(sizes: &[(i64, i64)]) -> (Divided, Vec<Value>) {
        let names: Vec<String> = (0..sizes.len()).map(|place| place.to_string()).collect();
        let classes =
            names.iter().zip(sizes).map(|(name, (fit, others))| class(name, *fit, *others)).collect();
        let items = sizes.iter().map(|(fit, _)| json!({"customers": fit, "spend": "1234.5", "share": 0.123}));
        (Divided { list: None, of_group: names, classes }, items.collect())
    }

    #[test]
    fn a_class_that_leaves_few_over_is_withheld_with_another() {
        // Of the first class two are not in the group: they would be told by the difference.
        let (divided, mut items) = divided(&[(18, 2), (40, 60), (12, 30)]);
        assert_eq!(divided.protect(&mut Value::Null, &mut items, 5), 2);
        let sizes: Vec<&Value> = items.iter().map(|item| &item["customers"]).collect();
        assert_eq!(sizes, [&Value::Null, &json!(40), &Value::Null]);
        assert_eq!((&items[1]["spend"], &items[1]["share"]), (&json!(1230.0), &json!(0.57)));
        assert_eq!((&items[0]["spend"], &items[0]["share"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn customers_of_a_class_that_is_withheld_are_not_listed() {
        let names = ["dependent", "full_price"].map(str::to_owned);
        let classes = vec![class("dependent", 3, 40), class("full_price", 30, 40)];
        let divided = Divided { list: Some("classes"), of_group: names.to_vec(), classes };
        let mut figures = json!({"classes": [{"class": "dependent", "customers": 3}, {"class": "full_price", "customers": 30}]});
        let mut items = vec![json!({"class": "dependent"}), json!({"class": "full_price"})];
        assert_eq!(divided.protect(&mut figures, &mut items, 5), 2);
        assert_eq!(items, Vec::<Value>::new());
        assert_eq!(figures["classes"][1]["customers"], Value::Null);
    }

    proptest! {
        /// Whoever has the classes of a part and those of everybody learns of no group that is too small.
        #[test]
        fn classes_tell_of_nobody(sizes in prop::collection::vec((0_i64..30, 0_i64..30), 1..8), smallest in 2_i64..10) {
            let (divided, mut items) = divided(&sizes);
            divided.protect(&mut Value::Null, &mut items, smallest);
            let mut hidden = Vec::new();
            for (item, (fitting, others)) in items.iter().zip(&sizes) {
                match item["customers"].as_i64() {
                    Some(told) => {
                        let leaves_few = *fitting > 0 && withhold::is_small(*others, smallest);
                        prop_assert!(!withhold::is_small(*fitting, smallest) && !leaves_few);
                        prop_assert_eq!(told % smallest, 0);
                    }
                    None => hidden.push(*fitting),
                }
            }
            let is_any_shown = items.iter().zip(&sizes).any(|(item, (fitting, _))| !item["customers"].is_null() && *fitting > 0);
            if !hidden.is_empty() && is_any_shown {
                prop_assert!(hidden.len() >= 2 && hidden.iter().sum::<i64>() >= smallest);
            }
        }
    }
}
