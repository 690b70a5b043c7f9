//! Packs the current run into snapshots for the drift timeline, and lets old ones go.

use std::sync::Arc;

use chrono::{Datelike, Days, Months, NaiveDate};
use database::{Role, Tx};
use platform::insights::snapshots::{self, Grain};
use platform::insights::write;
use platform::kinds::{SnapshotProfiles, snapshot_profiles::SnapshotProfilesOutput};
use platform::runs::published;

use crate::{
    app::App,
    context::Ctx,
    outcome::{Outcome, Stop, done},
};

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, _: SnapshotProfiles) -> Outcome<SnapshotProfilesOutput> {
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    snapshots::allow_long_passes(&mut tx).await?;
    let Some(run) = published::hold(&mut tx).await? else {
        return Err(Stop::Cancel("the tenant has no published run".to_owned()));
    };
    let as_of = run.as_of;

    let mut output = SnapshotProfilesOutput::default();
    for (grain, since) in [
        (Grain::Day, Some(as_of)),
        (Grain::Week, as_of.checked_sub_days(Days::new(u64::from(as_of.weekday().num_days_from_monday())))),
        (Grain::Month, as_of.with_day(1)),
    ] {
        let since = since.unwrap_or(as_of);
        // A week and a month have one snapshot: their first, on whatever day that was.
        if grain != Grain::Day && snapshots::exists(&mut tx, grain, since, as_of).await? {
            continue;
        }
        ctx.progress(output.grains.len() as u64, Some(3), &format!("packing the {grain}"));
        output.customers = snapshots::pack(&mut tx, grain, run.generation, as_of, run.segmentation).await?;
        output.grains.push(grain.name().to_owned());
    }
    output.removed = remove_old(&mut tx, as_of).await?;
    tx.commit().await?;
    done(output)
}

/// Days go after a week, weeks after 60 days, months after a year; what changed between runs after 60 days.
async fn remove_old(tx: &mut Tx, as_of: NaiveDate) -> Result<i64, Stop> {
    let mut removed = 0;
    for (grain, before) in [
        (Grain::Day, as_of.checked_sub_days(Days::new(7))),
        (Grain::Week, as_of.checked_sub_days(Days::new(60))),
        (Grain::Month, as_of.checked_sub_months(Months::new(12))),
    ] {
        removed += snapshots::remove_before(tx, grain, before.unwrap_or(NaiveDate::MIN)).await?;
    }
    write::forget_moved_before(tx, as_of.checked_sub_days(Days::new(60))).await?;
    Ok(removed)
}
