//! Dates in all their orders, what is none, and what proves an order.

use super::*;

fn read(text: &str, order: Option<DateOrder>) -> Result<String, DateError> {
    parse(text, order).map(|moment| {
        let offset = moment.offset_secs.map(|secs| format!(" {secs}")).unwrap_or_default();
        format!("{}{offset}", moment.local.format("%Y-%m-%dT%H:%M:%S%.f"))
    })
}

#[test]
fn dates_that_need_no_order() {
    for (text, expected) in [
        ("2026-10-07", "2026-10-07T00:00:00"),
        ("2026-10-07 09:50:26", "2026-10-07T09:50:26"),
        ("2026-10-07T09:50:26", "2026-10-07T09:50:26"),
        ("2026-10-07 09:50", "2026-10-07T09:50:00"),
        ("2026-10-07 09:50:26 +0200", "2026-10-07T09:50:26 7200"),
        ("2026-10-07T09:50:26.123456Z", "2026-10-07T09:50:26.123456 0"),
        ("2026-10-07T09:50:26-05:30", "2026-10-07T09:50:26 -19800"),
        ("2026-10-07 09:50:26 UTC", "2026-10-07T09:50:26 0"),
        ("2026-10-07 09:50:26 GMT+2", "2026-10-07T09:50:26 7200"),
        ("2026/10/7 9:05", "2026-10-07T09:05:00"),
        ("20261007", "2026-10-07T00:00:00"),
        ("1795168800", "2026-11-20T10:00:00 0"),
        ("1795168800000", "2026-11-20T10:00:00 0"),
        ("Oct 7, 2026, 1:05 PM", "2026-10-07T13:05:00"),
        ("October 7, 2026 12:05 am", "2026-10-07T00:05:00"),
        ("7 Oct 2026", "2026-10-07T00:00:00"),
        ("07-Oct-26 10:15:32", "2026-10-07T10:15:32"),
        ("03.10.2026", "2026-10-03T00:00:00"),
        ("13/10/2026", "2026-10-13T00:00:00"),
        ("10/13/2026", "2026-10-13T00:00:00"),
        ("10/10/2026", "2026-10-10T00:00:00"),
        ("2026-06-30T23:59:60Z", "2026-06-30T23:59:59 0"),
        ("3.4.24", "2024-04-03T00:00:00"),
        ("3.4.24 8:15", "2024-04-03T08:15:00"),
        ("13. 10. 2026", "2026-10-13T00:00:00"),
        ("2026. 10. 13. 8:15", "2026-10-13T08:15:00"),
        ("7. Oktober 2026", "2026-10-07T00:00:00"),
        ("07. M\u{e4}rz 2026 10:15", "2026-03-07T10:15:00"),
        ("7\u{a0}ao\u{fb}t\u{202f}2026", "2026-08-07T00:00:00"),
        ("7 de octubre de 2026", "2026-10-07T00:00:00"),
        ("07-dic-26", "2026-12-07T00:00:00"),
        ("14. maj 2026", "2026-05-14T00:00:00"),
        ("1 augusti 2026", "2026-08-01T00:00:00"),
        ("1. marts 2026", "2026-03-01T00:00:00"),
        ("2026\u{5e74}10\u{6708}13\u{65e5}", "2026-10-13T00:00:00"),
        ("2026\u{5e74}10\u{6708}3\u{65e5} 9\u{6642}05\u{5206}", "2026-10-03T09:05:00"),
        ("2026\u{5e74}10\u{6708}3\u{65e5} 9:05:07", "2026-10-03T09:05:07"),
        ("Tue, 13 Oct 2026 10:15:00 GMT", "2026-10-13T10:15:00 0"),
        ("Dienstag, 13. Oktober 2026", "2026-10-13T00:00:00"),
        ("13.10.2026 10:15 Uhr", "2026-10-13T10:15:00"),
        ("2026-10-13 10h15", "2026-10-13T10:15:00"),
        ("2026-10-13 10.15.07", "2026-10-13T10:15:07"),
        ("20261013101507", "2026-10-13T10:15:07"),
        ("20261013T1015", "2026-10-13T10:15:00"),
        ("20261013T101507Z", "2026-10-13T10:15:07 0"),
        ("Mo., 1. M\u{e4}rz 2026 14:05", "2026-03-01T14:05:00"),
        ("1. Mar 2026 at 14:05:00", "2026-03-01T14:05:00"),
        ("Mar 1, 2026 at 2:05\u{202f}PM", "2026-03-01T14:05:00"),
        ("1. M\u{e4}rz 2026 um 14:05 Uhr", "2026-03-01T14:05:00"),
        ("1 mars 2026 \u{e0} 14:05", "2026-03-01T14:05:00"),
        ("13/3/2026 12:05 a.m.", "2026-03-13T00:05:00"),
        ("13/3/2026, 12:05:10 p.\u{a0}m.", "2026-03-13T12:05:10"),
        ("Mo 02.03.2026", "2026-03-02T00:00:00"),
        ("Sonntag 1. M\u{e4}rz 2026", "2026-03-01T00:00:00"),
        ("mar 13, 2026", "2026-03-13T00:00:00"),
        ("Fri Mar 13 2026 14:05:00 GMT+0100 (Central European Standard Time)", "2026-03-13T14:05:00 3600"),
        ("2026-03-06T14:05:07+01:00[Europe/Berlin]", "2026-03-06T14:05:07 3600"),
    ] {
        assert_eq!(read(text, None).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn dates_in_an_order() {
    use DateOrder::{DayFirst, MonthFirst, YearFirst};
    for (text, order, expected) in [
        ("03/10/2026", Some(DayFirst), Ok("2026-10-03T00:00:00")),
        ("03/10/2026", Some(MonthFirst), Ok("2026-03-10T00:00:00")),
        ("03/10/2026", None, Err(DateError::Open)),
        ("13/10/2026", Some(MonthFirst), Err(DateError::OtherOrder)),
        ("10/13/2026 10:15", Some(DayFirst), Err(DateError::OtherOrder)),
        ("31/11/2026", Some(DayFirst), Err(DateError::NoSuchDay)),
        ("10/1/26 8:26", Some(MonthFirst), Ok("2026-10-01T08:26:00")),
        ("26/10/01", Some(YearFirst), Ok("2026-10-01T00:00:00")),
        // A year has two digits.
        ("3/4/24", Some(YearFirst), Err(DateError::OtherOrder)),
        ("1/2/1998", Some(MonthFirst), Ok("1998-01-02T00:00:00")),
    ] {
        assert_eq!(read(text, order), expected.map(str::to_owned), "{text}");
    }
}

#[test]
fn what_is_no_date() {
    for text in [
        "",
        "yesterday",
        "2026",
        "10/2026",
        "2026-10-07T",
        "2026-10-07 9",
        "2026-10-07 10:15 CET",
        "1/2/3",
        "2026-1-1-1",
        "7 Foo 2026",
        "+5",
        "1e5",
        "Tue, Wed",
        "2026\u{5e74}",
        "20261013T1",
        "20261013T10150",
        "2026-10-13 10h",
        "2026-10-13 9.5",
        "about 13.10.2026",
        "2026-10-13 10:15 (CET)",
        "2026-10-13 at",
        "2026-10-13 10:15 p.",
    ] {
        assert_eq!(read(text, None), Err(DateError::NotADate), "{text}");
    }
    for text in [
        "2026-13-01",
        "2026-02-30",
        "2026-10-07 25:00:00",
        "20261340",
        "2026-10-07 13:00 PM",
        "20261013T2515",
    ] {
        assert_eq!(read(text, None), Err(DateError::NoSuchDay), "{text}");
    }
    assert_eq!(read("45937", None), Err(DateError::DayNumber));
    assert_eq!(read("45937.4271", None), Err(DateError::DayNumber));
}

#[test]
fn one_cell_proves_the_order_of_all() {
    let verdict = |cells: &[&str]| {
        let mut evidence = Evidence::default();
        for cell in cells {
            evidence.see(cell, None);
        }
        match evidence.verdict() {
            Verdict::Unneeded => "unneeded".to_owned(),
            Verdict::Proven(order, witness) => format!("{order:?} {}", witness.text),
            Verdict::Contradictory(one, other) => format!("{} against {}", one.text, other.text),
            Verdict::Open(witness) => format!("open {}", witness.text),
        }
    };
    assert_eq!(verdict(&["2026-10-07", "Oct 7, 2026"]), "unneeded");
    assert_eq!(verdict(&["03/10/2026", "13/10/2026", "04/11/2026 18:30"]), "DayFirst 13/10/2026");
    assert_eq!(verdict(&["03/10/2026", "04/11/2026"]), "open 03/10/2026");
    assert_eq!(verdict(&["10/10/2026"]), "unneeded");
    assert_eq!(verdict(&["13/10/2026", "10/13/2026"]), "13/10/2026 against 10/13/2026");
    assert_eq!(verdict(&["03.10.2026"]), "DayFirst 03.10.2026");
    assert_eq!(verdict(&["03.10.2026", "10.13.2026"]), "MonthFirst 10.13.2026");
    assert_eq!(verdict(&["26/10/01", "26/10/13"]), "open 26/10/01");
    assert_eq!(verdict(&["99/10/01", "99/10/13"]), "YearFirst 99/10/01");
    assert_eq!(verdict(&["13.10.26", "14.10.26"]), "open 13.10.26");
    assert_eq!(verdict(&["13.10.98", "14.10.26"]), "DayFirst 13.10.98");
    assert_eq!(verdict(&["13.10.26", "3.4.24"]), "DayFirst 13.10.26");
    assert_eq!(verdict(&["3.4.24"]), "DayFirst 3.4.24");
    // With a slash nothing says, and with another form beside it neither.
    assert_eq!(verdict(&["3/4/24"]), "open 3/4/24");
    assert_eq!(verdict(&["3.4.24", "04/03/2024"]), "open 04/03/2024");
    assert_eq!(verdict(&["03.04.2026", "10/13/2026"]), "03.04.2026 against 10/13/2026");
    assert_eq!(verdict(&["10/1/26", "10/13/26", "11/2/26"]), "MonthFirst 10/13/26");
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_date_or_a_reason(text in "\\PC{0,40}") {
        for order in [None, Some(DateOrder::DayFirst), Some(DateOrder::MonthFirst), Some(DateOrder::YearFirst)] {
            let _ = parse(&text, order);
        }
        Evidence::default().see(&text, None);
    }

    #[test]
    fn what_looks_like_a_date_does_not_panic(text in "[0-9]{1,4}[-/. ][0-9]{1,4}[-/. ][0-9]{1,4}[T ,]?[0-9:. APMZ+-]{0,16}") {
        let _ = parse(&text, Some(DateOrder::DayFirst));
        Evidence::default().see(&text, None);
    }
}
