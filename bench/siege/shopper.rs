//! The honest client: orders with keys, looks at books, at pages, at its orders, at a steady rate.
//!
//! The rate does not depend on the answers. A request's time counts from the moment when it was due, so
//! that a server that keeps some waiting cannot keep the others from being counted.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::latency::Latency;
use crate::trouble::Trouble;

/// Where it calls from: all of 127.0.0.0/8 is this machine, and the attackers call from 127.0.0.1.
pub(crate) const HONEST: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Then a request has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// Kinds of failures that are told.
const MOST_FAILURES: usize = 20;

pub(crate) struct Shopper {
    runtime: Runtime,
    client: Arc<Customer>,
    rate: u32,
}

struct Customer {
    http: Client,
    base: String,
    token: String,
    books: Vec<i64>,
    /// Counts its orders: each has a key of its own.
    orders: AtomicUsize,
    notebook: Mutex<Notebook>,
}

/// What became of its orders.
#[derive(Debug, Default, Clone)]
pub(crate) struct Notebook {
    /// Keys and ids of those that were acknowledged.
    pub(crate) placed: BTreeMap<String, String>,
    /// Keys of those that got no answer, or none that says what became of them, and their books.
    pub(crate) in_doubt: BTreeMap<String, i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Errand {
    Order,
    Look,
}

struct Done {
    errand: Errand,
    took: Duration,
    failure: Option<String>,
}

/// A while of shopping.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub(crate) struct Shopping {
    pub(crate) all: Latency,
    pub(crate) orders: Latency,
    pub(crate) looks: Latency,
    /// How many failed in which way.
    pub(crate) failures: BTreeMap<String, usize>,
}

impl Shopping {
    pub(crate) fn failed(&self) -> usize {
        self.failures.values().sum()
    }

    fn of(done: &[Done]) -> Self {
        let of = |errand: Option<Errand>| {
            let some = done.iter().filter(|done| errand.is_none_or(|errand| done.errand == errand));
            Latency::of(some.map(|done| done.took))
        };
        let mut failures = BTreeMap::new();
        for failure in done.iter().filter_map(|done| done.failure.clone()) {
            let is_known = failures.contains_key(&failure) || failures.len() < MOST_FAILURES;
            let failure = if is_known { failure } else { "other failures".to_owned() };
            *failures.entry(failure).or_default() += 1;
        }
        Self {
            all: of(None),
            orders: of(Some(Errand::Order)),
            looks: of(Some(Errand::Look)),
            failures,
        }
    }
}

impl Shopper {
    pub(crate) fn new(
        address: SocketAddr,
        token: String,
        books: Vec<i64>,
        rate: u32,
    ) -> Result<Self, Trouble> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let http = Client::builder()
            .timeout(PATIENCE)
            .local_address(IpAddr::from(HONEST))
            .no_proxy()
            .build()?;
        let client = Customer {
            http,
            base: format!("http://{address}"),
            token,
            books,
            orders: AtomicUsize::new(0),
            notebook: Mutex::default(),
        };
        Ok(Self { runtime, client: Arc::new(client), rate })
    }

    /// Shops for so long, and waits for the last answer.
    pub(crate) fn shop(&self, length: Duration) -> Shopping {
        let (done, all_done) = mpsc::channel();
        let start = Instant::now();
        let requests = (length.as_secs_f64() * f64::from(self.rate)) as u32;
        for number in 0..requests {
            let due = start + length.mul_f64(f64::from(number) / f64::from(requests));
            // A thread is woken within microseconds; a runtime's timer only to the millisecond.
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let (client, done) = (Arc::clone(&self.client), done.clone());
            self.runtime.spawn(async move {
                let errand = if number % 2 == 0 { Errand::Order } else { Errand::Look };
                let failure = match errand {
                    Errand::Order => client.order().await,
                    Errand::Look => client.look(number).await,
                };
                let _ = done.send(Done { errand, took: due.elapsed(), failure: failure.err() });
            });
        }
        drop(done);
        Shopping::of(&all_done.iter().collect::<Vec<_>>())
    }

    /// Asks again for what is in doubt, with the same keys, as an honest client does. What is still in
    /// doubt then stays so.
    pub(crate) fn settle(&self) {
        let in_doubt = self.client.note(|notebook| std::mem::take(&mut notebook.in_doubt));
        self.runtime.block_on(async {
            for (key, book) in in_doubt {
                let _ = self.client.place(key, book).await;
            }
        });
    }

    pub(crate) fn notebook(&self) -> Notebook {
        self.client.note(|notebook| notebook.clone())
    }

    /// The ids of all its orders, as the server lists them.
    pub(crate) fn listed(&self) -> Result<Vec<String>, String> {
        self.runtime.block_on(self.client.listed())
    }

    /// How many copies of a book can be sold.
    pub(crate) fn quantity(&self, book: i64) -> Result<i64, String> {
        self.runtime.block_on(async {
            let book = self.client.get(&format!("/v1/books/{book}")).await?;
            book["quantity"].as_i64().ok_or_else(|| format!("no quantity: {book}"))
        })
    }

    /// Buys a copy under this key, of the first of its books.
    pub(crate) fn buys_under(&self, key: &str) -> bool {
        let book = self.client.books[0];
        self.runtime.block_on(self.client.place(key.to_owned(), book)).is_ok()
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.runtime.block_on(self.client.get("/readyz")).is_ok()
    }
}

impl Customer {
    fn note<T>(&self, write: impl FnOnce(&mut Notebook) -> T) -> T {
        write(&mut self.notebook.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn order(&self) -> Result<(), String> {
        let number = self.orders.fetch_add(1, Ordering::Relaxed);
        let book = self.books[number % self.books.len()];
        self.place(format!("honest-{number}"), book).await
    }

    async fn place(&self, key: String, book: i64) -> Result<(), String> {
        let body = json!({ "lines": [{ "book_id": book, "quantity": 1 }] });
        let call = self.http.post(format!("{}/v1/orders", self.base)).json(&body);
        let answer = self.answer(call.header("Idempotency-Key", &key), StatusCode::CREATED).await;
        self.note(|notebook| match &answer {
            Ok(order) => {
                let id = order["id"].as_str().unwrap_or_default().to_owned();
                notebook.placed.insert(key, id);
            }
            Err(_) => {
                notebook.in_doubt.insert(key, book);
            }
        });
        answer.map(drop)
    }

    /// One look of several kinds.
    async fn look(&self, number: u32) -> Result<(), String> {
        let book = self.books[number as usize % self.books.len()];
        let latest =
            || self.note(|notebook| notebook.placed.last_key_value().map(|(_, id)| id.clone()));
        let path = match (number / 2 % 3, latest) {
            (0, _) => format!("/v1/books/{book}"),
            (1, _) => "/v1/books?limit=20".to_owned(),
            (_, latest) => match latest() {
                Some(id) => format!("/v1/orders/{id}"),
                None => "/v1/orders?limit=1".to_owned(),
            },
        };
        self.get(&path).await.map(drop)
    }

    async fn listed(&self) -> Result<Vec<String>, String> {
        let mut ids = Vec::new();
        let mut query = "limit=100".to_owned();
        loop {
            let page = self.get(&format!("/v1/orders?{query}")).await?;
            let orders = page["data"].as_array().ok_or("no list of orders")?;
            ids.extend(orders.iter().filter_map(|order| order["id"].as_str()).map(str::to_owned));
            match page["next"].as_str() {
                Some(next) => query = format!("limit=100&after={next}"),
                None => return Ok(ids),
            }
        }
    }

    async fn get(&self, path: &str) -> Result<Value, String> {
        self.answer(self.http.get(format!("{}{path}", self.base)), StatusCode::OK).await
    }

    async fn answer(&self, call: RequestBuilder, expected: StatusCode) -> Result<Value, String> {
        let answer = call.bearer_auth(&self.token).send().await.map_err(|error| why(&error))?;
        let status = answer.status();
        if status != expected {
            return Err(format!("answered {}", status.as_u16()));
        }
        answer.json().await.map_err(|error| why(&error))
    }
}

/// In few words, without the address, so that the same failure is the same text.
fn why(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    };
    what.to_owned()
}
