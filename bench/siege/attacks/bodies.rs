//! A body of 1 GB, as fast as a good line carries it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::Siege;
use super::wire::{End, Wire};
use crate::answers;
use crate::hostile::{PART, huge_body};

const SIZE: usize = 1_000_000_000;

/// Bytes a second: a line of 1 Gbit/s.
const SPEED: f64 = 125e6;

/// For the answer, once all is sent or nothing more is taken.
const PATIENCE: Duration = Duration::from_secs(15);

/// Between two bodies.
const REST: Duration = Duration::from_millis(500);

pub(super) async fn run(siege: Arc<Siege>) {
    loop {
        for (is_chunked, has_token) in [(false, true), (true, true), (false, false), (true, false)]
        {
            send(&siege, is_chunked, has_token).await;
            sleep(REST).await;
        }
    }
}

async fn send(siege: &Siege, is_chunked: bool, has_token: bool) {
    let tally = &siege.tally;
    let Ok(mut wire) = Wire::connect(siege.target.address).await else {
        return tally.count("could not connect");
    };
    let size = siege.scaled(SIZE);
    let token = has_token.then_some(siege.target.token.as_str());
    let [head, part] = huge_body(token, is_chunked, size);
    tally.count("bodies begun");
    let start = Instant::now();
    let mut sent = 0;
    let mut seen = Vec::new();
    let mut is_open = wire.send(&head).await.is_ok();
    while is_open && sent < size {
        sleep_until(start + Duration::from_secs_f64(sent as f64 / SPEED)).await;
        is_open = matches!(tokio::time::timeout(PATIENCE, wire.send(&part)).await, Ok(Ok(())));
        let (bytes, end) = wire.look();
        seen.extend(bytes);
        is_open &= end == End::Open;
        sent += PART;
    }
    tally.add("MB taken", (sent / 1_000_000) as u64);
    if is_open {
        tally.count("bodies taken to their end");
    }
    seen.extend(wire.rest(PATIENCE).await.0);
    match answers::statuses(&seen).first() {
        Some(status @ (401 | 408 | 413 | 429)) => tally.count(format!("answered {status}")),
        Some(status) => tally.fault(format!("a body of 1 GB was answered {status}")),
        // Who still sends when the other side closes loses the answer to a reset.
        None => tally.count("closed"),
    }
}
