//! Who buys, holds, returns, restocks, counts and looks, and writes down what was said.

use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use crate::dice;
use crate::fleet::{Fleet, PATIENCE};
use crate::history::{Ask, Attempt, History, Lines, Micros, Operation, Outcome, Read};
use crate::kit::{Answer, lines_of};
use crate::watch::Watch;
use crate::wire::{Request, Wire};

/// A client that gets no answer sends again, this often in all.
const ATTEMPTS: usize = 8;

/// Longer than any answer may take, so that who is never answered is seen as such.
const PATIENT: Duration = Duration::from_secs(60);

/// Now and then a client hangs up after so many milliseconds, and asks again elsewhere while the first
/// request is still being served.
const IMPATIENT: std::ops::Range<u64> = 1..40;

/// Orders that a client remembers, to do something with them.
const REMEMBERED: usize = 40;

/// Set in the number of a player's second dice.
const MOODS: u64 = 1 << 63;

/// What `count` clients did until the storm was over.
pub fn act(fleet: &Fleet, watch: &Watch, count: usize, seed: u64) -> History {
    let histories = crowd(fleet, watch, 1..=count as u64, seed, |mut actor| {
        while !watch.is_over() {
            // What all saw until then must not be lost with it.
            if catch_unwind(AssertUnwindSafe(|| actor.act())).is_err() {
                actor
                    .history
                    .surprises
                    .push("a client saw what none may see: look above".to_owned());
                break;
            }
        }
        actor.history
    });
    let mut all = History::default();
    for History { operations, reads, surprises } in histories {
        all.operations.extend(operations);
        all.reads.extend(reads);
        all.surprises.extend(surprises);
    }
    all
}

/// One client of each number, who lives at the same time as the others. A number is used once: the keys
/// are made of it.
pub fn crowd<T: Send>(
    fleet: &Fleet,
    watch: &Watch,
    numbers: RangeInclusive<u64>,
    seed: u64,
    live: impl Fn(Actor<'_>) -> T + Sync,
) -> Vec<T> {
    let live = &live;
    std::thread::scope(|scope| {
        let actors: Vec<_> = numbers
            .map(|number| scope.spawn(move || live(Actor::new(fleet, watch, number, seed))))
            .collect();
        actors.into_iter().map(|actor| actor.join().unwrap()).collect()
    })
}

/// Asks once more, now that nothing goes wrong, for everything that is open. What was on its way in the
/// storm is over by now.
pub fn settle(fleet: &Fleet, watch: &Watch, history: &mut History) {
    std::thread::sleep(PATIENCE);
    let mut actor = Actor::new(fleet, watch, 0, 0);
    for operation in history.operations.iter_mut().filter(|operation| operation.is_open()) {
        actor.insist(operation);
    }
    history.surprises.extend(actor.history.surprises);
}

/// One client, who does one thing after another.
pub struct Actor<'a> {
    fleet: &'a Fleet,
    watch: &'a Watch,
    number: u64,
    /// What it asked for so far, for keys of its own.
    asked: usize,
    /// What it asks for.
    dice: StdRng,
    /// When it hangs up, where it goes, how long it pauses: apart, so that what goes wrong changes nothing of
    /// what is asked for next.
    moods: StdRng,
    wire: Wire,
    /// Where this client goes, until it gets no answer there.
    ship: usize,
    /// Orders that were placed or held, and are this client's.
    mine: Vec<(String, Lines)>,
    pub history: History,
}

impl<'a> Actor<'a> {
    fn new(fleet: &'a Fleet, watch: &'a Watch, number: u64, seed: u64) -> Self {
        let [dice, moods] = [number, number | MOODS].map(|player| dice::from_seed(seed, player));
        let ship = number as usize % fleet.ships.len();
        let (wire, mine, history) = (Wire::default(), Vec::new(), History::default());
        Self { fleet, watch, number, asked: 0, dice, moods, wire, ship, mine, history }
    }

    fn now(&self) -> Micros {
        self.watch.start.elapsed().as_micros() as Micros
    }

    pub fn act(&mut self) {
        match self.dice.random_range(0..100) {
            0..58 => self.order(None),
            // Some run out while their buyers still think.
            58..61 => self.order(Some(1)),
            61..66 => self.order(Some(60)),
            66..74 => self.wish(),
            74..76 => self.repeat(),
            76..78 => self.take_back(),
            78..84 => {
                let lines = self.lines(10..80);
                self.do_it(Ask::Restock { lines });
            }
            84..85 => {
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
        let is_wanted = hold_seconds.is_some() || self.dice.random_bool(0.25);
        if let Some(id) = self.do_it(Ask::Order { lines: lines.clone(), hold_seconds }) {
            self.watch.acknowledge();
            if is_wanted {
                self.mine.push((id, lines));
            }
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
        let ask = match self.dice.random_range(0..100) {
            0..68 => Ask::Confirm { order },
            68..92 => Ask::Cancel { order, by_admin: false },
            _ => Ask::Cancel { order, by_admin: true },
        };
        self.do_it(ask);
    }

    /// Asks once more for something that was granted, as who has lost the answer does: perhaps long after, and
    /// at another server.
    fn repeat(&mut self) {
        let count = self.history.operations.len();
        if count == 0 {
            return;
        }
        let chosen = self.dice.random_range(0..count);
        let operation = &self.history.operations[chosen];
        if operation.key.is_empty() || operation.granted().is_none() {
            return;
        }
        let attempt = self.attempt(&operation.clone());
        self.history.operations[chosen].attempts.push(attempt);
    }

    fn take_back(&mut self) {
        let Some((order, sold)) = self.one_of_mine() else { return };
        let lines = sold.into_iter().take(1).map(|(book, _)| (book, 1)).collect();
        self.do_it(Ask::Return { order, lines });
    }

    fn look(&mut self) {
        let book = self.book();
        let path = format!("/v1/books/{book}");
        let token = &self.fleet.storefront.token;
        let request = Request { method: "GET", path, token, key: "", body: None };
        let (sent, answer, ended) = self.send(&request);
        let quantity = answer.and_then(|answer| match answer.status {
            200 => answer["quantity"].as_i64(),
            503 => None,
            _ => {
                self.history.surprises.push(answer.to_string());
                None
            }
        });
        self.history.reads.push(Read { book, sent, ended, quantity });
    }

    /// Goes to where one of the servers is, or was. Who gets no answer goes elsewhere.
    fn send(&mut self, request: &Request<'_>) -> (Micros, Option<Answer>, Micros) {
        let url = self.fleet.ships[self.ship].address();
        let patience = match self.moods.random_bool(0.02) {
            true => Duration::from_millis(self.moods.random_range(IMPATIENT)),
            false => PATIENT,
        };
        let sent = self.now();
        let answer = self.wire.send(&url, request, patience).ok();
        let ended = self.now();
        let is_served = answer.as_ref().is_some_and(|answer| answer.status != 503);
        if !is_served || self.moods.random_bool(0.02) {
            self.ship = self.moods.random_range(0..self.fleet.ships.len());
        }
        (sent, answer, ended)
    }

    /// Asks until there is an answer. What was granted has an id.
    fn do_it(&mut self, ask: Ask) -> Option<String> {
        let client = if is_admins(&ask) { self.fleet.admin.id } else { self.fleet.storefront.id };
        self.asked += 1;
        let is_walk_in = ask.is_order() && self.dice.random_bool(0.05);
        let has_key = ask.makes_something() && !is_walk_in;
        let key = if has_key { format!("{} {}", self.number, self.asked) } else { String::new() };
        let mut operation = Operation { client, key, ask, attempts: Vec::new() };
        self.insist(&mut operation);
        let id = operation.granted().map(|(_, id)| id.to_owned());
        self.history.operations.push(operation);
        id
    }

    /// Sends it until there is an answer that a further sending would not change; only once if a further
    /// one would be another order.
    fn insist(&mut self, operation: &mut Operation) {
        for longest_pause in (1..=ATTEMPTS as u64).map(|attempt| 50 * attempt) {
            let attempt = self.attempt(operation);
            let is_over = !matches!(attempt.outcome, Outcome::Unknown | Outcome::Dropped);
            operation.attempts.push(attempt);
            if is_over || operation.is_walk_in() {
                return;
            }
            std::thread::sleep(Duration::from_millis(self.moods.random_range(10..=longest_pause)));
        }
    }

    fn attempt(&mut self, operation: &Operation) -> Attempt {
        let Operation { ask, key, .. } = operation;
        let member = if is_admins(ask) { &self.fleet.admin } else { &self.fleet.storefront };
        let (path, body) = asked_for(ask);
        let request = Request { method: "POST", path, token: &member.token, key, body };
        let (sent, answer, ended) = self.send(&request);
        let outcome = answer.map_or(Outcome::Unknown, |answer| self.outcome(ask, &answer));
        Attempt { sent, ended, outcome }
    }

    fn outcome(&mut self, ask: &Ask, answer: &Answer) -> Outcome {
        let member = if matches!(ask, Ask::Stocktake { .. }) { "entry_id" } else { "id" };
        let text = |member: &str| answer[member].as_str().unwrap_or_default().to_owned();
        match answer.status {
            200 | 201 => Outcome::Granted {
                id: text(member),
                is_replay: answer.is_replay(),
                lines: told(ask, answer),
            },
            409 => Outcome::Refused { slug: text("type") },
            503 if answer["type"] == "/problems/overloaded" => Outcome::Dropped,
            503 => Outcome::Unknown,
            _ => {
                self.history.surprises.push(answer.to_string());
                Outcome::Unknown
            }
        }
    }
}

fn is_admins(ask: &Ask) -> bool {
    match ask {
        Ask::Restock { .. } | Ask::Stocktake { .. } | Ask::Return { .. } => true,
        Ask::Cancel { by_admin, .. } => *by_admin,
        Ask::Order { .. } | Ask::Confirm { .. } => false,
    }
}

/// The lines of an answer that grants something.
fn told(ask: &Ask, answer: &Answer) -> Lines {
    let (list, copies) = match ask {
        Ask::Order { .. } => (&answer["lines"], "quantity"),
        Ask::Restock { .. } | Ask::Return { .. } => (&answer["movements"], "delta"),
        Ask::Stocktake { .. } => (&answer.body, "quantity_after"),
        Ask::Confirm { .. } | Ask::Cancel { .. } => return Lines::new(),
    };
    let list = list.as_array().map_or(std::slice::from_ref(list), Vec::as_slice);
    let line = |line: &Value| Some((line["book_id"].as_i64()?, line[copies].as_i64()?));
    list.iter().filter_map(line).collect()
}

/// Where it is asked for, and with what words.
fn asked_for(ask: &Ask) -> (String, Option<Value>) {
    let listed =
        |lines: &Lines| lines_of(&lines.iter().map(|(book, n)| (*book, *n)).collect::<Vec<_>>());
    match ask {
        Ask::Order { lines, hold_seconds: None } => {
            ("/v1/orders".to_owned(), Some(json!({ "lines": listed(lines) })))
        }
        Ask::Order { lines, hold_seconds } => {
            let body = json!({ "lines": listed(lines), "hold_seconds": hold_seconds });
            ("/v1/orders".to_owned(), Some(body))
        }
        Ask::Restock { lines } => {
            ("/v1/restocks".to_owned(), Some(json!({ "lines": listed(lines) })))
        }
        Ask::Stocktake { book, counted } => {
            (format!("/v1/books/{book}/stocktakes"), Some(json!({ "counted": counted })))
        }
        Ask::Return { order, lines } => {
            (format!("/v1/orders/{order}/returns"), Some(json!({ "lines": listed(lines) })))
        }
        Ask::Confirm { order } => (format!("/v1/orders/{order}/confirm"), None),
        Ask::Cancel { order, .. } => (format!("/v1/orders/{order}/cancel"), None),
    }
}
