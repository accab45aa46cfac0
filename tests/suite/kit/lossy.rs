//! A network between a client and the service that loses the first answer, and has a proxy in it that
//! refuses the second request.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Server;

/// What the proxy says to the second try.
const NOT_NOW: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n\
    Content-Type: application/problem+json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";

/// Ends with the test's process.
pub struct LossyNetwork {
    url: String,
    tries: Arc<AtomicUsize>,
}

impl LossyNetwork {
    pub fn to(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let address = server.address().to_owned();
        let tries = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&tries);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, address) = (client.unwrap(), address.clone());
                let number = counter.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || {
                    // A connection that breaks is what this is about.
                    let _ = match number {
                        0 => lose_the_answer(client, &address),
                        1 => refuse(client),
                        _ => pass(client, &address),
                    };
                });
            }
        });
        Self { url, tries }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Connections so far.
    pub fn tries(&self) -> usize {
        self.tries.load(Ordering::SeqCst)
    }
}

/// The service gets the request, does it and answers; the client hears nothing.
fn lose_the_answer(mut client: TcpStream, address: &str) -> std::io::Result<()> {
    let mut server = TcpStream::connect(address)?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || std::io::copy(&mut from, &mut to));
    let lost = server.read(&mut [0; 1 << 14])?;
    assert!(lost > 0, "the service did not answer");
    client.flush()?;
    client.shutdown(Shutdown::Both)
}

fn refuse(mut client: TcpStream) -> std::io::Result<()> {
    let _ = client.read(&mut [0; 1 << 14])?;
    client.write_all(NOT_NOW)
}

fn pass(mut client: TcpStream, address: &str) -> std::io::Result<()> {
    let mut server = TcpStream::connect(address)?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    std::io::copy(&mut server, &mut client)?;
    client.shutdown(Shutdown::Both)
}
