//! From what was computed of customers to the rows that are stored of them.

use chrono::{DateTime, Utc};
use database::{DbError, Tx};
use intelligence::axes::Strength;
use platform::insights::write::{Fact, Insight, PIECE, Piece};

use super::knowledge::Knowledge;
use super::score::Scored;

/// Writes these customers' rows under a generation. There must be none of theirs yet.
pub async fn write(
    tx: &mut Tx,
    knowledge: &Knowledge,
    generation: i32,
    customers: &[Scored],
    computed_at: DateTime<Utc>,
) -> Result<(), DbError> {
    for customers in customers.chunks(PIECE) {
        let mut piece = Piece::new(computed_at);
        // Two of the indexes of facts are ordered by churn and by what goes against it. Written in this order, neighbours
        // among the rows are neighbours there, and most of what is touched was touched just before.
        for scored in by_churn(customers) {
            piece.fact(&fact(knowledge, scored));
        }
        for scored in customers {
            add_insight(&mut piece, knowledge, scored);
        }
        piece.write(tx, generation).await?;
    }
    Ok(())
}

/// The customers by their probability of churn, those of the same one by their ids.
fn by_churn(customers: &[Scored]) -> Vec<&Scored> {
    let mut customers: Vec<&Scored> = customers.iter().collect();
    let churn = |scored: &&Scored| scored.predictions.churn.unwrap_or(f32::NAN);
    customers.sort_by(|a, b| churn(a).total_cmp(&churn(b)));
    customers
}

fn fact<'a>(knowledge: &Knowledge, scored: &'a Scored) -> Fact<'a> {
    let (orders, spend) = scored.summary.as_ref().map_or((0, 0.0), |summary| (summary.orders, summary.spend));
    let assignment = &scored.assignment;
    let archetype = assignment.archetype.and_then(|index| i16::try_from(index).ok());
    Fact {
        customer_id: &scored.person.customer_id,
        orders: i32::try_from(orders).unwrap_or(i32::MAX),
        // The conversion saturates, and an absurd amount stays absurd.
        spend_cents: (spend * 100.0).round() as i64,
        ordered_on: scored.ordered_on,
        axes: std::array::from_fn(|axis| {
            let (segment, strength) = assignment.dominant[axis].zip(assignment.strength[axis])?;
            Some(i16::from(segment) * 4 + rank(strength))
        }),
        archetype: archetype.map(|index| (knowledge.broader_archetype(index), index)),
        is_opted_in: scored.person.is_opted_in,
        churn: scored.predictions.churn,
        ltv: scored.predictions.ltv.map(|ltv| ltv.value),
        country: scored.person.country.as_deref(),
        state: scored.person.state.as_deref(),
    }
}

fn add_insight(piece: &mut Piece, knowledge: &Knowledge, scored: &Scored) {
    let predictions = &scored.predictions;
    piece.insight(&Insight {
        customer_id: &scored.person.customer_id,
        confidence: knowledge.confidence_word(scored.assignment.confidence),
        who: &scored.who,
        features: &scored.features,
        memberships: &knowledge.segmentation.pack(&scored.assignment.vector),
        ltv_bounds: predictions.ltv.map_or((None, None), |ltv| (ltv.low, ltv.high)),
        churn_reasons: predictions.reasons.as_deref(),
        places: &scored.places,
    });
}

/// How strength is stored beside the segment.
fn rank(strength: Strength) -> i16 {
    match strength {
        Strength::Weak => 0,
        Strength::Balanced => 1,
        Strength::Strong => 2,
    }
}
