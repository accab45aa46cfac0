//! What the operator sees: the metrics, and what they say of what happened.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::kit::{
    Backend, Client, Metrics, Proxy, Scenario, Server, Shop, eventually, hold, let_go, run_out,
};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        requests_are_counted_by_the_pattern_of_their_path,
        what_is_sold_refused_and_replayed_is_counted,
        what_becomes_of_holds_is_counted,
        who_waits_is_seen_while_waiting,
        the_metrics_are_at_their_own_address_only;
    Shop on Backend::EMBEDDED:
        rules_and_dashboard_speak_of_what_there_is;
    Shop on Backend::SERVERS:
        a_lost_connection_is_a_retry_with_its_cause,
        the_use_of_connections_is_seen;
];

/// A server that shows its metrics, and someone who buys there.
fn watched(shop: &Shop) -> (Arc<Server>, Client) {
    let server = shop.server_on(&shop.database.url, &["--metrics-listen", "127.0.0.1:0"]);
    let client = shop.storefront.at(&server);
    (server, client)
}

fn requests_are_counted_by_the_pattern_of_their_path(shop: &Shop) {
    let (server, client) = watched(shop);
    let book = shop.book(10);
    client.buy(book, 1).expect(201);
    client.buy(book, 11).refused(409, "out_of_stock");
    client.get(&format!("/v1/books/{book}")).expect(200);
    client.get("/v1/books/12345").expect(404);
    client.delete("/v1/orders").expect(405);
    client.anonymous().buy(book, 1).expect(401);
    for guess in ["/wp-login.php", "/v1/books/1/secrets", "/v2/books", "/.env"] {
        client.get(guess).expect(404);
    }
    client.call("BREW".parse().unwrap(), "/pot").expect(404);
    let metrics = Metrics::of(&server);
    let count = |route: &str, method: &str, status: &str| {
        let labels = [("route", route), ("method", method), ("status", status)];
        metrics.number("bookstore_http_requests_total", &labels)
    };
    let purchases = "/v1/books/{id}/purchases";
    assert_eq!(count(purchases, "POST", "201"), 1.0);
    assert_eq!(count(purchases, "POST", "409"), 1.0);
    assert_eq!(count(purchases, "POST", "401"), 1.0);
    assert_eq!(count("/v1/books/{id}", "GET", "200"), 1.0);
    assert_eq!(count("/v1/books/{id}", "GET", "404"), 1.0);
    assert_eq!(count("/v1/orders", "DELETE", "405"), 1.0);
    assert_eq!(count("none", "GET", "404"), 4.0);
    assert_eq!(count("none", "other", "404"), 1.0);
    let labels = [("route", purchases), ("method", "POST")];
    assert_eq!(metrics.number("bookstore_http_request_seconds_count", &labels), 3.0);
    assert!(!metrics.page.contains("wp-login"), "a path became a label\n{}", metrics.page);
}

fn what_is_sold_refused_and_replayed_is_counted(shop: &Shop) {
    let (server, client) = watched(shop);
    let [a, b] = shop.books([10, 10]);
    client.buy(a, 2).key("once").expect(201);
    client.buy(a, 2).key("once").expect(201);
    client.order(&[(a, 1), (b, 3)]).expect(201);
    client.buy(a, 100).refused(409, "out_of_stock");
    client.buy(a, 3).key("once").refused(422, "idempotency_key_reused");
    client.buy(98_765, 1).refused(404, "unknown_book");
    let admin = shop.admin.at(&server);
    admin.restock(a, 1).key("restock").expect(201);
    admin.restock(a, 1).key("restock").expect(201);
    let metrics = Metrics::of(&server);
    assert_eq!(metrics.number("bookstore_orders_placed_total", &[]), 2.0);
    assert_eq!(metrics.number("bookstore_copies_sold_total", &[]), 6.0);
    assert_eq!(metrics.number("bookstore_replays_total", &[]), 2.0);
    for reason in ["out_of_stock", "idempotency_key_reused", "unknown_book"] {
        let refused = metrics.number("bookstore_orders_refused_total", &[("reason", reason)]);
        assert_eq!(refused, 1.0, "{reason}");
    }
    let desk = [("desk", "sales")];
    assert_eq!(metrics.number("bookstore_till_batch_size_sum", &desk), 6.0);
    assert_eq!(metrics.number("bookstore_till_seconds_count", &desk), 6.0);
    assert!(metrics.number("bookstore_till_batch_seconds_sum", &desk) > 0.0);
}

fn what_becomes_of_holds_is_counted(shop: &Shop) {
    let (server, client) = watched(shop);
    // The other server must not be the one that takes back what runs out.
    shop.server().stop();
    let admin = shop.admin.at(&server);
    let book = admin.post("/v1/books", crate::kit::new_book(json!({ "quantity": 20 }))).expect(201);
    let book = book["id"].as_i64().unwrap();
    let held = |copies| client.hold(&[(book, copies)], 600).expect(201);
    let [confirmed, cancelled, expired] = [3, 1, 2].map(held);
    client.confirm(&confirmed).expect(200);
    // Again is the same as once, and counted once.
    client.confirm(&confirmed).expect(200);
    client.cancel(&cancelled).expect(200);
    admin.cancel(&client.buy(book, 1).expect(201)).expect(200);
    run_out(shop, &[&expired]);
    let event =
        |metrics: &Metrics, event| metrics.number("bookstore_holds_total", &[("event", event)]);
    let metrics = eventually(Duration::from_secs(10), "the hold expires", || {
        let metrics = Metrics::of(&server);
        (event(&metrics, "expired") == 1.0).then_some(metrics)
    });
    assert_eq!(event(&metrics, "made"), 3.0);
    assert_eq!(event(&metrics, "confirmed"), 1.0);
    assert_eq!(event(&metrics, "cancelled"), 1.0);
    assert_eq!(metrics.number("bookstore_orders_cancelled_total", &[]), 1.0);
    assert_eq!(metrics.number("bookstore_copies_sold_total", &[]), 4.0);
    assert!(metrics.number("bookstore_sweeps_total", &[("outcome", "done")]) > 0.0);
    assert_eq!(metrics.number("bookstore_holds_overdue", &[]), 0.0);
}

fn who_waits_is_seen_while_waiting(shop: &Shop) {
    let (server, client) = watched(shop);
    let book = shop.book(10);
    let holder = hold(shop, book);
    let buying = |client: &Client| {
        let client = client.clone();
        std::thread::spawn(move || client.buy(book, 1).send().status)
    };
    let desk = [("desk", "sales")];
    let first = buying(&client);
    eventually(Duration::from_secs(10), "the first one is being served", || {
        let age = Metrics::of(&server).number("bookstore_till_oldest_seconds", &desk);
        (age > 0.0).then_some(())
    });
    let others = [buying(&client), buying(&client)];
    eventually(Duration::from_secs(10), "two more wait", || {
        let metrics = Metrics::of(&server);
        let of_desk = |name| metrics.number(name, &desk);
        let [waiting, aside] = ["bookstore_till_waiting", "bookstore_till_aside"].map(of_desk);
        let age = of_desk("bookstore_till_oldest_seconds");
        // In line, or put aside together with the first.
        let are_there = waiting == 2.0 || aside == 3.0;
        (are_there && (0.2..10.0).contains(&age)).then_some(())
    });
    let_go(holder);
    for buyer in others.into_iter().chain([first]) {
        assert_eq!(buyer.join().unwrap(), 201);
    }
    eventually(Duration::from_secs(10), "nobody waits", || {
        let metrics = Metrics::of(&server);
        let of_desk = |name| metrics.number(name, &desk);
        let [waiting, age] =
            ["bookstore_till_waiting", "bookstore_till_oldest_seconds"].map(of_desk);
        (waiting == 0.0 && age == 0.0).then_some(())
    });
}

fn the_metrics_are_at_their_own_address_only(shop: &Shop) {
    let (server, client) = watched(shop);
    client.get("/metrics").refused(404, "not_found");
    client.anonymous().get("/metrics").refused(404, "not_found");
    let address = server.metrics_url().trim_end_matches("/metrics").to_owned();
    for (path, status) in [("/metrics", 200), ("/v1/books", 404), ("/", 404)] {
        let answer = reqwest::blocking::get(format!("{address}{path}")).unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
    let answer = reqwest::blocking::get(server.metrics_url()).unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let taken = address.trim_start_matches("http://");
    for wrong in [taken, "9464", "somewhere"] {
        let run = shop.bookstore(["serve", "--listen", "127.0.0.1:0", "--metrics-listen", wrong]);
        run.run().exits(2).says(&["--metrics-listen"]);
    }
}

fn a_lost_connection_is_a_retry_with_its_cause(shop: &Shop) {
    let proxy = Proxy::before(&shop.database);
    let url = shop.database.url_through(proxy.port);
    let server = shop.server_on(&url, &["--metrics-listen", "127.0.0.1:0"]);
    let client = shop.storefront.at(&server);
    let book = shop.book(10);
    client.buy(book, 1).expect(201);
    proxy.cut();
    proxy.mend();
    client.buy(book, 1).expect(201);
    let lost = [("pool", "writers"), ("cause", "lost_connection")];
    assert!(Metrics::of(&server).number("bookstore_retries_total", &lost) >= 1.0);
    proxy.cut();
    eventually(Duration::from_secs(30), "a failure to connect is counted", || {
        let _ = client.get(&format!("/v1/books/{book}")).try_send();
        let metrics = Metrics::of(&server);
        let failures = ["readers", "writers"]
            .map(|pool| metrics.number("bookstore_pool_connect_failures_total", &[("pool", pool)]));
        (failures.iter().sum::<f64>() > 0.0).then_some(())
    });
}

fn the_use_of_connections_is_seen(shop: &Shop) {
    let (server, client) = watched(shop);
    let book = shop.book(10);
    let writers = [("pool", "writers")];
    let of = |metrics: &Metrics, what| metrics.number(&format!("bookstore_pool_{what}"), &writers);
    let holder = hold(shop, book);
    let buyer = std::thread::spawn({
        let client = client.clone();
        move || client.buy(book, 1).send().status
    });
    eventually(Duration::from_secs(10), "a connection is in use", || {
        let metrics = Metrics::of(&server);
        (of(&metrics, "connections_in_use") == 1.0).then_some(())
    });
    let metrics = Metrics::of(&server);
    assert_eq!(of(&metrics, "connections_limit"), 6.0);
    assert!(of(&metrics, "connections_open") >= 1.0);
    assert_eq!(of(&metrics, "waiting"), 0.0);
    let_go(holder);
    assert_eq!(buyer.join().unwrap(), 201);
}

fn rules_and_dashboard_speak_of_what_there_is(shop: &Shop) {
    let (server, client) = watched(shop);
    client.get("/healthz").expect(200);
    let metrics = Metrics::of(&server);
    let there = metrics.names();
    let read = |name: &str| {
        let path = format!("{}/ops/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let [rules, tests, dashboard, manual] =
        ["alerts.yml", "alerts_test.yml", "dashboard.json", "README.md"].map(read);
    for (file, text) in
        [("rules", &rules), ("tests", &tests), ("dashboard", &dashboard), ("manual", &manual)]
    {
        let named = words(text)
            .filter(|word| word.starts_with("bookstore_") || word.starts_with("process_"));
        for name in named.filter(|name| *name != "process_") {
            let ends = ["_bucket", "_sum", "_count"];
            let family = ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            assert!(there.contains(&family), "the {file} speak of {name}, which is not there");
        }
    }
    for name in there.iter().filter(|name| name.starts_with("bookstore_")) {
        assert!(words(&manual).any(|word| word == *name), "the manual does not explain {name}");
        assert!(words(&dashboard).any(|word| word.starts_with(name)), "no panel shows {name}");
    }
    serde_json::from_str::<serde_json::Value>(&dashboard).unwrap();
    let alerts: Vec<_> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(!alerts.is_empty());
    for alert in alerts {
        assert!(tests.contains(&format!("name: {alert}, fires")), "no test that {alert} fires");
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}
