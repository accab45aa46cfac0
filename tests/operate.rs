//! docs/operate.md is complete: every setting has its line, every alert its section, and the figures are
//! those that were measured.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::path::Path;

use bookstore::config::{Common, Serve};
use clap::{Arg, Args, Command};

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn document() -> String {
    read("docs/operate.md")
}

/// The rows of the table whose first column has this heading, cell by cell.
fn rows(text: &str, heading: &str) -> Vec<Vec<String>> {
    let is_head = |line: &&str| !line.starts_with(&format!("| {heading} |"));
    let rows = text.lines().skip_while(is_head).skip(2).take_while(|line| line.starts_with('|'));
    let cell = |cell: &str| cell.trim().replace("\\|", "|");
    rows.map(|line| {
        let line = line.trim().trim_start_matches('|').trim_end_matches('|');
        line.split(" | ").map(cell).collect()
    })
    .collect()
}

fn settings() -> Vec<Arg> {
    let command = Serve::augment_args(Common::augment_args(Command::new("bookstore")));
    command.get_arguments().cloned().collect()
}

/// The beginning of the row of a setting, as far as the program knows it.
fn beginning(setting: &Arg) -> [String; 2] {
    let variable = setting.get_env().expect("a setting may stand in the environment");
    let flag = setting.get_long().expect("a setting has a flag");
    [format!("`--{flag}`"), format!("`{}`", variable.to_string_lossy())]
}

fn default_of(setting: &Arg) -> Option<String> {
    let values: Vec<_> = setting.get_default_values().iter().collect();
    values.first().map(|value| format!("`{}`", value.to_string_lossy()))
}

#[test]
fn every_setting_has_its_line() {
    let document = document();
    let rows = rows(&document, "flag");
    for setting in settings() {
        let [flag, variable] = beginning(&setting);
        let default = default_of(&setting);
        let shown = default.clone().unwrap_or_else(|| "none".to_owned());
        let wanted = format!("| {flag} | {variable} | {shown} | when to change it |");
        let row = rows.iter().find(|row| row[0] == flag);
        let row = row.unwrap_or_else(|| panic!("docs/operate.md lacks the line\n{wanted}"));
        assert_eq!(row.len(), 4, "{row:?}");
        assert_eq!(row[1], variable, "{wanted}");
        match default {
            Some(default) => assert_eq!(row[2], default, "{wanted}"),
            // What it is then is said in words.
            None => assert!(!row[2].is_empty(), "{wanted}"),
        }
        assert!(row[3].len() > 10, "when to change {flag}?");
    }
}

#[test]
fn every_line_is_a_setting() {
    let flags: Vec<_> = settings().iter().map(|setting| beginning(setting)[0].clone()).collect();
    let document = document();
    let rows = rows(&document, "flag");
    assert!(rows.len() >= 10, "{} lines", rows.len());
    for row in rows {
        assert!(flags.contains(&row[0]), "{} is no setting", row[0]);
    }
}

#[test]
fn every_alert_has_its_section() {
    let rules = read("ops/alerts.yml");
    let alerts: Vec<_> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() >= 10, "{alerts:?}");
    let document = document();
    let (_, after) = document.split_once("\n## Alerts\n").unwrap();
    let sections = after.split("\n## ").next().unwrap().split("\n### ").skip(1);
    let sections: Vec<_> = sections.map(|section| section.split_once('\n').unwrap()).collect();
    let explained: Vec<_> = sections.iter().map(|(name, _)| name.trim_matches('`')).collect();
    assert_eq!(explained, alerts, "sections, and alerts, in their order");
    for (name, text) in sections {
        assert!(text.trim().len() > 80, "{name} is not explained");
    }
}

/// What the heading is called in a link.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_ascii_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn what_is_referred_to_is_there() {
    let document = document();
    let headings =
        document.lines().filter_map(|line| line.trim_start_matches('#').strip_prefix(' '));
    let anchors: Vec<_> = headings.map(anchor).collect();
    let references: Vec<_> =
        document.split("](#").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
    assert!(references.len() >= 5, "{references:?}");
    for reference in references {
        assert!(anchors.iter().any(|anchor| anchor == reference), "no section is #{reference}");
    }
}

/// `1,234` or `1,234 MiB` as a number.
fn number(cell: &str) -> f64 {
    let digits: String = cell.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
    digits.parse().unwrap_or_else(|_| panic!("{cell:?} is no number"))
}

/// Measured sales a second and p99 of a contestant of a scenario.
fn measured(results: &str, contestant: &str, scenario: &str) -> [f64; 2] {
    let section = results.split("\n### ").find(|part| part.starts_with(&format!("{scenario}:")));
    let section = section.unwrap_or_else(|| panic!("no scenario {scenario}"));
    let rows = rows(section, "contestant");
    let row = rows.iter().find(|row| row[0] == contestant);
    let row = row.unwrap_or_else(|| panic!("{scenario} has no {contestant}"));
    [number(&row[1]), number(&row[5])]
}

/// A benchmark that runs again finds other figures; those to plan by are still about the same, or
/// deserve another look.
#[test]
fn the_figures_to_plan_by_are_about_those_that_were_measured() {
    let (document, results) = (document(), read("bench/RESULTS.md"));
    let rows = rows(&document, "load");
    assert!(rows.len() >= 8, "{} lines", rows.len());
    for row in rows {
        let names: Vec<_> = row[3].split('`').collect();
        let [_, contestant, _, scenario, _] = names[..] else { panic!("{row:?}") };
        let found = measured(&results, contestant, scenario);
        for (said, found) in [&row[1], &row[2]].into_iter().zip(found) {
            let ratio = number(said) / found;
            assert!((0.5..=2.0).contains(&ratio), "{}: {said} was measured as {found}", row[0]);
        }
    }
}
