//! What the figures mean: whether a strategy did what is said of it, in a plain sentence.

use super::Heat;
use super::load::Load;
use crate::race::conflict::Failure;
use crate::race::outcome::Outcome;
use crate::race::strategy::Promise;
use crate::race::words::counted;

/// A load below this may lose nothing by chance: two buyers must meet between reading and writing.
const ENOUGH_BUYERS: u32 = 16;
const ENOUGH_PURCHASES: u64 = 400;

/// What the database calls the CHECK constraint, in whatever language it complains.
const CHECK_NAME: &str = "race_books_quantity";

/// The books of one strategy after its heat.
struct Account<'a> {
    heat: &'a Heat,
    load: &'a Load,
    has_check: bool,
    /// Copies that could be sold.
    available: i64,
    /// What is on the shelf beyond what must be there. Below zero: copies that came in are gone.
    surplus: i64,
    /// Copies acknowledged beyond what was there.
    oversold: i64,
}

/// Holds what came of a strategy against what is promised of it.
pub(super) fn judge(
    strategy: &'static str,
    promise: Promise,
    load: &Load,
    has_check: bool,
    heat: &Heat,
) -> Outcome {
    let tally = &heat.tally;
    let acknowledged = tally.acknowledged.cast_signed();
    let available = i64::from(load.copies) + tally.restocked;
    let surplus = heat.final_quantity - (available - acknowledged);
    let oversold = (acknowledged - available).max(0);
    let account = Account { heat, load, has_check, available, surplus, oversold };
    let (as_expected, verdict) = account.judge(promise);
    Outcome {
        strategy,
        supported: true,
        reason: None,
        acknowledged: Some(tally.acknowledged),
        refused: Some(tally.refused()),
        final_quantity: Some(heat.final_quantity),
        lost_updates: Some(surplus.max(0).cast_unsigned()),
        oversold: Some(oversold.cast_unsigned()),
        retries: Some(tally.retries),
        deadlocks: Some(tally.deadlocks),
        per_second: Some(heat.per_second()),
        p50_ms: tally.percentile_ms(50),
        p99_ms: tally.percentile_ms(99),
        as_expected,
        verdict,
    }
}

impl Outcome {
    /// Of a strategy that the backend lacks.
    pub(super) fn missing(strategy: &'static str, reason: &str) -> Self {
        Self {
            strategy,
            supported: false,
            reason: Some(reason.to_owned()),
            acknowledged: None,
            refused: None,
            final_quantity: None,
            lost_updates: None,
            oversold: None,
            retries: None,
            deadlocks: None,
            per_second: None,
            p50_ms: None,
            p99_ms: None,
            as_expected: true,
            verdict: format!("not here: {reason}"),
        }
    }
}

impl Account<'_> {
    fn judge(&self, promise: Promise) -> (bool, String) {
        let may_fail = |failure: &Failure| match promise {
            Promise::Fails => failure.conflict.is_some(),
            Promise::Oversells => self.has_check && failure.said.contains(CHECK_NAME),
            Promise::Loses | Promise::TurnsAway | Promise::Exact => false,
        };
        let (as_expected, mut words) = match promise {
            _ if let Some((count, failure)) = self.heat.tally.failures(|it| !may_fail(it)) => {
                (false, format!("{} got an error: {failure}", buyers(count)))
            }
            Promise::Loses => self.loses(),
            _ if self.surplus != 0 => (false, self.books_are_off()),
            Promise::Oversells => self.oversells(),
            _ if self.oversold > 0 => {
                (false, format!("{} sold that were not there", copies_were(self.oversold)))
            }
            Promise::Fails => self.fails(),
            Promise::TurnsAway => self.turns_away(),
            Promise::Exact => self.exact(),
        };
        if !as_expected {
            words = format!("NOT AS IT SHOULD: {words}");
        }
        let (answered, purchases) = (self.heat.tally.answered(), u64::from(self.load.purchases));
        if answered < purchases {
            words += &format!("; time was up after {answered} of {purchases} purchases");
        }
        (as_expected, words)
    }

    fn loses(&self) -> (bool, String) {
        let tally = &self.heat.tally;
        let sold = tally.acknowledged;
        let mut words = match self.surplus {
            // What one overwrote and what the other did cannot be told apart any more.
            off @ (1.. | ..0) if tally.restocked > 0 => {
                format!("the shelf is off by {off:+}: sales and deliveries overwrote each other")
            }
            0 if tally.restocked > 0 => {
                return (true, "the shelf is right, by chance: nothing protects it".to_owned());
            }
            lost @ 1.. => format!(
                "lost {lost} of {sold} sales: buyers read the same number and overwrote each other"
            ),
            ..0 => return (false, self.books_are_off()),
            0 if self.load.buyers < ENOUGH_BUYERS || tally.answered() < ENOUGH_PURCHASES => {
                return (
                    true,
                    "lost nothing this time, by chance: few buyers met. Try more --buyers and \
                     --purchases"
                        .to_owned(),
                );
            }
            0 => return (false, "lost nothing, although nothing protects it".to_owned()),
        };
        if self.oversold > 0 {
            words += &format!(", so {} sold that were not there", copies_were(self.oversold));
        }
        if self.has_check {
            words += "; the CHECK constraint sees nothing wrong in any of the numbers written";
        }
        (true, words)
    }

    fn books_are_off(&self) -> String {
        match self.surplus {
            1.. => format!("lost {}", counted(self.surplus, "sale", "sales")),
            _ => format!("{} gone that nobody has", copies_are(-self.surplus)),
        }
    }

    fn oversells(&self) -> (bool, String) {
        let tally = &self.heat.tally;
        let refused = tally.failures(|_| true).map_or(0, |(count, _)| count);
        match (self.has_check, self.oversold) {
            (true, 0) if refused > 0 => (
                true,
                format!(
                    "lost nothing; the CHECK constraint refused {}, or it would have sold copies that \
                     were not there",
                    buyers(refused)
                ),
            ),
            (true, 0) => (true, "lost nothing; the CHECK constraint was not needed".to_owned()),
            (true, oversold) => {
                (false, format!("{} sold past the constraint", copies_were(oversold)))
            }
            (false, 0) => (
                true,
                "lost nothing, as long as there are copies: nothing stops it at zero".to_owned(),
            ),
            (false, oversold) => (
                true,
                format!(
                    "lost nothing, but {} sold that were not there: nothing stops it at zero \
                     (--check-constraint does)",
                    copies_were(oversold)
                ),
            ),
        }
    }

    fn fails(&self) -> (bool, String) {
        let tally = &self.heat.tally;
        let words = match tally.failures(|_| true) {
            Some((count, failure)) => format!(
                "lost nothing, but {count} of {} got an error: {failure}",
                buyers(tally.answered())
            ),
            None => "lost nothing, and no two buyers met this time".to_owned(),
        };
        (true, words)
    }

    fn turns_away(&self) -> (bool, String) {
        let tally = &self.heat.tally;
        let words = match (tally.turned_away, self.heat.final_quantity) {
            (0, _) => "lost nothing, and no two buyers met this time".to_owned(),
            (away, left) => format!(
                "lost nothing, but sent {away} of {} away because the row was locked; {} left",
                buyers(tally.answered()),
                copies_are(left)
            ),
        };
        (true, words)
    }

    fn exact(&self) -> (bool, String) {
        let tally = &self.heat.tally;
        let wanted = tally.answered().cast_signed().min(self.available);
        let served = (tally.acknowledged + tally.gave_up).cast_signed();
        // Who came before a delivery found nothing, and rightly so.
        if served < wanted && tally.restocked == 0 {
            return (false, format!("sold {served} where {wanted} could be sold"));
        }
        let mut words = match (tally.sold_out, self.heat.final_quantity) {
            (1.., 0) => format!(
                "sold exactly what was there: {}",
                counted(tally.acknowledged, "copy", "copies")
            ),
            _ => "lost nothing and sold no copy twice".to_owned(),
        };
        if tally.retries > 0 {
            words += &format!(", after {}", counted(tally.retries, "retry", "retries"));
        }
        if tally.gave_up > 0 {
            words += &format!("; {} gave up when the time was up", buyers(tally.gave_up));
        }
        (true, words)
    }
}

fn buyers(count: u64) -> String {
    counted(count, "buyer", "buyers")
}

fn copies_were(count: i64) -> String {
    counted(count, "copy was", "copies were")
}

fn copies_are(count: i64) -> String {
    counted(count, "copy is", "copies are")
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
