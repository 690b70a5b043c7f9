//! No list, view or search of tickets reads a big table from its beginning to its end, beside a tenant that is larger.

use accounts::verify::Mode;
use chrono::{TimeDelta, Utc};
use database::Tx;
use database::ids::{AgentId, MessageId, TicketId};
use database::personal::{self, Person, Reached};
use support::articles::customers;
use support::assignment::read as queues;
use support::mail::inbound;
use support::privacy::{WITHOUT_TICKET, elsewhere, find};
use support::sla::reports::{self, Period};
use support::tickets::delivery;
use support::tickets::list::{self, Aside, Filter, Order, Place};
use support::tickets::message::{self, Which};
use support::tickets::words::Priority;
use support::tickets::{full, history, search};
use uuid::Uuid;

use crate::shop::{Shop, shop};

/// Tickets of the shop and, three times as many, of another tenant; a tenth is in work, and each has one of three tags.
async fn fill(shop: &Shop) -> Uuid {
    let mut admin = shop.admin().await;
    let agent = Uuid::now_v7();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "set session_replication_role = replica;
         insert into shared.tenant (id, slug, name, timezone) values ('{other}', 'other', 'Other', 'UTC');
         insert into support_app.ticket (id, tenant_id, number, provider, external_id, subject, channel, source, status,
             priority, customer_id, customer_email, tags, assignee_id, department, waiting_since, sla_due_at, rank,
             created_at, updated_at)
         select gen_random_uuid(), case when n % 4 = 0 then '{tenant}'::uuid else '{other}'::uuid end, n, 'desk', n::text,
             'Question ' || n, 'email', 'email', case when n % 40 < 4 then 'open' else 'closed' end, 'normal',
             'c' || n % 5000, 'c' || n % 5000 || '@example.com', array['tag' || n % 3],
             case when n % 3 = 0 then '{agent}'::uuid end, 'd' || n % 7, now() - n * interval '1 minute',
             now() + n * interval '1 minute', random() * 100, now() - n * interval '1 minute', now() - n * interval '1 minute'
         from generate_series(1, 40000) n;
         insert into support_app.ticket_change (tenant_id, ticket_id, at, actor, field)
         select tenant_id, id, created_at, 'test', 'status' from support_app.ticket;
         insert into support_app.ticket_tag (tenant_id, tag, created_at, ticket_id)
         select tenant_id, tags[1], created_at, id from support_app.ticket;
         set session_replication_role = default;
         analyze support_app.ticket; analyze support_app.ticket_change; analyze support_app.ticket_tag;",
        other = Uuid::now_v7(),
        tenant = shop.tenant,
    )))
    .execute(&mut admin)
    .await
    .expect("filled");
    agent
}

/// Three messages of each ticket, and their words.
async fn write_messages(shop: &Shop) {
    sqlx::raw_sql(
        "set session_replication_role = replica;
         insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, body_text, sent_at)
         select gen_random_uuid(), t.tenant_id, t.id, k::text, k = 2, k = 3, 'email', 'word' || t.number % 500 || ' text ' || k,
             t.created_at + k * interval '1 second'
         from support_app.ticket t cross join generate_series(1, 3) k;
         select support_app.refresh_search(id) from support_app.ticket;
         set session_replication_role = default;
         analyze support_app.message; analyze support_app.ticket_search;",
    )
    .execute(&mut shop.admin().await)
    .await
    .expect("written");
}

/// Tables that this transaction read from beginning to end.
async fn scanned(tx: &mut Tx) -> Vec<String> {
    sqlx::query_scalar(
        "select relname::text from pg_stat_xact_user_tables
         where schemaname = 'support_app' and seq_scan > 0
           and relname in ('ticket', 'message', 'ticket_search', 'ticket_change') order by 1",
    )
    .fetch_all(&mut **tx)
    .await
    .expect("readable")
}

/// Rows of tickets and messages that this connection read.
async fn rows_read(tx: &mut Tx) -> i64 {
    sqlx::query_scalar(
        "select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint from pg_stat_xact_user_tables
         where schemaname = 'support_app' and relname in ('ticket', 'message')",
    )
    .fetch_one(&mut **tx)
    .await
    .expect("readable")
}

#[tokio::test]
async fn every_query_of_tickets_uses_an_index() {
    let shop = shop(Mode::Token).await;
    let agent = fill(&shop).await;
    write_messages(&shop).await;
    let mut faults = Vec::new();
    let filters = || {
        let filter = Filter::default;
        [
            ("all", filter()),
            ("assignee", Filter { assignee: Some(AgentId(agent)), ..filter() }),
            ("unassigned", Filter { is_unassigned: true, ..filter() }),
            ("department", Filter { department: Some("d3".to_owned()), ..filter() }),
            ("customer_id", Filter { customer_id: Some("c44".to_owned()), ..filter() }),
            ("customer_email", Filter { customer_email: Some("c44@example.com".to_owned()), ..filter() }),
            ("tag", Filter { tag: Some("none".to_owned()), ..filter() }),
            ("snoozed", Filter { is_snoozed: Some(false), ..filter() }),
            ("asleep", Filter { is_snoozed: Some(true), ..filter() }),
            ("at risk", Filter { sla_state: Some("at_risk".to_owned()), ..filter() }),
            ("updated", Filter { updated_since: Some(Utc::now() - chrono::Duration::hours(1)), ..filter() }),
        ]
    };
    let mut found = None;
    for order in Order::ALL {
        for (name, filter) in filters() {
            for after in [None, Some(())] {
                let id = TicketId(Uuid::max());
                let place = match order {
                    Order::Smart => Place::Rank(50.0, id),
                    Order::OldestWaiting | Order::Due => Place::Time(Utc::now(), TicketId(Uuid::nil())),
                    _ => Place::Time(Utc::now(), id),
                };
                let mut tx = shop.tx().await;
                let page =
                    list::list(&mut tx, &filter, order, after.map(|()| place), 51).await.expect("a page");
                assert!(
                    page.iter().all(|item| item.ticket.external_id.parse::<u32>().is_ok_and(|n| n % 4 == 0))
                );
                found = page.first().map(|item| item.ticket.id).or(found);
                for table in scanned(&mut tx).await {
                    faults.push(format!("{} {name} after {}: {table}", order.name(), after.is_some()));
                }
            }
        }
    }
    let id = found.expect("some page has tickets");
    let mut tx = shop.tx().await;
    full::get(&mut tx, id, Uuid::nil()).await.expect("opened").expect("a ticket");
    full::whole(&mut tx, id).await.expect("opened").expect("a ticket");
    message::list(&mut tx, id, Which::All, Some((Utc::now(), MessageId(Uuid::nil()))), 50)
        .await
        .expect("messages");
    message::last_added(&mut tx, id).await.expect("a message");
    history::list(&mut tx, id, None, 50).await.expect("history");
    list::of_customer(&mut tx, "c44", &["c44@example.com".to_owned()], false, None, 51)
        .await
        .expect("tickets");
    faults.extend(scanned(&mut tx).await.into_iter().map(|table| format!("ticket view: {table}")));
    drop(tx);
    // What is asked of one ticket reads one ticket, by whatever way: that all of a tenant's are in an index is no excuse.
    let mut tx = shop.tx().await;
    let reply = message::last_added(&mut tx, id).await.expect("a message").expect("it has messages");
    drop(tx);
    sqlx::query("update support_app.message set delivery = 'queued', send_at = now() where id = $1")
        .bind(reply)
        .execute(&mut shop.admin().await)
        .await
        .expect("written");
    let mut tx = shop.tx().await;
    // What the connection read before may be counted with it.
    let before = rows_read(&mut tx).await;
    delivery::outbound(&mut tx, reply).await.expect("looked for").expect("it is to be sent");
    customers::home(&mut tx, id).await.expect("read").expect("it is there");
    let read = rows_read(&mut tx).await - before;
    assert!(read < 10, "sending a reply and naming a customer read {read} rows");
    drop(tx);
    for q in ["word7", "question", "text", "\"word7 text\"", "wor", "nothing", "c44@example.com", "#44"] {
        let mut tx = shop.tx().await;
        let hits = search::search(&mut tx, &search::parse(q).expect(q), None, 51).await.expect(q);
        // Of every five hundred words the shop has each fourth; word7 is the beginning of some of them.
        assert_eq!(hits.is_empty(), ["nothing", "\"word7 text\""].contains(&q), "{q}");
        faults.extend(scanned(&mut tx).await.into_iter().map(|table| format!("search {q}: {table}")));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Tickets that a list has, and how many rows it read for that.
async fn listed(shop: &Shop, filter: &Filter, order: Order) -> (Vec<TicketId>, i64) {
    let mut tx = shop.tx().await;
    let before = rows_read(&mut tx).await;
    let page = list::list(&mut tx, filter, order, None, 51).await.expect("a page");
    let read = rows_read(&mut tx).await - before;
    (page.iter().map(|item| item.ticket.id).collect(), read)
}

#[tokio::test]
async fn what_few_tickets_have_is_found_without_the_others() {
    let shop = shop(Mode::Token).await;
    let agent = fill(&shop).await;
    // Of those in work, whose numbers are 40, 80, 120 and so on, all are somebody's but two.
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "set session_replication_role = replica;
         update support_app.ticket set assignee_id = '{agent}'
         where tenant_id = '{tenant}' and status = 'open' and number > 80;
         update support_app.ticket set assignee_id = null where tenant_id = '{tenant}' and number in (40, 80);
         update support_app.ticket set priority = 'urgent'
         where tenant_id = '{tenant}' and number in (120, 1200, 12000, 1201, 1204);
         update support_app.ticket set is_spam = true where tenant_id = '{tenant}' and number in (4, 8);
         update support_app.ticket set suspended_reason = 'a flood' where tenant_id = '{tenant}' and number = 12;
         update support_app.ticket set archived_at = now() where tenant_id = '{tenant}' and number = 16;
         update support_app.ticket set channel = 'sms' where tenant_id = '{tenant}' and number in (20000, 39600, 39996);
         update support_app.ticket set department = 'Few' where tenant_id = '{tenant}' and number in (24000, 39604);
         set session_replication_role = default;
         update support_app.ticket set tags = tags || '{{rare}}' where tenant_id = '{tenant}' and number in (40, 400, 404);
         analyze support_app.ticket; analyze support_app.ticket_tag;",
        tenant = shop.tenant,
    )))
    .execute(&mut shop.admin().await)
    .await
    .expect("few have it");
    let filter = Filter::default;
    let rare = || Filter { tag: Some("rare".to_owned()), ..filter() };
    let aside = |aside| Filter { aside: Some(aside), ..filter() };
    for (name, filter, order, many) in [
        ("nobody's", Filter { is_unassigned: true, ..filter() }, Order::Smart, 2),
        ("urgent", Filter { priorities: vec![Priority::Urgent], ..filter() }, Order::Smart, 3),
        ("spam", aside(Aside::Spam), Order::Newest, 2),
        ("suspended", aside(Aside::Suspended), Order::Newest, 1),
        ("archived", aside(Aside::Archived), Order::Newest, 1),
        ("a channel", Filter { channel: Some("sms".to_owned()), ..filter() }, Order::Newest, 3),
        ("a department", Filter { department: Some("Few".to_owned()), ..filter() }, Order::Newest, 2),
        ("a department", Filter { department: Some("Few".to_owned()), ..filter() }, Order::Smart, 1),
        ("rare", rare(), Order::Smart, 2),
        ("rare", rare(), Order::Newest, 3),
        ("rare", rare(), Order::Updated, 3),
        ("rare", rare(), Order::OldestWaiting, 2),
        ("rare", rare(), Order::Due, 2),
    ] {
        let (found, read) = listed(&shop, &filter, order).await;
        assert_eq!(found.len(), many, "{name} {}", order.name());
        assert!(read < 30, "{name} {} read {read} rows", order.name());
    }
}

#[tokio::test]
async fn tickets_with_a_tag_are_the_same_in_every_order_however_they_are_found() {
    let shop = shop(Mode::Token).await;
    fill(&shop).await;
    let mut admin = shop.admin().await;
    // As people tag: two hundred and more of the shop's have it, and then one no longer.
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "update support_app.ticket set tags = tags || '{{some, more}}'
         where tenant_id = '{tenant}' and number <= 4840 and number % 40 in (0, 4);
         update support_app.ticket set tags = array_remove(tags, 'some') where tenant_id = '{tenant}' and number = 80;
         analyze support_app.ticket; analyze support_app.ticket_tag;",
        tenant = shop.tenant,
    )))
    .execute(&mut admin)
    .await
    .expect("tagged");
    for (order, condition, by) in [
        (Order::Smart, "status = 'open'", "rank desc, id desc"),
        (Order::Newest, "true", "created_at desc, id desc"),
        (Order::Updated, "true", "updated_at desc, id desc"),
        (Order::OldestWaiting, "status = 'open'", "waiting_since, id"),
        (Order::Due, "status = 'open'", "sla_due_at, id"),
    ] {
        for tag in ["some", "tag1", "none"] {
            let expected: Vec<TicketId> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
                "select id from support_app.ticket where tenant_id = $1 and $2 = any(tags) and {condition}
                 order by {by} limit 150"
            )))
            .bind(shop.tenant)
            .bind(tag)
            .fetch_all(&mut admin)
            .await
            .expect("readable");
            let filter = Filter { tag: Some(tag.to_owned()), ..Filter::default() };
            let (mut found, mut place) = (Vec::new(), None);
            let mut tx = shop.tx().await;
            while found.len() < 150 {
                let page = list::list(&mut tx, &filter, order, place, 50).await.expect("a page");
                let Some(last) = page.last() else { break };
                place = Some(order.place(last));
                found.extend(page.iter().map(|item| item.ticket.id));
            }
            assert_eq!(found, expected, "{tag} {}", order.name());
        }
    }
}

#[tokio::test]
async fn a_page_far_behind_costs_no_more_than_the_first() {
    let shop = shop(Mode::Token).await;
    let agent = AgentId(fill(&shop).await);
    let mut tx = shop.tx().await;
    let waiting = queues::waiting(&mut tx, None, 1_000).await.expect("who waits");
    let own = queues::queue(&mut tx, agent, None, 1_000).await.expect("an agent's");
    assert!(waiting.len() > 600 && own.len() > 300, "{} and {}", waiting.len(), own.len());
    let ids = |tickets: &[queues::Queued]| tickets.iter().map(|ticket| ticket.id).collect::<Vec<_>>();
    let behind = |tickets: &[queues::Queued], place: usize| Some((tickets[place].rank, tickets[place].id.0));
    let before = rows_read(&mut tx).await;
    let page = queues::waiting(&mut tx, behind(&waiting, 549), 20).await.expect("a page");
    assert_eq!(ids(&page), ids(&waiting[550..570]));
    let page = queues::queue(&mut tx, agent, behind(&own, 249), 20).await.expect("a page");
    assert_eq!(ids(&page), ids(&own[250..270]));
    let read = rows_read(&mut tx).await - before;
    assert!(read < 300, "two pages of 20, before which 800 stand, read {read} rows");
}

#[tokio::test]
async fn a_report_of_many_days_reads_each_ticket_once() {
    let shop = shop(Mode::Token).await;
    fill(&shop).await;
    let (days, now) = (21, Utc::now());
    let from = now - TimeDelta::days(days);
    let period =
        Period { from, to: now, first: from.date_naive(), last: now.date_naive(), zone: chrono_tz::UTC };
    let mut tx = shop.tx().await;
    let before = rows_read(&mut tx).await;
    let backlog = reports::backlog(&mut tx, &period).await.expect("a report");
    let read = rows_read(&mut tx).await - before;
    assert_eq!(backlog.len() as i64, days + 1);
    assert_eq!(backlog.last().map(|day| day.tickets), Some(1_000), "what is in work now");
    assert!(read < 15_000, "of the shop's 10000 tickets a report of {days} days read {read} rows");
}

/// Mails with their messages, eight of each sender; a few are set aside.
async fn fill_mails(shop: &Shop) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "set session_replication_role = replica;
         insert into support_app.mailbox (id, tenant_id, address, sealed_secrets, token_hash)
         values (md5('mailbox')::uuid, '{tenant}', 'help@shop.example', '', '');
         insert into support_app.mail (id, tenant_id, mailbox_id, identity, sender, envelope_from, came_by, size_bytes, raw, state,
             reason, ticket_id, message_row, received_at)
         select gen_random_uuid(), case when n % 4 = 0 then '{tenant}'::uuid else '{other}'::uuid end, md5('mailbox')::uuid,
             decode(md5(n::text), 'hex'), 's' || n % 5000 || '@example.com', 's' || n % 5000 || '@example.com', 'smtp', 1, '\\x01',
             case when n % 1000 = 0 then 'suspended' else 'taken' end, case when n % 1000 = 0 then 'a flood' end,
             case when n % 1000 > 0 then gen_random_uuid() end, case when n % 1000 > 0 then gen_random_uuid() end,
             now() - n * interval '1 second'
         from generate_series(1, 40000) n;
         insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, body_text, sent_at,
             mail_id)
         select message_row, tenant_id, ticket_id, '1', false, false, 'email', 'x', received_at, id
         from support_app.mail where message_row is not null;
         set session_replication_role = default;
         analyze support_app.mail; analyze support_app.message;",
        other = Uuid::now_v7(),
        tenant = shop.tenant,
    )))
    .execute(&mut shop.admin().await)
    .await
    .expect("filled");
}

#[tokio::test]
async fn the_mails_of_a_sender_are_found_without_reading_others() {
    let shop = shop(Mode::Token).await;
    fill_mails(&shop).await;
    let sender = "s44@example.com";
    let person = Person { emails: vec![sender.to_owned()], ..Person::default() };
    let mut tx = shop.tx().await;
    let mut before = mails_read(&mut tx).await;
    let written = elsewhere::some(&mut tx, &person, 100).await.expect("found").len();
    let as_they_came = find::mails(&mut tx, &person).await.expect("found").len();
    let filter = inbound::Filter { sender: Some(sender), limit: 100, ..inbound::Filter::default() };
    let listed = inbound::list(&mut tx, &filter).await.expect("listed").len();
    assert_eq!((written, as_they_came, listed), (8, 8, 8));
    let read = mails_read(&mut tx).await - before;
    assert!(read < 500, "{read} mails were read for the eight of one sender");
    before += read;
    // What is set aside of a sender is erased; a few are read for it.
    let aside = Person { emails: vec!["s0@example.com".to_owned()], ..Person::default() };
    let mut left = Reached::new();
    personal::left(&mut tx, WITHOUT_TICKET, &aside, &mut left).await.expect("looked for");
    assert_eq!(left.get("support_app.mail"), Some(&8), "{left:?}");
    let read = mails_read(&mut tx).await - before;
    assert!(read < 500, "{read} mails were read for those that are set aside");
}

/// Rows of mails that this transaction read.
async fn mails_read(tx: &mut Tx) -> i64 {
    sqlx::query_scalar(
        "select (seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint from pg_stat_xact_user_tables
         where schemaname = 'support_app' and relname = 'mail'",
    )
    .fetch_one(&mut **tx)
    .await
    .expect("readable")
}
