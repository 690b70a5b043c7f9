//! What a process keeps of tenants besides answers, because several reports need it: levels, what is bought together, how
//! much data there is.

use std::sync::Arc;

use database::DbError;
use platform::analytics::affinity::{self, Associations, By};
use platform::analytics::extent::{self, Extent};
use platform::analytics::{AnalyticsError, Effort, Levels, Standing};

use super::SETTLE;
use crate::memo::Memo;
use crate::way::{Way, rows_read};

/// What the process keeps of tenants besides answers.
#[derive(Debug)]
pub(crate) struct Kept {
    levels: Memo<Arc<Levels>>,
    associations: Memo<Arc<Associations>>,
    extents: Memo<Extent>,
}

impl Default for Kept {
    fn default() -> Kept {
        Kept {
            levels: Memo::new(1_000, SETTLE),
            associations: Memo::new(50, SETTLE),
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
