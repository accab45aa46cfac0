//! What may be kept, and for how long (RFC 9111). An answer that says nothing is not to be kept at
//! all: orders are nobody else's business, and a 404 may be a book a moment later.

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderValue};

/// May be kept, but is asked for again before each use: a book may be sold at any moment. With its
/// ETag that costs a 304.
pub(super) const LIVE: (header::HeaderName, HeaderValue) =
    (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));

/// The same for everyone until another version of the program runs.
pub(super) const STATIC: (header::HeaderName, HeaderValue) =
    (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));

/// Completes an answer that does not say whether it may be kept.
pub(super) fn complete(response: &mut HttpResponse) {
    let headers = response.headers_mut();
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
