//! Which other sites' pages may use the API in a browser (CORS, as in the Fetch standard): none, unless
//! the operator names their origins. Programs that are no browsers do not care.

use actix_cors::Cors;
use actix_web::http::Method;
use actix_web::middleware::Condition;

use crate::config::Origin;

const METHODS: [Method; 5] =
    [Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::DELETE];

/// What pages may send, beside what every page may.
const SENT: [&str; 7] = [
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "traceparent",
    "x-request-id",
];

/// What pages may read, beside what every page may.
const READ: [&str; 9] = [
    "etag",
    "idempotent-replayed",
    "location",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "traceresponse",
    "www-authenticate",
    "x-request-id",
];

/// Seconds for which a browser may remember what is allowed.
const MAX_AGE: usize = 3_600;

/// The layer that lets these origins in. Tokens come in a header that a page has to set itself, so no
/// credentials of the browser's own are asked for.
pub(super) fn layer(origins: &[Origin]) -> Condition<Cors> {
    let cors = Cors::default()
        .allowed_methods(METHODS)
        .allowed_headers(SENT)
        .expose_headers(READ)
        .max_age(MAX_AGE);
    let cors = origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin.as_str()));
    Condition::new(!origins.is_empty(), cors)
}
