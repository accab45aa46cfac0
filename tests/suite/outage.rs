//! The database goes away, the answer to a commit is lost, the server dies: no sale is lost, none is
//! counted twice.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::kit::{
    Answer, Backend, Client, Commit, Proxy, Scenario, Shop, at_once, eventually, wait_for_strikes,
};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        orders_through_an_outage_of_five_seconds_are_sold_once,
        a_server_that_crashes_forgets_nothing_it_said,
        a_server_that_is_asked_to_stop_finishes_what_it_took;
    DamagedShop on Backend::ALL:
        what_no_retry_cures_is_a_failure_at_once;
    Shop on Backend::SERVERS:
        a_commit_whose_answer_is_lost_is_found_again,
        a_commit_that_never_arrived_is_made_again,
        a_change_whose_commit_answer_is_lost_is_not_called_a_conflict,
        a_database_that_hangs_leaves_nobody_without_an_answer,
        a_server_whose_database_is_gone_is_alive_but_not_ready,
];

const OUTAGE: Duration = Duration::from_secs(5);

/// What stands for "the database is gone": the line is cut, or somebody else has the file.
struct Breakable {
    client: Client,
    proxy: Option<Proxy>,
}

fn breakable(shop: &Shop) -> Breakable {
    if shop.backend() == Backend::Sqlite {
        return Breakable { client: shop.storefront.clone(), proxy: None };
    }
    let (server, proxy) = behind_a_proxy(shop, &[]);
    Breakable { client: shop.storefront.at(&server), proxy: Some(proxy) }
}

fn behind_a_proxy(shop: &Shop, arguments: &[&str]) -> (std::sync::Arc<crate::kit::Server>, Proxy) {
    let proxy = Proxy::before(&shop.database);
    let server = shop.server_on(&shop.database.url_through(proxy.port), arguments);
    (server, proxy)
}

/// Sends the order until it is placed, with the same key each time. A refusal on the way may only
/// be a 503.
fn insist(client: &Client, book: i64, key: &str, refused: &AtomicUsize) -> Answer {
    eventually(Duration::from_secs(90), "the order is placed at last", || {
        let answer = client.buy(book, 1).key(key).send();
        match answer.status {
            201 => Some(answer),
            503 => {
                let slug =
                    answer["type"].as_str().unwrap().trim_start_matches("/problems/").to_owned();
                assert!(["database_unavailable", "overloaded"].contains(&&*slug), "\n{answer}");
                refused.fetch_add(1, Ordering::SeqCst);
                None
            }
            _ => panic!("neither success nor 503\n{answer}"),
        }
    })
}

fn orders_through_an_outage_of_five_seconds_are_sold_once(shop: &Shop) {
    let Breakable { client, proxy } = breakable(shop);
    let book = shop.book(100_000);
    let is_over = AtomicBool::new(false);
    let refused = AtomicUsize::new(0);
    let sold: Vec<usize> = at_once(9, |thread| {
        if thread == 0 {
            // Orders come in before, all through, and after.
            eventually(Duration::from_secs(60), "the first orders", || {
                (shop.admin.quantity(book) < 99_990).then_some(())
            });
            break_for(OUTAGE, shop, proxy.as_ref(), &client, book);
            let left = shop.admin.quantity(book);
            eventually(Duration::from_secs(60), "orders again", || {
                (shop.admin.quantity(book) < left - 10).then_some(())
            });
            is_over.store(true, Ordering::SeqCst);
            return 0;
        }
        let mut orders = 0;
        while !is_over.load(Ordering::SeqCst) {
            insist(&client, book, &format!("{thread}/{orders}"), &refused);
            orders += 1;
        }
        orders
    });
    let sold: usize = sold.iter().sum();
    assert_eq!(shop.admin.quantity(book), 100_000 - sold as i64);
    let listed = shop.admin.all("/v1/orders", &[("limit", "100")]).len();
    assert!(listed >= sold, "{listed} orders, {sold} answers of success");
    let bought_once = shop.storefront.all("/v1/orders", &[("limit", "100")]).len();
    assert_eq!(bought_once, sold);
    client.get("/readyz").expect(200);
}

/// Takes the database away, and gives it back when `outage` is over. Meanwhile reads may fail, but
/// only as they should.
fn break_for(outage: Duration, shop: &Shop, proxy: Option<&Proxy>, client: &Client, book: i64) {
    let start = Instant::now();
    let mut holder = proxy.is_none().then(|| {
        let mut holder = shop.database.connect();
        holder.run("BEGIN EXCLUSIVE");
        holder
    });
    proxy.inspect(|proxy| proxy.cut());
    while start.elapsed() < outage {
        client.get("/healthz").expect(200);
        let read = client.get(&format!("/v1/books/{book}")).send();
        assert!(matches!(read.status, 200 | 503), "\n{read}");
    }
    proxy.inspect(|proxy| proxy.mend());
    if let Some(holder) = &mut holder {
        holder.run("COMMIT");
    }
}

fn a_commit_whose_answer_is_lost_is_found_again(shop: &Shop) {
    lose_commits(shop, Commit::Delivered);
}

fn a_commit_that_never_arrived_is_made_again(shop: &Shop) {
    lose_commits(shop, Commit::Lost);
}

/// Every kind of write loses its commit, with and without a key: each is carried out once, and says
/// so.
fn lose_commits(shop: &Shop, fate: Commit) {
    let (server, proxy) = behind_a_proxy(shop, &[]);
    let (storefront, admin) = (shop.storefront.at(&server), shop.admin.at(&server));
    let book = shop.book(100);
    let mut expected = 100;
    for round in 0..4 {
        let key = format!("round {round}");
        let path = format!("/v1/books/{book}");
        let new = crate::kit::new_book(serde_json::json!({ "quantity": 4 }));
        let calls = [
            (storefront.buy(book, 2), -2, 201),
            (storefront.order(&[(book, 3)]), -3, 201),
            (admin.restock(book, 7), 7, 201),
            (admin.restock_many(&[(book, 1)]), 1, 201),
            (admin.stocktake(book, expected + 3 - 1), -1, 201),
            (admin.post("/v1/books", new), 0, 201),
            (admin.patch(&path, serde_json::json!({ "title": key })).if_match("*"), 0, 200),
        ];
        for (call, change, status) in calls {
            proxy.strike(fate, 1);
            let call = if round % 2 == 0 { call.key(&key_of(&key, change)) } else { call };
            let answer = call.expect(status);
            assert!(!answer.is_replay() || round % 2 == 0, "\n{answer}");
            wait_for_strikes(&proxy);
            expected += change;
            assert_eq!(shop.admin.quantity(book), expected, "\n{answer}");
        }
    }
    let orders = shop.storefront.all("/v1/orders", &[]);
    assert_eq!(orders.len(), 8);
    assert_eq!(shop.admin.all("/v1/books", &[]).len(), 5);
}

/// The second run finds what the first one wrote: it must know it for its own.
fn a_change_whose_commit_answer_is_lost_is_not_called_a_conflict(shop: &Shop) {
    let (server, proxy) = behind_a_proxy(shop, &[]);
    let admin = shop.admin.at(&server);
    let book = shop.book(1);
    let path = format!("/v1/books/{book}");
    let etag = shop.admin.book(book).etag();
    let edit = serde_json::json!({ "title": "Edited once", "price": { "amount": 5 } });
    let new = crate::kit::new_book(serde_json::json!({}));
    let calls = [
        (admin.patch(&path, edit).if_match(&etag), 200),
        (admin.post("/v1/books", new), 201),
        (admin.delete(&path), 204),
    ];
    for (call, status) in calls {
        proxy.strike(Commit::Delivered, 1);
        call.expect(status);
        wait_for_strikes(&proxy);
    }
    assert_eq!(shop.admin.all("/v1/books", &[]).len(), 1);
}

fn key_of(round: &str, change: i64) -> String {
    format!("{round} {change}")
}

/// An error that has no name here is no reason to try until the deadline, which would be called `overloaded`.
fn what_no_retry_cures_is_a_failure_at_once(shop: &Shop) {
    let book = shop.book(5);
    let mut database = shop.database.connect();
    database.run("ALTER TABLE stock_entries RENAME TO lost_entries");
    shop.admin.restock(book, 1).send().refused(500, "internal_error");
    shop.storefront.buy(book, 1).key("also").expect(201);
    database.run("ALTER TABLE lost_entries RENAME TO stock_entries");
    shop.admin.restock(book, 1).expect(201);
    assert_eq!(shop.admin.quantity(book), 5);
}

/// The lines stay open, but nothing comes back: no error, no end.
fn a_database_that_hangs_leaves_nobody_without_an_answer(shop: &Shop) {
    let (server, proxy) = behind_a_proxy(shop, &["--request-timeout", "1"]);
    let (storefront, admin) = (shop.storefront.at(&server), shop.admin.at(&server));
    let book = shop.book(100);
    storefront.buy(book, 1).expect(201);
    admin.restock(book, 1).expect(201);
    proxy.stall();
    let calls = || {
        vec![
            storefront.buy(book, 1).key("a sale"),
            storefront.buy(book, 1).key("another sale"),
            admin.restock(book, 10).key("a delivery"),
            storefront.get(&format!("/v1/books/{book}")),
            storefront.get("/v1/books"),
        ]
    };
    let waiting: Vec<_> =
        calls().into_iter().map(|call| std::thread::spawn(move || call.send())).collect();
    for answer in waiting {
        let answer = answer.join().unwrap();
        assert_eq!(answer.status, 503, "\n{answer}");
        assert!(!answer.header("retry-after").is_empty());
    }
    proxy.resume();
    for call in calls() {
        let answer = call.send();
        assert!(matches!(answer.status, 200 | 201), "\n{answer}");
    }
    assert_eq!(shop.admin.quantity(book), 108);
}

fn a_server_whose_database_is_gone_is_alive_but_not_ready(shop: &Shop) {
    let (server, proxy) = behind_a_proxy(shop, &["--request-timeout", "2"]);
    let client = shop.storefront.at(&server);
    let book = shop.book(5);
    client.get("/readyz").expect(200);
    proxy.cut();
    client.get("/readyz").refused(503, "database_unavailable");
    client.get("/healthz").expect(200);
    for call in [client.buy(book, 1), client.get("/v1/books"), client.get("/v1/orders")] {
        call.refused(503, "database_unavailable");
    }
    proxy.mend();
    let is_ready = || (client.get("/readyz").send().status == 200).then_some(());
    eventually(Duration::from_secs(30), "ready again", is_ready);
    client.buy(book, 1).expect(201);
    assert_eq!(shop.admin.quantity(book), 4);
}

fn a_server_that_crashes_forgets_nothing_it_said(shop: &Shop) {
    let book = shop.book(100_000);
    let server = shop.second_server();
    let client = shop.storefront.at(&server);
    let acknowledged = AtomicUsize::new(0);
    let answers = at_once(9, |thread| {
        if thread == 8 {
            let enough = || (acknowledged.load(Ordering::SeqCst) > 100).then_some(());
            eventually(Duration::from_secs(60), "a hundred sales", enough);
            server.crash();
            return Vec::new();
        }
        let mut answers = Vec::new();
        for number in 0.. {
            let Ok(answer) = client.buy(book, 1).key(&format!("{thread}/{number}")).try_send()
            else {
                break;
            };
            acknowledged.fetch_add(1, Ordering::SeqCst);
            answers.push(answer.expect(201));
        }
        answers
    });
    shop.audit();
    // Who got no answer asks again elsewhere, and so does everyone else.
    let another = shop.second_server();
    let client = shop.storefront.at(&another);
    let mut sold = 0;
    for (thread, answers) in answers.iter().enumerate().take(8) {
        for (number, first) in answers.iter().enumerate() {
            client.buy(book, 1).key(&format!("{thread}/{number}")).send().replays(first);
        }
        client.buy(book, 1).key(&format!("{thread}/{}", answers.len())).expect(201);
        sold += answers.len() as i64 + 1;
    }
    assert_eq!(shop.admin.quantity(book), 100_000 - sold);
}

fn a_server_that_is_asked_to_stop_finishes_what_it_took(shop: &Shop) {
    let book = shop.book(100_000);
    let server = shop.second_server();
    let sold: Vec<i64> = at_once(9, |thread| {
        if thread == 8 {
            eventually(Duration::from_secs(60), "the first sales", || {
                (shop.admin.quantity(book) < 99_950).then_some(())
            });
            assert_eq!(server.stop(), 0);
            return 0;
        }
        // A new connection each time: none is cut while it waits for an answer.
        let mut sold = 0;
        loop {
            let client = Client::new(&server, shop.storefront.token.as_ref().unwrap());
            match client.buy(book, 1).try_send() {
                Ok(answer) if answer.status == 503 => return sold,
                Ok(answer) => drop(answer.expect(201)),
                Err(error) => {
                    assert!(error.is_connect() || error.is_request(), "{error:?}");
                    return sold;
                }
            }
            sold += 1;
        }
    });
    assert_eq!(shop.admin.quantity(book), 100_000 - sold.iter().sum::<i64>());
}
