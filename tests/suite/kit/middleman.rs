//! Somebody between the service and its database who hides from the one that the other speaks TLS.

use std::io::{Read, Result, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

use super::{Backend, Database};

/// MySQL's capability CLIENT_SSL (0x0800), in the second byte of the capabilities.
const CLIENT_SSL: u8 = 0x08;

/// Starts one before `database` and gives the port. It ends with the test's process.
pub fn hide_tls(database: &Database) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (backend, address) = (database.backend, database.server_address());
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (client, address) = (client.unwrap(), address.clone());
            // A client that goes away is what this is about.
            std::thread::spawn(move || relay(backend, client, &address));
        }
    });
    port
}

fn relay(backend: Backend, mut client: TcpStream, address: &str) -> Result<()> {
    let mut server = TcpStream::connect(address)?;
    match backend {
        // An SSLRequest has eight bytes; N is a server's no.
        Backend::Postgres => {
            client.read_exact(&mut [0; 8])?;
            client.write_all(b"N")?;
        }
        _ => client.write_all(&greeting_without_tls(&mut server)?)?,
    }
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    std::io::copy(&mut server, &mut client)?;
    client.shutdown(Shutdown::Both)
}

/// The first packet of a MySQL server: length (3 bytes), number (1), protocol (1), version up to a zero, thread
/// (4), salt (8), a zero (1), capabilities (2), and more.
fn greeting_without_tls(server: &mut TcpStream) -> Result<Vec<u8>> {
    let mut packet = vec![0; 4];
    server.read_exact(&mut packet)?;
    let length = usize::from(packet[0]) | usize::from(packet[1]) << 8;
    packet.resize(4 + length, 0);
    server.read_exact(&mut packet[4..])?;
    let version = packet[5..].iter().position(|byte| *byte == 0).expect("a version");
    let capabilities = 5 + version + 1 + 4 + 8 + 1;
    assert!(packet[capabilities + 1] & CLIENT_SSL != 0, "the server speaks no TLS");
    packet[capabilities + 1] &= !CLIENT_SSL;
    Ok(packet)
}
