//! What each tool can be asked: types that are read strictly and described by a JSON Schema, so that a client, a model
//! and the grammar are held to the same.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Declares an enumeration of a tool's variants with their names.
macro_rules! variants {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $wire:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum $name {
            $($(#[$of])* #[serde(rename = $wire)] $variant,)*
        }

        impl $name {
            /// Every one.
            pub const ALL: &[$name] = &[$($name::$variant,)*];

            /// The name on the wire.
            pub const fn name(self) -> &'static str {
                match self {
                    $($name::$variant => $wire,)*
                }
            }
        }
    };
}

variants! {
    /// What about customers is analysed.
    CustomerAnalysis {
        /// Who is likely to leave.
        ChurnRisk = "churn_risk",
        /// Who looks like a business.
        B2bIdentification = "b2b_identification",
        /// Who spent most: the highest tenth.
        HighValue = "high_value",
        /// How customers divide into segments on each axis of behaviour.
        Behavioral = "behavioral",
        /// What is bought together.
        ProductAffinity = "product_affinity",
        /// Recency, frequency and money, in six classes.
        RfmScore = "rfm_score",
    }
}

variants! {
    /// What about segments is analysed.
    SegmentAnalysis {
        /// Segments of every axis and archetypes, with their sizes.
        Overview = "segment_overview",
        /// Which archetypes grow and shrink.
        Growth = "segment_growth",
        /// Customers and spend by quarter of the year.
        Seasonal = "seasonal_segments",
        /// Groups of one axis, or archetypes, side by side.
        Comparison = "segment_comparison",
    }
}

variants! {
    /// What about products is analysed.
    ProductAnalysis {
        /// Revenue by category against the period before.
        RevenueByCategory = "revenue_by_category",
        /// Who comes back to a category.
        CategoryRepurchaseRate = "category_repurchase_rate",
    }
}

variants! {
    /// What is forecast.
    ForecastMetric {
        /// Net revenue of a month.
        Revenue = "revenue",
        /// Customers who order in a month.
        CustomerCount = "customer_count",
        /// Net revenue to date over customers to date.
        AverageLtv = "average_ltv",
        /// Customers who lapse in a month, of those who were active.
        ChurnRate = "churn_rate",
    }
}

variants! {
    /// What a campaign is for.
    Campaign {
        /// Keep those who may leave.
        Retention = "retention",
        /// Make new customers regular ones.
        Growth = "growth",
        /// Win back those who left.
        Winback = "winback",
        /// Those who bought at this time a year ago.
        Seasonal = "seasonal",
        /// The most faithful.
        Loyalty = "loyalty",
        /// Whom new customers should be like.
        Acquisition = "acquisition",
    }
}

variants! {
    /// What of one customer is looked up.
    Lookup {
        /// Who the customer is, in short.
        Profile = "profile",
        /// What the customer is expected to spend.
        LtvForecast = "ltv_forecast",
        /// How likely the customer is to leave, and why.
        ChurnRisk = "churn_risk",
        /// The customer's archetype and segments.
        Segment = "segment",
        /// The customer's orders, newest first.
        PurchaseHistory = "purchase_history",
        /// What to offer to the customer.
        Recommendations = "recommendations",
    }
}

variants! {
    /// What about behaviour is analysed.
    BehaviorAnalysis {
        /// Who came once.
        OneTimeBuyers = "one_time_buyers",
        /// Spend of the last 90 days against the 90 before.
        Momentum = "momentum_analysis",
        /// Who is later than usual.
        DecliningEngagement = "declining_engagement",
        /// Whose segment, archetype or risk changed with the last run.
        BehaviorChange = "behavior_change",
        /// How many days pass between orders.
        PurchaseCadence = "purchase_cadence",
        /// Who buys below list price.
        DiscountDependency = "discount_dependency",
    }
}

variants! {
    /// What is recommended.
    Recommendation {
        /// Who buys often and little at a time.
        UpsellCandidates = "upsell_candidates",
        /// Who bought one of two things that go together.
        CrossSellOpportunities = "cross_sell_opportunities",
        /// Good customers who know one category only.
        ExpansionTargets = "expansion_targets",
        /// What to say to those who left.
        WinbackStrategy = "winback_strategy",
        /// What to do for those who may leave.
        RetentionActions = "retention_actions",
        /// Who buys at which price, and what follows from it.
        DiscountStrategy = "discount_strategy",
    }
}

variants! {
    /// What customers are sorted by; the greatest comes first.
    CustomerOrder {
        /// Probability of leaving.
        Churn = "churn",
        /// Expected spend.
        Ltv = "ltv",
        /// Money spent.
        Spend = "spend",
        /// How far the behaviour moved with the last run.
        Drift = "drift",
    }
}

variants! {
    /// A band of the probability of leaving.
    Band {
        /// Below 0.3.
        Low = "low",
        /// From 0.3.
        Medium = "medium",
        /// From 0.6.
        High = "high",
        /// From 0.8.
        Critical = "critical",
    }
}

variants! {
    /// What is looked for together.
    By {
        /// Products.
        Product = "product",
        /// Categories.
        Category = "category",
    }
}

variants! {
    /// A group that every shop has.
    CustomerGroup {
        /// VIPs, big spenders: net spend among the highest tenth.
        Vip = "vip",
        /// At least four orders and as many as the highest tenth, the last within 90 days.
        Loyal = "loyal",
        /// The first order within the last 90 days.
        New = "new",
        /// Exactly one order.
        OneTime = "one_time",
        /// Silent for more than twice their own mean gap.
        Declining = "declining",
        /// Those who look like businesses, as b2b_identification finds them.
        Business = "business",
    }
}

/// Which customers are asked for; all conditions must hold. A list that is so narrow that it, or what it leaves over of a
/// wider one, is of too few customers is withheld.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CustomerFilter {
    /// Band of the probability of leaving.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub churn_band: Option<Band>,
    /// Name or id of an archetype, as the resource `shop://archetypes` lists them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub archetype: Option<String>,
    /// A group that every shop has, such as its VIPs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<CustomerGroup>,
    /// Name of a segment that people of the shop saved, as the resource `shop://segments` lists them, or of a segment on an
    /// axis, as `shop://archetypes` lists those; with the axis before it, such as `purchase_frequency: Regulars`, where
    /// several have one of that name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub segment: Option<String>,
    /// Country of the shipping address, two letters as in ISO 3166, such as DE; customers of whom none is known are in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 2))]
    pub country: Option<String>,
}

impl CustomerFilter {
    /// Whether nothing is left out.
    pub fn is_empty(&self) -> bool {
        *self == CustomerFilter::default()
    }
}

/// Declares the parameters of a tool: its variant under a name of its own, what the tool adds, and the page.
macro_rules! parameters {
    ($(#[$doc:meta])* $name:ident { $(#[$main:meta])* $variant:ident: $kind:ty, $($(#[$of:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $(#[$main])*
            pub $variant: $kind,
            $(
                $(#[$of])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )*
            /// Rows of a page, 1 to 100; 20 when missing.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[schemars(range(min = 1, max = 100))]
            pub limit: Option<u32>,
            /// `next_cursor` of the page before.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[schemars(length(max = 12))]
            pub cursor: Option<String>,
        }
    };
}

parameters! {
    /// Analyses customers.
    AnalyzeCustomers {
        /// What is analysed.
        analysis_type: CustomerAnalysis,
        /// Of churn_risk: what is sorted by; churn when missing.
        sort_by: CustomerOrder,
        /// Of churn_risk, high_value and b2b_identification: which customers.
        filter_by: CustomerFilter,
        /// Of churn_risk, high_value and b2b_identification: whether each row has what the customer bought last; needs customers:read.
        with_last_order: bool,
        /// Of product_affinity: months that are looked at, 1 to 36; 12 when missing.
        #[schemars(range(min = 1, max = 36))]
        timeframe_months: u32,
        /// Of product_affinity: product when missing.
        by: By,
    }
}

parameters! {
    /// Analyses segments and archetypes.
    AnalyzeSegments {
        /// What is analysed.
        analysis_type: SegmentAnalysis,
        /// Of segment_growth and seasonal_segments: months that are looked at, 1 to 36; 12 and 24 when missing.
        #[schemars(range(min = 1, max = 36))]
        timeframe_months: u32,
        /// Of segment_comparison: archetype (when missing) or an axis such as purchase_frequency.
        #[schemars(length(min = 1, max = 40))]
        axis: String,
    }
}

parameters! {
    /// Analyses categories of products.
    AnalyzeProducts {
        /// What is analysed.
        analysis_type: ProductAnalysis,
        /// Months that are looked at, 1 to 36; 12 when missing.
        #[schemars(range(min = 1, max = 36))]
        timeframe_months: u32,
    }
}

parameters! {
    /// Forecasts a metric by months.
    ForecastMetrics {
        /// What is forecast.
        metric: ForecastMetric,
        /// Months ahead after the running one, 1 to 24; 6 when missing.
        #[schemars(range(min = 1, max = 24))]
        months: u32,
    }
}

parameters! {
    /// Finds whom a campaign could speak to.
    TargetCampaign {
        /// What the campaign is for.
        campaign_type: Campaign,
        /// Which customers.
        filter_by: CustomerFilter,
        /// Whether each row has what the customer bought last; needs customers:read.
        with_last_order: bool,
    }
}

/// Looks one customer up.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LookupCustomer {
    /// Anonymised id (`C-` and eight characters) or the shop's own id of the customer.
    #[schemars(length(min = 1, max = 128))]
    pub customer_id: String,
    /// What is looked up.
    pub info_type: Lookup,
    /// Rows of a page, 1 to 100; 20 when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 12))]
    pub cursor: Option<String>,
}

parameters! {
    /// Analyses how customers behave.
    AnalyzeBehavior {
        /// What is analysed.
        analysis_type: BehaviorAnalysis,
        /// Of discount_dependency: months that are looked at, 1 to 36; 12 when missing.
        #[schemars(range(min = 1, max = 36))]
        timeframe_months: u32,
        /// Which customers.
        filter_by: CustomerFilter,
        /// Of all but purchase_cadence: whether each row has what the customer bought last; needs customers:read.
        with_last_order: bool,
    }
}

parameters! {
    /// Recommends what to do for whom.
    GetRecommendations {
        /// What is recommended.
        recommendation_type: Recommendation,
        /// Of cross_sell_opportunities and discount_strategy: months that are looked at, 1 to 36; 12 when missing.
        #[schemars(range(min = 1, max = 36))]
        timeframe_months: u32,
        /// Of cross_sell_opportunities: product when missing.
        by: By,
        /// Which customers.
        filter_by: CustomerFilter,
        /// Whether each row has what the customer bought last; needs customers:read.
        with_last_order: bool,
    }
}

/// Why a value is not allowed.
pub(super) type Refusal = (&'static str, Cow<'static, str>);

/// Refuses a number outside of its range.
pub(super) fn within(field: &'static str, number: Option<u32>, most: u32) -> Result<(), Refusal> {
    match number {
        Some(number) if !(1..=most).contains(&number) => {
            Err((field, format!("must be a whole number from 1 to {most}").into()))
        }
        _ => Ok(()),
    }
}

/// Refuses an argument that the variant does not have.
pub(super) fn only_of<T>(
    field: &'static str,
    value: &Option<T>,
    has: bool,
    variant: &'static str,
) -> Result<(), Refusal> {
    if value.is_some() && !has {
        return Err((field, format!("is no argument of {variant}").into()));
    }
    Ok(())
}
