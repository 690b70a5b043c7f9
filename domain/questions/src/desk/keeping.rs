//! Answers that outlive a process: read before one is computed, kept afterwards, and computed anew while an older one is
//! told.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use database::Role;
use database::ids::TenantId;
use platform::analytics::affinity::By;
use platform::analytics::{AnalyticsError, Standing};

use super::making::Asked;
use super::{Asker, Begun, Desk, ToolError, key, silent};
use crate::reports::{self as stored, Stored};
use crate::tools::answer::ToolAnswer;
use crate::tools::call::Call;
use crate::tools::maker;
use crate::way::Way;

/// What suggestions to a customer rest on: products within so many months.
pub(crate) const SUGGESTED: (By, u32) = (By::Product, 12);
/// From this age on an answer that is told although the data have changed says so.
const OLD: TimeDelta = TimeDelta::minutes(5);
const OLDER: &str = "The shop's data have changed since this was computed; it is being computed anew, so ask again in a \
                     minute for the newest.";

impl Desk {
    /// Computes an answer about many customers and keeps it, whether or not one is there (for whoever prepares them).
    ///
    /// # Errors
    /// As [`Desk::call`].
    pub async fn prepare(
        &self,
        tenant: TenantId,
        call: &Call,
        now: DateTime<Utc>,
    ) -> Result<Arc<ToolAnswer>, ToolError> {
        let way = Way::new(&self.0.db, None, &silent);
        // Whoever is shown it is held to what they may see.
        let asker = Asker::new(tenant, |_| true);
        let Begun { standing, smallest, narrow } = self.begin(&way, asker, call, now).await?;
        let (Some(maker), Ok(narrow)) = (maker::maker(call), narrow) else { return Err(ToolError::Lost) };
        let asked = Asked { call, maker: &maker, narrow: &narrow, smallest, now };
        let key = key(tenant, smallest, &narrow, call);
        let whole = Arc::new(self.compute(&way, &standing, &asked).await?);
        self.keep(&standing, &key, &whole).await?;
        self.0.answers.put(key, standing.version, whole.clone()).await;
        Ok(whole)
    }

    /// Finds out what is bought together and keeps it for every process, for what is suggested to single customers. Answers
    /// whether there is enough for it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn prepare_suggestions(&self, tenant: TenantId, now: DateTime<Utc>) -> Result<bool, ToolError> {
        let way = Way::new(&self.0.db, None, &silent);
        let mut tx = way.begin(tenant).await?;
        let standing = Standing::read(&mut tx, tenant, now).await?;
        tx.commit().await?;
        let (by, months) = SUGGESTED;
        let found = match self.0.kept.associations(&way, &standing, by, months).await {
            Ok(found) => found,
            Err(AnalyticsError::NotEnough(_)) => return Ok(false),
            Err(AnalyticsError::Db(error)) => return Err(error.into()),
        };
        let mut tx = self.0.db.tenant_tx(Role::Marketing, tenant).await?;
        stored::keep(&mut tx, tenant, &stored::together(by, months), &standing.version, found.as_ref(), now)
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Finds out the customers' levels and keeps them for every process, for lists that are narrowed down to a group. Answers
    /// whether anybody has ordered.
    ///
    /// # Errors
    /// The database failed.
    pub async fn prepare_levels(&self, tenant: TenantId, now: DateTime<Utc>) -> Result<bool, ToolError> {
        let way = Way::new(&self.0.db, None, &silent);
        let mut tx = way.begin(tenant).await?;
        let standing = Standing::read(&mut tx, tenant, now).await?;
        tx.commit().await?;
        let found = match self.0.kept.levels(&way, &standing).await {
            Ok(found) => found,
            Err(AnalyticsError::NotEnough(_)) => return Ok(false),
            Err(AnalyticsError::Db(error)) => return Err(error.into()),
        };
        let mut tx = self.0.db.tenant_tx(Role::Marketing, tenant).await?;
        stored::keep(&mut tx, tenant, stored::LEVELS, &standing.version, found.as_ref(), now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Keeps an answer for every process. That there is none is not kept: it may be otherwise with the next order.
    pub(super) async fn keep(
        &self,
        standing: &Standing,
        key: &str,
        whole: &ToolAnswer,
    ) -> Result<(), ToolError> {
        if !whole.available {
            return Ok(());
        }
        let mut tx = self.0.db.tenant_tx(Role::Marketing, standing.tenant).await?;
        stored::keep(&mut tx, standing.tenant, key, &standing.version, whole, whole.computed_at).await?;
        Ok(tx.commit().await?)
    }

    /// The answer that is kept for every process, if there is one; an older one says so and is computed anew meanwhile.
    pub(super) async fn kept_before(
        &self,
        way: &Way<'_>,
        standing: &Standing,
        key: &str,
        call: &Call,
        now: DateTime<Utc>,
    ) -> Result<Option<Arc<ToolAnswer>>, ToolError> {
        let mut tx = way.begin(standing.tenant).await?;
        let found = stored::find(&mut tx, key, now).await?;
        tx.commit().await?;
        let Some(Stored::<ToolAnswer> { version, whole, made_at }) = found else { return Ok(None) };
        let mut whole = whole.0;
        if version != standing.version {
            self.renew(standing.tenant, key, call);
            if now - made_at > OLD {
                whole.caveats.push(OLDER.to_owned());
            }
        }
        Ok(Some(Arc::new(whole)))
    }

    /// Computes an answer anew behind the back of whoever was told an older one.
    fn renew(&self, tenant: TenantId, key: &str, call: &Call) {
        let is_first = self.0.renewing.lock().expect("no holder of this lock panics").insert(key.to_owned());
        if !is_first {
            return;
        }
        let (desk, key, mut call) = (self.clone(), key.to_owned(), call.clone());
        call.set_page(None, None);
        tokio::spawn(async move {
            let renewed = async {
                // Whoever waits for a report comes first.
                let _place = desk.0.places.acquire().await.map_err(|_| ToolError::Busy)?;
                desk.prepare(tenant, &call, Utc::now()).await
            };
            if let Err(error) = renewed.await {
                tracing::warn!(%error, tool = call.tool(), variant = call.variant(), "an older answer was not renewed");
            }
            desk.0.renewing.lock().expect("no holder of this lock panics").remove(&key);
        });
    }
}
