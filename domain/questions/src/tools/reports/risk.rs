//! Customers by the probability of leaving, all of them or those of one band or archetype.

use database::Tx;
use platform::analytics::AnalyticsError;
use platform::insights::current::current;
use platform::insights::list::{self as listed, Filter, Sort};
use platform::risk::RiskBand;
use serde_json::{Value, json};

use super::{ALL_SHOWN, MOST, Raw};
use crate::tools::parameters::{AnalyzeCustomers, Band, CustomerOrder};

/// Customers by risk, by the filter and order that were asked for.
///
/// # Errors
/// No run was published, there is no such archetype, or the database does not answer.
pub(super) async fn make(tx: &mut Tx, asked: &AnalyzeCustomers) -> Result<Raw, AnalyticsError> {
    let not_enough = |error: platform::insights::InsightError| match error {
        platform::insights::InsightError::Db(error) => AnalyticsError::Db(error),
        other => AnalyticsError::NotEnough(other.to_string()),
    };
    let run = current(tx).await.map_err(not_enough)?.ok_or_else(|| {
        AnalyticsError::NotEnough(
            "customers were not scored yet: no intelligence run was published".to_owned(),
        )
    })?;
    let catalogs = platform::insights::catalog::Catalogs::default();
    let tenant: database::ids::TenantId =
        sqlx::query_scalar("select shared.current_tenant()").fetch_one(&mut **tx).await?;
    let catalog = match run.segmentation {
        Some(id) => catalogs.get(tx, tenant, id).await.map_err(not_enough)?,
        None => None,
    };
    let mut filter = Filter::default();
    if let Some(wanted) = &asked.filter_by {
        filter.band = wanted.churn_band.map(|band| match band {
            Band::Low => RiskBand::Low,
            Band::Medium => RiskBand::Medium,
            Band::High => RiskBand::High,
            Band::Critical => RiskBand::Critical,
        });
        if let Some(name) = &wanted.archetype {
            let of_name = |catalog: &platform::insights::catalog::Catalog| {
                let place = catalog.archetypes.iter().position(|archetype| {
                    archetype.id == *name || archetype.name.eq_ignore_ascii_case(name)
                })?;
                Some((i16::try_from(place).ok()?, catalog.archetypes[place].level))
            };
            let found = catalog.as_deref().and_then(of_name);
            filter.archetype = Some(found.ok_or_else(|| {
                AnalyticsError::NotEnough(
                    "there is no archetype of this name; segment_overview lists them".to_owned(),
                )
            })?);
        }
    }
    let sort = match asked.sort_by.unwrap_or(CustomerOrder::Churn) {
        CustomerOrder::Churn => Sort::Churn,
        CustomerOrder::Ltv => Sort::Ltv,
        CustomerOrder::Spend => Sort::Spend,
        CustomerOrder::Drift => Sort::Drift,
    };
    let rows = listed::list(tx, &run, catalog.as_deref(), &filter, sort, None, i64::from(MOST)).await?;
    let is_whole = asked.filter_by.is_none();
    // What holds for everybody is not told of a part; the count of a band stands among those of all bands, where it is
    // protected with them.
    let wanted = asked.filter_by.as_ref().filter(|wanted| wanted.archetype.is_none());
    let band = wanted.and_then(|wanted| wanted.churn_band);
    let has_bands = is_whole || band.is_some();
    let bands: Vec<Value> = RiskBand::ALL
        .into_iter()
        .map(|band| json!({"axis": "churn_band", "segment": band.name(), "customers": run.population.band(band)}))
        .collect();
    let figures = json!({
        "customers_with_probability": is_whole.then_some(run.population.churn.customers),
        "mean_churn_probability": if is_whole { json!(run.population.churn.mean) } else { Value::Null },
        "churn_band": band,
        "sorted_by": sort.name(),
        "horizon_days": run.churn_horizon_days,
        "customers_by_band": if has_bands { json!(bands) } else { Value::Null },
    });
    let items = rows.iter().map(|row| serde_json::to_value(row).expect("a row is plain data")).collect();
    let mut caveats = Vec::new();
    if rows.is_empty() {
        caveats.push("Nobody of the published run fits, or there is no model for it.".to_owned());
    }
    caveats.extend(run.population.notes.iter().take(5).cloned());
    Ok(Raw {
        figures,
        items,
        form: ALL_SHOWN,
        counts: &["customers_with_probability"],
        groups: Some(("customers_by_band", false)),
        caveats,
    })
}
