//! The kinds of job of the platform. A new one is a contract file in this folder, a handler file of the same name in
//! the worker's folder `handlers/platform`, and one line in the list below; without the handler the worker does not compile.

use jobs::declare_kinds;

/// Hands the list of kinds, as `module: Type`, to another macro.
#[macro_export]
macro_rules! for_each_kind {
    ($callback:ident) => {
        $callback! {
            apply_shop_events: ApplyShopEvents,
            detect_drift: DetectDrift,
            forecast_metrics: ForecastMetrics,
            import_orders: ImportOrders,
            recompute_profile: RecomputeProfile,
            recount_revenue: RecountRevenue,
            resegment_tenant: ResegmentTenant,
            score_customers: ScoreCustomers,
            snapshot_profiles: SnapshotProfiles,
            sync_shopify: SyncShopify,
            sync_source: SyncSource,
            train_churn: TrainChurn,
            train_ltv: TrainLtv,
            undo_import: UndoImport,
        }
    };
}

for_each_kind!(declare_kinds);
