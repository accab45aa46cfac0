//! What every request may use: the store, the till, the desks, and places to work at.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::{HttpResponseBuilder, web};
use tokio::sync::Semaphore;

use super::address::Proxies;
use super::auth::Tokens;
use super::limits::Limits;
use super::tls::Tls;
use crate::config::{self, Currency};
use crate::store::kept::Row;
use crate::store::{self, AnyConnection, Store};
use crate::till::{self, Checkout, Confirmations, Desk, Looks, Settlements};

tokio::task_local! {
    /// When the request that is being served is given up, whatever it waits for one after the other.
    static DEADLINE: Cell<Instant>;
}

/// What every request may use.
pub(super) struct Shop {
    pub(super) store: Store,
    pub(super) checkout: Arc<dyn Checkout>,
    // Apart, so that whoever has paid never waits behind those whose books others have.
    pub(super) confirmations: Desk<Confirmations>,
    pub(super) settlements: Desk<Settlements>,
    pub(super) looks: Desk<Looks>,
    pub(super) currency: Currency,
    // A transaction that waits for a row lock holds a thread and a connection. This many may at
    // once, so that whatever waits there, threads are left for reads and connections for the desks.
    pub(super) writers: Arc<Semaphore>,
    // The same for reads, so that neither waits for a thread the other holds.
    pub(super) readers: Arc<Semaphore>,
    pub(super) request_timeout: Duration,
    pub(super) body_timeout: Duration,
    pub(super) tokens: Tokens,
    pub(super) proxies: Proxies,
    pub(super) limits: Limits,
    pub(super) is_stopping: AtomicBool,
}

/// How the service is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The store's one currency.
    pub currency: Currency,
    /// Transactions at once: as many as the store has connections for them.
    pub write_connections: u32,
    /// Reads at once.
    pub read_connections: u32,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// How those who confirm or cancel orders, and those who look at single books, are served.
    pub desks: till::Settings,
    /// Threads that speak HTTP; one a core if not given.
    pub workers: Option<usize>,
    /// What callers may ask for, and who is believed.
    pub limits: config::Limits,
    /// HTTPS in place of HTTP.
    pub tls: Option<Tls>,
}

impl Shop {
    /// Serves a request that came in now.
    pub(super) async fn serve<T>(&self, request: impl Future<Output = T>) -> T {
        DEADLINE.scope(Cell::new(Instant::now() + self.request_timeout), request).await
    }

    /// Waits for the body of the request that is being served. That time is its sender's, and has a limit of
    /// its own.
    pub(super) async fn await_body<T>(
        &self,
        body: impl Future<Output = T>,
    ) -> Result<T, tokio::time::error::Elapsed> {
        let began = Instant::now();
        let body = tokio::time::timeout(self.body_timeout, body).await;
        let _ = DEADLINE.try_with(|deadline| deadline.set(deadline.get() + began.elapsed()));
        body
    }

    /// When the request that is being served is given up.
    pub(super) fn deadline(&self) -> Instant {
        DEADLINE.try_with(Cell::get).unwrap_or_else(|_| Instant::now() + self.request_timeout)
    }

    /// Lets each answer close its connection from now on.
    pub(super) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
    }

    /// Closes the desks, and returns when all who were in line there have been answered.
    pub(super) fn close(&self) {
        self.confirmations.close();
        self.settlements.close();
        self.looks.close();
    }

    /// Whether the service was told to stop.
    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// Runs a read of the store on a thread that may block.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut AnyConnection) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, store::Error> {
        self.blocking(&self.readers, move |store, deadline| store.read(deadline, work)).await
    }

    /// Runs a transaction of the store, which locks `rows`, on a thread that may block.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        rows: impl IntoIterator<Item = Row>,
        work: impl FnMut(&mut AnyConnection) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, store::Error> {
        let rows = rows.into_iter().collect();
        let run = move |store: &Store, deadline| store.transaction_on(&rows, deadline, work);
        self.blocking(&self.writers, run).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        places: &Arc<Semaphore>,
        run: impl FnOnce(&Store, Instant) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, store::Error> {
        use store::Error::{Busy, InDoubt};
        let deadline = self.deadline();
        let place = tokio::time::timeout_at(deadline.into(), Arc::clone(places).acquire_owned());
        let Ok(Ok(place)) = place.await else {
            return Err(Busy("too many requests are waiting".to_owned()));
        };
        let store = self.store.clone();
        let span = tracing::Span::current();
        let done = web::block(move || {
            // Moved in here: a client that goes away does not free a place that is still in use.
            let _place = place;
            span.in_scope(|| run(&store, deadline))
        });
        // What runs ends at the deadline, unless the database hangs in the middle of a statement.
        match tokio::time::timeout_at((deadline + till::GRACE).into(), done).await {
            // It panicked, perhaps after a commit: nobody may be told that nothing was done.
            Ok(done) => done.unwrap_or_else(|_| Err(InDoubt("its thread ended".to_owned()))),
            Err(_) => Err(InDoubt("it does not answer".to_owned())),
        }
    }
}

/// The till, the confirmations and the settlements want a connection each, and while somebody keeps a row locked
/// another one for those who stand aside there; the sweeper wants one.
const DESKS: u32 = 7;

/// How many other transactions may run at once: what the desks leave. Where there are few connections a third of
/// them, and at least one: hardly ever all desks want theirs.
fn places_for_writers(write_connections: u32) -> usize {
    write_connections.saturating_sub(DESKS).max(write_connections / 3).max(1) as usize
}

/// An answer that tells whether an earlier request had been given it already.
pub(super) fn replayable(
    shop: &Shop,
    mut answer: HttpResponseBuilder,
    is_replay: bool,
) -> HttpResponseBuilder {
    if is_replay {
        shop.store.metrics().requests.replayed();
        answer.insert_header(("Idempotent-Replayed", "true"));
    }
    answer
}

/// The shop that requests are served by.
pub(super) fn open(
    store: Store,
    checkout: Arc<dyn Checkout>,
    settings: &Settings,
) -> std::io::Result<Shop> {
    let desks = &settings.desks;
    Ok(Shop {
        confirmations: Desk::open("confirmations", store.clone(), desks)?,
        settlements: Desk::open("settlements", store.clone(), desks)?,
        looks: Desk::open("looks", store.clone(), desks)?,
        checkout,
        currency: settings.currency.clone(),
        writers: Arc::new(Semaphore::new(places_for_writers(settings.write_connections))),
        readers: Arc::new(Semaphore::new(settings.read_connections as usize)),
        request_timeout: settings.request_timeout,
        body_timeout: settings.limits.body_timeout,
        tokens: Tokens::default(),
        proxies: Proxies::new(&settings.limits.trusted_proxies),
        limits: Limits::new(&settings.limits, store.metrics().limits.clone()),
        is_stopping: AtomicBool::new(false),
        store,
    })
}
