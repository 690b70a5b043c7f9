//! Tickets that were resolved as long as the tenant waits are closed, with history and events as of every change.

use support::kinds::CloseResolved;

use super::shop::Shop;

#[tokio::test]
async fn what_was_resolved_long_enough_is_closed_and_nothing_else() {
    let shop = Shop::open().await;
    shop.sql("delete from support_app.event_pending").await;
    // Two are resolved: one for eight days, one for two.
    shop.sql("update support_app.ticket set resolved_at = now() - interval '8 days' where status = 'resolved' and number = 713").await;
    shop.sql("update support_app.ticket set resolved_at = now() - interval '2 days' where status = 'resolved' and number = 423").await;
    shop.does(&CloseResolved {}).await;
    assert_eq!(
        shop.number(
            "select count(*) from support_app.ticket where number = 713 and status = 'closed'
                            and closed_at is not null and resolved_at < closed_at"
        )
        .await,
        1
    );
    assert_eq!(
        shop.number("select count(*) from support_app.ticket where number = 423 and status = 'resolved'")
            .await,
        1
    );
    let told = "select count(*) from support_app.ticket_change where field = 'status' and actor = 'job:close_resolved'";
    assert_eq!(shop.number(told).await, 1);
    let events = "select count(*) from (select payload from support_app.event_pending union all select payload from support_app.event) e
                  where e.payload ->> 'status' = 'closed'";
    assert_eq!(shop.number(events).await, 1);

    // The tenant says otherwise.
    shop.sql("insert into support_app.ticket_setting (tenant_id, final_after_days) select id, 1 from shared.tenant").await;
    shop.does(&CloseResolved {}).await;
    assert_eq!(shop.number("select count(*) from support_app.ticket where status = 'resolved'").await, 0);
}

#[tokio::test]
async fn what_slept_through_its_time_is_woken() {
    let shop = Shop::open().await;
    shop.sql(
        "update support_app.ticket set status = 'pending', snoozed_until = case number when 713 then now() - interval '1 hour'
             else now() + interval '1 hour' end
         where number in (713, 423)",
    )
    .await;
    shop.does(&CloseResolved {}).await;
    let awake = "select count(*) from support_app.ticket where status = 'open' and snoozed_until is null and number = 713";
    assert_eq!(shop.number(awake).await, 1);
    let asleep = "select count(*) from support_app.ticket where status = 'pending' and snoozed_until > now() and number = 423";
    assert_eq!(shop.number(asleep).await, 1);
}
