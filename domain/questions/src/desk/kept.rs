//! What a process keeps of tenants besides answers, because several reports need it: levels, what is bought together, how
//! much data there is.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use database::DbError;
use platform::analytics::affinity::{self, Associations, By};
use platform::analytics::extent::{self, Extent};
use platform::analytics::{AnalyticsError, Effort, Levels, Standing};

use super::SETTLE;
use crate::memo::Memo;
use crate::reports;
use crate::way::{Way, rows_read};

/// What the process keeps of tenants besides answers.
#[derive(Debug)]
pub(crate) struct Kept {
    levels: Memo<Arc<Levels>>,
    levels_of_a_night: Memo<Arc<Levels>>,
    associations: Memo<Arc<Associations>>,
    of_a_night: Memo<Arc<Associations>>,
    extents: Memo<Extent>,
}

impl Default for Kept {
    fn default() -> Kept {
        Kept {
            levels: Memo::new(1_000, SETTLE),
            levels_of_a_night: Memo::new(1_000, SETTLE),
            associations: Memo::new(50, SETTLE),
            of_a_night: Memo::new(50, SETTLE),
            extents: Memo::new(1_000, SETTLE),
        }
    }
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

    /// The same as a night found them last, up to a day old, for the bounds of a group that a list is narrowed down to;
    /// found out now where no night has.
    pub(crate) async fn levels_of_a_night(
        &self,
        way: &Way<'_>,
        standing: &Standing,
        now: DateTime<Utc>,
    ) -> Result<Arc<Levels>, AnalyticsError> {
        let read = async {
            let mut tx = way.begin(standing.tenant).await?;
            let found = reports::find(&mut tx, reports::LEVELS, now).await?;
            tx.commit().await.map_err(DbError::from)?;
            match found {
                Some(stored) => Ok(Arc::new(stored.whole.0)),
                None => self.levels(way, standing).await,
            }
        };
        // Anew with each run, and with each day where there is none.
        let run = standing.run.as_ref().map(|run| run.id);
        let version = format!("{run:?} {}", now.date_naive());
        self.levels_of_a_night.get(standing.tenant.to_string(), &version, read).await
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

    /// The same as a night found it last, up to a day old, for whoever cannot wait for a pass through the orders; found out
    /// now where no night has.
    pub(crate) async fn associations_of_a_night(
        &self,
        way: &Way<'_>,
        standing: &Standing,
        (by, months): (By, u32),
        now: DateTime<Utc>,
    ) -> Result<Arc<Associations>, AnalyticsError> {
        let read = async {
            let mut tx = way.begin(standing.tenant).await?;
            let found = reports::find(&mut tx, &reports::together(by, months), now).await?;
            tx.commit().await.map_err(DbError::from)?;
            match found {
                Some(stored) => Ok(Arc::new(stored.whole.0)),
                None => self.associations(way, standing, by, months).await,
            }
        };
        let key = format!("{} {by:?} {months}", standing.tenant);
        // Anew with each run, and with each day where there is none.
        let run = standing.run.as_ref().map(|run| run.id);
        self.of_a_night.get(key, &format!("{run:?} {}", now.date_naive()), read).await
    }

    pub(super) async fn extent(&self, way: &Way<'_>, standing: &Standing) -> Result<Extent, DbError> {
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
