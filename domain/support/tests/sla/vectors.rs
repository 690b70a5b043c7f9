//! Worked examples, computed by stepping through the minutes with another program; and the rules one by one.

use serde_json::json;
use support::sla::clocks::{Clock, EndedBy, Verdict, derive};
use support::sla::facts::{Facts, Inherited};
use support::sla::policy::ClockKind::{self, FirstResponse, NextResponse, Resolution};
use support::sla::policy::Rulebook;
use support::sla::timeline::Standing::{self, AtRisk, Breached, WithinSla};
use uuid::Uuid;

use crate::shapes::{Happens, at, book, business, clock, hours, policy, ticket, version};

const WEEKDAYS: [usize; 5] = [0, 1, 2, 3, 4];
const ALL_DAYS: [usize; 7] = [0, 1, 2, 3, 4, 5, 6];

/// Reads a clock again and again.
struct Read<'a> {
    facts: Facts,
    book: &'a Rulebook,
    kind: ClockKind,
}

impl Read<'_> {
    fn at(&self, now: &str) -> Clock {
        clock(&self.facts, self.book, self.kind, 1, now)
    }

    fn stands(&self, now: &str, elapsed: i64, standing: Standing, due: Option<&str>) {
        let clock = self.at(now);
        let reading = &clock.reading;
        assert_eq!(
            (reading.elapsed.num_seconds(), reading.standing, reading.due_at),
            (elapsed * 60, standing, due.map(at)),
            "{now}"
        );
    }

    fn ended(&self, now: &str, elapsed: i64, verdict: Verdict) {
        let clock = self.at(now);
        assert_eq!(
            (clock.reading.elapsed.num_seconds(), clock.verdict),
            (elapsed * 60, Some(verdict)),
            "{now}"
        );
    }
}

#[test]
fn always_open_over_the_night_in_which_clocks_go_forward() {
    let book = book(
        hours("Europe/Berlin", &ALL_DAYS, json!([["00:00", "24:00"]]), &[]),
        json!({ "normal": { "resolution": business(480) } }),
    );
    let read = Read { facts: ticket("2026-03-28T23:00:00+01:00"), book: &book, kind: Resolution };
    let due = Some("2026-03-29T08:00:00+02:00");
    read.stands("2026-03-29T05:00:00+02:00", 300, WithinSla, due);
    read.stands("2026-03-29T07:00:00+02:00", 420, AtRisk, due);
    read.stands("2026-03-29T08:00:00+02:00", 480, AtRisk, due);
    read.stands("2026-03-29T08:01:00+02:00", 481, Breached, due);
}

#[test]
fn holidays_and_a_weekend_between_question_and_answer() {
    let book = book(
        hours("Europe/Berlin", &WEEKDAYS, json!([["09:00", "17:00"]]), &["2026-04-03", "2026-04-06"]),
        json!({ "normal": { "first_response": business(480) } }),
    );
    let facts = ticket("2026-04-02T20:00:00+02:00").reply("2026-04-07T17:05:00+02:00");
    let read = Read { facts, book: &book, kind: FirstResponse };
    let due = Some("2026-04-07T17:00:00+02:00");
    read.stands("2026-04-07T15:24:00+02:00", 384, AtRisk, due);
    read.stands("2026-04-07T17:01:00+02:00", 480, Breached, due);
    read.ended("2026-04-08T17:05:00+02:00", 480, Verdict::Missed);
}

#[test]
fn a_break_at_noon() {
    let book = book(
        hours("America/New_York", &WEEKDAYS, json!([["08:00", "12:00"], ["13:00", "18:00"]]), &[]),
        json!({ "normal": { "first_response": business(120) } }),
    );
    let facts = ticket("2026-05-13T11:50:00-04:00").reply("2026-05-13T14:30:00-04:00");
    let read = Read { facts, book: &book, kind: FirstResponse };
    let due = Some("2026-05-13T14:50:00-04:00");
    read.stands("2026-05-13T12:30:00-04:00", 10, WithinSla, due);
    read.stands("2026-05-13T14:25:00-04:00", 95, WithinSla, due);
    read.stands("2026-05-13T14:26:00-04:00", 96, AtRisk, due);
    read.ended("2026-05-13T14:31:00-04:00", 100, Verdict::Met);
}

#[test]
fn a_pause_over_a_weekend() {
    let book = book(
        hours("Europe/Berlin", &WEEKDAYS, json!([["09:00", "17:00"]]), &[]),
        json!({ "normal": { "resolution": business(1440) } }),
    );
    let facts = ticket("2026-10-21T10:00:00+02:00")
        .status("2026-10-23T15:00:00+02:00", "pending")
        .customer("2026-10-26T11:00:00+01:00")
        .status("2026-10-26T11:00:00+01:00", "open");
    let read = Read { facts, book: &book, kind: Resolution };
    read.stands("2026-10-23T14:00:00+02:00", 1200, AtRisk, Some("2026-10-26T10:00:00+01:00"));
    read.stands("2026-10-24T12:00:00+02:00", 1260, AtRisk, None);
    assert!(read.at("2026-10-24T12:00:00+02:00").reading.paused);
    assert_eq!(read.at("2026-10-24T12:00:00+02:00").state(), "paused");
    let due = Some("2026-10-26T14:00:00+01:00");
    read.stands("2026-10-26T11:00:00+01:00", 1260, AtRisk, due);
    read.stands("2026-10-26T14:01:00+01:00", 1441, Breached, due);
}

#[test]
fn an_hour_that_comes_twice() {
    let book = book(
        hours("America/New_York", &ALL_DAYS, json!([["00:00", "06:00"]]), &[]),
        json!({ "normal": { "resolution": business(360) } }),
    );
    let read = Read { facts: ticket("2026-11-01T00:30:00-04:00"), book: &book, kind: Resolution };
    let due = Some("2026-11-01T05:30:00-05:00");
    read.stands("2026-11-01T01:30:00-04:00", 60, WithinSla, due);
    read.stands("2026-11-01T01:30:00-05:00", 120, WithinSla, due);
    read.stands("2026-11-01T04:18:00-05:00", 288, AtRisk, due);
}

#[test]
fn priorities_hold_from_their_instants() {
    let book = book(
        hours("Europe/Berlin", &WEEKDAYS, json!([["09:00", "17:00"]]), &[]),
        json!({
            "normal": { "first_response": business(480) },
            "high": { "first_response": business(120) },
            "urgent": { "first_response": business(30) }
        }),
    );
    let facts = ticket("2026-06-15T15:30:00+02:00")
        .priority("2026-06-15T18:30:00+02:00", "high")
        .priority("2026-06-16T09:10:00+02:00", "urgent")
        .reply("2026-06-16T09:20:00+02:00");
    let read = Read { facts, book: &book, kind: FirstResponse };
    read.stands("2026-06-15T17:30:00+02:00", 90, WithinSla, Some("2026-06-16T15:30:00+02:00"));
    read.stands("2026-06-15T19:00:00+02:00", 90, WithinSla, Some("2026-06-16T09:30:00+02:00"));
    read.stands("2026-06-16T09:09:00+02:00", 99, AtRisk, Some("2026-06-16T09:30:00+02:00"));
    let due = Some("2026-06-16T09:10:00+02:00");
    read.stands("2026-06-16T09:10:00+02:00", 100, AtRisk, due);
    read.stands("2026-06-16T09:11:00+02:00", 101, Breached, due);
    read.ended("2026-06-16T10:00:00+02:00", 110, Verdict::Missed);
    assert_eq!(read.at("2026-06-16T10:00:00+02:00").target_version(), 3);
}

#[test]
fn resolved_time_never_counts() {
    let book = book(
        hours("America/New_York", &WEEKDAYS, json!([["09:00", "17:00"]]), &[]),
        json!({ "normal": { "resolution": business(600) } }),
    );
    let facts = ticket("2026-03-05T13:00:00-05:00")
        .status("2026-03-06T11:00:00-05:00", "resolved")
        .customer("2026-03-09T10:00:00-04:00")
        .status("2026-03-09T10:00:00-04:00", "open")
        .status("2026-03-09T14:30:00-04:00", "resolved");
    let read = Read { facts, book: &book, kind: Resolution };
    read.ended("2026-03-07T11:00:00-05:00", 360, Verdict::Met);
    assert_eq!(
        read.at("2026-03-07T11:00:00-05:00").reading.due_at,
        Some(at("2026-03-06T15:00:00-05:00")),
        "as if it had gone on"
    );
    let due = Some("2026-03-09T14:00:00-04:00");
    read.stands("2026-03-09T10:00:00-04:00", 360, WithinSla, due);
    read.stands("2026-03-09T14:01:00-04:00", 601, Breached, due);
    read.ended("2026-03-10T09:00:00-04:00", 630, Verdict::Missed);
    let history = read.at("2026-03-10T09:00:00-04:00").superseded;
    assert_eq!(history.len(), 1);
    assert_eq!((history[0].by.as_str(), history[0].was.as_str()), ("reopened", "met"));
}

fn around_the_clock(targets: serde_json::Value) -> Rulebook {
    book(hours("UTC", &ALL_DAYS, json!([["00:00", "24:00"]]), &[]), targets)
}

#[test]
fn the_next_response_runs_from_the_first_unanswered_message_until_a_reply_or_the_end() {
    let book = around_the_clock(json!({ "normal": {
        "first_response": { "minutes": 60, "time": "calendar" }, "next_response": { "minutes": 60, "time": "calendar" } } }));
    let facts = ticket("2026-05-01T10:00:00Z")
        .reply("2026-05-01T10:30:00Z")
        .customer("2026-05-01T11:00:00Z")
        .customer("2026-05-01T11:50:00Z")
        .reply("2026-05-01T12:10:00Z")
        .customer("2026-05-01T13:00:00Z")
        .status("2026-05-01T13:20:00Z", "resolved");
    let first = clock(&facts, &book, FirstResponse, 1, "2026-05-01T14:00:00Z");
    assert_eq!(first.verdict, Some(Verdict::Met));
    let next = clock(&facts, &book, NextResponse, 1, "2026-05-01T14:00:00Z");
    assert_eq!((next.timeline.start, next.verdict), (at("2026-05-01T11:00:00Z"), Some(Verdict::Missed)));
    let last = clock(&facts, &book, NextResponse, 2, "2026-05-01T14:00:00Z");
    assert_eq!((last.verdict, last.ended_by), (Some(Verdict::Met), Some(EndedBy::Resolved)));
}

#[test]
fn a_ticket_resolved_in_time_without_an_answer_owes_none() {
    let book =
        around_the_clock(json!({ "normal": { "first_response": { "minutes": 60, "time": "calendar" } } }));
    let at_ten = || ticket("2026-05-01T10:00:00Z");
    let in_time = at_ten().status("2026-05-01T10:59:00Z", "resolved");
    let late = at_ten().status("2026-05-01T11:00:01Z", "resolved");
    assert_eq!(
        clock(&in_time, &book, FirstResponse, 1, "2026-05-02T00:00:00Z").verdict,
        Some(Verdict::Cancelled)
    );
    assert_eq!(clock(&late, &book, FirstResponse, 1, "2026-05-02T00:00:00Z").verdict, Some(Verdict::Missed));
}

#[test]
fn what_an_agent_opened_owes_an_answer_once_the_customer_wrote() {
    let book =
        around_the_clock(json!({ "normal": { "first_response": { "minutes": 60, "time": "calendar" } } }));
    let mut facts =
        ticket("2026-05-01T10:00:00Z").customer("2026-05-02T10:00:00Z").reply("2026-05-02T10:30:00Z");
    facts.messages[0].from_agent = true;
    let first = clock(&facts, &book, FirstResponse, 1, "2026-05-03T00:00:00Z");
    assert_eq!((first.timeline.start, first.verdict), (at("2026-05-02T10:00:00Z"), Some(Verdict::Met)));
}

#[test]
fn a_merged_ticket_owes_nothing_and_its_target_keeps_the_older_message() {
    let book = around_the_clock(json!({ "normal": {
        "first_response": { "minutes": 60, "time": "calendar" }, "next_response": { "minutes": 60, "time": "calendar" } } }));
    let mut source = ticket("2026-05-01T10:00:00Z");
    source.is_merged = true;
    source.changes.push(support::sla::facts::Change {
        at: at("2026-05-01T10:20:00Z"),
        field: "merged_into".to_owned(),
        old: None,
        new: Some(json!(Uuid::now_v7())),
    });
    let now = at("2026-05-01T12:00:00Z");
    let clocks = derive(&source, &book, now);
    let first = clocks.iter().find(|clock| clock.kind == FirstResponse).expect("the clock");
    assert_eq!((first.verdict, first.ended_at), (Some(Verdict::Cancelled), Some(at("2026-05-01T10:20:00Z"))));

    // The target was answered after the source's message, which nobody has answered.
    let mut target =
        ticket("2026-05-01T09:00:00Z").reply("2026-05-01T10:10:00Z").customer("2026-05-01T10:15:00Z");
    target.inherited.push(Inherited { at: at("2026-05-01T10:20:00Z"), since: at("2026-05-01T10:00:00Z") });
    let clocks = derive(&target, &book, now);
    let next: Vec<_> = clocks.iter().filter(|clock| clock.kind == NextResponse).collect();
    assert_eq!(next.len(), 1);
    assert_eq!((next[0].timeline.start, next[0].verdict), (at("2026-05-01T10:00:00Z"), None));
}

#[test]
fn spam_owes_nothing_until_it_is_found_to_be_none() {
    let book =
        around_the_clock(json!({ "normal": { "first_response": { "minutes": 60, "time": "calendar" } } }));
    let mut facts = ticket("2026-05-01T10:00:00Z");
    facts.is_spam = true;
    let now = at("2026-05-01T12:00:00Z");
    assert_eq!(derive(&facts, &book, now)[0].verdict, Some(Verdict::Cancelled));
    facts.is_spam = false;
    assert_eq!(derive(&facts, &book, now)[0].reading.standing, Breached);
}

#[test]
fn a_longer_target_lifts_a_breach_and_what_ended_stays() {
    let calendar = Uuid::now_v7();
    let change = "2026-05-01T12:00:00Z";
    let promise =
        |minutes: i64| json!({ "normal": { "first_response": { "minutes": minutes, "time": "calendar" } } });
    let book = Rulebook::new(
        vec![
            policy(calendar, "2000-01-01T00:00:00Z", Some(change), 0, promise(60)),
            policy(calendar, change, None, 0, promise(300)),
        ],
        Vec::new(),
    );
    let open = ticket("2026-05-01T10:00:00Z");
    let lifted = clock(&open, &book, FirstResponse, 1, "2026-05-01T12:30:00Z");
    assert_eq!(
        (lifted.reading.standing, lifted.reading.due_at),
        (WithinSla, Some(at("2026-05-01T15:00:00Z")))
    );
    assert_eq!(lifted.superseded[0].due_at, Some(at("2026-05-01T11:00:00Z")));
    assert_eq!((lifted.superseded[0].at, lifted.target_version()), (at(change), 2));
    let answered = open.reply("2026-05-01T11:30:00Z");
    let ended = clock(&answered, &book, FirstResponse, 1, "2026-05-01T12:30:00Z");
    assert_eq!((ended.verdict, ended.target_version()), (Some(Verdict::Missed), 1));
}

#[test]
fn a_changed_calendar_counts_the_rest_on_the_new_hours() {
    let calendar = Uuid::now_v7();
    let change = "2026-05-04T12:00:00Z";
    let book = Rulebook::new(
        vec![policy(
            calendar,
            "2000-01-01T00:00:00Z",
            None,
            0,
            json!({ "normal": { "resolution": business(480) } }),
        )],
        vec![
            version(
                calendar,
                "2000-01-01T00:00:00Z",
                Some(change),
                hours("UTC", &WEEKDAYS, json!([["09:00", "17:00"]]), &[]),
            ),
            version(calendar, change, None, hours("UTC", &WEEKDAYS, json!([["09:00", "13:00"]]), &[])),
        ],
    );
    let facts = ticket("2026-05-04T10:00:00Z");
    let before = clock(&facts, &book, Resolution, 1, "2026-05-04T11:00:00Z");
    // The change is known beforehand here, so the due time tells of it already: 2 h, then 4 h a day.
    assert_eq!(before.reading.due_at, Some(at("2026-05-06T10:00:00Z")));
    let after = clock(&facts, &book, Resolution, 1, "2026-05-04T13:30:00Z");
    assert_eq!(after.reading.elapsed.num_minutes(), 180);
}

#[test]
fn nothing_is_rounded() {
    let book =
        around_the_clock(json!({ "normal": { "first_response": { "minutes": 1, "time": "calendar" } } }));
    let start = "2026-05-01T10:00:00.123456Z";
    let facts = ticket(start).reply("2026-05-01T10:01:00.123457Z");
    let ended = clock(&facts, &book, FirstResponse, 1, "2026-05-01T11:00:00Z");
    assert_eq!(
        (ended.verdict, ended.reading.elapsed.num_microseconds()),
        (Some(Verdict::Missed), Some(60_000_001))
    );
    let facts = ticket(start).reply("2026-05-01T10:01:00.123456Z");
    assert_eq!(clock(&facts, &book, FirstResponse, 1, "2026-05-01T11:00:00Z").verdict, Some(Verdict::Met));
}

#[test]
fn a_first_response_that_was_resolved_away_goes_on_when_the_ticket_is_opened_again() {
    let book = around_the_clock(json!({ "normal": {
        "first_response": { "minutes": 60, "time": "calendar" }, "next_response": { "minutes": 60, "time": "calendar" } } }));
    let reopened = || {
        ticket("2026-05-01T10:00:00Z")
            .status("2026-05-01T10:20:00Z", "resolved")
            .customer("2026-05-01T12:00:00Z")
            .status("2026-05-01T12:00:00Z", "open")
    };
    let first = clock(&reopened(), &book, FirstResponse, 1, "2026-05-01T12:10:00Z");
    assert_eq!((first.ended_at, first.reading.due_at), (None, Some(at("2026-05-01T12:40:00Z"))));
    assert_eq!(
        (first.superseded[0].by.as_str(), first.superseded[0].was.as_str()),
        ("reopened", "cancelled")
    );
    let answered = reopened().reply("2026-05-01T12:30:00Z");
    let first = clock(&answered, &book, FirstResponse, 1, "2026-05-01T13:00:00Z");
    assert_eq!((first.verdict, first.reading.elapsed.num_minutes()), (Some(Verdict::Met), 50));
    let late =
        clock(&reopened().reply("2026-05-01T12:41:00Z"), &book, FirstResponse, 1, "2026-05-01T13:00:00Z");
    assert_eq!(late.verdict, Some(Verdict::Missed));
    // Resolved once more without an answer it owes none; what is said to it afterwards is no first response.
    let again = reopened().status("2026-05-01T12:30:00Z", "resolved").reply("2026-05-01T12:35:00Z");
    let first = clock(&again, &book, FirstResponse, 1, "2026-05-01T13:00:00Z");
    assert_eq!((first.verdict, first.ended_at), (Some(Verdict::Cancelled), Some(at("2026-05-01T12:30:00Z"))));
}
