//! Who may do what: tokens, roles, and whose order it is.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::{Backend, Call, Client, Scenario, Shop, eventually, new_book};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        the_catalogue_is_open_to_anyone,
        without_a_token_nothing_else_is,
        a_storefront_cannot_do_what_admins_do,
        an_admin_can_buy,
        a_path_that_is_spelt_otherwise_is_the_same_path,
        a_token_of_a_wrong_shape_is_no_token,
        who_may_not_does_not_learn_what_is_there,
        another_storefront_does_not_see_the_order,
        an_admin_sees_every_order,
        a_revoked_token_ends_on_every_server,
        the_database_does_not_hold_the_token,
        tokens_are_listed_without_themselves;
];

/// Every call that needs a token: as an admin's and as anyone's.
fn admin_calls(client: &Client, book: i64) -> Vec<Call> {
    let path = format!("/v1/books/{book}");
    vec![
        client.post("/v1/books", new_book(json!({ "quantity": 1 }))),
        client.patch(&path, json!({ "title": "Mine" })).if_match("*"),
        client.delete(&path),
        client.restock(book, 1),
        client.restock_many(&[(book, 1)]),
        client.stocktake(book, 1),
        client.get(&format!("{path}/movements")),
        client.get(&format!("{path}/holds")),
        client.post(
            &format!("/v1/orders/{}/returns", uuid::Uuid::now_v7()),
            json!({ "lines": [{ "book_id": book, "quantity": 1 }] }),
        ),
    ]
}

fn order_calls(client: &Client, book: i64) -> Vec<Call> {
    let random = uuid::Uuid::now_v7();
    vec![
        client.buy(book, 1),
        client.order(&[(book, 1)]),
        client.get("/v1/orders"),
        client.hold(&[(book, 1)], 60),
        client.get(&format!("/v1/orders/{random}")),
        client.call(Method::POST, &format!("/v1/orders/{random}/confirm")),
        client.call(Method::POST, &format!("/v1/orders/{random}/cancel")),
    ]
}

fn the_catalogue_is_open_to_anyone(shop: &Shop) {
    let book = shop.book(1);
    let anyone = shop.storefront.anonymous();
    anyone.get("/v1/books").expect(200);
    anyone.get(&format!("/v1/books/{book}")).expect(200);
    anyone.get("/healthz").expect(200);
    anyone.get("/readyz").expect(200);
}

fn without_a_token_nothing_else_is(shop: &Shop) {
    let book = shop.book(5);
    let before = shop.database.fingerprint();
    let anyone = shop.storefront.anonymous();
    for call in admin_calls(&anyone, book).into_iter().chain(order_calls(&anyone, book)) {
        let refused = call.refused(401, "unauthorized");
        assert!(refused.header("www-authenticate").starts_with("Bearer"), "\n{refused}");
    }
    assert_eq!(shop.database.fingerprint(), before);
}

fn a_storefront_cannot_do_what_admins_do(shop: &Shop) {
    let book = shop.book(5);
    let before = shop.database.fingerprint();
    for call in admin_calls(&shop.storefront, book) {
        call.refused(403, "forbidden");
    }
    assert_eq!(shop.database.fingerprint(), before);
}

fn an_admin_can_buy(shop: &Shop) {
    let book = shop.book(5);
    let order = shop.admin.buy(book, 1).expect(201);
    shop.admin.get(order.header("location")).expect(200);
    shop.admin.order(&[(book, 1)]).expect(201);
}

fn a_path_that_is_spelt_otherwise_is_the_same_path(shop: &Shop) {
    let (admin, anybody) = (&shop.admin, shop.admin.anonymous());
    for prefix in ["/v1", "/%761", "/v%31"] {
        admin.get(&format!("{prefix}/orders")).expect(200);
        anybody.get(&format!("{prefix}/orders")).refused(401, "unauthorized");
        let page = anybody.get(&format!("{prefix}/books")).header("Accept", "text/html");
        page.refused(406, "not_acceptable");
    }
}

fn a_token_of_a_wrong_shape_is_no_token(shop: &Shop) {
    let book = shop.book(5);
    let before = shop.database.fingerprint();
    let token = shop.storefront.token.clone().unwrap();
    assert!(token.starts_with("bks_"), "{token}");
    let shorter = token[..token.len() - 1].to_owned();
    let last = if token.ends_with('A') { 'B' } else { 'A' };
    let wrong = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Basic {token}"),
        token.clone(),
        format!("Bearer {shorter}"),
        format!("Bearer {shorter}{last}"),
        format!("Bearer {token}{token}"),
        format!("Bearer {token} {token}"),
        format!("Bearer {token}, Bearer {token}"),
        format!("Bearer {}", token.to_uppercase()),
        format!("Bearer {}", &token[4..]),
        format!("Bearer bks_{}", "A".repeat(5_000)),
        "Bearer ' OR 1=1 --".to_owned(),
        "Bearer bks_%00".to_owned(),
        "Bearer bks_=".to_owned(),
        "Bearer é".to_owned(),
    ];
    let anyone = shop.storefront.anonymous();
    for header in wrong.iter().map(String::as_bytes).chain([&b"Bearer \xff\xfe"[..]]) {
        let call = anyone.buy(book, 1).header("Authorization", header);
        let refused = call.refused(401, "unauthorized");
        assert!(!refused.header("www-authenticate").is_empty());
        // Not even to see the catalogue: who shows a token means it.
        let shown = anyone.get("/v1/orders").header("Authorization", header);
        shown.refused(401, "unauthorized");
    }
    let twice = anyone.buy(book, 1).header("Authorization", format!("Bearer {token}"));
    let twice = twice.header("Authorization", "Bearer bks_other").send();
    assert!(matches!(twice.status, 400 | 401), "two tokens\n{twice}");
    assert_eq!(shop.database.fingerprint(), before);

    // RFC 9110, 11.1: the scheme's name is case-insensitive.
    anyone.buy(book, 1).header("Authorization", format!("bearer {token}")).expect(201);
}

fn who_may_not_does_not_learn_what_is_there(shop: &Shop) {
    let book = shop.book(1);
    for (client, status, slug) in [
        (shop.storefront.anonymous(), 401, "unauthorized"),
        (shop.storefront.clone(), 403, "forbidden"),
    ] {
        for id in [book, 999_999] {
            client.restock(id, 0).refused(status, slug);
            client.get(&format!("/v1/books/{id}/movements")).refused(status, slug);
            let path = format!("/v1/books/{id}/stocktakes");
            client.call(Method::POST, &path).raw("application/json", "{").refused(status, slug);
        }
    }
}

fn another_storefront_does_not_see_the_order(shop: &Shop) {
    let book = shop.book(10);
    let other = shop.another_storefront();
    let order = shop.storefront.buy(book, 1).key("mine").expect(201);
    let path = format!("/v1/orders/{}", order.id());
    let refused = other.get(&path).refused(404, "unknown_order");
    let nowhere = other.get(&format!("/v1/orders/{}", uuid::Uuid::now_v7()));
    assert_eq!(refused["title"], nowhere.refused(404, "unknown_order")["title"]);
    assert!(other.all("/v1/orders", &[]).is_empty());
    shop.storefront.get(&path).expect(200);

    let own = other.buy(book, 2).expect(201);
    assert_eq!(other.all("/v1/orders", &[]), [own.body]);
    assert_eq!(shop.storefront.all("/v1/orders", &[]), [order.body]);
}

fn an_admin_sees_every_order(shop: &Shop) {
    let book = shop.book(10);
    let buyers = [shop.storefront.clone(), shop.another_storefront(), shop.admin.clone()];
    let mut orders: Vec<Value> =
        buyers.iter().map(|buyer| buyer.buy(book, 1).expect(201).body).collect();
    orders.reverse();
    assert_eq!(shop.admin.all("/v1/orders", &[("limit", "1")]), orders);
    for order in &orders {
        let id = order["id"].as_str().unwrap();
        assert_eq!(shop.admin.get(&format!("/v1/orders/{id}")).expect(200).body, *order);
    }
}

fn a_revoked_token_ends_on_every_server(shop: &Shop) {
    let second = shop.second_server();
    let book = shop.book(1_000);
    let (kept, gone) = (shop.storefront.clone(), shop.another_storefront());
    let id = client_id(shop, "another shop");
    for client in [&gone, &gone.at(&second), &kept] {
        client.buy(book, 1).expect(201);
    }
    shop.bookstore(["token", "revoke", &id]).run().exits(0);
    for client in [gone.clone(), gone.at(&second)] {
        // The contract says five seconds; the rest is for a machine that is busy with other tests.
        eventually(Duration::from_secs(8), "the revoked token is refused", || {
            let answer = client.get("/v1/orders").send();
            (answer.status == 401).then(|| answer.refused(401, "unauthorized"))
        });
        client.buy(book, 1).refused(401, "unauthorized");
    }
    kept.buy(book, 1).expect(201);

    let listed = shop.bookstore(["token", "list", "--format", "json"]).run().exits(0).json();
    let revoked = |name: &str| of_name(&listed, name)["revoked_at"].is_string();
    assert!(revoked("another shop") && !revoked("the web shop"), "{listed}");
    // Twice is an error of whoever types it, but nobody's crash.
    let again = shop.bookstore(["token", "revoke", &id]).run();
    assert!(matches!(again.code, 0 | 2), "{again}");
    shop.bookstore(["token", "revoke", "999999"]).run().exits(2);
}

fn client_id(shop: &Shop, name: &str) -> String {
    let listed = shop.bookstore(["token", "list", "--format", "json"]).run().exits(0).json();
    of_name(&listed, name)["id"].to_string().trim_matches('"').to_owned()
}

fn of_name<'a>(listed: &'a Value, name: &str) -> &'a Value {
    let found = listed.as_array().unwrap().iter().find(|client| client["name"] == name);
    found.unwrap_or_else(|| panic!("no client {name:?} in {listed}"))
}

fn the_database_does_not_hold_the_token(shop: &Shop) {
    let token = shop.storefront.token.clone().unwrap();
    // 256 random bits are 43 characters in base 64 and more in any smaller alphabet.
    assert!(token.len() >= 4 + 43, "{token} is short for 256 bits");
    let mut connection = shop.database.connect();
    assert_eq!(connection.number("SELECT count(*) FROM clients"), 2);
    assert_eq!(connection.number("SELECT max(length(token_hash)) FROM clients"), 32);
    if shop.backend() == crate::kit::Backend::Sqlite {
        let bytes = std::fs::read(shop.database.path()).unwrap();
        let secret = &token.as_bytes()[4..];
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
    assert!(!shop.server().log().contains(&token[4..]), "the log holds the token");
}

fn tokens_are_listed_without_themselves(shop: &Shop) {
    let token = shop.token("admin", "Zoë \"the boss\"");
    let list = shop.bookstore(["token", "list", "--format", "json"]).run().exits(0);
    assert!(!list.stdout.contains(&token[4..]));
    let boss = list.json();
    let boss = of_name(&boss, "Zoë \"the boss\"");
    assert_eq!(boss["role"], "admin");
    assert!(boss["created_at"].is_string() && boss["revoked_at"].is_null(), "{boss}");

    let table = shop.bookstore(["token", "list"]).run().exits(0);
    let table = table.says(&["the web shop", "the manager", "storefront", "admin", "Zoë"]);
    assert!(!table.stdout.contains(&token[4..]));
}
