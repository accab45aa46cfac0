//! All taken out of the index, for whoever does not trust it, some at a time while others write to it.
//!
//! Three walks, and their order is what keeps a book that is written meanwhile:
//! 1. [`forget`] all records. What the walk leaves behind is not indexed, and so will be.
//! 2. [`clear`] all rows. What is in a row from then on was written by somebody who wrote the record of the
//!    book too: no bit is there that no record tells of.
//! 3. [`recall`] the books that came in during both, each with its bits: of their records some tell of
//!    bits that the second walk took away.
//!
//! After that no book is indexed but those that were written after the third walk had begun, and of these
//! the index has everything. Each step has [`locking::catalogue`], and none the row of a book.

use diesel::prelude::*;

use super::entry::NO_BLOCK;
use super::portion::Portion;
use super::{records, remove};
use crate::domain::BookId;
use crate::schema::book_index;
use crate::store::connection::AnyConnection;
use crate::store::error::Error;
use crate::store::locking;

/// Records that are removed in one transaction.
const RECORDS_AT_ONCE: usize = 2_000;
/// The same of rows. The largest are 8 KiB.
const ROWS_AT_ONCE: i64 = 1_000;

/// Removes the next records after `after`. Tells how far it came; `None` if there were no more.
pub(in crate::store) fn forget(
    connection: &mut AnyConnection,
    after: &BookId,
) -> Result<Option<BookId>, Error> {
    locking::catalogue(connection)?;
    let ids = records::next(connection, *after, RECORDS_AT_ONCE)?;
    records::remove(connection, &ids)?;
    Ok(ids.last().map(|last| BookId(*last)))
}

/// The name of a row: its entry and its block.
pub(in crate::store) type RowName = (Vec<u8>, i64);

/// The name of the stamp, which comes before all others.
pub(in crate::store) const THE_STAMP: RowName = (Vec::new(), NO_BLOCK);

/// Removes the next rows after `after`. Tells how far it came; `None` if there were no more.
pub(in crate::store) fn clear(
    connection: &mut AnyConnection,
    after: &RowName,
) -> Result<Option<RowName>, Error> {
    locking::catalogue(connection)?;
    let comes_later = || {
        let is_later_block = book_index::entry.eq(&after.0).and(book_index::block.gt(after.1));
        // The first of the two is a range in the key, whatever a database makes of the second.
        book_index::entry.ge(&after.0).and(book_index::entry.gt(&after.0).or(is_later_block))
    };
    let names: Vec<RowName> = book_index::table
        .filter(comes_later())
        .order((book_index::entry, book_index::block))
        .limit(ROWS_AT_ONCE)
        .select((book_index::entry, book_index::block))
        .load(connection)?;
    let Some(last) = names.last() else { return Ok(None) };
    let is_earlier_block = book_index::entry.eq(&last.0).and(book_index::block.le(last.1));
    diesel::delete(book_index::table)
        .filter(comes_later())
        .filter(book_index::entry.le(&last.0))
        .filter(book_index::entry.lt(&last.0).or(is_earlier_block))
        .execute(connection)?;
    Ok(Some(last.clone()))
}

/// Takes the next books after `after` out of the index that are in it. Tells how far it came; `None` if
/// there were no more.
pub(in crate::store) fn recall(
    connection: &mut AnyConnection,
    after: &BookId,
) -> Result<Option<BookId>, Error> {
    locking::catalogue(connection)?;
    let there = records::next_with_size(connection, *after, Portion::MOST_BOOKS)?;
    let ids: Vec<BookId> =
        Portion::cut(&there).next().unwrap_or_default().iter().map(|(id, _)| *id).collect();
    remove(connection, &ids)?;
    Ok(ids.last().copied())
}
