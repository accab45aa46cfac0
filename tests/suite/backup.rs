//! Backups are rehearsed: taken with the commands of docs/operate.md while orders come in, restored,
//! audited, held against what buyers had been told before, and sold from.

use std::path::Path;

use serde_json::json;

use crate::kit::{
    Answer, Backend, Block, Bookstore, Client, Connection, Database, Estate, Operator, Scenario,
    Server, block, buy_meanwhile, create_token, new_book,
};
use crate::operate::DOCUMENT;
pub use crate::operate::missing;
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Nothing on Backend::ALL:
        a_backup_taken_under_load_is_restored_and_sells_on,
        a_backup_that_fails_leaves_the_last_one_alone;
    Nothing on Backend::EMBEDDED:
        a_shop_that_was_stopped_is_one_file;
];

const BUYERS: usize = 4;
const CONNECTIONS: [&str; 4] = ["--read-connections", "2", "--write-connections", "6"];
const COPIES: i64 = 1_000_000;

fn file(backend: Backend, what: &str) -> Block {
    let kind = match backend {
        Backend::Sqlite => "sqlite",
        Backend::Postgres => "postgres",
        Backend::Mysql => "mariadb",
    };
    block(DOCUMENT, &format!("{kind}-{what}.sh"))
}

/// How the commands are told of this database.
fn called(database: &Database) -> String {
    match database.backend {
        Backend::Sqlite => database.path().display().to_string(),
        _ => database.name().to_owned(),
    }
}

fn a_shop_that_was_stopped_is_one_file(backend: Backend) {
    let open = Open::on(backend);
    for _ in 0..30 {
        open.storefront.buy(open.book, 1).expect(201);
    }
    // Somebody else has it open, so that SQLite does not do it when the last one leaves.
    let mut other = Connection::open(backend, &open.estate.database.url);
    assert_eq!(other.number("SELECT count(*) FROM orders"), 30);
    assert_eq!(open.server.stop(), 0);
    let moved = tempfile::tempdir().unwrap();
    let file = moved.path().join("elsewhere.db");
    std::fs::copy(open.estate.database.path(), &file).unwrap();
    let url = format!("sqlite://{}", file.display());
    Bookstore::new(["audit"]).env("DATABASE_URL", &url).run().exits(0);
    let sold = "SELECT count(*) FROM orders";
    assert_eq!(Connection::open(backend, &url).number(sold), 30);
}

/// A shop with a book and a storefront, served by the user who may do little.
struct Open {
    estate: Estate,
    storefront: Client,
    admin: Client,
    book: i64,
    /// Goes before its database.
    server: Server,
}

impl Open {
    fn on(backend: Backend) -> Self {
        let estate = Estate::open(backend);
        let server = Server::start(&estate.service_url(), &CONNECTIONS);
        let admin = Client::new(&server, &create_token(&estate.database, "admin", "the manager"));
        let token = create_token(&estate.database, "storefront", "the web shop");
        let storefront = admin.with_token(&token);
        let book = admin.post("/v1/books", new_book(json!({ "quantity": COPIES }))).expect(201);
        let book = book["id"].as_i64().unwrap();
        Self { estate, storefront, admin, book, server }
    }

    /// Whoever reads all and changes nothing: the owner takes the backups.
    fn take_backup(&self, to: &Path) {
        let database = &self.estate.database;
        let owner = Operator::by(database.backend, &self.estate.owner_url());
        let (name, to) = (called(database), to.display().to_string());
        owner
            .run(&file(database.backend, "backup"), &[("DATABASE", &name), ("BACKUP", &to)])
            .exits(0);
    }

    /// Makes `restored` from the backup, with the rights that the service had.
    fn restore(&self, from: &Path, restored: &Database) {
        let (name, from) = (called(restored), from.display().to_string());
        let variables = [("RESTORED", name.as_str()), ("BACKUP", &from)];
        let backend = restored.backend;
        Operator::of(backend).run(&file(backend, "restore"), &variables).exits(0);
        if backend == Backend::Mysql {
            // Its dump holds no rights.
            self.estate.grant_on(restored);
        }
    }
}

/// Orders come in before, all through, and after. Gives what was acknowledged before the backup began,
/// and how much was when the last buyer had gone.
fn back_up_under_load(open: &Open, to: &Path) -> (Vec<Answer>, usize) {
    let buy = |buyer: usize, number: usize| {
        open.storefront.buy(open.book, 1).key(&format!("{buyer}/{number}")).expect(201)
    };
    let (before, mut sales) = buy_meanwhile(BUYERS, buy, |sales| {
        loop {
            sales.wait_for_more(100);
            let before = sales.count();
            open.take_backup(to);
            let after = sales.count();
            sales.wait_for_more(20);
            // A machine that is busy elsewhere may have let nobody buy meanwhile.
            if after > before {
                return before;
            }
        }
    });
    let all = sales.len();
    sales.truncate(before);
    (sales, all)
}

fn a_backup_taken_under_load_is_restored_and_sells_on(backend: Backend) {
    let open = Open::on(backend);
    let held = open.storefront.hold(&[(open.book, 1)], 86_400).expect(201);
    let known = open.storefront.buy(open.book, 1).key("known").expect(201);
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("shop.backup");
    let (before, all) = back_up_under_load(&open, &backup);
    assert!(!folder.path().join("shop.backup.new").exists(), "something is left behind");

    let restored = Database::unmade(backend);
    open.restore(&backup, &restored);
    let url = open.estate.service_url_of(&restored);
    let audit = || {
        let audit = Bookstore::new(["audit", "--format", "json"]).env("DATABASE_URL", &url);
        let audit = audit.run().exits(0).json();
        assert_eq!((&audit["ok"], &audit["findings"]), (&json!(true), &json!([])), "{audit}");
        audit["orders"].as_u64().unwrap() as usize
    };
    // Besides the hold and the one that is known.
    let there = audit() - 2;
    assert!((before.len()..=all).contains(&there), "{there} of {} to {all} orders", before.len());

    keep_holds(&restored);
    let server = Server::start(&url, &CONNECTIONS);
    let (storefront, admin) = (open.storefront.at(&server), open.admin.at(&server));
    assert_eq!(storefront.quantity(open.book), COPIES - 2 - there as i64);
    for sale in &before {
        let found = storefront.get(&format!("/v1/orders/{}", sale.id())).expect(200);
        assert_eq!(found.body, sale.body);
    }
    // It sells on, and knows whom it sold to.
    storefront.buy(open.book, 1).key("known").expect(201).replays(&known);
    storefront.buy(open.book, 1).key("after").expect(201);
    storefront.confirm(&held).expect(200);
    admin.restock(open.book, 7).expect(201);
    assert_eq!(storefront.quantity(open.book), COPIES - 3 - there as i64 + 7);
    assert_eq!(server.stop(), 0);
    audit();
}

/// What was held when the backup was taken has run out long since: it is kept for whoever has paid.
fn keep_holds(restored: &Database) {
    let mut connection = restored.connect();
    connection.run("UPDATE orders SET expires_at = '2020-01-01 00:00:00' WHERE status = 'held'");
    connection.run(&block(DOCUMENT, "holds-after-restore.sql").code);
}

/// The name of the backup is only ever that of a whole one.
fn a_backup_that_fails_leaves_the_last_one_alone(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("shop.backup");
    std::fs::write(&backup, "the last one").unwrap();
    let nowhere = Database::unmade(backend);
    let (name, to) = (called(&nowhere), backup.display().to_string());
    let variables = [("DATABASE", name.as_str()), ("BACKUP", &to)];
    let failed = Operator::of(backend).run(&file(backend, "backup"), &variables);
    assert_ne!(failed.code, 0, "{failed}");
    assert_eq!(std::fs::read_to_string(&backup).unwrap(), "the last one");
    if backend == Backend::Sqlite {
        assert!(!nowhere.path().exists(), "looking for it made one");
    }
}
