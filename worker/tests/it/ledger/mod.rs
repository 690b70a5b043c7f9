//! A ledger for one test, moved by hand with the very functions that the processes call.

use std::time::Duration;

use database::{Db, Role, ids::TenantId};
use jobs::{
    Dispatch, Enqueued, JobId, NewJob, State, Store,
    audit::{self, Pace},
    contract::Rerun,
    dispatch::Server,
    enqueue,
    ledger::{Claimed, Completion, Ending, Failure, claim, claim_limited, complete, complete::Completed},
    read::{self, JobView},
    sweep::{self, Recovered},
    workers::{self, Introduction},
};
use migrations::testing::{TestDatabase, fresh_database};
use serde_json::{Value, value::to_raw_value};
use sqlx::{Connection, PgConnection, Postgres, pool::PoolConnection};
use uuid::Uuid;

pub struct Ledger {
    database: TestDatabase,
    pub url: String,
    pub store: Store,
    pub dispatch: Dispatch,
    pub db: Db,
    pub tenant: TenantId,
}

impl Ledger {
    pub async fn open() -> Ledger {
        boot::install_tls();
        let database = fresh_database().await;
        let url = database.url_for("desk_worker");
        let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
        let db = Db::connect(&url, 4).expect("the test database's URL");
        let tenant = tenant(&database, "shop").await;
        Ledger {
            store: Store::connect(&url, 16).expect("the test database's URL"),
            dispatch: Dispatch::new(
                Server::new(&redis).expect("the test Redis's URL"),
                &format!("test-{}", Uuid::now_v7().simple()),
            ),
            db,
            tenant,
            url,
            database,
        }
    }

    /// Another tenant.
    pub async fn tenant(&self, slug: &str) -> TenantId {
        tenant(&self.database, slug).await
    }

    /// A connection that may change the schema.
    pub async fn admin(&self) -> PgConnection {
        PgConnection::connect(&self.database.admin_url).await.expect("the test server")
    }

    pub async fn conn(&self) -> PoolConnection<Postgres> {
        self.store.pool().acquire().await.expect("the ledger")
    }

    /// Asks for a job in a transaction of an application, as routes and handlers do.
    pub async fn ask(&self, job: &NewJob) -> Enqueued {
        let mut tx = self.db.tenant_tx(Role::Marketing, self.tenant).await.expect("begins");
        let (enqueued, announcement) =
            enqueue(&mut tx, std::slice::from_ref(job)).await.expect("it is taken");
        tx.commit().await.expect("commits");
        self.dispatch.announce(announcement);
        enqueued[0]
    }

    /// A worker that lives until it is lost.
    pub async fn worker(&self) -> Uuid {
        let worker = Introduction {
            id: Uuid::now_v7(),
            name: "by hand".to_owned(),
            host: "test".to_owned(),
            pid: 1,
            version: "0".to_owned(),
            queues: Default::default(),
        };
        workers::introduce(&mut *self.conn().await, &worker).await.expect("the ledger");
        worker.id
    }

    /// Claims what may be claimed of `ids`, as a lane does.
    pub async fn claim(&self, worker: Uuid, ids: &[JobId]) -> Vec<Claimed> {
        let mut conn = self.conn().await;
        let reruns: Vec<&str> =
            kinds::all().filter(|kind| kind.policy.rerun != Rerun::Never).map(|kind| kind.kind).collect();
        let mut claimed = claim(&mut conn, worker, ids, &reruns).await.expect("the ledger");
        let left: Vec<JobId> =
            ids.iter().copied().filter(|id| claimed.iter().all(|job| job.id != *id)).collect();
        claimed.extend(claim_limited(&mut conn, worker, &left).await.expect("the ledger"));
        claimed
    }

    pub async fn claim_one(&self, worker: Uuid, id: JobId) -> Claimed {
        self.claim(worker, &[id]).await.pop().unwrap_or_else(|| panic!("{id} is not claimable"))
    }

    pub async fn end(&self, job: &Claimed, ending: Ending) -> Completed {
        end_on(&mut *self.conn().await, job, ending).await
    }

    /// The worker dies with all that it runs, and the leader finds out.
    pub async fn lose(&self, worker: Uuid) -> Recovered {
        let mut conn = self.conn().await;
        sqlx::query("update jobs.worker set beat_at = now() - interval '1 hour' where id = $1")
            .bind(worker)
            .execute(&mut *conn)
            .await
            .expect("the ledger");
        sweep::recover_lost_workers(&mut conn, Duration::from_secs(10)).await.expect("the ledger")
    }

    pub async fn view(&self, id: JobId) -> JobView {
        read::job(&mut *self.conn().await, Some(self.tenant.0), id)
            .await
            .expect("the ledger")
            .expect("the job exists")
    }

    pub async fn state(&self, id: JobId) -> State {
        self.view(id).await.state
    }

    pub async fn count(&self, statement: &'static str) -> i64 {
        sqlx::query_scalar(statement).fetch_one(&mut *self.conn().await).await.expect(statement)
    }

    pub async fn assert_books_balance(&self) {
        let report = audit::run(&mut *self.conn().await, Pace::default())
            .await
            .expect("the ledger")
            .expect("little to count");
        assert!(report.drifts.is_empty(), "{:?}", report.drifts);
        assert_eq!(report.enqueued, report.held + report.pruned);
    }
}

pub async fn end_on(conn: &mut PgConnection, job: &Claimed, ending: Ending) -> Completed {
    let mut batch = [Completion::of(job, ending)];
    complete(conn, Uuid::now_v7(), &mut batch).await.expect("the ledger")
}

pub fn done(result: &Value) -> Ending {
    Ending::Done { result: Some(to_raw_value(result).expect("JSON")), then: Vec::new() }
}

pub fn dead() -> Ending {
    Ending::Dead { failure: Failure::new("test", "hopeless") }
}

/// Tenants are made by the api: a worker's login may not.
async fn tenant(database: &TestDatabase, slug: &str) -> TenantId {
    let api = Db::connect(&database.url_for("desk_api"), 1).expect("the test database's URL");
    let mut tx = api.gateway_tx().await.expect("the database");
    let tenant = accounts::tenants::create(&mut tx, slug, slug, "UTC").await.expect("a tenant").id;
    tx.commit().await.expect("the database");
    tenant
}
