//! The REST service: routes, tokens, problem details. Writes no SQL.

mod address;
mod admission;
mod auth;
mod basket;
mod books;
mod buckets;
mod caching;
mod connections;
mod cors;
mod cursor;
mod docs;
mod etag;
mod extract;
mod health;
mod input;
mod inside;
mod limits;
mod open_files;
mod openapi;
mod orders;
mod problem;
mod problem_pages;
mod request;
mod routes;
mod security_headers;
mod slices;
mod stock;
pub mod tls;
mod trace;
mod view;
mod whole;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponseBuilder, HttpServer, web};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Semaphore;

use self::address::Proxies;
use self::auth::Tokens;
use self::connections::Connections;
pub use self::inside::serve_metrics;
use self::limits::Limits;
pub use self::tls::Tls;
use crate::config::{self, Currency};
use crate::domain::limits::MAX_BODY_BYTES;
use crate::store::{self, AnyConnection, Store};
use crate::till::{self, Checkout, Confirmations, Desk, Looks, Settlements};

/// Seconds that requests under way have to end when the service is told to stop.
const SHUTDOWN_SECONDS: u64 = 30;

/// How long those who are connected have to be told that their connection closes.
const FAREWELL: Duration = Duration::from_millis(500);

/// What every request may use.
pub struct Shop {
    store: Store,
    checkout: Arc<dyn Checkout>,
    // Apart, so that whoever has paid never waits behind those whose books others have.
    confirmations: Desk<Confirmations>,
    settlements: Desk<Settlements>,
    looks: Desk<Looks>,
    currency: Currency,
    // A transaction that waits for a row lock holds a thread and a connection. This many may at
    // once, so that whatever waits there, threads are left for reads and connections for the desks.
    writers: Arc<Semaphore>,
    // The same for reads, so that neither waits for a thread the other holds.
    readers: Arc<Semaphore>,
    request_timeout: Duration,
    body_timeout: Duration,
    tokens: Tokens,
    proxies: Proxies,
    limits: Limits,
    is_stopping: AtomicBool,
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
    /// When a request that came in now is given up.
    fn deadline(&self) -> Instant {
        Instant::now() + self.request_timeout
    }

    /// Whether the service was told to stop.
    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// Runs a read of the store on a thread that may block.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut AnyConnection) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, store::Error> {
        self.blocking(&self.readers, move |store, deadline| store.read(deadline, work)).await
    }

    /// Runs a transaction of the store on a thread that may block.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut AnyConnection) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, store::Error> {
        let run = move |store: &Store, deadline| store.transaction_until(deadline, work);
        self.blocking(&self.writers, run).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        places: &Arc<Semaphore>,
        run: impl FnOnce(&Store, Instant) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, store::Error> {
        use store::Error::{Busy, Unavailable};
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
            Ok(done) => done.unwrap_or_else(|_| Err(Busy("no thread was left".to_owned()))),
            Err(_) => Err(Unavailable("it does not answer".to_owned())),
        }
    }
}

/// The till, the confirmations, the settlements and the sweeper want a connection each.
const DESKS: u32 = 4;

/// How many other transactions may run at once: what the desks leave, and at least one.
fn places_for_writers(write_connections: u32) -> usize {
    write_connections.saturating_sub(DESKS).max(1) as usize
}

/// An answer that tells whether an earlier request had been given it already.
fn replayable(
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
fn open(store: Store, checkout: Arc<dyn Checkout>, settings: &Settings) -> std::io::Result<Shop> {
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

/// How many connections each of `workers` may have.
fn connections_of_a_worker(settings: &Settings, workers: usize) -> usize {
    let to_the_database = settings.read_connections + settings.write_connections;
    let room = open_files::make_room(settings.limits.max_connections, to_the_database);
    (room as usize / workers).max(1)
}

/// The service on `listener`. It runs when it is awaited, and ends on SIGINT or SIGTERM after the
/// requests under way were answered; SIGHUP takes up new TLS files. Orders go to `checkout`.
///
/// # Errors
/// If the operating system refuses the listener or the signals.
pub fn serve(
    store: Store,
    checkout: Arc<dyn Checkout>,
    settings: &Settings,
    listener: TcpListener,
) -> std::io::Result<Server> {
    let shop = web::Data::new(open(store, checkout, settings)?);
    let stopping = shop.clone();
    let limits = &settings.limits;
    let origins = limits.cors_origins.clone();
    let metrics = shop.store.metrics().limits.clone();
    let connections = Connections::new(limits, shop.proxies.clone(), metrics);
    connections::bound(&listener, limits.write_timeout)?;
    let workers = settings.workers.or_else(|| Some(available_parallelism().ok()?.get()));
    let workers = workers.unwrap_or(1);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(shop.clone())
            .app_data(web::PayloadConfig::new(MAX_BODY_BYTES))
            .configure(|app| routes::configure(app, &shop.store.metrics().requests))
            .default_service(web::to(routes::nothing_here))
            // The last is the outermost.
            .wrap(from_fn(admission::admit))
            .wrap(cors::layer(&origins))
            .wrap(from_fn(request::surround))
    })
    .workers(workers)
    .max_connections(connections_of_a_worker(settings, workers))
    .client_request_timeout(limits.header_timeout)
    .keep_alive(limits.keep_alive)
    .on_connect(connections.greeter())
    .disable_signals()
    .shutdown_timeout(SHUTDOWN_SECONDS);
    let server = match &settings.tls {
        None => server.listen(listener)?,
        Some(tls) => server
            .tls_handshake_timeout(tls::HANDSHAKE_TIMEOUT)
            .max_connection_rate(tls::HANDSHAKES_AT_ONCE)
            .listen_rustls_0_23(listener, tls.server_config())?,
    };
    let server = server.run();
    actix_web::rt::spawn(connections.watch());
    // From here on a signal is heard, before anybody is told that the service listens.
    let signals = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let hangups = signal(SignalKind::hangup())?;
    let metrics = Arc::clone(stopping.store.metrics());
    settings.tls.iter().for_each(|tls| tls.note(&metrics));
    actix_web::rt::spawn(tls::take_up_when_asked(hangups, settings.tls.clone(), metrics));
    actix_web::rt::spawn(stop_when_asked(signals, stopping, server.handle()));
    Ok(server)
}

/// Waits for SIGINT or SIGTERM. From then on each answer closes its connection, and only after a
/// moment of that the server stops: it then closes what is idle, and a request that was on its way
/// on such a connection would get no answer.
async fn stop_when_asked(
    (mut interrupt, mut terminate): (Signal, Signal),
    shop: web::Data<Shop>,
    server: ServerHandle,
) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping: every connection is closed after its next answer");
    shop.is_stopping.store(true, Ordering::Release);
    tokio::time::sleep(FAREWELL).await;
    server.stop(true).await;
}
