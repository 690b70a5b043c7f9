//! Two at once on one ticket: whichever comes first, what is left is what one of the two orders would have left.

#[path = "../../accounts/tests/world/mod.rs"]
mod world;

use chrono::{DateTime, Duration, Utc};
use database::ids::{MessageId, TicketId};
use database::{Db, Role, Tx};
use futures_util::FutureExt;
use support::drafts::{self, NewDraft};
use support::tickets::change::{self, Change, Customer, Woken};
use support::tickets::create::{self, NewTicket};
use support::tickets::delivery::{self, Taken};
use support::tickets::merge;
use support::tickets::message::{self, From, Stored, Which};
use support::tickets::reply::{self, NewReply, Replied};
use support::tickets::state::Status;
use support::tickets::words::{Channel, Priority};
use support::tickets::{Acting, NewMessage, TicketError, full, history};
use uuid::Uuid;
use world::{World, world};

const ROUNDS: usize = 12;

async fn tx(world: &World) -> Tx {
    world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins")
}

fn acting(world: &World) -> Acting<'_> {
    Acting {
        tenant: world.tenant,
        actor: "key:test",
        agent: None,
        writer: Uuid::nil(),
        name: "Bea",
        correlation_id: "c-1",
        trace_parent: None,
        now: Utc::now(),
    }
}

/// A chat that a customer began; with its first message.
async fn ticket(world: &World) -> (TicketId, MessageId) {
    let new = NewTicket {
        subject: Some("A question".to_owned()),
        channel: Channel::Chat,
        priority: Priority::Normal,
        customer: Customer { email: Some("ann@example.com".to_owned()), ..Customer::default() },
        tags: Vec::new(),
        department: None,
        skills: Vec::new(),
        language: None,
        custom: serde_json::Map::new(),
        message: Some((From::Customer, "Hello?".to_owned())),
    };
    let mut tx = tx(world).await;
    let made = create::create(&mut tx, &acting(world), &new).await.expect("made");
    tx.commit().await.expect("commits");
    (made.ticket, made.message.expect("its message"))
}

async fn answers(world: &World, ticket: TicketId, seen: MessageId) -> Result<MessageId, TicketError> {
    let new = NewReply {
        text: "Here I am.",
        last_seen: Some(seen),
        force: false,
        send_at: None,
        status: Some(Status::Resolved),
        attachments: &[],
    };
    let mut tx = tx(world).await;
    match reply::reply(&mut tx, &acting(world), ticket, &new).await? {
        Replied::Queued { message, .. } => {
            tx.commit().await.expect("commits");
            Ok(message.id)
        }
        Replied::Unseen { .. } => Err(TicketError::Conflict("unseen".to_owned())),
    }
}

async fn whole(world: &World, ticket: TicketId) -> full::Whole {
    full::whole(&mut tx(world).await, ticket).await.expect("readable").expect("a ticket")
}

async fn message(world: &World, ticket: TicketId, message: MessageId) -> Option<Stored> {
    message::get(&mut tx(world).await, ticket, message).await.expect("readable")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_is_taken_back_or_sent_and_never_both() {
    let world = world().await;
    for _ in 0..ROUNDS {
        let (ticket, first) = ticket(&world).await;
        let reply = answers(&world, ticket, first).await.expect("it is taken");
        let take = async {
            let mut tx = tx(&world).await;
            let taken =
                delivery::take(&mut tx, reply, Utc::now() + Duration::minutes(1)).await.expect("answers");
            tx.commit().await.expect("commits");
            taken
        };
        let withdraw = async {
            let mut tx = tx(&world).await;
            let done = reply::withdraw(&mut tx, &acting(&world), ticket, reply).await;
            if done.is_ok() {
                tx.commit().await.expect("commits");
            }
            done
        };
        let (taken, withdrawn) = tokio::join!(take, withdraw);
        let after = whole(&world, ticket).await;
        match (taken, withdrawn) {
            (Taken::Send(outbound), Err(TicketError::Conflict(_))) => {
                assert_eq!(after.ticket.status, "resolved");
                let mut tx = tx(&world).await;
                let _ =
                    delivery::sent(&mut tx, world.tenant, &outbound, None, Utc::now()).await.expect("noted");
                tx.commit().await.expect("commits");
                assert_eq!(whole(&world, ticket).await.waiting_since, None);
            }
            (Taken::Over(how), Ok(_)) => {
                assert_eq!((how.as_str(), after.ticket.status.as_str()), ("withdrawn", "open"));
                assert!(after.waiting_since.is_some());
            }
            (taken, withdrawn) => panic!("{taken:?} and {:?}", withdrawn.map(|(stored, ..)| stored.delivery)),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_wakes_up_beside_its_customers_message_is_opened_once() {
    let world = world().await;
    for _ in 0..ROUNDS {
        let (ticket, _) = ticket(&world).await;
        let until: DateTime<Utc> = Utc::now() + Duration::hours(1);
        let sleep =
            Change { status: Some(Status::Pending), snoozed_until: Some(Some(until)), ..Change::default() };
        let mut change = tx(&world).await;
        let _ = change::change(&mut change, &acting(&world), ticket, None, &sleep).await.expect("it sleeps");
        change.commit().await.expect("commits");
        let wake = async {
            let mut tx = tx(&world).await;
            let woken = change::wake(&mut tx, &acting(&world), ticket, until).await.expect("answers");
            tx.commit().await.expect("commits");
            matches!(woken, Woken::Awake(..))
        };
        let hear = async {
            let mut tx = tx(&world).await;
            let acting = acting(&world);
            message::hear(&mut tx, &acting, ticket, "Still there?", &[]).await.expect("it is heard");
            tx.commit().await.expect("commits");
        };
        let (_, ()) = tokio::join!(wake, hear);
        let after = whole(&world, ticket).await;
        assert_eq!((after.ticket.status.as_str(), after.snoozed_until), ("open", None));
        assert_eq!((after.ticket.message_count, after.reopened_count), (2, 0));
        let opened: i64 = sqlx::query_scalar(
            "select count(*) from support_app.ticket_change
             where ticket_id = $1 and field = 'status' and new = '\"open\"'",
        )
        .bind(ticket)
        .fetch_one(&mut *tx(&world).await)
        .await
        .expect("readable");
        assert_eq!(opened, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_beside_a_merge_goes_with_its_ticket_or_is_told_where_to_go() {
    let world = world().await;
    for _ in 0..ROUNDS {
        let (source, first) = ticket(&world).await;
        let (target, _) = ticket(&world).await;
        let merges = async {
            let mut tx = tx(&world).await;
            let _ = merge::merge(&mut tx, &acting(&world), source, target, false).await.expect("merged");
            tx.commit().await.expect("commits");
        };
        let ((), replied) = tokio::join!(merges, answers(&world, source, first));
        let (gone, kept) = (whole(&world, source).await, whole(&world, target).await);
        assert_eq!((gone.ticket.message_count, gone.merged_into), (0, Some(target)));
        match replied {
            Ok(reply) => {
                assert!(message(&world, target, reply).await.is_some(), "it goes on in the other");
                assert_eq!(kept.ticket.message_count, 3);
            }
            Err(TicketError::Merged(into)) => {
                assert_eq!((into, kept.ticket.message_count), (target, 2));
            }
            Err(other) => panic!("{other}"),
        }
        // What the customer adds to the one that went is heard in the other.
        let mut tx = tx(&world).await;
        let heard = message::hear(&mut tx, &acting(&world), source, "And?", &[]).await.expect("heard");
        assert_eq!(heard.ticket, target);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_at_once_is_seen_by_the_next_who_answers() {
    let world = world().await;
    for _ in 0..ROUNDS {
        let (ticket, first) = ticket(&world).await;
        let hear = async {
            let mut tx = tx(&world).await;
            let acting = acting(&world);
            message::hear(&mut tx, &acting, ticket, "Never mind.", &[]).await.expect("heard");
            tx.commit().await.expect("commits");
        };
        let ((), replied) = tokio::join!(hear, answers(&world, ticket, first));
        let last = message::last_added(&mut tx(&world).await, ticket).await.expect("readable").expect("one");
        match replied {
            // It was sent first: the customer's message opened the ticket again, and is the newest.
            Ok(reply) => {
                assert_ne!(reply, last);
                let beside = answers(&world, ticket, reply).await;
                assert!(matches!(beside, Err(TicketError::Conflict(_))), "nobody answers beside it");
                assert_eq!(whole(&world, ticket).await.ticket.status, "open");
            }
            Err(TicketError::Conflict(_)) => {
                answers(&world, ticket, last).await.expect("it has been seen");
            }
            Err(other) => panic!("{other}"),
        }
    }
}

/// The customer's request came before the answer and was let in after it: nobody who answered has seen what it says.
#[tokio::test]
async fn what_waited_while_somebody_answered_is_not_answered() {
    let world = world().await;
    let (ticket, first) = ticket(&world).await;
    let (mut hears, acting) = (tx(&world).await, acting(&world));
    let reply = answers(&world, ticket, first).await.expect("it is taken");
    let added = message::hear(&mut hears, &acting, ticket, "And the other one?", &[]).await.expect("heard");
    hears.commit().await.expect("commits");
    let reply = message(&world, ticket, reply).await.expect("the reply");
    let heard = message(&world, ticket, added.message).await.expect("the question");
    let after = whole(&world, ticket).await;
    assert!(heard.sent_at > reply.sent_at, "{} {}", heard.sent_at, reply.sent_at);
    assert_eq!((after.ticket.status.as_str(), after.ticket.agent_spoke_last), ("open", false));
    assert_eq!(after.waiting_since, Some(heard.sent_at));
}

/// The same the other way round: who answers whatever was added meanwhile has the last word, and resolves what they answered.
#[tokio::test]
async fn an_answer_that_waited_comes_after_what_its_customer_wrote_meanwhile() {
    let world = world().await;
    let (ticket, first) = ticket(&world).await;
    let (mut replies, acting) = (tx(&world).await, acting(&world));
    let mut hears = tx(&world).await;
    let heard = message::hear(&mut hears, &acting, ticket, "Never mind.", &[]).await.expect("heard");
    hears.commit().await.expect("commits");
    let new = NewReply {
        text: "Here I am.",
        last_seen: Some(first),
        force: true,
        send_at: None,
        status: Some(Status::Resolved),
        attachments: &[],
    };
    let replied = reply::reply(&mut replies, &acting, ticket, &new).await.expect("it is taken");
    let Replied::Queued { message: reply, .. } = replied else { panic!("it is forced") };
    replies.commit().await.expect("commits");
    let heard = message(&world, ticket, heard.message).await.expect("the question");
    assert!(reply.sent_at > heard.sent_at, "{} {}", reply.sent_at, heard.sent_at);
    let after = whole(&world, ticket).await;
    assert_eq!((after.ticket.status.as_str(), after.waiting_since), ("resolved", None));
    assert!(after.status_since >= reply.sent_at, "it was answered first");
    // It is still the reply that resolved it, and goes back with it.
    let mut back = tx(&world).await;
    let _ = reply::withdraw(&mut back, &acting, ticket, reply.id).await.expect("taken back");
    back.commit().await.expect("commits");
    let after = whole(&world, ticket).await;
    assert_eq!(after.ticket.status, "open");
    assert!(after.waiting_since.is_some());
}

#[tokio::test]
async fn a_change_that_waited_stands_after_the_one_it_waited_for() {
    let world = world().await;
    let (ticket, _) = ticket(&world).await;
    let priority = |priority| Change { priority: Some(priority), ..Change::default() };
    let mut late = tx(&world).await;
    let mut early = tx(&world).await;
    let acting = acting(&world);
    let urgent = priority(Priority::Urgent);
    let _ = change::change(&mut early, &acting, ticket, None, &urgent).await.expect("changed");
    early.commit().await.expect("commits");
    let low = priority(Priority::Low);
    let _ = change::change(&mut late, &acting, ticket, None, &low).await.expect("changed");
    late.commit().await.expect("commits");
    let told = history::list(&mut tx(&world).await, ticket, None, 100).await.expect("readable");
    let priorities: Vec<_> = told
        .into_iter()
        .filter(|change| change.field == "priority")
        .map(|change| (change.old, change.new))
        .collect();
    let word = |word: &str| Some(serde_json::Value::from(word));
    assert_eq!(priorities, [(word("urgent"), word("low")), (word("normal"), word("urgent"))]);
}

#[tokio::test]
async fn a_note_takes_its_ticket_and_the_one_that_goes_on_by_their_ids() {
    let world = world().await;
    let ((older, _), (newer, _)) = (ticket(&world).await, ticket(&world).await);
    let mut setup = tx(&world).await;
    let new = NewDraft {
        ticket: newer,
        message_count: 1,
        job: Uuid::now_v7(),
        tone: "friendly",
        length: "short",
        style: "chat",
        reply: "Soon.",
        recommendation: None,
        drafter: "template",
        model: None,
        usage: None,
    };
    let draft = drafts::store(&mut setup, world.tenant, &new).await.expect("stored");
    // Its conversation goes on in one whose id comes first.
    let _ = merge::merge(&mut setup, &acting(&world), newer, older, false).await.expect("merged");
    setup.commit().await.expect("commits");
    let by_id = "select from support_app.ticket where id = $1 for no key update nowait";
    let mut other = tx(&world).await;
    sqlx::query(by_id).bind(older).execute(&mut *other).await.expect("free");
    let others = async {
        let waits = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(world.db.pool()).await.expect("answers") {
            tokio::task::yield_now().await;
        }
        sqlx::query(by_id)
            .bind(newer)
            .execute(&mut *other)
            .await
            .expect("the one that is waited for comes first");
        other.commit().await.expect("commits");
    };
    let posts = async {
        let note = NewMessage {
            external_id: "77".to_owned(),
            from_agent: true,
            internal: true,
            by_machine: false,
            channel: "internal-note".to_owned(),
            sender_name: None,
            body_text: "A draft".to_owned(),
            sent_at: Utc::now(),
        };
        let mut tx = tx(&world).await;
        drafts::mark_posted(&mut tx, world.tenant, &draft, "deskwork-draft-1", note).await.expect("noted");
        tx.commit().await.expect("commits");
    };
    tokio::join!(posts, others);
    let mut look = tx(&world).await;
    let notes = message::list(&mut look, older, Which::All, None, 10).await.expect("readable");
    assert_eq!(notes.iter().filter(|note| note.body_text == "A draft").count(), 1);
}

/// What became of a reply is noted where it is by then. The ticket that it was in is let go before the other is waited for:
/// who has that one may want the first after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_reply_holds_no_ticket_while_it_waits_for_another() {
    let world = world().await;
    let ((older, _), (newer, first)) = (ticket(&world).await, ticket(&world).await);
    let reply = answers(&world, newer, first).await.expect("it is taken");
    let mut take = tx(&world).await;
    let taken = delivery::take(&mut take, reply, Utc::now() + Duration::minutes(1)).await.expect("answers");
    take.commit().await.expect("commits");
    let Taken::Send(outbound) = taken else { panic!("it is to be sent") };
    let mut merging = tx(&world).await;
    let _ = merge::merge(&mut merging, &acting(&world), newer, older, false).await.expect("merged");

    let fails = async {
        let mut tx = tx(&world).await;
        let _ =
            delivery::failed(&mut tx, world.tenant, &outbound, "refused", Utc::now()).await.expect("noted");
        tx.commit().await.expect("commits");
    };
    let takes_both = async {
        let by_id = "select from support_app.ticket where id = $1 for no key update";
        let mut tx = tx(&world).await;
        for ticket in [older, newer] {
            sqlx::query(by_id).bind(ticket).execute(&mut *tx).await.expect("nobody has to give way");
        }
        tx.commit().await.expect("commits");
    };
    let merges = async {
        let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        while sqlx::query_scalar::<_, i64>(waiting).fetch_one(world.db.pool()).await.expect("answers") < 2 {
            tokio::task::yield_now().await;
        }
        merging.commit().await.expect("commits");
    };
    tokio::join!(fails, takes_both, merges);
    let noted = message(&world, older, reply).await.expect("it goes on there");
    assert_eq!(noted.delivery.as_deref(), Some("failed"));
    let (gone, kept) = (whole(&world, newer).await, whole(&world, older).await);
    assert_eq!((gone.ticket.message_count, kept.ticket.message_count), (0, 2));
}

/// Whatever is done at once to tickets of one conversation waits its turn, or is told why not; none gives way in a deadlock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merges_messages_and_ends_of_merges_at_once_wait_their_turn() {
    let world = world().await;
    let db = Db::connect(&world.database.url_for("desk_api"), 30).expect("the URL is valid");
    let (target, _) = ticket(&world).await;
    let mut sources = Vec::new();
    for _ in 0..10 {
        sources.push(ticket(&world).await.0);
    }
    // Into the one, and those into the first of them; what was merged comes apart, while customers write everywhere.
    let (world, db, first) = (&world, &db, sources[0]);
    let merges = sources.iter().enumerate().map(|(place, &source)| {
        let into = if place % 3 == 1 { first } else { target };
        async move {
            let mut tx = db.tenant_tx(Role::Support, world.tenant).await?;
            let _ = merge::merge(&mut tx, &acting(world), source, into, false).await?;
            Ok::<(), TicketError>(tx.commit().await?)
        }
        .boxed()
    });
    let ends = sources.iter().rev().step_by(2).map(|&source| {
        async move {
            let mut tx = db.tenant_tx(Role::Support, world.tenant).await?;
            let _ = merge::undo(&mut tx, &acting(world), source).await?;
            Ok(tx.commit().await?)
        }
        .boxed()
    });
    let messages = sources.iter().map(|&ticket| {
        async move {
            let mut tx = db.tenant_tx(Role::Support, world.tenant).await?;
            message::hear(&mut tx, &acting(world), ticket, "And?", &[]).await?;
            Ok(tx.commit().await?)
        }
        .boxed()
    });
    let mut all: Vec<_> = Vec::new();
    for (merge, message) in merges.zip(messages) {
        all.extend([merge, message]);
    }
    all.extend(ends);
    let answers = futures_util::future::join_all(all).await;
    let mut heard = 0;
    for answer in answers {
        match answer {
            Ok(()) => heard += 1,
            Err(
                TicketError::Conflict(_)
                | TicketError::BeingMerged
                | TicketError::Merged(_)
                | TicketError::Field { .. },
            ) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert!(heard >= 10, "the customers are heard whatever becomes of the merges");
    // Each message of theirs is in one ticket, and no ticket goes on in one that went on itself.
    let (messages, chains): (i64, i64) = sqlx::query_as(
        "select (select count(*) from support_app.message where body_text = 'And?'),
                (select count(*) from support_app.ticket s join support_app.ticket t on t.id = s.merged_into
                 where t.merged_into is not null)",
    )
    .fetch_one(&mut *tx(world).await)
    .await
    .expect("readable");
    assert_eq!((messages, chains), (10, 0));
}
