//! An answer as it is computed: the report is made, then names and small groups are taken out, then it is said what to bear
//! in mind.

use chrono::{DateTime, Utc};
use database::{DbError, Tx};
use platform::analytics::extent::Extent;
use platform::analytics::{AnalyticsError, Effort, Standing};
use platform::models::{Target, list as models};
use serde_json::{Value, json};

use super::{Desk, MOST_LINES, ToolError};
use crate::text::formats;
use crate::tools::answer::{Cost, ToolAnswer};
use crate::tools::maker::Maker;
use crate::tools::narrow::{self, Narrow};
use crate::tools::protect::{Form, Protected, protect, protect_groups, protect_months};
use crate::tools::reports::{self, NO_FORECAST, Raw, Wanted};
use crate::tools::{Call, anonymise};
use crate::way::{Step, Way};
use crate::withhold;

/// Below so many customers, an answer says that chance plays a part.
const SMALL_SAMPLE: i64 = 500;

/// What is computed.
pub(super) struct Asked<'a> {
    pub(super) call: &'a Call,
    pub(super) maker: &'a Maker,
    /// What its list is narrowed down to.
    pub(super) narrow: &'a Narrow,
    /// Groups of fewer customers are withheld.
    pub(super) smallest: i64,
    pub(super) now: DateTime<Utc>,
}

impl Desk {
    /// Computes an answer with all its pages.
    pub(super) async fn compute(
        &self,
        way: &Way<'_>,
        standing: &Standing,
        asked: &Asked<'_>,
    ) -> Result<ToolAnswer, ToolError> {
        let Asked { call, maker, narrow, smallest, now } = *asked;
        let parts = &*self.0;
        let extent = parts.kept.extent(way, standing).await?;
        let months = call.months();
        let effort = maker.effort();
        let is_too_large = effort == Effort::Lines && extent.lines > MOST_LINES;
        let made = match is_too_large {
            true => {
                Err(AnalyticsError::NotEnough(format!("the shop has more than {MOST_LINES} order lines")))
            }
            false => {
                let wanted =
                    Wanted { months: months.unwrap_or(12), narrow, last_order: call.with_last_order(), now };
                reports::make(&parts.kept, way, standing, maker, &wanted).await
            }
        };
        let mut answer = blank(call, &definition(maker, narrow), standing, months, now);
        answer.cost = Cost {
            lines_at_most: MOST_LINES,
            seconds_at_most: if effort == Effort::Customers { 10 } else { 45 },
            ..Cost::default()
        };
        let (raw, rows_read) = match made {
            Ok(made) => made,
            Err(AnalyticsError::NotEnough(reason)) => {
                if reason == NO_FORECAST {
                    self.ask_for_forecast(standing.tenant).await?;
                }
                let currency = standing.currency.as_deref().filter(|_| extent.has_other_currencies);
                answer.reason = Some(match currency {
                    Some(currency) if maker.is_of_one_currency() => in_currency(&reason, currency),
                    _ => reason,
                });
                return Ok(answer);
            }
            Err(AnalyticsError::Db(error)) => return Err(error.into()),
        };
        answer.cost.rows_read = rows_read + way.rows_beside();
        way.tell(Step::Protects);
        if let Maker::Forecast(..) = maker
            && raw.figures["made_on"] != json!(now.with_timezone(&standing.zone).date_naive())
        {
            self.ask_for_forecast(standing.tenant).await?;
        }
        let mut tx = way.begin(standing.tenant).await?;
        let quality = if maker.rests_on_churn() { quality(&mut tx).await? } else { None };
        let Raw { mut figures, items, form, counts, groups, mut caveats, cells, classes, computed_at } = raw;
        answer.computed_at = computed_at.unwrap_or(answer.computed_at);
        if let (Some(cells), Some(filter)) = (&cells, call.filter()) {
            match narrow::figures(cells, filter, smallest) {
                Some(Value::Object(told)) => told.into_iter().for_each(|(name, value)| figures[name] = value),
                _ => {
                    tx.commit().await?;
                    answer.withheld = 1;
                    answer.reason = Some(format!(
                        "fewer than {smallest} customers fit, or fewer would be left over: withheld, so that nobody can be told"
                    ));
                    return Ok(answer);
                }
            }
            caveats.push(reports::COARSE.to_owned());
        }
        caveats.extend(narrow.caveats.iter().cloned());
        let items = anonymise::rows(&mut tx, &self.key(standing.tenant), items).await?;
        tx.commit().await?;
        // Archetypes beside segments would tell who is left over.
        let (archetypes, items): (Vec<Value>, Vec<Value>) = match form {
            Form::Parts { .. } => items.into_iter().partition(|item| item["axis"] == "archetype"),
            _ => (Vec::new(), items),
        };
        let mut protected = protect(form, figures, items, counts, smallest);
        if !archetypes.is_empty() {
            let coarse = protect(reports::ARCHETYPES, Value::Null, archetypes, &[], smallest);
            protected.items.extend(coarse.items);
            protected.withheld += coarse.withheld;
            caveats.push(reports::COARSE.to_owned());
        }
        if let Some(groups) = groups {
            protected.withheld += protect_groups(&mut protected.figures, groups, smallest);
        }
        if let Maker::Forecast(..) = maker {
            protected.withheld += protect_months(&mut protected.figures, smallest);
        }
        if let Some(classes) = classes {
            let Protected { figures, items, withheld, .. } = &mut protected;
            *withheld += classes.protect(figures, items, smallest);
        }
        if let Maker::Cadence = maker {
            if protected.figures["with_more"].as_i64().is_some_and(|more| withhold::is_small(more, smallest))
            {
                for field in ["quarter_days", "median_days", "three_quarters_days"] {
                    protected.figures[field] = Value::Null;
                }
            }
            if cells.is_some() {
                reports::classed::rough_cadence(&mut protected.figures, smallest);
            }
            let one_order = protected.items.iter().find(|item| item["class"] == reports::ONE_ORDER);
            if one_order.is_some_and(|item| item["customers"].is_null()) {
                for field in ["with_one_order", "with_more", "repeat_share"] {
                    protected.figures[field] = Value::Null;
                }
            }
        }
        if let Maker::Revenue = maker {
            for item in &mut protected.items {
                item.as_object_mut().and_then(|item| item.remove("customers"));
            }
        }
        answer.available = protected.refused.is_none();
        answer.reason = protected.refused;
        answer.figures = protected.figures;
        answer.rows = protected.items.len();
        answer.items = protected.items;
        answer.withheld = protected.withheld;
        answer.caveats = caveats;
        answer.caveats.extend(quality);
        answer.caveats.extend(about_sample(&extent, standing, months));
        if maker.is_of_one_currency()
            && let Some(currency) = standing.currency.as_deref().filter(|_| extent.has_other_currencies)
        {
            answer.caveats.push(format!(
                "Only orders in {currency} count here; customers who have none in {currency} are left out."
            ));
        }
        if answer.withheld > 0 && answer.available {
            answer.caveats.push(format!(
                "What is of fewer than {smallest} customers is withheld, with what would tell it."
            ));
        }
        Ok(answer)
    }
}

/// An answer in which nothing is known yet.
pub(crate) fn blank(
    call: &Call,
    definition: &str,
    standing: &Standing,
    months: Option<u32>,
    now: DateTime<Utc>,
) -> ToolAnswer {
    ToolAnswer {
        tool: call.tool().to_owned(),
        variant: call.variant().to_owned(),
        definition: definition.to_owned(),
        available: false,
        reason: None,
        as_of: standing.as_of,
        computed_at: now,
        timeframe_months: months,
        currency: standing.currency.clone(),
        figures: json!({}),
        items: Vec::new(),
        rows: 0,
        next_cursor: None,
        withheld: 0,
        caveats: Vec::new(),
        cost: Cost::default(),
    }
}

/// What the report means, and of which customers it is.
fn definition(maker: &Maker, narrow: &Narrow) -> String {
    let mut words = maker.definition().to_owned();
    for (place, part) in narrow.words.iter().enumerate() {
        words += if place == 0 { "; only those with " } else { ", and with " };
        words += part;
    }
    words
}

/// A reason why there is no answer, of a shop that sells in other currencies too: what it says holds for one alone.
fn in_currency(reason: &str, currency: &str) -> String {
    let begins = |words: &[&str]| words.iter().any(|words| reason.starts_with(words));
    if begins(&["nothing was ordered", "nobody has ordered"]) {
        format!("{reason} in {currency}, and orders in other currencies do not count here")
    } else if begins(&["no order", "no purchase", "the orders"]) {
        format!("{reason}; only orders in {currency} count here")
    } else {
        reason.to_owned()
    }
}

fn about_sample(extent: &Extent, standing: &Standing, months: Option<u32>) -> Vec<String> {
    let mut said = Vec::new();
    if extent.customers < SMALL_SAMPLE {
        let verb = if extent.customers == 1 { "has" } else { "have" };
        said.push(format!(
            "{} {verb} ordered so far; figures of so few vary by chance.",
            formats::count(extent.customers, "customer")
        ));
    }
    if let (Some(months), Some(first)) = (months, extent.first_order_on)
        && first > standing.day_months_before(months)
    {
        said.push(format!(
            "The first order is of {}, so the data are shorter than {}.",
            formats::day(first),
            formats::count(i64::from(months), "month")
        ));
    }
    said
}

/// How good the churn model in force is, in a sentence.
async fn quality(tx: &mut Tx) -> Result<Option<String>, DbError> {
    let found = models::list(tx, Some(Target::Churn), None, 20).await?;
    let Some(champion) = found.into_iter().find(|model| model.role == "champion") else { return Ok(None) };
    let Some(model) = models::get(tx, champion.id).await? else { return Ok(None) };
    let auc = model.detail.as_ref().and_then(|detail| detail.metrics["ours"]["roc_auc"]["value"].as_f64());
    let of = format!(
        "Model {} of churn looks {} days ahead and was trained as of {}",
        model.number,
        model.horizon_days,
        formats::day(model.trained_as_of)
    );
    Ok(Some(match auc {
        Some(auc) => format!(
            "{of}; on customers it had not seen its ROC-AUC was {auc:.2} (0.5 is chance, 1 foresight)."
        ),
        None => format!("{of}; how good it is was not measured."),
    }))
}
