//! The service on its listener: from its start until the signal that ends it.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use actix_http::HttpService;
use actix_http::error::DispatchError;
use actix_server::{GracefulShutdownSignal, Server, ServerHandle};
use actix_service::{ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::dev::AppConfig;
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::{App, web};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::connections::{self, Connections, Entrance, Paced, Wire};
use super::hangup::Hangups;
use super::shop::{self, Settings, Shop};
use super::{admission, cors, open_files, request, routes, slices, tls};
use crate::config;
use crate::domain::limits::MAX_BODY_BYTES;
use crate::store::Store;
use crate::till::Checkout;

/// Seconds that requests under way have to end when the service is told to stop.
const SHUTDOWN_SECONDS: u64 = 30;

/// How long those who are connected have to be told that their connection closes.
const FAREWELL: Duration = Duration::from_millis(500);

/// How long a connection that is closed with something unread stays to take it in: closed at once, it
/// would take the answer with it.
const LINGER: Duration = Duration::from_secs(1);

/// The service on `listener`. It runs when it is awaited, and ends on SIGINT or SIGTERM, or when its terminal
/// is closed, after the requests under way were answered; otherwise SIGHUP takes up new TLS files. Orders go
/// to `checkout`.
///
/// # Errors
/// If the operating system refuses the listener or the signals.
pub fn serve(
    store: Store,
    checkout: Arc<dyn Checkout>,
    settings: &Settings,
    listener: TcpListener,
) -> std::io::Result<impl Future<Output = std::io::Result<()>>> {
    let limits = &settings.limits;
    let shop = web::Data::new(shop::open(store, checkout, settings)?);
    let metrics = Arc::clone(shop.store.metrics());
    let connections = Connections::new(limits, shop.proxies.clone(), metrics.limits.clone());
    connections::bound(&listener, limits.write_timeout)?;
    let server = listen(listener, settings, &shop, &connections)?;
    actix_web::rt::spawn(connections.watch());
    // From here on a signal is heard, before anybody is told that the service listens.
    let signals = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let hangups = Hangups::listen()?;
    settings.tls.iter().for_each(|tls| tls.note(&metrics));
    let reloads = tls::take_up_when_asked(hangups, settings.tls.clone(), metrics);
    actix_web::rt::spawn(stop_when_asked(signals, reloads, shop.clone(), server.handle()));
    Ok(async move {
        let served = server.await;
        // What the desks have begun is finished, also for those who went away.
        web::block(move || shop.close()).await.map_err(std::io::Error::other)?;
        served
    })
}

/// Takes connections in. What `HttpServer` of actix-web does, but for the stream that HTTP is spoken on: that
/// one would hand everything on that a peer sends.
fn listen(
    listener: TcpListener,
    settings: &Settings,
    shop: &web::Data<Shop>,
    connections: &Arc<Connections>,
) -> std::io::Result<Server> {
    let workers = settings.workers.or_else(|| Some(available_parallelism().ok()?.get()));
    let workers = workers.unwrap_or(1);
    let server = Server::build()
        .workers(workers)
        .max_concurrent_connections(connections_of_a_worker(settings, workers))
        .disable_signals()
        .shutdown_timeout(SHUTDOWN_SECONDS);
    let stopping = server.graceful_shutdown_signal();
    let entrance = Entrance::new(Arc::clone(connections), settings.tls.as_ref());
    let (limits, shop) = (settings.limits.clone(), shop.clone());
    let serve = move || {
        let entrance = entrance.clone();
        fn_service(move |socket: TcpStream| {
            let admitted = entrance.clone().admit(socket);
            async { admitted.await.map_err(DispatchError::Io) }
        })
        .and_then(http(&limits, &shop, &stopping))
    };
    Ok(server.listen("bookstore", listener, serve)?.run())
}

/// How many connections each of `workers` may have.
fn connections_of_a_worker(settings: &Settings, workers: usize) -> usize {
    let to_the_database = settings.read_connections + settings.write_connections;
    let room = open_files::make_room(settings.limits.max_connections, to_the_database);
    (room as usize / workers).max(1)
}

/// What speaks HTTP/1.1 on a connection.
fn http(
    limits: &config::Limits,
    shop: &web::Data<Shop>,
    stopping: &GracefulShutdownSignal,
) -> impl ServiceFactory<
    (Paced<Wire>, Option<SocketAddr>),
    Config = (),
    Response = (),
    Error = DispatchError,
    InitError = (),
> + use<> {
    let stopping = stopping.clone();
    let app = App::new()
        .app_data(shop.clone())
        .app_data(web::PayloadConfig::new(MAX_BODY_BYTES))
        .configure(|app| routes::configure(app, &shop.store.metrics().requests))
        .default_service(web::to(routes::nothing_here))
        // The last is the outermost.
        .wrap(from_fn(admission::admit))
        .wrap(cors::layer(&limits.cors_origins))
        .wrap(from_fn(request::surround));
    HttpService::build()
        .client_request_timeout(limits.header_timeout)
        .client_disconnect_timeout(LINGER)
        .keep_alive(limits.keep_alive)
        // One slice of an answer after the other: what waits for a peer to take it is kept in memory.
        .h1_write_buffer_size(slices::SLICE)
        .on_connect_ext(|stream: &Paced<Wire>, data| {
            data.insert(Arc::clone(stream.connection()));
        })
        // Without it idle connections would keep a server that stops. Hidden in the documentation of
        // actix-http, but the only way: actix-web tells it the same.
        .graceful_shutdown_signal(move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        })
        .h1(map_config(app, |()| AppConfig::default()))
}

/// Waits for SIGINT, SIGTERM or the end of `reloads`. From then on each answer closes its connection, and
/// only after a moment of that the server stops: it then closes what is idle, and a request that was on its
/// way on such a connection would get no answer.
async fn stop_when_asked(
    (mut interrupt, mut terminate): (Signal, Signal),
    reloads: impl Future<Output = ()>,
    shop: web::Data<Shop>,
    server: ServerHandle,
) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        () = reloads => {}
    }
    tracing::info!("stopping: every connection is closed after its next answer");
    shop.stop();
    tokio::time::sleep(FAREWELL).await;
    server.stop(true).await;
}
