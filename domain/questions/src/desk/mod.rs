//! Where tools are called: whoever asks has a tenant and rights from a credential, and gets an answer that names nobody.
//!
//! Answers are kept in the process while the tenant's data are the same; what is computed is computed once, however many
//! ask, and few at a time, so that questions never take all connections. How one is computed: `making.rs`.

mod asker;
mod keeping;
mod kept;
mod making;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use database::{Db, DbError, Role};
use jobs::{Dispatch, NewJob};
use platform::analytics::Standing;
use platform::anonymous_ids::{self, Key};
use platform::insights::InsightError;
use platform::kinds::ForecastMetrics;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::memo::Memo;
use crate::policy;
use crate::tools::answer::ToolAnswer;
use crate::tools::call::Call;
use crate::tools::lookup;
use crate::tools::maker::{self, Maker};
use crate::tools::narrow::{self, Narrow};
use crate::tools::parameters::LookupCustomer;
use crate::way::{Step, Way};
pub use asker::{Asker, ToolError};
pub(crate) use keeping::SUGGESTED;
pub(crate) use kept::Kept;
use making::Asked;
pub(crate) use making::blank;

/// Reports that are computed at once in a process.
const AT_ONCE: usize = 2;
/// How long a call waits for its place.
const PATIENCE: Duration = Duration::from_secs(10);
/// Answers are computed anew so often at most while data change all the time.
const SETTLE: Duration = Duration::from_secs(60);
/// Shops with more order lines than this get no report that goes through them.
pub const MOST_LINES: i64 = 100_000_000;
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
    /// What is being computed anew while an older answer is told.
    renewing: Mutex<HashSet<String>>,
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
            kept: Kept::default(),
            answers: Memo::new(2_000, SETTLE),
            places: Semaphore::new(AT_ONCE),
            renewing: Mutex::default(),
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
        let customer_id = self.customer(tenant, &asked.customer_id).await?;
        Ok(Call::LookupCustomer(LookupCustomer { customer_id, ..asked.clone() }))
    }

    /// The shop's own id of the customer whom a text names.
    ///
    /// # Errors
    /// There is no such customer, or the database does not answer.
    pub async fn customer(&self, tenant: TenantId, named: &str) -> Result<String, ToolError> {
        let mut tx = self.0.db.tenant_tx(Role::Marketing, tenant).await?;
        let id = anonymous_ids::named(&mut tx, &self.key(tenant), named).await?;
        tx.commit().await?;
        id.ok_or(ToolError::UnknownCustomer)
    }

    /// What every answer begins with.
    async fn begin(
        &self,
        way: &Way<'_>,
        asker: Asker,
        call: &Call,
        now: DateTime<Utc>,
    ) -> Result<Begun, ToolError> {
        let mut tx = way.begin(asker.tenant).await?;
        let standing = Standing::read(&mut tx, asker.tenant, now).await?;
        let policy = policy::read(&mut tx).await?;
        let narrow = match call.filter() {
            Some(filter) => narrow::read(&mut tx, asker, &standing, filter).await?,
            None => Ok(Narrow::default()),
        };
        tx.commit().await?;
        Ok(Begun { standing, smallest: i64::from(policy.smallest_group), narrow })
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
        // What single customers bought is theirs to see who may look customers up.
        if call.with_last_order() && !asker.customers {
            return Err(ToolError::Forbidden("customers:read"));
        }
        way.tell(Step::Waits);
        let Begun { standing, smallest, narrow } = self.begin(way, asker, call, now).await?;
        if let Call::LookupCustomer(asked) = call {
            way.tell(Step::Reads);
            let key = self.key(asker.tenant);
            let whole = Arc::new(lookup::answer(&parts.kept, way, &key, &standing, asked, now).await?);
            return Ok(Answered { whole, remembered: false, kept_as: None });
        }
        let Some(maker) = maker::maker(call) else { return Err(ToolError::Lost) };
        let narrow = match narrow {
            Ok(narrow) => narrow,
            Err(reason) => {
                let mut whole = blank(call, maker.definition(), &standing, None, now);
                whole.reason = Some(reason);
                return Ok(Answered { whole: Arc::new(whole), remembered: false, kept_as: None });
            }
        };
        let asked = Asked { call, maker: &maker, narrow: &narrow, smallest, now };
        let key = key(asker.tenant, smallest, &narrow, call);
        if let Maker::Forecast(..) = maker {
            // The forecast's job may end at any moment; reading what is stored costs nothing.
            let whole = Arc::new(self.compute(way, &standing, &asked).await?);
            return Ok(Answered { whole, remembered: false, kept_as: None });
        }
        let computed = AtomicBool::new(false);
        let compute = async {
            if let Some(kept) = self.kept_before(way, &standing, &key, call, now).await? {
                return Ok(kept);
            }
            computed.store(true, Ordering::Relaxed);
            let place = tokio::time::timeout(PATIENCE, parts.places.acquire()).await;
            let _place = place.map_err(|_| ToolError::Busy)?.map_err(|_| ToolError::Busy)?;
            let whole = Arc::new(self.compute(way, &standing, &asked).await?);
            self.keep(&standing, &key, &whole).await?;
            Ok::<_, ToolError>(whole)
        };
        let whole = parts.answers.get(key.clone(), &standing.version, compute).await?;
        let remembered = !computed.load(Ordering::Relaxed);
        Ok(Answered { whole, remembered, kept_as: Some(KeptAs { key, version: standing.version }) })
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

/// What every answer begins with: where the shop stands, and whom a list is narrowed down to, or what there is not.
struct Begun {
    standing: Standing,
    /// Groups of fewer customers are withheld.
    smallest: i64,
    narrow: Result<Narrow, String>,
}

/// Under which name an answer is kept. The same words may name another segment to whoever may see more.
fn key(tenant: TenantId, smallest: i64, narrow: &Narrow, call: &Call) -> String {
    let mut whole = call.clone();
    whole.set_page(None, None);
    format!("{tenant} {smallest} {} {}", narrow.version, serde_json::to_string(&whole).unwrap_or_default())
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
