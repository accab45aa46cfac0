//! What somebody may ask of a shop with a few books, and how that is sent.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::model::Model;
use crate::kit::{Call, Client};

/// Books in the shop. They are numbered from 0 here; the shop has ids of its own for them.
pub const BOOKS: usize = 3;

/// Few keys, so that they come again.
const KEYS: u8 = 4;

/// Copies by book.
pub type Lines = BTreeMap<usize, i64>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Storefront,
    Admin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    pub who: Who,
    pub key: Option<u8>,
    pub act: Act,
}

/// Orders are numbered from 0 as they are placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Order { lines: Lines, is_held: bool },
    Confirm(usize),
    Cancel(usize),
    Return { order: usize, lines: Lines },
    Restock(Lines),
    Stocktake { book: usize, counted: i64, expected: Option<i64> },
    Price { book: usize, amount: i64 },
}

impl Act {
    /// The order that it is about.
    pub fn order(&self) -> Option<usize> {
        match self {
            Self::Confirm(order) | Self::Cancel(order) | Self::Return { order, .. } => Some(*order),
            _ => None,
        }
    }
}

fn lines(most: i64) -> impl Strategy<Value = Lines> {
    prop::collection::btree_map(0..BOOKS, 1..=most, 1..=BOOKS)
}

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![3 => Just(Who::Storefront), 1 => Just(Who::Admin)]
}

fn key() -> impl Strategy<Value = Option<u8>> {
    prop::option::of(0..KEYS)
}

/// Anything that may come next in a shop like `model`. A request with a key often comes again.
pub fn next(model: &Model) -> BoxedStrategy<Operation> {
    let by_admin = |act| Operation { who: Who::Admin, key: None, act };
    let order = (who(), key(), lines(4), any::<bool>()).prop_map(|(who, key, lines, is_held)| {
        Operation { who, key, act: Act::Order { lines, is_held } }
    });
    let restock = (key(), lines(6))
        .prop_map(move |(key, lines)| Operation { key, ..by_admin(Act::Restock(lines)) });
    let count = (key(), 0..BOOKS, 0..9i64, prop::option::of(0..9i64)).prop_map(
        move |(key, book, counted, expected)| Operation {
            key,
            ..by_admin(Act::Stocktake { book, counted, expected })
        },
    );
    let price = (0..BOOKS, 0..5_000i64)
        .prop_map(move |(book, amount)| by_admin(Act::Price { book, amount }));
    let mut choices = vec![(8, order.boxed()), (2, restock.boxed()), (2, count.boxed())];
    choices.push((1, price.boxed()));
    if model.orders() > 0 {
        choices.push((8, about_an_order(model.orders()).boxed()));
    }
    let earlier = model.remembered();
    if !earlier.is_empty() {
        choices.push((4, prop::sample::select(earlier).boxed()));
    }
    prop::strategy::Union::new_weighted(choices).boxed()
}

fn about_an_order(orders: usize) -> impl Strategy<Value = Operation> {
    let wish = |make: fn(usize) -> Act| {
        let operation = move |(who, order)| Operation { who, key: None, act: make(order) };
        (who(), 0..orders).prop_map(operation)
    };
    let back = (key(), 0..orders, lines(3)).prop_map(|(key, order, lines)| Operation {
        who: Who::Admin,
        key,
        act: Act::Return { order, lines },
    });
    prop_oneof![3 => wish(Act::Confirm), 3 => wish(Act::Cancel), 2 => back]
}

/// Where the books and the orders of this model are in the shop.
pub struct Names {
    pub books: [i64; BOOKS],
    pub orders: Vec<String>,
    /// Other cases have other keys.
    pub key_prefix: String,
}

impl Names {
    fn lines(&self, lines: &Lines) -> Vec<(i64, i64)> {
        lines.iter().map(|(book, copies)| (self.books[*book], *copies)).collect()
    }

    /// The request for `operation`, by `client`, who is the one to ask for it.
    pub fn call(&self, client: &Client, operation: &Operation) -> Call {
        let wish = |order: usize, what: &str| {
            let path = format!("/v1/orders/{}/{what}", self.orders[order]);
            client.call(reqwest::Method::POST, &path)
        };
        let call = match &operation.act {
            Act::Order { lines, is_held: true } => client.hold(&self.lines(lines), 86_400),
            Act::Order { lines, is_held: false } => client.order(&self.lines(lines)),
            Act::Confirm(order) => wish(*order, "confirm"),
            Act::Cancel(order) => wish(*order, "cancel"),
            Act::Return { order, lines } => {
                let path = format!("/v1/orders/{}/returns", self.orders[*order]);
                let lines = crate::kit::lines_of(&self.lines(lines));
                client.post(&path, json!({ "lines": lines }))
            }
            Act::Restock(lines) => client.restock_many(&self.lines(lines)),
            Act::Stocktake { book, counted, expected: None } => {
                client.stocktake(self.books[*book], *counted)
            }
            Act::Stocktake { book, counted, expected: Some(expected) } => {
                client.stocktake_expecting(self.books[*book], *counted, *expected)
            }
            Act::Price { book, amount } => {
                let body = json!({ "price": { "amount": amount } });
                client.patch(&format!("/v1/books/{}", self.books[*book]), body).if_match("*")
            }
        };
        match operation.key {
            Some(key) => call.key(&format!("{} {key}", self.key_prefix)),
            None => call,
        }
    }
}
