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

fn is_among<'a>(tag: &str, mut values: impl Iterator<Item = &'a str>) -> bool {
    values.any(|value| {
        value.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
    })
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
    // No tag of ours has a comma in it, so that splitting at commas loses none of them.
    for tag in values.flat_map(|value| value.split(',')).map(str::trim) {
        if tag == "*" {
            return Precondition::Any;
        }
        versions.extend(version(tag));
    }
    Precondition::Versions(versions)
}

fn version(tag: &str) -> Option<i64> {
    let (version, seq) = tag.strip_prefix('"')?.strip_suffix('"')?.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(version) && digits(seq)).then(|| version.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_among_others_strong_or_weak() {
        let is_among = |text: &str| is_among("\"3.17\"", std::iter::once(text));
        for text in ["\"3.17\"", "W/\"3.17\"", "\"x\", \"3.17\"", "\"3.16\",W/\"3.17\"", "*"] {
            assert!(is_among(text), "{text}");
        }
        for text in ["", "3.17", "\"3.1\"", "\"3.170\"", "\"3.16\"", "\"3.17", "\"13.17\""] {
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
    }
}
