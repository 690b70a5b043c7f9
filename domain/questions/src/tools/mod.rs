//! Eight tools: what they are called with ([`call`], [`parameters`]), what they answer ([`answer`]), and how that is made
//! from the analytics (`maker`, [`reports`], [`lookup`]) and kept from naming anybody ([`protect`], [`anonymise`]).

pub mod anonymise;
pub mod answer;
pub mod call;
mod lists;
pub mod lookup;
pub(crate) mod maker;
pub(crate) mod narrow;
pub mod parameters;
pub mod protect;
pub mod reports;
mod unfit;
pub mod usual;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

pub use answer::ToolAnswer;
pub use call::{Call, CallError};
use parameters as p;

/// A tool as clients and models are told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// Its name.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it is for, variant by variant.
    pub description: String,
    /// JSON Schema of its arguments, an object.
    pub input: Map<String, Value>,
}

/// All tools, in a fixed order, always with the same words: a changed list makes upstreams forget what they cached.
pub fn all() -> Vec<Described> {
    vec![
        described::<p::AnalyzeCustomers>(
            "analyze_customers",
            "Analyse customers",
            "Customers by risk of leaving, value, behaviour, RFM class; who looks like a business; what is bought together. Variants (analysis_type): churn_risk lists who is most likely to leave; high_value lists the highest tenth by spend; both, and b2b_identification, can be narrowed down by filter_by (group vip, loyal, new, one_time, declining or business; band of risk; archetype; segment by the shop's own name; country of the shipping address by its two letters) and say what each bought last (with_last_order), so VIPs who may leave are churn_risk with filter_by {\"group\": \"vip\"}; b2b_identification lists who looks like a business; behavioral counts segments on each axis of behaviour; product_affinity lists pairs that are bought together; rfm_score counts six classes of recency, frequency and money.",
        ),
        described::<p::AnalyzeSegments>(
            "analyze_segments",
            "Analyse segments",
            "Segments and archetypes of the shop's customers. Variants (analysis_type): segment_overview has their sizes; segment_growth who grows and shrinks; seasonal_segments customers and spend by quarter of the year; segment_comparison sets the groups of one axis side by side.",
        ),
        described::<p::AnalyzeProducts>(
            "analyze_products",
            "Analyse products",
            "Categories of products. Variants (analysis_type): revenue_by_category has net revenue against the equally long period before; category_repurchase_rate the share of buyers who came back to the category.",
        ),
        described::<p::ForecastMetrics>(
            "forecast_metrics",
            "Forecast metrics",
            "The coming months of a metric with 80 % intervals: revenue, customer_count, average_ltv or churn_rate.",
        ),
        described::<p::TargetCampaign>(
            "target_campaign",
            "Target a campaign",
            "Whom a campaign could speak to, with size and reasons. Variants (campaign_type): retention for those who may leave; growth for good newcomers; winback for those who left; seasonal for those who bought at this time a year ago; loyalty for the most faithful; acquisition for whom new customers should be like. All take filter_by and with_last_order.",
        ),
        described::<p::LookupCustomer>(
            "lookup_customer",
            "Look one customer up",
            "One customer by anonymised id (C- and eight characters) or the shop's own id. Variants (info_type): profile, ltv_forecast, churn_risk, segment, purchase_history, recommendations.",
        ),
        described::<p::AnalyzeBehavior>(
            "analyze_behavior",
            "Analyse behaviour",
            "How customers behave. Variants (analysis_type): one_time_buyers; momentum_analysis compares the last 90 days with the 90 before; declining_engagement lists who is later than usual; behavior_change lists who changed with the last run; purchase_cadence counts days between orders; discount_dependency says who buys below list price. All take filter_by, and all but purchase_cadence with_last_order; momentum_analysis and discount_dependency then list the customers without the figures of the whole.",
        ),
        described::<p::GetRecommendations>(
            "get_recommendations",
            "Get recommendations",
            "What to do for whom. Variants (recommendation_type): upsell_candidates, cross_sell_opportunities, expansion_targets, winback_strategy, retention_actions, discount_strategy. All take filter_by and with_last_order.",
        ),
    ]
}

fn described<T: JsonSchema>(name: &'static str, title: &'static str, description: &str) -> Described {
    Described { name, title, description: format!("{description} Read-only."), input: schema::<T>() }
}

/// JSON Schema of every answer, an object.
pub fn output() -> Map<String, Value> {
    schema::<ToolAnswer>()
}

fn schema<T: JsonSchema>() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<T>();
    match serde_json::to_value(schema) {
        Ok(Value::Object(object)) => object,
        other => unreachable!("the schema of an object is an object: {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_a_schema_that_names_its_variants() {
        let tools = all();
        let names: Vec<&str> = tools.iter().map(|tool| tool.name).collect();
        assert_eq!(names, call::NAMES);
        let variants = [
            p::CustomerAnalysis::ALL.iter().map(|v| v.name()).collect::<Vec<_>>(),
            p::SegmentAnalysis::ALL.iter().map(|v| v.name()).collect(),
            p::ProductAnalysis::ALL.iter().map(|v| v.name()).collect(),
            p::ForecastMetric::ALL.iter().map(|v| v.name()).collect(),
            p::Campaign::ALL.iter().map(|v| v.name()).collect(),
            p::Lookup::ALL.iter().map(|v| v.name()).collect(),
            p::BehaviorAnalysis::ALL.iter().map(|v| v.name()).collect(),
            p::Recommendation::ALL.iter().map(|v| v.name()).collect(),
        ];
        for (tool, variants) in tools.iter().zip(variants) {
            assert_eq!(tool.input["type"], "object", "{}", tool.name);
            assert_eq!(tool.input["additionalProperties"], false, "{}", tool.name);
            let schema = serde_json::to_string(&tool.input).expect("JSON");
            assert!(!schema.contains("$ref"), "{schema}");
            for variant in variants {
                assert!(schema.contains(&format!("\"{variant}\"")), "{variant} is not in {schema}");
                assert!(tool.description.contains(variant), "{variant} is not described");
            }
        }
        assert_eq!(output()["type"], "object");
    }
}
