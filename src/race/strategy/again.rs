//! What every application needs that chose a strategy which may be refused: run it again.

use diesel::QueryResult;

use super::{Answer, Buyer};
use crate::race::conflict::Conflict;

/// Runs `attempt`, a whole transaction, until no other one comes between. What is no conflict is no
/// better the second time.
pub(super) fn again(
    buyer: &mut dyn Buyer,
    mut attempt: impl FnMut(&mut dyn Buyer) -> QueryResult<Answer>,
) -> QueryResult<Answer> {
    loop {
        let sale = attempt(buyer);
        let Some(conflict) = sale.as_ref().err().and_then(Conflict::of) else { return sale };
        if !buyer.tries_again(conflict) {
            return Ok(Answer::GaveUp);
        }
    }
}
