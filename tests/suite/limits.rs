//! How often one may ask, by token and by address, and whose word is taken for an address.
//!
//! Rates here are so low, one a second or a minute, that requests in a row are always too many, however
//! slow the machine is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::{
    Answer, Backend, Bookstore, Call, Client, Metrics, Scenario, Server, Shop, eventually,
};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        a_client_that_asks_too_often_waits_and_sells_nothing_twice,
        a_good_token_goes_on_beside_somebody_who_guesses,
        good_tokens_do_not_count_as_tried;
    Shop on Backend::EMBEDDED:
        an_address_that_asks_too_often_is_told_to_wait,
        a_page_and_a_path_that_is_not_there_count_too,
        ipv6_is_counted_by_64_bits,
        what_a_sender_writes_about_itself_is_not_believed,
        without_a_named_proxy_nobody_is_believed_and_this_machine_is_not_limited,
        a_token_that_is_none_is_no_way_around_the_limit,
        zero_is_no_limit;
    Nothing on Backend::EMBEDDED:
        a_limit_that_cannot_be_is_refused_with_what_would_be_right;
];

const ONE: &str = "203.0.113.1";
const ANOTHER: &str = "203.0.113.2";

/// Behind a proxy on this machine: callers say where they come from.
const PROXY: [&str; 2] = ["--trusted-proxy", "127.0.0.1"];

fn server(shop: &Shop, arguments: &[&str]) -> Arc<Server> {
    shop.server_on(&shop.database.url, &[&["--metrics-listen", "127.0.0.1:0"], arguments].concat())
}

/// Someone without a token at a server that gives one address one request a second.
fn slow_shop(shop: &Shop) -> (Arc<Server>, Client) {
    let server = server(shop, &[&PROXY[..], &["--address-rate", "1"]].concat());
    let client = shop.storefront.anonymous().at(&server);
    (server, client)
}

fn from(address: &str, call: Call) -> Call {
    call.header("X-Forwarded-For", address)
}

/// Asks up to 20 times in a row and gives what was refused for being too often, if anything was.
fn too_often(call: impl Fn() -> Call) -> Option<Answer> {
    (0..20).map(|_| call().send()).find(|answer| answer.status == 429)
}

#[track_caller]
fn refusal(call: impl Fn() -> Call) -> Answer {
    too_often(call).expect("20 requests in a row are not too many").refused(429, "rate_limited")
}

/// How often the server says that a limit refused something.
fn count(server: &Server, limit: &str) -> f64 {
    Metrics::of(server).number("bookstore_limit_refusals_total", &[("limit", limit)])
}

/// Retry-After, which must be the time that RateLimit tells.
#[track_caller]
fn wait(refusal: &Answer, policy: &str) -> u64 {
    let seconds = refusal.header("retry-after").parse().unwrap();
    assert!(seconds >= 1, "\n{refusal}");
    assert_eq!(refusal.header("ratelimit"), format!("{policy};r=0;t={seconds}"), "\n{refusal}");
    seconds
}

fn an_address_that_asks_too_often_is_told_to_wait(shop: &Shop) {
    let (server, anyone) = slow_shop(shop);
    let ask = || from(ONE, anyone.get("/v1/books"));
    let first = ask().expect(200);
    assert_eq!(first.header("ratelimit-policy"), "\"address\";q=2;w=2", "\n{first}");
    assert_eq!(first.header("ratelimit"), "\"address\";r=1;t=1", "\n{first}");
    let refused = refusal(ask);
    wait(&refused, "\"address\"");
    assert_eq!(refused.header("ratelimit-policy"), "\"address\";q=2;w=2", "\n{refused}");
    assert!(count(&server, "address_rate") >= 1.0);
    from(ANOTHER, anyone.get("/v1/books")).expect(200);
    eventually(Duration::from_secs(20), "the first one may ask again", || {
        (ask().send().status == 200).then_some(())
    });
}

fn a_page_and_a_path_that_is_not_there_count_too(shop: &Shop) {
    let (_, anyone) = slow_shop(shop);
    let book = shop.book(1);
    let buy = format!("/v1/books/{book}/purchases");
    let calls = [
        (Method::GET, "/docs"),
        (Method::GET, "/docs/swagger-ui-bundle.js"),
        (Method::GET, "/openapi.json"),
        (Method::GET, "/problems/out_of_stock"),
        (Method::GET, "/healthz"),
        (Method::GET, "/nowhere"),
        (Method::DELETE, "/v1/orders"),
        (Method::HEAD, "/v1/books"),
        (Method::POST, &buy),
    ];
    for (at, (method, path)) in calls.into_iter().enumerate() {
        let address = format!("203.0.113.{at}");
        let call = || from(&address, anyone.call(method.clone(), path));
        assert!(too_often(call).is_some(), "{method} {path} is without limit");
    }
}

fn ipv6_is_counted_by_64_bits(shop: &Shop) {
    let (_, anyone) = slow_shop(shop);
    let ask = |address: &str| from(address, anyone.get("/healthz")).send().status;
    let same: Vec<_> = (0..20).map(|host| ask(&format!("2001:db8:0:1::{host:x}"))).collect();
    assert!(same.contains(&429), "{same:?}");
    let others: Vec<_> = (2..22).map(|net| ask(&format!("2001:db8:0:{net:x}::1"))).collect();
    assert!(others.iter().all(|status| *status == 200), "{others:?}");
}

fn what_a_sender_writes_about_itself_is_not_believed(shop: &Shop) {
    let arguments = ["--address-rate", "1", "--log", "info,bookstore::http=debug"];
    let server = server(shop, &[&PROXY[..], &arguments].concat());
    let anyone = shop.storefront.anonymous().at(&server);
    let changing = std::cell::Cell::new(0);
    let refused = refusal(|| {
        changing.set(changing.get() + 1);
        from(&format!("198.51.100.{}, 127.0.0.1, {ONE}", changing.get()), anyone.get("/v1/books"))
    });
    assert_eq!(address_in_log(&server, &refused), ONE);
    let believed = from(&format!("{ANOTHER}, 127.0.0.1"), anyone.get("/v1/books")).expect(200);
    assert_eq!(address_in_log(&server, &believed), ANOTHER);
    // Several headers are one list.
    let twice = from("198.51.100.1", from(ANOTHER, anyone.get("/v1/books"))).expect(200);
    assert_eq!(address_in_log(&server, &twice), "198.51.100.1");
}

/// Where the log says that the request came from.
fn address_in_log(server: &Server, answer: &Answer) -> String {
    let id = answer.header("x-request-id");
    eventually(Duration::from_secs(10), "the answer is logged", || {
        let log = server.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let of_answer = |line: &Value| line["message"] == "answered" && line["request_id"] == id;
        lines.into_iter().find(of_answer).map(|line| line["address"].as_str().unwrap().to_owned())
    })
}

fn without_a_named_proxy_nobody_is_believed_and_this_machine_is_not_limited(shop: &Shop) {
    for proxies in [&[][..], &["--trusted-proxy", "10.0.0.0/8,fd00::/8"]] {
        let arguments = ["--address-rate", "1", "--log", "info,bookstore::http=debug"];
        let server = server(shop, &[proxies, &arguments].concat());
        let anyone = shop.storefront.anonymous().at(&server);
        for _ in 0..20 {
            let answer = from(ONE, anyone.get("/v1/books")).expect(200);
            assert_eq!(answer.header("ratelimit"), "", "nothing is counted\n{answer}");
        }
        let answer = from(ONE, anyone.get("/v1/books")).expect(200);
        assert_eq!(address_in_log(&server, &answer), "127.0.0.1");
    }
}

fn a_token_that_is_none_is_no_way_around_the_limit(shop: &Shop) {
    let limits = ["--address-rate", "1", "--failed-token-rate", "0"];
    let server = server(shop, &[&PROXY[..], &limits].concat());
    let anyone = shop.storefront.anonymous().at(&server);
    let made_up = format!("Bearer bks_{}", "Q".repeat(43));
    for (at, header) in [made_up.as_str(), "Bearer x", "Basic bWU6bWU=", ""].iter().enumerate() {
        for path in ["/v1/books", "/healthz"] {
            let address = format!("198.51.{at}.{}", path.len());
            let call = || from(&address, anyone.get(path)).header("Authorization", header);
            assert!(too_often(call).is_some(), "{header:?} has no limit at {path}");
        }
    }
    // A good one counts for its client, which has no limit here.
    let client = shop.storefront.at(&server);
    for _ in 0..20 {
        let answer = from(ONE, client.get("/v1/books")).expect(200);
        assert_eq!(answer.header("ratelimit"), "", "\n{answer}");
    }
    // On a page it is none.
    assert!(too_often(|| from(ONE, client.get("/healthz"))).is_some());
}

fn zero_is_no_limit(shop: &Shop) {
    let limits = ["--address-rate", "0", "--failed-token-rate", "0", "--client-rate", "0"];
    let server = server(shop, &[&PROXY[..], &limits].concat());
    let client = shop.storefront.at(&server);
    let wrong = client.with_token(&format!("bks_{}", "Q".repeat(43)));
    for _ in 0..200 {
        from(ONE, client.anonymous().get("/healthz")).expect(200);
        from(ONE, wrong.get("/v1/orders")).refused(401, "unauthorized");
        from(ONE, client.get("/v1/orders")).expect(200);
    }
}

fn a_client_that_asks_too_often_waits_and_sells_nothing_twice(shop: &Shop) {
    let server = server(shop, &["--client-rate", "1"]);
    let client = shop.storefront.at(&server);
    let book = shop.book(100);
    let buy = |key: &str| client.buy(book, 1).key(key);
    let answers: Vec<_> = (0..20).map(|at| buy(&format!("key {at}")).send()).collect();
    let sold = answers.iter().filter(|answer| answer.status == 201).count();
    let (at, refused) =
        answers.iter().enumerate().find(|(_, answer)| answer.status == 429).unwrap();
    wait(refused, "\"client\"");
    assert_eq!(refused.header("ratelimit-policy"), "\"client\";q=2;w=2", "\n{refused}");
    // The body was read: the connection is good for the next try.
    assert_ne!(refused.header("connection"), "close", "\n{refused}");
    assert_eq!(shop.admin.quantity(book), 100 - sold as i64);
    assert!(count(&server, "client_rate") >= 1.0);

    // Whose token it is counts, not how many there are; nobody pays for another.
    shop.another_storefront().at(&server).buy(book, 1).expect(201);
    client.anonymous().get("/v1/books").expect(200);

    // A refused request was not remembered: later it is done, for the first time.
    let later = eventually(Duration::from_secs(20), "the client may ask again", || {
        let answer = buy(&format!("key {at}")).send();
        (answer.status != 429).then_some(answer)
    });
    assert!(!later.expect(201).is_replay());
    assert_eq!(shop.admin.quantity(book), 100 - sold as i64 - 2);
}

fn a_good_token_goes_on_beside_somebody_who_guesses(shop: &Shop) {
    // At the same address, that of a server who serves both.
    let server = server(shop, &["--failed-token-rate", "1"]);
    let client = shop.storefront.at(&server);
    let book = shop.book(1_000);
    client.buy(book, 1).expect(201);
    let unseen = shop.another_storefront().at(&server);

    let guess = |at: usize| {
        let token = format!("bks_{}{:03}", "Q".repeat(39), at) + "A";
        client.with_token(&token).get("/v1/orders").send()
    };
    let answers: Vec<_> = (0..20).map(guess).collect();
    assert_eq!(answers[0].status, 401, "\n{}", answers[0]);
    let refused =
        answers.iter().find(|answer| answer.status == 429).expect("guesses have no limit");
    wait(refused, "\"failed-tokens\"");
    assert_eq!(refused.header("ratelimit-policy"), "\"failed-tokens\";q=2;w=120", "\n{refused}");
    assert!(count(&server, "failed_token_rate") >= 1.0);
    // Neither a shape that no token has, nor one that is good but was never seen, is looked at now.
    let odd = || client.anonymous().get("/v1/orders").header("Authorization", "Bearer x");
    odd().refused(429, "rate_limited");
    unseen.get("/v1/orders").refused(429, "rate_limited");
    client.anonymous().get("/v1/books").expect(200);
    // Longer than a token is trusted without looking it up again.
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3) {
        assert!(guess(100).status >= 400);
        client.buy(book, 1).expect(201);
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

fn good_tokens_do_not_count_as_tried(shop: &Shop) {
    let server = server(shop, &["--failed-token-rate", "1"]);
    for at in 0..5 {
        let token = shop.token("storefront", &format!("shop {at}"));
        let client = shop.storefront.with_token(&token).at(&server);
        client.get("/v1/orders").expect(200);
    }
    let body = json!({ "quantity": 1 });
    shop.admin.at(&server).post(&format!("/v1/books/{}/restocks", shop.book(1)), body).expect(201);
}

fn a_limit_that_cannot_be_is_refused_with_what_would_be_right(_: Backend) {
    for (flag, variable, value, right) in [
        ("--client-rate", "BOOKSTORE_CLIENT_RATE", "-1", "whole number from 0"),
        ("--address-rate", "BOOKSTORE_ADDRESS_RATE", "many", "whole number from 0"),
        ("--failed-token-rate", "BOOKSTORE_FAILED_TOKEN_RATE", "1.5", "whole number from 0"),
        ("--trusted-proxy", "BOOKSTORE_TRUSTED_PROXIES", "10.0.0.0/8,proxy", "10.0.0.0/8"),
        ("--trusted-proxy", "BOOKSTORE_TRUSTED_PROXIES", "10.1.2.3/8", "write 10.0.0.0/8"),
        ("--trusted-proxy", "BOOKSTORE_TRUSTED_PROXIES", "0.0.0.0/0", "everybody"),
        ("--cors-origin", "BOOKSTORE_CORS_ORIGINS", "*", "https://shop.example"),
        (
            "--cors-origin",
            "BOOKSTORE_CORS_ORIGINS",
            "https://a.example/",
            "send it: https://a.example",
        ),
        ("--max-connections", "BOOKSTORE_MAX_CONNECTIONS", "0", "whole number from 1"),
        ("--address-connections", "BOOKSTORE_ADDRESS_CONNECTIONS", "x", "whole number from 0"),
        ("--header-timeout", "BOOKSTORE_HEADER_TIMEOUT", "0", "from 1 to 3600"),
        ("--body-timeout", "BOOKSTORE_BODY_TIMEOUT", "1m", "from 1 to 3600"),
        ("--keep-alive", "BOOKSTORE_KEEP_ALIVE", "-1", "from 0 to 3600"),
        ("--write-timeout", "BOOKSTORE_WRITE_TIMEOUT", "", "from 1 to 3600"),
    ] {
        let by_flag =
            Bookstore::new(["serve", "--listen", "127.0.0.1:0", &format!("{flag}={value}")]);
        by_flag.run().exits(2).says(&[flag, right]);
        let by_variable = Bookstore::new(["serve", "--listen", "127.0.0.1:0"]).env(variable, value);
        by_variable.run().exits(2).says(&[flag, variable, right]);
    }
}
