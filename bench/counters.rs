//! The service with another counter in place of its till, for the benchmarks to compare.
//!
//!     counters --counter plain      each order in a transaction of its own, on a pool of connections
//!     counters --counter ceiling    orders are answered from memory: what HTTP alone allows
//!
//! Everything else, settings included, is that of `bookstore serve`.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Instant;

use actix_web::web;
use bookstore::config::{Common, Serve};
use bookstore::domain::{NewOrder, Order, OrderedLine, Placement};
use bookstore::http;
use bookstore::store::{Store, sale};
use bookstore::till::{Checkout, Error};
use chrono::Utc;
use clap::Parser;
use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::sync::Semaphore;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    serve: Serve,
    /// What stands in the till's place
    #[arg(long)]
    counter: Counter,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Counter {
    /// Each order in a transaction of its own
    Plain,
    /// No database behind the sale
    Ceiling,
}

/// One transaction an order, as many at once as there are connections for them.
struct Plain {
    store: Store,
    places: Arc<Semaphore>,
}

impl Checkout for Plain {
    fn place(
        &self,
        order: NewOrder,
        deadline: Instant,
    ) -> BoxFuture<'static, Result<Placement, Error>> {
        let (store, places) = (self.store.clone(), Arc::clone(&self.places));
        let placed = async move {
            let place = places.acquire_owned().await.map_err(|_| Error::Closed)?;
            let sell = move || {
                let _place = place;
                store.transaction_until(deadline, |connection| {
                    sale::place(connection, std::slice::from_ref(&order))
                })
            };
            let outcomes = web::block(sell).await.map_err(|_| Error::Closed)?;
            let mut outcomes = outcomes.map_err(Error::Store)?;
            Ok(outcomes.pop().ok_or(Error::Defect)??)
        };
        // What waits here is a thread's answer: the future itself may move between threads.
        placed.boxed()
    }

    fn is_open(&self) -> bool {
        true
    }
}

/// Sells everything at one price, and writes nothing down.
struct Ceiling;

impl Checkout for Ceiling {
    fn place(
        &self,
        order: NewOrder,
        _deadline: Instant,
    ) -> BoxFuture<'static, Result<Placement, Error>> {
        let now = Utc::now();
        let lines: Vec<_> = order
            .lines()
            .iter()
            .map(|line| OrderedLine {
                book_id: line.book_id,
                title: "A book that costs the database nothing".to_owned(),
                copies: line.copies,
                unit_price_minor: 999,
                returned: 0,
            })
            .collect();
        let order = Order {
            id: order.id,
            client_id: order.request.client.id,
            status: order.status(),
            expires_at: order.expires_at(now),
            total_minor: lines.iter().map(OrderedLine::total_minor).sum(),
            lines,
            created_at: now,
        };
        std::future::ready(Ok(Placement { order, is_replay: false })).boxed()
    }

    fn is_open(&self) -> bool {
        true
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Arguments { common, serve, counter } = Arguments::parse();
    common.start_log()?;
    let (url, _) = common.database()?;
    let settings = serve.http(url.backend(), None);
    let store = Store::open(&serve.store(url))?;
    let checkout: Arc<dyn Checkout> = match counter {
        Counter::Ceiling => Arc::new(Ceiling),
        Counter::Plain => Arc::new(Plain {
            store: store.clone(),
            places: Arc::new(Semaphore::new(settings.write_connections as usize)),
        }),
    };
    let listener = TcpListener::bind(serve.listen)?;
    let address = listener.local_addr()?;
    actix_web::rt::System::new().block_on(async {
        let server = http::serve(store, checkout, &settings, listener)?;
        println!("listening on http://{address}");
        Ok(server.await?)
    })
}
