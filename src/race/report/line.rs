//! A sweep, strategy by strategy.

use crate::race::outcome::SweepPoint;

/// One strategy's points, fewest buyers first.
pub(super) struct Line<'a> {
    pub(super) strategy: &'a str,
    pub(super) points: Vec<&'a SweepPoint>,
}

/// The lines of `sweep`, whatever the order of its points; strategies in the order in which they
/// first appear.
pub(super) fn lines(sweep: &[SweepPoint]) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for point in sweep {
        match lines.iter_mut().find(|line| line.strategy == point.strategy) {
            Some(line) => line.points.push(point),
            None => lines.push(Line { strategy: point.strategy, points: vec![point] }),
        }
    }
    for line in &mut lines {
        line.points.sort_by_key(|point| point.buyers);
    }
    lines
}
