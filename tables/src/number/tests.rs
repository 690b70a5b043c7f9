//! Numbers of both forms, what is none, and what proves a form.

use super::*;

const POINT: NumberForm = NumberForm::Mark(DecimalMark::Point);
const COMMA: NumberForm = NumberForm::Mark(DecimalMark::Comma);

fn read(text: &str, form: NumberForm) -> Result<String, NumberError> {
    parse(text, form).map(|number| number.value.to_string())
}

#[test]
fn numbers_of_both_forms() {
    for (text, point, comma) in [
        ("1,299.00", Ok("1299.00"), Err(NumberError::OtherForm)),
        ("1.299,00", Err(NumberError::OtherForm), Ok("1299.00")),
        ("12,50", Err(NumberError::OtherForm), Ok("12.50")),
        ("12.50", Ok("12.50"), Err(NumberError::OtherForm)),
        ("1.299", Ok("1.299"), Ok("1299")),
        ("1,299", Ok("1299"), Ok("1.299")),
        ("0.500", Ok("0.500"), Err(NumberError::OtherForm)),
        ("1.299.000", Err(NumberError::OtherForm), Ok("1299000")),
        ("\u{20ac}12", Ok("12"), Ok("12")),
        ("1 234,50", Err(NumberError::OtherForm), Ok("1234.50")),
        ("1\u{a0}234.50", Ok("1234.50"), Err(NumberError::OtherForm)),
        ("1'234.50", Ok("1234.50"), Err(NumberError::OtherForm)),
        ("1 234.500", Ok("1234.500"), Err(NumberError::OtherForm)),
        ("(12.50)", Ok("-12.50"), Err(NumberError::OtherForm)),
        ("-12.50", Ok("-12.50"), Err(NumberError::OtherForm)),
        ("12.50-", Ok("-12.50"), Err(NumberError::OtherForm)),
        ("\u{2212}5", Ok("-5"), Ok("-5")),
        ("-$5", Ok("-5"), Ok("-5")),
        ("$-5", Ok("-5"), Ok("-5")),
        ("+5", Ok("5"), Ok("5")),
        (".5", Ok("0.5"), Err(NumberError::OtherForm)),
        ("5.", Ok("5"), Err(NumberError::OtherForm)),
        ("12,34,567.00", Ok("1234567.00"), Err(NumberError::OtherForm)),
        ("1,00,000", Ok("100000"), Err(NumberError::OtherForm)),
        ("Rs. 1,00,000", Ok("100000"), Err(NumberError::OtherForm)),
        ("\u{ffe5}12,800", Ok("12800"), Ok("12.800")),
        ("$(12.50)", Ok("-12.50"), Err(NumberError::OtherForm)),
        ("(\u{20ac} 12,50)", Err(NumberError::OtherForm), Ok("-12.50")),
        ("1.234,56 \u{20ac}", Err(NumberError::OtherForm), Ok("1234.56")),
        ("\u{20ac}\u{a0}1\u{202f}234,56", Err(NumberError::OtherForm), Ok("1234.56")),
        ("1\u{2019}234.50 CHF", Ok("1234.50"), Err(NumberError::OtherForm)),
        // A dash for no cents is no minus.
        ("12,-", Err(NumberError::OtherForm), Ok("12")),
        ("12,-- \u{20ac}", Err(NumberError::OtherForm), Ok("12")),
        ("Fr. 12.\u{2013}", Ok("12"), Err(NumberError::OtherForm)),
        ("-1.299,\u{2014}", Err(NumberError::OtherForm), Ok("-1299")),
        ("(12.-)", Ok("-12"), Err(NumberError::OtherForm)),
    ] {
        assert_eq!(read(text, POINT), point.map(str::to_owned), "{text} by point");
        assert_eq!(read(text, COMMA), comma.map(str::to_owned), "{text} by comma");
    }
}

#[test]
fn what_is_no_number() {
    for text in [
        "",
        "-",
        ".",
        "()",
        "abc",
        "1,2,3",
        "1.29.9,0",
        "12 34",
        "1  234",
        "--5",
        "-5-",
        "(-5)",
        "((5))",
        ",-",
        "1 EUR USD",
        "5%",
        "NaN",
        "inf",
        "1,,000",
        ",",
        "12a",
        "0x10",
        "1,23,4",
    ] {
        assert_eq!(read(text, POINT), Err(NumberError::NotANumber), "{text}");
    }
    assert_eq!(read("1e2", POINT), Err(NumberError::PowerOfTen));
    assert_eq!(read("1.2E+11", POINT), Err(NumberError::PowerOfTen));
    assert_eq!(read(&"9".repeat(60), POINT), Err(NumberError::TooLong));
}

#[test]
fn currencies_are_told() {
    let code = |text| parse(text, POINT).map(|number| number.currency);
    assert_eq!(code("12.50 EUR"), Ok(Some(*b"EUR")));
    assert_eq!(code("\u{a3}1,299.00"), Ok(Some(*b"GBP")));
    assert_eq!(code("EUR 12"), Ok(Some(*b"EUR")));
    assert_eq!(code("$12"), Ok(None));
    assert_eq!(code("HK$12"), Ok(Some(*b"HKD")));
    assert_eq!(code("12 Euro"), Ok(Some(*b"EUR")));
    assert_eq!(code("Fr. 12"), Ok(Some(*b"CHF")));
    assert_eq!(code("12"), Ok(None));
    assert_eq!(code("5,400\u{5186}"), Ok(Some(*b"JPY")));
    // What several have says so, unless a code stands beside it.
    let sign = |text| parse(text, POINT).map(|number| number.sign);
    assert_eq!(sign("$12"), Ok(Some(SharedSign::Dollar)));
    assert_eq!(sign("12 kr."), Ok(Some(SharedSign::Krone)));
    assert_eq!((sign("$12 CAD"), code("$12 CAD")), (Ok(None), Ok(Some(*b"CAD"))));
    assert_eq!(sign("AU$12"), Ok(None));
    assert!(SharedSign::Dollar.codes().contains(&"CAD") && !SharedSign::Yen.codes().contains(&"EUR"));
    // By itself.
    for (sign, expected) in [
        ("\u{20ac}", Some(*b"EUR")),
        (" US$ ", Some(*b"USD")),
        ("Euro", Some(*b"EUR")),
        ("$", None),
        ("\u{20ac}5", None),
    ] {
        assert_eq!(currency_of(sign), expected, "{sign}");
    }
}

#[test]
fn one_cell_proves_the_form_of_all() {
    let verdict = |cells: &[&str]| {
        let mut evidence = Evidence::default();
        for (index, cell) in cells.iter().enumerate() {
            evidence.see(cell, Some(index as u64));
        }
        match evidence.verdict() {
            Verdict::Unmarked => "unmarked".to_owned(),
            Verdict::Proven(mark, witness) => format!("{mark:?} {}", witness.text),
            Verdict::Both(..) => "both".to_owned(),
            Verdict::Open(witness) => format!("open {}", witness.text),
        }
    };
    assert_eq!(verdict(&["5", "12"]), "unmarked");
    assert_eq!(verdict(&["1.299", "2.500"]), "open 1.299");
    assert_eq!(verdict(&["1.299", "2.50"]), "Point 2.50");
    assert_eq!(verdict(&["1.299", "2,5"]), "Comma 2,5");
    assert_eq!(verdict(&["1.299,00", "1,299.00"]), "both");
    assert_eq!(read("1.299", NumberForm::Both), Err(NumberError::Open));
    assert_eq!(read("1.299,00", NumberForm::Both), Ok("1299.00".to_owned()));
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_number_or_a_reason(text in "\\PC{0,50}") {
        for form in [POINT, COMMA, NumberForm::Both] {
            let _ = parse(&text, form);
        }
    }

    #[test]
    fn the_fast_way_and_the_long_way_agree(text in "-?[0-9]{1,9}(\\.[0-9]{1,6})?") {
        let long = Look::of(&text).and_then(|look| look.read(DecimalMark::Point));
        proptest::prop_assert_eq!(plain(&text).ok_or(NumberError::NotANumber), long);
    }
}
