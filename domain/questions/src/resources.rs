//! What a client may read besides calling tools: the archetypes, the marketing segments, what every field means; and
//! prompts that begin a conversation.

use database::Tx;
use database::ids::TenantId;
use marketing::segments::store;
use platform::insights::InsightError;
use platform::insights::catalog::Catalogs;
use platform::insights::current::current;
use serde_json::{Map, Value, json};

use crate::tools;
use crate::tools::parameters::Campaign;
use crate::withhold;

/// A resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resource {
    /// Where it is.
    pub uri: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it is.
    pub description: &'static str,
}

/// All resources; each is JSON.
pub const ALL: [Resource; 3] = [
    Resource {
        uri: "shop://archetypes",
        name: "archetypes",
        title: "Archetypes",
        description: "The catalogue of the published run: archetypes and segments of each axis with what their customers do",
    },
    Resource {
        uri: "shop://segments",
        name: "segments",
        title: "Marketing segments",
        description: "Segments that people of the shop made, with their sizes when they were last computed",
    },
    Resource {
        uri: "shop://dictionary",
        name: "dictionary",
        title: "Data dictionary",
        description: "The tools with their variants, and what the fields of answers mean",
    },
];

/// Marketing segments that are listed.
const SEGMENTS: i64 = 200;

/// The archetypes and segments of the published run (marketing role).
///
/// # Errors
/// The database failed, or the run left what cannot be read.
pub async fn archetypes(tx: &mut Tx, tenant: TenantId, smallest: i64) -> Result<Value, InsightError> {
    let Some(run) = current(tx).await? else {
        return Ok(
            json!({"available": false, "reason": "no run of customer intelligence was published yet"}),
        );
    };
    let catalog = match run.segmentation {
        Some(id) => Catalogs::default().get(tx, tenant, id).await?,
        None => None,
    };
    let Some(catalog) = catalog else {
        return Ok(json!({"available": false, "reason": "the run has no segmentation"}));
    };
    let archetypes = catalog.archetypes.iter().enumerate().map(|(place, archetype)| {
        let customers = run.population.archetype(&catalog, place);
        json!({
            "id": archetype.id, "level": archetype.level, "name": archetype.name,
            "description": catalog.description(archetype),
            "parent": archetype.parent.and_then(|parent| catalog.archetypes.get(parent)).map(|parent| &parent.name),
            // Coarse, because segments are counted beside them.
            "customers_about": (!withhold::is_small(customers, smallest)).then(|| withhold::coarse(customers, smallest)),
        })
    });
    let axes = catalog.axes.iter().map(|axis| {
        let segments = axis
            .segments
            .iter()
            .map(|segment| json!({"name": segment.name, "description": segment.description}));
        json!({"axis": axis.name, "degenerate": axis.degenerate, "segments": segments.collect::<Vec<_>>()})
    });
    Ok(json!({
        "available": true, "as_of": run.as_of, "published_at": run.published_at,
        "archetypes": archetypes.collect::<Vec<_>>(), "axes": axes.collect::<Vec<_>>(),
    }))
}

/// The tenant's marketing segments (marketing role).
///
/// # Errors
/// The database failed.
pub async fn segments(tx: &mut Tx, tenant: TenantId, smallest: i64) -> Result<Value, database::DbError> {
    let found = store::list(tx, tenant, false, None, SEGMENTS).await?;
    let segments = found.into_iter().map(|segment| {
        let computed = segment.computed.as_ref();
        let members = computed.and_then(|computed| computed.members);
        let is_small = members.is_some_and(|members| withhold::is_small(members, smallest));
        json!({
            "id": segment.id, "name": segment.name, "description": segment.description,
            // Rules overlap as people like, so the numbers of two segments must not tell who is in one of them alone.
            "customers_about": members.filter(|_| !is_small).map(|members| withhold::coarse(members, smallest)),
            "withheld": is_small, "computed_at": computed.and_then(|computed| computed.finished_at),
        })
    });
    Ok(json!({"segments": segments.collect::<Vec<_>>()}))
}

/// What tools and fields mean.
pub fn dictionary() -> Value {
    let described = tools::all();
    let tools: Map<String, Value> =
        described.into_iter().map(|tool| (tool.name.to_owned(), json!(tool.description))).collect();
    json!({
        "tools": tools,
        "fields": {
            "customer_id": "Anonymised id of a customer, C- and eight characters; stable, and accepted by lookup_customer",
            "as_of": "The last day that counts, in the shop's time zone",
            "spend": "Net of returns and discounts, in the answer's currency",
            "churn": "Probability of no further order within the model's horizon, 0 to 1",
            "churn_probability": "The same",
            "churn_band": "low below 0.3, medium below 0.6, high below 0.8, critical from there",
            "ltv": "Expected spend within the model's horizon",
            "expected_spend": "The same",
            "drift": "How far the behaviour moved with the last run, 0 to 1",
            "lift": "How many times more often two things are bought together than by chance",
            "last_order_value": "Value of the last order that is no return; absent when it was paid in another currency",
            "last_order_products": "Up to five products of that order",
            "last_order_categories": "Up to five categories of that order",
            "by_currency": "Of one customer who orders in several currencies: orders and spend in each",
            "filter_by": "What a list was narrowed down to",
            "customers_about": "Customers of a list that is narrowed down, to a multiple of the smallest group that is told of",
            "of_customers_about": "Customers of the list as it is without filter_by, as roughly",
            "withheld": "Groups and figures that are not told because they are of too few customers",
            "rows_read": "Rows of tables that were read to compute the answer",
        },
    })
}

/// A prompt that begins a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prompt {
    /// Its name.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// Its one argument, if it has one.
    pub argument: Option<Argument>,
    text: &'static str,
}

/// What a prompt has to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// The words that it can be; none where it can be any.
    one_of: &'static [Campaign],
}

/// The argument that names a customer.
const CUSTOMER: &str = "customer_id";

/// All prompts.
pub const PROMPTS: [Prompt; 4] = [
    Prompt {
        name: "who_may_leave",
        title: "Who may leave",
        description: "Valuable customers who may leave, and what to do for them",
        argument: None,
        text: "Which of our VIPs are most likely to leave, and what did they buy last? Use analyze_customers with churn_risk, filter_by with group vip, and with_last_order, then get_recommendations with retention_actions and the same filter_by. State as_of and the caveats.",
    },
    Prompt {
        name: "month_in_review",
        title: "The month in review",
        description: "Revenue by category, momentum, and what to expect",
        argument: None,
        text: "Review the last month: revenue by category (timeframe_months 1), momentum, and the forecast of revenue for three months. State as_of and the caveats; compute nothing that the tools did not answer.",
    },
    Prompt {
        name: "plan_campaign",
        title: "Plan a campaign",
        description: "Whom a campaign should speak to, and with which reasons",
        argument: Some(Argument {
            name: "campaign",
            meaning: "retention, growth, winback, seasonal, loyalty or acquisition",
            one_of: Campaign::ALL,
        }),
        text: "Plan a {argument} campaign: whom it should speak to, how many customers that is, and why. Use target_campaign.",
    },
    Prompt {
        name: "about_customer",
        title: "About a customer",
        description: "What is known of one customer",
        argument: Some(Argument {
            name: CUSTOMER,
            meaning: "the customer's anonymised id, C- and eight characters, or the shop's own id",
            one_of: &[],
        }),
        text: "What is known of customer {argument}? Use lookup_customer with profile, churn_risk and purchase_history.",
    },
];

impl Prompt {
    /// The customer whom it is about, as they are named; the caller finds out whether there is one.
    pub fn customer<'a>(&self, given: Option<&'a Map<String, Value>>) -> Option<&'a str> {
        self.argument.filter(|argument| argument.name == CUSTOMER)?;
        given?.get(CUSTOMER)?.as_str().map(str::trim)
    }

    /// The text, with its argument if it has one. An argument is one word of at most 128 characters.
    ///
    /// # Errors
    /// An argument is missing, does not fit, or is none that the prompt has; says which, and what is allowed.
    pub fn text(&self, given: Option<&Map<String, Value>>) -> Result<String, String> {
        let given = given.into_iter().flatten();
        let named = |name: &&String| self.argument.is_some_and(|argument| argument.name == name.as_str());
        if let Some(other) = given.clone().map(|(name, _)| name).find(|name| !named(name)) {
            let other: String = other.chars().filter(|c| !c.is_control()).take(40).collect();
            return Err(match self.argument {
                Some(argument) => {
                    format!("{other}: is no argument of {}, which has {}", self.name, argument.name)
                }
                None => format!("{other}: is no argument of {}, which has none", self.name),
            });
        }
        let Some(Argument { name, meaning, one_of }) = self.argument else { return Ok(self.text.to_owned()) };
        let wrong = |what: &str| Err(format!("{name}: {what}; it must be {meaning}"));
        let Some((_, value)) = given.into_iter().next() else { return wrong("is missing") };
        let Some(word) = value.as_str().map(str::trim) else { return wrong("is no text") };
        let is_word = (1..=128).contains(&word.chars().count())
            && !word.chars().any(|c| c.is_whitespace() || c.is_control());
        match word {
            "" => wrong("is empty"),
            _ if !is_word => wrong("is not one word of at most 128 characters"),
            _ if !one_of.is_empty() && !one_of.iter().any(|known| known.name() == word) => {
                wrong("is none that there is")
            }
            _ => Ok(self.text.replace("{argument}", word)),
        }
    }
}
