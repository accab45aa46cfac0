//! Servers whose clock is wrong, beside one whose clock is right. The database's clock decides.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::kit::{
    Answer, Backend, Bookstore, Client, Missing, Scenario, Server, Shop, clock_library, clock_of,
    eventually,
};
use crate::scenarios;

// SQLite has no clock but the server's own.
pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::SERVERS:
        a_server_with_a_wrong_clock_lets_nothing_expire_early;
];

pub fn missing() -> Option<Missing> {
    let what = "clocks: no libfaketime; install Debian's package faketime".to_owned();
    clock_library().is_none().then_some(Missing { what, is_optional: false })
}

/// One is a day ahead, one a day behind.
fn a_server_with_a_wrong_clock_lets_nothing_expire_early(shop: &Shop) {
    let book = shop.book(10);
    let wrong = |shift: &str| {
        let command = Bookstore::new(["serve", "--listen", "127.0.0.1:0"]).on(&shop.database);
        Server::from(command.with_clock(shift))
    };
    let servers = [wrong("+1d"), wrong("-1d")];
    let held: Vec<(Client, Answer)> = servers
        .iter()
        .map(|server| {
            let client = Client::new(server, shop.storefront.token.as_ref().unwrap());
            let held = client.hold(&[(book, 1)], 3_600).expect(201);
            (client, held)
        })
        .collect();
    let short = shop.storefront.hold(&[(book, 5)], 1).expect(201);
    eventually(Duration::from_secs(30), "what ran out is back", || {
        (shop.admin.quantity(book) == 8).then_some(())
    });
    // Those sweepers have looked several times meanwhile.
    for (client, order) in &held {
        let end: DateTime<Utc> = order["expires_at"].as_str().unwrap().parse().unwrap();
        let minutes = (end - clock_of(&mut shop.database.connect(), shop.backend())).num_minutes();
        assert!((55..=60).contains(&minutes), "\n{order}");
        assert_eq!(client.confirm(order).expect(200)["status"], "placed");
        client.confirm(&short).refused(409, "order_state");
    }
}
