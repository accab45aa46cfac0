//! What the page must be, whatever it shows.

mod sample;

use std::collections::BTreeSet;

use sample::report;

use super::{number, render};

/// What stands in `page` between each `before` and the next `after`.
fn between<'a>(page: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    page.split(before).skip(1).filter_map(|rest| Some(rest.split_once(after)?.0)).collect()
}

#[test]
fn the_page_asks_for_nothing_and_runs_nothing() {
    let page = render(&report());
    for outside in ["http:", "https:", "src=", "@import", "<script", "<iframe", "javascript:"] {
        assert!(!page.contains(outside), "{outside}");
    }
    for target in between(&page, "href=\"", "\"") {
        assert!(target.starts_with('#') || target == "data:,", "{target}");
    }
    for target in between(&page, "url(", ")") {
        assert!(target.starts_with('#'), "{target}");
    }
    assert_eq!(between(&page, "Content-Security-Policy\" content=\"", "\"").len(), 1);
}

#[test]
fn what_a_server_says_is_text() {
    let evil = "<script>alert('1')</script> \" onload=\"alert(1)";
    let mut report = report();
    report.plenty.version = evil.to_owned();
    report.plenty.results[0].verdict = evil.to_owned();
    report.plenty.results[0].as_expected = false;
    report.command = evil.to_owned();
    report.timelines[0].steps[0].action = evil.to_owned();
    report.timelines[0].steps[0].error = Some(evil.to_owned());
    let page = render(&report);
    assert!(!page.contains("<script") && !page.contains("\" onload"), "{page}");
    assert_eq!(page.matches("&lt;script&gt;").count(), 8);
}

#[test]
fn every_number_of_the_charts_is_in_a_table() {
    let report = report();
    let page = render(&report);
    let cells: BTreeSet<_> = between(&page, "<td", "</td>")
        .into_iter()
        .filter_map(|cell| cell.split('>').next_back())
        .collect();
    for outcome in report.plenty.results.iter().chain(&report.scarce.as_ref().unwrap().results) {
        for figure in [outcome.lost_updates, outcome.oversold].into_iter().flatten() {
            let figure = number::count(i64::try_from(figure).unwrap());
            assert!(cells.contains(figure.as_str()), "{figure}");
        }
    }
    let sweep = page.rsplit("<table").next().unwrap().split("</table>").next().unwrap();
    assert_eq!(sweep.matches("scope=\"row\"").count(), 5);
    for point in &report.sweep {
        let figure = number::rate(point.per_second);
        assert!(cells.contains(figure.as_str()), "{figure}");
    }
}

#[test]
fn every_picture_says_what_it_shows() {
    let report = report();
    let page = render(&report);
    let pictures = between(&page, "<svg", "</svg>");
    // One for each run, one for each line.
    assert_eq!(pictures.len(), 2 + 5);
    for picture in pictures {
        assert!(picture.trim_start().starts_with("role=\"img\" aria-labelledby="), "{picture}");
        for part in ["title", "desc"] {
            let words = between(picture, &format!("<{part}"), &format!("</{part}>"));
            assert!(words.len() == 1 && words[0].len() > 20, "{picture}");
        }
    }
    let naive = "350 with 1 buyer, 330 with 2 buyers, 260 with 4 buyers, 190 with 8 buyers";
    assert!(page.contains(naive));
    assert!(page.contains("naive: 562 lost, 562 oversold; f-expression: 0 lost, 350 oversold"));
}

#[test]
fn what_is_referred_to_is_there_once() {
    let page = render(&report());
    let ids = between(&page, " id=\"", "\"");
    let distinct: BTreeSet<_> = ids.iter().copied().collect();
    assert_eq!(ids.len(), distinct.len(), "{ids:?}");
    let named = between(&page, "labelledby=\"", "\"").into_iter().flat_map(str::split_whitespace);
    let linked = between(&page, "href=\"#", "\"").into_iter();
    for id in named.chain(linked).chain(between(&page, "url(#", ")")) {
        assert!(distinct.contains(id), "{id}");
    }
}

#[test]
fn a_wait_is_drawn_until_the_waiter_goes_on() {
    let mut report = report();
    report.timelines.drain(..1);
    report.timelines.truncate(1);
    let page = render(&report);
    let lanes: Vec<_> = between(&page, "<td class=\"lane ", "\"");
    let of_book2: Vec<_> = lanes.iter().skip(1).step_by(2).copied().collect();
    assert_eq!(
        of_book2,
        ["free", "free", "free", "begins", "waits", "waits", "ends", "free", "free"]
    );
    assert!(lanes.iter().step_by(2).all(|lane| *lane == "free"));
    assert_eq!(page.matches("still waits").count(), 2);
    assert!(page.contains("waits for book1, seen in <code>pg_blocking_pids</code>"));
}

#[test]
fn a_change_of_the_row_is_marked_where_it_can_be_seen_from_outside() {
    let page = render(&report());
    let changes = between(&page, "quantity changed\">", "<");
    assert_eq!(changes, ["10 → 9", "10 → 9", "9 → 8", "10 → 9"]);
}

#[test]
fn what_was_not_asked_for_is_not_there() {
    let mut report = report();
    report.scarce = None;
    report.sweep.clear();
    report.timelines.clear();
    let page = render(&report);
    for section in ["race", "throughput"] {
        assert!(
            !page.contains(&format!("\"{section}\"")) && !page.contains(&format!("#{section}"))
        );
    }
    assert_eq!(between(&page, "<svg", "</svg>").len(), 1);
    assert!(!page.contains("oversold</span>"), "no copy can be oversold where they abound");
}

#[test]
fn the_summary_names_who_did_damage_and_who_refused() {
    let page = render(&report());
    let summary = between(&page, "id=\"summary\"", "</section>")[0];
    assert!(
        summary.contains(
            "naive lost 774 copies. Refused although there were copies: skip-locked 583."
        )
    );
    assert!(
        summary
            .contains("naive lost 562 copies and oversold 562; f-expression oversold 350 copies.")
    );
    assert!(
        summary.contains("Never wrong: select-for-update, serializable, skip-locked and till.")
    );
    assert!(summary.contains("Each behaved as its description says."));
}

#[test]
fn what_did_not_behave_as_described_cannot_be_missed() {
    let mut report = report();
    report.plenty.results[2].as_expected = false;
    report.plenty.results[2].verdict = "lost 3 updates".to_owned();
    let page = render(&report);
    let summary = between(&page, "id=\"summary\"", "</section>")[0];
    assert!(summary.contains("Not as described:") && summary.contains("lost 3 updates"));
    assert!(!summary.contains("Each behaved"));
}
