//! Requests that come faster than they are answered. None is lost or mixed up, and who only asks is not
//! listened to for long.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::kit::{Backend, Scenario, Server, Shop};
use crate::scenarios;

// What is taken in of a connection is nothing that a database has a say in.
pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::EMBEDDED:
        who_asks_and_never_listens_is_not_heard_for_long,
        requests_in_a_row_are_answered_in_their_order,
        who_asks_whether_to_send_a_body_is_told_to;
];

const PATIENCE: Duration = Duration::from_secs(60);

/// Far more than a connection may cost, and far less than the HTTP layer would take of one by itself:
/// twice 128 KiB, as a thousand requests each.
const MOST_HEARD: usize = 64 << 10;

fn server(shop: &Shop, arguments: &[&str]) -> Arc<Server> {
    shop.server_on(&shop.database.url, arguments)
}

/// How many of `bytes` are taken of one that reads no answer, until it is cut off.
fn heard(server: &Server, bytes: &[u8]) -> usize {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    // Else the operating system would take a part of them and of the answers, and hide who does not.
    socket.set_send_buffer_size(4_096).unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    socket.set_tcp_mss(1_460).unwrap();
    let address: SocketAddr = server.address().parse().unwrap();
    socket.connect(&address.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    let mut heard = 0;
    while let Some(left) = bytes.get(heard..).filter(|left| !left.is_empty()) {
        match stream.write(left) {
            Ok(length) => heard += length,
            Err(error) => {
                assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "it is not cut off");
                break;
            }
        }
    }
    heard
}

fn who_asks_and_never_listens_is_not_heard_for_long(shop: &Shop) {
    let server = server(shop, &["--write-timeout", "1"]);
    // Nothing fits after the first answer.
    let first = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n";
    // What follows is small, so that it counts much; and with answers that have no body, of which the
    // HTTP layer would write any number before it looks whether they are taken.
    for wish in ["GET / HTTP/1.1\r\nHost:x\r\n\r\n", "HEAD / HTTP/1.1\r\nHost:x\r\n\r\n"] {
        for first in [first, ""] {
            let wishes = first.to_owned() + &wish.repeat(100_000);
            let heard = heard(&server, wishes.as_bytes());
            assert!(heard < MOST_HEARD, "{wish:?} after {first:?}: {heard} bytes were taken");
        }
    }
    shop.storefront.at(&server).get("/v1/books").expect(200);
}

/// An answer's status, and the id of the request that it is to.
fn answer(stream: &mut impl BufRead) -> (u16, String) {
    let (mut head, mut length, mut id) = (Vec::new(), 0, String::new());
    loop {
        let mut line = String::new();
        assert!(stream.read_line(&mut line).unwrap() > 0, "closed after {head:?}");
        let line = line.trim_end().to_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        } else if let Some(value) = line.strip_prefix("x-request-id: ") {
            id = value.to_owned();
        } else if line.is_empty() {
            break;
        }
        head.push(line);
    }
    stream.read_exact(&mut vec![0; length]).unwrap();
    (head[0].split(' ').nth(1).unwrap().parse().unwrap(), id)
}

fn requests_in_a_row_are_answered_in_their_order(shop: &Shop) {
    let server = server(shop, &[]);
    let book = shop.book(1_000);
    let token = shop.storefront.token.clone().unwrap();
    let request = |number: usize| {
        let purchase = "POST /v1/books/{}/purchases";
        let (line, rest) = match number % 4 {
            0 => ("GET /healthz", "\r\n"),
            1 => ("GET /v1/books", "\r\n"),
            2 => (purchase, "Content-Length: 14\r\n\r\n{\"quantity\":1}"),
            _ => (
                purchase,
                "Transfer-Encoding: chunked\r\n\r\n\
                 4\r\n{\"qu\r\na\r\nantity\":1}\r\n0\r\n\r\n",
            ),
        };
        let line = line.replace("{}", &book.to_string());
        format!(
            "{line} HTTP/1.1\r\nHost: x\r\nX-Request-Id: n{number}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\n{rest}"
        )
    };
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    let requests: String = (0..400).map(request).collect();
    std::thread::scope(|scope| {
        scope.spawn(move || stream.write_all(requests.as_bytes()).unwrap());
        for number in 0..400 {
            let status = if number % 4 < 2 { 200 } else { 201 };
            assert_eq!(answer(&mut answers), (status, format!("n{number}")));
        }
    });
    assert_eq!(shop.admin.quantity(book), 800);
}

fn who_asks_whether_to_send_a_body_is_told_to(shop: &Shop) {
    let server = server(shop, &[]);
    let book = shop.book(10);
    let token = shop.storefront.token.clone().unwrap();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    for _ in 0..3 {
        let head = format!(
            "POST /v1/books/{book}/purchases HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\
             Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Content-Length: 14\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        assert_eq!(answer(&mut answers).0, 100);
        stream.write_all(b"{\"quantity\":1}").unwrap();
        assert_eq!(answer(&mut answers).0, 201);
    }
    assert_eq!(shop.admin.quantity(book), 7);
}
