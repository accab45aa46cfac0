//! The report of a race: one HTML file that needs no other. Nothing here runs anything.
//!
//! Charts are drawn here instead of by a plotting crate: those that exist write pictures of a fixed
//! size in fixed colours, or a script that draws. These follow the page's width and the reader's
//! colours, and say in words what they show. Escaping is maud's.

mod chart;
mod damage;
mod figures;
mod lanes;
mod line;
mod number;
mod prose;
mod summary;
#[cfg(test)]
mod tests;
mod throughput;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::outcome::{Report, Run};

const STYLE: &str = include_str!("style.css");

/// Forbids every request and every script, whatever a server's message may contain.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
                      base-uri 'none'; form-action 'none'";

/// The whole page, as HTML.
pub fn render(report: &Report) -> String {
    let run = &report.plenty;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // Without it a browser asks for /favicon.ico.
                link rel="icon" href="data:,";
                title { "The race on " (run.version) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "The race on " (run.version) }
                    p.about {
                        "Two requests want to sell from the same row. What becomes of them, with \
                         the naive code and with every cure."
                    }
                    p.about { time datetime=(report.made_at) { (report.made_at) } }
                }
                main { (contents(report)) (body(report)) }
            }
        }
    };
    page.into_string()
}

fn contents(report: &Report) -> Markup {
    html! {
        nav aria-label="On this page" {
            ul {
                li { a href="#summary" { "In short" } }
                @if !report.timelines.is_empty() {
                    li { a href="#race" { "The race, step by step" } }
                }
                li { a href="#damage" { "Lost and oversold copies" } }
                @if !report.sweep.is_empty() { li { a href="#throughput" { "What each costs" } } }
                li { a href="#figures" { "Figures" } }
                li { a href="#again" { "Do it again" } }
            }
        }
    }
}

fn body(report: &Report) -> Markup {
    html! {
        section id="summary" { h2 { "In short" } (summary::render(report)) }
        @if !report.timelines.is_empty() {
            section id="race" {
                h2 { "The race, step by step" }
                (lanes::introduction())
                @for (number, timeline) in report.timelines.iter().enumerate() {
                    (lanes::render(timeline, number))
                }
            }
        }
        section id="damage" {
            h2 { "Lost and oversold copies" }
            p {
                "A copy is " strong { "lost" } " when its buyer was told “sold” and the quantity does \
                 not show it. It is " strong { "oversold" } " when it was sold and was not there."
            }
            div.panels {
                @for (number, run) in runs(report).enumerate() { (damage::render(run, number)) }
            }
        }
        @if !report.sweep.is_empty() {
            section id="throughput" { h2 { "What each costs" } (throughput::render(report)) }
        }
        section id="figures" {
            h2 { "Figures" }
            (figures::glossary())
            @for run in runs(report) { (figures::run(run)) }
            @if !report.sweep.is_empty() { (figures::sweep(&report.sweep)) }
        }
        section id="again" { h2 { "Do it again" } (again(report)) }
    }
}

/// The one or two runs, and which they are.
fn runs(report: &Report) -> impl Iterator<Item = &Run> {
    std::iter::once(&report.plenty).chain(&report.scarce)
}

fn again(report: &Report) -> Markup {
    html! {
        pre tabindex="0" { code { (report.command) } }
        dl.facts {
            dt { "Database" }
            dd { (report.plenty.version) " (" code { (report.plenty.backend) } ")" }
            dt { "When" }
            dd { time datetime=(report.made_at) { (report.made_at) } }
            dt { "Program" }
            dd { "bookstore " (env!("CARGO_PKG_VERSION")) }
        }
        p {
            "The command is written without its database, which " code { "DATABASE_URL" } " names. \
             It works in tables of its own, named " code { "race_…" } ", and removes them. Figures \
             differ from run to run and from machine to machine; which strategies lose copies does \
             not."
        }
    }
}
