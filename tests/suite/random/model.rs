//! A shop as a few maps: what each request must do, without a database and without concurrency.

use std::collections::BTreeMap;

use super::operation::{Act, BOOKS, Lines, Operation, Who};

/// A shop with a few books.
#[derive(Debug, Clone, Default)]
pub struct Model {
    books: [Book; BOOKS],
    orders: Vec<Order>,
    /// What was done under each key: an act that was refused is not there.
    keys: BTreeMap<(Who, u8), (Operation, Made)>,
}

/// A book, with its movements as reason and delta, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Book {
    pub quantity: i64,
    pub ledger: Vec<(&'static str, i64)>,
    price: i64,
}

#[derive(Debug, Clone)]
pub struct Order {
    owner: Who,
    pub status: &'static str,
    pub lines: BTreeMap<usize, Line>,
}

#[derive(Debug, Clone)]
pub struct Line {
    pub copies: i64,
    pub unit_price: i64,
    pub returned: i64,
}

/// What an act left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    Order(usize),
    Entry(u16),
}

/// What the answer must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// This order, as it is now, with this status code.
    Order { code: u16, order: usize, is_replay: bool },
    /// A stock entry, or the movement of a stocktake. What it moved is in the ledger.
    Entry { code: u16, is_replay: bool },
    /// The book that was edited.
    Book,
    /// This problem.
    Refused(u16, &'static str),
}

use Expected::Refused;

impl Order {
    fn is_touched(&self) -> bool {
        self.lines.values().any(|line| line.returned > 0)
    }

    pub fn total(&self) -> i64 {
        self.lines.values().map(|line| line.copies * line.unit_price).sum()
    }
}

impl Model {
    /// Books at these prices, with nothing on the shelf.
    pub fn new(price: i64) -> Self {
        let mut model = Self::default();
        model.books.iter_mut().for_each(|book| book.price = price);
        model
    }

    pub fn orders(&self) -> usize {
        self.orders.len()
    }

    pub fn order(&self, number: usize) -> &Order {
        &self.orders[number]
    }

    pub fn books(&self) -> &[Book; BOOKS] {
        &self.books
    }

    /// Requests with a key that were granted.
    pub fn remembered(&self) -> Vec<Operation> {
        self.keys.values().map(|(operation, _)| operation.clone()).collect()
    }

    /// Does what is asked, or not, and tells what the answer must be.
    pub fn apply(&mut self, operation: &Operation) -> Expected {
        let Operation { who, key, act } = operation;
        let key = key.map(|key| (*who, key));
        if let Some((first, made)) = key.and_then(|key| self.keys.get(&key)) {
            return match made {
                _ if first != operation => Refused(422, "idempotency_key_reused"),
                Made::Order(order) => Expected::Order { code: 201, order: *order, is_replay: true },
                Made::Entry(code) => Expected::Entry { code: *code, is_replay: true },
            };
        }
        let expected = match act {
            Act::Order { lines, is_held } => self.sell(*who, lines, *is_held),
            Act::Confirm(order) => self.confirm(*who, *order),
            Act::Cancel(order) => self.cancel(*who, *order),
            Act::Return { order, lines } => self.take_back(*order, lines),
            Act::Restock(lines) => {
                lines.iter().for_each(|(book, copies)| self.shift(*book, "restock", *copies));
                Expected::Entry { code: 201, is_replay: false }
            }
            Act::Stocktake { book, counted, expected } => self.count(*book, *counted, *expected),
            Act::Price { book, amount } => {
                self.books[*book].price = *amount;
                Expected::Book
            }
        };
        let made = match expected {
            Expected::Order { order, .. } => Some(Made::Order(order)),
            Expected::Entry { code, .. } => Some(Made::Entry(code)),
            Expected::Book | Refused(..) => None,
        };
        if let (Some(key), Some(made)) = (key, made) {
            self.keys.insert(key, (operation.clone(), made));
        }
        expected
    }

    fn shift(&mut self, book: usize, reason: &'static str, delta: i64) {
        let book = &mut self.books[book];
        book.quantity += delta;
        book.ledger.push((reason, delta));
    }

    fn sell(&mut self, owner: Who, lines: &Lines, is_held: bool) -> Expected {
        if lines.iter().any(|(book, copies)| self.books[*book].quantity < *copies) {
            return Refused(409, "out_of_stock");
        }
        let line = |(book, copies): (&usize, &i64)| {
            let unit_price = self.books[*book].price;
            (*book, Line { copies: *copies, unit_price, returned: 0 })
        };
        let status = if is_held { "held" } else { "placed" };
        let order = Order { owner, status, lines: lines.iter().map(line).collect() };
        lines.iter().for_each(|(book, copies)| self.shift(*book, "sale", -copies));
        self.orders.push(order);
        Expected::Order { code: 201, order: self.orders.len() - 1, is_replay: false }
    }

    fn may_see(&self, who: Who, order: usize) -> bool {
        who == Who::Admin || self.orders[order].owner == who
    }

    fn confirm(&mut self, who: Who, order: usize) -> Expected {
        let is_seen = self.may_see(who, order);
        match &mut self.orders[order].status {
            _ if !is_seen => Refused(404, "unknown_order"),
            status @ (&mut "held" | &mut "placed") => {
                *status = "placed";
                Expected::Order { code: 200, order, is_replay: false }
            }
            _ => Refused(409, "order_state"),
        }
    }

    fn cancel(&mut self, who: Who, number: usize) -> Expected {
        let order = self.orders[number].clone();
        match order.status {
            _ if !self.may_see(who, number) => return Refused(404, "unknown_order"),
            "placed" if who != Who::Admin || order.is_touched() => {
                return Refused(409, "order_state");
            }
            "held" | "placed" => {
                self.orders[number].status = "cancelled";
                for (book, line) in &order.lines {
                    self.shift(*book, "release", line.copies);
                }
            }
            _ => {}
        }
        Expected::Order { code: 200, order: number, is_replay: false }
    }

    fn take_back(&mut self, order: usize, lines: &Lines) -> Expected {
        let Order { status, lines: sold, .. } = &mut self.orders[order];
        if *status != "placed" {
            return Refused(409, "order_state");
        }
        let is_out = |(book, copies): (&usize, &i64)| {
            sold.get(book).is_some_and(|line| line.copies - line.returned >= *copies)
        };
        if !lines.iter().all(is_out) {
            return Refused(409, "returns_exceed_sale");
        }
        for (book, copies) in lines {
            sold.entry(*book).and_modify(|line| line.returned += copies);
        }
        lines.iter().for_each(|(book, copies)| self.shift(*book, "return", *copies));
        Expected::Entry { code: 201, is_replay: false }
    }

    fn count(&mut self, book: usize, counted: i64, expected: Option<i64>) -> Expected {
        let there = self.books[book].quantity;
        if expected.is_some_and(|expected| expected != there) {
            return Refused(409, "stale_quantity");
        }
        if counted == there {
            return Expected::Entry { code: 200, is_replay: false };
        }
        self.shift(book, "stocktake", counted - there);
        Expected::Entry { code: 201, is_replay: false }
    }
}
