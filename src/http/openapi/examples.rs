//! One example of each problem in each status it comes with, made by the code that makes the real
//! ones.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};

use crate::domain::{BookId, Excess, OrderStatus, Refusal, Shortage, Wish};
use crate::http::limits;
use crate::http::problem::{self, Problem};

/// A request id, where an example needs one.
pub(super) const INSTANCE: &str = "019a62f4-35c8-7b4c-9d6e-2c1b0a9f8e7d";

/// Every problem that the document can show, by status and slug.
pub(super) fn problems() -> Vec<Problem> {
    [about_stock(), about_requests(), about_the_service()].concat()
}

fn about_stock() -> Vec<Problem> {
    let book_id = BookId(2);
    let shortage = Shortage { book_id, requested: 9_999, available: 12 };
    let excess = Excess { book_id, sold: 2, returned: 1, requested: 2 };
    let state = Refusal::OrderState {
        wish: Wish::Confirm,
        status: OrderStatus::Expired,
        has_returns: false,
    };
    let unknown = || Problem::from(Refusal::UnknownBooks(vec![BookId(999_999)]));
    vec![
        Refusal::OutOfStock(vec![shortage]).into(),
        unknown(),
        unknown().in_body(),
        Refusal::UnknownOrder.into(),
        state.into(),
        Refusal::ReturnsExceedSale(vec![excess]).into(),
        Refusal::StaleQuantity { expected: 40, available: 39 }.into(),
    ]
}

fn about_requests() -> Vec<Problem> {
    let of = |kind, detail: &str| Problem::new(kind, detail);
    let challenge = HeaderValue::from_static("Bearer realm=\"bookstore\"");
    let rule = ("/lines/0/quantity".to_owned(), "must be between 1 and 10000".to_owned());
    vec![
        Problem::malformed("the body is not valid JSON: EOF while parsing a value"),
        Problem::invalid(vec![rule]),
        Refusal::KeyReused.into(),
        of(&problem::DUPLICATE_ISBN, "another book has the ISBN 9780743273565")
            .member("book_id", 2),
        of(&problem::PRECONDITION_FAILED, "the book was edited since it was read"),
        of(
            &problem::PRECONDITION_REQUIRED,
            "an edit needs the header If-Match with the book's ETag",
        ),
        of(&problem::UNAUTHORIZED, "this needs a token")
            .header(header::WWW_AUTHENTICATE, challenge),
        of(&problem::FORBIDDEN, "a token with role storefront may not do this"),
        Problem::nothing_here(),
        of(&problem::METHOD_NOT_ALLOWED, "this path takes GET, HEAD, POST")
            .header(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST")),
        of(&problem::NOT_ACCEPTABLE, "this service answers in application/json"),
        of(&problem::PAYLOAD_TOO_LARGE, "the body has more than 65536 bytes"),
        of(
            &problem::UNSUPPORTED_MEDIA_TYPE,
            "the body must be sent with Content-Type: application/json",
        ),
    ]
}

fn about_the_service() -> Vec<Problem> {
    vec![
        limits::example(),
        Problem::request_timeout(),
        Problem::overloaded(),
        Problem::database_unavailable(),
        Problem::internal(),
    ]
}

/// The example with this status and slug.
pub(super) fn find(status: StatusCode, slug: &str) -> Option<Problem> {
    problems().into_iter().find(|it| it.status_and_slug() == (status, slug))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_problem_has_an_example() {
        let shown = problems();
        for kind in problem::KINDS {
            let is_shown = shown.iter().any(|it| it.status_and_slug() == (kind.status, kind.slug));
            assert!(is_shown, "{} has no example", kind.slug);
        }
    }
}
