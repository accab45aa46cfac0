//! Which way a search goes: by the full-text index or along the order of the list.
//!
//! The index is quick for rare words. It must bring every match before the first one in the list's
//! order is known: for a word that a third of the books has, that is a third of the books. Along the
//! order of the list such a word is met every third book, and a page is soon full.

use super::vocabulary::Vocabulary;
use super::words::spelt;
use crate::domain::SearchWords;
use crate::store::connection::Backend;

/// The way of one search.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Route {
    /// Books to try in the order of the list before the index is asked, if any.
    pub(super) walk: Option<i64>,
    /// Words that the index is asked for, the rarest first; one at least.
    pub(super) asked: Vec<Term>,
    /// Words that are looked for in what it brings.
    pub(super) checked: Vec<Term>,
}

/// A word of a query as the database spells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) text: String,
    /// Whether words that only begin with it count.
    pub(super) is_beginning: bool,
}

impl Term {
    /// A pattern for LIKE that matches a row with this word.
    pub(super) fn pattern(&self) -> String {
        // The only character with a meaning that a spelling can have.
        let text = self.text.replace('_', "\\_");
        if self.is_beginning { format!("% {text}%") } else { format!("% {text} %") }
    }
}

/// What a book costs, in microseconds about, as measured with a million of them.
struct Costs {
    /// One that the index brought.
    hit: f64,
    /// One that was tried along the order.
    step: f64,
}

impl Costs {
    fn of(backend: Backend) -> Self {
        match backend {
            Backend::Postgres => Self { hit: 4.0, step: 4.0 },
            Backend::Mysql => Self { hit: 7.5, step: 3.0 },
            Backend::Sqlite => Self { hit: 1.7, step: 3.0 },
        }
    }
}

/// Asking the index for one more word is worth while if it is not more than so many times as common
/// as the rarest one.
const WORTH_ASKING: f64 = 20.0;
/// So many times the books are tried that a page should need, for words are not evenly spread.
const PATIENCE: f64 = 2.0;

impl Route {
    /// The way to `wanted` books. `is_by_id` if the list is in the order of ids.
    pub(super) fn find(
        backend: Backend,
        vocabulary: &Vocabulary,
        words: &SearchWords,
        wanted: usize,
        is_by_id: bool,
    ) -> Self {
        let mut terms = shares(backend, vocabulary, words);
        let share: f64 = terms.iter().map(|(_, share)| share).product();
        let rarest = terms.first().map_or(0.0, |(_, share)| *share);
        let mut asked: Vec<Term> = Vec::new();
        let mut checked: Vec<Term> = Vec::new();
        for (term, share) in terms.drain(..) {
            let is_worth_it = asked.is_empty() || share <= rarest * WORTH_ASKING;
            if is_worth_it { asked.push(term) } else { checked.push(term) }
        }
        // SQLite's index brings its matches one by one and in the order of ids.
        let is_streamed = is_by_id && backend == Backend::Sqlite;
        let steps = wanted as f64 / share * PATIENCE;
        let costs = Costs::of(backend);
        let is_common = steps * costs.step < vocabulary.books() * rarest * costs.hit;
        let walk = (is_common && !is_streamed).then_some(steps.ceil() as i64);
        Self { walk, asked, checked }
    }
}

/// Each word with its share of the books, the rarest first.
fn shares(backend: Backend, vocabulary: &Vocabulary, words: &SearchWords) -> Vec<(Term, f64)> {
    let term = |word, is_beginning| {
        let text = spelt(backend, word).into_owned();
        let share = match is_beginning {
            true => vocabulary.share_of_beginning(&text),
            false => vocabulary.share_of(&text),
        };
        (Term { text, is_beginning }, share)
    };
    let mut terms: Vec<_> = words.whole().iter().map(|word| term(word, false)).collect();
    terms.push(term(words.beginning(), true));
    terms.sort_by(|(_, one), (_, other)| one.total_cmp(other));
    terms
}
