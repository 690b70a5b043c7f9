//! Reports about many customers: how each is made from the analytics, and what form it has. Which variant is answered by
//! which is in `maker.rs`.

pub(crate) mod classed;
mod forecast;
mod last_order;
mod revenue;
mod risk;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use database::Tx;
use platform::analytics::affinity::{self, Associations};
use platform::analytics::discounts::Shown;
use platform::analytics::narrowed::{self, Cell, Group, Narrowed, Narrowing};
use platform::analytics::{
    AnalyticsError, Levels, Report, Standing, b2b, cadence, categories, change, discounts, expansion,
    momentum, rfm, seasons, segments, targets,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::maker::Maker;
use super::narrow::Narrow;
use super::protect::Form;
use crate::desk::Kept;
use crate::way::{Step, Way, rows_read};
use classed::Divided;
pub(crate) use forecast::NO_FORECAST;

/// Rows of all pages.
const MOST: u32 = platform::analytics::MAX_ITEMS;

/// A report before anything of it is hidden.
#[derive(Debug)]
pub struct Raw {
    /// What holds for the whole.
    pub figures: Value,
    /// Rows.
    pub items: Vec<Value>,
    /// What the counts in it are counts of.
    pub form: Form,
    /// Fields of the figures that count customers.
    pub counts: &'static [&'static str],
    /// Lists in the figures whose entries are groups that divide a whole, and whether their counts are coarse.
    pub groups: Option<(&'static str, bool)>,
    /// What to bear in mind.
    pub caveats: Vec<String>,
    /// Of a list that is narrowed down: how many customers there are by which conditions hold.
    pub cells: Option<Vec<Cell>>,
    /// Of a part that divides into classes: how many customers each has by which conditions hold.
    pub classes: Option<Divided>,
    /// When it was computed, when that was not just now.
    pub computed_at: Option<DateTime<Utc>>,
}

impl Raw {
    fn of<F: Serialize, I: Serialize>(
        report: Report<F, I>,
        form: Form,
        counts: &'static [&'static str],
    ) -> Raw {
        let rows = report.items.iter().map(|item| serde_json::to_value(item).expect("an item is plain data"));
        Raw {
            items: rows.collect(),
            figures: serde_json::to_value(report.figures).expect("figures are plain data"),
            form,
            counts,
            groups: None,
            caveats: Vec::new(),
            cells: None,
            classes: None,
            computed_at: None,
        }
    }

    /// A list that is narrowed down; its figures are made where it is known which are too small.
    fn narrowed<I: Serialize>(list: Narrowed<I>) -> Raw {
        let report = Report { figures: json!({}), items: list.items };
        let groups = Some(("customers_by_band", true));
        Raw { cells: Some(list.cells), groups, ..Raw::of(report, Form::Narrowed, &[]) }
    }
}

/// What groups of customers say beside their number.
const OF_GROUP: &[&str] = &[
    "share_of_customers",
    "spend",
    "share_of_spend",
    "mean_orders",
    "mean_order_value",
    "mean_days_since_last_order",
    "mean_churn_probability",
    "mean_expected_spend",
    "spend_index",
    "orders_index",
    "order_value_index",
    "churn_index",
    "share",
    "paid",
];
/// Archetypes are made of segments: the counts of both together would tell who is left over, so theirs are coarse.
pub(crate) const ARCHETYPES: Form =
    Form::Overlapping { counted_by: "customers", counts: &[], of_group: OF_GROUP, sums: &["spend"] };
const PARTS: Form = Form::Parts { of_group: OF_GROUP };
const COUNTED: Form = Form::People { counted_by: Some("customers") };
const FOUND: Form = Form::People { counted_by: Some("found") };
const ALL_SHOWN: Form = Form::People { counted_by: None };

/// What a report is asked for besides its maker.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    /// Months that are looked at.
    pub(crate) months: u32,
    /// What a list is narrowed down to.
    pub(crate) narrow: &'a Narrow,
    /// Whether rows have what the customer bought last.
    pub(crate) last_order: bool,
    /// The time.
    pub(crate) now: DateTime<Utc>,
}

/// Makes the report.
///
/// # Errors
/// The data say nothing about it, or the database does not answer.
pub(crate) async fn make(
    kept: &Kept,
    way: &Way<'_>,
    standing: &Standing,
    maker: &Maker,
    wanted: &Wanted<'_>,
) -> Result<(Raw, i64), AnalyticsError> {
    way.tell(Step::Shared);
    let months = wanted.months;
    // What is kept beside the reports is fetched before the report's own transaction begins.
    let Narrow { narrowing, is_of_businesses, .. } = wanted.narrow;
    let levels = if maker.needs_levels() || *is_of_businesses {
        Some(kept.levels(way, standing).await?)
    } else if narrowing.group.is_some() {
        // Nothing but the group's bounds.
        Some(kept.levels_of_a_night(way, standing, wanted.now).await?)
    } else {
        None
    };
    let associations = match maker.together() {
        Some(by) => Some(kept.associations(way, standing, by, months).await?),
        None => None,
    };
    way.tell(Step::Reads);
    let (mut tx, before) = way.begin_report(standing.tenant, maker.effort()).await?;
    let narrowing = match (is_of_businesses, levels.as_deref()) {
        (true, Some(levels)) => Narrowing {
            group: Some(Group::Found(businesses(&mut tx, standing, levels).await?)),
            ..narrowing.clone()
        },
        _ => narrowing.clone(),
    };
    let asked = Asked { maker, months, narrowing: &narrowing };
    let mut raw = of(&mut tx, standing, &asked, levels.as_deref(), associations.as_ref()).await?;
    if wanted.last_order {
        last_order::add(&mut tx, standing, &mut raw).await?;
    }
    let read = rows_read(&mut tx).await? - before;
    tx.commit().await?;
    Ok((raw, read))
}

/// Who looks like a business, by their ids.
async fn businesses(
    tx: &mut Tx,
    standing: &Standing,
    levels: &Levels,
) -> Result<Vec<String>, AnalyticsError> {
    let found = b2b::every(tx, standing, levels).await?.items;
    Ok(found.into_iter().map(|business| business.customer.customer_id).collect())
}

/// What is made, and of whom.
struct Asked<'a> {
    maker: &'a Maker,
    months: u32,
    narrowing: &'a Narrowing,
}

async fn of(
    tx: &mut Tx,
    standing: &Standing,
    asked: &Asked<'_>,
    levels: Option<&Levels>,
    associations: Option<&Arc<Associations>>,
) -> Result<Raw, AnalyticsError> {
    let Asked { maker, months, narrowing } = *asked;
    let nobody = || AnalyticsError::NotEnough("nobody has ordered yet".to_owned());
    let known = levels;
    let levels = || known.ok_or_else(nobody);
    let associations = || associations.ok_or_else(nobody);
    Ok(match maker {
        Maker::Risk(asked) => risk::make(tx, standing, asked, known, narrowing).await?,
        Maker::List(rule) if !narrowing.is_empty() => {
            Raw::narrowed(narrowed::list(tx, standing, levels()?, rule, narrowing, MOST).await?)
        }
        Maker::List(rule) => {
            Raw::of(targets::list(tx, standing, levels()?, rule, MOST).await?, COUNTED, &["reachable"])
        }
        Maker::Businesses if !narrowing.is_empty() => {
            let found = b2b::every(tx, standing, levels()?).await?.items;
            part(tx, standing, levels()?, narrowing, found, |found| &found.customer.customer_id).await?
        }
        Maker::Businesses => Raw::of(b2b::businesses(tx, standing, levels()?, MOST).await?, FOUND, &[]),
        Maker::Rfm => {
            let mut raw = Raw::of(rfm::rfm(tx, standing, levels()?).await?, PARTS, &[]);
            // Single cells are small; classes of them are shown.
            raw.figures.as_object_mut().and_then(|figures| figures.remove("cells"));
            raw
        }
        Maker::Overview => overview(Raw::of(segments::overview(tx, standing).await?, PARTS, &[]), true),
        Maker::Behaviours => overview(Raw::of(segments::overview(tx, standing).await?, PARTS, &[]), false),
        Maker::Growth => {
            let form = Form::Overlapping {
                counted_by: "customers",
                counts: &["won", "won_before", "entered", "left"],
                of_group: &["net"],
                sums: &[],
            };
            let mut raw = Raw::of(
                segments::growth(tx, standing, months, MOST).await?,
                form,
                &["moves", "won", "won_before"],
            );
            raw.caveats.push(COARSE.to_owned());
            raw
        }
        Maker::Seasonal => {
            let form = Form::Overlapping {
                counted_by: "customers",
                counts: &[],
                of_group: &["share_of_revenue"],
                sums: &["spend"],
            };
            let mut raw = Raw::of(seasons::seasonal(tx, standing, months).await?, form, &[]);
            raw.caveats.push(COARSE.to_owned());
            raw
        }
        Maker::Comparison(axis) => {
            let is_archetype = axis == segments::ARCHETYPE;
            let form = if is_archetype { ARCHETYPES } else { PARTS };
            let mut raw = Raw::of(segments::comparison(tx, standing, axis, MOST).await?, form, &[]);
            raw.caveats.extend(is_archetype.then(|| COARSE.to_owned()));
            raw
        }
        Maker::Revenue => revenue::make(tx, standing, months).await?,
        Maker::Repurchase => {
            let form = Form::Overlapping {
                counted_by: "customers",
                counts: &["repurchased"],
                of_group: &["rate", "mean_span_days", "share_of_spend"],
                sums: &["spend"],
            };
            let report = categories::repurchase(tx, standing, months, MOST).await?;
            let mut raw = Raw::of(report, form, &["customers_in_categories", "repurchased"]);
            raw.caveats.push(COARSE.to_owned());
            raw
        }
        Maker::Forecast(metric, ahead) => forecast::make(tx, standing, *metric, *ahead).await?,
        Maker::SeasonTargets if !narrowing.is_empty() => {
            Raw::narrowed(seasons::part(tx, standing, known, narrowing, MOST).await?)
        }
        Maker::SeasonTargets => {
            Raw::of(seasons::targets(tx, standing, levels()?, MOST).await?, COUNTED, &["reachable"])
        }
        Maker::Momentum if !narrowing.is_empty() => {
            Raw::narrowed(momentum::part(tx, standing, known, narrowing, MOST).await?)
        }
        Maker::Momentum => {
            let counts = &["active_customers", "active_customers_before", "rising", "falling"];
            Raw::of(momentum::momentum(tx, standing, MOST).await?, ALL_SHOWN, counts)
        }
        Maker::Change if !narrowing.is_empty() => {
            let Narrowed { cells, items } = narrowed::changed(tx, standing, known, narrowing, MOST).await?;
            Raw::narrowed(Narrowed { cells, items: change::of_customers(tx, standing, &items).await? })
        }
        Maker::Change => {
            let counts = &["archetype_changed", "risk_rose", "risk_fell"];
            Raw::of(change::changes(tx, standing, MOST).await?, COUNTED, counts)
        }
        Maker::Cadence if !narrowing.is_empty() => classed::cadence(tx, standing, known, narrowing).await?,
        Maker::Cadence => {
            let mut raw = Raw::of(cadence::cadence(tx, standing).await?, PARTS, &[]);
            // Who has one order divides the same whole as those with more.
            raw.items.push(json!({"class": ONE_ORDER, "customers": raw.figures["with_one_order"]}));
            raw
        }
        Maker::Discounts(Shown::Dependent) if !narrowing.is_empty() => {
            Raw::narrowed(discounts::part(tx, standing, known, narrowing, months, MOST).await?)
        }
        Maker::Discounts(Shown::EveryClass) if !narrowing.is_empty() => {
            classed::discounts(tx, standing, known, narrowing, months).await?
        }
        Maker::Discounts(shown) => {
            let mut raw =
                Raw::of(discounts::discounts(tx, standing, months, *shown, MOST).await?, ALL_SHOWN, &[]);
            raw.groups = Some(("classes", true));
            raw.caveats.push(COARSE.to_owned());
            raw
        }
        Maker::Affinity(_) => Raw::of(affinity::affinity(associations()?, MOST), Form::Plain, &[]),
        Maker::CrossSell(_) if !narrowing.is_empty() => {
            let found = affinity::every_cross_sell(tx, standing, levels()?, associations()?).await?.items;
            part(tx, standing, levels()?, narrowing, found, |found| &found.customer.customer_id).await?
        }
        Maker::CrossSell(_) => {
            let report = affinity::cross_sell(tx, standing, levels()?, associations()?, MOST).await?;
            Raw::of(report, ALL_SHOWN, &[])
        }
        Maker::Expansion if !narrowing.is_empty() => {
            let found = expansion::every(tx, standing, levels()?).await?.items;
            part(tx, standing, levels()?, narrowing, found, |found| &found.customer_id).await?
        }
        Maker::Expansion => {
            Raw::of(expansion::single_category(tx, standing, levels()?, MOST).await?, FOUND, &[])
        }
    })
}

/// A list that is looked for among few customers, narrowed down: how many fit which condition is counted of all who were
/// found, so that what is left over is known as well.
async fn part<I: Serialize>(
    tx: &mut Tx,
    standing: &Standing,
    levels: &Levels,
    narrowing: &Narrowing,
    mut found: Vec<I>,
    id: fn(&I) -> &str,
) -> Result<Raw, AnalyticsError> {
    let ids: Vec<String> = found.iter().map(|one| id(one).to_owned()).collect();
    let (cells, held) = narrowed::of_named(tx, standing, levels, narrowing, &ids).await?;
    found.retain(|one| held.contains(id(one)));
    found.truncate(MOST as usize);
    Ok(Raw::narrowed(Narrowed { cells, items: found }))
}

/// The group of customers who have no cadence.
pub(crate) const ONE_ORDER: &str = "one order only";

/// Said where counts are rounded.
pub(crate) const COARSE: &str = "Counts of customers are rounded to the size of the smallest group that is told of, and sums to three digits.";

/// Segments, and archetypes if they are asked for; archetypes have coarse counts.
fn overview(mut raw: Raw, with_archetypes: bool) -> Raw {
    raw.items.retain(|item| with_archetypes || item["axis"] != segments::ARCHETYPE);
    raw
}
