//! What surrounds every request: its id, its log line, the last touch on every error.

use std::sync::Arc;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, web};
use tracing::field::Empty;
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::connections::{self, Connection, heed};
use super::problem::{INTERNAL_ERROR, INVALID_REQUEST, Problem};
use super::trace::{TRACERESPONSE, Trace};
use super::{Shop, caching, inside, security_headers, slices};
use crate::metrics::Limit;
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

/// Gives the request its id, logs it, and completes problems with the id.
pub(super) async fn surround<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = request_id(&request);
    let started = Instant::now();
    let trace = Trace::of(request.headers());
    let shop = request.app_data::<web::Data<Shop>>().cloned();
    let span = span(&request, &id, trace.as_ref(), shop.as_ref());
    let connection = request.conn_data::<Arc<Connection>>().cloned();
    let under_way = connection.as_ref().map(Connection::begin);
    if let Some(connection) = &connection {
        heed(&mut request, connection);
    }
    let served = next.call(request).instrument(span.clone());
    let response = match &shop {
        Some(shop) => shop.serve(served).await,
        None => served.await,
    };
    let response = response?.map_into_boxed_body();
    let mut response = complete(response, &id).map_body(|_, body| slices::thin(body));
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    if let Some(value) = trace.and_then(|trace| trace.response()) {
        headers.insert(TRACERESPONSE, value);
    }
    caching::complete(response.response_mut());
    security_headers::complete(response.response_mut());
    close_if_due(&mut response, under_way, shop.as_ref());
    let status = response.status().as_u16();
    let took = started.elapsed();
    inside::count(response.request(), status, took);
    let milliseconds = took.as_secs_f64() * 1e3;
    // A line for each sale would cost a flash sale more than the sale, and what fails is logged
    // where it fails: who wants every answer asks for them.
    span.in_scope(|| tracing::debug!(status, milliseconds, "answered"));
    Ok(response)
}

/// What is on every log line about the request.
fn span(
    request: &ServiceRequest,
    id: &str,
    trace: Option<&Trace>,
    shop: Option<&web::Data<Shop>>,
) -> Span {
    let path = request.path();
    let sender = shop.and_then(|shop| shop.proxies.sender_of(request));
    tracing::info_span!(
        "request",
        request_id = %id,
        method = %request.method(),
        // Somebody may have put a token where none belongs.
        path = if Token::is_within(path) { "(holds a token)" } else { path },
        address = sender.map(|sender| display(sender.ip)),
        trace_id = trace.map(|trace| display(&trace.id)),
        span_id = trace.map(|trace| display(trace.span)),
        // Told when they are known.
        client_id = Empty,
        order_id = Empty,
    )
}

/// Closes the connection after this answer if it has to be.
fn close_if_due(
    response: &mut ServiceResponse<BoxBody>,
    mut under_way: Option<connections::Request>,
    shop: Option<&web::Data<Shop>>,
) {
    let status = response.status();
    let is_unread = may_be_unread(response.request(), status);
    if let Some(request) = under_way.as_mut().filter(|_| is_unread) {
        request.is_last();
    }
    if is_unread || shop.is_some_and(|shop| shop.is_stopping()) {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    if let Some(shop) = shop.filter(|_| status == StatusCode::REQUEST_TIMEOUT) {
        shop.store.metrics().limits.refused(Limit::BodyTimeout);
    }
}

/// Whether the peer may still be sending a body that nobody reads. One of known length the HTTP layer
/// deals with; a chunked one it would read to its end, wherever that is.
fn may_be_unread(request: &HttpRequest, status: StatusCode) -> bool {
    if status == StatusCode::REQUEST_TIMEOUT {
        return true;
    }
    let is_read = status.is_success() && matches!(*request.method(), Method::POST | Method::PATCH);
    !is_read && request.headers().contains_key(header::TRANSFER_ENCODING)
}

/// Writes the body of a problem. An error that another layer made without one becomes a problem. The
/// headers that layers gave the answer stay: who may read it, and how its caller stands.
fn complete(response: ServiceResponse<BoxBody>, id: &str) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let carried = response.response().extensions().get::<Problem>().cloned();
    let problem = match carried {
        Some(problem) => problem,
        None if status.is_client_error() || status.is_server_error() => stray(status),
        None => return response,
    };
    let (request, mut refused) = response.into_parts();
    let mut answer = problem.response(id);
    let own = std::mem::replace(answer.headers_mut(), std::mem::take(refused.headers_mut()));
    for (name, value) in own {
        answer.headers_mut().insert(name, value);
    }
    ServiceResponse::new(request, answer)
}

/// A problem for an error that did not come from this service's own code.
fn stray(status: StatusCode) -> Problem {
    match status {
        StatusCode::NOT_FOUND => Problem::nothing_here(),
        status if status.is_client_error() => {
            Problem::new(&INVALID_REQUEST, "the request could not be read").status(status)
        }
        status => Problem::new(&INTERNAL_ERROR, "the service failed").status(status),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_taken_for_the_id_as_they_are_or_another_is_made(
            bytes in prop_oneof![
                4 => "[A-Za-z0-9_.:/+=-]{0,40}|[0-9a-f-]{120,132}|x?bks_[0-9a-z]{0,9}".prop_map(String::into_bytes),
                2 => "[!-~]{0,9}| ?[a-z]{1,3} ?[a-z]?".prop_map(String::into_bytes),
                1 => prop::collection::vec(prop_oneof![b' '..=b'~', b'\x80'..=b'\xff'], 0..20),
            ],
        ) {
            let request = TestRequest::default().insert_header((REQUEST_ID, &bytes[..]));
            let id = request_id(&request.to_srv_request());
            let fits = (1..=128).contains(&bytes.len())
                && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte));
            let is_secret = bytes.windows(4).any(|part| part == b"bks_");
            prop_assert_eq!(id.as_bytes() == bytes, fits && !is_secret);
            // Another one has to be found in the log as well.
            prop_assert!(id.as_bytes() == bytes || Uuid::try_parse(&id).is_ok());
        }
    }
}
