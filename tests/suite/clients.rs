//! docs/clients.md holds what it says: every block of code in it runs against the real server, and
//! those that promise to be safe run over a network that loses answers.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::kit::{
    Backend, Finished, LossyNetwork, Missing, Scenario, Shop, finish, in_clean_environment,
};
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

/// A block of code in the document.
struct Block {
    language: String,
    code: String,
}

fn blocks() -> Vec<Block> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/clients.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut blocks = Vec::new();
    let mut open: Option<(usize, Block)> = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(language), None) => {
                open = Some((indent, Block { language: language.to_owned(), code: String::new() }));
            }
            (Some(_), Some(_)) => blocks.extend(open.take().map(|(_, block)| block)),
            (None, Some((indent, block))) => {
                block.code += line.get(*indent..).unwrap_or_default();
                block.code.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block does not end");
    blocks
}

/// The block whose first line names `file`.
fn block(file: &str) -> Block {
    let names = |block: &Block| block.code.lines().next().is_some_and(|line| line.contains(file));
    blocks().into_iter().find(names).unwrap_or_else(|| panic!("no block is {file}"))
}

fn run(block: &Block, folder: &Path, environment: &[(&str, &str)]) -> Finished {
    let (program, file) = match block.language.as_str() {
        "sh" => ("bash", "block.sh"),
        "python" => ("python3", "block.py"),
        "js" => ("node", "block.mjs"),
        other => panic!("nobody knows how to run {other:?}"),
    };
    std::fs::write(folder.join(file), &block.code).unwrap();
    let mut command = in_clean_environment(program, folder);
    command.envs(environment.iter().copied()).arg(file);
    finish(&mut command, &format!("{program} {file}"))
}

/// The parts of the document that a checkout runs one after the other.
fn a_checkout_holds_pays_and_confirms(shop: &Shop) {
    let [_, book] = shop.books([5, 5]);
    assert_eq!(book, 2, "the document's book");
    let token = shop.storefront.token.clone().unwrap();
    let environment = [("SHOP", shop.server().url.clone()), ("TOKEN", token)];
    let folder = tempfile::tempdir().unwrap();
    let of = |word: &str| blocks().into_iter().find(|block| block.code.contains(word)).unwrap();
    let run = |block: &Block, order: &str| {
        let mut environment: Vec<_> =
            environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        environment.push(("ORDER", order));
        run(block, folder.path(), &environment).exits(0).json()
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
    let block = block(file);
    let folder = tempfile::tempdir().unwrap();
    let order =
        |folder: &Path| run(&block, folder, &[("SHOP", network.url()), ("TOKEN", token.as_str())]);
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
    for block in blocks() {
        let is_run = known.iter().any(|word| block.code.contains(word));
        assert!(is_run, "no scenario runs this block:\n{}", block.code);
    }
}
