//! Connections that ask for much, many times over, and never read an answer.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::Siege;
use super::wire::Wire;
use crate::hostile::wishes;

const CONNECTIONS: usize = 1_000;

/// Over so much of the attack its connections are opened.
const RAMP: f64 = 0.25;

/// Between two looks whether the connection is still there.
const PACE: Duration = Duration::from_secs(1);

/// More bytes of small requests than the server may want to keep.
const FLOOD: usize = 128 << 10;

pub(super) async fn run(siege: Arc<Siege>) {
    let count = siege.scaled(CONNECTIONS);
    let ramp = siege.length.mul_f64(RAMP);
    for number in 0..count {
        let siege = Arc::clone(&siege);
        let wait = ramp.mul_f64(number as f64 / count as f64);
        tokio::spawn(async move {
            let wishes = wishes(number, FLOOD);
            sleep(wait).await;
            loop {
                ask_and_not_listen(&siege, &wishes).await;
                sleep(PACE).await;
            }
        });
    }
}

async fn ask_and_not_listen(siege: &Siege, wishes: &[u8]) {
    let tally = &siege.tally;
    let Ok(mut wire) = Wire::narrow(siege.target.address).await else {
        return tally.count("could not connect");
    };
    tally.count("connections");
    let mut left = wishes;
    loop {
        // When all is said, one byte more: the kernel tells by its reset that the server has closed.
        let bytes = if left.is_empty() { b"\n" } else { left };
        match wire.push(bytes) {
            Ok(written) => left = left.get(written..).unwrap_or_default(),
            Err(_) => return tally.count("closed"),
        }
        sleep(PACE).await;
    }
}
