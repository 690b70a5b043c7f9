//! Reads single jobs for many at once. When a thousand clients wait and a thousand jobs end, a query
//! each would keep the database busy for seconds; here whatever is asked for while a query runs goes
//! into the next one, so a thousand answers cost a handful of statements and an idle process none.

use std::{collections::HashMap, sync::Arc};

use jobs::{JobId, QueueError, Store, read, read::JobView};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::web::problem::Problem;

/// A process's reader; clones share its tasks.
#[derive(Clone, Debug)]
pub struct Reader {
    questions: mpsc::Sender<Question>,
}

#[derive(Debug)]
struct Question {
    tenant: Uuid,
    id: JobId,
    answer: oneshot::Sender<Option<Arc<JobView>>>,
}

/// The ledger did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ledger did not answer")]
pub struct Unanswered;

impl From<Unanswered> for Problem {
    fn from(_: Unanswered) -> Problem {
        Problem::unavailable()
    }
}

/// How many jobs one statement reads.
const BATCH: usize = 200;

/// How often a batch is read again after its connection turned out to be dead, as all are after a
/// restart of Postgres.
const RETRIES: usize = 3;

impl Reader {
    /// Starts it; its tasks end with the last clone.
    pub fn start(store: Store) -> Reader {
        let (questions, inbox) = mpsc::channel(4 * BATCH);
        tokio::spawn(run(store, inbox));
        Reader { questions }
    }

    /// The tenant's job, without its payload; none when the tenant has no such job.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub async fn job(&self, tenant: Uuid, id: JobId) -> Result<Option<Arc<JobView>>, Unanswered> {
        let (answer, answered) = oneshot::channel();
        self.questions.send(Question { tenant, id, answer }).await.map_err(|_| Unanswered)?;
        answered.await.map_err(|_| Unanswered)
    }
}

async fn run(store: Store, mut inbox: mpsc::Receiver<Question>) {
    let mut batch = Vec::with_capacity(BATCH);
    while inbox.recv_many(&mut batch, BATCH).await > 0 {
        let questions = std::mem::take(&mut batch);
        match look(&store, &questions).await {
            Ok(found) => {
                for question in questions {
                    // Whoever went away needs no answer.
                    let _ = question.answer.send(found.get(&(question.tenant, question.id)).cloned());
                }
            }
            // The questions are dropped, which their askers see as unanswered.
            Err(error) => {
                tracing::warn!(%error, jobs = questions.len(), "jobs could not be read for those who wait")
            }
        }
    }
}

async fn look(
    store: &Store,
    questions: &[Question],
) -> Result<HashMap<(Uuid, JobId), Arc<JobView>>, QueueError> {
    let mut wanted: Vec<(Uuid, JobId)> =
        questions.iter().map(|question| (question.tenant, question.id)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut retries = 0;
    loop {
        match read_once(store, &wanted).await {
            Ok(views) => {
                return Ok(views
                    .into_iter()
                    .map(|view| ((view.tenant_id, view.id), Arc::new(view)))
                    .collect());
            }
            Err(error) if error.is_unavailable() && retries < RETRIES => retries += 1,
            Err(error) => return Err(error),
        }
    }
}

async fn read_once(store: &Store, wanted: &[(Uuid, JobId)]) -> Result<Vec<JobView>, QueueError> {
    let mut connection = store.pool().acquire().await?;
    read::jobs(&mut connection, wanted).await
}
