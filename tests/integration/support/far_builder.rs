//! A BuildKit elsewhere, for builders with the driver `remote`: that of one of the lab's engines, which
//! hands it out over its API (`POST /grpc`), on a TCP port.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::Machine;
use super::lab::Store;

/// Listens on loopback for as long as the tests run.
pub(crate) struct FarBuilder {
    address: SocketAddr,
    is_away: Arc<AtomicBool>,
}

const REQUEST: &str = "POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\
                       Content-Length: 0\r\n\r\n";

impl FarBuilder {
    /// The builder of the engine with the containerd store: that of the other one writes no archives.
    pub(crate) fn start() -> Self {
        let address = Store::Containerd.address();
        let socket = address.strip_prefix("unix://").map(str::to_owned);
        let socket = socket.expect("the lab's engines listen on sockets");
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let is_away = Arc::new(AtomicBool::new(false));
        let builder = FarBuilder {
            address: listener.local_addr().expect("a listener has an address"),
            is_away: Arc::clone(&is_away),
        };
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if !is_away.load(Ordering::SeqCst) {
                    let socket = socket.clone();
                    thread::spawn(move || join(client, &socket));
                }
            }
        });
        builder
    }

    /// Makes it known to the machine's buildx under `name`.
    pub(crate) fn introduce(&self, machine: &Machine, name: &str) {
        let place = format!("tcp://{}", self.address);
        machine.docker(&[
            "buildx", "create", "--name", name, "--driver", "remote", &place,
        ]);
    }

    /// Answers nobody any more.
    pub(crate) fn leave(&self) {
        self.is_away.store(true, Ordering::SeqCst);
    }
}

fn join(client: TcpStream, socket: &str) -> io::Result<()> {
    let mut engine = UnixStream::connect(socket)?;
    engine.write_all(REQUEST.as_bytes())?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        engine.read_exact(&mut byte)?;
        head.extend(byte);
    }
    assert!(
        head.starts_with(b"HTTP/1.1 101 "),
        "{}",
        String::from_utf8_lossy(&head)
    );
    let (mut from_client, mut to_engine) = (client.try_clone()?, engine.try_clone()?);
    thread::spawn(move || {
        let copied = io::copy(&mut from_client, &mut to_engine);
        // However it ends, the other side has to know.
        let _ = to_engine.shutdown(Shutdown::Write);
        copied
    });
    let mut to_client = client;
    let copied = io::copy(&mut engine, &mut to_client);
    let _ = to_client.shutdown(Shutdown::Write);
    copied.map(drop)
}
