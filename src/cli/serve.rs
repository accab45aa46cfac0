//! `bookstore serve`, and the first run that needs no settings at all.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use bookstore::catalogue::sample;
use bookstore::config::Serve;
use bookstore::domain::{ClientName, Role};
use bookstore::http;
use bookstore::store::{Backend, DatabaseUrl, Store, Token, audit, books, clients, migrations};
use bookstore::till::{Indexer, Sweeper, Till};
use tokio::signal::unix::{SignalKind, signal};

use super::curl::Way;
use super::{Failure, open_with};

pub(super) const AFTER_HELP: &str = "\
Try it:
  bookstore serve --listen 127.0.0.1:0         on a free port, which the first line names
  bookstore serve --database-url postgres://shop@localhost/shop
  bookstore serve --log info,bookstore::http=debug    a line for every answer";

/// What the first run shows: a purchase that works when pasted.
struct Welcome {
    token: Token,
    book_id: i64,
    title: String,
}

/// Serves until it is told to stop. `database` is where the books are, and whether that is the
/// embedded default that nobody asked for.
pub(super) fn run(database: (DatabaseUrl, bool), settings: &Serve) -> Result<bool, Failure> {
    let (url, is_embedded_default) = database;
    let system = actix_web::rt::System::new();
    // SIGHUP means "take up new certificates". Whoever sends it while the database is still being migrated
    // must not end the process: from here on it does not.
    let _heard = system.block_on(async { signal(SignalKind::hangup()) })?;
    // First of all: an address that cannot be had must not cost the one token that is ever shown.
    let listener = bind(settings.listen, "--listen or BOOKSTORE_LISTEN")?;
    let metrics = settings.metrics_listen;
    let metrics = metrics
        .map(|listen| bind(listen, "--metrics-listen or BOOKSTORE_METRICS_LISTEN"))
        .transpose()?;
    let address = listener.local_addr()?;
    let tls = settings.tls.open()?;
    let way = Way::to(address, tls.as_ref());
    // An embedded database is this program's own: nobody else would migrate it.
    if url.backend() == Backend::Sqlite {
        migrations::run(&url)?;
    }
    let store = open_with(settings.store(url.clone()))?;
    let welcome = if is_embedded_default { welcome(&store)? } else { None };
    let http_settings = settings.http(url.backend(), tls);
    let till = Arc::new(Till::open("till", store.clone(), &settings.till())?);
    let checkout = Arc::clone(&till);
    let sweeper = Sweeper::start(store.clone())?;
    let indexer = Indexer::start(store.clone())?;
    let served = system.block_on(async {
        let metrics = metrics.map(|listener| start_metrics(store.clone(), listener)).transpose()?;
        let server = http::serve(store.clone(), checkout, &http_settings, listener)?;
        tracing::info!(%address, database = %url, "serving");
        announce(address, &way, metrics, welcome)?;
        server.await
    });
    // Nobody waits for an answer any more, but what was taken is finished.
    till.close();
    drop(sweeper);
    drop(indexer);
    if let Err(error) = store.fold() {
        tracing::warn!(%error, "the database's log stays beside it: copy both, or neither");
    }
    served?;
    Ok(true)
}

fn bind(address: SocketAddr, setting: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).map_err(|error| {
        format!("cannot listen on {address}: {error}; choose another address with {setting}").into()
    })
}

/// Serves the metrics until the process ends, so that they show how it ends too.
fn start_metrics(store: Store, listener: TcpListener) -> std::io::Result<SocketAddr> {
    let address = listener.local_addr()?;
    let server = http::serve_metrics(store, listener)?;
    actix_web::rt::spawn(server);
    Ok(address)
}

/// Fills an empty store with sample books and makes the first token; nothing if somebody has one.
fn welcome(store: &Store) -> Result<Option<Welcome>, Failure> {
    if store.read(store.deadline(), clients::has_any)? {
        return Ok(None);
    }
    if store.read(store.deadline(), audit::counts)?.books == 0 {
        sample::fill(store)?;
    }
    let token = Token::generate()?;
    let name = ClientName::parse("first run").map_err(|error| error.to_string())?;
    store
        .transaction(|connection| clients::create(connection, &name, Role::Admin, &token.hash()))?;
    let listing = books::Listing {
        search: None,
        isbn: None,
        in_stock: Some(true),
        sort_by: books::SortBy::Id,
        is_descending: false,
        after: None,
        limit: 1,
    };
    let cache = store.index_cache();
    let deadline = store.deadline();
    let page =
        store.read(deadline, |connection| books::list(connection, &cache, &listing, deadline))?;
    let book = page.items.into_iter().next();
    let (book_id, title) = book.map_or((1, String::new()), |book| (book.id.0, book.title));
    Ok(Some(Welcome { token, book_id, title }))
}

/// Says where the service is, on standard output. The first line is for programs too.
fn announce(
    address: SocketAddr,
    way: &Way,
    metrics: Option<SocketAddr>,
    welcome: Option<Welcome>,
) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "listening on {}://{address}", way.scheme)?;
    if let Some(metrics) = metrics {
        writeln!(out, "metrics on http://{metrics}/metrics")?;
    }
    if let Some(welcome) = welcome {
        let Welcome { token, book_id, title } = welcome;
        let Way { url, options, note, .. } = way;
        let token = token.reveal();
        writeln!(
            out,
            "\nThis is the first run. Here is an admin token, which is shown only now:\n\n    {token}\n\nBuy a copy of \"{title}\":\n\n    \
             curl -i {options}{url}/v1/books/{book_id}/purchases \\\n      \
             -H 'Authorization: Bearer {token}' \\\n      \
             -H 'Content-Type: application/json' \\\n      \
             -H 'Idempotency-Key: first-purchase' \\\n      \
             -d '{{\"quantity\": 1}}'\n"
        )?;
        if let Some(note) = note {
            writeln!(out, "{note}\n")?;
        }
    }
    out.flush()
}
