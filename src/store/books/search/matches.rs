//! Which books have all words of a query.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringTreemap;

use super::cache::{Key, Value};
use super::reading::{Halt, Part, Reading, Row};
use crate::domain::SearchWords;
use crate::store::books::index::entry;
use crate::store::books::index::rows::from_bytes;
use crate::store::error::Error;

/// Entries read at once: what they have is in memory together, 128 KiB each with a million books.
const ENTRIES_AT_ONCE: usize = 8;
/// Rows of words with the same beginning that are read at once, of 8 KiB at most and some bytes mostly.
const ROWS_AT_ONCE: i64 = 512;

/// The ids of the books that have all words, the last one as a beginning.
pub(super) fn find(
    reading: &mut Reading<'_>,
    words: &SearchWords,
) -> Result<Arc<RoaringTreemap>, Halt> {
    let beginning = words.beginning().as_str();
    let mut keys: Vec<Key> =
        words.whole().iter().map(|word| Key::Entry(entry::word(word.as_str()))).collect();
    keys.push(match entry::beginning(beginning) {
        Some(entry) => Key::Entry(entry),
        None => Key::Beginning(beginning.to_owned()),
    });
    let mut found = Intersection(None);
    let mut unknown = Vec::new();
    for key in keys {
        match reading.known.values.get(&key) {
            Some(Value::Ids(ids)) => found.narrow(ids),
            _ => unknown.push(key),
        }
    }
    for some in unknown.chunks(ENTRIES_AT_ONCE) {
        if found.is_empty() {
            break;
        }
        for (key, ids) in read(reading, some)? {
            let ids = Arc::new(ids);
            reading.known.values.insert(key, Value::Ids(Arc::clone(&ids)));
            found.narrow(ids);
        }
    }
    Ok(found.0.unwrap_or_default())
}

/// What all that came so far have in common; `None` before the first came.
struct Intersection(Option<Arc<RoaringTreemap>>);

impl Intersection {
    fn narrow(&mut self, ids: Arc<RoaringTreemap>) {
        self.0 = Some(match self.0.take() {
            None => ids,
            Some(found) => Arc::new(&*found & &*ids),
        });
    }

    fn is_empty(&self) -> bool {
        self.0.as_ref().is_some_and(|ids| ids.is_empty())
    }
}

/// What the database has of these.
fn read(reading: &mut Reading<'_>, keys: &[Key]) -> Result<Vec<(Key, RoaringTreemap)>, Halt> {
    let mut asked = Asked::of(keys);
    let mut names = asked.names();
    loop {
        let rows = reading.fetch(&names, asked.part.as_ref())?;
        let has_more = asked.take(rows)?;
        if !has_more {
            return Ok(asked.answers());
        }
        names.clear();
    }
}

/// What is read together: entries by their names, and all words with one beginning.
struct Asked<'a> {
    entries: BTreeMap<Vec<u8>, RoaringTreemap>,
    beginning: Option<&'a str>,
    /// What is still to be read of these words.
    part: Option<Part>,
    /// What was read of them.
    begun: RoaringTreemap,
}

impl<'a> Asked<'a> {
    fn of(keys: &'a [Key]) -> Self {
        let mut entries = BTreeMap::new();
        let mut beginning = None;
        for key in keys {
            match key {
                Key::Entry(entry) => drop(entries.insert(entry.clone(), RoaringTreemap::new())),
                Key::Beginning(word) => beginning = Some(word.as_str()),
                Key::Runs { .. } => {}
            }
        }
        let part = beginning.map(|word| {
            let range = entry::words_with(word);
            let (from, end) = (range.start, range.end);
            Part { from, block: i64::MIN, end, is_descending: false, limit: ROWS_AT_ONCE }
        });
        Self { entries, beginning, part, begun: RoaringTreemap::new() }
    }

    /// What is to be asked for by its name. What lies in the part comes with that: had it come before its
    /// turn, the part would be taken to be read up to there.
    fn names(&self) -> Vec<Vec<u8>> {
        let is_in_part = |name: &[u8]| self.part.as_ref().is_some_and(|part| part.has(name));
        self.entries.keys().filter(|name| !is_in_part(name)).cloned().collect()
    }

    /// Takes rows in, in the order of their names, and tells whether there may be more.
    fn take(&mut self, rows: Vec<Row>) -> Result<bool, Error> {
        let mut count = 0;
        let mut last = None;
        for (name, block, bytes) in rows {
            let ids = from_bytes(&bytes)?;
            let is_of_part = self.part.as_ref().is_some_and(|part| part.has(&name));
            if is_of_part {
                self.begun |= &ids;
            }
            // A word may be asked for by its name too.
            if let Some(whole) = self.entries.get_mut(&name) {
                *whole |= ids;
            }
            if is_of_part {
                count += 1;
                last = Some((name, block));
            }
        }
        let (Some(part), Some(last)) = (&mut self.part, last) else { return Ok(false) };
        (part.from, part.block) = last;
        Ok(count >= ROWS_AT_ONCE)
    }

    fn answers(self) -> Vec<(Key, RoaringTreemap)> {
        let entries = self.entries.into_iter().map(|(name, ids)| (Key::Entry(name), ids));
        let beginning = self.beginning.map(|word| (Key::Beginning(word.to_owned()), self.begun));
        entries.chain(beginning).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_book_has_in_common_is_empty_and_not_before() {
        let ids = |ids: [u64; 2]| Arc::new(RoaringTreemap::from_iter(ids));
        let mut found = Intersection(None);
        assert!(!found.is_empty(), "nothing was looked for yet");
        found.narrow(ids([1, 2]));
        assert!(!found.is_empty());
        found.narrow(ids([2, 3]));
        assert_eq!(found.0, Some(Arc::new(RoaringTreemap::from_iter([2]))));
        found.narrow(ids([3, 4]));
        assert!(found.is_empty());
    }
}
