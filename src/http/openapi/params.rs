//! Parameters that several routes share.

use serde_json::json;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{KnownFormat, Object, Required};

use super::fields;
use crate::domain::limits::MAX_IDEMPOTENCY_KEY;

/// Printable ASCII, with space within only.
const KEY: &str = "^[!-~]([ -~]*[!-~])?$";

fn parameter(
    name: &str,
    place: ParameterIn,
    is_required: bool,
    description: &str,
    schema: Object,
) -> Vec<Parameter> {
    let required = if is_required { Required::True } else { Required::False };
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(Some(description))
        .schema(Some(schema));
    vec![parameter.build()]
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// The header `Idempotency-Key`.
pub(in crate::http) struct IdempotencyKey;

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "Your own name for this request, made and stored *before* it is sent; a \
             UUID will do. The same key with the same request again gives the first answer again \
             (an order as it is now: look at its `status` before you take money), \
             with `Idempotent-Replayed: true`, and nothing happens twice: not after a lost answer, \
             not in another instance, not after a crash. The same key with another request is 422 \
             `idempotency_key_reused`. Keys are yours alone (another client's same key is another \
             key), and kept for as long as what they made. A refusal is not remembered: the same \
             key may succeed later. Without a key a repeated request is done twice.";
        let schema = text()
            .min_length(Some(1))
            .max_length(Some(MAX_IDEMPOTENCY_KEY))
            .pattern(Some(KEY))
            .examples([json!("0f8f5b0e-7d1c-4a35-9a43-3f6f3b1f2c5d")])
            .build();
        parameter("Idempotency-Key", ParameterIn::Header, false, description, schema)
    }
}

/// The header `If-Match`.
pub(in crate::http) struct IfMatch;

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "The ETag of the book as you saw it, or `*` for any. Sales in between do \
             not matter, another edit does: 412 `precondition_failed`. Without the header the answer \
             is 428 `precondition_required`.";
        let schema = text().examples([json!("\"3.17\""), json!("*")]).build();
        parameter("If-Match", ParameterIn::Header, true, description, schema)
    }
}

/// The `{id}` of a book.
pub(in crate::http) struct BookId;

impl IntoParams for BookId {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        parameter("id", ParameterIn::Path, true, "The book.", fields::book_id())
    }
}

/// The `{id}` of an order.
pub(in crate::http) struct OrderId;

impl IntoParams for OrderId {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let schema = text()
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
            .examples([json!("019a62f4-35c8-7b4c-9d6e-0f8a4a2f9c11")])
            .build();
        parameter("id", ParameterIn::Path, true, "The order.", schema)
    }
}
