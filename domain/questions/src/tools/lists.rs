//! Calls about a part of the customers: what they are narrowed down to, and whether a list says what each bought last.

use platform::analytics::narrowed::Country;

use super::call::{Call, is_text};
use super::parameters::{BehaviorAnalysis, CustomerAnalysis, CustomerFilter, Refusal};

/// The variants that can be narrowed down to a part of the customers, in words.
const CAN_BE_NARROWED: &str = "analyze_customers (churn_risk, high_value, b2b_identification), target_campaign, \
                               analyze_behavior and get_recommendations";

impl Call {
    /// Checks what an answer is narrowed down to, and that it is one that can be.
    pub(super) fn check_filter(&self) -> Result<(), Refusal> {
        let (filter, last_order) = self.list_parameters();
        let is_given = [("filter_by", filter.is_some()), ("with_last_order", last_order.is_some())];
        if let Some((field, _)) =
            is_given.into_iter().find(|(_, is_given)| *is_given && !self.can_be_narrowed())
        {
            let problem = format!("is no argument of {}; it is one of {CAN_BE_NARROWED}", self.variant());
            return Err((field, problem.into()));
        }
        if last_order.is_some() && !self.lists_customers() {
            let problem = format!("is no argument of {}, which lists no customers", self.variant());
            return Err(("with_last_order", problem.into()));
        }
        for (field, name) in [
            ("filter_by.archetype", filter.and_then(|filter| filter.archetype.as_deref())),
            ("filter_by.segment", filter.and_then(|filter| filter.segment.as_deref())),
        ] {
            if name.is_some_and(|name| !is_text(name, 200)) {
                return Err((field, "must have 1 to 200 characters".into()));
            }
        }
        let country = filter.and_then(|filter| filter.country.as_deref());
        if country.is_some_and(|country| Country::of(country).is_none()) {
            return Err((
                "filter_by.country",
                "must be the code of a country, two letters such as DE".into(),
            ));
        }
        Ok(())
    }

    /// Whether it can be narrowed down to a part of the customers.
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
            Call::TargetCampaign(_) | Call::AnalyzeBehavior(_) | Call::GetRecommendations(_) => true,
            _ => false,
        }
    }

    /// Whether it lists customers who can be narrowed down, and whose last orders can stand beside them.
    pub const fn lists_customers(&self) -> bool {
        let is_cadence = matches!(self, Call::AnalyzeBehavior(asked) if matches!(asked.analysis_type, BehaviorAnalysis::PurchaseCadence));
        self.can_be_narrowed() && !is_cadence
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
