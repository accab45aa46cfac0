//! What the HTTP layer reads from and writes to: the peer's bytes, no faster than they are dealt with.
//!
//! actix-http (3.20) reads all that has come, up to 128 KiB, makes requests of it, and only then looks
//! whether 16 of them wait already; it also goes on reading while a request is under way and while the
//! peer does not take its answers. A request of 26 bytes costs it seven kilobytes (it has room for 16 headers
//! from the start), so that a peer which asks and never listens had megabytes. Read from this, it gets
//!
//! - nothing while a request is under way, but what somebody waits for of its body,
//! - nothing while the peer does not take what was written,
//! - else a piece with one whole head in it at most, and nothing more before it has looked at that.
//!
//! So it makes one request at a time, and a peer that sends more has to wait: in the operating system's
//! buffers, then on its own side. Bytes are handed on as they came, and all of them, also empty lines before a
//! head: where that begins, and what a request is, the HTTP layer alone decides. What is relied on of it is
//! tested in `contract`.

use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Connection;
use super::connection::ANY_NUMBER;
use super::head::Head;

/// Bytes of a piece. Most requests fit; a long head is looked at anew with each.
const PIECE: usize = 4 * 1024;

/// A stream with its connection's pace.
pub(in crate::http) struct Paced<T> {
    stream: T,
    connection: Arc<Connection>,
    turn: Turn,
    /// Bytes that came with those that were handed on, and are for a later turn.
    kept: Vec<u8>,
    /// The end of what was handed on.
    head: Head,
    /// Whether the peer did not take all that was written.
    is_full: bool,
}

/// What the HTTP layer gets until it has looked at it.
struct Turn {
    /// Bytes that it may still have.
    left: usize,
    /// Whether there may be a whole head in what it has.
    has_head: bool,
}

impl Turn {
    const NEW: Self = Self { left: PIECE, has_head: false };
}

impl<T> Paced<T> {
    pub(super) fn new(stream: T, connection: Arc<Connection>) -> Self {
        let (turn, kept, head) = (Turn::NEW, Vec::new(), Head::default());
        Self { stream, connection, turn, kept, head, is_full: false }
    }

    pub(in crate::http) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// Lets the HTTP layer look at what it has, and come back for more.
    fn end_turn(&mut self, task: &Context<'_>) -> Poll<io::Result<()>> {
        self.turn = Turn::NEW;
        task.waker().wake_by_ref();
        Poll::Pending
    }

    /// Takes out of `came`, which came now or was kept, what is handed on in this turn: how much. So many bytes
    /// are `welcome`.
    fn take(&mut self, came: &[u8], welcome: usize) -> usize {
        let (now, has_head) = match welcome {
            _ if self.turn.has_head => (0, true),
            ANY_NUMBER => self.head.pass(came),
            // All of it is body.
            _ => (came.len(), false),
        };
        match self.kept.is_empty() {
            true => self.kept = came[now..].to_vec(),
            false => self.kept = self.kept.split_off(now),
        }
        let left = if self.kept.is_empty() { self.turn.left - now } else { 0 };
        self.turn = Turn { left, has_head };
        now
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Paced<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.connection.check(task)?;
        let welcome = if self.is_full { 0 } else { self.connection.welcome() };
        if welcome == 0 {
            self.connection.hold_back();
            self.turn = Turn::NEW;
            return Poll::Pending;
        }
        if self.turn.left == 0 {
            return self.end_turn(task);
        }
        self.turn.left = self.turn.left.min(welcome);
        let length = into.remaining().min(self.turn.left);
        let mut piece = ReadBuf::new(into.initialize_unfilled_to(length));
        if self.kept.is_empty() {
            let read = Pin::new(&mut self.stream).poll_read(task, &mut piece);
            if read.is_pending() {
                self.turn = Turn::NEW;
            }
            ready!(read)?;
        } else {
            piece.put_slice(&self.kept[..self.kept.len().min(length)]);
        }
        let came = piece.filled();
        let now = self.take(came, welcome);
        if now == 0 && !came.is_empty() {
            return self.end_turn(task);
        }
        into.advance(now);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Paced<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.connection.check(task)?;
        let written = Pin::new(&mut self.stream).poll_write(task, bytes);
        self.is_full |= written.is_pending();
        written
    }

    /// The HTTP layer asks for this when all is written that it had, and only then.
    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection.check(task)?;
        let flushed = Pin::new(&mut self.stream).poll_flush(task);
        // Only then: it is asked for at each turn, and who is held back for another reason would turn for ever.
        if mem::replace(&mut self.is_full, flushed.is_pending()) && flushed.is_ready() {
            self.connection.go_on();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection.check(task)?;
        Pin::new(&mut self.stream).poll_shutdown(task)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    use super::super::tests::connection;
    use super::*;

    /// The HTTP layer, which reads all that it gets.
    struct Layer {
        stream: Paced<DuplexStream>,
        wakes: Arc<Wakes>,
    }

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Layer {
        /// It, and the peer, with room on the way for so many bytes.
        fn new(room: usize) -> (Self, DuplexStream) {
            let (stream, peer) = tokio::io::duplex(room);
            (Self { stream: Paced::new(stream, connection()), wakes: Arc::default() }, peer)
        }

        fn with_task<T>(
            &mut self,
            run: impl FnOnce(Pin<&mut Paced<DuplexStream>>, &mut Context<'_>) -> T,
        ) -> T {
            let waker = Waker::from(Arc::clone(&self.wakes));
            run(Pin::new(&mut self.stream), &mut Context::from_waker(&waker))
        }

        /// How many bytes it gets before it is told to wait.
        fn read(&mut self) -> usize {
            let mut bytes = [0; 8 * 1024];
            self.with_task(|mut stream, task| {
                let mut read = 0;
                loop {
                    let mut buffer = ReadBuf::new(&mut bytes);
                    match stream.as_mut().poll_read(task, &mut buffer) {
                        Poll::Ready(Ok(())) => read += buffer.filled().len(),
                        Poll::Ready(Err(error)) => panic!("{error}"),
                        Poll::Pending => return read,
                    }
                }
            })
        }

        fn write(&mut self, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.with_task(|stream, task| stream.poll_write(task, bytes))
        }

        fn flush(&mut self) -> Poll<io::Result<()>> {
            self.with_task(|stream, task| stream.poll_flush(task))
        }

        /// Whether its task was woken since this was asked last.
        fn is_woken(&self) -> bool {
            self.wakes.0.swap(0, Ordering::Relaxed) > 0
        }
    }

    #[tokio::test]
    async fn a_peer_is_heard_a_piece_at_a_time() {
        let (mut layer, mut peer) = Layer::new(64 * 1024);
        peer.write_all(&[b'x'; 2 * PIECE + 7]).await.unwrap();
        for length in [PIECE, PIECE] {
            assert_eq!(layer.read(), length);
            assert!(layer.is_woken(), "nobody else says that there is more");
        }
        assert_eq!(layer.read(), 7);
        assert!(!layer.is_woken());
        peer.write_all(&[b'x'; PIECE]).await.unwrap();
        assert!(layer.is_woken());
        assert_eq!(layer.read(), PIECE, "it is a new piece");
    }

    #[tokio::test]
    async fn heads_are_handed_on_one_by_one() {
        let (mut layer, mut peer) = Layer::new(64 * 1024);
        let head = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        let heads = [head, "GET / HTTP/1.1\n\n", "\r\n\nGET / HTTP/1.1\r\n\r\n"];
        let body = "{\n\"one\": 1}";
        let all = heads.concat() + head + body;
        peer.write_all(all.as_bytes()).await.unwrap();
        for head in heads {
            assert_eq!((layer.read(), layer.is_woken()), (head.len(), true), "{head:?}");
        }
        // There is nobody to separate it from.
        assert_eq!((layer.read(), layer.is_woken()), (head.len() + body.len(), false));
    }

    #[tokio::test]
    async fn heads_are_handed_on_one_by_one_however_they_come() {
        let head = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        for length in 1..2 * head.len() {
            let (mut layer, mut peer) = Layer::new(64 * 1024);
            let mut read = 0;
            for part in head.repeat(100).as_bytes().chunks(length) {
                peer.write_all(part).await.unwrap();
                loop {
                    let before = read;
                    read += layer.read();
                    let whole = read / head.len() - before / head.len();
                    assert!(whole <= 1, "{whole} heads at once in parts of {length}");
                    if !layer.is_woken() {
                        break;
                    }
                }
            }
            assert_eq!(read, 100 * head.len(), "in parts of {length}");
        }
    }

    #[tokio::test]
    async fn empty_lines_are_no_heads() {
        let (mut layer, mut peer) = Layer::new(64 * 1024);
        peer.write_all(&[b'\n'; PIECE + 7]).await.unwrap();
        assert_eq!((layer.read(), layer.is_woken()), (PIECE, true));
        assert_eq!((layer.read(), layer.is_woken()), (7, false));
    }

    #[tokio::test]
    async fn a_body_of_known_length_is_not_searched_for_heads() {
        let (mut layer, mut peer) = Layer::new(64 * 1024);
        let head = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        let body = head.repeat(100);
        peer.write_all((body.clone() + &body).as_bytes()).await.unwrap();
        let connection = Arc::clone(layer.stream.connection());
        let request = connection.begin();
        connection.await_body(body.len());
        assert_eq!(layer.read(), body.len());
        connection.await_body(ANY_NUMBER);
        assert_eq!(layer.read(), head.len(), "in one of any length may be its end");
        drop(request);
        assert_eq!(layer.read(), head.len());
    }

    #[tokio::test]
    async fn nothing_is_read_while_a_request_is_under_way_but_its_body() {
        let (mut layer, mut peer) = Layer::new(64 * 1024);
        peer.write_all(&[b'x'; 10 * PIECE]).await.unwrap();
        let connection = Arc::clone(layer.stream.connection());
        let (first, second) = (connection.begin(), connection.begin());
        assert_eq!((layer.read(), layer.is_woken()), (0, false));
        assert!(layer.flush().is_ready() && !layer.is_woken(), "nothing has changed");
        connection.await_body(ANY_NUMBER);
        assert!(layer.is_woken());
        assert_eq!(layer.read(), PIECE);
        connection.await_body(5);
        assert_eq!(layer.read(), 5, "what follows the body waits");
        connection.await_body(0);
        layer.is_woken();
        assert_eq!((layer.read(), layer.is_woken()), (0, false));
        drop(first);
        assert_eq!(layer.read(), 0);
        layer.is_woken();
        drop(second);
        assert!(layer.is_woken());
        assert_eq!(layer.read(), PIECE);
    }

    #[tokio::test]
    async fn who_does_not_listen_is_not_heard() {
        let (mut layer, mut peer) = Layer::new(1_024);
        assert!(layer.write(&[b'x'; 1_000]).is_ready() && layer.flush().is_ready());
        peer.write_all(b"before").await.unwrap();
        assert_eq!(layer.read(), 6);
        assert!(layer.write(&[b'x'; 100]).is_ready() && layer.write(b"xxxx").is_pending());
        peer.write_all(b"after").await.unwrap();
        layer.is_woken();
        assert_eq!((layer.read(), layer.is_woken()), (0, false));
        peer.read_exact(&mut [0; 1_024]).await.unwrap();
        assert!(layer.is_woken(), "it can write again");
        assert_eq!(layer.read(), 0, "but has not");
        assert!(layer.write(b"xxxx").is_ready() && layer.flush().is_ready());
        assert!(layer.is_woken());
        assert_eq!(layer.read(), 5);
    }

    #[tokio::test]
    async fn a_connection_that_is_cut_neither_reads_nor_writes() {
        let (mut layer, _peer) = Layer::new(1_024);
        assert_eq!(layer.read(), 0);
        layer.stream.connection().cut_if_late(u64::MAX - 1);
        assert!(layer.is_woken());
        let read =
            layer.with_task(|stream, task| stream.poll_read(task, &mut ReadBuf::new(&mut [0])));
        assert!(matches!(read, Poll::Ready(Err(_))));
        assert!(matches!(layer.write(b"x"), Poll::Ready(Err(_))));
        assert!(matches!(layer.flush(), Poll::Ready(Err(_))));
    }
}
