//! Peers that take their time, or all connections. Each is cut off, and others notice nothing.
//!
//! How long it takes is not looked at, only that it happens: without the limit these would wait for a
//! minute and fail.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::kit::{Backend, Metrics, Scenario, Server, Shop, eventually};
use crate::scenarios;

// No database has a say in it, but in what a body that never came would have done.
pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        a_body_that_comes_too_slowly_is_a_408_and_sells_nothing,
        the_time_that_a_body_takes_is_not_the_orders;
    Shop on Backend::EMBEDDED:
        headers_that_come_too_slowly_are_a_408,
        the_headers_of_a_second_request_may_not_take_forever_either,
        a_body_that_nobody_reads_does_not_keep_the_connection,
        an_idle_connection_is_closed,
        a_connection_closes_after_each_answer_if_that_is_wished,
        an_idle_connection_does_not_keep_a_server_that_stops,
        a_peer_that_never_reads_is_cut_off,
        a_peer_that_reads_drop_by_drop_is_cut_off,
        no_more_connections_are_served_than_there_may_be,
        headers_without_end_are_refused;
];

fn server(shop: &Shop, arguments: &[&str]) -> Arc<Server> {
    shop.server_on(&shop.database.url, &[&["--metrics-listen", "127.0.0.1:0"], arguments].concat())
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// What comes until the server closes, which it must do.
#[track_caller]
fn rest(mut stream: &TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            panic!("the server keeps the connection after: {}", String::from_utf8_lossy(&bytes))
        }
        // A reset is an end too.
        _ => String::from_utf8_lossy(&bytes).into_owned(),
    }
}

/// Reads one answer that has a body of told length.
#[track_caller]
fn answer(mut stream: &TcpStream) -> String {
    let mut bytes = Vec::new();
    let is_whole = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).to_lowercase();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
        (body.len() >= length.trim().parse::<usize>().ok()?).then_some(())
    };
    while is_whole(&bytes).is_none() {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        bytes.push(byte[0]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Goes on sending `drop` until the server has closed.
fn drip(stream: &TcpStream, drop: &'static [u8]) {
    let mut stream = stream.try_clone().unwrap();
    std::thread::spawn(move || {
        while stream.write_all(drop).is_ok() {
            std::thread::park_timeout(Duration::from_millis(50));
        }
    });
}

fn headers_that_come_too_slowly_are_a_408(shop: &Shop) {
    let server = server(shop, &["--header-timeout", "1"]);
    let silent = connect(&server);
    let (mut stuck, mut dripping) = (connect(&server), connect(&server));
    stuck.write_all(b"GET /healthz HTT").unwrap();
    dripping.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ").unwrap();
    drip(&dripping, b"x");
    for stream in [&silent, &stuck, &dripping] {
        let said = rest(stream);
        assert!(said.starts_with("HTTP/1.1 408") || said.is_empty(), "{said}");
    }
    assert!(!shop.storefront.at(&server).get("/v1/books").expect(200).body.is_null());
}

fn the_headers_of_a_second_request_may_not_take_forever_either(shop: &Shop) {
    let quick = ["--header-timeout", "1", "--keep-alive", "1", "--write-timeout", "1"];
    let server = server(shop, &quick);
    let mut stream = connect(&server);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert!(answer(&stream).starts_with("HTTP/1.1 200"));
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ").unwrap();
    drip(&stream, b"x");
    assert_eq!(rest(&stream), "");
    let silence = [("limit", "silence")];
    assert!(Metrics::of(&server).number("bookstore_limit_refusals_total", &silence) >= 1.0);
}

fn a_body_that_comes_too_slowly_is_a_408_and_sells_nothing(shop: &Shop) {
    let server = server(shop, &["--body-timeout", "1"]);
    let book = shop.book(3);
    let token = shop.storefront.token.clone().unwrap();
    let head = format!(
        "POST /v1/books/{book}/purchases HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\n"
    );
    // All of the JSON but its end; and spaces, of which there may be any number before that.
    let length = format!("{head}Content-Length: 5000\r\n\r\n{{\"quantity\":1");
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\nd\r\n{{\"quantity\":1\r\n");
    let streams =
        [(length.as_str(), &b" "[..]), (&length, b""), (&chunked, b"1\r\n \r\n"), (&chunked, b"")];
    let streams = streams.map(|(request, drop)| {
        let mut stream = connect(&server);
        stream.write_all(request.as_bytes()).unwrap();
        if !drop.is_empty() {
            drip(&stream, drop);
        }
        stream
    });
    for stream in &streams {
        let said = rest(stream).to_lowercase();
        assert!(said.starts_with("http/1.1 408") && said.contains("connection: close"), "{said}");
        assert!(said.contains("\"type\":\"/problems/request_timeout\""), "{said}");
    }
    assert_eq!(shop.admin.quantity(book), 3);
    let timeouts = [("limit", "body_timeout")];
    assert_eq!(Metrics::of(&server).number("bookstore_limit_refusals_total", &timeouts), 4.0);
    shop.storefront.at(&server).buy(book, 1).expect(201);
}

fn the_time_that_a_body_takes_is_not_the_orders(shop: &Shop) {
    let server = server(shop, &["--request-timeout", "1"]);
    let book = shop.book(3);
    let token = shop.storefront.token.clone().unwrap();
    let body = "{\"quantity\":1    }";
    let mut stream = connect(&server);
    let head = format!(
        "POST /v1/books/{book}/purchases HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // Three seconds, of a slow line.
    for byte in body.bytes() {
        std::thread::park_timeout(Duration::from_millis(3_000 / body.len() as u64));
        stream.write_all(&[byte]).unwrap();
    }
    let said = answer(&stream);
    assert!(said.starts_with("HTTP/1.1 201"), "{said}");
    assert_eq!(shop.admin.quantity(book), 2);
}

fn a_body_that_nobody_reads_does_not_keep_the_connection(shop: &Shop) {
    // With the time that connections have by default, which is longer than the test waits.
    let server = server(shop, &[]);
    let endless = "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (line, status) in [
        ("POST /v1/orders", 401),
        ("POST /nowhere", 404),
        ("PUT /v1/books", 405),
        ("GET /v1/books", 200),
        ("GET /healthz", 200),
    ] {
        let mut stream = connect(&server);
        stream.write_all(format!("{line} HTTP/1.1\r\n{endless}").as_bytes()).unwrap();
        drip(&stream, b"1\r\nx\r\n");
        let said = rest(&stream);
        assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{line}\n{said}");
        assert!(said.to_lowercase().contains("connection: close"), "{line}\n{said}");
    }
}

fn an_idle_connection_is_closed(shop: &Shop) {
    let server = server(shop, &["--keep-alive", "1"]);
    let mut stream = connect(&server);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let said = rest(&stream).to_lowercase();
    assert!(said.starts_with("http/1.1 200") && !said.contains("connection: close"), "{said}");
}

fn an_idle_connection_does_not_keep_a_server_that_stops(shop: &Shop) {
    let server = server(shop, &[]);
    let mut stream = connect(&server);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert!(answer(&stream).starts_with("HTTP/1.1 200"));
    let asked = Instant::now();
    assert_eq!(server.stop(), 0);
    // Requests under way would have 30 seconds, and it idles for up to 75.
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
    assert_eq!(rest(&stream), "");
}

fn a_connection_closes_after_each_answer_if_that_is_wished(shop: &Shop) {
    let server = server(shop, &["--keep-alive", "0"]);
    let mut stream = connect(&server);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let said = rest(&stream).to_lowercase();
    assert!(said.starts_with("http/1.1 200") && said.contains("connection: close"), "{said}");
}

/// Asks for far more than all buffers on the way hold, with hardly any room for it.
fn greedy(server: &Server) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let address: SocketAddr = server.address().parse().unwrap();
    socket.connect(&address.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
        .write_all(&b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100))
        .unwrap();
    // There is something to read: it is connected, and served.
    assert_eq!(stream.peek(&mut [0]).unwrap(), 1);
    stream
}

fn connections(server: &Server) -> f64 {
    Metrics::of(server).number("bookstore_connections_open", &[])
}

fn a_peer_that_never_reads_is_cut_off(shop: &Shop) {
    // The other times are those by default: only this limit can end it within the test's time.
    let server = server(shop, &["--write-timeout", "1"]);
    let stream = greedy(&server);
    eventually(Duration::from_secs(60), "it is cut off", || {
        (connections(&server) == 0.0).then_some(())
    });
    let one = shop.storefront.get("/docs/swagger-ui-bundle.js").expect(200);
    let length: usize = one.header("content-length").parse().unwrap();
    assert!(rest(&stream).len() < 50 * length, "all was sent: the test asks for too little");
}

fn a_peer_that_reads_drop_by_drop_is_cut_off(shop: &Shop) {
    let quick = ["--header-timeout", "1", "--keep-alive", "1", "--write-timeout", "1"];
    let server = server(shop, &quick);
    let mut stream = greedy(&server);
    eventually(Duration::from_secs(60), "it is cut off", || {
        let _ = stream.read(&mut [0; 64]);
        (connections(&server) == 0.0).then_some(())
    });
}

fn no_more_connections_are_served_than_there_may_be(shop: &Shop) {
    let server = server(shop, &["--max-connections", "2", "--workers", "1"]);
    let ask = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let connected = [(); 2].map(|()| {
        let mut stream = connect(&server);
        stream.write_all(ask).unwrap();
        assert!(answer(&stream).starts_with("HTTP/1.1 200"));
        stream
    });
    let mut third = connect(&server);
    third.write_all(ask).unwrap();
    third.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let waits = third.read(&mut [0]).unwrap_err();
    assert!(matches!(waits.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{waits}");
    let [leaving, staying] = connected;
    drop(leaving);
    third.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    assert!(answer(&third).starts_with("HTTP/1.1 200"));
    drop(staying);
}

fn headers_without_end_are_refused(shop: &Shop) {
    let server = server(shop, &[]);
    let head = "GET /healthz HTTP/1.1\r\nHost: x\r\n";
    let long = format!("{head}X: {}\r\n\r\n", "x".repeat(200_000));
    let many = format!("{head}{}\r\n", "X: y\r\n".repeat(10_000));
    for request in [long, many] {
        let mut stream = connect(&server);
        // It may close before it was sent all.
        let _ = stream.write_all(request.as_bytes());
        let said = rest(&stream);
        assert!(said.starts_with("HTTP/1.1 431") || said.is_empty(), "{said:.300}");
    }
    let fits = format!("{head}{}\r\n", "X: y\r\n".repeat(90));
    let mut stream = connect(&server);
    stream.write_all(fits.as_bytes()).unwrap();
    assert!(answer(&stream).starts_with("HTTP/1.1 200"));
}
