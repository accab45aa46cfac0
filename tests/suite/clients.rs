//! docs/clients.md holds what it says: every block of code in it runs against the real server, and
//! those that promise to be safe run over a network that loses answers.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::kit::{Backend, Block, LossyNetwork, Missing, Scenario, Shop, block, blocks};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::EMBEDDED:
        a_checkout_holds_pays_and_confirms,
        an_order_with_curl_is_placed_once,
        an_order_with_python_is_placed_once,
        an_order_with_node_is_placed_once,
        every_block_of_code_is_run;
];

pub fn missing() -> Option<Missing> {
    let lacks = |program: &&str| Command::new(program).arg("--version").output().is_err();
    let lacking: Vec<_> = ["bash", "curl", "python3", "node"].into_iter().filter(lacks).collect();
    let what = format!("clients: no {}; install it", lacking.join(", "));
    (!lacking.is_empty()).then_some(Missing { what, is_optional: false })
}

const DOCUMENT: &str = "docs/clients.md";

/// The parts of the document that a checkout runs one after the other.
fn a_checkout_holds_pays_and_confirms(shop: &Shop) {
    let [_, book] = shop.books([5, 5]);
    assert_eq!(book, 2, "the document's book");
    let token = shop.storefront.token.clone().unwrap();
    let environment = [("SHOP", shop.server().url.clone()), ("TOKEN", token)];
    let folder = tempfile::tempdir().unwrap();
    let of =
        |word: &str| blocks(DOCUMENT).into_iter().find(|block| block.code.contains(word)).unwrap();
    let run = |block: &Block, order: &str| {
        let mut environment: Vec<_> =
            environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        environment.push(("ORDER", order));
        block.run(folder.path(), &environment).exits(0).json()
    };
    let held = run(&of("hold_seconds"), "");
    assert_eq!((&held["status"], shop.admin.quantity(book)), (&"held".into(), 4));
    let id = held["id"].as_str().unwrap();
    for _ in 0..2 {
        assert_eq!(run(&of("/confirm"), id)["status"], "placed");
    }
    assert_eq!(shop.admin.quantity(book), 4);
}

fn an_order_with_curl_is_placed_once(shop: &Shop) {
    is_placed_once(shop, "order.sh");
}

fn an_order_with_python_is_placed_once(shop: &Shop) {
    is_placed_once(shop, "order.py");
}

fn an_order_with_node_is_placed_once(shop: &Shop) {
    is_placed_once(shop, "order.mjs");
}

/// The first answer is lost, the second says "not now"; and then the program itself is started again,
/// as after a crash. A refusal is final.
fn is_placed_once(shop: &Shop, file: &str) {
    let [_, book] = shop.books([5, 5]);
    assert_eq!(book, 2, "the document's book");
    let token = shop.storefront.token.clone().unwrap();
    let network = LossyNetwork::to(&shop.server());
    let block = block(DOCUMENT, file);
    let folder = tempfile::tempdir().unwrap();
    let order =
        |folder: &Path| block.run(folder, &[("SHOP", network.url()), ("TOKEN", token.as_str())]);
    let first: Value = order(folder.path()).exits(0).json();
    assert!(network.tries() >= 3, "{} tries", network.tries());
    assert_eq!(first["lines"][0]["book_id"], 2);
    let again = order(folder.path()).exits(0).json();
    assert_eq!(again["id"], first["id"]);
    assert_eq!((shop.admin.quantity(book), shop.storefront.all("/v1/orders", &[]).len()), (4, 1));

    shop.admin.stocktake(book, 0).expect(201);
    let elsewhere = tempfile::tempdir().unwrap();
    let tries = network.tries();
    let refused = order(elsewhere.path());
    assert_ne!(refused.code, 0, "{refused}");
    refused.says(&["not enough copies"]);
    assert_eq!(network.tries(), tries + 1, "a refusal is not repeated");
}

fn every_block_of_code_is_run(_: &Shop) {
    let known = ["hold_seconds", "/confirm", "order.sh", "order.py", "order.mjs"];
    for block in blocks(DOCUMENT) {
        let is_run = known.iter().any(|word| block.code.contains(word));
        assert!(is_run, "no scenario runs this block:\n{}", block.code);
    }
}
