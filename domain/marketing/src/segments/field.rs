//! What a rule may ask about: fields with their types, and the operators that each type has. One table, used by the
//! readers of both forms, by the compilers and by the rule builder of a front end.

use std::fmt;

use super::operator::Operator;

/// The axes, in the order of the segmentation's catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Axis {
    /// How often there are orders.
    PurchaseFrequency,
    /// How much is spent.
    PurchaseValue,
    /// How many products and categories are tried.
    CategoryExploration,
    /// How much discounts and low prices matter.
    PriceSensitivity,
    /// How regular orders are.
    PurchaseCadence,
    /// How long the customer has been one, and how recent they are.
    CustomerMaturity,
    /// How much is bought again.
    RepurchaseBehavior,
    /// How much is sent back.
    ReturnBehavior,
    /// How the customer writes in.
    Communication,
    /// How much their problems take.
    ProblemComplexity,
    /// How long and how surely they stay.
    Loyalty,
    /// How content they say they are.
    Feedback,
    /// How much money matters in what they write.
    ValueSensitivity,
}

impl Axis {
    /// How many are of purchases; those of tickets follow.
    pub const OF_PURCHASES: usize = 8;

    /// Every axis.
    pub const ALL: [Axis; 13] = [
        Axis::PurchaseFrequency,
        Axis::PurchaseValue,
        Axis::CategoryExploration,
        Axis::PriceSensitivity,
        Axis::PurchaseCadence,
        Axis::CustomerMaturity,
        Axis::RepurchaseBehavior,
        Axis::ReturnBehavior,
        Axis::Communication,
        Axis::ProblemComplexity,
        Axis::Loyalty,
        Axis::Feedback,
        Axis::ValueSensitivity,
    ];

    /// Its name, which is its column's name too.
    pub const fn name(self) -> &'static str {
        match self {
            Axis::PurchaseFrequency => "purchase_frequency",
            Axis::PurchaseValue => "purchase_value",
            Axis::CategoryExploration => "category_exploration",
            Axis::PriceSensitivity => "price_sensitivity",
            Axis::PurchaseCadence => "purchase_cadence",
            Axis::CustomerMaturity => "customer_maturity",
            Axis::RepurchaseBehavior => "repurchase_behavior",
            Axis::ReturnBehavior => "return_behavior",
            Axis::Communication => "communication",
            Axis::ProblemComplexity => "problem_complexity",
            Axis::Loyalty => "loyalty",
            Axis::Feedback => "feedback",
            Axis::ValueSensitivity => "value_sensitivity",
        }
    }

    /// Its place in [`Axis::ALL`].
    pub fn index(self) -> usize {
        Axis::ALL.iter().position(|axis| *axis == self).unwrap_or_default()
    }
}

/// The words for how clearly a customer belongs to a segment, by the number that the facts hold.
pub const STRENGTHS: [&str; 3] = ["weak", "balanced", "strong"];

/// Something that is known of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// Money spent, net of returns, in the currency of the tenant's run.
    TotalOrderValue,
    /// Orders that are not returns.
    OrderCount,
    /// Days from the last order to today in the tenant's zone.
    DaysSinceLastOrder,
    /// Day of the last order (UTC).
    LastOrderDate,
    /// Day of the first order (UTC).
    FirstOrderDate,
    /// State or region as the shop wrote it.
    ShippingState,
    /// ISO 3166 code of two letters.
    ShippingCountry,
    /// Address.
    Email,
    /// Whether the customer agreed to marketing.
    MarketingOptIn,
    /// The shop's labels.
    Tags,
    /// The dominant behavioural segment on an axis.
    Segment(Axis),
    /// How clearly the customer belongs to it.
    Strength(Axis),
    /// The archetype, of either level.
    Archetype,
    /// Probability of no order within the model's horizon.
    ChurnProbability,
    /// The band of that probability.
    ChurnRisk,
    /// Expected spend within the model's horizon.
    Ltv,
}

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An amount of money or another number.
    Number,
    /// A whole number.
    Whole,
    /// A day.
    Date,
    /// A text; case does not matter.
    Text,
    /// A country code.
    Country,
    /// True or false.
    Flag,
    /// A set of texts; case does not matter.
    Set,
    /// One of names that the tenant's segmentation gives.
    Name,
    /// One of a few ordered words.
    Word(&'static [&'static str]),
}

impl Kind {
    /// What a value of the type looks like, for messages.
    pub fn expects(self) -> String {
        match self {
            Kind::Number => "a number such as 49.90".to_owned(),
            Kind::Whole => "a whole number such as 3".to_owned(),
            Kind::Date => "a date such as 2026-01-31".to_owned(),
            Kind::Text | Kind::Set => "a text such as \"CA\"".to_owned(),
            Kind::Country => "a country code of two letters such as US".to_owned(),
            Kind::Flag => "true or false".to_owned(),
            Kind::Name => "a name in quotation marks".to_owned(),
            Kind::Word(words) => format!("one of {}", words.join(", ")),
        }
    }

    /// The type's name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Number => "number",
            Kind::Whole => "integer",
            Kind::Date => "date",
            Kind::Text => "text",
            Kind::Country => "country",
            Kind::Flag => "boolean",
            Kind::Set => "set",
            Kind::Name => "name",
            Kind::Word(_) => "word",
        }
    }

    /// The operators of the type.
    pub fn operators(self) -> &'static [Operator] {
        use Operator::{
            AtLeast, AtMost, Between, Contains, EndsWith, Has, HasAll, HasAny, In, Is, IsNot, Known, Less,
            More, NotIn, StartsWith, Unknown,
        };
        match self {
            Kind::Number | Kind::Whole | Kind::Date => {
                &[Is, IsNot, Less, AtMost, More, AtLeast, Between, In, NotIn, Known, Unknown]
            }
            Kind::Text => &[Is, IsNot, In, NotIn, Contains, StartsWith, EndsWith, Known, Unknown],
            Kind::Country | Kind::Name => &[Is, IsNot, In, NotIn, Known, Unknown],
            Kind::Flag => &[Is, IsNot, Known, Unknown],
            Kind::Set => &[Has, HasAny, HasAll, Known, Unknown],
            Kind::Word(_) => &[Is, IsNot, Less, AtMost, More, AtLeast, In, NotIn, Known, Unknown],
        }
    }
}

impl Field {
    /// Every field.
    pub fn all() -> impl Iterator<Item = Field> {
        let plain = [
            Field::TotalOrderValue,
            Field::OrderCount,
            Field::DaysSinceLastOrder,
            Field::LastOrderDate,
            Field::FirstOrderDate,
            Field::ShippingState,
            Field::ShippingCountry,
            Field::Email,
            Field::MarketingOptIn,
            Field::Tags,
            Field::Archetype,
            Field::ChurnProbability,
            Field::ChurnRisk,
            Field::Ltv,
        ];
        let axes = Axis::ALL.into_iter().flat_map(|axis| [Field::Segment(axis), Field::Strength(axis)]);
        plain.into_iter().chain(axes)
    }

    /// The field of that name.
    pub fn named(name: &str) -> Option<Field> {
        let axis = |name: &str| Axis::ALL.into_iter().find(|axis| axis.name() == name);
        if let Some(name) = name.strip_prefix("segment.") {
            return axis(name).map(Field::Segment);
        }
        if let Some(name) = name.strip_prefix("strength.") {
            return axis(name).map(Field::Strength);
        }
        Field::all().find(|field| {
            !matches!(field, Field::Segment(_) | Field::Strength(_)) && field.to_string() == name
        })
    }

    /// Its type.
    pub fn kind(self) -> Kind {
        match self {
            Field::TotalOrderValue | Field::ChurnProbability | Field::Ltv => Kind::Number,
            Field::OrderCount | Field::DaysSinceLastOrder => Kind::Whole,
            Field::LastOrderDate | Field::FirstOrderDate => Kind::Date,
            Field::ShippingState | Field::Email => Kind::Text,
            Field::ShippingCountry => Kind::Country,
            Field::MarketingOptIn => Kind::Flag,
            Field::Tags => Kind::Set,
            Field::Segment(_) | Field::Archetype => Kind::Name,
            Field::Strength(_) => Kind::Word(&STRENGTHS),
            Field::ChurnRisk => Kind::Word(&["low", "medium", "high", "critical"]),
        }
    }

    /// What it is, for people who build rules.
    pub fn meaning(self) -> &'static str {
        match self {
            Field::TotalOrderValue => "money spent, net of returns, in the shop's currency",
            Field::OrderCount => "orders that are not returns",
            Field::DaysSinceLastOrder => "days from the last order to today in the shop's time zone",
            Field::LastOrderDate => "day of the last order",
            Field::FirstOrderDate => "day of the first order",
            Field::ShippingState => "state or region of the shipping address",
            Field::ShippingCountry => "country of the shipping address, two letters",
            Field::Email => "e-mail address",
            Field::MarketingOptIn => "whether the customer agreed to marketing",
            Field::Tags => "the shop's labels",
            Field::Segment(_) => "the behavioural segment on this axis",
            Field::Strength(_) => "how clearly the customer belongs to that segment",
            Field::Archetype => "the archetype, of either level",
            Field::ChurnProbability => "probability of no further order within the model's horizon, 0 to 1",
            Field::ChurnRisk => "the band of that probability",
            Field::Ltv => "expected spend within the model's horizon, in the shop's currency",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Field::TotalOrderValue => "total_order_value",
            Field::OrderCount => "order_count",
            Field::DaysSinceLastOrder => "days_since_last_order",
            Field::LastOrderDate => "last_order_date",
            Field::FirstOrderDate => "first_order_date",
            Field::ShippingState => "shipping_state",
            Field::ShippingCountry => "shipping_country",
            Field::Email => "email",
            Field::MarketingOptIn => "marketing_opt_in",
            Field::Tags => "tags",
            Field::Archetype => "archetype",
            Field::ChurnProbability => "churn_probability",
            Field::ChurnRisk => "churn_risk",
            Field::Ltv => "ltv",
            Field::Segment(axis) => return write!(f, "segment.{}", axis.name()),
            Field::Strength(axis) => return write!(f, "strength.{}", axis.name()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for field in Field::all() {
            assert_eq!(Field::named(&field.to_string()), Some(field));
            assert!(!field.kind().operators().is_empty());
        }
        assert_eq!(Field::all().count(), 40);
    }
}
