use proptest::prelude::*;

use super::*;

/// Recovers from an `isbn` and an `isbn13` column.
fn from(isbn: &str, isbn13: &str) -> Result<String, Unrecoverable> {
    recover([(Kind::Any, isbn), (Kind::Thirteen, isbn13)].into_iter()).map(|isbn| isbn.to_string())
}

#[test]
fn what_is_certain_is_recovered() {
    let table = [
        // As the shared test data has them: nine, ten and seven digits left, and an X.
        ("439023483", "9.78043902348e+12", "9780439023481"),
        ("1594480001", "9.781594480e+12", "9781594480003"),
        ("7442912", "9.78000744291e+12", "9780007442911"),
        ("043965548X", "9.78043965548e+12", "9780439655484"),
        ("43965548X", "", "9780439655484"),
        // The other column contradicts, having lost digits or holding another number.
        ("8143676", "9.78006241409e+12", "9780008143671"),
        ("446612707", "9.78055381395e+12", "9780446612708"),
        ("195170342", "195170342.0", "9780195170344"),
        ("553609416", "76783609419.0", "9780553609417"),
        ("0439023483", "9780306406157", "9780439023481"),
        // Only the ISBN-13 column can be used.
        ("", "9780306406157", "9780306406157"),
        ("", "978-0-306-40615-7", "9780306406157"),
        ("", "9.780439023481E12", "9780439023481"),
        ("", "9,780439023481E+12", "9780439023481"),
        ("", "9780439023481.0", "9780439023481"),
        ("439023484", "9780439023481", "9780439023481"),
        ("B00ABCDEFG", "9780439023481", "9780439023481"),
        ("42", "9780439023481", "9780439023481"),
        // The isbn column holds whatever people call an ISBN.
        ("9780439023481", "", "9780439023481"),
        (" 978-0-439-02348-1 ", "", "9780439023481"),
        ("0-439-02348-3", "", "9780439023481"),
        ("439023483.0", "", "9780439023481"),
        ("4.39023483e+08", "", "9780439023481"),
        ("=\"0439023483\"", "=\"\"", "9780439023481"),
        ("'0439023483", "", "9780439023481"),
    ];
    for (isbn, isbn13, recovered) in table {
        assert_eq!(from(isbn, isbn13).as_deref(), Ok(recovered), "{isbn} {isbn13}");
    }
}

#[test]
fn what_is_not_certain_is_refused() {
    let table = [
        ("439023484", "9.78043902348e+12"), // the check digit is wrong and the rest was lost
        ("", "9.78043902348e+12"),
        ("9.78043902348e+12", ""),
        ("9.780439023481E13", ""),
        ("", "9780439023482"),
        ("9780439023482", ""),
        ("4006381333931", ""), // an article, but no book
        ("", "195170342.0"),   // no ISBN-13, whatever else it is
        ("", "0439023483"),
        ("439-02348-3", ""), // never was a number, so no zero was lost
        ("0000000000", ""),
        ("", "9780000000002"),
        ("N/A", "unknown"),
        ("٠439023483", ""),
        ("1e400", "9e99999999999999999999"),
        ("-439023483", "+9780439023481"),
    ];
    for (isbn, isbn13) in table {
        assert!(matches!(from(isbn, isbn13), Err(Unrecoverable::Fields(_))), "{isbn} {isbn13}");
    }
    assert_eq!(from("  ", "=\"\""), Err(Unrecoverable::Missing));
}

#[test]
fn a_short_number_needs_the_other_column_to_agree() {
    assert!(from("123455", "").is_err() && from("0000123455", "").is_ok());
    assert_eq!(from("123455", "9.78000012346e+12").as_deref(), Ok("9780000123459"), "rounded up");
    assert!(from("123455", "9.78000012345e+12").is_err(), "another book");
    assert!(from("123455", "9.78e+12").is_err(), "agrees with half of all books");
}

#[test]
fn the_reason_says_what_is_wrong_with_each_number() {
    let reason = from("439023484", "9.78043902348e+12").unwrap_err().to_string();
    assert!(reason.contains("439023484") && reason.contains("check digit"), "{reason}");
    assert!(reason.contains("9.78043902348e+12") && reason.contains("lost"), "{reason}");
    assert!(from(&"9".repeat(9_999), "").unwrap_err().to_string().len() < 200);
}

/// The ISBN-10 of nine digits.
fn ten(body: [u8; 9]) -> String {
    let sum: u32 =
        body.iter().zip((2..=10).rev()).map(|(&digit, weight)| u32::from(digit) * weight).sum();
    let digits: String = body.iter().map(u8::to_string).collect();
    match (11 - sum % 11) % 11 {
        10 => format!("{digits}X"),
        check => format!("{digits}{check}"),
    }
}

proptest! {
    #[test]
    fn up_to_three_lost_zeros_are_found_again(zeros in 0usize..=3, mut body in prop::array::uniform9(0u8..10), first in 1u8..10) {
        body[..zeros].fill(0);
        body[zeros] = first;
        let whole = ten(body);
        let isbn = Isbn::parse(&whole).unwrap().to_string();
        prop_assert_eq!(from(whole.trim_start_matches('0'), ""), Ok(isbn.clone()));
        // Twelve digits of the ISBN-13 never decide, and do not disturb.
        let rounded = format!("{:.11e}", isbn.parse::<f64>().unwrap());
        prop_assert_eq!(from(&whole, &rounded), Ok(isbn.clone()));
        prop_assert!(from("", &rounded).is_err());
        let exact = format!("{:.12e}", isbn.parse::<f64>().unwrap());
        prop_assert_eq!(from("", &exact), Ok(isbn));
    }

    #[test]
    fn a_wrong_digit_is_never_recovered(body in prop::array::uniform9(0u8..10), place in 0usize..9, by in 1u8..10) {
        let mut wrong = body;
        wrong[place] = (wrong[place] + by) % 10;
        let text: String = wrong.iter().map(u8::to_string).chain(ten(body).chars().last().map(String::from)).collect();
        prop_assert!(from(&text, "").is_err());
        prop_assert!(from(text.trim_start_matches('0'), "").is_err());
    }

    #[test]
    fn any_text_is_read_or_refused(isbn in ".{0,30}", isbn13 in "[0-9.,eE+=\"' X-]{0,20}") {
        if let Ok(isbn) = from(&isbn, &isbn13) {
            prop_assert!(Isbn::parse(&isbn).is_ok());
        }
    }
}
