//! One token bucket for each key, in bounded memory. The arithmetic is that of the crate governor (the
//! generic cell rate algorithm), whose state is one atomic number a bucket.

use std::convert::Infallible;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::HeaderValue;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use moka::sync::Cache;

/// Keys that are remembered at once, some 20 MB of them. With more, those that ask most often are kept:
/// a flood of addresses does not make the service forget the one that hammers.
const MOST_KEYS: u64 = 65_536;

/// How much may be taken: `events` every `period`, and up to `burst` at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    pub(super) events: NonZeroU32,
    pub(super) period: Duration,
    pub(super) burst: NonZeroU32,
}

/// Whose bucket it is.
pub(super) trait Key: Hash + Eq + Copy + Send + Sync + 'static {}

impl<K: Hash + Eq + Copy + Send + Sync + 'static> Key for K {}

/// Buckets of one size, one for each key.
pub(super) struct Buckets<K: Key, C: Clock = DefaultClock> {
    limiter: RateLimiter<K, Places<K>, C, StateInformationMiddleware>,
    places: Places<K>,
    /// Time in which one event comes back.
    interval: Duration,
    name: &'static str,
    policy: HeaderValue,
}

/// How a key stands after it took, or could not take, an event: what RateLimit and RateLimit-Policy
/// tell (draft-ietf-httpapi-ratelimit-headers-11).
#[derive(Debug, Clone)]
pub(super) struct Standing {
    /// `"NAME";q=QUOTA;w=SECONDS`: the burst, and how long an empty bucket takes to be full.
    pub(super) policy: HeaderValue,
    /// `"NAME";r=LEFT;t=SECONDS`: with so much left until at least one more comes.
    pub(super) limit: HeaderValue,
    /// The same seconds.
    pub(super) wait: u64,
}

impl<K: Key> Buckets<K> {
    pub(super) fn new(name: &'static str, rate: Rate) -> Self {
        Self::with_clock(name, rate, DefaultClock::default())
    }
}

impl<K: Key, C: Clock> Buckets<K, C> {
    fn with_clock(name: &'static str, rate: Rate, clock: C) -> Self {
        let interval = rate.period / rate.events.get();
        let quota = Quota::with_period(interval).expect("nobody asks for a billion a second");
        let quota = quota.allow_burst(rate.burst);
        let full = quota.burst_size_replenished_in();
        let places = Places::new(full);
        let limiter = RateLimiter::new(quota, places.clone(), clock);
        let policy = value(format!("\"{name}\";q={};w={}", rate.burst, whole_seconds(full)));
        Self { limiter, places, interval, name, policy }
    }

    /// Takes an event out of the bucket of `key`; `Err` if it is empty.
    pub(super) fn take(&self, key: K) -> Result<Standing, Standing> {
        match self.limiter.check_key(&key) {
            Ok(left) => Ok(self.standing(left.remaining_burst_capacity(), self.interval)),
            Err(until) => Err(self.standing(0, until.wait_time_from(self.limiter.clock().now()))),
        }
    }

    /// Puts back what was taken for nothing.
    pub(super) fn give_back(&self, key: K) {
        let interval = Nanos::from(self.interval);
        let earlier = |due: Option<Nanos>| due.unwrap_or_default().saturating_sub(interval);
        let Ok(()) =
            self.places.measure_and_replace(&key, |due| Ok::<_, Infallible>(((), earlier(due))));
    }

    fn standing(&self, left: u32, wait: Duration) -> Standing {
        let wait = whole_seconds(wait);
        let limit = value(format!("\"{}\";r={left};t={wait}", self.name));
        Standing { policy: self.policy.clone(), limit, wait }
    }
}

/// Rounded up, and not 0: the headers know no fractions, and nobody should come back too early.
fn whole_seconds(time: Duration) -> u64 {
    (time.as_secs() + u64::from(time.subsec_nanos() > 0)).max(1)
}

fn value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("letters, digits and signs are a header's value")
}

/// Where buckets are kept: a bucket that nobody took from until it was full again is as good as none.
struct Places<K>(Cache<K, Arc<InMemoryState>>);

impl<K> Clone for Places<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: Key> Places<K> {
    fn new(full: Duration) -> Self {
        let idle = full + Duration::from_secs(1);
        Self(Cache::builder().max_capacity(MOST_KEYS).time_to_idle(idle).build())
    }
}

impl<K: Key> StateStore for Places<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let bucket = self.0.get_with(*key, Arc::default);
        bucket.measure_and_replace(&NotKeyed::NonKey, decide)
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn buckets(
        events: u32,
        period: Duration,
        burst: u32,
    ) -> (Buckets<u32, FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let [events, burst] = [events, burst].map(|number| NonZeroU32::new(number).unwrap());
        let rate = Rate { events, period, burst };
        (Buckets::with_clock("test", rate, clock.clone()), clock)
    }

    fn told(standing: &Standing) -> (&str, &str, u64) {
        let Standing { policy, limit, wait } = standing;
        (policy.to_str().unwrap(), limit.to_str().unwrap(), *wait)
    }

    #[test]
    fn a_bucket_gives_a_burst_and_then_what_comes_back() {
        let (buckets, clock) = buckets(10, Duration::from_secs(1), 20);
        for left in (0..20).rev() {
            let standing = buckets.take(1).unwrap();
            assert_eq!(
                told(&standing),
                ("\"test\";q=20;w=2", format!("\"test\";r={left};t=1").as_str(), 1)
            );
        }
        assert_eq!(told(&buckets.take(1).unwrap_err()).1, "\"test\";r=0;t=1");
        clock.advance(Duration::from_millis(99));
        assert!(buckets.take(1).is_err());
        clock.advance(Duration::from_millis(1));
        assert!(buckets.take(1).is_ok() && buckets.take(1).is_err());
        // However long nobody comes, a burst is all that gathers.
        clock.advance(Duration::from_secs(3_600));
        assert_eq!((0..100).filter(|_| buckets.take(1).is_ok()).count(), 20);
    }

    #[test]
    fn one_key_does_not_take_from_another() {
        let (buckets, _) = buckets(1, Duration::from_secs(1), 1);
        for key in 0..1_000 {
            assert!(buckets.take(key).is_ok() && buckets.take(key).is_err(), "{key}");
        }
    }

    #[test]
    fn who_has_to_wait_long_is_told_how_long() {
        let (buckets, clock) = buckets(6, Duration::from_secs(60), 1);
        assert!(buckets.take(1).is_ok());
        assert_eq!(
            told(&buckets.take(1).unwrap_err()),
            ("\"test\";q=1;w=10", "\"test\";r=0;t=10", 10)
        );
        clock.advance(Duration::from_millis(8_500));
        assert_eq!(buckets.take(1).unwrap_err().wait, 2);
    }

    #[test]
    fn what_is_given_back_can_be_taken_again_and_no_more_than_that() {
        let (buckets, _) = buckets(1, Duration::from_secs(1), 2);
        assert!(buckets.take(1).is_ok() && buckets.take(1).is_ok() && buckets.take(1).is_err());
        buckets.give_back(1);
        assert!(buckets.take(1).is_ok() && buckets.take(1).is_err());
        for _ in 0..10 {
            buckets.give_back(1);
        }
        assert_eq!((0..10).filter(|_| buckets.take(1).is_ok()).count(), 2);
    }

    #[test]
    fn a_flood_of_keys_takes_no_more_room_than_there_is() {
        let (buckets, _) = buckets(1, Duration::from_secs(1), 2);
        for key in 0..200_000 {
            let _ = buckets.take(key);
        }
        buckets.places.0.run_pending_tasks();
        assert!(buckets.places.0.entry_count() <= MOST_KEYS);
    }
}
