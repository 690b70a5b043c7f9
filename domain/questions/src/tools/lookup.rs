//! What is known of one customer, by anonymised id or the shop's own.

use chrono::{DateTime, Utc};
use platform::analytics::affinity;
use platform::analytics::purchases::{self, OfCurrency};
use platform::analytics::{AnalyticsError, Standing};
use platform::anonymous_ids::{self, Key};
use platform::insights::answer::Answer;
use platform::insights::catalog::Catalogs;
use platform::insights::customer;
use platform::insights::profile::Profile;
use serde::Serialize;
use serde_json::{Value, json};

use super::answer::ToolAnswer;
use super::call::Call;
use super::parameters::{Lookup, LookupCustomer};
use crate::desk::{Kept, SUGGESTED, ToolError, blank};
use crate::text::capital;
use crate::way::{Way, rows_read};

const ORDERS: u32 = 100;

/// Looks a customer up.
///
/// # Errors
/// There is no such customer, or the database does not answer.
pub(crate) async fn answer(
    kept: &Kept,
    way: &Way<'_>,
    key: &Key,
    standing: &Standing,
    asked: &LookupCustomer,
    now: DateTime<Utc>,
) -> Result<ToolAnswer, ToolError> {
    let mut tx = way.begin(standing.tenant).await?;
    let before = rows_read(&mut tx).await?;
    let id =
        anonymous_ids::named(&mut tx, key, &asked.customer_id).await?.ok_or(ToolError::UnknownCustomer)?;
    let hidden = anonymous_ids::of_customers(&mut tx, key, std::slice::from_ref(&id)).await?;
    let shown = hidden.get(&id).ok_or(ToolError::UnknownCustomer)?.to_string();
    let found = customer::find(&mut tx, &id).await?.ok_or(ToolError::UnknownCustomer)?;
    let segmentation = found.run.as_ref().and_then(|run| run.segmentation);
    let catalog = match segmentation {
        Some(segmentation) => Catalogs::default().get(&mut tx, standing.tenant, segmentation).await?,
        None => None,
    };
    let profile = found.profile(catalog.as_deref());
    let spent = purchases::by_currency(&mut tx, &id, standing.end()).await?;
    let elsewhere = Elsewhere::of(&spent, standing.currency.as_deref());
    let call = Call::LookupCustomer(asked.clone());
    let mut answer = blank(&call, definition(asked.info_type), standing, None, now);
    answer.cost.seconds_at_most = 10;
    if let Some(as_of) = profile.as_of {
        answer.as_of = as_of;
    }
    if let Some(computed_at) = profile.computed_at {
        answer.computed_at = computed_at;
    }
    match asked.info_type {
        Lookup::Profile => {
            answer.figures = of_profile(&profile);
            // Amounts of who is not computed are in the currency of most of their orders.
            let own = profile.purchases.as_ref().and_then(|purchases| purchases.currency.clone());
            answer.currency = own.or(answer.currency);
            answer.available = true;
            match &elsewhere {
                Some(elsewhere) => {
                    answer.figures["by_currency"] = json!(spent);
                    answer.caveats.push(capital(&elsewhere.says));
                }
                None => answer.caveats.extend(profile.reason.clone()),
            }
        }
        Lookup::LtvForecast | Lookup::ChurnRisk | Lookup::Segment
            if elsewhere.as_ref().is_some_and(|elsewhere| elsewhere.is_all) =>
        {
            answer.reason = elsewhere.as_ref().map(|elsewhere| elsewhere.says.clone());
        }
        Lookup::LtvForecast => part(&mut answer, &profile.ltv, &[]),
        Lookup::ChurnRisk => part(&mut answer, &profile.churn, &[]),
        Lookup::Segment => {
            part(&mut answer, &profile.archetype, &["id"]);
            let axes = profile.axes.iter().filter_map(|axis| {
                let segment = axis.segment.known()?;
                Some(json!({"axis": axis.axis, "segment": segment.segment, "description": segment.description, "strength": segment.strength}))
            });
            answer.items = axes.collect();
            answer.available |= !answer.items.is_empty();
        }
        Lookup::PurchaseHistory => {
            let orders = purchases::list(&mut tx, &id, None, ORDERS).await?;
            answer.available = !orders.is_empty();
            answer.reason = orders.is_empty().then(|| "the customer has not ordered".to_owned());
            answer.figures = json!({"orders_shown": orders.len()});
            answer.items = orders.iter().map(|order| {
                json!({
                    "ordered_on": order.ordered_at.with_timezone(&standing.zone).date_naive(),
                    "amount": order.amount, "currency": order.currency, "units": order.units, "lines": order.lines,
                    "is_return": order.is_return, "products": order.products, "categories": order.categories,
                })
            }).collect();
        }
        Lookup::Recommendations => {
            let associations = kept.associations_of_a_night(way, standing, SUGGESTED, now).await;
            let found = match associations {
                Ok(associations) => affinity::for_customer(&mut tx, standing, &associations, &id, 20).await,
                Err(error) => Err(error),
            };
            match found {
                Ok(report) => {
                    answer.available = true;
                    answer.figures = serde_json::to_value(report.figures).expect("figures are plain data");
                    answer.items = report
                        .items
                        .iter()
                        .map(|item| serde_json::to_value(item).expect("plain data"))
                        .collect();
                }
                Err(AnalyticsError::NotEnough(reason)) => answer.reason = Some(reason),
                Err(AnalyticsError::Db(error)) => return Err(error.into()),
            }
        }
    }
    answer.cost.rows_read = rows_read(&mut tx).await? - before + way.rows_beside();
    tx.commit().await?;
    if !answer.figures.is_object() {
        answer.figures = json!({});
    }
    answer.figures["customer_id"] = json!(shown);
    answer.rows = answer.items.len();
    if let Some(elsewhere) = elsewhere.filter(|elsewhere| !elsewhere.is_all)
        && matches!(asked.info_type, Lookup::LtvForecast | Lookup::ChurnRisk | Lookup::Segment)
    {
        answer.caveats.push(capital(&elsewhere.says));
    }
    if profile.stale {
        answer.caveats.push("Orders came since this was computed.".to_owned());
    }
    if let Some(confidence @ ("low" | "rule")) = profile.confidence.as_deref() {
        answer.caveats.push(match confidence {
            "rule" => "The customer has too few orders to know their behaviour; a rule says who they are."
                .to_owned(),
            _ => "The customer has few orders: low confidence.".to_owned(),
        });
    }
    Ok(answer)
}

/// That a customer orders in other currencies than the one that sums are of.
struct Elsewhere {
    /// Whether there is no order in that one.
    is_all: bool,
    /// A sentence without a full stop.
    says: String,
}

impl Elsewhere {
    /// None of who orders in that currency alone, or not at all.
    fn of(spent: &[OfCurrency], main: Option<&str>) -> Option<Elsewhere> {
        let main = main?;
        let ordered = || spent.iter().filter(|one| one.orders > 0);
        let others: Vec<&str> =
            ordered().map(|one| one.currency.as_str()).filter(|currency| *currency != main).collect();
        if others.is_empty() {
            return None;
        }
        let is_all = others.len() == ordered().count();
        let others = others.join(" and ");
        let says = match is_all {
            true => format!(
                "the customer has orders in {others} only, and customer intelligence counts those in {main}"
            ),
            false => format!(
                "the customer has orders in {others} too, and customer intelligence counts those in {main} only"
            ),
        };
        Some(Elsewhere { is_all, says })
    }
}

fn definition(info: Lookup) -> &'static str {
    match info {
        Lookup::Profile => "who the customer is by the published run, and what was bought so far",
        Lookup::LtvForecast => {
            "expected spend within the model's horizon, with a range that holds four of five customers"
        }
        Lookup::ChurnRisk => "probability of no order within the model's horizon, and what moved it most",
        Lookup::Segment => "the customer's archetype, and the segment on each axis of behaviour",
        Lookup::PurchaseHistory => {
            "orders, each the sum of its lines, newest first; negative amounts came back"
        }
        Lookup::Recommendations => "first what is due again, then what goes with what was bought",
    }
}

fn of_profile(profile: &Profile) -> Value {
    let purchases = profile.purchases.as_ref();
    json!({
        "who": profile.who,
        "confidence": profile.confidence,
        "archetype": profile.archetype.known().map(|archetype| &archetype.name),
        "archetype_description": profile.archetype.known().map(|archetype| &archetype.description),
        "churn_probability": profile.churn.known().map(|churn| churn.probability),
        "churn_band": profile.churn.known().map(|churn| churn.band),
        "expected_spend": profile.ltv.known().map(|ltv| ltv.value),
        "orders": purchases.map(|purchases| purchases.orders),
        "spend": purchases.map(|purchases| purchases.spend),
        "currency": purchases.and_then(|purchases| purchases.currency.as_ref()),
        "first_order_on": purchases.and_then(|purchases| purchases.first_order_on),
        "last_order_on": purchases.and_then(|purchases| purchases.last_order_on),
    })
}

fn part<T: Serialize>(answer: &mut ToolAnswer, known: &Answer<T>, left_out: &[&str]) {
    match known {
        Answer::Known(value) => {
            let mut value = serde_json::to_value(value).expect("a part is plain data");
            if let Some(fields) = value.as_object_mut() {
                for name in left_out {
                    fields.remove(*name);
                }
            }
            answer.figures = value;
            answer.available = true;
        }
        Answer::Missing(reason) => answer.reason = Some(reason.clone()),
    }
}
