//! The shelf and the rules that change it: the sale and its undoing, the restock, the stocktake.
//!
//! A transaction loads the books it locked onto a [`Shelf`], lets any number of rules decide on it
//! one after another, and writes what changed. The rules do not care whether they share the shelf
//! with others.

use std::collections::BTreeMap;

use super::limits::MAX_QUANTITY;
use super::{
    BookId, Copies, Counted, Delivered, Excess, Movement, NewOrder, OrderLine, OrderedLine, Reason,
    Refusal, Shortage,
};

/// What a rule needs to know of one book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stock {
    /// The book.
    pub book_id: BookId,
    /// Its title, for the answer.
    pub title: String,
    /// Price of one copy in the minor unit.
    pub price_minor: i32,
    /// Copies that can be sold; never negative.
    pub quantity: i32,
    /// Number of its newest movement; 0 before the first.
    pub last_seq: i64,
    /// Archived books are neither sold nor stocked.
    pub is_archived: bool,
}

impl Stock {
    /// Changes the quantity by `delta` and says so in a movement with the next number.
    fn shift(&mut self, delta: i32, reason: Reason) -> Movement {
        self.quantity += delta;
        self.last_seq += 1;
        assert!(
            self.quantity >= 0,
            "a rule let the quantity of book {} fall below 0",
            self.book_id
        );
        Movement {
            book_id: self.book_id,
            seq: self.last_seq,
            delta,
            quantity_after: self.quantity,
            reason,
            unit_price_minor: (reason == Reason::Sale).then_some(self.price_minor),
        }
    }
}

/// The books that a transaction holds locked, with what is left of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shelf(BTreeMap<BookId, Stock>);

impl Shelf {
    /// The stock of `book_id`, whether archived or not.
    pub fn get(&self, book_id: BookId) -> Option<&Stock> {
        self.0.get(&book_id)
    }

    /// All books on it, in id order.
    pub fn iter(&self) -> impl Iterator<Item = &Stock> {
        self.0.values()
    }

    fn active(&self, book_id: BookId) -> Option<&Stock> {
        self.get(book_id).filter(|stock| !stock.is_archived)
    }

    fn get_mut(&mut self, book_id: BookId) -> Result<&mut Stock, Refusal> {
        self.0.get_mut(&book_id).ok_or_else(|| Refusal::UnknownBooks(vec![book_id]))
    }

    fn active_mut(&mut self, book_id: BookId) -> Result<&mut Stock, Refusal> {
        let stock = self.get_mut(book_id)?;
        if stock.is_archived { Err(Refusal::UnknownBooks(vec![book_id])) } else { Ok(stock) }
    }

    /// Refuses unless every book is there and not archived.
    fn require(&self, book_ids: impl Iterator<Item = BookId>) -> Result<(), Refusal> {
        let unknown: Vec<_> = book_ids.filter(|id| self.active(*id).is_none()).collect();
        if unknown.is_empty() { Ok(()) } else { Err(Refusal::UnknownBooks(unknown)) }
    }
}

impl FromIterator<Stock> for Shelf {
    fn from_iter<I: IntoIterator<Item = Stock>>(books: I) -> Self {
        Self(books.into_iter().map(|stock| (stock.book_id, stock)).collect())
    }
}

/// An order that can be had: its movements, one a line, in book id order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sale {
    /// The lines as movements with reason `sale`.
    pub movements: Vec<Movement>,
    /// Sum over the lines in the minor unit.
    pub total_minor: i64,
}

/// Takes `order` out of `shelf`, all lines or none.
///
/// # Errors
/// [`Refusal::UnknownBooks`] lists every book that is not for sale, [`Refusal::OutOfStock`] every
/// line that falls short; `shelf` is then unchanged.
pub fn sell(shelf: &mut Shelf, order: &NewOrder) -> Result<Sale, Refusal> {
    shelf.require(order.lines().iter().map(|line| line.book_id))?;
    let shortages: Vec<_> = order
        .lines()
        .iter()
        .filter_map(|line| {
            let available = shelf.get(line.book_id)?.quantity;
            (available < line.copies).then_some(Shortage {
                book_id: line.book_id,
                requested: line.copies,
                available,
            })
        })
        .collect();
    if !shortages.is_empty() {
        return Err(Refusal::OutOfStock(shortages));
    }
    let mut sale = Sale { movements: Vec::with_capacity(order.lines().len()), total_minor: 0 };
    for line in order.lines() {
        let stock = shelf.active_mut(line.book_id)?;
        sale.total_minor += i64::from(line.copies) * i64::from(stock.price_minor);
        sale.movements.push(stock.shift(-line.copies, Reason::Sale));
    }
    Ok(sale)
}

/// Puts `lines` on `shelf`, all or none; two lines of one book are summed into one movement.
///
/// # Errors
/// [`Refusal::UnknownBooks`] lists every book that is not there, [`Refusal::ShelfFull`] names the
/// first that would hold more than 2,000,000,000 copies; `shelf` is then unchanged.
pub fn restock(shelf: &mut Shelf, lines: &[(BookId, Delivered)]) -> Result<Vec<Movement>, Refusal> {
    let delivered = summed(lines.iter().map(|(book_id, copies)| (*book_id, copies.get())));
    shelf.require(delivered.keys().copied())?;
    put(shelf, &delivered, Reason::Restock)
}

/// Puts back on `shelf` what an order took: `lines` are all of its lines. Of an archived book too,
/// whose copies are there as ever.
///
/// # Errors
/// [`Refusal::ShelfFull`] as for [`restock`]; `shelf` is then unchanged.
pub fn release(shelf: &mut Shelf, lines: &[OrderLine]) -> Result<Vec<Movement>, Refusal> {
    let released = summed(lines.iter().map(|line| (line.book_id, line.copies)));
    put(shelf, &released, Reason::Release)
}

/// Puts on `shelf` what a buyer brings back of an order that sold `sold`, all or none; two lines of
/// one book are summed. Of an archived book too.
///
/// # Errors
/// [`Refusal::ReturnsExceedSale`] lists every book of which more would be back than was sold,
/// [`Refusal::ShelfFull`] is as for [`restock`]; `shelf` is then unchanged.
pub fn take_back(
    shelf: &mut Shelf,
    sold: &[OrderedLine],
    lines: &[(BookId, Copies)],
) -> Result<Vec<Movement>, Refusal> {
    let brought = summed(lines.iter().map(|(book_id, copies)| (*book_id, copies.get())));
    let excess: Vec<_> = brought
        .iter()
        .filter_map(|(&book_id, &requested)| {
            let line = sold.iter().find(|line| line.book_id == book_id);
            let (sold, returned) = line.map_or((0, 0), |line| (line.copies, line.returned));
            (requested > sold - returned).then_some(Excess { book_id, sold, returned, requested })
        })
        .collect();
    if !excess.is_empty() {
        return Err(Refusal::ReturnsExceedSale(excess));
    }
    put(shelf, &brought, Reason::Return)
}

/// Copies by book. At most 100 lines of a million each: far from overflow.
fn summed(lines: impl Iterator<Item = (BookId, i32)>) -> BTreeMap<BookId, i32> {
    let mut copies_of = BTreeMap::new();
    for (book_id, copies) in lines {
        *copies_of.entry(book_id).or_default() += copies;
    }
    copies_of
}

/// Adds copies to books that are there, all or none.
fn put(
    shelf: &mut Shelf,
    copies_of: &BTreeMap<BookId, i32>,
    reason: Reason,
) -> Result<Vec<Movement>, Refusal> {
    for (&book_id, &copies) in copies_of {
        let quantity = i64::from(shelf.get_mut(book_id)?.quantity) + i64::from(copies);
        if quantity > MAX_QUANTITY {
            return Err(Refusal::ShelfFull { book_id, quantity });
        }
    }
    copies_of
        .iter()
        .map(|(&book_id, &copies)| Ok(shelf.get_mut(book_id)?.shift(copies, reason)))
        .collect()
}

/// Makes the quantity of `book_id` what an admin `counted`. `None` if it was that already.
///
/// # Errors
/// [`Refusal::UnknownBooks`] if the book is not there, [`Refusal::StaleQuantity`] if it has not
/// the copies the admin `expected`; `shelf` is then unchanged.
pub fn stocktake(
    shelf: &mut Shelf,
    book_id: BookId,
    counted: Counted,
    expected: Option<Counted>,
) -> Result<Option<Movement>, Refusal> {
    let stock = shelf.active_mut(book_id)?;
    match expected {
        Some(expected) if expected.get() != stock.quantity => {
            Err(Refusal::StaleQuantity { expected: expected.get(), available: stock.quantity })
        }
        _ if counted.get() == stock.quantity => Ok(None),
        _ => Ok(Some(stock.shift(counted.get() - stock.quantity, Reason::Stocktake))),
    }
}

/// The movement of a book that enters the catalogue with `copies`. `None` without copies.
pub fn first_stock(book_id: BookId, copies: Counted) -> Option<Movement> {
    (copies.get() > 0).then(|| Movement {
        book_id,
        seq: 1,
        delta: copies.get(),
        quantity_after: copies.get(),
        reason: Reason::Initial,
        unit_price_minor: None,
    })
}

#[cfg(test)]
#[path = "shelf_tests.rs"]
mod tests;
