//! MariaDB with Galera: three nodes, each written to by a server of the shop of its own. Nodes are killed
//! and lose their networks, one after another, so that two are always left who may go on.

use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::fleet::Fleet;
use crate::kit::{Backend, Connection, Database, eventually};
use crate::machine::Machine;
use crate::report::{Fault, Loss, Report, losses};
use crate::settings::Settings;
use crate::watch::Watch;
use crate::{clients, dice};

const NODES: [Machine; 3] = [Machine(1), Machine(2), Machine(3)];

/// A node that is not back in this time never is.
const PATIENCE: Duration = Duration::from_secs(180);

/// A shop that sells nothing for so long though two nodes are left is stuck.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

const ANSWERS_ON_THEIR_WAY: Duration = Duration::from_millis(200);

/// How often it tells how far it is.
const TELL_EVERY: Duration = Duration::from_secs(10);

pub fn run(settings: &Settings) -> bool {
    let seed = settings.seed();
    println!("\nMariaDB Galera, 3 nodes: {} clients, seed {seed}", settings.clients);
    let mut database = Database::migrated(Backend::Mysql);
    let url = |node: Machine| format!("mysql://root@{}:3306/{}", node.address(), database.name());
    let urls = NODES.map(url);
    database.url = urls[0].clone();
    let fleet = Fleet::launch(database, &urls);
    let watch = Watch::new();
    let (mut history, done) = std::thread::scope(|scope| {
        let hand = scope.spawn(|| strike(settings, &watch));
        scope.spawn(|| tell(&watch, settings.orders));
        let history = clients::act(&fleet, &watch, settings.clients, seed);
        // None is too few. What made it fail is said above, and the history is still checked.
        (history, hand.join().unwrap_or_default())
    });
    let wanted = settings.kills + settings.partitions;
    let sold_on = done.iter().all(|loss| loss.first_sale.is_some());
    let is_whole = done.len() == wanted && sold_on && watch.acknowledged() >= settings.orders;
    clients::settle(&fleet, &watch, &mut history);
    fleet.land();
    println!("{}", losses(&done));
    let are_equal = are_equal(&urls);
    let is_good = Report::of(&fleet, history, watch.start.elapsed()).show("galera", seed);
    is_good && is_whole && are_equal
}

/// Does all faults in an order that the seed decides, and ends the run when enough was sold.
fn strike(settings: &Settings, watch: &Watch) -> Vec<Loss> {
    let _ending = watch.ending();
    let mut dice = dice::from_seed(settings.seed(), 0);
    let mut faults = vec![Fault::Killed; settings.kills];
    faults.extend(vec![Fault::Partitioned; settings.partitions]);
    faults.shuffle(&mut dice);
    let step = settings.orders / (faults.len() + 1);
    let mut done = Vec::new();
    for (number, fault) in faults.into_iter().enumerate() {
        if !sell(watch, step * (number + 1)) {
            break;
        }
        let loss = lose(number + 1, fault, watch, &mut dice);
        println!("{loss}");
        let is_over = loss.first_sale.is_none();
        done.push(loss);
        if is_over {
            break;
        }
    }
    sell(watch, settings.orders);
    done
}

/// Waits until so many were sold. False if nothing is sold any more.
fn sell(watch: &Watch, orders: usize) -> bool {
    while watch.acknowledged() < orders {
        if watch.first_sale_after(Instant::now(), LONGEST_SILENCE).is_none() {
            println!("the shop is stuck: it sold nothing for {LONGEST_SILENCE:?}");
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    true
}

fn lose(round: usize, fault: Fault, watch: &Watch, dice: &mut StdRng) -> Loss {
    let node = NODES[dice.random_range(0..NODES.len())];
    let lasts = Duration::from_millis(dice.random_range(500..8_000));
    match fault {
        Fault::Killed => node.crash(),
        Fault::Partitioned => node.cut(),
    }
    let lost = Instant::now();
    let first = watch.first_sale_after(lost + ANSWERS_ON_THEIR_WAY, LONGEST_SILENCE);
    let first_sale = first.map(|first| first + ANSWERS_ON_THEIR_WAY);
    std::thread::sleep(lasts);
    match fault {
        Fault::Killed => node.start(),
        Fault::Partitioned => node.mend(),
    }
    let began = Instant::now();
    wait_for_all();
    Loss { round, fault, node, first_sale, lasted: began - lost, back: began.elapsed() }
}

/// Waits until every node is in the cluster and has what the others have.
fn wait_for_all() {
    eventually(PATIENCE, "three nodes are there", || {
        NODES.iter().all(|node| is_synced(*node)).then_some(())
    });
}

fn is_synced(node: Machine) -> bool {
    let url = format!("mysql://root@{}:3306/mysql", node.address());
    let Ok(mut connection) = Connection::try_open(Backend::Mysql, &url) else { return false };
    let mut status = |name: &str| {
        let from = "information_schema.global_status WHERE variable_name";
        connection.text(&format!("SELECT variable_value FROM {from} = '{name}'"))
    };
    let is = |value: Option<String>, wanted: &str| value.as_deref() == Some(wanted);
    is(status("wsrep_local_state_comment"), "Synced") && is(status("wsrep_cluster_size"), "3")
}

/// Whether all nodes hold the same.
fn are_equal(urls: &[String]) -> bool {
    let sums: Vec<String> = urls.iter().map(|url| sums(url)).collect();
    let are_equal = sums.iter().all(|sum| *sum == sums[0]);
    if !are_equal {
        println!("the nodes differ: {sums:?}");
    }
    are_equal
}

/// How many rows each table has, and a sum over all that moves.
fn sums(url: &str) -> String {
    let mut connection = Connection::open(Backend::Mysql, url);
    connection.run("SET SESSION wsrep_sync_wait = 15");
    let mut number = |query: &str| connection.number(query).to_string();
    [
        number("SELECT count(*) FROM orders"),
        number("SELECT count(*) FROM stock_entries"),
        number("SELECT sum(quantity) + 3 * sum(last_seq) FROM books"),
        number(
            "SELECT 1000000 * count(*) + sum(delta) + 3 * sum(quantity_after) FROM stock_movements",
        ),
        number("SELECT sum(crc32(concat(hex(id), status, total_minor))) FROM orders"),
    ]
    .join(" ")
}

fn tell(watch: &Watch, orders: usize) {
    let mut told = Instant::now();
    while !watch.is_over() {
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            let seconds = watch.start.elapsed().as_secs();
            println!("{seconds:>5} s  {} of {orders} orders", watch.acknowledged());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
