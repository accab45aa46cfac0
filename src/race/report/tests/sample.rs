//! A report with one of everything: damage, waits, errors, a strategy that is not there.

use crate::race::outcome::{Actor, Outcome, Report, Run, Step, SweepPoint, Timeline};

pub(super) fn report() -> Report {
    Report {
        plenty: run(
            2_000,
            vec![
                outcome("naive", [800, 0, 1_974, 774, 0], 0, 1_830.0),
                outcome("f-expression", [800, 0, 1_200, 0, 0], 0, 1_240.0),
                outcome("select-for-update", [800, 0, 1_200, 0, 0], 0, 910.0),
                outcome("serializable", [800, 0, 1_200, 0, 0], 9_512, 88.0),
                outcome("skip-locked", [217, 583, 1_783, 0, 0], 0, 6_100.0),
                lacking("immediate", "PostgreSQL has no BEGIN IMMEDIATE; its row locks do this"),
                outcome("till", [800, 0, 1_200, 0, 0], 0, 11_300.0),
            ],
        ),
        scarce: Some(run(
            50,
            vec![
                outcome("naive", [612, 188, 0, 562, 562], 0, 1_910.0),
                outcome("f-expression", [400, 400, -350, 0, 350], 0, 1_260.0),
                outcome("select-for-update", [50, 750, 0, 0, 0], 0, 930.0),
                outcome("serializable", [50, 750, 0, 0, 0], 1_204, 95.0),
                lacking("immediate", "PostgreSQL has no BEGIN IMMEDIATE; its row locks do this"),
                outcome("till", [50, 750, 0, 0, 0], 0, 12_100.0),
            ],
        )),
        sweep: sweep(),
        timelines: vec![naive(), locked(), serializable()],
        command: "bookstore race run --buyers 32 --report race.html".to_owned(),
        made_at: "2026-03-01T12:00:00Z".to_owned(),
    }
}

fn run(copies: i32, results: Vec<Outcome>) -> Run {
    let version = "PostgreSQL 15.18".to_owned();
    Run { backend: "postgres", version, buyers: 32, purchases: 800, copies, results }
}

/// `figures`: acknowledged, refused, left, lost, oversold.
fn outcome(strategy: &'static str, figures: [i64; 5], retries: u64, per_second: f64) -> Outcome {
    let [acknowledged, refused, left, lost, oversold] = figures;
    Outcome {
        strategy,
        supported: true,
        reason: None,
        acknowledged: Some(acknowledged.unsigned_abs()),
        refused: Some(refused.unsigned_abs()),
        final_quantity: Some(left),
        lost_updates: Some(lost.unsigned_abs()),
        oversold: Some(oversold.unsigned_abs()),
        retries: Some(retries),
        deadlocks: Some(0),
        per_second: Some(per_second),
        p50_ms: Some(17.31),
        p99_ms: Some(140.2),
        as_expected: true,
        verdict: if lost > 0 { "loses updates, as said" } else { "every sale left its trace" }
            .to_owned(),
    }
}

fn lacking(strategy: &'static str, reason: &str) -> Outcome {
    Outcome {
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
        verdict: "not on this backend".to_owned(),
    }
}

fn sweep() -> Vec<SweepPoint> {
    let lines: [(_, [f64; 8]); 5] = [
        ("naive", [420.0, 810.0, 1_310.0, 1_680.0, 1_790.0, 1_830.0, 1_760.0, 1_690.0]),
        ("f-expression", [510.0, 730.0, 980.0, 1_190.0, 1_260.0, 1_240.0, 1_100.0, 910.0]),
        ("select-for-update", [380.0, 560.0, 780.0, 900.0, 930.0, 910.0, 820.0, 700.0]),
        ("serializable", [350.0, 330.0, 260.0, 190.0, 130.0, 88.0, 51.0, 23.0]),
        ("till", [690.0, 1_120.0, 2_090.0, 3_900.0, 7_010.0, 11_300.0, 17_900.0, 23_600.0]),
    ];
    // In the order in which they are measured.
    let points = |power: usize| {
        lines.iter().map(move |(strategy, rates)| SweepPoint {
            strategy,
            buyers: 1 << power,
            per_second: rates[power],
        })
    };
    (0..8).flat_map(points).collect()
}

const READ: &str = "SELECT quantity FROM race_books WHERE id = 1";

fn naive() -> Timeline {
    use Actor::{Book1, Book2};
    let steps = vec![
        step(Book1, READ, Some("10"), 10),
        step(Book2, READ, Some("10"), 10),
        step(Book1, "10 - 1 = 9, in memory", None, 10),
        step(Book1, "UPDATE race_books SET quantity = 9 WHERE id = 1", Some("1 row"), 9),
        step(Book2, "10 - 1 = 9, in memory", None, 9),
        step(Book2, "UPDATE race_books SET quantity = 9 WHERE id = 1", Some("1 row"), 9),
    ];
    timeline(
        "naive",
        Some("read-committed"),
        steps,
        [2, 9, 1],
        "Both were told “sold”; one left no trace.",
    )
}

fn locked() -> Timeline {
    use Actor::{Book1, Book2};
    let lock = format!("{READ} FOR UPDATE");
    let steps = vec![
        step(Book1, "BEGIN", None, 10),
        step(Book2, "BEGIN", None, 10),
        step(Book1, &lock, Some("10"), 10),
        Step {
            waits_for: Some(Book1),
            seen_in: Some("pg_blocking_pids"),
            ..step(Book2, &lock, None, 10)
        },
        step(Book1, "UPDATE race_books SET quantity = 9 WHERE id = 1", Some("1 row"), 10),
        step(Book1, "COMMIT", None, 9),
        step(Book2, &lock, Some("goes on, and reads 9"), 9),
        step(Book2, "UPDATE race_books SET quantity = 8 WHERE id = 1", Some("1 row"), 9),
        step(Book2, "COMMIT", None, 8),
    ];
    timeline(
        "select-for-update",
        Some("read-committed"),
        steps,
        [2, 8, 0],
        "The second waits, and reads what the first left.",
    )
}

fn serializable() -> Timeline {
    use Actor::{Book1, Book2};
    let steps = vec![
        step(Book1, "BEGIN ISOLATION LEVEL SERIALIZABLE", None, 10),
        step(Book2, "BEGIN ISOLATION LEVEL SERIALIZABLE", None, 10),
        step(Book1, READ, Some("10"), 10),
        step(Book2, READ, Some("10"), 10),
        step(Book1, "UPDATE race_books SET quantity = 9 WHERE id = 1", Some("1 row"), 10),
        Step {
            waits_for: Some(Book1),
            seen_in: Some("pg_blocking_pids"),
            ..step(Book2, "UPDATE race_books SET quantity = 9 WHERE id = 1", None, 10)
        },
        step(Book1, "COMMIT", None, 9),
        Step {
            error: Some("could not serialize access due to concurrent update".to_owned()),
            ..step(Book2, "UPDATE race_books SET quantity = 9 WHERE id = 1", None, 9)
        },
        step(Book2, "ROLLBACK", Some("and begins again"), 9),
    ];
    timeline(
        "serializable",
        Some("serializable"),
        steps,
        [1, 9, 0],
        "The second is refused and has to try again.",
    )
}

fn step(actor: Actor, action: &str, effect: Option<&str>, row: i64) -> Step {
    let (action, effect) = (action.to_owned(), effect.map(str::to_owned));
    Step { actor, action, effect, waits_for: None, seen_in: None, error: None, row }
}

/// `figures`: acknowledged, left, lost.
fn timeline(
    strategy: &'static str,
    level: Option<&'static str>,
    steps: Vec<Step>,
    figures: [i64; 3],
    verdict: &str,
) -> Timeline {
    let [acknowledged, final_quantity, lost] = figures;
    Timeline {
        strategy,
        level,
        copies: 10,
        steps,
        acknowledged: acknowledged.unsigned_abs(),
        final_quantity,
        lost_updates: lost.unsigned_abs(),
        oversold: 0,
        verdict: verdict.to_owned(),
    }
}
