//! Heads beyond measure.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::Siege;
use super::wire::{End, Wire};
use crate::answers;
use crate::hostile::huge_heads;

/// Between two of them.
const PACE: Duration = Duration::from_millis(50);

const PATIENCE: Duration = Duration::from_secs(15);

pub(super) async fn run(siege: Arc<Siege>) {
    let heads = huge_heads();
    for (name, head) in heads.iter().cycle() {
        send(&siege, name, head).await;
        sleep(PACE).await;
    }
}

async fn send(siege: &Siege, name: &str, head: &[u8]) {
    let tally = &siege.tally;
    let Ok(mut wire) = Wire::connect(siege.target.address).await else {
        return tally.count("could not connect");
    };
    let _ = wire.send(head).await;
    let (bytes, end) = wire.rest(PATIENCE).await;
    match answers::statuses(&bytes).as_slice() {
        [] => tally.count(format!("{name}: closed")),
        [status] if (400..500).contains(status) => tally.count(format!("{name}: {status}")),
        statuses => tally.fault(format!("{name}: answered {statuses:?}")),
    }
    if end == End::Open {
        tally.fault(format!("{name}: the connection stays open"));
    }
}
