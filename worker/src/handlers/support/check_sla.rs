//! Announces whatever is due and was not told, tenant by tenant.

use std::sync::Arc;

use database::ids::TenantId;
use database::{Db, Role};
use jobs::Announcement;
use support::kinds::CheckSla;
use support::kinds::check_sla::CheckSlaOutput;
use support::sla::alerts::{self, AT_ONCE};

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done};

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, _: CheckSla) -> Outcome<CheckSlaOutput> {
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let now = alerts::now(&mut tx).await?;
    let tenants = alerts::tenants_due(&mut tx, now).await?;
    tx.commit().await?;
    let mut output = CheckSlaOutput { tenants: tenants.len() as i64, tickets: 0, alerts: 0 };
    for tenant in tenants {
        loop {
            let (tickets, alerts, announcement) = announce(&app.db, tenant).await?;
            app.dispatch.announce(announcement);
            output.tickets += tickets;
            output.alerts += alerts;
            if tickets < AT_ONCE || ctx.is_halted() {
                break;
            }
        }
    }
    done(output)
}

async fn announce(db: &Db, tenant: TenantId) -> Result<(i64, i64, Announcement), Stop> {
    let mut tx = db.tenant_tx(Role::Support, tenant).await?;
    let now = alerts::now(&mut tx).await?;
    let announced = alerts::announce_due(&mut tx, now).await?;
    let announcement = match announced.is_empty() {
        true => Announcement::default(),
        false => jobs::enqueue(&mut tx, &alerts::follow_ups(tenant, &announced)?).await?.1,
    };
    tx.commit().await?;
    let told = announced.iter().map(|announced| announced.alerts).sum();
    Ok((announced.len() as i64, told, announcement))
}
