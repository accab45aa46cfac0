//! What admins do to the stock: restocks, stocktakes, returns, and the ledger of it all.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, HttpResponseBuilder, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Shop;
use super::auth::Caller;
use super::extract::{BookPath, Faults, Json, Key, OrderPath, Query};
use super::input::{LineBody, entry, page_limit, parse_lines, parse_reference, request};
use super::openapi::{fields, params};
use super::problem::Problem;
use super::view::{EntryView, MovementView, PageView};
use super::{cursor, replayable, whole};
use crate::domain::{Copies, Counted, Delivered, Reason};
use crate::store::kept::Row;
use crate::store::{books, movements, stock};

#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RestockOfOne, example = json!({ "quantity": 30, "reference": "delivery 4711" }))]
pub(super) struct RestockOneBody {
    #[serde(deserialize_with = "whole::number")]
    #[schema(schema_with = fields::delivered)]
    quantity: i64,
    #[schema(schema_with = fields::reference)]
    reference: Option<String>,
}

/// Restock one book
///
/// Copies arrive.
#[utoipa::path(
    post,
    path = "/v1/books/{id}/restocks",
    operation_id = "restock_book",
    tag = "Stock",
    params(params::BookId, params::IdempotencyKey),
    request_body = RestockOneBody,
    responses(
        (status = 201, description = "The movement.", body = MovementView,
            headers(("Idempotent-Replayed" = inline(bool), description = "`true` if this is the answer to an earlier request with the same key.")))
    ),
    security(("token" = ["admin"])),
    extensions(("x-problems" = json!(["404 unknown_book", "422 idempotency_key_reused"])))
)]
pub(super) async fn restock_one(
    shop: web::Data<Shop>,
    BookPath(id): BookPath,
    Caller(client): Caller,
    key: Key,
    Json(body): Json<RestockOneBody>,
) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let copies = faults.take("/quantity", Delivered::parse(body.quantity));
    let reference = parse_reference(body.reference.as_deref(), &mut faults);
    let (Some(copies), Some(reference)) = (copies, reference) else { return Err(faults.into()) };
    let route = format!("POST /v1/books/{id}/restocks");
    let entry = entry(request(client, key, &route, &body)?, reference);
    let entered = shop
        .write([Row::Book(id)], move |connection| {
            stock::restock(connection, &entry, &[(id, copies)])
        })
        .await?;
    let movement = entered.entry.movements.into_iter().next().ok_or_else(Problem::internal)?;
    Ok(replayable(&shop, HttpResponse::Created(), entered.is_replay)
        .json(MovementView::from(movement)))
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Restock, example = json!({
    "lines": [{ "book_id": 1, "quantity": 30 }, { "book_id": 2, "quantity": 5 }],
    "reference": "delivery 4711"
}))]
pub(super) struct RestockBody {
    #[schema(schema_with = fields::restock_lines)]
    lines: Vec<LineBody>,
    #[schema(schema_with = fields::reference)]
    reference: Option<String>,
}

/// Restock several books
///
/// Copies arrive: all lines or none.
#[utoipa::path(
    post,
    path = "/v1/restocks",
    operation_id = "restock",
    tag = "Stock",
    params(params::IdempotencyKey),
    request_body = RestockBody,
    responses(
        (status = 201, description = "The stock entry.", body = EntryView,
            headers(("Idempotent-Replayed" = inline(bool), description = "`true` if this is the answer to an earlier request with the same key.")))
    ),
    security(("token" = ["admin"])),
    extensions(("x-problems" = json!(["422 unknown_book", "422 idempotency_key_reused"])))
)]
pub(super) async fn restock(
    shop: web::Data<Shop>,
    Caller(client): Caller,
    key: Key,
    Json(body): Json<RestockBody>,
) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let lines = parse_lines(&body.lines, Delivered::parse, &mut faults);
    let reference = parse_reference(body.reference.as_deref(), &mut faults);
    let (Some(lines), Some(reference)) = (lines, reference) else { return Err(faults.into()) };
    let entry = entry(request(client, key, "POST /v1/restocks", &body)?, reference);
    let rows: Vec<Row> = lines.iter().map(|(id, _)| Row::Book(*id)).collect();
    let entered = shop
        .write(rows, move |connection| stock::restock(connection, &entry, &lines))
        .await
        .map_err(|error| Problem::from(error).in_body())?;
    Ok(replayable(&shop, HttpResponse::Created(), entered.is_replay)
        .json(EntryView::from(entered.entry)))
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Return, example = json!({
    "lines": [{ "book_id": 2, "quantity": 1 }], "reference": "damaged"
}))]
pub(super) struct ReturnBody {
    #[schema(schema_with = fields::return_lines)]
    lines: Vec<LineBody>,
    #[schema(schema_with = fields::reference)]
    reference: Option<String>,
}

/// Take copies of an order back
///
/// A buyer brought them: they are on sale again. Never more than the order sold.
#[utoipa::path(
    post,
    path = "/v1/orders/{id}/returns",
    operation_id = "return_copies",
    tag = "Stock",
    params(params::OrderId, params::IdempotencyKey),
    request_body = ReturnBody,
    responses(
        (status = 201, description = "The stock entry.", body = EntryView,
            headers(("Idempotent-Replayed" = inline(bool), description = "`true` if this is the answer to an earlier request with the same key.")))
    ),
    security(("token" = ["admin"])),
    extensions(("x-problems" = json!(["404 unknown_order", "409 order_state", "409 returns_exceed_sale", "422 idempotency_key_reused"])))
)]
pub(super) async fn take_back(
    shop: web::Data<Shop>,
    OrderPath(id): OrderPath,
    Caller(client): Caller,
    key: Key,
    Json(body): Json<ReturnBody>,
) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let lines = parse_lines(&body.lines, Copies::parse, &mut faults);
    let reference = parse_reference(body.reference.as_deref(), &mut faults);
    let (Some(lines), Some(reference)) = (lines, reference) else { return Err(faults.into()) };
    let route = format!("POST /v1/orders/{id}/returns");
    let entry = entry(request(client, key, &route, &body)?, reference);
    let books = lines.iter().map(|(id, _)| Row::Book(*id));
    let rows: Vec<Row> = std::iter::once(Row::Order(id)).chain(books).collect();
    let entered = shop
        .write(rows, move |connection| stock::take_back(connection, &entry, id, &lines))
        .await?;
    Ok(replayable(&shop, HttpResponse::Created(), entered.is_replay)
        .json(EntryView::from(entered.entry)))
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Stocktake, example = json!({ "counted": 39 }))]
pub(super) struct StocktakeBody {
    #[serde(deserialize_with = "whole::number")]
    #[schema(schema_with = fields::counted)]
    counted: i64,
    #[serde(default, deserialize_with = "whole::number_or_null")]
    #[schema(schema_with = fields::expected)]
    expected: Option<i64>,
}

/// Count a book
///
/// The quantity becomes what was counted; the difference is a movement.
#[utoipa::path(
    post,
    path = "/v1/books/{id}/stocktakes",
    operation_id = "take_stock",
    tag = "Stock",
    params(params::BookId, params::IdempotencyKey),
    request_body = StocktakeBody,
    responses(
        (status = 200, description = "It agrees: nothing moved, and `seq` is null.",
            body = MovementView,
            headers(("Idempotent-Replayed" = inline(bool), description = "`true` if this is the answer to an earlier request with the same key."))),
        (status = 201, description = "The movement.", body = MovementView,
            headers(("Idempotent-Replayed" = inline(bool), description = "`true` if this is the answer to an earlier request with the same key.")))
    ),
    security(("token" = ["admin"])),
    extensions(("x-problems" = json!(["404 unknown_book", "409 stale_quantity", "422 idempotency_key_reused"])))
)]
pub(super) async fn stocktake(
    shop: web::Data<Shop>,
    BookPath(id): BookPath,
    Caller(client): Caller,
    key: Key,
    Json(body): Json<StocktakeBody>,
) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let counted = faults.take("/counted", Counted::parse(body.counted));
    let expected = match body.expected.map(Counted::parse).transpose() {
        Ok(expected) => Some(expected),
        Err(error) => faults.take("/expected", Err(error)),
    };
    let (Some(counted), Some(expected)) = (counted, expected) else { return Err(faults.into()) };
    let route = format!("POST /v1/books/{id}/stocktakes");
    let entry = entry(request(client, key, &route, &body)?, None);
    let entered = shop
        .write([Row::Book(id)], move |connection| {
            stock::stocktake(connection, &entry, id, counted, expected)
        })
        .await?;
    let (status, movement) = match entered.entry.movements.first() {
        Some(movement) => (StatusCode::CREATED, MovementView::from(movement.clone())),
        None => (StatusCode::OK, MovementView::of_agreement(id.0, counted.get(), &entered.entry)),
    };
    Ok(replayable(&shop, HttpResponseBuilder::new(status), entered.is_replay).json(movement))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct MovementsQuery {
    /// Only movements for this reason.
    #[param(schema_with = fields::reason)]
    reason: Option<String>,
    /// Items on the page.
    #[param(schema_with = fields::limit)]
    limit: Option<String>,
    /// Where the page starts: `next` of the page before, of the same book.
    #[param(schema_with = fields::cursor)]
    after: Option<String>,
}

/// List the movements of a book
///
/// Its ledger, newest first, also of an archived book.
#[utoipa::path(
    get,
    path = "/v1/books/{id}/movements",
    operation_id = "list_movements",
    tag = "Stock",
    params(params::BookId, MovementsQuery),
    responses((status = 200, description = "The page.", body = PageView<MovementView>)),
    security(("token" = ["admin"])),
    extensions(("x-problems" = json!(["404 unknown_book"])))
)]
pub(super) async fn movements(
    shop: web::Data<Shop>,
    BookPath(id): BookPath,
    Query(query): Query<MovementsQuery>,
) -> Result<HttpResponse, Problem> {
    let list = format!("movements {id}");
    let limit = page_limit(query.limit.as_deref())?;
    let reason = match query.reason.as_deref().map(|word| (word, Reason::from_word(word))) {
        None => None,
        Some((_, Some(reason))) => Some(reason),
        Some((word, None)) => {
            let known = Reason::ALL.map(Reason::as_str).join(", ");
            let detail = format!("`reason`: there is no reason {word:?}; there are {known}");
            return Err(Problem::malformed(detail));
        }
    };
    let after = query.after.map(|after| cursor::decode::<i64>(&list, &after)).transpose()?;
    let page = shop
        .read(move |connection| {
            // The history of an archived book stays readable.
            books::find(connection, id)?;
            movements::list(connection, id, reason, after, limit)
        })
        .await?;
    let next = page.next.map(|seq| cursor::encode(&list, &seq)).transpose()?;
    let data: Vec<_> = page.items.into_iter().map(MovementView::from).collect();
    Ok(HttpResponse::Ok().json(PageView { data, next }))
}
