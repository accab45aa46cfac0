//! Random operations on the real service, held against a model that a child could check. What fails
//! is made smaller until nothing can be left out.

mod model;
mod operation;

use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use proptest_state_machine::ReferenceStateMachine;
use serde_json::{Value, json};

use self::model::{Expected, Model, Order};
use self::operation::{BOOKS, Names, Operation, Who};
use crate::kit::{Answer, Backend, Scenario, Shop, variable};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL: any_operations_do_what_the_model_says;
];

/// Operations of one case.
const LONGEST: usize = 40;
const PRICE: i64 = 1_000;

struct Operations;

impl ReferenceStateMachine for Operations {
    type State = Model;
    type Transition = Operation;

    fn init_state() -> BoxedStrategy<Model> {
        Just(Model::new(PRICE)).boxed()
    }

    fn transitions(model: &Model) -> BoxedStrategy<Operation> {
        operation::next(model)
    }

    fn apply(mut model: Model, operation: &Operation) -> Model {
        model.apply(operation);
        model
    }

    /// What is left when others were left out must still make sense.
    fn preconditions(model: &Model, operation: &Operation) -> bool {
        operation.act.order().is_none_or(|order| order < model.orders())
    }
}

/// `BOOKSTORE_TEST_CASES` runs more of them, `BOOKSTORE_TEST_SEED` the same ones again.
fn any_operations_do_what_the_model_says(shop: &Shop) {
    let number = |name, or| variable(name).map_or(or, |text| text.parse().unwrap());
    let seed: u64 = number("BOOKSTORE_TEST_SEED", uuid::Uuid::now_v7().as_u128() as u64);
    let cases = number("BOOKSTORE_TEST_CASES", 12) as u32;
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, random);
    let sequences = Operations::sequential_strategy(1..=LONGEST);
    let outcome = runner.run(&sequences, |(model, operations, _)| {
        run(shop, model, &operations);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("BOOKSTORE_TEST_SEED={seed} finds it again: {error}");
    }
}

/// Does one case after the other in the same shop, each with books of its own.
fn run(shop: &Shop, mut model: Model, operations: &[Operation]) {
    let books = shop.books([0; BOOKS]);
    let key_prefix = format!("books from {}", books[0]);
    let mut names = Names { books, orders: Vec::new(), key_prefix };
    let mut entries: Vec<(Operation, Value)> = Vec::new();
    for operation in operations {
        let client = match operation.who {
            Who::Storefront => &shop.storefront,
            Who::Admin => &shop.admin,
        };
        let answer = names.call(client, operation).send();
        match model.apply(operation) {
            Expected::Refused(code, slug) => drop(answer.refused(code, slug)),
            Expected::Book => drop(answer.expect(200)),
            Expected::Order { code, order, is_replay } => {
                let answer = answer.expect(code);
                if order == names.orders.len() {
                    names.orders.push(answer.id());
                }
                assert_eq!(answer.is_replay(), is_replay, "\n{answer}");
                assert_eq!(answer["id"], names.orders[order], "\n{answer}");
                is_order(&names, &answer, model.order(order));
            }
            Expected::Entry { code, is_replay } => {
                let answer = answer.expect(code);
                assert_eq!(answer.is_replay(), is_replay, "\n{answer}");
                let first = entries.iter().find(|(first, _)| is_replay && first == operation);
                match first {
                    Some((_, body)) => assert_eq!(answer.body, *body, "\n{answer}"),
                    None => entries.push((operation.clone(), answer.body)),
                }
            }
        }
        shelves_agree(shop, &names, &model);
    }
    ledgers_agree(shop, &names, &model);
}

#[track_caller]
fn is_order(names: &Names, answer: &Answer, order: &Order) {
    let money = |amount: i64| json!({ "amount": amount, "currency": "EUR" });
    assert_eq!(answer["status"], order.status, "\n{answer}");
    assert_eq!(answer["total"], money(order.total()), "\n{answer}");
    let lines = answer["lines"].as_array().unwrap();
    assert_eq!(lines.len(), order.lines.len(), "\n{answer}");
    for (line, (book, sold)) in lines.iter().zip(&order.lines) {
        assert_eq!(line["book_id"], names.books[*book], "\n{answer}");
        assert_eq!(line["quantity"], sold.copies, "\n{answer}");
        assert_eq!(line["unit_price"], money(sold.unit_price), "\n{answer}");
        assert_eq!(line["returned"].as_i64().unwrap_or(0), sold.returned, "\n{answer}");
    }
}

fn shelves_agree(shop: &Shop, names: &Names, model: &Model) {
    let ids = names.books.map(|id| id.to_string()).join(",");
    let page = shop.storefront.get("/v1/books").query(&[("ids", &ids)]).expect(200);
    let found = page["data"].as_array().unwrap().iter();
    let found: Vec<_> = found.map(|book| (book["id"].clone(), book["quantity"].clone())).collect();
    let wanted = names.books.iter().zip(model.books());
    let wanted: Vec<_> = wanted.map(|(id, book)| (json!(id), json!(book.quantity))).collect();
    assert_eq!(found, wanted);
}

fn ledgers_agree(shop: &Shop, names: &Names, model: &Model) {
    for (id, book) in names.books.iter().zip(model.books()) {
        let movements = shop.admin.movements(*id);
        let moved = movements.iter().rev();
        let moved: Vec<_> =
            moved.map(|one| (one["reason"].clone(), one["delta"].clone())).collect();
        let wanted: Vec<_> =
            book.ledger.iter().map(|(reason, delta)| (json!(reason), json!(delta))).collect();
        assert_eq!(moved, wanted, "book {id}");
    }
    for (number, id) in names.orders.iter().enumerate() {
        let answer = shop.admin.get(&format!("/v1/orders/{id}")).expect(200);
        is_order(names, &answer, model.order(number));
    }
}
