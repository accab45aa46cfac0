//! Who buys, holds, returns, restocks, counts and looks, and writes down what was said.

use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::json;

use crate::dice;
use crate::fleet::Fleet;
use crate::history::{Ask, Attempt, History, Lines, Micros, Operation, Outcome, Read};
use crate::kit::{Answer, Call, Client, lines_of};

/// How long a client may wait for any answer: the deadline of a request and five seconds.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A client that gets no answer sends again, this often in all.
const ATTEMPTS: usize = 8;

/// Orders that a client remembers, to do something with them.
const REMEMBERED: usize = 40;

/// What `count` clients did until `end`.
pub fn act(fleet: &Fleet, count: usize, seed: u64, start: Instant, end: Instant) -> History {
    std::thread::scope(|scope| {
        let actors: Vec<_> = (1..=count as u64)
            .map(|number| {
                scope.spawn(move || {
                    let mut actor = Actor::new(fleet, number, seed, start);
                    while Instant::now() < end {
                        actor.act();
                    }
                    actor.history
                })
            })
            .collect();
        let mut all = History::default();
        for actor in actors {
            let History { operations, reads, surprises } = actor.join().unwrap();
            all.operations.extend(operations);
            all.reads.extend(reads);
            all.surprises.extend(surprises);
        }
        all
    })
}

/// Asks once more, now that nothing goes wrong, for everything that was never answered, or was refused
/// after a sending whose outcome nobody knows. What was on its way in the storm is over by now.
pub fn settle(fleet: &Fleet, history: &mut History, start: Instant) {
    std::thread::sleep(PATIENCE);
    let mut actor = Actor::new(fleet, 0, 0, start);
    for operation in &mut history.operations {
        let is_in_doubt = operation.attempts.iter().any(|one| one.outcome == Outcome::Unknown);
        if is_in_doubt && operation.granted().is_none() {
            let attempt = actor.attempt(operation);
            operation.attempts.push(attempt);
        }
    }
    history.surprises.extend(actor.history.surprises);
}

/// One client, who does one thing after another.
struct Actor<'a> {
    fleet: &'a Fleet,
    number: u64,
    start: Instant,
    dice: StdRng,
    shop: Client,
    admin: Client,
    /// Orders that were placed or held, and are this client's.
    mine: Vec<(String, Lines)>,
    history: History,
}

impl<'a> Actor<'a> {
    fn new(fleet: &'a Fleet, number: u64, seed: u64, start: Instant) -> Self {
        let shop = Client::to(&fleet.ships[0].address(), &fleet.storefront.token);
        let admin = shop.with_token(&fleet.admin.token);
        let dice = dice::from_seed(seed, number);
        let (mine, history) = (Vec::new(), History::default());
        Self { fleet, number, start, dice, shop, admin, mine, history }
    }

    fn now(&self) -> Micros {
        self.start.elapsed().as_micros() as Micros
    }

    fn act(&mut self) {
        match self.dice.random_range(0..100) {
            0..45 => self.order(None),
            // Some run out while their buyers still think.
            45..53 => self.order(Some(1)),
            53..62 => self.order(Some(60)),
            62..78 => self.wish(),
            78..82 => self.take_back(),
            82..89 => {
                let lines = self.lines(10..80);
                self.do_it(Ask::Restock { lines });
            }
            89..90 => {
                let book = self.book();
                let counted = self.dice.random_range(0..60);
                self.do_it(Ask::Stocktake { book, counted });
            }
            _ => self.look(),
        }
    }

    /// One title sells as well as all the others together.
    fn book(&mut self) -> i64 {
        let books = &self.fleet.books;
        let is_hot = self.dice.random_bool(0.5);
        books[if is_hot { 0 } else { self.dice.random_range(0..books.len()) }]
    }

    fn lines(&mut self, copies: std::ops::Range<i64>) -> Lines {
        let count = self.dice.random_range(1..=3);
        (0..count).map(|_| (self.book(), self.dice.random_range(copies.clone()))).collect()
    }

    fn order(&mut self, hold_seconds: Option<i64>) {
        let lines = self.lines(1..4);
        if let Some(id) = self.do_it(Ask::Order { lines: lines.clone(), hold_seconds }) {
            self.mine.push((id, lines));
            if self.mine.len() > REMEMBERED {
                self.mine.remove(0);
            }
        }
    }

    fn one_of_mine(&mut self) -> Option<(String, Lines)> {
        let count = self.mine.len();
        (count > 0).then(|| self.mine[self.dice.random_range(0..count)].clone())
    }

    fn wish(&mut self) {
        let Some((order, _)) = self.one_of_mine() else { return };
        let is_confirmed = self.dice.random_bool(0.7);
        self.do_it(if is_confirmed { Ask::Confirm { order } } else { Ask::Cancel { order } });
    }

    fn take_back(&mut self) {
        let Some((order, sold)) = self.one_of_mine() else { return };
        let lines = sold.into_iter().take(1).map(|(book, _)| (book, 1)).collect();
        self.do_it(Ask::Return { order, lines });
    }

    fn look(&mut self) {
        let (book, ship) = (self.book(), self.ship());
        let sent = self.now();
        let call = self.shop.at_url(&ship).get(&format!("/v1/books/{book}"));
        let Ok(answer) = call.try_send() else { return };
        let ended = self.now();
        if answer.status == 200 {
            let quantity = answer["quantity"].as_i64().unwrap();
            self.history.reads.push(Read { book, sent, ended, quantity });
        } else if answer.status != 503 {
            self.history.surprises.push(answer.to_string());
        }
    }

    /// Where any of the servers is, or was.
    fn ship(&mut self) -> String {
        let ships = &self.fleet.ships;
        ships[self.dice.random_range(0..ships.len())].address()
    }

    /// Asks until there is an answer. What was granted has an id.
    fn do_it(&mut self, ask: Ask) -> Option<String> {
        let is_admins =
            matches!(ask, Ask::Restock { .. } | Ask::Stocktake { .. } | Ask::Return { .. });
        let client = if is_admins { self.fleet.admin.id } else { self.fleet.storefront.id };
        let is_wish = matches!(ask, Ask::Confirm { .. } | Ask::Cancel { .. });
        let number = self.history.operations.len();
        let key = if is_wish { String::new() } else { format!("{} {number}", self.number) };
        let mut operation = Operation { client, key, ask, attempts: Vec::new() };
        while operation.attempts.len() < ATTEMPTS {
            let attempt = self.attempt(&operation);
            let is_over = attempt.outcome != Outcome::Unknown;
            operation.attempts.push(attempt);
            if is_over {
                break;
            }
            std::thread::sleep(Duration::from_millis(self.dice.random_range(10..100)));
        }
        let id = operation.granted().map(|(_, id)| id.to_owned());
        self.history.operations.push(operation);
        id
    }

    fn attempt(&mut self, operation: &Operation) -> Attempt {
        let ship = self.ship();
        let (shop, admin) = (self.shop.at_url(&ship), self.admin.at_url(&ship));
        let call = call(&shop, &admin, &operation.ask);
        let call = if operation.key.is_empty() { call } else { call.key(&operation.key) };
        let sent = self.now();
        let answer = call.try_send();
        let ended = self.now();
        let outcome =
            answer.map_or(Outcome::Unknown, |answer| self.outcome(&operation.ask, &answer));
        Attempt { sent, ended, outcome }
    }

    fn outcome(&mut self, ask: &Ask, answer: &Answer) -> Outcome {
        let member = if matches!(ask, Ask::Stocktake { .. }) { "entry_id" } else { "id" };
        let text = |member: &str| answer[member].as_str().unwrap_or_default().to_owned();
        match answer.status {
            200 | 201 => Outcome::Granted { id: text(member) },
            409 => Outcome::Refused { slug: text("type") },
            503 => Outcome::Unknown,
            _ => {
                self.history.surprises.push(answer.to_string());
                Outcome::Unknown
            }
        }
    }
}

fn call(shop: &Client, admin: &Client, ask: &Ask) -> Call {
    let listed = |lines: &Lines| lines.iter().map(|(book, n)| (*book, *n)).collect::<Vec<_>>();
    let wish =
        |order: &str, what: &str| shop.call(Method::POST, &format!("/v1/orders/{order}/{what}"));
    match ask {
        Ask::Order { lines, hold_seconds: None } => shop.order(&listed(lines)),
        Ask::Order { lines, hold_seconds: Some(seconds) } => shop.hold(&listed(lines), *seconds),
        Ask::Restock { lines } => admin.restock_many(&listed(lines)),
        Ask::Stocktake { book, counted } => admin.stocktake(*book, *counted),
        Ask::Return { order, lines } => {
            let body = json!({ "lines": lines_of(&listed(lines)) });
            admin.post(&format!("/v1/orders/{order}/returns"), body)
        }
        Ask::Confirm { order } => wish(order, "confirm"),
        Ask::Cancel { order } => wish(order, "cancel"),
    }
}
