//! Calls that list customers by a rule: what the list is narrowed down to, and whether it says what each bought last.

use super::call::{Call, is_text};
use super::parameters::{
    BehaviorAnalysis, Campaign, CustomerAnalysis, CustomerFilter, Recommendation, Refusal,
};

/// The variants that list customers who can be narrowed down, in words.
const CAN_BE_NARROWED: &str = "analyze_customers (churn_risk, high_value, b2b_identification), target_campaign (all but \
                               seasonal), analyze_behavior (all but purchase_cadence) and get_recommendations (all but \
                               discount_strategy)";

impl Call {
    /// Checks what a list is narrowed down to, and that it is a list that can be.
    pub(super) fn check_filter(&self) -> Result<(), Refusal> {
        let (filter, last_order) = self.list_parameters();
        for (field, is_given) in [("filter_by", filter.is_some()), ("with_last_order", last_order.is_some())]
        {
            if is_given && !self.can_be_narrowed() {
                let problem = format!(
                    "is no argument of {}; it is one of the lists of {CAN_BE_NARROWED}",
                    self.variant()
                );
                return Err((field, problem.into()));
            }
        }
        for (field, name) in [
            ("filter_by.archetype", filter.and_then(|filter| filter.archetype.as_deref())),
            ("filter_by.segment", filter.and_then(|filter| filter.segment.as_deref())),
        ] {
            if name.is_some_and(|name| !is_text(name, 200)) {
                return Err((field, "must have 1 to 200 characters".into()));
            }
        }
        Ok(())
    }

    /// Whether it lists customers who can be narrowed down, and whose last orders can stand beside them.
    pub const fn can_be_narrowed(&self) -> bool {
        match self {
            Call::AnalyzeCustomers(asked) => {
                matches!(
                    asked.analysis_type,
                    CustomerAnalysis::ChurnRisk
                        | CustomerAnalysis::HighValue
                        | CustomerAnalysis::B2bIdentification
                )
            }
            Call::TargetCampaign(asked) => !matches!(asked.campaign_type, Campaign::Seasonal),
            Call::AnalyzeBehavior(asked) => !matches!(asked.analysis_type, BehaviorAnalysis::PurchaseCadence),
            Call::GetRecommendations(asked) => {
                !matches!(asked.recommendation_type, Recommendation::DiscountStrategy)
            }
            _ => false,
        }
    }

    fn list_parameters(&self) -> (Option<&CustomerFilter>, Option<bool>) {
        match self {
            Call::AnalyzeCustomers(asked) => (asked.filter_by.as_ref(), asked.with_last_order),
            Call::TargetCampaign(asked) => (asked.filter_by.as_ref(), asked.with_last_order),
            Call::AnalyzeBehavior(asked) => (asked.filter_by.as_ref(), asked.with_last_order),
            Call::GetRecommendations(asked) => (asked.filter_by.as_ref(), asked.with_last_order),
            _ => (None, None),
        }
    }

    /// What the list is narrowed down to; none when it is not.
    pub fn filter(&self) -> Option<&CustomerFilter> {
        self.list_parameters().0.filter(|filter| !filter.is_empty())
    }

    /// Whether rows have what the customer bought last.
    pub fn with_last_order(&self) -> bool {
        self.list_parameters().1.unwrap_or(false)
    }

    /// The same list without what customers bought last.
    pub fn leave_last_orders(&mut self) {
        match self {
            Call::AnalyzeCustomers(asked) => asked.with_last_order = None,
            Call::TargetCampaign(asked) => asked.with_last_order = None,
            Call::AnalyzeBehavior(asked) => asked.with_last_order = None,
            Call::GetRecommendations(asked) => asked.with_last_order = None,
            _ => {}
        }
    }
}
