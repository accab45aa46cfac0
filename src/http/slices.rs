//! Long answers, a slice at a time. The HTTP layer copies whatever it is given into the connection's
//! buffer: of a whole page of documentation, each peer that never reads its answer would keep one.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;

/// Bytes in a slice, and in a body that is not worth slicing.
pub(super) const SLICE: usize = 16 * 1024;

/// The same body; in slices if it is long and all there.
pub(super) fn thin(body: BoxBody) -> BoxBody {
    match body.size() {
        BodySize::Sized(length) if length > SLICE as u64 => match body.try_into_bytes() {
            Ok(bytes) => BoxBody::new(Slices(bytes)),
            Err(body) => body,
        },
        _ => body,
    }
}

struct Slices(Bytes);

impl MessageBody for Slices {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0.len() as u64)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        let length = self.0.len().min(SLICE);
        Poll::Ready((length > 0).then(|| Ok(self.0.split_to(length))))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use futures_util::FutureExt;
    use futures_util::task::noop_waker_ref;

    use super::*;

    fn long(length: usize) -> Bytes {
        (0..length).map(|at| (at % 251) as u8).collect()
    }

    #[test]
    fn a_long_body_comes_in_slices_and_whole() {
        for length in [0, 1, SLICE, SLICE + 1, 3 * SLICE, 3 * SLICE + 7] {
            let body = thin(BoxBody::new(long(length)));
            assert!(matches!(body.size(), BodySize::Sized(told) if told == length as u64));
            let read = to_bytes(body).now_or_never().unwrap().unwrap();
            assert_eq!(read, long(length));
        }
    }

    #[test]
    fn no_slice_is_longer_than_a_slice() {
        let mut body = thin(BoxBody::new(long(5 * SLICE)));
        let mut context = Context::from_waker(noop_waker_ref());
        let mut slices = 0;
        while let Poll::Ready(Some(slice)) = Pin::new(&mut body).poll_next(&mut context) {
            assert!(slice.unwrap().len() <= SLICE);
            slices += 1;
        }
        assert_eq!(slices, 5);
    }
}
