//! The order of things: peace, each attack alone, all at once, peace again, and what is left of it all.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::arguments::Arguments;
use crate::attacks::{Attack, Attacks, Target};
use crate::bars;
use crate::figures::{Aftermath, Figures, Orders, Phase};
use crate::scarcity;
use crate::server::{Server, Shop};
use crate::shopper::Shopper;
use crate::trouble::Trouble;
use crate::vitals::{Patient, Vitals, Watch};
use crate::wait::until;

/// Books in the catalogue: pages of a hundred have something to show.
const BOOKS: u32 = 1_000;
/// Books that the honest client buys.
const WANTED: i64 = 100;
/// The two books of requests of odd shape.
const OUTER: i64 = 201;
const INNER: i64 = 202;
/// The book that is sold when files are scarce.
const SCARCE: i64 = 203;
const COPIES: i64 = 1_000_000;

/// Until the connections of attackers who left must be gone.
const QUIET: Duration = Duration::from_secs(60);

/// The server, its honest client, and its enemies.
struct Field<'a> {
    arguments: &'a Arguments,
    shopper: Shopper,
    target: Target,
    patient: Patient,
    progress: ProgressBar,
}

/// Everything, from the start of the server to its end.
pub(crate) fn lay(arguments: &Arguments) -> Result<Figures, Trouble> {
    let shop = Shop::open(&arguments.server, arguments.database_url.as_deref())?;
    shop.import(&catalogue(), &COPIES.to_string())?;
    let honest = shop.token("storefront", "the honest client")?;
    let hostile = shop.token("storefront", "a hostile client")?;
    let server = shop.serve(&arguments.server_arguments)?;
    let (address, patient) =
        (server.address, Patient { pid: server.pid(), address: server.address });
    let field = Field {
        arguments,
        shopper: Shopper::new(address, honest.clone(), (1..=WANTED).collect(), arguments.rate)?,
        target: Target { address, token: hostile, outer: OUTER, inner: INNER },
        patient,
        progress: progress(arguments),
    };
    field.has_room()?;
    let (phases, calm) = field.phases();
    let aftermath = field.aftermath(&shop, server, calm)?;
    field.say("starting one that may have few files open");
    let scarcity = scarcity::endure(&shop, &arguments.server_arguments, &honest, SCARCE)?;
    field.progress.finish_and_clear();
    let bars = bars::of(&phases, &scarcity, &aftermath);
    let backend = shop.backend().to_owned();
    let (scale, rate) = (arguments.scale(), arguments.rate);
    Ok(Figures { backend, scale, rate, phases, scarcity, aftermath, bars })
}

impl Field<'_> {
    /// Whether the operating system lets the server take all the guests: if not, the siege would measure
    /// that.
    fn has_room(&self) -> Result<(), Trouble> {
        let needed = 4_500;
        let most = self.patient.most_descriptors().unwrap_or(0);
        if most >= needed {
            return Ok(());
        }
        Err(Trouble(format!(
            "the server may have {most} files open and needs {needed}: `ulimit -n` says how many, and \
             scripts/siege raises it as far as it may"
        )))
    }

    /// All of them, and how the server was in the first calm.
    fn phases(&self) -> (Vec<Phase>, Vitals) {
        let arguments = self.arguments;
        // The first connections, caches and plans are nobody's calm figure.
        self.shopper.shop(arguments.calm().mul_f64(0.2));
        let mut phases = vec![self.phase("calm", &[], arguments.calm())];
        let calm = self.patient.vitals_at_rest();
        let attacks = arguments.attacks();
        if !arguments.no_solos {
            for attack in &attacks {
                phases.push(self.phase(attack.name(), &[*attack], arguments.solo()));
            }
        }
        phases.push(self.phase("all at once", &attacks, arguments.all_at_once()));
        phases.push(self.phase("calm again", &[], arguments.calm()));
        (phases, calm)
    }

    fn phase(&self, name: &str, attacks: &[Attack], length: Duration) -> Phase {
        self.progress.set_message(name.to_owned());
        let watch = Watch::over(self.patient);
        let besieged = Attacks::begin(attacks, &self.target, self.arguments.scale(), length);
        let shopping = self.shopper.shop(length);
        let told = besieged.end();
        let left = Instant::now();
        let is_quiet = || (self.patient.hostile_connections() == 0).then_some(());
        let quiet_after = until(QUIET, is_quiet).map(|()| left.elapsed().as_secs_f64());
        let phase = Phase {
            name: name.to_owned(),
            attacks: attacks.to_vec(),
            seconds: length.as_secs(),
            shopping,
            worst: watch.end(),
            told,
            quiet_after,
        };
        let p99 = phase.shopping.all.p99;
        let failed = phase.shopping.failed();
        let quiet =
            quiet_after.map_or("never".to_owned(), |seconds| format!("after {seconds:.1} s"));
        self.say(&format!("{name:<18} p99 {p99:>8.1} ms, {failed} failed, quiet {quiet}"));
        self.progress.inc(1);
        phase
    }

    /// A line on standard error, above the bar if there is one.
    fn say(&self, line: &str) {
        if self.progress.is_hidden() { eprintln!("{line}") } else { self.progress.println(line) }
    }
}

impl Field<'_> {
    /// What is left of it all, until the server has ended.
    fn aftermath(&self, shop: &Shop, server: Server, calm: Vitals) -> Result<Aftermath, Trouble> {
        self.progress.set_message("what is left");
        let after = self.patient.vitals_at_rest();
        let connections = self.patient.hostile_connections();
        self.shopper.settle();
        let orders = self.orders()?;
        let left = self.shopper.quantity(INNER).map_err(Trouble)?;
        let is_ready = self.shopper.is_ready();
        self.say("asking the audit");
        let audit = shop.audit().err().map(|trouble| trouble.to_string());
        let ((panics, known_panics), log_bytes) = (server.panics(), server.log_size());
        let peak_memory = self.patient.peak_memory();
        self.say("asking the server to stop");
        Ok(Aftermath {
            calm,
            after,
            connections,
            is_ready,
            peak_memory,
            orders,
            smuggled: COPIES - left,
            audit,
            panics,
            known_panics,
            log_bytes,
            has_ended_well: server.stop(),
        })
    }

    /// What the honest client was told, beside what the store has.
    fn orders(&self) -> Result<Orders, Trouble> {
        let notebook = self.shopper.notebook();
        let listed = self.shopper.listed().map_err(Trouble)?;
        let mut times: HashMap<&str, usize> = HashMap::new();
        for id in &listed {
            *times.entry(id).or_default() += 1;
        }
        let is_there_once = |id: &str| times.get(id) == Some(&1);
        let missing = notebook.placed.values().filter(|id| !is_there_once(id)).cloned();
        Ok(Orders {
            acknowledged: notebook.placed.len(),
            in_doubt: notebook.in_doubt.len(),
            listed: listed.len(),
            lost_or_doubled: missing.collect(),
        })
    }
}

/// A catalogue as people import one.
fn catalogue() -> String {
    let rows = (1..=BOOKS).map(|number| {
        let isbn = isbn(number);
        format!("{isbn},\"Book {number}, about what happens under siege\",\"Author {number}\"\n")
    });
    "isbn,title,author\n".to_owned() + &rows.collect::<String>()
}

/// The ISBN-13 with this number in it.
fn isbn(number: u32) -> String {
    let twelve = format!("978{number:09}");
    let weighted = twelve.bytes().zip([1, 3].into_iter().cycle());
    let sum: u32 = weighted.map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    format!("{twelve}{}", (10 - sum % 10) % 10)
}

fn progress(arguments: &Arguments) -> ProgressBar {
    let solos = if arguments.no_solos { 0 } else { arguments.attacks().len() };
    let bar = ProgressBar::new(solos as u64 + 3);
    let style = ProgressStyle::with_template("[{pos}/{len}] {msg} {elapsed}");
    bar.set_style(style.expect("the template is right"));
    bar.enable_steady_tick(Duration::from_secs(1));
    bar
}
