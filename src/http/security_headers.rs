//! What browsers are told to be strict about.

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder};

/// Nothing but this service's own files and answers. Swagger UI's icons are `data:` images.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// Completes a page, or a file of one.
pub(super) fn guarded(mut answer: HttpResponseBuilder) -> HttpResponseBuilder {
    let headers: [(HeaderName, &str); 3] = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in headers {
        answer.insert_header((name, HeaderValue::from_static(value)));
    }
    answer
}

/// Completes any answer: it is what it says it is, and nobody is to guess otherwise.
pub(super) fn complete(response: &mut HttpResponse) {
    let nosniff = HeaderValue::from_static("nosniff");
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
}
