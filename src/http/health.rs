//! For operators and load balancers: is it alive, is it ready, and what does a problem mean.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use serde_json::json;

use super::Shop;
use super::problem::{KINDS, Kind, NOT_FOUND, Problem};
use crate::store::migrations;
use crate::till;

/// `GET /healthz`: the process answers.
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "alive" }))
}

/// `GET /readyz`: the till takes orders, the database is reachable and its schema current.
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

/// `GET /problems`: every kind of problem.
pub(super) async fn problems() -> HttpResponse {
    let list: Vec<_> = KINDS.iter().map(|kind| format!("/problems/{}", kind.slug)).collect();
    text(format!("{}\n", list.join("\n")))
}

/// `GET /problems/{slug}`: what a kind of problem means and what to do about it.
pub(super) async fn problem(slug: web::Path<String>) -> Result<HttpResponse, Problem> {
    let kind: &Kind = KINDS
        .iter()
        .find(|kind| kind.slug == slug.as_str())
        .ok_or_else(|| Problem::new(&NOT_FOUND, "there is no such kind of problem"))?;
    Ok(text(format!(
        "{}\n\n{} (HTTP status {})\n\n{}\n",
        kind.slug,
        kind.title,
        kind.status.as_u16(),
        kind.explanation
    )))
}

fn text(body: String) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8")).body(body)
}
