//! The schedule of the faults: a deck of cards that a seed shuffles.

use std::ops::Range;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::dice;
use crate::faults::{Count, Fault};

/// One fault to come.
#[derive(Debug, Clone, Copy)]
pub struct Card {
    pub fault: Fault,
    /// Which server it concerns, if it concerns one.
    pub ship: usize,
    /// How long nothing goes wrong before.
    pub quiet: Duration,
    pub lasts: Duration,
}

/// How thick and fast they come.
#[derive(Debug, Clone)]
pub struct Rhythm {
    /// How long a hand does nothing between two, in milliseconds.
    quiet: Range<u64>,
    /// So many servers live through all of it: their lines are cut and they are frozen, but not ended.
    spared: usize,
}

impl Rhythm {
    pub const STORM: Self = Self { quiet: 50..500, spared: 0 };

    /// One in eight seconds, so that most requests meet none.
    pub const SOAK: Self = Self { quiet: 5_000..25_000, spared: 1 };
}

pub struct Deck {
    dice: StdRng,
    ships: usize,
    rhythm: Rhythm,
    cards: Vec<Card>,
}

impl Deck {
    /// An empty deck for so many servers.
    pub fn new(seed: u64, ships: usize, rhythm: Rhythm) -> Self {
        Self { dice: dice::from_seed(seed, 0), ships, rhythm, cards: Vec::new() }
    }

    pub fn draw(&mut self) -> Option<Card> {
        self.cards.pop()
    }

    /// Puts so many cards of each fault on it, in an order that the seed decides.
    pub fn fill(&mut self, count: &Count) {
        let faults = count.iter().flat_map(|(fault, count)| std::iter::repeat_n(*fault, *count));
        let cards: Vec<Card> = faults.map(|fault| self.card(fault)).collect();
        self.cards.extend(cards);
        self.cards.shuffle(&mut self.dice);
    }

    fn card(&mut self, fault: Fault) -> Card {
        let lasts = match fault {
            Fault::Cut | Fault::Delay => 20..400,
            // Longer than a request may take.
            Fault::Stall | Fault::Freeze => 20..2_500,
            // Longer than a statement waits for a lock.
            Fault::LockTitle => 1_200..4_000,
            _ => 20..1_200,
        };
        let first = if fault.ends_server() { self.rhythm.spared } else { 0 };
        let mut milliseconds =
            |range: Range<u64>| Duration::from_millis(self.dice.random_range(range));
        let (quiet, lasts) = (milliseconds(self.rhythm.quiet.clone()), milliseconds(lasts));
        Card { fault, ship: self.dice.random_range(first..self.ships), quiet, lasts }
    }
}
