//! The bands of risk in SQL are those of the program.

#[path = "../../accounts/tests/world/mod.rs"]
mod world;

use platform::risk::RiskBands;
use sqlx::{Connection, PgConnection};
use world::world;

#[tokio::test]
async fn the_bands_of_events_are_those_of_the_program() {
    let world = world().await;
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    for churn in [0.0_f32, 0.29, 0.299_999_98, 0.3, 0.59, 0.6, 0.79, 0.8, 0.81, 1.0] {
        let band: Option<String> = sqlx::query_scalar("select outbound.risk_band($1)")
            .bind(churn)
            .fetch_one(&mut admin)
            .await
            .expect("answered");
        assert_eq!(band.as_deref(), Some(RiskBands::default().of(churn).name()), "{churn}");
    }
    let none: Option<String> = sqlx::query_scalar("select outbound.risk_band('nan'::real)")
        .fetch_one(&mut admin)
        .await
        .expect("answered");
    assert_eq!(none, None);
}
