//! Customers by the probability of leaving: all of them, or a part.

use database::Tx;
use platform::analytics::narrowed::{self, Narrowing};
use platform::analytics::{AnalyticsError, Levels, Standing};
use platform::insights::InsightError;
use platform::insights::catalog::{Catalog, Catalogs};
use platform::insights::current::{Current, current};
use platform::insights::list::{self as listed, Filter, Sort};
use platform::risk::RiskBand;
use serde_json::json;

use super::{ALL_SHOWN, MOST, Raw};
use crate::tools::parameters::{AnalyzeCustomers, CustomerOrder};

/// Customers by risk, by the order that was asked for, narrowed down or not.
///
/// # Errors
/// No run was published, or the database does not answer.
pub(super) async fn make(
    tx: &mut Tx,
    standing: &Standing,
    asked: &AnalyzeCustomers,
    levels: Option<&Levels>,
    narrowing: &Narrowing,
) -> Result<Raw, AnalyticsError> {
    let run = current(tx).await.map_err(not_enough)?.ok_or_else(|| {
        AnalyticsError::NotEnough(
            "customers were not scored yet: no intelligence run was published".to_owned(),
        )
    })?;
    let catalog = match run.segmentation {
        Some(id) => Catalogs::default().get(tx, standing.tenant, id).await.map_err(not_enough)?,
        None => None,
    };
    let catalog = catalog.as_deref();
    let sort = match asked.sort_by.unwrap_or(CustomerOrder::Churn) {
        CustomerOrder::Churn => Sort::Churn,
        CustomerOrder::Ltv => Sort::Ltv,
        CustomerOrder::Spend => Sort::Spend,
        CustomerOrder::Drift => Sort::Drift,
    };
    // A band alone is a part that has an index of its own.
    let is_of_part = !Narrowing { band: None, ..narrowing.clone() }.is_empty();
    let mut raw = if !is_of_part {
        listed_by_index(tx, &run, catalog, narrowing, sort).await?
    } else {
        Raw::narrowed(narrowed::at_risk(tx, standing, levels, catalog, narrowing, sort, MOST).await?)
    };
    raw.figures["churn_band"] = json!(narrowing.band);
    raw.figures["sorted_by"] = json!(sort.name());
    raw.figures["horizon_days"] = json!(run.churn_horizon_days);
    if raw.items.is_empty() {
        raw.caveats.push("Nobody of the published run fits, or there is no model for it.".to_owned());
    }
    raw.caveats.extend(run.population.notes.iter().take(5).cloned());
    Ok(raw)
}

fn not_enough(error: InsightError) -> AnalyticsError {
    match error {
        InsightError::Db(error) => AnalyticsError::Db(error),
        other => AnalyticsError::NotEnough(other.to_string()),
    }
}

/// Customers of the run, or of a band, out of an index. How many are in a band stands among the counts of all bands, where
/// it is protected with them; what holds for everybody is not told of an archetype.
async fn listed_by_index(
    tx: &mut Tx,
    run: &Current,
    catalog: Option<&Catalog>,
    narrowing: &Narrowing,
    sort: Sort,
) -> Result<Raw, AnalyticsError> {
    let filter = Filter { band: narrowing.band, archetype: narrowing.archetype, ..Filter::default() };
    let rows = listed::list(tx, run, catalog, &filter, sort, None, i64::from(MOST)).await?;
    let band = |band: RiskBand| json!({"axis": "churn_band", "segment": band.name(), "customers": run.population.band(band)});
    let mut figures = json!({});
    if narrowing.archetype.is_none() {
        figures["customers_by_band"] = RiskBand::ALL.into_iter().map(band).collect();
    }
    if narrowing.is_empty() {
        figures["customers_with_probability"] = json!(run.population.churn.customers);
        figures["mean_churn_probability"] = json!(run.population.churn.mean);
    }
    Ok(Raw {
        figures,
        items: rows.iter().map(|row| serde_json::to_value(row).expect("a row is plain data")).collect(),
        form: ALL_SHOWN,
        counts: &["customers_with_probability"],
        groups: Some(("customers_by_band", false)),
        caveats: Vec::new(),
        cells: None,
        classes: None,
        computed_at: None,
    })
}
