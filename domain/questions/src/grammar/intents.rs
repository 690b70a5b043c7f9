//! What sets of concepts ask for. A rule holds when everything that it needs is there and nothing that it does not know:
//! a question that says more than a tool can be told is not answered as if it said less.

use serde_json::{Map, Value, json};

use super::words::Concept as C;
use super::words::{Concept, Concepts};

/// What a question must be about, and what it may be about, for one variant of a tool.
#[derive(Debug)]
pub struct Rule {
    /// The tool.
    pub tool: &'static str,
    /// Its variant.
    pub variant: &'static str,
    /// Of each of these at least one.
    needs: &'static [&'static [Concept]],
    /// Besides.
    may: &'static [Concept],
    /// How a person would ask for it.
    pub example: &'static str,
}

const fn rule(
    tool: &'static str,
    variant: &'static str,
    needs: &'static [&'static [Concept]],
    may: &'static [Concept],
    example: &'static str,
) -> Rule {
    Rule { tool, variant, needs, may, example }
}

const SEGMENTS: &[Concept] = &[C::Segment, C::Archetype];
const AHEAD: &[Concept] = &[C::Forecast, C::Future];
const ADVICE: &[Concept] = &[C::Recommend, C::Strategy];

/// The rules about all customers.
pub static RULES: &[Rule] = &[
    rule(
        "analyze_customers",
        "churn_risk",
        &[&[C::Leave]],
        &[C::Vip, C::Best, C::Ltv, C::Spend, C::Band],
        "Which customers are most likely to leave?",
    ),
    rule(
        "analyze_customers",
        "high_value",
        &[&[C::Vip, C::Best]],
        &[C::Spend],
        "Who are our most valuable customers?",
    ),
    rule(
        "analyze_customers",
        "b2b_identification",
        &[&[C::Business]],
        &[],
        "Which customers look like businesses?",
    ),
    rule(
        "analyze_customers",
        "behavioral",
        &[&[C::Behave]],
        &[C::Segment, C::Size],
        "How do our customers behave?",
    ),
    rule(
        "analyze_customers",
        "product_affinity",
        &[&[C::Together]],
        &[C::Product, C::Category, C::Buy],
        "Which products are bought together?",
    ),
    rule(
        "analyze_customers",
        "rfm_score",
        &[&[C::Rfm]],
        &[C::Spend, C::Cadence],
        "What are the RFM scores of our customers?",
    ),
    rule(
        "analyze_segments",
        "segment_overview",
        &[SEGMENTS],
        &[C::Size, C::Count],
        "How large are our segments?",
    ),
    rule("analyze_segments", "segment_growth", &[SEGMENTS, &[C::Grow]], &[], "Which segments grow?"),
    rule(
        "analyze_segments",
        "seasonal_segments",
        &[&[C::Season]],
        &[C::Segment, C::Buy, C::Revenue],
        "In which quarter of the year do customers buy most?",
    ),
    rule(
        "analyze_segments",
        "segment_comparison",
        &[SEGMENTS, &[C::Compare]],
        &[],
        "How do the archetypes compare?",
    ),
    rule(
        "analyze_products",
        "revenue_by_category",
        &[&[C::Revenue], &[C::Category]],
        &[C::Best, C::Product],
        "What is our revenue by category?",
    ),
    rule(
        "analyze_products",
        "category_repurchase_rate",
        &[&[C::Repurchase]],
        &[C::Category, C::Rate, C::Count, C::Product],
        "In which categories do customers buy again?",
    ),
    rule(
        "forecast_metrics",
        "revenue",
        &[&[C::Revenue], AHEAD],
        &[],
        "What revenue do you expect for the next quarter?",
    ),
    rule(
        "forecast_metrics",
        "customer_count",
        &[&[C::Count], AHEAD, &[C::Customer]],
        &[],
        "How many customers will we have in the next 6 months?",
    ),
    rule(
        "forecast_metrics",
        "customer_count",
        &[&[C::Forecast], &[C::Customer]],
        &[C::Future],
        "Forecast customers for the next 6 months",
    ),
    rule(
        "forecast_metrics",
        "average_ltv",
        &[&[C::Ltv], AHEAD],
        &[],
        "How will the average lifetime value develop in the next year?",
    ),
    rule(
        "forecast_metrics",
        "churn_rate",
        &[&[C::Leave], &[C::Rate], AHEAD],
        &[],
        "How will the churn rate develop in the next year?",
    ),
    rule(
        "forecast_metrics",
        "churn_rate",
        &[&[C::Leave], &[C::Forecast]],
        &[C::Future],
        "Forecast churn for the next 6 months",
    ),
    rule(
        "target_campaign",
        "retention",
        &[&[C::Retain], &[C::Campaign]],
        &[C::Leave],
        "Whom should a retention campaign target?",
    ),
    rule(
        "target_campaign",
        "growth",
        &[&[C::Grow], &[C::Campaign]],
        &[],
        "Whom should a growth campaign target?",
    ),
    rule(
        "target_campaign",
        "winback",
        &[&[C::Winback], &[C::Campaign]],
        &[],
        "Whom should a winback campaign target?",
    ),
    rule(
        "target_campaign",
        "seasonal",
        &[&[C::Season], &[C::Campaign]],
        &[],
        "Whom should a seasonal campaign target?",
    ),
    rule(
        "target_campaign",
        "loyalty",
        &[&[C::Loyal]],
        &[C::Campaign, C::Best],
        "Who should get our loyalty mailing?",
    ),
    rule(
        "target_campaign",
        "acquisition",
        &[&[C::Acquire]],
        &[C::Campaign],
        "Whom should an acquisition campaign look for?",
    ),
    rule("analyze_behavior", "one_time_buyers", &[&[C::Once]], &[C::Buy, C::Count], "Who bought only once?"),
    rule(
        "analyze_behavior",
        "momentum_analysis",
        &[&[C::Momentum]],
        &[C::Business, C::Leave, C::Revenue, C::Spend],
        "Is business gaining or losing momentum?",
    ),
    rule(
        "analyze_behavior",
        "declining_engagement",
        &[&[C::Decline]],
        &[C::Buy],
        "Who orders less than usual?",
    ),
    rule(
        "analyze_behavior",
        "behavior_change",
        &[&[C::Change, C::Drift]],
        &[C::Behave, C::Segment, C::Archetype],
        "Whose behaviour changed since the last run?",
    ),
    rule(
        "analyze_behavior",
        "purchase_cadence",
        &[&[C::Cadence]],
        &[C::Buy],
        "How often do customers order?",
    ),
    rule(
        "analyze_behavior",
        "discount_dependency",
        &[&[C::Discount]],
        &[C::Depend, C::Buy],
        "Which customers depend on discounts?",
    ),
    rule(
        "get_recommendations",
        "upsell_candidates",
        &[&[C::Upsell]],
        &[C::Recommend],
        "Who are candidates for upselling?",
    ),
    rule(
        "get_recommendations",
        "cross_sell_opportunities",
        &[&[C::CrossSell]],
        &[C::Recommend, C::Product, C::Category],
        "Where are opportunities for cross-selling?",
    ),
    rule(
        "get_recommendations",
        "expansion_targets",
        &[&[C::Expansion]],
        &[C::Best, C::Vip, C::Category, C::Campaign],
        "Which good customers could we introduce to another category?",
    ),
    rule(
        "get_recommendations",
        "winback_strategy",
        &[&[C::Winback], ADVICE],
        &[],
        "Which strategy wins back lost customers?",
    ),
    rule(
        "get_recommendations",
        "retention_actions",
        &[&[C::Retain, C::Leave], ADVICE],
        &[],
        "What should we do to keep customers who might leave?",
    ),
    rule(
        "get_recommendations",
        "discount_strategy",
        &[&[C::Discount], ADVICE],
        &[],
        "Which discount strategy do you recommend?",
    ),
];

/// The rules about one customer.
pub static LOOKUPS: &[Rule] = &[
    rule("lookup_customer", "profile", &[], &[C::Profile], "Who is customer C-0123ABCD?"),
    rule(
        "lookup_customer",
        "ltv_forecast",
        &[&[C::Ltv]],
        &[C::Forecast, C::Future, C::Spend],
        "What is the lifetime value of C-0123ABCD?",
    ),
    rule(
        "lookup_customer",
        "churn_risk",
        &[&[C::Leave]],
        &[C::Forecast, C::Future, C::Rate],
        "Will C-0123ABCD leave?",
    ),
    rule(
        "lookup_customer",
        "segment",
        &[&[C::Segment, C::Archetype]],
        &[],
        "Which segment is C-0123ABCD in?",
    ),
    rule("lookup_customer", "purchase_history", &[&[C::Buy]], &[C::Product], "What did C-0123ABCD buy?"),
    rule(
        "lookup_customer",
        "recommendations",
        &[ADVICE],
        &[C::Product, C::Buy],
        "What should we offer to C-0123ABCD?",
    ),
];

impl Rule {
    /// How many needs are met, when all are and nothing is left over.
    fn fits(&self, about: Concepts) -> Option<usize> {
        let needed = self.needs.iter().map(|any| Concepts::of(any));
        if !needed.clone().all(|any| about.meets(any)) {
            return None;
        }
        let allowed = needed.fold(Concepts::of(self.may).with(C::Customer), Concepts::and);
        about.is_within(allowed).then_some(self.needs.len())
    }

    /// How many needs are met at all.
    pub fn touches(&self, about: Concepts) -> usize {
        self.needs.iter().filter(|any| about.meets(Concepts::of(any))).count()
    }

    /// The arguments that name the variant.
    pub fn arguments(&self) -> Map<String, Value> {
        let name = match self.tool {
            "forecast_metrics" => "metric",
            "target_campaign" => "campaign_type",
            "lookup_customer" => "info_type",
            "get_recommendations" => "recommendation_type",
            _ => "analysis_type",
        };
        Map::from_iter([(name.to_owned(), json!(self.variant))])
    }
}

/// The one rule that fits best.
///
/// # Errors
/// Those that fit equally well; none at all.
pub fn best(rules: &'static [Rule], about: Concepts) -> Result<&'static Rule, Vec<&'static Rule>> {
    let fitting: Vec<(usize, &Rule)> =
        rules.iter().filter_map(|rule| Some((rule.fits(about)?, rule))).collect();
    let most = fitting.iter().map(|(needs, _)| *needs).max().unwrap_or(0);
    let mut closest: Vec<&Rule> =
        fitting.into_iter().filter(|(needs, _)| *needs == most).map(|(_, rule)| rule).collect();
    closest.dedup_by_key(|rule| (rule.tool, rule.variant));
    match closest[..] {
        [one] => Ok(one),
        _ => Err(closest),
    }
}
