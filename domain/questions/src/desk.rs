//! Where tools are called: whoever asks has a tenant and rights from a credential, and gets an answer that names nobody.
//!
//! Answers are kept in the process while the tenant's data are the same; what is computed is computed once, however many
//! ask, and few at a time, so that questions never take all connections.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use database::{Db, DbError, Role, Tx};
use jobs::{Dispatch, NewJob, QueueError};
use platform::analytics::affinity::{self, Associations, By};
use platform::analytics::extent::{self, Extent};
use platform::analytics::{AnalyticsError, Effort, Levels, Standing};
use platform::anonymous_ids::{self, Key};
use platform::insights::InsightError;
use platform::kinds::ForecastMetrics;
use platform::models::{Target, list as models};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::memo::Memo;
use crate::policy;
use crate::text::formats;
use crate::tools::answer::{Cost, ToolAnswer};
use crate::tools::call::{Call, CallError};
use crate::tools::maker::{self, Maker};
use crate::tools::protect::{Form, protect, protect_groups, protect_months};
use crate::tools::reports::{self, NO_FORECAST, Raw};
use crate::tools::{anonymise, lookup};
use crate::way::{Step, Way, rows_read};

/// Reports that are computed at once in a process.
const AT_ONCE: usize = 2;
/// How long a call waits for its place.
const PATIENCE: Duration = Duration::from_secs(10);
/// Answers are computed anew so often at most while data change all the time.
const SETTLE: Duration = Duration::from_secs(60);
/// Shops with more order lines than this get no report that goes through them.
pub const MOST_LINES: i64 = 100_000_000;
/// Below so many customers, an answer says that chance plays a part.
const SMALL_SAMPLE: i64 = 500;

/// Who asks: what the credential says, and nothing that a question says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker {
    /// The tenant.
    pub tenant: TenantId,
    /// Whether analytics may be seen.
    pub analytics: bool,
    /// Whether single customers may be looked up.
    pub customers: bool,
}

/// Why a tool does not answer.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The call does not fit.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The credential does not suffice.
    #[error("this needs the permission {0}")]
    Forbidden(&'static str),
    /// The tenant has no such customer.
    #[error("there is no such customer")]
    UnknownCustomer,
    /// Too many ask at once.
    #[error("too many reports are being computed; try again in a few seconds")]
    Busy,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// What a run left cannot be read.
    #[error(transparent)]
    Insight(#[from] InsightError),
    /// The queue did not take a job.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The computation was lost.
    #[error("the report was not finished")]
    Lost,
}

impl From<sqlx::Error> for ToolError {
    fn from(error: sqlx::Error) -> ToolError {
        ToolError::Db(error.into())
    }
}

/// What the process keeps of tenants besides answers.
#[derive(Debug)]
pub(crate) struct Kept {
    levels: Memo<Arc<Levels>>,
    associations: Memo<Arc<Associations>>,
    extents: Memo<Extent>,
}

impl Kept {
    pub(crate) async fn levels(
        &self,
        way: &Way<'_>,
        standing: &Standing,
    ) -> Result<Arc<Levels>, AnalyticsError> {
        let run = standing.run.as_ref().map(|run| run.id);
        let read = async {
            let (mut tx, before) = way.begin_report(standing.tenant, Effort::Lines).await?;
            let levels = Levels::read(&mut tx, standing).await?;
            way.end_beside(tx, before).await?;
            Ok(Arc::new(levels))
        };
        self.levels.get(format!("{} {run:?}", standing.tenant), &standing.version, read).await
    }

    pub(crate) async fn associations(
        &self,
        way: &Way<'_>,
        standing: &Standing,
        by: By,
        months: u32,
    ) -> Result<Arc<Associations>, AnalyticsError> {
        let read = async {
            let (mut tx, before) = way.begin_report(standing.tenant, Effort::Lines).await?;
            let found = affinity::associations(&mut tx, standing, by, months).await?;
            way.end_beside(tx, before).await?;
            Ok(Arc::new(found))
        };
        let key = format!("{} {by:?} {months}", standing.tenant);
        self.associations.get(key, &standing.version, read).await
    }

    async fn extent(&self, way: &Way<'_>, standing: &Standing) -> Result<Extent, DbError> {
        let read = async {
            let mut tx = way.begin(standing.tenant).await?;
            let before = rows_read(&mut tx).await?;
            let extent = extent::extent(&mut tx, standing.tenant).await?;
            way.end_beside(tx, before).await?;
            Ok(extent)
        };
        self.extents.get(standing.tenant.to_string(), &standing.version, read).await
    }
}

/// An answer with all its pages, and under which name a process keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Made {
    /// The answer.
    pub whole: ToolAnswer,
    kept_as: Option<KeptAs>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct KeptAs {
    key: String,
    version: String,
}

/// The tools of a process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Desk(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    db: Db,
    dispatch: Dispatch,
    secret: Secret,
    kept: Kept,
    answers: Memo<Arc<ToolAnswer>>,
    places: Semaphore,
}

/// The secret that anonymised ids follow from.
struct Secret([u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// The label under which the secret of anonymised ids follows from an installation's master key.
pub const SECRET_LABEL: &str = "anonymised ids of customers";

impl Desk {
    /// Tools on a database, with the secret of anonymised ids (see [`SECRET_LABEL`]).
    pub fn new(db: Db, dispatch: Dispatch, secret: [u8; 32]) -> Desk {
        Desk(Arc::new(Parts {
            db,
            dispatch,
            secret: Secret(secret),
            kept: Kept {
                levels: Memo::new(1_000, SETTLE),
                associations: Memo::new(50, SETTLE),
                extents: Memo::new(1_000, SETTLE),
            },
            answers: Memo::new(2_000, SETTLE),
            places: Semaphore::new(AT_ONCE),
        }))
    }

    /// The key of a tenant's anonymised ids.
    pub fn key(&self, tenant: TenantId) -> Key {
        Key::of(&self.0.secret.0, tenant)
    }

    /// The database that tools read.
    pub fn db(&self) -> &Db {
        &self.0.db
    }

    /// Calls a tool. Once begun, a report is computed to its end, so that whoever asks again finds it.
    ///
    /// # Errors
    /// The credential does not suffice, there is no such customer, or the database does not answer. That the data say
    /// nothing is an answer.
    pub async fn call(&self, asker: Asker, call: &Call, now: DateTime<Utc>) -> Result<ToolAnswer, ToolError> {
        let (desk, call) = (self.clone(), call.clone());
        let computing = tokio::spawn(async move {
            let way = Way::new(&desk.0.db, None, &silent);
            Ok(page(&desk.answer(&way, asker, &call, now).await?, &call))
        });
        computing.await.map_err(|_| ToolError::Lost)?
    }

    /// Calls a tool that may not take longer than this; none when it would.
    ///
    /// # Errors
    /// As [`Desk::call`].
    pub async fn call_within(
        &self,
        asker: Asker,
        call: &Call,
        now: DateTime<Utc>,
        limit: Duration,
    ) -> Result<Option<ToolAnswer>, ToolError> {
        let way = Way::new(&self.0.db, Some(limit), &silent);
        // What is given up here ends in the database too: no statement of it may take longer.
        match tokio::time::timeout(limit, self.answer(&way, asker, call, now)).await {
            Ok(Ok(made)) => Ok(Some(page(&made, call))),
            Err(_)
            | Ok(Err(
                ToolError::Busy
                | ToolError::Db(DbError::Conflict(_))
                | ToolError::Insight(InsightError::Db(DbError::Conflict(_))),
            )) => Ok(None),
            Ok(Err(error)) => Err(error),
        }
    }

    /// Calls a tool and tells how far it is. It stops where it waits when it is dropped.
    ///
    /// # Errors
    /// As [`Desk::call`].
    pub async fn call_telling(
        &self,
        asker: Asker,
        call: &Call,
        now: DateTime<Utc>,
        told: &(dyn Fn(Step) + Send + Sync),
    ) -> Result<Made, ToolError> {
        let way = Way::new(&self.0.db, None, told);
        let answered = self.answer(&way, asker, call, now).await?;
        Ok(Made { whole: answered.whole.as_ref().clone(), kept_as: answered.kept_as })
    }

    /// Keeps an answer that another process made as if it had been computed here, and shows the page that was called for.
    pub async fn take_over(&self, call: &Call, made: Made) -> ToolAnswer {
        let whole = Arc::new(made.whole);
        if let Some(KeptAs { key, version }) = made.kept_as {
            self.0.answers.put(key, version, whole.clone()).await;
        }
        page(&Answered { whole, remembered: false, kept_as: None }, call)
    }

    /// The call with the shop's own id of the customer whom it names, for where it is kept: a person's data are found by
    /// that.
    ///
    /// # Errors
    /// There is no such customer, or the database does not answer.
    pub async fn to_be_kept(&self, tenant: TenantId, call: &Call) -> Result<Call, ToolError> {
        let Call::LookupCustomer(asked) = call else { return Ok(call.clone()) };
        let mut tx = self.0.db.tenant_tx(Role::Marketing, tenant).await?;
        let id = anonymous_ids::named(&mut tx, &self.key(tenant), &asked.customer_id).await?;
        tx.commit().await?;
        let mut asked = asked.clone();
        asked.customer_id = id.ok_or(ToolError::UnknownCustomer)?;
        Ok(Call::LookupCustomer(asked))
    }

    async fn answer(
        &self,
        way: &Way<'_>,
        asker: Asker,
        call: &Call,
        now: DateTime<Utc>,
    ) -> Result<Answered, ToolError> {
        let parts = &*self.0;
        let is_lookup = matches!(call, Call::LookupCustomer(_));
        if is_lookup && !asker.customers {
            return Err(ToolError::Forbidden("customers:read"));
        }
        if !is_lookup && !asker.analytics {
            return Err(ToolError::Forbidden("intelligence:read"));
        }
        way.tell(Step::Waits);
        let mut tx = way.begin(asker.tenant).await?;
        let standing = Standing::read(&mut tx, asker.tenant, now).await?;
        let policy = policy::read(&mut tx).await?;
        tx.commit().await?;
        let smallest = i64::from(policy.smallest_group);
        if let Call::LookupCustomer(asked) = call {
            way.tell(Step::Reads);
            let key = self.key(asker.tenant);
            let whole = Arc::new(lookup::answer(&parts.kept, way, &key, &standing, asked, now).await?);
            return Ok(Answered { whole, remembered: false, kept_as: None });
        }
        let Some(maker) = maker::maker(call) else { return Err(ToolError::Lost) };
        let mut whole_call = call.clone();
        whole_call.set_page(None, None);
        let key =
            format!("{} {smallest} {}", asker.tenant, serde_json::to_string(&whole_call).unwrap_or_default());
        if let Maker::Forecast(..) = maker {
            // The forecast's job may end at any moment; reading what is stored costs nothing.
            let whole = Arc::new(self.compute(way, &standing, call, &maker, smallest, now).await?);
            return Ok(Answered { whole, remembered: false, kept_as: None });
        }
        let computed = std::sync::atomic::AtomicBool::new(false);
        let compute = async {
            computed.store(true, std::sync::atomic::Ordering::Relaxed);
            let place = tokio::time::timeout(PATIENCE, parts.places.acquire()).await;
            let _place = place.map_err(|_| ToolError::Busy)?.map_err(|_| ToolError::Busy)?;
            self.compute(way, &standing, call, &maker, smallest, now).await.map(Arc::new)
        };
        let whole = parts.answers.get(key.clone(), &standing.version, compute).await?;
        let remembered = !computed.load(std::sync::atomic::Ordering::Relaxed);
        Ok(Answered { whole, remembered, kept_as: Some(KeptAs { key, version: standing.version }) })
    }

    async fn compute(
        &self,
        way: &Way<'_>,
        standing: &Standing,
        call: &Call,
        maker: &Maker,
        smallest: i64,
        now: DateTime<Utc>,
    ) -> Result<ToolAnswer, ToolError> {
        let parts = &*self.0;
        let extent = parts.kept.extent(way, standing).await?;
        let months = call.months();
        let effort = maker.effort();
        let is_too_large = effort == Effort::Lines && extent.lines > MOST_LINES;
        let made = match is_too_large {
            true => {
                Err(AnalyticsError::NotEnough(format!("the shop has more than {MOST_LINES} order lines")))
            }
            false => reports::make(&parts.kept, way, standing, maker, months.unwrap_or(12)).await,
        };
        let mut answer = blank(call, maker.definition(), standing, months, now);
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
                answer.reason = Some(reason);
                return Ok(answer);
            }
            Err(AnalyticsError::Db(error)) => return Err(error.into()),
        };
        answer.cost.rows_read = rows_read + way.rows_beside();
        way.tell(Step::Protects);
        if let Maker::Forecast(..) = maker
            && raw.figures["made_on"] != json!(now.date_naive())
        {
            self.ask_for_forecast(standing.tenant).await?;
        }
        let mut tx = way.begin(standing.tenant).await?;
        let quality = if maker.rests_on_churn() { quality(&mut tx).await? } else { None };
        let Raw { figures, items, form, counts, groups, mut caveats } = raw;
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
        if let Maker::Cadence = maker {
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
        if answer.withheld > 0 && answer.available {
            answer.caveats.push(format!(
                "What is of fewer than {smallest} customers is withheld, with what would tell it."
            ));
        }
        Ok(answer)
    }

    async fn ask_for_forecast(&self, tenant: TenantId) -> Result<(), ToolError> {
        let mut tx = self.0.db.tenant_tx(Role::Marketing, tenant).await?;
        let job = NewJob::of(tenant, &ForecastMetrics {})?.with_dedup_key(ForecastMetrics::DEDUP_KEY)?;
        let (_, announcement) = jobs::enqueue_one(&mut tx, job).await?;
        tx.commit().await?;
        self.0.dispatch.announce(announcement);
        Ok(())
    }
}

/// An answer with all its pages, as a process has it.
struct Answered {
    whole: Arc<ToolAnswer>,
    remembered: bool,
    kept_as: Option<KeptAs>,
}

/// Nobody waits for news.
fn silent(_: Step) {}

/// The page that was called for.
fn page(answered: &Answered, call: &Call) -> ToolAnswer {
    let (limit, place) = call.rows();
    let mut page = answered.whole.page(limit, place);
    page.cost.remembered = answered.remembered;
    page
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
