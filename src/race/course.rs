//! The course: scratch tables on the reader's database, and connections for those who race on them.

use std::time::Duration;

use diesel::prelude::*;

use super::error::Error;
use super::level::open_for_buyer;
use super::scratch::Scratch;
use super::server::Server;
use super::stop::Stop;
use super::table::{BOOK, race_books};
use crate::store::{self, AnyConnection, DatabaseUrl, Store};

/// Where races are run. Its tables are gone when it is closed or dropped.
pub struct Course {
    pub(super) url: DatabaseUrl,
    pub(super) server: Server,
    /// Whether the table forbids a quantity below zero.
    pub(super) has_check: bool,
    pub(super) stop: Stop,
    // Dropped before the scratch tables: a connection that is in the middle of something would keep
    // them from being removed.
    crew: Vec<AnyConnection>,
    pub(super) scratch: Scratch,
}

impl Course {
    /// Makes the scratch tables, with a CHECK constraint (quantity >= 0) if `has_check`.
    ///
    /// # Errors
    /// See [`Error`]; nothing is left behind.
    pub fn open(url: &DatabaseUrl, has_check: bool, stop: Stop) -> Result<Self, Error> {
        let mut scratch = Scratch::create(url, has_check)?;
        let server = Server::ask(scratch.connection())?;
        Ok(Self { url: url.clone(), server, has_check, stop, crew: Vec::new(), scratch })
    }

    /// The database.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// A connection for a restocker, and one for each of so many buyers. They stay open for the next
    /// strategy.
    ///
    /// # Errors
    /// [`Error::TooFewConnections`].
    pub(super) fn crew(
        &mut self,
        buyers: u32,
    ) -> Result<(&mut AnyConnection, &mut [AnyConnection]), Error> {
        let buyers = buyers as usize;
        while self.crew.len() <= buyers {
            self.stop.check()?;
            match self.hire() {
                Ok(connection) => self.crew.push(connection),
                Err(error) => {
                    // Else a closing race could not open one more for its last words.
                    let given = std::mem::take(&mut self.crew).len();
                    let reason = error.to_string().trim().to_owned();
                    return Err(Error::TooFewConnections { buyers, given, reason });
                }
            }
        }
        match self.crew.split_first_mut() {
            Some((restocker, others)) => Ok((restocker, &mut others[..buyers])),
            None => Err(Error::Stuck("there are no connections".to_owned())),
        }
    }

    fn hire(&self) -> diesel::ConnectionResult<AnyConnection> {
        let mut connection = open_for_buyer(&self.url)?;
        // Before the race: a connection's first statement has much to look up.
        let book = race_books::table.find(BOOK).select(race_books::quantity);
        book.first::<i32>(&mut connection)
            .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
        Ok(connection)
    }

    /// The store of a bookstore, as a till has it: one connection for transactions.
    pub(super) fn store(&self) -> Result<Store, Error> {
        Ok(Store::open(&store::Settings {
            url: self.url.clone(),
            read_connections: 1,
            write_connections: 1,
            request_timeout: Duration::from_secs(60),
        })?)
    }

    /// Removes the tables.
    ///
    /// # Errors
    /// [`Error::CannotRemove`] names what is left; [`Error::Interrupted`] if somebody wanted it to
    /// end, and then all is removed.
    pub fn close(self) -> Result<(), Error> {
        drop(self.crew);
        self.scratch.close()?;
        self.stop.check()
    }
}
