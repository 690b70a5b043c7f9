//! The coming months of a metric, as they were forecast last.

use chrono::Datelike;
use database::Tx;
use platform::analytics::forecasts::{self, Metric, NO_METHOD};
use platform::analytics::{AnalyticsError, Standing};
use serde_json::{Value, json};

use super::Raw;
use crate::text::formats;
use crate::tools::protect::Form;

/// Said when there is no forecast yet.
pub(crate) const NO_FORECAST: &str = "no forecast was made yet; one was asked for and is there in a minute";

/// The forecast of a metric.
///
/// # Errors
/// There is none, or the database does not answer.
pub(super) async fn make(
    tx: &mut Tx,
    standing: &Standing,
    metric: Metric,
    ahead: usize,
) -> Result<Raw, AnalyticsError> {
    let Some((found, made_at)) = forecasts::latest(tx, standing.tenant, metric).await? else {
        return Err(AnalyticsError::NotEnough(NO_FORECAST.to_owned()));
    };
    if found.method == NO_METHOD {
        let reason = found.backtest["reason"].as_str().unwrap_or("the months do not suffice for a forecast");
        return Err(AnalyticsError::NotEnough(reason.to_owned()));
    }
    let counts = forecasts::latest(tx, standing.tenant, Metric::CustomerCount).await?;
    let few = |month: chrono::NaiveDate| {
        let history = counts.iter().flat_map(|(counts, _)| &counts.history);
        history.filter(|past| past.month == month).map(|past| past.value as i64).next().unwrap_or(0)
    };
    // How many customers stand behind a month decides whether it is told.
    let past: Vec<Value> = (found.history.iter().rev().take(24).rev())
        .map(|past| json!({"month": past.month, "value": past.value, "customers": few(past.month)}))
        .collect();
    let figures = json!({
        "metric": metric.name(),
        "made_on": found.made_on,
        "method": found.method,
        "interval": 0.8,
        "scores": found.backtest["scores"],
        "history": past,
    });
    // The month that is running is forecast as well: whoever asks for the next one means the one after it.
    let this_month = standing.as_of.with_day(1).unwrap_or(standing.as_of);
    let running = found.points.iter().take_while(|point| point.month <= this_month).count();
    let items = found.points.iter().take(running + ahead).map(|point| {
        let money = |value: f64| if metric.is_money() { (value * 100.0).round() / 100.0 } else { value };
        json!({"month": point.month, "value": money(point.value), "low": money(point.low), "high": money(point.high)})
    });
    let mut caveats = vec!["Four of five months are expected to fall between low and high.".to_owned()];
    if found.made_on < standing.as_of {
        caveats.push(format!(
            "The forecast was made on {}; today's was asked for.",
            formats::day(found.made_on)
        ));
    }
    let reached = found.points.len().saturating_sub(running);
    if reached < ahead {
        let months = formats::count(i64::try_from(reached).unwrap_or(i64::MAX), "month");
        caveats.push(format!("The forecast reaches {months} ahead."));
    }
    Ok(Raw {
        figures,
        items: items.collect(),
        form: Form::Plain,
        counts: &[],
        groups: None,
        caveats,
        cells: None,
        classes: None,
        computed_at: Some(made_at),
    })
}
