//! The life of an order: each state it can be in, each wish for it, and what then becomes of it.
//!
//! ```text
//!            confirm
//!     held ----------> placed
//!      |  \              |
//!      |   \ cancel      | cancel by an admin
//!      |    `--------> cancelled
//!      | its time runs out
//!      `-------------> expired
//! ```

use chrono::{DateTime, Utc};

use super::{Client, OrderStatus};

/// What somebody wants to become of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wish {
    /// The buyer has paid: the hold becomes a sale.
    Confirm,
    /// The client that made the order gives it up.
    Cancel,
    /// An admin calls it off.
    CancelByAdmin,
    /// The shop takes back what nobody confirmed in time.
    Expire,
}

impl Wish {
    /// All wishes.
    pub const ALL: [Self; 4] = [Self::Confirm, Self::Cancel, Self::CancelByAdmin, Self::Expire];

    /// What it means when `client` cancels.
    pub fn cancel_by(client: Client) -> Self {
        if client.is_admin() { Self::CancelByAdmin } else { Self::Cancel }
    }

    /// For a sentence: "an order that is expired cannot be ...".
    pub fn participle(self) -> &'static str {
        match self {
            Self::Confirm => "confirmed",
            Self::Cancel | Self::CancelByAdmin => "cancelled",
            Self::Expire => "expired",
        }
    }
}

/// Where an order stands at a moment: its status, and what else decides what may become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Held, with time left.
    Held,
    /// Held, but its time ran out and nobody has taken the copies back yet.
    Overdue,
    /// Placed, and nothing came back.
    Placed,
    /// Placed, and some copies were returned.
    Returned,
    /// Cancelled.
    Cancelled,
    /// Expired.
    Expired,
}

impl Standing {
    /// All standings.
    pub const ALL: [Self; 6] =
        [Self::Held, Self::Overdue, Self::Placed, Self::Returned, Self::Cancelled, Self::Expired];

    /// Where an order of this `status` stands at `now`. A hold ends at the very moment it expires.
    pub fn at(
        now: DateTime<Utc>,
        status: OrderStatus,
        expires_at: Option<DateTime<Utc>>,
        has_returns: bool,
    ) -> Self {
        match status {
            OrderStatus::Held if expires_at.is_some_and(|end| end <= now) => Self::Overdue,
            OrderStatus::Held => Self::Held,
            OrderStatus::Placed if has_returns => Self::Returned,
            OrderStatus::Placed => Self::Placed,
            OrderStatus::Cancelled => Self::Cancelled,
            OrderStatus::Expired => Self::Expired,
        }
    }
}

/// What becomes of an order for which something is wished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// It gets this status, as was wished.
    Becomes(OrderStatus),
    /// It is already what was wished.
    Stays,
    /// It is too late for that; it stays as it is.
    Refused,
    /// It is too late for that, and it gets this status, which nobody had given it yet.
    RefusedAndBecomes(OrderStatus),
}

impl Transition {
    /// The status that the order gets, if it gets another.
    pub fn becomes(self) -> Option<OrderStatus> {
        match self {
            Self::Becomes(status) | Self::RefusedAndBecomes(status) => Some(status),
            Self::Stays | Self::Refused => None,
        }
    }

    /// Whether whoever wished it is told yes.
    pub fn is_granted(self) -> bool {
        matches!(self, Self::Becomes(_) | Self::Stays)
    }
}

/// Every transition there is. Whatever the sequence of wishes, an order leaves `held` once, and its
/// copies go back to the shelf at most once.
pub fn transition(standing: Standing, wish: Wish) -> Transition {
    use OrderStatus as Status;
    use Standing::{Cancelled, Expired, Held, Overdue, Placed, Returned};
    use Transition::{Becomes, Refused, RefusedAndBecomes, Stays};
    use Wish::{Cancel, CancelByAdmin, Confirm, Expire};
    match (standing, wish) {
        (Held, Confirm) => Becomes(Status::Placed),
        (Held, Cancel | CancelByAdmin) => Becomes(Status::Cancelled),
        // Not yet.
        (Held, Expire) => Refused,

        (Overdue, Expire) => Becomes(Status::Expired),
        (Overdue, Confirm | Cancel | CancelByAdmin) => RefusedAndBecomes(Status::Expired),

        (Placed | Returned, Confirm) => Stays,
        (Placed, CancelByAdmin) => Becomes(Status::Cancelled),
        // What came back of it already would come back twice.
        (Returned, CancelByAdmin) => Refused,
        (Placed | Returned, Cancel | Expire) => Refused,

        (Cancelled, Cancel | CancelByAdmin) => Stays,
        (Cancelled, Confirm | Expire) => Refused,

        (Expired, Expire) => Stays,
        (Expired, Confirm | Cancel | CancelByAdmin) => Refused,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_hold_ends_at_the_very_moment_it_expires() {
        let end = DateTime::UNIX_EPOCH;
        let at = |micros| {
            Standing::at(end + TimeDelta::microseconds(micros), OrderStatus::Held, Some(end), false)
        };
        assert_eq!([at(-1), at(0), at(1)], [Standing::Held, Standing::Overdue, Standing::Overdue]);
    }

    #[test]
    fn an_order_without_a_hold_is_placed_at_once_and_never_overdue() {
        let placed = Standing::at(DateTime::UNIX_EPOCH, OrderStatus::Placed, None, false);
        assert_eq!(transition(placed, Wish::Confirm), Transition::Stays);
        assert_eq!(transition(placed, Wish::Cancel), Transition::Refused);
        assert_eq!(
            transition(placed, Wish::CancelByAdmin),
            Transition::Becomes(OrderStatus::Cancelled)
        );
    }

    #[test]
    fn what_came_back_of_an_order_cannot_come_back_again_by_a_cancellation() {
        let at = |has_returns| {
            Standing::at(DateTime::UNIX_EPOCH, OrderStatus::Placed, None, has_returns)
        };
        assert_eq!([at(false), at(true)], [Standing::Placed, Standing::Returned]);
        assert_eq!(transition(at(true), Wish::CancelByAdmin), Transition::Refused);
    }

    #[test]
    fn whoever_wished_what_is_so_is_told_yes() {
        let status = OrderStatus::Expired;
        let yes = [Transition::Becomes(status), Transition::Stays];
        let no = [Transition::RefusedAndBecomes(status), Transition::Refused];
        assert_eq!(yes.map(Transition::is_granted), [true; 2]);
        assert_eq!(no.map(Transition::is_granted), [false; 2]);
    }

    #[test]
    fn what_is_settled_never_changes_back() {
        for standing in [Standing::Cancelled, Standing::Expired, Standing::Returned] {
            for wish in Wish::ALL {
                assert_eq!(transition(standing, wish).becomes(), None, "{standing:?} {wish:?}");
            }
        }
    }
}
