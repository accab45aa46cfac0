//! The shape of a problem. It is written by [`Problem`](crate::http::problem::Problem); this is what
//! the document says of it.

use serde_json::json;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Object, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::{examples, fields};
use crate::domain::limits::MAX_LINES;
use crate::http::problem::KINDS;

/// A refusal as RFC 9457 has it.
pub(in crate::http) struct ProblemView;

impl ToSchema for ProblemView {
    fn name() -> std::borrow::Cow<'static, str> {
        "Problem".into()
    }
}

impl PartialSchema for ProblemView {
    fn schema() -> RefOr<Schema> {
        let example = examples::problems().first().map(|it| it.json(examples::INSTANCE));
        ObjectBuilder::new()
            .description(Some(
                "A refusal (RFC 9457). Tell problems apart by `type`, never by the words of `title` \
                 or `detail`. New types and members may come; ignore members that you do not know.",
            ))
            .property("type", kind())
            .property("title", text("The type in a few words."))
            .property("status", whole("The HTTP status of the answer."))
            .property("detail", text("What happened this time, for people."))
            .property("instance", text("The request's id, as in `X-Request-Id`."))
            .property("lines", lines())
            .property("errors", errors())
            .property("book_ids", list("Of `unknown_book`: the books.", whole("A book.").into()))
            .property("book_id", whole("Of `duplicate_isbn`: the book that has the ISBN."))
            .property("state", state())
            .property("expected", whole("Of `stale_quantity`: what you expected."))
            .property("available", whole("Of `stale_quantity`: what is there."))
            .required("type")
            .required("title")
            .required("status")
            .required("detail")
            .required("instance")
            .examples(example)
            .into()
    }
}

fn text(description: &str) -> Object {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).build()
}

fn whole(description: &str) -> Object {
    ObjectBuilder::new().schema_type(Type::Integer).description(Some(description)).build()
}

fn list(description: &str, item: RefOr<Schema>) -> RefOr<Schema> {
    ArrayBuilder::new().items(item).description(Some(description)).into()
}

fn kind() -> Object {
    let types = KINDS.iter().map(|kind| json!(format!("/problems/{}", kind.slug)));
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(
            "What kind of problem it is: a path of this service that explains it in plain words.",
        ))
        .enum_values(Some(types))
        .build()
}

fn state() -> Object {
    let mut state = fields::status();
    state.description = Some("Of `order_state`: where the order stands.".to_owned());
    state
}

fn lines() -> RefOr<Schema> {
    let line = ObjectBuilder::new()
        .property("book_id", whole("The book."))
        .property("requested", whole("Copies that were asked for, or were to come back."))
        .property("available", whole("Of `out_of_stock`: copies that can be sold now."))
        .property("sold", whole("Of `returns_exceed_sale`: copies that the order sold."))
        .property("returned", whole("Of `returns_exceed_sale`: copies that came back before."))
        .required("book_id")
        .required("requested");
    ArrayBuilder::new()
        .items(line)
        .description(Some(
            "Of `out_of_stock` and `returns_exceed_sale`: each line that cannot be had.",
        ))
        .max_items(Some(MAX_LINES))
        .into()
}

fn errors() -> RefOr<Schema> {
    let error = ObjectBuilder::new()
        .property("pointer", text("Where in the body (RFC 6901); empty for the whole."))
        .property("detail", text("What is wrong there."))
        .required("pointer")
        .required("detail");
    list("Of `invalid_request` with status 422: everything that is wrong.", error.into())
}
