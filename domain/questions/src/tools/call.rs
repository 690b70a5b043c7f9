//! A call of a tool: read from a name and JSON arguments, or refused with the field at fault and what is allowed.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::parameters::{
    AnalyzeBehavior, AnalyzeCustomers, AnalyzeProducts, AnalyzeSegments, BehaviorAnalysis, CustomerAnalysis,
    ForecastMetrics, GetRecommendations, LookupCustomer, Recommendation, SegmentAnalysis, TargetCampaign,
    only_of, within,
};
use super::unfit::{self, Unfit};

/// Rows of a page when the caller does not say.
pub const DEFAULT_LIMIT: u32 = 20;
/// The most rows of a page, and of all pages of most reports.
pub const MAX_LIMIT: u32 = 100;
/// The greatest number of months that are looked back on.
const MAX_MONTHS: u32 = 36;
/// The greatest number of months ahead.
const MAX_AHEAD: u32 = 24;
/// The largest arguments, in bytes of JSON.
const MAX_ARGUMENT_BYTES: usize = 4_096;

/// A call with checked parameters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "tool", content = "arguments", rename_all = "snake_case")]
pub enum Call {
    /// Counts and averages of groups of customers.
    AnalyzeCustomers(AnalyzeCustomers),
    /// Segments of an axis.
    AnalyzeSegments(AnalyzeSegments),
    /// What is bought, and what is bought together.
    AnalyzeProducts(AnalyzeProducts),
    /// What is to be expected.
    ForecastMetrics(ForecastMetrics),
    /// Whom a campaign is for.
    TargetCampaign(TargetCampaign),
    /// One customer.
    LookupCustomer(LookupCustomer),
    /// How customers behave over time.
    AnalyzeBehavior(AnalyzeBehavior),
    /// What to do.
    GetRecommendations(GetRecommendations),
}

/// Why a call is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// There is no such tool.
    #[error("there is no tool of this name; the tools are {}", NAMES.join(", "))]
    UnknownTool,
    /// The arguments are too large.
    #[error("the arguments have more than {MAX_ARGUMENT_BYTES} bytes")]
    TooLarge,
    /// An argument does not fit.
    #[error("{field}: {problem}{}", for_example(.example.as_deref()))]
    Parameter {
        /// Which.
        field: String,
        /// What is allowed.
        problem: String,
        /// Arguments that would fit, as JSON.
        example: Option<String>,
    },
}

fn for_example(example: Option<&str>) -> String {
    example.map_or_else(String::new, |example| format!("; for example {example}"))
}

/// The tools by name.
pub const NAMES: [&str; 8] = [
    "analyze_customers",
    "analyze_segments",
    "analyze_products",
    "forecast_metrics",
    "target_campaign",
    "lookup_customer",
    "analyze_behavior",
    "get_recommendations",
];

impl Call {
    /// Reads a call strictly: an unknown argument is refused like a wrong one.
    ///
    /// # Errors
    /// Names what is wrong and what is allowed, with arguments that fit.
    pub fn parse(tool: &str, arguments: &Value) -> Result<Call, CallError> {
        Call::read(tool, arguments).map_err(|mut error| {
            if let CallError::Parameter { field, example, .. } = &mut error {
                *example = unfit::example(tool, field, arguments);
            }
            error
        })
    }

    /// The same without an example.
    pub(super) fn read(tool: &str, arguments: &Value) -> Result<Call, CallError> {
        if arguments.to_string().len() > MAX_ARGUMENT_BYTES {
            return Err(CallError::TooLarge);
        }
        let call = match tool {
            "analyze_customers" => Call::AnalyzeCustomers(read(tool, arguments)?),
            "analyze_segments" => Call::AnalyzeSegments(read(tool, arguments)?),
            "analyze_products" => Call::AnalyzeProducts(read(tool, arguments)?),
            "forecast_metrics" => Call::ForecastMetrics(read(tool, arguments)?),
            "target_campaign" => Call::TargetCampaign(read(tool, arguments)?),
            "lookup_customer" => Call::LookupCustomer(read(tool, arguments)?),
            "analyze_behavior" => Call::AnalyzeBehavior(read(tool, arguments)?),
            "get_recommendations" => Call::GetRecommendations(read(tool, arguments)?),
            _ => return Err(CallError::UnknownTool),
        };
        call.check()?;
        Ok(call)
    }

    /// Checks what types alone do not say.
    fn check(&self) -> Result<(), CallError> {
        let refused = |(field, problem): super::parameters::Refusal| CallError::Parameter {
            field: field.to_owned(),
            problem: problem.into_owned(),
            example: None,
        };
        self.check_own().map_err(refused)?;
        self.check_filter().map_err(refused)?;
        let (limit, cursor) = self.page();
        within("limit", limit, MAX_LIMIT).map_err(refused)?;
        if cursor.is_some_and(|cursor| place(cursor).is_none()) {
            return Err(refused(("cursor", "must be next_cursor of the page before".into())));
        }
        Ok(())
    }

    fn check_own(&self) -> Result<(), super::parameters::Refusal> {
        let variant = self.variant();
        match self {
            Call::AnalyzeCustomers(asked) => {
                let is_risk = asked.analysis_type == CustomerAnalysis::ChurnRisk;
                let is_affinity = asked.analysis_type == CustomerAnalysis::ProductAffinity;
                only_of("sort_by", &asked.sort_by, is_risk, variant)?;
                only_of("timeframe_months", &asked.timeframe_months, is_affinity, variant)?;
                only_of("by", &asked.by, is_affinity, variant)?;
                within("timeframe_months", asked.timeframe_months, MAX_MONTHS)
            }
            Call::AnalyzeSegments(asked) => {
                let has_months =
                    matches!(asked.analysis_type, SegmentAnalysis::Growth | SegmentAnalysis::Seasonal);
                let has_axis = asked.analysis_type == SegmentAnalysis::Comparison;
                only_of("timeframe_months", &asked.timeframe_months, has_months, variant)?;
                only_of("axis", &asked.axis, has_axis, variant)?;
                let is_axis = platform::analytics::segments::is_axis;
                if asked.axis.as_deref().is_some_and(|axis| !is_axis(axis)) {
                    let known: Vec<&str> = platform::analytics::segments::axes().collect();
                    return Err(("axis", format!("must be one of {}", known.join(", ")).into()));
                }
                within("timeframe_months", asked.timeframe_months, MAX_MONTHS)
            }
            Call::AnalyzeProducts(asked) => within("timeframe_months", asked.timeframe_months, MAX_MONTHS),
            Call::ForecastMetrics(asked) => within("months", asked.months, MAX_AHEAD),
            Call::TargetCampaign(_) => Ok(()),
            Call::LookupCustomer(asked) if is_text(&asked.customer_id, 128) => Ok(()),
            Call::LookupCustomer(_) => Err(("customer_id", "must have 1 to 128 characters".into())),
            Call::AnalyzeBehavior(asked) => {
                let has_months = asked.analysis_type == BehaviorAnalysis::DiscountDependency;
                only_of("timeframe_months", &asked.timeframe_months, has_months, variant)?;
                within("timeframe_months", asked.timeframe_months, MAX_MONTHS)
            }
            Call::GetRecommendations(asked) => {
                let is_cross = asked.recommendation_type == Recommendation::CrossSellOpportunities;
                let has_months = is_cross || asked.recommendation_type == Recommendation::DiscountStrategy;
                only_of("timeframe_months", &asked.timeframe_months, has_months, variant)?;
                only_of("by", &asked.by, is_cross, variant)?;
                within("timeframe_months", asked.timeframe_months, MAX_MONTHS)
            }
        }
    }

    /// The tool's name.
    pub const fn tool(&self) -> &'static str {
        match self {
            Call::AnalyzeCustomers(_) => NAMES[0],
            Call::AnalyzeSegments(_) => NAMES[1],
            Call::AnalyzeProducts(_) => NAMES[2],
            Call::ForecastMetrics(_) => NAMES[3],
            Call::TargetCampaign(_) => NAMES[4],
            Call::LookupCustomer(_) => NAMES[5],
            Call::AnalyzeBehavior(_) => NAMES[6],
            Call::GetRecommendations(_) => NAMES[7],
        }
    }

    /// The variant's name.
    pub const fn variant(&self) -> &'static str {
        match self {
            Call::AnalyzeCustomers(asked) => asked.analysis_type.name(),
            Call::AnalyzeSegments(asked) => asked.analysis_type.name(),
            Call::AnalyzeProducts(asked) => asked.analysis_type.name(),
            Call::ForecastMetrics(asked) => asked.metric.name(),
            Call::TargetCampaign(asked) => asked.campaign_type.name(),
            Call::LookupCustomer(asked) => asked.info_type.name(),
            Call::AnalyzeBehavior(asked) => asked.analysis_type.name(),
            Call::GetRecommendations(asked) => asked.recommendation_type.name(),
        }
    }

    /// The arguments as JSON.
    pub fn arguments(&self) -> Value {
        let mut whole = serde_json::to_value(self).expect("a call is plain data");
        whole["arguments"].take()
    }

    /// Months that are looked back on, with what holds when the caller does not say; none where the variant looks at
    /// everything.
    pub fn months(&self) -> Option<u32> {
        match self {
            Call::AnalyzeCustomers(asked) if asked.analysis_type == CustomerAnalysis::ProductAffinity => {
                Some(asked.timeframe_months.unwrap_or(12))
            }
            Call::AnalyzeSegments(asked) => match asked.analysis_type {
                SegmentAnalysis::Growth => Some(asked.timeframe_months.unwrap_or(12)),
                SegmentAnalysis::Seasonal => Some(asked.timeframe_months.unwrap_or(24)),
                _ => None,
            },
            Call::AnalyzeProducts(asked) => Some(asked.timeframe_months.unwrap_or(12)),
            Call::AnalyzeBehavior(asked) if asked.analysis_type == BehaviorAnalysis::DiscountDependency => {
                Some(asked.timeframe_months.unwrap_or(12))
            }
            Call::GetRecommendations(asked) => match asked.recommendation_type {
                Recommendation::CrossSellOpportunities | Recommendation::DiscountStrategy => {
                    Some(asked.timeframe_months.unwrap_or(12))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// Limit and cursor as they were given.
    fn page(&self) -> (Option<u32>, Option<&str>) {
        match self {
            Call::AnalyzeCustomers(asked) => (asked.limit, asked.cursor.as_deref()),
            Call::AnalyzeSegments(asked) => (asked.limit, asked.cursor.as_deref()),
            Call::AnalyzeProducts(asked) => (asked.limit, asked.cursor.as_deref()),
            Call::ForecastMetrics(asked) => (asked.limit, asked.cursor.as_deref()),
            Call::TargetCampaign(asked) => (asked.limit, asked.cursor.as_deref()),
            Call::LookupCustomer(asked) => (asked.limit, asked.cursor.as_deref()),
            Call::AnalyzeBehavior(asked) => (asked.limit, asked.cursor.as_deref()),
            Call::GetRecommendations(asked) => (asked.limit, asked.cursor.as_deref()),
        }
    }

    /// Sets the page.
    pub fn set_page(&mut self, new_limit: Option<u32>, new_cursor: Option<String>) {
        let (limit, cursor) = match self {
            Call::AnalyzeCustomers(asked) => (&mut asked.limit, &mut asked.cursor),
            Call::AnalyzeSegments(asked) => (&mut asked.limit, &mut asked.cursor),
            Call::AnalyzeProducts(asked) => (&mut asked.limit, &mut asked.cursor),
            Call::ForecastMetrics(asked) => (&mut asked.limit, &mut asked.cursor),
            Call::TargetCampaign(asked) => (&mut asked.limit, &mut asked.cursor),
            Call::LookupCustomer(asked) => (&mut asked.limit, &mut asked.cursor),
            Call::AnalyzeBehavior(asked) => (&mut asked.limit, &mut asked.cursor),
            Call::GetRecommendations(asked) => (&mut asked.limit, &mut asked.cursor),
        };
        (*limit, *cursor) = (new_limit, new_cursor);
    }

    /// Rows of the page and the place of its first.
    pub fn rows(&self) -> (usize, usize) {
        let (limit, cursor) = self.page();
        let limit = usize::try_from(limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or(1);
        (limit, cursor.and_then(place).unwrap_or(0))
    }

    /// The limit that the caller gave.
    pub fn limit(&self) -> Option<u32> {
        self.page().0
    }
}

/// A cursor is the place of the next row; no report has more than a few hundred.
fn place(cursor: &str) -> Option<usize> {
    cursor.strip_prefix("at-")?.parse().ok().filter(|place| *place <= 10_000)
}

/// The cursor of a place.
pub(crate) fn cursor(place: usize) -> String {
    format!("at-{place}")
}

pub(super) fn is_text(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.chars().count()) && !text.contains('\0')
}

fn has_list(value: &Value) -> bool {
    match value {
        Value::Array(_) => true,
        Value::Object(fields) => fields.values().any(has_list),
        _ => false,
    }
}

fn read<T: DeserializeOwned>(tool: &str, arguments: &Value) -> Result<T, CallError> {
    let nothing = Value::Object(serde_json::Map::new());
    let arguments = if arguments.is_null() { &nothing } else { arguments };
    // A list could be read as an object by the order of its fields, an empty one as an object without any; none is wanted.
    let is_object = arguments.is_object() && !has_list(arguments);
    let found = if is_object { T::deserialize(arguments).ok() } else { None };
    found.ok_or_else(|| {
        let unfit = unfit::unfit(tool, arguments).unwrap_or_else(|| Unfit {
            field: "arguments".to_owned(),
            problem: "do not fit the schema of this tool".to_owned(),
        });
        CallError::Parameter { field: unfit.field, problem: unfit.problem, example: None }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_call_is_read_and_written_alike() {
        let arguments = json!({"analysis_type": "churn_risk", "sort_by": "spend", "filter_by": {"churn_band": "critical"}, "limit": 5});
        let call = Call::parse("analyze_customers", &arguments).expect("a call");
        assert_eq!((call.tool(), call.variant(), call.rows()), ("analyze_customers", "churn_risk", (5, 0)));
        assert_eq!(call.arguments(), arguments);
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let refused = |tool, arguments| Call::parse(tool, &arguments).expect_err("refused").to_string();
        assert!(refused("drop_tables", json!({})).contains("analyze_customers"));
        for (tool, arguments, told) in [
            ("analyze_customers", json!({}), "analysis_type"),
            ("analyze_customers", json!({"analysis_type": "everything"}), "churn_risk"),
            ("analyze_customers", json!({"analysis_type": "rfm_score", "tenant": "other"}), "tenant"),
            (
                "analyze_customers",
                json!({"analysis_type": "rfm_score", "sort_by": "ltv"}),
                "sort_by: is no argument",
            ),
            (
                "analyze_products",
                json!({"analysis_type": "revenue_by_category", "timeframe_months": 37}),
                "1 to 36",
            ),
            (
                "analyze_products",
                json!({"analysis_type": "revenue_by_category", "timeframe_months": 0}),
                "1 to 36",
            ),
            ("forecast_metrics", json!({"metric": "revenue", "months": 25}), "1 to 24"),
            ("forecast_metrics", json!({"metric": "revenue", "months": -1}), "from 1 to 24"),
            ("lookup_customer", json!({"info_type": "profile"}), "customer_id"),
            ("lookup_customer", json!({"info_type": "profile", "customer_id": "x".repeat(129)}), "128"),
            (
                "analyze_segments",
                json!({"analysis_type": "segment_comparison", "axis": "wealth"}),
                "purchase_frequency",
            ),
            (
                "analyze_behavior",
                json!({"analysis_type": "momentum_analysis", "cursor": "'; drop"}),
                "next_cursor",
            ),
            (
                "analyze_customers",
                json!({"analysis_type": "rfm_score", "filter_by": {"group": "vip"}}),
                "filter_by: is no argument",
            ),
            (
                "analyze_customers",
                json!({"analysis_type": "churn_risk", "filter_by": {"group": "whales"}}),
                "one_time",
            ),
            (
                "analyze_customers",
                json!({"analysis_type": "churn_risk", "filter_by": {"city": "Berlin"}}),
                "segment",
            ),
            (
                "analyze_customers",
                json!({"analysis_type": "churn_risk", "filter_by": {"country": "'D"}}),
                "filter_by.country: must be the code of a country",
            ),
            (
                "analyze_customers",
                json!({"analysis_type": "churn_risk", "filter_by": {"country": "Germany"}}),
                "filter_by.country: must be the code of a country, two letters such as DE",
            ),
            (
                "analyze_behavior",
                json!({"analysis_type": "purchase_cadence", "with_last_order": true}),
                "with_last_order: is no argument of purchase_cadence, which lists no customers",
            ),
            (
                "analyze_customers",
                json!({"analysis_type": "behavioral", "with_last_order": true}),
                "with_last_order: is no argument",
            ),
            (
                "target_campaign",
                json!({"campaign_type": "winback", "filter_by": []}),
                "filter_by: must be an object with archetype, churn_band, country, group, segment, not a list",
            ),
            ("target_campaign", json!({"campaign_type": "winback", "filter_by": ["high"]}), "not a list"),
            (
                "target_campaign",
                json!({"campaign_type": "winback", "filter_by": {"segment": []}}),
                "filter_by.segment: must be a text of 1 to 200 characters, not a list",
            ),
            ("target_campaign", json!({"campaign_type": []}), "not a list"),
            (
                "target_campaign",
                json!({"campaign_type": "winback", "filter_by": {"segment": ""}}),
                "1 to 200 characters",
            ),
            ("target_campaign", json!([1]), "object"),
            ("target_campaign", json!({"campaign_type": "retention", "limit": 101}), "1 to 100"),
            (
                "lookup_customer",
                json!({"info_type": "profile", "customer_id": "x".repeat(5_000)}),
                "4096 bytes",
            ),
        ] {
            let said = refused(tool, arguments);
            assert!(said.contains(told), "{said}");
        }
    }

    proptest! {
        #[test]
        fn no_arguments_make_it_fall(tool in prop::sample::select(NAMES.to_vec()), text in ".{0,60}", number: i64) {
            for value in [json!(text), json!(number), json!({ text.clone(): number }), json!({"analysis_type": text, "limit": number})] {
                let _ = Call::parse(tool, &value);
            }
        }
    }
}
