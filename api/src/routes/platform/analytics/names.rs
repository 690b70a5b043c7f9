//! The table of reports: their names, what they are made by, and what they can be asked.

use platform::analytics::affinity::By;
use platform::analytics::discounts::Shown;
use platform::analytics::rules::{self, Rule};
use platform::analytics::{
    affinity, b2b, cadence, categories, change, discounts, expansion, momentum, rfm, seasons, segments,
};

use crate::web::problem::Problem;
use crate::web::query::Params;

/// The part of the path before the report's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// What is sold.
    Products,
    /// How customers behave.
    Behavior,
    /// Who they are.
    Customers,
    /// Groups of them.
    Segments,
    /// Whom a campaign is for.
    Campaigns,
    /// What to do next.
    Recommendations,
}

/// What makes a report.
#[derive(Clone, Copy, Debug)]
pub(super) enum Maker {
    List(&'static Rule),
    Revenue,
    Repurchase,
    Affinity,
    Cadence,
    Momentum,
    Change,
    Discounts(Shown),
    Rfm,
    Businesses,
    Overview,
    Growth,
    Comparison,
    Seasonal,
    SeasonTargets,
    CrossSell,
    Expansion,
}

/// What a report can be asked besides `limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Months,
    By,
    Axis,
}

impl Choice {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Choice::Months => "timeframe_months",
            Choice::By => "by",
            Choice::Axis => "axis",
        }
    }
}

/// A report.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) group: Group,
    pub(super) name: &'static str,
    pub(super) maker: Maker,
    pub(super) definition: &'static str,
    pub(super) options: &'static [Choice],
    /// Months when the caller does not say.
    pub(super) months: u32,
}

const MONTHS: &[Choice] = &[Choice::Months];
const MONTHS_BY: &[Choice] = &[Choice::Months, Choice::By];

const fn plain(group: Group, name: &'static str, maker: Maker, definition: &'static str) -> Named {
    Named { group, name, maker, definition, options: &[], months: 12 }
}

const fn list(group: Group, name: &'static str, rule: &'static Rule) -> Named {
    plain(group, name, Maker::List(rule), rule.definition)
}

const fn with(options: &'static [Choice], named: Named) -> Named {
    Named { options, ..named }
}

static REPORTS: [Named; 28] = [
    with(MONTHS, plain(Group::Products, "revenue-by-category", Maker::Revenue, categories::REVENUE)),
    with(MONTHS, plain(Group::Products, "repurchase", Maker::Repurchase, categories::REPURCHASE)),
    with(MONTHS_BY, plain(Group::Products, "affinity", Maker::Affinity, affinity::AFFINITY)),
    list(Group::Behavior, "one-time-buyers", &rules::ONE_TIME_BUYERS),
    plain(Group::Behavior, "momentum", Maker::Momentum, momentum::DEFINITION),
    list(Group::Behavior, "declining", &rules::DECLINING),
    plain(Group::Behavior, "cadence", Maker::Cadence, cadence::DEFINITION),
    with(
        MONTHS,
        plain(
            Group::Behavior,
            "discount-dependency",
            Maker::Discounts(Shown::Dependent),
            discounts::DEFINITION,
        ),
    ),
    plain(Group::Behavior, "change", Maker::Change, change::DEFINITION),
    list(Group::Customers, "high-value", &rules::HIGH_VALUE),
    plain(Group::Customers, "rfm", Maker::Rfm, rfm::DEFINITION),
    plain(Group::Customers, "b2b", Maker::Businesses, b2b::DEFINITION),
    plain(Group::Segments, "overview", Maker::Overview, segments::OVERVIEW),
    with(MONTHS, plain(Group::Segments, "growth", Maker::Growth, segments::GROWTH)),
    Named {
        options: MONTHS,
        months: 24,
        ..plain(Group::Segments, "seasonal", Maker::Seasonal, seasons::SEASONAL)
    },
    with(&[Choice::Axis], plain(Group::Segments, "comparison", Maker::Comparison, segments::COMPARISON)),
    list(Group::Campaigns, "retention", &rules::RETENTION),
    list(Group::Campaigns, "growth", &rules::GROWTH),
    list(Group::Campaigns, "winback", &rules::WINBACK),
    plain(Group::Campaigns, "seasonal", Maker::SeasonTargets, seasons::TARGETS),
    list(Group::Campaigns, "loyalty", &rules::LOYALTY),
    list(Group::Campaigns, "acquisition", &rules::ACQUISITION),
    list(Group::Recommendations, "upsell", &rules::UPSELL),
    with(MONTHS_BY, plain(Group::Recommendations, "cross-sell", Maker::CrossSell, affinity::CROSS_SELL)),
    plain(Group::Recommendations, "expansion", Maker::Expansion, expansion::DEFINITION),
    list(Group::Recommendations, "winback", &rules::WINBACK),
    list(Group::Recommendations, "retention", &rules::RETENTION),
    with(
        MONTHS,
        plain(
            Group::Recommendations,
            "discount-strategy",
            Maker::Discounts(Shown::EveryClass),
            discounts::DEFINITION,
        ),
    ),
];

/// The group that a part of a path names.
pub(super) fn group(part: &str) -> Option<Group> {
    match part {
        "products" => Some(Group::Products),
        "behavior" => Some(Group::Behavior),
        "customers" => Some(Group::Customers),
        "segments" => Some(Group::Segments),
        "campaigns" => Some(Group::Campaigns),
        "recommendations" => Some(Group::Recommendations),
        _ => None,
    }
}

/// The reports of a group.
pub(super) fn of(group: Group) -> impl Iterator<Item = &'static Named> {
    REPORTS.iter().filter(move |named| named.group == group)
}

/// The report of that name in a group.
pub(super) fn find(group: Group, name: &str) -> Option<&'static Named> {
    of(group).find(|named| named.name == name)
}

impl Named {
    /// Whether it looks at a time that can be asked for.
    pub(super) fn has_months(&self) -> bool {
        self.options.contains(&Choice::Months)
    }
}

/// Reads `by`.
pub(super) fn by(params: &Params) -> Result<By, Problem> {
    match params.text("by")? {
        None | Some("product") => Ok(By::Product),
        Some("category") => Ok(By::Category),
        Some(_) => Err(Problem::bad_request("by", "must be product or category")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_its_group_once() {
        for named in &REPORTS {
            assert_eq!(of(named.group).filter(|other| other.name == named.name).count(), 1, "{}", named.name);
            assert!(!named.definition.is_empty() && named.definition.len() < 600);
        }
        assert!(find(Group::Products, "high-value").is_none());
    }
}
