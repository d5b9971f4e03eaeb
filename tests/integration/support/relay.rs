//! A way to a server that can be cut, as a network can.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::thread;

/// Listens on loopback, and hands everything on.
pub(crate) struct Relay {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    is_cut: bool,
    /// How each is ended.
    connections: Vec<Box<dyn Fn() -> io::Result<()> + Send>>,
}

impl Relay {
    /// A way to `backend`, `HOST:PORT` or `unix://PATH`.
    pub(crate) fn start(backend: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("a listener has an address");
        let state = Arc::<Mutex<State>>::default();
        let (backend, shared) = (backend.to_owned(), Arc::clone(&state));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let mut state = shared.lock().expect("nobody panicked");
                if state.is_cut {
                    continue;
                }
                match backend.strip_prefix("unix://") {
                    Some(path) => state.join(client, UnixStream::connect(path)),
                    None => state.join(client, TcpStream::connect(&backend)),
                }
            }
        });
        Relay { address, state }
    }

    /// `HOST:PORT` of this side.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// How many connections were made since it was last cut.
    pub(crate) fn connections(&self) -> usize {
        let state = self.state.lock().expect("nobody panicked");
        state.connections.len()
    }

    /// Ends all connections, and every new one at once.
    pub(crate) fn cut(&self) {
        let mut state = self.state.lock().expect("nobody panicked");
        state.is_cut = true;
        for end in state.connections.drain(..) {
            // Its other side may have ended it already.
            let _ = end();
        }
    }

    /// Hands on again.
    pub(crate) fn mend(&self) {
        self.state.lock().expect("nobody panicked").is_cut = false;
    }
}

impl State {
    fn join<S: Socket>(&mut self, client: TcpStream, server: io::Result<S>) {
        let Ok(server) = server else { return };
        let (from_client, from_server) = (client.copy(), server.copy());
        self.connections.push(Box::new({
            let (client, server) = (client.copy(), server.copy());
            move || client.end(Shutdown::Both).and(server.end(Shutdown::Both))
        }));
        pump(from_client, server);
        pump(from_server, client);
    }
}

fn pump(mut from: impl Socket, mut to: impl Socket) {
    thread::spawn(move || {
        // However it ends, the other side has to know.
        let _ = io::copy(&mut from, &mut to);
        let _ = to.end(Shutdown::Write);
    });
}

/// A connection over TCP or a Unix socket.
trait Socket: Read + Write + Send + Sync + Sized + 'static {
    fn copy(&self) -> Self;
    fn end(&self, how: Shutdown) -> io::Result<()>;
}

impl Socket for TcpStream {
    fn copy(&self) -> Self {
        self.try_clone().expect("a socket can be shared")
    }

    fn end(&self, how: Shutdown) -> io::Result<()> {
        self.shutdown(how)
    }
}

impl Socket for UnixStream {
    fn copy(&self) -> Self {
        self.try_clone().expect("a socket can be shared")
    }

    fn end(&self, how: Shutdown) -> io::Result<()> {
        self.shutdown(how)
    }
}
