//! A server that may have few files open, and more guests than that.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::figures::Scarcity;
use crate::server::Shop;
use crate::shopper::Shopper;
use crate::trouble::Trouble;
use crate::wait::until;

/// Enough for the server itself and its database.
const DESCRIPTORS: u32 = 128;
const GUESTS: usize = 400;

/// To get in line: the kernel sees to that.
const IN_LINE: Duration = Duration::from_millis(500);

/// For a guest to be served, when there is a place.
const PATIENCE: Duration = Duration::from_millis(20);

/// Until a new guest must be served after the others have gone.
const RECOVERY: Duration = Duration::from_secs(30);

pub(crate) fn endure(
    shop: &Shop,
    arguments: &[String],
    token: &str,
    book: i64,
) -> Result<Scarcity, Trouble> {
    let mut server = shop.serve_with_descriptors(DESCRIPTORS, arguments)?;
    // Whoever does not even get in line ends it: the line is full.
    let guests: Vec<_> = (0..GUESTS).map_while(|_| guest(server.address).ok()).collect();
    let served = guests.iter().filter(|(_, is_served)| *is_served).count();
    let present = guests.len();
    drop(guests);
    let gone = Instant::now();
    let sold = until(RECOVERY, || {
        // A new client each time: what counts is who comes now.
        let shopper = Shopper::new(server.address, token.to_owned(), vec![book], 10).ok()?;
        shopper.buys_under(&format!("scarce-{}", server.pid())).then_some(())
    });
    Ok(Scarcity {
        descriptors: DESCRIPTORS,
        guests: present,
        served,
        is_alive: server.is_alive(),
        sold_after: sold.map(|()| gone.elapsed().as_secs_f64()),
    })
}

/// Somebody who comes, asks, and stays; and whether there was an answer.
fn guest(address: SocketAddr) -> std::io::Result<(TcpStream, bool)> {
    let mut stream = TcpStream::connect_timeout(&address, IN_LINE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: siege\r\n\r\n")?;
    let is_served = matches!(stream.read(&mut [0; 512]), Ok(1..));
    Ok((stream, is_served))
}
