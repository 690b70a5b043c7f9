//! The schedules that ship with the code.

use jobs::schedules::DefaultSchedule;
use platform::kinds::ResegmentTenant;
use support::kinds::{CheckSla, ReconcileGorgias};

/// The schedules that ship with the code. A changed one keeps the operator's settings.
pub static DEFAULTS: &[DefaultSchedule] = &[
    DefaultSchedule {
        name: "audit_ledger",
        kind: "audit_ledger",
        payload: "{}",
        cron: "*/5 * * * *",
        timezone: "UTC",
        scope: "system",
        catch_up: "skip",
        spread_secs: 0,
        dedup_key: None,
    },
    DefaultSchedule {
        name: "check_sla",
        kind: "check_sla",
        payload: "{}",
        cron: "* * * * *",
        timezone: "UTC",
        // One job for the cluster: it finds the tenants that have anything due by an index.
        scope: "system",
        catch_up: "skip",
        spread_secs: 0,
        dedup_key: Some(CheckSla::PLAIN),
    },
    DefaultSchedule {
        name: "prune_history",
        kind: "prune_history",
        payload: "{}",
        cron: "30 3 * * *",
        timezone: "UTC",
        scope: "system",
        catch_up: "once",
        spread_secs: 0,
        dedup_key: None,
    },
    DefaultSchedule {
        name: "reconcile_gorgias",
        kind: "reconcile_gorgias",
        payload: "{}",
        cron: "*/10 * * * *",
        timezone: "UTC",
        // A tenant without a help desk has nothing to do, and its job says so at once.
        scope: "each_tenant",
        catch_up: "skip",
        spread_secs: 300,
        dedup_key: Some(ReconcileGorgias::PLAIN),
    },
    DefaultSchedule {
        name: "nightly_intelligence",
        kind: "resegment_tenant",
        payload: "{}",
        cron: "0 2 * * *",
        timezone: "UTC",
        scope: "each_tenant",
        catch_up: "once",
        spread_secs: 1800,
        dedup_key: Some(ResegmentTenant::PLAIN),
    },
    DefaultSchedule {
        name: "nightly_forecasts",
        kind: "forecast_metrics",
        payload: "{}",
        cron: "0 1 * * *",
        timezone: "UTC",
        scope: "each_tenant",
        catch_up: "once",
        spread_secs: 0,
        dedup_key: None,
    },
];
