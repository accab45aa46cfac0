//! For operators and load balancers: is it alive, is it ready.

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::Shop;
use super::problem::Problem;
use crate::store::migrations;
use crate::till;

/// Alive?
///
/// The process answers. Asks nothing of the database.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "is_alive",
    tag = "Service",
    responses((status = 200, description = "It is.", body = serde_json::Value,
        example = json!({ "status": "alive" })))
)]
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "alive" }))
}

/// Ready?
///
/// The till takes orders, the database is reachable and its schema current. An instance that is not
/// ready should get no traffic.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "is_ready",
    tag = "Service",
    responses((status = 200, description = "It is.", body = serde_json::Value,
        example = json!({ "status": "ready" }))),
    extensions(("x-problems" = json!([
        "503 overloaded", "503 database_unavailable", "500 internal_error"
    ])))
)]
pub(super) async fn ready(shop: web::Data<Shop>) -> Result<HttpResponse, Problem> {
    if !shop.checkout.is_open() {
        return Err(till::Error::Closed.into());
    }
    let is_pending = shop.read(migrations::is_pending).await?;
    if is_pending {
        tracing::warn!("the database lacks migrations; run `bookstore migrate`");
        return Err(Problem::database_unavailable());
    }
    Ok(HttpResponse::Ok().json(json!({ "status": "ready" })))
}
