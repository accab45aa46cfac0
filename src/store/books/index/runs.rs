//! Runs: neighbours in the order of titles or of prices, a few hundred each, as bitmaps of their ids.
//!
//! A search that found some thousand books goes through the runs of its order, looks which of their ids
//! it found, and has its page after a few of them: no database has to sort all, or to walk past the
//! hundreds of others between two that match. Which run a book is in its place says, as in a B-tree;
//! where in its run it is nobody knows, nor needs to.

use std::collections::BTreeMap;

use roaring::RoaringTreemap;

use super::changes::{Change, Move};
use super::entry::{NO_BLOCK, Order};
use super::records;
use super::rows;
use crate::store::connection::AnyConnection;
use crate::store::error::Error;

/// Ids in a run, at most. One that grows longer is cut into pieces of three quarters of that, at most.
pub(in crate::store::books) const LONGEST: usize = 256;

/// So many moves look their runs up one by one; more read the places of all runs.
const FEW: usize = 8;

/// Writes what comes and leaves.
pub(super) fn apply(
    connection: &mut AnyConnection,
    order: Order,
    mut moves: Vec<Move>,
) -> Result<(), Error> {
    moves.sort_unstable();
    let runs = runs_of(connection, order, &moves)?;
    let entries: Vec<_> = runs.keys().cloned().collect();
    let mut there = rows::load(connection, NO_BLOCK, &entries)?;
    let (mut fit, mut long) = (Vec::new(), Vec::new());
    for (entry, change) in runs {
        let ids = change.applied_to(there.remove(&entry).unwrap_or_default());
        let is_long = ids.len() > LONGEST as u64;
        if is_long { long.push((entry, ids)) } else { fit.push((entry, ids)) }
    }
    fit.extend(cut(connection, order, long)?);
    rows::save(connection, NO_BLOCK, &fit)
}

/// The run of each move: the last one that begins at its place or before.
fn runs_of(
    connection: &mut AnyConnection,
    order: Order,
    moves: &[Move],
) -> Result<BTreeMap<Vec<u8>, Change>, Error> {
    let range = order.all();
    let all = if moves.len() > FEW { rows::entries(connection, &range)? } else { Vec::new() };
    let mut runs: BTreeMap<Vec<u8>, Change> = BTreeMap::new();
    for Move { place, id, comes } in moves {
        let begun = if moves.len() > FEW {
            let after = all.partition_point(|entry| entry <= place);
            after.checked_sub(1).map(|last| all[last].clone())
        } else {
            rows::last_entry(connection, &range.start, place)?
        };
        // Before the first run there is room for one that begins with the order itself.
        let change = runs.entry(begun.unwrap_or_else(|| range.start.clone())).or_default();
        if *comes { &mut change.come } else { &mut change.leave }.insert(*id as u64);
    }
    Ok(runs)
}

/// Cuts runs into pieces of which each begins with its first book; the first piece of each is where the
/// whole was.
fn cut(
    connection: &mut AnyConnection,
    order: Order,
    long: Vec<(Vec<u8>, RoaringTreemap)>,
) -> Result<Vec<(Vec<u8>, RoaringTreemap)>, Error> {
    let mut pieces = Vec::new();
    for (entry, ids) in long {
        let ids: Vec<i64> = ids.iter().map(|id| id as i64).collect();
        let records = records::load(connection, &ids)?;
        let mut places: Vec<_> = records
            .values()
            .map(|one| (order.place(&one.title, one.price_minor, one.book_id), one.book_id as u64))
            .collect();
        places.sort_unstable();
        if places.is_empty() {
            pieces.push((entry.clone(), RoaringTreemap::new()));
        }
        let count = places.len().div_ceil(LONGEST * 3 / 4).max(1);
        let length = places.len().div_ceil(count).max(1);
        for (number, piece) in places.chunks(length).enumerate() {
            let begins = if number == 0 { entry.clone() } else { piece[0].0.clone() };
            pieces.push((begins, piece.iter().map(|(_, id)| *id).collect()));
        }
    }
    Ok(pieces)
}
