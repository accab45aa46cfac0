//! What can be done next with what an answer brought: OpenAPI links. They show a reader the way from a book
//! to its order and its return, and let a program that only has the document walk that way.

use utoipa::Modify;
use utoipa::openapi::link::LinkBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::Response;
use utoipa::openapi::{OpenApi, RefOr};

/// Adds the links of [`WAYS`].
pub(super) struct Links;

/// Parameters of the next operation, and where their values are found (OpenAPI's runtime expressions).
type With = &'static [(&'static str, &'static str)];

/// An operation, the status of its answer, the operations that can follow, and what they are called
/// with.
type Ways = (&'static str, &'static str, &'static [&'static str], With);

const ID: With = &[("id", "$response.body#/id")];
const TAGGED: With = &[("id", "$response.body#/id"), ("If-Match", "$response.header.ETag")];
const KNOWN: With = &[("id", "$response.body#/id"), ("If-None-Match", "$response.header.ETag")];
const BOOK: With = &[("id", "$response.body#/book_id")];
const FIRST_MOVED: With = &[("id", "$response.body#/movements/0/book_id")];
const FIRST: With = &[("id", "$response.body#/data/0/id")];
const FIRST_ORDER: With = &[("id", "$response.body#/data/0/order_id")];
const RETURNED_OF: With = &[("id", "$response.body#/order_id")];
/// A cursor belongs to one list in one order.
const NEXT_BOOKS: With = &[("after", "$response.body#/next"), ("sort", "$request.query.sort")];
const NEXT_ORDERS: With = &[("after", "$response.body#/next")];
const NEXT_OF_BOOK: With = &[("id", "$request.path.id"), ("after", "$response.body#/next")];

/// All of them.
const WAYS: &[Ways] = &[
    ("list_books", "200", &["list_books"], NEXT_BOOKS),
    ("list_books", "200", &["get_book", "purchase"], FIRST),
    ("get_book", "200", &["get_book"], KNOWN),
    ("get_book", "200", &["edit_book"], TAGGED),
    ("get_book", "200", &["purchase"], ID),
    ("create_book", "201", &["get_book", "archive_book", "purchase", "restock_book"], ID),
    ("create_book", "201", &["take_stock", "list_movements", "list_holds"], ID),
    ("create_book", "201", &["edit_book"], TAGGED),
    ("edit_book", "200", &["edit_book"], TAGGED),
    ("edit_book", "200", &["get_book"], ID),
    ("purchase", "201", &["get_order", "cancel_order", "return_copies"], ID),
    ("create_order", "201", &["get_order", "confirm_order", "cancel_order", "return_copies"], ID),
    ("list_orders", "200", &["list_orders"], NEXT_ORDERS),
    ("list_orders", "200", &["get_order", "confirm_order", "cancel_order"], FIRST),
    ("get_order", "200", &["confirm_order", "cancel_order", "return_copies"], ID),
    ("confirm_order", "200", &["get_order", "return_copies"], ID),
    ("cancel_order", "200", &["get_order"], ID),
    ("return_copies", "201", &["get_order"], RETURNED_OF),
    ("restock_book", "201", &["get_book", "list_movements"], BOOK),
    ("restock", "201", &["get_book"], FIRST_MOVED),
    ("take_stock", "200", &["get_book"], BOOK),
    ("take_stock", "201", &["get_book", "list_movements"], BOOK),
    ("list_movements", "200", &["list_movements"], NEXT_OF_BOOK),
    ("list_movements", "200", &["get_order"], FIRST_ORDER),
    ("list_holds", "200", &["list_holds"], NEXT_OF_BOOK),
    ("list_holds", "200", &["get_order", "confirm_order"], FIRST_ORDER),
];

impl Modify for Links {
    fn modify(&self, document: &mut OpenApi) {
        for (from, status, next, with) in WAYS {
            let answer = answer(document, from, status)
                .unwrap_or_else(|| panic!("{from} with {status} is in no operation"));
            for to in *next {
                let link = LinkBuilder::new().operation_id(*to);
                let link = with.iter().fold(link, |link, (name, at)| link.parameter(*name, *at));
                answer.links.insert((*to).to_owned(), RefOr::T(link.build()));
            }
        }
    }
}

/// The answer of an operation with this status.
fn answer<'a>(
    document: &'a mut OpenApi,
    operation_id: &str,
    status: &str,
) -> Option<&'a mut Response> {
    let items = document.paths.paths.values_mut();
    let mut operations = items.flat_map(|item| {
        [&mut item.get, &mut item.post, &mut item.patch, &mut item.delete].into_iter().flatten()
    });
    let is_it = |it: &&mut Operation| it.operation_id.as_deref() == Some(operation_id);
    match operations.find(is_it)?.responses.responses.get_mut(status)? {
        RefOr::T(response) => Some(response),
        RefOr::Ref(_) => None,
    }
}
