//! Orders: purchases of one book, orders of several, holds and what becomes of them, and reading
//! them back.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Shop;
use super::auth::Caller;
use super::extract::{BookPath, Faults, Json, Key, NoBody, OrderPath, Query};
use super::input::{LineBody, moment, page_limit, parse_lines, request};
use super::openapi::{fields, params};
use super::problem::Problem;
use super::view::{HoldView, OrderView, PageView};
use super::{cursor, replayable, whole};
use crate::domain::{
    Act, BookId, Copies, HoldSeconds, NewOrder, OrderId, OrderStatus, Placement, Request, Wish,
};
use crate::store::books;
use crate::store::orders::{self, Filter, HoldMark};

#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Purchase, example = json!({ "quantity": 2 }))]
pub(super) struct PurchaseBody {
    #[serde(deserialize_with = "whole::number")]
    #[schema(schema_with = fields::copies)]
    quantity: i64,
}

/// Buy copies of one book
///
/// An order of one line, sold at once.
#[utoipa::path(
    post,
    path = "/v1/books/{id}/purchases",
    operation_id = "purchase",
    tag = "Orders",
    params(params::BookId, params::IdempotencyKey),
    request_body = PurchaseBody,
    responses(
        (status = 201, description = "The order.", body = OrderView,
            headers(
                ("Location" = String, description = "The path of what was made."),
                ("Idempotent-Replayed" = inline(bool), description = "`true` if this is the answer to an earlier request with the same key."),
            ))
    ),
    security(("token" = ["storefront"]), ("token" = ["admin"])),
    extensions(("x-problems" = json!(["404 unknown_book", "409 out_of_stock", "422 idempotency_key_reused"])))
)]
pub(super) async fn purchase(
    shop: web::Data<Shop>,
    BookPath(id): BookPath,
    Caller(client): Caller,
    key: Key,
    Json(body): Json<PurchaseBody>,
) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let Some(copies) = faults.take("/quantity", Copies::parse(body.quantity)) else {
        return Err(faults.into());
    };
    let request = request(client, key, &format!("POST /v1/books/{id}/purchases"), &body)?;
    let order = order(request, vec![(id, copies)]);
    let placement = shop.checkout.place(order, shop.deadline()).await?;
    Ok(answer(&shop, placement))
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOrder, example = json!({
    "lines": [{ "book_id": 1, "quantity": 1 }, { "book_id": 2, "quantity": 2 }],
    "hold_seconds": 900
}))]
pub(super) struct OrderBody {
    #[schema(schema_with = fields::order_lines)]
    lines: Vec<LineBody>,
    // Not there in the hash of a request without it: keys of orders from before there were holds
    // still stand for them.
    #[serde(
        default,
        deserialize_with = "whole::number_or_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(schema_with = fields::hold_seconds)]
    hold_seconds: Option<i64>,
}

/// Place an order
///
/// All lines or none. Without `hold_seconds` it is `placed`: sold. With it the copies are off the
/// shelf and the order is `held` until it is confirmed, cancelled, or `expires_at` comes and they
/// are on sale again.
#[utoipa::path(
    post,
    path = "/v1/orders",
    operation_id = "create_order",
    tag = "Orders",
    params(params::IdempotencyKey),
    request_body = OrderBody,
    responses(
        (status = 201, description = "The order.", body = OrderView,
            headers(
                ("Location" = String, description = "The path of what was made."),
                ("Idempotent-Replayed" = inline(bool), description = "`true` if this is the answer to an earlier request with the same key."),
            ))
    ),
    security(("token" = ["storefront"]), ("token" = ["admin"])),
    extensions(("x-problems" = json!(["409 out_of_stock", "422 unknown_book", "422 idempotency_key_reused"])))
)]
pub(super) async fn create(
    shop: web::Data<Shop>,
    Caller(client): Caller,
    key: Key,
    Json(body): Json<OrderBody>,
) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let hold = body.hold_seconds.map(HoldSeconds::parse).transpose();
    let hold = faults.take("/hold_seconds", hold);
    let lines = parse_lines(&body.lines, Copies::parse, &mut faults);
    let (Some(hold), Some(lines)) = (hold, lines) else { return Err(faults.into()) };
    let request = request(client, key, "POST /v1/orders", &body)?;
    let order = order(request, lines).with_hold(hold);
    let placement = shop.checkout.place(order, shop.deadline()).await;
    Ok(answer(&shop, placement.map_err(|error| Problem::from(error).in_body())?))
}

/// An order to bring to the till. Its id is made before the transaction: after a lost answer it
/// tells whether that committed.
fn order(request: Request, lines: Vec<(BookId, Copies)>) -> NewOrder {
    NewOrder::new(OrderId(Uuid::now_v7()), request, lines)
        .expect("the number of lines was checked where they came in")
}

fn answer(shop: &Shop, placement: Placement) -> HttpResponse {
    tracing::Span::current().record("order_id", tracing::field::display(placement.order.id));
    replayable(shop, HttpResponse::Created(), placement.is_replay)
        .insert_header(("Location", format!("/v1/orders/{}", placement.order.id)))
        .json(OrderView::new(shop, placement.order))
}

/// Get an order
///
/// A storefront sees its own orders, an admin all.
#[utoipa::path(
    get,
    path = "/v1/orders/{id}",
    operation_id = "get_order",
    tag = "Orders",
    params(params::OrderId),
    responses((status = 200, description = "The order.", body = OrderView)),
    security(("token" = ["storefront"]), ("token" = ["admin"])),
    extensions(("x-problems" = json!(["404 unknown_order"])))
)]
pub(super) async fn find(
    shop: web::Data<Shop>,
    OrderPath(id): OrderPath,
    Caller(client): Caller,
) -> Result<HttpResponse, Problem> {
    let order = shop.read(move |connection| orders::find(connection, client, id)).await?;
    Ok(HttpResponse::Ok().json(OrderView::new(&shop, order)))
}

/// Confirm a held order
///
/// The buyer has paid: it is `placed`. Twice is the same as once: 200 means sold, whichever
/// request did it. Takes no body. An Idempotency-Key is not needed and not remembered.
#[utoipa::path(
    post,
    path = "/v1/orders/{id}/confirm",
    operation_id = "confirm_order",
    tag = "Orders",
    params(params::OrderId),
    responses((status = 200, description = "The order, placed.", body = OrderView)),
    security(("token" = ["storefront"]), ("token" = ["admin"])),
    extensions(("x-problems" = json!(["404 unknown_order", "409 order_state", "400 invalid_request", "408 request_timeout", "413 payload_too_large", "422 invalid_request"])))
)]
pub(super) async fn confirm(
    shop: web::Data<Shop>,
    OrderPath(order_id): OrderPath,
    Caller(client): Caller,
    _: Key,
    _: NoBody,
) -> Result<HttpResponse, Problem> {
    let act = Act { client: Some(client), order_id, wish: Wish::Confirm };
    match shop.confirmations.ask(act, shop.deadline()).await? {
        Some(order) => Ok(HttpResponse::Ok().json(OrderView::new(&shop, order))),
        // It has run out, and its copies go back first.
        None => settle(&shop, act).await,
    }
}

/// Cancel an order
///
/// A held order is given up and its copies are back on sale. Twice is the same as once. Only an
/// admin cancels an order that was placed. Takes no body. An Idempotency-Key is not needed and not
/// remembered.
#[utoipa::path(
    post,
    path = "/v1/orders/{id}/cancel",
    operation_id = "cancel_order",
    tag = "Orders",
    params(params::OrderId),
    responses((status = 200, description = "The order, cancelled.", body = OrderView)),
    security(("token" = ["storefront"]), ("token" = ["admin"])),
    extensions(("x-problems" = json!(["404 unknown_order", "409 order_state", "400 invalid_request", "408 request_timeout", "413 payload_too_large", "422 invalid_request"])))
)]
pub(super) async fn cancel(
    shop: web::Data<Shop>,
    OrderPath(order_id): OrderPath,
    Caller(client): Caller,
    _: Key,
    _: NoBody,
) -> Result<HttpResponse, Problem> {
    let wish = Wish::cancel_by(client);
    settle(&shop, Act { client: Some(client), order_id, wish }).await
}

async fn settle(shop: &Shop, act: Act) -> Result<HttpResponse, Problem> {
    let order = shop.settlements.ask(act, shop.deadline()).await?;
    Ok(HttpResponse::Ok().json(OrderView::new(shop, order)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Only orders that stand there.
    #[param(schema_with = fields::status)]
    status: Option<String>,
    /// Only orders made at this moment or later.
    #[param(schema_with = fields::moment)]
    from: Option<String>,
    /// Only orders made before this moment.
    #[param(schema_with = fields::moment)]
    until: Option<String>,
    /// Items on the page.
    #[param(schema_with = fields::limit)]
    limit: Option<String>,
    /// Where the page starts: `next` of the page before.
    #[param(schema_with = fields::cursor)]
    after: Option<String>,
}

impl ListQuery {
    fn filter(&self) -> Result<Filter, Problem> {
        let status = self.status.as_deref().map(|word| {
            OrderStatus::from_word(word).ok_or_else(|| {
                let known = OrderStatus::ALL.map(OrderStatus::as_str).join(", ");
                let detail = format!("`status`: there is no status {word:?}; there are {known}");
                Problem::malformed(detail)
            })
        });
        Ok(Filter {
            status: status.transpose()?,
            from: moment("from", self.from.as_deref())?,
            until: moment("until", self.until.as_deref())?,
        })
    }
}

/// List orders
///
/// Newest first. A storefront sees its own orders, an admin all.
#[utoipa::path(
    get,
    path = "/v1/orders",
    operation_id = "list_orders",
    tag = "Orders",
    params(ListQuery),
    responses((status = 200, description = "The page.", body = PageView<OrderView>)),
    security(("token" = ["storefront"]), ("token" = ["admin"])),
)]
pub(super) async fn list(
    shop: web::Data<Shop>,
    Caller(client): Caller,
    Query(query): Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    const LIST: &str = "orders";
    let limit = page_limit(query.limit.as_deref())?;
    let filter = query.filter()?;
    let after = query.after.map(|after| cursor::decode::<Uuid>(LIST, &after)).transpose()?;
    let after = after.map(OrderId);
    let page = shop
        .read(move |connection| orders::list(connection, client, &filter, after, limit))
        .await?;
    let next = page.next.map(|id| cursor::encode(LIST, &id)).transpose()?;
    let data = page.items.into_iter().map(|order| OrderView::new(&shop, order)).collect();
    Ok(HttpResponse::Ok().json(PageView { data, next }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HoldsQuery {
    /// Items on the page.
    #[param(schema_with = fields::limit)]
    limit: Option<String>,
    /// Where the page starts: `next` of the page before, of the same book.
    #[param(schema_with = fields::cursor)]
    after: Option<String>,
}

/// List who holds copies of a book
///
/// And until when; the next to end first. Tells why a book shows 0.
#[utoipa::path(
    get,
    path = "/v1/books/{id}/holds",
    operation_id = "list_holds",
    tag = "Stock",
    params(params::BookId, HoldsQuery),
    responses((status = 200, description = "The page.", body = PageView<HoldView>)),
    security(("token" = ["admin"])),
    extensions(("x-problems" = json!(["404 unknown_book"])))
)]
pub(super) async fn holds(
    shop: web::Data<Shop>,
    BookPath(id): BookPath,
    Query(query): Query<HoldsQuery>,
) -> Result<HttpResponse, Problem> {
    let list = format!("holds {id}");
    let limit = page_limit(query.limit.as_deref())?;
    let after = query.after.map(|after| cursor::decode::<HoldCursor>(&list, &after)).transpose()?;
    let after = after.map(HoldMark::from);
    let page = shop
        .read(move |connection| {
            // An archived book may still be held.
            books::find(connection, id)?;
            orders::holds_of(connection, id, after, limit)
        })
        .await?;
    let next = page.next.map(|mark| cursor::encode(&list, &HoldCursor::from(mark))).transpose()?;
    let data: Vec<_> = page.items.into_iter().map(HoldView::from).collect();
    Ok(HttpResponse::Ok().json(PageView { data, next }))
}

/// A cursor's inside: the place of the last hold of a page.
#[derive(Serialize, Deserialize)]
struct HoldCursor(DateTime<Utc>, Uuid);

impl From<HoldCursor> for HoldMark {
    fn from(HoldCursor(expires_at, id): HoldCursor) -> Self {
        Self { expires_at, order_id: OrderId(id) }
    }
}

impl From<HoldMark> for HoldCursor {
    fn from(mark: HoldMark) -> Self {
        Self(mark.expires_at, mark.order_id.0)
    }
}
