//! Books as the catalogue has them.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Author, Counted, Isbn, Price, Title};

/// Identity of a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct BookId(pub i64);

impl fmt::Display for BookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A title for sale, as it was read from the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    /// Identity.
    pub id: BookId,
    /// ISBN-13, 13 digits.
    pub isbn: String,
    /// Title.
    pub title: String,
    /// Author or authors.
    pub author: String,
    /// Price of one copy in the currency's minor unit.
    pub price_minor: i32,
    /// Copies that can be sold now.
    pub quantity: i32,
    /// Number of its newest movement; 0 before the first.
    pub last_seq: i64,
    /// Bumped by every edit of the catalogue fields, not by stock.
    pub version: i64,
    /// When it was hidden from the shop, if it was.
    pub archived_at: Option<DateTime<Utc>>,
    /// When it entered the catalogue.
    pub created_at: DateTime<Utc>,
    /// When a catalogue field was last edited.
    pub updated_at: DateTime<Utc>,
}

/// A book about to enter the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBook {
    /// ISBN-13.
    pub isbn: Isbn,
    /// Title.
    pub title: Title,
    /// Author or authors.
    pub author: Author,
    /// Price of one copy.
    pub price: Price,
    /// Copies it starts with.
    pub quantity: Counted,
}

/// New values for some catalogue fields; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BookEdit {
    /// New ISBN-13.
    pub isbn: Option<Isbn>,
    /// New title.
    pub title: Option<Title>,
    /// New author or authors.
    pub author: Option<Author>,
    /// New price; orders that were placed keep theirs.
    pub price: Option<Price>,
}
