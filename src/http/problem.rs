//! Errors as RFC 9457 problem details, and the one place where the store's become them.

use std::fmt;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Map, Value, json};

use crate::domain::{Excess, Refusal, Shortage};
use crate::{store, till};

/// Seconds after which a client that was told 503 may try again.
const RETRY_AFTER_SECONDS: u32 = 1;

/// A kind of problem. Its slug is part of the contract; what it means is told at `/problems/SLUG`.
/// The explanation's first paragraph says what happened, the second what to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) slug: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
    pub(crate) explanation: &'static str,
}

/// Defines the kinds and the list of them all.
macro_rules! kinds {
    ($($name:ident = $status:ident, $slug:literal, $title:literal, $explanation:literal;)*) => {
        $(pub(crate) const $name: Kind = Kind {
            slug: $slug,
            status: StatusCode::$status,
            title: $title,
            explanation: $explanation,
        };)*
        /// All kinds of problem.
        pub(crate) const KINDS: &[Kind] = &[$($name),*];
    };
}

kinds! {
    OUT_OF_STOCK = CONFLICT, "out_of_stock", "Not enough copies",
        "The order asks for more copies than can be sold now; the member `lines` lists each book that falls short with `requested` and `available`. Nothing was sold.\n\nAsk for fewer, or try again later with the same Idempotency-Key: a refused order is not remembered.";
    UNKNOWN_BOOK = NOT_FOUND, "unknown_book", "No such book",
        "There is no book with this id, or it is no longer for sale. In a request body (status 422) the member `book_ids` lists them. Nothing was changed.\n\nLook books up with `GET /v1/books`, and leave out what is not there any more.";
    UNKNOWN_ORDER = NOT_FOUND, "unknown_order", "No such order",
        "There is no order with this id among those that your token may see.\n\nList yours with `GET /v1/orders`. If you lost the id of an order that you just placed, place it again with the same Idempotency-Key: the answer has it.";
    INVALID_REQUEST = BAD_REQUEST, "invalid_request", "The request is not valid",
        "With status 400 the request could not be read: broken JSON, a bad query parameter, cursor or header. With status 422 it could be read but breaks a rule; the member `errors` lists each `pointer` (RFC 6901) into the body with what is wrong there. Nothing was changed.\n\nMend the request; sending it again as it is will not help.";
    IDEMPOTENCY_KEY_REUSED = UNPROCESSABLE_ENTITY, "idempotency_key_reused", "The idempotency key stands for another request",
        "Your client used this Idempotency-Key before, for a request that was not the same. Nothing was changed.\n\nUse a new key for each new request, and the same key only to repeat one.";
    ORDER_STATE = CONFLICT, "order_state", "The order is in another state",
        "What was asked for cannot be had of an order in this state; the member `state` names it: a hold that ran out cannot be confirmed, what was cancelled cannot be either, what was placed can be cancelled by an admin only, and not once copies of it were returned; only what was placed can be returned. What was asked for was not done. (A hold whose time is over expires at that, and its copies are on sale again.)\n\nGet the order, and decide anew: to buy what expired, order it again.";
    RETURNS_EXCEED_SALE = CONFLICT, "returns_exceed_sale", "More would come back than was sold",
        "The return brings back more copies than the order sold, less those that came back before; the member `lines` lists each such book with `sold`, `returned` and `requested`. Nothing was changed.\n\nGet the order to see what is still out.";
    STALE_QUANTITY = CONFLICT, "stale_quantity", "The stock changed meanwhile",
        "The stocktake said which quantity it expected to find, and another one is there: copies were sold or arrived since. Nothing was changed.\n\nCount again.";
    DUPLICATE_ISBN = CONFLICT, "duplicate_isbn", "Another book has this ISBN",
        "The catalogue has a book with this ISBN already, perhaps an archived one; the member `book_id` names it. Nothing was changed.\n\nEdit or restock that book, or correct the ISBN. (If `GET /v1/books/{id}` does not find it, it is archived: that keeps its ISBN, and there is no way back.)";
    PRECONDITION_FAILED = PRECONDITION_FAILED, "precondition_failed", "The book was edited meanwhile",
        "The ETag in If-Match is not that of the book as it is now. Nothing was changed.\n\nGet the book again, look at it, and repeat the edit with its new ETag.";
    PRECONDITION_REQUIRED = PRECONDITION_REQUIRED, "precondition_required", "If-Match is needed",
        "An edit must name the ETag of the book it was made for in the header If-Match, so that two admins do not overwrite each other's edits. Nothing was changed.\n\nGET the book, and send its ETag along.";
    UNAUTHORIZED = UNAUTHORIZED, "unauthorized", "A valid token is needed",
        "The request has no token, or one that is not known or was revoked. The header WWW-Authenticate says which.\n\nSend the header `Authorization: Bearer TOKEN` with a token that `bookstore token create` printed and that was not revoked.";
    FORBIDDEN = FORBIDDEN, "forbidden", "The token may not do this",
        "The token is valid, but its role does not allow this.\n\nUse a token with role admin.";
    NOT_FOUND = NOT_FOUND, "not_found", "No such resource",
        "Nothing is at this path.\n\nThe API is under `/v1`; `/docs` shows all of it.";
    METHOD_NOT_ALLOWED = METHOD_NOT_ALLOWED, "method_not_allowed", "The method is not allowed here",
        "There is something at this path, but it does not take this method.\n\nThe header Allow lists the methods that it takes.";
    NOT_ACCEPTABLE = NOT_ACCEPTABLE, "not_acceptable", "Only JSON can be sent",
        "The header Accept leaves out `application/json`, which is all that the API speaks. Nothing was changed.\n\nSend `Accept: application/json`, or no Accept at all.";
    PAYLOAD_TOO_LARGE = PAYLOAD_TOO_LARGE, "payload_too_large", "The body is too large",
        "A request body may have up to 64 KiB. Nothing was changed.\n\nSplit a large restock into several.";
    UNSUPPORTED_MEDIA_TYPE = UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body must be JSON",
        "The body was not announced as plain JSON. Nothing was changed.\n\nSend the body as it is (no Content-Encoding) with the header `Content-Type: application/json`.";
    RATE_LIMITED = TOO_MANY_REQUESTS, "rate_limited", "Too many requests",
        "Requests came faster than one client (with a token), or one address (without), may send them; or too many wrong tokens came from your address. Nothing was changed. RateLimit-Policy names the limit and says how much it allows (`q` at once, and `q` again in `w` seconds), RateLimit what is left (`r`).\n\nWait for as long as Retry-After says, then repeat the request with the same Idempotency-Key. A program that meets this often should send fewer requests; one that is told of wrong tokens should be given the right one.";
    REQUEST_TIMEOUT = REQUEST_TIMEOUT, "request_timeout", "The body came too slowly",
        "The body of the request was not there in time. Nothing was changed, and the connection is closed.\n\nSend the request again on a new connection, with the same Idempotency-Key. If it happens often, the network between you and the service is slow or loses packets.";
    OVERLOADED = SERVICE_UNAVAILABLE, "overloaded", "Too busy",
        "More requests came in than could be served in time, or what this one needs was locked for too long.\n\nWait for as long as Retry-After says and repeat the request with the same Idempotency-Key: it is then never done twice.";
    DATABASE_UNAVAILABLE = SERVICE_UNAVAILABLE, "database_unavailable", "The database is not available",
        "The database could not be reached or could not write.\n\nWait for as long as Retry-After says and repeat the request with the same Idempotency-Key: whether or not the first one was done, it is then done once.";
    INTERNAL_ERROR = INTERNAL_SERVER_ERROR, "internal_error", "Something is wrong on our side",
        "This is a defect of the service or its database, not of the request.\n\nThe log has a line with this request's id, the problem's `instance`: tell whoever runs the service.";
}

/// A problem on its way to the client. The middleware that knows the request's id writes its body.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    kind: &'static Kind,
    status: StatusCode,
    detail: String,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub(crate) fn new(kind: &'static Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            status: kind.status,
            detail: detail.into(),
            members: Map::new(),
            headers: Vec::new(),
        }
    }

    /// The request cannot be read: 400.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(&INVALID_REQUEST, detail)
    }

    /// The request breaks rules: 422, with a pointer and a detail for each.
    pub(crate) fn invalid(errors: Vec<(String, String)>) -> Self {
        let detail = match errors.as_slice() {
            [(pointer, detail)] if pointer.is_empty() => detail.clone(),
            [(pointer, detail)] => format!("{pointer} {detail}"),
            several => format!("{} members of the body are not valid", several.len()),
        };
        let errors: Vec<_> = errors
            .into_iter()
            .map(|(pointer, detail)| json!({ "pointer": pointer, "detail": detail }))
            .collect();
        Self::new(&INVALID_REQUEST, detail)
            .status(StatusCode::UNPROCESSABLE_ENTITY)
            .member("errors", errors)
    }

    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    fn retry_later(self) -> Self {
        self.header(header::RETRY_AFTER, RETRY_AFTER_SECONDS.into())
    }

    /// More came in than could be served in time: 503.
    pub(crate) fn overloaded() -> Self {
        Self::new(&OVERLOADED, "too many requests are waiting, or what this one needs was locked for too long; try again shortly").retry_later()
    }

    /// The body was not there in time: 408.
    pub(crate) fn request_timeout() -> Self {
        Self::new(&REQUEST_TIMEOUT, "the body of the request was not there in time")
    }

    /// Nothing is at the path: 404.
    pub(crate) fn nothing_here() -> Self {
        Self::new(&NOT_FOUND, "nothing is at this path; /docs shows what there is")
    }

    /// The database can be reached no more: 503.
    pub(crate) fn database_unavailable() -> Self {
        Self::new(&DATABASE_UNAVAILABLE, "the database is not available; try again shortly")
            .retry_later()
    }

    /// The same, about what the body names: a book that is not there is then 422.
    pub(crate) fn in_body(self) -> Self {
        match self.kind == &UNKNOWN_BOOK {
            true => self.status(StatusCode::UNPROCESSABLE_ENTITY),
            false => self,
        }
    }

    /// Its status, and the slug of its type.
    pub(crate) fn status_and_slug(&self) -> (StatusCode, &'static str) {
        (self.status, self.kind.slug)
    }

    /// The title of its type.
    pub(crate) fn title(&self) -> &'static str {
        self.kind.title
    }

    /// The names of the headers that it brings.
    pub(crate) fn header_names(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(|(name, _)| name.as_str())
    }

    /// The body, with the request's id as the instance.
    pub(crate) fn json(&self, instance: &str) -> Value {
        let mut body = Map::new();
        body.insert("type".into(), format!("/problems/{}", self.kind.slug).into());
        body.insert("title".into(), self.kind.title.into());
        body.insert("status".into(), self.status.as_u16().into());
        body.insert("detail".into(), self.detail.clone().into());
        body.insert("instance".into(), instance.into());
        body.extend(self.members.clone());
        Value::Object(body)
    }

    /// The whole answer.
    pub(crate) fn response(&self, instance: &str) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        for (name, value) in &self.headers {
            response.insert_header((name.clone(), value.clone()));
        }
        response.content_type("application/problem+json").body(self.json(instance).to_string())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.slug, self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    /// An answer without a body that carries the problem to the middleware.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::new(self.status);
        response.extensions_mut().insert(self.clone());
        response
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Refused(refusal) => refusal.into(),
            store::Error::Busy(reason) => {
                tracing::warn!(%reason, "gave up a request");
                Self::overloaded()
            }
            store::Error::Unavailable(reason) | store::Error::InDoubt(reason) => {
                tracing::warn!(%reason, "the database is not available");
                Self::database_unavailable()
            }
            error @ (store::Error::Database(_) | store::Error::Unreadable(_)) => {
                tracing::error!(%error, "the database failed");
                Self::internal()
            }
        }
    }
}

impl From<till::Error> for Problem {
    fn from(error: till::Error) -> Self {
        match error {
            till::Error::Refused(refusal) => refusal.into(),
            till::Error::Full | till::Error::Late => Self::overloaded(),
            till::Error::Closed => Self::new(&OVERLOADED, "the service is stopping").retry_later(),
            till::Error::Lost => Self::database_unavailable(),
            till::Error::Defect => Self::internal(),
            till::Error::Store(error) => error.into(),
        }
    }
}

impl Problem {
    /// A defect: 500. The log has the reason.
    pub(crate) fn internal() -> Self {
        Self::new(
            &INTERNAL_ERROR,
            "the service failed; its log has the reason under this request's id",
        )
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            Refusal::OutOfStock(shortages) => {
                let line = |shortage: &Shortage| {
                    json!({
                        "book_id": shortage.book_id,
                        "requested": shortage.requested,
                        "available": shortage.available,
                    })
                };
                let lines: Vec<_> = shortages.iter().map(line).collect();
                Self::new(&OUT_OF_STOCK, detail).member("lines", lines)
            }
            Refusal::UnknownBooks(ids) => {
                let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
                Self::new(&UNKNOWN_BOOK, detail).member("book_ids", ids)
            }
            Refusal::UnknownOrder => Self::new(&UNKNOWN_ORDER, detail),
            Refusal::OrderState { status, .. } | Refusal::NotReturnable { status } => {
                Self::new(&ORDER_STATE, detail).member("state", status.as_str())
            }
            Refusal::ReturnsExceedSale(excess) => {
                let line = |excess: &Excess| {
                    json!({
                        "book_id": excess.book_id,
                        "sold": excess.sold,
                        "returned": excess.returned,
                        "requested": excess.requested,
                    })
                };
                let lines: Vec<_> = excess.iter().map(line).collect();
                Self::new(&RETURNS_EXCEED_SALE, detail).member("lines", lines)
            }
            Refusal::StaleQuantity { expected, available } => Self::new(&STALE_QUANTITY, detail)
                .member("expected", expected)
                .member("available", available),
            Refusal::StaleVersion { .. } => Self::new(&PRECONDITION_FAILED, detail),
            Refusal::ShelfFull { .. } => Self::invalid(vec![(
                String::new(),
                format!("{detail}, more than {} allows", crate::domain::limits::MAX_QUANTITY),
            )]),
            Refusal::KeyReused => Self::new(&IDEMPOTENCY_KEY_REUSED, detail),
            Refusal::DuplicateIsbn { book_id, .. } => {
                Self::new(&DUPLICATE_ISBN, detail).member("book_id", book_id.0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slug_is_its_own_and_is_explained() {
        for (index, kind) in KINDS.iter().enumerate() {
            assert!(KINDS[..index].iter().all(|other| other.slug != kind.slug), "{}", kind.slug);
            assert!(kind.explanation.len() > 40, "{}", kind.slug);
        }
    }
}
