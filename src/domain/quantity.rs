//! Numbers with a meaning: copies sold, delivered and counted, prices, and the length of a hold.

use serde::Serialize;

use super::OutOfRange;
use super::limits::{MAX_COPIES, MAX_DELIVERED, MAX_HOLD_SECONDS, MAX_PRICE_MINOR, MAX_QUANTITY};

/// Defines a whole number that can only exist within its limits.
macro_rules! bounded {
    ($(#[$meta:meta])* $name:ident: $min:expr, $max:expr) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(i32);

        impl $name {
            /// The least value.
            pub const MIN: i64 = $min;
            /// The greatest value.
            pub const MAX: i64 = $max;

            /// Takes `number` if it is within the limits.
            ///
            /// # Errors
            /// [`OutOfRange`] names both limits.
            pub fn parse(number: i64) -> Result<Self, OutOfRange> {
                match i32::try_from(number) {
                    Ok(value) if (Self::MIN..=Self::MAX).contains(&number) => Ok(Self(value)),
                    _ => Err(OutOfRange { min: Self::MIN, max: Self::MAX }),
                }
            }

            /// The number itself.
            pub fn get(self) -> i32 {
                self.0
            }
        }
    };
}

bounded! {
    /// Copies of one book in one line of an order: 1..=10,000.
    Copies: 1, MAX_COPIES
}
bounded! {
    /// Copies of one book that arrive in one line of a restock: 1..=1,000,000.
    Delivered: 1, MAX_DELIVERED
}
bounded! {
    /// Copies that an admin counted, or that a book starts with: 0..=2,000,000,000.
    Counted: 0, MAX_QUANTITY
}
bounded! {
    /// Price of one copy in the minor unit of the store's currency (cents): 0..=100,000,000.
    Price: 0, MAX_PRICE_MINOR
}
bounded! {
    /// Seconds for which an order holds its copies while the buyer pays: 1..=86,400, a day.
    HoldSeconds: 1, MAX_HOLD_SECONDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_themselves_are_allowed_and_one_past_them_is_not() {
        assert!(Copies::parse(1).is_ok() && Copies::parse(MAX_COPIES).is_ok());
        assert!(Copies::parse(0).is_err() && Copies::parse(MAX_COPIES + 1).is_err());
        assert!(Delivered::parse(0).is_err() && Delivered::parse(MAX_DELIVERED + 1).is_err());
        assert!(Counted::parse(0).is_ok() && Counted::parse(MAX_QUANTITY + 1).is_err());
        assert!(HoldSeconds::parse(0).is_err() && HoldSeconds::parse(86_401).is_err());
        assert!(Price::parse(0).is_ok() && Price::parse(-1).is_err());
        assert!(Copies::parse(i64::MAX).is_err() && Copies::parse(i64::MIN).is_err());
    }
}
