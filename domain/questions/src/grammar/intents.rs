//! What sets of concepts ask for. A rule holds when everything that it needs is there and nothing that it does not know:
//! a question that says more than a tool can be told is not answered as if it said less.

use serde_json::{Map, Value, json};

use super::concepts::Concept::{self, self as C};
use super::concepts::Concepts;
use super::rules::RULES;
use crate::tools::Call;
use crate::tools::parameters::CustomerGroup;

/// What a question must be about, and what it may be about, for one variant of a tool.
#[derive(Debug)]
pub struct Rule {
    /// The tool.
    pub tool: &'static str,
    /// Its variant.
    pub variant: &'static str,
    /// Of each of these at least one.
    pub(super) needs: &'static [&'static [Concept]],
    /// Besides.
    pub(super) may: &'static [Concept],
    /// Whether it is no matter that customers are named, or what is most: the variant is about them anyway.
    pub(super) is_about_customers: bool,
    /// How a person would ask for it.
    pub example: &'static str,
}

/// Variants that list customers who have something in common: "and the loyal ones?" puts one in the place of another.
const GROUPS: [(&str, &str); 10] = [
    ("analyze_customers", "high_value"),
    ("analyze_customers", "b2b_identification"),
    ("analyze_behavior", "one_time_buyers"),
    ("analyze_behavior", "declining_engagement"),
    ("analyze_behavior", "discount_dependency"),
    ("get_recommendations", "upsell_candidates"),
    ("get_recommendations", "expansion_targets"),
    ("target_campaign", "loyalty"),
    ("target_campaign", "winback"),
    ("target_campaign", "growth"),
];

/// Groups that lists of customers can be narrowed down to, by what stands for them in a question. Of two that could be
/// taken for the list itself the first is taken for the group: "VIPs who order less than usual" are of the latter list.
const NARROWING: [(Concept, CustomerGroup); 6] = [
    (C::Vip, CustomerGroup::Vip),
    (C::New, CustomerGroup::New),
    (C::Loyal, CustomerGroup::Loyal),
    (C::Once, CustomerGroup::OneTime),
    (C::Decline, CustomerGroup::Declining),
    (C::Company, CustomerGroup::Business),
];

/// The group that these concepts are about, if they are about one and nothing else.
pub fn group_of(about: Concepts) -> Option<CustomerGroup> {
    let only = |concept: Concept| about.without(C::Customer).without(C::Best) == Concepts::of(&[concept]);
    NARROWING.into_iter().find(|(concept, _)| only(*concept)).map(|(_, group)| group)
}

/// Whether any of these groups is among the concepts: such a question says itself whom "they" are.
pub fn names_group(about: Concepts) -> bool {
    NARROWING.iter().any(|(concept, _)| about.has(*concept))
}

/// The group that a call lists as it is, so that "who of them" can be told; none of a part of one.
pub fn listed_group(call: &Call) -> Option<CustomerGroup> {
    // The loyal ones of the VIPs are two groups, and a list is narrowed down to one.
    let is_part = call.filter().is_some_and(|filter| filter.group.is_some());
    if call.limit().is_some() || call.rows().1 > 0 || is_part {
        return None;
    }
    match (call.tool(), call.variant()) {
        ("analyze_customers", "high_value") => Some(CustomerGroup::Vip),
        ("target_campaign", "loyalty") => Some(CustomerGroup::Loyal),
        ("analyze_behavior", "one_time_buyers") => Some(CustomerGroup::OneTime),
        ("analyze_behavior", "declining_engagement") => Some(CustomerGroup::Declining),
        ("analyze_customers", "b2b_identification") => Some(CustomerGroup::Business),
        _ => None,
    }
}

/// A rule that fits when one of the groups is taken for what its list is narrowed down to.
pub fn narrowed(about: Concepts) -> Option<(&'static Rule, CustomerGroup)> {
    NARROWING.into_iter().filter(|(concept, _)| about.has(*concept)).find_map(|(concept, group)| {
        let rule = best(RULES, about.without(concept).with(C::Customer)).ok()?;
        // Whoever ordered once has no cadence; how many of a group come back is told, not whether they do.
        let is_cadence = rule.variant == "purchase_cadence";
        let says_how_often = about.has(C::Cadence) || about.has(C::Count) || about.has(C::Rate);
        let fits = !is_cadence || (says_how_often && group != CustomerGroup::OneTime);
        (fits && rule.can_be_narrowed()).then_some((rule, group))
    })
}

/// The rule about momentum and the group whose momentum is asked for: "momentum of the loyal ones".
pub fn momentum_of(about: Concepts) -> Option<(&'static Rule, CustomerGroup)> {
    let (concept, group) = NARROWING.into_iter().find(|(concept, _)| about.has(*concept))?;
    let rule = best(RULES, about.without(concept).without(C::Customer)).ok()?;
    (rule.variant == "momentum_analysis").then_some((rule, group))
}

/// Whether a variant lists customers who have something in common.
pub fn is_group(tool: &str, variant: &str) -> bool {
    GROUPS.contains(&(tool, variant))
}

/// The first rule that asks for a call.
pub fn of_call(call: &Call) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.tool == call.tool() && rule.variant == call.variant())
}

impl Rule {
    /// How many needs are met, when all are and nothing is left over.
    fn fits(&self, about: Concepts) -> Option<usize> {
        let needed = self.needs.iter().map(|any| Concepts::of(any));
        if !needed.clone().all(|any| about.meets(any)) {
            return None;
        }
        let besides = Concepts::of(self.may);
        let besides = if self.is_about_customers { besides.with(C::Customer).with(C::Most) } else { besides };
        let allowed = needed.fold(besides, Concepts::and);
        about.is_within(allowed).then_some(self.needs.len())
    }

    /// How many needs are met at all.
    pub fn touches(&self, about: Concepts) -> usize {
        self.needs.iter().filter(|any| about.meets(Concepts::of(any))).count()
    }

    /// The fewest concepts that ask for it.
    pub fn least(&self) -> Concepts {
        self.needs
            .iter()
            .filter_map(|any| any.first())
            .fold(Concepts::default(), |all, concept| all.with(*concept))
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

    /// The parameter that says how many months; none where the variant looks at all of the time.
    pub fn months(&self) -> Option<&'static str> {
        if self.tool == "forecast_metrics" {
            return Some("months");
        }
        let call = Call::parse(self.tool, &Value::Object(self.arguments())).ok()?;
        call.months().map(|_| "timeframe_months")
    }

    /// Whether its list can be narrowed down.
    pub fn can_be_narrowed(&self) -> bool {
        let call = Call::parse(self.tool, &Value::Object(self.arguments()));
        call.is_ok_and(|call| call.can_be_narrowed())
    }

    /// Whether it lists customers who can be narrowed down, so that what they bought last can stand beside them.
    pub fn lists_customers(&self) -> bool {
        let call = Call::parse(self.tool, &Value::Object(self.arguments()));
        call.is_ok_and(|call| call.lists_customers())
    }

    /// How a person would ask for it about so many months; none where it is not asked so.
    pub fn example_of_months(&self, months: u32) -> Option<String> {
        let length = if months == 1 { "month".to_owned() } else { format!("{months} months") };
        match (self.tool, self.variant) {
            ("forecast_metrics", "revenue") => {
                Some(format!("What revenue do you expect for the next {length}?"))
            }
            ("forecast_metrics", "customer_count") => {
                Some(format!("How many customers will we have in the next {length}?"))
            }
            ("forecast_metrics", "average_ltv") => {
                Some(format!("How will the average lifetime value develop in the next {length}?"))
            }
            ("forecast_metrics", _) => Some(format!("How will the churn rate develop in the next {length}?")),
            _ => {
                self.months().map(|_| format!("{} in the last {length}?", self.example.trim_end_matches('?')))
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::rules::LOOKUPS;
    use crate::grammar::{Understood, understand};

    #[test]
    fn every_example_asks_for_its_own_rule() {
        let today = "2026-06-15".parse().expect("a day");
        let call = |question: &str| match understand(question, None, today).understood {
            Understood::Call(call) => call,
            other => panic!("{question}: {other:?}"),
        };
        for rule in RULES.iter().chain(LOOKUPS) {
            let asked = call(rule.example);
            assert_eq!((asked.tool(), asked.variant()), (rule.tool, rule.variant), "{}", rule.example);
            for months in [1, 9] {
                let Some(example) = rule.example_of_months(months).filter(|_| rule.tool != "lookup_customer")
                else {
                    continue;
                };
                let asked = call(&example);
                assert_eq!((asked.tool(), asked.variant()), (rule.tool, rule.variant), "{example}");
                let name = rule.months().expect("it takes months");
                assert_eq!(asked.arguments()[name], months, "{example}");
            }
        }
    }
}
