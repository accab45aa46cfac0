//! Connections that send a byte a second: of a head, of the head of a second request, of a body.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::Siege;
use super::wire::{End, Wire};
use crate::answers;
use crate::hostile::Slow;

/// Between two bytes.
const PACE: Duration = Duration::from_secs(1);

/// Over so much of the attack its connections are opened.
const RAMP: f64 = 0.15;

const HEADS: usize = 1_000;
const SECOND_HEADS: usize = 500;
const BODIES: usize = 500;

/// Sent at once by every tenth of the slow heads: it is to be kept in memory as long as the rest of the
/// head may take.
const BULK: usize = 100 << 10;

pub(super) async fn heads(siege: Arc<Siege>) {
    crowd(siege, HEADS, |_, number| Slow::head(if number % 10 == 0 { BULK } else { 0 })).await;
}

pub(super) async fn second_heads(siege: Arc<Siege>) {
    crowd(siege, SECOND_HEADS, |_, _| Slow::second_head()).await;
}

pub(super) async fn bodies(siege: Arc<Siege>) {
    crowd(siege, BODIES, |siege, number| Slow::body(&siege.target.token, number % 2 == 1)).await;
}

async fn crowd(siege: Arc<Siege>, whole: usize, plan: fn(&Siege, usize) -> Slow) {
    let count = siege.scaled(whole);
    let ramp = siege.length.mul_f64(RAMP);
    for number in 0..count {
        let (siege, plan) = (Arc::clone(&siege), plan(&siege, number));
        let wait = ramp.mul_f64(number as f64 / count as f64);
        tokio::spawn(async move {
            sleep(wait).await;
            loop {
                drip(&siege, &plan).await;
                // Sent away: comes back.
                sleep(PACE).await;
            }
        });
    }
}

/// One connection, from its first byte to its end.
async fn drip(siege: &Siege, plan: &Slow) {
    let tally = &siege.tally;
    let Ok(mut wire) = Wire::connect(siege.target.address).await else {
        return tally.count("could not connect");
    };
    tally.count("connections");
    if !plan.first.is_empty() {
        let sent = wire.send(plan.first).await;
        match (sent, wire.answer(Duration::from_secs(10)).await) {
            (Ok(()), Ok(200)) => {}
            _ => return tally.count("first request not answered with 200"),
        }
    }
    if wire.send(&plan.start).await.is_err() {
        return tally.count("closed");
    }
    let mut due = Instant::now();
    for byte in plan.drip.iter().cycle() {
        due += PACE;
        sleep_until(due).await;
        let sent = wire.push(&[*byte]);
        let (bytes, end) = wire.look();
        if let Some(status) = answers::statuses(&bytes).first() {
            tally.count(format!("answered {status}"));
            if !(400..500).contains(status) {
                tally.fault(format!("a request that never ended was answered {status}"));
            }
            return;
        }
        if sent.is_err() || end == End::Closed {
            return tally.count("closed");
        }
    }
}
