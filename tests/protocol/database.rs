//! The database: one title, its row lock, the orders, and the keys that its tables have.
//!
//! What a transaction decides is not modelled: it is the service's own rule.

use std::collections::BTreeSet;

use bookstore::domain::batch::{Decision, Earlier, Settled, decide};
use bookstore::domain::{
    BookId, Client, ClientId, Copies, IdempotencyKey, NewOrder, OrderId, Request, RequestHash,
    Role, Shelf, Stock,
};
use uuid::Uuid;

use super::state::{Answer, Job, Place};

const TITLE: BookId = BookId(1);

/// Who has the row lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holder {
    /// The transaction of this worker.
    Worker(Place),
    /// A transaction whose connection is gone, and whose COMMIT may yet be carried out.
    Orphan,
}

/// What a transaction writes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Transaction {
    /// New orders; each takes one copy, and one number of the ledger.
    pub sold: Vec<Job>,
    first_seq: u8,
    quantity_after: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Database {
    pub quantity: u8,
    pub last_seq: u8,
    pub orders: BTreeSet<Job>,
    pub lock: Option<Holder>,
    pub orphan: Option<Transaction>,
    /// Which buyers have a key.
    keyed: Vec<bool>,
}

impl Database {
    pub fn new(quantity: u8, keyed: Vec<bool>) -> Self {
        Self { quantity, last_seq: 0, orders: BTreeSet::new(), lock: None, orphan: None, keyed }
    }

    /// The orders that were placed as one of `batch`, or under the key of one: the service's look-up.
    pub fn earlier(&self, batch: &[Job]) -> BTreeSet<Job> {
        let is_earlier = |order: &&Job| {
            batch
                .iter()
                .any(|job| job == *order || self.keyed[job.buyer] && job.buyer == order.buyer)
        };
        self.orders.iter().filter(is_earlier).copied().collect()
    }

    /// What becomes of `batch` if the book is as it is now, and `earlier` is all that was there.
    pub fn decide(&self, batch: &[Job], earlier: &BTreeSet<Job>) -> (Transaction, Vec<Answer>) {
        let orders: Vec<NewOrder> = batch.iter().map(|job| self.order(*job)).collect();
        let earlier = Earlier {
            orders: earlier.iter().map(|job| self.settled(*job)).collect(),
            entry_keys: Vec::new(),
        };
        let mut shelf: Shelf = [self.stock()].into_iter().collect();
        let decisions = decide(&mut shelf, &orders, &earlier);
        let answers = decisions.iter().zip(batch).map(|(decision, job)| match decision {
            Decision::Sold(_) => Answer::Sold(*job),
            Decision::Twin(first) => Answer::Sold(batch[*first]),
            Decision::Settled(order) => Answer::Sold(job_of(*order)),
            Decision::Refused(_) => Answer::OutOfStock,
        });
        let answers = answers.collect();
        let sold = decisions.iter().zip(batch);
        let sold = sold.filter(|(decision, _)| matches!(decision, Decision::Sold(_)));
        let sold = sold.map(|(_, job)| *job).collect();
        let left = shelf.get(TITLE).map_or(0, |stock| stock.quantity);
        let quantity_after = u8::try_from(left).expect("a rule never goes below 0");
        (Transaction { sold, first_seq: self.last_seq + 1, quantity_after }, answers)
    }

    /// Whether a key of the tables forbids `writes`: another order has the id or the client's key, or,
    /// if there `is_ledger_key`, another movement has the number.
    pub fn forbids(&self, writes: &Transaction, is_ledger_key: bool) -> bool {
        let is_seq_taken = writes.first_seq != self.last_seq + 1;
        !writes.sold.is_empty() && is_ledger_key && is_seq_taken
            || writes.sold.iter().any(|job| !self.earlier(&[*job]).is_empty())
    }

    /// Carries out what no key forbids. The service writes the quantity that it worked out.
    pub fn apply(&mut self, writes: &Transaction) {
        if !writes.sold.is_empty() {
            self.quantity = writes.quantity_after;
            self.last_seq = writes.first_seq + writes.sold.len() as u8 - 1;
            self.orders.extend(&writes.sold);
        }
    }

    fn stock(&self) -> Stock {
        Stock {
            book_id: TITLE,
            title: String::new(),
            price_minor: 1,
            quantity: self.quantity.into(),
            last_seq: self.last_seq.into(),
            is_archived: false,
        }
    }

    fn order(&self, job: Job) -> NewOrder {
        let client = Client { id: ClientId(job.buyer as i64), role: Role::Storefront };
        let key = self.keyed[job.buyer].then(|| IdempotencyKey::parse(b"key").expect("printable"));
        let request = Request { client, key, hash: hash(job) };
        let line = (TITLE, Copies::parse(1).expect("one is allowed"));
        NewOrder::new(order_id(job), request, [line]).expect("one line is allowed")
    }

    fn settled(&self, job: Job) -> Settled {
        let key = self.keyed[job.buyer].then(|| "key".to_owned());
        Settled { id: order_id(job), client_id: ClientId(job.buyer as i64), key, hash: hash(job) }
    }
}

fn hash(job: Job) -> RequestHash {
    RequestHash([job.buyer as u8; 32])
}

fn order_id(job: Job) -> OrderId {
    let [buyer, attempt, run] = [job.buyer as u128, job.attempt.into(), job.run.into()];
    OrderId(Uuid::from_u128(buyer << 16 | attempt << 8 | run))
}

fn job_of(order: OrderId) -> Job {
    let id = order.0.as_u128();
    Job { buyer: (id >> 16) as usize, attempt: (id >> 8) as u8, run: id as u8 }
}
