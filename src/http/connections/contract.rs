//! What is relied on of actix-http, seen from between it and `Paced`. It promises none of this: these tests
//! are to tell of a version that polls in another way.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::body::BoxBody;
use actix_http::{HttpService, Request, Response, StatusCode};
use actix_service::{Service as _, ServiceFactory as _, fn_service};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::task::yield_now;

use super::Paced;
use super::tests::connection;

/// What the HTTP layer does, and what comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Reads(usize),
    WaitsForMore,
    Writes,
    WaitsForRoom,
    Flushes,
    Calls,
    IsAnswered,
}

use Event::*;

#[derive(Clone, Default)]
struct Events(Rc<RefCell<Vec<Event>>>);

impl Events {
    fn add(&self, event: Event) {
        self.0.borrow_mut().push(event);
    }

    /// Those of some kinds.
    fn only(&self, is_wanted: fn(&Event) -> bool) -> Vec<Event> {
        self.0.borrow().iter().copied().filter(is_wanted).collect()
    }

    fn count(&self, is_wanted: fn(&Event) -> bool) -> usize {
        self.only(is_wanted).len()
    }

    /// How many bytes were read.
    fn read(&self) -> usize {
        let length = |event: &Event| if let Reads(length) = event { *length } else { 0 };
        self.0.borrow().iter().map(length).sum()
    }
}

/// A stream that tells what is done with it.
struct Told {
    stream: Paced<DuplexStream>,
    events: Events,
}

impl AsyncRead for Told {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(task, into);
        self.events.add(match read {
            Poll::Ready(_) => Reads(into.filled().len() - before),
            Poll::Pending => WaitsForMore,
        });
        read
    }
}

impl AsyncWrite for Told {
    fn poll_write(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(task, bytes);
        self.events.add(if written.is_pending() { WaitsForRoom } else { Writes });
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.events.add(Flushes);
        Pin::new(&mut self.stream).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(task)
    }
}

/// Lets `peer` talk with the HTTP layer until it hangs up, with room on the way for so many bytes. Each request
/// is under way for as long as it takes to `answer` it.
async fn talk<Answer, Talk>(
    room: usize,
    answer: impl Fn() -> Answer + Clone + 'static,
    peer: impl FnOnce(DuplexStream) -> Talk,
) -> Events
where
    Answer: Future<Output = Response<BoxBody>> + 'static,
    Talk: Future<Output = ()>,
{
    let (stream, other) = tokio::io::duplex(room);
    let (connection, events) = (connection(), Events::default());
    let told = Told { stream: Paced::new(stream, Arc::clone(&connection)), events: events.clone() };
    let service = {
        let events = events.clone();
        fn_service(move |_: Request| {
            events.add(Calls);
            let (answer, events, under_way) = (answer(), events.clone(), connection.begin());
            async move {
                let answer = answer.await;
                events.add(IsAnswered);
                drop(under_way);
                Ok::<_, actix_http::Error>(answer)
            }
        })
    };
    let http = HttpService::build()
        .client_request_timeout(Duration::ZERO)
        .client_disconnect_timeout(Duration::from_secs(60))
        .h1(service);
    let http = http.new_service(()).await.unwrap();
    let (_, ()) = tokio::join!(http.call((told, None::<SocketAddr>)), peer(other));
    events
}

const HEAD: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/// Says this, and listens until the HTTP layer hangs up.
async fn say(mut stream: DuplexStream, bytes: Vec<u8>) {
    let (mut answers, mut questions) = tokio::io::split(&mut stream);
    let ask = async {
        questions.write_all(&bytes).await.unwrap();
        questions.shutdown().await.unwrap();
    };
    let mut heard = Vec::new();
    let (_, heard) = tokio::join!(ask, answers.read_to_end(&mut heard));
    heard.unwrap();
}

fn ok() -> Response<BoxBody> {
    Response::build(StatusCode::OK).body("").map_into_boxed_body()
}

#[actix_web::test]
async fn it_looks_at_what_it_has_once_it_waits_for_more() {
    let events = talk(64 * 1024, async || ok(), |peer| say(peer, HEAD.repeat(3).into())).await;
    let heads = events.only(|event| matches!(event, Reads(1..) | WaitsForMore | Calls));
    let one = [Reads(HEAD.len()), WaitsForMore, Calls];
    // First it waits for the peer; and behind the last head comes the end.
    assert_eq!(heads[1..7], one.repeat(2));
}

#[actix_web::test]
async fn it_would_read_while_a_request_is_under_way() {
    let slow = async || {
        for _ in 0..10 {
            yield_now().await;
        }
        ok()
    };
    let events = talk(64 * 1024, slow, |peer| say(peer, HEAD.repeat(3).into())).await;
    let heads = events.only(|event| matches!(event, Reads(1..) | Calls | IsAnswered));
    assert_eq!(heads, [Reads(HEAD.len()), Calls, IsAnswered].repeat(3));
    let mut first = events.only(|event| !matches!(event, Writes | Flushes));
    first.dedup();
    let one = [Reads(HEAD.len()), WaitsForMore, Calls, WaitsForMore, IsAnswered];
    assert_eq!(first[1..6], one);
}

#[actix_web::test]
async fn it_flushes_only_when_all_is_written() {
    let long =
        async || Response::build(StatusCode::OK).body(vec![b'x'; 64 * 1024]).map_into_boxed_body();
    let events = talk(1_024, long, |peer| say(peer, HEAD.into())).await;
    let writes = events.only(|event| matches!(event, Writes | WaitsForRoom | Flushes));
    assert!(writes.contains(&WaitsForRoom) && writes.contains(&Flushes), "{writes:?}");
    assert!(!writes.windows(2).any(|pair| pair == [WaitsForRoom, Flushes]), "{writes:?}");
}

/// It asks for more each time that it has looked at all that it has, and it looks at the whole of that: the
/// less often, the better.
#[actix_web::test]
async fn empty_lines_before_a_head_are_looked_at_a_piece_at_a_time() {
    let lines = "\n".repeat(64 * 1024);
    let events = talk(1 << 20, async || ok(), |peer| say(peer, (lines + HEAD).into())).await;
    assert_eq!(events.count(|event| *event == Calls), 1);
    let waits = events.count(|event| *event == WaitsForMore);
    assert!(waits < 40, "{waits} turns");
}

#[actix_web::test]
async fn a_body_that_nobody_wants_is_thrown_away_a_piece_at_a_time() {
    let head = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", 1 << 20);
    let all = head + &"\n".repeat(256 * 1024) + &HEAD.repeat(3);
    let length = all.len();
    let events = talk(1 << 20, async || ok(), |peer| say(peer, all.into())).await;
    assert_eq!(events.read(), length);
    assert_eq!(events.count(|event| *event == Calls), 1);
    let waits = events.count(|event| *event == WaitsForMore);
    assert!(waits < 100, "{waits} turns");
}
