//! Callers who wish the service ill. What they send is refused or is one request, they are sent away in
//! the end, and whoever shops meanwhile is served. Few of them, and no timing: `scripts/siege` is the
//! long form of this.

#[path = "../../bench/siege/answers.rs"]
mod answers;
#[path = "../../bench/siege/hostile.rs"]
mod hostile;
#[path = "../../bench/siege/shapes.rs"]
mod shapes;

mod crowd;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use self::answers::Outcome;
use self::crowd::Crowd;
use self::shapes::{Bait, Shape};
use crate::kit::{Backend, Client, Scenario, Server, Shop, Vitals, at_once, eventually};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        no_shape_of_a_request_is_taken_for_two,
        two_requests_in_a_row_are_two,
        who_sends_a_byte_now_and_then_is_sent_away,
        who_never_reads_is_sent_away,
        heads_beyond_measure_are_refused,
        bodies_beyond_measure_are_refused,
        empty_lines_cost_no_more_than_any_others,
        who_guesses_tokens_keeps_nobody_out,
        a_server_out_of_files_recovers;
];

/// More memory than this no crowd may cost, in MiB.
const MOST_MEMORY: u64 = 256;

/// More of the processor's time than this nothing small may cost. A program without optimizations needs up
/// to a tenth of a second.
const MOST_WORK: Duration = Duration::from_millis(500);

/// Bytes of a body that nobody wants.
const SIZE: usize = 1_000_000_000;

/// Longer than any of the limits below, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that has patience for a second only, and someone who shops there.
fn besieged(shop: &Shop) -> (Arc<Server>, Client) {
    let limits = ["--header-timeout", "--body-timeout", "--write-timeout", "--keep-alive"];
    let arguments = limits.map(|limit| [limit, "1"]).concat();
    let server = shop.server_on(&shop.database.url, &arguments);
    let client = shop.storefront.at(&server);
    (server, client)
}

/// All that comes back for `bytes` until the server closes, which it must.
fn exchange(server: &Server, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    // Who is refused early loses the rest.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        let is_late = matches!(error.kind(), std::io::ErrorKind::WouldBlock);
        assert!(!is_late, "open after {PATIENCE:?}: {}", String::from_utf8_lossy(&bytes[..200]));
    }
    answer
}

/// Lines of its log that tell of a panic, but for one that costs its own connection only: actix-http 3.20
/// panics where the name of a header has more than 64 KiB.
fn panics(server: &Server) -> Vec<String> {
    let log = server.log();
    let lines = log.lines().filter(|line| line.contains("panicked"));
    lines.filter(|line| !line.contains("InvalidHeaderName")).map(str::to_owned).collect()
}

/// How many orders of this key there are in the database.
fn orders(shop: &Shop, key: &str) -> i64 {
    let query = format!("SELECT count(*) FROM orders WHERE idempotency_key = '{key}'");
    shop.database.connect().number(&query)
}

fn no_shape_of_a_request_is_taken_for_two(shop: &Shop) {
    let (server, client) = besieged(shop);
    let [outer, inner] = shop.books([1_000, 1_000]);
    let token = client.token.clone().unwrap();
    let shapes = Bait { token: &token, outer, inner, round: 1 }.shapes();
    // Some end with the server's patience only: they wait beside each other.
    let groups: Vec<&[Shape]> = shapes.chunks(shapes.len().div_ceil(8)).collect();
    let sold: i64 = at_once(groups.len(), |group| {
        groups[group].iter().map(|shape| sell_once_at_most(shop, &server, shape)).sum::<i64>()
    })
    .into_iter()
    .sum();
    assert_eq!(client.quantity(inner), 1_000, "a hidden purchase ran");
    assert_eq!(client.quantity(outer), 1_000 - sold);
    // Were all refused, nothing would have been shown about those that are one request.
    assert!(sold >= 3, "{sold} shapes were taken for the purchase that they are");
    assert_eq!(panics(&server), [""; 0]);
}

/// Sends a shape, and gives how many orders it made: none if it was refused, else one.
fn sell_once_at_most(shop: &Shop, server: &Server, shape: &Shape) -> i64 {
    let statuses = answers::statuses(&exchange(server, &shape.bytes));
    let outcome = answers::judge(shape, &statuses).unwrap_or_else(|wrong| panic!("{wrong}"));
    let is_sold = outcome == Outcome::One(201);
    let sold = orders(shop, &shape.outer_key);
    assert_eq!(sold, i64::from(is_sold), "{}: {outcome:?}", shape.name);
    assert_eq!(orders(shop, &shape.inner_key), 0, "{}: the hidden one ran", shape.name);
    sold
}

/// The hidden purchases would have run, had anybody read them.
fn two_requests_in_a_row_are_two(shop: &Shop) {
    let (server, client) = besieged(shop);
    let [outer, inner] = shop.books([10, 10]);
    let token = client.token.clone().unwrap();
    let shape = Bait { token: &token, outer, inner, round: 1 }.pipelined();
    let statuses = answers::statuses(&exchange(&server, &shape.bytes));
    assert_eq!(statuses, [201, 201, 200]);
    assert_eq!([&shape.outer_key, &shape.inner_key].map(|key| orders(shop, key)), [1, 1]);
    answers::judge(&shape, &statuses).expect_err("two that ran are not one");
}

fn who_sends_a_byte_now_and_then_is_sent_away(shop: &Shop) {
    let (server, client) = besieged(shop);
    let book = shop.book(1_000_000);
    let vitals = Vitals::of(&server);
    let token = client.token.clone().unwrap();
    let mut crowd = Crowd::slow(server.address(), &token, 200);
    assert_eq!(crowd.present(), 200);
    eventually(PATIENCE, "the last slow one is sent away", || {
        client.buy(book, 1).expect(201);
        crowd.drip();
        (crowd.present() == 0).then_some(())
    });
    for status in crowd.statuses() {
        assert!((400..500).contains(&status), "who never finished was answered {status}");
    }
    assert!(vitals.peak_memory() < MOST_MEMORY, "{} MiB", vitals.peak_memory());
}

fn who_never_reads_is_sent_away(shop: &Shop) {
    let (server, client) = besieged(shop);
    let book = shop.book(1_000_000);
    for _ in 0..30 {
        shop.titled(&"A long title ".repeat(30), &"A long name ".repeat(60));
    }
    let vitals = Vitals::of(&server);
    let crowd: Vec<_> =
        (0..200).map(|number| deaf(server.address(), &hostile::wishes(number, 64 << 10))).collect();
    eventually(PATIENCE, "they are sent away", || {
        client.buy(book, 1).expect(201);
        // The one who buys stays.
        (vitals.guests() <= 1).then_some(())
    });
    drop(crowd);
    assert!(vitals.peak_memory() < MOST_MEMORY, "{} MiB", vitals.peak_memory());
}

/// A connection that says what it wants and takes next to nothing in.
fn deaf(address: &str, wishes: &[u8]) -> Socket {
    let address: SocketAddr = address.parse().unwrap();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    hostile::narrow(&SockRef::from(&socket)).unwrap();
    socket.connect(&address.into()).unwrap();
    socket.set_nonblocking(true).unwrap();
    let _ = (&socket).write(wishes);
    socket
}

fn heads_beyond_measure_are_refused(shop: &Shop) {
    let (server, client) = besieged(shop);
    let vitals = Vitals::of(&server);
    for (name, head) in hostile::huge_heads() {
        let statuses = answers::statuses(&exchange(&server, &head));
        let is_refusal = matches!(statuses.as_slice(), [] | [400..500]);
        assert!(is_refusal, "{name}: {statuses:?}");
    }
    assert_eq!(panics(&server), [""; 0]);
    assert!(vitals.peak_memory() < MOST_MEMORY, "{} MiB", vitals.peak_memory());
    client.get("/v1/books").expect(200);
}

fn bodies_beyond_measure_are_refused(shop: &Shop) {
    let (server, client) = besieged(shop);
    let vitals = Vitals::of(&server);
    for is_chunked in [false, true] {
        for token in [client.token.as_deref(), None] {
            let [head, part] = hostile::huge_body(token, is_chunked, SIZE);
            let (statuses, is_closed) = pour(&server, &head, &part);
            assert!(is_closed, "chunked: {is_chunked}: it was read on and on");
            let is_refusal = matches!(statuses.as_slice(), [] | [400..500]);
            assert!(is_refusal, "chunked: {is_chunked}: {statuses:?}");
        }
    }
    assert!(vitals.peak_memory() < MOST_MEMORY, "{} MiB", vitals.peak_memory());
    client.get("/v1/books").expect(200);
}

/// What they cost is the processor's time, which others' work on the machine does not change much.
fn empty_lines_cost_no_more_than_any_others(shop: &Shop) {
    let server = shop.server_on(&shop.database.url, &[]);
    let (client, book) = (shop.storefront.at(&server), shop.book(1_000));
    let vitals = Vitals::of(&server);
    for (name, bytes, expected) in empty_lines(&client.token.unwrap(), book) {
        let before = vitals.worked();
        for _ in 0..3 {
            let statuses = answers::statuses(&exchange(&server, bytes.as_bytes()));
            assert_eq!(statuses, expected, "{name}");
        }
        let worked = vitals.worked() - before;
        assert!(worked < MOST_WORK, "{name}: {worked:?}");
    }
}

/// Nothing but empty lines where they mean nothing, by name, and how that is answered: before a first head and
/// a second, before none, and in a body of each kind.
fn empty_lines(token: &str, book: i64) -> [(&'static str, String, &'static [u16]); 5] {
    let lines = "\n".repeat(60_000);
    let body = lines.clone() + "{\"quantity\": 1}";
    let chunks: String = body.chars().map(|byte| format!("1\r\n{byte}\r\n")).collect();
    let get = |connection| {
        format!("GET /healthz HTTP/1.1\r\nHost: siege\r\nConnection: {connection}\r\n\r\n")
    };
    let buy = |framing: &str, body: &str| {
        format!(
            "POST /v1/books/{book}/purchases HTTP/1.1\r\nHost: siege\r\nConnection: close\r\n\
             Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             {framing}\r\n\r\n{body}"
        )
    };
    let [first, last] = ["keep-alive", "close"].map(get);
    [
        ("before a head", lines.clone() + &last, &[200]),
        ("before a second head", first + &lines + &last, &[200, 200]),
        ("before none", "\n".repeat(128 << 10), &[431]),
        ("in a body", buy(&format!("Content-Length: {}", body.len()), &body), &[201]),
        ("in chunks", buy("Transfer-Encoding: chunked", &(chunks + "0\r\n\r\n")), &[201]),
    ]
}

/// Sends a body without end, until nobody takes it any more. The answers, and whether it came to that
/// before a gigabyte was gone.
fn pour(server: &Server, head: &[u8], part: &[u8]) -> (Vec<u16>, bool) {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    let mut is_open = stream.write_all(head).is_ok();
    let mut left = SIZE / hostile::PART;
    while is_open && left > 0 {
        is_open = stream.write_all(part).is_ok();
        left -= 1;
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    (answers::statuses(&answer), !is_open)
}

fn who_guesses_tokens_keeps_nobody_out(shop: &Shop) {
    let (_server, client) = besieged(shop);
    let book = shop.book(10);
    client.buy(book, 1).expect(201);
    let guesser = client.with_token("");
    for guess in 0..300 {
        // A token's shape: 32 bytes in base64, which nobody gave out.
        let token = format!("bks_{guess:042}A");
        let answer = guesser.with_token(&token).get("/v1/orders").send();
        assert!(matches!(answer.status, 401 | 429), "\n{answer}");
    }
    client.buy(book, 1).expect(201);
}

fn a_server_out_of_files_recovers(shop: &Shop) {
    let (server, client) = besieged(shop);
    let book = shop.book(100);
    client.buy(book, 1).expect(201);
    let vitals = Vitals::of(&server);
    vitals.limit_files(64);
    let crowd: Vec<_> = (0..200).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    eventually(PATIENCE, "it says that it has no files left", || {
        server.log().contains("Error accepting connection").then_some(())
    });
    drop(crowd);
    let newcomer = client.at(&server);
    eventually(PATIENCE, "it sells again", || {
        newcomer.buy(book, 1).try_send().ok().filter(|answer| answer.status == 201)
    });
}
