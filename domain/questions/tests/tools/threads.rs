//! Conversations of a chat: one for each thread and person, a question once, and another conversation where one is full.

use chrono::{DateTime, TimeDelta, Utc};
use database::Role;
use questions::conversations::{Exchange, KEPT, MOST_QUESTIONS, NewInThread, ask_in_thread, is_going_on};
use uuid::Uuid;

use crate::world::{World, now, world};

async fn ask(world: &World, id: Uuid, who: &str, thread: &str, at: DateTime<Utc>) -> Exchange {
    let new = NewInThread { id, thread, asked_by: who, question: "Who are our VIPs?", scopes: &[] };
    let mut tx = world.desk.db().tenant_tx(Role::Marketing, world.tenant).await.expect("begins");
    let exchange = ask_in_thread(&mut tx, world.tenant, &new, at).await.expect("kept");
    tx.commit().await.expect("commits");
    exchange
}

#[tokio::test]
async fn a_thread_of_a_person_is_one_conversation_until_it_is_over_or_full() {
    let world = world().await;
    let id = Uuid::now_v7();
    let first = ask(&world, id, "slack:w:U1", "C1 1.1", now()).await;
    let again = ask(&world, id, "slack:w:U1", "C1 1.1", now()).await;
    assert_eq!((again.id, again.conversation_id), (id, first.conversation_id), "the same question");
    let next = ask(&world, Uuid::now_v7(), "slack:w:U1", "C1 1.1", now()).await;
    assert_eq!(next.conversation_id, first.conversation_id);
    for (who, thread) in [("slack:w:U2", "C1 1.1"), ("slack:w:U1", "C1 1.2"), ("slack:v:U1", "C1 1.1")] {
        let other = ask(&world, Uuid::now_v7(), who, thread, now()).await;
        assert_ne!(other.conversation_id, first.conversation_id, "{who} {thread}");
    }

    let mut tx = world.desk.db().tenant_tx(Role::Marketing, world.tenant).await.expect("begins");
    let later = now() + KEPT + TimeDelta::seconds(1);
    assert!(is_going_on(&mut tx, "slack:w:U1", "C1 1.1", now()).await.expect("read"));
    assert!(!is_going_on(&mut tx, "slack:w:U1", "C1 1.1", later).await.expect("read"));
    assert!(!is_going_on(&mut tx, "slack:w:U3", "C1 1.1", now()).await.expect("read"));
    tx.commit().await.expect("commits");
    let after = ask(&world, Uuid::now_v7(), "slack:w:U1", "C1 1.1", later).await;
    assert_ne!(after.conversation_id, first.conversation_id, "it was over");

    for _ in 1..MOST_QUESTIONS {
        let same = ask(&world, Uuid::now_v7(), "slack:w:U1", "C1 1.1", later).await;
        assert_eq!(same.conversation_id, after.conversation_id);
    }
    let another = ask(&world, Uuid::now_v7(), "slack:w:U1", "C1 1.1", later).await;
    assert_ne!(another.conversation_id, after.conversation_id, "it was full");
    let going_on = ask(&world, Uuid::now_v7(), "slack:w:U1", "C1 1.1", later).await;
    assert_eq!(going_on.conversation_id, another.conversation_id);
}
