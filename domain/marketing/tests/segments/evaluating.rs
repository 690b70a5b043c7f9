//! Evaluations: members replaced at once, who came and went, what failed and why.

use chrono::Utc;
use database::Role;
use database::ids::SegmentId;
use marketing::segments::bits::build::{Options, refresh};
use marketing::segments::count::{Wanted, count};
use marketing::segments::evaluate::{EvaluateError, Evaluation, evaluate, history, prune};
use marketing::segments::members;
use marketing::segments::parse::parse;
use marketing::segments::references;
use marketing::segments::store::{self, Draft, Segment};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::people::{people, publish};
use crate::reading::holds;
use crate::world::{World, world};

async fn segment(world: &World, name: &str, rule: &str) -> Segment {
    let rule = parse(rule).expect("a rule");
    let mut tx = world.db.tenant_tx(Role::Marketing, world.tenant).await.expect("begins");
    let draft = Draft { name, description: "", rule: &rule };
    let segment = store::create(&mut tx, world.tenant, &draft, Utc::now()).await.expect("stored");
    tx.commit().await.expect("commits");
    segment
}

async fn run(world: &World, segment: SegmentId, job: Uuid) -> Result<Evaluation, EvaluateError> {
    evaluate(&world.db, world.tenant, segment, job, Utc::now()).await
}

async fn member_ids(world: &World, segment: SegmentId) -> Vec<String> {
    let mut tx = world.db.tenant_tx(Role::Marketing, world.tenant).await.expect("begins");
    let members = members::list(&mut tx, world.tenant, segment, None, 1_000).await.expect("listed");
    members.into_iter().map(|member| member.customer).collect()
}

async fn read(world: &World, id: SegmentId) -> Segment {
    let mut tx = world.db.tenant_tx(Role::Marketing, world.tenant).await.expect("begins");
    store::get(&mut tx, id).await.expect("read").expect("there")
}

#[tokio::test]
async fn members_come_and_go_with_the_facts_and_a_repeated_job_changes_nothing() {
    let world = world().await;
    let (before, after) = (people(150, 1), people(150, 2));
    publish(&world, world.tenant, 1, &before).await;
    let text = "order_count >= 3 and marketing_opt_in = true";
    let rule = parse(text).expect("a rule");
    let made = segment(&world, "Buyers", text).await;
    let job = Uuid::now_v7();
    let first = run(&world, made.id, job).await.expect("evaluated");
    let ids = |people: &[crate::people::Person]| {
        people
            .iter()
            .filter(|person| holds(&rule, person))
            .map(|person| person.id.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(member_ids(&world, made.id).await, ids(&before));
    assert_eq!((first.members, first.entered, first.departed), (first.members, first.members, Some(0)));
    let repeated = run(&world, made.id, job).await.expect("evaluated again");
    assert_eq!((repeated.members, repeated.entered, repeated.departed), (first.members, Some(0), Some(0)));

    publish(&world, world.tenant, 2, &after).await;
    let second = run(&world, made.id, Uuid::now_v7()).await.expect("evaluated");
    assert_eq!(member_ids(&world, made.id).await, ids(&after));
    let (old, new) = (ids(&before), ids(&after));
    let entered = new.iter().filter(|id| !old.contains(id)).count();
    let departed = old.iter().filter(|id| !new.contains(id)).count();
    assert!(entered > 0 && departed > 0);
    assert_eq!(second.entered, i64::try_from(entered).ok());
    assert_eq!(second.departed, i64::try_from(departed).ok());

    let mut tx = world.db.tenant_tx(Role::Marketing, world.tenant).await.expect("begins");
    let changes = members::changes(&mut tx, made.id, None, 1_000).await.expect("listed");
    assert_eq!(changes.len(), entered + departed);
    assert_eq!(changes.iter().filter(|change| change.entered).count(), entered);
    let place = (changes[2].evaluation, changes[2].customer.as_str());
    assert_eq!(members::changes(&mut tx, made.id, Some(place), 1_000).await.expect("listed"), changes[3..]);
    let done = history(&mut tx, made.id, None, 10).await.expect("listed");
    assert_eq!(done.iter().map(|evaluation| evaluation.id).collect::<Vec<_>>(), [second.id, job]);
}

#[tokio::test]
async fn a_failed_evaluation_is_visible_and_leaves_the_members() {
    let world = world().await;
    let no_facts = segment(&world, "Early", "order_count >= 1").await;
    let error = run(&world, no_facts.id, Uuid::now_v7()).await.expect_err("no facts");
    assert!(matches!(error, EvaluateError::NoFacts));
    assert_eq!(read(&world, no_facts.id).await.last_evaluation.expect("noted").state, "failed");

    publish(&world, world.tenant, 1, &people(60, 1)).await;
    let made = segment(&world, "Named", "segment.purchase_value = \"Once\"").await;
    run(&world, made.id, Uuid::now_v7()).await.expect("evaluated");
    let before = member_ids(&world, made.id).await;
    assert!(!before.is_empty());
    // A new segmentation has other names.
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    sqlx::query("update platform.segmentation set catalog = '{\"axes\": []}'")
        .execute(&mut admin)
        .await
        .expect("renamed");
    let error = run(&world, made.id, Uuid::now_v7()).await.expect_err("unknown");
    assert!(matches!(error, EvaluateError::Name(_)), "{error}");
    let seen = read(&world, made.id).await;
    let last = seen.last_evaluation.expect("noted");
    assert_eq!(last.state, "failed");
    assert!(last.error.expect("why").contains("no segment on the axis purchase_value"));
    assert_eq!(seen.computed.expect("the one before").members, i64::try_from(before.len()).ok());
    assert_eq!(member_ids(&world, made.id).await, before);
    let gone = run(&world, SegmentId::new(), Uuid::now_v7()).await;
    assert!(matches!(gone, Err(EvaluateError::Gone)));
}

#[tokio::test]
async fn a_statement_that_breaks_off_leaves_nothing_half_written() {
    let world = world().await;
    publish(&world, world.tenant, 1, &people(100, 1)).await;
    let made = segment(&world, "Everybody", "order_count >= 0").await;
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    // The last member cannot be stored, so none is.
    sqlx::query(
        "alter table marketing_app.segment_member add constraint not_this check (customer_id <> 'c00099')",
    )
    .execute(&mut admin)
    .await
    .expect("constrained");
    let broken = run(&world, made.id, Uuid::now_v7()).await.expect_err("refused");
    assert!(matches!(broken, EvaluateError::Db(_)));
    assert_eq!(member_ids(&world, made.id).await, Vec::<String>::new());
    assert_eq!(read(&world, made.id).await.last_evaluation.expect("noted").state, "failed");
    sqlx::query("alter table marketing_app.segment_member drop constraint not_this")
        .execute(&mut admin)
        .await
        .expect("dropped");
    let again = run(&world, made.id, Uuid::now_v7()).await.expect("evaluated");
    assert_eq!(again.members, Some(100));
}

#[tokio::test]
async fn what_holds_what_does_not_and_what_is_unknown_are_everybody() {
    const EVERYBODY: i64 = 120;
    let world = world().await;
    publish(&world, world.tenant, 1, &people(120, 5)).await;
    let inner = segment(&world, "A", "order_count >= 2").await;
    run(&world, inner.id, Uuid::now_v7()).await.expect("evaluated");
    let options = Options { at_least: 0, block: 64 };
    for has_index in [false, true] {
        if has_index {
            refresh(&world.db, world.tenant, options, |_, _| {}).await.expect("built");
        }
        let count = async |text: &str| {
            let rule = parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
            count(&world.db, world.tenant, &rule, Wanted::Recount, Utc::now()).await.expect(text).customers
        };
        for parts in [
            &["in segment \"A\"", "not in segment \"A\""][..],
            &["ltv <= 10.5", "ltv > 10.5", "ltv is unknown"],
            &["ltv > 10.5", "not (ltv > 10.5)"],
            &["churn_risk in (high)", "churn_risk not in (high)", "churn_risk is unknown"],
            &["churn_risk in (high)", "not churn_risk in (high)"],
            &["email in (\"a@example.com\")", "email not in (\"a@example.com\")", "email is unknown"],
        ] {
            let mut sum = 0;
            for part in parts {
                let some = count(part).await;
                assert!((1..EVERYBODY).contains(&some), "{part}: {some}");
                sum += some;
            }
            assert_eq!(sum, EVERYBODY, "{parts:?}");
        }
        // Some of these people order up to forty days ahead.
        for nobody in ["last_order_date < 1900-01-01", "days_since_last_order < -50"] {
            assert_eq!(count(nobody).await, 0, "{nobody}");
        }
        let hundred = (0..100).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
        assert_eq!(count(&format!("order_count in ({hundred})")).await, EVERYBODY);
        assert!(
            parse(&format!("order_count in ({hundred}, 100)")).expect_err("too many").message.contains("100")
        );
        assert!(parse("order_count in ()").is_err());
    }
}

#[tokio::test]
async fn a_segment_of_a_segment_follows_its_members_and_old_history_goes() {
    let world = world().await;
    let everybody = people(120, 3);
    publish(&world, world.tenant, 1, &everybody).await;
    let inner = segment(&world, "Opted in", "marketing_opt_in = true").await;
    let outer = segment(&world, "Others", "order_count >= 2 and not in segment \"opted IN\"").await;
    run(&world, inner.id, Uuid::now_v7()).await.expect("evaluated");
    run(&world, outer.id, Uuid::now_v7()).await.expect("evaluated");
    let expected: Vec<String> = everybody
        .iter()
        .filter(|person| person.orders >= 2 && !person.opt_in)
        .map(|person| person.id.clone())
        .collect();
    assert_eq!(member_ids(&world, outer.id).await, expected);
    let mut tx = world.db.tenant_tx(Role::Marketing, world.tenant).await.expect("begins");
    let levels = references::levels(&mut tx, world.tenant).await.expect("ordered");
    assert_eq!(levels, [vec![(inner.id, vec![])], vec![(outer.id, vec![inner.id])]]);
    tx.commit().await.expect("commits");

    publish(&world, world.tenant, 2, &people(120, 4)).await;
    let last = run(&world, inner.id, Uuid::now_v7()).await.expect("evaluated");
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    sqlx::query(
        "update marketing_app.segment_evaluation set started_at = now() - interval '500 days' where id = $1",
    )
    .bind(last.id)
    .execute(&mut admin)
    .await
    .expect("aged");
    let mut tx = world.db.tenant_tx(Role::Marketing, world.tenant).await.expect("begins");
    let pruned = prune(&mut tx, world.tenant, 1_000).await.expect("pruned");
    let changes = members::changes(&mut tx, inner.id, None, 1_000).await.expect("listed");
    assert_eq!(changes, []);
    assert_eq!(
        pruned,
        u64::try_from(last.entered.unwrap_or(0) + last.departed.unwrap_or(0)).expect("positive") + 1
    );
}
