//! Heads beyond measure.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::Siege;
use super::wire::{End, Wire};
use crate::answers;

/// Between two of them.
const PACE: Duration = Duration::from_millis(50);

const PATIENCE: Duration = Duration::from_secs(15);

fn heads() -> [(&'static str, Vec<u8>); 4] {
    let start = "GET /v1/books HTTP/1.1\r\nHost: siege\r\n";
    let many: String = (0..10_000).map(|number| format!("X-{number}: y\r\n")).collect();
    [
        ("10,000 headers", format!("{start}{many}\r\n")),
        ("a header of 1 MiB", format!("{start}X: {}\r\n\r\n", "y".repeat(1 << 20))),
        ("a name of 100 KiB", format!("{start}X-{}: y\r\n\r\n", "n".repeat(100 << 10))),
        (
            "an address of 1 MiB",
            format!("GET /{} HTTP/1.1\r\nHost: siege\r\n\r\n", "a".repeat(1 << 20)),
        ),
    ]
    .map(|(name, head)| (name, head.into_bytes()))
}

pub(super) async fn run(siege: Arc<Siege>) {
    let heads = heads();
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
