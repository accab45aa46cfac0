//! What changes in the index, gathered for many books and then written row by row.

use std::collections::{BTreeMap, HashMap};

use roaring::RoaringTreemap;

use super::entry::{self, Order};
use super::records::Record;
use super::{rows, runs};
use crate::store::connection::AnyConnection;
use crate::store::error::Error;

/// Ids that come into a row, and that leave it.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) come: RoaringTreemap,
    pub(super) leave: RoaringTreemap,
}

impl Change {
    /// What becomes of a row that has `ids`.
    pub(super) fn applied_to(&self, mut ids: RoaringTreemap) -> RoaringTreemap {
        ids -= &self.leave;
        ids |= &self.come;
        ids
    }
}

/// A book that comes into an order at a place, or leaves it there.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Move {
    pub(super) place: Vec<u8>,
    pub(super) id: i64,
    pub(super) comes: bool,
}

/// All that changes.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// By block, then by entry: always written in this order.
    words: BTreeMap<i64, BTreeMap<Vec<u8>, Change>>,
    moves: HashMap<Order, Vec<Move>>,
}

impl Changes {
    /// What the index has of a book becomes `new` instead of `old`.
    pub(super) fn replace(&mut self, id: i64, old: Option<&Record>, new: Option<&Record>) {
        let words = |record: Option<&Record>| record.map(|record| entry::of_words(&record.words));
        let [before, after] = [words(old), words(new)].map(Option::unwrap_or_default);
        let block = self.words.entry(entry::block(id)).or_default();
        for gone in before.difference(&after) {
            block.entry(gone.clone()).or_default().leave.insert(id as u64);
        }
        for come in after.difference(&before) {
            block.entry(come.clone()).or_default().come.insert(id as u64);
        }
        for order in [Order::Title, Order::Price] {
            let place = |record: &Record| order.place(&record.title, record.price_minor, id);
            let [before, after] = [old.map(place), new.map(place)];
            if before != after {
                let moves = self.moves.entry(order).or_default();
                moves.extend(before.map(|place| Move { place, id, comes: false }));
                moves.extend(after.map(|place| Move { place, id, comes: true }));
            }
        }
    }

    /// Writes it. The records of the books must be written already.
    pub(super) fn write(self, connection: &mut AnyConnection) -> Result<(), Error> {
        for (block, changes) in self.words {
            write_rows(connection, block, &changes)?;
        }
        for (order, moves) in self.moves {
            runs::apply(connection, order, moves)?;
        }
        Ok(())
    }
}

fn write_rows(
    connection: &mut AnyConnection,
    block: i64,
    changes: &BTreeMap<Vec<u8>, Change>,
) -> Result<(), Error> {
    let entries: Vec<_> = changes.keys().cloned().collect();
    // Not all at once: a group of thousands of books has a part in most entries.
    for some in entries.chunks(ROWS_IN_HAND) {
        let mut there = rows::load(connection, block, some)?;
        let changed: Vec<_> = some
            .iter()
            .filter_map(|entry| {
                let ids = there.remove(entry).unwrap_or_default();
                Some((entry.clone(), changes.get(entry)?.applied_to(ids)))
            })
            .collect();
        rows::save(connection, block, &changed)?;
    }
    Ok(())
}

/// Rows that are in memory at once.
const ROWS_IN_HAND: usize = 1_000;
