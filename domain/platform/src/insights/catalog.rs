//! What a segmentation calls its features, segments and archetypes. Rows of customers hold indexes into it.
//!
//! A segmentation is fitted once and never changed, so a catalogue that was read is kept in the process. Only what the
//! tenant calls its archetypes may change, and is read every time.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::types::Json;
use uuid::Uuid;

use super::InsightError;
use super::archetype_names;
use super::strength::{self, Strength};
use database::Tx;
use database::ids::TenantId;

/// How many axes there are of purchases; those of tickets follow.
pub const PURCHASE_AXES: usize = 8;

/// The axes, by the names of their columns in `platform.customer_fact`.
pub const AXES: [&str; 13] = [
    "purchase_frequency",
    "purchase_value",
    "category_exploration",
    "price_sensitivity",
    "purchase_cadence",
    "customer_maturity",
    "repurchase_behavior",
    "return_behavior",
    "communication",
    "problem_complexity",
    "loyalty",
    "feedback",
    "value_sensitivity",
];

/// The names behind the indexes of one segmentation.
#[derive(Debug, Clone, Deserialize)]
pub struct Catalog {
    /// The features in the order in which they are stored.
    pub features: Vec<Feature>,
    /// The axes.
    pub axes: Vec<Axis>,
    /// The archetypes in the order of their indexes.
    pub archetypes: Vec<Archetype>,
}

/// A feature.
#[derive(Debug, Clone, Deserialize)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// The axis that it belongs to.
    pub axis: String,
    /// What it is counted in; empty for a plain number.
    #[serde(default)]
    pub unit: String,
}

/// An axis and its segments.
#[derive(Debug, Clone, Deserialize)]
pub struct Axis {
    /// Its name, one of [`AXES`].
    pub name: String,
    /// Why the axis tells customers not apart, when it does not.
    pub degenerate: Option<String>,
    /// Its segments in the order of their indexes.
    pub segments: Vec<Segment>,
    /// Where its memberships begin among all that are stored of a customer.
    pub offset: usize,
}

/// A segment of an axis.
#[derive(Debug, Clone, Deserialize)]
pub struct Segment {
    /// Its name.
    pub name: String,
    /// What its customers do.
    #[serde(default)]
    pub description: String,
    /// Share of the customers when it was fitted.
    pub share: Option<f64>,
}

/// An archetype: segments of several axes that occur together.
#[derive(Debug, Clone, Deserialize)]
pub struct Archetype {
    /// 32 hexadecimal digits, the same in every process.
    pub id: String,
    /// 1, or 2 for one that tells customers of its parent apart.
    pub level: u8,
    /// What it is called: by the tenant, else by rules.
    pub name: String,
    /// What it is called by rules, when the tenant calls it otherwise.
    #[serde(skip)]
    pub automatic_name: Option<String>,
    /// What is typical of its customers, in one sentence; empty in versions from before there was one.
    #[serde(default)]
    pub description: String,
    /// Index of the archetype of level 1 that it belongs to.
    pub parent: Option<usize>,
    /// Customers when it was fitted.
    pub support: i64,
    /// Segment by axis.
    pub segments: BTreeMap<String, String>,
}

/// The segment of an axis that a customer belongs to most.
#[derive(Debug, Clone, Copy)]
pub struct Dominant<'a> {
    /// The segment.
    pub segment: &'a Segment,
    /// How clearly.
    pub strength: Strength,
}

impl Catalog {
    /// The axis of that name.
    pub fn axis(&self, name: &str) -> Option<&Axis> {
        self.axes.iter().find(|axis| axis.name == name)
    }

    /// The archetype of that index, as rows hold it.
    pub fn archetype(&self, index: Option<i16>) -> Option<&Archetype> {
        self.archetypes.get(usize::try_from(index?).ok()?)
    }

    /// The archetype that is shown of a customer: the finer one where there is one.
    pub fn finest(&self, level_1: Option<i16>, level_2: Option<i16>) -> Option<&Archetype> {
        self.archetype(level_2).or_else(|| self.archetype(level_1))
    }

    /// The archetype of that id, and its index.
    pub fn archetype_by_id(&self, id: &str) -> Option<(i16, &Archetype)> {
        let index = self.archetypes.iter().position(|archetype| archetype.id == id)?;
        Some((i16::try_from(index).ok()?, &self.archetypes[index]))
    }

    /// What is typical of an archetype's customers; of a version that does not say it, their segments.
    pub fn description(&self, archetype: &Archetype) -> String {
        if !archetype.description.is_empty() {
            return archetype.description.clone();
        }
        let segments = self.axes.iter().filter_map(|axis| archetype.segments.get(&axis.name));
        segments.map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    /// Calls the archetypes as the tenant does.
    fn rename(&mut self, given: &BTreeMap<String, String>) {
        for archetype in &mut self.archetypes {
            if let Some(name) = given.get(&archetype.id) {
                archetype.automatic_name = Some(std::mem::replace(&mut archetype.name, name.clone()));
            }
        }
    }
}

impl Axis {
    /// Segment and strength out of a customer's column.
    pub fn dominant(&self, code: Option<i16>) -> Option<Dominant<'_>> {
        let (index, strength) = strength::dominant(code?)?;
        Some(Dominant { segment: self.segments.get(index)?, strength })
    }

    /// The index of the segment of that name.
    pub fn segment(&self, name: &str) -> Option<i16> {
        i16::try_from(self.segments.iter().position(|segment| segment.name == name)?).ok()
    }
}

/// The catalogues that a process has read.
#[derive(Default)]
pub struct Catalogs {
    known: Mutex<HashMap<(TenantId, Uuid), Arc<Catalog>>>,
}

/// Catalogues that are kept; beyond that the memory starts anew.
const MAX_KEPT: usize = 500;

impl Catalogs {
    /// The catalogue of a segmentation in the tenant's words, with one statement, or two when it was not read before;
    /// none when the tenant has no such segmentation.
    ///
    /// # Errors
    /// The database failed, or the catalogue cannot be read.
    pub async fn get(
        &self,
        tx: &mut Tx,
        tenant: TenantId,
        segmentation: Uuid,
    ) -> Result<Option<Arc<Catalog>>, InsightError> {
        let given = archetype_names::given(tx, segmentation).await?;
        self.called(tx, tenant, segmentation, &given).await
    }

    /// The same where the names that the tenant gave are known: without a statement, or with one when the segmentation was
    /// not read before.
    ///
    /// # Errors
    /// The database failed, or the catalogue cannot be read.
    pub async fn called(
        &self,
        tx: &mut Tx,
        tenant: TenantId,
        segmentation: Uuid,
        given: &BTreeMap<String, String>,
    ) -> Result<Option<Arc<Catalog>>, InsightError> {
        let Some(mut catalog) = self.as_fitted(tx, tenant, segmentation).await? else { return Ok(None) };
        if !given.is_empty() {
            Arc::make_mut(&mut catalog).rename(given);
        }
        Ok(Some(catalog))
    }

    async fn as_fitted(
        &self,
        tx: &mut Tx,
        tenant: TenantId,
        segmentation: Uuid,
    ) -> Result<Option<Arc<Catalog>>, InsightError> {
        let key = (tenant, segmentation);
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Some(known.clone()));
        }
        let written: Option<Json<Box<RawValue>>> =
            sqlx::query_scalar("select catalog from platform.segmentation where id = $1")
                .bind(segmentation)
                .fetch_optional(&mut **tx)
                .await?;
        let Some(Json(written)) = written else { return Ok(None) };
        let catalog: Catalog = serde_json::from_str(written.get())
            .map_err(|error| InsightError::BadCatalog { segmentation, reason: error.to_string() })?;
        let catalog = Arc::new(catalog);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KEPT {
            known.clear();
        }
        known.insert(key, catalog.clone());
        Ok(Some(catalog))
    }
}

impl fmt::Debug for Catalogs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("Catalogs").field("known", &known).finish()
    }
}
