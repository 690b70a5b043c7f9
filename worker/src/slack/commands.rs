//! Answers to what is asked in chat: `/churn-check <customer>`, `/segment-info <archetype>`, `/forecast <metric> <months>`
//! and `/tickets`, as slash commands or as words to the bot; what is no command is a question in plain words, which is
//! answered where all questions are. Pure of Slack: it reads what any page of the desk shows, and
//! names customers by names that tell nothing of them.

use chrono::Utc;
use database::Role;
use database::ids::TenantId;
use outbound::slack::blocks::{Blocks, escaped};
use outbound::slack::chart::{self, Chart};
use platform::analytics::forecasts::{self, Metric, NO_METHOD};
use platform::anonymous_ids;
use platform::insights::catalog::{Archetype, Catalog, Catalogs};
use platform::insights::{Answer, InsightError, current, customer};
use questions::text::formats;
use serde_json::json;
use support::tickets::list::{self, Filter, Order};

use super::Written;
use crate::app::App;
use crate::outcome::Stop;

/// Tickets that are listed.
const TICKETS: i64 = 15;
/// Months that are forecast when nothing is said, and at most.
const MONTHS: usize = 3;
const MOST_MONTHS: usize = 12;
/// Characters of a question that are looked at.
const QUESTION_CHARS: usize = 300;

/// What is no question by itself.
const COMMANDS: [&str; 6] = ["ask", "churn-check", "segment-info", "forecast", "tickets", "help"];

/// Answers a command by its name, without the slash.
///
/// # Errors
/// The database failed.
pub async fn answer(app: &App, tenant: TenantId, name: &str, text: &str) -> Result<Written, Stop> {
    let text: String = text.trim().chars().take(QUESTION_CHARS).collect();
    match name {
        "churn-check" => churn_check(app, tenant, &text).await,
        "segment-info" => segment_info(app, tenant, &text).await,
        "forecast" => forecast(app, tenant, &text).await,
        "tickets" => tickets(app, tenant).await,
        _ => Ok(help()),
    }
}

/// The question in plain words that somebody asks; none when it is a command, or a single word that is none.
pub fn question(name: &str, text: &str) -> Option<String> {
    let text = text.trim();
    match name {
        _ if text.is_empty() => None,
        command if command != "ask" && COMMANDS.contains(&command) => None,
        "ask" => Some(text.to_owned()),
        first => Some(format!("{first} {text}")),
    }
}

/// Whether a single word that is no command may go on from what was asked before.
pub fn may_go_on(name: &str, text: &str) -> bool {
    text.trim().is_empty() && !name.is_empty() && !COMMANDS.contains(&name)
}

/// What can be asked.
pub fn help() -> Written {
    let lines = [
        "`/ask which VIPs are about to leave?`: a question in plain words; to the bot the words alone do",
        "`/churn-check C-7K3M9Q2A`: how likely a customer is to leave, and why",
        "`/segment-info NAME`: how customers of an archetype behave, and how many they are",
        "`/forecast revenue 3`: the months ahead; also customer_count, average_ltv, churn_rate",
        "`/tickets`: what comes first now",
    ];
    said("What can be asked", &lines.join("\n"))
}

fn said(title: &str, markup: &str) -> Written {
    let blocks = Blocks::default().section(&format!("*{title}*\n{markup}")).finish();
    Written { text: title.to_owned(), blocks }
}

async fn churn_check(app: &App, tenant: TenantId, asked: &str) -> Result<Written, Stop> {
    if asked.is_empty() {
        return Ok(said(
            "Which customer?",
            "Write `/churn-check` and a customer, such as `C-7K3M9Q2A` or the shop's own id.",
        ));
    }
    let key = app.desk.key(tenant);
    let mut tx = app.db.tenant_tx(Role::Platform, tenant).await?;
    let known = anonymous_ids::named(&mut tx, &key, asked).await?;
    let id = known.unwrap_or_else(|| asked.to_owned());
    let found = customer::find(&mut tx, &id).await?;
    let Some(found) = found else {
        tx.commit().await?;
        return Ok(said("No such customer", "Nobody has this id or name."));
    };
    let catalog = match current::current(&mut tx).await.map_err(insight)?.and_then(|run| run.segmentation) {
        Some(segmentation) => {
            Catalogs::default().get(&mut tx, tenant, segmentation).await.map_err(insight)?
        }
        None => None,
    };
    let names = anonymous_ids::of_customers(&mut tx, &key, std::slice::from_ref(&id)).await?;
    tx.commit().await?;

    let profile = found.profile(catalog.as_deref());
    let name = names.get(&id).map_or_else(|| "a customer".to_owned(), ToString::to_string);
    let mut rows = Vec::new();
    match &profile.churn {
        Answer::Known(churn) => {
            let days = churn.horizon_days.map_or_else(String::new, |days| format!(" within {days} days"));
            rows.push(vec![
                "leaves".to_owned(),
                format!("{}{days}", formats::probability(churn.probability)),
            ]);
            rows.push(vec!["risk".to_owned(), churn.band.name().to_owned()]);
        }
        Answer::Missing(why) => rows.push(vec!["risk".to_owned(), why.clone()]),
    }
    if let Answer::Known(ltv) = &profile.ltv {
        let value = formats::money(&json!(ltv.value), ltv.currency.as_deref()).unwrap_or_default();
        rows.push(vec!["will spend".to_owned(), value]);
    }
    if let Answer::Known(archetype) = &profile.archetype {
        rows.push(vec!["is like".to_owned(), archetype.name.clone()]);
    }
    if let Some(purchases) = &profile.purchases {
        let spend =
            formats::money(&json!(purchases.spend), purchases.currency.as_deref()).unwrap_or_default();
        let orders = formats::count(i64::from(purchases.orders), "order");
        rows.push(vec!["bought".to_owned(), format!("{orders}, {spend}")]);
        if let Some(day) = purchases.last_order_on {
            rows.push(vec!["last order".to_owned(), day.to_string()]);
        }
    }
    let title = format!("Customer {name}");
    let mut blocks = Blocks::default().header(&title).table(&["what", "is"], &rows);
    if let Answer::Known(churn) = &profile.churn
        && let Some(reasons) = churn.reasons.as_ref().and_then(serde_json::Value::as_array)
    {
        let lines: Vec<String> = reasons
            .iter()
            .filter_map(|reason| reason.as_str().or_else(|| reason["sentence"].as_str()))
            .take(5)
            .map(|reason| format!("\u{2022} {}", escaped(reason)))
            .collect();
        if !lines.is_empty() {
            blocks = blocks.section(&lines.join("\n"));
        }
    }
    let as_of =
        profile.as_of.map_or_else(|| "not computed yet".to_owned(), |day| format!("orders up to {day}"));
    Ok(Written { text: title, blocks: blocks.context(&as_of).finish() })
}

async fn segment_info(app: &App, tenant: TenantId, asked: &str) -> Result<Written, Stop> {
    let mut tx = app.db.tenant_tx(Role::Platform, tenant).await?;
    let Some(run) = current::current(&mut tx).await.map_err(insight)? else {
        return Ok(said("Nothing was computed yet", "The first night run finds out how customers behave."));
    };
    let catalog = match run.segmentation {
        Some(segmentation) => {
            Catalogs::default().get(&mut tx, tenant, segmentation).await.map_err(insight)?
        }
        None => None,
    };
    tx.commit().await?;
    let Some(catalog) = catalog else {
        return Ok(said(
            "There are no archetypes yet",
            "They need more customers with three orders or more.",
        ));
    };
    let sized = |index: usize| run.population.archetype(&catalog, index);
    let Some((index, archetype)) = named(&catalog, asked) else {
        let mut all: Vec<(usize, &Archetype)> = catalog.archetypes.iter().enumerate().collect();
        all.sort_by_key(|(index, _)| std::cmp::Reverse(sized(*index)));
        let rows: Vec<Vec<String>> = all
            .iter()
            .take(20)
            .map(|(index, one)| vec![one.name.clone(), sized(*index).to_string()])
            .collect();
        let title =
            if asked.is_empty() { "Archetypes" } else { "No archetype has this name; these are there" };
        let blocks =
            Blocks::default().section(&format!("*{title}*")).table(&["archetype", "customers"], &rows);
        return Ok(Written { text: title.to_owned(), blocks: blocks.finish() });
    };
    let customers = sized(index);
    let share = run
        .population
        .share(customers)
        .map_or_else(String::new, |share| format!(", {} of all", formats::percent(share)));
    let rows: Vec<Vec<String>> = archetype
        .segments
        .iter()
        .map(|(axis, segment)| vec![axis.replace('_', " "), segment.clone()])
        .collect();
    let blocks = Blocks::default()
        .header(&archetype.name)
        .section(&escaped(&catalog.description(archetype)))
        .table(&["axis", "segment"], &rows)
        .context(&format!("{customers} customers{share}; orders up to {}", run.as_of));
    Ok(Written { text: archetype.name.clone(), blocks: blocks.finish() })
}

/// The archetype of this id or name; in any case, and by its beginning when only one has it.
fn named<'a>(catalog: &'a Catalog, asked: &str) -> Option<(usize, &'a Archetype)> {
    let asked = asked.to_lowercase();
    if asked.is_empty() {
        return None;
    }
    let all = || catalog.archetypes.iter().enumerate();
    let exact = all().find(|(_, one)| one.id == asked || one.name.to_lowercase() == asked);
    exact.or_else(|| {
        let mut found = all().filter(|(_, one)| one.name.to_lowercase().contains(&asked));
        found.next().filter(|_| found.next().is_none())
    })
}

async fn forecast(app: &App, tenant: TenantId, asked: &str) -> Result<Written, Stop> {
    let mut words = asked.split_whitespace();
    let Some(metric) = words.next().and_then(|word| word.to_lowercase().parse::<Metric>().ok()) else {
        let names: Vec<String> = Metric::ALL.iter().map(|metric| format!("`{metric}`")).collect();
        return Ok(said(
            "Which metric?",
            &format!("Write `/forecast` and one of {}, and how many months.", names.join(", ")),
        ));
    };
    let months = words.next().and_then(|word| word.parse().ok()).unwrap_or(MONTHS).clamp(1, MOST_MONTHS);
    let mut tx = app.db.tenant_tx(Role::Platform, tenant).await?;
    let known = forecasts::latest(&mut tx, tenant, metric).await?;
    tx.commit().await?;
    let Some((known, made_at)) = known.filter(|(known, _)| known.method != NO_METHOD) else {
        return Ok(said("There is no forecast yet", "It needs a year of orders, and is made every night."));
    };
    let value = |value: f64| {
        if metric == Metric::ChurnRate { formats::percent(value) } else { format!("{value:.2}") }
    };
    let past = known.history.iter().rev().take(MONTHS).rev();
    let rows: Vec<Vec<String>> = past
        .map(|past| vec![past.month.format("%Y-%m").to_string(), value(past.value), String::new()])
        .chain(known.points.iter().take(months).map(|ahead| {
            let interval = format!("{} to {}", value(ahead.low), value(ahead.high));
            vec![ahead.month.format("%Y-%m").to_string(), value(ahead.value), interval]
        }))
        .collect();
    let history: Vec<f64> = known.history.iter().map(|past| past.value).collect();
    let ahead: Vec<[f64; 3]> =
        known.points.iter().take(months).map(|ahead| [ahead.value, ahead.low, ahead.high]).collect();
    let picture = Chart::of(&history, &ahead).and_then(|chart| {
        chart::address(app.public_url.as_deref(), &chart.token(&app.master_key, Utc::now()))
    });
    let title = format!("Forecast of {}", metric.name().replace('_', " "));
    let currency =
        known.backtest["currency"].as_str().map_or_else(String::new, |currency| format!(", in {currency}"));
    let mut blocks = Blocks::default().header(&title);
    if let Some(address) = picture {
        let says = format!(
            "{title}: a line of the months that are over, then {} months ahead with the band in which 8 of 10 fall",
            ahead.len()
        );
        blocks = blocks.image(&address, &says);
    }
    let blocks = blocks.table(&["month", "value", "80 % interval"], &rows).context(&format!(
        "{}{currency}; made {}",
        metric.definition(),
        made_at.format("%Y-%m-%d")
    ));
    Ok(Written { text: title, blocks: blocks.finish() })
}

/// What comes first at the desk, without a word of its customers.
pub async fn tickets(app: &App, tenant: TenantId) -> Result<Written, Stop> {
    let mut tx = app.db.tenant_tx(Role::Support, tenant).await?;
    let found = list::list(&mut tx, &Filter::default(), Order::Smart, None, TICKETS).await?;
    tx.commit().await?;
    if found.is_empty() {
        return Ok(said("No ticket waits", "Everything is answered."));
    }
    let now = Utc::now();
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|whole| {
            let due = whole.sla_due_at.map_or_else(String::new, |due| in_words(due - now));
            let owner = if whole.assignee_id.is_some() { "somebody" } else { "nobody" };
            vec![
                format!("#{}", whole.ticket.number),
                whole.ticket.priority.clone(),
                whole.ticket.channel.clone(),
                owner.to_owned(),
                due,
            ]
        })
        .collect();
    let title = "What comes first now".to_owned();
    let blocks = Blocks::default()
        .header(&title)
        .table(&["ticket", "priority", "channel", "of", "due"], &rows)
        .finish();
    Ok(Written { text: title, blocks })
}

fn in_words(left: chrono::Duration) -> String {
    let minutes = left.num_minutes();
    let length = if minutes.abs() < 120 {
        format!("{} min", minutes.abs())
    } else {
        format!("{} h", minutes.abs() / 60)
    };
    if minutes < 0 { format!("{length} ago") } else { format!("in {length}") }
}

fn insight(error: InsightError) -> Stop {
    match error {
        InsightError::Db(error) => error.into(),
        error => Stop::fail("insight", &error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_said_shortly() {
        assert_eq!(in_words(chrono::Duration::minutes(90)), "in 90 min");
        assert_eq!(in_words(chrono::Duration::minutes(-150)), "2 h ago");
    }
}
