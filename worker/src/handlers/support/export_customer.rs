//! Makes the archive of what is known of a person, sealed, and notes where it is.

use std::sync::Arc;

use chrono::{Duration, Utc};
use database::Role;
use support::kinds::ExportCustomer;
use support::kinds::export_customer::ExportCustomerOutput;
use support::privacy::requests::{self, Archive, State};
use support::privacy::retention::{self, Kind};

use upstreams::files::Place;

use super::erase_customer::told;
use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done};
use crate::privacy::{archive, whom};
use crate::shop::law;

/// Whatever retention says, an archive can be fetched for so long.
const LEAST_DAYS: i32 = 1;

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: ExportCustomer) -> Outcome<ExportCustomerOutput> {
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let Some(request) = requests::get(&mut tx, job.request_id).await? else {
        return Err(Stop::Cancel("there is no such request".to_owned()));
    };
    if request.state == State::Done {
        return Err(Stop::Cancel("the archive was made before".to_owned()));
    }
    let whom = match whom::of_request(&mut tx, &app.master_key, ctx.tenant, &request).await {
        Ok(found) => found,
        Err(stop) => return Err(told(&ctx, &app, job.request_id, stop).await?),
    };
    let now = Utc::now();
    requests::begin(&mut tx, &app.master_key, ctx.tenant, request.id, &whom, now).await?;
    let rules = retention::rules(&mut tx).await?;
    tx.commit().await?;
    let made = archive::make(&ctx, &app, request.id, &whom.person, now).await?;
    let keep = rules.iter().find(|rule| rule.kind == Kind::Archives.name()).and_then(|rule| rule.keep_days);
    let until =
        now + Duration::days(i64::from(keep.or(Kind::Archives.default_days()).unwrap_or(30).max(LEAST_DAYS)));
    let archive =
        Archive { bytes: i64::try_from(made.bytes).unwrap_or(i64::MAX), sha256: made.sha256.clone(), until };
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    requests::reached(&mut tx, request.id, &made.rows).await?;
    if !requests::finish(&mut tx, request.id, Some(archive), Utc::now()).await? {
        app.files.remove(Place { tenant: ctx.tenant.0, id: request.id }).await?;
        return Err(Stop::Cancel(
            "the person was erased meanwhile, so there is nothing to be fetched".to_owned(),
        ));
    }
    law::done(&ctx, &mut tx, request.id, Utc::now()).await?;
    tx.commit().await?;
    done(ExportCustomerOutput { rows: made.rows.values().sum(), files: made.files, bytes: made.bytes })
}
