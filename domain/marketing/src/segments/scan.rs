//! Tests as SQL over `platform.customer_fact`, every value a bound parameter. The statements see the tenant's own
//! rows of one generation; `platform.customer` and members of other segments are looked at only where a test asks.

use sqlx::{Postgres, QueryBuilder};

use super::case::translation;
use super::column::{Column, Range, Storage, day_of, real_of};
use super::resolve::{Match, Quantity, Test, Texts};
use database::ids::TenantId;

/// The rows of one generation in which the customers of a tenant are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rows {
    /// The tenant.
    pub tenant: TenantId,
    /// The generation.
    pub generation: i32,
}

/// Writes ` from ... where ...` with the facts as `f`, so that a statement can follow `select f.customer_id`.
pub fn push_from(query: &mut QueryBuilder<Postgres>, rows: Rows, test: &Test) {
    query.push(" from platform.customer_fact f");
    if asks_customer(test) {
        query.push(
            " left join platform.customer c on c.tenant_id = f.tenant_id and c.customer_id = f.customer_id",
        );
    }
    query.push(" where f.tenant_id = ").push_bind(rows.tenant);
    query.push(" and f.generation = ").push_bind(rows.generation);
    query.push(" and ");
    push_test(query, test);
}

/// Whether the tests look at the shop's list of customers beside the facts.
pub fn asks_customer(test: &Test) -> bool {
    match test {
        Test::All(parts) | Test::Any(parts) => parts.iter().any(asks_customer),
        Test::Not(part) => asks_customer(part),
        Test::Text(text, ..) | Test::TextKnown(text) => *text == Texts::Email,
        Test::Tags(..) | Test::TagsKnown => true,
        Test::Keys(..) | Test::Known(_) | Test::Member(_) => false,
    }
}

/// Whether the tests look at members of other segments.
pub fn asks_members(test: &Test) -> bool {
    match test {
        Test::All(parts) | Test::Any(parts) => parts.iter().any(asks_members),
        Test::Not(part) => asks_members(part),
        Test::Member(_) => true,
        _ => false,
    }
}

/// Writes the condition. It is true or false, or null for something missing, which counts as false; a negation
/// says so itself.
pub(super) fn push_test(query: &mut QueryBuilder<Postgres>, test: &Test) {
    match test {
        Test::All(parts) => push_joined(query, parts, " and ", "true"),
        Test::Any(parts) => push_joined(query, parts, " or ", "false"),
        Test::Not(part) => {
            query.push("(");
            push_test(query, part);
            query.push(") is not true");
        }
        Test::Keys(column, ranges) => push_keys(query, *column, ranges),
        Test::Known(column) => {
            query.push("f.").push(column.name()).push(" is not null");
        }
        Test::Text(text, compare, values) => push_text(query, *text, *compare, values),
        Test::TextKnown(text) => {
            query.push(column_of(*text)).push(" is not null");
        }
        Test::Tags(quantity, values) => push_tags(query, *quantity, values),
        Test::TagsKnown => {
            query.push("c.tags is not null");
        }
        Test::Member(segment) => {
            // Not correlated, so it is read once and hashed, wherever in the condition it stands.
            query.push("f.customer_id in (select m.customer_id from marketing_app.segment_member m where m.segment_id = ");
            query.push_bind(*segment).push(")");
        }
    }
}

fn push_joined(query: &mut QueryBuilder<Postgres>, parts: &[Test], between: &str, empty: &str) {
    query.push("(");
    for (n, part) in parts.iter().enumerate() {
        if n > 0 {
            query.push(between);
        }
        push_test(query, part);
    }
    if parts.is_empty() {
        query.push(empty);
    }
    query.push(")");
}

fn push_keys(query: &mut QueryBuilder<Postgres>, column: Column, ranges: &[Range]) {
    let name = column.name();
    let domain = column.domain();
    query.push("(");
    if ranges.len() > 1 && ranges.iter().all(|range| range.from == range.to) {
        query.push("f.").push(name).push(" = any(");
        push_list(query, column.storage(), ranges);
        query.push("))");
        return;
    }
    for (n, range) in ranges.iter().enumerate() {
        if n > 0 {
            query.push(" or ");
        }
        query.push("f.").push(name);
        match (range.from > domain.from, range.to < domain.to) {
            _ if range.from == range.to => {
                query.push(" = ");
                push_key(query, column.storage(), range.from);
            }
            (true, true) => {
                query.push(" between ");
                push_key(query, column.storage(), range.from);
                query.push(" and ");
                push_key(query, column.storage(), range.to);
            }
            (true, false) => {
                query.push(" >= ");
                push_key(query, column.storage(), range.from);
            }
            (false, true) => {
                query.push(" <= ");
                push_key(query, column.storage(), range.to);
            }
            (false, false) => {
                query.push(" is not null");
            }
        }
    }
    query.push(if ranges.is_empty() { "false)" } else { ")" });
}

fn push_key(query: &mut QueryBuilder<Postgres>, storage: Storage, key: i64) {
    match storage {
        Storage::BigInt => query.push_bind(key),
        Storage::Integer | Storage::Text => query.push_bind(i32::try_from(key).unwrap_or(i32::MAX)),
        Storage::SmallInt => query.push_bind(i16::try_from(key).unwrap_or(i16::MAX)),
        Storage::Date => query.push_bind(day_of(key)),
        Storage::Real => query.push_bind(real_of(key)),
        Storage::Boolean => query.push_bind(key == 1),
    };
}

fn push_list(query: &mut QueryBuilder<Postgres>, storage: Storage, ranges: &[Range]) {
    let keys = ranges.iter().map(|range| range.from);
    match storage {
        Storage::BigInt => query.push_bind(keys.collect::<Vec<i64>>()),
        Storage::Integer | Storage::Text => {
            query.push_bind(keys.map(|key| i32::try_from(key).unwrap_or(i32::MAX)).collect::<Vec<i32>>())
        }
        Storage::SmallInt => {
            query.push_bind(keys.map(|key| i16::try_from(key).unwrap_or(i16::MAX)).collect::<Vec<i16>>())
        }
        Storage::Date => query.push_bind(keys.map(day_of).collect::<Vec<_>>()),
        Storage::Real => query.push_bind(keys.map(real_of).collect::<Vec<f32>>()),
        Storage::Boolean => query.push_bind(keys.map(|key| key == 1).collect::<Vec<bool>>()),
    };
}

fn column_of(text: Texts) -> &'static str {
    match text {
        Texts::Country => "f.shipping_country",
        Texts::State => "f.shipping_state",
        Texts::Email => "c.email",
    }
}

fn push_text(query: &mut QueryBuilder<Postgres>, text: Texts, compare: Match, values: &[String]) {
    let column = column_of(text);
    let push_column = |query: &mut QueryBuilder<Postgres>| match text {
        Texts::Country => {
            query.push(column);
        }
        Texts::State | Texts::Email => push_folded(query, column, values),
    };
    let first = values.first().cloned().unwrap_or_default();
    match compare {
        Match::Equal => {
            push_column(query);
            query.push(" = any(").push_bind(values.to_vec()).push(")");
        }
        Match::Contains => {
            query.push("strpos(");
            push_column(query);
            query.push(", ").push_bind(first).push(") > 0");
        }
        Match::StartsWith => {
            query.push("starts_with(");
            push_column(query);
            query.push(", ").push_bind(first).push(")");
        }
        Match::EndsWith => {
            query.push("right(");
            push_column(query);
            query.push(", char_length(").push_bind(first.clone());
            query.push(")) = ").push_bind(first);
        }
    }
}

/// A text as the values that it is compared with were folded: ASCII by the collation "C", and what else they have.
fn push_folded(query: &mut QueryBuilder<Postgres>, text: &str, values: &[String]) {
    let (from, to) = translation(values);
    if from.is_empty() {
        query.push("lower(").push(text).push(" collate \"C\")");
    } else {
        query.push("translate(lower(").push(text).push(" collate \"C\"), ");
        query.push_bind(from).push(", ").push_bind(to).push(")");
    }
}

fn push_tags(query: &mut QueryBuilder<Postgres>, quantity: Quantity, values: &[String]) {
    let wanted = match quantity {
        Quantity::One => 1,
        Quantity::Every => i64::try_from(values.len()).unwrap_or(i64::MAX),
    };
    query.push("(select count(distinct folded) from (select ");
    push_folded(query, "tag", values);
    query.push(" as folded from unnest(c.tags) tag) t where folded = any(");
    query.push_bind(values.to_vec()).push(")) >= ").push_bind(wanted);
}
