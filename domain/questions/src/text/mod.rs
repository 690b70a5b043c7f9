//! A tool's answer in sentences, out of its own figures and nothing else: what is said where no model is asked.

pub mod formats;

use chrono::{Datelike, NaiveDate};
use serde_json::Value;

use crate::countries;
use crate::tools::ToolAnswer;
use crate::tools::call::MAX_LIMIT;

/// Rows that a text names.
const NAMED: usize = 3;

/// The answer in sentences.
pub fn of(answer: &ToolAnswer) -> String {
    if !answer.available {
        let reason = answer.reason.as_deref().unwrap_or("the data do not suffice");
        return format!("There is no answer: {reason}.");
    }
    let about = match answer.tool.as_str() {
        "lookup_customer" => one_customer(answer),
        "forecast_metrics" => forecast(answer),
        _ => report(answer),
    };
    let text: Vec<String> = about.into_iter().filter(|sentence| !sentence.is_empty()).collect();
    if text.is_empty() { "Nothing fits.".to_owned() } else { text.join(" ") }
}

fn report(answer: &ToolAnswer) -> Vec<String> {
    let figures = &answer.figures;
    let mut said = vec![capital(&format!("{}.", answer.definition.trim_end_matches('.')))];
    if let Some(customers) = count(figures, "customers") {
        let mut sentence = format!("That is {}", formats::count(customers, "customer"));
        if let Some(share) = percent(figures, "share_of_customers") {
            sentence += &format!(", {share} of all");
        }
        if let Some(spend) = money(answer, figures, "spend") {
            sentence += &format!("; they spent {spend}");
        }
        said.push(sentence + ".");
    }
    said.extend(narrowed(answer));
    if let (Some(found), Some(examined)) = (count(figures, "found"), count(figures, "examined")) {
        said.push(format!(
            "Of {} who were looked at {} fit.",
            formats::count(examined, "customer"),
            formats::whole(found)
        ));
    }
    said.extend(revenue(answer));
    if answer.variant == "churn_risk" {
        said.extend(risk(figures));
    }
    let is_of_part = !figures["customers_about"].is_null();
    if let (Some(once), Some(more)) = (count(figures, "with_one_order"), count(figures, "with_more")) {
        let share =
            percent(figures, "repeat_share").map_or(String::new(), |share| format!(", that is {share}"));
        let customers = formats::count(once, "customer");
        said.push(match is_of_part {
            true => {
                format!("About {customers} ordered once, about {} more often{share}.", formats::whole(more))
            }
            false => format!("{customers} ordered once, {} more often{share}.", formats::whole(more)),
        });
    }
    if let Some(days) = figures["median_days"].as_f64() {
        said.push(format!("In the middle {} pass between orders.", formats::days(days)));
    }
    // A definition alone would not say that nothing was found.
    if answer.rows == 0 && said.len() == 1 {
        said.push("There are none.".to_owned());
    }
    let named: Vec<String> = answer.items.iter().take(NAMED).filter_map(|item| row(answer, item)).collect();
    if !named.is_empty() {
        let all = if answer.rows > named.len() { "The first are" } else { "They are" };
        said.push(format!("{all} {}.", named.join("; ")));
    }
    said.extend(end(answer));
    said
}

/// That a list is over, where somebody who goes on through it would not see why.
fn end(answer: &ToolAnswer) -> Option<String> {
    if answer.items.is_empty() && answer.rows > 0 {
        return Some("The list is over: it has no more rows.".to_owned());
    }
    let is_at_bound = answer.next_cursor.is_none() && answer.rows >= MAX_LIMIT as usize;
    is_at_bound.then(|| "The list ends here because it is as long as lists get; more could fit.".to_owned())
}

/// How large a list is that is narrowed down, and to which names.
fn narrowed(answer: &ToolAnswer) -> Vec<String> {
    let figures = &answer.figures;
    let Some(customers) = count(figures, "customers_about") else { return Vec::new() };
    let mut said = Vec::new();
    for (field, what) in [("archetype", "archetype"), ("segment", "segment")] {
        if let Some(name) = figures["filter_by"][field].as_str() {
            said.push(format!("The {what} is {}.", quoted(name)));
        }
    }
    if let Some(code) = figures["filter_by"]["country"].as_str() {
        let name = countries::name(code).map_or_else(|| quoted(code), str::to_owned);
        said.push(format!("The country is {name}."));
    }
    if customers == 0 && answer.rows == 0 {
        said.push("There are none.".to_owned());
        return said;
    }
    let mut sentence = format!("That is about {}", formats::count(customers, "customer"));
    if let Some(whole) = count(figures, "of_customers_about") {
        sentence += &format!(" of about {}", formats::whole(whole));
    }
    // "Who may leave" lists everybody of the group, those with the highest risk first.
    if answer.variant == "churn_risk" && figures["churn_band"].is_null() {
        sentence += ", whatever their risk";
    }
    if let Some(spend) = money(answer, figures, "spend_about") {
        sentence += &format!("; they spent about {spend}");
    }
    said.push(sentence + ".");
    said
}

/// Revenue of the time with that of the time before.
fn revenue(answer: &ToolAnswer) -> Option<String> {
    let figures = &answer.figures;
    let revenue = money(answer, figures, "revenue")?;
    let mut sentence = match answer.timeframe_months {
        Some(months) => format!("Revenue of {} was {revenue}", formats::last_months(months)),
        None => format!("Revenue was {revenue}"),
    };
    if let Some(before) = money(answer, figures, "revenue_before") {
        sentence += &format!(", in the equally long time before {before}");
        if let Some(change) = change(figures) {
            sentence += &format!(", so {change}");
        }
    }
    Some(sentence + ".")
}

/// The mean risk of leaving, and how many customers are in which band of it.
fn risk(figures: &Value) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(mean) = probability(figures, "mean_churn_probability") {
        said.push(format!("The mean probability of leaving is {mean}."));
    }
    if let Some(order @ ("spend" | "ltv" | "drift")) = figures["sorted_by"].as_str() {
        let by = match order {
            "ltv" => "expected spend",
            "drift" => "how far their behaviour moved",
            _ => "money spent",
        };
        let whom = if figures["churn_band"].is_null() { ", whatever their probability" } else { "" };
        said.push(format!("They are listed by {by}, the highest first{whom}."));
    }
    let groups = || figures["customers_by_band"].as_array().into_iter().flatten();
    let bands = groups().filter_map(|band| {
        Some(format!("{} {}", band["segment"].as_str()?, formats::whole(count(band, "customers")?)))
    });
    let bands: Vec<String> = bands.collect();
    let is_narrowed = !figures["customers_about"].is_null();
    if is_narrowed && !bands.is_empty() {
        said.push(format!("By their risk, about: {}.", bands.join(", ")));
    } else if is_narrowed {
        // How many there are was said, and everybody is in the one band.
    } else if let Some(wanted) = figures["churn_band"].as_str() {
        let of_band =
            groups().find(|band| band["segment"] == *wanted).and_then(|band| count(band, "customers"));
        said.push(match of_band {
            Some(customers) => {
                format!("{} have a risk of the band {wanted}.", formats::count(customers, "customer"))
            }
            None => format!("How many have a risk of the band {wanted} is withheld."),
        });
    } else if !bands.is_empty() {
        said.push(format!("Customers by their risk: {}.", bands.join(", ")));
    }
    said
}

/// "12 % more", of the growth of something.
fn change(of: &Value) -> Option<String> {
    let growth = of["growth"].as_f64()?;
    let size = formats::percent(growth.abs());
    Some(if growth < 0.0 { format!("{size} less") } else { format!("{size} more") })
}

/// A row in a few words: what it is called, and its most telling figure.
fn row(answer: &ToolAnswer, item: &Value) -> Option<String> {
    if let Some(id) = item["customer_id"].as_str() {
        let mut words = id.to_owned();
        if let Some(churn) = probability(item, "churn").or_else(|| probability(item, "churn_probability")) {
            words += &format!(" with a probability of leaving of {churn}");
        }
        for field in ["change", "spend", "paid"] {
            if let Some(amount) = money(answer, item, field) {
                words += &format!(" ({field} {amount})");
                break;
            }
        }
        words += &last_order(answer, item).unwrap_or_default();
        return Some(words);
    }
    if let (Some(one), Some(other)) = (item["item"].as_str(), item["with"].as_str()) {
        let confidence = percent(item, "confidence")?;
        return Some(format!(
            "{} with {} ({confidence} of the orders with the former)",
            quoted(one),
            quoted(other)
        ));
    }
    let name = ["category", "segment", "archetype", "class", "months"].into_iter().find_map(|field| {
        item.get(field).map(|name| name.as_str().map_or("without a name".to_owned(), quoted))
    });
    let name = name.or_else(|| {
        let from = count(item, "from_days")?;
        Some(match count(item, "to_days") {
            Some(to) => format!("{from} to {to} days"),
            None => format!("{} and more", formats::count(from, "day")),
        })
    })?;
    let revenue = money(answer, item, "revenue").map(|revenue| match change(item) {
        Some(change) => format!("{revenue} ({change} than before)"),
        None => revenue,
    });
    let told = revenue
        .or_else(|| percent(item, "rate"))
        .or_else(|| Some(formats::count(count(item, "customers")?, "customer")));
    Some(match told {
        Some(told) => format!("{name} with {told}"),
        None => format!("{name} (withheld)"),
    })
}

/// What a customer bought last, where that was asked for.
fn last_order(answer: &ToolAnswer, item: &Value) -> Option<String> {
    let names = |field: &str| -> Vec<String> {
        let all = item.get(field).and_then(Value::as_array).into_iter().flatten();
        all.filter_map(Value::as_str).take(NAMED).map(quoted).collect()
    };
    item.get("last_order_products")?;
    let mut words = format!(", who bought last on {}", formats::day(day_of(item, "last_order_on")?));
    if let Some(value) = money(answer, item, "last_order_value") {
        words += &format!(" for {value}");
    }
    let (products, categories) = (names("last_order_products"), names("last_order_categories"));
    let what = if products.is_empty() { categories } else { products };
    if !what.is_empty() {
        words += &format!(": {}", what.join(", "));
    }
    Some(words)
}

fn forecast(answer: &ToolAnswer) -> Vec<String> {
    let mut said = vec![capital(&format!("{}.", answer.definition.trim_end_matches('.')))];
    let value = |item: &Value, field: &str| match answer.variant.as_str() {
        "churn_rate" => percent(item, field),
        "customer_count" => item[field].as_f64().map(formats::number),
        _ => money(answer, item, field),
    };
    // The month that is running comes before those that were asked for.
    for item in answer.items.iter().take(NAMED + 1) {
        let Some(month) = day_of(item, "month") else { continue };
        if let (Some(middle), Some(low), Some(high)) =
            (value(item, "value"), value(item, "low"), value(item, "high"))
        {
            let is_running = (month.year(), month.month()) == (answer.as_of.year(), answer.as_of.month());
            let month = formats::month(month);
            let month = if is_running { format!("{month}, which is not over") } else { month };
            said.push(format!("For {month}: {middle}, probably between {low} and {high}."));
        }
    }
    said
}

fn one_customer(answer: &ToolAnswer) -> Vec<String> {
    let figures = &answer.figures;
    let id = figures["customer_id"].as_str().unwrap_or_default();
    let mut said = Vec::new();
    match answer.variant.as_str() {
        "profile" => {
            said.push(match figures["who"].as_str() {
                Some(who) => format!("{id} is {}.", quoted(who)),
                None => format!("Of {id} it is not known who they are."),
            });
            let currencies: Vec<String> =
                figures["by_currency"].as_array().into_iter().flatten().filter_map(of_currency).collect();
            if !currencies.is_empty() {
                said.push(format!("They spent {}.", currencies.join(" and ")));
            } else if let (Some(orders), Some(spend)) =
                (count(figures, "orders"), money(answer, figures, "spend"))
            {
                said.push(format!("In {} they spent {spend}.", formats::count(orders, "order")));
            }
            if let Some(last) = day_of(figures, "last_order_on") {
                said.push(format!("The last order was on {}.", formats::day(last)));
            }
            if let Some(churn) = probability(figures, "churn_probability") {
                said.push(format!("The probability of leaving is {churn}."));
            }
        }
        "churn_risk" => {
            if let Some(churn) = probability(figures, "probability") {
                let days = count(figures, "horizon_days")
                    .map(|days| format!(" within {}", formats::count(days, "day")))
                    .unwrap_or_default();
                said.push(format!("{id} orders no more{days} with a probability of {churn}."));
            }
            let reasons = figures["reasons"].as_array().into_iter().flatten().filter_map(Value::as_str);
            said.extend(reasons.take(NAMED).map(str::to_owned));
        }
        "ltv_forecast" => {
            if let Some(value) = money(answer, figures, "value") {
                said.push(format!("{id} is expected to spend {value}."));
            }
            if let (Some(low), Some(high)) = (money(answer, figures, "low"), money(answer, figures, "high")) {
                said.push(format!("It lies between {low} and {high} most of the time."));
            }
        }
        "segment" => {
            if let Some(name) = figures["name"].as_str() {
                said.push(format!("{id} is of the archetype {}.", quoted(name)));
            }
            let segments: Vec<String> = answer
                .items
                .iter()
                .filter_map(|item| {
                    Some(format!(
                        "{}: {}",
                        item["axis"].as_str()?.replace('_', " "),
                        quoted(item["segment"].as_str()?)
                    ))
                })
                .collect();
            if !segments.is_empty() {
                said.push(format!("Segments: {}.", segments.join("; ")));
            }
        }
        "purchase_history" => {
            let orders: Vec<String> = answer
                .items
                .iter()
                .take(NAMED)
                .filter_map(|item| {
                    let products: Vec<String> = item["products"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter_map(Value::as_str)
                        .take(NAMED)
                        .map(quoted)
                        .collect();
                    let amount = formats::money(item.get("amount")?, item["currency"].as_str())?;
                    let what = if products.is_empty() {
                        String::new()
                    } else {
                        format!(" for {}", products.join(", "))
                    };
                    Some(format!("on {} {amount}{what}", formats::day(day_of(item, "ordered_on")?)))
                })
                .collect();
            said.push(format!("The last orders of {id}: {}.", orders.join("; ")));
        }
        _ => {
            let items: Vec<String> = answer
                .items
                .iter()
                .take(NAMED)
                .filter_map(|item| item["item"].as_str())
                .map(quoted)
                .collect();
            said.push(match items.is_empty() {
                true => format!("There is nothing to recommend to {id}."),
                false => format!("For {id}: {}.", items.join("; ")),
            });
        }
    }
    said
}

/// "120.00 USD in 3 orders", of what a customer ordered in one currency.
fn of_currency(one: &Value) -> Option<String> {
    let spend = formats::money(one.get("spend")?, one["currency"].as_str())?;
    Some(format!("{spend} in {}", formats::count(count(one, "orders")?, "order")))
}

/// A name as it is, in quotation marks; it is somebody's text.
fn quoted(name: &str) -> String {
    format!("\u{201c}{name}\u{201d}")
}

fn count(of: &Value, field: &str) -> Option<i64> {
    of.get(field)?.as_i64()
}

fn percent(of: &Value, field: &str) -> Option<String> {
    Some(formats::percent(of.get(field)?.as_f64()?))
}

fn probability(of: &Value, field: &str) -> Option<String> {
    Some(formats::probability(of.get(field)?.as_f64()?))
}

fn money(answer: &ToolAnswer, of: &Value, field: &str) -> Option<String> {
    formats::money(of.get(field)?, answer.currency.as_deref())
}

fn day_of(of: &Value, field: &str) -> Option<NaiveDate> {
    of.get(field)?.as_str()?.parse().ok()
}

/// A sentence's beginning.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::verifier::known::Known;
    use crate::verifier::verify;

    fn answer(tool: &str, variant: &str, figures: Value, items: Value) -> ToolAnswer {
        let rows = items.as_array().map_or(0, Vec::len);
        serde_json::from_value(json!({
            "tool": tool, "variant": variant, "definition": "what it means", "available": true, "reason": null,
            "as_of": "2026-06-15", "computed_at": "2026-06-15T00:00:00Z", "timeframe_months": 3, "currency": "EUR",
            "figures": figures, "items": items, "rows": rows, "next_cursor": null, "withheld": 0, "caveats": [],
            "cost": {"rows_read": 1, "lines_at_most": 1, "seconds_at_most": 1, "remembered": false},
        }))
        .expect("an answer")
    }

    /// The text of an answer, of which the verifier takes nothing away.
    fn told(answer: &ToolAnswer) -> String {
        let text = of(answer);
        assert_eq!(verify(&text, &Known::of([answer]), &[]).text, text);
        text
    }

    #[test]
    fn figures_are_told_as_people_write_them() {
        let revenue = answer(
            "analyze_products",
            "revenue_by_category",
            json!({"revenue": "1234567.5", "revenue_before": "1000000.00", "growth": 0.2345675}),
            json!([{"category": "tea", "revenue": "1234.5", "growth": -0.5}]),
        );
        assert_eq!(
            told(&revenue),
            "What it means. Revenue of the last 3 months was 1,234,567.50 EUR, in the equally long time before 1,000,000.00 EUR, \
             so 23.5 % more. They are \u{201c}tea\u{201d} with 1,234.50 EUR (50 % less than before)."
        );
        let one = answer(
            "analyze_customers",
            "high_value",
            json!({"customers": 1, "share_of_customers": 0.0004}),
            json!([]),
        );
        assert_eq!(told(&one), "What it means. That is 1 customer, 0.04 % of all.");
        let risk = answer(
            "analyze_customers",
            "churn_risk",
            json!({"mean_churn_probability": 0.5, "customers_by_band": [
                {"segment": "low", "customers": 12345}, {"segment": "high", "customers": null}]}),
            json!([]),
        );
        assert_eq!(
            told(&risk),
            "What it means. The mean probability of leaving is 50 %. Customers by their risk: low 12,345."
        );
        let band = answer(
            "analyze_customers",
            "churn_risk",
            json!({"mean_churn_probability": null, "churn_band": "high", "sorted_by": "spend", "customers_by_band": [
                {"segment": "low", "customers": 12345}, {"segment": "high", "customers": 31}]}),
            json!([]),
        );
        assert_eq!(
            told(&band),
            "What it means. They are listed by money spent, the highest first. \
             31 customers have a risk of the band high."
        );
        let vips = answer(
            "analyze_customers",
            "churn_risk",
            json!({"filter_by": {"group": "vip", "segment": "summer 2026", "country": "DE"}, "customers_about": 40, "of_customers_about": 4000,
                   "spend_about": 12300.0, "sorted_by": "churn", "churn_band": null,
                   "customers_by_band": [{"segment": "low", "customers": 25}, {"segment": "high", "customers": 15}]}),
            json!([{"customer_id": "C-0123ABCD", "churn": 0.71, "spend": "812.50", "last_order_on": "2026-03-10",
                    "last_order_value": "45.00", "last_order_products": ["mug 2000", "green"], "last_order_categories": ["tea"]}]),
        );
        assert_eq!(
            told(&vips),
            "What it means. The segment is \u{201c}summer 2026\u{201d}. The country is Germany. That is about 40 customers of about 4,000, whatever their \
             risk; they spent about 12,300.00 EUR. By their risk, about: low 25, high 15. They are C-0123ABCD with a probability of leaving of 71 % \
             (spend 812.50 EUR), who bought last on 10 March 2026 for 45.00 EUR: \u{201c}mug 2000\u{201d}, \u{201c}green\u{201d}."
        );
        let certain = answer(
            "analyze_customers",
            "churn_risk",
            json!({"mean_churn_probability": 0.9996}),
            json!([{"customer_id": "C-0123ABCD", "churn": 0.0001}, {"customer_id": "C-0123ABCE", "churn": 0.9999}]),
        );
        assert_eq!(
            told(&certain),
            "What it means. The mean probability of leaving is over 99.9 %. They are C-0123ABCD with a probability of \
             leaving of under 0.1 %; C-0123ABCE with a probability of leaving of over 99.9 %."
        );
        let together = answer("analyze_customers", "product_affinity", json!({}), json!([]));
        assert_eq!(told(&together), "What it means. There are none.");
    }

    #[test]
    fn the_end_of_a_list_is_told() {
        let items: Vec<Value> = (0..100).map(|_| json!({"customer_id": "C-0123ABCD"})).collect();
        let whole = answer("analyze_customers", "high_value", json!({}), json!(items));
        let (over, bound) = ("The list is over: it has no more rows.", "as long as lists get");
        assert!(told(&whole.page(100, 0)).contains(bound));
        assert!(told(&whole.page(10, 90)).contains(bound));
        let before = told(&whole.page(10, 80));
        assert!(!before.contains(bound) && !before.contains(over), "{before}");
        assert!(told(&whole.page(10, 100)).ends_with(over));
        let short = answer("analyze_customers", "high_value", json!({}), json!(items[..12]));
        let last = told(&short.page(10, 10));
        assert!(!last.contains(bound) && !last.contains(over), "{last}");
        assert!(told(&short.page(10, 20)).ends_with(over));
    }

    #[test]
    fn months_and_days_have_names() {
        let month = |month: &str, value: f64| json!({"month": month, "value": value, "low": value - 1.0, "high": value + 1.0});
        let ahead = answer(
            "forecast_metrics",
            "customer_count",
            json!({}),
            json!([month("2026-06-01", 1234.4), month("2026-07-01", 3.4)]),
        );
        assert_eq!(
            told(&ahead),
            "What it means. For June 2026, which is not over: 1,234, probably between 1,233 and 1,235. \
             For July 2026: 3.4, probably between 2.4 and 4.4."
        );
        let history = answer(
            "lookup_customer",
            "purchase_history",
            json!({"customer_id": "C-0123ABCD"}),
            json!([{"ordered_on": "2026-03-10", "amount": "8120.5", "currency": "USD", "products": ["mug 2000"]}]),
        );
        assert_eq!(
            told(&history),
            "The last orders of C-0123ABCD: on 10 March 2026 8,120.50 USD for \u{201c}mug 2000\u{201d}."
        );
    }
}
