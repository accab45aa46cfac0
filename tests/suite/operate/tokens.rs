//! Tokens that are renewed, and one that was lost.

use std::time::Duration;

use crate::kit::{Client, Shop, eventually};

/// The id of the client of this name.
fn client_id(shop: &Shop, name: &str) -> String {
    let listed = shop.bookstore(["token", "list", "--format", "json"]).run().exits(0).json();
    let listed = listed.as_array().unwrap().clone();
    listed.iter().find(|client| client["name"] == name).unwrap()["id"].to_string()
}

fn revoke(shop: &Shop, name: &str) {
    shop.bookstore(["token", "revoke", &client_id(shop, name)]).run().exits(0);
}

fn is_refused(client: &Client) {
    eventually(Duration::from_secs(20), "the old token is refused", || {
        (client.get("/v1/orders").send().status == 401).then_some(())
    });
}

/// Create, switch, revoke. What was begun under the old token is ended under it, or by an admin: a new
/// token is a new client.
pub fn a_storefronts_token_is_renewed(shop: &Shop) {
    let book = shop.book(20);
    let old = shop.storefront.clone();
    let [for_old, for_admin] = [(), ()].map(|()| old.hold(&[(book, 1)], 600).expect(201));
    let sold = old.buy(book, 1).key("a cart").expect(201);

    let new = shop.admin.with_token(&shop.token("storefront", "the web shop 2"));
    new.buy(book, 1).expect(201);
    old.buy(book, 1).expect(201);
    // Both at once, each for its own orders and keys.
    new.get(sold.header("location")).refused(404, "unknown_order");
    new.confirm(&for_old).refused(404, "unknown_order");
    old.buy(book, 1).key("a cart").expect(201).replays(&sold);
    let another = new.buy(book, 1).key("a cart").expect(201);
    assert_ne!(another.id(), sold.id(), "keys are the client's own");
    old.confirm(&for_old).expect(200);

    revoke(shop, "the web shop");
    is_refused(&old);
    shop.admin.confirm(&for_admin).expect(200);
    new.buy(book, 1).expect(201);
    assert_eq!(shop.admin.quantity(book), 13);
}

/// Whoever may write to the database makes a new one.
pub fn a_lost_admin_token_is_replaced(shop: &Shop) {
    let (lost, book) = (shop.admin.clone(), shop.book(1));
    let found = shop.admin.with_token(&shop.token("admin", "the manager again"));
    revoke(shop, "the manager");
    is_refused(&lost);
    lost.restock(book, 1).refused(401, "unauthorized");
    found.restock(book, 1).expect(201);
    assert_eq!(found.quantity(book), 2);
}
