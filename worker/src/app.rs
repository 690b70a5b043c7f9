//! What the handlers of a process share: the database, the queue, and the clients of the outside world.

use std::{path::PathBuf, time::Duration};

use accounts::seal::MasterKey;
use database::Db;
use database::ids::TenantId;
use jobs::{Dispatch, Store};
use platform::anonymous_ids;
use platform::identities::erased::{self, ErasureKey};
use questions::{desk::Desk, usage::Prices};

use crate::nightly::{knowledge::Library, material::Material};
use crate::outcome::Outcome;
use crate::rules::Rules;
use upstreams::{
    anthropic, files::Files, gorgias, mail::Post, recorder::Recorder, shopify::Shopify, slack::Slack,
    sources::Sources, webhook::Webhooks,
};

/// The shared parts.
pub struct App {
    /// The shop's data, by tenant.
    pub db: Db,
    /// The same for short steps of jobs by keys, which do not wait for the disk: [`Db::connect_for_steps`].
    pub steps: Db,
    /// The ledger, for the jobs that look after it.
    pub store: Store,
    /// For jobs that enqueue at once rather than at their end.
    pub dispatch: Dispatch,
    /// Opens the tenants' stored secrets.
    pub master_key: MasterKey,
    /// The help desk.
    pub gorgias: gorgias::Gorgias,
    /// Tenants' shops; none when the app is not known to Shopify here.
    pub shopify: Option<Shopify>,
    /// Databases and files where orders lie elsewhere.
    pub sources: Sources,
    /// The way out for mail.
    pub post: Post,
    /// The longest file that comes with a mail, in bytes.
    pub file_limit_bytes: usize,
    /// The model that drafts; the built-in drafter does it when there is none.
    pub anthropic: Option<anthropic::Client>,
    /// What rules of the support desk need.
    pub rules: Rules,
    /// What a million tokens of the model cost.
    pub prices: Prices,
    /// The tools that answer questions.
    pub desk: Desk,
    /// The tenants' webhook endpoints.
    pub webhooks: Webhooks,
    /// Chat.
    pub slack: Slack,
    /// Where people reach the installation, for links and for shops' webhooks; without a trailing slash.
    pub public_url: Option<String>,
    /// What scoring needs of the tenants' current runs.
    pub library: Library,
    /// What jobs of the same run share while they run.
    pub material: Material,
    /// Files that come with messages, and archives of persons' data.
    pub files: Files,
    /// Where files to be imported lie.
    pub import_dir: PathBuf,
    /// Where probes record their effects, if anywhere.
    pub probe_effects: Option<Recorder>,
}

/// A statement may take 60 s; a server that says nothing for longer will never answer on this connection.
pub(crate) const SILENT_FOR: Duration = Duration::from_secs(65);

impl App {
    /// Runs a handler that asks the database again and again, perhaps for an hour. A connection that is dead without a word
    /// makes it wait for the database; it would stand until its deadline otherwise, and that counts as a failure. Not for
    /// what computes or reads elsewhere for a minute, nor for statements that may take longer.
    pub async fn while_answered<T>(&self, handler: impl Future<Output = Outcome<T>>) -> Outcome<T> {
        self.db.unless_silent(SILENT_FOR, handler).await
    }

    /// Tells which customers of a tenant were erased.
    pub fn erasure_key(&self, tenant: TenantId) -> ErasureKey {
        ErasureKey::of(&self.master_key.derive(erased::SECRET_LABEL), tenant)
    }

    /// The key of a tenant's anonymised ids.
    pub fn anonymous_key(&self, tenant: TenantId) -> anonymous_ids::Key {
        self.desk.key(tenant)
    }
}
