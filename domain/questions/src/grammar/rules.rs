//! The rules: what a question must and may be about to ask for a variant of a tool. A variant that people ask for in ways
//! that are unlike has several.

use super::concepts::Concept::{self, self as C};
use super::intents::Rule;

const fn rule(
    tool: &'static str,
    variant: &'static str,
    needs: &'static [&'static [Concept]],
    may: &'static [Concept],
    example: &'static str,
) -> Rule {
    Rule { tool, variant, needs, may, is_about_customers: true, example }
}

/// A rule about the whole shop: "revenue by customer" asks for something else than revenue.
const fn of_shop(
    tool: &'static str,
    variant: &'static str,
    needs: &'static [&'static [Concept]],
    may: &'static [Concept],
    example: &'static str,
) -> Rule {
    Rule { tool, variant, needs, may, is_about_customers: false, example }
}

const SEGMENTS: &[Concept] = &[C::Segment, C::Archetype];
const AHEAD: &[Concept] = &[C::Forecast, C::Future, C::Will];
const ADVICE: &[Concept] = &[C::Recommend, C::Strategy, C::HowTo];
const COURSE: &[Concept] = &[C::Grow, C::Shrink, C::Trend, C::Decline];
const TO_WIN_BACK: &[Concept] = &[C::Winback, C::Gone];

const RISK: &str = "Which customers are most likely to leave?";
const VALUABLE: &str = "Who are our most valuable customers?";
const BUSINESSES: &str = "Which customers look like businesses?";
const BY_CATEGORY: &str = "What is our revenue by category?";
const REPURCHASE: &str = "In which categories do customers buy again?";
const REVENUE_AHEAD: &str = "What revenue do you expect for the next quarter?";
const CUSTOMERS_AHEAD: &str = "How many customers will we have in the next 6 months?";
const CHURN_AHEAD: &str = "How will the churn rate develop in the next year?";
const MOMENTUM: &str = "Is business gaining or losing momentum?";
const CADENCE: &str = "How often do customers order?";
const DISCOUNTS: &str = "Which customers depend on discounts?";
const RETENTION: &str = "Whom should a retention campaign target?";
const WINBACK: &str = "Whom should a winback campaign target?";

/// The rules about all customers.
pub static RULES: &[Rule] = &[
    rule(
        "analyze_customers",
        "churn_risk",
        &[&[C::Leave]],
        &[C::Ltv, C::Spend, C::Band, C::Count, C::Will, C::Forecast, C::Average],
        RISK,
    ),
    rule(
        "analyze_customers",
        "high_value",
        &[&[C::Vip]],
        &[C::Best, C::Spend, C::Money, C::Count, C::Size],
        VALUABLE,
    ),
    rule(
        "analyze_customers",
        "high_value",
        &[&[C::Best, C::Size], &[C::Customer]],
        &[C::Spend, C::Money, C::Count],
        VALUABLE,
    ),
    rule(
        "analyze_customers",
        "high_value",
        &[&[C::Most], &[C::Spend, C::Money], &[C::Customer]],
        &[C::Best, C::Size],
        VALUABLE,
    ),
    rule("analyze_customers", "b2b_identification", &[&[C::Company]], &[C::Count, C::Buy], BUSINESSES),
    rule(
        "analyze_customers",
        "b2b_identification",
        &[&[C::Business], &[C::Customer]],
        &[C::Count],
        BUSINESSES,
    ),
    rule(
        "analyze_customers",
        "behavioral",
        &[&[C::Behave]],
        &[C::Segment, C::Size, C::Buy],
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
        &[C::Spend, C::Money, C::Cadence, C::Segment],
        "What are the RFM scores of our customers?",
    ),
    // Segments stand axis by axis, so the largest is not the first: "most" is asked back.
    of_shop(
        "analyze_segments",
        "segment_overview",
        &[&[C::Segment]],
        &[C::Archetype, C::Size, C::Count, C::Customer],
        "How large are our segments?",
    ),
    of_shop(
        "analyze_segments",
        "segment_comparison",
        &[&[C::Archetype]],
        &[C::Size, C::Count, C::Customer],
        "How do the archetypes compare?",
    ),
    // Those that grow come first: who shrinks cannot be asked for alone.
    rule(
        "analyze_segments",
        "segment_growth",
        &[SEGMENTS, &[C::Grow, C::Trend]],
        &[C::Shrink],
        "Which segments grow?",
    ),
    rule(
        "analyze_segments",
        "seasonal_segments",
        &[&[C::Season]],
        &[C::Segment, C::Buy, C::Revenue, C::More, C::Best, C::Spend, C::Money],
        "In which quarter of the year do customers buy most?",
    ),
    rule(
        "analyze_segments",
        "segment_comparison",
        &[SEGMENTS, &[C::Compare]],
        &[C::Behave],
        "How do the archetypes compare?",
    ),
    of_shop(
        "analyze_products",
        "revenue_by_category",
        &[&[C::Revenue], &[C::Category]],
        &[C::Best, C::Product, C::Money, C::Size, C::Most],
        BY_CATEGORY,
    ),
    of_shop("analyze_products", "revenue_by_category", &[&[C::Revenue]], &[C::Money], BY_CATEGORY),
    of_shop(
        "analyze_products",
        "revenue_by_category",
        &[&[C::Revenue], &[C::Best, C::Most]],
        &[C::Money],
        BY_CATEGORY,
    ),
    of_shop(
        "analyze_products",
        "revenue_by_category",
        &[&[C::Category], &[C::Best, C::Size]],
        &[],
        BY_CATEGORY,
    ),
    rule(
        "analyze_products",
        "revenue_by_category",
        &[&[C::Category], &[C::Most, C::Best], &[C::Money, C::Spend]],
        &[C::Product],
        BY_CATEGORY,
    ),
    of_shop(
        "analyze_products",
        "category_repurchase_rate",
        &[&[C::Repurchase]],
        &[C::Rate, C::Count, C::Buy],
        REPURCHASE,
    ),
    // Categories stand by their customers, not by the rate: "most" is asked back.
    of_shop(
        "analyze_products",
        "category_repurchase_rate",
        &[&[C::Repurchase, C::Repeat], &[C::Category]],
        &[C::Rate, C::Count, C::Product, C::Buy, C::Customer],
        REPURCHASE,
    ),
    of_shop(
        "forecast_metrics",
        "revenue",
        &[&[C::Revenue], AHEAD],
        &[C::Money, C::Grow, C::Shrink, C::Trend],
        REVENUE_AHEAD,
    ),
    of_shop(
        "forecast_metrics",
        "revenue",
        &[&[C::Money], &[C::Forecast, C::Future]],
        &[C::Will],
        REVENUE_AHEAD,
    ),
    rule("forecast_metrics", "customer_count", &[&[C::Count], AHEAD, &[C::Customer]], &[], CUSTOMERS_AHEAD),
    rule(
        "forecast_metrics",
        "customer_count",
        &[&[C::Forecast], &[C::Customer]],
        &[C::Future, C::Count, C::Will],
        CUSTOMERS_AHEAD,
    ),
    rule(
        "forecast_metrics",
        "customer_count",
        &[&[C::Customer], &[C::Grow, C::Shrink, C::Trend], AHEAD],
        &[C::Count],
        CUSTOMERS_AHEAD,
    ),
    rule(
        "forecast_metrics",
        "average_ltv",
        &[&[C::Ltv], AHEAD],
        &[C::Grow, C::Shrink, C::Trend, C::Average],
        "How will the average lifetime value develop in the next year?",
    ),
    rule(
        "forecast_metrics",
        "churn_rate",
        &[&[C::Leave], &[C::Rate, C::Trend, C::Grow, C::Shrink], AHEAD],
        &[],
        CHURN_AHEAD,
    ),
    of_shop(
        "forecast_metrics",
        "churn_rate",
        &[&[C::Leave], &[C::Forecast]],
        &[C::Future, C::Will],
        CHURN_AHEAD,
    ),
    rule("target_campaign", "retention", &[&[C::Retain, C::Leave], &[C::Campaign]], &[], RETENTION),
    rule(
        "target_campaign",
        "growth",
        &[&[C::Grow], &[C::Campaign]],
        &[],
        "Whom should a growth campaign target?",
    ),
    rule("target_campaign", "winback", &[TO_WIN_BACK, &[C::Campaign]], &[], WINBACK),
    rule("target_campaign", "winback", &[&[C::Winback], &[C::Customer]], &[C::Count, C::Gone], WINBACK),
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
        &[C::Campaign, C::Best, C::Count],
        "Who should get our loyalty mailing?",
    ),
    rule(
        "target_campaign",
        "acquisition",
        &[&[C::Acquire]],
        &[C::Campaign, C::New],
        "Whom should an acquisition campaign look for?",
    ),
    rule("analyze_behavior", "one_time_buyers", &[&[C::Once]], &[C::Buy, C::Count], "Who bought only once?"),
    of_shop(
        "analyze_behavior",
        "momentum_analysis",
        &[&[C::Momentum]],
        &[C::Business, C::Leave, C::Revenue, C::Spend, C::Trend, C::Decline, C::Grow, C::Shrink],
        MOMENTUM,
    ),
    of_shop("analyze_behavior", "momentum_analysis", &[COURSE, &[C::Revenue, C::Business]], &[], MOMENTUM),
    rule(
        "analyze_behavior",
        "declining_engagement",
        &[&[C::Decline]],
        &[C::Buy, C::Recent],
        "Who orders less than usual?",
    ),
    rule(
        "analyze_behavior",
        "behavior_change",
        &[&[C::Change, C::Drift]],
        &[C::Behave, C::Segment, C::Archetype, C::Recent],
        "Whose behaviour changed since the last run?",
    ),
    // Whoever changed an order is somebody else.
    rule(
        "analyze_behavior",
        "behavior_change",
        &[&[C::Change, C::Drift], &[C::Behave]],
        &[C::Buy, C::Recent],
        "Whose behaviour changed since the last run?",
    ),
    // Nobody is listed by it, so who orders most often is asked back.
    of_shop(
        "analyze_behavior",
        "purchase_cadence",
        &[&[C::Cadence]],
        &[C::Buy, C::Count, C::Average, C::Customer],
        CADENCE,
    ),
    of_shop(
        "analyze_behavior",
        "purchase_cadence",
        &[&[C::Repeat]],
        &[C::Buy, C::Count, C::Rate, C::Customer],
        CADENCE,
    ),
    rule(
        "analyze_behavior",
        "discount_dependency",
        &[&[C::Discount], &[C::Depend, C::Buy, C::Customer]],
        &[],
        DISCOUNTS,
    ),
    rule(
        "analyze_behavior",
        "discount_dependency",
        &[&[C::Discount], &[C::Customer], &[C::Count, C::Rate]],
        &[C::Depend, C::Buy],
        DISCOUNTS,
    ),
    rule(
        "get_recommendations",
        "upsell_candidates",
        &[&[C::Upsell]],
        &[C::Recommend, C::HowTo, C::Count],
        "Who are candidates for upselling?",
    ),
    rule(
        "get_recommendations",
        "cross_sell_opportunities",
        &[&[C::CrossSell]],
        &[C::Recommend, C::HowTo, C::Product, C::Category],
        "Where are opportunities for cross-selling?",
    ),
    rule(
        "get_recommendations",
        "expansion_targets",
        // Which category one could open is another question.
        &[&[C::Expansion], &[C::Customer, C::Campaign, C::Best, C::Vip]],
        &[C::Category, C::Buy],
        "Which good customers could we introduce to another category?",
    ),
    rule(
        "get_recommendations",
        "winback_strategy",
        &[TO_WIN_BACK, ADVICE],
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
    rule(
        "lookup_customer",
        "profile",
        &[],
        &[C::Profile, C::Spend, C::Money, C::More],
        "Who is customer C-0123ABCD?",
    ),
    rule("lookup_customer", "profile", &[&[C::Count], &[C::Buy]], &[], "Who is customer C-0123ABCD?"),
    rule(
        "lookup_customer",
        "ltv_forecast",
        &[&[C::Ltv]],
        &[C::Forecast, C::Future, C::Will, C::Spend, C::Money],
        "What is the lifetime value of C-0123ABCD?",
    ),
    rule(
        "lookup_customer",
        "ltv_forecast",
        &[&[C::Spend, C::Money], &[C::Forecast, C::Future, C::Will]],
        &[],
        "What is the lifetime value of C-0123ABCD?",
    ),
    rule(
        "lookup_customer",
        "churn_risk",
        &[&[C::Leave]],
        &[C::Forecast, C::Future, C::Rate, C::Will, C::Why],
        "Will C-0123ABCD leave?",
    ),
    rule(
        "lookup_customer",
        "churn_risk",
        &[&[C::Repurchase, C::Repeat], &[C::Forecast, C::Will]],
        &[],
        "Will C-0123ABCD leave?",
    ),
    rule("lookup_customer", "segment", &[SEGMENTS], &[], "Which segment is C-0123ABCD in?"),
    rule(
        "lookup_customer",
        "purchase_history",
        &[&[C::Buy, C::LastOrder]],
        &[C::Product, C::Category, C::Recent],
        "What did C-0123ABCD buy?",
    ),
    rule(
        "lookup_customer",
        "recommendations",
        &[ADVICE],
        &[C::Product, C::Buy, C::Upsell, C::CrossSell],
        "What should we offer to C-0123ABCD?",
    ),
];
