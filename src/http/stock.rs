//! What admins do to the stock: restocks, stocktakes, returns, and the ledger of it all.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, HttpResponseBuilder, web};
use serde::{Deserialize, Serialize};

use super::Shop;
use super::auth::Caller;
use super::extract::{BookPath, Faults, Json, Key, OrderPath, Query};
use super::input::{LineBody, entry, page_limit, parse_lines, parse_reference, request};
use super::problem::Problem;
use super::view::{EntryView, MovementView, PageView};
use super::{cursor, replayable};
use crate::domain::{Copies, Counted, Delivered, Reason};
use crate::store::{books, movements, stock};

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RestockOneBody {
    quantity: i64,
    reference: Option<String>,
}

/// `POST /v1/books/{id}/restocks`
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
    let entered =
        shop.write(move |connection| stock::restock(connection, &entry, &[(id, copies)])).await?;
    let movement = entered.entry.movements.into_iter().next().ok_or_else(Problem::internal)?;
    Ok(replayable(&shop, HttpResponse::Created(), entered.is_replay)
        .json(MovementView::from(movement)))
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinesBody {
    lines: Vec<LineBody>,
    reference: Option<String>,
}

/// `POST /v1/restocks`
pub(super) async fn restock(
    shop: web::Data<Shop>,
    Caller(client): Caller,
    key: Key,
    Json(body): Json<LinesBody>,
) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let lines = parse_lines(&body.lines, Delivered::parse, &mut faults);
    let reference = parse_reference(body.reference.as_deref(), &mut faults);
    let (Some(lines), Some(reference)) = (lines, reference) else { return Err(faults.into()) };
    let entry = entry(request(client, key, "POST /v1/restocks", &body)?, reference);
    let entered = shop
        .write(move |connection| stock::restock(connection, &entry, &lines))
        .await
        .map_err(|error| Problem::from(error).in_body())?;
    Ok(replayable(&shop, HttpResponse::Created(), entered.is_replay)
        .json(EntryView::from(entered.entry)))
}

/// `POST /v1/orders/{id}/returns`
pub(super) async fn take_back(
    shop: web::Data<Shop>,
    OrderPath(id): OrderPath,
    Caller(client): Caller,
    key: Key,
    Json(body): Json<LinesBody>,
) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let lines = parse_lines(&body.lines, Copies::parse, &mut faults);
    let reference = parse_reference(body.reference.as_deref(), &mut faults);
    let (Some(lines), Some(reference)) = (lines, reference) else { return Err(faults.into()) };
    let route = format!("POST /v1/orders/{id}/returns");
    let entry = entry(request(client, key, &route, &body)?, reference);
    let entered =
        shop.write(move |connection| stock::take_back(connection, &entry, id, &lines)).await?;
    Ok(replayable(&shop, HttpResponse::Created(), entered.is_replay)
        .json(EntryView::from(entered.entry)))
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StocktakeBody {
    counted: i64,
    expected: Option<i64>,
}

/// `POST /v1/books/{id}/stocktakes`
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
        .write(move |connection| stock::stocktake(connection, &entry, id, counted, expected))
        .await?;
    let (status, movement) = match entered.entry.movements.first() {
        Some(movement) => (StatusCode::CREATED, MovementView::from(movement.clone())),
        None => (StatusCode::OK, MovementView::of_agreement(id.0, counted.get(), &entered.entry)),
    };
    Ok(replayable(&shop, HttpResponseBuilder::new(status), entered.is_replay).json(movement))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MovementsQuery {
    reason: Option<String>,
    limit: Option<String>,
    after: Option<String>,
}

/// `GET /v1/books/{id}/movements`
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
