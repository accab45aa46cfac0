//! Orders: purchases of one book, orders of several, and reading them back.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Shop;
use super::auth::Caller;
use super::extract::{BookPath, Faults, Json, Key, OrderPath, Query};
use super::input::{LineBody, page_limit, parse_lines, request};
use super::problem::Problem;
use super::view::{OrderView, PageView};
use super::{cursor, replayable};
use crate::domain::{BookId, Copies, NewOrder, OrderId, Placement, Request};
use crate::store::orders;
use crate::till;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PurchaseBody {
    quantity: i64,
}

/// `POST /v1/books/{id}/purchases`
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
    let placement = place(&shop, request, vec![(id, copies)]).await?;
    Ok(answer(&shop, placement))
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderBody {
    lines: Vec<LineBody>,
}

/// `POST /v1/orders`
pub(super) async fn create(
    shop: web::Data<Shop>,
    Caller(client): Caller,
    key: Key,
    Json(body): Json<OrderBody>,
) -> Result<HttpResponse, Problem> {
    let lines = parse_lines(&body.lines, Copies::parse)?;
    let request = request(client, key, "POST /v1/orders", &body)?;
    let placement =
        place(&shop, request, lines).await.map_err(|error| Problem::from(error).in_body())?;
    Ok(answer(&shop, placement))
}

/// Brings one order to the till.
async fn place(
    shop: &Shop,
    request: Request,
    lines: Vec<(BookId, Copies)>,
) -> Result<Placement, till::Error> {
    // The id is made before the transaction: after a lost answer it tells whether it committed.
    let order = NewOrder::new(OrderId(Uuid::now_v7()), request, lines)
        .expect("the number of lines was checked where they came in");
    shop.checkout.place(order, shop.deadline()).await
}

fn answer(shop: &Shop, placement: Placement) -> HttpResponse {
    replayable(HttpResponse::Created(), placement.is_replay)
        .insert_header(("Location", format!("/v1/orders/{}", placement.order.id)))
        .json(OrderView::new(shop, placement.order))
}

/// `GET /v1/orders/{id}`
pub(super) async fn find(
    shop: web::Data<Shop>,
    OrderPath(id): OrderPath,
    Caller(client): Caller,
) -> Result<HttpResponse, Problem> {
    let order = shop.read(move |connection| orders::find(connection, client, id)).await?;
    Ok(HttpResponse::Ok().json(OrderView::new(&shop, order)))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    limit: Option<String>,
    after: Option<String>,
}

/// `GET /v1/orders`
pub(super) async fn list(
    shop: web::Data<Shop>,
    Caller(client): Caller,
    Query(query): Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    const LIST: &str = "orders";
    let limit = page_limit(query.limit.as_deref())?;
    let after = query.after.map(|after| cursor::decode::<Uuid>(LIST, &after)).transpose()?;
    let after = after.map(OrderId);
    let page = shop.read(move |connection| orders::list(connection, client, after, limit)).await?;
    let next = page.next.map(|id| cursor::encode(LIST, &id)).transpose()?;
    let data = page.items.into_iter().map(|order| OrderView::new(&shop, order)).collect();
    Ok(HttpResponse::Ok().json(PageView { data, next }))
}
