//! Calls of tools that take long: each becomes a job, whose progress the client is told, and which is cancelled with the
//! call. The api only waits, as for every job, so a client that is gone costs nothing but the statement that runs.

use std::time::Duration;

use chrono::Utc;
use database::ids::TenantId;
use database::{Db, Role};
use jobs::events::{Event, Waiters};
use jobs::read::{self, Cancelled, JobView};
use jobs::{Dispatch, JobId, NewJob, State};
use questions::Step;
use questions::calls::{self, NewCall};
use questions::desk::{Desk, Made, ToolError};
use questions::kinds::CallTool;
use questions::tools::{Call, ToolAnswer};
use rmcp::RoleServer;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::RequestContext;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::routes::jobs::reader::Reader;
use crate::web::auth::Caller;
use crate::web::correlation;

/// How long a client is kept waiting that asked for no progress: nothing is sent to it meanwhile, and proxies, like the
/// limit of requests here, take a minute of silence for the end.
const IN_SILENCE: Duration = Duration::from_secs(50);

/// How long a client is kept waiting that is told how far its call is: as long as the call is kept.
const WITH_PROGRESS: Duration = Duration::from_secs(570);

/// Characters of a client's number of its request that are looked at.
const MAX_REQUEST_CHARS: usize = 200;

/// How long a waiter trusts that it is told of everything.
const TRUST: Duration = Duration::from_secs(10);

/// Steps that the client is told of: those of the report, after the wait for a worker.
const STEPS: u64 = Step::COUNT + 1;

/// What calls that take long need. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Slow {
    /// The database.
    pub db: Db,
    /// Redis.
    pub dispatch: Dispatch,
    /// Those who wait for jobs.
    pub waiters: Waiters,
    /// Reads the jobs that are waited for.
    pub reader: Reader,
    /// The tools.
    pub desk: Desk,
    /// How long a tool may take before its call becomes a job.
    pub at_once: Duration,
    /// Cancelled when the process is asked to end.
    pub ending: CancellationToken,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NotMade {
    /// It was cancelled, or nobody listens any more.
    #[error("the call was cancelled")]
    Cancelled,
    /// It takes too long for a client that hears nothing.
    #[error(
        "the report takes longer than {} s and was given up; call again with a progressToken, or for fewer months",
        IN_SILENCE.as_secs()
    )]
    TooLong,
    /// The job came to no end.
    #[error("the report could not be computed; try again in a minute")]
    Failed,
    /// As when it is called at once.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

impl From<database::DbError> for NotMade {
    fn from(error: database::DbError) -> NotMade {
        NotMade::Tool(error.into())
    }
}

impl From<sqlx::Error> for NotMade {
    fn from(error: sqlx::Error) -> NotMade {
        NotMade::Tool(error.into())
    }
}

impl From<jobs::QueueError> for NotMade {
    fn from(error: jobs::QueueError) -> NotMade {
        NotMade::Tool(error.into())
    }
}

/// How a job ended for whoever waits.
enum End {
    Done,
    Cancelled,
    Dead,
    GivenUp(NotMade),
}

impl Slow {
    /// Calls a tool by a job, and tells the client how far it is if it wants to know.
    ///
    /// # Errors
    /// See [`NotMade`].
    pub async fn call(
        &self,
        caller: &Caller,
        call: &Call,
        context: &RequestContext<RoleServer>,
    ) -> Result<ToolAnswer, NotMade> {
        let mut begun = self.begin(caller, call, context).await?;
        // The client may have cancelled while the call was made here, and told another process so. The guard cancels the
        // job that was begun all the same.
        if self.was_taken_back(caller, context).await? {
            return Err(NotMade::Cancelled);
        }
        let end = self.follow(&begun, context).await;
        if let End::GivenUp(why) = end {
            // The guard cancels the job.
            return Err(why);
        }
        begun.is_over = true;
        let made = self.fetch(&begun).await?;
        match end {
            End::Done => match made {
                Some(made) => Ok(self.desk.take_over(call, made).await),
                None => Err(NotMade::Failed),
            },
            End::Cancelled => Err(NotMade::Cancelled),
            End::Dead | End::GivenUp(_) => Err(NotMade::Failed),
        }
    }

    /// Cancels the call that a client of this session numbered so, whether a job is at it or is about to be.
    pub async fn cancel_request(&self, caller: &Caller, session: &str, request: &str) {
        let request: String = request.chars().take(MAX_REQUEST_CHARS).collect();
        let request = request.as_str();
        let cancelled = async {
            let mut tx = self.db.tenant_tx(Role::Marketing, caller.tenant).await?;
            calls::take_back(&mut tx, caller.tenant, &caller.actor(), session, request, Utc::now()).await?;
            tx.commit().await?;
            let mut tx = self.db.tenant_tx(Role::Marketing, caller.tenant).await?;
            let jobs = calls::jobs_of(&mut tx, &caller.actor(), session, request).await?;
            tx.commit().await?;
            for job in jobs {
                self.cancel(caller.tenant, job).await?;
            }
            Ok::<(), NotMade>(())
        };
        if let Err(error) = cancelled.await {
            tracing::error!(%error, "a call was not cancelled as its client wished");
        }
    }

    async fn was_taken_back(
        &self,
        caller: &Caller,
        context: &RequestContext<RoleServer>,
    ) -> Result<bool, NotMade> {
        let headers = context.extensions.get::<axum::http::request::Parts>().map(|parts| &parts.headers);
        let Some(session) = headers.and_then(super::session) else { return Ok(false) };
        let mut tx = self.db.tenant_tx(Role::Marketing, caller.tenant).await?;
        let request = number(context);
        let was = calls::was_taken_back(&mut tx, &caller.actor(), session, &request, Utc::now()).await?;
        tx.commit().await?;
        Ok(was)
    }

    async fn begin(
        &self,
        caller: &Caller,
        call: &Call,
        context: &RequestContext<RoleServer>,
    ) -> Result<Begun, NotMade> {
        let (tenant, id) = (caller.tenant, Uuid::now_v7());
        let kept = self.desk.to_be_kept(tenant, call).await?;
        let scopes: Vec<String> = caller.scopes.iter().map(ToString::to_string).collect();
        let headers = context.extensions.get::<axum::http::request::Parts>().map(|parts| &parts.headers);
        let request = number(context);
        let job = correlation::caused(NewJob::of(tenant, &CallTool { call_id: id })?);
        let mut tx = self.db.tenant_tx(Role::Marketing, tenant).await?;
        let new = NewCall {
            id,
            asked_by: &caller.actor(),
            session: headers.and_then(super::session),
            request: &request,
            call: &kept,
            scopes: &scopes,
            job_id: job.id(),
        };
        calls::keep(&mut tx, tenant, &new, Utc::now()).await?;
        let (enqueued, announcement) = jobs::enqueue_one(&mut tx, job).await?;
        tx.commit().await?;
        self.dispatch.announce(announcement);
        Ok(Begun { slow: self.clone(), tenant, call: id, job: enqueued.id, is_over: false })
    }

    /// Waits for the job's end.
    async fn follow(&self, begun: &Begun, context: &RequestContext<RoleServer>) -> End {
        let token = context.meta.get_progress_token();
        let patience = if token.is_some() { WITH_PROGRESS } else { IN_SILENCE };
        let deadline = Instant::now() + patience;
        // Listening first: a change between the look and the listening would be missed.
        let mut watch = self.waiters.watch(begun.job);
        let mut told = None;
        loop {
            // A ledger that does not answer now is asked again with the next change.
            if let Ok(Some(view)) = self.reader.job(begun.tenant.0, begun.job).await {
                match view.state {
                    State::Done => return End::Done,
                    State::Cancelled => return End::Cancelled,
                    state if state.is_finished() => return End::Dead,
                    _ => {}
                }
                if let Some(token) = &token
                    && !tell(context, token, &view, &mut told).await
                {
                    return End::GivenUp(NotMade::Cancelled);
                }
            }
            tokio::select! {
                () = watch.changed() => {}
                () = sleep(TRUST) => {}
                () = context.ct.cancelled() => return End::GivenUp(NotMade::Cancelled),
                () = self.ending.cancelled() => return End::GivenUp(NotMade::Failed),
                () = sleep_until(deadline) => return End::GivenUp(NotMade::TooLong),
            }
        }
    }

    async fn fetch(&self, begun: &Begun) -> Result<Option<Made>, NotMade> {
        let mut tx = self.db.tenant_tx(Role::Marketing, begun.tenant).await?;
        let made = calls::take(&mut tx, begun.call).await?;
        tx.commit().await?;
        Ok(made)
    }

    async fn cancel(&self, tenant: TenantId, job: JobId) -> Result<(), NotMade> {
        let mut tx = self.db.queue_tx().await?;
        let outcome = read::cancel(&mut tx, Some(tenant.0), job, "whoever called cancelled it").await?;
        tx.commit().await?;
        match outcome {
            Cancelled::Now => self.dispatch.tell(&[Event { id: job, state: State::Cancelled }]),
            Cancelled::Requested => self.dispatch.poke_workers(),
            Cancelled::Over(_) | Cancelled::Unknown => {}
        }
        Ok(())
    }
}

/// The client's number of its request.
fn number(context: &RequestContext<RoleServer>) -> String {
    context.id.clone().into_json_value().to_string().chars().take(MAX_REQUEST_CHARS).collect()
}

/// Tells the client how far the job is, if it is further than before; false when nobody listens.
async fn tell(
    context: &RequestContext<RoleServer>,
    token: &ProgressToken,
    view: &JobView,
    told: &mut Option<u64>,
) -> bool {
    let reported = view.progress.as_ref().and_then(|progress| progress["done"].as_u64());
    let words = view.progress.as_ref().and_then(|progress| progress["message"].as_str());
    let (done, words) = match (view.state, reported) {
        (State::Running, Some(done)) => (done.min(STEPS), words.unwrap_or("working")),
        (State::Running, None) => (0, "a worker has it"),
        _ => (0, "waiting for a worker"),
    };
    // What is tried again begins anew, and progress only grows.
    if told.is_some_and(|before| before >= done) {
        return true;
    }
    *told = Some(done);
    let progress = ProgressNotificationParam::new(token.clone(), done as f64)
        .with_total(STEPS as f64)
        .with_message(words);
    context.peer.notify_progress(progress).await.is_ok()
}

/// A call whose job was begun. Whoever drops it before the job is over cancels the job.
struct Begun {
    slow: Slow,
    tenant: TenantId,
    call: Uuid,
    job: JobId,
    is_over: bool,
}

impl Drop for Begun {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let (slow, tenant, call, job) = (self.slow.clone(), self.tenant, self.call, self.job);
        tokio::spawn(async move {
            let ended = async {
                slow.cancel(tenant, job).await?;
                let mut tx = slow.db.tenant_tx(Role::Marketing, tenant).await?;
                calls::take(&mut tx, call).await?;
                Ok::<(), NotMade>(tx.commit().await?)
            };
            if let Err(error) = ended.await {
                tracing::error!(%error, "the job of a call that nobody waits for was not cancelled");
            }
        });
    }
}
