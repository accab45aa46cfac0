//! The metrics over HTTP: what is counted of each request, and the page for Prometheus, on an address of
//! its own that strangers are not meant to reach.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};

use super::Shop;
use crate::metrics::{MEDIA_TYPE, Route};
use crate::store::Store;

/// Counts a request that is answered.
pub(super) fn count(request: &HttpRequest, status: u16, took: Duration) {
    let method = request.method().as_str();
    match (request.app_data::<Route>(), request.app_data::<web::Data<Shop>>()) {
        (Some(route), _) => route.answered(method, status, took),
        // Nobody's path, and the paths of those who look for holes: all of them are one.
        (None, Some(shop)) => {
            shop.store.metrics().requests.nowhere().answered(method, status, took);
        }
        (None, None) => {}
    }
}

/// The page `/metrics` of `store` on `listener`, and nothing else. It runs when it is awaited, and stops
/// when it is dropped or told to: it knows no signals.
///
/// # Errors
/// If the operating system refuses the listener.
pub fn serve_metrics(store: Store, listener: TcpListener) -> std::io::Result<Server> {
    let store = web::Data::new(store);
    let server = HttpServer::new(move || {
        App::new().app_data(store.clone()).route("/metrics", web::get().to(page))
    });
    Ok(server.workers(1).disable_signals().shutdown_timeout(0).listen(listener)?.run())
}

async fn page(store: web::Data<Store>) -> HttpResponse {
    HttpResponse::Ok().content_type(MEDIA_TYPE).body(store.metrics_page())
}
