//! Names of the segments and archetypes that the facts hold indexes of.

use serde::Deserialize;
use sqlx::types::Json;

use super::{AnalyticsError, Standing};
use crate::insights::archetype_names;
use crate::insights::catalog::{AXES, PURCHASE_AXES};
use database::Tx;

/// The parts of a segmentation's catalog that reports need.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Catalog {
    #[serde(default)]
    pub(super) axes: Vec<Axis>,
    #[serde(default)]
    pub(super) archetypes: Vec<Named>,
}

/// An axis and its segments, in the order of their indexes.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Axis {
    pub(super) name: String,
    /// Why the axis says nothing, if so.
    #[serde(default)]
    pub(super) degenerate: Option<String>,
    #[serde(default)]
    pub(super) segments: Vec<Named>,
}

/// A segment or an archetype.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Named {
    /// An archetype's id; a segment has none.
    #[serde(default)]
    id: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) level: Option<u8>,
}

impl Catalog {
    /// The catalog of the published run.
    pub(super) async fn read(tx: &mut Tx, standing: &Standing) -> Result<Catalog, AnalyticsError> {
        let no_segments = || AnalyticsError::not_enough("customers were not segmented yet");
        let segmentation = standing.run()?.segmentation.ok_or_else(no_segments)?;
        let catalog: Option<Json<Catalog>> =
            sqlx::query_scalar("select catalog from platform.segmentation where tenant_id = $1 and id = $2")
                .bind(standing.tenant)
                .bind(segmentation)
                .fetch_optional(&mut **tx)
                .await?;
        let Json(mut catalog) = catalog.ok_or_else(no_segments)?;
        let given = archetype_names::given(tx, segmentation).await?;
        for archetype in &mut catalog.archetypes {
            if let Some(name) = given.get(&archetype.id) {
                archetype.name.clone_from(name);
            }
        }
        Ok(catalog)
    }

    /// The axes that reports speak of: those of tickets only where they divide customers.
    pub(super) fn axes(&self) -> impl Iterator<Item = &'static str> {
        let divides = |name: &str| self.axis(name).is_some_and(|axis| !axis.segments.is_empty());
        AXES.into_iter()
            .enumerate()
            .filter(move |(place, name)| *place < PURCHASE_AXES || divides(name))
            .map(|(_, name)| name)
    }

    pub(super) fn axis(&self, name: &str) -> Option<&Axis> {
        self.axes.iter().find(|axis| axis.name == name)
    }

    pub(super) fn archetype(&self, index: Option<i16>) -> Option<String> {
        let named = self.archetypes.get(usize::try_from(index?).ok()?)?;
        Some(named.name.clone())
    }
}
