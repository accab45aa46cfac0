//! The same as `naive` without a transaction, which is what an ORM does unless it is told otherwise.

use diesel::prelude::*;

use super::{Answer, Buyer, Promise, Sale, Strategy, naive};
use crate::store::AnyConnection;

/// Each statement is a transaction of its own: nothing ties the write to what was read, on no
/// database and at no isolation level.
pub(super) fn buy(connection: &mut AnyConnection, buyer: &mut dyn Buyer) -> QueryResult<Answer> {
    naive::read_subtract_write(connection, buyer)
}

pub(super) const STRATEGY: Strategy = Strategy {
    promise: |_| Promise::Loses,
    ..Strategy::new("autocommit", "naive without a transaction", Sale::OnConnection(buy))
};
