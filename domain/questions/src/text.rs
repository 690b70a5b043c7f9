//! A tool's answer in sentences, out of its own figures and nothing else: what is said where no model is asked.

use serde_json::Value;

use crate::tools::ToolAnswer;

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
        let mut sentence = format!("That is {customers} customers");
        if let Some(share) = percent(figures, "share_of_customers") {
            sentence += &format!(", {share} of all");
        }
        if let Some(spend) = money(answer, figures, "spend") {
            sentence += &format!("; they spent {spend}");
        }
        said.push(sentence + ".");
    }
    if let (Some(found), Some(examined)) = (count(figures, "found"), count(figures, "examined")) {
        said.push(format!("{found} of {examined} who were looked at fit."));
    }
    if let Some(revenue) = money(answer, figures, "revenue") {
        let mut sentence = format!("Revenue was {revenue}");
        if let Some(before) = money(answer, figures, "revenue_before") {
            sentence += &format!(", in the period before {before}");
        }
        said.push(sentence + ".");
    }
    if let Some(mean) = percent(figures, "mean_churn_probability").filter(|_| answer.variant == "churn_risk")
    {
        said.push(format!("The mean probability of leaving is {mean}."));
    }
    if let Some(days) = figures["median_days"].as_f64() {
        said.push(format!("In the middle {days} days pass between orders."));
    }
    let named: Vec<String> = answer.items.iter().take(NAMED).filter_map(|item| row(answer, item)).collect();
    if !named.is_empty() {
        let all = if answer.rows > named.len() { "The first are" } else { "They are" };
        said.push(format!("{all} {}.", named.join("; ")));
    }
    said
}

/// A row in a few words: what it is called, and its most telling figure.
fn row(answer: &ToolAnswer, item: &Value) -> Option<String> {
    if let Some(id) = item["customer_id"].as_str() {
        let mut words = id.to_owned();
        if let Some(churn) = percent(item, "churn").or_else(|| percent(item, "churn_probability")) {
            words += &format!(" with a probability of leaving of {churn}");
        }
        for field in ["change", "spend", "paid"] {
            if let Some(amount) = money(answer, item, field) {
                words += &format!(" ({field} {amount})");
                break;
            }
        }
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
            None => format!("{from} days and more"),
        })
    })?;
    let told = money(answer, item, "revenue")
        .or_else(|| percent(item, "rate"))
        .or_else(|| Some(format!("{} customers", count(item, "customers")?)));
    Some(match told {
        Some(told) => format!("{name} with {told}"),
        None => format!("{name} (withheld)"),
    })
}

fn forecast(answer: &ToolAnswer) -> Vec<String> {
    let mut said = vec![capital(&format!("{}.", answer.definition.trim_end_matches('.')))];
    let value = |item: &Value, field: &str| match answer.variant.as_str() {
        "churn_rate" => percent(item, field),
        "customer_count" => item[field].as_f64().map(|value| format!("{value:.0}")),
        _ => money(answer, item, field),
    };
    for item in answer.items.iter().take(NAMED) {
        let month = item["month"].as_str().unwrap_or_default();
        if let (Some(middle), Some(low), Some(high)) =
            (value(item, "value"), value(item, "low"), value(item, "high"))
        {
            said.push(format!("For the month from {month} {middle} is expected, between {low} and {high}."));
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
            if let (Some(orders), Some(spend)) = (count(figures, "orders"), money(answer, figures, "spend")) {
                said.push(format!("Orders: {orders}, spend {spend}."));
            }
            if let Some(last) = figures["last_order_on"].as_str() {
                said.push(format!("The last order was on {last}."));
            }
            if let Some(churn) = percent(figures, "churn_probability") {
                said.push(format!("The probability of leaving is {churn}."));
            }
        }
        "churn_risk" => {
            if let Some(churn) = percent(figures, "probability") {
                let days = count(figures, "horizon_days")
                    .map(|days| format!(" within {days} days"))
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
                    let amount = plain(item, "amount")?;
                    let what = if products.is_empty() {
                        String::new()
                    } else {
                        format!(" for {}", products.join(", "))
                    };
                    Some(format!(
                        "on {} {amount} {}{what}",
                        item["ordered_on"].as_str()?,
                        item["currency"].as_str()?
                    ))
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

/// A name as it is, in quotation marks; it is somebody's text.
fn quoted(name: &str) -> String {
    format!("\u{201c}{name}\u{201d}")
}

fn count(of: &Value, field: &str) -> Option<i64> {
    of.get(field)?.as_i64()
}

/// A share as a percentage with at most one place.
fn percent(of: &Value, field: &str) -> Option<String> {
    let share = of.get(field)?.as_f64()?;
    let percent = format!("{:.1}", share * 100.0);
    Some(format!("{} %", percent.strip_suffix(".0").unwrap_or(&percent)))
}

fn plain(of: &Value, field: &str) -> Option<String> {
    let value = of.get(field)?;
    value.as_str().map(str::to_owned).or_else(|| value.as_f64().map(|number| format!("{number:.2}")))
}

fn money(answer: &ToolAnswer, of: &Value, field: &str) -> Option<String> {
    let amount = plain(of, field)?;
    let currency = answer.currency.as_deref().unwrap_or_default();
    Some(format!("{amount} {currency}").trim_end().to_owned())
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}
