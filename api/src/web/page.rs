//! Pages of a list: at most 100 items, and an opaque cursor that leads to the next ones. A cursor carries the mark of its
//! list, so another list's is refused rather than read as a place in this one.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::web::{problem::Problem, query::Params};

/// How many items a page has when the caller does not say.
const DEFAULT_LIMIT: i64 = 50;

/// How many items a page has at most.
pub const MAX_LIMIT: i64 = 100;

/// The longest cursor, in characters: what it leads on from is a customer's name and id at most.
pub const MAX_CURSOR: usize = 2_000;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items, newest first unless the path says otherwise.
    pub items: Vec<T>,
    /// Leads to the next page as `?cursor=`; null on the last.
    pub next_cursor: Option<String>,
}

/// Which page is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// How many items, 1 to 100.
    pub limit: i64,
    /// The text behind the cursor: what the previous page's last item was known by.
    pub after: Option<String>,
    /// The path of the list.
    path: String,
}

impl PageRequest {
    /// Reads `limit` and `cursor`.
    ///
    /// # Errors
    /// 400 naming the parameter.
    pub fn of(params: &Params) -> Result<PageRequest, Problem> {
        let limit = params.number("limit")?.unwrap_or(DEFAULT_LIMIT);
        let path = params.path().to_owned();
        let after = params.text("cursor")?.map(|cursor| decode(&path, cursor)).transpose()?;
        Ok(PageRequest { limit, after, path })
    }

    /// The id behind the cursor, where pages follow ids.
    ///
    /// # Errors
    /// 400 naming `cursor`.
    pub fn after_id(&self) -> Result<Option<Uuid>, Problem> {
        self.after.as_deref().map(|text| text.parse().map_err(|_| bad_cursor())).transpose()
    }

    /// The place behind the cursor, where pages follow time and id: see [`place`].
    ///
    /// # Errors
    /// 400 naming `cursor`.
    pub fn after_place(&self) -> Result<Option<(DateTime<Utc>, Uuid)>, Problem> {
        self.after.as_deref().map(read_place).transpose()
    }

    /// One more than the limit: whether that one comes tells whether there is a next page.
    pub fn limit_and_one(&self) -> i64 {
        self.limit + 1
    }

    /// The page out of up to [`PageRequest::limit_and_one`] items; `key` is what an item is known by.
    pub fn page<T>(&self, mut items: Vec<T>, key: impl Fn(&T) -> String) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| has_more).map(|item| cursor(&self.path, &key(item)));
        Page { items, next_cursor }
    }

    /// Ends a page after `len` items, one at least; the next one goes on behind them.
    pub fn cut<T>(&self, page: &mut Page<T>, len: usize, key: impl Fn(&T) -> String) {
        if len < page.items.len() {
            page.items.truncate(len.max(1));
            page.next_cursor = page.items.last().map(|item| cursor(&self.path, &key(item)));
        }
    }
}

/// An item's place in a list by time and id, as [`PageRequest::after_place`] reads it: microseconds since 1970, as
/// fine as the database's time, and the id.
pub fn place(at: DateTime<Utc>, id: Uuid) -> String {
    format!("{} {id}", at.timestamp_micros())
}

fn read_place(text: &str) -> Result<(DateTime<Utc>, Uuid), Problem> {
    let (micros, id) = text.split_once(' ').ok_or_else(bad_cursor)?;
    let at = micros.parse().ok().and_then(DateTime::from_timestamp_micros).ok_or_else(bad_cursor)?;
    Ok((at, id.parse().map_err(|_| bad_cursor())?))
}

/// The answer to a cursor that was not handed out here.
pub fn bad_cursor() -> Problem {
    Problem::bad_request("cursor", "this is not a cursor of this list; take next_cursor of the page before")
}

/// The cursor of the list at `path` that leads on behind the item known by `key`.
pub fn cursor(path: &str, key: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}\n{key}", mark(path)))
}

/// What a list's cursors begin with: short, because what a cursor may hold has a bound, and paths may be long.
fn mark(path: &str) -> String {
    hex::encode(&Sha256::digest(path)[..4])
}

/// The key of an item of the list at `path`.
fn decode(path: &str, cursor: &str) -> Result<String, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| bad_cursor())?;
    let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0')).ok_or_else(bad_cursor)?;
    match text.split_once('\n') {
        Some((list, key)) if list == mark(path) => Ok(key.to_owned()),
        _ => Err(bad_cursor()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(query: &str) -> Result<PageRequest, Problem> {
        PageRequest::of(&Params::parse(query, &["limit", "cursor"]).expect("known parameters"))
    }

    #[test]
    fn a_cursor_leads_on_from_the_last_item_shown() {
        let ids: Vec<Uuid> = (0..3).map(|_| Uuid::now_v7()).collect();
        let first = request("limit=2").expect("a page").page(ids.clone(), Uuid::to_string);
        assert_eq!(first.items, ids[..2]);
        let next = request(&format!("cursor={}", first.next_cursor.expect("a next page"))).expect("a page");
        assert_eq!(next.after_id(), Ok(Some(ids[1])));
        assert_eq!(next.page(vec![ids[2]], Uuid::to_string).next_cursor, None);
    }

    #[test]
    fn a_cursor_leads_on_in_its_own_list_only() {
        let of = |path: &str, cursor: &str| {
            let uri = format!("{path}?cursor={cursor}").parse().expect("an address");
            PageRequest::of(&Params::of(&uri, &["cursor"]).expect("a known parameter"))
        };
        let tickets = PageRequest { limit: 1, after: None, path: "/api/tickets".to_owned() };
        let mut page = tickets.page(vec!["b\nc", "d"], |item| (*item).to_owned());
        let next = page.next_cursor.clone().expect("a next page");
        assert_eq!(of("/api/tickets", &next).map(|request| request.after), Ok(Some("b\nc".to_owned())));
        assert_eq!(of("/api/customers", &next), Err(bad_cursor()));
        let without_a_list = URL_SAFE_NO_PAD.encode("b");
        assert_eq!(of("/api/tickets", &without_a_list), Err(bad_cursor()));

        page.items = vec!["x", "y", "z"];
        tickets.cut(&mut page, 2, |item| (*item).to_owned());
        assert_eq!((page.items, page.next_cursor), (vec!["x", "y"], Some(cursor("/api/tickets", "y"))));
    }

    #[test]
    fn a_place_in_a_list_is_read_back_and_nothing_else_is() {
        let id = Uuid::now_v7();
        let at = DateTime::from_timestamp_micros(1_700_000_000_000_001).expect("a time");
        assert_eq!(read_place(&place(at, id)), Ok((at, id)));
        for bad in ["", "1700000000000001", "x y", "99999999999999999999 x", "1700000000000001 x"] {
            assert_eq!(read_place(bad), Err(bad_cursor()), "{bad}");
        }
    }

    #[test]
    fn bad_cursors_are_named() {
        let field = |query: &str| {
            let problem = request(query).and_then(|request| request.after_id()).expect_err(query);
            problem.field.expect("a field").into_owned()
        };
        let no_id = format!("cursor={}", cursor("/", "not-an-id"));
        for query in ["cursor=%25%25", "cursor=bm90LWFuLWlk", "cursor=", &no_id] {
            assert_eq!(field(query), "cursor", "{query}");
        }
        assert_eq!(field("limit=many"), "limit");
    }
}
