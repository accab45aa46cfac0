//! The body of a request, of which no more is taken in than somebody waits for.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::HttpMessage;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::Bytes;
use futures_util::Stream;

use super::Connection;
use super::connection::ANY_NUMBER;

struct Body {
    payload: Payload,
    /// Bytes of it that are still to come, if it says how many.
    left: Option<usize>,
    connection: Arc<Connection>,
}

/// Lets the connection know when somebody waits for the body of `request`.
pub(in crate::http) fn heed(request: &mut ServiceRequest, connection: &Arc<Connection>) {
    let payload = match request.take_payload() {
        Payload::None => return,
        payload => payload,
    };
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let left = length.and_then(|length| length.parse().ok());
    let body = Body { payload, left, connection: Arc::clone(connection) };
    request.set_payload(Payload::Stream { payload: Box::pin(body) });
}

impl Stream for Body {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let part = Pin::new(&mut self.payload).poll_next(task);
        if let Poll::Ready(Some(Ok(part))) = &part {
            self.left = self.left.map(|left| left.saturating_sub(part.len()));
        }
        // Even if nothing is left it is the HTTP layer that says where the body ends.
        let awaited = self.left.map_or(ANY_NUMBER, |left| left.max(1));
        self.connection.await_body(if part.is_pending() { awaited } else { 0 });
        part
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.connection.await_body(0);
    }
}
