//! Many buyers, two server processes, one database.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use crate::kit::{Answer, Backend, Client, Scenario, Server, Shop, at_once};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        four_hundred_orders_sent_twice_sell_a_hundred_copies_once,
        orders_of_two_books_in_either_order_do_not_deadlock,
        orders_of_many_books_in_any_order_do_not_deadlock,
        every_buyer_sees_the_shelf_only_go_down,
        the_last_copies_of_two_books_are_never_sold_apart,
];

const CLIENTS: usize = 64;
const ORDERS: usize = 400;
const COPIES: i64 = 100;

fn two_servers(shop: &Shop) -> [Arc<Server>; 2] {
    [(); 2].map(|()| shop.wide_server())
}

fn four_hundred_orders_sent_twice_sell_a_hundred_copies_once(shop: &Shop) {
    let servers = two_servers(shop);
    let book = shop.book(COPIES);
    // A client for each thread, each of the two requests on a connection of its own.
    let tokens: Vec<_> = (0..8).map(|n| shop.token("storefront", &format!("shop {n}"))).collect();
    let buyers: Vec<_> = (0..CLIENTS)
        .map(|n| servers.each_ref().map(|server| Client::new(server, &tokens[n % tokens.len()])))
        .collect();
    // Threads come in pairs that send the same order with the same key at once to both processes.
    let answers = at_once(2 * CLIENTS, |thread| {
        let (buyer, server) = (thread / 2, thread % 2);
        (buyer..ORDERS)
            .step_by(CLIENTS)
            .map(|order| buyers[buyer][server].buy(book, 1).key(&format!("order {order}")).send())
            .collect::<Vec<Answer>>()
    });

    let mut sold = BTreeSet::new();
    for pair in answers.chunks(2) {
        for (one, other) in pair[0].iter().zip(&pair[1]) {
            assert!(matches!(one.status, 201 | 409), "\n{one}");
            if one.status == 201 {
                assert_eq!(
                    (one.status, &one.body),
                    (other.status, &other.body),
                    "\n{one}\n{other}"
                );
                assert_ne!(one.is_replay(), other.is_replay(), "one of a pair is the retry");
                assert!(sold.insert(one.id()), "sold to two pairs\n{one}");
            } else {
                let lines = json!([{ "book_id": book, "requested": 1, "available": 0 }]);
                assert_eq!((other.status, &other["lines"]), (409, &lines), "\n{one}\n{other}");
                assert_eq!(one["lines"], lines);
            }
        }
    }
    assert_eq!(answers.iter().map(Vec::len).sum::<usize>(), 2 * ORDERS);
    assert_eq!(sold.len(), COPIES as usize);
    assert_eq!(shop.admin.quantity(book), 0);
    let listed = shop.admin.all("/v1/orders", &[("limit", "100")]);
    let listed: BTreeSet<_> = listed.iter().map(|o| o["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(listed, sold);
    assert_eq!(shop.admin.movements(book).len(), 1 + COPIES as usize);
}

fn orders_of_two_books_in_either_order_do_not_deadlock(shop: &Shop) {
    const ROUNDS: usize = 10;
    let servers = two_servers(shop);
    let [x, y] = shop.books([10_000, 10_000]);
    at_once(32, |thread| {
        let client = shop.storefront.at(&servers[thread / 2 % 2]);
        let lines = if thread % 2 == 0 { [(x, 1), (y, 1)] } else { [(y, 1), (x, 1)] };
        for _ in 0..ROUNDS {
            client.order(&lines).expect(201);
        }
    });
    let left = 10_000 - 32 * ROUNDS as i64;
    assert_eq!((shop.admin.quantity(x), shop.admin.quantity(y)), (left, left));
}

fn orders_of_many_books_in_any_order_do_not_deadlock(shop: &Shop) {
    let servers = two_servers(shop);
    let books: [i64; 12] = shop.books([1_000; 12]);
    at_once(24, |thread| {
        let admin = shop.admin.at(&servers[thread % 2]);
        for round in 0..6 {
            // Each thread goes round the shelves from its own place, half of them backwards.
            let mut lines: Vec<_> =
                (0..8).map(|n| (books[(thread * 5 + round + n) % 12], 1)).collect();
            if thread % 4 < 2 {
                lines.reverse();
            }
            match thread % 6 {
                5 => drop(admin.restock_many(&lines).expect(201)),
                _ => drop(admin.order(&lines).expect(201)),
            }
        }
    });
    let left: i64 = books.iter().map(|book| shop.admin.quantity(*book)).sum();
    assert_eq!(left, 12_000 - (20 - 4) * 6 * 8);
}

fn every_buyer_sees_the_shelf_only_go_down(shop: &Shop) {
    let servers = two_servers(shop);
    let book = shop.book(200);
    at_once(16, |thread| {
        let client = shop.storefront.at(&servers[thread % 2]);
        let mut seen = i64::MAX;
        for _ in 0..20 {
            let bought = client.buy(book, 1).send();
            assert!(matches!(bought.status, 201 | 409), "\n{bought}");
            let now = client.quantity(book);
            assert!(now <= seen && now < 200, "{now} after {seen}");
            seen = now;
        }
    });
    assert_eq!(shop.admin.quantity(book), 0);
    assert_eq!(shop.storefront.all("/v1/orders", &[("limit", "100")]).len(), 200);
}

fn the_last_copies_of_two_books_are_never_sold_apart(shop: &Shop) {
    let servers = two_servers(shop);
    for _ in 0..5 {
        let [a, b] = shop.books([3, 5]);
        let mut statuses = at_once(16, |thread| {
            shop.storefront.at(&servers[thread % 2]).order(&[(b, 1), (a, 1)]).send().status
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [&[201; 3][..], &[409; 13]].concat());
        assert_eq!((shop.admin.quantity(a), shop.admin.quantity(b)), (0, 2));
    }
}
