//! What people and programs read of a segmentation: names for the numbers that are stored of every customer.

use intelligence::archetypes::Level;
use intelligence::axes::State;
use intelligence::drift::Reference;
use intelligence::features::{FEATURES, support};
use intelligence::matrix::Matrix;
use intelligence::segmentation::{Segmentation, axis_names};
use serde_json::{Value, json};

/// The catalogue of a segmentation that was fitted on these features.
pub fn catalog(segmentation: &Segmentation, features: &Matrix) -> Value {
    let mut offset = 0;
    let axes: Vec<Value> = axis_names()
        .zip(&segmentation.axes)
        .map(|(axis, model)| {
            let own = offset;
            offset += model.segments.len();
            let (state, reason) = match &model.state {
                State::Sound => ("sound", None),
                State::Degenerate(reason) => ("degenerate", Some(reason)),
                State::NoData(reason) => ("no_data", Some(reason)),
            };
            let segments: Vec<Value> = model
                .segments
                .iter()
                .map(|segment| json!({ "name": segment.name, "description": segment.description, "share": segment.share }))
                .collect();
            json!({ "name": axis, "state": state, "degenerate": reason, "segments": segments, "offset": own })
        })
        .collect();
    let list = &segmentation.archetypes.list;
    let archetypes: Vec<Value> = list
        .iter()
        .enumerate()
        .map(|(index, archetype)| {
            let own: serde_json::Map<String, Value> = intelligence::archetypes::SIGNATURE
                .iter()
                .zip(archetype.signature)
                .filter_map(|(axis, segment)| {
                    let segment = segmentation.axes[*axis as usize].segments.get(usize::from(segment))?;
                    Some((axis.name().to_owned(), json!(segment.name)))
                })
                .collect();
            let broader = broader(segmentation, index);
            json!({
                "id": format!("{:032x}", archetype.id.0),
                "level": match archetype.level { Level::L2 => 2, Level::L1 => 1, Level::Pair | Level::Single => 0 },
                "name": archetype.name,
                "description": archetype.description,
                "parent": (broader != index).then_some(broader),
                "support": archetype.support,
                "segments": own,
            })
        })
        .collect();
    let described: Vec<Value> = FEATURES
        .iter()
        .map(|feature| json!({ "name": feature.name, "axis": feature.axis.name(), "unit": feature.meaning }))
        .chain(support::FEATURES.iter().map(
            |feature| json!({ "name": feature.name, "axis": feature.axis.name(), "unit": feature.meaning }),
        ))
        .collect();
    json!({
        "features": described,
        "axes": axes,
        "archetypes": archetypes,
        // What `detect_drift` compares later runs with, a feature each.
        "psi_reference": (0..features.columns())
            .map(|column| Reference::of((0..features.rows()).map(|row| features.row(row)[column])))
            .collect::<Vec<_>>(),
    })
}

/// The place of the L1 archetype that an L2 archetype belongs to; its own place where there is none.
pub fn broader(segmentation: &Segmentation, index: usize) -> usize {
    let archetypes = &segmentation.archetypes;
    archetypes.list.get(index).and_then(|archetype| archetypes.broader(archetype)).unwrap_or(index)
}
