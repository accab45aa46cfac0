//! The REST service: routes, tokens, problem details. Writes no SQL.

mod auth;
mod books;
mod cursor;
mod etag;
mod extract;
mod health;
mod input;
mod orders;
mod problem;
mod request;
mod routes;
mod stock;
mod view;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponseBuilder, HttpServer, web};
use tokio::sync::Semaphore;

use crate::config::Currency;
use crate::domain::limits::MAX_BODY_BYTES;
use crate::store::{self, AnyConnection, Store};

/// Seconds that requests under way have to end when the service is told to stop.
const SHUTDOWN_SECONDS: u64 = 30;

/// What every request may use.
pub struct Shop {
    store: Store,
    currency: Currency,
    // A transaction that waits for a row lock holds a thread. This many may at once, so that
    // whatever waits there, threads are left for reads.
    writers: Arc<Semaphore>,
    // The same for reads, so that neither waits for a thread the other holds.
    readers: Arc<Semaphore>,
    request_timeout: Duration,
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
    /// Threads that speak HTTP; one a core if not given.
    pub workers: Option<usize>,
}

impl Shop {
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
        let deadline = Instant::now() + self.request_timeout;
        let place = tokio::time::timeout_at(deadline.into(), Arc::clone(places).acquire_owned());
        let Ok(Ok(place)) = place.await else {
            return Err(store::Error::Busy("too many requests are waiting".to_owned()));
        };
        let store = self.store.clone();
        let span = tracing::Span::current();
        let done = web::block(move || {
            // Moved in here: a client that goes away does not free a place that is still in use.
            let _place = place;
            span.in_scope(|| run(&store, deadline))
        });
        done.await.unwrap_or_else(|_| Err(store::Error::Busy("no thread was left".to_owned())))
    }
}

/// An answer that tells whether an earlier request had been given it already.
fn replayable(mut answer: HttpResponseBuilder, is_replay: bool) -> HttpResponseBuilder {
    if is_replay {
        answer.insert_header(("Idempotent-Replayed", "true"));
    }
    answer
}

/// The service on `listener`. It runs when it is awaited, and ends on SIGINT or SIGTERM after the
/// requests under way were answered.
///
/// # Errors
/// If the operating system refuses the listener.
pub fn serve(store: Store, settings: &Settings, listener: TcpListener) -> std::io::Result<Server> {
    let shop = web::Data::new(Shop {
        store,
        currency: settings.currency.clone(),
        writers: Arc::new(Semaphore::new(settings.write_connections as usize)),
        readers: Arc::new(Semaphore::new(settings.read_connections as usize)),
        request_timeout: settings.request_timeout,
    });
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(shop.clone())
            .app_data(web::PayloadConfig::new(MAX_BODY_BYTES))
            .configure(routes::configure)
            .default_service(web::to(routes::nothing_here))
            .wrap(from_fn(request::surround))
    })
    .shutdown_timeout(SHUTDOWN_SECONDS);
    if let Some(workers) = settings.workers {
        server = server.workers(workers);
    }
    Ok(server.listen(listener)?.run())
}
