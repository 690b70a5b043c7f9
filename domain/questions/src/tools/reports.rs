//! Reports about many customers: which function of the analytics answers which variant, and what form its answer has.

use std::sync::Arc;

use database::Tx;
use platform::analytics::affinity::{self, Associations, By as Together};
use platform::analytics::discounts::Shown;
use platform::analytics::forecasts::{self, Metric, NO_METHOD};
use platform::analytics::rules::{self, Rule};
use platform::analytics::{
    AnalyticsError, Effort, Levels, Report, Standing, b2b, cadence, categories, change, discounts, expansion,
    momentum, rfm, seasons, segments, targets,
};
use platform::insights::current::current;
use platform::insights::list::{self as listed, Filter, Sort};
use platform::risk::RiskBand;
use serde::Serialize;
use serde_json::{Value, json};

use super::call::Call;
use super::parameters::{
    AnalyzeCustomers, Band, BehaviorAnalysis, By, Campaign, CustomerAnalysis, CustomerOrder, ForecastMetric,
    ProductAnalysis, Recommendation, SegmentAnalysis,
};
use super::protect::Form;
use crate::desk::Kept;
use crate::way::{Step, Way, rows_read};

/// Rows of all pages.
const MOST: u32 = platform::analytics::MAX_ITEMS;

/// A report before anything of it is hidden.
#[derive(Debug)]
pub struct Raw {
    /// What holds for the whole.
    pub figures: Value,
    /// Rows.
    pub items: Vec<Value>,
    /// What the counts in it are counts of.
    pub form: Form,
    /// Fields of the figures that count customers.
    pub counts: &'static [&'static str],
    /// Lists in the figures whose entries are groups that divide a whole, and whether their counts are coarse.
    pub groups: Option<(&'static str, bool)>,
    /// What to bear in mind.
    pub caveats: Vec<String>,
}

impl Raw {
    fn of<F: Serialize, I: Serialize>(
        report: Report<F, I>,
        form: Form,
        counts: &'static [&'static str],
    ) -> Raw {
        let rows = report.items.iter().map(|item| serde_json::to_value(item).expect("an item is plain data"));
        Raw {
            items: rows.collect(),
            figures: serde_json::to_value(report.figures).expect("figures are plain data"),
            form,
            counts,
            groups: None,
            caveats: Vec::new(),
        }
    }
}

/// What one variant needs and means.
pub(crate) enum Maker {
    Risk(AnalyzeCustomers),
    List(&'static Rule),
    Businesses,
    Behaviours,
    Affinity(Together),
    Rfm,
    Overview,
    Growth,
    Seasonal,
    Comparison(String),
    Revenue,
    Repurchase,
    Forecast(Metric, usize),
    SeasonTargets,
    Momentum,
    Change,
    Cadence,
    Discounts(Shown),
    CrossSell(Together),
    Expansion,
}

const RISK: &str =
    "customers of the published run by the probability of no further order within the model's horizon";

/// The maker of a variant; none for what is about one customer.
pub(crate) fn maker(call: &Call) -> Option<Maker> {
    let together = |by: Option<By>| match by {
        Some(By::Category) => Together::Category,
        _ => Together::Product,
    };
    Some(match call {
        Call::AnalyzeCustomers(asked) => match asked.analysis_type {
            CustomerAnalysis::ChurnRisk => Maker::Risk(asked.clone()),
            CustomerAnalysis::B2bIdentification => Maker::Businesses,
            CustomerAnalysis::HighValue => Maker::List(&rules::HIGH_VALUE),
            CustomerAnalysis::Behavioral => Maker::Behaviours,
            CustomerAnalysis::ProductAffinity => Maker::Affinity(together(asked.by)),
            CustomerAnalysis::RfmScore => Maker::Rfm,
        },
        Call::AnalyzeSegments(asked) => match asked.analysis_type {
            SegmentAnalysis::Overview => Maker::Overview,
            SegmentAnalysis::Growth => Maker::Growth,
            SegmentAnalysis::Seasonal => Maker::Seasonal,
            SegmentAnalysis::Comparison => {
                Maker::Comparison(asked.axis.clone().unwrap_or_else(|| segments::ARCHETYPE.to_owned()))
            }
        },
        Call::AnalyzeProducts(asked) => match asked.analysis_type {
            ProductAnalysis::RevenueByCategory => Maker::Revenue,
            ProductAnalysis::CategoryRepurchaseRate => Maker::Repurchase,
        },
        Call::ForecastMetrics(asked) => {
            let metric = match asked.metric {
                ForecastMetric::Revenue => Metric::Revenue,
                ForecastMetric::CustomerCount => Metric::CustomerCount,
                ForecastMetric::AverageLtv => Metric::AverageLtv,
                ForecastMetric::ChurnRate => Metric::ChurnRate,
            };
            Maker::Forecast(metric, usize::try_from(asked.months.unwrap_or(6)).unwrap_or(6))
        }
        Call::TargetCampaign(asked) => match asked.campaign_type {
            Campaign::Retention => Maker::List(&rules::RETENTION),
            Campaign::Growth => Maker::List(&rules::GROWTH),
            Campaign::Winback => Maker::List(&rules::WINBACK),
            Campaign::Seasonal => Maker::SeasonTargets,
            Campaign::Loyalty => Maker::List(&rules::LOYALTY),
            Campaign::Acquisition => Maker::List(&rules::ACQUISITION),
        },
        Call::LookupCustomer(_) => return None,
        Call::AnalyzeBehavior(asked) => match asked.analysis_type {
            BehaviorAnalysis::OneTimeBuyers => Maker::List(&rules::ONE_TIME_BUYERS),
            BehaviorAnalysis::Momentum => Maker::Momentum,
            BehaviorAnalysis::DecliningEngagement => Maker::List(&rules::DECLINING),
            BehaviorAnalysis::BehaviorChange => Maker::Change,
            BehaviorAnalysis::PurchaseCadence => Maker::Cadence,
            BehaviorAnalysis::DiscountDependency => Maker::Discounts(Shown::Dependent),
        },
        Call::GetRecommendations(asked) => match asked.recommendation_type {
            Recommendation::UpsellCandidates => Maker::List(&rules::UPSELL),
            Recommendation::CrossSellOpportunities => Maker::CrossSell(together(asked.by)),
            Recommendation::ExpansionTargets => Maker::Expansion,
            Recommendation::WinbackStrategy => Maker::List(&rules::WINBACK),
            Recommendation::RetentionActions => Maker::List(&rules::RETENTION),
            Recommendation::DiscountStrategy => Maker::Discounts(Shown::EveryClass),
        },
    })
}

impl Maker {
    /// What the report means.
    pub(crate) fn definition(&self) -> &'static str {
        match self {
            Maker::Risk(_) => RISK,
            Maker::List(rule) => rule.definition,
            Maker::Businesses => b2b::DEFINITION,
            Maker::Behaviours | Maker::Overview => segments::OVERVIEW,
            Maker::Affinity(_) => affinity::AFFINITY,
            Maker::Rfm => rfm::DEFINITION,
            Maker::Growth => segments::GROWTH,
            Maker::Seasonal => seasons::SEASONAL,
            Maker::Comparison(_) => segments::COMPARISON,
            Maker::Revenue => categories::REVENUE,
            Maker::Repurchase => categories::REPURCHASE,
            Maker::Forecast(metric, _) => metric.definition(),
            Maker::SeasonTargets => seasons::TARGETS,
            Maker::Momentum => momentum::DEFINITION,
            Maker::Change => change::DEFINITION,
            Maker::Cadence => cadence::DEFINITION,
            Maker::Discounts(_) => discounts::DEFINITION,
            Maker::CrossSell(_) => affinity::CROSS_SELL,
            Maker::Expansion => expansion::DEFINITION,
        }
    }

    /// Whether a model's scores are what the report is about.
    pub(crate) fn rests_on_churn(&self) -> bool {
        match self {
            Maker::Risk(_) => true,
            Maker::List(rule) => rule.needs_scores,
            _ => false,
        }
    }

    fn needs_levels(&self) -> bool {
        matches!(
            self,
            Maker::List(_)
                | Maker::Businesses
                | Maker::Rfm
                | Maker::SeasonTargets
                | Maker::CrossSell(_)
                | Maker::Expansion
        )
    }

    fn together(&self) -> Option<Together> {
        match self {
            Maker::Affinity(by) | Maker::CrossSell(by) => Some(*by),
            _ => None,
        }
    }

    /// How much it may take.
    pub(crate) fn effort(&self) -> Effort {
        match self {
            Maker::Revenue
            | Maker::Repurchase
            | Maker::Momentum
            | Maker::Discounts(_)
            | Maker::Seasonal
            | Maker::SeasonTargets
            | Maker::Growth
            | Maker::Affinity(_)
            | Maker::CrossSell(_)
            | Maker::Behaviours
            | Maker::Overview => Effort::Lines,
            _ => Effort::Customers,
        }
    }
}

/// What groups of customers say beside their number.
const OF_GROUP: &[&str] = &[
    "share_of_customers",
    "spend",
    "share_of_spend",
    "mean_orders",
    "mean_order_value",
    "mean_days_since_last_order",
    "mean_churn_probability",
    "mean_expected_spend",
    "spend_index",
    "orders_index",
    "order_value_index",
    "churn_index",
    "share",
    "paid",
];
/// Archetypes are made of segments: the counts of both together would tell who is left over, so theirs are coarse.
pub(crate) const ARCHETYPES: Form =
    Form::Overlapping { counted_by: "customers", counts: &[], of_group: OF_GROUP, sums: &["spend"] };
const PARTS: Form = Form::Parts { of_group: OF_GROUP };
const COUNTED: Form = Form::People { counted_by: Some("customers") };
const FOUND: Form = Form::People { counted_by: Some("found") };
const ALL_SHOWN: Form = Form::People { counted_by: None };

/// Makes the report.
///
/// # Errors
/// The data say nothing about it, or the database does not answer.
pub(crate) async fn make(
    kept: &Kept,
    way: &Way<'_>,
    standing: &Standing,
    maker: &Maker,
    months: u32,
) -> Result<(Raw, i64), AnalyticsError> {
    way.tell(Step::Shared);
    // What is kept beside the reports is fetched before the report's own transaction begins.
    let levels = if maker.needs_levels() { Some(kept.levels(way, standing).await?) } else { None };
    let associations = match maker.together() {
        Some(by) => Some(kept.associations(way, standing, by, months).await?),
        None => None,
    };
    way.tell(Step::Reads);
    let (mut tx, before) = way.begin_report(standing.tenant, maker.effort()).await?;
    let raw = of(&mut tx, standing, maker, months, levels.as_deref(), associations.as_ref()).await?;
    let read = rows_read(&mut tx).await? - before;
    tx.commit().await?;
    Ok((raw, read))
}

async fn of(
    tx: &mut Tx,
    standing: &Standing,
    maker: &Maker,
    months: u32,
    levels: Option<&Levels>,
    associations: Option<&Arc<Associations>>,
) -> Result<Raw, AnalyticsError> {
    let nobody = || AnalyticsError::NotEnough("nobody has ordered yet".to_owned());
    let levels = || levels.ok_or_else(nobody);
    let associations = || associations.ok_or_else(nobody);
    Ok(match maker {
        Maker::Risk(asked) => risk(tx, asked).await?,
        Maker::List(rule) => {
            Raw::of(targets::list(tx, standing, levels()?, rule, MOST).await?, COUNTED, &["reachable"])
        }
        Maker::Businesses => Raw::of(b2b::businesses(tx, standing, levels()?, MOST).await?, FOUND, &[]),
        Maker::Rfm => {
            let mut raw = Raw::of(rfm::rfm(tx, standing, levels()?).await?, PARTS, &[]);
            // Single cells are small; classes of them are shown.
            raw.figures.as_object_mut().and_then(|figures| figures.remove("cells"));
            raw
        }
        Maker::Overview => overview(Raw::of(segments::overview(tx, standing).await?, PARTS, &[]), true),
        Maker::Behaviours => overview(Raw::of(segments::overview(tx, standing).await?, PARTS, &[]), false),
        Maker::Growth => {
            let form = Form::Overlapping {
                counted_by: "customers",
                counts: &["won", "won_before", "entered", "left"],
                of_group: &["net"],
                sums: &[],
            };
            let mut raw = Raw::of(
                segments::growth(tx, standing, months, MOST).await?,
                form,
                &["moves", "won", "won_before"],
            );
            raw.caveats.push(COARSE.to_owned());
            raw
        }
        Maker::Seasonal => {
            let form = Form::Overlapping {
                counted_by: "customers",
                counts: &[],
                of_group: &["share_of_revenue"],
                sums: &["spend"],
            };
            let mut raw = Raw::of(seasons::seasonal(tx, standing, months).await?, form, &[]);
            raw.caveats.push(COARSE.to_owned());
            raw
        }
        Maker::Comparison(axis) => {
            let is_archetype = axis == segments::ARCHETYPE;
            let form = if is_archetype { ARCHETYPES } else { PARTS };
            let mut raw = Raw::of(segments::comparison(tx, standing, axis, MOST).await?, form, &[]);
            raw.caveats.extend(is_archetype.then(|| COARSE.to_owned()));
            raw
        }
        Maker::Revenue => revenue(tx, standing, months).await?,
        Maker::Repurchase => {
            let form = Form::Overlapping {
                counted_by: "customers",
                counts: &["repurchased"],
                of_group: &["rate", "mean_span_days", "share_of_spend"],
                sums: &["spend"],
            };
            let report = categories::repurchase(tx, standing, months, MOST).await?;
            let mut raw = Raw::of(report, form, &["customers_in_categories", "repurchased"]);
            raw.caveats.push(COARSE.to_owned());
            raw
        }
        Maker::Forecast(metric, ahead) => forecast(tx, standing, *metric, *ahead).await?,
        Maker::SeasonTargets => {
            Raw::of(seasons::targets(tx, standing, levels()?, MOST).await?, COUNTED, &["reachable"])
        }
        Maker::Momentum => {
            let counts = &["active_customers", "active_customers_before", "rising", "falling"];
            Raw::of(momentum::momentum(tx, standing, MOST).await?, ALL_SHOWN, counts)
        }
        Maker::Change => {
            let counts = &["archetype_changed", "risk_rose", "risk_fell"];
            Raw::of(change::changes(tx, standing, MOST).await?, COUNTED, counts)
        }
        Maker::Cadence => {
            let mut raw = Raw::of(cadence::cadence(tx, standing).await?, PARTS, &[]);
            // Who has one order divides the same whole as those with more.
            raw.items.push(json!({"class": ONE_ORDER, "customers": raw.figures["with_one_order"]}));
            raw
        }
        Maker::Discounts(shown) => {
            let mut raw =
                Raw::of(discounts::discounts(tx, standing, months, *shown, MOST).await?, ALL_SHOWN, &[]);
            raw.groups = Some(("classes", true));
            raw.caveats.push(COARSE.to_owned());
            raw
        }
        Maker::Affinity(_) => Raw::of(affinity::affinity(associations()?, MOST), Form::Plain, &[]),
        Maker::CrossSell(_) => {
            let report = affinity::cross_sell(tx, standing, levels()?, associations()?, MOST).await?;
            Raw::of(report, ALL_SHOWN, &[])
        }
        Maker::Expansion => {
            Raw::of(expansion::single_category(tx, standing, levels()?, MOST).await?, FOUND, &[])
        }
    })
}

/// The group of customers who have no cadence.
pub(crate) const ONE_ORDER: &str = "one order only";

/// Said where counts are rounded.
pub(crate) const COARSE: &str = "Counts of customers are rounded to the size of the smallest group that is told of, and sums to three digits.";

/// Segments, and archetypes if they are asked for; archetypes have coarse counts.
fn overview(mut raw: Raw, with_archetypes: bool) -> Raw {
    raw.items.retain(|item| with_archetypes || item["axis"] != segments::ARCHETYPE);
    raw
}

async fn risk(tx: &mut Tx, asked: &AnalyzeCustomers) -> Result<Raw, AnalyticsError> {
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
    let bands: Vec<Value> = RiskBand::ALL
        .into_iter()
        .map(|band| json!({"axis": "churn_band", "segment": band.name(), "customers": run.population.band(band)}))
        .collect();
    let figures = json!({
        "customers_with_probability": run.population.churn.customers,
        "mean_churn_probability": run.population.churn.mean,
        "horizon_days": run.churn_horizon_days,
        "customers_by_band": if is_whole { json!(bands) } else { Value::Null },
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

/// Categories, without those that too few customers bought in: their revenue would be somebody's spend.
async fn revenue(tx: &mut Tx, standing: &Standing, months: u32) -> Result<Raw, AnalyticsError> {
    let buyers = match categories::repurchase(tx, standing, months, MOST).await {
        Ok(report) => report.items,
        Err(AnalyticsError::NotEnough(_)) => Vec::new(),
        Err(error) => return Err(error),
    };
    let form = Form::Parts {
        of_group: &[
            "revenue",
            "share_of_revenue",
            "returned_value",
            "units",
            "lines",
            "revenue_before",
            "growth",
        ],
    };
    let mut raw = Raw::of(categories::revenue(tx, standing, months, MOST).await?, form, &[]);
    for item in &mut raw.items {
        let customers = match item["category"].as_str() {
            Some(name) => {
                buyers.iter().find(|buyer| buyer.category == name).map_or(0, |buyer| buyer.customers)
            }
            // Nobody is counted without a category; a customer has seldom more than a few lines.
            None => item["lines"].as_i64().unwrap_or(0) / 10,
        };
        // Of a category with revenue and no buyer in the list nothing is known: it counts as bought by one.
        item["customers"] = json!(customers.max(1));
    }
    raw.caveats.push("Customers of lines without a category are not counted but estimated.".to_owned());
    Ok(raw)
}

async fn forecast(
    tx: &mut Tx,
    standing: &Standing,
    metric: Metric,
    ahead: usize,
) -> Result<Raw, AnalyticsError> {
    let Some((found, _)) = forecasts::latest(tx, standing.tenant, metric).await? else {
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
    let items = found.points.iter().take(ahead).map(|point| {
        let money = |value: f64| if metric.is_money() { (value * 100.0).round() / 100.0 } else { value };
        json!({"month": point.month, "value": money(point.value), "low": money(point.low), "high": money(point.high)})
    });
    let mut caveats = vec!["Four of five months are expected to fall between low and high.".to_owned()];
    if found.made_on < standing.as_of {
        caveats.push(format!("The forecast was made on {}; today's was asked for.", found.made_on));
    }
    if found.points.len() < ahead {
        caveats.push(format!("The forecast reaches {} months ahead.", found.points.len()));
    }
    Ok(Raw { figures, items: items.collect(), form: Form::Plain, counts: &[], groups: None, caveats })
}

/// Said when there is no forecast yet.
pub(crate) const NO_FORECAST: &str = "no forecast was made yet; one was asked for and is there in a minute";
