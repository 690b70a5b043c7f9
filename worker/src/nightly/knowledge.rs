//! Everything that scoring a tenant's customers needs, read once and shared: statistics, segmentation, models.

use std::sync::{Arc, Mutex, PoisonError};

use database::ids::TenantId;
use database::{Db, DbError, Role, Tx};
use intelligence::churn;
use intelligence::cold_start::Confidence;
use intelligence::drift;
use intelligence::features::TenantStats;
use intelligence::matrix::Matrix;
use intelligence::segmentation::{Segmentation, Vector};
use intelligence::spend;
use platform::models::{Target, registry};
use platform::runs::prepared;
use uuid::Uuid;

use super::catalog;
use crate::outcome::Stop;

/// Runs whose knowledge a process keeps in memory; some megabytes each.
const KEPT: usize = 16;
/// What a model that is gone or damaged is replaced by.
const FALLBACKS: &str = "an earlier champion is used if one can be read, and otherwise there are no scores";

/// What a process keeps of the tenants' runs.
#[derive(Default)]
pub struct Library {
    /// The most recently used last.
    kept: Mutex<Vec<Arc<Knowledge>>>,
}

impl Library {
    /// What scoring needs of a run.
    ///
    /// # Errors
    /// The database failed, or the run is not prepared.
    pub async fn of_run(&self, db: &Db, tenant: TenantId, run: Uuid) -> Result<Arc<Knowledge>, Stop> {
        if let Some(known) = self.find(run) {
            return Ok(known);
        }
        let mut tx = db.tenant_tx(Role::Platform, tenant).await?;
        let stored = Stored::read(&mut tx, run).await?;
        tx.commit().await?;
        let knowledge = tokio::task::spawn_blocking(move || stored.open())
            .await
            .map_err(|_| Stop::retry("knowledge", "reading the run's models panicked"))??;
        let knowledge = Arc::new(knowledge);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|other| other.run != run);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push(knowledge.clone());
        Ok(knowledge)
    }

    fn find(&self, run: Uuid) -> Option<Arc<Knowledge>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().position(|known| known.run == run)?;
        let known = kept.remove(place);
        kept.push(known.clone());
        Some(known)
    }
}

/// What scoring needs of a run.
pub struct Knowledge {
    run: Uuid,
    /// The currency whose lines count.
    pub currency: String,
    /// The tenant's rates and distributions.
    pub statistics: TenantStats,
    /// The frozen segmentation.
    pub segmentation: Segmentation,
    /// The generation that readers see and that has the same segmentation, to compare with.
    pub previous: Option<i32>,
    /// What could not be done, and why.
    pub notes: Vec<String>,
    /// Of each archetype, the place of the one that it refines.
    broader: Vec<i16>,
    churn: Option<churn::Model>,
    spend: Option<spend::Model>,
}

/// Churn and lifetime value of a customer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Predictions {
    /// The probability of no order within the horizon.
    pub churn: Option<f32>,
    /// Expected spend within the horizon.
    pub ltv: Option<Expectation>,
    /// Why the churn probability is what it is, as JSON.
    pub reasons: Option<String>,
}

/// An expected amount and where it lies with 80 % probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expectation {
    /// The expected amount.
    pub value: f32,
    /// Less than this in one case of ten; none where no past window could teach it.
    pub low: Option<f32>,
    /// More than this in one case of ten.
    pub high: Option<f32>,
}

impl Knowledge {
    /// Churn and lifetime value of customers with these features. A customer without an order has none.
    pub fn predict(&self, features: &Matrix) -> Vec<Predictions> {
        let churn = self.churn.as_ref().map(|model| model.score(features));
        let spend = self.spend.as_ref().map(|model| model.score(features, &self.statistics.season));
        (0..features.rows())
            .map(|row| Predictions {
                churn: churn.as_ref().and_then(|scores| scores[row]),
                ltv: spend.as_ref().and_then(|forecasts| forecasts[row]).map(|forecast| Expectation {
                    value: forecast.expected as f32,
                    low: forecast.interval.map(|(low, _)| low as f32),
                    high: forecast.interval.map(|(_, high)| high as f32),
                }),
                reasons: None,
            })
            .collect()
    }

    /// Reasons for the churn probabilities of customers with these features, as JSON; none without a model, and where
    /// one cannot explain itself: the scores stand all the same.
    pub fn reasons(&self, features: &Matrix) -> Option<Vec<Option<String>>> {
        let reasons = self.churn.as_ref()?.reasons(features).ok()?;
        Some(reasons.iter().map(|reasons| serde_json::to_string(reasons).ok()).collect())
    }

    /// The place of the broader archetype that this one refines; its own where there is none.
    pub fn broader_archetype(&self, index: i16) -> i16 {
        usize::try_from(index).ok().and_then(|index| self.broader.get(index)).copied().unwrap_or(index)
    }

    /// The word that is stored for a confidence.
    pub fn confidence_word(&self, confidence: Confidence) -> &'static str {
        match confidence {
            Confidence::Rule => "rule",
            Confidence::Low => "low",
            Confidence::Medium => "medium",
            Confidence::High => "high",
        }
    }

    /// How far a customer with these packed memberships has moved, 0 to 1.
    pub fn movement(&self, before: &[u8], now: &Vector) -> Option<f32> {
        drift::movement(&self.segmentation.unpack(before)?, now)
    }
}

/// A run as it is stored.
struct Stored {
    run: Uuid,
    currency: String,
    statistics: Vec<u8>,
    segmentation: Vec<u8>,
    previous: Option<i32>,
    churn: Candidates,
    spend: Candidates,
}

/// The artefacts that may be used, best first, and why those before them cannot.
#[derive(Default)]
struct Candidates {
    artefacts: Vec<(i32, Vec<u8>)>,
    notes: Vec<String>,
}

impl Stored {
    async fn read(tx: &mut Tx, run: Uuid) -> Result<Stored, Stop> {
        let Some(prepared) = prepared::find(tx, run).await? else {
            return Err(Stop::Cancel("the run is gone or was not prepared".to_owned()));
        };
        Ok(Stored {
            run,
            currency: prepared.currency.unwrap_or_default(),
            statistics: prepared.statistics,
            segmentation: prepared.segmentation,
            previous: prepared.previous,
            churn: Candidates::read(tx, Target::Churn, prepared.churn_model).await?,
            spend: Candidates::read(tx, Target::Ltv, prepared.ltv_model).await?,
        })
    }

    fn open(self) -> Result<Knowledge, Stop> {
        let unreadable = |what: &str, error: serde_json::Error| {
            Stop::fail(
                "knowledge_unreadable",
                &format!("the {what} of the run cannot be read ({error}); evaluate again with refit"),
            )
        };
        let statistics =
            serde_json::from_slice(&self.statistics).map_err(|error| unreadable("statistics", error))?;
        let segmentation: Segmentation =
            serde_json::from_slice(&self.segmentation).map_err(|error| unreadable("segmentation", error))?;
        let broader = (0..segmentation.archetypes.list.len())
            .map(|index| i16::try_from(catalog::broader(&segmentation, index)).unwrap_or(i16::MAX))
            .collect();
        let (churn, mut notes) = self.churn.first_that_opens("churn", churn::Model::from_artefact);
        let (spend, more) = self.spend.first_that_opens("lifetime value", spend::Model::from_artefact);
        notes.extend(more);
        let (run, currency, previous) = (self.run, self.currency, self.previous);
        Ok(Knowledge { run, currency, statistics, segmentation, previous, notes, broader, churn, spend })
    }
}

impl Candidates {
    async fn read(tx: &mut Tx, target: Target, chosen: Option<Uuid>) -> Result<Candidates, DbError> {
        let mut candidates = Candidates::default();
        let Some(chosen) = chosen else { return Ok(candidates) };
        let first = registry::find(tx, chosen).await?;
        let mut models: Vec<_> = first.into_iter().collect();
        models.extend(
            registry::former_champions(tx, target).await?.into_iter().filter(|model| model.id != chosen),
        );
        for model in models {
            match registry::artefact(tx, model.id).await {
                // The first readable one is nearly always the one that opens; a second is for when it does not.
                Ok(artefact) if candidates.artefacts.len() < 2 => {
                    candidates.artefacts.push((model.number, artefact))
                }
                Ok(_) => break,
                Err(registry::ArtefactError::Db(error)) => return Err(error),
                Err(error) => candidates.notes.push(format!(
                    "{} model {}: {error}; {FALLBACKS}",
                    target.name(),
                    model.number
                )),
            }
        }
        Ok(candidates)
    }

    fn first_that_opens<M, E: std::fmt::Display>(
        self,
        what: &str,
        open: impl Fn(&[u8]) -> Result<M, E>,
    ) -> (Option<M>, Vec<String>) {
        let mut notes = self.notes;
        for (number, artefact) in &self.artefacts {
            match open(artefact) {
                Ok(model) => return (Some(model), notes),
                Err(error) => {
                    notes.push(format!("{what} model {number} cannot be read: {error}; {FALLBACKS}"))
                }
            }
        }
        if self.artefacts.is_empty() && notes.is_empty() {
            notes.push(format!("there is no {what} model: not enough data, or none was trained yet"));
        }
        (None, notes)
    }
}
