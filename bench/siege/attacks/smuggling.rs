//! Requests that somebody may take for two, round after round.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::Siege;
use super::wire::{End, Wire};
use crate::answers::{self, Outcome};
use crate::shapes::{Bait, Shape};

/// Between two of them.
const PACE: Duration = Duration::from_millis(25);

/// Longer than a server may wait for the rest of a body.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn run(siege: Arc<Siege>) {
    // Keys that earlier sieges did not use.
    let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let first = started.unwrap_or_default().as_millis() as usize;
    for round in first.. {
        let target = &siege.target;
        let (outer, inner) = (target.outer, target.inner);
        for shape in (Bait { token: &target.token, outer, inner, round }).shapes() {
            let siege = Arc::clone(&siege);
            // Some take as long as the server has patience: the next one need not wait for that.
            tokio::spawn(async move { send(&siege, &shape).await });
            sleep(PACE).await;
        }
        siege.tally.count("rounds begun");
    }
}

async fn send(siege: &Siege, shape: &Shape) {
    let tally = &siege.tally;
    let Ok(mut wire) = Wire::connect(siege.target.address).await else {
        return tally.count("could not connect");
    };
    let _ = wire.send(&shape.bytes).await;
    let (bytes, end) = wire.rest(PATIENCE).await;
    if end == End::Open {
        return tally.fault(format!("{}: the connection stays open", shape.name));
    }
    match answers::judge(shape, &answers::statuses(&bytes)) {
        Ok(Outcome::Refused(None)) => tally.count("closed"),
        Ok(Outcome::Refused(Some(status))) => tally.count(format!("refused {status}")),
        Ok(Outcome::One(status)) => tally.count(format!("one request, {status}")),
        Err(fault) => tally.fault(fault),
    }
}
