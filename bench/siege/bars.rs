//! What must hold, and whether it does.

use std::fmt::Display;

use crate::figures::{Aftermath, Bar, Phase, Scarcity};

/// So many times its calm figure the honest client's p99 may be while others attack.
const MOST_TIMES: f64 = 10.0;
/// And so many times once they are gone: as before, but for the noise of a small machine.
const MOST_TIMES_AFTERWARDS: f64 = 3.0;

const MIB: u64 = 1 << 20;
/// Of resident memory, at any moment.
const MOST_MEMORY: u64 = 256 * MIB;
/// The memory that may stay behind: an allocator gives back what it likes to.
const MOST_LEFT: u64 = 64 * MIB;
/// Files that may be open besides those of the calm: connections to the database come and go.
const MOST_FILES_LEFT: usize = 16;

/// The phases begin with a calm one and end with one.
pub(crate) fn of(phases: &[Phase], scarcity: &Scarcity, aftermath: &Aftermath) -> Vec<Bar> {
    let (Some(calm), Some(after)) = (phases.first(), phases.last()) else { return Vec::new() };
    let besieged: Vec<_> = phases.iter().filter(|phase| !phase.attacks.is_empty()).collect();
    let mut bars: Vec<_> =
        besieged.iter().map(|phase| slowdown(&phase.name, phase, calm, MOST_TIMES)).collect();
    bars.push(slowdown("afterwards", after, calm, MOST_TIMES_AFTERWARDS));
    bars.push(none("honest requests that failed", sum(phases, |phase| phase.shopping.failed())));
    bars.push(none("wrong answers to attackers", sum(phases, faults)));
    bars.push(quiet(&besieged));
    bars.extend(memory_and_files(aftermath));
    bars.extend(truth(aftermath));
    bars.extend(recovery(scarcity));
    bars
}

fn bar(what: impl Into<String>, wanted: impl Display, found: impl Display, is_met: bool) -> Bar {
    Bar { what: what.into(), wanted: wanted.to_string(), found: found.to_string(), is_met }
}

fn none(what: impl Into<String>, number: usize) -> Bar {
    bar(what, 0, number, number == 0)
}

fn slowdown(when: &str, phase: &Phase, calm: &Phase, most: f64) -> Bar {
    let times = phase.shopping.all.p99 / calm.shopping.all.p99;
    bar(
        format!("{when}: p99 beside the calm one"),
        format!("< {most:.0} x"),
        format!("{times:.1} x"),
        times < most,
    )
}

fn sum(phases: &[Phase], of: impl Fn(&Phase) -> usize) -> usize {
    phases.iter().map(of).sum()
}

fn faults(phase: &Phase) -> usize {
    phase.told.iter().map(|(_, told)| told.faults.len()).sum()
}

/// Whether the attackers' connections were gone soon after each attack.
fn quiet(besieged: &[&Phase]) -> Bar {
    let times: Option<Vec<f64>> = besieged.iter().map(|phase| phase.quiet_after).collect();
    let longest = times.map(|times| times.into_iter().fold(0.0, f64::max));
    bar(
        "attackers who leave are gone",
        "yes",
        longest.map_or("no".to_owned(), |seconds| format!("within {seconds:.1} s")),
        longest.is_some(),
    )
}

fn memory_and_files(aftermath: &Aftermath) -> [Bar; 4] {
    let Aftermath { calm, after, .. } = aftermath;
    let mib = |bytes: u64| format!("{} MiB", bytes.div_ceil(MIB));
    let (peak, most_left) = (aftermath.peak_memory, calm.memory + MOST_LEFT);
    let most_files = calm.descriptors + MOST_FILES_LEFT;
    [
        bar("memory at its peak", format!("< {}", mib(MOST_MEMORY)), mib(peak), peak < MOST_MEMORY),
        bar(
            "memory afterwards",
            format!("<= {}", mib(most_left)),
            mib(after.memory),
            after.memory <= most_left,
        ),
        bar(
            "open files afterwards",
            format!("<= {most_files}"),
            after.descriptors,
            after.descriptors <= most_files,
        ),
        none("connections of attackers afterwards", aftermath.connections),
    ]
}

fn truth(aftermath: &Aftermath) -> [Bar; 7] {
    let orders = &aftermath.orders;
    let yes =
        |what: &str, is_met: bool| bar(what, "yes", if is_met { "yes" } else { "no" }, is_met);
    let audit = aftermath.audit.as_deref().unwrap_or("clean");
    [
        none("acknowledged orders lost or doubled", orders.lost_or_doubled.len()),
        bar(
            "orders in the store",
            format!("the {} acknowledged", orders.acknowledged),
            format!("{}, {} in doubt", orders.listed, orders.in_doubt),
            orders.listed == orders.acknowledged && orders.in_doubt == 0,
        ),
        bar("hidden purchases that ran", 0, aftermath.smuggled, aftermath.smuggled == 0),
        bar("audit", "clean", audit, aftermath.audit.is_none()),
        none("panics", aftermath.panics),
        yes("ready afterwards", aftermath.is_ready),
        yes("ends well when asked to", aftermath.has_ended_well),
    ]
}

fn recovery(scarcity: &Scarcity) -> [Bar; 2] {
    let Scarcity { descriptors, guests, sold_after, .. } = scarcity;
    let with = format!("with {descriptors} files for {guests} guests");
    [
        bar(
            format!("{with}: lives on"),
            "yes",
            if scarcity.is_alive { "yes" } else { "no" },
            scarcity.is_alive,
        ),
        bar(
            format!("{with}: sells again when they are gone"),
            "yes",
            sold_after.map_or("no".to_owned(), |seconds| format!("within {seconds:.1} s")),
            sold_after.is_some(),
        ),
    ]
}
