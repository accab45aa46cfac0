//! What this process remembers of the index. Every read of the database brings the index's stamp with it;
//! what was read under another one is forgotten.

use std::mem::size_of_val;
use std::sync::Arc;

use moka::sync::Cache;
use parking_lot::RwLock;
use roaring::RoaringTreemap;

use crate::store::books::index::entry::Order;

/// Bytes that are remembered, about. The bitmaps of common words take most of it, 128 KiB each with a
/// million books.
const CAPACITY: u64 = 32 << 20;

/// Something of the index.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// An entry by its name.
    Entry(Vec<u8>),
    /// All words with this beginning.
    Beginning(String),
    /// The runs of an order after the one of this name, or from its first one or its last.
    Runs { order: Order, is_descending: bool, after: Option<Vec<u8>> },
}

/// What is remembered of it.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Ids(Arc<RoaringTreemap>),
    Runs(Arc<Runs>),
}

/// Neighbouring runs, in the order of the page.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// The ids of one after the other.
    pub(super) ids: Ids,
    /// Where each of them ends in `ids`.
    pub(super) ends: Vec<usize>,
    /// The entry of the last one; `None` if no more come after it.
    pub(super) last: Option<Vec<u8>>,
}

/// In half the memory where that does: a walk may pass all books of the shop.
#[derive(Debug)]
pub(super) enum Ids {
    Narrow(Vec<u32>),
    Wide(Vec<u64>),
}

impl Ids {
    pub(super) fn of(ids: Vec<u64>) -> Self {
        let narrow: Result<_, _> = ids.iter().map(|id| u32::try_from(*id)).collect();
        narrow.map_or(Self::Wide(ids), Self::Narrow)
    }

    fn size(&self) -> usize {
        match self {
            Self::Narrow(ids) => size_of_val(ids.as_slice()),
            Self::Wide(ids) => size_of_val(ids.as_slice()),
        }
    }
}

impl Default for Ids {
    fn default() -> Self {
        Self::Narrow(Vec::new())
    }
}

impl Key {
    fn size(&self) -> usize {
        match self {
            Self::Entry(name) => name.len(),
            Self::Beginning(word) => word.len(),
            Self::Runs { after, .. } => after.as_ref().map_or(0, Vec::len),
        }
    }
}

impl Value {
    fn size(&self) -> usize {
        match self {
            Self::Ids(ids) => ids.serialized_size(),
            Self::Runs(runs) => {
                let last = runs.last.as_ref().map_or(0, Vec::len);
                runs.ids.size() + size_of_val(runs.ends.as_slice()) + last
            }
        }
    }
}

/// The part of the index that was read under one stamp.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) stamp: Arc<[u8]>,
    pub(super) values: Cache<Key, Value>,
}

impl Known {
    fn nothing(stamp: &[u8]) -> Self {
        let values = Cache::builder().max_capacity(CAPACITY).weigher(weight).build();
        Self { stamp: stamp.into(), values }
    }
}

/// Bytes of what a place in the cache takes besides.
const PLACE: usize = 256;

fn weight(key: &Key, value: &Value) -> u32 {
    u32::try_from(key.size() + value.size() + PLACE).unwrap_or(u32::MAX)
}

/// What this process remembers of the index, shared by all searches.
pub struct IndexCache(RwLock<Known>);

impl Default for IndexCache {
    fn default() -> Self {
        Self(RwLock::new(Known::nothing(&[])))
    }
}

impl IndexCache {
    /// What is known now.
    pub(super) fn known(&self) -> Known {
        self.0.read().clone()
    }

    /// Forgets what is known, unless it was read under `stamp`.
    pub(super) fn turn_to(&self, stamp: &[u8]) {
        let mut known = self.0.write();
        if *known.stamp != *stamp {
            let forgotten = std::mem::replace(&mut *known, Known::nothing(stamp));
            // It takes its time, in which nobody need wait.
            drop(known);
            drop(forgotten);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_weighed() {
        let keys = [
            Key::Entry(vec![0; 7]),
            Key::Beginning("word".to_owned()),
            Key::Runs { order: Order::Title, is_descending: false, after: Some(vec![0; 9]) },
            Key::Runs { order: Order::Price, is_descending: true, after: None },
        ];
        assert_eq!(keys.map(|key| key.size()), [7, 4, 9, 0]);
        let ids: RoaringTreemap = (0..10_000).collect();
        assert!(Value::Ids(Arc::new(ids.clone())).size() >= ids.serialized_size());
        let runs = |ids| Runs { ids: Ids::of(ids), ends: vec![2, 3], last: Some(vec![0; 11]) };
        // Three ids, two ends of 8 bytes, 11 bytes of a name.
        assert_eq!(Value::Runs(Arc::new(runs(vec![1, 2, 3]))).size(), 12 + 16 + 11);
        let wide = Value::Runs(Arc::new(runs(vec![1, 2, 1 << 40])));
        assert_eq!(wide.size(), 24 + 16 + 11);
        assert_eq!(weight(&Key::Entry(vec![0; 7]), &wide), 7 + 24 + 16 + 11 + 256);
    }
}
