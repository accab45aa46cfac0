//! Entity tags of books (RFC 9110, 8.8.3, 13.1.1 and 13.1.2).
//!
//! A book's tag is `"VERSION.SEQ"`: it changes with every edit and every movement, so that it names
//! one representation. If-Match on an edit compares the VERSION only: sales change the quantity all
//! the time, and an admin who mends a title does not edit that.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderValue};

use super::problem::{PRECONDITION_REQUIRED, Problem};
use crate::domain::Book;

/// The tag of a book as it is now.
pub(super) fn of(book: &Book) -> (header::HeaderName, String) {
    (header::ETAG, format!("\"{}.{}\"", book.version, book.last_seq))
}

/// Whether the caller has the book already as it is now: If-None-Match names its tag. The comparison
/// is the weak one, as the RFC has it for this header; tags that we never gave out match nothing.
pub(super) fn is_known(request: &HttpRequest, book: &Book) -> bool {
    let (_, tag) = of(book);
    let values = request.headers().get_all(header::IF_NONE_MATCH);
    is_among(&tag, values.filter_map(|value| value.to_str().ok()))
}

fn is_among<'a>(tag: &str, values: impl Iterator<Item = &'a str>) -> bool {
    members(values).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

/// The members of the list that all values of a header are. Commas between quotation marks are part of a
/// tag: `"a,*"` is one that somebody else gave out, and no asterisk.
fn members<'a>(values: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    let split = |value: &'a str| {
        let mut is_quoted = false;
        value.split(move |character| {
            is_quoted ^= character == '"';
            character == ',' && !is_quoted
        })
    };
    values.flat_map(split).map(str::trim)
}

/// What If-Match asks of the book that is to be edited.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Precondition {
    /// `*`: any version.
    Any,
    /// One of these versions. Tags that we never gave out match nothing.
    Versions(Vec<i64>),
}

/// Reads the header If-Match.
pub(super) fn if_match(request: &HttpRequest) -> Result<Precondition, Problem> {
    let values: Vec<&HeaderValue> = request.headers().get_all(header::IF_MATCH).collect();
    if values.is_empty() {
        let detail = "an edit needs the header If-Match with the book's ETag";
        return Err(Problem::new(&PRECONDITION_REQUIRED, detail));
    }
    Ok(parse(values.into_iter().filter_map(|value| value.to_str().ok())))
}

fn parse<'a>(values: impl Iterator<Item = &'a str>) -> Precondition {
    let mut versions = Vec::new();
    for tag in members(values) {
        if tag == "*" {
            return Precondition::Any;
        }
        versions.extend(version(tag));
    }
    Precondition::Versions(versions)
}

/// The version in a tag of ours.
fn version(tag: &str) -> Option<i64> {
    let (version, seq) = tag.strip_prefix('"')?.strip_suffix('"')?.split_once('.')?;
    // To the letter as we write it: a zero in front makes another tag.
    let number = |text: &str| {
        text.parse().ok().filter(|number: &i64| *number >= 0 && number.to_string() == text)
    };
    number(seq)?;
    number(version)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_tag_is_known_among_others_strong_or_weak() {
        let is_among = |text: &str| is_among("\"3.17\"", std::iter::once(text));
        for text in ["\"3.17\"", "W/\"3.17\"", "\"x\", \"3.17\"", "\"3.16\",W/\"3.17\"", "*"] {
            assert!(is_among(text), "{text}");
        }
        for text in
            ["", "3.17", "\"3.1\"", "\"3.170\"", "\"3.16\"", "\"3.17", "\"13.17\"", "\"a,*,b\""]
        {
            assert!(!is_among(text), "{text}");
        }
    }

    #[test]
    fn tags_of_ours_are_read_and_all_others_match_nothing() {
        let read = |text: &str| parse(std::iter::once(text));
        assert_eq!(read("\"3.17\""), Precondition::Versions(vec![3]));
        assert_eq!(read("\"3.17\" , \"5.0\""), Precondition::Versions(vec![3, 5]));
        assert_eq!(read("*"), Precondition::Any);
        for text in
            ["", "3.17", "\"3\"", "W/\"3.17\"", "\"3.17", "\"-3.17\"", "\"3.x\"", "\"+3.1\""]
        {
            assert_eq!(read(text), Precondition::Versions(Vec::new()), "{text}");
        }
        for text in ["\"03.17\"", "\"3.017\"", "\"3.99999999999999999999\"", "\"a,*,b\""] {
            assert_eq!(read(text), Precondition::Versions(Vec::new()), "{text}");
        }
    }

    /// A tag as it may stand in a list, and the version if it is one of ours.
    fn any_tag() -> impl Strategy<Value = (String, Option<i64>)> {
        let number = || prop_oneof![3 => 0..4_i64, 1 => 0..=i64::MAX];
        let ours = (number(), number())
            .prop_map(|(version, seq)| (format!("\"{version}.{seq}\""), Some(version)));
        let foreign = prop_oneof![
            // Of all that may be in a tag, commas and asterisks are hard; the letter makes it none of ours.
            "\"[!#-~]{0,6}[,*]{0,3}[a-z][,*]{0,3}[!#-~]{0,6}\"",
            "\"(0[0-9]+\\.[0-9]|[0-9]\\.0[0-9]+|[0-9]\\.[0-9]{20}|[+-][0-9]\\.[0-9])\"",
            "[0-9]\\.[0-9]",
        ];
        prop_oneof![ours, foreign.prop_map(|tag| (tag, None))]
    }

    proptest! {
        #[test]
        fn any_list_of_tags_asks_for_those_of_ours_in_it(
            list in prop::collection::vec((any_tag(), "(W/)?", "[ \t]?,[ \t]?"), 0..6),
            cut in any::<prop::sample::Index>(),
            (version, seq) in (0..4, 0..4),
        ) {
            // Several headers are one list.
            let (first, second) = list.split_at(cut.index(list.len() + 1));
            let values = [first, second].map(|list| {
                list.iter().map(|((tag, _), weak, comma)| format!("{weak}{tag}{comma}")).collect()
            });
            let values = || values.iter().map(String::as_str);

            let strong = list.iter().filter(|(_, weak, _)| weak.is_empty());
            let versions = strong.filter_map(|((_, ours), ..)| *ours).collect();
            prop_assert_eq!(parse(values()), Precondition::Versions(versions));

            let book = format!("\"{version}.{seq}\"");
            let is_there = list.iter().any(|((tag, _), ..)| *tag == book);
            prop_assert_eq!(is_among(&book, values()), is_there);
        }

        #[test]
        fn any_bytes_ask_for_no_version_that_is_not_among_them(
            values in prop::collection::vec(
                prop_oneof![
                    prop::collection::vec(b' '..=b'~', 0..20),
                    prop::collection::vec(b'\x80'..=b'\xff', 0..20),
                    "(\"?[0-9]{1,2}\\.[0-9]{1,2}\"?[\",*W/ ]{0,3}){0,3}".prop_map(String::into_bytes),
                ],
                1..4,
            ),
        ) {
            let mut request = TestRequest::default();
            for value in &values {
                request = request.append_header((header::IF_MATCH, &value[..]));
            }
            let asked = if_match(&request.to_http_request());
            let all = String::from_utf8_lossy(&values.join(&b'\n')).into_owned();
            match asked.map_err(|problem| TestCaseError::fail(format!("{problem:?}")))? {
                Precondition::Any => prop_assert!(all.contains('*')),
                Precondition::Versions(versions) => for version in versions {
                    prop_assert!(all.contains(&format!("\"{version}.")), "{}", version);
                },
            }
        }
    }
}
