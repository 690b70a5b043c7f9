//! The tags of a ticket. There may be more than are kept; those that decide whether a draft is made are kept always.

use std::collections::HashSet;

use super::fields::{IN_A_TEXT, Object, Plain, UNFILLED, is_one_placeholder, last_items, plain, within_text};
use super::remarks::Remarks;
use super::rules;
use crate::tickets::tags::once;

/// At most this many tags of a ticket are kept.
const TAG_LIMIT: usize = 100;
/// At most this many are read.
const LOOKED_AT: usize = 20_000;

/// Tags come as objects with a name, as plain texts, or as one text with commas. Not mentioned is not none.
pub(super) fn read_tags(ticket: &Object<'_>, remarks: &mut Remarks) -> Option<Vec<String>> {
    let name = "tags";
    let raw = ticket.value(name)?;
    let inner = within_text(raw).filter(|inner| inner.get().starts_with('['));
    if inner.is_some() {
        remarks.add(ticket.path(name), IN_A_TEXT);
    }
    let raw = inner.as_deref().unwrap_or(raw);
    let mut tags: Vec<String> = match plain(raw)? {
        // Of its own: what follows its name may have commas.
        Plain::Text(text) if is_one_placeholder(&text) => vec![text],
        Plain::Text(text) => text.split(',').map(|tag| tag.trim().to_owned()).collect(),
        _ => {
            let items = last_items(&ticket.path(name), raw, LOOKED_AT, remarks)?;
            items
                .into_iter()
                .filter_map(|(index, raw)| {
                    let path = ticket.path(&format!("{name}[{index}]"));
                    let tag = match plain(raw)? {
                        Plain::Text(tag) => Some(tag.trim().to_owned()),
                        Plain::Object => Object::of(path.as_str(), raw, &["name"])
                            .and_then(|tag| tag.text("name", 100, &mut Remarks::default())),
                        _ => None,
                    };
                    if tag.is_none() {
                        remarks.add(path, "is neither a name nor an object with a name; it was left out");
                    }
                    tag
                })
                .collect()
        }
    };
    tags.retain(|tag| !tag.is_empty());
    let mentioned = tags.len();
    tags.retain(|tag| !is_one_placeholder(tag));
    if tags.len() < mentioned {
        remarks.add(ticket.path(name), format!("one {UNFILLED}; it was left out"));
        if tags.is_empty() {
            return None;
        }
    }
    for tag in &mut tags {
        *tag = tag.chars().take(100).collect();
    }
    // Before they are compared each with each, which only few can be.
    let mut known = HashSet::with_capacity(tags.len());
    tags.retain(|tag| known.insert(tag.to_lowercase()));
    if tags.len() > TAG_LIMIT {
        let problem = format!("has more than {TAG_LIMIT} items; {} were left out", tags.len() - TAG_LIMIT);
        remarks.add(ticket.path(name), problem);
    }
    Some(once(&kept(tags)))
}

/// The last of them, and in front of those all that decide whether a draft is made.
fn kept(tags: Vec<String>) -> Vec<String> {
    if tags.len() <= TAG_LIMIT {
        return tags;
    }
    let decides = |tag: &String| {
        let tag = tag.to_lowercase();
        rules::FORBIDDING_TAGS.iter().chain(&rules::FORCING_TAGS).any(|deciding| **deciding == tag)
    };
    let (mut kept, others): (Vec<String>, Vec<String>) = tags.into_iter().partition(decides);
    kept.truncate(TAG_LIMIT);
    let room = TAG_LIMIT - kept.len();
    kept.extend(others.into_iter().rev().take(room).rev());
    kept
}
