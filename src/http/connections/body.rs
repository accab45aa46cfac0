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
        // If nothing is left and it is not at its end, the HTTP layer does not go by the length: it is said to be
        // for a websocket, and goes on until the peer hangs up.
        let awaited = self.left.filter(|left| *left > 0).unwrap_or(ANY_NUMBER);
        self.connection.await_body(if part.is_pending() { awaited } else { 0 });
        part
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.connection.await_body(0);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use actix_http::h1;

    use super::super::tests::connection;
    use super::*;

    #[test]
    fn as_much_is_welcome_as_is_left() {
        let connection = connection();
        let _under_way = connection.begin();
        let (mut sender, payload) = h1::Payload::create(false);
        let payload = Payload::H1 { payload };
        let mut body = Body { payload, left: Some(5), connection: Arc::clone(&connection) };
        let mut is_ready = || {
            let mut task = Context::from_waker(Waker::noop());
            Pin::new(&mut body).poll_next(&mut task).is_ready()
        };
        assert_eq!((is_ready(), connection.welcome()), (false, 5));
        sender.feed_data(Bytes::from("abc"));
        assert_eq!((is_ready(), connection.welcome()), (true, 0), "nobody waits");
        assert_eq!((is_ready(), connection.welcome()), (false, 2));
        sender.feed_data(Bytes::from("de"));
        assert_eq!((is_ready(), connection.welcome()), (true, 0));
        assert_eq!((is_ready(), connection.welcome()), (false, ANY_NUMBER), "it is longer");
        sender.feed_eof();
        assert_eq!((is_ready(), connection.welcome()), (true, 0));
    }
}
