//! What a search found, in the order of the page: chunk after chunk of ids, of which all in one come
//! before all in the next. Within a chunk the database sorts.

use std::sync::Arc;

use roaring::RoaringTreemap;

use super::cache::{Ids, Key, Runs, Value};
use super::reading::{Halt, Part, Reading};
use crate::store::books::index::entry::{NO_BLOCK, Order};
use crate::store::books::index::rows::from_bytes;
use crate::store::books::index::runs::LONGEST;
use crate::store::books::listing::{Listing, SortBy};

/// Books that the database sorts quicker than their runs are gone through ...
const FEW: u64 = 96;
/// ... and quicker than runs are read that are not known yet.
const FEW_FOR_NOW: u64 = 256;
/// Ids in one chunk, at most: a page of the longest kind, after which a run may still end.
pub(super) const LARGEST_CHUNK: usize = 101 + LONGEST;
/// Bits of a sieve: 16 KiB.
const SIEVE: usize = 1 << 17;
/// So many ids that it takes no time to put them into it, and that most others fall through.
const SIFTED: u64 = 1 << 14;
/// Ids in a run, as a rule.
const RUN: u64 = 180;
/// Runs that are read at once, of half a KiB each.
const MOST_RUNS: u64 = 2_048;

/// Found books that are still to be shown.
pub(super) enum Candidates {
    ById { ids: Arc<RoaringTreemap>, is_descending: bool, after: Option<u64>, size: usize },
    Few(Option<Arc<RoaringTreemap>>),
    ByRuns(Walk),
}

impl Candidates {
    /// Those of `ids` that come after the listing's mark. `wanted` of them are needed.
    pub(super) fn new(
        reading: &Reading<'_>,
        ids: Arc<RoaringTreemap>,
        listing: &Listing,
        wanted: usize,
    ) -> Self {
        let order = match listing.sort_by {
            SortBy::Id => {
                // A mark that nobody was given may be before all ids.
                let mark = listing.after.as_ref();
                let after = mark.map(|mark| u64::try_from(mark.id).unwrap_or(0));
                let is_descending = listing.is_descending;
                return Self::ById { ids, is_descending, after, size: wanted };
            }
            SortBy::Title => Order::Title,
            SortBy::Price => Order::Price,
        };
        let is_descending = listing.is_descending;
        let has_runs =
            || reading.known.values.contains_key(&Key::Runs { order, is_descending, after: None });
        if ids.len() <= FEW || (ids.len() <= FEW_FOR_NOW && !has_runs()) {
            return Self::Few(Some(ids));
        }
        Self::ByRuns(Walk::new(ids, order, listing, wanted))
    }

    /// The next ones; none if that was all.
    pub(super) fn next(&mut self, reading: &mut Reading<'_>) -> Result<Vec<u64>, Halt> {
        match self {
            Self::ById { ids, is_descending, after, size } => {
                let chunk = neighbours(ids, *is_descending, *after, *size);
                *after = chunk.last().copied().or(*after);
                *size = (*size * 4).min(LARGEST_CHUNK);
                Ok(chunk)
            }
            Self::Few(ids) => Ok(ids.take().map(|ids| ids.iter().collect()).unwrap_or_default()),
            Self::ByRuns(walk) => walk.next(reading),
        }
    }
}

fn neighbours(
    ids: &RoaringTreemap,
    is_descending: bool,
    after: Option<u64>,
    size: usize,
) -> Vec<u64> {
    let mut iter = ids.iter();
    match (is_descending, after) {
        (false, after) => {
            if let Some(after) = after {
                iter.advance_to(after.saturating_add(1));
            }
            iter.take(size).collect()
        }
        (true, Some(0)) => Vec::new(),
        (true, after) => {
            if let Some(after) = after {
                iter.advance_back_to(after - 1);
            }
            iter.rev().take(size).collect()
        }
    }
}

/// A way through the runs of an order.
pub(super) struct Walk {
    found: Found,
    order: Order,
    is_descending: bool,
    wanted: usize,
    /// The place of the listing's mark, until its run was found.
    mark: Option<Vec<u8>>,
    /// The entry of the run that was read last.
    after: Option<Vec<u8>>,
    /// How many to read next.
    count: u64,
    runs: Arc<Runs>,
    /// How many of `runs` were looked at.
    seen: usize,
    is_over: bool,
}

impl Walk {
    fn new(ids: Arc<RoaringTreemap>, order: Order, listing: &Listing, wanted: usize) -> Self {
        let span = ids.max().unwrap_or(0) - ids.min().unwrap_or(0) + 1;
        // Half as many again as would do if words were evenly spread.
        let passed = (wanted as u64).saturating_mul(span) / ids.len().max(1) / 2 * 3;
        let mark = listing.after.as_ref();
        Self {
            found: Found::new(ids),
            order,
            is_descending: listing.is_descending,
            wanted,
            mark: mark.map(|mark| order.place(&mark.title, mark.price_minor, mark.id)),
            after: None,
            count: (passed / RUN + 2).min(MOST_RUNS),
            runs: Arc::default(),
            seen: 0,
            is_over: false,
        }
    }

    fn next(&mut self, reading: &mut Reading<'_>) -> Result<Vec<u64>, Halt> {
        let mut chunk = Vec::new();
        // What the mark's own run has may lie before it.
        let mut needed = self.wanted;
        while chunk.len() < needed {
            if self.seen == self.runs.ends.len() {
                if self.is_over {
                    break;
                }
                let is_first_of_mark = self.mark.is_some();
                self.read(reading)?;
                if is_first_of_mark {
                    self.take_run(&mut chunk);
                    needed = (needed + chunk.len()).min(LARGEST_CHUNK - LONGEST);
                }
                continue;
            }
            self.take_run(&mut chunk);
        }
        Ok(chunk)
    }

    fn take_run(&mut self, chunk: &mut Vec<u64>) {
        let Some(&end) = self.runs.ends.get(self.seen) else { return };
        let start = self.seen.checked_sub(1).map_or(0, |before| self.runs.ends[before]);
        let is_found = |id: &u64| self.found.has(*id);
        match &self.runs.ids {
            Ids::Narrow(ids) => {
                chunk.extend(ids[start..end].iter().map(|id| u64::from(*id)).filter(is_found));
            }
            Ids::Wide(ids) => chunk.extend(ids[start..end].iter().copied().filter(is_found)),
        }
        self.seen += 1;
    }

    /// Goes on to the next runs.
    fn read(&mut self, reading: &mut Reading<'_>) -> Result<(), Halt> {
        let mark = self.mark.take();
        let key = Key::Runs {
            order: self.order,
            is_descending: self.is_descending,
            after: self.after.clone(),
        };
        let known = match &mark {
            None => reading.known.values.get(&key),
            Some(_) => None,
        };
        self.runs = match known {
            Some(Value::Runs(runs)) => runs,
            _ => {
                let runs = Arc::new(self.fetch(reading, mark.as_deref())?);
                // Where a mark lies hardly anybody else begins.
                if mark.is_none() {
                    reading.known.values.insert(key, Value::Runs(Arc::clone(&runs)));
                }
                self.count = (self.count * 2).min(MOST_RUNS);
                runs
            }
        };
        self.seen = 0;
        self.after.clone_from(&self.runs.last);
        self.is_over = self.runs.last.is_none();
        Ok(())
    }

    fn fetch(&self, reading: &mut Reading<'_>, mark: Option<&[u8]>) -> Result<Runs, Halt> {
        let all = self.order.all();
        // The least name after another one.
        let next = |name: &[u8]| [name, &[0]].concat();
        let (mut from, mut end) = (all.start, all.end);
        match (self.is_descending, mark, &self.after) {
            (false, Some(mark), _) => from = begin(reading, &from, mark)?.unwrap_or(from),
            (false, None, Some(after)) => from = next(after),
            (true, Some(mark), _) => end = next(mark),
            (true, None, Some(after)) => end.clone_from(after),
            (_, None, None) => {}
        }
        let limit = self.count as i64;
        let is_descending = self.is_descending;
        let part = Part { from, block: i64::MIN, end, is_descending, limit };
        let mut rows = reading.fetch(&[], Some(&part))?;
        if is_descending {
            rows.reverse();
        }
        let (mut ids, mut ends) = (Vec::new(), Vec::new());
        for (_, _, bytes) in &rows {
            ids.extend(from_bytes(bytes)?);
            ends.push(ids.len());
        }
        let is_all = (rows.len() as i64) < limit;
        let last = rows.pop().filter(|_| !is_all).map(|(entry, _, _)| entry);
        Ok(Runs { ids: Ids::of(ids), ends, last })
    }
}

/// The entry of the run in which a mark lies.
fn begin(reading: &mut Reading<'_>, first: &[u8], mark: &[u8]) -> Result<Option<Vec<u8>>, Halt> {
    let end = [mark, &[0]].concat();
    let part =
        Part { from: first.to_vec(), block: NO_BLOCK - 1, end, is_descending: true, limit: 1 };
    Ok(reading.fetch(&[], Some(&part))?.pop().map(|(entry, _, _)| entry))
}

/// Whether an id was found, quickly: of the many that a walk passes nearly all were not.
struct Found {
    ids: Arc<RoaringTreemap>,
    /// A bit for each remainder of an id that was found. So small that it stays in the nearest cache.
    sieve: Option<Vec<u64>>,
}

impl Found {
    fn new(ids: Arc<RoaringTreemap>) -> Self {
        // Of many the first few are soon met: not worth while.
        let sieve = (ids.len() <= SIFTED).then(|| {
            let mut sieve = vec![0; SIEVE / 64];
            for id in ids.iter() {
                let (word, bit) = place(id);
                sieve[word] |= bit;
            }
            sieve
        });
        Self { ids, sieve }
    }

    fn has(&self, id: u64) -> bool {
        let (word, bit) = place(id);
        let may_be = self.sieve.as_ref().is_none_or(|sieve| sieve[word] & bit != 0);
        may_be && self.ids.contains(id)
    }
}

/// Where an id is in the sieve.
fn place(id: u64) -> (usize, u64) {
    let remainder = id as usize % SIEVE;
    (remainder / 64, 1 << (remainder % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both in the same place of the sieve, and one of them was found.
    #[test]
    fn an_id_was_found_or_not_whatever_the_sieve_lets_through() {
        for count in [1, SIFTED, SIFTED + 1] {
            let found = Found::new(Arc::new((5..5 + count).collect()));
            assert!(found.has(5));
            assert!(!found.has(5 + SIEVE as u64));
            assert!(!found.has(4) && !found.has(1 << 40));
        }
    }
}
