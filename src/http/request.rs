//! What surrounds every request: its id, its log line, the last touch on every error.

use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, Header, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError, web};
use tracing::Instrument;
use tracing::field::Empty;
use uuid::Uuid;

use super::Shop;
use super::caching;
use super::inside;
use super::problem::{INTERNAL_ERROR, INVALID_REQUEST, NOT_ACCEPTABLE, NOT_FOUND, Problem};
use super::trace::{TRACERESPONSE, Trace};
use crate::store::Token;

/// The header that carries a request's id, in and out.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID: usize = 128;

/// The id a caller gave the request, if it is one that fits a log line and is no secret; else a new
/// one.
fn request_id(request: &ServiceRequest) -> String {
    let sane = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte);
    request
        .headers()
        .get(REQUEST_ID)
        .map(HeaderValue::as_bytes)
        .filter(|id| (1..=MAX_REQUEST_ID).contains(&id.len()) && id.iter().all(sane))
        .and_then(|id| std::str::from_utf8(id).ok())
        .filter(|id| !Token::is_within(id))
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

/// Whether the caller takes JSON. Without the header everything is welcome.
fn accepts_json(request: &ServiceRequest) -> bool {
    if !request.headers().contains_key(header::ACCEPT) {
        return true;
    }
    // An unreadable Accept is treated as if it were not there (RFC 9110, 12.5.1, leaves it open).
    let Ok(accept) = header::Accept::parse(request) else { return true };
    accept.is_empty()
        || accept.iter().any(|range| {
            range.quality > header::Quality::MIN
                && matches!(
                    range.item.essence_str(),
                    "*/*" | "application/*" | "application/json" | "application/problem+json"
                )
        })
}

/// Gives the request its id, logs it, and completes problems with the id.
pub(super) async fn surround<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = request_id(&request);
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.path().to_owned();
    let trace = Trace::of(request.headers());
    let span = tracing::info_span!(
        "request",
        request_id = %id,
        %method,
        // Somebody may have put a token where none belongs.
        path = if Token::is_within(&path) { "(holds a token)" } else { &path },
        trace_id = trace.as_ref().map(|trace| display(&trace.id)),
        span_id = trace.as_ref().map(|trace| display(trace.span)),
        // Told when they are known.
        client_id = Empty,
        order_id = Empty,
    );
    let shop = request.app_data::<web::Data<Shop>>().cloned();
    // The API speaks JSON only; pages for people are outside it.
    let response = if path.starts_with("/v1/") && !accepts_json(&request) {
        let problem = Problem::new(&NOT_ACCEPTABLE, "this service answers in application/json");
        request.into_response(problem.error_response())
    } else {
        next.call(request).instrument(span.clone()).await?.map_into_boxed_body()
    };
    let mut response = complete(response, &id);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    if let Some(value) = trace.and_then(|trace| trace.response()) {
        response.headers_mut().insert(TRACERESPONSE, value);
    }
    caching::complete(response.response_mut());
    if shop.is_some_and(|shop| shop.is_stopping()) {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    let status = response.status().as_u16();
    let took = started.elapsed();
    inside::count(response.request(), status, took);
    let milliseconds = took.as_secs_f64() * 1e3;
    // A line for each sale would cost a flash sale more than the sale, and what fails is logged
    // where it fails: who wants every answer asks for them.
    span.in_scope(|| tracing::debug!(status, milliseconds, "answered"));
    Ok(response)
}

/// Writes the body of a problem. An error that another layer made without one becomes a problem.
fn complete(response: ServiceResponse<BoxBody>, id: &str) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let carried = response.response().extensions().get::<Problem>().cloned();
    let problem = match carried {
        Some(problem) => problem,
        None if status.is_client_error() || status.is_server_error() => stray(status),
        None => return response,
    };
    let (request, _) = response.into_parts();
    ServiceResponse::new(request, problem.response(id))
}

/// A problem for an error that did not come from this service's own code.
fn stray(status: StatusCode) -> Problem {
    match status {
        StatusCode::NOT_FOUND => Problem::new(&NOT_FOUND, "nothing is at this path"),
        status if status.is_client_error() => {
            Problem::new(&INVALID_REQUEST, "the request could not be read").status(status)
        }
        status => Problem::new(&INTERNAL_ERROR, "the service failed").status(status),
    }
}
