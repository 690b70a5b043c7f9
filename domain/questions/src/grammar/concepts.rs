//! What words are about, and sets of that.

/// What a word is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Concept {
    /// Winning customers, and whom they should be like.
    Acquire,
    /// The same as somebody else.
    Alike,
    /// Archetypes.
    Archetype,
    /// A mean.
    Average,
    /// A band of the risk of leaving.
    Band,
    /// How customers behave.
    Behave,
    /// What is best.
    Best,
    /// The shop's own trade, unless it stands beside customers.
    Business,
    /// Purchases.
    Buy,
    /// How often customers order.
    Cadence,
    /// Campaigns, and whom they target.
    Campaign,
    /// Categories of products.
    Category,
    /// What changed.
    Change,
    /// Customers who are businesses.
    Company,
    /// Things beside each other.
    Compare,
    /// How many.
    Count,
    /// Cross-selling.
    CrossSell,
    /// Customers.
    Customer,
    /// Customers who buy less.
    Decline,
    /// Depending on something.
    Depend,
    /// Discounts.
    Discount,
    /// How far customers moved.
    Drift,
    /// Buying in another category.
    Expansion,
    /// What is expected.
    Forecast,
    /// A time to come.
    Future,
    /// Customers who left already.
    Gone,
    /// Growth.
    Grow,
    /// "How can we": advice on what stands beside it.
    HowTo,
    /// What somebody bought last.
    LastOrder,
    /// Customers who may leave.
    Leave,
    /// Loyal customers.
    Loyal,
    /// What a customer is worth over time.
    Ltv,
    /// How business goes.
    Momentum,
    /// Money.
    Money,
    /// More of something.
    More,
    /// The most of something.
    Most,
    /// New customers.
    New,
    /// Buying once.
    Once,
    /// Products.
    Product,
    /// What is known of a customer.
    Profile,
    /// One person who was named before.
    Pronoun,
    /// A share.
    Rate,
    /// Lately.
    Recent,
    /// Advice.
    Recommend,
    /// Buying more than once.
    Repeat,
    /// Buying the same again.
    Repurchase,
    /// Keeping customers.
    Retain,
    /// Revenue.
    Revenue,
    /// Recency, frequency and money.
    Rfm,
    /// Times of the year.
    Season,
    /// Segments.
    Segment,
    /// Less than before.
    Shrink,
    /// How large.
    Size,
    /// What customers spend.
    Spend,
    /// A strategy.
    Strategy,
    /// Several persons who were named before, or the one whom people do not call he or she.
    They,
    /// What is bought together.
    Together,
    /// Up or down.
    Trend,
    /// Upselling.
    Upsell,
    /// Customers who are worth most.
    Vip,
    /// The moment at which something will happen.
    When,
    /// Reasons.
    Why,
    /// What will be.
    Will,
    /// Winning customers back.
    Winback,
}

/// Several concepts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Concepts(u64);

// Every concept has a bit.
const _: () = assert!((Concept::Winback as u8) < 64);

impl Concepts {
    /// These.
    pub fn of(concepts: &[Concept]) -> Concepts {
        concepts.iter().fold(Concepts(0), |all, concept| all.with(*concept))
    }

    /// With one more.
    pub fn with(self, concept: Concept) -> Concepts {
        Concepts(self.0 | 1 << concept as u8)
    }

    /// Without one.
    pub fn without(self, concept: Concept) -> Concepts {
        Concepts(self.0 & !(1 << concept as u8))
    }

    /// Without whoever was named before.
    pub fn without_pronouns(self) -> Concepts {
        self.without(Concept::Pronoun).without(Concept::They)
    }

    /// All of both.
    pub fn and(self, other: Concepts) -> Concepts {
        Concepts(self.0 | other.0)
    }

    /// Whether it is among them.
    pub fn has(self, concept: Concept) -> bool {
        self.0 & 1 << concept as u8 != 0
    }

    /// Whether any of the others is among them.
    pub fn meets(self, other: Concepts) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether all are among the others.
    pub fn is_within(self, other: Concepts) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}
