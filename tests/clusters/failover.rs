//! PostgreSQL with a synchronous standby, which pg_auto_failover lets take over. The machine of the primary
//! is killed, or loses its network, and comes back as the standby of the other.

use std::time::{Duration, Instant};

use crate::clients;
use crate::fleet::Fleet;
use crate::kit::{Backend, Connection, Database, eventually};
use crate::machine::Machine;
use crate::report::{Promotion, Report, promotions};
use crate::settings::Settings;
use crate::watch::Watch;

const NODES: [Machine; 2] = [Machine(1), Machine(2)];
const MONITOR: Machine = Machine(3);

const SERVERS: usize = 2;

/// Every so many times it is the network that is lost.
const PARTITION_EVERY: usize = 4;

/// A standby that does not take over in this time, or a machine that is not back in it, never does.
const PATIENCE: Duration = Duration::from_secs(120);

/// What was committed before the fault may be answered for so long after it.
const ANSWERS_ON_THEIR_WAY: Duration = Duration::from_millis(200);

/// So long the shop sells between two faults.
const QUIET: Duration = Duration::from_secs(1);

pub fn run(settings: &Settings) -> bool {
    let seed = settings.seed();
    println!("\nPostgreSQL with failover: {} clients, seed {seed}", settings.clients);
    let mut database = Database::migrated(Backend::Postgres);
    let hosts = NODES.map(|node| format!("{}:5432", node.address())).join(",");
    // As in docs/operate.md.
    database.url =
        format!("postgres://postgres@{hosts}/{}?target_session_attrs=read-write", database.name());
    let urls = vec![database.url.clone(); SERVERS];
    let fleet = Fleet::launch(database, &urls);
    let watch = Watch::new();
    let (mut history, done) = std::thread::scope(|scope| {
        let hand = scope.spawn(|| {
            let _ending = watch.ending();
            (1..=settings.promotions).map_while(|round| promote(round, &watch)).collect()
        });
        let history = clients::act(&fleet, &watch, settings.clients, seed);
        // None is too few. What made it fail is said above, and the history is still checked.
        let done: Vec<Promotion> = hand.join().unwrap_or_default();
        (history, done)
    });
    wait_for_both();
    clients::settle(&fleet, &watch, &mut history);
    fleet.land();
    println!("{}", promotions(&done));
    let report = Report::of(&fleet, history, watch.start.elapsed());
    let is_good = report.show("failover", seed);
    is_good && done.len() == settings.promotions
}

/// Takes the primary away and waits until the other sells; none if it never does.
fn promote(round: usize, watch: &Watch) -> Option<Promotion> {
    wait_for_both();
    let sells = watch.first_sale_after(Instant::now(), PATIENCE);
    if sells.is_none() {
        println!("{round:>3}  nothing is sold though both are there");
        return None;
    }
    std::thread::sleep(QUIET);
    let old = primary()?;
    let is_partition = round.is_multiple_of(PARTITION_EVERY);
    if is_partition {
        old.cut()
    } else {
        old.crash()
    }
    let lost = Instant::now();
    let first = watch.first_sale_after(lost + ANSWERS_ON_THEIR_WAY, PATIENCE);
    let first_sale = first.map(|first| first + ANSWERS_ON_THEIR_WAY);
    let new = primary();
    if is_partition {
        old.mend()
    } else {
        old.start()
    }
    let promotion = Promotion { round, old, new, is_partition, first_sale };
    println!("{promotion}");
    promotion.is_done().then_some(promotion)
}

/// Waits until one is the primary and the other its synchronous standby.
fn wait_for_both() {
    eventually(PATIENCE, "both servers are there", || {
        let states = states()?;
        let has = |state: &str| states.iter().any(|(_, is, should)| is == state && should == state);
        (has("primary") && has("secondary")).then_some(())
    });
}

/// Who takes sales, as the monitor sees it.
fn primary() -> Option<Machine> {
    let states = states()?;
    let is_primary = |goal: &str| ["primary", "wait_primary"].contains(&goal);
    let address = &states.iter().find(|(_, _, should)| is_primary(should))?.0;
    NODES.into_iter().find(|node| node.address() == *address)
}

/// Address, state and wanted state of each.
fn states() -> Option<Vec<(String, String, String)>> {
    let url = format!("postgres://autoctl_node@{}/pg_auto_failover", MONITOR.address());
    let mut monitor = Connection::try_open(Backend::Postgres, &url).ok()?;
    let rows = monitor.texts(
        "SELECT concat_ws('|', nodehost, reportedstate, goalstate) AS word FROM pgautofailover.node",
    );
    let split = |row: String| {
        let mut words = row.split('|').map(str::to_owned);
        Some((words.next()?, words.next()?, words.next()?))
    };
    rows.into_iter().map(split).collect()
}
