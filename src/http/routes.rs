//! Every path, its methods, and who may use each. The one place where that is decided.

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::from_fn;
use actix_web::{Handler, HttpResponse, Resource, Responder, Route, web};

use super::problem::{METHOD_NOT_ALLOWED, Problem};
use super::{auth, books, docs, health, openapi, orders, problem_pages, stock};
use crate::metrics::Requests;

pub(super) fn configure(app: &mut web::ServiceConfig, requests: &Requests) {
    for path in paths(requests) {
        app.service(Resource::from(path));
    }
}

fn paths(requests: &Requests) -> Vec<Path> {
    let at = |path| at(path, requests);
    vec![
        // Paths are tried in this order: those of a flash sale come first.
        at("/v1/books/{id}/purchases").post(buyer(orders::purchase)),
        at("/v1/books").get(|| anyone(books::list)).post(admin(books::create)),
        at("/v1/books/{id}")
            .get(|| anyone(books::find))
            .method(Method::PATCH, admin(books::edit))
            .method(Method::DELETE, admin(books::archive)),
        at("/v1/books/{id}/restocks").post(admin(stock::restock_one)),
        at("/v1/books/{id}/stocktakes").post(admin(stock::stocktake)),
        at("/v1/books/{id}/movements").get(|| admin(stock::movements)),
        at("/v1/books/{id}/holds").get(|| admin(orders::holds)),
        at("/v1/orders").get(|| buyer(orders::list)).post(buyer(orders::create)),
        at("/v1/orders/{id}").get(|| buyer(orders::find)),
        at("/v1/orders/{id}/confirm").post(buyer(orders::confirm)),
        at("/v1/orders/{id}/cancel").post(buyer(orders::cancel)),
        at("/v1/orders/{id}/returns").post(admin(stock::take_back)),
        at("/v1/restocks").post(admin(stock::restock)),
        at("/healthz").get(|| anyone(health::alive)),
        at("/readyz").get(|| anyone(health::ready)),
        at("/problems").get(|| anyone(problem_pages::list)),
        at("/problems/{slug}").get(|| anyone(problem_pages::find)),
        at("/openapi.json").get(|| anyone(openapi::document)),
        at("/docs").get(|| anyone(docs::page)),
        at("/docs/{file}").get(|| anyone(docs::asset)),
    ]
}

/// Every route as `METHOD path`, for the test that holds the OpenAPI document against them.
#[cfg(test)]
pub(super) fn listed() -> Vec<String> {
    let of_path = |path: Path| {
        let Path { path, allowed, .. } = path;
        allowed.into_iter().map(move |method| format!("{method} {path}"))
    };
    let metrics = crate::metrics::Metrics::new("a test");
    paths(&metrics.requests).into_iter().flat_map(of_path).collect()
}

/// Any path without a service.
pub(super) async fn nothing_here() -> Result<HttpResponse, Problem> {
    Err(Problem::nothing_here())
}

/// A route for everyone.
fn anyone<F, Args>(handler: F) -> Route
where
    F: Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::route().to(handler)
}

/// A route for storefronts and admins.
fn buyer<F, Args>(handler: F) -> Route
where
    F: Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: Responder + 'static,
{
    anyone(handler).wrap(from_fn(auth::buyer))
}

/// A route for admins.
fn admin<F, Args>(handler: F) -> Route
where
    F: Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: Responder + 'static,
{
    anyone(handler).wrap(from_fn(auth::admin))
}

/// A path that knows its methods, so that any other is answered 405 with Allow.
struct Path {
    #[cfg(test)]
    path: String,
    resource: Resource,
    allowed: Vec<Method>,
}

/// The path carries its counters, so that no request has to look them up.
fn at(path: &str, requests: &Requests) -> Path {
    Path {
        #[cfg(test)]
        path: path.to_owned(),
        resource: web::resource(path).app_data(requests.route(path)),
        allowed: Vec::new(),
    }
}

impl Path {
    fn method(mut self, method: Method, route: Route) -> Self {
        self.resource = self.resource.route(route.method(method.clone()));
        self.allowed.push(method);
        self
    }

    /// HEAD is answered like GET, without the body.
    fn get(self, route: impl Fn() -> Route) -> Self {
        self.method(Method::GET, route()).method(Method::HEAD, route())
    }

    fn post(self, route: Route) -> Self {
        self.method(Method::POST, route)
    }
}

impl From<Path> for Resource {
    fn from(path: Path) -> Self {
        let allowed: Vec<_> = path.allowed.iter().map(Method::as_str).collect();
        let allowed = allowed.join(", ");
        path.resource.default_service(web::to(move || {
            let detail = format!("this path takes {allowed}");
            let allow = HeaderValue::from_str(&allowed);
            async move {
                let problem = Problem::new(&METHOD_NOT_ALLOWED, detail);
                Err::<HttpResponse, _>(match allow {
                    Ok(allow) => problem.header(header::ALLOW, allow),
                    Err(_) => problem,
                })
            }
        }))
    }
}
