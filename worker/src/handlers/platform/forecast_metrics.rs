//! Reads the tenant's months in one pass, forecasts every metric, and stores all of them together. Run again on the
//! same day it writes the same rows.

use std::sync::Arc;

use chrono::{DateTime, Months, NaiveDate, Utc};
use database::ids::TenantId;
use database::{Db, DbError, Role};
use intelligence::forecast::{self as model, Limits};
use platform::analytics::forecasts::{self, Ahead, Forecast, Metric, NO_METHOD, Past};
use platform::analytics::months::{Month, months};
use platform::analytics::{AnalyticsError, Effort, Standing, bound};
use platform::kinds::ForecastMetrics;
use platform::kinds::forecast_metrics::{ForecastMetricsOutput, ForecastOutcome};
use serde_json::json;
use uuid::Uuid;

use crate::{
    app::App,
    context::Ctx,
    outcome::{Outcome, done},
};

/// Months ahead that are stored.
const HORIZON: usize = 24;

/// So many months of history at most are learnt from: a shop of ten years ago was another shop.
const HISTORY: usize = 60;

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, _job: ForecastMetrics) -> Outcome<ForecastMetricsOutput> {
    done(forecast_all(&app.db, ctx.tenant, ctx.job_id, Utc::now()).await?)
}

async fn forecast_all(
    db: &Db,
    tenant: TenantId,
    job: Uuid,
    now: DateTime<Utc>,
) -> Result<ForecastMetricsOutput, DbError> {
    let mut tx = db.tenant_tx(Role::Platform, tenant).await?;
    bound(&mut tx, Effort::Night).await?;
    let standing = Standing::read(&mut tx, tenant, now).await?;
    let history = match months(&mut tx, &standing).await {
        Ok(history) => Ok(history),
        Err(AnalyticsError::NotEnough(reason)) => Err(format!("not enough data: {reason}")),
        Err(AnalyticsError::Db(error)) => return Err(error),
    };
    // Nothing is held while the methods are tried.
    tx.commit().await?;
    let mut output = ForecastMetricsOutput {
        made_on: now.with_timezone(&standing.zone).date_naive(),
        months: history.as_ref().map_or(0, |months| u32::try_from(months.len()).unwrap_or(u32::MAX)),
        metrics: Vec::with_capacity(Metric::ALL.len()),
    };
    let mut made = Vec::with_capacity(Metric::ALL.len());
    for metric in Metric::ALL {
        let (forecast, reason) =
            forecast_one(metric, &history, standing.currency.as_deref(), output.made_on, job);
        output.metrics.push(ForecastOutcome {
            metric: metric.name().to_owned(),
            method: reason.is_none().then(|| forecast.method.clone()),
            reason,
        });
        made.push(forecast);
    }
    let mut tx = db.tenant_tx(Role::Platform, tenant).await?;
    for forecast in &made {
        forecasts::store(&mut tx, tenant, forecast).await?;
    }
    tx.commit().await?;
    Ok(output)
}

/// A metric's forecast, or an empty one with the reason.
fn forecast_one(
    metric: Metric,
    history: &Result<Vec<Month>, String>,
    currency: Option<&str>,
    made_on: NaiveDate,
    job: Uuid,
) -> (Forecast, Option<String>) {
    let past = history.as_ref().map(|months| series(metric, months)).unwrap_or_default();
    let made = match history {
        Ok(_) => predict(metric, &past),
        Err(reason) => Err(reason.clone()),
    };
    let currency = currency.filter(|_| metric.is_money());
    let rounded = |value: f64| round(metric, value);
    let (method, backtest, points, reason) = match made {
        Ok(made) => {
            let next = past.last().map_or(made_on, |last| after(last.month, 1));
            let ahead = (0..).zip(&made.points).map(|(step, point)| Ahead {
                month: after(next, step),
                value: rounded(point.value),
                low: rounded(point.low),
                high: rounded(point.high),
            });
            let backtest = json!({ "currency": currency, "scores": made.backtest });
            (made.method.name(), backtest, ahead.collect(), None)
        }
        Err(reason) => {
            (NO_METHOD, json!({ "currency": currency, "reason": reason }), Vec::new(), Some(reason))
        }
    };
    let history = past.into_iter().map(|past| Past { value: rounded(past.value), ..past }).collect();
    (Forecast { metric, made_on, method: method.to_owned(), backtest, history, points, job }, reason)
}

/// The months for which the metric is defined without a gap, the latest [`HISTORY`] of them.
fn series(metric: Metric, months: &[Month]) -> Vec<Past> {
    let mut past: Vec<Past> = months
        .iter()
        .rev()
        .map_while(|month| Some(Past { month: month.month, value: metric.of(month)? }))
        .take(HISTORY)
        .collect();
    past.reverse();
    past
}

fn predict(metric: Metric, past: &[Past]) -> Result<model::Forecast, String> {
    let values: Vec<f64> = past.iter().map(|past| past.value).collect();
    let limits = match metric {
        // More may come back in a month than is sold.
        Metric::Revenue | Metric::AverageLtv => Limits::NONE,
        Metric::CustomerCount => Limits::POSITIVE,
        Metric::ChurnRate => Limits::SHARE,
    };
    model::forecast(&values, HORIZON, limits).map_err(|error| error.to_string())
}

/// Cents for money, tenths for people, hundredths of a percent for rates.
fn round(metric: Metric, value: f64) -> f64 {
    let scale = match metric {
        Metric::Revenue | Metric::AverageLtv => 100.0,
        Metric::CustomerCount => 10.0,
        Metric::ChurnRate => 10_000.0,
    };
    let scaled = value * scale;
    // Beyond this a float has no such places.
    if scaled.abs() < 1e15 { scaled.round() / scale } else { value }
}

fn after(month: NaiveDate, months: u32) -> NaiveDate {
    month.checked_add_months(Months::new(months)).unwrap_or(month)
}

#[cfg(test)]
mod tests {
    use accounts::tenants;
    use migrations::testing::fresh_database;
    use sqlx::{Connection, PgConnection};

    use super::*;

    async fn tenant(db: &Db, slug: &str, zone: &str) -> TenantId {
        let mut tx = db.gateway_tx().await.expect("the database answers");
        let tenant = tenants::create(&mut tx, slug, slug, zone).await.expect("the slug is free");
        tx.commit().await.expect("commits");
        tenant.id
    }

    /// A year in which customer 1 buys for 10 every month, and customers 2 to 13 once each for 20.
    const YEAR: &str = "
        with lines as (
            select '1' as customer, month, 10 as amount from generate_series(0, 11) as month
            union all select (month + 2)::text, month, 20 from generate_series(0, 11) as month),
        added as (
            insert into platform.order_line (tenant_id, line_key, order_id, customer_id, ordered_at, quantity, amount,
                                             currency, is_return)
            select $1, gen_random_uuid(), customer || '-' || month, customer,
                   timestamptz '2025-11-10 12:00:00+00' + make_interval(months => month), 1, amount, 'EUR', false
            from lines)
        insert into platform.customer_profile (tenant_id, customer_id, orders, lines, spend, currency, returned_value)
        select $1, customer, count(*), count(*), sum(amount), 'EUR', 0 from lines group by customer";

    #[tokio::test]
    async fn the_months_of_a_tenant_are_forecast_and_nobody_elses() {
        let database = fresh_database().await;
        let db = Db::connect(&database.url_for("desk_worker"), 4).expect("the URL is valid");
        // Tenants are made by the api; a worker may not.
        let api = Db::connect(&database.url_for("desk_api"), 1).expect("the URL is valid");
        let (shop, other) =
            (tenant(&api, "shop", "UTC").await, tenant(&api, "other", "Pacific/Auckland").await);
        let mut owner = PgConnection::connect(&database.admin_url).await.expect("the server answers");
        sqlx::query(YEAR).bind(shop).execute(&mut owner).await.expect("orders");
        let now: DateTime<Utc> = "2026-11-21T12:00:00Z".parse().expect("a time");

        let job = Uuid::now_v7();
        let output = forecast_all(&db, shop, job, now).await.expect("forecasts");
        // Twelve months with orders; November is not over.
        assert_eq!((output.months, output.metrics.len()), (12, 4));
        assert!(output.metrics.iter().all(|outcome| outcome.reason.is_none()), "{output:?}");
        forecast_all(&db, shop, job, now).await.expect("the same again");

        let mut tx = db.tenant_tx(Role::Marketing, shop).await.expect("begins");
        let latest = forecasts::latest(&mut tx, shop, Metric::Revenue).await.expect("read");
        let (revenue, _) = latest.expect("stored");
        assert_eq!((revenue.history.len(), revenue.points.len()), (12, HORIZON));
        assert_eq!(revenue.points[0].month.to_string(), "2026-11-01");
        assert_eq!(
            (revenue.points[0].value, revenue.points[0].low, revenue.points[0].high),
            (30.0, 30.0, 30.0)
        );
        assert_eq!(revenue.backtest["currency"], "EUR");
        let latest = forecasts::latest(&mut tx, shop, Metric::CustomerCount).await.expect("read");
        assert_eq!(latest.expect("stored").0.points[23].value, 2.0);
        // At a month's beginning the regular one and three others are active, and one of these lapses.
        let latest = forecasts::latest(&mut tx, shop, Metric::ChurnRate).await.expect("read");
        let (churn, _) = latest.expect("stored");
        assert_eq!((churn.history.len(), churn.history[0].value, churn.points[0].value), (9, 0.25, 0.25));
        assert!(forecasts::latest(&mut tx, other, Metric::Revenue).await.expect("read").is_none());
        tx.commit().await.expect("commits");

        let nothing = forecast_all(&db, other, Uuid::now_v7(), now).await.expect("an answer");
        // At noon in Greenwich it is the next day there.
        assert_eq!(
            (output.made_on.to_string(), nothing.made_on.to_string()),
            ("2026-11-21".into(), "2026-11-22".into())
        );
        assert!(nothing.metrics.iter().all(|outcome| outcome.method.is_none()));
        assert_eq!(nothing.metrics[0].reason.as_deref(), Some("not enough data: nothing was ordered yet"));
        let stale = forecast_all(&db, shop, Uuid::now_v7(), now + chrono::TimeDelta::days(200)).await;
        let reason = stale.expect("an answer").metrics[0].reason.clone();
        let expected = "not enough data: nothing was ordered in the last three full months";
        assert_eq!(reason.as_deref(), Some(expected));
    }
}
