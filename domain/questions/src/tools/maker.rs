//! Which report answers which variant of a tool, what it means, and what it rests on.

use platform::analytics::affinity::{self, By as Together};
use platform::analytics::discounts::Shown;
use platform::analytics::forecasts::Metric;
use platform::analytics::rules::{self, Rule};
use platform::analytics::{
    Effort, b2b, cadence, categories, change, discounts, expansion, momentum, rfm, seasons, segments,
};

use super::call::Call;
use super::parameters::{
    AnalyzeCustomers, BehaviorAnalysis, By, Campaign, CustomerAnalysis, ForecastMetric, ProductAnalysis,
    Recommendation, SegmentAnalysis,
};

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

    /// Whether only orders in the shop's main currency are looked at.
    pub(crate) fn is_of_one_currency(&self) -> bool {
        !matches!(self, Maker::Affinity(_) | Maker::Forecast(..))
    }

    /// Whether the shop's levels of spend and orders are needed.
    pub(super) fn needs_levels(&self) -> bool {
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

    /// What is looked for together, if anything is.
    pub(super) fn together(&self) -> Option<Together> {
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
