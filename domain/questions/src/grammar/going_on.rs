//! Questions that go on from the one before: it lends them its tool, its customer, its time and its number of rows.

use serde_json::{Map, Value, json};

use super::concepts::{Concept, Concepts};
use super::intents::{Rule, best, group_of, is_group, listed_group, of_call};
use super::parameters::Read;
use super::rules::{LOOKUPS, RULES};
use super::{Understood, ask_back, call, choose, parsed, unclear, unsorted};
use crate::tools::Call;
use crate::tools::call::{MAX_LIMIT, cursor};
use crate::tools::parameters::{CustomerGroup, Lookup};

/// What a question asks of a list of customers that was answered: what they bought last, who of them is something else,
/// or the same of a part; none when it is about something else.
pub(super) fn of_list(read: &Read, last: &Call) -> Option<Understood> {
    if !last.can_be_narrowed() || read.customer.is_some() || read.months.is_some() {
        return None;
    }
    let about = read.about.without_pronouns().without(Concept::Customer);
    // "How many are there?" of a list that was answered: its figures tell it.
    if about == Concepts::of(&[Concept::Count])
        && last.lists_customers()
        && !read.about.has(Concept::Customer)
        && !read.named.narrows()
        && read.limit.is_none()
    {
        let mut whole = last.clone();
        whole.set_page(None, None);
        return Some(Understood::Call(Box::new(whole)));
    }
    // "Which customers changed their habits" names whom it means itself.
    let refers = read.points || (read.about.has(Concept::They) && !read.about.has(Concept::Customer));
    if about.without(Concept::Buy) == Concepts::of(&[Concept::LastOrder])
        && last.lists_customers()
        && !read.named.narrows()
    {
        let is_of_them = refers || (read.goes_on && !read.about.has(Concept::Customer));
        return is_of_them.then(|| with(last, read, "with_last_order", json!(true)));
    }
    let filter = |more: &[(&str, Value)]| {
        let mut filter = last.filter().map_or_else(|| json!({}), |filter| json!(filter));
        for (field, value) in more {
            filter[*field] = value.clone();
        }
        filter
    };
    let named: Vec<(&str, Value)> =
        read.named.conditions().map(|(field, name)| (field, json!(name))).collect();
    // "And the VIPs?" after who may leave is who of the VIPs may; after a list of VIPs "and the loyal ones?" is another list.
    let is_part = read.goes_on && !read.is_whole && !read.points;
    if is_part && !refers {
        let is_same_campaign = read.says_same && matches!(last, Call::TargetCampaign(_));
        let about = if is_same_campaign { about.without(Concept::Campaign) } else { about };
        let group = group_of(about).filter(|group| takes_part(read, last, *group));
        let mut more = named.clone();
        more.extend(group.map(|group| ("group", json!(group))));
        if !more.is_empty() && (group.is_some() || about.is_empty()) {
            return Some(with(last, read, "filter_by", filter(&more)));
        }
    }
    // "Which of them are in Germany?"; of ten of them it cannot be told.
    let is_all = last.limit().is_none() && last.rows().1 == 0;
    if refers && !named.is_empty() && about.without(Concept::Count).is_empty() && is_all {
        return Some(with(last, read, "filter_by", filter(&named)));
    }
    // "Who of them is at risk?", or "and the ones at risk?" after the VIPs; of ten of them it cannot be told.
    if (refers || is_part)
        && !about.is_empty()
        && let Some(group) = listed_group(last)
    {
        let wants_last = about.has(Concept::LastOrder);
        let rule =
            choose(RULES, about.without(Concept::LastOrder).with(Concept::Customer), read.limit).ok()?;
        let is_other_list = !refers && is_group(rule.tool, rule.variant);
        if is_other_list
            || !rule.can_be_narrowed()
            || (wants_last && !rule.lists_customers())
            || of_call(last).is_some_and(|before| before.variant == rule.variant)
        {
            return None;
        }
        let mut kept = Map::from_iter([("filter_by".to_owned(), filter(&[("group", json!(group))]))]);
        if wants_last {
            kept.insert("with_last_order".to_owned(), json!(true));
        }
        return Some(call(rule, read, kept));
    }
    None
}

/// Whether a group that is named after an answer is a part of it, rather than another list or campaign: "the same for loyal
/// customers" is the same campaign, "and for loyalty?" another one.
fn takes_part(read: &Read, last: &Call, group: CustomerGroup) -> bool {
    let is_campaign = matches!(last, Call::TargetCampaign(_));
    if is_campaign && read.says_same {
        return !read.says_loyalty;
    }
    !(is_group(last.tool(), last.variant()) || is_campaign && group == CustomerGroup::Loyal)
}

/// "By risk", "sort by risk" and "per segment" of what was answered. Who may leave, and a whole group, can be told by risk; by
/// anything else, or of another answer, it would be another question, about everybody. None when it is told elsewhere.
pub(super) fn in_order(read: &Read, last: &Call) -> Option<Understood> {
    const TOLD_ELSEWHERE: &[Concept] =
        &[Concept::Spend, Concept::Money, Concept::Ltv, Concept::Category, Concept::Product, Concept::Future];
    let about = read.about.without_pronouns().without(Concept::Customer);
    let is_of_one = read.customer.is_some() || matches!(last, Call::LookupCustomer(_));
    if !read.begins_by || is_of_one || read.axis.is_some() || about.is_within(Concepts::of(TOLD_ELSEWHERE)) {
        return None;
    }
    if about == Concepts::of(&[Concept::Leave]) && read.months.is_none() && !read.named.narrows() {
        if (last.tool(), last.variant()) == ("analyze_customers", "churn_risk") {
            // Its own order is that of risk.
            return Some(with(last, read, "sort_by", Value::Null));
        }
        let of_group = Read { goes_on: true, is_whole: false, points: false, ..read.clone() };
        if listed_group(last).is_some()
            && let Some(understood) = of_list(&of_group, last)
        {
            return Some(understood);
        }
    }
    Some(match last.lists_customers() {
        true => unsorted(),
        false => {
            ask_back("I cannot tell the answer before by that; please ask for what you mean in full.", about)
        }
    })
}

/// "Only the VIPs" of a list of customers; none when it is no part of one.
pub(super) fn only(read: &Read, last: &Call) -> Option<Understood> {
    let about = read.about.without_pronouns().without(Concept::Customer);
    let group = group_of(about);
    let is_of_part = group.is_some() || (read.named.narrows() && about.is_empty());
    let says_more = read.months.is_some() || read.customer.is_some() || read.band.is_some();
    if !is_of_part || says_more || !last.can_be_narrowed() {
        return None;
    }
    let known = last.filter().cloned().unwrap_or_default();
    if group.is_some() && known.group.is_some_and(|known| group != Some(known)) {
        return Some(ask_back("I can narrow a list down to one group at a time.", about));
    }
    let mut filter = json!(known);
    for (field, name) in read.named.conditions() {
        filter[field] = json!(name);
    }
    if let Some(group) = group {
        filter["group"] = json!(group);
    }
    Some(with(last, read, "filter_by", filter))
}

/// Whether a list of one kind of customers took the place of another one, whose customers it could be meant to be among.
pub(super) fn is_other_list(call: &Call, last: &Call, says_ones: bool) -> bool {
    let is_same = (call.tool(), call.variant()) == (last.tool(), last.variant());
    let are_lists = is_group(call.tool(), call.variant()) && is_group(last.tool(), last.variant());
    let is_campaign = matches!((call, last), (Call::TargetCampaign(_), Call::TargetCampaign(_)));
    // "And for loyalty?" is another campaign; "the loyal ones?" are customers.
    are_lists && !is_same && call.filter().is_none() && (!is_campaign || says_ones)
}

/// The call before with one thing else, from its beginning on.
fn with(last: &Call, read: &Read, name: &str, value: Value) -> Understood {
    let Value::Object(mut arguments) = last.arguments() else {
        return ask_back("What do you mean?", read.about);
    };
    arguments.insert(name.to_owned(), value);
    if name != "with_last_order" {
        arguments.remove("cursor");
    }
    if let Some(limit) = read.limit {
        arguments.insert("limit".to_owned(), json!(limit));
    }
    parsed(last.tool(), arguments, read.about)
}

/// What a question asks for that goes on from a call; none when it stands by itself.
pub(super) fn understand(read: &Read, last: &Call) -> Option<Understood> {
    // Names narrow lists down, see above; nothing else takes them from the question before.
    if read.named.narrows() {
        return None;
    }
    let about = read.about;
    if about == Concepts::of(&[Concept::More]) && read.months.is_none() && read.customer.is_none() {
        let (limit, place) = last.rows();
        if read.limit.is_some_and(|limit| !(1..=MAX_LIMIT).contains(&limit)) {
            return Some(ask_back("A list has 1 to 100 rows; how many do you want to see?", about));
        }
        let mut more = last.clone();
        more.set_page(read.limit.or(last.limit()), Some(cursor(place + limit)));
        return Some(Understood::Call(Box::new(more)));
    }
    if let Call::LookupCustomer(asked) = last
        && read.customer.is_none()
        && about == Concepts::of(&[Concept::Why])
        && asked.info_type == Lookup::ChurnRisk
    {
        // The reasons stand beside the risk.
        return Some(Understood::Call(Box::new(last.clone())));
    }
    if matches!(last, Call::LookupCustomer(_)) && read.customer.is_none() && read.goes_on && about.is_empty()
    {
        return Some(ask_back("What do you want to know of the customer?", about));
    }
    // "And?", "and how?" and "what about it?" say nothing to go on with.
    let says_something = !about.without_pronouns().is_empty()
        || read.months.is_some()
        || read.limit.is_some()
        || read.customer.is_some()
        || read.axis.is_some()
        || read.is_today;
    if read.goes_on && !says_something && !matches!(last, Call::LookupCustomer(_)) {
        return Some(ask_back("What do you want to know besides? Please ask for it in full.", about));
    }
    if let Call::LookupCustomer(asked) = last
        && read.customer.is_none()
        && (about.has(Concept::Pronoun) || about.has(Concept::They) || read.goes_on || is_of_that_one(read))
    {
        let kept = Map::from_iter([("customer_id".to_owned(), json!(asked.customer_id))]);
        return Some(match best(LOOKUPS, about.without_pronouns()) {
            Ok(rule) => call(rule, read, kept),
            Err(closest) => {
                unclear(&Read { customer: Some(asked.customer_id.clone()), ..read.clone() }, &closest)
            }
        });
    }
    if let (Call::LookupCustomer(asked), Some(id)) = (last, &read.customer)
        && about.without(Concept::Customer).is_empty()
        && read.goes_on
    {
        let mut other = asked.clone();
        other.customer_id.clone_from(id);
        return Some(Understood::Call(Box::new(Call::LookupCustomer(other))));
    }
    if read.customer.is_some() || about.has(Concept::Pronoun) {
        return None;
    }
    let says_nothing_new = about.without(Concept::Customer).without(Concept::Future).is_empty();
    if says_nothing_new
        && (read.months.is_some() || read.limit.is_some())
        && (read.goes_on || about.is_empty())
    {
        return Some(with_parameters(last, read));
    }
    if !read.goes_on {
        return None;
    }
    // "And by product?" after categories is not about categories.
    if matches!(last, Call::AnalyzeProducts(_))
        && about.has(Concept::Product)
        && !about.has(Concept::Category)
    {
        return Some(unclear(&Read { about: about.with(Concept::Revenue), ..read.clone() }, &[]));
    }
    of_the_same_tool(read, last).or_else(|| of_another(read, last))
}

/// Whether a question says so little that after one customer it is about that one: "risk", "which segment".
fn is_of_that_one(read: &Read) -> bool {
    let subject = Concepts::of(&[Concept::Leave, Concept::Segment, Concept::Archetype]);
    let says_more = read.is_of_shop || read.months.is_some() || read.limit.is_some() || read.axis.is_some();
    !says_more && read.about.meets(subject) && read.about.is_within(subject.with(Concept::Will))
}

/// Another variant of the same tool, or the same one with something besides: "and for winback?", "and the VIPs?".
fn of_the_same_tool(read: &Read, last: &Call) -> Option<Understood> {
    let lent: &[Concept] = match last {
        Call::ForecastMetrics(_) => &[Concept::Forecast],
        Call::TargetCampaign(_) => &[Concept::Campaign],
        Call::AnalyzeSegments(_) => &[Concept::Segment],
        Call::AnalyzeProducts(_) => &[Concept::Category],
        Call::GetRecommendations(_) => &[Concept::Recommend],
        _ => &[],
    };
    // The same variant with something besides comes first. Who shrinks is not told by who grows.
    let besides = of_call(last).and_then(|before| {
        if read.about.has(Concept::Shrink) {
            return None;
        }
        let rule = best(RULES, read.about.and(before.least())).ok()?;
        ((rule.tool, rule.variant) == (last.tool(), last.variant())).then_some(rule)
    });
    let rule = besides.or_else(|| {
        let of_tool =
            best(RULES, read.about.and(Concepts::of(lent))).ok().filter(|rule| rule.tool == last.tool());
        of_tool.filter(|rule| read.is_whole || !lent.is_empty() || !narrows(rule, last))
    })?;
    let mut names = vec!["months", "timeframe_months", "limit"];
    if rule.variant == last.variant() {
        names.extend(["sort_by", "filter_by", "with_last_order", "by", "axis"]);
    }
    Some(keeping(rule, read, last, &names))
}

/// Whether a list of customers could be meant as a part of the answer before, which no tool can tell.
fn narrows(rule: &Rule, last: &Call) -> bool {
    let is_risk = rule.tool == "analyze_customers" && rule.variant == "churn_risk";
    let is_after_list = is_group(last.tool(), last.variant());
    (is_group(rule.tool, rule.variant) && !is_after_list) || (is_risk && is_after_list)
}

/// Another tool: one list of customers takes the place of another. What is no such list could be about the one before.
fn of_another(read: &Read, last: &Call) -> Option<Understood> {
    let rule = choose(RULES, read.about.without(Concept::They), read.limit).ok()?;
    if read.is_whole {
        return None;
    }
    if !narrows(rule, last) {
        return is_group(rule.tool, rule.variant).then(|| keeping(rule, read, last, &["limit"]));
    }
    Some(Understood::AskBack {
        text: "I cannot narrow the answer before down to that. Do you mean this?".to_owned(),
        suggestions: vec![rule.example.to_owned()],
    })
}

/// The call of a rule with what is kept of the call before, as far as it can be told.
fn keeping(rule: &Rule, read: &Read, last: &Call, names: &[&str]) -> Understood {
    let arguments = last.arguments();
    let kept =
        names.iter().filter_map(|name| Some(((*name).to_owned(), arguments.get(name)?.clone()))).collect();
    // What the other variant cannot be told stays behind.
    match call(rule, read, kept) {
        Understood::AskBack { .. } => call(rule, read, Map::new()),
        understood => understood,
    }
}

/// The same call with another time or number of rows.
fn with_parameters(last: &Call, read: &Read) -> Understood {
    let Value::Object(mut arguments) = last.arguments() else {
        return ask_back("What do you mean?", read.about);
    };
    arguments.remove("cursor");
    if let Some(limit) = read.limit {
        arguments.insert("limit".to_owned(), json!(limit));
    }
    if let Some(months) = read.months {
        let is_forecast = matches!(last, Call::ForecastMetrics(_));
        if is_forecast && read.is_past {
            return ask_back("A forecast looks ahead; for how many months?", read.about);
        }
        if !is_forecast && read.about.has(Concept::Future) {
            return ask_back("I can look ahead in forecasts only.", read.about);
        }
        if !is_forecast && last.months().is_none() {
            let text = "The answer before is about all of the time; it cannot be asked for one of its own.";
            return ask_back(text, read.about);
        }
        arguments.insert(if is_forecast { "months" } else { "timeframe_months" }.to_owned(), json!(months));
    }
    parsed(last.tool(), arguments, read.about)
}
