//! A store for tests beside the code: SQLite in a folder that goes with it.

use std::time::Duration;

use tempfile::TempDir;
use uuid::Uuid;

use super::{DatabaseUrl, Settings, Store, Token, clients, migrations};
use crate::domain::{
    Author, Client, ClientName, Counted, EntryId, Isbn, NewBook, NewEntry, Price, Request,
    RequestHash, Role, Title,
};

pub(crate) struct Throwaway {
    pub(crate) store: Store,
    _folder: TempDir,
}

impl Throwaway {
    /// Without tables.
    pub(crate) fn empty() -> Self {
        Self::open(|_| {})
    }

    /// With all tables and nothing in them.
    pub(crate) fn migrated() -> Self {
        Self::open(|url| {
            migrations::run(url).unwrap();
        })
    }

    fn open(prepare: impl FnOnce(&DatabaseUrl)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("bookstore.db").display());
        let url = DatabaseUrl::parse(&url).unwrap();
        prepare(&url);
        let settings = Settings {
            url,
            read_connections: 1,
            write_connections: 1,
            request_timeout: Duration::from_secs(60),
        };
        Self { store: Store::open(&settings).unwrap(), _folder: folder }
    }

    /// A client.
    pub(crate) fn client(&self, role: Role) -> Client {
        let hash = Token::generate().unwrap().hash();
        let name = ClientName::parse("somebody").unwrap();
        let id = self.store.transaction(|it| clients::create(it, &name, role, &hash)).unwrap();
        Client { id, role }
    }
}

/// A request without a key.
pub(crate) fn request(client: Client) -> Request {
    Request { client, key: None, hash: RequestHash::of(&[]) }
}

/// An act of this client on the stock.
pub(crate) fn entry(client: Client) -> NewEntry {
    NewEntry { id: EntryId(Uuid::now_v7()), request: request(client), reference: None }
}

/// The `number`-th book, of at most a billion.
pub(crate) fn book(number: u32, title: &str, price: i64, copies: i64) -> NewBook {
    let digits = format!("978{number:09}");
    let isbn = (0..10).find_map(|check| Isbn::parse(&format!("{digits}{check}")).ok());
    NewBook {
        isbn: isbn.unwrap(),
        title: Title::parse(title).unwrap(),
        author: Author::parse("A writer with a longer name than most titles").unwrap(),
        price: Price::parse(price).unwrap(),
        quantity: Counted::parse(copies).unwrap(),
    }
}
