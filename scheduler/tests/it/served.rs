//! What the leading scheduler serves as metrics. A process has one recorder, and each test its process.

use boot::Telemetry;

use crate::desk::Desk;

/// The value of a metric as it is served, if it is.
fn served(telemetry: &Telemetry, metric: &str) -> Option<f64> {
    let text = telemetry.render_metrics();
    let line = text.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '))?;
    Some(line.parse().expect("a number"))
}

/// Waits until a metric is as wanted. Nothing signals that it is measured.
async fn until(telemetry: &Telemetry, metric: &str, wanted: impl Fn(f64) -> bool) -> f64 {
    loop {
        if let Some(value) = served(telemetry, metric).filter(|value| wanted(*value)) {
            return value;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_leader_serves_the_last_audit_and_its_age_whoever_ran_it() {
    let telemetry = Telemetry::start("scheduler").expect("the default settings are fine");
    let desk = Desk::new().await;
    sqlx::query("update jobs.audit_result set drift = 3, audited_at = now() - interval '2 hours'")
        .execute(desk.store.pool())
        .await
        .expect("the ledger");
    assert_eq!(served(&telemetry, "deskwork_dispatch_dropped_total"), Some(0.0), "there from the start");

    let mut scheduler = desk.start();
    scheduler.leads().await;
    until(&telemetry, "deskwork_conservation_drift", |drift| drift == 3.0).await;
    let age = until(&telemetry, "deskwork_audit_age_seconds", |age| age > 0.0).await;
    assert!((7200.0..7300.0).contains(&age), "{age}");
    // No job was ever in any queue: whoever scales by this age must not miss it.
    for queue in ["ai", "ops", "default"] {
        let metric = format!("deskwork_queue_oldest_seconds{{queue=\"{queue}\"}}");
        until(&telemetry, &metric, |secs| secs == 0.0).await;
    }

    scheduler.stop().await;
    assert_eq!(served(&telemetry, "deskwork_conservation_drift"), Some(0.0), "no longer its business");
}
