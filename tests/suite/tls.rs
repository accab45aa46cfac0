//! HTTPS: two files that are looked at closely, and new ones that are taken up while orders go on.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use crate::first_run::{curl_in, token_in};
use crate::kit::{
    Authority, Backend, Bookstore, Certified, Client, Metrics, Scenario, Server, Shop, TlsFiles,
    Visitor, eventually, finish, in_clean_environment,
};
use crate::scenarios;

// No database has a say in how the service speaks.
pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::EMBEDDED:
        new_files_are_taken_up_while_orders_go_on,
        a_returning_client_is_shown_the_new_certificate_too,
        files_that_cannot_be_used_change_nothing,
        a_hangup_without_tls_is_only_told_of,
        http_1_1_is_spoken_and_nothing_else,
        silent_callers_keep_nobody_out_and_are_sent_away,
        who_never_shakes_hands_counts_as_connected;
    Nothing on Backend::EMBEDDED:
        files_that_cannot_work_are_refused_by_name_and_with_advice,
        one_setting_without_the_other_is_refused,
        the_first_run_prints_a_purchase_that_works,
        a_first_run_whose_certificate_names_nobody_says_what_to_put_in;
];

/// Whom the certificates of these tests are for.
const HERE: [&str; 2] = ["127.0.0.1", "localhost"];

const PATIENCE: Duration = Duration::from_secs(20);

const REQUEST: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// One more server of the shop, with these files.
fn server_with(shop: &Shop, files: &TlsFiles, more: &[&str]) -> std::sync::Arc<Server> {
    let arguments = files.arguments();
    let arguments = arguments.iter().map(String::as_str).chain(more.iter().copied());
    shop.server_on(&shop.database.url, &arguments.collect::<Vec<_>>())
}

fn shows(server: &Server, authority: &Authority) -> bool {
    Visitor::trusting(authority, &[]).meet(server).is_ok()
}

/// The day on which the certificate ends, as Prometheus is told.
fn expiry(server: &Server) -> String {
    let name = "bookstore_tls_certificate_expires_timestamp_seconds";
    let seconds = Metrics::of(server).number(name, &[]) as i64;
    chrono::DateTime::from_timestamp(seconds, 0).unwrap().date_naive().to_string()
}

/// Ends the buying also when a test fails, or its threads would buy for ever.
struct Closing<'a>(&'a AtomicBool);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn new_files_are_taken_up_while_orders_go_on(shop: &Shop) {
    let (first, second) = (Authority::new("first"), Authority::new("second"));
    let files = TlsFiles::with(&first.certify_between(&HERE, 2020, 2090));
    let server = server_with(shop, &files, &["--metrics-listen", "127.0.0.1:0"]);
    assert_eq!(expiry(&server), "2090-01-01");
    let buyer = shop.storefront.trusting(&server, &[&first, &second]);
    let book = shop.book(1_000_000);
    let (is_closed, sold) = (AtomicBool::new(false), AtomicI64::new(0));

    std::thread::scope(|scope| {
        for number in 0..4 {
            let (buyer, is_closed, sold) = (&buyer, &is_closed, &sold);
            scope.spawn(move || {
                while !is_closed.load(Ordering::SeqCst) {
                    // Half of them keep their connection, half shake hands for every order.
                    let order = buyer.buy(book, 1);
                    let order =
                        if number % 2 == 0 { order } else { order.header("Connection", "close") };
                    order.expect(201);
                    sold.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let _closing = Closing(&is_closed);
        for (new, old) in [(&second, &first), (&first, &second), (&second, &first)] {
            files.write(&new.certify_between(&HERE, 2020, 2091));
            server.hang_up();
            eventually(PATIENCE, "the new certificate is shown", || {
                shows(&server, new).then_some(())
            });
            assert!(!shows(&server, old), "the old certificate is still shown");
            let before = sold.load(Ordering::SeqCst);
            let goes_on = || (sold.load(Ordering::SeqCst) > before + 40).then_some(());
            eventually(PATIENCE, "orders go on", goes_on);
        }
    });

    let sold = sold.load(Ordering::SeqCst);
    assert_eq!(shop.admin.quantity(book), 1_000_000 - sold, "each answer is one copy");
    let taken_up = "took up the new TLS certificate";
    server.logs(taken_up, 3);
    assert_eq!(server.log().matches(taken_up).count(), 3);
    assert_eq!(expiry(&server), "2091-01-01");
}

fn a_returning_client_is_shown_the_new_certificate_too(shop: &Shop) {
    let (first, second) = (Authority::new("first"), Authority::new("second"));
    let files = TlsFiles::with(&first.certify(&HERE));
    let server = server_with(shop, &files, &[]);
    let visitor = Visitor::trusting(&first, &[]);
    // What would let it resume its session comes with the first answer.
    for _ in 0..2 {
        let answer = visitor.meet(&server).unwrap().ask(REQUEST);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    files.write(&second.certify(&HERE));
    server.hang_up();
    eventually(PATIENCE, "the new certificate", || shows(&server, &second).then_some(()));
    assert!(visitor.meet(&server).is_err(), "it went on with what it knew");
}

fn files_that_cannot_be_used_change_nothing(shop: &Shop) {
    let (first, second) = (Authority::new("first"), Authority::new("second"));
    let files = TlsFiles::with(&first.certify(&HERE));
    let server = server_with(shop, &files, &[]);
    let good = second.certify(&HERE);
    let bad = [
        Certified { certificate: "half a fi".to_owned(), key: good.key.clone() },
        Certified { certificate: good.certificate.clone(), key: second.certify(&HERE).key },
        second.certify_between(&HERE, 2020, 2021),
    ];
    for (number, certified) in bad.iter().enumerate() {
        files.write(certified);
        server.hang_up();
        let told = || {
            let log = server.log();
            let mut lines = log.lines().filter(|line| line.contains("cannot be used"));
            lines.nth(number).map(str::to_owned)
        };
        let line = eventually(PATIENCE, "the bad files are told of", told);
        assert!(line.contains("ERROR") && line.contains("--tls-"), "{line}");
        assert!(shows(&server, &first), "the old certificate is shown\n{line}");
    }
    files.write(&good);
    server.hang_up();
    eventually(PATIENCE, "the good files", || shows(&server, &second).then_some(()));
}

fn a_hangup_without_tls_is_only_told_of(shop: &Shop) {
    let server = shop.server();
    for times in 1..=2 {
        server.hang_up();
        let told = || (server.log().matches("TLS is off").count() == times).then_some(());
        eventually(PATIENCE, "the signal is told of", told);
    }
    let book = shop.book(1);
    shop.storefront.buy(book, 1).expect(201);
    assert_eq!(server.stop(), 0, "it stops as ever");
}

fn http_1_1_is_spoken_and_nothing_else(shop: &Shop) {
    let authority = Authority::new("an authority");
    let files = TlsFiles::with(&authority.certify(&HERE));
    let server = server_with(shop, &files, &[]);
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);

    let met = Visitor::trusting(&authority, &["h2", "http/1.1"]).meet(&server).unwrap();
    assert_eq!(met.protocol().as_deref(), Some("http/1.1"));
    let answer = met.ask(REQUEST);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(Visitor::trusting(&authority, &["h2"]).meet(&server).is_err(), "HTTP/2 alone");

    let mut plain = TcpStream::connect(server.address()).unwrap();
    plain.set_read_timeout(Some(PATIENCE)).unwrap();
    plain.write_all(REQUEST.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&answer));
}

fn silent_callers_keep_nobody_out_and_are_sent_away(shop: &Shop) {
    let authority = Authority::new("an authority");
    let files = TlsFiles::with(&authority.certify(&HERE));
    let server = server_with(shop, &files, &["--workers", "1"]);
    // More than may shake hands at once by the default of the library.
    let silent: Vec<_> = (0..300).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    shop.storefront.trusting(&server, &[&authority]).get("/v1/books").expect(200);

    let is_open = |line: &TcpStream| {
        line.set_nonblocking(true).unwrap();
        let read = line.peek(&mut [0]);
        read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    };
    let open = silent.iter().filter(|line| is_open(line)).count();
    assert_eq!(open, silent.len(), "whoever spoke had to wait until the silent were sent away");
    let all_are_gone = || (!silent.iter().any(is_open)).then_some(());
    eventually(Duration::from_secs(60), "the silent are sent away", all_are_gone);
}

fn who_never_shakes_hands_counts_as_connected(shop: &Shop) {
    let files = TlsFiles::with(&Authority::new("an authority").certify(&HERE));
    let server = server_with(shop, &files, &["--metrics-listen", "127.0.0.1:0"]);
    let count = || Metrics::of(&server).number("bookstore_connections_open", &[]);
    let silent = [(); 3].map(|()| TcpStream::connect(server.address()).unwrap());
    eventually(PATIENCE, "each counts", || (count() == 3.0).then_some(()));
    drop(silent);
    eventually(PATIENCE, "none counts any more", || (count() == 0.0).then_some(()));
}

/// PEM with another label, as if it were something else.
fn relabelled(pem: &str, from: &str, to: &str) -> String {
    let relabelled = pem.replace(from, to);
    assert_ne!(relabelled, pem);
    relabelled
}

/// What is wrong, and what must be said.
fn wrong_files() -> Vec<(&'static str, Certified, [&'static str; 2])> {
    let authority = Authority::new("an authority");
    let good = || authority.certify(&HERE);
    let with = |certificate: String, key: String| Certified { certificate, key };
    let (one, other) = (good(), good());
    let encrypted = relabelled(&one.key, "PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let headers = "EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,0123\n";
    let as_once = relabelled(&one.key, "BEGIN PRIVATE KEY-----", &format!("BEGIN {headers}"));
    let as_once = relabelled(&as_once, "END PRIVATE KEY", "END EC PRIVATE KEY");
    let of_no_kind =
        "-----BEGIN PRIVATE KEY-----\nMAMCAQA=\n-----END PRIVATE KEY-----\n".to_owned();
    let begin = "-----BEGIN CERTIFICATE-----";
    let garbled = relabelled(&one.certificate, begin, &format!("{begin}\n!!"));
    let no_x509 = "-----BEGIN CERTIFICATE-----\nMAMCAQA=\n-----END CERTIFICATE-----\n".to_owned();
    let backwards = authority.pem() + &one.certificate;
    let endless = "x".repeat(2 << 20);
    vec![
        ("empty", with(String::new(), one.key.clone()), ["--tls-cert", "no certificate"]),
        ("no PEM", with("a diary".into(), one.key.clone()), ["--tls-cert", "BEGIN CERTIFICATE"]),
        ("damaged", with(garbled, one.key.clone()), ["--tls-cert", "damaged"]),
        ("no certificate", with(no_x509, one.key.clone()), ["--tls-cert", "version 3"]),
        ("mixed up", with(one.key.clone(), one.certificate.clone()), ["--tls-key", "mixed up"]),
        ("too long", with(endless, one.key.clone()), ["--tls-cert", "megabyte"]),
        (
            "twice",
            with(one.certificate.clone(), one.certificate.clone()),
            ["--tls-key", "mixed up"],
        ),
        ("no key", with(one.certificate.clone(), "none".into()), ["--tls-key", "no private key"]),
        ("encrypted", with(one.certificate.clone(), encrypted), ["--tls-key", "openssl pkey"]),
        ("so of old", with(one.certificate.clone(), as_once), ["--tls-key", "openssl pkey"]),
        ("strange", with(one.certificate.clone(), of_no_kind), ["--tls-key", "ECDSA"]),
        ("another's", with(one.certificate.clone(), other.key), ["--tls-key", "one request"]),
        ("backwards", with(backwards, one.key.clone()), ["--tls-cert", "wrong order"]),
        ("expired", authority.certify_between(&HERE, 2020, 2021), ["2021-01-01", "expired"]),
        ("future", authority.certify_between(&HERE, 2400, 2401), ["2400-01-01", "clock"]),
        ("never", authority.certify_between(&HERE, 2401, 2020), ["--tls-cert", "before it begins"]),
        ("a client's", authority.certify_client(), ["--tls-cert", "serverAuth"]),
    ]
}

fn files_that_cannot_work_are_refused_by_name_and_with_advice(_: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("books.db").display());
    let serve = |files: &TlsFiles| {
        let arguments = files.arguments();
        let serve = ["serve", "--listen", "127.0.0.1:0"].into_iter();
        let serve = serve.chain(arguments.iter().map(String::as_str));
        Bookstore::new(serve).env("DATABASE_URL", &database).run().exits(2)
    };
    for (what, certified, words) in wrong_files() {
        let files = TlsFiles::with(&certified);
        let run = serve(&files).says(&words);
        assert!(!run.said().contains("panicked") && run.stdout.is_empty(), "{what}\n{run}");
        let secret = certified.key.lines().nth(1).filter(|line| line.len() > 20);
        assert!(secret.is_none_or(|line| !run.said().contains(line)), "{what}\n{run}");
    }

    let files = TlsFiles::with(&Authority::new("an authority").certify(&HERE));
    std::fs::remove_file(files.key()).unwrap();
    serve(&files).says(&["--tls-key", "no such file", files.key().to_str().unwrap()]);
    std::fs::remove_file(files.certificate()).unwrap();
    std::fs::create_dir(files.certificate()).unwrap();
    serve(&files).says(&["--tls-cert", "cannot be read", "user"]);
    assert!(
        !folder.path().join("books.db").exists(),
        "something was made before the files were read"
    );
}

fn one_setting_without_the_other_is_refused(_: Backend) {
    let files = TlsFiles::with(&Authority::new("an authority").certify(&HERE));
    let [cert_flag, cert, key_flag, key] = files.arguments();
    let run = Bookstore::new(["serve", &cert_flag, &cert]).run().exits(2);
    run.says(&["--tls-key / BOOKSTORE_TLS_KEY is not set", "BOOKSTORE_TLS_CERT"]);
    let run = Bookstore::new(["serve", &key_flag, &key]).run().exits(2);
    run.says(&["--tls-cert / BOOKSTORE_TLS_CERT is not set", "BOOKSTORE_TLS_KEY"]);
    let run = Bookstore::new(["serve"]).env("BOOKSTORE_TLS_KEY", &key).run().exits(2);
    run.says(&["--tls-cert / BOOKSTORE_TLS_CERT is not set"]);
}

/// A first run in `folder`, with its certificate and key there.
fn first_run(folder: &tempfile::TempDir, Certified { certificate, key }: &Certified) -> Server {
    std::fs::write(folder.path().join("cert.pem"), certificate).unwrap();
    std::fs::write(folder.path().join("key.pem"), key).unwrap();
    // Relative: whoever pastes the line may be in another folder.
    let server = Bookstore::new([])
        .env("BOOKSTORE_LISTEN", "127.0.0.1:0")
        .env("BOOKSTORE_TLS_CERT", "cert.pem")
        .env("BOOKSTORE_TLS_KEY", "key.pem");
    Server::from(server.within(folder.path()))
}

fn the_first_run_prints_a_purchase_that_works(_: Backend) {
    let authority = Authority::new("an authority");
    for names in [&["127.0.0.1"][..], &["shop.example", "www.shop.example"], &["*.shop.example"]] {
        let folder = tempfile::Builder::new().prefix("the shop's own ").tempdir().unwrap();
        let server = first_run(&folder, &authority.certify(names));
        let said = || Some((token_in(&server.stdout())?, curl_in(&server.stdout())?));
        let (token, curl) = eventually(PATIENCE, "a token and a curl line", said);

        let elsewhere = tempfile::tempdir().unwrap();
        let mut shell = in_clean_environment("sh", elsewhere.path());
        let bought = finish(shell.args(["-c", &curl]), &curl).exits(0);
        assert!(bought.said().contains("\"placed\""), "{names:?}\n{bought}");
        if names == ["127.0.0.1"] {
            let admin = Client::new(&server, &token).trusting(&server, &[&authority]);
            assert_eq!(admin.all("/v1/orders", &[]).len(), 1);
        }
    }
}

fn a_first_run_whose_certificate_names_nobody_says_what_to_put_in(_: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let server = first_run(&folder, &Authority::new("an authority").certify(&[]));
    let said = || server.stdout().contains("in the place of NAME").then(|| server.stdout());
    let said = eventually(PATIENCE, "what to put in", said);
    assert!(curl_in(&said).unwrap().contains("https://NAME:"), "{said}");
}
