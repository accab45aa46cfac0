//! Orders: purchases of one book, orders of several, holds and what becomes of them, and reading
//! them back.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Shop;
use super::auth::Caller;
use super::extract::{BookPath, Faults, Json, Key, NoBody, OrderPath, Query};
use super::input::{LineBody, moment, page_limit, parse_lines, request};
use super::problem::Problem;
use super::view::{HoldView, OrderView, PageView};
use super::{cursor, replayable};
use crate::domain::{
    Act, BookId, Copies, HoldSeconds, NewOrder, OrderId, OrderStatus, Placement, Request, Wish,
};
use crate::store::books;
use crate::store::orders::{self, Filter, HoldMark};

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
    let order = order(request, vec![(id, copies)]);
    let placement = shop.checkout.place(order, shop.deadline()).await?;
    Ok(answer(&shop, placement))
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderBody {
    lines: Vec<LineBody>,
    // Not there in the hash of a request without it: keys of orders from before there were holds
    // still stand for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    hold_seconds: Option<i64>,
}

/// `POST /v1/orders`
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

/// `GET /v1/orders/{id}`
pub(super) async fn find(
    shop: web::Data<Shop>,
    OrderPath(id): OrderPath,
    Caller(client): Caller,
) -> Result<HttpResponse, Problem> {
    let order = shop.read(move |connection| orders::find(connection, client, id)).await?;
    Ok(HttpResponse::Ok().json(OrderView::new(&shop, order)))
}

/// `POST /v1/orders/{id}/confirm`. An Idempotency-Key may come along; it is not remembered, since
/// confirming twice is confirming once.
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

/// `POST /v1/orders/{id}/cancel`. As for confirm, a key is not needed and not remembered.
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    status: Option<String>,
    from: Option<String>,
    until: Option<String>,
    limit: Option<String>,
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

/// `GET /v1/orders`
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HoldsQuery {
    limit: Option<String>,
    after: Option<String>,
}

/// `GET /v1/books/{id}/holds`
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
