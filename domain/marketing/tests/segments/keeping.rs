//! Segments stored and changed: names, versions, references and circles.

use chrono::Utc;
use database::Role;
use database::ids::SegmentId;
use marketing::segments::parse::parse;
use marketing::segments::store::{self, Draft, SaveError, Segment};

use crate::world::{World, add_tenant, world};

async fn create(world: &World, name: &str, rule: &str) -> Result<Segment, SaveError> {
    let rule = parse(rule).expect("a rule");
    let mut tx = world.db.tenant_tx(Role::Marketing, world.tenant).await.expect("begins");
    let segment =
        store::create(&mut tx, world.tenant, &Draft { name, description: "", rule: &rule }, Utc::now())
            .await?;
    tx.commit().await.expect("commits");
    Ok(segment)
}

async fn update(
    world: &World,
    id: SegmentId,
    version: Option<i32>,
    name: &str,
    rule: &str,
) -> Result<Segment, SaveError> {
    let rule = parse(rule).expect("a rule");
    let draft = Draft { name, description: "changed", rule: &rule };
    let mut tx = world.db.tenant_tx(Role::Marketing, world.tenant).await.expect("begins");
    let segment = store::update(&mut tx, world.tenant, id, version, &draft, Utc::now()).await?;
    tx.commit().await.expect("commits");
    Ok(segment)
}

async fn archive(world: &World, id: SegmentId) -> Result<(), SaveError> {
    let mut tx = world.db.tenant_tx(Role::Marketing, world.tenant).await.expect("begins");
    store::archive(&mut tx, world.tenant, id, None).await?;
    tx.commit().await.expect("commits");
    Ok(())
}

#[tokio::test]
async fn names_are_unique_and_versions_grow() {
    let world = world().await;
    let made = create(&world, " Buyers ", "order_count >= 1").await.expect("stored");
    assert_eq!((made.name.as_str(), made.version), ("Buyers", 1));
    assert_eq!(made.parsed().expect("understood").to_string(), "order_count >= 1");
    assert!(matches!(create(&world, "BUYERS", "ltv > 1").await, Err(SaveError::NameTaken)));
    for name in ["", "  ", &"x".repeat(101), "a\nb"] {
        assert!(matches!(create(&world, name, "ltv > 1").await, Err(SaveError::BadName)), "{name:?}");
    }
    let changed = update(&world, made.id, Some(1), "Good buyers", "order_count >= 2").await.expect("changed");
    assert_eq!((changed.version, changed.description.as_str()), (2, "changed"));
    assert!(matches!(update(&world, made.id, Some(1), "x", "ltv > 1").await, Err(SaveError::Changed(2))));
    archive(&world, made.id).await.expect("archived");
    assert!(matches!(archive(&world, made.id).await, Err(SaveError::Missing)));
    create(&world, "Good buyers", "ltv > 1").await.expect("the name is free");

    let mut tx = world.db.tenant_tx(Role::Marketing, world.tenant).await.expect("begins");
    let active = store::list(&mut tx, world.tenant, false, None, 10).await.expect("listed");
    let archived = store::list(&mut tx, world.tenant, true, None, 10).await.expect("listed");
    assert_eq!((active.len(), archived.len()), (1, 1));
}

#[tokio::test]
async fn names_are_the_same_in_any_case_of_any_letter() {
    let world = world().await;
    let made = create(&world, "Gr\u{fc}n", "order_count >= 1").await.expect("stored");
    assert!(matches!(create(&world, "GR\u{dc}N", "ltv > 1").await, Err(SaveError::NameTaken)));
    let other = create(&world, "Gruen", "in segment \"GR\u{dc}N\"").await.expect("the name is known");
    let renamed = update(&world, other.id, None, " gR\u{dc}n ", "ltv > 1").await;
    assert!(matches!(renamed, Err(SaveError::NameTaken)));
    // Its own name in another case stays its own, and what refers to it goes on to.
    let changed = update(&world, made.id, None, "GR\u{dc}N", "order_count >= 1").await.expect("changed");
    assert_eq!(changed.name, "GR\u{dc}N");
    assert!(matches!(archive(&world, made.id).await, Err(SaveError::ReferredTo(_))));
}

#[tokio::test]
async fn circles_are_refused_with_the_way_and_what_is_referred_to_stays() {
    let world = world().await;
    let a = create(&world, "A", "order_count >= 1").await.expect("stored");
    let b = create(&world, "B", "in segment \"A\" and ltv > 5").await.expect("stored");
    let c = create(&world, "C", "in segment \"b\"").await.expect("stored");
    let circle = update(&world, a.id, None, "A", "not in segment \"C\"").await.expect_err("a circle");
    assert!(circle.to_string().contains("\"a\" -> \"c\" -> \"b\" -> \"a\""), "{circle}");
    let own = update(&world, a.id, None, "A", "in segment \"A\"").await.expect_err("itself");
    assert!(matches!(own, SaveError::Circle(_)));
    assert!(matches!(create(&world, "D", "in segment \"D\"").await, Err(SaveError::Name(_))));
    // Rules hold names, so a name that is used stays, and so does its segment.
    assert!(
        matches!(update(&world, a.id, None, "A2", "ltv > 1").await, Err(SaveError::ReferredTo(names)) if names == ["B"])
    );
    assert!(matches!(archive(&world, b.id).await, Err(SaveError::ReferredTo(_))));
    archive(&world, c.id).await.expect("archived");
    archive(&world, b.id).await.expect("archived");
    update(&world, a.id, None, "A2", "ltv > 1").await.expect("free now");
}

#[tokio::test]
async fn another_tenants_segments_are_not_there() {
    let world = world().await;
    let made = create(&world, "Buyers", "order_count >= 1").await.expect("stored");
    let other = add_tenant(&world.db, "other").await;
    let mut tx = world.db.tenant_tx(Role::Marketing, other).await.expect("begins");
    assert_eq!(store::get(&mut tx, made.id).await.expect("asked"), None);
    let rule = parse("in segment \"Buyers\"").expect("a rule");
    let draft = Draft { name: "Buyers", description: "", rule: &rule };
    assert!(matches!(store::create(&mut tx, other, &draft, Utc::now()).await, Err(SaveError::Name(_))));
    let missing = store::archive(&mut tx, other, made.id, None).await;
    assert!(matches!(missing, Err(SaveError::Missing)));
}
