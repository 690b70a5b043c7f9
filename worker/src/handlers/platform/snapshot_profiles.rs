//! Packs the current run into snapshots for the drift timeline, and lets old ones go.

use std::sync::Arc;

use chrono::{Datelike, Days, Months, NaiveDate};
use database::{Role, Tx};
use platform::kinds::{snapshot_profiles::SnapshotProfilesOutput, SnapshotProfiles};
use sqlx::Row;
use uuid::Uuid;

use crate::{
    app::App,
    context::Ctx,
    outcome::{Outcome, Stop, done},
};

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, _: SnapshotProfiles) -> Outcome<SnapshotProfilesOutput> {
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    // A generation of this night has no statistics yet; the planner would take its million rows for a few.
    sqlx::query("select set_config('statement_timeout', '300s', true), set_config('enable_nestloop', 'off', true)")
        .execute(&mut *tx)
        .await?;
    // Locked against the publication of another run, whose rows would replace these.
    let row = sqlx::query(
        "select c.generation, r.as_of, r.segmentation_id
         from platform.current_run c join platform.intelligence_run r on r.id = c.run_id for share of c",
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Err(Stop::Cancel("the tenant has no published run".to_owned())) };
    let (generation, as_of): (i32, NaiveDate) = (row.try_get("generation")?, row.try_get("as_of")?);
    let segmentation: Uuid = row.try_get("segmentation_id")?;

    let mut output = SnapshotProfilesOutput::default();
    for (grain, since) in [
        ("day", Some(as_of)),
        ("week", as_of.checked_sub_days(Days::new(u64::from(as_of.weekday().num_days_from_monday())))),
        ("month", as_of.with_day(1)),
    ] {
        let since = since.unwrap_or(as_of);
        // A week and a month have one snapshot: their first, on whatever day that was.
        if grain != "day" && exists(&mut tx, grain, since, as_of).await? {
            continue;
        }
        ctx.progress(output.grains.len() as u64, Some(3), &format!("packing the {grain}"));
        output.customers = pack(&mut tx, grain, generation, as_of, segmentation).await?;
        output.grains.push(grain.to_owned());
    }
    output.removed = remove_old(&mut tx, as_of).await?;
    tx.commit().await?;
    done(output)
}

async fn exists(tx: &mut Tx, grain: &str, from: NaiveDate, to: NaiveDate) -> Result<bool, Stop> {
    Ok(sqlx::query_scalar(
        "select exists (select from platform.profile_snapshot where grain = $1 and taken_on between $2 and $3)",
    )
    .bind(grain)
    .bind(from)
    .bind(to)
    .fetch_one(&mut **tx)
    .await?)
}

async fn pack(tx: &mut Tx, grain: &str, generation: i32, on: NaiveDate, segmentation: Uuid) -> Result<i64, Stop> {
    // A second run of a day replaces the first one's.
    sqlx::query("delete from platform.profile_snapshot where grain = $1 and taken_on = $2")
        .bind(grain)
        .bind(on)
        .execute(&mut **tx)
        .await?;
    Ok(sqlx::query_scalar(include_str!("snapshots.sql"))
        .bind(generation)
        .bind(grain)
        .bind(on)
        .bind(segmentation)
        .fetch_one(&mut **tx)
        .await?)
}

/// Days go after a week, weeks after 60 days, months after a year; what changed between runs after 60 days.
async fn remove_old(tx: &mut Tx, as_of: NaiveDate) -> Result<i64, Stop> {
    let mut removed = 0;
    for (grain, before) in [
        ("day", as_of.checked_sub_days(Days::new(7))),
        ("week", as_of.checked_sub_days(Days::new(60))),
        ("month", as_of.checked_sub_months(Months::new(12))),
    ] {
        let gone: i64 = sqlx::query_scalar(
            "with gone as (delete from platform.profile_snapshot where grain = $1 and taken_on < $2 returning taken_on)
             select count(distinct taken_on) from gone",
        )
        .bind(grain)
        .bind(before.unwrap_or(NaiveDate::MIN))
        .fetch_one(&mut **tx)
        .await?;
        removed += gone;
    }
    sqlx::query("delete from platform.customer_change where changed_on < $1")
        .bind(as_of.checked_sub_days(Days::new(60)))
        .execute(&mut **tx)
        .await?;
    Ok(removed)
}
