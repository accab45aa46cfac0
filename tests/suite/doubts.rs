//! What a caller is told whose order may have been placed though nobody can look: never that it was not.

use std::thread::JoinHandle;

use crate::kit::{
    Backend, Commit, Connection, Proxy, Scenario, Shop, hold, let_go, wait_for_strikes,
};
use crate::locks::wait_for_waiters;
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::SERVERS:
        an_order_in_doubt_is_not_called_turned_away;
    Shop on Backend::MYSQL:
        an_order_that_its_node_says_was_not_committed_is_not_called_turned_away;
];

fn an_order_in_doubt_is_not_called_turned_away(shop: &Shop) {
    is_not_called_turned_away(shop, Commit::Delivered);
}

/// A node that loses its cluster says so to a COMMIT that the others may have.
fn an_order_that_its_node_says_was_not_committed_is_not_called_turned_away(shop: &Shop) {
    is_not_called_turned_away(shop, Commit::Denied);
}

/// The commit is carried out and nothing, or something else, is said of that; then somebody else has the
/// book for so long that the server cannot look what became of it. `overloaded` would say that nothing was
/// sold.
fn is_not_called_turned_away(shop: &Shop, fate: Commit) {
    let proxy = Proxy::before(&shop.database);
    let url = shop.database.url_through(proxy.port);
    let server = shop.server_on(&url, &["--request-timeout", "2"]);
    let book = shop.book(5);
    let client = shop.storefront.at(&server);
    let before = hold(shop, book);
    let order = client.buy(book, 1).key("the last copy but four");
    let buyer = std::thread::spawn(move || order.send());
    wait_for_waiters(shop, 1);
    // Next in line after the buyer, and there to stay.
    let after = std::thread::scope(|scope| {
        let after = scope.spawn(|| hold(shop, book));
        wait_for_waiters(shop, 2);
        proxy.strike(fate, 1);
        let_go(before);
        wait_for_strikes(&proxy);
        after.join().unwrap()
    });
    let answer = answered_meanwhile(buyer, after);
    answer.refused(503, "database_unavailable");
    let again = client.buy(book, 1).key("the last copy but four").expect(201);
    assert!(again.is_replay(), "it was sold by the first request\n{again}");
    assert_eq!(shop.admin.quantity(book), 4);
}

fn answered_meanwhile<T>(buyer: JoinHandle<T>, holder: Connection) -> T {
    let answer = buyer.join().unwrap();
    let_go(holder);
    answer
}
