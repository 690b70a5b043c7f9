//! The calls that are made most: every list and count with what holds when nothing else is said, and the questions that
//! managers begin with.

use serde_json::{Value, json};

use super::call::Call;
use super::parameters as p;

/// These calls. Forecasts are stored where they are made, and customers are looked up one by one.
pub fn calls() -> Vec<Call> {
    let vips = json!({"analysis_type": "churn_risk", "filter_by": {"group": "vip"}});
    let mut last = vips.clone();
    last["with_last_order"] = json!(true);
    let beginnings = [("analyze_customers", vips), ("analyze_customers", last)].into_iter();
    beginnings
        .chain(of("analyze_customers", "analysis_type", p::CustomerAnalysis::ALL.iter().map(|v| v.name())))
        .chain(of("analyze_segments", "analysis_type", p::SegmentAnalysis::ALL.iter().map(|v| v.name())))
        .chain(of("analyze_products", "analysis_type", p::ProductAnalysis::ALL.iter().map(|v| v.name())))
        .chain(of("target_campaign", "campaign_type", p::Campaign::ALL.iter().map(|v| v.name())))
        .chain(of("analyze_behavior", "analysis_type", p::BehaviorAnalysis::ALL.iter().map(|v| v.name())))
        .chain(of(
            "get_recommendations",
            "recommendation_type",
            p::Recommendation::ALL.iter().map(|v| v.name()),
        ))
        .map(|(tool, arguments)| Call::parse(tool, &arguments).expect("a call of ours fits"))
        .collect()
}

fn of(
    tool: &'static str,
    field: &'static str,
    variants: impl Iterator<Item = &'static str>,
) -> impl Iterator<Item = (&'static str, Value)> {
    variants.map(move |variant| (tool, json!({ field: variant })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_and_count_is_among_them() {
        let calls = calls();
        assert_eq!(calls.len(), 2 + 6 + 4 + 2 + 6 + 6 + 6);
        assert!(calls[1].with_last_order() && calls[0].filter().is_some());
    }
}
